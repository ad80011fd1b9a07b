/* Fragments seen just now, to know a mirror's second copy of one. Private to the decode room. */
#ifndef WEIR_SENSOR_DECODE_COPIES_H
#define WEIR_SENSOR_DECODE_COPIES_H

#include "assembly.h"

#include "weir/base/digest.h"
#include "weir/base/time.h"

#define COPIES_KEPT 4096u
#define COPIES_MOST 8u                /* of one fragment; of one that was cut: one */
#define COPIES_NS   (100 * NS_PER_MS) /* a copy comes sooner: as in flow/duplicate.c */

struct copies {
    struct hash_key key; /* drawn at start */
    struct copy {
        uint64_t digest;
        int64_t time_ns; /* INT64_MIN: none */
        uint32_t copies; /* seen of it */
    } at[COPIES_KEPT];
};

void copies_init(struct copies *copies);

struct copy_of { /* all that says whose a piece is; no padding */
    const void *whose;
    size_t size;
};

/* Was the piece seen within COPIES_NS? If not, it was now. */
bool copies_seen(struct copies *copies, const struct copy_of *of, const struct piece *piece,
                 struct ptime time);

#endif
