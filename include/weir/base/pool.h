/* Blocks of one size that come and go: taken from chunks, and given back to a list that the next
 * one is taken from. Taking and giving cost a few instructions, and no search. Chunks stay until
 * the pool goes, so it is as large as its most blocks at once ever were; how many these are is the
 * caller's bound. The address sanitizer sees a block that was given back as freed. Thread: the
 * caller's. */
#ifndef WEIR_BASE_POOL_H
#define WEIR_BASE_POOL_H

#include <stdbool.h>
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

/* Blocks of many sizes, up to 2 kB: a pool for each multiple of 32 bytes. Larger ones are the
 * heap's, and gone only when they are given back. Whoever gives back says the size again. What one
 * size had is no other's: together they are as large as the most of each size ever was. */
#define POOLS_GRAIN ((size_t)32)
#define POOLS       64

struct pools {
    struct pool of[POOLS];
};

void pools_init(struct pools *pools);
void pools_fini(struct pools *pools);
void *pools_take(struct pools *pools, size_t bytes); /* zeroed, never NULL */
void pools_give(struct pools *pools, void *memory, size_t bytes);
/* Two sizes are of one pool: a block of the one is one of the other. */
static inline bool pools_same(size_t a, size_t b)
{
    return a <= POOLS * POOLS_GRAIN &&
           (a + POOLS_GRAIN - 1) / POOLS_GRAIN == (b + POOLS_GRAIN - 1) / POOLS_GRAIN;
}

#endif
