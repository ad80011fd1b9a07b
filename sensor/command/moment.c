/* See moment.h. No state. Thread: the main thread. */
#include "moment.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define AGO_MAX_NS (36500 * NS_PER_DAY) /* a century */

static bool read_ago(const char *text, int64_t *ns)
{
    static const char units[] = "smhdw";
    static const int64_t unit_ns[] = {NS_PER_S, NS_PER_MIN, NS_PER_HOUR, NS_PER_DAY,
                                      7 * NS_PER_DAY};
    char *end;
    errno = 0;
    long long count = strtoll(text, &end, 10);
    const char *unit = *end ? strchr(units, *end) : NULL;
    if (end == text || errno != 0 || !unit || end[1] != '\0' || count < 0)
        return false;
    if (count > AGO_MAX_NS / unit_ns[unit - units])
        return false;
    *ns = count * unit_ns[unit - units];
    return true;
}

static bool read_date(const char *text, struct ptime *moment)
{
    static const char *const layout[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"};
    for (size_t i = 0; i < sizeof layout / sizeof *layout; i++) {
        struct tm tm = {.tm_isdst = -1};
        const char *end = strptime(text, layout[i], &tm);
        if (!end || (*end != '\0' && strcmp(end, "Z") != 0))
            continue;
        if (tm.tm_year < 1970 - 1900 || tm.tm_year > 2200 - 1900)
            return false;
        moment->ns = (int64_t)(*end == 'Z' ? timegm(&tm) : mktime(&tm)) * NS_PER_S;
        return true;
    }
    return false;
}

int moment_read(const char *text, struct ptime now, const char *option, struct ptime *moment,
                struct error *error)
{
    int64_t ago_ns;
    if (read_ago(text, &ago_ns)) {
        moment->ns = now.ns - ago_ns;
        return 0;
    }
    if (ptime_of_iso(text, moment) || read_date(text, moment))
        return 0;
    return error_set(error, ERROR_USAGE,
                     "%s %.60s: expected how long ago (90m, 8h, 2d) or a time "
                     "(2026-03-02, 2026-03-02T01:14, 2026-03-02T01:14:07Z)",
                     option, text);
}
