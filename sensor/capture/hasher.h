/* The SHA-256 of what is read, block by block on its way to who parses it; if asked for, by a
 * thread of its own, which hashes one block while that is parsed. Private to the capture room.
 * Thread: one at a time (the other is its own affair). */
#ifndef WEIR_SENSOR_CAPTURE_HASHER_H
#define WEIR_SENSOR_CAPTURE_HASHER_H

#include "weir/base/digest.h"

struct hasher;
/* `aside`: by a thread of its own. Where none can be had the caller's does it. */
struct hasher *hasher_new(bool aside);
/* The next bytes. `stays`: they are there, and as they are, until the next call of anything here;
 * else they are hashed before it returns. */
void hasher_put(struct hasher *hasher, const void *data, size_t size, bool stays);
void hasher_wait(struct hasher *hasher); /* what was put is hashed */
/* Finishes and frees. */
void hasher_take(struct hasher *hasher, uint8_t out[SHA256_SIZE]);

#endif
