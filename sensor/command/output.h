/* Files that commands write for people. Thread: the main thread. */
#ifndef SENSOR_COMMAND_OUTPUT_H
#define SENSOR_COMMAND_OUTPUT_H

#include "weir/base/error.h"

/* Appears whole or not at all: written beside itself, then renamed. */
int output_write(const char *path, const char *text, struct error *error);

#endif
