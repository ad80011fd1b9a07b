/* Files that commands write for people. Thread: the main thread. */
#ifndef SENSOR_COMMAND_OUTPUT_H
#define SENSOR_COMMAND_OUTPUT_H

#include "weir/base/error.h"

#include <stddef.h>

/* Appears whole or not at all, mode 0640: written beside itself, on the disk, then renamed; of a
 * link its target is replaced (one that leads nowhere is an error). A device, a FIFO or what is
 * this process's standard output is written to as it is. */
int output_write(const char *path, const char *text, struct error *error);
int output_write_bytes(const char *path, const void *data, size_t size, struct error *error);

#endif
