/* What tests of tunnels ask of a decoded packet. */
#ifndef WEIR_TESTS_DECODE_INNER_H
#define WEIR_TESTS_DECODE_INNER_H

#include "weir/decode/packet.h"

#include "frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define RAW 101

static struct decoder *decoder;

static inline enum decode_result decode_cut(const struct made *m, int link, uint32_t captured,
                                            struct packet *packet)
{
    memset(packet, 0xa5, sizeof *packet);            /* nothing may be left unset */
    uint8_t *copy = malloc(captured ? captured : 1); /* exact, so that a sanitizer sees more */
    memcpy(copy, m->data, captured);
    struct packet_raw raw = {copy, captured, m->size, link, {7}};
    enum decode_result result = decode_packet(decoder, &raw, packet);
    packet->payload = packet->macs = NULL;
    free(copy);
    return result;
}

static inline enum decode_result decode(const struct made *m, int link, struct packet *packet)
{
    return decode_cut(m, link, m->size, packet);
}

static inline bool is_text(const struct ip *ip, const char *text)
{
    char buffer[IP_TEXT_SIZE];
    return strcmp(ip_text(ip, buffer), text) == 0;
}

/* made_inner() or made_inner6(), read to the end. */
static inline void assert_inner(const struct packet *p)
{
    assert_int_equal(p->tunnel_unread, DECODE_OK);
    assert_true(is_text(&p->src, p->ip_version == 4 ? "10.1.0.1" : "2001:db8::1"));
    assert_true(is_text(&p->dst, p->ip_version == 4 ? "10.1.0.2" : "2001:db8::2"));
    assert_int_equal(p->proto, 17);
    assert_int_equal(p->src_port, 1000);
    assert_int_equal(p->dst_port, 2000);
    assert_int_equal(p->payload_bytes, 5);
    assert_int_equal(p->ip_bytes, p->ip_version == 4 ? 33 : 53);
    assert_int_equal(p->ttl, p->ip_version == 4 ? 61 : 57);
    assert_int_equal(p->ip_id, p->ip_version == 4 ? 0x1234 : 0);
}

/* The packet around, from made_ip() or made_udp(), with all that it carries. */
static inline void assert_outer(const struct packet *p, enum decode_result unread)
{
    assert_int_equal(p->tunnel_unread, unread);
    assert_int_equal(p->ip_version, 4);
    assert_true(is_text(&p->src, "192.0.2.1"));
    assert_true(is_text(&p->dst, "198.51.100.7"));
    assert_int_equal(p->payload_bytes, p->ip_bytes - (p->proto == 17 ? 28 : 20));
    assert_int_equal(p->tunnel.count, 0);
    assert_int_equal(p->tenant, 0);
}

static inline void assert_layer(const struct packet *p, int place, enum layer layer, uint32_t id)
{
    assert_true(place < p->tunnel.count);
    assert_int_equal(p->tunnel.layer[place], layer);
    assert_int_equal(p->tunnel.id[place], id);
}

/* Cut anywhere, it is inner, or what carried it, or said to be cut. `standing`: bytes from which on
 * the outermost IP packet is known. */
static inline void cut_everywhere(const struct made *m, int link, uint32_t standing)
{
    struct packet whole, cut;
    assert_int_equal(decode(m, link, &whole), DECODE_OK);
    assert_int_equal(whole.tunnel_unread, DECODE_OK);
    for (uint32_t captured = 0; captured < m->size; captured++) {
        enum decode_result result = decode_cut(m, link, captured, &cut);
        assert_int_equal(result, captured < standing ? DECODE_TRUNCATED : DECODE_OK);
        if (result != DECODE_OK)
            continue;
        assert_int_equal(cut.wire_bytes, whole.wire_bytes);
        if (cut.tunnel_unread == DECODE_OK) {
            assert_int_equal(ip_compare(&cut.src, &whole.src), 0);
            assert_int_equal(cut.src_port, whole.src_port);
            assert_int_equal(cut.ip_bytes, whole.ip_bytes);
            assert_int_equal(cut.tenant, whole.tenant);
            assert_memory_equal(&cut.tunnel, &whole.tunnel,
                                whole.tunnel.count ? sizeof whole.tunnel : 0);
        } else {
            assert_int_equal(cut.tunnel_unread, DECODE_TRUNCATED);
            assert_true(cut.tunnel.count < whole.tunnel.count);
            assert_true(cut.ip_bytes > whole.ip_bytes || cut.proto == 51);
        }
    }
}

static inline int decoder_make(void **state)
{
    (void)state;
    const struct decoder_config config = decoder_config_default();
    decoder = decoder_new(&config);
    return 0;
}

static inline int decoder_drop(void **state)
{
    (void)state;
    decoder_free(decoder);
    return 0;
}

#endif
