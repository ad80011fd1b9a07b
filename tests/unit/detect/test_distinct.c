/* The weighted bottom-k sketch: exact while it is small, then within its stated error; parts of it;
 * two as one; a budget; a restart. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "weir/base/buffer.h"
#include "weir/base/digest.h"
#include "weir/detect/distinct.h"

#include <math.h>
#include <string.h>

static struct distinct_budget budget;

static uint64_t hash_of(uint64_t number)
{
    return hash64(&number, sizeof number, 7);
}

static bool has_note(void *context, const struct distinct_item *item)
{
    (void)context;
    return item->note != 0;
}

static struct distinct_sums sum(const struct distinct *a, const struct distinct *b)
{
    return distinct_sum(a, b, has_note, NULL);
}

static void assert_near(double found, double expected, double error)
{
    if (fabs(found - expected) > error * expected)
        fail_msg("%f is not within %.0f %% of %f", found, 100 * error, expected);
}

/* Things 0 to 63 weigh 1 to 64, together 2,080; the odd ones have a note: 2 + 4 + … + 64 = 1,056.
 */
static void exact_to_64(void **state)
{
    struct distinct d = {0};
    (void)state;
    for (int round = 0; round < 3; round++)
        for (uint32_t i = 0; i < 64; i++)
            assert_int_equal(distinct_add(&d, &budget, hash_of(i), i + 1, i & 1),
                             round ? DISTINCT_AGAIN : DISTINCT_NEW);
    assert_true(sum(&d, NULL).things == 64 && sum(&d, NULL).weight == 2080);
    assert_true(sum(&d, NULL).counted_things == 32 && sum(&d, NULL).counted_weight == 1056);
    distinct_clear(&d, &budget);
    assert_int_equal(budget.used, 0);
}

/* 100,000 things of weights 1 to 100 (mean 50.5), each ten times in a row; a third with a note. */
static void estimates_beyond(void **state)
{
    struct distinct d = {0};
    (void)state;
    for (uint32_t i = 0; i < 100000; i++)
        for (int again = 0; again < 10; again++)
            distinct_add(&d, &budget, hash_of(i), i % 100 + 1, i % 3 == 0);
    assert_int_equal(d.count, DISTINCT_KEPT);
    assert_near(sum(&d, NULL).weight, 5050000, 0.3);
    assert_near(sum(&d, NULL).counted_weight, 1683333, 0.6);
    assert_near(sum(&d, NULL).things, 100000, 0.9);
    distinct_clear(&d, &budget);
}

/* Twenty sums of 1,000 things of weight 10: their mean is within two standard errors (13 %/√20) of
 * the truth. */
static void is_not_biased(void **state)
{
    double mean = 0;
    (void)state;
    for (uint64_t run = 0; run < 20; run++) {
        struct distinct d = {0};
        for (uint64_t i = 0; i < 1000; i++)
            distinct_add(&d, &budget, hash_of(run * 1000 + i), 10, 0);
        mean += sum(&d, NULL).weight / 20;
        distinct_clear(&d, &budget);
    }
    assert_near(mean, 10000, 0.06);
}

/* What both saw counts once. */
static void two_are_one(void **state)
{
    struct distinct a = {0}, b = {0}, few = {0};
    (void)state;
    for (uint32_t i = 0; i < 6000; i++) {
        if (i < 4000)
            distinct_add(&a, &budget, hash_of(i), 5, 0);
        if (i >= 2000)
            distinct_add(&b, &budget, hash_of(i), 5, 0);
    }
    assert_near(sum(&a, &b).weight, 30000, 0.3);
    assert_true(sum(&a, &b).weight == sum(&b, &a).weight);
    for (uint32_t i = 0; i < 10; i++)
        distinct_add(&few, &budget, hash_of(i), 5, 0);
    struct distinct_sums alone = sum(&few, NULL);
    assert_true(alone.weight == 50 && sum(&few, &few).weight == 50);
    distinct_clear(&a, &budget);
    distinct_clear(&b, &budget);
    distinct_clear(&few, &budget);
}

/* Without room it estimates from the four it always has. */
static void keeps_to_a_budget(void **state)
{
    struct distinct_budget small = {.limit = 8};
    struct distinct a = {0}, b = {0};
    (void)state;
    for (uint32_t i = 0; i < 1000; i++)
        distinct_add(&a, &small, hash_of(i), 1, 0);
    for (uint32_t i = 0; i < 1000; i++)
        distinct_add(&b, &small, hash_of(i), 1, 0);
    assert_int_equal(a.room, 8);
    assert_int_equal(b.room, 4);
    assert_int_equal(small.used, 12);
    assert_true(small.shortened >= 2);
    assert_true(sum(&b, NULL).things > 100 && sum(&b, NULL).things < 10000);
    distinct_clear(&a, &small);
    distinct_clear(&b, &small);
    assert_int_equal(small.used, 0);
}

static void survives_a_restart(void **state)
{
    struct distinct d = {0}, again = {0};
    struct buffer out = {0};
    (void)state;
    for (uint32_t i = 0; i < 200; i++)
        distinct_add(&d, &budget, hash_of(i), i + 1, i);
    distinct_pack(&d, &out);
    struct cursor in = cursor_make(out.data, out.size);
    assert_true(distinct_unpack(&again, &budget, &in) && cursor_left(&in) == 0);
    assert_true(sum(&d, NULL).weight == sum(&again, NULL).weight);
    for (uint32_t i = 200; i < 400; i++) {
        enum distinct_seen seen = distinct_add(&d, &budget, hash_of(i), 9, 0);
        assert_int_equal(distinct_add(&again, &budget, hash_of(i), 9, 0), seen);
    }
    assert_true(sum(&d, NULL).weight == sum(&again, NULL).weight);
    distinct_clear(&again, &budget);
    for (size_t size = 0; size < out.size; size++) { /* cut anywhere it is not one */
        in = cursor_make(out.data, size);
        assert_false(distinct_unpack(&again, &budget, &in));
        distinct_clear(&again, &budget);
    }
    distinct_clear(&d, &budget);
    assert_int_equal(budget.used, 0);
    buffer_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_to_64),       cmocka_unit_test(estimates_beyond),
        cmocka_unit_test(is_not_biased),     cmocka_unit_test(two_are_one),
        cmocka_unit_test(keeps_to_a_budget), cmocka_unit_test(survives_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
