/* Any bytes as a series of packets through a small table. Eight bytes a packet: what, who, sequence
 * and acknowledgment (small steps or whole numbers), length, time.
 *
 * Checked: what is reported of a flow adds up to its totals, whether reports are accepted or not;
 * no side counts more payload than its packets carried; every record is valid; records come in
 * order of time; every flow that began is released once; next_due is a promise. */
#include "weir/flow/table.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

struct life { /* hangs on the flow's content slot */
    uint64_t carried[SIDES], packets[SIDES];
    int64_t payload[SIDES], missing[SIDES], acked[SIDES], told_packets[SIDES];
};

struct watch {
    struct flow_table *table;
    int64_t told_ns;
    uint64_t released, records;
    bool refuse;
};

static void check_record(const struct record_flow *r, struct life *life)
{
    for (int s = 0; s < SIDES; s++) {
        const struct side_counts *total = &r->total[s];
        life->payload[s] += r->fresh[s].payload_bytes;
        life->missing[s] += r->fresh[s].missing_bytes;
        life->acked[s] += r->fresh[s].acked_bytes;
        life->told_packets[s] += r->fresh[s].packets;
        CHECK((uint64_t)life->payload[s] == total->payload_bytes);
        CHECK((uint64_t)life->missing[s] == total->missing_bytes);
        CHECK((uint64_t)life->acked[s] == total->acked_bytes);
        CHECK((uint64_t)life->told_packets[s] == total->packets);
        CHECK(total->packets == life->packets[s]);
    }
}

static bool report(void *context, struct flow *flow, enum flow_end end, struct ptime time)
{
    struct watch *watch = context;
    struct record_flow record;
    flow_fill_record(flow, end, time, &record);
    CHECK(record_validate(&record, sizeof record) == RECORD_OK);
    CHECK(time.ns >= watch->told_ns);
    watch->told_ns = time.ns;
    watch->records++;
    if (end == FLOW_OPEN && watch->refuse)
        return false;
    check_record(&record, *flow_content_slot(flow));
    return true;
}

static void swapped(void *context, struct flow *flow)
{
    (void)context;
    struct life *life = *flow_content_slot(flow), old = *life;
    for (int s = 0; s < SIDES; s++) {
        life->carried[s] = old.carried[1 - s];
        life->packets[s] = old.packets[1 - s];
        life->payload[s] = old.payload[1 - s];
        life->missing[s] = old.missing[1 - s];
        life->acked[s] = old.acked[1 - s];
        life->told_packets[s] = old.told_packets[1 - s];
    }
}

static void release(void *context, struct flow *flow)
{
    free(*flow_content_slot(flow));
    *flow_content_slot(flow) = NULL;
    ((struct watch *)context)->released++;
}

/* A few ways, with and without addresses, and two tenants. */
static void wrap(struct packet *p, uint8_t how, uint8_t id)
{
    p->tunnel.count = (uint8_t)(1 + (how & 7));
    memset(p->tunnel.layer, LAYER_GRE, sizeof p->tunnel.layer);
    p->tunnel.id[0] = id;
    p->tunnel.orig_ip.byte[15] = how >> 3 & 1;
    p->tunnel.resp_ip.byte[15] = how >> 4 & 1;
    p->tunnel.hop[1].orig_ip.byte[0] = how >> 5 & 1;
    p->tenant = how >> 6 & 1;
}

static struct packet make_packet(const uint8_t op[8], uint32_t seq[2], int64_t *clock)
{
    static const uint8_t protos[] = {PROTO_TCP, PROTO_TCP, PROTO_TCP, PROTO_UDP, PROTO_ICMP, 47};
    static const uint32_t steps[] = {0, 1, 1460, 65536, 1u << 23, 1u << 25, 1u << 30, 1u << 31};
    int from = op[1] & 1;
    struct packet p;
    memset(&p, 0, sizeof p);
    p.frames = 1;
    p.ip_version = 4;
    p.proto = protos[op[0] % 6];
    p.src.byte[15] = (uint8_t)(from ? 1 : 2);
    p.dst.byte[15] = (uint8_t)(from ? 2 : 1);
    p.src_port = p.proto == PROTO_ICMP ? op[2] & 15 : (uint16_t)(1022 + (op[1] >> 1 & 3) + from);
    p.dst_port = p.proto == PROTO_ICMP ? 0 : (uint16_t)(1023 + (op[1] >> 1 & 3) - from);
    p.later_fragment = p.fragment = op[1] >= 0xf8;
    p.tcp_flags = op[2];
    p.payload_bytes = (uint32_t)op[3] * (op[4] & 1 ? 300 : 3);
    seq[from] += op[4] & 2 ? steps[op[4] >> 5] : 0u - steps[op[4] >> 5];
    p.seq = seq[from] + (op[5] & 0x0f);
    p.ack = seq[!from] + (op[5] >> 4) * steps[op[4] >> 2 & 7];
    if (op[4] & 16)
        seq[from] += p.payload_bytes;
    p.ip_bytes = 40 + p.payload_bytes;
    p.wire_bytes = 54 + p.payload_bytes;
    int64_t step = (int64_t)op[6] << (op[7] & 31);
    p.time.ns = op[7] & 0x40 ? *clock - step : *clock + step;
    *clock = p.time.ns > *clock ? p.time.ns : *clock;
    if (op[7] & 0x80)
        wrap(&p, op[4], op[5]);
    return p;
}

static void one_packet(struct watch *watch, const struct packet *p)
{
    enum flow_side side;
    int64_t due = flow_table_next_due(watch->table).ns;
    uint64_t before = watch->records;
    flow_table_advance(watch->table, p->time);
    CHECK(p->time.ns >= due || watch->records == before);
    struct flow *flow = flow_table_packet(watch->table, p, &side);
    struct life *life = *flow_content_slot(flow);
    if (!life) {
        life = calloc(1, sizeof *life);
        CHECK(life);
        *flow_content_slot(flow) = life;
    }
    life->carried[side] += p->payload_bytes;
    life->packets[side]++;
    for (int s = 0; s < SIDES; s++) {
        struct side_counts c = flow_get_counts(flow, (enum flow_side)s);
        CHECK(c.payload_bytes + c.retransmitted_bytes <= life->carried[s]);
        CHECK(c.acked_bytes <= c.payload_bytes);
    }
    flow_table_settle(watch->table, flow, p->time);
    struct tunnel tunnel[SIDES];
    if (flow_table_tunnels(watch->table, flow, tunnel))
        CHECK(tunnel_holds(&tunnel[SIDE_ORIG]) && tunnel_holds(&tunnel[SIDE_RESP]));
    CHECK(!tunnel_addressed(&p->tunnel) || (flow_get_flags(flow) & FLOW_TUNNELLED));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct flow_events events = {report, swapped, release, NULL, NULL};
    struct flow_config config = flow_config_default();
    struct watch watch = {.told_ns = INT64_MIN};
    uint32_t seq[2] = {0xfffff000, 1000};
    int64_t clock = 0;
    if (size < 2)
        return 0;
    config.max_flows = 1 + data[0] % 8;
    config.report_bytes = 1u << (data[1] % 20);
    watch.table = flow_table_new(&config, &events, &watch);
    for (size_t at = 2; at + 8 <= size; at += 8) {
        watch.refuse = (data[at + 7] & 0x20) != 0;
        struct packet p = make_packet(data + at, seq, &clock);
        one_packet(&watch, &p);
        CHECK(flow_table_count(watch.table) <= config.max_flows);
    }
    watch.refuse = false;
    flow_table_finish(watch.table, (struct ptime){clock});
    CHECK(flow_table_count(watch.table) == 0);
    CHECK(flow_table_next_due(watch.table).ns == INT64_MAX);
    struct health health = {0};
    flow_table_health(watch.table, &health);
    CHECK(watch.released == health.flows);
    flow_table_free(watch.table);
    return 0;
}
