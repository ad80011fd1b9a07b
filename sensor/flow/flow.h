/* The flow room's own picture of a flow and its table.
 *
 * struct flow is four cache lines: who, when and its state; what each side sent; where its sequence
 * numbers are; its timers. What most flows need at no time, or for some seconds, hangs on it
 * (more.c). Flows live in chunks that never move, so the content room may keep pointers; inside the
 * room a flow is a 32-bit slot number.
 *
 * index.c finds a flow by key, queue.c keeps flows in order of time, expiry.c decides what is due,
 * initiator.c says who opened, connection.c follows TCP's life, tcp.c its bytes, stray.c bytes out
 * of place, holes.c what was not seen, exchange.c when a question and its answer were all,
 * tunnels.c keeps what carried flows, more.c what few flows have, record.c tells it, table.c ties
 * them together. */
#ifndef WEIR_SENSOR_FLOW_FLOW_H
#define WEIR_SENSOR_FLOW_FLOW_H

#include "weir/base/map.h"
#include "weir/base/pool.h"
#include "weir/flow/table.h"

#include <stddef.h>

#define FLOW_CHUNK         16384u     /* flows a chunk: 4 MiB, two huge pages */
#define SLOT_NONE          UINT32_MAX /* no flow */
#define PACKET_TIME_MAX_NS (RECORD_TIME_MAX_NS - NS_PER_DAY)

/* Which idle time-out holds. Each has its queue. */
enum flow_class {
    CLASS_TCP_SYN, /* one, and nothing else */
    CLASS_TCP_HALF,
    CLASS_TCP_OPEN,
    CLASS_TCP_CLOSED,
    CLASS_UDP,
    CLASS_ICMP,
    CLASS_OTHER,
    FLOW_CLASSES
};

enum flow_timer { TIMER_IDLE, TIMER_REPORT, TIMERS };

/* Where a flow waits for a timer. Only queue.c changes it. */
enum flow_place { PLACE_NOWHERE, PLACE_LIST, PLACE_HEAP };

struct flow_link {
    int64_t key_ns;      /* the instant the queue is sorted by */
    uint32_t prev, next; /* slots, in PLACE_LIST */
};

/* What is known of one TCP direction (flow.tcp[side]). Its two highest bits: see flow_start. */
#define TCP_KNOWN    1u /* next and start hold positions */
#define TCP_FIRM     2u /* start is the initial sequence number + 1: the SYN was seen */
#define TCP_FINISHED 4u /* a FIN was seen */
#define TCP_ACKED    8u /* acked holds a position */
#define TCP_STEP_ONE                                                                               \
    16u /* the last acknowledgment went on by one: a FIN not seen, for all we know */
#define TCP_SENT_ACK   32u /* sent an acknowledgment that was not a SYN or RST */
#define TCP_START_FROM 6u

struct flow_hole {
    uint64_t from, to;
};

/* What most flows never need: what of one direction was not seen, or not in sequence. */
struct flow_gaps {
    uint64_t hole_bytes;           /* of at[] */
    uint64_t forgotten;            /* missing bytes whose hole is no longer kept */
    uint64_t apart;                /* payload outside the sequence that acknowledgments speak of */
    uint32_t stray_from, stray_to; /* stray.c: the last far segment */
    bool stray;                    /* there is one */
    bool stray_apart;              /* its bytes are in `apart`, not retransmitted */
    bool moved;                    /* the direction's own sequence took data since */
    bool parallel;                 /* both were seen to go on side by side */
    uint8_t patience;
    uint32_t count, room;
    struct flow_hole at[]; /* sorted, disjoint, between start and next */
};

/* What few flows have, and what is known of each only while something of a flow that was reported
 * before is not: more.c. */
struct flow_more {
    struct flow_gaps *gaps[SIDES];
    uint64_t missing_bytes[SIDES], retransmitted_bytes[SIDES];
    int64_t fresh_since_ns; /* the first packet that was not reported, when `late` */
    uint16_t tunnel[SIDES]; /* tunnels.c: how each side's packets came, as the flow's sides lie */
    bool late;              /* a report was refused, and the flow waits for another time */
    struct flow_mark mark[SIDES];
};
_Static_assert(sizeof(struct flow_more) == 128, "two cache lines");

struct flow_side_state {
    struct {
        uint64_t packets, wire_bytes, ip_bytes, payload_bytes, acked_bytes;
    } counts;
    union {
        uint64_t next; /* TCP: position after the highest byte seen; the low half is its number */
        struct echo_counts echo; /* ICMP */
    };
};

#define FLOW_TOLD        0x8000u /* the table's own: a record of it was accepted */
#define FLOW_ORIG_BY_ALL (FLOW_ORIG_BY_SYN | FLOW_ORIG_BY_SERVICE | FLOW_ORIG_BY_PORT)

struct flow {
    _Alignas(128) struct flow_key key;
    int64_t last_ns;        /* the latest of its packets */
    uint16_t flags;         /* FLOW_…, without FLOW_ONE_SIDED; and FLOW_TOLD */
    uint8_t class : 4;      /* enum flow_class */
    uint8_t idle_queue : 4; /* the queue it waits in, perhaps not yet its class's */
    uint8_t place[TIMERS];
    uint8_t closed : 4;  /* FLOW_OPEN, FLOW_END_CLOSED or FLOW_END_RESET */
    uint8_t over : 1;    /* told as such, and nothing came since: exchange.c */
    uint8_t goes_on : 1; /* where one that was told as over had been */
    uint8_t tcp[SIDES];

    struct flow_side_state side[SIDES];
    union {
        uint64_t acked[SIDES];  /* TCP: highest position the peer acknowledged */
        uint64_t echoed[SIDES]; /* ICMP: hash of the last echo's payload; 0: none */
    };
    uint32_t first[SIDES]; /* TCP: the sequence number of the first byte: flow_start */
    void *content;

    struct flow_more *more; /* NULL: nothing of it */
    uint32_t fresh_bytes;   /* payload of both sides since the last attempt to report, or most */
    uint32_t slot;
    uint64_t ordinal;
    int64_t start_ns;
    struct flow_link link[TIMERS];
};
_Static_assert(sizeof(struct flow) == (size_t)4 * 64, "a flow is four cache lines");
_Static_assert(sizeof(struct flow_key) == 48, "a key is six words");
_Static_assert(offsetof(struct flow, side) == 64 && offsetof(struct flow, acked) == 160 &&
                   offsetof(struct flow, more) == 192,
               "lines begin where they should");

/* TCP: the position of a side's first byte. Positions begin at 2^32 and a sequence number, and a
 * start is moved below them, or up to FLOW_START_MAX (tcp.c): two bits beside its number say the
 * rest. */
#define FLOW_START_MAX ((UINT64_C(1) << 34) - 1)

static inline uint64_t flow_start(const struct flow *flow, enum flow_side side)
{
    return (uint64_t)(flow->tcp[side] >> TCP_START_FROM) << 32 | flow->first[side];
}

static inline void flow_set_start(struct flow *flow, enum flow_side side, uint64_t at)
{
    unsigned known = flow->tcp[side] & ((1u << TCP_START_FROM) - 1);
    flow->tcp[side] = (uint8_t)(known | (unsigned)(at >> 32 & 3) << TCP_START_FROM);
    flow->first[side] = (uint32_t)at;
}

static inline struct flow_gaps *flow_gaps(const struct flow *flow, enum flow_side side)
{
    return flow->more ? flow->more->gaps[side] : NULL;
}

#define SWAP(type, a, b)                                                                           \
    do {                                                                                           \
        type kept = (a);                                                                           \
        (a) = (b);                                                                                 \
        (b) = kept;                                                                                \
    } while (0)

#define FRESH_MOST UINT32_MAX
static inline void flow_count_fresh(struct flow *flow, uint64_t bytes)
{
    uint64_t all = flow->fresh_bytes + bytes;
    flow->fresh_bytes = all < FRESH_MOST ? (uint32_t)all : FRESH_MOST;
}

static inline uint64_t flow_missing(const struct flow *flow, enum flow_side side)
{
    return flow->more ? flow->more->missing_bytes[side] : 0;
}

struct queue_entry {
    int64_t key_ns;
    uint64_t ordinal; /* whose; 0 or another's: stale */
    uint32_t slot;
};

struct flow_queue {
    enum flow_timer timer;
    int64_t interval_ns; /* due = key + interval */
    uint32_t head, tail; /* the list, sorted by key */
    struct queue_entry *heap;
    size_t heap_count, heap_room;
};

struct index_slot {
    uint32_t tag; /* low half of the hash */
    uint32_t slot;
};

struct flow_index {
    struct index_slot *at;
    uint32_t mask, count;
    uint64_t seed[4];
};

/* Distinct values, each counted by the flows that came so; a reference is an index from 1. */
struct tunnels {
    struct tunnel_entry **at; /* at[reference − 1]; those free again are kept, chained */
    uint32_t count, room, used;
    uint16_t free;
    struct map map; /* struct tunnel → its entry */
    uint64_t forgotten, lost, mixed;
};

struct flow_table {
    struct flow_config config;
    struct flow_events events;
    void *context;
    int64_t clock_ns;    /* up to which flow_table_advance has come */
    int64_t next_due_ns; /* nothing is due before */
    struct flow_index index;
    struct flow_queue idle[FLOW_CLASSES];
    struct flow_queue report;
    struct flow **chunk;
    uint32_t chunk_count, slots, free_slot; /* free slots are chained by link[0].next */
    uint32_t count;
    uint64_t begun, evicted, one_sided, two_sided;
    uint64_t tcp_payload_bytes, tcp_missing_bytes, holes_forgotten, far_segments;
    uint64_t again_bytes, far_acks, resets_refused, reset_bytes;
    struct tunnels tunnels;
    struct pool more; /* of struct flow_more */
};

static inline struct flow *flow_at(const struct flow_table *table, uint32_t slot)
{
    return &table->chunk[slot / FLOW_CHUNK][slot % FLOW_CHUNK];
}

static inline enum flow_side side_other(enum flow_side side)
{
    return side == SIDE_ORIG ? SIDE_RESP : SIDE_ORIG;
}

/* Captures can claim any time; records carry ± RECORD_TIME_MAX_NS. A packet's time is held a day
 * inside of that, so that what is due after it can be told too. */
static inline int64_t time_held(int64_t time_ns, int64_t limit_ns)
{
    if (time_ns > limit_ns)
        return limit_ns;
    return time_ns < -limit_ns ? -limit_ns : time_ns;
}

/* `from` plus a span >= 0, stopping at the end of time. */
static inline int64_t time_after(int64_t from, int64_t span)
{
    int64_t sum;
    return __builtin_add_overflow(from, span, &sum) ? INT64_MAX : sum;
}

/* --- echo.c: what an echo's payload says; any other packet, nothing */
void echo_packet(struct flow *flow, enum flow_side side, const struct packet *packet);

/* --- index.c: by (address, port) × 2, protocol, VLAN, vantage and tenant, in either direction */

/* A key as words, sender first: what is compared and hashed. */
struct probe {
    uint64_t from[2], to[2];
    uint64_t rest;        /* ports, VLAN, protocol, vantage as they lie in a key */
    uint64_t rest_turned; /* … with the ports swapped */
    uint64_t tenant;
    uint64_t hash;
};

void index_init(struct flow_index *index);
void index_fini(struct flow_index *index);
struct probe index_probe(const struct flow_index *index, const struct packet *packet);
/* probe.hash alone. */
uint64_t index_hash(const struct flow_index *index, const struct packet *packet);
struct flow_key probe_key(const struct probe *probe);
/* The flow, or NULL; *side is who sent the packet. */
struct flow *index_find(const struct flow_table *table, const struct probe *probe,
                        enum flow_side *side);
/* Fetch: where a hash stands, then the flow that stands there. */
void index_expect(const struct flow_index *index, uint64_t hash);
struct flow *index_expect_flow(const struct flow_table *table, uint64_t hash);
void index_add(struct flow_index *index, uint64_t hash, uint32_t slot);
void index_remove(struct flow_index *index, const struct flow_key *key, uint32_t slot);
void index_clear(struct flow_index *index);

/* --- queue.c */
void queue_init(struct flow_queue *queue, enum flow_timer timer, int64_t interval_ns);
void queue_fini(struct flow_queue *queue);
void queue_clear(struct flow_queue *queue); /* all flows have gone */
void queue_add(struct flow_table *table, struct flow_queue *queue, struct flow *flow,
               int64_t key_ns);
void queue_drop(struct flow_table *table, struct flow_queue *queue, struct flow *flow);
/* The flow with the smallest key, which stays; NULL when the queue is empty. */
struct flow *queue_first(struct flow_table *table, struct flow_queue *queue);

/* --- expiry.c */
void expiry_begin(struct flow_table *table, struct flow *flow);
void expiry_set_class(struct flow_table *table, struct flow *flow, enum flow_class class);
void expiry_touch(struct flow_table *table, struct flow *flow, int64_t time_ns);
struct flow *expiry_oldest(struct flow_table *table);
void expiry_drop(struct flow_table *table, struct flow *flow);

/* --- initiator.c: true when the packet's sender opened the flow; *by: FLOW_ORIG_BY_SYN,
 * FLOW_ORIG_BY_PORT, or 0 when only its being first speaks for it. */
bool initiator_is_sender(const struct packet *packet, uint16_t *by);

/* --- exchange.c */
/* Its report is due: is that its end? */
bool exchange_is_over(const struct flow_table *table, struct flow *flow, int64_t told_ns);
/* Of one that was over: nothing is counted yet. Who opened it stays, and that it is two-way. */
void exchange_begin_again(struct flow *flow);

/* --- connection.c */
/* Of a flow that begins with this packet. */
enum flow_class connection_class(const struct packet *packet);
bool connection_begins_anew(const struct flow_table *table, const struct flow *flow,
                            enum flow_side side, const struct packet *packet);
void connection_packet(struct flow_table *table, struct flow *flow, enum flow_side side,
                       const struct packet *packet);

/* --- tcp.c */
#define TCP_FAR  (INT64_C(1) << 30) /* the largest window TCP can have: RFC 7323 2.3 */
#define TCP_NEAR (INT64_C(1) << 24) /* a window hosts really use */
/* Positions are sequence numbers unwrapped to 64 bits near the highest position known. */
uint64_t tcp_position(const struct flow *flow, enum flow_side side, uint32_t seq);
/* How far `seq` lies from the highest position known. */
int64_t tcp_distance(const struct flow *flow, enum flow_side side, uint32_t seq);
void tcp_count_fresh(struct flow_table *table, struct flow *flow, enum flow_side side,
                     uint64_t bytes);
/* Bytes that were counted already: they came again. */
void tcp_count_again(struct flow_table *table, struct flow *flow, enum flow_side side,
                     uint64_t bytes);
/* Gives up the sequence followed so far for one that begins at `seq`. What is missing stays so;
 * what was not acknowledged never will be. */
void tcp_begin_again(struct flow_table *table, struct flow *flow, enum flow_side side,
                     uint32_t seq);
void tcp_data(struct flow_table *table, struct flow *flow, enum flow_side side, uint32_t seq,
              uint32_t size);
void tcp_packet(struct flow_table *table, struct flow *flow, enum flow_side side,
                const struct packet *packet);

/* --- stray.c: data too far from where its direction is */
void stray_data(struct flow_table *table, struct flow *flow, enum flow_side side, uint32_t seq,
                uint32_t size);
/* Data may follow from `seq`, though it is far off: a SYN said so that cannot be believed yet. */
void stray_note(struct flow_table *table, struct flow *flow, enum flow_side side, uint32_t seq);
/* The peer acknowledged `ack`, which is far off too. */
void stray_acknowledged(struct flow_table *table, struct flow *flow, enum flow_side side,
                        uint32_t ack);

/* --- holes.c */
/* Made when there are none. */
struct flow_gaps *gaps_of(struct flow_table *table, struct flow *flow, enum flow_side side);
/* [from, to) was not seen. It overlaps no hole there is. */
void gaps_open(struct flow_table *table, struct flow *flow, enum flow_side side, uint64_t from,
               uint64_t to);
/* [from, to) was seen: how much of it had been missing. */
uint64_t gaps_fill(struct flow_table *table, struct flow *flow, enum flow_side side, uint64_t from,
                   uint64_t to);
/* Missing bytes at or above `from`. */
uint64_t gaps_above(const struct flow_gaps *gaps, uint64_t from);
void gaps_forget_all(struct flow_gaps *gaps);

/* --- tunnels.c */
#define TUNNELS_MAX   65535u /* distinct ones */
#define TUNNELS_WHOLE 57344u /* beyond so many, without their ids */
#define TUNNEL_NONE   0u
void tunnels_init(struct tunnels *tunnels);
void tunnels_fini(struct tunnels *tunnels);
/* A reference of one's own; TUNNEL_NONE for none, and where there is no room, which is counted. */
uint16_t tunnels_take(struct tunnels *tunnels, const struct tunnel *tunnel);
void tunnels_drop(struct tunnels *tunnels, uint16_t reference);
const struct tunnel *tunnels_get(const struct tunnels *tunnels, uint16_t reference);
/* The flow begins with this packet. */
void tunnel_begin(struct flow_table *table, struct flow *flow, enum flow_side side,
                  const struct packet *packet);
/* A packet that came in a tunnel, or of a flow that did: reports what came by another way. */
void tunnel_packet(struct flow_table *table, struct flow *flow, enum flow_side side,
                   const struct packet *packet, int64_t told_ns);
void tunnel_swap_sides(struct flow_table *table, struct flow *flow);
void tunnel_end(struct flow_table *table, struct flow *flow);

/* --- more.c */
struct flow_more *more_of(struct flow_table *table, struct flow *flow); /* made when missing */
void more_free(struct flow_table *table, struct flow *flow);
/* A record of all there is was accepted. */
void more_told(struct flow_table *table, struct flow *flow);
/* Before a packet is counted: what was told is remembered, if that is all there is. */
static inline void more_remember(struct flow_table *table, struct flow *flow)
{
    if ((flow->flags & FLOW_TOLD) && flow->place[TIMER_REPORT] == PLACE_NOWHERE)
        more_of(table, flow);
}
void more_swap_sides(struct flow_more *more);
/* What records that were accepted told of a side. */
struct flow_mark flow_told(const struct flow *flow, enum flow_side side);
/* The first packet that was not told; its last one when all were. */
int64_t flow_fresh_since(const struct flow *flow);

/* --- record.c: missing_bytes as records tell it */
uint64_t flow_missing_told(const struct flow *flow, enum flow_side side);

/* --- table.c: reports the end, unless that was told, and releases the flow. */
void flow_finish(struct flow_table *table, struct flow *flow, enum flow_end end, int64_t time_ns);
/* Reports the end of a flow that stays in the table, should it go on. */
void flow_rest(struct flow_table *table, struct flow *flow, int64_t time_ns);
/* Reports progress; true when it was accepted and the flow has nothing unreported. */
bool flow_report(struct flow_table *table, struct flow *flow, int64_t time_ns);

#endif
