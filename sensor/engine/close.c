/* The engine and the store: loading hosts, publishing open totals, closing hours.
 *
 * An hour is closed CLOSE_AFTER_NS after its end, once, for all hosts in sorted order:
 *
 *   publish what changed → ask for the fleet's sum of each host's hour → learn it → write the
 * profile (compare-and-set) → when the last answer is in, apply the fleet tables and write them
 *
 * The store answers in the order of the calls, so hosts are learned in sorted order whatever
 * happens to be fast. Consumption pauses meanwhile. Thread: the engine's. */
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

/* --- loading --------------------------------------------------------------------------------- */

static void on_loaded(void *context, const struct ip *ip, const void *blob, size_t size)
{
    struct engine *engine = context;
    struct host *host = hosts_get(engine, ip);
    struct error error = {0};
    engine->waiting--;
    if (engine->finished)
        return;
    host->loaded = true;
    if (blob) {
        host->profile = profile_unpack(blob, size, &error);
        if (!host->profile) {
            engine_fail(engine, &error);
            return;
        }
        host->stored_hour = host->profile->last_closed_hour;
    }
    engine_resume(engine);
}

void close_load_host(struct engine *engine, struct host *host)
{
    engine->waiting++;
    store_load_profile(engine->config.store, &host->ip, on_loaded, engine);
}

/* --- publishing ------------------------------------------------------------------------------ */

void close_publish(struct engine *engine)
{
    size_t count;
    struct host_total **total = totals_until(engine->totals, INT64_MAX, &count);
    for (size_t i = 0; i < count; i++)
        store_put_open(engine->config.store, total[i]);
    free(total);
}

/* --- closing --------------------------------------------------------------------------------- */

void close_note_open(struct engine *engine, const struct civil *civil)
{
    int64_t due = civil->ends.ns + CLOSE_AFTER_NS;
    if (due < engine->next_close.ns)
        engine->next_close.ns = due;
}

bool close_due(const struct engine *engine, struct ptime now)
{
    return !engine->closing && now.ns >= engine->next_close.ns;
}

/* Hours and their starts: the calendar speaks of times, totals of ordinals. */
static struct civil civil_of_hour(struct engine *engine, int64_t hour, struct ptime near)
{
    struct civil civil = calendar_at(engine->config.calendar, near);
    while (civil.hour > hour)
        civil = calendar_at(engine->config.calendar, (struct ptime){civil.starts.ns - 1});
    return civil;
}

static void schedule_next(struct engine *engine, struct ptime now)
{
    size_t count;
    struct host_total **total = totals_until(engine->totals, INT64_MAX, &count);
    engine->next_close = PTIME_MAX;
    if (count > 0) {
        struct civil civil = civil_of_hour(engine, total[0]->hour, now);
        close_note_open(engine, &civil);
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
    schedule_next(engine, now);
    engine_resume(engine);
}

static void on_written(void *context, const struct ip *ip, bool won)
{
    struct engine *engine = context;
    (void)ip;
    (void)won; /* another sensor closed the hour first: its profile is as good as ours */
    engine->waiting--;
    if (!engine->finished && ++engine->closing->written == engine->closing->count)
        finish(engine);
}

static void on_summed(void *context, const struct ip *ip, int64_t hour, struct host_total *sum)
{
    struct engine *engine = context;
    struct closing *closing = engine->closing;
    if (engine->finished) { /* it failed: answers still come, nothing more is written */
        if (sum)
            host_total_free(sum);
        return;
    }
    struct host *host = hosts_get(engine, ip);
    const struct host_total *own = closing->total[closing->learned++];
    struct buffer blob = {0};
    if (closing->civil.hour != hour)
        closing->civil = civil_of_hour(engine, hour, closing->now);
    if (!host->profile)
        host->profile = profile_new(ip, hour);
    profile_catch_up(host->profile, hour - 1, engine->config.calendar);
    profile_close_hour(host->profile, sum ? sum : own, &closing->civil, engine->fleet);
    profile_pack(host->profile, &blob);
    store_put_profile(engine->config.store, ip, host->stored_hour, hour, blob.data, blob.size,
                      on_written, engine);
    host->stored_hour = hour;
    buffer_fini(&blob);
    if (sum)
        host_total_free(sum);
}

void close_hour(struct engine *engine, struct ptime now)
{
    struct civil civil =
        calendar_at(engine->config.calendar, (struct ptime){now.ns - CLOSE_AFTER_NS});
    struct closing *closing = xcalloc(1, sizeof *closing);
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
    for (size_t i = 0; i < closing->count; i++)
        store_sum_open(engine->config.store, &closing->total[i]->host, closing->total[i]->hour,
                       on_summed, engine);
}

void close_fini(struct engine *engine)
{
    if (engine->closing)
        free(engine->closing->total);
    free(engine->closing);
    engine->closing = NULL;
}
