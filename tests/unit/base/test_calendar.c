/* The site's clock. Rows are Python's zoneinfo's answers (its own reader of the same tz database);
 * the invariants are checked hour by hour over thirty years. */
#include "weir/base/calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct calendar *calendar_in(const char *zone)
{
    const struct calendar_config config = {
        .timezone = zone, .work_start = 8, .work_end = 18, .work_days = 0x1f};
    struct error error = {0};
    struct calendar *calendar = calendar_new(&config, &error);
    if (!calendar)
        fail_msg("%s: %s", zone, error.message);
    return calendar;
}

static struct ptime at(int64_t seconds)
{
    return (struct ptime){seconds * NS_PER_S};
}

/* Hours before and after each change of 2026: [first instant, last instant] of the hour. */
static void test_hours_around_changes(void **state)
{
    static const struct {
        const char *zone;
        int64_t starts;
        int64_t day;
        int hour_of_day, day_of_week;
        const char *text, *name;
    } row[] = {
        {"UTC", 1781625600, 20620, 16, 1, "Tue 06-16 16:00:00", "UTC"},
        {"Europe/Berlin", 1774742400, 20541, 1, 6, "Sun 03-29 01:00:00", "CET"},
        {"Europe/Berlin", 1774746000, 20541, 3, 6, "Sun 03-29 03:00:00", "CEST"},
        {"Europe/Berlin", 1792886400, 20751, 2, 6, "Sun 10-25 02:00:00", "CEST"},
        {"Europe/Berlin", 1792890000, 20751, 2, 6, "Sun 10-25 02:00:00", "CET"},
        {"America/New_York", 1772949600, 20520, 1, 6, "Sun 03-08 01:00:00", "EST"},
        {"America/New_York", 1772953200, 20520, 3, 6, "Sun 03-08 03:00:00", "EDT"},
        {"America/New_York", 1793509200, 20758, 1, 6, "Sun 11-01 01:00:00", "EDT"},
        {"America/New_York", 1793512800, 20758, 1, 6, "Sun 11-01 01:00:00", "EST"},
        {"Asia/Kolkata", 1781623800, 20620, 21, 1, "Tue 06-16 21:00:00", "IST"},
        {"Asia/Kathmandu", 1781622900, 20620, 21, 1, "Tue 06-16 21:00:00", "+0545"},
        {"America/St_Johns", 1772944200, 20520, 1, 6, "Sun 03-08 01:00:00", "NST"},
        {"America/St_Johns", 1772947800, 20520, 3, 6, "Sun 03-08 03:00:00", "NDT"},
        {"America/St_Johns", 1793503800, 20758, 1, 6, "Sun 11-01 01:00:00", "NDT"},
        {"America/St_Johns", 1793507400, 20758, 1, 6, "Sun 11-01 01:00:00", "NST"},
        {"Australia/Lord_Howe", 1775313000, 20548, 1, 6, "Sun 04-05 01:30:00", "+11"},
        {"Australia/Lord_Howe", 1775316600, 20548, 2, 6, "Sun 04-05 02:00:00", "+1030"},
        {"Australia/Lord_Howe", 1791037800, 20730, 1, 6, "Sun 10-04 01:00:00", "+1030"},
        {"Australia/Lord_Howe", 1791041400, 20730, 2, 6, "Sun 10-04 02:30:00", "+11"},
        {"Pacific/Chatham", 1775312100, 20548, 3, 6, "Sun 04-05 03:00:00", "+1245"},
        {"Pacific/Chatham", 1790432100, 20723, 4, 6, "Sun 09-27 04:00:00", "+1345"},
        {"Asia/Beirut", 1774731600, 20540, 23, 5, "Sat 03-28 23:00:00", "EET"},
        {"Asia/Beirut", 1774735200, 20541, 1, 6, "Sun 03-29 01:00:00", "EEST"},
        {"Asia/Beirut", 1792872000, 20750, 23, 5, "Sat 10-24 23:00:00", "EEST"},
        {"Asia/Beirut", 1792875600, 20750, 23, 5, "Sat 10-24 23:00:00", "EET"},
    };
    char text[64];
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct calendar *calendar = calendar_in(row[i].zone);
        const struct ptime first = at(row[i].starts), last = {at(row[i].starts + 3600).ns - 1};
        struct civil a = calendar_at(calendar, last), b = calendar_at(calendar, first);
        assert_memory_equal(&a, &b, sizeof a);
        assert_true(a.starts.ns == first.ns && a.ends.ns == last.ns + 1);
        assert_true(a.day == row[i].day);
        assert_int_equal(a.hour_of_day, row[i].hour_of_day);
        assert_int_equal(a.day_of_week, row[i].day_of_week);
        assert_int_equal(a.hour_of_week, row[i].day_of_week * 24 + row[i].hour_of_day);
        calendar_text(calendar, first, CALENDAR_LONG, text, sizeof text);
        assert_string_equal(text, row[i].text);
        calendar_text(calendar, first, CALENDAR_ZONE, text, sizeof text);
        assert_string_equal(text, row[i].name);
        calendar_free(calendar);
    }
}

/* Thirty years of hours: no gap, no overlap, days never go back, and the hour of the day is what
 * glibc says at the hour's first instant. */
static void test_no_gaps(void **state)
{
    static const char *const zone[] = {"UTC",
                                       "Europe/Berlin",
                                       "America/St_Johns", /* changed at 0:01 until 2011 */
                                       "Asia/Kolkata",
                                       "Australia/Lord_Howe",
                                       "Pacific/Chatham",
                                       "Asia/Beirut",
                                       "Pacific/Apia", /* left out 2011-12-30 */
                                       "Asia/Pyongyang",
                                       "America/Caracas",
                                       "Africa/Casablanca",
                                       "America/Santiago"};
    (void)state;
    for (size_t i = 0; i < sizeof zone / sizeof *zone; i++) {
        struct calendar *calendar = calendar_in(zone[i]);
        struct civil before = calendar_at(calendar, at(946684800)); /* 2000-01-01 */
        while (before.ends.ns < at(1893456000).ns) {                /* 2030-01-01 */
            struct civil now = calendar_at(calendar, before.ends);
            if (now.hour != before.hour + 1 || now.starts.ns != before.ends.ns ||
                now.ends.ns - now.starts.ns != NS_PER_HOUR || now.day < before.day ||
                (now.day == before.day) != (now.day_of_week == before.day_of_week))
                fail_msg("%s: after %lld", zone[i], (long long)(before.starts.ns / NS_PER_S));
            time_t starts = (time_t)(now.starts.ns / NS_PER_S);
            struct tm tm;
            localtime_r(&starts, &tm);
            assert_int_equal(tm.tm_hour, now.hour_of_day);
            before = now;
        }
        calendar_free(calendar);
    }
}

/* Any order of questions gets the answers of growing order. */
static void test_cache_does_not_show(void **state)
{
    struct calendar *calendar = calendar_in("America/New_York"), *fresh;
    uint32_t seed = 3;
    (void)state;
    for (int i = 0; i < 2000; i++) {
        seed = seed * 1664525u + 1013904223u;
        struct ptime time = {at(1793509200 - 7200).ns + (int64_t)(seed >> 8) * NS_PER_MS};
        struct civil cached = calendar_at(calendar, time);
        fresh = calendar_in("America/New_York");
        struct civil asked = calendar_at(fresh, time);
        calendar_free(fresh);
        assert_memory_equal(&cached, &asked, sizeof asked);
        assert_true(cached.starts.ns <= time.ns && time.ns < cached.ends.ns);
    }
    calendar_free(calendar);
}

static void test_ends_of_time(void **state)
{
    struct calendar *calendar = calendar_in("Asia/Kolkata");
    (void)state;
    struct civil first = calendar_at(calendar, PTIME_MIN), last = calendar_at(calendar, PTIME_MAX);
    assert_true(first.starts.ns == INT64_MIN);
    assert_true(last.ends.ns == INT64_MAX);
    assert_true(first.hour < last.hour);
    struct civil before = calendar_at(calendar, (struct ptime){-1});
    assert_true(before.starts.ns == -1800 * NS_PER_S); /* 05:00 to 06:00 there */
    assert_int_equal(before.hour_of_day, 5);
    calendar_free(calendar);
}

static void test_text_styles(void **state)
{
    struct calendar *calendar = calendar_in("Europe/Berlin");
    char text[32];
    (void)state;
    const struct ptime time = {at(1772410447).ns + 999 * NS_PER_MS};
    assert_string_equal(calendar_text(calendar, time, CALENDAR_LONG, text, sizeof text),
                        "Mon 03-02 01:14:07");
    assert_string_equal(calendar_text(calendar, time, CALENDAR_DATE, text, sizeof text),
                        "2026-03-02 01:14");
    assert_string_equal(calendar_text(calendar, time, CALENDAR_MINUTE, text, sizeof text),
                        "03-02 01:14");
    assert_string_equal(calendar_text(calendar, time, CALENDAR_CLOCK, text, sizeof text),
                        "01:14:07");
    assert_string_equal(calendar_text(calendar, time, CALENDAR_ZONE, text, sizeof text), "CET");
    assert_string_equal(calendar_text(calendar, time, CALENDAR_LONG, text, 5), "");
    calendar_free(calendar);
}

static void test_refused_zones(void **state)
{
    static const char *const bad[] = {"",
                                      "Europe/Nowhere",
                                      "Mars/Olympus",
                                      "/usr/share/zoneinfo/Europe/Berlin",
                                      "../zoneinfo/Europe/Berlin",
                                      "Europe/../UTC",
                                      "Europe", /* a folder */
                                      "zone.tab",
                                      "leapseconds", /* a file, but no zone */
                                      "right/Europe/Berlin",
                                      ":UTC",
                                      "CET-1CEST",
                                      "UTC ",
                                      "Europe/Berlin\n"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct calendar_config config = {.timezone = bad[i]};
        struct error error = {0};
        if (calendar_new(&config, &error))
            fail_msg("accepted \"%s\"", bad[i]);
        assert_int_equal(error.code, ERROR_USAGE);
        assert_non_null(strstr(error.message, "site.timezone"));
    }
}

static void test_operators_zone_does_not_matter(void **state)
{
    (void)state;
    setenv("TZ", "Asia/Tokyo", 1);
    setenv("TZDIR", "/nowhere", 1);
    tzset();
    struct calendar *calendar = calendar_in("Europe/Berlin");
    assert_int_equal(calendar_at(calendar, at(1774746000)).hour_of_day, 3);
    calendar_free(calendar);
    calendar = calendar_in("UTC");
    assert_int_equal(calendar_at(calendar, at(1774746000)).hour_of_day, 1);
    calendar_free(calendar);
    unsetenv("TZDIR");
}

/* One letter an hour of the day: w(ork), s(houlder), n(ight); capitals at the weekend. */
static void assert_day(struct calendar *calendar, int64_t midnight, const char *expected)
{
    static const char letter[HOUR_CLASSES + 1] = "wsnWSN";
    char got[25] = "";
    for (int hour = 0; hour < 24; hour++)
        got[hour] = letter[calendar_at(calendar, at(midnight + 3600 * hour)).class];
    assert_string_equal(got, expected);
}

static void test_classes(void **state)
{
    static const char *const holidays[] = {"2026-03-03", "2024-02-29"};
    struct calendar_config config = {.timezone = "UTC",
                                     .work_start = 8,
                                     .work_end = 18,
                                     .work_days = 0x1f,
                                     .holidays = holidays,
                                     .holiday_count = 2};
    const int64_t monday = 1772409600, leap_thursday = 1709164800;
    struct calendar *calendar = calendar_new(&config, NULL);
    (void)state;
    assert_day(calendar, monday, "nnnnnnsswwwwwwwwwwssnnnn");
    assert_day(calendar, monday + 86400, "NNNNNNSSWWWWWWWWWWSSNNNN"); /* the holiday */
    assert_day(calendar, monday + 4 * 86400, "nnnnnnsswwwwwwwwwwssnnnn");
    assert_day(calendar, monday + 5 * 86400, "NNNNNNSSWWWWWWWWWWSSNNNN");
    assert_day(calendar, monday + 6 * 86400, "NNNNNNSSWWWWWWWWWWSSNNNN");
    assert_day(calendar, leap_thursday, "NNNNNNSSWWWWWWWWWWSSNNNN");
    calendar_free(calendar);
    config.work_start = 0; /* shoulders go round midnight */
    config.work_end = 23;
    calendar = calendar_new(&config, NULL);
    assert_day(calendar, monday, "wwwwwwwwwwwwwwwwwwwwwwws");
    calendar_free(calendar);
    config.work_start = 22; /* a night shift */
    config.work_end = 6;
    calendar = calendar_new(&config, NULL);
    assert_day(calendar, monday, "wwwwwwssnnnnnnnnnnnnssww");
    calendar_free(calendar);
}

static void test_refused_holidays(void **state)
{
    static const char *const bad[] = {"",           "2026-02-29", "2026-13-01",  "2026-00-10",
                                      "2026-04-31", "2026-1-1",   "2026-01-01x", "2026/01/01",
                                      "+026-01-01", "20260101",   "1900-02-29",  "2026-01-0"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct calendar_config config = {
            .timezone = "UTC", .holidays = &bad[i], .holiday_count = 1};
        struct error error = {0};
        if (calendar_new(&config, &error))
            fail_msg("accepted \"%s\"", bad[i]);
        assert_int_equal(error.code, ERROR_USAGE);
        assert_non_null(strstr(error.message, "expected a date YYYY-MM-DD"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hours_around_changes),
                                       cmocka_unit_test(test_no_gaps),
                                       cmocka_unit_test(test_cache_does_not_show),
                                       cmocka_unit_test(test_ends_of_time),
                                       cmocka_unit_test(test_text_styles),
                                       cmocka_unit_test(test_refused_zones),
                                       cmocka_unit_test(test_operators_zone_does_not_matter),
                                       cmocka_unit_test(test_classes),
                                       cmocka_unit_test(test_refused_holidays)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
