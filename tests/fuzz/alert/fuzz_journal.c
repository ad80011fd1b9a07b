/* The journal over arbitrary bytes: the reader must end, and only give out frames in order; what
 * the writer's opening leaves must be a journal that a reader reads to its end without complaint
 * when no damage lies inside it. The file is in memory where /dev/shm exists. */
#include "weir/alert/journal.h"
#include "weir/base/log.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64], path[128]; /* one a process: libFuzzer gives no other place to keep it */

static void remove_folder(void)
{
    unlink(path);
    rmdir(folder);
}

static void make_folder(void)
{
    const char *at = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof folder, "%s/weir-fuzz-XXXXXX", at);
    if (!mkdtemp(folder))
        abort();
    snprintf(path, sizeof path, "%s/alerts.journal", folder);
    atexit(remove_folder);
    log_set_level(LOG_ERROR_);
}

/* Returns the last sequence number given out. */
static uint64_t read_all(uint64_t until)
{
    struct journal_reader *reader = journal_reader_open(folder, 0, NULL);
    const char *line;
    uint64_t last = 0, sequence;
    size_t length, damaged = 0;
    if (!reader)
        abort();
    for (int result;
         (result = journal_reader_next(reader, until, &line, &length, &sequence, NULL)) != 0;) {
        if (result < 0) {
            if (++damaged > 1u << 20)
                abort(); /* never ends */
            continue;
        }
        if (sequence <= last || sequence > until || (length && !memchr(line, line[0], length)))
            abort();
        last = sequence;
    }
    journal_reader_close(reader);
    return last;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!*folder)
        make_folder();
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
    uint64_t last = read_all(UINT64_MAX);
    if (read_all(last + 1) != last)
        abort();
    struct journal *journal = journal_open(folder, NULL, NULL);
    if (!journal)
        return 0;
    uint64_t durable = journal_durable(journal);
    journal_close(journal);
    if (durable != last || read_all(UINT64_MAX) != last)
        abort();
    return 0;
}
