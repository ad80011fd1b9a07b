/* Names as bytes, for a restart: each generation by itself, because what is forgotten next depends
 * on them. Thread: the engine's. */
#include "names.h"

#include <stdlib.h>
#include <string.h>

static void put_text(struct buffer *out, const char *text)
{
    size_t size = text ? strlen(text) : 0; /* ≤ RECORD_NAME_MAX */
    buffer_le16(out, (uint16_t)size);
    buffer_put(out, text ? text : "", size);
}

static void put_map(struct buffer *out, const struct map *map, bool addresses)
{
    size_t position = 0;
    buffer_le64(out, map->count);
    for (const struct map_entry *entry; (entry = map_next(map, &position)) != NULL;) {
        buffer_le16(out, (uint16_t)entry->key_size);
        buffer_put(out, entry->key, entry->key_size);
        if (!addresses) {
            put_text(out, entry->value);
            continue;
        }
        const struct address_names *known = entry->value;
        for (size_t i = 0; i < NAMES_OF_ADDRESS; i++) {
            put_text(out, known->domain[i]);
            buffer_le64(out, (uint64_t)known->seen_ns[i]);
        }
    }
}

void names_pack(const struct names *names, struct buffer *out)
{
    buffer_le64(out, names->forgotten);
    buffer_le64(out, (uint64_t)names->now_ns);
    put_map(out, &names->addresses.young, true);
    put_map(out, &names->addresses.old, true);
    put_map(out, &names->flows.young, false);
    put_map(out, &names->flows.old, false);
    put_map(out, &names->questions.young, false);
    put_map(out, &names->questions.old, false);
}

/* NULL: it is not there. */
static char *take_text(struct cursor *in)
{
    size_t size = cursor_le16(in);
    const uint8_t *bytes = cursor_take(in, size);
    if (!bytes || size > RECORD_NAME_MAX)
        return NULL;
    char *text = xcalloc(1, size + 1);
    memcpy(text, bytes, size);
    return text;
}

/* Such that differences do not overflow. */
static bool take_time(struct cursor *in, int64_t *time_ns)
{
    *time_ns = (int64_t)cursor_le64(in);
    return *time_ns >= -RECORD_TIME_MAX_NS && *time_ns <= RECORD_TIME_MAX_NS;
}

static bool take_domains(struct cursor *in, struct address_names *known)
{
    for (size_t i = 0; i < NAMES_OF_ADDRESS; i++) {
        char *text = take_text(in);
        if (text && *text)
            known->domain[i] = text;
        else
            free(text);
        if (!text || !take_time(in, &known->seen_ns[i]))
            return false;
    }
    return true;
}

static bool take_entry(struct cursor *in, struct map *map, bool addresses)
{
    size_t key_size = cursor_le16(in);
    const uint8_t *key = cursor_take(in, key_size);
    if (!key || map_get(map, key, key_size))
        return false;
    if (addresses) { /* in the map at once: whoever frees that frees it */
        struct address_names *known = xcalloc(1, sizeof *known);
        map_put(map, key, key_size, known);
        return take_domains(in, known);
    }
    size_t size = cursor_le16(in);
    const uint8_t *text = cursor_take(in, size);
    if (!text || size > RECORD_NAME_MAX)
        return false;
    struct kept_text kept = names_keep_text(key, key_size, (const char *)text, size);
    map_put(map, kept.key, key_size, kept.text);
    return true;
}

static bool take_map(struct cursor *in, struct map *map, bool addresses)
{
    uint64_t count = cursor_le64(in);
    if (count > NAMES_GENERATION)
        return false;
    for (uint64_t i = 0; i < count; i++)
        if (!take_entry(in, map, addresses))
            return false;
    return !in->failed;
}

bool names_unpack(struct names *names, struct cursor *in)
{
    names->forgotten = cursor_le64(in);
    return take_time(in, &names->now_ns) && take_map(in, &names->addresses.young, true) &&
           take_map(in, &names->addresses.old, true) && take_map(in, &names->flows.young, false) &&
           take_map(in, &names->flows.old, false) && take_map(in, &names->questions.young, false) &&
           take_map(in, &names->questions.old, false);
}
