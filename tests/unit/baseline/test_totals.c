/* Totals of the open hours, and their bounds. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"
#include "weir/base/poison.h"

#include <stdlib.h>

static void sums_pairs_and_hosts(void **state)
{
    struct totals *totals = totals_new(10);
    struct ip host = make_host(1);
    struct destination a = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "a.example");
    struct destination b = make_destination(ROLE_SERVED, DESTINATION_DOMAIN, "a.example");
    (void)state;
    assert_null(totals_get(totals, &host, 5));
    struct host_total *total = totals_open(totals, &host, 5);
    assert_ptr_equal(totals_open(totals, &host, 5), total);
    struct pair_total *pair = totals_add(total, &a, (struct volume){10, 8, 12}, 3, 1);
    assert_true(pair->changed);
    pair->changed = false;
    assert_ptr_equal(totals_add(total, &a, (struct volume){5, 5, 5}, 1, 2), pair);
    assert_true(pair->changed);
    assert_ptr_not_equal(totals_add(total, &b, (struct volume){100, 0, 200}, 0, 1), pair);
    assert_int_equal(pair->out.value, 15);
    assert_int_equal(pair->out.low, 13);
    assert_int_equal(pair->out.high, 17);
    assert_int_equal(pair->in_bytes, 4);
    assert_int_equal(pair->flows, 3);
    assert_int_equal(total->out.value, 115);
    assert_int_equal(total->out.high, 217);
    assert_int_equal(total->in_bytes, 4);
    assert_int_equal(total->pairs.count, 2);
    totals_free(totals);
}

static void expect_most(const struct pair_total *pair, uint64_t out, uint64_t in)
{
    assert_int_equal(pair->most.out_bytes, out);
    assert_int_equal(pair->most.in_bytes, in);
}

static struct pair_total *add_noted(struct host_total *total, uint64_t out, uint64_t in)
{
    struct destination a = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "a.example");
    struct pair_total *pair = totals_add(total, &a, exactly(out), in, 1);
    totals_note_upload(pair);
    return pair;
}

/* When most more had gone than come back: from 1 MiB on, and in steps. */
static void knows_the_largest_upload(void **state)
{
    struct ip host = make_host(1);
    struct host_total *total = host_total_new(&host, 5);
    (void)state;
    expect_most(add_noted(total, UPLOAD_LEAST + 99, 100), 0, 0);
    expect_most(add_noted(total, 1, 0), UPLOAD_LEAST + 100, 100);
    expect_most(add_noted(total, 10, 0), UPLOAD_LEAST + 100, 100);
    expect_most(add_noted(total, 0, 9 * UPLOAD_LEAST), UPLOAD_LEAST + 100, 100);
    expect_most(add_noted(total, 9 * UPLOAD_LEAST, 0), UPLOAD_LEAST + 100, 100);
    expect_most(add_noted(total, UPLOAD_LEAST, 0), 11 * UPLOAD_LEAST + 110, 9 * UPLOAD_LEAST + 100);
    host_total_free(total);
}

/* Who sent a destination 64 KiB or more, by the hour with the most of them; once a host. */
static void counts_who_sent_much(void **state)
{
    struct totals *totals = totals_new(10);
    struct destination a = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "a.example");
    struct destination served = make_destination(ROLE_SERVED, DESTINATION_DOMAIN, "a.example");
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        struct ip host = make_host(i);
        struct host_total *total = totals_open(totals, &host, i < 3 ? 7 : 8);
        totals_add(total, &a, exactly(TOTALS_MUCH - 1), 0, 1);
        assert_int_equal(totals_hosts(totals, &a), i < 3 ? i : 3);
        totals_add(total, &a, exactly(1), 0, 1);
        totals_add(total, &a, exactly(TOTALS_MUCH), 0, 1);
        totals_add(total, &served, exactly(TOTALS_MUCH), 0, 1);
        assert_int_equal(totals_hosts(totals, &a), i < 3 ? i + 1 : 3);
    }
    assert_int_equal(totals_hosts(totals, &served), 0);
    struct host_total *own = host_total_new(&(struct ip){{9}}, 8); /* of a sensor before */
    totals_add(own, &a, exactly(TOTALS_MUCH), 0, 1);
    assert_int_equal(totals_hosts(totals, &a), 3);
    assert_true(totals_adopt(totals, own));
    for (unsigned i = 0; i < 3; i++) {
        struct ip host = make_host(i);
        totals_drop(totals, totals_get(totals, &host, 7));
    }
    assert_int_equal(totals_hosts(totals, &a), 3); /* of hour 8: two, and the one that was taken */
    totals_free(totals);
}

/* Two of hour 7 are passed by, beside one that is not; and one of hour 8, in which nobody else is.
 */
static void hours_of_those_passed_by_are_open(void **state)
{
    struct totals *totals = totals_new(10);
    struct destination a = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "a.example");
    struct ip host = make_host(1);
    int64_t oldest = 0;
    (void)state;
    struct host_total *total = totals_open(totals, &host, 7);
    for (int step = 0; step < 3; step++) {
        struct volume some = exactly(TOTALS_MUCH / 2);
        const struct pair_total *pair = totals_add(total, &a, some, 0, 1);
        assert_int_equal(totals_came_to_much(pair, some), step == 1);
    }
    for (int64_t hour = 7; hour <= 8; hour++)
        totals_pass(totals, hour, true);
    totals_pass(totals, 7, false);
    totals_pass(totals, 7, true);
    totals_pass_much(totals, 7, &a);
    assert_int_equal(totals_hosts(totals, &a), 2);
    assert_int_equal(totals_hours(totals), 2);
    assert_int_equal(totals_count(totals), 1);
    struct totals_passed passed = totals_end_passed(totals, 7);
    assert_int_equal(passed.hosts, 2);
    assert_int_equal(passed.hours, 0); /* its own is counted where it ends */
    totals_drop(totals, total);
    assert_int_equal(totals_hosts(totals, &a), 0);
    assert_true(totals_oldest(totals, &oldest));
    assert_int_equal(oldest, 8);
    passed = totals_end_passed(totals, 8);
    assert_int_equal(passed.hosts, 1);
    assert_int_equal(passed.hours, 1);
    assert_false(totals_oldest(totals, &oldest));
    totals_free(totals);
}

static void lists_sorted_by_hour_and_host(void **state)
{
    struct totals *totals = totals_new(100);
    size_t count;
    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        struct ip host = make_host(i * 17 % 40);
        totals_open(totals, &host, 100 + i % 2);
    }
    struct host_total **found = totals_until(totals, 101, &count);
    assert_int_equal(count, 40);
    for (size_t i = 1; i < count; i++)
        assert_true(found[i - 1]->hour < found[i]->hour ||
                    (found[i - 1]->hour == found[i]->hour &&
                     ip_compare(&found[i - 1]->host, &found[i]->host) < 0));
    free(found);
    found = totals_until(totals, 100, &count);
    assert_int_equal(count, 20);
    for (size_t i = 0; i < count; i++)
        totals_drop(totals, found[i]);
    free(found);
    assert_int_equal(totals_count(totals), 20);
    found = totals_until(totals, 99, &count);
    assert_int_equal(count, 0);
    free(found);
    totals_free(totals);
}

static void refuses_hosts_beyond_the_bound(void **state)
{
    struct totals *totals = totals_new(3);
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        struct ip host = make_host(i);
        struct host_total *total = totals_open(totals, &host, 7);
        assert_true((total != NULL) == (i < 3));
    }
    assert_int_equal(totals_refused(totals), 2);
    struct ip last = make_host(4), first = make_host(0);
    assert_non_null(totals_open(totals, &last, 8)); /* another hour has room of its own */
    totals_drop(totals, totals_get(totals, &first, 7));
    assert_non_null(totals_open(totals, &last, 7));
    assert_int_equal(totals_refused(totals), 2);
    totals_free(totals);
}

static void adopts_what_is_not_there(void **state)
{
    struct totals *totals = totals_new(2);
    struct ip host[3] = {make_host(1), make_host(2), make_host(3)};
    struct destination a = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "a.example");
    struct host_total *own = host_total_new(&host[0], 7);
    (void)state;
    totals_add(own, &a, exactly(5), 0, 1);
    assert_true(totals_adopt(totals, own));
    assert_ptr_equal(totals_get(totals, &host[0], 7), own);
    assert_int_equal(own->out.value, 5);
    assert_false(totals_adopt(totals, host_total_new(&host[0], 7))); /* one is there */
    assert_ptr_equal(totals_get(totals, &host[0], 7), own);
    assert_int_equal(totals_refused(totals), 0);
    assert_non_null(totals_open(totals, &host[1], 7));
    for (int i = 0; i < 2; i++) {
        struct host_total *third = host_total_new(&host[2], 7);
        totals_add(third, &a, exactly(5), 0, 1);
        assert_true(totals_adopt(totals, third) == (i == 1)); /* no room at first */
        assert_int_equal(totals_refused(totals), 1);
        if (i == 0)
            totals_drop(totals, own);
    }
    totals_free(totals);
}

/* Who only receives takes no sender's place, and the other way about. */
static void receivers_are_bounded_apart(void **state)
{
    struct totals *totals = totals_new(2);
    struct ip host[5];
    int64_t oldest;
    (void)state;
    for (unsigned i = 0; i < 5; i++)
        host[i] = make_host(i);
    struct host_total *total = totals_receive(totals, &host[0], 7, 100);
    assert_ptr_equal(totals_receive(totals, &host[0], 7, 11), total);
    assert_int_equal(total->inside_bytes, 111);
    assert_true(total->inside_changed && !total->sends);
    assert_int_equal(totals_pairs(totals), 1); /* it has the room of one */
    assert_non_null(totals_receive(totals, &host[1], 7, 1));
    assert_null(totals_receive(totals, &host[2], 7, 1));
    assert_non_null(totals_receive(totals, &host[2], 8, 1)); /* another hour */
    assert_int_equal(totals_refused(totals), 0);
    assert_non_null(totals_open(totals, &host[2], 7));
    assert_ptr_equal(totals_open(totals, &host[0], 7), total); /* it sends now */
    assert_true(total->sends);
    assert_int_equal(total->inside_bytes, 111);
    assert_null(totals_open(totals, &host[1], 7)); /* two do */
    assert_int_equal(totals_refused(totals), 1);
    assert_non_null(totals_receive(totals, &host[2], 7, 5)); /* a sender receives, too */
    assert_non_null(totals_receive(totals, &host[3], 7, 5)); /* in place of the first */
    assert_null(totals_receive(totals, &host[4], 7, 5));
    assert_int_equal(totals_pairs(totals), 5);
    for (unsigned i = 0; i < 4; i++)
        totals_drop(totals, totals_get(totals, &host[i], 7));
    assert_int_equal(totals_pairs(totals), 1);
    assert_int_equal(totals_hours(totals), 1);
    assert_true(totals_oldest(totals, &oldest) && oldest == 8);
    total = totals_receive(totals, &host[2], 8, UINT64_MAX);
    assert_true(total->inside_bytes == UINT64_MAX);
    totals_free(totals);
}

static void overflow_goes_to_other_by_role(void **state)
{
    struct ip host = make_host(1);
    struct host_total *total = host_total_new(&host, 1);
    char name[32], key[DESTINATION_KEY_SIZE];
    (void)state;
    for (unsigned i = 0; i < TOTALS_PAIRS + 10; i++) {
        snprintf(name, sizeof name, "d%u.example", i);
        struct destination d = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, name);
        totals_add(total, &d, exactly(1), 0, 1);
    }
    struct destination served = make_destination(ROLE_SERVED, DESTINATION_DOMAIN, "x.example");
    struct pair_total *pair = totals_add(total, &served, exactly(7), 0, 1);
    assert_string_equal(destination_key(&pair->destination, key), "served|prefix|other");
    assert_int_equal(total->overflow, 11);
    assert_int_equal(total->out.value, TOTALS_PAIRS + 17);
    struct destination known = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "d5.example");
    assert_int_equal(totals_add(total, &known, exactly(1), 0, 0)->out.value, 2);
    struct destination other = destination_other(ROLE_CLIENT);
    assert_int_equal(totals_add(total, &other, exactly(0), 0, 0)->out.value, 10);
    assert_int_equal(total->pairs.count, TOTALS_PAIRS + 2);
    host_total_free(total);
    host_total_free(NULL);
    totals_free(NULL);
}

static void starts_are_kept_by_pair_and_bounded_by_host(void **state)
{
    struct ip ip = make_host(1);
    struct host_total *host = host_total_new(&ip, 1);
    struct destination other = destination_other(ROLE_CLIENT);
    struct pair_total *pair = totals_add(host, &other, exactly(1), 0, 1);
    char name[32];
    (void)state;
    totals_start(host, pair, 5, 10);
    assert_int_equal(pair->starts.count, 0);
    for (unsigned i = 0; i < TOTALS_STARTS / STARTS_MAX; i++) {
        snprintf(name, sizeof name, "d%u.example", i);
        struct destination d = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, name);
        pair = totals_add(host, &d, exactly(1), 0, 1);
        pair->changed = false;
        for (unsigned second = 300; second-- > 0;) /* of 300 the earliest 256 */
            totals_start(host, pair, second, 1);
        assert_true(pair->changed);
    }
    assert_int_equal(pair->starts.count, STARTS_MAX);
    assert_int_equal(host->starts, TOTALS_STARTS);
    assert_int_equal(host->starts_refused, 0);
    totals_start(host, pair, 5, 10); /* is kept already */
    assert_int_equal(pair->starts.at[5].bytes, 11);
    struct destination last = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "last.example");
    totals_starts(host, totals_add(host, &last, exactly(1), 0, 1), &pair->starts);
    assert_int_equal(host->starts_refused, STARTS_MAX);
    assert_int_equal(host->starts, TOTALS_STARTS);
    host_total_free(host);
}

/* Room for 164. What is there goes on; what is new is "other",
 * two a host at most; an hour that goes makes room. */
static void all_pairs_together_are_bounded(void **state)
{
    struct totals *totals = totals_new(10);
    struct host_total *total[4];
    char name[32];
    (void)state;
    totals_set_room(totals, 164);
    for (unsigned h = 0; h < 4; h++) {
        struct ip host = make_host(h);
        total[h] = totals_open(totals, &host, 5);
        for (unsigned i = 0; i < 50; i++) {
            snprintf(name, sizeof name, "%u.example", i);
            struct destination d = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, name);
            totals_add(total[h], &d, exactly(1), 0, 1);
        }
    }
    assert_int_equal(total[2]->pairs.count, 50);
    assert_int_equal(total[3]->pairs.count, 14 + 1);
    assert_int_equal(total[3]->overflow, 36);
    assert_int_equal(total[3]->out.value, 50);
    assert_int_equal(totals_pairs(totals), 165);
    struct destination known = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "7.example");
    assert_int_equal(totals_add(total[0], &known, exactly(1), 0, 0)->out.value, 2);
    struct destination fresh = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "x.example");
    totals_drop(totals, total[1]);
    assert_int_equal(totals_pairs(totals), 115);
    assert_false(
        destination_is_other(&totals_add(total[3], &fresh, exactly(1), 0, 0)->destination));
    /* A sum of its own is bounded by itself. */
    struct ip host = make_host(9);
    struct host_total *own = host_total_new(&host, 6);
    for (unsigned i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "%u.example", i);
        struct destination d = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, name);
        totals_add(own, &d, exactly(1), 0, 1);
    }
    assert_int_equal(own->pairs.count, 300);
    assert_true(totals_adopt(totals, own));
    assert_int_equal(totals_pairs(totals), 416);
    totals_free(totals);
}

/* Kept for the next pair, and nobody's until then. */
static void a_freed_pair_is_poisoned(void **state)
{
    struct destination d = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "a.example");
    (void)state;
    if (!WEIR_POISONS)
        skip();
    struct pair_total *pair = pair_total_new(&d);
    const char *text = pair->destination.name; /* and its key behind it */
    assert_false(is_poisoned(&pair->out));
    pair_total_free(pair);
    assert_true(is_poisoned(&pair->out));
    assert_true(is_poisoned(&pair->flows));
    assert_true(is_poisoned(text) && is_poisoned(text + 63));
    assert_ptr_equal(pair_total_new(&d), pair);
    assert_false(is_poisoned(&pair->out));
    assert_false(is_poisoned(text) || is_poisoned(text + 63));
    pair_total_free(pair);
}

/* With the room of few, which is the next one's; of many it is let go. */
static void a_freed_pair_has_no_starts(void **state)
{
    struct destination d = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "a.example");
    (void)state;
    for (uint32_t starts = 1; starts <= 5; starts += 4) {
        struct pair_total *pair = pair_total_new(&d);
        for (uint32_t i = 0; i < starts; i++)
            starts_add(&pair->starts, i, 7);
        const struct start *at = pair->starts.at;
        pair_total_free(pair);
        assert_ptr_equal(pair_total_new(&d), pair);
        assert_int_equal(pair->starts.count, 0);
        assert_int_equal(pair->starts.room, starts == 1 ? 4 : 0);
        assert_ptr_equal(pair->starts.at, starts == 1 ? at : NULL);
        pair_total_free(pair);
    }
}

/* Of every length; in a block that another had, and in one of its own. */
static void names_of_any_length(void **state)
{
    struct ip host = make_host(1);
    (void)state;
    for (size_t size = 1; size < DESTINATION_NAME_SIZE; size++) {
        struct host_total *total = host_total_new(&host, 5);
        struct destination d = {.role = ROLE_SERVED, .kind = DESTINATION_PREFIX}, copy;
        char key[DESTINATION_KEY_SIZE];
        memset(d.name, 'a', size);
        struct pair_total *pair = totals_add(total, &d, exactly(size), 0, 1);
        assert_ptr_equal(totals_add(total, &d, exactly(1), 0, 0), pair);
        assert_ptr_equal(map_get(&total->pairs, key, destination_put_key(&d, key)), pair);
        destination_copy(&pair->destination, &copy);
        assert_memory_equal(&copy, &d, sizeof d);
        assert_int_equal(pair->out.value, size + 1);
        assert_int_equal(pair->flows, 1);
        host_total_free(total);
    }
}

static void a_freed_host_is_poisoned(void **state)
{
    struct destination d = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "a.example");
    struct ip host = make_host(1);
    (void)state;
    if (!WEIR_POISONS)
        skip();
    struct host_total *total = host_total_new(&host, 5);
    totals_add(total, &d, exactly(1), 0, 1);
    host_total_free(total);
    assert_true(is_poisoned(&total->host) && is_poisoned(&total->hour));
    assert_true(is_poisoned(&total->out) && is_poisoned(&total->totals));
    assert_ptr_equal(host_total_new(&host, 6), total);
    assert_false(is_poisoned(&total->host) || is_poisoned(&total->hour));
    assert_false(is_poisoned(&total->out) || is_poisoned(&total->totals));
    assert_int_equal(total->out.value, 0);
    host_total_free(total);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_pairs_and_hosts),
        cmocka_unit_test(knows_the_largest_upload),
        cmocka_unit_test(counts_who_sent_much),
        cmocka_unit_test(hours_of_those_passed_by_are_open),
        cmocka_unit_test(lists_sorted_by_hour_and_host),
        cmocka_unit_test(refuses_hosts_beyond_the_bound),
        cmocka_unit_test(adopts_what_is_not_there),
        cmocka_unit_test(receivers_are_bounded_apart),
        cmocka_unit_test(overflow_goes_to_other_by_role),
        cmocka_unit_test(starts_are_kept_by_pair_and_bounded_by_host),
        cmocka_unit_test(all_pairs_together_are_bounded),
        cmocka_unit_test(names_of_any_length),
        cmocka_unit_test(a_freed_pair_is_poisoned),
        cmocka_unit_test(a_freed_pair_has_no_starts),
        cmocka_unit_test(a_freed_host_is_poisoned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
