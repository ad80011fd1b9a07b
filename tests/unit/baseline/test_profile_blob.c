/* A profile's bounds, and its blob. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "close.h"
#include "schema_1.h"

#include <stdlib.h>
#include <string.h>

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
    uint32_t name = p->pair_name[0];
    memmove(p->pair, p->pair + 1, (PROFILE_PAIRS - 1) * sizeof *p->pair);
    memmove(p->pair_name, p->pair_name + 1, (PROFILE_PAIRS - 1) * sizeof *p->pair_name);
    p->pair[PROFILE_PAIRS - 1] = first;
    p->pair_name[PROFILE_PAIRS - 1] = name;
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
    assert_int_equal(blob.data[2], PROFILE_SCHEMA);
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
    assert_string_equal(error.message, "host profile of schema 9, this sensor reads schema 8");
    buffer_fini(&blob);
    profile_free(p);
}

static bool takes(struct profile *p)
{
    struct buffer blob = {0};
    profile_pack(p, &blob);
    struct profile *again = profile_unpack(blob.data, blob.size, NULL);
    bool taken = again != NULL;
    profile_free(again);
    buffer_fini(&blob);
    return taken;
}

/* Evidence of a destination that names none would be told of nothing. */
static void evidence_names_its_pair(void **state)
{
    static const enum evidence_kind of_pairs[] = {EVIDENCE_UPLOAD,       EVIDENCE_UPLOAD_GROWTH,
                                                  EVIDENCE_UPLOAD_ALONE, EVIDENCE_PAIR_HOUR,
                                                  EVIDENCE_YOUNG_WEEK,   EVIDENCE_BEACON};
    struct profile *p = make_profile();
    struct evidence_mark named = {5, 70000, 7}, nameless = {5, 70000, 0};
    (void)state;
    for (size_t i = 0; i < sizeof of_pairs / sizeof *of_pairs; i++) {
        p->evidence = (struct day_evidence){.known = 1u << of_pairs[i]};
        p->evidence.mark[of_pairs[i]] = named;
        assert_true(takes(p));
        p->evidence.mark[of_pairs[i]] = nameless;
        assert_false(takes(p));
    }
    p->evidence = (struct day_evidence){.known = 1u << EVIDENCE_HOST_DAY};
    p->evidence.mark[EVIDENCE_HOST_DAY] = nameless;
    assert_true(takes(p));
    profile_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lightest_pair_goes),  cmocka_unit_test(a_typical_host_is_small),
        cmocka_unit_test(the_blob_is_bounded),     cmocka_unit_test(the_worst_is_bounded),
        cmocka_unit_test(histograms_are_bounded),  cmocka_unit_test(packs_and_unpacks),
        cmocka_unit_test(schema_1_is_taken_over),  cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(evidence_names_its_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
