/* Times that no input covers, though inputs before and after do. Private to the room. */
#ifndef WEIR_SENSOR_INVESTIGATE_GAPS_H
#define WEIR_SENSOR_INVESTIGATE_GAPS_H

#include "weir/investigate/summary.h"

#define GAP_NS NS_PER_MIN /* shorter ones are not told: a quiet link looks the same */

struct gap {
    struct ptime from, to; /* the last packet before, the first one after */
    const struct summary_input *before, *after;
};

/* In the order of time; caller frees. `count`: how many. */
struct gap *input_gaps(const struct summary *summary, size_t *count);

#endif
