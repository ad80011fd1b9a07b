/* QUIC flows: packets made by hand after RFC 9000 and 9001, sealed by a cipher of the test's own.
 */
#include "../../../sensor/content/flow_content.h"
#include "conversation.h"
#include "quic_sender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct conversation c;
static struct bytes hello, frames, datagram;

static int set_up(void **state)
{
    (void)state;
    int result = conversation_open(&c);
    begin(&c, PROTO_UDP, 50000, 443);
    return result;
}

static int tear_down(void **state)
{
    (void)state;
    conversation_close(&c);
    return 0;
}

/* A hello of some 600 bytes: with SNI, ALPN "h3", TLS 1.3 alone, one signature algorithm. */
static void make_hello(const char *name)
{
    hello.size = 0;
    put8(&hello, 1);
    size_t message = put_open(&hello, 3);
    put16(&hello, 0x0303);
    for (unsigned i = 0; i < 32; i++)
        put8(&hello, i);
    put8(&hello, 0);
    put16(&hello, 2);
    put16(&hello, 0x1301);
    put16(&hello, 0x0100);
    size_t list = put_open(&hello, 2);
    struct hello_parts parts = {.name = name};
    hello_extension(&hello, 0, &parts);
    put(&hello, "\0\x10\0\5\0\3\2h3", 9);
    put(&hello, "\0\x2b\0\3\2\3\4", 7);
    put(&hello, "\0\x0d\0\4\0\2\4\3", 8);
    put16(&hello, 0x39);
    size_t parameters = put_open(&hello, 2);
    for (unsigned i = 0; i < 500; i++)
        put8(&hello, 'p');
    put_close(&hello, parameters, 2);
    put_close(&hello, list, 2);
    put_close(&hello, message, 3);
}

static const struct initial first = {QUIC_VERSION_1, "8 bytes!", NULL, 0, NULL};

static void send_frames(const struct initial *parts, enum flow_side from)
{
    datagram.size = 0;
    quic_initial(&datagram, parts, &frames);
    say(&c, from, datagram.data, datagram.size);
    frames.size = 0;
}

static void add_piece(size_t from, size_t to)
{
    crypto_frame(&frames, from, hello.data + from, to - from);
}

static void send_whole(const struct initial *parts)
{
    add_piece(0, hello.size);
    send_frames(parts, SIDE_ORIG);
}

static void expect_name(const char *name)
{
    finish(&c);
    assert_int_equal(c.service, SERVICE_QUIC);
    assert_string_equal(c.server_name, name);
    assert_int_equal(c.has_ja3, *name != '\0');
}

static void test_hello(void **state)
{
    (void)state;
    make_hello("www.example.com");
    send_whole(&first);
    finish(&c);
    assert_string_equal(c.log, "name:www.example.com ");
    assert_int_equal(c.service, SERVICE_QUIC);
    assert_string_equal(c.text[TEXT_ALPN], "h3");
    /* sha256 of "1301" and of "000d,002b,0039_0403" */
    assert_string_equal(c.text[TEXT_JA4], "q13d0105h3_0f2cb44170f4_8441ac3ac78e");
    assert_string_equal(c.text[TEXT_APPLICATION], "");
}

static void test_versions(void **state)
{
    (void)state;
    static const uint32_t version[] = {QUIC_VERSION_2, 0xff00001d, 0xff000020, 0xff000022};
    for (size_t i = 0; i < sizeof version / sizeof *version; i++) {
        begin(&c, PROTO_UDP, (uint16_t)(50000 + i), 443);
        const struct initial parts = {version[i], "8 bytes!", NULL, 7, "a token"};
        make_hello("www.example.com");
        send_whole(&parts);
        expect_name("www.example.com");
    }
}

/* In pieces, last first, with PING, PADDING and ACK between them, some twice. */
static void test_pieces(void **state)
{
    (void)state;
    struct initial parts = first;
    make_hello("www.example.com");
    for (size_t from = hello.size - hello.size % 100;; from -= 100) {
        put(&frames, "\1\0\0\2\5\0\1\0\0\0", 10); /* PING, PADDING, ACK of two ranges */
        size_t to = from + 130 < hello.size ? from + 130 : hello.size;
        add_piece(from, to);
        send_frames(&parts, SIDE_ORIG);
        parts.number++;
        assert_string_equal(c.log, from ? "" : "name:www.example.com ");
        if (from == 0)
            break;
    }
    expect_name("www.example.com");
}

/* Three Initials in one datagram, behind a 0-RTT packet. */
static void test_coalesced(void **state)
{
    (void)state;
    struct initial parts = first;
    make_hello("www.example.com");
    datagram.size = 0;
    quic_long_header(&datagram, 0xd0, QUIC_VERSION_1, "8 bytes!", "source");
    put_varint(&datagram, 30);
    for (unsigned i = 0; i < 30; i++)
        put8(&datagram, 'z');
    for (size_t i = 0; i < 3; i++, parts.number++) {
        frames.size = 0;
        add_piece(i * 200, i == 2 ? hello.size : (i + 1) * 200);
        quic_initial(&datagram, &parts, &frames);
    }
    say(&c, SIDE_ORIG, datagram.data, datagram.size);
    expect_name("www.example.com");
}

/* The name is told as soon as it is there, and the fingerprint is not. */
static void test_unfinished(void **state)
{
    (void)state;
    make_hello("www.example.com");
    add_piece(0, 200);
    send_frames(&first, SIDE_ORIG);
    finish(&c);
    assert_string_equal(c.server_name, "www.example.com");
    assert_false(c.has_ja3);
    assert_string_equal(c.text[TEXT_JA4], "");
}

static void test_hole(void **state)
{
    (void)state;
    make_hello("www.example.com");
    add_piece(1, hello.size);
    send_frames(&first, SIDE_ORIG);
    expect_name("");
}

/* After a Retry the client's keys follow from the id that the server chose. */
static void test_retry(void **state)
{
    (void)state;
    make_hello("www.example.com");
    add_piece(0, 50);
    send_frames(&first, SIDE_ORIG);
    datagram.size = 0;
    quic_long_header(&datagram, 0xf0, QUIC_VERSION_1, "source", "chosen");
    put_text(&datagram, "the token and sixteen bytes more");
    say(&c, SIDE_RESP, datagram.data, datagram.size);
    const struct initial again = {QUIC_VERSION_1, "chosen", NULL, 1, "the token"};
    send_whole(&again);
    expect_name("www.example.com");
}

/* The server's id is the destination from its first answer on; the keys stay. */
static void test_servers_id(void **state)
{
    (void)state;
    make_hello("www.example.com");
    add_piece(0, 300);
    send_frames(&first, SIDE_ORIG);
    const struct initial later = {QUIC_VERSION_1, "8 bytes!", "server's", 1, NULL};
    add_piece(300, hello.size);
    send_frames(&later, SIDE_ORIG);
    expect_name("www.example.com");
}

static void test_version_negotiation(void **state)
{
    (void)state;
    const struct initial other = {QUIC_VERSION_2, "another!", NULL, 0, NULL};
    datagram.size = 0;
    quic_long_header(&datagram, 0xc0, 0x1a2a3a4a, "8 bytes!", "source");
    for (unsigned i = 0; i < 1200; i++)
        put8(&datagram, 0);
    say(&c, SIDE_ORIG, datagram.data, datagram.size);
    datagram.size = 0;
    quic_long_header(&datagram, 0x80, 0, "source", "8 bytes!");
    put32(&datagram, 0x0a0a0a0a);
    put32(&datagram, QUIC_VERSION_2);
    say(&c, SIDE_RESP, datagram.data, datagram.size);
    make_hello("www.example.com");
    send_whole(&other);
    expect_name("www.example.com");
}

/* Sealed with the client's keys is all that makes a client, whichever side the table thinks it is.
 */
static void test_other_side(void **state)
{
    (void)state;
    make_hello("www.example.com");
    add_piece(0, hello.size);
    send_frames(&first, SIDE_RESP);
    expect_name("www.example.com");
}

static void test_doq(void **state)
{
    (void)state;
    begin(&c, PROTO_UDP, 50001, 853);
    make_hello("dns.example.net");
    send_whole(&first);
    finish(&c);
    assert_string_equal(c.text[TEXT_APPLICATION], "doq");
}

/* Every bit of the datagram counts: damaged, it is nobody's hello. */
static void test_damage(void **state)
{
    (void)state;
    make_hello("www.example.com");
    add_piece(0, hello.size);
    datagram.size = 0;
    quic_initial(&datagram, &first, &frames);
    for (size_t at = 0; at<datagram.size; at += at> 60 ? 30 : 1) {
        begin(&c, PROTO_UDP, (uint16_t)(40000 + at), 443);
        datagram.data[at] ^= 0x10;
        say(&c, SIDE_ORIG, datagram.data, datagram.size);
        datagram.data[at] ^= 0x10;
    }
    frames.size = 0;
    assert_string_equal(c.log, "");
}

static void test_cut(void **state)
{
    (void)state;
    make_hello("www.example.com");
    add_piece(0, hello.size);
    datagram.size = 0;
    quic_initial(&datagram, &first, &frames);
    frames.size = 0;
    for (size_t size = 0; size < datagram.size; size += 7) {
        begin(&c, PROTO_UDP, (uint16_t)(40000 + size), 443);
        say(&c, SIDE_ORIG, datagram.data, size);
    }
    assert_string_equal(c.log, "");
}

static uint64_t malformed(void)
{
    struct health health = {0};
    content_health(c.content, &health);
    return health.parse_malformed;
}

/* 32 packets without a hello are enough: what comes later is not read. */
static void test_bound(void **state)
{
    (void)state;
    struct initial parts = first;
    make_hello("www.example.com");
    for (; parts.number < 32; parts.number++) {
        assert_int_equal(malformed(), 0);
        add_piece(hello.size - 100 + parts.number, hello.size);
        send_frames(&parts, SIDE_ORIG);
    }
    assert_int_equal(malformed(), 1);
    send_whole(&parts);
    expect_name("");
}

/* Nor does a client hide behind Initials that nobody can open without being counted. */
static void test_bound_of_decoys(void **state)
{
    (void)state;
    struct initial parts = first;
    make_hello("www.example.com");
    for (; parts.number < 32; parts.number++) {
        assert_int_equal(malformed(), 0);
        add_piece(0, 50);
        datagram.size = 0;
        quic_initial(&datagram, &parts, &frames);
        frames.size = 0;
        datagram.data[datagram.size - 1] ^= 1;
        say(&c, SIDE_ORIG, datagram.data, datagram.size);
    }
    assert_int_equal(malformed(), 1);
    send_whole(&parts);
    expect_name("");
}

/* A datagram is one connection's: keys are made for no second one. */
static void test_other_connection_behind(void **state)
{
    (void)state;
    const struct initial other = {QUIC_VERSION_1, "another!", NULL, 0, NULL};
    make_hello("www.example.com");
    add_piece(0, 50);
    datagram.size = 0;
    quic_initial(&datagram, &first, &frames);
    frames.size = 0;
    add_piece(0, hello.size);
    quic_initial(&datagram, &other, &frames);
    say(&c, SIDE_ORIG, datagram.data, datagram.size);
    frames.size = 0;
    expect_name("");
}

/* A flow that made room for others holds nothing; its next datagrams are looked at again. */
static void test_given_up(void **state)
{
    (void)state;
    struct initial parts = first;
    make_hello("www.example.com");
    add_piece(300, hello.size);
    send_frames(&parts, SIDE_ORIG);
    assert_int_equal(c.content->gathered_bytes, 2048);
    for (uint32_t i = 0; i < CONTENT_FLOWS; i++) {
        begin(&c, PROTO_UDP, (uint16_t)(1 + i % 30000), (uint16_t)(50000 + i / 30000));
        c.now.ns -= NS_PER_MS; /* nothing times out */
        packet(&c, SIDE_ORIG, 0, ".", 1, 0);
    }
    assert_int_equal(c.content->gathered_bytes, 0);
    begin(&c, PROTO_UDP, 50000, 443);
    send_whole(&parts);
    assert_string_equal(c.log, "name:www.example.com ");
}

/* Nor is a hello waited for whose last piece never comes; a flow without one is nothing malformed.
 */
static void test_bound_of_datagrams(void **state)
{
    (void)state;
    static const uint8_t rest[] = {0x41, 1, 2, 3, 4, 5};
    make_hello("www.example.com");
    add_piece(0, 30);
    send_frames(&first, SIDE_ORIG);
    for (unsigned i = 1; i < 64; i++) {
        assert_int_equal(malformed(), 0);
        say(&c, SIDE_RESP, rest, sizeof rest);
    }
    assert_int_equal(malformed(), 1);
    begin(&c, PROTO_UDP, 50001, 443);
    datagram.size = 0;
    quic_long_header(&datagram, 0xe0, QUIC_VERSION_1, "8 bytes!", "source");
    put_varint(&datagram, 30);
    put_text(&datagram, "a Handshake packet's 30 bytes.");
    for (unsigned i = 0; i < 100; i++)
        say(&c, SIDE_RESP, datagram.data, datagram.size);
    finish(&c);
    assert_int_equal(malformed(), 1);
    assert_int_equal(c.service, SERVICE_QUIC);
}

/* Pieces that are apart, more than are kept; and one beyond what is kept. */
static void test_too_many_pieces(void **state)
{
    (void)state;
    make_hello("www.example.com");
    for (size_t at = 0; at < 70; at++)
        crypto_frame(&frames, 2 * at + 1, (const uint8_t *)"x", 1);
    send_frames(&first, SIDE_ORIG);
    assert_int_equal(malformed(), 1);
    begin(&c, PROTO_UDP, 50001, 443);
    crypto_frame(&frames, 16383, (const uint8_t *)"xy", 2);
    send_frames(&first, SIDE_ORIG);
    assert_int_equal(malformed(), 2);
    expect_name("");
}

/* What only looks like it at first is inspected like anything else. */
static void test_not_quic(void **state)
{
    (void)state;
    static const char text[] = "\xc0\0\0\0\2 mail to a@example.com please, and to b@example.org";
    say(&c, SIDE_ORIG, text, sizeof text - 1);
    finish(&c);
    assert_int_equal(c.service, SERVICE_NONE);
    assert_int_equal(c.of_class[SIDE_ORIG][CONTENT_EMAIL], 2);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(test_hello),
        WITH(test_versions),
        WITH(test_pieces),
        WITH(test_coalesced),
        WITH(test_unfinished),
        WITH(test_hole),
        WITH(test_retry),
        WITH(test_servers_id),
        WITH(test_version_negotiation),
        WITH(test_other_side),
        WITH(test_doq),
        WITH(test_damage),
        WITH(test_cut),
        WITH(test_bound),
        WITH(test_given_up),
        WITH(test_bound_of_decoys),
        WITH(test_other_connection_behind),
        WITH(test_bound_of_datagrams),
        WITH(test_too_many_pieces),
        WITH(test_not_quic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
