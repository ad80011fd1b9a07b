/* A baseline as one file: --save-baseline, --baseline. "WEIRBASE", schema, the fleet's blob, then
 * (host, blob) sorted by address, then the SHA-256 of all before it. Written to a temporary name
 * and renamed. Same baseline, same bytes. */
#ifndef WEIR_BASELINE_FILE_H
#define WEIR_BASELINE_FILE_H

#include "weir/base/address.h"
#include "weir/base/buffer.h"
#include "weir/base/error.h"

struct baseline_writer;
struct baseline_writer *baseline_writer_new(const void *fleet, size_t fleet_size);
void baseline_writer_put(struct baseline_writer *writer, const struct ip *host, const void *blob,
                         size_t size); /* in ascending order of address */
/* Writes the file and frees the writer, whatever happens; path NULL: only frees it. */
int baseline_writer_finish(struct baseline_writer *writer, const char *path, struct error *error);

/* Reads and checks the whole file first (nothing is given out of a damaged one). Either callback
 * may be NULL. ERROR_INPUT when it is missing or damaged. */
int baseline_read(const char *path,
                  int (*fleet)(void *context, const void *blob, size_t size, struct error *error),
                  int (*host)(void *context, const struct ip *host, const void *blob, size_t size,
                              struct error *error),
                  void *context, struct error *error);

#endif
