/* What came from inside and then left: windows, sizes and evidence, by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "close.h"
#include "weir/baseline/evidence.h"

#include <string.h>

#define MB UINT64_C(1000000)

/* --- days ------------------------------------------------------------------------------------- */

static void days_go_by(void **state)
{
    struct staged_days days = {.learned = 0};
    (void)state;
    staged_days_add(&days, 10, 1);
    staged_days_add(&days, 5, 2);
    assert_true(days.in[0] == 15 && days.out[0] == 3);
    staged_days_move(&days, 0);
    staged_days_move(&days, -5); /* a clock that went back */
    assert_true(days.in[0] == 15);
    staged_days_move(&days, 1);
    staged_days_add(&days, 7, 8);
    staged_days_move(&days, 2);
    assert_true(days.in[0] == 0 && days.in[1] == 0 && days.in[2] == 7 && days.in[3] == 15);
    assert_true(days.out[0] == 0 && days.out[1] == 0 && days.out[2] == 8 && days.out[3] == 3);
    staged_days_move(&days, 1);
    assert_true(days.in[3] == 7 && days.out[3] == 8);
    staged_days_move(&days, INT64_MAX);
    for (size_t i = 0; i < STAGED_DAYS; i++)
        assert_true(days.in[i] == 0 && days.out[i] == 0);
    staged_days_add(&days, UINT64_MAX, UINT64_MAX);
    staged_days_add(&days, 1, 1);
    assert_true(days.in[0] == UINT64_MAX && days.out[0] == UINT64_MAX);
}

static void what_came_as_far_as_half_left(void **state)
{
    static const struct {
        struct staged_days days;
        uint64_t bytes;
        size_t since;
    } expected[] = {
        {{{0, 0, 0, 0}, {0, 0, 0, 0}, 0}, 0, 0},
        {{{2000, 0, 0, 0}, {0, 900, 0, 0}, 0}, 0, 0},      /* what left before is not it */
        {{{2000, 0, 0, 0}, {900, 0, 0, 0}, 0}, 1800, 0},   /* not half of it yet */
        {{{2000, 0, 0, 0}, {1000, 0, 0, 0}, 0}, 2000, 0},  /* half of it */
        {{{0, 2000, 0, 0}, {600, 600, 0, 0}, 0}, 2000, 1}, /* over two days */
        {{{0, 0, 0, 2000}, {1, 1, 1, 1}, 0}, 8, 3},        /* three days before */
        {{{50, 0, 300, 0}, {100, 0, 100, 0}, 0}, 300, 2},  /* the larger */
        {{{100, 100, 0, 0}, {100, 0, 0, 0}, 0}, 100, 0},   /* of equal ones the latest */
        {{{UINT64_MAX, 0, 0, 0}, {UINT64_MAX, 0, 0, 0}, 0}, UINT64_MAX, 0},
    };
    size_t since;
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_true(staged_bytes(&expected[i].days, &since) == expected[i].bytes);
        assert_int_equal(since, expected[i].since);
    }
    assert_int_equal(staged_out(&expected[4].days, 0), 600);
    assert_int_equal(staged_out(&expected[4].days, 3), 1200);
}

/* --- a host ----------------------------------------------------------------------------------- */

static void close_inside(struct profile *profile, int64_t day, int hour, struct fleet *fleet,
                         uint64_t in, uint64_t out)
{
    struct host_total *total = host_total_new(&profile->host, day * 24 + hour);
    struct destination d = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "a.example");
    struct civil civil = make_civil(day, hour);
    total->inside_bytes = in;
    if (out > 0)
        totals_add(total, &d, exactly(out), 0, 1);
    profile_close_hour(profile, total, &civil, fleet);
    host_total_free(total);
    if (fleet)
        fleet_apply(fleet);
}

/* Ten days of 10 MB from inside and 100 kB out, of which seven are learned when the next begins. */
static struct profile *after_ten_days(struct fleet *fleet)
{
    struct profile *profile = make_profile();
    for (int day = 0; day < 10; day++) {
        close_inside(profile, MONDAY + day, 9, fleet, 4 * MB, 100000);
        close_inside(profile, MONDAY + day, 10, fleet, 6 * MB, 0);
    }
    return profile;
}

/* 10 MB are in bin 93, 2 GB in bin 123 and 30 bins above the location; of the seven days three are
 * of the week before the last. There are no peers: what is believed stands in for six days. */
static void a_day_is_unlikely(void **state)
{
    struct profile *p = after_ten_days(NULL);
    struct civil civil = make_civil(MONDAY + 10, 9);
    double n = 3 * exp2(-0.5) + 4 * exp2(-0.25), m0 = 4 / (1.2 * log(2)), own, peers;
    (void)state;
    close_inside(p, MONDAY + 10, 1, NULL, 0, 100000);
    assert_int_equal(p->staged.learned, 7);
    assert_int_equal(p->staged.location.count, 7);
    struct estimate estimate = survival_staged(p, NULL, &civil, 2000 * MB);
    own = 0.5 / (n + 1) * exp(-(123 - 93 - 1) / m0);
    peers = 0.5 * exp(-30 / m0);
    assert_near(estimate.p, (n * own + 6 * peers) / (n + 6));
    assert_true(estimate.samples > 6.9 && estimate.samples < 7.1);
    assert_int_equal(estimate.expected[0], histogram_floor(93));
    assert_int_equal(estimate.expected[1], histogram_floor(94));
    assert_int_equal(estimate.largest, histogram_middle(93));
    profile_free(p);
}

static void days_are_learned_once(void **state)
{
    struct fleet *fleet = fleet_new();
    struct profile *p = after_ten_days(fleet);
    const struct group *all = fleet_all(fleet);
    (void)state;
    assert_int_equal(p->staged.learned, 6); /* the others are still asked for */
    assert_true(p->staged.days.in[0] == 10 * MB && p->staged.days.out[0] == 100000);
    assert_true(p->staged.days.in[3] == 10 * MB);
    assert_int_equal(histogram_samples(&p->staged.day), 6);
    assert_int_equal(histogram_samples(&all->absolute_inside), 6);
    assert_true(all->inside_day.total > 0.8 && all->inside_day.total <= 1); /* with a location */
    close_inside(p, MONDAY + 12, 9, fleet, 0, 5);
    assert_int_equal(p->staged.learned, 9);
    assert_true(p->staged.days.in[2] == 0 && p->staged.days.in[3] == 10 * MB);
    close_inside(p, MONDAY + 13, 9, fleet, UINT64_C(1) << 50, 5);
    assert_int_equal(histogram_samples(&p->staged.day), 10);
    close_inside(p, MONDAY + 16, 9, fleet, 0, 5);
    assert_int_equal(p->staged.learned, 11); /* the twelfth, in which nothing came; no gaps */
    assert_int_equal(histogram_samples(&p->staged.day), 10);
    assert_true(p->staged.days.in[3] == UINT64_C(1) << 50); /* what is judged by stays true */
    close_inside(p, MONDAY + 17, 9, fleet, 0, 5);
    assert_int_equal(histogram_samples(&p->staged.day), 11);
    assert_true(histogram_largest(&p->staged.day) < 150); /* the guard */
    profile_free(p);
    fleet_free(fleet);
}

/* Days go on to be judged by, and none of which an hour was frozen is learned. */
static void frozen_days_are_not_learned(void **state)
{
    struct profile *p = after_ten_days(NULL);
    (void)state;
    p->frozen = true;
    close_inside(p, MONDAY + 10, 9, NULL, 5000 * MB, 7);
    close_inside(p, MONDAY + 11, 9, NULL, 1, 9);
    assert_int_equal(p->staged.learned, 6);
    p->frozen = false;
    close_inside(p, MONDAY + 12, 9, NULL, 2, 3);
    assert_true(p->staged.days.in[0] == 2 && p->staged.days.in[1] == 1);
    assert_true(p->staged.days.in[2] == 5000 * MB && p->staged.days.out[2] == 7);
    assert_int_equal(p->staged.learned, 7); /* the ninth day */
    close_inside(p, MONDAY + 16, 9, NULL, 4, 4);
    assert_int_equal(p->staged.learned, 9); /* the tenth, the thirteenth */
    assert_int_equal(histogram_samples(&p->staged.day), 9);
    assert_int_equal(histogram_largest(&p->staged.day), 93);
    p->frozen = true;
    close_inside(p, MONDAY + 16, 10, NULL, 4, 4);
    p->frozen = false;
    close_inside(p, MONDAY + 16, 11, NULL, 4, 4);
    close_inside(p, MONDAY + 20, 9, NULL, 4, 4);
    assert_int_equal(p->staged.learned, 9);
    profile_free(p);
}

static void stored_and_taken_back(void **state)
{
    struct profile *p = after_ten_days(NULL);
    struct buffer blob = {0}, again = {0};
    (void)state;
    staged_pack(&p->staged, &blob);
    for (size_t size = 0; size <= blob.size; size++) {
        struct staged back = {.learned = 0};
        struct cursor in = cursor_make(blob.data, size);
        assert_true(staged_unpack(&back, &in) == (size == blob.size));
        if (size == blob.size)
            staged_pack(&back, &again);
        staged_fini(&back);
    }
    assert_int_equal(again.size, blob.size);
    assert_memory_equal(again.data, blob.data, blob.size);
    buffer_fini(&blob);
    buffer_fini(&again);
    profile_free(p);
}

/* --- evidence --------------------------------------------------------------------------------- */

static double l_of(const struct profile *p, int64_t day, uint64_t in, uint64_t out)
{
    struct day_evidence evidence = {.known = 0};
    struct civil civil = make_civil(day, 12);
    const struct amounts amounts = {.hour = out, .day = out, .inside = in};
    evidence_add_host(&evidence, p, NULL, &civil, &amounts);
    assert_true(evidence.known >> EVIDENCE_STAGING & 1u);
    assert_int_equal(evidence.mark[EVIDENCE_STAGING].pair, 0);
    return evidence.mark[EVIDENCE_STAGING].l;
}

static double minus_log(struct estimate estimate)
{
    return (double)(float)-log(estimate.p);
}

static uint64_t floored(uint64_t bytes)
{
    return histogram_floor(histogram_bin(bytes));
}

static void both_must_be_unlikely(void **state)
{
    struct profile *p = after_ten_days(NULL);
    int64_t day = MONDAY + 10;
    struct civil civil = make_civil(day, 12);
    (void)state;
    close_inside(p, day, 9, NULL, 0, 1); /* so that seven are learned */
    assert_near(l_of(p, day, 2000 * MB, 1200 * MB),
                fmin(minus_log(survival_staged(p, NULL, &civil, floored(2000 * MB))),
                     minus_log(survival_host_day(p, NULL, &civil, floored(1200 * MB)))));
    /* As far as half of it left: 1 MB, and what did on the three days that so much came. */
    assert_near(
        l_of(p, day, 2000 * MB, 1 * MB),
        minus_log(survival_staged(p, NULL, &civil, floored(2 * (floored(1 * MB) + 300000)))));
    assert_true(l_of(p, day, 2000 * MB, 1 * MB) < 0.5);
    assert_true(l_of(p, day, 10 * MB, 1200 * MB) < 1.5); /* what comes every day */
    assert_true(l_of(p, day, 2000 * MB, 100000) < 1);    /* what leaves every day */
    assert_true(l_of(p, day, 2000 * MB, 1200 * MB) > 5);
    assert_false(l_of(p, day, 2000 * MB, 0) > 0);                      /* nothing left */
    assert_true(l_of(p, day, 0, 1200 * MB) < 1.5);                     /* that of the days before */
    for (uint64_t bytes = MB; bytes < 4000 * MB; bytes += bytes / 3) { /* never falls */
        assert_true(l_of(p, day, 2000 * MB, bytes) <= l_of(p, day, 2000 * MB, bytes + bytes / 3));
        assert_true(l_of(p, day, bytes, 1200 * MB) <= l_of(p, day, bytes + bytes / 3, 1200 * MB));
    }
    profile_free(p);
}

/* Gathered on one day and sent on another: up to three days later, by what left since. */
static void days_later(void **state)
{
    struct profile *p = after_ten_days(NULL);
    int64_t day = MONDAY + 10;
    (void)state;
    close_inside(p, day, 9, NULL, 2000 * MB, 1);
    double at_once = l_of(p, day + 1, 0, 1200 * MB); /* before anything of it is closed */
    assert_true(at_once > 5);
    close_inside(p, day + 1, 9, NULL, 0, 600 * MB);
    double over_two = l_of(p, day + 2, 0, 600 * MB);
    assert_true(over_two > 3);
    assert_true(l_of(p, day + 3, 0, 600 * MB) > 3);
    assert_false(l_of(p, day + 4, 0, 600 * MB) > 0);
    assert_false(l_of(p, day + 4, MB, 600 * MB) > 0); /* below a mebibyte */
    assert_true(l_of(p, day + 4, 2 * MB, 600 * MB) > 0);
    profile_free(p);
}

/* Before it was counted for a week, there is nothing to measure it by. */
static void not_known_before(void **state)
{
    struct profile *p = after_ten_days(NULL);
    struct day_evidence evidence = {.known = 0};
    struct civil civil = make_civil(MONDAY + 9, 12);
    const struct amounts amounts = {.hour = MB, .day = 1200 * MB, .inside = 2000 * MB};
    (void)state;
    evidence_add_host(&evidence, p, NULL, &civil, &amounts);
    assert_true(evidence.known >> EVIDENCE_HOST_DAY & 1u);
    assert_false(evidence.known >> EVIDENCE_STAGING & 1u);
    profile_free(p);
}

/* At the close, with what all sensors saw come; amounts that differ in it are looked at again. */
static void at_the_close(void **state)
{
    struct fleet *fleet = fleet_new();
    struct profile *p = after_ten_days(fleet);
    int64_t day = MONDAY + 10;
    (void)state;
    close_inside(p, day, 9, fleet, 2000 * MB, 0);
    assert_false(p->evidence.known >> EVIDENCE_STAGING & 1u); /* nothing left: nothing is asked */
    close_inside(p, day, 10, fleet, 0, 1200 * MB);
    assert_true(p->evidence.mark[EVIDENCE_STAGING].l > 3);
    assert_int_equal(p->evidence.mark[EVIDENCE_STAGING].bytes, floored(2000 * MB));
    const struct amounts a = {.day = MB, .inside = MB}, b = {.day = MB, .inside = 2 * MB};
    assert_int_not_equal(evidence_step(&a), evidence_step(&b));
    profile_free(p);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_go_by),
        cmocka_unit_test(what_came_as_far_as_half_left),
        cmocka_unit_test(a_day_is_unlikely),
        cmocka_unit_test(days_are_learned_once),
        cmocka_unit_test(frozen_days_are_not_learned),
        cmocka_unit_test(stored_and_taken_back),
        cmocka_unit_test(both_must_be_unlikely),
        cmocka_unit_test(days_later),
        cmocka_unit_test(not_known_before),
        cmocka_unit_test(at_the_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
