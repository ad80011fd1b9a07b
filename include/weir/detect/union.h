/* How many distinct items left in one story: an exact set of keyed hashes to UNION_EXACT, then a
 * HyperLogLog of 2^14 registers (Flajolet et al. 2007; relative standard error 1.04/√16384 = 0.8
 * %). Growing from a few bytes; at most 16 MiB while exact, 16 KiB after. Engine thread. */
#ifndef WEIR_DETECT_UNION_H
#define WEIR_DETECT_UNION_H

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNION_EXACT 1000000u

struct item_union;
struct item_union *item_union_new(void);
void item_union_free(struct item_union *u);
bool item_union_add(struct item_union *u, uint64_t hash); /* true: certainly new */
uint64_t item_union_count(const struct item_union *u);
double item_union_error(const struct item_union *u); /* relative; 0 while exact */
/* Exactly, for a restart; NULL when what is there is no union. */
void item_union_pack(const struct item_union *u, struct buffer *out);
struct item_union *item_union_unpack(struct cursor *in);

#endif
