/* What other sensors see of the hosts that this one sees, and who of them tells.
 *
 * With each minute's totals the store answers what others have written of the same host and hour
 * (store_elsewhere.c), while there are others. It is added where an open hour is judged: a transfer
 * over several uplinks is one transfer. What is learned is the fleet's sum anyhow.
 *
 * Then all that see it find the same, and one tells. Who finds something asks for the claim to it:
 * the host's day, the side of the evidence, the destination that it leads to, and how much it is
 * (E). The others are silent about that, not about another destination, nor once they know
 * SILENT_FACTOR as much: what one sensor saw alone is told by it, whatever others told of the host.
 * A claim is short until it was told by, so that who dies in between is followed by another one,
 * and long from then on.
 *
 * What waits for an answer is held, and judged again when it comes, each ASK_AGAIN_NS of packet
 * time (also after a restart), and when the store goes: without it each sensor judges and tells by
 * itself. So it does when in ALONE_NS nobody was found to have told it. Bounds: a claim a host and
 * side; what was held for HELD_NS, because its hours are closed, is counted (findings_untold).
 *
 * Answers come at any moment, so each is logged and taken in its place between two records, as
 * profiles are (loads.c): a restart goes through the same. Thread: the engine's. */
#include "checkpoint.h"
#include "entry.h"
#include "internal.h"
#include "memory.h"

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"
#include "weir/base/digest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CLAIM_NS     NS_PER_MIN          /* until it is told */
#define CLAIM_DAY_NS (26 * NS_PER_HOUR)  /* once it was */
#define SHARED_NS    (168 * NS_PER_HOUR) /* others who saw a host within it are asked */
#define ASK_AGAIN_NS (30 * NS_PER_S)     /* another's claim may have run out */
#define ALONE_NS     (3 * NS_PER_MIN)
#define HELD_NS      (10 * NS_PER_MIN)
#define E_MAX        1e300 /* a number that the store's script takes */

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

static void on_claimed(void *context, const struct store_claim *claim, enum store_claimed claimed)
{
    struct entry_elsewhere body = {.host = claim->host,
                                   .hour = claim->day,
                                   .alike = claim->destination,
                                   .across = claimed,
                                   .count = (uint16_t)claim->side,
                                   .what = ELSEWHERE_CLAIMED};
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

/* --- what waits to be told -------------------------------------------------------------------- */

/* The grid of looks goes on where no record does. */
static int64_t clock_of(const struct engine *engine, struct ptime now)
{
    int64_t looked_ns = engine->sight.next.ns - SIGHT_LOOK_NS;
    return engine->sight.next.ns != INT64_MIN && looked_ns > now.ns ? looked_ns : now.ns;
}

static bool is_held(const struct host *host)
{
    for (int side = 0; side < EVIDENCE_SIDES; side++)
        if (host->claim[side].held_ns != 0)
            return true;
    return false;
}

void elsewhere_restore(struct engine *engine, struct host *host)
{
    struct heard *heard = &engine->heard;
    if (host->held || !is_held(host))
        return;
    if (heard->held_count == heard->held_room) {
        heard->held_room = heard->held_room ? 2 * heard->held_room : 16;
        heard->held = xrealloc(heard->held, heard->held_room * sizeof *heard->held);
    }
    heard->held[heard->held_count++] = host->ip;
    host->held = true;
}

static void hold(struct engine *engine, struct host *host, struct claim *claim, int64_t clock_ns)
{
    if (claim->held_ns == 0)
        claim->held_ns = clock_ns;
    elsewhere_restore(engine, host);
}

/* Where not, there is nothing that could be judged again. */
static bool has_open_hour(struct engine *engine, const struct host *host)
{
    int64_t hour = account_hour(engine, engine->counts.last).hour;
    return totals_get(engine->totals, &host->ip, hour) ||
           totals_get(engine->totals, &host->ip, hour - 1);
}

/* True: it is time to judge it again. What is held for so long and has an open hour was told as
 * something else, or is no longer anything. */
static bool is_due(struct engine *engine, struct host *host, int64_t at_ns)
{
    bool due = false;
    for (int side = 0; side < EVIDENCE_SIDES; side++) {
        struct claim *claim = &host->claim[side];
        if (claim->held_ns == 0)
            continue;
        due |= at_ns - claim->asked_ns >= ASK_AGAIN_NS;
        if (at_ns - claim->held_ns < HELD_NS)
            continue;
        claim->held_ns = 0;
        engine->counts.findings_untold += !has_open_hour(engine, host);
    }
    return due;
}

static int by_address(const void *left, const void *right)
{
    return ip_compare(left, right);
}

/* Of each host in the list; `all`: whenever it was asked. In the order of addresses, which a
 * restart does not change. */
static void judge_held(struct engine *engine, int64_t at_ns, bool all)
{
    struct ip *ip = engine->heard.held;
    size_t count = engine->heard.held_count;
    engine->heard.held = NULL;
    engine->heard.held_count = engine->heard.held_room = 0;
    if (count > 1)
        qsort(ip, count, sizeof *ip, by_address);
    for (size_t i = 0; i < count; i++) {
        struct host *host = hosts_get(engine, &ip[i]);
        if (!host)
            continue;
        host->held = false;
        if (is_due(engine, host, at_ns) || all)
            account_again_whole(engine, host);
        elsewhere_restore(engine, host);
    }
    free(ip);
}

void elsewhere_look(struct engine *engine, struct ptime at)
{
    if (engine->heard.held_count > 0)
        judge_held(engine, at.ns, false);
}

/* --- taking … and telling --------------------------------------------------------------------- */

/* In any case judged again: what is to be told may have become more, or another's. */
static void take_claim(struct engine *engine, struct host *host,
                       const struct entry_elsewhere *entry)
{
    struct claim *claim = &host->claim[entry->count % EVIDENCE_SIDES];
    if (claim->state != CLAIM_ASKED || claim->day != entry->hour ||
        claim->destination != entry->alike)
        return;
    if (entry->across == STORE_CLAIM_TOLD) {
        claim->state = CLAIM_TOLD;
        claim->held_ns = 0;
        engine->counts.told_elsewhere++;
    } else {
        claim->state = entry->across == STORE_CLAIM_MINE ? CLAIM_MINE : CLAIM_OTHERS;
    }
    account_again_whole(engine, host);
}

void elsewhere_take(struct engine *engine, const struct entry_elsewhere *entry)
{
    struct host *host = hosts_get(engine, &entry->host);
    if (!host)
        return;
    if (entry->what == ELSEWHERE_CLAIMED) {
        take_claim(engine, host, entry);
        return;
    }
    if (entry->alike > 0 || entry->across > 0)
        host->shared_ns = engine->counts.last.ns;
    if (take_seen(engine, entry))
        account_again_whole(engine, host);
}

static uint64_t name_of(const struct telling *telling)
{
    char key[DESTINATION_KEY_SIZE];
    if (!telling->destination)
        return 0;
    destination_key(telling->destination, key);
    return hash64(key, strlen(key), 0);
}

static void send_claim(struct engine *engine, const struct host *host,
                       const struct telling *telling, bool told)
{
    struct store *store = memory_store(engine);
    struct store_claim claim = {.host = host->ip,
                                .day = telling->day,
                                .side = telling->side,
                                .destination = name_of(telling),
                                .e = fmin(telling->e, E_MAX),
                                .told = told};
    if (store && !checkpoint_replaying(engine))
        store_claim(store, &claim, told ? CLAIM_DAY_NS : CLAIM_NS, told ? NULL : on_claimed,
                    engine);
}

static void set_claim(struct claim *claim, const struct telling *telling, enum claim_state state)
{
    claim->day = telling->day;
    claim->destination = name_of(telling);
    claim->e = fmin(telling->e, E_MAX);
    claim->state = state;
}

static bool is_shared(const struct engine *engine, const struct host *host, struct ptime now)
{
    return engine->config.live && engine->memory.state == ENGINE_STORE_HERE &&
           host->shared_ns != 0 && now.ns - host->shared_ns < SHARED_NS;
}

/* What the store said of just this, or CLAIM_NONE. */
static enum claim_state known_of(const struct claim *claim, const struct telling *telling)
{
    double e = fmin(telling->e, E_MAX);
    if (claim->day != telling->day || claim->destination != name_of(telling))
        return CLAIM_NONE;
    if (claim->state == CLAIM_MINE)
        return e < SILENT_FACTOR * claim->e ? CLAIM_MINE : CLAIM_NONE;
    return claim->state == CLAIM_ASKED || e <= claim->e ? (enum claim_state)claim->state
                                                        : CLAIM_NONE;
}

bool elsewhere_may_tell(struct engine *engine, struct host *host, const struct telling *telling,
                        struct ptime now)
{
    struct claim *claim = &host->claim[telling->side];
    int64_t clock_ns = clock_of(engine, now);
    bool alone = claim->held_ns != 0 && clock_ns - claim->held_ns >= ALONE_NS;
    enum claim_state known = known_of(claim, telling);
    if (known == CLAIM_MINE || alone || !is_shared(engine, host, now)) {
        claim->held_ns = 0;
        return true;
    }
    if (known == CLAIM_TOLD)
        return false;
    if (known == CLAIM_NONE || clock_ns - claim->asked_ns >= ASK_AGAIN_NS) {
        set_claim(claim, telling, CLAIM_ASKED);
        claim->asked_ns = clock_ns;
        send_claim(engine, host, telling, false);
    }
    hold(engine, host, claim, clock_ns);
    return false;
}

void elsewhere_told(struct engine *engine, struct host *host, const struct telling *telling)
{
    set_claim(&host->claim[telling->side], telling, CLAIM_MINE);
    if (is_shared(engine, host, engine->counts.last))
        send_claim(engine, host, telling, true);
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
    judge_held(engine, engine->counts.last.ns, true);
}

void elsewhere_fini(struct engine *engine)
{
    drop_answers(engine);
    free(engine->heard.held);
}
