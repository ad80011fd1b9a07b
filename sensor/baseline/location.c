/* Locations: learned, packed and read. Thread: any (pure). */
#include "weir/baseline/location.h"

#include "varint.h"

#include <math.h>
#include <string.h>

#define MOST 64 /* log2 of a count of bytes is less */

void location_learn(struct location *location, uint64_t bytes, uint32_t limit, double clip)
{
    double value = log2((double)bytes + 1);
    if (location->count == 0) {
        *location = (struct location){(double)(float)value, 1};
        return;
    }
    double n = (double)(location->count < limit ? location->count + 1 : limit);
    double step = fmax(-clip, fmin(clip, value - location->mean)) / n;
    location->mean = (double)(float)(location->mean + step);
    if (location->count < UINT32_MAX)
        location->count++;
}

double location_or_nan(const struct location *location)
{
    return location->count >= LOCATION_MIN ? location->mean : NAN;
}

void location_pack(const struct location *location, struct buffer *out)
{
    put_unsigned(out, location->count);
    if (location->count)
        put_f32(out, location->mean);
}

struct location location_unpack(struct cursor *in)
{
    struct location location = {0, (uint32_t)take_at_most(in, UINT32_MAX)};
    if (location.count)
        location.mean = take_f32(in);
    if (location.mean > MOST)
        in->failed = true;
    return location;
}
