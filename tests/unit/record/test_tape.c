/* What comes from a tape is what was put there, in that order; and where there is no room for it,
 * or it is nothing for a tape, there is none of it. */
#include "weir/record/tape.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

union any_record {
    struct record_header header;
    struct record_flow flow;
    uint8_t bytes[RECORD_MAX_BYTES];
    uint64_t word[RECORD_MAX_BYTES / sizeof(uint64_t)];
};

static union any_record made;
static uint64_t seed;

static uint64_t any(void) /* splitmix64 */
{
    uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* As most are: few words are not zero, and of those few bytes. */
static uint64_t any_word(void)
{
    uint64_t word = any();
    return word % 3 ? 0 : any() >> word % 64;
}

static size_t least_of(uint16_t kind)
{
    switch (kind) {
    case RECORD_FLOW:
        return sizeof(struct record_flow);
    case RECORD_NAME:
        return sizeof(struct record_name);
    case RECORD_CONTENT:
        return sizeof(struct record_content);
    case RECORD_HEALTH:
        return sizeof(struct record_health);
    default:
        return sizeof(struct record_binding);
    }
}

/* The nth of them, each time the same. */
static struct tape_note make(uint64_t n)
{
    seed = n * UINT64_C(1000003);
    uint16_t kind =
        (uint16_t)(RECORD_FLOW + (n % 7 ? 0 : any() % (RECORD_WATERMARK - RECORD_FLOW)));
    size_t tail = any() % 5 ? 0 : any() % 64, size = record_size(least_of(kind), 8 * tail);
    if (n % 1000 == 999)
        size = RECORD_MAX_BYTES;
    for (size_t i = 0; i < size / 8; i++)
        made.word[i] = n % 1000 == 999 ? any() | UINT64_C(0xff000000000000ff) : any_word();
    made.header.size = (uint32_t)size;
    made.header.kind = kind;
    made.header.version = RECORD_VERSION;
    made.header.number = n % 11 ? n : any();
    made.header.time_ns =
        n % 13 ? INT64_C(1772413447000000000) + (int64_t)(n * 1000) : (int64_t)any();
    return (struct tape_note){.worker = (uint32_t)(any() % TAPE_WORKERS), .tag = (uint32_t)any()};
}

static const char *fresh_path(char path[64])
{
    snprintf(path, 64, "/tmp/weir-tape-%d", (int)getpid());
    return path;
}

static struct tape *tape_of(uint64_t most_bytes)
{
    char path[64];
    struct error error = {0};
    struct tape *tape = tape_new(fresh_path(path), most_bytes, &error);
    assert_non_null(tape);
    assert_int_not_equal(access(path, F_OK), 0); /* nobody finds it */
    return tape;
}

static void test_what_was_put(void **state)
{
    (void)state;
    const uint64_t count = 20000;
    struct tape *tape = tape_of(TAPE_MOST_BYTES);
    struct error error = {0};
    for (uint64_t n = 0; n < count; n++) {
        struct tape_note note = make(n);
        tape_put(tape, &made.header, &note);
    }
    assert_true(tape_finish(tape));
    assert_int_equal(tape_progress_of(tape).bytes_read, 0);
    struct tape_note note;
    for (uint64_t n = 0; n < count; n++) {
        struct tape_note expected = make(n);
        const struct record_header *record = tape_next(tape, &note, &error);
        assert_non_null(record);
        assert_int_equal(note.worker, expected.worker);
        assert_int_equal(note.tag, expected.tag);
        assert_int_equal(record->size, made.header.size);
        assert_memory_equal(record, &made, made.header.size);
    }
    assert_null(tape_next(tape, &note, &error));
    assert_int_equal(error.code, ERROR_NONE);
    assert_int_equal(tape_progress_of(tape).bytes_read, tape_progress_of(tape).bytes);
    tape_free(tape);
}

/* As a log's lines are: what is worth a tape. */
static void test_few_bytes(void **state)
{
    (void)state;
    struct tape *tape = tape_of(TAPE_MOST_BYTES);
    for (uint64_t n = 0; n < 1000; n++) {
        memset(&made, 0, sizeof made.flow);
        struct record_flow *flow = &made.flow;
        seed = n;
        flow->header = (struct record_header){.size = sizeof *flow,
                                              .kind = RECORD_FLOW,
                                              .version = RECORD_VERSION,
                                              .number = n,
                                              .time_ns = (int64_t)(n * 1400000000)};
        flow->last_ns = flow->header.time_ns;
        flow->start_ns = flow->fresh_since_ns = flow->last_ns - (int64_t)(any() % 5000000000);
        flow->key.orig_port = (uint16_t)any();
        flow->key.resp_port = 443;
        for (int side = 0; side < SIDES; side++) {
            uint64_t bytes = any() % 60000, packets = any() % 200;
            flow->total[side] = (struct side_counts){.packets = packets,
                                                     .wire_bytes = bytes + 40 * packets,
                                                     .ip_bytes = bytes + 40 * packets,
                                                     .payload_bytes = bytes,
                                                     .acked_bytes = bytes};
            flow->fresh[side].packets = (int64_t)packets;
            flow->fresh[side].payload_bytes = flow->fresh[side].acked_bytes = (int64_t)bytes;
        }
        tape_put(tape, &made.header, &(struct tape_note){.tag = (uint32_t)n % 500 << 8});
    }
    assert_in_range(tape_progress_of(tape).bytes, 1000, 54 * 1000);
    tape_free(tape);
}

static void test_it_can_be_stopped(void **state)
{
    (void)state;
    struct tape *tape = tape_of(TAPE_MOST_BYTES);
    struct error error = {0};
    struct tape_note note;
    for (uint64_t n = 0; n < 3; n++) {
        note = make(n);
        tape_put(tape, &made.header, &note);
    }
    assert_true(tape_finish(tape));
    assert_non_null(tape_next(tape, &note, &error));
    tape_stop(tape);
    assert_null(tape_next(tape, &note, &error));
    assert_int_equal(error.code, ERROR_NONE);
    tape_free(tape);
}

static void test_no_room(void **state)
{
    (void)state;
    struct tape *tape = tape_of(100000);
    for (uint64_t n = 0; n < 20000; n++) {
        struct tape_note note = make(n);
        tape_put(tape, &made.header, &note);
    }
    assert_false(tape_finish(tape));
    tape_free(tape);
}

/* The disk takes part of what waits, and then no more. */
static void test_a_full_disk(void **state)
{
    (void)state;
    struct rlimit before, full;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    full = (struct rlimit){300000, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    struct tape *tape = tape_of(TAPE_MOST_BYTES);
    setrlimit(RLIMIT_FSIZE, &full);
    for (uint64_t n = 0; n < 20000; n++) {
        struct tape_note note = make(n);
        tape_put(tape, &made.header, &note);
    }
    bool whole = tape_finish(tape);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    assert_false(whole);
    assert_in_range(tape_progress_of(tape).bytes, 300000, TAPE_MOST_BYTES);
    tape_free(tape);
}

static void refused(uint16_t kind, uint32_t size, uint32_t worker)
{
    struct tape *tape = tape_of(TAPE_MOST_BYTES);
    make(1);
    made.header.kind = kind;
    made.header.size = size;
    tape_put(tape, &made.header, &(struct tape_note){.worker = worker});
    assert_false(tape_finish(tape));
    tape_free(tape);
}

static void test_what_is_not_for_a_tape(void **state)
{
    (void)state;
    refused(RECORD_WATERMARK, sizeof(struct record_header), 0);
    refused(RECORD_WATERMARK + 2, 512, 0);
    refused(0, 512, 0);
    refused(RECORD_FLOW, 500, 0);
    refused(RECORD_FLOW, 16, 0);
    refused(RECORD_FLOW, 512, TAPE_WORKERS);
}

static void test_a_path_that_is_taken(void **state)
{
    (void)state;
    char path[64];
    struct error error = {0};
    FILE *file = fopen(fresh_path(path), "w");
    assert_non_null(file);
    fclose(file);
    assert_null(tape_new(path, TAPE_MOST_BYTES, &error));
    assert_int_equal(error.code, ERROR_RUN);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_put),        cmocka_unit_test(test_few_bytes),
        cmocka_unit_test(test_it_can_be_stopped),   cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_a_full_disk),         cmocka_unit_test(test_what_is_not_for_a_tape),
        cmocka_unit_test(test_a_path_that_is_taken)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
