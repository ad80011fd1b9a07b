/* What was asked of sizes, kept as long as nothing changes that it was answered by. A hindsight
 * turns to a host and a day and asks the same few sizes of the same past with each of the day's
 * hours; the answers are those that would be worked out again, to the last bit.
 *
 * It belongs to a fleet (one without keeps nothing); whoever changes what is counted of a
 * host or of its peers says so (size_memo_forget), and whoever puts other tables in the place of
 * the peers' and back again says which (size_memo_turn). Bounds: SIZE_MEMO_ANSWERS answers and
 * SIZE_MEMO_YOUNG, a newer one takes the place of an older; eight fits of 32 sets. Engine thread.
 */
#ifndef WEIR_BASELINE_LOCAL_SIZE_MEMO_H
#define WEIR_BASELINE_LOCAL_SIZE_MEMO_H

#include "weir/baseline/fleet.h"
#include "weir/baseline/survival.h"

#define SIZE_MEMO_ANSWERS 8192
#define SIZE_MEMO_YOUNG   4096

struct size_memo;
struct size_memo *size_memo_new(void);
void size_memo_free(struct size_memo *memo);
/* From here on nothing is known. `memo` may be NULL. */
void size_memo_forget(struct size_memo *memo);
/* Likewise, but of what only hangs on peers: a host's own past is another. */
void size_memo_forget_own(struct size_memo *memo);
/* The number of another set of the peers' tables; which one is read from here on (0: the fleet's
 * own, as it is first). `memo` may be NULL. */
uint64_t size_memo_begin_set(struct size_memo *memo);
void size_memo_turn(struct size_memo *memo, uint64_t set);

/* Where S of this past at so many bytes is kept; *known: it is there. The past has counts: one that
 * has none is nobody's in particular, and quickly asked. */
double *size_memo_answer(struct size_memo *memo, const struct histogram *own, uint64_t bytes,
                         bool *known);
/* All of a table, fitted as of `week`. */
const struct sizes *size_memo_fit(struct size_memo *memo, const struct histogram *table,
                                  int64_t week);
/* Where what was worked out of such a table of what is new, for a host of this group, is kept; the
 * group's name by where it lies. */
struct estimate *size_memo_young(struct size_memo *memo, const struct histogram *table,
                                 const char *group, int64_t week, uint64_t bytes, bool *known);
/* Whom hosts of this group are compared with; false: not asked since. */
bool size_memo_peers(const struct size_memo *memo, const char *group, struct peers *peers);
void size_memo_keep_peers(struct size_memo *memo, const char *group, const struct peers *peers);

#endif
