/* Out-of-order episodes: from the first segment ahead of its turn until nothing waits any more.
 *
 * Design. Only what lies ahead is queued in libnids; whatever is at its turn, also during an
 * episode, goes to the consumer straight from the packet, and then what it made contiguous is
 * drained. spans.h says what is queued; a piece is queued only where nothing is yet, so the first
 * copy of a byte wins, always. A piece cut by the snap length is a span of its own kind: nobody
 * will bring it, so it becomes a gap as soon as its turn comes.
 *
 * A hole is given up
 *  - when the peer acknowledged past it and hold_ns of packet time passed (captures swap packets),
 *    but no further than it acknowledged. The latest acknowledgement counts, not the highest, so a
 *    forged one lasts only until the next honest one;
 *  - when this direction's charge or number of spans is at its cap: the lowest hole;
 *  - when all queues together exceed the budget, or max_attached flows are in an episode: the flow
 *    fed longest ago, all its holes. Both caps and these are counted as `cut_short`;
 *  - at the flow's end.
 * Without any of these a hole stays open: there is no time-out of its own, since whether it struck
 * would depend on the packets of other flows.
 *
 * Invariants: `next` ≤ the front span's start, and equal only inside drain(); an episode has its
 * libnids flow; between packets an episode holds at least one span. Thread: the capture thread. */
#include "episode.h"

#include <string.h>

#define SPANS_KEPT 16u /* room an unused episode may keep */

static bool stopped(const struct stream *stream, enum flow_side side)
{
    return (stream->flags[side] & SIDE_STOPPED) != 0;
}

static enum port_side port_side_of(const struct episode *episode, enum flow_side side)
{
    return side == episode->client ? PORT_CLIENT : PORT_SERVER;
}

/* --- the list of attached episodes, newest fed first ----------------------------------------- */

static void unlink_episode(struct streams *streams, struct episode *episode)
{
    if (episode->newer)
        episode->newer->older = episode->older;
    else
        streams->newest = episode->older;
    if (episode->older)
        episode->older->newer = episode->newer;
    else
        streams->oldest = episode->newer;
}

static void link_newest(struct streams *streams, struct episode *episode)
{
    episode->newer = NULL;
    episode->older = streams->newest;
    if (streams->newest)
        streams->newest->newer = episode;
    else
        streams->oldest = episode;
    streams->newest = episode;
}

static void touch(struct episode *episode)
{
    struct streams *streams = episode->stream->streams;
    if (streams->newest == episode)
        return;
    unlink_episode(streams, episode);
    link_newest(streams, episode);
}

static void cut_short_oldest(struct streams *streams)
{
    streams->cut_short++;
    episode_flush(streams->oldest->stream);
}

/* --- begin and end --------------------------------------------------------------------------- */

/* NULL only when libnids refuses its own handshake. */
static struct episode *begin(struct stream *stream)
{
    struct streams *streams = stream->streams;
    bool fresh = !streams->unused && streams->made < streams->config.max_attached;
    if (!streams->unused && !fresh)
        cut_short_oldest(streams);
    struct episode *episode = fresh ? &streams->episodes[streams->made] : streams->unused;
    if (!episode)
        return NULL;
    uint32_t next[2] = {
        [PORT_CLIENT] = stream->next[SIDE_ORIG], [PORT_SERVER] = stream->next[SIDE_RESP]};
    episode->nids = port_attach((uint32_t)(episode - streams->episodes), next);
    if (!episode->nids)
        return NULL;
    if (fresh)
        streams->made++;
    else
        streams->unused = episode->older;
    episode->stream = stream;
    episode->client = SIDE_ORIG;
    link_newest(streams, episode);
    stream->episode = episode;
    streams->attached_total++;
    return episode;
}

static uint64_t charged(const struct episode *episode)
{
    return (uint64_t)port_charged(episode->nids, PORT_CLIENT) +
           port_charged(episode->nids, PORT_SERVER);
}

void episode_drop(struct stream *stream)
{
    struct streams *streams = stream->streams;
    struct episode *episode = stream->episode;
    streams->charged -= charged(episode);
    port_detach(episode->nids);
    unlink_episode(streams, episode);
    for (enum flow_side side = SIDE_ORIG; side < SIDES; side++) {
        struct track *track = &episode->track[side];
        if (track->spans.room > SPANS_KEPT)
            spans_fini(&track->spans);
        track->spans.first = track->spans.last = 0;
        track->held = false;
    }
    episode->stream = NULL;
    episode->nids = NULL;
    episode->older = streams->unused;
    streams->unused = episode;
    stream->episode = NULL;
}

/* --- what comes out -------------------------------------------------------------------------- */

struct drained {
    struct stream *stream;
    enum flow_side side;
};

static void on_drained(void *context, const uint8_t *data, size_t size)
{
    const struct drained *drained = context;
    drained->stream->next[drained->side] += (uint32_t)size;
    stream_emit_data(drained->stream, drained->side, data, size);
}

static void skip_to(struct stream *stream, enum flow_side side, uint32_t seq)
{
    uint32_t bytes = seq - stream->next[side];
    stream->next[side] = seq;
    if (bytes)
        stream_emit_gap(stream, side, bytes);
}

/* Everything that is at its turn now. A shortfall of libnids' would be a gap, not a stall. */
static void drain(struct stream *stream, enum flow_side side)
{
    struct episode *episode = stream->episode;
    struct spans *spans = &episode->track[side].spans;
    const struct span *front;
    while ((front = spans_front(spans)) && front->start == stream->next[side]) {
        struct span span = spans_take_front(spans);
        if (!span.cut) {
            enum port_side sender = port_side_of(episode, side);
            uint32_t before = port_charged(episode->nids, sender);
            struct drained drained = {stream, side};
            port_drain(episode->nids, sender, span.start, on_drained, &drained);
            stream->streams->charged -= before - port_charged(episode->nids, sender);
        }
        skip_to(stream, side, span.end);
    }
}

/* The lowest hole becomes a gap. There is a span. */
static void give_up_lowest(struct stream *stream, enum flow_side side)
{
    skip_to(stream, side, spans_front(&stream->episode->track[side].spans)->start);
    drain(stream, side);
}

void episode_flush_side(struct stream *stream, enum flow_side side)
{
    while (spans_front(&stream->episode->track[side].spans))
        give_up_lowest(stream, side);
}

void episode_flush(struct stream *stream)
{
    for (enum flow_side side = SIDE_ORIG; side < SIDES; side++)
        episode_flush_side(stream, side);
    episode_drop(stream);
}

/* --- what goes in ---------------------------------------------------------------------------- */

static void trim(struct segment *segment, uint32_t bytes)
{
    uint32_t captured = bytes < segment->captured ? bytes : segment->captured;
    segment->seq += bytes;
    segment->bytes -= bytes;
    segment->captured -= captured;
    segment->data += captured;
}

/* `bytes` of the segment are at their turn. */
static void deliver(struct stream *stream, enum flow_side side, struct segment *segment,
                    uint32_t bytes)
{
    uint32_t captured = bytes < segment->captured ? bytes : segment->captured;
    const uint8_t *data = segment->data;
    trim(segment, bytes);
    stream->next[side] += captured;
    if (captured)
        stream_emit_data(stream, side, data, captured);
    skip_to(stream, side, segment->seq);
}

/* Queues the segment's first piece that is not there yet, or passes over what is. */
static void queue_piece(struct stream *stream, enum flow_side side, struct segment *segment)
{
    struct episode *episode = stream->episode;
    struct spans *spans = &episode->track[side].spans;
    const struct span *span = spans_from(spans, segment->seq);
    uint32_t bytes = segment->bytes;
    if (span && !seq_after(span->start, segment->seq)) {
        uint32_t there = span->end - segment->seq;
        trim(segment, there < bytes ? there : bytes);
        return;
    }
    if (span && span->start - segment->seq < bytes)
        bytes = span->start - segment->seq;
    bool cut = segment->captured == 0;
    if (!cut) {
        bytes = segment->captured < bytes ? segment->captured : bytes;
        bytes = bytes < PORT_CHUNK ? bytes : PORT_CHUNK;
        enum port_side sender = port_side_of(episode, side);
        uint32_t before = port_charged(episode->nids, sender);
        port_queue(episode->nids, sender, stream->next[side], segment->seq, segment->data, bytes);
        stream->streams->charged += port_charged(episode->nids, sender) - before;
    }
    spans_put(spans, segment->seq, segment->seq + bytes, cut);
    trim(segment, bytes);
}

static bool queue_full(const struct episode *episode, enum flow_side side, uint32_t captured)
{
    uint32_t piece = captured < PORT_CHUNK ? captured : PORT_CHUNK;
    return spans_count(&episode->track[side].spans) >= SPANS_MAX ||
           port_charged(episode->nids, port_side_of(episode, side)) + port_charge(piece) >
               PORT_CHARGE_CAP;
}

/* Gives up the lowest hole, but nothing of the segment at `seq` that wants the room. */
static void make_room(struct stream *stream, enum flow_side side, uint32_t seq)
{
    stream->streams->cut_short++;
    if (seq_after(spans_front(&stream->episode->track[side].spans)->start, seq))
        skip_to(stream, side, seq);
    else
        give_up_lowest(stream, side);
}

/* One step: the segment's start is at or ahead of its turn; something of it is consumed, or
 * something before it is given up. */
static void step(struct stream *stream, enum flow_side side, struct segment *segment)
{
    struct episode *episode = stream->episode;
    uint32_t next = stream->next[side];
    if (segment->seq == next) {
        const struct span *front = episode ? spans_front(&episode->track[side].spans) : NULL;
        uint32_t room = front ? front->start - next : segment->bytes;
        deliver(stream, side, segment, room < segment->bytes ? room : segment->bytes);
        if (front)
            drain(stream, side);
        return;
    }
    if (!episode && !begin(stream)) {
        skip_to(stream, side, segment->seq);
        return;
    }
    if (queue_full(stream->episode, side, segment->captured)) {
        make_room(stream, side, segment->seq);
        return;
    }
    queue_piece(stream, side, segment);
}

void episode_segment(struct stream *stream, enum flow_side side, struct segment segment)
{
    struct streams *streams = stream->streams;
    if (stream->episode)
        touch(stream->episode);
    while (segment.bytes && !stopped(stream, side)) {
        uint32_t next = stream->next[side];
        if (seq_after(next, segment.seq)) {
            uint32_t old = next - segment.seq;
            trim(&segment, old < segment.bytes ? old : segment.bytes);
        } else {
            step(stream, side, &segment);
        }
    }
    while (streams->charged * PORT_CHARGE_BYTES > streams->config.budget_bytes)
        cut_short_oldest(streams);
}

/* --- acknowledged holes ---------------------------------------------------------------------- */

/* The peer has everything below `ack`: what is still missing there was lost by the sensor. */
static void give_up_below(struct stream *stream, enum flow_side side, uint32_t ack)
{
    const struct spans *spans = &stream->episode->track[side].spans;
    const struct span *front;
    while ((front = spans_front(spans)) && seq_after(ack, stream->next[side])) {
        skip_to(stream, side, seq_after(front->start, ack) ? ack : front->start);
        drain(stream, side);
    }
}

static void settle_side(struct stream *stream, enum flow_side side)
{
    struct track *track = &stream->episode->track[side];
    uint32_t ack = stream->acked[side];
    bool acknowledged = (stream->flags[side] & SIDE_ACK_KNOWN) &&
                        seq_after(ack, stream->next[side]) && spans_front(&track->spans);
    int64_t now = stream->streams->now.ns;
    if (!acknowledged) {
        track->held = false;
        return;
    }
    if (!track->held || now < track->held_since_ns) {
        track->held = true;
        track->held_since_ns = now;
        track->held_ack = ack;
    }
    if (now - track->held_since_ns < stream->streams->config.hold_ns)
        return;
    give_up_below(stream, side, seq_after(track->held_ack, ack) ? ack : track->held_ack);
    track->held = seq_after(ack, stream->next[side]);
    track->held_since_ns = now;
    track->held_ack = ack;
}

static void end_if_idle(struct stream *stream)
{
    const struct track *track = stream->episode->track;
    if (!spans_front(&track[SIDE_ORIG].spans) && !spans_front(&track[SIDE_RESP].spans))
        episode_drop(stream);
}

void episode_settle(struct stream *stream)
{
    for (enum flow_side side = SIDE_ORIG; side < SIDES; side++) {
        if (stopped(stream, side))
            episode_flush_side(stream, side);
        else
            settle_side(stream, side);
    }
    end_if_idle(stream);
}

void episode_stop(struct stream *stream, enum flow_side side)
{
    episode_flush_side(stream, side);
    end_if_idle(stream);
}
