/* Found items of one side of a flow: told once, as long as the set of what was told has room (past
 * the bound it starts anew: the engine's unions do not mind repeats), in records of a class each.
 * Thread: the capture thread. */
#ifndef WEIR_SENSOR_CONTENT_ITEMS_H
#define WEIR_SENSOR_CONTENT_ITEMS_H

#include "weir/base/pool.h"
#include "weir/content/content.h"
#include "weir/content/found.h"

/* Batches that may wait for more items, of all sides together (8 KiB each at most, mostly 250
 * bytes). */
#define ITEMS_BATCHES_MAX 16384u

/* What all sides share. `used_bytes` of their sets stays below `limit_bytes`: a set that may not
 * grow starts anew instead. With ITEMS_BATCHES_MAX batches an item of a further one is told at
 * once. */
struct items_shared {
    size_t used_bytes, limit_bytes;
    uint32_t batches;
    bool samples;                 /* keep a few of each record's items as they were */
    struct pool pool, batch_pool; /* of struct items, of batches */
};
void items_shared_init(struct items_shared *shared, size_t limit_bytes, bool samples);
void items_shared_fini(struct items_shared *shared); /* all of them are gone */

struct items;
/* `tell` is given a class's items when there are as many as a record holds, and by items_tell.
 * *waits, of the caller's own memory, says whether something is still to be told. */
struct items *items_new(struct items_shared *shared,
                        void (*tell)(void *context, const struct content_items *items),
                        void *context, bool *waits);
void items_free(struct items *items); /* what was not told is not */
void items_tell(struct items *items);
struct finder items_finder(struct items *items);

#endif
