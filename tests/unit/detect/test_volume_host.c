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
    assert_true(f.needs > 65536 && f.needs < 1000000); /* near 64 KiB little is said */
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

/* --- while its own past is not there ---------------------------------------------------------- */

static struct subject awaited(struct site *site, int day, int hour, uint64_t bytes)
{
    struct subject subject = at(site, day, hour, bytes, bytes);
    subject.host = NULL;
    subject.state = BASELINE_LEARNING;
    subject.awaited = true;
    return subject;
}

/* All 20 hosts have sent some 10 MB on each of 40 days: 780 host-days are counted. */
static void one_that_is_awaited_is_judged_by_its_peers(void **state)
{
    struct site *site = watched(SITE_HOSTS);
    struct subject usual = awaited(site, 56, 17, 12000000);
    struct subject much = awaited(site, 56, 17, UINT64_C(3000000000));
    struct finding f;
    (void)state;
    assert_false(ask("volume.host", &usual, NULL));
    assert_true(ask("volume.host", &much, &f));
    assert_true(f.by_peers && f.p <= 0.003);
    assert_string_equal(f.reason[0].code, "volume.host.peers");
    assert_has(f.reason[0].text, "3.0 GB left this host in this day, which is not yet known by its "
                                 "own past; of all hosts, usually 8.3 MB to ");
    assert_has(f.reason[0].text, "the largest of 780 active host-days about ");
    uint64_t needs = (uint64_t)f.needs;
    usual = awaited(site, 56, 17, needs - 1);
    much = awaited(site, 56, 17, needs);
    assert_false(ask("volume.host", &usual, NULL));
    assert_true(ask("volume.host", &much, NULL));
    site_free(site);
}

/* One that the store does not know learns, as ever; rows that do not say so are not asked. */
static void one_that_is_not_awaited_is_not(void **state)
{
    struct site *site = watched(SITE_HOSTS);
    struct subject much = awaited(site, 56, 17, UINT64_C(3000000000));
    (void)state;
    much.awaited = false;
    assert_false(ask("volume.host", &much, NULL));
    much.awaited = true;
    for (size_t i = 0; detectors[i]; i++)
        if (detectors[i]->kind == SUBJECT_HOST && detectors[i] != detector_get("volume.host"))
            assert_false(detectors[i]->needs_history && detectors[i]->by_peers);
    site_free(site);
}

/* At a threshold of .002 a false alarm is expected in 500 host-days: with fewer nothing is said. */
static void few_peers_cannot_tell(void **state)
{
    struct site *site = site_new(SITE_HOSTS);
    struct subject much;
    (void)state;
    site_play(site, 0, 33, office_hour); /* 25 working days, the last is not over */
    assert_int_equal(survival_peer_days(site->fleet), 480);
    much = awaited(site, 33, 17, UINT64_C(1) << 40);
    assert_false(ask("volume.host", &much, NULL));
    site_play(site, 33, 37, office_hour);
    assert_int_equal(survival_peer_days(site->fleet), 520);
    much = awaited(site, 37, 17, UINT64_C(1) << 40);
    assert_true(ask("volume.host", &much, NULL));
    much.fleet = NULL;
    assert_false(ask("volume.host", &much, NULL));
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
        cmocka_unit_test(one_that_is_awaited_is_judged_by_its_peers),
        cmocka_unit_test(one_that_is_not_awaited_is_not),
        cmocka_unit_test(few_peers_cannot_tell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
