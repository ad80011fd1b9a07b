/* A connection to one server. What becomes of it is told to store_link.c; nobody is told of one
 * that was closed from here. A callback may free the store, and with it the node.
 *
 * hiredis' look-up of a host's name waits for the resolver; give an address where that matters.
 * Thread: the engine's. */
#include "store_link.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define NODES_MAX (SLOTS_NODES + STORE_SEEDS)

struct store_node *store_node_add(struct store *store, const char *address, uint16_t port)
{
    if (store->nodes == NODES_MAX)
        return NULL;
    struct store_node *node = xcalloc(1, sizeof *node);
    node->store = store;
    node->address = xstrdup(address);
    node->port = port;
    node->waiting = wtime_now();
    store->node = xrealloc(store->node, (store->nodes + 1) * sizeof(struct store_node *));
    store->node[store->nodes++] = node;
    return node;
}

struct store_node *store_node_of(const struct store *store, const char *address, uint16_t port)
{
    for (size_t i = 0; i < store->nodes; i++)
        if (store->node[i]->port == port && strcmp(store->node[i]->address, address) == 0)
            return store->node[i];
    return NULL;
}

static void on_connect(const redisAsyncContext *redis, int status)
{
    struct store_node *node = redis->data;
    if (!node)
        return;
    if (status == REDIS_OK) {
        if (!node->store->url
                 .unix_socket) /* hiredis takes the refusal of a TCP option for a broken link */
            redisEnableKeepAlive(&node->redis->c);
        store_connected(node);
        return;
    }
    node->redis->data = NULL;
    node->redis = NULL; /* hiredis frees it itself behind this callback */
    store_disconnected(node, redis->c.err, redis->c.errstr);
}

static void on_disconnect(const redisAsyncContext *redis, int status)
{
    struct store_node *node = redis->data;
    (void)status;
    if (!node)
        return;
    node->redis->data = NULL;
    node->redis = NULL;
    store_disconnected(node, redis->c.err ? redis->c.err : REDIS_ERR_EOF, redis->c.errstr);
}

/* To the first word on a connection, before what it was opened for. */
static void authenticate(struct store_node *node)
{
    struct store *store = node->store;
    const char *auth[3] = {"AUTH", store->url.user, store->url.password};
    if (!store->url.has_password || (store->url.kind == STORE_SENTINEL && node->seed))
        return;
    if (!store->url.has_user)
        auth[1] = store->url.password;
    struct store_request *request = store_request_new(store, "AUTH", store_is_ok, NULL);
    request->node = node;
    request->at_once = true;
    store_send_words(request, store->url.has_user ? 3 : 2, auth);
}

int store_node_connect(struct store_node *node, struct error *error)
{
    struct store *store = node->store;
    redisAsyncContext *redis = store->url.unix_socket
                                   ? redisAsyncConnectUnix(node->address)
                                   : redisAsyncConnect(node->address, node->port);
    if (!redis)
        return error_set(error, ERROR_RUN, "redis at %s: no memory", store->url.shown);
    if (redis->err) {
        store_error_link(&store->url, redis->err, redis->errstr, error);
        redisAsyncFree(redis);
        return -1;
    }
    if (store_loop_attach(redis, store->loop) != 0) {
        redisAsyncFree(redis);
        return error_set(error, ERROR_RUN, "redis at %s: cannot be watched", store->url.shown);
    }
    redis->data = node;
    node->redis = redis;
    node->waiting = wtime_now();
    node->pending = 0; /* what an earlier connection did not answer */
    node->overdue = false;
    redisAsyncSetConnectCallback(redis, on_connect);
    redisAsyncSetDisconnectCallback(redis, on_disconnect);
    authenticate(node);
    return 0;
}

void store_node_close(struct store_node *node)
{
    redisAsyncContext *redis = node->redis;
    node->redis = NULL;
    if (redis) {
        redis->data = NULL;
        redisAsyncFree(redis);
    }
}
