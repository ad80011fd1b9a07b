/* volume.host on a small steady site: about 1 MB an hour, office hours, eight weeks. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

static void office_hour(struct host_total *total, const struct civil *civil, unsigned host, int day)
{
    if (civil->class != HOUR_WORK_WEEKDAY)
        return;
    add_to(total, ROLE_CLIENT, "service.example", 1e6 * moving(day, civil->hour_of_day, host));
}

static struct site *watched(unsigned hosts)
{
    struct site *site = site_new(hosts);
    site_play(site, 0, 56, office_hour);
    return site;
}

static struct subject at(struct site *site, int day, int hour, uint64_t in_hour, uint64_t in_day)
{
    struct civil civil = civil_at(site, day, hour);
    struct subject subject = site_subject(site, 0, SUBJECT_HOST, NULL, &civil);
    set_bytes(&subject, in_hour, in_day, 0);
    return subject;
}

static void ordinary_days_are_silent(void **state)
{
    struct site *site = watched(SITE_HOSTS);
    (void)state;
    for (int hour = 8; hour < 18; hour++) {
        struct subject subject =
            at(site, 56, hour, 1400000, (uint64_t)(hour - 7) * UINT64_C(1100000));
        assert_false(tells(&subject, NULL));
    }
    site_free(site);
}

/* Ten days' worth in a day: found when it leaves within an hour; spread evenly over the day it
 * takes a little more. */
static void a_tenfold_day_is_found(void **state)
{
    struct site *site = watched(SITE_HOSTS);
    struct subject subject = at(site, 56, 17, 100000000, 100000000);
    struct finding f;
    (void)state;
    assert_true(tells(&subject, &f));
    assert_string_equal(f.detector->id, "volume.host");
    assert_string_equal(f.reason[0].code, "volume.host.hour");
    assert_has(f.reason[0].text,
               "100 MB left this host in this hour, usually 623 kB to 1.4 MB, the "
               "largest of 400 active host-hours about 1.3 MB");
    assert_true(f.p <= 0.007 && f.score == score_of_p(f.p));
    assert_int_equal(f.urgency, URGENCY_SHIFT);
    assert_int_equal(f.reason_count, 3);
    assert_string_equal(f.reason[0].unit, "byte");
    assert_true(f.reason[0].weight > f.reason[1].weight && f.reason[1].weight > f.reason[2].weight);
    assert_true(f.reason[0].p < 1e-4 && f.reason[0].samples == 400);
    subject = at(site, 56, 17, 15000000, 150000000);
    assert_true(tells(&subject, &f));
    /* 40 working days; the last Friday is learned with Monday's first closed hour. */
    assert_non_null(reason_with(&f, "volume.host.day"));
    assert_true(reason_with(&f, "volume.host.day")->samples == 39 &&
                reason_with(&f, "volume.host.day")->observed == 150000000);
    assert_string_equal(text_with(&f, "volume.host.day"),
                        "150 MB left this host in this day, usually 8.3 MB to "
                        "11 MB, the largest of 39 active host-days about 10 MB");
    site_free(site);
}

/* What would not have fired: exactly where the row says. */
static void needs_is_the_edge(void **state)
{
    struct site *site = watched(SITE_HOSTS);
    struct subject subject = at(site, 56, 17, 15000000, 150000000);
    struct finding f;
    (void)state;
    assert_true(tells(&subject, &f));
    uint64_t needs = (uint64_t)f.needs;
    assert_true(needs > 10000000 && needs < 50000000); /* what is too much went last */
    assert_string_equal(f.needs_unit, "byte");
    subject = at(site, 56, 17, 0, needs);
    assert_true(tells(&subject, NULL));
    subject = at(site, 56, 17, 0, needs - 1);
    assert_false(tells(&subject, NULL));
    site_free(site);
}

static void an_ordinary_hour_at_night_is_not_ordinary(void **state)
{
    struct site *site = watched(SITE_HOSTS);
    struct subject night = at(site, 57, 3, 1000000, 1000000);
    struct subject noon = at(site, 57, 12, 1000000, 1000000);
    struct finding f;
    (void)state;
    assert_false(tells(&noon, NULL));
    assert_true(tells(&night, &f));
    assert_string_equal(f.reason[0].code, "volume.host.hour");
    assert_true(f.needs == 65536); /* the floor of the bin: below, nothing is said */
    assert_has(f.reason[0].text, "1.0 MB left this host in this hour");
    site_free(site);
}

/* One host and nobody to compare it with: belief must not keep the true outlier silent. */
static void a_site_of_one_host(void **state)
{
    struct site *site = watched(1);
    struct subject threefold = at(site, 56, 17, 3000000, 30000000);
    struct subject hundredfold = at(site, 56, 17, 100000000, 1000000000);
    (void)state;
    assert_false(tells(&threefold, NULL));
    assert_true(tells(&hundredfold, NULL));
    site_free(site);
}

static void a_larger_budget_says_more(void **state)
{
    struct site *site = watched(SITE_HOSTS);
    struct subject subject = at(site, 56, 17, 1400000, 11000000);
    (void)state;
    assert_false(tells(&subject, NULL));
    fleet_set_budget(site->fleet, 1, 0);
    assert_true(tells(&subject, NULL));
    site_free(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_days_are_silent),
        cmocka_unit_test(a_tenfold_day_is_found),
        cmocka_unit_test(needs_is_the_edge),
        cmocka_unit_test(an_ordinary_hour_at_night_is_not_ordinary),
        cmocka_unit_test(a_site_of_one_host),
        cmocka_unit_test(a_larger_budget_says_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
