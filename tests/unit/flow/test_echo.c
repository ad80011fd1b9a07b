/* Which echo payloads are no ordinary ping's, and that the record tells them by side. */
#include "listener.h"

static uint8_t payload[1400];

static struct packet echo(bool reply, uint32_t size, int64_t time_ns)
{
    struct packet p = plain(reply ? 2 : 1, reply ? 1 : 2, PROTO_ICMP, size, time_ns);
    p.src_port = reply ? 0 : 8;
    p.payload = payload;
    p.payload_captured = size;
    return p;
}

/* As Linux does: a time of sixteen bytes, then 0x10, 0x11, … */
static void fill_linux(uint64_t time)
{
    for (unsigned i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)i;
    for (unsigned i = 0; i < 16; i++)
        payload[i] = (uint8_t)(time * 167 >> (i % 8));
}

/* As Windows does: "abcdefghijklmnopqrstuvw", again and again. */
static void fill_windows(void)
{
    for (unsigned i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)('a' + i % 23);
}

static void fill_random(unsigned seed)
{
    uint32_t state = seed * 2654435761u + 1;
    for (unsigned i = 0; i < sizeof payload; i++) {
        state = state * 1664525u + 1013904223u;
        payload[i] = (uint8_t)(state >> 24u);
    }
}

static void exchange(struct listener *l, uint32_t size, int64_t second)
{
    struct packet ask = echo(false, size, second * NS_PER_S);
    struct packet answer = echo(true, size, second * NS_PER_S + 1000);
    feed(l, &ask, NULL);
    feed(l, &answer, NULL);
}

static void end(struct listener *l, uint32_t orig, uint32_t orig_bytes, uint32_t resp)
{
    flow_table_finish(l->table, (struct ptime){1000 * NS_PER_S});
    assert_true(l->count > 0); /* the last one sums up */
    const struct record_flow *last = &l->told[l->count - 1];
    assert_int_equal(last->echo[SIDE_ORIG].payloads, orig);
    assert_int_equal(last->echo[SIDE_ORIG].bytes, orig_bytes);
    assert_int_equal(last->echo[SIDE_RESP].payloads, resp);
    listen_end(l);
}

static void test_pings_are_dull(void **state)
{
    struct listener l;
    (void)state;
    listen_default(&l);
    for (int64_t i = 0; i < 50; i++) {
        fill_linux((uint64_t)i * 12345);
        exchange(&l, 56, i);
        fill_windows();
        exchange(&l, 32, i);
        exchange(&l, 1400, i);
        memset(payload, 0, sizeof payload);
        exchange(&l, (uint32_t)(100 + i), i);
    }
    end(&l, 0, 0, 0);
}

/* One that a tool always fills alike: the first is odd, the rest repeat it, replies too. */
static void test_repetition_is_dull(void **state)
{
    struct listener l;
    (void)state;
    listen_default(&l);
    for (int64_t i = 0; i < 50; i++) {
        fill_random(7);
        payload[0] = (uint8_t)i;
        exchange(&l, 200, i);
    }
    end(&l, 1, 200, 0);
}

/* Requests carry data and replies repeat it; then replies carry other data. */
static void test_data_is_odd(void **state)
{
    struct listener l;
    (void)state;
    listen_default(&l);
    for (int64_t i = 0; i < 10; i++) {
        fill_random((unsigned)i);
        exchange(&l, 300, i);
    }
    for (int64_t i = 10; i < 14; i++) {
        fill_random((unsigned)i);
        struct packet ask = echo(false, 300, i * NS_PER_S);
        feed(&l, &ask, NULL);
        fill_random((unsigned)i + 100);
        struct packet answer = echo(true, 300, i * NS_PER_S + 1000);
        feed(&l, &answer, NULL);
    }
    end(&l, 14, 14 * 300, 4);
}

/* What was cut before the room for a time ends says nothing. */
static void test_what_is_cut_says_nothing(void **state)
{
    struct listener l;
    (void)state;
    listen_default(&l);
    for (int64_t i = 0; i < 10; i++) {
        fill_random((unsigned)i);
        struct packet p = echo(false, 300, i * NS_PER_S);
        p.payload_captured = 24;
        feed(&l, &p, NULL);
        p.payload_captured = 0;
        p.payload = NULL;
        feed(&l, &p, NULL);
    }
    end(&l, 0, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pings_are_dull),
        cmocka_unit_test(test_repetition_is_dull),
        cmocka_unit_test(test_data_is_odd),
        cmocka_unit_test(test_what_is_cut_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
