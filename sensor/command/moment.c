/* See moment.h. No state. Thread: the main thread. */
#include "moment.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SPAN_MAX_NS (36500 * NS_PER_DAY) /* a century */

bool moment_span(const char *text, int64_t *ns)
{
    static const struct {
        const char *unit;
        int64_t ns;
    } row[] = {{"s", NS_PER_S},    {"m", NS_PER_MIN}, {"min", NS_PER_MIN},
               {"h", NS_PER_HOUR}, {"d", NS_PER_DAY}, {"w", 7 * NS_PER_DAY}};
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 10)
        return false;
    int64_t count = strtoll(text, NULL, 10);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (strcmp(text + digits, row[i].unit) == 0 && count <= SPAN_MAX_NS / row[i].ns) {
            *ns = count * row[i].ns;
            return true;
        }
    return false;
}

bool moment_time(const char *text, struct ptime *moment)
{
    static const char *const layout[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"};
    if (ptime_of_iso(text, moment))
        return true;
    for (size_t i = 0; i < sizeof layout / sizeof *layout; i++) {
        struct tm tm = {.tm_isdst = -1};
        const char *end = strptime(text, layout[i], &tm);
        if (!end || (*end != '\0' && strcmp(end, "Z") != 0))
            continue;
        if (tm.tm_year < 1970 - 1900 || tm.tm_year > 2200 - 1900)
            return false;
        struct tm normal = tm; /* a 30th of February would become another day */
        time_t seconds = timegm(&normal);
        if (normal.tm_mday != tm.tm_mday)
            return false;
        moment->ns = (int64_t)(*end == 'Z' ? seconds : mktime(&tm)) * NS_PER_S;
        return true;
    }
    return false;
}

int moment_read(const char *text, struct ptime now, const char *option, struct ptime *moment,
                struct error *error)
{
    int64_t ago_ns;
    if (moment_span(text, &ago_ns)) {
        moment->ns = now.ns - ago_ns;
        return 0;
    }
    if (moment_time(text, moment))
        return 0;
    return error_set(error, ERROR_USAGE,
                     "%s %.60s: expected how long ago (90m, 8h, 2d) or a time "
                     "(2026-03-02, 2026-03-02T01:14, 2026-03-02T01:14:07Z)",
                     option, text);
}
