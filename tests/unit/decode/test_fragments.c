/* Datagrams put together: in any order, once each, with other bytes on the same place, cut, in
 * tunnels and of tunnels. Of every test all frames' bytes must have been told once (feed_fini). */
#include "fragment_feed.h"

#define SIZE 1000u
#define PART 400u /* three parts: 400, 400, 200 */

static uint8_t udp[SIZE], tcp[SIZE], other[SIZE];

static enum decode_result part(struct feed *f, unsigned id, const uint8_t *datagram, unsigned which)
{
    uint32_t size = which == 2 ? SIZE - 2 * PART : PART;
    return feed4(f, datagram == tcp ? PROTO_TCP : PROTO_UDP, id, datagram, which * PART, size,
                 which != 2);
}

static void assert_whole(const struct feed *f, const uint8_t *datagram, uint32_t header)
{
    const struct packet *p = &f->packet;
    assert_int_equal(f->result, DECODE_OK);
    assert_true(p->reassembly & REASSEMBLY_WHOLE);
    assert_false(p->fragment || p->later_fragment || p->bad_transport);
    assert_int_equal(p->payload_bytes, SIZE - header);
    assert_int_equal(p->payload_captured, SIZE - header);
    assert_memory_equal(f->payload, datagram + header, SIZE - header);
}

static void test_in_any_order(void **state)
{
    (void)state;
    static const unsigned orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                          {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (unsigned i = 0; i < 6; i++) {
        struct feed f;
        feed_init(&f);
        assert_int_equal(part(&f, 7, udp, orders[i][0]), DECODE_HELD);
        assert_int_equal(part(&f, 7, udp, orders[i][1]), DECODE_HELD);
        assert_int_equal(part(&f, 7, udp, orders[i][2]), DECODE_OK);
        assert_whole(&f, udp, 8);
        assert_int_equal(f.packet.frames, 3);
        assert_int_equal(f.packet.ip_bytes, SIZE + 3 * 20);
        assert_int_equal(f.packet.wire_bytes, SIZE + 3 * 20);
        assert_int_equal(f.packet.time.ns, NS_PER_S + 3 * MS);
        assert_int_equal(f.packet.spread_ns, 2 * MS);
        assert_int_equal(f.packet.src_port, 1000);
        assert_int_equal(f.packet.dst_port, 2000);
        assert_int_equal(f.packet.ip_id, 7);
        assert_int_equal(f.told, 1);
        feed_fini(&f);
        assert_int_equal(f.told, 1);
    }
}

static void test_held_says_whose(void **state)
{
    (void)state;
    struct feed f;
    char text[IP_TEXT_SIZE];
    feed_init(&f);
    assert_int_equal(part(&f, 7, udp, 1), DECODE_HELD);
    assert_string_equal(ip_text(&f.packet.src, text), "192.0.2.1");
    assert_string_equal(ip_text(&f.packet.dst, text), "198.51.100.7");
    assert_int_equal(f.packet.reassembly, REASSEMBLY_FRAGMENT);
    feed_fini(&f);
}

static void test_ids_protocols_and_vlans_are_apart(void **state)
{
    (void)state;
    struct feed f;
    feed_init(&f);
    for (unsigned which = 0; which < 3; which++) {
        for (unsigned id = 0; id < 5; id++) {
            bool last = which == 2;
            assert_int_equal(part(&f, id, udp, which), last ? DECODE_OK : DECODE_HELD);
            assert_int_equal(part(&f, id, tcp, which), last ? DECODE_OK : DECODE_HELD);
            if (last)
                assert_whole(&f, tcp, 20);
        }
    }
    assert_int_equal(f.told, 10);
    for (unsigned vlan = 1; vlan < 4; vlan++) { /* each VLAN lacks one part: none is whole */
        for (unsigned which = 0; which < 3; which++) {
            struct made m = {.size = 0};
            if (which + 1 == vlan)
                continue;
            put_ether(&m, 0x8100);
            put16(&m, vlan);
            put16(&m, 0x0800);
            put_part4(&m, PROTO_UDP, 99, other, which * PART, which == 2 ? SIZE - 2 * PART : PART,
                      which != 2);
            f.now_ns += 200 * MS; /* no copies */
            assert_int_equal(feed_frame(&f, &m, 1), DECODE_HELD);
        }
    }
    feed_fini(&f);
    assert_int_equal(f.given_up, 3);
}

static void test_vantages_are_apart(void **state)
{
    (void)state;
    struct feed f;
    feed_init(&f);
    for (unsigned which = 0; which < 3; which++) {
        for (uint8_t vantage = 0; vantage < 2; vantage++) {
            decoder_set_vantage(f.decoder, vantage);
            assert_int_equal(part(&f, 7, udp, which), which == 2 ? DECODE_OK : DECODE_HELD);
            assert_int_equal(f.packet.vantage, vantage);
        }
    }
    assert_int_equal(f.told, 2);
    feed_fini(&f);
}

/* --- repetitions, overlaps, conflicts -------------------------------------------------------- */

static void test_copy_is_not_counted_again(void **state)
{
    (void)state;
    struct feed f;
    feed_init(&f);
    for (unsigned which = 0; which < 3; which++) {
        assert_int_equal(part(&f, 7, udp, which), which == 2 ? DECODE_OK : DECODE_HELD);
        assert_int_equal(part(&f, 7, udp, which), DECODE_COPY);
        struct made m = {.size = 0}; /* … in another VLAN, with another TTL */
        put_ether(&m, 0x8100);
        put16(&m, 20);
        put16(&m, 0x0800);
        put_part4(&m, PROTO_UDP, 7, udp, which * PART, which == 2 ? SIZE - 2 * PART : PART,
                  which != 2);
        m.data[18 + 8] = 60;
        assert_int_equal(feed_frame(&f, &m, 1), DECODE_COPY);
    }
    assert_int_equal(f.told, 1);
    assert_int_equal(f.kept[0].frames, 3);
    feed_fini(&f);
    assert_int_equal(f.told, 1);
}

/* A mirror shows a fragment a few times; a flood of one is counted. What was cut may differ. */
static void test_flood_of_one_fragment(void **state)
{
    (void)state;
    struct made m = {.size = 0};
    put_part4(&m, PROTO_UDP, 7, udp, 400, 400, true);
    for (unsigned cut = 0; cut < 2; cut++) {
        struct feed f;
        feed_init(&f);
        for (unsigned i = 0; i < 1000; i++) {
            f.now_ns += MS;
            feed_cut(&f, &m, cut ? 200 : m.size, RAW_IP);
        }
        assert_int_equal(f.copies_wire, (cut ? 1 : 8) * m.size);
        feed_fini(&f);
    }
}

/* What comes later is a frame that was on the wire, but none of its bytes is new. */
static void test_late_repetition_adds_no_payload(void **state)
{
    (void)state;
    struct feed f;
    feed_init(&f);
    part(&f, 7, udp, 0);
    part(&f, 7, udp, 1);
    f.now_ns += NS_PER_S;
    assert_int_equal(part(&f, 7, udp, 0), DECODE_HELD);
    assert_int_equal(part(&f, 7, udp, 2), DECODE_OK);
    assert_whole(&f, udp, 8);
    assert_int_equal(f.packet.frames, 4);
    assert_false(f.packet.reassembly & REASSEMBLY_CONFLICT);
    feed_fini(&f);
}

static void test_overlap_of_the_same_bytes(void **state)
{
    (void)state;
    struct feed f;
    feed_init(&f);
    feed4(&f, PROTO_UDP, 7, udp, 0, 400, true);
    feed4(&f, PROTO_UDP, 7, udp, 200, 400, true);
    feed4(&f, PROTO_UDP, 7, udp, 8, 16, true);
    assert_int_equal(feed4(&f, PROTO_UDP, 7, udp, 504, SIZE - 504, false), DECODE_OK);
    assert_whole(&f, udp, 8);
    assert_int_equal(f.packet.frames, 4);
    assert_false(f.packet.reassembly & REASSEMBLY_CONFLICT);
    feed_fini(&f);
}

static void test_overlap_of_other_bytes_first_wins(void **state)
{
    (void)state;
    struct feed f;
    feed_init(&f);
    feed4(&f, PROTO_UDP, 7, udp, 0, 400, true);
    feed4(&f, PROTO_UDP, 7, other, 200, 200, true); /* wholly on what is there */
    assert_int_equal(feed4(&f, PROTO_UDP, 7, udp, 400, SIZE - 400, false), DECODE_OK);
    assert_whole(&f, udp, 8);
    assert_true(f.packet.reassembly & REASSEMBLY_CONFLICT);
    assert_false(f.packet.reassembly & REASSEMBLY_CLOSED);
    feed_fini(&f);
}

/* Whoever sends other bytes over and over in one place has at least half of them counted. */
static void test_overlaps_without_end(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        struct feed f;
        uint8_t bytes[SIZE];
        feed_init(&f);
        memcpy(bytes, udp, SIZE);
        (v6 ? feed6 : feed4)(&f, PROTO_UDP, 7, bytes, 0, 808, true);
        for (unsigned i = 0; i < 100; i++) {
            memset(bytes, (int)i, SIZE);
            (v6 ? feed6 : feed4)(&f, PROTO_UDP, 7, bytes, 8 + i % 2 * 8, 784, true);
            assert_int_equal(f.result, DECODE_HELD);
        }
        feed_due(&f, INT64_MAX);
        assert_in_range(f.told_payload, 100 * 784 / 2, 100 * 784 + 808);
        assert_true(f.kept[0].reassembly & REASSEMBLY_CONFLICT);
        assert_int_equal((f.kept[0].reassembly & REASSEMBLY_CLOSED) != 0, v6);
        feed_fini(&f);
    }
}

/* Sixteen bits of identification are soon used up: the fragment that begins where one began, with
 * other bytes, is of the next datagram, and the bytes of both count. */
static void test_identification_taken_again(void **state)
{
    (void)state;
    struct feed f;
    feed_init(&f);
    part(&f, 7, udp, 0);
    part(&f, 7, udp, 1); /* its last part was lost */
    assert_int_equal(part(&f, 7, other, 0), DECODE_HELD);
    part(&f, 7, other, 1);
    assert_int_equal(f.told, 1);
    assert_int_equal(f.kept[0].reassembly, REASSEMBLY_GIVEN_UP | REASSEMBLY_CONFLICT);
    assert_int_equal(f.kept[0].payload_bytes, 2 * PART - 8);
    assert_int_equal(f.kept[0].src_port, 1000);
    assert_int_equal(f.due_ns, NS_PER_S + 3 * MS);
    assert_int_equal(part(&f, 7, other, 2), DECODE_OK);
    assert_whole(&f, other, 8);
    assert_false(f.packet.reassembly & REASSEMBLY_CONFLICT);
    feed_fini(&f);
}

static void test_v6_overlap_closes_the_content(void **state)
{
    (void)state;
    struct feed f;
    feed_init(&f);
    feed6(&f, PROTO_UDP, 0x12345678, udp, 0, 400, true);
    f.now_ns += NS_PER_S;
    feed6(&f, PROTO_UDP, 0x12345678, udp, 0, 400, true); /* repeated exactly: harmless */
    assert_int_equal(feed6(&f, PROTO_UDP, 0x12345678, udp, 400, SIZE - 400, false), DECODE_OK);
    assert_whole(&f, udp, 8);
    assert_int_equal(f.packet.ip_id, 0x12345678);
    assert_int_equal(f.packet.frames, 3);
    assert_false(f.packet.reassembly & REASSEMBLY_CONFLICT);

    feed6(&f, PROTO_UDP, 2, udp, 0, 400, true);
    feed6(&f, PROTO_UDP, 2, udp, 392, 104, true); /* the same bytes, but an overlap */
    assert_int_equal(feed6(&f, PROTO_UDP, 2, udp, 496, SIZE - 496, false), DECODE_OK);
    assert_true(f.packet.reassembly & REASSEMBLY_CONFLICT);
    assert_int_equal(f.packet.src_port, 1000);
    assert_int_equal(f.packet.payload_bytes, SIZE - 8);
    assert_int_equal(f.packet.payload_captured, 0);

    feed6(&f, PROTO_UDP, 3, udp, 0, 400, true);
    feed6(&f, PROTO_UDP, 3, other, 0, 400, true); /* the same place, other bytes */
    assert_int_equal(feed6(&f, PROTO_UDP, 3, udp, 400, SIZE - 400, false), DECODE_OK);
    assert_true(f.packet.reassembly & REASSEMBLY_CONFLICT);
    assert_int_equal(f.packet.payload_captured, 0);
    feed_fini(&f);
}

static void test_end_that_cannot_be(void **state)
{
    (void)state;
    struct feed f;
    feed_init(&f);
    part(&f, 7, udp, 0);
    part(&f, 7, udp, 2);                                                        /* ends at 1000 */
    assert_int_equal(feed4(&f, PROTO_UDP, 7, udp, 800, 100, false), DECODE_OK); /* at 900 */
    assert_true(f.packet.reassembly & REASSEMBLY_CONFLICT);
    assert_true(f.packet.later_fragment);
    assert_int_equal(f.packet.payload_bytes, 100);
    assert_int_equal(feed4(&f, PROTO_UDP, 7, udp, 800, 200, true), DECODE_OK); /* and no end */
    assert_true(f.packet.later_fragment);
    assert_int_equal(part(&f, 7, udp, 1), DECODE_OK); /* the datagram has not suffered */
    assert_whole(&f, udp, 8);
    assert_int_equal(f.packet.frames, 3);

    part(&f, 8, udp, 1); /* up to 800 */
    assert_int_equal(feed4(&f, PROTO_UDP, 8, udp, 400, 400, false), DECODE_OK);
    assert_true(f.packet.reassembly & REASSEMBLY_CONFLICT);
    feed_fini(&f);
    assert_int_equal(f.given_up, 1);
}

static void test_what_no_host_sends(void **state)
{
    (void)state;
    static const struct {
        uint32_t offset, size;
        bool more;
    } cases[] = {{400, 0, true}, {400, 0, false},    {400, 12, true}, {0, 12, true},
                 {0, 0, true},   {65528, 16, false}, {65528, 8, true}};
    static uint8_t bytes[LARGE + 64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct feed f;
        feed_init(&f);
        assert_int_equal(
            feed4(&f, PROTO_UDP, 7, bytes, cases[i].offset, cases[i].size, cases[i].more),
            DECODE_OK);
        assert_true(f.packet.bad_transport && f.packet.later_fragment && f.packet.fragment);
        assert_int_equal(f.packet.payload_bytes, cases[i].size);
        assert_int_equal(f.packet.src_port, 0);
        assert_int_equal(
            feed6(&f, PROTO_UDP, 7, bytes, cases[i].offset, cases[i].size, cases[i].more),
            DECODE_OK);
        assert_true(f.packet.bad_transport && f.packet.later_fragment);
        feed_fini(&f);
        assert_int_equal(f.given_up, 0);
    }
}

/* --- what the headers hide ------------------------------------------------------------------- */

static void test_tcp_header_in_pieces(void **state)
{
    (void)state;
    uint8_t syn[24] = {0};
    struct made head = {.size = 0};
    struct feed f;
    put_tcp(&head, 6, TCP_SYN);
    memcpy(syn, head.data, sizeof syn);
    feed_init(&f);
    assert_int_equal(feed4(&f, PROTO_TCP, 7, syn, 16, 8, false), DECODE_HELD);
    assert_int_equal(feed4(&f, PROTO_TCP, 7, syn, 0, 8, true), DECODE_HELD);
    assert_int_equal(feed4(&f, PROTO_TCP, 7, syn, 8, 8, true), DECODE_OK);
    assert_int_equal(f.packet.dst_port, 443);
    assert_int_equal(f.packet.tcp_flags, TCP_SYN);
    assert_int_equal(f.packet.payload_bytes, 0);
    assert_int_equal(f.packet.frames, 3);
    feed_fini(&f);
}

static void test_tiny_pieces(void **state)
{
    (void)state;
    static uint8_t large[LARGE];
    struct feed f;
    feed_init(&f);
    datagram_make(large, LARGE, PROTO_UDP, 0);
    for (uint32_t i = 0; i < 8192; i++) { /* odd places first: nowhere two in a row */
        uint32_t at = (i < 4096 ? 2 * i + 1 : 2 * (i - 4096)) * 8;
        uint32_t size = LARGE - at < 8 ? LARGE - at : 8;
        feed4(&f, PROTO_UDP, 7, large, at, size, at + size < LARGE);
        f.now_ns -= MS;
    }
    assert_int_equal(f.result, DECODE_OK);
    assert_int_equal(f.packet.frames, 8192);
    assert_int_equal(f.packet.payload_bytes, LARGE - 8);
    assert_memory_equal(f.payload, large + 8, LARGE - 8);
    feed_fini(&f);
}

static void put_v6_part(struct made *m, const uint8_t *fragmentable, uint32_t offset, uint32_t size,
                        bool more)
{
    put_ipv6(m, 8 + 8 + size, 0);
    put(m, "\x2c\x00\x01\x04\0\0\0\0", 8); /* hop-by-hop → fragment → destination options */
    put8(m, 60);
    put8(m, 0);
    put16(m, offset | more);
    put32(m, 5);
    put(m, fragmentable + offset, size);
}

static void test_v6_with_extension_headers(void **state)
{
    (void)state;
    uint8_t fragmentable[16 + SIZE] = {PROTO_UDP, 1}; /* sixteen bytes of options, then UDP */
    struct feed f;
    memcpy(fragmentable + 16, udp, SIZE);
    feed_init(&f);
    static const uint32_t cuts[] = {0, 8, 24, 400, sizeof fragmentable};
    for (int i = 3; i >= 0; i--) {
        struct made m = {.size = 0};
        put_v6_part(&m, fragmentable, cuts[i], cuts[i + 1] - cuts[i], i != 3);
        assert_int_equal(feed_frame(&f, &m, RAW_IP), i ? DECODE_HELD : DECODE_OK);
    }
    assert_whole(&f, udp, 8);
    assert_int_equal(f.packet.ip_version, 6);
    assert_int_equal(f.packet.proto, PROTO_UDP);
    assert_int_equal(f.packet.ip_bytes, 4 * (40 + 8 + 8) + sizeof fragmentable);
    feed_fini(&f);
}

/* The chain behind the fragment header cannot be: the frames are told all the same. */
static void test_whole_but_impossible_inside(void **state)
{
    (void)state;
    uint8_t fragmentable[SIZE] = {PROTO_UDP, 200}; /* options of 1,608 bytes */
    struct feed f;
    feed_init(&f);
    feed6(&f, 60, 5, fragmentable, 0, 400, true);
    assert_int_equal(feed6(&f, 60, 5, fragmentable, 400, SIZE - 400, false), DECODE_OK);
    assert_true(f.packet.later_fragment && f.packet.bad_transport);
    assert_int_equal(f.packet.frames, 2);
    assert_true(f.packet.payload_bytes >= SIZE - 8);
    feed_fini(&f);
}

/* --- the snap length ------------------------------------------------------------------------- */

static void test_cut_fragments(void **state)
{
    (void)state;
    for (uint32_t cut = 20; cut <= 20 + PART; cut++) {
        struct feed f;
        feed_init(&f);
        for (unsigned which = 0; which < 3; which++) {
            struct made m = {.size = 0};
            put_part4(&m, PROTO_UDP, 7, udp, which * PART, which == 2 ? SIZE - 2 * PART : PART,
                      which != 2);
            feed_cut(&f, &m, m.size < cut ? m.size : cut, RAW_IP);
        }
        assert_int_equal(f.result, DECODE_OK);
        assert_int_equal(f.told, 1);
        if (cut < 28) { /* the ports were not captured */
            assert_true(f.packet.later_fragment);
            assert_false(f.packet.bad_transport);
            assert_int_equal(f.packet.payload_bytes, SIZE - 8);
        } else {
            uint32_t there = cut - 20 < PART ? cut - 20 : SIZE;
            assert_int_equal(f.packet.src_port, 1000);
            assert_int_equal(f.packet.payload_bytes, SIZE - 8);
            assert_int_equal(f.packet.payload_captured, there - 8);
            assert_memory_equal(f.payload, udp + 8, there - 8);
        }
        feed_fini(&f);
    }
}

/* --- tunnels --------------------------------------------------------------------------------- */

/* Ethernet in VXLAN in UDP, to be fragmented. */
static void put_vxlan(struct made *m, const struct made *inside)
{
    put_udp(m, 50000, 4789, 8 + inside->size);
    put(m, "\x08\0\0\0\0\0\x2a\0", 8);
    put(m, inside->data, inside->size);
}

static void test_fragments_of_a_tunnel(void **state)
{
    (void)state;
    struct made inside = {.size = 0}, around = {.size = 0};
    struct feed f;
    put_ether(&inside, 0x0800);
    put_ipv4(&inside, 20 + SIZE, PROTO_UDP, 0);
    put(&inside, udp, SIZE);
    put_vxlan(&around, &inside);
    feed_init(&f);
    assert_int_equal(feed4(&f, PROTO_UDP, 7, around.data, 512, around.size - 512, false),
                     DECODE_HELD);
    assert_int_equal(feed4(&f, PROTO_UDP, 7, around.data, 0, 512, true), DECODE_OK);
    assert_int_equal(f.packet.src_port, 1000);
    assert_int_equal(f.packet.frames, 2);
    assert_int_equal(f.packet.wire_bytes, around.size + 40);
    assert_int_equal(f.packet.ip_bytes, SIZE + 20);
    assert_int_equal(f.packet.tunnel.count, 1);
    assert_int_equal(f.packet.tunnel.layer[0], LAYER_VXLAN);
    assert_int_equal(f.packet.tunnel.id[0], 42);
    assert_int_equal(f.packet.tunnel.orig_port, 50000);
    assert_true(f.packet.tenant != 0);
    assert_non_null(f.packet.macs);
    assert_int_equal(f.packet.payload_bytes, SIZE - 8);
    assert_memory_equal(f.payload, udp + 8, SIZE - 8);

    feed4(&f, PROTO_UDP, 8, around.data, 0, 512, true); /* the rest was lost: the outer's bytes */
    feed_due(&f, INT64_MAX);
    assert_int_equal(f.packet.dst_port, 4789);
    assert_int_equal(f.packet.tunnel_unread, DECODE_TRUNCATED);
    assert_int_equal(f.packet.payload_bytes, 512 - 8);
    feed_fini(&f);
}

/* Fragments, each in a tunnel's packet that came in fragments. */
static void test_fragments_of_fragments(void **state)
{
    (void)state;
    struct feed f;
    feed_init(&f);
    for (unsigned which = 0; which < 3; which++) {
        struct made inside = {.size = 0}, around = {.size = 0};
        put_ether(&inside, 0x0800);
        put_part4(&inside, PROTO_UDP, 77, udp, which * PART, which == 2 ? SIZE - 2 * PART : PART,
                  which != 2);
        put_vxlan(&around, &inside);
        assert_int_equal(feed4(&f, PROTO_UDP, which, around.data, 0, 200, true), DECODE_HELD);
        feed4(&f, PROTO_UDP, which, around.data, 200, around.size - 200, false);
        assert_int_equal(f.result, which == 2 ? DECODE_OK : DECODE_HELD);
        assert_true(f.packet.reassembly & REASSEMBLY_WHOLE); /* the outer one */
        assert_int_equal(f.packet.tunnel.count, 1);
    }
    assert_whole(&f, udp, 8);
    assert_int_equal(f.packet.frames, 6);
    assert_int_equal(f.packet.ip_bytes, SIZE + 3 * 20);
    assert_int_equal(f.packet.ip_id, 77);
    assert_int_equal(f.packet.tunnel.layer[0], LAYER_VXLAN);
    assert_int_equal(f.packet.tunnel.orig_port, 50000);
    assert_int_equal(f.packet.macs[0], 2);
    assert_int_equal(f.packet.spread_ns, 5 * MS);
    feed_fini(&f);
    assert_int_equal(f.told, 1);
}

static int make_datagrams(void **state)
{
    (void)state;
    datagram_make(udp, SIZE, PROTO_UDP, 0);
    datagram_make(tcp, SIZE, PROTO_TCP, 0);
    datagram_make(other, SIZE, PROTO_UDP, 99);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_any_order),
        cmocka_unit_test(test_held_says_whose),
        cmocka_unit_test(test_ids_protocols_and_vlans_are_apart),
        cmocka_unit_test(test_vantages_are_apart),
        cmocka_unit_test(test_copy_is_not_counted_again),
        cmocka_unit_test(test_flood_of_one_fragment),
        cmocka_unit_test(test_late_repetition_adds_no_payload),
        cmocka_unit_test(test_overlap_of_the_same_bytes),
        cmocka_unit_test(test_overlap_of_other_bytes_first_wins),
        cmocka_unit_test(test_overlaps_without_end),
        cmocka_unit_test(test_identification_taken_again),
        cmocka_unit_test(test_v6_overlap_closes_the_content),
        cmocka_unit_test(test_end_that_cannot_be),
        cmocka_unit_test(test_what_no_host_sends),
        cmocka_unit_test(test_tcp_header_in_pieces),
        cmocka_unit_test(test_tiny_pieces),
        cmocka_unit_test(test_v6_with_extension_headers),
        cmocka_unit_test(test_whole_but_impossible_inside),
        cmocka_unit_test(test_cut_fragments),
        cmocka_unit_test(test_fragments_of_a_tunnel),
        cmocka_unit_test(test_fragments_of_fragments),
    };
    return cmocka_run_group_tests(tests, make_datagrams, NULL);
}
