/* Every rule of duplicate.c: what is a copy, and what is as like one as can be and is none. */
#include "listener.h"
#include "weir/flow/duplicate.h"

#define MS INT64_C(1000000)
#define US INT64_C(1000)

static const uint8_t here[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
static const uint8_t there[12] = {2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 4};

static int begin(void **state)
{
    *state = duplicates_new();
    return 0;
}

static int end(void **state)
{
    duplicates_free(*state);
    return 0;
}

static bool ask_at(struct duplicates *d, struct packet packet, int64_t time_ns)
{
    struct duplicate of;
    packet.time.ns = time_ns;
    return duplicates_seen(d, &packet, &of);
}

/* A whole segment of host 1 (`out`) or 2, by IPv4 with that identification, 0: by IPv6. */
static struct packet segment(bool out, uint8_t flags, uint32_t seq, uint32_t payload, uint16_t id)
{
    struct packet p = tcp(out, flags, seq, 7000, payload, 0);
    p.ip_id = id;
    p.ip_version = id ? 4 : 6;
    p.ttl = 64;
    p.macs = here;
    p.checksum = (uint16_t)(seq * 31 + flags);
    return p;
}

static struct packet datagram(unsigned src, const char *text, uint16_t id)
{
    struct packet p = udp(src, 5000, 2, 6000, (uint32_t)strlen(text), 0);
    p.payload = (const uint8_t *)text;
    p.payload_captured = p.payload_bytes;
    p.ip_id = id;
    p.ip_version = id ? 4 : 6;
    p.ttl = 64;
    p.macs = here;
    p.checksum = 77;
    return p;
}

/* A tap that shows every packet twice, seen for some packets. Ends before `time_ns`. */
static void prove(struct duplicates *d, int64_t time_ns)
{
    for (uint16_t i = 0; i < 20; i++) {
        struct packet p = segment(true, TCP_ACK, 100000u + i * 100u, 100, (uint16_t)(900 + i));
        assert_false(ask_at(d, p, time_ns - 200 * MS + i * MS));
        assert_true(ask_at(d, p, time_ns - 200 * MS + i * MS + US));
    }
}

static void test_identification_tells(void **state)
{
    struct packet p = segment(true, TCP_ACK, 1000, 100, 4711);
    assert_false(ask_at(*state, p, SECOND));
    assert_true(ask_at(*state, p, SECOND));
    assert_true(ask_at(*state, p, SECOND + 100 * MS)); /* and each further copy */
    assert_false(ask_at(*state, p, SECOND + 100 * MS + 1));
    p.ip_id++; /* sent again */
    assert_false(ask_at(*state, p, SECOND + 100 * MS + 2));
}

/* Whatever of it is rewritten on the way. */
static void test_rewritten(void **state)
{
    struct packet p = segment(true, TCP_ACK, 1000, 100, 4711), q = p;
    struct duplicate of;
    p.vlan = 10;
    assert_false(ask_at(*state, p, SECOND));
    q.ttl = 63;
    q.macs = there;
    q.vlan = 20;
    q.tenant = 99;
    q.wire_bytes += 50;
    q.time.ns = SECOND + US;
    assert_true(duplicates_seen(*state, &q, &of));
    assert_int_equal(of.first.vlan, 10);
    assert_int_equal(of.first.tenant, 0);
    assert_true(of.sure);
    q.macs = NULL;
    assert_true(ask_at(*state, q, SECOND + 2 * US));
}

/* Whatever of it differs that no switch and no router changes. */
static void test_each_field_counts(void **state)
{
    const struct packet p = segment(true, TCP_ACK, 1000, 100, 4711);
    struct packet q[12];
    for (int i = 0; i < 12; i++)
        q[i] = p;
    q[0].src = host(9);
    q[1].dst = host(9);
    q[2].src_port++;
    q[3].dst_port++;
    q[4].ip_bytes++;
    q[5].seq++;
    q[6].ack++;
    q[7].tcp_flags |= TCP_PSH;
    q[8].window++;
    q[9].checksum++;
    q[10].payload_bytes++;
    q[11].vantage++;
    assert_false(ask_at(*state, p, SECOND));
    for (int i = 0; i < 12; i++)
        assert_false(ask_at(*state, q[i], SECOND + i));
    struct packet turned = p;
    turned.src = p.dst;
    turned.dst = p.src;
    turned.src_port = p.dst_port;
    turned.dst_port = p.src_port;
    assert_false(ask_at(*state, turned, SECOND + 20));
}

/* The datagram's last byte is as good as its first: who keeps the rest alike hides nothing. */
static void test_payload_counts(void **state)
{
    char one[1400], other[1400];
    memset(one, 'x', sizeof one);
    one[sizeof one - 1] = 0;
    memcpy(other, one, sizeof one);
    other[sizeof other - 2] = 'y';
    assert_false(ask_at(*state, datagram(1, one, 5), SECOND));
    assert_false(ask_at(*state, datagram(1, other, 5), SECOND + US));
    assert_true(ask_at(*state, datagram(1, other, 5), SECOND + 2 * US));
    /* Nor who sends a segment's bytes again as others: its checksum is easily made to fit. */
    struct packet p = segment(true, TCP_ACK, 1000, sizeof one, 4711), q = p;
    p.payload = (const uint8_t *)one;
    q.payload = (const uint8_t *)other;
    p.payload_captured = q.payload_captured = sizeof one;
    assert_false(ask_at(*state, p, SECOND));
    assert_false(ask_at(*state, q, SECOND + US));
}

/* A mirror shows a packet a few times. Who sends one thing over and over is counted. */
static void test_flood_of_one_packet(void **state)
{
    struct packet flood = datagram(1, "flood", 4711);
    unsigned counted = 0;
    for (int i = 0; i < 1000; i++)
        counted += !ask_at(*state, flood, SECOND + i * US);
    assert_in_range(counted, 1000 - 8, 1000);
    flood = datagram(1, "flood", 0); /* without one, as if behind a router */
    counted = 0;
    for (int i = 0; i < 1000; i++) {
        flood.ttl = i > 0 ? 63 : 64;
        counted += !ask_at(*state, flood, 2 * SECOND + i * US);
    }
    assert_in_range(counted, 1000 - 8, 1000);
    struct packet ack = segment(false, TCP_ACK, 5000, 0, 0); /* and it says nothing of others */
    assert_false(ask_at(*state, ack, 3 * SECOND));
    assert_false(ask_at(*state, ack, 3 * SECOND + US));
    /* nor takes it from what others prove, but once */
    prove(*state, 4 * SECOND);
    flood = datagram(1, "flood", 4712);
    for (int i = 0; i < 1000; i++)
        ask_at(*state, flood, 4 * SECOND + i * US);
    ack.seq++;
    assert_false(ask_at(*state, ack, 4 * SECOND + 2 * MS));
    assert_true(ask_at(*state, ack, 4 * SECOND + 2 * MS + US));
}

/* Cut, two datagrams may differ in what is not here: only a proven tap's word is taken. */
static void test_cut_datagram(void **state)
{
    struct packet p = datagram(1, "0123456789", 5);
    p.payload_captured = 4;
    assert_false(ask_at(*state, p, SECOND));
    assert_false(ask_at(*state, p, SECOND + US));
    prove(*state, 2 * SECOND);
    assert_false(ask_at(*state, p, 2 * SECOND));
    assert_true(ask_at(*state, p, 2 * SECOND + US));
}

/* A sender that writes one identification into every packet says nothing by it. */
static void test_constant_identification(void **state)
{
    for (uint32_t i = 0; i < 4; i++)
        assert_false(ask_at(*state, segment(true, TCP_ACK, 100 * i, 100, 5), SECOND + i * MS));
    assert_false(ask_at(*state, segment(true, TCP_ACK, 0, 100, 5), SECOND + 20 * MS));
    /* … until it takes another one */
    struct packet p = segment(true, TCP_ACK, 400, 100, 6);
    assert_false(ask_at(*state, p, SECOND + 21 * MS));
    assert_true(ask_at(*state, p, SECOND + 25 * MS));
    p = segment(false, TCP_ACK, 400, 100, 1); /* what packet makers write */
    assert_false(ask_at(*state, p, SECOND + 21 * MS));
    assert_false(ask_at(*state, p, SECOND + 25 * MS));
}

static void test_elsewhere_without_identification(void **state)
{
    struct packet p = segment(true, TCP_ACK, 1000, 100, 0), q = p;
    assert_false(ask_at(*state, p, SECOND));
    q.ttl--;
    assert_true(ask_at(*state, q, SECOND + 20 * MS));
    assert_false(ask_at(*state, q, SECOND + 20 * MS + 1)); /* too late for the first */
    p = datagram(1, "hello", 0);
    q = p;
    q.vlan = 7;
    assert_false(ask_at(*state, p, 2 * SECOND));
    assert_true(ask_at(*state, q, 2 * SECOND + US));
    p = q = segment(true, TCP_ACK, 5000, 0, 0); /* a bare ACK too */
    q.macs = there;
    assert_false(ask_at(*state, p, 3 * SECOND));
    assert_true(ask_at(*state, q, 3 * SECOND + US));
}

/* A router asks in each VLAN, from one address, with equal words. */
static void test_each_link_its_own(void **state)
{
    struct packet p = datagram(1, "query", 0), q;
    const uint8_t all_hosts[16] = {0xff, 2, [15] = 1};
    p.dst = ip_from_v6(all_hosts);
    p.vlan = 10;
    q = p;
    q.vlan = 20;
    assert_false(ask_at(*state, p, SECOND));
    assert_false(ask_at(*state, q, SECOND + US));
    q.ttl--;
    assert_true(ask_at(*state, q, SECOND + 2 * US)); /* within one VLAN it was forwarded */
}

/* Equal in everything, nothing heard of the peer, and no timer is that short. */
static void test_sooner_than_timers(void **state)
{
    struct packet p = segment(true, TCP_ACK, 1000, 100, 0);
    assert_false(ask_at(*state, segment(false, TCP_ACK, 1, 0, 0), SECOND));
    assert_false(ask_at(*state, p, SECOND + US));
    assert_true(ask_at(*state, p, SECOND + US + MS));
    assert_false(ask_at(*state, p, SECOND + US + MS + 1));
    /* a duplicate ACK may have asked for it */
    assert_false(ask_at(*state, segment(false, TCP_ACK, 1, 0, 0), SECOND + 2 * MS));
    assert_false(ask_at(*state, p, SECOND + 2 * MS + US));
}

/* Where the peer is never seen, its acknowledgments may have asked for anything. */
static void test_peer_not_seen(void **state)
{
    struct packet p = segment(true, TCP_ACK, 1000, 100, 0);
    assert_false(ask_at(*state, p, SECOND));
    assert_false(ask_at(*state, p, SECOND + US));
    p = segment(true, TCP_SYN, 5, 0, 0); /* but a SYN is sent again after a second */
    assert_false(ask_at(*state, p, 2 * SECOND));
    assert_true(ask_at(*state, p, 2 * SECOND + 5 * MS));
    assert_false(ask_at(*state, p, 3 * SECOND));
}

/* Duplicate ACKs, RSTs and equal datagrams are events, until the tap has proven to show twice. */
static void test_equal_events(void **state)
{
    struct packet ack = segment(true, TCP_ACK, 1000, 0, 0), rst = ack, dns = datagram(1, "q", 0);
    rst.tcp_flags = TCP_RST;
    assert_false(ask_at(*state, segment(false, TCP_ACK, 1, 0, 0), SECOND));
    for (int i = 0; i < 3; i++) {
        assert_false(ask_at(*state, ack, SECOND + i * US));
        assert_false(ask_at(*state, rst, SECOND + i * US));
        assert_false(ask_at(*state, dns, SECOND + i * US));
    }
    prove(*state, 2 * SECOND);
    for (int i = 0; i < 4; i++) { /* two each: one copy for each packet */
        assert_int_equal(ask_at(*state, ack, 2 * SECOND + i * US), i % 2);
        assert_int_equal(ask_at(*state, rst, 2 * SECOND + i * US), i % 2);
        assert_int_equal(ask_at(*state, dns, 2 * SECOND + i * US), i % 2);
    }
    assert_false(ask_at(*state, dns, 3 * SECOND)); /* copies come a microsecond later here */
    assert_false(ask_at(*state, dns, 3 * SECOND + 4 * US));
}

/* A tap that shows each four times: eight equal ACKs are two. */
static void test_several_copies(void **state)
{
    for (uint32_t i = 0; i < 80; i++) {
        struct packet p = segment(true, TCP_ACK, i / 4 * 100, 100, (uint16_t)(900 + i / 4));
        assert_int_equal(ask_at(*state, p, SECOND + i * US), i % 4 != 0);
    }
    struct packet ack = segment(true, TCP_ACK, 5000, 0, 0);
    for (uint32_t i = 0; i < 8; i++)
        assert_int_equal(ask_at(*state, ack, 2 * SECOND + i * US), i % 4 != 0);
}

/* What it proved it loses again when it shows each packet once. */
static void test_proof_ends(void **state)
{
    prove(*state, SECOND);
    for (uint32_t i = 0; i < 700; i++)
        ask_at(*state, segment(true, TCP_ACK, i * 100, 100, (uint16_t)(2000 + i)), 2 * SECOND);
    struct packet dns = datagram(1, "q", 0);
    assert_false(ask_at(*state, dns, 3 * SECOND));
    assert_false(ask_at(*state, dns, 3 * SECOND + US));
}

/* A genuine retransmission, shown twice as everything is, is counted once more. */
static void test_retransmission_in_proven_tap(void **state)
{
    struct packet p = segment(true, TCP_ACK, 1000, 100, 0);
    prove(*state, SECOND);
    ask_at(*state, segment(false, TCP_ACK, 1, 0, 0), SECOND);
    assert_false(ask_at(*state, p, SECOND + 1 * US));
    assert_true(ask_at(*state, p, SECOND + 2 * US));
    ask_at(*state, segment(false, TCP_ACK, 1, 0, 0), SECOND + 3 * MS);
    assert_false(ask_at(*state, p, SECOND + 3 * MS + US));
    assert_true(ask_at(*state, p, SECOND + 3 * MS + 2 * US));
}

/* In, before and after a fabric's tunnel it is one; wrapped towards the outside it left again. */
static void test_tunnelled(void **state)
{
    const uint8_t outside[4] = {203, 0, 113, 9};
    struct packet p = segment(true, TCP_ACK, 1000, 100, 4711), q = p, r = p;
    q.tunnel.count = r.tunnel.count = 1;
    q.tunnel.orig_ip = r.tunnel.orig_ip = host(50);
    q.tunnel.resp_ip = host(51);
    r.tunnel.resp_ip = ip_from_v4(outside);
    q.tenant = 5;
    assert_false(ask_at(*state, p, SECOND));
    assert_true(ask_at(*state, q, SECOND + US));
    assert_false(ask_at(*state, r, SECOND + 2 * US));
    assert_true(ask_at(*state, r, SECOND + 3 * US)); /* mirrored twice itself */
    assert_true(ask_at(*state, p, SECOND + 4 * US));
}

/* Who wraps his packet before he sends it does not choose the VLAN in which it is counted. */
static void test_wrapped_in_advance(void **state)
{
    struct packet p = segment(true, TCP_ACK, 1000, 100, 4711), wrapped = p;
    wrapped.tunnel.count = 1;
    wrapped.tunnel.orig_ip = host(50);
    wrapped.tunnel.resp_ip = host(51);
    wrapped.vlan = p.vlan = 20;
    assert_false(ask_at(*state, wrapped, SECOND));
    assert_true(ask_at(*state, p, SECOND + US)); /* out of a fabric */
    wrapped.ip_id = ++p.ip_id;
    wrapped.vlan = 99;
    assert_false(ask_at(*state, wrapped, SECOND));
    assert_false(ask_at(*state, p, SECOND + US));
}

/* A fragment alone is the decoder's; what was put together has an identification, in IPv6 too. */
static void test_fragments(void **state)
{
    struct packet p = datagram(1, "piece", 0), q;
    p.fragment = true;
    p.frames = 1;
    assert_false(ask_at(*state, p, SECOND));
    assert_false(ask_at(*state, p, SECOND));
    p.frames = 2;
    p.ip_id = 70000;
    q = p;
    q.vlan = 9;
    assert_false(ask_at(*state, p, SECOND));
    assert_true(ask_at(*state, q, SECOND + 50 * MS));
    q.ip_id++;
    assert_false(ask_at(*state, q, SECOND + 50 * MS));
}

/* Of several taps merged, the later may come first; time stamps at the ends of time are no trap. */
static void test_times(void **state)
{
    struct packet p = segment(true, TCP_ACK, 1000, 100, 4711);
    assert_false(ask_at(*state, p, SECOND));
    assert_true(ask_at(*state, p, SECOND - 50 * MS));
    assert_false(ask_at(*state, p, SECOND - 101 * MS));
    p.ip_id = p.src_port = 4712;
    assert_false(ask_at(*state, p, INT64_MAX));
    assert_false(ask_at(*state, p, INT64_MIN));
    p.ip_id = p.src_port = 4713;
    assert_false(ask_at(*state, p, INT64_MAX - 1));
    assert_true(ask_at(*state, p, INT64_MAX));
}

/* More packets than are kept: copies that come at once are known, what was pushed out is counted
 * where there are copies. */
static void test_bound(void **state)
{
    struct health health = {0};
    for (uint32_t i = 0; i < 4 * DUPLICATES_KEPT; i++) {
        struct packet p = segment(true, TCP_ACK, i * 100, 100, (uint16_t)(i | 2));
        assert_false(ask_at(*state, p, SECOND));
    }
    duplicates_health(*state, &health);
    assert_int_equal(health.duplicates_forgotten, 0);
    for (uint32_t i = 0; i < 4 * DUPLICATES_KEPT; i++) {
        struct packet p = segment(false, TCP_ACK, i * 100, 100, (uint16_t)(i | 2));
        assert_false(ask_at(*state, p, SECOND));
        assert_true(ask_at(*state, p, SECOND));
    }
    duplicates_health(*state, &health);
    assert_true(health.duplicates_forgotten > 3 * DUPLICATES_KEPT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_identification_tells),
        TEST(test_rewritten),
        TEST(test_each_field_counts),
        TEST(test_payload_counts),
        TEST(test_flood_of_one_packet),
        TEST(test_cut_datagram),
        TEST(test_constant_identification),
        TEST(test_elsewhere_without_identification),
        TEST(test_each_link_its_own),
        TEST(test_sooner_than_timers),
        TEST(test_peer_not_seen),
        TEST(test_equal_events),
        TEST(test_several_copies),
        TEST(test_proof_ends),
        TEST(test_retransmission_in_proven_tap),
        TEST(test_tunnelled),
        TEST(test_wrapped_in_advance),
        TEST(test_fragments),
        TEST(test_times),
        TEST(test_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
