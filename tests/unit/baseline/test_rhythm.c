/* The beacon score of a day: RITA's own examples, parts by hand, what is cut, the day's end, the
 * packed form. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"
#include "weir/baseline/rhythm.h"

#include <stdlib.h>

static void assert_about(double value, double expected, double error)
{
    if (!(fabs(value - expected) <= error))
        fail_msg("%.6f is not %.6f ± %g", value, expected, error);
}

static void feed(struct rhythm *rhythm, int hour, const char *text, uint32_t flows)
{
    struct civil civil = make_civil(MONDAY, hour);
    struct starts starts = {0};
    assert_true(starts_parse(&starts, text, strlen(text)));
    rhythm_hour(rhythm, &civil, &starts, flows);
    starts_fini(&starts);
}

/* Starts one after the other from 09:00:00 on, each with as many bytes. */
static void feed_gaps(struct rhythm *rhythm, const int *gap, size_t count, const uint32_t *bytes)
{
    struct starts starts = {0};
    uint32_t at = 0;
    int hour = 9;
    for (size_t i = 0; i <= count; i++) {
        for (; at >= STARTS_SECONDS; at -= STARTS_SECONDS) {
            struct civil civil = make_civil(MONDAY, hour++);
            rhythm_hour(rhythm, &civil, &starts, starts.count);
            starts_fini(&starts);
        }
        starts_add(&starts, at, bytes ? bytes[i] : 100);
        at += i < count ? (uint32_t)gap[i] : 0;
    }
    struct civil civil = make_civil(MONDAY, hour);
    rhythm_hour(rhythm, &civil, &starts, starts.count);
    starts_fini(&starts);
}

static struct rhythm_score score_of(const int *gap, size_t count, const uint32_t *bytes)
{
    struct rhythm rhythm = {0};
    struct rhythm_score score;
    feed_gaps(&rhythm, gap, count, bytes);
    assert_true(rhythm_score(&rhythm, &score));
    assert_near(score.score, (score.ts + score.ds + score.hist + score.dur) / 4);
    rhythm_fini(&rhythm);
    return score;
}

/* --- the parts -------------------------------------------------------------------------------- */

static void intervals(void **state)
{
    static const int perfect[] = {60, 60, 60, 60, 60, 60, 60, 60, 60};
    static const int close[] = {98, 99, 99, 100, 100, 100, 101, 101, 102};
    static const int two[] = {98, 300, 98, 300, 98, 300, 98, 300, 98, 300};
    static const int any[] = {1, 299, 25, 4975, 90, 2, 42, 500, 1500};
    (void)state;
    assert_near(score_of(perfect, 9, NULL).ts, 1);
    assert_about(score_of(close, 9, NULL).ts, 0.995, 0.002); /* MAD 1 of 100 */
    assert_about(score_of(two, 10, NULL).ts, 0.746, 0.002);  /* no skew, MAD 101 of 199 */
    assert_about(score_of(any, 9, NULL).ts, 0.083, 0.005);   /* skew .845, MAD 89 of 90 */
}

static void sizes(void **state)
{
    static const int gap[] = {60, 60, 60, 60, 60, 60, 60, 60, 60};
    static const uint32_t ten[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    static const uint32_t none[10] = {0};
    static const uint32_t two[] = {100, 100, 100, 100, 100, 100, 800, 800, 800, 800};
    (void)state;
    assert_near(score_of(gap, 9, NULL).ds, 1);
    assert_near(score_of(gap, 9, ten).ds, (1 + 3 / 5.5) / 2); /* MAD 2.5 of 5.5 */
    assert_near(score_of(gap, 9, none).ds, 0.5);              /* a median below 1: no second part */
    assert_near(score_of(gap, 9, two).ds, 1);                 /* Q2 is Q1: no skew; MAD 0 */
}

static void hours(void **state)
{
    struct rhythm rhythm = {0};
    struct rhythm_score score;
    (void)state;
    for (int hour = 0; hour < 24; hour++)
        feed(&rhythm, hour, ";10:5;1800:5", 2);
    assert_true(rhythm_score(&rhythm, &score));
    assert_near(score.hist, 1);
    assert_near(score.dur, 1);
    rhythm_fini(&rhythm);
    for (int hour = 8; hour < 18; hour++) /* ten hours: too few for levels */
        feed(&rhythm, hour, ";10:5;1800:5", 2);
    assert_true(rhythm_score(&rhythm, &score));
    double mean = 20.0 / 24,
           deviation = sqrt((10 * (2 - mean) * (2 - mean) + 14 * mean * mean) / 24);
    assert_near(score.hist, fmax(0, 1 - deviation / mean));
    assert_near(score.dur, 10.0 / 12); /* longer than (17:30:00 − 08:00:10)/24 h */
    feed(&rhythm, 18, ";10:5;1800:5", 2);
    assert_true(rhythm_score(&rhythm, &score));
    assert_near(score.hist, 1); /* eleven on one level, one left out */
    feed(&rhythm, 20, ";1:1", 100);
    feed(&rhythm, 22, ";1:1", 50);
    assert_true(rhythm_score(&rhythm, &score));
    assert_near(score.hist, 1); /* 11 and 1 of 13, one left out */
    assert_near(score.dur, 11.0 / 12);
    rhythm_fini(&rhythm);
}

static void runs_go_round_midnight(void **state)
{
    struct rhythm rhythm = {0};
    struct rhythm_score score;
    (void)state;
    for (int hour = 0; hour < 3; hour++)
        feed(&rhythm, hour, ";0:5", 1);
    for (int hour = 19; hour < 23; hour++)
        feed(&rhythm, hour, ";0:5", 1);
    assert_true(rhythm_score(&rhythm, &score));
    assert_near(score.dur, 22.0 / 24); /* from first to last; the longest run is four */
    feed(&rhythm, 23, ";0:5", 1);
    assert_true(rhythm_score(&rhythm, &score));
    assert_near(score.dur, 23.0 / 24); /* now eight: 19 to 3 */
    rhythm_fini(&rhythm);
}

static void too_little_and_too_much_have_no_score(void **state)
{
    struct rhythm rhythm = {0};
    struct rhythm_score score;
    (void)state;
    assert_false(rhythm_score(&rhythm, &score));
    feed(&rhythm, 9, ";1:1;2:1;3:1", 3000);
    assert_false(rhythm_score(&rhythm, &score));
    feed(&rhythm, 10, ";1:1", 1);
    assert_true(rhythm_score(&rhythm, &score));
    assert_near(rhythm_interval(&rhythm), 1);
    feed(&rhythm, 11, ";1:1", RHYTHM_CONNECTIONS - 3002);
    assert_true(rhythm_score(&rhythm, &score));
    feed(&rhythm, 12, "", 1);
    assert_false(rhythm_score(&rhythm, &score));
    rhythm_fini(&rhythm);
}

/* Whatever was asked before, and whatever joined since. */
static void whether_a_score_exceeds_is_what_it_is(void **state)
{
    unsigned above = 0, below = 0;
    (void)state;
    for (unsigned seed = 1; seed < 60; seed++) {
        struct rhythm rhythm = {0};
        struct rhythm_score score = {.score = 0};
        double found;
        assert_false(rhythm_exceeds(&rhythm, 0, &found));
        for (int hour = 0; hour < 24; hour += 1 + (int)(seed % 5)) {
            char text[160];
            size_t at = 0;
            for (unsigned n = 0; n < 1 + seed % 7; n++)
                at += (size_t)snprintf(text + at, sizeof text - at, ";%u:%u",
                                       (n + 1) * 400 + seed * (unsigned)hour * n % 300,
                                       100 + (seed * n * (unsigned)hour) % 5000);
            feed(&rhythm, hour, text, 1 + seed % 7);
            bool scored = rhythm_score(&rhythm, &score);
            for (unsigned asked = 0; asked < 5; asked++) {
                double least = (double)((asked * 7 + seed) % 10) / 10;
                bool exceeds = rhythm_exceeds(&rhythm, least, &found);
                assert_int_equal(exceeds, scored && score.score > least);
                assert_true(!exceeds || found == score.score);
                above += exceeds;
                below += !exceeds;
            }
        }
        rhythm_fini(&rhythm);
    }
    assert_true(above > 100 && below > 100);
}

/* --- hours and days --------------------------------------------------------------------------- */

/* 256 seconds with a start: what came later is not known, nor how long it was until the next. */
static void no_interval_leads_out_of_a_cut_hour(void **state)
{
    struct rhythm rhythm = {0};
    struct starts starts = {0};
    (void)state;
    for (uint32_t i = 0; i < 300; i++)
        starts_add(&starts, 10 * i, 5);
    struct civil civil = make_civil(MONDAY, 9);
    rhythm_hour(&rhythm, &civil, &starts, 360);
    starts_fini(&starts);
    feed(&rhythm, 10, ";0:5;10:5", 2);
    feed(&rhythm, 11, ";0:5", 1);
    const struct rhythm_counts *counts = &rhythm.today->intervals;
    assert_int_equal(counts->used, 2); /* 10 s, and 3,590 s from the whole hour to the next */
    assert_int_equal(counts->cell[0].count, STARTS_MAX);
    assert_int_equal(counts->cell[1].count, 1);
    assert_int_equal(rhythm.today->connections[9], 360);
    rhythm_fini(&rhythm);
}

/* Resolution falls as it must, to the same whatever came first. */
static void bins_do_not_depend_on_order(void **state)
{
    struct rhythm rising = {0}, falling = {0};
    struct buffer a = {0}, b = {0};
    (void)state;
    for (uint32_t i = 0; i < 40; i++) {
        struct starts one = {0}, other = {0};
        struct civil civil = make_civil(MONDAY, (int)(i / 2));
        starts_add(&one, i % 2, (uint64_t)1 << (i % 32));
        starts_add(&other, i % 2, (uint64_t)1 << ((39 - i) % 32));
        rhythm_hour(&rising, &civil, &one, 1);
        rhythm_hour(&falling, &civil, &other, 1);
        starts_fini(&one);
        starts_fini(&other);
    }
    assert_int_equal(rising.today->sizes.halvings, 7); /* 32 octaves in 16 bins */
    rhythm_pack(&rising, MONDAY * 24, MONDAY, &a);
    rhythm_pack(&falling, MONDAY * 24, MONDAY, &b);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    buffer_fini(&a);
    buffer_fini(&b);
    rhythm_fini(&rising);
    rhythm_fini(&falling);
}

static void a_day_leaves_its_score(void **state)
{
    struct rhythm rhythm = {0};
    (void)state;
    for (int hour = 0; hour < 24; hour++)
        feed(&rhythm, hour, ";10:5;1810:5", 2);
    rhythm_end_day(&rhythm, MONDAY);
    assert_non_null(rhythm.today);
    rhythm_end_day(&rhythm, MONDAY + 1);
    assert_null(rhythm.today);
    assert_int_equal(rhythm.scored_day, MONDAY);
    assert_int_equal(rhythm.score, 1000);
    struct civil civil = make_civil(MONDAY + 1, 3);
    struct starts starts = {0};
    starts_add(&starts, 5, 5);
    rhythm_hour(&rhythm, &civil, &starts, 1);
    assert_int_equal(rhythm.today->intervals.used, 0); /* none from the day before */
    starts_fini(&starts);
    rhythm_end_day(&rhythm, MONDAY + 2); /* a single start: the score is still Monday's */
    assert_int_equal(rhythm.scored_day, MONDAY);
    rhythm_fini(&rhythm);
}

/* --- packing ---------------------------------------------------------------------------------- */

static void packs_and_unpacks(void **state)
{
    struct rhythm rhythm = {0}, back;
    struct buffer packed = {0}, again = {0};
    (void)state;
    rhythm_pack(&rhythm, MONDAY * 24, MONDAY, &packed);
    assert_int_equal(packed.size, 1);
    for (int hour = 0; hour < 24; hour++)
        feed(&rhythm, hour, ";10:5;1810:5", 2);
    rhythm_end_day(&rhythm, MONDAY + 1);
    for (int hour = 7; hour < 22; hour++)
        feed(&rhythm, hour, ";1:99;700:100;2000:4294967295", 3);
    packed.size = 0;
    rhythm_pack(&rhythm, MONDAY * 24 + 21, MONDAY, &packed);
    print_message("15 hours of 3 sizes, 3 intervals: %zu bytes\n", packed.size);
    assert_true(packed.size < 50);
    struct cursor in = cursor_make(packed.data, packed.size);
    assert_true(rhythm_unpack(&back, MONDAY * 24 + 21, MONDAY, &in));
    assert_int_equal(cursor_left(&in), 0);
    rhythm_pack(&back, MONDAY * 24 + 21, MONDAY, &again);
    assert_int_equal(packed.size, again.size);
    assert_memory_equal(packed.data, again.data, packed.size);
    assert_memory_equal(&back.today->sizes.cell, &rhythm.today->sizes.cell,
                        3 * sizeof(struct rhythm_cell));
    assert_int_equal(back.today->first_s, rhythm.today->first_s);
    rhythm_fini(&back);
    for (size_t size = 0; size < packed.size; size++) {
        in = cursor_make(packed.data, size);
        assert_false(rhythm_unpack(&back, MONDAY * 24 + 21, MONDAY, &in));
        assert_null(back.today);
    }
    buffer_fini(&packed);
    buffer_fini(&again);
    rhythm_fini(&rhythm);
}

/* A blob that comes from later than what is learned into it stays one that can be read. */
static void a_day_from_the_future_stays_readable(void **state)
{
    struct rhythm rhythm = {0}, back;
    struct buffer packed = {0};
    (void)state;
    feed(&rhythm, 20, ";10:5;1810:5", 2);
    feed(&rhythm, 9, ";10:5;1810:5", 2);
    assert_int_equal(rhythm.today->last_s, (MONDAY * 24 + 20) * 3600 + 1810);
    assert_int_equal(rhythm.today->intervals.cell[0].count, 1);
    rhythm_pack(&rhythm, MONDAY * 24 + 9, MONDAY, &packed);
    struct cursor in = cursor_make(packed.data, packed.size);
    assert_true(rhythm_unpack(&back, MONDAY * 24 + 9, MONDAY, &in));
    rhythm_fini(&back);
    rhythm_fini(&rhythm);
    buffer_fini(&packed);
}

static void other_bytes_are_refused(void **state)
{
    static const struct {
        const char *what;
        uint8_t bytes[12];
        size_t size;
    } bad[] = {
        {"flags", {8}, 1},
        {"cut, but no day", {2}, 1},
        {"a score above 1", {4, 2, 0xe9, 0x07}, 4},
        {"a day without connections", {1, 0, 0, 0, 0}, 5},
        {"an hour beyond the day", {1, 0, 0x80, 0x80, 0x80, 0x08, 1, 0, 0}, 9},
        {"an hour with none", {1, 0, 1, 0, 0, 0}, 6},
        {"intervals, but no sizes", {1, 0, 1, 1, 0, 1, 0, 1, 1}, 9},
        {"too many cells", {1, 0, 1, 1, 17}, 5},
        {"too coarse", {1, 0, 1, 1, 1, 9, 0, 1, 0, 0, 0}, 11},
        {"a bin beyond the last", {1, 0, 1, 1, 1, 8, 10, 1, 0, 0, 0}, 11},
        {"a cell without a count", {1, 0, 1, 1, 1, 8, 3, 0, 0, 0, 0}, 11},
        {"a bin that comes again", {1, 0, 1, 1, 2, 8, 3, 1, 0, 1, 0}, 11},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct rhythm rhythm;
        struct cursor in = cursor_make(bad[i].bytes, bad[i].size);
        if (rhythm_unpack(&rhythm, 0, 0, &in))
            fail_msg("%s was taken", bad[i].what);
        assert_null(rhythm.today);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals),
        cmocka_unit_test(sizes),
        cmocka_unit_test(hours),
        cmocka_unit_test(runs_go_round_midnight),
        cmocka_unit_test(too_little_and_too_much_have_no_score),
        cmocka_unit_test(whether_a_score_exceeds_is_what_it_is),
        cmocka_unit_test(no_interval_leads_out_of_a_cut_hour),
        cmocka_unit_test(bins_do_not_depend_on_order),
        cmocka_unit_test(a_day_leaves_its_score),
        cmocka_unit_test(packs_and_unpacks),
        cmocka_unit_test(a_day_from_the_future_stays_readable),
        cmocka_unit_test(other_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
