/* Tenants keep equal addresses apart; what carried a flow is told with it, and what is told of a
 * side never mixes two ways. */
#include "listener.h"

#include "../../../sensor/flow/flow.h"

#include <stdio.h>

static struct packet with_tunnel(struct packet p, unsigned from, unsigned to, uint8_t layer,
                                 uint32_t id)
{
    p.tunnel = (struct tunnel){.orig_ip = host(from), .resp_ip = host(to), .count = 1};
    p.tunnel.layer[0] = layer;
    p.tunnel.id[0] = id;
    return p;
}

static struct packet with_tenant(struct packet p, uint64_t tenant)
{
    p.tenant = tenant;
    return p;
}

static bool is_host(const struct ip *ip, unsigned number)
{
    struct ip wanted = host(number);
    return ip_compare(ip, &wanted) == 0;
}

static void tenants_keep_flows_apart(void **state)
{
    (void)state;
    struct listener l;
    enum flow_side side;
    listen_default(&l);
    struct packet p = udp(1, 1000, 2, 53, 100, SECOND), back = udp(2, 53, 1, 1000, 10, SECOND);
    struct flow *none = feed(&l, &p, NULL);
    p = with_tenant(p, 7);
    struct flow *seven = feed(&l, &p, NULL);
    p = with_tenant(p, UINT64_MAX);
    struct flow *other = feed(&l, &p, NULL);
    assert_true(none != seven && seven != other && none != other);
    assert_int_equal(flow_get_key(seven)->tenant, 7);
    back = with_tenant(back, 7);
    assert_ptr_equal(feed(&l, &back, &side), seven);
    assert_int_equal(side, SIDE_RESP);
    flow_table_finish(l.table, (struct ptime){2 * SECOND});
    assert_int_equal(l.count, 3);
    assert_int_equal(l.told[0].key.tenant, 0); /* the order of keys: none first */
    listen_end(&l);
}

/* Found again, gone again: with many, the index grows and shifts. */
static void many_tenants(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    for (unsigned i = 0; i < 20000; i++) {
        struct packet p =
            with_tenant(udp(1, 1000, 2, 53, 1, SECOND), i * UINT64_C(0x9e3779b97f4a7c15));
        feed(&l, &p, NULL);
    }
    for (unsigned i = 0; i < 20000; i++) {
        struct packet p =
            with_tenant(udp(2, 53, 1, 1000, 1, SECOND), i * UINT64_C(0x9e3779b97f4a7c15));
        feed(&l, &p, NULL);
    }
    assert_int_equal(flow_table_count(l.table), 20000);
    flow_table_advance(l.table, (struct ptime){NS_PER_HOUR});
    assert_int_equal(flow_table_count(l.table), 0);
    listen_end(&l);
}

static void both_sides_by_the_same_way(void **state)
{
    (void)state;
    struct listener l;
    struct tunnel tunnel[SIDES];
    listen_default(&l);
    struct packet p = with_tunnel(udp(1, 1000, 2, 53, 100, SECOND), 91, 92, LAYER_GTPU, 5);
    struct flow *flow = feed(&l, &p, NULL);
    p = with_tunnel(udp(2, 53, 1, 1000, 300, SECOND), 92, 91, LAYER_GTPU, 6);
    feed(&l, &p, NULL);
    assert_true(flow_table_tunnels(l.table, flow, tunnel));
    assert_memory_equal(&tunnel[0], &tunnel[1], sizeof *tunnel); /* the first packet's */
    assert_int_equal(tunnel[0].id[0], 5);
    assert_true(is_host(&tunnel[0].orig_ip, 91));
    assert_int_equal(l.count, 0);
    assert_int_equal(flow_get_flags(flow) & (FLOW_TUNNELLED | FLOW_TUNNEL_MOVED), FLOW_TUNNELLED);
    listen_end(&l);
    p = udp(1, 1000, 2, 53, 100, SECOND);
    listen_default(&l);
    assert_false(flow_table_tunnels(l.table, feed(&l, &p, NULL), tunnel));
    listen_end(&l);
}

/* The other side's packets do not come back through the tunnel, but by one of their own. */
static void each_side_has_its_way(void **state)
{
    (void)state;
    struct listener l;
    struct tunnel tunnel[SIDES];
    listen_default(&l);
    struct packet p = with_tunnel(udp(1, 1000, 2, 53, 100, SECOND), 91, 92, LAYER_IP, 4);
    struct flow *flow = feed(&l, &p, NULL);
    p = with_tunnel(udp(2, 53, 1, 1000, 300, SECOND), 91, 92, LAYER_IP, 4);
    feed(&l, &p, NULL);
    assert_true(flow_table_tunnels(l.table, flow, tunnel));
    assert_true(is_host(&tunnel[0].orig_ip, 91));
    assert_true(is_host(&tunnel[1].orig_ip, 92));
    assert_false(flow_get_flags(flow) & FLOW_TUNNEL_MOVED);
    p = udp(2, 53, 1, 1000, 300, SECOND); /* and then by none */
    feed(&l, &p, NULL);
    assert_int_equal(l.count, 1);
    assert_true(flow_table_tunnels(l.table, flow, tunnel));
    assert_int_equal(tunnel[1].count, 0);
    assert_true(flow_get_flags(flow) & FLOW_TUNNEL_MOVED);
    listen_end(&l);
}

/* What came by the old way is told before the first packet by the new one is counted. */
static void a_move_is_told_first(void **state)
{
    (void)state;
    struct listener l;
    struct tunnel tunnel[SIDES];
    listen_default(&l);
    struct packet p = udp(1, 1000, 2, 53, 100, SECOND);
    struct flow *flow = feed(&l, &p, NULL);
    feed(&l, &p, NULL);
    p = with_tunnel(udp(1, 1000, 2, 53, 1000, 2 * SECOND), 91, 92, LAYER_IP, 4);
    assert_ptr_equal(feed(&l, &p, NULL), flow);
    assert_int_equal(l.count, 1);
    assert_int_equal(l.told[0].fresh[SIDE_ORIG].payload_bytes, 200);
    assert_int_equal(l.told[0].header.time_ns, 2 * SECOND);
    for (int i = 0; i < 5; i++)
        feed(&l, &p, NULL);
    assert_int_equal(l.count, 1);
    assert_true(flow_table_tunnels(l.table, flow, tunnel));
    p = with_tunnel(p, 91, 93, LAYER_IP, 4);
    feed(&l, &p, NULL);
    assert_int_equal(l.count, 2);
    assert_int_equal(l.told[1].fresh[SIDE_ORIG].payload_bytes, 6000);
    l.refuse = true; /* no room in the ring: it goes on, told with what comes next */
    p = with_tunnel(p, 91, 94, LAYER_IP, 4);
    struct health health = {0};
    flow_table_health(l.table, &health);
    assert_int_equal(health.tunnels_mixed, 0);
    feed(&l, &p, NULL);
    flow_table_health(l.table, &health);
    assert_int_equal(health.tunnels_mixed, 1);
    flow_table_finish(l.table, (struct ptime){3 * SECOND});
    assert_int_equal(l.told[2].fresh[SIDE_ORIG].payload_bytes, 2000);
    assert_int_equal(l.told[2].total[SIDE_ORIG].payload_bytes, 8200);
    listen_end(&l);
}

static void sides_turn(void **state)
{
    (void)state;
    struct listener l;
    struct tunnel tunnel[SIDES];
    listen_default(&l);
    struct packet p = with_tunnel(tcp(true, TCP_ACK, 100, 1, 10, SECOND), 91, 92, LAYER_VXLAN, 42);
    struct flow *flow = feed(&l, &p, NULL); /* who opened is guessed: port 443 answers */
    p = with_tunnel(tcp(false, TCP_SYN, 1, 0, 0, SECOND), 92, 91, LAYER_VXLAN, 42);
    assert_ptr_equal(feed(&l, &p, NULL), flow);
    if (l.swapped == 0) /* a SYN of a flow that goes on may begin another */
        fail_msg("sides did not turn");
    assert_true(flow_table_tunnels(l.table, flow, tunnel));
    assert_true(is_host(&tunnel[0].orig_ip, 92));
    assert_memory_equal(&tunnel[0], &tunnel[1], sizeof *tunnel);
    assert_int_equal(l.count, 0);
    listen_end(&l);
}

static void kept_once_and_bounded(void **state)
{
    (void)state;
    struct tunnels t;
    struct tunnel value = {.orig_ip = host(1), .resp_ip = host(2), .count = 1};
    value.layer[0] = LAYER_VXLAN;
    tunnels_init(&t);
    assert_int_equal(tunnels_take(&t, &(struct tunnel){.count = 0}), TUNNEL_NONE);
    uint16_t first = tunnels_take(&t, &value);
    value.id[3] = 9; /* behind its count: nothing */
    assert_int_equal(tunnels_take(&t, &value), first);
    assert_int_equal(t.used, 1);
    tunnels_drop(&t, first);
    tunnels_drop(&t, first);
    assert_int_equal(t.used, 0);
    for (uint32_t i = 0; i < TUNNELS_WHOLE; i++) {
        value.id[0] = i + 1;
        assert_int_not_equal(tunnels_take(&t, &value), TUNNEL_NONE);
    }
    assert_int_equal(t.forgotten, 0);
    value.id[0] = TUNNELS_WHOLE + 1; /* only where it leads */
    uint16_t plain = tunnels_take(&t, &value);
    value.id[0]++;
    assert_int_equal(tunnels_take(&t, &value), plain);
    assert_int_equal(tunnels_get(&t, plain)->id[0], 0);
    assert_int_equal(t.forgotten, 2);
    for (uint32_t i = t.used; i < TUNNELS_MAX; i++) {
        value.orig_ip = host(100 + i);
        assert_int_not_equal(tunnels_take(&t, &value), TUNNEL_NONE);
    }
    value.orig_ip = host(99);
    assert_int_equal(t.lost, 0);
    assert_int_equal(tunnels_take(&t, &value), TUNNEL_NONE);
    assert_int_equal(t.lost, 1);
    assert_int_equal(tunnels_get(&t, TUNNEL_NONE)->count, 0);
    tunnels_drop(&t, first); /* room again */
    assert_int_equal(tunnels_take(&t, &value), first);
    tunnels_fini(&t);
}

static void forgotten_is_counted(void **state)
{
    (void)state;
    struct listener l;
    struct tunnel tunnel[SIDES];
    listen_default(&l);
    for (uint32_t i = 0; i < TUNNELS_MAX + 10; i++) {
        struct packet p = with_tunnel(udp(i, 1000, 2, 53, 10, SECOND), i, 70000, LAYER_IP, 4);
        struct flow *flow = feed(&l, &p, NULL);
        assert_int_equal(flow_table_tunnels(l.table, flow, tunnel), i < TUNNELS_MAX);
        assert_true(flow_get_flags(flow) & FLOW_TUNNELLED);
    }
    struct health health = {0};
    flow_table_health(l.table, &health);
    assert_true(health.tunnels_forgotten > TUNNELS_MAX - TUNNELS_WHOLE);
    assert_true(health.tunnels_lost >= 10);
    assert_int_equal(l.count, 0); /* nothing moved */
    flow_table_finish(l.table, (struct ptime){2 * SECOND});
    struct packet p = with_tunnel(udp(1, 1000, 2, 53, 10, 2 * SECOND), 5, 70001, LAYER_IP, 4);
    assert_true(flow_table_tunnels(l.table, feed(&l, &p, NULL), tunnel));
    listen_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tenants_keep_flows_apart),   cmocka_unit_test(many_tenants),
        cmocka_unit_test(both_sides_by_the_same_way), cmocka_unit_test(each_side_has_its_way),
        cmocka_unit_test(a_move_is_told_first),       cmocka_unit_test(sides_turn),
        cmocka_unit_test(kept_once_and_bounded),      cmocka_unit_test(forgotten_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
