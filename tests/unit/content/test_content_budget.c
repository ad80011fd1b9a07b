/* How much of a flow is looked at, when found items are told, and what stays when sides swap. */
#include "bytes.h"
#include "conversation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ORIG    SIDE_ORIG
#define RESP    SIDE_RESP
#define SEGMENT 1400u

static struct conversation c;

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

/* `bytes` that look like nothing (binary), or like text. */
static void say_bulk(enum flow_side from, size_t bytes, bool binary)
{
    uint8_t segment[SEGMENT];
    uint64_t seed = 5;
    for (size_t at = 0; at < bytes; at += SEGMENT) {
        for (size_t i = 0; i < SEGMENT; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            segment[i] = binary ? (uint8_t)(seed >> 56) | 0x80 : (uint8_t)('a' + (seed >> 60));
        }
        segment[0] = binary ? 0xfe : 'a';
        say(&c, from, segment, bytes - at < SEGMENT ? bytes - at : SEGMENT);
    }
}

static struct health counted(void)
{
    struct health health = {0};
    content_health(c.content, &health);
    return health;
}

static void test_unknown_binary(void **state)
{
    (void)state;
    handshake(&c, 40000, 7000);
    say_bulk(ORIG, 40000, true);
    say_text(&c, ORIG, " early@example.com ");
    say_bulk(ORIG, 40000, true);
    say_text(&c, ORIG, " late@example.com ");
    finish(&c);
    assert_int_equal(c.items[ORIG], 1); /* what text there is in the first 64 KiB still counts */
    assert_in_range(c.inspected_bytes[ORIG], 40000, CONTENT_PROBE_BYTES + SEGMENT);
    assert_int_equal(counted().content_let_go, 1);
}

/* The rest of a body is counted as bytes, and said not to have been inspected. */
static void test_a_gib_of_clear_text(void **state)
{
    (void)state;
    static const char blank[60000];
    handshake(&c, 40000, 80);
    say_text(&c, ORIG, "PUT / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1200000000\r\n\r\n");
    for (size_t at = 0; at < CONTENT_CLEAR_BYTES - 120000; at += sizeof blank)
        say(&c, ORIG, blank, sizeof blank);
    say_text(&c, ORIG, " early@example.com ");
    assert_int_equal(counted().content_beyond, 0);
    for (size_t at = 0; at < 200000; at += sizeof blank)
        say(&c, ORIG, blank, sizeof blank);
    say_text(&c, ORIG, " late@example.com ");
    finish(&c);
    assert_int_equal(c.items[ORIG], 1);
    assert_int_equal(counted().content_beyond, 1);
    assert_int_equal(counted().content_let_go, 0);
}

static void test_unknown_text(void **state)
{
    (void)state;
    handshake(&c, 40000, 7000);
    say_bulk(ORIG, 200000, false);
    say_text(&c, ORIG, " late@example.com ");
    finish(&c);
    assert_int_equal(c.service, SERVICE_NONE);
    assert_int_equal(c.items[ORIG], 1);
    assert_in_range(c.inspected_bytes[ORIG], 200000, 210000);
}

/* Japanese mail is text too. */
static void test_unknown_utf8(void **state)
{
    (void)state;
    static const char line[] = "\xe9\x88\xb4\xe6\x9c\xa8\xe5\xa4\xaa\xe9\x83\x8e\xe3\x80\x81\r\n";
    handshake(&c, 40000, 7000);
    for (unsigned i = 0; i < 6000; i++)
        say_text(&c, ORIG, line);
    say_text(&c, ORIG, " late@example.com ");
    finish(&c);
    assert_int_equal(c.items[ORIG], 1);
}

/* A picture going up is binary, but HTTP is clear text. */
static void test_http_binary_body(void **state)
{
    (void)state;
    handshake(&c, 40000, 80);
    say_text(&c, ORIG, "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 900000\r\n\r\n");
    say_bulk(ORIG, 300000, true);
    say_text(&c, ORIG, " late@example.com ");
    say_bulk(RESP, 300000, true); /* the other side is HTTP too, wherever its beginning was */
    say_text(&c, RESP, " answer@example.com ");
    finish(&c);
    assert_int_equal(c.items[ORIG], 1);
    assert_int_equal(c.items[RESP], 1);
}

static void test_datagrams(void **state)
{
    (void)state;
    begin(&c, PROTO_UDP, 40000, 514);
    say_text(&c, ORIG, "<13>login of a@example.com");
    say_text(&c, ORIG, "<13>login of b@example.com");
    say_text(&c, RESP, "ok");
    finish(&c);
    assert_int_equal(c.items[ORIG], 2);
    begin(&c, PROTO_UDP, 40001, 4500);
    say_bulk(ORIG, 80000, true);
    say_text(&c, ORIG, " late@example.com ");
    finish(&c);
    assert_int_equal(c.items[ORIG], 2);
}

static void say_addresses(enum flow_side from, unsigned first, unsigned count)
{
    char text[64];
    for (unsigned i = first; i < first + count; i++) {
        snprintf(text, sizeof text, "u%u@example.com\r\n", i);
        say_text(&c, from, text);
    }
}

static void test_batches(void **state)
{
    (void)state;
    handshake(&c, 40000, 7000);
    say_addresses(ORIG, 0, 255);
    assert_int_equal(c.calls[ORIG], 0);
    say_addresses(ORIG, 255, 1);
    assert_int_equal(c.calls[ORIG], 1);
    assert_int_equal(c.largest_call, 256);
    say_addresses(ORIG, 0, 300);
    assert_int_equal(c.calls[ORIG], 1); /* 44 new ones wait */
    content_progress(c.content, c.flow, c.now);
    assert_int_equal(c.items[ORIG], 300);
    content_progress(c.content, c.flow, c.now);
    assert_int_equal(c.calls[ORIG], 2); /* nothing new, nothing told */
    say_addresses(ORIG, 300, 3);
    finish(&c);
    assert_int_equal(c.items[ORIG], 303);
    assert_int_equal(c.largest_call, 256);
}

/* What is queued behind a hole when the flow ends is looked at, and the hole is told. */
static void test_flush(void **state)
{
    (void)state;
    handshake(&c, 40000, 7000);
    say_text(&c, ORIG, "first@example.com ");
    lose(&c, ORIG, 777);
    say_text(&c, ORIG, "- second@example.com");
    finish(&c);
    assert_int_equal(c.items[ORIG], 2);
    assert_int_equal(c.gap_bytes[ORIG], 777);
    assert_int_equal(c.inspected_bytes[ORIG], 18 + 20);
    struct health health = {0};
    content_health(c.content, &health);
    assert_int_equal(health.stream_gap_bytes, 777);
}

/* A SYN tells late who opened: all that is known goes with its side, and so do the streams. */
static void test_swapped(void **state)
{
    (void)state;
    begin(&c, PROTO_TCP, 40000, 50000);
    say_text(&c, ORIG, "a@example.com,");
    say_text(&c, RESP, "x@example.com,y@example.com,");
    content_swapped(c.content, c.flow);
    c.other_way = true;
    content_progress(c.content, c.flow, c.now);
    assert_int_equal(c.items[ORIG], 2);
    assert_int_equal(c.items[RESP], 1);
    say_text(&c, ORIG, "b@example.com,a@example.com,");
    finish(&c);
    assert_int_equal(c.items[ORIG], 2);
    assert_int_equal(c.items[RESP], 2);
    assert_int_equal(c.gap_bytes[RESP], 0);
    assert_int_equal(c.inspected_bytes[RESP], 14 + 28);
}

/* A side that is stopped stays so under its new name, and the other is still looked at. */
static void test_swapped_when_stopped(void **state)
{
    (void)state;
    handshake(&c, 40000, 7000);
    say_bulk(ORIG, 70000, true);
    say_text(&c, RESP, "x@example.com,");
    content_swapped(c.content, c.flow);
    c.other_way = true;
    say_text(&c, ORIG, "late@example.com,");
    say_text(&c, RESP, "y@example.com,");
    finish(&c);
    assert_int_equal(c.items[RESP], 0);
    assert_int_equal(c.items[ORIG], 2);
}

/* Binary first, and only then does the other side say that this is HTTP. */
static void test_service_known_late(void **state)
{
    (void)state;
    begin(&c, PROTO_TCP, 40000, 80);
    say_bulk(RESP, 10000, true);
    say_text(&c, ORIG, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    say_bulk(RESP, 100000, true);
    say_text(&c, RESP, " late@example.com ");
    finish(&c);
    assert_int_equal(c.service, SERVICE_HTTP);
    assert_int_equal(c.items[RESP], 1);
}

static void make_big_hello(struct bytes *hello)
{
    static const uint16_t ciphers[] = {1}, extensions[] = {10, 0};
    uint16_t *groups = calloc(29900, sizeof *groups);
    struct bytes *message = calloc(1, sizeof *message);
    const struct hello_parts parts = {.version = 0x0303,
                                      .ciphers = ciphers,
                                      .cipher_count = 1,
                                      .extensions = extensions,
                                      .extension_count = 2,
                                      .name = "big.example",
                                      .groups = groups,
                                      .group_count = 29900};
    hello_message(message, &parts);
    tls_records(hello, message, 16384);
    free(message);
    free(groups);
}

/* One side of a TLS connection alone: 64 KiB with its hello, then it costs nothing. */
static void test_one_sided_tls(void **state)
{
    (void)state;
    struct bytes *hello = calloc(1, sizeof *hello);
    struct health health = {0};
    make_big_hello(hello);
    handshake(&c, 40000, 443);
    say_cut(&c, ORIG, hello->data, hello->size, 1400);
    say(&c, ORIG, "\x17\3\3\x40", 5); /* a record of 16 KiB */
    say_bulk(ORIG, 3000, true);
    lose(&c, ORIG, 500);
    say_bulk(ORIG, 6000, true);
    lose(&c, ORIG, 70);
    say_bulk(ORIG, 3000, true);
    finish(&c);
    content_health(c.content, &health);
    assert_string_equal(c.server_name, "big.example");
    assert_int_equal(health.stream_gap_bytes, 500); /* the second is behind the 64 KiB */
    free(hello);
}

/* A hello of 60,000 bytes: two thirds of it now. */
static void say_most_of_a_hello(uint16_t port, struct bytes *hello)
{
    handshake(&c, port, 443);
    say_cut(&c, ORIG, hello->data, 40000, 20000);
}

/* Unfinished heads of many flows together are bounded; past the bound names that span segments are
 * not read, and counted; when flows end there is room again. */
static void test_gathered_heads(void **state)
{
    (void)state;
    struct bytes *hello = calloc(1, sizeof *hello);
    make_big_hello(hello);
    for (uint16_t i = 0; i < 1100; i++)
        say_most_of_a_hello((uint16_t)(10000 + i), hello);
    struct health health = {0};
    content_health(c.content, &health);
    assert_int_equal(health.parse_malformed, 1100 - CONTENT_GATHER_BYTES / (64 << 10));
    say_most_of_a_hello(20000, hello);
    say(&c, ORIG, hello->data + 40000, hello->size - 40000);
    assert_string_equal(c.log, "");
    finish(&c);
    say_most_of_a_hello(20001, hello);
    say(&c, ORIG, hello->data + 40000, hello->size - 40000);
    assert_string_equal(c.log, "name:big.example ");
    finish(&c);
    free(hello);
}

/* Nothing said, nothing known; and fragments behind the first are not looked at. */
static void test_nothing(void **state)
{
    (void)state;
    begin(&c, PROTO_TCP, 40000, 80);
    packet(&c, ORIG, TCP_RST, NULL, 0, 0);
    assert_null(*flow_content_slot(c.flow));
    struct content_facts facts = content_get_facts(c.flow);
    assert_int_equal(facts.service, SERVICE_NONE);
    assert_string_equal(facts.text[TEXT_SERVER_NAME], "");
    assert_string_equal(facts.text[TEXT_QUESTION], "");
    assert_null(facts.ja3);
    struct packet fragment = {.proto = PROTO_UDP,
                              .later_fragment = true,
                              .payload = (const uint8_t *)"a@example.com ",
                              .payload_captured = 14,
                              .payload_bytes = 14};
    content_packet(c.content, c.flow, ORIG, &fragment);
    assert_null(*flow_content_slot(c.flow));
    finish(&c);
    assert_int_equal(c.hash_count, 0);
}

/* Flows that are open when the sensor ends go without a report, and leave nothing behind. */
static void test_free_with_open_flows(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < 100; i++) {
        handshake(&c, (uint16_t)(40000 + i), 80);
        say_text(&c, ORIG, "GET /unfinished a@example.com");
        lose(&c, ORIG, 10);
        say_text(&c, ORIG, "b@example.com ");
    }
    assert_int_equal(c.hash_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_unknown_binary),
        TEST(test_a_gib_of_clear_text),
        TEST(test_unknown_text),
        TEST(test_unknown_utf8),
        TEST(test_http_binary_body),
        TEST(test_datagrams),
        TEST(test_batches),
        TEST(test_flush),
        TEST(test_swapped),
        TEST(test_swapped_when_stopped),
        TEST(test_service_known_late),
        TEST(test_one_sided_tls),
        TEST(test_nothing),
        TEST(test_gathered_heads),
        TEST(test_free_with_open_flows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
