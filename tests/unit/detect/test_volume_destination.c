/* volume.destination: a known pair against its own past. Hosts send 5 MB an hour to a backup and
 * 50 kB to a mail service; more to the backup is nothing, the same to the mail service is
 * something. */
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
    double factor = moving(day, civil->hour_of_day, host);
    add_to(total, ROLE_CLIENT, "backup.example", 5e6 * factor);
    add_to(total, ROLE_CLIENT, "mail.example", 5e4 * factor);
}

static struct subject pair_at(struct site *site, const struct destination *d, int hour,
                              uint64_t in_hour, uint64_t in_day)
{
    struct civil civil = civil_at(site, 56, hour);
    struct subject subject = site_subject(site, 3, SUBJECT_DESTINATION, d, &civil);
    set_bytes(&subject, in_hour, in_day, in_day);
    return subject;
}

static void the_same_bytes_elsewhere(void **state)
{
    struct site *site = site_new(SITE_HOSTS);
    struct destination backup = named(ROLE_CLIENT, "backup.example");
    struct destination mail = named(ROLE_CLIENT, "mail.example");
    struct finding f;
    (void)state;
    site_play(site, 0, 56, office_hour);
    struct subject subject = pair_at(site, &backup, 16, 6000000, 45000000);
    assert_false(tells(&subject, NULL));
    subject = pair_at(site, &mail, 16, 60000, 450000);
    assert_false(tells(&subject, NULL));
    subject = pair_at(site, &mail, 16, 6000000, 45000000);
    assert_true(tells(&subject, &f));
    assert_string_equal(f.detector->id, "volume.destination");
    assert_has(f.reason[0].text, " went to mail.example in this ");
    assert_true(f.needs > 600000 && f.needs < 45000000);
    subject = pair_at(site, &mail, 16, 0, (uint64_t)f.needs);
    assert_true(tells(&subject, NULL));
    subject = pair_at(site, &mail, 16, 0, (uint64_t)f.needs - 1);
    assert_false(tells(&subject, NULL));
    site_free(site);
}

static void only_of_known_pairs_and_from_64_kib(void **state)
{
    struct site *site = site_new(2);
    struct destination mail = named(ROLE_CLIENT, "mail.example");
    struct destination other = named(ROLE_CLIENT, "other.example");
    (void)state;
    site_play(site, 0, 56, office_hour);
    struct civil civil = civil_at(site, 56, 12);
    struct subject subject = site_subject(site, 1, SUBJECT_DESTINATION, &other, &civil);
    struct finding f;
    set_bytes(&subject, UINT64_C(1) << 36, UINT64_C(1) << 36, UINT64_C(1) << 36);
    assert_true(tells(&subject, &f));
    assert_string_not_equal(f.detector->id, "volume.destination");
    assert_null(reason_with(&f, "volume.destination.day"));
    subject = site_subject(site, 1, SUBJECT_DESTINATION, &mail, &civil);
    set_bytes(&subject, 65535, 65535, 0);
    assert_false(tells(&subject, NULL));
    site_free(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_bytes_elsewhere),
        cmocka_unit_test(only_of_known_pairs_and_from_64_kib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
