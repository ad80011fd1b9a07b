/* Time stamps that are off: which are believed, and at what time the others are told. Times in
 * minutes; every packet's only byte is its number, so that what is told is what was put. */
#include "../../../sensor/capture/foresight.h"

#include "weir/capture/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MOST         4096
#define YEAR         (366 * 24 * 60)
#define NONE         INT64_MIN
#define COUNT(array) (sizeof(array) / sizeof *(array))

struct told {
    int64_t at[MOST];
    size_t count, jumps;
};

static void take_all(struct foresight *f, struct told *told)
{
    struct packet_raw raw;
    bool disbelieved;
    while (foresight_take(f, &raw, &disbelieved)) {
        assert_int_equal(raw.captured, 1);
        assert_int_equal(*raw.data, told->count & 255); /* in order, and its own bytes */
        told->at[told->count++] = raw.time.ns / NS_PER_MIN;
        told->jumps += disbelieved;
    }
}

static void run(const int64_t minute[], size_t count, struct told *told)
{
    struct foresight f = {.clock = PTIME_MIN};
    *told = (struct told){.count = 0};
    for (size_t i = 0; i < count; i++) {
        uint8_t byte = (uint8_t)i; /* gone after the take: what waits must have been copied */
        struct packet_raw raw = {.data = &byte, .captured = 1};
        raw.time.ns = minute[i] == NONE ? SOURCE_NO_TIME.ns : minute[i] * NS_PER_MIN;
        foresight_put(&f, &raw);
        take_all(&f, told);
        byte = 0xff;
    }
    f.ended = true;
    take_all(&f, told);
    assert_int_equal(told->count, count);
    foresight_fini(&f);
}

static void expect(const int64_t minute[], const int64_t want[], size_t count, size_t jumps)
{
    struct told told;
    run(minute, count, &told);
    for (size_t i = 0; i < count; i++)
        if (told.at[i] != want[i])
            fail_msg("packet %zu told at %lld, expected %lld", i, (long long)told.at[i],
                     (long long)want[i]);
    assert_int_equal(told.jumps, jumps);
}

static void test_within_an_hour_nothing_changes(void **state)
{
    const int64_t minute[] = {0, 1, 61, 2, 62, 3, 122, 62};
    (void)state;
    expect(minute, minute, COUNT(minute), 0);
}

static void test_one_ahead(void **state)
{
    const int64_t minute[] = {0, 1, 2, YEAR, 3, 4, 5, 6, 7, 8, 9};
    const int64_t want[] = {0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9};
    (void)state;
    expect(minute, want, COUNT(minute), 1);
}

static void test_seven_ahead_are_wrong_eight_are_right(void **state)
{
    int64_t minute[20], want[20];
    (void)state;
    for (int ahead = 7; ahead <= 8; ahead++) {
        for (int i = 0; i < 20; i++) {
            bool off = i >= 9 && i < 9 + ahead;
            minute[i] = off ? YEAR + i : i;
            want[i] = off && ahead == 7 ? 8 : minute[i];
            if (ahead == 8 && i >= 17)
                want[i] = YEAR + 16; /* time does not go back */
        }
        expect(minute, want, 20, ahead == 7 ? 7 : 3);
    }
}

static void test_behind(void **state)
{
    const int64_t minute[] = {YEAR, YEAR, YEAR, YEAR, YEAR, YEAR, YEAR, YEAR, 5, YEAR + 1, 0};
    const int64_t want[] = {YEAR, YEAR, YEAR, YEAR,     YEAR,    YEAR,
                            YEAR, YEAR, YEAR, YEAR + 1, YEAR + 1};
    (void)state;
    expect(minute, want, COUNT(minute), 2);
}

static void test_the_first_packet_may_be_wrong(void **state)
{
    const int64_t ahead[] = {YEAR, 0, 1, 2, 3, 4, 5, 6, 7};
    const int64_t want[] = {0, 0, 1, 2, 3, 4, 5, 6, 7};
    const int64_t two[] = {YEAR, YEAR, 0, 1, 2, 3, 4, 5, 6};
    const int64_t want_two[] = {0, 0, 0, 1, 2, 3, 4, 5, 6};
    (void)state;
    expect(ahead, want, COUNT(ahead), 1);
    expect(two, want_two, COUNT(two), 2);
}

/* Few packets over years, and a capture that leaps: nothing contradicts them. */
static void test_leaps(void **state)
{
    const int64_t few[] = {0, YEAR, 2 * YEAR}, one[] = {7};
    int64_t minute[1000];
    (void)state;
    expect(few, few, COUNT(few), 0);
    expect(one, one, COUNT(one), 0);
    for (int i = 0; i < 1000; i++)
        minute[i] = i * 61;
    expect(minute, minute, 1000, 0);
    for (int i = 0; i < 1000; i++)
        minute[i] = i / 100 * YEAR + i;
    expect(minute, minute, 1000, 0);
}

static void test_at_the_end_what_is_held_is_believed(void **state)
{
    const int64_t minute[] = {0, 1, 2, 3, 4, 5, 6, 7, YEAR, YEAR};
    (void)state;
    expect(minute, minute, COUNT(minute), 0);
}

static void test_packets_without_a_time(void **state)
{
    const int64_t minute[] = {NONE, NONE, 100, NONE, 101, NONE};
    const int64_t want[] = {100, 100, 100, 100, 101, 101};
    const int64_t all[] = {NONE, NONE, NONE}, epoch[] = {0, 0, 0};
    (void)state;
    expect(minute, want, COUNT(minute), 0);
    expect(all, epoch, COUNT(all), 0);
}

/* A stream in which every packet is in doubt does not gather memory. */
static void test_bounded(void **state)
{
    static uint8_t data[4096];
    struct foresight f = {.clock = PTIME_MIN};
    struct packet_raw raw;
    bool disbelieved;
    uint64_t taken = 0;
    (void)state;
    for (int i = 0; i < 10000; i++) {
        raw = (struct packet_raw){.data = data, .captured = sizeof data};
        raw.time.ns = i * 2 * NS_PER_HOUR;
        foresight_put(&f, &raw);
        while (foresight_take(&f, &raw, &disbelieved))
            taken++;
        assert_true(f.bytes.room < (1u << 20));
    }
    assert_int_equal(taken, 10000 - (FORESIGHT_PACKETS - 1));
    foresight_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_within_an_hour_nothing_changes),
        cmocka_unit_test(test_one_ahead),
        cmocka_unit_test(test_seven_ahead_are_wrong_eight_are_right),
        cmocka_unit_test(test_behind),
        cmocka_unit_test(test_the_first_packet_may_be_wrong),
        cmocka_unit_test(test_leaps),
        cmocka_unit_test(test_at_the_end_what_is_held_is_believed),
        cmocka_unit_test(test_packets_without_a_time),
        cmocka_unit_test(test_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
