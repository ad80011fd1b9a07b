/* Private to the stream files: a flow's small state, and the out-of-order episode it may be in. */
#ifndef WEIR_CONTENT_EPISODE_H
#define WEIR_CONTENT_EPISODE_H

#include "nids_port.h"
#include "spans.h"

#include "weir/base/pool.h"
#include "weir/content/stream.h"

/* A sequence number further than this from the expected one is no segment of this window: RFC 7323
 * bounds a window by 2^30. A segment's size fits between this and libnids' own limit. */
#define SEQ_PLAUSIBLE ((int32_t)(1u << 30) - (1 << 20))

/* Holes and cut pieces of one direction; at the bound the lowest hole is given up. */
#define SPANS_MAX 4096u

enum side_flags {
    SIDE_STARTED = 1,   /* `next` is known */
    SIDE_DATA = 2,      /* and payload was seen: a SYN no longer moves it */
    SIDE_STOPPED = 4,   /* no content is wanted */
    SIDE_ACK_KNOWN = 8, /* `acked` is known */
    SIDE_FIN_KNOWN = 16,
    SIDE_STRAY_KNOWN = 32,
};

struct stream {
    struct streams *streams;
    void *owner;
    struct episode *episode; /* NULL: nothing is out of order */
    uint32_t next[SIDES];    /* expected sequence number of what this side sends */
    uint32_t acked[SIDES];   /* the peer's latest acknowledgement of it */
    uint32_t fin[SIDES];     /* sequence number of its FIN */
    uint32_t stray[SIDES];   /* end of the last segment that was no part of the window */
    uint8_t flags[SIDES];
};
_Static_assert(sizeof(struct stream) <= 64, "one cache line a flow");

/* One direction of an episode. */
struct track {
    struct spans spans;
    int64_t held_since_ns; /* a hole is acknowledged since then … */
    uint32_t held_ack;     /* … up to here */
    bool held;
};

struct episode {
    struct stream *stream;
    struct tcp_stream *nids;
    struct episode *newer, *older; /* by last feeding; `older` also links the free ones */
    struct track track[SIDES];
    uint8_t client; /* the side that is libnids' client */
};

struct streams {
    struct stream_config config;
    struct stream_events events;
    struct pool pool;         /* of struct stream */
    struct episode *episodes; /* config.max_attached of them */
    uint32_t made;            /* ever used: of the others not even the memory is touched */
    struct episode *unused, *newest, *oldest;
    bool in_callback; /* episodes must not change under whoever is calling */
    struct ptime now; /* of the packet being worked on */
    uint64_t charged; /* units of PORT_CHARGE_BYTES queued in libnids */
    uint64_t attached_total, gap_bytes, cut_short;
};

/* A TCP segment's part not yet dealt with; `captured` ≤ `bytes`. */
struct segment {
    uint32_t seq, bytes, captured;
    const uint8_t *data;
};

void stream_emit_data(struct stream *stream, enum flow_side side, const uint8_t *data, size_t size);
void stream_emit_gap(struct stream *stream, enum flow_side side, uint64_t bytes);

/* Delivers what is in order of the segment and queues the rest. seq is plausible. */
void episode_segment(struct stream *stream, enum flow_side side, struct segment segment);
/* Gives up what the peer acknowledged long enough ago; ends the episode if nothing waits. */
void episode_settle(struct stream *stream);
/* Everything queued on a side is delivered with its gaps (or dropped, when the side is stopped). */
void episode_flush_side(struct stream *stream, enum flow_side side);
/* `side` is stopped: drops what it queued; ends the episode if nothing else waits. */
void episode_stop(struct stream *stream, enum flow_side side);
/* Both sides, and ends the episode. */
void episode_flush(struct stream *stream);
/* Ends the episode and drops what is queued. */
void episode_drop(struct stream *stream);

#endif
