/* What an entry changes.
 *
 *   record  → validated, held against its worker's own order → the order of consumption
 *   attach  → the worker is there (again): its watermark begins at what is complete
 *   lost    → the flows it left open end as `lost`, in key order, behind its last record; its
 *             absence begins
 *   loaded  → a host's profile came (of the log only: loads.c logs one as it takes it)
 *
 * Nothing here looks at rings or at how much was consumed, so the log of entries is all that a
 * restart needs. A worker that lies about its order (a number or a time that goes back) is damaged:
 * nothing more of this incarnation is believed. Thread: the engine's. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* --- absences -------------------------------------------------------------------------------- */

/* In its place among the records, at the time of the successor's first sign. */
static void end_absence(struct engine *engine, uint32_t number, int64_t time_ns)
{
    struct worker *worker = &engine->worker[number];
    struct absence_record record = {.header = {.size = sizeof record,
                                               .kind = ORDER_ABSENCE,
                                               .version = RECORD_VERSION,
                                               .time_ns = time_ns},
                                    .absence = worker->absence};
    struct absence *absence = &record.absence;
    if (absence->from.ns == INT64_MIN)
        absence->from.ns = time_ns;
    absence->until.ns = time_ns > absence->from.ns ? time_ns : absence->from.ns;
    worker->blind = false;
    order_add(&engine->order, &record.header, number, worker->incarnation);
}

void entry_end_absences(struct engine *engine, struct ptime until)
{
    for (uint32_t i = 0; i < engine->config.workers; i++) {
        struct worker *worker = &engine->worker[i];
        if (!worker->blind)
            continue;
        struct absence absence = worker->absence;
        absence.until = absence.from.ns > until.ns ? absence.from : until;
        worker->blind = false;
        if (absence.from.ns != INT64_MIN)
            judge_absence(engine, &absence);
    }
}

static void begin_absence(struct engine *engine, uint32_t number, const char why[WHY_SIZE],
                          size_t flows)
{
    struct worker *worker = &engine->worker[number];
    if (worker->blind) { /* its successor went without a sign */
        worker->absence.flows_lost += flows;
        return;
    }
    worker->blind = true;
    worker->absence_told = false;
    worker->absence = (struct absence){.worker = number, .from = worker->told, .flows_lost = flows};
    if (worker->told.ns == INT64_MIN)
        worker->absence.from = engine->order.complete;
    memcpy(worker->absence.why, why, WHY_SIZE);
    worker->absence.why[WHY_SIZE - 1] = '\0';
}

/* --- records --------------------------------------------------------------------------------- */

static int64_t clamp_time(int64_t time_ns)
{
    if (time_ns > RECORD_TIME_MAX_NS)
        return RECORD_TIME_MAX_NS;
    return time_ns < -RECORD_TIME_MAX_NS ? -RECORD_TIME_MAX_NS : time_ns;
}

/* The input of this worker ended in good order. */
static void end_worker(struct engine *engine, uint32_t number)
{
    open_flows_drop(&engine->open_flows, number);
    engine->worker[number].ended = true;
    order_watermark(&engine->order, number, PTIME_MAX);
}

static void take_watermark(struct engine *engine, uint32_t number, int64_t time_ns)
{
    struct worker *worker = &engine->worker[number];
    if (time_ns == INT64_MAX) {
        end_worker(engine, number);
        return;
    }
    if (clamp_time(time_ns) > worker->told.ns)
        worker->told.ns = clamp_time(time_ns);
    if (worker->told.ns > worker->last.ns)
        worker->last = worker->told;
    order_watermark(&engine->order, number, worker->told);
}

static bool lies(const struct worker *worker, const struct record_header *header)
{
    return header->number <= worker->number ||
           (header->kind != RECORD_WATERMARK && header->time_ns <= worker->told.ns);
}

/* One that holds everybody up with so much of its own does not send watermarks as it should. */
static void bound_order(struct engine *engine, uint32_t number)
{
    if (!order_is_full_of(&engine->order, number) || !order_holds(&engine->order, number))
        return;
    if (engine->config.live)
        engine->worker[number].damaged = true;
    else
        order_force(&engine->order);
}

static void take_record(struct engine *engine, const struct entry *entry)
{
    struct worker *worker = &engine->worker[entry->worker];
    const struct record_header *header = (const void *)(entry + 1);
    worker->position = entry->position;
    if (worker->ended || worker->damaged)
        return;
    enum record_fault fault = record_validate(header, entry->size);
    if (fault != RECORD_OK) {
        engine->counts.faults[fault]++;
        return;
    }
    if (lies(worker, header)) {
        engine->counts.faults[RECORD_RANGE]++;
        worker->damaged = true;
        return;
    }
    worker->number = header->number;
    if (worker->blind && header->time_ns != INT64_MAX)
        end_absence(engine, entry->worker, clamp_time(header->time_ns));
    if (header->kind == RECORD_WATERMARK) {
        take_watermark(engine, entry->worker, header->time_ns);
        return;
    }
    if (header->time_ns > worker->last.ns)
        worker->last.ns = header->time_ns;
    if (header->kind == RECORD_FLOW && !engine->config.workers_stay)
        open_flows_note(&engine->open_flows, entry->worker, (const void *)header);
    order_add(&engine->order, header, entry->worker, entry->incarnation);
    if (header->kind == RECORD_FLOW &&
        ((const struct record_flow *)(const void *)header)->end == FLOW_END_INPUT)
        order_promise(&engine->order, entry->worker, (const void *)header);
    bound_order(engine, entry->worker);
}

/* Totals since each incarnation's start: what the ones before counted is kept. */
void entry_take_health(struct engine *engine, const struct record_health *record,
                       const struct ordered *from)
{
    struct worker *worker = &engine->worker[from->worker];
    if (from->incarnation != worker->health_of) {
        health_add(&worker->health_before, &worker->health);
        worker->health_of = from->incarnation;
        worker->health = (struct health){0};
    }
    live_health(engine, from->worker, record);
    worker->health = record->total;
    engine->health_sum = (struct health){0};
    for (size_t i = 0; i < engine->config.workers; i++) {
        health_add(&engine->health_sum, &engine->worker[i].health_before);
        health_add(&engine->health_sum, &engine->worker[i].health);
    }
}

/* --- workers --------------------------------------------------------------------------------- */

static void take_attach(struct engine *engine, const struct entry *entry)
{
    struct worker *worker = &engine->worker[entry->worker];
    bool was_ended = worker->ended;
    worker->incarnation = entry->incarnation;
    worker->attached = true;
    worker->ended = worker->damaged = false;
    worker->position = entry->position;
    worker->number = 0;
    worker->told = worker->last = PTIME_MIN;
    order_follow(&engine->order, entry->worker);
    if (engine->order.worker[entry->worker].absent || was_ended)
        order_present(&engine->order, entry->worker);
}

/* The flow ends with what was known of it: nothing fresh, at the time of the loss. */
static void end_flow(struct engine *engine, uint32_t number, struct record_flow *record,
                     int64_t loss_ns)
{
    struct worker *worker = &engine->worker[number];
    record->end = FLOW_END_LOST;
    record->fresh_since_ns = record->last_ns;
    record->flags &= (uint16_t)~FLOW_TURNED; /* its last record said so: once is enough */
    memset(record->fresh, 0, sizeof record->fresh);
    record->header.number = ++worker->number;
    record->header.time_ns = loss_ns;
    order_add(&engine->order, &record->header, number, worker->incarnation);
}

static void lose(struct engine *engine, uint32_t number, const char why[WHY_SIZE])
{
    size_t count;
    struct worker *worker = &engine->worker[number];
    struct record_flow **open = open_flows_take(&engine->open_flows, number, &count);
    for (size_t i = 0; i < count; i++) {
        end_flow(engine, number, open[i], worker->last.ns);
        free(open[i]);
    }
    free(open);
    engine->counts.workers_lost++;
    engine->counts.flows_lost += count;
    begin_absence(engine, number, why, count);
}

static void take_lost(struct engine *engine, const struct entry *entry)
{
    struct worker *worker = &engine->worker[entry->worker];
    if (worker->ended)
        return;
    if (worker->attached)
        lose(engine, entry->worker, (const char *)(entry + 1));
    worker->attached = false;
    if (!(entry->flags & ENTRY_FOLLOWED)) /* else nobody runs ahead of what the successor says */
        order_absent(&engine->order, entry->worker, worker->last);
    if (entry->flags & ENTRY_FINAL) {
        worker->ended = true;
        order_watermark(&engine->order, entry->worker, PTIME_MAX);
    }
}

static void take_loaded(struct engine *engine, const struct entry_loaded *loaded)
{
    struct host *host = hosts_get(engine, &loaded->host);
    if (host) /* max_hosts may be smaller now */
        loads_take(engine, host, loaded->blob_size ? loaded + 1 : NULL, loaded->blob_size);
}

void entry_take(struct engine *engine, const struct entry *entry)
{
    if (entry->worker >= engine->config.workers) /* of a log from when there were more */
        return;
    switch ((enum entry_kind)entry->kind) {
    case ENTRY_RECORD:
        take_record(engine, entry);
        break;
    case ENTRY_ATTACH:
        take_attach(engine, entry);
        break;
    case ENTRY_LOST:
        take_lost(engine, entry);
        break;
    case ENTRY_LOADED:
        take_loaded(engine, (const void *)(entry + 1));
        break;
    case ENTRY_ELSEWHERE:
        elsewhere_take(engine, (const void *)(entry + 1));
        break;
    case ENTRY_WAITED: /* looked up when it is asked for */
        break;
    }
    engine->counts.late = engine->order.late;
    engine->counts.forced = engine->order.forced;
    engine->counts.flows_forgotten = engine->open_flows.forgotten;
}
