/* Streams as a sensor sees them through imperfect networks: a sender, a path that loses and
 * reorders, a receiver that acknowledges, and a sensor that misses packets. For each, byte for
 * byte: what reached the sensor reached the consumer, once and at its place, and delivered + gap =
 * sent. Each goes straight into the stream, and as IPv4 and as IPv6 frames through decoder and flow
 * table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream_sender.h"
#include "stream_wire.h"

#include <stdio.h>

struct path {
    const char *name;
    uint32_t segments, segment_bytes;
    uint32_t isn;
    uint32_t upstream_loss;                /* per million, before the sensor; sent again … */
    uint32_t again_after;                  /* … this many segments later */
    uint32_t copied;                       /* per million: sent twice though it arrived */
    uint32_t reordered;                    /* per million: seen late … */
    uint32_t late_by;                      /* … by up to this many segments */
    uint32_t reversed_window;              /* windows of this many segments are seen backwards */
    uint32_t sensor_loss;                  /* per million, data and acknowledgements alike */
    uint32_t snap;                         /* payload bytes captured at most; 0: all */
    bool no_syn, no_syn_ack, no_third_ack; /* not seen by the sensor */
    bool fast_open;                        /* the SYN carries the first segment */
    bool one_sided;                        /* no acknowledgement is seen */
    bool resegmented;                      /* what is sent again is cut at other places */
    bool lossless;                         /* nothing may be told as a gap */
};

enum kind { EVENT_DATA, EVENT_ACK };

struct event {
    uint64_t when, order; /* µs as the sensor sees it; ties in order of sending */
    enum kind kind;
    uint64_t offset; /* of the first byte, or acknowledged below */
    uint32_t bytes;
};

struct network {
    const struct path *path;
    struct event *events;
    size_t count;
    uint64_t random;
    uint8_t *received; /* by the receiver, one a byte */
    uint64_t below;    /* all below is received */
    uint64_t size;
};

#define SEGMENT_US 12   /* 1460 bytes at 1 Gbit/s */
#define TRIP_US    2000 /* sensor → receiver → sensor */

static void add_event(struct network *n, uint64_t when, enum kind kind, uint64_t offset,
                      uint32_t bytes)
{
    if (chance(&n->random, n->path->sensor_loss))
        return;
    n->events[n->count] = (struct event){when, n->count, kind, offset, bytes};
    n->count++;
}

static void receive(struct network *n, uint64_t when, uint64_t offset, uint32_t bytes)
{
    memset(n->received + offset, 1, bytes);
    while (n->below < n->size && n->received[n->below])
        n->below++;
    if (!n->path->one_sided)
        add_event(n, when + TRIP_US, EVENT_ACK, n->below, 0);
}

static uint64_t seen_at(struct network *n, uint32_t slot)
{
    const struct path *p = n->path;
    uint64_t place = slot;
    if (p->reversed_window)
        place =
            slot - slot % p->reversed_window + (p->reversed_window - 1 - slot % p->reversed_window);
    if (chance(&n->random, p->reordered))
        place += 1 + draw(&n->random) % p->late_by;
    return place * SEGMENT_US;
}

static void transmit(struct network *n, uint32_t slot, uint64_t offset, uint32_t bytes)
{
    uint64_t when = seen_at(n, slot);
    add_event(n, when, EVENT_DATA, offset, bytes);
    receive(n, when, offset, bytes);
}

/* The same bytes once more, cut at other places when the path says so. */
static void transmit_again(struct network *n, uint32_t slot, uint64_t offset, uint32_t bytes)
{
    if (!n->path->resegmented) {
        transmit(n, slot, offset, bytes);
        return;
    }
    uint64_t start = offset > 300 ? offset - 300 : 0;
    uint64_t end = offset + bytes + 300 < n->size ? offset + bytes + 300 : n->size;
    uint64_t middle = start + (end - start) / 3;
    transmit(n, slot, start, (uint32_t)(middle - start));
    transmit(n, slot, middle, (uint32_t)(end - middle));
}

static int by_time(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    if (x->when != y->when)
        return x->when < y->when ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static void plan(struct network *n, const struct path *p)
{
    *n = (struct network){.path = p, .random = UINT64_C(88172645463325252)};
    n->size = (uint64_t)p->segments * p->segment_bytes;
    n->received = calloc(n->size, 1);
    n->events = calloc((size_t)p->segments * 12, sizeof *n->events);
    assert_non_null(n->received);
    assert_non_null(n->events);
    for (uint32_t i = 0; i < p->segments; i++) {
        uint64_t offset = (uint64_t)i * p->segment_bytes;
        bool lost = chance(&n->random, p->upstream_loss);
        if (!lost)
            transmit(n, i, offset, p->segment_bytes);
        if (lost || chance(&n->random, p->copied))
            transmit_again(n, i + p->again_after, offset, p->segment_bytes);
    }
    qsort(n->events, n->count, sizeof *n->events, by_time);
}

static void handshake(struct sender *s, const struct path *p)
{
    if (p->fast_open)
        send_cut(s, SIDE_ORIG, 0, p->segment_bytes, p->segment_bytes, TCP_SYN);
    else if (!p->no_syn)
        send_syn(s, SIDE_ORIG);
    if (!p->no_syn_ack && !p->one_sided)
        sender_packet(s, SIDE_RESP, s->isn[SIDE_RESP] - 1, TCP_SYN | TCP_ACK, s->isn[SIDE_ORIG],
                      NULL, 0, 0);
    if (!p->no_third_ack)
        send_ack(s, SIDE_ORIG, 0);
}

static void play(struct sender *s, const struct network *n)
{
    struct ptime start = s->now;
    uint32_t snap = n->path->snap;
    for (size_t i = 0; i < n->count; i++) {
        const struct event *e = &n->events[i];
        s->now.ns = start.ns + (int64_t)e->when * NS_PER_US;
        if (e->kind == EVENT_ACK)
            send_ack(s, SIDE_RESP, e->offset);
        else
            send_cut(s, SIDE_ORIG, e->offset, e->bytes, snap && snap < e->bytes ? snap : e->bytes,
                     TCP_ACK);
    }
    send_fin(s, SIDE_ORIG, n->size);
    stream_finish(s->stream, s->now);
}

/* How segments come to the stream. */
enum way { WAY_STRAIGHT, WAY_IPV4, WAY_IPV6, WAYS };
static const char *const way_name[WAYS] = {"-   ", "IPv4", "IPv6"};

struct bytes {
    uint64_t captured, kept, twice, missed;
};

static void count_byte(const struct sender *s, uint64_t at, struct bytes *bytes)
{
    bytes->captured += s->captured[at];
    bytes->kept += s->captured[at] && s->delivered[at];
    bytes->twice += s->delivered[at] > 1;
    bytes->missed += s->captured[at] && !s->delivered[at];
}

/* Eight at once where each that was captured was delivered once: nearly all are. */
static struct bytes count_bytes(const struct sender *s, uint64_t size)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    struct bytes bytes = {0};
    uint64_t captured, delivered, at = 0;
    for (; at + sizeof captured <= size; at += sizeof captured) {
        memcpy(&captured, s->captured + at, sizeof captured);
        memcpy(&delivered, s->delivered + at, sizeof delivered);
        if (captured == delivered && (captured & ~ones) == 0) {
            bytes.captured += captured * ones >> 56;
            bytes.kept += captured * ones >> 56;
            continue;
        }
        for (uint64_t i = at; i < at + sizeof captured; i++)
            count_byte(s, i, &bytes);
    }
    for (; at < size; at++)
        count_byte(s, at, &bytes);
    return bytes;
}

static void verify(const struct sender *s, const struct network *n, enum way way,
                   const struct health *health)
{
    struct bytes bytes = count_bytes(s, n->size);
    printf(
        "%-40s %s sent %9llu  captured %9llu  delivered %9llu  gap %8llu in %5llu  episodes %llu\n",
        n->path->name, way_name[way], (unsigned long long)n->size,
        (unsigned long long)bytes.captured, (unsigned long long)s->data[SIDE_ORIG],
        (unsigned long long)s->gap[SIDE_ORIG], (unsigned long long)s->gaps[SIDE_ORIG],
        (unsigned long long)health->streams_attached);
    assert_int_equal(s->wrong, 0);
    assert_int_equal(bytes.twice, 0);
    assert_int_equal(bytes.missed, 0);
    assert_int_equal(bytes.kept, s->data[SIDE_ORIG]);
    assert_int_equal(s->data[SIDE_ORIG] + s->gap[SIDE_ORIG], n->size);
    assert_int_equal(health->stream_gap_bytes, s->gap[SIDE_ORIG]);
    if (n->path->lossless)
        assert_int_equal(s->gap[SIDE_ORIG], 0);
    else
        assert_true(s->gap[SIDE_ORIG] > 0);
}

static struct streams *streams; /* of the path being run */
static struct wire wire;

static int teardown(void **state)
{
    (void)state;
    streams_free(streams);
    streams = NULL;
    return 0;
}

static void carry(struct sender *s, enum flow_side side, const struct packet *packet)
{
    wire_carry(s->carrier, s->id, s->stream, side, packet);
}

static void open_way(struct sender *s, enum way way)
{
    if (way == WAY_STRAIGHT)
        return;
    assert_int_equal(wire_open(&wire, way == WAY_IPV6 ? 6 : 4, 0), 0);
    s->carry = carry;
    s->carrier = &wire;
}

/* There is one flow: room for the usual number of them would take longer to make than the path
 * does. */
#define FLOWS 16

static void run_planned(const struct network *n, enum way way)
{
    streams = open_streams(FLOWS, 0);
    assert_non_null(streams);
    struct sender s;
    sender_init(&s, streams, 11, n->path->isn, 42);
    sender_track(&s, n->size);
    assert_int_equal(s.size, n->size);
    open_way(&s, way);
    handshake(&s, n->path);
    play(&s, n);
    struct health health = health_of(streams);
    verify(&s, n, way, &health);
    if (s.carry) {
        assert_int_equal(flow_table_count(wire.table), 1);
        wire_close(&wire);
    }
    sender_fini(&s);
    teardown(NULL);
}

static void run_path(const struct path *p, enum way first, enum way last)
{
    struct network n;
    plan(&n, p);
    for (enum way way = first; way <= last; way++)
        run_planned(&n, way);
    free(n.events);
    free(n.received);
}

#define FULL .segments = 10000, .segment_bytes = 1460
#define WRAP .isn = 0xffff0000u /* wraps 65 kB in */

static const struct path paths[] = {
    {.name = "in order", FULL, .lossless = true},
    {.name = "1 % reordered by up to 3", FULL, .reordered = 10000, .late_by = 3, .lossless = true},
    {.name = "1 % reordered by up to 45",
     FULL,
     .reordered = 10000,
     .late_by = 45,
     .lossless = true},
    {.name = "half reordered by up to 500",
     FULL,
     WRAP,
     .reordered = 500000,
     .late_by = 500,
     .lossless = true},
    {.name = "all reordered by up to 1500",
     FULL,
     .reordered = 1000000,
     .late_by = 1500,
     .lossless = true},
    {.name = "windows of 64 backwards", FULL, WRAP, .reversed_window = 64, .lossless = true},
    {.name = "windows of 1000 backwards", FULL, .reversed_window = 1000, .lossless = true},
    {.name = "small segments, 1 % reordered",
     .segments = 50000,
     .segment_bytes = 9,
     .reordered = 10000,
     .late_by = 45,
     .lossless = true},
    {.name = "retransmitted though seen",
     FULL,
     .copied = 50000,
     .again_after = 60,
     .lossless = true},
    {.name = "retransmitted in other pieces",
     FULL,
     WRAP,
     .copied = 50000,
     .again_after = 60,
     .reordered = 20000,
     .late_by = 20,
     .resegmented = true,
     .lossless = true},
    {.name = "lost upstream, again after 60",
     FULL,
     .upstream_loss = 5000,
     .again_after = 60,
     .lossless = true},
    {.name = "lost upstream, again after 900",
     FULL,
     WRAP,
     .upstream_loss = 5000,
     .again_after = 900,
     .lossless = true},
    {.name = "lost upstream, again in other pieces",
     FULL,
     .upstream_loss = 10000,
     .again_after = 100,
     .resegmented = true,
     .lossless = true},
    {.name = "lost upstream, one-sided",
     FULL,
     .upstream_loss = 5000,
     .again_after = 200,
     .one_sided = true,
     .lossless = true},
    {.name = "no SYN", FULL, .no_syn = true, .lossless = true},
    {.name = "no SYN/ACK", FULL, .no_syn_ack = true, .lossless = true},
    {.name = "no third ACK", FULL, .no_third_ack = true, .lossless = true},
    {.name = "no handshake, 1 % seen twice",
     .segments = 10000,
     .segment_bytes = 1000,
     .isn = 5,
     .no_syn = true,
     .no_syn_ack = true,
     .no_third_ack = true,
     .copied = 10000,
     .again_after = 50,
     .lossless = true},
    {.name = "mid-stream, 1 % reordered",
     FULL,
     .isn = 0x9abcdef0u,
     .no_syn = true,
     .no_syn_ack = true,
     .no_third_ack = true,
     .reordered = 10000,
     .late_by = 3,
     .lossless = true},
    {.name = "fast open", FULL, WRAP, .fast_open = true, .lossless = true},
    {.name = "giants, 5 % reordered",
     .segments = 400,
     .segment_bytes = 65495,
     .reordered = 50000,
     .late_by = 3,
     .lossless = true},
    {.name = "giants beyond the length field",
     .segments = 400,
     .segment_bytes = 131072,
     .reordered = 50000,
     .late_by = 3,
     .lossless = true},
    {.name = "giants, sensor lost 1 %",
     .segments = 400,
     .segment_bytes = 65495,
     .sensor_loss = 10000},
    {.name = "one-sided", FULL, .one_sided = true, .lossless = true},
    {.name = "sensor lost 0.01 %", .segments = 60000, .segment_bytes = 500, .sensor_loss = 100},
    {.name = "sensor lost 0.1 %", FULL, WRAP, .sensor_loss = 1000},
    {.name = "sensor lost 1 %", FULL, .sensor_loss = 10000},
    {.name = "sensor lost 10 %", FULL, .sensor_loss = 100000},
    {.name = "sensor lost 1 %, one-sided", FULL, WRAP, .sensor_loss = 10000, .one_sided = true},
    {.name = "sensor lost half, one-sided", FULL, .sensor_loss = 500000, .one_sided = true},
    {.name = "sensor lost 1 %, 5 % reordered",
     FULL,
     WRAP,
     .sensor_loss = 10000,
     .reordered = 50000,
     .late_by = 100},
    {.name = "both lost 1 %, again after 300",
     FULL,
     .sensor_loss = 10000,
     .upstream_loss = 10000,
     .again_after = 300,
     .resegmented = true},
    {.name = "cut at 96", FULL, .snap = 96},
    {.name = "cut at 96, 5 % reordered", FULL, WRAP, .snap = 96, .reordered = 50000, .late_by = 45},
    {.name = "cut at 96, sensor lost 1 %, one-sided",
     FULL,
     .snap = 96,
     .sensor_loss = 10000,
     .one_sided = true},
};

static void test_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        run_path(&paths[i], WAY_STRAIGHT, WAY_IPV6);
}

/* Many random mixtures, small, each with other numbers. */
static void test_random_paths(void **state)
{
    (void)state;
    uint64_t random = 12345;
    int most = getenv("WEIR_TEST_ALL") ? 150 : 60; /* all: tests/long/cuts */
    for (int i = 0; i < most; i++) {
        struct path p = {.name = "random"};
        p.segments = 100 + (uint32_t)(draw(&random) % 400);
        p.segment_bytes = 1 + (uint32_t)(draw(&random) % 3000);
        p.isn = (uint32_t)draw(&random);
        p.upstream_loss = (uint32_t)(draw(&random) % 50000);
        p.again_after = 1 + (uint32_t)(draw(&random) % 300);
        p.copied = (uint32_t)(draw(&random) % 100000);
        p.reordered = (uint32_t)(draw(&random) % 400000);
        p.late_by = 1 + (uint32_t)(draw(&random) % 100);
        p.one_sided = draw(&random) % 4 == 0;
        p.resegmented = draw(&random) % 2 == 0;
        p.lossless = true;
        if (draw(&random) % 2) {
            p.sensor_loss = 100000;
            p.lossless = false;
        }
        run_path(&p, (enum way)(i % WAYS), (enum way)(i % WAYS));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_paths, teardown),
        cmocka_unit_test_teardown(test_random_paths, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
