/* See govern.h.
 *
 *   the profile is read → the audit's line → changed where it is still as read → dropped here
 *
 * A store that goes answers nothing: who waits longer than GOVERN_NS is given up, and kept until
 * the engine ends, since its answer may come. Thread: the engine's. */
#include "weir/engine/govern.h"

#include "internal.h"
#include "memory.h"

#include "weir/base/buffer.h"
#include "weir/base/json.h"

#include <stdlib.h>
#include <time.h>

#define GOVERN_NS (10 * NS_PER_S) /* wall time */

const char *const govern_verb_name[GOVERN_VERBS] = {"freeze", "thaw", "reset"};

struct governed {
    struct governed *older; /* that were given up */
    struct engine *engine;
    struct ip host;
    enum govern_verb verb;
    char *line; /* of the audit */
    void (*done)(void *context, enum govern_result result);
    void *context;
    struct wtime began;
    bool changed; /* in the store */
};

static void free_one(struct governed *governed)
{
    free(governed->line);
    free(governed);
}

void governed_fini(struct engine *engine)
{
    for (struct governed *next; engine->governed_up; engine->governed_up = next) {
        next = engine->governed_up->older;
        free_one(engine->governed_up);
    }
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

static bool is_given_up(const struct governed *governed)
{
    return governed->engine->governed != governed;
}

static void tell(struct governed *governed)
{
    governed->changed = true;
    engine_govern_look(governed->engine);
}

static void on_put(void *context, const struct ip *host, bool won)
{
    struct governed *governed = context;
    (void)host;
    if (is_given_up(governed))
        return;
    if (won)
        tell(governed);
    else
        end(governed, GOVERN_OVERTAKEN);
}

static void on_removed(void *context, bool removed)
{
    struct governed *governed = context;
    if (is_given_up(governed))
        return;
    if (removed)
        tell(governed);
    else
        end(governed, GOVERN_HELD);
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
    if (is_given_up(governed))
        return;
    struct store *store = memory_store(governed->engine);
    if (!store) {
        end(governed, GOVERN_AWAY);
    } else if (!blob) {
        end(governed, GOVERN_UNKNOWN);
    } else if (governed->verb == GOVERN_RESET) {
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

/* Whether there is room for another. One whose change is in the store is not given up: what the
 * engine holds is still to be dropped. */
static bool make_room(struct engine *engine)
{
    struct governed *one = engine->governed;
    if (!one)
        return true;
    if (one->changed || wtime_now().ns - one->began.ns < GOVERN_NS)
        return false;
    one->older = engine->governed_up;
    engine->governed_up = one;
    engine->governed = NULL;
    return true;
}

bool engine_govern(struct engine *engine, const struct govern_order *order, enum govern_result *why)
{
    struct store *store = memory_store(engine);
    if (!store || !make_room(engine) || !changed_may(engine)) {
        *why = store ? GOVERN_LATER : GOVERN_AWAY;
        return false;
    }
    struct governed *governed = xcalloc(1, sizeof *governed);
    *governed = (struct governed){.engine = engine,
                                  .host = order->host,
                                  .verb = order->verb,
                                  .line = audit_line(order),
                                  .done = order->done,
                                  .context = order->context,
                                  .began = wtime_now()};
    engine->governed = governed;
    store_load_profile(store, &governed->host, on_profile, governed);
    return true;
}

void engine_govern_look(struct engine *engine)
{
    struct governed *governed = engine->governed;
    if (governed && governed->changed &&
        engine_memory_changed(engine, &governed->host, false) == ENGINE_CHANGED)
        end(governed, GOVERN_DONE);
}
