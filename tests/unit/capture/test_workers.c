/* Several workers on one capture: whatever their number, the same records at the same times. One
 * after the other, because the streams are one set a process. */
#include "files.h"

#include "weir/capture/capture.h"

#include <poll.h>

#define RING_BYTES (16u << 20)
#define SERVER     UINT32_C(0xc6336401)
#define HOSTS      40u
#define SEGMENTS   20000u
#define ANSWERS    9000u

struct found {
    struct record_header **record;
    size_t count, room;
    struct health health;
    uint64_t digests; /* inputs with one */
};

static uint64_t dice(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

/* --- a capture out of order ------------------------------------------------------------------- */

/* Long connections, each time stamp up to three seconds off, some by half a minute. */
static int64_t put_segments(struct file *file, uint64_t *seed)
{
    struct tcp_end client[HOSTS], server[HOSTS];
    struct frame frame;
    int64_t time_ns = START;
    for (uint32_t i = 0; i < HOSTS; i++) {
        client[i] = (struct tcp_end){0x0a000001 + i, (uint16_t)(40000 + i), 1000};
        server[i] = (struct tcp_end){SERVER + i % 7, 443, 5000};
    }
    for (uint32_t n = 0; n < SEGMENTS; n++, time_ns += 20 * NS_PER_MS) {
        uint32_t i = (uint32_t)(dice(seed) % HOSTS);
        int64_t off = (int64_t)(dice(seed) % 3000) * NS_PER_MS * (dice(seed) % 100 ? 1 : 10);
        if (dice(seed) % 2)
            frame_tcp(&frame, &client[i], &server[i], FLAG_ACK, (uint32_t)(dice(seed) % 1400));
        else
            frame_tcp(&frame, &server[i], &client[i], FLAG_ACK, (uint32_t)(dice(seed) % 100));
        file_frame(file, time_ns - off, &frame);
    }
    return time_ns;
}

/* More records within a second than a watermark waits for, again out of order. */
static void put_answers(struct file *file, int64_t time_ns, uint64_t *seed)
{
    uint8_t answer[] = {0, 7,   0x81, 0x80, 0, 1,   0,   1,   0,    0,   0,   0,
                        3, 'w', 'w',  'w',  7, 'e', 'x', 'a', 'm',  'p', 'l', 'e',
                        2, 'j', 'p',  0,    0, 1,   0,   1,   0xc0, 12,  0,   1,
                        0, 1,   0,    0,    1, 44,  0,   4,   198,  51,  100, 1};
    struct frame frame;
    for (uint32_t n = 0; n < ANSWERS; n++) {
        int64_t off = (int64_t)(dice(seed) % 200) * NS_PER_MS;
        answer[1] = (uint8_t)n;
        frame_udp(&frame, 0x0a0000f0, 53, 0x0a000001 + n % 250, (uint16_t)(1024 + n), answer,
                  sizeof answer);
        file_frame(file, time_ns + n * 90 * NS_PER_US - off, &frame);
    }
}

static void put_oddities(struct file *file, int64_t time_ns)
{
    static const uint8_t arp[60] = {[12] = 0x08, 0x06};
    struct frame frame;
    file_packet(file, time_ns, arp, sizeof arp, sizeof arp);
    for (uint32_t i = 0; i < 20; i++) { /* a first fragment and a later one */
        frame_udp(&frame, 0x0a000001 + i, 9, SERVER, 9, "0123456789abcdef", 16);
        frame.data[20] = 0x20;
        file_frame(file, time_ns, &frame);
        frame.data[20] = 0x00;
        frame.data[21] = 3;
        file_frame(file, time_ns, &frame);
        file_packet(file, time_ns, frame.data, 20, frame.size);
        file_packet(file, time_ns, frame.data, frame.size - 4, frame.size);
    }
}

#define BINDINGS (3 * HOSTS) /* messages, and records of them */

/* Each address by ARP (no pair's: worker 0's) and, acknowledged at the same instant, by DHCP: to
 * the client and to a relay, so that two workers may tell the same. */
static void put_bindings(struct file *file, int64_t time_ns)
{
    uint8_t arp[60] = {2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 8, 6, 0,
                       1, 8, 0, 6, 4, 0, 1, 2, 2, 2, 2, 2, 2, 10};
    uint8_t ack[256] = {2, 1, 6, [236] = 0x63, 0x82, 0x53, 0x63, 53, 1, 5, 51,
                        4, 0, 0, 14,           16,   255};
    struct frame frame;
    memset(ack + 28, 2, 6);
    ack[16] = 10;
    for (uint32_t i = 0; i < HOSTS; i++) {
        arp[31] = ack[19] = (uint8_t)i;
        file_packet(file, time_ns, arp, sizeof arp, sizeof arp);
        frame_udp(&frame, 0x0a0000f0, 67, 0x0a000000 + i, 68, ack, sizeof ack);
        file_frame(file, time_ns, &frame);
        frame_udp(&frame, 0x0a0000f0, 67, 0x0a0000f1, 67, ack, sizeof ack);
        file_frame(file, time_ns, &frame);
    }
}

static const char *make(struct file *file)
{
    uint64_t seed = 17;
    file_begin(file, FILE_PCAP_NANO, 1);
    int64_t time_ns = put_segments(file, &seed);
    put_oddities(file, time_ns);
    put_bindings(file, time_ns + NS_PER_S);
    put_answers(file, time_ns + NS_PER_MIN, &seed);
    put_oddities(file, time_ns + 5 * NS_PER_MIN);
    return file_write(file);
}

/* --- reading it ------------------------------------------------------------------------------- */

static void add_health(struct found *found, const struct record_header *record)
{
    static struct health before; /* of this worker: totals replace totals */
    const struct health *total = &((const struct record_health *)record)->total;
    if (record->number == 0) {
        before = (struct health){0};
        return;
    }
#define MOVE(name) found->health.name += total->name - before.name;
    HEALTH_COUNTERS(MOVE)
#undef MOVE
    before = *total;
}

static void keep(struct found *found, const struct record_header *record)
{
    if (record->kind == RECORD_WATERMARK)
        return;
    if (record->kind == RECORD_HEALTH) {
        add_health(found, record);
        return;
    }
    if (found->count == found->room) {
        found->room = found->room ? 2 * found->room : 1024;
        found->record = xrealloc(found->record, found->room * sizeof(struct record_header *));
    }
    found->record[found->count] = xcalloc(1, record->size);
    memcpy(found->record[found->count++], record, record->size);
}

static void drain(struct found *found, struct ring_consumer *consumer)
{
    union {
        struct record_header header;
        uint64_t word[RECORD_MAX_BYTES / sizeof(uint64_t)];
    } copy;
    struct record_header first = {.number = 0};
    int64_t watermark = INT64_MIN;
    size_t size;
    add_health(found, &first);
    while (watermark != INT64_MAX) {
        if (ring_pop(consumer, &copy, sizeof copy, &size) != RING_OK) {
            struct pollfd wait = {.fd = ring_data_event(consumer), .events = POLLIN};
            assert_int_equal(poll(&wait, 1, 10000), 1);
            ring_clear_event(consumer);
            continue;
        }
        ring_release(consumer, ring_read_position(consumer));
        assert_int_equal(record_validate(&copy, size), RECORD_OK);
        assert_true(copy.header.time_ns > watermark);
        if (copy.header.kind == RECORD_WATERMARK)
            watermark = copy.header.time_ns;
        keep(found, &copy.header);
    }
}

/* One worker from its start to its end; up to `limit` packets. */
static void run(struct found *found, const char *path, uint32_t worker, uint32_t workers,
                uint64_t limit)
{
    struct error error = {0};
    struct ring_handles ring;
    size_t count;
    assert_int_equal(ring_create(&ring, RING_BYTES, &error), 0);
    struct ring_consumer *consumer = ring_consumer_open(&ring, &error);
    struct capture_file file = {path, -1};
    struct capture_config config = {
        .files = &file,
        .file_count = 1,
        .worker = worker,
        .workers = workers,
        .ring = ring,
        .blocking = true,
        .recent_fd = -1,
        .decoder = decoder_config_default(),
        .flow = flow_config_default(),
        .content = {.stream = stream_config_default(), .bindings = true}};
    hash_key_init(&config.content.key, "test", 4);
    struct capture *capture = capture_open(&config, &error);
    assert_non_null(capture);
    if (limit)
        capture_finish_at(capture, limit);
    assert_int_equal(capture_start(capture, &error), 0);
    drain(found, consumer);
    capture_join(capture);
    const struct capture_input *input = capture_inputs(capture, &count);
    uint8_t none[SHA256_SIZE] = {0};
    found->digests += memcmp(input->sha256, none, sizeof none) != 0;
    assert_int_equal(input->packets,
                     limit ? limit
                           : SEGMENTS + ANSWERS + BINDINGS + 2 * (1 + 20 * 4)); /* all read all */
    assert_int_equal(input->error.code, limit ? ERROR_INPUT : ERROR_NONE);
    capture_free(capture);
    ring_consumer_free(consumer);
    ring_destroy(&ring);
}

static const struct flow_key *key_of(const struct record_header *record)
{
    switch (record->kind) {
    case RECORD_FLOW:
        return &((const struct record_flow *)record)->key;
    case RECORD_NAME:
        return &((const struct record_name *)record)->key;
    default:
        return &((const struct record_content *)record)->key;
    }
}

static int by_order(const void *a, const void *b)
{
    const struct record_header *x = *(const struct record_header *const *)a;
    const struct record_header *y = *(const struct record_header *const *)b;
    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    int keys = memcmp(key_of(x), key_of(y), sizeof(struct flow_key));
    if (keys)
        return keys;
    return (x->number > y->number) - (x->number < y->number); /* one key: one worker */
}

static struct found run_all(const char *path, uint32_t workers, uint64_t limit)
{
    struct found found = {.count = 0};
    for (uint32_t worker = 0; worker < workers; worker++) {
        size_t before = found.count;
        run(&found, path, worker, workers, limit);
        assert_true(found.count > before); /* each has its share */
    }
    qsort(found.record, found.count, sizeof(struct record_header *), by_order);
    for (size_t i = 0; i < found.count; i++)
        found.record[i]->number = 0;
    return found;
}

static void found_fini(struct found *found)
{
    for (size_t i = 0; i < found->count; i++)
        free(found->record[i]);
    free(found->record);
}

static void expect_same(const char *path, uint64_t limit)
{
    struct found one = run_all(path, 1, limit);
    size_t bindings = 0;
    for (size_t i = 0; i < one.count; i++)
        bindings += one.record[i]->kind == RECORD_BINDING;
    assert_int_equal(bindings, BINDINGS);
    for (uint32_t workers = 2; workers <= 3; workers++) {
        struct found many = run_all(path, workers, limit);
        assert_int_equal(many.count, one.count);
        for (size_t i = 0; i < one.count; i++) {
            assert_int_equal(many.record[i]->size, one.record[i]->size);
            if (memcmp(many.record[i], one.record[i], one.record[i]->size) != 0)
                fail_msg("record %zu of %zu differs with %u workers", i, one.count, workers);
        }
        assert_memory_equal(&many.health, &one.health, sizeof one.health);
        assert_int_equal(many.digests, limit ? 0 : 1);
        found_fini(&many);
    }
    assert_int_equal(one.digests, limit ? 0 : 1);
    found_fini(&one);
}

static void test_any_number_of_workers(void **state)
{
    struct file file;
    (void)state;
    const char *path = make(&file);
    expect_same(path, 0);
    file_end(&file);
}

static void test_all_end_at_one_packet(void **state)
{
    struct file file;
    (void)state;
    const char *path = make(&file);
    expect_same(path, SEGMENTS + 777);
    file_end(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_number_of_workers),
        cmocka_unit_test(test_all_end_at_one_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
