/* Who of several sensors that find the same tells it.
 *
 * Who finds something asks for the claim to it: the host's day, the side of the evidence, the
 * destination that it leads to, and how much it is (E). The others are silent about that, not about
 * another destination, nor once they know SILENT_FACTOR as much: what one sensor saw alone is told
 * by it, whatever others told of the host. A claim is short, so that who dies before it tells is
 * followed by another one; that it was told is kept long, and said until the store has heard it:
 * who dies, or loses the store, behind its alert says it when it is back.
 *
 * What waits for an answer is held, and judged again when it comes, each ASK_AGAIN_NS of packet
 * time (also after a restart), and when the store goes: without it each sensor judges and tells by
 * itself, but what it knows to be told. A profile that was let go meanwhile is asked for. So it
 * tells when in ALONE_NS nobody was found to have told it, and before its hour is closed. Where by
 * then it leads to another destination, that is asked for first, and ASK_AGAIN_NS waited for: but
 * what goes on turning is told after twice ALONE_NS. Two hours are open at once, each with a
 * finding of its own: each has a claim a side. Bounds: four claims a host; what was held for
 * HELD_NS because its profile did not come is counted when no hour is left to tell it of
 * (findings_untold).
 *
 * Answers are taken in their places (elsewhere.c). Thread: the engine's. */
#include "checkpoint.h"
#include "close.h"
#include "entry.h"
#include "internal.h"
#include "memory.h"

#include "weir/base/cursor.h"
#include "weir/base/digest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CLAIM_NS     NS_PER_MIN          /* until it is told */
#define CLAIM_DAY_NS (26 * NS_PER_HOUR)  /* that it was */
#define SHARED_NS    (168 * NS_PER_HOUR) /* others who saw a host within it are asked */
#define ASK_AGAIN_NS (30 * NS_PER_S)     /* another's claim may have run out */
#define ALONE_NS     (3 * NS_PER_MIN)
#define HELD_NS      (10 * NS_PER_MIN)
#define E_MAX        1e300 /* a number that the store's script takes */

/* --- claims ----------------------------------------------------------------------------------- */

static struct claim *claim_at(const struct host *host, unsigned side, int64_t hour)
{
    return &host->claims->of[(size_t)(side % EVIDENCE_SIDES) * OPEN_HOURS + (hour & 1)];
}

static bool is_of(const struct claim *claim, int64_t day, uint64_t destination)
{
    return claim->day == day && claim->destination == destination;
}

static uint64_t name_of(const struct telling *telling)
{
    char key[DESTINATION_KEY_SIZE];
    if (!telling->destination)
        return 0;
    destination_key(telling->destination, key);
    return hash64(key, strlen(key), 0);
}

/* What was of an hour two before is dropped: a close leaves nothing held (claims_close). */
static struct claim *claim_of(struct host *host, const struct telling *telling)
{
    if (!host->claims)
        host->claims = xcalloc(1, sizeof *host->claims);
    struct claim *claim = claim_at(host, telling->side, telling->hour);
    if (claim->hour != telling->hour)
        *claim = (struct claim){.hour = telling->hour};
    return claim;
}

/* `since_ns`: it is asked for again and again, for just this. */
static void set_claim(struct claim *claim, const struct telling *telling, enum claim_state state,
                      int64_t clock_ns)
{
    if (!is_of(claim, telling->day, name_of(telling)))
        claim->since_ns = clock_ns;
    claim->day = telling->day;
    claim->destination = name_of(telling);
    claim->e = fmin(telling->e, E_MAX);
    claim->state = state;
    claim->asked_ns = clock_ns;
}

static void send_claim(struct engine *engine, const struct host *host, unsigned side,
                       const struct claim *claim)
{
    struct store *store = memory_store(engine);
    bool told = claim->state == CLAIM_SAYING;
    struct store_claim send = {.host = host->ip,
                               .day = claim->day,
                               .side = side,
                               .destination = claim->destination,
                               .e = claim->e,
                               .told = told};
    if (store && !checkpoint_replaying(engine))
        store_claim(store, &send, told ? CLAIM_DAY_NS : CLAIM_NS, elsewhere_claimed, engine);
}

/* --- what waits to be told, and what to be said ------------------------------------------------
 */

/* The grid of looks goes on where no record does. */
static int64_t clock_of(const struct engine *engine, struct ptime now)
{
    int64_t looked_ns = engine->sight.next.ns - SIGHT_LOOK_NS;
    return engine->sight.next.ns != INT64_MIN && looked_ns > now.ns ? looked_ns : now.ns;
}

static bool waits(const struct host *host)
{
    for (int i = 0; host->claims && i < CLAIMS; i++)
        if (host->claims->of[i].held_ns != 0 || host->claims->of[i].state == CLAIM_SAYING)
            return true;
    return false;
}

void claims_restore(struct engine *engine, struct host *host)
{
    struct heard *heard = &engine->heard;
    if (host->held || !waits(host))
        return;
    if (heard->held_count == heard->held_room) {
        heard->held_room = heard->held_room ? 2 * heard->held_room : 16;
        heard->held = xrealloc(heard->held, heard->held_room * sizeof *heard->held);
    }
    heard->held[heard->held_count++] = host->ip;
    host->held = true;
}

/* Is an hour of its day still open? Where not, there is nothing that could be judged again. */
static bool is_open(struct engine *engine, const struct host *host, const struct claim *claim)
{
    struct ptime now = engine->counts.last;
    int64_t newest = account_hour(engine, now).hour;
    for (int64_t hour = newest - 1; hour <= newest; hour++)
        if (totals_get(engine->totals, &host->ip, hour) &&
            close_civil(engine, hour, now).day == claim->day)
            return true;
    return false;
}

/* True: it is time to judge it again. What is held for so long and could be judged was told as
 * something else, or is no longer anything. */
static bool is_due(struct engine *engine, const struct host *host, struct claim *claim,
                   int64_t at_ns)
{
    if (claim->held_ns == 0)
        return false;
    if (at_ns - claim->held_ns < HELD_NS)
        return at_ns - claim->asked_ns >= ASK_AGAIN_NS;
    claim->held_ns = 0;
    engine->counts.findings_untold += !host->blob || !is_open(engine, host, claim);
    return false;
}

static bool look_again(struct engine *engine, struct host *host, int64_t at_ns, bool all)
{
    bool due = false;
    for (unsigned i = 0; host->claims && i < CLAIMS; i++) {
        struct claim *claim = &host->claims->of[i];
        due |= is_due(engine, host, claim, at_ns);
        if (claim->state != CLAIM_SAYING || (!all && at_ns - claim->asked_ns < ASK_AGAIN_NS))
            continue;
        claim->asked_ns = at_ns;
        send_claim(engine, host, i / OPEN_HOURS, claim);
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
        if ((look_again(engine, host, at_ns, all) || all) && loads_need(engine, host))
            account_again_whole(engine, host);
        claims_restore(engine, host);
    }
    free(ip);
}

void claims_look(struct engine *engine, struct ptime at)
{
    if (engine->heard.held_count > 0)
        judge_held(engine, at.ns, false);
}

/* Their claims were waited for as long as could be: each tells by itself. */
void claims_close(struct engine *engine, int64_t through)
{
    int64_t clock_ns = clock_of(engine, engine->counts.last);
    bool any = false;
    for (size_t i = 0; i < engine->heard.held_count; i++) {
        struct host *host = hosts_get(engine, &engine->heard.held[i]);
        for (int k = 0; host && host->claims && k < CLAIMS; k++) {
            struct claim *claim = &host->claims->of[k];
            if (claim->held_ns == 0 || claim->hour > through)
                continue;
            if (clock_ns - claim->held_ns < 2 * ALONE_NS)
                claim->held_ns = clock_ns - 2 * ALONE_NS;
            any = true;
        }
    }
    if (any)
        judge_held(engine, clock_ns, true);
}

/* --- taking … and telling --------------------------------------------------------------------- */

/* `e`: of a TOLD, how much the other told. True: it was asked, and is judged again: what is to be
 * told may have become more, or another's. */
static bool take_claim(struct engine *engine, struct claim *claim, enum store_claimed claimed,
                       double e)
{
    if (claim->state != CLAIM_ASKED)
        return false;
    claim->state = claimed == STORE_CLAIM_MINE ? CLAIM_MINE : CLAIM_OTHERS;
    if (claimed == STORE_CLAIM_TOLD) {
        claim->state = CLAIM_TOLD;
        claim->e = e;
        claim->held_ns = 0;
        engine->counts.told_elsewhere++;
    }
    return true;
}

void claims_take(struct engine *engine, struct host *host, const struct entry_elsewhere *entry)
{
    struct cursor in = cursor_make(entry + 1, entry->size);
    double e;
    const uint8_t *bits = cursor_take(&in, sizeof e);
    memcpy(&e, bits ? bits : (const void *)&(double){0}, sizeof e);
    bool asked = false;
    for (int64_t hour = 0; host->claims && hour < OPEN_HOURS; hour++) {
        struct claim *claim = claim_at(host, entry->count, hour);
        if (!is_of(claim, entry->hour, entry->alike))
            continue;
        if (entry->what == ELSEWHERE_CLAIMED)
            asked |= take_claim(engine, claim, (enum store_claimed)entry->across, e);
        else if (claim->state == CLAIM_SAYING)
            claim->state = CLAIM_SAID;
    }
    if (asked)
        account_again_whole(engine, host);
}

static bool is_shared(const struct engine *engine, const struct host *host, struct ptime now)
{
    return engine->config.live && host->shared_ns != 0 && now.ns - host->shared_ns < SHARED_NS;
}

/* What is known of just this, or CLAIM_NONE. A claim that was not told by has run out in the store
 * by then. */
static enum claim_state known_of(const struct claim *claim, const struct telling *telling,
                                 int64_t clock_ns)
{
    double e = fmin(telling->e, E_MAX);
    if (!is_of(claim, telling->day, name_of(telling)))
        return CLAIM_NONE;
    switch ((enum claim_state)claim->state) {
    case CLAIM_ASKED:
        return CLAIM_ASKED;
    case CLAIM_MINE:
        return e < SILENT_FACTOR * claim->e && clock_ns - claim->asked_ns < CLAIM_NS ? CLAIM_MINE
                                                                                     : CLAIM_NONE;
    case CLAIM_OTHERS:
        return e <= claim->e ? CLAIM_OTHERS : CLAIM_NONE;
    case CLAIM_TOLD:
        return e < SILENT_FACTOR * claim->e ? CLAIM_TOLD : CLAIM_NONE;
    case CLAIM_NONE:
    case CLAIM_SAYING:
    case CLAIM_SAID:
        break;
    }
    return CLAIM_NONE;
}

/* What another told in the other open hour stays told in this one, and in those after it; what is
 * not said yet keeps its place. */
static void set_told(struct claim *claim, const struct claim *other)
{
    int64_t hour = claim->hour;
    if (claim->state == CLAIM_SAYING)
        return;
    *claim = *other;
    claim->hour = hour;
}

static bool waited_enough(const struct claim *claim, const struct telling *telling,
                          int64_t clock_ns)
{
    int64_t held_ns = claim->held_ns != 0 ? clock_ns - claim->held_ns : 0;
    if (held_ns >= 2 * ALONE_NS)
        return true;
    return held_ns >= ALONE_NS && is_of(claim, telling->day, name_of(telling)) &&
           clock_ns - claim->since_ns >= ASK_AGAIN_NS;
}

bool claims_may_tell(struct engine *engine, struct host *host, const struct telling *telling,
                     struct ptime now)
{
    if (!is_shared(engine, host, now))
        return true;
    struct claim *claim = claim_of(host, telling);
    int64_t clock_ns = clock_of(engine, now);
    bool alone =
        engine->memory.state != ENGINE_STORE_HERE || waited_enough(claim, telling, clock_ns);
    enum claim_state known = known_of(claim, telling, clock_ns);
    const struct claim *other = claim_at(host, telling->side, telling->hour + 1);
    if (known == CLAIM_NONE && known_of(other, telling, clock_ns) == CLAIM_TOLD) {
        set_told(claim, other);
        known = CLAIM_TOLD;
    }
    if (known == CLAIM_TOLD || known == CLAIM_MINE || alone) {
        claim->held_ns = 0;
        return known != CLAIM_TOLD;
    }
    if (known == CLAIM_NONE || clock_ns - claim->asked_ns >= ASK_AGAIN_NS) {
        set_claim(claim, telling, CLAIM_ASKED, clock_ns);
        send_claim(engine, host, telling->side, claim);
    }
    if (claim->held_ns == 0)
        claim->held_ns = clock_ns;
    claims_restore(engine, host);
    return false;
}

/* What the other open hour holds of that day and side is told with it, unless it is much more. */
void claims_told(struct engine *engine, struct host *host, const struct telling *telling)
{
    if (!is_shared(engine, host, engine->counts.last))
        return;
    struct claim *claim = claim_of(host, telling);
    set_claim(claim, telling, CLAIM_SAYING, clock_of(engine, engine->counts.last));
    for (int64_t hour = 0; hour < OPEN_HOURS; hour++) {
        struct claim *held = claim_at(host, telling->side, hour);
        if (held->day == telling->day && held->e < SILENT_FACTOR * telling->e)
            held->held_ns = 0;
    }
    send_claim(engine, host, telling->side, claim);
    claims_restore(engine, host);
}

/* The store went, or came: what waited is judged again, and what is not said yet is said. */
void claims_abandon(struct engine *engine)
{
    judge_held(engine, engine->counts.last.ns, true);
}
