/* A file of lines, read whole and bounded, with its SHA-256. Thread: any. */
#ifndef SENSOR_INVESTIGATE_LINES_H
#define SENSOR_INVESTIGATE_LINES_H

#include "weir/base/digest.h"
#include "weir/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_MAX_BYTES (16u << 20) /* longer lines are skipped, counted */

struct lines {
    uint64_t bytes, lines, skipped;
    uint8_t sha256[SHA256_SIZE];
};

/* Each line without its end. −1: it cannot be opened or read (`error`); `absent` (may be NULL):
 * there is no such file, which is no error then. */
int lines_each(const char *path, void (*each)(void *context, const char *line, size_t size),
               void *context, struct lines *lines, bool *absent, struct error *error);

#endif
