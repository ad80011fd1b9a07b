/* HTTP/1 conversations: which bodies there are, how large they were said to be and were, and what
 * was in them; however the streams are cut, and with bytes missing. */
#include "bytes.h"
#include "conversation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zlib.h>

#define ORIG        SIDE_ORIG
#define RESP        SIDE_RESP
#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static struct conversation c;
static struct bytes b;

static int setup(void **state)
{
    (void)state;
    memset(&b, 0, sizeof b);
    return conversation_open(&c);
}

static int teardown(void **state)
{
    (void)state;
    conversation_close(&c);
    return 0;
}

static uint64_t malformed(void)
{
    struct health health = {0};
    content_health(c.content, &health);
    return health.parse_malformed;
}

/* Of one side: bodies, those that did not say their size, said, seen. */
static void assert_bodies(enum flow_side side, uint32_t bodies, uint32_t undeclared,
                          uint64_t declared, uint64_t seen)
{
    assert_int_equal(c.facts.body[side].bodies, bodies);
    assert_int_equal(c.facts.body[side].undeclared, undeclared);
    assert_int_equal(c.facts.body[side].declared_bytes, declared);
    assert_int_equal(c.facts.body[side].seen_bytes, seen);
}

static void forget(void)
{
    c.log_size = 0;
    c.log[0] = '\0';
    memset(c.items, 0, sizeof c.items);
    c.hash_count = 0;
}

/* --- framing -----------------------------------------------------------------------------------
 */

#define OK "HTTP/1.1 200 OK\r\n"

struct framing {
    const char *name, *asks, *answers;
    struct {
        uint32_t bodies, undeclared;
        uint64_t declared, seen;
        size_t items;
    } want[SIDES];
};

static const struct framing framings[] = {
    {"none", "GET / HTTP/1.1\r\n\r\n", OK "Content-Length: 0\r\n\r\n", {{0}, {0}}},
    {"length",
     "PUT / HTTP/1.1\r\nContent-Length: 17\r\n\r\na@example.com abcGET / HTTP/1.1\r\n\r\n",
     OK "Content-Length: 13\r\n\r\nb@example.com" OK "Content-Length: 3\r\n\r\nxyz",
     {{1, 0, 17, 17, 1}, {2, 0, 16, 16, 1}}},
    {"a length said twice, and one that has others beside it",
     "PUT / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3, 3\r\n\r\nabc",
     "HTTP/1.1 204 No Content\r\n\r\n",
     {{1, 0, 3, 3, 0}, {0}}},
    {"chunks",
     "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
     "4\r\na@ex\r\n00a;x=\"y\"\r\nample.com \r\n0\r\n\r\n"
     "POST / HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n1 \nz\n0\nTrailer: t@example.com\n\n",
     OK "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" OK "Content-Length: 1\r\n\r\n!",
     {{2, 2, 0, 15, 2}, {1, 0, 1, 1, 0}}},
    {"an extension says something",
     "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;m=x@example.com\r\n.\r\n0\r\n\r\n",
     OK "\r\n",
     {{1, 1, 0, 1, 1}, {0}}},
    {"to the close",
     "GET / HTTP/1.1\r\n\r\n",
     OK "\r\na@example.com HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nb@example.com",
     {{0}, {1, 1, 0, 65, 2}}},
    {"chunks are not said last",
     "GET / HTTP/1.1\r\n\r\n",
     OK "Transfer-Encoding: chunked, x-none\r\n\r\n3\r\nabc\r\n",
     {{0}, {1, 1, 0, 8, 0}}},
    {"HEAD and its kind",
     "HEAD / HTTP/1.1\r\n\r\nGET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n",
     OK "Content-Length: 1000\r\n\r\n"
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n"
        "HTTP/1.1 204 No Content\r\nContent-Length: 1000\r\n\r\n"
        "HTTP/1.1 103 Early Hints\r\nContent-Length: 1000\r\n\r\n" OK
        "Content-Length: 13\r\n\r\nb@example.com",
     {{0}, {1, 0, 13, 13, 1}}},
    {"100 (Continue) answers nothing",
     "HEAD / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n",
     "HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 5\r\n\r\n" OK
     "Content-Length: 2\r\n\r\nab",
     {{0}, {1, 0, 2, 2, 0}}},
    {"nobody saw the request, which was a HEAD",
     "",
     OK "Content-Length: 1000\r\n\r\n" OK "Content-Length: 13\r\n\r\nb@example.com",
     {{0}, {1, 0, 13, 13, 1}}},
    {"a body of its own is another text", /* a@example.co and m do not make an address */
     "PUT / HTTP/1.1\r\nContent-Length: 5\r\n\r\na@exaPUT / HTTP/1.1\r\nContent-Length: 8\r\n\r\n"
     "mple.com",
     OK "Content-Length: 0\r\n\r\n" OK "Content-Length: 0\r\n\r\n",
     {{2, 0, 13, 13, 0}, {0}}},
    {"unfinished",
     "PUT / HTTP/1.1\r\nContent-Length: 100\r\n\r\na@example.com",
     OK "Transfer-Encoding: chunked\r\n\r\nff\r\nabc",
     {{1, 0, 100, 13, 1}, {1, 1, 0, 3, 0}}},
    {"the head alone",
     "PUT / HTTP/1.1\r\nContent-Length: 100\r\n\r\n",
     "",
     {{1, 0, 100, 0, 0}, {0}}},
};

static void test_framing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(framings); i++) {
        const struct framing *f = &framings[i];
        size_t most = strlen(f->asks) > strlen(f->answers) ? strlen(f->asks) : strlen(f->answers);
        for (size_t cut = 1; cut <= most; cut += cut < 30 ? 1 : 37) {
            forget();
            handshake(&c, (uint16_t)(20000 + 200 * i + cut), 80);
            say_cut(&c, ORIG, f->asks, strlen(f->asks), cut);
            say_cut(&c, RESP, f->answers, strlen(f->answers), cut);
            finish(&c);
            for (enum flow_side side = ORIG; side < SIDES; side++) {
                assert_bodies(side, f->want[side].bodies, f->want[side].undeclared,
                              f->want[side].declared, f->want[side].seen);
                assert_int_equal(c.items[side], f->want[side].items);
            }
            assert_int_equal(c.service, SERVICE_HTTP);
            assert_int_equal(malformed(), 0);
        }
    }
}

/* What is no HTTP is clear text until a segment begins with a first line. */
static void test_lost(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "PUT / HTTP/1.1\r\nContent-Length: 5x\r\n\r\n",
        "PUT / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "PUT / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1234567890abcdef0\r\n",
        "PUT / HTTP/1.1\r\n\r\n\x01\x02\x03",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        uint64_t before = malformed();
        forget();
        handshake(&c, (uint16_t)(40000 + i), 80);
        say_text(&c, ORIG, bad[i]);
        say_text(&c, ORIG, "mail a@example.com and ");
        say_text(&c, ORIG, "GET / HTTP/1.1\r\nHost: next.example\r\n\r\n");
        say_text(&c, ORIG, "PUT / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab");
        finish(&c);
        assert_int_equal(c.items[ORIG], 1);
        assert_string_equal(c.log, "name:next.example ");
        assert_int_equal(c.facts.body[ORIG].declared_bytes, 2);
        assert_int_equal(malformed(), before + 1);
    }
}

/* --- gaps --------------------------------------------------------------------------------------
 */

static void test_gap_in_a_body(void **state)
{
    (void)state;
    handshake(&c, 40000, 80);
    say_text(&c, ORIG, "PUT / HTTP/1.1\r\nContent-Length: 1000\r\n\r\na@example.com, b@exam");
    lose(&c, ORIG, 900);
    say_text(&c, ORIG, "ple.com, c@example.com, ");
    char rest[100 - 21 - 24];
    memset(rest, '.', sizeof rest);
    say(&c, ORIG, rest, sizeof rest);
    say_text(&c, ORIG, "PUT / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab");
    finish(&c);
    assert_bodies(ORIG, 2, 0, 1002, 102);
    assert_int_equal(c.items[ORIG], 2);
    assert_int_equal(malformed(), 0);
}

/* A gap up to the very end of a body, and one beyond it. */
static void test_gap_at_its_end(void **state)
{
    (void)state;
    for (uint32_t beyond = 0; beyond < 2; beyond++) {
        handshake(&c, (uint16_t)(40000 + beyond), 80);
        say_text(&c, ORIG, "PUT / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabcd");
        lose(&c, ORIG, 6 + beyond);
        say_text(&c, ORIG,
                 beyond ? "UT /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nxyz"
                        : "PUT /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nxyz");
        say_text(&c, ORIG, "PUT /2 HTTP/1.1\r\nContent-Length: 1\r\n\r\n.");
        finish(&c);
        assert_bodies(ORIG, beyond ? 2 : 3, 0, beyond ? 11 : 14, beyond ? 5 : 8);
    }
}

static void test_gap_in_a_chunk(void **state)
{
    (void)state;
    handshake(&c, 40000, 80);
    say_text(&c, ORIG, "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n0123456789");
    lose(&c, ORIG, 80);
    say_text(&c, ORIG, "0123456789\r\n0\r\n\r\nPUT / HTTP/1.1\r\nContent-Length: 1\r\n\r\n.");
    finish(&c);
    assert_bodies(ORIG, 2, 1, 1, 21);
    assert_int_equal(malformed(), 0);
}

/* The answers' place is lost: which request they belong to is found again with the next request. */
static void test_gap_between_answers(void **state)
{
    (void)state;
    handshake(&c, 40000, 80);
    say_text(&c, ORIG, "GET / HTTP/1.1\r\n\r\n");
    lose(&c, RESP, 40);
    say_text(&c, ORIG, "HEAD / HTTP/1.1\r\n\r\n");
    say_text(&c, RESP, OK "Content-Length: 1000\r\n\r\n");
    say_text(&c, ORIG, "GET / HTTP/1.1\r\n\r\n");
    say_text(&c, RESP, OK "Content-Length: 13\r\n\r\na@example.com");
    finish(&c);
    assert_bodies(RESP, 1, 0, 13, 13);
}

/* --- who asked ---------------------------------------------------------------------------------
 */

static void test_many_requests_at_once(void **state)
{
    (void)state;
    handshake(&c, 40000, 80);
    for (int i = 0; i < 70; i++) /* more than are told apart: the last ones count as GET */
        say_text(&c, ORIG,
                 i == 0 || i == 63 ? "HEAD / HTTP/1.1\r\n\r\n" : "GET / HTTP/1.1\r\n\r\n");
    for (int i = 0; i < 70; i++) {
        say_text(&c, RESP, OK "Content-Length: 2\r\n\r\n");
        if (i != 0 && i != 63)
            say_text(&c, RESP, "ab");
    }
    say_text(&c, ORIG, "HEAD / HTTP/1.1\r\n\r\n");
    say_text(&c, RESP, OK "Content-Length: 2\r\n\r\n" OK "Content-Length: 0\r\n\r\n");
    finish(&c);
    assert_bodies(RESP, 68, 0, 136, 136);
    assert_int_equal(malformed(), 0);
}

/* An answer that the sensor sees before its request answers that one and no later one. */
static void test_answer_ahead(void **state)
{
    (void)state;
    handshake(&c, 40000, 80);
    say_text(&c, ORIG, "GET / HTTP/1.1\r\n\r\n");
    say_text(&c, RESP, OK "Content-Length: 0\r\n\r\n");
    say_text(&c, RESP, OK "Content-Length: 2\r\n\r\nab");
    say_text(&c, ORIG, "GET / HTTP/1.1\r\n\r\n");
    say_text(&c, ORIG, "HEAD / HTTP/1.1\r\n\r\n");
    say_text(&c, RESP, OK "Content-Length: 2\r\n\r\n");
    say_text(&c, ORIG, "GET / HTTP/1.1\r\n\r\n");
    say_text(&c, RESP, OK "Content-Length: 3\r\n\r\nabc");
    finish(&c);
    assert_bodies(RESP, 2, 0, 5, 5);
    assert_int_equal(malformed(), 0);
}

/* --- codings -----------------------------------------------------------------------------------
 */

/* zlib writes to it. NOLINTNEXTLINE(readability-non-const-parameter) */
static size_t pack(uint8_t *to, size_t room, int bits, const void *data, size_t size)
{
    static uint8_t plain[1 << 16];
    assert_true(size <= sizeof plain);
    memcpy(plain, data, size);
    z_stream z = {
        .next_in = plain, .avail_in = (uInt)size, .next_out = to, .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static void test_codings(void **state)
{
    (void)state;
    static const char text[] = "one@example.com, two@example.com, three@example.com";
    uint8_t once[512], twice[512];
    size_t inner = pack(once, sizeof once, -15, text, sizeof text - 1);
    size_t outer = pack(twice, sizeof twice, 31, once, inner);
    for (size_t cut = 1; cut < outer + 128; cut += 3) {
        memset(&b, 0, sizeof b);
        put_text(&b, "POST / HTTP/1.1\r\nContent-Encoding: deflate\r\nContent-Encoding: gzip\r\n");
        char line[64];
        snprintf(line, sizeof line, "Content-Length: %zu\r\n\r\n", outer);
        put_text(&b, line);
        put(&b, twice, outer);
        forget();
        handshake(&c, (uint16_t)(30000 + cut), 80);
        say_cut(&c, ORIG, b.data, b.size, cut);
        finish(&c);
        assert_bodies(ORIG, 1, 0, outer, outer);
        assert_int_equal(c.items[ORIG], 3);
    }
    struct health health = {0};
    content_health(c.content, &health);
    assert_int_equal(health.bodies_damaged + health.bodies_unread + health.bodies_bombs, 0);
}

/* "Transfer-Encoding: gzip, chunked": the chunks are put together, then unpacked. */
static void test_transfer_coding(void **state)
{
    (void)state;
    static const char text[] = "one@example.com, two@example.com";
    uint8_t packed[512];
    char line[64];
    size_t size = pack(packed, sizeof packed, 31, text, sizeof text - 1);
    put_text(&b, OK "Transfer-Encoding: gzip, chunked\r\n\r\n");
    for (size_t at = 0; at < size; at += 7) {
        size_t n = size - at < 7 ? size - at : 7;
        snprintf(line, sizeof line, "%zx\r\n", n);
        put_text(&b, line);
        put(&b, packed + at, n);
        put_text(&b, "\r\n");
    }
    put_text(&b, "0\r\n\r\n");
    handshake(&c, 40000, 80);
    say_text(&c, ORIG, "GET / HTTP/1.1\r\n\r\n");
    say(&c, RESP, b.data, b.size);
    finish(&c);
    assert_bodies(RESP, 1, 1, 0, size);
    assert_int_equal(c.items[RESP], 2);
}

/* --- what follows ------------------------------------------------------------------------------
 */

static void test_tunnel_refused(void **state)
{
    (void)state;
    handshake(&c, 40000, 3128);
    say_text(&c, ORIG, "CONNECT a.example:443 HTTP/1.1\r\n\r\n");
    say_text(&c, RESP, "HTTP/1.1 407 Who are you?\r\nContent-Length: 13\r\n\r\na@example.com");
    say_text(&c, ORIG, "CONNECT b.example:443 HTTP/1.1\r\n\r\n");
    say_text(&c, RESP, "HTTP/1.1 200 OK\r\n\r\n");
    plain_hello(&b, "inner.example");
    say(&c, ORIG, b.data, b.size);
    finish(&c);
    assert_string_equal(c.log, "name:a.example name:b.example name:inner.example ");
    assert_true(c.has_ja3);
    assert_bodies(RESP, 1, 0, 13, 13);
}

/* In a tunnel the server may speak first, and what it carries may be HTTP itself. */
static void test_tunnels(void **state)
{
    (void)state;
    handshake(&c, 40000, 3128);
    say_text(&c, ORIG, "CONNECT mail.example:25 HTTP/1.1\r\n\r\n");
    say_text(&c, RESP, "HTTP/1.1 200 OK\r\n\r\n");
    say_text(&c, RESP, "220 mail.example ESMTP\r\n");
    say_text(&c, ORIG, "EHLO me\r\n");
    say_text(&c, ORIG, "MAIL FROM:<a@example.com>\r\n");
    finish(&c);
    assert_int_equal(c.items[ORIG], 1);
    forget();
    handshake(&c, 40001, 3128);
    say_text(&c, ORIG, "CONNECT web.example:80 HTTP/1.1\r\n\r\n");
    say_text(&c, RESP, "HTTP/1.1 200 OK\r\n\r\n");
    say_text(&c, ORIG, "PUT / HTTP/1.1\r\nHost: web2.example\r\nContent-Length: 2\r\n\r\nab");
    say_text(&c, RESP, OK "Content-Length: 3\r\n\r\nabc");
    finish(&c);
    assert_string_equal(c.log, "name:web.example name:web2.example ");
    assert_bodies(ORIG, 1, 0, 2, 2);
    assert_bodies(RESP, 1, 0, 3, 3);
}

/* The sensor does not see the CONNECT, but what follows it. */
static void test_tunnel_lost(void **state)
{
    (void)state;
    handshake(&c, 40000, 3128);
    say_text(&c, ORIG, "GET / HTTP/1.1\r\nHost: proxy.example\r\n\r\n");
    say_text(&c, RESP, OK "Content-Length: 0\r\n\r\n");
    lose(&c, ORIG, 50);
    lose(&c, RESP, 40);
    plain_hello(&b, "inner.example");
    say(&c, ORIG, b.data, b.size);
    finish(&c);
    assert_string_equal(c.log, "name:proxy.example name:inner.example ");
    assert_true(c.has_ja3);
}

/* A message in two frames, masked as clients do; then an empty ping and a server's text. */
static void test_websocket(void **state)
{
    (void)state;
    static const char text[] = "mail me@example.com now";
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    for (size_t i = 0; i < sizeof text - 1;) {
        size_t n = i == 0 ? 8 : sizeof text - 1 - i;
        put8(&b, i == 0 ? 0x01 : 0x80);
        put8(&b, (unsigned)(0x80 | n));
        put(&b, mask, 4);
        for (size_t k = 0; k < n; k++)
            put8(&b, (uint8_t)text[i + k] ^ mask[k % 4]);
        i += n;
    }
    put(&b, "\x89\x80\1\2\3\4", 6);
    for (size_t cut = 1; cut <= b.size; cut++) {
        forget();
        handshake(&c, (uint16_t)(40000 + cut), 80);
        say_text(&c, ORIG, "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n");
        say_text(&c, RESP, "HTTP/1.1 101 Switching\r\nUpgrade: WebSocket\r\n\r\n");
        say_cut(&c, ORIG, b.data, b.size, cut);
        say(&c, RESP, "\x81\x0dx@example.com\x81\x0dy@example.com", 30);
        finish(&c);
        assert_int_equal(c.items[ORIG], 1);
        assert_int_equal(c.items[RESP], 2);
        assert_int_equal(c.service, SERVICE_WEBSOCKET);
    }
    assert_int_equal(malformed(), 0);
}

/* An upgrade that is only asked for, and one whose bytes are no frames, are HTTP still; frames of
 * the client alone (the answers took another path) are enough. */
static void test_websocket_is_named_by_its_frames(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        const char *then;
        size_t size;
        enum service service;
    } cases[] = {
        {OK "Content-Length: 0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", 18, SERVICE_HTTP},
        {"HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n", "", 0, SERVICE_HTTP},
        {"HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n", "\xff\xff\xff\xff", 4, SERVICE_HTTP},
        {"HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n", "\x81\x81\0\0\0\0a", 7, SERVICE_WEBSOCKET},
        {NULL, "\x81\x81\0\0\0\0a", 7, SERVICE_WEBSOCKET},
        {"HTTP/1.1 101 S\r\nUpgrade: other\r\n\r\n", "\x81\x81\0\0\0\0a", 7, SERVICE_WEBSOCKET},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        forget();
        handshake(&c, (uint16_t)(41000 + i), 80);
        say_text(&c, ORIG, "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
        if (cases[i].answer)
            say_text(&c, RESP, cases[i].answer);
        say(&c, ORIG, cases[i].then, cases[i].size);
        finish(&c);
        if (c.service != cases[i].service)
            fail_msg("case %zu: service %d", i, (int)c.service);
    }
}

/* --- DNS ---------------------------------------------------------------------------------------
 */

static void test_doh(void **state)
{
    (void)state;
    dns_header(&b, 0x0100, 1, 0);
    dns_question(&b, "www.example.com", 1);
    handshake(&c, 40000, 8053);
    char head[256];
    snprintf(head, sizeof head,
             "POST /q HTTP/1.1\r\nHost: doh.example\r\nContent-Type: application/dns-message\r\n"
             "Content-Length: %zu\r\n\r\n",
             b.size);
    say_text(&c, ORIG, head);
    say_cut(&c, ORIG, b.data, b.size, 5);
    say_text(&c, RESP, OK "Content-Length: 0\r\n\r\n");
    /* RFC 8484 4.1.1's own example: the same question */
    say_text(&c, ORIG,
             "GET /dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB HTTP/1.1\r\n\r\n");
    finish(&c);
    assert_string_equal(c.log, "name:doh.example query:www.example.com/1/0 "
                               "query:www.example.com/1/0 ");
    assert_string_equal(c.text[TEXT_APPLICATION], "doh");
    assert_int_equal(malformed(), 0);
}

static void test_no_doh(void **state)
{
    (void)state;
    static const char *const text[] = {
        "GET /?dns=hello HTTP/1.1\r\n\r\n", "GET /dns=AAABAAAB HTTP/1.1\r\n\r\n",
        "GET /?xdns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB HTTP/1.1\r\n\r\n",
        "GET /?dns= HTTP/1.1\r\n\r\n", "GET ? HTTP/1.1\r\n\r\n"};
    for (size_t i = 0; i < COUNT(text); i++) {
        handshake(&c, (uint16_t)(40000 + i), 80);
        say_text(&c, ORIG, text[i]);
        finish(&c);
        assert_string_equal(c.log, "");
        assert_string_equal(c.text[TEXT_APPLICATION], "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_framing),
        TEST(test_lost),
        TEST(test_gap_in_a_body),
        TEST(test_gap_at_its_end),
        TEST(test_gap_in_a_chunk),
        TEST(test_gap_between_answers),
        TEST(test_many_requests_at_once),
        TEST(test_answer_ahead),
        TEST(test_codings),
        TEST(test_transfer_coding),
        TEST(test_tunnel_refused),
        TEST(test_tunnels),
        TEST(test_tunnel_lost),
        TEST(test_websocket),
        TEST(test_websocket_is_named_by_its_frames),
        TEST(test_doh),
        TEST(test_no_doh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
