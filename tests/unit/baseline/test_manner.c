/* Evidence of manner by hand: clocks, jitter, people, long connections, ratios; who is asked about,
 * and when anything can be known at all. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"
#include "weir/baseline/evidence.h"

#include <stdlib.h>
#include <string.h>

#define HOSTS  6
#define NOW    30 /* the day that is looked at, a Wednesday */
#define CALLER 0

static void assert_about(double value, double expected, double error)
{
    if (!(fabs(value - expected) <= error))
        fail_msg("%.6f is not %.6f ± %g", value, expected, error);
}

struct site {
    struct fleet *fleet;
    struct profile *host[HOSTS];
};

static struct destination domain(const char *name)
{
    return make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, name);
}

/* What one host began in an hour: seconds and bytes. */
struct calls {
    const char *name;
    const char *starts; /* as in starts.h */
};

static void add_calls(struct host_total *total, const struct calls *calls)
{
    struct starts starts = {0};
    struct destination d = domain(calls->name);
    uint64_t bytes = 0;
    assert_true(starts_parse(&starts, calls->starts, strlen(calls->starts)));
    for (uint16_t i = 0; i < starts.count; i++)
        bytes += starts.at[i].bytes;
    struct pair_total *pair = totals_add(total, &d, exactly(bytes), 0, starts.count);
    totals_starts(total, pair, &starts);
    starts_fini(&starts);
}

static void close_calls(struct site *site, unsigned host, const struct civil *civil,
                        const struct calls *calls, size_t count)
{
    struct host_total *total = host_total_new(&site->host[host]->host, civil->hour);
    for (size_t i = 0; i < count; i++)
        add_calls(total, &calls[i]);
    profile_close_hour(site->host[host], total, civil, site->fleet);
    host_total_free(total);
}

/* Everybody reads the news at nine, and each a site of his own at ten. */
static struct site *site_of(int days)
{
    static const char *const own[HOSTS] = {"a0.example", "a1.example", "a2.example",
                                           "a3.example", "a4.example", "a5.example"};
    struct site *site = calloc(1, sizeof *site);
    site->fleet = fleet_new();
    for (unsigned i = 0; i < HOSTS; i++) {
        struct ip ip = make_host(i);
        site->host[i] = profile_new(&ip, MONDAY * 24);
    }
    for (int day = 0; day < days; day++)
        for (int hour = 9; hour < 11; hour++) {
            struct civil civil = make_civil(MONDAY + day, hour);
            for (unsigned i = 0; i < HOSTS; i++) {
                struct calls calls = {hour == 9 ? "news.example" : own[i], ";10:100000"};
                close_calls(site, i, &civil, &calls, 1);
            }
            fleet_apply(site->fleet);
        }
    return site;
}

static void site_free(struct site *site)
{
    for (unsigned i = 0; i < HOSTS; i++)
        profile_free(site->host[i]);
    fleet_free(site->fleet);
    free(site);
}

/* As the next hour of that day would have it. */
static const struct evidence_mark *mark_of(const struct site *site, enum evidence_kind kind)
{
    static struct day_evidence evidence;
    const struct profile *host = site->host[CALLER];
    struct civil civil = make_civil(host->today, 23);
    evidence = host->evidence;
    evidence_add_closed(&evidence, host, site->fleet, &civil);
    return &evidence.mark[kind];
}

static bool is_known(const struct site *site, enum evidence_kind kind)
{
    return site->host[CALLER]->evidence.known >> kind & 1u;
}

/* A day of hours, each with what `starts` makes of it. */
static void call_all_day(struct site *site, const char *name, int day,
                         void (*starts)(int hour, char *text, size_t size))
{
    static char text[STARTS_TEXT_SIZE];
    for (int hour = 0; hour < 24; hour++) {
        struct civil civil = make_civil(MONDAY + day, hour);
        text[0] = '\0';
        starts(hour, text, sizeof text);
        const struct calls calls = {name, text};
        if (text[0])
            close_calls(site, CALLER, &civil, &calls, 1);
        fleet_apply(site->fleet);
    }
}

static void put_start(char *text, size_t size, unsigned second, unsigned bytes)
{
    size_t at = strlen(text);
    snprintf(text + at, size - at, ";%u:%u", second, bytes);
}

/* Every five minutes to the second, 100 bytes. */
static void by_the_clock(int hour, char *text, size_t size)
{
    (void)hour;
    for (unsigned i = 0; i < 12; i++)
        put_start(text, size, 300 * i, 100);
}

/* The same ± a fifth: by a fixed pattern that has no preference. */
static void with_jitter(int hour, char *text, size_t size)
{
    for (unsigned i = 0; i < 12; i++) {
        unsigned off = (unsigned)(hour * 12 + (int)i) * 37 % 60;
        put_start(text, size, 300 * i + off, 500 + off);
    }
}

/* Bursts in office hours, minutes and quarters of an hour apart, of any size. */
static void as_people_do(int hour, char *text, size_t size)
{
    unsigned second = (unsigned)(hour * 971 % 1500);
    for (unsigned i = 0; hour >= 9 && hour < 17 && i < 8 && second < 3600; i++) {
        unsigned turn = (unsigned)(hour * 8) + i;
        put_start(text, size, second, 200u << turn * 5 % 9);
        second += i % 4 < 3 ? 1 + turn * 7 % 11 : 300 + turn * 53 % 900;
    }
}

static double l_of(double score)
{
    return -2 * log(1 - score / 1.4);
}

/* --- beacons ---------------------------------------------------------------------------------- */

static void a_clock_is_evidence(void **state)
{
    struct site *site = site_of(NOW);
    struct destination evil = domain("evil.example");
    (void)state;
    call_all_day(site, "evil.example", NOW, by_the_clock);
    const struct evidence_mark *mark = mark_of(site, EVIDENCE_BEACON);
    /* 1 in all four parts used by one host, met today */
    assert_about(mark->l, l_of(1 + .15 + .15), .02);
    assert_int_equal(mark->pair, evidence_name(&evil));
    assert_int_equal(mark->bytes, histogram_floor(histogram_bin(24 * 12)));
    /* 28,800 bytes in all: nothing that counts bytes says anything */
    assert_near(mark_of(site, EVIDENCE_YOUNG_WEEK)->l + 1, 1);
    site_free(site);
}

/* Two parts of four are there at once, the others come with the hours: nothing before the sixth. */
static void it_grows_with_the_day(void **state)
{
    struct site *site = site_of(NOW);
    char text[STARTS_TEXT_SIZE] = "";
    (void)state;
    for (unsigned i = 0; i < 60; i++) /* ts and ds are exactly 1 */
        put_start(text, sizeof text, 60 * i, 100);
    for (int hour = 0; hour < 12; hour++) {
        struct civil civil = make_civil(MONDAY + NOW, hour);
        const struct calls calls = {"evil.example", text};
        close_calls(site, CALLER, &civil, &calls, 1);
        fleet_apply(site->fleet);
        double l = mark_of(site, EVIDENCE_BEACON)->l;
        assert_true((l > 0) == (hour >= 5));
        if (hour == 5) /* half of an ideal run of twelve; six hours of 24 are not even */
            assert_about(l, l_of((1 + 1 + 0 + .5) / 4 + .3), .02);
        if (hour == 11) /* twelve in a row, all on one level */
            assert_about(l, l_of(1 + .3), .02);
    }
    site_free(site);
}

static void jitter_makes_it_less(void **state)
{
    struct site *site = site_of(NOW);
    (void)state;
    call_all_day(site, "evil.example", NOW, with_jitter);
    double l = mark_of(site, EVIDENCE_BEACON)->l;
    assert_true(l > l_of(.9 + .3) && l < l_of(.999 + .3));
    site_free(site);
}

static void people_make_none(void **state)
{
    struct site *site = site_of(NOW);
    (void)state;
    call_all_day(site, "evil.example", NOW, as_people_do);
    assert_true(is_known(site, EVIDENCE_BEACON));
    assert_near(mark_of(site, EVIDENCE_BEACON)->l + 1, 1);
    struct rhythm_score score;
    struct destination evil = domain("evil.example");
    assert_true(rhythm_score(&profile_pair(site->host[CALLER], &evil)->rhythm, &score));
    assert_true(score.score < BEACON_LEAST);
    site_free(site);
}

/* What all use is asked about neither when it is old nor when it is new. */
static void what_all_use_is_none(void **state)
{
    struct site *site = site_of(NOW);
    (void)state;
    call_all_day(site, "news.example", NOW, by_the_clock);
    assert_near(mark_of(site, EVIDENCE_BEACON)->l + 1, 1);
    assert_true(is_known(site, EVIDENCE_BEACON));
    site_free(site);
    site = site_of(NOW);
    for (unsigned i = 0; i < HOSTS; i++) {
        struct civil civil = make_civil(MONDAY + NOW - 1, 12);
        const struct calls calls = {"rolled-out.example", ";10:500"};
        close_calls(site, i, &civil, &calls, 1);
    }
    fleet_apply(site->fleet);
    call_all_day(site, "rolled-out.example", NOW, by_the_clock);
    assert_near(mark_of(site, EVIDENCE_BEACON)->l + 1, 1);
    site_free(site);
}

/* A host's own partner of thirty days and more: rare, which it always was. A name is not known for
 * what is a network. */
static void modifiers(void **state)
{
    struct site *site = site_of(NOW);
    (void)state;
    call_all_day(site, "a0.example", NOW, by_the_clock);
    assert_about(mark_of(site, EVIDENCE_BEACON)->l, l_of(1 + .15 - .15), .02);
    site_free(site);
    site = site_of(NOW);
    struct destination network =
        make_destination(ROLE_CLIENT, DESTINATION_PREFIX, "203.0.113.0/24");
    for (int hour = 0; hour < 24; hour++) {
        struct civil civil = make_civil(MONDAY + NOW, hour);
        struct host_total *total = host_total_new(&site->host[CALLER]->host, civil.hour);
        struct pair_total *pair = totals_add(total, &network, exactly(6000), 0, 12);
        for (uint32_t i = 0; i < 12; i++)
            totals_start(total, pair, 300 * i, 500);
        profile_close_hour(site->host[CALLER], total, &civil, site->fleet);
        fleet_apply(site->fleet);
        host_total_free(total);
    }
    /* 1.4 of 1.4 but for the width of a bin, and no further than a hundredth */
    assert_true(mark_of(site, EVIDENCE_BEACON)->l > -2 * log(.011));
    assert_true(mark_of(site, EVIDENCE_BEACON)->l < -2 * log(.01) + 1e-6);
    site_free(site);
}

/* A fleet that has not counted what is new has no measure, and a host's first week is no day. */
static void without_history_nothing_is_known(void **state)
{
    static const int days[] = {3, 10, 20};
    (void)state;
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        struct site *site = site_of(days[i]);
        call_all_day(site, "evil.example", days[i], by_the_clock);
        assert_int_equal(is_known(site, EVIDENCE_BEACON), days[i] >= 20);
        assert_int_equal(is_known(site, EVIDENCE_LONG), days[i] >= 20);
        assert_int_equal(mark_of(site, EVIDENCE_BEACON)->l > 0, days[i] >= 20);
        site_free(site);
    }
}

/* Taking a pair's bytes away takes what bytes made of it, and leaves the clock. */
static void fewer_bytes_undo_no_clock(void **state)
{
    struct day_evidence evidence = {0};
    (void)state;
    evidence.mark[EVIDENCE_BEACON] = evidence.mark[EVIDENCE_LONG] =
        evidence.mark[EVIDENCE_YOUNG_WEEK] = (struct evidence_mark){4, 100, 7};
    evidence_without(&evidence, 7);
    assert_near(evidence.mark[EVIDENCE_BEACON].l, 4);
    assert_near(evidence.mark[EVIDENCE_LONG].l, 4);
    assert_near(evidence.mark[EVIDENCE_YOUNG_WEEK].l + 1, 1);
}

/* --- long connections ------------------------------------------------------------------------- */

static double l_of_age(struct site *site, const char *name, uint32_t seconds)
{
    struct day_evidence evidence = {0};
    struct destination d = domain(name);
    struct civil civil = make_civil(MONDAY + NOW, 12);
    struct amounts amounts = {.hour = 100, .day = 100, .longest_s = seconds};
    const struct profile *host = site->host[CALLER];
    evidence_add_pair(&evidence, host, profile_pair(host, &d), &d, site->fleet, &civil, &amounts);
    if (evidence.mark[EVIDENCE_LONG].l > 0)
        assert_int_equal(evidence.mark[EVIDENCE_LONG].pair, evidence_name(&d));
    return evidence.mark[EVIDENCE_LONG].l;
}

static void long_connections(void **state)
{
    struct site *site = site_of(NOW);
    (void)state;
    assert_near(l_of_age(site, "evil.example", 3599) + 1, 1);
    assert_about(l_of_age(site, "evil.example", 3600), 2 * log1p(3444 / 3600.0), 1e-6); /* bin 47 */
    assert_about(l_of_age(site, "evil.example", 43200), 2 * log1p(38967 / 3600.0), 1e-6); /* 61 */
    assert_true(l_of_age(site, "a0.example", 43200) > 2); /* nobody else's */
    assert_near(l_of_age(site, "news.example", 43200) + 1, 1);
    site_free(site);
}

/* It is in the totals, outlives the hour in the day's evidence, and a later one that is younger
 * changes nothing. */
static void ages_are_a_maximum(void **state)
{
    struct site *site = site_of(NOW);
    struct destination evil = domain("evil.example");
    static const uint32_t age[] = {1800, 5400, 600};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct civil civil = make_civil(MONDAY + NOW, 9 + i);
        struct host_total *total = host_total_new(&site->host[CALLER]->host, civil.hour);
        struct pair_total *pair = totals_add(total, &evil, exactly(900), 0, 1);
        totals_lasts(pair, 60);
        pair->changed = false;
        totals_lasts(pair, age[i]);
        assert_true(pair->changed);
        pair->changed = false;
        totals_lasts(pair, 300);
        assert_int_equal(pair->longest_s, age[i]);
        assert_false(pair->changed);
        profile_close_hour(site->host[CALLER], total, &civil, site->fleet);
        host_total_free(total);
        assert_int_equal(mark_of(site, EVIDENCE_LONG)->l > 0, i >= 1);
    }
    assert_int_equal(mark_of(site, EVIDENCE_LONG)->bytes, histogram_floor(histogram_bin(5400)));
    site_free(site);
}

/* A bin more is another step, so that it is asked again while its hour is open. */
static void older_is_another_step(void **state)
{
    struct amounts a = {.hour = 1, .day = 1, .longest_s = 3600}, b = a;
    (void)state;
    b.longest_s = 3601;
    assert_true(evidence_step(&a) == evidence_step(&b));
    b.longest_s = 7200;
    assert_true(evidence_step(&a) != evidence_step(&b));
}

/* --- ratios ----------------------------------------------------------------------------------- */

static void ratios(void **state)
{
    struct site *site = site_of(NOW);
    struct profile *host = site->host[CALLER];
    struct civil civil = make_civil(MONDAY + NOW, 12);
    struct evidence_mark due;
    (void)state;
    ratio_fini(&host->ratio);
    for (int i = 0; i < 24; i++) { /* a tenth is sent, always; one hour a half */
        due = evidence_ratio_of_hour(host, &civil, 1 << 20, 0);
        assert_near(due.l + 1, 1); /* 24 hours first */
        uint64_t out = i == 5 ? 500000 : 100000;
        ratio_add(&host->ratio, out, 1000000 - out, histogram_week(civil.day));
    }
    due = evidence_ratio_of_hour(host, &civil, (1 << 20) - 1, 0);
    assert_near(due.l + 1, 1); /* below 1 MiB */
    due = evidence_ratio_of_hour(host, &civil, 1 << 20, 0);
    assert_about(due.l, -log(10 / 41.0 / 34), 1e-6);
    assert_int_equal(due.bytes, 40);
    assert_int_equal(due.pair, 0);
    due = evidence_ratio_of_hour(host, &civil, 1 << 20, 1 << 20); /* bin 20 */
    assert_about(due.l, -log((1 + 210 / 41.0) / 34), 1e-6);
    due = evidence_ratio_of_hour(host, &civil, 1 << 20, 1 << 30); /* a large reader */
    assert_near(due.l + 1, 1);
    struct estimate e =
        evidence_estimate(EVIDENCE_RATIO, host, NULL, NULL, site->fleet, &civil, 40);
    assert_near(e.p, 10 / 41.0 / 34);
    assert_int_equal(e.expected[0], 100); /* thousandths: bin 4 */
    assert_int_equal(e.largest, 500);
    assert_near(e.samples, 24);
    site_free(site);
}

/* An hour is judged by the hours before it, and is then one of them. */
static void an_hour_is_not_its_own_precedent(void **state)
{
    struct site *site = site_of(NOW);
    struct profile *host = site->host[CALLER];
    struct destination evil = domain("evil.example");
    double last = 100;
    (void)state;
    ratio_fini(&host->ratio);
    for (int i = 0; i < 24; i++)
        ratio_add(&host->ratio, 100000, 900000, histogram_week(MONDAY + NOW));
    for (int hour = 12; hour < 15; hour++) {
        struct civil civil = make_civil(MONDAY + NOW, hour);
        struct host_total *total = host_total_new(&host->host, civil.hour);
        totals_add(total, &evil, exactly(2 << 20), 100, 1);
        host->evidence = (struct day_evidence){0};
        profile_close_hour(host, total, &civil, site->fleet);
        host_total_free(total);
        double p = (hour - 12 + 10 / 41.0) / (24 + hour - 12 + 10);
        assert_about(mark_of(site, EVIDENCE_RATIO)->l, -log(p), 1e-6);
        assert_true(mark_of(site, EVIDENCE_RATIO)->l < last);
        last = mark_of(site, EVIDENCE_RATIO)->l;
    }
    site_free(site);
}

/* What the last hour showed is nobody's to judge before the next: it is no mark of the day yet, it
 * is stored, and it is one at the next hour's close. */
static void a_closed_hour_is_judged_in_the_next(void **state)
{
    struct site *site = site_of(NOW);
    struct profile *host = site->host[CALLER];
    (void)state;
    ratio_fini(&host->ratio);
    for (int i = 0; i < 24; i++)
        ratio_add(&host->ratio, 100000, 900000, histogram_week(MONDAY + NOW));
    for (int hour = 0; hour < 7; hour++) {
        char text[STARTS_TEXT_SIZE] = "";
        struct civil civil = make_civil(MONDAY + NOW, hour);
        by_the_clock(hour, text, sizeof text);
        if (hour == 5)
            put_start(text, sizeof text, 3599, 2 << 20);
        const struct calls calls = {"evil.example", text};
        close_calls(site, CALLER, &civil, &calls, 1);
        fleet_apply(site->fleet);
        assert_int_equal(host->evidence.mark[EVIDENCE_RATIO].l > 0, hour >= 5);
        assert_int_equal(host->evidence.mark[EVIDENCE_BEACON].l > 0, hour >= 6);
    }
    site_free(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_is_evidence),
        cmocka_unit_test(it_grows_with_the_day),
        cmocka_unit_test(jitter_makes_it_less),
        cmocka_unit_test(people_make_none),
        cmocka_unit_test(what_all_use_is_none),
        cmocka_unit_test(modifiers),
        cmocka_unit_test(without_history_nothing_is_known),
        cmocka_unit_test(fewer_bytes_undo_no_clock),
        cmocka_unit_test(long_connections),
        cmocka_unit_test(ages_are_a_maximum),
        cmocka_unit_test(older_is_another_step),
        cmocka_unit_test(ratios),
        cmocka_unit_test(an_hour_is_not_its_own_precedent),
        cmocka_unit_test(a_closed_hour_is_judged_in_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
