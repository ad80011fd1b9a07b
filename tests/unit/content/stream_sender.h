/* A sender whose every byte is known, and a consumer that checks each byte it is given against it.
 * Shared by the stream tests. The byte at offset x of a direction is a hash of (flow, side, x), so
 * a byte at a wrong place, of another flow or a filler byte shows. */
#ifndef WEIR_TEST_STREAM_SENDER_H
#define WEIR_TEST_STREAM_SENDER_H

#include "weir/content/stream.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline uint8_t sent_byte(uint32_t flow, enum flow_side side, uint64_t offset)
{
    uint64_t x = (offset + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x ^= (uint64_t)(flow * 2 + (uint32_t)side + 1) * UINT64_C(0xbf58476d1ce4e5b9);
    return (uint8_t)((x * UINT64_C(0x94d049bb133111eb)) >> 56);
}

/* One flow as its sender and the consumer know it. Offsets count payload bytes from the start. */
struct sender {
    struct stream *stream;
    uint32_t id;
    uint32_t isn[SIDES]; /* sequence number of offset 0 */
    struct ptime now;
    /* The consumer's side. */
    uint64_t at[SIDES]; /* offset of the next byte to come, data or gap */
    uint64_t data[SIDES], gap[SIDES], gaps[SIDES];
    struct ptime last_event;
    uint64_t wrong;           /* bytes that are not what was sent there */
    enum flow_side stop_side; /* stop this side … */
    uint64_t stop_after;      /* … inside the callback that reaches this offset (0: never) */
    uint8_t *captured;        /* SIDE_ORIG, one a byte: a packet with this byte was seen */
    uint8_t *delivered;       /* SIDE_ORIG */
    uint64_t size;            /* of both arrays */
    const uint8_t *last_pointer;
    /* How packets come to the stream; NULL: at once. */
    void (*carry)(struct sender *s, enum flow_side side, const struct packet *packet);
    void *carrier;
};

static inline void sender_on_data(void *owner, enum flow_side side, const uint8_t *data,
                                  size_t size, struct ptime time)
{
    struct sender *s = owner;
    const uint64_t at = s->at[side];
    const uint32_t id = s->id;
    uint64_t wrong = 0;
    for (size_t i = 0; i < size; i++)
        wrong += data[i] != sent_byte(id, side, at + i);
    s->wrong += wrong;
    for (uint64_t i = at; side == SIDE_ORIG && i < at + size && i < s->size; i++)
        s->delivered[i]++;
    s->at[side] += size;
    s->data[side] += size;
    s->last_event = time;
    s->last_pointer = data;
    if (s->stop_after && side == s->stop_side && s->at[side] >= s->stop_after)
        stream_stop(s->stream, side);
}

static inline void sender_on_gap(void *owner, enum flow_side side, uint64_t bytes,
                                 struct ptime time)
{
    struct sender *s = owner;
    s->at[side] += bytes;
    s->gap[side] += bytes;
    s->gaps[side]++;
    s->last_event = time;
}

static const struct stream_events sender_events = {sender_on_data, sender_on_gap};

static inline void sender_init(struct sender *s, struct streams *streams, uint32_t id,
                               uint32_t isn_orig, uint32_t isn_resp)
{
    memset(s, 0, sizeof *s);
    s->id = id;
    s->isn[SIDE_ORIG] = isn_orig;
    s->isn[SIDE_RESP] = isn_resp;
    s->now.ns = INT64_C(1700000000) * NS_PER_S;
    s->stream = stream_new(streams, s);
}

/* Records which bytes were captured and delivered, for offsets below `size`. */
static inline void sender_track(struct sender *s, uint64_t size)
{
    s->captured = calloc(size, 1);
    s->delivered = calloc(size, 1);
    s->size = s->captured && s->delivered ? size : 0;
}

static inline void sender_fini(struct sender *s)
{
    stream_free(s->stream);
    free(s->captured);
    free(s->delivered);
}

static inline void sender_packet(struct sender *s, enum flow_side side, uint32_t seq, uint8_t flags,
                                 uint32_t ack, const uint8_t *payload, uint32_t captured,
                                 uint32_t bytes)
{
    struct packet packet = {.time = s->now,
                            .ip_version = 4,
                            .proto = PROTO_TCP,
                            .seq = seq,
                            .ack = ack,
                            .tcp_flags = flags,
                            .payload = payload,
                            .payload_captured = captured,
                            .payload_bytes = bytes};
    if (s->carry)
        s->carry(s, side, &packet);
    else
        stream_packet(s->stream, side, &packet);
}

/* `bytes` at `offset`, of which `captured` were; the payload is an allocation of exactly that size
 * which is gone afterwards, so a byte read past it or later is the sanitizer's. */
static inline void send_cut(struct sender *s, enum flow_side side, uint64_t offset, uint32_t bytes,
                            uint32_t captured, uint8_t flags)
{
    uint8_t *payload = malloc(captured ? captured : 1);
    if (!payload)
        abort();
    for (uint32_t i = 0; i < captured; i++)
        payload[i] = sent_byte(s->id, side, offset + i);
    if (side == SIDE_ORIG && offset < s->size)
        memset(s->captured + offset, 1, captured < s->size - offset ? captured : s->size - offset);
    uint32_t seq = s->isn[side] + (uint32_t)offset;
    sender_packet(s, side, (flags & TCP_SYN) ? seq - 1 : seq, flags, 0, payload, captured, bytes);
    free(payload);
}

static inline void send_data(struct sender *s, enum flow_side side, uint64_t offset, uint32_t bytes)
{
    send_cut(s, side, offset, bytes, bytes, TCP_PSH);
}

/* `side` sends nothing but says that it has everything below `offset` of its peer. */
static inline void send_ack(struct sender *s, enum flow_side side, uint64_t offset)
{
    enum flow_side peer = side == SIDE_ORIG ? SIDE_RESP : SIDE_ORIG;
    sender_packet(s, side, s->isn[side], TCP_ACK, s->isn[peer] + (uint32_t)offset, NULL, 0, 0);
}

static inline void send_syn(struct sender *s, enum flow_side side)
{
    sender_packet(s, side, s->isn[side] - 1, TCP_SYN, 0, NULL, 0, 0);
}

static inline void send_fin(struct sender *s, enum flow_side side, uint64_t offset)
{
    sender_packet(s, side, s->isn[side] + (uint32_t)offset, TCP_FIN, 0, NULL, 0, 0);
}

static inline void pass_ms(struct sender *s, int64_t ms)
{
    s->now.ns += ms * NS_PER_MS;
}

static inline struct streams *open_streams(uint32_t max_attached, uint64_t budget_bytes)
{
    struct stream_config config = stream_config_default();
    if (max_attached)
        config.max_attached = max_attached;
    if (budget_bytes)
        config.budget_bytes = budget_bytes;
    struct error error = {0};
    return streams_new(&config, &sender_events, &error);
}

static inline struct health health_of(const struct streams *streams)
{
    struct health health = {0};
    streams_health(streams, &health);
    return health;
}

/* Deterministic numbers for the simulated networks (xorshift64*). */
static inline uint64_t draw(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

/* True `per_million` times in a million. */
static inline bool chance(uint64_t *state, uint32_t per_million)
{
    return (draw(state) >> 32) % 1000000 < per_million;
}

#endif
