/* Fragments seen just now, to know a mirror's second copy of one. Private to the decode room. */
#ifndef WEIR_SENSOR_DECODE_COPIES_H
#define WEIR_SENSOR_DECODE_COPIES_H

#include "assembly.h"

#include "weir/base/time.h"

#define COPIES_KEPT 4096u
#define COPIES_NS   (100 * NS_PER_MS) /* a copy comes sooner: as in flow/duplicate.c */
#define COPIES_SEED UINT64_C(0x7765697266726167)

struct copies {
    struct copy {
        uint64_t digest;
        int64_t time_ns; /* INT64_MIN: none */
    } at[COPIES_KEPT];
};

void copies_init(struct copies *copies);
/* Was the piece seen within COPIES_NS? If not, it was now. `place` is a digest of all that says
 * whose the piece is, begun with COPIES_SEED. */
bool copies_seen(struct copies *copies, uint64_t place, const struct piece *piece,
                 struct ptime time);

#endif
