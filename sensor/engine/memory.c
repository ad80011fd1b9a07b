/* What it means that the store is there or not: transitions, staleness, the spool.
 *
 * The spool is engine->totals: running totals are absolute, so hours that could not be closed just
 * stay open, and on return all of them are put again and closed in order, one by one. Bounds: an
 * hour has at most max_hosts hosts; SPOOL_HOURS hours and SPOOL_PAIRS pairs wait in all; beyond
 * either the oldest hour goes, counted as not learned. Looked at once an hour of packet time, so
 * what one hour brings comes on top. Thread: the engine's. */
#include "memory.h"

#include "checkpoint.h"

#include "weir/base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* --- questions ------------------------------------------------------------------------------- */

struct store *memory_store(const struct engine *engine)
{
    return engine->config.store;
}

bool memory_asks(const struct engine *engine)
{
    if (checkpoint_replaying(engine))
        return engine->memory.state != ENGINE_STORE_AWAY;
    return memory_reader(engine) != NULL;
}

bool memory_is_stale(const struct engine *engine)
{
    return engine->memory.stale;
}

static size_t hours_waiting(const struct engine *engine)
{
    return totals_hours(engine->totals);
}

const char *const engine_store_state_name[] = {"ready", "reads only", "away"};

struct engine_store_status engine_store_of(const struct engine *engine)
{
    const struct memory *memory = &engine->memory;
    const struct store *store = memory_reader(engine);
    return (struct engine_store_status){.state = memory->state,
                                        .behind = memory->behind,
                                        .since = memory->since,
                                        .since_wall_ns = memory->since_wall_ns,
                                        .why = memory->why,
                                        .pending = store ? store_pending(store) : 0,
                                        .refused = memory_link_refused(engine),
                                        .absences = memory->absences,
                                        .hours = hours_waiting(engine),
                                        .host_hours = totals_count(engine->totals),
                                        .waits = store ? store_waits_of(store) : NULL};
}

struct heartbeat_store memory_beat(const struct engine *engine)
{
    const struct memory *memory = &engine->memory;
    bool here = memory->state == ENGINE_STORE_HERE;
    return (struct heartbeat_store){.state = engine_store_state_name[memory->state],
                                    .learning = here && !memory->behind,
                                    .since = memory->since,
                                    .why = memory->why,
                                    .hours = hours_waiting(engine),
                                    .unlearned = engine->counts.hours_unlearned};
}

/* --- transitions ----------------------------------------------------------------------------- */

/* So that no log spans the change. Where it cannot be written, or a log is being replayed, a
 * restart is not exact until the next snapshot, which is wanted at once. */
static void keep(struct engine *engine)
{
    struct checkpoint *checkpoint = engine->checkpoint;
    struct error error = {0};
    if (!checkpoint || !engine->begun || checkpoint->number == 0)
        return;
    checkpoint->wanted = true;
    if (!checkpoint_replaying(engine) && checkpoint_take(engine, &error) != 0) {
        checkpoint->failures++;
        log_error("checkpoint: %s", error.message);
    }
}

static void note_gone(struct engine *engine, const char *why)
{
    struct memory *memory = &engine->memory;
    if (!memory->behind) { /* else it was not over yet */
        memory->since = engine->order.complete;
        memory->since_wall_ns = ptime_now().ns;
    }
    memory->behind = false;
    memory->absences++;
    memory->next_bound = PTIME_MIN;
    log_warn("%s; judging goes on by what is known, and what would be learned waits", why);
}

static void note_back(struct engine *engine)
{
    struct memory *memory = &engine->memory;
    double away_s = (double)(ptime_now().ns - memory->since_wall_ns) / (double)NS_PER_S;
    memory->behind = true;
    log_warn("redis is there again after %.1f s: %zu hosts' hours were put, %zu hours are open",
             away_s, totals_count(engine->totals), hours_waiting(engine));
    *memory->why = '\0';
}

static void take_fleet(struct engine *engine, struct fleet *fleet)
{
    if (!fleet)
        return;
    fleet_free(engine->fleet);
    engine->fleet = fleet;
    engine->memory.fleet_known = true;
}

void memory_set(struct engine *engine, enum engine_store_state state, struct fleet *fleet,
                const char *why)
{
    struct memory *memory = &engine->memory;
    enum engine_store_state before = memory->state;
    if (engine->finished || state == before) {
        fleet_free(fleet);
        return;
    }
    memory->state = state;
    snprintf(memory->why, sizeof memory->why, "%s", why);
    take_fleet(engine, fleet);
    if (before == ENGINE_STORE_HERE)
        note_gone(engine, why);
    if (state == ENGINE_STORE_HERE)
        note_back(engine);
    if (before == ENGINE_STORE_HERE)
        close_abandon(engine);
    hosts_abandon(engine);     /* whatever connection they were asked on has gone … */
    elsewhere_abandon(engine); /* … and then: this asks on the new one */
    keep(engine);
    if (state == ENGINE_STORE_HERE)
        close_resume(engine);
}

/* --- the spool's bound ----------------------------------------------------------------------- */

static uint64_t count_pairs(struct host_total *const *total, size_t count)
{
    uint64_t pairs = 0;
    for (size_t i = 0; i < count; i++)
        pairs += totals_room(total[i]);
    return pairs;
}

/* The oldest hour, which the first `count` of `total` are, is not learned. */
static void let_hour_go(struct engine *engine, struct host_total **total, size_t count)
{
    int64_t hour = total[0]->hour;
    close_forget_changed(engine, hour);
    for (size_t i = 0; i < count; i++) {
        engine->counts.unlearned_bytes += total[i]->out.value;
        engine->counts.host_hours_unlearned += total[i]->sends;
        totals_drop(engine->totals, total[i]);
    }
    engine->counts.hours_unlearned++;
}

static size_t count_hours(struct host_total *const *total, size_t count)
{
    size_t hours = 0;
    for (size_t i = 0; i < count; i++)
        hours += i == 0 || total[i]->hour != total[i - 1]->hour;
    return hours;
}

static size_t size_of_first(struct host_total *const *total, size_t count)
{
    size_t size = 0;
    while (size < count && total[size]->hour == total[0]->hour)
        size++;
    return size;
}

static void bound_spool(struct engine *engine, const struct civil *civil)
{
    size_t count, at = 0;
    struct host_total **total = totals_until(engine->totals, civil->hour - 1, &count);
    size_t hours = count_hours(total, count);
    uint64_t pairs = count_pairs(total, count);
    while (at < count && (hours > SPOOL_HOURS || pairs > SPOOL_PAIRS)) {
        size_t size = size_of_first(total + at, count - at);
        pairs -= count_pairs(total + at, size);
        let_hour_go(engine, total + at, size);
        at += size;
        hours--;
    }
    free(total);
}

/* --- at each look ---------------------------------------------------------------------------- */

/* An hour that came due is not closed yet. */
static bool is_overdue(const struct engine *engine)
{
    int64_t hour;
    return engine->closing || (totals_oldest(engine->totals, &hour) && hour <= engine->closed_hour);
}

void memory_look(struct engine *engine, struct ptime at)
{
    struct memory *memory = &engine->memory;
    bool here = memory->state == ENGINE_STORE_HERE;
    if (here && !memory->behind)
        return;
    if (here && !is_overdue(engine)) {
        memory->behind = memory->stale = false;
        return;
    }
    if (memory->since.ns == INT64_MIN)
        memory->since = at;
    memory->stale = at.ns - memory->since.ns > STALE_AFTER_NS;
    if (here || at.ns < memory->next_bound.ns || memory_link_fills(engine))
        return;
    struct civil civil = calendar_at(engine->config.calendar, at);
    memory->next_bound = civil.ends;
    bound_spool(engine, &civil);
}
