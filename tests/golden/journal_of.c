/* A journal of the records on standard input (NDJSON), in the folder that is named. */
#include "weir/alert/journal.h"

#include <stdio.h>
#include <stdlib.h>

static int fill(struct journal *journal, struct error *error)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    int result = 0;
    while (result == 0 && (size = getline(&line, &room, stdin)) > 0) {
        size -= line[size - 1] == '\n';
        result = journal_append(journal, line, (size_t)size, error) > 0 ? 0 : -1;
    }
    free(line);
    return result == 0 ? journal_sync(journal, error) : -1;
}

int main(int argc, char **argv)
{
    struct error error = {0};
    struct journal *journal = argc == 2 ? journal_open(argv[1], NULL, &error) : NULL;
    if (argc != 2)
        fputs("usage: journal_of FOLDER\n", stderr);
    int result = journal ? fill(journal, &error) : -1;
    if (error.code != ERROR_NONE)
        fprintf(stderr, "journal_of: %s\n", error.message);
    journal_close(journal);
    return result == 0 ? 0 : 1;
}
