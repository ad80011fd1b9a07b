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

#endif
