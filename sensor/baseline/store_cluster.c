/* A cluster: which server has which slots, and what to do when one says that it has moved.
 *
 *   every seed at once → CLUSTER SLOTS → the first answer that makes sense is the map → the schema
 *   MOVED    the slot is there from now on: sent there, and the whole map is asked for again
 *   ASK      the slot is on its way: sent there, this once
 *   TRYAGAIN some keys of the slot are on their way, or not there at all: sent again in 50 ms,
 *            until the slot has moved or the time-out is over
 *
 * CLUSTERDOWN, LOADING, a server that is gone: so is the store (store_link.c).
 *
 * A slot that moved to a server which followed the one that had it, by MOVED or by the map, is a
 * fail-over: what was answered before and not copied yet is lost, so the store is gone, too, for a
 * moment, and all that is open is said again. A slot that moves for another reason takes its keys
 * along.
 *
 * Nodes are addresses, at ports that the URL allows, of the family of its own: no walls let
 * anything else through, and no answer may send a sensor elsewhere. Thread: the engine's. */
#include "store_link.h"
#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <stdlib.h>
#include <string.h>

#define REDIRECTS_MAX 16

/* --- seeds ------------------------------------------------------------------------------------ */

static void ask(struct store_node *node)
{
    if (store_is_cluster(node->store))
        store_ask_slots(node);
    else
        store_ask_primary(node);
}

/* The i-th of the addresses that commas part; false: there is none. */
static bool seed_address(const struct store *store, size_t i, char *address, size_t room)
{
    const char *at = store->address ? store->address : store_url_seed(&store->url, i);
    for (size_t k = 0; store->address && k < i && at; k++)
        at = (at = strchr(at, ',')) != NULL ? at + 1 : NULL;
    size_t size = !at ? 0 : store->address ? strcspn(at, ",") : strlen(at);
    if (size == 0 || size >= room)
        return false;
    memcpy(address, at, size);
    address[size] = '\0';
    return true;
}

int store_find_way(struct store *store)
{
    char address[STORE_URL_MAX];
    size_t begun = 0;
    struct error error = {0};
    for (size_t i = 0; i < store->url.seeds; i++) {
        if (!seed_address(store, i, address, sizeof address))
            continue;
        struct store_node *node = store_node_add(store, address, store->url.seed_port[i]);
        node->seed = true;
        if (store_node_connect(node, &error) == 0) {
            begun++;
            ask(node);
        }
    }
    if (begun > 0)
        return 0;
    if (error.code == ERROR_NONE)
        error_set(&error, ERROR_RUN, "redis at %s: no name was found", store->url.shown);
    store->refused = error;
    return -1;
}

void store_seed_failed(struct store_node *node, const struct error *error)
{
    struct store *store = node->store;
    store_node_close(node);
    for (size_t i = 0; i < store->nodes; i++)
        if (store->node[i]->seed && store->node[i]->redis)
            return;
    if (!store->found)
        store_fail(store, error);
}

void store_drop_seeds(struct store *store)
{
    for (size_t i = 0; i < store->nodes; i++)
        if (store->node[i]->seed)
            store_node_close(store->node[i]);
}

/* --- the map ---------------------------------------------------------------------------------- */

/* Behind walls (store->address is known) there are sockets of one family only. */
static bool is_of_family(const struct store *store, const char *address)
{
    return !store->address || !*store->address || !*address ||
           !strchr(address, ':') == !strchr(store->address, ':');
}

bool store_may_connect(struct store *store, const struct slots_place *place, struct error *error)
{
    if (!store_url_allows(&store->url, place->port))
        error_set(error, ERROR_RUN,
                  "redis at %s: names a server at port %u, which redis.url does not: add ?ports=%u",
                  store->url.shown, place->port, place->port);
    else if (!is_of_family(store, place->address))
        error_set(error, ERROR_RUN,
                  "redis at %s: names a server at %s, of another address family than those of "
                  "redis.url: all of them must be of one",
                  store->url.shown, place->address);
    else
        return true;
    return false;
}

/* The node at a place that `said` told of; NULL: it must not, or there are too many. */
static struct store_node *node_at(struct store_node *said, struct slots_place *place)
{
    struct store *store = said->store;
    struct error error = {0};
    const char *address = *place->address ? place->address : said->address;
    struct store_node *node = store_node_of(store, address, place->port);
    if (!store_may_connect(store, place, &error)) {
        store->refused = error;
        return NULL;
    }
    return node ? node : store_node_add(store, address, place->port);
}

/* … where something is sent: what it was asked as a seed is kept. */
static struct store_node *server_at(struct store_node *said, struct slots_place *place)
{
    struct store_node *node = node_at(said, place);
    if (node)
        node->seed = false;
    return node;
}

static void note_taken_over(struct store *store, const struct store_node *by,
                            const struct store_node *from)
{
    if (store->refused.code == ERROR_NONE)
        error_set(&store->refused, ERROR_RUN,
                  "redis at %s: %s:%u has taken over from %s:%u: what is open is said again",
                  store->url.shown, by->address, by->port, from->address, from->port);
}

/* A slot of the range was the server's that `primary` followed. */
static bool has_taken_over(const struct store *store, const struct store_node *primary,
                           const struct slots_range *range)
{
    for (unsigned at = range->first; store->slot && primary->primary && at <= range->last; at++)
        if (store->slot[at] && store->node[store->slot[at] - 1] == primary->primary)
            return true;
    return false;
}

static bool take_range(struct store_node *said, struct slots_range *range, uint16_t *slot)
{
    struct store *store = said->store;
    struct store_node *primary = server_at(said, &range->primary);
    if (!primary)
        return false;
    size_t number = 0;
    while (store->node[number] != primary)
        number++;
    if (has_taken_over(store, primary, range))
        note_taken_over(store, primary, primary->primary);
    primary->primary = NULL;
    primary->replicas = range->replicas;
    for (unsigned i = 0; i < range->replicas; i++) {
        struct store_node *replica = node_at(said, &range->replica[i]);
        if (!replica)
            return false;
        replica->primary = primary;
    }
    for (unsigned at = range->first; at <= range->last; at++)
        slot[at] = (uint16_t)(number + 1);
    return true;
}

static bool take_map(struct store_node *said, const redisReply *reply)
{
    struct store *store = said->store;
    struct slots_range range;
    uint16_t *slot = xcalloc(SLOTS, sizeof *slot);
    bool taken = reply->type == REDIS_REPLY_ARRAY && reply->elements > 0;
    for (size_t i = 0; taken && i < reply->elements; i++)
        taken = slots_range_at(reply, i, &range) && take_range(said, &range, slot);
    if (taken) {
        free(store->slot);
        store->slot = slot;
    } else {
        free(slot);
    }
    return taken;
}

static bool on_slots(struct store_request *request, const redisReply *reply)
{
    struct store *store = request->store;
    bool first = !store->found;
    if (!first && request->seeks) /* another one was faster */
        return true;
    if (request->refreshes)
        store->refreshing = false;
    if (!take_map(request->node, reply)) {
        struct error error = store->refused;
        store->refused = (struct error){0};
        if (error.code == ERROR_NONE)
            error_set(&error, ERROR_RUN,
                      "redis at %s: its map of slots makes no sense, or names nodes by name "
                      "(cluster-preferred-endpoint-type ip)",
                      store->url.shown);
        store_fail(store, &error);
        return true;
    }
    if (first) {
        store->found = true;
        store_drop_seeds(store);
        store_introduce(store);
    }
    return true;
}

void store_ask_slots(struct store_node *node)
{
    const char *words[2] = {"CLUSTER", "SLOTS"};
    struct store_request *request = store_request_new(node->store, "CLUSTER", on_slots, NULL);
    request->node = node;
    request->scope = STORE_OF_LIST;
    request->at_once = true;
    request->seeks = !node->store->found;
    request->refreshes = node->store->found;
    store_send_words(request, 2, words);
}

/* --- redirections ----------------------------------------------------------------------------- */

static void refuse_move(struct store *store, const char *text)
{
    struct error error = {0};
    error_set(&error, ERROR_RUN,
              "redis at %s: sends a request nowhere, or round in circles (%.80s)", store->url.shown,
              text);
    if (store->refused.code == ERROR_NONE)
        store->refused = error;
}

static void note_moved(struct store_node *from, struct store_node *to, uint16_t slot)
{
    struct store *store = from->store;
    size_t number = 0;
    if (to->primary == from) {
        note_taken_over(store, to, from);
        return;
    }
    while (store->node[number] != to)
        number++;
    store->slot[slot] = (uint16_t)(number + 1);
    if (!store->refreshing) {
        store->refreshing = true;
        store_ask_slots(from);
    }
}

static bool follow(struct store_node *from, struct store_request *request, enum slots_move move,
                   uint16_t slot, struct slots_place *place, const char *text)
{
    struct store *store = request->store;
    struct store_node *to = server_at(from, place);
    if (!to || ++request->redirected > REDIRECTS_MAX || slot != request->slot) {
        refuse_move(store, text);
        return false;
    }
    request->asking = move == SLOTS_ASK;
    request->node = request->asking ? to : NULL;
    if (!request->asking)
        note_moved(from, to, slot);
    store_queue_go(request);
    return true;
}

bool store_redirect(struct store_node *from, struct store_request *request, const char *text)
{
    struct store *store = request->store;
    struct slots_place place;
    uint16_t slot;
    if (!store_is_cluster(store) || !store->slot)
        return false;
    if (strncmp(text, "TRYAGAIN", 8) == 0 &&
        wtime_now().ns - request->sent.ns < store->timeout_ns) {
        request->node = NULL;
        request->asking = false;
        request->redirected = 0;
        store_queue_again(request);
        return true;
    }
    enum slots_move move = slots_redirect(text, &slot, &place);
    if (move == SLOTS_BAD_MOVE)
        refuse_move(store, text);
    return (move == SLOTS_MOVED || move == SLOTS_ASK) &&
           follow(from, request, move, slot, &place, text);
}
