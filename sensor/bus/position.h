/* How far a sink has read, across restarts: one line of text in a file of its own. */
#ifndef SENSOR_BUS_POSITION_H
#define SENSOR_BUS_POSITION_H

#include "weir/base/error.h"

#include <stdint.h>

/* 0 and 0 when there is none yet; −1 and an error when it cannot be read or makes no sense. */
int position_load(const char *path, uint64_t *sequence, struct error *error);
/* Replaces it whole: written beside it, synced, renamed. */
int position_save(const char *path, uint64_t sequence, struct error *error);

#endif
