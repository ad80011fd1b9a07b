/* What was not seen of one TCP direction: a short sorted list of holes, and what fell out of it.
 *
 * Most flows have none, so the list is made with the first hole and doubles up to FLOW_HOLES. At
 * the bound the lowest hole is forgotten: its bytes stay missing, and data that fills it later
 * counts as retransmitted. The lowest, because what is oldest is least likely to arrive any more.
 * Invariants: at[] is sorted and disjoint, no hole is empty, hole_bytes is their sum.
 * Thread: the capture thread. */
#include "flow.h"

#include "weir/base/buffer.h"

struct flow_gaps *gaps_of(struct flow_table *table, struct flow *flow, enum flow_side side)
{
    struct flow_gaps **gaps = &more_of(table, flow)->gaps[side];
    if (!*gaps)
        *gaps = xcalloc(1, sizeof **gaps);
    return *gaps;
}

/* Room for one more hole than there are; one above the bound, for the moment before forgetting. */
static struct flow_gaps *gaps_grow(struct flow_table *table, struct flow *flow, enum flow_side side)
{
    struct flow_gaps *gaps = gaps_of(table, flow, side);
    if (gaps->count < gaps->room)
        return gaps;
    uint32_t room = gaps->room ? 2 * gaps->room : 4;
    if (room > FLOW_HOLES + 1)
        room = FLOW_HOLES + 1;
    gaps = xrealloc(gaps, sizeof *gaps + room * sizeof gaps->at[0]);
    gaps->room = room;
    flow->more->gaps[side] = gaps;
    return gaps;
}

static uint64_t hole_size(const struct flow_hole *hole)
{
    return hole->to - hole->from;
}

/* Takes the first hole out of the list, not out of the account. */
static void forget_lowest(struct flow_table *table, struct flow_gaps *gaps)
{
    gaps->forgotten += hole_size(&gaps->at[0]);
    gaps->hole_bytes -= hole_size(&gaps->at[0]);
    gaps->count--;
    memmove(&gaps->at[0], &gaps->at[1], gaps->count * sizeof gaps->at[0]);
    table->holes_forgotten++;
}

/* The first hole that ends after `from`. */
static uint32_t hole_search(const struct flow_gaps *gaps, uint64_t from)
{
    uint32_t low = 0, high = gaps->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (gaps->at[middle].to > from)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* at[first, last) becomes with[0, put); keeps the bound. */
static void replace(struct flow_table *table, struct flow_gaps *gaps, uint32_t first, uint32_t last,
                    const struct flow_hole *with, uint32_t put)
{
    memmove(&gaps->at[first + put], &gaps->at[last], (gaps->count - last) * sizeof gaps->at[0]);
    memcpy(&gaps->at[first], with, put * sizeof gaps->at[0]);
    gaps->count = gaps->count - (last - first) + put;
    if (gaps->count > FLOW_HOLES)
        forget_lowest(table, gaps);
}

void gaps_open(struct flow_table *table, struct flow *flow, enum flow_side side, uint64_t from,
               uint64_t to)
{
    struct flow_gaps *gaps = gaps_grow(table, flow, side);
    uint32_t at = hole_search(gaps, from);
    gaps->hole_bytes += to - from;
    replace(table, gaps, at, at, &(struct flow_hole){from, to}, 1);
}

uint64_t gaps_fill(struct flow_table *table, struct flow *flow, enum flow_side side, uint64_t from,
                   uint64_t to)
{
    struct flow_gaps *gaps = flow_gaps(flow, side);
    if (!gaps || gaps->count == 0)
        return 0;
    gaps = gaps_grow(table, flow, side);
    uint32_t first = hole_search(gaps, from), last = first;
    uint64_t filled = 0;
    for (; last < gaps->count && gaps->at[last].from < to; last++) {
        const struct flow_hole *hole = &gaps->at[last];
        filled += (hole->to < to ? hole->to : to) - (hole->from > from ? hole->from : from);
    }
    if (first == last)
        return 0;
    struct flow_hole rest[2];
    uint32_t put = 0;
    if (gaps->at[first].from < from)
        rest[put++] = (struct flow_hole){gaps->at[first].from, from};
    if (gaps->at[last - 1].to > to)
        rest[put++] = (struct flow_hole){to, gaps->at[last - 1].to};
    gaps->hole_bytes -= filled;
    replace(table, gaps, first, last, rest, put);
    return filled;
}

uint64_t gaps_above(const struct flow_gaps *gaps, uint64_t from)
{
    uint64_t bytes = 0;
    for (uint32_t i = gaps->count; i-- > 0 && gaps->at[i].to > from;)
        bytes += gaps->at[i].to - (gaps->at[i].from > from ? gaps->at[i].from : from);
    return bytes;
}

void gaps_forget_all(struct flow_gaps *gaps)
{
    gaps->forgotten += gaps->hole_bytes;
    gaps->hole_bytes = 0;
    gaps->count = 0;
}
