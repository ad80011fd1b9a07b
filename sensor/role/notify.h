/* What a service manager is told of us: sd_notify(3)'s protocol, lines of NAME=VALUE in a datagram
 * to the socket that NOTIFY_SOCKET names. Nobody who started us otherwise is told anything.
 * Thread: the main thread. */
#ifndef WEIR_ROLE_NOTIFY_H
#define WEIR_ROLE_NOTIFY_H

#include "weir/base/time.h"

#include <stdbool.h>

#define NOTIFY_PLACE 108 /* bytes of a unix socket's name */

struct notify {
    int fd; /* −1: nobody is to be told */
    char place[NOTIFY_PLACE];
    int64_t every_ns; /* a sign of life is due this often; 0: none is expected */
    struct wtime next;
    enum { NOTIFY_STARTING, NOTIFY_READY, NOTIFY_RELOADING, NOTIFY_STOPPING } told;
};

struct notify_news {
    bool ready, reloading, stopping;
};

/* Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that no child
 * speaks for us. A place that cannot be one is said in the log, and nobody is told. */
void notify_open(struct notify *notify);
void notify_close(struct notify *notify);
/* Often: tells what changed since, once, and that we live. Never waits. */
void notify_tick(struct notify *notify, const struct notify_news *news, struct wtime now);

#endif
