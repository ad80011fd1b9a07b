/* What one worker does with packets, wherever they come from. Private to the capture room. */
#ifndef WEIR_SENSOR_CAPTURE_WORKER_H
#define WEIR_SENSOR_CAPTURE_WORKER_H

#include "emit.h"
#include "join.h"
#include "pick.h"
#include "weir/capture/capture.h"
#include "weir/capture/doubt.h"
#include "weir/capture/recent.h"
#include "weir/flow/place.h"
#include "weir/record/evidence_ring.h"

#define WORKER_AHEAD 16u /* packets that can be announced before their turn */

struct worker {
    uint32_t index, count; /* of the share; see capture/share.h */
    bool live;
    bool follows; /* what it reads still grows */
    struct capture_times times;
    bool bindings; /* are told */
    struct decoder *decoder;
    struct duplicates *duplicates;
    struct places *places;
    struct flow_table *table;
    struct content *content;
    struct emitter emitter;
    struct health health;
    struct join join; /* of logs */
    struct doubt doubt;
    struct ptime clock, next_health;
    struct ptime watermark; /* when the last one was sent, packet time */
    uint64_t watermark_number;
    struct recent *recent;      /* NULL: the last packets are not kept */
    struct evidence_ring *held; /* NULL: none are held for evidence */
    uint32_t handshake_bytes;   /* of payload that is held of each side of a flow */
    struct announced {          /* by number of the announcement */
        uint64_t hash;          /* see flow_table_expect */
        struct flow *flow;      /* NULL: none */
        uint16_t src_port;
        uint8_t side; /* enum flow_side */
    } expected[WORKER_AHEAD];
    uint32_t announced;
    struct pick *pick;  /* a second reading; then the clock stands, and there is no table */
    struct ptime stamp; /* … and what the input says of the time of the packet that comes next */
    struct meter *meter;
};

int worker_open(struct worker *worker, const struct capture_config *config, struct brake *brake,
                struct error *error);
void worker_close(struct worker *worker);
/* One packet, all the way. `jumped`: its own time was not believed. */
void worker_packet(struct worker *worker, struct capture_input *input, struct packet_raw *raw,
                   uint8_t vantage, bool jumped);
/* A packet that comes WORKER_AHEAD packets later, or sooner: its flow is fetched meanwhile. */
void worker_expect(struct worker *worker, const struct packet_raw *raw);
/* No packet comes for a while: what was told so far is complete. The clock stays. */
void worker_pause(struct worker *worker);
/* The clock goes on although no packet came. */
void worker_idle(struct worker *worker, struct ptime now);
/* No packet comes any more: everything is told, waiting for room where there is none. */
void worker_end(struct worker *worker);
void worker_show(const struct worker *worker); /* on the meter */

#endif
