/* What other sensors see of the hosts that this one sees, and who of them tells.
 *
 * With each minute's totals the store answers what others have written of the same host and hour
 * (store_elsewhere.c), while there are others. It is added where an open hour is judged: a transfer
 * over several uplinks is one transfer. What is learned is the fleet's sum anyhow.
 *
 * Then all that see it find the same. The first that does claims the host's day and tells; others
 * are silent on that day. A claim is short until it was told by, so that who dies in between is
 * followed by another one, and long from then on. Without the store each sensor judges and tells by
 * itself.
 *
 * Answers come at any moment, so each is logged and taken in its place between two records, as
 * profiles are (loads.c): a restart goes through the same. Thread: the engine's. */
#include "checkpoint.h"
#include "entry.h"
#include "internal.h"
#include "memory.h"

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"

#include <stdlib.h>
#include <string.h>

#define CLAIM_NS     (3 * NS_PER_MIN)       /* until it is told */
#define CLAIM_DAY_NS (26 * NS_PER_HOUR)     /* once it was */
#define SHARED_NS    (7 * 24 * NS_PER_HOUR) /* others who saw a host within it are asked */
#define ASK_AGAIN_NS (3 * NS_PER_MIN)       /* another's claim may have run out */

struct heard_entry {
    struct heard_entry *newer;
    struct entry entry;
    struct entry_elsewhere body; /* followed by its shares */
};

/* --- hearing ---------------------------------------------------------------------------------- */

static void keep(struct engine *engine, const struct entry_elsewhere *body, const void *shares)
{
    size_t padded = (body->size + 7u) & ~(size_t)7;
    struct heard_entry *one = xcalloc(1, sizeof *one + padded);
    one->entry =
        (struct entry){.kind = ENTRY_ELSEWHERE, .size = (uint32_t)(sizeof one->body + padded)};
    one->body = *body;
    if (body->size > 0)
        memcpy(one + 1, shares, body->size);
    *(engine->heard.newest ? &engine->heard.newest->newer : &engine->heard.oldest) = one;
    engine->heard.newest = one;
    engine_pump(engine);
}

static void on_heard(void *context, const struct store_elsewhere *elsewhere)
{
    struct buffer shares = {0};
    for (size_t i = 0; i < elsewhere->count; i++) {
        const struct store_share *share = &elsewhere->share[i];
        buffer_le64(&shares, share->elsewhere.alike);
        buffer_le64(&shares, share->elsewhere.across);
        buffer_le16(&shares, (uint16_t)share->size);
        buffer_put(&shares, share->key, share->size);
    }
    struct entry_elsewhere body = {.host = elsewhere->host,
                                   .hour = elsewhere->hour,
                                   .alike = elsewhere->all.alike,
                                   .across = elsewhere->all.across,
                                   .size = (uint32_t)shares.size,
                                   .count = (uint16_t)elsewhere->count,
                                   .what = ELSEWHERE_SEEN};
    keep(context, &body, shares.data);
    buffer_fini(&shares);
}

static void on_claimed(void *context, const struct ip *host, int64_t day, bool mine)
{
    struct entry_elsewhere body = {
        .host = *host, .hour = day, .what = mine ? ELSEWHERE_MINE : ELSEWHERE_OTHERS};
    keep(context, &body, NULL);
}

void elsewhere_hear(struct engine *engine, struct store *store)
{
    if (engine->config.live)
        store_hear_elsewhere(store, on_heard, engine);
}

bool elsewhere_take_answers(struct engine *engine)
{
    struct heard *heard = &engine->heard;
    struct heard_entry *one = heard->oldest;
    if (!one || engine->finished)
        return false;
    heard->oldest = one->newer;
    if (!heard->oldest)
        heard->newest = NULL;
    if (engine->checkpoint)
        checkpoint_log(engine, (uint8_t *)&one->entry, sizeof one->entry + one->entry.size);
    elsewhere_take(engine, &one->body);
    free(one);
    return true;
}

/* --- taking ----------------------------------------------------------------------------------- */

static bool grow(struct elsewhere *have, uint64_t alike, uint64_t across)
{
    bool grew = alike > have->alike || across > have->across;
    have->alike = alike > have->alike ? alike : have->alike;
    have->across = across > have->across ? across : have->across;
    return grew;
}

static bool take_seen(struct engine *engine, const struct entry_elsewhere *entry)
{
    struct host_total *total = totals_get(engine->totals, &entry->host, entry->hour);
    struct cursor in = cursor_make(entry + 1, entry->size);
    if (!total)
        return false;
    bool grew = grow(&total->elsewhere, entry->alike, entry->across);
    for (uint16_t i = 0; i < entry->count && !in.failed; i++) {
        uint64_t alike = cursor_le64(&in), across = cursor_le64(&in);
        uint16_t size = cursor_le16(&in);
        const uint8_t *key = cursor_take(&in, size);
        struct pair_total *pair = key ? map_get(&total->pairs, key, size) : NULL;
        grew |= pair && grow(&pair->elsewhere, alike, across);
    }
    return grew;
}

/* It was told by now, if it is to be: the claim lasts. */
static void confirm(struct engine *engine, const struct host *host, int64_t day)
{
    struct store *store = memory_store(engine);
    if (store && !checkpoint_replaying(engine))
        store_claim(store, &host->ip, day, CLAIM_DAY_NS, NULL, NULL);
}

void elsewhere_take(struct engine *engine, const struct entry_elsewhere *entry)
{
    struct host *host = hosts_get(engine, &entry->host);
    if (!host)
        return;
    if (entry->what == ELSEWHERE_SEEN) {
        if (entry->alike > 0 || entry->across > 0)
            host->claim.seen_ns = engine->counts.last.ns;
        if (take_seen(engine, entry))
            account_again_whole(engine, host);
    } else if (host->claim.day == entry->hour) {
        host->claim.state = entry->what == ELSEWHERE_MINE ? CLAIM_MINE : CLAIM_OTHERS;
        if (host->claim.state == CLAIM_MINE) {
            account_again_whole(engine, host);
            confirm(engine, host, entry->hour);
        }
    }
}

/* --- telling ---------------------------------------------------------------------------------- */

static void ask(struct engine *engine, struct host *host, int64_t day, struct ptime now)
{
    struct store *store = memory_store(engine);
    host->claim.day = day;
    host->claim.state = CLAIM_ASKED;
    host->claim.asked_ns = now.ns;
    if (store && !checkpoint_replaying(engine))
        store_claim(store, &host->ip, day, CLAIM_NS, on_claimed, engine);
}

bool elsewhere_may_tell(struct engine *engine, struct host *host, int64_t day, struct ptime now)
{
    const struct claim *claim = &host->claim;
    bool shared = claim->seen_ns != 0 && now.ns - claim->seen_ns < SHARED_NS;
    if (!engine->config.live || engine->memory.state != ENGINE_STORE_HERE)
        return true;
    if (claim->day == day && claim->state == CLAIM_MINE)
        return true;
    if (!shared)
        return true;
    if (claim->day != day || claim->state == CLAIM_NONE || now.ns - claim->asked_ns > ASK_AGAIN_NS)
        ask(engine, host, day, now);
    return false;
}

void elsewhere_abandon(struct engine *engine)
{
    size_t position = 0;
    for (struct heard_entry *one; (one = engine->heard.oldest) != NULL;) {
        engine->heard.oldest = one->newer;
        free(one);
    }
    engine->heard.newest = NULL;
    for (const struct map_entry *e; (e = map_next(&engine->hosts, &position)) != NULL;) {
        struct host *host = e->value;
        if (host->claim.state == CLAIM_ASKED)
            host->claim.state = CLAIM_NONE;
    }
}
