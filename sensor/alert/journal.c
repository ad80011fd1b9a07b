/* The journal: the one truth about what was raised. Sinks read it, they are never told directly.
 *
 * Appending writes at a known offset, so a write that failed half-way is cut off again and the file
 * stays well-formed. What is not yet synced is also kept in memory (bounded): after a failed
 * fdatasync the kernel may have dropped the pages and would report success the next time, so they
 * are written anew before the next try.
 *
 * At opening the file is walked once. Behind the last good frame, everything is a torn tail and is
 * cut; damage before it is stepped over and kept, because what follows it is good. A file that
 * is no journal at all is refused, not cut.
 *
 * Invariants: durable_end <= end; bytes [durable_end, end) of the file are `unsynced`; sequence
 * numbers grow by one. Thread: the engine's; one process (flock). */
#include "weir/alert/journal.h"

#include "frame.h"
#include "weir/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNSYNCED_MAX                                                                               \
    (16u << 20) /* then appending fails: the disk has not taken anything for long */

struct journal {
    int fd, mark; /* mark: how far it is synced, for readers of other processes */
    char *folder, *path;
    uint64_t last, durable; /* sequence numbers */
    off_t end, durable_end;
    struct buffer unsynced;
    bool ragged;  /* a failed write may have left bytes behind `end` */
    bool rewrite; /* a sync failed: write `unsynced` again before the next */
};

static int say_errno(struct error *error, const char *path, const char *what)
{
    return error_set(error, ERROR_RUN, "%s: %s: %s", path, what, strerror(errno));
}

/* --- opening ---------------------------------------------------------------------------------- */

static int walk(struct journal *journal, struct error *error)
{
    struct frame frame = {0};
    enum frame_result result;
    while ((result = frame_read(journal->fd, journal->end, &frame)) != FRAME_END) {
        if (result != FRAME_OK || frame.sequence <= journal->last)
            result = frame_search(journal->fd, journal->end + 1, journal->last, &frame);
        if (result != FRAME_OK)
            break;
        if (frame.at != journal->end)
            log_warn("%s: damaged from byte %lld to %lld, the alerts there are lost", journal->path,
                     (long long)journal->end, (long long)frame.at);
        journal->last = frame.sequence;
        journal->end = frame.next;
    }
    buffer_fini(&frame.line);
    if (result == FRAME_ERROR)
        return say_errno(error, journal->path, "cannot be read");
    return 0;
}

/* A file with no good frame is one whose very first frame was torn, or something else. */
static bool looks_like_journal(const struct journal *journal)
{
    struct buffer first = {0};
    char have[4] = {0};
    frame_put(&first, 1, "", 0);
    ssize_t got = pread(journal->fd, have, sizeof have, 0);
    bool same = got > 0 && memcmp(have, first.data, (size_t)got) == 0;
    buffer_fini(&first);
    return same;
}

static int cut_tail(struct journal *journal, uint64_t *cut_bytes, struct error *error)
{
    struct stat st;
    if (fstat(journal->fd, &st) != 0)
        return say_errno(error, journal->path, "cannot be read");
    *cut_bytes = (uint64_t)(st.st_size - journal->end);
    if (*cut_bytes == 0)
        return 0;
    if (journal->end == 0 && !looks_like_journal(journal))
        return error_set(error, ERROR_RUN, "%s: is not a journal of alerts: move it away",
                         journal->path);
    if (ftruncate(journal->fd, journal->end) != 0 || fdatasync(journal->fd) != 0)
        return say_errno(error, journal->path, "its torn end cannot be cut");
    return 0;
}

/* So that a new journal's name survives a loss of power. */
static int sync_folder(const char *folder, struct error *error)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 || fsync(fd) != 0;
    if (failed)
        say_errno(error, folder, "cannot be synced");
    if (fd >= 0)
        close(fd);
    return failed ? -1 : 0;
}

static int open_file(struct journal *journal, const char *folder, struct error *error)
{
    journal->fd = open(journal->path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (journal->fd < 0)
        return say_errno(error, journal->path, "cannot be opened");
    if (flock(journal->fd, LOCK_EX | LOCK_NB) != 0)
        return error_set(error, ERROR_RUN, "%s: in use: is another weir running there?",
                         journal->path);
    char *mark = xasprintf("%s/%s", folder, frame_mark);
    journal->mark = open(mark, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    int failed = journal->mark < 0 ? say_errno(error, mark, "cannot be opened") : 0;
    free(mark);
    return failed ? -1 : sync_folder(folder, error);
}

/* Readers of other processes look here; it outlives nobody, since every opening says it anew. */
static int tell_durable(const struct journal *journal, struct error *error)
{
    ssize_t wrote = pwrite(journal->mark, &journal->durable, sizeof journal->durable, 0);
    if (wrote == (ssize_t)sizeof journal->durable)
        return 0;
    return say_errno(error, journal->path, "readers cannot be told how far it is synced");
}

struct journal *journal_open(const char *folder, uint64_t *cut_bytes, struct error *error)
{
    uint64_t unused;
    struct journal *journal = xcalloc(1, sizeof *journal);
    journal->mark = -1;
    journal->folder = xstrdup(folder);
    journal->path = xasprintf("%s/%s", folder, frame_file);
    if (open_file(journal, folder, error) != 0 || walk(journal, error) != 0 ||
        cut_tail(journal, cut_bytes ? cut_bytes : &unused, error) != 0) {
        journal_close(journal);
        return NULL;
    }
    journal->durable = journal->last;
    journal->durable_end = journal->end;
    if (tell_durable(journal, error) != 0) {
        journal_close(journal);
        return NULL;
    }
    return journal;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    if (journal->fd >= 0)
        close(journal->fd);
    if (journal->mark >= 0)
        close(journal->mark);
    buffer_fini(&journal->unsynced);
    free(journal->folder);
    free(journal->path);
    free(journal);
}

/* --- writing ---------------------------------------------------------------------------------- */

static int write_at(int fd, const void *data, size_t size, off_t at)
{
    for (size_t done = 0; done < size;) {
        ssize_t wrote = pwrite(fd, (const uint8_t *)data + done, size - done, at + (off_t)done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return -1;
        done += (size_t)wrote;
    }
    return 0;
}

/* Whatever a failed write left behind is cut before anything else is appended. */
static int smooth(struct journal *journal)
{
    if (journal->ragged && ftruncate(journal->fd, journal->end) != 0)
        return -1;
    journal->ragged = false;
    return 0;
}

uint64_t journal_append(struct journal *journal, const char *line, size_t size, struct error *error)
{
    if (size > FRAME_LINE_MAX) {
        error_set(error, ERROR_RUN, "%s: an alert of %zu bytes is longer than %u", journal->path,
                  size, FRAME_LINE_MAX);
        return 0;
    }
    if (journal->unsynced.size > UNSYNCED_MAX) {
        error_set(error, ERROR_RUN, "%s: %zu bytes could not be synced, no more are taken",
                  journal->path, journal->unsynced.size);
        return 0;
    }
    size_t before = journal->unsynced.size;
    frame_put(&journal->unsynced, journal->last + 1, line, size);
    size_t frame_size = journal->unsynced.size - before;
    if (smooth(journal) != 0 ||
        write_at(journal->fd, journal->unsynced.data + before, frame_size, journal->end) != 0) {
        say_errno(error, journal->path, "an alert cannot be appended");
        journal->unsynced.size = before;
        journal->ragged = true;
        smooth(journal);
        return 0;
    }
    journal->end += (off_t)frame_size;
    return ++journal->last;
}

int journal_sync(struct journal *journal, struct error *error)
{
    if (journal->unsynced.size == 0)
        return 0;
    if (journal->rewrite && write_at(journal->fd, journal->unsynced.data, journal->unsynced.size,
                                     journal->durable_end) != 0)
        return say_errno(error, journal->path, "cannot be written again");
    if (fdatasync(journal->fd) != 0) {
        journal->rewrite = true;
        return say_errno(error, journal->path, "cannot be synced");
    }
    journal->rewrite = false;
    journal->unsynced.size = 0;
    journal->durable = journal->last;
    journal->durable_end = journal->end;
    return tell_durable(journal, error);
}

uint64_t journal_last(const struct journal *journal)
{
    return journal->last;
}

uint64_t journal_durable(const struct journal *journal)
{
    return journal->durable;
}

int journal_each_since(const struct journal *journal, uint64_t after,
                       void (*each)(void *context, const char *line, size_t size), void *context,
                       struct error *error)
{
    const char *line;
    size_t size;
    uint64_t sequence;
    struct journal_reader *reader = journal_reader_open(journal->folder, after, error);
    if (!reader)
        return -1;
    for (int result = 1; result != 0;) {
        struct error damage = {0};
        result = journal_reader_next(reader, journal->last, &line, &size, &sequence, &damage);
        if (result > 0)
            each(context, line, size);
        else if (result < 0)
            log_warn("%s", damage.message);
    }
    journal_reader_close(reader);
    return 0;
}
