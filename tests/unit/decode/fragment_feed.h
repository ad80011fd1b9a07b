/* What the fragment tests share: a datagram made of a pattern, fragments of it in any order, and
 * everything that a decoder told, asked the way capture/worker.c asks. */
#ifndef WEIR_TESTS_DECODE_FRAGMENT_FEED_H
#define WEIR_TESTS_DECODE_FRAGMENT_FEED_H

#include "weir/decode/packet.h"

#include "frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS     NS_PER_MS
#define TOLD   16384
#define LARGE  65535u
#define RAW_IP 101

struct feed {
    struct decoder *decoder;
    struct packet packet; /* of the last frame, or told last */
    enum decode_result result;
    uint8_t payload[LARGE]; /* of the last packet told */
    int64_t now_ns;
    uint64_t fed_wire, told_wire, copies_wire; /* bytes of frames */
    uint64_t told_payload;
    uint32_t told, given_up;
    int64_t due_ns;        /* of the last one given up */
    struct packet kept[8]; /* the first ones told */
};

static inline void feed_init(struct feed *f)
{
    const struct decoder_config config = decoder_config_default();
    memset(f, 0, sizeof *f);
    f->decoder = decoder_new(&config);
    f->now_ns = NS_PER_S;
}

static inline void feed_told(struct feed *f)
{
    if (f->told < 8)
        f->kept[f->told] = f->packet;
    f->told++;
    f->told_wire += f->packet.wire_bytes;
    f->told_payload += f->packet.payload_bytes;
    assert_true(f->packet.payload_captured <= f->packet.payload_bytes);
    assert_true(f->packet.payload_bytes < f->packet.ip_bytes);
    assert_true(f->packet.payload_captured <= LARGE);
    if (f->packet.payload_captured)
        memcpy(f->payload, f->packet.payload, f->packet.payload_captured);
}

/* Everything that is due at `now`. */
static inline void feed_due(struct feed *f, int64_t now_ns)
{
    struct ptime due;
    while (decoder_due(f->decoder, (struct ptime){now_ns}, &due, &f->packet)) {
        assert_true(due.ns >= f->due_ns && due.ns <= now_ns);
        f->due_ns = due.ns;
        f->given_up++;
        feed_told(f);
    }
}

static inline enum decode_result feed_cut(struct feed *f, const struct made *m, uint32_t captured,
                                          int link)
{
    struct packet_raw raw = {m->data, captured, m->size, link, {f->now_ns}};
    feed_due(f, f->now_ns);
    f->result = decode_packet(f->decoder, &raw, &f->packet);
    f->fed_wire += m->size;
    if (f->result == DECODE_OK)
        feed_told(f);
    if (f->result == DECODE_COPY)
        f->copies_wire += m->size;
    return f->result;
}

static inline enum decode_result feed_frame(struct feed *f, const struct made *m, int link)
{
    return feed_cut(f, m, m->size, link);
}

/* Nothing waits any more, and every frame was told once. */
static inline void feed_fini(struct feed *f)
{
    feed_due(f, INT64_MAX);
    assert_int_equal(f->fed_wire, f->told_wire + f->copies_wire);
    decoder_free(f->decoder);
}

/* A transport header of UDP or TCP (20 bytes) and a pattern behind it; `seed` makes it another. */
static inline void datagram_make(uint8_t *out, uint32_t size, uint8_t proto, unsigned seed)
{
    struct made head = {.size = 0};
    for (uint32_t i = 0; i < size; i++)
        out[i] = (uint8_t)(i * 7 + i / 251 + seed);
    if (proto == PROTO_UDP)
        put_udp(&head, 1000, 2000, size - 8);
    else
        put_tcp(&head, 5, TCP_ACK);
    memcpy(out, head.data, head.size < size ? head.size : size);
}

static inline void put_part4(struct made *m, uint8_t proto, unsigned id, const uint8_t *datagram,
                             uint32_t offset, uint32_t size, bool more)
{
    put_ipv4(m, 20 + size, proto, (more ? 0x2000u : 0) | offset / 8);
    m->data[m->size - 16] = (uint8_t)(id >> 8);
    m->data[m->size - 15] = (uint8_t)id;
    put(m, datagram + offset, size);
}

static inline void put_part6(struct made *m, uint8_t next, unsigned id, const uint8_t *datagram,
                             uint32_t offset, uint32_t size, bool more)
{
    put_ipv6(m, 8 + size, 44);
    put8(m, next);
    put8(m, 0);
    put16(m, offset | more);
    put32(m, id);
    put(m, datagram + offset, size);
}

/* One fragment of an IPv4 datagram, a millisecond after the last. */
static inline enum decode_result feed4(struct feed *f, uint8_t proto, unsigned id,
                                       const uint8_t *datagram, uint32_t offset, uint32_t size,
                                       bool more)
{
    struct made m = {.size = 0};
    f->now_ns += MS;
    put_part4(&m, proto, id, datagram, offset, size, more);
    return feed_frame(f, &m, RAW_IP);
}

static inline enum decode_result feed6(struct feed *f, uint8_t next, unsigned id,
                                       const uint8_t *datagram, uint32_t offset, uint32_t size,
                                       bool more)
{
    struct made m = {.size = 0};
    f->now_ns += MS;
    put_part6(&m, next, id, datagram, offset, size, more);
    return feed_frame(f, &m, RAW_IP);
}

#endif
