/* What people change of the memory: a profile or the fleet's tables set by hand, and the audit, a
 * list that is only ever appended to.
 *
 * A change is preceded by its line in the audit, on the same connection: Redis takes them in order,
 * so nothing is changed that was not said before. A server that takes no writes refuses the line
 * first. Thread: the engine's, or a command's main thread. */
#include "store_link.h"
#include "store_words.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define AUDIT_LINES 500 /* a command */

/* --- the audit ------------------------------------------------------------------------------- */

static char *audit_key(const struct store *store, char *key)
{
    return store_key(store, "audit", key);
}

static bool is_whole(struct store_request *request, const redisReply *reply)
{
    (void)request;
    return reply->type == REDIS_REPLY_INTEGER;
}

void store_put_audit(struct store *store, const char *line)
{
    char key[STORE_KEY_SIZE];
    const char *argv[3] = {"RPUSH", audit_key(store, key), line};
    size_t size[3] = {5, strlen(key), strlen(line)};
    assert(!store->read_only);
    store_send(store_request_new(store, "RPUSH", is_whole, NULL), 3, argv, size);
}

static void ask_audit(struct store *store, int64_t from,
                      void (*each)(void *context, const char *line, size_t size), void *context);

static bool on_audit(struct store_request *request, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY)
        return false;
    for (size_t i = 0; i < reply->elements; i++)
        if (reply->element[i]->type != REDIS_REPLY_STRING)
            return false;
    for (size_t i = 0; i < reply->elements; i++)
        request->done.line(request->context, reply->element[i]->str, reply->element[i]->len);
    if (reply->elements == AUDIT_LINES)
        ask_audit(request->store, request->hour + AUDIT_LINES, request->done.line,
                  request->context);
    else
        request->done.line(request->context, NULL, 0);
    return true;
}

static void ask_audit(struct store *store, int64_t from,
                      void (*each)(void *context, const char *line, size_t size), void *context)
{
    char key[STORE_KEY_SIZE], first[24], last[24];
    snprintf(first, sizeof first, "%" PRId64, from);
    snprintf(last, sizeof last, "%" PRId64, from + AUDIT_LINES - 1);
    const char *argv[4] = {"LRANGE", audit_key(store, key), first, last};
    size_t size[4] = {6, strlen(key), strlen(first), strlen(last)};
    struct store_request *request = store_request_new(store, "LRANGE", on_audit, context);
    request->done.line = each;
    request->hour = from;
    store_send(request, 4, argv, size);
}

void store_each_audit(struct store *store,
                      void (*each)(void *context, const char *line, size_t size), void *context)
{
    ask_audit(store, 0, each, context);
}

/* --- holds: nothing of this host may be removed -------------------------------------------------
 */

/* KEYS: hold, profile. ARGV: why ("": it is released), expiry. What is held does not expire: who
 * writes it leaves that so. */
static const char hold_script[] = "if ARGV[1] ~= '' then\n"
                                  "  redis.call('SET', KEYS[1], ARGV[1])\n"
                                  "  return redis.call('PERSIST', KEYS[2])\n"
                                  "end\n"
                                  "redis.call('EXPIRE', KEYS[2], ARGV[2])\n"
                                  "return redis.call('DEL', KEYS[1])";

void store_put_hold(struct store *store, const struct ip *host, const char *why)
{
    char hold[STORE_KEY_SIZE], profile[STORE_KEY_SIZE];
    struct words words = {.count = 0};
    assert(!store->read_only);
    words_text(&words, "EVAL");
    words_text(&words, hold_script);
    words_number(&words, 2);
    words_text(&words, store_hold_key(store, host, hold));
    words_text(&words, store_profile_key(store, host, profile));
    words_text(&words, why ? why : "");
    words_number(&words, store->retention_s);
    store_send(store_request_new(store, "EVAL", is_whole, NULL), words.count, words.argv,
               words.size);
    store_copy(store);
}

static bool on_hold(struct store_request *request, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_NIL)
        return false;
    bool held = reply->type == REDIS_REPLY_STRING;
    request->done.blob(request->context, held ? reply->str : NULL, held ? reply->len : 0);
    return true;
}

void store_load_hold(struct store *store, const struct ip *host,
                     void (*done)(void *context, const void *why, size_t size), void *context)
{
    char key[STORE_KEY_SIZE];
    const char *argv[2] = {"GET", store_hold_key(store, host, key)};
    size_t size[2] = {3, strlen(key)};
    struct store_request *request = store_request_new(store, "GET", on_hold, context);
    request->done.blob = done;
    store_send(request, 2, argv, size);
}

/* --- profiles -------------------------------------------------------------------------------- */

/* KEYS: profile, hold. ARGV: the blob that was read ("": whatever there is), closed, blob, expiry.
 * What a closer kept to begin an hour again goes: it would undo this; that it was edited is
 * counted, so that a closer that has the blob from before does not write over it. */
static const char replace_script[] =
    "local have = redis.call('HGET', KEYS[1], 'blob')\n"
    "if ARGV[1] ~= '' and have ~= ARGV[1] then return 0 end\n"
    "if ARGV[1] == '' and have and redis.call('EXISTS', KEYS[2]) == 1 then return 0 end\n"
    "redis.call('HSET', KEYS[1], 'closed', ARGV[2], 'blob', ARGV[3])\n"
    "redis.call('HDEL', KEYS[1], 'before', 'previous')\n"
    "redis.call('HINCRBY', KEYS[1], 'edits', 1)\n"
    "if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('EXPIRE', KEYS[1], ARGV[4]) end\n"
    "return 1";

static bool on_replaced(struct store_request *request, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_INTEGER)
        return false;
    if (request->done.won)
        request->done.won(request->context, &request->host, reply->integer == 1);
    return true;
}

void store_replace_profile(struct store *store, const struct ip *host, const void *read,
                           size_t read_size, int64_t last_closed_hour, const void *blob,
                           size_t blob_size,
                           void (*done)(void *context, const struct ip *host, bool won),
                           void *context)
{
    char profile[STORE_KEY_SIZE], hold[STORE_KEY_SIZE];
    struct words words = {.count = 0};
    assert(!store->read_only);
    words_text(&words, "EVAL");
    words_text(&words, replace_script);
    words_number(&words, 2);
    words_text(&words, store_profile_key(store, host, profile));
    words_text(&words, store_hold_key(store, host, hold));
    words_bytes(&words, read, read ? read_size : 0);
    words_number(&words, last_closed_hour);
    words_bytes(&words, blob, blob_size);
    words_number(&words, store->retention_s);
    struct store_request *request = store_request_new(store, "EVAL", on_replaced, context);
    request->done.won = done;
    request->host = *host;
    store_send(request, words.count, words.argv, words.size);
}

/* --- the fleet's tables ----------------------------------------------------------------------- */

/* KEYS: fleet. ARGV: closed and edits as they were read (edits "": whatever there is), blob. A
 * closer that had read them before does not write over it (store_learn.c). */
static const char fleet_script[] =
    "local have = redis.call('HMGET', KEYS[1], 'closed', 'edits')\n"
    "if ARGV[2] ~= '' and ((have[1] or '') ~= ARGV[1] or (have[2] or '0') ~= ARGV[2]) then\n"
    "  return 0\n"
    "end\n"
    "redis.call('HSET', KEYS[1], 'blob', ARGV[3])\n"
    "redis.call('HINCRBY', KEYS[1], 'edits', 1)\n"
    "return 1";

static bool on_fleet_put(struct store_request *request, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_INTEGER)
        return false;
    if (request->done.whole)
        request->done.whole(request->context, reply->integer == 1);
    return true;
}

void store_put_fleet(struct store *store, const struct store_fleet *read, const void *blob,
                     size_t size, void (*done)(void *context, bool won), void *context)
{
    char key[STORE_KEY_SIZE];
    struct words words = {.count = 0};
    assert(!store->read_only);
    words_text(&words, "EVAL");
    words_text(&words, fleet_script);
    words_number(&words, 1);
    words_text(&words, store_fleet_key(store, key));
    words_hour(&words, read ? read->closed : INT64_MIN);
    if (read)
        words_number(&words, (int64_t)read->edits);
    else
        words_text(&words, "");
    words_bytes(&words, blob, size);
    struct store_request *request = store_request_new(store, "EVAL", on_fleet_put, context);
    request->done.whole = done;
    store_send(request, words.count, words.argv, words.size);
}
