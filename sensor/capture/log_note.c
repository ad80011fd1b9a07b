/* Notes wait by the hundred thousand, and most say one name: packed they take what they say.
 * Thread: any; no state. */
#include "log_note.h"

#include "weir/base/cursor.h"

#include <string.h>

struct packed {
    uint64_t uid;
    struct flow_key key;
    int64_t time_ns;
    struct body_counts body[SIDES];
    uint32_t flags, ttl_s, more, answer_bytes, message_bytes;
    uint16_t qtype, answers;
    uint8_t ja3[16];
    uint8_t kind, has_ja3, response, rcode, name_cut, addresses, aliases, spare;
};

static void put_text(struct buffer *out, const char *text)
{
    size_t size = strlen(text);
    buffer_u8(out, (uint8_t)size);
    buffer_put(out, text, size);
}

void log_note_pack(const struct log_note *note, struct buffer *out)
{
    const struct dns_message *dns = &note->dns;
    struct packed packed;
    memset(&packed, 0, sizeof packed);
    packed.kind = (uint8_t)note->kind;
    packed.uid = note->uid;
    packed.key = note->key;
    packed.time_ns = note->time_ns;
    packed.flags = note->flags;
    packed.has_ja3 = note->has_ja3;
    memcpy(packed.ja3, note->ja3, sizeof packed.ja3);
    memcpy(packed.body, note->body, sizeof packed.body);
    packed.qtype = dns->qtype;
    packed.rcode = dns->rcode;
    packed.response = dns->response;
    packed.name_cut = dns->name_cut;
    packed.ttl_s = dns->ttl_s;
    packed.more = dns->more;
    packed.answers = dns->answers;
    packed.answer_bytes = dns->answer_bytes;
    packed.message_bytes = dns->message_bytes;
    packed.addresses = dns->address_count;
    packed.aliases = dns->alias_count;
    buffer_put(out, &packed, sizeof packed);
    for (int i = 0; i < FLOW_TEXTS; i++)
        put_text(out, note->text[i]);
    put_text(out, dns->name);
    buffer_put(out, dns->address, dns->address_count * sizeof *dns->address);
    for (size_t i = 0; i < dns->alias_count; i++)
        put_text(out, dns->alias[i]);
}

static void take_text(struct cursor *in, char text[RECORD_NAME_MAX + 1])
{
    size_t size = cursor_u8(in);
    const uint8_t *at = size <= RECORD_NAME_MAX ? cursor_take(in, size) : NULL;
    text[0] = '\0';
    if (size > RECORD_NAME_MAX)
        in->failed = true;
    if (!at)
        return;
    memcpy(text, at, size);
    text[size] = '\0';
}

static bool take_packed(struct cursor *in, struct log_note *note)
{
    struct packed packed;
    struct dns_message *dns = &note->dns;
    const uint8_t *at = cursor_take(in, sizeof packed);
    if (!at)
        return false;
    memcpy(&packed, at, sizeof packed);
    note->kind = packed.kind;
    note->uid = packed.uid;
    note->key = packed.key;
    note->time_ns = packed.time_ns;
    note->flags = packed.flags;
    note->has_ja3 = packed.has_ja3;
    memcpy(note->ja3, packed.ja3, sizeof note->ja3);
    memcpy(note->body, packed.body, sizeof note->body);
    dns->qtype = packed.qtype;
    dns->rcode = packed.rcode;
    dns->response = packed.response;
    dns->name_cut = packed.name_cut;
    dns->ttl_s = packed.ttl_s;
    dns->more = packed.more;
    dns->answers = packed.answers;
    dns->answer_bytes = packed.answer_bytes;
    dns->message_bytes = packed.message_bytes;
    dns->address_count = packed.addresses;
    dns->alias_count = packed.aliases;
    return packed.kind < NOTE_KINDS && packed.addresses <= RECORD_NAME_ADDRESSES &&
           packed.aliases <= RECORD_NAME_ALIASES;
}

bool log_note_unpack(const uint8_t *data, size_t size, struct log_note *note)
{
    struct cursor in = cursor_make(data, size);
    struct dns_message *dns = &note->dns;
    memset(note, 0, sizeof *note);
    if (!take_packed(&in, note))
        return false;
    for (int i = 0; i < FLOW_TEXTS; i++)
        take_text(&in, note->text[i]);
    take_text(&in, dns->name);
    const uint8_t *addresses = cursor_take(&in, dns->address_count * sizeof *dns->address);
    if (addresses)
        memcpy(dns->address, addresses, dns->address_count * sizeof *dns->address);
    for (size_t i = 0; i < dns->alias_count; i++)
        take_text(&in, dns->alias[i]);
    return !in.failed && in.at == in.end;
}
