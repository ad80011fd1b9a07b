/* Calibration, fusion and the budget, by hand: numbers are of docs/detection.md's formulas. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "close.h"
#include "make.h"
#include "schema_3.h"
#include "weir/base/digest.h"
#include "weir/baseline/evidence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define near(a, b) assert_true(fabs((a) - (b)) < 1e-9)

#define EMPTY        1    /* a histogram, packed */
#define SENT_KINDS   19.0 /* a host's own, and what they weigh in all */
#define SENT_WEIGHTS 19.2

static const struct measures nobody = {NULL, NULL};

/* --- calibration ------------------------------------------------------------------------------ */

static void bins_are_a_twentieth_apart(void **state)
{
    (void)state;
    assert_int_equal(calibration_bin(0), 0);
    assert_int_equal(calibration_bin(-1), 0);
    assert_int_equal(calibration_bin(0.0512), 0); /* e^.05 − 1 = .05127 */
    assert_int_equal(calibration_bin(0.0513), 1);
    assert_int_equal(calibration_bin(1), 13);    /* 20·ln 2 = 13.86 */
    assert_int_equal(calibration_bin(27.6), 67); /* 20·ln 28.6 = 67.07 */
    assert_int_equal(calibration_bin(1e9), CALIBRATION_BINS - 1);
}

/* Before anything was measured: the union bound of a day's looks. */
static void belief_stands_in(void **state)
{
    (void)state;
    near(calibrated(&nobody, EVIDENCE_HOST_DAY, false, 5), exp(-5));
    near(calibrated(&nobody, EVIDENCE_HOST_HOUR, false, 5), 24 * exp(-5));
    near(calibrated(&nobody, EVIDENCE_HOST_HOUR, false, 3), 1);
    near(calibrated(&nobody, EVIDENCE_HOST_DAY, false, 0), 1);
    near(calibrated(&nobody, EVIDENCES + EVIDENCE_SENT, false, 10), 1.7 * exp(-10 / 1.82));
    near(calibrated(&nobody, EVIDENCES + EVIDENCE_SERVED, true, 10), 1.95 * exp(-10 / 1.5));
}

/* 90 days of L = 1, 10 of L = 5: 97 % lie up to bin 35 (20·ln 6 = 35.8), nothing above. */
static void measured_by_a_fleet_and_a_group(void **state)
{
    struct calibrations *fleet = calloc(1, sizeof *fleet), *group = calloc(1, sizeof *group);
    struct calibration *of = &fleet->of[EVIDENCE_HOST_DAY][0];
    const struct measures alone = {NULL, fleet}, both = {group, fleet};
    double beyond = expm1(36 / 20.0) + 2, s;
    (void)state;
    of->count[13] = 90;
    of->count[35] = 10;
    calibration_fit(of, EVIDENCE_HOST_DAY);
    assert_int_equal(of->from, 35);
    near(of->above, 0.5 / 101);
    near(of->sigma, 1);
    near(calibrated(&alone, EVIDENCE_HOST_DAY, false, 5), (10 + 10 * exp(-5)) / 110);
    near(calibrated(&alone, EVIDENCE_HOST_DAY, false, 1), (100 + 10 * exp(-1)) / 110);
    s = (100 * 0.5 / 101 * exp(-2) + 10 * exp(-beyond)) / 110;
    near(calibrated(&alone, EVIDENCE_HOST_DAY, false, beyond), s);
    near(calibrated(&alone, EVIDENCE_HOST_DAY, true, 5), exp(-5)); /* days off are apart */
    group->of[EVIDENCE_HOST_DAY][0].count[40] = 100;
    calibration_fit(&group->of[EVIDENCE_HOST_DAY][0], EVIDENCE_HOST_DAY);
    near(calibrated(&both, EVIDENCE_HOST_DAY, false, 5),
         (100 + 300 * (10 + 10 * exp(-5)) / 110) / 400);
    for (double l = 0, last = 1; l < 60; l += 0.01) { /* never rising */
        s = calibrated(&both, EVIDENCE_HOST_DAY, false, l);
        assert_true(s <= last && s > 0);
        last = s;
    }
    free(fleet);
    free(group);
}

/* One day beyond belief does not make the next one ordinary. */
static void a_theft_is_no_measure(void **state)
{
    struct calibrations *fleet = calloc(1, sizeof *fleet);
    const struct measures measures = {NULL, fleet};
    struct calibration *of = &fleet->of[EVIDENCE_HOST_DAY][0];
    (void)state;
    of->count[13] = 1000;
    calibration_fit(of, EVIDENCE_HOST_DAY);
    unsigned bin = calibration_guarded(&measures, EVIDENCE_HOST_DAY, false, 50);
    assert_true(bin < calibration_bin(50) && bin > 13);
    assert_true(calibrated(&measures, EVIDENCE_HOST_DAY, false, expm1(bin / 20.0)) >= 1e-4);
    assert_true(calibrated(&measures, EVIDENCE_HOST_DAY, false, expm1((bin + 1) / 20.0)) < 1e-4);
    assert_int_equal(calibration_guarded(&measures, EVIDENCE_HOST_DAY, false, 1), 13);
    free(fleet);
}

/* What lasts is one event: a level counts when it is newly reached, for seven days. */
static void a_state_that_lasts_is_one_event(void **state)
{
    struct calibration *of = calloc(1, sizeof *of);
    struct counted_at last = {0};
    static const struct {
        int day;
        unsigned bin;
    } days[] = {{0, 10}, {1, 20}, {2, 20}, {3, 15}, {7, 20}, {8, 20}, {9, 5}};
    (void)state;
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        calibration_count(of, &last, days[i].day, days[i].bin);
        calibration_remember(&last, days[i].day, days[i].bin);
    }
    calibration_fit(of, EVIDENCE_HOST_DAY);
    near(of->total, 7);
    near(of->reached[10], 2); /* on day 0, and on day 8, seven days after day 1 */
    near(of->reached[20], 2);
    near(of->reached[21], 0);
    near(of->count[0], 5);
    assert_true(last.day == 8 && last.bin == 20);
    /* Halved between, the count that moves up owes something where it was; above that is so. */
    *of = (struct calibration){.count[10] = 0.5, .count[0] = 3.5};
    last = (struct counted_at){0, 10};
    calibration_count(of, &last, 1, 30);
    calibration_fit(of, EVIDENCE_HOST_DAY);
    near(of->count[10], -0.5);
    near(of->reached[30], 1);
    near(of->reached[5], 1); /* not .5: never less than above it */
    near(of->total, 5);
    free(of);
}

/* --- fusion ----------------------------------------------------------------------------------- */

static void set(struct day_evidence *evidence, enum evidence_kind kind, double l)
{
    evidence->known |= 1u << kind;
    evidence->mark[kind].l = l;
}

static void weights_have_a_mean_of_one(void **state)
{
    double sum[EVIDENCE_SIDES] = {0};
    (void)state;
    for (int kind = 0; kind < EVIDENCES; kind++)
        sum[evidence_side((enum evidence_kind)kind)] += evidence_weight((enum evidence_kind)kind);
    near(sum[EVIDENCE_SENT], SENT_KINDS);
    near(sum[EVIDENCE_SERVED], 5);
    near(evidence_weight(EVIDENCE_YOUNG_WEEK), 1.5 * SENT_KINDS / SENT_WEIGHTS);
    near(evidence_weight(EVIDENCE_UPLOAD_ALONE), 0);
}

static void fused_by_hand(void **state)
{
    struct day_evidence evidence = {0};
    (void)state;
    struct fused fused = evidence_fuse(&evidence, EVIDENCE_SENT, false, &nobody);
    assert_false(fused.e > 0);
    near(fused.p, 1);
    near(fused.p_absolute, 1);
    near(fused.p_upload, 1);
    set(&evidence, EVIDENCE_UPLOAD_ALONE, 8);  /* ten looks; no part of E */
    set(&evidence, EVIDENCE_HOST_DAY, 5);      /* L̂ 5 */
    set(&evidence, EVIDENCE_PAIR_DAY, 10);     /* ten looks: L̂ 10 − ln 10 */
    set(&evidence, EVIDENCE_ABSOLUTE_DAY, 3);  /* L̂ 3 */
    set(&evidence, EVIDENCE_HOST_HOUR, 2);     /* 24·e⁻² > 1: says nothing */
    set(&evidence, EVIDENCE_NETWORK_WEEK, 20); /* the other side's */
    fused = evidence_fuse(&evidence, EVIDENCE_SENT, false, &nobody);
    double pair = 10 - log(10), w = SENT_KINDS / SENT_WEIGHTS;
    double sum = w * (.5 * pow(5, 2.5) + .6 * pow(pair, 2.5) + .5 * pow(3, 2.5));
    near(fused.e, pow(sum, 0.4));
    near(fused.p, 1.7 * exp(-pow(sum, 0.4) / 1.82));
    near(fused.p_absolute, exp(-3));
    near(fused.p_upload, 10 * exp(-8));
    near(fused.share[EVIDENCE_UPLOAD_ALONE], 0);
    near(fused.share[EVIDENCE_HOST_DAY], w * .5 * pow(5, 2.5) / sum);
    near(fused.share[EVIDENCE_HOST_HOUR], 0);
    near(fused.share[EVIDENCE_NETWORK_WEEK], 0);
    fused = evidence_fuse(&evidence, EVIDENCE_SERVED, false, &nobody);
    near(fused.e, pow(1.5 * 5 / 5.5, 0.4) * 12.5); /* of 20, 10 and a quarter of the rest */
    near(fused.p_absolute, 1);
    near(fused.p_upload, 1);
}

/* Of what only its own past could say a newcomer has nothing: that is no word for it. */
static void of_a_newcomer_what_is_absent_is_not_quiet(void **state)
{
    struct day_evidence evidence = {0};
    (void)state;
    set(&evidence, EVIDENCE_ABSOLUTE_DAY, 5);
    set(&evidence, EVIDENCE_YOUNG_WEEK, 6);
    struct fused first = evidence_fuse(&evidence, EVIDENCE_SENT, false, &nobody);
    set(&evidence, EVIDENCE_UPLOAD, 0); /* one more that it can have */
    near(evidence_fuse(&evidence, EVIDENCE_SENT, false, &nobody).e, first.e);
    set(&evidence, EVIDENCE_HOST_DAY, 0); /* its first week is over */
    struct fused later = evidence_fuse(&evidence, EVIDENCE_SENT, false, &nobody);
    near(first.e, pow(SENT_WEIGHTS / 9, 0.2) * later.e);
    near(first.share[EVIDENCE_YOUNG_WEEK], later.share[EVIDENCE_YOUNG_WEEK]);
}

/* What is believed of E before anything is measured goes by how much the volumes weigh. */
static void volumes_that_say_the_same_are_one_event(void **state)
{
    static const enum evidence_kind volumes[] = {
        EVIDENCE_HOST_HOUR, EVIDENCE_HOST_DAY, EVIDENCE_ABSOLUTE_HOUR, EVIDENCE_ABSOLUTE_DAY,
        EVIDENCE_PAIR_HOUR, EVIDENCE_PAIR_DAY, EVIDENCE_PAIR_GROWTH,   EVIDENCE_HOST_GROWTH};
    double weight = 0;
    struct day_evidence evidence = {0};
    (void)state;
    for (size_t i = 0; i < sizeof volumes / sizeof *volumes; i++)
        weight += evidence_weight(volumes[i]);
    set(&evidence, EVIDENCE_HOST_DAY, 9);
    struct fused fused = evidence_fuse(&evidence, EVIDENCE_SENT, false, &nobody);
    assert_true(fabs(-fused.e / log(fused.p / 1.7) - pow(weight, 0.4)) < 0.005);
}

static void either_channel_fires(void **state)
{
    struct fused fused = {.p = 0.0071, .p_absolute = 0.0031, .p_upload = 1};
    const struct limits limits = {0.007, 0.003, 0.005}, served = {0.1, 0, 0};
    double p;
    (void)state;
    assert_false(fused_fires(&fused, &limits));
    assert_true(fused_fires(&fused, &served));
    fused.p = 0.0069;
    assert_true(fused_fires(&fused, &limits));
    fused = (struct fused){.p = 1, .p_absolute = 0.0029, .p_upload = 1};
    assert_true(fused_fires(&fused, &limits));
    assert_false(fused_fires(&fused, &served));
    assert_int_equal(fused_told_by(&fused, &limits, &p), EVIDENCE_ABSOLUTE_DAY);
    near(p, 0.0029);
    fused.p_upload = 0.0049; /* beside it: it names a place */
    assert_int_equal(fused_told_by(&fused, &limits, &p), EVIDENCE_UPLOAD_ALONE);
    near(p, 0.0049);
    fused.p_absolute = 1;
    assert_true(fused_fires(&fused, &limits));
    assert_false(fused_fires(&fused, &served));
    const struct limits above = limits_above(&limits, 1.1);
    assert_false(fused_fires(&fused, &above));
    fused.p = 0.0069;
    assert_int_equal(fused_told_by(&fused, &limits, &p), EVIDENCES);
    near(p, 0.0069);
}

static void assert_same_mark(const struct evidence_mark *a, const struct evidence_mark *b)
{
    assert_true(a->l <= b->l && a->l >= b->l);
    assert_int_equal(a->bytes, b->bytes);
    assert_int_equal(a->pair, b->pair);
}

/* In whatever order they come. */
static void of_equal_marks_one_is_preferred(void **state)
{
    struct day_evidence a = {0}, b = {0}, ab, ba;
    (void)state;
    a.mark[EVIDENCE_PAIR_DAY] = (struct evidence_mark){4, 100, 7};
    b.mark[EVIDENCE_PAIR_DAY] = (struct evidence_mark){4, 100, 9};
    a.mark[EVIDENCE_PAIR_HOUR] = (struct evidence_mark){4, 200, 7};
    b.mark[EVIDENCE_PAIR_HOUR] = (struct evidence_mark){4, 100, 9};
    a.known = b.known = 1u << EVIDENCE_PAIR_DAY | 1u << EVIDENCE_PAIR_HOUR;
    ab = a;
    ba = b;
    evidence_join(&ab, &b);
    evidence_join(&ba, &a);
    for (int kind = 0; kind < EVIDENCES; kind++)
        assert_same_mark(&ab.mark[kind], &ba.mark[kind]);
    assert_int_equal(ab.mark[EVIDENCE_PAIR_DAY].pair, 9);
    assert_int_equal(ab.mark[EVIDENCE_PAIR_HOUR].pair, 7);
    evidence_without(&ab, 9);
    assert_int_equal(ab.mark[EVIDENCE_PAIR_DAY].pair, 0);
    assert_int_equal(ab.mark[EVIDENCE_PAIR_HOUR].pair, 7);
}

/* However records cut the bytes: the marks are those of the sum. */
static void growing_totals_end_where_their_sum_is(void **state)
{
    struct profile *p = make_profile();
    struct fleet *fleet = fleet_new();
    struct day_evidence stepwise = {0}, once = {0};
    struct destination a = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "a.example");
    struct civil civil = make_civil(MONDAY + 30, 10);
    (void)state;
    for (int day = 0; day < 30; day++) {
        close_one(p, MONDAY + day, 9, fleet, ROLE_CLIENT, "a.example",
                  UINT64_C(200000) << (day % 3));
        fleet_apply(fleet);
    }
    const struct pair *pair = profile_pair(p, &a);
    struct amounts sum = amounts_of_pair(pair, &civil, 30000000, 30000000, 30000000);
    for (uint64_t bytes = 1; bytes < 30000000; bytes += 1 + bytes / 7) {
        struct amounts so_far = amounts_of_pair(pair, &civil, bytes, bytes, bytes);
        evidence_add_pair(&stepwise, p, pair, &a, fleet, &civil, &so_far);
        evidence_add_host(&stepwise, p, fleet, &civil, &so_far);
    }
    evidence_add_pair(&stepwise, p, pair, &a, fleet, &civil, &sum);
    evidence_add_host(&stepwise, p, fleet, &civil, &sum);
    evidence_add_pair(&once, p, pair, &a, fleet, &civil, &sum);
    evidence_add_host(&once, p, fleet, &civil, &sum);
    assert_int_equal(stepwise.known, once.known);
    for (int kind = 0; kind < EVIDENCES; kind++)
        assert_same_mark(&stepwise.mark[kind], &once.mark[kind]);
    assert_true(once.mark[EVIDENCE_PAIR_DAY].l > 3 && once.mark[EVIDENCE_PAIR_GROWTH].l > 0);
    assert_int_equal(once.mark[EVIDENCE_PAIR_DAY].pair, evidence_name(&a));
    /* The floor of the bin is all that counts. */
    struct amounts floor = sum;
    floor.hour = floor.day = histogram_floor(histogram_bin(sum.day));
    assert_int_equal(evidence_step(&floor) & 0xffff, evidence_step(&sum) & 0xffff);
    near(evidence_estimate(EVIDENCE_PAIR_DAY, p, pair, &a, fleet, &civil, sum.day).p,
         survival_pair_day(p, pair, fleet, &civil, floor.day).p);
    profile_free(p);
    fleet_free(fleet);
}

/* --- amounts ---------------------------------------------------------------------------------- */

static void amounts_by_age(void **state)
{
    struct civil civil = {.hour = 1000, .day = 41};
    struct pair pair = {.first_hour = 990,
                        .today = 41,
                        .today_bytes = 10,
                        .first_week_bytes = 100,
                        .span_bytes = 100};
    struct amounts a = amounts_of_pair(NULL, &civil, 1, 2, 3);
    (void)state;
    assert_true(a.hour == 1 && a.day == 2 && a.week == 3 && a.span == 3);
    a = amounts_of_pair(&pair, &civil, 1, 2, 3);
    assert_true(a.hour == 1 && a.day == 12 && a.week == 103 && a.span == 103);
    pair.first_hour = 1000 - 168; /* the first span is over, and was not told yet */
    a = amounts_of_pair(&pair, &civil, 1, 2, 3);
    assert_true(a.week == 12 && a.span == 3);
    pair.spans_told = 1;
    a = amounts_of_pair(&pair, &civil, 1, 2, 3);
    assert_true(a.span == 103);
    pair.spans_told = PAIR_SPANS;
    pair.today = 40; /* nothing of today is closed */
    a = amounts_of_pair(&pair, &civil, 1, 2, 3);
    assert_true(a.day == 2 && a.span == 2);
}

/* 64 KiB is the edge of what counts as activity: there an hour at night says nothing, a megabyte
 * all it has, between them it grows by the octave. */
static void near_the_edge_an_hour_says_little(void **state)
{
    struct profile *p = make_profile();
    struct civil night = make_civil(MONDAY + 21, 3);
    (void)state;
    for (int day = 0; day < 21; day++)
        close_one(p, MONDAY + day, 9, NULL, ROLE_CLIENT, "a.example", 1000000);
    for (int octaves = 0; octaves < 6; octaves++) {
        struct amounts amounts = {.hour = PROFILE_ACTIVE_BYTES << octaves};
        struct day_evidence evidence = {0};
        double all = -log(
            evidence_estimate(EVIDENCE_HOST_HOUR, p, NULL, NULL, NULL, &night, amounts.hour).p);
        evidence_add_host(&evidence, p, NULL, &night, &amounts);
        assert_true(all > 0.5);
        assert_true(fabs(evidence.mark[EVIDENCE_HOST_HOUR].l - all * fmin(1, octaves / 4.0)) <
                    1e-3);
    }
    profile_free(p);
}

/* --- what the fleet learns ---------------------------------------------------------------------
 */

static double host_days(const struct fleet *fleet, unsigned which, int day_off)
{
    return fleet_all(fleet)->calibrations.of[which][day_off].total;
}

/* Monday 0 to Sunday 6 are the warm-up; the day is told with the next day's first hour. */
static void days_are_told_from_the_eighth_on(void **state)
{
    struct profile *p = make_profile();
    struct fleet *fleet = fleet_new();
    (void)state;
    for (int day = 0; day < 15; day++) {
        close_one(p, MONDAY + day, 9, fleet, ROLE_CLIENT, "a.example", 1000000);
        fleet_apply(fleet);
        assert_int_equal(p->evidence.known >> EVIDENCE_HOST_DAY & 1u, day >= 7);
        assert_int_equal(p->evidence.known >> EVIDENCE_ABSOLUTE_DAY & 1u, day >= 7);
    }
    /* Weeks begin on Thursdays: two of the five working days have lost a week's part. */
    near(host_days(fleet, EVIDENCE_HOST_DAY, 0), 3 + 2 * sqrt(0.5));
    near(host_days(fleet, EVIDENCE_HOST_DAY, 1), 2);
    near(host_days(fleet, EVIDENCES + EVIDENCE_SENT, 0), 3 + 2 * sqrt(0.5));
    near(host_days(fleet, EVIDENCE_SERVED_DAY, 0), 0); /* it serves nobody */
    near(host_days(fleet, EVIDENCES + EVIDENCE_SERVED, 0), 0);
    near(host_days(fleet, EVIDENCE_YOUNG_WEEK, 0), 0); /* nothing to measure it by yet */
    profile_free(p);
    fleet_free(fleet);
}

static void note(struct fleet *fleet, int day, unsigned told)
{
    struct told_day of = {.told = told, .known = 1u << EVIDENCE_HOST_DAY};
    struct civil civil = {.day = MONDAY + day};
    fleet_note_evidence(fleet, "", &of, &civil);
    fleet_apply(fleet);
}

/* .01 asked for a host-day; a day's step is a tenth of what is missing or too much, ± 20 %. */
static void the_budget_is_trimmed(void **state)
{
    struct fleet *fleet = fleet_new();
    (void)state;
    fleet_set_budget(fleet, 0.01, 0);
    near(fleet_budget(fleet), 0.01);
    for (int i = 0; i < 10; i++)
        note(fleet, 0, i < 1);
    near(fleet_budget_trim(fleet), 1);
    note(fleet, 1, 3); /* ten host-days asked for .1 and told 1: e^−.09 */
    double trim = exp(0.1 * (0.1 - 1));
    near(fleet_budget_trim(fleet), trim);
    note(fleet, 2, 0); /* three at once: e^−.299, but a fifth at most */
    near(fleet_budget_trim(fleet), trim * 0.8);
    note(fleet, 3, 0); /* nothing was told */
    near(fleet_budget_trim(fleet), trim * 0.8 * exp(0.1 * 0.01));
    near(fleet_budget(fleet), 0.01 * fleet_budget_trim(fleet));
    fleet_set_budget(fleet, 0.01, 0.5); /* half an alert a day, of no host yet */
    near(fleet_budget(fleet), 0.5 * fleet_budget_trim(fleet));
    fleet_free(fleet);
}

/* 100 host-days and 2 of servers: three tenths of .01 each would be .15 for a server's day, were it
 * not bounded; the hosts have what is left. */
static void servers_have_a_share(void **state)
{
    struct fleet *fleet = fleet_new();
    struct told_day host = {.known = 1u << (EVIDENCES + EVIDENCE_SENT)}, server = host;
    struct civil civil = {.day = MONDAY};
    struct limits limits;
    (void)state;
    server.known |= 1u << (EVIDENCES + EVIDENCE_SERVED);
    fleet_set_budget(fleet, 0.01, 0);
    near(fleet_limits(fleet, EVIDENCE_SERVED).fused, 0.7 * 0.01); /* no server was seen */
    limits = fleet_limits(fleet, EVIDENCE_SENT);
    near(limits.fused, 0.008);
    near(limits.absolute, 0.002);
    near(limits.upload, 0.004);
    for (int i = 0; i < 98; i++)
        fleet_note_evidence(fleet, "", &host, &civil);
    for (int i = 0; i < 2; i++)
        fleet_note_evidence(fleet, "", &server, &civil);
    fleet_apply(fleet);
    limits = fleet_limits(fleet, EVIDENCE_SERVED);
    near(limits.fused, 1.0 / 7);
    near(limits.absolute, 0);
    near(limits.upload, 0);
    near(fleet_limits(fleet, EVIDENCE_SENT).fused, 0.8 * (0.01 - 2.0 / 7 / 100));
    fleet_set_budget(fleet, 0.001, 0);
    near(fleet_limits(fleet, EVIDENCE_SERVED).fused, 0.3 * 0.001 * 100 / 2);
    near(fleet_limits(fleet, EVIDENCE_SENT).fused, 0.8 * 0.7 * 0.001);
    fleet_free(fleet);
}

/* --- what is stored ----------------------------------------------------------------------------
 */

static void stored_and_taken_back(void **state)
{
    struct profile *p = make_profile();
    struct fleet *fleet = fleet_new();
    struct buffer blob = {0}, again = {0};
    (void)state;
    for (int day = 0; day < 30; day++) {
        close_one(p, MONDAY + day, 9, fleet, ROLE_CLIENT, "a.example",
                  day == 28 ? UINT64_C(1) << 40 : 1000000 + 1000 * (uint64_t)day);
        fleet_apply(fleet);
    }
    const struct last_told *told = p->told[EVIDENCE_SENT].at;
    assert_true(told->e > 0 && told->day == MONDAY + 28 && told->place != 0);
    lately_tell(&p->told[EVIDENCE_SENT], MONDAY + 27, 3.5, 77);
    profile_pack(p, &blob);
    struct profile *back = profile_unpack(blob.data, blob.size, NULL);
    for (int kind = 0; kind < EVIDENCES; kind++)
        assert_same_mark(&back->evidence.mark[kind], &p->evidence.mark[kind]);
    assert_int_equal(back->evidence.known, p->evidence.known);
    assert_memory_equal(back->told, p->told, sizeof p->told);
    profile_free(back);
    buffer_fini(&blob);
    blob = (struct buffer){0};
    fleet_pack(fleet, &blob);
    struct fleet *other = fleet_unpack(blob.data, blob.size, NULL);
    fleet_pack(other, &again);
    assert_int_equal(blob.size, again.size);
    assert_memory_equal(blob.data, again.data, blob.size);
    near(fleet_budget_trim(other), fleet_budget_trim(fleet));
    assert_memory_equal(fleet_all(other)->calibrations.of[EVIDENCE_HOST_DAY][0].count,
                        fleet_all(fleet)->calibrations.of[EVIDENCE_HOST_DAY][0].count,
                        sizeof(double[CALIBRATION_BINS]));
    buffer_fini(&blob);
    buffer_fini(&again);
    fleet_free(other);
    fleet_free(fleet);
    profile_free(p);
}

/* What later schemas added, `tail` bytes before the end. */
static void cut(struct buffer *blob, size_t added, size_t tail)
{
    memmove(blob->data + blob->size - tail - added, blob->data + blob->size - tail, tail);
    blob->size -= added;
}

static void paste(struct buffer *blob, const uint8_t *bytes, size_t size, size_t behind)
{
    struct buffer longer = {0};
    buffer_put(&longer, blob->data, blob->size - behind);
    buffer_put(&longer, bytes, size);
    buffer_put(&longer, blob->data + blob->size - behind, behind);
    buffer_fini(blob);
    *blob = longer;
}

static void make_schema(struct buffer *blob, uint8_t schema, uint64_t seed)
{
    blob->data[2] = schema;
    uint64_t hash = hash64(blob->data + 12, blob->size - 12, seed);
    for (unsigned i = 0; i < 8; i++)
        blob->data[4 + i] = (uint8_t)(hash >> 8 * i);
}

/* What was told, as schemas before 8 had it: E and a day, however seldom; `behind` it as it is now.
 */
static void tell_as_before(struct buffer *blob, size_t behind)
{
    static const uint8_t day[1] = {0};
    paste(blob, day, sizeof day, behind);
    paste(blob, day, sizeof day, behind + sizeof day + 4);
}

static void schema_2_is_taken_over(void **state)
{
    struct profile *p = make_profile();
    struct fleet *fleet = fleet_new();
    struct buffer blob = {0};
    (void)state;
    profile_pack(
        p, &blob); /* known, day off, nothing told twice, what was counted, staged, networks */
    cut(&blob, 1 + 1 + 2 * 4 + CALIBRATIONS + 8 + 2 + EMPTY + 1 + 2, 0);
    make_schema(&blob, 2, UINT64_C(0x70726f66696c65));
    struct profile *back = profile_unpack(blob.data, blob.size, NULL);
    assert_non_null(back);
    assert_int_equal(back->evidence.known, 0);
    profile_free(back);
    buffer_fini(&blob);
    blob = (struct buffer){0};
    fleet_pack(fleet, &blob); /* empty tables, trim, day, expected, told; groups, clips, sums */
    cut(&blob, 2, 0);
    cut(&blob, 2 * CALIBRATIONS + 8 + 1 + 8 + 8, 3);
    size_t head = 12 + 1 + 6; /* week, the tables of residuals but the last */
    cut(&blob, 1, blob.size - head - 1);
    head += 2 * EMPTY;
    cut(&blob, EMPTY, blob.size - head - EMPTY);
    make_schema(&blob, 2, UINT64_C(0x666c656574));
    struct fleet *other = fleet_unpack(blob.data, blob.size, NULL);
    assert_non_null(other);
    near(fleet_budget_trim(other), 1);
    fleet_free(other);
    buffer_fini(&blob);
    fleet_free(fleet);
    profile_free(p);
}

/* That sensor's kinds are where they belong now, those it did not know are empty, and it goes on.
 */
static void schema_3_is_taken_over(void **state)
{
    struct profile *p = profile_unpack(profile_schema_3, sizeof profile_schema_3, NULL);
    struct fleet *fleet = fleet_unpack(fleet_schema_3, sizeof fleet_schema_3, NULL);
    (void)state;
    assert_non_null(p);
    assert_non_null(fleet);
    const struct evidence_mark *mark = p->evidence.mark;
    assert_true(fabs(mark[EVIDENCE_PAIR_DAY].l - 1.7558244) < 1e-6);
    assert_int_equal(mark[EVIDENCE_PAIR_DAY].bytes, 131071);
    assert_int_equal(mark[EVIDENCE_PAIR_DAY].pair, 32791929);
    assert_true(fabs(mark[EVIDENCE_SERVED_DAY].l - .1451762) < 1e-6);
    assert_int_equal(mark[EVIDENCE_SERVED_DAY].pair, 2567669179);
    assert_true(p->evidence.known >> EVIDENCE_NETWORK_WEEK & 1u);
    assert_false(p->evidence.known >> EVIDENCE_BEACON & 1u);
    assert_false(p->evidence.known >> EVIDENCE_RATIO & 1u);
    near(host_days(fleet, EVIDENCE_PAIR_DAY, 0), 1);
    near(host_days(fleet, EVIDENCE_BEACON, 0), 0);
    near(host_days(fleet, EVIDENCE_RATIO, 0), 0);
    near(host_days(fleet, EVIDENCE_NETWORK_WEEK, 0), 1);
    near(host_days(fleet, EVIDENCE_YOUNG_WEEK, 0), 0);
    near(host_days(fleet, EVIDENCES + EVIDENCE_SENT, 0), 0); /* it was another quantity */
    near(host_days(fleet, EVIDENCES + EVIDENCE_SERVED, 0), 0);
    close_one(p, MONDAY + 9, 9, fleet, ROLE_CLIENT, "a.example", 150000);
    fleet_apply(fleet); /* the ninth day is told; on a Tuesday, as Monday's */
    near(host_days(fleet, EVIDENCE_SERVED_DAY, 0), 2);
    profile_free(p);
    fleet_free(fleet);
}

/* It knew no uploads: what hosts were counted at behind them is where it belongs now. */
static void schema_5_is_taken_over(void **state)
{
    struct profile *p = make_profile();
    struct buffer blob = {0};
    const size_t tail = 8 + 2 + EMPTY + 1 + 2; /* staged, networks */
    static const uint8_t nothing_due[5] = {0};
    (void)state;
    p->counted_at[EVIDENCES + EVIDENCE_SENT] = (struct counted_at){p->today, 7};
    profile_pack(p, &blob);
    tell_as_before(&blob, EVIDENCES + EVIDENCE_SIDES + 1 + tail);
    cut(&blob, EVIDENCES - EVIDENCE_UPLOAD, EVIDENCE_SIDES + 1 + tail); /* counted; a day */
    paste(&blob, nothing_due, sizeof nothing_due,
          1 + 2 * 5 + EVIDENCE_UPLOAD + EVIDENCE_SIDES + 1 + tail);
    make_schema(&blob, 5, UINT64_C(0x70726f66696c65));
    struct profile *back = profile_unpack(blob.data, blob.size, NULL);
    assert_non_null(back);
    assert_int_equal(back->counted_at[EVIDENCES + EVIDENCE_SENT].bin, 7);
    assert_int_equal(back->counted_at[EVIDENCE_UPLOAD].bin, 0);
    assert_int_equal(back->counted_at[EVIDENCE_UPLOAD_GROWTH].bin, 0);
    profile_free(back);
    buffer_fini(&blob);
    profile_free(p);
}

/* It knew no upload alone, and what is sent again was another quantity; all else is as it is now.
 */
static void schema_7_is_taken_over(void **state)
{
    struct profile *p = make_profile();
    struct fleet *fleet = fleet_new();
    struct buffer blob = {0};
    const size_t tail = 8 + 2 + EMPTY + 1 + 2; /* staged, networks */
    (void)state;
    p->counted_at[EVIDENCE_UPLOAD_AGAIN] = (struct counted_at){p->today, 6};
    p->counted_at[EVIDENCE_UPLOAD_GROWTH] = (struct counted_at){p->today, 5};
    p->counted_at[EVIDENCES + EVIDENCE_SENT] = (struct counted_at){p->today, 7};
    profile_pack(p, &blob);
    tell_as_before(&blob, EVIDENCES + EVIDENCE_SIDES + 2 + tail);
    cut(&blob, 1, EVIDENCE_SIDES + 1 + tail);
    make_schema(&blob, 7, UINT64_C(0x70726f66696c65));
    struct profile *back = profile_unpack(blob.data, blob.size, NULL);
    assert_non_null(back);
    assert_int_equal(back->counted_at[EVIDENCE_UPLOAD_AGAIN].bin, 0);
    assert_int_equal(back->counted_at[EVIDENCE_UPLOAD_GROWTH].bin, 5);
    assert_int_equal(back->counted_at[EVIDENCE_UPLOAD_ALONE].bin, 0);
    assert_int_equal(back->counted_at[EVIDENCES + EVIDENCE_SENT].bin, 7);
    profile_free(back);
    buffer_fini(&blob);
    profile_free(p);
    const struct told_day of = {.known = 1u << EVIDENCE_UPLOAD | 1u << EVIDENCE_UPLOAD_AGAIN};
    const struct civil civil = {.day = MONDAY};
    fleet_note_evidence(fleet, "", &of, &civil);
    fleet_apply(fleet);
    blob = (struct buffer){0};
    fleet_pack(fleet, &blob);
    /* fused; trim, day, expected, told; groups, clips, sums */
    cut(&blob, 2, 2 * EVIDENCE_SIDES + 8 + 3 + 8 + 8 + 3 + 2);
    make_schema(&blob, 7, UINT64_C(0x666c656574));
    struct fleet *other = fleet_unpack(blob.data, blob.size, NULL);
    assert_non_null(other);
    near(host_days(other, EVIDENCE_UPLOAD, 0), 1);
    near(host_days(other, EVIDENCE_UPLOAD_AGAIN, 0), 0);
    fleet_free(other);
    buffer_fini(&blob);
    fleet_free(fleet);
}

/* What waited for the host's next hour is of the day that it was in. */
static void what_was_due_is_taken_over(void **state)
{
    static const uint8_t due[] = {0, 0, 0x20, 0x40, 39,      /* 2.5; a bin */
                                  0, 0, 0xa0, 0x40, 100, 7,  /* 5, bytes, a pair */
                                  0, 0, 0,    0,    0,   0}; /* of two more there was nothing */
    struct profile *p = make_profile();
    struct buffer blob = {0};
    uint8_t all[sizeof due + 6] = {0};
    const size_t tail = 8 + 2 + EMPTY + 1 + 2;
    (void)state;
    memcpy(all, due, sizeof due);
    profile_pack(p, &blob);
    tell_as_before(&blob, EVIDENCES + EVIDENCE_SIDES + tail);
    cut(&blob, EVIDENCES - EVIDENCE_UPLOAD_ALONE, EVIDENCE_SIDES + tail);
    paste(&blob, all, sizeof all, 1 + 2 * 5 + EVIDENCE_UPLOAD_ALONE + EVIDENCE_SIDES + tail);
    make_schema(&blob, 6, UINT64_C(0x70726f66696c65));
    struct profile *back = profile_unpack(blob.data, blob.size, NULL);
    assert_non_null(back);
    const struct evidence_mark *mark = back->evidence.mark;
    near(mark[EVIDENCE_RATIO].l, 2.5);
    assert_int_equal(mark[EVIDENCE_RATIO].bytes, 39);
    near(mark[EVIDENCE_UPLOAD].l, 5);
    assert_int_equal(mark[EVIDENCE_UPLOAD].bytes, 100);
    assert_int_equal(mark[EVIDENCE_UPLOAD].pair, 7);
    assert_int_equal(back->evidence.known, 1u << EVIDENCE_RATIO | 1u << EVIDENCE_UPLOAD);
    profile_free(back);
    buffer_fini(&blob);
    profile_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_due_is_taken_over),
        cmocka_unit_test(bins_are_a_twentieth_apart),
        cmocka_unit_test(belief_stands_in),
        cmocka_unit_test(measured_by_a_fleet_and_a_group),
        cmocka_unit_test(a_theft_is_no_measure),
        cmocka_unit_test(a_state_that_lasts_is_one_event),
        cmocka_unit_test(weights_have_a_mean_of_one),
        cmocka_unit_test(fused_by_hand),
        cmocka_unit_test(of_a_newcomer_what_is_absent_is_not_quiet),
        cmocka_unit_test(volumes_that_say_the_same_are_one_event),
        cmocka_unit_test(either_channel_fires),
        cmocka_unit_test(of_equal_marks_one_is_preferred),
        cmocka_unit_test(growing_totals_end_where_their_sum_is),
        cmocka_unit_test(amounts_by_age),
        cmocka_unit_test(near_the_edge_an_hour_says_little),
        cmocka_unit_test(days_are_told_from_the_eighth_on),
        cmocka_unit_test(the_budget_is_trimmed),
        cmocka_unit_test(servers_have_a_share),
        cmocka_unit_test(stored_and_taken_back),
        cmocka_unit_test(schema_2_is_taken_over),
        cmocka_unit_test(schema_3_is_taken_over),
        cmocka_unit_test(schema_5_is_taken_over),
        cmocka_unit_test(schema_7_is_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
