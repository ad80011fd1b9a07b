/* The capture thread on generated files: every record it sends is validated and added up here, and
 * must come to what was written into the file, whether the ring blocks or rejects. */
#include "files.h"

#include "weir/base/map.h"
#include "weir/capture/capture.h"

#include <poll.h>
#include <time.h>

#define SERVER UINT32_C(0xc6336401) /* 198.51.100.1 */

/* What came out of the ring. */
struct seen {
    struct map flows; /* key → struct sums */
    uint64_t records[RECORD_WATERMARK + 1], ended, last_number;
    int64_t watermark;
    struct health health;
    uint8_t answered, addresses; /* of the last name */
    uint32_t ttl_s;
    char text[RECORD_NAME_MAX + 1], alias[RECORD_NAME_MAX + 1];
    uint32_t answers, answer_bytes, message_bytes;
    bool finished;
};

struct sums { /* of one flow's records */
    int64_t payload, packets;
    uint64_t total_payload, total_packets; /* of the last record */
    unsigned ends, end;
    uint32_t flags;
};

static void see_flow(struct seen *seen, const struct record_flow *flow)
{
    struct sums *sums = map_get(&seen->flows, &flow->key, sizeof flow->key);
    if (!sums) {
        sums = xcalloc(1, sizeof *sums);
        map_put(&seen->flows, &flow->key, sizeof flow->key, sums);
    }
    for (int side = 0; side < SIDES; side++) {
        sums->payload += flow->fresh[side].payload_bytes;
        sums->packets += flow->fresh[side].packets;
    }
    sums->total_payload = flow->total[0].payload_bytes + flow->total[1].payload_bytes;
    sums->total_packets = flow->total[0].packets + flow->total[1].packets;
    sums->ends += flow->end != FLOW_OPEN;
    sums->end = flow->end;
    sums->flags = flow->flags;
    seen->ended += flow->end != FLOW_OPEN;
}

static void see(struct seen *seen, const void *record, size_t size)
{
    const struct record_header *header = record;
    enum record_fault fault = record_validate(record, size);
    if (fault != RECORD_OK)
        fail_msg("record %llu: %s", (unsigned long long)header->number, record_fault_name[fault]);
    assert_true(header->number > seen->last_number);
    assert_true(header->time_ns > seen->watermark); /* nothing comes after its watermark */
    seen->last_number = header->number;
    seen->records[header->kind]++;
    if (header->kind == RECORD_WATERMARK)
        seen->watermark = header->time_ns;
    if (header->kind == RECORD_FLOW)
        see_flow(seen, record);
    if (header->kind == RECORD_HEALTH)
        seen->health = ((const struct record_health *)record)->total;
    if (header->kind == RECORD_NAME) {
        const struct record_name *name = record;
        seen->answered = name->answered;
        seen->addresses = name->address_count;
        seen->ttl_s = name->ttl_s;
        size_t at = name->address_count * sizeof(struct ip);
        memcpy(seen->text, name->tail + at, name->name_size);
        seen->text[name->name_size] = '\0';
        seen->answers = name->answers;
        seen->answer_bytes = name->answer_bytes;
        seen->message_bytes = name->message_bytes;
        if (name->alias_count) {
            size_t bytes;
            const char *alias = record_name_alias(name, 0, &bytes);
            memcpy(seen->alias, alias, bytes);
            seen->alias[bytes] = '\0';
        }
    }
    seen->finished = header->kind == RECORD_WATERMARK && header->time_ns == INT64_MAX;
}

/* One record, waiting for it a while; false when none came. */
static bool take(struct ring_consumer *consumer, struct seen *seen)
{
    uint64_t record[RECORD_MAX_BYTES / sizeof(uint64_t)];
    size_t size;
    for (int waits = 0; waits < 100; waits++) {
        enum ring_result result = ring_pop(consumer, record, sizeof record, &size);
        if (result == RING_OK) {
            ring_release(consumer, ring_read_position(consumer));
            see(seen, record, size);
            return true;
        }
        assert_int_equal(result, RING_EMPTY);
        struct pollfd wait = {.fd = ring_data_event(consumer), .events = POLLIN};
        poll(&wait, 1, 100);
        ring_clear_event(consumer);
    }
    return false;
}

struct bench {
    struct ring_handles ring;
    struct ring_consumer *consumer;
    struct capture *capture;
    struct seen seen;
};

static void bench_start(struct bench *bench, const char *const *inputs, size_t count, bool blocking)
{
    struct error error = {0};
    *bench = (struct bench){.seen = {.watermark = INT64_MIN}};
    map_init(&bench->seen.flows);
    assert_int_equal(ring_create(&bench->ring, RING_SIZE_MIN, &error), 0);
    bench->consumer = ring_consumer_open(&bench->ring, &error);
    assert_non_null(bench->consumer);
    struct capture_file files[8];
    for (size_t i = 0; i < count; i++)
        files[i] = (struct capture_file){inputs[i], -1};
    struct capture_config config = {.files = files,
                                    .file_count = count,
                                    .workers = 1,
                                    .recent_fd = -1,
                                    .ring = bench->ring,
                                    .blocking = blocking,
                                    .decoder = decoder_config_default(),
                                    .flow = flow_config_default(),
                                    .content = {.stream = stream_config_default()}};
    hash_key_init(&config.content.key, "test", 4);
    bench->capture = capture_open(&config, &error);
    if (!bench->capture || capture_start(bench->capture, &error) != 0)
        fail_msg("%s", error.message);
}

static void bench_drain(struct bench *bench)
{
    while (!bench->seen.finished)
        if (!take(bench->consumer, &bench->seen))
            fail_msg("no last watermark after 10 s");
    capture_join(bench->capture);
}

static void bench_end(struct bench *bench)
{
    capture_free(bench->capture);
    ring_consumer_free(bench->consumer);
    ring_destroy(&bench->ring);
    map_fini(&bench->seen.flows, free);
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* --- what goes in comes out ------------------------------------------------------------------- */

static void test_a_connection(void **state)
{
    struct file file;
    struct bench bench;
    size_t count;
    (void)state;
    file_begin(&file, FILE_PCAP_NANO, 1);
    int64_t after = file_connection(&file, START, 0x0a000001, 40000, SERVER, 20);
    const char *path = file_write(&file);
    bench_start(&bench, &path, 1, true);
    bench_drain(&bench);
    assert_int_equal(bench.seen.flows.count, 1);
    size_t at = 0;
    const struct sums *sums = map_next(&bench.seen.flows, &at)->value;
    assert_int_equal(sums->ends, 1);
    assert_int_equal(sums->end, FLOW_END_CLOSED);
    assert_int_equal(sums->payload, 20 * 1000 + 50);
    assert_int_equal(sums->packets, 47);
    assert_true(sums->flags & FLOW_ESTABLISHED);
    assert_true(sums->flags & FLOW_ORIG_BY_SYN);
    assert_int_equal(bench.seen.health.packets, 47);
    assert_int_equal(bench.seen.health.tcp_payload_bytes, 20050);
    const struct capture_input *input = capture_inputs(bench.capture, &count);
    assert_int_equal(count, 1);
    assert_int_equal(input->error.code, ERROR_NONE);
    assert_int_equal(input->packets, 47);
    assert_int_equal(input->bytes, 47 * 54 + 20050);
    assert_int_equal(input->first.ns, START);
    assert_int_equal(input->last.ns, after - NS_PER_MS);
    assert_int_equal(input->longest_cut, 0);
    assert_string_equal(input->link, "EN10MB");
    uint8_t want[SHA256_SIZE];
    digest_sha256(file.bytes.data, file.bytes.size, want);
    assert_memory_equal(input->sha256, want, sizeof want);
    struct capture_status status;
    capture_status_of(bench.capture, &status);
    assert_int_equal(status.packets, 47);
    assert_int_equal(status.wire_bytes, 47 * 54 + 20050);
    assert_int_equal(status.bytes_read, file.bytes.size);
    assert_int_equal(status.bytes_total, file.bytes.size);
    assert_int_equal(status.time_ns, after - NS_PER_MS);
    assert_true(status.turns >= 47);
    assert_true(status.ended && !status.waiting);
    struct pollfd end = {.fd = capture_end_event(bench.capture), .events = POLLIN};
    assert_int_equal(poll(&end, 1, 0), 1);
    bench_end(&bench);
    file_end(&file);
}

/* Ends, watermarks and health come with the clock of the packets. */
static void test_time_passes_in_packets(void **state)
{
    struct file file;
    struct bench bench;
    (void)state;
    file_begin(&file, FILE_PCAP_NANO, 1);
    for (int i = 0; i < 10; i++)
        file_connection(&file, START + i * NS_PER_MIN, 0x0a000001, (uint16_t)(40000 + i), SERVER,
                        1);
    const char *path = file_write(&file);
    bench_start(&bench, &path, 1, true);
    bench_drain(&bench);
    assert_int_equal(bench.seen.flows.count, 10);
    size_t at = 0, closed = 0;
    for (const struct map_entry *e; (e = map_next(&bench.seen.flows, &at)) != NULL;) {
        const struct sums *sums = e->value;
        assert_int_equal(sums->ends, 1);
        assert_int_equal(sums->payload, 1050);
        closed += sums->end == FLOW_END_CLOSED;
    }
    assert_int_equal(closed, 10);
    assert_int_equal(bench.seen.records[RECORD_HEALTH], 11); /* the first, 9 minutes, the end */
    assert_int_equal(bench.seen.records[RECORD_WATERMARK], 10);
    bench_end(&bench);
    file_end(&file);
}

static void test_names_cross(void **state)
{
    static const uint8_t answer[] = {
        0,    7,   0x81, 0x80, 0,  1,   0,   2,   0,   0,   0,   0, /* header */
        3,    'W', 'w',  'w',  7,  'e', 'x', 'a', 'm', 'p', 'l', 'e', 2,   'j', 'p', 0, 0,
        1,    0,   1,    0xc0, 12, 0,   5,   0,   1,   0,   0,   0,   9,   0,   6,   3, 'c',
        'd',  'n', 0xc0, 16, /* its alias */
        0xc0, 44,  0,    1,    0,  1,   0,   0,   1,   44,  0,   4,   198, 51,  100, 1, /* its
                                                                                           address
                                                                                         */
    };
    struct file file;
    struct frame frame;
    struct bench bench;
    (void)state;
    file_begin(&file, FILE_PCAPNG, 1);
    frame_udp(&frame, 0x0a000001, 53, 0x0a000002, 5353, answer, sizeof answer);
    file_frame(&file, START, &frame);
    const char *path = file_write(&file);
    bench_start(&bench, &path, 1, true);
    bench_drain(&bench);
    assert_int_equal(bench.seen.records[RECORD_NAME], 1);
    assert_string_equal(bench.seen.text, "www.example.jp");
    assert_int_equal(bench.seen.answered, 1);
    assert_int_equal(bench.seen.addresses, 1);
    assert_int_equal(bench.seen.ttl_s, 300);
    assert_string_equal(bench.seen.alias, "cdn.example.jp");
    assert_int_equal(bench.seen.answers, 2);
    assert_int_equal(bench.seen.answer_bytes, 6 + 4);
    assert_int_equal(bench.seen.message_bytes, sizeof answer);
    bench_end(&bench);
    file_end(&file);
}

/* Read in the order of their first packets, whatever the order they are named in. */
static void test_several_inputs(void **state)
{
    struct file late, early, cut, none = {.kind = FILE_PCAP};
    struct bench bench;
    size_t count;
    (void)state;
    file_begin(&late, FILE_PCAP, 1);
    file_connection(&late, START + NS_PER_HOUR, 0x0a000001, 40002, SERVER, 1);
    file_begin(&early, FILE_PCAPNG, 1);
    file_connection(&early, START, 0x0a000001, 40001, SERVER, 1);
    file_begin(&cut, FILE_PCAP_BIG, 1);
    file_connection(&cut, START + 2 * NS_PER_HOUR, 0x0a000001, 40003, SERVER, 1);
    cut.bytes.size -= 5;
    file_write(&none);
    const char *inputs[] = {file_write(&late), "/tmp/weir-capture-none", file_write(&early),
                            none.path, file_write(&cut)};
    bench_start(&bench, inputs, 5, true);
    bench_drain(&bench);
    const struct capture_input *input = capture_inputs(bench.capture, &count);
    assert_int_equal(count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(input[i].path, inputs[i]); /* told as they were named */
    assert_int_equal(input[0].packets, 9);
    assert_int_equal(input[1].error.code, ERROR_INPUT);
    assert_int_equal(input[2].packets, 9);
    assert_int_equal(input[3].error.code, ERROR_INPUT);
    assert_int_equal(input[4].error.code, ERROR_INPUT);
    assert_int_equal(input[4].packets, 8);
    assert_non_null(strstr(input[4].error.message, "damaged after 8 packets"));
    assert_int_equal(bench.seen.flows.count, 3);
    assert_int_equal(bench.seen.health.packets, 26);
    assert_int_equal(bench.seen.health.time_backwards, 0);
    bench_end(&bench);
    file_end(&late);
    file_end(&early);
    file_end(&cut);
    file_end(&none);
}

static void test_nothing_to_read(void **state)
{
    struct ring_handles ring;
    struct error error = {0};
    struct capture_file files[] = {{"/tmp/weir-capture-none", -1}, {"/tmp", -1}};
    (void)state;
    assert_int_equal(ring_create(&ring, RING_SIZE_MIN, &error), 0);
    struct capture_config config = {.files = files,
                                    .file_count = 2,
                                    .workers = 1,
                                    .ring = ring,
                                    .blocking = true,
                                    .decoder = decoder_config_default(),
                                    .flow = flow_config_default(),
                                    .content = {.stream = stream_config_default()}};
    assert_null(capture_open(&config, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "/tmp/weir-capture-none: No such file"));
    ring_destroy(&ring);
}

static void test_an_input_without_packets(void **state)
{
    struct file file;
    struct bench bench;
    size_t count;
    (void)state;
    file_begin(&file, FILE_PCAP, 1);
    const char *path = file_write(&file);
    bench_start(&bench, &path, 1, true);
    bench_drain(&bench);
    assert_int_equal(bench.seen.records[RECORD_WATERMARK], 1);
    assert_int_equal(bench.seen.records[RECORD_HEALTH], 0); /* no time at which it could be told */
    const struct capture_input *input = capture_inputs(bench.capture, &count);
    assert_int_equal(input->first.ns, INT64_MAX);
    assert_int_equal(input->last.ns, INT64_MIN);
    bench_end(&bench);
    file_end(&file);
}

/* What is not decoded is counted by why; times that go back are counted and told at the clock. */
static void test_what_is_not_decoded(void **state)
{
    static const uint8_t arp[60] = {[12] = 0x08, 0x06};
    struct file file;
    struct frame frame;
    struct bench bench;
    (void)state;
    file_begin(&file, FILE_PCAP, 1);
    file_packet(&file, START, arp, 60, 60);
    frame_udp(&frame, 0x0a000001, 1, SERVER, 2, "hello", 5);
    file_packet(&file, START + NS_PER_S, frame.data, 20, frame.size); /* cut inside the header */
    file_frame(&file, START + 5 * NS_PER_S, &frame);
    file_frame(&file, START + 2 * NS_PER_S, &frame);
    frame.data[14] = 0x41; /* a header of four bytes */
    file_frame(&file, START + 6 * NS_PER_S, &frame);
    const char *path = file_write(&file);
    bench_start(&bench, &path, 1, true);
    bench_drain(&bench);
    const struct health *health = &bench.seen.health;
    assert_int_equal(health->packets, 5);
    assert_int_equal(health->not_ip, 1);
    assert_int_equal(health->truncated, 1);
    assert_int_equal(health->cut_packets, 1);
    assert_int_equal(health->malformed, 1);
    assert_int_equal(health->time_backwards, 1);
    size_t at = 0;
    const struct sums *sums = map_next(&bench.seen.flows, &at)->value;
    assert_int_equal(sums->packets, 2);
    assert_int_equal(sums->payload, 10);
    bench_end(&bench);
    file_end(&file);
}

/* --- the ring's two policies ------------------------------------------------------------------ */

#define MANY 6000

/* MANY connections, each alone on its ports, `gap_ns` apart. */
static const char *make_many(struct file *file, int64_t gap_ns)
{
    file_begin(file, FILE_PCAP_NANO, 1);
    for (uint32_t i = 0; i < MANY; i++)
        file_connection(file, START + i * gap_ns, 0x0a000000 + i % 250, (uint16_t)(1024 + i),
                        SERVER, 1);
    return file_write(file);
}

/* A ring of 64 KiB, a few hundred records: a slow consumer holds the thread, and loses nothing. */
static void test_blocking_loses_nothing(void **state)
{
    struct file file;
    struct bench bench;
    (void)state;
    const char *path = make_many(&file, NS_PER_S);
    bench_start(&bench, &path, 1, true);
    struct capture_status status;
    pause_ms(300);
    capture_status_of(bench.capture, &status);
    assert_true(status.packets < MANY * 9);
    assert_true(status.waiting); /* and is not hung */
    bench_drain(&bench);
    assert_int_equal(bench.seen.flows.count, MANY);
    assert_int_equal(bench.seen.ended, MANY);
    assert_int_equal(bench.seen.health.ring_rejected, 0);
    assert_int_equal(bench.seen.health.ring_lost, 0);
    size_t at = 0;
    for (const struct map_entry *e; (e = map_next(&bench.seen.flows, &at)) != NULL;) {
        const struct sums *sums = e->value;
        assert_int_equal(sums->ends, 1);
        assert_int_equal(sums->payload, 1050);
        assert_int_equal(sums->packets, 9);
    }
    bench_end(&bench);
    file_end(&file);
}

static void wait_until_read(struct bench *bench)
{
    struct capture_status status = {.bytes_total = 1};
    for (int i = 0; status.bytes_read < status.bytes_total; i++) {
        capture_status_of(bench->capture, &status);
        assert_true(i < 2000);
        pause_ms(10);
    }
}

/* Live, a full ring rejects. What a refused progress record carried comes with the flow's next one,
 * ends are parked: as long as they fit, every byte and every end arrives. */
static void test_rejecting_keeps_the_ends(void **state)
{
    struct file file;
    struct bench bench;
    enum { FLOWS = 3000, SEGMENTS = 12 };
    (void)state;
    file_begin(&file, FILE_PCAP_NANO, 1);
    for (uint32_t i = 0; i < FLOWS; i++) { /* a segment each 11 s: a progress record each */
        struct tcp_end c = {0x0a000000 + i % 250, (uint16_t)(1024 + i), 1000};
        struct tcp_end s = {SERVER, 443, 5000};
        struct frame frame;
        frame_tcp(&frame, &c, &s, FLAG_SYN, 0);
        file_frame(&file, START + 10 * NS_PER_S + i, &frame);
    }
    for (uint32_t round = 0; round < SEGMENTS; round++)
        for (uint32_t i = 0; i < FLOWS; i++) {
            struct tcp_end c = {0x0a000000 + i % 250, (uint16_t)(1024 + i), 1001 + round * 100};
            struct tcp_end s = {SERVER, 443, 5001};
            struct frame frame;
            frame_tcp(&frame, &c, &s, FLAG_ACK, 100);
            file_frame(&file, START + (round + 1) * 11 * NS_PER_S + i, &frame);
        }
    const char *path = file_write(&file);
    bench_start(&bench, &path, 1, false);
    for (int i = 0; i < 50; i++) /* a look now and then, then none at all */
        assert_true(take(bench.consumer, &bench.seen));
    wait_until_read(&bench);
    bench_drain(&bench);
    assert_true(bench.seen.health.ring_rejected > 0);
    assert_int_equal(bench.seen.health.ring_lost, 0);
    assert_int_equal(bench.seen.flows.count, FLOWS);
    assert_int_equal(bench.seen.ended, FLOWS);
    size_t at = 0;
    for (const struct map_entry *e; (e = map_next(&bench.seen.flows, &at)) != NULL;) {
        const struct sums *sums = e->value;
        assert_int_equal(sums->payload, SEGMENTS * 100);
        assert_int_equal(sums->packets, SEGMENTS + 1);
        assert_int_equal(sums->total_payload, SEGMENTS * 100);
    }
    bench_end(&bench);
    file_end(&file);
}

/* More ends than can be parked: the rest is lost, and counted exactly. */
static void test_rejecting_counts_what_is_lost(void **state)
{
    struct file file;
    struct bench bench;
    (void)state;
    const char *path = make_many(&file, NS_PER_S);
    bench_start(&bench, &path, 1, false);
    wait_until_read(&bench);
    pause_ms(100);
    bench_drain(&bench);
    assert_true(bench.seen.health.ring_lost > 0);
    assert_int_equal(bench.seen.ended + bench.seen.health.ring_lost, MANY);
    assert_true(bench.seen.ended >= CAPTURE_PARKED);
    assert_int_equal(bench.seen.health.flows, MANY);
    assert_int_equal(bench.seen.health.packets, MANY * 9);
    bench_end(&bench);
    file_end(&file);
}

/* --- ending early ----------------------------------------------------------------------------- */

static void test_stopping(void **state)
{
    struct file file;
    struct bench bench;
    (void)state;
    const char *path = make_many(&file, NS_PER_S);
    bench_start(&bench, &path, 1, true);
    assert_true(take(bench.consumer, &bench.seen));
    capture_stop(bench.capture);
    bench_drain(&bench); /* what was read is told to its end */
    assert_true(bench.seen.health.packets < MANY * 9);
    assert_int_equal(bench.seen.ended, bench.seen.flows.count);
    bench_end(&bench);
    file_end(&file);
}

/* The engine went away while the thread waits for room: it ends, nobody waits for ever. */
static void test_the_consumer_goes(void **state)
{
    struct file file;
    struct bench bench;
    (void)state;
    const char *path = make_many(&file, NS_PER_S);
    bench_start(&bench, &path, 1, true);
    assert_true(take(bench.consumer, &bench.seen));
    pause_ms(100);
    ring_consumer_free(bench.consumer);
    bench.consumer = NULL;
    capture_join(bench.capture);
    bench_end(&bench);
    file_end(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_connection),
        cmocka_unit_test(test_time_passes_in_packets),
        cmocka_unit_test(test_names_cross),
        cmocka_unit_test(test_several_inputs),
        cmocka_unit_test(test_nothing_to_read),
        cmocka_unit_test(test_an_input_without_packets),
        cmocka_unit_test(test_what_is_not_decoded),
        cmocka_unit_test(test_blocking_loses_nothing),
        cmocka_unit_test(test_rejecting_keeps_the_ends),
        cmocka_unit_test(test_rejecting_counts_what_is_lost),
        cmocka_unit_test(test_stopping),
        cmocka_unit_test(test_the_consumer_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
