/* Profiles that are not in memory, asked of the store.
 *
 * A replay waits for each: the same capture makes the same alerts however fast the store is. A live
 * engine goes on: until the answer is there the host is judged by what needs no past and, when that
 * takes longer than AWAITED_NS, by its peers; and when it is there, once more.
 *
 *   need → queue → asked (LOADS_UNDER_WAY at most) → answer came → in its place: logged, taken
 *
 * So that a restart comes to the same, an answer is taken only when every entry that was logged
 * before it is consumed, and is then an entry itself; from the log it is taken again at that place,
 * whatever the store knows by then. When an hour is closed of a host that is being loaded, the
 * close has its profile from the store, and the answer finds nobody waiting.
 *
 * Bounds: the queue is of hosts; answers wait only while an hour's close pauses. Thread: the
 * engine's. */
#include "checkpoint.h"
#include "internal.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define LOADS_UNDER_WAY 64 /* each an answer of at most PROFILE_PACKED_BYTES that may wait */

struct answer {
    struct answer *newer;
    struct ip host;
    bool there;
    size_t size;
    uint8_t blob[];
};

/* --- answers --------------------------------------------------------------------------------- */

/* Where it is asked for anew, the answer is of before the change. */
static void ask_again(struct engine *engine, struct host *host)
{
    host->changed = false;
    loads_need_later(engine, host);
}

void loads_take(struct engine *engine, struct host *host, const void *blob, size_t size)
{
    bool was_loading = host->loading;
    if (host->queued)
        list_remove(&engine->loads.queue, host, LIST_PACKED);
    host->queued = host->loading = host->changed = false;
    engine->counts.profiles_loaded += blob != NULL;
    hosts_set(engine, host, blob, size);
    if (was_loading)
        account_again(engine, host);
    if (!close_paused(engine)) /* which is asking for those that are here */
        cache_trim(engine);
}

static struct answer *take_oldest(struct loads *loads)
{
    struct answer *answer = loads->oldest;
    loads->oldest = answer->newer;
    if (!loads->oldest)
        loads->newest = NULL;
    loads->under_way--;
    return answer;
}

bool loads_take_answers(struct engine *engine)
{
    struct loads *loads = &engine->loads;
    bool some = loads->oldest != NULL;
    while (loads->oldest && !engine->finished) {
        struct answer *answer = take_oldest(loads);
        const void *blob = answer->there ? answer->blob : NULL;
        struct host *host = hosts_get(engine, &answer->host);
        if (host && host->loading && host->changed) {
            ask_again(engine, host);
        } else if (host && host->loading) {
            checkpoint_log_answer(engine, &answer->host, blob, answer->size);
            loads_take(engine, host, blob, answer->size);
        }
        free(answer);
    }
    loads_ask(engine);
    return some;
}

static void on_answer(void *context, const struct ip *ip, const void *blob, size_t size)
{
    struct engine *engine = context;
    struct loads *loads = &engine->loads;
    size_t bytes = blob ? size : 0;
    struct answer *answer = xcalloc(1, sizeof *answer + bytes);
    answer->host = *ip;
    answer->there = blob != NULL;
    answer->size = bytes;
    if (bytes > 0)
        memcpy(answer->blob, blob, bytes);
    *(loads->newest ? &loads->newest->newer : &loads->oldest) = answer;
    loads->newest = answer;
    engine_pump(engine);
}

/* --- asking ---------------------------------------------------------------------------------- */

void loads_ask(struct engine *engine)
{
    struct loads *loads = &engine->loads;
    struct store *store = memory_reader(engine);
    if (!store || checkpoint_replaying(engine)) /* the log has the answers */
        return;
    while (loads->queue.oldest && loads->under_way < LOADS_UNDER_WAY) {
        struct host *host = loads->queue.oldest;
        list_remove(&loads->queue, host, LIST_PACKED);
        host->queued = false;
        loads->under_way++;
        store_load_profile(store, &host->ip, on_answer, engine);
    }
}

void loads_need_later(struct engine *engine, struct host *host)
{
    host->loading = host->queued = true;
    list_add(&engine->loads.queue, host, LIST_PACKED);
}

static void go_on_without(struct engine *engine, struct host *host)
{
    if (host->loading || !memory_asks(engine))
        return;
    loads_need_later(engine, host);
    loads_ask(engine);
}

/* --- a replay waits -------------------------------------------------------------------------- */

static void on_awaited(void *context, const struct ip *ip, const void *blob, size_t size)
{
    struct engine *engine = context;
    engine->waiting--;
    if (engine->finished)
        return;
    loads_take(engine, hosts_get(engine, ip), blob, size);
    engine_pump(engine);
}

bool loads_need(struct engine *engine, struct host *host)
{
    if (host->loaded)
        return true;
    if (engine->config.live) {
        go_on_without(engine, host);
        return true;
    }
    engine->waiting++;
    store_load_profile(memory_store(engine), &host->ip, on_awaited, engine);
    return false;
}

/* --- the end --------------------------------------------------------------------------------- */

void loads_abandon(struct engine *engine)
{
    struct loads *loads = &engine->loads;
    for (struct host *host; (host = loads->queue.oldest) != NULL;) {
        list_remove(&loads->queue, host, LIST_PACKED);
        host->queued = false;
    }
    while (loads->oldest)
        free(take_oldest(loads));
    loads->under_way = 0;
}

void loads_fini(struct engine *engine)
{
    loads_abandon(engine);
}
