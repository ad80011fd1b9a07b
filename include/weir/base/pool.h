/* Blocks of one size that come and go: taken from chunks, and given back to a list that the next
 * one is taken from. Taking and giving cost a few instructions, and no search. Chunks stay until
 * the pool goes, so it is as large as its most blocks at once ever were; how many these are is the
 * caller's bound. The address sanitizer sees a block that was given back as freed. Thread: the
 * caller's. */
#ifndef WEIR_BASE_POOL_H
#define WEIR_BASE_POOL_H

#include <stddef.h>

struct pool_block;
struct pool_chunk;

struct pool {
    size_t bytes;             /* of a block, a multiple of 16 */
    struct pool_block *spare; /* given back, the latest first */
    struct pool_chunk *chunk; /* the latest first; each has the next in its head */
    char *at, *end;           /* of the latest chunk, what was never taken */
};

void pool_init(struct pool *pool, size_t bytes);
/* All blocks are gone then, given back or not. */
void pool_fini(struct pool *pool);
/* Zeroed. Never NULL. */
void *pool_take(struct pool *pool);
void pool_give(struct pool *pool, void *memory); /* NULL is nothing */

#endif
