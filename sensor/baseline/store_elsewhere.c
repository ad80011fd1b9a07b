/* What other sensors say of a host, and who of them tells of it.
 *
 * The answer to a put is [alike, across, who], then of each destination that was written and that
 * others saw, too, [key, alike, across, who]. Of a day, a side and a destination there are two keys
 * beside the host's others. A claim is set by the first who asks, with how much it knows; it
 * expires, so that a sensor that died between its claim and its word is followed by another, and
 * gives way to who knows STORE_CLAIM_FACTOR as much. What was told outlives it, and is never less:
 * neither a claim to more that is then not told, nor one that runs out, takes it away. Halves of a
 * flow are a third kind of such keys: by sensor, which way it sees. Thread: the engine's. */
#include "store_link.h"
#include "store_words.h"
#include "weir/base/buffer.h"
#include "weir/baseline/seen.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHARES_MAX     128 /* a put writes fewer */
#define NAME_MAX_BYTES 200 /* of a sensor, as store.c takes it */

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

/* As a text that ends; false: nobody can be meant by it. */
static bool take_names(const redisReply *reply, const char **text)
{
    struct seen_by seen;
    *text = reply->str;
    return reply->type == REDIS_REPLY_STRING && strlen(reply->str) == reply->len &&
           seen_parse(reply->str, reply->len, &seen);
}

bool store_take_elsewhere(struct store_request *request, const redisReply *reply)
{
    struct store_elsewhere all = {.host = request->host, .hour = request->hour};
    struct store_share share[SHARES_MAX];
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 3 || reply->elements % 4 != 3 ||
        reply->elements / 4 > SHARES_MAX || !take_elsewhere(reply, 0, &all.all) ||
        !take_names(reply->element[2], &all.seen_by))
        return false;
    for (size_t at = 3; at < reply->elements; at += 4) {
        const redisReply *key = reply->element[at];
        struct store_share *one = &share[all.count++];
        if (key->type != REDIS_REPLY_STRING || key->len >= DESTINATION_KEY_SIZE ||
            !take_elsewhere(reply, at + 1, &one->elsewhere) ||
            !take_names(reply->element[at + 3], &one->seen_by))
            return false;
        one->key = key->str;
        one->size = key->len;
    }
    all.share = share;
    if (request->store->heard)
        request->store->heard(request->store->heard_context, &all);
    return true;
}

/* --- what is not written of a forgotten host ---------------------------------------------------
 */

/* Of a host that was forgotten, and not by this sensor yet, nothing is written (store_forget.c),
 * and `gone` is returned. ARGV[1]: sensor. KEYS[3]: the forgotten; KEYS[4]: who took what; ARGV[5]:
 * host. Of a cluster KEYS[3]: by what number the host was forgotten; ARGV[5]: the number that this
 * sensor took. */
#define ALONE_BEGIN(gone)                                                                          \
    "local gone = redis.call('HGET', KEYS[3], ARGV[5])\n"                                          \
    "if gone and tonumber(string.match(gone, '^%d+')) >\n"                                         \
    "    tonumber(redis.call('HGET', KEYS[4], ARGV[1]) or '0') then return " gone " end\n"
#define CLUSTER_BEGIN(gone)                                                                        \
    "local gone = redis.call('GET', KEYS[3])\n"                                                    \
    "if gone and tonumber(gone) > tonumber(ARGV[5]) then return " gone " end\n"

/* A script whose own are KEYS[1] and [2], and ARGV[2] to [4]. */
struct script {
    const char *alone, *cluster;
    const char *key[2];
    const char *what; /* ARGV[2] */
    int64_t how;      /* ARGV[3] */
    int64_t ttl_ns;   /* ARGV[4], in ms */
};

static void send_script(struct store_request *request, const struct script *script,
                        const struct ip *host)
{
    struct store *store = request->store;
    char gone[2][STORE_KEY_SIZE], text[IP_TEXT_SIZE];
    bool cluster = store_is_cluster(store);
    struct words words = {.count = 0};
    words_text(&words, "EVAL");
    words_text(&words, cluster ? script->cluster : script->alone);
    words_number(&words, cluster ? 3 : 4);
    words_text(&words, script->key[0]);
    words_text(&words, script->key[1]);
    if (cluster) {
        words_text(&words, store_gone_key(store, host, gone[0]));
    } else {
        words_text(&words, store_forgotten_key(store, gone[0]));
        words_text(&words, store_taken_key(store, gone[1]));
    }
    words_text(&words, store->sensor);
    words_text(&words, script->what);
    words_number(&words, script->how);
    words_number(&words, script->ttl_ns / NS_PER_MS);
    if (cluster)
        words_number(&words, (int64_t)store->taken);
    else
        words_text(&words, ip_text(host, text));
    store_send(request, words.count, words.argv, words.size);
}

/* --- claims ----------------------------------------------------------------------------------- */

/* KEYS: claim, told. ARGV: sensor, E, whether it is told, for how long. Of a forgotten host it is
 * nobody's turn. */
#define NOBODYS "{0, ARGV[2]}"
/* Both are "E SENSOR"; what is no such text is nobody's. */
#define CLAIM                                                                                      \
    "local e = tonumber(ARGV[2])\n"                                                                \
    "local function read(key)\n"                                                                   \
    "  local most, who = string.match(redis.call('GET', key) or '', '^(%S+) (.*)$')\n"             \
    "  return tonumber(most or ''), who, most\n"                                                   \
    "end\n"                                                                                        \
    "local function write(key)\n"                                                                  \
    "  redis.call('SET', key, ARGV[2] .. ' ' .. ARGV[1], 'PX', ARGV[4])\n"                         \
    "  return {1, ARGV[2]}\n"                                                                      \
    "end\n"                                                                                        \
    "local claim, who = read(KEYS[1])\n"                                                           \
    "local told, teller, text = read(KEYS[2])\n"                                                   \
    "if ARGV[3] == '1' then\n"                                                                     \
    "  if who == ARGV[1] then redis.call('DEL', KEYS[1]) end\n"                                    \
    "  if told and told > e then return {1, text} end\n"                                           \
    "  return write(KEYS[2])\n"                                                                    \
    "end\n"                                                                                        \
    "if told and teller ~= ARGV[1] and e < " STORE_CLAIM_FACTOR " * told then\n"                   \
    "  return {2, text}\n"                                                                         \
    "end\n"                                                                                        \
    "if claim and who ~= ARGV[1] and e < " STORE_CLAIM_FACTOR " * claim then\n"                    \
    "  return {0, ARGV[2]}\n"                                                                      \
    "end\n"                                                                                        \
    "return write(KEYS[1])"

static const char alone_claim[] = ALONE_BEGIN(NOBODYS) CLAIM;
static const char cluster_claim[] = CLUSTER_BEGIN(NOBODYS) CLAIM;

static bool on_claimed(struct store_request *request, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_INTEGER ||
        reply->element[1]->type != REDIS_REPLY_STRING ||
        reply->element[0]->integer < STORE_CLAIM_OTHERS ||
        reply->element[0]->integer > STORE_CLAIM_TOLD)
        return false;
    double e = strtod(reply->element[1]->str, NULL);
    if (isfinite(e) && e > 0)
        request->claim.e = e;
    if (request->done.claimed)
        request->done.claimed(request->context, &request->claim,
                              (enum store_claimed)reply->element[0]->integer);
    return true;
}

void store_claim(struct store *store, const struct store_claim *claim, int64_t ttl_ns,
                 void (*done)(void *context, const struct store_claim *claim,
                              enum store_claimed claimed),
                 void *context)
{
    static const char *const kind[] = {"claim", "told"};
    char key[2][STORE_KEY_SIZE], text[IP_TEXT_SIZE], e[32];
    assert(!store->read_only);
    for (int i = 0; i < 2; i++)
        snprintf(key[i], sizeof key[i], "%s:{%s}:%s:%" PRId64 ":%u:%016" PRIx64, store->prefix,
                 ip_text(&claim->host, text), kind[i], claim->day, claim->side, claim->destination);
    snprintf(e, sizeof e, "%.17g", claim->e);
    struct store_request *request = store_request_new(store, "EVAL", on_claimed, context);
    request->done.claimed = done;
    request->claim = *claim;
    send_script(request,
                &(struct script){.alone = alone_claim,
                                 .cluster = cluster_claim,
                                 .key = {key[0], key[1]},
                                 .what = e,
                                 .how = claim->told,
                                 .ttl_ns = ttl_ns},
                &claim->host);
}

/* --- halves of a flow --------------------------------------------------------------------------
 */

/* KEYS: the flow, twice. ARGV: sensor, "out" or "in",
 * how many sensors a flow is kept of, for how long. Of several that see the other way it is the
 * first by name. */
#define NOBODY "''"
#define HALF                                                                                       \
    "local all = redis.call('HGETALL', KEYS[1])\n"                                                 \
    "local other, mine = '', false\n"                                                              \
    "for i = 1, #all, 2 do\n"                                                                      \
    "  if all[i] == ARGV[1] then mine = true\n"                                                    \
    "  elseif all[i + 1] ~= ARGV[2] and (other == '' or all[i] < other) then other = all[i] end\n" \
    "end\n"                                                                                        \
    "if mine or #all < 2 * tonumber(ARGV[3]) then\n"                                               \
    "  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])\n"                                            \
    "  redis.call('PEXPIRE', KEYS[1], ARGV[4])\n"                                                  \
    "end\n"                                                                                        \
    "return other"

static const char alone_half[] = ALONE_BEGIN(NOBODY) HALF;
static const char cluster_half[] = CLUSTER_BEGIN(NOBODY) HALF;

static bool on_half(struct store_request *request, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_STRING || reply->len > NAME_MAX_BYTES ||
        strlen(reply->str) != reply->len)
        return false;
    request->done.half(request->context, &request->half, reply->str);
    return true;
}

bool store_has_others(const struct store *store)
{
    return store->others > 0;
}

void store_put_half(struct store *store, const struct store_half *half, int64_t ttl_ns,
                    void (*done)(void *context, const struct store_half *half, const char *other),
                    void *context)
{
    char key[STORE_KEY_SIZE], text[IP_TEXT_SIZE];
    assert(!store->read_only);
    snprintf(key, sizeof key, "%s:{%s}:half:%016" PRIx64, store->prefix, ip_text(&half->host, text),
             half->flow);
    struct store_request *request = store_request_new(store, "EVAL", on_half, context);
    request->done.half = done;
    request->half = *half;
    send_script(request,
                &(struct script){.alone = alone_half,
                                 .cluster = cluster_half,
                                 .key = {key, key},
                                 .what = half->out ? "out" : "in",
                                 .how = STORE_HALF_SENSORS,
                                 .ttl_ns = ttl_ns},
                &half->host);
}
