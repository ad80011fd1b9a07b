/* Growth, ratio and novelty: by hand, at their bounds, and packed. Long series are compared with
 * numpy in tests/golden/test_estimators_pair.py. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"
#include "weir/baseline/cusum.h"
#include "weir/baseline/novelty.h"
#include "weir/baseline/ratio.h"

#include <stdlib.h>

/* --- growth ----------------------------------------------------------------------------------- */

static void a_steady_host_does_not_grow(void **state)
{
    struct cusum cusum = {0};
    (void)state;
    for (int day = 0; day < 400; day++)
        cusum_add(&cusum, 30 + 0.2 * (day % 2)); /* a fifth of an octave, less than its σ */
    assert_true(cusum.sum <= 0);
    assert_int_equal(cusum.days, 400);
    assert_near(cusum_sigma(&cusum), CUSUM_SIGMA);
    assert_true(fabs(cusum.reference - 30.1) < 0.01);
}

static void growth_adds_up_after_the_warm_up(void **state)
{
    struct cusum cusum = {0};
    (void)state;
    for (int day = 0; day < CUSUM_WARMUP; day++) {
        cusum_add(&cusum, day ? 40 : 20); /* however odd the beginning is */
        assert_true(cusum.sum <= 0);
    }
    cusum = (struct cusum){0};
    for (int day = 0; day < 60; day++)
        cusum_add(&cusum, 20);
    cusum_add(&cusum, 21); /* two of the least σ */
    assert_near(cusum.sum, 1.5);
    cusum_add(&cusum, 40); /* no day counts for more than three */
    assert_near(cusum.sum, (float)(0.97 * 1.5 + 3 - 0.5));
    double reference = cusum.reference;
    cusum_add(&cusum, 40);
    assert_true(cusum.sum > 3);
    assert_near(cusum.reference, (float)(reference + 0.1 * 1.5 / 30)); /* slowly now */
    for (int day = 0; day < 200; day++)
        cusum_add(&cusum, 100);
    assert_true(cusum.sum > 30 && cusum.sum <= CUSUM_MOST);
}

static void what_is_no_number_is_no_value(void **state)
{
    struct cusum cusum = {0};
    (void)state;
    cusum_add(&cusum, NAN);
    cusum_add(&cusum, INFINITY);
    assert_int_equal(cusum.days, 0);
    cusum_add(&cusum, 1e300);
    cusum_add(&cusum, -1e300);
    assert_true(isfinite(cusum.reference) && isfinite(cusum.deviation));
}

static void growth_packs(void **state)
{
    struct cusum cusum = {0}, back;
    struct buffer packed = {0};
    (void)state;
    cusum_pack(&cusum, &packed);
    assert_int_equal(packed.size, 1);
    for (int day = 0; day < 300; day++)
        cusum_add(&cusum, -3 + day * 0.1);
    packed.size = 0;
    cusum_pack(&cusum, &packed);
    assert_int_equal(packed.size, 14);
    struct cursor in = cursor_make(packed.data, packed.size);
    assert_true(cusum_unpack(&back, &in));
    assert_memory_equal(&back, &cusum, sizeof back);
    for (size_t size = 0; size < packed.size; size++) {
        in = cursor_make(packed.data, size);
        assert_false(cusum_unpack(&back, &in));
        assert_int_equal(back.days, 0);
    }
    for (size_t at = 2; at < 14; at += 4) { /* NaN */
        struct buffer bad = {0};
        buffer_put(&bad, packed.data, packed.size);
        memset(bad.data + at, 0xff, 4);
        in = cursor_make(bad.data, bad.size);
        assert_false(cusum_unpack(&back, &in));
        buffer_fini(&bad);
    }
    buffer_fini(&packed);
}

/* --- ratio ------------------------------------------------------------------------------------ */

static void ratios_have_bins(void **state)
{
    (void)state;
    assert_int_equal(ratio_bin(0, 0), 0);
    assert_int_equal(ratio_bin(0, 5), 0);
    assert_int_equal(ratio_bin(5, 0), 40);
    assert_int_equal(ratio_bin(7, 7), 20);
    assert_int_equal(ratio_bin(1, 79), 1); /* 40/80 + ½: the edge belongs above */
    assert_int_equal(ratio_bin(1, 80), 0);
    assert_int_equal(ratio_bin(UINT64_MAX, UINT64_MAX), 20);
}

static void a_consumer_that_produces_is_rare(void **state)
{
    struct ratio ratio = {{0}};
    const uint64_t mib = 1 << 20;
    (void)state;
    assert_near(ratio_survival(&ratio, mib, 0, WEEK), 1.0 / 41); /* nothing is known */
    for (int hour = 0; hour < 490; hour++)
        ratio_add(&ratio, mib, 19 * mib, WEEK); /* a twentieth: bin 2 */
    ratio_add(&ratio, 1000, 2000, WEEK);        /* too little to be a ratio */
    assert_int_equal(histogram_samples(&ratio.hours), 490);
    assert_near(ratio_survival(&ratio, mib, 19 * mib, WEEK), (490 + 390.0 / 41) / 500);
    assert_near(ratio_survival(&ratio, mib, 9 * mib, WEEK), 370.0 / 41 / 500);
    assert_near(ratio_survival(&ratio, 100 * mib, mib, WEEK), 10.0 / 41 / 500);
    assert_near(ratio_survival(&ratio, mib - 1, 0, WEEK), 1);
    assert_near(ratio_survival(&ratio, mib, 19 * mib, WEEK + 4), (245 + 390.0 / 41) / 255);
    ratio_fini(&ratio);
}

static void ratios_pack(void **state)
{
    struct ratio ratio = {{0}}, back;
    struct buffer packed = {0};
    (void)state;
    ratio_add(&ratio, 1 << 20, 5, WEEK);
    ratio_add(&ratio, 1 << 20, 1 << 20, WEEK + 1);
    ratio_pack(&ratio, &packed);
    struct cursor in = cursor_make(packed.data, packed.size);
    assert_true(ratio_unpack(&back, &in));
    assert_int_equal(histogram_samples_at_least(&back.hours, 40), 1);
    ratio_fini(&back);
    histogram_add(&ratio.hours, RATIO_BINS, WEEK, 1); /* no ratio has that */
    packed.size = 0;
    ratio_pack(&ratio, &packed);
    in = cursor_make(packed.data, packed.size);
    assert_false(ratio_unpack(&back, &in));
    assert_int_equal(back.hours.count, 0);
    ratio_fini(&ratio);
    buffer_fini(&packed);
}

/* --- novelty ---------------------------------------------------------------------------------- */

static void meet(struct novelty *novelty, enum destination_kind kind, unsigned number)
{
    char name[32];
    snprintf(name, sizeof name, "d%u.example", number);
    struct destination d = make_destination(ROLE_CLIENT, kind, name);
    novelty_meet(novelty, &d);
}

static void who_was_met_once_is_counted(void **state)
{
    struct novelty novelty = {0};
    const struct novelty_kind *kind = &novelty.kind[DESTINATION_DOMAIN];
    (void)state;
    assert_near(novelty_rate(kind, 0.25), 0.25); /* the group's word alone */
    for (unsigned i = 0; i < 30; i++)
        meet(&novelty, DESTINATION_DOMAIN, i);
    for (unsigned i = 0; i < 20; i++)
        for (int again = 0; again < 5; again++)
            meet(&novelty, DESTINATION_DOMAIN, i);
    meet(&novelty, DESTINATION_PREFIX, 1);
    assert_int_equal(kind->contacts, 130);
    assert_near(novelty_once(kind), 10);
    assert_near(novelty_rate(kind, 0.25), (10 + 5.0) / 150);
    assert_near(novelty_once(&novelty.kind[DESTINATION_PREFIX]), 1);
    assert_near(novelty_once(&novelty.kind[DESTINATION_AS]), 0);
    assert_near(novelty_rate(&novelty.kind[DESTINATION_PREFIX], 1), 1);
}

static void the_sample_is_bounded_and_has_no_order(void **state)
{
    struct novelty up = {0}, down = {0};
    const struct novelty_kind *kind = &up.kind[DESTINATION_DOMAIN];
    (void)state;
    for (unsigned i = 0; i < 4000; i++) {
        meet(&up, DESTINATION_DOMAIN, i);
        meet(&down, DESTINATION_DOMAIN, 3999 - i);
    }
    assert_in_range(kind->count, NOVELTY_SAMPLE / 4, NOVELTY_SAMPLE);
    assert_in_range(kind->level, 6, 8); /* 4000 / 2^level fit in 48 */
    assert_true(fabs(novelty_once(kind) - 4000) < 2000);
    assert_memory_equal(kind->sample, down.kind[DESTINATION_DOMAIN].sample,
                        kind->count * sizeof *kind->sample);
    assert_int_equal(kind->level, down.kind[DESTINATION_DOMAIN].level);
}

static void novelty_packs(void **state)
{
    struct novelty novelty = {0}, back;
    struct buffer packed = {0};
    (void)state;
    novelty_pack(&novelty, &packed);
    assert_int_equal(packed.size, DESTINATION_KINDS);
    for (unsigned i = 0; i < 300; i++)
        meet(&novelty, i % 3 ? DESTINATION_DOMAIN : DESTINATION_PREFIX, i % 200);
    packed.size = 0;
    novelty_pack(&novelty, &packed);
    struct cursor in = cursor_make(packed.data, packed.size);
    assert_true(novelty_unpack(&back, &in));
    for (int k = 0; k < DESTINATION_KINDS; k++) {
        assert_int_equal(back.kind[k].count, novelty.kind[k].count);
        assert_memory_equal(back.kind[k].sample, novelty.kind[k].sample,
                            back.kind[k].count * sizeof *back.kind[k].sample);
    }
    for (size_t size = 0; size < packed.size; size++) {
        in = cursor_make(packed.data, size);
        assert_false(novelty_unpack(&back, &in));
        assert_int_equal(back.kind[0].contacts, 0);
    }
    buffer_fini(&packed);
}

static void other_samples_are_refused(void **state)
{
    static const struct {
        const char *what;
        uint8_t bytes[12];
    } bad[] = {
        {"more in the sample than was met", {1, 0, 2, 2, 2, 0, 0}},
        {"more than there is room for", {99, 0, 49}},
        {"a level beyond the hash", {1, 31, 0, 0, 0}},
        {"a hash above its level", {1, 30, 1, 4, 0, 0}},
        {"one hash twice", {2, 0, 2, 2, 1, 0, 0}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct novelty novelty;
        struct cursor in = cursor_make(bad[i].bytes, sizeof bad[i].bytes);
        if (novelty_unpack(&novelty, &in))
            fail_msg("%s was taken", bad[i].what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_host_does_not_grow),
        cmocka_unit_test(growth_adds_up_after_the_warm_up),
        cmocka_unit_test(what_is_no_number_is_no_value),
        cmocka_unit_test(growth_packs),
        cmocka_unit_test(ratios_have_bins),
        cmocka_unit_test(a_consumer_that_produces_is_rare),
        cmocka_unit_test(ratios_pack),
        cmocka_unit_test(who_was_met_once_is_counted),
        cmocka_unit_test(the_sample_is_bounded_and_has_no_order),
        cmocka_unit_test(novelty_packs),
        cmocka_unit_test(other_samples_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
