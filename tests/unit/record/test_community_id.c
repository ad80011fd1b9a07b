/* Community ID v1 against the specification's own baseline (corelight/community-id-spec,
 * baseline_deflt.json) and the reference implementation's tests (pycommunityid). */
#include "weir/record/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct flow_key key_of(uint8_t proto, const char *a, uint16_t ap, const char *b, uint16_t bp)
{
    struct flow_key key = {.proto = proto, .orig_port = ap, .resp_port = bp};
    assert_int_equal(ip_parse(a, &key.orig_ip), 0);
    assert_int_equal(ip_parse(b, &key.resp_ip), 0);
    return key;
}

static struct flow_key turned(const struct flow_key *key)
{
    struct flow_key other = *key;
    other.orig_ip = key->resp_ip;
    other.resp_ip = key->orig_ip;
    other.orig_port = key->resp_port;
    other.resp_port = key->orig_port;
    return other;
}

struct baseline {
    uint8_t proto;
    bool one_way;
    const char *a;
    uint16_t ap;
    const char *b;
    uint16_t bp;
    const char *id;
};

static const struct baseline baseline[] = {
    {58, false, "fe80::200:86ff:fe05:80da", 135, "fe80::260:97ff:fe07:69ea", 136,
     "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
    {58, false, "fe80::260:97ff:fe07:69ea", 135, "fe80::200:86ff:fe05:80da", 136,
     "1:zavyT/cezQr1fmImYCwYnMXbgck="},
    {58, true, "3ffe:501:1800:2345::2", 3, "3ffe:507:0:1:200:86ff:fe05:80da", 0,
     "1:2ObVBgIn28oZvibYZhZMBgh7WdQ="},
    {58, true, "3ffe:501:410:0:2c0:dfff:fe47:33e", 1, "3ffe:507:0:1:200:86ff:fe05:80da", 4,
     "1:hLZd0XGWojozrvxqE0dWB1iM6R0="},
    {58, false, "3ffe:507:0:1:200:86ff:fe05:80da", 128, "3ffe:501:0:1001::2", 129,
     "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="},
    {58, false, "fe80::200:86ff:fe05:80da", 133, "ff02::2", 134, "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0="},
    {58, false, "fe80::260:97ff:fe07:69ea", 134, "ff02::1", 133, "1:pkvHqCL88/tg1k4cPigmZXUtL00="},
    {1, false, "192.168.0.89", 8, "192.168.0.1", 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
    {1, true, "10.0.0.1", 11, "10.0.0.2", 0, "1:YHxtAirCG//0OzkcVAukqKQN9xM="},
    {6, false, "2001:470:e5bf:dead:4957:2174:e82c:4887", 63943, "2607:f8b0:400c:c03::1a", 25,
     "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
    {132, false, "192.168.170.8", 7, "192.168.170.56", 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="},
    {6, false, "128.232.110.120", 34855, "66.35.250.204", 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
    {17, false, "192.168.1.52", 54585, "8.8.8.8", 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
    {46, false, "10.1.12.1", 0, "10.1.12.2", 0, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="},
    /* pycommunityid: a one-way type counts its code, and its directions are two flows */
    {1, true, "192.168.0.89", 20, "192.168.0.1", 0, "1:3o2RFccXzUgjl7zDpqmY7yJi8rI="},
    {1, true, "192.168.0.89", 20, "192.168.0.1", 1, "1:tz/fHIDUHs19NkixVVoOZywde+I="},
    {58, true, "3ffe:507:0:1:260:97ff:fe07:69ea", 3, "3ffe:507:0:1:200:86ff:fe05:80da", 0,
     "1:NdobDX8PQNJbAyfkWxhtL2Pqp5w="},
    {58, true, "3ffe:507:0:1:200:86ff:fe05:80da", 3, "3ffe:507:0:1:260:97ff:fe07:69ea", 0,
     "1:/OGBt9BN1ofenrmSPWYicpij2Vc="},
    {6, false, "10.0.0.1", 10, "10.0.0.2", 11569, "1:SXBGMX1lBOwhhoDrZynfROxnhnM="},
    {132, false, "192.168.170.8", 7, "192.168.170.56", 80, "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ="},
};

static void test_baseline(void **state)
{
    char text[32];
    (void)state;
    for (size_t i = 0; i < sizeof baseline / sizeof *baseline; i++) {
        const struct baseline *row = &baseline[i];
        struct flow_key key = key_of(row->proto, row->a, row->ap, row->b, row->bp);
        assert_string_equal(flow_key_community_id(&key, text), row->id);
        key.vlan = 7; /* no part of it */
        assert_string_equal(flow_key_community_id(&key, text), row->id);
        struct flow_key other = turned(&key);
        if (!row->one_way)
            assert_string_equal(flow_key_community_id(&other, text), row->id);
    }
}

static void test_icmp_ports(void **state)
{
    /* RFC 792, 950, 1256 and RFC 4443, 2710, 4861, 4620, 6275, paired as Zeek pairs them. */
    static const uint8_t v4[][2] = {{8, 0}, {10, 9}, {13, 14}, {15, 16}, {17, 18}};
    static const uint8_t v6[][2] = {{128, 129}, {130, 131}, {133, 134},
                                    {135, 136}, {139, 140}, {144, 145}};
    int two_way = 0;
    uint16_t src, dst;
    (void)state;
    for (unsigned proto = 1; proto <= 58; proto += 57)
        for (unsigned type = 0; type < 256; type++) {
            bool both = icmp_ports((uint8_t)proto, (uint8_t)type, 77, &src, &dst);
            assert_int_equal(src, type);
            if (!both)
                assert_int_equal(dst, 77);
            two_way += both;
        }
    assert_int_equal(two_way, 2 * (5 + 6));
    for (size_t i = 0; i < 5 + 6; i++) {
        const uint8_t *pair = i < 5 ? v4[i] : v6[i - 5];
        for (int way = 0; way < 2; way++) {
            assert_true(icmp_ports(i < 5 ? 1 : 58, pair[way], 0, &src, &dst));
            assert_int_equal(dst, pair[!way]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_baseline),
                                       cmocka_unit_test(test_icmp_ports)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
