/* Learning an hour: a host's profile with the hour's sum out of the store, the learned one into it,
 * the fleet's tables last.
 *
 * Until the tables of hour H are there, H is not closed, and whoever closes it begins again. So a
 * profile that is put for H keeps the one before it in its hash (`previous`, `before` its hour): a
 * second closer learns from that, feeds the tables as the first one would have, and writes the
 * same bytes. Readers never look at it. Every write of a closer holds its lease's token against the
 * one that is there, in the same step: one that was thought dead and lives writes nothing.
 * docs/redis.md goes through every point at which one may die. Thread: the engine's. */
#include "store_link.h"
#include "store_words.h"
#include "weir/base/buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LIST_EXPIRES ((int64_t)STORE_LISTS_KEPT * 60 * 60) /* seconds */

static void begin(struct words *words, const char *script, int64_t keys)
{
    words->count = 0;
    words_text(words, "EVAL");
    words_text(words, script);
    words_number(words, keys);
}

static bool send(struct store_request *request, struct words *words)
{
    return store_send(request, words->count, words->argv, words->size);
}

/* --- gathering, without a copy ---------------------------------------------------------------- */

/* A blob that passes through a script is copied and hashed there, which costs the server three
 * times what reading it does. So whoever has no copy to compare asks with two plain commands, the
 * profile first; the server answers one behind the other. Between them only an operator's change
 * may fall (totals of an hour that is being closed are final), and of that `closed` and `edits`
 * tell when the profile is put: what was taken away is not put again. */
struct store_part {
    int64_t closed;
    uint64_t edits;
    bool there;
    size_t size;
    uint8_t blob[];
};

/* A profile of the hour without a `before` is through: it is handed out as it is. */
static bool take_profile(const redisReply *reply, int64_t hour, struct store_gathered *gathered)
{
    int64_t closed, before, edits;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 5 ||
        !store_take_hour(reply->element[0], &closed) ||
        !store_take_hour(reply->element[1], &before) ||
        !store_take_hour(reply->element[2], &edits) || (edits < 0 && edits != STORE_NO_HOUR))
        return false;
    bool again =
        hour != STORE_NO_HOUR && closed == hour && reply->element[1]->type == REDIS_REPLY_STRING;
    const redisReply *blob = reply->element[again ? 4 : 3];
    gathered->closed = again ? before : closed;
    gathered->edits = edits == STORE_NO_HOUR ? 0 : (uint64_t)edits;
    if (gathered->closed != STORE_NO_HOUR && blob->type == REDIS_REPLY_STRING) {
        gathered->blob = blob->str;
        gathered->size = blob->len;
    }
    return blob->type == REDIS_REPLY_STRING || blob->type == REDIS_REPLY_NIL;
}

static bool on_profile(struct store_request *request, const redisReply *reply)
{
    struct store_gathered gathered = {.host = request->host};
    if (!take_profile(reply, STORE_NO_HOUR, &gathered))
        return false;
    request->done.gathered(request->context, &gathered);
    return true;
}

static bool on_sum(struct store_request *request, const redisReply *reply)
{
    const struct store_part *part = request->part;
    if (reply->type != REDIS_REPLY_ARRAY)
        return false;
    if (!part) /* the profile was refused, which was told */
        return true;
    struct store_gathered gathered = {.host = request->host,
                                      .closed = part->closed,
                                      .edits = part->edits,
                                      .blob = part->there ? part->blob : NULL,
                                      .size = part->size};
    gathered.sum = store_sum_reply(request->store, reply, &request->host, request->hour);
    request->done.gathered(request->context, &gathered);
    return true;
}

/* Kept with the request for the sum, which is answered behind this one. */
static bool on_part(struct store_request *request, const redisReply *reply)
{
    struct store_request *next = request->next_part;
    struct store_gathered gathered = {.host = request->host};
    if (!take_profile(reply, request->hour, &gathered))
        return false;
    if (!next) /* it could not be sent: the connection goes */
        return true;
    struct store_part *part = xcalloc(1, sizeof *part + gathered.size);
    part->closed = gathered.closed;
    part->edits = gathered.edits;
    part->there = gathered.blob != NULL;
    part->size = gathered.size;
    if (gathered.blob)
        memcpy(part->blob, gathered.blob, gathered.size);
    next->part = part;
    return true;
}

static void gather_plainly(struct store *store, const struct ip *host, int64_t hour,
                           void (*done)(void *context, const struct store_gathered *gathered),
                           void *context)
{
    static const char *const field[] = {"closed", "before", "edits", "blob", "previous"};
    char key[STORE_KEY_SIZE];
    bool sums = hour != STORE_NO_HOUR;
    struct store_request *sum = NULL;
    struct words words = {.count = 0};
    words_text(&words, "HMGET");
    words_text(&words, store_profile_key(store, host, key));
    for (size_t i = 0; i < sizeof field / sizeof *field; i++)
        words_text(&words, field[i]);
    struct store_request *request =
        store_request_new(store, "HMGET", sums ? on_part : on_profile, context);
    request->done.gathered = done;
    request->host = *host;
    request->hour = hour;
    if (!send(request, &words) || !sums)
        return;
    sum = store_request_new(store, "HGETALL", on_sum, context);
    sum->done.gathered = done;
    if (store_ask_open(sum, host, hour))
        request->next_part = sum;
}

/* --- gathering -------------------------------------------------------------------------------- */

/* KEYS: profile, open totals. ARGV: the hour ("": as it is), the caller's copy: closed, edits. A
 * profile of the hour without a `before` is through: it is handed out as it is. */
static const char gather_script[] =
    "local have = redis.call('HMGET', KEYS[1], 'closed', 'before', 'edits')\n"
    "local base, edits, field = have[1], have[3] or '0', 'blob'\n"
    "if base == ARGV[1] and have[2] then base, field = have[2], 'previous' end\n"
    "base = base or ''\n"
    "local same, blob, totals = 0, false, {}\n"
    "if base ~= '' then\n"
    "  if base == ARGV[2] and edits == ARGV[3] then same = 1\n"
    "  else blob = redis.call('HGET', KEYS[1], field) end\n"
    "end\n"
    "if ARGV[1] ~= '' then totals = redis.call('HGETALL', KEYS[2]) end\n"
    "return {base, edits, same, blob, totals}";

static bool take_gathered(const redisReply *reply, struct store_gathered *gathered)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 5 ||
        reply->element[2]->type != REDIS_REPLY_INTEGER ||
        reply->element[4]->type != REDIS_REPLY_ARRAY ||
        !store_take_hour(reply->element[0], &gathered->closed) ||
        !store_take_count(reply->element[1], &gathered->edits))
        return false;
    gathered->same = reply->element[2]->integer == 1;
    if (reply->element[3]->type == REDIS_REPLY_STRING) {
        gathered->blob = reply->element[3]->str;
        gathered->size = reply->element[3]->len;
    }
    return reply->element[3]->type == REDIS_REPLY_STRING ||
           reply->element[3]->type == REDIS_REPLY_NIL;
}

static bool on_gathered(struct store_request *request, const redisReply *reply)
{
    struct store_gathered gathered = {.host = request->host};
    if (!take_gathered(reply, &gathered))
        return false;
    gathered.sum =
        store_sum_reply(request->store, reply->element[4], &request->host, request->hour);
    request->done.gathered(request->context, &gathered);
    return true;
}

void store_gather(struct store *store, const struct ip *host, int64_t hour, int64_t have,
                  uint64_t edits,
                  void (*done)(void *context, const struct store_gathered *gathered), void *context)
{
    char profile[STORE_KEY_SIZE], open[STORE_KEY_SIZE];
    struct words words;
    if (have == STORE_NO_HOUR && !store_is_cluster(store)) { /* there, two may be answered apart */
        gather_plainly(store, host, hour, done, context);
        return;
    }
    begin(&words, gather_script, 2);
    words_text(&words, store_profile_key(store, host, profile));
    words_text(&words, store_open_key(store, host, hour, open));
    words_hour(&words, hour);
    words_hour(&words, have);
    words_number(&words, (int64_t)edits);
    struct store_request *request = store_request_new(store, "EVAL", on_gathered, context);
    request->done.gathered = done;
    request->host = *host;
    request->hour = hour;
    send(request, &words);
}

/* --- putting ---------------------------------------------------------------------------------- */

/* What was put for this hour before is put again when it grew from the same base. A host that was
 * forgotten since does not come back (store_forget.c). KEYS: profile, hold, closer, the forgotten,
 * who took what. ARGV: token, base, edits, hour, blob, expiry, host, sensor. */
#define ALONE_BEGIN                                                                                \
    "if redis.call('GET', KEYS[3]) ~= ARGV[1] then return -1 end\n"                                \
    "local gone = redis.call('HGET', KEYS[4], ARGV[7])\n"                                          \
    "if gone and tonumber(string.match(gone, '^%d+')) >\n"                                         \
    "    tonumber(redis.call('HGET', KEYS[5], ARGV[8]) or '0') then return 0 end\n"
/* In a cluster the lease is elsewhere: its number stands in each profile that was put under it, and
 * one with a smaller number puts no more. Where it comes first, the later one puts the same or more
 * over it, and only who has the lease closes the hour. KEYS: profile, hold, by what number the host
 * was forgotten. ARGV: the lease's number …, nothing, the number this sensor took. */
#define CLUSTER_BEGIN                                                                              \
    "local fence = tonumber(redis.call('HGET', KEYS[1], 'fence') or '0')\n"                        \
    "if fence > tonumber(ARGV[1]) then return -1 end\n"                                            \
    "local gone = redis.call('GET', KEYS[3])\n"                                                    \
    "if gone and tonumber(gone) > tonumber(ARGV[8]) then return 0 end\n"
#define CLUSTER_END "redis.call('HSET', KEYS[1], 'fence', ARGV[1])\n"
#define PUT                                                                                        \
    "local have = redis.call('HMGET', KEYS[1], 'closed', 'before', 'edits')\n"                     \
    "local closed = have[1] or ''\n"                                                               \
    "if (have[3] or '0') ~= ARGV[3] then return 0 end\n"                                           \
    "if closed == ARGV[4] and have[2] == ARGV[2] then\n"                                           \
    "  redis.call('HSET', KEYS[1], 'blob', ARGV[5])\n"                                             \
    "elseif closed ~= ARGV[2] then\n"                                                              \
    "  return 0\n"                                                                                 \
    "else\n"                                                                                       \
    "  redis.call('HSET', KEYS[1], 'before', closed, 'closed', ARGV[4], 'blob', ARGV[5],\n"        \
    "    'previous', redis.call('HGET', KEYS[1], 'blob') or '')\n"                                 \
    "end\n"                                                                                        \
    "if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('EXPIRE', KEYS[1], ARGV[6]) end\n"

static const char alone_script[] = ALONE_BEGIN PUT "return 1";
static const char cluster_script[] = CLUSTER_BEGIN PUT CLUSTER_END "return 1";

static bool take_put(const redisReply *reply, enum store_put *put)
{
    if (reply->type != REDIS_REPLY_INTEGER || reply->integer < -1 || reply->integer > 1)
        return false;
    *put = reply->integer == 1   ? STORE_PUT
           : reply->integer == 0 ? STORE_PUT_CHANGED
                                 : STORE_PUT_LOST;
    return true;
}

static bool on_put(struct store_request *request, const redisReply *reply)
{
    enum store_put put;
    if (!take_put(reply, &put))
        return false;
    request->done.put(request->context, &request->host, put);
    return true;
}

void store_put_learned(struct store *store, const struct store_learned *learned,
                       void (*done)(void *context, const struct ip *host, enum store_put put),
                       void *context)
{
    char profile[STORE_KEY_SIZE], hold[STORE_KEY_SIZE], key[3][STORE_KEY_SIZE], host[IP_TEXT_SIZE];
    bool cluster = store_is_cluster(store);
    struct words words;
    assert(!store->read_only);
    begin(&words, cluster ? cluster_script : alone_script, cluster ? 3 : 5);
    words_text(&words, store_profile_key(store, &learned->host, profile));
    words_text(&words, store_hold_key(store, &learned->host, hold));
    if (cluster) {
        words_text(&words, store_gone_key(store, &learned->host, key[0]));
        words_number(&words, store->fence);
    } else {
        words_text(&words, store_closer_key(store, key[0]));
        words_text(&words, store_forgotten_key(store, key[1]));
        words_text(&words, store_taken_key(store, key[2]));
        words_text(&words, store->token);
    }
    words_hour(&words, learned->base);
    words_number(&words, (int64_t)learned->edits);
    words_hour(&words, learned->hour);
    words_bytes(&words, learned->blob, learned->size);
    words_number(&words, store->retention_s);
    words_text(&words, ip_text(&learned->host, host));
    if (cluster)
        words_number(&words, (int64_t)store->taken);
    else
        words_text(&words, store->sensor);
    struct store_request *request = store_request_new(store, "EVAL", on_put, context);
    request->done.put = done;
    request->host = learned->host;
    send(request, &words);
}

/* --- the fleet's tables ----------------------------------------------------------------------- */

/* KEYS: fleet, closer, the hour's list. ARGV: token, the last closed hour, the hour, blob, expiry
 * of the list, the tables' edits. With the hour the lease is given back. */
static const char close_script[] =
    "if redis.call('GET', KEYS[2]) ~= ARGV[1] then return -1 end\n"
    "local have = redis.call('HMGET', KEYS[1], 'closed', 'edits')\n"
    "if (have[1] or '') ~= ARGV[2] or (have[2] or '0') ~= ARGV[6] then\n"
    "  return 0\n"
    "end\n"
    "redis.call('HSET', KEYS[1], 'closed', ARGV[3])\n"
    "if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'blob', ARGV[4]) end\n"
    "redis.call('EXPIRE', KEYS[3], ARGV[5])\n"
    "redis.call('DEL', KEYS[2])\n"
    "return 1";

static bool on_kept(struct store_request *request, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_STATUS)
        return false;
    request->done.hour(request->context, STORE_PUT);
    return true;
}

/* Of a closed hour nothing is cleaned before it is closed in a second place, too (store_copy). */
static bool on_hour(struct store_request *request, const redisReply *reply)
{
    static const char ping[] = "PING";
    struct store *store = request->store;
    const char *word[1] = {ping};
    enum store_put put;
    if (!take_put(reply, &put))
        return false;
    if (put != STORE_PUT || store->url.kind == STORE_ALONE) {
        request->done.hour(request->context, put);
        return true;
    }
    store_copy(store);
    struct store_request *last = store_request_new(store, ping, on_kept, request->context);
    last->scope = STORE_OF_ALL;
    last->done.hour = request->done.hour;
    store_send_words(last, 1, word);
    return true;
}

void store_close_hour(struct store *store, int64_t before, uint64_t edits, int64_t hour,
                      const void *blob, size_t size,
                      void (*done)(void *context, enum store_put put), void *context)
{
    char fleet[STORE_KEY_SIZE], closer[STORE_KEY_SIZE], list[STORE_KEY_SIZE];
    struct words words;
    assert(!store->read_only);
    store_copy(store); /* of the profiles */
    begin(&words, close_script, 3);
    words_text(&words, store_fleet_key(store, fleet));
    words_text(&words, store_closer_key(store, closer));
    words_text(&words, store_hour_key(store, hour, list));
    words_text(&words, store->token);
    words_hour(&words, before);
    words_hour(&words, hour);
    words_bytes(&words, blob, size);
    words_number(&words, LIST_EXPIRES);
    words_number(&words, (int64_t)edits);
    struct store_request *request = store_request_new(store, "EVAL", on_hour, context);
    request->done.hour = done;
    send(request, &words);
}

static bool on_fleet(struct store_request *request, const redisReply *reply)
{
    struct store_fleet fleet = {.blob = NULL};
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 ||
        !store_take_hour(reply->element[0], &fleet.closed) ||
        !store_take_count(reply->element[2], &fleet.edits))
        return false;
    const redisReply *blob = reply->element[1];
    bool there = blob->type == REDIS_REPLY_STRING;
    if (!there && blob->type != REDIS_REPLY_NIL)
        return false;
    fleet.blob = there ? blob->str : NULL;
    fleet.size = there ? blob->len : 0;
    request->done.fleet(request->context, &fleet);
    return true;
}

void store_read_fleet(struct store *store,
                      void (*done)(void *context, const struct store_fleet *fleet), void *context)
{
    char key[STORE_KEY_SIZE];
    struct words words = {.count = 0};
    words_text(&words, "HMGET");
    words_text(&words, store_fleet_key(store, key));
    words_text(&words, "closed");
    words_text(&words, "blob");
    words_text(&words, "edits");
    struct store_request *request = store_request_new(store, "HMGET", on_fleet, context);
    request->done.fleet = done;
    send(request, &words);
}

/* --- cleaning --------------------------------------------------------------------------------- */

/* KEYS: profile, open totals. ARGV: the hour, which is closed. */
static const char clean_script[] = "redis.call('UNLINK', KEYS[2])\n"
                                   "if redis.call('HGET', KEYS[1], 'closed') == ARGV[1] then\n"
                                   "  redis.call('HDEL', KEYS[1], 'before', 'previous')\n"
                                   "end\n"
                                   "return 1";

static bool on_cleaned(struct store_request *request, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_INTEGER)
        return false;
    if (request->done.plain)
        request->done.plain(request->context);
    return true;
}

void store_clean_hour(struct store *store, const struct ip *host, int64_t hour,
                      void (*done)(void *context), void *context)
{
    char profile[STORE_KEY_SIZE], open[STORE_KEY_SIZE];
    struct words words;
    assert(!store->read_only);
    begin(&words, clean_script, 2);
    words_text(&words, store_profile_key(store, host, profile));
    words_text(&words, store_open_key(store, host, hour, open));
    words_hour(&words, hour);
    struct store_request *request = store_request_new(store, "EVAL", on_cleaned, context);
    request->done.plain = done;
    send(request, &words);
}
