/* The SHA-256 of what is read, block by block on its way to who parses it; if asked for, by a
 * thread of its own, which hashes one block while that is parsed. It is made for the first block
 * that can be given to it, of an input of which none can there is none. Private to the capture
 * room. Thread: one at a time (the other is its own affair). */
#ifndef WEIR_SENSOR_CAPTURE_HASHER_H
#define WEIR_SENSOR_CAPTURE_HASHER_H

#include "weir/base/digest.h"

struct hasher;
/* `aside_bytes`: blocks of so many or more by a thread of its own, 0: none. Where none can be had
 * the caller's does it. */
struct hasher *hasher_new(size_t aside_bytes);
/* The next bytes. `stays`: they are there, and as they are, until the next call of hasher_put,
 * _wait or _take; else they are hashed before it returns. */
void hasher_put(struct hasher *hasher, const void *data, size_t size, bool stays);
void hasher_wait(struct hasher *hasher);            /* what was put is hashed */
uint64_t hasher_aside(const struct hasher *hasher); /* blocks that were the other thread's */
/* Finishes and frees. */
void hasher_take(struct hasher *hasher, uint8_t out[SHA256_SIZE]);

#endif
