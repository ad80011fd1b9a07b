/* The writing half of the alert bus: appends to the journal, syncs it before the loop sleeps (group
 * commit), and then wakes whoever reads it: the sinks in this process, or the courier's.
 *
 * What the disk does not take waits in memory, PUBLISHER_HELD_BYTES at most; then the least severe
 * is given up, and counted: heartbeats first, then alerts by their severity, of equals the newest.
 * What people did (event.kind "event") goes last. That the journal cannot be written is logged at
 * once, and is itself an alert. Thread: the engine's, on the loop. */
#ifndef WEIR_BUS_PUBLISHER_H
#define WEIR_BUS_PUBLISHER_H

#include "weir/alert/journal.h"
#include "weir/base/loop.h"

#define PUBLISHER_HELD_BYTES ((size_t)16 << 20) /* 4,000 alerts and more */

struct publisher;
/* `journal` is borrowed. `wake` is called whenever more of it is durable; it must not wait. NULL:
 * nobody reads. */
struct publisher *publisher_new(struct loop_ref loop, struct journal *journal,
                                void (*wake)(void *context), void *context);
/* What is still held is lost, and said. */
void publisher_free(struct publisher *publisher);
/* The sensor's name, for what the publisher itself tells; borrowed. "" until it is given. */
void publisher_name(struct publisher *publisher, const char *sensor);
/* Takes one ECS line. −1: it is longer than a record may be, and is not taken. */
int publisher_publish(struct publisher *publisher, const char *line, size_t size,
                      struct error *error);
/* Appends what is held, syncs, and wakes. −1 when not all of it is durable (tried again each
 * second). */
int publisher_flush(struct publisher *publisher, struct error *error);
uint64_t publisher_last(const struct publisher *publisher);    /* sequence number appended last */
uint64_t publisher_durable(const struct publisher *publisher); /* … and synced last */
/* As journal_each_since: what a restarted engine told already. */
int publisher_each_since(const struct publisher *publisher, uint64_t after,
                         void (*each)(void *context, const char *line, size_t size), void *context,
                         struct error *error);

struct publisher_status {
    uint64_t published;        /* lines taken */
    uint64_t held, held_bytes; /* that wait in memory */
    uint64_t given_up_metrics, given_up_alerts, given_up_events;
    uint64_t failures; /* times that appending or syncing failed */
    bool trouble;      /* the journal cannot be written, or soon cannot */
    char why[200];     /* of the last trouble */
};
struct publisher_status publisher_status_of(const struct publisher *publisher);

#endif
