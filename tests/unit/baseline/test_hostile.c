/* What somebody would do to a memory: teach it, crowd it, outlast it, or write nonsense into it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HOSTS 20

struct site {
    struct fleet *fleet;
    struct profile *profile[HOSTS];
};

static struct host_total *total_of(const struct profile *profile, const struct civil *civil)
{
    return host_total_new(&profile->host, civil->hour);
}

static void add(struct host_total *total, const char *name, uint64_t bytes)
{
    struct destination d = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, name);
    totals_add(total, &d, exactly(bytes), 0, 1);
}

static void close_total(struct site *site, struct profile *profile, struct host_total *total,
                        const struct civil *civil)
{
    profile_close_hour(profile, total, civil, site->fleet);
    host_total_free(total);
}

/* Ten hours a day about 1 MB to one service each; every fourth day a host meets something new. */
static void play(struct site *site, int from, int until)
{
    char name[48];
    for (int day = from; day < until; day++)
        for (int hour = 8; hour < 18; hour++) {
            struct civil civil = make_civil(MONDAY + day, hour);
            for (unsigned i = 0; i < HOSTS; i++) {
                struct host_total *total = total_of(site->profile[i], &civil);
                add(total, "service.example", sample_bytes((unsigned)(day * 31 + hour * 7) + i));
                snprintf(name, sizeof name, "new-%d-%u.example", day, i);
                if (hour == 10 && (day + (int)i) % 4 == 0)
                    add(total, name, sample_bytes((unsigned)day * 3 + i) / 8);
                close_total(site, site->profile[i], total, &civil);
            }
            fleet_apply(site->fleet);
        }
}

static struct site site_new(int days)
{
    struct site site = {.fleet = fleet_new()};
    for (unsigned i = 0; i < HOSTS; i++) {
        struct ip ip = make_host(i);
        site.profile[i] = profile_new(&ip, MONDAY * 24);
    }
    play(&site, 0, days);
    return site;
}

static void site_free(struct site *site)
{
    for (unsigned i = 0; i < HOSTS; i++)
        profile_free(site->profile[i]);
    fleet_free(site->fleet);
}

/* --- teaching --------------------------------------------------------------------------------- */

static uint64_t first_weeks(const struct fleet *fleet)
{
    uint64_t sum = 0;
    for (int k = 0; k < PREVALENCE_BUCKETS; k++)
        sum += histogram_samples(&fleet_young(fleet)->first_week[k]);
    return sum;
}

static double p_of_new(const struct site *site, uint64_t bytes, int day)
{
    struct civil civil = make_civil(MONDAY + day, 12);
    struct destination d = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "drop.example");
    return survival_young(site->profile[7], &d, site->fleet, &civil, bytes).p;
}

/* Three hours of a thousand destinations that take 100 MB each: uncounted, p of such a one is 1 for
 * everybody for months. What is counted of it is four first weeks; small ones count as ever. */
static void one_host_does_not_teach_all_what_is_new(void **state)
{
    struct site site = site_new(40);
    char name[48];
    (void)state;
    double before = p_of_new(&site, 100000000, 40);
    uint64_t weeks = first_weeks(site.fleet);
    assert_true(before < 0.0001);
    for (int hour = 0; hour < 3; hour++) {
        struct civil civil = make_civil(MONDAY + 40, 8 + hour);
        struct host_total *total = total_of(site.profile[0], &civil);
        for (int i = 0; i < 1000; i++) {
            snprintf(name, sizeof name, "x%d-%d.example", hour, i);
            add(total, name, i < 990 ? 100000000 : 100);
        }
        close_total(&site, site.profile[0], total, &civil);
        fleet_apply(site.fleet);
    }
    assert_true(first_weeks(site.fleet) >= weeks + PROFILE_NEW_TOLD + 30 - PROFILE_PAIRS);
    assert_true(first_weeks(site.fleet) <= weeks + PROFILE_NEW_TOLD + 30 + 1);
    assert_true(fleet_crowded(site.fleet) > 2900);
    assert_true(p_of_new(&site, 100000000, 40) < 0.01);
    site_free(&site);
}

/* The count is of a day, and part of the profile. */
static void what_was_told_today_is_remembered(void **state)
{
    struct site site = site_new(40);
    struct profile *p = site.profile[0];
    struct buffer blob = {0};
    char name[48];
    (void)state;
    struct civil civil = make_civil(MONDAY + 40, 8);
    struct host_total *total = total_of(p, &civil);
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "x%d.example", i);
        add(total, name, 100000000);
    }
    close_total(&site, p, total, &civil);
    assert_int_equal(p->new_told[YOUNG_FIRST_WEEK], PROFILE_NEW_TOLD);
    profile_pack(p, &blob);
    struct profile *back = profile_unpack(blob.data, blob.size, NULL);
    assert_non_null(back);
    assert_int_equal(back->new_told[YOUNG_FIRST_WEEK], PROFILE_NEW_TOLD);
    assert_int_equal(back->new_told[YOUNG_SPAN], p->new_told[YOUNG_SPAN]);
    assert_false(back->frozen || back->frozen_sums);
    civil = make_civil(MONDAY + 41, 8);
    total = total_of(p, &civil);
    add(total, "service.example", 1000000);
    close_total(&site, p, total, &civil);
    assert_int_equal(p->new_told[YOUNG_FIRST_WEEK], 0);
    buffer_fini(&blob);
    profile_free(back);
    site_free(&site);
}

/* A thousandfold and more for two days, ten hours each, sizes that vary: all of it is learned as
 * what its first hour was, and that is less than five octaves beyond what was usual. */
static void a_day_of_it_is_no_precedent(void **state)
{
    struct site site = site_new(56);
    struct profile *p = site.profile[0];
    struct destination d = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "service.example");
    int usual = histogram_largest(&p->hour), first = 0;
    (void)state;
    for (int hour = 8; hour < 28; hour++) {
        struct civil civil = make_civil(MONDAY + 56 + hour / 18, hour < 18 ? hour : hour - 10);
        struct host_total *total = total_of(p, &civil);
        add(total, "service.example", UINT64_C(1000000000) + (uint64_t)hour * 700000000);
        close_total(&site, p, total, &civil);
        fleet_apply(site.fleet);
        if (first == 0)
            first = histogram_largest(&p->hour);
        assert_true(first > usual && first < usual + 20);
        assert_int_equal(histogram_largest(&p->hour), first);
    }
    const struct pair *pair = profile_pair(p, &d);
    assert_true(histogram_largest(&pair->hour) < usual + 24);
    assert_true(p->clips.count <= PROFILE_CLIPS && pair->clips.count <= PAIR_CLIPS);
    uint64_t guarded = 0;
    for (int i = 0; i < p->clips.count; i++)
        guarded += p->clips.clip[i].of_day ? 0 : p->clips.clip[i].count;
    assert_true(guarded >= 14); /* the others went for want of room */
    site_free(&site);
}

/* --- outlasting ------------------------------------------------------------------------------- */

/* Ten hosts were of a server's group once, and are not now: it is no judge of itself. */
static void who_left_a_group_is_no_peer(void **state)
{
    struct fleet *fleet = fleet_new();
    struct civil civil = make_civil(MONDAY, 10);
    (void)state;
    for (unsigned i = 0; i < 11; i++) {
        struct ip ip = make_host(i);
        fleet_note_host(fleet, &ip, "q43", &civil, true, 1 << 30, 29.0, false);
    }
    fleet_apply(fleet);
    assert_int_equal(fleet_group_hosts(fleet, "q43"), 11);
    for (unsigned i = 1; i < 11; i++) {
        struct ip ip = make_host(i);
        fleet_note_left(fleet, &ip, "q43");
        fleet_note_left(fleet, &ip, "");
        fleet_note_left(fleet, &ip, "=unknown");
    }
    assert_int_equal(fleet_group_hosts(fleet, "q43"), 11); /* not before it is applied */
    fleet_apply(fleet);
    assert_int_equal(fleet_group_hosts(fleet, "q43"), 1);
    assert_null(fleet_peers(fleet, "q43").group);
    assert_int_equal(fleet_hosts(fleet), 11);
    fleet_free(fleet);
}

/* By its own past, day by day: big for two weeks, then small for months. */
static void a_host_that_changes_leaves(void **state)
{
    struct site site = site_new(0);
    (void)state;
    for (int day = 0; day < 120; day++)
        for (int hour = 8; hour < 18; hour++) {
            struct civil civil = make_civil(MONDAY + day, hour);
            for (unsigned i = 0; i < 3; i++) {
                struct host_total *total = total_of(site.profile[i], &civil);
                add(total, "service.example", i == 0 || day < 14 ? UINT64_C(1) << 25 : 1 << 12);
                close_total(&site, site.profile[i], total, &civil);
            }
            fleet_apply(site.fleet);
        }
    assert_string_not_equal(site.profile[0]->group, site.profile[1]->group);
    assert_int_equal(fleet_group_hosts(site.fleet, site.profile[0]->group), 1);
    assert_int_equal(fleet_group_hosts(site.fleet, site.profile[1]->group), 2);
    site_free(&site);
}

/* Order within an hour: the 33rd host makes a sketch of the set, whoever is told first. */
static void who_leaves_as_another_comes(void **state)
{
    struct buffer blob[2] = {{0}, {0}};
    struct civil civil = make_civil(MONDAY, 10);
    struct ip first = make_host(0), last = make_host(40);
    (void)state;
    for (int way = 0; way < 2; way++) {
        struct fleet *fleet = fleet_new();
        for (unsigned i = 0; i < FLEET_EXACT_HOSTS; i++) {
            struct ip ip = make_host(i);
            fleet_note_host(fleet, &ip, "q43", &civil, true, 1 << 30, 29.0, false);
        }
        fleet_apply(fleet);
        if (way == 0)
            fleet_note_left(fleet, &first, "q43");
        fleet_note_host(fleet, &last, "q43", &civil, true, 1 << 30, 29.0, false);
        if (way == 1)
            fleet_note_left(fleet, &first, "q43");
        fleet_apply(fleet);
        fleet_pack(fleet, &blob[way]);
        fleet_free(fleet);
    }
    assert_int_equal(blob[0].size, blob[1].size);
    assert_memory_equal(blob[0].data, blob[1].data, blob[0].size);
    buffer_fini(&blob[0]);
    buffer_fini(&blob[1]);
}

/* Everybody used it, then its owner let the name go. Half a year later it is somebody else's. */
static void a_name_that_nobody_uses_any_more_is_new_again(void **state)
{
    struct site site = site_new(10);
    struct destination old = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "old.example");
    (void)state;
    for (unsigned i = 0; i < HOSTS; i++) {
        struct civil civil = make_civil(MONDAY + 10, 9);
        struct host_total *total = total_of(site.profile[i], &civil);
        add(total, "old.example", 1000);
        close_total(&site, site.profile[i], total, &civil);
    }
    fleet_apply(site.fleet);
    assert_int_equal(fleet_bucket(site.fleet, &old, 0), PREVALENCE_REST);
    play(&site, 10 + 7 * 26, 15 + 7 * 26); /* to the end of the 26th week behind it */
    assert_int_equal(fleet_prevalence(site.fleet, &old), HOSTS);
    play(&site, 15 + 7 * 26, 20 + 7 * 26);
    assert_int_equal(fleet_prevalence(site.fleet, &old), 0);
    assert_int_equal(fleet_bucket(site.fleet, &old, 1), PREVALENCE_ONE);
    struct destination kept = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "service.example");
    assert_int_equal(fleet_prevalence(site.fleet, &kept), HOSTS);
    assert_int_equal(fleet_forgotten(site.fleet), 0); /* not for want of room */
    site_free(&site);
}

/* --- nonsense --------------------------------------------------------------------------------- */

/* A store says that more was sent than there are numbers for: it does not become little. */
static void sums_stay_large(void **state)
{
    struct site site = site_new(15);
    struct profile *p = site.profile[0];
    struct destination d = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "service.example");
    struct pair *pair = profile_pair(p, &d);
    struct civil civil = make_civil(MONDAY + 14, 18);
    struct host_total *total = total_of(p, &civil);
    (void)state;
    struct pair_total *sum = totals_add(total, &d, exactly(UINT64_MAX - 5), 7, UINT32_MAX - 1);
    totals_add(total, &d, exactly(1000), UINT64_MAX, 2);
    assert_true(sum->out.value == UINT64_MAX && sum->in_bytes == UINT64_MAX);
    assert_int_equal(sum->flows, UINT32_MAX);
    assert_true(total->out.value == UINT64_MAX && total->in_bytes == UINT64_MAX);
    assert_true(p->today_bytes > 0 && pair->today_bytes > 0);
    close_total(&site, p, total, &civil);
    assert_true(p->today_bytes == UINT64_MAX);
    assert_true(pair->today_bytes == UINT64_MAX);
    assert_true(pair->first_week_bytes < UINT64_MAX); /* that week is over */
    civil = make_civil(MONDAY + 15, 8);
    total = total_of(p, &civil);
    add(total, "service.example", 1000000);
    close_total(&site, p, total, &civil);
    fleet_apply(site.fleet);
    struct buffer blob = {0};
    profile_pack(p, &blob);
    struct profile *back = profile_unpack(blob.data, blob.size, NULL);
    assert_non_null(back);
    assert_true(survival_host_day(back, site.fleet, &civil, UINT64_MAX).p < 0.01);
    buffer_fini(&blob);
    profile_free(back);
    site_free(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_host_does_not_teach_all_what_is_new),
        cmocka_unit_test(what_was_told_today_is_remembered),
        cmocka_unit_test(a_day_of_it_is_no_precedent),
        cmocka_unit_test(who_left_a_group_is_no_peer),
        cmocka_unit_test(a_host_that_changes_leaves),
        cmocka_unit_test(who_leaves_as_another_comes),
        cmocka_unit_test(a_name_that_nobody_uses_any_more_is_new_again),
        cmocka_unit_test(sums_stay_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
