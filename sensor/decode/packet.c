/* A decoder and what it is fed: the beginning of a frame's way (walk.c).
 *
 * Nothing the packet says is believed before it was compared with the bytes that are there: every
 * inner length must fit into the outer one. The wire length is what the capture source claims, but
 * at least what was captured, and nothing at all when it is more than any link or offload makes (a
 * file can claim 4 GiB a packet). Thread: a decoder belongs to one thread. */
#include "fragments.h"

#include "weir/base/buffer.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define WIRE_MAX (1u << 20) /* Linux's largest offloaded packet is half of this */

static uint32_t wire_bytes(const struct packet_raw *raw)
{
    if (raw->wire_bytes < raw->captured || raw->wire_bytes > WIRE_MAX)
        return raw->captured;
    return raw->wire_bytes;
}

const char *const decode_result_name[DECODE_RESULTS] = {
    [DECODE_OK] = "ok",
    [DECODE_NOT_IP] = "not_ip",
    [DECODE_ARP] = "arp",
    [DECODE_UNKNOWN_LINK] = "unknown_link",
    [DECODE_TRUNCATED] = "truncated",
    [DECODE_MALFORMED] = "malformed",
    [DECODE_HELD] = "held",
    [DECODE_COPY] = "copy",
};

struct decoder_config decoder_config_default(void)
{
    return (struct decoder_config){
        .port = {{4789, LAYER_VXLAN},
                 {4790, LAYER_VXLAN}, /* GPE */
                 {8472, LAYER_VXLAN}, /* not IANA's: the default of Linux, so of many clusters */
                 {6081, LAYER_GENEVE},
                 {2152, LAYER_GTPU},
                 {3544, LAYER_TEREDO},
                 {1701, LAYER_L2TP},
                 {6635, LAYER_MPLS}},
        .port_count = 8,
    };
}

struct decoder *decoder_new(const struct decoder_config *config)
{
    struct decoder *decoder = xcalloc(1, sizeof *decoder);
    decoder->config = *config;
    if (decoder->config.port_count > DECODER_PORTS)
        decoder->config.port_count = DECODER_PORTS;
    for (size_t i = 0; i < decoder->config.port_count; i++)
        decoder->port_low[decoder->config.port[i].port & 0xff] = true;
    decoder->fragments = fragments_new();
    return decoder;
}

void decoder_free(struct decoder *decoder)
{
    if (decoder)
        fragments_free(decoder->fragments);
    free(decoder);
}

/* Without its tunnel: that is large, and most packets are in none. */
static void packet_begin(struct packet *packet, const struct packet_raw *raw)
{
    memset(packet, 0, offsetof(struct packet, tunnel));
    packet->tunnel.count = 0;
    packet->time = raw->time;
    packet->wire_bytes = wire_bytes(raw);
    packet->captured = raw->captured;
    packet->frames = 1;
}

/* The largest header that `left` bytes, of which none is captured, may begin with. */
static uint32_t header_at_most(const struct packet *packet, uint32_t left)
{
    switch (packet->proto) {
    case PROTO_TCP:
        return left < 60 ? left : 60;
    case PROTO_UDP:
    case PROTO_ICMP:
    case PROTO_ICMP6:
        return 8;
    case PROTO_SCTP:
        return 12;
    default:
        return left; /* extension headers */
    }
}

/* What is behind the IP header could not be read, though it was put together of several frames.
 * They are nobody else's, so it is told without ports. Of a header that was cut off by the snap
 * length no byte is taken for payload: a cut must not make more of what was sent. */
static void tell_without_ports(const struct walk *walk, enum decode_result result)
{
    struct packet *packet = walk->packet;
    uint32_t left = walk->frame.left;
    packet->later_fragment = true;
    packet->bad_transport = result == DECODE_MALFORMED;
    packet->payload = walk->frame.cursor.at;
    packet->payload_captured = 0;
    packet->payload_bytes = left;
    if (result == DECODE_TRUNCATED)
        packet->payload_bytes -= header_at_most(packet, left);
}

void decoder_set_vantage(struct decoder *decoder, uint8_t vantage)
{
    decoder->vantage = vantage;
}

bool decoder_due(struct decoder *decoder, struct ptime now, struct ptime *due,
                 struct packet *packet)
{
    if (!fragments_due(decoder->fragments, now))
        return false;
    struct walk walk = {.packet = packet, .decoder = decoder};
    uint32_t rest;
    fragments_give_up(decoder->fragments, due, &walk, &rest);
    enum decode_result result = ip_resume(&walk);
    if (result != DECODE_OK)
        tell_without_ports(&walk, result);
    /* Of TCP too: it is told as if it followed the front, so as many bytes as were seen are counted
     * within the segment's own range, and the hole is behind them. A segment sent again fills that
     * and no more. Left out, whoever omits a fragment on purpose would have the others uncounted.
     */
    packet->payload_bytes += rest;
    if (packet->reassembly & REASSEMBLY_CLOSED)
        packet->payload_captured = 0;
    return true;
}

enum decode_result decode_packet(struct decoder *decoder, const struct packet_raw *raw,
                                 struct packet *packet)
{
    struct walk walk; /* `outer` is as large as a packet, and set when there is one */
    packet_begin(packet, raw);
    packet->vantage = decoder->vantage;
    walk.frame = (struct frame){cursor_make(raw->data, raw->captured), packet->wire_bytes};
    walk.packet = packet;
    walk.decoder = decoder;
    walk.next = NULL;
    walk.headers = 0;
    walk.own_tag = true;
    walk.hops = 0;
    walk.cut_by_mirror = walk.described = walk.addressed = walk.enclosed = false;
    enum decode_result result = next_by_link(&walk, raw->link);
    if (result == DECODE_OK)
        result = walk_read(&walk);
    if (packet->reassembly == 0)
        return result;
    if (packet->frames > 1 && (result == DECODE_TRUNCATED || result == DECODE_MALFORMED)) {
        tell_without_ports(&walk, result);
        result = DECODE_OK;
    }
    if (packet->reassembly & REASSEMBLY_CLOSED)
        packet->payload_captured = 0;
    return result;
}

static void glance_v4(const uint8_t *ip, struct packet *packet)
{
    packet->proto = ip[9];
    packet->src = ip_from_v4(ip + 12);
    packet->dst = ip_from_v4(ip + 16);
}

static void glance_v6(const uint8_t *ip, struct packet *packet)
{
    packet->proto = ip[6];
    packet->src = ip_from_v6(ip + 8);
    packet->dst = ip_from_v6(ip + 24);
}

bool decode_glance(const struct packet_raw *raw, struct packet *packet)
{
    const uint8_t *frame = raw->data;
    if (raw->link != 1 || raw->captured < 18 + 1)
        return false;
    bool tagged = read_be16(frame + 12) == 0x8100;
    const uint8_t *ip = frame + (tagged ? 18 : 14);
    uint32_t size = ip[0] == 0x45 ? 20 : 40;
    if ((ip[0] != 0x45 && ip[0] >> 4 != 6) || (size_t)(ip - frame) + size + 4 > raw->captured)
        return false;
    if (size == 20)
        glance_v4(ip, packet);
    else
        glance_v6(ip, packet);
    packet->vlan = tagged ? read_be16(frame + 14) & 0xfffu : 0;
    packet->src_port = read_be16(ip + size);
    packet->dst_port = read_be16(ip + size + 2);
    packet->tenant = 0;
    packet->vantage = 0;
    packet->later_fragment = false;
    return packet->proto == PROTO_TCP || packet->proto == PROTO_UDP;
}
