/* Writes a journal, for tests of those who read it.
 *
 *   journal_feed FOLDER SEGMENT_BYTES            lines of standard input; "." syncs, and so does
 * its end journal_feed FOLDER SEGMENT_BYTES numbers    records that say their number, for ever
 *   journal_feed FOLDER SEGMENT_BYTES bench N    N records of 2 kB, synced by 100
 *
 * After each sync the last number that is durable is told on standard output. */
#include "weir/alert/journal.h"
#include "weir/base/buffer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fail(const struct error *error)
{
    fprintf(stderr, "journal_feed: %s\n", error->message);
    return 1;
}

static int sync_and_tell(struct journal *journal, struct error *error)
{
    char text[32];
    if (journal_sync(journal, error) != 0)
        return -1;
    int size = snprintf(text, sizeof text, "%" PRIu64 "\n", journal_durable(journal));
    return write(STDOUT_FILENO, text, (size_t)size) == size ? 0 : -1;
}

static int feed_lines(struct journal *journal, struct error *error)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    int failed = 0;
    while (!failed && (size = getline(&line, &room, stdin)) > 0) {
        if (line[size - 1] == '\n')
            size--;
        failed = size == 1 && *line == '.'
                     ? sync_and_tell(journal, error)
                     : journal_append(journal, line, (size_t)size, error) == 0;
    }
    free(line);
    return failed ? failed : sync_and_tell(journal, error);
}

static int append_number(struct journal *journal, size_t pad, struct error *error)
{
    uint64_t number = journal_last(journal) + 1;
    char *line =
        xasprintf("{\"@timestamp\":\"2026-03-02T00:00:00.000Z\",\"event\":{\"kind\":"
                  "\"alert\",\"severity\":50},\"n\":%" PRIu64 ",\"by\":%d,\"pad\":\"%0*d\"}",
                  number, (int)getpid(), (int)pad, 0);
    int failed = journal_append(journal, line, strlen(line), error) == 0;
    free(line);
    return failed;
}

static int feed_numbers(struct journal *journal, struct error *error)
{
    for (;;) {
        uint64_t batch = 1 + journal_last(journal) % 7;
        for (uint64_t i = 0; i < batch; i++)
            if (append_number(journal, 10 + journal_last(journal) % 500, error) != 0)
                return -1;
        if (sync_and_tell(journal, error) != 0)
            return -1;
    }
}

static int bench(struct journal *journal, uint64_t count, struct error *error)
{
    for (uint64_t i = 1; i <= count; i++) {
        if (append_number(journal, 1900, error) != 0)
            return -1;
        if ((i % 100 == 0 || i == count) && journal_sync(journal, error) != 0)
            return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct error error = {0};
    if (argc < 3)
        return 2;
    struct journal *journal = journal_open(argv[1], NULL, &error);
    if (!journal)
        return fail(&error);
    struct journal_limits limits = {.segment_bytes = strtoull(argv[2], NULL, 10)};
    journal_limit(journal, &limits);
    int failed = argc == 3 ? feed_lines(journal, &error)
                 : strcmp(argv[3], "bench") == 0
                     ? bench(journal, strtoull(argv[4], NULL, 10), &error)
                     : feed_numbers(journal, &error);
    journal_close(journal);
    return failed ? fail(&error) : 0;
}
