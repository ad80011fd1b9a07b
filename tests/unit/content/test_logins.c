/* What clients ask a server for, in conversations cut at every byte: told once the server answered,
 * of the side that answers, as keyed hashes. */
#include "letters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ORIG         SIDE_ORIG
#define RESP         SIDE_RESP
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct conversation c;
static uint16_t port;

static int setup(void **state)
{
    (void)state;
    port = 20000;
    return conversation_open(&c);
}

static int teardown(void **state)
{
    (void)state;
    conversation_close(&c);
    return 0;
}

static uint64_t hash_of(char kind, const char *name)
{
    char text[300] = {kind};
    strcpy(text + 1, name);
    return hash64_keyed(&c.key, text, strlen(name) + 1);
}

static bool was_asked(uint64_t hash)
{
    for (size_t i = 0; i < c.asked_count; i++)
        if (c.asked_hash[i] == hash)
            return true;
    return false;
}

/* Lines begin with "> " (the client's) or "< "; what is told of the server's side is `asked`. */
static void talk(uint16_t server_port, const char *const *lines, size_t most)
{
    c.asked_size = c.asked_count = 0;
    c.asked[0] = '\0';
    memset(c.of_class, 0, sizeof c.of_class);
    handshake(&c, port++, server_port);
    for (size_t i = 0; lines[i]; i++)
        say_cut(&c, lines[i][0] == '>' ? ORIG : RESP, lines[i] + 2, strlen(lines[i] + 2), most);
    finish(&c);
}

static void expect_in_all_cuts(uint16_t server_port, const char *const *lines, const char *asked)
{
    for (size_t most = 1; most < 200; most += most < 20 ? 1 : 30) {
        talk(server_port, lines, most);
        assert_string_equal(c.asked, asked);
        for (int class = CONTENT_CLASSES; class < CONTENT_KINDS; class ++)
            assert_int_equal(c.of_class[ORIG][class], 0);
    }
}

/* --- HTTP ------------------------------------------------------------------------------------ */

#define OK_BODY "< HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define ALICE   "Authorization: Basic YWxpY2U6c2VjcmV0\r\n" /* alice:secret */
#define BOB     "Authorization: Digest username=\"Bob\", qop=auth\r\n"

static void test_http(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "> GET /projects/alpha/a HTTP/1.1\r\nHost: x.example\r\n" ALICE "\r\n",
        OK_BODY,
        "> GET /projects/alpha/b?c=d HTTP/1.1\r\nHost: x.example\r\n" ALICE "\r\n", /* the same */
        OK_BODY,
        "> GET /projects/beta/ HTTP/1.1\r\nHost: x.example\r\n" BOB "\r\n",
        "< HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno",
        "> GET /projects/gamma/ HTTP/1.1\r\nHost: x.example\r\n" BOB "\r\n",
        "< HTTP/1.1 302 Found\r\nContent-Length: 2\r\n\r\nup",
        NULL,
    };
    expect_in_all_cuts(80, lines, "account/http account/http refused/http project/http ");
    assert_true(was_asked(hash_of('a', "alice")));
    assert_true(was_asked(hash_of('a', "bob"))); /* letters count alike */
    assert_true(was_asked(hash_of('a', "bob") ^ 1));
    assert_true(was_asked(hash_of('p', "/projects/alpha")));
}

static void test_http_gives_nothing(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "> HEAD /projects/alpha/ HTTP/1.1\r\nHost: x.example\r\n\r\n",
        "< HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "> GET /projects/beta/ HTTP/1.1\r\nHost: x.example\r\n\r\n",
        "< HTTP/1.1 204 No Content\r\n\r\n",
        "> GET /projects/gamma/ HTTP/1.1\r\nHost: x.example\r\n\r\n",
        "< HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "> GET /projects/delta/ HTTP/1.1\r\nHost: x.example\r\n" ALICE "\r\n",
        "< HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno",
        "> GET /projects/zeta/ HTTP/1.1\r\nHost: x.example\r\n\r\n",
        "< HTTP/1.1 304 Not Modified\r\n\r\n",
        NULL,
    };
    expect_in_all_cuts(80, lines, "");
}

/* An interim answer answers nothing; what is said in a row is answered in a row. */
static void test_http_pipelined(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "> GET /a/one/ HTTP/1.1\r\nHost: x.example\r\n" ALICE "\r\n"
        "GET /a/two/ HTTP/1.1\r\nHost: x.example\r\n" BOB "\r\n"
        "GET /a/three/ HTTP/1.1\r\nHost: x.example\r\n\r\n",
        "< HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 403 No\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 "
        "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nHTTP/1.1 404 No\r\n"
        "Content-Length: 1\r\n\r\nx",
        NULL,
    };
    expect_in_all_cuts(80, lines, "account/http refused/http project/http ");
    assert_true(was_asked(hash_of('a', "alice") ^ 1));
    assert_true(was_asked(hash_of('a', "bob")));
    assert_true(was_asked(hash_of('p', "/a/two")));
}

/* Requests are missing: an answer is at most taken for one's that was seen. */
static void test_http_gap(void **state)
{
    (void)state;
    static const char request[] = "GET /a/one/ HTTP/1.1\r\nHost: x.example\r\n" ALICE "\r\n";
    handshake(&c, port++, 80);
    say_text(&c, ORIG, request);
    lose(&c, ORIG, 100);
    say_text(&c, ORIG, "GET /a/two/ HTTP/1.1\r\nHost: x.example\r\n\r\n");
    say_text(&c, RESP, OK_BODY + 2);
    say_text(&c, RESP, OK_BODY + 2);
    finish(&c);
    assert_in_range(c.asked_count, 0, 3);
    for (size_t i = 0; i < c.asked_count; i++)
        assert_true(c.asked_hash[i] == hash_of('a', "alice") ||
                    c.asked_hash[i] == hash_of('p', "/a/one") ||
                    c.asked_hash[i] == hash_of('p', "/a/two"));
}

/* --- HTTP/2 ---------------------------------------------------------------------------------- */

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

/* A literal with an indexed name (RFC 7541 6.2.2, static table: 4 :path, 23 authorization). */
static void field(struct bytes *to, unsigned index, const char *value)
{
    if (index < 15) {
        put8(to, index);
    } else {
        put8(to, 15);
        put8(to, index - 15);
    }
    put8(to, (unsigned)strlen(value));
    put_text(to, value);
}

static void ask(struct bytes *to, uint32_t stream, const char *path, const char *authorization)
{
    struct bytes *block = calloc(1, sizeof *block);
    put8(block, 0x82); /* GET */
    field(block, 4, path);
    if (authorization)
        field(block, 23, authorization);
    frame(to, 1, 4 | 1, stream, block->data, block->size);
    free(block);
}

static void test_http2(void **state)
{
    (void)state;
    struct bytes *asks = calloc(1, sizeof *asks), *answers = calloc(1, sizeof *answers);
    put_text(asks, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    frame(asks, 4, 0, 0, NULL, 0);
    ask(asks, 1, "/p/one/x", "Basic YWxpY2U6c2VjcmV0");
    ask(asks, 3, "/p/two/x", "Basic Ym9iOnNlY3JldA=="); /* bob:secret */
    ask(asks, 5, "/p/three/x", NULL);
    ask(asks, 7, "/p/four/x", NULL);
    frame(answers, 4, 0, 0, NULL, 0);
    frame(answers, 1, 4 | 1, 7, "\x89", 1); /* 204, and the stream ends */
    frame(answers, 1, 4, 5, "\x88", 1);     /* 200 */
    frame(answers, 0, 1, 5, "content", 7);
    frame(answers, 1, 4 | 1, 3,
          "\x48\x03"
          "401",
          5); /* status, a literal */
    frame(answers, 1, 4, 1, "\x88", 1);
    frame(answers, 0, 1, 1, "content", 7);
    for (size_t most = 1; most < 300; most += most < 20 ? 1 : 40) {
        c.asked_size = c.asked_count = 0;
        handshake(&c, port++, 80);
        say_cut(&c, ORIG, asks->data, asks->size, most);
        say_cut(&c, RESP, answers->data, answers->size, most);
        finish(&c);
        assert_string_equal(c.asked, "account/http refused/http project/http project/http ");
        assert_true(was_asked(hash_of('a', "alice")));
        assert_true(was_asked(hash_of('a', "bob") ^ 1));
        assert_true(was_asked(hash_of('p', "/p/one")));
        assert_true(was_asked(hash_of('p', "/p/three")));
    }
    free(asks);
    free(answers);
}

/* --- lines ----------------------------------------------------------------------------------- */

static void test_ftp(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "< 220 ready\r\n",
        "> USER alice\r\n",
        "< 331 password?\r\n",
        "> PASS wrong\r\n",
        "< 530 no\r\n",
        "> USER alice\r\n",
        "< 331 password?\r\n",
        "> PASS secret\r\n",
        "< 230-Welcome\r\n230 in\r\n",
        "> USER bob\r\n",
        "< 230 no password needed\r\n",
        "> NOOP\r\n",
        "< 530 not now\r\n", /* of no login */
        NULL,
    };
    expect_in_all_cuts(21, lines, "account/ftp account/ftp refused/ftp ");
    assert_true(was_asked(hash_of('a', "alice")));
    assert_true(was_asked(hash_of('a', "bob")));
    assert_true(was_asked(hash_of('a', "alice") ^ 1));
}

static void test_pop3(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "< +OK POP3 ready\r\n",
        "> CAPA\r\n",
        "< +OK\r\nUSER\r\nSASL PLAIN\r\n.\r\n",
        "> USER alice\r\n",
        "< +OK\r\n",
        "> PASS wrong\r\n",
        "< -ERR no\r\n",
        "> APOP bob c4c9334bac560ecc979e58001b3e22fb\r\n",
        "< +OK in\r\n",
        "> AUTH PLAIN\r\n",
        "< + \r\n",
        "> AGNhcm9sAHNlY3JldA==\r\n", /* NUL carol NUL secret */
        "< +OK\r\n",
        "> AUTH PLAIN AGRhdmUAc2VjcmV0\r\n", /* dave */
        "< -ERR\r\n",
        "> QUIT\r\n",
        "< +OK\r\n",
        NULL,
    };
    expect_in_all_cuts(110, lines, "account/pop3 account/pop3 refused/pop3 refused/pop3 ");
    assert_true(was_asked(hash_of('a', "alice") ^ 1));
    assert_true(was_asked(hash_of('a', "bob")));
    assert_true(was_asked(hash_of('a', "carol")));
    assert_true(was_asked(hash_of('a', "dave") ^ 1));
}

/* The answer to USER, in a row with PASS, lets nobody in. */
static void test_pop3_pipelined(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "< +OK POP3 ready\r\n",
        "> USER alice\r\nPASS wrong\r\nQUIT\r\n",
        "< +OK\r\n-ERR no\r\n+OK bye\r\n",
        NULL,
    };
    expect_in_all_cuts(110, lines, "refused/pop3 ");
}

static void test_imap(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "< * OK ready\r\n",
        "> a1 LOGIN alice wrong\r\n",
        "< a1 NO no\r\n",
        "> a2 LOGIN \"alice\" {6}\r\n",
        "< + go on\r\n",
        "> secret\r\n",
        "< * CAPABILITY IMAP4rev1\r\na9 OK other\r\na2 OK in\r\n",
        "> a3 AUTHENTICATE PLAIN\r\n",
        "< + \r\n",
        "> AGNhcm9sAHNlY3JldA==\r\n",
        "< a3 OK in\r\n",
        "> a4 AUTHENTICATE PLAIN AGRhdmUAc2VjcmV0\r\n",
        "< a4 BAD\r\n",
        "> a5 SELECT \"LOGIN eve x\"\r\n",
        "< a5 OK\r\n",
        NULL,
    };
    expect_in_all_cuts(143, lines, "account/imap account/imap refused/imap refused/imap ");
    assert_true(was_asked(hash_of('a', "alice") ^ 1));
    assert_true(was_asked(hash_of('a', "alice")));
    assert_true(was_asked(hash_of('a', "carol")));
    assert_true(was_asked(hash_of('a', "dave") ^ 1));
}

static void test_smtp(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "< 220 x.example ESMTP\r\n",
        "> EHLO y.example\r\n",
        "< 250-x.example\r\n250 AUTH PLAIN LOGIN CRAM-MD5\r\n",
        "> AUTH PLAIN AGRhdmUAc2VjcmV0\r\n",
        "< 535 no\r\n",
        "> AUTH LOGIN\r\n",
        "< 334 VXNlcm5hbWU6\r\n",
        "> YWxpY2U=\r\n",
        "< 334 UGFzc3dvcmQ6\r\n",
        "> c2VjcmV0\r\n",
        "< 235 in\r\n",
        "> AUTH CRAM-MD5\r\n",
        "< 334 PDQxOTI5NDIzNDEuMTI4Mjg0NzJAc291cmNlZm91ci5hbmRyZXcuY211LmVkdT4=\r\n",
        "> cmpzMyBlYzNhNTlmZWQzOTVhYmExZWM2MzY3YzRmNGI0MWFjMA==\r\n",
        "< 235 in\r\n",
        "> MAIL FROM:<a@y.example>\r\n",
        "< 550 no\r\n",
        NULL,
    };
    expect_in_all_cuts(587, lines, "account/smtp refused/smtp ");
    assert_true(was_asked(hash_of('a', "alice")));
    assert_true(was_asked(hash_of('a', "dave") ^ 1));
}

/* Bytes are missing between the name and the answer: whose it is nobody knows. */
static void test_line_gaps(void **state)
{
    (void)state;
    static const struct {
        uint16_t port;
        const char *greeting, *name, *secret, *in;
    } row[] = {
        {21, "220 ready\r\n", "USER alice\r\n", "PASS x\r\n", "230 in\r\n"},
        {110, "+OK POP3\r\n", "USER alice\r\n", "PASS x\r\n", "+OK in\r\n"},
        {143, "* OK ready\r\n", "a1 LOGIN alice x\r\n", "a2 NOOP\r\n", "a1 OK\r\n"},
        {587, "220 ESMTP\r\n", "AUTH PLAIN AGRhdmUAc2VjcmV0\r\n", "NOOP\r\n", "235 in\r\n"},
    };
    for (size_t i = 0; i < COUNT(row); i++)
        for (int lost = 0; lost < 2; lost++) {
            c.asked_size = c.asked_count = 0;
            handshake(&c, port++, row[i].port);
            say_text(&c, RESP, row[i].greeting);
            say_text(&c, ORIG, row[i].name);
            if (lost)
                lose(&c, ORIG, 60);
            say_text(&c, ORIG, row[i].secret);
            packet(&c, RESP, TCP_ACK, NULL, 0, 0);
            c.now.ns += NS_PER_S; /* acknowledged for so long, they do not come any more */
            packet(&c, RESP, TCP_ACK, NULL, 0, 0);
            say_text(&c, RESP, row[i].in);
            if (i == 1)
                say_text(&c, RESP, row[i].in); /* to USER, and to PASS */
            finish(&c);
            assert_int_equal(c.asked_count, lost ? 0 : 1);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_http, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_gives_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_pipelined, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_gap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http2, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ftp, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pop3, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pop3_pipelined, setup, teardown),
        cmocka_unit_test_setup_teardown(test_imap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_smtp, setup, teardown),
        cmocka_unit_test_setup_teardown(test_line_gaps, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
