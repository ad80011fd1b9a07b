/* The ring between two threads, and between two processes: every record arrives once, whole and in
 * order, however release lags behind reading, and nobody sleeps through what it waits for. */
#include "ring_case.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define RECORDS UINT64_C(1000000)

struct traffic {
    struct ring_handles handles;
    struct ring_producer *producer;
    uint64_t records;
    bool waits;
    enum ring_result last;
    uint64_t pushed, refused;
};

static void *produce(void *context)
{
    struct traffic *t = context;
    static _Thread_local struct ring_record record;
    for (uint64_t i = 0; i < t->records; i++) {
        size_t size = ring_make_record(&record, i);
        do {
            t->last = t->waits ? ring_push_wait(t->producer, &record, size)
                               : ring_push(t->producer, &record, size);
            t->refused += t->last == RING_FULL;
        } while (t->last == RING_FULL && sched_yield() == 0);
        if (t->last != RING_OK)
            break;
        t->pushed++;
    }
    return NULL;
}

/* What a consumer may do between two looks at the event. */
struct habit {
    uint64_t lag_bytes;  /* of release behind read */
    unsigned most;       /* records a look, 0: until empty */
    bool clear_when_dry; /* clears once it found the ring empty, else before it drains */
};

static enum ring_result take(struct ring_consumer *consumer, uint64_t *next)
{
    static struct ring_record record;
    size_t size;
    enum ring_result result = ring_pop(consumer, &record, sizeof record, &size);
    if (result == RING_OK && !ring_is_record(&record, size, (*next)++))
        fail_msg("record %llu is damaged", (unsigned long long)*next - 1);
    return result;
}

/* Reads `records`; a wake-up that does not come within ten seconds is a failure. */
static void consume(struct ring_consumer *consumer, uint64_t records, const struct habit *habit)
{
    uint64_t next = 0, released = 0;
    while (next < records) {
        enum ring_result result = RING_OK;
        if (!ring_is_readable(ring_data_event(consumer), 10000))
            fail_msg("nobody wakes the consumer at record %llu", (unsigned long long)next);
        if (!habit->clear_when_dry)
            ring_clear_event(consumer);
        for (unsigned n = 0; result == RING_OK && (habit->most == 0 || n < habit->most); n++) {
            result = take(consumer, &next);
            uint64_t read = ring_read_position(consumer);
            if (read - released > habit->lag_bytes) {
                released = read - habit->lag_bytes / 2;
                ring_release(consumer, released);
            }
        }
        if (result == RING_EMPTY) { /* idle: everything is given back, as at a checkpoint */
            if (habit->clear_when_dry)
                ring_clear_event(consumer);
            released = ring_read_position(consumer);
            ring_release(consumer, released);
        } else {
            assert_int_equal(result, RING_OK);
        }
    }
    assert_int_equal(take(consumer, &next), RING_EMPTY);
}

static void run(uint64_t records, size_t size, bool waits, const struct habit *habit)
{
    struct traffic t = {.records = records, .waits = waits};
    struct error error = {0};
    pthread_t thread;
    assert_int_equal(ring_create(&t.handles, size, &error), 0);
    t.producer = ring_producer_open(&t.handles, &error);
    struct ring_consumer *consumer = ring_consumer_open(&t.handles, &error);
    assert_int_equal(pthread_create(&thread, NULL, produce, &t), 0);
    consume(consumer, records, habit);
    pthread_join(thread, NULL);
    assert_true(t.pushed == records);
    ring_producer_free(t.producer);
    ring_consumer_free(consumer);
    ring_destroy(&t.handles);
}

static void test_million(void **state)
{
    (void)state;
    run(RECORDS, RING_SIZE_MIN, true, &(struct habit){0, 0, false});
}

static void test_release_lags(void **state)
{
    (void)state;
    run(RECORDS / 5, RING_SIZE_MIN, true, &(struct habit){RING_SIZE_MIN * 3 / 4, 0, false});
}

static void test_early_stops(void **state)
{
    (void)state;
    run(RECORDS / 5, RING_SIZE_MIN, true, &(struct habit){0, 3, false});
    run(RECORDS / 5, 4 * RING_SIZE_MIN, true, &(struct habit){RING_SIZE_MIN, 100, true});
}

static void test_refusing_push(void **state)
{
    (void)state;
    run(RECORDS / 5, RING_SIZE_MIN, false, &(struct habit){0, 0, true});
}

/* A producer that waits for room does so asleep. */
static void test_waiting_costs_nothing(void **state)
{
    struct traffic t = {.records = UINT64_MAX, .waits = true};
    struct timespec before, after;
    pthread_t thread;
    clockid_t clock;
    (void)state;
    assert_int_equal(ring_create(&t.handles, RING_SIZE_MIN, NULL), 0);
    t.producer = ring_producer_open(&t.handles, NULL);
    struct ring_consumer *consumer = ring_consumer_open(&t.handles, NULL);
    assert_int_equal(pthread_create(&thread, NULL, produce, &t), 0);
    usleep(200000); /* full by now */
    assert_int_equal(pthread_getcpuclockid(thread, &clock), 0);
    clock_gettime(clock, &before);
    usleep(500000);
    clock_gettime(clock, &after);
    int64_t ns = (after.tv_sec - before.tv_sec) * 1000000000LL + (after.tv_nsec - before.tv_nsec);
    /* Closing wakes it, and it is told. */
    ring_consumer_free(consumer);
    pthread_join(thread, NULL);
    assert_int_equal(t.last, RING_CLOSED);
    assert_in_range(t.pushed, 1, RING_SIZE_MIN / sizeof(struct record_header));
    assert_true(ns < 50 * 1000000LL);
    ring_producer_free(t.producer);
    ring_destroy(&t.handles);
}

static void test_two_processes(void **state)
{
    struct traffic t = {.records = RECORDS / 5, .waits = true};
    int status = -1;
    (void)state;
    assert_int_equal(ring_create(&t.handles, RING_SIZE_MIN, NULL), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        t.producer = ring_producer_open(&t.handles, NULL);
        produce(&t);
        _exit(t.pushed == t.records ? 0 : 1);
    }
    struct ring_consumer *consumer = ring_consumer_open(&t.handles, NULL);
    consume(consumer, t.records, &(struct habit){RING_SIZE_MIN / 2, 0, false});
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    ring_consumer_free(consumer);
    ring_destroy(&t.handles);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_processes), cmocka_unit_test(test_million),
        cmocka_unit_test(test_release_lags),  cmocka_unit_test(test_early_stops),
        cmocka_unit_test(test_refusing_push), cmocka_unit_test(test_waiting_costs_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
