/* See govern.h.
 *
 *   the profile is read (to be reset: whether it is held) → the audit's line → changed where it is
 *   still as read → dropped here → read again → answered
 *
 * Each step is answered, or the store is lost (governed_lost): before the change was sent nothing
 * happened; after, nobody knows, which is said at once, and what the engine holds of the host is
 * dropped as if it had, when the store is back: until then there is no other. What was refused
 * behind its line in the audit has a second one that says so. Bounds: one at a time; READ_NS until
 * the changed profile is there to be shown. Thread: the engine's. */
#include "weir/engine/govern.h"

#include "internal.h"
#include "memory.h"

#include "weir/base/buffer.h"
#include "weir/base/json.h"

#include <stdlib.h>
#include <time.h>

#define READ_NS (2 * NS_PER_S) /* of wall time: it was changed however long that takes */

const char *const govern_verb_name[GOVERN_VERBS] = {"freeze", "thaw", "reset"};

struct governed {
    struct engine *engine;
    struct ip host;
    enum govern_verb verb;
    char *who, *reason;                                     /* NULL: none */
    void (*done)(void *context, enum govern_result result); /* NULL: it was answered */
    void *context;
    bool written;              /* the change was sent to the store */
    bool settled;              /* `result` is known: what is held here is to be dropped … */
    struct wtime dropped;      /* … since when it is; 0: not yet */
    enum govern_result result; /* DONE, SAME, OVERTAKEN, UNSURE */
};

static void free_one(struct governed *governed)
{
    free(governed->who);
    free(governed->reason);
    free(governed);
}

void governed_fini(struct engine *engine)
{
    if (engine->governed)
        free_one(engine->governed);
    engine->governed = NULL;
}

static void end(struct governed *governed, enum govern_result result)
{
    governed->engine->governed = NULL;
    if (governed->done)
        governed->done(governed->context, result);
    free_one(governed);
}

/* --- the audit -------------------------------------------------------------------------------- */

/* As `weir baseline` writes it. */
static void put_audit(const struct governed *governed, const char *verb, const char *reason)
{
    char at[32], text[IP_TEXT_SIZE];
    time_t now = time(NULL);
    struct tm utc;
    struct json *json = json_new();
    strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    json_open(json, NULL);
    json_str(json, "at", at);
    json_str(json, "who", governed->who);
    json_str(json, "verb", verb);
    json_str(json, "subject", ip_text(&governed->host, text));
    if (reason)
        json_str(json, "reason", reason);
    json_close(json);
    char *line = json_take_text(json, 0);
    store_put_audit(memory_store(governed->engine), line);
    free(line);
    json_free(json);
}

static void announce(struct governed *governed)
{
    governed->written = true;
    put_audit(governed, govern_verb_name[governed->verb], governed->reason);
}

/* The line before it says what was not done. */
static void put_refused(const struct governed *governed, const char *why)
{
    char *reason = xasprintf("%s: %s", govern_verb_name[governed->verb], why);
    put_audit(governed, "refused", reason);
    free(reason);
}

/* --- the store's answers ---------------------------------------------------------------------- */

static void settle(struct governed *governed, enum govern_result result)
{
    governed->settled = true;
    governed->result = result;
    engine_govern_look(governed->engine);
}

/* Its answers will not come any more. */
void governed_lost(struct engine *engine)
{
    struct governed *governed = engine->governed;
    if (!governed || !governed->done)
        return;
    if (!governed->settled && !governed->written) {
        end(governed, GOVERN_AWAY);
        return;
    }
    if (!governed->settled)
        governed->result = GOVERN_UNSURE;
    governed->settled = true;
    governed->done(governed->context, governed->result);
    governed->done = NULL;
}

static void on_put(void *context, const struct ip *host, bool won)
{
    (void)host;
    if (!won) /* what is held here is not what it was changed to, either */
        put_refused(context, "it was changed meanwhile");
    settle(context, won ? GOVERN_DONE : GOVERN_OVERTAKEN);
}

static void on_removed(void *context, bool removed)
{
    if (removed) {
        settle(context, GOVERN_DONE);
        return;
    }
    put_refused(context, "it is under hold");
    end(context, GOVERN_HELD);
}

static void on_hold(void *context, const void *why, size_t size)
{
    struct governed *governed = context;
    struct store *store = memory_store(governed->engine);
    (void)size;
    if (!store || why) {
        end(governed, store ? GOVERN_HELD : GOVERN_AWAY);
        return;
    }
    announce(governed);
    store_remove_host(store, &governed->host, false, on_removed, governed);
}

static void set_frozen(struct governed *governed, struct store *store, const void *blob,
                       size_t size)
{
    struct error error = {0};
    struct buffer changed = {0};
    bool frozen = governed->verb == GOVERN_FREEZE;
    struct profile *profile = profile_unpack_of(&governed->host, blob, size, &error);
    if (!profile) {
        end(governed, GOVERN_DAMAGED);
    } else if (profile->frozen == frozen) {
        settle(governed, GOVERN_SAME); /* somebody may have done it whom nobody told here */
    } else {
        profile->frozen = frozen;
        profile_pack(profile, &changed);
        announce(governed);
        store_replace_profile(store, &governed->host, blob, size, profile->last_closed_hour,
                              changed.data, changed.size, on_put, governed);
    }
    buffer_fini(&changed);
    profile_free(profile);
}

static void on_profile(void *context, const struct ip *host, const void *blob, size_t size)
{
    struct governed *governed = context;
    struct store *store = memory_store(governed->engine);
    if (!store) {
        end(governed, GOVERN_AWAY);
    } else if (!blob) {
        end(governed, GOVERN_UNKNOWN);
    } else if (governed->verb == GOVERN_RESET) {
        store_load_hold(store, host, on_hold, governed);
    } else {
        set_frozen(governed, store, blob, size);
    }
}

/* --- orders ----------------------------------------------------------------------------------- */

bool engine_govern(struct engine *engine, const struct govern_order *order, enum govern_result *why)
{
    struct store *store = memory_store(engine);
    engine_govern_look(engine); /* the one before may be done by now */
    if (!store || engine->governed || !changed_may(engine)) {
        *why = store ? GOVERN_LATER : GOVERN_AWAY;
        return false;
    }
    struct governed *governed = xcalloc(1, sizeof *governed);
    *governed =
        (struct governed){.engine = engine,
                          .host = order->host,
                          .verb = order->verb,
                          .who = xstrdup(order->who),
                          .reason = order->reason && *order->reason ? xstrdup(order->reason) : NULL,
                          .done = order->done,
                          .context = order->context};
    engine->governed = governed;
    store_load_profile(store, &governed->host, on_profile, governed);
    return true;
}

/* Of one that was dropped: whether the store's is here, or will not be so soon. */
static bool is_read(const struct governed *governed)
{
    const struct host *host = hosts_get(governed->engine, &governed->host);
    return !host || !host->loading || wtime_now().ns - governed->dropped.ns > READ_NS;
}

void governed_read(struct engine *engine)
{
    struct governed *governed = engine->governed;
    if (governed && governed->dropped.ns != 0 && (!governed->done || is_read(governed)))
        end(governed, governed->result);
}

void engine_govern_look(struct engine *engine)
{
    struct governed *governed = engine->governed;
    if (governed && governed->settled && governed->dropped.ns == 0 && memory_store(engine) &&
        engine_memory_changed(engine, &governed->host, false) == ENGINE_CHANGED)
        governed->dropped = wtime_now();
    governed_read(engine);
}
