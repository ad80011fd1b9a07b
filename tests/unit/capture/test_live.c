/* Live capture on interfaces of the test's own: what passes, when, and what is said when an
 * interface is not there, down, or goes away. */
#include "veth.h"

#include "weir/capture/capture.h"
#include "weir/capture/fanout.h"
#include "weir/capture/recent.h"

#define SERVER UINT32_C(0xc6336401)

struct bench {
    struct ring_handles ring;
    struct ring_consumer *consumer;
    struct capture *capture;
    struct health health;
    int64_t watermark;
    unsigned watermarks, healths, flows, ended;
    uint64_t vantages; /* bits: of flows that ended */
    bool finished;
};

static void see(struct bench *bench, const struct record_header *header)
{
    if (header->kind == RECORD_WATERMARK) {
        assert_true(header->time_ns > bench->watermark);
        bench->finished = header->time_ns == INT64_MAX;
        bench->watermark = bench->finished ? bench->watermark : header->time_ns;
        bench->watermarks++;
        return;
    }
    assert_true(header->time_ns > bench->watermark);
    if (header->kind == RECORD_HEALTH) {
        bench->health = ((const struct record_health *)header)->total;
        bench->healths++;
    }
    if (header->kind == RECORD_FLOW) {
        const struct record_flow *flow = (const struct record_flow *)header;
        bench->flows++;
        if (flow->end != FLOW_OPEN)
            bench->vantages |= UINT64_C(1) << flow->key.vantage;
        bench->ended += flow->end != FLOW_OPEN;
    }
}

static void look(struct bench *bench)
{
    uint64_t record[RECORD_MAX_BYTES / sizeof(uint64_t)];
    size_t size;
    while (ring_pop(bench->consumer, record, sizeof record, &size) == RING_OK) {
        assert_int_equal(record_validate(record, size), RECORD_OK);
        see(bench, (const struct record_header *)record);
    }
    ring_release(bench->consumer, ring_read_position(bench->consumer));
}

static struct capture_config config_of(struct bench *bench, const struct capture_interface *at,
                                       size_t count)
{
    struct capture_config config = {.interfaces = at,
                                    .interface_count = count,
                                    .workers = 1,
                                    .snaplen = 65536,
                                    .buffer_mib = 2,
                                    .promiscuous = true,
                                    .ring = bench->ring,
                                    .recent_fd = -1,
                                    .decoder = decoder_config_default(),
                                    .flow = flow_config_default(),
                                    .content = {.stream = stream_config_default()}};
    hash_key_init(&config.content.key, "test", 4);
    return config;
}

static struct bench bench_make(void)
{
    struct bench bench = {.watermark = INT64_MIN};
    struct error error = {0};
    assert_int_equal(ring_create(&bench.ring, 1u << 20, &error), 0);
    bench.consumer = ring_consumer_open(&bench.ring, &error);
    return bench;
}

static struct bench bench_open(const struct capture_interface *at, size_t count, const char *filter)
{
    struct bench bench = bench_make();
    struct error error = {0};
    struct capture_config config = config_of(&bench, at, count);
    config.filter = filter;
    bench.capture = capture_open(&config, &error);
    if (!bench.capture)
        fail_msg("%s", error.message);
    return bench;
}

static void bench_start(struct bench *bench)
{
    struct error error = {0};
    if (capture_start(bench->capture, &error) != 0)
        fail_msg("%s", error.message);
}

static struct capture_status status_of(const struct bench *bench)
{
    struct capture_status status;
    capture_status_of(bench->capture, &status);
    return status;
}

static void bench_end(struct bench *bench)
{
    if (bench->capture) {
        struct pollfd end = {.fd = capture_end_event(bench->capture), .events = POLLIN};
        capture_stop(bench->capture);
        assert_int_equal(poll(&end, 1, 5000), 1);
        capture_join(bench->capture);
        look(bench);
        assert_true(bench->finished);
        assert_true(status_of(bench).ended);
    }
}

static void bench_free(struct bench *bench)
{
    capture_free(bench->capture);
    ring_consumer_free(bench->consumer);
    ring_destroy(&bench->ring);
}

static void wait_for_packets(struct bench *bench, uint64_t packets)
{
    for (int i = 0; status_of(bench).packets < packets; i++) {
        if (i == 300)
            fail_msg("%llu packets after 3 s, expected %llu",
                     (unsigned long long)status_of(bench).packets, (unsigned long long)packets);
        pause_ms(10);
        look(bench);
    }
}

static void send_some(const char *name, unsigned count, uint16_t port)
{
    struct frame frame;
    int fd = veth_socket(name);
    frame_udp(&frame, 0x0a000001, port, SERVER, 9, "hello", 5);
    for (unsigned i = 0; i < count; i++)
        veth_send(fd, &frame);
    close(fd);
}

/* --- what passes ------------------------------------------------------------------------------ */

static const struct capture_interface one[] = {{"weir0", 0}};

/* Nothing before the start, all after it, and not one frame from us. */
static void test_between_start_and_stop(void **state)
{
    struct bench bench = bench_open(one, 1, NULL);
    struct sockaddr_ll from;
    uint8_t data[2048];
    socklen_t size = sizeof from;
    size_t count;
    int fd[4], watcher = veth_socket("peer0");
    (void)state;
    assert_int_equal(capture_sockets(bench.capture, fd, 4), 1);
    assert_int_equal(capture_sockets(bench.capture, fd, 0), 0);
    send_some("peer0", 50, 1000);
    pause_ms(50);
    bench_start(&bench);
    send_some("peer0", 1000, 2000);
    wait_for_packets(&bench, 1000);
    pause_ms(50);
    bench_end(&bench);
    assert_int_equal(bench.health.packets, 1000);
    assert_int_equal(bench.health.wire_bytes, 1000 * (14 + 20 + 8 + 5));
    assert_int_equal(bench.health.flows, 1);
    assert_int_equal(bench.health.kernel_drops, 0);
    assert_int_equal(bench.health.time_jumps, 0);
    assert_int_equal(bench.ended, 1);
    assert_int_equal(bench.vantages, 1);
    assert_int_equal(status_of(&bench).kernel_received, 1000);
    const struct capture_input *input = capture_inputs(bench.capture, &count);
    assert_int_equal(count, 1);
    assert_string_equal(input->path, "weir0");
    assert_string_equal(input->link, "EN10MB");
    assert_int_equal(input->packets, 1000);
    while (recvfrom(watcher, data, sizeof data, MSG_DONTWAIT, (struct sockaddr *)&from, &size) > 0)
        assert_int_equal(from.sll_pkttype, PACKET_OUTGOING); /* ours, as this end sent them */
    close(watcher);
    bench_free(&bench);
}

static void test_a_filter(void **state)
{
    struct bench bench = bench_open(one, 1, "udp port 2000 or vlan 7");
    (void)state;
    bench_start(&bench);
    send_some("peer0", 10, 1000);
    send_some("peer0", 20, 2000);
    wait_for_packets(&bench, 20);
    pause_ms(50);
    bench_end(&bench);
    assert_int_equal(bench.health.packets, 20);
    bench_free(&bench);
}

/* Two interfaces: of one vantage they share a flow, of two they do not. */
static void test_vantages(void **state)
{
    (void)state;
    for (uint8_t second = 3; second <= 4; second++) {
        struct capture_interface two[] = {{"weir0", 3}, {"weir1", second}};
        struct bench bench = bench_open(two, 2, "");
        bench_start(&bench);
        for (int i = 0; i < 20; i++) {
            send_some(i % 2 ? "peer0" : "peer1", 1, 2000);
            pause_ms(2);
        }
        wait_for_packets(&bench, 20);
        bench_end(&bench);
        assert_int_equal(bench.health.flows, second == 3 ? 1 : 2);
        assert_int_equal(bench.vantages, second == 3 ? 8 : 8 + 16);
        assert_int_equal(bench.health.time_backwards, 0); /* merged by time */
        bench_free(&bench);
    }
}

/* One interface silent, the other busy: the silent one does not hold it up. */
static void test_a_silent_interface(void **state)
{
    struct capture_interface two[] = {{"weir0", 0}, {"weir1", 0}};
    struct bench bench = bench_open(two, 2, NULL);
    (void)state;
    bench_start(&bench);
    send_some("peer0", 5000, 2000);
    wait_for_packets(&bench, 5000);
    bench_end(&bench);
    assert_int_equal(bench.health.packets, 5000);
    bench_free(&bench);
}

/* Two workers: the capture is the first, a socket of ours the second. Together they see every
 * packet once, and of each pair the whole. */
static void test_two_workers(void **state)
{
    enum { PAIRS = 200, GROUP = 77 };
    struct bench bench = bench_make();
    struct error error = {0};
    struct capture_config config = config_of(&bench, one, 1);
    struct frame frame;
    uint8_t data[2048];
    unsigned others = 0;
    (void)state;
    config.workers = 2;
    config.fanout = GROUP;
    bench.capture = capture_open(&config, &error);
    assert_non_null(bench.capture);
    int second = veth_socket("weir0"), fd = veth_socket("peer0");
    assert_int_equal(fanout_join(second, GROUP, 2, "weir0", &error), 0);
    while (recv(second, data, sizeof data, MSG_DONTWAIT) > 0)
        ;
    bench_start(&bench);
    for (uint32_t i = 0; i < PAIRS; i++) {
        frame_udp(&frame, 0x0a000001 + i, 2000, SERVER, 9, "ask", 3);
        veth_send(fd, &frame);
        frame_udp(&frame, SERVER, 9, 0x0a000001 + i, 2000, "answer", 6);
        veth_send(fd, &frame);
    }
    pause_ms(200);
    while (recv(second, data, sizeof data, MSG_DONTWAIT) > 0)
        others++;
    wait_for_packets(&bench, 2 * PAIRS - others);
    bench_end(&bench);
    assert_in_range(others, PAIRS / 2, 2 * PAIRS - PAIRS / 2);
    assert_int_equal(bench.health.packets, 2 * PAIRS - others);
    assert_int_equal(bench.health.flows, bench.health.packets / 2); /* both directions */
    close(second);
    close(fd);
    bench_free(&bench);
}

/* --- time ------------------------------------------------------------------------------------- */

static int64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Without one packet the watermark follows wall time, and health is told each second. */
static void test_an_idle_clock(void **state)
{
    struct bench bench = bench_open(one, 1, NULL);
    (void)state;
    bench_start(&bench);
    for (int i = 0; i < 35; i++) {
        pause_ms(100);
        look(&bench);
    }
    int64_t behind = wall_ns() - bench.watermark;
    assert_in_range(behind, 400 * NS_PER_MS, 2500 * NS_PER_MS);
    assert_in_range(bench.watermarks, 2, 5);
    assert_in_range(bench.healths, 2, 5);
    uint64_t turns = status_of(&bench).turns;
    pause_ms(300);
    assert_true(status_of(&bench).turns > turns);
    bench_end(&bench);
    bench_free(&bench);
}

/* A progress record comes although its flow has fallen silent. */
static void test_a_report_of_a_silent_flow(void **state)
{
    struct bench bench = bench_make();
    struct error error = {0};
    struct capture_config config = config_of(&bench, one, 1);
    char kept[] = "/tmp/weir-live-XXXXXX";
    (void)state;
    config.recent_fd = recent_create(&error);
    config.flow.report_ns = NS_PER_S;
    config.flow.udp_ns = 2 * NS_PER_S;
    bench.capture = capture_open(&config, &error);
    bench_start(&bench);
    send_some("peer0", 3, 2000);
    wait_for_packets(&bench, 3);
    for (int i = 0; bench.ended == 0; i++) {
        assert_true(i < 60);
        pause_ms(100);
        look(&bench);
    }
    assert_int_equal(bench.flows, 2); /* progress, then the end by time-out */
    bench_end(&bench);
    assert_int_equal(bench.ended, 1);
    close(mkstemp(kept));
    assert_int_equal(recent_save(config.recent_fd, kept, &error), 3); /* and its packets are kept */
    unlink(kept);
    close(config.recent_fd);
    bench_free(&bench);
}

/* --- interfaces ------------------------------------------------------------------------------- */

static void expect_refused(struct capture_config *config, enum error_code code, const char *words)
{
    struct error error = {0};
    assert_null(capture_open(config, &error));
    assert_int_equal(error.code, code);
    if (!strstr(error.message, words))
        fail_msg("\"%s\" does not say \"%s\"", error.message, words);
}

static void test_what_is_refused(void **state)
{
    struct capture_interface none[] = {{"weir0", 0}, {"weir9", 0}}, far[] = {{"weir0", VANTAGES}};
    struct bench bench = bench_make();
    struct capture_config config = config_of(&bench, none, 2);
    (void)state;
    expect_refused(&config, ERROR_RUN, "interface weir9: there is none of this name (there are: ");
    expect_refused(&config, ERROR_RUN, "peer0");
    config = config_of(&bench, far, 1);
    expect_refused(&config, ERROR_RUN, "vantage 64");
    config = config_of(&bench, one, 1);
    config.filter = "udp port port";
    expect_refused(&config, ERROR_USAGE, "filter \"udp port port\": ");
    config.filter = NULL;
    config.worker = 1;
    expect_refused(&config, ERROR_RUN, "worker 1 of 1");
    bench_free(&bench);
}

static void test_no_permission(void **state)
{
    struct bench bench = bench_make();
    struct capture_config config = config_of(&bench, one, 1);
    (void)state;
    assert_int_equal(seteuid(65534), 0);
    expect_refused(&config, ERROR_RUN, "interface weir0: no permission to capture, expected root");
    assert_int_equal(seteuid(0), 0);
    bench_free(&bench);
}

/* One is down, one absent, one goes away while it is read: the last goes on. */
static void test_interfaces_that_are_not_there(void **state)
{
    struct capture_interface four[] = {{"weir0", 0}, {"weir9", 0}, {"weir1", 0}, {"weir2", 0}};
    struct bench bench = bench_make();
    struct error error = {0};
    struct capture_config config = config_of(&bench, four, 4);
    size_t count;
    (void)state;
    config.absent_allowed = true;
    assert_true(ip_command("link set weir1 down"));
    assert_true(veth_make(2));
    bench.capture = capture_open(&config, &error);
    assert_non_null(bench.capture);
    assert_int_equal(status_of(&bench).interfaces_gone, 2 + 4);
    assert_int_equal(status_of(&bench).interfaces_up, 1 + 8);
    bench_start(&bench);
    send_some("peer2", 10, 1000);
    wait_for_packets(&bench, 10);
    assert_true(ip_command("link del weir2"));
    assert_true(veth_make(2)); /* another of the same name */
    for (int i = 0; status_of(&bench).interfaces_gone != 2 + 4 + 8; i++) {
        assert_true(i < 500);
        pause_ms(10);
    }
    send_some("peer0", 10, 1000);
    wait_for_packets(&bench, 20);
    bench_end(&bench);
    const struct capture_input *input = capture_inputs(bench.capture, &count);
    assert_int_equal(input[0].error.code, ERROR_NONE);
    assert_int_equal(input[3].error.code, ERROR_INPUT);
    assert_non_null(strstr(input[3].error.message, "gone after 10 packets"));
    bench_free(&bench);
    assert_true(ip_command("link set weir1 up"));
    assert_true(ip_command("link del weir2"));
}

static void test_down_and_up(void **state)
{
    struct bench bench = bench_open(one, 1, NULL);
    (void)state;
    bench_start(&bench);
    send_some("peer0", 10, 1000);
    wait_for_packets(&bench, 10);
    assert_true(ip_command("link set weir0 down"));
    for (int i = 0; status_of(&bench).interfaces_up != 0; i++) {
        assert_true(i < 300);
        pause_ms(10);
    }
    assert_int_equal(status_of(&bench).interfaces_gone, 0);
    uint64_t turns = status_of(&bench).turns;
    pause_ms(1000);
    assert_in_range(status_of(&bench).turns - turns, 2, 300); /* it does not spin */
    assert_true(ip_command("link set weir0 up"));
    for (int i = 0; status_of(&bench).interfaces_up != 1; i++) {
        assert_true(i < 300);
        pause_ms(10);
    }
    send_some("peer0", 10, 1000);
    wait_for_packets(&bench, 20);
    bench_end(&bench);
    bench_free(&bench);
}

/* A ring of packets that nobody empties in time: what the kernel drops is counted. */
static void test_drops_are_counted(void **state)
{
    enum { SENT = 40000 };
    struct frame frame;
    struct bench bench = bench_open(one, 1, NULL);
    int fd = veth_socket("peer0");
    (void)state;
    frame_udp(&frame, 0x0a000001, 1000, SERVER, 9, frame.data, 0);
    frame.size = 1400;
    bench_start(&bench);
    for (int i = 0; i < SENT; i++)
        veth_send(fd, &frame);
    close(fd);
    for (int i = 0; i < 20; i++) {
        pause_ms(100);
        look(&bench);
    }
    struct capture_status status = status_of(&bench);
    assert_int_equal(status.kernel_received, SENT);
    assert_int_equal(status.packets + status.kernel_drops, SENT);
    bench_end(&bench);
    assert_int_equal(bench.health.packets + bench.health.kernel_drops, SENT);
    bench_free(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_between_start_and_stop),
        cmocka_unit_test(test_a_filter),
        cmocka_unit_test(test_vantages),
        cmocka_unit_test(test_a_silent_interface),
        cmocka_unit_test(test_two_workers),
        cmocka_unit_test(test_an_idle_clock),
        cmocka_unit_test(test_a_report_of_a_silent_flow),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_no_permission),
        cmocka_unit_test(test_interfaces_that_are_not_there),
        cmocka_unit_test(test_down_and_up),
        cmocka_unit_test(test_drops_are_counted),
    };
    if (!veth_begin(2))
        return SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
