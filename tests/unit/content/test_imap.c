/* IMAP as clients and servers speak it: which literals are messages. */
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

static void assert_bodies(enum flow_side side, uint32_t bodies, uint64_t seen_bytes,
                          uint64_t declared_bytes, uint32_t undeclared)
{
    finish(&c);
    assert_true(c.ended);
    assert_int_equal(c.service, SERVICE_IMAP);
    assert_int_equal(c.facts.body[side].bodies, bodies);
    assert_int_equal(c.facts.body[side].seen_bytes, seen_bytes);
    assert_int_equal(c.facts.body[side].declared_bytes, declared_bytes);
    assert_int_equal(c.facts.body[side].undeclared, undeclared);
    assert_int_equal(c.facts.body[1 - side].bodies, 0);
}

static void greet(void)
{
    forget(&c);
    handshake(&c, port++, 143);
    say_text(&c, RESP, "* OK ready\r\n");
}

/* "before {size}", and that many bytes. */
static void put_literal(const char *before, const void *data, size_t size)
{
    char head[32];
    put_text(&b, before);
    snprintf(head, sizeof head, " {%zu}\r\n", size);
    put_text(&b, head);
    put(&b, data, size);
}

static void test_fetch(void **state)
{
    (void)state;
    for (size_t most = 1; most < 90; most++) {
        greet();
        say_text(&c, ORIG, "a1 FETCH 1:3 (BODY[] ENVELOPE)\r\n");
        b.size = 0;
        put_literal("* 1 FETCH (ENVELOPE (", "x@example.com", 13);
        put_text(&b, ")");
        put_literal(" BODY[]", coded, CODED_BYTES);
        put_text(&b, " FLAGS (\\Seen))\r\n");
        put_literal("* 2 FETCH (RFC822.HEADER", "X: x\r\n\r\n", 8);
        put_literal(" BODY[HEADER.FIELDS (X Y)]", "X: x\r\n\r\n", 8);
        put_text(&b, ")\r\n* 3 FETCH (BODY[] \"q\" BODY[TEXT] {0}\r\n)\r\na1 OK\r\n");
        say_cut(&c, RESP, b.data, b.size, most);
        assert_bodies(RESP, 4, CODED_BYTES + 16, CODED_BYTES + 16, 0);
        assert_true(was_told(&c, "coded@example.com") && was_told(&c, "x@example.com"));
        assert_int_equal(c.hash_count, 2);
    }
}

/* A message in pieces that the client asks for one after the other. */
static void test_partial(void **state)
{
    (void)state;
    greet();
    for (size_t at = 0; at < CODED_BYTES; at += 10) {
        char item[64];
        size_t size = CODED_BYTES - at < 10 ? CODED_BYTES - at : 10;
        say_text(&c, ORIG, "a1 UID FETCH 7 BODY.PEEK[]<0.10>\r\n");
        snprintf(item, sizeof item, "* 7 FETCH (UID 9 BODY[]<%zu>", at);
        b.size = 0;
        put_literal(item, coded + at, size);
        put_text(&b, ")\r\na1 OK\r\n");
        say(&c, RESP, b.data, b.size);
    }
    b.size = 0;
    put_literal("* 8 FETCH (BODY[]<70>", "of another one", 14);
    put_text(&b, ")\r\n");
    say(&c, RESP, b.data, b.size);
    assert_bodies(RESP, 2, CODED_BYTES + 14, 0, 2);
    assert_int_equal(told_only(&c, address, 1), 1);
}

/* Of a line longer than what is kept its end counts: behind a literal it has no first words. */
static void test_long_line(void **state)
{
    (void)state;
    for (size_t most = 1; most < 2000; most = most * 3 / 2 + 1) {
        greet();
        b.size = 0;
        put_literal("* 1 FETCH (ENVELOPE (", "x", 1);
        for (int i = 0; i < 1500; i++)
            put8(&b, 'x');
        put_literal(" BODY[]", coded, CODED_BYTES);
        put_text(&b, ")\r\n");
        say_cut(&c, RESP, b.data, b.size, most);
        assert_bodies(RESP, 1, CODED_BYTES, CODED_BYTES, 0);
        assert_int_equal(told_only(&c, address, 1), 1);
    }
}

/* Of a part alone nothing says how it is encoded. */
static void test_parts(void **state)
{
    (void)state;
    static const char *const all[] = {"first@example.com", "plain@example.com", "text@example.com"};
    static const char text[] = "--b\r\nContent-Type: text/plain\r\n"
                               "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                               "text=40example.com\r\n--b--\r\n";
    static struct bytes part;
    part.size = 0;
    put_base64_text(&part, "a longer text, so that its first line is full: first@example.com, "
                           "and another line.");
    size_t sum = part.size + 19 + sizeof text - 1;
    for (size_t most = 1; most < 120; most++) {
        greet();
        b.size = 0;
        put_literal("* 1 FETCH (BODY[2]", part.data, part.size);
        put_literal(" BODY[1.1]", "plain@example.com\r\n", 19);
        put_literal(" BODY[TEXT]", text, sizeof text - 1);
        put_text(&b, ")\r\n");
        say_cut(&c, RESP, b.data, b.size, most);
        assert_bodies(RESP, 3, sum, sum, 0);
        assert_int_equal(told_only(&c, all, 3), 3);
    }
}

static void test_append(void **state)
{
    (void)state;
    greet();
    b.size = 0;
    put_literal("a1 APPEND Sent (\\Seen)", coded, CODED_BYTES);
    size_t head = b.size - CODED_BYTES;
    say(&c, ORIG, b.data, head);
    say_text(&c, RESP, "+ go on\r\n");
    say(&c, ORIG, b.data + head, CODED_BYTES);
    say_text(&c, ORIG, "\r\n");
    say_text(&c, RESP, "a1 OK\r\n");
    say_text(&c, ORIG, "a2 APPEND Full {1000}\r\n");
    say_text(&c, RESP, "a2 NO quota\r\n");
    say_text(&c, ORIG, "a3 APPEND Sent {4+}\r\nX: y\r\n");
    say_text(&c, ORIG, "a4 LOGOUT\r\n");
    assert_bodies(ORIG, 2, CODED_BYTES + 4, CODED_BYTES + 4, 0);
    assert_int_equal(told_only(&c, address, 1), 1);
}

/* Within a literal missing bytes lose no place. */
static void test_gaps(void **state)
{
    (void)state;
    for (uint32_t lost = 1; lost <= 30; lost++) {
        greet();
        b.size = 0;
        put_literal("* 1 FETCH (BODY[2]", "012345678901234567890123456789\r\n", 32);
        say(&c, RESP, b.data, b.size - 30);
        lose(&c, RESP, lost);
        say(&c, RESP, b.data + b.size - 30 + lost, 30 - lost);
        b.size = 0;
        put_literal(" BODY[]", coded, CODED_BYTES);
        put_text(&b, ")\r\n");
        say(&c, RESP, b.data, b.size);
        assert_bodies(RESP, 2, CODED_BYTES + 32 - lost, CODED_BYTES + 32, 0);
        assert_int_equal(told_only(&c, address, 1), 1);
    }
    greet();
    say_text(&c, RESP, "* 1 FETCH (BODY[] {1000}\r\nX: y\r\n");
    lose(&c, RESP, 1100);
    say_text(&c, RESP, "Seen)\r\n");
    b.size = 0;
    put_literal("* 2 FETCH (BODY[]", coded, CODED_BYTES);
    say(&c, RESP, b.data, b.size);
    assert_bodies(RESP, 2, CODED_BYTES + 6, CODED_BYTES + 1000, 0);
    assert_int_equal(told_only(&c, address, 1), 1);
}

static void test_secrets(void **state)
{
    (void)state;
    static const char said[] = "a1 LOGIN secret@example.com secret@example.com\r\n"
                               "a2 login {18}\r\nsecret@example.com {18+}\r\nsecret@example.com\r\n"
                               "a3 AUTHENTICATE PLAIN\r\nsecret@example.com\r\n"
                               "secret@example.com {18+}\r\nsecret@example.com\r\n"
                               "a4 SELECT me@example.com\r\nDONE\r\n";
    static const char *const shown[] = {"me@example.com"};
    for (size_t most = 1; most < 60; most++) {
        forget(&c);
        begin(&c, PROTO_TCP, port++, 143);
        say_cut(&c, ORIG, said, sizeof said - 1, most);
        assert_bodies(ORIG, 0, 0, 0, 0);
        assert_int_equal(told_only(&c, shown, 1), 1);
    }
    greet();
    say_text(&c, ORIG, "a1 LOGIN");
    lose(&c, ORIG, 5);
    say_text(&c, ORIG, "ret@example.com\r\n");
    lose(&c, ORIG, 5);
    say_text(&c, ORIG, "GIN x secret@example.com\r\n");
    say_text(&c, ORIG, "a4 SELECT me@example.com\r\n");
    assert_bodies(ORIG, 0, 0, 0, 0);
    assert_int_equal(told_only(&c, shown, 1), 1);
}

static uint64_t beyond(void)
{
    struct health health = {0};
    content_health(c.content, &health);
    return health.mail_beyond;
}

static void test_upgrades(void **state)
{
    static struct bytes answer;
    (void)state;
    answer.size = 0;
    server_flight(&answer);
    sealed_record(&answer, " mallory@example.com ", 21);
    plain_hello(&b, "imap.example");
    for (size_t most = 1; most < 30; most++) {
        greet();
        say_text(&c, ORIG, "a1 STARTTLS\r\n");
        say_text(&c, RESP, "a1 OK\r\n");
        say_cut(&c, ORIG, b.data, b.size, most);
        say_cut(&c, RESP, answer.data, answer.size, most);
        assert_bodies(ORIG, 0, 0, 0, 0);
        assert_string_equal(c.server_name, "imap.example");
        assert_int_equal(c.hash_count, 0);
    }
    greet();
    say_text(&c, ORIG, "a1 COMPRESS DEFLATE\r\n");
    say_text(&c, RESP, "a1 OK\r\n");
    say_text(&c, ORIG, " mallory@example.com ");
    say_text(&c, RESP, " mallory@example.com ");
    assert_bodies(ORIG, 0, 0, 0, 0);
    assert_int_equal(c.hash_count, 0);
    assert_int_equal(beyond(), 1);
}

/* Neither a command that is refused while another is granted, nor what looks like TLS, hides the
 * message behind it. */
static void test_no_upgrades(void **state)
{
    (void)state;
    static const char *const commands[] = {"COMPRESS X", "STARTTLS"};
    for (size_t i = 0; i < 4; i++) {
        greet();
        b.size = 0;
        put_text(&b, "a1 NOOP\r\na2 ");
        put_text(&b, commands[i % 2]);
        put_text(&b, "\r\n\x16\3\1\0\5\1\r\n");
        say(&c, ORIG, b.data, i < 2 ? b.size : b.size - 8);
        say_text(&c, RESP, "a1 OK\r\na2 BAD\r\n");
        say(&c, ORIG, b.data + b.size - 8, i < 2 ? 0 : 8);
        say_text(&c, RESP, "* BAD\r\n");
        b.size = 0;
        put_literal("a3 APPEND Sent", coded, CODED_BYTES);
        say(&c, ORIG, b.data, b.size);
        say_text(&c, ORIG, "\r\n");
        assert_bodies(ORIG, 1, CODED_BYTES, CODED_BYTES, 0);
        assert_int_equal(told_only(&c, address, 1), 1);
        assert_int_equal(beyond(), 0);
    }
}

/* A client that speaks first, and like a server. */
static void test_turned(void **state)
{
    (void)state;
    for (size_t most = 1; most < 60; most++) {
        forget(&c);
        handshake(&c, port++, 143);
        say_text(&c, ORIG, "* OK ready\r\n");
        say_text(&c, RESP, "* OK ready\r\n");
        b.size = 0;
        put_literal("a1 APPEND Sent", coded, CODED_BYTES);
        put_text(&b, "\r\n");
        say_cut(&c, ORIG, b.data, b.size, most);
        say_text(&c, RESP, "a1 OK\r\n");
        assert_bodies(ORIG, 1, CODED_BYTES, CODED_BYTES, 0);
        assert_int_equal(told_only(&c, address, 1), 1);
    }
}

/* … and says a part of a message before. */
static void test_turned_late(void **state)
{
    (void)state;
    begin(&c, PROTO_TCP, port, 143);
    say_text(&c, ORIG, "* OK ready\r\n* 1 FETCH (BODY[]<0> {4}\r\nX: y)\r\n");
    b.size = 0;
    put_literal("a1 APPEND Sent", coded, CODED_BYTES);
    put_text(&b, "\r\n");
    say(&c, ORIG, b.data, b.size);
    assert_bodies(ORIG, 2, CODED_BYTES + 4, CODED_BYTES, 1);
    assert_int_equal(told_only(&c, address, 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_fetch),       TEST(test_partial), TEST(test_parts),       TEST(test_append),
        TEST(test_gaps),        TEST(test_secrets), TEST(test_upgrades),    TEST(test_long_line),
        TEST(test_no_upgrades), TEST(test_turned),  TEST(test_turned_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
