/* Holding a replay, going on to a packet, and giving up on a pipe that says nothing. */
#include "files.h"

#include "weir/capture/capture.h"

#include <fcntl.h>
#include <poll.h>
#include <time.h>

#define CONNECTIONS 3000u
#define PACKETS     (CONNECTIONS * 9)

struct bench {
    struct ring_handles ring;
    struct ring_consumer *consumer;
    struct capture *capture;
    struct health health;
};

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* `fd`: taken. */
static void bench_start_with(struct bench *bench, const char *path, int fd, size_t ring_bytes)
{
    struct error error = {0};
    *bench = (struct bench){.consumer = NULL};
    assert_int_equal(ring_create(&bench->ring, ring_bytes, &error), 0);
    bench->consumer = ring_consumer_open(&bench->ring, &error);
    struct capture_file file = {path, fd};
    struct capture_config config = {.files = &file,
                                    .file_count = 1,
                                    .workers = 1,
                                    .ring = bench->ring,
                                    .blocking = true,
                                    .recent_fd = -1,
                                    .decoder = decoder_config_default(),
                                    .flow = flow_config_default(),
                                    .content = {.stream = stream_config_default()}};
    hash_key_init(&config.content.key, "test", 4);
    bench->capture = capture_open(&config, &error);
    if (!bench->capture || capture_start(bench->capture, &error) != 0)
        fail_msg("%s", error.message);
}

/* With a ring larger than all records. */
static void bench_start(struct bench *bench, const char *path, int fd)
{
    bench_start_with(bench, path, fd, 16u << 20);
}

static void drain(struct bench *bench)
{
    uint64_t record[RECORD_MAX_BYTES / sizeof(uint64_t)];
    size_t size;
    while (ring_pop(bench->consumer, record, sizeof record, &size) == RING_OK) {
        const struct record_health *health = (const struct record_health *)record;
        if (health->header.kind == RECORD_HEALTH)
            bench->health = health->total;
    }
    ring_release(bench->consumer, ring_read_position(bench->consumer));
}

/* Joins within ten seconds, and reads the last health record. */
static void bench_join(struct bench *bench)
{
    struct pollfd end = {.fd = capture_end_event(bench->capture), .events = POLLIN};
    for (int i = 0; poll(&end, 1, 10) == 0; i++) {
        assert_true(i < 1000);
        drain(bench);
    }
    capture_join(bench->capture);
    drain(bench);
}

static void bench_end(struct bench *bench)
{
    capture_free(bench->capture);
    ring_consumer_free(bench->consumer);
    ring_destroy(&bench->ring);
}

static struct capture_status status_of(const struct bench *bench)
{
    struct capture_status status;
    capture_status_of(bench->capture, &status);
    return status;
}

static void make(struct file *file)
{
    file_begin(file, FILE_PCAP_NANO, 1);
    for (uint32_t i = 0; i < CONNECTIONS; i++)
        file_connection(file, START + i * NS_PER_S, 0x0a000001, (uint16_t)(1024 + i), 0xc6336401,
                        1);
    file_write(file);
}

static void expect_interrupted(const struct bench *bench, uint64_t packets)
{
    size_t count;
    const struct capture_input *input = capture_inputs(bench->capture, &count);
    assert_int_equal(input->packets, packets);
    assert_int_equal(input->error.code, ERROR_INPUT);
    assert_non_null(strstr(input->error.message, "interrupted after"));
}

static void test_held_then_to_a_packet(void **state)
{
    struct file file;
    struct bench bench;
    (void)state;
    make(&file);
    bench_start(&bench, file.path, -1);
    uint64_t packets = capture_hold(bench.capture);
    assert_true(packets < PACKETS - 100); /* it was caught early */
    pause_ms(50);
    assert_int_equal(status_of(&bench).packets, packets);
    assert_true(status_of(&bench).waiting);
    assert_int_equal(capture_hold(bench.capture), packets);
    capture_finish_at(bench.capture, packets + 99);
    bench_join(&bench);
    assert_int_equal(bench.health.packets, packets + 99);
    expect_interrupted(&bench, packets + 99);
    bench_end(&bench);
    file_end(&file);
}

/* A thread that waits for room in the ring is held without anybody making room. */
static void test_held_with_a_full_ring(void **state)
{
    struct file file;
    struct bench bench;
    (void)state;
    make(&file);
    bench_start_with(&bench, file.path, -1, RING_SIZE_MIN);
    for (int i = 0; !status_of(&bench).waiting; i++) {
        assert_true(i < 1000);
        pause_ms(10);
    }
    uint64_t packets = capture_hold(bench.capture);
    for (int i = 0; i < 10; i++) {
        drain(&bench);
        pause_ms(10);
        assert_int_equal(status_of(&bench).packets, packets);
    }
    capture_finish_at(bench.capture, packets + 5000);
    bench_join(&bench);
    expect_interrupted(&bench, packets + 5000);
    bench_end(&bench);
    file_end(&file);
}

static void test_held_then_not_one_more(void **state)
{
    struct file file;
    struct bench bench;
    (void)state;
    make(&file);
    bench_start(&bench, file.path, -1);
    uint64_t packets = capture_hold(bench.capture);
    capture_finish_at(bench.capture, packets);
    bench_join(&bench);
    expect_interrupted(&bench, packets);
    bench_end(&bench);
    file_end(&file);
}

static void test_held_after_the_end(void **state)
{
    struct file file;
    struct bench bench;
    size_t count;
    (void)state;
    make(&file);
    bench_start(&bench, file.path, -1);
    bench_join(&bench);
    assert_int_equal(capture_hold(bench.capture), PACKETS);
    capture_finish_at(bench.capture, PACKETS);
    assert_int_equal(capture_inputs(bench.capture, &count)->error.code, ERROR_NONE);
    bench_end(&bench);
    file_end(&file);
}

static void test_held_then_stopped(void **state)
{
    struct file file;
    struct bench bench;
    (void)state;
    make(&file);
    bench_start(&bench, file.path, -1);
    uint64_t packets = capture_hold(bench.capture);
    capture_stop(bench.capture);
    bench_join(&bench);
    expect_interrupted(&bench, packets);
    bench_end(&bench);
    file_end(&file);
}

/* --- pipes ------------------------------------------------------------------------------------ */

/* A pipe with the file's head and ten connections in it. Returns the end to write to. */
static int start_on_pipe(struct bench *bench, const struct file *file)
{
    int fd[2];
    size_t size = 24 + 10 * (9 * (16 + 54) + 1050);
    assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
    assert_int_equal(write(fd[1], file->bytes.data, size), size);
    bench_start(bench, "pipe", fd[0]);
    for (int i = 0; status_of(bench).packets < 90; i++) {
        assert_true(i < 1000);
        pause_ms(10);
    }
    return fd[1];
}

static void test_an_idle_pipe_is_given_up(void **state)
{
    struct file file;
    struct bench bench;
    (void)state;
    make(&file);
    int fd = start_on_pipe(&bench, &file);
    for (int i = 0; !status_of(&bench).waiting; i++) {
        assert_true(i < 1000);
        pause_ms(10);
    }
    capture_stop(bench.capture);
    bench_join(&bench);
    assert_int_equal(bench.health.packets, 90);
    expect_interrupted(&bench, 90);
    close(fd);
    bench_end(&bench);
    file_end(&file);
}

static void test_a_pipe_held_while_it_goes_on(void **state)
{
    struct file file;
    struct bench bench;
    (void)state;
    make(&file);
    int fd = start_on_pipe(&bench, &file);
    assert_int_equal(capture_hold(bench.capture), 90);
    size_t size = 24 + 10 * (9 * (16 + 54) + 1050);
    assert_int_equal(write(fd, file.bytes.data + size, 2 * (9 * (16 + 54) + 1050)),
                     2 * (9 * (16 + 54) + 1050));
    pause_ms(50);
    assert_int_equal(status_of(&bench).packets, 90);
    capture_finish_at(bench.capture, 95);
    bench_join(&bench);
    assert_int_equal(bench.health.packets, 95);
    expect_interrupted(&bench, 95);
    close(fd);
    bench_end(&bench);
    file_end(&file);
}

/* Of a file that several share, each reads the whole. */
static void test_a_shared_descriptor(void **state)
{
    struct file file;
    struct bench bench;
    size_t count;
    (void)state;
    make(&file);
    int fd = open(file.path, O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < 2; i++) {
        bench_start(&bench, file.path, dup(fd));
        bench_join(&bench);
        assert_int_equal(bench.health.packets, PACKETS);
        assert_int_equal(capture_inputs(bench.capture, &count)->error.code, ERROR_NONE);
        bench_end(&bench);
    }
    close(fd);
    file_end(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_held_then_to_a_packet),
        cmocka_unit_test(test_held_with_a_full_ring),
        cmocka_unit_test(test_held_then_not_one_more),
        cmocka_unit_test(test_held_after_the_end),
        cmocka_unit_test(test_held_then_stopped),
        cmocka_unit_test(test_an_idle_pipe_is_given_up),
        cmocka_unit_test(test_a_pipe_held_while_it_goes_on),
        cmocka_unit_test(test_a_shared_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
