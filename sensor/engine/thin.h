/* Large structs that are mostly zeros, without the zeros: a bit for each group of 512 bytes, of
 * those that are not all zero a bit for each 8 bytes, then those that are not zero. Exact, whatever
 * the struct's fields are; between equal layouts only. */
#ifndef WEIR_ENGINE_THIN_H
#define WEIR_ENGINE_THIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define THIN_GRAIN   ((size_t)8)
#define THIN_GROUP   (64 * THIN_GRAIN)            /* of one word of bits */
#define THIN_HEAD    sizeof(uint16_t)             /* a bit for each group */
#define THIN_LARGEST (8 * THIN_HEAD * THIN_GROUP) /* struct */

/* The most that `size` bytes take. */
#define THIN_MAX(size)                                                                             \
    (THIN_HEAD + ((size) + THIN_GROUP - 1) / THIN_GROUP * (THIN_GROUP + sizeof(uint64_t)))

/* `size`: a multiple of THIN_GRAIN, THIN_LARGEST at most. `to`: THIN_MAX(size) bytes. Returns how
 * many it took. */
size_t thin_pack(const void *from, size_t size, uint8_t *to);
/* The same without a look at the groups of these bits, which the caller knows to be all zero. */
size_t thin_pack_but(const void *from, size_t size, unsigned zero, uint8_t *to);
/* The groups that lie in [begin, end) as a whole. */
unsigned thin_groups_in(size_t begin, size_t end);
/* False: they are not `size` bytes thinned; then `to` is undefined. */
bool thin_unpack(const uint8_t *from, size_t thin, void *to, size_t size);
/* The same into what is all zero already. */
bool thin_fill(const uint8_t *from, size_t thin, void *to, size_t size);
/* Makes what was packed into `thin` all zero, and writes only what is not. */
void thin_clear(const uint8_t *thin, void *of);

#endif
