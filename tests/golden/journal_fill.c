/* Appends standard input's lines to the journal of a state directory, for tests of what reads it:
 * journal_fill FOLDER < lines. */
#include "weir/alert/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct error error = {0};
    struct journal *journal = argc == 2 ? journal_open(argv[1], NULL, &error) : NULL;
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    while (journal && (size = getline(&line, &room, stdin)) > 1)
        journal_append(journal, line, (size_t)size - 1, &error);
    if (journal)
        journal_sync(journal, &error);
    if (!journal || error.code != ERROR_NONE)
        fprintf(stderr, "journal_fill: %s\n", error.message);
    journal_close(journal);
    free(line);
    return error.code == ERROR_NONE && argc == 2 ? 0 : 1;
}
