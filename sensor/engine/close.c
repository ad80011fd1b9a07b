/* The engine and the store: publishing open totals, and when an hour is due.
 *
 * Running totals are published each minute. An hour is due CLOSE_AFTER_NS after its end: totals are
 * published once more, and from there on nothing is added to it (what is told later belongs to the
 * hour that is open), so that the fleet's sum cannot change any more. Who closes it, and how, is
 * in close_turn.c and close_work.c. Live, every hour is due, also one in which nothing was seen:
 * the others wait for this sensor's word. A replay publishes nothing. Thread: the engine's. */
#include "close.h"
#include "checkpoint.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

/* --- publishing ------------------------------------------------------------------------------ */

/* Only what changed since the last time: an hour's hosts are many, a minute's are few. A replay
 * has nobody to tell. */
void close_publish(struct engine *engine)
{
    if (!memory_store(engine) || engine->unsaved)
        return;
    for (size_t i = 0; i < engine->changed_count; i++) {
        store_put_open(memory_store(engine), engine->changed[i]);
        engine->changed[i]->queued = false;
    }
    engine->changed_count = 0;
}

static void on_alive(void *context, const struct store_turn *turn)
{
    if (turn->forgets)
        changed_look(context);
}

/* Before the totals of an hour and of those before it go: they are to be published no more. A start
 * means to put all totals again, and may find their hour closed by others before it did. */
void close_forget_changed(struct engine *engine, int64_t hour)
{
    size_t kept = 0;
    for (size_t i = 0; i < engine->changed_count; i++)
        if (engine->changed[i]->hour > hour)
            engine->changed[kept++] = engine->changed[i];
    engine->changed_count = kept;
}

/* Each minute. A restart that replays says nothing that it said before. */
void close_tick(struct engine *engine)
{
    close_publish(engine);
    if (engine->config.live && memory_store(engine) && !checkpoint_replaying(engine))
        store_ask_turn(memory_store(engine), engine->closed_hour, false, on_alive, engine);
}

void close_queue_changed(struct engine *engine, struct host_total *total)
{
    if (total->queued)
        return;
    if (engine->changed_count == engine->changed_room) {
        engine->changed_room = engine->changed_room ? 2 * engine->changed_room : 256;
        engine->changed =
            xrealloc(engine->changed, engine->changed_room * sizeof(struct host_total *));
    }
    total->queued = true;
    engine->changed[engine->changed_count++] = total;
}

/* --- closing --------------------------------------------------------------------------------- */

static void close_at(struct engine *engine, const struct civil *civil)
{
    int64_t due = civil->ends.ns + CLOSE_AFTER_NS;
    if (due < engine->next_close.ns)
        engine->next_close.ns = due;
}

void close_note_open(struct engine *engine, struct host_total *total, const struct civil *civil)
{
    if (engine->config.live)
        close_queue_changed(engine, total);
    close_at(engine, civil);
}

void close_note_passed(struct engine *engine, const struct civil *civil)
{
    close_at(engine, civil);
}

bool close_due(const struct engine *engine, struct ptime now)
{
    return now.ns >= engine->next_close.ns;
}

/* The calendar speaks of times, totals of ordinals. Hours are of one length, so from any known one
 * to any other it is one step, however wrong somebody's clock was. */
struct civil close_civil(struct engine *engine, int64_t hour, struct ptime near)
{
    struct civil known = calendar_at(engine->config.calendar, near);
    int64_t starts_ns = known.starts.ns + (hour - known.hour) * NS_PER_HOUR;
    return calendar_at(engine->config.calendar, (struct ptime){starts_ns});
}

/* After a close. */
void close_schedule(struct engine *engine, struct ptime now)
{
    int64_t hour;
    if (engine->config.live) /* close_hour did */
        return;
    engine->next_close = PTIME_MAX;
    if (totals_oldest(engine->totals, &hour)) {
        struct civil civil = close_civil(engine, hour, now);
        close_at(engine, &civil);
    }
}

/* Live, whoever begins has nothing in the hours before: it says so at once, or the others would
 * wait for its word until its own first hour ends. */
void close_first(struct engine *engine, struct ptime now)
{
    if (engine->config.live)
        engine->next_close = now;
}

static struct civil still_open(const struct engine *engine, struct ptime now)
{
    return calendar_at(engine->config.calendar, (struct ptime){now.ns - CLOSE_AFTER_NS});
}

void close_judge(struct engine *engine, struct ptime now)
{
    account_whole(engine, still_open(engine, now).hour - 1, now);
}

void close_judge_through(struct engine *engine, struct ptime until, struct ptime now)
{
    account_whole(engine, calendar_at(engine->config.calendar, until).hour - 1, now);
}

void close_hour(struct engine *engine, struct ptime now)
{
    struct civil civil = still_open(engine, now);
    int64_t before = engine->closed_hour;
    claims_close(engine, civil.hour - 1); /* no answer could be judged once the hour is learned */
    engine->closed_hour = civil.hour - 1;
    elsewhere_close(engine, before);
    engine->next_close.ns = civil.ends.ns + CLOSE_AFTER_NS;
    engine->unsaved = false; /* others wait for it */
    close_publish(engine);
    if (memory_store(engine))
        close_begin(engine, engine->closed_hour, now);
}

void close_tell_of(const struct engine *engine, struct host_total *const *total, size_t count)
{
    const struct engine_observer *observer = &engine->config.observer;
    for (size_t i = 0; observer->closed && i < count; i++)
        observer->closed(observer->context, total[i]);
}

void close_tell(const struct engine *engine, int64_t hour)
{
    size_t count;
    struct host_total **total = totals_until(engine->totals, hour, &count);
    close_tell_of(engine, total, count);
    free(total);
}

void close_fini(struct engine *engine)
{
    close_abandon(engine);
    free(engine->changed);
}
