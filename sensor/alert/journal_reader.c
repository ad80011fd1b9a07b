/* A reader of the journal, in the sensor's process or another. It only reads, keeps its place, and
 * never takes a frame on trust.
 *
 * Where a frame is damaged: when a good one follows, the damage is told once (−1) and the next call
 * goes on behind it. At the very end nothing can follow, so it is either a frame that is being
 * written just now (another process's `until` is unbounded: wait) or one that `until` says must be
 * there (told once, then waited for). Thread: the reader's. */
#include "frame.h"
#include "weir/alert/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct journal_reader {
    int fd, mark; /* mark: of how far it is synced; −1: there is none */
    char *path;
    uint64_t after; /* the last sequence number that was given out or is not wanted */
    uint64_t last;  /* the last one seen */
    off_t at;       /* where the next frame begins */
    off_t told;     /* damage at the end that was told already, −1: none */
    struct frame frame;
};

struct journal_reader *journal_reader_open(const char *folder, uint64_t after, struct error *error)
{
    struct journal_reader *reader = xcalloc(1, sizeof *reader);
    reader->path = xasprintf("%s/%s", folder, frame_file);
    reader->after = after;
    reader->told = -1;
    char *mark = xasprintf("%s/%s", folder, frame_mark);
    reader->mark = open(mark, O_RDONLY | O_CLOEXEC);
    free(mark);
    reader->fd = open(reader->path, O_RDONLY | O_CLOEXEC);
    if (reader->fd >= 0)
        return reader;
    if (errno == ENOENT)
        error_set(error, ERROR_RUN, "%s: there is none: did a sensor ever run there?",
                  reader->path);
    else
        error_set(error, ERROR_RUN, "%s: %s", reader->path, strerror(errno));
    journal_reader_close(reader);
    return NULL;
}

void journal_reader_close(struct journal_reader *reader)
{
    if (!reader)
        return;
    if (reader->fd >= 0)
        close(reader->fd);
    if (reader->mark >= 0)
        close(reader->mark);
    buffer_fini(&reader->frame.line);
    free(reader->path);
    free(reader);
}

uint64_t journal_reader_durable(const struct journal_reader *reader)
{
    uint64_t durable = 0;
    return reader->mark >= 0 && pread(reader->mark, &durable, sizeof durable, 0) == sizeof durable
               ? durable
               : 0;
}

static int damaged(struct journal_reader *reader, uint64_t until, struct error *error)
{
    off_t from = reader->at;
    enum frame_result result = frame_search(reader->fd, from + 1, reader->last, &reader->frame);
    if (result == FRAME_OK) {
        reader->at = reader->frame.at;
        return error_set(error, ERROR_RUN,
                         "%s: damaged from byte %lld to %lld, after alert %" PRIu64, reader->path,
                         (long long)from, (long long)reader->at, reader->last);
    }
    if (result == FRAME_ERROR)
        return error_set(error, ERROR_RUN, "%s: %s", reader->path, strerror(errno));
    if (until == UINT64_MAX || reader->last >= until || reader->told == from)
        return 0;
    reader->told = from;
    return error_set(error, ERROR_RUN, "%s: damaged from byte %lld on, after alert %" PRIu64,
                     reader->path, (long long)from, reader->last);
}

int journal_reader_next(struct journal_reader *reader, uint64_t until, const char **line,
                        size_t *size, uint64_t *sequence, struct error *error)
{
    for (;;) {
        enum frame_result result = frame_read(reader->fd, reader->at, &reader->frame);
        if (result == FRAME_END)
            return 0;
        if (result == FRAME_ERROR)
            return error_set(error, ERROR_RUN, "%s: %s", reader->path, strerror(errno));
        if (result != FRAME_OK || reader->frame.sequence <= reader->last)
            return damaged(reader, until, error);
        if (reader->frame.sequence > until)
            return 0;
        reader->at = reader->frame.next;
        reader->last = reader->frame.sequence;
        if (reader->last > reader->after)
            break;
    }
    reader->after = reader->last;
    *line = (const char *)reader->frame.line.data;
    *size = reader->frame.line.size;
    *sequence = reader->frame.sequence;
    return 1;
}
