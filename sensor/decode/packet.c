/* The whole decode: link, IP, transport, one after the other over one frame.
 *
 * Nothing the packet says is believed before it was compared with the bytes that are there: every
 * inner length must fit into the outer one. The wire length is what the capture source claims, but
 * at least what was captured, and nothing at all when it is more than any link or offload makes (a
 * file can claim 4 GiB a packet). Pure; no state, any thread. */
#include "decode.h"

#include "weir/base/buffer.h"

#include <stdlib.h>

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
                 {6081, LAYER_GENEVE},
                 {2152, LAYER_GTPU},
                 {3544, LAYER_TEREDO},
                 {1701, LAYER_L2TP}},
        .port_count = 5,
    };
}

struct decoder *decoder_new(const struct decoder_config *config)
{
    struct decoder *decoder = xcalloc(1, sizeof *decoder);
    decoder->config = *config;
    return decoder;
}

void decoder_free(struct decoder *decoder)
{
    free(decoder);
}

enum decode_result decode_packet(struct decoder *decoder, const struct packet_raw *raw,
                                 struct packet *packet)
{
    (void)decoder;
    uint32_t wire = wire_bytes(raw);
    struct frame frame = {cursor_make(raw->data, raw->captured), wire};

    *packet = (struct packet){
        .time = raw->time, .wire_bytes = wire, .captured = raw->captured, .frames = 1};
    enum decode_result result = link_read(&frame, raw->link, packet);
    if (result == DECODE_OK)
        result = ip_read(&frame, packet);
    if (result == DECODE_OK)
        result = transport_read(&frame, packet);
    if (result != DECODE_OK && result != DECODE_ARP)
        return result;
    packet->payload = frame.cursor.at;
    packet->payload_captured = (uint32_t)cursor_left(&frame.cursor);
    packet->payload_bytes = frame.left;
    return result;
}
