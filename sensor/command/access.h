/* How `weir baseline` reaches the memory: of a running sensor, or with none running.
 *
 *   redis.url embedded, a sensor runs    its private server's socket is there: it is used
 *   redis.url embedded, none runs        the state directory's lock is taken and the private server
 *                                        started, until access_close
 *   any other redis.url                  the operator's server, whoever else uses it
 *
 * Thread: the main thread, which drives the loop while it waits. */
#ifndef WEIR_COMMAND_ACCESS_H
#define WEIR_COMMAND_ACCESS_H

#include "weir/baseline/embedded.h"
#include "weir/baseline/store.h"
#include "weir/config/config.h"
#include "weir/role/state.h"

struct access {
    const struct config *config; /* borrowed */
    struct calendar *calendar;
    struct loop_ref loop;
    struct store *store;
    struct state state; /* lock_fd −1: not ours */
    struct embedded embedded;
    bool writes;
    bool running; /* a sensor with this state directory runs: it must be told of what changed */
    bool ready;
    struct error error; /* the first */
};

/* Whether a sensor runs with this state directory. */
bool access_runs(const struct config *config);
/* 0: the store answers. −1: access->error. access_close either way. `writes` false: nothing can be
 * changed, and a state directory that is not there is not made. */
int access_open(struct access *access, const struct config *config, bool writes);
/* Runs the loop until `*done`, or an error. */
int access_wait(struct access *access, const bool *done);
/* From within an answer: look again whether all is done. */
void access_look_again(const struct access *access);
/* Once all that was sent is answered. */
int access_settle(struct access *access);
void access_close(struct access *access);

#endif
