/* See asked.h. An old capture has no "two days ago": only times are taken. */
#include "asked.h"

#include "moment.h"

#include <string.h>

static int read_time(const char *text, const char *option, struct ptime *time, struct error *error)
{
    if (!text || moment_time(text, time))
        return 0;
    return error_set(error, ERROR_USAGE,
                     "%s %.60s: expected a time (2026-03-02, 2026-03-02T01:14, "
                     "2026-03-02T01:14:07Z)",
                     option, text);
}

static int read_times(const struct asked *asked, const struct config *config,
                      struct capture_times *times, struct engine_told *told, struct error *error)
{
    struct calendar *calendar = config_calendar(config, error); /* and with it the site's zone */
    *times = (struct capture_times){asked->since || asked->until, PTIME_MIN, PTIME_MAX};
    int failed = !calendar || read_time(asked->since, "--since", &times->since, error) != 0 ||
                 read_time(asked->until, "--until", &times->until, error) != 0 ||
                 read_time(asked->learn_until, "--learn-until", &told->from, error) != 0;
    calendar_free(calendar);
    if (!failed && times->since.ns >= times->until.ns)
        failed = error_set(error, ERROR_USAGE, "--until %.60s is not after --since %.60s",
                           asked->until, asked->since);
    return failed ? -1 : 0;
}

static bool is_name(const char *text)
{
    return *text && strlen(text) < DESTINATION_NAME_SIZE && !strpbrk(text, "/: \t") &&
           strspn(text, "0123456789.") < strlen(text);
}

int asked_read(const struct asked *asked, const struct config *config, struct capture_times *times,
               struct engine_told *told, struct error *error)
{
    struct error unused = {0};
    const char *to = asked->destination;
    *told = (struct engine_told){.by_host = asked->host != NULL};
    if (read_times(asked, config, times, told, error) != 0)
        return -1;
    if (asked->host && prefix_parse(asked->host, &told->host, &unused) != 0)
        return error_set(error, ERROR_USAGE,
                         "--host %.60s: expected an address or a prefix (10.0.0.7, 10.0.0.0/24)",
                         asked->host);
    if (to && prefix_parse(to, &told->prefix, &unused) == 0)
        told->by_prefix = true;
    else if (to && is_name(to))
        told->destination = to;
    else if (to)
        return error_set(error, ERROR_USAGE,
                         "--destination %.60s: expected a name, an address or a prefix "
                         "(example.jp, AS64500, 203.0.113.0/24)",
                         to);
    return 0;
}
