/* destination.rare: what the second and the third host to fill one unknown drop is told by. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

#define DROP_DAY 28 /* 2026-03-30: a Monday, as day 0 is */

/* Twenty hosts with a service in common, and now and then something new of their own. */
static void office_hour(struct host_total *total, const struct civil *civil, unsigned host, int day)
{
    char name[40];
    if (civil->class != HOUR_WORK_WEEKDAY)
        return;
    add_to(total, ROLE_CLIENT, "service.example", 1e6 * moving(day, civil->hour_of_day, host));
    snprintf(name, sizeof name, "new-%u-%d.example", host, day);
    if ((day + (int)host) % 5 == 0 && civil->hour_of_day == 11)
        add_to(total, ROLE_CLIENT, name, 1e5);
}

static void upload(struct site *site, unsigned host, int day, int hour, const char *name,
                   double bytes)
{
    struct civil civil = civil_at(site, day, hour);
    struct host_total *total = host_total_new(&site->profile[host]->host, civil.hour);
    add_to(total, ROLE_CLIENT, name, bytes);
    close_total(site, host, total, &civil);
    fleet_apply(site->fleet);
}

static struct subject to(struct site *site, const struct destination *d, int day, uint64_t bytes)
{
    struct civil civil = civil_at(site, day, 14);
    struct subject subject = site_subject(site, 15, SUBJECT_DESTINATION, d, &civil);
    set_bytes(&subject, bytes, bytes, bytes);
    return subject;
}

/* What host 15 is told by, after host 3 sent to `other`. */
static void judge_after(const char *other, struct finding *f)
{
    struct site *site = site_new(SITE_HOSTS);
    struct destination drop = named(ROLE_CLIENT, "drop.example");
    site_play(site, 0, DROP_DAY, office_hour);
    upload(site, 3, DROP_DAY, 10, other, 20e6);
    struct subject subject = to(site, &drop, DROP_DAY, 40000000);
    assert_true(tells(&subject, f));
    site_free(site);
}

static void the_second_host_is_told(void **state)
{
    struct finding f;
    (void)state;
    judge_after("elsewhere.example", &f);
    assert_null(reason_with(&f, "destination.rare")); /* alone it is new, and no more */
    double alone = f.evidence;
    judge_after("drop.example", &f);
    assert_true(f.evidence > alone + 0.1);
    const struct reason *reason = reason_with(&f, "destination.rare");
    assert_non_null(reason);
    assert_has(reason->text, "40 MB went to drop.example, which no host had met before 2026-03-30; "
                             "1 other sent 19 MB or more to it since");
    assert_true(reason->p > 0 && reason->p < 0.01);
    assert_true(f.needs > 0 && f.needs <= 40000000);
}

static void not_of_what_the_fleet_knows(void **state)
{
    struct site *site = site_new(SITE_HOSTS);
    struct destination known = named(ROLE_CLIENT, "known.example");
    struct finding f;
    (void)state;
    site_play(site, 0, DROP_DAY - 10, office_hour);
    upload(site, 3, DROP_DAY - 10, 10, "known.example", 20e6);
    site_play(site, DROP_DAY - 10, DROP_DAY, office_hour);
    struct subject subject = to(site, &known, DROP_DAY, 40000000);
    if (tells(&subject, &f))
        assert_null(reason_with(&f, "destination.rare"));
    site_free(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_second_host_is_told),
        cmocka_unit_test(not_of_what_the_fleet_knows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
