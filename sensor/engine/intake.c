/* Rings that come and go.
 *
 *   worker 0: ring of incarnation 3 (lost, being drained) → ring of 4 → …
 *
 * Of each worker's rings the first is read. A batch of entries is popped from all of them, then
 * taken, then given back to the producers: nothing is released that was not taken. A ring that is
 * empty and whose process has gone is settled with an ENTRY_LOST and makes room for the next one.
 *
 * While ORDER_MAX records wait, only workers that hold the others up are read: the others' rings
 * fill, which blocks a replay's workers and makes live ones reject and count. So that the loop does
 * not spin, a ring is watched only while it would be read. Thread: the engine's. */
#include "checkpoint.h"
#include "internal.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_RECORDS 1024u       /* of one worker */
#define BATCH_BYTES   (1u << 20u) /* of all */
#define AHEAD         8u          /* entries that are looked at before they are taken */
#define QUEUE_MAX     64          /* rings of one worker */
#define UNHEARD_MAX   15          /* seconds */

/* --- entries --------------------------------------------------------------------------------- */

static struct entry *put_entry(struct engine *engine, enum entry_kind kind, uint32_t worker,
                               const struct intake_ring *ring)
{
    struct entry entry = {.kind = (uint16_t)kind, .worker = worker};
    if (ring) {
        entry.incarnation = ring->incarnation;
        entry.position = ring_read_position(ring->consumer);
    }
    buffer_put(&engine->batch, &entry, sizeof entry);
    return (struct entry *)(void *)(engine->batch.data + engine->batch.size) - 1;
}

static void put_lost(struct engine *engine, uint32_t worker, const struct intake_ring *ring,
                     const char *why, unsigned flags)
{
    char text[WHY_SIZE] = "";
    snprintf(text, sizeof text, "%s", why);
    struct entry *entry = put_entry(engine, ENTRY_LOST, worker, ring);
    entry->size = sizeof text;
    entry->flags = (uint16_t)flags;
    if (!ring)
        entry->incarnation = engine->worker[worker].incarnation;
    buffer_put(&engine->batch, text, sizeof text);
}

static const uint8_t *behind(const struct entry *entry)
{
    return (const uint8_t *)(entry + 1) + entry->size;
}

/* What is known of its flow is looked for a little later: fetched. Nobody has validated it yet. */
static uint64_t prefetch_flow(const struct engine *engine, const struct entry *entry)
{
    const struct record_flow *record = (const void *)(entry + 1);
    if (entry->kind != ENTRY_RECORD || entry->size < sizeof *record ||
        record->header.kind != RECORD_FLOW || engine->config.workers_stay)
        return 0;
    return open_flows_prefetch(&engine->open_flows, entry->worker, &record->key);
}

static void take_batch(struct engine *engine)
{
    const uint8_t *at = engine->batch.data, *end = at + engine->batch.size, *ahead = at;
    uint64_t hash[AHEAD] = {0};
    for (size_t taken = 0, seen = 0; at < end; taken++) {
        for (; ahead < end && seen < taken + AHEAD; seen++) {
            hash[seen % AHEAD] = prefetch_flow(engine, (const void *)ahead);
            ahead = behind((const void *)ahead);
        }
        open_flows_expect(&engine->open_flows, hash[(taken + AHEAD / 2) % AHEAD]);
        entry_take(engine, (const void *)at);
        at = behind((const void *)at);
    }
}

/* --- rings ----------------------------------------------------------------------------------- */

static void drop_watch(struct engine *engine, struct intake_ring *ring)
{
    if (ring->watch)
        engine->config.loop.ops->drop(ring->watch);
    ring->watch = NULL;
}

static void free_ring(struct engine *engine, struct intake_ring *ring)
{
    drop_watch(engine, ring);
    ring_consumer_free(ring->consumer);
    free(ring);
}

/* The first ring of a worker is done with; it is let go once the batch was taken. */
static void retire(struct engine *engine, uint32_t worker)
{
    struct intake_ring *ring = engine->ring[worker];
    engine->ring[worker] = ring->next;
    drop_watch(engine, ring);
    ring->worker = worker;
    ring->next = engine->retired;
    engine->retired = ring;
}

static void let_retired_go(struct engine *engine)
{
    const struct engine_observer *observer = &engine->config.observer;
    for (struct intake_ring *ring; (ring = engine->retired) != NULL;) {
        uint32_t worker = ring->worker, incarnation = ring->incarnation;
        engine->retired = ring->next;
        free_ring(engine, ring);
        if (observer->drained)
            observer->drained(observer->context, worker, incarnation);
    }
}

static void on_data(void *context, unsigned what)
{
    (void)what;
    engine_pump(context);
}

/* One that the checkpoint knows is gone on with; one that it has settled is only let go (NULL, and
 * *known). */
static struct ring_consumer *open_ring(struct engine *engine, uint32_t worker, uint32_t incarnation,
                                       const struct ring_handles *handles, bool *known,
                                       struct error *error)
{
    const struct engine_observer *observer = &engine->config.observer;
    const struct resume *resume = engine->checkpoint ? &engine->checkpoint->resume[worker] : NULL;
    *known = resume && !engine->begun && resume->known && incarnation <= resume->incarnation;
    if (!*known)
        return ring_consumer_open(handles, error);
    if (incarnation == resume->incarnation && !resume->settled) {
        struct error why = {0};
        struct ring_consumer *ring = ring_consumer_open_at(handles, resume->position, &why);
        *known = ring != NULL;
        if (ring)
            return ring;
        log_warn("capture worker %" PRIu32 ": %s: what lies between is lost", worker, why.message);
        return ring_consumer_open(handles, error); /* its loss is told, and it begins anew */
    }
    if (observer->drained)
        observer->drained(observer->context, worker, incarnation);
    return NULL;
}

int engine_attach(struct engine *engine, uint32_t worker, uint32_t incarnation,
                  const struct ring_handles *handles, struct error *error)
{
    if (worker >= engine->config.workers)
        return error_set(error, ERROR_RUN, "capture worker %" PRIu32 ": there are %" PRIu32, worker,
                         engine->config.workers);
    int queued = 0;
    struct intake_ring **last = &engine->ring[worker];
    for (; *last; last = &(*last)->next)
        queued++;
    if (queued >= QUEUE_MAX)
        return error_set(error, ERROR_RUN, "capture worker %" PRIu32 ": %d rings wait already",
                         worker, queued);
    bool known = false;
    struct ring_consumer *consumer = open_ring(engine, worker, incarnation, handles, &known, error);
    if (!consumer)
        return known ? 0 : -1;
    struct intake_ring *ring = xcalloc(1, sizeof *ring);
    ring->consumer = consumer;
    ring->incarnation = incarnation;
    ring->announced = known;
    ring->watch = engine->config.loop.ops->watch(engine->config.loop.loop,
                                                 ring_data_event(consumer), 0, on_data, engine);
    *last = ring;
    engine_pump(engine);
    return 0;
}

void engine_lost(struct engine *engine, uint32_t worker, uint32_t incarnation, const char *why,
                 bool final)
{
    if (worker >= engine->config.workers)
        return;
    struct intake_ring *ring = engine->ring[worker];
    while (ring && ring->incarnation != incarnation)
        ring = ring->next;
    if (ring) {
        ring->lost = true;
        ring->final = final;
        snprintf(ring->why, sizeof ring->why, "%s", why);
    } else if (final) {
        engine->given_up[worker] = true;
    }
    engine_pump(engine);
}

/* --- fetching -------------------------------------------------------------------------------- */

static void announce_ring(struct engine *engine, uint32_t worker)
{
    struct intake_ring *ring = engine->ring[worker];
    put_entry(engine, ENTRY_ATTACH, worker, ring);
    ring->announced = true;
}

/* All that are there are told of before anything of them is read: the order begins with all. */
static void announce(struct engine *engine)
{
    for (uint32_t i = 0; i < engine->config.workers; i++) {
        if (engine->ring[i] && engine->ring[i]->announced && engine->worker[i].ended)
            retire(engine, i);
        struct intake_ring *ring = engine->ring[i];
        const struct worker *worker = &engine->worker[i];
        bool alone = !ring && !engine->order.worker[i].absent; /* its successor was expected */
        if (!(ring && ring->announced) && !worker->ended && (worker->attached || alone))
            put_lost(engine, i, NULL, "gone while the engine was", 0);
        bool given_up = engine->given_up[i] || (engine->config.live && engine->last);
        if (ring && !ring->announced) {
            announce_ring(engine, i);
        } else if (!ring && given_up && !worker->ended) {
            put_lost(engine, i, NULL, "given up", ENTRY_FINAL);
            engine->given_up[i] = false;
        }
    }
}

/* Live, nothing happened tomorrow: a process that says so would close hours that are to come, for
 * good. Asked before the record is logged, so that a replay of the log does not ask. */
static bool is_of_the_future(const struct engine *engine, const void *record, size_t size)
{
    struct record_header header;
    if (!engine->config.live || size < sizeof header)
        return false;
    memcpy(&header, record, sizeof header);
    bool end = header.kind == RECORD_WATERMARK && header.time_ns == INT64_MAX;
    return !end && header.time_ns > engine->tomorrow_ns;
}

/* False: the ring has nothing more to say now. */
static bool pop(struct engine *engine, uint32_t worker, struct intake_ring *ring)
{
    struct buffer *batch = &engine->batch;
    size_t at = batch->size, size;
    put_entry(engine, ENTRY_RECORD, worker, ring);
    buffer_reserve(batch, RECORD_MAX_BYTES);
    enum ring_result result =
        ring_pop(ring->consumer, batch->data + batch->size, RECORD_MAX_BYTES, &size);
    if (result == RING_OK && is_of_the_future(engine, batch->data + batch->size, size))
        result = RING_INVALID;
    if (result != RING_OK) {
        ring->damaged = result != RING_EMPTY;
        batch->size = at;
        return false;
    }
    struct entry *entry = (void *)(batch->data + at);
    entry->size = (uint32_t)size;
    entry->position = ring_read_position(ring->consumer);
    batch->size += size;
    ring->heard = true;
    return true;
}

static bool is_damaged(const struct engine *engine, uint32_t worker)
{
    return engine->ring[worker]->damaged || engine->worker[worker].damaged;
}

static bool is_held_back(const struct engine *engine, uint32_t worker)
{
    return order_is_full(&engine->order) && !order_holds(&engine->order, worker);
}

static void fetch_ring(struct engine *engine, uint32_t worker)
{
    struct intake_ring *ring = engine->ring[worker];
    if (!ring || (is_held_back(engine, worker) && !is_damaged(engine, worker)))
        return;
    bool empty = is_damaged(engine, worker);
    for (unsigned n = 0; !empty && n < BATCH_RECORDS && engine->batch.size < BATCH_BYTES; n++)
        empty = !pop(engine, worker, ring);
    if (!empty || !ring->lost)
        return;
    unsigned flags = ring->final ? ENTRY_FINAL : ring->next ? ENTRY_FOLLOWED : 0;
    put_lost(engine, worker, ring, ring->why, flags);
    retire(engine, worker);
    if (flags & ENTRY_FOLLOWED)
        announce_ring(engine, worker);
}

static void release(struct engine *engine)
{
    for (uint32_t i = 0; i < engine->config.workers; i++)
        if (engine->ring[i])
            ring_release(engine->ring[i]->consumer, ring_read_position(engine->ring[i]->consumer));
}

static void tell_damaged(struct engine *engine)
{
    const struct engine_observer *observer = &engine->config.observer;
    for (uint32_t i = 0; i < engine->config.workers; i++) {
        struct intake_ring *ring = engine->ring[i];
        if (!ring || !ring->announced || ring->told || !is_damaged(engine, i))
            continue;
        ring->told = true;
        engine->counts.workers_damaged++;
        if (observer->damaged) {
            observer->damaged(observer->context, i, ring->incarnation);
        } else {
            struct error error = {0};
            error_set(&error, ERROR_RUN, "capture worker %" PRIu32 ": its ring is damaged", i);
            engine_fail(engine, &error);
        }
    }
}

/* A live worker says each second how far it is. One that says nothing, whatever it tells its parent
 * of itself, would hold up all others for ever. */
void engine_listen(struct engine *engine)
{
    bool silent = false;
    for (uint32_t i = 0; i < engine->config.workers; i++) {
        struct intake_ring *ring = engine->ring[i];
        if (!ring || !ring->announced || ring->lost || engine->worker[i].ended)
            continue;
        ring->unheard = ring->heard || ring_waiting(ring->consumer) > 0 ? 0 : ring->unheard + 1;
        ring->heard = false;
        if (ring->unheard < UNHEARD_MAX)
            continue;
        ring->damaged = silent = true;
    }
    if (silent)
        tell_damaged(engine);
}

/* A time that can be, of the batch's first record that has one. */
static bool batch_time(const struct engine *engine, struct ptime *time)
{
    const uint8_t *at = engine->batch.data, *end = at + engine->batch.size;
    while (at < end) {
        const struct entry *entry = (const void *)at;
        const struct record_header *header = (const void *)(entry + 1);
        if (entry->kind == ENTRY_RECORD && entry->size >= sizeof *header && header->time_ns > 0 &&
            header->time_ns < engine->tomorrow_ns) {
            time->ns = header->time_ns;
            return true;
        }
        at += sizeof *entry + entry->size;
    }
    return false;
}

/* The very first records wait until what the store has of this sensor is in a checkpoint: were they
 * logged before, a start that dies in between would find in the store what it had published of
 * them, and have them in its log too. */
static bool must_wait(struct engine *engine)
{
    struct ptime first;
    if (!engine->config.live || engine->warmed || !batch_time(engine, &first))
        return false;
    engine->warmed = true;
    warm_begin(engine, first);
    return engine->warm != NULL;
}

static void fill_batch(struct engine *engine)
{
    engine->tomorrow_ns = ptime_now().ns + NS_PER_DAY;
    engine->batch.size = 0;
    announce(engine);
    bool told = engine->batch.size > 0; /* what they say is judged by what is taken of that first */
    for (uint32_t i = 0; !told && i < engine->config.workers; i++)
        fetch_ring(engine, i);
}

bool intake_fetch(struct engine *engine)
{
    if (engine->warm)
        return false;
    if (!engine->held)
        fill_batch(engine);
    engine->held = !engine->held && must_wait(engine);
    if (engine->held)
        return false;
    bool any = engine->batch.size > 0 || engine->retired;
    if (engine->batch.size > 0)
        checkpoint_log(engine, engine->batch.data, engine->batch.size);
    release(engine); /* from here on a restart has it from the log */
    take_batch(engine);
    tell_damaged(engine);
    let_retired_go(engine);
    return any;
}

bool intake_queued(const struct engine *engine)
{
    for (uint32_t i = 0; i < engine->config.workers; i++)
        if (engine->ring[i] && !engine->ring[i]->announced)
            return true;
    return false;
}

/* --- waking ---------------------------------------------------------------------------------- */

void intake_watch(struct engine *engine, bool on)
{
    for (uint32_t i = 0; i < engine->config.workers; i++) {
        struct intake_ring *ring = engine->ring[i];
        if (!ring)
            continue;
        bool wanted = on && !is_damaged(engine, i) && !is_held_back(engine, i);
        if (ring->watched != wanted)
            engine->config.loop.ops->change(ring->watch, wanted ? LOOP_READ : 0);
        ring->watched = wanted;
    }
}

void intake_clear_events(struct engine *engine)
{
    for (uint32_t i = 0; i < engine->config.workers; i++)
        if (engine->ring[i])
            ring_clear_event(engine->ring[i]->consumer);
}

/* Rings outlive an engine that is gone on with: their producers fill them until its next start. */
static void leave_rings(struct engine *engine, struct intake_ring **first)
{
    for (struct intake_ring *ring; (ring = *first) != NULL;) {
        *first = ring->next;
        drop_watch(engine, ring);
        (engine->checkpoint ? ring_consumer_leave : ring_consumer_free)(ring->consumer);
        free(ring);
    }
}

/* Some may be retired, and the batch behind them not taken yet. */
void intake_fini(struct engine *engine)
{
    for (uint32_t i = 0; i < ENGINE_WORKERS_MAX; i++)
        leave_rings(engine, &engine->ring[i]);
    leave_rings(engine, &engine->retired);
    buffer_fini(&engine->batch);
}

struct engine_ring engine_ring_of(const struct engine *engine, uint32_t worker)
{
    const struct intake_ring *ring = worker < ENGINE_WORKERS_MAX ? engine->ring[worker] : NULL;
    if (!ring)
        return (struct engine_ring){0, 0, 0};
    return (struct engine_ring){ring_read_position(ring->consumer), ring_waiting(ring->consumer),
                                ring_size(ring->consumer)};
}

uint32_t engine_next_incarnation(const struct engine *engine)
{
    uint32_t next = 1;
    for (uint32_t i = 0; i < engine->config.workers; i++)
        if (engine->worker[i].incarnation >= next)
            next = engine->worker[i].incarnation + 1;
    return next;
}
