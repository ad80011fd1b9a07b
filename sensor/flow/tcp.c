/* What one TCP direction carried: distinct sequence bytes, and what must have been there unseen.
 *
 * Sequence numbers are unwrapped to 64-bit positions near the highest position known, so four
 * gigabytes are no boundary. Per direction: `start`, `next` (after the highest byte seen), `acked`
 * (highest position the peer acknowledged), holes in between (holes.c):
 *
 *   payload_bytes       bytes of segments not seen before
 *   retransmitted_bytes bytes of segments that were (keep-alive probes among them)
 *   missing_bytes       holes + what the peer acknowledged beyond `next` + holes forgotten
 *   acked_bytes         payload below `acked`
 *
 * payload + missing is the span of sequence numbers. SYN and FIN take a number and no byte; the
 * data of a RST is diagnostics, not stream (RFC 9293 3.5.3), so a RST moves nothing here.
 *
 * A sequence number can be anything, so it is believed near what is known only. Policies:
 *  - Data up to TCP_NEAR beyond the expected number opens a hole. What is farther off, or that far
 *    below the start, is left to stray.c.
 *  - A direction first met without its SYN starts where it was met; earlier bytes extend it
 *    downwards (reordering at the start of a capture).
 *  - An acknowledgment moves only missing and acked, at most TCP_NEAR beyond what is known. Of a
 *    direction no packet was ever seen of (one-sided capture) the peer's first acknowledgment is
 *    the start, and further ones tell of bytes that were sent unseen: missing. There, a step over
 *    TCP_NEAR, forwards or back, moves the start instead.
 *  - An acknowledgment that goes on by exactly one may be for a FIN that was not seen: that one
 *    byte is not missing until acknowledgments go on.
 *  - A SYN/ACK that does not acknowledge the SYN that was seen is of another connection, or of
 *    this one beyond a firewall that changes its numbers: it tells nothing about this one.
 * Thread: the capture thread. */
#include "flow.h"

/* The highest position that is known to exist. */
static uint64_t known_end(const struct flow *flow, enum flow_side side)
{
    uint64_t next = flow->side[side].next, acked = flow->acked[side];
    return (flow->tcp[side] & TCP_ACKED) && acked > next ? acked : next;
}

int64_t tcp_distance(const struct flow *flow, enum flow_side side, uint32_t seq)
{
    return (int32_t)(seq - (uint32_t)known_end(flow, side));
}

uint64_t tcp_position(const struct flow *flow, enum flow_side side, uint32_t seq)
{
    return known_end(flow, side) + (uint64_t)tcp_distance(flow, side, seq);
}

/* The first position of a direction; four gigabytes below it are free for what came earlier. */
static void begin_at(struct flow *flow, enum flow_side side, uint32_t seq)
{
    flow->side[side].next = (UINT64_C(1) << 32) + seq;
    flow_set_start(flow, side, flow->side[side].next);
    flow->tcp[side] |= TCP_KNOWN;
}

static uint64_t acked_beyond(const struct flow *flow, enum flow_side side)
{
    uint64_t next = flow->side[side].next, acked = flow->acked[side];
    if (!(flow->tcp[side] & TCP_ACKED) || acked <= next)
        return 0;
    bool fin = (flow->tcp[side] & (TCP_FINISHED | TCP_STEP_ONE)) != 0;
    return acked - next - (fin ? 1 : 0);
}

/* Payload of the sequence followed now that the peer has not acknowledged. */
static uint64_t not_acked(const struct flow *flow, enum flow_side side)
{
    uint64_t next = flow->side[side].next, from = flow_start(flow, side);
    if ((flow->tcp[side] & TCP_ACKED) && flow->acked[side] > from)
        from = flow->acked[side];
    if (from >= next)
        return 0;
    const struct flow_gaps *gaps = flow_gaps(flow, side);
    return next - from - (gaps ? gaps_above(gaps, from) : 0);
}

/* missing_bytes and acked_bytes follow from the positions. */
static void recount(struct flow_table *table, struct flow *flow, enum flow_side side)
{
    uint64_t payload = flow->side[side].counts.payload_bytes;
    uint64_t *acked = &flow->side[side].counts.acked_bytes;
    const struct flow_gaps *gaps = flow_gaps(flow, side);
    uint64_t missing = acked_beyond(flow, side), open = 0;
    if (gaps) {
        missing += gaps->hole_bytes + gaps->forgotten;
        open = gaps->apart;
    }
    if (missing != flow_missing(flow, side)) {
        table->tcp_missing_bytes += missing - flow_missing(flow, side);
        more_of(table, flow)->missing_bytes[side] = missing;
    }
    if (!(flow->tcp[side] & TCP_ACKED))
        return;
    open += not_acked(flow, side);
    /* Only grows: a hole that is forgotten above `acked` makes the sum less sure, not the past. */
    if (open < payload && payload - open > *acked)
        *acked = payload - open;
}

void tcp_count_fresh(struct flow_table *table, struct flow *flow, enum flow_side side,
                     uint64_t bytes)
{
    flow->side[side].counts.payload_bytes += bytes;
    flow_count_fresh(flow, bytes);
    table->tcp_payload_bytes += bytes;
}

void tcp_count_again(struct flow_table *table, struct flow *flow, enum flow_side side,
                     uint64_t bytes)
{
    if (bytes == 0)
        return;
    more_of(table, flow)->retransmitted_bytes[side] += bytes;
    table->again_bytes += bytes;
}

void tcp_begin_again(struct flow_table *table, struct flow *flow, enum flow_side side, uint32_t seq)
{
    struct flow_gaps *gaps = gaps_of(table, flow, side);
    gaps->apart += not_acked(flow, side);
    gaps->forgotten += acked_beyond(flow, side);
    gaps_forget_all(gaps);
    flow->tcp[side] &= (uint8_t) ~(TCP_FIRM | TCP_FINISHED | TCP_ACKED | TCP_STEP_ONE);
    begin_at(flow, side, seq);
}

/* A keep-alive probe repeats the byte below `next`, or stands there without one. */
static bool is_probe(const struct flow *flow, enum flow_side side, uint64_t from, uint64_t to)
{
    return to - from == 1 && to == flow_start(flow, side) && to == flow->side[side].next;
}

/* When an empty probe is all that was seen of a direction, its first byte follows no hole. */
static bool is_after_probe(const struct flow *flow, enum flow_side side, uint64_t from)
{
    return !(flow->tcp[side] & TCP_FIRM) && flow_start(flow, side) == flow->side[side].next &&
           from - flow->side[side].next == 1;
}

/* A segment that begins below `next`. */
static void overlap(struct flow_table *table, struct flow *flow, enum flow_side side, uint64_t from,
                    uint64_t to)
{
    uint64_t start = flow_start(flow, side), *next = &flow->side[side].next;
    uint64_t fresh = 0;
    if (from < start && !(flow->tcp[side] & TCP_FIRM) && !is_probe(flow, side, from, to)) {
        fresh = (to < start ? to : start) - from;
        if (to < start)
            gaps_open(table, flow, side, to, start);
        flow_set_start(flow, side, from);
    }
    fresh += gaps_fill(table, flow, side, from, to < *next ? to : *next);
    if (to > *next) {
        fresh += to - *next;
        *next = to;
    }
    tcp_count_fresh(table, flow, side, fresh);
    tcp_count_again(table, flow, side, to - from - fresh);
}

void tcp_data(struct flow_table *table, struct flow *flow, enum flow_side side, uint32_t seq,
              uint32_t size)
{
    uint64_t *next = &flow->side[side].next;
    if (!(flow->tcp[side] & TCP_KNOWN))
        begin_at(flow, side, seq);
    uint64_t from = *next;
    if (seq != (uint32_t)from) {
        from = tcp_position(flow, side, seq);
        uint64_t start = flow_start(flow, side);
        bool below = from < start && start - from > TCP_NEAR;
        if (below || tcp_distance(flow, side, seq) > TCP_NEAR) {
            stray_data(table, flow, side, seq, size);
            return;
        }
    }
    if (flow_gaps(flow, side))
        flow_gaps(flow, side)->moved = true;
    if (from < *next) {
        overlap(table, flow, side, from, from + size);
        return;
    }
    if (from > *next && is_after_probe(flow, side, from))
        flow_set_start(flow, side, from);
    else if (from > *next)
        gaps_open(table, flow, side, *next, from);
    *next = from + size;
    tcp_count_fresh(table, flow, side, size);
}

/* The SYN tells where the bytes begin. A late one, after data, makes what lies between missing; one
 * that contradicts what was seen is remembered: its SYN/ACK or its data will show whether it is
 * true. */
static void syn(struct flow_table *table, struct flow *flow, enum flow_side side, uint32_t first)
{
    if (!(flow->tcp[side] & TCP_KNOWN)) {
        begin_at(flow, side, first);
        flow->tcp[side] |= TCP_FIRM;
        return;
    }
    uint64_t at = tcp_position(flow, side, first), start = flow_start(flow, side);
    bool empty = start == flow->side[side].next; /* so there are no holes either */
    bool firm = (flow->tcp[side] & TCP_FIRM) != 0;
    if (at == start) {
        flow->tcp[side] |= TCP_FIRM;
    } else if (empty && firm && !(flow->tcp[side] & TCP_ACKED)) {
        begin_at(flow, side, first); /* a further attempt to connect */
    } else if (empty && !firm && at > start && at <= FLOW_START_MAX) {
        flow->side[side].next = at;
        flow_set_start(flow, side, at);
        flow->tcp[side] |= TCP_FIRM;
    } else if (!firm && at < start && start - at <= TCP_NEAR) {
        gaps_open(table, flow, side, at, start);
        flow_set_start(flow, side, at);
        flow->tcp[side] |= TCP_FIRM;
    } else {
        stray_note(table, flow, side, first);
    }
}

/* The number of the FIN says where the bytes end, even when the last of them were not seen. */
static void fin(struct flow_table *table, struct flow *flow, enum flow_side side, uint32_t end)
{
    if (!(flow->tcp[side] & TCP_KNOWN))
        begin_at(flow, side, end);
    int64_t distance = tcp_distance(flow, side, end);
    if (distance > TCP_NEAR || distance < -TCP_NEAR)
        return;
    uint64_t at = tcp_position(flow, side, end), *next = &flow->side[side].next;
    if (at > *next && is_after_probe(flow, side, at)) {
        *next = at;
        flow_set_start(flow, side, at);
    }
    if (at > *next) {
        gaps_open(table, flow, side, *next, at);
        *next = at;
    }
    flow->tcp[side] |= TCP_FINISHED;
}

/* The peer acknowledged up to `ack` of what `side` sent. */
static void acknowledge(struct flow_table *table, struct flow *flow, enum flow_side side,
                        uint32_t ack)
{
    uint8_t *bits = &flow->tcp[side];
    if (tcp_distance(flow, side, ack) > TCP_NEAR)
        stray_acknowledged(table, flow, side, ack);
    int64_t step = tcp_distance(flow, side, ack);
    bool unseen = flow->side[side].counts.packets == 0;
    if (!(*bits & TCP_KNOWN)) {
        begin_at(flow, side, ack);
    } else if (unseen && (step > TCP_NEAR || step < -TCP_NEAR)) {
        tcp_begin_again(table, flow, side, ack);
    } else if (step > TCP_NEAR) {
        table->far_acks++;
        return;
    } else if (step > 0) {
        *bits = (uint8_t)(step == 1 ? *bits | TCP_STEP_ONE : *bits & ~TCP_STEP_ONE);
    }
    uint64_t at = tcp_position(flow, side, ack);
    if (!(*bits & TCP_ACKED) || at > flow->acked[side]) {
        flow->acked[side] = at;
        *bits |= TCP_ACKED;
    }
}

static bool is_foreign_syn_ack(const struct flow *flow, enum flow_side side,
                               const struct packet *packet)
{
    enum flow_side peer = side_other(side);
    return (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK) &&
           (flow->tcp[peer] & TCP_FIRM) && packet->ack - flow->first[peer] > TCP_NEAR;
}

void tcp_packet(struct flow_table *table, struct flow *flow, enum flow_side side,
                const struct packet *packet)
{
    uint8_t flags = packet->tcp_flags;
    if (flags & TCP_RST) {
        table->reset_bytes += packet->payload_bytes;
        return;
    }
    uint32_t seq = packet->seq + (flags & TCP_SYN ? 1 : 0);
    if (is_foreign_syn_ack(flow, side, packet)) {
        stray_note(table, flow, side, seq);
        return;
    }
    if ((flags & TCP_SYN) && flow_gaps(flow, side))
        flow_gaps(flow, side)->moved = true;
    if (flags & TCP_SYN)
        syn(table, flow, side, seq);
    if (packet->payload_bytes > 0)
        tcp_data(table, flow, side, seq, packet->payload_bytes);
    else if (!(flow->tcp[side] & TCP_KNOWN))
        begin_at(flow, side, seq);
    if (flags & TCP_FIN)
        fin(table, flow, side, seq + packet->payload_bytes);
    if (packet->payload_bytes > 0 || (flags & (TCP_SYN | TCP_FIN)))
        recount(table, flow, side);
    if (flags & TCP_ACK) {
        acknowledge(table, flow, side_other(side), packet->ack);
        recount(table, flow, side_other(side));
    }
}
