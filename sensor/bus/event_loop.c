/* libevent behind base/loop.h.
 *
 * A watch is one struct event. `change` deletes and re-assigns it; `drop` frees it at once, which
 * libevent allows inside the event's own callback, so no callback here touches its watch after it
 * has called out. "Soon" calls share one zero-delay timer: it fires on the loop's next turn, after
 * descriptors had theirs, so a caller that asks again and again starves nobody. They run in the
 * order of asking; what is asked for meanwhile runs a turn later.
 *
 * `stop` is remembered when it comes before `run`. libevent's own complaints go to our log (its
 * callback for them is global: a library's demand). Thread: the loop's. */
#include "weir/bus/event_loop.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct soon {
    struct soon *next;
    void (*due)(void *context);
    void *context;
};

struct loop {
    struct event_base *base;
    struct event *soon_event;
    struct soon *first, *last; /* asked for, not yet called */
    bool stopped;
};

struct loop_watch {
    struct event *event;
    struct event_base *base;
    int fd;
    void (*ready)(void *context, unsigned what);
    void (*due)(void *context);
    void *context;
};

static void on_log(int severity, const char *text)
{
    if (severity >= EVENT_LOG_WARN)
        log_warn("event loop: %s", text);
}

/* --- watches ---------------------------------------------------------------------------------- */

static short events_of(unsigned what)
{
    return (short)(EV_PERSIST | ((what & LOOP_READ) ? EV_READ : 0) |
                   ((what & LOOP_WRITE) ? EV_WRITE : 0));
}

static void on_ready(evutil_socket_t fd, short events, void *context)
{
    struct loop_watch *watch = context;
    (void)fd;
    watch->ready(watch->context,
                 ((events & EV_READ) ? LOOP_READ : 0u) | ((events & EV_WRITE) ? LOOP_WRITE : 0u));
}

static void on_due(evutil_socket_t fd, short events, void *context)
{
    struct loop_watch *watch = context;
    (void)fd;
    (void)events;
    watch->due(watch->context);
}

static void drop(struct loop_watch *watch)
{
    if (!watch)
        return;
    if (watch->event)
        event_free(watch->event);
    free(watch);
}

/* Adds a fresh watch's event, or gives the watch up. */
static struct loop_watch *begin(struct loop_watch *watch, const struct timeval *interval)
{
    if (watch->event && event_add(watch->event, interval) == 0)
        return watch;
    drop(watch);
    return NULL;
}

static struct loop_watch *watch_fd(struct loop *loop, int fd, unsigned what,
                                   void (*ready)(void *context, unsigned what), void *context)
{
    struct loop_watch *watch = xcalloc(1, sizeof *watch);
    *watch = (struct loop_watch){.base = loop->base, .fd = fd, .ready = ready, .context = context};
    watch->event = event_new(loop->base, fd, events_of(what), on_ready, watch);
    if (what || !watch->event)
        return begin(watch, NULL);
    return watch; /* paused */
}

static void change(struct loop_watch *watch, unsigned what)
{
    event_del(watch->event);
    event_assign(watch->event, watch->base, watch->fd, events_of(what), on_ready, watch);
    if (what)
        event_add(watch->event, NULL);
}

static struct loop_watch *timer(struct loop *loop, int64_t interval_ns, void (*due)(void *context),
                                void *context)
{
    struct loop_watch *watch = xcalloc(1, sizeof *watch);
    int64_t us = interval_ns > 1000 ? interval_ns / 1000 : 1;
    struct timeval interval = {us / 1000000, us % 1000000};
    *watch = (struct loop_watch){.base = loop->base, .fd = -1, .due = due, .context = context};
    watch->event = event_new(loop->base, -1, EV_PERSIST, on_due, watch);
    return begin(watch, &interval);
}

struct loop_watch *event_loop_signal(struct loop_ref loop, int signal_number,
                                     void (*due)(void *context), void *context)
{
    struct loop_watch *watch = xcalloc(1, sizeof *watch);
    struct event_base *base = loop.loop->base;
    *watch = (struct loop_watch){.base = base, .fd = signal_number, .due = due, .context = context};
    watch->event = evsignal_new(base, signal_number, on_due, watch);
    return begin(watch, NULL);
}

/* --- soon ------------------------------------------------------------------------------------- */

static const struct timeval at_once = {0, 0};

static void on_soon(evutil_socket_t fd, short events, void *context)
{
    struct loop *loop = context;
    struct soon *soon;
    const struct soon *last = loop->last;
    (void)fd;
    (void)events;
    for (bool more = true; more && (soon = loop->first) != NULL;) {
        more = soon != last;
        loop->first = soon->next;
        if (!loop->first)
            loop->last = NULL;
        if (soon->due)
            soon->due(soon->context);
        free(soon);
        if (more && loop->stopped) { /* the rest when the loop runs again */
            event_add(loop->soon_event, &at_once);
            return;
        }
    }
}

void event_loop_soon(struct loop_ref loop, void (*due)(void *context), void *context)
{
    struct loop *own = loop.loop;
    struct soon *soon = xcalloc(1, sizeof *soon);
    *soon = (struct soon){.due = due, .context = context};
    if (own->last)
        own->last->next = soon;
    else
        own->first = soon;
    own->last = soon;
    event_add(own->soon_event, &at_once);
}

void event_loop_cancel(struct loop_ref loop, const void *context)
{
    for (struct soon *soon = loop.loop->first; soon; soon = soon->next)
        if (soon->context == context)
            soon->due = NULL;
}

/* --- the loop --------------------------------------------------------------------------------- */

static void run(struct loop *loop)
{
    if (!loop->stopped)
        event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
    loop->stopped = false;
}

static void stop(struct loop *loop)
{
    loop->stopped = true;
    event_base_loopbreak(loop->base);
}

static const struct loop_ops ops = {
    .watch = watch_fd, .change = change, .timer = timer, .drop = drop, .run = run, .stop = stop};

struct loop_ref event_loop_new(struct error *error)
{
    struct loop *loop = xcalloc(1, sizeof *loop);
    event_set_log_callback(on_log);
    loop->base = event_base_new();
    if (loop->base)
        loop->soon_event = event_new(loop->base, -1, 0, on_soon, loop);
    if (loop->soon_event)
        return (struct loop_ref){loop, &ops};
    error_set(error, ERROR_RUN, "event loop: cannot be made: %s", strerror(errno));
    event_loop_free((struct loop_ref){loop, &ops});
    return (struct loop_ref){NULL, NULL};
}

void event_loop_free(struct loop_ref loop)
{
    struct loop *own = loop.loop;
    if (!own)
        return;
    for (struct soon *soon; (soon = own->first) != NULL;) {
        own->first = soon->next;
        free(soon);
    }
    if (own->soon_event)
        event_free(own->soon_event);
    if (own->base)
        event_base_free(own->base);
    free(own);
}
