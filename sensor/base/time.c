/* Clocks and time texts. Thread-safe: no state. */
#include "weir/base/time.h"

#include <stdio.h>
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

char *ptime_seconds(struct ptime time, char *text, size_t size)
{
    /* Sign and magnitude, not rounded down: -1 ns is "-0.000000001". */
    uint64_t ns = time.ns < 0 ? -(uint64_t)time.ns : (uint64_t)time.ns;
    snprintf(text, size, "%s%llu.%09llu", time.ns < 0 ? "-" : "",
             (unsigned long long)(ns / NS_PER_S), (unsigned long long)(ns % NS_PER_S));
    return text;
}
