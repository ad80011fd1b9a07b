/* A decoder and what it is fed: the beginning of a frame's way (walk.c).
 *
 * Nothing the packet says is believed before it was compared with the bytes that are there: every
 * inner length must fit into the outer one. The wire length is what the capture source claims, but
 * at least what was captured, and nothing at all when it is more than any link or offload makes (a
 * file can claim 4 GiB a packet). Thread: a decoder belongs to one thread. */
#include "decode.h"

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
    return decoder;
}

void decoder_free(struct decoder *decoder)
{
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

enum decode_result decode_packet(struct decoder *decoder, const struct packet_raw *raw,
                                 struct packet *packet)
{
    struct walk walk; /* `outer` is as large as a packet, and set when there is one */
    packet_begin(packet, raw);
    walk.frame = (struct frame){cursor_make(raw->data, raw->captured), packet->wire_bytes};
    walk.packet = packet;
    walk.decoder = decoder;
    walk.next = NULL;
    walk.headers = 0;
    walk.own_tag = true;
    walk.hops = 0;
    walk.cut_by_mirror = walk.described = walk.addressed = walk.enclosed = false;
    enum decode_result result = next_by_link(&walk, raw->link);
    return result == DECODE_OK ? walk_read(&walk) : result;
}
