/* Which request may go when, and to which server.
 *
 * To one server requests go as they come and are answered in that order. A cluster has many, which
 * do not know of each other's, so what must be behind something else waits here for its answer:
 *
 *   of a host     behind all that was asked before of keys that all share
 *   of all        behind everything that was asked before: totals are there when it is said that
 *                 they are, the hour's profiles before the hour is closed
 *   of a list     goes at once
 *   of the way    goes at once: the password, before what a connection was opened for; the map of
 *                 slots
 *   a copy        behind everything; with replicas it is a WAIT at each server that was written to,
 *                 and everything behind it waits: what a fail-over would lose is relied on by
 *                 nobody. Without replicas it is nothing. So it is with sentinels, too.
 *
 * What waits is sent in the order in which it came. Where nothing has to wait, and to one server
 * nothing has, this costs a comparison. Thread: the engine's. */
#include "store_link.h"
#include "store_words.h"
#include "weir/base/buffer.h"

#include <stdlib.h>

#define WAIT_MS  1000 /* for a second copy */
#define AGAIN_NS (50 * NS_PER_MS)

/* --- sending ---------------------------------------------------------------------------------- */

static struct store_node *node_of(const struct store *store, const struct store_request *request)
{
    if (request->node)
        return request->node;
    if (!store_is_cluster(store))
        return store->node[0];
    uint16_t at = store->slot ? store->slot[request->slot] : 0;
    return at ? store->node[at - 1] : NULL;
}

static void drop(struct store_request *request)
{
    store_queue_answered(request);
    store_request_free(request);
}

/* Nobody has the slot, or its server cannot be reached: found out on the loop, where it is told. */
static void lose(struct store *store, const struct error *error)
{
    if (store->refused.code == ERROR_NONE)
        store->refused = *error;
}

bool store_queue_go(struct store_request *request)
{
    struct store *store = request->store;
    struct store_node *node = node_of(store, request);
    struct error error = {0};
    if (!node)
        error_set(&error, ERROR_RUN, "redis at %s: slot %u of the cluster has no server",
                  store->url.shown, request->slot);
    else if (!node->redis)
        store_node_connect(node, &error);
    if (error.code != ERROR_NONE)
        lose(store, &error);
    if (error.code == ERROR_NONE && store_node_send(node, request))
        return true;
    drop(request);
    return false;
}

/* --- a second copy ---------------------------------------------------------------------------- */

static bool on_copied(struct store_request *request, const redisReply *reply)
{
    struct store *store = request->store;
    struct error error = {0};
    if (reply->type != REDIS_REPLY_INTEGER)
        return false;
    if (reply->integer > 0)
        return true;
    error_set(
        &error, ERROR_RUN,
        "redis at %s: no replica of %s:%u has what was written within %d ms: it would be lost "
        "with that server",
        store->url.shown, request->node->address, request->node->port, WAIT_MS);
    store_fail(store, &error);
    return true;
}

static void ask_copy(struct store_node *node)
{
    struct words words = {.count = 0};
    struct store_request *request = store_request_new(node->store, "WAIT", on_copied, NULL);
    request->node = node;
    request->scope = STORE_COPY;
    words_text(&words, "WAIT");
    words_number(&words, 1);
    words_number(&words, WAIT_MS);
    node->written = false;
    store_send(request, words.count, words.argv, words.size);
}

static bool has_replicas(const struct store *store)
{
    for (size_t i = 0; i < store->nodes; i++)
        if (store->node[i]->replicas > 0)
            return true;
    return false;
}

void store_copy(struct store *store)
{
    if (!has_replicas(store))
        return;
    struct store_request *request = store_request_new(store, "WAIT", on_copied, NULL);
    request->scope = STORE_COPY; /* without words: it becomes one for each server */
    store->pending++;
    store_queue_take(request);
}

static void spread(struct store_request *request)
{
    struct store *store = request->store;
    store->pending--;
    store_request_free(request);
    for (size_t i = 0; i < store->nodes; i++)
        if (store->node[i]->written && store->node[i]->replicas > 0)
            ask_copy(store->node[i]);
}

/* It is its turn. False: it could not be sent, and is no more. */
static bool begin(struct store_request *request)
{
    if (!request->bytes) {
        spread(request);
        return true;
    }
    request->store->under_way[request->scope]++;
    return store_queue_go(request);
}

/* --- whose turn it is ------------------------------------------------------------------------- */

static bool is_free(const struct store *store, const struct store_request *request)
{
    const size_t *busy = store->under_way;
    size_t others = busy[STORE_OF_HOST] + busy[STORE_OF_ALL] + busy[STORE_OF_LIST];
    if (request->scope == STORE_COPY)
        return others + busy[STORE_COPY] == 0;
    if (busy[STORE_COPY] > 0)
        return false;
    if (!store_is_cluster(store) || request->scope == STORE_OF_LIST || request->node)
        return true;
    if (request->scope == STORE_OF_HOST)
        return busy[STORE_OF_ALL] == 0;
    return busy[STORE_OF_HOST] + busy[STORE_OF_LIST] == 0;
}

static void hold(struct store_request *request)
{
    struct store *store = request->store;
    request->older = store->held_end;
    *(store->held_end ? &store->held_end->newer : &store->held) = request;
    store->held_end = request;
}

bool store_queue_take(struct store_request *request)
{
    struct store *store = request->store;
    bool copies = request->scope == STORE_COPY && request->bytes; /* its own kind may be there */
    bool introduces = request->node && !store->ready;
    if (request->at_once || copies || introduces || (!store->held && is_free(store, request)))
        return begin(request);
    hold(request);
    return true;
}

void store_queue_pump(struct store *store)
{
    struct store_request *request;
    while ((request = store->held) != NULL && is_free(store, request)) {
        store->held = request->newer;
        *(store->held ? &store->held->older : &store->held_end) = NULL;
        request->newer = request->older = NULL;
        begin(request);
    }
}

void store_queue_answered(struct store_request *request)
{
    request->store->under_way[request->scope]--;
    request->store->pending--;
}

/* --- again in a moment ------------------------------------------------------------------------ */

static void on_again(void *context)
{
    struct store *store = context;
    struct store_request *request = store->again, *next;
    store->again = NULL;
    store->loop.ops->drop(store->again_timer);
    store->again_timer = NULL;
    for (; request; request = next) {
        next = request->newer;
        request->newer = NULL;
        store_queue_go(request);
    }
}

/* In the order in which they came. They still count as under way: nothing overtakes them. */
void store_queue_again(struct store_request *request)
{
    struct store *store = request->store;
    struct store_request **end = &store->again;
    while (*end)
        end = &(*end)->newer;
    *end = request;
    if (!store->again_timer)
        store->again_timer = store->loop.ops->timer(store->loop.loop, AGAIN_NS, on_again, store);
}

static void free_all(struct store_request *request)
{
    for (struct store_request *next; request; request = next) {
        next = request->newer;
        store_request_free(request);
    }
}

void store_queue_close(struct store *store)
{
    if (store->again_timer)
        store->loop.ops->drop(store->again_timer);
    store->again_timer = NULL;
    free_all(store->again);
    free_all(store->held);
    store->again = store->held = store->held_end = NULL;
    for (size_t i = 0; i < STORE_SCOPES; i++)
        store->under_way[i] = 0;
    store->pending = 0;
}
