/* Places that are one: joined by copies, twins by answers; and what must stay apart. */
#include "listener.h"
#include "weir/flow/place.h"

static int begin(void **state)
{
    *state = places_new();
    return 0;
}

static int end(void **state)
{
    places_free(*state);
    return 0;
}

static struct place settled(struct places *places, struct packet packet)
{
    places_settle(places, &packet);
    return (struct place){packet.tenant, packet.vlan};
}

#define assert_place(have, want_vlan, want_tenant)                                                 \
    do {                                                                                           \
        struct place place = (have);                                                               \
        assert_int_equal(place.vlan, want_vlan);                                                   \
        assert_int_equal(place.tenant, want_tenant);                                               \
    } while (0)

/* Host 1 to 2 (`out`) or back, seen in that VLAN and tenant. */
static struct packet seen(bool out, uint16_t vlan, uint64_t tenant)
{
    struct packet p = tcp(out, TCP_ACK, 1, 1, 10, 0);
    p.vlan = vlan;
    p.tenant = tenant;
    return p;
}

static void copy(struct places *places, const struct packet *second, uint16_t vlan, uint64_t tenant)
{
    const struct duplicate of = {{tenant, vlan}, true};
    places_join(places, second, &of);
}

static void test_joined(void **state)
{
    struct packet second = seen(true, 20, 0), back = seen(false, 10, 0);
    assert_place(settled(*state, seen(false, 20, 0)), 20, 0);
    copy(*state, &second, 10, 0);
    assert_place(settled(*state, seen(true, 10, 0)), 10, 0);
    assert_place(settled(*state, seen(false, 20, 0)), 10, 0);
    copy(*state, &back, 20, 0); /* the answer's copy, the other way round: nothing turns */
    assert_place(settled(*state, seen(true, 10, 0)), 10, 0);
    assert_place(settled(*state, seen(true, 20, 0)), 10, 0);
    assert_place(settled(*state, seen(true, 30, 0)), 30, 0);
    assert_place(settled(*state, seen(true, 20, 5)), 20, 5);
}

static void test_three_places(void **state)
{
    struct packet p = seen(true, 20, 0);
    copy(*state, &p, 10, 0);
    p = seen(true, 20, 0);
    copy(*state, &p, 30, 0); /* this time first in 30 */
    p = seen(true, 40, 7);
    copy(*state, &p, 20, 0);
    assert_place(settled(*state, seen(true, 30, 0)), 10, 0);
    assert_place(settled(*state, seen(false, 40, 7)), 10, 0);
}

/* For this pair of addresses, this vantage; and by a copy that is certain. */
static void test_joined_for_one_pair(void **state)
{
    struct packet p = seen(true, 20, 0), other = p;
    copy(*state, &p, 10, 0);
    other.dst = host(3);
    assert_place(settled(*state, other), 20, 0);
    other = p;
    other.vantage = 1;
    assert_place(settled(*state, other), 20, 0);
    other.vantage = 2;
    const struct duplicate unsure = {{0, 10}, false};
    places_join(*state, &other, &unsure);
    assert_place(settled(*state, other), 20, 0);
}

/* Through a tunnel between hosts 100 and 101 in which each id has one direction. */
static struct packet one_way(unsigned client, bool out, uint64_t tenant)
{
    struct packet p =
        udp(out ? client : 9, out ? 40000 : 53, out ? 9 : client, out ? 53 : 40000, 10, 0);
    p.tenant = tenant;
    p.tenant_one_way = true;
    p.tunnel.count = 1;
    p.tunnel.orig_ip = host(out ? 100 : 101);
    p.tunnel.resp_ip = host(out ? 101 : 100);
    return p;
}

static void test_twins(void **state)
{
    assert_place(settled(*state, one_way(1, true, 77)), 0, 77);
    assert_place(settled(*state, one_way(1, false, 88)), 0, 77);
    struct packet p = one_way(1, false, 88); /* whatever else they carry */
    p.src_port = 443;
    assert_place(settled(*state, p), 0, 77);
    assert_place(settled(*state, one_way(1, true, 77)), 0, 77);
    p = one_way(1, false, 88); /* the same number towards another gateway is another one */
    p.tunnel.resp_ip = host(102);
    assert_place(settled(*state, p), 0, 88);
    p = one_way(1, false, 88); /* so is it in another VLAN */
    p.vlan = 3;
    assert_place(settled(*state, p), 3, 88);
}

/* Two networks in two VLANs, alike to the last address, session and port. */
static void test_one_plan_in_two_vlans(void **state)
{
    for (uint16_t vlan = 10; vlan <= 20; vlan = (uint16_t)(vlan + 10)) {
        struct packet p = one_way(1, true, 77);
        p.vlan = vlan;
        assert_place(settled(*state, p), vlan, 77);
    }
    struct packet q = one_way(1, false, 88); /* nobody can say whose answer */
    q.vlan = 20;
    assert_place(settled(*state, q), 20, 88);
    struct packet p = one_way(2, true, 79); /* that which only one asked, through a third */
    p.vlan = 10;
    settled(*state, p);
    q = one_way(2, false, 89);
    q.vlan = 30;
    assert_place(settled(*state, q), 10, 79);
}

/* Neither outer nor inner addresses may differ. */
static void test_no_answer(void **state)
{
    struct packet p;
    settled(*state, one_way(1, true, 77));
    p = one_way(1, false, 81);
    p.src_port = 54;
    assert_place(settled(*state, p), 0, 81);
    p = one_way(1, false, 82);
    p.proto = PROTO_TCP;
    assert_place(settled(*state, p), 0, 82);
    p = one_way(1, false, 83);
    p.tunnel.orig_ip = host(103);
    assert_place(settled(*state, p), 0, 83);
    p = one_way(1, false, 84);
    p.later_fragment = true;
    assert_place(settled(*state, p), 0, 84);
    assert_place(settled(*state, one_way(1, true, 85)), 0, 85); /* the same direction */
    assert_place(settled(*state, one_way(2, false, 86)), 0, 86);
}

static void test_ping(void **state)
{
    struct packet p = one_way(1, true, 77), q = one_way(1, false, 88);
    p.proto = q.proto = PROTO_ICMP;
    p.icmp_id = q.icmp_id = 4;
    p.src_port = 8;
    p.dst_port = q.src_port = q.dst_port = 0;
    assert_place(settled(*state, p), 0, 77);
    q.icmp_id = 5;
    q.tenant = 89;
    assert_place(settled(*state, q), 0, 89);
    q.icmp_id = 4;
    q.tenant = 88;
    assert_place(settled(*state, q), 0, 77);
}

/* Two tenants with one address plan ask the same: their answers are not told apart, so not mixed.
 */
static void test_overlapping_plans(void **state)
{
    settled(*state, one_way(1, true, 77));
    settled(*state, one_way(1, true, 78));
    assert_place(settled(*state, one_way(1, false, 87)), 0, 87);
    assert_place(settled(*state, one_way(1, false, 88)), 0, 88);
    /* by what only one of them asked, they are found */
    struct packet p = one_way(1, true, 78), q = one_way(1, false, 88);
    p.src_port = q.dst_port = 41000;
    settled(*state, p);
    assert_place(settled(*state, q), 0, 78);
    assert_place(settled(*state, one_way(1, false, 88)), 0, 78);
}

/* An id that has its twin takes no second one. */
static void test_one_twin(void **state)
{
    settled(*state, one_way(1, true, 77));
    settled(*state, one_way(1, false, 88));
    assert_place(settled(*state, one_way(1, false, 99)), 0, 99);
}

static void test_bound(void **state)
{
    struct health health = {0};
    struct packet p = seen(true, 20, 0);
    copy(*state, &p, 10, 0);
    for (unsigned i = 0; i < 5 * (PLACES_KEPT / 2); i++) {
        struct packet q = p;
        q.src = host(1000 + i);
        copy(*state, &q, 10, 0);
        if (i % 1000 == 0) /* what is used is kept */
            assert_place(settled(*state, seen(false, 20, 0)), 10, 0);
    }
    assert_place(settled(*state, p), 10, 0);
    p.src = host(1000);
    assert_place(settled(*state, p), 20, 0);
    places_health(*state, &health);
    assert_in_range(health.places_forgotten, PLACES_KEPT - 2, PLACES_KEPT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_joined), TEST(test_three_places),          TEST(test_joined_for_one_pair),
        TEST(test_twins),  TEST(test_one_plan_in_two_vlans), TEST(test_no_answer),
        TEST(test_ping),   TEST(test_overlapping_plans),     TEST(test_one_twin),
        TEST(test_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
