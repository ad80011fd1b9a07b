/* The connection: connect → AUTH → SELECT → the schema's number → ready; then requests and answers.
 *
 * Every way out is one of three. An error reply before ready, a broken connection, an answer that
 * makes no sense or none in time: the connection is dropped, `failed` is called once, what was
 * unanswered stays so. An error reply after ready: `failed` for that command, the connection stays.
 * store_free: nobody is called any more; hiredis still hands each callback a NULL reply, which
 * finds a request without a store.
 *
 * A callback of the caller's may free the store, so nothing touches it afterwards. hiredis' look-up
 * of a host's name waits for the resolver; give an address where that matters. The time-out counts
 * only while the loop turns: it must have passed at two ticks in a row, so that a process that was
 * stopped for a while does not blame the server. Thread: the engine's. */
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
    store->pending--;
}

static void free_request(struct store_request *request)
{
    if (request->walk)
        store_walk_release(request->walk);
    store_list_free(request->list);
    free(request->part);
    free(request);
}

void store_link_close(struct store *store)
{
    redisAsyncContext *redis = store->redis;
    for (struct store_request *request; (request = store->oldest) != NULL;) {
        unlink_request(store, request);
        request->store = NULL;
    }
    if (store->timer)
        store->loop.ops->drop(store->timer);
    store->timer = NULL;
    store->redis = NULL;
    if (redis) {
        redis->data = NULL;
        redisAsyncFree(redis);
    }
}

static void fail(struct store *store, const struct error *error)
{
    struct error told = *error; /* the store may go in the callback */
    store_link_close(store);
    store->events.failed(store->context, &told);
}

static void fail_link(struct store *store, int code, const char *text)
{
    struct error error = {0};
    store_error_link(&store->url, code, text, &error);
    fail(store, &error);
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
        fail(store, &error);
}

static void count_wait(struct store *store, const struct store_request *request)
{
    int64_t waited_ns = store->waiting.ns - request->sent.ns;
    size_t i = 0;
    while (i < STORE_WAITS && waited_ns > store_wait_ns[i])
        i++;
    store->waits.answers[i]++;
    store->waits.sum_ns += (uint64_t)waited_ns;
}

static void on_reply(redisAsyncContext *redis, void *data, void *privdata)
{
    struct store_request *request = privdata;
    const redisReply *reply = data;
    struct store *store = request->store;
    (void)redis;
    if (store) {
        unlink_request(store, request);
        store->waiting = wtime_now();
        store->overdue = false;
    }
    if (store && reply)
        count_wait(store, request);
    if (store && reply && reply->type == REDIS_REPLY_ERROR) {
        take_error(store, reply);
    } else if (store && reply && !request->answered(request, reply)) {
        struct error error = {0};
        error_set(&error, ERROR_RUN, "redis at %s: an answer to %s that makes no sense",
                  store->url.shown, request->command);
        fail(store, &error);
    }
    free_request(request);
}

void store_send(struct store_request *request, int argc, const char **argv, const size_t *size)
{
    struct store *store = request->store;
    if (!store->redis ||
        redisAsyncCommandArgv(store->redis, on_reply, request, argc, argv, size) != REDIS_OK) {
        free_request(request);
        return;
    }
    request->sent = wtime_now();
    if (store->pending++ == 0)
        store->waiting = request->sent;
    request->older = store->newest;
    *(store->newest ? &store->newest->newer : &store->oldest) = request;
    store->newest = request;
}

/* --- coming ----------------------------------------------------------------------------------- */

static void send_words(struct store_request *request, int argc, const char **argv)
{
    size_t size[9];
    for (int i = 0; i < argc; i++)
        size[i] = strlen(argv[i]);
    store_send(request, argc, argv, size);
}

static bool is_ok(struct store_request *request, const redisReply *reply)
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
        fail(store, &error);
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

static void introduce(struct store *store)
{
    char key[128], number[16];
    snprintf(key, sizeof key, "%s:schema", store->prefix);
    if (store->url.has_password) {
        const char *auth[3] = {"AUTH", store->url.user, store->url.password};
        if (!store->url.has_user)
            auth[1] = store->url.password;
        send_words(store_request_new(store, "AUTH", is_ok, NULL), store->url.has_user ? 3 : 2,
                   auth);
    }
    if (store->url.database > 0) {
        snprintf(number, sizeof number, "%u", store->url.database);
        const char *select[2] = {"SELECT", number};
        send_words(store_request_new(store, "SELECT", is_ok, NULL), 2, select);
    }
    if (store->read_only) {
        const char *get[2] = {"GET", key};
        send_words(store_request_new(store, "GET", check_schema, NULL), 2, get);
    } else {
        snprintf(number, sizeof number, "%d", STORE_SCHEMA);
        char fleet[STORE_KEY_SIZE];
        char name[STORE_KEY_SIZE], silent[24];
        snprintf(silent, sizeof silent, "%" PRId64, store->silent_ns / NS_PER_MS);
        const char *eval[9] = {"EVAL",
                               schema_script,
                               "3",
                               key,
                               store_fleet_key(store, fleet),
                               store_name_key(store, name),
                               number,
                               store->instance,
                               silent};
        send_words(store_request_new(store, "EVAL", check_schema, NULL), 9, eval);
    }
}

static void on_connect(const redisAsyncContext *redis, int status)
{
    struct store *store = redis->data;
    if (!store)
        return;
    if (status == REDIS_OK) {
        if (!store->url
                 .unix_socket) /* hiredis takes the refusal of a TCP option for a broken link */
            redisEnableKeepAlive(&store->redis->c);
        introduce(store);
        return;
    }
    store->redis->data = NULL;
    store->redis = NULL; /* hiredis frees it itself behind this callback */
    fail_link(store, redis->c.err, redis->c.errstr);
}

static void on_disconnect(const redisAsyncContext *redis, int status)
{
    struct store *store = redis->data;
    (void)status;
    if (!store)
        return;
    store->redis->data = NULL;
    store->redis = NULL;
    fail_link(store, redis->c.err ? redis->c.err : REDIS_ERR_EOF, redis->c.errstr);
}

static void on_tick(void *context)
{
    struct store *store = context;
    struct error error = {0};
    if (store->refused.code != ERROR_NONE) {
        fail(store, &store->refused);
        return;
    }
    bool waits = !store->ready || store->pending > 0;
    bool late = waits && wtime_now().ns - store->waiting.ns > store->timeout_ns / 8 * 7;
    if (!late || !store->overdue) {
        store->overdue = late;
        return;
    }
    error_set(&error, ERROR_RUN, "redis at %s: no answer within %.3g s (time-out)",
              store->url.shown, (double)store->timeout_ns / (double)NS_PER_S);
    fail(store, &error);
}

static int begin(struct store *store)
{
    const char *host = store->address ? store->address : store->url.host;
    if (!*host)
        return error_set(&store->refused, ERROR_RUN, "redis at %s: its name was not found",
                         store->url.shown);
    redisAsyncContext *redis = store->url.unix_socket ? redisAsyncConnectUnix(store->url.host)
                                                      : redisAsyncConnect(host, store->url.port);
    if (!redis)
        return error_set(&store->refused, ERROR_RUN, "redis at %s: no memory", store->url.shown);
    if (redis->err) {
        store_error_link(&store->url, redis->err, redis->errstr, &store->refused);
        redisAsyncFree(redis);
        return -1;
    }
    if (store_loop_attach(redis, store->loop) != 0) {
        redisAsyncFree(redis);
        return error_set(&store->refused, ERROR_RUN, "redis at %s: cannot be watched",
                         store->url.shown);
    }
    redis->data = store;
    store->redis = redis;
    redisAsyncSetConnectCallback(redis, on_connect);
    redisAsyncSetDisconnectCallback(redis, on_disconnect);
    return 0;
}

void store_link_open(struct store *store)
{
    store->waiting = wtime_now();
    int64_t interval_ns = begin(store) == 0 ? store->timeout_ns / 8 : NS_PER_MS;
    store->timer = store->loop.ops->timer(store->loop.loop, interval_ns, on_tick, store);
}
