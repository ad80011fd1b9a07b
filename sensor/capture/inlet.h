/* The bytes of one input: a file, a growing file, a pipe or a socket, and what it holds where it is
 * compressed. Private to the capture room. Opened by one thread, then the capture thread's. */
#ifndef WEIR_SENSOR_CAPTURE_INLET_H
#define WEIR_SENSOR_CAPTURE_INLET_H

#include "weir/capture/source.h"

#include <sys/types.h>

#define INLET_HEAD 8u /* what inlet_peek can show */

struct inlet;
/* `path` is for errors; `fd` and both outlive the stream. ERROR_INPUT. */
struct inlet *inlet_open(const char *path, int fd, const struct source_options *options,
                         struct error *error);
void inlet_free(struct inlet *inlet);
/* The next bytes of the plain content: 0 at the end (or stopped), −1 when it is damaged
 * (inlet_problem says how). */
ssize_t inlet_read(struct inlet *inlet, void *to, size_t size);
/* From now on who reads leaves what it got as it is until it reads again, or frees the inlet. */
void inlet_stays(struct inlet *inlet);
/* The first bytes, which inlet_read still gives; fewer than INLET_HEAD at the end. Before the
 * first inlet_read only. */
size_t inlet_peek(struct inlet *inlet, const uint8_t **head);
bool inlet_stopped(const struct inlet *inlet); /* while it waited: what follows was not read */
const char *inlet_problem(const struct inlet *inlet); /* NULL: none */
const char *inlet_packed(const struct inlet *inlet);  /* "gzip"; NULL: not compressed */
bool inlet_is_regular(const struct inlet *inlet);
uint64_t inlet_aside(const struct inlet *inlet);      /* reads that a thread of its own hashed */
uint64_t inlet_bytes_read(const struct inlet *inlet); /* of the file as it lies */
uint64_t inlet_size(const struct inlet *inlet);       /* the same; 0: not known */
/* Reads the rest of the file and takes the digest: see source_digest. */
bool inlet_digest(struct inlet *inlet, uint8_t sha256[SHA256_SIZE]);

#endif
