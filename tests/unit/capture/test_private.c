/* What leaves the capture process of clear text that holds secrets: hashes and labels, not a byte
 * of what was found; with privacy.content_samples, a few bounded samples in content records, and
 * nowhere else. */
#include "files.h"

#include "weir/capture/capture.h"

#include <poll.h>

#define RING_BYTES (1u << 20)
#define SERVER     UINT32_C(0xc6336401)

static const char *const secret[] = {"alice.hidden", "AKIAIOSFODNN7EXAMPLE", "hunter22secret",
                                     "(FPL-ABC123",  "PRJ-123456",           "RJTT0100"};
#define SECRETS (sizeof secret / sizeof *secret)

static const char text[] =
    "To: alice.hidden@example.com, see AKIAIOSFODNN7EXAMPLE and PRJ-123456.\n"
    "MYSQL_PASSWORD=hunter22secret\n"
    "(FPL-ABC123-IS-B738/M-S/C-RJTT0100-N0450F350 DCT-RJBB0110)\n";

struct sight {
    uint64_t items[CONTENT_CLASSES], samples;
    unsigned told; /* secrets seen in a content record, a bit each */
    bool elsewhere;
    bool finished;
};

static void see_content(struct sight *sight, const struct record_content *content)
{
    sight->items[content->class] += content->hash_count;
    sight->samples += content->sample_count;
    assert_in_range(content->sample_count, 0, RECORD_CONTENT_SAMPLES);
    for (size_t i = 0; i < content->sample_count; i++) {
        size_t size;
        const char *sample = record_content_sample(content, i, &size);
        assert_in_range(size, 1, CONTENT_SAMPLE_MAX);
        for (size_t at = 0; at < size; at++)
            assert_in_range((unsigned char)sample[at], 0x20, 0x7e);
    }
}

static void see(struct sight *sight, const struct record_header *record, size_t size)
{
    assert_int_equal(record_validate(record, size), RECORD_OK);
    for (size_t i = 0; i < SECRETS; i++)
        if (memmem(record, size, secret[i], strlen(secret[i]))) {
            sight->told |= record->kind == RECORD_CONTENT ? 1u << i : 0;
            sight->elsewhere |= record->kind != RECORD_CONTENT;
        }
    if (record->kind == RECORD_CONTENT)
        see_content(sight, (const struct record_content *)record);
    sight->finished = record->kind == RECORD_WATERMARK && record->time_ns == INT64_MAX;
}

static void drain(struct sight *sight, struct ring_consumer *consumer)
{
    union {
        struct record_header header;
        uint64_t word[RECORD_MAX_BYTES / sizeof(uint64_t)];
    } copy;
    size_t size;
    while (!sight->finished) {
        memset(&copy, 0, sizeof copy);
        if (ring_pop(consumer, &copy, sizeof copy, &size) != RING_OK) {
            struct pollfd wait = {.fd = ring_data_event(consumer), .events = POLLIN};
            assert_int_equal(poll(&wait, 1, 10000), 1);
            ring_clear_event(consumer);
            continue;
        }
        ring_release(consumer, ring_read_position(consumer));
        see(sight, &copy.header, size);
    }
}

static struct sight run(bool samples)
{
    static const struct content_pattern pattern = {"project-code", "PRJ-[0-9]{6}"};
    struct file file;
    struct frame frame;
    struct error error = {0};
    struct ring_handles ring;
    struct sight sight = {.told = 0};
    file_begin(&file, FILE_PCAP_NANO, 1);
    frame_udp(&frame, 0x0a000001, 4000, SERVER, 9000, text, sizeof text - 1);
    file_frame(&file, START, &frame);
    struct capture_file input = {file_write(&file), -1};
    assert_int_equal(ring_create(&ring, RING_BYTES, &error), 0);
    struct ring_consumer *consumer = ring_consumer_open(&ring, &error);
    struct capture_config config = {.files = &input,
                                    .file_count = 1,
                                    .workers = 1,
                                    .ring = ring,
                                    .blocking = true,
                                    .recent_fd = -1,
                                    .decoder = decoder_config_default(),
                                    .flow = flow_config_default(),
                                    .content = {.stream = stream_config_default(),
                                                .samples = samples,
                                                .pattern = &pattern,
                                                .pattern_count = 1}};
    hash_key_init(&config.content.key, "test", 4);
    struct capture *capture = capture_open(&config, &error);
    assert_non_null(capture);
    assert_int_equal(capture_start(capture, &error), 0);
    drain(&sight, consumer);
    capture_join(capture);
    capture_free(capture);
    ring_consumer_free(consumer);
    ring_destroy(&ring);
    file_end(&file);
    return sight;
}

static void expect_items(const struct sight *sight)
{
    assert_int_equal(sight->items[CONTENT_EMAIL], 1);
    assert_int_equal(sight->items[CONTENT_SETTING], 2);
    assert_int_equal(sight->items[CONTENT_FLIGHT], 1);
    assert_int_equal(sight->items[CONTENT_PATTERN], 1);
    assert_false(sight->elsewhere);
}

static void test_nothing_of_it(void **state)
{
    (void)state;
    struct sight sight = run(false);
    expect_items(&sight);
    assert_int_equal(sight.samples, 0);
    assert_int_equal(sight.told, 0);
}

static void test_samples(void **state)
{
    (void)state;
    struct sight sight = run(true);
    expect_items(&sight);
    assert_int_equal(sight.samples, 5);
    assert_int_equal(sight.told, (1u << SECRETS) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_of_it),
        cmocka_unit_test(test_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
