/* Sides that are TLS, that were, and that only begin so: what is held to the record layer, and what
 * is looked at because it is none. Expectations by hand, after RFC 8446 5.1. */
#include "bytes.h"
#include "conversation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ORIG        SIDE_ORIG
#define RESP        SIDE_RESP
#define MAIL        " mallory@example.com "
#define TEXT(bytes) bytes, sizeof bytes - 1

static struct conversation c;
static struct bytes client, server;

static int setup(void **state)
{
    (void)state;
    return conversation_open(&c);
}

static int teardown(void **state)
{
    (void)state;
    conversation_close(&c);
    return 0;
}

static struct health counted(void)
{
    struct health health = {0};
    content_health(c.content, &health);
    return health;
}

static void make_hello(void)
{
    client.size = 0;
    plain_hello(&client, "www.example");
}

/* Whole handshakes of both sides, and nothing behind them. */
static void make_sides(void)
{
    make_hello();
    client_finished(&client);
    server.size = 0;
    server_flight(&server);
}

static void forget(void)
{
    c.hash_count = c.items[ORIG] = c.items[RESP] = c.log_size = 0;
}

static void again(void)
{
    static uint16_t port = 30000;
    forget();
    handshake(&c, port++, 443);
}

static void say_bytes(enum flow_side from, const struct bytes *b)
{
    say(&c, from, b->data, b->size);
}

/* A record of `bytes` in all, which look like nothing. */
static void say_sealed(enum flow_side from, size_t bytes)
{
    uint8_t record[1400] = {0x17, 3, 3, (uint8_t)((bytes - 5) >> 8), (uint8_t)(bytes - 5)};
    uint64_t seed = bytes;
    for (size_t i = 5; i < bytes; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        record[i] = (uint8_t)(seed >> 56) | 0x80;
    }
    say(&c, from, record, bytes);
}

static void expect(enum service service, size_t found)
{
    finish(&c);
    assert_int_equal(c.service, service);
    assert_int_equal(c.hash_count, found);
}

/* --- TLS ---------------------------------------------------------------------------------------
 */

/* Every kind of record, empty ones too. */
static void add_records(struct bytes *b)
{
    sealed_record(b, TEXT(MAIL));
    put(b, TEXT("\x15\3\3\0\x15" MAIL)); /* an alert */
    sealed_record(b, NULL, 0);
    put(b, TEXT("\x18\3\3\0\x15" MAIL)); /* a heartbeat */
    put(b, TEXT("\x16\3\1\0\x15" MAIL)); /* a handshake */
    sealed_record(b, NULL, 0);
    sealed_record(b, TEXT(MAIL));
}

static void test_tls_in_pieces(void **state)
{
    (void)state;
    make_sides();
    add_records(&client);
    add_records(&server);
    for (size_t most = 1; most < client.size; most++) {
        again();
        say_cut(&c, ORIG, client.data, client.size, most);
        say_cut(&c, RESP, server.data, server.size, most);
        expect(SERVICE_TLS, 0);
        assert_string_equal(c.server_name, "www.example");
    }
    assert_int_equal(counted().parse_malformed, 0);
    assert_int_equal(counted().content_let_go, 0);
}

/* Cut in two at every byte, and clear text behind it all: one side is held as long as the other is
 * not certain. */
static void test_text_behind_tls(void **state)
{
    (void)state;
    make_sides();
    add_records(&client);
    put_text(&client, MAIL);
    for (size_t first = 1; first < client.size; first++) {
        again();
        say(&c, ORIG, client.data, first);
        say(&c, ORIG, client.data + first, client.size - first);
        say_bytes(RESP, &server);
        expect(SERVICE_TLS, 1);
        assert_int_equal(counted().parse_malformed, first);
    }
}

/* Both sides had as many records as a handshake has: nothing of them is asked for any more. */
static void test_let_go_when_certain(void **state)
{
    (void)state;
    make_sides();
    again();
    say_bytes(ORIG, &client);
    say_bytes(RESP, &server);
    lose(&c, ORIG, 5000);
    say_text(&c, ORIG, MAIL);
    expect(SERVICE_TLS, 0);
    assert_int_equal(counted().stream_gap_bytes, 0);
}

/* Empty records cost a sender five bytes: they make nothing certain. */
static void test_empty_records(void **state)
{
    (void)state;
    make_sides();
    again();
    make_hello();
    for (unsigned i = 0; i < 100; i++)
        sealed_record(&client, NULL, 0);
    say_bytes(ORIG, &client);
    say_bytes(RESP, &server);
    say_text(&c, ORIG, MAIL);
    expect(SERVICE_TLS, 1);
}

/* --- what only begins so -----------------------------------------------------------------------
 */

/* What is found behind a prefix, however it is cut; the service is not told when no hello was. */
static void expect_found(const void *prefix, size_t size, enum service service)
{
    static struct bytes all;
    all.size = 0;
    put(&all, prefix, size);
    put_text(&all, MAIL);
    for (size_t most = 1; most <= all.size; most++) {
        again();
        say_cut(&c, ORIG, all.data, all.size, most);
        expect(service, 1);
        again(); /* the other side says so, too */
        say_cut(&c, RESP, prefix, size, most);
        say_cut(&c, ORIG, all.data, all.size, most);
        expect(service, 1);
    }
}

static void test_prefixes(void **state)
{
    (void)state;
    expect_found(TEXT("\x17\3\3\0\2xx"), SERVICE_NONE);
    expect_found(TEXT("\x17\3\3\0\1x\x17\3\3\0\1x\x17\3\3\0\1x\x17\3\3\0\1x"), SERVICE_NONE);
    expect_found(TEXT("\x16\3\3\0\2xx\x14\3\5"), SERVICE_NONE); /* no such version */
    expect_found(TEXT("\x16\3\3\0\5\2\0\0\1\0"), SERVICE_NONE); /* a ServerHello of one byte */
    expect_found(TEXT("\x16\3\1\0\5\1\0\0\1\0"), SERVICE_NONE);
    make_hello();
    expect_found(client.data, client.size, SERVICE_TLS);
}

/* One record's header in front of all there is, or what claims to be a hello of that size. */
static void test_text_in_a_record(void **state)
{
    (void)state;
    expect_found(TEXT("\x17\3\3\x3f\xff"), SERVICE_TLS);
    expect_found(TEXT("\x16\3\3\x3f\xff"), SERVICE_TLS);
    expect_found(TEXT("\x16\3\1\x3f\xff\1\0\x3f\xfb\3\3"), SERVICE_TLS);
    expect_found(TEXT("\x16\3\3\x3f\xff\2\0\x3f\xfb\3\3"), SERVICE_TLS);
}

/* Text in well-formed records goes on being looked at, when no hello came first. */
static void test_text_in_records(void **state)
{
    (void)state;
    char text[1000];
    struct bytes *b = calloc(1, sizeof *b);
    memset(text, 'a', sizeof text);
    again();
    for (unsigned i = 0; i < 100; i++) {
        b->size = 0;
        sealed_record(b, text, sizeof text);
        say_bytes(ORIG, b);
    }
    b->size = 0;
    sealed_record(b, TEXT(MAIL));
    say_bytes(ORIG, b);
    free(b);
    expect(SERVICE_TLS, 1);
}

/* Text is looked at to its own bounds, not to what the records left. */
static void test_much_text(void **state)
{
    (void)state;
    char text[1001];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    make_hello();
    again();
    say_bytes(ORIG, &client);
    for (unsigned i = 0; i < 50; i++)
        say_sealed(ORIG, 1200);
    for (unsigned i = 0; i < 150; i++)
        say_text(&c, ORIG, text);
    say_text(&c, ORIG, MAIL);
    expect(SERVICE_TLS, 1);
    assert_int_equal(counted().content_let_go, 0);
}

/* --- met on the way, and with bytes missing ----------------------------------------------------
 */

static void test_midstream(void **state)
{
    (void)state;
    begin(&c, PROTO_TCP, 40000, 443);
    for (unsigned i = 0; i < 100; i++) {
        say_sealed(ORIG, 1300);
        say_sealed(RESP, 1300);
    }
    expect(SERVICE_TLS, 0);
    assert_int_equal(counted().parse_malformed, 0);
    assert_int_equal(counted().content_let_go, 0); /* it is TLS, as far as it was seen */
}

/* Missing bytes that are one record's own leave the place of the next one known. */
static void test_gap_in_a_record(void **state)
{
    (void)state;
    for (uint32_t lost = 1; lost <= 16; lost++) {
        uint64_t before = counted().parse_malformed;
        again();
        make_hello();
        sealed_record(&client, TEXT(MAIL));
        say(&c, ORIG, client.data, client.size - 16);
        lose(&c, ORIG, lost);
        say(&c, ORIG, client.data + client.size - 16 + lost, 16 - lost);
        say(&c, ORIG, TEXT("\x17\3\3\0\x15" MAIL));
        assert_int_equal(counted().parse_malformed, before);
        say_text(&c, ORIG, MAIL);
        expect(SERVICE_TLS, 1);
        assert_int_equal(counted().parse_malformed, before + 1);
    }
}

/* In a hello: the rest of its record is skipped all the same. */
static void test_gap_in_a_hello(void **state)
{
    (void)state;
    make_hello();
    for (size_t at = 6; at < client.size; at++) {
        again();
        say(&c, ORIG, client.data, at);
        lose(&c, ORIG, 1);
        say(&c, ORIG, client.data + at + 1, client.size - at - 1);
        say(&c, ORIG, TEXT("\x17\3\3\0\x15" MAIL));
        expect(SERVICE_TLS, 0);
    }
}

/* More is missing: a flow of which both hellos were read is TLS, another is looked at anew. */
static void test_gap_over_a_header(void **state)
{
    (void)state;
    for (unsigned both = 0; both < 2; both++) {
        again();
        make_hello();
        say_bytes(ORIG, &client);
        server.size = 0;
        server_flight(&server);
        say(&c, RESP, server.data, both ? server.size : 5);
        lose(&c, ORIG, 3);
        say_text(&c, ORIG, MAIL);
        expect(SERVICE_TLS, !both);
    }
    again();
    say(&c, ORIG, TEXT("\x17\3\3\0\2xx"));
    lose(&c, ORIG, 3);
    say_text(&c, ORIG, MAIL);
    expect(SERVICE_TLS, 1);
}

/* --- datagrams ---------------------------------------------------------------------------------
 */

/* A datagram that looks encrypted says nothing of the next ones; what is not text is not asked. */
static void test_text_behind_datagrams(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t size;
        enum service service;
    } first[] = {
        {TEXT("\x17\xfe\xfd\0\1\0\0\0\0\0\1\0\2xx"), SERVICE_TLS},
        {TEXT("\xc0\0\0\0\1\x08"
              "8 bytes!\0\0\x28" MAIL MAIL),
         SERVICE_QUIC},
    };
    for (unsigned i = 0; i < 2; i++) {
        forget();
        begin(&c, PROTO_UDP, (uint16_t)(30000 + i), 4433);
        say(&c, ORIG, first[i].data, first[i].size);
        say_text(&c, ORIG, "\x40" MAIL MAIL);
        say_text(&c, ORIG, "\xff" MAIL MAIL);
        expect(first[i].service, 1);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tls_in_pieces),
        TEST(test_text_behind_tls),
        TEST(test_let_go_when_certain),
        TEST(test_empty_records),
        TEST(test_prefixes),
        TEST(test_text_in_a_record),
        TEST(test_text_in_records),
        TEST(test_much_text),
        TEST(test_midstream),
        TEST(test_gap_in_a_record),
        TEST(test_gap_in_a_hello),
        TEST(test_gap_over_a_header),
        TEST(test_text_behind_datagrams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
