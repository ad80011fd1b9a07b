/* Decoding against frames written down byte by byte from the RFCs, and against themselves: a frame
 * cut at any length must tell the same facts or say that it is cut. */
#include "weir/decode/packet.h"

#include "frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ETHERNET 1

static struct decoder *decoder;

static enum decode_result decode(const struct made *m, int link, struct packet *packet)
{
    struct packet_raw raw = {m->data, m->size, m->size, link, {7}};
    return decode_packet(decoder, &raw, packet);
}

/* A fragment whose datagram is never seen whole, as it is told in the end. */
static void decode_lone(const struct made *m, int link, struct packet *packet)
{
    struct ptime due;
    assert_int_equal(decode(m, link, packet), DECODE_HELD);
    assert_true(decoder_due(decoder, PTIME_MAX, &due, packet));
    assert_int_equal(packet->reassembly, REASSEMBLY_GIVEN_UP);
}

static void assert_v4(const struct packet *p)
{
    char text[IP_TEXT_SIZE];
    assert_int_equal(p->ip_version, 4);
    assert_string_equal(ip_text(&p->src, text), "192.0.2.1");
    assert_string_equal(ip_text(&p->dst, text), "198.51.100.7");
    assert_int_equal(p->ttl, 61);
}

static void assert_v6(const struct packet *p)
{
    char text[IP_TEXT_SIZE];
    assert_int_equal(p->ip_version, 6);
    assert_string_equal(ip_text(&p->src, text), "2001:db8::1");
    assert_string_equal(ip_text(&p->dst, text), "2001:db8::2");
    assert_int_equal(p->ttl, 57);
}

/* --- transports --------------------------------------------------------------------------- */

static void test_udp_padding_is_not_payload(void **state)
{
    (void)state;
    struct made m = {.size = 0};
    struct packet p;
    put_ether(&m, 0x0800);
    put_ipv4(&m, 33, PROTO_UDP, 0);
    put_udp(&m, 5353, 53, 5);
    put(&m, "hello", 5);
    put_fill(&m, 60 - m.size, 0);
    assert_int_equal(decode(&m, ETHERNET, &p), DECODE_OK);
    assert_v4(&p);
    assert_int_equal(p.time.ns, 7);
    assert_int_equal(p.wire_bytes, 60);
    assert_int_equal(p.captured, 60);
    assert_int_equal(p.ip_bytes, 33);
    assert_int_equal(p.proto, PROTO_UDP);
    assert_int_equal(p.src_port, 5353);
    assert_int_equal(p.dst_port, 53);
    assert_int_equal(p.payload_bytes, 5);
    assert_int_equal(p.payload_captured, 5);
    assert_memory_equal(p.payload, "hello", 5);
    assert_int_equal(p.vlan, 0);
    assert_false(p.fragment || p.later_fragment || p.bad_transport);
}

static void test_tcp_with_options_in_ip_with_options(void **state)
{
    (void)state;
    struct made m = {.size = 0};
    struct packet p;
    put_ether(&m, 0x0800);
    put_ipv4(&m, 28 + 32 + 3, PROTO_TCP, 0x4000); /* don't fragment is no fragment */
    m.data[14] = 0x47;
    put_fill(&m, 8, 1);
    put_tcp(&m, 8, TCP_ACK | TCP_PSH);
    put(&m, "GET", 3);
    assert_int_equal(decode(&m, ETHERNET, &p), DECODE_OK);
    assert_v4(&p);
    assert_int_equal(p.src_port, 40000);
    assert_int_equal(p.dst_port, 443);
    assert_int_equal(p.seq, 0x01020304);
    assert_int_equal(p.ack, 0x0a0b0c0d);
    assert_int_equal(p.tcp_flags, TCP_ACK | TCP_PSH);
    assert_int_equal(p.window, 8192);
    assert_int_equal(p.payload_bytes, 3);
    assert_memory_equal(p.payload, "GET", 3);
    assert_false(p.fragment);
}

static void test_icmp_and_sctp(void **state)
{
    (void)state;
    struct made m = {.size = 0};
    struct packet p;
    put_ipv4(&m, 20 + 8 + 56, PROTO_ICMP, 0);
    put(&m, "\x08\x00\x00\x00\x12\x34\x00\x01", 8);
    put_fill(&m, 56, 'a');
    assert_int_equal(decode(&m, 101, &p), DECODE_OK);
    assert_int_equal(p.src_port, 8);
    assert_int_equal(p.dst_port, 0);
    assert_int_equal(p.icmp_id, 0x1234);
    assert_int_equal(p.payload_bytes, 56);

    m.size = 0;
    put_ipv6(&m, 8 + 4, PROTO_ICMP6);
    put(&m, "\x81\x03\x00\x00\xab\xcd\x00\x01ping", 12);
    assert_int_equal(decode(&m, 229, &p), DECODE_OK);
    assert_v6(&p);
    assert_int_equal(p.src_port, 129);
    assert_int_equal(p.dst_port, 3);
    assert_int_equal(p.icmp_id, 0xabcd);
    assert_int_equal(p.payload_bytes, 4);

    m.size = 0;
    put_ipv4(&m, 20 + 12 + 16, PROTO_SCTP, 0);
    put16(&m, 36412);
    put16(&m, 2905);
    put_fill(&m, 8 + 16, 0);
    assert_int_equal(decode(&m, 228, &p), DECODE_OK);
    assert_int_equal(p.src_port, 36412);
    assert_int_equal(p.dst_port, 2905);
    assert_int_equal(p.payload_bytes, 16);

    m.size = 0; /* another protocol: everything behind IP is payload */
    put_ipv4(&m, 20 + 9, 47, 0);
    put_fill(&m, 9, 0);
    assert_int_equal(decode(&m, 101, &p), DECODE_OK);
    assert_int_equal(p.proto, 47);
    assert_int_equal(p.src_port, 0);
    assert_int_equal(p.payload_bytes, 9);
}

/* Bytes of a packet whose transport header cannot be have left all the same. */
static void test_impossible_transport_keeps_its_bytes(void **state)
{
    (void)state;
    struct made m = {.size = 0};
    struct packet p;
    put_ipv4(&m, 20 + 20 + 100, PROTO_TCP, 0);
    put_tcp(&m, 4, TCP_ACK); /* a header of 16 bytes */
    put_fill(&m, 100, 'x');
    assert_int_equal(decode(&m, 101, &p), DECODE_OK);
    assert_true(p.bad_transport && p.later_fragment && !p.fragment);
    assert_int_equal(p.payload_bytes, 120);
    assert_int_equal(p.src_port, 0);
    assert_int_equal(p.tcp_flags, 0);

    m.data[20 + 12] = 0xf0; /* … of 60 bytes, in 120: fine */
    assert_int_equal(decode(&m, 101, &p), DECODE_OK);
    assert_false(p.bad_transport);
    assert_int_equal(p.payload_bytes, 60);

    m.size = 0;
    put_ipv4(&m, 20 + 4, PROTO_UDP, 0);
    put32(&m, 0x11112222);
    assert_int_equal(decode(&m, 101, &p), DECODE_OK);
    assert_true(p.bad_transport);
    assert_int_equal(p.payload_bytes, 4);
    assert_int_equal(p.src_port, 0);
}

/* --- links -------------------------------------------------------------------------------- */

static void put_small(struct made *m)
{
    put_ipv4(m, 28, PROTO_UDP, 0);
    put_udp(m, 1, 2, 0);
}

static void test_vlan_is_the_outermost(void **state)
{
    (void)state;
    static const unsigned types[] = {0x8100, 0x88a8, 0x9100};
    for (size_t i = 0; i < 3; i++) {
        struct made m = {.size = 0};
        struct packet p;
        put_ether(&m, types[i]);
        put16(&m, 0xe000 | 30); /* priority bits are not the id */
        put16(&m, 0x8100);
        put16(&m, 20);
        put16(&m, 0x8100);
        put16(&m, 10);
        put16(&m, 0x0800);
        put_small(&m);
        assert_int_equal(decode(&m, ETHERNET, &p), DECODE_OK);
        assert_int_equal(p.vlan, 30);
        assert_v4(&p);
    }
}

static void test_vlan_stack_is_bounded(void **state)
{
    (void)state;
    for (int tags = 0; tags <= 15; tags++) { /* Ethernet and IP are headers too */
        struct made m = {.size = 0};
        struct packet p;
        put_ether(&m, tags ? 0x8100 : 0x0800);
        for (int i = 0; i < tags; i++) {
            put16(&m, (unsigned)(100 + i));
            put16(&m, i + 1 < tags ? 0x8100 : 0x0800);
        }
        put_small(&m);
        assert_int_equal(decode(&m, ETHERNET, &p), tags <= 14 ? DECODE_OK : DECODE_MALFORMED);
        if (tags <= 14)
            assert_int_equal(p.vlan, tags ? 100 : 0);
    }
}

static void test_link_types(void **state)
{
    (void)state;
    struct packet p;
    static const int raw[] = {12, 14, 101, 228};
    for (size_t i = 0; i < 4; i++) {
        struct made m = {.size = 0};
        put_small(&m);
        assert_int_equal(decode(&m, raw[i], &p), DECODE_OK);
        assert_v4(&p);
    }
    struct made m = {.size = 0};
    put(&m, "\x00\x04\x00\x01\x00\x06\x02\x02\x02\x02\x02\x02\x00\x00\x08\x00", 16);
    put_small(&m);
    assert_int_equal(decode(&m, 113, &p), DECODE_OK);
    assert_v4(&p);
    assert_int_equal(p.ip_bytes, 28);

    m.size = 0; /* cooked v2, with a tag */
    put(&m, "\x81\x00\x00\x00\x00\x00\x00\x02\x00\x01\x00\x06\x02\x02\x02\x02\x02\x02\x00\x00", 20);
    put16(&m, 42);
    put16(&m, 0x0800);
    put_small(&m);
    assert_int_equal(decode(&m, 276, &p), DECODE_OK);
    assert_v4(&p);
    assert_int_equal(p.vlan, 42);
}

static void test_loopback_families(void **state)
{
    (void)state;
    static const uint8_t v6[] = {10, 24, 28, 30};
    struct packet p;
    for (int order = 0; order < 2; order++) {
        for (int link = 0; link <= 108; link += 108) {
            struct made m = {.size = 4};
            m.data[order ? 0 : 3] = 2;
            put_small(&m);
            assert_int_equal(decode(&m, link, &p), DECODE_OK);
            assert_v4(&p);
            for (size_t i = 0; i < 4; i++) {
                m.size = 4;
                m.data[order ? 0 : 3] = v6[i];
                put_ipv6(&m, 0, 59);
                assert_int_equal(decode(&m, link, &p), DECODE_OK);
                assert_v6(&p);
            }
            m.data[order ? 0 : 3] = 7;
            assert_int_equal(decode(&m, link, &p), DECODE_NOT_IP);
        }
    }
}

static void test_what_is_not_read(void **state)
{
    (void)state;
    struct made m = {.size = 0};
    struct packet p;
    put_ether(&m, 0x0806);
    put_fill(&m, 46, 0);
    assert_int_equal(decode(&m, ETHERNET, &p), DECODE_ARP);
    assert_ptr_equal(p.arp, m.data + 14);
    assert_int_equal(p.arp_captured, 46);
    assert_ptr_equal(p.arp_macs, m.data);
    m.data[12] = 0x88; /* LLDP */
    m.data[13] = 0xcc;
    assert_int_equal(decode(&m, ETHERNET, &p), DECODE_NOT_IP);
    m.data[12] = 0x88; /* MACsec may carry what we look for */
    m.data[13] = 0xe5;
    assert_int_equal(decode(&m, ETHERNET, &p), DECODE_UNKNOWN_LINK);
    assert_int_equal(decode(&m, 9999, &p), DECODE_UNKNOWN_LINK);
    m.data[12] = 0x81; /* a tag, but no room for it */
    m.data[13] = 0x00;
    m.size = 16;
    assert_int_equal(decode(&m, ETHERNET, &p), DECODE_MALFORMED);
    assert_int_equal(decode(&m, 108, &p), DECODE_NOT_IP);
    m.size = 3;
    assert_int_equal(decode(&m, 108, &p), DECODE_MALFORMED);
    m.size = 0;
    assert_int_equal(decode(&m, ETHERNET, &p), DECODE_MALFORMED);
    assert_int_equal(decode(&m, 101, &p), DECODE_MALFORMED);
    struct packet_raw cut = {m.data, 0, 60, 101, {0}};
    assert_int_equal(decode_packet(decoder, &cut, &p), DECODE_TRUNCATED);
}

static void test_version_must_agree(void **state)
{
    (void)state;
    struct made m = {.size = 0};
    struct packet p;
    put_small(&m);
    assert_int_equal(decode(&m, 229, &p), DECODE_MALFORMED);
    m.size = 0;
    put_ipv6(&m, 0, 59);
    assert_int_equal(decode(&m, 228, &p), DECODE_MALFORMED);
    assert_int_equal(decode(&m, 101, &p), DECODE_OK);
    m.data[0] = 0x50;
    assert_int_equal(decode(&m, 101, &p), DECODE_MALFORMED);
}

/* --- IP ----------------------------------------------------------------------------------- */

static void test_ipv4_lengths(void **state)
{
    (void)state;
    struct made m = {.size = 0};
    struct packet p;
    put_small(&m);
    m.data[0] = 0x44;
    assert_int_equal(decode(&m, 101, &p), DECODE_MALFORMED); /* header of 16 bytes */
    m.data[0] = 0x45;
    m.data[3] = 19;
    assert_int_equal(decode(&m, 101, &p), DECODE_MALFORMED); /* total below the header */
    m.data[3] = 29;
    assert_int_equal(decode(&m, 101, &p), DECODE_MALFORMED); /* more than was on the wire */
    m.data[3] = 0;
    assert_int_equal(decode(&m, 101, &p), DECODE_MALFORMED); /* nobody makes such UDP */
    m.data[2] = 0x05;
    m.data[3] = 0xdc;
    struct packet_raw cut = {m.data, m.size, 1500, 101, {0}};
    assert_int_equal(decode_packet(decoder, &cut, &p), DECODE_OK); /* cut by the snap length */
    assert_int_equal(p.ip_bytes, 1500);
    assert_int_equal(p.payload_bytes, 1472);
    assert_int_equal(p.payload_captured, 0);
}

static void test_wire_length_is_a_claim(void **state)
{
    (void)state;
    struct made m = {.size = 0};
    struct packet p;
    put_small(&m);
    struct packet_raw less = {m.data, m.size, 5, 101, {0}};
    assert_int_equal(decode_packet(decoder, &less, &p), DECODE_OK);
    assert_int_equal(p.wire_bytes, 28);
    struct packet_raw absurd = {m.data, m.size, UINT32_MAX, 101, {0}};
    assert_int_equal(decode_packet(decoder, &absurd, &p), DECODE_OK);
    assert_int_equal(p.wire_bytes, 28);
}

static void test_ipv4_fragments(void **state)
{
    (void)state;
    struct made m = {.size = 0};
    struct packet p;
    put_ipv4(&m, 20 + 24, PROTO_UDP, 0x2000); /* the first of several */
    put_udp(&m, 1000, 2000, 400);
    put_fill(&m, 16, 'f');
    decode_lone(&m, 101, &p);
    assert_true(p.fragment && !p.later_fragment);
    assert_int_equal(p.src_port, 1000);
    assert_int_equal(p.payload_bytes, 16);
    m.data[6] = 0x00;
    m.data[7] = 0x03; /* the last one, at 24 */
    decode_lone(&m, 101, &p);
    assert_true(p.fragment && p.later_fragment && !p.bad_transport);
    assert_int_equal(p.src_port, 0);
    assert_int_equal(p.payload_bytes, 24);

    m.size = 0; /* a first fragment that hides its ports */
    put_ipv4(&m, 20 + 8, PROTO_TCP, 0x2000);
    put_fill(&m, 8, 0);
    decode_lone(&m, 101, &p);
    assert_true(p.fragment && p.later_fragment);
    assert_int_equal(p.payload_bytes, 8);
}

static void test_ipv6_extension_chain(void **state)
{
    (void)state;
    struct made m = {.size = 0};
    struct packet p;
    put_ipv6(&m, 8 + 24 + 16 + 12 + 8 + 20 + 2, 0);
    put(&m, "\x2b\x00\x01\x04\0\0\0\0", 8); /* hop-by-hop, padded → routing */
    put8(&m, 60);                           /* routing, 24 bytes → destination */
    put8(&m, 2);
    put_fill(&m, 22, 0);
    put8(&m, 51); /* destination, 16 bytes → AH */
    put8(&m, 1);
    put_fill(&m, 14, 0);
    put8(&m, 135); /* AH, 12 bytes → mobility */
    put8(&m, 1);
    put_fill(&m, 10, 0);
    put8(&m, PROTO_TCP); /* mobility, 8 bytes */
    put_fill(&m, 7, 0);
    put_tcp(&m, 5, TCP_SYN);
    put(&m, "ok", 2);
    assert_int_equal(decode(&m, 229, &p), DECODE_OK);
    assert_v6(&p);
    assert_int_equal(p.proto, PROTO_TCP);
    assert_int_equal(p.dst_port, 443);
    assert_int_equal(p.payload_bytes, 2);
    assert_memory_equal(p.payload, "ok", 2);
    assert_int_equal(p.ip_bytes, 40 + 90);
}

static void test_ipv6_chain_is_bounded(void **state)
{
    (void)state;
    for (unsigned headers = 15; headers <= 17; headers++) {
        struct made m = {.size = 0};
        struct packet p;
        put_ipv6(&m, headers * 8 + 8, 60);
        for (unsigned i = 0; i < headers; i++) {
            put8(&m, i + 1 < headers ? 60 : PROTO_UDP);
            put_fill(&m, 7, 0);
        }
        put_udp(&m, 1, 2, 0);
        assert_int_equal(decode(&m, 229, &p), DECODE_OK);
        assert_int_equal(p.bad_transport, headers > 16);
        assert_int_equal(p.payload_bytes, headers > 16 ? m.size - 40 : 0);
    }
    struct made m = {.size = 0};
    struct packet p;
    put_ipv6(&m, 8, 60); /* a header longer than the packet */
    put8(&m, PROTO_UDP);
    put8(&m, 200);
    put_fill(&m, 6, 0);
    assert_int_equal(decode(&m, 229, &p), DECODE_OK); /* no router looks: it leaves */
    assert_true(p.bad_transport && p.later_fragment);
    assert_v6(&p);
    assert_int_equal(p.proto, 60);
    assert_int_equal(p.ip_bytes, 48);
    assert_int_equal(p.payload_bytes, 8);
    assert_int_equal(p.payload_captured, 8);
}

/* Bytes in options that are larger than any real ones leave too. */
static void test_ipv6_options_full_of_bytes(void **state)
{
    (void)state;
    struct made m = {.size = 0};
    struct packet p;
    put_ipv6(&m, 1200 + 8, 60);
    put8(&m, PROTO_UDP);
    put8(&m, 149); /* 1,200 bytes */
    put_fill(&m, 1198, 's');
    put_udp(&m, 1, 2, 0);
    assert_int_equal(decode(&m, 229, &p), DECODE_OK);
    assert_v6(&p);
    assert_int_equal(p.payload_bytes, 1208);
}

static void test_ipv6_fragments(void **state)
{
    (void)state;
    struct made m = {.size = 0};
    struct packet p;
    put_ipv6(&m, 8 + 8 + 8, 44);
    put(&m, "\x11\x00\x00\x01\x00\x00\x00\x07", 8); /* offset 0, more */
    put_udp(&m, 7, 8, 100);
    put_fill(&m, 8, 'f');
    decode_lone(&m, 229, &p);
    assert_true(p.fragment && !p.later_fragment);
    assert_int_equal(p.src_port, 7);
    m.data[43] = 0x10; /* at 16, the last */
    decode_lone(&m, 229, &p);
    assert_true(p.fragment && p.later_fragment);
    assert_int_equal(p.proto, PROTO_UDP);
    assert_int_equal(p.payload_bytes, 16);
    m.data[43] = 0x00; /* atomic: not a fragment of anything */
    assert_int_equal(decode(&m, 229, &p), DECODE_OK);
    assert_false(p.fragment || p.later_fragment);
    assert_int_equal(p.dst_port, 8);
}

/* BIG TCP: larger than the length field can say. */
static void test_giants(void **state)
{
    (void)state;
    enum { BYTES = 100000 };
    uint8_t *frame = calloc(1, BYTES);
    struct made m = {.size = 0};
    struct packet p;
    put_ipv6(&m, 0, 0);
    put(&m, "\x06\x00\xc2\x04", 4);
    put32(&m, BYTES - 40 - 6); /* six bytes are padding */
    put_tcp(&m, 5, TCP_ACK);
    memcpy(frame, m.data, m.size);
    struct packet_raw raw = {frame, BYTES, BYTES, 229, {0}};
    assert_int_equal(decode_packet(decoder, &raw, &p), DECODE_OK);
    assert_int_equal(p.ip_bytes, BYTES - 6);
    assert_int_equal(p.payload_bytes, BYTES - 6 - 40 - 8 - 20);
    assert_int_equal(p.payload_captured, p.payload_bytes);

    frame[45] = 0xff; /* the option claims more than there is */
    assert_int_equal(decode_packet(decoder, &raw, &p), DECODE_MALFORMED);

    m.size = 0; /* without the option, as Linux shows it since 6.x */
    put_ipv6(&m, 0, PROTO_TCP);
    put_tcp(&m, 5, TCP_ACK);
    memcpy(frame, m.data, m.size);
    assert_int_equal(decode_packet(decoder, &raw, &p), DECODE_OK);
    assert_int_equal(p.ip_bytes, BYTES);
    assert_int_equal(p.payload_bytes, BYTES - 60);
    raw.wire_bytes = raw.captured = 60000; /* large send, below what the field could say */
    assert_int_equal(decode_packet(decoder, &raw, &p), DECODE_OK);
    assert_int_equal(p.payload_bytes, 60000 - 60);
    frame[6] = PROTO_UDP;
    assert_int_equal(decode_packet(decoder, &raw, &p),
                     DECODE_OK); /* a zero is a zero: no room for UDP */
    assert_true(p.bad_transport);
    assert_int_equal(p.ip_bytes, 40);

    m.size = 0;
    put_ipv4(&m, 0, PROTO_TCP, 0);
    put_tcp(&m, 5, TCP_ACK);
    memcpy(frame, m.data, m.size);
    raw = (struct packet_raw){frame, BYTES, BYTES, 228, {0}};
    assert_int_equal(decode_packet(decoder, &raw, &p), DECODE_OK);
    assert_int_equal(p.ip_bytes, BYTES);
    free(frame);
}

/* --- every cut ---------------------------------------------------------------------------- */

static void assert_same_facts(const struct packet *cut, const struct packet *whole)
{
#define SAME(field) assert_int_equal(cut->field, whole->field)
    SAME(time.ns);
    SAME(wire_bytes);
    SAME(vlan);
    SAME(ip_version);
    SAME(proto);
    SAME(ttl);
    SAME(fragment);
    SAME(later_fragment);
    SAME(bad_transport);
    SAME(ip_bytes);
    SAME(src_port);
    SAME(dst_port);
    SAME(seq);
    SAME(ack);
    SAME(tcp_flags);
    SAME(window);
    SAME(payload_bytes);
#undef SAME
    assert_int_equal(ip_compare(&cut->src, &whole->src), 0);
    assert_int_equal(ip_compare(&cut->dst, &whole->dst), 0);
    assert_true(cut->payload_captured <= whole->payload_captured);
}

static void cut_everywhere(const struct made *m, int link, uint32_t headers)
{
    struct packet whole, p;
    assert_int_equal(decode(m, link, &whole), DECODE_OK);
    for (uint32_t cut = 0; cut <= m->size; cut++) {
        uint8_t *copy = malloc(cut ? cut : 1); /* exact, so that a sanitizer sees one byte more */
        memcpy(copy, m->data, cut);
        struct packet_raw raw = {copy, cut, m->size, link, {7}};
        enum decode_result result = decode_packet(decoder, &raw, &p);
        assert_int_equal(result, cut < headers ? DECODE_TRUNCATED : DECODE_OK);
        if (result == DECODE_OK)
            assert_same_facts(&p, &whole);
        free(copy);
    }
}

static void test_cut_at_every_length(void **state)
{
    (void)state;
    struct made m = {.size = 0};
    put_ether(&m, 0x88a8);
    put32(&m, 0x001e0800);
    put_ipv4(&m, 24 + 28 + 9, PROTO_TCP, 0);
    m.data[18] = 0x46;
    put_fill(&m, 4, 1);
    put_tcp(&m, 7, TCP_ACK);
    put_fill(&m, 9, 'x');
    put_fill(&m, 3, 0);
    cut_everywhere(&m, ETHERNET, 14 + 4 + 24 + 20);

    m.size = 0;
    put_ipv6(&m, 8 + 8 + 8 + 30, 0);
    put(&m, "\x2c\x00\x01\x04\0\0\0\0", 8);
    put(&m, "\x11\x00\x00\x00\0\0\0\x01", 8); /* atomic */
    put_udp(&m, 1, 2, 300);
    put_fill(&m, 30, 'y');
    cut_everywhere(&m, 101, 40 + 8 + 8 + 8);
}

static void test_results_are_named(void **state)
{
    (void)state;
    for (int i = 0; i < DECODE_RESULTS; i++)
        assert_non_null(decode_result_name[i]);
    assert_string_equal(decode_result_name[DECODE_TRUNCATED], "truncated");
}

/* --- a glance ------------------------------------------------------------------------------- */

/* Whatever of a frame is there, a glance stays within it, and what it says is what decoding says.
 */
static void glance_at(const struct made *m, bool is_plain)
{
    bool seen = false;
    for (uint32_t size = 0; size <= m->size; size++) {
        uint8_t *copy = malloc(size + 1); /* its end is seen by the sanitizer */
        struct packet_raw raw = {copy + 1, size, m->size, ETHERNET, {7}};
        struct packet p, whole;
        memcpy(copy + 1, m->data, size);
        bool glanced = decode_glance(&raw, &p);
        assert_true(!glanced || is_plain);
        if (glanced && decode_packet(decoder, &raw, &whole) == DECODE_OK) {
            assert_memory_equal(&p.src, &whole.src, sizeof p.src);
            assert_memory_equal(&p.dst, &whole.dst, sizeof p.dst);
            assert_true(p.src_port == whole.src_port && p.dst_port == whole.dst_port);
            assert_true(p.proto == whole.proto && p.vlan == whole.vlan);
            seen = true;
        }
        free(copy);
    }
    assert_int_equal(seen, is_plain);
}

static void test_a_glance(void **state)
{
    (void)state;
    struct made v4 = {.size = 0}, v6 = {.size = 0}, tagged = {.size = 0}, ping = {.size = 0};
    put_ether(&v4, 0x0800);
    put_ipv4(&v4, 33, PROTO_UDP, 0);
    put_udp(&v4, 5353, 53, 5);
    put(&v4, "hello", 5);
    glance_at(&v4, true);
    put_ether(&v6, 0x86dd);
    put_ipv6(&v6, 20, PROTO_TCP);
    put_tcp(&v6, 5, TCP_ACK);
    glance_at(&v6, true);
    put_ether(&tagged, 0x8100);
    put16(&tagged, 7);
    put16(&tagged, 0x0800);
    put_ipv4(&tagged, 40, PROTO_TCP, 0);
    put_tcp(&tagged, 5, TCP_ACK);
    glance_at(&tagged, true);
    put_ether(&ping, 0x0800);
    put_ipv4(&ping, 28, PROTO_ICMP, 0);
    put_fill(&ping, 8, 0);
    glance_at(&ping, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_udp_padding_is_not_payload),
        cmocka_unit_test(test_a_glance),
        cmocka_unit_test(test_tcp_with_options_in_ip_with_options),
        cmocka_unit_test(test_icmp_and_sctp),
        cmocka_unit_test(test_impossible_transport_keeps_its_bytes),
        cmocka_unit_test(test_vlan_is_the_outermost),
        cmocka_unit_test(test_vlan_stack_is_bounded),
        cmocka_unit_test(test_link_types),
        cmocka_unit_test(test_loopback_families),
        cmocka_unit_test(test_what_is_not_read),
        cmocka_unit_test(test_version_must_agree),
        cmocka_unit_test(test_ipv4_lengths),
        cmocka_unit_test(test_wire_length_is_a_claim),
        cmocka_unit_test(test_ipv4_fragments),
        cmocka_unit_test(test_ipv6_extension_chain),
        cmocka_unit_test(test_ipv6_chain_is_bounded),
        cmocka_unit_test(test_ipv6_options_full_of_bytes),
        cmocka_unit_test(test_ipv6_fragments),
        cmocka_unit_test(test_giants),
        cmocka_unit_test(test_cut_at_every_length),
        cmocka_unit_test(test_results_are_named),
    };
    const struct decoder_config config = decoder_config_default();
    decoder = decoder_new(&config);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    decoder_free(decoder);
    return failed;
}
