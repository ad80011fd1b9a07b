/* What the flow tests share: a table whose events are written down, and packets made of a few
 * numbers. */
#ifndef WEIR_TESTS_FLOW_LISTENER_H
#define WEIR_TESTS_FLOW_LISTENER_H

#include "weir/flow/table.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000000)

struct listener {
    struct flow_table *table;
    struct record_flow *told; /* every accepted report and every end */
    size_t count, room;
    bool refuse;         /* progress reports */
    bool says_otherwise; /* of what looks like a look-up by its port */
    unsigned refused, swapped, released;
    const struct flow *next[2]; /* that were said to be told next, the latest last */
    unsigned foretold;          /* those of which that came true */
};

static inline bool listener_report(void *context, struct flow *flow, enum flow_end end,
                                   struct ptime time)
{
    struct listener *l = context;
    l->foretold += flow == l->next[0] || flow == l->next[1];
    if (l->refuse && end == FLOW_OPEN) {
        l->refused++;
        return false;
    }
    if (l->count == l->room) {
        l->room = l->room ? 2 * l->room : 64;
        l->told = realloc(l->told, l->room * sizeof *l->told);
    }
    flow_fill_record(flow, end, time, &l->told[l->count]);
    assert_int_equal(record_validate(&l->told[l->count], sizeof l->told[0]), RECORD_OK);
    l->count++;
    return true;
}

static inline void listener_swapped(void *context, struct flow *flow)
{
    (void)flow;
    ((struct listener *)context)->swapped++;
}

static inline void listener_release(void *context, struct flow *flow)
{
    free(*flow_content_slot(flow));
    ((struct listener *)context)->released++;
}

static inline void listener_soon(void *context, struct flow *flow, bool next)
{
    struct listener *l = context;
    if (!next)
        return;
    l->next[0] = l->next[1];
    l->next[1] = flow;
}

static inline bool listener_looks_up(void *context, struct flow *flow)
{
    (void)flow;
    return !((struct listener *)context)->says_otherwise;
}

static inline void listen_with(struct listener *l, const struct flow_config *config)
{
    static const struct flow_events events = {listener_report, listener_swapped, listener_release,
                                              listener_soon, listener_looks_up};
    memset(l, 0, sizeof *l);
    l->table = flow_table_new(config, &events, l);
}

static inline void listen_default(struct listener *l)
{
    struct flow_config config = flow_config_default();
    listen_with(l, &config);
}

static inline void listen_end(struct listener *l)
{
    flow_table_free(l->table);
    free(l->told);
    l->told = NULL;
    l->count = l->room = 0;
}

static inline struct ip host(unsigned number)
{
    uint8_t bytes[4] = {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
    return ip_from_v4(bytes);
}

/* A whole packet as decode would tell it: Ethernet, IPv4, no options. */
static inline struct packet plain(unsigned src, unsigned dst, uint8_t proto, uint32_t payload,
                                  int64_t time_ns)
{
    uint32_t header = proto == PROTO_TCP ? 20 : 8;
    struct packet p;
    memset(&p, 0, sizeof p);
    p.time.ns = time_ns;
    p.frames = 1;
    p.src = host(src);
    p.dst = host(dst);
    p.ip_version = 4;
    p.proto = proto;
    p.payload_bytes = payload;
    p.ip_bytes = 20 + header + payload;
    p.wire_bytes = p.captured = 14 + p.ip_bytes;
    return p;
}

static inline struct packet udp(unsigned src, uint16_t src_port, unsigned dst, uint16_t dst_port,
                                uint32_t payload, int64_t time_ns)
{
    struct packet p = plain(src, dst, PROTO_UDP, payload, time_ns);
    p.src_port = src_port;
    p.dst_port = dst_port;
    return p;
}

/* Host 1 port 40000 (`out`) to and from host 2 port 443. */
static inline struct packet tcp(bool out, uint8_t flags, uint32_t seq, uint32_t ack,
                                uint32_t payload, int64_t time_ns)
{
    struct packet p = plain(out ? 1 : 2, out ? 2 : 1, PROTO_TCP, payload, time_ns);
    p.src_port = out ? 40000 : 443;
    p.dst_port = out ? 443 : 40000;
    p.tcp_flags = flags;
    p.seq = seq;
    p.ack = ack;
    return p;
}

/* As the capture thread does it: time first, then the packet, then the question whether it is
 * enough. */
static inline struct flow *feed(struct listener *l, const struct packet *packet,
                                enum flow_side *side)
{
    enum flow_side sender;
    flow_table_advance(l->table, packet->time);
    struct flow *flow = flow_table_packet(l->table, packet, &sender);
    flow_table_settle(l->table, flow, packet->time);
    if (side)
        *side = sender;
    return flow;
}

static inline struct flow *feed_tcp(struct listener *l, bool out, uint8_t flags, uint32_t seq,
                                    uint32_t ack, uint32_t payload, int64_t time_ns)
{
    struct packet p = tcp(out, flags, seq, ack, payload, time_ns);
    return feed(l, &p, NULL);
}

#endif
