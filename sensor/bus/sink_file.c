/* The file sink: one line an alert, appended, for whoever reads newline-delimited JSON.
 *
 * A line is in the file whole or not at all: what a failed write left is cut off again. At opening,
 * a last line without its newline (a loss of power) is completed when it is JSON, else cut: it
 * comes again, because the position is only saved behind an fsync. When the file was moved away or
 * removed (log rotation), the next batch begins a new one under the old name. Thread: the engine's.
 */
#include "sinks.h"
#include "weir/base/buffer.h"
#include "weir/base/json.h"
#include "weir/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define TAIL_MAX (1u << 20) /* the longest line that is looked at */

struct sink {
    char *path;
    int fd;
    off_t end;   /* where whole lines end */
    bool ragged; /* a failed write may have left bytes behind `end` */
};

static enum sink_result fail(struct sink *sink, const char *what, struct error *error)
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

/* O_NONBLOCK: a named pipe must not hang the start; it is refused below. */
static int open_file(struct sink *sink, struct error *error)
{
    struct stat st;
    sink->fd = open(sink->path, O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0640);
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

static void file_close(struct sink *sink)
{
    if (sink->fd >= 0)
        close(sink->fd);
    free(sink->path);
    free(sink);
}

static struct sink *file_open(const struct sink_config *config, struct error *error)
{
    if (!config->path || !*config->path) {
        error_set(error, ERROR_USAGE, "a sink of type file needs a path");
        return NULL;
    }
    struct sink *sink = xcalloc(1, sizeof *sink);
    sink->path = xstrdup(config->path);
    sink->fd = -1;
    if (open_file(sink, error) == 0)
        return sink;
    file_close(sink);
    return NULL;
}

/* --- writing ---------------------------------------------------------------------------------- */

static int cut_ragged(struct sink *sink)
{
    if (sink->ragged && ftruncate(sink->fd, sink->end) != 0)
        return -1;
    sink->ragged = false;
    return 0;
}

/* All of the line and its newline; a short write is a full disk (its errno is not given). */
static int write_line(int fd, const char *line, size_t size)
{
    char newline = '\n';
    union {
        const char *in;
        void *out;
    } cast = {.in = line};
    struct iovec part[2] = {{cast.out, size}, {&newline, 1}};
    ssize_t wrote;
    do
        wrote = writev(fd, part, 2);
    while (wrote < 0 && errno == EINTR);
    if (wrote >= 0 && (size_t)wrote < size + 1)
        errno = ENOSPC;
    return wrote == (ssize_t)(size + 1) ? 0 : -1;
}

static enum sink_result file_write(struct sink *sink, const char *line, size_t size,
                                   struct error *error)
{
    if (sink->fd < 0 && open_file(sink, error) != 0)
        return SINK_AGAIN;
    if (cut_ragged(sink) != 0)
        return fail(sink, "cannot be cut", error);
    if (write_line(sink->fd, line, size) != 0) {
        fail(sink, "cannot be written", error);
        sink->ragged = true;
        cut_ragged(sink);
        return SINK_AGAIN;
    }
    sink->end += (off_t)size + 1;
    return SINK_OK;
}

/* What is under the name now may be another file, or none. */
static bool moved_away(const struct sink *sink)
{
    struct stat here, there;
    return fstat(sink->fd, &here) == 0 &&
           (stat(sink->path, &there) != 0 || here.st_ino != there.st_ino ||
            here.st_dev != there.st_dev);
}

static enum sink_result file_flush(struct sink *sink, struct error *error)
{
    if (sink->fd < 0)
        return SINK_OK;
    if (fsync(sink->fd) != 0)
        return fail(sink, "cannot be synced", error);
    if (moved_away(sink)) {
        close(sink->fd);
        sink->fd = -1; /* opened anew for the next line */
    }
    return SINK_OK;
}

const struct sink_type sink_type_file = {"file", file_open, file_write, file_flush, file_close};
