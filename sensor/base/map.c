/* Open addressing with linear probing and backward-shift deletion (no tombstones), at most half
 * full: what is not there, which is asked for most, is found missing in one line of the cache. The
 * seed is a constant: iteration order is never shown, and a bounded key set is the caller's duty.
 * Thread: the caller's. */
#include "weir/base/map.h"

#include "weir/base/buffer.h"
#include "weir/base/digest.h"
#include "weir/base/pages.h"

#include <stdlib.h>
#include <string.h>

#define MAP_SEED UINT64_C(0x77656972)

void map_init(struct map *map)
{
    *map = (struct map){0};
}

void map_init_borrowing(struct map *map)
{
    *map = (struct map){.borrows = true};
}

static void drop_key(const struct map *map, const struct map_entry *entry)
{
    union {
        const uint8_t *borrowed;
        void *owned;
    } cast = {.borrowed = entry->key};
    if (!map->borrows)
        free(cast.owned);
}

void map_fini(struct map *map, void (*free_value)(void *value))
{
    for (size_t i = 0; map->slot && i <= map->mask; i++) {
        if (!map->slot[i].value)
            continue;
        drop_key(map, &map->slot[i]);
        if (free_value)
            free_value(map->slot[i].value);
    }
    pages_free(map->slot, map->mask + 1, sizeof *map->slot);
    *map = (struct map){.borrows = map->borrows};
}

/* The slot of the key, or the empty one where it would go. */
static size_t find(const struct map *map, const void *key, size_t key_size, uint64_t hash)
{
    size_t at = hash & map->mask;
    while (map->slot[at].value &&
           (map->slot[at].hash != hash || map->slot[at].key_size != key_size ||
            memcmp(map->slot[at].key, key, key_size) != 0))
        at = (at + 1) & map->mask;
    return at;
}

uint64_t map_hash(const void *key, size_t key_size)
{
    return hash64(key, key_size, MAP_SEED);
}

void map_prefetch(const struct map *map, uint64_t hash)
{
    if (map->count > 0)
        __builtin_prefetch(&map->slot[hash & map->mask]);
}

void *map_expect(const struct map *map, uint64_t hash)
{
    if (map->count == 0)
        return NULL;
    size_t at = hash & map->mask;
    while (map->slot[at].value && map->slot[at].hash != hash)
        at = (at + 1) & map->mask;
    return map->slot[at].value;
}

void *map_get_hashed(const struct map *map, const void *key, size_t key_size, uint64_t hash)
{
    return map->count > 0 ? map->slot[find(map, key, key_size, hash)].value : NULL;
}

void *map_get(const struct map *map, const void *key, size_t key_size)
{
    return map->count > 0 ? map_get_hashed(map, key, key_size, map_hash(key, key_size)) : NULL;
}

static void grow(struct map *map)
{
    struct map old = *map;
    size_t size = old.slot ? 2 * (old.mask + 1) : 16;
    map->slot = pages_calloc(size, sizeof *map->slot);
    map->mask = size - 1;
    for (size_t i = 0; old.slot && i <= old.mask; i++) {
        if (!old.slot[i].value)
            continue;
        size_t at = old.slot[i].hash & map->mask;
        while (map->slot[at].value)
            at = (at + 1) & map->mask;
        map->slot[at] = old.slot[i];
    }
    pages_free(old.slot, old.mask + 1, sizeof *old.slot);
}

void *map_put_hashed(struct map *map, const void *key, size_t key_size, uint64_t hash, void *value)
{
    if (!map->slot || 2 * (map->count + 1) > map->mask + 1)
        grow(map);
    struct map_entry *entry = &map->slot[find(map, key, key_size, hash)];
    void *before = entry->value;
    if (!before) {
        entry->hash = hash;
        entry->key_size = key_size;
        map->count++;
    }
    if (map->borrows)
        entry->key = key;
    else if (!before)
        entry->key = memcpy(xrealloc(NULL, key_size), key, key_size);
    entry->value = value;
    return before;
}

void *map_put(struct map *map, const void *key, size_t key_size, void *value)
{
    return map_put_hashed(map, key, key_size, map_hash(key, key_size), value);
}

void *map_remove_hashed(struct map *map, const void *key, size_t key_size, uint64_t hash)
{
    if (map->count == 0)
        return NULL;
    size_t hole = find(map, key, key_size, hash);
    void *value = map->slot[hole].value;
    if (!value)
        return NULL;
    drop_key(map, &map->slot[hole]);
    map->count--;
    for (size_t at = (hole + 1) & map->mask; map->slot[at].value; at = (at + 1) & map->mask) {
        size_t home = map->slot[at].hash & map->mask;
        if (((at - home) & map->mask) < ((at - hole) & map->mask))
            continue; /* it would move in front of its home */
        map->slot[hole] = map->slot[at];
        hole = at;
    }
    map->slot[hole] = (struct map_entry){0};
    return value;
}

void *map_remove(struct map *map, const void *key, size_t key_size)
{
    return map->count > 0 ? map_remove_hashed(map, key, key_size, map_hash(key, key_size)) : NULL;
}

const struct map_entry *map_next(const struct map *map, size_t *position)
{
    while (map->slot && *position <= map->mask) {
        const struct map_entry *entry = &map->slot[(*position)++];
        if (entry->value)
            return entry;
    }
    return NULL;
}

static int by_key(const void *a, const void *b)
{
    const struct map_entry *x = *(const struct map_entry *const *)a;
    const struct map_entry *y = *(const struct map_entry *const *)b;
    size_t shorter = x->key_size < y->key_size ? x->key_size : y->key_size;
    int order = memcmp(x->key, y->key, shorter);
    if (order)
        return order;
    return x->key_size < y->key_size ? -1 : x->key_size > y->key_size;
}

const struct map_entry **map_sorted(const struct map *map)
{
    const struct map_entry **sorted = xcalloc(map->count + 1, sizeof *sorted);
    size_t count = 0, position = 0;
    for (const struct map_entry *entry; (entry = map_next(map, &position)) != NULL;)
        sorted[count++] = entry;
    qsort(sorted, count, sizeof *sorted, by_key);
    return sorted;
}
