/* What other sensors say of a host, and who of them tells of it.
 *
 * The answer to a put is [alike, across], then of each destination that was written and that others
 * saw, too, [key, alike, across]. A claim is a key beside the host's others, of a day, a side and a
 * destination, set by the first who asks, with how much it knows; it expires, so that a sensor that
 * died between its claim and its word is followed by another, and gives way to who knows
 * STORE_CLAIM_FACTOR as much. Thread: the engine's. */
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

/* "E TOLD SENSOR". What is no such text is nobody's. KEYS: claim. ARGV: sensor, E, whether it is
 * told, for how long. */
static const char claim_script[] =
    "local have = redis.call('GET', KEYS[1]) or ''\n"
    "local e, told, holder = string.match(have, '^(%S+) ([01]) (.*)$')\n"
    "e = tonumber(e or '')\n"
    "if e and holder ~= ARGV[1] and tonumber(ARGV[2]) < " STORE_CLAIM_FACTOR " * e then\n"
    "  return told == '1' and 2 or 0\n"
    "end\n"
    "redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[1], 'PX', ARGV[4])\n"
    "return 1";

static bool on_claimed(struct store_request *request, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_INTEGER || reply->integer < STORE_CLAIM_OTHERS ||
        reply->integer > STORE_CLAIM_TOLD)
        return false;
    if (request->done.claimed)
        request->done.claimed(request->context, &request->claim,
                              (enum store_claimed)reply->integer);
    return true;
}

void store_claim(struct store *store, const struct store_claim *claim, int64_t ttl_ns,
                 void (*done)(void *context, const struct store_claim *claim,
                              enum store_claimed claimed),
                 void *context)
{
    char key[STORE_KEY_SIZE], text[IP_TEXT_SIZE], e[32];
    struct words words = {.count = 0};
    assert(!store->read_only);
    snprintf(key, sizeof key, "%s:{%s}:claim:%" PRId64 ":%u:%016" PRIx64, store->prefix,
             ip_text(&claim->host, text), claim->day, claim->side, claim->destination);
    snprintf(e, sizeof e, "%.17g", claim->e);
    words_text(&words, "EVAL");
    words_text(&words, claim_script);
    words_number(&words, 1);
    words_text(&words, key);
    words_text(&words, store->sensor);
    words_text(&words, e);
    words_number(&words, claim->told);
    words_number(&words, ttl_ns / NS_PER_MS);
    struct store_request *request = store_request_new(store, "EVAL", on_claimed, context);
    request->done.claimed = done;
    request->claim = *claim;
    store_send(request, words.count, words.argv, words.size);
}
