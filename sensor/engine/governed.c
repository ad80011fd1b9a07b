/* See govern.h.
 *
 *   the profile is read → the audit's line → changed where it is still as read → dropped here
 *
 * Each step is answered, or the store is lost (governed_lost): before the change was sent nothing
 * happened; after, nobody knows, and what the engine holds of the host is dropped as if it had.
 * Bound: one at a time. Thread: the engine's. */
#include "weir/engine/govern.h"

#include "internal.h"
#include "memory.h"

#include "weir/base/buffer.h"
#include "weir/base/json.h"

#include <stdlib.h>
#include <time.h>

const char *const govern_verb_name[GOVERN_VERBS] = {"freeze", "thaw", "reset"};

struct governed {
    struct engine *engine;
    struct ip host;
    enum govern_verb verb;
    char *line; /* of the audit */
    void (*done)(void *context, enum govern_result result);
    void *context;
    bool written;              /* the change was sent to the store */
    bool settled;              /* … and `result` is known: what is held here is to be dropped */
    enum govern_result result; /* DONE, UNSURE */
};

static void free_one(struct governed *governed)
{
    free(governed->line);
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
    governed->done(governed->context, result);
    free_one(governed);
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
    if (!governed || governed->settled)
        return;
    if (governed->written)
        settle(governed, GOVERN_UNSURE);
    else
        end(governed, GOVERN_AWAY);
}

static void on_put(void *context, const struct ip *host, bool won)
{
    (void)host;
    if (won)
        settle(context, GOVERN_DONE);
    else
        end(context, GOVERN_OVERTAKEN);
}

static void on_removed(void *context, bool removed)
{
    if (removed)
        settle(context, GOVERN_DONE);
    else
        end(context, GOVERN_HELD);
}

static void set_frozen(struct governed *governed, struct store *store, const void *blob,
                       size_t size)
{
    struct error error = {0};
    struct buffer changed = {0};
    bool frozen = governed->verb == GOVERN_FREEZE;
    struct profile *profile = profile_unpack_of(&governed->host, blob, size, &error);
    if (!profile || profile->frozen == frozen) {
        end(governed, profile ? GOVERN_SAME : GOVERN_DAMAGED);
    } else {
        profile->frozen = frozen;
        profile_pack(profile, &changed);
        governed->written = true;
        store_put_audit(store, governed->line);
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
        governed->written = true;
        store_put_audit(store, governed->line);
        store_remove_host(store, host, false, on_removed, governed);
    } else {
        set_frozen(governed, store, blob, size);
    }
}

/* --- orders ----------------------------------------------------------------------------------- */

/* As `weir baseline` writes it. */
static char *audit_line(const struct govern_order *order)
{
    char at[32], text[IP_TEXT_SIZE];
    time_t now = time(NULL);
    struct tm utc;
    struct json *json = json_new();
    strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    json_open(json, NULL);
    json_str(json, "at", at);
    json_str(json, "who", order->who);
    json_str(json, "verb", govern_verb_name[order->verb]);
    json_str(json, "subject", ip_text(&order->host, text));
    if (order->reason && *order->reason)
        json_str(json, "reason", order->reason);
    json_close(json);
    char *line = json_take_text(json, 0);
    json_free(json);
    return line;
}

bool engine_govern(struct engine *engine, const struct govern_order *order, enum govern_result *why)
{
    struct store *store = memory_store(engine);
    if (!store || engine->governed || !changed_may(engine)) {
        *why = store ? GOVERN_LATER : GOVERN_AWAY;
        return false;
    }
    struct governed *governed = xcalloc(1, sizeof *governed);
    *governed = (struct governed){.engine = engine,
                                  .host = order->host,
                                  .verb = order->verb,
                                  .line = audit_line(order),
                                  .done = order->done,
                                  .context = order->context};
    engine->governed = governed;
    store_load_profile(store, &governed->host, on_profile, governed);
    return true;
}

void engine_govern_look(struct engine *engine)
{
    struct governed *governed = engine->governed;
    if (governed && governed->settled &&
        engine_memory_changed(engine, &governed->host, false) == ENGINE_CHANGED)
        end(governed, governed->result);
}
