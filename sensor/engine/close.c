/* The engine and the store: publishing open totals, closing hours.
 *
 * An hour is closed CLOSE_AFTER_NS after its end, once, for all hosts in sorted order:
 *
 *   publish what changed → ask for the fleet's sum of each host's hour → learn it → write the
 * profile (compare-and-set) → when the last answer is in, apply the fleet tables and write them
 *
 * The store answers in the order of the calls, so hosts are learned in sorted order whatever
 * happens to be fast. Consumption pauses meanwhile. Thread: the engine's. */
#include "checkpoint.h"
#include "internal.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

struct closing {
    struct host_total **total; /* of every hour that is due, sorted by (hour, host) */
    size_t count, learned, written;
    struct ptime now;
    struct civil civil; /* of the hour being learned */
};

/* --- publishing ------------------------------------------------------------------------------ */

/* Only what changed since the last time: an hour's hosts are many, a minute's are few. Totals are
 * dropped only by a close, which publishes first, so the list never outlives them. */
void close_publish(struct engine *engine)
{
    for (size_t i = 0; i < engine->changed_count; i++) {
        store_put_open(engine->config.store, engine->changed[i]);
        engine->changed[i]->queued = false;
    }
    engine->changed_count = 0;
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
    close_queue_changed(engine, total);
    close_at(engine, civil);
}

bool close_due(const struct engine *engine, struct ptime now)
{
    return !engine->closing && now.ns >= engine->next_close.ns;
}

/* The calendar speaks of times, totals of ordinals. Hours are of one length, so from any known one
 * to any other it is one step, however wrong somebody's clock was. */
struct civil close_civil(struct engine *engine, int64_t hour, struct ptime near)
{
    struct civil known = calendar_at(engine->config.calendar, near);
    int64_t starts_ns = known.starts.ns + (hour - known.hour) * NS_PER_HOUR;
    return calendar_at(engine->config.calendar, (struct ptime){starts_ns});
}

static void schedule_next(struct engine *engine, struct ptime now)
{
    size_t count;
    struct host_total **total = totals_until(engine->totals, INT64_MAX, &count);
    engine->next_close = PTIME_MAX;
    if (count > 0) {
        struct civil civil = close_civil(engine, total[0]->hour, now);
        close_at(engine, &civil);
    }
    free(total);
}

static void finish(struct engine *engine)
{
    struct closing *closing = engine->closing;
    struct buffer blob = {0};
    fleet_apply(engine->fleet);
    fleet_pack(engine->fleet, &blob);
    store_put_fleet(engine->config.store, blob.data, blob.size);
    buffer_fini(&blob);
    engine->counts.host_hours_closed += closing->count;
    int64_t last = INT64_MIN;
    for (size_t i = 0; i < closing->count; i++) {
        engine->counts.hours_closed += closing->total[i]->hour != last;
        last = closing->total[i]->hour;
        totals_drop(engine->totals, closing->total[i]);
    }
    struct ptime now = closing->now;
    free(closing->total);
    free(closing);
    engine->closing = NULL;
    cache_trim(engine);
    if (engine->checkpoint) /* what the store has now is what the snapshot has */
        engine->checkpoint->wanted = true;
    schedule_next(engine, now);
    engine_pump(engine);
}

static void host_done(struct engine *engine)
{
    engine->waiting--;
    if (!engine->finished && ++engine->closing->written == engine->closing->count)
        finish(engine);
}

static void on_written(void *context, const struct ip *ip, bool won)
{
    (void)ip;
    (void)won; /* another sensor closed the hour first: its profile is as good as ours */
    host_done(context);
}

/* A profile that already knows later hours (a baseline from after this capture) learns nothing, and
 * is not written. */
static void learn(struct engine *engine, struct host *host, int64_t hour,
                  const struct host_total *total)
{
    struct buffer blob = {0};
    struct profile *profile = hosts_open(engine, host);
    if (!profile)
        profile = profile_new(&host->ip, hour);
    profile_catch_up(profile, hour - 1, engine->config.calendar);
    profile_close_hour(profile, total, &engine->closing->civil, engine->fleet);
    int64_t closed = profile->last_closed_hour;
    host->due--;
    if (closed == host->stored_hour) {
        hosts_learned(engine, host, profile, NULL, 0);
        host_done(engine);
        return;
    }
    profile_pack(profile, &blob);
    store_put_profile(engine->config.store, &host->ip, host->stored_hour, closed, blob.data,
                      blob.size, on_written, engine);
    host->stored_hour = closed;
    hosts_learned(engine, host, profile, blob.data, blob.size);
    buffer_fini(&blob);
}

static void on_summed(void *context, const struct ip *ip, int64_t hour, struct host_total *sum)
{
    struct engine *engine = context;
    struct closing *closing = engine->closing;
    if (!engine->finished) { /* else it failed: answers still come, nothing more is written */
        const struct host_total *own = closing->total[closing->learned++];
        if (closing->civil.hour != hour)
            closing->civil = close_civil(engine, hour, closing->now);
        learn(engine, hosts_get(engine, ip), hour, sum ? sum : own);
    }
    if (sum)
        host_total_free(sum);
}

void close_hour(struct engine *engine, struct ptime now)
{
    struct civil civil =
        calendar_at(engine->config.calendar, (struct ptime){now.ns - CLOSE_AFTER_NS});
    struct closing *closing = xcalloc(1, sizeof *closing);
    engine->closed_hour = civil.hour - 1;
    closing->total = totals_until(engine->totals, civil.hour - 1, &closing->count);
    if (closing->count == 0) {
        free(closing->total);
        free(closing);
        schedule_next(engine, now);
        return;
    }
    closing->now = now;
    closing->civil = civil;
    engine->closing = closing;
    close_publish(engine);
    engine->waiting += (uint32_t)closing->count;
    for (size_t i = 0; i < closing->count; i++) {
        struct host *host = hosts_get(engine, &closing->total[i]->host);
        if (host->due++ == 0)
            loads_need_whole(engine, host);
        store_sum_open(engine->config.store, &host->ip, closing->total[i]->hour, on_summed, engine);
    }
}

void close_fini(struct engine *engine)
{
    if (engine->closing)
        free(engine->closing->total);
    free(engine->closing);
    engine->closing = NULL;
    free(engine->changed);
}
