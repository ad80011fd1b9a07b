/* Connections that were open all the while: what a short capture can say of a channel that is kept.
 * The LASTING_KEPT longest are kept, of equals the lower key. Thread: the engine's. */
#include "weir/investigate/hosts.h"

#include <string.h>

#define LASTING_LEAST_NS (5 * NS_PER_MIN)

static int64_t length_of(const struct lasting_flow *flow)
{
    return flow->last_ns - flow->start_ns;
}

static bool is_before(const struct lasting_flow *a, const struct lasting_flow *b)
{
    if (length_of(a) != length_of(b))
        return length_of(a) > length_of(b);
    return memcmp(&a->key, &b->key, sizeof a->key) < 0;
}

static uint64_t sent_outwards(const struct flow_view *view)
{
    uint64_t sent = 0;
    for (int side = 0; side < SIDES; side++)
        sent += (view->way.leaves & (1u << side)) ? view->record->total[side].payload_bytes : 0;
    return sent;
}

void hosts_add_lasting(struct hosts *hosts, const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    struct lasting_flow flow = {.key = record->key,
                                .host = *view->host,
                                .remote = view->way.remote,
                                .remote_port = view->way.remote_port,
                                .start_ns = record->start_ns,
                                .last_ns = record->last_ns,
                                .out_bytes = sent_outwards(view)};
    if (record->end == FLOW_OPEN || length_of(&flow) < LASTING_LEAST_NS)
        return;
    size_t at = hosts->lasting_count;
    while (at > 0 && is_before(&flow, &hosts->lasting[at - 1]))
        at--;
    if (at == LASTING_KEPT)
        return;
    size_t behind = hosts->lasting_count - at;
    if (hosts->lasting_count == LASTING_KEPT)
        behind--;
    else
        hosts->lasting_count++;
    memmove(&hosts->lasting[at + 1], &hosts->lasting[at], behind * sizeof flow);
    hosts->lasting[at] = flow;
}

size_t hosts_lasting(const struct hosts *hosts, struct ptime first, struct ptime last)
{
    int64_t span_ns = last.ns > first.ns ? last.ns - first.ns : 0;
    size_t count = 0;
    while (count < hosts->lasting_count && length_of(&hosts->lasting[count]) / 9 >= span_ns / 10)
        count++;
    return count;
}
