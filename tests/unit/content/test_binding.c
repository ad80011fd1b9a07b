/* Who holds an address, from messages as the RFCs lay them out, cut everywhere. */
#include "bytes.h"

#include "weir/base/device.h"
#include "weir/content/binding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const uint8_t mac[MAC_SIZE] = {0x00, 0x1b, 0x21, 0x01, 0x02, 0x03};
static const uint8_t other[MAC_SIZE] = {0x00, 0x1b, 0x21, 0x0a, 0x0b, 0x0c};

static struct bytes made;
static struct bindings found;

static void expect_one(size_t at, const char *address, const char *device, enum binding_kind kind,
                       uint32_t lease_s)
{
    char text[IP_TEXT_SIZE];
    assert_true(at < found.count);
    assert_string_equal(ip_text(&found.item[at].address, text), address);
    if (device)
        assert_string_equal(host_text(&found.item[at].device, text), device);
    assert_int_equal(found.item[at].kind, kind);
    assert_int_equal(found.item[at].lease_s, lease_s);
}

static struct ip ip(const char *text)
{
    struct ip address;
    assert_int_equal(ip_parse(text, &address), 0);
    return address;
}

static void put_ip(const char *text)
{
    struct ip address = ip(text);
    bool v4 = ip_is_v4(&address);
    put(&made, address.byte + (v4 ? 12 : 0), v4 ? 4 : 16);
}

static void begin(void)
{
    made.size = 0;
    found = (struct bindings){.count = 0};
}

/* --- ARP (RFC 826) -----------------------------------------------------------------------------
 */

static enum parse_result read_arp(size_t size, const uint8_t *sender)
{
    /* Exactly as large, so that a sanitizer sees a step too far. */
    uint8_t *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, made.data, size);
    found = (struct bindings){.count = 0};
    enum parse_result result = arp_parse(exact, size, sender, &found);
    free(exact);
    return result;
}

static void make_arp(unsigned operation, const uint8_t *from, const char *address)
{
    begin();
    put16(&made, 1);
    put16(&made, 0x0800);
    put8(&made, 6);
    put8(&made, 4);
    put16(&made, operation);
    put(&made, from, MAC_SIZE);
    put_ip(address);
    put(&made, other, MAC_SIZE);
    put_ip("10.0.0.2");
}

static void test_arp(void **state)
{
    (void)state;
    for (unsigned operation = 1; operation <= 2; operation++) {
        make_arp(operation, mac, "10.0.0.1");
        assert_int_equal(read_arp(made.size, mac), PARSE_OK);
        assert_int_equal(found.count, 1);
        expect_one(0, "10.0.0.1", "00:1b:21:01:02:03", BINDING_ARP, 0);
        assert_int_equal(read_arp(made.size, NULL), PARSE_OK);
        assert_int_equal(found.count, 1);
    }
    make_arp(3, mac, "10.0.0.1"); /* RARP asks for an address */
    assert_int_equal(read_arp(made.size, mac), PARSE_NOT);
    make_arp(1, mac, "0.0.0.0"); /* a probe */
    assert_int_equal(read_arp(made.size, mac), PARSE_OK);
    assert_int_equal(found.count, 0);
    assert_false(found.suspect);
}

static void test_arp_for_another(void **state)
{
    static const uint8_t group[MAC_SIZE] = {0x01, 0, 0x5e, 0, 0, 1};
    (void)state;
    make_arp(2, mac, "10.0.0.1");
    assert_int_equal(read_arp(made.size, other), PARSE_OK);
    assert_int_equal(found.count, 0);
    assert_true(found.suspect);
    make_arp(2, group, "10.0.0.1");
    assert_int_equal(read_arp(made.size, group), PARSE_OK);
    assert_int_equal(found.count, 0);
    assert_true(found.suspect);
}

static void test_arp_cut_and_broken(void **state)
{
    (void)state;
    make_arp(1, mac, "10.0.0.1");
    for (size_t size = 0; size < made.size; size++) {
        bool whole = size >= 18; /* up to the sender's addresses */
        assert_int_equal(read_arp(size, mac), whole ? PARSE_OK : PARSE_MORE);
        assert_int_equal(found.count, whole);
    }
    made.data[4] = 8;
    assert_int_equal(read_arp(made.size, mac), PARSE_MALFORMED);
    assert_int_equal(found.count, 0);
    made.data[1] = 6; /* another kind of hardware */
    assert_int_equal(read_arp(made.size, mac), PARSE_NOT);
}

/* --- neighbour discovery (RFC 4861 4) ----------------------------------------------------------
 */

static enum parse_result read_neighbour(uint8_t type, size_t size, const char *source,
                                        const uint8_t *sender)
{
    struct ip from = ip(source);
    uint8_t *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, made.data, size);
    found = (struct bindings){.count = 0};
    enum parse_result result = neighbour_parse(type, exact, size, &from, sender, &found);
    free(exact);
    return result;
}

static void put_link_option(unsigned kind, const uint8_t *address)
{
    put8(&made, kind);
    put8(&made, 1);
    put(&made, address, MAC_SIZE);
}

static void test_solicitation_and_advertisement(void **state)
{
    (void)state;
    begin();
    put_ip("2001:db8::2");
    put_link_option(1, mac);
    assert_int_equal(read_neighbour(135, made.size, "2001:db8::1", mac), PARSE_OK);
    assert_int_equal(found.count, 1);
    expect_one(0, "2001:db8::1", "00:1b:21:01:02:03", BINDING_ND, 0);
    assert_int_equal(read_neighbour(135, made.size, "::", mac), PARSE_OK); /* only tried */
    assert_int_equal(found.count, 0);
    assert_int_equal(read_neighbour(136, made.size, "2001:db8::1", mac), PARSE_OK);
    assert_int_equal(found.count, 0); /* not the target's option */
    begin();
    put_ip("2001:db8::2");
    put_link_option(2, mac);
    assert_int_equal(read_neighbour(136, made.size, "2001:db8::1", mac), PARSE_OK);
    expect_one(0, "2001:db8::2", "00:1b:21:01:02:03", BINDING_ND, 0);
    assert_int_equal(read_neighbour(136, made.size, "2001:db8::1", other), PARSE_OK);
    assert_int_equal(found.count, 0);
    assert_true(found.suspect);
}

static void test_routers(void **state)
{
    (void)state;
    begin();
    put32(&made, 0);
    put32(&made, 0);
    put(&made, "\x05\x01\0\0\0\0\x05\xdc", 8); /* an MTU in front */
    put_link_option(1, mac);
    assert_int_equal(read_neighbour(134, made.size, "fe80::1", mac), PARSE_OK);
    expect_one(0, "fe80::1", "00:1b:21:01:02:03", BINDING_ND, 0);
    begin();
    put_link_option(1, mac);
    assert_int_equal(read_neighbour(133, made.size, "fe80::2", mac), PARSE_OK);
    expect_one(0, "fe80::2", "00:1b:21:01:02:03", BINDING_ND, 0);
    assert_int_equal(read_neighbour(137, made.size, "fe80::2", mac), PARSE_NOT);
}

static void test_neighbour_cut_and_broken(void **state)
{
    (void)state;
    begin();
    put_ip("2001:db8::2");
    put(&made, "\x0e\x01\1\2\3\4\5\6", 8); /* a nonce (RFC 3971) */
    put_link_option(2, mac);
    for (size_t size = 0; size < made.size; size++) {
        /* Without its last option, or without any, it is whole. */
        bool whole = size == 16 || size == 24;
        assert_int_equal(read_neighbour(136, size, "fe80::1", mac), whole ? PARSE_OK : PARSE_MORE);
        assert_int_equal(found.count, 0);
    }
    assert_int_equal(read_neighbour(136, made.size, "fe80::1", mac), PARSE_OK);
    assert_int_equal(found.count, 1);
    made.data[17] = 0; /* RFC 4861 4.6: no option is of length 0 */
    assert_int_equal(read_neighbour(136, made.size, "fe80::1", mac), PARSE_MALFORMED);
    made.data[0] = 0xff; /* 7.1.2: no target is a group */
    assert_int_equal(read_neighbour(136, made.size, "fe80::1", mac), PARSE_MALFORMED);
}

/* --- DHCP (RFC 2131) ---------------------------------------------------------------------------
 */

static enum parse_result read_dhcp4(size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, made.data, size);
    found = (struct bindings){.count = 0};
    enum parse_result result = dhcp4_parse(exact, size, &found);
    free(exact);
    return result;
}

enum { SNAME_AT = 44, FILE_AT = 108, OPTIONS_AT = 240 };

static void make_dhcp4(const char *yours)
{
    begin();
    put(&made, "\x02\x01\x06\x01\x12\x34\x56\x78\0\0\0\0", 12);
    put_ip("0.0.0.0");
    put_ip(yours);
    put_ip("10.0.0.1");
    put_ip("10.9.0.1");
    put(&made, mac, MAC_SIZE);
    for (size_t i = 0; i < 10 + 64 + 128; i++)
        put8(&made, 0);
    put32(&made, 0x63825363);
}

static void put_ack(uint32_t lease_s)
{
    put(&made, "\x35\x01\x05", 3);
    put(&made, "\x33\x04", 2);
    put32(&made, lease_s);
}

static void test_acknowledgement(void **state)
{
    (void)state;
    make_dhcp4("10.9.0.77");
    put(&made, "\x00\x36\x04\x0a\x00\x00\x01", 7); /* a pad, the server */
    put_ack(86400);
    put8(&made, 255);
    size_t whole = made.size;
    put(&made, "\x33\x04\0\0\0\1", 6); /* behind the end */
    assert_int_equal(read_dhcp4(made.size), PARSE_OK);
    assert_int_equal(found.count, 1);
    expect_one(0, "10.9.0.77", "00:1b:21:01:02:03", BINDING_DHCP4, 86400);
    for (size_t size = 0; size < whole; size++) {
        enum parse_result result = read_dhcp4(size);
        assert_true(result == PARSE_MORE || result == PARSE_OK);
        assert_true(result == PARSE_OK || found.count == 0);
        for (size_t i = 0; i < found.count; i++) /* the lease may be what was cut off */
            expect_one(i, "10.9.0.77", "00:1b:21:01:02:03", BINDING_DHCP4,
                       size >= whole - 1 ? 86400 : 0);
    }
}

static void test_what_is_no_lease(void **state)
{
    (void)state;
    make_dhcp4("10.9.0.77");
    put_ack(600);
    made.data[OPTIONS_AT + 2] = 2; /* an offer */
    assert_int_equal(read_dhcp4(made.size), PARSE_OK);
    assert_int_equal(found.count, 0);
    made.data[OPTIONS_AT + 2] = 5;
    made.data[0] = 1; /* from a client */
    assert_int_equal(read_dhcp4(made.size), PARSE_NOT);
    made.data[0] = 2;
    made.data[OPTIONS_AT - 1] ^= 1; /* BOOTP without DHCP */
    assert_int_equal(read_dhcp4(made.size), PARSE_NOT);
    make_dhcp4("0.0.0.0"); /* the answer to an INFORM */
    put_ack(600);
    assert_int_equal(read_dhcp4(made.size), PARSE_OK);
    assert_int_equal(found.count, 0);
    make_dhcp4("10.9.0.77");
    put(&made, "\x35\x02\x05\x05", 4);
    assert_int_equal(read_dhcp4(made.size), PARSE_MALFORMED);
}

/* RFC 2132 9.3: the options go on in `file`, then in `sname`. */
static void test_overload(void **state)
{
    (void)state;
    for (unsigned where = 1; where <= 3; where++) {
        make_dhcp4("10.9.0.77");
        put(&made, "\x34\x01", 2);
        put8(&made, where);
        put8(&made, 255);
        memcpy(made.data + FILE_AT, "\x35\x01\x05\xff", 4);
        memcpy(made.data + SNAME_AT, "\x33\x04\x00\x00\x02\x58\xff", 7);
        assert_int_equal(read_dhcp4(made.size), PARSE_OK);
        assert_int_equal(found.count, (where & 1) ? 1 : 0);
        if (where & 1)
            expect_one(0, "10.9.0.77", "00:1b:21:01:02:03", BINDING_DHCP4, where == 3 ? 600 : 0);
    }
}

static void test_client_identifiers(void **state)
{
    static const uint8_t duid[] = {0, 3, 0, 1, 0x00, 0x1b, 0x21, 0x01, 0x02, 0x03};
    struct ip of_text;
    (void)state;
    make_dhcp4("10.9.0.77");
    made.data[2] = 0; /* no hardware address, as on InfiniBand (RFC 4390) */
    put_ack(600);
    size_t size = made.size;
    assert_int_equal(read_dhcp4(made.size), PARSE_OK);
    assert_int_equal(found.count, 0);
    put(&made, "\x3d\x04name", 6);
    assert_int_equal(read_dhcp4(made.size), PARSE_OK);
    of_text = device_of_id((const uint8_t *)"name", 4);
    assert_int_equal(found.count, 1);
    assert_int_equal(ip_compare(&found.item[0].device, &of_text), 0);
    made.size = size;
    put(&made, "\x3d\x07\x01", 3);
    put(&made, mac, MAC_SIZE);
    assert_int_equal(read_dhcp4(made.size), PARSE_OK);
    expect_one(0, "10.9.0.77", "00:1b:21:01:02:03", BINDING_DHCP4, 600);
    made.size = size;
    put(&made, "\x3d\x0f\xff\x11\x22\x33\x44", 7);
    put(&made, duid, sizeof duid);
    assert_int_equal(read_dhcp4(made.size), PARSE_OK);
    expect_one(0, "10.9.0.77", "00:1b:21:01:02:03", BINDING_DHCP4, 600);
}

/* --- DHCPv6 (RFC 8415) --------------------------------------------------------------------------
 */

static enum parse_result read_dhcp6(size_t size, const char *client, const uint8_t *receiver)
{
    struct ip to = ip(client);
    uint8_t *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, made.data, size);
    found = (struct bindings){.count = 0};
    enum parse_result result = dhcp6_parse(exact, size, &to, receiver, &found);
    free(exact);
    return result;
}

static void put_option(unsigned code, const void *data, size_t size)
{
    put16(&made, code);
    put16(&made, (unsigned)size);
    put(&made, data, size);
}

static void put_address(const char *address, uint32_t valid_s)
{
    put16(&made, 5);
    put16(&made, 24);
    put_ip(address);
    put32(&made, valid_s / 2);
    put32(&made, valid_s);
}

static const uint8_t duid_llt[] = {0,    1,    0,    1,    0x2c, 0x11, 0x22,
                                   0x33, 0x00, 0x1b, 0x21, 0x01, 0x02, 0x03};
static const uint8_t duid_en[] = {0, 2, 0, 0, 0x2b, 0x0e, 1, 2, 3, 4, 5};

/* Two addresses, one of them temporary. */
static void put_reply(const uint8_t *duid, size_t duid_size)
{
    put8(&made, 7);
    put8(&made, 1), put8(&made, 2), put8(&made, 3);
    put_option(1, duid, duid_size);
    put_option(2, "\0\3\0\1\2\2\2\2\2\2", 10);
    put16(&made, 3);
    size_t mark = put_open(&made, 2);
    put32(&made, 1), put32(&made, 100), put32(&made, 200);
    put_address("2001:db8::77", 86400);
    put_close(&made, mark, 2);
    put16(&made, 4);
    mark = put_open(&made, 2);
    put32(&made, 1);
    put_address("2001:db8::78", 600);
    put_close(&made, mark, 2);
}

static void test_reply(void **state)
{
    (void)state;
    begin();
    put_reply(duid_llt, sizeof duid_llt);
    assert_int_equal(read_dhcp6(made.size, "2001:db8::9", NULL), PARSE_OK);
    assert_int_equal(found.count, 2);
    expect_one(0, "2001:db8::77", "00:1b:21:01:02:03", BINDING_DHCP6, 86400);
    expect_one(1, "2001:db8::78", "00:1b:21:01:02:03", BINDING_DHCP6, 600);
    for (size_t size = 0; size < made.size; size++) {
        enum parse_result result = read_dhcp6(size, "2001:db8::9", NULL);
        assert_true(result == PARSE_MORE || result == PARSE_OK || result == PARSE_NOT);
        assert_true(found.count < 2);
    }
    made.data[0] = 2; /* an advertisement */
    assert_int_equal(read_dhcp6(made.size, "2001:db8::9", NULL), PARSE_NOT);
}

/* What neighbour discovery will show comes before what the DUID says. */
static void test_whose_reply(void **state)
{
    struct ip hashed = device_of_id(duid_en, sizeof duid_en);
    (void)state;
    begin();
    put_reply(duid_en, sizeof duid_en);
    assert_int_equal(read_dhcp6(made.size, "2001:db8::9", other), PARSE_OK);
    assert_int_equal(ip_compare(&found.item[0].device, &hashed), 0);
    assert_int_equal(read_dhcp6(made.size, "fe80::9", other), PARSE_OK);
    expect_one(0, "2001:db8::77", "00:1b:21:0a:0b:0c", BINDING_DHCP6, 86400);
    assert_int_equal(read_dhcp6(made.size, "fe80::21b:21ff:fe01:203", NULL), PARSE_OK);
    expect_one(0, "2001:db8::77", "00:1b:21:01:02:03", BINDING_DHCP6, 86400);
    assert_int_equal(read_dhcp6(made.size, "fe80::9", NULL), PARSE_OK);
    assert_int_equal(ip_compare(&found.item[0].device, &hashed), 0);
}

static void put_relays(unsigned count, const char *peer)
{
    size_t mark[16];
    begin();
    for (unsigned i = 0; i < count; i++) {
        put8(&made, 13);
        put8(&made, count - i - 1);
        put_ip("2001:db8:1::1");
        put_ip(i + 1 == count ? peer : "2001:db8:2::1");
        put_option(18, "eth0", 4); /* the interface */
        put16(&made, 9);
        mark[i] = put_open(&made, 2);
    }
    put_reply(duid_en, sizeof duid_en);
    while (count-- > 0)
        put_close(&made, mark[count], 2);
}

static void test_relays(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= 8; count++) {
        put_relays(count, "fe80::21b:21ff:fe01:203");
        assert_int_equal(read_dhcp6(made.size, "2001:db8::9", other), PARSE_OK);
        assert_int_equal(found.count, 2);
        expect_one(0, "2001:db8::77", "00:1b:21:01:02:03", BINDING_DHCP6, 86400);
    }
    for (size_t size = 0; size < made.size; size++) {
        read_dhcp6(size, "2001:db8::9", other);
        assert_int_equal(found.count, 0);
    }
    put_relays(9, "fe80::21b:21ff:fe01:203");
    assert_int_equal(read_dhcp6(made.size, "2001:db8::9", other), PARSE_MALFORMED);
    made.data[0] = 12; /* on the way to the server: wishes */
    assert_int_equal(read_dhcp6(made.size, "2001:db8::9", other), PARSE_NOT);
}

static void test_refused_and_ended(void **state)
{
    (void)state;
    begin();
    put(&made, "\7\1\2\3", 4);
    put_option(1, duid_llt, sizeof duid_llt);
    put16(&made, 3);
    size_t mark = put_open(&made, 2);
    put32(&made, 1), put32(&made, 0), put32(&made, 0);
    put_address("2001:db8::77", 0); /* no longer valid */
    put_address("2001:db8::78", 60);
    size_t status = made.size;
    put_option(13, "\0\2", 2); /* NoAddrsAvail */
    put_close(&made, mark, 2);
    assert_int_equal(read_dhcp6(made.size, "2001:db8::9", NULL), PARSE_OK);
    assert_int_equal(found.count, 0);
    made.data[status + 5] = 0; /* Success */
    assert_int_equal(read_dhcp6(made.size, "2001:db8::9", NULL), PARSE_OK);
    assert_int_equal(found.count, 1);
    expect_one(0, "2001:db8::78", "00:1b:21:01:02:03", BINDING_DHCP6, 60);
    made.data[mark - 1] = 3; /* an association too short for its head */
    assert_int_equal(read_dhcp6(made.size, "2001:db8::9", NULL), PARSE_MALFORMED);
}

static void test_more_than_is_kept(void **state)
{
    (void)state;
    begin();
    put(&made, "\7\1\2\3", 4);
    put_option(1, duid_llt, sizeof duid_llt);
    put16(&made, 4);
    size_t mark = put_open(&made, 2);
    put32(&made, 1);
    for (unsigned i = 0; i < BINDINGS_MAX + 5; i++)
        put_address("2001:db8::78", 60);
    put_close(&made, mark, 2);
    assert_int_equal(read_dhcp6(made.size, "2001:db8::9", NULL), PARSE_OK);
    assert_int_equal(found.count, BINDINGS_MAX);
    assert_int_equal(found.more, 5);
}

/* --- packets -----------------------------------------------------------------------------------
 */

static void test_which_packets(void **state)
{
    uint8_t macs[2 * MAC_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    (void)state;
    memcpy(macs + MAC_SIZE, mac, MAC_SIZE);
    make_arp(1, mac, "10.0.0.1");
    struct packet packet = {
        .arp = made.data, .arp_captured = (uint32_t)made.size, .frames = 1, .arp_macs = macs};
    assert_int_equal(binding_parse(DECODE_ARP, &packet, &found), PARSE_OK);
    assert_int_equal(found.count, 1);
    assert_int_equal(binding_parse(DECODE_OK, &packet, &found), PARSE_OK); /* in a tunnel */
    assert_int_equal(found.count, 1);
    assert_int_equal(binding_parse(DECODE_NOT_IP, &packet, &found), PARSE_NOT);
    assert_int_equal(found.count, 0);
    begin();
    put_ip("2001:db8::2");
    put_link_option(1, mac);
    packet.arp = NULL;
    packet.macs = macs;
    packet.payload = made.data;
    packet.payload_captured = (uint32_t)made.size;
    packet.proto = PROTO_ICMP6;
    packet.ip_version = 6;
    packet.ttl = 255;
    packet.src_port = 135;
    packet.src = ip("2001:db8::1");
    assert_int_equal(binding_parse(DECODE_OK, &packet, &found), PARSE_OK);
    assert_int_equal(found.count, 1);
    packet.ttl = 254; /* from beyond a router */
    assert_int_equal(binding_parse(DECODE_OK, &packet, &found), PARSE_NOT);
    packet.ttl = 255;
    packet.fragment = true;
    assert_int_equal(binding_parse(DECODE_OK, &packet, &found), PARSE_NOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arp),
        cmocka_unit_test(test_arp_for_another),
        cmocka_unit_test(test_arp_cut_and_broken),
        cmocka_unit_test(test_solicitation_and_advertisement),
        cmocka_unit_test(test_routers),
        cmocka_unit_test(test_neighbour_cut_and_broken),
        cmocka_unit_test(test_acknowledgement),
        cmocka_unit_test(test_what_is_no_lease),
        cmocka_unit_test(test_overload),
        cmocka_unit_test(test_client_identifiers),
        cmocka_unit_test(test_reply),
        cmocka_unit_test(test_whose_reply),
        cmocka_unit_test(test_relays),
        cmocka_unit_test(test_refused_and_ended),
        cmocka_unit_test(test_more_than_is_kept),
        cmocka_unit_test(test_which_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
