/* One connection's bytes told twice, in large pieces and in small ones: what is made of them must
 * be the same. Shared by the fuzz targets of protocols; one `struct content` a process. */
#ifndef WEIR_FUZZ_CONTENT_TWO_WAYS_H
#define WEIR_FUZZ_CONTENT_TWO_WAYS_H

#include "weir/content/content.h"

#include <stdlib.h>
#include <string.h>

struct told {
    struct content_facts facts;
    char text[FLOW_TEXTS][RECORD_NAME_MAX + 1];
    uint64_t malformed;
};

struct two_ways {
    struct content *content;
    struct flow_table *table;
    struct told *told;
    uint16_t port;
};

static inline void two_ways_must(bool holds)
{
    if (!holds)
        abort();
}

static inline void two_ways_dns(void *context, struct flow *flow, struct ptime time,
                                const struct dns_message *message)
{
    (void)context, (void)flow, (void)time;
    two_ways_must(message->qtype != 0);
}

static inline void two_ways_name(void *context, struct flow *flow, struct ptime time,
                                 const char *name)
{
    (void)context, (void)flow, (void)time;
    two_ways_must(*name != '\0');
}

static inline void two_ways_items(void *context, struct flow *flow, enum flow_side side,
                                  struct ptime time, const struct content_items *items)
{
    (void)context, (void)flow, (void)side, (void)time;
    two_ways_must(items->count > 0 && items->count <= RECORD_CONTENT_ITEMS);
}

static inline bool two_ways_report(void *context, struct flow *flow, enum flow_end end,
                                   struct ptime time)
{
    struct two_ways *two = context;
    if (end == FLOW_OPEN)
        return true;
    content_flush(two->content, flow, time);
    two->told->facts = content_get_facts(flow);
    for (int i = 0; i < FLOW_TEXTS; i++) {
        two_ways_must(strlen(two->told->facts.text[i]) <= RECORD_NAME_MAX);
        strcpy(two->told->text[i], two->told->facts.text[i]);
    }
    return true;
}

static inline void two_ways_swapped(void *context, struct flow *flow)
{
    content_swapped(((struct two_ways *)context)->content, flow);
}

static inline void two_ways_release(void *context, struct flow *flow)
{
    content_release(((struct two_ways *)context)->content, flow);
}

/* libnids is process-global: opened once. */
static inline void two_ways_open(struct two_ways *two, uint16_t port)
{
    static const struct content_events content_events = {two_ways_dns, two_ways_name,
                                                         two_ways_items};
    static const struct flow_events flow_events = {two_ways_report, two_ways_swapped,
                                                   two_ways_release, NULL, NULL};
    struct content_config config = {.stream = stream_config_default()};
    struct flow_config flows = flow_config_default();
    struct error error = {ERROR_NONE, ""};
    config.stream.max_attached = 16;
    flows.max_flows = 16;
    two->port = port;
    two->content = content_new(&config, &content_events, two, &error);
    two->table = flow_table_new(&flows, &flow_events, two);
    two_ways_must(two->content && two->table);
}

static inline void two_ways_packet(struct two_ways *two, enum flow_side from, uint8_t flags,
                                   const uint8_t *data, size_t size, uint32_t next[SIDES])
{
    static int64_t now_ns = NS_PER_S;
    static const uint8_t address[SIDES][4] = {{10, 0, 0, 1}, {192, 0, 2, 80}};
    enum flow_side to = from == SIDE_ORIG ? SIDE_RESP : SIDE_ORIG, side;
    uint8_t *copy = malloc(size + 1);
    two_ways_must(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    now_ns += NS_PER_MS;
    struct packet p = {.time = {now_ns},
                       .frames = 1,
                       .ip_version = 4,
                       .proto = PROTO_TCP,
                       .src = ip_from_v4(address[from]),
                       .dst = ip_from_v4(address[to]),
                       .src_port = from ? two->port : 40000,
                       .dst_port = from ? 40000 : two->port,
                       .seq = next[from],
                       .ack = next[to],
                       .tcp_flags = flags,
                       .payload = copy,
                       .payload_captured = (uint32_t)size,
                       .payload_bytes = (uint32_t)size};
    p.wire_bytes = p.captured = p.ip_bytes = p.payload_bytes + 40;
    next[from] += p.payload_bytes + ((flags & TCP_SYN) != 0);
    flow_table_advance(two->table, p.time);
    struct flow *flow = flow_table_packet(two->table, &p, &side);
    content_packet(two->content, flow, side, &p);
    flow_table_settle(two->table, flow, p.time);
    free(copy);
    if (flags & TCP_FIN)
        flow_table_finish(two->table, p.time);
}

/* The whole conversation, in pieces of at most `most` bytes, with `lost` bytes missing in front of
 * each side's middle. */
static inline struct told two_ways_run(struct two_ways *two, const uint8_t *const data[SIDES],
                                       const size_t size[SIDES], size_t most, uint32_t lost)
{
    struct told told = {.malformed = 0};
    struct health before = {0}, after = {0};
    uint32_t next[SIDES] = {1000, 5000};
    two->told = &told;
    content_health(two->content, &before);
    two_ways_packet(two, SIDE_ORIG, TCP_SYN, NULL, 0, next);
    two_ways_packet(two, SIDE_RESP, TCP_SYN | TCP_ACK, NULL, 0, next);
    for (enum flow_side side = SIDE_ORIG; side < SIDES; side++)
        for (size_t at = 0; at < size[side]; at += most) {
            size_t n = size[side] - at < most ? size[side] - at : most;
            if (at >= size[side] / 2 && at - size[side] / 2 < most)
                next[side] += lost;
            two_ways_packet(two, side, TCP_ACK, data[side] + at, n, next);
        }
    two_ways_packet(two, SIDE_ORIG, TCP_ACK | TCP_FIN, NULL, 0, next);
    content_health(two->content, &after);
    told.malformed = after.parse_malformed - before.parse_malformed;
    two_ways_must(flow_table_count(two->table) == 0);
    return told;
}

/* Found items are left out: scanners look at what stands around an item, as far as its piece goes.
 */
static inline void two_ways_same(const struct told *a, const struct told *b)
{
    two_ways_must(a->facts.service == b->facts.service);
    two_ways_must(memcmp(a->text, b->text, sizeof a->text) == 0);
    two_ways_must(memcmp(a->facts.body, b->facts.body, sizeof a->facts.body) == 0);
}

#endif
