/* volume.slow: 1 MB an hour to one service, office hours, on a site of 20; from the sixth week on
 * one host sends a fifth more each working day, so that no day is remarkable beside the one before.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

#define BEGINS 42

static double grown(int day)
{
    return day < BEGINS ? 1 : pow(1.2, day - BEGINS + 1);
}

static void office_hour(struct host_total *total, const struct civil *civil, unsigned host, int day)
{
    double factor = host == 0 ? grown(day) : 1;
    if (civil->class == HOUR_WORK_WEEKDAY)
        add_to(total, ROLE_CLIENT, "service.example",
               1e6 * factor * moving(day, civil->hour_of_day, host));
}

/* Its usual day so far, times `factor`. */
static struct subject at(struct site *site, unsigned host, int day, double factor)
{
    static struct destination service;
    struct civil civil = civil_at(site, day, 17);
    service = named(ROLE_CLIENT, "service.example");
    struct subject subject = site_subject(site, host, SUBJECT_DESTINATION, &service, &civil);
    set_bytes(&subject, (uint64_t)(1e6 * factor), (uint64_t)(1e7 * factor), 0);
    return subject;
}

/* Told while a day is less than four times what was usual; who does not grow never is. */
static void growth_is_told_before_it_is_large(void **state)
{
    struct site *site = site_new(SITE_HOSTS);
    struct finding f;
    bool told = false;
    (void)state;
    site_play(site, 0, BEGINS, office_hour);
    for (int day = BEGINS; day < BEGINS + 8; day++) {
        struct subject subject = at(site, 1, day, 1);
        assert_false(tells(&subject, NULL));
        subject = at(site, 0, day, 1); /* not today */
        assert_true(day > BEGINS || !tells(&subject, NULL));
        subject = at(site, 0, day, grown(day));
        told |= subject.civil.class == HOUR_WORK_WEEKDAY && tells(&subject, &f) &&
                strcmp(f.detector->id, "volume.slow") == 0;
        if (told)
            break;
        site_play(site, day, day + 1, office_hour);
    }
    assert_true(told);
    assert_string_equal(f.reason[0].code, "volume.slow.destination");
    assert_has(f.reason[0].text,
               " went to service.example in this day, after days above its usual ");
    assert_true(f.reason[0].samples >= 29 && f.reason[0].observed > 1e7);
    site_free(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growth_is_told_before_it_is_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
