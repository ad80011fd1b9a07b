/* The flow table: one packet in, counts up.
 *
 * Theory of operation. A packet's key is looked up in either direction (index.c). A flow that is
 * not there begins: a slot from a chunk, the originator guessed or known (initiator.c), its timers
 * set (expiry.c). Then the sender's counters go up, and for TCP the sequence numbers decide what of
 * the payload is new (tcp.c) and whether the connection lives (connection.c). Fragments of
 * which the first was never seen have no ports: they make a flow of their own with ports 0 and
 * count as plain IP payload.
 *
 * A flow ends by time-out, by a new connection on its ports, by eviction at max_flows, or with the
 * input. Its memory goes to a free list; chunks are kept, so the table is as large as it ever was,
 * at most max_flows × 256 bytes; 128 for each flow that has more to remember (more.c), and for
 * flows with losses the holes (1 KiB a side at most).
 *
 * What carried a flow is kept once for all flows that came so (tunnels.c).
 *
 * Thread: the capture thread. The callbacks must not come back into the table. */
#include "flow.h"

#include "weir/base/buffer.h"
#include "weir/base/pages.h"

#include <endian.h>
#include <stdlib.h>

struct flow_config flow_config_default(void)
{
    return (struct flow_config){
        .max_flows = 1000000,
        .tcp_open_ns = NS_PER_HOUR,
        .tcp_syn_ns = 9 * NS_PER_S,
        .tcp_half_ns = 60 * NS_PER_S,
        .tcp_closed_ns = 10 * NS_PER_S,
        .udp_ns = 180 * NS_PER_S,
        .icmp_ns = 60 * NS_PER_S,
        .other_ns = 120 * NS_PER_S,
        .report_ns = 10 * NS_PER_S,
        .report_bytes = UINT64_C(1) << 20,
    };
}

/* --- the table's memory ------------------------------------------------------------------- */

struct flow_table *flow_table_new(const struct flow_config *config,
                                  const struct flow_events *events, void *context)
{
    struct flow_table *table = xcalloc(1, sizeof *table);
    table->config = *config;
    if (table->config.max_flows == 0)
        table->config.max_flows = 1;
    if (table->config.report_ns < 1)
        table->config.report_ns = 1;
    table->events = *events;
    table->context = context;
    table->clock_ns = INT64_MIN;
    table->next_due_ns = INT64_MAX;
    table->free_slot = SLOT_NONE;
    index_init(&table->index);
    tunnels_init(&table->tunnels);
    pool_init(&table->more, sizeof(struct flow_more));
    const int64_t idle_ns[FLOW_CLASSES] = {
        [CLASS_TCP_SYN] = config->tcp_syn_ns,   [CLASS_TCP_HALF] = config->tcp_half_ns,
        [CLASS_TCP_OPEN] = config->tcp_open_ns, [CLASS_TCP_CLOSED] = config->tcp_closed_ns,
        [CLASS_UDP] = config->udp_ns,           [CLASS_ICMP] = config->icmp_ns,
        [CLASS_OTHER] = config->other_ns,
    };
    for (int class = 0; class < FLOW_CLASSES; class ++)
        queue_init(&table->idle[class], TIMER_IDLE, idle_ns[class]);
    queue_init(&table->report, TIMER_REPORT, table->config.report_ns);
    return table;
}

/* One more chunk; the last one is as small as max_flows allows. */
static void chunk_add(struct flow_table *table)
{
    uint32_t flows = table->config.max_flows - table->slots;
    if (flows > FLOW_CHUNK)
        flows = FLOW_CHUNK;
    size_t chunks = table->chunk_count + 1;
    table->chunk = xrealloc(table->chunk, chunks * sizeof(struct flow *));
    table->chunk[table->chunk_count++] = pages_alloc(flows * sizeof(struct flow));
}

static struct flow *slot_take(struct flow_table *table)
{
    uint32_t slot = table->free_slot;
    if (slot != SLOT_NONE) {
        table->free_slot = flow_at(table, slot)->link[0].next;
    } else {
        if (table->slots / FLOW_CHUNK == table->chunk_count)
            chunk_add(table);
        slot = table->slots++;
    }
    struct flow *flow = flow_at(table, slot);
    *flow = (struct flow){.slot = slot};
    return flow;
}

/* Tells the owner of its content, and forgets what hangs on the flow. */
static void strip(struct flow_table *table, struct flow *flow)
{
    table->events.release(table->context, flow);
    tunnel_end(table, flow);
    more_free(table, flow);
}

static void let_go(struct flow_table *table, struct flow *flow)
{
    if (!flow->over) /* else it was stripped */
        strip(table, flow);
    flow->ordinal = 0;
    table->count--;
}

static void release(struct flow_table *table, struct flow *flow)
{
    index_remove(&table->index, &flow->key, flow->slot);
    expiry_drop(table, flow);
    let_go(table, flow);
    flow->link[0].next = table->free_slot;
    table->free_slot = flow->slot;
}

void flow_table_free(struct flow_table *table)
{
    if (!table)
        return;
    for (uint32_t slot = 0; slot < table->slots; slot++) {
        if (flow_at(table, slot)->ordinal != 0)
            let_go(table, flow_at(table, slot));
    }
    for (int class = 0; class < FLOW_CLASSES; class ++)
        queue_fini(&table->idle[class]);
    queue_fini(&table->report);
    index_fini(&table->index);
    tunnels_fini(&table->tunnels);
    pool_fini(&table->more);
    for (uint32_t i = 0; i < table->chunk_count; i++)
        free(table->chunk[i]);
    free(table->chunk);
    free(table);
}

/* --- beginning and end -------------------------------------------------------------------- */

bool flow_report(struct flow_table *table, struct flow *flow, int64_t time_ns)
{
    flow->fresh_bytes = 0; /* refused or not: the next attempt waits for as much again */
    if (!table->events.report(table->context, flow, FLOW_OPEN, (struct ptime){time_ns}))
        return false;
    flow->flags = (uint16_t)((flow->flags | FLOW_TOLD) & ~FLOW_TURNED);
    queue_drop(table, &table->report, flow);
    more_told(table, flow);
    return true;
}

/* One-sided TCP counts when something was said: a SYN nobody answered is no sign of blindness. */
static void count_sides(struct flow_table *table, const struct flow *flow)
{
    if (flow->key.proto != PROTO_TCP)
        return;
    const struct flow_side_state *orig = &flow->side[SIDE_ORIG], *resp = &flow->side[SIDE_RESP];
    if (orig->counts.packets && resp->counts.packets)
        table->two_sided++;
    else if (orig->counts.payload_bytes || resp->counts.payload_bytes ||
             ((flow->tcp[SIDE_ORIG] | flow->tcp[SIDE_RESP]) & TCP_SENT_ACK))
        table->one_sided++;
}

static void tell_end(struct flow_table *table, struct flow *flow, enum flow_end end,
                     int64_t time_ns)
{
    table->events.report(table->context, flow, end, (struct ptime){time_ns});
    count_sides(table, flow);
}

/* One that is over was told whole and counted: what goes with it is who opened, should more come.
 */
void flow_finish(struct flow_table *table, struct flow *flow, enum flow_end end, int64_t time_ns)
{
    if (!flow->over) {
        tell_end(table, flow, end, time_ns);
        table->evicted += end == FLOW_END_EVICTED;
    }
    release(table, flow);
}

void flow_rest(struct flow_table *table, struct flow *flow, int64_t time_ns)
{
    tell_end(table, flow, FLOW_END_IDLE, time_ns);
    strip(table, flow);
    queue_drop(table, &table->report, flow);
    flow->over = true;
}

static enum flow_class class_of(const struct packet *packet)
{
    switch (packet->proto) {
    case PROTO_TCP:
        return packet->later_fragment ? CLASS_OTHER : connection_class(packet);
    case PROTO_UDP:
        return CLASS_UDP;
    case PROTO_ICMP:
    case PROTO_ICMP6:
        return CLASS_ICMP;
    default:
        return CLASS_OTHER;
    }
}

/* What is told now is not told before what was told already. */
static int64_t not_before(const struct flow_table *table, int64_t time_ns)
{
    return time_ns > table->clock_ns ? time_ns : table->clock_ns;
}

/* Of a datagram put together, its first fragment. */
static int64_t start_of(const struct packet *packet)
{
    return time_held(packet->time.ns - packet->spread_ns, PACKET_TIME_MAX_NS);
}

static struct flow *begin(struct flow_table *table, const struct probe *probe,
                          const struct packet *packet, int64_t time_ns, enum flow_side *side)
{
    if (table->count >= table->config.max_flows)
        flow_finish(table, expiry_oldest(table), FLOW_END_EVICTED, not_before(table, time_ns));
    struct flow *flow = slot_take(table);
    flow->key = probe_key(probe);
    *side = initiator_is_sender(packet, &flow->flags) ? SIDE_ORIG : SIDE_RESP;
    if (*side == SIDE_RESP)
        flow->key = flow_key_turned(&flow->key);
    flow->class = class_of(packet) & 15u;
    if (flow->class == CLASS_TCP_HALF && flow->flags != FLOW_ORIG_BY_SYN)
        flow->flags |= FLOW_MIDSTREAM;
    flow->last_ns = time_ns;
    flow->start_ns = start_of(packet);
    flow->ordinal = ++table->begun;
    table->count++;
    tunnel_begin(table, flow, *side, packet);
    index_add(&table->index, probe->hash, flow->slot);
    expiry_begin(table, flow);
    return flow;
}

/* Where one that was told as over has its place. */
static void go_on(struct flow_table *table, struct flow *flow, enum flow_side side,
                  const struct packet *packet, int64_t time_ns)
{
    expiry_drop(table, flow);
    exchange_begin_again(flow);
    flow->last_ns = time_ns;
    flow->start_ns = start_of(packet);
    flow->ordinal = ++table->begun;
    tunnel_begin(table, flow, side, packet);
    expiry_begin(table, flow);
}

/* --- a packet ----------------------------------------------------------------------------- */

/* The guess about the originator was wrong: everything that has a side changes it. */
static void swap_sides(struct flow_table *table, struct flow *flow)
{
    flow->key = flow_key_turned(&flow->key);
    SWAP(struct flow_side_state, flow->side[0], flow->side[1]);
    SWAP(uint64_t, flow->acked[0], flow->acked[1]);
    SWAP(uint32_t, flow->first[0], flow->first[1]);
    SWAP(uint8_t, flow->tcp[0], flow->tcp[1]);
    if (flow->more)
        more_swap_sides(flow->more);
    tunnel_swap_sides(table, flow);
    if (flow->flags & FLOW_TOLD)
        flow->flags ^= FLOW_TURNED; /* twice is not at all */
    table->events.swapped(table->context, flow);
}

/* `by` says that `side` opened, or did not. Returns the side that it is now. */
static enum flow_side settle(struct flow_table *table, struct flow *flow, enum flow_side side,
                             bool opened, uint16_t by)
{
    flow->flags = (uint16_t)((flow->flags & ~FLOW_ORIG_BY_ALL) | by);
    if (opened == (side == SIDE_ORIG))
        return side;
    swap_sides(table, flow);
    return side_other(side);
}

/* A SYN settles who opened, even when it comes late. */
static enum flow_side settle_originator(struct flow_table *table, struct flow *flow,
                                        enum flow_side side, const struct packet *packet)
{
    uint16_t by;
    bool sender = initiator_is_sender(packet, &by);
    if (by != FLOW_ORIG_BY_SYN || (flow->flags & FLOW_ORIG_BY_SYN))
        return side;
    return settle(table, flow, side, sender, FLOW_ORIG_BY_SYN);
}

bool flow_initiator_is_known(const struct flow *flow)
{
    return (flow->flags & (FLOW_ORIG_BY_SYN | FLOW_ORIG_BY_SERVICE)) != 0;
}

enum flow_side flow_table_settle_initiator(struct flow_table *table, struct flow *flow,
                                           enum flow_side sender, bool sender_is_client)
{
    if (flow_initiator_is_known(flow))
        return sender;
    return settle(table, flow, sender, sender_is_client, FLOW_ORIG_BY_SERVICE);
}

static void count_packet(struct flow_table *table, struct flow *flow, enum flow_side side,
                         const struct packet *packet, int64_t time_ns)
{
    struct flow_side_state *state = &flow->side[side];
    if (packet->tunnel.count > 0 || (flow->flags & FLOW_TUNNELLED))
        tunnel_packet(table, flow, side, packet, not_before(table, time_ns));
    more_remember(table, flow);
    state->counts.packets += packet->frames;
    state->counts.wire_bytes += packet->wire_bytes;
    state->counts.ip_bytes += packet->ip_bytes;
    int64_t start_ns = start_of(packet);
    if (start_ns <= flow->last_ns && start_ns < flow->start_ns)
        flow->start_ns = start_ns;
    if (time_ns > flow->last_ns)
        flow->last_ns = time_ns;
    expiry_touch(table, flow, time_ns);
    if (packet->macs && (packet->macs[0] & 1)) /* IEEE 802: a group address */
        flow->flags |= FLOW_BROADCAST;
    if (packet->proto == PROTO_TCP && !packet->later_fragment) {
        tcp_packet(table, flow, side, packet);
        connection_packet(table, flow, side, packet);
        return;
    }
    echo_packet(flow, side, packet);
    state->counts.payload_bytes += packet->payload_bytes;
    state->counts.acked_bytes += packet->payload_bytes;
    flow_count_fresh(flow, packet->payload_bytes);
    if (flow->side[side_other(side)].counts.packets)
        flow->flags |= FLOW_ESTABLISHED;
}

uint64_t flow_table_expect(const struct flow_table *table, const struct packet *packet)
{
    uint64_t hash = index_hash(&table->index, packet);
    index_expect(&table->index, hash);
    return hash;
}

struct flow *flow_table_expect_soon(const struct flow_table *table, uint64_t expected)
{
    return index_expect_flow(table, expected);
}

struct flow *flow_table_packet(struct flow_table *table, const struct packet *packet,
                               enum flow_side *side)
{
    struct probe probe = index_probe(&table->index, packet);
    int64_t time_ns = time_held(packet->time.ns, PACKET_TIME_MAX_NS);
    bool tcp = packet->proto == PROTO_TCP && !packet->later_fragment;
    struct flow *flow = index_find(table, &probe, side);
    if (flow && tcp && connection_begins_anew(table, flow, *side, packet)) {
        flow_finish(table, flow, FLOW_END_REUSED, not_before(table, time_ns));
        flow = NULL;
    }
    if (flow && flow->over)
        go_on(table, flow, *side, packet, time_ns);
    if (!flow)
        flow = begin(table, &probe, packet, time_ns, side);
    else if (tcp)
        *side = settle_originator(table, flow, *side, packet);
    count_packet(table, flow, *side, packet, time_ns);
    return flow;
}

/* --- the end of the input, and questions -------------------------------------------------- */

/* The addresses as big-endian words beside the flow: nearly all comparisons end there, without a
 * look at the flow. Both addresses are of one family, so IPv4 differs in its low words only. */
struct finish_entry {
    uint64_t orig[2], resp;
    struct flow *flow;
};

static int by_key(const void *a, const void *b)
{
    const struct finish_entry *left = a, *right = b;
    if (left->orig[0] != right->orig[0])
        return left->orig[0] < right->orig[0] ? -1 : 1;
    if (left->orig[1] != right->orig[1])
        return left->orig[1] < right->orig[1] ? -1 : 1;
    if (left->resp != right->resp)
        return left->resp < right->resp ? -1 : 1;
    return memcmp(&left->flow->key, &right->flow->key, sizeof left->flow->key);
}

static struct finish_entry finish_entry(struct flow *flow)
{
    uint64_t word[4];
    memcpy(word, &flow->key, sizeof word);
    bool v4 = ip_is_v4(&flow->key.orig_ip);
    return (struct finish_entry){
        {be64toh(word[0]), be64toh(word[1])}, be64toh(word[v4 ? 3 : 2]), flow};
}

/* Those that are still to be told; the others are let go. */
static struct finish_entry *sorted_flows(struct flow_table *table)
{
    struct finish_entry *all = xcalloc((size_t)table->count + 1, sizeof *all);
    size_t count = 0;
    for (uint32_t slot = 0; slot < table->slots; slot++) {
        struct flow *flow = flow_at(table, slot);
        if (flow->ordinal != 0 && flow->over)
            let_go(table, flow);
        else if (flow->ordinal != 0)
            all[count++] = finish_entry(flow);
    }
    qsort(all, count, sizeof *all, by_key);
    return all;
}

void flow_table_finish(struct flow_table *table, struct ptime now)
{
    flow_table_advance(table, now);
    index_clear(&table->index); /* nothing is looked up any more: its memory is the sort's */
    struct finish_entry *all = sorted_flows(table);
    uint32_t count = table->count;
    for (uint32_t i = 0; i < count; i++) {
        struct flow *flow = all[i].flow;
        for (size_t line = 0; i + 4 < count && line < sizeof *flow; line += 64)
            __builtin_prefetch((const char *)all[i + 4].flow + line);
        tell_end(table, flow, flow->closed != FLOW_OPEN ? flow->closed : FLOW_END_INPUT,
                 table->clock_ns);
        let_go(table, flow);
    }
    free(all);
    for (int class = 0; class < FLOW_CLASSES; class ++)
        queue_clear(&table->idle[class]);
    queue_clear(&table->report);
    table->slots = 0;
    table->free_slot = SLOT_NONE;
    table->next_due_ns = INT64_MAX;
}

const struct flow_key *flow_get_key(const struct flow *flow)
{
    return &flow->key;
}

struct side_counts flow_get_counts(const struct flow *flow, enum flow_side side)
{
    const struct flow_side_state *state = &flow->side[side];
    return (struct side_counts){
        .packets = state->counts.packets,
        .wire_bytes = state->counts.wire_bytes,
        .ip_bytes = state->counts.ip_bytes,
        .payload_bytes = state->counts.payload_bytes,
        .acked_bytes = state->counts.acked_bytes,
        .missing_bytes = flow_missing(flow, side),
        .retransmitted_bytes = flow->more ? flow->more->retransmitted_bytes[side] : 0,
    };
}

uint64_t flow_get_payload(const struct flow *flow, enum flow_side side)
{
    return flow->side[side].counts.payload_bytes;
}

struct ptime flow_get_start(const struct flow *flow)
{
    return (struct ptime){flow->start_ns};
}

uint64_t flow_get_ordinal(const struct flow *flow)
{
    return flow->ordinal;
}

void **flow_content_slot(struct flow *flow)
{
    return &flow->content;
}

uint32_t flow_table_count(const struct flow_table *table)
{
    return table->count;
}

uint64_t flow_table_far_segments(const struct flow_table *table)
{
    return table->far_segments;
}

void flow_table_health(const struct flow_table *table, struct health *health)
{
    health->tcp_payload_bytes += table->tcp_payload_bytes;
    health->tcp_missing_bytes += table->tcp_missing_bytes;
    health->tcp_holes_forgotten += table->holes_forgotten;
    health->tcp_retransmitted_bytes += table->again_bytes;
    health->tcp_far_acks += table->far_acks;
    health->tcp_resets_refused += table->resets_refused;
    health->tcp_reset_bytes += table->reset_bytes;
    health->flows += table->begun;
    health->flows_evicted += table->evicted;
    health->flows_one_sided += table->one_sided;
    health->flows_two_sided += table->two_sided;
    health->tunnels_forgotten += table->tunnels.forgotten;
    health->tunnels_lost += table->tunnels.lost;
    health->tunnels_mixed += table->tunnels.mixed;
}
