/* Keys that were seen lately: see the header. Thread: the engine's. */
#include "recent_keys.h"

#include <stdlib.h>
#include <string.h>

/* A value with its key in front, which the map borrows. */
struct recent_key {
    uint64_t key;
    uint64_t value[];
};

void recent_keys_init(struct recent_keys *recent, size_t room, size_t value_size)
{
    *recent = (struct recent_keys){.room = room, .value_size = value_size};
    map_init_borrowing(&recent->young);
    map_init_borrowing(&recent->old);
}

void recent_keys_fini(struct recent_keys *recent)
{
    map_fini(&recent->young, free);
    map_fini(&recent->old, free);
}

static void add(struct recent_keys *recent, struct recent_key *one)
{
    if (recent->young.count >= recent->room) {
        recent->forgotten += recent->old.count;
        map_fini(&recent->old, free);
        recent->old = recent->young;
        map_init_borrowing(&recent->young);
    }
    map_put(&recent->young, &one->key, sizeof one->key, one);
}

static struct recent_key *make(const struct recent_keys *recent, uint64_t key)
{
    struct recent_key *one = xcalloc(1, sizeof *one + recent->value_size);
    one->key = key;
    return one;
}

static struct recent_key *find(struct recent_keys *recent, uint64_t key)
{
    struct recent_key *one = map_get(&recent->young, &key, sizeof key);
    if (one)
        return one;
    one = map_remove(&recent->old, &key, sizeof key);
    if (one)
        add(recent, one);
    return one;
}

void *recent_keys_get(struct recent_keys *recent, uint64_t key)
{
    struct recent_key *one = find(recent, key);
    return one ? one->value : NULL;
}

void *recent_keys_put(struct recent_keys *recent, uint64_t key)
{
    struct recent_key *one = find(recent, key);
    if (!one) {
        one = make(recent, key);
        add(recent, one);
    }
    return one->value;
}

/* --- packed ---------------------------------------------------------------------------------- */

static void put_map(const struct recent_keys *recent, const struct map *map, struct buffer *out)
{
    size_t position = 0;
    buffer_le64(out, map->count);
    for (const struct map_entry *entry; (entry = map_next(map, &position)) != NULL;) {
        const struct recent_key *one = entry->value;
        buffer_put(out, &one->key, sizeof one->key);
        buffer_put(out, one->value, recent->value_size);
    }
}

void recent_keys_pack(const struct recent_keys *recent, struct buffer *out)
{
    buffer_le64(out, recent->forgotten);
    put_map(recent, &recent->young, out);
    put_map(recent, &recent->old, out);
}

static bool take_map(const struct recent_keys *recent, struct map *map, struct cursor *in)
{
    uint64_t count = cursor_le64(in);
    if (count > recent->room)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *key = cursor_take(in, sizeof(uint64_t));
        const uint8_t *bytes = cursor_take(in, recent->value_size);
        if (!key || !bytes || map_get(map, key, sizeof(uint64_t)))
            return false;
        struct recent_key *one = make(recent, 0);
        memcpy(&one->key, key, sizeof one->key);
        memcpy(one->value, bytes, recent->value_size);
        map_put(map, &one->key, sizeof one->key, one);
    }
    return !in->failed;
}

bool recent_keys_unpack(struct recent_keys *recent, struct cursor *in)
{
    recent->forgotten = cursor_le64(in);
    return take_map(recent, &recent->young, in) && take_map(recent, &recent->old, in);
}
