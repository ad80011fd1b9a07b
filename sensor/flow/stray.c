/* TCP data far from where its direction is: more than TCP_NEAR ahead, or that far below the start.
 *
 * It may be one of three things, and only what follows tells which:
 *  - The sensor lost more than a window. Then the next segment follows the stray one, or the peer
 *    acknowledges it, and the direction's own sequence has stopped: it is taken up at the new
 *    place. What lies between is missing, if that is at most TCP_FAR ahead (more was never in
 *    flight at once); else nothing can be said of it.
 *  - The same bytes, once more, in other numbers: a firewall that randomises sequence numbers, seen
 *    on both sides. Then stray segments follow each other while the direction goes on as well. They
 *    are duplicates: retransmitted. Once that was recognised, the direction must stop for
 *    STRAY_PATIENCE segments before the other numbers are taken up.
 *  - Nonsense: injected, or made to carry bytes to an accomplice. Such segments follow nothing,
 *    left all the same, and count as payload, once each. They open no hole and are never
 *    acknowledged, so one packet adds to payload what it carried and to missing nothing.
 *
 * All of it is counted in far_segments. Thread: the capture thread. */
#include "flow.h"

#define STRAY_PATIENCE 16

void stray_note(struct flow_table *table, struct flow *flow, enum flow_side side, uint32_t seq)
{
    struct flow_gaps *gaps = gaps_of(table, flow, side);
    gaps->stray = true;
    gaps->stray_from = gaps->stray_to = seq;
    gaps->moved = gaps->stray_apart = false;
}

/* The stray segment is where the direction goes on. */
static void take_up(struct flow_table *table, struct flow *flow, enum flow_side side)
{
    struct flow_gaps *gaps = flow_gaps(flow, side);
    uint64_t *next = &flow->side[side].next;
    uint32_t from = gaps->stray_from, to = gaps->stray_to, left = (uint32_t)*next;
    int64_t ahead = tcp_distance(flow, side, from);
    if (gaps->stray_apart)
        gaps->apart -= to - from;
    else
        from = to; /* counted as a duplicate: the sequence begins behind it */
    gaps->stray = gaps->stray_apart = false;
    if (!gaps->parallel && ahead > 0 && ahead <= TCP_FAR) {
        uint64_t at = tcp_position(flow, side, from);
        gaps_open(table, flow, side, *next, at);
        *next = at + (to - from);
        return;
    }
    tcp_begin_again(table, flow, side, from);
    *next += to - from;
    stray_note(table, flow, side, left);
}

void stray_acknowledged(struct flow_table *table, struct flow *flow, enum flow_side side,
                        uint32_t ack)
{
    const struct flow_gaps *gaps = flow_gaps(flow, side);
    if (gaps && gaps->stray && gaps->stray_apart && !gaps->moved && !gaps->parallel &&
        ack - gaps->stray_from < TCP_NEAR)
        take_up(table, flow, side);
}

static void count_duplicate(struct flow_table *table, struct flow *flow, enum flow_side side,
                            uint32_t seq, uint32_t size)
{
    struct flow_gaps *gaps = flow_gaps(flow, side);
    tcp_count_again(table, flow, side, size);
    gaps->patience--;
    stray_note(table, flow, side, seq);
    gaps->stray_to = seq + size;
}

void stray_data(struct flow_table *table, struct flow *flow, enum flow_side side, uint32_t seq,
                uint32_t size)
{
    struct flow_gaps *gaps = gaps_of(table, flow, side);
    bool follows = gaps->stray && seq - gaps->stray_to < TCP_NEAR;
    table->far_segments++;
    if (gaps->stray && seq + size == gaps->stray_to) {
        tcp_count_again(table, flow, side, size);
        return;
    }
    if (follows && gaps->moved) {
        gaps->parallel = true;
        gaps->patience = STRAY_PATIENCE;
    }
    if (follows && gaps->patience > 0) {
        count_duplicate(table, flow, side, seq, size);
        return;
    }
    if (follows) {
        take_up(table, flow, side);
        tcp_data(table, flow, side, seq, size);
        return;
    }
    tcp_count_fresh(table, flow, side, size);
    gaps->apart += size;
    stray_note(table, flow, side, seq);
    gaps->stray_to = seq + size;
    gaps->stray_apart = true;
}
