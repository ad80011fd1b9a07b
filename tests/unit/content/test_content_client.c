/* The client that a flow carries: PROXY headers however they are cut, fields of requests, and what
 * a tunnel's bytes are once its head is read. */
#include "conversation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ORIG SIDE_ORIG
#define RESP SIDE_RESP

static struct conversation c;
static uint16_t port; /* a new one for each conversation */

static int setup(void **state)
{
    (void)state;
    port = 40000;
    return conversation_open(&c);
}

static int teardown(void **state)
{
    (void)state;
    conversation_close(&c);
    return 0;
}

static void opened(void)
{
    c.log_size = 0;
    c.log[0] = '\0';
    handshake(&c, port++, 8080);
}

static struct client_claim client(void)
{
    return content_get_facts(c.flow).client;
}

static void assert_client(const char *ip, uint16_t client_port, enum client_by by)
{
    char text[IP_TEXT_SIZE];
    struct client_claim claim = client();
    assert_int_equal(claim.by, by);
    if (by == CLIENT_NONE)
        return;
    assert_string_equal(ip_text(&claim.ip, text), ip);
    assert_int_equal(claim.port, client_port);
}

static const char head_v1[] = "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n";
static const char request[] = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";

static void test_proxy_in_pieces(void **state)
{
    char all[sizeof head_v1 + sizeof request];
    size_t size = (size_t)snprintf(all, sizeof all, "%s%s", head_v1, request);
    (void)state;
    for (size_t most = 1; most <= size; most++) {
        opened();
        say_cut(&c, ORIG, all, size, most);
        assert_client("192.0.2.1", 56324, CLIENT_PROXY_PROTOCOL);
        finish(&c);
        assert_int_equal(c.service, SERVICE_HTTP);
        assert_string_equal(c.log, "name:a.example ");
    }
}

/* Version 2 with a kilobyte behind its addresses, in pieces; then with a part of that lost. */
static void test_proxy_with_a_tail(void **state)
{
    static const uint8_t head[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\x04\x0c\xc0\0\2\1\xc6\x33\x64\1\x12"
                                  "\x34\1\xbb";
    uint8_t all[sizeof head - 1 + 1024 + sizeof request - 1];
    (void)state;
    memset(all, 'G', sizeof all);
    memcpy(all, head, sizeof head - 1);
    memcpy(all + sizeof head - 1 + 1024, request, sizeof request - 1);
    for (size_t most = 1; most <= sizeof all; most += most < 40 ? 1 : 301) {
        opened();
        say_cut(&c, ORIG, all, sizeof all, most);
        assert_client("192.0.2.1", 0x1234, CLIENT_PROXY_PROTOCOL);
        finish(&c);
        assert_int_equal(c.service, SERVICE_HTTP);
        assert_string_equal(c.log, "name:a.example ");
    }
    opened();
    say(&c, ORIG, all, 500);
    lose(&c, ORIG, 400); /* within what is stepped over */
    say(&c, ORIG, all + 900, sizeof all - 900);
    finish(&c);
    assert_int_equal(c.service, SERVICE_HTTP);
    assert_string_equal(c.log, "name:a.example ");
    opened();
    say(&c, ORIG, all, 500);
    lose(&c, ORIG, 1000); /* and into the request */
    say_text(&c, ORIG, "Host: a.example\r\n\r\n");
    say_text(&c, ORIG, request); /* nothing of it is taken for the header's rest */
    finish(&c);
    assert_string_equal(c.log, "name:a.example ");
}

static void test_no_proxy(void **state)
{
    (void)state;
    opened(); /* the server's words are no claim */
    say_text(&c, RESP, head_v1);
    assert_client(NULL, 0, CLIENT_NONE);
    finish(&c);
    opened(); /* nor is what comes later, also behind what was lost */
    lose(&c, ORIG, 10);
    say_text(&c, ORIG, head_v1);
    assert_client(NULL, 0, CLIENT_NONE);
    finish(&c);
    opened();
    say_text(&c, ORIG, request);
    say_text(&c, ORIG, head_v1);
    assert_client(NULL, 0, CLIENT_NONE);
    finish(&c);
    opened(); /* only one of them */
    say_text(&c, ORIG, head_v1);
    say_text(&c, ORIG, "PROXY TCP4 192.0.2.2 198.51.100.1 1 2\r\n");
    assert_client("192.0.2.1", 56324, CLIENT_PROXY_PROTOCOL);
    assert_int_equal(client().changes, 0);
    finish(&c);
}

static void test_changes(void **state)
{
    static const char *const ip[] = {"192.0.2.1", "192.0.2.1:99", "192.0.2.2",
                                     "unknown",   "192.0.2.2",    "192.0.2.1"};
    (void)state;
    opened();
    say_text(&c, ORIG, head_v1);
    for (size_t i = 0; i < sizeof ip / sizeof *ip; i++) {
        char text[128];
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nX-Forwarded-For: %s\r\n\r\n", ip[i]);
        say_text(&c, ORIG, text);
    }
    assert_client("192.0.2.1", 56324, CLIENT_PROXY_PROTOCOL); /* the first */
    assert_int_equal(client().changes, 2);
    finish(&c);
}

/* The target names the server, whatever Host says, and what follows is recognised. */
static void test_connect(void **state)
{
    static const uint8_t hello[] = "\x16\3\1\0\x40\1\0\0\x3c\3\3"; /* 58 more */
    uint8_t whole[69] = {0};
    (void)state;
    memcpy(whole, hello, sizeof hello - 1);
    opened();
    say_text(&c, ORIG, "CONNECT files.example:443 HTTP/1.1\r\nHost: other.example\r\n\r\n");
    say_text(&c, RESP, "HTTP/1.1 200 Connection established\r\n\r\n");
    say(&c, ORIG, whole, sizeof whole);
    finish(&c);
    assert_string_equal(c.server_name, "files.example");
    assert_string_equal(c.log, "name:files.example ");
}

/* Other flows take its place among those that are looked into: what was found of it stays. */
static void test_given_up(void **state)
{
    struct health health = {0};
    (void)state;
    opened();
    say_text(&c, ORIG, head_v1);
    struct flow *flow = c.flow;
    for (uint32_t i = 0; i < CONTENT_FLOWS; i++) {
        begin(&c, PROTO_TCP, (uint16_t)(1 + i % 30000), (uint16_t)(50000 + i / 30000));
        c.now.ns -= NS_PER_MS; /* nothing times out */
        say_text(&c, ORIG, ".");
    }
    content_health(c.content, &health);
    assert_int_equal(health.content_given_up, 1);
    c.flow = flow;
    assert_client("192.0.2.1", 56324, CLIENT_PROXY_PROTOCOL);
    finish(&c);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_proxy_in_pieces), TEST(test_proxy_with_a_tail), TEST(test_no_proxy),
        TEST(test_changes),         TEST(test_connect),           TEST(test_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
