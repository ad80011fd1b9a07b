/* Opening the journal to write it.
 *
 *   lock → take over the one file of an earlier version → list → adopt the last segment → sync it
 *   → tell readers
 *
 * The last segment is walked. Behind its last good frame, everything is a torn tail and is cut;
 * damage before it is stepped over and kept, because what follows it is good. One in which nothing
 * is good is put aside under another name. Earlier segments are only looked at by their heads: what
 * is damaged in them is said by whoever reads them.
 *
 * When the mark says that more was synced than there is, those records are gone (a disk that lied,
 * a file that was deleted): numbers go on behind them, so none is given twice and no reader's
 * position comes to mean another record. Thread: the engine's, at its start. */
#include "journal_local.h"

#include "mark.h"
#include "weir/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define EARLIER_FILE "alerts.journal"

/* --- the lock, the file of an earlier version ------------------------------------------------- */

static int make_folder(struct journal *journal, struct error *error)
{
    struct stat st;
    if (stat(journal->state_folder, &st) != 0)
        return journal_say_errno(error, journal->state_folder, "cannot be read");
    journal->owner = st.st_uid;
    journal->group = st.st_gid;
    journal->gives_away = geteuid() == 0 && st.st_uid != 0;
    if (mkdir(journal->folder, 0750) != 0 && errno != EEXIST)
        return journal_say_errno(error, journal->folder, "cannot be made");
    int fd = open(journal->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return journal_say_errno(error, journal->folder, "cannot be opened");
    journal_give_away(journal, fd);
    close(fd);
    return 0;
}

static int open_folder(struct journal *journal, struct error *error)
{
    if (make_folder(journal, error) != 0)
        return -1;
    char *path = xasprintf("%s/%s", journal->folder, mark_name);
    int failed = 0;
    journal->mark_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (journal->mark_fd < 0)
        failed = journal_say_errno(error, path, "cannot be opened");
    else if (flock(journal->mark_fd, LOCK_EX | LOCK_NB) != 0)
        failed = error_set(error, ERROR_RUN, "%s: in use: is another weir running there?",
                           journal->folder);
    else
        journal_give_away(journal, journal->mark_fd);
    free(path);
    return failed ? -1 : 0;
}

static int move_earlier(const struct journal *journal, const char *path, int fd,
                        struct error *error)
{
    struct segment segment = {.first = 1};
    enum segment_kind kind = segment_look(fd, &segment);
    if (segment.bytes == 0)
        return unlink(path) == 0 ? 0 : journal_say_errno(error, path, "cannot be deleted");
    if (kind != SEGMENT_BARE)
        return error_set(error, ERROR_RUN, "%s: is not a journal of alerts: move it away", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return error_set(error, ERROR_RUN, "%s: in use: is another weir running there?", path);
    char *to = segment_path(journal->folder, 1);
    int failed = access(to, F_OK) == 0 ? (errno = EEXIST, -1) : rename(path, to);
    if (failed)
        journal_say_errno(error, path, "cannot be taken over as the journal's first segment");
    else
        log_warn("%s: is the journal's first segment now, %s", path, to);
    free(to);
    return failed;
}

static int take_over(const struct journal *journal, struct error *error)
{
    char *path = xasprintf("%s/%s", journal->state_folder, EARLIER_FILE);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), failed = 0;
    if (fd >= 0)
        failed = move_earlier(journal, path, fd, error);
    else if (errno != ENOENT)
        failed = journal_say_errno(error, path, "cannot be opened");
    if (fd >= 0)
        close(fd);
    free(path);
    return failed;
}

/* --- the segments there are ------------------------------------------------------------------- */

static int look_at(struct journal *journal, uint64_t first, struct error *error)
{
    struct segment segment = {.first = first};
    char *path = segment_path(journal->folder, first);
    int fd = segment_open(journal->folder, first, O_RDONLY), failed = 0;
    enum segment_kind kind = fd >= 0 ? segment_look(fd, &segment) : SEGMENT_ERROR;
    if (kind == SEGMENT_ERROR)
        failed = journal_say_errno(error, path, "cannot be read");
    else if (kind == SEGMENT_NEWER)
        failed =
            error_set(error, ERROR_RUN, "%s: is of version %u, a later weir's; this one knows %u",
                      path, segment.version, SEGMENT_VERSION);
    else
        journal_add_segment(journal, &segment);
    if (fd >= 0)
        close(fd);
    free(path);
    return failed;
}

static int look_at_all(struct journal *journal, struct error *error)
{
    uint64_t *first;
    size_t count;
    int failed = 0;
    if (segments_list(journal->folder, &first, &count) != 0)
        return journal_say_errno(error, journal->folder, "cannot be listed");
    for (size_t i = 0; i < count && !failed; i++)
        failed = look_at(journal, first[i], error);
    free(first);
    return failed;
}

/* --- the last one ----------------------------------------------------------------------------- */

static enum frame_result walk(struct journal *journal, bool *any)
{
    struct frame frame = {0};
    enum frame_result result;
    while ((result = frame_read(journal->fd, journal->end, &frame)) != FRAME_END) {
        if (result != FRAME_OK || frame.sequence <= journal->last)
            result = frame_search(journal->fd, journal->end + 1, journal->last, &frame);
        if (result != FRAME_OK)
            break;
        if (frame.at != journal->end)
            log_warn("%s: damaged from byte %lld to %lld, the records there are lost",
                     journal->path, (long long)journal->end, (long long)frame.at);
        journal->last = frame.sequence;
        journal->end = frame.next;
        *any = true;
    }
    buffer_fini(&frame.line);
    return result;
}

static int put_aside(struct journal *journal, struct error *error)
{
    char *to = xasprintf("%s.damaged", journal->path);
    int failed = rename(journal->path, to);
    if (failed)
        journal_say_errno(error, journal->path, "nothing in it is good, it cannot be put aside");
    else
        log_error("%s: nothing in it is good, it is put aside as %s", journal->path, to);
    free(to);
    close(journal->fd);
    journal->fd = -1;
    journal->segments--;
    return failed;
}

/* What a loss of power left of a segment that had no frame yet: the next append begins it anew. */
static int drop_empty(struct journal *journal, uint64_t *cut_bytes, struct error *error)
{
    *cut_bytes += journal->segment[journal->segments - 1].bytes;
    close(journal->fd);
    journal->fd = -1;
    journal->segments--;
    return unlink(journal->path) == 0
               ? 0
               : journal_say_errno(error, journal->path, "cannot be deleted");
}

static int cut_tail(struct journal *journal, uint64_t *cut_bytes, struct error *error)
{
    struct segment *segment = &journal->segment[journal->segments - 1];
    uint64_t torn = segment->bytes - (uint64_t)journal->end;
    segment->bytes = (uint64_t)journal->end;
    *cut_bytes += torn;
    if (torn > 0 && ftruncate(journal->fd, journal->end) != 0)
        return journal_say_errno(error, journal->path, "its torn end cannot be cut");
    if (torn > 0)
        log_warn("%s: its last %" PRIu64 " bytes were half a record and are cut", journal->path,
                 torn);
    return fdatasync(journal->fd) == 0
               ? 0
               : journal_say_errno(error, journal->path, "cannot be synced");
}

/* 1: it was no use, the one before it is the last now. */
static int adopt_last(struct journal *journal, uint64_t *cut_bytes, struct error *error)
{
    struct segment *segment = &journal->segment[journal->segments - 1];
    bool any = false;
    free(journal->path);
    journal->path = segment_path(journal->folder, segment->first);
    journal->fd = segment_open(journal->folder, segment->first, O_RDWR);
    if (journal->fd < 0)
        return journal_say_errno(error, journal->path, "cannot be opened");
    enum segment_kind kind = segment_look(journal->fd, segment);
    journal->last = segment->first - 1;
    journal->end = segment->frames;
    if (walk(journal, &any) == FRAME_ERROR)
        return journal_say_errno(error, journal->path, "cannot be read");
    if (!any && kind == SEGMENT_EMPTY)
        return drop_empty(journal, cut_bytes, error) == 0 ? 1 : -1;
    if (!any && kind != SEGMENT_GOOD)
        return put_aside(journal, error) == 0 ? 1 : -1;
    if (cut_tail(journal, cut_bytes, error) != 0)
        return -1;
    journal->set_aside = journal->durable_end = journal->end;
    if (kind != SEGMENT_GOOD)
        journal_leave_segment(journal);
    return 0;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static int settle_numbers(struct journal *journal, uint64_t promised, struct error *error)
{
    if (promised > journal->last) {
        journal->lost = promised - journal->last;
        log_error("%s: records %" PRIu64 " to %" PRIu64 " were synced and are gone",
                  journal->folder, journal->last + 1, promised);
        journal->last = promised;
        journal_leave_segment(journal);
    }
    journal->durable = journal->last;
    if (mark_write(journal->mark_fd, journal->durable) != 0)
        return journal_say_errno(error, journal->folder,
                                 "readers cannot be told how far it is synced");
    return 0;
}

static int adopt(struct journal *journal, uint64_t *cut_bytes, struct error *error)
{
    uint64_t promised;
    int again = 1;
    mark_read(journal->mark_fd, &promised);
    while (journal->segments > 0 && again > 0)
        again = adopt_last(journal, cut_bytes, error);
    if (again < 0)
        return -1;
    if (journal->segments == 0)
        journal->last = 0;
    return settle_numbers(journal, promised, error);
}

struct journal *journal_open(const char *folder, uint64_t *cut_bytes, struct error *error)
{
    uint64_t cut = 0;
    struct journal *journal = xcalloc(1, sizeof *journal);
    journal->fd = journal->mark_fd = -1;
    journal->state_folder = xstrdup(folder);
    journal->folder = xasprintf("%s/%s", folder, segment_folder);
    int failed = open_folder(journal, error) != 0 || take_over(journal, error) != 0 ||
                 look_at_all(journal, error) != 0 || adopt(journal, &cut, error) != 0 ||
                 journal_sync_folder(journal->folder, error) != 0 ||
                 journal_sync_folder(folder, error) != 0;
    if (cut_bytes)
        *cut_bytes = cut;
    if (!failed)
        return journal;
    journal_close(journal);
    return NULL;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    if (journal->fd >= 0)
        close(journal->fd);
    if (journal->mark_fd >= 0)
        close(journal->mark_fd);
    buffer_fini(&journal->unsynced);
    free(journal->segment);
    free(journal->state_folder);
    free(journal->folder);
    free(journal->path);
    free(journal);
}
