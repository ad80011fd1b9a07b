/* Who talked to whom and how much: the flow table of one capture worker.
 *
 * One packet in, counts up. 64-bit, IPv4 and IPv6 alike. The table owns the byte count and the
 * flow's life; content inspection hangs on a flow by `content` and can move no counter.
 *
 * Time is packet time: flow_table_advance(t) first ends or reports everything that was due before
 * t, each at its own due time (last packet + time-out; first unreported packet + 10 s), then
 * packets at t are counted. So what is told does not depend on who else was in the table.
 *
 * Bound: `max_flows`; at the bound the flow idle for longest is ended as FLOW_END_EVICTED and
 * counted. Holes in TCP sequence space: FLOW_HOLES a side; at the bound the lowest hole is
 * forgotten (stays missing) and counted. Tunnels: 65,535 distinct ones; from 57,344 on without
 * their ids, at the bound not at all, counted. Thread: the capture thread only. */
#ifndef WEIR_FLOW_TABLE_H
#define WEIR_FLOW_TABLE_H

#include "weir/decode/packet.h"
#include "weir/record/record.h"

#define FLOW_HOLES 64

struct flow_config {
    uint32_t max_flows;    /* default 1,000,000 */
    int64_t tcp_open_ns;   /* idle time-out of an established TCP flow: 1 h */
    int64_t tcp_syn_ns;    /* of one SYN that was not sent again: 9 s, below report_ns */
    int64_t tcp_half_ns;   /* before a handshake is complete: 60 s */
    int64_t tcp_closed_ns; /* after FIN/FIN or RST, for stragglers: 10 s */
    int64_t udp_ns;        /* 180 s */
    int64_t icmp_ns;       /* 60 s, and every other protocol: 120 s */
    int64_t other_ns;
    int64_t report_ns;     /* progress this long after the first unreported packet: 10 s */
    uint64_t report_bytes; /* … or once this much payload of a side is unreported: 1 MiB */
};
struct flow_config flow_config_default(void);

/* What was reported: totals at the last accepted record. */
struct flow_mark {
    uint64_t payload_bytes, missing_bytes, acked_bytes, packets;
};

/* The key of the flow that this packet is of, its sender as the originator. */
struct flow_key flow_key_of(const struct packet *packet);

struct flow; /* private layout in sensor/flow/flow.h; read through these: */
const struct flow_key *flow_get_key(const struct flow *flow); /* orig/resp as known now */
struct side_counts flow_get_counts(const struct flow *flow, enum flow_side side);
uint64_t flow_get_payload(const struct flow *flow, enum flow_side side); /* of these, one */
struct ptime flow_get_start(const struct flow *flow);
uint16_t flow_get_flags(const struct flow *flow); /* FLOW_… */
/* TCP: the sequence number of the side's first byte, as its SYN says; false: none was seen. */
bool flow_get_first(const struct flow *flow, enum flow_side side, uint32_t *seq);
uint64_t flow_get_ordinal(const struct flow *flow); /* unique in the table's life, from 1 */
void **flow_content_slot(struct flow *flow);        /* the content room's own pointer */

struct flow_events {
    /* A record is due at `time` (FLOW_OPEN: progress). Fill and push it; return true when it was
     * accepted: the table then moves the mark. After an end, refused or not, it is released. */
    bool (*report)(void *context, struct flow *flow, enum flow_end end, struct ptime time);
    /* The originator was mistaken (a SYN came late, or the service said so): sides were swapped;
     * content swaps its own. */
    void (*swapped)(void *context, struct flow *flow);
    /* Nothing more is told of it, as it was so far; *flow_content_slot is freed here. */
    void (*release)(void *context, struct flow *flow);
    /* It will be told soon, as one of the next two: its own memory is there already. NULL: nobody
     * wants to know. */
    void (*soon)(void *context, struct flow *flow, bool next);
    /* Whether what goes to a port of DNS or NTP is such a look-up, by what was found in it. NULL:
     * by its port. */
    bool (*looks_up)(void *context, struct flow *flow);
};

/* Fills everything of a flow record that the table knows (not its number, not the tail). */
void flow_fill_record(const struct flow *flow, enum flow_end end, struct ptime time,
                      struct record_flow *record);

struct flow_table;
/* How the packets of each side came, since the record before, each as the flow's sides lie; count
 * 0: in no tunnel, or none came. False: neither did, as far as is known. */
bool flow_table_tunnels(const struct flow_table *table, const struct flow *flow,
                        struct tunnel tunnel[SIDES]);
struct flow_table *flow_table_new(const struct flow_config *config,
                                  const struct flow_events *events, void *context);
void flow_table_free(struct flow_table *table); /* releases flows without reports */
/* Everything due at or before `now`. Time never goes back: an older `now` does nothing. */
void flow_table_advance(struct flow_table *table, struct ptime now);
/* Counts the packet. Returns its flow and, in *side, who sent it. Never NULL. */
struct flow *flow_table_packet(struct flow_table *table, const struct packet *packet,
                               enum flow_side *side);
/* Whether `src` sounds like the side that opened; *by: FLOW_ORIG_BY_PORT, or 0 when the ports say
 * nothing, and then it does. */
bool flow_ports_say_sender(uint16_t src, uint16_t dst, uint16_t *by);
/* False: who opened it is a guess, which flow_table_settle_initiator may still correct. */
bool flow_initiator_is_known(const struct flow *flow);
/* What `sender` said proves that it is the client, or the server. The first such proof stays, and a
 * SYN that was or will be seen stands above it. Returns the side that `sender` is now. */
enum flow_side flow_table_settle_initiator(struct flow_table *table, struct flow *flow,
                                           enum flow_side sender, bool sender_is_client);
/* Optional, for sources that can look ahead: asks for the memory that flow_table_packet will need,
 * some packets before (about 16), and with what that returned nearer (about 8). Changes nothing.
 * The second returns the flow, NULL when there is none: it may be gone when its packet comes, its
 * memory is the table's as long as that is there. */
uint64_t flow_table_expect(const struct flow_table *table, const struct packet *packet);
struct flow *flow_table_expect_soon(const struct flow_table *table, uint64_t expected);
/* After content looked at the packet: reports progress when enough is unreported. */
void flow_table_settle(struct flow_table *table, struct flow *flow, struct ptime now);
/* Ends all, by key: FLOW_END_INPUT, or what had closed them (FLOW_END_CLOSED, FLOW_END_RESET). */
void flow_table_finish(struct flow_table *table, struct ptime now);
/* The earliest instant at which something will be due, PTIME_MAX when nothing is: a watermark may
 * be sent up to just before it. */
struct ptime flow_table_next_due(const struct flow_table *table);
/* Adds the table's own counters (flows…, tcp_…) to `health`. */
void flow_table_health(const struct flow_table *table, struct health *health);
uint32_t flow_table_count(const struct flow_table *table);
/* TCP segments so far (16 MiB) from the sequence number expected that they opened no hole. */
uint64_t flow_table_far_segments(const struct flow_table *table);

#endif
