/* Which side is the client, and for whom a proxy speaks: the PROXY protocol, Forwarded,
 * X-Forwarded-For, and what only one side ever says. Every input is an exact allocation, and is
 * tried at every shorter size too. */
#include "weir/content/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void *copy_of(const void *data, size_t size)
{
    void *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

static void assert_client(const struct client_claim *client, const char *ip, uint16_t port,
                          enum client_by by)
{
    char text[IP_TEXT_SIZE];
    assert_int_equal(client->by, by);
    if (by == CLIENT_NONE)
        return;
    assert_string_equal(ip_text(&client->ip, text), ip);
    assert_int_equal(client->port, port);
}

/* --- PROXY ------------------------------------------------------------------------------------ */

static enum parse_result proxy(const void *data, size_t size, struct proxy_head *head)
{
    uint8_t *copy = copy_of(data, size);
    enum parse_result result = proxy_parse(copy, size, head);
    free(copy);
    return result;
}

static void test_proxy_text(void **state)
{
    static const struct {
        const char *text, *ip;
        uint16_t port;
        enum parse_result result;
    } row[] = {
        {"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", "192.0.2.1", 56324, PARSE_OK},
        {"PROXY TCP6 2001:db8::7 2001:db8::1 1 65535\r\n", "2001:db8::7", 1, PARSE_OK},
        {"PROXY UNKNOWN\r\n", NULL, 0, PARSE_OK},
        {"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", NULL, 0, PARSE_OK},
        {"PROXY TCP4 192.0.2.1 198.51.100.1 56324 65536\r\n", NULL, 0, PARSE_MALFORMED},
        {"PROXY TCP4 192.0.2.1 198.51.100.1 x 443\r\n", NULL, 0, PARSE_MALFORMED},
        {"PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n", NULL, 0, PARSE_MALFORMED},
        {"PROXY UDP4 192.0.2.1 198.51.100.1 56324 443\r\n", NULL, 0, PARSE_MALFORMED},
        {"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\n", NULL, 0, PARSE_MALFORMED},
        {"PROXY TCP4 192.0.2.999 198.51.100.1 56324 443\r\n", NULL, 0, PARSE_MALFORMED},
        {"PROXIES \r\n", NULL, 0, PARSE_NOT},
        {"POST / HTTP/1.1\r\n", NULL, 0, PARSE_NOT},
    };
    struct proxy_head head;
    (void)state;
    for (size_t i = 0; i < COUNT(row); i++) {
        size_t size = strlen(row[i].text);
        assert_int_equal(proxy(row[i].text, size, &head), row[i].result);
        assert_client(&head.client, row[i].ip, row[i].port,
                      row[i].ip ? CLIENT_PROXY_PROTOCOL : CLIENT_NONE);
        if (row[i].result == PARSE_OK)
            assert_int_equal(head.size, size);
        for (size_t n = 0; n < size && row[i].result == PARSE_OK; n++)
            assert_int_equal(proxy(row[i].text, n, &head), PARSE_MORE);
    }
    char longest[200]; /* no end within the longest there can be */
    memset(longest, '1', sizeof longest);
    memcpy(longest, "PROXY ", 6);
    assert_int_equal(proxy(longest, PROXY_HEAD_MAX - 1, &head), PARSE_MORE);
    assert_int_equal(proxy(longest, PROXY_HEAD_MAX, &head), PARSE_MALFORMED);
}

static size_t binary(uint8_t *to, uint8_t command, uint8_t family, uint16_t length,
                     const char *address)
{
    struct ip ip;
    memcpy(to, "\r\n\r\n\0\r\nQUIT\n", 12);
    to[12] = command;
    to[13] = family;
    to[14] = (uint8_t)(length >> 8);
    to[15] = (uint8_t)length;
    memset(to + 16, 0, 64);
    assert_int_equal(ip_parse(address, &ip), 0);
    size_t size = ip_is_v4(&ip) ? 4 : 16;
    memcpy(to + 16, ip.byte + 16 - size, size);
    to[16 + 2 * size] = 0x12;
    to[16 + 2 * size + 1] = 0x34;
    return 16 + 2 * size + 4;
}

static void test_proxy_binary(void **state)
{
    uint8_t data[128];
    struct proxy_head head;
    (void)state;
    size_t size = binary(data, 0x21, 0x11, 12, "192.0.2.1");
    assert_int_equal(proxy(data, size, &head), PARSE_OK);
    assert_client(&head.client, "192.0.2.1", 0x1234, CLIENT_PROXY_PROTOCOL);
    assert_int_equal(head.size, 28);
    for (size_t n = 0; n < size; n++)
        assert_int_equal(proxy(data, n, &head), PARSE_MORE);
    size = binary(data, 0x21, 0x21, 36 + 4000, "2001:db8::7"); /* what follows may come later */
    assert_int_equal(proxy(data, size, &head), PARSE_OK);
    assert_client(&head.client, "2001:db8::7", 0x1234, CLIENT_PROXY_PROTOCOL);
    assert_int_equal(head.size, 16 + 36 + 4000);
    size = binary(data, 0x20, 0x11, 12, "192.0.2.1"); /* LOCAL: a health check */
    assert_int_equal(proxy(data, size, &head), PARSE_OK);
    assert_client(&head.client, NULL, 0, CLIENT_NONE);
    size = binary(data, 0x21, 0x31, 216, "192.0.2.1"); /* a Unix socket */
    assert_int_equal(proxy(data, size, &head), PARSE_OK);
    assert_client(&head.client, NULL, 0, CLIENT_NONE);
    size = binary(data, 0x21, 0x11, 11, "192.0.2.1");
    assert_int_equal(proxy(data, size, &head), PARSE_MALFORMED);
    size = binary(data, 0x11, 0x11, 12, "192.0.2.1");
    assert_int_equal(proxy(data, size, &head), PARSE_MALFORMED);
    size = binary(data, 0x22, 0x11, 12, "192.0.2.1");
    assert_int_equal(proxy(data, size, &head), PARSE_MALFORMED);
}

/* --- Forwarded, X-Forwarded-For --------------------------------------------------------------- */

static void test_forwarded_for(void **state)
{
    static const struct {
        const char *value, *ip;
        uint16_t port;
    } row[] = {
        {"192.0.2.1", "192.0.2.1", 0},
        {" 192.0.2.1 , 198.51.100.1", "192.0.2.1", 0},
        {"192.0.2.1:80", "192.0.2.1", 80},
        {"2001:db8::1", "2001:db8::1", 0},
        {"[2001:db8::1]", "2001:db8::1", 0},
        {"[2001:db8::1]:4711, 192.0.2.1", "2001:db8::1", 4711},
        {"192.0.2.1:99999", "192.0.2.1", 0},
        {"unknown, 192.0.2.1", NULL, 0},
        {"", NULL, 0},
        {",192.0.2.1", NULL, 0},
        {"192.0.2.1 junk", NULL, 0},
        {"[2001:db8::1", NULL, 0},
        {"[2001:db8::1]x", NULL, 0},
        {"<script>", NULL, 0},
        {"1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22", NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(row); i++) {
        struct client_claim client;
        size_t size = strlen(row[i].value);
        char *copy = copy_of(row[i].value, size);
        assert_int_equal(forwarded_for(copy, size, &client), row[i].ip != NULL);
        assert_client(&client, row[i].ip, row[i].port,
                      row[i].ip ? CLIENT_X_FORWARDED_FOR : CLIENT_NONE);
        free(copy);
    }
}

static void test_forwarded(void **state)
{
    static const struct {
        const char *value, *ip;
        uint16_t port;
    } row[] = {
        {"for=192.0.2.43", "192.0.2.43", 0},
        {"For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17", 4711},
        {"for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60", 0},
        {"proto=\"a;b,c\\\"\"; for=\"192.0.2.1:80\" , for=198.51.100.1", "192.0.2.1", 80},
        {"for=192.0.2.43, for=198.51.100.17", "192.0.2.43", 0},
        {"by=1.1.1.1, for=192.0.2.1", NULL, 0}, /* the first element names nobody */
        {"for=unknown", NULL, 0},
        {"for=\"_gazonk\"", NULL, 0},
        {"for=", NULL, 0},
        {"for=\"", NULL, 0},
        {"for=\"192.0.2.1\\", NULL, 0},
        {"xfor=192.0.2.1", NULL, 0},
        {";;;", NULL, 0},
        {"", NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(row); i++) {
        struct client_claim client;
        size_t size = strlen(row[i].value);
        char *copy = copy_of(row[i].value, size);
        assert_int_equal(forwarded(copy, size, &client), row[i].ip != NULL);
        assert_client(&client, row[i].ip, row[i].port, row[i].ip ? CLIENT_FORWARDED : CLIENT_NONE);
        free(copy);
    }
}

static void test_heads(void **state)
{
    static const char *const claimed[] = {
        "GET / HTTP/1.1\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n",
        "GET / HTTP/1.1\r\nForwarded: for=unknown\r\nX-FORWARDED-FOR: 192.0.2.1\r\n\r\n",
        "GET / HTTP/1.1\r\nforwarded: for=192.0.2.1\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n",
    };
    struct http_head head;
    (void)state;
    for (size_t i = 0; i < COUNT(claimed); i++) {
        assert_int_equal(http_parse_head((const uint8_t *)claimed[i], strlen(claimed[i]), &head),
                         PARSE_OK);
        assert_client(&head.client, "192.0.2.1", 0,
                      i == 2 ? CLIENT_FORWARDED : CLIENT_X_FORWARDED_FOR);
    }
    static const char answer[] = "HTTP/1.1 200 OK\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n";
    http_parse_head((const uint8_t *)answer, sizeof answer - 1, &head);
    assert_int_equal(head.client.by, CLIENT_NONE);
}

/* --- evidence --------------------------------------------------------------------------------- */

static enum evidence said(const void *data, size_t size, enum service service)
{
    uint8_t *copy = copy_of(data, size);
    enum evidence evidence = evidence_of_segment(copy, size, service);
    free(copy);
    return evidence;
}

static void test_text_evidence(void **state)
{
    static const struct {
        const char *text;
        enum evidence evidence;
    } row[] = {
        {"GET / HTTP/1.1\r\nHost: a.example\r\n", EVIDENCE_CLIENT},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", EVIDENCE_CLIENT},
        {"GET / HTTP/1.1", EVIDENCE_NONE}, /* a line of a log, perhaps */
        {"GOT / HTTP/1.1\r\n", EVIDENCE_NONE},
        {"HTTP/1.1 200 OK\r\n", EVIDENCE_SERVER},
        {"HTTP/1.1 is a protocol", EVIDENCE_NONE},
        {"220 mail.example ESMTP\r\n", EVIDENCE_SERVER},
        {"220 files.example FTP\r\n", EVIDENCE_SERVER},
        {"220 something else\r\n", EVIDENCE_NONE},
        {"250 Ok\r\n", EVIDENCE_NONE}, /* a list of numbers says that too */
        {"EHLO there.example\r\n", EVIDENCE_CLIENT},
        {"MAIL FROM:<a@example.jp>\r\n", EVIDENCE_CLIENT},
        {"RETR secret.zip\r\n", EVIDENCE_CLIENT},
        {"MAIL FROM:<a@example.jp>\r\nDATA\r\n\x01", EVIDENCE_NONE},
        {"SSH-2.0-OpenSSH_9.6\r\n", EVIDENCE_NONE}, /* both sides say it */
        {"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", EVIDENCE_CLIENT},
        {"hello, world\r\n", EVIDENCE_NONE},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(row); i++) {
        size_t size = strlen(row[i].text);
        if (said(row[i].text, size, SERVICE_NONE) != row[i].evidence)
            fail_msg("\"%s\" is taken for evidence %d", row[i].text,
                     said(row[i].text, size, SERVICE_NONE));
        for (size_t n = 0; n < size; n++) /* less said is never the opposite */
            assert_true(row[i].evidence == EVIDENCE_NONE ||
                        said(row[i].text, n, SERVICE_NONE) == EVIDENCE_NONE ||
                        said(row[i].text, n, SERVICE_NONE) == row[i].evidence);
    }
}

static size_t tls(uint8_t *to, uint8_t type, uint32_t body, uint16_t record)
{
    static const uint8_t zero[64];
    const uint8_t head[] = {22,
                            3,
                            1,
                            (uint8_t)(record >> 8),
                            (uint8_t)record,
                            type,
                            (uint8_t)(body >> 16),
                            (uint8_t)(body >> 8),
                            (uint8_t)body,
                            3,
                            3};
    memcpy(to, head, sizeof head);
    memcpy(to + sizeof head, zero, sizeof zero);
    return sizeof head + sizeof zero;
}

static void test_tls_evidence(void **state)
{
    static const struct {
        uint8_t type;
        uint32_t body;
        uint16_t record;
        enum evidence evidence;
    } row[] = {
        {1, 500, 504, EVIDENCE_CLIENT},   {1, 20000, 16384, EVIDENCE_CLIENT},
        {1, 500, 600, EVIDENCE_NONE},     {1, 10, 14, EVIDENCE_NONE},
        {1, 1 << 20, 504, EVIDENCE_NONE}, {2, 70, 74, EVIDENCE_SERVER},
        {2, 70, 4000, EVIDENCE_SERVER},   {11, 500, 504, EVIDENCE_NONE}, /* a client may too */
        {12, 300, 304, EVIDENCE_SERVER},  {12, 300, 305, EVIDENCE_NONE},
        {16, 66, 70, EVIDENCE_CLIENT},    {16, 66, 71, EVIDENCE_NONE},
        {14, 0, 4, EVIDENCE_SERVER},      {20, 12, 16, EVIDENCE_NONE},
    };
    uint8_t data[128];
    (void)state;
    for (size_t i = 0; i < COUNT(row); i++) {
        size_t size = tls(data, row[i].type, row[i].body, row[i].record);
        assert_int_equal(said(data, size, SERVICE_NONE), row[i].evidence);
        for (size_t n = 0; n < 9; n++)
            assert_int_equal(said(data, n, SERVICE_NONE), EVIDENCE_NONE);
        data[0] = 23;
        assert_int_equal(said(data, size, SERVICE_NONE), EVIDENCE_NONE);
    }
}

static void test_ssh_evidence(void **state)
{
    uint8_t packet[] = {0, 0, 0, 44, 7, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    (void)state;
    for (unsigned message = 0; message < 256; message++) {
        packet[5] = (uint8_t)message;
        enum evidence want = message == 30 || message == 32 || message == 34 ? EVIDENCE_CLIENT
                             : message == 31 || message == 33                ? EVIDENCE_SERVER
                                                                             : EVIDENCE_NONE;
        assert_int_equal(said(packet, sizeof packet, SERVICE_SSH), want);
        assert_int_equal(said(packet, sizeof packet, SERVICE_NONE), EVIDENCE_NONE);
    }
    packet[5] = 30;
    packet[3] = 45; /* not a multiple of eight */
    assert_int_equal(said(packet, sizeof packet, SERVICE_SSH), EVIDENCE_NONE);
    packet[3] = 44;
    packet[4] = 3;
    assert_int_equal(said(packet, sizeof packet, SERVICE_SSH), EVIDENCE_NONE);
}

static void test_dns_evidence(void **state)
{
    uint8_t message[] = {0,   33, 0,   7,   1,   0,   0,   1,   0,   0, 0,   0,   0, 0, 3, 'w', 'w',
                         'w', 7,  'e', 'x', 'a', 'm', 'p', 'l', 'e', 2, 'j', 'p', 0, 0, 1, 0,   1};
    message[1] = sizeof message - 2;
    (void)state;
    assert_int_equal(evidence_of_dns(message + 2, sizeof message - 2), EVIDENCE_CLIENT);
    assert_int_equal(said(message, sizeof message, SERVICE_NONE), EVIDENCE_CLIENT);
    message[4] = 0x81;
    assert_int_equal(evidence_of_dns(message + 2, sizeof message - 2), EVIDENCE_SERVER);
    assert_int_equal(said(message, sizeof message, SERVICE_NONE), EVIDENCE_SERVER);
    for (size_t n = 0; n < sizeof message - 2; n++)
        assert_int_equal(evidence_of_dns(message + 2, n), EVIDENCE_NONE);
    message[6] = 9; /* questions: nine hundred */
    assert_int_equal(evidence_of_dns(message + 2, sizeof message - 2), EVIDENCE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proxy_text),    cmocka_unit_test(test_proxy_binary),
        cmocka_unit_test(test_forwarded_for), cmocka_unit_test(test_forwarded),
        cmocka_unit_test(test_heads),         cmocka_unit_test(test_text_evidence),
        cmocka_unit_test(test_tls_evidence),  cmocka_unit_test(test_ssh_evidence),
        cmocka_unit_test(test_dns_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
