/* What a stream does, packet by packet: order, overlap, gaps and their hold, starts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream_sender.h"

#define ORIG SIDE_ORIG
#define RESP SIDE_RESP

static struct streams *streams;
static struct sender s;

static int setup(void **state)
{
    (void)state;
    streams = open_streams(0, 0);
    if (!streams)
        return -1;
    sender_init(&s, streams, 7, 1000, 5000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sender_fini(&s);
    streams_free(streams);
    return 0;
}

static void expect(enum flow_side side, uint64_t data, uint64_t gap)
{
    assert_int_equal(s.wrong, 0);
    assert_int_equal(s.data[side], data);
    assert_int_equal(s.gap[side], gap);
}

static void test_in_order_is_not_copied(void **state)
{
    (void)state;
    static const uint8_t hello[] = "in read-only memory: writing to it would crash";
    send_syn(&s, ORIG);
    sender_packet(&s, ORIG, 1000, TCP_ACK, 5000, hello, sizeof hello, sizeof hello);
    assert_ptr_equal(s.last_pointer, hello);
    assert_int_equal(s.data[ORIG], sizeof hello);
    assert_int_equal(health_of(streams).streams_attached, 0);
}

static void test_both_sides_in_order(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_syn(&s, RESP);
    for (uint32_t i = 0; i < 100; i++) {
        send_data(&s, ORIG, i * 100, 100);
        send_data(&s, RESP, i * 1460, 1460);
    }
    expect(ORIG, 10000, 0);
    expect(RESP, 146000, 0);
    assert_int_equal(health_of(streams).streams_attached, 0);
}

static void test_two_segments_swapped(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_data(&s, ORIG, 100, 100);
    expect(ORIG, 0, 0);
    send_data(&s, ORIG, 0, 100);
    expect(ORIG, 200, 0);
    send_data(&s, ORIG, 200, 100);
    expect(ORIG, 300, 0);
    assert_int_equal(health_of(streams).streams_attached, 1);
    /* The episode is over: the next disorder is a new one. */
    send_data(&s, ORIG, 400, 100);
    assert_int_equal(health_of(streams).streams_attached, 2);
}

static void test_the_packet_that_fills_a_hole_may_be_in_read_only_memory(void **state)
{
    (void)state;
    static const uint8_t late[4] = {1, 2, 3, 4}, early[4] = {5, 6, 7, 8};
    send_syn(&s, ORIG);
    sender_packet(&s, ORIG, 1004, 0, 0, late, 4, 4);
    sender_packet(&s, ORIG, 1000, 0, 0, early, 4, 4);
    assert_int_equal(s.data[ORIG], 8);
}

static void test_a_window_backwards(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    for (uint32_t i = 500; i-- > 0;)
        send_data(&s, ORIG, i * 1460, 1460);
    expect(ORIG, 500 * 1460, 0);
}

static void test_every_second_segment_first(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    for (uint32_t i = 1; i < 1000; i += 2)
        send_data(&s, ORIG, i * 700, 700);
    for (uint32_t i = 0; i < 1000; i += 2)
        send_data(&s, ORIG, i * 700, 700);
    expect(ORIG, 700000, 0);
    assert_int_equal(health_of(streams).streams_attached, 1);
}

static void test_both_sides_out_of_order_at_once(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_syn(&s, RESP);
    send_data(&s, ORIG, 10, 10);
    send_data(&s, RESP, 30, 10);
    send_data(&s, ORIG, 0, 10);
    expect(ORIG, 20, 0);
    /* ORIG goes on in order while RESP still waits. */
    send_data(&s, ORIG, 20, 10);
    expect(ORIG, 30, 0);
    send_data(&s, RESP, 0, 30);
    expect(RESP, 40, 0);
    assert_int_equal(health_of(streams).streams_attached, 1);
}

static void test_retransmissions_come_once(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_data(&s, ORIG, 0, 100);
    send_data(&s, ORIG, 0, 100);
    send_data(&s, ORIG, 50, 100);
    expect(ORIG, 150, 0);
    send_data(&s, ORIG, 300, 50);
    send_data(&s, ORIG, 300, 50);
    send_data(&s, ORIG, 280, 90); /* larger, around what waits */
    send_data(&s, ORIG, 310, 10);
    send_data(&s, ORIG, 140, 150); /* fills the hole, overlaps on both ends */
    expect(ORIG, 370, 0);
}

/* Overlapping copies that differ: the byte captured first is the one told. */
static void put_letters(uint32_t offset, char letter, uint32_t bytes)
{
    uint8_t letters[64];
    memset(letters, letter, sizeof letters);
    sender_packet(&s, ORIG, 1000 + offset, 0, 0, letters, bytes, bytes);
}

static char collected[128];
static size_t collected_size;

static void collect(void *owner, enum flow_side side, const uint8_t *data, size_t size,
                    struct ptime time)
{
    (void)owner;
    (void)side;
    (void)time;
    memcpy(collected + collected_size, data, size);
    collected_size += size;
    collected[collected_size] = '\0';
}

static void test_the_first_copy_wins(void **state)
{
    (void)state;
    sender_fini(&s);
    streams_free(streams);
    struct stream_events events = {collect, sender_on_gap};
    struct stream_config config = stream_config_default();
    streams = streams_new(&config, &events, NULL);
    assert_non_null(streams);
    sender_init(&s, streams, 1, 1000, 5000);
    collected_size = 0;
    send_syn(&s, ORIG);
    put_letters(4, 'a', 4);  /* ....aaaa             */
    put_letters(2, 'b', 4);  /* ..bbaaaa             */
    put_letters(12, 'c', 2); /* ..bbaaaa....cc       */
    put_letters(6, 'd', 12); /* ..bbaaaaddddccdddd   */
    put_letters(0, 'e', 20); /* eebbaaaaddddccddddee */
    assert_string_equal(collected, "eebbaaaaddddccddddee");
    put_letters(10, 'f', 14); /* only the last four are new */
    assert_string_equal(collected, "eebbaaaaddddccddddeeffff");
}

static void test_an_acknowledged_gap_is_held(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_data(&s, ORIG, 0, 100);
    send_data(&s, ORIG, 200, 100);
    send_ack(&s, RESP, 300);
    expect(ORIG, 100, 0);
    pass_ms(&s, 49);
    send_ack(&s, RESP, 300);
    expect(ORIG, 100, 0);
    pass_ms(&s, 1);
    send_ack(&s, RESP, 300);
    expect(ORIG, 200, 100);
    assert_int_equal(s.last_event.ns, s.now.ns);
    /* Given up is given up. */
    send_data(&s, ORIG, 100, 100);
    expect(ORIG, 200, 100);
    send_data(&s, ORIG, 300, 100);
    expect(ORIG, 300, 100);
    assert_int_equal(health_of(streams).stream_gap_bytes, 100);
}

static void test_data_within_the_hold_fills_the_gap(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_data(&s, ORIG, 200, 100);
    send_ack(&s, RESP, 300);
    pass_ms(&s, 40);
    send_data(&s, ORIG, 0, 200);
    expect(ORIG, 300, 0);
}

static void test_an_ack_before_the_episode_counts(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_ack(&s, RESP, 300); /* seen before the data it acknowledges */
    send_data(&s, ORIG, 200, 100);
    pass_ms(&s, 50);
    send_data(&s, ORIG, 300, 100); /* one-sided from here on */
    expect(ORIG, 200, 200);
}

static void test_no_further_than_acknowledged(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_data(&s, ORIG, 100, 100);
    send_data(&s, ORIG, 300, 100);
    send_ack(&s, RESP, 250); /* into the second hole */
    pass_ms(&s, 50);
    send_ack(&s, RESP, 250);
    expect(ORIG, 100, 150);
    send_data(&s, ORIG, 200, 100); /* its first half is given up, its second not */
    expect(ORIG, 250, 150);
}

static void test_without_ack_a_gap_stays_open(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_data(&s, ORIG, 100, 100);
    for (uint32_t i = 2; i < 100; i++) {
        pass_ms(&s, 1000);
        send_data(&s, ORIG, i * 100, 100);
        send_ack(&s, RESP, 0);
    }
    expect(ORIG, 0, 0);
    send_data(&s, ORIG, 0, 100);
    expect(ORIG, 10000, 0);
}

static void test_a_forged_ack_lasts_until_the_next_honest_one(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_data(&s, ORIG, 100, 100);
    send_ack(&s, RESP, 200000);
    pass_ms(&s, 30);
    send_ack(&s, RESP, 0);
    pass_ms(&s, 30);
    send_ack(&s, RESP, 200000); /* again: the hold begins again */
    expect(ORIG, 0, 0);
    send_ack(&s, RESP, 0);
    send_data(&s, ORIG, 0, 100);
    expect(ORIG, 200, 0);
}

static void test_bare_ack_and_rst_move_nothing(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_data(&s, ORIG, 0, 100);
    static const uint8_t diagnostic[] = "go away";
    sender_packet(&s, ORIG, 1100, TCP_RST, 0, diagnostic, sizeof diagnostic, sizeof diagnostic);
    sender_packet(&s, ORIG, 1500, TCP_RST | TCP_ACK, 9000, NULL, 0, 0);
    sender_packet(&s, ORIG, 4000, TCP_ACK, 9000, NULL, 0, 0);
    send_ack(&s, RESP, 5000);
    pass_ms(&s, 1000);
    send_ack(&s, RESP, 5000);
    stream_finish(s.stream, s.now);
    expect(ORIG, 100, 0);
    expect(RESP, 0, 0);
    send_data(&s, ORIG, 100, 100);
    expect(ORIG, 200, 0);
}

static void test_start_without_handshake(void **state)
{
    (void)state;
    send_data(&s, RESP, 0, 50); /* no SYN, no SYN/ACK, no ACK */
    send_data(&s, ORIG, 0, 50);
    send_data(&s, ORIG, 50, 50);
    expect(ORIG, 100, 0);
    expect(RESP, 50, 0);
}

static void test_start_in_the_middle(void **state)
{
    (void)state;
    s.at[ORIG] = UINT64_C(123456789);
    send_ack(&s, RESP, 123456700);
    send_data(&s, ORIG, 123456789, 100);
    send_data(&s, ORIG, 123456989, 100);
    send_data(&s, ORIG, 123456889, 100);
    send_data(&s, ORIG, 123456689, 100); /* before the start: old */
    expect(ORIG, 300, 0);
}

static void test_fast_open(void **state)
{
    (void)state;
    send_cut(&s, ORIG, 0, 200, 200, TCP_SYN);
    expect(ORIG, 200, 0);
    send_cut(&s, RESP, 0, 100, 100, TCP_SYN | TCP_ACK);
    expect(RESP, 100, 0);
    send_syn(&s, ORIG);          /* retried without data */
    send_data(&s, ORIG, 0, 200); /* refused, so sent again */
    send_data(&s, ORIG, 200, 10);
    expect(ORIG, 210, 0);
}

static void test_the_latest_syn_counts_until_data(void **state)
{
    (void)state;
    sender_packet(&s, ORIG, 77777, TCP_SYN, 0, NULL, 0, 0);
    send_syn(&s, ORIG);
    send_data(&s, ORIG, 0, 10);
    sender_packet(&s, ORIG, 88888, TCP_SYN, 0, NULL, 0, 0);
    send_data(&s, ORIG, 10, 10);
    expect(ORIG, 20, 0);
}

static void test_keepalive_is_old(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_data(&s, ORIG, 0, 10);
    static const uint8_t garbage[1] = {0xee};
    sender_packet(&s, ORIG, 1009, TCP_ACK, 0, garbage, 1, 1);
    sender_packet(&s, ORIG, 1009, TCP_ACK, 0, NULL, 0, 0);
    send_data(&s, ORIG, 10, 10);
    expect(ORIG, 20, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_in_order_is_not_copied),
        T(test_both_sides_in_order),
        T(test_two_segments_swapped),
        T(test_the_packet_that_fills_a_hole_may_be_in_read_only_memory),
        T(test_a_window_backwards),
        T(test_every_second_segment_first),
        T(test_both_sides_out_of_order_at_once),
        T(test_retransmissions_come_once),
        T(test_the_first_copy_wins),
        T(test_an_acknowledged_gap_is_held),
        T(test_data_within_the_hold_fills_the_gap),
        T(test_an_ack_before_the_episode_counts),
        T(test_no_further_than_acknowledged),
        T(test_without_ack_a_gap_stays_open),
        T(test_a_forged_ack_lasts_until_the_next_honest_one),
        T(test_bare_ack_and_rst_move_nothing),
        T(test_start_without_handshake),
        T(test_start_in_the_middle),
        T(test_fast_open),
        T(test_the_latest_syn_counts_until_data),
        T(test_keepalive_is_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
