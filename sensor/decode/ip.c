/* IPv4 with options, IPv6 with its extension headers, and one in the other.
 *
 * ip_bytes is by the IP length fields, so Ethernet's padding is not counted and a packet the snap
 * length cut is counted whole. Offload makes packets larger than those fields can say ("BIG TCP",
 * large send): then the length is zero, or in a jumbo option (RFC 2675), and the frame's rest
 * counts. A zero is believed of what offload makes only: TCP, or a frame too large for the field.
 *
 * A length that claims more than the frame had on the wire is malformed: no router forwards such a
 * packet, so none of these bytes left, and counting the claim would let one frame of 60 bytes
 * report 64 KiB of egress. The same holds for a packet inside
 * a tunnel, by what the layer around it has left.
 *
 * A chain of extension headers that cannot be (longer than the packet, or than any real one) is
 * another matter: routers look at the first header only and forward it, so its bytes leave. Such a
 * packet is told without ports, as one with a transport header that cannot be. For the same reason
 * a packet in a tunnel must fill it: up to HEADERS_MAX bytes may be headers, options and padding,
 * else the packet around it is told, with all that it carries. (What an IPv4 and a TCP header may
 * have in options is as much.) Sources: RFC 791,
 * 2003, 2473, 2675, 4213, 4302, 6275, 8200. Pure; no state, any thread. */
#include "fragments.h"

#define IPV4_HEADER   20
#define IPV6_HEADER   40
#define IPV6_CHAIN    16 /* extension headers; real chains have three or four */
#define NEXT_HOP      0
#define NEXT_ROUTING  43
#define NEXT_FRAGMENT 44
#define NEXT_AH       51
#define NEXT_DEST     60
#define NEXT_MOBILITY 135
#define NEXT_HIP      139
#define NEXT_SHIM6    140
#define NEXT_NONE     59
#define OPTION_PAD1   0x00
#define OPTION_JUMBO  0xc2

/* Does the frame's rest stand for a length of zero? */
static bool is_giant(const struct frame *frame, uint8_t proto)
{
    return proto == PROTO_TCP || frame->left > UINT16_MAX;
}

/* An IP packet of `total` bytes in a tunnel: what of the packet around it is neither is header,
 * option, padding; more of it than any real one has would leave as nobody's payload. */
static bool fills_tunnel(const struct walk *walk, uint32_t total)
{
    return !walk->enclosed || walk->outer.payload_bytes - total <= HEADERS_MAX;
}

/* What an outer IP packet left behind is not the inner one's. */
static void packet_inside(struct walk *walk)
{
    struct packet *packet = walk->packet;
    if (!walk->enclosed)
        return;
    packet->fragment = packet->later_fragment = packet->bad_transport = false;
    packet->src_port = packet->dst_port = packet->icmp_id = packet->checksum = packet->window = 0;
    packet->ip_id = packet->seq = packet->ack = 0;
    packet->tcp_flags = 0;
}

/* A fragment, with addresses and lengths filled in. OK: the walk goes on, with the fragment or with
 * its datagram. */
static enum decode_result fragment_take(struct walk *walk, const struct fragment *fragment)
{
    struct packet *packet = walk->packet;
    packet->fragment = true;
    packet->later_fragment = fragment->offset != 0;
    packet->ip_id = fragment->id;
    if (packet->reassembly & REASSEMBLY_GIVEN_UP)
        return DECODE_OK; /* a fragment of fragments that never were whole */
    switch (fragments_put(walk->decoder->fragments, fragment, walk)) {
    case FRAGMENT_HELD:
        return DECODE_HELD;
    case FRAGMENT_COPY:
        return DECODE_COPY;
    case FRAGMENT_IMPOSSIBLE:
        packet->later_fragment = packet->bad_transport = true;
        break;
    case FRAGMENT_WHOLE:
    case FRAGMENT_ALONE:
        break;
    }
    return DECODE_OK;
}

enum decode_result ipv4_read(struct walk *walk)
{
    struct frame *frame = &walk->frame;
    struct packet *packet = walk->packet;
    uint32_t whole = frame->left;
    const uint8_t *ip, *options;
    packet->ip_version = 4; /* also of one that cannot be read, for who counts these by kind */
    enum decode_result result = frame_step(frame, IPV4_HEADER, &ip);
    if (result != DECODE_OK)
        return result;
    uint32_t header = (ip[0] & 0x0fu) * 4;
    if (ip[0] >> 4 != 4 || header < IPV4_HEADER)
        return DECODE_MALFORMED;
    uint32_t total = read_be16(ip + 2);
    if (total == 0 && is_giant(frame, ip[9]))
        total = whole;
    if (total < header || total > whole || !fills_tunnel(walk, total))
        return DECODE_MALFORMED;
    result = frame_step(frame, header - IPV4_HEADER, &options);
    if (result != DECODE_OK)
        return result;
    packet_inside(walk);
    uint16_t field = read_be16(ip + 6);
    packet->ip_version = 4;
    packet->ip_id = read_be16(ip + 4);
    packet->ttl = ip[8];
    packet->proto = ip[9];
    packet->src = ip_from_v4(ip + 12);
    packet->dst = ip_from_v4(ip + 16);
    packet->ip_bytes = total;
    frame_trim(frame, total - header);
    if ((field & 0x3fff) != 0) {
        const struct fragment fragment = {packet->ip_id, (field & 0x1fffu) * 8,
                                          (field & 0x2000) != 0};
        result = fragment_take(walk, &fragment);
    }
    return result == DECODE_OK ? transport_read(walk) : result;
}

/* The jumbo payload length in a hop-by-hop header, or 0. */
static uint32_t jumbo_length(const uint8_t *header, uint32_t size)
{
    struct cursor c = cursor_make(header, size);
    cursor_skip(&c, 2);
    while (!c.failed && cursor_left(&c) > 0) {
        uint8_t type = cursor_u8(&c);
        if (type == OPTION_PAD1)
            continue;
        struct cursor value = cursor_sub(&c, cursor_u8(&c));
        if (type == OPTION_JUMBO && cursor_left(&value) == 4)
            return cursor_be32(&value);
    }
    return 0;
}

/* Behind the fragment header; *next is the type of what follows it, as this fragment has it. */
static enum decode_result fragment_read(struct walk *walk, const uint8_t *header, uint8_t *next)
{
    uint16_t field = read_be16(header + 2);
    const struct fragment fragment = {read_be32(header + 4), field & 0xfff8u, field & 1};
    walk->packet->ip_id = fragment.id;
    if (fragment.offset == 0 && !fragment.more)
        return DECODE_OK; /* an atomic fragment (RFC 6946) is a whole packet */
    walk->packet->proto = *next;
    enum decode_result result = fragment_take(walk, &fragment);
    *next = walk->packet->proto;
    return result;
}

/* One extension header. *next is its type and becomes the type of what follows; *jumbo is set when
 * it says how long the packet really is. */
static enum decode_result extension_read(struct walk *walk, uint8_t *next, uint32_t *jumbo)
{
    struct frame *frame = &walk->frame;
    const uint8_t *head, *rest;
    enum decode_result result = frame_step(frame, 8, &head);
    if (result != DECODE_OK)
        return result;
    uint32_t size = 8;
    if (*next == NEXT_AH)
        size = (uint32_t)(head[1] + 2) * 4;
    else if (*next != NEXT_FRAGMENT)
        size = (uint32_t)(head[1] + 1) * 8;
    if (size < 8 || size > HEADERS_MAX)
        return DECODE_MALFORMED;
    result = frame_step(frame, size - 8, &rest);
    if (result != DECODE_OK)
        return result;
    uint8_t type = *next;
    *next = head[0];
    if (type == NEXT_FRAGMENT)
        return fragment_read(walk, head, next);
    if (type == NEXT_HOP)
        *jumbo = jumbo_length(head, size);
    else if (type == NEXT_AH)
        walk_layer(walk, LAYER_AH, read_be32(head + 4));
    return DECODE_OK;
}

static bool is_extension(uint8_t next)
{
    return next == NEXT_HOP || next == NEXT_ROUTING || next == NEXT_FRAGMENT || next == NEXT_DEST ||
           next == NEXT_AH || next == NEXT_MOBILITY || next == NEXT_HIP || next == NEXT_SHIM6;
}

/* Steps over the chain of extension headers; what is behind a later fragment's is not read. One
 * that cannot be is payload with all behind it; in a tunnel, it is left to the packet around it. */
static enum decode_result chain_read(struct walk *walk, uint8_t next, uint32_t *jumbo)
{
    struct packet *packet = walk->packet;
    struct frame whole = walk->frame;
    uint8_t first = next;
    for (int headers = 0; is_extension(next) && !packet->later_fragment; headers++) {
        const uint32_t frames = packet->frames;
        enum decode_result result =
            headers < IPV6_CHAIN ? extension_read(walk, &next, jumbo) : DECODE_MALFORMED;
        if (packet->frames != frames) { /* put together: another frame */
            whole = walk->frame;
            first = next;
        }
        if (result == DECODE_OK && whole.left - walk->frame.left > HEADERS_MAX)
            result = DECODE_MALFORMED;
        if (result == DECODE_MALFORMED && !walk->enclosed) {
            walk->frame = whole;
            packet->later_fragment = packet->bad_transport = true;
            next = first;
            break;
        }
        if (result != DECODE_OK)
            return result;
    }
    packet->proto = next;
    return DECODE_OK;
}

enum decode_result ipv6_read(struct walk *walk)
{
    struct frame *frame = &walk->frame;
    struct packet *packet = walk->packet;
    const uint8_t *ip;
    packet->ip_version = 6; /* as above */
    enum decode_result result = frame_step(frame, IPV6_HEADER, &ip);
    if (result != DECODE_OK)
        return result;
    if (ip[0] >> 4 != 6)
        return DECODE_MALFORMED;
    uint32_t length = read_be16(ip + 4), jumbo = 0;
    bool giant = length == 0 && ip[6] != NEXT_NONE && is_giant(frame, ip[6]);
    if (length > frame->left)
        return DECODE_MALFORMED;
    if (giant)
        length = frame->left;
    if (!fills_tunnel(walk, IPV6_HEADER + length))
        return DECODE_MALFORMED;
    frame_trim(frame, length);
    packet_inside(walk);
    const uint32_t frames = packet->frames;
    packet->ip_version = 6;
    packet->ttl = ip[7];
    packet->src = ip_from_v6(ip + 8);
    packet->dst = ip_from_v6(ip + 24);
    packet->ip_bytes = IPV6_HEADER + length;
    result = chain_read(walk, ip[6], &jumbo);
    if (result != DECODE_OK)
        return result;
    if (giant && jumbo != 0 && packet->frames == frames) { /* no fragment: RFC 2675 4 */
        uint32_t headers = length - frame->left;
        if (jumbo > length || jumbo < headers)
            return DECODE_MALFORMED;
        frame_trim(frame, jumbo - headers);
        packet->ip_bytes = IPV6_HEADER + jumbo;
    }
    return transport_read(walk);
}

enum decode_result ip_resume(struct walk *walk)
{
    uint32_t jumbo;
    enum decode_result result = DECODE_OK;
    if (walk->packet->ip_version == 6)
        result = chain_read(walk, walk->packet->proto, &jumbo);
    return result == DECODE_OK ? transport_read(walk) : result;
}

enum decode_result ip_in_ip4_read(struct walk *walk)
{
    walk_layer(walk, LAYER_IP, walk->outer.ip_version);
    return ipv4_read(walk);
}

enum decode_result ip_in_ip6_read(struct walk *walk)
{
    walk_layer(walk, LAYER_IP, walk->outer.ip_version);
    return ipv6_read(walk);
}
