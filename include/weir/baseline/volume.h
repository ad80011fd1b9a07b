/* A number of bytes with what is known of its error. `value`: payload seen; `low`: seen and
 * acknowledged; `high`: with what was missing. low <= value <= high. Sums stay at the largest
 * number there is: what a store says may be anything, and must not come out small. */
#ifndef WEIR_BASELINE_VOLUME_H
#define WEIR_BASELINE_VOLUME_H

#include <stdint.h>

struct volume {
    uint64_t value, low, high;
};

static inline uint64_t bytes_add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static inline void volume_add(struct volume *sum, struct volume more)
{
    sum->value = bytes_add(sum->value, more.value);
    sum->low = bytes_add(sum->low, more.low);
    sum->high = bytes_add(sum->high, more.high);
}

/* In order: a gap that was filled after it was told leaves more seen than there was at most. */
static inline struct volume volume_clamped(struct volume v)
{
    v.low = v.low < v.value ? v.low : v.value;
    v.high = v.high > v.value ? v.high : v.value;
    return v;
}

#endif
