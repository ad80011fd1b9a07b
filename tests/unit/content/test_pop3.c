/* POP3 as clients and servers speak it: which answers are messages. */
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

/* Its address is found only where it is decoded. */
static const char coded[] = "Content-Transfer-Encoding: base64\r\n\r\nY29kZWRAZXhhbXBsZS5jb20=\r\n";
#define CODED_BYTES (sizeof coded - 1)
static const char *const address[] = {"coded@example.com"};

static void assert_bodies(uint32_t bodies, uint64_t seen_bytes, uint64_t declared_bytes,
                          uint32_t undeclared)
{
    finish(&c);
    assert_true(c.ended);
    assert_int_equal(c.service, SERVICE_POP3);
    assert_int_equal(c.facts.body[RESP].bodies, bodies);
    assert_int_equal(c.facts.body[RESP].seen_bytes, seen_bytes);
    assert_int_equal(c.facts.body[RESP].declared_bytes, declared_bytes);
    assert_int_equal(c.facts.body[RESP].undeclared, undeclared);
    assert_int_equal(c.facts.body[ORIG].bodies, 0);
}

static void answer(const char *line, const char *message, size_t most)
{
    struct bytes *text = calloc(1, sizeof *text), *dotted = calloc(1, sizeof *dotted);
    put_text(text, message);
    put_text(dotted, line);
    put_dotted(dotted, text);
    say_cut(&c, RESP, dotted->data, dotted->size, most);
    free(text);
    free(dotted);
}

static void test_session(void **state)
{
    (void)state;
    for (size_t most = 1; most < 100; most++) {
        forget(&c);
        handshake(&c, port++, 110);
        say_text(&c, RESP, "+OK ready\r\n");
        say_text(&c, ORIG, "CAPA\r\n");
        answer("+OK\r\n", "TOP\r\nSASL PLAIN\r\n", most);
        say_text(&c, ORIG, "LIST\r\n");
        answer("+OK 2 messages\r\n", "1 63\r\n2 5\r\n", most);
        say_text(&c, ORIG, "RETR 1\r\n");
        answer("+OK 63 octets\r\n", coded, most);
        say_text(&c, ORIG, "RETR 9\r\n");
        say_text(&c, RESP, "-ERR no such message\r\n");
        say_text(&c, ORIG, "TOP 2 0\r\n");
        answer("+OK\r\n", ".x\r\n\r\n", most); /* no field, but asked for */
        say_text(&c, ORIG, "QUIT\r\n");
        say_text(&c, RESP, "+OK bye\r\n");
        assert_bodies(2, CODED_BYTES + 6, 63, 1);
        assert_int_equal(told_only(&c, address, 1), 1);
    }
}

/* The server's side alone, on a port that says nothing. */
static void test_one_sided(void **state)
{
    (void)state;
    handshake(&c, port, 11000);
    say_text(&c, RESP, "+OK POP3 server ready\r\n");
    say_text(&c, RESP, "+OK\r\n");
    say_text(&c, RESP, "+OK 2 320\r\n");
    answer("+OK scan listing follows\r\n", "1 63\r\n2 5\r\n", 1000);
    answer("+OK\r\n", coded, 1000);
    answer("+OK\r\n", coded, 1000);
    say_text(&c, RESP, "+OK\r\n");
    assert_bodies(2, 2 * CODED_BYTES, 0, 2);
    assert_int_equal(told_only(&c, address, 1), 1);
}

static void test_gaps(void **state)
{
    (void)state;
    put_text(&b, "+OK\r\n");
    put_text(&b, coded);
    put_text(&b, "..\r\n.\r\n");
    for (size_t at = 1; at + 3 <= b.size; at++) {
        forget(&c);
        handshake(&c, port++, 110);
        say_text(&c, RESP, "+OK ready\r\n");
        say_text(&c, ORIG, "RETR 1\r\n");
        say(&c, RESP, b.data, at);
        lose(&c, RESP, 3);
        say(&c, RESP, b.data + at + 3, b.size - at - 3);
        say_text(&c, ORIG, "RETR 2\r\n");
        answer("+OK\r\n", coded, 40);
        finish(&c);
        assert_int_equal(told_only(&c, address, 1), 1);
        assert_int_equal(c.facts.body[RESP].bodies, 2);
    }
}

static void test_secrets(void **state)
{
    (void)state;
    static const char said[] = "USER me@example.com\r\nPASS secret@example.com\r\n"
                               "apop me secret@example.com\r\nAUTH PLAIN secret@example.com\r\n"
                               "AUTH\r\nsecret@example.com\r\nsecret@example.com\r\nSTAT\r\n";
    static const char *const shown[] = {"me@example.com"};
    for (size_t most = 1; most < 60; most++) {
        forget(&c);
        begin(&c, PROTO_TCP, port++, 110);
        say_cut(&c, ORIG, said, sizeof said - 1, most);
        assert_bodies(0, 0, 0, 0);
        assert_int_equal(told_only(&c, shown, 1), 1);
    }
    for (uint32_t lost = 1; lost < 20; lost++) {
        forget(&c);
        begin(&c, PROTO_TCP, port++, 110);
        say_text(&c, ORIG, "USER me\r\n");
        lose(&c, ORIG, lost);
        say_text(&c, ORIG, "ASS secret@example.com\r\n");
        say_text(&c, ORIG, "STAT\r\n");
        assert_bodies(0, 0, 0, 0);
        assert_int_equal(c.hash_count, 0);
    }
}

static void test_tls(void **state)
{
    static struct bytes answer;
    (void)state;
    answer.size = 0;
    server_flight(&answer);
    sealed_record(&answer, " mallory@example.com ", 21);
    plain_hello(&b, "pop.example");
    for (size_t most = 1; most < 30; most++) {
        forget(&c);
        handshake(&c, port++, 110);
        say_text(&c, RESP, "+OK ready\r\n");
        say_text(&c, ORIG, "STLS\r\n");
        say_text(&c, RESP, "+OK\r\n");
        say_cut(&c, ORIG, b.data, b.size, most);
        say_cut(&c, RESP, answer.data, answer.size, most);
        assert_bodies(0, 0, 0, 0);
        assert_string_equal(c.server_name, "pop.example");
        assert_int_equal(c.hash_count, 0);
    }
}

/* Redis says "+OK" too. */
static void test_others(void **state)
{
    (void)state;
    handshake(&c, port, 6379);
    say_text(&c, ORIG, "PING\r\n");
    say_text(&c, RESP, "+OK\r\n");
    finish(&c);
    assert_int_equal(c.service, SERVICE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_session), TEST(test_one_sided), TEST(test_gaps),
        TEST(test_secrets), TEST(test_tls),       TEST(test_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
