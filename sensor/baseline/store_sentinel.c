/* A primary behind sentinels: every sentinel is asked at once, the first that knows the name is
 * believed when the server it names says itself that it is a primary. While a fail-over is under
 * way nobody is, and the store is gone; whoever comes back asks again.
 *
 *   every sentinel at once → SENTINEL get-master-addr-by-name → connect → ROLE → the schema
 *
 * A primary that was cut off from its sentinels goes on taking writes until it hears of the new
 * one. So nothing is relied on that has no second copy (store_copy): it would be lost with it.
 * Sentinels are asked without a password, which is the primary's. Thread: the engine's. */
#include "store_link.h"

#include <string.h>

static bool on_role(struct store_request *request, const redisReply *reply)
{
    struct store *store = request->store;
    struct error error = {0};
    bool primary;
    unsigned replicas;
    if (!slots_role(reply, &primary, &replicas))
        return false;
    if (!primary) {
        error_set(&error, ERROR_RUN,
                  "redis at %s: %s:%u, which the sentinels name, is no primary (any more, or yet)",
                  store->url.shown, request->node->address, request->node->port);
        store_fail(store, &error);
        return true;
    }
    request->node->replicas = replicas;
    store_introduce(store);
    return true;
}

/* The sentinels are left, and the primary becomes the first node. */
static void go_to(struct store *store, const struct slots_place *place)
{
    struct error error = {0};
    const char *role[1] = {"ROLE"};
    struct store_node *node = store_node_add(store, place->address, place->port);
    store_drop_seeds(store);
    struct store_node *first = store->node[0];
    store->node[store->nodes - 1] = first;
    store->node[0] = node;
    if (store_node_connect(node, &error) != 0) {
        store->refused = error;
        return;
    }
    struct store_request *request = store_request_new(store, "ROLE", on_role, NULL);
    request->node = node;
    store_send_words(request, 1, role);
}

static bool on_primary(struct store_request *request, const redisReply *reply)
{
    struct store *store = request->store;
    struct slots_place place;
    struct error error = {0};
    if (store->found)
        return true;
    if (reply->type == REDIS_REPLY_NIL)
        error_set(&error, ERROR_RUN, "redis at %s: a sentinel knows no primary of that name",
                  store->url.shown);
    else if (!slots_primary(reply, &place))
        error_set(&error, ERROR_RUN,
                  "redis at %s: a sentinel names the primary by name, or makes no sense "
                  "(resolve-hostnames, announce-hostnames)",
                  store->url.shown);
    if (error.code == ERROR_NONE && store_may_connect(store, &place, &error)) {
        store->found = true;
        go_to(store, &place);
    } else {
        store_seed_failed(request->node, &error);
    }
    return true;
}

void store_ask_primary(struct store_node *node)
{
    const char *words[3] = {"SENTINEL", "get-master-addr-by-name", node->store->url.group};
    struct store_request *request = store_request_new(node->store, "SENTINEL", on_primary, NULL);
    request->node = node;
    store_send_words(request, 3, words);
}
