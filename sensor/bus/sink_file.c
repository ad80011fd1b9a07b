/* The file sink: one line an alert, appended, for whoever reads lines.
 *
 * A line is in the file whole or not at all: what a failed write left is cut off again, unless
 * somebody else appended behind it: then it stays, and no line of ours is joined to it. At opening,
 * a last line without its newline (a loss of power) is completed when it is JSON, else cut: it
 * comes again, because the place is only saved behind an fsync. When the file was moved away or
 * removed (log rotation), the next batch begins a new one under the old name. By itself it rotates
 * at `rotate_mib`: alerts.ndjson → .1 → .2 … → .keep, of which the oldest goes; a rotation that
 * fails is said, and the file grows on: better too large than not written.
 *
 * Bounds: with `rotate_mib`, keep + 1 files of that size and one line; without, the disk's, and
 * whoever rotates. Thread: the bus's. */
#include "sinks.h"
#include "weir/base/buffer.h"
#include "weir/base/json.h"
#include "weir/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define TAIL_MAX (1u << 20) /* the longest line that is looked at */

static const char *const modes[] = {"0600", "0640", "0644", "0660", "0664", NULL};

static const struct sink_key keys[] = {
    {.name = "path", .kind = SINK_TEXT, .required = true},
    {.name = "mode", .kind = SINK_CHOICE, .choice = modes, .fallback = "0640"},
    {.name = "rotate_mib", .kind = SINK_NUMBER, .min = 0, .max = 1 << 20, .fallback = "0"},
    {.name = "keep", .kind = SINK_NUMBER, .min = 1, .max = 1000, .fallback = "10"},
    {.name = NULL}};

struct sink {
    const char *path; /* the settings' */
    mode_t mode;
    off_t rotate_bytes; /* 0: never */
    off_t rotate_at;    /* a failed rotation is tried again so many bytes later */
    int64_t keep;
    int fd;
    off_t end;   /* of the file, as it was seen last */
    bool ragged; /* a failed write left bytes that could not be cut off */
};

static enum sink_result fail(const struct sink *sink, const char *what, struct error *error)
{
    error_set(error, ERROR_RUN, "%s: %s: %s", sink->path, what, strerror(errno));
    return SINK_AGAIN;
}

/* --- opening ---------------------------------------------------------------------------------- */

/* `tail` is what follows the last newline. */
static int mend_tail(struct sink *sink, const char *tail, size_t size)
{
    struct json_value *root = json_parse(tail, size, NULL);
    json_value_free(root);
    if (root) {
        sink->end += 1;
        return write(sink->fd, "\n", 1) == 1 ? 0 : -1;
    }
    log_warn("%s: its last %zu bytes are half a line and are cut", sink->path, size);
    sink->end -= (off_t)size;
    return ftruncate(sink->fd, sink->end);
}

static int check_tail(struct sink *sink)
{
    size_t size = sink->end > (off_t)TAIL_MAX ? TAIL_MAX : (size_t)sink->end;
    char *tail = xcalloc(1, size + 1);
    ssize_t got = pread(sink->fd, tail, size, sink->end - (off_t)size);
    int failed = got < 0;
    if (got > 0) {
        const char *newline = memrchr(tail, '\n', (size_t)got);
        const char *from = newline ? newline + 1 : tail;
        size_t left = (size_t)(tail + got - from);
        if (left > 0 && left < TAIL_MAX)
            failed = mend_tail(sink, from, left);
    }
    free(tail);
    return failed ? -1 : 0;
}

/* The mode is said of a file that is made here, whatever the umask; another's is left as it is.
 * O_NONBLOCK: a named pipe must not hang the start; it is refused below. */
static int open_path(const struct sink *sink)
{
    static const int how = O_RDWR | O_APPEND | O_NONBLOCK | O_CLOEXEC;
    int fd = open(sink->path, how);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    fd = open(sink->path, how | O_CREAT, sink->mode);
    if (fd >= 0 && fchmod(fd, sink->mode) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int open_file(struct sink *sink, struct error *error)
{
    struct stat st;
    sink->fd = open_path(sink);
    if (sink->fd < 0 && errno == ENOENT)
        return error_set(error, ERROR_RUN, "%s: its folder is not there (mkdir)", sink->path);
    if (sink->fd < 0 || fstat(sink->fd, &st) != 0)
        return error_set(error, ERROR_RUN, "%s: %s", sink->path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return error_set(error, ERROR_USAGE, "%s: is not a file (for standard output: type stdout)",
                         sink->path);
    sink->end = st.st_size;
    sink->ragged = false;
    if (check_tail(sink) != 0)
        return error_set(error, ERROR_RUN, "%s: its end cannot be mended: %s", sink->path,
                         strerror(errno));
    return 0;
}

static void close_fd(struct sink *sink)
{
    if (sink->fd >= 0)
        close(sink->fd);
    sink->fd = -1;
}

static void file_close(struct sink *sink)
{
    close_fd(sink);
    free(sink);
}

static struct sink *file_open(const struct sink_settings *settings, const struct sink_host *host,
                              struct error *error)
{
    const char *path = sink_text(settings, "path");
    (void)host;
    if (!path || !*path) {
        error_set(error, ERROR_USAGE, "a sink of type file needs a path");
        return NULL;
    }
    struct sink *sink = xcalloc(1, sizeof *sink);
    *sink = (struct sink){.path = path,
                          .mode = (mode_t)strtoul(sink_text(settings, "mode"), NULL, 8),
                          .rotate_bytes = (off_t)sink_number(settings, "rotate_mib") << 20,
                          .keep = sink_number(settings, "keep"),
                          .fd = -1};
    sink->rotate_at = sink->rotate_bytes;
    if (open_file(sink, error) == 0)
        return sink;
    file_close(sink);
    return NULL;
}

/* --- rotation --------------------------------------------------------------------------------- */

/* Number 0 is the file itself. A number that is not there leaves a hole, which is no mistake. */
static int shift(const struct sink *sink, int64_t number)
{
    char *from =
        number > 0 ? xasprintf("%s.%lld", sink->path, (long long)number) : xstrdup(sink->path);
    char *to = xasprintf("%s.%lld", sink->path, (long long)number + 1);
    int failed = rename(from, to) != 0 && errno != ENOENT;
    int cause = errno;
    free(from);
    free(to);
    errno = cause;
    return failed ? -1 : 0;
}

static int rotate(struct sink *sink, struct error *error)
{
    int failed = fsync(sink->fd); /* the next flush is another file's */
    for (int64_t number = sink->keep - 1; !failed && number >= 0; number--)
        failed = shift(sink, number);
    if (failed) {
        log_warn("%s: cannot be rotated, it grows on: %s", sink->path, strerror(errno));
        sink->rotate_at = sink->end + sink->rotate_bytes;
        return 0;
    }
    sink->rotate_at = sink->rotate_bytes;
    close_fd(sink);
    return open_file(sink, error);
}

/* What is under the name now may be another file, or none. */
static bool moved_away(const struct sink *sink)
{
    struct stat here, there;
    return fstat(sink->fd, &here) == 0 &&
           (stat(sink->path, &there) != 0 || here.st_ino != there.st_ino ||
            here.st_dev != there.st_dev);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* The line and its newline, behind one more newline where half a line stands. The bytes that were
 * written, or −1; a short write is a full disk (its errno is not given). */
static ssize_t write_line(int fd, bool behind_half, const char *line, size_t size)
{
    char newline = '\n';
    union {
        const char *in;
        void *out;
    } cast = {.in = line};
    struct iovec part[3] = {{&newline, behind_half}, {cast.out, size}, {&newline, 1}};
    ssize_t wrote;
    do
        wrote = writev(fd, part, 3);
    while (wrote < 0 && errno == EINTR);
    if (wrote >= 0 && (size_t)wrote < behind_half + size + 1)
        errno = ENOSPC;
    return wrote;
}

/* What a failed write left is cut off, but only where it is all that came behind `before`: somebody
 * else may append to the file, too. Else it stays, and the next line begins behind a newline. */
static void take_back(struct sink *sink, off_t before, ssize_t wrote)
{
    struct stat now;
    bool alone = fstat(sink->fd, &now) == 0 && now.st_size == before + wrote;
    if (alone && ftruncate(sink->fd, before) == 0)
        sink->end = before;
    else
        sink->ragged = true;
}

/* Another writer's newline may have ended it. */
static bool is_behind_half(const struct sink *sink)
{
    char last = '\n';
    return sink->ragged && sink->end > 0 && pread(sink->fd, &last, 1, sink->end - 1) == 1 &&
           last != '\n';
}

static int prepare(struct sink *sink, size_t size, struct error *error)
{
    if (sink->fd < 0 && open_file(sink, error) != 0) {
        close_fd(sink);
        return -1;
    }
    bool over = sink->rotate_bytes > 0 && sink->end > 0 &&
                sink->end + (off_t)size + 1 > sink->rotate_at && !moved_away(sink);
    if (over && rotate(sink, error) != 0) {
        close_fd(sink);
        return -1;
    }
    return 0;
}

static enum sink_result file_write(struct sink *sink, const struct sink_line *line,
                                   struct error *error)
{
    if (prepare(sink, line->size, error) != 0)
        return SINK_AGAIN;
    struct stat before;
    if (fstat(sink->fd, &before) != 0)
        return fail(sink, "cannot be looked at", error);
    sink->end = before.st_size;
    bool behind_half = is_behind_half(sink);
    ssize_t wrote = write_line(sink->fd, behind_half, line->text, line->size);
    if (wrote > 0)
        sink->end += wrote;
    if (wrote == (ssize_t)(behind_half + line->size + 1)) {
        sink->ragged = false;
        return SINK_OK;
    }
    fail(sink, "cannot be written", error);
    if (wrote > 0)
        take_back(sink, before.st_size, wrote);
    return SINK_AGAIN;
}

static enum sink_result file_flush(struct sink *sink, struct error *error)
{
    if (sink->fd < 0)
        return SINK_OK;
    if (fsync(sink->fd) != 0)
        return fail(sink, "cannot be synced", error);
    if (moved_away(sink))
        close_fd(sink); /* opened anew for the next line */
    return SINK_OK;
}

const struct sink_row sink_file = {.type = "file",
                                   .keys = keys,
                                   .formats = "ecs eve ocsf cef text",
                                   .text_only = true,
                                   .open = file_open,
                                   .write = file_write,
                                   .flush = file_flush,
                                   .close = file_close};
