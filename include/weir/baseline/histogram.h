/* The log histogram every volume statistic rests on: bin = min(176, floor(4·log2(bytes + 1))), a
 * DDSketch (Masson, Rim, Lee, VLDB 2019) of fixed γ = 2^¼: relative error ≤ 8.7 %.
 *
 * Counts are kept by week and read with weight 2^(−age/28 d), so that the past fades without ever
 * being rewritten; weeks older than HISTOGRAM_WEEKS are dropped. To stay small, a week that is no
 * longer in the newest week's block of four is kept as the third week of its own block. Sparse:
 * sorted cells, typically 20–40 live bins. Integer counts only: the same history gives the same
 * bytes. Engine thread. */
#ifndef WEIR_BASELINE_HISTOGRAM_H
#define WEIR_BASELINE_HISTOGRAM_H

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"

#include <stdbool.h>
#include <stdint.h>

#define HISTOGRAM_BINS  177
#define HISTOGRAM_WEEKS 26

struct histogram_cell {
    uint16_t week; /* week ordinal (days since 1970 / 7) */
    uint8_t bin;
    uint8_t spare;
    uint32_t count; /* saturates */
};

struct histogram {
    struct histogram_cell *cell; /* sorted by (bin, week) */
    uint16_t count, room;
    uint16_t newest; /* the latest week of all cells; 0 when empty */
};

unsigned histogram_bin(uint64_t bytes);
/* The smallest number of bytes that falls into `bin` or above it (bins 1–3 hold no whole number).
 */
uint64_t histogram_floor(unsigned bin);
uint64_t histogram_middle(unsigned bin); /* by ratio: within 9 % of all that falls into it */
int64_t histogram_week(int64_t day);     /* of a day ordinal */
/* 2^(−age/28 d); 1 for weeks to come, 0 for those that are dropped. */
double histogram_weight(int64_t age_weeks);

void histogram_fini(struct histogram *h);
void histogram_copy(struct histogram *to, const struct histogram *from); /* `to` is freed first */
void histogram_add(struct histogram *h, unsigned bin, int64_t week, uint32_t count);
/* Takes back at most `count` of what was added at that bin and week; how many there were. */
uint32_t histogram_take(struct histogram *h, unsigned bin, int64_t week, uint32_t count);
/* Drops the oldest week, unless it is the only one; whether it did. */
bool histogram_thin(struct histogram *h);
/* Weighted counts as of `week`. */
double histogram_total(const struct histogram *h, int64_t week);
double histogram_at_least(const struct histogram *h, unsigned bin, int64_t week);
/* The largest bin that was ever observed (and is still remembered), −1 when empty. */
int histogram_largest(const struct histogram *h);
uint64_t histogram_samples(const struct histogram *h); /* unweighted */
uint64_t histogram_samples_at_least(const struct histogram *h, unsigned bin);
/* The smallest bin up to which (itself included) the share `q` of the weight lies; −1 when empty.
 */
int histogram_quantile(const struct histogram *h, double q, int64_t week);
void histogram_pack(const struct histogram *h, struct buffer *out);
/* Into an empty histogram. False: not one (then `h` is empty again). */
bool histogram_unpack(struct histogram *h, struct cursor *in);

#endif
