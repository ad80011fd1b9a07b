/* Counts of whole numbers in few logarithmic bins whose width grows when they no longer suffice
 * (the exponential histogram of OpenTelemetry's metrics data model, by base-2 scale), and what can
 * be said of the numbers themselves. Thread: any (pure). */
#ifndef WEIR_BASELINE_LOCAL_RHYTHM_COUNTS_H
#define WEIR_BASELINE_LOCAL_RHYTHM_COUNTS_H

#include "weir/baseline/rhythm.h"

#define RHYTHM_HALVINGS 8 /* a bin of four octaves: all that 32 bits hold is in nine bins */

void rhythm_count(struct rhythm_counts *counts, uint32_t value);
uint64_t rhythm_total(const struct rhythm_counts *counts);
/* The smallest and largest number of a cell's bin. */
void rhythm_range(const struct rhythm_counts *counts, const struct rhythm_cell *cell,
                  double range[2]);
/* The largest bin there is at this resolution. */
uint16_t rhythm_last_bin(unsigned halvings);

struct rhythm_spread {
    double quartile[3]; /* medians of the lower half, of all, of the upper half */
    bool same[2];       /* Q1 and Q2, Q2 and Q3 are one value */
    double deviation;   /* median absolute deviation from Q2 */
};
/* Of at least two counts. */
struct rhythm_spread rhythm_spread_of(const struct rhythm_counts *counts);
/* Likewise, but the deviation is no more than it: soon said. */
struct rhythm_spread rhythm_spread_least(const struct rhythm_counts *counts);

#endif
