/* Where a thing's sizes lie: the running mean of log2(bytes + 1), step 1/min(n, limit), each value
 * clipped to ± `clip` octaves around it. Kept as a float, so that what was stored goes on like what
 * was not. Thread: any (pure). */
#ifndef WEIR_BASELINE_LOCATION_H
#define WEIR_BASELINE_LOCATION_H

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"

#include <stdint.h>

#define LOCATION_MIN        5 /* a location of fewer values is not compared with anybody's */
#define LOCATION_HOUR_LIMIT 200
#define LOCATION_HOUR_CLIP  4.0 /* octaves */
#define LOCATION_DAY_LIMIT  20
#define LOCATION_DAY_CLIP   2.0

struct location {
    double mean;
    uint32_t count;
};

void location_learn(struct location *location, uint64_t bytes, uint32_t limit, double clip);
/* NAN: of fewer than LOCATION_MIN values. */
double location_or_nan(const struct location *location);
void location_pack(const struct location *location, struct buffer *out);
/* What is none fails the cursor. */
struct location location_unpack(struct cursor *in);

#endif
