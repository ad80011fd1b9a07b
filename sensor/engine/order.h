/* Records wait here until every worker is complete up to their time.
 *
 * A worker that is absent (its process has gone, its successor is not there) holds nobody up. What
 * comes late, older than what is complete, is consumed next, counted. Everything here is a function
 * of the order of the calls alone, never of how fast records are consumed in between: a restarted
 * engine that takes the same calls consumes the same records in the same order.
 *
 * At the end of its input a worker ends all its open flows at one instant, by key: as many as a
 * capture leaves open, which may be more than may wait. What it tells of the first of them is its
 * promise (order_promise) that no flow of it comes before that key any more, so that what all have
 * promised is complete within the instant. (Its last health follows, which says nothing of flows.)
 *
 * Bound: above ORDER_MAX waiting records the owner reads only from workers that hold the others up
 * (order_holds); one that holds them up with ORDER_MAX records of its own is not believed
 * (order_force, or the owner ends it). */
#ifndef WEIR_ENGINE_ORDER_H
#define WEIR_ENGINE_ORDER_H

#include "weir/record/record.h"

#define ORDER_MAX       262144u
#define ORDER_MAX_BYTES (UINT64_C(128) << 20)
#define ORDER_STEP      4096u /* promises, at least, and it is looked what they complete */

/* Kinds of the engine's own, behind those that cross a ring (which validation refuses). */
enum { ORDER_TIME = RECORD_WATERMARK + 1, ORDER_ABSENCE };

struct ordered {
    const struct record_header *record; /* owned */
    int64_t time_ns;                    /* its own: what is sorted lies together */
    uint32_t worker, incarnation;
};

struct order_worker {
    struct ptime watermark; /* PTIME_MAX: its input ended */
    uint64_t waiting;       /* records of it that are not complete */
    uint64_t bytes;         /* of those */
    bool absent, promises;
    int64_t promised_ns; /* nothing comes before this time and key, which are above the watermark */
    struct flow_key promised;
};

struct order {
    struct ordered *item; /* [next, ready): sorted, may be consumed; [ready, count): waiting */
    size_t next, ready, count, room;
    struct ptime complete; /* smallest watermark; never PTIME_MAX */
    bool ended;            /* all inputs ended: everything is ready */
    struct order_worker *worker;
    uint32_t workers;
    int64_t mark_ns;   /* 0, or: an ORDER_TIME record each time so much packet time is complete */
    uint64_t max;      /* ORDER_MAX */
    uint64_t bytes;    /* of the waiting ones */
    uint64_t promised; /* promises since it was looked what they complete */
    uint64_t late, forced;
    struct spare_block *spare; /* of records that are done: most are of about one size */
    uint32_t spares;
};

void order_init(struct order *order, uint32_t workers);
void order_fini(struct order *order);
/* Copies a validated record. */
void order_add(struct order *order, const struct record_header *record, uint32_t worker,
               uint32_t incarnation);
/* A worker is complete up to `time`; true when more records became ready, or time moved on. */
bool order_watermark(struct order *order, uint32_t worker, struct ptime time);
/* The worker's process has gone: nothing more before its successor; complete up to `last`. */
void order_absent(struct order *order, uint32_t worker, struct ptime last);
/* A process of that number begins: what the one before promised is not its own. */
void order_follow(struct order *order, uint32_t worker);
/* Its successor is there: complete up to what everybody is. */
void order_present(struct order *order, uint32_t worker);
/* This flow record, the last added, is of a worker that ends all its flows now, by key. */
void order_promise(struct order *order, uint32_t worker, const struct record_flow *record);
size_t order_waiting(const struct order *order);
bool order_is_full(const struct order *order); /* by number or by bytes */
/* Of this worker alone there waits what all together may. */
bool order_is_full_of(const struct order *order, uint32_t worker);
/* Others wait for this worker's watermark, or its promise. */
bool order_holds(const struct order *order, uint32_t worker);
/* All that waits becomes ready, whoever's watermark is missing; counted. */
void order_force(struct order *order);
/* The next record to consume, or NULL. Valid until order_done. */
const struct ordered *order_peek(const struct order *order);
/* So many behind it, or NULL: not ready yet. */
const struct ordered *order_ahead(const struct order *order, size_t records);
void order_done(struct order *order); /* the peeked one is consumed and freed */

#endif
