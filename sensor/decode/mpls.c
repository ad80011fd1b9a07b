/* MPLS label stacks, and the guess what is below them.
 *
 * Nothing in the stack says what it carries; only the routers that made the path know. So (RFC 4928
 * asks that first bits be chosen so that this works): an explicit null says it; else four bits of 4
 * or 6 are IP if that header agrees with itself and with what is there; 0000 is a control word (RFC
 * 4385) if its other bits are what a pseudowire of Ethernet sends, and Ethernet follows; 0001 is
 * the associated channel (OAM); anything else is Ethernet without a control word, whose first bits
 * are a MAC address. One that begins with 4 or 6 would have to be a header that agrees: its
 * checksum in IPv4, its exact length in IPv6, less than once in 10,000 addresses. A guessed
 * Ethernet header whose source is a group address is none: then what is below is unknown, not "not
 * IP". One label is kept, the last: it names the service, those above it name the way. Sources: RFC
 * 3032, 4023, 4385, 4448, 5586, 7510. Pure; no state, any thread. */
#include "decode.h"

#define ETHERNET_MIN    46 /* payload of the shortest frame */
#define LABELS_MAX      16
#define LABEL_IPV4_NULL 0
#define LABEL_IPV6_NULL 2

/* Is `total` what is there? Short frames are padded, some captures have the frame's checksum. */
static bool is_all(const struct frame *frame, uint32_t total)
{
    return total <= frame->left && (frame->left <= ETHERNET_MIN || frame->left - total <= 4);
}

/* Zero: left to the sending card. */
static bool checksum_agrees(const uint8_t *ip, uint32_t header)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < header; i += 2)
        sum += read_be16(ip + i);
    sum = (sum & 0xffff) + (sum >> 16);
    return read_be16(ip + 10) == 0 || sum + (sum >> 16) == 0xffff;
}

static enum decode_result ipv4_try(struct walk *walk)
{
    const uint8_t *ip;
    enum decode_result result = frame_peek(&walk->frame, 20, &ip);
    if (result != DECODE_OK)
        return result;
    uint32_t header = (ip[0] & 0x0fu) * 4, total = read_be16(ip + 2);
    bool giant = total == 0 && walk->frame.left > UINT16_MAX;
    result = frame_peek(&walk->frame, header, &ip);
    if (result != DECODE_OK)
        return result;
    if (header >= 20 && (giant || (total >= header && total <= walk->frame.left)) &&
        checksum_agrees(ip, header))
        walk->next = ipv4_read;
    return DECODE_OK;
}

static enum decode_result ipv6_try(struct walk *walk)
{
    const uint8_t *ip;
    enum decode_result result = frame_peek(&walk->frame, 40, &ip);
    if (result != DECODE_OK)
        return result;
    uint32_t length = read_be16(ip + 4);
    bool giant = length == 0 && walk->frame.left > UINT16_MAX;
    if (giant || is_all(&walk->frame, length + 40))
        walk->next = ipv6_read;
    return DECODE_OK;
}

static enum decode_result pseudowire_read(struct walk *walk, const uint8_t *first)
{
    const uint8_t *word, *header;
    if (read_be16(first) == 0 && frame_step(&walk->frame, 4, &word) != DECODE_OK)
        return DECODE_UNKNOWN_LINK;
    enum decode_result result = frame_peek(&walk->frame, 14, &header);
    if (result != DECODE_OK)
        return result;
    if (header[6] & 1)
        return DECODE_UNKNOWN_LINK;
    walk->next = ethernet_read;
    return DECODE_OK;
}

/* What the first four bits say. A header that is cut cannot be held against itself, and must not be
 * taken for something else. */
static enum decode_result below_read(struct walk *walk)
{
    const uint8_t *first;
    enum decode_result result = frame_peek(&walk->frame, 4, &first);
    if (result != DECODE_OK)
        return result;
    unsigned version = first[0] >> 4;
    if (version == 1)
        return DECODE_NOT_IP;
    if (version == 4)
        result = ipv4_try(walk);
    else if (version == 6)
        result = ipv6_try(walk);
    if (result == DECODE_TRUNCATED)
        return result;
    return walk->next ? DECODE_OK : pseudowire_read(walk, first);
}

enum decode_result mpls_read(struct walk *walk)
{
    const uint8_t *entry;
    uint32_t label = 0;
    bool bottom = false;
    for (int labels = 0; !bottom; labels++) {
        if (labels == LABELS_MAX)
            return DECODE_MALFORMED;
        enum decode_result result = frame_step(&walk->frame, 4, &entry);
        if (result != DECODE_OK)
            return result;
        label = read_be32(entry) >> 12;
        bottom = entry[2] & 1;
    }
    walk_layer(walk, LAYER_MPLS, label);
    if (label == LABEL_IPV4_NULL)
        walk->next = ipv4_read;
    else if (label == LABEL_IPV6_NULL)
        walk->next = ipv6_read;
    return walk->next ? DECODE_OK : below_read(walk);
}
