/* When a TCP flow closes, and when a SYN begins another one. */
#include "listener.h"

static struct flow *open_flow(struct listener *l)
{
    listen_default(l);
    feed_tcp(l, true, TCP_SYN, 100, 0, 0, 0);
    feed_tcp(l, false, TCP_SYN | TCP_ACK, 900, 101, 0, 0);
    feed_tcp(l, true, TCP_ACK, 101, 901, 0, 0);
    return feed_tcp(l, true, TCP_ACK, 101, 901, 50, 0);
}

/* Lets everything run out; the flow under test is the first to end. */
static void assert_ends(struct listener *l, enum flow_end end, int64_t time_ns)
{
    flow_table_advance(l->table, (struct ptime){8000 * SECOND});
    for (size_t i = 0; i < l->count; i++) {
        if (l->told[i].end == FLOW_OPEN)
            continue;
        assert_int_equal(l->told[i].end, end);
        assert_int_equal(l->told[i].header.time_ns, time_ns);
        listen_end(l);
        return;
    }
    fail_msg("no end was told");
}

static void test_closed_by_both_fins(void **state)
{
    (void)state;
    struct listener l;
    open_flow(&l);
    feed_tcp(&l, true, TCP_FIN | TCP_ACK, 151, 901, 0, 1 * SECOND);
    feed_tcp(&l, false, TCP_ACK, 901, 152, 0, 2 * SECOND);
    feed_tcp(&l, false, TCP_FIN | TCP_ACK, 901, 152, 0, 3 * SECOND);
    feed_tcp(&l, true, TCP_ACK, 152, 902, 0, 4 * SECOND);
    feed_tcp(&l, true, TCP_RST, 152, 0, 0, 19 * SECOND / 2); /* the first cause is the one told */
    assert_ends(&l, FLOW_END_CLOSED, 39 * SECOND / 2);
}

static void test_short_connections_are_told_once(void **state)
{
    (void)state;
    struct listener l;
    open_flow(&l);
    feed_tcp(&l, true, TCP_FIN | TCP_ACK, 151, 901, 0, SECOND / 2);
    feed_tcp(&l, false, TCP_FIN | TCP_ACK, 901, 152, 0, 1 * SECOND);
    flow_table_advance(l.table, (struct ptime){11 * SECOND - 1});
    assert_int_equal(l.count, 0);
    flow_table_advance(l.table, (struct ptime){100 * SECOND});
    assert_int_equal(l.count, 1);
    assert_int_equal(l.told[0].end, FLOW_END_CLOSED);
    assert_int_equal(l.told[0].header.time_ns, 11 * SECOND);
    assert_int_equal(l.told[0].fresh_since_ns, l.told[0].start_ns);
    assert_int_equal(l.told[0].fresh[SIDE_ORIG].payload_bytes, 50);
    listen_end(&l);
}

/* A straggler puts off the end that was to tell it: it is told at once, then. */
static void test_stragglers_bring_the_report(void **state)
{
    (void)state;
    struct listener l;
    open_flow(&l);
    feed_tcp(&l, true, TCP_FIN | TCP_ACK, 151, 901, 0, 0);
    feed_tcp(&l, false, TCP_FIN | TCP_ACK, 901, 152, 0, 1 * SECOND);
    feed_tcp(&l, true, TCP_ACK, 152, 902, 0, 11 * SECOND - 1);
    flow_table_advance(l.table, (struct ptime){11 * SECOND - 1});
    assert_int_equal(l.count, 1);
    assert_int_equal(l.told[0].end, FLOW_OPEN);
    assert_int_equal(l.told[0].header.time_ns, 11 * SECOND - 1);
    assert_int_equal(l.told[0].fresh_since_ns, l.told[0].start_ns);
    assert_int_equal(l.told[0].fresh[SIDE_ORIG].payload_bytes, 50);
    assert_ends(&l, FLOW_END_CLOSED, 21 * SECOND - 1);
}

/* What closed later than a second after it began has its report; so has what does not end for
 * stragglers. */
static void test_longer_connections_are_reported(void **state)
{
    (void)state;
    struct listener l;
    open_flow(&l);
    feed_tcp(&l, true, TCP_FIN | TCP_ACK, 151, 901, 0, 1 * SECOND);
    feed_tcp(&l, false, TCP_FIN | TCP_ACK, 901, 152, 0, 1 * SECOND + 1);
    flow_table_advance(l.table, (struct ptime){10 * SECOND});
    assert_int_equal(l.count, 1);
    assert_int_equal(l.told[0].end, FLOW_OPEN);
    assert_int_equal(l.told[0].fresh[SIDE_ORIG].payload_bytes, 50);
    flow_table_advance(l.table, (struct ptime){16 * SECOND});
    assert_int_equal(l.count, 2);
    assert_int_equal(l.told[1].end, FLOW_END_CLOSED);
    assert_int_equal(l.told[1].fresh[SIDE_ORIG].payload_bytes, 0);
    listen_end(&l);
    open_flow(&l);
    feed_tcp(&l, true, TCP_RST, 151, 0, 0, 1 * SECOND);
    for (int i = 1; i < 10; i++)
        feed_tcp(&l, false, TCP_ACK, 901, 151, 0, 4 * i * SECOND);
    assert_int_equal(l.count, 3);
    assert_int_equal(l.told[0].header.time_ns, 10 * SECOND);
    assert_int_equal(l.told[0].end, FLOW_OPEN);
    assert_int_equal(l.told[0].fresh_since_ns, l.told[0].start_ns);
    listen_end(&l);
}

static void test_one_fin_is_half_a_close(void **state)
{
    (void)state;
    struct listener l;
    open_flow(&l);
    feed_tcp(&l, true, TCP_FIN | TCP_ACK, 151, 901, 0, 1 * SECOND);
    feed_tcp(&l, true, TCP_FIN | TCP_ACK, 151, 901, 0, 2 * SECOND);
    assert_ends(&l, FLOW_END_IDLE, 3602 * SECOND);
}

static void test_reset_must_be_plausible(void **state)
{
    (void)state;
    static const struct {
        bool out;
        uint8_t flags;
        uint32_t seq, ack;
        bool closes;
    } cases[] = {
        {true, TCP_RST, 151, 0, true},
        {true, TCP_RST, 151 + 4000, 0, true}, /* a little was lost */
        {true, TCP_RST, 151 + (1u << 24), 0, false},
        {true, TCP_RST, 0x80000000, 0, false},
        {false, TCP_RST, 901, 0, true},
        {false, TCP_RST | TCP_ACK, 0, 151, true}, /* answers what was sent */
        {false, TCP_RST | TCP_ACK, 0x90000000, 0x90000000, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct listener l;
        open_flow(&l);
        feed_tcp(&l, cases[i].out, cases[i].flags, cases[i].seq, cases[i].ack, 0, 1 * SECOND);
        assert_ends(&l, cases[i].closes ? FLOW_END_RESET : FLOW_END_IDLE,
                    (cases[i].closes ? 11 : 3601) * SECOND);
    }
    struct listener l;
    listen_default(&l); /* a port that is closed */
    feed_tcp(&l, true, TCP_SYN, 100, 0, 0, 0);
    feed_tcp(&l, false, TCP_RST | TCP_ACK, 0, 101, 0, 0);
    assert_ends(&l, FLOW_END_RESET, 10 * SECOND);
}

static void test_half_open_times_out_early(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    feed_tcp(&l, true, TCP_SYN, 100, 0, 0, 0);
    feed_tcp(&l, false, TCP_SYN | TCP_ACK, 900, 101, 0, 1 * SECOND);
    assert_ends(&l, FLOW_END_IDLE, 61 * SECOND);
    listen_default(&l);
    feed_tcp(&l, true, TCP_SYN, 100, 0, 0, 0);
    feed_tcp(&l, true, TCP_ACK, 101, 901, 0, 1 * SECOND);
    assert_ends(&l, FLOW_END_IDLE, 3601 * SECOND);
    listen_default(&l); /* a stray acknowledgment */
    feed_tcp(&l, true, TCP_ACK, 101, 901, 0, 1 * SECOND);
    assert_ends(&l, FLOW_END_IDLE, 61 * SECOND);
    listen_default(&l); /* mid-stream */
    feed_tcp(&l, true, TCP_ACK, 101, 901, 10, 1 * SECOND);
    assert_ends(&l, FLOW_END_IDLE, 3601 * SECOND);
}

/* A SYN alone is told once; sent again, or answered, its flow is half open. */
static void test_one_syn_is_soon_over(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    feed_tcp(&l, true, TCP_SYN, 100, 0, 0, 0);
    flow_table_advance(l.table, (struct ptime){9 * SECOND - 1});
    assert_int_equal(l.count, 0);
    flow_table_advance(l.table, (struct ptime){9 * SECOND});
    assert_int_equal(l.count, 1);
    assert_int_equal(l.told[0].fresh[SIDE_ORIG].packets, 1);
    assert_ends(&l, FLOW_END_IDLE, 9 * SECOND);
    listen_default(&l);
    feed_tcp(&l, true, TCP_SYN, 100, 0, 0, 0);
    feed_tcp(&l, true, TCP_SYN, 100, 0, 0, 3 * SECOND);
    flow_table_advance(l.table, (struct ptime){10 * SECOND});
    assert_int_equal(l.count, 1); /* its first report */
    assert_int_equal(l.told[0].end, FLOW_OPEN);
    feed_tcp(&l, true, TCP_SYN, 100, 0, 0, 15 * SECOND);
    assert_ends(&l, FLOW_END_IDLE, 75 * SECOND);
    listen_default(&l); /* answered when it would have been over: the answer begins a flow */
    feed_tcp(&l, true, TCP_SYN, 100, 0, 0, 0);
    feed_tcp(&l, false, TCP_SYN | TCP_ACK, 900, 101, 0, 10 * SECOND);
    assert_int_equal(l.count, 1);
    feed_tcp(&l, true, TCP_ACK, 101, 901, 0, 10 * SECOND);
    flow_table_advance(l.table, (struct ptime){20 * SECOND});
    assert_int_equal(l.count, 2);
    assert_int_equal(l.told[1].end, FLOW_OPEN);
    assert_int_equal(l.told[1].key.orig_port, 40000);
    assert_int_equal(l.told[1].total[SIDE_RESP].packets, 1);
    listen_end(&l);
    listen_default(&l); /* with data (RFC 7413), it is an attempt as well */
    feed_tcp(&l, true, TCP_SYN, 100, 0, 200, 0);
    assert_ends(&l, FLOW_END_IDLE, 9 * SECOND);
    listen_default(&l); /* the answer alone: its SYN came another way */
    feed_tcp(&l, false, TCP_SYN | TCP_ACK, 900, 101, 0, 0);
    assert_ends(&l, FLOW_END_IDLE, 60 * SECOND);
}

static void test_reuse_of_a_closed_flow(void **state)
{
    (void)state;
    struct listener l;
    open_flow(&l);
    feed_tcp(&l, true, TCP_FIN | TCP_ACK, 151, 901, 0, 1 * SECOND);
    feed_tcp(&l, false, TCP_FIN | TCP_ACK, 901, 152, 0, 1 * SECOND);
    feed_tcp(&l, true, TCP_SYN, 100, 0, 0, 2 * SECOND); /* the old SYN once more: the same flow */
    assert_int_equal(l.count, 0);
    struct flow *next = feed_tcp(&l, true, TCP_SYN, 7777, 0, 0, 3 * SECOND);
    assert_int_equal(l.count, 1);
    assert_int_equal(l.told[0].end, FLOW_END_REUSED);
    assert_int_equal(l.told[0].header.time_ns, 3 * SECOND);
    assert_int_equal(l.told[0].total[SIDE_ORIG].payload_bytes, 50);
    assert_int_equal(flow_get_ordinal(next), 2);
    assert_int_equal(flow_get_counts(next, SIDE_ORIG).packets, 1);
    assert_int_equal(flow_get_start(next).ns, 3 * SECOND);
    listen_end(&l);
}

static void test_forged_syn_does_not_split_an_open_flow(void **state)
{
    (void)state;
    struct listener l;
    struct flow *flow = open_flow(&l);
    assert_ptr_equal(feed_tcp(&l, true, TCP_SYN, 0x50505050, 0, 0, 1 * SECOND), flow);
    feed_tcp(&l, false, TCP_ACK, 901, 151, 0, 1 * SECOND); /* the challenge */
    feed_tcp(&l, true, TCP_ACK, 151, 901, 50, 2 * SECOND);
    assert_int_equal(flow_get_counts(flow, SIDE_ORIG).payload_bytes, 100);
    assert_int_equal(flow_get_counts(flow, SIDE_ORIG).missing_bytes, 0);
    assert_int_equal(l.count, 0);
    listen_end(&l);
}

static void test_answered_syn_does(void **state)
{
    (void)state;
    struct listener l;
    open_flow(&l);
    feed_tcp(&l, true, TCP_SYN, 0x50505050, 0, 0, 1 * SECOND);
    feed_tcp(&l, false, TCP_SYN | TCP_ACK, 0x60606060, 0x50505051, 0, 1 * SECOND);
    assert_int_equal(l.count, 1);
    assert_int_equal(l.told[0].end, FLOW_END_REUSED);
    struct flow *next = feed_tcp(&l, true, TCP_ACK, 0x50505051, 0x60606061, 70, 1 * SECOND);
    assert_int_equal(flow_get_counts(next, SIDE_ORIG).payload_bytes, 70);
    assert_int_equal(flow_get_counts(next, SIDE_ORIG).missing_bytes, 0);
    assert_int_equal(flow_get_key(next)->orig_port, 40000);
    listen_end(&l);
}

static void test_reuse_of_an_idle_flow(void **state)
{
    (void)state;
    struct listener l;
    open_flow(&l);
    feed_tcp(&l, true, TCP_SYN, 0x50505050, 0, 0, 59 * SECOND);
    assert_int_equal(l.told[l.count - 1].end, FLOW_OPEN); /* not idle enough */
    feed_tcp(&l, true, TCP_SYN, 0x70707070, 0, 0, 119 * SECOND);
    assert_int_equal(l.told[l.count - 1].end, FLOW_END_REUSED);
    listen_end(&l);
}

/* A flood of SYNs from one port is one flow; attempts that were answered are several. */
static void test_attempts(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    struct flow *flow = NULL;
    for (uint32_t i = 0; i < 100; i++)
        flow = feed_tcp(&l, true, TCP_SYN, i * 0x03000000, 0, 0, i);
    assert_int_equal(flow_get_counts(flow, SIDE_ORIG).packets, 100);
    feed_tcp(&l, false, TCP_SYN | TCP_ACK, 900, 99 * 0x03000000u + 1, 0, 200);
    feed_tcp(&l, true, TCP_ACK, 99 * 0x03000000u + 1, 901, 10, 201);
    assert_int_equal(flow_get_counts(flow, SIDE_ORIG).payload_bytes, 10);
    assert_int_equal(flow_get_counts(flow, SIDE_ORIG).missing_bytes, 0);
    assert_int_equal(l.count, 0);
    listen_end(&l);

    listen_default(&l);
    feed_tcp(&l, true, TCP_SYN, 100, 0, 0, 0);
    feed_tcp(&l, false, TCP_SYN | TCP_ACK, 900, 101, 0, 1);
    feed_tcp(&l, true, TCP_SYN, 0x50505050, 0, 0, 2);
    assert_int_equal(l.count, 1);
    assert_int_equal(l.told[0].end, FLOW_END_REUSED);
    listen_end(&l);
}

static void test_finish_keeps_the_reason(void **state)
{
    (void)state;
    struct listener l;
    open_flow(&l);
    feed_tcp(&l, true, TCP_RST, 151, 0, 0, 0);
    struct packet other = tcp(true, TCP_ACK, 1, 1, 1, 0);
    other.src = host(77);
    feed(&l, &other, NULL);
    flow_table_finish(l.table, (struct ptime){1 * SECOND});
    assert_int_equal(l.count, 2);
    assert_int_equal(l.told[0].end, FLOW_END_RESET);
    assert_int_equal(l.told[1].end, FLOW_END_INPUT);
    listen_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_by_both_fins),
        cmocka_unit_test(test_short_connections_are_told_once),
        cmocka_unit_test(test_stragglers_bring_the_report),
        cmocka_unit_test(test_longer_connections_are_reported),
        cmocka_unit_test(test_one_fin_is_half_a_close),
        cmocka_unit_test(test_reset_must_be_plausible),
        cmocka_unit_test(test_half_open_times_out_early),
        cmocka_unit_test(test_one_syn_is_soon_over),
        cmocka_unit_test(test_reuse_of_a_closed_flow),
        cmocka_unit_test(test_forged_syn_does_not_split_an_open_flow),
        cmocka_unit_test(test_answered_syn_does),
        cmocka_unit_test(test_reuse_of_an_idle_flow),
        cmocka_unit_test(test_attempts),
        cmocka_unit_test(test_finish_keeps_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
