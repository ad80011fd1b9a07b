/* Flows of which two sensors see a half each.
 *
 * What a host sends and nobody is seen to answer makes no host: anybody can send in any name. Where
 * routing is asymmetric the answer is there, at another sensor. So who sees one direction of a flow
 * that is large or over says so in the store, by its Community ID, and asks who sees the other,
 * each minute until HALF_NS behind its last record:
 *
 *   what left is seen here       its bytes are held beside being counted as one-way; when another
 *                                sees the answers the host comes into being, and they are its own
 *   what came is seen here       nothing is counted but that the other half is not missing
 *
 * What came is said only where it answers: TCP that acknowledges what is not seen here and does not
 * end in a reset, payload of other protocols. So a spoofed sender still makes no host. Each half's
 * own sensor counts its bytes; nothing is counted twice.
 *
 * Answers are taken in their places (elsewhere.c), and all of it is in the checkpoint. Thread: the
 * engine's. */
#include "halves.h"

#include "checkpoint.h"
#include "entry.h"
#include "internal.h"
#include "memory.h"

#include "weir/base/digest.h"
#include "weir/detect/seen_by.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define LARGE_BYTES  (UINT64_C(64) << 10u) /* asked about while it lasts */
#define ASK_AGAIN_NS NS_PER_MIN

/* --- the table ---------------------------------------------------------------------------------
 */

void halves_init(struct halves *halves)
{
    map_init(&halves->hosts);
}

static void clear(struct half *half)
{
    free(half->held);
    half->held = NULL;
    memset(&half->is, 0, sizeof half->is);
}

static void free_host(void *value)
{
    struct half_host *of = value;
    for (size_t i = 0; i < HALVES_OF_HOST; i++)
        clear(&of->half[i]);
    free(of);
}

void halves_fini(struct halves *halves)
{
    map_fini(&halves->hosts, free_host);
}

static struct half *find(struct half_host *of, uint64_t flow, bool out)
{
    for (size_t i = 0; of && i < HALVES_OF_HOST; i++)
        if (of->half[i].is.flow == flow && (of->half[i].is.out != 0) == out)
            return &of->half[i];
    return NULL;
}

static struct half_host *host_of(struct halves *halves, const struct ip *host)
{
    struct half_host *of = map_get(&halves->hosts, host, sizeof *host);
    if (of || halves->hosts.count >= HALVES_HOSTS)
        return of;
    of = xcalloc(1, sizeof *of);
    map_put(&halves->hosts, host, sizeof *host, of);
    return of;
}

/* A free place, or that of the smallest which nobody was asked about; NULL: there is none. */
static struct half *place_for(struct half_host *of, uint64_t bytes)
{
    struct half *least = NULL;
    for (size_t i = 0; of && i < HALVES_OF_HOST; i++) {
        struct half *half = &of->half[i];
        if (half->is.flow == 0)
            return half;
        if (!half->is.ready && half->is.bytes < bytes &&
            (!least || half->is.bytes < least->is.bytes))
            least = half;
    }
    if (least)
        clear(least);
    return least;
}

/* --- which flows -------------------------------------------------------------------------------
 */

/* The side that is seen, where it is one alone that says something; SIDES: it is none of these. An
 * answer is what acknowledges, or says something itself. */
static int seen_side(const struct flow_view *view, uint64_t *bytes)
{
    const struct record_flow *record = view->record;
    const struct side_counts *total = record->total;
    if ((total[SIDE_ORIG].packets == 0) == (total[SIDE_RESP].packets == 0))
        return SIDES;
    int side = total[SIDE_ORIG].packets > 0 ? SIDE_ORIG : SIDE_RESP;
    uint64_t unseen = total[!side].missing_bytes;
    *bytes = total[side].payload_bytes + unseen;
    if (view->way.leaves & (1u << side))
        return total[side].payload_bytes > 0 ? side : SIDES;
    if (record->key.proto == IPPROTO_TCP)
        return unseen > 0 && record->end != FLOW_END_RESET ? side : SIDES;
    return total[side].payload_bytes > 0 ? side : SIDES;
}

static uint64_t name_of(const struct flow_key *key)
{
    char text[32];
    flow_key_community_id(key, text);
    uint64_t name = hash64(text, strlen(text), 0);
    return name ? name : 1;
}

/* What was held of it before lies as this record does. */
static void add_fresh(struct record_flow *held, const struct record_flow *before)
{
    bool turned = memcmp(&held->key, &before->key, sizeof held->key) != 0;
    for (int side = 0; side < SIDES; side++) {
        int from = turned ? !side : side;
        held->fresh[side].payload_bytes += before->fresh[from].payload_bytes;
        held->fresh[side].missing_bytes += before->fresh[from].missing_bytes;
        held->fresh[side].acked_bytes += before->fresh[from].acked_bytes;
        held->fresh[side].packets += before->fresh[from].packets;
    }
    held->fresh_since_ns = before->fresh_since_ns;
}

static void hold(struct half *half, const struct record_flow *record)
{
    struct record_flow *held = xcalloc(1, record->header.size);
    memcpy(held, record, record->header.size);
    if (half->held)
        add_fresh(held, half->held);
    free(half->held);
    half->held = held;
}

/* --- asking ------------------------------------------------------------------------------------
 */

static void on_half(void *context, const struct store_half *half, const char *other)
{
    if (*other)
        elsewhere_half(context, half, other);
}

static void ask(struct engine *engine, const struct ip *host, struct half *half, int64_t now_ns)
{
    struct store *store = memory_store(engine);
    struct store_half put = {.host = *host, .flow = half->is.flow, .out = half->is.out != 0};
    half->is.asked_ns = now_ns;
    if (store && store_has_others(store) && !checkpoint_replaying(engine))
        store_put_half(store, &put, HALF_NS, on_half, engine);
}

/* Also of one whose ports are used again and again, which anybody can bring about. */
static void ask_when_due(struct engine *engine, const struct ip *host, struct half *half,
                         int64_t now_ns)
{
    if (half->is.ready && !half->is.joined && now_ns - half->is.asked_ns >= ASK_AGAIN_NS)
        ask(engine, host, half, now_ns);
}

/* Its ports are used again. */
static void begin_anew(struct half *half)
{
    int64_t asked_ns = half->is.asked_ns;
    clear(half);
    half->is.asked_ns = asked_ns;
}

static void count_rejoined(struct engine *engine, const struct half *half)
{
    if (!half->is.joined || !half->is.missed)
        return;
    engine->counts.flows_rejoined++;
    engine->halves.rejoined_not++;
}

static void end(struct engine *engine, struct half *half, const struct record_flow *record)
{
    half->is.ended = half->is.ready = true;
    /* one that a worker left open was not counted by it */
    half->is.missed = record->end != FLOW_END_LOST && (record->flags & FLOW_ONE_SIDED) != 0;
    count_rejoined(engine, half);
}

void halves_flow(struct engine *engine, const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    uint64_t bytes;
    if (!engine->config.live || !view->host || view->way.by_tunnel || record->key.tenant != 0)
        return;
    int side = seen_side(view, &bytes);
    if (side == SIDES)
        return;
    bool out = (view->way.leaves & (1u << side)) != 0;
    uint64_t flow = name_of(&record->key);
    struct half_host *of = host_of(&engine->halves, &view->way.host);
    struct half *half = find(of, flow, out);
    half = half ? half : place_for(of, bytes);
    if (!half) {
        engine->counts.halves_unasked += record->end != FLOW_OPEN;
        return;
    }
    if (half->is.ended)
        begin_anew(half);
    half->is.flow = flow;
    half->is.out = out;
    half->is.bytes = bytes;
    half->is.last_ns = record->header.time_ns;
    half->is.ready |= bytes >= LARGE_BYTES;
    if (out && !view->accepted && !half->is.joined && !(record->flags & FLOW_ESTABLISHED))
        hold(half, record); /* as it was counted: account_held takes that back */
    if (record->end != FLOW_OPEN)
        end(engine, half, record);
    ask_when_due(engine, &view->way.host, half, record->header.time_ns);
}

/* True: it is still of use. */
static bool look(struct engine *engine, const struct ip *host, struct half *half, int64_t at_ns)
{
    if (half->is.flow == 0)
        return false;
    if (at_ns - half->is.last_ns > HALF_NS) {
        clear(half);
        return false;
    }
    ask_when_due(engine, host, half, at_ns);
    return true;
}

/* Whoever is gone over in whatever order: it is asked about the same. */
void halves_look(struct engine *engine, struct ptime at)
{
    struct ip gone[HALVES_HOSTS], host;
    size_t position = 0, count = 0;
    for (const struct map_entry *e; (e = map_next(&engine->halves.hosts, &position)) != NULL;) {
        struct half_host *of = e->value;
        bool any = false;
        memcpy(&host, e->key, sizeof host);
        for (size_t i = 0; i < HALVES_OF_HOST; i++)
            any |= look(engine, &host, &of->half[i], at.ns);
        if (!any)
            gone[count++] = host;
    }
    while (count > 0)
        halves_forget(engine, &gone[--count]);
}

void halves_forget(struct engine *engine, const struct ip *host)
{
    struct half_host *of = map_remove(&engine->halves.hosts, host, sizeof *host);
    if (of)
        free_host(of);
}

/* --- taking, and telling ------------------------------------------------------------------------
 */

/* It was answered, so it counts as its host's, now. */
static void count_held(struct engine *engine, struct half *half)
{
    struct record_flow *held = half->held;
    half->held = NULL;
    if (!held)
        return;
    held->flags |= FLOW_ESTABLISHED;
    if (held->header.time_ns < engine->counts.last.ns)
        held->header.time_ns = engine->counts.last.ns;
    account_held(engine, held);
    free(held);
}

void halves_take(struct engine *engine, const struct entry_elsewhere *entry)
{
    struct half_host *of = map_get(&engine->halves.hosts, &entry->host, sizeof entry->host);
    struct half *half = find(of, entry->alike, entry->across != 0);
    if (!half || half->is.joined)
        return;
    size_t size = entry->size < SEEN_NAME_SIZE ? entry->size : SEEN_NAME_SIZE - 1;
    memcpy(half->is.by, entry + 1, size);
    half->is.by[size] = '\0';
    half->is.joined = true;
    engine->counts.halves_joined++;
    count_rejoined(engine, half);
    count_held(engine, half);
}

void halves_tell(const struct engine *engine, const struct ip *host, struct finding *finding)
{
    const struct half_host *of = map_get(&engine->halves.hosts, host, sizeof *host);
    const char *by = NULL;
    uint32_t count = 0;
    for (size_t i = 0; of && i < HALVES_OF_HOST; i++) {
        if (!of->half[i].is.joined)
            continue;
        by = by ? by : of->half[i].is.by;
        count++;
    }
    if (by)
        finding_add_half(finding, count, by);
}

bool halves_has(const struct engine *engine, const struct ip *host)
{
    const struct half_host *of = map_get(&engine->halves.hosts, host, sizeof *host);
    for (size_t i = 0; of && i < HALVES_OF_HOST; i++)
        if (of->half[i].is.joined)
            return true;
    return false;
}

/* The workers count a flow when it ends, the other half may be heard of later: what does not fit
 * into this interval is of the next. */
void halves_take_off(struct halves *halves, struct health *interval)
{
    uint64_t off = halves->rejoined_not;
    off = off < interval->flows_one_sided ? off : interval->flows_one_sided;
    interval->flows_one_sided -= off;
    interval->flows_two_sided += off;
    halves->rejoined_not -= off;
}

/* --- keeping ------------------------------------------------------------------------------------
 */

void halves_pack(const struct halves *halves, struct buffer *out)
{
    size_t position = 0;
    buffer_le64(out, halves->rejoined_not);
    buffer_le64(out, halves->hosts.count);
    for (const struct map_entry *e; (e = map_next(&halves->hosts, &position)) != NULL;) {
        const struct half_host *of = e->value;
        buffer_put(out, e->key, e->key_size);
        for (size_t i = 0; i < HALVES_OF_HOST; i++) {
            const struct record_flow *held = of->half[i].held;
            buffer_put(out, &of->half[i].is, sizeof of->half[i].is);
            buffer_le32(out, held ? held->header.size : 0);
            if (held)
                buffer_put(out, held, held->header.size);
        }
    }
}

static bool unpack_half(struct half *half, struct cursor *in)
{
    const uint8_t *bytes = cursor_take(in, sizeof half->is);
    uint32_t size = cursor_le32(in);
    if (!bytes || size > RECORD_MAX_BYTES)
        return false;
    memcpy(&half->is, bytes, sizeof half->is);
    if (size == 0)
        return !in->failed;
    const uint8_t *record = cursor_take(in, size);
    if (!record || size < sizeof *half->held)
        return false;
    half->held = xcalloc(1, size);
    memcpy(half->held, record, size);
    return half->held->header.size == size;
}

bool halves_unpack(struct halves *halves, struct cursor *in)
{
    struct ip host;
    halves->rejoined_not = cursor_le64(in);
    uint64_t count = cursor_le64(in);
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *bytes = cursor_take(in, sizeof host);
        if (!bytes)
            return false;
        memcpy(&host, bytes, sizeof host);
        struct half_host *of = host_of(halves, &host);
        for (size_t k = 0; k < HALVES_OF_HOST; k++)
            if (!of || !unpack_half(&of->half[k], in))
                return false;
    }
    return !in->failed;
}
