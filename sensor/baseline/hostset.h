/* How many different hosts: an exact set of 32-bit hashes up to `exact` of them, then a HyperLogLog
 * of 2^bits registers (Flajolet et al. 2007, with linear counting below 2.5 registers each).
 * Neither depends on the order of additions. Memory: 4·exact bytes, then 2^bits. Engine thread. */
#ifndef WEIR_BASELINE_LOCAL_HOSTSET_H
#define WEIR_BASELINE_LOCAL_HOSTSET_H

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"

#include <stdbool.h>

struct hostset_shape {
    uint16_t exact;
    uint8_t bits;
};

struct hostset {
    uint32_t *hash;     /* sorted, while exact */
    uint8_t *registers; /* then */
    uint16_t count, room;
    uint32_t estimate; /* of the registers: they are asked far more often than they change */
};

void hostset_fini(struct hostset *set);
void hostset_add(struct hostset *set, struct hostset_shape shape, uint32_t hash);
/* Adding it would change nothing. */
bool hostset_has(const struct hostset *set, struct hostset_shape shape, uint32_t hash);
/* Out of the exact form; false: it was not there, or the set is a sketch. */
bool hostset_remove(struct hostset *set, uint32_t hash);
void hostset_copy(struct hostset *to, const struct hostset *from, struct hostset_shape shape);
/* Adds all that is in `from`. */
void hostset_merge(struct hostset *to, const struct hostset *from, struct hostset_shape shape);
uint32_t hostset_count(const struct hostset *set);
void hostset_pack(const struct hostset *set, struct hostset_shape shape, struct buffer *out);
bool hostset_unpack(struct hostset *set, struct hostset_shape shape, struct cursor *in);

#endif
