/* Tunnels over IP, each from bytes written down from its RFC: the innermost packet is the result,
 * and what carried it is listed. Each is also cut at every length. */
#include "inner.h"

/* `ip` read as it is and over Ethernet, cut everywhere; *p is left decoded. */
static void read_ip(const struct made *ip, struct packet *p)
{
    struct made frame = made_ether(0x0800, ip);
    uint32_t standing = 20 + (ip->data[9] == 17 ? 8 : 0);
    cut_everywhere(ip, RAW, standing);
    cut_everywhere(&frame, 1, 14 + standing);
    assert_int_equal(decode(&frame, 1, p), DECODE_OK);
    assert_int_equal(p->wire_bytes, frame.size);
    assert_inner(p);
}

static void read_udp(unsigned port, const struct made *inside, struct packet *p)
{
    struct made ip = made_udp(50000, port, inside);
    read_ip(&ip, p);
    assert_true(is_text(&p->tunnel.orig_ip, "192.0.2.1"));
    assert_true(is_text(&p->tunnel.resp_ip, "198.51.100.7"));
    assert_int_equal(p->tunnel.orig_port, 50000);
    assert_int_equal(p->tunnel.resp_port, port);
}

static void unread_udp(unsigned port, const struct made *inside, enum decode_result unread)
{
    struct packet p;
    struct made ip = made_udp(50000, port, inside);
    assert_int_equal(decode(&ip, RAW, &p), DECODE_OK);
    assert_outer(&p, unread);
    assert_int_equal(p.dst_port, port);
}

static void unread_ip(unsigned proto, const struct made *inside, enum decode_result unread)
{
    struct packet p;
    struct made ip = made_ip(proto, inside);
    assert_int_equal(decode(&ip, RAW, &p), DECODE_OK);
    assert_outer(&p, unread);
    assert_int_equal(p.proto, proto);
}

/* --- GRE ---------------------------------------------------------------------------------- */

static struct made made_gre(unsigned flags, unsigned type, const char *fields, uint32_t size,
                            const struct made *inside)
{
    struct made m = {.size = 0};
    put16(&m, flags);
    put16(&m, type);
    put(&m, fields, size);
    put_made(&m, inside);
    return m;
}

static void test_gre_fields(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner();
    struct made gre = made_gre(0, 0x0800, "", 0, &inner);
    struct made ip = made_ip(47, &gre);
    read_ip(&ip, &p);
    assert_int_equal(p.tunnel.count, 1);
    assert_layer(&p, 0, LAYER_GRE, 0);
    assert_int_equal(p.tenant, 0); /* no key: nothing keeps addresses apart */
    assert_int_equal(p.tunnel.orig_port, 0);

    gre = made_gre(0xb000, 0x0800, "\xab\xcd\0\0\0\0\0\x2a\0\0\0\x01", 12, &inner);
    ip = made_ip(47, &gre);
    read_ip(&ip, &p);
    assert_layer(&p, 0, LAYER_GRE, 42);
    assert_true(p.tenant != 0 && !p.tenant_one_way);

    /* a source route of one hop, and its end */
    gre = made_gre(0x4000, 0x0800, "\0\0\0\0\x08\x00\x00\x04\x0a\0\0\x01\0\0\0\0", 16, &inner);
    ip = made_ip(47, &gre);
    read_ip(&ip, &p);

    inner = made_inner6();
    gre = made_gre(0, 0x86dd, "", 0, &inner);
    ip = made_ip(47, &gre);
    read_ip(&ip, &p);
    assert_int_equal(p.ip_version, 6);
}

static void test_gre_that_is_not_read(void **state)
{
    (void)state;
    struct made inner = made_inner(), nothing = {.size = 0};
    struct made gre = made_gre(0, 0, "", 0, &nothing);
    unread_ip(47, &gre, DECODE_NOT_IP); /* keepalive */
    gre = made_gre(0, 0x1234, "", 0, &inner);
    unread_ip(47, &gre, DECODE_UNKNOWN_LINK);
    gre = made_gre(2, 0x0800, "", 0, &inner);
    unread_ip(47, &gre, DECODE_UNKNOWN_LINK); /* a version nobody knows */
    gre = made_gre(0x2000, 0x0800, "", 0, &nothing);
    unread_ip(47, &gre, DECODE_MALFORMED); /* a key, and no room for it */
    inner.data[3]++;                       /* longer than what carries it */
    gre = made_gre(0, 0x0800, "", 0, &inner);
    unread_ip(47, &gre, DECODE_MALFORMED);
    gre.size = 4;
    put_fill(&gre, 400, 1); /* routes without an end */
    gre.data[0] = 0x40;
    unread_ip(47, &gre, DECODE_MALFORMED);
}

/* NVGRE's key holds a hash of the flow in its last byte: it is no tenant's. */
static void test_gre_ethernet(void **state)
{
    (void)state;
    struct packet p, other;
    struct made inner = made_inner();
    struct made ether = made_ether(0x0800, &inner);
    struct made gre = made_gre(0x2000, 0x6558, "\x01\x02\x03\x44", 4, &ether);
    struct made ip = made_ip(47, &gre);
    read_ip(&ip, &p);
    assert_layer(&p, 0, LAYER_GRE, 0x01020344);
    ip.data[27] = 0x55;
    assert_int_equal(decode(&ip, RAW, &other), DECODE_OK);
    assert_int_equal(p.tenant, other.tenant);
    ip.data[26] = 0x04;
    assert_int_equal(decode(&ip, RAW, &other), DECODE_OK);
    assert_true(p.tenant != other.tenant);

    gre = made_gre(0x2000, 0x6558, "\x00\x00\x00\x01", 4, &ether); /* small keys are whole */
    ip = made_ip(47, &gre);
    read_ip(&ip, &p);
    ip.data[27] = 2;
    assert_int_equal(decode(&ip, RAW, &other), DECODE_OK);
    assert_true(p.tenant != other.tenant);
}

static void test_pptp(void **state)
{
    (void)state;
    struct packet p;
    struct made ppp = {.size = 0}, inner = made_inner(), nothing = {.size = 0};
    put(&ppp, "\xff\x03\x00\x21", 4);
    put_made(&ppp, &inner);
    struct made gre = made_gre(0x3081, 0x880b, "\0\x25\0\x07\0\0\0\x01\0\0\0\x02", 12, &ppp);
    struct made ip = made_ip(47, &gre);
    read_ip(&ip, &p);
    assert_layer(&p, 0, LAYER_GRE, 7);
    assert_true(p.tenant != 0 && p.tenant_one_way);
    gre = made_gre(0x2081, 0x880b, "\0\0\0\x07\0\0\0\x02", 8, &nothing);
    unread_ip(47, &gre, DECODE_NOT_IP); /* an acknowledgement */
    gre = made_gre(0x2001, 0x880b, "\0\x26\0\x07", 4, &ppp);
    unread_ip(47, &gre, DECODE_MALFORMED); /* longer than the packet */
}

static void test_wccp(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner();
    struct made gre = made_gre(0, 0x883e, "", 0, &inner);
    struct made ip = made_ip(47, &gre);
    read_ip(&ip, &p);
    gre = made_gre(0, 0x883e, "\x01\x33\x10\x20", 4, &inner);
    ip = made_ip(47, &gre);
    read_ip(&ip, &p);
}

static void test_wireless_in_gre(void **state)
{
    (void)state;
    struct packet p;
    struct made air = {.size = 0}, inner = made_inner();
    put(&air, "\x88\x01\0\0", 4); /* QoS data, to the access point */
    put_fill(&air, 22, 2);
    air.data[24] = 0;
    put(&air, "\xaa\xaa\x03\0\0\0\x08\0", 8);
    put_made(&air, &inner);
    struct made gre = made_gre(0, 0x8200, "", 0, &air);
    struct made ip = made_ip(47, &gre);
    read_ip(&ip, &p);
    cut_everywhere(&air, 105, 34 + 28);
    gre.data[5] |= 0x40; /* encrypted */
    unread_ip(47, &gre, DECODE_UNKNOWN_LINK);
    gre.data[4] = 0x80; /* a beacon */
    unread_ip(47, &gre, DECODE_NOT_IP);
}

/* --- mirrors ------------------------------------------------------------------------------ */

/* A mirror's transport leaves the key as if the frame had been seen here. */
static void test_erspan(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner(), tagged = {.size = 0};
    struct made ether = made_ether(0x0800, &inner);
    put_ether(&tagged, 0x8100);
    put32(&tagged, 0x00070800);
    put_made(&tagged, &inner);

    struct made gre = made_gre(0, 0x88be, "", 0, &ether);
    struct made ip = made_ip(47, &gre);
    read_ip(&ip, &p);
    assert_int_equal(p.tunnel.count, 1);
    assert_layer(&p, 0, LAYER_ERSPAN, 0);

    gre = made_gre(0x1000, 0x88be, "\0\0\0\x09\x10\x64\x18\x2a\0\0\0\x01", 12, &tagged);
    ip = made_ip(47, &gre);
    read_ip(&ip, &p);
    assert_layer(&p, 0, LAYER_ERSPAN, 42);
    assert_int_equal(p.vlan, 7); /* the frame's, not the header's */
    assert_int_equal(p.tenant, 0);

    gre = made_gre(0x1000, 0x88be, "\0\0\0\x09\x10\x64\x10\x2a\0\0\0\x01", 12, &ether);
    struct made mirrored = made_ip(47, &gre), outer = {.size = 0};
    put_ether(&outer, 0x8100); /* the mirror's own VLAN */
    put32(&outer, 0x03e70800);
    put_made(&outer, &mirrored);
    assert_int_equal(decode(&outer, 1, &p), DECODE_OK);
    assert_inner(&p);
    assert_int_equal(p.vlan, 100); /* taken out by the mirror */
    assert_int_equal(p.tenant, 0);
    outer.data[14 + 4 + 20 + 8] = 0x30;
    assert_int_equal(decode(&outer, 1, &p), DECODE_OK);
    assert_int_equal(p.tunnel_unread, DECODE_MALFORMED); /* a version that does not exist */
    assert_int_equal(p.vlan, 999);
}

static void test_erspan_3(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner();
    struct made ether = made_ether(0x0800, &inner);
    struct made gre =
        made_gre(0x1000, 0x22eb, "\0\0\0\x09\x20\x64\x00\x2b\0\0\0\0\0\0\0\0", 16, &ether);
    struct made ip = made_ip(47, &gre);
    read_ip(&ip, &p);
    assert_layer(&p, 0, LAYER_ERSPAN, 43);
    gre = made_gre(0x1000, 0x22eb, "\0\0\0\x09\x20\x64\x00\x2b\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0",
                   24, &ether);
    ip = made_ip(47, &gre);
    read_ip(&ip, &p); /* the platform's eight bytes */
    gre = made_gre(0x1000, 0x22eb, "\0\0\0\x09\x20\x64\x00\x2b\0\0\0\0\0\0\x08\0", 16, &inner);
    ip = made_ip(47, &gre);
    read_ip(&ip, &p); /* frame type IP */
    gre.data[4 + 4 + 10] = 0x1c;
    unread_ip(47, &gre, DECODE_UNKNOWN_LINK); /* frame type 7 */
}

/* What the mirror cut is truncated, not malformed. */
static void test_erspan_cut_by_the_mirror(void **state)
{
    (void)state;
    struct made inner = made_inner();
    struct made ether = made_ether(0x0800, &inner);
    ether.size -= 4;
    struct made gre = made_gre(0x1000, 0x88be, "\0\0\0\x09\x10\x64\x04\x2a\0\0\0\x01", 12, &ether);
    unread_ip(47, &gre, DECODE_TRUNCATED);
    gre.data[10] = 0;
    unread_ip(47, &gre, DECODE_MALFORMED);
}

/* --- UDP ---------------------------------------------------------------------------------- */

static void test_vxlan(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner(), vxlan = {.size = 0};
    struct made ether = made_ether(0x0800, &inner);
    put(&vxlan, "\x88\x00\x00\x10\x00\x01\x02\x00", 8); /* with a group policy */
    put_made(&vxlan, &ether);
    read_udp(4789, &vxlan, &p);
    assert_int_equal(p.tunnel.count, 1);
    assert_layer(&p, 0, LAYER_VXLAN, 0x102);
    assert_true(p.tenant != 0 && !p.tenant_one_way);
    read_udp(8472, &vxlan, &p);
    vxlan.data[0] = 0;
    unread_udp(4789, &vxlan, DECODE_MALFORMED);
    vxlan.data[0] = 8;
    vxlan.data[21] = 6; /* ARP inside */
    unread_udp(4789, &vxlan, DECODE_NOT_IP);
    struct made arp = made_udp(50000, 4789, &vxlan); /* shown all the same */
    assert_int_equal(decode(&arp, RAW, &p), DECODE_OK);
    assert_int_equal(p.arp - p.arp_macs, 14);
    assert_int_equal(p.arp_captured, vxlan.size - 22);
    vxlan.data[21] = 0;
    struct made back = made_udp(4789, 50000, &vxlan); /* its source port is a hash */
    assert_int_equal(decode(&back, RAW, &p), DECODE_OK);
    assert_outer(&p, DECODE_OK);
    unread_udp(4788, &vxlan, DECODE_OK);
}

/* What is behind a small packet, or in options before it, leaves too: it is the outer one's. */
static void test_inside_fills_the_tunnel(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner(), inner6 = made_inner6(), m = {.size = 0};
    put(&m, "\x08\x00\x00\x00\x00\x01\x02\x00", 8);
    struct made ether = made_ether(0x0800, &inner);
    put_made(&m, &ether);
    put_fill(&m, 13 + 4, 0); /* padded to 60 bytes, and the frame's checksum */
    read_udp(4789, &m, &p);
    put_fill(&m, 1200, 's');
    unread_udp(4789, &m, DECODE_MALFORMED);
    m = inner6;
    put_fill(&m, 1200, 's');
    unread_ip(41, &m, DECODE_MALFORMED);
    m = (struct made){.size = 0};
    put(&m, "\x3f\x00\x08\x00\x00\x01\x02\x00", 8); /* GENEVE, 252 bytes of options */
    put_fill(&m, 252, 's');
    put_made(&m, &inner);
    unread_udp(6081, &m, DECODE_MALFORMED);
    m = (struct made){.size = 0};
    put(&m, "\x11\xfe\0\0\0\0\0\x01\0\0\0\x01", 12); /* AH, with a digest of 1,012 bytes */
    put_fill(&m, 1012, 's');
    put(&m, inner.data + 20, 13);
    unread_ip(51, &m, DECODE_MALFORMED);
}

static void test_vxlan_gpe(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner6(), vxlan = {.size = 0};
    put(&vxlan, "\x0c\x00\x00\x02\x00\x01\x02\x00", 8);
    put_made(&vxlan, &inner);
    read_udp(4790, &vxlan, &p);
    assert_int_equal(p.ip_version, 6);
    vxlan.data[3] = 0x77;
    unread_udp(4790, &vxlan, DECODE_UNKNOWN_LINK);
    vxlan.data[0] = 0x0d; /* OAM */
    unread_udp(4790, &vxlan, DECODE_NOT_IP);
}

static void test_geneve(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner(), geneve = {.size = 0};
    struct made ether = made_ether(0x0800, &inner);
    put(&geneve, "\x02\x40\x65\x58\x00\x00\x07\x00", 8); /* two words of critical options */
    put_fill(&geneve, 8, 0xff);
    put_made(&geneve, &ether);
    read_udp(6081, &geneve, &p);
    assert_layer(&p, 0, LAYER_GENEVE, 7);
    assert_true(p.tenant != 0);
    geneve.data[0] = 0x3f;
    unread_udp(6081, &geneve, DECODE_MALFORMED); /* options beyond the packet */
    geneve.data[0] = 0x42;
    unread_udp(6081, &geneve, DECODE_MALFORMED); /* a version that does not exist */
    geneve.data[0] = 2;
    geneve.data[1] = 0x80;
    unread_udp(6081, &geneve, DECODE_NOT_IP);
}

static void test_gtpu(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner(), gtp = {.size = 0};
    put(&gtp, "\x34\xff\x00\x29\x00\x00\x00\x2a", 8); /* 4 + 4 + 33 bytes */
    put(&gtp, "\0\0\0\x85\x01\x10\x09\x00", 8);       /* no number, one extension */
    put_made(&gtp, &inner);
    read_udp(2152, &gtp, &p);
    assert_layer(&p, 0, LAYER_GTPU, 42);
    assert_true(p.tenant != 0 && p.tenant_one_way);
    struct made back = made_udp(2152, 50000, &gtp); /* either side's port */
    read_ip(&back, &p);
    gtp.data[12] = 0; /* an extension of no length */
    unread_udp(2152, &gtp, DECODE_MALFORMED);
    gtp.data[1] = 1; /* echo */
    unread_udp(2152, &gtp, DECODE_NOT_IP);
    gtp.data[1] = 0xff;
    gtp.data[3] = 0x2a; /* longer than the packet */
    unread_udp(2152, &gtp, DECODE_MALFORMED);
    gtp.data[3] = 0x29;
    gtp.data[0] = 0x54; /* version 2 */
    unread_udp(2152, &gtp, DECODE_MALFORMED);
}

static void test_teredo(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner6(), teredo = {.size = 0};
    read_udp(3544, &inner, &p);
    assert_layer(&p, 0, LAYER_TEREDO, 0);
    put(&teredo, "\x00\x01\x02\x01id#12345678\x00", 16); /* authentication */
    put(&teredo, "\x00\x00\x12\x34\x01\x02\x03\x04", 8); /* origin */
    put_made(&teredo, &inner);
    read_udp(3544, &teredo, &p);
    inner.data[5]++; /* longer than the datagram */
    unread_udp(3544, &inner, DECODE_MALFORMED);
    inner.data[0] = 0x45;
    unread_udp(3544, &inner, DECODE_MALFORMED);
}

static void test_l2tp(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner(), l2tp = {.size = 0};
    put(&l2tp, "\x4a\x02\x00\x34\x00\x05\x00\x06\0\0\0\0\0\x02\xee\xee", 16); /* L, S, O */
    put(&l2tp, "\xff\x03\x21", 3); /* protocol of one byte */
    put_made(&l2tp, &inner);
    l2tp.data[3] = (uint8_t)l2tp.size;
    put_fill(&l2tp, 3, 0); /* not part of it */
    read_udp(1701, &l2tp, &p);
    assert_layer(&p, 0, LAYER_L2TP, 5u << 16 | 6);
    assert_true(p.tenant != 0 && p.tenant_one_way);
    l2tp.data[3] += 4;
    unread_udp(1701, &l2tp, DECODE_MALFORMED);
    l2tp.data[0] = 0xc8;
    unread_udp(1701, &l2tp, DECODE_NOT_IP); /* control */
    l2tp.data[1] = 3;
    unread_udp(1701, &l2tp, DECODE_UNKNOWN_LINK);
}

/* --- IP ----------------------------------------------------------------------------------- */

static void test_ip_in_ip(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner(), inner6 = made_inner6();
    struct made ip = made_ip(4, &inner);
    read_ip(&ip, &p);
    assert_layer(&p, 0, LAYER_IP, 4);
    assert_int_equal(p.tenant, 0);
    ip = made_ip(41, &inner6);
    read_ip(&ip, &p);
    assert_layer(&p, 0, LAYER_IP, 4);
    assert_true(is_text(&p.tunnel.orig_ip, "192.0.2.1"));
    for (int version = 4; version <= 6; version += 2) {
        struct made outer = {.size = 0};
        const struct made *inside = version == 4 ? &inner : &inner6;
        put_ipv6(&outer, 8 + inside->size, 60);
        put8(&outer, version == 4 ? 4 : 41); /* behind a destination header */
        put(&outer, "\0\x01\x04\0\0\0\0", 7);
        put_made(&outer, inside);
        cut_everywhere(&outer, RAW, 48);
        assert_int_equal(decode(&outer, RAW, &p), DECODE_OK);
        assert_inner(&p);
        assert_layer(&p, 0, LAYER_IP, 6);
        assert_true(is_text(&p.tunnel.orig_ip, "2001:db8::1"));
    }
    unread_ip(4, &inner6, DECODE_MALFORMED);
    unread_ip(41, &inner, DECODE_MALFORMED);
    unread_ip(115, &inner, DECODE_UNKNOWN_LINK);
}

static void test_ah(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner(), ah = {.size = 0};
    put(&ah, "\x04\x04\0\0\0\0\x01\x02\0\0\0\x01", 12); /* 24 bytes; tunnel mode */
    put_fill(&ah, 12, 0xdd);
    put_made(&ah, &inner);
    struct made ip = made_ip(51, &ah);
    read_ip(&ip, &p);
    assert_int_equal(p.tunnel.count, 2);
    assert_layer(&p, 0, LAYER_AH, 0x102);
    assert_layer(&p, 1, LAYER_IP, 4);
    assert_true(is_text(&p.tunnel.orig_ip, "192.0.2.1"));

    ah.size = 24; /* transport mode: its addresses are the packet's */
    ah.data[0] = 17;
    put_udp(&ah, 1000, 2000, 5);
    put(&ah, "inner", 5);
    ip = made_ip(51, &ah);
    assert_int_equal(decode(&ip, RAW, &p), DECODE_OK);
    assert_int_equal(p.tunnel_unread, DECODE_OK);
    assert_true(is_text(&p.src, "192.0.2.1") && p.proto == 17 && p.dst_port == 2000);
    assert_int_equal(p.ip_bytes, 20 + 24 + 13);
    assert_int_equal(p.payload_bytes, 5);
    assert_true(is_text(&p.tunnel.orig_ip, "::"));
    cut_everywhere(&ip, RAW, 20);
    ah.data[1] = 200;
    unread_ip(51, &ah, DECODE_MALFORMED);
}

static void test_etherip_and_mpls_in_ip(void **state)
{
    (void)state;
    struct packet p;
    struct made inner = made_inner(), inside = {.size = 0};
    struct made ether = made_ether(0x0800, &inner);
    put16(&inside, 0x3000);
    put_made(&inside, &ether);
    struct made ip = made_ip(97, &inside);
    read_ip(&ip, &p);
    assert_layer(&p, 0, LAYER_ETHERIP, 0);
    inside.data[0] = 0x40;
    unread_ip(97, &inside, DECODE_MALFORMED);

    inside.size = 0;
    put32(&inside, 100u << 12 | 0x1ff);
    put_made(&inside, &inner);
    ip = made_ip(137, &inside);
    read_ip(&ip, &p);
    assert_layer(&p, 0, LAYER_MPLS, 100);
    read_udp(6635, &inside, &p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gre_fields),
        cmocka_unit_test(test_gre_that_is_not_read),
        cmocka_unit_test(test_gre_ethernet),
        cmocka_unit_test(test_pptp),
        cmocka_unit_test(test_wccp),
        cmocka_unit_test(test_wireless_in_gre),
        cmocka_unit_test(test_erspan),
        cmocka_unit_test(test_erspan_3),
        cmocka_unit_test(test_erspan_cut_by_the_mirror),
        cmocka_unit_test(test_vxlan),
        cmocka_unit_test(test_inside_fills_the_tunnel),
        cmocka_unit_test(test_vxlan_gpe),
        cmocka_unit_test(test_geneve),
        cmocka_unit_test(test_gtpu),
        cmocka_unit_test(test_teredo),
        cmocka_unit_test(test_l2tp),
        cmocka_unit_test(test_ip_in_ip),
        cmocka_unit_test(test_ah),
        cmocka_unit_test(test_etherip_and_mpls_in_ip),
    };
    return cmocka_run_group_tests(tests, decoder_make, decoder_drop);
}
