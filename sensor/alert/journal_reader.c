/* A reader of the journal, in the sensor's process or another. It only reads, keeps its place, and
 * never takes a frame on trust.
 *
 * It goes from segment to segment: the next one is, when nothing is missing, named by the number
 * after the last, which costs one look; only when that is not there and more is said to be durable
 * is the folder listed. A segment that is deleted while it is read stays readable to its end.
 *
 * Where a frame is damaged: when a good one follows, in this segment or the next, the damage is
 * told once (−1) and the next call goes on behind it. At the very end nothing can follow, so it is
 * either a frame that is being written just now (wait) or one that must be there (told once, then
 * waited for: the writer may begin again behind it). Numbers that no segment has are told likewise.
 * What lies before the reader's beginning is not told. A segment that is there and cannot be read
 * is said once and waited for: nothing behind it is given out before it.
 *
 * Bounds: one frame, one list of segments. Thread: the reader's. */
#include "journal_local.h"
#include "mark.h"

#include "weir/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct journal_reader {
    char *folder, *path; /* path: of the segment that is read */
    int fd, mark_fd;     /* −1: none yet */
    uint64_t first;      /* of the segment that is read */
    uint64_t after;      /* the last sequence number that was given out or is not wanted */
    uint64_t last;       /* the last one seen, or told as gone */
    uint64_t durable;
    bool durable_known;
    off_t at;              /* where the next frame begins */
    off_t told, told_size; /* damage that was told already, in a file so large; −1: none */
    bool failing;          /* the folder or a file cannot be read, and that was told */
    struct frame frame;
};

/* --- how far it is synced --------------------------------------------------------------------- */

uint64_t journal_reader_durable(struct journal_reader *reader)
{
    uint64_t durable;
    if (reader->mark_fd < 0) {
        char *path = xasprintf("%s/%s", reader->folder, mark_name);
        reader->mark_fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        free(path);
    }
    if (reader->mark_fd >= 0 && mark_read(reader->mark_fd, &durable)) {
        reader->durable_known = true;
        if (durable > reader->durable)
            reader->durable = durable;
    }
    return reader->durable;
}

/* --- opening ---------------------------------------------------------------------------------- */

/* Told once: whoever asks again waits, as for news. */
static int say_failing(struct journal_reader *reader, const char *why, struct error *error)
{
    if (reader->failing)
        return 0;
    reader->failing = true;
    return error_set(error, ERROR_RUN, "%s: %s", reader->path ? reader->path : reader->folder, why);
}

static int say_errno(struct journal_reader *reader, struct error *error)
{
    return say_failing(reader, strerror(errno), error);
}

static enum segment_kind enter(struct journal_reader *reader, uint64_t first)
{
    struct segment segment = {.first = first};
    int fd = segment_open(reader->folder, first, O_RDONLY);
    enum segment_kind kind = fd >= 0 ? segment_look(fd, &segment) : SEGMENT_ERROR;
    if (kind == SEGMENT_ERROR || kind == SEGMENT_EMPTY || kind == SEGMENT_NEWER) {
        int cause = errno;
        if (fd >= 0)
            close(fd);
        errno = cause;
        return kind;
    }
    if (reader->fd >= 0)
        close(reader->fd);
    free(reader->path);
    reader->path = segment_path(reader->folder, first);
    reader->fd = fd;
    reader->first = first;
    reader->at = segment.frames;
    reader->told = -1;
    reader->failing = false;
    return kind;
}

static bool is_entered(enum segment_kind kind)
{
    return kind == SEGMENT_GOOD || kind == SEGMENT_BARE || kind == SEGMENT_DAMAGED;
}

/* It is there and cannot be read now (its rights, no descriptors, a bad disk): what it holds is not
 * gone, so nobody goes past it. errno is enter()'s. */
static bool is_in_the_way(enum segment_kind kind)
{
    return kind == SEGMENT_NEWER || (kind == SEGMENT_ERROR && errno != ENOENT);
}

static int say_in_the_way(struct journal_reader *reader, uint64_t first, enum segment_kind kind,
                          struct error *error)
{
    if (kind == SEGMENT_NEWER)
        return say_failing(reader, "its next segment is a later weir's", error);
    char why[200];
    snprintf(why, sizeof why, "its next segment, of record %" PRIu64 ", cannot be read: %s", first,
             strerror(errno));
    return say_failing(reader, why, error);
}

/* The segment that holds the first wanted number, else the first there is. */
static int enter_first(struct journal_reader *reader, struct error *error)
{
    uint64_t *first;
    size_t count, at = 0;
    if (segments_list(reader->folder, &first, &count) != 0)
        return errno == ENOENT
                   ? error_set(error, ERROR_RUN, "%s: there is none: did a sensor ever run there?",
                               reader->folder)
                   : say_errno(reader, error);
    for (size_t low = 0, high = count; low < high;) { /* the last whose first number is no later */
        size_t middle = low + (high - low) / 2;
        if (first[middle] - 1 <= reader->after)
            at = low = middle + 1;
        else
            high = middle;
    }
    if (at > 0)
        at--;
    bool holds = count > 0 && (reader->after == 0 || first[at] - 1 <= reader->after);
    enum segment_kind kind = holds ? enter(reader, first[at]) : SEGMENT_EMPTY;
    if (holds)
        reader->last = first[at] - 1;
    else if (count > 0) /* what is gone in front of the first is told */
        reader->last = reader->after;
    free(first);
    return kind == SEGMENT_ERROR && errno != ENOENT ? say_errno(reader, error) : 0;
}

struct journal_reader *journal_reader_open(const char *folder, uint64_t after, struct error *error)
{
    struct journal_reader *reader = xcalloc(1, sizeof *reader);
    reader->folder = xasprintf("%s/%s", folder, segment_folder);
    reader->after = after;
    reader->fd = reader->mark_fd = -1;
    reader->told = -1;
    if (enter_first(reader, error) == 0)
        return reader;
    journal_reader_close(reader);
    return NULL;
}

void journal_reader_close(struct journal_reader *reader)
{
    if (!reader)
        return;
    if (reader->fd >= 0)
        close(reader->fd);
    if (reader->mark_fd >= 0)
        close(reader->mark_fd);
    buffer_fini(&reader->frame.line);
    free(reader->folder);
    free(reader->path);
    free(reader);
}

/* --- from segment to segment ------------------------------------------------------------------ */

/* Numbers `last`+1 to `through` are nowhere. −1 when somebody wanted them. */
static int note_missing(struct journal_reader *reader, uint64_t through, struct error *error)
{
    uint64_t from = reader->last + 1;
    reader->last = through;
    if (through <= reader->after)
        return 0;
    return error_set(error, ERROR_RUN, "%s: records %" PRIu64 " to %" PRIu64 " are missing",
                     reader->folder, from > reader->after ? from : reader->after + 1, through);
}

/* 1: another segment is read now; 0: there is none, or with `failing` one that cannot be read; −1:
 * an error. */
static int enter_listed(struct journal_reader *reader, struct error *error)
{
    uint64_t *first, beyond = reader->last > reader->first ? reader->last : reader->first;
    size_t count;
    int entered = 0;
    bool stopped = false;
    if (segments_list(reader->folder, &first, &count) != 0)
        return say_errno(reader, error);
    for (size_t i = 0; i < count && entered == 0 && !stopped; i++) {
        if (first[i] <= beyond)
            continue;
        enum segment_kind kind = enter(reader, first[i]);
        stopped = is_in_the_way(kind);
        entered = stopped ? say_in_the_way(reader, first[i], kind, error) : is_entered(kind);
    }
    if (!stopped)
        reader->failing = false;
    free(first);
    return entered;
}

/* 1: another segment is read now; 0: none yet; −1: said. */
static int go_on(struct journal_reader *reader, uint64_t until, struct error *error)
{
    if (reader->fd < 0 || reader->last + 1 > reader->first) {
        enum segment_kind kind = enter(reader, reader->last + 1);
        if (is_entered(kind))
            return 1;
        if (is_in_the_way(kind))
            return say_in_the_way(reader, reader->last + 1, kind, error);
    }
    int entered = enter_listed(reader, error);
    if (entered < 0 || reader->failing)
        return entered;
    if (entered > 0)
        return reader->first > reader->last + 1 &&
                       note_missing(reader, reader->first - 1, error) != 0
                   ? -1
                   : 1;
    return until == UINT64_MAX ? 0 : note_missing(reader, until, error);
}

/* --- damage ----------------------------------------------------------------------------------- */

static off_t file_size(const struct journal_reader *reader)
{
    struct stat st;
    return fstat(reader->fd, &st) == 0 ? st.st_size : 0;
}

/* No good frame follows in this segment. */
static int damaged_to_its_end(struct journal_reader *reader, uint64_t until, struct error *error)
{
    off_t from = reader->at;
    uint64_t last = reader->last;
    char *path = xstrdup(reader->path);
    bool told = reader->told == from;
    int entered = enter_listed(reader, error), result = entered;
    if (entered > 0) {
        if (reader->first > last + 1)
            reader->last = reader->first - 1;
        if (!told && reader->last > reader->after)
            result = error_set(error, ERROR_RUN,
                               "%s: damaged from byte %lld to its end, after record %" PRIu64, path,
                               (long long)from, last);
    } else if (entered == 0 && !reader->failing) {
        reader->told_size = file_size(reader);
        if (!told && until != UINT64_MAX) {
            reader->told = from;
            result =
                error_set(error, ERROR_RUN, "%s: damaged from byte %lld on, after record %" PRIu64,
                          path, (long long)from, last);
        }
    }
    free(path);
    return result;
}

/* 1: goes on behind it; 0: wait; −1: said. */
static int damaged(struct journal_reader *reader, uint64_t until, struct error *error)
{
    off_t from = reader->at;
    bool told = reader->told == from;
    enum frame_result result = FRAME_END;
    if (!told || file_size(reader) != reader->told_size)
        result = frame_search(reader->fd, from + 1, reader->last, &reader->frame);
    if (result == FRAME_ERROR)
        return say_errno(reader, error);
    if (result != FRAME_OK)
        return damaged_to_its_end(reader, until, error);
    reader->at = reader->frame.at;
    if (told || reader->frame.sequence <= reader->after + 1)
        return 1;
    return error_set(error, ERROR_RUN, "%s: damaged from byte %lld to %lld, after record %" PRIu64,
                     reader->path, (long long)from, (long long)reader->at, reader->last);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* 1: `frame` is the next; 0: none yet; −1: said. */
static int next_frame(struct journal_reader *reader, uint64_t until, struct error *error)
{
    while (reader->last < until) {
        enum frame_result result = FRAME_END;
        int on = 0;
        if (reader->fd >= 0)
            result = frame_read(reader->fd, reader->at, &reader->frame);
        if (result == FRAME_ERROR)
            return say_errno(reader, error);
        if (result == FRAME_OK && reader->frame.sequence > reader->last)
            return reader->frame.sequence <= until;
        on = result == FRAME_END ? go_on(reader, until, error) : damaged(reader, until, error);
        if (on <= 0)
            return on;
    }
    return 0;
}

int journal_reader_next(struct journal_reader *reader, uint64_t until, const char **line,
                        size_t *size, uint64_t *sequence, struct error *error)
{
    uint64_t durable =
        reader->last < reader->durable ? reader->durable : journal_reader_durable(reader);
    if (reader->durable_known && durable < until)
        until = durable;
    do {
        int result = next_frame(reader, until, error);
        if (result <= 0)
            return result;
        reader->failing = false;
        reader->at = reader->frame.next;
        reader->last = reader->frame.sequence;
    } while (reader->last <= reader->after);
    reader->after = reader->last;
    *line = (const char *)reader->frame.line.data;
    *size = reader->frame.line.size;
    *sequence = reader->frame.sequence;
    return 1;
}

/* --- for others ------------------------------------------------------------------------------- */

int journal_each_since(const struct journal *journal, uint64_t after,
                       void (*each)(void *context, const char *line, size_t size), void *context,
                       struct error *error)
{
    const char *line;
    size_t size;
    uint64_t sequence;
    struct journal_reader *reader = journal_reader_open(journal->state_folder, after, error);
    if (!reader)
        return -1;
    for (int result = 1; result != 0;) {
        struct error damage = {0};
        result = journal_reader_next(reader, journal->durable, &line, &size, &sequence, &damage);
        if (result > 0)
            each(context, line, size);
        else if (result < 0)
            log_warn("%s", damage.message);
    }
    journal_reader_close(reader);
    return 0;
}

uint64_t journal_reader_before(const char *folder, int64_t wall_ns)
{
    char *path = xasprintf("%s/%s", folder, segment_folder);
    uint64_t *first, before = 0;
    size_t count;
    int listed = segments_list(path, &first, &count);
    for (size_t low = 0, high = listed == 0 ? count : 0; low < high;) {
        size_t middle = low + (high - low) / 2;
        struct segment segment = {.first = first[middle]};
        int fd = segment_open(path, segment.first, O_RDONLY);
        bool good = fd >= 0 && segment_look(fd, &segment) == SEGMENT_GOOD;
        if (fd >= 0)
            close(fd);
        if (good && segment.made_ns < wall_ns) {
            before = segment.first - 1;
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    free(first);
    free(path);
    return before;
}
