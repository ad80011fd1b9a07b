/* timing.beacon, timing.long and ratio.shift, on a site of 20 that has been watched for a month: a
 * clock is told and people are not, with hardly any bytes; so is a session of a day, and a reader
 * that begins to write. What each says, and what would undo it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

#define DAY   30 /* a Wednesday */
#define CLOCK 0  /* hosts */
#define HUMAN 1
#define HELD  2
#define SHIFT 3

static void call(struct host_total *total, const char *name, uint32_t second, uint64_t bytes)
{
    struct destination destination = named(ROLE_CLIENT, name);
    struct pair_total *pair = totals_add(total, &destination, exactly(bytes), 0, 1);
    totals_start(total, pair, second, bytes);
}

/* A service for all; now and then a site that nobody else needs, visited as people do. */
static void ordinary_hour(struct host_total *total, const struct civil *civil, unsigned host,
                          int day)
{
    char name[32];
    struct destination destination = named(ROLE_CLIENT, "service.example");
    if (civil->class != HOUR_WORK_WEEKDAY)
        return;
    uint64_t out = (uint64_t)(3e5 * moving(day, civil->hour_of_day, host));
    totals_add(total, &destination, exactly(out), 10 * out, 1);
    snprintf(name, sizeof name, "site%d.example", day * 20 + (int)host);
    if ((day + (int)host) % 3 == 0 && civil->hour_of_day < 14)
        for (unsigned i = 0; i < 6; i++)
            call(total, name, i / 3 * 1700 + (unsigned)(civil->hour_of_day * 97 + (int)(i * i) * 7),
                 300u << i % 4);
}

/* As many calls of about as many bytes, by the clock or by hand. */
static void odd_hour(struct host_total *total, const struct civil *civil, unsigned host, int day)
{
    struct destination held = named(ROLE_CLIENT, "held.example");
    unsigned hour = (unsigned)civil->hour_of_day;
    bool shifts = host == SHIFT && day == DAY && hour == 14;
    if (!shifts)
        ordinary_hour(total, civil, host, day);
    if (day != DAY || hour >= 15)
        return;
    for (unsigned i = 0; i < 6 && host == CLOCK; i++)
        call(total, "clock.example", 600 * i + (hour + 7 * i) % 5, 300);
    for (unsigned i = 0; i < 10 && host == HUMAN && hour >= 6; i++)
        call(total, "human.example", i / 5 * 1300 + hour * 53 % 900 + i * i * i,
             40u << (hour + i) % 5);
    if (host == HELD)
        totals_lasts(totals_add(total, &held, exactly(2000), 0, 1), (hour + 1) * 3600);
    if (shifts)
        totals_add(total, &held, exactly(3 << 20), 1000, 1);
}

static struct site *watched(void)
{
    struct site *site = site_new(SITE_HOSTS);
    site_play(site, 0, DAY, ordinary_hour);
    site_play(site, DAY, DAY + 1, odd_hour);
    return site;
}

/* At three in the afternoon, with 300 bytes in this hour. The closed hours after that are ordinary
 * ones: the day's evidence is what it was. */
static struct subject at(struct site *site, unsigned host, struct destination *destination)
{
    struct civil civil = civil_at(site, DAY, 15);
    struct subject subject = site_subject(site, host, SUBJECT_DESTINATION, destination, &civil);
    set_bytes(&subject, 300, 300, 300);
    return subject;
}

static void a_clock_is_told(void **state)
{
    struct site *site = watched();
    struct destination clock = named(ROLE_CLIENT, "clock.example");
    struct subject subject = at(site, CLOCK, &clock);
    struct finding f;
    (void)state;
    assert_true(tells(&subject, &f));
    assert_string_equal(f.detector->id, "timing.beacon");
    assert_string_equal(f.reason[0].code, "timing.beacon");
    assert_string_equal(f.reason[0].unit, "connection");
    assert_true(f.reason[0].observed >= 90 && f.reason[0].observed <= 90);
    assert_string_equal(f.reason[0].text,
                        "clock.example was called by the clock: 90 times in this day, typically "
                        "every 599 s (half within 1 s of it) with 300 bytes; first met 15 hours "
                        "ago, used by 0 others");
    /* 601 s, of which bins know a hundredth */
    assert_true(f.reason[0].p > 0 && f.reason[0].p < .01);
    /* 27,000 bytes, and it would be told with none of them */
    assert_null(f.needs_unit);
    site_free(site);
}

static void people_are_not(void **state)
{
    struct site *site = watched();
    struct destination human = named(ROLE_CLIENT, "human.example");
    struct subject subject = at(site, HUMAN, &human);
    (void)state;
    assert_int_equal(rhythm_connections(&subject.pair->rhythm), 90);
    assert_false(tells(&subject, NULL));
    for (unsigned host = 4; host < SITE_HOSTS; host++) {
        subject = at(site, host, NULL);
        assert_false(tells(&subject, NULL));
    }
    site_free(site);
}

static void a_session_is_told(void **state)
{
    struct site *site = watched();
    struct destination held = named(ROLE_CLIENT, "held.example");
    struct subject subject = at(site, HELD, &held);
    struct finding f;
    (void)state;
    assert_true(tells(&subject, &f));
    assert_string_equal(f.detector->id, "timing.long");
    assert_string_equal(f.reason[0].unit, "s");
    /* the floor of 54,000 s' bin: the hour it was told in is closed */
    assert_has(f.reason[0].text,
               "A connection to held.example, used by 1 other, was open for 12.8 h");
    assert_null(f.needs_unit);
    site_free(site);
}

/* 3 MiB sent and 1,000 bytes read in an hour: it says something beside what was sent. */
static void a_shift_is_said(void **state)
{
    struct site *site = watched();
    struct subject subject = at(site, SHIFT, NULL);
    struct looked looked;
    struct reason reason = {0};
    bool fires;
    (void)state;
    look_at(&looked, &subject);
    const struct weighing *w = &looked.weighing;
    struct fused fused = fusion_weigh(w, EVIDENCE_SENT, &fires);
    assert_true(fused.single[EVIDENCE_RATIO] < .02 && fused.share[EVIDENCE_RATIO] > .01);
    struct told_kind told = {
        .kind = EVIDENCE_RATIO, .weighing = w, .bytes = w->evidence.mark[EVIDENCE_RATIO].bytes};
    told.estimate =
        evidence_estimate(told.kind, w->host, NULL, NULL, w->fleet, &w->civil, told.bytes);
    detector_get("ratio.shift")->tell(&told, &reason);
    assert_string_equal(reason.code, "ratio.shift");
    assert_string_equal(reason.unit, "share");
    assert_true(reason.observed > .99);
    assert_has(reason.text, "100 % of what this host exchanged in an hour of this day was sent, "
                            "1 MiB or more; usually 10 to 10 %, the most of ");
    site_free(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_is_told),
        cmocka_unit_test(people_are_not),
        cmocka_unit_test(a_session_is_told),
        cmocka_unit_test(a_shift_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
