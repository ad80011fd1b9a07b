/* TCP byte accounting: single situations with figures worked out by hand, and random traffic
 * against a map of every byte. */
#include "listener.h"

#include <stdio.h>

struct figures {
    uint64_t payload, missing, acked, retransmitted;
};

static void assert_figures(const struct flow *flow, enum flow_side side, struct figures want)
{
    struct side_counts have = flow_get_counts(flow, side);
    assert_int_equal(have.payload_bytes, want.payload);
    assert_int_equal(have.missing_bytes, want.missing);
    assert_int_equal(have.acked_bytes, want.acked);
    assert_int_equal(have.retransmitted_bytes, want.retransmitted);
}

/* Client from 101, server from 901. */
static struct flow *handshake(struct listener *l)
{
    listen_default(l);
    feed_tcp(l, true, TCP_SYN, 100, 0, 0, 0);
    feed_tcp(l, false, TCP_SYN | TCP_ACK, 900, 101, 0, 1);
    return feed_tcp(l, true, TCP_ACK, 101, 901, 0, 2);
}

static void test_in_order(void **state)
{
    (void)state;
    struct listener l;
    struct flow *flow = handshake(&l);
    feed_tcp(&l, true, TCP_ACK, 101, 901, 1000, 3);
    assert_figures(flow, SIDE_ORIG, (struct figures){1000, 0, 0, 0});
    feed_tcp(&l, false, TCP_ACK, 901, 1101, 50, 4);
    assert_figures(flow, SIDE_ORIG, (struct figures){1000, 0, 1000, 0});
    feed_tcp(&l, true, TCP_ACK, 1101, 951, 500, 5);
    feed_tcp(&l, false, TCP_ACK, 951, 1301, 0, 6); /* acknowledged in the middle */
    assert_figures(flow, SIDE_ORIG, (struct figures){1500, 0, 1200, 0});
    assert_figures(flow, SIDE_RESP, (struct figures){50, 0, 50, 0});
    listen_end(&l);
}

static void test_retransmission_and_overlap(void **state)
{
    (void)state;
    struct listener l;
    struct flow *flow = handshake(&l);
    feed_tcp(&l, true, TCP_ACK, 101, 901, 100, 3);
    feed_tcp(&l, true, TCP_ACK, 101, 901, 100, 4); /* again */
    feed_tcp(&l, true, TCP_ACK, 151, 901, 100, 5); /* half of it new */
    feed_tcp(&l, true, TCP_ACK, 101, 901, 50, 6);
    assert_figures(flow, SIDE_ORIG, (struct figures){150, 0, 0, 200});
    listen_end(&l);
}

static void test_hole_fills(void **state)
{
    (void)state;
    struct listener l;
    struct flow *flow = handshake(&l);
    feed_tcp(&l, true, TCP_ACK, 201, 901, 100, 3);
    assert_figures(flow, SIDE_ORIG, (struct figures){100, 100, 0, 0});
    feed_tcp(&l, false, TCP_ACK, 901, 301, 0, 4); /* the peer has all of it */
    assert_figures(flow, SIDE_ORIG, (struct figures){100, 100, 100, 0});
    feed_tcp(&l, true, TCP_ACK, 141, 901, 20, 5); /* in the middle of the hole */
    assert_figures(flow, SIDE_ORIG, (struct figures){120, 80, 120, 0});
    feed_tcp(&l, true, TCP_ACK, 101, 901, 300, 6); /* all of it once more, and 100 beyond */
    assert_figures(flow, SIDE_ORIG, (struct figures){300, 0, 200, 120});
    listen_end(&l);
}

static void test_syn_and_fin_are_no_bytes(void **state)
{
    (void)state;
    struct listener l;
    struct flow *flow = handshake(&l);
    feed_tcp(&l, true, TCP_ACK | TCP_FIN, 101, 901, 10, 3);
    feed_tcp(&l, false, TCP_ACK, 901, 112, 0, 4);
    assert_figures(flow, SIDE_ORIG, (struct figures){10, 0, 10, 0});
    feed_tcp(&l, true, TCP_ACK | TCP_FIN, 101, 901, 10, 5); /* both again */
    assert_figures(flow, SIDE_ORIG, (struct figures){10, 0, 10, 10});
    feed_tcp(&l, false, TCP_ACK | TCP_FIN, 951, 112, 0, 6); /* its 50 bytes were not seen */
    feed_tcp(&l, true, TCP_ACK, 112, 952, 0, 7);
    assert_figures(flow, SIDE_RESP, (struct figures){0, 50, 0, 0});
    listen_end(&l);
}

static void test_unseen_fin_is_not_missing(void **state)
{
    (void)state;
    struct listener l;
    struct flow *flow = handshake(&l);
    feed_tcp(&l, true, TCP_ACK, 101, 901, 10, 3);
    feed_tcp(&l, false, TCP_ACK, 901, 111, 0, 4);
    feed_tcp(&l, false, TCP_ACK, 901, 112, 0, 5); /* one more: a FIN, perhaps */
    assert_figures(flow, SIDE_ORIG, (struct figures){10, 0, 10, 0});
    feed_tcp(&l, false, TCP_ACK, 901, 162, 0, 6); /* it was not */
    assert_figures(flow, SIDE_ORIG, (struct figures){10, 51, 10, 0});
    listen_end(&l);
}

/* A FIN far ahead, then another attempt to connect: what the FIN spanned must not count twice. */
static void test_fin_before_data_then_another_syn(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    struct flow *flow = feed_tcp(&l, true, TCP_SYN, 100, 0, 0, 0);
    feed_tcp(&l, true, TCP_FIN, 5101, 0, 0, 1);
    assert_figures(flow, SIDE_ORIG, (struct figures){0, 5000, 0, 0});
    feed_tcp(&l, true, TCP_SYN, 7000, 0, 0, 2);
    feed_tcp(&l, true, TCP_ACK, 101, 901, 6000, 3);
    assert_figures(flow, SIDE_ORIG, (struct figures){6000, 0, 0, 0});
    listen_end(&l);
}

static void test_keep_alive_is_a_retransmission(void **state)
{
    (void)state;
    struct listener l;
    struct flow *flow = handshake(&l);
    feed_tcp(&l, true, TCP_ACK, 101, 901, 10, 3);
    feed_tcp(&l, true, TCP_ACK, 110, 901, 1, 4); /* one byte of rubbish */
    feed_tcp(&l, true, TCP_ACK, 110, 901, 0, 5); /* without */
    assert_figures(flow, SIDE_ORIG, (struct figures){10, 0, 0, 1});
    listen_end(&l);

    listen_default(&l); /* before any data was seen */
    flow = feed_tcp(&l, true, TCP_ACK, 500, 901, 0, 0);
    feed_tcp(&l, true, TCP_ACK, 499, 901, 1, 1);
    assert_figures(flow, SIDE_ORIG, (struct figures){0, 0, 0, 1});
    feed_tcp(&l, true, TCP_ACK, 500, 901, 30, 2);
    assert_figures(flow, SIDE_ORIG, (struct figures){30, 0, 0, 1});
    listen_end(&l);

    listen_default(&l); /* the probe is what the capture begins with */
    flow = feed_tcp(&l, true, TCP_ACK, 499, 901, 0, 0);
    feed_tcp(&l, false, TCP_ACK, 901, 500, 0, 1);
    feed_tcp(&l, true, TCP_ACK, 500, 901, 30, 2);
    assert_figures(flow, SIDE_ORIG, (struct figures){30, 0, 0, 0});
    listen_end(&l);
}

static void test_data_on_syn(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    struct flow *flow = feed_tcp(&l, true, TCP_SYN, 100, 0, 64, 0);
    feed_tcp(&l, false, TCP_SYN | TCP_ACK, 900, 165, 0, 1);
    feed_tcp(&l, true, TCP_ACK, 165, 901, 36, 2);
    assert_figures(flow, SIDE_ORIG, (struct figures){100, 0, 64, 0});
    listen_end(&l);
}

static void test_data_of_rst_is_not_stream(void **state)
{
    (void)state;
    struct listener l;
    struct flow *flow = handshake(&l);
    feed_tcp(&l, true, TCP_ACK, 101, 901, 10, 3);
    feed_tcp(&l, true, TCP_RST | TCP_ACK, 111, 900000, 58, 4);
    feed_tcp(&l, false, TCP_RST | TCP_ACK, 901, 90000, 58, 4);
    assert_figures(flow, SIDE_ORIG, (struct figures){10, 0, 0, 0});
    assert_figures(flow, SIDE_RESP, (struct figures){0, 0, 0, 0});
    listen_end(&l);
}

static void test_bare_acks_move_no_payload(void **state)
{
    (void)state;
    struct listener l;
    struct flow *flow = handshake(&l);
    feed_tcp(&l, true, TCP_ACK, 101, 901, 10, 3);
    feed_tcp(&l, false, TCP_ACK, 901, 5000, 0, 4); /* lost by the sensor */
    assert_figures(flow, SIDE_ORIG, (struct figures){10, 4889, 10, 0});
    feed_tcp(&l, false, TCP_ACK, 901, 5000 + (1u << 30) + 1, 0, 5); /* nonsense */
    feed_tcp(&l, false, TCP_ACK, 901, 5000 + 0x80000000u, 0, 6);
    feed_tcp(&l, false, TCP_ACK, 901, 50, 0, 7);
    assert_figures(flow, SIDE_ORIG, (struct figures){10, 4889, 10, 0});
    feed_tcp(&l, true, TCP_ACK, 3000, 901, 2000, 8); /* late after all */
    assert_figures(flow, SIDE_ORIG, (struct figures){2010, 2889, 2010, 0});
    listen_end(&l);
}

static void test_one_sided(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l); /* only the server's packets: it acknowledges an upload nobody saw */
    struct flow *flow = feed_tcp(&l, false, TCP_SYN | TCP_ACK, 900, 101, 0, 0);
    for (uint32_t i = 1; i <= 1000; i++)
        feed_tcp(&l, false, TCP_ACK, 901, 101 + i * 2920, 0, i);
    assert_figures(flow, SIDE_ORIG, (struct figures){0, 2920000, 0, 0});
    feed_tcp(&l, false, TCP_ACK, 901, 102 + 1000 * 2920, 0, 2000); /* the FIN */
    assert_figures(flow, SIDE_ORIG, (struct figures){0, 2920000, 0, 0});
    feed_tcp(&l, false, TCP_ACK, 901, 0xf0000000, 0, 2001); /* a jump is no upload */
    feed_tcp(&l, false, TCP_ACK, 901, 0xf0000000 + 500, 0, 2002);
    assert_figures(flow, SIDE_ORIG, (struct figures){0, 2920500, 0, 0});
    listen_end(&l);
}

/* A direction that nobody saw has gone far beyond where a start can be; its next SYN moves none. */
static void test_a_syn_beyond_sixteen_gibibytes(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    struct flow *flow = feed_tcp(&l, false, TCP_SYN | TCP_ACK, 900, 101, 0, 0);
    uint32_t end = 101;
    for (uint32_t i = 1; i <= 1280; i++)
        feed_tcp(&l, false, TCP_ACK, 901, end += 1u << 24, 0, i);
    const uint64_t unseen = UINT64_C(1280) << 24;
    assert_figures(flow, SIDE_ORIG, (struct figures){0, unseen, 0, 0});
    feed_tcp(&l, true, TCP_SYN, end + 5000, 0, 0, 2000);
    feed_tcp(&l, true, TCP_ACK, end + 5001, 901, 100, 2001);
    feed_tcp(&l, false, TCP_ACK, 901, end + 5101, 0, 2002);
    /* nothing tells that one of these was the number of a SYN */
    assert_figures(flow, SIDE_ORIG, (struct figures){100, unseen + 5001, 100, 0});
    listen_end(&l);
}

static void test_reordered_start_of_a_capture(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l);
    struct flow *flow = feed_tcp(&l, true, TCP_ACK, 3000, 901, 1000, 0);
    feed_tcp(&l, true, TCP_ACK, 1000, 901, 1000, 1);
    assert_figures(flow, SIDE_ORIG, (struct figures){2000, 1000, 0, 0});
    feed_tcp(&l, true, TCP_ACK, 2000, 901, 1000, 2);
    assert_figures(flow, SIDE_ORIG, (struct figures){3000, 0, 0, 0});
    feed_tcp(&l, true, TCP_SYN, 499, 0, 0, 3); /* the SYN, last of all: 500 bytes were lost */
    assert_figures(flow, SIDE_ORIG, (struct figures){3000, 500, 0, 0});
    listen_end(&l);
}

/* --- far away ----------------------------------------------------------------------------- */

static void test_injected_segment_opens_no_hole(void **state)
{
    (void)state;
    struct listener l;
    struct flow *flow = handshake(&l);
    feed_tcp(&l, true, TCP_ACK, 101, 901, 100, 3);
    feed_tcp(&l, true, TCP_ACK, 101 + 0x40000001, 901, 9, 4); /* more than 1 GiB ahead */
    feed_tcp(&l, true, TCP_ACK, 101 + 0x20000000, 901, 9, 4); /* less, but more than a window */
    feed_tcp(&l, true, TCP_ACK, 101 - 0x50000000u, 901, 9, 4);
    assert_figures(flow, SIDE_ORIG, (struct figures){127, 0, 0, 0});
    assert_int_equal(flow_table_far_segments(l.table), 3);
    feed_tcp(&l, true, TCP_ACK, 201, 901, 100, 5); /* the stream goes on where it was */
    feed_tcp(&l, false, TCP_ACK, 901, 301, 0, 6);
    assert_figures(flow, SIDE_ORIG, (struct figures){227, 0, 200, 0});
    listen_end(&l);
}

static void test_large_loss_is_taken_up(void **state)
{
    (void)state;
    const uint32_t lost = 100u << 20;
    struct listener l;
    struct flow *flow = handshake(&l);
    feed_tcp(&l, true, TCP_ACK, 101, 901, 100, 3);
    feed_tcp(&l, true, TCP_ACK, 201 + lost, 901, 100, 4);
    assert_figures(flow, SIDE_ORIG, (struct figures){200, 0, 0, 0}); /* not yet believed */
    feed_tcp(&l, true, TCP_ACK, 301 + lost, 901, 100, 5);
    assert_figures(flow, SIDE_ORIG, (struct figures){300, lost, 0, 0});
    feed_tcp(&l, false, TCP_ACK, 901, 401 + lost, 0, 6);
    assert_figures(flow, SIDE_ORIG, (struct figures){300, lost, 300, 0});
    listen_end(&l);

    flow = handshake(&l); /* the peer's acknowledgment is as good as a second segment */
    feed_tcp(&l, true, TCP_ACK, 101 + lost, 901, 100, 3);
    feed_tcp(&l, false, TCP_ACK, 901, 101 + lost, 0, 4);
    feed_tcp(&l, false, TCP_ACK, 901, 201 + lost, 0, 5);
    assert_figures(flow, SIDE_ORIG, (struct figures){100, lost, 100, 0});
    listen_end(&l);

    flow = handshake(&l); /* more than 1 GiB: nothing can be said of what lies between */
    feed_tcp(&l, true, TCP_ACK, 101, 901, 100, 3);
    for (uint32_t i = 0; i < 4; i++)
        feed_tcp(&l, true, TCP_ACK, 0x60000000 + i * 100, 901, 100, 4);
    feed_tcp(&l, false, TCP_ACK, 901, 0x60000000 + 400, 0, 6);
    assert_figures(flow, SIDE_ORIG, (struct figures){500, 0, 400, 0});
    listen_end(&l);
}

/* One numbering of the two ends (a link of the tap was lost): the other is taken up after a while.
 */
static void test_translated_stream_takes_over(void **state)
{
    (void)state;
    const uint32_t other = 0x71234567;
    struct listener l;
    struct flow *flow = handshake(&l);
    for (uint32_t n = 0; n < 10; n++) {
        feed_tcp(&l, true, TCP_ACK, 101 + n * 100, 901, 100, 3);
        feed_tcp(&l, true, TCP_ACK, 101 + other + n * 100, 901, 100, 3);
    }
    /* The first of the others could not be known for a duplicate. */
    assert_figures(flow, SIDE_ORIG, (struct figures){1100, 0, 0, 900});
    for (uint32_t n = 10; n < 100; n++)
        feed_tcp(&l, true, TCP_ACK, 101 + other + n * 100, 901, 100, 3);
    struct side_counts counts = flow_get_counts(flow, SIDE_ORIG);
    assert_int_equal(counts.payload_bytes + counts.retransmitted_bytes, 11000);
    assert_in_range(counts.retransmitted_bytes, 900, 900 + 16 * 100);
    assert_int_equal(counts.missing_bytes, 0);
    listen_end(&l);
}

static void test_far_segment_twice(void **state)
{
    (void)state;
    struct listener l;
    struct flow *flow = handshake(&l);
    feed_tcp(&l, true, TCP_ACK, 101, 901, 100, 3);
    for (int i = 0; i < 5; i++)
        feed_tcp(&l, true, TCP_ACK, 0x70000000, 901, 50, 4);
    assert_figures(flow, SIDE_ORIG, (struct figures){150, 0, 0, 200});
    listen_end(&l);
}

static void test_syn_and_fin_that_contradict(void **state)
{
    (void)state;
    struct listener l;
    listen_default(&l); /* an empty probe is all that was seen, then the SYN says more */
    struct flow *flow = feed_tcp(&l, true, TCP_ACK, 500, 901, 0, 0);
    feed_tcp(&l, true, TCP_SYN, 599, 0, 0, 1);
    feed_tcp(&l, true, TCP_ACK, 600, 901, 40, 2);
    assert_figures(flow, SIDE_ORIG, (struct figures){40, 0, 0, 0});
    feed_tcp(&l, true, TCP_FIN | TCP_ACK, 0x60000000, 901, 0, 3); /* far off: not its end */
    assert_figures(flow, SIDE_ORIG, (struct figures){40, 0, 0, 0});
    listen_end(&l);

    listen_default(&l); /* a FIN right after an empty probe */
    flow = feed_tcp(&l, true, TCP_ACK, 499, 901, 0, 0);
    feed_tcp(&l, true, TCP_FIN | TCP_ACK, 500, 901, 0, 1);
    assert_figures(flow, SIDE_ORIG, (struct figures){0, 0, 0, 0});
    listen_end(&l);
}

/* A firewall that randomises sequence numbers, seen on both sides. */
static void test_translated_duplicates_count_once(void **state)
{
    (void)state;
    static const uint32_t offsets[] = {0x71234567, 0x03000000, 0x20000000, 0xa0000000};
    for (size_t i = 0; i < 4; i++) {
        uint32_t other = offsets[i];
        struct listener l;
        listen_default(&l);
        feed_tcp(&l, true, TCP_SYN, 100, 0, 0, 0);
        feed_tcp(&l, false, TCP_SYN | TCP_ACK, 900 + other, 101 + other, 0, 1);
        feed_tcp(&l, false, TCP_SYN | TCP_ACK, 900, 101, 0, 1);
        struct flow *flow = feed_tcp(&l, true, TCP_ACK, 101, 901, 10, 2);
        for (uint32_t n = 0; n < 100; n++) {
            feed_tcp(&l, false, TCP_ACK, 901 + other + n * 1460, 111 + other, 1460, 3);
            feed_tcp(&l, false, TCP_ACK, 901 + n * 1460, 111, 1460, 3);
            feed_tcp(&l, true, TCP_ACK, 111, 901 + (n + 1) * 1460, 0, 3);
        }
        assert_figures(flow, SIDE_RESP, (struct figures){146000, 0, 146000, 146000});
        assert_figures(flow, SIDE_ORIG, (struct figures){10, 0, 10, 0});
        assert_int_equal(flow_table_count(l.table), 1);
        listen_end(&l);
    }
}

/* --- bounds ------------------------------------------------------------------------------- */

static void test_more_holes_than_are_kept(void **state)
{
    (void)state;
    struct listener l;
    struct flow *flow = handshake(&l);
    for (uint32_t i = 1; i <= 100; i++)
        feed_tcp(&l, true, TCP_ACK, 101 + i * 20, 901, 10, i);
    assert_figures(flow, SIDE_ORIG, (struct figures){1000, 1010, 0, 0});
    struct health health = {0};
    flow_table_health(l.table, &health);
    assert_int_equal(health.tcp_holes_forgotten, 100 - FLOW_HOLES);
    assert_int_equal(health.tcp_missing_bytes, 1010);
    /* All again: what was forgotten cannot be told from a retransmission any more. */
    feed_tcp(&l, true, TCP_ACK, 101, 901, 2010, 200);
    uint64_t kept = (uint64_t)FLOW_HOLES * 10;
    assert_figures(flow, SIDE_ORIG, (struct figures){1000 + kept, 1010 - kept, 0, 2010 - kept});
    /* Splitting a hole at the bound forgets one too. */
    for (uint32_t i = 1; i <= FLOW_HOLES; i++)
        feed_tcp(&l, true, TCP_ACK, 10000 + i * 20, 901, 10, 300);
    flow_table_health(l.table, &health);
    uint64_t before = health.tcp_holes_forgotten;
    feed_tcp(&l, true, TCP_ACK, 10000 + FLOW_HOLES * 20 - 6, 901, 2, 301);
    health = (struct health){0};
    flow_table_health(l.table, &health);
    assert_int_equal(health.tcp_holes_forgotten, before - (100 - FLOW_HOLES) + 1);
    listen_end(&l);
}

static void test_six_gibibytes(void **state)
{
    (void)state;
    const uint32_t segment = 1u << 20;
    struct listener l;
    struct flow *flow = handshake(&l);
    uint32_t seq = 101;
    for (int i = 0; i < 6 * 1024; i++) {
        feed_tcp(&l, true, TCP_ACK, seq, 901, segment, 3);
        seq += segment;
        if (i % 16 == 0)
            feed_tcp(&l, false, TCP_ACK, 901, seq, 0, 3);
    }
    feed_tcp(&l, false, TCP_ACK, 901, seq, 0, 4);
    uint64_t all = UINT64_C(6) << 30;
    assert_figures(flow, SIDE_ORIG, (struct figures){all, 0, all, 0});
    /* Every MiB was reported at once, and what was reported adds up. */
    uint64_t fresh = 0;
    flow_table_finish(l.table, (struct ptime){5});
    for (size_t i = 0; i < l.count; i++)
        fresh += (uint64_t)l.told[i].fresh[SIDE_ORIG].payload_bytes;
    assert_int_equal(fresh, all);
    assert_true(l.count > 6000);
    listen_end(&l);
}

/* --- against a map of every byte
 * ------------------------------------------------------- */

enum { STREAM = 96 << 10, LARGEST = 3000 };

struct map_model {
    uint8_t seen[STREAM];
    uint64_t sent, highest, acked;
};

static struct figures model_figures(const struct map_model *model)
{
    struct figures f = {0};
    uint64_t span = model->highest > model->acked ? model->highest : model->acked;
    for (uint64_t i = 0; i < STREAM; i++) {
        f.payload += model->seen[i];
        f.acked += model->seen[i] && i < model->acked;
    }
    f.retransmitted = model->sent - f.payload;
    f.missing = span - f.payload;
    return f;
}

/* Segments may come in any order within a window of `spread`; 32 holes at most, so none is
 * forgotten. */
static void random_stream(unsigned seed, uint32_t isn, uint64_t spread)
{
    static struct map_model model;
    struct listener l;
    memset(&model, 0, sizeof model);
    srand(seed);
    listen_default(&l);
    struct flow *flow = feed_tcp(&l, true, TCP_SYN, isn, 0, 0, 0);
    feed_tcp(&l, false, TCP_SYN | TCP_ACK, 900, isn + 1, 0, 0);
    for (int i = 0; i < 400; i++) {
        uint64_t at = model.highest + (uint64_t)rand() % (2 * spread + 1);
        at = at > spread ? at - spread : 0;
        uint64_t size = 1 + (uint64_t)rand() % LARGEST;
        at = at + size > STREAM ? STREAM - size : at;
        memset(model.seen + at, 1, size);
        model.sent += size;
        model.highest = at + size > model.highest ? at + size : model.highest;
        feed_tcp(&l, true, TCP_ACK, isn + 1 + (uint32_t)at, 901, (uint32_t)size, i);
        uint64_t ack = (uint64_t)rand() % (model.highest + 1);
        if (rand() % 4 == 0 && ack > model.acked) {
            model.acked = ack;
            feed_tcp(&l, false, TCP_ACK, 901, isn + 1 + (uint32_t)ack, 0, i);
        }
        if (i % 13 == 0 || i == 399)
            assert_figures(flow, SIDE_ORIG, model_figures(&model));
    }
    listen_end(&l);
}

static void test_random_streams_match_a_byte_map(void **state)
{
    (void)state;
    static const uint32_t isn[] = {0, 0xffffffff, 0xffffffff - STREAM / 2, 0x7fffffff - STREAM / 2};
    for (unsigned seed = 0; seed < 60; seed++)
        random_stream(seed, isn[seed % 4], seed < 20 ? 4000 : 20000);
}

/* Whatever comes: a packet never adds more than it carried, the span never shrinks, records add up.
 */
static void test_hostile_numbers_stay_within_what_was_carried(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 300; seed++) {
        struct listener l;
        uint64_t carried[SIDES] = {0};
        srand(seed);
        listen_default(&l);
        struct flow *flow = NULL;
        for (int i = 0; i < 200; i++) {
            static const uint8_t flags[] = {TCP_ACK,           TCP_ACK, TCP_ACK,
                                            TCP_ACK | TCP_FIN, TCP_RST, 0};
            uint32_t near = seed % 2 ? 1u << (rand() % 32) : 5000;
            bool out = rand() % 2;
            uint32_t seq = 5000 + (uint32_t)rand() % near, ack = 5000 + (uint32_t)rand() % near;
            uint32_t size = rand() % 3 ? (uint32_t)rand() % 1460 : 0;
            uint8_t flag = i ? flags[rand() % 6] : TCP_SYN;
            flow = feed_tcp(&l, out, flag, seq, ack, size, i * SECOND / 2);
            /* The first packet's sender is the originator. */
            enum flow_side side =
                (flow_get_key(flow)->orig_port == 40000) == out ? SIDE_ORIG : SIDE_RESP;
            carried[side] += size;
            for (int s = 0; s < SIDES; s++) {
                struct side_counts c = flow_get_counts(flow, (enum flow_side)s);
                assert_true(c.payload_bytes + c.retransmitted_bytes <= carried[s]);
                assert_true(c.acked_bytes <= c.payload_bytes);
                assert_true(c.missing_bytes < UINT64_C(1) << 40);
            }
        }
        assert_int_equal(flow_table_count(l.table), 1);
        flow_table_finish(l.table, (struct ptime){200 * SECOND});
        int64_t payload[SIDES] = {0}, missing[SIDES] = {0};
        for (size_t i = 0; i < l.count; i++) {
            for (int s = 0; s < SIDES; s++) {
                payload[s] += l.told[i].fresh[s].payload_bytes;
                missing[s] += l.told[i].fresh[s].missing_bytes;
                assert_int_equal(payload[s], l.told[i].total[s].payload_bytes);
                assert_int_equal(missing[s], l.told[i].total[s].missing_bytes);
            }
        }
        listen_end(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_retransmission_and_overlap),
        cmocka_unit_test(test_hole_fills),
        cmocka_unit_test(test_syn_and_fin_are_no_bytes),
        cmocka_unit_test(test_unseen_fin_is_not_missing),
        cmocka_unit_test(test_fin_before_data_then_another_syn),
        cmocka_unit_test(test_keep_alive_is_a_retransmission),
        cmocka_unit_test(test_data_on_syn),
        cmocka_unit_test(test_data_of_rst_is_not_stream),
        cmocka_unit_test(test_bare_acks_move_no_payload),
        cmocka_unit_test(test_one_sided),
        cmocka_unit_test(test_a_syn_beyond_sixteen_gibibytes),
        cmocka_unit_test(test_reordered_start_of_a_capture),
        cmocka_unit_test(test_injected_segment_opens_no_hole),
        cmocka_unit_test(test_large_loss_is_taken_up),
        cmocka_unit_test(test_translated_duplicates_count_once),
        cmocka_unit_test(test_translated_stream_takes_over),
        cmocka_unit_test(test_far_segment_twice),
        cmocka_unit_test(test_syn_and_fin_that_contradict),
        cmocka_unit_test(test_more_holes_than_are_kept),
        cmocka_unit_test(test_six_gibibytes),
        cmocka_unit_test(test_random_streams_match_a_byte_map),
        cmocka_unit_test(test_hostile_numbers_stay_within_what_was_carried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
