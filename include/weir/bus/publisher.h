/* The writing half of the alert bus: appends to the journal, syncs it before the loop sleeps (group
 * commit), and then wakes whoever reads it: the sinks in this process, or the courier's. Thread:
 * the engine's, on the loop. */
#ifndef WEIR_BUS_PUBLISHER_H
#define WEIR_BUS_PUBLISHER_H

#include "weir/alert/journal.h"
#include "weir/base/loop.h"

struct publisher;
/* `journal` is borrowed. `wake` is called whenever more of it is durable; it must not wait. NULL:
 * nobody reads. */
struct publisher *publisher_new(struct loop_ref loop, struct journal *journal,
                                void (*wake)(void *context), void *context);
void publisher_free(struct publisher *publisher);
/* Appends one ECS line. −1: the disk is full or gone; the line is not lost silently: the caller
 * says so and decides. */
int publisher_publish(struct publisher *publisher, const char *line, size_t size,
                      struct error *error);
/* Syncs what was appended, and wakes. −1 when it could not be synced (tried again each second). */
int publisher_flush(struct publisher *publisher, struct error *error);
uint64_t publisher_last(const struct publisher *publisher);    /* sequence number appended last */
uint64_t publisher_durable(const struct publisher *publisher); /* … and synced last */
/* As journal_each_since: what a restarted engine told already. */
int publisher_each_since(const struct publisher *publisher, uint64_t after,
                         void (*each)(void *context, const char *line, size_t size), void *context,
                         struct error *error);

#endif
