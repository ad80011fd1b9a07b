/* What only a live engine does: looking for silences (sight.h), telling that it is there (the
 * heartbeat). Both on a grid of packet time, so the same records make the same lines. All of it is
 * in the checkpoint: a restart forgets no silence. Thread: the engine's. */
#include "internal.h"

#include "weir/alert/heartbeat.h"

void live_flow(struct engine *engine, const struct flow_view *view)
{
    if (!engine->config.live)
        return;
    struct host *host = view->accepted ? hosts_get(engine, view->host) : NULL;
    sight_flow(&engine->sight, view->record, view->scope, host ? &host->sight : NULL);
}

void live_health(struct engine *engine, uint32_t worker, const struct record_health *record)
{
    if (engine->config.live)
        sight_health(&engine->sight, worker, (struct ptime){record->header.time_ns},
                     record->total.packets > engine->worker[worker].health.packets);
}

void live_resumed(struct engine *engine, struct ptime first)
{
    struct ptime looked = {engine->sight.next.ns - SIGHT_LOOK_NS}, last = engine->counts.last;
    engine->resumed = false;
    if (engine->sight.next.ns != INT64_MIN && looked.ns > last.ns)
        last = looked;
    if (last.ns == INT64_MIN || first.ns - last.ns <= ABSENT_TOLD_NS)
        return;
    engine_note_gap(engine, last, first);
    sight_skip(&engine->sight, first);
}

bool live_due(struct engine *engine, struct ptime now, struct ptime *at)
{
    return sight_due(&engine->sight, now, at);
}

static uint64_t records_of(const struct engine_counts *counts)
{
    uint64_t records = 0;
    for (int kind = RECORD_FLOW; kind < RECORD_WATERMARK; kind++)
        records += counts->records[kind];
    return records;
}

static void beat(struct engine *engine, struct ptime now)
{
    const struct health *health = &engine->health_sum;
    struct engine_history history = engine_history_of(engine);
    struct heartbeat heartbeat = {.time = now,
                                  .sensor = engine->config.sensor,
                                  .packets = health->packets,
                                  .wire_bytes = health->wire_bytes,
                                  .drops = health->kernel_drops + health->interface_drops,
                                  .gap_bytes = health->tcp_missing_bytes,
                                  .hosts = (uint32_t)engine->hosts.count,
                                  .hosts_ready = history.ready,
                                  .incidents_open = incidents_counts(engine->incidents).open,
                                  .alerts = engine->counts.alerts,
                                  .records = records_of(&engine->counts),
                                  .workers = engine->config.workers,
                                  .store = memory_beat(engine)};
    engine->counts.heartbeats++;
    engine_publish(engine, heartbeat_line(engine->json, &heartbeat, engine->incidents));
}

static void beat_when_due(struct engine *engine, struct ptime now)
{
    int64_t every_ns = engine->config.heartbeat_ns;
    if (every_ns <= 0)
        return;
    if (engine->next_beat.ns != INT64_MIN && now.ns >= engine->next_beat.ns)
        beat(engine, now);
    if (now.ns >= engine->next_beat.ns)
        engine->next_beat.ns = now.ns - now.ns % every_ns + every_ns;
}

static void on_silence(void *context, const struct silence *silence)
{
    struct engine *engine = context;
    tell_silence(engine, silence, (struct ptime){engine->sight.next.ns - SIGHT_LOOK_NS});
}

/* Most absences are over at once. One that is not is told while it lasts. */
static void look_for_absent(struct engine *engine, struct ptime at)
{
    for (uint32_t i = 0; i < engine->config.workers; i++) {
        struct worker *worker = &engine->worker[i];
        const struct absence *absence = &worker->absence;
        if (!worker->blind || worker->absence_told || absence->from.ns == INT64_MIN ||
            at.ns - absence->from.ns < ABSENT_LASTS_NS)
            continue;
        struct silence silence = {.kind = ABSENT_WORKER,
                                  .from = absence->from,
                                  .until = at,
                                  .lasting = true,
                                  .worker = i,
                                  .why = absence->why};
        worker->absence_told = true;
        tell_silence(engine, &silence, at);
    }
}

void live_look(struct engine *engine, struct ptime at)
{
    look_for_absent(engine, at);
    sight_look(&engine->sight, at, on_silence, engine);
    beat_when_due(engine, at);
}
