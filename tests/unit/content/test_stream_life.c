/* A stream's ends and bounds: FIN, finish, what the snap length cut, stop, swapped sides, forged
 * numbers, and the life of streams themselves. */
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

static void test_fin_tells_a_lost_tail_at_the_end(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_syn(&s, RESP);
    send_data(&s, ORIG, 0, 10);
    send_data(&s, RESP, 0, 10);
    send_fin(&s, ORIG, 35);
    send_fin(&s, RESP, 10);
    send_ack(&s, RESP, 36); /* acknowledges the FIN too: no byte of the stream */
    send_ack(&s, ORIG, 11);
    pass_ms(&s, 100);
    send_ack(&s, RESP, 36);
    expect(ORIG, 10, 0);
    stream_finish(s.stream, s.now);
    expect(ORIG, 10, 25);
    expect(RESP, 10, 0);
    stream_finish(s.stream, s.now);
    expect(ORIG, 10, 25);
}

static void test_fin_ends_nothing(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_cut(&s, ORIG, 20, 10, 10, TCP_FIN); /* with data, and early */
    send_data(&s, ORIG, 0, 20);
    expect(ORIG, 30, 0);
    send_data(&s, ORIG, 30, 10); /* beyond it */
    expect(ORIG, 40, 0);
    stream_finish(s.stream, s.now);
    expect(ORIG, 40, 0);
}

static void test_finish_tells_all_that_waits(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_syn(&s, RESP);
    send_data(&s, ORIG, 10, 10);
    send_data(&s, ORIG, 30, 10);
    send_data(&s, RESP, 5, 5);
    struct ptime end = {s.now.ns + NS_PER_HOUR};
    stream_finish(s.stream, end);
    expect(ORIG, 20, 20);
    expect(RESP, 5, 5);
    assert_int_equal(s.last_event.ns, end.ns);
    assert_int_equal(health_of(streams).stream_gap_bytes, 25);
    assert_int_equal(health_of(streams).stream_budget, 0);
}

static void test_the_cut_rest_is_a_gap_in_its_turn(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_cut(&s, ORIG, 0, 1460, 42, 0);
    expect(ORIG, 42, 1418);
    send_cut(&s, ORIG, 2920, 1460, 42, 0);
    send_cut(&s, ORIG, 4380, 1460, 0, 0); /* nothing captured of it */
    send_cut(&s, ORIG, 5840, 1460, 42, 0);
    expect(ORIG, 42, 1418);
    send_cut(&s, ORIG, 1460, 1460, 42, 0);
    expect(ORIG, 4 * 42, 5 * 1460 - 4 * 42);
    send_data(&s, ORIG, 7300, 10);
    expect(ORIG, 4 * 42 + 10, 5 * 1460 - 4 * 42);
    assert_int_equal(health_of(streams).streams_attached, 1);
}

static void test_a_captured_length_beyond_the_packet_is_not_believed(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_cut(&s, ORIG, 0, 4000000000u, 100, 0); /* bytes is a lie: as long as captured */
    expect(ORIG, 100, 0);
    send_cut(&s, ORIG, 100, 10, 50, 0); /* captured more than it is long: padding counts as sent */
    expect(ORIG, 150, 0);
}

static void test_stop_inside_a_callback(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_syn(&s, RESP);
    s.stop_side = ORIG;
    s.stop_after = 20;
    for (uint32_t i = 1; i < 10; i++)
        send_data(&s, ORIG, i * 10, 10);
    send_data(&s, RESP, 10, 10);
    send_data(&s, ORIG, 0, 10); /* drains nine; the second callback stops */
    expect(ORIG, 20, 0);
    send_data(&s, ORIG, 100, 10);
    send_data(&s, ORIG, 300, 10);
    expect(ORIG, 20, 0);
    send_data(&s, RESP, 0, 10); /* the other side goes on */
    expect(RESP, 20, 0);
    stream_finish(s.stream, s.now);
    expect(ORIG, 20, 0);
    assert_int_equal(health_of(streams).streams_attached, 1);
}

static void test_stop_inside_a_callback_in_order(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    s.stop_side = ORIG;
    s.stop_after = 5;
    send_data(&s, ORIG, 50, 10);
    send_data(&s, ORIG, 0, 40); /* straight from the packet, while another waits */
    send_data(&s, ORIG, 40, 10);
    expect(ORIG, 40, 0);
    sender_fini(&s);
    sender_init(&s, streams, 8, 1000, 5000);
    s.stop_side = ORIG;
    s.stop_after = 5;
    send_data(&s, ORIG, 0, 10);
    send_data(&s, ORIG, 10, 10);
    expect(ORIG, 10, 0);
}

static void test_stop_from_outside(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_data(&s, ORIG, 50, 10);
    stream_stop(s.stream, ORIG);
    send_data(&s, ORIG, 0, 50);
    stream_finish(s.stream, s.now);
    expect(ORIG, 0, 0);
    send_data(&s, RESP, 0, 50);
    send_data(&s, RESP, 60, 50);
    expect(RESP, 50, 0);
    stream_stop(s.stream, RESP);
    stream_finish(s.stream, s.now);
    expect(RESP, 50, 0);
    assert_int_equal(health_of(streams).stream_gap_bytes, 0);
}

static void test_sides_swapped_in_an_episode(void **state)
{
    (void)state;
    send_data(&s, ORIG, 0, 10);
    send_data(&s, ORIG, 20, 10);
    send_data(&s, RESP, 0, 10);
    send_data(&s, RESP, 40, 10);
    stream_swap_sides(s.stream);
    /* What was ORIG's is now told as RESP's: swap the consumer's knowledge too. */
    struct sender old = s;
    s.isn[ORIG] = old.isn[RESP];
    s.isn[RESP] = old.isn[ORIG];
    for (uint32_t i = 10; i < 20; i++) {
        uint8_t byte = (uint8_t)i;
        sender_packet(&s, RESP, s.isn[RESP] + i, 0, 0, &byte, 1, 1);
    }
    assert_int_equal(s.data[RESP], 10 + 10 + 10);
    uint8_t hole[30] = {0};
    sender_packet(&s, ORIG, s.isn[ORIG] + 10, 0, 0, hole, 30, 30);
    assert_int_equal(s.data[ORIG], 10 + 30 + 10);
    assert_int_equal(s.gap[ORIG] + s.gap[RESP], 0);
    assert_int_equal(health_of(streams).streams_attached, 1);
}

static void test_one_forged_number_moves_nothing(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_data(&s, ORIG, 0, 10);
    send_data(&s, ORIG, UINT64_C(2000000000), 10);
    send_data(&s, ORIG, UINT64_C(2000000000), 10); /* mirrored twice */
    send_data(&s, ORIG, 10, 10);
    send_data(&s, ORIG, UINT64_C(2000000010), 10);
    send_data(&s, ORIG, 20, 10);
    stream_finish(s.stream, s.now);
    expect(ORIG, 30, 0);
}

static void test_a_long_blindness_is_a_gap(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_data(&s, ORIG, 0, 10);
    uint64_t back = UINT64_C(3000000000);
    send_data(&s, ORIG, back, 100);
    expect(ORIG, 10, 0);
    send_data(&s, ORIG, back + 100, 100);
    send_data(&s, ORIG, back + 200, 100);
    expect(ORIG, 210, back + 100 - 10);
}

/* The edge of the window: what waited there reaches into the segments taken for strays. */
static void test_strays_that_overlap_what_waits_are_no_blindness(void **state)
{
    (void)state;
    const uint64_t edge = (UINT64_C(1) << 30) - (UINT64_C(1) << 20);
    send_syn(&s, ORIG);
    send_data(&s, ORIG, 0, 10);
    send_data(&s, ORIG, 10 + edge, 1000);
    send_data(&s, ORIG, 10 + edge + 500, 100);
    expect(ORIG, 10, 0);
    send_data(&s, ORIG, 10 + edge + 600, 500);
    expect(ORIG, 10 + 1100, edge);
}

static void test_streams_are_one_a_process(void **state)
{
    (void)state;
    struct stream_config config = stream_config_default();
    struct error error = {0};
    assert_null(streams_new(&config, &sender_events, &error));
    assert_int_equal(error.code, ERROR_RUN);
    config.max_attached = 0;
    struct error usage = {0};
    assert_null(streams_new(&config, &sender_events, &usage));
    assert_int_equal(usage.code, ERROR_USAGE);
    /* What is queued at the end is dropped, and the next may open. */
    send_syn(&s, ORIG);
    send_data(&s, ORIG, 100, 100);
    sender_fini(&s);
    streams_free(streams);
    streams = open_streams(3, 0);
    assert_non_null(streams);
    sender_init(&s, streams, 9, 1, 2);
    send_data(&s, ORIG, 0, 1);
    send_data(&s, ORIG, 2, 1);
    send_data(&s, ORIG, 1, 1);
    expect(ORIG, 3, 0);
}

static void test_a_stream_freed_in_an_episode_forgets_it(void **state)
{
    (void)state;
    send_syn(&s, ORIG);
    send_data(&s, ORIG, 100, 100);
    stream_free(s.stream); /* in an episode */
    s.stream = stream_new(streams, &s);
    send_data(&s, ORIG, 0, 100);
    expect(ORIG, 100, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_fin_tells_a_lost_tail_at_the_end),
        T(test_fin_ends_nothing),
        T(test_finish_tells_all_that_waits),
        T(test_the_cut_rest_is_a_gap_in_its_turn),
        T(test_a_captured_length_beyond_the_packet_is_not_believed),
        T(test_stop_inside_a_callback),
        T(test_stop_inside_a_callback_in_order),
        T(test_stop_from_outside),
        T(test_sides_swapped_in_an_episode),
        T(test_one_forged_number_moves_nothing),
        T(test_a_long_blindness_is_a_gap),
        T(test_strays_that_overlap_what_waits_are_no_blindness),
        T(test_streams_are_one_a_process),
        T(test_a_stream_freed_in_an_episode_forgets_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
