/* A profile: what an hour teaches, and what it must not. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "close.h"

#include <stdlib.h>
#include <string.h>

/* --- learning --------------------------------------------------------------------------------- */

static void learns_hours_days_and_pairs(void **state)
{
    struct profile *p = make_profile();
    struct destination a = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "a.example");
    (void)state;
    for (int hour = 0; hour < 24; hour++) {
        struct civil civil = make_civil(MONDAY, hour);
        struct load load[] = {{ROLE_CLIENT, "a.example", 1000}, {ROLE_SERVED, "b", 99000}};
        close_with(p, &civil, NULL, load, hour % 2 ? 2 : 0);
    }
    assert_int_equal(profile_hours(p), 24);
    assert_int_equal(p->hours_seen[HOUR_WORK_WEEKDAY], 10);
    assert_int_equal(p->hours_active[HOUR_WORK_WEEKDAY], 5);
    assert_int_equal(p->hours_seen[HOUR_SHOULDER_WEEKDAY], 4);
    assert_int_equal(p->hours_seen[HOUR_NIGHT_WEEKDAY], 10);
    assert_int_equal(p->days_seen[0], 1);
    assert_int_equal(p->days_active[0], 1);
    assert_int_equal(p->today, MONDAY);
    assert_int_equal(p->today_bytes, 1200000);
    assert_int_equal(histogram_samples(&p->hour), 12);
    assert_int_equal(histogram_samples(&p->day), 0);
    assert_near(p->hour_location.mean, (float)log2(100001)); /* kept as a float */
    struct pair *pair = profile_pair(p, &a);
    assert_int_equal(pair->contacts, 12);
    assert_int_equal(pair->today_bytes, 12000);
    assert_int_equal(pair->first_week_bytes, 12000);
    assert_int_equal(pair->first_hour, MONDAY * 24 + 1);
    assert_int_equal(pair->last_hour, MONDAY * 24 + 23);
    assert_near(pair->weight, 12000);
    close_one(p, MONDAY + 1, 0, NULL, ROLE_CLIENT, "a.example", 500);
    assert_int_equal(histogram_samples(&p->day), 1);
    assert_int_equal(histogram_largest(&p->day), histogram_bin(1200000));
    assert_int_equal(histogram_largest(&pair->day), histogram_bin(12000));
    assert_int_equal(pair->today_bytes, 500);
    assert_near(pair->weight, (float)(12000 * exp2(-1.0 / 28) + 500));
    assert_int_equal(p->days_seen[0], 2);
    profile_free(p);
}

static void location_is_a_clipped_running_mean(void **state)
{
    struct profile *p = make_profile();
    double mean = 0;
    (void)state;
    for (int i = 0; i < 300; i++) {
        uint64_t bytes = i % 50 == 49 ? UINT64_C(1) << 33 : UINT64_C(1) << (18 + i % 4);
        double before = p->hour_location.mean, value = log2((double)bytes + 1);
        double step = fmax(-4, fmin(4, value - before)) / fmin(i + 1, 200);
        close_one(p, MONDAY + i / 24, i % 24, NULL, ROLE_CLIENT, "a.example", bytes);
        mean = i == 0 ? value : before + step;
        if (i % 50 != 49) /* the guard may have made less of later giants */
            assert_true(fabs(p->hour_location.mean - mean) < 0.03);
    }
    assert_true(p->hour_location.mean > 19 && p->hour_location.mean < 20.5);
    assert_int_equal(p->hour_location.count, 300);
    profile_free(p);
}

static void a_replayed_close_changes_nothing(void **state)
{
    struct profile *p = make_profile();
    struct buffer once = {0}, twice = {0};
    (void)state;
    close_one(p, MONDAY, 9, NULL, ROLE_CLIENT, "a.example", 1000);
    profile_pack(p, &once);
    close_one(p, MONDAY, 9, NULL, ROLE_CLIENT, "a.example", 1000);
    close_one(p, MONDAY, 8, NULL, ROLE_CLIENT, "b.example", 1000);
    profile_pack(p, &twice);
    assert_int_equal(once.size, twice.size);
    assert_memory_equal(once.data, twice.data, once.size);
    buffer_fini(&once);
    buffer_fini(&twice);
    profile_free(p);
}

static void other_is_summed_but_not_learned(void **state)
{
    struct profile *p = make_profile();
    struct civil civil = make_civil(MONDAY, 9);
    struct host_total *total = host_total_new(&p->host, civil.hour);
    struct destination other = destination_other(ROLE_CLIENT);
    (void)state;
    totals_add(total, &other, exactly(5000), 0, 1);
    profile_close_hour(p, total, &civil, NULL);
    assert_int_equal(p->pair_count, 0);
    assert_int_equal(p->today_bytes, 5000);
    civil = make_civil(MONDAY, 10);
    profile_close_hour(p, NULL, &civil, NULL); /* nothing was sent at all */
    assert_int_equal(profile_hours(p), 2);
    host_total_free(total);
    profile_free(p);
}

static void state_by_hours(void **state)
{
    struct profile *p = make_profile();
    (void)state;
    assert_int_equal(profile_state(p, MONDAY * 24 + 167, 7), BASELINE_LEARNING);
    assert_int_equal(profile_state(p, MONDAY * 24 + 168, 7), BASELINE_READY);
    assert_int_equal(profile_state(p, MONDAY * 24, 0), BASELINE_READY);
    assert_string_equal(baseline_state_name[BASELINE_LEARNING], "learning");
    assert_string_equal(baseline_state_name[BASELINE_STALE], "stale");
    profile_free(p);
}

/* Two hours of the week are withheld: they are as if they had not been. */
static bool is_withheld(void *context, const struct civil *civil)
{
    const int64_t *first = context;
    return civil->hour == *first || civil->hour == *first + 1;
}

static int hour_of_week(struct calendar *calendar, int64_t after)
{
    return calendar_at(calendar, (struct ptime){MONDAY * NS_PER_DAY + after * NS_PER_HOUR})
        .hour_of_week;
}

static void leaves_out_withheld_hours(void **state)
{
    static const struct calendar_config utc = {"UTC", 8, 18, 0x1f, NULL, 0};
    struct error error = {0};
    struct calendar *calendar = calendar_new(&utc, &error);
    (void)state;
    if (!calendar)
        skip(); /* no time zones on this machine */
    struct civil start = calendar_at(calendar, (struct ptime){MONDAY * NS_PER_DAY});
    struct ip host = make_host(1);
    struct profile *p = profile_new(&host, start.hour);
    int64_t first = start.hour + 10;
    profile_catch_up(p, start.hour + 167, calendar, is_withheld, &first);
    assert_int_equal(profile_hours(p), 166);
    assert_int_equal(p->last_closed_hour, start.hour + 167);
    for (int64_t hour = start.hour; hour < start.hour + 168; hour++)
        assert_int_equal(p->silent[hour_of_week(calendar, hour - start.hour)],
                         hour != first && hour != first + 1);
    profile_free(p);
    calendar_free(calendar);
}

static void catches_up_silent_hours(void **state)
{
    static const struct calendar_config office = {"Asia/Tokyo", 8, 18, 0x1f, NULL, 0};
    struct error error = {0};
    struct calendar *calendar = calendar_new(&office, &error);
    (void)state;
    if (!calendar)
        skip(); /* no time zones on this machine */
    struct civil start = calendar_at(calendar, (struct ptime){MONDAY * NS_PER_DAY});
    struct ip host = make_host(1);
    struct profile *p = profile_new(&host, start.hour);
    profile_catch_up(p, start.hour + 167, calendar, NULL, NULL); /* a whole week */
    assert_int_equal(profile_hours(p), 168);
    assert_int_equal(p->hours_seen[HOUR_WORK_WEEKDAY], 50);
    assert_int_equal(p->hours_seen[HOUR_WORK_WEEKEND], 20);
    assert_int_equal(p->hours_active[HOUR_WORK_WEEKDAY], 0);
    assert_int_equal(p->last_closed_hour, start.hour + 167);
    for (int i = 0; i < 168; i++)
        assert_int_equal(p->silent[i], 1);
    profile_catch_up(p, start.hour + 100, calendar, NULL, NULL); /* the past */
    assert_int_equal(profile_hours(p), 168);
    /* Ten years: only the last 26 weeks are walked through. */
    profile_catch_up(p, start.hour + 167 + 24 * 3650, calendar, NULL, NULL);
    assert_int_equal(profile_hours(p), 168 + 26 * 168);
    profile_catch_up(p, INT64_MAX, calendar, NULL, NULL);
    assert_int_equal(profile_hours(p), 168 + 26 * 168);
    profile_free(p);
    calendar_free(calendar);
}

/* --- poisoning -------------------------------------------------------------------------------- */

static void an_attacker_cannot_teach_at_once(void **state)
{
    struct profile *p = make_profile();
    (void)state;
    for (int i = 0; i < 24 * 28; i++)
        close_one(p, MONDAY + i / 24, i % 24, NULL, ROLE_CLIENT, "a.example",
                  1000000 + 10000 * (uint64_t)(i % 37));
    struct civil now = make_civil(MONDAY + 28, 0);
    uint64_t huge = UINT64_C(1) << 40;
    double before = survival_host_hour(p, NULL, &now, huge).p;
    int usual = histogram_largest(&p->hour);
    close_one(p, MONDAY + 28, 0, NULL, ROLE_CLIENT, "a.example", huge);
    /* Learned at the last bin where S is still 1e-4, far below what was sent; the running total is
     * true all the same. */
    int learned = histogram_largest(&p->hour);
    assert_true(learned > usual && learned < (int)histogram_bin(huge) - 20);
    assert_int_equal(p->today_bytes, huge);
    now = make_civil(MONDAY + 28, 1);
    double after = survival_host_hour(p, NULL, &now, huge).p;
    assert_true(before < 1e-4 && after < 1e-4);
    /* A size that is merely unusual is learned as it is. */
    close_one(p, MONDAY + 28, 1, NULL, ROLE_CLIENT, "a.example", 2000000);
    assert_true(histogram_samples_at_least(&p->hour, histogram_bin(2000000)) == 2);
    profile_free(p);
}

static void the_guard_is_where_survival_is_1e_4(void **state)
{
    /* The sample of test_survival.c; Python: the largest k with S(floor(k)) ≥ 1e-4 is 122. */
    struct profile *p = make_profile();
    (void)state;
    for (unsigned i = 0; i < 200; i++)
        histogram_add(&p->hour, histogram_bin((uint64_t)(2000 * pow(1.05, i))), WEEK - i % 6, 1);
    p->hour_location = (struct location){20.0, 200};
    close_one(p, MONDAY, 10, NULL, ROLE_CLIENT, "a.example", UINT64_C(1) << 42);
    assert_int_equal(histogram_largest(&p->hour), 122);
    profile_free(p);
}

/* --- what is new ------------------------------------------------------------------------------ */

static void a_new_network_counts_when_its_first_week_is_over(void **state)
{
    struct profile *p = make_profile();
    (void)state;
    for (int day = 0; day < 8; day++)
        close_one(p, MONDAY + day, 9, NULL, ROLE_SERVED, day % 2 ? "early1" : "early2", 200000);
    for (int day = 8; day < 15; day++)
        close_one(p, MONDAY + day, 9, NULL, ROLE_SERVED, "late", day == 8 ? 190000 : 10000);
    assert_int_equal(p->new_networks, 0);
    close_one(p, MONDAY + 15, 9, NULL, ROLE_SERVED, "late",
              999); /* the week from day 8, 9 h, ends */
    assert_int_equal(p->new_networks, 1);
    assert_int_equal(histogram_samples(&p->new_network), 1);
    assert_int_equal(histogram_largest(&p->new_network), histogram_bin(250000));
    for (int day = 16; day < 20; day++)
        close_one(p, MONDAY + day, 9, NULL, ROLE_SERVED, "late", 100000000);
    assert_int_equal(p->new_networks, 1);                         /* once */
    assert_int_equal(histogram_samples(&p->new_network_days), 6); /* days 14 to 19 */
    profile_free(p);
}

static void a_rarity_counts_each_time_it_returns(void **state)
{
    struct profile *p = make_profile();
    (void)state;
    close_one(p, MONDAY, 9, NULL, ROLE_SERVED, "rare", 1000);
    for (int day = 20; day < 24; day++)
        close_one(p, MONDAY + day, 9, NULL, ROLE_SERVED, "rare", 5000);
    close_one(p, MONDAY + 24, 9, NULL, ROLE_SERVED, "x", 1);
    /* Contacts 2, 3 and 4 came back to something hardly known; with the fifth it is. */
    assert_int_equal(p->new_networks, 3);
    assert_int_equal(histogram_largest(&p->new_network), histogram_bin(5000));
    profile_free(p);
}

static void what_counts_as_new(void **state)
{
    struct profile *p = make_profile();
    int64_t first = MONDAY * 24;
    p->first_day = MONDAY;
    struct pair early = {.first_hour = first + 48, .first_day = MONDAY + 2, .contacts = 50};
    struct pair late = {.first_hour = first + 240, .first_day = MONDAY + 10, .contacts = 50};
    struct pair rare = {.first_hour = first + 48, .first_day = MONDAY + 2, .contacts = 4};
    (void)state;
    assert_true(profile_is_new(p, NULL, first));
    assert_false(profile_is_new(p, &early, first + 180)); /* met while all was new */
    assert_true(profile_is_new(p, &late, first + 250));
    assert_false(profile_is_new(p, &late, first + 240 + 168));
    assert_false(profile_is_new(p, &rare, first + 48 + 167));
    assert_true(profile_is_new(p, &rare, first + 48 + 168)); /* once touched is not known */
    profile_free(p);
}

/* --- frozen ------------------------------------------------------------------------------------
 */

static void a_frozen_profile_learns_nothing(void **state)
{
    struct profile *p = make_profile();
    struct fleet *fleet = fleet_new();
    struct buffer before = {0}, after = {0};
    struct destination a = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "a.example");
    (void)state;
    for (int day = 0; day < 8; day++)
        close_one(p, MONDAY + day, 9, NULL, ROLE_CLIENT, "a.example", 1000 + (uint64_t)day);
    p->frozen = true;
    rhythm_drop(&profile_pair(p, &a)->rhythm);
    assert_int_equal(profile_state(p, MONDAY * 24, 7), BASELINE_FROZEN);
    profile_pack(p, &before);
    struct profile *still = profile_unpack(before.data, before.size, NULL);
    close_one(p, MONDAY + 8, 9, fleet, ROLE_CLIENT, "a.example", UINT64_C(1) << 33);
    close_one(p, MONDAY + 8, 10, fleet, ROLE_CLIENT, "b.example", 5000);
    fleet_apply(fleet);
    assert_int_equal(fleet_hosts(fleet), 0); /* nor does anybody else from it */
    assert_int_equal(p->last_closed_hour, (MONDAY + 8) * 24 + 10);
    assert_int_equal(p->today_bytes, (UINT64_C(1) << 33) + 5000);
    assert_int_equal(profile_pair(p, &a)->today_bytes, UINT64_C(1) << 33);
    /* All else is what it was. */
    assert_int_equal(p->pair_count, 1);
    assert_int_equal(profile_hours(p), profile_hours(still));
    p->last_closed_hour = still->last_closed_hour;
    p->today = still->today;
    p->today_bytes = still->today_bytes;
    p->frozen_sums = false;
    assert_int_equal(p->staged.days.out[0], (UINT64_C(1) << 33) + 5000);
    p->staged.days = still->staged.days; /* it is judged by */
    p->evidence = still->evidence;       /* it is of a day, too */
    struct pair *pair = profile_pair(p, &a), *was = profile_pair(still, &a);
    pair->today = was->today;
    pair->today_bytes = was->today_bytes;
    assert_int_equal(pair->today_surplus, UINT64_C(1) << 33);
    pair->today_surplus = was->today_surplus;
    assert_int_equal(pair->rhythm.today->connections[9], 1); /* it is of today */
    rhythm_drop(&pair->rhythm);
    profile_pack(p, &after);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, before.size);
    buffer_fini(&before);
    buffer_fini(&after);
    profile_free(p);
    profile_free(still);
    fleet_free(fleet);
}

/* What was sent while it was frozen is not learned afterwards: not as a day, not as a first week.
 */
static void a_thaw_does_not_learn_what_was_frozen(void **state)
{
    struct profile *p = make_profile();
    (void)state;
    for (int day = 0; day < 40; day++)
        close_one(p, MONDAY + day, 9, NULL, ROLE_SERVED, "daily", 100000);
    close_one(p, MONDAY + 40, 9, NULL, ROLE_SERVED, "late", 100000);
    uint64_t days = histogram_samples(&p->day);
    p->frozen = true;
    close_one(p, MONDAY + 41, 9, NULL, ROLE_SERVED, "late", UINT64_C(1) << 30);
    close_one(p, MONDAY + 42, 9, NULL, ROLE_SERVED, "late", UINT64_C(1) << 30);
    p->frozen = false;
    assert_int_equal(p->today_bytes, UINT64_C(1) << 30);
    struct buffer blob = {0};
    profile_pack(p, &blob);
    struct profile *back = profile_unpack(blob.data, blob.size, NULL);
    assert_non_null(back);
    for (int i = 0; i < 2; i++) {
        struct profile *thawed = i ? back : p;
        close_one(thawed, MONDAY + 42, 10, NULL, ROLE_SERVED, "daily", 100000);
        close_one(thawed, MONDAY + 43, 9, NULL, ROLE_SERVED, "daily", 100000);
        assert_int_equal(histogram_samples(&thawed->day), days);
        close_one(thawed, MONDAY + 60, 9, NULL, ROLE_SERVED, "daily", 100000);
        assert_int_equal(histogram_samples(&thawed->day), days + 1);
        assert_int_equal(thawed->new_networks, 0);
        assert_int_equal(thawed->new_network_span.count, 0);
        profile_free(thawed);
    }
    buffer_fini(&blob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns_hours_days_and_pairs),
        cmocka_unit_test(location_is_a_clipped_running_mean),
        cmocka_unit_test(a_replayed_close_changes_nothing),
        cmocka_unit_test(other_is_summed_but_not_learned),
        cmocka_unit_test(state_by_hours),
        cmocka_unit_test(catches_up_silent_hours),
        cmocka_unit_test(leaves_out_withheld_hours),
        cmocka_unit_test(an_attacker_cannot_teach_at_once),
        cmocka_unit_test(the_guard_is_where_survival_is_1e_4),
        cmocka_unit_test(a_new_network_counts_when_its_first_week_is_over),
        cmocka_unit_test(a_rarity_counts_each_time_it_returns),
        cmocka_unit_test(what_counts_as_new),
        cmocka_unit_test(a_frozen_profile_learns_nothing),
        cmocka_unit_test(a_thaw_does_not_learn_what_was_frozen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
