/* The live engine's connections to the store: one is tried, filled and then used; one that refuses
 * writes is kept for reading while another is tried.
 *
 *   try → (fleet tables, if the engine has none of the store's) → put all open totals → main
 *    ↑ back-off 0.2 s … 10 s of wall time │ refused: writes only → reader
 *    └────────────────────────────────────┘ else, lost, silent, nonsense → nothing
 *
 * What was put and not answered may be lost, so everything that is open is put again, at most
 * FILL_UNANSWERED commands at a time: totals are absolute. Meanwhile the engine goes on as before;
 * it is told of the store by memory_set, from here, on the loop, never inside a record.
 *
 * Before consumption begins, and while the log of a checkpoint is replayed, nothing is told: the
 * state is that of the log. Thread: the engine's. */
#include "memory.h"

#include "checkpoint.h"
#include "internal.h"

#include "weir/base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_MIN_NS (200 * NS_PER_MS)
#define PAUSE_MAX_NS (10 * NS_PER_S)
#define LASTED_NS    (10 * NS_PER_S) /* a connection that did, and the back-off begins anew */
#define FILL_NS      (5 * NS_PER_MS)

struct connection {
    struct memory_link *link;
    struct store *store;
    struct wtime since;
    bool reads_only, ready;
};

struct memory_link {
    struct engine *engine;
    struct connection *main, *reader, *trying;
    struct loop_watch *retry, *filler;
    size_t fill_at, fill_end; /* of engine->changed */
    int64_t pause_ns;
    struct fleet *fleet; /* of the store, until the engine takes it */
    struct error why;    /* the last failure */
    uint64_t refused;
    bool settled; /* the first verdict is in */
};

static void try_now(struct memory_link *link);

/* --- questions ------------------------------------------------------------------------------- */

struct store *memory_reader(const struct engine *engine)
{
    const struct memory_link *link = engine->link;
    const struct connection *reader = link ? link->reader : NULL;
    if (engine->config.store)
        return engine->config.store;
    bool reads = reader && reader->ready && engine->memory.state == ENGINE_STORE_READS;
    return reads ? reader->store : NULL;
}

bool memory_link_fills(const struct engine *engine)
{
    return engine->link && engine->link->filler;
}

uint64_t memory_link_refused(const struct engine *engine)
{
    return engine->link ? engine->link->refused : 0;
}

bool engine_store_settled(const struct engine *engine)
{
    return !engine->link || engine->link->settled;
}

/* The state is what the log says it was. */
static bool is_held(const struct engine *engine)
{
    return !engine->begun || checkpoint_replaying(engine);
}

static void settle(struct memory_link *link)
{
    const struct engine_observer *observer = &link->engine->config.observer;
    bool was = link->settled;
    link->settled = true;
    if (!was && observer->store)
        observer->store(observer->context);
}

static void tell(struct memory_link *link, enum engine_store_state state, struct fleet *fleet)
{
    memory_set(link->engine, state, fleet, link->why.message);
    engine_pump(link->engine);
}

/* --- going ----------------------------------------------------------------------------------- */

static void drop(struct connection **connection)
{
    if (*connection) {
        store_free((*connection)->store);
        free(*connection);
    }
    *connection = NULL;
}

static void forget_first(struct engine *engine, size_t count)
{
    if (count == 0)
        return;
    engine->changed_count -= count;
    memmove(engine->changed, engine->changed + count,
            engine->changed_count * sizeof(struct host_total *));
}

/* What was put is put again with the rest at the next try. */
static void stop_filling(struct memory_link *link)
{
    if (link->filler)
        link->engine->config.loop.ops->drop(link->filler);
    link->filler = NULL;
    forget_first(link->engine, link->fill_at);
    link->fill_at = link->fill_end = 0;
}

static void on_retry(void *context)
{
    struct memory_link *link = context;
    link->engine->config.loop.ops->drop(link->retry);
    link->retry = NULL;
    try_now(link);
}

static void try_later(struct memory_link *link)
{
    struct loop_ref loop = link->engine->config.loop;
    if (link->retry || link->trying)
        return;
    link->pause_ns = link->pause_ns == 0                 ? PAUSE_MIN_NS
                     : 2 * link->pause_ns < PAUSE_MAX_NS ? 2 * link->pause_ns
                                                         : PAUSE_MAX_NS;
    link->retry = loop.ops->timer(loop.loop, link->pause_ns, on_retry, link);
}

/* A server that is full or a replica can still be read: by a connection of its own, so that nothing
 * that was under way on the other is answered. */
static struct connection *open_connection(struct memory_link *link, bool reads_only);

static void lose_main(struct memory_link *link)
{
    struct engine *engine = link->engine;
    bool reads = store_refuses_writes(link->main->store);
    if (wtime_now().ns - link->main->since.ns > LASTED_NS)
        link->pause_ns = 0;
    engine->config.store = NULL;
    drop(&link->main);
    if (reads)
        link->reader = open_connection(link, true);
    try_later(link);
    if (engine->begun) /* in a log's replay, too: an answer may be awaited that will not come */
        tell(link, ENGINE_STORE_AWAY, NULL);
    governed_lost(engine);
}

static void lose_reader(struct memory_link *link)
{
    bool was_ready = link->reader->ready;
    drop(&link->reader);
    if (was_ready && link->engine->begun)
        tell(link, ENGINE_STORE_AWAY, NULL);
    settle(link);
}

static void lose_trying(struct memory_link *link)
{
    bool reads = !link->reader && store_refuses_writes(link->trying->store);
    stop_filling(link);
    drop(&link->trying);
    if (reads)
        link->reader = open_connection(link, true);
    try_later(link);
    if (!link->reader || link->reader->ready)
        settle(link);
}

/* `connection` is of no use any more. */
static void lose(struct connection *connection, const struct error *why)
{
    struct memory_link *link = connection->link;
    link->why = *why;
    if (link->engine->memory.state != ENGINE_STORE_HERE)
        snprintf(link->engine->memory.why, sizeof link->engine->memory.why, "%s", why->message);
    if (connection == link->main)
        lose_main(link);
    else if (connection == link->reader)
        lose_reader(link);
    else
        lose_trying(link);
}

static void on_failed(void *context, const struct error *error)
{
    struct connection *connection = context;
    connection->link->refused += !store_is_lost(connection->store);
    lose(connection, error);
}

void memory_distrust(struct engine *engine, const struct error *error)
{
    if (engine->link && engine->link->main)
        lose(engine->link->main, error);
    else
        engine_fail(engine, error);
}

/* --- coming ---------------------------------------------------------------------------------- */

static void become_main(struct memory_link *link)
{
    link->main = link->trying;
    link->trying = NULL;
    link->main->since = wtime_now();
    drop(&link->reader);
    link->engine->config.store = link->main->store;
}

static struct fleet *take_fleet(struct memory_link *link)
{
    struct fleet *fleet = link->fleet;
    link->fleet = NULL;
    return fleet;
}

static void end_filling(struct memory_link *link)
{
    stop_filling(link);
    become_main(link);
    link->why = (struct error){0};
    tell(link, ENGINE_STORE_HERE, take_fleet(link));
}

static void on_fill(void *context)
{
    struct memory_link *link = context;
    struct engine *engine = link->engine;
    struct store *store = link->trying->store;
    while (link->fill_at < link->fill_end && store_pending(store) < FILL_UNANSWERED) {
        struct host_total *total = engine->changed[link->fill_at++];
        total->queued = false;
        store_put_open(store, total);
    }
    if (link->fill_at == link->fill_end && store_pending(store) == 0)
        end_filling(link);
}

static void mark_changed(struct host_total *total)
{
    size_t position = 0;
    total->inside_changed = total->inside_bytes > 0;
    for (const struct map_entry *e; (e = map_next(&total->pairs, &position)) != NULL;)
        ((struct pair_total *)e->value)->changed = true;
}

static void fill(struct memory_link *link)
{
    struct engine *engine = link->engine;
    struct loop_ref loop = engine->config.loop;
    size_t count;
    struct host_total **total = totals_until(engine->totals, INT64_MAX, &count);
    for (size_t i = 0; i < count; i++) {
        mark_changed(total[i]);
        close_queue_changed(engine, total[i]);
    }
    free(total);
    link->fill_at = 0;
    link->fill_end = engine->changed_count;
    link->filler = loop.ops->timer(loop.loop, FILL_NS, on_fill, link);
}

/* The connection works, and the fleet's tables are known. */
static void arrive(struct connection *connection)
{
    struct memory_link *link = connection->link;
    struct engine *engine = link->engine;
    connection->ready = true;
    if (connection->reads_only) {
        if (!is_held(engine))
            tell(link, ENGINE_STORE_READS, take_fleet(link));
    } else if (!is_held(engine)) {
        fill(link);
    } else if (engine->memory.state == ENGINE_STORE_HERE) {
        become_main(link);
    }
    settle(link);
}

static void on_fleet(void *context, const void *blob, size_t size)
{
    struct connection *connection = context;
    struct error error = {0};
    struct fleet *fleet = size > 0 ? fleet_unpack(blob, size, &error) : fleet_new();
    if (!fleet) {
        lose(connection, &error);
        return;
    }
    connection->link->fleet = fleet;
    arrive(connection);
}

static void on_ready(void *context)
{
    struct connection *connection = context;
    struct memory_link *link = connection->link;
    bool known = link->fleet || link->engine->memory.fleet_known;
    if (known)
        arrive(connection);
    else
        store_load_fleet(connection->store, on_fleet, connection);
}

static struct connection *open_connection(struct memory_link *link, bool reads_only)
{
    static const struct store_events events = {on_ready, on_failed};
    struct store_config config = *link->engine->config.reach;
    struct connection *connection = xcalloc(1, sizeof *connection);
    config.read_only = reads_only;
    *connection = (struct connection){.link = link, .reads_only = reads_only};
    connection->store =
        store_open(&config, link->engine->config.loop, &events, connection, &link->why);
    if (!connection->store)
        drop(&connection);
    else
        elsewhere_hear(link->engine, connection->store);
    return connection;
}

static void try_now(struct memory_link *link)
{
    link->why = (struct error){0};
    link->trying = open_connection(link, false);
    if (!link->trying)
        try_later(link);
}

/* --- from the start to the end --------------------------------------------------------------- */

int memory_open(struct engine *engine, struct error *error)
{
    if (engine->config.store)
        elsewhere_hear(engine, engine->config.store);
    if (!engine->config.reach)
        return 0;
    struct memory_link *link = engine->link = xcalloc(1, sizeof *link);
    link->engine = engine;
    link->trying = open_connection(link, false);
    if (link->trying)
        return 0;
    *error = link->why;
    return -1;
}

void memory_begin(struct engine *engine)
{
    struct memory_link *link = engine->link;
    if (!engine->fleet) {
        engine->memory.fleet_known = !link || link->fleet;
        engine->fleet = link && link->fleet ? take_fleet(link) : fleet_new();
    }
    if (!link || is_held(engine))
        return;
    enum engine_store_state state = engine->memory.state;
    bool can_read = link->reader && link->reader->ready;
    if (can_read && state != ENGINE_STORE_READS && !link->main)
        memory_set(engine, ENGINE_STORE_READS, take_fleet(link), link->why.message);
    else if (!can_read && !link->main && state != ENGINE_STORE_AWAY)
        memory_set(engine, ENGINE_STORE_AWAY, NULL, link->why.message);
    if (link->trying && link->trying->ready && !link->filler)
        fill(link);
}

void memory_fini(struct engine *engine)
{
    struct memory_link *link = engine->link;
    struct loop_ref loop = engine->config.loop;
    if (!link)
        return;
    if (link->retry)
        loop.ops->drop(link->retry);
    if (link->filler)
        loop.ops->drop(link->filler);
    drop(&link->trying);
    drop(&link->reader);
    drop(&link->main);
    fleet_free(link->fleet);
    free(link);
    engine->link = NULL;
}
