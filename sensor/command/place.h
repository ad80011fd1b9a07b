/* How far a reader of the journal has got, in a file of its own: one line of text. */
#ifndef WEIR_COMMAND_PLACE_H
#define WEIR_COMMAND_PLACE_H

#include "weir/base/error.h"

#include <stdint.h>

/* 0 and sequence number 0 when there is no such file. −1: it is none of ours. */
int place_load(const char *path, uint64_t *sequence, struct error *error);
int place_save(const char *path, uint64_t sequence, struct error *error); /* whole or not at all */

#endif
