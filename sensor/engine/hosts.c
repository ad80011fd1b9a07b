/* The cache of host profiles: every inside host that was ever worth a profile in this run. Bounded
 * by max_hosts; a host beyond it is counted, not judged. Thread: the engine's. */
#include "internal.h"

#include "weir/base/buffer.h"

#include <stdlib.h>

struct host *hosts_get(const struct engine *engine, const struct ip *ip)
{
    return map_get(&engine->hosts, ip, sizeof *ip);
}

struct host *hosts_add(struct engine *engine, const struct ip *ip)
{
    if (engine->hosts.count >= engine->config.max_hosts) {
        engine->counts.hosts_refused++;
        return NULL;
    }
    struct host *host = xcalloc(1, sizeof *host);
    host->ip = *ip;
    host->stored_hour = INT64_MIN;
    map_put(&engine->hosts, ip, sizeof *ip, host);
    return host;
}

void engine_know_host(struct engine *engine, const struct ip *ip)
{
    if (!hosts_get(engine, ip))
        hosts_add(engine, ip); /* its profile is loaded when it first sends */
}

void hosts_changed(struct engine *engine, const struct ip *ip)
{
    struct host *host = hosts_get(engine, ip);
    if (!host)
        return;
    profile_free(host->profile);
    host->profile = NULL;
    host->stored_hour = INT64_MIN;
    host->loaded = false;
}

static void free_host(void *value)
{
    struct host *host = value;
    profile_free(host->profile);
    free(host);
}

void hosts_fini(struct engine *engine)
{
    map_fini(&engine->hosts, free_host);
}

struct engine_history engine_history_of(const struct engine *engine)
{
    struct engine_history history = {0};
    size_t position = 0;
    for (const struct map_entry *e; (e = map_next(&engine->hosts, &position)) != NULL;) {
        const struct host *host = e->value;
        if (!host->profile)
            continue;
        history.hosts++;
        int64_t hour = host->profile->last_closed_hour;
        if (profile_state(host->profile, hour, engine->config.detect.learn_days) !=
            BASELINE_LEARNING)
            history.ready++;
        if (profile_hours(host->profile) > history.longest_hours)
            history.longest_hours = profile_hours(host->profile);
    }
    return history;
}
