/* Devices in the place of addresses: what is one, and how people read it. */
#include "weir/base/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void expect_text(const struct ip *host, const char *expected)
{
    char text[IP_TEXT_SIZE];
    assert_string_equal(host_text(host, text), expected);
}

static void test_a_mac(void **state)
{
    static const uint8_t mac[MAC_SIZE] = {0x00, 0x1b, 0x21, 0xab, 0xcd, 0xef};
    struct ip device = device_of_mac(mac), same;
    char text[IP_TEXT_SIZE];
    (void)state;
    assert_true(ip_is_device(&device));
    assert_memory_equal(device_mac(&device), mac, MAC_SIZE);
    expect_text(&device, "00:1b:21:ab:cd:ef");
    /* What a store or a saved baseline names it by, and back. */
    assert_string_equal(ip_text(&device, text), "100::1b:21ab:cdef");
    assert_int_equal(ip_parse(text, &same), 0);
    assert_memory_equal(&same, &device, sizeof device);
    assert_false(ip_is_v4(&device));
    assert_false(ip_is_broadcast(&device));
}

static void test_an_identifier(void **state)
{
    static const uint8_t id[] = {0, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    struct ip device = device_of_id(id, sizeof id), other = device_of_id(id, sizeof id - 1);
    char text[IP_TEXT_SIZE];
    (void)state;
    assert_true(ip_is_device(&device));
    assert_null(device_mac(&device));
    assert_int_not_equal(ip_compare(&device, &other), 0);
    host_text(&device, text);
    assert_memory_equal(text, "duid:", 5);
    assert_int_equal(strlen(text), 5 + 14);
    assert_int_equal(strspn(text + 5, "0123456789abcdef"), 14);
}

static void test_an_address_is_no_device(void **state)
{
    static const char *const address[] = {
        "10.0.0.1",        "::",      "100:0:0:1::1", "100::2:0:0:1",
        "100::ff00:0:0:1", "fe80::1", "101::1",       "100::1:0:0:0"};
    struct ip ip;
    (void)state;
    for (size_t i = 0; i < sizeof address / sizeof *address; i++) {
        assert_int_equal(ip_parse(address[i], &ip), 0);
        assert_false(ip_is_device(&ip));
        assert_null(device_mac(&ip));
    }
    assert_int_equal(ip_parse("10.4.0.17", &ip), 0);
    expect_text(&ip, "10.4.0.17");
    assert_int_equal(ip_parse("2001:db8::1", &ip), 0);
    expect_text(&ip, "2001:db8::1");
}

static void test_stations(void **state)
{
    static const uint8_t none[MAC_SIZE], all[MAC_SIZE] = {255, 255, 255, 255, 255, 255},
                                         group[MAC_SIZE] = {0x33, 0x33, 0, 0, 0, 1},
                                         station[MAC_SIZE] = {2};
    (void)state;
    assert_false(mac_is_station(none));
    assert_false(mac_is_station(all));
    assert_false(mac_is_station(group));
    assert_true(mac_is_station(station));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_mac),
        cmocka_unit_test(test_an_identifier),
        cmocka_unit_test(test_an_address_is_no_device),
        cmocka_unit_test(test_stations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
