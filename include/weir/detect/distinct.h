/* Distinct things and what they weigh together, in fixed memory: a weighted bottom-k sketch. Each
 * thing has the rank −ln(u)/weight, u in (0, 1] from its hash, so a repetition has the rank it had
 * before; the DISTINCT_KEPT smallest are kept. Until one is turned away the sums are exact. After
 * that what is kept is a sample in which a thing is with probability 1 − exp(−weight·limit), limit
 * being the smallest rank turned away, and sums over any part of them are weighed by it (Cohen and
 * Kaplan 2008, rank conditioning; relative standard error about 1/√(k − 2), 13 %). Two are merged
 * by taking both together: the same as one that saw all. Who does not know the hashes' key cannot
 * choose things that are missed. Grows from nothing; all that share a budget keep fewer things
 * (four at least) once it is spent, and estimate with what they have. Engine thread. */
#ifndef WEIR_DETECT_DISTINCT_H
#define WEIR_DETECT_DISTINCT_H

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISTINCT_KEPT       64u
#define DISTINCT_WEIGHT_MAX 1000000u

struct distinct_item {
    uint64_t hash;
    double rank;
    uint32_t weight; /* 1 to DISTINCT_WEIGHT_MAX, in whatever unit its owner has */
    uint32_t note;   /* its owner's; of the first time it was seen */
};

struct distinct_budget {
    size_t used, limit; /* items; limit 0: none */
    uint64_t shortened; /* times one could not grow */
};

struct distinct { /* zero it to begin */
    struct distinct_item *item;
    uint32_t count, room;
    double limit; /* smallest rank turned away; 0: none was */
};

enum distinct_seen { DISTINCT_NEW, DISTINCT_AGAIN, DISTINCT_BEYOND /* new or not: not kept */ };

enum distinct_seen distinct_add(struct distinct *d, struct distinct_budget *budget, uint64_t hash,
                                uint32_t weight, uint32_t note);
void distinct_clear(struct distinct *d, struct distinct_budget *budget);

struct distinct_sums {
    double things, weight;                 /* of all */
    double counted_things, counted_weight; /* … of those that `counts` let count */
};
/* Of both together (`b` may be NULL); counts NULL: all count. */
struct distinct_sums distinct_sum(const struct distinct *a, const struct distinct *b,
                                  bool (*counts)(void *context, const struct distinct_item *item),
                                  void *context);

/* For a restart of the same build; into an empty one. False: it is not that. */
void distinct_pack(const struct distinct *d, struct buffer *out);
bool distinct_unpack(struct distinct *d, struct distinct_budget *budget, struct cursor *in);

#endif
