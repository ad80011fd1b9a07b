/* What is told once, and what goes on where it was. */
#include "listener.h"

#define CLIENT      1u
#define RESOLVER    2u
#define CLIENT_PORT 40000u
#define MS          (SECOND / 1000)

static void send_from(struct listener *l, bool client, uint16_t client_port, uint16_t port,
                      int64_t time_ns)
{
    struct packet p = client ? udp(CLIENT, client_port, RESOLVER, port, 40, time_ns)
                             : udp(RESOLVER, port, CLIENT, client_port, 200, time_ns);
    feed(l, &p, NULL);
}

static void ask(struct listener *l, int64_t time_ns)
{
    send_from(l, true, CLIENT_PORT, 53, time_ns);
}

static void answer(struct listener *l, int64_t time_ns)
{
    send_from(l, false, CLIENT_PORT, 53, time_ns);
}

static void advance(struct listener *l, int64_t time_ns)
{
    flow_table_advance(l->table, (struct ptime){time_ns});
}

/* The record `which` tells all of a flow with so many packets, and that it is over. */
static void assert_whole(const struct listener *l, size_t which, int64_t time_ns, unsigned asked,
                         unsigned answered)
{
    assert_true(which < l->count);
    const struct record_flow *r = &l->told[which];
    assert_int_equal(r->end, FLOW_END_IDLE);
    assert_int_equal(r->header.time_ns, time_ns);
    assert_int_equal(r->key.orig_port, CLIENT_PORT);
    assert_int_equal(r->total[SIDE_ORIG].packets, asked);
    assert_int_equal(r->total[SIDE_RESP].packets, answered);
    assert_int_equal(r->fresh[SIDE_ORIG].packets, asked);
    assert_int_equal(r->fresh[SIDE_RESP].packets, answered);
}

static void test_answered_is_told_once(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    ask(&l, SECOND);
    answer(&l, 2 * SECOND);
    advance(&l, 11 * SECOND - 1);
    assert_int_equal(l.count, 0);
    advance(&l, 182 * SECOND - 1);
    assert_int_equal(l.count, 1);
    assert_whole(&l, 0, 11 * SECOND, 1, 1);
    assert_int_equal(l.told[0].fresh_since_ns, SECOND);
    assert_int_equal(l.released, 1);
    assert_int_equal(flow_table_count(l.table), 1);
    advance(&l, 182 * SECOND); /* after that its ports are anybody's */
    assert_int_equal(flow_table_count(l.table), 0);
    assert_int_equal(l.count, 1);
    assert_int_equal(l.released, 1);
    listen_end(&l);
}

/* Its report comes when it does, and its end by the time-out. */
static void assert_ordinary(struct listener *l, int64_t reported_ns, int64_t ended_ns)
{
    advance(l, ended_ns - 1);
    assert_int_equal(l->count, 1);
    assert_int_equal(l->told[0].end, FLOW_OPEN);
    assert_int_equal(l->told[0].header.time_ns, reported_ns);
    advance(l, ended_ns);
    assert_int_equal(l->count, 2);
    assert_int_equal(l->told[1].end, FLOW_END_IDLE);
    assert_int_equal(l->told[1].fresh[SIDE_ORIG].packets, 0);
    listen_end(l);
}

static void test_unanswered_is_not_over(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    ask(&l, 0);
    assert_ordinary(&l, 10 * SECOND, 180 * SECOND);
}

static void test_not_quiet_is_not_over(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    ask(&l, 0);
    answer(&l, 5 * SECOND + 1);
    assert_ordinary(&l, 10 * SECOND, 185 * SECOND + 1);
}

static void test_who_asks_much_is_not_over(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    for (int i = 0; i < 9; i++) {
        ask(&l, i * MS);
        answer(&l, i * MS);
    }
    assert_ordinary(&l, 10 * SECOND, 180 * SECOND + 8 * MS);
}

static void test_other_ports_are_not_over(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    send_from(&l, true, CLIENT_PORT, 5300, 0);
    send_from(&l, false, CLIENT_PORT, 5300, MS);
    assert_ordinary(&l, 10 * SECOND, 180 * SECOND + MS);
}

/* What the server goes on to send is of a two-way flow that the client opened, even where the ports
 * would say the opposite; and what follows is one flow, however long the pauses. */
static void test_goes_on_as_one(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    send_from(&l, true, 700, 53, 0);
    send_from(&l, false, 700, 53, MS);
    send_from(&l, false, 700, 53, 100 * SECOND);
    assert_int_equal(l.count, 1);
    assert_int_equal(flow_table_count(l.table), 1);
    for (int i = 2; i < 20; i++) {
        send_from(&l, true, 700, 53, i * 100 * SECOND);
        send_from(&l, false, 700, 53, i * 100 * SECOND + MS);
    }
    advance(&l, 3000 * SECOND);
    uint64_t asked = 0, answered = 0;
    size_t ends = 0;
    for (size_t i = 0; i < l.count; i++) {
        const struct record_flow *r = &l.told[i];
        assert_int_equal(r->key.orig_port, 700);
        assert_true(r->flags & FLOW_ESTABLISHED);
        ends += r->end != FLOW_OPEN;
        asked += (uint64_t)r->fresh[SIDE_ORIG].packets;
        answered += (uint64_t)r->fresh[SIDE_RESP].packets;
    }
    assert_int_equal(ends, 2);
    assert_int_equal(asked, 19);
    assert_int_equal(answered, 20);
    const struct record_flow *last = &l.told[l.count - 1];
    assert_int_equal(last->start_ns, 100 * SECOND);
    assert_int_equal(last->last_ns, 1900 * SECOND + MS);
    assert_int_equal(last->total[SIDE_ORIG].packets, 18);
    assert_int_equal(last->total[SIDE_RESP].packets, 19);
    struct health health = {0};
    flow_table_health(l.table, &health);
    assert_int_equal(health.flows, 2);
    listen_end(&l);
}

/* NTP's peers use one port on both sides: who asked first stays the one who asks. */
static void test_time_is_asked_again(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    send_from(&l, true, 123, 123, 0);
    send_from(&l, false, 123, 123, MS);
    send_from(&l, false, 123, 123, 64 * SECOND);
    send_from(&l, true, 123, 123, 65 * SECOND);
    advance(&l, 300 * SECOND);
    struct ip client = host(CLIENT);
    for (size_t i = 0; i < l.count; i++)
        assert_int_equal(ip_compare(&l.told[i].key.orig_ip, &client), 0);
    assert_int_equal(l.count, 3);
    assert_int_equal(l.told[0].end, FLOW_END_IDLE);
    assert_int_equal(l.told[1].end, FLOW_OPEN);
    assert_int_equal(l.told[2].end, FLOW_END_IDLE);
    listen_end(&l);
}

static struct packet echo(bool request, const char *payload, int64_t time_ns)
{
    struct packet p = plain(request ? 1 : 2, request ? 2 : 1, PROTO_ICMP, 64, time_ns);
    p.src_port = request ? 8 : 0;
    p.dst_port = request ? 0 : 8;
    p.payload = (const uint8_t *)payload;
    p.payload_captured = 64;
    return p;
}

/* A payload that was sent before the pause is the same one after it: no odd one more. */
static void test_ping(void **state)
{
    (void)state;
    struct listener l;
    static const char odd[64] = "qmzkwhdbvxplratqyfjgnsceuoihwpzkbxmvtrqjdlgafynscoeuqkwzhpmbvxr";
    listen_default(&l);
    struct packet asked = echo(true, odd, 0), told = echo(false, odd, MS);
    feed(&l, &asked, NULL);
    feed(&l, &told, NULL);
    advance(&l, 30 * SECOND);
    assert_int_equal(l.count, 1);
    assert_int_equal(l.told[0].end, FLOW_END_IDLE);
    assert_int_equal(l.told[0].echo[SIDE_ORIG].payloads, 1);
    asked = echo(true, odd, 40 * SECOND);
    feed(&l, &asked, NULL);
    advance(&l, 200 * SECOND);
    assert_int_equal(l.count, 3);
    assert_int_equal(l.told[2].echo[SIDE_ORIG].payloads, 0);
    assert_int_equal(l.told[2].total[SIDE_ORIG].packets, 1);
    listen_end(&l);
}

/* The end of the input tells what was not told, and a flow that gives way was told already. */
static void test_nothing_is_told_twice(void **state)
{
    (void)state;
    struct listener l;
    struct flow_config config = flow_config_default();
    config.max_flows = 1;
    listen_with(&l, &config);
    ask(&l, 0);
    answer(&l, MS);
    advance(&l, 20 * SECOND);
    struct packet other = udp(3, 3000, 4, 2000, 10, 21 * SECOND);
    feed(&l, &other, NULL);
    struct health health = {0};
    flow_table_health(l.table, &health);
    assert_int_equal(health.flows_evicted, 0);
    assert_int_equal(l.count, 1);
    ask(&l, 22 * SECOND); /* its ports are as new ones */
    answer(&l, 22 * SECOND);
    assert_int_equal(l.told[1].end, FLOW_END_EVICTED);
    advance(&l, 40 * SECOND);
    flow_table_finish(l.table, (struct ptime){40 * SECOND});
    assert_int_equal(l.count, 3);
    assert_whole(&l, 2, 32 * SECOND, 1, 1);
    assert_int_equal(l.released, 3);
    assert_int_equal(flow_table_count(l.table), 0);
    listen_end(&l);
}

/* Answers that are older than their questions, and than other questions: each is told in its time.
 */
static void test_many_in_disorder(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    for (unsigned i = 0; i < 200; i++) {
        int64_t begun = (int64_t)i * 10 * MS, late = (int64_t)(i * 7 % 13) * 20 * MS;
        send_from(&l, true, (uint16_t)(2000 + i), 53, begun);
        send_from(&l, false, (uint16_t)(2000 + i), 53, begun + MS - late);
    }
    advance(&l, 400 * SECOND);
    assert_int_equal(l.count, 200);
    assert_int_equal(flow_table_count(l.table), 0);
    for (size_t i = 0; i < l.count; i++) {
        assert_int_equal(l.told[i].end, FLOW_END_IDLE);
        assert_int_equal(l.told[i].header.time_ns, l.told[i].fresh_since_ns + 10 * SECOND);
        assert_true(i == 0 || l.told[i - 1].header.time_ns <= l.told[i].header.time_ns);
    }
    listen_end(&l);
}

/* --- connections ------------------------------------------------------------------------------ */

/* Opened at 0, 100 bytes asked for and 300 answered; both FINs at `end_ns`, and all acknowledged.
 */
static void connection(struct listener *l, int64_t end_ns)
{
    feed_tcp(l, true, TCP_SYN, 99, 0, 0, 0);
    feed_tcp(l, false, TCP_SYN | TCP_ACK, 499, 100, 0, MS);
    feed_tcp(l, true, TCP_ACK, 100, 500, 100, 2 * MS);
    feed_tcp(l, false, TCP_ACK, 500, 200, 300, 3 * MS);
    feed_tcp(l, true, TCP_ACK | TCP_FIN, 200, 800, 0, end_ns);
    feed_tcp(l, false, TCP_ACK | TCP_FIN, 800, 201, 0, end_ns);
    feed_tcp(l, true, TCP_ACK, 201, 801, 0, end_ns);
}

/* What is sent again after it would be read as new. */
static void test_no_connection_is_over(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    connection(&l, 8 * SECOND);
    advance(&l, 400 * SECOND);
    assert_int_equal(l.count, 2);
    assert_int_equal(l.told[0].end, FLOW_OPEN);
    assert_int_equal(l.told[1].end, FLOW_END_CLOSED);
    assert_int_equal(l.told[1].header.time_ns, 18 * SECOND);
    assert_int_equal(flow_table_count(l.table), 0);
    listen_end(&l);
}

/* By its port it might be one; what was found in it says that it is not. */
static void test_what_is_no_look_up_is_not_over(void **state)
{
    (void)state;
    for (int is_one = 0; is_one < 2; is_one++) {
        struct listener l;
        listen_default(&l);
        l.says_otherwise = !is_one;
        ask(&l, 0);
        answer(&l, MS);
        advance(&l, 400 * SECOND);
        assert_int_equal(l.told[0].end, is_one ? FLOW_END_IDLE : FLOW_OPEN);
        assert_int_equal(l.count, is_one ? 1 : 2);
        listen_end(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answered_is_told_once),
        cmocka_unit_test(test_unanswered_is_not_over),
        cmocka_unit_test(test_not_quiet_is_not_over),
        cmocka_unit_test(test_who_asks_much_is_not_over),
        cmocka_unit_test(test_other_ports_are_not_over),
        cmocka_unit_test(test_goes_on_as_one),
        cmocka_unit_test(test_time_is_asked_again),
        cmocka_unit_test(test_ping),
        cmocka_unit_test(test_nothing_is_told_twice),
        cmocka_unit_test(test_many_in_disorder),
        cmocka_unit_test(test_no_connection_is_over),
        cmocka_unit_test(test_what_is_no_look_up_is_not_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
