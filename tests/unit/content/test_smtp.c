/* SMTP as clients and servers speak it: which bytes are messages, how many and how large. */
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
static struct bytes b;
static uint16_t port;

static int setup(void **state)
{
    (void)state;
    b.size = 0;
    port = 20000;
    return conversation_open(&c);
}

static int teardown(void **state)
{
    (void)state;
    conversation_close(&c);
    return 0;
}

static void assert_bodies(uint32_t bodies, uint64_t seen_bytes, uint64_t declared_bytes,
                          uint32_t undeclared)
{
    finish(&c);
    assert_true(c.ended);
    assert_int_equal(c.service, SERVICE_SMTP);
    assert_int_equal(c.facts.body[ORIG].bodies, bodies);
    assert_int_equal(c.facts.body[ORIG].seen_bytes, seen_bytes);
    assert_int_equal(c.facts.body[ORIG].declared_bytes, declared_bytes);
    assert_int_equal(c.facts.body[ORIG].undeclared, undeclared);
    assert_int_equal(c.facts.body[RESP].bodies, 0);
}

/* Its address is found only where it is decoded. */
static const char coded[] = "Content-Transfer-Encoding: base64\r\n\r\nY29kZWRAZXhhbXBsZS5jb20=\r\n";
#define CODED_BYTES (sizeof coded - 1)
static const char *const address[] = {"coded@example.com"};

/* --- DATA --------------------------------------------------------------------------------------
 */

static void test_two_messages(void **state)
{
    (void)state;
    for (size_t most = 1; most < 120; most++) {
        forget(&c);
        handshake(&c, port++, 587);
        say_text(&c, RESP, "220 mx.example ready\r\n");
        say_text(&c, ORIG, "EHLO x\r\n");
        say_text(&c, RESP, "250-mx.example\r\n250 SIZE\r\n");
        b.size = 0;
        put_text(&b, "MAIL FROM:<> BODY=8BITMIME size=63\r\nRCPT TO:<root>\r\nDATA\r\n");
        say_cut(&c, ORIG, b.data, b.size, most);
        say_text(&c, RESP, "250 ok\r\n250 ok\r\n354 go on\r\n");
        say_cut(&c, ORIG, coded, CODED_BYTES, most);
        say_text(&c, ORIG, ".\r\n");
        say_text(&c, RESP, "250 queued\r\n");
        say_text(&c, ORIG, "MAIL FROM:<>\r\n");
        say_text(&c, ORIG, "RCPT TO:<next@example.com>\r\nDATA\r\n");
        say_text(&c, RESP, "250 ok\r\n250 ok\r\n354 go on\r\n");
        say_text(&c, ORIG, "QUIT\r\n\r\nis no command here\r\n.\r\nQUIT\r\n");
        assert_bodies(2, CODED_BYTES + 28, 63, 1);
        assert_true(was_told(&c, "coded@example.com") && was_told(&c, "next@example.com"));
        assert_int_equal(c.hash_count, 2);
    }
}

/* DATA is refused: what follows is a command, though the answers to the others were good ones. */
static void test_refused(void **state)
{
    (void)state;
    handshake(&c, port, 25);
    say_text(&c, RESP, "220 mx.example ESMTP\r\n");
    say_text(&c, ORIG, "EHLO x\r\n");
    say_text(&c, RESP, "250 mx.example\r\n");
    say_text(&c, ORIG, "MAIL FROM:<>\r\nRCPT TO:<root>\r\nDATA\r\n");
    say_text(&c, RESP, "250 ok\r\n550 no\r\n503 no\r\n");
    say_text(&c, ORIG, "XUNKNOWN\r\n");
    say_text(&c, RESP, "500 no\r\n");
    say_text(&c, ORIG, "MAIL FROM:<>\r\nRCPT TO:<root>\r\nDATA\r\n");
    say_text(&c, RESP, "250 ok\r\n250 no\r\n354 yes\r\n");
    say_text(&c, ORIG, coded);
    say_text(&c, ORIG, ".\r\n");
    assert_bodies(1, CODED_BYTES, 0, 1);
    assert_int_equal(told_only(&c, address, 1), 1);
}

/* The capture sees one direction only. */
static void test_one_sided(void **state)
{
    (void)state;
    begin(&c, PROTO_TCP, port, 25);
    say_text(&c, ORIG, "EHLO x\r\n");
    say_text(&c, ORIG, "MAIL FROM:<>\r\nRCPT TO:<root>\r\nDATA\r\n");
    say_text(&c, ORIG, "RSET\r\n"); /* it had been refused */
    say_text(&c, ORIG, "MAIL FROM:<> SIZE=1000\r\nRCPT TO:<root>\r\nDATA\r\n");
    say_text(&c, ORIG, coded);
    say_text(&c, ORIG, ".\r\n");
    say_text(&c, ORIG, "QUIT\r\n");
    assert_bodies(1, CODED_BYTES, 1000, 0);
    assert_int_equal(told_only(&c, address, 1), 1);
}

static void test_server_alone(void **state)
{
    (void)state;
    begin(&c, PROTO_TCP, port, 25);
    say_text(&c, RESP, "250-mx.example greets you\r\n250 HELP\r\n");
    say_text(&c, RESP, "250 ok, a@example.com\r\n354 go on\r\n");
    finish(&c);
    assert_int_equal(c.service, SERVICE_SMTP);
    assert_int_equal(c.items[RESP], 1);
    assert_int_equal(c.facts.body[RESP].bodies, 0);
}

/* A server that does not say what it is, anywhere: the client does. */
static void test_quiet_server(void **state)
{
    (void)state;
    handshake(&c, port, 12345);
    say_text(&c, RESP, "220 mail.example.jp ready\r\n");
    say_text(&c, ORIG, "HELO x\r\n");
    say_text(&c, RESP, "250 hello\r\n");
    say_text(&c, ORIG, "MAIL FROM:<>\r\nRCPT TO:<root>\r\nDATA\r\n");
    say_text(&c, RESP, "250 ok\r\n250 no\r\n354 yes\r\n");
    say_text(&c, ORIG, "NOOP\r\n\r\nonly the server's word makes this a message\r\n.\r\n");
    assert_bodies(1, 53, 0, 1);
}

/* Commands as no client but a mischievous one writes them, and every server takes them. */
static void test_blanks(void **state)
{
    (void)state;
    char far[98 + sizeof "DATA\r\n"];
    memset(far, ' ', sizeof far);
    memcpy(far + 98, "DATA\r\n", sizeof "DATA\r\n");
    const char *const data[] = {" DATA\r\n", "\tDATA \t\r\n", "DATA\t\r\n", far};
    for (size_t i = 0; i < COUNT(data); i++)
        for (size_t most = 1; most < 70; most++) {
            forget(&c);
            handshake(&c, port++, 25);
            say_text(&c, RESP, "220 mx.example ESMTP\r\n");
            say_text(&c, ORIG, "EHLO x\r\n MAIL  FROM:<>\r\nRCPT TO:<root>\r\n");
            say_text(&c, ORIG, "BDAT  \t 6   LAST \r\nX: y\r\n");
            say_text(&c, RESP, "250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n");
            say_text(&c, ORIG, "MAIL  FROM:<>\r\nRCPT  TO:<root>\r\n");
            say_cut(&c, ORIG, data[i], strlen(data[i]), most);
            say_text(&c, RESP, "250 ok\r\n250 ok\r\n354 go on\r\n");
            say_text(&c, ORIG, "NOOP : x\r\n");
            say_cut(&c, ORIG, coded, CODED_BYTES, most);
            say_text(&c, ORIG, ".\r\n");
            smtp_quit(&c);
            assert_bodies(2, 6 + 10 + CODED_BYTES, 0, 2);
            assert_int_equal(told_only(&c, address, 1), 1);
        }
}

/* Lines that end with a line feed alone, as a person at a terminal sends them. */
static void test_bare(void **state)
{
    (void)state;
    handshake(&c, port, 25);
    say_text(&c, RESP, "220 mx.example ESMTP\r\n");
    say_text(&c, ORIG, "HELO x\n");
    say_text(&c, ORIG, "MAIL FROM:<>\nRCPT TO:<root>\nDATA\n");
    say_text(&c, RESP, "250 x\r\n250 ok\r\n250 ok\r\n354 go on\r\n");
    say_text(&c, ORIG, "Subject: x\n\nx\n.\nQUIT\n");
    assert_bodies(1, 14, 0, 1);
}

/* Whatever is declared, the sum is one that a record may hold. */
static void test_declared(void **state)
{
    (void)state;
    handshake(&c, port, 25);
    for (int i = 0; i < 3; i++) {
        say_text(&c, ORIG, "MAIL FROM:<> SIZE=999999999999999999\r\nDATA\r\nX: x\r\n.\r\n");
        say_text(&c, ORIG, "MAIL FROM:<> SIZE=9999999999999999999\r\nDATA\r\nX: x\r\n.\r\n");
    }
    assert_bodies(6, 36, RECORD_BYTES_MAX, 3);
}

/* --- BDAT --------------------------------------------------------------------------------------
 */

static void test_chunks(void **state)
{
    (void)state;
    for (size_t most = 1; most < 60; most++) {
        b.size = 0;
        put_text(&b, "LHLO x\r\nMAIL FROM:<> SIZE=63\r\nRCPT TO:<root>\r\nBDAT 40\r\n");
        put(&b, coded, 40);
        put_text(&b, "NOOP\r\nBDAT 0\r\nBDAT 23 last\r\n");
        put(&b, coded + 40, CODED_BYTES - 40);
        put_text(&b, "MAIL FROM:<>\r\nBDAT 3\r\nx\r\nRSET\r\nBDAT 0 LAST\r\nBDAT x\r\nQUIT\r\n");
        forget(&c);
        handshake(&c, port++, 24);
        say_cut(&c, ORIG, b.data, b.size, most);
        assert_bodies(3, CODED_BYTES + 3, 63, 2);
        assert_int_equal(told_only(&c, address, 1), 1);
    }
}

/* Within a chunk missing bytes lose no place. */
static void test_chunk_gap(void **state)
{
    (void)state;
    handshake(&c, port, 25);
    say_text(&c, RESP, "220 mx.example ESMTP\r\n");
    say_text(&c, ORIG, "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<root>\r\nBDAT 1000\r\n");
    say_text(&c, ORIG, "Subject: x\r\n\r\n");
    lose(&c, ORIG, 1000 - 14);
    say_text(&c, ORIG, "BDAT 500 LAST\r\n");
    say_text(&c, ORIG, "MAIL FROM:<>");
    lose(&c, ORIG, 500 - 12);
    say_text(&c, ORIG, "MAIL FROM:<a@example.com>\r\n");
    assert_bodies(1, 14 + 12, 0, 1);
    assert_int_equal(c.items[ORIG], 1);
}

/* Chunks without a last one, then a message whose DATA is missing: two messages. */
static void test_chunk_and_message(void **state)
{
    (void)state;
    smtp_open(&c, port, "MAIL FROM:<>\r\nRCPT TO:<root>\r\nBDAT 3\r\nx\r\n");
    lose(&c, ORIG, 50);
    say_text(&c, ORIG, "is no command\r\n.\r\n");
    smtp_quit(&c);
    assert_bodies(2, 3 + 15, 0, 2);
}

/* --- missing bytes -----------------------------------------------------------------------------
 */

/* The lone dot is missing: the next command ends the message, because the server had answered. */
static void test_end_lost(void **state)
{
    (void)state;
    smtp_open(&c, port, "MAIL FROM:<>\r\nRCPT TO:<root>\r\nDATA\r\n");
    say_text(&c, ORIG, "Subject: x\r\n\r\nmail from\r\n");
    lose(&c, ORIG, 20);
    say_text(&c, ORIG, "MAIL FROM:<mallory@example.com> is no command yet\r\n");
    for (int i = 0; i < 3; i++) { /* nothing but the acknowledgement, and time to believe it */
        packet(&c, RESP, TCP_ACK, NULL, 0, 0);
        c.now.ns += 100 * NS_PER_MS;
    }
    lose(&c, ORIG, 10);
    say_text(&c, RESP, "250 queued\r\n");
    say_text(&c, ORIG, "MAIL FROM:<>\r\nRCPT TO:<root>\r\nDATA\r\n");
    say_text(&c, RESP, "250 ok\r\n250 ok\r\n354 go on\r\n");
    say_text(&c, ORIG, coded);
    say_text(&c, ORIG, ".\r\n");
    smtp_quit(&c);
    assert_bodies(2, 25 + 51 + CODED_BYTES, 0, 2);
    assert_true(was_told(&c, "coded@example.com"));
}

/* DATA itself is missing, and the message's head: the server had said 354. */
static void test_beginning_lost(void **state)
{
    (void)state;
    smtp_open(&c, port, "MAIL FROM:<>\r\n");
    lose(&c, ORIG, 400);
    say_text(&c, ORIG, "of a head\r\n\r\n--b\r\n");
    say_text(&c, ORIG, coded);
    say_text(&c, ORIG, "--b--\r\n.\r\n");
    smtp_quit(&c);
    assert_bodies(1, 18 + CODED_BYTES + 7, 0, 1);
    assert_int_equal(told_only(&c, address, 1), 1);
}

/* Segments that overtake each other. */
static void test_reordered(void **state)
{
    (void)state;
    smtp_open(&c, port, "MAIL FROM:<>\r\nRCPT TO:<root>\r\nDATA\r\n");
    b.size = 0;
    put_text(&b, coded);
    put_text(&b, ".\r\n");
    uint32_t start = c.next[ORIG];
    for (size_t at = 0; at < b.size; at += 20) {
        size_t first = at + 10 < b.size ? at + 10 : b.size, end = at + 20;
        end = end < b.size ? end : b.size;
        c.next[ORIG] = start + (uint32_t)first;
        say(&c, ORIG, b.data + first, end - first);
        c.next[ORIG] = start + (uint32_t)at;
        say(&c, ORIG, b.data + at, first - at);
        c.next[ORIG] = start + (uint32_t)end;
    }
    smtp_quit(&c);
    assert_bodies(1, CODED_BYTES, 0, 1);
    assert_int_equal(told_only(&c, address, 1), 1);
}

/* --- secrets -----------------------------------------------------------------------------------
 */

static void test_secrets(void **state)
{
    (void)state;
    static const char *const shown[] = {"a@example.com", "b@example.com"};
    static const char said[] = "AUTH XPLAIN me@example.com\r\nyou@example.com\r\n"
                               "MAIL FROM:<a@example.com> AUTH=<>\r\nAUTH LOGIN\r\n"
                               "you@example.com\r\nthem@example.com\r\nRCPT TO:<b@example.com>\r\n";
    for (size_t most = 1; most < 40; most++) {
        forget(&c);
        begin(&c, PROTO_TCP, port++, 587);
        say_text(&c, ORIG, "EHLO x\r\n");
        say_cut(&c, ORIG, said, sizeof said - 1, most);
        assert_bodies(0, 0, 0, 0);
        assert_int_equal(told_only(&c, shown, 2), 2);
    }
    forget(&c);
    handshake(&c, port, 587);
    say_text(&c, RESP, "220 x ESMTP\r\n");
    say_text(&c, ORIG, "EHLO x\r\nAUTH XPLAIN\r\n");
    say_text(&c, RESP, "250 x\r\n334 \r\n");
    lose(&c, ORIG, 10); /* whatever it was */
    say_text(&c, ORIG, "ret@example.com\r\n");
    say_text(&c, RESP, "235 welcome\r\n");
    say_text(&c, ORIG, "XCOMMAND a@example.com\r\n");
    assert_bodies(0, 0, 0, 0);
    assert_int_equal(told_only(&c, shown, 1), 1);
}

/* What is longer than any secret is none. */
static void test_no_secret(void **state)
{
    (void)state;
    char line[1024];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    begin(&c, PROTO_TCP, port, 587);
    say_text(&c, ORIG, "EHLO x\r\nAUTH XPLAIN\r\nsecret@example.com\r\n");
    for (int i = 0; i < 70; i++)
        say(&c, ORIG, line, sizeof line);
    say_text(&c, ORIG, "a@example.com\r\n");
    assert_bodies(0, 0, 0, 0);
    assert_int_equal(c.hash_count, 1);
    assert_true(was_told(&c, "a@example.com"));
}

/* Of a line longer than what is kept its end counts, however it is cut and short its verb is. */
static void test_long_line(void **state)
{
    (void)state;
    for (size_t most = 1; most < 2000; most = most * 3 / 2 + 1) {
        b.size = 0;
        put_text(&b, "EHLO x\r\nMAIL FROM:<");
        for (int i = 0; i < 1500; i++)
            put8(&b, 'x');
        put_text(&b, "@example.com> SIZE=63\r\nRCPT TO:<root>\r\nDATA\r\n");
        put(&b, coded, CODED_BYTES);
        put_text(&b, ".\r\n");
        forget(&c);
        begin(&c, PROTO_TCP, port++, 25);
        say_cut(&c, ORIG, b.data, b.size, most);
        assert_bodies(1, CODED_BYTES, 63, 0);
    }
}

/* Where the flow is found in its middle, a line's rest may be a secret's. */
static void test_midstream(void **state)
{
    (void)state;
    static const char *const shown[] = {"b@example.com"};
    begin(&c, PROTO_TCP, port, 25);
    say_text(&c, RESP, "334 what\r\n");
    say_text(&c, ORIG, "assword@example.com\r\n");
    say_text(&c, ORIG, "RCPT TO:<b@example.com>\r\n");
    assert_bodies(0, 0, 0, 0);
    assert_int_equal(told_only(&c, shown, 1), 1);
}

static void test_tls(void **state)
{
    static struct bytes answer;
    (void)state;
    answer.size = 0;
    server_flight(&answer);
    sealed_record(&answer, " mallory@example.com ", 21);
    plain_hello(&b, "mx.example");
    for (size_t most = 1; most < 30; most++) {
        forget(&c);
        handshake(&c, port++, 25);
        say_text(&c, RESP, "220 mx.example ready\r\n");
        say_text(&c, ORIG, "EHLO x\r\n");
        say_text(&c, RESP, "250 STARTTLS\r\n");
        say_text(&c, ORIG, "STARTTLS\r\n");
        say_text(&c, RESP, "220 go\r\n");
        say_cut(&c, ORIG, b.data, b.size, most);
        say_cut(&c, RESP, answer.data, answer.size, most);
        say_text(&c, ORIG, "\x17\3\3\0\x30 mallory@example.com ");
        assert_bodies(0, 0, 0, 0);
        assert_string_equal(c.server_name, "mx.example");
        assert_int_equal(c.hash_count, 0);
    }
}

/* What looks like TLS and was not agreed upon hides nothing: a line, a message's first, a message's
 * behind a STARTTLS that was refused, or not waited for. */
static void test_no_tls(void **state)
{
    (void)state;
    static const char hello[] = "\x16\3\1\0\5\1\r\n";
    static const char mail[] = "MAIL FROM:<>\r\nRCPT TO:<root>\r\nDATA\r\n";
    static const char *const before[] = {"", "STARTTLS\r\n"};
    for (size_t i = 0; i < 2; i++) {
        for (size_t most = 1; most < 8; most++) {
            forget(&c);
            handshake(&c, port++, 25);
            say_text(&c, RESP, "220 mx.example ESMTP\r\n");
            say_text(&c, ORIG, "EHLO x\r\n");
            say_text(&c, RESP, "250 mx.example\r\n");
            if (most == 1)
                say_text(&c, ORIG, before[i]);
            say_text(&c, RESP, i && most == 1 ? "502 no\r\n" : "250 no\r\n");
            if (most > 1)
                say_text(&c, ORIG, before[i]);
            say_cut(&c, ORIG, hello, sizeof hello - 1, most);
            say_text(&c, ORIG, mail);
            say_text(&c, RESP, "500 what?\r\n250 ok\r\n250 ok\r\n354 go on\r\n");
            say_cut(&c, ORIG, coded, CODED_BYTES, most);
            say_text(&c, ORIG, ".\r\nMAIL FROM:<>\r\nRCPT TO:<root>\r\nDATA\r\n");
            say_text(&c, RESP, "250 ok\r\n250 ok\r\n250 ok\r\n354 go on\r\n");
            say_cut(&c, ORIG, hello, sizeof hello - 1, most);
            say_text(&c, ORIG, "next@example.com\r\n.\r\n");
            assert_bodies(2, CODED_BYTES + 8 + 18, 0, 2);
            assert_int_equal(c.hash_count, 2);
        }
    }
}

/* A client that speaks first, and like a server. */
static void test_turned(void **state)
{
    (void)state;
    for (size_t most = 1; most < 30; most++) {
        forget(&c);
        handshake(&c, port++, 25);
        say_text(&c, ORIG, "220 mx.example ESMTP\r\n");
        say_text(&c, RESP, "220 mx.example ESMTP\r\n500 what?\r\n");
        b.size = 0;
        put_text(&b, "MAIL FROM:<>\r\nRCPT TO:<root>\r\nDATA\r\n");
        say_cut(&c, ORIG, b.data, b.size, most);
        say_text(&c, RESP, "250 ok\r\n250 ok\r\n354 go on\r\n");
        say_cut(&c, ORIG, coded, CODED_BYTES, most);
        say_text(&c, ORIG, ".\r\n");
        assert_bodies(1, CODED_BYTES, 0, 1);
        assert_int_equal(told_only(&c, address, 1), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_two_messages),   TEST(test_refused),
        TEST(test_one_sided),      TEST(test_server_alone),
        TEST(test_quiet_server),   TEST(test_bare),
        TEST(test_declared),       TEST(test_chunks),
        TEST(test_chunk_gap),      TEST(test_end_lost),
        TEST(test_beginning_lost), TEST(test_reordered),
        TEST(test_secrets),        TEST(test_no_secret),
        TEST(test_midstream),      TEST(test_tls),
        TEST(test_long_line),      TEST(test_no_tls),
        TEST(test_blanks),         TEST(test_chunk_and_message),
        TEST(test_turned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
