/* Questions as bytes, for a restart. Entries from the oldest; keys and names are in no order that
 * matters. Thread: the engine's. */
#include "questions.h"

#include <stddef.h>
#include <string.h>

static void put_half(struct buffer *out, const struct asked_half *half)
{
    struct asked_half copy = *half;
    copy.names.item = copy.clients.item = NULL;
    buffer_put(out, &copy, sizeof copy);
    distinct_pack(&half->names, out);
    distinct_pack(&half->clients, out);
}

static bool take_half(struct questions *questions, struct cursor *in, struct asked_half *half)
{
    const uint8_t *bytes = cursor_take(in, sizeof *half);
    if (!bytes)
        return false;
    memcpy(half, bytes, sizeof *half);
    half->names = half->clients = (struct distinct){0};
    return distinct_unpack(&half->names, &questions->budget, in) &&
           distinct_unpack(&half->clients, &questions->budget, in);
}

static void put_entry(struct buffer *out, const struct asked_entry *entry)
{
    struct asked_entry copy = *entry;
    size_t size = strlen(entry->domain); /* ≤ RECORD_NAME_MAX */
    copy.newer = copy.older = NULL;
    memset(copy.half, 0, sizeof copy.half);
    buffer_u8(out, (uint8_t)size);
    buffer_put(out, entry->domain, size);
    buffer_put(out, &copy, sizeof copy);
    put_half(out, &entry->half[0]);
    put_half(out, &entry->half[1]);
}

static bool take_entry(struct questions *questions, struct cursor *in)
{
    char domain[RECORD_NAME_MAX + 1];
    struct asked_entry copy;
    size_t size = cursor_u8(in);
    const uint8_t *text = cursor_take(in, size), *bytes = cursor_take(in, sizeof copy);
    if (!text || !bytes || size > RECORD_NAME_MAX)
        return false;
    memcpy(domain, text, size);
    domain[size] = '\0';
    memcpy(&copy, bytes, sizeof copy);
    struct asked_entry *entry = questions_add(questions, &copy.client, domain);
    if (!entry)
        return false;
    copy.newer = entry->newer;
    copy.older = entry->older;
    memset(copy.half, 0, sizeof copy.half);
    memcpy(entry, &copy, offsetof(struct asked_entry, client)); /* the map has its key already */
    questions->held += entry->held_ns != 0;
    return take_half(questions, in, &entry->half[0]) && take_half(questions, in, &entry->half[1]);
}

void questions_pack(const struct questions *questions, struct buffer *out)
{
    buffer_le64(out, questions->evicted);
    buffer_le64(out, questions->budget.shortened);
    buffer_le64(out, (uint64_t)questions->half_number);
    distinct_pack(&questions->clients[0], out);
    distinct_pack(&questions->clients[1], out);
    buffer_le64(out, questions->entries.count);
    for (const struct asked_entry *entry = questions->oldest; entry; entry = entry->newer)
        put_entry(out, entry);
    recent_keys_pack(&questions->forwarded, out);
    recent_keys_pack(&questions->answers, out);
    recent_keys_pack(&questions->answered, out);
    recent_keys_pack(&questions->used, out);
    recent_keys_pack(&questions->met, out);
    recent_keys_pack(&questions->servers, out);
}

static bool take_entries(struct questions *questions, struct cursor *in)
{
    uint64_t count = cursor_le64(in);
    if (count > QUESTIONS_MAX)
        return false;
    for (uint64_t i = 0; i < count; i++)
        if (!take_entry(questions, in))
            return false;
    return !in->failed;
}

bool questions_unpack(struct questions *questions, struct cursor *in)
{
    questions->evicted = cursor_le64(in);
    questions->budget.shortened = cursor_le64(in);
    questions->half_number = (int64_t)cursor_le64(in);
    return distinct_unpack(&questions->clients[0], &questions->budget, in) &&
           distinct_unpack(&questions->clients[1], &questions->budget, in) &&
           take_entries(questions, in) && recent_keys_unpack(&questions->forwarded, in) &&
           recent_keys_unpack(&questions->answers, in) &&
           recent_keys_unpack(&questions->answered, in) &&
           recent_keys_unpack(&questions->used, in) && recent_keys_unpack(&questions->met, in) &&
           recent_keys_unpack(&questions->servers, in);
}
