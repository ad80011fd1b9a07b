/* Addresses, prefixes and sets: text both ways, what is refused, and membership against a plain
 * comparison of bits. */
#include "weir/base/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct ip ip_of(const char *text)
{
    struct ip ip;
    assert_int_equal(ip_parse(text, &ip), 0);
    return ip;
}

static struct prefix prefix_from(const char *text)
{
    struct prefix prefix;
    struct error error = {0};
    if (prefix_parse(text, &prefix, &error) != 0)
        fail_msg("%s: %s", text, error.message);
    return prefix;
}

static void test_text_both_ways(void **state)
{
    static const char *const row[][2] = {
        {"10.0.0.1", "10.0.0.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"}, /* RFC 5952 4.2.3 */
        {"::ffff:192.0.2.1", "192.0.2.1"},             /* one form of IPv4 inside */
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    char text[IP_TEXT_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct ip ip = ip_of(row[i][0]), again;
        assert_string_equal(ip_text(&ip, text), row[i][1]);
        assert_int_equal(ip_parse(text, &again), 0);
        assert_int_equal(ip_compare(&ip, &again), 0);
    }
}

static void test_layout(void **state)
{
    static const uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
    struct ip ip = ip_of("192.0.2.1"), v6 = ip_of("2001:db8::");
    (void)state;
    assert_memory_equal(ip.byte, mapped, 16);
    assert_true(ip_is_v4(&ip));
    assert_false(ip_is_v4(&v6));
    struct ip made = ip_from_v4(mapped + 12);
    assert_int_equal(ip_compare(&made, &ip), 0);
    made = ip_from_v6(mapped);
    assert_int_equal(ip_compare(&made, &ip), 0);
}

static void test_refused_addresses(void **state)
{
    static const char *const bad[] = {"",          "10.0.0",       "10.0.0.256", "010.0.0.1",
                                      " 10.0.0.1", "1.2.3.4 ",     "10.0.0.1/8", "::g",
                                      ":::",       "fe80::1%eth0", "0x7f.1",     "localhost"};
    struct ip ip;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ip_parse(bad[i], &ip) == 0)
            fail_msg("accepted \"%s\"", bad[i]);
}

static void test_broadcast(void **state)
{
    static const char *const yes[] = {"255.255.255.255", "0.0.0.0", "::"};
    static const char *const no[] = {"223.255.255.255", "240.0.0.1", "10.255.255.255",
                                     "0.0.0.1",         "fe80::1",   "::1",
                                     "fdff::1",         "224.0.0.1", "ff02::1"};
    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        struct ip ip = ip_of(yes[i]);
        assert_true(ip_is_broadcast(&ip));
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        struct ip ip = ip_of(no[i]);
        assert_false(ip_is_broadcast(&ip));
    }
}

static void test_multicast(void **state)
{
    static const char *const yes[] = {"224.0.0.1", "239.255.255.255", "ff02::1", "ff00::"};
    static const char *const no[] = {"223.255.255.255", "240.0.0.1", "255.255.255.255",
                                     "0.0.0.0",         "fe80::1",   "::"};
    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        struct ip ip = ip_of(yes[i]);
        assert_true(ip_is_multicast(&ip));
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        struct ip ip = ip_of(no[i]);
        assert_false(ip_is_multicast(&ip));
    }
}

static void test_prefix_text(void **state)
{
    static const char *const row[][2] = {
        {"10.0.0.0/8", "10.0.0.0/8"},       {"0.0.0.0/0", "0.0.0.0/0"},
        {"192.0.2.1", "192.0.2.1/32"},      {"2001:db8::/32", "2001:db8::/32"},
        {"2001:db8::1", "2001:db8::1/128"}, {"::/0", "::/0"},
    };
    char text[PREFIX_TEXT_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct prefix prefix = prefix_from(row[i][0]);
        assert_string_equal(prefix_text(&prefix, text), row[i][1]);
    }
    struct prefix longest = prefix_from("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff8/125");
    assert_string_equal(prefix_text(&longest, text), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff8/125");
    assert_int_equal(prefix_from("10.0.0.0/24").bits, 120);
}

static void test_refused_prefixes(void **state)
{
    static const char *const row[][2] = {
        {"", "expected a prefix such as"},
        {"/8", "expected a prefix such as"},
        {"10.0.0.0/33", "from 0 to 32"},
        {"10.0.0.0/", "from 0 to 32"},
        {"10.0.0.0/ 8", "from 0 to 32"},
        {"10.0.0.0/-1", "from 0 to 32"},
        {"10.0.0.0/+8", "from 0 to 32"},
        {"10.0.0.0/8 ", "from 0 to 32"},
        {"10.0.0.0/8/8", "from 0 to 32"},
        {"10.0.0.0/0008", "from 0 to 32"},
        {"10.0.0.0/4294967304", "from 0 to 32"},
        {"2001:db8::/129", "from 0 to 128"},
        {"10.0.0.1/8", "has host bits set, expected 10.0.0.0/8"},
        {"2001:db8::1/64", "has host bits set, expected 2001:db8::/64"},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333/8", "expected a prefix"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct error error = {0};
        struct prefix prefix;
        assert_int_equal(prefix_parse(row[i][0], &prefix, &error), -1);
        assert_int_equal(error.code, ERROR_USAGE);
        if (!strstr(error.message, row[i][1]))
            fail_msg("\"%s\": \"%s\" does not say \"%s\"", row[i][0], error.message, row[i][1]);
    }
}

static void test_prefix_has(void **state)
{
    static const struct {
        const char *prefix, *ip;
        bool has;
    } row[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.1/32", "192.0.2.1", true},
        {"192.0.2.1/32", "192.0.2.0", false},
        {"0.0.0.0/0", "8.8.8.8", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "8.8.8.8", false},
        {"fc00::/7", "fdff::1", true},
        {"fc00::/7", "fe00::1", false},
        {"2001:db8::8/125", "2001:db8::f", true},
        {"2001:db8::8/125", "2001:db8::10", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct prefix prefix = prefix_from(row[i].prefix);
        struct ip ip = ip_of(row[i].ip);
        if (prefix_has(&prefix, &ip) != row[i].has)
            fail_msg("%s in %s", row[i].ip, row[i].prefix);
    }
}

static void test_prefix_of(void **state)
{
    char text[PREFIX_TEXT_SIZE];
    struct ip v4 = ip_of("203.0.113.77"), v6 = ip_of("2001:db8:1:2:3:4:5:6");
    (void)state;
    struct prefix p4 = prefix_of(&v4, 24, 48), p6 = prefix_of(&v6, 24, 48);
    assert_string_equal(prefix_text(&p4, text), "203.0.113.0/24");
    assert_string_equal(prefix_text(&p6, text), "2001:db8:1::/48");
}

static void test_default_inside(void **state)
{
    static const char *const yes[] = {"10.0.0.0",    "172.16.0.1", "172.31.255.255",  "192.168.9.9",
                                      "169.254.1.1", "100.64.0.1", "100.127.255.255", "fd00::1",
                                      "fe80::1",     "febf::1"};
    static const char *const no[] = {"8.8.8.8",     "172.15.255.255", "172.32.0.0", "192.169.0.0",
                                     "100.128.0.0", "2001:db8::1",    "fec0::1",    "::1"};
    struct prefix_set set;
    (void)state;
    prefix_set_init(&set);
    prefix_set_default_inside(&set);
    assert_int_equal(set.count, 7);
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        struct ip ip = ip_of(yes[i]);
        if (!prefix_set_has(&set, &ip))
            fail_msg("%s is not inside", yes[i]);
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        struct ip ip = ip_of(no[i]);
        if (prefix_set_has(&set, &ip))
            fail_msg("%s is inside", no[i]);
    }
    prefix_set_fini(&set);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Few distinct bytes, so that prefixes nest and addresses hit. */
static struct ip random_ip(uint32_t *seed)
{
    struct ip ip;
    for (size_t i = 0; i < 16; i++)
        ip.byte[i] = (uint8_t)(next_random(seed) % 2 ? 0x80 : 0x00);
    return next_random(seed) % 2 ? ip_from_v4(ip.byte) : ip;
}

static bool is_bit_equal(const struct ip *a, const struct ip *b, unsigned bit)
{
    return ((a->byte[bit / 8] ^ b->byte[bit / 8]) & (0x80u >> bit % 8)) == 0;
}

/* By the definition: the first `bits` bits agree (and IPv4 is in no IPv6 prefix). */
static bool has_by_bits(const struct prefix *prefix, const struct ip *ip)
{
    for (unsigned bit = 0; bit < prefix->bits; bit++)
        if (!is_bit_equal(&prefix->ip, ip, bit))
            return false;
    return prefix->bits >= 96 || !ip_is_v4(ip);
}

static void test_set_against_bits(void **state)
{
    uint32_t seed = 7;
    size_t hits = 0;
    (void)state;
    for (int round = 0; round < 300; round++) {
        struct prefix_set set;
        prefix_set_init(&set);
        for (size_t i = 0; i < next_random(&seed) % 20; i++) {
            struct ip ip = random_ip(&seed);
            struct prefix prefix =
                prefix_of(&ip, next_random(&seed) % 33, next_random(&seed) % 129);
            prefix_set_add(&set, prefix);
            prefix_set_add(&set, prefix); /* once is enough */
        }
        for (int i = 0; i < 100; i++) {
            struct ip ip = random_ip(&seed);
            bool expected = false;
            for (size_t k = 0; k < set.count; k++)
                expected = expected || has_by_bits(&set.item[k], &ip);
            assert_int_equal(prefix_set_has(&set, &ip), expected);
            hits += expected;
        }
        for (size_t k = 1; k < set.count; k++)
            assert_true(set.item[k - 1].bits >= set.item[k].bits &&
                        memcmp(&set.item[k - 1], &set.item[k], sizeof *set.item) != 0);
        prefix_set_fini(&set);
    }
    assert_in_range(hits, 3000, 27000); /* neither answer is rare */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_both_ways),    cmocka_unit_test(test_layout),
        cmocka_unit_test(test_refused_addresses), cmocka_unit_test(test_broadcast),
        cmocka_unit_test(test_multicast),         cmocka_unit_test(test_prefix_text),
        cmocka_unit_test(test_refused_prefixes),  cmocka_unit_test(test_prefix_has),
        cmocka_unit_test(test_prefix_of),         cmocka_unit_test(test_default_inside),
        cmocka_unit_test(test_set_against_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
