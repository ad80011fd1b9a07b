/* Looking into the engine from outside. Thread: the engine's. */
#include "checkpoint.h"
#include "close.h"
#include "memory.h"

#include "weir/baseline/store_overview.h"

bool engine_finished(const struct engine *engine)
{
    return engine->finished;
}

const struct engine_counts *engine_counts_of(const struct engine *engine)
{
    return &engine->counts;
}

const struct health *engine_health(const struct engine *engine)
{
    return &engine->health_sum;
}

const struct incidents *engine_incidents(const struct engine *engine)
{
    return engine->incidents;
}

const struct fleet *engine_fleet(const struct engine *engine)
{
    return engine->fleet;
}

bool engine_read_fleet(const struct engine *engine,
                       void (*done)(void *context, const struct store_overview *overview),
                       void *context)
{
    struct store *here = memory_store(engine), *store = here ? here : memory_reader(engine);
    if (store)
        store_read_overview(store, done, context);
    return store != NULL;
}

static void add_closing(const struct engine *engine, struct engine_status *status)
{
    const struct closing *closing = engine->closing;
    if (!closing || !engine->config.live)
        return;
    bool known = engine->fleet_hour != STORE_NO_HOUR;
    status->closing_hours = known ? (uint64_t)(closing->through - engine->fleet_hour) : 1;
    status->closing_waited = closing->turn.waited;
}

struct engine_status engine_status_of(const struct engine *engine)
{
    struct engine_status status = {.open_flows = engine->open_flows.map.count,
                                   .waiting_records = engine->order.count - engine->order.next,
                                   .complete = engine->order.complete};
    for (uint32_t i = 0; i < engine->config.workers; i++)
        status.workers_absent += engine->order.worker[i].absent;
    add_closing(engine, &status);
    const struct checkpoint *checkpoint = engine->checkpoint;
    if (checkpoint) {
        status.snapshots = checkpoint->taken;
        status.snapshot_bytes = checkpoint->bytes;
        status.checkpoint_failures = checkpoint->failures;
        status.log_bytes = checkpoint->log.bytes;
        status.snapshot_age_ns = wtime_now().ns - checkpoint->wall.ns;
        status.replaying = checkpoint->replaying;
    }
    return status;
}
