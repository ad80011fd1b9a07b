/* How many distinct items left in one story: an exact set of keyed hashes to UNION_EXACT, then a
 * HyperLogLog of 2^14 registers (Flajolet et al. 2007; relative standard error 1.04/√16384 = 0.8 %)
 * with Ertl's estimate (arXiv:1702.01284, 2017, algorithm 6), which has no bias for few items nor
 * for many. Growing from a few bytes; at most 16 MiB while exact, 16 KiB after. Unions may share a
 * budget: past it one that would grow beyond 16 KiB becomes a HyperLogLog at once. Engine thread.
 */
#ifndef WEIR_DETECT_UNION_H
#define WEIR_DETECT_UNION_H

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNION_EXACT 1000000u

struct union_budget {
    size_t used_bytes, limit_bytes; /* of exact sets */
    uint64_t shortened;             /* unions that became a HyperLogLog for want of room */
};

struct item_union;
struct item_union *item_union_new(struct union_budget *budget); /* NULL: no limit */
void item_union_free(struct item_union *u);
bool item_union_add(struct item_union *u, uint64_t hash); /* true: certainly new */
uint64_t item_union_count(const struct item_union *u);
/* Each hash, in no order; false: only an estimate was kept, and none is told. */
bool item_union_each(const struct item_union *u, void (*each)(void *context, uint64_t hash),
                     void *context);
double item_union_error(const struct item_union *u); /* relative; 0 while exact */
/* Exactly, for a restart; NULL when what is there is no union. */
void item_union_pack(const struct item_union *u, struct buffer *out);
struct item_union *item_union_unpack(struct union_budget *budget, struct cursor *in);

#endif
