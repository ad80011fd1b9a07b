/* What an IP packet carries: a transport header (ports, and what TCP accounting needs) or a tunnel.
 *
 * The fixed part of the header must have been captured (else the packet is truncated); TCP options
 * may be cut off, only their length is used. A header that cannot be (shorter than its fixed part,
 * longer than the IP payload) does not stop the packet: routers forward it, so its bytes leave. It
 * is told without ports, like a later fragment. So are first fragments too short for their header,
 * which hide ports on purpose.
 *
 * A tunnel in a fragment is not entered: its inside is not all there. Put together it is. Sources:
 * RFC 9293, 768, 792, 4443, 9260. Pure; no state, any thread. */
#include "decode.h"

#define TCP_HEADER  20
#define UDP_HEADER  8
#define ICMP_HEADER 8
#define SCTP_HEADER 12

static enum decode_result tcp_read(struct frame *frame, struct packet *packet)
{
    const uint8_t *tcp;
    enum decode_result result = frame_step(frame, TCP_HEADER, &tcp);
    if (result != DECODE_OK)
        return result;
    uint32_t header = (uint32_t)(tcp[12] >> 4) * 4;
    if (header < TCP_HEADER || header - TCP_HEADER > frame->left)
        return DECODE_MALFORMED; /* before anything is filled in */
    packet->src_port = read_be16(tcp);
    packet->dst_port = read_be16(tcp + 2);
    packet->seq = read_be32(tcp + 4);
    packet->ack = read_be32(tcp + 8);
    packet->tcp_flags = tcp[13];
    packet->window = read_be16(tcp + 14);
    packet->checksum = read_be16(tcp + 16);
    uint32_t options = header - TCP_HEADER;
    size_t captured = cursor_left(&frame->cursor);
    cursor_skip(&frame->cursor, captured < options ? captured : options);
    frame->left -= options;
    return DECODE_OK;
}

/* UDP and SCTP: all that is wanted are the ports in front. (SCTP's checksum has 32 bits.) */
static enum decode_result ports_read(struct frame *frame, uint32_t header, struct packet *packet)
{
    const uint8_t *bytes;
    enum decode_result result = frame_step(frame, header, &bytes);
    if (result != DECODE_OK)
        return result;
    packet->src_port = read_be16(bytes);
    packet->dst_port = read_be16(bytes + 2);
    if (packet->proto == PROTO_UDP)
        packet->checksum = read_be16(bytes + 6);
    return DECODE_OK;
}

static enum decode_result icmp_read(struct frame *frame, struct packet *packet)
{
    const uint8_t *icmp;
    enum decode_result result = frame_step(frame, ICMP_HEADER, &icmp);
    if (result != DECODE_OK)
        return result;
    packet->src_port = icmp[0];
    packet->dst_port = icmp[1];
    packet->checksum = read_be16(icmp + 2);
    packet->icmp_id = read_be16(icmp + 4);
    return DECODE_OK;
}

static enum decode_result header_read(struct frame *frame, struct packet *packet)
{
    switch (packet->proto) {
    case PROTO_TCP:
        return tcp_read(frame, packet);
    case PROTO_UDP:
        return ports_read(frame, UDP_HEADER, packet);
    case PROTO_SCTP:
        return ports_read(frame, SCTP_HEADER, packet);
    case PROTO_ICMP:
        return packet->ip_version == 4 ? icmp_read(frame, packet) : DECODE_OK;
    case PROTO_ICMP6:
        return packet->ip_version == 6 ? icmp_read(frame, packet) : DECODE_OK;
    default:
        return DECODE_OK;
    }
}

/* As header_read, but what cannot be a header is payload. */
static enum decode_result ports_or_payload(struct frame *frame, struct packet *packet)
{
    if (packet->later_fragment)
        return DECODE_OK;
    struct frame whole = *frame;
    enum decode_result result = header_read(frame, packet);
    if (result != DECODE_MALFORMED)
        return result;
    *frame = whole;
    packet->later_fragment = packet->bad_transport = true;
    return DECODE_OK;
}

static layer_reader *tunnel_in(const struct walk *walk)
{
    switch (walk->packet->proto) {
    case PROTO_TCP:
    case PROTO_ICMP:
        return NULL;
    case PROTO_UDP:
        return walk->packet->later_fragment ? NULL : layer_of_ports(walk->decoder, walk->packet);
    default:
        return layer_of_proto(walk->packet->proto);
    }
}

enum decode_result transport_read(struct walk *walk)
{
    struct packet *packet = walk->packet;
    enum decode_result result = ports_or_payload(&walk->frame, packet);
    if (result != DECODE_OK)
        return result;
    packet->payload = walk->frame.cursor.at;
    packet->payload_captured = (uint32_t)cursor_left(&walk->frame.cursor);
    packet->payload_bytes = walk->frame.left;
    layer_reader *inside = tunnel_in(walk);
    if (!inside)
        return DECODE_OK;
    if (packet->fragment) {
        packet->tunnel_unread = DECODE_TRUNCATED;
        return DECODE_OK;
    }
    walk_enter(walk);
    walk->next = inside;
    return DECODE_OK;
}
