/* What other sensors say of a host, and who of them tells of it.
 *
 * The answer to a put is [alike, across], then of each destination that was written and that others
 * saw, too, [key, alike, across]. A claim is a key beside the host's others, set by the first who
 * asks and kept alive by its asking again; it expires, so that a sensor that died between its claim
 * and its word is followed by another. Thread: the engine's. */
#include "store_link.h"
#include "store_words.h"
#include "weir/base/buffer.h"

#include <assert.h>
#include <stdlib.h>

#define SHARES_MAX 128 /* a put writes fewer */

void store_hear_elsewhere(struct store *store,
                          void (*heard)(void *context, const struct store_elsewhere *elsewhere),
                          void *context)
{
    store->heard = heard;
    store->heard_context = context;
}

static bool take_elsewhere(const redisReply *reply, size_t at, struct elsewhere *elsewhere)
{
    return reply->element[at]->type == REDIS_REPLY_STRING &&
           reply->element[at + 1]->type == REDIS_REPLY_STRING &&
           store_take_count(reply->element[at], &elsewhere->alike) &&
           store_take_count(reply->element[at + 1], &elsewhere->across);
}

bool store_take_elsewhere(struct store_request *request, const redisReply *reply)
{
    struct store_elsewhere all = {.host = request->host, .hour = request->hour};
    struct store_share share[SHARES_MAX];
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 2 || reply->elements % 3 != 2 ||
        reply->elements / 3 > SHARES_MAX || !take_elsewhere(reply, 0, &all.all))
        return false;
    for (size_t at = 2; at < reply->elements; at += 3) {
        const redisReply *key = reply->element[at];
        struct store_share *one = &share[all.count++];
        if (key->type != REDIS_REPLY_STRING || key->len >= DESTINATION_KEY_SIZE ||
            !take_elsewhere(reply, at + 1, &one->elsewhere))
            return false;
        one->key = key->str;
        one->size = key->len;
    }
    all.share = share;
    if (request->store->heard)
        request->store->heard(request->store->heard_context, &all);
    return true;
}

/* --- claims ----------------------------------------------------------------------------------- */

/* KEYS: claim. ARGV: sensor, for how long. */
static const char claim_script[] = "local holder = redis.call('GET', KEYS[1])\n"
                                   "if holder and holder ~= ARGV[1] then return 0 end\n"
                                   "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n"
                                   "return 1";

static bool on_claimed(struct store_request *request, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_INTEGER)
        return false;
    if (request->done.claimed)
        request->done.claimed(request->context, &request->host, request->hour, reply->integer == 1);
    return true;
}

void store_claim(struct store *store, const struct ip *host, int64_t day, int64_t ttl_ns,
                 void (*done)(void *context, const struct ip *host, int64_t day, bool mine),
                 void *context)
{
    char key[STORE_KEY_SIZE], text[IP_TEXT_SIZE];
    struct words words = {.count = 0};
    assert(!store->read_only);
    snprintf(key, sizeof key, "%s:{%s}:claim:%" PRId64, store->prefix, ip_text(host, text), day);
    words_text(&words, "EVAL");
    words_text(&words, claim_script);
    words_number(&words, 1);
    words_text(&words, key);
    words_text(&words, store->sensor);
    words_number(&words, ttl_ns / NS_PER_MS);
    struct store_request *request = store_request_new(store, "EVAL", on_claimed, context);
    request->done.claimed = done;
    request->host = *host;
    request->hour = day;
    store_send(request, words.count, words.argv, words.size);
}
