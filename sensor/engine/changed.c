/* People changed the memory (weir baseline …): what the engine holds of it is read again when it is
 * needed. A snapshot follows, as this came by no ring: a restart must not go on from before. What
 * is to be forgotten is also found in the store, each minute: whoever was told may have been
 * another sensor (store_forget.c). Thread: the engine's. */
#include "checkpoint.h"
#include "internal.h"

#include "weir/base/log.h"

#include <stdlib.h>

static void forget_changed(struct engine *engine, const struct host_total *total)
{
    size_t kept = 0;
    for (size_t i = 0; i < engine->changed_count; i++)
        if (engine->changed[i] != total)
            engine->changed[kept++] = engine->changed[i];
    engine->changed_count = kept;
}

/* The hours that are open go too: they would be published again. */
static void forget_totals(struct engine *engine, const struct ip *ip)
{
    size_t count;
    struct host_total **all = totals_until(engine->totals, INT64_MAX, &count);
    for (size_t i = 0; i < count; i++) {
        if (ip_compare(&all[i]->host, ip) != 0)
            continue;
        forget_changed(engine, all[i]);
        totals_drop(engine->totals, all[i]);
    }
    free(all);
}

/* What it claims, too: it would be said again until the store hears it. */
static void drop(struct engine *engine, const struct ip *ip)
{
    struct host *host = hosts_get(engine, ip);
    if (host) {
        free(host->claims);
        host->claims = NULL;
    }
    halves_forget(engine, ip);
    hosts_changed(engine, ip);
    forget_totals(engine, ip);
    if (engine->fleet)
        fleet_forget_host(engine->fleet, ip);
}

/* The fleet's tables too: they are read from the store before they learn again. */
static void all_changed(struct engine *engine)
{
    size_t position = 0;
    engine->fleet_spoiled = true;
    for (const struct map_entry *e; (e = map_next(&engine->hosts, &position)) != NULL;)
        hosts_changed(engine, &((const struct host *)e->value)->ip);
}

/* It would not be undone by what is under way. While others are waited for nothing is. */
bool changed_may(const struct engine *engine)
{
    return !engine->finished && !close_paused(engine) && !checkpoint_replaying(engine) &&
           !memory_link_fills(engine); /* which goes over what was changed */
}

static int keep(struct engine *engine)
{
    struct error error = {0};
    if (!engine->checkpoint || engine_checkpoint(engine, &error) == 0)
        return 0;
    log_warn("after a change of the memory: %s", error.message);
    return -1;
}

/* Dropped first, kept so, then said: killed in between, it is told again. Where it cannot be kept
 * at once it comes with the next sign of life: until then nothing of these hosts is written. */
static void on_forgotten(void *context, const struct store_forgotten *forgotten)
{
    struct engine *engine = context;
    struct store *store = memory_store(engine);
    if (!store || !changed_may(engine) || (engine->checkpoint && !engine_is_idle(engine)))
        return;
    for (size_t i = 0; i < forgotten->count; i++)
        drop(engine, &forgotten->host[i]);
    if (forgotten->count == 0 || keep(engine) == 0)
        store_took_forgotten(store, forgotten->number);
}

void changed_look(struct engine *engine)
{
    if (engine->config.live && memory_store(engine) && changed_may(engine))
        store_read_forgotten(memory_store(engine), on_forgotten, engine);
}

enum engine_change engine_memory_changed(struct engine *engine, const struct ip *ip, bool forget)
{
    if (!changed_may(engine))
        return ENGINE_CHANGE_LATER;
    if (ip)
        hosts_changed(engine, ip);
    else
        all_changed(engine);
    if (ip && forget) {
        drop(engine, ip);
        changed_look(engine); /* it is in the list, too */
    } else if (ip) {
        loads_again(engine, ip); /* in the snapshot, so the answer has its place behind it */
    }
    keep(engine);
    loads_ask(engine);
    return ENGINE_CHANGED;
}
