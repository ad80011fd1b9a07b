/* The capture side of a replay: what reads the inputs and fills the rings. With workers, processes
 * behind walls (role/capture_role.c); with none, a thread of this process. Either way the same
 * records come out. For a survey the inputs may be interfaces, watched by one worker until
 * feed_interrupt. Thread: the main thread, on the loop. */
#ifndef WEIR_ROLE_FEED_H
#define WEIR_ROLE_FEED_H

#include "weir/base/loop.h"
#include "weir/capture/capture.h"
#include "weir/config/config.h"

struct feed_config {
    const struct config *config; /* workers: of it */
    const char *const *inputs;
    size_t input_count;
    bool live;   /* the inputs are the configuration's interfaces, its workers 1 or 0 */
    bool follow; /* files grow: their end is waited at until feed_interrupt, which is no problem */
    struct capture_times times;
    const char *filter;
    const struct ring_handles *rings; /* feed_rings(config) of them; borrowed */
    struct loop_ref loop;
    bool pick; /* a second reading (record/picked.h), for `wanted` flows in `pick_fd`, borrowed */
    int pick_fd;
    uint32_t wanted;
    /* A worker died before it had told everything; what is in its ring holds. */
    void (*lost)(void *context, uint32_t worker, const char *why);
    void *context;
};

struct feed_progress {
    uint64_t packets, bytes_read, bytes_total; /* total 0: not known */
    int64_t time_ns;
};

struct feed;
/* How many rings a configuration needs: one a worker, one for the thread. */
uint32_t feed_rings(const struct config *config);
/* Drives the loop until every worker has begun. Inputs that cannot be read keep their error and are
 * left out; none left, or a worker that cannot begin, is a failure (`error`, and feed_inputs says
 * of each). Free it whatever comes back. */
int feed_start(struct feed **made, const struct feed_config *config, struct error *error);
/* Ends the inputs early: every worker at the same packet. */
void feed_interrupt(struct feed *feed);
void feed_join(struct feed *feed); /* drives the loop until all have told all */
/* All workers have gone; `error` says why, when it was no proper end. Never true of a thread. */
bool feed_has_gone(const struct feed *feed, struct error *error);
void feed_progress_of(const struct feed *feed, struct feed_progress *progress);
/* A worker counts the inputs that opened: which one this number of its is. */
size_t feed_place(const struct feed *feed, uint32_t number);
/* How many of them there are. */
uint32_t feed_opened(const struct feed *feed);
/* As capture_inputs: one an input, in the order of the command line. After feed_join. */
const struct capture_input *feed_inputs(const struct feed *feed, size_t *count);
/* After feed_join: it needs its loop and its rings no more, and is asked for its inputs only. */
void feed_settle(struct feed *feed);
void feed_free(struct feed *feed);
/* What items are hashed with in a replay: a constant, so that two replays are identical. */
void feed_key(struct hash_key *key);

#endif
