/* The store as one thing that is there or gone: its servers are found → the schema's number →
 * ready; then requests and answers.
 *
 * Every way out is one of three. An error reply before ready, a broken connection to a server that
 * is needed, an answer that makes no sense or none in time: all connections are dropped, `failed`
 * is called once, what was unanswered stays so. An error reply after ready: `failed` for that
 * command, the connections stay. store_free: nobody is called any more; hiredis still hands each
 * callback a NULL reply, which finds a request without a store.
 *
 * So a cluster of which one server dies is gone, as one server would be, until it is found again
 * with another in that place: whoever comes back to it says again all that was not closed yet, and
 * so what a fail-over loses is there again.
 *
 * A callback of the caller's may free the store, so nothing touches it afterwards. The time-out
 * counts only while the loop turns: it must have passed at two ticks in a row, so that a process
 * that was stopped for a while does not blame the server. Thread: the engine's. */
#include "store_link.h"
#include "weir/base/buffer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- going ------------------------------------------------------------------------------------ */

static void unlink_request(struct store *store, struct store_request *request)
{
    *(request->older ? &request->older->newer : &store->oldest) = request->newer;
    *(request->newer ? &request->newer->older : &store->newest) = request->older;
    request->older = request->newer = NULL;
}

void store_request_free(struct store_request *request)
{
    if (request->walk)
        store_walk_release(request->walk);
    store_list_free(request->list);
    free(request->part);
    free(request->bytes);
    free(request);
}

void store_link_close(struct store *store)
{
    for (struct store_request *request; (request = store->oldest) != NULL;) {
        unlink_request(store, request);
        request->store = NULL;
    }
    store_queue_close(store);
    if (store->timer)
        store->loop.ops->drop(store->timer);
    store->timer = NULL;
    for (size_t i = 0; i < store->nodes; i++) {
        store_node_close(store->node[i]);
        free(store->node[i]->address);
        free(store->node[i]);
    }
    free(store->node);
    free(store->slot);
    store->node = NULL;
    store->slot = NULL;
    store->nodes = 0;
}

void store_fail(struct store *store, const struct error *error)
{
    struct error told = *error; /* the store may go in the callback */
    store_link_close(store);
    store->events.failed(store->context, &told);
}

static void fail_link(struct store *store, int code, const char *text)
{
    struct error error = {0};
    store_error_link(&store->url, code, text, &error);
    store_fail(store, &error);
}

/* --- requests and answers --------------------------------------------------------------------- */

struct store_request *store_request_new(struct store *store, const char *command,
                                        bool (*answered)(struct store_request *request,
                                                         const redisReply *reply),
                                        void *context)
{
    struct store_request *request = xcalloc(1, sizeof *request);
    request->store = store;
    request->command = command;
    request->answered = answered;
    request->context = context;
    return request;
}

static void take_error(struct store *store, const redisReply *reply)
{
    struct error error = {0};
    bool writes = store_error_reply(&store->url, reply->str, &error);
    store->refuses_writes = writes;
    if (store->ready)
        store->events.failed(store->context, &error);
    else
        store_fail(store, &error);
}

static void count_wait(struct store *store, const struct store_request *request)
{
    int64_t waited_ns = wtime_now().ns - request->sent.ns;
    size_t i = 0;
    while (i < STORE_WAITS && waited_ns > store_wait_ns[i])
        i++;
    store->waits.answers[i]++;
    store->waits.sum_ns += (uint64_t)waited_ns;
}

static void take_answer(struct store_request *request, const redisReply *reply)
{
    struct store *store = request->store;
    struct error error = {0};
    if (reply->type == REDIS_REPLY_ERROR && request->refreshes)
        store->refreshing = false;
    if (reply->type == REDIS_REPLY_ERROR && request->seeks && store->found)
        return; /* another seed was faster; this one may be a node by now */
    if (reply->type == REDIS_REPLY_ERROR && request->node && request->node->seed) {
        store_error_reply(&store->url, reply->str, &error);
        store_seed_failed(request->node, &error);
    } else if (reply->type == REDIS_REPLY_ERROR) {
        take_error(store, reply);
    } else if (!request->answered(request, reply)) {
        error_set(&error, ERROR_RUN, "redis at %s: an answer to %s that makes no sense",
                  store->url.shown, request->command);
        store_fail(store, &error);
    }
}

static void on_reply(redisAsyncContext *redis, void *data, void *privdata)
{
    struct store_request *request = privdata;
    const redisReply *reply = data;
    struct store *store = request->store;
    struct store_node *node = redis->data;
    bool gone = false;
    if (!store || !reply) { /* the connection goes, which is told of by itself */
        if (store) {
            unlink_request(store, request);
            store_queue_answered(request);
        }
        store_request_free(request);
        return;
    }
    unlink_request(store, request);
    node->pending--;
    node->waiting = wtime_now();
    node->overdue = false;
    if (reply->type == REDIS_REPLY_ERROR && store_redirect(node, request, reply->str))
        return;
    count_wait(store, request);
    store_queue_answered(request);
    store->gone = &gone;
    take_answer(request, reply);
    store_request_free(request);
    if (gone)
        return;
    store->gone = NULL;
    store_queue_pump(store);
}

bool store_node_send(struct store_node *node, struct store_request *request)
{
    static const char asking[] = "*1\r\n$6\r\nASKING\r\n";
    struct store *store = node->store;
    if (!node->redis ||
        (request->asking && redisAsyncFormattedCommand(node->redis, NULL, NULL, asking,
                                                       sizeof asking - 1) != REDIS_OK) ||
        redisAsyncFormattedCommand(node->redis, on_reply, request, request->bytes, request->size) !=
            REDIS_OK)
        return false;
    struct wtime now = wtime_now();
    if (request->sent.ns == 0)
        request->sent = now;
    if (node->pending++ == 0)
        node->waiting = now;
    node->written = node->written || request->scope != STORE_COPY;
    request->older = store->newest;
    *(store->newest ? &store->newest->newer : &store->oldest) = request;
    store->newest = request;
    if (!store_is_cluster(store)) { /* nobody sends it elsewhere */
        free(request->bytes);
        request->bytes = NULL;
    }
    return true;
}

/* The first key of a command. Commands without one name their node, or belong to none. */
static void find_slot(struct store_request *request, int argc, const char **argv,
                      const size_t *size)
{
    const struct store *store = request->store;
    int key = strcmp(argv[0], "EVAL") == 0 ? 3 : 1;
    if (!store_is_cluster(store))
        return;
    request->slot = argc > key ? slots_of(argv[key], size[key]) : store->slot_of_all;
    if (request->scope == STORE_OF_HOST && request->slot == store->slot_of_all && !request->node)
        request->scope = STORE_OF_ALL;
}

bool store_send(struct store_request *request, int argc, const char **argv, const size_t *size)
{
    struct store *store = request->store;
    int bytes = store->nodes > 0 ? redisFormatCommandArgv(&request->bytes, argc, argv, size) : -1;
    if (bytes < 0) {
        store_request_free(request);
        return false;
    }
    request->size = (size_t)bytes;
    find_slot(request, argc, argv, size);
    store->pending++;
    return store_queue_take(request);
}

bool store_send_words(struct store_request *request, int argc, const char **argv)
{
    size_t size[9];
    for (int i = 0; i < argc; i++)
        size[i] = strlen(argv[i]);
    return store_send(request, argc, argv, size);
}

/* --- coming ----------------------------------------------------------------------------------- */

bool store_is_ok(struct store_request *request, const redisReply *reply)
{
    (void)request;
    return reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "OK") == 0;
}

static bool check_schema(struct store_request *request, const redisReply *reply)
{
    struct store *store = request->store;
    struct error error = {0};
    char *end = reply->str;
    if (reply->type == REDIS_REPLY_STRING) {
        unsigned long schema = strtoul(reply->str, &end, 10);
        if (end == reply->str || *end || schema == 0)
            error_set(
                &error, ERROR_RUN,
                "redis at %s: %s:schema is not a schema's number: is the prefix used by another "
                "program?",
                store->url.shown, store->prefix);
        else if (schema > STORE_SCHEMA)
            error_set(
                &error, ERROR_RUN,
                "redis at %s: written by a newer Weir (schema %lu, this one knows %d): update "
                "this sensor first",
                store->url.shown, schema, STORE_SCHEMA);
    } else if (reply->type != REDIS_REPLY_NIL) {
        return false;
    }
    if (error.code != ERROR_NONE) {
        store_fail(store, &error);
        return true;
    }
    store->ready = true;
    store->events.ready(store->context);
    return true;
}

/* Writing the number back, in one step with reading it, finds out at once whether the server takes
 * writes at all. What is not a number is left alone. Nor does who has another installation's
 * name write: two that wrote totals in one name would take each other's for their own. From schema
 * 1, where the fleet's tables were the key itself: they become a field. KEYS: schema, fleet, name.
 * ARGV: schema, instance, for how long the name is its own. */
static const char schema_script[] =
    "local have = redis.call('GET', KEYS[1])\n"
    "if have and (not tonumber(have) or tonumber(have) > tonumber(ARGV[1])) then\n"
    "  return have\n"
    "end\n"
    "if ARGV[2] ~= '' then\n"
    "  local holder = redis.call('GET', KEYS[3])\n"
    "  if holder and holder ~= ARGV[2] then\n"
    "    return redis.error_reply('NAMESAKE is at work')\n"
    "  end\n"
    "  redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])\n"
    "end\n"
    "if redis.call('TYPE', KEYS[2]).ok == 'string' then\n"
    "  local blob = redis.call('GET', KEYS[2])\n"
    "  redis.call('DEL', KEYS[2])\n"
    "  redis.call('HSET', KEYS[2], 'blob', blob)\n"
    "end\n"
    "redis.call('SET', KEYS[1], ARGV[1])\n"
    "return ARGV[1]";

static bool on_taken(struct store_request *request, const redisReply *reply)
{
    return store_take_count(reply, &request->store->taken);
}

/* What one server checks with every total, of a cluster's forgotten hosts (store_forget.c). */
static void ask_taken(struct store *store)
{
    char key[STORE_KEY_SIZE];
    const char *get[3] = {"HGET", store_taken_key(store, key), store->sensor};
    store_send_words(store_request_new(store, "HGET", on_taken, NULL), 3, get);
}

static void check_in(struct store *store)
{
    char key[STORE_KEY_SIZE], fleet[STORE_KEY_SIZE], name[STORE_KEY_SIZE], number[16], silent[24];
    snprintf(number, sizeof number, "%d", STORE_SCHEMA);
    snprintf(silent, sizeof silent, "%" PRId64, store->silent_ns / NS_PER_MS);
    const char *eval[9] = {"EVAL",
                           schema_script,
                           "3",
                           store_key(store, "schema", key),
                           store_fleet_key(store, fleet),
                           store_name_key(store, name),
                           number,
                           store->instance,
                           silent};
    store_send_words(store_request_new(store, "EVAL", check_schema, NULL), 9, eval);
}

void store_introduce(struct store *store)
{
    char key[STORE_KEY_SIZE], number[16];
    store->found = true;
    if (store->url.database > 0) {
        snprintf(number, sizeof number, "%u", store->url.database);
        const char *select[2] = {"SELECT", number};
        store_send_words(store_request_new(store, "SELECT", store_is_ok, NULL), 2, select);
    }
    if (store_is_cluster(store) && !store->read_only)
        ask_taken(store);
    const char *get[2] = {"GET", store_key(store, "schema", key)};
    if (store->read_only)
        store_send_words(store_request_new(store, "GET", check_schema, NULL), 2, get);
    else
        check_in(store);
}

void store_connected(struct store_node *node)
{
    if (node->store->url.kind == STORE_ALONE)
        store_introduce(node->store);
}

/* A server that has nothing to do with the store any more may leave. */
static bool is_needed(const struct store_node *node)
{
    const struct store *store = node->store;
    if (!store->slot || node->pending > 0)
        return true;
    for (size_t i = 0; i < SLOTS; i++)
        if (store->slot[i] && store->node[store->slot[i] - 1] == node)
            return true;
    return false;
}

void store_disconnected(struct store_node *node, int code, const char *text)
{
    struct error error = {0};
    if (node->seed) {
        store_error_link(&node->store->url, code, text, &error);
        store_seed_failed(node, &error);
    } else if (is_needed(node)) {
        fail_link(node->store, code, text);
    }
}

static bool is_late(struct store_node *node, int64_t timeout_ns)
{
    bool late = node->redis && (node->pending > 0 || !node->store->ready) &&
                wtime_now().ns - node->waiting.ns > timeout_ns / 8 * 7;
    bool twice = late && node->overdue;
    node->overdue = late;
    return twice;
}

static void on_tick(void *context)
{
    struct store *store = context;
    struct error error = {0};
    bool late = false;
    if (store->refused.code != ERROR_NONE) {
        store_fail(store, &store->refused);
        return;
    }
    for (size_t i = 0; i < store->nodes; i++)
        late |= is_late(store->node[i], store->timeout_ns);
    if (!late)
        return;
    error_set(&error, ERROR_RUN, "redis at %s: no answer within %.3g s (time-out)",
              store->url.shown, (double)store->timeout_ns / (double)NS_PER_S);
    store_fail(store, &error);
}

static int begin(struct store *store)
{
    if (store->url.unix_socket)
        return store_node_connect(store_node_add(store, store->url.host, 0), &store->refused);
    if (store->address && !*store->address)
        return error_set(&store->refused, ERROR_RUN, "redis at %s: its name was not found",
                         store->url.shown);
    if (store->url.kind != STORE_ALONE)
        return store_find_way(store);
    const char *host = store->address ? store->address : store->url.host;
    return store_node_connect(store_node_add(store, host, store->url.port), &store->refused);
}

void store_link_open(struct store *store)
{
    int64_t interval_ns = begin(store) == 0 ? store->timeout_ns / 8 : NS_PER_MS;
    store->timer = store->loop.ops->timer(store->loop.loop, interval_ns, on_tick, store);
}
