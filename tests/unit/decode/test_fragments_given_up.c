/* Datagrams that are never whole: what is told of them, when, and which are given up at a bound. */
#include "fragment_feed.h"

#define SIZE 1000u
#define WAIT (30 * NS_PER_S)

static uint8_t udp[SIZE], tcp[SIZE];

/* Three parts: 400, 400, 200 bytes; those whose bit is set are seen. */
static void feed_parts(struct feed *f, uint8_t proto, unsigned id, unsigned parts)
{
    for (unsigned which = 0; which < 3; which++) {
        if (parts & (1u << which))
            feed4(f, proto, id, proto == PROTO_TCP ? tcp : udp, which * 400, which == 2 ? 200 : 400,
                  which != 2);
    }
}

static void test_lost_parts(void **state)
{
    (void)state;
    static const struct {
        unsigned parts;
        uint32_t bytes, there; /* of UDP; there are no bytes of the front, where it is 0 */
        uint32_t stream;       /* of TCP */
    } cases[] = {{1, 400 - 8, 400 - 8, 400 - 20},
                 {3, 800 - 8, 800 - 8, 800 - 20},
                 {5, 600 - 8, 400 - 8, 600 - 20},
                 {2, 400, 0, 400},
                 {4, 200, 0, 200},
                 {6, 600, 0, 600}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int turn = 0; turn < 2; turn++) {
            struct feed f;
            bool front = cases[i].parts & 1;
            uint8_t proto = turn ? PROTO_TCP : PROTO_UDP;
            feed_init(&f);
            feed_parts(&f, proto, 7, cases[i].parts);
            feed_due(&f, f.now_ns + WAIT);
            const struct packet *p = &f.packet;
            assert_int_equal(f.told, 1);
            assert_int_equal(p->reassembly, REASSEMBLY_GIVEN_UP);
            assert_true(p->fragment);
            assert_int_equal(p->later_fragment, !front);
            assert_int_equal(p->src_port, front ? turn ? 40000 : 1000 : 0);
            assert_int_equal(p->frames, __builtin_popcount(cases[i].parts));
            assert_int_equal(p->payload_bytes, turn ? cases[i].stream : cases[i].bytes);
            assert_int_equal(p->payload_captured,
                             front && turn ? cases[i].there - 12 : cases[i].there);
            if (!turn) {
                assert_memory_equal(f.payload, udp + 8, cases[i].there);
            }
            feed_fini(&f);
        }
    }
}

/* Its wait begins with the first fragment, whichever it is, and no other prolongs it. */
static void test_exact_time(void **state)
{
    (void)state;
    struct feed f;
    feed_init(&f);
    feed_parts(&f, PROTO_UDP, 7, 1);
    int64_t first_ns = f.now_ns;
    f.now_ns += 10 * NS_PER_S;
    feed_parts(&f, PROTO_UDP, 7, 2);
    int64_t last_ns = f.now_ns;
    feed_due(&f, first_ns + WAIT - 1);
    assert_int_equal(f.given_up, 0);
    feed_due(&f, first_ns + WAIT);
    assert_int_equal(f.given_up, 1);
    assert_int_equal(f.due_ns, first_ns + WAIT);
    assert_int_equal(f.packet.time.ns, last_ns);
    assert_int_equal(f.packet.spread_ns, last_ns - first_ns);
    feed_fini(&f);

    feed_init(&f); /* just in time, and just not */
    feed_parts(&f, PROTO_UDP, 7, 3);
    f.now_ns = NS_PER_S + MS + WAIT - MS - 1;
    feed_parts(&f, PROTO_UDP, 7, 4);
    assert_int_equal(f.result, DECODE_OK);
    feed_parts(&f, PROTO_UDP, 8, 3);
    f.now_ns += WAIT - 2 * MS;
    feed_parts(&f, PROTO_UDP, 8, 4);
    assert_int_equal(f.result, DECODE_HELD);
    assert_int_equal(f.given_up, 1);
    feed_fini(&f);
    assert_int_equal(f.given_up, 2);
}

static void test_time_that_goes_back(void **state)
{
    (void)state;
    struct feed f;
    feed_init(&f);
    f.now_ns = 100 * NS_PER_S;
    feed_parts(&f, PROTO_UDP, 7, 1);
    f.now_ns = 40 * NS_PER_S; /* a minute late: it waits from now on, the clock never goes back */
    feed_parts(&f, PROTO_UDP, 8, 1);
    feed_due(&f, 100 * NS_PER_S);
    assert_int_equal(f.given_up, 0);
    f.now_ns = 41 * NS_PER_S;
    feed_parts(&f, PROTO_UDP, 7, 6);
    assert_int_equal(f.result, DECODE_OK);
    assert_int_equal(f.packet.time.ns, 100 * NS_PER_S + MS);
    assert_int_equal(f.packet.spread_ns, 59 * NS_PER_S);
    feed_fini(&f);
}

static void test_order_of_times(void **state)
{
    (void)state;
    struct feed f;
    feed_init(&f);
    for (unsigned id = 0; id < 8; id++)
        feed_parts(&f, PROTO_UDP, id, 1);
    feed_due(&f, INT64_MAX - 1);
    assert_int_equal(f.given_up, 8);
    for (unsigned id = 0; id < 8; id++)
        assert_int_equal(f.kept[id].ip_id, id);
    feed_fini(&f);
}

/* --- bounds ---------------------------------------------------------------------------------- */

static void put_pair(struct made *m, unsigned pair, unsigned id, uint32_t offset, uint32_t size)
{
    static uint8_t bytes[65536];
    put_part4(m, PROTO_UDP, id, bytes, offset, size, true);
    m->data[m->size - size - 3] = (uint8_t)(pair >> 8); /* of the destination */
    m->data[m->size - size - 2] = (uint8_t)pair;
}

static void test_bound_of_a_pair(void **state)
{
    (void)state;
    struct feed f;
    feed_init(&f);
    struct made m = {.size = 0};
    put_pair(&m, 1, 9999, 0, 64);
    feed_frame(&f, &m, RAW_IP); /* another pair's, the oldest of all */
    for (unsigned id = 0; id < 100; id++) {
        m.size = 0;
        put_pair(&m, 2, id, 0, 64);
        feed_frame(&f, &m, RAW_IP);
    }
    feed_due(&f, f.now_ns);
    assert_int_equal(f.given_up, 100 - 64);
    for (unsigned id = 0; id < 8; id++) {
        assert_int_equal(f.kept[id].ip_id, id);
        assert_int_equal(f.kept[id].reassembly, REASSEMBLY_GIVEN_UP | REASSEMBLY_EVICTED);
    }
    feed_fini(&f);
    assert_int_equal(f.given_up, 101);
}

static void test_bound_of_datagrams(void **state)
{
    (void)state;
    struct feed f;
    feed_init(&f);
    for (unsigned i = 0; i < 5000; i++) {
        struct made m = {.size = 0};
        f.now_ns += NS_PER_US;
        put_pair(&m, i, i, 0, 64);
        assert_int_equal(feed_frame(&f, &m, RAW_IP), DECODE_HELD);
    }
    assert_int_equal(f.given_up, 5000 - 4096);
    assert_int_equal(f.kept[0].ip_id, 0);
    assert_true(f.kept[0].reassembly & REASSEMBLY_EVICTED);
    feed_fini(&f);
    assert_int_equal(f.given_up, 5000);
}

/* 16 MiB of memory: a fragment at each end of 64 KiB takes two of 8,192 chunks of 2 KiB. */
static void test_bound_of_bytes(void **state)
{
    (void)state;
    struct feed f;
    feed_init(&f);
    for (unsigned i = 0; i < 600; i++) {
        for (uint32_t at = 0; at < 65528; at += 2048) {
            struct made m = {.size = 0};
            f.now_ns += NS_PER_US;
            put_pair(&m, i, i, at, 8);
            assert_int_equal(feed_frame(&f, &m, RAW_IP), DECODE_HELD);
        }
    }
    assert_true(f.given_up >= 600 - 256 && f.given_up <= 600 - 254);
    assert_int_equal(f.kept[0].frames, 32);
    feed_fini(&f);
    assert_int_equal(f.given_up, 600);
}

/* Nobody asks what is due: fragments that find no room are told alone, as they are. */
static void test_nobody_asks(void **state)
{
    (void)state;
    struct feed f;
    struct packet alone = {.frames = 0};
    uint32_t held = 0, ok = 0;
    feed_init(&f);
    for (unsigned i = 0; i < 5000; i++) {
        struct made m = {.size = 0};
        put_pair(&m, i, i, 0, 64);
        struct packet_raw raw = {m.data, m.size, m.size, RAW_IP, {NS_PER_S}};
        struct packet packet;
        enum decode_result result = decode_packet(f.decoder, &raw, &packet);
        held += result == DECODE_HELD;
        ok += result == DECODE_OK;
        if (result == DECODE_OK)
            alone = packet;
    }
    assert_int_equal(held, 4096);
    assert_int_equal(ok, 5000 - 4096);
    assert_int_equal(alone.reassembly, REASSEMBLY_FRAGMENT | REASSEMBLY_EVICTED);
    assert_true(alone.fragment && !alone.later_fragment);
    assert_int_equal(alone.payload_bytes, 64 - 8);
    decoder_free(f.decoder);
}

/* One fragment again and again, each time too late to be a copy: its frames are told in time. */
static void test_endless_repetition(void **state)
{
    (void)state;
    struct feed f;
    static uint8_t bytes[3000];
    feed_init(&f);
    for (unsigned i = 0; i < 2500; i++) {
        struct made m = {.size = 0};
        put_part4(&m, PROTO_UDP, 7, bytes, 0, 2000, true);
        f.now_ns += 101 * MS / 10;
        struct packet_raw raw = {m.data, m.size, 1 << 20, RAW_IP, {f.now_ns}};
        feed_due(&f, f.now_ns);
        f.result = decode_packet(f.decoder, &raw, &f.packet);
        if (f.result == DECODE_COPY)
            f.copies_wire += 1 << 20;
        f.fed_wire += 1 << 20;
    }
    feed_fini(&f);
}

static int make_datagrams(void **state)
{
    (void)state;
    datagram_make(udp, SIZE, PROTO_UDP, 0);
    datagram_make(tcp, SIZE, PROTO_TCP, 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lost_parts),          cmocka_unit_test(test_exact_time),
        cmocka_unit_test(test_time_that_goes_back), cmocka_unit_test(test_order_of_times),
        cmocka_unit_test(test_bound_of_a_pair),     cmocka_unit_test(test_bound_of_datagrams),
        cmocka_unit_test(test_bound_of_bytes),      cmocka_unit_test(test_nobody_asks),
        cmocka_unit_test(test_endless_repetition),
    };
    return cmocka_run_group_tests(tests, make_datagrams, NULL);
}
