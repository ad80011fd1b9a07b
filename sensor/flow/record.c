/* What the table knows of a flow, as a record. The content room adds what it proved; capture the
 * record's number and the tail.
 * Thread: the capture thread. */
#include "flow.h"

bool flow_get_first(const struct flow *flow, enum flow_side side, uint32_t *seq)
{
    if (!(flow->tcp[side] & TCP_FIRM))
        return false;
    *seq = flow->first[side];
    return true;
}

uint16_t flow_get_flags(const struct flow *flow)
{
    bool two = flow->side[SIDE_ORIG].counts.packets && flow->side[SIDE_RESP].counts.packets;
    unsigned flags = flow->flags & ~FLOW_TOLD;
    if (flow->key.proto == PROTO_TCP && !two)
        flags |= FLOW_ONE_SIDED;
    return (uint16_t)flags;
}

/* What is told never takes back a span of bytes that was told before: a FIN may show that one byte
 * thought missing was its own number. */
uint64_t flow_missing_told(const struct flow *flow, enum flow_side side)
{
    uint64_t payload = flow->side[side].counts.payload_bytes, missing = flow_missing(flow, side);
    struct flow_mark mark = flow_told(flow, side);
    uint64_t told = mark.payload_bytes + mark.missing_bytes;
    return payload + missing >= told ? missing : told - payload;
}

void flow_fill_record(const struct flow *flow, enum flow_end end, struct ptime time,
                      struct record_flow *record)
{
    *record = (struct record_flow){
        .header = {.size = (uint32_t)record_size(sizeof *record, 0),
                   .kind = RECORD_FLOW,
                   .version = RECORD_VERSION,
                   .time_ns = time.ns},
        .key = flow->key,
        .start_ns = flow->start_ns,
        .last_ns = flow->last_ns,
        .fresh_since_ns = flow_fresh_since(flow),
        .end = (uint8_t)end,
        .flags = flow_get_flags(flow),
    };
    for (int side = 0; side < SIDES; side++) {
        struct side_counts *total = &record->total[side];
        struct flow_mark mark = flow_told(flow, (enum flow_side)side);
        *total = flow_get_counts(flow, (enum flow_side)side);
        total->missing_bytes = flow_missing_told(flow, (enum flow_side)side);
        if (flow->key.proto == PROTO_ICMP || flow->key.proto == PROTO_ICMP6)
            record->echo[side] = flow->side[side].echo;
        record->fresh[side].payload_bytes = (int64_t)(total->payload_bytes - mark.payload_bytes);
        record->fresh[side].missing_bytes = (int64_t)(total->missing_bytes - mark.missing_bytes);
        record->fresh[side].acked_bytes = (int64_t)(total->acked_bytes - mark.acked_bytes);
        record->fresh[side].packets = (int64_t)(total->packets - mark.packets);
    }
}
