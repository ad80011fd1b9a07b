/* A hash map from byte strings to pointers. Open addressing, tombstone-free (backward shift), XXH3.
 * Keys are copied, unless the map borrows them; values are borrowed. Iteration order follows
 * insertion history, so whatever reaches an output goes through map_sorted first. One thread. */
#ifndef WEIR_BASE_MAP_H
#define WEIR_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_entry {
    uint64_t hash;
    void *value; /* NULL: empty slot */
    const uint8_t *key;
    size_t key_size;
};

struct map {
    struct map_entry *slot;
    size_t mask, count; /* mask + 1 slots; 0 slots before the first put */
    bool borrows;       /* keys lie in the values, for as long as these are in the map */
};

void map_init(struct map *map);
void map_init_borrowing(struct map *map);
/* Frees keys and slots; `free_value` may be NULL. */
void map_fini(struct map *map, void (*free_value)(void *value));
void *map_get(const struct map *map, const void *key, size_t key_size);
/* Inserts or replaces; returns the old value or NULL. `value` must not be NULL. */
void *map_put(struct map *map, const void *key, size_t key_size, void *value);
/* Returns the value or NULL. */
void *map_remove(struct map *map, const void *key, size_t key_size);
/* The same three for who has the key's map_hash at hand. */
void *map_get_hashed(const struct map *map, const void *key, size_t key_size, uint64_t hash);
void *map_put_hashed(struct map *map, const void *key, size_t key_size, uint64_t hash, void *value);
void *map_remove_hashed(struct map *map, const void *key, size_t key_size, uint64_t hash);
/* To fetch what will be looked for soon into the processor's cache, in two steps some records
 * apart: the place of a key by its hash, then what lies there: a value under that hash, probably
 * the key's, or NULL. It is a hint: whoever goes by what is there asks map_get. */
uint64_t map_hash(const void *key, size_t key_size);
void map_prefetch(const struct map *map, uint64_t hash);
void *map_expect(const struct map *map, uint64_t hash);
/* The next used entry from *position (start with 0), or NULL. Do not put or remove meanwhile. */
const struct map_entry *map_next(const struct map *map, size_t *position);
/* All entries sorted by key bytes (memcmp, then length). Caller frees the array, not the entries.
 */
const struct map_entry **map_sorted(const struct map *map);

#endif
