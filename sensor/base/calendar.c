/* The site's clock over glibc's localtime_r.
 *
 * glibc knows one zone a process, set through TZ; so the calendar sets it, once, to site.timezone,
 * and the operator's TZ never matters. glibc takes an unknown name for UTC in silence: the zone's
 * file is looked at first, and named to glibc by its path.
 *
 * Hours are 3600 s each, one after the other, whatever the zone does: an ordinal is
 * floor((t + phase) / 1 h), the phase being the part of an hour in the zone's standard offset (0
 * nearly everywhere, 30 min in India). Day and hour of the day are those of the hour's first
 * instant. Changes by whole hours keep hours on the clock's; where a clock changed by a part of one
 * (Lord Howe Island; Venezuela in 2016) hours begin off the clock's hour while it is away from that
 * phase. Invariants: starts <= t < ends, ends is the next hour's starts, ordinals have no gap.
 *
 * The answer is cached by hour. Thread: the engine's. */
#include "weir/base/calendar.h"

#include "weir/base/buffer.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ZONE_FOLDER    "/usr/share/zoneinfo"
#define SHOULDER_HOURS 2

struct calendar {
    int work_start, work_end;
    unsigned work_days;
    int64_t phase_s;
    int64_t *holiday; /* days since 1970 */
    size_t holiday_count;
    struct civil cached;
    bool has_cached;
};

/* --- making ---------------------------------------------------------------------------------- */

static bool is_zone_file(const char *path)
{
    char magic[4];
    FILE *file = fopen(path, "rbe");
    if (!file)
        return false;
    bool is = fread(magic, 1, sizeof magic, file) == sizeof magic && memcmp(magic, "TZif", 4) == 0;
    fclose(file);
    return is;
}

static bool is_zone_name(const char *zone)
{
    if (*zone == '\0' || *zone == '/' || strstr(zone, "..") || strlen(zone) > 100)
        return false;
    for (const char *c = zone; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("/_+-", *c))
            return false;
    return strncmp(zone, "right/", 6) != 0; /* these count leap seconds, packet time does not */
}

static int set_zone(const char *zone, struct error *error)
{
    char value[256];
    snprintf(value, sizeof value, ":" ZONE_FOLDER "/%s", zone);
    if (is_zone_name(zone) && strcmp(zone, "UTC") == 0)
        snprintf(value, sizeof value, "UTC0"); /* needs no tzdata */
    else if (!is_zone_name(zone) || !is_zone_file(value + 1))
        return error_set(error, ERROR_USAGE,
                         "site.timezone: \"%s\" is not a time zone of this machine (expected a "
                         "name such as Europe/Berlin; the package tzdata holds them)",
                         zone);
    if (setenv("TZ", value, 1) != 0)
        return error_set(error, ERROR_RUN, "cannot set the time zone");
    tzset();
    return 0;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* The part of an hour in the offset of standard time, as it is in 2025: the same for every packet,
 * and whoever runs this when. */
static int64_t phase_of_zone(void)
{
    const time_t january = 1735689600, july = 1751328000;
    struct tm winter, summer;
    localtime_r(&january, &winter);
    localtime_r(&july, &summer);
    long offset = winter.tm_isdst > 0 ? summer.tm_gmtoff : winter.tm_gmtoff;
    return offset - 3600 * floor_div(offset, 3600);
}

/* Days since 1970-01-01 of a civil date (Howard Hinnant, "chrono-compatible low-level date
 * algorithms", days_from_civil); years 0 to 9999. */
static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = floor_div(year, 400), year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static bool read_date(const char *text, int64_t *days)
{
    int field[3] = {0, 0, 0};
    static const char form[] = "0000-11-22"; /* which field each digit belongs to */
    for (size_t i = 0; i < sizeof form - 1; i++) {
        if (form[i] == '-' ? text[i] != '-' : !isdigit((unsigned char)text[i]))
            return false; /* a NUL too: it is neither */
        if (form[i] != '-')
            field[form[i] - '0'] = 10 * field[form[i] - '0'] + (text[i] - '0');
    }
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = field[0], month = field[1], day = field[2];
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (text[sizeof form - 1] || month < 1 || month > 12 || day < 1 ||
        day > month_days[month - 1] + (month == 2 && leap))
        return false;
    *days = days_of(year, month, day);
    return true;
}

static int read_holidays(struct calendar *calendar, const struct calendar_config *config,
                         struct error *error)
{
    calendar->holiday = xcalloc(config->holiday_count, sizeof *calendar->holiday);
    for (size_t i = 0; i < config->holiday_count; i++) {
        if (!read_date(config->holidays[i], &calendar->holiday[i]))
            return error_set(error, ERROR_USAGE,
                             "site.holidays: \"%s\", expected a date YYYY-MM-DD",
                             config->holidays[i]);
        calendar->holiday_count++;
    }
    return 0;
}

struct calendar *calendar_new(const struct calendar_config *config, struct error *error)
{
    struct calendar *calendar = xcalloc(1, sizeof *calendar);
    calendar->work_start = config->work_start;
    calendar->work_end = config->work_end;
    calendar->work_days = config->work_days;
    if (set_zone(config->timezone, error) == 0 && read_holidays(calendar, config, error) == 0) {
        calendar->phase_s = phase_of_zone();
        return calendar;
    }
    calendar_free(calendar);
    return NULL;
}

void calendar_free(struct calendar *calendar)
{
    if (calendar)
        free(calendar->holiday);
    free(calendar);
}

/* --- asking ---------------------------------------------------------------------------------- */

/* Hours from `from` forward to `to` on the clock's face. */
static int hours_between(int from, int to)
{
    return ((to - from) % 24 + 24) % 24;
}

static enum hour_class class_of(const struct calendar *calendar, const struct civil *civil)
{
    bool weekend = !((calendar->work_days >> civil->day_of_week) & 1);
    for (size_t i = 0; i < calendar->holiday_count; i++)
        weekend = weekend || calendar->holiday[i] == civil->day;
    int hour = civil->hour_of_day, start = calendar->work_start, end = calendar->work_end;
    bool work = start <= end ? hour >= start && hour < end : hour >= start || hour < end;
    int before = hours_between(hour, start), after = hours_between(end, hour);
    bool shoulder = (before > 0 && before <= SHOULDER_HOURS) || after < SHOULDER_HOURS;
    int class = work ? HOUR_WORK_WEEKDAY : shoulder ? HOUR_SHOULDER_WEEKDAY : HOUR_NIGHT_WEEKDAY;
    return (enum hour_class)(class + (weekend ? HOUR_WORK_WEEKEND : 0));
}

/* Seconds to packet time; beyond what it can say, its ends. */
static struct ptime ptime_of(int64_t seconds)
{
    int64_t ns;
    if (__builtin_mul_overflow(seconds, NS_PER_S, &ns))
        return seconds < 0 ? PTIME_MIN : PTIME_MAX;
    return (struct ptime){ns};
}

struct civil calendar_at(struct calendar *calendar, struct ptime time)
{
    struct civil *cached = &calendar->cached;
    if (calendar->has_cached && time.ns >= cached->starts.ns && time.ns < cached->ends.ns)
        return *cached;
    struct civil civil = {0};
    struct tm tm;
    civil.hour = floor_div(floor_div(time.ns, NS_PER_S) + calendar->phase_s, 3600);
    time_t starts = civil.hour * 3600 - calendar->phase_s;
    localtime_r(&starts, &tm);
    civil.starts = ptime_of(starts);
    civil.ends = ptime_of(starts + 3600);
    civil.day = floor_div(starts + tm.tm_gmtoff, 86400);
    civil.hour_of_day = tm.tm_hour;
    civil.day_of_week = (tm.tm_wday + 6) % 7;
    civil.hour_of_week = civil.day_of_week * 24 + civil.hour_of_day;
    civil.class = class_of(calendar, &civil);
    *cached = civil;
    calendar->has_cached = true;
    return civil;
}

char *calendar_text(struct calendar *calendar, struct ptime time, enum calendar_style style,
                    char *text, size_t size)
{
    (void)calendar; /* its zone is the process's */
    time_t clock = floor_div(time.ns, NS_PER_S);
    struct tm tm;
    size_t written = 0;
    localtime_r(&clock, &tm);
    switch (style) { /* each format beside its call, so that the compiler can check it */
    case CALENDAR_LONG:
        written = strftime(text, size, "%a %m-%d %H:%M:%S", &tm);
        break;
    case CALENDAR_DATE:
        written = strftime(text, size, "%Y-%m-%d %H:%M", &tm);
        break;
    case CALENDAR_MINUTE:
        written = strftime(text, size, "%m-%d %H:%M", &tm);
        break;
    case CALENDAR_CLOCK:
        written = strftime(text, size, "%H:%M:%S", &tm);
        break;
    case CALENDAR_ZONE:
        written = strftime(text, size, "%Z", &tm);
        break;
    }
    if (written == 0 && size > 0)
        text[0] = '\0';
    return text;
}
