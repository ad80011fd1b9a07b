/* What reached a bound or was refused in this run: one list for people and for programs. */
#ifndef WEIR_INVESTIGATE_BOUNDS_H
#define WEIR_INVESTIGATE_BOUNDS_H

#include "weir/investigate/summary.h"

#define BOUNDS_MAX 85

struct bound_count {
    const char *name, *text; /* of the JSON field; for people, after the number */
    uint64_t count;
};

/* All of them, zeros too, always in the same order. */
size_t bounds_of(const struct summary *summary, struct bound_count count[BOUNDS_MAX]);

#endif
