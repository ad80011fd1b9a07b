/* A replay's close: nobody shares its store, so it learns in its own memory.
 *
 *   the hour's hosts, sorted → its profile from memory, else from the store → learned, packed
 *
 * The store is where profiles go that memory has no room for, and where all of them are at the end
 * when they are kept (save.c): no totals, no lists, no lease. One that is asked for and not in
 * memory is judged by nobody now: it is learned and put back. CLOSE_WINDOW of them are asked for
 * ahead; hosts are learned in sorted order all the same, since the tables depend on it. Thread: the
 * engine's. */
#include "close.h"

#include "weir/base/buffer.h"

#include <stdlib.h>

static struct work *work_of(struct engine *engine)
{
    return &engine->closing->work;
}

static const struct host_total *total_at(struct engine *engine, size_t i)
{
    return totals_get(engine->totals, &work_of(engine)->host[i], work_of(engine)->hour);
}

/* A host that is not known never sent: it only received, which makes no profile. */
static bool is_away(struct engine *engine, size_t i)
{
    const struct host *host = hosts_get(engine, &work_of(engine)->host[i]);
    return host && !host->loaded;
}

static void keep(struct engine *engine, struct host *host, struct profile *profile, int64_t base,
                 const struct buffer *blob)
{
    if (host->loaded) {
        hosts_learned(engine, host, profile, blob->data, blob->size);
        return;
    }
    save_put(engine, &host->ip, base, profile->last_closed_hour, blob->data, blob->size);
    profile_free(profile);
}

/* Takes `profile`. One that already knows later hours (a baseline from after this capture) learns
 * nothing. */
static void learn(struct engine *engine, struct host *host, struct profile *profile)
{
    const struct work *work = work_of(engine);
    const struct host_total *total = total_at(engine, work->done);
    int64_t base = profile ? profile->last_closed_hour : STORE_NO_HOUR;
    struct buffer blob = {0};
    if (profile && base >= work->hour) {
        profile_free(profile);
        return;
    }
    if (!profile && total->pairs.count == 0)
        return;
    if (!profile)
        profile = profile_new(&host->ip, work->hour);
    engine->counts.hours_withheld += zoned_catch_up(engine, profile, &work->civil);
    profile_close_packed(profile, total, &work->civil, engine->fleet, &blob);
    keep(engine, host, profile, base, &blob);
    buffer_fini(&blob);
}

static void go(struct engine *engine);

/* Answers come in the order of the calls, and the host at hand is the first that is away. */
static void on_loaded(void *context, const struct ip *ip, const void *blob, size_t size)
{
    struct engine *engine = context;
    struct error error = {0};
    if (engine->finished || !engine->closing)
        return;
    struct profile *profile = blob ? profile_unpack_of(ip, blob, size, &error) : NULL;
    if (blob && !profile) {
        engine_fail(engine, &error);
        return;
    }
    learn(engine, hosts_get(engine, ip), profile);
    work_of(engine)->done++;
    go(engine);
}

static void ask_ahead(struct engine *engine)
{
    struct work *work = work_of(engine);
    if (work->asked < work->done)
        work->asked = work->done;
    for (; work->asked < work->count && work->asked < work->done + CLOSE_WINDOW; work->asked++)
        if (is_away(engine, work->asked))
            store_load_profile(engine->config.store, &work->host[work->asked], on_loaded, engine);
}

static void learn_held(struct engine *engine, size_t i)
{
    struct host *host = hosts_get(engine, &work_of(engine)->host[i]);
    if (host && (!host->blob || host->stored_hour < work_of(engine)->hour))
        learn(engine, host, hosts_open(engine, host));
}

static void go(struct engine *engine)
{
    struct work *work = work_of(engine);
    for (; work->done < work->count && !engine->finished; work->done++) {
        if (is_away(engine, work->done)) {
            ask_ahead(engine);
            return;
        }
        learn_held(engine, work->done);
    }
    if (engine->finished)
        return;
    if (work->count > 0) /* an hour without hosts leaves the tables as they are */
        fleet_apply(engine->fleet);
    close_through(engine, work->hour);
    close_end_work(engine);
}

static void list_own(struct engine *engine, int64_t hour)
{
    struct work *work = work_of(engine);
    struct host_total **total = totals_until(engine->totals, hour, &work->count);
    work->host = xcalloc(work->count + 1, sizeof *work->host);
    for (size_t i = 0; i < work->count; i++)
        work->host[i] = total[i]->host;
    free(total);
}

void close_learn_alone(struct engine *engine)
{
    list_own(engine, work_of(engine)->hour);
    go(engine);
}
