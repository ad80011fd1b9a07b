/* Which packets are one flow, who opened it, and what its record says. */
#include "listener.h"

static struct side_counts orig_of(const struct flow *flow)
{
    return flow_get_counts(flow, SIDE_ORIG);
}

static struct side_counts resp_of(const struct flow *flow)
{
    return flow_get_counts(flow, SIDE_RESP);
}

static void test_both_directions_are_one_flow(void **state)
{
    (void)state;
    struct listener l;
    enum flow_side side;
    listen_default(&l);
    struct packet ask = udp(1, 5000, 2, 6000, 100, 0), answer = udp(2, 6000, 1, 5000, 300, 5);
    struct flow *flow = feed(&l, &ask, &side);
    assert_int_equal(side, SIDE_ORIG);
    assert_ptr_equal(feed(&l, &answer, &side), flow);
    assert_int_equal(side, SIDE_RESP);
    assert_int_equal(orig_of(flow).packets, 1);
    assert_int_equal(orig_of(flow).payload_bytes, 100);
    assert_int_equal(orig_of(flow).acked_bytes, 100);
    assert_int_equal(orig_of(flow).ip_bytes, 128);
    assert_int_equal(orig_of(flow).wire_bytes, 142);
    assert_int_equal(resp_of(flow).payload_bytes, 300);
    assert_int_equal(flow_get_flags(flow), FLOW_ESTABLISHED);
    assert_int_equal(flow_get_key(flow)->orig_port, 5000);
    assert_int_equal(flow_get_ordinal(flow), 1);
    assert_int_equal(flow_table_count(l.table), 1);
    listen_end(&l);
}

static void test_identity(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    struct packet base = udp(1, 5000, 2, 6000, 1, 0);
    struct packet other[7];
    for (int i = 0; i < 7; i++)
        other[i] = base;
    other[0].vlan = 7;
    other[1].src_port = 5001;
    other[2].dst_port = 6001;
    other[3].src = host(3);
    other[4].dst = host(3);
    other[5].proto = PROTO_TCP;
    other[6].src_port = 6000; /* ports crossed, addresses not: another flow */
    other[6].dst_port = 5000;
    struct flow *flow = feed(&l, &base, NULL);
    for (int i = 0; i < 7; i++)
        assert_ptr_not_equal(feed(&l, &other[i], NULL), flow);
    assert_int_equal(flow_table_count(l.table), 8);
    assert_ptr_equal(feed(&l, &base, NULL), flow);
    listen_end(&l);
}

static void test_many_flows_are_found_again(void **state)
{
    (void)state;
    enum { FLOWS = 50000 };
    struct listener l;
    listen_default(&l);
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < FLOWS; i++) {
            struct packet p = udp(i, 5000, i / 3 + 100000, (uint16_t)(7000 + i % 3), 10, round);
            flow_table_expect_soon(l.table, flow_table_expect(l.table, &p)); /* changes nothing */
            if (round)
                p = udp(i / 3 + 100000, (uint16_t)(7000 + i % 3), i, 5000, 20, round);
            feed(&l, &p, NULL);
        }
        assert_int_equal(flow_table_count(l.table), FLOWS);
    }
    flow_table_finish(l.table, (struct ptime){1});
    assert_int_equal(l.count, FLOWS);
    for (size_t i = 0; i < l.count; i++) {
        assert_int_equal(l.told[i].total[SIDE_ORIG].payload_bytes, 10);
        assert_int_equal(l.told[i].total[SIDE_RESP].payload_bytes, 20);
        assert_int_equal(l.told[i].end, FLOW_END_INPUT);
        if (i)
            assert_true(memcmp(&l.told[i - 1].key, &l.told[i].key, sizeof l.told[i].key) < 0);
    }
    assert_int_equal(flow_table_count(l.table), 0);
    assert_int_equal(l.released, FLOWS);
    struct packet again = udp(1, 5000, 2, 6000, 1, 2); /* the table is usable after */
    feed(&l, &again, NULL);
    assert_int_equal(flow_table_count(l.table), 1);
    listen_end(&l);
    assert_int_equal(l.released, FLOWS + 1);
}

static void test_finish_is_in_order_of_keys_for_ipv6_too(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    srand(4);
    for (int i = 0; i < 2000; i++) {
        struct packet p = udp(1, (uint16_t)(2000 + rand() % 50), 2, 9999, 1, 0);
        if (i % 2) {
            p.ip_version = 6;
            memset(p.src.byte, rand() % 3, 16);
            memset(p.dst.byte, rand() % 3, 16);
            p.src.byte[rand() % 16] = (uint8_t)rand();
            p.dst.byte[rand() % 16] = (uint8_t)rand();
        } else {
            p.src = host((unsigned)rand() % 20);
            p.dst = host((unsigned)rand() % 20 + 100);
        }
        feed(&l, &p, NULL);
    }
    flow_table_finish(l.table, (struct ptime){1});
    assert_true(l.count > 1000);
    for (size_t i = 1; i < l.count; i++)
        assert_true(memcmp(&l.told[i - 1].key, &l.told[i].key, sizeof l.told[i].key) < 0);
    listen_end(&l);
}

static void test_echo_is_one_flow_of_its_asker(void **state)
{
    (void)state;
    struct listener l;
    enum flow_side side;
    listen_default(&l);
    struct packet ask = plain(1, 2, PROTO_ICMP, 56, 0), answer = plain(2, 1, PROTO_ICMP, 56, 1);
    ask.src_port = 8; /* type; dst_port is the code, 0 */
    struct flow *flow = feed(&l, &answer, &side);
    assert_int_equal(side, SIDE_RESP); /* an answer seen first: the other one asked */
    assert_ptr_equal(feed(&l, &ask, &side), flow);
    assert_int_equal(side, SIDE_ORIG);
    assert_int_equal(orig_of(flow).payload_bytes, 56);
    assert_int_equal(flow_get_key(flow)->orig_port, 8);
    assert_int_equal(flow_get_key(flow)->resp_port, 0);
    struct packet unreachable = plain(2, 1, PROTO_ICMP, 28, 2);
    unreachable.src_port = 3;
    unreachable.dst_port = 1;
    struct flow *other = feed(&l, &unreachable, &side);
    assert_ptr_not_equal(other, flow);
    assert_int_equal(flow_get_key(other)->orig_port, 3);
    assert_int_equal(flow_get_key(other)->resp_port, 1);
    listen_end(&l);
}

/* --- who opened --------------------------------------------------------------------------- */

static void test_originator_by_syn(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    struct flow *flow = feed_tcp(&l, false, TCP_SYN | TCP_ACK, 500, 101, 0, 0);
    assert_int_equal(flow_get_key(flow)->orig_port, 40000);
    assert_true(flow_get_flags(flow) & FLOW_ORIG_BY_SYN);
    assert_false(flow_get_flags(flow) & FLOW_MIDSTREAM);
    assert_true(flow_get_flags(flow) & FLOW_ONE_SIDED);
    feed_tcp(&l, true, TCP_ACK, 101, 501, 0, 0);
    assert_false(flow_get_flags(flow) & FLOW_ONE_SIDED);
    listen_end(&l);

    listen_default(&l); /* a server on a high port, called from a low one */
    struct packet syn = tcp(false, TCP_SYN, 1, 0, 0, 0);
    flow = feed(&l, &syn, NULL);
    assert_int_equal(flow_get_key(flow)->orig_port, 443);
    listen_end(&l);
}

static void test_originator_by_ports(void **state)
{
    (void)state;
    static const struct {
        uint16_t src, dst;
        bool sender;
    } cases[] = {
        {53, 40000, false},  {40000, 53, true},  {123, 123, true},     {8080, 40000, false},
        {40000, 8080, true}, {443, 8080, false}, {40000, 41000, true}, {8080, 8443, true},
        {1023, 1024, false}, {5060, 5060, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct listener l;
        enum flow_side side;
        listen_default(&l);
        struct packet p = udp(1, cases[i].src, 2, cases[i].dst, 1, 0);
        struct flow *flow = feed(&l, &p, &side);
        assert_int_equal(side, cases[i].sender ? SIDE_ORIG : SIDE_RESP);
        assert_int_equal(flow_get_key(flow)->orig_port,
                         cases[i].sender ? cases[i].src : cases[i].dst);
        p.proto = PROTO_TCP;
        p.tcp_flags = TCP_ACK;
        flow = feed(&l, &p, &side);
        assert_int_equal(side, cases[i].sender ? SIDE_ORIG : SIDE_RESP);
        assert_true(flow_get_flags(flow) & FLOW_MIDSTREAM);
        listen_end(&l);
    }
}

static void test_late_syn_swaps(void **state)
{
    (void)state;
    struct listener l;
    enum flow_side side;
    listen_default(&l);
    /* The server's side is on a high port and the client's below 1024: the guess is wrong. */
    struct packet data = tcp(false, TCP_ACK, 901, 501, 10, 1);
    struct flow *flow = feed(&l, &data, &side);
    assert_int_equal(side, SIDE_RESP);
    *flow_content_slot(flow) = malloc(1);
    struct packet syn = tcp(false, TCP_SYN, 900, 0, 0, 2);
    assert_ptr_equal(feed(&l, &syn, &side), flow);
    assert_int_equal(l.swapped, 1);
    assert_int_equal(side, SIDE_ORIG);
    assert_int_equal(flow_get_key(flow)->orig_port, 443);
    assert_int_equal(orig_of(flow).payload_bytes, 10);
    assert_int_equal(orig_of(flow).packets, 2);
    assert_int_equal(orig_of(flow).missing_bytes, 0);
    assert_int_equal(flow_get_flags(flow), FLOW_ORIG_BY_SYN | FLOW_ONE_SIDED);
    struct packet answer = tcp(true, TCP_ACK, 501, 911, 5, 3);
    assert_ptr_equal(feed(&l, &answer, &side), flow); /* still found, from either side */
    assert_int_equal(side, SIDE_RESP);
    assert_int_equal(orig_of(flow).acked_bytes, 10);
    assert_int_equal(l.swapped, 1);
    listen_end(&l);
}

/* A report before the swap and one after: the sums must fit whichever way round. */
static void test_swap_keeps_what_was_reported(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    feed_tcp(&l, false, TCP_ACK, 901, 501, 10, 0);
    flow_table_advance(l.table, (struct ptime){11 * SECOND});
    assert_int_equal(l.count, 1);
    assert_int_equal(l.told[0].fresh[SIDE_RESP].payload_bytes, 10);
    feed_tcp(&l, false, TCP_SYN, 900, 0, 0, 12 * SECOND);
    feed_tcp(&l, false, TCP_ACK, 911, 501, 7, 12 * SECOND);
    flow_table_finish(l.table, (struct ptime){13 * SECOND});
    assert_int_equal(l.count, 2);
    assert_int_equal(l.told[1].fresh[SIDE_ORIG].payload_bytes, 7);
    assert_int_equal(l.told[1].total[SIDE_ORIG].payload_bytes, 17);
    assert_int_equal(l.told[1].fresh[SIDE_RESP].payload_bytes, 0);
    listen_end(&l);
}

/* Both orientations are told, and each record says when it is not that of the one before. */
static void test_turned_is_told_once(void **state)
{
    (void)state;
    struct listener l;
    enum flow_side side;
    listen_default(&l);
    struct packet data = tcp(false, TCP_ACK, 901, 501, 10, 0);
    struct flow *flow = feed(&l, &data, &side);
    assert_int_equal(side, SIDE_RESP);
    assert_true(flow_get_flags(flow) & FLOW_ORIG_BY_PORT);
    assert_false(flow_initiator_is_known(flow));
    assert_int_equal(flow_table_settle_initiator(l.table, flow, SIDE_RESP, true), SIDE_ORIG);
    assert_int_equal(flow_get_flags(flow), FLOW_MIDSTREAM | FLOW_ONE_SIDED | FLOW_ORIG_BY_SERVICE);
    assert_true(flow_initiator_is_known(flow));
    assert_int_equal(flow_get_key(flow)->orig_port, 443);
    /* The first proof stays, and a SYN stands above it. */
    assert_int_equal(flow_table_settle_initiator(l.table, flow, SIDE_ORIG, false), SIDE_ORIG);
    flow_table_advance(l.table, (struct ptime){11 * SECOND});
    assert_int_equal(l.count, 1);
    assert_false(l.told[0].flags & FLOW_TURNED); /* none was told before */
    feed_tcp(&l, true, TCP_SYN, 500, 0, 0, 12 * SECOND);
    assert_int_equal(flow_get_flags(flow), FLOW_ORIG_BY_SYN | FLOW_TURNED);
    assert_int_equal(flow_get_key(flow)->orig_port, 40000);
    assert_int_equal(flow_table_settle_initiator(l.table, flow, SIDE_RESP, true), SIDE_RESP);
    flow_table_advance(l.table, (struct ptime){23 * SECOND});
    feed_tcp(&l, false, TCP_ACK, 911, 501, 7, 24 * SECOND);
    flow_table_finish(l.table, (struct ptime){25 * SECOND});
    assert_int_equal(l.count, 3);
    assert_true(l.told[1].flags & FLOW_TURNED);
    assert_false(l.told[2].flags & FLOW_TURNED);
    assert_int_equal(l.told[0].fresh[SIDE_ORIG].payload_bytes, 10);
    assert_int_equal(l.told[1].fresh[SIDE_RESP].payload_bytes, 0);
    assert_int_equal(l.told[2].fresh[SIDE_RESP].payload_bytes, 7);
    assert_int_equal(l.told[2].total[SIDE_RESP].payload_bytes, 17);
    listen_end(&l);
}

static void test_group_frames(void **state)
{
    (void)state;
    static const uint8_t group[12] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1};
    static const uint8_t one[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
    struct listener l;
    listen_default(&l);
    struct packet p = udp(1, 5000, 2, 6000, 100, 0);
    assert_false(flow_get_flags(feed(&l, &p, NULL)) & FLOW_BROADCAST); /* no link layer */
    p.macs = one;
    assert_false(flow_get_flags(feed(&l, &p, NULL)) & FLOW_BROADCAST);
    p.macs = group;
    assert_true(flow_get_flags(feed(&l, &p, NULL)) & FLOW_BROADCAST);
    p.macs = one;
    assert_true(flow_get_flags(feed(&l, &p, NULL)) & FLOW_BROADCAST);
    listen_end(&l);
}

/* --- fragments, flags, content ------------------------------------------------------------ */

static void test_later_fragments_have_a_flow_of_their_own(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    struct packet first = udp(1, 5000, 2, 6000, 1472, 0), later = plain(1, 2, PROTO_UDP, 500, 0);
    first.fragment = later.fragment = later.later_fragment = true;
    struct flow *flow = feed(&l, &first, NULL), *rest = feed(&l, &later, NULL);
    assert_ptr_not_equal(flow, rest);
    assert_int_equal(flow_get_key(rest)->orig_port, 0);
    assert_int_equal(orig_of(rest).payload_bytes, 500);
    struct packet tcp_later = plain(1, 2, PROTO_TCP, 800, 0);
    tcp_later.later_fragment = true;
    tcp_later.tcp_flags = TCP_SYN; /* left over: must not be looked at */
    rest = feed(&l, &tcp_later, NULL);
    feed(&l, &tcp_later, NULL);
    assert_int_equal(orig_of(rest).payload_bytes, 1600);
    assert_int_equal(orig_of(rest).retransmitted_bytes, 0);
    listen_end(&l);
}

static void test_established(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    struct flow *flow = feed_tcp(&l, true, TCP_SYN, 100, 0, 0, 0);
    feed_tcp(&l, false, TCP_SYN | TCP_ACK, 900, 101, 0, 1);
    feed_tcp(&l, true, TCP_ACK, 101, 901, 0, 2);
    assert_false(flow_get_flags(flow) & FLOW_ESTABLISHED); /* nothing was said yet */
    feed_tcp(&l, true, TCP_ACK, 101, 901, 1, 3);
    assert_true(flow_get_flags(flow) & FLOW_ESTABLISHED);
    listen_end(&l);

    listen_default(&l); /* one side only, nobody answered: spoofed for all one knows */
    flow = feed_tcp(&l, true, TCP_SYN, 100, 0, 0, 0);
    feed_tcp(&l, true, TCP_ACK, 101, 901, 500, 1);
    assert_int_equal(flow_get_flags(flow), FLOW_ORIG_BY_SYN | FLOW_ONE_SIDED);
    listen_end(&l);

    listen_default(&l); /* mid-stream, both talk */
    flow = feed_tcp(&l, true, TCP_ACK, 101, 901, 500, 1);
    assert_int_equal(flow_get_flags(flow), FLOW_MIDSTREAM | FLOW_ONE_SIDED | FLOW_ORIG_BY_PORT);
    feed_tcp(&l, false, TCP_ACK, 901, 601, 20, 1);
    assert_int_equal(flow_get_flags(flow), FLOW_MIDSTREAM | FLOW_ESTABLISHED | FLOW_ORIG_BY_PORT);
    listen_end(&l);
}

static void test_health_and_content(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    struct flow *flow = feed_tcp(&l, true, TCP_SYN, 100, 0, 0, 0);
    *flow_content_slot(flow) = malloc(8); /* freed by the release event, or the test leaks */
    feed_tcp(&l, true, TCP_ACK, 101, 1, 30, 0);
    feed_tcp(&l, true, TCP_ACK, 141, 1, 30, 0);
    struct packet alone = udp(5, 1, 6, 2, 1000, 0), syn = tcp(true, TCP_SYN, 1, 0, 0, 0);
    feed(&l, &alone, NULL);
    syn.src = host(9);
    feed(&l, &syn, NULL); /* an unanswered SYN says nothing about a blind side */
    struct packet back = tcp(false, TCP_ACK, 1, 1, 5, 0), forth = tcp(true, TCP_ACK, 1, 6, 5, 0);
    back.dst = forth.src = host(10);
    feed(&l, &back, NULL);
    feed(&l, &forth, NULL);
    flow_table_finish(l.table, (struct ptime){0});
    struct health health = {.flows = 1000};
    flow_table_health(l.table, &health);
    assert_int_equal(health.flows, 1004);
    assert_int_equal(health.tcp_payload_bytes, 70);
    assert_int_equal(health.tcp_missing_bytes, 10);
    assert_int_equal(health.flows_one_sided, 1);
    assert_int_equal(health.flows_two_sided, 1);
    assert_int_equal(health.flows_evicted, 0);
    listen_end(&l);
}

static void test_record_has_everything(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    struct packet late = udp(1, 5000, 2, 6000, 10, 3 * SECOND);
    struct packet early = udp(2, 6000, 1, 5000, 20, 1 * SECOND);
    late.vlan = early.vlan = 12;
    feed(&l, &late, NULL);
    feed(&l, &early, NULL);
    flow_table_finish(l.table, (struct ptime){4 * SECOND});
    assert_int_equal(l.count, 1);
    const struct record_flow *r = &l.told[0];
    assert_int_equal(r->header.kind, RECORD_FLOW);
    assert_int_equal(r->header.version, RECORD_VERSION);
    assert_int_equal(r->header.size, sizeof *r);
    assert_int_equal(r->header.time_ns, 4 * SECOND);
    assert_int_equal(r->key.vlan, 12);
    assert_int_equal(r->key.proto, PROTO_UDP);
    assert_int_equal(r->start_ns, 1 * SECOND);
    assert_int_equal(r->last_ns, 3 * SECOND);
    assert_int_equal(r->fresh_since_ns, 3 * SECOND);
    assert_int_equal(r->fresh[SIDE_RESP].payload_bytes, 20);
    assert_int_equal(r->fresh[SIDE_RESP].packets, 1);
    assert_int_equal(r->end, FLOW_END_INPUT);
    char id[64]; /* of both directions, worked out with another program */
    assert_string_equal(flow_key_community_id(&r->key, id), "1:IilD4gUm7km4BhveiO5zx+1YF3s=");
    listen_end(&l);
}

/* Three fragments, the first of them before what else is known of the flow. */
static void test_datagram_of_several_frames(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    struct packet plain = udp(1, 5000, 2, 6000, 10, 3 * SECOND);
    struct packet several = udp(1, 5000, 2, 6000, 4000, 4 * SECOND);
    several.frames = 3;
    several.spread_ns = 2 * SECOND;
    feed(&l, &plain, NULL);
    feed(&l, &several, NULL);
    struct packet alone = udp(3, 5000, 2, 6000, 4000, 5 * SECOND);
    alone.frames = 2;
    alone.spread_ns = 6 * SECOND;
    feed(&l, &alone, NULL);
    flow_table_finish(l.table, (struct ptime){5 * SECOND});
    assert_int_equal(l.count, 2);
    assert_int_equal(l.told[0].total[SIDE_ORIG].packets, 4);
    assert_int_equal(l.told[0].start_ns, 2 * SECOND);
    assert_int_equal(l.told[0].last_ns, 4 * SECOND);
    assert_int_equal(l.told[1].total[SIDE_ORIG].packets, 2);
    assert_int_equal(l.told[1].start_ns, -1 * SECOND);
    assert_int_equal(l.told[1].last_ns, 5 * SECOND);
    listen_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_datagram_of_several_frames),
        cmocka_unit_test(test_both_directions_are_one_flow),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_many_flows_are_found_again),
        cmocka_unit_test(test_finish_is_in_order_of_keys_for_ipv6_too),
        cmocka_unit_test(test_echo_is_one_flow_of_its_asker),
        cmocka_unit_test(test_originator_by_syn),
        cmocka_unit_test(test_originator_by_ports),
        cmocka_unit_test(test_late_syn_swaps),
        cmocka_unit_test(test_swap_keeps_what_was_reported),
        cmocka_unit_test(test_turned_is_told_once),
        cmocka_unit_test(test_group_frames),
        cmocka_unit_test(test_later_fragments_have_a_flow_of_their_own),
        cmocka_unit_test(test_established),
        cmocka_unit_test(test_health_and_content),
        cmocka_unit_test(test_record_has_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
