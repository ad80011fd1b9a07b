/* What reached a bound or was refused in the engine: one list, for a replay's summary, a sensor's
 * status and its metrics. Thread: the engine's. */
#ifndef WEIR_ENGINE_BOUNDS_H
#define WEIR_ENGINE_BOUNDS_H

#include "weir/base/bound.h"

#include <stddef.h>

#define ENGINE_BOUNDS 53

struct engine;

/* All of them, zeros too, always in the same order; how many. They count since the engine began,
 * its checkpoint included. */
size_t engine_bounds(const struct engine *engine, struct bound_count count[ENGINE_BOUNDS]);

#endif
