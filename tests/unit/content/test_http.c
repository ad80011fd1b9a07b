/* HTTP/1 heads after RFC 9112: the host, where a head ends, and what is none. */
#include "weir/content/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct http_head head;

static enum parse_result parse(const char *text, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, text, size);
    enum parse_result result = http_parse_head(copy, size, &head);
    free(copy);
    return result;
}

static void test_hosts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *method, *host;
    } row[] = {
        {"GET / HTTP/1.1\r\nHost: Www.Example.COM\r\n\r\n", "GET", "www.example.com"},
        {"GET / HTTP/1.1\nhost:a.example:8080 \n\n", "GET", "a.example"},
        {"PUT /x HTTP/1.1\r\nA: b\r\nHOST:\t[2001:DB8::1]:80\r\n\r\n", "PUT", "2001:db8::1"},
        {"GET / HTTP/1.1\r\nHost: 192.0.2.1:81\r\n\r\n", "GET", "192.0.2.1"},
        {"GET / HTTP/1.1\r\nHost: a.example.\r\n\r\n", "GET", "a.example"},
        {"GET / HTTP/1.0\r\n\r\n", "GET", ""},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET", ""},
        {"GET / HTTP/1.1\r\nX-Host: no.example\r\nHostess: no.example\r\n\r\n", "GET", ""},
        {"GET / HTTP/1.1\r\nHost: first.example\r\nHost: second.example\r\n\r\n", "GET",
         "first.example"},
        {"GET / HTTP/1.1\r\nHost: a b.example\r\n\r\n", "GET", ""},
        {"GET / HTTP/1.1\r\nHost: a.example/p?token=s3cret@b.example\r\n\r\n", "GET", "a.example"},
        {"GET / HTTP/1.1\r\nHost: u:pass@a.example:80?token=s3cret\r\n\r\n", "GET", "a.example"},
        {"GET / HTTP/1.1\r\nHost: \x01.example\r\n\r\n", "GET", ""},
        {"GET http://u@T.example:81/p?q=://x HTTP/1.1\r\n\r\n", "GET", "t.example"},
        {"GET http://t.example HTTP/1.1\r\nHost: h.example\r\n\r\n", "GET", "h.example"},
        {"GET /?u=http://no.example/ HTTP/1.1\r\n\r\n", "GET", ""},
        {"CONNECT C.example:443 HTTP/1.1\r\n\r\n", "CONNECT", "c.example"},
        {"CONNECT [::1]:443 HTTP/1.1\r\n\r\n", "CONNECT", "::1"},
        {"\r\nPOST /a HTTP/1.1\r\nHost: a.example\r\n\r\n", "POST", "a.example"},
        {"X_MADE-UP /a b HTTP/1.1\r\nHost: a.example\r\n\r\n", "X_MADE-UP", "a.example"},
        {"PRI * HTTP/2.0\r\n\r\n", "PRI", ""},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        assert_int_equal(parse(row[i].text, strlen(row[i].text)), PARSE_OK);
        assert_true(head.request);
        assert_string_equal(head.method, row[i].method);
        assert_string_equal(head.host, row[i].host);
        assert_int_equal(head.size, strlen(row[i].text));
    }
}

static void test_answers(void **state)
{
    (void)state;
    static const char text[] =
        "HTTP/1.1 200 OK\r\nHost: x.example\r\nContent-Length: 5\r\n\r\nabcde";
    assert_int_equal(parse(text, sizeof text - 1), PARSE_OK);
    assert_false(head.request);
    assert_string_equal(head.host, "");
    assert_int_equal(head.size, sizeof text - 1 - 5);
}

static void test_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        int64_t bytes;
    } row[] = {
        {"", 0},
        {"Content-Length: 0\r\n", 0},
        {"content-length:12345678901\r\n", INT64_C(12345678901)},
        {"Content-Length: 7\r\nContent-Length: 9\r\n", 7},
        {"Content-Length: 7x\r\n", HTTP_BODY_UNKNOWN},
        {"Content-Length: 9999999999999999999\r\n", HTTP_BODY_UNKNOWN},
        {"Transfer-Encoding: chunked\r\n", HTTP_BODY_UNKNOWN},
        {"Content-Length: 7\r\nTransfer-Encoding: chunked\r\n", HTTP_BODY_UNKNOWN},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        char text[256];
        size_t size =
            (size_t)snprintf(text, sizeof text, "POST / HTTP/1.1\r\n%s\r\nbody", row[i].fields);
        assert_int_equal(parse(text, size), PARSE_OK);
        assert_int_equal(head.body_bytes, row[i].bytes);
        assert_int_equal(head.size, size - 4);
    }
}

static void test_every_prefix(void **state)
{
    (void)state;
    static const char text[] =
        "\r\nOPTIONS /a/b HTTP/1.1\r\nA: b\r\nHost: a.example:80\r\nC: d\r\n\r\n";
    size_t host_end = (size_t)(strstr(text, "C: d") - text);
    for (size_t size = 0; size < sizeof text - 1; size++) {
        assert_int_equal(parse(text, size), PARSE_MORE);
        assert_string_equal(head.host, size >= host_end ? "a.example" : "");
        assert_int_equal(head.size, 0);
    }
}

static void test_not_http(void **state)
{
    (void)state;
    static const char *const text[] = {
        "EHLO mail.example\r\n",
        "GET /\r\n",
        "get / HTTP/1.1\r\n",
        "OPTIONS rtsp://a.example/ RTSP/1.0\r\n",
        "INVITE sip:a@example.com SIP/2.0\r\n",
        "GET HTTP/1.1\r\n",
        "GET  HTTP/1.1\r\n",
        "AVERYLONGMETHODNAME / HTTP/1.1\r\n",
        "HTTP/2 200\r\n",
        "HELP",
        "G\x01",
        "\x16\x03\x01",
        "\r\n\r\n\r\nGET / HTTP/1.1\r\n",
    };
    for (size_t i = 0; i < COUNT(text); i++)
        assert_int_equal(parse(text[i], strlen(text[i])), PARSE_NOT);
}

static void test_too_long(void **state)
{
    (void)state;
    static char text[HTTP_HEAD_MAX + 1];
    memset(text, 'a', sizeof text);
    static const char begin[] = "GET / HTTP/1.1\r\nHost: a.example\r\nCookie: ";
    memcpy(text, begin, sizeof begin - 1);
    assert_int_equal(parse(text, HTTP_HEAD_MAX - 1), PARSE_MORE);
    assert_int_equal(parse(text, HTTP_HEAD_MAX), PARSE_MALFORMED);
    assert_string_equal(head.host, "a.example");
    memcpy(text, "GET /", 5);
    memset(text + 5, 'a', sizeof text - 5);
    assert_int_equal(parse(text, HTTP_HEAD_MAX), PARSE_MALFORMED);
}

static void test_long_host(void **state)
{
    (void)state;
    char text[512] = "GET / HTTP/1.1\r\nHost: ";
    size_t begin = strlen(text);
    memset(text + begin, 'h', RECORD_NAME_MAX);
    memcpy(text + begin + RECORD_NAME_MAX, ":80\r\n\r\n", 8);
    assert_int_equal(parse(text, strlen(text)), PARSE_OK);
    assert_int_equal(strlen(head.host), RECORD_NAME_MAX);
    memcpy(text + begin + RECORD_NAME_MAX, "h:80\r\n\r\n", 9);
    assert_int_equal(parse(text, strlen(text)), PARSE_OK);
    assert_string_equal(head.host, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),     cmocka_unit_test(test_answers),
        cmocka_unit_test(test_bodies),    cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_not_http),  cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_long_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
