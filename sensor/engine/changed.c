/* People changed the memory (weir baseline …): what the engine holds of it is read again when it is
 * needed. A snapshot follows, as this came by no ring: a restart must not go on from before.
 * Thread: the engine's. */
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

/* The fleet's tables too: they are read from the store before they learn again. */
static void all_changed(struct engine *engine)
{
    size_t position = 0;
    engine->fleet_spoiled = true;
    for (const struct map_entry *e; (e = map_next(&engine->hosts, &position)) != NULL;)
        hosts_changed(engine, &((const struct host *)e->value)->ip);
}

enum engine_change engine_memory_changed(struct engine *engine, const struct ip *ip, bool forget)
{
    struct error error = {0};
    if (engine->finished || engine->closing || checkpoint_replaying(engine) ||
        memory_link_fills(engine)) /* which goes over what was changed */
        return ENGINE_CHANGE_LATER;
    if (ip)
        hosts_changed(engine, ip);
    else
        all_changed(engine);
    if (ip && forget)
        forget_totals(engine, ip);
    if (ip && forget && engine->fleet)
        fleet_forget_host(engine->fleet, ip);
    if (engine->checkpoint && engine_checkpoint(engine, &error) != 0)
        log_warn("after a change of the memory: %s", error.message);
    return ENGINE_CHANGED;
}
