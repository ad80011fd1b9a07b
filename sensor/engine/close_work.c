/* The work of closing: learning an hour for all sensors, or taking what another one learned.
 *
 *   learn: list of the hour's hosts → gather each → learn → put → tables applied, put with the hour
 *   take:  tables → lists of the hours → of hosts that are held here, the profile if it changed
 *
 * Hosts are gone through in sorted order with CLOSE_WINDOW of them under way; the store answers in
 * the order of the calls, so they are learned in that order. Hosts that this sensor does not hold
 * are learned and let go. The tables are changed in place: when the lease was lost, or the store,
 * they are spoiled, and read from the store before the next hour. A profile that was put and not
 * closed is in the same case: gathering compares hours, and the one before it comes from the store.
 *
 * A replay has the store for itself (close_alone.c). Thread: the engine's. */
#include "checkpoint.h"
#include "close.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <stdlib.h>

static void go(struct engine *engine);

static bool is_working(const struct engine *engine)
{
    return !engine->finished && engine->closing && engine->closing->step == CLOSE_WORKING;
}

void close_end_work(struct engine *engine)
{
    struct work *work = &engine->closing->work;
    free(work->host);
    *work = (struct work){.count = 0};
    close_asks_again(engine);
}

static void lose(struct engine *engine)
{
    engine->fleet_spoiled = true;
    engine->counts.closes_lost++;
    close_end_work(engine);
}

/* `total`: all of that hour and before. */
static void let_go(struct engine *engine, int64_t hour, struct host_total *const *total,
                   size_t count)
{
    int64_t last = STORE_NO_HOUR;
    close_forget_changed(engine, hour);
    close_tell_of(engine, total, count);
    for (size_t i = 0; i < count; i++) {
        engine->counts.host_hours_closed += total[i]->sends;
        engine->counts.hours_closed += total[i]->hour != last;
        last = total[i]->hour;
        totals_drop(engine->totals, total[i]);
    }
}

void close_through(struct engine *engine, int64_t hour)
{
    size_t count;
    engine->fleet_hour = hour;
    engine->fleet_spoiled = false;
    if (hour > engine->closed_hour) /* others were faster: here that hour is still open */
        hour = engine->closed_hour;
    struct totals_passed passed = totals_end_passed(engine->totals, hour);
    engine->counts.host_hours_closed += passed.hosts;
    engine->counts.hours_closed += passed.hours;
    struct host_total **total = totals_until(engine->totals, hour, &count);
    let_go(engine, hour, total, count);
    free(total);
    cache_trim(engine);
    if (engine->checkpoint) /* what the store has now is what the snapshot has */
        engine->checkpoint->wanted = true;
}

/* --- cleaning --------------------------------------------------------------------------------- */

static void clean(struct engine *engine);

static void on_cleaned(void *context)
{
    struct engine *engine = context;
    if (!engine->cleaning)
        return;
    engine->cleaning->done++;
    clean(engine);
}

static void clean(struct engine *engine)
{
    struct cleaning *cleaning = engine->cleaning;
    while (cleaning->asked < cleaning->count && cleaning->asked - cleaning->done < CLOSE_WINDOW)
        store_clean_hour(engine->config.store, &cleaning->host[cleaning->asked++], cleaning->hour,
                         on_cleaned, engine);
    if (cleaning->done == cleaning->count)
        close_clean_fini(engine);
}

void close_clean_fini(struct engine *engine)
{
    if (engine->cleaning)
        free(engine->cleaning->host);
    free(engine->cleaning);
    engine->cleaning = NULL;
}

/* Takes the hosts. What is left of an hour before, when hours are closed one behind the other, is
 * left to the next closing of its hosts and to its expiry. */
static void begin_cleaning(struct engine *engine, int64_t hour, struct ip *host, size_t count)
{
    if (engine->cleaning || count == 0) {
        free(host);
        return;
    }
    engine->cleaning = xcalloc(1, sizeof *engine->cleaning);
    *engine->cleaning = (struct cleaning){.hour = hour, .host = host, .count = count};
    clean(engine);
}

/* --- learning --------------------------------------------------------------------------------- */

static void on_closed(void *context, enum store_put put)
{
    struct engine *engine = context;
    if (!is_working(engine))
        return;
    struct work *work = &engine->closing->work;
    if (put != STORE_PUT) {
        lose(engine);
        return;
    }
    engine->counts.hours_withheld += work->withheld;
    close_through(engine, work->hour);
    begin_cleaning(engine, work->hour, work->host, work->count);
    work->host = NULL;
    close_end_work(engine);
}

/* An hour without hosts leaves the tables as they are. */
static void put_tables(struct engine *engine)
{
    const struct work *work = &engine->closing->work;
    struct buffer blob = {0};
    if (work->count > 0) {
        fleet_apply(engine->fleet);
        fleet_pack(engine->fleet, &blob);
    }
    store_close_hour(engine->config.store, engine->fleet_hour, engine->fleet_edits, work->hour,
                     blob.data, blob.size, on_closed, engine);
    buffer_fini(&blob);
}

static void on_put(void *context, const struct ip *ip, enum store_put put)
{
    struct engine *engine = context;
    if (!is_working(engine))
        return;
    struct work *work = &engine->closing->work;
    if (put == STORE_PUT_LOST)
        work->lost = true;
    if (put == STORE_PUT_CHANGED) { /* by an operator: what he made of it stands */
        engine->counts.profiles_changed++;
        hosts_changed(engine, ip);
    }
    work->done++;
    go(engine);
}

static void put_profile(struct engine *engine, const struct store_gathered *gathered,
                        const struct buffer *blob)
{
    struct store_learned learned = {.host = gathered->host,
                                    .base = gathered->closed,
                                    .edits = gathered->edits,
                                    .hour = engine->closing->work.hour,
                                    .blob = blob->data,
                                    .size = blob->size};
    store_put_learned(engine->config.store, &learned, on_put, engine);
}

static bool is_held(const struct host *host)
{
    return host && host->loaded;
}

static bool is_wanted(const struct host *host)
{
    return host && (host->loaded || host->loading);
}

/* NULL: it was let go since it was asked for, or is damaged: then the engine failed. */
static struct profile *profile_of(struct engine *engine, struct host *host,
                                  const struct store_gathered *gathered)
{
    struct error error = {0};
    if (gathered->same)
        return hosts_open(engine, host);
    if (!gathered->blob)
        return profile_new(&gathered->host, engine->closing->work.hour);
    struct profile *profile =
        profile_unpack_of(&gathered->host, gathered->blob, gathered->size, &error);
    if (!profile)
        hosts_damaged(engine, &error);
    return profile;
}

/* What the engine holds of a host is as the store has it. One that is being loaded is here. */
static void hold(struct engine *engine, struct host *host, const struct store_gathered *gathered)
{
    if (!host || gathered->same)
        return;
    if (host->loading)
        loads_take(engine, host, gathered->blob, gathered->size);
    else if (host->loaded)
        hosts_set(engine, host, gathered->blob, gathered->size);
    host->stored_edits = gathered->edits;
}

static void learn_hour(struct engine *engine, struct host *host,
                       const struct store_gathered *gathered, struct profile *profile)
{
    struct buffer blob = {0};
    struct work *work = &engine->closing->work;
    const struct host_total *total = gathered->sum;
    if (!total)
        total = totals_get(engine->totals, &gathered->host, work->hour);
    work->withheld += zoned_catch_up(engine, profile, &work->civil);
    profile_close_packed(profile, total, &work->civil, engine->fleet, &blob);
    put_profile(engine, gathered, &blob);
    if (is_held(host)) {
        host->stored_edits = gathered->edits;
        hosts_learned(engine, host, profile, blob.data, blob.size);
    } else {
        profile_free(profile);
    }
    buffer_fini(&blob);
}

static void gather(struct engine *engine, const struct ip *ip);

/* Who has no profile gets one by sending: not by receiving from inside, and not when somebody
 * removed all there was of it since it was put on the hour's list. */
static bool is_nobody(const struct engine *engine, const struct store_gathered *gathered)
{
    const struct host_total *total = gathered->sum;
    if (!total)
        total = totals_get(engine->totals, &gathered->host, engine->closing->work.hour);
    return !gathered->same && !gathered->blob && (!total || total->pairs.count == 0);
}

/* A profile that already knows later hours (a baseline from after this capture) learns nothing, and
 * is not written. */
static void learn(struct engine *engine, const struct store_gathered *gathered)
{
    struct work *work = &engine->closing->work;
    struct host *host = hosts_get(engine, &gathered->host);
    if (gathered->closed != STORE_NO_HOUR && gathered->closed >= work->hour) {
        hold(engine, host, gathered);
        work->done++;
        return;
    }
    if (is_nobody(engine, gathered)) {
        work->done++;
        return;
    }
    if (host && host->loading) /* it was judged without: once more, before it learns */
        hold(engine, host, gathered);
    struct profile *profile = profile_of(engine, host, gathered);
    if (profile)
        learn_hour(engine, host, gathered, profile);
    else if (gathered->blob) /* damaged: what is stored stays as it is, nothing is learned */
        work->done++;
    else if (!engine->finished)
        gather(engine, &gathered->host);
}

/* --- taking ----------------------------------------------------------------------------------- */

static void take(struct engine *engine, const struct store_gathered *gathered)
{
    engine->closing->work.done++;
    hold(engine, hosts_get(engine, &gathered->host), gathered);
}

static void take_all_held(struct engine *engine)
{
    struct work *work = &engine->closing->work;
    size_t position = 0;
    work->host = xcalloc(engine->hosts.count, sizeof *work->host);
    for (const struct map_entry *e; (e = map_next(&engine->hosts, &position)) != NULL;)
        work->host[work->count++] = ((const struct host *)e->value)->ip;
    go(engine);
}

static void list_next(struct engine *engine);

static void on_listed(void *context, struct ip *hosts, size_t count)
{
    struct engine *engine = context;
    if (!is_working(engine)) {
        free(hosts);
        return;
    }
    struct work *work = &engine->closing->work;
    if (!work->taking) {
        work->host = hosts;
        work->count = count;
        go(engine);
        return;
    }
    work->host = xrealloc(work->host, (work->count + count + 1) * sizeof *work->host);
    for (size_t i = 0; i < count; i++)
        if (is_wanted(hosts_get(engine, &hosts[i])))
            work->host[work->count++] = hosts[i];
    free(hosts);
    list_next(engine);
}

static void list_next(struct engine *engine)
{
    struct work *work = &engine->closing->work;
    if (work->next_list > work->hour)
        go(engine);
    else
        store_list_hour(engine->config.store, work->next_list++, on_listed, engine);
}

static void on_fleet(void *context, const struct store_fleet *read)
{
    struct engine *engine = context;
    struct error error = {0};
    if (!is_working(engine))
        return;
    struct fleet *fleet = read->blob ? fleet_unpack(read->blob, read->size, &error) : fleet_new();
    if (!fleet) {
        memory_distrust(engine, &error);
        return;
    }
    fleet_free(engine->fleet);
    engine->fleet = fleet;
    engine->fleet_edits = read->edits;
    int64_t closed = engine->closing->work.hour = read->closed;
    int64_t from = engine->fleet_hour;
    if (from == STORE_NO_HOUR || closed < from || closed - from > STORE_LISTS_KEPT) {
        take_all_held(engine);
        return;
    }
    engine->closing->work.next_list = from + 1;
    list_next(engine);
}

void close_take(struct engine *engine, int64_t closed)
{
    engine->closing->work = (struct work){.taking = true, .hour = closed};
    store_read_fleet(engine->config.store, on_fleet, engine);
}

/* --- both ------------------------------------------------------------------------------------- */

static void on_gathered(void *context, const struct store_gathered *gathered)
{
    struct engine *engine = context;
    if (is_working(engine)) {
        if (engine->closing->work.taking)
            take(engine, gathered);
        else
            learn(engine, gathered);
    }
    host_total_free(gathered->sum);
    if (is_working(engine))
        go(engine);
}

static void gather(struct engine *engine, const struct ip *ip)
{
    const struct work *work = &engine->closing->work;
    const struct host *host = hosts_get(engine, ip);
    bool held = is_held(host) && host->blob;
    store_gather(engine->config.store, ip, work->taking ? STORE_NO_HOUR : work->hour,
                 held ? host->stored_hour : STORE_NO_HOUR, held ? host->stored_edits : 0,
                 on_gathered, engine);
}

static void go(struct engine *engine)
{
    struct work *work = &engine->closing->work;
    while (!work->lost && work->asked < work->count && work->asked - work->done < CLOSE_WINDOW) {
        gather(engine, &work->host[work->asked++]);
        if (!work->taking && work->asked % CLOSE_KEEP == 0)
            store_keep_lease(engine->config.store);
    }
    if (work->done < work->asked || (!work->lost && work->asked < work->count))
        return;
    if (work->lost) {
        lose(engine);
    } else if (work->taking) {
        close_through(engine, work->hour);
        close_end_work(engine);
    } else {
        put_tables(engine);
    }
}

/* What is known is known already: only the day's sums go on, which rules ask for, too. */
static void close_in_hindsight(struct engine *engine, const struct civil *civil)
{
    size_t count;
    struct host_total **total = totals_until(engine->totals, civil->hour, &count);
    for (size_t i = 0; i < count; i++)
        hindsight_close(engine->config.hindsight, total[i], civil, engine->config.rules != NULL);
    free(total);
    if (engine->again.passes_records)
        hindsight_pass(engine->config.hindsight, civil->hour);
    close_through(engine, civil->hour);
    close_end_work(engine);
}

void close_learn(struct engine *engine, int64_t hour)
{
    struct closing *closing = engine->closing;
    closing->work = (struct work){.hour = hour, .civil = close_civil(engine, hour, closing->now)};
    weigh_set_budget(engine);
    if (engine->config.hindsight) {
        close_in_hindsight(engine, &closing->work.civil);
        return;
    }
    if (engine->config.live) {
        store_list_hour(engine->config.store, hour, on_listed, engine);
        return;
    }
    if (engine_only_gathers(engine) && !engine->config.keep_profiles) {
        close_through(engine, hour);
        close_end_work(engine);
        return;
    }
    close_learn_alone(engine);
}
