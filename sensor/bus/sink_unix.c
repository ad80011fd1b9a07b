/* The unix socket sink: a listening stream socket whose clients, the subscribers, each get every
 * line. What it listens at is where whoever writes a small program begins: `socat - UNIX:path`.
 *
 * A subscriber may first send a line {"after": SEQUENCE} or {"since": "ISO time"}, within 2 s, and
 * is then read the journal from there, by this sink's filter and in its format; without, it begins
 * with what comes after it connected. Either way it first has a reader of its own (CATCHING) and is
 * LIVE once that has come to the end, so nothing is missed between the two.
 *
 * Since nobody need be connected, a line is taken once it was offered: the sink's place is the
 * journal's durable end. A subscriber too slow for it loses nothing that it cannot ask for again.
 *
 * Bounds: SUBSCRIBERS at once (one more is told so and closed); SUBSCRIBER_QUEUE bytes wait for
 * each; CATCH_LINES lines are read for all in a turn, and none while enough waits; one that
 * takes nothing of what waits for SUBSCRIBER_IDLE_NS is let go; ACCEPT_TURN connections in a turn.
 * The bytes a subscriber sends later are thrown away. Thread: the bus's. */
#include "sinks.h"
#include "subscriber.h"
#include "weir/alert/journal.h"
#include "weir/base/log.h"
#include "weir/bus/api.h"
#include "weir/bus/event_loop.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUBSCRIBERS 64u
#define ACCEPT_TURN 64
#define CATCH_LINES 128
#define LEAVE_NS    (5 * NS_PER_S)
#define SWEEP_NS    (NS_PER_S / 4)
#define SAY_NS      (10 * NS_PER_S)

static const char *const modes[] = {"0600", "0660", "0666", NULL};

static const struct sink_key keys[] = {
    {.name = "path", .kind = SINK_TEXT, .required = true},
    {.name = "mode", .kind = SINK_CHOICE, .choice = modes, .fallback = "0660"},
    {.name = NULL}};

struct sink {
    const struct sink_settings *settings;
    const struct sink_host *host;
    struct told_as as; /* … whoever asks for what was before */
    int listener;
    struct stat bound; /* what is at its path, so that nobody else's is removed */
    struct loop_watch *listening, *sweep;
    struct subscriber *first;
    unsigned count;
    bool turn_asked;
    bool paused;                      /* no descriptor was left; tried again at the next sweep */
    uint64_t refused, slow, said_sum; /* connections too many, subscribers let go */
    struct wtime said;
};

/* --- a subscriber's end ----------------------------------------------------------------------- */

static void free_subscriber(struct subscriber *subscriber)
{
    struct sink *sink = subscriber->sink;
    if (subscriber->next)
        subscriber->next->previous = subscriber->previous;
    *(subscriber->previous ? &subscriber->previous->next : &sink->first) = subscriber->next;
    sink->count--;
    if (subscriber->watch)
        sink->host->loop.ops->drop(subscriber->watch);
    close(subscriber->fd);
    journal_reader_close(subscriber->reader);
    buffer_fini(&subscriber->out);
    free(subscriber);
}

static bool waits(const struct subscriber *subscriber)
{
    return subscriber->out.size > 0;
}

static void watch_for(struct subscriber *subscriber)
{
    const struct sink *sink = subscriber->sink;
    unsigned what = (subscriber->ended ? 0 : LOOP_READ) | (waits(subscriber) ? LOOP_WRITE : 0);
    if (what == subscriber->watched)
        return;
    subscriber->watched = what;
    sink->host->loop.ops->change(subscriber->watch, what);
}

/* Sends what there is room for. False: it is freed. */
static bool push(struct subscriber *subscriber)
{
    bool gone = !subscriber_send(subscriber);
    if (gone || (subscriber->phase == SUBSCRIBER_LEAVING && !waits(subscriber))) {
        free_subscriber(subscriber);
        return false;
    }
    watch_for(subscriber);
    return true;
}

static void dismiss(struct subscriber *subscriber, const char *why)
{
    journal_reader_close(subscriber->reader);
    subscriber->reader = NULL;
    subscriber_dismiss(subscriber, why);
    push(subscriber);
}

static void dismiss_slow(struct subscriber *subscriber)
{
    struct sink *sink = subscriber->sink;
    sink->slow++;
    dismiss(subscriber, "too slow: what waited for this subscriber is dropped; connect again and "
                        "send {\"after\":SEQUENCE} or {\"since\":\"ISO time\"}");
}

/* --- catching up ------------------------------------------------------------------------------ */

static void on_turn(void *context);

static void ask_for_turn(struct sink *sink)
{
    if (sink->turn_asked)
        return;
    sink->turn_asked = true;
    event_loop_soon(sink->host->loop, on_turn, sink);
}

static void begin(struct subscriber *subscriber)
{
    struct sink *sink = subscriber->sink;
    subscriber->reader = journal_reader_open(sink->host->folder, subscriber->after, NULL);
    subscriber->phase = subscriber->reader ? SUBSCRIBER_CATCHING : SUBSCRIBER_LIVE;
    subscriber->since = wtime_now();
    if (subscriber->reader && subscriber->after > journal_reader_durable(subscriber->reader))
        dismiss(subscriber, "after: the journal ends before it: is it another one?");
    else
        ask_for_turn(sink);
}

static void on_turn(void *context)
{
    struct sink *sink = context;
    struct subscriber *next;
    unsigned hungry = 0;
    sink->turn_asked = false;
    for (const struct subscriber *each = sink->first; each; each = each->next)
        hungry += subscriber_is_hungry(each);
    for (struct subscriber *subscriber = sink->first; subscriber; subscriber = next) {
        next = subscriber->next;
        if (!subscriber_is_hungry(subscriber))
            continue;
        bool more = subscriber_catch_up(subscriber, &sink->as, CATCH_LINES / hungry);
        if (push(subscriber) && more && subscriber_is_hungry(subscriber))
            ask_for_turn(sink);
    }
}

/* --- what it says ----------------------------------------------------------------------------- */

static void take_asked(struct subscriber *subscriber)
{
    const char *end = memchr(subscriber->asked, '\n', subscriber->asked_size);
    size_t size = end ? (size_t)(end - subscriber->asked) : subscriber->asked_size;
    if (!end && subscriber->asked_size < SUBSCRIBER_ASK)
        return;
    if (end && subscriber_parse(subscriber, subscriber->asked, size))
        begin(subscriber);
    else
        dismiss(subscriber, "expected a line {\"after\":SEQUENCE} or {\"since\":\"ISO time\"}");
}

/* Both ways are closed, not only the one that it has nothing more to say on. */
static bool hung_up(const struct subscriber *subscriber)
{
    struct pollfd look = {.fd = subscriber->fd};
    return poll(&look, 1, 0) > 0 && (look.revents & (POLLHUP | POLLERR));
}

static void on_end(struct subscriber *subscriber)
{
    subscriber->ended = true;
    if (hung_up(subscriber)) {
        free_subscriber(subscriber);
        return;
    }
    watch_for(subscriber);
    if (subscriber->phase == SUBSCRIBER_ASKING && subscriber->asked_size == 0)
        begin(subscriber);
}

static void on_readable(struct subscriber *subscriber)
{
    char thrown[4096], *to = thrown;
    size_t room = sizeof thrown;
    bool asking = subscriber->phase == SUBSCRIBER_ASKING;
    if (asking) {
        to = subscriber->asked + subscriber->asked_size;
        room = SUBSCRIBER_ASK - subscriber->asked_size;
    }
    ssize_t got = recv(subscriber->fd, to, room, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (got < 0) {
        free_subscriber(subscriber);
    } else if (got == 0) {
        on_end(subscriber);
    } else if (asking) {
        subscriber->asked_size += (size_t)got;
        take_asked(subscriber);
    }
}

static void on_ready(void *context, unsigned what)
{
    struct subscriber *subscriber = context;
    struct sink *sink = subscriber->sink;
    if (what & LOOP_WRITE) {
        if (!push(subscriber))
            return;
        if (subscriber->phase == SUBSCRIBER_CATCHING)
            ask_for_turn(sink);
    }
    if (what & LOOP_READ)
        on_readable(subscriber);
}

/* --- coming ----------------------------------------------------------------------------------- */

static void refuse(struct sink *sink, int fd)
{
    char *line = subscriber_error_line("too many subscribers: at most 64 are possible");
    ssize_t sent = send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent;
    sink->refused++;
    free(line);
    close(fd);
}

static uint64_t durable_of(const struct sink *sink)
{
    struct journal_reader *reader = journal_reader_open(sink->host->folder, UINT64_MAX, NULL);
    uint64_t durable = reader ? journal_reader_durable(reader) : 0;
    journal_reader_close(reader);
    return durable;
}

static void welcome(struct sink *sink, int fd)
{
    struct loop_ref loop = sink->host->loop;
    struct subscriber *subscriber = xcalloc(1, sizeof *subscriber);
    *subscriber = (struct subscriber){.sink = sink,
                                      .fd = fd,
                                      .next = sink->first,
                                      .phase = SUBSCRIBER_ASKING,
                                      .since = wtime_now(),
                                      .after = durable_of(sink),
                                      .watched = LOOP_READ};
    if (sink->first)
        sink->first->previous = subscriber;
    sink->first = subscriber;
    sink->count++;
    subscriber->watch = loop.ops->watch(loop.loop, fd, LOOP_READ, on_ready, subscriber);
    if (!subscriber->watch)
        free_subscriber(subscriber);
}

static void on_connection(void *context, unsigned what)
{
    struct sink *sink = context;
    (void)what;
    for (int i = 0; i < ACCEPT_TURN; i++) {
        int fd = accept4(sink->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
            sink->refused++;
            sink->paused = true;
            sink->host->loop.ops->change(sink->listening, 0);
        }
        if (fd < 0)
            return;
        if (sink->count < SUBSCRIBERS)
            welcome(sink, fd);
        else
            refuse(sink, fd);
    }
}

/* --- time ------------------------------------------------------------------------------------- */

static void look_at(struct subscriber *subscriber, struct wtime now)
{
    enum subscriber_phase phase = subscriber->phase;
    int64_t age_ns = now.ns - subscriber->since.ns;
    bool asked = phase == SUBSCRIBER_ASKING && age_ns > SUBSCRIBER_ASK_NS;
    if ((subscriber->ended && hung_up(subscriber)) ||
        (phase == SUBSCRIBER_LEAVING && age_ns > LEAVE_NS))
        free_subscriber(subscriber);
    else if (asked && subscriber->asked_size > 0)
        dismiss(subscriber, "the line that says where to begin took longer than 2 s");
    else if (asked)
        begin(subscriber);
    else if (phase != SUBSCRIBER_LEAVING && waits(subscriber) && age_ns > SUBSCRIBER_IDLE_NS)
        dismiss_slow(subscriber);
}

static void on_sweep(void *context)
{
    struct sink *sink = context;
    struct wtime now = wtime_now();
    struct subscriber *next;
    for (struct subscriber *subscriber = sink->first; subscriber; subscriber = next) {
        next = subscriber->next;
        look_at(subscriber, now);
    }
    if (sink->paused) {
        sink->paused = false;
        sink->host->loop.ops->change(sink->listening, LOOP_READ);
    }
    if (sink->refused + sink->slow > sink->said_sum && now.ns - sink->said.ns > SAY_NS) {
        log_warn("sink %s: so far %" PRIu64 " connections were too many, %" PRIu64
                 " subscribers too slow",
                 sink->settings->name, sink->refused, sink->slow);
        sink->said_sum = sink->refused + sink->slow;
        sink->said = now;
    }
}

/* --- the row ---------------------------------------------------------------------------------- */

static void unix_close(struct sink *sink)
{
    struct loop_ref loop = sink->host->loop;
    event_loop_cancel(loop, sink);
    struct subscriber *next;
    for (struct subscriber *subscriber = sink->first; subscriber; subscriber = next) {
        next = subscriber->next;
        free_subscriber(subscriber);
    }
    if (sink->listening)
        loop.ops->drop(sink->listening);
    if (sink->sweep)
        loop.ops->drop(sink->sweep);
    if (sink->listener >= 0) {
        struct stat now;
        const char *path = sink_text(sink->settings, "path");
        if (stat(path, &now) == 0 && now.st_ino == sink->bound.st_ino &&
            now.st_dev == sink->bound.st_dev)
            unlink(path);
        close(sink->listener);
    }
    free(sink);
}

static struct sink *unix_open(const struct sink_settings *settings, const struct sink_host *host,
                              struct error *error)
{
    struct loop_ref loop = host->loop;
    mode_t mode = (mode_t)strtoul(sink_text(settings, "mode"), NULL, 8);
    const char *path = sink_text(settings, "path");
    if (!path) {
        error_set(error, ERROR_USAGE, "a sink of type unix needs a path");
        return NULL;
    }
    struct sink *sink = xcalloc(1, sizeof *sink);
    *sink = (struct sink){.settings = settings,
                          .host = host,
                          .as = {settings, line_format_get(settings->format), host->pseudonyms}};
    sink->listener = api_listen(path, mode, error);
    if (sink->listener >= 0 && stat(path, &sink->bound) == 0) {
        sink->listening =
            loop.ops->watch(loop.loop, sink->listener, LOOP_READ, on_connection, sink);
        sink->sweep = loop.ops->timer(loop.loop, SWEEP_NS, on_sweep, sink);
    }
    if (sink->listening && sink->sweep)
        return sink;
    error_set(error, ERROR_RUN, "%s: cannot be watched", path);
    unix_close(sink);
    return NULL;
}

static void offer(struct subscriber *subscriber, const struct sink_line *line)
{
    if (subscriber->phase != SUBSCRIBER_LIVE || line->sequence <= subscriber->after)
        return;
    if (subscriber_queue(subscriber, line->text, line->size))
        return;
    if (push(subscriber) && !subscriber_queue(subscriber, line->text, line->size))
        dismiss_slow(subscriber);
}

static enum sink_result unix_write(struct sink *sink, const struct sink_line *line,
                                   struct error *error)
{
    struct subscriber *next;
    (void)error;
    for (struct subscriber *subscriber = sink->first; subscriber; subscriber = next) {
        next = subscriber->next;
        offer(subscriber, line);
    }
    return SINK_OK;
}

static enum sink_result unix_flush(struct sink *sink, struct error *error)
{
    struct subscriber *next;
    (void)error;
    for (struct subscriber *subscriber = sink->first; subscriber; subscriber = next) {
        next = subscriber->next;
        if (waits(subscriber))
            push(subscriber);
    }
    return SINK_OK;
}

const struct sink_row sink_unix = {.type = "unix",
                                   .keys = keys,
                                   .formats = "ecs eve ocsf cef text",
                                   .text_only = true,
                                   .open = unix_open,
                                   .write = unix_write,
                                   .flush = unix_flush,
                                   .close = unix_close};
