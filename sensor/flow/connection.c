/* A TCP flow's life: half open, open, closed, and the next connection on the same ports.
 *
 * Half open (short time-out, so that floods of SYNs or of stray segments pass quickly) until an
 * acknowledgment follows a SYN, or, met mid-stream, until there is payload or both sides were seen.
 * Closed after both FINs or a plausible RST; then it lingers tcp_closed_ns for stragglers. The
 * first cause of closing is the one told.
 *
 * One SYN that nobody answers and that is not sent again is an attempt that is over: a host sends
 * it again after 1 to 3 s (RFC 6298 2.1, RFC 2988), old ones after 6 s, a scanner never. So it ends
 * before a report of it would be due, and one record tells it, no later than the report would have.
 * With its second packet, whoever sends it, a flow is half open like any other.
 *
 * A RST is plausible when it stands within RST_REACH of where its sender is, or answers exactly
 * what the peer sent. RFC 5961 hosts are stricter, but a sensor may have lost a little, and a wrong
 * guess costs nothing but a shorter time-out.
 *
 * A SYN with another initial number on a flow begins a new one when the old one is closed, idle for
 * longer than a half-open flow may be, or answered but never open; unanswered attempts are one
 * flow, until the time-out is over, so that a flood of SYNs is not a flood of records. On an open
 * flow it does not: hosts answer such a SYN with a challenge (RFC 5961 4.2), and a forged one must
 * not split the account. If it was real, the SYN/ACK that answers it is what begins the new flow.
 * Thread: the capture thread. */
#include "flow.h"

#define RST_REACH (INT64_C(1) << 20)

static bool both(const struct flow *flow, uint8_t bit)
{
    return (flow->tcp[SIDE_ORIG] & flow->tcp[SIDE_RESP] & bit) != 0;
}

static bool any(const struct flow *flow, uint8_t bit)
{
    return ((flow->tcp[SIDE_ORIG] | flow->tcp[SIDE_RESP]) & bit) != 0;
}

/* The SYN/ACK of a SYN that was seen on an open flow and not believed. */
static bool answers_noted_syn(const struct flow *flow, enum flow_side side,
                              const struct packet *packet)
{
    const struct flow_gaps *gaps = flow_gaps(flow, side_other(side));
    return (packet->tcp_flags & TCP_ACK) && gaps && gaps->stray && gaps->stray_to == packet->ack;
}

static bool is_half_open(const struct flow *flow)
{
    return flow->class == CLASS_TCP_SYN || flow->class == CLASS_TCP_HALF;
}

enum flow_class connection_class(const struct packet *packet)
{
    unsigned flags = packet->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN);
    return flags == TCP_SYN ? CLASS_TCP_SYN : CLASS_TCP_HALF;
}

bool connection_begins_anew(const struct flow_table *table, const struct flow *flow,
                            enum flow_side side, const struct packet *packet)
{
    if ((packet->tcp_flags & (TCP_SYN | TCP_RST)) != TCP_SYN)
        return false;
    uint32_t first = packet->seq + 1;
    uint8_t bits = flow->tcp[side];
    if ((bits & TCP_KNOWN) && flow->first[side] == first)
        return false;
    if (flow->closed != FLOW_OPEN || answers_noted_syn(flow, side, packet) ||
        packet->time.ns >= time_after(flow->last_ns, table->config.tcp_half_ns))
        return true;
    if ((packet->tcp_flags & TCP_ACK) || !is_half_open(flow))
        return false;
    if (!(bits & TCP_FIRM))
        return false; /* its own SYN, only late */
    return flow->side[side].counts.payload_bytes > 0 ||
           flow->side[side_other(side)].counts.packets > 0;
}

static bool within(int64_t distance)
{
    return distance >= -RST_REACH && distance <= RST_REACH;
}

static bool rst_is_plausible(const struct flow *flow, enum flow_side side,
                             const struct packet *packet)
{
    enum flow_side peer = side_other(side);
    if ((flow->tcp[side] & TCP_KNOWN) && within(tcp_distance(flow, side, packet->seq)))
        return true;
    if (packet->tcp_flags & TCP_ACK)
        return (flow->tcp[peer] & TCP_KNOWN) && within(tcp_distance(flow, peer, packet->ack));
    return !(flow->tcp[side] & TCP_KNOWN);
}

static void note_end(struct flow_table *table, struct flow *flow, enum flow_side side,
                     const struct packet *packet)
{
    bool reset = (packet->tcp_flags & TCP_RST) != 0;
    if (reset && !rst_is_plausible(flow, side, packet)) {
        table->resets_refused++;
        return;
    }
    if (flow->closed != FLOW_OPEN)
        return;
    if (reset) {
        flow->closed = FLOW_END_RESET;
    } else if (both(flow, TCP_FINISHED)) {
        flow->closed = FLOW_END_CLOSED;
    }
}

static bool is_open(const struct flow *flow)
{
    bool two = flow->side[SIDE_ORIG].counts.packets && flow->side[SIDE_RESP].counts.packets;
    bool payload =
        flow->side[SIDE_ORIG].counts.payload_bytes || flow->side[SIDE_RESP].counts.payload_bytes;
    if (!any(flow, TCP_SENT_ACK))
        return false;
    return any(flow, TCP_FIRM) || payload || two;
}

static bool is_one_packet(const struct flow *flow)
{
    return flow->side[SIDE_ORIG].counts.packets + flow->side[SIDE_RESP].counts.packets == 1;
}

void connection_packet(struct flow_table *table, struct flow *flow, enum flow_side side,
                       const struct packet *packet)
{
    uint8_t flags = packet->tcp_flags;
    if ((flags & (TCP_ACK | TCP_SYN | TCP_RST)) == TCP_ACK)
        flow->tcp[side] |= TCP_SENT_ACK;
    if ((flags & (TCP_SYN | TCP_RST)) == TCP_SYN)
        flow->flags &= (uint16_t)~FLOW_MIDSTREAM;
    note_end(table, flow, side, packet);
    uint64_t sent = flow->side[SIDE_ORIG].counts.payload_bytes;
    uint64_t received = flow->side[SIDE_RESP].counts.payload_bytes;
    if ((sent && received) || ((sent || received) && both(flow, TCP_FIRM)))
        flow->flags |= FLOW_ESTABLISHED;
    enum flow_class class = flow->class;
    if (flow->closed != FLOW_OPEN)
        class = CLASS_TCP_CLOSED;
    else if (is_half_open(flow) && is_open(flow))
        class = CLASS_TCP_OPEN;
    else if (is_half_open(flow) && !is_one_packet(flow))
        class = CLASS_TCP_HALF;
    expiry_set_class(table, flow, class);
}
