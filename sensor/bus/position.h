/* How far a sink has read, across restarts: one line of text in a file of its own. */
#ifndef SENSOR_BUS_POSITION_H
#define SENSOR_BUS_POSITION_H

#include "weir/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct position {
    uint64_t sequence;
    uint64_t epoch_ms; /* when this place began, ms since 1970 */
};

/* 0; false in `known` when there is none yet. −1 and an error when it cannot be read or makes no
 * sense. */
int position_load(const char *path, struct position *position, bool *known, struct error *error);
/* Replaces it whole: written beside it, synced, renamed. */
int position_save(const char *path, const struct position *position, struct error *error);

#endif
