/* HTTP/2 in clear: frames made by hand, with the packed heads of RFC 7541's appendix C and
 * literals. */
#include "bytes.h"
#include "conversation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zlib.h>

#define ORIG SIDE_ORIG
#define RESP SIDE_RESP

#define DATA         0
#define HEADERS      1
#define RST_STREAM   3
#define SETTINGS     4
#define PUSH_PROMISE 5
#define PING         6
#define CONTINUATION 9
#define END_STREAM   1
#define END_HEADERS  4
#define PADDED       8
#define PRIORITY     32

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/* RFC 7541 C.3: three requests of one connection, the later ones by the table of the first. */
static const char first[] = "\x82\x86\x84\x41\x0fwww.example.com";
static const char second[] = "\x82\x86\x84\xbe\x58\x08no-cache";
static const char third[] = "\x82\x87\x85\xbf\x40\x0a"
                            "custom-key\x0c"
                            "custom-value";

static struct conversation c;
static struct bytes b, r, block;

static int setup(void **state)
{
    (void)state;
    memset(&b, 0, sizeof b);
    memset(&r, 0, sizeof r);
    return conversation_open(&c);
}

static int teardown(void **state)
{
    (void)state;
    conversation_close(&c);
    return 0;
}

static struct health health_now(void)
{
    struct health health = {0};
    content_health(c.content, &health);
    return health;
}

static void frame(struct bytes *to, unsigned type, unsigned flags, uint32_t stream,
                  const void *payload, size_t size)
{
    put8(to, (unsigned)(size >> 16));
    put16(to, (unsigned)size & 0xffff);
    put8(to, type);
    put8(to, flags);
    put32(to, stream);
    put(to, payload, size);
}

static void text_frame(struct bytes *to, unsigned flags, uint32_t stream, const char *text)
{
    frame(to, DATA, flags, stream, text, strlen(text));
}

static void literal(const char *name, const char *value)
{
    put8(&block, 0);
    put8(&block, (unsigned)strlen(name));
    put_text(&block, name);
    put8(&block, (unsigned)strlen(value));
    put_text(&block, value);
}

static void begin_both(void)
{
    put(&b, preface, 24);
    frame(&b, SETTINGS, 0, 0, "\0\3\0\0\0\x64", 6);
    frame(&r, SETTINGS, 0, 0, "", 0);
    memset(&block, 0, sizeof block);
}

/* Each side in one go, in segments of `most`. */
static void talk(uint16_t port, size_t most)
{
    c.log_size = 0;
    c.log[0] = '\0';
    memset(c.items, 0, sizeof c.items);
    c.hash_count = 0;
    handshake(&c, port, 8080);
    say_cut(&c, ORIG, b.data, b.size, most);
    say_cut(&c, RESP, r.data, r.size, most);
    finish(&c);
}

static void assert_bodies(enum flow_side side, uint32_t bodies, uint32_t undeclared,
                          uint64_t declared, uint64_t seen)
{
    assert_int_equal(c.facts.body[side].bodies, bodies);
    assert_int_equal(c.facts.body[side].undeclared, undeclared);
    assert_int_equal(c.facts.body[side].declared_bytes, declared);
    assert_int_equal(c.facts.body[side].seen_bytes, seen);
}

static void test_requests(void **state)
{
    (void)state;
    begin_both();
    frame(&b, HEADERS, END_HEADERS | END_STREAM, 1, first, sizeof first - 1);
    frame(&b, HEADERS, END_HEADERS | END_STREAM, 3, second, sizeof second - 1);
    frame(&b, HEADERS, END_HEADERS | END_STREAM, 5, third, sizeof third - 1);
    for (size_t most = 1; most < b.size; most++) {
        talk((uint16_t)(20000 + most), most);
        assert_int_equal(c.service, SERVICE_HTTP2);
        assert_string_equal(c.log, "name:www.example.com ");
        assert_bodies(ORIG, 0, 0, 0, 0);
    }
    assert_int_equal(health_now().parse_malformed, 0);
}

/* Two uploads with their frames in turns, padded; an answer that is packed; trailers. */
static void test_bodies(void **state)
{
    (void)state;
    begin_both();
    put(&block, "\x83", 1); /* :method POST */
    put(&block, first + 1, sizeof first - 2);
    literal("content-length", "30");
    literal("forwarded", "for=192.0.2.60");
    frame(&b, HEADERS, END_HEADERS, 1, block.data, block.size);
    block.size = 0;
    put(&block, "\x83\x86\x84\xbe", 4);
    frame(&b, HEADERS, END_HEADERS, 3, block.data, block.size);
    text_frame(&b, 0, 1, "one@example.com, tw");
    frame(&b, DATA, PADDED, 3, "\4six@exam....", 13);
    frame(&b, PING, 0, 0, "12345678", 8);
    text_frame(&b, END_STREAM, 1, "o@other.com"); /* with what came before: 30 bytes */
    frame(&b, DATA, PADDED, 3, "\0ple.com.", 9);
    block.size = 0;
    literal("x-note", "t@example.com");
    frame(&b, HEADERS, END_HEADERS | END_STREAM, 3, block.data, block.size);
    uint8_t packed[256];
    uLongf packed_size = sizeof packed;
    static const char plain[] = "seven@example.com and eight@example.com";
    assert_int_equal(compress(packed, &packed_size, (const uint8_t *)plain, sizeof plain - 1),
                     Z_OK);
    block.size = 0;
    literal(":status", "103");
    frame(&r, HEADERS, END_HEADERS, 1, block.data, block.size);
    block.size = 0;
    put(&block, "\x88", 1); /* :status 200 */
    literal("content-encoding", "deflate");
    frame(&r, HEADERS, END_HEADERS | PRIORITY | PADDED, 1, NULL, 0);
    r.size -= 9;
    struct bytes *padded = calloc(1, sizeof *padded);
    put(padded, "\3\0\0\0\0\1", 6);
    put(padded, block.data, block.size);
    put(padded, "\0\0\0", 3);
    frame(&r, HEADERS, END_HEADERS | PRIORITY | PADDED, 1, padded->data, padded->size);
    free(padded);
    frame(&r, DATA, 0, 1, packed, 20);
    frame(&r, DATA, END_STREAM, 1, packed + 20, packed_size - 20);
    for (size_t most = 1; most < b.size; most += 3) {
        talk((uint16_t)(20000 + most), most);
        assert_bodies(ORIG, 2, 1, 30, 30 + 16);
        assert_bodies(RESP, 1, 1, 0, packed_size);
        assert_int_equal(c.items[ORIG], 4);
        assert_int_equal(c.items[RESP], 2);
        assert_int_equal(c.facts.client.by, CLIENT_FORWARDED);
    }
    struct health health = health_now();
    assert_int_equal(health.parse_malformed + health.bodies_damaged + health.bodies_unread, 0);
}

/* What stands where zeros should is no body, and is looked at. */
static void test_padding(void **state)
{
    (void)state;
    begin_both();
    put8(&block, 16);
    put(&block, first, sizeof first - 1);
    put_text(&block, " x@example.com  ");
    frame(&b, HEADERS, END_HEADERS | PADDED, 1, block.data, block.size);
    frame(&b, DATA, PADDED | END_STREAM, 1,
          "\x10"
          "abc y@example.com  ",
          20);
    for (size_t most = 1; most < b.size; most++) {
        talk((uint16_t)(20000 + most), most);
        assert_bodies(ORIG, 1, 1, 0, 3);
        assert_int_equal(c.items[ORIG], 2);
    }
    assert_int_equal(health_now().parse_malformed, 0);
}

/* A head in three frames, and a promise's, which the table needs as well. */
static void test_continuation(void **state)
{
    (void)state;
    begin_both();
    frame(&b, HEADERS, 0, 1, first, 6);
    frame(&b, CONTINUATION, 0, 1, first + 6, 9);
    frame(&b, CONTINUATION, END_HEADERS, 1, first + 15, sizeof first - 1 - 15);
    text_frame(&b, END_STREAM, 1, "abc");
    frame(&r, HEADERS, END_HEADERS | END_STREAM, 1, "\x88", 1);
    put(&block, "\0\0\0\2", 4);
    put(&block, "\x82\x86\x84\x41\x0cpush.example", 17);
    frame(&r, PUSH_PROMISE, END_HEADERS, 1, block.data, block.size);
    frame(&r, HEADERS, END_HEADERS, 2, "\x88\xbe", 2);
    text_frame(&r, END_STREAM, 2, "defg");
    for (size_t most = 1; most < b.size; most++) {
        talk((uint16_t)(20000 + most), most);
        assert_string_equal(c.log, "name:www.example.com name:push.example ");
        assert_bodies(ORIG, 1, 1, 0, 3);
        assert_bodies(RESP, 1, 1, 0, 4);
    }
    assert_int_equal(health_now().parse_malformed, 0);
}

/* No frames any more: the rest is clear text. */
static void test_lost(void **state)
{
    (void)state;
    static const struct {
        unsigned type, flags;
        uint32_t stream;
        const char *payload;
        size_t size;
    } bad[] = {
        {DATA, 0, 0, "a", 1},
        {DATA, PADDED, 1, "\5abcd", 5},
        {DATA, PADDED, 1, "", 0},
        {HEADERS, END_HEADERS, 0, "\x88", 1},
        {HEADERS, END_HEADERS | PADDED, 1, "\2\x88", 2},
        {HEADERS, END_HEADERS | PRIORITY, 1, "\0\0\0", 3},
        {CONTINUATION, END_HEADERS, 1, "\x88", 1},
        {SETTINGS, 0, 0, "1234567", 7},
        {PING, 0, 0, "1234567", 7},
        {RST_STREAM, 0, 1, "12345", 5},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memset(&b, 0, sizeof b);
        memset(&r, 0, sizeof r);
        begin_both();
        frame(&b, bad[i].type, bad[i].flags, bad[i].stream, bad[i].payload, bad[i].size);
        put_text(&b, "then a@example.com");
        talk((uint16_t)(20000 + i), 4096);
        assert_int_equal(c.items[ORIG], 1);
        assert_bodies(ORIG, 0, 0, 0, 0);
        assert_int_equal(health_now().parse_malformed, i + 1);
    }
}

/* A block that is none costs the names; bodies are followed all the same. */
static void test_bad_block(void **state)
{
    (void)state;
    begin_both();
    frame(&b, HEADERS, END_HEADERS, 1, "\xff\xff\xff\xff\xff\xff", 6);
    text_frame(&b, 0, 1, "a@example.com");
    frame(&b, HEADERS, END_HEADERS, 3, first, sizeof first - 1);
    text_frame(&b, END_STREAM, 3, "b@example.com");
    talk(40000, 4096);
    assert_string_equal(c.log, "");
    assert_bodies(ORIG, 2, 2, 0, 26);
    assert_int_equal(c.items[ORIG], 2);
    assert_int_equal(health_now().parse_malformed, 1);
}

static void test_gaps(void **state)
{
    (void)state;
    begin_both();
    put(&b, "", 0);
    frame(&b, HEADERS, END_HEADERS, 1, first, sizeof first - 1);
    frame(&b, DATA, 0, 1, NULL, 0);
    b.size -= 9;
    put(&b,
        "\0\0\x64\0\0\0\0\0\1"
        "0123456789",
        19); /* 100 bytes, 80 of which are lost */
    handshake(&c, 40000, 8080);
    say(&c, ORIG, b.data, b.size);
    lose(&c, ORIG, 80);
    memset(&b, 0, sizeof b);
    put_text(&b, "012345678 ");
    text_frame(&b, 0, 1, "a@example.com");
    frame(&b, HEADERS, END_HEADERS | END_STREAM, 3, "\x82\x86\x84\x41\x09x.example", 14);
    say(&c, ORIG, b.data, b.size);
    lose(&c, ORIG, 10); /* between frames: nothing can be known any more */
    b.size = 0;
    frame(&b, HEADERS, END_HEADERS | END_STREAM, 5, "\x82\x86\x84\x41\x09y.example", 14);
    put_text(&b, "b@example.com");
    say(&c, ORIG, b.data, b.size);
    finish(&c);
    assert_string_equal(c.log, "name:www.example.com name:x.example ");
    assert_bodies(ORIG, 1, 1, 0, 33);
    assert_int_equal(c.items[ORIG], 2);
    assert_int_equal(health_now().parse_malformed, 0);
}

/* More streams at once than are followed: their data is the side's text. Resets make room. */
static void test_many_streams(void **state)
{
    (void)state;
    begin_both();
    for (uint32_t i = 0; i < 130; i++)
        frame(&b, HEADERS, END_HEADERS, 2 * i + 1, "\x83", 1);
    text_frame(&b, 0, 2 * 129 + 1, "a@example.com");
    text_frame(&b, 0, 2 * 127 + 1, "b@example.com");
    for (uint32_t i = 0; i < 10; i++)
        frame(&b, RST_STREAM, 0, 2 * i + 1, "\0\0\0\0", 4);
    frame(&b, HEADERS, END_HEADERS, 2 * 130 + 1, "\x83", 1);
    text_frame(&b, END_STREAM, 2 * 130 + 1, "abc");
    talk(40000, 4096);
    assert_bodies(ORIG, 129, 129, 0, 16);
    assert_int_equal(c.items[ORIG], 2);
    assert_int_equal(health_now().bodies_unread, 2);
}

/* The server gives a stream up: the client's body of it ends too. */
static void test_reset_by_the_other(void **state)
{
    (void)state;
    begin_both();
    frame(&b, HEADERS, END_HEADERS, 1, "\x83", 1);
    text_frame(&b, 0, 1, "a@exam");
    frame(&r, RST_STREAM, 0, 1, "\0\0\0\0", 4);
    talk(40000, 4096);
    b.size = 0;
    handshake(&c, 40001, 8080);
    begin_both();
    frame(&b, HEADERS, END_HEADERS, 1, "\x83", 1);
    text_frame(&b, 0, 1, "a@exam");
    say(&c, ORIG, b.data, b.size);
    say(&c, RESP, r.data, r.size);
    b.size = r.size = 0;
    frame(&r, RST_STREAM, 0, 1, "\0\0\0\0", 4);
    say(&c, RESP, r.data, r.size);
    text_frame(&b, END_STREAM, 1, "ple.com");
    say(&c, ORIG, b.data, b.size);
    finish(&c);
    assert_bodies(ORIG, 1, 1, 0, 6);
    assert_int_equal(c.items[ORIG], 0);
}

/* Upgrades from HTTP/1: the server's answer on stream 1. */
static void test_h2c(void **state)
{
    (void)state;
    begin_both();
    frame(&r, HEADERS, END_HEADERS, 1, "\x88", 1);
    text_frame(&r, END_STREAM, 1, "a@example.com");
    frame(&b, HEADERS, END_HEADERS | END_STREAM, 3, first, sizeof first - 1);
    for (size_t most = 1; most < 60; most++) {
        c.log_size = 0;
        c.log[0] = '\0';
        handshake(&c, (uint16_t)(40000 + most), 80);
        say_text(&c, ORIG, "GET / HTTP/1.1\r\nHost: h.example\r\nUpgrade: h2c\r\n\r\n");
        say_text(&c, RESP, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n");
        say_cut(&c, RESP, r.data, r.size, most);
        say_cut(&c, ORIG, b.data, b.size, most);
        finish(&c);
        assert_string_equal(c.log, "name:h.example name:www.example.com ");
        assert_bodies(RESP, 1, 1, 0, 13);
    }
    assert_int_equal(health_now().parse_malformed, 0);
}

static void test_server_first(void **state)
{
    (void)state;
    begin_both();
    r.size = 0;
    frame(&r, SETTINGS, 0, 0, "\0\3\0\0\0\x64", 6);
    frame(&b, HEADERS, END_HEADERS | END_STREAM, 1, first, sizeof first - 1);
    handshake(&c, 40000, 8080);
    say(&c, RESP, r.data, r.size);
    say(&c, ORIG, b.data, b.size);
    finish(&c);
    assert_int_equal(c.service, SERVICE_HTTP2);
    assert_string_equal(c.log, "name:www.example.com ");
    handshake(&c, 40001, 9092); /* a length and zeros are not yet settings */
    say(&c, RESP, "\0\0\6\4\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    finish(&c);
    assert_int_equal(c.service, SERVICE_NONE);
}

/* A table as large as it may be, and a block that stands for much more than it is. */
static void test_large_table(void **state)
{
    (void)state;
    static char big[4000];
    memset(big, 'x', sizeof big);
    begin_both();
    put(&block, "\x3f\xe1\xff\x03", 4); /* the table's size: 65536 (RFC 7541 6.3) */
    put(&block, "\x40\x01k\x7f", 4);    /* "k", with a value of 4000 bytes: 127 + 3873 */
    put(&block, "\xa1\x1e", 2);
    put(&block, big, sizeof big);
    for (int i = 0; i < 10000; i++)
        put8(&block, 0xbe); /* the same again */
    frame(&b, HEADERS, END_HEADERS, 1, block.data, block.size);
    text_frame(&b, END_STREAM, 1, "a@example.com");
    frame(&b, HEADERS, END_HEADERS | END_STREAM, 3, first, sizeof first - 1);
    talk(40000, 4096);
    assert_string_equal(c.log, "name:www.example.com ");
    assert_bodies(ORIG, 1, 1, 0, 13);
    assert_int_equal(health_now().parse_malformed, 0);
}

/* One block after another, ten bytes each, that stand for a field of 4000 bytes: what is looked at
 * stays within the measure of bodies that are packed (256 KiB, and a hundred times what came). */
static void test_field_bomb(void **state)
{
    (void)state;
    static char big[4000];
    memset(big, 'x', sizeof big);
    begin_both();
    put(&block, "\x40\x01k\x7f\xa1\x1e", 6); /* "k", with a value of 4000 bytes */
    put(&block, big, sizeof big);
    frame(&b, HEADERS, END_HEADERS | END_STREAM, 1, block.data, block.size);
    for (uint32_t i = 1; i < 5000; i++)
        frame(&b, HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, "\xbe", 1);
    talk(40000, 1460);
    assert_int_not_equal(health_now().bodies_bombs, 0);
    uint64_t bombs = health_now().bodies_bombs;
    talk(40001, 1460);
    assert_int_equal(health_now().bodies_bombs, 2 * bombs);
    /* The field that goes beyond is still looked at. */
    assert_in_range(bombs, 5000 - 2 - (262144 + 100 * b.size) / 4000, 5000);
    assert_int_equal(health_now().parse_malformed, 0);
}

/* The question of RFC 8484's example, in a path and in a body. */
static void test_doh(void **state)
{
    (void)state;
    begin_both();
    literal(":path", "/dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB");
    frame(&b, HEADERS, END_HEADERS | END_STREAM, 1, block.data, block.size);
    block.size = 0;
    literal("content-type", "application/dns-message");
    frame(&b, HEADERS, END_HEADERS, 3, block.data, block.size);
    block.size = 0;
    dns_header(&block, 0x0100, 1, 0);
    dns_question(&block, "b.example", 28);
    frame(&b, DATA, END_STREAM, 3, block.data, block.size);
    talk(40000, 7);
    assert_string_equal(c.log, "query:www.example.com/1/0 query:b.example/28/0 ");
    assert_string_equal(c.text[TEXT_APPLICATION], "doh");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_requests),     TEST(test_bodies),
        TEST(test_continuation), TEST(test_lost),
        TEST(test_bad_block),    TEST(test_gaps),
        TEST(test_many_streams), TEST(test_reset_by_the_other),
        TEST(test_h2c),          TEST(test_server_first),
        TEST(test_large_table),  TEST(test_field_bomb),
        TEST(test_doh),          TEST(test_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
