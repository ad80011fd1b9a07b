/* What is new, counted three ways on both sides: whole first weeks, hours, spans of seven days of
 * the first three weeks; with the exposure of each, and never from the warm-up. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

#include <stdlib.h>
#include <string.h>

static void close_one(struct profile *profile, int64_t day, int hour, struct fleet *fleet,
                      enum pair_role role, const char *name, uint64_t bytes)
{
    struct civil civil = make_civil(day, hour);
    struct host_total *total = host_total_new(&profile->host, civil.hour);
    struct destination d = make_destination(role, DESTINATION_DOMAIN, name);
    totals_add(total, &d, exactly(bytes), 0, 1);
    profile_close_hour(profile, total, &civil, fleet);
    host_total_free(total);
    if (fleet)
        fleet_apply(fleet);
}

static struct profile *make_profile(void)
{
    struct ip host = make_host(7);
    return profile_new(&host, MONDAY * 24);
}

/* A daily service, and from `from` on 1,000,000 bytes every second day to a new one. */
static void play(struct profile *p, struct fleet *fleet, enum pair_role role, int from, int days)
{
    for (int day = 0; day < days; day++) {
        close_one(p, MONDAY + day, 9, fleet, role, "daily", 100000);
        if (day >= from && (day - from) % 2 == 0)
            close_one(p, MONDAY + day, 10, fleet, role, "late", 1000000);
    }
}

static void spans_of_a_destination(void **state)
{
    struct profile *p = make_profile();
    struct fleet *fleet = fleet_new();
    const struct young *young = fleet_young(fleet);
    struct destination late = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "late");
    (void)state;
    play(p, fleet, ROLE_CLIENT, 30, 37); /* days 30, 32, 34, 36 */
    const struct pair *pair = profile_pair(p, &late);
    assert_int_equal(pair->span_bytes, 4000000);
    assert_int_equal(pair->first_week_bytes, 4000000);
    assert_int_equal(pair->spans_told, 0);
    assert_int_equal(histogram_samples(&young->hour[PREVALENCE_ONE]), 4);
    assert_int_equal(histogram_samples(&young->span[PREVALENCE_ONE]), 0);
    /* Day 37, 9 h is an hour before the week is over: the next contact, on day 38, tells it. */
    close_one(p, MONDAY + 37, 9, fleet, ROLE_CLIENT, "daily", 100000);
    assert_int_equal(pair->spans_told, 0);
    close_one(p, MONDAY + 38, 10, fleet, ROLE_CLIENT, "late", 1000000);
    assert_int_equal(pair->spans_told, 1);
    assert_int_equal(pair->span_bytes, 1000000);
    assert_int_equal(pair->first_week_bytes, 4000000);
    assert_int_equal(histogram_samples(&young->span[PREVALENCE_ONE]), 1);
    assert_int_equal(histogram_largest(&young->span[PREVALENCE_ONE]), histogram_bin(4000000));
    assert_int_equal(histogram_samples(&young->first_week[PREVALENCE_ONE]), 1);
    assert_int_equal(histogram_samples(&young->hour[PREVALENCE_ONE]), 4); /* not young any more */
    /* Nothing in its third week; a month later it has all been told. */
    close_one(p, MONDAY + 70, 9, fleet, ROLE_CLIENT, "daily", 100000);
    assert_int_equal(pair->spans_told, PAIR_SPANS);
    assert_int_equal(pair->span_bytes, 0);
    assert_int_equal(histogram_samples(&young->span[PREVALENCE_ONE]), 2);
    profile_free(p);
    fleet_free(fleet);
}

static void nothing_of_the_warm_up_is_young(void **state)
{
    struct profile *p = make_profile();
    struct fleet *fleet = fleet_new();
    const struct young *young = fleet_young(fleet);
    (void)state;
    play(p, fleet, ROLE_CLIENT, 6, 40);
    for (int k = 0; k < PREVALENCE_BUCKETS; k++)
        assert_int_equal(histogram_samples(&young->hour[k]) + histogram_samples(&young->span[k]) +
                             histogram_samples(&young->first_week[k]),
                         0);
    /* Day 39 is not over; each has an hour a day, and 13 of days 14 to 39 have another. */
    assert_int_equal(histogram_samples(&young->exposure), 25);
    assert_int_equal(histogram_samples_at_least(&young->exposure, 1), 11); /* from day 28 */
    assert_int_equal(histogram_samples(&young->exposure_hours), 26 + 13);
    profile_free(p);
    fleet_free(fleet);
}

/* What a client's pair has, a served one has: by the server's own clock. */
static void spans_of_a_network(void **state)
{
    struct profile *p = make_profile();
    struct civil civil = make_civil(MONDAY + 60, 9);
    (void)state;
    play(p, NULL, ROLE_SERVED, 30, 60);
    assert_int_equal(p->new_networks, 1);
    assert_int_equal(histogram_samples(&p->new_network), 1);
    assert_int_equal(histogram_samples(&p->new_network_hour), 4);
    assert_int_equal(histogram_samples(&p->new_network_span), 3);
    assert_int_equal(histogram_largest(&p->new_network_hour), histogram_bin(1000000));
    assert_int_equal(histogram_largest(&p->new_network_span), histogram_bin(4000000));
    assert_int_equal(histogram_samples(&p->new_network_days), 46);
    assert_int_equal(histogram_samples_at_least(&p->new_network_days, 1), 32);
    /* An hour of a megabyte is ordinary for what is new here, one of a gigabyte is not; spans of
     * that happened twice in 32 days, hours of it four times in 1,104 (what is old weighs less). */
    double hour = survival_new_network_hour(p, NULL, &civil, 1000000).p;
    assert_true(hour > 3.5 / 1104 && hour < 9.0 / 1104);
    assert_true(survival_new_network_hour(p, NULL, &civil, 1000000000).p < hour / 20);
    double span = survival_new_network_span(p, NULL, &civil, 4000000).p;
    assert_true(span > 1.5 / 32 && span < 7.0 / 32);
    assert_true(survival_new_network_span(p, NULL, &civil, 4000000000).p < span / 10);
    assert_int_equal((int)survival_new_network_span(p, NULL, &civil, 1).samples, 3);
    profile_free(p);
}

/* 20,000 × (1 … 60) of two hosts or three, spans and hours alike; 60 host-days, 600 host-hours. */
static void p_of_hours_and_spans(void **state)
{
    struct fleet *fleet = fleet_new();
    struct profile *p = make_profile();
    struct civil civil = make_civil(MONDAY, 10);
    struct destination d = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "d");
    (void)state;
    for (unsigned i = 0; i < 60; i++) {
        fleet_note_young(fleet, YOUNG_HOUR, &d, 2, 20000 * (uint64_t)(i + 1), WEEK);
        fleet_note_young(fleet, YOUNG_SPAN, &d, 2, 20000 * (uint64_t)(i + 1), WEEK);
        fleet_note_host_day(fleet, "", 1000000, NAN, WEEK);
        fleet_note_exposed_day(fleet, i >= 30, WEEK);
        for (unsigned j = 0; j < 10; j++)
            fleet_note_host(fleet, &p->host, "", &civil, true, 1000000, NAN, true);
    }
    fleet_apply(fleet);
    /* All 60 are as large; more hosts use none. Bucket ONE: nothing that rare happened. */
    double hour = survival_young_hour(p, &d, fleet, &civil, 20000).p;
    double span = survival_young_span(p, &d, fleet, &civil, 20000).p;
    assert_true(hour < 0.5 / 601 + 1e-9 && hour > 0.4 / 601);
    assert_true(span < 0.5 / 31 + 1e-9 && span > 0.4 / 31);
    struct ip other = make_host(8);
    fleet_note_pair(fleet, &other, "", &d, 1, NAN, &civil);
    fleet_apply(fleet); /* now two use it, as those did */
    hour = survival_young_hour(p, &d, fleet, &civil, 20000).p;
    span = survival_young_span(p, &d, fleet, &civil, 20000).p;
    assert_true(hour > 60.0 / 601 && hour < 60.5 / 601 + 1e-9);
    assert_true(span > 60.0 / 31 || span == 1); /* a probability all the same */
    assert_int_equal((int)survival_young_hour(p, &d, fleet, &civil, 1).samples, 60);
    assert_near(survival_young_hour(p, &d, NULL, &civil, 1).p, 1);
    profile_free(p);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_of_a_destination),
        cmocka_unit_test(nothing_of_the_warm_up_is_young),
        cmocka_unit_test(spans_of_a_network),
        cmocka_unit_test(p_of_hours_and_spans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
