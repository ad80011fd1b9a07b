/* One packet goes all the way before the next is read: what was due before it is told first
 * (flow_table_advance), then it is decoded, counted, its content looked at, and its flow settled.
 * worker_clock.c says what the passing of time asks for.
 *
 * Sharing. Every packet that is read moves the clock; only the worker whose share it is counts it
 * and looks inside (what is not IP, or cannot be decoded, is worker 0's). Replaying, all workers
 * read all packets: their clocks, and with them the times of all records, are the same for any
 * number of workers, and so are the packets they take for a mirror's second copy; their counters
 * add up to what one alone would have counted.
 *
 * Thread: the capture thread. */
#include "worker_parts.h"

#include "unread.h"
#include "weir/capture/share.h"

#include <string.h>

#define HELD_FRAGMENT_BYTES 128u /* of a fragment, for evidence */

/* --- callbacks of the flow table and of content ---------------------------------------------- */

static bool on_report(void *context, struct flow *flow, enum flow_end end, struct ptime time)
{
    struct worker *w = context;
    if (end == FLOW_OPEN)
        content_progress(w->content, flow, time);
    else
        content_flush(w->content, flow, time);
    struct content_facts facts = content_get_facts(flow);
    struct tunnel tunnel[SIDES];
    bool tunnelled = flow_table_tunnels(w->table, flow, tunnel);
    return emit_flow(&w->emitter, flow, end, time, &facts, tunnelled ? tunnel : NULL);
}

static void on_swapped(void *context, struct flow *flow)
{
    struct worker *w = context;
    content_swapped(w->content, flow);
}

static void on_release(void *context, struct flow *flow)
{
    struct worker *w = context;
    content_release(w->content, flow);
}

static void on_soon(void *context, struct flow *flow, bool next)
{
    (void)context;
    content_fetch(flow, SIDE_ORIG, next ? CONTENT_FETCH_TOLD : CONTENT_FETCH_FLOW);
}

static void on_dns(void *context, struct flow *flow, struct ptime time,
                   const struct dns_message *message)
{
    struct worker *w = context;
    emit_dns(&w->emitter, flow_get_key(flow), time, message);
}

static void on_server_name(void *context, struct flow *flow, struct ptime time, const char *name)
{
    struct worker *w = context;
    emit_server_name(&w->emitter, flow, time, name);
}

static void on_items(void *context, struct flow *flow, enum flow_side side, struct ptime time,
                     const struct content_items *items)
{
    struct worker *w = context;
    struct tunnel tunnel[SIDES];
    bool tunnelled = flow_table_tunnels(w->table, flow, tunnel);
    emit_items(&w->emitter, flow, side, time, items, tunnelled ? tunnel : NULL);
}

static bool looks_up(void *context, struct flow *flow)
{
    struct content_facts facts = content_get_facts(flow);
    (void)context;
    return facts.service == SERVICE_DNS || facts.service == SERVICE_NTP;
}

static const struct flow_events flow_events = {on_report, on_swapped, on_release, on_soon,
                                               looks_up};
static const struct content_events content_events = {on_dns, on_server_name, on_items};

/* --- packets --------------------------------------------------------------------------------- */

static void count_input(struct capture_input *input, const struct packet_raw *raw)
{
    input->packets++;
    input->bytes += raw->wire_bytes;
    if (raw->captured < raw->wire_bytes && raw->captured > input->longest_cut)
        input->longest_cut = raw->captured;
    if (raw->time.ns < input->first.ns)
        input->first = raw->time;
    if (raw->time.ns > input->last.ns)
        input->last = raw->time;
}

/* Of packets of times that are not looked at, too. */
static void note_extent(struct capture_input *input, int64_t from_ns, int64_t to_ns)
{
    if (from_ns < input->begins.ns)
        input->begins.ns = from_ns;
    if (to_ns > input->ends.ns)
        input->ends.ns = to_ns;
}

static void count_undecoded(struct health *health, const struct packet_raw *raw,
                            const struct packet *packet, enum decode_result result)
{
    switch (result) {
    case DECODE_NOT_IP:
    case DECODE_ARP:
        health->not_ip++;
        unread_count(health, raw, false);
        break;
    case DECODE_UNKNOWN_LINK:
        health->unknown_link++;
        unread_count(health, raw, true);
        break;
    case DECODE_TRUNCATED:
        health->truncated++;
        unread_count_truncated(health, packet);
        break;
    case DECODE_MALFORMED:
        health->malformed++;
        unread_count_malformed(health, packet);
        break;
    case DECODE_OK:
    case DECODE_HELD:
    case DECODE_COPY:
    case DECODE_RESULTS:
        break;
    }
}

/* Is it a mirror's second copy? Else the packet gets the place of its conversation. */
static bool is_duplicate(struct worker *w, struct packet *packet)
{
    struct duplicate of;
    if (!duplicates_seen(w->duplicates, packet, &of)) {
        places_settle(w->places, packet);
        return false;
    }
    places_join(w->places, packet, &of);
    return true;
}

/* Before anybody looks at its content, so that all of it is told by the right side. */
static enum flow_side settle_by_service(struct worker *w, struct flow *flow, enum flow_side side,
                                        const struct packet *packet)
{
    enum evidence evidence = content_evidence(flow, side, packet);
    if (evidence == EVIDENCE_NONE)
        return side;
    return flow_table_settle_initiator(w->table, flow, side, evidence == EVIDENCE_CLIENT);
}

/* Each is told, never only the first of several: which of them is new depends on what other workers
 * saw, so the engine decides. */
static void tell_bindings(struct worker *w, enum decode_result decoded, const struct packet *packet)
{
    struct bindings bindings;
    enum parse_result result = binding_parse(decoded, packet, &bindings);
    if (result == PARSE_NOT)
        return;
    w->health.bindings_malformed += result == PARSE_MALFORMED;
    w->health.bindings_suspect += bindings.suspect;
    w->health.bindings_lost += bindings.more;
    for (size_t i = 0; i < bindings.count; i++)
        emit_binding(&w->emitter, packet, &bindings.item[i]);
}

static void count_reassembly(struct health *health, const struct packet *packet)
{
    uint8_t what = packet->reassembly;
    if (what == 0)
        return;
    health->fragments += (what & REASSEMBLY_FRAGMENT) != 0;
    health->fragments_whole += (what & REASSEMBLY_WHOLE) != 0;
    health->fragments_given_up += (what & REASSEMBLY_GIVEN_UP) != 0;
    health->fragments_evicted += (what & REASSEMBLY_EVICTED) != 0;
    health->fragment_conflicts += (what & REASSEMBLY_CONFLICT) != 0;
}

/* Returns how much payload its side had sent before. */
static uint64_t count_flow(struct worker *w, const struct packet *packet)
{
    enum flow_side side;
    if (packet->bad_transport) { /* its bytes are counted all the same, without ports */
        w->health.malformed++;
        unread_count_malformed(&w->health, packet);
    }
    w->health.tunnels_unread +=
        packet->tunnel_unread != DECODE_OK && packet->tunnel_unread != DECODE_NOT_IP;
    struct flow *flow = flow_table_packet(w->table, packet, &side);
    uint64_t sent = flow_get_payload(flow, side);
    if (!flow_initiator_is_known(flow))
        side = settle_by_service(w, flow, side, packet);
    content_packet(w->content, flow, side, packet);
    flow_table_settle(w->table, flow, w->clock);
    return sent > packet->payload_bytes ? sent - packet->payload_bytes : 0;
}

/* The packets of this worker's share. Returns as count_flow; UINT64_MAX: it is of no flow, or again
 * what is counted already. */
static uint64_t own_packet(struct worker *w, const struct packet_raw *raw,
                           enum decode_result result, const struct packet *packet)
{
    w->health.packets++;
    w->health.wire_bytes += raw->wire_bytes;
    w->health.cut_packets += raw->captured < raw->wire_bytes;
    worker_count_backwards(w, raw->time);
    count_reassembly(&w->health, packet);
    if (w->bindings)
        tell_bindings(w, result, packet);
    if (result == DECODE_COPY) {
        w->health.duplicates += packet->frames; /* one, but of what was in fragments */
        w->health.duplicate_bytes += packet->wire_bytes;
    }
    if (result == DECODE_OK)
        return count_flow(w, packet);
    count_undecoded(&w->health, raw, packet, result);
    return UINT64_MAX;
}

/* --- for evidence ----------------------------------------------------------------------------- */

/* Up to the end of the headers, and of the payload what its side may still show. Of what is put
 * together elsewhere (fragments), and of what has no payload of its own, the first bytes. */
static uint32_t kept_bytes(const struct worker *w, const struct packet_raw *raw,
                           enum decode_result result, const struct packet *packet, uint64_t sent)
{
    uintptr_t begin = (uintptr_t)raw->data, payload = (uintptr_t)packet->payload;
    bool within = result != DECODE_HELD && packet->held_in == 0 && payload >= begin &&
                  payload - begin <= raw->captured;
    if (!within)
        return raw->captured < HELD_FRAGMENT_BYTES ? raw->captured : HELD_FRAGMENT_BYTES;
    uint64_t left = sent < w->handshake_bytes ? w->handshake_bytes - sent : 0;
    if (left >= packet->payload_captured)
        return raw->captured;
    return (uint32_t)(payload - begin + left);
}

/* What has addresses. `stamp`: as captured, whatever the clock made of it. */
static void hold_packet(struct worker *w, const struct capture_input *input,
                        const struct packet_raw *raw, struct ptime stamp, enum decode_result result,
                        const struct packet *packet, uint64_t sent)
{
    if (result != DECODE_OK && result != DECODE_HELD && result != DECODE_COPY)
        return;
    const struct held_packet held = {.time = stamp,
                                     .key = flow_key_of(packet),
                                     .wire_bytes = raw->wire_bytes,
                                     .kept = kept_bytes(w, raw, result, packet, sent),
                                     .link = (uint16_t)raw->link,
                                     .interface = (uint8_t)input->number,
                                     .data = raw->data};
    evidence_ring_put(w->held, &held);
}

/* Live, the kernel has shared the packets out already. What has no addresses is worker 0's. */
bool worker_owns(const struct worker *w, enum decode_result result, const struct packet *packet)
{
    bool addressed = result == DECODE_OK || result == DECODE_HELD || result == DECODE_COPY;
    return w->live || (addressed ? share_of(packet, w->count) : 0) == w->index;
}

/* Datagrams that wait no longer for their fragments, each at the time at which that is so. At the
 * end of the input the clock stands. */
static void tell_given_up(struct worker *w, struct ptime now)
{
    struct packet packet;
    struct ptime due;
    while (decoder_due(w->decoder, now, &due, &packet)) {
        if (due.ns > w->clock.ns && now.ns != INT64_MAX)
            worker_advance(w, due, WATERMARK_NS);
        places_settle(w->places, &packet);
        if (!worker_owns(w, DECODE_OK, &packet))
            continue;
        count_reassembly(&w->health, &packet);
        count_flow(w, &packet);
    }
}

/* A connection that a log tells of in parts by the times of the parts. */
static bool is_outside(const struct worker *w, struct capture_input *input,
                       const struct packet_raw *raw)
{
    uint64_t packets = 1;
    int64_t since_ns = raw->time.ns;
    if (!w->times.set)
        return false;
    if (worker_log_is_entry(raw))
        since_ns = worker_log_since(raw, &packets);
    note_extent(input, since_ns, raw->time.ns);
    if (raw->time.ns >= w->times.since.ns && raw->time.ns < w->times.until.ns)
        return false;
    input->outside += packets;
    return true;
}

void worker_packet(struct worker *w, struct capture_input *input, struct packet_raw *raw,
                   uint8_t vantage, bool jumped)
{
    struct packet packet;
    if (is_outside(w, input, raw))
        return;
    if (worker_log_is_entry(raw)) {
        if (!w->pick)
            worker_log_entry(w, input, raw, jumped);
        return;
    }
    if (w->pick) {
        count_input(input, raw);
        const struct pick_frame frame = {raw, w->stamp, input->number};
        pick_packet(w->pick, &frame, &w->emitter);
        return;
    }
    struct ptime stamp = raw->time;
    if (w->recent)
        recent_put(w->recent, raw); /* before anything looks at it */
    if (w->live && !doubt_believes(&w->doubt, w->clock, raw->time)) {
        jumped = true;
        raw->time = w->clock;
    }
    count_input(input, raw);
    tell_given_up(w, raw->time.ns > w->clock.ns ? raw->time : w->clock);
    if (raw->time.ns >= w->clock.ns)
        worker_advance(w, raw->time, WATERMARK_NS);
    decoder_set_vantage(w->decoder, vantage);
    enum decode_result result = decode_packet(w->decoder, raw, &packet);
    if (result == DECODE_UNKNOWN_LINK) /* or it is an encapsulation within that is not read */
        input->unread_link += !decode_reads_link(raw->link);
    if (result == DECODE_OK && is_duplicate(w, &packet))
        result = DECODE_COPY;
    if (!worker_owns(w, result, &packet))
        return;
    w->health.time_jumps += jumped;
    uint64_t sent = own_packet(w, raw, result, &packet);
    if (w->held)
        hold_packet(w, input, raw, stamp, result, &packet, sent);
}

/* The packet that was announced so many packets ago. */
static struct announced *announced(struct worker *w, uint32_t ago)
{
    return &w->expected[(w->announced - ago) % WORKER_AHEAD];
}

static void fetch_content(struct worker *w, uint32_t ago, enum content_fetch step)
{
    const struct announced *one = announced(w, ago);
    if (one->flow)
        content_fetch(one->flow, (enum flow_side)one->side, step);
}

/* Where a packet will look, the nearer the deeper: each step finds its way by what the one before
 * asked for. */
static void fetch_steps(struct worker *w)
{
    struct announced *one = announced(w, WORKER_AHEAD / 2);
    one->flow = flow_table_expect_soon(w->table, one->hash);
    if (!content_is_spread(w->content))
        return;
    one = announced(w, WORKER_AHEAD / 2 + 2);
    if (one->flow)
        one->side = flow_get_key(one->flow)->orig_port == one->src_port ? SIDE_ORIG : SIDE_RESP;
    fetch_content(w, WORKER_AHEAD / 2 + 2, CONTENT_FETCH_FLOW);
    fetch_content(w, WORKER_AHEAD / 2 + 4, CONTENT_FETCH_SIDE);
    fetch_content(w, WORKER_AHEAD / 2 + 5, CONTENT_FETCH_TEXT);
    fetch_content(w, WORKER_AHEAD / 2 + 6, CONTENT_FETCH_PARTS);
}

void worker_expect(struct worker *w, const struct packet_raw *raw)
{
    struct packet packet;
    if (!w->table)
        return;
    fetch_steps(w);
    struct announced *one = announced(w, 0);
    if (decode_glance(raw, &packet)) {
        one->hash = flow_table_expect(w->table, &packet);
        one->src_port = packet.src_port;
    }
    one->flow = NULL;
    w->announced++;
}

void worker_pause(struct worker *w)
{
    if (w->clock.ns != INT64_MIN && w->emitter.number != w->watermark_number)
        worker_tell_watermark(w, true);
    worker_show(w);
}

void worker_idle(struct worker *w, struct ptime now)
{
    if (now.ns <= w->clock.ns)
        return;
    tell_given_up(w, now);
    worker_advance(w, now, WATERMARK_NS);
}

void worker_end(struct worker *w)
{
    emit_last(&w->emitter); /* no packet waits any more */
    if (w->pick) {
        pick_end(w->pick, &w->emitter);
        worker_show(w);
        return;
    }
    if (w->clock.ns != INT64_MIN) {
        tell_given_up(w, PTIME_MAX);
        flow_table_finish(w->table, w->clock);
        worker_tell_health(w);
    }
    emit_watermark(&w->emitter, PTIME_MAX, true);
    join_forget(&w->join);
    worker_show(w);
}

void worker_show(const struct worker *w)
{
    struct meter *meter = w->meter;
    METER_SET(meter, wire_bytes, w->health.wire_bytes);
    METER_SET(meter, time_ns, w->clock.ns);
    METER_SET(meter, ring_rejected, w->health.ring_rejected);
    METER_SET(meter, ring_lost, w->health.ring_lost);
    METER_SET(meter, parked, w->emitter.parked);
    if (!w->held)
        return;
    struct held_counts held = evidence_ring_counts(w->held);
    METER_SET(meter, held_packets, held.packets);
    METER_SET(meter, held_bytes, held.bytes);
    METER_SET(meter, held_overwritten, held.overwritten_packets);
    METER_SET(meter, held_oldest_ns, held.oldest_ns);
}

/* --- start and end --------------------------------------------------------------------------- */

int worker_open(struct worker *w, const struct capture_config *config, struct brake *brake,
                struct error *error)
{
    w->index = config->worker;
    w->count = config->workers;
    w->live = config->interface_count > 0;
    w->follows = config->follow;
    w->bindings = config->content.bindings;
    w->times = config->times;
    w->clock = PTIME_MIN;
    w->meter = brake->meter;
    METER_SET(brake->meter, time_ns, INT64_MIN);
    if (w->live && config->recent_fd >= 0) {
        w->recent = recent_open(config->recent_fd, error);
        if (!w->recent)
            return -1;
    }
    METER_SET(brake->meter, held_oldest_ns, INT64_MIN);
    if (config->held_segment_bytes > 0) {
        w->handshake_bytes = config->held_handshake_bytes;
        /* No packet has told the time yet. */
        w->held =
            evidence_ring_open(config->held_fd, config->held_segment_bytes, ptime_now(), error);
        if (!w->held)
            return -1;
    }
    if (emit_open(&w->emitter, &config->ring, config->blocking, &w->health, brake, error) != 0)
        return -1;
    if (config->pick) {
        w->pick = pick_open(config->pick_fd, config->wanted, &config->decoder, error);
        return w->pick ? 0 : -1;
    }
    struct content_config content = config->content;
    content.unhurried = !w->live; /* on the wire nothing is put off until packets come */
    w->content = content_new(&content, &content_events, w, error);
    if (!w->content)
        return -1;
    w->table = flow_table_new(&config->flow, &flow_events, w);
    w->decoder = decoder_new(&config->decoder);
    w->duplicates = duplicates_new();
    w->places = places_new();
    return 0;
}

void worker_close(struct worker *w)
{
    if (w->table)
        flow_table_free(w->table);
    if (w->content)
        content_free(w->content);
    pick_free(w->pick);
    decoder_free(w->decoder);
    duplicates_free(w->duplicates);
    places_free(w->places);
    join_fini(&w->join);
    emit_close(&w->emitter);
    if (w->recent)
        recent_close(w->recent);
    evidence_ring_close(w->held);
}
