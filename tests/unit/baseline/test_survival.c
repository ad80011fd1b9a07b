/* The estimates against an independent computation (plain lists in Python, from the formulas of
 * docs/detection.md). In that script's terms:
 *
 *   a count of week w, n the newest, weighs 2^(−(now − kept)/4), kept = w//8*8 + 4 if w//8 < n//8,
 * else w//2*2 + 1 if w//2 < n//2, else w; none beyond 26 m0 = 4/(1.2·ln 2); fit(d, σ0): t smallest
 * with Σ d[≤t] ≥ .97·N; A = max(Σ d[>t]/N, .5/(N+1)); σ = (Σ d[k](k−t) + 20σ0)/(Σ d[>t] + 20);
 * surv(k) = A·exp(−(k−t−1)/σ) above t, else max(A, Σ d[≥k]/N) prior(k, c, s) = ½exp(−(k−c)/s) above
 * c, 1 − ½exp((k−c)/s) below S_res = (N·surv + 10·prior(k, 88, m0))/(N + 10), k = floor(4(log2(b+1)
 * − loc)) + 88 S_abs = (N·surv + 10·prior(k, 80, 8))/(N + 10) S = (N·surv_own[σ0 = group's σ] +
 * m·(S_res, or S_abs below 5 values))/(N + m) p_hour = (150 + 12g)/(200 + 12)·S, g = (active +
 * 1)/(seen + 2), without fleet ½ p_new = (N_k·surv + ½·S_all)/(exposure + 1), S_all = (N·surv +
 * 6·S_abs)/(N + 6)
 *
 * with the samples that setup() makes here. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

#include "weir/base/buffer.h"
#include "weir/baseline/evidence.h"

#include <stdlib.h>

struct fixture {
    struct fleet *fleet;
    struct profile *profile;
    struct pair *pair;
    struct civil civil;
};

static struct pair *add_pair(struct profile *profile, enum pair_role role, const char *name)
{
    struct pair *pair = xcalloc(1, sizeof *pair);
    pair->destination = make_destination(role, DESTINATION_DOMAIN, name);
    profile->pair_name[profile->pair_count] = evidence_name(&pair->destination);
    profile->pair[profile->pair_count++] = pair;
    return pair;
}

static void make_fleet(struct fleet *fleet)
{
    struct civil civil = make_civil(MONDAY, 10);
    struct destination rare = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "rare.example");
    struct destination big = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "big.example");
    struct destination served = make_destination(ROLE_SERVED, DESTINATION_DOMAIN, "net");
    for (unsigned j = 0; j < 400; j++) {
        uint64_t bytes = sample_bytes(j % 300);
        struct ip host = make_host(j);
        fleet_note_host_day(fleet, "", bytes, j < 300 ? 20.0 : NAN, WEEK);
        fleet_note_exposed_day(fleet, false, WEEK);
        if (j >= 300)
            continue;
        fleet_note_host(fleet, &host, "", &civil, true, bytes, 20.0, false);
        fleet_note_pair(fleet, &host, "", &served, bytes, 20.0, &civil);
        fleet_note_pair_day(fleet, "", &served, bytes, 20.0, WEEK);
        fleet_note_pair(fleet, &host, "", j < 100 ? &big : &served, bytes, NAN, &civil);
        struct destination client = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "all");
        fleet_note_pair(fleet, &host, "", &client, bytes, 20.0, &civil);
        fleet_note_pair_day(fleet, "", &client, bytes, 20.0, WEEK);
    }
    fleet_apply(fleet); /* buckets are as of now: 300 hosts, 100 of them with big.example */
    for (unsigned i = 0; i < 60; i++)
        fleet_note_young(fleet, YOUNG_FIRST_WEEK, &rare, i % 2 ? 2 : 1, 20000 * (uint64_t)(i + 1),
                         WEEK);
    for (unsigned i = 0; i < 20; i++)
        fleet_note_young(fleet, YOUNG_FIRST_WEEK, &big, 0, 10000000 * (uint64_t)(i + 1), WEEK);
    fleet_apply(fleet);
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct ip host = make_host(1);
    f->fleet = fleet_new();
    make_fleet(f->fleet);
    f->civil = make_civil(MONDAY, 10);
    f->profile = profile_new(&host, f->civil.hour - 5000);
    f->profile->first_day = MONDAY - 200;
    for (unsigned i = 0; i < 200; i++)
        histogram_add(&f->profile->hour, histogram_bin((uint64_t)(2000 * pow(1.05, i))),
                      WEEK - i % 6, 1);
    for (unsigned i = 0; i < 30; i++)
        histogram_add(&f->profile->day, histogram_bin(10000000 + 1000000 * (uint64_t)(i * 7 % 30)),
                      WEEK - i / 7, 1);
    f->profile->hour_location = (struct location){20.0, 200};
    f->profile->day_location = (struct location){24.0, 30};
    f->profile->hours_seen[HOUR_WORK_WEEKDAY] = 200;
    f->profile->hours_active[HOUR_WORK_WEEKDAY] = 150;
    f->profile->hours_seen[HOUR_NIGHT_WEEKDAY] = 200;
    f->profile->hours_active[HOUR_NIGHT_WEEKDAY] = 2;
    f->profile->days_seen[0] = 22;
    f->profile->days_active[0] = 20;
    f->pair = add_pair(f->profile, ROLE_CLIENT, "known.example");
    for (unsigned i = 0; i < 40; i++) {
        unsigned bin = histogram_bin(100000 * (uint64_t)(1 + i * 11 % 40));
        histogram_add(&f->pair->hour, bin, WEEK - i / 10, 1);
        histogram_add(&f->pair->day, bin, WEEK - i / 10, 1);
    }
    f->pair->hour_location = f->pair->day_location = (struct location){20.5, 40};
    f->pair->contacts = 40;
    f->pair->first_hour = f->civil.hour - 1000;
    f->pair->first_day = MONDAY - 80;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    profile_free(f->profile);
    fleet_free(f->fleet);
    free(f);
    return 0;
}

static void host_hours(void **state)
{
    static const struct {
        uint64_t bytes;
        double p, no_fleet, cold;
    } expected[] = {
        {1000, 0.7641431432831995, 0.7358314056976297, 0.7641260048622704},
        {1000000, 0.3166504189793265, 0.31535518955010555, 0.3164409725592497},
        {50000000, 0.005972791870060973, 0.006632956284358086, 0.006570735284832973},
        {1000000000, 8.285639558944111e-05, 0.00014447957267270804, 0.00015365154371795},
        {100000000000, 9.692840258361929e-08, 3.4458430698255645e-07, 1.052043437579765e-06},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        uint64_t bytes = expected[i].bytes;
        struct estimate e = survival_host_hour(f->profile, f->fleet, &f->civil, bytes);
        assert_near(e.p, expected[i].p);
        assert_near(survival_host_hour(f->profile, NULL, &f->civil, bytes).p, expected[i].no_fleet);
        f->profile->hour_location.count = LOCATION_MIN - 1;
        assert_near(survival_host_hour(f->profile, f->fleet, &f->civil, bytes).p, expected[i].cold);
        f->profile->hour_location.count = 200;
        assert_near(e.samples, 200);
        assert_int_equal(e.expected[0], 2896);
        assert_int_equal(e.expected[1], 23726566); /* the upper edge of the bin from 19951584 */
        assert_int_equal(e.largest,
                         histogram_middle(histogram_bin((uint64_t)(2000 * pow(1.05, 199)))));
    }
}

static void host_days(void **state)
{
    static const struct {
        uint64_t bytes;
        double p;
    } expected[] = {{10000000, 0.7994663919269617},
                    {40000000, 0.07904510885367702},
                    {100000000, 0.03899944490671994},
                    {1000000000, 0.0006141667063550509}};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_near(survival_host_day(f->profile, f->fleet, &f->civil, expected[i].bytes).p,
                    expected[i].p);
    /* No weekend was ever seen: (0 + 1)/(0 + 2) instead of (20 + 1)/(22 + 2). */
    struct civil saturday = make_civil(MONDAY - 2, 10); /* weeks begin on Thursday */
    assert_near(survival_host_day(f->profile, f->fleet, &saturday, 10000000).p,
                0.7994663919269617 * 0.5 / 0.875);
}

static void known_pairs(void **state)
{
    static const struct {
        uint64_t bytes;
        double hour, day;
    } expected[] = {{100000, 0.9998565225896413, 0.99991811537124},
                    {10000000, 0.041739245014239514, 0.02596833364156726},
                    {100000000, 0.000586871590460449, 0.0004402729213704777}};
    struct fixture *f = *state;
    for (int role = 0; role < ROLES; role++) { /* the fixture's tables are the same for both */
        f->pair->destination.role = (enum pair_role)role;
        for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
            uint64_t bytes = expected[i].bytes;
            assert_near(survival_pair_hour(f->profile, f->pair, f->fleet, &f->civil, bytes).p,
                        expected[i].hour);
            assert_near(survival_pair_day(f->profile, f->pair, f->fleet, &f->civil, bytes).p,
                        expected[i].day);
        }
    }
    f->pair->destination.role = ROLE_CLIENT;
    /* At night the host is active in 2 of 200 hours, but the fixture's fleet always is at this hour
     * of the week: give the profile's night class the Monday 10 h slot. */
    struct civil night = f->civil;
    night.class = HOUR_NIGHT_WEEKDAY;
    double much =
        survival_pair_hour(f->profile, f->pair, f->fleet, &f->civil, PROFILE_ACTIVE_BYTES).p;
    assert_true(much > 0.99 &&
                much < 1); /* nearly all of the pair's hours are as a host's active */
    assert_near(survival_pair_hour(f->profile, f->pair, f->fleet, &night, 10000000).p,
                0.008268193036358631 / much);
}

static void pairs_become_known(void **state)
{
    struct fixture *f = *state;
    int64_t first = f->pair->first_hour;
    assert_false(survival_pair_known(NULL, first));
    assert_false(survival_pair_known(f->pair, first + 47));
    assert_true(survival_pair_known(f->pair, first + 48));
    f->pair->contacts = 4;
    assert_false(survival_pair_known(f->pair, first + 480));
}

static void looks_a_day(void **state)
{
    struct fixture *f = *state;
    /* 40 days at or above 64 kB in 80 days; 40 hours in 40 days. */
    assert_near(survival_pairs_a_day(f->profile, ROLE_CLIENT, &f->civil, 65536), 1);
    struct pair *daily = add_pair(f->profile, ROLE_CLIENT, "daily.example");
    for (unsigned i = 0; i < 60; i++)
        histogram_add(&daily->day, 90, WEEK, 1);
    daily->contacts = 60;
    daily->first_day = MONDAY - 60;
    daily->first_hour = f->civil.hour - 1440;
    assert_near(survival_pairs_a_day(f->profile, ROLE_CLIENT, &f->civil, 65536), 1.5);
    assert_near(survival_pairs_a_day(f->profile, ROLE_CLIENT, &f->civil, UINT64_C(1) << 40), 1);
    assert_near(survival_pairs_a_day(f->profile, ROLE_SERVED, &f->civil, 65536), 1);
    assert_near(survival_pair_hours_a_day(f->pair), 1);
    for (unsigned i = 0; i < 300; i++)
        histogram_add(&daily->hour, 60, WEEK, 1);
    assert_near(survival_pair_hours_a_day(daily), 5);
}

static void new_destinations(void **state)
{
    static const struct {
        uint64_t bytes;
        double rare, common;
    } expected[] = {{100000, 0.07100819939592654, 0.19070894752560233},
                    {1000000, 0.02051845446978564, 0.09034389087876318},
                    {10000000, 0.00038045197504273554, 0.05017376819403053},
                    {1000000000, 4.112715325310412e-06, 0.0005734707816011249}};
    struct fixture *f = *state;
    struct destination rare = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "never.example");
    struct destination big = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "big.example");
    assert_int_equal(survival_exposure_days(f->fleet), 400);
    assert_int_equal(survival_exposure_days(NULL), 0);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct estimate e =
            survival_young(f->profile, &rare, f->fleet, &f->civil, expected[i].bytes);
        assert_near(e.p, expected[i].rare);
        assert_near(e.samples, 30);
        assert_int_equal(e.largest, histogram_middle(histogram_bin(20000 * 59)));
        assert_near(survival_young(f->profile, &big, f->fleet, &f->civil, expected[i].bytes).p,
                    expected[i].common);
    }
    assert_near(survival_young(f->profile, &rare, NULL, &f->civil, 1000000).p, 1);
}

static void new_networks(void **state)
{
    static const struct {
        uint64_t bytes;
        double p;
    } expected[] = {{100000, 0.3871731719530284},
                    {1000000, 0.00754922532322677},
                    {4100000, 0.0017937586822728648},
                    {100000000, 8.899643820052369e-05}};
    struct fixture *f = *state;
    struct pair *customer = add_pair(f->profile, ROLE_SERVED, "customer");
    assert_near(survival_new_network(f->profile, NULL, &f->civil, 100000000).p,
                0.009693551957930502); /* nothing is known: ½·S_abs, belief alone */
    for (unsigned i = 0; i < 12; i++)
        histogram_add(&f->profile->new_network, histogram_bin(20000 * (uint64_t)(i + 1)),
                      WEEK - i / 7, 1);
    for (unsigned i = 0; i < 40; i++)
        histogram_add(&customer->day, histogram_bin(50000 * (uint64_t)(1 + i % 10)), WEEK - i / 20,
                      1);
    for (unsigned i = 0; i < 21; i++)
        histogram_add(&f->profile->new_network_days, 0, WEEK - i / 7, 1);
    f->profile->new_networks = 12;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct estimate e = survival_new_network(f->profile, NULL, &f->civil, expected[i].bytes);
        assert_near(e.p, expected[i].p);
        assert_near(e.samples, 12);
    }
}

static void never_smaller_for_fewer_bytes(void **state)
{
    struct fixture *f = *state;
    struct destination rare = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "never.example");
    double last[6] = {1, 1, 1, 1, 1, 1};
    for (double size = 0; size < 63; size += 0.05) {
        uint64_t bytes = (uint64_t)exp2(size);
        double p[6] = {
            survival_host_hour(f->profile, f->fleet, &f->civil, bytes).p,
            survival_host_day(f->profile, f->fleet, &f->civil, bytes).p,
            survival_pair_hour(f->profile, f->pair, f->fleet, &f->civil, bytes).p,
            survival_pair_day(f->profile, f->pair, f->fleet, &f->civil, bytes).p,
            survival_young(f->profile, &rare, f->fleet, &f->civil, bytes).p,
            survival_new_network(f->profile, f->fleet, &f->civil, bytes).p,
        };
        for (int i = 0; i < 6; i++) {
            assert_true(p[i] <= last[i] && p[i] >= SURVIVAL_LEAST);
            last[i] = p[i];
        }
    }
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH(host_hours),   WITH(host_days),
        WITH(known_pairs),  WITH(pairs_become_known),
        WITH(looks_a_day),  WITH(new_destinations),
        WITH(new_networks), WITH(never_smaller_for_fewer_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
