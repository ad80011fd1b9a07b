/* Peer groups: who is alike, when that changes, what a group counts, its days, and the bound. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

#include "weir/baseline/group.h"

#include <string.h>

static struct profile *make_profile(unsigned host, uint64_t bytes, uint32_t hours, uint32_t active)
{
    struct ip ip = make_host(host);
    struct profile *p = profile_new(&ip, MONDAY * 24);
    p->hours_seen[HOUR_WORK_WEEKDAY] = hours;
    p->hours_active[HOUR_WORK_WEEKDAY] = active;
    histogram_add(&p->hour, histogram_bin(bytes), WEEK, active);
    return p;
}

static void alike_by_size_and_activity(void **state)
{
    static const struct {
        uint64_t bytes;
        uint32_t hours, active;
        const char *group;
    } expected[] = {
        {4094, 1000, 49, "q00"},     {4095, 1000, 50, "q11"},     {65534, 1000, 199, "q11"},
        {65535, 1000, 200, "q22"},   {1048574, 1000, 499, "q22"}, {1048575, 1000, 500, "q33"},
        {16777215, 168, 168, "q43"}, {1048575, 168, 23, ""},      {1048575, 167, 100, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct profile *p =
            make_profile(1, expected[i].bytes, expected[i].hours, expected[i].active);
        group_decide(p, MONDAY);
        assert_string_equal(p->group, expected[i].group);
        profile_free(p);
    }
}

static void an_edge_is_not_crossed_at_once(void **state)
{
    struct profile *p = make_profile(1, 1000000, 1000, 450); /* bin 79, 45 % */
    (void)state;
    group_decide(p, MONDAY);
    assert_string_equal(p->group, "q22");
    histogram_add(&p->hour, 81, WEEK, 1000); /* a quarter octave over the edge */
    p->hours_active[HOUR_WORK_WEEKDAY] = 600;
    group_decide(p, MONDAY);
    assert_string_equal(p->group, "q22");
    histogram_add(&p->hour, 83, WEEK, 9000); /* and three quarters */
    p->hours_active[HOUR_WORK_WEEKDAY] = 630;
    group_decide(p, MONDAY);
    assert_string_equal(p->group, "q33");
    histogram_add(&p->hour, 78, WEEK, 90000); /* half an octave back is not enough either */
    p->hours_active[HOUR_WORK_WEEKDAY] = 410;
    group_decide(p, MONDAY);
    assert_string_equal(p->group, "q33");
    profile_free(p);
}

static void a_configured_group_stays(void **state)
{
    struct profile *p = make_profile(1, 1000000, 1000, 450);
    char text[80];
    (void)state;
    group_decide(p, MONDAY);
    assert_string_equal(group_text(p->group, text, sizeof text),
                        "64 KiB to 1 MiB an active hour, active 20 to 50 % of the time");
    profile_set_group(p, "a zone whose name is much longer than there is room for");
    assert_int_equal(strlen(p->group), GROUP_NAME_SIZE - 1);
    profile_set_group(p, "ot-tower");
    assert_string_equal(p->group, "=ot-tower");
    group_decide(p, MONDAY + 1);
    assert_string_equal(p->group, "=ot-tower");
    assert_string_equal(group_text(p->group, text, sizeof text), "ot-tower");
    profile_set_group(p, NULL);
    assert_string_equal(group_text(p->group, text, sizeof text), "none yet");
    group_decide(p, MONDAY + 1);
    assert_string_equal(p->group, "q22");
    profile_set_group(p, NULL); /* nothing was configured: it stays */
    assert_string_equal(p->group, "q22");
    assert_string_equal(group_text("q99", text, sizeof text), "none yet");
    profile_free(p);
}

/* --- what a group counts ------------------------------------------------------------------------
 */

static void note(struct fleet *fleet, unsigned host, const char *group, int times, uint64_t bytes)
{
    struct civil civil = make_civil(MONDAY, 10);
    struct ip ip = make_host(host);
    for (int i = 0; i < times; i++)
        fleet_note_host(fleet, &ip, group, &civil, true, bytes, 20.0, false);
}

static void a_lone_host_is_not_its_own_peer(void **state)
{
    struct fleet *fleet = fleet_new();
    (void)state;
    note(fleet, 1, "q40", 500, 1 << 30);
    note(fleet, 2, "q11", 500, 1 << 10);
    fleet_apply(fleet);
    struct peers peers = fleet_peers(fleet, "q40");
    assert_null(peers.group);
    assert_near(peers.share, 0);
    assert_near(peers_weight(&peers, 1000), 0);
    assert_ptr_equal(peers.all, fleet_all(fleet));
    /* Two more: two others, 2/(2 + 4); 700 values, 700/(700 + 100). */
    note(fleet, 3, "q40", 100, 1 << 30);
    note(fleet, 4, "q40", 100, 1 << 30);
    fleet_apply(fleet);
    peers = fleet_peers(fleet, "q40");
    assert_ptr_equal(peers.group, fleet_group(fleet, "q40"));
    assert_near(peers.share, 1.0 / 3);
    assert_near(peers_weight(&peers, peers.group->host_hour.total), 7.0 / 24);
    assert_int_equal(fleet_group_hosts(fleet, "q40"), 3);
    assert_int_equal(fleet_group_hosts(fleet, "q99"), 0);
    assert_null(fleet_peers(fleet, "").group);
    assert_null(fleet_peers(NULL, "q40").all);
    fleet_free(fleet);
}

/* A size that is ordinary among its own, and unheard of in the fleet. */
static void a_group_knows_its_own(void **state)
{
    struct fleet *fleet = fleet_new();
    struct profile *p = make_profile(1, 1 << 25, 1000, 100);
    struct civil civil = make_civil(MONDAY, 10);
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        note(fleet, i, "q40", 50, 1 << 27);
    for (unsigned i = 20; i < 200; i++)
        note(fleet, i, "q11", 50, 1 << 17);
    fleet_apply(fleet);
    double alone = survival_absolute_hour(p, fleet, &civil, 1 << 27).p;
    snprintf(p->group, sizeof p->group, "q40");
    double among = survival_absolute_hour(p, fleet, &civil, 1 << 27).p;
    assert_true(alone < 0.11 && among > 0.7);
    snprintf(p->group, sizeof p->group, "q11");
    assert_true(survival_absolute_hour(p, fleet, &civil, 1 << 27).p < 0.05);
    profile_free(p);
    fleet_free(fleet);
}

static void groups_are_bounded(void **state)
{
    struct fleet *fleet = fleet_new();
    struct buffer blob = {0};
    char name[GROUP_NAME_SIZE];
    (void)state;
    for (unsigned i = 0; i < FLEET_GROUPS + 3; i++) {
        snprintf(name, sizeof name, "=zone-%u", i);
        note(fleet, i, name, 2, 1000);
    }
    fleet_apply(fleet);
    assert_int_equal(fleet_groups(fleet), FLEET_GROUPS);
    assert_int_equal(fleet_groups_refused(fleet), 6);
    assert_non_null(fleet_group(fleet, "=zone-63"));
    assert_null(fleet_group(fleet, "=zone-64"));
    assert_near(fleet_all(fleet)->host_hour.total, 2 * (FLEET_GROUPS + 3));
    fleet_pack(fleet, &blob);
    struct fleet *back = fleet_unpack(blob.data, blob.size, NULL);
    assert_non_null(back);
    assert_int_equal(fleet_groups(back), FLEET_GROUPS);
    assert_int_equal(fleet_group_hosts(back, "=zone-7"), 1);
    buffer_fini(&blob);
    fleet_free(fleet);
    fleet_free(back);
}

/* A group nobody was applied to yet is not there, for readers or in the blob. */
static void a_group_begins_with_apply(void **state)
{
    struct fleet *fleet = fleet_new();
    struct buffer blob = {0}, empty = {0};
    (void)state;
    fleet_pack(fleet, &empty);
    note(fleet, 1, "q22", 2, 1000);
    note(fleet, 2, "q22", 2, 1000);
    assert_null(fleet_group(fleet, "q22"));
    fleet_pack(fleet, &blob);
    assert_int_equal(blob.size, empty.size);
    assert_memory_equal(blob.data, empty.data, empty.size);
    fleet_apply(fleet);
    assert_non_null(fleet_group(fleet, "q22"));
    buffer_fini(&blob);
    buffer_fini(&empty);
    fleet_free(fleet);
}

/* --- days ---------------------------------------------------------------------------------------
 */

static void the_median_follows_the_day(void **state)
{
    struct fleet *fleet = fleet_new();
    (void)state;
    for (unsigned i = 0; i < 9; i++) {
        uint64_t morning = UINT64_C(1) << (10 + i), evening = UINT64_C(1) << (20 + i);
        fleet_note_today(fleet, i < 4 ? "q11" : "q22", MONDAY, 0, morning);
        fleet_note_today(fleet, i < 4 ? "q11" : "q22", MONDAY, morning, morning + 1);
        fleet_note_today(fleet, i < 4 ? "q11" : "q22", MONDAY, morning + 1, evening);
    }
    assert_true(isnan(fleet_day_median(fleet, "", MONDAY)));
    fleet_apply(fleet);
    /* 2^20 to 2^28: the fifth of nine is in bin 96, halfway. */
    assert_near(fleet_day_median(fleet, "", MONDAY), 24 + 0.125);
    assert_near(fleet_day_median(fleet, "q11", MONDAY), 24 + 0.125); /* four are too few */
    assert_near(fleet_day_median(fleet, "q22", MONDAY), 26 + 0.125); /* five: the third */
    assert_near(fleet_day_median(fleet, "=none", MONDAY), 24 + 0.125);
    assert_true(isnan(fleet_day_median(fleet, "", MONDAY - 1)));
    assert_true(isnan(fleet_day_median(fleet, "", MONDAY + FLEET_DAYS)));
    /* A usual day of theirs is three octaves less. */
    for (unsigned i = 0; i < 20; i++)
        fleet_note_host_day(fleet, "q22", UINT64_C(1) << 23, NAN, WEEK - 1);
    fleet_apply(fleet);
    assert_near(fleet_day_trend(fleet, "q22", MONDAY), 3);
    assert_near(fleet_day_trend(fleet, "q22", MONDAY + 1), 0);
    /* The eighth day after takes the place. */
    fleet_note_today(fleet, "q22", MONDAY + FLEET_DAYS, 0, 1000);
    fleet_note_today(fleet, "q22", MONDAY, 0, 1000); /* too late */
    fleet_apply(fleet);
    assert_true(isnan(fleet_day_median(fleet, "q22", MONDAY)));
    fleet_free(fleet);
}

static void days_are_stored(void **state)
{
    struct fleet *fleet = fleet_new();
    struct buffer blob = {0}, again = {0};
    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        note(fleet, i, i % 2 ? "q22" : "q31", 3, sample_bytes(i));
        fleet_note_today(fleet, i % 2 ? "q22" : "q31", MONDAY + i % 8, 0, sample_bytes(i));
    }
    fleet_apply(fleet);
    fleet_pack(fleet, &blob);
    struct fleet *back = fleet_unpack(blob.data, blob.size, NULL);
    assert_non_null(back);
    fleet_pack(back, &again);
    assert_int_equal(blob.size, again.size);
    assert_memory_equal(blob.data, again.data, blob.size);
    for (int day = 0; day < 8; day++)
        assert_near(fleet_day_median(back, "q22", MONDAY + day),
                    fleet_day_median(fleet, "q22", MONDAY + day));
    assert_near(fleet_group(back, "q22")->host_hour.total, 60);
    buffer_fini(&blob);
    buffer_fini(&again);
    fleet_free(fleet);
    fleet_free(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alike_by_size_and_activity),
        cmocka_unit_test(an_edge_is_not_crossed_at_once),
        cmocka_unit_test(a_configured_group_stays),
        cmocka_unit_test(a_lone_host_is_not_its_own_peer),
        cmocka_unit_test(a_group_knows_its_own),
        cmocka_unit_test(groups_are_bounded),
        cmocka_unit_test(a_group_begins_with_apply),
        cmocka_unit_test(the_median_follows_the_day),
        cmocka_unit_test(days_are_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
