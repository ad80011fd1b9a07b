/* Who holds an address: leases and claims, changes, proxies, bounds, and all of it packed. */
#include "records.h"

#include "../../../sensor/engine/identity.h"

#include "weir/base/device.h"

#include <stdio.h>

#define NOON INT64_C(1772452800000000000)

static int set_up(void **state)
{
    static struct identity identity;
    identity_init(&identity, 100);
    *state = &identity;
    return 0;
}

static int tear_down(void **state)
{
    identity_fini(*state);
    return 0;
}

static struct ip device(unsigned number)
{
    uint8_t mac[MAC_SIZE] = {2, 0, 0, 0, (uint8_t)(number >> 8), (uint8_t)number};
    return device_of_mac(mac);
}

static void learn(struct identity *identity, int64_t time_ns, const char *address, unsigned number,
                  enum binding_kind kind, uint32_t lease_s)
{
    union any_record record;
    make_binding(&record, 1, time_ns, make_ip(address), device(number), kind, lease_s);
    assert_int_equal(record_validate(&record, record.header.size), RECORD_OK);
    identity_learn(identity, &record.binding);
}

/* 0: nobody. */
static void expect(const struct identity *identity, const char *address, int64_t time_ns,
                   unsigned number)
{
    struct ip ip = make_ip(address), wanted = device(number);
    const struct ip *found =
        identity_of(identity, &ip, (struct ptime){time_ns}, (struct ptime){time_ns});
    if (number == 0) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_int_equal(ip_compare(found, &wanted), 0);
    }
}

static void test_a_claim_lasts_a_day(void **state)
{
    struct identity *identity = *state;
    learn(identity, NOON, "10.0.0.1", 1, BINDING_ARP, 0);
    expect(identity, "10.0.0.1", NOON - 1, 0);
    expect(identity, "10.0.0.1", NOON, 1);
    expect(identity, "10.0.0.1", NOON + NS_PER_DAY - 1, 1);
    expect(identity, "10.0.0.1", NOON + NS_PER_DAY, 0);
    expect(identity, "10.0.0.2", NOON, 0);
    learn(identity, NOON + 20 * NS_PER_HOUR, "10.0.0.1", 1, BINDING_ARP, 0);
    expect(identity, "10.0.0.1", NOON, 1);
    expect(identity, "10.0.0.1", NOON + 43 * NS_PER_HOUR, 1);
    assert_int_equal(identity->counts.moved, 0);
}

/* A record may be told up to ten seconds after its bytes left. */
static void test_bytes_are_whose_the_address_was(void **state)
{
    struct identity *identity = *state;
    struct ip ip = make_ip("10.0.0.1"), first = device(1);
    struct ptime before = {NOON - NS_PER_S}, after = {NOON + NS_PER_S};
    learn(identity, NOON, "10.0.0.1", 1, BINDING_ND, 0);
    const struct ip *found = identity_of(identity, &ip, before, after);
    assert_non_null(found); /* nobody is known to have held it before */
    assert_int_equal(ip_compare(found, &first), 0);
    learn(identity, NOON + NS_PER_MIN, "10.0.0.1", 2, BINDING_ND, 0);
    expect(identity, "10.0.0.1", NOON + NS_PER_MIN - 1, 1);
    expect(identity, "10.0.0.1", NOON + NS_PER_MIN, 2);
    assert_int_equal(identity->counts.moved, 1);
}

static void test_a_lease_outweighs_claims(void **state)
{
    struct identity *identity = *state;
    learn(identity, NOON, "10.0.0.1", 1, BINDING_DHCP4, 3600);
    learn(identity, NOON + NS_PER_MIN, "10.0.0.1", 2, BINDING_ARP, 0);
    expect(identity, "10.0.0.1", NOON + NS_PER_MIN, 1);
    assert_int_equal(identity->counts.contested, 1);
    assert_int_equal(identity->counts.moved, 0);
    /* A little slack behind the end, in which others may claim. */
    expect(identity, "10.0.0.1", NOON + 2 * NS_PER_HOUR - 1, 1);
    expect(identity, "10.0.0.1", NOON + 2 * NS_PER_HOUR, 0);
    learn(identity, NOON + NS_PER_HOUR, "10.0.0.1", 2, BINDING_ARP, 0);
    expect(identity, "10.0.0.1", NOON + NS_PER_HOUR, 2);
    assert_int_equal(identity->counts.moved, 1);
}

static void test_the_newest_lease_wins(void **state)
{
    struct identity *identity = *state;
    learn(identity, NOON, "2001:db8::1", 1, BINDING_DHCP6, UINT32_MAX); /* for ever */
    expect(identity, "2001:db8::1", NOON + 300 * NS_PER_DAY, 1);
    expect(identity, "2001:db8::1", NOON + 400 * NS_PER_DAY, 0);
    learn(identity, NOON + NS_PER_DAY, "2001:db8::1", 2, BINDING_DHCP6, 600);
    expect(identity, "2001:db8::1", NOON + NS_PER_DAY - 1, 1);
    expect(identity, "2001:db8::1", NOON + NS_PER_DAY + NS_PER_HOUR, 2);
    expect(identity, "2001:db8::1", NOON + 2 * NS_PER_DAY, 0);
    assert_int_equal(identity->counts.moved, 1);
}

/* DHCP without a stated length counts as much as a claim. */
static void test_a_lease_of_no_length(void **state)
{
    struct identity *identity = *state;
    learn(identity, NOON, "10.0.0.1", 1, BINDING_DHCP4, 0);
    expect(identity, "10.0.0.1", NOON + 23 * NS_PER_HOUR, 1);
    learn(identity, NOON + NS_PER_HOUR, "10.0.0.1", 2, BINDING_ARP, 0);
    expect(identity, "10.0.0.1", NOON + NS_PER_HOUR, 2);
}

static void claim_many(struct identity *identity, int64_t now_ns, unsigned count, unsigned number,
                       enum binding_kind kind)
{
    char address[32];
    for (unsigned i = 0; i < count; i++) {
        snprintf(address, sizeof address, "10.0.1.%u", i);
        learn(identity, now_ns + i, address, number, kind, kind == BINDING_DHCP4 ? 60 : 0);
    }
}

static void test_a_proxy_holds_nothing(void **state)
{
    struct identity *identity = *state;
    learn(identity, NOON, "10.0.0.1", 1, BINDING_ARP, 0);
    claim_many(identity, NOON, IDENTITY_PROXY_CLAIMS - 1, 1, BINDING_ARP);
    claim_many(identity, NOON + NS_PER_MIN, IDENTITY_PROXY_CLAIMS - 1, 1, BINDING_ARP); /* again */
    expect(identity, "10.0.1.5", NOON + NS_PER_MIN, 1);
    assert_int_equal(identity->counts.proxies, 0);
    learn(identity, NOON + 2 * NS_PER_MIN, "10.0.0.2", 1, BINDING_ARP, 0);
    assert_int_equal(identity->counts.proxies, 1);
    assert_int_equal(identity->counts.by_proxy, 1);
    expect(identity, "10.0.0.1", NOON, 0); /* nor what it claimed before */
    expect(identity, "10.0.1.5", NOON + NS_PER_MIN, 0);
    learn(identity, NOON + 3 * NS_PER_MIN, "10.0.0.1", 1, BINDING_ARP, 0);
    expect(identity, "10.0.0.1", NOON + 3 * NS_PER_MIN, 0);
    learn(identity, NOON + 4 * NS_PER_MIN, "10.0.0.1", 2, BINDING_ARP, 0);
    expect(identity, "10.0.0.1", NOON + 4 * NS_PER_MIN, 2);
    assert_int_equal(identity->counts.moved, 0);
}

static void test_slow_claims_and_leases_make_no_proxy(void **state)
{
    struct identity *identity = *state;
    claim_many(identity, NOON, 50, 1, BINDING_ARP);
    for (unsigned i = 0; i < 50; i++) {
        char address[32];
        snprintf(address, sizeof address, "10.0.2.%u", i);
        learn(identity, NOON + NS_PER_HOUR + i, address, 1, BINDING_ND, 0);
    }
    claim_many(identity, NOON + 2 * NS_PER_HOUR, 99, 2, BINDING_DHCP4);
    assert_int_equal(identity->counts.proxies, 0);
    expect(identity, "10.0.1.70", NOON + 2 * NS_PER_HOUR + NS_PER_S, 2);
}

static void test_the_bound(void **state)
{
    struct identity *identity = *state;
    char address[32];
    learn(identity, NOON, "10.9.0.1", 7, BINDING_DHCP4, 86400);
    for (unsigned i = 0; i < 300; i++) {
        snprintf(address, sizeof address, "10.0.%u.%u", i / 200, i % 200);
        learn(identity, NOON + i, address, 1000 + i, BINDING_ARP, 0);
    }
    assert_int_equal(identity->addresses.count, 100);
    assert_int_equal(identity->devices.count, 100);
    assert_int_equal(identity->counts.forgotten, 201 + 200);
    expect(identity, "10.9.0.1", NOON + NS_PER_HOUR, 7); /* a lease is forgotten last */
    expect(identity, "10.0.0.0", NOON + NS_PER_HOUR, 0);
    expect(identity, "10.0.1.99", NOON + NS_PER_HOUR, 1299);
}

static struct buffer packed(const struct identity *identity)
{
    struct buffer out = {0};
    identity_pack(identity, &out);
    return out;
}

static void test_packed(void **state)
{
    struct identity *identity = *state, again;
    claim_many(identity, NOON, 70, 1, BINDING_ARP); /* a proxy */
    claim_many(identity, NOON, 20, 2, BINDING_DHCP4);
    claim_many(identity, NOON + NS_PER_HOUR, 9, 3, BINDING_ND);
    struct buffer first = packed(identity);
    struct cursor in = cursor_make(first.data, first.size);
    identity_init(&again, 100);
    assert_true(identity_unpack(&again, &in));
    assert_int_equal(cursor_left(&in), 0);
    /* Both go on alike, forgetting the same. */
    for (unsigned i = 0; i < 300; i++) {
        char address[32];
        snprintf(address, sizeof address, "10.0.%u.%u", i % 3, i % 250);
        learn(identity, NOON + 2 * NS_PER_HOUR + i, address, i % 40, i % 4, i);
        learn(&again, NOON + 2 * NS_PER_HOUR + i, address, i % 40, i % 4, i);
    }
    struct buffer a = packed(identity), b = packed(&again);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    identity_fini(&again);
    for (size_t size = 0; size < first.size; size += 7) { /* cut anywhere: refused, nothing lost */
        in = cursor_make(first.data, size);
        identity_init(&again, 100);
        assert_false(identity_unpack(&again, &in));
        identity_fini(&again);
    }
    buffer_fini(&first);
    buffer_fini(&a);
    buffer_fini(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_claim_lasts_a_day),
        TEST(test_bytes_are_whose_the_address_was),
        TEST(test_a_lease_outweighs_claims),
        TEST(test_the_newest_lease_wins),
        TEST(test_a_lease_of_no_length),
        TEST(test_a_proxy_holds_nothing),
        TEST(test_slow_claims_and_leases_make_no_proxy),
        TEST(test_the_bound),
        TEST(test_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
