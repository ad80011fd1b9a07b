/* Ordered bytes of TCP flows, IPv4 and IPv6. In-order data goes to the consumer straight from the
 * packet; only out-of-order episodes pass through libnids (the shape measured to deliver every
 * captured byte). Of overlapping copies the first captured wins. A gap that can no longer fill is
 * told as such; what the snap length cut is one as soon as its turn comes. It moves no byte
 * counter.
 *
 * libnids keeps process-global state: one `struct streams` a process, on the capture thread.
 * Bounds: `max_attached` episodes at once (the least recently fed is skipped forward), about 4 MiB
 * queued a side, `budget_bytes` queued in all; each is counted. */
#ifndef WEIR_CONTENT_STREAM_H
#define WEIR_CONTENT_STREAM_H

#include "weir/base/error.h"
#include "weir/decode/packet.h"
#include "weir/record/record.h"

struct stream_config {
    uint32_t max_attached; /* default 16384 */
    uint64_t budget_bytes; /* default 256 MiB */
    int64_t hold_ns;       /* an acknowledged gap is given up after this much packet time: 50 ms */
};
struct stream_config stream_config_default(void);

/* Called from stream_packet and stream_finish, also for another flow than the packet's (its episode
 * was cut short to make room). Inside, of this file's functions only stream_stop may be called. */
struct stream_events {
    /* `data` is valid during the call only. */
    void (*data)(void *owner, enum flow_side side, const uint8_t *data, size_t size,
                 struct ptime time);
    void (*gap)(void *owner, enum flow_side side, uint64_t bytes, struct ptime time);
};

struct streams;
struct streams *streams_new(const struct stream_config *config, const struct stream_events *events,
                            struct error *error);
void streams_free(struct streams *streams);
/* Adds streams_attached, stream_gap_bytes, stream_budget. */
void streams_health(const struct streams *streams, struct health *health);

/* One flow's two directions. Small (≤ 64 bytes) while nothing is out of order. */
struct stream;
struct stream *stream_new(struct streams *streams, void *owner);
/* As a SYN does, for one that came before the stream was made. */
void stream_begin(struct stream *stream, enum flow_side side, uint32_t first_seq);
void stream_free(struct stream *stream); /* drops what is queued */
void stream_swap_sides(struct stream *stream);
/* One TCP packet of this flow, with or without payload: SYN sets the start, ACK of the peer tells
 * of gaps, payload is delivered (callbacks run inside). The packet's bytes are never written to. */
void stream_packet(struct stream *stream, enum flow_side side, const struct packet *packet);
/* No more content is wanted of this side (its budget is spent): costs nothing from here on. */
void stream_stop(struct stream *stream, enum flow_side side);
/* Input or flow ended: what is queued is delivered, with its gaps. */
void stream_finish(struct stream *stream, struct ptime time);

#endif
