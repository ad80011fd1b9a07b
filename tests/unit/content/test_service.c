/* What streams begin with: openings as their RFCs and common servers write them. */
#include "weir/content/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static enum service service;

static enum parse_result recognise(const void *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, data, size);
    enum parse_result result = service_recognise(copy, size, &service);
    free(copy);
    return result;
}

#define LINE(text) (text), sizeof(text) - 1

static const struct {
    const char *data;
    size_t size;
    enum service service;
} openings[] = {
    {LINE("GET / HTTP/1.1\r\n"), SERVICE_HTTP},
    {LINE("POST /very/long/target/without/an/end"), SERVICE_HTTP},
    {LINE("HTTP/1.1 200 OK\r\n"), SERVICE_HTTP},
    {LINE("CONNECT a.example:443 HTTP/1.1\r\n"), SERVICE_HTTP},
    {LINE("OPTIONS * HTTP/1.1\r\n"), SERVICE_HTTP},
    {LINE("SSH-2.0-OpenSSH_9.2p1\r\n"), SERVICE_SSH},
    {LINE("\x16\3\1\2\0\1"), SERVICE_TLS},
    {LINE("\x17\3\3\0\x20\xaa\xbb"), SERVICE_TLS},
    {LINE("EHLO client.example\r\n"), SERVICE_SMTP},
    {LINE("helo client.example\r\n"), SERVICE_SMTP},
    {LINE("220 mx.example.com ESMTP Postfix\r\n"), SERVICE_SMTP},
    {LINE("220-ftp.example.com ESMTP\r\n220 hello\r\n"), SERVICE_SMTP},
    {LINE("220 (vsFTPd 3.0.3)\r\n"), SERVICE_FTP},
    {LINE("220-Welcome to Pure-FTPd\r\n"), SERVICE_FTP},
    {LINE("AUTH TLS\r\n"), SERVICE_FTP},
    {LINE("\0\x1d\x12\x34\1\0\0\1\0\0\0\0\0\0\7example\3com\0\0\1\0\1"), SERVICE_DNS},
};

static void test_openings(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(openings); i++) {
        assert_int_equal(recognise(openings[i].data, openings[i].size), PARSE_OK);
        assert_int_equal(service, openings[i].service);
    }
}

/* However the first segment is cut, nothing else is recognised meanwhile, and nothing refused. */
static void test_every_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(openings); i++)
        for (size_t size = 0; size < openings[i].size; size++) {
            enum parse_result result = recognise(openings[i].data, size);
            assert_true(result == PARSE_MORE || result == PARSE_OK);
            assert_int_equal(service, result == PARSE_OK ? openings[i].service : SERVICE_NONE);
        }
}

static void test_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t size;
    } row[] = {
        {LINE("220 mail.example.com ready\r\n")}, /* SMTP or FTP: the client will say */
        {LINE("USER anonymous\r\n")},             /* FTP or POP3 */
        {LINE("+OK POP3 ready\r\n")},
        {LINE("* OK IMAP4rev1 ready\r\n")},
        {LINE("OPTIONS rtsp://a.example/ RTSP/1.0\r\n")},
        {LINE("INVITE sip:a@example.com SIP/2.0\r\n")},
        {LINE("hello, world: how are you?\r\n")},
        {LINE("\x80\x2e\1\3\1\0\x15\0\0\0\x10\0\0\0\0\0\0\0\0\0")},
        {LINE("\0\x05\x12\x34\1\0\0\1\0\0\0\0\0\0\7example\3com\0\0\1\0\1")}, /* too short */
        {LINE("\xff\xfb\1\xff\xfb\3\xff\xfd\x1f\xff\xfd\x18\xff\xfd\x20")},   /* telnet */
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        assert_int_equal(recognise(row[i].data, row[i].size), PARSE_NOT);
        assert_int_equal(service, SERVICE_NONE);
    }
}

/* Waiting ends: a line that never does is nothing. */
static void test_bounded(void **state)
{
    (void)state;
    char endless[2000];
    memset(endless, 'a', sizeof endless);
    memcpy(endless, "220 ", 4);
    assert_int_equal(recognise(endless, 1000), PARSE_MORE);
    assert_int_equal(recognise(endless, 1100), PARSE_NOT);
}

static void test_random(void **state)
{
    (void)state;
    uint64_t seed = 7;
    unsigned recognised = 0;
    for (unsigned round = 0; round < 500000; round++) {
        uint8_t data[64];
        for (size_t i = 0; i < sizeof data; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            data[i] = (uint8_t)(seed >> 56);
        }
        recognised += service_recognise(data, sizeof data, &service) == PARSE_OK;
    }
    assert_in_range(recognised, 0, 5); /* TLS's five bytes: 3 in 10^7 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_openings), cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_nothing),  cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
