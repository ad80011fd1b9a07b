/* Link layers: from the first captured byte to the IP header.
 *
 * A link layer does two things: it says which protocol comes next (an EtherType, or the IP version
 * itself) and it may carry 802.1Q tags. Stacked tags are stepped over whatever their type; the
 * outermost id is the one kept, because it is the one the switch that mirrors to us chose.
 *
 * Encapsulations that carry IP but are not read (PPPoE, MPLS, 802.1BR, NSH, MACsec, …) are
 * "unknown", not "not IP": bytes may leave through them, so an operator must see that the sensor is
 * blind there. Sources: IEEE 802.1Q, IEEE 802 numbers, tcpdump.org/linktypes.html. Pure; no state,
 * any thread. */
#include "decode.h"

#define TYPE_IPV4     0x0800
#define TYPE_IPV6     0x86dd
#define TYPE_ARP      0x0806
#define TYPE_VLAN     0x8100
#define TYPE_QINQ     0x88a8
#define TYPE_QINQ_OLD 0x9100
#define VLAN_TAGS_MAX 8      /* 802.1Q stacks two; what nests deeper is not traffic */
#define TYPE_FIRST    0x0600 /* below it the field is an 802.3 length */

enum link_kind {
    LINK_NULL = 0, /* BSD loopback, address family in the capturing host's byte order */
    LINK_ETHERNET = 1,
    LINK_DLT_RAW = 12, /* DLT_RAW on most systems */
    LINK_DLT_RAW_BSD = 14,
    LINK_RAW = 101,
    LINK_LOOP = 108,   /* OpenBSD loopback, family in network order */
    LINK_COOKED = 113, /* Linux "any" */
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_COOKED2 = 276
};

/* Frames of these types carry other hosts' IP packets behind headers that are not read. */
static bool type_may_carry_ip(uint16_t type)
{
    switch (type) {
    case 0x880b: /* PPP */
    case 0x8847: /* MPLS */
    case 0x8848:
    case 0x8864: /* PPPoE session */
    case 0x88e5: /* MACsec */
    case 0x88e7: /* provider backbone bridges */
    case 0x8926: /* VN-Tag */
    case 0x893f: /* 802.1BR E-tag */
    case 0x894f: /* network service header */
    case 0x6558: /* transparent Ethernet bridging */
        return true;
    default:
        return false;
    }
}

static enum decode_result type_read(struct frame *frame, uint16_t type, struct packet *packet)
{
    for (int tags = 0; type == TYPE_VLAN || type == TYPE_QINQ || type == TYPE_QINQ_OLD; tags++) {
        const uint8_t *tag;
        if (tags == VLAN_TAGS_MAX)
            return DECODE_MALFORMED;
        enum decode_result result = frame_step(frame, 4, &tag);
        if (result != DECODE_OK)
            return result;
        if (tags == 0)
            packet->vlan = read_be16(tag) & 0x0fff;
        type = read_be16(tag + 2);
    }
    if (type == TYPE_IPV4)
        packet->ip_version = 4;
    else if (type == TYPE_IPV6)
        packet->ip_version = 6;
    else if (type == TYPE_ARP)
        return DECODE_ARP;
    else
        return type_may_carry_ip(type) ? DECODE_UNKNOWN_LINK : DECODE_NOT_IP;
    return DECODE_OK;
}

/* A header of `size` bytes with an EtherType at `type_at`. */
static enum decode_result typed_read(struct frame *frame, uint32_t size, uint32_t type_at,
                                     struct packet *packet)
{
    const uint8_t *header;
    enum decode_result result = frame_step(frame, size, &header);
    if (result != DECODE_OK)
        return result;
    return type_read(frame, read_be16(header + type_at), packet);
}

/* The family is a small number, so its byte order shows. IPv6 is 10 on Linux, 24, 28 or 30 on the
 * BSDs and macOS. Some write an EtherType into the second half instead. */
static enum decode_result loopback_read(struct frame *frame, struct packet *packet)
{
    const uint8_t *header;
    enum decode_result result = frame_step(frame, 4, &header);
    if (result != DECODE_OK)
        return result;
    uint32_t family = read_be32(header);
    if (family > 0xffff)
        family = __builtin_bswap32(family);
    if (family == 2)
        packet->ip_version = 4;
    else if (family == 10 || family == 24 || family == 28 || family == 30)
        packet->ip_version = 6;
    else
        return type_read(frame, read_be16(header + 2), packet);
    return DECODE_OK;
}

/* No link header: the IP version is all there is to go by. */
static enum decode_result raw_read(const struct frame *frame, struct packet *packet)
{
    if (cursor_left(&frame->cursor) == 0)
        return frame->left ? DECODE_TRUNCATED : DECODE_MALFORMED;
    packet->ip_version = frame->cursor.at[0] >> 4;
    return DECODE_OK;
}

enum decode_result link_read(struct frame *frame, int link, struct packet *packet)
{
    switch ((enum link_kind)link) {
    case LINK_ETHERNET:
        if (cursor_left(&frame->cursor) >= 14)
            packet->macs = frame->cursor.at;
        return typed_read(frame, 14, 12, packet);
    case LINK_COOKED:
        return typed_read(frame, 16, 14, packet);
    case LINK_COOKED2:
        return typed_read(frame, 20, 0, packet);
    case LINK_DLT_RAW:
    case LINK_DLT_RAW_BSD:
    case LINK_RAW:
        return raw_read(frame, packet);
    case LINK_IPV4:
        packet->ip_version = 4;
        return DECODE_OK;
    case LINK_IPV6:
        packet->ip_version = 6;
        return DECODE_OK;
    case LINK_NULL:
    case LINK_LOOP:
        return loopback_read(frame, packet);
    }
    return DECODE_UNKNOWN_LINK;
}
