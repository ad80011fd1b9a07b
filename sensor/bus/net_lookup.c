/* Names, by the system's resolver in a thread of its own.
 *
 * getaddrinfo waits, so it must not run on the loop. A thread rather than libevent's evdns, because
 * that one reads resolv.conf by itself and knows nothing of nsswitch: what `getent hosts` finds is
 * what a sink finds, as it is with libcurl and librdkafka. Only names that the operator configured
 * are looked up. An address needs no look-up, but goes the same way: it is as rare, and one way is
 * simpler than two.
 *
 * The thread and the sink share one counted object; who lets go last frees it, so a sink may close
 * while the resolver hangs. Where too many threads are at
 * work (aside.h) a look-up fails, and is tried again with the connection. Thread: the loop's, and
 * the look-up's own. */
#include "net.h"

#include "aside.h"
#include "weir/base/buffer.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct shared {
    atomic_int holders;
    char *host, *port;
    int type, done_fd;
    struct addrinfo *found; /* written by the thread before it writes to done_fd */
    int fault;              /* of getaddrinfo */
};

struct net_lookup {
    struct shared *shared;
    struct loop_ref loop;
    struct loop_watch *watch;
    void (*done)(void *context, const struct addrinfo *found, const char *why);
    void *context;
};

static void let_go(struct shared *shared)
{
    if (atomic_fetch_sub(&shared->holders, 1) != 1)
        return;
    if (shared->found)
        freeaddrinfo(shared->found);
    if (shared->done_fd >= 0)
        close(shared->done_fd);
    free(shared->host);
    free(shared->port);
    free(shared);
}

static void look_up(void *context)
{
    struct shared *shared = context;
    struct addrinfo hints = {.ai_socktype = shared->type, .ai_flags = AI_ADDRCONFIG};
    shared->fault = getaddrinfo(shared->host, shared->port, &hints, &shared->found);
    if (shared->fault == EAI_NONAME || shared->fault == EAI_ADDRFAMILY) {
        hints.ai_flags = 0; /* a machine with only its loopback has no "configured" addresses */
        shared->fault = getaddrinfo(shared->host, shared->port, &hints, &shared->found);
    }
    if (shared->fault)
        shared->found = NULL;
    const uint64_t one = 1;
    while (write(shared->done_fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
    let_go(shared);
}

static void on_done(void *context, unsigned what)
{
    struct net_lookup *lookup = context;
    struct shared *shared = lookup->shared;
    uint64_t count;
    (void)what;
    if (read(shared->done_fd, &count, sizeof count) != sizeof count)
        return;
    lookup->loop.ops->drop(lookup->watch);
    lookup->watch = NULL;
    lookup->done(lookup->context, shared->found,
                 shared->fault ? gai_strerror(shared->fault) : NULL);
}

struct net_lookup *
net_lookup_new(struct loop_ref loop, const char *host, const char *port, int type,
               void (*done)(void *context, const struct addrinfo *found, const char *why),
               void *context, struct error *error)
{
    struct net_lookup *lookup = xcalloc(1, sizeof *lookup);
    struct shared *shared = xcalloc(1, sizeof *shared);
    *lookup = (struct net_lookup){shared, loop, NULL, done, context};
    atomic_init(&shared->holders, 1);
    shared->host = xstrdup(host);
    shared->port = port ? xstrdup(port) : NULL;
    shared->type = type;
    shared->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int fault = shared->done_fd < 0 ? errno : 0;
    if (!fault) {
        lookup->watch = loop.ops->watch(loop.loop, shared->done_fd, LOOP_READ, on_done, lookup);
        atomic_fetch_add(&shared->holders, 1);
        fault = lookup->watch ? aside(look_up, shared) : ENOMEM;
        if (fault)
            atomic_fetch_sub(&shared->holders, 1);
    }
    if (!fault)
        return lookup;
    error_set(error, ERROR_RUN, "%s: cannot be looked up: %s", host, strerror(fault));
    net_lookup_free(lookup);
    return NULL;
}

void net_lookup_free(struct net_lookup *lookup)
{
    if (!lookup)
        return;
    if (lookup->watch)
        lookup->loop.ops->drop(lookup->watch);
    let_go(lookup->shared);
    free(lookup);
}
