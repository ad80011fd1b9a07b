/* Keys that were seen lately: see the header. A table of its own rather than a map of pointers: a
 * key is asked for with nearly each record, is mostly not there, and is put then. Thread: the
 * engine's. */
#include "recent_keys.h"

#include "weir/base/pages.h"

#include <stdlib.h>
#include <string.h>

#define IN_USE   (UINT64_C(1) << 63)
#define SPREAD   UINT64_C(0x9e3779b97f4a7c15) /* 2^64 by the golden ratio: some keys have 32 bits */
#define AT_LEAST 16u

void recent_keys_init(struct recent_keys *recent, size_t room, size_t value_size)
{
    *recent = (struct recent_keys){.room = room, .value_size = value_size};
    recent->words = 1 + (value_size + sizeof(uint64_t) - 1) / sizeof(uint64_t);
}

static size_t bytes_of(const struct recent_keys *recent)
{
    return recent->words * sizeof(uint64_t);
}

static void fini(const struct recent_keys *recent, struct recent_table *table)
{
    pages_free(table->slot, table->mask + 1, bytes_of(recent));
    *table = (struct recent_table){NULL};
}

void recent_keys_fini(struct recent_keys *recent)
{
    fini(recent, &recent->young);
    fini(recent, &recent->old);
}

/* --- one table ------------------------------------------------------------------------------- */

static uint64_t *at(const struct recent_keys *recent, const struct recent_table *table, size_t i)
{
    return table->slot + i * recent->words;
}

static size_t home_of(const struct recent_table *table, uint64_t key)
{
    return (key * SPREAD) >> 32 & table->mask;
}

/* Where the key is, or would go. */
static uint64_t *find(const struct recent_keys *recent, const struct recent_table *table,
                      uint64_t key)
{
    size_t i = home_of(table, key);
    while (*at(recent, table, i) && *at(recent, table, i) != key)
        i = (i + 1) & table->mask;
    return at(recent, table, i);
}

static void make(const struct recent_keys *recent, struct recent_table *table, size_t slots)
{
    table->slot = pages_calloc(slots, bytes_of(recent));
    table->mask = slots - 1;
}

static void grow(const struct recent_keys *recent, struct recent_table *table)
{
    struct recent_table old = *table;
    make(recent, table, old.slot ? 2 * (old.mask + 1) : AT_LEAST);
    for (size_t i = 0; old.slot && i <= old.mask; i++) {
        const uint64_t *from = at(recent, &old, i);
        if (*from)
            memcpy(find(recent, table, *from), from, bytes_of(recent));
    }
    fini(recent, &old);
}

/* A cleared value under a key that is not there. */
static uint64_t *put(const struct recent_keys *recent, struct recent_table *table, uint64_t key)
{
    if (!table->slot || 2 * (table->count + 1) > table->mask + 1)
        grow(recent, table);
    uint64_t *slot = find(recent, table, key);
    memset(slot, 0, bytes_of(recent));
    *slot = key;
    table->count++;
    return slot;
}

static void take_out(const struct recent_keys *recent, struct recent_table *table,
                     const uint64_t *slot)
{
    size_t hole = (size_t)(slot - table->slot) / recent->words;
    for (size_t i = (hole + 1) & table->mask; *at(recent, table, i); i = (i + 1) & table->mask) {
        size_t home = home_of(table, *at(recent, table, i));
        if (((i - home) & table->mask) < ((i - hole) & table->mask))
            continue; /* it would move in front of its home */
        memcpy(at(recent, table, hole), at(recent, table, i), bytes_of(recent));
        hole = i;
    }
    *at(recent, table, hole) = 0;
    table->count--;
}

/* --- two generations ------------------------------------------------------------------------- */

/* What is forgotten leaves its room: it is cleared faster than another is got from the system.
 * Whoever filled one generation fills the next, which has no need to grow to that. */
static void turn(struct recent_keys *recent)
{
    struct recent_table room = recent->old;
    recent->forgotten += room.count;
    recent->old = recent->young;
    recent->young = room;
    recent->young.count = 0;
    if (room.slot)
        memset(room.slot, 0, (room.mask + 1) * bytes_of(recent));
    else
        make(recent, &recent->young, recent->old.mask + 1);
}

static uint64_t *add(struct recent_keys *recent, uint64_t key)
{
    if (recent->young.count >= recent->room)
        turn(recent);
    return put(recent, &recent->young, key);
}

/* NULL: in none of both. From the old one it moves to the young one. */
static uint64_t *find_recent(struct recent_keys *recent, uint64_t key)
{
    uint64_t *slot = recent->young.count > 0 ? find(recent, &recent->young, key) : NULL;
    if (slot && *slot)
        return slot;
    slot = recent->old.count > 0 ? find(recent, &recent->old, key) : NULL;
    if (!slot || !*slot)
        return NULL;
    uint64_t kept[1 + RECENT_VALUE_MAX / sizeof(uint64_t)];
    memcpy(kept, slot, bytes_of(recent));
    take_out(recent, &recent->old, slot);
    return memcpy(add(recent, key), kept, bytes_of(recent));
}

void *recent_keys_get(struct recent_keys *recent, uint64_t key)
{
    uint64_t *slot = find_recent(recent, key | IN_USE);
    return slot ? slot + 1 : NULL;
}

void *recent_keys_put(struct recent_keys *recent, uint64_t key)
{
    uint64_t *slot = find_recent(recent, key | IN_USE);
    if (!slot)
        slot = add(recent, key | IN_USE);
    return slot + 1;
}

/* --- packed ---------------------------------------------------------------------------------- */

static void put_table(const struct recent_keys *recent, const struct recent_table *table,
                      struct buffer *out)
{
    buffer_le64(out, table->count);
    for (size_t i = 0; table->slot && i <= table->mask; i++) {
        const uint64_t *slot = at(recent, table, i);
        if (!*slot)
            continue;
        buffer_put(out, slot, sizeof *slot);
        buffer_put(out, slot + 1, recent->value_size);
    }
}

void recent_keys_pack(const struct recent_keys *recent, struct buffer *out)
{
    buffer_le64(out, recent->forgotten);
    put_table(recent, &recent->young, out);
    put_table(recent, &recent->old, out);
}

static bool take_table(const struct recent_keys *recent, struct recent_table *table,
                       struct cursor *in)
{
    uint64_t count = cursor_le64(in), key;
    if (count > recent->room)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *bytes = cursor_take(in, sizeof key);
        const uint8_t *value = cursor_take(in, recent->value_size);
        if (!bytes || !value)
            return false;
        memcpy(&key, bytes, sizeof key);
        if (!(key & IN_USE) || (table->count > 0 && *find(recent, table, key)))
            return false;
        memcpy(put(recent, table, key) + 1, value, recent->value_size);
    }
    return !in->failed;
}

bool recent_keys_unpack(struct recent_keys *recent, struct cursor *in)
{
    recent->forgotten = cursor_le64(in);
    return take_table(recent, &recent->young, in) && take_table(recent, &recent->old, in);
}
