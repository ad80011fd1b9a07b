/* Taking a host out of the store, and telling every sensor of it.
 *
 * The first step is one script: a held host is left as it is, else its profile goes, and when it is
 * to be forgotten it stands in a list for as long as somebody may still have something of it. What
 * a sensor says of a host in the list that it has not taken yet is not written (store_totals.c),
 * nor what it claims to tell (store_elsewhere.c), nor what a closer learned of it (store_learn.c):
 * a sensor that counts on, or that was away, does not bring it back. Each sensor sees in its turn
 * that there is something to take, drops what it has, and says so; what all have taken goes from
 * the list, and everything after LIST_S, which is as long as open totals live. Where no sensor ever
 * said a word nothing is listed.
 *
 * Then the open totals go, and the host's name in the lists of hours (store_walk.c).
 *
 * In a cluster a script has the keys of one slot, so the first step is three: is it held; it is put
 * into the list; it goes, and its number is left beside what was its profile, which is what a write
 * of it looks at. A sensor knows itself what it has taken, and says so with each.
 * Thread: the engine's, or a command's main thread. */
#include "store_link.h"
#include "store_words.h"
#include "weir/base/buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LIST_S INT64_C(604800)

/* --- removing --------------------------------------------------------------------------------- */

/* KEYS: profile, hold, sensors, the count of forgets, the forgotten. ARGV: host, whether it is to
 * be forgotten, how long the list lives. 0: it is held. What learns anew keeps its count of edits
 * for as long: a copy of before is never taken for what is put there next. */
static const char remove_script[] =
    "if redis.replicate_commands then redis.replicate_commands() end\n"
    "if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end\n"
    "if ARGV[2] == '1' then redis.call('UNLINK', KEYS[1])\n"
    "elseif redis.call('EXISTS', KEYS[1]) == 1 then\n"
    "  redis.call('HDEL', KEYS[1], 'closed', 'blob', 'before', 'previous')\n"
    "  redis.call('HINCRBY', KEYS[1], 'edits', 1)\n"
    "  redis.call('EXPIRE', KEYS[1], ARGV[3])\n"
    "end\n"
    "if ARGV[2] == '1' and redis.call('HLEN', KEYS[3]) > 0 then\n"
    "  local n = string.format('%.0f', redis.call('INCR', KEYS[4]))\n"
    "  redis.call('HSET', KEYS[5], ARGV[1], n .. ' ' .. redis.call('TIME')[1])\n"
    "  redis.call('EXPIRE', KEYS[5], ARGV[3])\n"
    "end\n"
    "return 1";

static bool on_removed(struct store_request *request, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_INTEGER)
        return false;
    if (reply->integer == 0)
        request->done.whole(request->context, false);
    else
        store_walk_host(request->store, &request->host, request->done.whole, request->context);
    return true;
}

static void put_keys(struct words *words, const struct store *store, char sensors[STORE_KEY_SIZE],
                     char forgets[STORE_KEY_SIZE], char forgotten[STORE_KEY_SIZE])
{
    store_key(store, "sensors", sensors);
    store_key(store, "forgets", forgets);
    words_text(words, sensors);
    words_text(words, forgets);
    words_text(words, store_forgotten_key(store, forgotten));
}

/* --- … of a cluster --------------------------------------------------------------------------- */

/* KEYS: hold, profile. ARGV: whether it is to be forgotten, how long a count of edits lives. */
static const char unless_held_script[] =
    "if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end\n"
    "if ARGV[1] == '0' and redis.call('EXISTS', KEYS[2]) == 1 then\n"
    "  redis.call('HDEL', KEYS[2], 'closed', 'blob', 'before', 'previous')\n"
    "  redis.call('HINCRBY', KEYS[2], 'edits', 1)\n"
    "  redis.call('EXPIRE', KEYS[2], ARGV[2])\n"
    "end\n"
    "return 1";

/* KEYS: sensors, the count of forgets, the forgotten. ARGV: host, how long the list lives. */
static const char list_script[] =
    "if redis.replicate_commands then redis.replicate_commands() end\n"
    "if redis.call('HLEN', KEYS[1]) == 0 then return 0 end\n"
    "local n = redis.call('INCR', KEYS[2])\n"
    "redis.call('HSET', KEYS[3], ARGV[1],\n"
    "  string.format('%.0f', n) .. ' ' .. redis.call('TIME')[1])\n"
    "redis.call('EXPIRE', KEYS[3], ARGV[2])\n"
    "return n";

/* KEYS: hold, profile, its number. ARGV: the number (0: nobody is to hear of it), how long it
 * lives. */
static const char drop_script[] = "if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end\n"
                                  "redis.call('UNLINK', KEYS[2])\n"
                                  "if ARGV[1] ~= '0' then\n"
                                  "  redis.call('SET', KEYS[3], ARGV[1], 'EX', ARGV[2])\n"
                                  "end\n"
                                  "return 1";

static struct store_request *follow_up(const struct store_request *request,
                                       bool (*answered)(struct store_request *request,
                                                        const redisReply *reply))
{
    struct store_request *next =
        store_request_new(request->store, "EVAL", answered, request->context);
    next->done.whole = request->done.whole;
    next->host = request->host;
    return next;
}

static bool on_numbered(struct store_request *request, const redisReply *reply)
{
    char key[3][STORE_KEY_SIZE];
    const struct store *store = request->store;
    struct words words = {.count = 0};
    if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0)
        return false;
    store_copy(request->store); /* of the list: sensors drop it, too, whatever server dies now */
    words_text(&words, "EVAL");
    words_text(&words, drop_script);
    words_number(&words, 3);
    words_text(&words, store_hold_key(store, &request->host, key[0]));
    words_text(&words, store_profile_key(store, &request->host, key[1]));
    words_text(&words, store_gone_key(store, &request->host, key[2]));
    words_number(&words, reply->integer);
    words_number(&words, LIST_S);
    store_send(follow_up(request, on_removed), words.count, words.argv, words.size);
    return true;
}

static bool on_not_held(struct store_request *request, const redisReply *reply)
{
    char key[3][STORE_KEY_SIZE], text[IP_TEXT_SIZE];
    struct words words = {.count = 0};
    if (reply->type != REDIS_REPLY_INTEGER)
        return false;
    if (reply->integer == 0 || !request->forget)
        return on_removed(request, reply);
    words_text(&words, "EVAL");
    words_text(&words, list_script);
    words_number(&words, 3);
    put_keys(&words, request->store, key[0], key[1], key[2]);
    words_text(&words, ip_text(&request->host, text));
    words_number(&words, LIST_S);
    store_send(follow_up(request, on_numbered), words.count, words.argv, words.size);
    return true;
}

static void remove_from_cluster(struct store *store, const struct ip *host, bool forget,
                                void (*done)(void *context, bool removed), void *context)
{
    char key[2][STORE_KEY_SIZE];
    struct words words = {.count = 0};
    words_text(&words, "EVAL");
    words_text(&words, unless_held_script);
    words_number(&words, 2);
    words_text(&words, store_hold_key(store, host, key[0]));
    words_text(&words, store_profile_key(store, host, key[1]));
    words_number(&words, forget);
    words_number(&words, LIST_S);
    struct store_request *request = store_request_new(store, "EVAL", on_not_held, context);
    request->done.whole = done;
    request->host = *host;
    request->forget = forget;
    store_send(request, words.count, words.argv, words.size);
}

void store_remove_host(struct store *store, const struct ip *host, bool forget,
                       void (*done)(void *context, bool removed), void *context)
{
    char key[5][STORE_KEY_SIZE], text[IP_TEXT_SIZE];
    struct words words = {.count = 0};
    assert(!store->read_only);
    if (store_is_cluster(store)) {
        remove_from_cluster(store, host, forget, done, context);
        return;
    }
    words_text(&words, "EVAL");
    words_text(&words, remove_script);
    words_number(&words, 5);
    words_text(&words, store_profile_key(store, host, key[0]));
    words_text(&words, store_hold_key(store, host, key[1]));
    put_keys(&words, store, key[2], key[3], key[4]);
    words_text(&words, ip_text(host, text));
    words_number(&words, forget);
    words_number(&words, LIST_S);
    struct store_request *request = store_request_new(store, "EVAL", on_removed, context);
    request->done.whole = done;
    request->host = *host;
    store_send(request, words.count, words.argv, words.size);
}

/* --- what a sensor takes ---------------------------------------------------------------------- */

/* KEYS: the forgotten, who took what, the count of forgets. ARGV: sensor. */
static const char read_script[] =
    "local had = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')\n"
    "local all, hosts = redis.call('HGETALL', KEYS[1]), {}\n"
    "for i = 1, #all, 2 do\n"
    "  if tonumber(string.match(all[i + 1], '^%d+') or '0') > had then\n"
    "    hosts[#hosts + 1] = all[i]\n"
    "  end\n"
    "end\n"
    "return {tonumber(redis.call('GET', KEYS[3]) or '0'), hosts}";

static bool on_read(struct store_request *request, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_INTEGER || reply->element[0]->integer < 0 ||
        reply->element[1]->type != REDIS_REPLY_ARRAY)
        return false;
    const redisReply *all = reply->element[1];
    struct store_forgotten forgotten = {.number = (uint64_t)reply->element[0]->integer};
    forgotten.host = xcalloc(all->elements + 1, sizeof *forgotten.host);
    for (size_t i = 0; i < all->elements; i++)
        if (all->element[i]->type == REDIS_REPLY_STRING &&
            ip_parse(all->element[i]->str, &forgotten.host[forgotten.count]) == 0)
            forgotten.count++;
    struct ip *host = forgotten.host;
    request->done.forgotten(request->context, &forgotten);
    free(host);
    return true;
}

void store_read_forgotten(struct store *store,
                          void (*done)(void *context, const struct store_forgotten *forgotten),
                          void *context)
{
    char key[3][STORE_KEY_SIZE];
    struct words words = {.count = 0};
    words_text(&words, "EVAL");
    words_text(&words, read_script);
    words_number(&words, 3);
    words_text(&words, store_forgotten_key(store, key[0]));
    words_text(&words, store_taken_key(store, key[1]));
    words_text(&words, store_key(store, "forgets", key[2]));
    words_text(&words, store->sensor);
    struct store_request *request = store_request_new(store, "EVAL", on_read, context);
    request->done.forgotten = done;
    store_send(request, words.count, words.argv, words.size);
}

/* KEYS: sensors, the forgotten, who took what. ARGV: sensor, number, how long the list lives. Names
 * that are no sensor's any more go with it. */
static const char took_script[] =
    "if redis.replicate_commands then redis.replicate_commands() end\n"
    "redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])\n"
    "local least, now = tonumber(ARGV[2]), tonumber(redis.call('TIME')[1])\n"
    "for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do\n"
    "  least = math.min(least, tonumber(redis.call('HGET', KEYS[3], name) or '0'))\n"
    "end\n"
    "for _, name in ipairs(redis.call('HKEYS', KEYS[3])) do\n"
    "  if redis.call('HEXISTS', KEYS[1], name) == 0 then redis.call('HDEL', KEYS[3], name) end\n"
    "end\n"
    "local all = redis.call('HGETALL', KEYS[2])\n"
    "for i = 1, #all, 2 do\n"
    "  local n, since = string.match(all[i + 1], '^(%d+) (%d+)$')\n"
    "  if not n or tonumber(n) <= least or now - since > tonumber(ARGV[3]) then\n"
    "    redis.call('HDEL', KEYS[2], all[i])\n"
    "  end\n"
    "end\n"
    "return 1";

static bool on_took(struct store_request *request, const redisReply *reply)
{
    (void)request;
    return reply->type == REDIS_REPLY_INTEGER;
}

void store_took_forgotten(struct store *store, uint64_t number)
{
    char key[3][STORE_KEY_SIZE];
    struct words words = {.count = 0};
    assert(!store->read_only);
    store->taken = number;
    words_text(&words, "EVAL");
    words_text(&words, took_script);
    words_number(&words, 3);
    words_text(&words, store_key(store, "sensors", key[0]));
    words_text(&words, store_forgotten_key(store, key[1]));
    words_text(&words, store_taken_key(store, key[2]));
    words_text(&words, store->sensor);
    words_number(&words, (int64_t)number);
    words_number(&words, LIST_S);
    store_send(store_request_new(store, "EVAL", on_took, NULL), words.count, words.argv,
               words.size);
}
