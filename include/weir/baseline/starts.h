/* When connections to a destination began within one hour, and how many bytes left in them: what
 * intervals are made of. Intervals of parts of the traffic do not add up to those of the whole, so
 * an open hour keeps the seconds themselves, one entry a second that anything began in.
 *
 * Bound: the STARTS_MAX earliest seconds of the hour. Whatever the order of additions, and however
 * the connections were split over sensors, the earliest of all are among the earliest of each part,
 * with all their bytes: the union is the same. Bytes saturate at 4 GiB. Thread: any (pure). */
#ifndef WEIR_BASELINE_STARTS_H
#define WEIR_BASELINE_STARTS_H

#include "weir/base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

#define STARTS_MAX     256
#define STARTS_SECONDS 3600

struct start {
    uint16_t second; /* of the hour */
    uint32_t bytes;  /* out, in this hour, of what began in it */
};

struct starts {       /* all zero: none */
    struct start *at; /* sorted by second, one a second */
    uint16_t count, room;
};

void starts_fini(struct starts *starts);
/* Empty, for others to come: the room of few is kept, more of it let go. */
void starts_clear(struct starts *starts);
bool starts_has(const struct starts *starts, uint32_t second);
/* More bytes of connections that began in `second`; 0 bytes: it did begin. */
void starts_add(struct starts *starts, uint32_t second, uint64_t bytes);
/* What `more` knows too of the same traffic: the larger of both. */
void starts_union(struct starts *starts, const struct starts *more);
/* There were, or may have been, later ones. */
bool starts_cut(const struct starts *starts);

/* ";12:500;75:480", nothing when there are none: as it stands in the store behind the numbers. */
#define STARTS_TEXT_SIZE (STARTS_MAX * 16 + 1)
void starts_text(const struct starts *starts, struct buffer *out);
/* Into an empty one. False: not exactly that (then it is empty again). */
bool starts_parse(struct starts *starts, const char *text, size_t size);

#endif
