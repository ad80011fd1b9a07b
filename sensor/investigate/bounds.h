/* What reached a bound or was refused in this run: one list for people and for programs. */
#ifndef WEIR_INVESTIGATE_BOUNDS_H
#define WEIR_INVESTIGATE_BOUNDS_H

#include "weir/base/bound.h"
#include "weir/investigate/summary.h"

#define BOUNDS_MAX 95

/* All of them, zeros too, always in the same order. */
size_t bounds_of(const struct summary *summary, struct bound_count count[BOUNDS_MAX]);

#endif
