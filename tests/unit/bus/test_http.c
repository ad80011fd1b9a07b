/* Requests as bytes: what is taken, what is refused with which answer, and that neither depends on
 * how the bytes were cut. */
#include "../../../sensor/bus/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char head[4 * HTTP_HEAD_MAX]; /* what http_read_head cut into strings */

/* Gives `text` in pieces of `step` bytes. */
static enum http_result read_in_steps(const char *text, size_t size, size_t step,
                                      struct http_request *request)
{
    size_t seen = 0, head_size = 0;
    enum http_result result = HTTP_MORE;
    for (size_t given = step; result == HTTP_MORE; given += step) {
        result = http_find_head(text, given < size ? given : size, &seen, &head_size);
        if (given >= size)
            break;
    }
    if (result != HTTP_OK)
        return result;
    memcpy(head, text, head_size);
    return http_read_head(head, head_size, request);
}

static void expect(const char *text, enum http_result expected)
{
    for (size_t step = 1; step <= 64; step *= 4) {
        struct http_request request;
        enum http_result result = read_in_steps(text, strlen(text), step, &request);
        if (result != expected)
            fail_msg("\"%s\" in steps of %zu: %d instead of %d", text, step, (int)result,
                     (int)expected);
    }
}

static void test_good(void **state)
{
    (void)state;
    static const char text[] = "POST /v1/reload?dry=1&x=%20 HTTP/1.1\r\nHost: localhost\r\n"
                               "Content-Length: \t12 \r\nX-Empty:\r\n\r\nbody";
    struct http_request request;
    assert_int_equal(read_in_steps(text, strlen(text), 7, &request), HTTP_OK);
    assert_string_equal(request.method, "POST");
    assert_string_equal(request.path, "/v1/reload");
    assert_string_equal(request.query, "dry=1&x=%20");
    assert_int_equal(request.body_size, 12);
    assert_int_equal(request.head_size, strlen(text) - strlen("body"));
}

static void test_shortest(void **state)
{
    (void)state;
    static const char text[] = "GET / HTTP/1.0\r\n\r\n";
    struct http_request request;
    assert_int_equal(read_in_steps(text, strlen(text), 1, &request), HTTP_OK);
    assert_string_equal(request.query, "");
    assert_int_equal(request.body_size, 0);
    for (size_t size = 0; size < strlen(text); size++) /* any part of it is not yet all */
        assert_int_equal(read_in_steps(text, size, 1, &request), HTTP_MORE);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum http_result result;
    } row[] = {
        {"\r\n\r\n", HTTP_BAD},
        {"GET\r\n\r\n", HTTP_BAD},
        {"GET /\r\n\r\n", HTTP_BAD},
        {"GET  / HTTP/1.1\r\n\r\n", HTTP_BAD},
        {" GET / HTTP/1.1\r\n\r\n", HTTP_BAD},
        {"G(T / HTTP/1.1\r\n\r\n", HTTP_BAD},
        {"GET x HTTP/1.1\r\n\r\n", HTTP_BAD},
        {"GET http://a/ HTTP/1.1\r\n\r\n", HTTP_BAD},
        {"GET / HTTQ/1.1\r\n\r\n", HTTP_BAD},
        {"GET / HTTP/2.0\r\n\r\n", HTTP_VERSION_WRONG},
        {"GET / x HTTP/1.1\r\n\r\n", HTTP_BAD},
        {"GET / HTTP/1.1\n\n", HTTP_BAD},
        {"GET / HTTP/1.1\rX", HTTP_BAD},
        {"\x16\x03\x01", HTTP_BAD}, /* TLS */
        {"GET /\x7f HTTP/1.1\r\n\r\n", HTTP_BAD},
        {"GET / HTTP/1.1\r\nnonsense\r\n\r\n", HTTP_BAD},
        {"GET / HTTP/1.1\r\n: x\r\n\r\n", HTTP_BAD},
        {"GET / HTTP/1.1\r\nA: x\r\n folded\r\n\r\n", HTTP_BAD},
        {"GET / HTTP/1.1\r\nContent-Length : 3\r\n\r\n", HTTP_BAD},
        {"GET / HTTP/1.1\r\nContent-Length: 3\r\ncontent-length: 3\r\n\r\n", HTTP_BAD},
        {"GET / HTTP/1.1\r\nContent-Length: -3\r\n\r\n", HTTP_BAD},
        {"GET / HTTP/1.1\r\nContent-Length: +3\r\n\r\n", HTTP_BAD},
        {"GET / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\n", HTTP_BAD},
        {"GET / HTTP/1.1\r\nContent-Length:\r\n\r\n", HTTP_BAD},
        {"GET / HTTP/1.1\r\nContent-Length: 65536\r\n\r\n", HTTP_OK},
        {"GET / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n", HTTP_BODY_LARGE},
        {"GET / HTTP/1.1\r\nContent-Length: 18446744073709551617\r\n\r\n", HTTP_BODY_LARGE},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_NO_LENGTH},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        expect(row[i].text, row[i].result);
}

static void test_nul(void **state)
{
    (void)state;
    static const char text[] = "GET /\0 HTTP/1.1\r\n\r\n";
    struct http_request request;
    assert_int_equal(read_in_steps(text, sizeof text - 1, 4, &request), HTTP_BAD);
}

/* Exactly 8 KiB is taken, one byte more is not, and no byte behind the bound is looked at. */
static void test_head_bound(void **state)
{
    (void)state;
    char *text = malloc(HTTP_HEAD_MAX + 1);
    struct http_request request;
    for (size_t more = 0; more <= 1; more++) {
        size_t size = HTTP_HEAD_MAX + more;
        memset(text, 'a', size);
        memcpy(text, "GET / HTTP/1.1\r\nA: ", 19);
        memcpy(text + size - 4, "\r\n\r\n", 4);
        assert_int_equal(read_in_steps(text, size, 1000, &request),
                         more ? HTTP_HEAD_LARGE : HTTP_OK);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),       cmocka_unit_test(test_shortest),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_nul),
        cmocka_unit_test(test_head_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
