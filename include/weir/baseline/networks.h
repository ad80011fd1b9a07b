/* The client networks that a server has met, whether or not there is room for all that is
 * remembered of a pair: of 200 customers 64 have a pair, and the others would be new each time they
 * came. Then a thief's network would be one of twenty new ones a day, and as large as a customer's
 * busy hour; of those that nobody met, there are few, and they take little.
 *
 * Of each: when it was met first and last, in how many hours (as many as make it known, no more are
 * counted), and what it usually takes in one: the running mean of bins (histogram.h), which moves
 * by a fifth from the fifth hour on and stands within two bins, half an octave.
 *
 * At most NETWORKS_MOST, in the order of their names: a part of a hash, so that of 1,024 known ones
 * one new network in 16,000 passes for known. Not met in 26 weeks is forgotten, and at the bound
 * the one that was met longest ago, where each hour it was met counts as a week later: a regular
 * customer outlives 28 days of passers-by. Thread: the engine's. */
#ifndef WEIR_BASELINE_NETWORKS_H
#define WEIR_BASELINE_NETWORKS_H

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"

#include <stdbool.h>
#include <stdint.h>

#define NETWORKS_MOST      1024
#define NETWORKS_NAME_MASK UINT32_C(0xffffff)

struct network {
    uint32_t name; /* NETWORKS_NAME_MASK of evidence_name */
    uint8_t hours; /* met in, PAIR_KNOWN_CONTACTS at most */
    uint8_t usual; /* bin of an hour's bytes */
    int64_t first_day, last_day;
};

struct networks {
    struct network *network; /* sorted by name; NULL: none */
    uint32_t count, room;
    uint32_t crowded_out; /* for want of room */
};

const struct network *networks_find(const struct networks *networks, uint32_t name);
/* An hour with bytes: the day it is of, not before any that was told of this network. */
void networks_meet(struct networks *networks, uint32_t name, uint64_t bytes, int64_t day);
/* Once a day. */
void networks_forget(struct networks *networks, int64_t day);
void networks_fini(struct networks *networks);
void networks_pack(const struct networks *networks, int64_t day, struct buffer *out);
/* Into empty ones. False: not what networks_pack writes (then they are empty again). */
bool networks_unpack(struct networks *networks, int64_t day, struct cursor *in);

#endif
