/* Whose turn it is to close (store_close.h).
 *
 * An hour that is due is published, then said to be complete, and the store answers at once what is
 * to be done:
 *
 *   all complete, the lease is mine → learn the oldest hour that is not closed, ask again
 *   closed by another sensor        → take its profiles and tables
 *   somebody is waited for          → ask again every 200 ms
 *
 * Consumption pauses from the moment an hour is due until the first answer, and while there is
 * work; so a sensor that is alone closes at the same record whatever the store's speed. While
 * others are waited for it goes on, judged by what was known. That wait is an entry of the log: a
 * restart that replays it waits at the same record. Its end is at a moment when all that came was
 * consumed, and a snapshot follows before more is fetched, so the log need not know of it. A replay
 * has nobody to wait for: it learns at once.
 *
 * Bounds: others are waited for by store_close.h's; the wait takes no memory but the totals of the
 * hours, which grow by their hosts. Thread: the engine's. */
#include "checkpoint.h"
#include "close.h"

#include "weir/base/buffer.h"

#include <stdlib.h>

static void finish(struct engine *engine)
{
    struct closing *closing = engine->closing;
    if (closing->poll)
        engine->config.loop.ops->drop(closing->poll);
    struct ptime now = closing->now;
    free(closing);
    engine->closing = NULL;
    close_schedule(engine, now);
    engine_pump(engine);
}

static void act(struct engine *engine)
{
    struct closing *closing = engine->closing;
    const struct store_turn *turn = &closing->turn;
    closing->step = CLOSE_WORKING;
    closing->paused = true;
    if (turn->closed != engine->fleet_hour || turn->edits != engine->fleet_edits ||
        engine->fleet_spoiled)
        close_take(engine, turn->closed);
    else if (turn->closed >= closing->through)
        finish(engine);
    else
        close_learn(engine, turn->hour);
}

/* What this sensor saw of hours that were closed before it was complete is in no profile. */
static void count_late(struct engine *engine)
{
    struct closing *closing = engine->closing;
    const struct store_turn *turn = &closing->turn;
    size_t count;
    if (closing->late_counted)
        return;
    closing->late_counted = true;
    int64_t until = turn->closed < closing->through ? turn->closed : closing->through;
    struct host_total **total = totals_until(engine->totals, until, &count);
    for (size_t i = 0; i < count; i++)
        engine->counts.totals_late += total[i]->hour > turn->before;
    free(total);
}

static void ask(struct engine *engine);

static void on_poll(void *context)
{
    struct engine *engine = context;
    const struct closing *closing = engine->closing;
    if (closing->step == CLOSE_WAITING && !closing->asked && !engine->finished &&
        !checkpoint_replaying(engine))
        ask(engine);
}

static void wait_for_others(struct engine *engine)
{
    struct closing *closing = engine->closing;
    struct loop_ref loop = engine->config.loop;
    bool was_paused = closing->paused;
    closing->step = CLOSE_WAITING;
    closing->paused = false;
    if (!closing->poll)
        closing->poll = loop.ops->timer(loop.loop, CLOSE_POLL_NS, on_poll, engine);
    if (!was_paused)
        return;
    checkpoint_log_wait(engine, closing->through);
    engine_pump(engine);
}

static void on_turn(void *context, const struct store_turn *turn)
{
    struct engine *engine = context;
    struct closing *closing = engine->closing;
    if (engine->finished || !closing)
        return;
    closing->asked = false;
    closing->turn = *turn;
    count_late(engine);
    engine->counts.sensors_passed += turn->granted ? turn->passed : 0;
    bool news = turn->closed > engine->fleet_hour || turn->closed >= closing->through;
    if (!turn->granted && !news) {
        wait_for_others(engine);
        return;
    }
    closing->step = CLOSE_READY;
    if (closing->paused)
        act(engine);
    else
        engine_pump(engine);
}

static void ask(struct engine *engine)
{
    struct closing *closing = engine->closing;
    closing->asked = true;
    store_ask_turn(engine->config.store, closing->through, true, on_turn, engine);
}

/* A replay's next hour that is due. */
static void learn_next(struct engine *engine)
{
    struct closing *closing = engine->closing;
    int64_t hour;
    closing->step = CLOSE_WORKING;
    if (totals_oldest(engine->totals, &hour) && hour <= closing->through)
        close_learn(engine, hour);
    else
        finish(engine);
}

void close_asks_again(struct engine *engine)
{
    struct closing *closing = engine->closing;
    if (!engine->config.live) {
        learn_next(engine);
        return;
    }
    if (!engine->fleet_spoiled && engine->fleet_hour >= closing->through) {
        finish(engine);
        return;
    }
    closing->step = CLOSE_ASKING;
    ask(engine);
}

static struct closing *new_closing(struct engine *engine, struct ptime now)
{
    struct closing *closing = xcalloc(1, sizeof *closing);
    closing->now = now;
    closing->through = engine->closed_hour;
    engine->closing = closing;
    return closing;
}

/* An hour that is due while others are waited for is waited for with them. */
void close_begin(struct engine *engine, int64_t through, struct ptime now)
{
    struct closing *closing = engine->closing;
    if (closing) {
        closing->through = through;
        closing->now = now;
        return;
    }
    closing = new_closing(engine, now);
    if (checkpoint_waited(engine, through)) {
        wait_for_others(engine);
        return;
    }
    closing->paused = true;
    close_asks_again(engine);
}

bool close_paused(const struct engine *engine)
{
    return engine->closing && engine->closing->paused;
}

/* All that is ready was consumed: the moment for what was waited for. */
bool close_act(struct engine *engine)
{
    if (!engine->closing || engine->closing->step != CLOSE_READY)
        return false;
    act(engine);
    return true;
}

/* A sign of life comes first: from then on the others wait for this sensor. */
void close_resume(struct engine *engine)
{
    struct store *store = memory_store(engine);
    if (!engine->config.live || engine->finished || !store)
        return;
    if (!checkpoint_replaying(engine))
        store_say_alive(store, engine->closed_hour);
    if (engine->closing || engine->closed_hour <= engine->fleet_hour)
        return;
    new_closing(engine, engine->order.complete);
    wait_for_others(engine);
}

void close_abandon(struct engine *engine)
{
    struct closing *closing = engine->closing;
    close_clean_fini(engine);
    if (!closing)
        return;
    if (closing->step == CLOSE_WORKING && !closing->work.taking)
        engine->fleet_spoiled = true;
    if (closing->poll)
        engine->config.loop.ops->drop(closing->poll);
    free(closing->work.host);
    free(closing);
    engine->closing = NULL;
}
