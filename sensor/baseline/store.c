/* The store: opening it, its keys, profiles and fleet tables as commands. Open totals are in
 * store_totals.c, the closing of hours in store_close.c and store_learn.c, walks over all keys in
 * store_walk.c, the connection in store_link.c. The keys are in the header.
 *
 * A profile is set only when the stored one is the one that was read, which is a script, because it
 * must be one step on the server. Scripts are sent with EVAL, not EVALSHA: one that the server had
 * forgotten would have to be sent again behind commands that rely on it (the sum behind the put),
 * and the engine counts on the order of the calls. Thread: the engine's. */
#include "store_link.h"
#include "store_words.h"
#include "weir/base/buffer.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_MAX_SIZE 200
#define TIMEOUT_NS    (5 * NS_PER_S)
#define HOUR_LIMIT    INT64_C(2500000) /* the year 2255: as a time it is still one */
#define RETENTION_S   (INT64_C(400) * 24 * 60 * 60)

/* --- opening ---------------------------------------------------------------------------------- */

static bool is_prefix(const char *text)
{
    return strlen(text) >= 1 && strlen(text) <= 64 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
               strlen(text);
}

static bool is_name(const char *text)
{
    return *text && strlen(text) <= NAME_MAX_SIZE && !strchr(text, '|');
}

static int check_names(const struct store_config *config, struct error *error)
{
    if (!is_prefix(config->prefix))
        return error_set(error, ERROR_USAGE,
                         "redis prefix \"%s\": expected 1 to 64 letters, digits, . _ -",
                         config->prefix);
    if (!config->sensor || !is_name(config->sensor))
        return error_set(error, ERROR_USAGE, "sensor.name \"%s\": expected a name without |",
                         config->sensor ? config->sensor : "");
    if (config->vantage && *config->vantage && !is_name(config->vantage))
        return error_set(error, ERROR_USAGE, "vantage \"%s\": expected a name without |",
                         config->vantage);
    return 0;
}

static int64_t or_default(int64_t value, int64_t otherwise)
{
    return value > 0 ? value : otherwise;
}

static uint16_t slot_of_all(const struct store *store)
{
    char key[STORE_KEY_SIZE];
    store_key(store, "", key);
    return slots_of(key, strlen(key));
}

struct store *store_open(const struct store_config *config, struct loop_ref loop,
                         const struct store_events *events, void *context, struct error *error)
{
    struct store *store = xcalloc(1, sizeof *store);
    if (store_url_parse(config->url, &store->url, error) != 0 || check_names(config, error) != 0) {
        free(store);
        return NULL;
    }
    store->prefix = xstrdup(config->prefix);
    store->sensor = xstrdup(config->sensor);
    store->vantage =
        xstrdup(config->vantage && *config->vantage ? config->vantage : config->sensor);
    store->address = config->address && !store->url.unix_socket ? xstrdup(config->address) : NULL;
    store->token = xasprintf("%s %" PRId64 " %d", config->sensor, wtime_now().ns, (int)getpid());
    store->instance = xstrdup(config->instance ? config->instance : "");
    store->read_only = config->read_only;
    store->timeout_ns = or_default(config->timeout_ns, TIMEOUT_NS);
    store->retention_s = or_default(config->retention_s, RETENTION_S);
    store->silent_ns = or_default(config->silent_ns, STORE_SILENT_NS);
    store->wait_ns = or_default(config->wait_ns, STORE_WAIT_NS);
    store->lease_ns = or_default(config->lease_ns, STORE_LEASE_NS);
    store->loop = loop;
    store->events = *events;
    store->context = context;
    store->copied = INT64_MIN;
    store->slot_of_all = slot_of_all(store);
    store_link_open(store);
    return store;
}

void store_free(struct store *store)
{
    if (!store)
        return;
    if (store->gone)
        *store->gone = true;
    store_link_close(store);
    free(store->prefix);
    free(store->sensor);
    free(store->vantage);
    free(store->address);
    free(store->token);
    free(store->instance);
    free(store);
}

bool store_is_lost(const struct store *store)
{
    return !store->timer;
}

bool store_refuses_writes(const struct store *store)
{
    return store->refuses_writes;
}

const int64_t store_wait_ns[STORE_WAITS] = {NS_PER_MS,       5 * NS_PER_MS,   25 * NS_PER_MS,
                                            100 * NS_PER_MS, 500 * NS_PER_MS, 5 * NS_PER_S};

const struct store_waits *store_waits_of(const struct store *store)
{
    return &store->waits;
}

size_t store_pending(const struct store *store)
{
    return store->pending;
}

/* --- keys ------------------------------------------------------------------------------------- */

char *store_profile_key(const struct store *store, const struct ip *host, char *key)
{
    char text[IP_TEXT_SIZE];
    snprintf(key, STORE_KEY_SIZE, "%s:{%s}:profile", store->prefix, ip_text(host, text));
    return key;
}

char *store_open_key(const struct store *store, const struct ip *host, int64_t hour, char *key)
{
    char text[IP_TEXT_SIZE];
    snprintf(key, STORE_KEY_SIZE, "%s:{%s}:open:%" PRId64, store->prefix, ip_text(host, text),
             hour);
    return key;
}

char *store_key(const struct store *store, const char *name, char *key)
{
    const char *form = store_is_cluster(store) ? "{%s}:%s" : "%s:%s";
    snprintf(key, STORE_KEY_SIZE, form, store->prefix, name);
    return key;
}

char *store_hour_key(const struct store *store, int64_t hour, char *key)
{
    char name[32];
    snprintf(name, sizeof name, "hour:%" PRId64, hour);
    return store_key(store, name, key);
}

char *store_fleet_key(const struct store *store, char *key)
{
    return store_key(store, "fleet", key);
}

char *store_closer_key(const struct store *store, char *key)
{
    return store_key(store, "closer", key);
}

char *store_name_key(const struct store *store, char *key)
{
    store_key(store, "name:", key);
    strncat(key, store->sensor, NAME_MAX_SIZE);
    return key;
}

char *store_hold_key(const struct store *store, const struct ip *host, char *key)
{
    char text[IP_TEXT_SIZE];
    snprintf(key, STORE_KEY_SIZE, "%s:{%s}:hold", store->prefix, ip_text(host, text));
    return key;
}

char *store_forgotten_key(const struct store *store, char *key)
{
    return store_key(store, "forgotten", key);
}

char *store_taken_key(const struct store *store, char *key)
{
    return store_key(store, "taken", key);
}

char *store_gone_key(const struct store *store, const struct ip *host, char *key)
{
    char text[IP_TEXT_SIZE];
    snprintf(key, STORE_KEY_SIZE, "%s:{%s}:forgotten", store->prefix, ip_text(host, text));
    return key;
}

/* Nothing there: INT64_MIN. */
static bool take_number(const redisReply *reply, int64_t limit, int64_t *number)
{
    char *end;
    *number = INT64_MIN;
    if (reply->type == REDIS_REPLY_NIL || (reply->type == REDIS_REPLY_STRING && reply->len == 0))
        return true;
    if (reply->type != REDIS_REPLY_STRING)
        return false;
    errno = 0;
    *number = strtoll(reply->str, &end, 10);
    return errno == 0 && end == reply->str + reply->len && *number > -limit && *number < limit;
}

bool store_take_hour(const redisReply *reply, int64_t *hour)
{
    return take_number(reply, HOUR_LIMIT, hour);
}

bool store_take_count(const redisReply *reply, uint64_t *count)
{
    int64_t number;
    if (!take_number(reply, INT64_MAX, &number))
        return false;
    *count = number > 0 ? (uint64_t)number : 0;
    return number >= 0 || number == INT64_MIN;
}

/* --- profiles and fleet tables ---------------------------------------------------------------- */

static bool is_blob(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_NIL;
}

static bool on_loaded(struct store_request *request, const redisReply *reply)
{
    if (!is_blob(reply))
        return false;
    bool there = reply->type == REDIS_REPLY_STRING;
    request->done.host(request->context, &request->host, there ? reply->str : NULL,
                       there ? reply->len : 0);
    return true;
}

void store_load_profile(struct store *store, const struct ip *host,
                        void (*done)(void *context, const struct ip *host, const void *blob,
                                     size_t size),
                        void *context)
{
    char key[STORE_KEY_SIZE];
    const char *argv[3] = {"HGET", store_profile_key(store, host, key), "blob"};
    size_t size[3] = {4, strlen(key), 4};
    struct store_request *request = store_request_new(store, "HGET", on_loaded, context);
    request->done.host = done;
    request->host = *host;
    store_send(request, 3, argv, size);
}

static bool on_fleet(struct store_request *request, const redisReply *reply)
{
    if (!is_blob(reply))
        return false;
    bool there = reply->type == REDIS_REPLY_STRING;
    request->done.blob(request->context, there ? reply->str : NULL, there ? reply->len : 0);
    return true;
}

/* A store that only a reader knows may still be of schema 1, where the tables are the key itself.
 */
static const char fleet_script[] =
    "if redis.call('TYPE', KEYS[1]).ok == 'string' then return redis.call('GET', KEYS[1]) end\n"
    "return redis.call('HGET', KEYS[1], 'blob')";

void store_load_fleet(struct store *store,
                      void (*done)(void *context, const void *blob, size_t size), void *context)
{
    char key[STORE_KEY_SIZE];
    const char *argv[4] = {"EVAL", fleet_script, "1", store_fleet_key(store, key)};
    size_t size[4] = {4, sizeof fleet_script - 1, 1, strlen(key)};
    struct store_request *request = store_request_new(store, "EVAL", on_fleet, context);
    request->done.blob = done;
    store_send(request, 4, argv, size);
}

/* Not a closer's (store_learn.c): so it counts as an edit, and an hour that is being closed does
 * not go back behind it. */
static const char swap_script[] =
    "if (redis.call('HGET', KEYS[1], 'closed') or 'none') ~= ARGV[1] then return 0 end\n"
    "redis.call('HSET', KEYS[1], 'closed', ARGV[2], 'blob', ARGV[3])\n"
    "redis.call('HINCRBY', KEYS[1], 'edits', 1)\n"
    "redis.call('HDEL', KEYS[1], 'before', 'previous')\n"
    "redis.call('EXPIRE', KEYS[1], ARGV[4])\n"
    "return 1";

static bool on_swapped(struct store_request *request, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_INTEGER)
        return false;
    if (request->done.won)
        request->done.won(request->context, &request->host, reply->integer == 1);
    return true;
}

void store_put_profile(struct store *store, const struct ip *host, int64_t expected,
                       int64_t last_closed_hour, const void *blob, size_t blob_size,
                       void (*done)(void *context, const struct ip *host, bool won), void *context)
{
    char key[STORE_KEY_SIZE];
    struct words words = {.count = 0};
    assert(!store->read_only);
    words_text(&words, "EVAL");
    words_text(&words, swap_script);
    words_number(&words, 1);
    words_text(&words, store_profile_key(store, host, key));
    if (expected == INT64_MIN)
        words_text(&words, "none");
    else
        words_number(&words, expected);
    words_number(&words, last_closed_hour);
    words_bytes(&words, blob, blob_size);
    words_number(&words, store->retention_s);
    struct store_request *request = store_request_new(store, "EVAL", on_swapped, context);
    request->done.won = done;
    request->host = *host;
    store_send(request, words.count, words.argv, words.size);
}
