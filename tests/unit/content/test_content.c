/* Conversations as protocols write them, and what the sensor makes of them. */
#include "bytes.h"
#include "conversation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ORIG SIDE_ORIG
#define RESP SIDE_RESP

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

static void assert_end(enum service service, const char *log, const char *server_name)
{
    finish(&c);
    assert_true(c.ended);
    assert_int_equal(c.service, service);
    assert_string_equal(c.log, log);
    assert_string_equal(c.server_name, server_name);
}

static void assert_told(size_t index, const char *address)
{
    assert_true(index < c.hash_count);
    assert_int_equal(c.hash[index], hash64_keyed(&c.key, address, strlen(address)));
}

/* --- HTTP --------------------------------------------------------------------------------------
 */

static void test_http(void **state)
{
    (void)state;
    handshake(&c, 40000, 8080);
    say_text(&c, ORIG, "GET /?m=ask@example.com HTTP/1.1\r\nHost: A.example:8080\r\n\r\n");
    say_text(&c, RESP, "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nans@example.jp");
    assert_end(SERVICE_HTTP, "name:a.example ", "a.example");
    assert_int_equal(c.items[ORIG], 1);
    assert_int_equal(c.items[RESP], 1); /* unfinished until the end of the stream */
    assert_told(0, "ask@example.com");
    assert_told(1, "ans@example.jp");
}

/* However the head is cut into segments. */
static void test_http_in_pieces(void **state)
{
    (void)state;
    static const char head[] = "POST /a HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nxyz"
                               "GET /b HTTP/1.1\r\nHost: b.example\r\n\r\n";
    for (size_t most = 1; most < sizeof head; most++) {
        c.log_size = 0;
        c.log[0] = '\0';
        handshake(&c, (uint16_t)(40000 + most), 80);
        say_cut(&c, ORIG, head, sizeof head - 1, most);
        assert_end(SERVICE_HTTP, "name:a.example name:b.example ", "a.example");
    }
}

/* Each new host is told, repeats of the one before are not; the first names the flow. */
static void test_keep_alive(void **state)
{
    (void)state;
    static const char *const host[] = {"a", "a", "b", "a"};
    char head[128];
    handshake(&c, 40000, 80);
    for (size_t i = 0; i < 4; i++) {
        snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: %s.example\r\n\r\n", host[i]);
        say_text(&c, ORIG, head);
        say_text(&c, RESP, "HTTP/1.1 204 No Content\r\n\r\n");
    }
    assert_end(SERVICE_HTTP, "name:a.example name:b.example name:a.example ", "a.example");
}

/* What stands in a body is no request; what follows one of unknown length begins a segment. */
static void test_bodies(void **state)
{
    (void)state;
    static const char fake[] = "GET / HTTP/1.1\r\nHost: fake.example\r\n\r\n";
    char head[128];
    handshake(&c, 40000, 80);
    snprintf(head, sizeof head, "PUT / HTTP/1.1\r\nHost: a.example\r\nContent-Length: %zu\r\n\r\n",
             sizeof fake - 1 + 1000);
    say_text(&c, ORIG, head);
    say_text(&c, ORIG, fake);
    lose(&c, ORIG, 1000 - (sizeof fake - 1)); /* a gap within a body loses no place */
    say_text(&c, ORIG, fake);
    say_text(&c, ORIG, "PUT / HTTP/1.1\r\nHost: b.example\r\nTransfer-Encoding: chunked\r\n\r\n");
    say_text(&c, ORIG, "5\r\nabcde\r\n0\r\n\r\n");
    say_text(&c, ORIG, "GET / HTTP/1.1\r\nHost: c.example\r\n\r\n");
    lose(&c, ORIG, 100); /* and one elsewhere only until a request begins a segment */
    say_text(&c, ORIG, "...tail of a head\r\n\r\n");
    say_text(&c, ORIG, "GET / HTTP/1.1\r\nHost: d.example\r\n\r\n");
    assert_end(SERVICE_HTTP, "name:a.example name:b.example name:c.example name:d.example ",
               "a.example");
}

static void test_http_cut(void **state)
{
    (void)state;
    handshake(&c, 40000, 80);
    say_text(&c, ORIG, "GET / HTTP/1.1\r\nHost: a.example\r\nCookie: aaaa");
    lose(&c, ORIG, 500);
    say_text(&c, ORIG, "more@example.com ");
    assert_end(SERVICE_HTTP, "name:a.example ", "a.example");
    assert_int_equal(c.items[ORIG], 0); /* the gap may have eaten its beginning */
    assert_int_equal(c.gap_bytes[ORIG], 0);
}

/* The capture begins within a transfer, and the sensor sees but one direction. */
static void test_http_midstream(void **state)
{
    (void)state;
    begin(&c, PROTO_TCP, 40000, 80);
    say_text(&c, ORIG, "rest of a form: x@example.com\r\n");
    say_text(&c, ORIG, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert_end(SERVICE_HTTP, "name:a.example ", "a.example");
    assert_int_equal(c.items[ORIG], 1);
}

/* --- TLS ---------------------------------------------------------------------------------------
 */

/* A record of 54 bytes. */
static const char sealed[] = "\x17\3\3\0\x36 not sealed: secret@example.com, but looked at no more";

static void say_server_flight(void)
{
    static struct bytes flight;
    flight.size = 0;
    server_flight(&flight);
    say(&c, RESP, flight.data, flight.size);
}

static void test_tls(void **state)
{
    (void)state;
    plain_hello(&b, "Secure.example");
    handshake(&c, 40000, 4433);
    say_cut(&c, ORIG, b.data, b.size, 20);
    say_server_flight();
    for (unsigned i = 0; i < 2; i++)
        say(&c, ORIG, sealed, sizeof sealed - 1);
    say(&c, RESP, sealed, sizeof sealed - 1);
    lose(&c, ORIG, 1000); /* nor is it missed any more */
    say(&c, ORIG, sealed, sizeof sealed - 1);
    assert_end(SERVICE_TLS, "name:secure.example ", "secure.example");
    assert_true(c.has_ja3);
    assert_int_equal(c.hash_count, 0);
    struct health health = {0};
    content_health(c.content, &health);
    assert_int_equal(health.stream_gap_bytes, 0);
}

/* A hello that lost its second segment still says whom it meant, when that came first. */
static void test_tls_cut(void **state)
{
    (void)state;
    static const uint16_t ciphers[] = {1, 2}, extensions[] = {0, 10};
    uint16_t groups[600] = {29};
    const struct hello_parts parts = {.version = 0x0303,
                                      .ciphers = ciphers,
                                      .cipher_count = 2,
                                      .extensions = extensions,
                                      .extension_count = 2,
                                      .name = "cut.example",
                                      .groups = groups,
                                      .group_count = 600};
    struct bytes *message = calloc(1, sizeof *message);
    hello_message(message, &parts);
    tls_records(&b, message, 16384);
    free(message);
    handshake(&c, 40000, 443);
    say(&c, ORIG, b.data, 500);
    lose(&c, ORIG, (uint32_t)b.size - 500);
    say(&c, ORIG, sealed, sizeof sealed - 1);
    assert_end(SERVICE_TLS, "name:cut.example ", "cut.example");
    assert_false(c.has_ja3);
    assert_int_equal(c.hash_count, 0);
}

/* Out of order on the wire, in order to the parser. */
static void test_tls_reordered(void **state)
{
    (void)state;
    plain_hello(&b, "order.example");
    handshake(&c, 40000, 443);
    uint32_t start = c.next[ORIG];
    c.next[ORIG] = start + 30;
    say(&c, ORIG, b.data + 30, b.size - 30);
    c.next[ORIG] = start;
    say(&c, ORIG, b.data, 30);
    assert_end(SERVICE_TLS, "name:order.example ", "order.example");
    assert_true(c.has_ja3);
}

/* One side alone says TLS: the other is not believed. */
static void test_half_tls(void **state)
{
    (void)state;
    plain_hello(&b, "fake.example");
    handshake(&c, 40000, 443);
    say(&c, ORIG, b.data, b.size);
    say_text(&c, RESP, "here they are: a@example.com b@example.com\n");
    assert_end(SERVICE_TLS, "name:fake.example ", "fake.example");
    assert_int_equal(c.items[RESP], 2);
}

static void test_starttls(void **state)
{
    (void)state;
    plain_hello(&b, "mx.example");
    handshake(&c, 40000, 587);
    say_text(&c, RESP, "220 mx.example ESMTP\r\n");
    say_text(&c, ORIG, "EHLO client.example\r\n");
    say_text(&c, RESP, "250-mx.example\r\n250 STARTTLS\r\n");
    say_text(&c, ORIG, "STARTTLS\r\n");
    say_text(&c, RESP, "220 go ahead, postmaster@mx.example.com\r\n");
    say(&c, ORIG, b.data, b.size);
    say_server_flight();
    say(&c, ORIG, sealed, sizeof sealed - 1);
    say(&c, RESP, sealed, sizeof sealed - 1);
    assert_end(SERVICE_SMTP, "name:mx.example ", "mx.example");
    assert_true(c.has_ja3);
    assert_int_equal(c.items[ORIG], 0);
    assert_int_equal(c.items[RESP], 1);
}

static void test_connect(void **state)
{
    (void)state;
    plain_hello(&b, "inner.example");
    handshake(&c, 40000, 3128);
    say_text(&c, ORIG, "CONNECT outer.example:443 HTTP/1.1\r\n\r\n");
    say_text(&c, RESP, "HTTP/1.1 200 Connection established\r\n\r\n");
    say_cut(&c, ORIG, b.data, b.size, 11);
    say_server_flight();
    say(&c, ORIG, sealed, sizeof sealed - 1);
    assert_end(SERVICE_HTTP, "name:outer.example name:inner.example ", "outer.example");
    assert_true(c.has_ja3);
    assert_int_equal(c.hash_count, 0);
}

/* A proxy's own protocol first, which nobody here knows. */
static void test_socks(void **state)
{
    (void)state;
    plain_hello(&b, "inner.example");
    handshake(&c, 40000, 1080);
    say(&c, ORIG, "\5\1\0", 3);
    say(&c, RESP, "\5\0", 2);
    say(&c, ORIG, "\5\1\0\1\xc0\0\2\1\1\xbb", 10);
    say(&c, RESP, "\5\0\0\1\0\0\0\0\0\0", 10);
    say(&c, ORIG, b.data, b.size);
    assert_end(SERVICE_TLS, "name:inner.example ", "inner.example");
}

/* --- other services ----------------------------------------------------------------------------
 */

static void test_ssh(void **state)
{
    (void)state;
    handshake(&c, 40000, 2222);
    say_text(&c, RESP, "SSH-2.0-server admin@example.com\r\n");
    say_text(&c, ORIG, "SSH-2.0-client\r\n");
    say_text(&c, ORIG, "zlib@openssh.com,none");
    assert_end(SERVICE_SSH, "", "");
    assert_int_equal(c.hash_count, 0);
}

static void test_ftp_by_both(void **state)
{
    (void)state;
    handshake(&c, 40000, 2121);
    say_text(&c, RESP, "220 files.example ready\r\n"); /* SMTP would say the same */
    say_text(&c, ORIG, "USER anonymous\r\n");
    say_text(&c, RESP, "331 mail address?\r\n");
    say_text(&c, ORIG, "PASS me@example.com\r\n"); /* a secret is not looked at */
    say_text(&c, ORIG, "CWD you@example.com\r\n");
    assert_end(SERVICE_FTP, "", "");
    assert_int_equal(c.items[ORIG], 1);
    assert_told(0, "you@example.com");
}

static void test_pop3_is_not_ftp(void **state)
{
    (void)state;
    handshake(&c, 40000, 110);
    say_text(&c, RESP, "+OK ready <1896.697170952@mail.example.com>\r\n");
    say_text(&c, ORIG, "USER me@example.com\r\n");
    assert_end(SERVICE_POP3, "", "");
    assert_int_equal(c.items[ORIG], 1);
}

/* --- DNS ---------------------------------------------------------------------------------------
 */

static void query(const char *name, unsigned type)
{
    memset(&b, 0, sizeof b);
    dns_header(&b, 0x0100, 1, 0);
    dns_question(&b, name, type);
}

static void test_dns(void **state)
{
    (void)state;
    begin(&c, PROTO_UDP, 40000, 53);
    query("First.example", 1);
    say(&c, ORIG, b.data, b.size);
    memset(&b, 0, sizeof b);
    dns_header(&b, 0x8180, 1, 1);
    dns_question(&b, "first.example", 1);
    dns_record(&b, 1, 60, "\xc0\0\2\1", 4);
    say(&c, RESP, b.data, b.size);
    query("second.example", 28);
    packet(&c, ORIG, 0, b.data, b.size, 100); /* cut by the snap length, behind the question */
    finish(&c);
    assert_int_equal(c.service, SERVICE_DNS);
    assert_string_equal(
        c.log, "query:first.example/1/0 answer:first.example/1/1 query:second.example/28/0 ");
    assert_string_equal(c.question, "first.example");
}

static void test_dns_ports(void **state)
{
    (void)state;
    static const struct {
        uint16_t port;
        const char *log;
        enum service service;
    } row[] = {{5353, "query:a.example/1/0 ", SERVICE_DNS},
               {5355, "query:a.example/1/0 ", SERVICE_DNS},
               {9999, "query:a.example/1/0 ", SERVICE_DNS},
               {137, "", SERVICE_NONE}}; /* NetBIOS: the same format, another meaning */
    query("a.example", 1);
    for (size_t i = 0; i < 4; i++) {
        c.log_size = 0;
        c.log[0] = '\0';
        begin(&c, PROTO_UDP, (uint16_t)(40000 + i), row[i].port);
        say(&c, ORIG, b.data, b.size);
        assert_end(row[i].service, row[i].log, "");
    }
}

/* Junk behind a question does not hide it on port 53; elsewhere it is no DNS at all. */
static void test_dns_junk(void **state)
{
    (void)state;
    query("tunnel.example", 16);
    put8(&b, 0);
    begin(&c, PROTO_UDP, 40000, 53);
    say(&c, ORIG, b.data, b.size);
    begin(&c, PROTO_UDP, 40000, 9999);
    say(&c, ORIG, b.data, b.size);
    finish(&c);
    assert_string_equal(c.log, "query:tunnel.example/16/0 ");
    struct health health = {0};
    content_health(c.content, &health);
    assert_int_equal(health.parse_malformed, 1);
}

static void test_dns_over_tcp(void **state)
{
    (void)state;
    static const uint16_t ports[] = {53, 9953};
    struct bytes *stream = calloc(1, sizeof *stream);
    for (unsigned i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%u.example", i);
        query(name, 1);
        put16(stream, (unsigned)b.size);
        put(stream, b.data, b.size);
    }
    for (size_t i = 0; i < 2; i++)
        for (size_t most = 1; most <= stream->size; most++) {
            c.log_size = 0;
            c.log[0] = '\0';
            handshake(&c, (uint16_t)(40000 + most), ports[i]);
            say_cut(&c, ORIG, stream->data, stream->size, most);
            assert_end(SERVICE_DNS,
                       "query:n0.example/1/0 query:n1.example/1/0 query:n2.example/1/0 ", "");
            assert_string_equal(c.question, "n0.example");
        }
    free(stream);
}

static void test_dns_over_tcp_gap(void **state)
{
    (void)state;
    struct bytes *message = calloc(1, sizeof *message);
    query("a.example", 1);
    put16(message, (unsigned)b.size);
    put(message, b.data, b.size);
    handshake(&c, 40000, 53);
    say(&c, ORIG, message->data, message->size);
    lose(&c, ORIG, 10);
    say_text(&c, ORIG, "rest of some message");
    say(&c, ORIG, message->data, message->size);
    assert_end(SERVICE_DNS, "query:a.example/1/0 query:a.example/1/0 ", "");
    free(message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_http),
        TEST(test_http_in_pieces),
        TEST(test_keep_alive),
        TEST(test_bodies),
        TEST(test_http_cut),
        TEST(test_http_midstream),
        TEST(test_tls),
        TEST(test_tls_cut),
        TEST(test_tls_reordered),
        TEST(test_half_tls),
        TEST(test_starttls),
        TEST(test_connect),
        TEST(test_socks),
        TEST(test_ssh),
        TEST(test_ftp_by_both),
        TEST(test_dns),
        TEST(test_dns_ports),
        TEST(test_dns_junk),
        TEST(test_dns_over_tcp),
        TEST(test_dns_over_tcp_gap),
        TEST(test_pop3_is_not_ftp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
