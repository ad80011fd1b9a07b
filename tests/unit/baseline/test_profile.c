/* A profile: what an hour teaches, what it must not, bounds, and the blob. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"
#include "schema_1.h"

#include <stdlib.h>
#include <string.h>

struct load {
    enum pair_role role;
    const char *name;
    uint64_t bytes;
};

static void close_with(struct profile *profile, const struct civil *civil, struct fleet *fleet,
                       const struct load *load, size_t count)
{
    struct host_total *total = host_total_new(&profile->host, civil->hour);
    for (size_t i = 0; i < count; i++) {
        struct destination d = make_destination(load[i].role, DESTINATION_DOMAIN, load[i].name);
        totals_add(total, &d, exactly(load[i].bytes), 0, 1);
    }
    profile_close_hour(profile, total, civil, fleet);
    host_total_free(total);
}

static void close_one(struct profile *profile, int64_t day, int hour, struct fleet *fleet,
                      enum pair_role role, const char *name, uint64_t bytes)
{
    struct civil civil = make_civil(day, hour);
    struct load load = {role, name, bytes};
    close_with(profile, &civil, fleet, &load, 1);
}

static struct profile *make_profile(void)
{
    struct ip host = make_host(7);
    return profile_new(&host, MONDAY * 24);
}

/* --- learning --------------------------------------------------------------------------------- */

static void learns_hours_days_and_pairs(void **state)
{
    struct profile *p = make_profile();
    struct destination a = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "a.example");
    (void)state;
    for (int hour = 0; hour < 24; hour++) {
        struct civil civil = make_civil(MONDAY, hour);
        struct load load[] = {{ROLE_CLIENT, "a.example", 1000}, {ROLE_SERVED, "b", 3000}};
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
    assert_int_equal(p->today_bytes, 48000);
    assert_int_equal(histogram_samples(&p->hour), 12);
    assert_int_equal(histogram_samples(&p->day), 0);
    assert_near(p->hour_location.mean, (float)log2(4001)); /* kept as a float */
    struct pair *pair = profile_pair(p, &a);
    assert_int_equal(pair->contacts, 12);
    assert_int_equal(pair->today_bytes, 12000);
    assert_int_equal(pair->first_week_bytes, 12000);
    assert_int_equal(pair->first_hour, MONDAY * 24 + 1);
    assert_int_equal(pair->last_hour, MONDAY * 24 + 23);
    assert_near(pair->weight, 12000);
    close_one(p, MONDAY + 1, 0, NULL, ROLE_CLIENT, "a.example", 500);
    assert_int_equal(histogram_samples(&p->day), 1);
    assert_int_equal(histogram_largest(&p->day), histogram_bin(48000));
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
    profile_catch_up(p, start.hour + 167, calendar); /* a whole week */
    assert_int_equal(profile_hours(p), 168);
    assert_int_equal(p->hours_seen[HOUR_WORK_WEEKDAY], 50);
    assert_int_equal(p->hours_seen[HOUR_WORK_WEEKEND], 20);
    assert_int_equal(p->hours_active[HOUR_WORK_WEEKDAY], 0);
    assert_int_equal(p->last_closed_hour, start.hour + 167);
    for (int i = 0; i < 168; i++)
        assert_int_equal(p->silent[i], 1);
    profile_catch_up(p, start.hour + 100, calendar); /* the past */
    assert_int_equal(profile_hours(p), 168);
    /* Ten years: only the last 26 weeks are walked through. */
    profile_catch_up(p, start.hour + 167 + 24 * 3650, calendar);
    assert_int_equal(profile_hours(p), 168 + 26 * 168);
    profile_catch_up(p, INT64_MAX, calendar);
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

/* --- bounds ----------------------------------------------------------------------------------- */

static void the_lightest_pair_goes(void **state)
{
    struct profile *p = make_profile();
    char name[32];
    (void)state;
    for (int i = 0; i < PROFILE_PAIRS; i++) {
        snprintf(name, sizeof name, "d%d", i);
        close_one(p, MONDAY, i % 24, NULL, ROLE_SERVED, name, 100000 + (uint64_t)i);
        p->last_closed_hour = MONDAY * 24 - 1; /* all in one day, whatever the hour */
    }
    assert_int_equal(p->pair_count, PROFILE_PAIRS);
    close_one(p, MONDAY, 23, NULL, ROLE_SERVED, "light", 50);
    struct destination light = make_destination(ROLE_SERVED, DESTINATION_DOMAIN, "light");
    struct destination heavy = make_destination(ROLE_SERVED, DESTINATION_DOMAIN, "heavy");
    struct destination lightest = make_destination(ROLE_SERVED, DESTINATION_DOMAIN, "d0");
    assert_null(profile_pair(p, &light));
    assert_non_null(profile_pair(p, &lightest));
    assert_int_equal(p->pairs_evicted, 1);
    close_one(p, MONDAY + 20, 0, NULL, ROLE_SERVED, "heavy", 90000); /* others have faded by then */
    assert_non_null(profile_pair(p, &heavy));
    assert_null(profile_pair(p, &lightest));
    assert_int_equal(p->pair_count, PROFILE_PAIRS);
    assert_int_equal(p->pairs_evicted, 2);
    /* A network that finds no room is new all the same: the server's rate must know. */
    uint32_t before = p->new_networks;
    close_one(p, MONDAY + 20, 1, NULL, ROLE_SERVED, "passing", 1000);
    assert_int_equal(p->new_networks, before + 1);
    assert_int_equal(histogram_largest(&p->new_network), histogram_bin(1000));
    profile_free(p);
}

/* An office machine for seven months: 64 services by Zipf's law, ten hours a day, sizes log-normal.
 */
static struct profile *make_busy(void)
{
    struct profile *p = make_profile();
    uint32_t random = 12345;
    for (int day = 0; day < 210; day++)
        for (int hour = 8; hour < 18; hour++) {
            struct civil civil = make_civil(MONDAY + day, hour);
            struct load load[12];
            static char names[64][40];
            if (civil.day_of_week >= 5)
                continue;
            for (size_t i = 0; i < 12; i++) {
                random = random * 1664525 + 1013904223;
                unsigned which = (unsigned)(64 * pow((random >> 8) / 16777216.0, 2.5));
                random = random * 1664525 + 1013904223;
                double size =
                    12 + which % 9 +
                    1.5 * ((random >> 8) / 16777216.0 + ((random >> 12) % 997) / 997.0 - 1);
                snprintf(names[which], sizeof names[which], "service-%u.example.com", which);
                load[i] = (struct load){ROLE_CLIENT, names[which], (uint64_t)exp2(size)};
            }
            close_with(p, &civil, NULL, load, 12);
        }
    return p;
}

static void a_typical_host_is_small(void **state)
{
    struct profile *p = make_busy();
    struct buffer blob = {0};
    (void)state;
    profile_pack(p, &blob);
    assert_int_equal(p->pair_count, PROFILE_PAIRS);
    assert_int_equal(p->pairs_evicted, 0);
    print_message("64 pairs, 30 weeks: %zu bytes\n", blob.size);
    assert_true(blob.size <= PROFILE_PACKED_BYTES);
    assert_true(blob.size > 4000);
    buffer_fini(&blob);
    profile_free(p);
}

/* Sizes all over the place: pairs go before the blob grows beyond its bound. */
static void the_blob_is_bounded(void **state)
{
    struct profile *p = make_profile();
    struct buffer blob = {0};
    uint32_t random = 99;
    (void)state;
    for (int hour = 0; hour < 24 * 200; hour += 6) {
        struct civil civil = make_civil(MONDAY + hour / 24, hour % 24);
        static char names[64][200];
        struct load load[64];
        for (unsigned i = 0; i < 64; i++) {
            random = random * 1664525 + 1013904223;
            memset(names[i], 'a' + (int)(i % 26), 199);
            snprintf(names[i] + 190, 10, "%u", i);
            load[i] = (struct load){ROLE_CLIENT, names[i], UINT64_C(1) << (random >> 27)};
        }
        close_with(p, &civil, NULL, load, 64);
    }
    profile_pack(p, &blob);
    assert_true(blob.size <= PROFILE_PACKED_BYTES);
    assert_true(p->pairs_evicted > 0);
    assert_true(p->pair_count > 10);
    buffer_fini(&blob);
    profile_free(p);
}

/* The worst that a client network outside can do: 64 pairs with names as long as they get, sizes
 * all over the place on both sides for thirty weeks, and everything guarded that can be. */
static void the_worst_is_bounded(void **state)
{
    struct profile *p = make_profile();
    struct buffer blob = {0};
    uint32_t random = 5, largest = 0;
    (void)state;
    profile_set_group(p, "a zone whose name is much longer than there is room for");
    for (int hour = 0; hour < 24 * 210; hour++) {
        struct civil civil = make_civil(MONDAY + hour / 24, hour % 24);
        static char names[12][256];
        struct load load[12];
        for (unsigned i = 0; i < 12; i++) {
            random = random * 1664525 + 1013904223;
            memset(names[i], 'a' + (int)(random >> 28), 250);
            snprintf(names[i] + 240, 15, "%u", random >> 20);
            random = random * 1664525 + 1013904223;
            load[i] = (struct load){random & 0x10000 ? ROLE_CLIENT : ROLE_SERVED, names[i],
                                    (UINT64_C(1) << (random >> 27)) + (random >> 12)};
        }
        close_with(p, &civil, NULL, load, 12);
        if (hour % 24 == 23) {
            blob.size = 0;
            profile_pack(p, &blob);
            assert_true(blob.size <= PROFILE_PACKED_BYTES);
            largest = blob.size > largest ? (uint32_t)blob.size : largest;
        }
    }
    print_message("the worst of 30 weeks: %u bytes, %u pairs, %u weeks thinned\n", largest,
                  p->pair_count, p->weeks_thinned);
    assert_true(largest > PROFILE_PACKED_BYTES / 2);
    struct profile *back = profile_unpack(blob.data, blob.size, NULL);
    assert_non_null(back);
    buffer_fini(&blob);
    profile_free(p);
    profile_free(back);
}

/* Without pairs, too: every bin of every histogram, every week. */
static void histograms_are_bounded(void **state)
{
    struct profile *p = make_profile();
    struct buffer blob = {0};
    (void)state;
    for (unsigned week = 0; week <= HISTOGRAM_WEEKS; week++)
        for (unsigned bin = 0; bin < HISTOGRAM_BINS; bin++) {
            histogram_add(&p->hour, bin, WEEK + week - 21, 100000);
            histogram_add(&p->day, bin, WEEK + week - 21, 100000);
            histogram_add(&p->new_network, bin, WEEK + week - 21, 100000);
            histogram_add(&p->new_network_hour, bin, WEEK + week - 21, 100000);
            histogram_add(&p->new_network_span, bin, WEEK + week - 21, 100000);
        }
    profile_pack(p, &blob);
    assert_true(blob.size > PROFILE_PACKED_BYTES);
    close_one(p, MONDAY, 9, NULL, ROLE_CLIENT, "a.example", 1000);
    blob.size = 0;
    profile_pack(p, &blob);
    assert_true(blob.size <= PROFILE_PACKED_BYTES);
    assert_true(p->weeks_thinned > 0);
    assert_int_equal(p->pair_count, 1); /* the newcomer stays: it was not what took the room */
    buffer_fini(&blob);
    profile_free(p);
}

/* --- the blob --------------------------------------------------------------------------------- */

static void packs_and_unpacks(void **state)
{
    struct profile *p = make_busy();
    struct buffer blob = {0}, again = {0}, turned = {0};
    struct error error = {0};
    (void)state;
    profile_pack(p, &blob);
    struct profile *back = profile_unpack(blob.data, blob.size, &error);
    assert_non_null(back);
    profile_pack(back, &again);
    assert_int_equal(blob.size, again.size);
    assert_memory_equal(blob.data, again.data, blob.size);
    assert_int_equal(back->pair_count, p->pair_count);
    assert_int_equal(back->first_hour, p->first_hour);
    /* Pairs are unordered: turning them about changes no byte, */
    struct pair *first = p->pair[0];
    memmove(p->pair, p->pair + 1, (PROFILE_PAIRS - 1) * sizeof *p->pair);
    p->pair[PROFILE_PAIRS - 1] = first;
    profile_pack(p, &turned);
    assert_memory_equal(blob.data, turned.data, blob.size);
    /* and both judge and learn alike. */
    struct civil civil = make_civil(MONDAY + 300, 11);
    struct destination d =
        make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "service-3.example.com");
    struct pair *a = profile_pair(p, &d), *b = profile_pair(back, &d);
    assert_true(survival_host_hour(p, NULL, &civil, 12345678).p ==
                survival_host_hour(back, NULL, &civil, 12345678).p);
    assert_true(survival_pair_day(p, a, NULL, &civil, 12345678).p ==
                survival_pair_day(back, b, NULL, &civil, 12345678).p);
    close_one(p, MONDAY + 300, 11, NULL, ROLE_CLIENT, "fresh", 777777);
    close_one(back, MONDAY + 300, 11, NULL, ROLE_CLIENT, "fresh", 777777);
    blob.size = again.size = 0;
    profile_pack(p, &blob);
    profile_pack(back, &again);
    assert_int_equal(blob.size, again.size);
    assert_memory_equal(blob.data, again.data, blob.size);
    buffer_fini(&blob);
    buffer_fini(&again);
    buffer_fini(&turned);
    profile_free(p);
    profile_free(back);
    profile_free(NULL);
}

static void schema_1_is_taken_over(void **state)
{
    struct error error = {0};
    struct buffer blob = {0}, again = {0};
    struct profile *p = profile_unpack(profile_schema_1, sizeof profile_schema_1, &error);
    struct destination a = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "a.example");
    struct destination b = make_destination(ROLE_SERVED, DESTINATION_PREFIX, "203.0.113.0/24");
    (void)state;
    assert_non_null(p);
    assert_int_equal(p->pair_count, 2);
    assert_int_equal(profile_pair(p, &a)->contacts, 40);
    assert_int_equal(profile_pair(p, &b)->contacts, 8);
    assert_int_equal(p->new_networks, 1);
    assert_int_equal(p->today_bytes, 238000);
    assert_int_equal(p->first_hour, MONDAY * 24);
    assert_near(p->hour_location.mean, 16.751237869262695);
    /* What that schema did not know: met in the warm-up; nine days and a half old. */
    assert_string_equal(p->group, "");
    assert_false(p->frozen);
    assert_int_equal(profile_pair(p, &a)->spans_told, PAIR_SPANS);
    assert_int_equal(profile_pair(p, &b)->spans_told, 1);
    assert_int_equal(p->clips.count + profile_pair(p, &b)->clips.count, 0);
    for (int day = 20; day < 40; day++)
        close_one(p, MONDAY + day, 9, NULL, ROLE_CLIENT, "a.example", 120000);
    assert_int_equal(profile_pair(p, &a)->contacts, 60);
    assert_int_equal(profile_pair(p, &b)->spans_told, PAIR_SPANS);
    profile_pack(p, &blob);
    assert_int_equal(blob.data[2], 2);
    struct profile *back = profile_unpack(blob.data, blob.size, &error);
    assert_non_null(back);
    profile_pack(back, &again);
    assert_int_equal(blob.size, again.size);
    assert_memory_equal(blob.data, again.data, blob.size);
    buffer_fini(&blob);
    buffer_fini(&again);
    profile_free(p);
    profile_free(back);
}

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
    struct pair *pair = profile_pair(p, &a), *was = profile_pair(still, &a);
    pair->today = was->today;
    pair->today_bytes = was->today_bytes;
    profile_pack(p, &after);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, before.size);
    buffer_fini(&before);
    buffer_fini(&after);
    profile_free(p);
    profile_free(still);
    fleet_free(fleet);
}

static void damage_is_refused(void **state)
{
    struct profile *p = make_profile();
    struct buffer blob = {0};
    struct error error = {0};
    (void)state;
    close_one(p, MONDAY, 9, NULL, ROLE_CLIENT, "a.example", 1000);
    close_one(p, MONDAY + 1, 9, NULL, ROLE_CLIENT, "a.example", 1000);
    profile_pack(p, &blob);
    for (size_t i = 0; i < blob.size; i++) {
        blob.data[i] ^= 0x10;
        assert_null(profile_unpack(blob.data, blob.size, NULL));
        blob.data[i] ^= 0x10;
        assert_null(profile_unpack(blob.data, i, NULL));
    }
    assert_null(profile_unpack("", 0, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    error = (struct error){0};
    blob.data[2] = 9;
    assert_null(profile_unpack(blob.data, blob.size, &error));
    assert_string_equal(error.message, "host profile of schema 9, this sensor reads schema 2");
    buffer_fini(&blob);
    profile_free(p);
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
        cmocka_unit_test(an_attacker_cannot_teach_at_once),
        cmocka_unit_test(the_guard_is_where_survival_is_1e_4),
        cmocka_unit_test(a_new_network_counts_when_its_first_week_is_over),
        cmocka_unit_test(a_rarity_counts_each_time_it_returns),
        cmocka_unit_test(what_counts_as_new),
        cmocka_unit_test(the_lightest_pair_goes),
        cmocka_unit_test(a_typical_host_is_small),
        cmocka_unit_test(the_blob_is_bounded),
        cmocka_unit_test(the_worst_is_bounded),
        cmocka_unit_test(histograms_are_bounded),
        cmocka_unit_test(packs_and_unpacks),
        cmocka_unit_test(schema_1_is_taken_over),
        cmocka_unit_test(a_frozen_profile_learns_nothing),
        cmocka_unit_test(damage_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
