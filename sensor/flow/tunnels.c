/* What carried flows: each distinct value once, counted by the flows that came so.
 *
 * A side's packets travel in that side's tunnel, and where a tunnel leads is what the engine judges
 * (engine/way.c). So what is told of a side never mixes two ways: when its packets come by other
 * outermost addresses than before (a tunnel that moved, one that begins or ends under a flow), what
 * came until then is reported first, and the flow says that this happened (when the ring has no
 * room for that, live, it is told with the new way, counted). Ids may change without that: the
 * first are kept.
 *
 * Bound: TUNNELS_MAX. As addresses matter more than ids, the last eighth is for values without ids.
 * Thread: the capture thread. */
#include "flow.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

struct tunnel_entry {
    struct tunnel value;
    uint32_t references;
    uint16_t number;    /* its own */
    uint16_t next_free; /* number, TUNNEL_NONE: last */
};

void tunnels_init(struct tunnels *tunnels)
{
    *tunnels = (struct tunnels){.free = TUNNEL_NONE};
    map_init(&tunnels->map);
}

void tunnels_fini(struct tunnels *tunnels)
{
    map_fini(&tunnels->map, NULL);
    for (uint32_t i = 0; i < tunnels->count; i++)
        free(tunnels->at[i]);
    free(tunnels->at);
}

static struct tunnel_entry *entry_take(struct tunnels *tunnels)
{
    if (tunnels->free != TUNNEL_NONE) {
        struct tunnel_entry *entry = tunnels->at[tunnels->free - 1];
        tunnels->free = entry->next_free;
        return entry;
    }
    if (tunnels->count == tunnels->room) {
        tunnels->room = tunnels->room ? 2 * tunnels->room : 64;
        tunnels->at = xrealloc(tunnels->at, tunnels->room * sizeof(struct tunnel_entry *));
    }
    struct tunnel_entry *entry = xcalloc(1, sizeof *entry);
    tunnels->at[tunnels->count++] = entry;
    entry->number = (uint16_t)tunnels->count;
    return entry;
}

static uint16_t take(struct tunnels *tunnels, const struct tunnel *value, uint32_t most)
{
    struct tunnel_entry *entry = map_get(&tunnels->map, value, sizeof *value);
    if (!entry && tunnels->used >= most)
        return TUNNEL_NONE;
    if (!entry) {
        entry = entry_take(tunnels);
        entry->value = *value;
        map_put(&tunnels->map, value, sizeof *value, entry);
        tunnels->used++;
    }
    entry->references++;
    return entry->number;
}

uint16_t tunnels_take(struct tunnels *tunnels, const struct tunnel *tunnel)
{
    if (tunnel->count == 0)
        return TUNNEL_NONE;
    struct tunnel value = tunnel_tidy(tunnel);
    uint16_t reference = take(tunnels, &value, TUNNELS_WHOLE);
    if (reference != TUNNEL_NONE)
        return reference;
    memset(value.id, 0, sizeof value.id);
    value.orig_port = value.resp_port = 0;
    reference = take(tunnels, &value, TUNNELS_MAX);
    ++*(reference != TUNNEL_NONE ? &tunnels->forgotten : &tunnels->lost);
    return reference;
}

void tunnels_drop(struct tunnels *tunnels, uint16_t reference)
{
    if (reference == TUNNEL_NONE)
        return;
    struct tunnel_entry *entry = tunnels->at[reference - 1];
    if (--entry->references > 0)
        return;
    map_remove(&tunnels->map, &entry->value, sizeof entry->value);
    entry->next_free = tunnels->free;
    tunnels->free = reference;
    tunnels->used--;
}

const struct tunnel *tunnels_get(const struct tunnels *tunnels, uint16_t reference)
{
    static const struct tunnel none;
    return reference == TUNNEL_NONE ? &none : &tunnels->at[reference - 1]->value;
}

/* --- of a flow ----------------------------------------------------------------------------- */

static void set(struct flow_table *table, struct flow *flow, enum flow_side side, uint16_t to)
{
    struct flow_more *more = more_of(table, flow);
    tunnels_drop(&table->tunnels, more->tunnel[side]);
    more->tunnel[side] = to;
}

static uint16_t came_by(const struct flow *flow, enum flow_side side)
{
    return flow->more ? flow->more->tunnel[side] : TUNNEL_NONE;
}

static struct tunnel tunnel_of(const struct packet *packet, enum flow_side sender)
{
    if (packet->tunnel.count == 0)
        return (struct tunnel){.count = 0};
    return sender == SIDE_ORIG ? packet->tunnel : tunnel_turned(&packet->tunnel);
}

/* Until the other side is heard, its packets are thought to come the same way back. */
void tunnel_begin(struct flow_table *table, struct flow *flow, enum flow_side side,
                  const struct packet *packet)
{
    if (packet->tunnel.count == 0)
        return;
    struct tunnel value = tunnel_of(packet, side);
    for (int each = 0; each < SIDES; each++)
        set(table, flow, (enum flow_side)each, tunnels_take(&table->tunnels, &value));
    flow->flags |= FLOW_TUNNELLED;
}

void tunnel_packet(struct flow_table *table, struct flow *flow, enum flow_side side,
                   const struct packet *packet, int64_t told_ns)
{
    struct tunnel value = tunnel_of(packet, side);
    if (tunnel_same_way(&value, tunnels_get(&table->tunnels, came_by(flow, side))))
        return;
    uint16_t to = tunnels_take(&table->tunnels, &value);
    if (to == came_by(flow, side)) { /* no room for this one either */
        tunnels_drop(&table->tunnels, to);
        return;
    }
    if (flow->side[side].counts.packets > 0) {
        if (flow->place[TIMER_REPORT] != PLACE_NOWHERE && !flow_report(table, flow, told_ns))
            table->tunnels.mixed++;
        flow->flags |= FLOW_TUNNEL_MOVED;
    }
    flow->flags |= FLOW_TUNNELLED;
    set(table, flow, side, to);
}

void tunnel_swap_sides(struct flow_table *table, struct flow *flow)
{
    if (came_by(flow, SIDE_ORIG) == TUNNEL_NONE && came_by(flow, SIDE_RESP) == TUNNEL_NONE)
        return;
    uint16_t turned[SIDES];
    for (int side = 0; side < SIDES; side++) {
        struct tunnel value =
            tunnel_turned(tunnels_get(&table->tunnels, flow->more->tunnel[SIDES - 1 - side]));
        turned[side] = tunnels_take(&table->tunnels, &value);
    }
    set(table, flow, SIDE_ORIG, turned[SIDE_ORIG]);
    set(table, flow, SIDE_RESP, turned[SIDE_RESP]);
}

void tunnel_end(struct flow_table *table, struct flow *flow)
{
    if (flow->more && (flow->flags & FLOW_TUNNELLED)) {
        set(table, flow, SIDE_ORIG, TUNNEL_NONE);
        set(table, flow, SIDE_RESP, TUNNEL_NONE);
    }
}

bool flow_table_tunnels(const struct flow_table *table, const struct flow *flow,
                        struct tunnel tunnel[SIDES])
{
    if (!(flow->flags & FLOW_TUNNELLED)) /* nothing else is touched */
        return false;
    for (int side = 0; side < SIDES; side++) {
        bool heard = flow->side[side].counts.packets > 0;
        tunnel[side] = *tunnels_get(&table->tunnels,
                                    heard ? came_by(flow, (enum flow_side)side) : TUNNEL_NONE);
    }
    return tunnel[SIDE_ORIG].count > 0 || tunnel[SIDE_RESP].count > 0;
}
