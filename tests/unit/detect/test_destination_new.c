/* destination.new: twenty hosts that meet a new destination now and then. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

static void office_hour(struct host_total *total, const struct civil *civil, unsigned host, int day)
{
    char name[40];
    if (civil->class != HOUR_WORK_WEEKDAY)
        return;
    add_to(total, ROLE_CLIENT, "service.example", 1e6 * moving(day, civil->hour_of_day, host));
    snprintf(name, sizeof name, "new-%u-%d.example", host, day);
    if ((day + (int)host) % 5 == 0 && civil->hour_of_day == 11) /* 10 kB to 320 kB */
        add_to(total, ROLE_CLIENT, name,
               1e4 * exp2((double)((unsigned)day * 7 + host * 3) / 3 -
                          floor((double)((unsigned)day * 7 + host * 3) / 15) * 5));
    if (host < 6 && civil->hour_of_day == 12)
        add_to(total, ROLE_CLIENT, "popular.example", 1e5);
}

static struct subject to(struct site *site, const struct destination *d, int day, uint64_t bytes)
{
    struct civil civil = civil_at(site, day, 14);
    struct subject subject = site_subject(site, 15, SUBJECT_DESTINATION, d, &civil);
    set_bytes(&subject, bytes, bytes, bytes);
    return subject;
}

static void much_to_a_stranger(void **state)
{
    struct site *site = site_new(SITE_HOSTS);
    struct destination drop = named(ROLE_CLIENT, "drop.example");
    struct finding f;
    (void)state;
    site_play(site, 0, 28, office_hour);
    struct subject subject = to(site, &drop, 28, 100000);
    assert_false(tells(&subject, NULL));
    subject = to(site, &drop, 28, 200000000);
    assert_true(tells(&subject, &f));
    assert_string_equal(f.detector->id, "destination.new");
    assert_has(text_with(&f, "destination.new"),
               "200 MB went to drop.example, new to this host and used by 0 "
               "others; the largest of ");
    assert_has(text_with(&f, "destination.new"), " first weeks as rare in ");
    assert_true(f.score >= 85);
    assert_int_equal(f.urgency, URGENCY_NOW);
    assert_true(f.needs > 200000 && f.needs < 200000000);
    /* 60 kB are not looked at, whatever their p. */
    subject = to(site, &drop, 28, 60000);
    assert_false(tells(&subject, NULL));
    site_free(site);
}

static void not_before_there_is_a_past(void **state)
{
    struct site *site = site_new(1);
    struct destination drop = named(ROLE_CLIENT, "drop.example");
    struct finding f;
    (void)state;
    site->profile[0]->first_hour = civil_at(site, 0, 0).hour;
    site_play(site, 0, 10, office_hour);
    struct civil civil = civil_at(site, 10, 14);
    struct subject subject = site_subject(site, 0, SUBJECT_DESTINATION, &drop, &civil);
    set_bytes(&subject, UINT64_C(1) << 40, UINT64_C(1) << 40, UINT64_C(1) << 40);
    assert_int_equal(subject.state, BASELINE_READY);
    /* The host has learned for a week, but no first week of what is new to it is over. */
    assert_true(survival_exposure_days(site->fleet) < 7);
    assert_true(tells(&subject, &f)); /* by its size alone */
    assert_null(reason_with(&f, "destination.new"));
    site_play(site, 10, 26, office_hour);
    assert_true(survival_exposure_days(site->fleet) >= 7);
    subject.civil = civil_at(site, 26, 14);
    assert_true(tells(&subject, &f));
    assert_non_null(reason_with(&f, "destination.new"));
    subject.state = BASELINE_LEARNING;
    assert_false(tells(&subject, NULL));
    site_free(site);
}

static void not_of_what_is_known_or_used_by_many(void **state)
{
    struct site *site = site_new(SITE_HOSTS);
    struct destination service = named(ROLE_CLIENT, "service.example");
    struct destination popular = named(ROLE_CLIENT, "popular.example");
    (void)state;
    site_play(site, 0, 28, office_hour);
    assert_int_equal(fleet_prevalence(site->fleet, &popular), 6); /* of 20: more than a fifth */
    struct finding f;
    struct subject subject = to(site, &service, 28, UINT64_C(1) << 40);
    assert_true(tells(&subject, &f));
    assert_null(reason_with(&f, "destination.new"));
    subject = to(site, &popular, 28, UINT64_C(1) << 40);
    assert_true(tells(&subject, &f));
    assert_null(reason_with(&f, "destination.new"));
    site_free(site);
}

/* The whole first week counts, and later only the day of what is still hardly known. */
static void the_first_week_counts(void **state)
{
    struct site *site = site_new(SITE_HOSTS);
    struct destination drop = named(ROLE_CLIENT, "drop.example");
    struct finding f;
    (void)state;
    site_play(site, 0, 28, office_hour);
    for (int day = 28; day < 31; day++) {
        struct civil civil = civil_at(site, day, 10);
        struct host_total *total = host_total_new(&site->profile[15]->host, civil.hour);
        add_to(total, ROLE_CLIENT, drop.name, 20e6);
        close_total(site, 15, total, &civil);
        fleet_apply(site->fleet);
    }
    struct subject subject = to(site, &drop, 31, 1000000);
    subject.week = exactly(61000000);
    assert_true(tells(&subject, &f));
    assert_true(reason_with(&f, "destination.new")->observed == 61000000);
    assert_has(text_with(&f, "destination.new"), "used by 0 others");
    /* Its week is over: seven days count, of which nothing but today's is left. */
    struct civil later = civil_at(site, 38, 14);
    struct amounts amounts =
        amounts_of_pair(profile_pair(site->profile[15], &drop), &later, 5, 1000000, 1000000);
    assert_int_equal(amounts.week, 1000000);
    assert_int_equal(amounts.span, 1000000);
    assert_int_equal(amounts.day, 1000000);
    site_free(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(much_to_a_stranger),
        cmocka_unit_test(not_before_there_is_a_past),
        cmocka_unit_test(not_of_what_is_known_or_used_by_many),
        cmocka_unit_test(the_first_week_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
