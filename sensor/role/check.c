/* See weir/role/check.h. Thread: start-up only. */
#include "weir/role/check.h"

#include "messages.h"

#include "weir/base/networks.h"
#include "weir/baseline/store.h"
#include "weir/capture/source.h"
#include "weir/content/pattern.h"

#include <string.h>

const char *role_filter(const struct config *config, const char *filter)
{
    return filter ? filter : config->filter;
}

/* The expressions were read by whoever does not know any. */
static int check_patterns(const struct config *config, struct error *error)
{
    for (size_t i = 0; i < config->pattern_count; i++) {
        struct error why = {0};
        const struct config_pattern *pattern = &config->pattern[i];
        if (pattern_check(pattern->pattern, &why) != 0)
            return error_set(error, ERROR_USAGE, "%s: %s: expected a PCRE2 expression",
                             pattern->place, why.message);
    }
    return 0;
}

static int check_networks(const struct config *config, struct error *error)
{
    struct networks *networks =
        *config->as_database ? networks_open(config->as_database, error) : NULL;
    networks_close(networks);
    return *config->as_database && !networks ? -1 : 0;
}

int role_check(const struct config *config, const char *filter, struct error *error)
{
    const char *held = role_filter(config, filter);
    struct calendar *calendar = config_calendar(config, error);
    calendar_free(calendar);
    if (!calendar || source_check_filter(held, error) != 0 || check_patterns(config, error) != 0 ||
        check_networks(config, error) != 0)
        return -1;
    if (strlen(held) >= ROLE_FILTER_MAX)
        return error_set(error, ERROR_USAGE, "filter: longer than %d characters",
                         ROLE_FILTER_MAX - 1);
    if (strcmp(config->redis_url, "embedded") == 0)
        return 0;
    return store_check_url(config->redis_url, error);
}
