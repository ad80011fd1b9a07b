/* Clocks and time texts. Thread-safe: no state. */
#include "weir/base/time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct wtime wtime_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (struct wtime){(int64_t)now.tv_sec * NS_PER_S + now.tv_nsec};
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

/* The digits after the seconds, as ns; NULL: there are none where there must be. */
static const char *read_fraction(const char *at, int64_t *ns)
{
    int64_t unit = NS_PER_S / 10;
    *ns = 0;
    if (*at != '.')
        return at;
    for (at++; *at >= '0' && *at <= '9' && unit > 0; at++, unit /= 10)
        *ns += (*at - '0') * unit;
    return unit < NS_PER_S / 10 ? at : NULL;
}

bool ptime_of_iso(const char *text, struct ptime *time)
{
    struct tm tm = {0};
    int64_t fraction_ns;
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    end = end ? read_fraction(end, &fraction_ns) : NULL;
    if (!end || strcmp(end, "Z") != 0 || tm.tm_year < 1678 - 1900 || tm.tm_year > 2261 - 1900)
        return false;
    time->ns = (int64_t)timegm(&tm) * NS_PER_S + fraction_ns;
    return true;
}

char *ptime_seconds(struct ptime time, char *text, size_t size)
{
    /* Sign and magnitude, not rounded down: -1 ns is "-0.000000001". */
    uint64_t ns = time.ns < 0 ? -(uint64_t)time.ns : (uint64_t)time.ns;
    snprintf(text, size, "%s%llu.%09llu", time.ns < 0 ? "-" : "",
             (unsigned long long)(ns / NS_PER_S), (unsigned long long)(ns % NS_PER_S));
    return text;
}
