/* Writing to a socket whose peer may be gone, without SIGPIPE: it is blocked for this thread, and
 * taken back afterwards when it is ours. hiredis writes with write(2), so it cannot ask for that.
 */
#ifndef SENSOR_BASELINE_QUIET_H
#define SENSOR_BASELINE_QUIET_H

#include <signal.h>
#include <stdbool.h>
#include <time.h>

struct quiet {
    sigset_t before;
    bool was_pending;
};

static inline struct quiet quiet_begin(void)
{
    struct quiet quiet;
    sigset_t pipe_only, pending;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&pending);
    quiet.was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_only, &quiet.before);
    return quiet;
}

static inline void quiet_end(const struct quiet *quiet)
{
    sigset_t pipe_only;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    if (!quiet->was_pending)
        sigtimedwait(&pipe_only, NULL, &(struct timespec){0, 0});
    pthread_sigmask(SIG_SETMASK, &quiet->before, NULL);
}

#endif
