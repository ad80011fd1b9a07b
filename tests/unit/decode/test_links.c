/* Link types, tags and labels that carry an IP packet without another around it: cut, nothing
 * stands, so the frame is truncated. And what the whole nest of them is bounded by. */
#include "inner.h"

#define ETHERNET 1

static void read_frame(const struct made *frame, int link, struct packet *p)
{
    cut_everywhere(frame, link, frame->size - 5); /* the transport header is the last */
    assert_int_equal(decode(frame, link, p), DECODE_OK);
    assert_int_equal(p->wire_bytes, frame->size);
    assert_inner(p);
}

static struct made made_bytes(const char *bytes, uint32_t size, const struct made *inside)
{
    struct made m = {.size = 0};
    put(&m, bytes, size);
    put_made(&m, inside);
    return m;
}

static enum decode_result result_of(const struct made *frame, int link)
{
    struct packet p;
    return decode(frame, link, &p);
}

static void test_ppp(void **state)
{
    (void)state;
    static const struct {
        int link;
        uint32_t size;
        const char *bytes;
    } heads[] = {
        {9, 4, "\xff\x03\x00\x21"},
        {9, 2, "\x00\x21"},
        {9, 1, "\x21"},
        {9, 3, "\xff\x03\x21"},
        {50, 4, "\xff\x03\x00\x21"},
        {50, 4, "\x0f\x00\x08\x00"},
        {104, 4, "\x8f\x00\x08\x00"},
        {166, 4, "\x01\x03\x00\x21"},
        {204, 5, "\x00\xff\x03\x00\x21"},
    };
    struct packet p;
    struct made inner = made_inner(), inner6 = made_inner6();
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct made frame = made_bytes(heads[i].bytes, heads[i].size, &inner);
        read_frame(&frame, heads[i].link, &p);
        assert_int_equal(p.tunnel.count, 0);
    }
    struct made frame = made_bytes("\x57", 1, &inner6);
    read_frame(&frame, 9, &p);
    assert_int_equal(p.ip_version, 6);
    frame.data[0] = 0xfd;
    assert_int_equal(result_of(&frame, 9), DECODE_UNKNOWN_LINK); /* compressed */
    frame = made_bytes("\xff\x03\xc0\x21\x01\x01\x00\x04", 8, &inner);
    assert_int_equal(result_of(&frame, 9), DECODE_NOT_IP); /* LCP */
}

static void test_pppoe(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner();
    struct made session = made_bytes("\x11\x00\x12\x34\x00\x23\x00\x21", 8, &inner);
    struct made frame = made_ether(0x8864, &session);
    read_frame(&frame, ETHERNET, &p);
    read_frame(&session, 51, &p);
    assert_layer(&p, 0, LAYER_PPPOE, 0x1234);
    assert_int_equal(p.tenant, 0);
    assert_true(is_text(&p.tunnel.orig_ip, "::"));
    session.data[1] = 0x09;
    assert_int_equal(result_of(&session, 51), DECODE_NOT_IP); /* discovery */
    session.data[1] = 0;
    session.data[5]++;
    assert_int_equal(result_of(&session, 51), DECODE_MALFORMED);
}

static void test_mpls(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner(), inner6 = made_inner6();
    struct made ether = made_ether(0x0800, &inner);
    struct made frame = made_bytes("\0\x01\x20\x40\0\x06\x41\x40", 8, &inner);
    read_frame(&frame, 219, &p);
    assert_int_equal(p.tunnel.count, 1);
    assert_layer(&p, 0, LAYER_MPLS, 100);
    assert_int_equal(p.tenant, 0); /* a label names a way */
    frame = made_bytes("\0\x06\x41\x40", 4, &inner6);
    frame = made_ether(0x8847, &frame);
    read_frame(&frame, ETHERNET, &p);
    frame = made_bytes("\0\0\x01\x40", 4, &inner); /* explicit null */
    frame = made_ether(0x8848, &frame);
    read_frame(&frame, ETHERNET, &p);
    assert_layer(&p, 0, LAYER_MPLS, 0);

    frame = made_bytes("\0\x06\x41\x40\0\0\0\x07", 8, &ether); /* control word */
    read_frame(&frame, 219, &p);
    frame = made_bytes("\0\x06\x41\x40", 4, &ether); /* none: 02:02:… follows */
    read_frame(&frame, 219, &p);
    frame.data[4] = 0x44; /* a MAC address like an IPv4 header whose length does not fit */
    assert_int_equal(decode(&frame, 219, &p), DECODE_OK);
    assert_inner(&p);
    memcpy(frame.data + 4, "\x45\x02\x00\x30\x02\x02", 6); /* one whose length does, not its sum */
    assert_int_equal(decode(&frame, 219, &p), DECODE_OK);
    assert_inner(&p);
    memcpy(frame.data + 4, "\x66\x02\x00\x30\x00\x01", 6); /* IPv6, of another length */
    put_fill(&frame, 40, 0);
    assert_int_equal(decode(&frame, 219, &p), DECODE_OK);
    assert_inner(&p);
    frame.data[10] = 0x01; /* a group's source: no Ethernet */
    assert_int_equal(result_of(&frame, 219), DECODE_UNKNOWN_LINK);
    frame.data[4] = 0x10; /* associated channel */
    assert_int_equal(result_of(&frame, 219), DECODE_NOT_IP);
    frame.size = 0;
    put_fill(&frame, 80, 0); /* no bottom */
    assert_int_equal(result_of(&frame, 219), DECODE_MALFORMED);
}

/* An inner tag is a layer and a tenant's; a priority tag is neither. */
static void test_tags(void **state)
{
    (void)state;
    struct packet p, other;
    struct made inner = made_inner();
    struct made frame = made_bytes("\0\x1e\x81\0\0\x14\x08\0", 8, &inner);
    frame = made_ether(0x88a8, &frame);
    read_frame(&frame, ETHERNET, &p);
    assert_int_equal(p.vlan, 30);
    assert_int_equal(p.tunnel.count, 1);
    assert_layer(&p, 0, LAYER_VLAN, 20);
    assert_true(p.tenant != 0);
    frame.data[19] = 21;
    assert_int_equal(decode(&frame, ETHERNET, &other), DECODE_OK);
    assert_true(p.tenant != other.tenant);
    frame.data[15] = 0; /* priority, then 21 */
    assert_int_equal(decode(&frame, ETHERNET, &p), DECODE_OK);
    assert_int_equal(p.vlan, 21);
    assert_int_equal(p.tunnel.count, 0);
    assert_int_equal(p.tenant, 0);
}

static void test_bridges_tags(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner();
    struct made vlan = made_bytes("\0\x07\x08\0", 4, &inner);
    struct made frame = made_bytes("\0\0\0\x01\0\0\x81\0", 8, &vlan);
    frame = made_ether(0x893f, &frame);
    read_frame(&frame, ETHERNET, &p);
    assert_int_equal(p.vlan, 7);
    assert_int_equal(p.tunnel.count, 0);
    frame = made_bytes("\0\0\0\x01\x81\0", 6, &vlan);
    frame = made_ether(0x8926, &frame);
    read_frame(&frame, ETHERNET, &p);
    assert_int_equal(p.vlan, 7);

    struct made customer = made_ether(0x8100, &vlan);
    frame = made_bytes("\0\x05\x88\xe7\0\0\x10\x01", 8, &customer);
    frame = made_ether(0x88a8, &frame);
    read_frame(&frame, ETHERNET, &p);
    assert_int_equal(p.vlan, 5);
    assert_layer(&p, 0, LAYER_PBB, 0x1001);
    assert_layer(&p, 1, LAYER_VLAN, 7);
    assert_true(p.tenant != 0);
}

static void test_nsh(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner();
    struct made ether = made_ether(0x0800, &inner);
    struct made frame = made_bytes("\x0f\xc6\x01\x03\0\0\x01\x02", 8, &(struct made){.size = 16});
    put_made(&frame, &ether);
    frame = made_ether(0x894f, &frame);
    read_frame(&frame, ETHERNET, &p);
    assert_layer(&p, 0, LAYER_NSH, 0x102);
    assert_int_equal(p.tenant, 0);
    frame = made_bytes("\x0f\xc2\x02\x01\0\0\x01\x02", 8, &inner); /* type 2, no metadata */
    frame = made_ether(0x894f, &frame);
    read_frame(&frame, ETHERNET, &p);
    frame.data[15] = 0xc1; /* shorter than it is */
    assert_int_equal(result_of(&frame, ETHERNET), DECODE_MALFORMED);
    frame.data[15] = 0xc2;
    frame.data[14] = 0x20;
    assert_int_equal(result_of(&frame, ETHERNET), DECODE_NOT_IP);
}

static void test_snap(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner();
    struct made frame = made_bytes("\xaa\xaa\x03\0\0\0\x08\0", 8, &inner);
    frame = made_ether(frame.size, &frame);
    read_frame(&frame, ETHERNET, &p);
    frame.data[14] = 0x42; /* spanning tree */
    assert_int_equal(result_of(&frame, ETHERNET), DECODE_NOT_IP);
    frame.data[13] = 3;
    assert_int_equal(result_of(&frame, ETHERNET), DECODE_NOT_IP);
}

static void test_nflog(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner();
    struct made frame = made_bytes("\x02\0\0\x05\x06\0\x0a\0p:\0\0\x25\0\x09\0", 16, &inner);
    read_frame(&frame, 239, &p);
    frame = made_bytes("\x02\0\0\x05\0\x06\0\x0ap:\0\0\0\x25\0\x09", 16, &inner);
    read_frame(&frame, 239, &p); /* written by a host of the other byte order */
    frame.data[13]++;
    assert_int_equal(result_of(&frame, 239), DECODE_MALFORMED);
    frame.data[5] = 3; /* an attribute shorter than its header */
    assert_int_equal(result_of(&frame, 239), DECODE_MALFORMED);
    frame.size = 12;
    frame.data[5] = 6;
    assert_int_equal(result_of(&frame, 239), DECODE_NOT_IP); /* without its packet */
}

static void test_openbsd(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner(), inner6 = made_inner6(), log = {.size = 0};
    put(&log, "\x3d\x18", 2);
    put_fill(&log, 62, 0);
    put_made(&log, &inner6);
    read_frame(&log, 117, &p);
    struct made enc = made_bytes("\x02\0\0\0\0\0\x01\x02\0\0\0\0", 12, &inner);
    read_frame(&enc, 109, &p);
    enc.data[0] = 99;
    assert_int_equal(result_of(&enc, 109), DECODE_NOT_IP);
}

/* --- nesting ------------------------------------------------------------------------------ */

static void put_before(struct made *m, const struct made *head)
{
    struct made whole = *head;
    put_made(&whole, m);
    *m = whole;
}

/* Each IP in IP is one header more; beyond the bound the innermost that was read stands. */
static void test_nesting_is_bounded(void **state)
{
    (void)state;
    for (unsigned outer = 1; outer <= 20; outer++) {
        struct packet p;
        struct made frame = made_inner();
        for (unsigned i = 0; i < outer; i++) {
            struct made head = {.size = 0};
            put_ipv4(&head, 20 + frame.size, 4, 0);
            put_before(&frame, &head);
        }
        assert_int_equal(decode(&frame, 228, &p), DECODE_OK);
        unsigned layers = outer < 15 ? outer : 15;
        assert_int_equal(p.tunnel.count, layers);
        assert_int_equal(p.tunnel_unread, outer <= 15 ? DECODE_OK : DECODE_MALFORMED);
        if (outer <= 15)
            assert_inner(&p);
        for (unsigned i = 0; i < TUNNEL_LAYERS && i < layers; i++)
            assert_layer(&p, (int)i, LAYER_IP, 4);
        assert_int_equal(p.wire_bytes, frame.size);
    }
}

/* The packet that stands is the innermost that is whole, with the layers around that one only. */
static void test_fallback_is_the_next_outer(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner(), gre = {.size = 0}, vxlan = {.size = 0};
    inner.data[3] = 0xff; /* cannot be */
    put(&gre, "\x20\x00\x08\x00\0\0\0\x05", 8);
    put_made(&gre, &inner);
    struct made middle = made_ip(47, &gre);
    memcpy(middle.data + 12, "\x0a\x01\x00\x01\x0a\x01\x00\x02", 8);
    struct made ether = made_ether(0x0800, &middle);
    put(&vxlan, "\x08\0\0\0\0\0\x09\0", 8);
    put_made(&vxlan, &ether);
    struct made frame = made_udp(1, 4789, &vxlan);
    assert_int_equal(decode(&frame, RAW, &p), DECODE_OK);
    assert_int_equal(p.tunnel_unread, DECODE_MALFORMED);
    assert_true(is_text(&p.src, "10.1.0.1"));
    assert_int_equal(p.proto, 47);
    assert_int_equal(p.tunnel.count, 1);
    assert_layer(&p, 0, LAYER_VXLAN, 9);
    assert_int_equal(p.payload_bytes, gre.size);
    assert_true(p.tenant != 0);
}

/* Inside a fragment not everything is there: what carries it stands. */
static void test_fragments_are_not_entered(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner();
    struct made frame = made_ip(4, &inner);
    frame.data[6] = 0x20;
    assert_int_equal(decode(&frame, RAW, &p), DECODE_OK);
    assert_outer(&p, DECODE_TRUNCATED);
    assert_true(p.fragment);
}

/* An inner packet is told without anything of the outer. */
static void test_nothing_of_the_outer_is_left(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = {.size = 0};
    put_ipv4(&inner, 24, 99, 0x4000);
    put32(&inner, 1);
    inner.data[4] = inner.data[5] = 0;
    struct made ether = made_ether(0x0800, &inner), vxlan = {.size = 0};
    put(&vxlan, "\x08\0\0\0\0\0\x09\0", 8);
    put_made(&vxlan, &ether);
    struct made frame = made_udp(1, 4789, &vxlan);
    frame.data[26] = 0xab;
    assert_int_equal(decode(&frame, RAW, &p), DECODE_OK);
    assert_int_equal(p.proto, 99);
    assert_true(p.src_port == 0 && p.dst_port == 0 && p.checksum == 0 && p.ip_id == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ppp),
        cmocka_unit_test(test_pppoe),
        cmocka_unit_test(test_mpls),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_bridges_tags),
        cmocka_unit_test(test_nsh),
        cmocka_unit_test(test_snap),
        cmocka_unit_test(test_nflog),
        cmocka_unit_test(test_openbsd),
        cmocka_unit_test(test_nesting_is_bounded),
        cmocka_unit_test(test_fallback_is_the_next_outer),
        cmocka_unit_test(test_fragments_are_not_entered),
        cmocka_unit_test(test_nothing_of_the_outer_is_left),
    };
    return cmocka_run_group_tests(tests, decoder_make, decoder_drop);
}
