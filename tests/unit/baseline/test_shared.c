/* Destinations that are new to the whole fleet, and the few hosts that send to them: who counts,
 * what is not new or not rare, what it says as evidence (by hand), what is stored, what schema 3
 * had. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "close.h"
#include "make.h"
#include "schema_3.h"
#include "weir/base/buffer.h"
#include "weir/baseline/evidence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)

static const char drop_name[] = "drop.example";

static struct destination drop(void)
{
    return make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, drop_name);
}

static struct shared shared_of(const struct fleet *fleet, unsigned host, int64_t day)
{
    struct ip ip = make_host(host);
    struct destination d = drop();
    return fleet_shared(fleet, &ip, &d, day);
}

/* As an hour's close tells it: it was used, and so much was sent in all. */
static void send(struct fleet *fleet, unsigned host, uint64_t bytes, int64_t day)
{
    struct ip ip = make_host(host);
    struct destination d = drop();
    struct civil civil = make_civil(day, 10);
    fleet_note_pair(fleet, &ip, "", &d, bytes, NAN, &civil);
    fleet_note_sent(fleet, &ip, &d, bytes, day);
}

static void with_hosts(struct fleet *fleet, unsigned count)
{
    struct civil civil = make_civil(MONDAY, 9);
    for (unsigned i = 0; i < count; i++) {
        struct ip ip = make_host(1000 + i);
        fleet_note_host(fleet, &ip, "", &civil, true, 1000, NAN, false);
    }
}

static void who_counts(void **state)
{
    struct fleet *fleet = fleet_new();
    (void)state;
    send(fleet, 1, 64 * KIB, MONDAY);
    assert_int_equal(shared_of(fleet, 2, MONDAY).others, 0); /* not before it is applied */
    fleet_apply(fleet);
    assert_int_equal(shared_of(fleet, 1, MONDAY).others, 0); /* nobody is his own company */
    struct shared shared = shared_of(fleet, 2, MONDAY);
    assert_int_equal(shared.others, 1);
    assert_int_equal(shared.since, MONDAY);
    assert_int_equal(shared.bytes[0], histogram_floor(histogram_bin(64 * KIB)));
    send(fleet, 1, 9 * MIB, MONDAY + 2); /* in all by now */
    send(fleet, 1, 3 * MIB, MONDAY + 2); /* told of an hour before, late: less */
    fleet_apply(fleet);
    assert_int_equal(shared_of(fleet, 2, MONDAY + 6).bytes[0],
                     histogram_floor(histogram_bin(9 * MIB)));
    assert_int_equal(shared_of(fleet, 2, MONDAY + 7).others, 0); /* a week old */
    send(fleet, 2, 64 * KIB - 1, MONDAY + 2);                    /* less than counts */
    fleet_apply(fleet);
    assert_int_equal(shared_of(fleet, 1, MONDAY + 2).others, 0);
    fleet_free(fleet);
}

static void too_many_are_not_rare(void **state)
{
    struct fleet *fleet = fleet_new();
    (void)state;
    with_hosts(fleet, 10);
    for (unsigned host = 1; host <= 2; host++)
        send(fleet, host, MIB, MONDAY);
    fleet_apply(fleet);
    assert_int_equal(shared_of(fleet, 1, MONDAY).others, 1); /* two are always few */
    assert_int_equal(shared_of(fleet, 3, MONDAY).others, 0); /* a third is 30 % */
    with_hosts(fleet, 250);
    for (unsigned host = 3; host <= 5; host++)
        send(fleet, host, host * MIB, MONDAY + 1);
    fleet_apply(fleet);
    struct shared shared = shared_of(fleet, 1, MONDAY + 1);
    assert_int_equal(shared.others, 4); /* five of 250 */
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(shared.bytes[i],
                         histogram_floor(histogram_bin((i < 3 ? 5 - i : 1) * MIB)));
    assert_int_equal(shared_of(fleet, 6, MONDAY + 1).others, 0);
    send(fleet, 6, 1000, MONDAY + 1); /* who sends little uses it, too */
    fleet_apply(fleet);
    assert_int_equal(shared_of(fleet, 1, MONDAY + 1).others, 0);
    fleet_free(fleet);
}

/* Sensors tell of an hour's hosts in any order. */
static void in_any_order(void **state)
{
    struct buffer blob[2] = {{0}, {0}};
    (void)state;
    for (int way = 0; way < 2; way++) {
        struct fleet *fleet = fleet_new();
        for (unsigned i = 0; i < 9; i++) {
            unsigned host = way ? 9 - i : 1 + i;
            send(fleet, host, host * MIB, MONDAY);
        }
        fleet_apply(fleet);
        fleet_pack(fleet, &blob[way]);
        struct fleet *back = fleet_unpack(blob[way].data, blob[way].size, NULL);
        assert_non_null(back);
        fleet_free(back);
        fleet_free(fleet);
    }
    assert_int_equal(blob[0].size, blob[1].size);
    assert_memory_equal(blob[0].data, blob[1].data, blob[0].size);
    buffer_fini(&blob[0]);
    buffer_fini(&blob[1]);
}

static void stored_and_forgotten(void **state)
{
    struct fleet *fleet = fleet_new();
    struct buffer blob = {0};
    struct ip gone = make_host(1);
    (void)state;
    send(fleet, 1, MIB, MONDAY);
    send(fleet, 2, 4 * MIB, MONDAY + 3);
    fleet_apply(fleet);
    fleet_pack(fleet, &blob);
    struct fleet *back = fleet_unpack(blob.data, blob.size, NULL);
    struct shared before = shared_of(fleet, 2, MONDAY + 6), after = shared_of(back, 2, MONDAY + 6);
    assert_int_equal(after.others, 1);
    assert_int_equal(after.since, MONDAY);
    assert_memory_equal(&before, &after, sizeof before);
    for (size_t cut = 0; cut < blob.size; cut++)
        assert_null(fleet_unpack(blob.data, cut, NULL));
    fleet_forget_host(back, &gone);
    assert_int_equal(shared_of(back, 2, MONDAY + 6).others, 0);
    assert_int_equal(shared_of(back, 1, MONDAY + 6).others, 1);
    fleet_free(back);
    buffer_fini(&blob);
    fleet_free(fleet);
}

/* --- evidence --------------------------------------------------------------------------------- */

static double l_of(const struct profile *profile, const struct fleet *fleet, uint64_t bytes)
{
    struct destination d = drop();
    struct civil civil = make_civil(MONDAY + 20, 12);
    return -log(evidence_estimate(EVIDENCE_RARE, profile, NULL, &d, fleet, &civil, bytes).p);
}

static double part(uint64_t bytes)
{
    return log(1 + (double)histogram_floor(histogram_bin(bytes)) / 65536);
}

static void evidence_by_hand(void **state)
{
    struct fleet *fleet = fleet_new();
    struct profile *p = make_profile();
    (void)state;
    with_hosts(fleet, 250);
    assert_near(l_of(p, fleet, 4 * MIB) + 1, 1);
    send(fleet, 1, MIB, MONDAY + 19);
    fleet_apply(fleet);
    assert_near(l_of(p, fleet, 4 * MIB), part(MIB)); /* the least of both */
    assert_near(l_of(p, fleet, 512 * KIB), part(512 * KIB));
    send(fleet, 2, 8 * MIB, MONDAY + 19);
    fleet_apply(fleet);
    assert_near(l_of(p, fleet, 4 * MIB),
                2 * part(MIB)); /* three hosts at 1 MiB say more than two at 4 */
    send(fleet, 3, 64 * KIB, MONDAY + 19);
    fleet_apply(fleet);
    assert_near(l_of(p, fleet, 4 * MIB), 2 * part(MIB)); /* and more than four at 64 KiB */
    double last = 0;
    for (uint64_t bytes = 64 * KIB; bytes < 64 * MIB; bytes += bytes / 8) {
        double l = l_of(p, fleet, bytes);
        assert_true(l >= last);
        last = l;
    }
    profile_free(p);
    fleet_free(fleet);
}

static void with_measure(struct fleet *fleet)
{
    for (int i = 0; i < 7; i++)
        fleet_note_exposed_day(fleet, false, histogram_week(MONDAY + 14));
    fleet_apply(fleet);
}

/* Two hosts of three weeks meet the drop; the first in one hour, the second in another, or both in
 * the same. */
static void close_both(struct profile *p[2], struct fleet *fleet, int64_t day, int hour, bool first,
                       bool second)
{
    bool sends[2] = {first, second};
    for (int i = 0; i < 2; i++)
        close_one(p[i], day, hour, fleet, ROLE_CLIENT, sends[i] ? drop_name : "daily.example",
                  2 * MIB);
    fleet_apply(fleet);
}

static void judge_both(bool together, double l[2])
{
    struct fleet *fleet = fleet_new();
    struct profile *p[2];
    for (unsigned i = 0; i < 2; i++) {
        struct ip ip = make_host(1 + i);
        p[i] = profile_new(&ip, MONDAY * 24);
    }
    with_hosts(fleet, 10);
    with_measure(fleet);
    for (int day = 0; day < 20; day++)
        close_both(p, fleet, MONDAY + day, 9, false, false);
    close_both(p, fleet, MONDAY + 20, 10, true, together);
    assert_int_equal(p[0]->evidence.mark[EVIDENCE_RARE].l > 0, 0);
    close_both(p, fleet, MONDAY + 20, 11, false, !together);
    close_both(p, fleet, MONDAY + 20, 12, false, false);
    for (int i = 0; i < 2; i++) {
        struct destination d = drop();
        const struct evidence_mark *mark = &p[i]->evidence.mark[EVIDENCE_RARE];
        assert_true(p[i]->evidence.known >> EVIDENCE_RARE & 1u);
        l[i] = mark->l;
        assert_int_equal(mark->pair, evidence_name(&d));
        assert_int_equal(mark->bytes, histogram_floor(histogram_bin(2 * MIB)));
        profile_free(p[i]);
    }
    fleet_free(fleet);
}

static void learned_by_both(void **state)
{
    double l[2];
    (void)state;
    judge_both(false, l);
    assert_true(fabs(l[0] - part(2 * MIB)) < 1e-6 && fabs(l[1] - part(2 * MIB)) < 1e-6);
    judge_both(true, l); /* neither was known when the other was closed: the next hour tells */
    assert_true(fabs(l[0] - part(2 * MIB)) < 1e-6 && fabs(l[1] - part(2 * MIB)) < 1e-6);
}

/* Before the fleet has counted anything new, all is new: that is not known, and not 0. */
static void not_known_at_first(void **state)
{
    struct fleet *fleet = fleet_new();
    struct profile *p = make_profile();
    (void)state;
    for (int day = 0; day < 9; day++) {
        close_one(p, MONDAY + day, 9, fleet, ROLE_CLIENT, "daily.example", MIB);
        fleet_apply(fleet);
    }
    assert_true(p->evidence.known != 0);
    assert_int_equal(p->evidence.known >> EVIDENCE_RARE & 1u, 0);
    profile_free(p);
    fleet_free(fleet);
}

/* --- waves -------------------------------------------------------------------------------------
 */

/* Three who sent much, and more than 2 % who use it: a roll-out, for three weeks from its first
 * day.
 */
static void a_wave(void **state)
{
    struct fleet *fleet = fleet_new();
    struct destination d = drop();
    (void)state;
    send(fleet, 1, MIB, MONDAY);
    send(fleet, 2, MIB, MONDAY);
    send(fleet, 3, 63 * KIB, MONDAY); /* met it, and no more */
    fleet_apply(fleet);
    assert_false(fleet_is_wave(fleet, &d, 2, MONDAY));
    assert_true(fleet_is_wave(fleet, &d, 3, MONDAY)); /* of the open hour */
    send(fleet, 4, MIB, MONDAY + 1);
    fleet_apply(fleet);
    assert_true(fleet_is_wave(fleet, &d, 0, MONDAY + 20));
    assert_false(fleet_is_wave(fleet, &d, 0, MONDAY + 21));
    with_hosts(fleet, 200); /* now four are 2 % */
    fleet_apply(fleet);
    assert_false(fleet_is_wave(fleet, &d, 0, MONDAY + 2));
    assert_true(fleet_is_wave(fleet, &d, 5, MONDAY + 2));
    fleet_free(fleet);
}

/* What was marked before is taken back, as of when the host met it; other destinations' stays. */
static void a_wave_is_nobodys(void **state)
{
    struct profile *p = make_profile();
    struct fleet *fleet = fleet_new();
    struct destination d = drop();
    struct day_evidence evidence = {.known = 1u << EVIDENCE_YOUNG_WEEK | 1u << EVIDENCE_RARE};
    (void)state;
    close_one(p, MONDAY, 9, NULL, ROLE_CLIENT, drop_name, MIB);
    evidence.mark[EVIDENCE_YOUNG_WEEK] = (struct evidence_mark){5, MIB, evidence_name(&d)};
    evidence.mark[EVIDENCE_RARE] = (struct evidence_mark){4, MIB, evidence_name(&d)};
    evidence.mark[EVIDENCE_YOUNG_HOUR] = (struct evidence_mark){3, MIB, 77};
    evidence.mark[EVIDENCE_PAIR_HOUR] = (struct evidence_mark){2, MIB, evidence_name(&d)};
    evidence_drop_waves(&evidence, p, fleet);
    assert_near(evidence.mark[EVIDENCE_YOUNG_WEEK].l, 5);
    for (unsigned host = 1; host <= 3; host++)
        send(fleet, host, MIB, MONDAY);
    fleet_apply(fleet);
    evidence_drop_waves(&evidence, p, fleet);
    assert_near(evidence.mark[EVIDENCE_YOUNG_WEEK].l, 0);
    assert_near(evidence.mark[EVIDENCE_RARE].l, 0);
    assert_near(evidence.mark[EVIDENCE_YOUNG_HOUR].l, 3);
    assert_near(evidence.mark[EVIDENCE_PAIR_HOUR].l, 2);
    assert_int_equal(evidence.known, 1u << EVIDENCE_YOUNG_WEEK | 1u << EVIDENCE_RARE);
    profile_free(p);
    fleet_free(fleet);
}

/* --- schema 3 --------------------------------------------------------------------------------- */

/* Since when a destination was used that sensor did not say, so it is not new. */
static void schema_3_is_taken_over(void **state)
{
    struct fleet *fleet = fleet_unpack(fleet_schema_3, sizeof fleet_schema_3, NULL);
    struct destination d = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "a.example");
    struct ip ip = make_host(1), other = make_host(2);
    (void)state;
    assert_non_null(fleet);
    assert_int_equal(fleet_prevalence(fleet, &d), 1);
    fleet_note_sent(fleet, &other, &d, MIB, MONDAY + 9);
    fleet_apply(fleet);
    assert_int_equal(fleet_shared(fleet, &ip, &d, MONDAY + 9).others, 0);
    assert_false(fleet_is_wave(fleet, &d, 100, MONDAY + 9));
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_counts),
        cmocka_unit_test(too_many_are_not_rare),
        cmocka_unit_test(in_any_order),
        cmocka_unit_test(stored_and_forgotten),
        cmocka_unit_test(evidence_by_hand),
        cmocka_unit_test(learned_by_both),
        cmocka_unit_test(a_wave),
        cmocka_unit_test(a_wave_is_nobodys),
        cmocka_unit_test(not_known_at_first),
        cmocka_unit_test(schema_3_is_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
