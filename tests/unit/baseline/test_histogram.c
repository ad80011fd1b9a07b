/* The log histogram against exact arithmetic: edges by (v^4 compared with 2^k) in unlimited
 * integers, weights by 2^(−weeks/4). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

#include <string.h>

/* Python: bin = min(176, ((b + 1)**4).bit_length() − 1) */
static void bins_are_exact(void **state)
{
    static const struct {
        uint64_t bytes;
        unsigned bin;
    } expected[] = {{0, 0},
                    {1, 4},
                    {2, 6},
                    {3, 8},
                    {4, 9},
                    {5, 10},
                    {6, 11},
                    {7, 12},
                    {100, 26},
                    {1023, 40},
                    {65535, 64},
                    {1000000, 79},
                    {1000000000, 119},
                    {1000000000000, 159},
                    {17592186044414, 175},
                    {17592186044415, 176},
                    {UINT64_C(1) << 63, 176},
                    {UINT64_MAX, 176}};
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(histogram_bin(expected[i].bytes), expected[i].bin);
}

/* Python: the smallest b with (b + 1)**4 >= 2**bin */
static void floors_are_exact(void **state)
{
    static const struct {
        unsigned bin;
        uint64_t floor;
    } expected[] = {{0, 0},
                    {1, 1},
                    {4, 1},
                    {5, 2},
                    {7, 3},
                    {50, 5792},
                    {51, 6888},
                    {52, 8191},
                    {53, 9741},
                    {80, 1048575},
                    {100, 33554431},
                    {175, 14793206181225},
                    {176, 17592186044415}};
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(histogram_floor(expected[i].bin), expected[i].floor);
    for (unsigned bin = 4; bin < HISTOGRAM_BINS; bin++) {
        assert_true(histogram_bin(histogram_floor(bin)) >= bin);
        assert_true(histogram_bin(histogram_floor(bin) - 1) < bin);
    }
}

static void error_is_bounded(void **state)
{
    (void)state;
    for (uint64_t bytes = 100; bytes < UINT64_C(1) << 43; bytes += bytes / 7 + 1) {
        unsigned bin = histogram_bin(bytes);
        double error = fabs((double)histogram_middle(bin) / (double)bytes - 1);
        assert_true(error < 0.1); /* 2^(1/8) − 1 = .0905, and whole numbers */
    }
    assert_int_equal(histogram_middle(0), 0);
    assert_int_equal(histogram_middle(80), 1143480); /* √((1048575 + 1)(1246974 + 1)) */
}

static void weeks_fade_and_go(void **state)
{
    struct histogram h = {0};
    (void)state;
    histogram_add(&h, 40, 2900, 1);
    histogram_add(&h, 40, 2901, 2);
    histogram_add(&h, 41, 2904, 4);
    histogram_add(&h, 50, 2926, 8);
    /* 2900 and 2901 are kept as 2900 (26 weeks old), 2904 as 2908 (18), 2926 as itself. */
    assert_near(histogram_total(&h, 2926), 3 * exp2(-6.5) + 4 * exp2(-4.5) + 8);
    assert_near(histogram_total(&h, 2927), 4 * exp2(-4.75) + 8 * exp2(-0.25)); /* 27: gone */
    assert_near(histogram_total(&h, 2928), 5.781854249492381);
    assert_near(histogram_total(&h, 2931), 3.4379111057025282);
    assert_near(histogram_at_least(&h, 41, 2926), 4 * exp2(-4.5) + 8);
    assert_near(histogram_at_least(&h, 51, 2926), 0);
    assert_int_equal(histogram_samples(&h), 15);
    assert_int_equal(histogram_samples_at_least(&h, 41), 12);
    assert_int_equal(histogram_largest(&h), 50);
    assert_int_equal(h.count, 3);
    histogram_add(&h, 50, 2931, 1); /* time goes on: the oldest is dropped for good */
    assert_int_equal(histogram_samples(&h), 13);
    histogram_add(&h, 60, 2900, 1); /* far too late */
    assert_int_equal(histogram_largest(&h), 50);
    histogram_fini(&h);
}

static void order_of_additions_within_a_block_does_not_matter(void **state)
{
    struct histogram a = {0}, b = {0};
    struct buffer x = {0}, y = {0};
    (void)state;
    for (unsigned i = 0; i < 500; i++) {
        unsigned j = i * 7 % 500;
        histogram_add(&a, i * i % 90, WEEK - i % 10, 1 + i % 3);
        histogram_add(&b, j * j % 90, WEEK - j % 10, 1 + j % 3);
    }
    histogram_pack(&a, &x);
    histogram_pack(&b, &y);
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.data, y.data, x.size);
    buffer_fini(&x);
    buffer_fini(&y);
    histogram_fini(&a);
    histogram_fini(&b);
}

static void quantiles(void **state)
{
    struct histogram h = {0};
    (void)state;
    assert_int_equal(histogram_quantile(&h, 0.5, WEEK), -1);
    assert_int_equal(histogram_largest(&h), -1);
    for (unsigned i = 0; i < 100; i++)
        histogram_add(&h, i, WEEK, 1);
    assert_int_equal(histogram_quantile(&h, 0.05, WEEK), 4);
    assert_int_equal(histogram_quantile(&h, 0.5, WEEK), 49);
    assert_int_equal(histogram_quantile(&h, 1.0, WEEK), 99);
    assert_int_equal(histogram_quantile(&h, 0.5, WEEK + 60), 0); /* nothing has weight any more */
    histogram_fini(&h);
}

static void counts_saturate_and_weeks_clamp(void **state)
{
    struct histogram h = {0};
    (void)state;
    histogram_add(&h, 3, -5, 7);
    assert_int_equal(h.cell[0].week, 0);
    histogram_add(&h, 3, 0, UINT32_MAX);
    assert_int_equal(h.cell[0].count, UINT32_MAX);
    histogram_add(&h, 3, INT64_MAX, 1);
    assert_int_equal(h.newest, UINT16_MAX);
    assert_int_equal(histogram_samples(&h), 1);
    histogram_add(&h, 3, INT64_MAX, 0);
    assert_int_equal(histogram_samples(&h), 1);
    histogram_fini(&h);
    assert_int_equal(histogram_week(13), 1);
    assert_int_equal(histogram_week(-1), -1);
    assert_int_equal(histogram_week(-7), -1);
    assert_int_equal(histogram_week(-8), -2);
}

static void packs_and_unpacks(void **state)
{
    struct histogram h = {0}, back, copy = {0};
    struct buffer out = {0}, again = {0};
    (void)state;
    for (unsigned week = 0; week < 30; week++)
        for (unsigned i = 0; i < 40; i++)
            histogram_add(&h, 60 + (i * i + week) % 40, WEEK + week, 1 + i * week);
    histogram_pack(&h, &out);
    struct cursor in = cursor_make(out.data, out.size);
    assert_true(histogram_unpack(&back, &in));
    assert_int_equal(cursor_left(&in), 0);
    assert_int_equal(back.count, h.count);
    assert_memory_equal(back.cell, h.cell, h.count * sizeof *h.cell);
    assert_int_equal(back.newest, WEEK + 29);
    histogram_copy(&copy, &back);
    histogram_pack(&copy, &again);
    assert_int_equal(again.size, out.size);
    assert_memory_equal(again.data, out.data, out.size);
    for (size_t cut = 0; cut < out.size; cut++) { /* no prefix is one */
        struct histogram broken;
        struct cursor part = cursor_make(out.data, cut);
        assert_false(histogram_unpack(&broken, &part));
        assert_null(broken.cell);
    }
    histogram_fini(&copy);
    histogram_add(&copy, 7, WEEK, 1);
    histogram_copy(&back, &copy); /* of one cell, without room to spare */
    histogram_add(&back, 8, WEEK, 1);
    histogram_add(&back, 9, WEEK, 1);
    assert_int_equal(histogram_samples(&back), 3);
    histogram_copy(&back, &h);
    assert_int_equal(back.count, h.count);
    histogram_fini(&copy);
    histogram_fini(&back);
    histogram_fini(&h);
    buffer_fini(&out);
    buffer_fini(&again);
}

static void refuses_what_pack_never_writes(void **state)
{
    static const struct {
        uint8_t data[16];
        size_t size;
    } bad[] = {
        {{178, 1}, 2},                              /* more bins than there are */
        {{1, 100, 0, 0}, 4},                        /* no weeks */
        {{1, 100, 0, 1, 1, 40, 1, 1}, 8},           /* the newest week is not in use */
        {{1, 100, 0, 2, 0, 0, 40, 3, 1, 1}, 10},    /* the same week twice */
        {{1, 100, 0, 1, 0, 177, 1, 1, 1}, 9},       /* a bin beyond the last */
        {{1, 100, 0, 1, 0, 40, 0, 1}, 8},           /* a bin without weeks */
        {{1, 100, 0, 1, 0, 40, 2, 1}, 8},           /* a week that is not listed */
        {{1, 100, 0, 1, 0, 40, 1, 0}, 8},           /* a count of nothing */
        {{2, 100, 0, 1, 0, 40, 1, 1, 0, 1, 1}, 11}, /* bins do not rise */
        {{1, 1, 0, 2, 0, 2, 40, 3, 1, 1}, 10},      /* a week before the first */
        {{1, 100, 0, 2, 0, 2, 40, 3, 1, 1}, 10},    /* week 98 is not the second of its two */
        {{1, 100, 0, 2, 0, 9, 40, 3, 1, 1}, 10},    /* week 91 is not the fifth of its block */
        {{1, 100, 0, 2, 0, 1, 40, 1, 1, 1}, 10},    /* a listed week that nothing uses */
    };
    (void)state;
    struct cursor good = cursor_make((const uint8_t[]){1, 100, 0, 1, 0, 40, 1, 1}, 8);
    struct histogram h;
    assert_true(histogram_unpack(&h, &good));
    assert_int_equal(h.cell[0].week, 100);
    histogram_fini(&h);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct cursor in = cursor_make(bad[i].data, bad[i].size);
        assert_false(histogram_unpack(&h, &in));
        assert_null(h.cell);
    }
}

static void takes_back(void **state)
{
    struct histogram h = {0}, back = {0};
    struct buffer blob = {0};
    (void)state;
    histogram_add(&h, 40, 100, 5);
    histogram_add(&h, 40, 101, 2);
    histogram_add(&h, 50, 110, 1);
    assert_int_equal(histogram_take(&h, 41, 100, 1), 0);
    assert_int_equal(histogram_take(&h, 40, 100, 3), 3); /* weeks 100 and 101 are one by now */
    assert_int_equal(histogram_samples(&h), 5);
    assert_int_equal(histogram_take(&h, 50, 110, 9), 1); /* no more than there is */
    assert_int_equal(histogram_samples(&h), 4);
    assert_int_equal(histogram_largest(&h), 40);
    /* It is still one that packs and unpacks, though its newest week went. */
    histogram_pack(&h, &blob);
    struct cursor in = cursor_make(blob.data, blob.size);
    assert_true(histogram_unpack(&back, &in));
    assert_int_equal(histogram_samples(&back), 4);
    assert_int_equal(histogram_take(&h, 40, 100, 4), 4);
    assert_int_equal(histogram_take(&h, 40, 100, 1), 0);
    assert_int_equal(h.count, 0);
    histogram_add(&h, 3, 7, 1);
    assert_int_equal(histogram_samples(&h), 1);
    histogram_fini(&h);
    histogram_fini(&back);
    buffer_fini(&blob);
}

/* Every order of taking leaves something that packs: the weeks are joined as `newest` had it. */
static void takes_back_anything(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 2000; seed++) {
        struct histogram h = {0}, back = {0};
        struct buffer blob = {0};
        unsigned random = seed;
        for (int i = 0; i < 12; i++) {
            random = random * 1664525u + 1013904223u;
            histogram_add(&h, (random >> 28) % 3, 200 + (random >> 16) % 27, 1);
        }
        for (int i = 0; i < 8 && h.count; i++) {
            random = random * 1664525u + 1013904223u;
            struct histogram_cell cell = h.cell[(random >> 16) % h.count];
            assert_int_equal(histogram_take(&h, cell.bin, cell.week, cell.count), cell.count);
        }
        histogram_pack(&h, &blob);
        struct cursor in = cursor_make(blob.data, blob.size);
        assert_true(histogram_unpack(&back, &in));
        assert_int_equal(back.count, h.count);
        histogram_fini(&h);
        histogram_fini(&back);
        buffer_fini(&blob);
    }
}

static void thins_by_weeks(void **state)
{
    struct histogram h = {0};
    (void)state;
    assert_false(histogram_thin(&h));
    histogram_add(&h, 40, 100, 5);
    histogram_add(&h, 30, 110, 7);
    histogram_add(&h, 40, 119, 2);
    assert_true(histogram_thin(&h)); /* the block of week 100 */
    assert_int_equal(histogram_samples(&h), 9);
    assert_true(histogram_thin(&h));
    assert_int_equal(histogram_samples(&h), 2);
    assert_false(histogram_thin(&h));
    assert_int_equal(histogram_samples(&h), 2);
    histogram_fini(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bins_are_exact),
        cmocka_unit_test(floors_are_exact),
        cmocka_unit_test(error_is_bounded),
        cmocka_unit_test(weeks_fade_and_go),
        cmocka_unit_test(order_of_additions_within_a_block_does_not_matter),
        cmocka_unit_test(quantiles),
        cmocka_unit_test(counts_saturate_and_weeks_clamp),
        cmocka_unit_test(packs_and_unpacks),
        cmocka_unit_test(refuses_what_pack_never_writes),
        cmocka_unit_test(takes_back),
        cmocka_unit_test(takes_back_anything),
        cmocka_unit_test(thins_by_weeks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
