/* What few flows have: holes, bytes that are missing or came again, tunnels. And what was told of a
 * flow: that is all there is from a record that was accepted to the next packet, so a flow that is
 * idle, or that was never told of, keeps no mark. The first packet after a record makes one, the
 * next record gives it back.
 *
 * Invariants: without a block, nothing was told of a flow without FLOW_TOLD that is not over
 * (exchange.c); of one with it all was, and it waits for no report. Bound: one block a flow.
 * Thread: the capture thread. */
#include "flow.h"

#include <stdlib.h>

static struct flow_mark all_of(const struct flow *flow, enum flow_side side)
{
    const struct flow_side_state *state = &flow->side[side];
    return (struct flow_mark){
        .payload_bytes = state->counts.payload_bytes,
        .missing_bytes = flow_missing(flow, side),
        .acked_bytes = state->counts.acked_bytes,
        .packets = state->counts.packets,
    };
}

struct flow_mark flow_told(const struct flow *flow, enum flow_side side)
{
    if (flow->more)
        return flow->more->mark[side];
    return flow->flags & FLOW_TOLD ? all_of(flow, side) : (struct flow_mark){0};
}

int64_t flow_fresh_since(const struct flow *flow)
{
    if (flow->more && flow->more->late)
        return flow->more->fresh_since_ns;
    if (flow->class == CLASS_TCP_CLOSED && !(flow->flags & FLOW_TOLD))
        return flow->start_ns; /* its report may have been left to its end (expiry.c) */
    bool waits = flow->place[TIMER_REPORT] != PLACE_NOWHERE;
    return waits ? flow->link[TIMER_REPORT].key_ns : flow->last_ns;
}

struct flow_more *more_of(struct flow_table *table, struct flow *flow)
{
    if (flow->more)
        return flow->more;
    struct flow_more *more = pool_take(&table->more);
    for (int side = 0; side < SIDES; side++)
        more->mark[side] = flow_told(flow, (enum flow_side)side);
    flow->more = more;
    return more;
}

void more_free(struct flow_table *table, struct flow *flow)
{
    if (!flow->more)
        return;
    for (int side = 0; side < SIDES; side++)
        free(flow->more->gaps[side]);
    pool_give(&table->more, flow->more);
    flow->more = NULL;
}

static bool is_needed(const struct flow_more *more)
{
    for (int side = 0; side < SIDES; side++)
        if (more->gaps[side] || more->missing_bytes[side] || more->retransmitted_bytes[side] ||
            more->mark[side].missing_bytes || more->tunnel[side] != TUNNEL_NONE)
            return true;
    return false;
}

void more_told(struct flow_table *table, struct flow *flow)
{
    struct flow_more *more = flow->more;
    if (!more)
        return;
    for (int side = 0; side < SIDES; side++) {
        uint64_t missing = flow_missing_told(flow, (enum flow_side)side);
        more->mark[side] = all_of(flow, (enum flow_side)side);
        more->mark[side].missing_bytes = missing;
    }
    more->late = false;
    if (!is_needed(more))
        more_free(table, flow);
}

void more_swap_sides(struct flow_more *more)
{
    SWAP(struct flow_gaps *, more->gaps[0], more->gaps[1]);
    SWAP(uint64_t, more->missing_bytes[0], more->missing_bytes[1]);
    SWAP(uint64_t, more->retransmitted_bytes[0], more->retransmitted_bytes[1]);
    SWAP(struct flow_mark, more->mark[0], more->mark[1]);
}
