/* The pump.
 *
 *   rings → (copy, validate) → order → one record at a time → account
 *
 * Before a record at time t is consumed, everything due before t is done: the minute's tick, the
 * close of an hour. Whatever needs an answer of the store sets `waiting` or `closing`; the pump
 * then returns and engine_resume starts it again. At the end of all inputs the totals are published
 * once more, open incidents are closed, alerts are delivered, and `done` is told. Thread: the
 * engine's. */
#include "internal.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <stdlib.h>
#include <string.h>

#define STEP_RECORDS 65536 /* consumed before the loop may look at other things */

static void pump(struct engine *engine);

static bool paused(const struct engine *engine)
{
    return engine->waiting > 0 || engine->closing || engine->finished;
}

/* --- alerts out ------------------------------------------------------------------------------ */

void engine_publish(struct engine *engine, char *line)
{
    struct error error = {0};
    if (bus_publish(engine->config.bus, line, strlen(line), &error) != 0) {
        engine->counts.publish_failures++;
        engine_fail(engine, &error);
    }
    free(line);
}

static void on_alert(void *context, const struct incident *incident, const struct alert *alert)
{
    struct engine *engine = context;
    engine->counts.alerts++;
    engine_publish(engine, alert_formats[0]->line(engine->json, alert));
    if (engine->config.observer.alert)
        engine->config.observer.alert(engine->config.observer.context, incident, alert);
}

/* --- making and ending ----------------------------------------------------------------------- */

static void mute(struct engine *engine, bool muted)
{
    engine->muted = muted;
    for (size_t i = 0; i < engine->config.ring_count; i++)
        engine->config.loop.ops->change(engine->watch[i], muted ? 0 : LOOP_READ);
}

/* While consumption is paused the rings' events stay readable: not to spin, they are not watched.
 */
static void on_data(void *context, unsigned what)
{
    struct engine *engine = context;
    (void)what;
    if (paused(engine))
        mute(engine, true);
    else
        pump(engine);
}

static int open_rings(struct engine *engine, struct error *error)
{
    const struct engine_config *config = &engine->config;
    for (size_t i = 0; i < config->ring_count; i++) {
        engine->ring[i] = ring_consumer_open(&config->rings[i], error);
        if (!engine->ring[i])
            return -1;
        engine->watch[i] = config->loop.ops->watch(
            config->loop.loop, ring_data_event(engine->ring[i]), 0, on_data, engine);
    }
    return 0;
}

struct engine *engine_new(const struct engine_config *config, struct error *error)
{
    struct engine *engine = xcalloc(1, sizeof *engine);
    engine->config = *config;
    engine->next_tick = engine->next_beat = PTIME_MIN;
    engine->next_close = PTIME_MAX;
    engine->closed_hour = INT64_MIN;
    engine->counts.first = PTIME_MAX;
    engine->counts.last = PTIME_MIN;
    order_init(&engine->order, (uint32_t)config->ring_count);
    names_init(&engine->names, config->suffixes);
    stories_init(&engine->stories);
    sight_init(&engine->sight);
    map_init(&engine->hosts);
    engine->totals = totals_new(config->max_hosts);
    engine->json = json_new();
    engine->incidents = incidents_new(7 * NS_PER_DAY, on_alert, engine);
    incidents_set_labels(engine->incidents, config->sensor, WEIR_VERSION, "online");
    if (open_rings(engine, error) == 0)
        return engine;
    engine_free(engine);
    return NULL;
}

void engine_free(struct engine *engine)
{
    if (!engine)
        return;
    for (size_t i = 0; i < engine->config.ring_count; i++) {
        if (engine->watch[i])
            engine->config.loop.ops->drop(engine->watch[i]);
        if (engine->ring[i])
            ring_consumer_free(engine->ring[i]);
    }
    close_fini(engine);
    incidents_free(engine->incidents);
    json_free(engine->json);
    totals_free(engine->totals);
    fleet_free(engine->fleet);
    hosts_fini(engine);
    sight_fini(&engine->sight);
    stories_fini(&engine->stories);
    names_fini(&engine->names);
    order_fini(&engine->order);
    free(engine);
}

void engine_begin(struct engine *engine, struct fleet *fleet)
{
    engine->fleet = fleet ? fleet : fleet_new();
    engine->begun = true;
    mute(engine, false);
    pump(engine);
}

static void end(struct engine *engine, const struct error *error)
{
    if (engine->finished)
        return;
    engine->finished = true;
    mute(engine, true);
    engine->config.observer.done(engine->config.observer.context, error);
}

void engine_fail(struct engine *engine, const struct error *error)
{
    end(engine, error);
}

void engine_resume(struct engine *engine)
{
    if (engine->begun && !engine->pumping)
        pump(engine);
}

/* --- what is due ----------------------------------------------------------------------------- */

static bool still_told(void *context, const struct story *story)
{
    const struct engine *engine = context;
    return incidents_has(engine->incidents, &story->host,
                         story->has_destination ? &story->destination : NULL);
}

static void count_bounds(struct engine *engine)
{
    engine->counts.stories_evicted = engine->stories.evicted;
    engine->counts.names_forgotten = engine->names.forgotten;
    engine->counts.vlans_unwatched = engine->sight.vlans_unwatched;
}

/* Ticks fall on whole minutes of packet time; idle minutes are skipped. */
static void tick(struct engine *engine, struct ptime now)
{
    close_publish(engine);
    incidents_advance(engine->incidents, now);
    stories_advance(&engine->stories, now, still_told, engine);
    if (now.ns - engine->health_from.ns >= SENSOR_NS)
        judge_sensor(engine, now);
    count_bounds(engine);
    engine->next_tick.ns = now.ns - now.ns % TICK_NS + TICK_NS;
}

static void do_due_at(struct engine *engine, struct ptime now)
{
    if (engine->next_tick.ns == INT64_MIN) {
        engine->next_tick.ns = now.ns - now.ns % TICK_NS + TICK_NS;
        engine->health_from = now;
    }
    if (now.ns >= engine->next_tick.ns)
        tick(engine, now);
    if (close_due(engine, now))
        close_hour(engine, now);
}

/* Live, on a grid of packet time, so that it does not matter which watermarks were seen on the way.
 * A pause leaves the grid where it is: it comes here again. */
static void do_due(struct engine *engine, struct ptime now)
{
    if (!engine->config.live) {
        do_due_at(engine, now);
        return;
    }
    for (struct ptime at; !paused(engine) && live_due(engine, now, &at);) {
        do_due_at(engine, at);
        if (!paused(engine))
            live_look(engine, at);
    }
}

/* Live, what is due does not wait for a record: every worker is complete up to here. */
static bool do_due_idle(struct engine *engine)
{
    struct ptime complete = engine->order.complete;
    if (engine->config.live && complete.ns >= -RECORD_TIME_MAX_NS &&
        complete.ns <= RECORD_TIME_MAX_NS)
        do_due(engine, complete);
    return !paused(engine);
}

/* --- consuming ------------------------------------------------------------------------------- */

static void take_health(struct engine *engine, const struct record_health *record, uint32_t worker)
{
    live_health(engine, worker, record);
    engine->health[worker] = record->total;
    engine->health_sum = (struct health){0};
    for (size_t i = 0; i < engine->config.ring_count; i++) {
#define ADD(name) engine->health_sum.name += engine->health[i].name;
        HEALTH_COUNTERS(ADD)
#undef ADD
    }
}

/* False: it must be consumed again after an answer of the store. */
static bool consume(struct engine *engine, const struct record_header *header)
{
    const void *record = header;
    switch ((enum record_kind)header->kind) {
    case RECORD_FLOW:
        return account_flow(engine, record);
    case RECORD_NAME:
        names_learn(&engine->names, record);
        break;
    case RECORD_CONTENT:
        account_content(engine, record);
        break;
    case RECORD_HEALTH:
        take_health(engine, record, order_worker(&engine->order));
        break;
    case RECORD_WATERMARK:
        break;
    }
    return true;
}

static void count_record(struct engine *engine, const struct record_header *header)
{
    engine->counts.records[header->kind]++;
    if (header->time_ns < engine->counts.first.ns)
        engine->counts.first.ns = header->time_ns;
    if (header->time_ns > engine->counts.last.ns)
        engine->counts.last.ns = header->time_ns;
}

/* All that is ready. Returns false when consumption must pause. */
static bool consume_ready(struct engine *engine)
{
    for (const struct record_header *header; (header = order_peek(&engine->order)) != NULL;) {
        do_due(engine, (struct ptime){header->time_ns});
        if (paused(engine) || !consume(engine, header) || paused(engine))
            return false;
        count_record(engine, header);
        order_done(&engine->order);
    }
    return true;
}

/* One record from any ring into the order; false when all rings are empty. */
static bool fetch(struct engine *engine, uint32_t worker)
{
    struct ring_consumer *ring = engine->ring[worker];
    const struct record_header *header = (const void *)engine->record;
    size_t size;
    enum ring_result result = ring_pop(ring, engine->record, sizeof engine->record, &size);
    if (result == RING_EMPTY)
        return false;
    enum record_fault fault =
        result == RING_OK ? record_validate(engine->record, size) : RECORD_SIZE;
    if (fault != RECORD_OK) {
        engine->counts.faults[fault]++;
        struct error error = {0};
        if (result != RING_OK) { /* the ring itself is broken: nothing more can be read from it */
            error_set(&error, ERROR_RUN, "capture worker %u: its ring is damaged", worker);
            engine_fail(engine, &error);
            return false;
        }
    } else if (header->kind == RECORD_WATERMARK) {
        order_watermark(&engine->order, worker, (struct ptime){header->time_ns});
    } else {
        order_add(&engine->order, header, worker);
    }
    ring_release(ring, ring_read_position(ring));
    return true;
}

/* Everything is consumed: the end of the story is told. */
static void finish(struct engine *engine)
{
    struct error error = {0};
    struct ptime last = engine->counts.last;
    if (engine->config.live && last.ns < engine->health_from.ns)
        last = engine->health_from; /* idle time went on after the last record */
    if (last.ns != INT64_MIN) {
        if (close_due(engine, last))
            close_hour(engine, last);
        if (paused(engine))
            return;
        judge_sensor(engine, last);
        count_bounds(engine);
        close_publish(engine);
    }
    incidents_advance(engine->incidents, PTIME_MAX);
    if (bus_flush(engine->config.bus, &error) != 0)
        engine_fail(engine, &error);
    end(engine, NULL);
}

static bool step(struct engine *engine)
{
    if (!consume_ready(engine))
        return false;
    if (engine->order.complete.ns == INT64_MAX) {
        finish(engine);
        return false;
    }
    if (!do_due_idle(engine))
        return false;
    bool any = false;
    for (uint32_t i = 0; i < engine->config.ring_count && !engine->finished; i++)
        for (int n = 0; n < 1024 && fetch(engine, i); n++)
            any = true;
    return any;
}

/* The events are cleared only once the rings were found empty, and the rings are then looked at
 * once more: what is pushed between the two looks wakes again. What is left after STEP_RECORDS
 * leaves the event readable, so that the loop comes back. */
static void pump(struct engine *engine)
{
    if (engine->pumping || !engine->begun || paused(engine))
        return;
    engine->pumping = true;
    if (engine->muted)
        mute(engine, false);
    bool cleared = false;
    for (int n = 0; n < STEP_RECORDS / 1024; n++) {
        if (step(engine)) {
            cleared = false;
            continue;
        }
        if (cleared || paused(engine))
            break;
        for (size_t i = 0; i < engine->config.ring_count; i++)
            ring_clear_event(engine->ring[i]);
        cleared = true;
    }
    engine->pumping = false;
}

/* --- looking in ------------------------------------------------------------------------------ */

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
