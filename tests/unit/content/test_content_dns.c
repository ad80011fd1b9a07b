/* DNS in flows: every question told, over TCP across every gap, and what a cut message still says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bytes.h"
#include "conversation.h"

#define ORIG SIDE_ORIG

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

static void assert_end(const char *log)
{
    finish(&c);
    assert_string_equal(c.log, log);
    assert_int_equal(c.service, SERVICE_DNS);
}

static void query(const char *name, unsigned type)
{
    b.size = 0;
    dns_header(&b, 0x0100, 1, 0);
    dns_question(&b, name, type);
}

/* What comes of three messages when `lost` bytes from `at` on are missing: those before, and those
 * behind where the place of the next one is known or the piece begins with it. */
static void expect_after_gap(size_t one, size_t at, size_t lost, char *expected)
{
    size_t first = at / one, seen = at % one, end = at + lost;
    size_t next = (end + one - 1) / one; /* the first whole one behind */
    bool known = seen >= 2 && end <= (first + 1) * one;
    *expected = '\0';
    for (size_t i = 0; i < 3; i++)
        if (i < first || (i >= next && (known || end % one == 0)))
            sprintf(expected + strlen(expected), "query:n%zu.example/1/0 ", i);
}

static void test_dns_over_tcp_every_gap(void **state)
{
    (void)state;
    char expected[128];
    struct bytes *stream = calloc(1, sizeof *stream);
    for (unsigned i = 0; i < 3; i++) {
        query(i == 0 ? "n0.example" : i == 1 ? "n1.example" : "n2.example", 1);
        put16(stream, (unsigned)b.size);
        put(stream, b.data, b.size);
    }
    size_t one = stream->size / 3;
    for (size_t at = 14; at < stream->size; at++) /* enough to know what it is */
        for (size_t lost = 1; at + lost < stream->size; lost++) {
            c.log_size = 0;
            c.log[0] = '\0';
            handshake(&c, (uint16_t)(40000 + at), 53);
            say(&c, ORIG, stream->data, at);
            lose(&c, ORIG, (uint32_t)lost);
            say(&c, ORIG, stream->data + at + lost, stream->size - at - lost);
            expect_after_gap(one, at, lost, expected);
            assert_end(expected);
        }
    free(stream);
}

/* A message that ends in a gap, or with the stream, has asked all the same. */
static void test_dns_over_tcp_cut(void **state)
{
    (void)state;
    struct bytes *message = calloc(1, sizeof *message);
    query("a.example", 1);
    put16(message, 100); /* more than will come */
    put(message, b.data, b.size);
    handshake(&c, 40000, 53);
    say(&c, ORIG, message->data, message->size);
    assert_end("query:a.example/1/0 ");
    free(message);
}

static void test_every_question_is_told(void **state)
{
    (void)state;
    dns_header(&b, 0x0100, 3, 0);
    dns_question(&b, "a.example", 1);
    dns_question(&b, "b.example", 28);
    dns_question(&b, "c.example", 16);
    begin(&c, PROTO_UDP, 40000, 53);
    say(&c, ORIG, b.data, b.size);
    assert_end("query:a.example/1/0 query:b.example/28/0 query:c.example/16/0 ");
    assert_string_equal(c.question, "a.example");
}

static const char text[] = " to alice@example.com and bob@example.com, quickly please ";

/* A question in front, or records that are none, hide no text. */
static void test_text_behind_a_question(void **state)
{
    (void)state;
    query("a.example", 1);
    put_text(&b, text);
    begin(&c, PROTO_UDP, 40000, 53);
    say(&c, ORIG, b.data, b.size);
    assert_end("query:a.example/1/0 ");
    assert_int_equal(c.of_class[ORIG][CONTENT_EMAIL], 2);
    b.data[7] = 9; /* answers, that are not there */
    begin(&c, PROTO_UDP, 40001, 53);
    say(&c, ORIG, b.data, b.size);
    finish(&c);
    assert_int_equal(c.of_class[ORIG][CONTENT_EMAIL], 4);
}

/* After a message, text whose first bytes say how long it is. */
static void test_text_over_tcp(void **state)
{
    (void)state;
    struct bytes *stream = calloc(1, sizeof *stream);
    query("a.example", 1);
    put16(stream, (unsigned)b.size);
    put(stream, b.data, b.size);
    put16(stream, sizeof text - 1);
    put_text(stream, text);
    put16(stream, (unsigned)b.size);
    put(stream, b.data, b.size);
    put_text(stream, "zz to carol@example.com"); /* ends before its time */
    for (size_t most = 1; most <= stream->size; most++) {
        c.log_size = c.of_class[ORIG][CONTENT_EMAIL] = c.hash_count = 0;
        handshake(&c, (uint16_t)(40000 + most), 53);
        say_cut(&c, ORIG, stream->data, stream->size, most);
        assert_end("query:a.example/1/0 query:a.example/1/0 ");
        assert_int_equal(c.of_class[ORIG][CONTENT_EMAIL], 3);
    }
    handshake(&c, 39000, 53);
    say(&c, ORIG, stream->data, b.size + 2);
    lose(&c, ORIG, 10);
    say_text(&c, ORIG, text);
    finish(&c);
    assert_int_equal(c.of_class[ORIG][CONTENT_EMAIL], 5);
    handshake(&c, 39001, 53);
    say(&c, ORIG, stream->data, b.size + 2);
    say_text(&c, ORIG, "zz to dave@example.com, "); /* would be 31,354 bytes */
    lose(&c, ORIG, 10);
    say_text(&c, ORIG, text);
    finish(&c);
    assert_int_equal(c.of_class[ORIG][CONTENT_EMAIL], 8);
    free(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_dns_over_tcp_every_gap), TEST(test_dns_over_tcp_cut),
        TEST(test_every_question_is_told), TEST(test_text_behind_a_question),
        TEST(test_text_over_tcp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
