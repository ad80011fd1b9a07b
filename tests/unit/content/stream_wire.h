/* Segments as frames: Ethernet, IPv4 or IPv6, TCP, through the real decoder and flow table, and
 * from there to the flow's stream. Who sent a segment and whose it is must come out as it went in.
 */
#ifndef WEIR_TEST_STREAM_WIRE_H
#define WEIR_TEST_STREAM_WIRE_H

#include "weir/content/stream.h"
#include "weir/flow/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIRE_FRAME_MAX (1u << 20)
#define WIRE_ETHERNET  1 /* DLT_EN10MB */

struct wire {
    struct decoder *decoder;
    struct flow_table *table;
    uint8_t *frame;
    unsigned family; /* 4 or 6 */
    uint16_t ip_id;
    uint64_t swapped, released;
    bool owns_streams; /* a flow's stream goes with it */
};

static inline bool wire_on_report(void *context, struct flow *flow, enum flow_end end,
                                  struct ptime time)
{
    (void)context, (void)flow, (void)end, (void)time;
    return true;
}

static inline void wire_on_swapped(void *context, struct flow *flow)
{
    struct wire *w = context;
    (void)flow;
    w->swapped++;
}

static inline void wire_on_release(void *context, struct flow *flow)
{
    struct wire *w = context;
    w->released++;
    if (w->owns_streams)
        stream_free(*flow_content_slot(flow));
}

/* `max_flows` 0: as many as by default. 0, or -1. */
static inline int wire_open(struct wire *w, unsigned family, uint32_t max_flows)
{
    static const struct flow_events events = {wire_on_report, wire_on_swapped, wire_on_release,
                                              NULL, NULL};
    struct decoder_config decoder = decoder_config_default();
    struct flow_config flows = flow_config_default();
    if (max_flows)
        flows.max_flows = max_flows;
    memset(w, 0, sizeof *w);
    w->family = family;
    w->decoder = decoder_new(&decoder);
    w->table = flow_table_new(&flows, &events, w);
    w->frame = malloc(WIRE_FRAME_MAX);
    return w->decoder && w->table && w->frame ? 0 : -1;
}

static inline void wire_close(struct wire *w)
{
    flow_table_free(w->table);
    decoder_free(w->decoder);
    free(w->frame);
}

static inline uint8_t *wire_put(uint8_t *at, unsigned width, uint32_t value)
{
    for (unsigned i = width; i-- > 0; value >>= 8)
        at[i] = (uint8_t)value;
    return at + width;
}

/* The client's address is the flow's number; the server's is the same for all. */
static inline uint8_t *wire_put_address(const struct wire *w, uint8_t *at, uint32_t flow,
                                        bool client)
{
    if (w->family == 6) {
        memset(at, 0, 16);
        memcpy(at, "\x20\x01\x0d\xb8", 4);
        at[5] = client;
        return wire_put(at + 12, 4, client ? flow : 80);
    }
    return wire_put(at, 4, client ? UINT32_C(0x0a000000) + flow : UINT32_C(0xc0000250));
}

/* Offload makes segments that the length field cannot hold: it is zero then. */
static inline uint8_t *wire_put_ip(struct wire *w, uint8_t *at, uint32_t flow, bool from_client,
                                   uint32_t segment_bytes)
{
    if (w->family == 6) {
        at = wire_put(at, 4, UINT32_C(0x60000000));
        at = wire_put(at, 2, segment_bytes > UINT16_MAX ? 0 : segment_bytes);
        at = wire_put(at, 2, PROTO_TCP << 8 | 64);
    } else {
        at = wire_put(at, 2, 0x4500);
        at = wire_put(at, 2, segment_bytes + 20 > UINT16_MAX ? 0 : segment_bytes + 20);
        at = wire_put(at, 2, w->ip_id++);
        at = wire_put(at, 4, UINT32_C(0x40004000) | PROTO_TCP);
        at = wire_put(at, 2, 0); /* a checksum that offload has not filled in yet */
    }
    at = wire_put_address(w, at, flow, from_client);
    return wire_put_address(w, at, flow, !from_client);
}

static inline uint32_t wire_make(struct wire *w, uint32_t flow, enum flow_side from,
                                 const struct packet *p)
{
    bool client = from == SIDE_ORIG;
    memset(w->frame, 2, 12);
    uint8_t *at = wire_put(w->frame + 12, 2, w->family == 6 ? 0x86dd : 0x0800);
    at = wire_put_ip(w, at, flow, client, 20 + p->payload_bytes);
    at = wire_put(at, 2, client ? 40000 : 443);
    at = wire_put(at, 2, client ? 443 : 40000);
    at = wire_put(at, 4, p->seq);
    at = wire_put(at, 4, p->ack);
    at = wire_put(at, 2, 0x5000u | p->tcp_flags);
    at = wire_put(at, 4, UINT32_C(0xffff0000)); /* window, checksum */
    at = wire_put(at, 2, 0);
    if (p->payload_captured)
        memcpy(at, p->payload, p->payload_captured);
    return (uint32_t)(at - w->frame);
}

static inline void wire_require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "stream_wire: %s\n", what);
    abort();
}

/* One packet of flow `flow` (< 2^24), whose stream it is from its first packet on. Of `packet` the
 * time, the TCP fields and the payload count. */
static inline void wire_carry(struct wire *w, uint32_t flow, struct stream *stream,
                              enum flow_side from, const struct packet *packet)
{
    struct packet seen;
    enum flow_side side;
    uint32_t head = wire_make(w, flow, from, packet);
    struct packet_raw raw = {.data = w->frame,
                             .captured = head + packet->payload_captured,
                             .wire_bytes = head + packet->payload_bytes,
                             .link = WIRE_ETHERNET,
                             .time = packet->time};
    wire_require(decode_packet(w->decoder, &raw, &seen) == DECODE_OK, "not decoded");
    wire_require(seen.payload_bytes == packet->payload_bytes, "another payload");
    flow_table_advance(w->table, seen.time);
    struct flow *found = flow_table_packet(w->table, &seen, &side);
    if (!*flow_content_slot(found))
        *flow_content_slot(found) = stream;
    wire_require(*flow_content_slot(found) == stream, "another flow");
    wire_require(side == from && w->swapped == 0, "another side");
    stream_packet(stream, side, &seen);
}

#endif
