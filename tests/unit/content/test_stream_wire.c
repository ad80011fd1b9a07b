/* Long, many and flooded, as IPv4 and as IPv6 frames through decoder and flow table: more than 4
 * GiB in one stream, 200,000 flows open at once, a flood of SYNs. Every delivered byte is compared
 * with what was sent there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream_wire.h"

#define PERIOD   65521u /* of what a flow sends: prime, so that a byte at a wrong place shows */
#define GIANT    65495u /* the most that IPv4's length field holds */
#define FLOWS    200000u
#define SYNS     300000u
#define PIECE    100u
#define ISN      UINT32_C(0xffff8000)
#define FIRST_NS (INT64_C(1700000000) * NS_PER_S)

static uint8_t pattern[PERIOD + GIANT];
static struct streams *streams;
static struct wire wire;
static struct ptime now;

struct receiver {
    struct stream *stream;
    uint64_t at, wrong, gap;
    uint32_t flow;
};

static void on_data(void *owner, enum flow_side side, const uint8_t *data, size_t size,
                    struct ptime time)
{
    struct receiver *r = owner;
    (void)time;
    r->wrong += side != SIDE_ORIG;
    r->wrong += memcmp(data, pattern + (r->at + r->flow) % PERIOD, size) != 0;
    r->at += size;
}

static void on_gap(void *owner, enum flow_side side, uint64_t bytes, struct ptime time)
{
    struct receiver *r = owner;
    (void)side, (void)time;
    r->at += bytes;
    r->gap += bytes;
}

static void open_wire(unsigned family, uint32_t max_flows)
{
    static const struct stream_events events = {on_data, on_gap};
    struct stream_config config = stream_config_default();
    for (uint32_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (uint8_t)((i % PERIOD) * UINT32_C(2654435761) >> 24);
    now.ns = FIRST_NS;
    streams = streams_new(&config, &events, NULL);
    assert_non_null(streams);
    assert_int_equal(wire_open(&wire, family, max_flows), 0);
    wire.owns_streams = true;
}

static void close_wire(void)
{
    wire_close(&wire);
    streams_free(streams);
}

static void begin(struct receiver *r, uint32_t flow)
{
    *r = (struct receiver){.flow = flow};
    r->stream = stream_new(streams, r);
    struct packet syn = {.time = now, .seq = ISN - 1, .tcp_flags = TCP_SYN};
    wire_carry(&wire, flow, r->stream, SIDE_ORIG, &syn);
}

static void send(struct receiver *r, uint64_t offset, uint32_t bytes)
{
    struct packet data = {.time = now,
                          .seq = ISN + (uint32_t)offset,
                          .tcp_flags = TCP_ACK,
                          .payload = pattern + (offset + r->flow) % PERIOD,
                          .payload_captured = bytes,
                          .payload_bytes = bytes};
    now.ns += NS_PER_US;
    wire_carry(&wire, r->flow, r->stream, SIDE_ORIG, &data);
}

/* In order, but for two giants in a thousand. */
static void five_gib(unsigned family)
{
    const uint64_t giants = (UINT64_C(5) << 30) / GIANT;
    struct receiver r;
    open_wire(family, 0);
    begin(&r, 1);
    for (uint64_t i = 0; i < giants; i++) {
        uint64_t swapped = i % 1000 == 500 && i + 1 < giants ? i + 1 : i % 1000 == 501 ? i - 1 : i;
        send(&r, swapped * GIANT, GIANT);
    }
    assert_int_equal(r.wrong, 0);
    assert_int_equal(r.gap, 0);
    assert_int_equal(r.at, giants * GIANT);
    assert_true(r.at > UINT64_C(1) << 32);
    close_wire();
}

static void test_five_gib(void **state)
{
    (void)state;
    five_gib(4);
    five_gib(6);
}

/* Every one begins, waits for all others, is out of order, waits again and goes on. */
static void many_flows(unsigned family)
{
    struct receiver *r = calloc(FLOWS, sizeof *r);
    assert_non_null(r);
    open_wire(family, 0);
    for (uint32_t i = 0; i < FLOWS; i++) {
        begin(&r[i], i);
        send(&r[i], 0, PIECE);
    }
    for (uint32_t i = 0; i < FLOWS; i++) {
        send(&r[i], 2 * PIECE, PIECE);
        send(&r[i], PIECE, PIECE);
    }
    for (uint32_t i = 0; i < FLOWS; i++)
        send(&r[i], 3 * PIECE, PIECE);
    assert_int_equal(flow_table_count(wire.table), FLOWS);
    for (uint32_t i = 0; i < FLOWS; i++)
        if (r[i].wrong || r[i].gap || r[i].at != 4 * PIECE)
            fail_msg("flow %u: %llu bytes", i, (unsigned long long)r[i].at);
    close_wire();
    free(r);
}

static void test_two_hundred_thousand_flows(void **state)
{
    (void)state;
    many_flows(4);
    many_flows(6);
}

/* SYNs from everywhere into a table with no room for them: the flow that sends, out of order even,
 * loses nothing. */
static void syn_flood(unsigned family)
{
    static struct receiver flood[SYNS];
    struct receiver r;
    open_wire(family, 10000);
    begin(&r, 0);
    for (uint32_t i = 0; i < SYNS; i++) {
        begin(&flood[i], i + 1);
        if (i % 1000 == 0)
            send(&r, i / 1000 * 2 * PIECE + PIECE, PIECE);
        else if (i % 1000 == 700)
            send(&r, i / 1000 * 2 * PIECE, PIECE);
    }
    assert_int_equal(r.wrong, 0);
    assert_int_equal(r.gap, 0);
    assert_int_equal(r.at, SYNS / 1000 * 2 * PIECE);
    assert_int_equal(flow_table_count(wire.table), 10000);
    assert_int_equal(wire.released, SYNS + 1 - 10000);
    close_wire();
}

static void test_syn_flood(void **state)
{
    (void)state;
    syn_flood(4);
    syn_flood(6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_five_gib),
        cmocka_unit_test(test_two_hundred_thousand_flows),
        cmocka_unit_test(test_syn_flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
