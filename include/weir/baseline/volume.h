/* A number of bytes with what is known of its error. `value`: payload seen; `low`: seen and
 * acknowledged; `high`: with what was missing. low <= value <= high. */
#ifndef WEIR_BASELINE_VOLUME_H
#define WEIR_BASELINE_VOLUME_H

#include <stdint.h>

struct volume {
    uint64_t value, low, high;
};

static inline void volume_add(struct volume *sum, struct volume more)
{
    sum->value += more.value;
    sum->low += more.low;
    sum->high += more.high;
}

/* In order: a gap that was filled after it was told leaves more seen than there was at most. */
static inline struct volume volume_clamped(struct volume v)
{
    v.low = v.low < v.value ? v.low : v.value;
    v.high = v.high > v.value ? v.high : v.value;
    return v;
}

#endif
