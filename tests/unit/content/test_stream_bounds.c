/* Long, many and hostile: streams beyond 4 GiB, giants, tens of thousands of open holes, floods,
 * and each bound with what happens at it. Content is a pattern of prime period, so that bulk is
 * compared fast and a byte at a wrong place still shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "weir/content/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PERIOD 65521u
#define GIANT  524288u /* BIG TCP's most */

static uint8_t pattern[PERIOD + GIANT];

struct bulk {
    struct stream *stream;
    uint64_t shift; /* of this flow in the pattern */
    uint64_t at, data, gap, wrong;
    struct ptime now;
    uint32_t isn;
};

static void on_data(void *owner, enum flow_side side, const uint8_t *data, size_t size,
                    struct ptime time)
{
    (void)time;
    struct bulk *b = owner;
    assert_int_equal(side, SIDE_ORIG);
    b->wrong += memcmp(data, pattern + (b->at + b->shift) % PERIOD, size) != 0;
    b->at += size;
    b->data += size;
}

static void on_gap(void *owner, enum flow_side side, uint64_t bytes, struct ptime time)
{
    (void)side;
    (void)time;
    struct bulk *b = owner;
    b->at += bytes;
    b->gap += bytes;
}

static struct streams *streams; /* of the running test */

static int teardown(void **state)
{
    (void)state;
    streams_free(streams);
    streams = NULL;
    return 0;
}

static void open_bulk(uint32_t max_attached, uint64_t budget_bytes)
{
    struct stream_config config = stream_config_default();
    struct stream_events events = {on_data, on_gap};
    if (max_attached)
        config.max_attached = max_attached;
    if (budget_bytes)
        config.budget_bytes = budget_bytes;
    streams = streams_new(&config, &events, NULL);
    assert_non_null(streams);
}

static void bulk_init(struct bulk *b, uint64_t shift, uint32_t isn)
{
    *b = (struct bulk){.shift = shift, .isn = isn, .now = {NS_PER_S}};
    b->stream = stream_new(streams, b);
}

static void put(struct bulk *b, uint64_t offset, uint64_t bytes)
{
    struct packet packet = {.time = b->now,
                            .seq = b->isn + (uint32_t)offset,
                            .tcp_flags = TCP_PSH,
                            .payload = pattern + (offset + b->shift) % PERIOD,
                            .payload_captured = (uint32_t)bytes,
                            .payload_bytes = (uint32_t)bytes};
    stream_packet(b->stream, SIDE_ORIG, &packet);
}

static void put_syn(struct bulk *b)
{
    struct packet packet = {.time = b->now, .seq = b->isn - 1, .tcp_flags = TCP_SYN};
    stream_packet(b->stream, SIDE_ORIG, &packet);
}

static struct health health_now(void)
{
    struct health health = {0};
    streams_health(streams, &health);
    return health;
}

static uint64_t resident_bytes(void)
{
    unsigned long long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%llu %llu", &total, &resident) != 2)
        fail_msg("/proc/self/statm unreadable");
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* --- one long stream ------------------------------------------------------------------------- */

static void test_five_gib_in_one_stream(void **state)
{
    (void)state;
    open_bulk(0, 0);
    struct bulk b;
    bulk_init(&b, 0, 0xfff00000u);
    put_syn(&b);
    const uint32_t size = 65483;
    uint64_t total = UINT64_C(5) << 30, sent = 0, segments = 0;
    while (sent < total) {
        if (++segments % 500 == 0) { /* an episode of three, also across each wrap */
            put(&b, sent + 2 * size, size);
            put(&b, sent + size, size);
            put(&b, sent, size);
            sent += 3 * size;
        } else {
            put(&b, sent, size);
            sent += size;
        }
    }
    assert_int_equal(b.wrong, 0);
    assert_int_equal(b.data, sent);
    assert_true(b.data > UINT64_C(5) << 30);
    assert_int_equal(b.gap, 0);
    assert_int_equal(health_now().streams_attached, segments / 500);
    stream_free(b.stream);
}

/* One episode that never ends and sees more than 4 GiB: libnids' int counters must not. */
static void test_five_gib_in_one_episode(void **state)
{
    (void)state;
    open_bulk(0, 0);
    struct bulk b;
    bulk_init(&b, 0, 77);
    put_syn(&b);
    const uint64_t size = 65483;
    const uint64_t segments = (UINT64_C(5) << 30) / size | 1;
    put(&b, 0, size);
    put(&b, 2 * size, size);
    for (uint64_t i = 4; i < segments; i += 2) {
        put(&b, i * size, size);       /* the next hole opens … */
        put(&b, (i - 3) * size, size); /* … before this one is filled */
    }
    assert_int_equal(b.data, (segments - 2) * size);
    put(&b, (segments - 2) * size, size);
    assert_int_equal(b.wrong, 0);
    assert_int_equal(b.data, segments * size);
    assert_int_equal(b.gap, 0);
    assert_int_equal(health_now().streams_attached, 1);
    stream_free(b.stream);
}

static void test_the_wrap_inside_an_episode(void **state)
{
    (void)state;
    open_bulk(0, 0);
    for (uint32_t before = 0; before < 40; before++) {
        struct bulk b;
        bulk_init(&b, before, 0u - before);
        put_syn(&b);
        for (uint32_t i = 4; i-- > 0;)
            put(&b, i * 10, 10);
        assert_int_equal(b.wrong, 0);
        assert_int_equal(b.data, 40);
        put(&b, 60, 10);
        stream_finish(b.stream, b.now);
        assert_int_equal(b.gap, 20);
        assert_int_equal(b.data, 50);
        stream_free(b.stream);
    }
}

static void test_giants(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {32767, 32768, 32769, 65483, 65495, 65535, 65536, GIANT};
    open_bulk(0, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint32_t size = sizes[i];
        struct bulk b;
        bulk_init(&b, i, 12345);
        put_syn(&b);
        put(&b, 0, size);
        for (uint32_t segment = 5; segment > 0; segment--)
            put(&b, (uint64_t)segment * size, size);
        assert_int_equal(b.wrong, 0);
        assert_int_equal(b.data, 6 * (uint64_t)size);
        assert_int_equal(b.gap, 0);
        stream_free(b.stream);
    }
}

/* --- one flow's bounds ----------------------------------------------------------------------- */

/* A hole nobody acknowledges or fills: about 4 MiB wait, then it is given up. */
static void test_one_side_waits_for_four_mib_at_most(void **state)
{
    (void)state;
    open_bulk(0, 0);
    struct bulk b;
    bulk_init(&b, 0, 0);
    put_syn(&b);
    const uint32_t size = 1460;
    uint64_t sent = size, longest = 0;
    while (sent < UINT64_C(64) << 20) {
        put(&b, sent, size);
        sent += size;
        uint64_t waiting = sent - b.at;
        longest = waiting > longest ? waiting : longest;
        if (sent % (size * 5000u) == 0)
            sent += size; /* lost too */
    }
    assert_in_range(longest, UINT64_C(3) << 20, UINT64_C(5) << 20);
    stream_finish(b.stream, b.now);
    assert_int_equal(b.wrong, 0);
    assert_int_equal(b.at, sent);
    assert_true(b.gap >= size);
    assert_true(health_now().stream_budget >= 1);
    stream_free(b.stream);
}

static void run_tiny(uint32_t step, bool backwards)
{
    open_bulk(0, 0);
    struct bulk b;
    bulk_init(&b, 0, 0);
    put_syn(&b);
    const uint32_t pieces = 20000;
    for (uint32_t i = 0; i < pieces; i++) {
        uint32_t place = backwards ? pieces - 1 - i : i;
        put(&b, 1 + (uint64_t)place * step, 1);
    }
    stream_finish(b.stream, b.now);
    assert_int_equal(b.wrong, 0);
    assert_int_equal(b.at, 1 + (uint64_t)(pieces - 1) * step + 1);
    if (backwards) /* what came after a later piece was given up for want of room is old */
        assert_true(b.data >= 4000);
    else
        assert_int_equal(b.data, pieces);
    assert_true(health_now().stream_budget >= 1);
    stream_free(b.stream);
    teardown(NULL);
}

static void test_tiny_pieces_are_bounded_by_number(void **state)
{
    (void)state;
    run_tiny(1, false);
    run_tiny(2, false);
    run_tiny(1, true);
    run_tiny(2, true);
}

/* At the bound room is made by giving up what lies before a segment, never the segment itself. */
static void test_a_segment_below_a_full_queue_is_delivered(void **state)
{
    (void)state;
    open_bulk(0, 0);
    struct bulk b;
    bulk_init(&b, 0, 0);
    put_syn(&b);
    const uint64_t base = UINT64_C(10) << 20, size = 32000, fits = 130;
    for (uint64_t i = 0; i < fits; i++)
        put(&b, base + i * size, size);
    assert_int_equal(b.at, 0);
    put(&b, 100000, size);
    assert_int_equal(b.gap, 100000);
    assert_int_equal(b.data, size);
    assert_int_equal(health_now().stream_budget, 1);
    put(&b, 100000 + size, size);
    assert_int_equal(b.data, 2 * size);
    stream_finish(b.stream, b.now);
    assert_int_equal(b.wrong, 0);
    assert_int_equal(b.data, (2 + fits) * size);
    assert_int_equal(b.at, base + fits * size);
    stream_free(b.stream);
}

static void test_two_hundred_thousand_episodes(void **state)
{
    (void)state;
    open_bulk(4, 0);
    struct bulk b;
    bulk_init(&b, 0, 1);
    put_syn(&b);
    uint64_t before = resident_bytes();
    for (uint64_t i = 0; i < 200000; i++) {
        put(&b, i * 20 + 10, 10);
        put(&b, i * 20, 10);
    }
    assert_int_equal(b.wrong, 0);
    assert_int_equal(b.data, 4000000);
    assert_int_equal(health_now().streams_attached, 200000);
    assert_int_equal(health_now().stream_budget, 0);
    assert_true(resident_bytes() - before < UINT64_C(400) << 20 || resident_bytes() < before);
    stream_free(b.stream);
}

/* --- many flows ------------------------------------------------------------------------------ */

#define FLOWS 50000u

static struct bulk *many_flows(uint32_t count)
{
    struct bulk *flows = calloc(count, sizeof *flows);
    assert_non_null(flows);
    for (uint32_t i = 0; i < count; i++) {
        bulk_init(&flows[i], i % PERIOD, i * 7919u);
        put_syn(&flows[i]);
    }
    return flows;
}

static void free_flows(struct bulk *flows, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        stream_free(flows[i].stream);
    free(flows);
}

static void test_fifty_thousand_open_holes(void **state)
{
    (void)state;
    const uint32_t attached = 4096;
    open_bulk(attached, 0);
    struct bulk *flows = many_flows(FLOWS);
    uint64_t before = resident_bytes();
    for (uint32_t i = 0; i < FLOWS; i++)
        put(&flows[i], 100, 1000);
    uint64_t after = resident_bytes();
    assert_true(after < before + (UINT64_C(256) << 20));
    /* The first ones were skipped forward, their data delivered; the last ones still wait. */
    assert_int_equal(health_now().stream_budget, FLOWS - attached);
    for (uint32_t i = 0; i < FLOWS; i++) {
        assert_int_equal(flows[i].data, i < FLOWS - attached ? 1000 : 0);
        put(&flows[i], 0, 100);
        put(&flows[i], 1100, 100);
        assert_int_equal(flows[i].wrong, 0);
        assert_int_equal(flows[i].data, i < FLOWS - attached ? 1100 : 1200);
        assert_int_equal(flows[i].gap, i < FLOWS - attached ? 100 : 0);
    }
    free_flows(flows, FLOWS);
}

/* 60 kB behind a hole in each of 50,000 flows would be 3 GB. */
static void test_the_budget_bounds_all_flows(void **state)
{
    (void)state;
    open_bulk(0, UINT64_C(64) << 20);
    struct bulk *flows = many_flows(FLOWS);
    uint64_t before = resident_bytes();
    for (uint32_t i = 0; i < FLOWS; i++) {
        for (uint32_t segment = 1; segment <= 40; segment++)
            put(&flows[i], segment * 1500, 1500);
    }
    uint64_t after = resident_bytes();
    assert_true(after < before + (UINT64_C(640) << 20)); /* the sanitizer's quarantine included */
    uint64_t waiting = 0;
    for (uint32_t i = 0; i < FLOWS; i++) {
        waiting += flows[i].data == 0 ? 60000 : 0;
        stream_finish(flows[i].stream, flows[i].now);
        assert_int_equal(flows[i].wrong, 0);
        assert_int_equal(flows[i].data, 60000);
        assert_int_equal(flows[i].gap, 1500);
    }
    assert_in_range(waiting, UINT64_C(48) << 20, UINT64_C(64) << 20);
    assert_int_equal(health_now().stream_budget, FLOWS - waiting / 60000);
    free_flows(flows, FLOWS);
}

static void test_the_flow_fed_longest_ago_is_cut_short(void **state)
{
    (void)state;
    open_bulk(3, 0);
    struct bulk *flows = many_flows(4);
    for (uint32_t i = 0; i < 3; i++)
        put(&flows[i], 10, 10);
    put(&flows[0], 20, 10); /* now 1 is the oldest */
    put(&flows[3], 10, 10);
    assert_int_equal(flows[0].at, 0);
    assert_int_equal(flows[1].gap, 10);
    assert_int_equal(flows[1].data, 10);
    assert_int_equal(flows[2].at, 0);
    assert_int_equal(flows[3].at, 0);
    put(&flows[0], 0, 10);
    assert_int_equal(flows[0].data, 30);
    assert_int_equal(flows[0].gap, 0);
    free_flows(flows, 4);
}

static void test_the_packets_own_flow_may_be_cut_short(void **state)
{
    (void)state;
    open_bulk(2, 100000);
    struct bulk *flows = many_flows(1);
    for (uint32_t i = 1; i < 1000; i++)
        put(&flows[0], i * 1000, 1000);
    stream_finish(flows[0].stream, flows[0].now);
    assert_int_equal(flows[0].wrong, 0);
    assert_int_equal(flows[0].data, 999000);
    assert_int_equal(flows[0].gap, 1000);
    assert_int_equal(health_now().stream_budget, 1);
    free_flows(flows, 1);
}

static void test_a_syn_flood_keeps_nothing(void **state)
{
    (void)state;
    open_bulk(1, 0);
    struct bulk *flows = many_flows(200000); /* a SYN each */
    for (uint32_t round = 0; round < 5; round++) {
        for (uint32_t i = 0; i < 200000; i++)
            put_syn(&flows[i]);
    }
    assert_int_equal(health_now().streams_attached, 0);
    put(&flows[199999], 10, 10);
    put(&flows[199999], 0, 10);
    assert_int_equal(flows[199999].data, 20);
    free_flows(flows, 200000);
}

#define T(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    for (size_t i = 0; i < PERIOD; i++)
        pattern[i] = (uint8_t)((i * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
    for (size_t i = PERIOD; i < sizeof pattern; i++)
        pattern[i] = pattern[i - PERIOD];
    const struct CMUnitTest tests[] = {
        T(test_five_gib_in_one_stream),
        T(test_five_gib_in_one_episode),
        T(test_the_wrap_inside_an_episode),
        T(test_giants),
        T(test_one_side_waits_for_four_mib_at_most),
        T(test_tiny_pieces_are_bounded_by_number),
        T(test_a_segment_below_a_full_queue_is_delivered),
        T(test_two_hundred_thousand_episodes),
        T(test_fifty_thousand_open_holes),
        T(test_the_budget_bounds_all_flows),
        T(test_the_flow_fed_longest_ago_is_cut_short),
        T(test_the_packets_own_flow_may_be_cut_short),
        T(test_a_syn_flood_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
