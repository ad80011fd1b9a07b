/* The pump.
 *
 *   intake (entries) → order → one record at a time → account (→ a tape)
 *   or a tape that was put so ↗
 *
 * Before a record at time t is consumed, everything due before t is done: the minute's tick, the
 * close of an hour. Whatever needs an answer of the store sets `waiting`, or closing pauses; the
 * pump then returns and engine_pump starts it again. At the end of all inputs the totals are
 * published once more, open incidents are closed, alerts are delivered, and `done` is told. Thread:
 * the engine's. */
#include "checkpoint.h"
#include "internal.h"

#include "weir/base/buffer.h"
#include "weir/base/digest.h"
#include "weir/base/poison.h"
#include "weir/bus/event_loop.h"

#include <stdlib.h>
#include <string.h>

#define STEPS   64       /* batches before the loop may look at other things … */
#define TURN_NS NS_PER_S /* … and for how long: wall time, it paces and judges nothing */

static bool paused(const struct engine *engine)
{
    return engine->waiting > 0 || close_paused(engine) || engine->finished;
}

/* --- alerts out ------------------------------------------------------------------------------ */

bool engine_publish(struct engine *engine, char *line)
{
    struct error error = {0};
    bool is_new = !checkpoint_told(engine, line);
    if (is_new && publisher_publish(engine->config.publisher, line, strlen(line), &error) != 0) {
        engine->counts.publish_failures++;
        engine_fail(engine, &error);
        is_new = false;
    }
    free(line);
    return is_new;
}

static void count_noise(struct engine_counts *counts, const struct alert *alert)
{
    if (!alert->noise)
        return;
    counts->alerts_quiet += alert->noise->quiet;
    if (!alert->noise->silence)
        return;
    counts->alerts_silenced++;
    counts->silenced_bytes += alert->new_bytes;
}

static bool is_covered(void *context, const struct alert *alert)
{
    return noise_covers(context, alert);
}

static void untell(struct engine *engine, const struct story *story)
{
    if (stories_untell(&engine->stories, &story->host,
                       story->has_destination ? &story->destination : NULL))
        again_over(engine, story);
}

static void on_alert(void *context, const struct incident *incident, const struct alert *alert)
{
    struct engine *engine = context;
    if (alert->state == INCIDENT_CLOSE)
        untell(engine, &alert->story);
    struct alert told = *alert;
    struct alert_noise found = {.silence = NULL};
    noise_tag(engine, &told, &found);
    bool covered = noise_covers(engine, alert);
    incidents_told(engine->incidents, &told, covered);
    engine->covered += covered;
    engine->counts.alerts++;
    count_noise(&engine->counts, &told);
    engine_tally(engine, &told.finding);
    if (engine_publish(engine, alert_line(engine->json, &told)))
        noise_told(engine, &told);
    if (engine->config.observer.alert)
        engine->config.observer.alert(engine->config.observer.context, incident, &told);
}

/* --- making and ending ----------------------------------------------------------------------- */

static int attach_rings(struct engine *engine, struct error *error)
{
    const struct engine_config *config = &engine->config;
    for (uint32_t i = 0; i < config->ring_count; i++)
        if (engine_attach(engine, i, 0, &config->rings[i], error) != 0)
            return -1;
    return 0;
}

/* A worker without a ring is absent. */
static void make_workers(struct engine *engine)
{
    struct engine_config *config = &engine->config;
    if (config->workers == 0)
        config->workers = (uint32_t)config->ring_count;
    order_init(&engine->order, config->workers);
    engine->order.mark_ns = config->live ? LIVE_MARK_NS : 0;
    for (uint32_t i = 0; i < config->workers; i++) {
        engine->worker[i].told = engine->worker[i].last = PTIME_MIN;
        order_absent(&engine->order, i, PTIME_MIN);
    }
    open_flows_init(&engine->open_flows);
}

static struct engine *make(const struct engine_config *config)
{
    struct engine *engine = xcalloc(1, sizeof *engine);
    engine->config = *config;
    engine->last = !config->live;
    engine->next_tick = engine->next_put = engine->next_beat = PTIME_MIN;
    engine->next_close = PTIME_MAX;
    engine->closed_hour = engine->whole_hour = engine->fleet_hour = INT64_MIN;
    engine->memory.since = engine->memory.next_bound = PTIME_MIN;
    engine->counts.first = PTIME_MAX;
    engine->counts.last = PTIME_MIN;
    make_workers(engine);
    names_init(&engine->names, config->suffixes, config->networks);
    routes_init(&engine->routes);
    halves_init(&engine->halves);
    identity_init(&engine->identity, (size_t)config->max_hosts * IDENTITY_A_HOST);
    stories_init(&engine->stories);
    tunnelled_init(&engine->tunnelled, config->key);
    swept_init(&engine->swept);
    sight_init(&engine->sight);
    ruled_init(&engine->ruled, config->rules);
    zoned_init(&engine->zoned, config->zones);
    map_init_borrowing(&engine->hosts); /* each record asks: the key lies in what it finds */
    if (again_is_asked(engine))
        again_begin(engine);
    engine->totals = totals_new(config->max_hosts);
    engine->json = json_new();
    engine->incidents = incidents_new(7 * NS_PER_DAY, on_alert, engine);
    incidents_set_covered(engine->incidents, is_covered);
    incidents_set_labels(engine->incidents, config->sensor, WEIR_VERSION,
                         config->hindsight ? "hindsight" : "online");
    return engine;
}

struct engine *engine_new(const struct engine_config *config, struct error *error)
{
    struct engine *engine = make(config);
    enum checkpoint_result result = CHECKPOINT_READY;
    if (config->folder)
        result = checkpoint_load(engine, error);
    if (result == CHECKPOINT_AGAIN) {
        engine_free(engine);
        engine = make(config);
        result = checkpoint_load(engine, error);
    }
    if (result == CHECKPOINT_READY && noise_open(engine, error) == 0 &&
        attach_rings(engine, error) == 0 && memory_open(engine, error) == 0)
        return engine;
    engine_free(engine);
    return NULL;
}

/* What others know of it, or that is not only memory. */
static void let_go(struct engine *engine)
{
    event_loop_cancel(engine->config.loop, engine);
    intake_fini(engine);
    checkpoint_free(engine);
    memory_fini(engine);
    governed_fini(engine);
    close_fini(engine);
    loads_fini(engine);
    warm_abandon(engine);
}

void engine_leave(struct engine *engine)
{
    if (WEIR_POISONS)
        engine_free(engine);
    else if (engine)
        let_go(engine);
}

void engine_free(struct engine *engine)
{
    if (!engine)
        return;
    let_go(engine);
    incidents_free(engine->incidents);
    json_free(engine->json);
    totals_free(engine->totals);
    fleet_free(engine->fleet);
    elsewhere_fini(engine);
    hosts_fini(engine);
    sight_fini(&engine->sight);
    ruled_fini(&engine->ruled);
    noise_fini(engine);
    again_fini(engine);
    stories_fini(&engine->stories);
    tunnelled_fini(&engine->tunnelled);
    swept_fini(&engine->swept);
    zoned_fini(&engine->zoned);
    names_fini(&engine->names);
    routes_fini(&engine->routes);
    halves_fini(&engine->halves);
    identity_fini(&engine->identity);
    open_flows_fini(&engine->open_flows);
    order_fini(&engine->order);
    free(engine);
}

static void end(struct engine *engine, const struct error *error)
{
    if (engine->finished)
        return;
    engine->finished = true;
    checkpoint_outlived(engine);
    intake_watch(engine, false);
    engine->config.observer.done(engine->config.observer.context, error);
}

void engine_last(struct engine *engine)
{
    engine->last = true;
    engine_pump(engine);
}

void engine_begin(struct engine *engine, struct fleet *fleet)
{
    struct error error = {0};
    if (engine->fleet)
        fleet_free(fleet);
    else
        engine->fleet = fleet;
    engine->begun = true;
    memory_begin(engine);
    /* A log follows a snapshot: what the store holds by its time is in no log. */
    if (engine->checkpoint && engine->checkpoint->number == 0 &&
        checkpoint_take(engine, &error) != 0)
        end(engine, &error);
    close_resume(engine);
    engine_pump(engine);
}

void engine_fail(struct engine *engine, const struct error *error)
{
    end(engine, error);
}

/* --- what is due ----------------------------------------------------------------------------- */

static bool still_told(void *context, const struct story *story)
{
    struct engine *engine = context;
    bool told = incidents_has(engine->incidents, &story->host,
                              story->has_destination ? &story->destination : NULL);
    if (!told)
        again_over(engine, story);
    return told;
}

static void count_bounds(struct engine *engine)
{
    engine->counts.stories_evicted = engine->stories.evicted;
    engine->counts.items_estimated = engine->stories.budget.shortened;
    engine->counts.names_forgotten = engine->names.forgotten;
    engine->counts.questions_forgotten = tunnelled_forgotten(&engine->tunnelled);
    engine->counts.asked_forgotten = swept_forgotten(&engine->swept);
    engine->counts.conduits_given_way = engine->zoned.given_way;
    engine->counts.questions_estimated = engine->tunnelled.questions.budget.shortened;
    const struct identity_counts *identity = &engine->identity.counts;
    engine->counts.addresses_moved = identity->moved;
    engine->counts.addresses_contested = identity->contested;
    engine->counts.addresses_by_proxy = identity->by_proxy;
    engine->counts.proxies = identity->proxies;
    engine->counts.identities_forgotten = identity->forgotten;
    engine->counts.vlans_unwatched = engine->sight.vlans_unwatched;
}

static struct ptime next_tick(struct ptime now, int64_t phase_ns)
{
    return (struct ptime){now.ns - (now.ns - phase_ns) % TICK_NS + TICK_NS};
}

/* When in its minute a sensor writes to the store: by its name, so that a fleet does not come to
 * one server at once. What it saw is there a minute later at most, whatever the phase. Looks fall
 * on a grid, so this does. */
static int64_t phase_of(const struct engine_config *config)
{
    if (!config->live || !config->sensor)
        return 0;
    uint64_t looks = TICK_NS / SIGHT_LOOK_NS;
    return (int64_t)(hash64(config->sensor, strlen(config->sensor), 0) % looks) * SIGHT_LOOK_NS;
}

/* Of what is told in the first minutes of a day some belongs to the one before: its last hour is
 * open for two of them. */
static int64_t day_judged(struct engine *engine, struct ptime now)
{
    struct ptime before = {now.ns - CLOSE_AFTER_NS - TICK_NS};
    return calendar_at(engine->config.calendar, before).day;
}

/* Ticks fall on whole minutes of packet time; idle minutes are skipped. */
static void tick(struct engine *engine, struct ptime now)
{
    ruled_tick(engine, now);
    tunnelled_held(engine, now, false);
    incidents_advance(engine->incidents, now);
    stories_advance(&engine->stories, now, day_judged(engine, now), still_told, engine);
    if (now.ns - engine->health_from.ns >= SENSOR_NS)
        judge_sensor(engine, now);
    count_bounds(engine);
    engine->next_tick = next_tick(now, 0);
}

static void do_due_at(struct engine *engine, struct ptime now)
{
    if (engine->next_tick.ns == INT64_MIN) {
        engine->next_tick = next_tick(now, 0);
        engine->next_put = next_tick(now, phase_of(&engine->config));
        engine->health_from = now;
        close_first(engine, now);
    }
    if (now.ns >= engine->next_put.ns) {
        close_tick(engine);
        engine->next_put = next_tick(now, phase_of(&engine->config));
    }
    if (close_due(engine, now))
        close_judge(engine, now);
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
        memory_look(engine, at);
        do_due_at(engine, at);
        if (!paused(engine))
            live_look(engine, at);
        if (!paused(engine)) {
            claims_look(engine, at);
            halves_look(engine, at);
        }
    }
}

/* --- consuming ------------------------------------------------------------------------------- */

/* False: it must be consumed again after an answer of the store. */
static bool consume(struct engine *engine, const struct ordered *item)
{
    const void *record = item->record;
    bool judges = !engine_only_gathers(engine);
    switch (item->record->kind) {
    case RECORD_FLOW:
        return again_pass(engine, record) || account_flow(engine, record);
    case RECORD_NAME:
        names_learn(&engine->names, record);
        if (judges)
            tunnelled_name(engine, record);
        break;
    case RECORD_BINDING:
        account_binding(engine, record);
        break;
    case RECORD_CONTENT:
        if (judges)
            account_content(engine, record);
        break;
    case RECORD_HEALTH:
        entry_take_health(engine, record, item);
        break;
    case ORDER_ABSENCE:
        judge_absence(engine, &((const struct absence_record *)record)->absence);
        break;
    default: /* ORDER_TIME: what was due before it is done */
        break;
    }
    return true;
}

static void count_record(struct engine *engine, const struct record_header *header)
{
    if (header->kind > RECORD_WATERMARK)
        return;
    engine->counts.records[header->kind]++;
    if (header->time_ns < engine->counts.first.ns)
        engine->counts.first.ns = header->time_ns;
    if (header->time_ns > engine->counts.last.ns)
        engine->counts.last.ns = header->time_ns;
}

static const struct ordered *peek(struct engine *engine)
{
    return again_is_asked(engine) ? again_peek(engine) : order_peek(&engine->order);
}

static void done_with(struct engine *engine, const struct ordered *item)
{
    if (again_is_asked(engine)) {
        again_done(engine);
        return;
    }
    if (engine->config.tape)
        again_put(engine, item);
    order_done(&engine->order);
    ahead_step(engine);
}

/* All that is ready. Returns false when consumption must pause. */
static bool consume_ready(struct engine *engine)
{
    for (const struct ordered *item; (item = peek(engine)) != NULL;) {
        if (engine->resumed && !checkpoint_replaying(engine))
            live_resumed(engine, (struct ptime){item->record->time_ns});
        do_due(engine, (struct ptime){item->record->time_ns});
        if (paused(engine))
            return false;
        bool consumed = consume(engine, item);
        if (paused(engine))
            return false;
        if (!consumed) /* the answer was there already */
            continue;
        count_record(engine, item->record);
        done_with(engine, item);
    }
    return true;
}

/* Live it is no end: a next start goes on, with workers that are there by then. */
static void pause_workers(struct engine *engine)
{
    for (uint32_t i = 0; i < engine->config.workers; i++) {
        engine->worker[i].attached = engine->worker[i].ended = false;
        engine->order.worker[i].absent = true;
        engine->order.worker[i].watermark = engine->order.complete;
    }
    engine->order.ended = false;
}

static void finish_live(struct engine *engine)
{
    struct error error = {0};
    close_publish(engine);
    pause_workers(engine);
    if (engine->checkpoint && checkpoint_take(engine, &error) != 0)
        engine_fail(engine, &error);
    if (publisher_flush(engine->config.publisher, &error) != 0)
        engine_fail(engine, &error);
    end(engine, NULL);
}

static void finish_replay(struct engine *engine)
{
    struct error error = {0};
    struct ptime last = engine->counts.last;
    if (last.ns != INT64_MIN) {
        close_judge_through(engine, engine->config.whole_until, last);
        entry_end_absences(engine, last);
        tunnelled_held(engine, last, true);
        hosts_turn_all(engine);
        judge_sensor(engine, last);
        count_bounds(engine);
        close_tell(engine, INT64_MAX);
    }
    incidents_advance(engine->incidents, PTIME_MAX);
    if (publisher_flush(engine->config.publisher, &error) != 0)
        engine_fail(engine, &error);
    end(engine, NULL);
}

/* Everything is consumed: the end of the story is told. */
static void finish(struct engine *engine)
{
    struct ptime last = engine->counts.last;
    if (last.ns != INT64_MIN && close_due(engine, last)) {
        close_judge(engine, last);
        close_hour(engine, last);
    }
    if (paused(engine))
        return;
    if (engine->config.live)
        finish_live(engine);
    else if (save_all(engine))
        finish_replay(engine);
}

static bool step(struct engine *engine)
{
    if (!consume_ready(engine))
        return false;
    if (checkpoint_replaying(engine)) {
        checkpoint_feed(engine);
        return true;
    }
    if (close_act(engine))
        return false;
    if (engine->order.ended && engine->last && !intake_queued(engine)) {
        finish(engine);
        return false;
    }
    checkpoint_when_due(engine); /* behind a close, before anything else is logged */
    if (loads_take_answers(engine) || elsewhere_take_answers(engine))
        return true;
    return again_is_asked(engine) ? again_fetch(engine) : intake_fetch(engine);
}

/* True: there is more to do than one turn of the loop should be held up by. An engine that plays a
 * long log again, or catches up on a machine that is busy, must be seen to move. */
static bool run(struct engine *engine)
{
    bool cleared = false;
    int64_t end_ns = wtime_now().ns + TURN_NS;
    for (int n = 0; n < STEPS && (n == 0 || wtime_now().ns < end_ns); n++) {
        if (step(engine)) {
            cleared = false;
            continue;
        }
        if (cleared || paused(engine))
            return false;
        intake_clear_events(engine);
        cleared = true;
    }
    return true;
}

bool engine_is_idle(const struct engine *engine)
{
    return engine->begun && !engine->pumping && !paused(engine) && !order_peek(&engine->order);
}

bool engine_replaying(const struct engine *engine)
{
    return checkpoint_replaying(engine);
}

static void on_turn(void *context)
{
    engine_pump(context);
}

/* The events are cleared only once the rings were found empty, and the rings are then looked at
 * once more: what is pushed between the two looks wakes again. While consumption is paused the
 * rings' events stay readable: not to spin, they are not watched. */
void engine_pump(struct engine *engine)
{
    if (engine->pumping || !engine->begun || paused(engine))
        return;
    engine->pumping = true;
    if (run(engine))
        event_loop_soon(engine->config.loop, on_turn, engine);
    engine->pumping = false;
    intake_watch(engine, !paused(engine));
}
