/* MPLS label stacks, and the guess what is below them.
 *
 * Nothing in the stack says what it carries; only the routers that made the path know. So (RFC 4928
 * asks that first bits be chosen so that this works): an explicit null says it; else four bits of 4
 * or 6 are IP if that packet's lengths fit; 0000 is a control word (RFC 4385) if its other bits are
 * what a pseudowire of Ethernet sends, and Ethernet follows; 0001 is the associated channel (OAM);
 * anything else is Ethernet without a control word, whose first bits are a MAC address. A guessed
 * Ethernet header whose source is a group address is none: then what is below is unknown, not "not
 * IP". A MAC address that begins with 4 or 6 in front of bytes whose lengths fit would be taken for
 * IP: such a frame's IP facts would be wrong, once in some 100,000 such frames. One label is kept,
 * the last: it names the service, those above it name the way. Sources: RFC 3032, 4023, 4385, 4448,
 * 5586, 7510. Pure; no state, any thread. */
#include "decode.h"

#define LABELS_MAX      16
#define LABEL_IPV4_NULL 0
#define LABEL_IPV6_NULL 2

static bool ipv4_fits(const struct frame *frame, const uint8_t *ip)
{
    return (ip[0] & 0x0f) >= 5 && read_be16(ip + 2) >= (ip[0] & 0x0fu) * 4 &&
           read_be16(ip + 2) <= frame->left;
}

static bool ipv6_fits(const struct frame *frame, const uint8_t *ip)
{
    return read_be16(ip + 4) + 40u <= frame->left;
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

/* What the first four bits say. A header that is cut cannot be held against its lengths, and must
 * not be taken for something else. */
static enum decode_result below_read(struct walk *walk)
{
    const uint8_t *first, *ip;
    enum decode_result result = frame_peek(&walk->frame, 4, &first);
    if (result != DECODE_OK)
        return result;
    unsigned version = first[0] >> 4;
    if (version == 1)
        return DECODE_NOT_IP;
    if (version == 4 || version == 6) {
        result = frame_peek(&walk->frame, version == 4 ? 20 : 40, &ip);
        if (result == DECODE_TRUNCATED)
            return result;
        if (result == DECODE_OK && version == 4 && ipv4_fits(&walk->frame, ip))
            walk->next = ipv4_read;
        else if (result == DECODE_OK && version == 6 && ipv6_fits(&walk->frame, ip))
            walk->next = ipv6_read;
    }
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
