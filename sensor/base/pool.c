/* See pool.h. A block that waits has the next in its first word; what the sanitizer is told to be
 * off limits there is made readable again before that word is read. Thread: the caller's. */
#include "weir/base/pool.h"

#include "weir/base/buffer.h"
#include "weir/base/poison.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES  ((size_t)64 << 10)
#define CHUNK_BLOCKS 16u /* at least, of large ones */
#define ALIGN        ((size_t)16)

struct pool_block {
    struct pool_block *next;
};

struct pool_chunk {
    struct pool_chunk *next;
    _Alignas(16) char block[];
};

void pool_init(struct pool *pool, size_t bytes)
{
    *pool = (struct pool){.bytes = (bytes + ALIGN - 1) & ~(ALIGN - 1)};
}

void pool_fini(struct pool *pool)
{
    for (struct pool_chunk *next; pool->chunk; pool->chunk = next) {
        next = pool->chunk->next;
        free(pool->chunk);
    }
    pool_init(pool, pool->bytes);
}

static void *take_new(struct pool *pool)
{
    if (pool->at == pool->end) {
        size_t blocks = CHUNK_BYTES / pool->bytes;
        size_t bytes = (blocks > CHUNK_BLOCKS ? blocks : CHUNK_BLOCKS) * pool->bytes;
        struct pool_chunk *chunk = xrealloc(NULL, sizeof *chunk + bytes);
        chunk->next = pool->chunk;
        pool->chunk = chunk;
        pool->at = chunk->block;
        pool->end = chunk->block + bytes;
        poison(pool->at, bytes);
    }
    void *block = pool->at;
    pool->at += pool->bytes;
    unpoison(block, pool->bytes);
    return block;
}

void *pool_take(struct pool *pool)
{
    struct pool_block *block = pool->spare;
    if (!block)
        return memset(take_new(pool), 0, pool->bytes);
    unpoison(block, pool->bytes);
    pool->spare = block->next;
    return memset(block, 0, pool->bytes);
}

void pool_give(struct pool *pool, void *memory)
{
    struct pool_block *block = memory;
    if (!block)
        return;
    block->next = pool->spare;
    pool->spare = block;
    poison(block, pool->bytes);
}

/* --- of many sizes ---------------------------------------------------------------------------- */

void pools_init(struct pools *pools)
{
    for (size_t i = 0; i < POOLS; i++)
        pool_init(&pools->of[i], (i + 1) * POOLS_GRAIN);
}

void pools_fini(struct pools *pools)
{
    for (size_t i = 0; i < POOLS; i++)
        pool_fini(&pools->of[i]);
}

/* NULL: it is the heap's. */
static struct pool *pool_of(struct pools *pools, size_t bytes)
{
    size_t at = bytes > 0 ? (bytes - 1) / POOLS_GRAIN : 0;
    return at < POOLS ? &pools->of[at] : NULL;
}

void *pools_take(struct pools *pools, size_t bytes)
{
    struct pool *pool = pool_of(pools, bytes);
    return pool ? pool_take(pool) : xcalloc(1, bytes);
}

void pools_give(struct pools *pools, void *memory, size_t bytes)
{
    struct pool *pool = pool_of(pools, bytes);
    if (pool)
        pool_give(pool, memory);
    else
        free(memory);
}
