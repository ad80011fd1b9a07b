/* A datagram is long-header packets one after the other, the last of which may have a short header.
 * Only Initial packets are opened; their packet numbers are few and begin near 0. */
#include "quic_packet.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define LONG_HEADER     0x80u
#define NUMBER_MAX      4u
#define RETRY_TAG       16u
#define CRYPTO_ROOM_MIN 2048u

#define FRAME_PADDING 0x00u
#define FRAME_PING    0x01u
#define FRAME_ACK     0x02u
#define FRAME_ACK_ECN 0x03u
#define FRAME_CRYPTO  0x06u

/* RFC 9000 16 */
static uint64_t varint(struct cursor *c)
{
    uint8_t first = cursor_u8(c);
    uint64_t value = first & 0x3f;
    for (unsigned more = (1u << (first >> 6)) - 1; more; more--)
        value = value << 8 | cursor_u8(c);
    return c->failed ? 0 : value;
}

/* --- headers -----------------------------------------------------------------------------------
 */

static enum quic_kind kind_of(uint8_t first, uint32_t version)
{
    unsigned bits = first >> 4 & 3;
    if (version == QUIC_VERSION_2) /* RFC 9369 3.2 turns them by one */
        bits = (bits + 3) & 3;
    return (enum quic_kind)bits;
}

/* Versions to choose from: one of them has to be known. */
static enum parse_result take_negotiation(struct cursor *c, struct quic_packet *packet)
{
    bool known = false;
    if (cursor_left(c) % sizeof packet->version)
        return PARSE_NOT;
    while (cursor_left(c))
        known |= quic_version_known(cursor_be32(c));
    packet->kind = QUIC_NEGOTIATION;
    return known ? PARSE_OK : PARSE_NOT;
}

static enum parse_result take_protected(struct cursor *c, struct quic_packet *packet)
{
    if (packet->kind == QUIC_INITIAL)
        cursor_skip(c, varint(c)); /* the token */
    uint64_t size = varint(c);
    packet->number_at = (size_t)(c->at - packet->data);
    if (c->failed || size > cursor_left(c) || size < NUMBER_MAX + QUIC_SAMPLE_SIZE)
        return PARSE_NOT;
    packet->size = packet->number_at + (size_t)size;
    cursor_skip(c, (size_t)size);
    return PARSE_OK;
}

enum parse_result quic_next_packet(struct cursor *datagram, struct quic_packet *packet)
{
    struct cursor *c = datagram;
    *packet = (struct quic_packet){.data = c->at};
    uint8_t first = cursor_u8(c);
    packet->version = cursor_be32(c);
    packet->id_size = cursor_u8(c);
    if (c->failed || !(first & LONG_HEADER) || packet->id_size > QUIC_ID_MAX)
        return PARSE_NOT;
    packet->id = cursor_take(c, packet->id_size);
    size_t source_size = cursor_u8(c);
    if (source_size > QUIC_ID_MAX || !cursor_skip(c, source_size))
        return PARSE_NOT;
    if (packet->version == 0)
        return take_negotiation(c, packet);
    if (!quic_version_known(packet->version))
        return PARSE_NOT;
    packet->kind = kind_of(first, packet->version);
    if (packet->kind != QUIC_RETRY)
        return take_protected(c, packet);
    return cursor_left(c) >= RETRY_TAG && cursor_skip(c, cursor_left(c)) ? PARSE_OK : PARSE_NOT;
}

/* --- opening -----------------------------------------------------------------------------------
 */

/* RFC 9000 A.3: the number nearest to the one that is due. */
static uint64_t whole_number(uint64_t due, uint64_t told, unsigned bytes)
{
    uint64_t window = UINT64_C(1) << 8 * bytes, half = window / 2;
    uint64_t number = (due & ~(window - 1)) | told;
    if (number + half <= due)
        return number + window;
    return number > due + half && number >= window ? number - window : number;
}

size_t quic_open_packet(const struct quic_packet *packet, const struct quic_keys *keys,
                        uint64_t *largest, uint8_t *out)
{
    uint8_t mask[QUIC_MASK_SIZE];
    uint64_t told = 0;
    const uint8_t *hidden = packet->data + packet->number_at;
    if (!quic_header_mask(keys, hidden + NUMBER_MAX, mask))
        return 0;
    uint8_t first = packet->data[0] ^ (mask[0] & 0x0f);
    unsigned bytes = (first & 3u) + 1;
    size_t head = packet->number_at + bytes, size = packet->size - head;
    memcpy(out, packet->data,
           head); /* the header as it was sealed, until the frames take its place */
    out[0] = first;
    for (unsigned i = 0; i < bytes; i++) {
        out[packet->number_at + i] ^= mask[1 + i];
        told = told << 8 | out[packet->number_at + i];
    }
    uint64_t number = whole_number(*largest + 1, told, bytes);
    if (!quic_open(keys, number, out, head, hidden + bytes, size, out))
        return 0;
    if (number > *largest)
        *largest = number;
    return size - QUIC_TAG_SIZE;
}

/* --- the CRYPTO stream -------------------------------------------------------------------------
 */

/* Makes [start, end) one of the spans, together with those it touches. */
static bool add_span(struct quic_crypto *crypto, uint32_t start, uint32_t end)
{
    uint32_t first = 0, last;
    while (first < crypto->spans && crypto->span[first].end < start)
        first++;
    for (last = first; last < crypto->spans && crypto->span[last].start <= end; last++) {
        start = crypto->span[last].start < start ? crypto->span[last].start : start;
        end = crypto->span[last].end > end ? crypto->span[last].end : end;
    }
    if (first == last && crypto->spans == QUIC_CRYPTO_SPANS)
        return false;
    memmove(crypto->span + first + 1, crypto->span + last,
            (crypto->spans - last) * sizeof *crypto->span);
    crypto->spans = crypto->spans - (last - first) + 1;
    crypto->span[first].start = start;
    crypto->span[first].end = end;
    return true;
}

static bool reserve(struct quic_crypto *crypto, uint32_t end, uint32_t room_left)
{
    uint32_t room = crypto->room ? crypto->room : CRYPTO_ROOM_MIN;
    while (room < end)
        room *= 2;
    if (room == crypto->room)
        return true;
    if (room - crypto->room > room_left)
        return false;
    crypto->data = xrealloc(crypto->data, room);
    memset(crypto->data + crypto->room, 0, room - crypto->room);
    crypto->room = room;
    return true;
}

/* One frame, whose type is read. */
static bool put_crypto(struct cursor *c, struct quic_crypto *crypto, uint32_t room_left)
{
    uint64_t offset = varint(c), size = varint(c);
    const uint8_t *data = size <= cursor_left(c) ? cursor_take(c, (size_t)size) : NULL;
    if (!data || offset > QUIC_CRYPTO_MAX || size > QUIC_CRYPTO_MAX - offset)
        return false;
    uint32_t start = (uint32_t)offset, end = start + (uint32_t)size;
    if (start == end)
        return true;
    if (!reserve(crypto, end, room_left) || !add_span(crypto, start, end))
        return false;
    memcpy(crypto->data + start, data, (size_t)size);
    return true;
}

/* Ranges, each of at least two bytes, so that what is there bounds them. */
static void skip_ack(struct cursor *c, uint64_t type)
{
    varint(c); /* largest */
    varint(c); /* delay */
    uint64_t ranges = varint(c);
    varint(c); /* the first range */
    for (; ranges && !c->failed; ranges--) {
        varint(c);
        varint(c);
    }
    for (int i = 0; type == FRAME_ACK_ECN && i < 3; i++)
        varint(c);
}

bool quic_crypto_frames(const uint8_t *payload, size_t size, struct quic_crypto *crypto,
                        uint32_t room_left)
{
    struct cursor c = cursor_make(payload, size);
    uint32_t before = crypto->room;
    while (cursor_left(&c)) {
        uint64_t type = varint(&c);
        if (type == FRAME_ACK || type == FRAME_ACK_ECN)
            skip_ack(&c, type);
        else if (type == FRAME_CRYPTO) {
            if (!put_crypto(&c, crypto, room_left - (crypto->room - before)))
                return false;
        } else if (type != FRAME_PADDING && type != FRAME_PING)
            return true; /* CONNECTION_CLOSE, or what no Initial may have */
    }
    return !c.failed;
}

size_t quic_crypto_front(const struct quic_crypto *crypto)
{
    return crypto->spans && crypto->span[0].start == 0 ? crypto->span[0].end : 0;
}

void quic_crypto_fini(struct quic_crypto *crypto)
{
    free(crypto->data);
    memset(crypto, 0, sizeof *crypto);
}
