/* The ranking "look here first", with weights worked out by hand: bytes to each destination divided
 * by how many hosts use it, times (1 + PCR)/2. */
#include "views.h"

#include "weir/investigate/hosts.h"

#include <math.h>
#include <stdio.h>

static int set_up(void **state)
{
    *state = hosts_new();
    return 0;
}

static int tear_down(void **state)
{
    hosts_free(*state);
    return 0;
}

static void add(struct hosts *hosts, const char *host, uint64_t out, uint64_t in, const char *to)
{
    struct made made;
    hosts_add_flow(hosts, make_view(&made, SCOPE_OUT, host, "198.51.100.1", out, in, to));
}

static void expect(const struct ranked *ranked, const char *host, double weight, double pcr,
                   const char *top, unsigned top_hosts)
{
    char text[IP_TEXT_SIZE];
    assert_string_equal(ip_text(&ranked->host->host, text), host);
    if (fabs(ranked->weight - weight) > 1e-6 * weight || fabs(ranked->pcr - pcr) > 1e-9)
        fail_msg("%s: weight %f, PCR %f; expected %f, %f", host, ranked->weight, ranked->pcr,
                 weight, pcr);
    assert_string_equal(destination_sum_name(ranked->top), top);
    assert_int_equal(ranked->top_hosts, top_hosts);
}

static void test_ranking(void **state)
{
    struct hosts *hosts = *state;
    struct ranked ranked[8];
    add(hosts, "10.0.0.1", 900000, 100000, "shared.jp"); /* PCR .8, three use it */
    add(hosts, "10.0.0.2", 300000, 0, "own.jp");         /* PCR 1, nobody else */
    add(hosts, "10.0.0.2", 100000, 0, "shared.jp");
    add(hosts, "10.0.0.3", 200000, 9800000, "shared.jp"); /* fetches: PCR −.96 */
    add(hosts, "10.0.0.4", 65535, 0, "tiny.jp");          /* below 64 KiB: not ranked */
    add(hosts, "10.0.0.5", 0, 5000000, "shared.jp");      /* sent nothing: does not use it */
    assert_int_equal(hosts_rank(hosts, ranked, 8), 3);
    expect(&ranked[0], "10.0.0.2", 300000 + 100000 / 3.0, 1, "own.jp", 1);
    expect(&ranked[1], "10.0.0.1", 900000 / 3.0 * .9, .8, "shared.jp", 3);
    expect(&ranked[2], "10.0.0.3", 200000 / 3.0 * .02, -.96, "shared.jp", 3);
    assert_int_equal(ranked[0].top->out.value, 300000);
    assert_int_equal(hosts_rank(hosts, ranked, 1), 1);
    expect(&ranked[0], "10.0.0.2", 300000 + 100000 / 3.0, 1, "own.jp", 1);
}

/* Numbered pairs add up to the same, also of two whose numbers share a place, and of one to which
 * nothing was sent at first. */
static void test_numbered_pairs(void **state)
{
    static const struct {
        const char *host, *to;
        uint64_t pair, out;
        uint32_t number; /* the host's */
    } flow[] = {
        {"10.0.0.1", "a.jp", 1, 100000, 900}, {"10.0.0.2", "b.jp", 1 + HOSTS_FOUND, 200000, 1},
        {"10.0.0.1", "a.jp", 1, 50000, 900},  {"10.0.0.2", "b.jp", 1 + HOSTS_FOUND, 70000, 1},
        {"10.0.0.2", "c.jp", 2, 0, 1},        {"10.0.0.2", "c.jp", 2, 300000, 0},
        {"10.0.0.2", "c.jp", 2, 300000, 1},   {"10.0.0.1", "a.jp", 3, 1000, 900}};
    struct hosts *hosts = *state, *plain = hosts_new();
    struct ranked ranked[4], is[4];
    for (size_t i = 0; i < sizeof flow / sizeof *flow; i++) {
        struct made made;
        add(plain, flow[i].host, flow[i].out, 0, flow[i].to);
        make_view(&made, SCOPE_OUT, flow[i].host, "198.51.100.1", flow[i].out, 0, flow[i].to);
        made.view.pair = flow[i].pair;
        made.view.host_number = flow[i].number;
        hosts_add_flow(hosts, &made.view);
    }
    assert_int_equal(hosts_rank(hosts, ranked, 4), 2);
    assert_int_equal(hosts_rank(plain, is, 4), 2);
    for (size_t i = 0; i < 2; i++) {
        assert_memory_equal(&ranked[i].host->host, &is[i].host->host, sizeof(struct ip));
        assert_int_equal(ranked[i].host->out.value, is[i].host->out.value);
        assert_int_equal(ranked[i].host->destinations.count, is[i].host->destinations.count);
        assert_string_equal(ranked[i].top->key, is[i].top->key);
        assert_int_equal(ranked[i].top->out.value, is[i].top->out.value);
    }
    assert_int_equal(ranked[0].top->out.value, 600000);
    hosts_free(plain);
}

static void test_equal_weights_by_address(void **state)
{
    struct hosts *hosts = *state;
    struct ranked ranked[4];
    char text[IP_TEXT_SIZE];
    add(hosts, "10.0.0.9", 100000, 0, "a.jp");
    add(hosts, "10.0.0.10", 100000, 0, "b.jp");
    add(hosts, "10.0.0.2", 100000, 0, "c.jp");
    assert_int_equal(hosts_rank(hosts, ranked, 4), 3);
    assert_string_equal(ip_text(&ranked[0].host->host, text), "10.0.0.2");
    assert_string_equal(ip_text(&ranked[1].host->host, text), "10.0.0.9");
    assert_string_equal(ip_text(&ranked[2].host->host, text), "10.0.0.10");
}

/* What a server served counts for the server, by the clients' networks. */
static void test_served(void **state)
{
    struct hosts *hosts = *state;
    struct made made;
    struct ranked ranked[4];
    hosts_add_flow(hosts, make_view(&made, SCOPE_IN, "203.0.113.9", "10.0.0.1", 1000, 99000, NULL));
    hosts_add_flow(hosts, make_view(&made, SCOPE_IN, "203.0.113.7", "10.0.0.1", 0, 1000, NULL));
    assert_int_equal(hosts_rank(hosts, ranked, 4), 1);
    expect(&ranked[0], "10.0.0.1", 100000 * (1 + 99000 / 101000.0) / 2, 99000 / 101000.0,
           "203.0.113.0/24", 1);
    assert_int_equal(hosts->out.value, 100000);
}

static void test_sums(void **state)
{
    struct hosts *hosts = *state;
    struct made made;
    make_view(&made, SCOPE_OUT, "10.0.0.1", "198.51.100.1", 70000, 5, "a.jp");
    made.flow->service = SERVICE_TLS;
    hosts_add_flow(hosts, &made.view);
    make_view(&made, SCOPE_OUT, "10.0.0.1", "198.51.100.1", 30, 5, "a.jp");
    made.flow->end = FLOW_OPEN; /* a progress record: bytes, but no flow more */
    hosts_add_flow(hosts, &made.view);
    make_view(&made, SCOPE_INTERNAL, "10.0.0.1", "10.0.0.2", 1 << 20, 1 << 20, NULL);
    hosts_add_flow(hosts, &made.view);
    make_view(&made, SCOPE_BROADCAST, "10.0.0.1", "10.255.255.255", 1 << 20, 0, NULL);
    hosts_add_flow(hosts, &made.view);
    assert_int_equal(hosts->out.value, 70030);
    assert_int_equal(hosts->service_out[SERVICE_TLS].value, 70000);
    assert_int_equal(hosts->service_out[SERVICE_NONE].value, 30);
    struct ranked ranked;
    assert_int_equal(hosts_rank(hosts, &ranked, 1), 1);
    assert_int_equal(ranked.host->flows, 1);
    assert_int_equal(ranked.host->in_bytes, 10);
    assert_int_equal(ranked.host->service_out[SERVICE_TLS].value, 70000);
}

/* Neither side inside: the largest /16 and /32, for the proposal. */
static void test_outside(void **state)
{
    struct hosts *hosts = *state;
    struct made made;
    struct prefix_sum sum[8];
    char text[PREFIX_TEXT_SIZE];
    make_view(&made, SCOPE_TRANSIT, "203.0.113.1", "198.51.100.1", 100, 1000, NULL);
    hosts_add_flow(hosts, &made.view);
    make_view(&made, SCOPE_TRANSIT, "203.0.5.1", "192.0.2.1", 10, 5, NULL);
    hosts_add_flow(hosts, &made.view);
    make_view(&made, SCOPE_TRANSIT, "2001:db8:1::1", "2001:db8:2::1", 3, 4, NULL);
    made.flow->fresh[SIDE_ORIG].payload_bytes = -3; /* taken back; both ends share the prefix */
    hosts_add_flow(hosts, &made.view);
    make_view(&made, SCOPE_TRANSIT, "127.0.0.1", "127.0.0.1", 9999, 1, NULL); /* no network */
    hosts_add_flow(hosts, &made.view);
    assert_int_equal(hosts_outside(hosts, sum, 8), 4);
    static const struct {
        const char *prefix;
        uint64_t bytes;
    } want[] = {{"203.0.0.0/16", 1115},
                {"198.51.0.0/16", 1100},
                {"192.0.0.0/16", 15},
                {"2001:db8::/32", 1}};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(prefix_text(&sum[i].prefix, text), want[i].prefix);
        assert_int_equal(sum[i].bytes, want[i].bytes);
    }
    assert_int_equal(hosts_outside(hosts, sum, 2), 2);
}

/* At a bound what does not fit is summed and counted, never dropped in silence. */
/* Once a gap was told, no figure of the host is exact. */
static void test_content(void **state)
{
    struct hosts *hosts = *state;
    struct ip host = ip_from_v4((const uint8_t[]){10, 0, 0, 1});
    union {
        struct record_content content;
        uint8_t bytes[sizeof(struct record_content) + 3 * sizeof(uint64_t)];
    } record = {.content = {.class = CONTENT_EMAIL, .hash_count = 1, .label_count = 1}};
    record.content.hash[0] = 77;
    memcpy(record.content.hash + 1, "\0\1x", 3); /* the label's place, its size, itself */
    assert_null(hosts_content_of(hosts, &host));
    hosts_add_content(hosts, &host, &record.content);
    assert_int_equal(hosts_content_of(hosts, &host)->counted.of[CONTENT_EMAIL].items, 1);
    assert_false(hosts_content_of(hosts, &host)->gaps);
    record.content.gap_bytes = 5;
    hosts_add_content(hosts, &host, &record.content);
    record.content.gap_bytes = 0; /* another flow's */
    hosts_add_content(hosts, &host, &record.content);
    assert_int_equal(hosts_content_of(hosts, &host)->counted.of[CONTENT_EMAIL].items, 1);
    assert_true(hosts_content_of(hosts, &host)->gaps);
}

static void test_bounds(void **state)
{
    struct hosts *hosts = *state;
    struct made made;
    for (unsigned i = 0; i < HOSTS_DESTINATIONS + 7; i++) {
        char name[32];
        snprintf(name, sizeof name, "scanned%u.jp", i);
        add(hosts, "10.0.0.1", 0, 60, name); /* takes no place */
        snprintf(name, sizeof name, "d%u.jp", i);
        add(hosts, "10.0.0.1", 1000, 0, name);
    }
    assert_int_equal(hosts->overflow, 7);
    make_view(&made, SCOPE_OUT, "10.1.0.0", "198.51.100.1", 10, 0, "d1.jp");
    for (unsigned i = 0; i < HOSTS_MAX + 3; i++) {
        made.host.byte[13] = (uint8_t)(1 + (i >> 16));
        made.host.byte[14] = (uint8_t)(i >> 8);
        made.host.byte[15] = (uint8_t)i;
        hosts_add_flow(hosts, &made.view);
    }
    assert_int_equal(hosts->map.count, HOSTS_MAX);
    assert_int_equal(hosts->overflow, 7 + 4);
    assert_int_equal(hosts->out.value, (HOSTS_DESTINATIONS + 7) * 1000 + (HOSTS_MAX + 3) * 10);
}

/* Twenty connections of 1 to 20 minutes, in an order of their own: sixteen of five minutes and more
 * are kept, longest first. Of 20 minutes nine tenths are 18. */
static void test_open_all_the_while(void **state)
{
    struct hosts *hosts = *state;
    for (int i = 0; i < 20; i++) {
        struct made made;
        int minutes = i * 7 % 20 + 1;
        make_view(&made, SCOPE_OUT, "10.0.0.1", "198.51.100.1", 100, 0, NULL);
        made.flow->last_ns = START + minutes * NS_PER_MIN;
        made.flow->key.orig_port = (uint16_t)(1000 + minutes);
        made.flow->end = FLOW_OPEN;
        hosts_add_flow(hosts, &made.view); /* it goes on: not yet */
        made.flow->end = FLOW_END_INPUT;
        hosts_add_flow(hosts, &made.view);
    }
    assert_int_equal(hosts->lasting_count, 16);
    for (int i = 0; i < 16; i++)
        assert_int_equal(hosts->lasting[i].key.orig_port, 1020 - i);
    struct ptime first = {START}, last = {START + 20 * NS_PER_MIN};
    assert_int_equal(hosts_lasting(hosts, first, last), 3);
    last.ns += NS_PER_HOUR;
    assert_int_equal(hosts_lasting(hosts, first, last), 0);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(test_ranking),
        WITH(test_numbered_pairs),
        WITH(test_equal_weights_by_address),
        WITH(test_served),
        WITH(test_sums),
        WITH(test_outside),
        WITH(test_content),
        WITH(test_bounds),
        cmocka_unit_test_setup_teardown(test_open_all_the_while, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
