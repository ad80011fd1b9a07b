/* What is told when: single cases, and random traffic against a model that knows each flow alone.
 */
#include "listener.h"

static void advance(struct listener *l, int64_t time_ns)
{
    flow_table_advance(l->table, (struct ptime){time_ns});
}

static void assert_told(const struct listener *l, size_t which, enum flow_end end, int64_t time_ns)
{
    assert_true(which < l->count);
    assert_int_equal(l->told[which].end, end);
    assert_int_equal(l->told[which].header.time_ns, time_ns);
}

static void test_progress_then_end(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    assert_int_equal(flow_table_next_due(l.table).ns, INT64_MAX);
    struct packet p = udp(1, 3000, 2, 2000, 10, 5 * SECOND);
    feed(&l, &p, NULL);
    assert_int_equal(flow_table_next_due(l.table).ns, 15 * SECOND);
    p.time.ns = 7 * SECOND;
    feed(&l, &p, NULL);
    advance(&l, 15 * SECOND - 1);
    assert_int_equal(l.count, 0);
    advance(&l, 15 * SECOND);
    assert_told(&l, 0, FLOW_OPEN, 15 * SECOND);
    assert_int_equal(l.told[0].fresh_since_ns, 5 * SECOND);
    assert_int_equal(l.told[0].fresh[SIDE_ORIG].payload_bytes, 20);
    p.time.ns = 100 * SECOND;
    feed(&l, &p, NULL);
    advance(&l, 1000 * SECOND);
    assert_int_equal(l.count, 3);
    assert_told(&l, 1, FLOW_OPEN, 110 * SECOND);
    assert_int_equal(l.told[1].fresh_since_ns, 100 * SECOND);
    assert_int_equal(l.told[1].fresh[SIDE_ORIG].packets, 1);
    assert_told(&l, 2, FLOW_END_IDLE, 280 * SECOND);
    assert_int_equal(l.told[2].fresh[SIDE_ORIG].packets, 0);
    assert_int_equal(l.told[2].total[SIDE_ORIG].packets, 3);
    assert_int_equal(flow_table_count(l.table), 0);
    assert_int_equal(flow_table_next_due(l.table).ns, INT64_MAX);
    listen_end(&l);
}

/* Who is told next is said while another is told: of reports that are due one after the other all
 * but the first are foretold, and of ends too. */
static void test_foretold(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    for (uint16_t i = 0; i < 100; i++) {
        struct packet p = udp(1, (uint16_t)(3000 + i), 2, 2000, 10, i * SECOND / 100);
        feed(&l, &p, NULL);
    }
    advance(&l, 20 * SECOND);
    assert_int_equal(l.count, 100);
    assert_int_equal(l.foretold, 99);
    advance(&l, 1000 * SECOND);
    assert_int_equal(l.count, 200);
    assert_int_equal(l.foretold, 198);
    listen_end(&l);
}

static void test_time_outs_by_kind(void **state)
{
    (void)state;
    static const struct {
        uint8_t proto;
        int64_t idle_s;
    } kinds[] = {
        {PROTO_UDP, 180}, {PROTO_ICMP, 60}, {PROTO_ICMP6, 60}, {47, 120}, {PROTO_SCTP, 120}};
    for (size_t i = 0; i < 5; i++) {
        struct listener l;
        listen_default(&l);
        struct packet p = plain(1, 2, kinds[i].proto, 10, 0);
        feed(&l, &p, NULL);
        advance(&l, kinds[i].idle_s * SECOND - 1);
        assert_int_equal(l.count, 1);
        advance(&l, kinds[i].idle_s * SECOND);
        assert_told(&l, 1, FLOW_END_IDLE, kinds[i].idle_s * SECOND);
        listen_end(&l);
    }
}

static void test_time_never_goes_back(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    struct packet p = udp(1, 3000, 2, 2000, 10, 100 * SECOND);
    feed(&l, &p, NULL);
    advance(&l, 50 * SECOND);
    struct packet old = udp(3, 3000, 4, 2000, 10, 40 * SECOND); /* a minute late */
    feed(&l, &old, NULL);
    assert_int_equal(l.count, 0);
    advance(&l, 101 * SECOND);
    /* Due at 50 s, but the clock stood at 100 s, and watermarks may have been sent up to there. */
    assert_int_equal(l.count, 1);
    assert_told(&l, 0, FLOW_OPEN, 100 * SECOND);
    assert_int_equal(l.told[0].start_ns, 40 * SECOND);
    assert_int_equal(l.told[0].fresh_since_ns, 40 * SECOND);
    advance(&l, 400 * SECOND);
    assert_told(&l, 1, FLOW_OPEN, 110 * SECOND);
    assert_told(&l, 2, FLOW_END_IDLE, 220 * SECOND); /* 40 + 180 */
    assert_told(&l, 3, FLOW_END_IDLE, 280 * SECOND);
    listen_end(&l);
}

static void test_settle_reports_at_once(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    struct packet p = udp(1, 3000, 2, 2000, 600 << 10, 1 * SECOND);
    struct packet back = udp(2, 2000, 1, 3000, 600 << 10, 1 * SECOND);
    feed(&l, &p, NULL);
    feed(&l, &back, NULL); /* more than a MiB, but not in one direction */
    assert_int_equal(l.count, 0);
    p.time.ns = 2 * SECOND;
    feed(&l, &p, NULL);
    assert_told(&l, 0, FLOW_OPEN, 2 * SECOND);
    assert_int_equal(l.told[0].fresh[SIDE_ORIG].payload_bytes, 1200 << 10);
    assert_int_equal(l.told[0].fresh[SIDE_RESP].payload_bytes, 600 << 10);
    advance(&l, 170 * SECOND); /* nothing is left to report */
    assert_int_equal(l.count, 1);
    listen_end(&l);
}

static void test_refused_reports_come_later(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    l.refuse = true;
    struct packet p = udp(1, 3000, 2, 2000, 1 << 19, 3 * SECOND);
    for (int i = 0; i < 8; i++) { /* 4 MiB: asked once a MiB, not once a packet */
        p.time.ns = 3 * SECOND + i;
        feed(&l, &p, NULL);
    }
    assert_in_range(l.refused, 3, 4);
    l.refused = 0;
    advance(&l, 30 * SECOND);
    assert_int_equal(l.refused, 1); /* refused at 30 s although due at 13 s: next at 40 s */
    assert_int_equal(flow_table_next_due(l.table).ns, 40 * SECOND);
    l.refuse = false;
    advance(&l, 40 * SECOND);
    assert_told(&l, 0, FLOW_OPEN, 40 * SECOND);
    assert_int_equal(l.told[0].fresh_since_ns, 3 * SECOND);
    assert_int_equal(l.told[0].fresh[SIDE_ORIG].payload_bytes, 4 << 20);
    listen_end(&l);
}

static void test_eviction_takes_the_longest_idle(void **state)
{
    (void)state;
    enum { FLOWS = 100 };
    struct listener l;
    struct flow_config config = flow_config_default();
    config.max_flows = FLOWS;
    listen_with(&l, &config);
    for (unsigned i = 0; i < FLOWS;
         i++) { /* kinds mixed: the time-out does not matter, idleness does */
        static const uint8_t protos[] = {PROTO_UDP, PROTO_ICMP, 47, PROTO_TCP};
        struct packet p = plain(i, 200, protos[i % 4], 10, i);
        p.src_port = protos[i % 4] == PROTO_ICMP ? 8 : 0;
        feed(&l, &p, NULL);
    }
    for (unsigned i = 0; i < FLOWS; i += 2) { /* every other one speaks again, backwards */
        struct packet p = plain(FLOWS - 2 - i, 200, i % 4 ? PROTO_UDP : 47, 10, 1000 + i);
        feed(&l, &p, NULL);
    }
    for (unsigned i = 0; i < FLOWS; i++) {
        struct packet p = plain(1000 + i, 200, PROTO_UDP, 10, 2000);
        feed(&l, &p, NULL);
        assert_told(&l, i, FLOW_END_EVICTED, 2000);
        assert_int_equal(flow_table_count(l.table), FLOWS);
        unsigned want = i < FLOWS / 2 ? 2 * i + 1 : 2 * FLOWS - 2 - 2 * i;
        struct ip ip = host(want);
        assert_int_equal(ip_compare(&l.told[i].key.orig_ip, &ip), 0);
    }
    struct health health = {0};
    flow_table_health(l.table, &health);
    assert_int_equal(health.flows_evicted, FLOWS);
    listen_end(&l);
}

/* Every packet is older than all before it, and half of the flows are reset: nothing is in order
 * when it comes, everything is when it is told. */
static void test_thousands_of_late_flows(void **state)
{
    (void)state;
    enum { LATE = 5000 };
    struct listener l;
    listen_default(&l);
    struct packet last = udp(1, 3000, 2, 2000, 1, 9 * SECOND);
    feed(&l, &last, NULL);
    for (unsigned i = 0; i < LATE; i++) {
        struct packet p = tcp(true, TCP_SYN, 1, 0, 0, 9 * SECOND - (i + 1) * 1000000);
        p.src = host(1000 + i);
        feed(&l, &p, NULL);
        p.tcp_flags = TCP_RST;
        p.seq = 2;
        if (i % 2)
            feed(&l, &p, NULL);
    }
    advance(&l, 300 * SECOND);
    size_t ends = 0;
    int64_t before = 0;
    for (size_t i = 0; i < l.count; i++) {
        const struct record_flow *r = &l.told[i];
        assert_true(r->header.time_ns >= before);
        before = r->header.time_ns;
        if (r->end == FLOW_OPEN || r->key.proto != PROTO_TCP)
            continue;
        ends++;
        int64_t idle = r->end == FLOW_END_RESET ? 10 * SECOND : 9 * SECOND;
        assert_int_equal(r->header.time_ns, r->last_ns + idle);
    }
    assert_int_equal(ends, LATE);
    listen_end(&l);
}

static void test_no_bounds_at_all(void **state)
{
    (void)state;
    struct listener l;
    struct flow_config config = flow_config_default();
    config.max_flows = 0; /* taken as 1 */
    config.report_ns = 0; /* taken as 1 ns */
    listen_with(&l, &config);
    for (int i = 0; i < 3; i++) {
        struct packet p = udp((unsigned)i, 3000, 9, 2000, 1, i * SECOND);
        feed(&l, &p, NULL);
        assert_int_equal(flow_table_count(l.table), 1);
    }
    assert_int_equal(l.count, 4);
    assert_told(&l, 0, FLOW_OPEN, 1);
    assert_told(&l, 1, FLOW_END_EVICTED, 1 * SECOND);
    listen_end(&l);
    flow_table_free(NULL);
}

static void test_end_of_time(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    static const int64_t times[] = {INT64_MIN, -1, 0, INT64_MAX - 1, INT64_MAX, 5};
    for (unsigned i = 0; i < 6; i++) {
        struct packet p = udp(i, 3000, 99, 2000, 10, times[i]);
        feed(&l, &p, NULL);
    }
    l.refuse = true;
    advance(&l, INT64_MAX);
    flow_table_finish(l.table, PTIME_MAX);
    assert_int_equal(flow_table_count(l.table), 0);
    size_t ends = 0;
    for (size_t i = 0; i < l.count; i++)
        ends += l.told[i].end != FLOW_OPEN;
    assert_int_equal(ends, 6);
    listen_end(&l);
}

/* --- against a model ---------------------------------------------------------------------- */

enum { FLOWS = 60, PACKETS = 6000 };

struct alone { /* what one flow knows, which nothing else in the table may change */
    bool live, dirty;
    int64_t last, since;
    uint64_t payload, told;
};

struct expected {
    unsigned flow;
    enum flow_end end;
    int64_t time;
    uint64_t payload, fresh;
};

struct model {
    struct flow_config config;
    struct alone flow[FLOWS];
    struct expected list[4 * PACKETS];
    size_t count;
};

static void expect(struct model *m, unsigned which, enum flow_end end, int64_t time)
{
    struct alone *f = &m->flow[which];
    m->list[m->count++] = (struct expected){which, end, time, f->payload, f->payload - f->told};
    f->told = f->payload;
    f->dirty = false;
    if (end != FLOW_OPEN)
        *f = (struct alone){0};
}

static void model_advance(struct model *m, int64_t now)
{
    for (unsigned i = 0; i < FLOWS; i++) {
        struct alone *f = &m->flow[i];
        int64_t idle = f->last + m->config.udp_ns, report = f->since + m->config.report_ns;
        if (f->live && f->dirty && report <= now && report < idle)
            expect(m, i, FLOW_OPEN, report);
        if (f->live && idle <= now)
            expect(m, i, FLOW_END_IDLE, idle);
    }
}

static void model_packet(struct model *m, unsigned which, uint32_t payload, int64_t time)
{
    struct alone *f = &m->flow[which];
    if (!f->live)
        *f = (struct alone){.live = true, .last = time};
    if (!f->dirty)
        f->since = time;
    f->dirty = true;
    f->last = time > f->last ? time : f->last;
    f->payload += payload;
    if (f->payload - f->told >= m->config.report_bytes)
        expect(m, which, FLOW_OPEN, time);
}

static int by_time_flow(const void *a, const void *b)
{
    const struct expected *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    if (x->flow != y->flow)
        return x->flow < y->flow ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

static void compare(struct model *m, const struct listener *l)
{
    struct expected *told = calloc(l->count, sizeof *told);
    for (size_t i = 0; i < l->count; i++) {
        const struct record_flow *r = &l->told[i];
        told[i] = (struct expected){(unsigned)r->key.orig_port - 2000, (enum flow_end)r->end,
                                    r->header.time_ns, r->total[SIDE_ORIG].payload_bytes,
                                    (uint64_t)r->fresh[SIDE_ORIG].payload_bytes};
    }
    assert_int_equal(l->count, m->count);
    qsort(told, l->count, sizeof *told, by_time_flow);
    qsort(m->list, m->count, sizeof m->list[0], by_time_flow);
    for (size_t i = 0; i < m->count; i++) {
        assert_int_equal(told[i].flow, m->list[i].flow);
        assert_int_equal(told[i].end, m->list[i].end);
        assert_int_equal(told[i].time, m->list[i].time);
        assert_int_equal(told[i].payload, m->list[i].payload);
        assert_int_equal(told[i].fresh, m->list[i].fresh);
    }
    free(told);
}

/* `disorder`: how far back packets may lie. Bytes are reported at packet time, so those packets
 * that reach report_bytes come in order; the others may come late. */
static void random_traffic(unsigned seed, int64_t disorder)
{
    static struct model m;
    struct listener l;
    memset(&m, 0, sizeof m);
    m.config = flow_config_default();
    m.config.report_bytes = 5000;
    m.config.udp_ns = 40 * SECOND;
    listen_with(&l, &m.config);
    srand(seed);
    int64_t clock = 1000 * SECOND, due = 0;
    for (int i = 0; i < PACKETS; i++) {
        clock += rand() % 50 ? rand() % (SECOND / 5) : rand() % (60 * SECOND);
        unsigned which = (unsigned)rand() % (rand() % 3 ? FLOWS : 5);
        int64_t late = disorder && rand() % 4 == 0 ? rand() % disorder : 0;
        due = flow_table_next_due(l.table).ns;
        size_t before = l.count;
        advance(&l, clock);
        if (clock < due)
            assert_int_equal(l.count, before); /* next_due is a promise */
        model_advance(&m, clock);
        uint32_t payload = late ? 1 : (uint32_t)rand() % 1500;
        if (m.flow[which].payload - m.flow[which].told + payload >= m.config.report_bytes)
            late = 0;
        struct packet p = udp(1, (uint16_t)(2000 + which), 2, 9999, payload, clock - late);
        feed(&l, &p, NULL);
        model_packet(&m, which, payload, clock - late);
    }
    advance(&l, clock + 100 * SECOND);
    model_advance(&m, clock + 100 * SECOND);
    assert_int_equal(flow_table_count(l.table), 0);
    for (size_t i = 1; i < l.count; i++)
        assert_true(l.told[i - 1].header.time_ns <= l.told[i].header.time_ns);
    compare(&m, &l);
    listen_end(&l);
}

static void test_random_traffic_matches_flows_alone(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 12; seed++)
        random_traffic(seed, seed % 3 == 0 ? 0 : seed % 3 == 1 ? SECOND / 1000 : 9 * SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_progress_then_end),
        cmocka_unit_test(test_foretold),
        cmocka_unit_test(test_time_outs_by_kind),
        cmocka_unit_test(test_time_never_goes_back),
        cmocka_unit_test(test_settle_reports_at_once),
        cmocka_unit_test(test_refused_reports_come_later),
        cmocka_unit_test(test_eviction_takes_the_longest_idle),
        cmocka_unit_test(test_thousands_of_late_flows),
        cmocka_unit_test(test_no_bounds_at_all),
        cmocka_unit_test(test_end_of_time),
        cmocka_unit_test(test_random_traffic_matches_flows_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
