/* Messages of known contents, as an SMTP client sends them: what is found in them, however they are
 * cut, and wherever something of them is missing. */
#include "letters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ORIG         SIDE_ORIG
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct conversation c;
static struct bytes message, wire;
static uint16_t port;

static int setup(void **state)
{
    (void)state;
    message.size = wire.size = 0;
    port = 20000;
    return conversation_open(&c);
}

static int teardown(void **state)
{
    (void)state;
    conversation_close(&c);
    return 0;
}

/* Sends `message` in segments of at most `most` bytes. */
static void send_message(size_t most)
{
    wire.size = 0;
    put_dotted(&wire, &message);
    forget(&c);
    smtp_open(&c, port++, "MAIL FROM:<> \r\nRCPT TO:<root>\r\nDATA\r\n");
    say_cut(&c, ORIG, wire.data, wire.size, most);
    smtp_quit(&c);
    assert_int_equal(c.service, SERVICE_SMTP);
    assert_int_equal(c.facts.body[ORIG].bodies, 1);
    assert_int_equal(c.facts.body[ORIG].undeclared, 1);
    assert_int_equal(c.facts.body[ORIG].seen_bytes, message.size);
}

/* In segments of every size up to `most`, exactly these addresses are found. */
static void assert_found(const char *const *addresses, size_t count, size_t most)
{
    for (size_t size = 1; size <= most; size++) {
        send_message(size);
        assert_int_equal(told_only(&c, addresses, count), count);
        assert_int_equal(c.items[SIDE_RESP], 0);
    }
    send_message(message.size + 3);
    assert_int_equal(told_only(&c, addresses, count), count);
}

static uint64_t beyond(void)
{
    struct health health = {0};
    content_health(c.content, &health);
    return health.mail_beyond;
}

/* --- whole messages ----------------------------------------------------------------------------
 */

static void test_plain(void **state)
{
    (void)state;
    static const char *const all[] = {"from@example.com", "to@example.com", "b@example.com"};
    put_text(&message, "From: <from@example.com>\r\nTo: someone\r\n <to@example.com>\r\n\r\n"
                       "call b@example.com\r\n..two dots\r\n.\tone\r\n");
    assert_found(all, COUNT(all), 80);
}

/* No part's text goes on in the next one's, nor a head's in its body. */
static void test_borders(void **state)
{
    (void)state;
    static const char *const all[] = {"one@example.com", "two@example.com", "end@example.com"};
    put_text(&message, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
                       "Content-Type: text/plain\r\n\r\none@example.com\r\n--b\r\n"
                       "Content-Transfer-Encoding: base64\r\n\r\n");
    put_base64_text(&message, "two@example.com");
    put_text(&message, "--b\r\n\r\nend@example.com\r\n--b--\r\n");
    assert_found(all, COUNT(all), 80);
}

static void test_base64(void **state)
{
    (void)state;
    static const char *const all[] = {"alice@example.com", "bob@example.jp", "carol@example.org"};
    put_text(&message, "Subject: list\r\nContent-Transfer-Encoding: BASE64\r\n"
                       "Content-Type: text/csv; name=\"list.csv\"\r\n\r\n");
    put_base64_text(&message, "name;address\r\nAlice;alice@example.com\r\nBob;bob@example.jp\r\n"
                              "Carol Somebody;carol@example.org\r\n");
    assert_found(all, COUNT(all), 120);
}

static void test_quoted(void **state)
{
    (void)state;
    static const char *const all[] = {"alice@example.com", "bob@example.jp", "carol@example.org"};
    put_text(&message, "content-transfer-encoding: quoted-printable\r\n\r\n"
                       "=E3=81=82 alice=40exam=\r\nple.com, bob@ex= \t\r\nample.jp=0A=3D=\r\n"
                       "=3Dcarol=40example=2eorg a=b =\r\n");
    assert_found(all, COUNT(all), 80);
}

static void put_nested(void)
{
    put_text(&message, "From: <from@example.com>\r\nMIME-Version: 1.0\r\n"
                       "Content-Type: multipart/mixed;\r\n\tboundary=\"=_outer: (1)\"\r\n\r\n"
                       "preamble@example.com\r\n--=_outer: (1)\r\n"
                       "Content-Type: multipart/alternative; boundary==_outer\r\n\r\n"
                       "--=_outer\r\n\r\nfirst@example.com --=_outer\r\n--=_outer  \r\n"
                       "Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n"
                       "\r\n<a href=3D\"mailto:html=40example.com\">\r\n--=_outer--\r\n"
                       "--=_outer: (1)\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    put_base64_text(&message, "attached@example.com, and more of the kind: other@example.com.");
    put_text(&message, "--=_outer: (1)\r\nContent-Type: message/rfc822\r\n\r\n"
                       "From: <inner@example.com>\r\n"
                       "Content-Type: multipart/mixed; x=\"a\\\"; boundary=no\"; boundary=in\r\n"
                       "\r\n--in\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    put_base64_text(&message, "forwarded@example.com");
    put_text(&message, "--=_outer: (1)--\r\nepilogue@example.com\r\n");
}

static const char *const nested[] = {
    "from@example.com",  "preamble@example.com",  "first@example.com",
    "html@example.com",  "attached@example.com",  "other@example.com",
    "inner@example.com", "forwarded@example.com", "epilogue@example.com",
};

static void test_nested(void **state)
{
    (void)state;
    put_nested();
    assert_found(nested, COUNT(nested), 200);
    assert_int_equal(beyond(), 0);
}

/* A digest's parts are messages without saying so; a message may be encoded though it must not. */
static void test_messages(void **state)
{
    (void)state;
    static const char *const all[] = {"one@example.com", "two@example.com"};
    static struct bytes inner;
    inner.size = 0;
    put_text(&inner, "Content-Transfer-Encoding: base64\r\n\r\n");
    put_base64_text(&inner, "two@example.com");
    put_text(&message, "Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\n"
                       "Content-Transfer-Encoding: quoted-printable\r\n\r\none=40example.com\r\n"
                       "--d\r\nContent-Type: message/rfc822\r\n"
                       "Content-Transfer-Encoding: base64\r\n\r\n");
    put_base64(&message, inner.data, inner.size, 76);
    put_text(&message, "--d--\r\n");
    assert_found(all, COUNT(all), 120);
}

/* Without a head, without an empty line, with nothing but a delimiter where a head belongs. */
static void test_malformed(void **state)
{
    (void)state;
    static const char *const all[] = {"a@example.com", "b@example.com", "c@example.com"};
    put_text(&message, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\n"
                       "a@example.com is no field\r\nContent-Transfer-Encoding: base64\r\n"
                       "b@example.com\r\n--b\r\nContent-Transfer-Encoding: base64\r\n"
                       "YyBjQGV4YW1wbGUuY29tIGM=\r\n--b--\r\n");
    assert_found(all, COUNT(all), 60);
}

/* A boundary that cannot be read, and a type that another one contradicts, hide no part. */
static void test_no_boundary(void **state)
{
    (void)state;
    static const char *const all[] = {"a@example.com"};
    static const char *const type[] = {
        "multipart/mixed; boundary*0=a; boundary*1=b\r\n",
        "multipart/mixed\r\n",
        "multipart/mixed; boundary=ab\r\nContent-Type: text/plain\r\n",
        "text/plain\r\nContent-Type: multipart/mixed; boundary=ab\r\n",
        "multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/mixed\r\n",
    };
    for (size_t i = 0; i < COUNT(type); i++) {
        message.size = 0;
        put_text(&message, "Content-Type: ");
        put_text(&message, type[i]);
        put_text(&message, "\r\n--ab\r\nContent-Transfer-Encoding: base64\r\n\r\n");
        put_base64_text(&message, "a@example.com");
        put_text(&message, "--ab--\r\n");
        assert_found(all, COUNT(all), 60);
    }
}

/* --- bounds ------------------------------------------------------------------------------------
 */

static void test_depth(void **state)
{
    (void)state;
    static const char *const all[] = {"deep@example.com"};
    char line[128];
    for (int level = 0; level < 12; level++) {
        snprintf(line, sizeof line,
                 "Content-Type: multipart/mixed; boundary=level%d\r\n\r\n"
                 "--level%d\r\n",
                 level, level);
        put_text(&message, line);
    }
    put_text(&message, "\r\ndeep@example.com\r\n");
    send_message(message.size + 3);
    assert_int_equal(told_only(&c, all, 1), 1);
    assert_int_equal(beyond(), 1);
}

static void test_long_head(void **state)
{
    (void)state;
    static const char *const all[] = {"late@example.com"};
    put_text(&message, "Content-Transfer-Encoding: base64\r\n");
    for (int i = 0; i < 1100; i++)
        put_text(&message, "X-Filler: yes\r\n");
    put_text(&message, "\r\n");
    put_base64_text(&message, "not seen as what it is, but decoded: late@example.com.");
    send_message(1460);
    assert_int_equal(told_only(&c, all, 1), 1);
    assert_int_equal(beyond(), 1);
    message.size = 0;
    for (int i = 0; i < 70; i++) {
        put_text(&message, "X-Long:");
        for (int k = 0; k < 1000; k++)
            put8(&message, 'x');
        put_text(&message, "\r\n");
    }
    put_text(&message, "X: late@example.com\r\n");
    send_message(1460);
    assert_int_equal(told_only(&c, all, 1), 1);
    assert_int_equal(beyond(), 2);
}

static void test_many_parts(void **state)
{
    (void)state;
    static const char *const all[] = {"late@example.com"};
    put_text(&message, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    for (int i = 0; i < 11000; i++)
        put_text(&message, "--b\r\n\r\n");
    put_text(&message, "late@example.com\r\n");
    send_message(1460);
    assert_int_equal(told_only(&c, all, 1), 1);
    assert_int_equal(beyond(), 1);
}

/* --- missing bytes -----------------------------------------------------------------------------
 */

/* Sends all but `lost` bytes at `at`. */
static void send_without(size_t at, size_t lost)
{
    forget(&c);
    smtp_open(&c, port++, "MAIL FROM:<> \r\nRCPT TO:<root>\r\nDATA\r\n");
    say_cut(&c, ORIG, wire.data, at, 300);
    lose(&c, ORIG, (uint32_t)lost);
    say_cut(&c, ORIG, wire.data + at + lost, wire.size - at - lost, 300);
    smtp_quit(&c);
}

/* Wherever bytes are missing nothing is found that was not sent, and what lies two lines before
 * or a delimiter behind is found. */
static void test_gaps(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 40, 333}, cost[] = {0, 0, 4};
    put_nested();
    put_dotted(&wire, &message);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        size_t best = 0;
        for (size_t at = 1; at + sizes[i] + 5 < wire.size; at++) {
            send_without(at, sizes[i]);
            int told = told_only(&c, nested, COUNT(nested));
            assert_true(told >= 3 && told <= (int)COUNT(nested));
            assert_int_equal(c.facts.body[ORIG].bodies, 1);
            assert_int_equal(c.facts.body[ORIG].seen_bytes, message.size - sizes[i]);
            best = (size_t)told > best ? (size_t)told : best;
        }
        assert_true(best >= COUNT(nested) - cost[i]);
    }
}

/* A gap in a long attachment costs the lines it touches. */
static void test_gap_in_base64(void **state)
{
    (void)state;
    static struct bytes list;
    char line[64];
    list.size = 0;
    for (int i = 0; i < 400; i++) {
        snprintf(line, sizeof line, "user%03d@example.com\r\n", i);
        put_text(&list, line);
    }
    put_text(&message, "Content-Transfer-Encoding: base64\r\n\r\n");
    put_base64(&message, list.data, list.size, 76);
    put_dotted(&wire, &message);
    for (size_t lost = 1; lost < 200; lost += 7) {
        send_without(3000, lost);
        assert_true(c.hash_count < 400 && c.hash_count >= 400 - lost / 28 - 10);
    }
    message.size = wire.size = 0;
    put_text(&message, "Content-Transfer-Encoding: base64\r\n\r\n");
    put_base64(&message, list.data, list.size, 0); /* one endless line */
    put_dotted(&wire, &message);
    for (size_t lost = 1; lost < 200; lost += 7) {
        send_without(3000, lost);
        assert_true(c.hash_count < 400 && c.hash_count >= 400 - lost / 28 - 3);
    }
}

/* The message's own head is missing: its delimiters are known by what stands behind them. */
static void test_lost_head(void **state)
{
    (void)state;
    static const char *const all[] = {"plain@example.com", "coded@example.com"};
    put_text(&message, "From: x\r\nContent-Type: multipart/mixed; boundary=\"--=x\"\r\n\r\n"
                       "-- \r\n--not this\r\n----=x\r\nContent-Type: text/plain\r\n\r\n"
                       "plain@example.com\r\n----=x\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    put_base64_text(&message, "something and coded@example.com.");
    put_text(&message, "----=x--\r\n");
    put_dotted(&wire, &message);
    for (size_t lost = 20; lost < 60; lost++) {
        send_without(3, lost);
        assert_int_equal(told_only(&c, all, 2), 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_plain),     TEST(test_borders),     TEST(test_base64),
        TEST(test_quoted),    TEST(test_nested),      TEST(test_messages),
        TEST(test_malformed), TEST(test_depth),       TEST(test_many_parts),
        TEST(test_long_head), TEST(test_gaps),        TEST(test_gap_in_base64),
        TEST(test_lost_head), TEST(test_no_boundary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
