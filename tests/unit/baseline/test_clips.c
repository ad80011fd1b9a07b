/* What the guard made smaller: remembered within bounds, told to the fleet, lifted by an operator
 * or by peers that moved too, and not otherwise. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

#include <stdlib.h>
#include <string.h>

#define HUGE_BYTES (UINT64_C(1) << 36)

static struct destination service(void)
{
    return make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "a.example");
}

static void close_one(struct profile *profile, int64_t day, int hour, struct fleet *fleet,
                      uint64_t bytes)
{
    struct civil civil = make_civil(day, hour);
    struct host_total *total = host_total_new(&profile->host, civil.hour);
    struct destination d = service();
    totals_add(total, &d, exactly(bytes), 0, 1);
    profile_close_hour(profile, total, &civil, fleet);
    host_total_free(total);
}

/* Three steady weeks. */
static struct profile *make_steady(unsigned number, struct fleet *fleet)
{
    struct ip host = make_host(number);
    struct profile *p = profile_new(&host, MONDAY * 24);
    for (int hour = 0; hour < 24 * 21; hour += 2)
        close_one(p, MONDAY + hour / 24, hour % 24, fleet, 1000000 + 9973 * (uint64_t)(hour % 37));
    return p;
}

static void what_is_guarded_is_remembered(void **state)
{
    struct profile *p = make_steady(1, NULL);
    struct destination d = service();
    struct pair *pair = profile_pair(p, &d);
    (void)state;
    assert_int_equal(p->clips.count, 0);
    close_one(p, MONDAY + 21, 9, NULL, HUGE_BYTES);
    assert_int_equal(p->clips.count, 1);
    assert_int_equal(pair->clips.count, 1);
    assert_int_equal(p->clips.clip[0].bin, histogram_bin(HUGE_BYTES));
    assert_int_equal(p->clips.clip[0].learned, histogram_largest(&p->hour));
    assert_int_equal(p->clips.clip[0].day, MONDAY + 21);
    assert_false(p->clips.clip[0].of_day);
    close_one(p, MONDAY + 22, 9, NULL, 1000000); /* the day is over: it was guarded, too */
    assert_int_equal(p->clips.count, 2);
    assert_true(p->clips.clip[1].of_day);
    profile_free(p);
}

static void an_operator_lifts_it(void **state)
{
    struct profile *p = make_steady(1, NULL);
    struct destination d = service();
    struct destination other = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "b.example");
    struct pair *pair = profile_pair(p, &d);
    struct civil civil = make_civil(MONDAY + 22, 9);
    (void)state;
    close_one(p, MONDAY + 21, 9, NULL, HUGE_BYTES);
    close_one(p, MONDAY + 22, 9, NULL, 1000000);
    uint64_t hours = histogram_samples(&p->hour), days = histogram_samples(&p->day);
    double before = survival_host_hour(p, NULL, &civil, HUGE_BYTES).p;
    double pair_before = survival_pair_day(p, pair, NULL, &civil, HUGE_BYTES).p;
    assert_int_equal(profile_lift(p, &other), 0);
    assert_int_equal(profile_lift(p, &d), 2); /* the pair's hour and its day */
    assert_int_equal(histogram_largest(&pair->hour), histogram_bin(HUGE_BYTES));
    assert_int_equal(histogram_largest(&pair->day), histogram_bin(HUGE_BYTES));
    assert_true(survival_pair_day(p, pair, NULL, &civil, HUGE_BYTES).p > 5 * pair_before);
    assert_int_equal(p->clips.count, 2); /* the host's own are not said to be benign */
    assert_int_equal(profile_lift(p, NULL), 2);
    assert_int_equal(histogram_largest(&p->hour), histogram_bin(HUGE_BYTES));
    assert_true(survival_host_hour(p, NULL, &civil, HUGE_BYTES).p > 3 * before);
    /* Moved, not added. */
    assert_int_equal(histogram_samples(&p->hour), hours);
    assert_int_equal(histogram_samples(&p->day), days);
    assert_int_equal(profile_lift(p, NULL), 0);
    profile_free(p);
}

static void only_so_many_are_remembered(void **state)
{
    struct profile *p = make_steady(1, NULL);
    struct destination d = service();
    (void)state;
    for (int day = 0; day < 12; day++)
        close_one(p, MONDAY + 21 + day, 9, NULL, HUGE_BYTES << (day / 2));
    assert_int_equal(p->clips.count, PROFILE_CLIPS);
    assert_int_equal(profile_pair(p, &d)->clips.count, PAIR_CLIPS);
    assert_true(p->clips.clip[0].of_day); /* the oldest, an hour of the first day, went */
    struct buffer blob = {0}, again = {0};
    profile_pack(p, &blob);
    struct profile *back = profile_unpack(blob.data, blob.size, NULL);
    assert_non_null(back);
    assert_int_equal(back->clips.count, PROFILE_CLIPS);
    for (int i = 0; i < PROFILE_CLIPS; i++) {
        assert_int_equal(back->clips.clip[i].day, p->clips.clip[i].day);
        assert_int_equal(back->clips.clip[i].bin, p->clips.clip[i].bin);
        assert_int_equal(back->clips.clip[i].learned, p->clips.clip[i].learned);
        assert_int_equal(back->clips.clip[i].count, p->clips.clip[i].count);
        assert_int_equal(back->clips.clip[i].of_day, p->clips.clip[i].of_day);
    }
    profile_pack(back, &again);
    assert_int_equal(blob.size, again.size);
    assert_memory_equal(blob.data, again.data, blob.size);
    buffer_fini(&blob);
    buffer_fini(&again);
    profile_free(p);
    profile_free(back);
}

/* --- peers ---------------------------------------------------------------------------------------
 */

struct site {
    struct fleet *fleet;
    struct profile *profile[20];
};

/* `moved` hosts send something enormous on days 21 to 23, one after another; then all go on. */
static void play(struct site *site, unsigned moved, int days)
{
    site->fleet = fleet_new();
    for (unsigned i = 0; i < 20; i++)
        site->profile[i] = make_steady(i, site->fleet);
    fleet_apply(site->fleet);
    for (int day = 21; day < 21 + days; day++) {
        for (unsigned i = 0; i < 20; i++)
            close_one(site->profile[i], MONDAY + day, 9, site->fleet,
                      i < moved && day == 21 + (int)(i % 3) ? HUGE_BYTES : 1000000);
        fleet_apply(site->fleet);
    }
}

static void site_free(struct site *site)
{
    for (unsigned i = 0; i < 20; i++)
        profile_free(site->profile[i]);
    fleet_free(site->fleet);
}

static void peers_that_moved_lift_it(void **state)
{
    struct site site;
    struct destination d = service();
    (void)state;
    play(&site, 4, 12);
    for (unsigned i = 0; i < 4; i++) {
        const struct profile *p = site.profile[i];
        assert_int_equal(p->clips.count, 0);
        assert_int_equal(histogram_largest(&p->hour), histogram_bin(HUGE_BYTES));
        assert_int_equal(histogram_largest(&profile_pair(p, &d)->hour), histogram_bin(HUGE_BYTES));
    }
    site_free(&site);
}

static void three_in_all_are_not_three_others(void **state)
{
    struct site site;
    (void)state;
    play(&site, 3, 12);
    for (unsigned i = 0; i < 3; i++) {
        const struct profile *p = site.profile[i];
        assert_int_equal(p->clips.count, 2);
        assert_true(p->clips.clip[0].asked);
        assert_true(histogram_largest(&p->hour) < (int)histogram_bin(HUGE_BYTES) - 10);
    }
    site_free(&site);
}

static void not_before_a_week_is_over(void **state)
{
    struct site site;
    (void)state;
    play(&site, 4, 7);
    assert_int_equal(site.profile[0]->clips.count, 2);
    assert_false(site.profile[0]->clips.clip[0].asked);
    site_free(&site);
}

static void in_a_large_fleet_three_are_not_enough(void **state)
{
    struct fleet *fleet = fleet_new();
    struct civil civil = make_civil(MONDAY, 9);
    struct buffer blob = {0};
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        struct ip ip = make_host(i);
        fleet_note_host(fleet, &ip, "q22", &civil, true, 1000, NAN, false);
        if (i < 5)
            fleet_note_clip(fleet, &ip, NULL, "q22", MONDAY + (int)i % 2);
    }
    fleet_apply(fleet);
    assert_false(fleet_moved(fleet, NULL, "q22", MONDAY)); /* four others of a hundred */
    struct ip ip = make_host(50);
    fleet_note_clip(fleet, &ip, NULL, "q22", MONDAY + FLEET_MOVED_DAYS);
    assert_false(fleet_moved(fleet, NULL, "q22", MONDAY)); /* not applied yet */
    fleet_apply(fleet);
    assert_true(fleet_moved(fleet, NULL, "q22", MONDAY));      /* a twentieth */
    assert_false(fleet_moved(fleet, NULL, "q22", MONDAY - 1)); /* too far from the last */
    assert_false(fleet_moved(fleet, NULL, "q33", MONDAY));
    fleet_pack(fleet, &blob);
    struct fleet *back = fleet_unpack(blob.data, blob.size, NULL);
    assert_non_null(back);
    assert_true(fleet_moved(back, NULL, "q22", MONDAY));
    /* Days that nobody asks about any more go. */
    fleet_note_clip(fleet, &ip, NULL, "q22", MONDAY + 100);
    fleet_apply(fleet);
    assert_false(fleet_moved(fleet, NULL, "q22", MONDAY));
    buffer_fini(&blob);
    fleet_free(fleet);
    fleet_free(back);
}

/* More hosts than the exact set holds, spread over days. */
static void sets_are_joined(void **state)
{
    struct fleet *fleet = fleet_new();
    struct civil civil = make_civil(MONDAY, 9);
    struct destination d = service();
    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        struct ip ip = make_host(i);
        fleet_note_host(fleet, &ip, "", &civil, true, 1000, NAN, false);
        fleet_note_pair(fleet, &ip, "", &d, 1000, NAN, &civil);
        if (i < 120)
            fleet_note_clip(fleet, &ip, &d, "", MONDAY + (int)i % 4);
        if (i < 60)
            fleet_note_clip(fleet, &ip, NULL, "", MONDAY + (int)i % 4);
    }
    fleet_apply(fleet);
    assert_true(fleet_moved(fleet, &d, "", MONDAY));    /* 6 % of those that use it */
    assert_false(fleet_moved(fleet, NULL, "", MONDAY)); /* 3 % of all */
    fleet_free(fleet);
}

static void the_fleet_remembers_only_so_many(void **state)
{
    struct fleet *fleet = fleet_new();
    struct buffer blob = {0};
    struct ip ip = make_host(1);
    (void)state;
    for (unsigned i = 0; i < FLEET_CLIPS + 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "d%u.example", i);
        struct destination d = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, name);
        fleet_note_clip(fleet, &ip, &d, "", MONDAY);
    }
    fleet_apply(fleet);
    assert_int_equal(fleet_clips_refused(fleet), 5);
    fleet_pack(fleet, &blob);
    struct fleet *back = fleet_unpack(blob.data, blob.size, NULL);
    assert_non_null(back);
    buffer_fini(&blob);
    fleet_free(fleet);
    fleet_free(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_guarded_is_remembered),
        cmocka_unit_test(an_operator_lifts_it),
        cmocka_unit_test(only_so_many_are_remembered),
        cmocka_unit_test(peers_that_moved_lift_it),
        cmocka_unit_test(three_in_all_are_not_three_others),
        cmocka_unit_test(not_before_a_week_is_over),
        cmocka_unit_test(in_a_large_fleet_three_are_not_enough),
        cmocka_unit_test(sets_are_joined),
        cmocka_unit_test(the_fleet_remembers_only_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
