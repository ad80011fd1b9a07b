/* What other sensors see of the hosts that this one sees.
 *
 * With each minute's totals the store answers what others have written of the same host and hour
 * (store_elsewhere.c), while there are others. It is added where an open hour is judged: a transfer
 * over several uplinks is one transfer. What is learned is the fleet's sum anyhow.
 *
 * All that see it find the same then; who of them tells is in claims.c.
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
    if (elsewhere->all.alike == 0 && elsewhere->all.across == 0 && elsewhere->count == 0)
        return; /* nobody else saw it: nothing that a restart would have to know */
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

void elsewhere_claimed(void *context, const struct store_claim *claim, enum store_claimed claimed)
{
    struct entry_elsewhere body = {.host = claim->host,
                                   .hour = claim->day,
                                   .alike = claim->destination,
                                   .across = claimed,
                                   .size = sizeof claim->e,
                                   .count = (uint16_t)claim->side,
                                   .what = claim->told ? ELSEWHERE_SAID : ELSEWHERE_CLAIMED};
    keep(context, &body, &claim->e);
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

void elsewhere_take(struct engine *engine, const struct entry_elsewhere *entry)
{
    struct host *host = hosts_get(engine, &entry->host);
    if (!host)
        return;
    if (entry->what != ELSEWHERE_SEEN) {
        claims_take(engine, host, entry);
        return;
    }
    if (entry->alike > 0 || entry->across > 0)
        host->shared_ns = engine->counts.last.ns;
    if (take_seen(engine, entry))
        account_again_whole(engine, host);
}

/* --- going ------------------------------------------------------------------------------------ */

static void drop_answers(struct engine *engine)
{
    for (struct heard_entry *one; (one = engine->heard.oldest) != NULL;) {
        engine->heard.oldest = one->newer;
        free(one);
    }
    engine->heard.newest = NULL;
}

void elsewhere_abandon(struct engine *engine)
{
    drop_answers(engine);
    claims_abandon(engine);
}

void elsewhere_fini(struct engine *engine)
{
    drop_answers(engine);
    free(engine->heard.held);
}
