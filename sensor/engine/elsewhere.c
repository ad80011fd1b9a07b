/* What other sensors see of the hosts that this one sees.
 *
 * With each minute's totals the store answers what others have written of the same host and hour
 * (store_elsewhere.c), while there are others. It is added where an open hour is judged: a transfer
 * over several uplinks is one transfer. What is learned is the fleet's sum anyhow. Who the others
 * are is kept of the hours that something may be told of: those that are open, and the one that was
 * closed last.
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
#include "weir/detect/seen_by.h"

#include <stdlib.h>
#include <string.h>

struct heard_entry {
    struct heard_entry *newer;
    struct entry entry;
    struct entry_elsewhere body; /* followed by its texts and shares */
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

static void put_text(struct buffer *out, const char *text, size_t size)
{
    buffer_le16(out, (uint16_t)size);
    buffer_put(out, text, size);
}

static void on_heard(void *context, const struct store_elsewhere *elsewhere)
{
    struct buffer shares = {0};
    if (elsewhere->all.alike == 0 && elsewhere->all.across == 0 && elsewhere->count == 0)
        return; /* nobody else saw it: nothing that a restart would have to know */
    put_text(&shares, elsewhere->seen_by, strlen(elsewhere->seen_by));
    for (size_t i = 0; i < elsewhere->count; i++) {
        const struct store_share *share = &elsewhere->share[i];
        buffer_le64(&shares, share->elsewhere.alike);
        buffer_le64(&shares, share->elsewhere.across);
        put_text(&shares, share->key, share->size);
        put_text(&shares, share->seen_by, strlen(share->seen_by));
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

void elsewhere_half(void *context, const struct store_half *half, const char *other)
{
    struct entry_elsewhere body = {.host = half->host,
                                   .alike = half->flow,
                                   .across = half->out,
                                   .size = (uint32_t)strlen(other),
                                   .what = ELSEWHERE_HALF};
    keep(context, &body, other);
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

/* Of hours before nothing is told any more: that a destination is seen by others, too, is still
 * counted there, not by whom. */
static bool is_told_of(const struct engine *engine, int64_t hour)
{
    return hour >= engine->closed_hour;
}

/* Who saw less than is known is from before. */
static void take_names(char **have, const struct elsewhere *known, const struct elsewhere *new,
                       const char *text, size_t size)
{
    if (size == 0 || new->alike < known->alike || new->across < known->across)
        return;
    free(*have);
    *have = xcalloc(1, size + 1);
    memcpy(*have, text, size);
}

static bool grow(struct elsewhere *have, const struct elsewhere *new)
{
    uint64_t alike = new->alike, across = new->across;
    bool grew = alike > have->alike || across > have->across;
    have->alike = alike > have->alike ? alike : have->alike;
    have->across = across > have->across ? across : have->across;
    return grew;
}

/* "" and 0 when there is none. */
static const char *take_text(struct cursor *in, size_t *size)
{
    uint16_t wanted = cursor_le16(in);
    const uint8_t *text = cursor_take(in, wanted);
    *size = text ? wanted : 0;
    return text ? (const char *)text : "";
}

static bool take_share(struct host_total *total, struct cursor *in, bool named)
{
    size_t key_size, size;
    struct elsewhere new = {.alike = cursor_le64(in)};
    new.across = cursor_le64(in);
    const char *key = take_text(in, &key_size);
    const char *names = take_text(in, &size);
    struct pair_total *pair = in->failed ? NULL : map_get(&total->pairs, key, key_size);
    if (!pair)
        return false;
    take_names(&pair->seen_by, &pair->elsewhere, &new, names, named ? size : 0);
    return grow(&pair->elsewhere, &new);
}

static bool take_seen(struct engine *engine, const struct entry_elsewhere *entry)
{
    struct host_total *total = totals_get(engine->totals, &entry->host, entry->hour);
    struct elsewhere new = {entry->alike, entry->across};
    struct cursor in = cursor_make(entry + 1, entry->size);
    bool named = is_told_of(engine, entry->hour);
    size_t size;
    if (!total)
        return false;
    const char *names = take_text(&in, &size);
    take_names(&total->seen_by, &total->elsewhere, &new, names, named ? size : 0);
    bool grew = grow(&total->elsewhere, &new);
    for (uint16_t i = 0; i < entry->count && !in.failed; i++)
        grew |= take_share(total, &in, named);
    return grew;
}

void elsewhere_take(struct engine *engine, const struct entry_elsewhere *entry)
{
    struct host *host = hosts_get(engine, &entry->host);
    if (entry->what == ELSEWHERE_HALF) { /* the host may be nobody's yet */
        halves_take(engine, entry);
        return;
    }
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

/* --- telling ---------------------------------------------------------------------------------- */

/* Others' bytes are those of their last word, its own are of now. Of the whole host shares are sums
 * over destinations; what they are counted as is by destination and vantage the most. */
void elsewhere_tell(const struct engine *engine, const struct host_total *total,
                    const struct destination *destination, struct finding *finding)
{
    const struct store_config *reach = engine->config.reach;
    const char *own = engine->config.sensor ? engine->config.sensor : "";
    const char *vantage = reach && reach->vantage && *reach->vantage ? reach->vantage : own;
    char key[DESTINATION_KEY_SIZE];
    const struct pair_total *pair =
        destination ? map_get(&total->pairs, key, destination_put_key(destination, key)) : NULL;
    const char *names = destination ? (pair ? pair->seen_by : NULL) : total->seen_by;
    const struct elsewhere *elsewhere = pair ? &pair->elsewhere : &total->elsewhere;
    uint64_t bytes = pair ? pair->out.value : total->out.value;
    struct seen_by seen;
    if (!names || !seen_parse(names, strlen(names), &seen) || seen.sensors == 0)
        return;
    seen_add(&seen, own, vantage, bytes);
    finding_add_seen(finding, &seen, elsewhere_with(elsewhere, bytes));
}

/* --- going ------------------------------------------------------------------------------------ */

static void forget_names(struct host_total *total)
{
    size_t position = 0;
    if (!total->seen_by) /* nor has a destination any */
        return;
    free(total->seen_by);
    total->seen_by = NULL;
    for (const struct map_entry *e; (e = map_next(&total->pairs, &position)) != NULL;) {
        struct pair_total *pair = e->value;
        free(pair->seen_by);
        pair->seen_by = NULL;
    }
}

void elsewhere_close(struct engine *engine, int64_t from)
{
    size_t count;
    struct host_total **total = totals_until(engine->totals, engine->closed_hour - 1, &count);
    for (size_t i = 0; i < count; i++)
        if (total[i]->hour >= from)
            forget_names(total[i]);
    free(total);
}

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
