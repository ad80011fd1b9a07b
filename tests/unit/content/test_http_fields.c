/* What fields say of a body: codings in the order they are undone, lengths, boundaries, upgrades.
 */
#include "../../../sensor/content/http_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static struct http_fields fields;

static struct body_said read_fields(const char *text)
{
    size_t size = strlen(text);
    uint8_t *copy = malloc(size);
    memcpy(copy, text, size);
    http_fields_read(&fields, copy, size);
    free(copy);
    return http_fields_said(&fields);
}

static void test_codings(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum body_coding coding[BODY_CODINGS_MAX];
    } row[] = {
        {"GET / HTTP/1.1\r\nA: b\r\n\r\n", {0}},
        {"Content-Encoding: identity\r\n", {0}},
        {"content-encoding:\tGZIP \r\n", {CODING_GZIP}},
        {"Content-Encoding: x-gzip\n", {CODING_GZIP}},
        {"Content-Encoding: deflate, , br\r\nContent-Encoding: zstd\r\n",
         {CODING_ZSTD, CODING_BROTLI, CODING_DEFLATE}},
        {"Content-Encoding: br\r\nTransfer-Encoding: deflate , gzip;q=1, chunked\r\n",
         {CODING_GZIP, CODING_DEFLATE, CODING_BROTLI}},
        {"Content-Encoding: compress\r\n", {CODING_UNKNOWN}},
        {"Content-Encoding: gzip, gzip, gzip, gzip\r\n",
         {CODING_GZIP, CODING_GZIP, CODING_GZIP, CODING_GZIP}},
        {"Content-Encoding: gzip, gzip, gzip, gzip, gzip\r\n", {CODING_UNKNOWN}},
        {"Content-Encoding: br, br, br\r\nTransfer-Encoding: gzip, gzip\r\n",
         {CODING_UNKNOWN, CODING_GZIP}},
        {"X-Content-Encoding: gzip\r\nContent-Encodings: gzip\r\n", {0}},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        struct body_said said = read_fields(row[i].text);
        for (size_t n = 0; n < BODY_CODINGS_MAX; n++)
            assert_int_equal(said.coding[n], row[i].coding[n]);
    }
}

static void test_lengths(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t declared;
        bool bad, chunked;
    } row[] = {
        {"A: b\r\n", BODY_UNDECLARED, false, false},
        {"Content-Length: 12\r\n", 12, false, false},
        {"Content-Length: 12, 12\r\nContent-Length: 12\r\n", 12, false, false},
        {"Content-Length: 12, 13\r\n", BODY_UNDECLARED, true, false},
        {"Content-Length: 12\r\nContent-Length: 13\r\n", BODY_UNDECLARED, true, false},
        {"Content-Length: -1\r\n", BODY_UNDECLARED, true, false},
        {"Content-Length: \r\n", BODY_UNDECLARED, true, false},
        {"Content-Length: 12\r\nTransfer-Encoding: chunked\r\n", BODY_UNDECLARED, false, true},
        {"Transfer-Encoding: chunked, gzip\r\n", BODY_UNDECLARED, false, false},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        assert_int_equal(read_fields(row[i].text).declared_bytes, row[i].declared);
        assert_int_equal(fields.length_bad, row[i].bad);
        assert_int_equal(fields.chunked, row[i].chunked);
    }
}

static void test_types(void **state)
{
    (void)state;
    static const struct {
        const char *text, *boundary;
        bool message, dns;
    } row[] = {
        {"Content-Type: multipart/form-data; boundary=abc\r\n", "abc", false, false},
        {"Content-Type: Multipart/Mixed;charset=x; Boundary=\"a b\"; z=1\r\n", "a b", false, false},
        {"Content-Type: text/plain; boundary=abc\r\n", "", false, false},
        {"Content-Type: multipart/mixed; boundary=\"a;b\"\r\n", "a;b", false, false},
        {"Content-Type: multipart/mixed; x=\"; boundary=no\"; boundary=yes\r\n", "yes", false,
         false},
        {"Content-Type: multipart/mixed; boundary=\r\n", "", false, false},
        {"Content-Type: multipart/mixed; boundary\r\n", "", false, false},
        {"Content-Type: multipart/mixed; boundary="
         "1234567890123456789012345678901234567890123456789012345678901234567890\r\n",
         "1234567890123456789012345678901234567890123456789012345678901234567890", false, false},
        {"Content-Type: multipart/mixed; boundary="
         "12345678901234567890123456789012345678901234567890123456789012345678901\r\n",
         "", false, false},
        {"Content-Type: multipart/mixed; boundary=a\r\nContent-Type: multipart/mixed\r\n", "a",
         false, false},
        {"Content-Type: message/rfc822\r\n", "", true, false},
        {"Content-Type: application/DNS-message; x=y\r\n", "", false, true},
        {"Content-Type: application/dns-json\r\n", "", false, false},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        struct body_said said = read_fields(row[i].text);
        assert_string_equal(said.boundary, row[i].boundary);
        assert_int_equal(said.message, row[i].message);
        assert_int_equal(said.dns, row[i].dns);
    }
}

static void test_upgrades(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum http_upgrade upgrade;
    } row[] = {
        {"Upgrade-Insecure-Requests: 1\r\n", HTTP_UPGRADE_NONE},
        {"Upgrade: \r\n", HTTP_UPGRADE_NONE},
        {"Upgrade: h2c\r\n", HTTP_UPGRADE_H2C},
        {"Upgrade: WebSocket, x\r\n", HTTP_UPGRADE_WEBSOCKET},
        {"Upgrade: TLS/1.0\r\n", HTTP_UPGRADE_OTHER},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        read_fields(row[i].text);
        assert_int_equal(fields.upgrade, row[i].upgrade);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codings),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_upgrades),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
