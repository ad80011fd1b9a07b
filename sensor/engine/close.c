/* The engine and the store: loading hosts, publishing open totals, closing hours.
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
#include "weir/base/log.h"

#include <stdlib.h>
#include <string.h>

struct closing {
    struct host_total **total; /* of every hour that is due, sorted by (hour, host) */
    size_t count, learned, written;
    int64_t closed_before; /* engine->closed_hour */
    struct ptime now;
    struct civil civil; /* of the hour being learned */
};

/* --- loading --------------------------------------------------------------------------------- */

static void set_loaded(struct engine *engine, struct host *host, const void *blob, size_t size)
{
    struct error error = {0};
    host->loaded = true;
    profile_free(host->profile); /* of before the store went, whose hour is closed anew */
    host->profile = NULL;
    host->stored_hour = INT64_MIN;
    if (!blob)
        return;
    host->profile = profile_unpack(blob, size, &error);
    if (host->profile)
        host->stored_hour = host->profile->last_closed_hour;
    else if (!engine->config.live)
        engine_fail(engine, &error);
    else if (engine->counts.profiles_damaged++ == 0)
        log_error("%s; such hosts are judged like unknown ones, and what is stored stays",
                  error.message);
}

static void on_loaded(void *context, const struct ip *ip, const void *blob, size_t size)
{
    struct engine *engine = context;
    engine->waiting--;
    if (engine->finished)
        return;
    checkpoint_log_answer(engine, ip, blob, blob ? size : 0);
    set_loaded(engine, hosts_get(engine, ip), blob, size);
    engine_pump(engine);
}

bool close_load_host(struct engine *engine, struct host *host)
{
    const void *blob;
    size_t size;
    struct store *store = memory_reader(engine);
    if (!memory_asks(engine))
        return false;
    if (checkpoint_answer(engine, &host->ip, &blob, &size)) {
        set_loaded(engine, host, blob, size);
        return true;
    }
    if (!store)
        return false;
    engine->waiting++;
    store_load_profile(store, &host->ip, on_loaded, engine);
    return true;
}

/* --- publishing ------------------------------------------------------------------------------ */

/* Only what changed since the last time: an hour's hosts are many, a minute's are few. Totals are
 * dropped only by a close, which publishes first, so the list never outlives them. */
void close_publish(struct engine *engine)
{
    struct store *store = memory_store(engine);
    if (!store)
        return;
    for (size_t i = 0; i < engine->changed_count; i++) {
        store_put_open(store, engine->changed[i]);
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

void close_forget_first(struct engine *engine, size_t count)
{
    if (count == 0)
        return;
    engine->changed_count -= count;
    memmove(engine->changed, engine->changed + count,
            engine->changed_count * sizeof(struct host_total *));
}

void close_forget_changed(struct engine *engine, int64_t hour)
{
    size_t kept = 0;
    for (size_t i = 0; i < engine->changed_count; i++)
        if (engine->changed[i]->hour > hour)
            engine->changed[kept++] = engine->changed[i];
    engine->changed_count = kept;
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
    return !engine->closing && memory_store(engine) && now.ns >= engine->next_close.ns;
}

/* The calendar speaks of times, totals of ordinals. Hours are of one length, so from any known one
 * to any other it is one step, however wrong somebody's clock was. */
struct civil close_civil(struct engine *engine, int64_t hour, struct ptime near)
{
    struct civil known = calendar_at(engine->config.calendar, near);
    int64_t starts_ns = known.starts.ns + (hour - known.hour) * NS_PER_HOUR;
    return calendar_at(engine->config.calendar, (struct ptime){starts_ns});
}

void close_schedule(struct engine *engine, struct ptime now)
{
    int64_t hour;
    engine->next_close = PTIME_MAX;
    if (totals_oldest(engine->totals, &hour)) {
        struct civil civil = close_civil(engine, hour, now);
        close_at(engine, &civil);
    }
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
    if (engine->checkpoint) /* what the store has now is what the snapshot has */
        engine->checkpoint->wanted = true;
    close_schedule(engine, now);
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
    if (!host->profile)
        host->profile = profile_new(&host->ip, hour);
    profile_catch_up(host->profile, hour - 1, engine->config.calendar);
    profile_close_hour(host->profile, total, &engine->closing->civil, engine->fleet);
    if (host->profile->last_closed_hour == host->stored_hour) {
        host_done(engine);
        return;
    }
    profile_pack(host->profile, &blob);
    store_put_profile(engine->config.store, &host->ip, host->stored_hour,
                      host->profile->last_closed_hour, blob.data, blob.size, on_written, engine);
    host->stored_hour = host->profile->last_closed_hour;
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

/* While the store was away hosts were met that nobody was asked about: now it is. Its answers come
 * in the order of the questions, before the hour's sums. */
static void load_all(struct engine *engine, const struct closing *closing)
{
    for (size_t i = 0; i < closing->count; i++) {
        struct host *host = hosts_get(engine, &closing->total[i]->host);
        if (!host->loaded)
            close_load_host(engine, host);
    }
}

void close_hour(struct engine *engine, struct ptime now)
{
    struct civil civil =
        calendar_at(engine->config.calendar, (struct ptime){now.ns - CLOSE_AFTER_NS});
    struct closing *closing = xcalloc(1, sizeof *closing);
    int64_t until = civil.hour - 1, oldest;
    if (engine->config.live && totals_oldest(engine->totals, &oldest) && oldest < until)
        until = oldest; /* one after the other: what was away all night learns hour by hour */
    closing->closed_before = engine->closed_hour;
    if (until > engine->closed_hour)
        engine->closed_hour = until;
    closing->total = totals_until(engine->totals, until, &closing->count);
    if (closing->count == 0) {
        free(closing->total);
        free(closing);
        close_schedule(engine, now);
        return;
    }
    closing->now = now;
    closing->civil = civil;
    engine->closing = closing;
    close_publish(engine);
    load_all(engine, closing);
    engine->waiting += (uint32_t)closing->count;
    for (size_t i = 0; i < closing->count; i++)
        store_sum_open(engine->config.store, &closing->total[i]->host, closing->total[i]->hour,
                       on_summed, engine);
}

/* The notes that the hosts of an unfinished hour left are not in what is packed. */
static void forget_notes(struct engine *engine)
{
    struct buffer blob = {0};
    fleet_pack(engine->fleet, &blob);
    struct fleet *fleet = fleet_unpack(blob.data, blob.size, NULL);
    buffer_fini(&blob);
    if (!fleet)
        return;
    fleet_free(engine->fleet);
    engine->fleet = fleet;
}

/* Of the hosts that have learned the hour nobody knows whether it was written: they are judged by
 * what they learned, and loaded anew before the hour is closed. */
void close_abandon(struct engine *engine)
{
    struct closing *closing = engine->closing;
    if (!closing)
        return;
    for (size_t i = 0; i < closing->learned; i++)
        hosts_get(engine, &closing->total[i]->host)->loaded = false;
    if (closing->learned > 0)
        forget_notes(engine);
    engine->closed_hour = closing->closed_before;
    free(closing->total);
    free(closing);
    engine->closing = NULL;
    close_schedule(engine, engine->order.complete);
}

void close_resume(struct engine *engine)
{
    close_schedule(engine, engine->order.complete); /* what is past is due at the next look */
}

void close_fini(struct engine *engine)
{
    if (engine->closing)
        free(engine->closing->total);
    free(engine->closing);
    engine->closing = NULL;
    free(engine->changed);
}
