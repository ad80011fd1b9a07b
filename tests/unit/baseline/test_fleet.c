/* The fleet's tables: notes are invisible until they are applied, prevalence is exact and then
 * nearly so, bounds hold, and the blob says the same. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"
#include "schema_1.h"

#include <stdlib.h>
#include <string.h>

static struct destination domain(const char *name)
{
    return make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, name);
}

static void use(struct fleet *fleet, unsigned host, const char *name, int64_t day)
{
    struct destination d = domain(name);
    struct ip ip = make_host(host);
    struct civil civil = make_civil(day, 10);
    fleet_note_pair(fleet, &ip, "", &d, 1000, NAN, &civil);
}

static void notes_wait_for_apply(void **state)
{
    struct fleet *fleet = fleet_new();
    const struct group *group = fleet_all(fleet);
    struct civil civil = make_civil(MONDAY, 10);
    struct ip host = make_host(1);
    struct destination d = domain("a.example");
    (void)state;
    fleet_note_host(fleet, &host, "", &civil, true, 1 << 20, 18.0, false);
    fleet_note_host(fleet, &host, "", &civil, false, 0, NAN, false);
    fleet_note_host_day(fleet, "", 1 << 22, NAN, WEEK);
    fleet_note_exposed_day(fleet, false, WEEK);
    fleet_note_host_day(fleet, "", 1 << 22, 20.0, WEEK);
    use(fleet, 1, "a.example", MONDAY);
    fleet_note_young(fleet, YOUNG_FIRST_WEEK, &d, 1, 5000, WEEK);
    assert_int_equal(fleet_hosts(fleet), 0);
    assert_int_equal(fleet_prevalence(fleet, &d), 0);
    assert_near(group->host_hour.total, 0);
    assert_int_equal(histogram_samples(&fleet_young(fleet)->exposure), 0);
    assert_near(group->seen[10], 0);
    fleet_apply(fleet);
    assert_int_equal(fleet_hosts(fleet), 1);
    assert_int_equal(fleet_prevalence(fleet, &d), 1);
    assert_near(group->host_hour.total, 1);
    assert_near(group->host_hour.count[RESIDUAL_ZERO + 8], 1); /* 2²⁰ + 1 is two octaves above 18 */
    assert_near(group->host_day.total, 1);
    assert_int_equal(histogram_samples(&group->absolute_day), 2);
    assert_int_equal(histogram_samples(&group->absolute_hour), 1);
    assert_int_equal(histogram_samples(&fleet_young(fleet)->exposure), 1);
    assert_int_equal(histogram_samples(&fleet_young(fleet)->first_week[PREVALENCE_ONE]), 1);
    assert_near(group->seen[10], 2);
    assert_near(group->active[10], 1);
    fleet_free(fleet);
    fleet_free(NULL);
}

static void residual_bins(void **state)
{
    (void)state;
    assert_int_equal(residual_bin((1 << 20) - 1, 20.0), 88);
    assert_int_equal(residual_bin((1 << 20) - 1, 20.01), 87);
    assert_int_equal(residual_bin(0, 60.0), 0);
    assert_int_equal(residual_bin(UINT64_MAX, 1.0), HISTOGRAM_BINS - 1);
}

static void plain_counts_fade_by_week(void **state)
{
    struct fleet *fleet = fleet_new();
    const struct group *group = fleet_all(fleet);
    struct ip host = make_host(1);
    uint16_t silent[FLEET_HOUR_WEEKS] = {0};
    (void)state;
    silent[30] = 5;
    for (unsigned j = 0; j < 300; j++) {
        struct civil civil = make_civil(MONDAY, 10);
        fleet_note_host(fleet, &host, "", &civil, true, sample_bytes(j), 20.0, false);
    }
    fleet_note_silent(fleet, "", silent);
    fleet_apply(fleet);
    assert_near(group->host_hour.total, 300);
    struct civil later = make_civil(MONDAY + 28, 10); /* four weeks: one half-life */
    fleet_note_host(fleet, &host, "", &later, true, (1 << 20) - 1, 20.0, false);
    fleet_apply(fleet);
    assert_near(group->host_hour.total, 151); /* Python: 300/2 + 1 */
    assert_near(group->active[10], 151);
    assert_near(group->seen[30], 2.5);
    fleet_free(fleet);
}

static void prevalence_and_buckets(void **state)
{
    struct fleet *fleet = fleet_new();
    struct civil civil = make_civil(MONDAY, 10);
    struct destination one = domain("one"), some = domain("some"), most = domain("most");
    struct destination served = make_destination(ROLE_SERVED, DESTINATION_DOMAIN, "most");
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        struct ip host = make_host(i);
        fleet_note_host(fleet, &host, "", &civil, true, 1, NAN, false);
        use(fleet, i, "most", MONDAY);
        fleet_note_pair(fleet, &host, "", &served, 1, NAN, &civil);
        if (i < 20)
            use(fleet, i, "some", MONDAY);
        if (i < 1)
            use(fleet, i, "one", MONDAY);
    }
    fleet_apply(fleet);
    assert_int_equal(fleet_hosts(fleet), 1000);
    assert_int_equal(fleet_prevalence(fleet, &one), 1);
    assert_int_equal(fleet_prevalence(fleet, &some), 20);
    uint32_t estimate = fleet_prevalence(fleet, &most); /* 2^8 registers: 6.5 % */
    assert_true(estimate > 800 && estimate < 1200);
    assert_int_equal(fleet_prevalence(fleet, &served), 0);
    assert_int_equal(fleet_bucket(fleet, &one, 0), PREVALENCE_ONE);
    assert_int_equal(fleet_bucket(fleet, &one, 1), PREVALENCE_FEW);
    assert_int_equal(fleet_bucket(fleet, &one, 2), PREVALENCE_FEW);
    assert_int_equal(fleet_bucket(fleet, &one, 3), PREVALENCE_2_PERCENT);
    assert_int_equal(fleet_bucket(fleet, &some, 0), PREVALENCE_2_PERCENT);
    assert_int_equal(fleet_bucket(fleet, &some, 1), PREVALENCE_20_PERCENT);
    assert_int_equal(fleet_bucket(fleet, &some, 180), PREVALENCE_20_PERCENT);
    assert_int_equal(fleet_bucket(fleet, &most, 0), PREVALENCE_REST);
    /* Again and again: nobody is counted twice. */
    for (unsigned i = 0; i < 1000; i++) {
        use(fleet, i, "most", MONDAY + 1);
        use(fleet, i % 20, "some", MONDAY + 1);
    }
    fleet_apply(fleet);
    assert_int_equal(fleet_prevalence(fleet, &some), 20);
    assert_int_equal(fleet_prevalence(fleet, &most), estimate);
    fleet_free(fleet);
}

static void exact_to_32_hosts(void **state)
{
    struct fleet *fleet = fleet_new();
    struct destination d = domain("d");
    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        use(fleet, i, "d", MONDAY);
        fleet_apply(fleet);
        if (i < FLEET_EXACT_HOSTS)
            assert_int_equal(fleet_prevalence(fleet, &d), i + 1);
        else
            assert_true(fleet_prevalence(fleet, &d) >= FLEET_EXACT_HOSTS + 1 &&
                        fleet_prevalence(fleet, &d) < 50);
    }
    fleet_free(fleet);
}

static void counts_very_many_hosts(void **state)
{
    struct fleet *fleet = fleet_new();
    struct civil civil = make_civil(MONDAY, 10);
    (void)state;
    for (unsigned i = 0; i < 60000; i++) {
        struct ip host = make_host(i);
        fleet_note_host(fleet, &host, "", &civil, false, 0, NAN, false);
    }
    fleet_apply(fleet);
    assert_true(fleet_hosts(fleet) > 57000 && fleet_hosts(fleet) < 63000); /* 2^12: 1.6 % */
    fleet_free(fleet);
}

static void the_longest_unseen_are_forgotten(void **state)
{
    struct fleet *fleet = fleet_new();
    char name[32];
    (void)state;
    for (unsigned i = 0; i < FLEET_DESTINATIONS; i++) {
        snprintf(name, sizeof name, "d%u.example", i);
        use(fleet, 1, name, MONDAY + (i % 2 ? 0 : 10));
    }
    fleet_apply(fleet);
    assert_int_equal(fleet_destinations(fleet), FLEET_DESTINATIONS);
    use(fleet, 1, "d1.example", MONDAY + 11); /* seen again: not old any more */
    use(fleet, 1, "one-more.example", MONDAY + 11);
    fleet_apply(fleet);
    struct destination even = domain("d2.example");
    struct destination again = domain("d1.example"), more = domain("one-more.example");
    assert_int_equal(fleet_forgotten(fleet), FLEET_DESTINATIONS / 16 + 1);
    assert_int_equal(fleet_destinations(fleet), FLEET_DESTINATIONS - FLEET_DESTINATIONS / 16);
    assert_int_equal(fleet_prevalence(fleet, &even), 1);
    assert_int_equal(fleet_prevalence(fleet, &again), 1);
    assert_int_equal(fleet_prevalence(fleet, &more), 1);
    /* All that went were odd: the first by key among those of the first day. */
    struct destination first = domain("d100001.example");
    assert_int_equal(fleet_prevalence(fleet, &first), 0);
    fleet_free(fleet);
}

/* --- fed by profiles -------------------------------------------------------------------------- */

static void close_one(struct profile *profile, int64_t day, int hour, struct fleet *fleet,
                      const char *name, uint64_t bytes)
{
    struct civil civil = make_civil(day, hour);
    struct host_total *total = host_total_new(&profile->host, civil.hour);
    struct destination d = domain(name);
    totals_add(total, &d, exactly(bytes), 0, 1);
    profile_close_hour(profile, total, &civil, fleet);
    host_total_free(total);
    fleet_apply(fleet);
}

static void closed_hours_feed_the_tables(void **state)
{
    struct fleet *fleet = fleet_new();
    const struct group *group = fleet_all(fleet);
    struct ip host = make_host(1);
    struct profile *p = profile_new(&host, MONDAY * 24);
    (void)state;
    for (int day = 0; day < 10; day++)
        for (int hour = 9; hour < 12; hour++)
            close_one(p, MONDAY + day, hour, fleet, "daily.example", 1000000);
    /* 30 hours; the first 5 have no location to be compared with; 9 whole days, 4 of them with. */
    assert_int_equal(histogram_samples(&group->absolute_hour), 30);
    assert_int_equal(histogram_samples(&group->absolute_day), 9);
    assert_true(group->host_hour.total > 20 && group->host_hour.total <= 25);
    assert_true(group->pair_hour.total > 20 && group->pair_day.total > 3);
    assert_near(group->served_hour.total, 0);
    /* No first week of anything met after the warm-up can be over yet. */
    assert_int_equal(histogram_samples(&fleet_young(fleet)->exposure), 0);
    close_one(p, MONDAY + 10, 9, fleet, "late.example", 300000);
    close_one(p, MONDAY + 12, 9, fleet, "late.example", 400000);
    for (int day = 14; day < 20; day++)
        close_one(p, MONDAY + day, 10, fleet, "daily.example", 1000000);
    assert_int_equal(histogram_samples(&fleet_young(fleet)->exposure), 5); /* day 19 is not over */
    assert_int_equal(histogram_samples(&fleet_young(fleet)->first_week[PREVALENCE_ONE]), 1);
    assert_int_equal(histogram_largest(&fleet_young(fleet)->first_week[PREVALENCE_ONE]),
                     histogram_bin(700000));
    profile_free(p);
    fleet_free(fleet);
}

/* Where all hosts send little, too, something new can be told; a day without a byte is none. */
static void small_days_are_exposure(void **state)
{
    struct fleet *fleet = fleet_new();
    struct ip host = make_host(1);
    struct profile *p = profile_new(&host, MONDAY * 24);
    (void)state;
    for (int day = 0; day < 40; day++)
        if (day != 20)
            close_one(p, MONDAY + day, 9, fleet, "daily.example", 100);
    assert_int_equal(histogram_samples(&fleet_all(fleet)->absolute_day), 0);
    assert_int_equal(survival_exposure_days(fleet), 24); /* from the 14th on; day 39 is not over */
    assert_int_equal(histogram_samples_at_least(&fleet_young(fleet)->exposure, 1), 11);
    assert_int_equal(histogram_samples(&fleet_young(fleet)->exposure_hours), 0);
    profile_free(p);
    fleet_free(fleet);
}

/* Silent hours count as seen, at the hour of the week in which they were. */
static void silence_is_told(void **state)
{
    static const struct calendar_config utc = {"UTC", 8, 18, 0x1f, NULL, 0};
    struct calendar *calendar = calendar_new(&utc, NULL);
    struct fleet *fleet = fleet_new();
    const struct group *group = fleet_all(fleet);
    struct ip host = make_host(1);
    struct civil civil = calendar_at(calendar, (struct ptime){(MONDAY * 24 + 3) * NS_PER_HOUR});
    struct profile *p = profile_new(&host, civil.hour);
    struct host_total *total = host_total_new(&host, civil.hour + 48);
    struct destination d = domain("x");
    (void)state;
    totals_add(total, &d, exactly(PROFILE_ACTIVE_BYTES), 0, 1);
    profile_catch_up(p, civil.hour + 47, calendar, NULL, NULL);
    civil = calendar_at(calendar, (struct ptime){(MONDAY * 24 + 51) * NS_PER_HOUR});
    profile_close_hour(p, total, &civil, fleet);
    fleet_apply(fleet);
    for (int i = 0; i < FLEET_HOUR_WEEKS; i++) {
        assert_near(group->seen[i], i >= 3 && i <= 51);
        assert_near(group->active[i], i == 51);
    }
    host_total_free(total);
    profile_free(p);
    fleet_free(fleet);
    calendar_free(calendar);
}

/* --- the blob --------------------------------------------------------------------------------- */

static struct fleet *make_fleet(void)
{
    struct fleet *fleet = fleet_new();
    char name[32];
    for (unsigned i = 0; i < 200; i++) {
        struct civil civil = make_civil(MONDAY + i % 30, (int)(i % 24));
        struct ip host = make_host(i);
        fleet_note_host(fleet, &host, "", &civil, i % 3 > 0, sample_bytes(i), 19.5, false);
        fleet_note_host_day(fleet, "", sample_bytes(i) * 5, 22.0, WEEK + i % 4);
        fleet_note_exposed_day(fleet, false, WEEK + i % 4);
        for (unsigned j = 0; j <= i % 50; j++) {
            snprintf(name, sizeof name, "d%u.example", j);
            use(fleet, i, name, MONDAY + i % 30);
        }
        struct destination d = domain(name);
        fleet_note_pair_day(fleet, "", &d, sample_bytes(i), 19.0, WEEK + i % 4);
        fleet_note_young(fleet, YOUNG_FIRST_WEEK, &d, i % 7, sample_bytes(i), WEEK + i % 4);
        if (i % 10 == 9)
            fleet_apply(fleet);
    }
    return fleet;
}

static void packs_and_unpacks(void **state)
{
    struct fleet *fleet = make_fleet();
    struct buffer blob = {0}, again = {0};
    struct error error = {0};
    (void)state;
    fleet_pack(fleet, &blob);
    struct fleet *back = fleet_unpack(blob.data, blob.size, &error);
    assert_non_null(back);
    fleet_pack(back, &again);
    assert_int_equal(blob.size, again.size);
    assert_memory_equal(blob.data, again.data, blob.size);
    assert_int_equal(fleet_hosts(back), 200);
    assert_int_equal(fleet_destinations(back), 50);
    /* It goes on as if it had never been stored. */
    for (unsigned i = 0; i < 30; i++) {
        struct ip host = make_host(1000 + i);
        struct civil civil = make_civil(MONDAY + 40, 3);
        fleet_note_host(fleet, &host, "", &civil, true, sample_bytes(i), 19.5, false);
        fleet_note_host(back, &host, "", &civil, true, sample_bytes(i), 19.5, false);
        use(fleet, 1000 + i, "d3.example", MONDAY + 40);
        use(back, 1000 + i, "d3.example", MONDAY + 40);
    }
    fleet_apply(fleet);
    fleet_apply(back);
    blob.size = again.size = 0;
    fleet_pack(fleet, &blob);
    fleet_pack(back, &again);
    assert_int_equal(blob.size, again.size);
    assert_memory_equal(blob.data, again.data, blob.size);
    const struct residuals *a = &fleet_all(fleet)->host_hour;
    const struct residuals *b = &fleet_all(back)->host_hour;
    assert_memory_equal(a, b,
                        offsetof(struct residuals, tail)); /* in whose midst there is padding */
    assert_memory_equal(&a->tail.total, &b->tail.total, sizeof a->tail.total);
    assert_int_equal(a->tail.from, b->tail.from);
    assert_memory_equal(&a->tail.above, &b->tail.above, sizeof a->tail.above);
    assert_memory_equal(&a->tail.sigma, &b->tail.sigma, sizeof a->tail.sigma);
    buffer_fini(&blob);
    buffer_fini(&again);
    fleet_free(fleet);
    fleet_free(back);
}

static void schema_1_is_taken_over(void **state)
{
    struct error error = {0};
    struct buffer blob = {0}, again = {0};
    struct fleet *fleet = fleet_unpack(fleet_schema_1, sizeof fleet_schema_1, &error);
    struct profile *p = profile_unpack(profile_schema_1, sizeof profile_schema_1, &error);
    struct civil civil = make_civil(MONDAY + 20, 9);
    struct destination d = domain("a.example");
    (void)state;
    assert_non_null(fleet);
    assert_non_null(p);
    assert_int_equal(fleet_hosts(fleet), 1);
    assert_int_equal(fleet_prevalence(fleet, &d), 1);
    assert_int_equal(histogram_samples(&fleet_all(fleet)->absolute_hour), 40);
    assert_int_equal(survival_exposure_days(fleet), 5);
    assert_int_equal(fleet_groups(fleet), 0);
    assert_true(isnan(fleet_day_median(fleet, "", MONDAY + 19)));
    /* As that sensor judged. */
    assert_near(survival_host_hour(p, fleet, &civil, 5000000).p, 0.00085061975615709229);
    assert_near(survival_host_day(p, fleet, &civil, 5000000).p, 0.0020689534297531776);
    /* It goes on, and what it writes is the new schema. */
    close_one(p, MONDAY + 20, 9, fleet, "b.example", 5000000);
    fleet_pack(fleet, &blob);
    assert_int_equal(blob.data[2], FLEET_SCHEMA);
    struct fleet *back = fleet_unpack(blob.data, blob.size, &error);
    assert_non_null(back);
    fleet_pack(back, &again);
    assert_int_equal(blob.size, again.size);
    assert_memory_equal(blob.data, again.data, blob.size);
    buffer_fini(&blob);
    buffer_fini(&again);
    profile_free(p);
    fleet_free(fleet);
    fleet_free(back);
}

static void an_empty_fleet_packs(void **state)
{
    struct fleet *fleet = fleet_new();
    struct buffer blob = {0};
    (void)state;
    fleet_pack(fleet, &blob);
    struct fleet *back = fleet_unpack(blob.data, blob.size, NULL);
    assert_non_null(back);
    assert_int_equal(fleet_hosts(back), 0);
    fleet_free(back);
    fleet_free(fleet);
    buffer_fini(&blob);
}

static void damage_is_refused(void **state)
{
    struct fleet *fleet = fleet_new();
    struct buffer blob = {0};
    struct error error = {0};
    (void)state;
    use(fleet, 1, "a.example", MONDAY);
    fleet_note_host_day(fleet, "", 12345, 10.0, WEEK);
    fleet_note_exposed_day(fleet, false, WEEK);
    fleet_apply(fleet);
    fleet_pack(fleet, &blob);
    for (size_t i = 0; i < blob.size; i++) {
        blob.data[i] ^= 0x20;
        assert_null(fleet_unpack(blob.data, blob.size, NULL));
        blob.data[i] ^= 0x20;
        assert_null(fleet_unpack(blob.data, i, NULL));
    }
    blob.data[2] = 9;
    assert_null(fleet_unpack(blob.data, blob.size, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_string_equal(error.message, "fleet tables of schema 9, this sensor reads schema 8");
    buffer_fini(&blob);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_wait_for_apply),
        cmocka_unit_test(residual_bins),
        cmocka_unit_test(plain_counts_fade_by_week),
        cmocka_unit_test(prevalence_and_buckets),
        cmocka_unit_test(exact_to_32_hosts),
        cmocka_unit_test(counts_very_many_hosts),
        cmocka_unit_test(the_longest_unseen_are_forgotten),
        cmocka_unit_test(closed_hours_feed_the_tables),
        cmocka_unit_test(small_days_are_exposure),
        cmocka_unit_test(silence_is_told),
        cmocka_unit_test(packs_and_unpacks),
        cmocka_unit_test(schema_1_is_taken_over),
        cmocka_unit_test(an_empty_fleet_packs),
        cmocka_unit_test(damage_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
