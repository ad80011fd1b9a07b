/* See weir/role/check.h. Thread: start-up only. */
#include "weir/role/check.h"

#include "messages.h"

#include "weir/baseline/store.h"
#include "weir/capture/source.h"

#include <string.h>

const char *role_filter(const struct config *config, const char *filter)
{
    return filter ? filter : config->filter;
}

int role_check(const struct config *config, const char *filter, struct error *error)
{
    const char *held = role_filter(config, filter);
    struct calendar *calendar = config_calendar(config, error);
    calendar_free(calendar);
    if (!calendar || source_check_filter(held, error) != 0)
        return -1;
    if (strlen(held) >= ROLE_FILTER_MAX)
        return error_set(error, ERROR_USAGE, "filter: longer than %d characters",
                         ROLE_FILTER_MAX - 1);
    if (strcmp(config->redis_url, "embedded") == 0)
        return 0;
    return store_check_url(config->redis_url, error);
}
