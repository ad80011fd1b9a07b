/* The journal: the one truth about what was raised. Sinks read it, they are never told directly.
 *
 * Appending writes at a known offset, so a write that failed half-way is cut off again and the file
 * stays well-formed. What is not yet synced is also kept in memory (bounded): after a failed
 * fdatasync the kernel may have dropped the pages and would report success the next time, so they
 * are written anew before the next try. A segment is left only when all of it is synced, so what is
 * not synced is always the end of one file.
 *
 * Behind the end of the segment that is written, a MiB of the disk is set aside (fallocate, the
 * file's size stays). When that can no longer be done, or another one could not, the disk is full,
 * and there is still room to say so.
 *
 * Invariants: durable_end <= end; bytes [durable_end, end) of the file are `unsynced`; sequence
 * numbers grow by one; the mark never names one that is not synced. Bounds: UNSYNCED_MAX of memory.
 * Thread: the engine's; one process (the mark is locked). Opening is journal_open.c. */
#include "journal_local.h"

#include "mark.h"
#include "weir/base/folder.h"
#include "weir/base/log.h"
#include "weir/base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define UNSYNCED_MAX                                                                               \
    (16u << 20) /* then appending fails: the disk has not taken anything for long */
#define SET_ASIDE ((off_t)1 << 20)

int journal_say_errno(struct error *error, const char *path, const char *what)
{
    return error_set(error, ERROR_RUN, "%s: %s: %s", path, what, strerror(errno));
}

int64_t journal_now(const struct journal *journal)
{
    if (journal->limits.now_ns)
        return journal->limits.now_ns();
    return ptime_now().ns;
}

int journal_write_at(int fd, const void *data, size_t size, off_t at)
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

/* So that a new file's name survives a cut of power. */
int journal_sync_folder(const char *folder, struct error *error)
{
    return folder_sync(folder) == 0 ? 0 : journal_say_errno(error, folder, "cannot be synced");
}

/* A sensor that runs as another user must be able to go on where an operator's command, which root
 * ran, wrote. */
void journal_give_away(const struct journal *journal, int fd)
{
    if (journal->gives_away && fchown(fd, journal->owner, journal->group) != 0)
        log_warn("%s: cannot be given to its owner: %s", journal->folder, strerror(errno));
}

/* --- room on the disk ------------------------------------------------------------------------- */

/* What all may use is less than what is to be set aside; once it is, less than twice that, so that
 * it is not said again and again. */
static bool is_nearly_full(const struct journal *journal)
{
    struct statvfs disk;
    if (fstatvfs(journal->fd, &disk) != 0 || disk.f_blocks == 0)
        return false;
    return disk.f_bavail < (fsblkcnt_t)SET_ASIDE / disk.f_frsize * (journal->tight ? 2 : 1);
}

/* Only the lack of room counts: a file system that cannot set aside is not full for that. */
static bool can_set_aside(struct journal *journal)
{
    if (journal->set_aside - journal->end >= SET_ASIDE / 2)
        return true;
    if (fallocate(journal->fd, FALLOC_FL_KEEP_SIZE, journal->end, SET_ASIDE) != 0)
        return errno != ENOSPC && errno != EDQUOT;
    journal->set_aside = journal->end + SET_ASIDE;
    return true;
}

static void look_for_room(struct journal *journal)
{
    if (journal->fd >= 0)
        journal->tight = !can_set_aside(journal) || is_nearly_full(journal);
}

bool journal_tight(const struct journal *journal)
{
    return journal->tight;
}

/* --- appending -------------------------------------------------------------------------------- */

/* Whatever a failed write left behind is cut before anything else is appended. */
static int smooth(struct journal *journal)
{
    if (journal->ragged && ftruncate(journal->fd, journal->end) != 0)
        return -1;
    journal->ragged = false;
    return 0;
}

void journal_leave_segment(struct journal *journal)
{
    if (journal->fd < 0)
        return;
    if (ftruncate(journal->fd, journal->end) != 0) /* gives back what was set aside */
        log_debug("%s: %s", journal->path, strerror(errno));
    close(journal->fd);
    journal->fd = -1;
}

static bool segment_is_over(const struct journal *journal)
{
    const struct segment *segment = &journal->segment[journal->segments - 1];
    uint64_t most = journal->limits.segment_bytes;
    return (uint64_t)journal->end >= (most ? most : JOURNAL_SEGMENT_BYTES) ||
           journal_now(journal) / NS_PER_DAY > segment->made_ns / NS_PER_DAY;
}

static int ready_segment(struct journal *journal, struct error *error)
{
    bool synced = journal->unsynced.size == 0 && !journal->ragged;
    if (journal->fd >= 0 && synced && segment_is_over(journal))
        journal_leave_segment(journal);
    return journal->fd >= 0 ? 0 : journal_begin_segment(journal, error);
}

static int refuse(const struct journal *journal, size_t size, struct error *error)
{
    if (size > FRAME_LINE_MAX)
        return error_set(error, ERROR_RUN, "%s: a record of %zu bytes is longer than %u",
                         journal->folder, size, FRAME_LINE_MAX);
    if (journal->unsynced.size > UNSYNCED_MAX)
        return error_set(error, ERROR_RUN, "%s: %zu bytes could not be synced, no more are taken",
                         journal->path, journal->unsynced.size);
    return 0;
}

uint64_t journal_append(struct journal *journal, const char *line, size_t size, struct error *error)
{
    if (refuse(journal, size, error) != 0 || ready_segment(journal, error) != 0)
        return 0;
    size_t before = journal->unsynced.size;
    frame_put(&journal->unsynced, journal->last + 1, line, size);
    size_t frame_size = journal->unsynced.size - before;
    if (smooth(journal) != 0 || journal_write_at(journal->fd, journal->unsynced.data + before,
                                                 frame_size, journal->end) != 0) {
        journal_say_errno(error, journal->path, "a record cannot be appended");
        journal->unsynced.size = before;
        journal->ragged = true;
        smooth(journal);
        return 0;
    }
    journal->end += (off_t)frame_size;
    return ++journal->last;
}

/* --- syncing ---------------------------------------------------------------------------------- */

static int write_mark(struct journal *journal, struct error *error)
{
    journal->unmarked = mark_write(journal->mark_fd, journal->durable) != 0;
    if (!journal->unmarked)
        return 0;
    return journal_say_errno(error, journal->folder, "readers cannot be told how far it is synced");
}

int journal_sync(struct journal *journal, struct error *error)
{
    if (journal->unsynced.size == 0) {
        if (journal->tight)
            look_for_room(journal);
        return journal->unmarked ? write_mark(journal, error) : 0;
    }
    if (journal->rewrite && journal_write_at(journal->fd, journal->unsynced.data,
                                             journal->unsynced.size, journal->durable_end) != 0)
        return journal_say_errno(error, journal->path, "cannot be written again");
    if (fdatasync(journal->fd) != 0) {
        journal->rewrite = true;
        return journal_say_errno(error, journal->path, "cannot be synced");
    }
    journal->rewrite = false;
    journal->unsynced.size = 0;
    journal->durable = journal->last;
    journal->durable_end = journal->end;
    journal->segment[journal->segments - 1].bytes = (uint64_t)journal->end;
    look_for_room(journal);
    return write_mark(journal, error);
}

uint64_t journal_last(const struct journal *journal)
{
    return journal->last;
}

uint64_t journal_durable(const struct journal *journal)
{
    return journal->durable;
}

struct journal_counts journal_counts_of(const struct journal *journal)
{
    struct journal_counts counts = {.segments = journal->segments,
                                    .deleted = journal->deleted,
                                    .deleted_untold = journal->deleted_untold,
                                    .lost = journal->lost};
    for (size_t i = 0; i < journal->segments; i++)
        counts.bytes += journal->segment[i].bytes;
    return counts;
}
