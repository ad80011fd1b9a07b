/* A host's closed hour as bytes: what the ledger and the files of a hunt hold of it.
 *
 *   out, in, inside; pairs; of each: destination, out, in, flows, longest, starts (second
 *   differences and bytes)
 *
 * by varints; pairs by name, so that the same hour is the same bytes whatever order they were met
 * in. What stands for a destination is the holder's. Pairs of which nothing left, and "other", are
 * left out. Any thread. */
#ifndef SENSOR_BASELINE_HOUR_BYTES_H
#define SENSOR_BASELINE_HOUR_BYTES_H

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"
#include "weir/baseline/totals.h"

struct hour_names {
    /* By its entry among the hour's pairs: the destination's key, ended by a zero, and its hash. */
    void (*put)(void *context, struct buffer *out, const struct map_entry *entry);
    const char *(*take)(void *context, struct cursor *in); /* NULL: it is none */
    void *context;
};

void hour_bytes_put(struct buffer *out, const struct host_total *total,
                    const struct hour_names *names);
/* Into a total that has its host and hour, and nothing else. False: they are not that, or a pair is
 * there twice; the total is then part of it. */
bool hour_bytes_take(struct cursor *in, struct host_total *total, const struct hour_names *names);
/* A pair's starts alone, behind what there is of it before them. */
void hour_bytes_take_starts(struct cursor *in, struct starts *starts);

#endif
