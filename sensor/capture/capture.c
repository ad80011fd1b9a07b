/* The capture thread.
 *
 * One packet goes all the way before the next is read: what was due before it is told first
 * (flow_table_advance), then it is decoded, counted, its content looked at, and its flow settled.
 * Once a second of packet time (or every WATERMARK_RECORDS records) a watermark says up to when
 * everything has been told. The clock is the largest time stamp seen: older packets are counted,
 * and counted as time_backwards, but nothing is told in the past.
 *
 * Threads: capture_start, _join and _free belong to one thread; the loop below runs on its own and
 * shares the ring, `stop`, and `progress` with others, nothing else. */
#include "weir/capture/capture.h"

#include "emit.h"
#include "weir/base/buffer.h"
#include "weir/capture/source.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WATERMARK_NS      NS_PER_S
#define WATERMARK_RECORDS 4096
#define HEALTH_NS         NS_PER_MIN
#define PROGRESS_PACKETS  1024

struct pending_input { /* a source with its first packet already in hand */
    struct source *source;
    struct capture_input *input;
    struct packet_raw first;
    enum source_result got;
};

struct capture {
    struct capture_config config;
    struct capture_input *input;
    struct pending_input *pending;
    size_t pending_count;
    struct flow_table *table;
    struct content *content;
    struct emitter emitter;
    struct health health;
    struct ptime clock, next_health;
    struct ptime watermark; /* when the last one was sent, packet time */
    uint64_t watermark_number;
    uint64_t closed_input_bytes;
    _Atomic uint64_t bytes_read, packets;
    _Atomic int64_t time_ns;
    uint64_t bytes_total;
    int end_event;
    _Atomic bool stop;
    pthread_t thread;
    bool started;
};

/* --- callbacks of the flow table and of content ---------------------------------------------- */

static bool on_report(void *context, struct flow *flow, enum flow_end end, struct ptime time)
{
    struct capture *c = context;
    if (end == FLOW_OPEN)
        content_progress(c->content, flow, time);
    else
        content_flush(c->content, flow, time);
    struct content_facts facts = content_get_facts(flow);
    return emit_flow(&c->emitter, flow, end, time, &facts);
}

static void on_swapped(void *context, struct flow *flow)
{
    struct capture *c = context;
    content_swapped(c->content, flow);
}

static void on_release(void *context, struct flow *flow)
{
    struct capture *c = context;
    content_release(c->content, flow);
}

static void on_dns(void *context, struct flow *flow, struct ptime time,
                   const struct dns_message *message)
{
    struct capture *c = context;
    emit_dns(&c->emitter, flow, time, message);
}

static void on_server_name(void *context, struct flow *flow, struct ptime time, const char *name)
{
    struct capture *c = context;
    emit_server_name(&c->emitter, flow, time, name);
}

static void on_items(void *context, struct flow *flow, enum flow_side side, struct ptime time,
                     enum content_class class, const uint64_t *hash, size_t count,
                     uint64_t inspected_bytes, uint64_t gap_bytes)
{
    struct capture *c = context;
    emit_items(&c->emitter, flow, side, time, class, hash, count, inspected_bytes, gap_bytes);
}

static const struct flow_events flow_events = {on_report, on_swapped, on_release};
static const struct content_events content_events = {on_dns, on_server_name, on_items};

/* --- the thread ------------------------------------------------------------------------------ */

static void count_packet(struct capture *c, struct capture_input *input,
                         const struct packet_raw *raw)
{
    c->health.packets++;
    c->health.wire_bytes += raw->wire_bytes;
    input->packets++;
    input->bytes += raw->wire_bytes;
    if (raw->captured < raw->wire_bytes) {
        c->health.cut_packets++;
        if (raw->captured > input->longest_cut)
            input->longest_cut = raw->captured;
    }
    if (raw->time.ns < input->first.ns)
        input->first = raw->time;
    if (raw->time.ns > input->last.ns)
        input->last = raw->time;
}

static void count_undecoded(struct health *health, enum decode_result result)
{
    switch (result) {
    case DECODE_NOT_IP:
        health->not_ip++;
        break;
    case DECODE_UNKNOWN_LINK:
        health->unknown_link++;
        break;
    case DECODE_TRUNCATED:
        health->truncated++;
        break;
    case DECODE_MALFORMED:
        health->malformed++;
        break;
    case DECODE_OK:
    case DECODE_RESULTS:
        break;
    }
}

static void fill_health(const struct capture *c, struct health *total)
{
    *total = c->health;
    flow_table_health(c->table, total);
    total->tcp_far_segments += flow_table_far_segments(c->table);
    content_health(c->content, total);
}

static void tell_health(struct capture *c, struct ptime time)
{
    struct health total;
    fill_health(c, &total);
    emit_health(&c->emitter, time, &total);
}

/* Everything due before this packet, then whatever the passing of time asks for. */
static void advance_clock(struct capture *c, struct ptime time)
{
    if (time.ns < c->clock.ns) {
        c->health.time_backwards++;
        return;
    }
    if (c->clock.ns == INT64_MIN) {
        c->watermark = time;
        c->next_health = (struct ptime){time.ns + HEALTH_NS};
    }
    c->clock = time;
    flow_table_advance(c->table, time);
    if (time.ns >= c->next_health.ns) {
        tell_health(c, time);
        c->next_health.ns = time.ns + HEALTH_NS;
    }
    if (time.ns - c->watermark.ns >= WATERMARK_NS ||
        c->emitter.number - c->watermark_number >= WATERMARK_RECORDS) {
        emit_watermark(&c->emitter, (struct ptime){time.ns - 1});
        c->watermark = time;
        c->watermark_number = c->emitter.number;
    }
}

static void one_packet(struct capture *c, struct capture_input *input, const struct packet_raw *raw)
{
    struct packet packet;
    enum flow_side side;
    count_packet(c, input, raw);
    advance_clock(c, raw->time);
    enum decode_result result = decode_packet(raw, &packet);
    if (result != DECODE_OK) {
        count_undecoded(&c->health, result);
        return;
    }
    c->health.malformed +=
        packet.bad_transport; /* its bytes are counted all the same, without ports */
    c->health.fragments += packet.later_fragment && !packet.bad_transport;
    struct flow *flow = flow_table_packet(c->table, &packet, &side);
    content_packet(c->content, flow, side, &packet);
    flow_table_settle(c->table, flow, c->clock);
}

static void tell_progress(struct capture *c, const struct source *source)
{
    struct capture *p = c;
    atomic_store_explicit(&p->bytes_read, c->closed_input_bytes + source_bytes_read(source),
                          memory_order_relaxed);
    atomic_store_explicit(&p->packets, c->health.packets, memory_order_relaxed);
    atomic_store_explicit(&p->time_ns, c->clock.ns, memory_order_relaxed);
}

static void one_input(struct capture *c, struct pending_input *pending)
{
    struct packet_raw raw = pending->first;
    enum source_result got = pending->got;
    uint64_t told = 0;
    while (got == SOURCE_PACKET && !atomic_load_explicit(&c->stop, memory_order_relaxed)) {
        one_packet(c, pending->input, &raw);
        if (++told % PROGRESS_PACKETS == 0)
            tell_progress(c, pending->source);
        got = source_next(pending->source, &raw, &pending->input->error);
    }
    if (got == SOURCE_PACKET)
        error_set(&pending->input->error, ERROR_INPUT, "%s: interrupted after %llu packets",
                  pending->input->path, (unsigned long long)pending->input->packets);
    else
        source_digest(pending->source, pending->input->sha256);
    tell_progress(c, pending->source);
    c->closed_input_bytes += source_bytes_read(pending->source);
    source_free(pending->source);
    pending->source = NULL;
}

/* The thread. It owns table, content and emitter until it ends. */
static void *capture_thread(void *context)
{
    struct capture *c = context;
    for (size_t i = 0; i < c->pending_count; i++)
        one_input(c, &c->pending[i]);
    emit_last(&c->emitter); /* no packet waits any more */
    if (c->clock.ns != INT64_MIN) {
        flow_table_finish(c->table, c->clock);
        tell_health(c, c->clock);
    }
    emit_watermark(&c->emitter, PTIME_MAX);
    return NULL;
}

/* --- start and end -----------------------------------------------------------------------------
 */

static int by_first_packet(const void *a, const void *b)
{
    const struct pending_input *x = a, *y = b;
    int64_t tx = x->got == SOURCE_PACKET ? x->first.time.ns : INT64_MAX;
    int64_t ty = y->got == SOURCE_PACKET ? y->first.time.ns : INT64_MAX;
    if (tx != ty)
        return tx < ty ? -1 : 1;
    return x->input < y->input ? -1 : 1; /* as named */
}

/* Opens what can be opened. A filter that does not compile is everybody's failure. */
static int open_inputs(struct capture *c, struct error *error)
{
    const struct capture_config *config = &c->config;
    for (size_t i = 0; i < config->file_count; i++) {
        struct capture_input *input = &c->input[i];
        struct pending_input *pending = &c->pending[c->pending_count];
        *input = (struct capture_input){
            .path = config->files[i].path, .first = PTIME_MAX, .last = PTIME_MIN};
        pending->source = source_open(input->path, config->filter, &input->error);
        if (!pending->source && input->error.code != ERROR_INPUT) {
            *error = input->error;
            return -1;
        }
        if (!pending->source)
            continue;
        pending->input = input;
        input->link = source_link_name(pending->source);
        c->bytes_total += source_size(pending->source);
        pending->got = source_next(pending->source, &pending->first, &input->error);
        c->pending_count++;
    }
    if (c->pending_count == 0) {
        *error = c->input[0].error;
        return -1;
    }
    qsort(c->pending, c->pending_count, sizeof *c->pending, by_first_packet);
    return 0;
}

static int open_rooms(struct capture *c, struct error *error)
{
    const struct capture_config *config = &c->config;
    if (emit_open(&c->emitter, &config->ring, config->blocking, &c->health, error) != 0)
        return -1;
    c->content = content_new(&config->content, &content_events, c, error);
    if (!c->content)
        return -1;
    c->table = flow_table_new(&config->flow, &flow_events, c);
    return 0;
}

struct capture *capture_open(const struct capture_config *config, struct error *error)
{
    struct capture *c = xcalloc(1, sizeof *c);
    c->config = *config;
    c->input = xcalloc(config->file_count, sizeof *c->input);
    c->pending = xcalloc(config->file_count, sizeof *c->pending);
    c->clock = PTIME_MIN;
    c->end_event = -1;
    if (open_inputs(c, error) == 0 && open_rooms(c, error) == 0)
        return c;
    capture_free(c);
    return NULL;
}

int capture_start(struct capture *c, struct error *error)
{
    if (pthread_create(&c->thread, NULL, capture_thread, c) != 0)
        return error_set(error, ERROR_RUN, "cannot start the capture thread");
    c->started = true;
    return 0;
}

size_t capture_sockets(const struct capture *c, int fd[], size_t room)
{
    (void)c, (void)fd, (void)room;
    return 0;
}

uint64_t capture_hold(struct capture *c)
{
    return atomic_load(&c->packets);
}

void capture_finish_at(struct capture *c, uint64_t packets)
{
    (void)packets;
    capture_stop(c);
}

int capture_end_event(const struct capture *c)
{
    return c->end_event;
}

void capture_status_of(const struct capture *c, struct capture_status *status)
{
    *status = (struct capture_status){.packets = atomic_load(&c->packets),
                                      .bytes_read = atomic_load(&c->bytes_read),
                                      .bytes_total = c->bytes_total,
                                      .time_ns = atomic_load(&c->time_ns)};
}

void capture_stop(struct capture *capture)
{
    atomic_store(&capture->stop, true);
}

void capture_join(struct capture *capture)
{
    if (capture->started)
        pthread_join(capture->thread, NULL);
    capture->started = false;
}

void capture_free(struct capture *capture)
{
    if (!capture)
        return;
    capture_join(capture);
    if (capture->table)
        flow_table_free(capture->table);
    if (capture->content)
        content_free(capture->content);
    emit_close(&capture->emitter);
    for (size_t i = 0; i < capture->pending_count; i++)
        source_free(capture->pending[i].source);
    free(capture->pending);
    free(capture->input);
    free(capture);
}

const struct capture_input *capture_inputs(const struct capture *capture, size_t *count)
{
    *count = capture->config.file_count;
    return capture->input;
}
