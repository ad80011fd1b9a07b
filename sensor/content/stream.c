/* Ordered bytes of TCP flows: the in-order path, where a stream starts, and its life.
 *
 * In order (nearly always) a packet costs a few comparisons and one call of the consumer with a
 * pointer into the packet. Everything else goes through episode.c.
 *
 * Start: SYN's sequence number + 1 (its own payload, TCP Fast Open, is the stream's first), until
 * the first payload the latest SYN counts; without a SYN the first payload seen. What came before
 * the start is old. A SYN on a stream that has payload is ignored: a new connection is a new flow,
 * which the flow room decides.
 *
 * FIN and RST end nothing. A FIN's sequence number tells a lost tail, once the flow ends; RST's
 * payload is a diagnostic, not stream data, and its numbers are believed in nothing.
 *
 * A segment more than 2^30 away from the expected number is no segment of this window: dropped,
 * unless another just behind it follows before any plausible one; then the sensor was blind for
 * that long, and the stream goes on there after a gap (modulo 2^32). One forged packet moves
 * nothing.
 *
 * Bounds: struct stream is one cache line; episodes are bounded in episode.c.
 * Thread: the capture thread; one `struct streams` a process, as libnids is process-global. */
#include "episode.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ATTACHED_LIMIT (1u << 22)
#define STRAY_FOLLOWS      (1u << 20)
/* More than any offload hands over (BIG TCP: 512 KiB): a length not to be believed. */
#define SEGMENT_BYTES_MAX (1u << 20)

struct stream_config stream_config_default(void)
{
    return (struct stream_config){
        .max_attached = 16384,
        .budget_bytes = UINT64_C(256) << 20,
        .hold_ns = 50 * NS_PER_MS,
    };
}

struct streams *streams_new(const struct stream_config *config, const struct stream_events *events,
                            struct error *error)
{
    uint32_t max_attached = config->max_attached;
    if (max_attached < 1 || max_attached > MAX_ATTACHED_LIMIT) {
        error_set(error, ERROR_USAGE, "streams: max_attached is %u, expected 1 to %u", max_attached,
                  MAX_ATTACHED_LIMIT);
        return NULL;
    }
    if (port_open(max_attached, error) != 0)
        return NULL;
    struct streams *streams = xcalloc(1, sizeof *streams);
    streams->config = *config;
    streams->events = *events;
    pool_init(&streams->pool, sizeof(struct stream));
    streams->episodes = xcalloc(max_attached, sizeof *streams->episodes);
    return streams;
}

void streams_free(struct streams *streams)
{
    if (!streams)
        return;
    while (streams->oldest)
        episode_drop(streams->oldest->stream);
    for (uint32_t i = 0; i < streams->made; i++) {
        for (enum flow_side side = SIDE_ORIG; side < SIDES; side++)
            spans_fini(&streams->episodes[i].track[side].spans);
    }
    free(streams->episodes);
    pool_fini(&streams->pool);
    free(streams);
    port_close();
}

void streams_health(const struct streams *streams, struct health *health)
{
    health->streams_attached += streams->attached_total;
    health->stream_gap_bytes += streams->gap_bytes;
    health->stream_budget += streams->cut_short;
}

struct stream *stream_new(struct streams *streams, void *owner)
{
    struct stream *stream = pool_take(&streams->pool);
    stream->streams = streams;
    stream->owner = owner;
    return stream;
}

void stream_free(struct stream *stream)
{
    if (!stream)
        return;
    if (stream->episode)
        episode_drop(stream);
    pool_give(&stream->streams->pool, stream);
}

void stream_swap_sides(struct stream *stream)
{
    struct stream old = *stream;
    for (enum flow_side side = SIDE_ORIG; side < SIDES; side++) {
        enum flow_side other = side == SIDE_ORIG ? SIDE_RESP : SIDE_ORIG;
        stream->next[side] = old.next[other];
        stream->acked[side] = old.acked[other];
        stream->fin[side] = old.fin[other];
        stream->stray[side] = old.stray[other];
        stream->flags[side] = old.flags[other];
    }
    struct episode *episode = stream->episode;
    if (!episode)
        return;
    struct track track = episode->track[SIDE_ORIG];
    episode->track[SIDE_ORIG] = episode->track[SIDE_RESP];
    episode->track[SIDE_RESP] = track;
    episode->client = episode->client == SIDE_ORIG ? SIDE_RESP : SIDE_ORIG;
}

/* --- what the consumer hears ----------------------------------------------------------------- */

void stream_emit_data(struct stream *stream, enum flow_side side, const uint8_t *data, size_t size)
{
    struct streams *streams = stream->streams;
    stream->flags[side] |= SIDE_DATA;
    if (stream->flags[side] & SIDE_STOPPED)
        return;
    streams->in_callback = true;
    streams->events.data(stream->owner, side, data, size, streams->now);
    streams->in_callback = false;
}

void stream_emit_gap(struct stream *stream, enum flow_side side, uint64_t bytes)
{
    struct streams *streams = stream->streams;
    stream->flags[side] |= SIDE_DATA;
    if (stream->flags[side] & SIDE_STOPPED)
        return;
    streams->gap_bytes += bytes;
    streams->in_callback = true;
    streams->events.gap(stream->owner, side, bytes, streams->now);
    streams->in_callback = false;
}

/* --- packets --------------------------------------------------------------------------------- */

static void start(struct stream *stream, enum flow_side side, uint32_t next)
{
    stream->flags[side] |= SIDE_STARTED;
    stream->flags[side] &= (uint8_t) ~(SIDE_FIN_KNOWN | SIDE_STRAY_KNOWN);
    stream->next[side] = next;
}

void stream_begin(struct stream *stream, enum flow_side side, uint32_t first_seq)
{
    start(stream, side, first_seq);
}

static bool waiting(const struct stream *stream, enum flow_side side)
{
    return stream->episode && spans_front(&stream->episode->track[side].spans);
}

static void on_syn(struct stream *stream, enum flow_side side, uint32_t next)
{
    if (!(stream->flags[side] & SIDE_DATA) && !waiting(stream, side))
        start(stream, side, next);
}

static bool plausible(const struct stream *stream, enum flow_side side, uint32_t seq)
{
    int32_t distance = (int32_t)(seq - stream->next[side]);
    return distance <= SEQ_PLAUSIBLE && distance >= -SEQ_PLAUSIBLE;
}

/* False: the segment is to be dropped. */
static bool in_window(struct stream *stream, enum flow_side side, const struct segment *segment)
{
    if (plausible(stream, side, segment->seq)) {
        stream->flags[side] &= (uint8_t)~SIDE_STRAY_KNOWN;
        return true;
    }
    bool follows = (stream->flags[side] & SIDE_STRAY_KNOWN) &&
                   segment->seq - stream->stray[side] < STRAY_FOLLOWS;
    stream->stray[side] = segment->seq + segment->bytes;
    stream->flags[side] |= SIDE_STRAY_KNOWN;
    if (!follows)
        return false;
    if (stream->episode)
        episode_flush_side(stream, side);
    if (plausible(stream, side, segment->seq))
        return true; /* what had waited reaches that far */
    uint32_t blind = segment->seq - stream->next[side];
    bool had_data = (stream->flags[side] & SIDE_DATA) != 0;
    start(stream, side, segment->seq);
    if (had_data)
        stream_emit_gap(stream, side, blind);
    return true;
}

static void on_payload(struct stream *stream, enum flow_side side, const struct segment *segment)
{
    if (!(stream->flags[side] & SIDE_STARTED))
        start(stream, side, segment->seq);
    if (in_window(stream, side, segment))
        episode_segment(stream, side, *segment);
}

static void on_fin(struct stream *stream, enum flow_side side, uint32_t seq)
{
    if (!(stream->flags[side] & SIDE_STARTED) || !plausible(stream, side, seq))
        return;
    stream->fin[side] = seq;
    stream->flags[side] |= SIDE_FIN_KNOWN;
}

static void other_packet(struct stream *stream, enum flow_side side, const struct packet *packet)
{
    struct segment segment = {packet->seq, packet->payload_bytes, packet->payload_captured,
                              packet->payload};
    if (segment.captured > segment.bytes || segment.bytes > SEGMENT_BYTES_MAX)
        segment.bytes = segment.captured;
    if (packet->tcp_flags & TCP_SYN)
        on_syn(stream, side, ++segment.seq);
    uint32_t end = segment.seq + segment.bytes;
    if (segment.bytes && !(stream->flags[side] & SIDE_STOPPED))
        on_payload(stream, side, &segment);
    if (packet->tcp_flags & TCP_FIN)
        on_fin(stream, side, end);
    if (stream->episode)
        episode_settle(stream);
}

void stream_packet(struct stream *stream, enum flow_side side, const struct packet *packet)
{
    if (packet->tcp_flags & TCP_RST)
        return;
    uint8_t *flags = &stream->flags[side];
    if (packet->tcp_flags & TCP_ACK) {
        enum flow_side peer = side == SIDE_ORIG ? SIDE_RESP : SIDE_ORIG;
        stream->acked[peer] = packet->ack;
        stream->flags[peer] |= SIDE_ACK_KNOWN;
    }
    stream->streams->now = packet->time;
    uint32_t bytes = packet->payload_captured;
    if ((packet->tcp_flags & (TCP_SYN | TCP_FIN)) || stream->episode ||
        bytes != packet->payload_bytes) {
        other_packet(stream, side, packet);
        return;
    }
    if (bytes == 0 || (*flags & SIDE_STOPPED))
        return;
    if (packet->seq != stream->next[side] || !(*flags & SIDE_STARTED)) {
        other_packet(stream, side, packet);
        return;
    }
    *flags = (uint8_t)((*flags | SIDE_DATA) & ~SIDE_STRAY_KNOWN);
    stream->next[side] += bytes;
    stream->streams->events.data(stream->owner, side, packet->payload, bytes, packet->time);
}

/* --- life ------------------------------------------------------------------------------------ */

void stream_stop(struct stream *stream, enum flow_side side)
{
    stream->flags[side] |= SIDE_STOPPED;
    /* Inside a callback whoever drains sees the flag, and settles when it is done. */
    if (stream->episode && !stream->streams->in_callback)
        episode_stop(stream, side);
}

void stream_finish(struct stream *stream, struct ptime time)
{
    stream->streams->now = time;
    if (stream->episode)
        episode_flush(stream);
    for (enum flow_side side = SIDE_ORIG; side < SIDES; side++) {
        uint32_t lost = stream->fin[side] - stream->next[side];
        if (!(stream->flags[side] & SIDE_FIN_KNOWN) || (int32_t)lost <= 0)
            continue;
        stream->next[side] = stream->fin[side];
        stream_emit_gap(stream, side, lost);
    }
}
