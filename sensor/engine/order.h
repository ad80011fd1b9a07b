/* Records wait here until every worker is complete up to their time. */
#ifndef WEIR_ENGINE_ORDER_H
#define WEIR_ENGINE_ORDER_H

#include "weir/record/record.h"

struct ordered {
    const struct record_header *record; /* owned */
    uint32_t worker;
};

struct order {
    struct ordered *item; /* [next, ready): sorted, may be consumed; [ready, count): waiting */
    size_t next, ready, count, room;
    struct ptime complete; /* smallest watermark */
    struct ptime *watermark;
    uint32_t workers;
};

void order_init(struct order *order, uint32_t workers);
void order_fini(struct order *order);
/* Copies a validated record. */
void order_add(struct order *order, const struct record_header *record, uint32_t worker);
/* A worker is complete up to `time`; true when more records became ready, or time moved on. */
bool order_watermark(struct order *order, uint32_t worker, struct ptime time);
/* The next record to consume, or NULL. Valid until order_done. */
const struct record_header *order_peek(const struct order *order);
uint32_t order_worker(const struct order *order); /* of the peeked one */
void order_done(struct order *order);             /* the peeked one is consumed and freed */

#endif
