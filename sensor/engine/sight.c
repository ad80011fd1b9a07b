/* Signs of life, and looking for silences.
 *
 * Reports are late: a packet is told ≤ 10 s after it came, a flow's interval starts with its first
 * unreported packet and ends with its last. So a sign is an interval, signs overlap, and what was
 * last seen looks up to 10 s older than it is. A gap between signs may seem 10 s longer than it
 * was, never shorter, which at most raises a threshold. A report of health that grew only says that
 * some packet came after the report before: that is the sign (of a blind tap: the report itself,
 * not to end a blindness before its time).
 *
 * Wider explains narrower: while the tap was silent for 15 s nothing else is looked at (either it
 * comes back at once or it is blind itself), and when it comes back all other silences count from
 * there. When both directions fell silent with a VLAN, that VLAN was the way out: it alone is told.
 * Hosts of a silent VLAN, and all hosts while both directions are silent, are not counted.
 *
 * A silence that was told does not count against usualness: the subject is usual again with its
 * next sign. As a longest silence it counts 60 s at most: what comes and goes is told less
 * eagerly, a cable that is pulled twice in an hour is still told twice.
 *
 * Looks fall on a grid of packet time and see exactly the records before them, however records and
 * watermarks arrived: the same records give the same silences. Thread: the engine's. */
#include "sight.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define BIN_NS     (10 * NS_PER_MIN)
#define WAIT_NS    (15 * NS_PER_S)
#define TOLD_NS    (60 * NS_PER_S)
#define HOSTS_NS   (SIGHT_SILENT_NS + SIGHT_SLOT_NS)
#define JUMP_LOOKS (2 * SIGHT_GONE_NS / SIGHT_LOOK_NS)

void sight_init(struct sight *sight)
{
    *sight = (struct sight){.next = PTIME_MIN, .floor = PTIME_MIN};
    sight->vlan = xcalloc(SIGHT_VLANS, sizeof *sight->vlan);
    for (size_t i = 0; i < ENGINE_WORKERS_MAX; i++)
        sight->health[i] = PTIME_MIN;
}

void sight_fini(struct sight *sight)
{
    free(sight->vlan);
}

/* --- one subject ------------------------------------------------------------------------------ */

/* Packet time may lie before 1970. */
static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static int64_t slot_of(struct ptime time)
{
    return floor_divide(time.ns, SIGHT_SLOT_NS);
}

static struct ptime later(struct ptime a, struct ptime b)
{
    return a.ns > b.ns ? a : b;
}

static int64_t *bin_at(struct sign *sign, int64_t bin)
{
    return &sign->longest_ns[(bin % SIGHT_BINS + SIGHT_BINS) % SIGHT_BINS];
}

static void advance_bins(struct sign *sign, struct ptime now)
{
    int64_t bin = floor_divide(now.ns, BIN_NS);
    if (bin - sign->bin >= SIGHT_BINS)
        memset(sign->longest_ns, 0, sizeof sign->longest_ns);
    else
        for (int64_t i = sign->bin + 1; i <= bin; i++)
            *bin_at(sign, i) = 0;
    if (bin > sign->bin)
        sign->bin = bin;
}

static void note_gap(struct sign *sign, struct ptime since, struct ptime from)
{
    int64_t gap_ns = from.ns - since.ns;
    int64_t most_ns = sign->blind ? TOLD_NS : SIGHT_GONE_NS / 3;
    advance_bins(sign, from);
    if (gap_ns > most_ns)
        gap_ns = most_ns;
    int64_t *longest_ns = bin_at(sign, sign->bin);
    if (sign->usual && gap_ns > *longest_ns)
        *longest_ns = gap_ns;
}

/* Slots of a silence that the tap explains, or that was told, are not watched ones. */
static void move_to(struct sign *sign, struct ptime since, struct ptime to)
{
    if (sign->slot < slot_of(since) - 1)
        sign->slot = slot_of(since) - 1;
    int64_t slots = slot_of(to) - sign->slot;
    if (slots <= 0)
        return;
    sign->active = slots < 64 ? sign->active << (unsigned)slots : 0;
    sign->slot += slots;
    sign->slots = slots < SIGHT_SLOTS ? sign->slots + (uint32_t)slots : SIGHT_SLOTS;
    if (sign->slots > SIGHT_SLOTS)
        sign->slots = SIGHT_SLOTS;
}

static void mark(struct sign *sign, struct ptime time)
{
    int64_t back = sign->slot - slot_of(time);
    if (back >= 0 && back < 64)
        sign->active |= UINT64_C(1) << (unsigned)back;
}

static bool is_usual(const struct sign *sign)
{
    uint64_t watched = (UINT64_C(1) << sign->slots) - 1;
    unsigned active = (unsigned)__builtin_popcountll(sign->active & watched);
    return sign->slots >= SIGHT_SLOTS_MIN && 10 * active >= 9 * sign->slots;
}

static void sign_add(struct sign *sign, struct ptime floor, struct ptime from, struct ptime to)
{
    if (sign->slots == 0)
        *sign = (struct sign){
            .slots = 1, .slot = slot_of(from), .bin = floor_divide(from.ns, BIN_NS), .last = from};
    struct ptime since = later(sign->last, floor);
    if (sign->blind && sign->back.ns == INT64_MAX && to.ns > sign->last.ns)
        sign->back = from.ns > sign->last.ns ? from : to;
    if (from.ns > since.ns)
        note_gap(sign, since, from);
    move_to(sign, sign->blind ? sign->back : floor, to);
    mark(sign, from);
    mark(sign, to);
    sign->last = later(sign->last, to);
    sign->usual = is_usual(sign);
}

static int64_t longest_of(const struct sign *sign)
{
    int64_t longest_ns = 0;
    for (size_t i = 0; i < SIGHT_BINS; i++)
        if (sign->longest_ns[i] > longest_ns)
            longest_ns = sign->longest_ns[i];
    return longest_ns;
}

static int64_t silent_ns(const struct sign *sign, struct ptime floor, struct ptime now)
{
    return now.ns - later(sign->last, floor).ns;
}

/* --- what comes in ---------------------------------------------------------------------------- */

static void add_tap(struct sight *sight, struct ptime from, struct ptime to)
{
    struct sign *tap = &sight->tap;
    if (tap->slots > 0 && from.ns - tap->last.ns >= WAIT_NS)
        sight->floor = from;
    sign_add(tap, PTIME_MIN, from, to);
}

static void add_host(struct sight *sight, struct sight_host *host, uint16_t vlan, struct ptime from,
                     struct ptime to)
{
    if (!host->listed) {
        host->listed = true;
        host->next = sight->hosts;
        sight->hosts = host;
    }
    host->vlan = vlan;
    sign_add(&host->sign, sight->floor, from, to);
}

/* The times are a capture process's: held to what the record's own time allows. */
void sight_flow(struct sight *sight, const struct record_flow *record, enum scope scope,
                struct sight_host *host)
{
    bool orig = record->fresh[SIDE_ORIG].packets > 0, resp = record->fresh[SIDE_RESP].packets > 0;
    if (!orig && !resp)
        return;
    struct ptime to = {record->last_ns}, from = {record->fresh_since_ns};
    if (to.ns > record->header.time_ns)
        to.ns = record->header.time_ns;
    if (from.ns > to.ns)
        from = to;
    add_tap(sight, from, to);
    if (record->key.vlan < SIGHT_VLANS)
        sign_add(&sight->vlan[record->key.vlan], sight->floor, from, to);
    else
        sight->vlans_unwatched++;
    if (scope != SCOPE_OUT && scope != SCOPE_IN)
        return;
    if (scope == SCOPE_OUT ? orig : resp)
        sign_add(&sight->direction[0], sight->floor, from, to);
    if (scope == SCOPE_OUT ? resp : orig)
        sign_add(&sight->direction[1], sight->floor, from, to);
    if (host)
        add_host(sight, host, record->key.vlan, from, to);
}

void sight_health(struct sight *sight, uint32_t worker, struct ptime time, bool grew)
{
    struct ptime before = sight->health[worker];
    struct ptime sign = sight->tap.blind ? time : before;
    if (grew && before.ns != INT64_MIN)
        add_tap(sight, sign, sign);
    sight->health[worker] = time;
}

void sight_skip(struct sight *sight, struct ptime until)
{
    sight->next.ns = floor_divide(until.ns, SIGHT_LOOK_NS) * SIGHT_LOOK_NS + SIGHT_LOOK_NS;
    sight->floor = until;
    if (sight->tap.slots == 0)
        return;
    sight->tap.last = until;
    sight->tap.slot = slot_of(until);
}

/* --- looking ---------------------------------------------------------------------------------- */

/* Idle time is walked until nothing can happen any more: two hours see the longest silence begin
 * and be gone. */
bool sight_due(struct sight *sight, struct ptime now, struct ptime *at)
{
    struct ptime latest = {floor_divide(now.ns, SIGHT_LOOK_NS) * SIGHT_LOOK_NS};
    if (sight->next.ns == INT64_MIN)
        sight->next.ns = latest.ns + SIGHT_LOOK_NS;
    if (latest.ns - sight->next.ns > JUMP_LOOKS * SIGHT_LOOK_NS &&
        silent_ns(&sight->tap, sight->floor, sight->next) > JUMP_LOOKS * SIGHT_LOOK_NS)
        sight->next = latest;
    *at = sight->next;
    return sight->next.ns <= now.ns;
}

struct look {
    struct sight *sight;
    struct ptime now;
    void (*tell)(void *context, const struct silence *silence);
    void *context;
};

static void tell_end(const struct look *look, struct sign *sign, struct silence *silence,
                     struct ptime until, bool gone)
{
    silence->over = !gone;
    silence->gone = gone;
    silence->from = sign->from;
    silence->until = until;
    look->tell(look->context, silence);
    sign->blind = false;
}

static void look_at(const struct look *look, struct sign *sign, enum silence_kind kind,
                    uint16_t vlan)
{
    if (sign->slots == 0)
        return;
    bool tap = kind == SILENT_TAP;
    struct ptime floor = tap ? PTIME_MIN : look->sight->floor;
    int64_t quiet_ns = silent_ns(sign, floor, look->now);
    advance_bins(sign, look->now);
    int64_t longest_ns = longest_of(sign);
    int64_t needs_ns = 3 * longest_ns > SIGHT_SILENT_NS ? 3 * longest_ns : SIGHT_SILENT_NS;
    struct silence silence = {
        .kind = kind, .vlan = vlan, .longest_ns = longest_ns, .needs_ns = needs_ns};
    if (sign->blind && sign->back.ns != INT64_MAX)
        tell_end(look, sign, &silence, sign->back, false);
    if (!tap && quiet_ns >= SIGHT_GONE_NS) {
        if (sign->blind)
            tell_end(look, sign, &silence, look->now, true);
        *sign = (struct sign){0};
    } else if (!sign->blind && sign->usual && quiet_ns >= needs_ns) {
        sign->blind = true;
        sign->from = silence.from = sign->last;
        sign->back = PTIME_MAX;
        silence.until = look->now;
        look->tell(look->context, &silence);
    }
}

/* Blind, or so long silent that it may be about to be. */
static bool doubtful(const struct look *look, const struct sign *sign)
{
    return sign->usual && silent_ns(sign, look->sight->floor, look->now) >= WAIT_NS;
}

/* A silent VLAN explains that its hosts are silent, not that they came back. */
static bool explained(const struct look *look, const struct sight_host *host)
{
    return !look->sight->hosts_blind && host->vlan < SIGHT_VLANS &&
           doubtful(look, &look->sight->vlan[host->vlan]);
}

static struct silence count_hosts(const struct look *look)
{
    struct silence count = {.kind = SILENT_HOSTS, .from = PTIME_MIN};
    for (struct sight_host *host = look->sight->hosts; host; host = host->next) {
        struct sign *sign = &host->sign;
        int64_t quiet_ns = silent_ns(sign, look->sight->floor, look->now);
        if (quiet_ns >= SIGHT_GONE_NS)
            *sign = (struct sign){0};
        if (!sign->usual || explained(look, host))
            continue;
        count.of++;
        if (quiet_ns < HOSTS_NS)
            continue;
        count.hosts++;
        count.from = later(count.from, sign->last);
    }
    return count;
}

/* Over when fewer than a quarter are silent. */
static void look_at_hosts(const struct look *look)
{
    struct sight *sight = look->sight;
    struct silence now = count_hosts(look);
    bool few = now.of < SIGHT_HOSTS_MIN || 4 * now.hosts < now.of;
    if (sight->hosts_blind && few) {
        struct silence *told = &sight->hosts_silent;
        told->until = look->now;
        told->gone = look->now.ns - told->from.ns >= SIGHT_GONE_NS;
        told->over = !told->gone;
        sight->hosts_blind = false;
        look->tell(look->context, told);
    } else if (!sight->hosts_blind && !few && 2 * now.hosts >= now.of) {
        sight->hosts_silent = now;
        sight->hosts_silent.until = look->now;
        sight->hosts_blind = true;
        look->tell(look->context, &sight->hosts_silent);
    }
}

static bool together(const struct sign *a, const struct sign *b)
{
    return a->last.ns - b->last.ns <= WAIT_NS && b->last.ns - a->last.ns <= WAIT_NS;
}

static bool vlan_explains(const struct look *look)
{
    const struct sign *direction = look->sight->direction;
    if (!doubtful(look, &direction[0]) || !doubtful(look, &direction[1]))
        return false;
    for (size_t i = 0; i < SIGHT_VLANS; i++) {
        const struct sign *vlan = &look->sight->vlan[i];
        if (doubtful(look, vlan) && together(vlan, &direction[0]) && together(vlan, &direction[1]))
            return true;
    }
    return false;
}

void sight_look(struct sight *sight, struct ptime at,
                void (*tell)(void *context, const struct silence *silence), void *context)
{
    const struct look look = {sight, at, tell, context};
    sight->next.ns = at.ns + SIGHT_LOOK_NS;
    look_at(&look, &sight->tap, SILENT_TAP, 0);
    if (sight->tap.slots == 0 || silent_ns(&sight->tap, PTIME_MIN, at) >= WAIT_NS)
        return;
    if (!vlan_explains(&look)) {
        look_at(&look, &sight->direction[0], SILENT_OUT, 0);
        look_at(&look, &sight->direction[1], SILENT_IN, 0);
    }
    for (uint16_t vlan = 0; vlan < SIGHT_VLANS; vlan++)
        look_at(&look, &sight->vlan[vlan], SILENT_VLAN, vlan);
    if (!doubtful(&look, &sight->direction[0]) || !doubtful(&look, &sight->direction[1]))
        look_at_hosts(&look);
}
