/* The client networks that a server has met: what is kept of each, who goes when there is no room,
 * what is stored; and that one of 200 customers is no stranger for want of a pair. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "close.h"
#include "make.h"
#include "schema_1.h"
#include "weir/baseline/evidence.h"

#include <stdlib.h>
#include <string.h>

/* --- the list --------------------------------------------------------------------------------- */

static void what_is_kept(void **state)
{
    struct networks networks = {0};
    (void)state;
    assert_null(networks_find(&networks, 7));
    networks_meet(&networks, 7, 65535, MONDAY);          /* bin 64 */
    networks_meet(&networks, 7, 255, MONDAY + 1);        /* 32: the mean of two is 48 */
    networks_meet(&networks, 0xff000009, 1, MONDAY + 2); /* of a name the lowest 24 bits */
    const struct network *network = networks_find(&networks, 0x01000007);
    assert_non_null(network);
    assert_int_equal(network->usual, 48);
    assert_int_equal(network->hours, 2);
    assert_int_equal(network->first_day, MONDAY);
    assert_int_equal(network->last_day, MONDAY + 1);
    for (int i = 0; i < 20; i++)
        networks_meet(&networks, 7, 65535, MONDAY + 3);
    network = networks_find(&networks, 7);
    assert_int_equal(network->hours, PAIR_KNOWN_CONTACTS);
    assert_in_range(network->usual, 60, 64); /* within a fifth's rounding */
    assert_int_equal(networks_find(&networks, 9)->hours, 1);
    networks_forget(&networks, MONDAY + 2 + 182);
    assert_non_null(networks_find(&networks, 9));
    networks_forget(&networks, MONDAY + 2 + 183);
    assert_null(networks_find(&networks, 9));
    assert_non_null(networks_find(&networks, 7));
    networks_fini(&networks);
}

static void who_goes_when_there_is_no_room(void **state)
{
    struct networks networks = {0};
    (void)state;
    for (int i = 0; i < 5; i++)
        networks_meet(&networks, 1, 1000, MONDAY); /* a regular one */
    networks_meet(&networks, 2, 1000, MONDAY + 27);
    for (uint32_t i = 3; i <= NETWORKS_MOST; i++)
        networks_meet(&networks, i, 1000, MONDAY + 29);
    assert_int_equal(networks.crowded_out, 0);
    networks_meet(&networks, 5000, 1000, MONDAY + 30);
    assert_null(networks_find(&networks, 2)); /* once, a day less than four weeks later */
    assert_non_null(networks_find(&networks, 1));
    networks_meet(&networks, 5001, 1000, MONDAY + 30);
    assert_null(networks_find(&networks, 1));
    assert_int_equal(networks.count, NETWORKS_MOST);
    assert_int_equal(networks.crowded_out, 2);
    networks_fini(&networks);
}

static void as_it_was_stored(void **state)
{
    struct networks networks = {0}, back;
    struct buffer out = {0}, again = {0};
    (void)state;
    for (uint32_t i = 0; i < 3000; i++)
        networks_meet(&networks, i * 7919 * 2654435, 1u << i % 31, MONDAY + i / 100);
    networks_pack(&networks, MONDAY + 40, &out);
    print_message("%u networks: %zu bytes\n", networks.count, out.size);
    assert_true(out.size < 7 * NETWORKS_MOST);
    struct cursor in = cursor_make(out.data, out.size);
    assert_true(networks_unpack(&back, MONDAY + 40, &in));
    assert_int_equal(cursor_left(&in), 0);
    assert_int_equal(back.crowded_out, 3000 - NETWORKS_MOST);
    networks_pack(&back, MONDAY + 40, &again);
    assert_int_equal(out.size, again.size);
    assert_memory_equal(out.data, again.data, out.size);
    networks_fini(&back);
    for (size_t size = 0; size < 200; size++) {
        in = cursor_make(out.data, size);
        assert_false(networks_unpack(&back, MONDAY + 40, &in));
    }
    static const uint8_t twice[] = {0, 2, 5, 9, 0, 60, 0, 9, 0, 60}, never[] = {0, 1, 5, 8, 0, 60};
    in = cursor_make(twice, sizeof twice);
    assert_false(networks_unpack(&back, MONDAY, &in));
    in = cursor_make(never, sizeof never);
    assert_false(networks_unpack(&back, MONDAY, &in));
    networks_fini(&networks);
    buffer_fini(&out);
    buffer_fini(&again);
}

/* --- a server --------------------------------------------------------------------------------- */

#define CUSTOMERS 200

static void customer_name(unsigned i, char name[24])
{
    snprintf(name, 24, "198.51.%u.0/24", i);
}

static struct destination network(const char *name)
{
    return make_destination(ROLE_SERVED, DESTINATION_DOMAIN, name);
}

/* Each customer comes twice a week, for 40 to 160 kB; every second day somebody new for 20 kB. */
static void play(struct profile *p, struct fleet *fleet, int from, int until)
{
    for (int day = from; day < until; day++)
        for (int hour = 8; hour < 18; hour++) {
            struct civil civil = make_civil(MONDAY + day, hour);
            static char names[8][24];
            struct load load[8];
            size_t count = 0;
            for (; count < 6; count++) {
                unsigned at = (unsigned)(day * 10 + hour - 8) * 6 + (unsigned)count;
                customer_name(at % CUSTOMERS, names[count]);
                load[count] = (struct load){ROLE_SERVED, names[count], 40000 + at * 7919 % 120000};
            }
            if (day % 2 == 0 && hour == 11) {
                snprintf(names[count], sizeof names[count], "192.0.%d.0/24", day);
                load[count] = (struct load){ROLE_SERVED, names[count], 20000};
                count++;
            }
            close_with(p, &civil, fleet, load, count);
            fleet_apply(fleet);
        }
}

static struct profile *make_server(struct fleet *fleet)
{
    struct profile *p = make_profile();
    play(p, fleet, 0, 42);
    return p;
}

static void a_customer_without_a_pair_is_no_stranger(void **state)
{
    struct fleet *fleet = fleet_new();
    struct profile *p = make_profile();
    struct civil civil = make_civil(MONDAY + 42, 11);
    unsigned without = 0;
    (void)state;
    play(p, fleet, 0, 21); /* by now each came five times */
    uint32_t before = p->new_networks;
    play(p, fleet, 21, 42);
    assert_in_range(p->new_networks - before, 9, 12); /* every second day a stranger */
    assert_int_equal(p->pair_count, PROFILE_PAIRS);
    assert_int_equal(p->networks.count, CUSTOMERS + 21);
    for (unsigned i = 0; i < CUSTOMERS; i++) {
        char name[24];
        struct pair met;
        customer_name(i, name);
        struct destination customer = network(name);
        assert_true(profile_stand_in(p, &customer, &civil, &met));
        assert_int_equal(met.contacts, PAIR_KNOWN_CONTACTS);
        assert_true(survival_pair_known(&met, civil.hour));
        assert_false(profile_is_new(p, &met, civil.hour));
        assert_true(met.hour_location.mean > 15 && met.hour_location.mean < 17.5);
        without += profile_pair(p, &customer) == NULL;
    }
    assert_true(without > CUSTOMERS - PROFILE_PAIRS - 1);
    profile_free(p);
    fleet_free(fleet);
}

static double p_of(enum evidence_kind kind, const struct profile *p, const char *name,
                   const struct fleet *fleet, uint64_t bytes)
{
    struct civil civil = make_civil(MONDAY + 42, 11);
    struct destination d = network(name);
    struct amounts amounts = {.hour = bytes, .day = bytes, .week = bytes, .span = bytes};
    struct day_evidence evidence = {0};
    evidence_add_pair(&evidence, p, profile_pair(p, &d), &d, fleet, &civil, &amounts);
    return exp(-evidence.mark[kind].l);
}

/* 3 MB: of a stranger, as strangers here go, one in a thousand days; of a customer without a pair,
 * his hour, by what he usually takes. */
static void judged_by_what_is_remembered(void **state)
{
    struct fleet *fleet = fleet_new();
    struct profile *p = make_server(fleet);
    char name[24];
    unsigned i = 0;
    (void)state;
    assert_true(p_of(EVIDENCE_NETWORK_WEEK, p, "203.0.113.0/24", fleet, 3000000) < .02);
    assert_true(p_of(EVIDENCE_NETWORK_WEEK, p, "203.0.113.0/24", fleet, 100000) > .05);
    do {
        customer_name(i++, name);
        struct destination d = network(name);
        if (!profile_pair(p, &d))
            break;
    } while (i < CUSTOMERS);
    assert_true(p_of(EVIDENCE_NETWORK_WEEK, p, name, fleet, 3000000) == 1); /* he is not new */
    assert_true(p_of(EVIDENCE_SERVED_HOUR, p, name, fleet, 3000000) < .01);
    assert_true(p_of(EVIDENCE_SERVED_HOUR, p, name, fleet, 100000) > .1);
    profile_free(p);
    fleet_free(fleet);
}

/* What is asked of a pair that was let go for room, and is no network that was met. */
static void of_a_pair_that_is_gone(void **state)
{
    static const enum evidence_kind kinds[] = {EVIDENCE_PAIR_HOUR, EVIDENCE_PAIR_DAY,
                                               EVIDENCE_PAIR_GROWTH, EVIDENCE_PERSISTENCE,
                                               EVIDENCE_SERVED_HOUR};
    struct profile *p = make_profile();
    struct civil civil = make_civil(MONDAY + 42, 11);
    struct destination d = network("203.0.113.0/24");
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        assert_true(evidence_estimate(kinds[i], p, NULL, &d, NULL, &civil, 1000000).p == 1);
    profile_free(p);
}

/* One that grows heavy gets a pair, and stays as known as it was. */
static void a_pair_of_one_that_was_met(void **state)
{
    struct fleet *fleet = fleet_new();
    struct profile *p = make_server(fleet);
    struct destination d;
    char name[24];
    (void)state;
    for (unsigned i = 0; i < CUSTOMERS; i++) {
        customer_name(i, name);
        d = network(name);
        if (!profile_pair(p, &d))
            break;
    }
    uint32_t before = p->new_networks;
    close_one(p, MONDAY + 42, 9, fleet, ROLE_SERVED, name, 900000000);
    const struct pair *pair = profile_pair(p, &d);
    assert_non_null(pair);
    assert_int_equal(pair->contacts, PAIR_KNOWN_CONTACTS + 1);
    assert_true(pair->first_day < MONDAY + 7);
    assert_true(pair->told);
    assert_int_equal(pair->spans_told, PAIR_SPANS);
    for (int day = 43; day < 60; day++)
        close_one(p, MONDAY + day, 9, fleet, ROLE_SERVED, name, 900000);
    assert_true(p->new_networks <= before + 1); /* the stranger of day 40 */
    profile_free(p);
    fleet_free(fleet);
}

/* Of schema 4 and before, those that have a pair are known. */
static void taken_over(void **state)
{
    struct profile *p = profile_unpack(profile_schema_1, sizeof profile_schema_1, NULL);
    struct destination d = make_destination(ROLE_SERVED, DESTINATION_PREFIX, "203.0.113.0/24");
    (void)state;
    assert_non_null(p);
    const struct network *found = networks_find(&p->networks, evidence_name(&d));
    assert_int_equal(p->networks.count, 1);
    assert_non_null(found);
    assert_int_equal(found->hours, PAIR_KNOWN_CONTACTS);
    assert_int_equal(found->first_day, profile_pair(p, &d)->first_day);
    assert_int_equal(found->last_day, profile_pair(p, &d)->today);
    profile_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept),
        cmocka_unit_test(who_goes_when_there_is_no_room),
        cmocka_unit_test(as_it_was_stored),
        cmocka_unit_test(a_customer_without_a_pair_is_no_stranger),
        cmocka_unit_test(judged_by_what_is_remembered),
        cmocka_unit_test(of_a_pair_that_is_gone),
        cmocka_unit_test(a_pair_of_one_that_was_met),
        cmocka_unit_test(taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
