/* The hosts that are known: every inside host that was ever worth a profile in this run, or that a
 * loaded baseline knows. Bounded by max_hosts; one beyond it is counted, not judged. What is kept
 * of each whatever happens is some 300 bytes; profiles are the cache's (cache.c). Thread: the
 * engine's. */
#include "internal.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <stdlib.h>

struct host *hosts_get(const struct engine *engine, const struct ip *ip)
{
    return map_get(&engine->hosts, ip, sizeof *ip);
}

struct host *hosts_add(struct engine *engine, const struct ip *ip)
{
    if (engine->hosts.count >= engine->config.max_hosts) {
        engine->counts.hosts_refused++;
        return NULL;
    }
    struct host *host = xcalloc(1, sizeof *host);
    host->ip = *ip;
    host->stored_hour = host->saved_hour = INT64_MIN;
    map_put(&engine->hosts, &host->ip, sizeof host->ip, host);
    host->number = (uint32_t)engine->hosts.count;
    again_met(engine, host);
    return host;
}

void engine_know_host(struct engine *engine, const struct ip *ip)
{
    if (!hosts_get(engine, ip))
        hosts_add(engine, ip); /* its profile is loaded when it first sends */
}

/* --- profiles -------------------------------------------------------------------------------- */

static void note(struct engine *engine, struct host *host, const struct profile *profile)
{
    host->hours = profile_hours(profile);
    host->ready = profile_state(profile, profile->last_closed_hour,
                                engine->config.detect.learn_days) != BASELINE_LEARNING;
}

/* Most records are of a day of which nothing can be told: leaving it out of the profile waits until
 * somebody asks for what is in there (hosts_turn). */
static const struct profile *turn_to(struct engine *engine, struct host *host,
                                     const struct civil *civil)
{
    struct hindsight *hindsight = engine->config.hindsight;
    weigh_set_budget(engine);
    bool same = host->ready && host->day == civil->day;
    if (!same) {
        host->profile = hindsight_known(hindsight, &host->ip);
        host->day = civil->day;
        host->ready = host->profile != NULL;
        host->waits = host->ready;
        host->hours = 0;
    }
    if (host->ready && hosts_may_tell(engine, host, civil->day))
        hosts_turn(engine, host);
    return host->profile;
}

bool hosts_may_tell(struct engine *engine, struct host *host, int64_t day)
{
    struct hindsight *hindsight = engine->config.hindsight;
    uint64_t turn = hindsight_answers(hindsight);
    if (host->asked.turn != turn || host->asked.day != day) {
        host->asked.may = hindsight_may_tell(hindsight, &host->ip, day);
        host->asked.day = day;
        host->asked.turn = turn;
    }
    return host->asked.may;
}

void hosts_turn(struct engine *engine, struct host *host)
{
    const struct civil civil = {.day = host ? host->day : 0};
    if (!engine->config.hindsight || !host || !host->profile)
        return;
    host->profile = hindsight_profile(engine->config.hindsight, &host->ip, &civil);
    if (host->waits)
        host->hours = profile_hours(host->profile);
    host->waits = false;
}

void hosts_turn_all(struct engine *engine)
{
    size_t position = 0;
    for (const struct map_entry *e; (e = map_next(&engine->hosts, &position)) != NULL;)
        hosts_turn(engine, e->value);
}

const struct profile *hosts_profile(struct engine *engine, struct host *host,
                                    const struct civil *civil)
{
    if (engine->config.hindsight)
        return turn_to(engine, host, civil);
    return host->blob ? cache_use(engine, host) : NULL;
}

enum baseline_state hosts_state(const struct engine *engine, const struct profile *profile,
                                int64_t hour)
{
    return engine->config.hindsight
               ? BASELINE_READY
               : profile_state(profile, hour, engine->config.detect.learn_days);
}

enum baseline_state hosts_state_then(const struct engine *engine, const struct host *host,
                                     int64_t hour)
{
    int learn_days = engine->config.detect.learn_days;
    if (!host->profile)
        return BASELINE_LEARNING;
    if (!engine->config.hindsight)
        return hosts_state(engine, host->profile, hour);
    int64_t since = hindsight_since(engine->config.hindsight, &host->ip);
    return hour - since < INT64_C(24) * learn_days ? BASELINE_LEARNING : BASELINE_READY;
}

/* The one that is judged by, where there is one: judging changes nothing in it, so it is what the
 * blob says. */
struct profile *hosts_open(struct engine *engine, struct host *host)
{
    struct error error = {0};
    struct profile *profile = cache_take_unpacked(engine, host);
    if (profile || !host->blob)
        return profile;
    profile = profile_unpack(host->blob, host->blob_size, &error);
    if (!profile)
        engine_fail(engine, &error);
    return profile;
}

/* A live engine's was put before. */
static void let_go_at_once(struct engine *engine, struct host *host, const void *blob, size_t size)
{
    if (!engine->config.live)
        save_profile(engine, host, blob, size);
    cache_drop(engine, host);
}

/* A host's first profile is kept if there is room: nobody else's has to go for it. What was learned
 * is judged by only as the blob says it, so that it does not matter who still had it in memory. */
void hosts_learned(struct engine *engine, struct host *host, struct profile *profile,
                   const void *blob, size_t size)
{
    note(engine, host, profile);
    host->stored_hour = profile->last_closed_hour;
    profile_free(profile);
    if (host->blob || cache_has_room(engine, size))
        cache_put(engine, host, blob, size);
    else
        let_go_at_once(engine, host, blob, size);
}

/* Of another build, or no profile at all: a live engine that ended for it would not get further the
 * next time either. */
void hosts_damaged(struct engine *engine, const struct error *error)
{
    if (!engine->config.live)
        engine_fail(engine, error);
    else if (engine->counts.profiles_damaged++ == 0)
        log_error("%s; such hosts are judged by their peers, and what is stored stays",
                  error->message);
}

void hosts_set(struct engine *engine, struct host *host, const void *blob, size_t size)
{
    struct error error = {0};
    cache_drop(engine, host);
    host->loaded = true;
    host->damaged = host->ready = false;
    host->hours = 0;
    host->stored_hour = host->saved_hour = INT64_MIN;
    if (!blob)
        return;
    struct profile *profile = profile_unpack_of(&host->ip, blob, size, &error);
    if (!profile) {
        host->damaged = true;
        hosts_damaged(engine, &error);
        return;
    }
    note(engine, host, profile);
    host->stored_hour = host->saved_hour = profile->last_closed_hour;
    cache_put(engine, host, blob, size);
    cache_put_unpacked(engine, host, profile);
}

void hosts_changed(struct engine *engine, const struct ip *ip)
{
    struct host *host = hosts_get(engine, ip);
    if (host && host->loading)
        host->changed = !host->queued;
    else if (host)
        cache_drop(engine, host);
}

void hosts_abandon(struct engine *engine)
{
    size_t position = 0;
    loads_abandon(engine);
    warm_abandon(engine);
    for (const struct map_entry *e; (e = map_next(&engine->hosts, &position)) != NULL;) {
        struct host *host = e->value;
        host->loading = host->changed = false;
    }
}

/* --- all of them ----------------------------------------------------------------------------- */

static void free_host(void *value)
{
    struct host *host = value;
    profile_free(host->profile);
    free(host->blob);
    free(host->claims);
    tie_cut(&host->whole);
    tie_cut(&host->total);
    weigh_free(host);
    free(host);
}

void hosts_fini(struct engine *engine)
{
    size_t position = 0;
    const struct map_entry *e;
    while (engine->config.hindsight && (e = map_next(&engine->hosts, &position)) != NULL)
        ((struct host *)e->value)->profile = NULL; /* its own */
    map_fini(&engine->hosts, free_host);
}

struct engine_history engine_history_of(const struct engine *engine)
{
    struct engine_history history = {0};
    size_t position = 0;
    for (const struct map_entry *e; (e = map_next(&engine->hosts, &position)) != NULL;) {
        const struct host *host = e->value;
        if (host->hours == 0)
            continue;
        history.hosts++;
        history.ready += host->ready;
        if (host->hours > history.longest_hours)
            history.longest_hours = host->hours;
    }
    return history;
}
