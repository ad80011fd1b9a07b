/* Clocks and time texts. Thread-safe: no state. */
#include "weir/base/time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* whole years of nanoseconds since 1970 */
#define FIRST_YEAR 1678
#define LAST_YEAR  2261

struct wtime wtime_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (struct wtime){(int64_t)now.tv_sec * NS_PER_S + now.tv_nsec};
}

struct ptime ptime_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (struct ptime){(int64_t)now.tv_sec * NS_PER_S + now.tv_nsec};
}

/* Seconds rounded down, and the nanoseconds after them. */
static time_t split(struct ptime time, int64_t *rest_ns)
{
    int64_t seconds = time.ns / NS_PER_S, rest = time.ns % NS_PER_S;
    if (rest < 0) {
        seconds--;
        rest += NS_PER_S;
    }
    *rest_ns = rest;
    return (time_t)seconds;
}

char *ptime_iso(struct ptime time, char *text, size_t size)
{
    struct tm tm;
    int64_t rest;
    char date[24];
    time_t seconds = split(time, &rest);
    if (!gmtime_r(&seconds, &tm) || strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
        date[0] = '\0';
    snprintf(text, size, "%s.%03dZ", date, (int)(rest / NS_PER_MS));
    return text;
}

char *ptime_seconds(struct ptime time, char *text, size_t size)
{
    /* Sign and magnitude, not rounded down: -1 ns is "-0.000000001". */
    uint64_t ns = time.ns < 0 ? -(uint64_t)time.ns : (uint64_t)time.ns;
    snprintf(text, size, "%s%llu.%09llu", time.ns < 0 ? "-" : "",
             (unsigned long long)(ns / NS_PER_S), (unsigned long long)(ns % NS_PER_S));
    return text;
}

/* Exactly `digits` of them; −1: there are not so many. */
static int number(const char **at, int digits)
{
    int value = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return -1;
        value = value * 10 + (**at - '0');
    }
    return value;
}

static bool skip(const char **at, char expected)
{
    if (**at != expected)
        return false;
    (*at)++;
    return true;
}

/* ":SS" and ".mmm", either may be missing. */
static bool read_seconds(const char **at, struct tm *tm, int64_t *ns)
{
    *ns = 0;
    if (**at != ':')
        return true;
    (*at)++;
    tm->tm_sec = number(at, 2);
    if (tm->tm_sec < 0 || **at != '.')
        return tm->tm_sec >= 0;
    (*at)++;
    int64_t unit = NS_PER_S / 10;
    const char *first = *at;
    for (; **at >= '0' && **at <= '9' && unit > 0; (*at)++, unit /= 10)
        *ns += unit * (**at - '0');
    return *at > first;
}

bool ptime_of_iso(const char *text, struct ptime *time)
{
    struct tm tm = {.tm_year = number(&text, 4) - 1900};
    int64_t ns;
    if (tm.tm_year < FIRST_YEAR - 1900 || tm.tm_year > LAST_YEAR - 1900 || !skip(&text, '-'))
        return false;
    tm.tm_mon = number(&text, 2) - 1;
    if (!skip(&text, '-'))
        return false;
    tm.tm_mday = number(&text, 2);
    if (!skip(&text, 'T'))
        return false;
    tm.tm_hour = number(&text, 2);
    if (!skip(&text, ':'))
        return false;
    tm.tm_min = number(&text, 2);
    if (tm.tm_hour < 0 || tm.tm_min < 0 || !read_seconds(&text, &tm, &ns) || strcmp(text, "Z") != 0)
        return false;
    struct tm normal = tm; /* a 31st of February would become another day */
    int64_t seconds = timegm(&normal);
    if (normal.tm_mon != tm.tm_mon || normal.tm_mday != tm.tm_mday ||
        normal.tm_hour != tm.tm_hour || normal.tm_min != tm.tm_min || normal.tm_sec != tm.tm_sec)
        return false;
    time->ns = seconds * NS_PER_S + ns;
    return true;
}
