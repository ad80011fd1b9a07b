/* Host profiles in memory.
 *
 *   the store ── loads.c ──► packed (three quarters of the budget) ──► unpacked (one quarter)
 *
 * Measured, of a host with 64 destinations: unpacked 44 to 64 kB, the sixteen heaviest of them
 * alone 16 kB, all of them packed 10 to 16 kB. So what is kept is the whole profile, packed as the
 * store has it: it costs less than a quarter of it would, it answers every question (how often a
 * host's pairs reach a size, and what its clients' networks usually take, are asked of all pairs),
 * and it is what an hour's close begins with. Unpacked ones are of the hosts that are judged just
 * now; they are dropped without a loss.
 *
 * Bounds: baseline.cache_mib for both. Of packed ones the one not judged for longest is let go,
 * counted: the store has it (a profile changes only by a close, which writes it), and it is loaded
 * again on need. Which are there decides in a live engine who is judged without a past for a
 * moment, so the order of use is part of the checkpoint, and they are let go only where an answer
 * was taken in its place or an hour's close is over. What is unpacked decides nothing. Thread: the
 * engine's.
 */
#include "internal.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define BLOB_OVERHEAD 16 /* of an allocation */

/* --- lists ----------------------------------------------------------------------------------- */

void list_add(struct host_list *list, struct host *host, enum host_list_kind kind)
{
    host->newer[kind] = NULL;
    host->older[kind] = list->newest;
    *(list->newest ? &list->newest->newer[kind] : &list->oldest) = host;
    list->newest = host;
}

void list_remove(struct host_list *list, struct host *host, enum host_list_kind kind)
{
    struct host *newer = host->newer[kind], *older = host->older[kind];
    *(newer ? &newer->older[kind] : &list->newest) = older;
    *(older ? &older->newer[kind] : &list->oldest) = newer;
    host->newer[kind] = host->older[kind] = NULL;
}

static void touch(struct cache *cache, struct host *host, enum host_list_kind kind)
{
    if (cache->list[kind].newest == host)
        return;
    list_remove(&cache->list[kind], host, kind);
    list_add(&cache->list[kind], host, kind);
}

/* --- unpacked -------------------------------------------------------------------------------- */

struct profile *cache_take_unpacked(struct engine *engine, struct host *host)
{
    struct profile *profile = host->profile;
    if (!profile)
        return NULL;
    list_remove(&engine->cache.list[LIST_UNPACKED], host, LIST_UNPACKED);
    engine->cache.unpacked_bytes -= host->unpacked_bytes;
    host->profile = NULL;
    host->unpacked_bytes = 0;
    return profile;
}

static void trim_unpacked(struct engine *engine)
{
    struct cache *cache = &engine->cache;
    const struct host_list *list = &cache->list[LIST_UNPACKED];
    uint64_t limit = engine->config.cache_bytes / 4;
    while (engine->config.cache_bytes > 0 && cache->unpacked_bytes > limit &&
           list->oldest != list->newest)
        profile_free(cache_take_unpacked(engine, list->oldest));
}

void cache_put_unpacked(struct engine *engine, struct host *host, struct profile *profile)
{
    host->profile = profile;
    host->unpacked_bytes = (uint32_t)profile_bytes(profile);
    engine->cache.unpacked_bytes += host->unpacked_bytes;
    list_add(&engine->cache.list[LIST_UNPACKED], host, LIST_UNPACKED);
    trim_unpacked(engine);
}

const struct profile *cache_use(struct engine *engine, struct host *host)
{
    struct error error = {0};
    touch(&engine->cache, host, LIST_PACKED);
    if (host->profile) {
        touch(&engine->cache, host, LIST_UNPACKED);
        return host->profile;
    }
    struct profile *profile = profile_unpack(host->blob, host->blob_size, &error);
    if (profile)
        cache_put_unpacked(engine, host, profile);
    else
        engine_fail(engine, &error);
    return profile;
}

/* --- packed ---------------------------------------------------------------------------------- */

static uint64_t packed_limit(const struct engine *engine)
{
    uint64_t bytes = engine->config.cache_bytes;
    return bytes > 0 ? bytes - bytes / 4 : UINT64_MAX;
}

bool cache_has_room(const struct engine *engine, size_t bytes)
{
    return engine->cache.packed_bytes + bytes + BLOB_OVERHEAD <= packed_limit(engine);
}

static void free_blob(struct cache *cache, struct host *host)
{
    cache->packed_bytes -= host->blob_size + BLOB_OVERHEAD;
    free(host->blob);
    host->blob = NULL;
    host->blob_size = 0;
}

/* One that was there keeps its place among the others. */
void cache_put(struct engine *engine, struct host *host, const void *blob, size_t size)
{
    struct cache *cache = &engine->cache;
    profile_free(cache_take_unpacked(engine, host));
    if (host->blob)
        free_blob(cache, host);
    else
        list_add(&cache->list[LIST_PACKED], host, LIST_PACKED);
    host->blob = xcalloc(1, size);
    memcpy(host->blob, blob, size);
    host->blob_size = (uint32_t)size;
    cache->packed_bytes += size + BLOB_OVERHEAD;
}

void cache_drop(struct engine *engine, struct host *host)
{
    profile_free(cache_take_unpacked(engine, host));
    if (host->blob) {
        free_blob(&engine->cache, host);
        list_remove(&engine->cache.list[LIST_PACKED], host, LIST_PACKED);
    }
    host->loaded = host->damaged = false;
    host->missed_ns = 0;
}

void cache_trim(struct engine *engine)
{
    struct cache *cache = &engine->cache;
    const struct host_list *list = &cache->list[LIST_PACKED];
    while (cache->packed_bytes > packed_limit(engine) && list->oldest != list->newest) {
        save_for_room(engine, list->oldest);
        cache_drop(engine, list->oldest);
        engine->counts.profiles_let_go++;
    }
}
