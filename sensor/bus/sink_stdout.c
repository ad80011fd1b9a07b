/* Standard output as a sink, for pipes.
 *
 * Never waits: each piece is at most PIPE_BUF bytes and is only written when poll says there is
 * room, which a pipe keeps even when its descriptor blocks. So the descriptor's flags, which the
 * shell and its other children share, stay as they are. A line cut short by a full pipe goes on
 * where it stopped: the bus hands the same line again once the pipe has room. A reader that went
 * away is SINK_DEAD, without SIGPIPE. Thread: the bus's. */
#include "sinks.h"
#include "weir/base/buffer.h"
#include "weir/base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS (20 * NS_PER_MS)

struct sink {
    const struct sink_host *host;
    int fd;
    size_t sent;              /* bytes of the line at hand that are out */
    struct loop_watch *watch; /* while it is full */
};

static struct sink *stdout_open(const struct sink_settings *settings, const struct sink_host *host,
                                struct error *error)
{
    (void)settings;
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) {
        error_set(error, ERROR_RUN, "standard output: %s", strerror(errno));
        return NULL;
    }
    struct sink *sink = xcalloc(1, sizeof *sink);
    sink->host = host;
    sink->fd = fd;
    return sink;
}

/* write(2) whose SIGPIPE does not happen: blocked for this thread, and taken back when it is ours.
 */
static ssize_t write_quietly(int fd, const void *data, size_t size)
{
    sigset_t pipe_only, before, pending;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    ssize_t wrote = write(fd, data, size);
    int cause = errno;
    if (wrote < 0 && cause == EPIPE && !sigismember(&pending, SIGPIPE))
        sigtimedwait(&pipe_only, NULL, &(struct timespec){0, 0});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = cause;
    return wrote;
}

static bool has_room(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    return poll(&poll_fd, 1, 0) != 0 || errno == EINTR;
}

/* Sends a piece: SINK_OK and how much of it went. */
static enum sink_result send_piece(int fd, const char *data, size_t size, size_t *sent,
                                   struct error *error)
{
    ssize_t wrote;
    *sent = 0;
    if (!has_room(fd))
        return SINK_FULL;
    do
        wrote = write_quietly(fd, data, size < PIPE_BUF ? size : PIPE_BUF);
    while (wrote < 0 && errno == EINTR);
    if (wrote >= 0) {
        *sent = (size_t)wrote;
        return SINK_OK;
    }
    if (errno == EAGAIN)
        return SINK_FULL;
    error_set(error, ERROR_RUN, "standard output: %s",
              errno == EPIPE ? "its reader went away" : strerror(errno));
    return errno == ENOSPC || errno == EFBIG ? SINK_AGAIN : SINK_DEAD;
}

/* --- waiting for room ------------------------------------------------------------------------- */

static void stop_watching(struct sink *sink)
{
    if (sink->watch)
        sink->host->loop.ops->drop(sink->watch);
    sink->watch = NULL;
}

static void on_due(void *context)
{
    struct sink *sink = context;
    if (!has_room(sink->fd))
        return;
    stop_watching(sink);
    sink->host->ready(sink->host->context);
}

static void on_writable(void *context, unsigned what)
{
    (void)what;
    on_due(context);
}

/* What the kernel cannot watch is looked at now and then. */
static void watch(struct sink *sink)
{
    struct loop_ref loop = sink->host->loop;
    if (sink->watch)
        return;
    sink->watch = loop.ops->watch(loop.loop, sink->fd, LOOP_WRITE, on_writable, sink);
    if (!sink->watch)
        sink->watch = loop.ops->timer(loop.loop, LOOK_NS, on_due, sink);
}

/* --- the row ---------------------------------------------------------------------------------- */

static enum sink_result stdout_write(struct sink *sink, const struct sink_line *line,
                                     struct error *error)
{
    while (sink->sent < line->size + 1) {
        const char *at = sink->sent < line->size ? line->text + sink->sent : "\n";
        size_t left = sink->sent < line->size ? line->size - sink->sent : 1, sent;
        enum sink_result result = send_piece(sink->fd, at, left, &sent, error);
        if (result == SINK_FULL)
            watch(sink);
        if (result != SINK_OK)
            return result;
        sink->sent += sent;
    }
    sink->sent = 0;
    return SINK_OK;
}

/* Redirected to a file, it is synced as well as may be; a pipe or a terminal has nothing to sync.
 */
static enum sink_result stdout_flush(struct sink *sink, struct error *error)
{
    (void)error;
    fdatasync(sink->fd);
    return SINK_OK;
}

static void stdout_close(struct sink *sink)
{
    stop_watching(sink);
    close(sink->fd);
    free(sink);
}

const struct sink_row sink_stdout = {.type = "stdout",
                                     .formats = "ecs eve ocsf cef text",
                                     .text_only = true,
                                     .open = stdout_open,
                                     .write = stdout_write,
                                     .flush = stdout_flush,
                                     .close = stdout_close};
