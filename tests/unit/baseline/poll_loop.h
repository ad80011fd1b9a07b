/* The smallest loop that serves base/loop.h, over poll(2), for the tests of a room that may not
 * link the bus. Header only; one thread. */
#ifndef TESTS_UNIT_BASELINE_POLL_LOOP_H
#define TESTS_UNIT_BASELINE_POLL_LOOP_H

#include "weir/base/buffer.h"
#include "weir/base/loop.h"
#include "weir/base/time.h"

#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>

#define POLL_LOOP_WATCHES 32

struct loop_watch {
    struct loop *loop;
    bool used;
    int fd; /* −1: a timer */
    unsigned what;
    int64_t interval_ns, next_ns;
    void (*ready)(void *context, unsigned what);
    void (*due)(void *context);
    void *context;
};

struct loop {
    struct loop_watch watch[POLL_LOOP_WATCHES];
    bool stopped;
};

static inline struct loop_watch *poll_loop_add(struct loop *loop)
{
    for (size_t i = 0; i < POLL_LOOP_WATCHES; i++) {
        if (!loop->watch[i].used) {
            loop->watch[i] = (struct loop_watch){.loop = loop, .used = true, .fd = -1};
            return &loop->watch[i];
        }
    }
    return NULL;
}

static inline struct loop_watch *poll_loop_watch(struct loop *loop, int fd, unsigned what,
                                                 void (*ready)(void *context, unsigned what),
                                                 void *context)
{
    struct loop_watch *watch = poll_loop_add(loop);
    watch->fd = fd;
    watch->what = what;
    watch->ready = ready;
    watch->context = context;
    return watch;
}

static inline void poll_loop_change(struct loop_watch *watch, unsigned what)
{
    watch->what = what;
}

static inline struct loop_watch *poll_loop_timer(struct loop *loop, int64_t interval_ns,
                                                 void (*due)(void *context), void *context)
{
    struct loop_watch *watch = poll_loop_add(loop);
    watch->interval_ns = interval_ns;
    watch->next_ns = wtime_now().ns + interval_ns;
    watch->due = due;
    watch->context = context;
    return watch;
}

static inline void poll_loop_drop(struct loop_watch *watch)
{
    watch->used = false;
}

static inline void poll_loop_timers(struct loop *loop)
{
    int64_t now = wtime_now().ns;
    for (size_t i = 0; i < POLL_LOOP_WATCHES && !loop->stopped; i++) {
        struct loop_watch *watch = &loop->watch[i];
        if (watch->used && watch->due && watch->next_ns <= now) {
            watch->next_ns = now + watch->interval_ns;
            watch->due(watch->context);
        }
    }
}

static inline void poll_loop_turn(struct loop *loop)
{
    struct pollfd fds[POLL_LOOP_WATCHES];
    for (size_t i = 0; i < POLL_LOOP_WATCHES; i++) {
        struct loop_watch *watch = &loop->watch[i];
        bool on = watch->used && watch->fd >= 0 && watch->what;
        fds[i] = (struct pollfd){.fd = on ? watch->fd : -1,
                                 .events = (short)(((watch->what & LOOP_READ) ? POLLIN : 0) |
                                                   ((watch->what & LOOP_WRITE) ? POLLOUT : 0))};
    }
    poll(fds, POLL_LOOP_WATCHES, 2);
    for (size_t i = 0; i < POLL_LOOP_WATCHES && !loop->stopped; i++) {
        struct loop_watch *watch = &loop->watch[i];
        int got = fds[i].fd >= 0 ? fds[i].revents : 0;
        unsigned what = ((got & (POLLIN | POLLHUP | POLLERR)) ? LOOP_READ : 0u) |
                        ((got & (POLLOUT | POLLHUP | POLLERR)) ? LOOP_WRITE : 0u);
        what &= watch->what;
        if (what && watch->used && watch->fd == fds[i].fd)
            watch->ready(watch->context, what);
    }
    poll_loop_timers(loop);
}

static inline void poll_loop_run(struct loop *loop)
{
    while (!loop->stopped)
        poll_loop_turn(loop);
    loop->stopped = false;
}

static inline void poll_loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

static inline struct loop_ref poll_loop_new(void)
{
    static const struct loop_ops ops = {.watch = poll_loop_watch,
                                        .change = poll_loop_change,
                                        .timer = poll_loop_timer,
                                        .drop = poll_loop_drop,
                                        .run = poll_loop_run,
                                        .stop = poll_loop_stop};
    return (struct loop_ref){xcalloc(1, sizeof(struct loop)), &ops};
}

#endif
