/* Detached threads for what libraries cannot do without waiting: the system's resolver, the end of
 * a Kafka producer, libcurl's SMTP. Whoever begins one shares a counted object with it and may let
 * go at any time. Bounded: beyond ASIDE_MAX the caller is told so and tries again later.
 *
 * OpenSSL cleans up when the program exits, and must not while a thread still uses it: exit waits
 * for them a little. That handler is registered later than OpenSSL's and so runs before it. */
#include "aside.h"

#include "weir/base/buffer.h"
#include "weir/base/time.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define STACK_BYTES  ((size_t)512 << 10)
#define EXIT_WAIT_NS (2 * NS_PER_S)
#define EXIT_LOOK_NS (10 * NS_PER_MS)

struct piece {
    void (*work)(void *context);
    void *context;
};

static atomic_int running;

static void await_all(void)
{
    for (int64_t waited = 0; atomic_load(&running) > 0 && waited < EXIT_WAIT_NS;
         waited += EXIT_LOOK_NS)
        nanosleep(&(struct timespec){0, EXIT_LOOK_NS}, NULL);
}

static void register_await(void)
{
    atexit(await_all);
}

static void *begin(void *context)
{
    struct piece piece = *(struct piece *)context;
    free(context);
    piece.work(piece.context);
    atomic_fetch_sub(&running, 1);
    return NULL;
}

static int start(struct piece *piece)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int fault = pthread_create(&thread, &attributes, begin, piece);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return fault;
}

int aside(void (*work)(void *context), void *context)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_await);
    int fault = EAGAIN;
    if (atomic_fetch_add(&running, 1) < ASIDE_MAX) {
        struct piece *piece = xcalloc(1, sizeof *piece);
        *piece = (struct piece){work, context};
        fault = start(piece);
        if (fault)
            free(piece);
    }
    if (fault)
        atomic_fetch_sub(&running, 1);
    return fault;
}
