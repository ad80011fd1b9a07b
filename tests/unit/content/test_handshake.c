/* A server's flight made by hand after RFC 5246, and flows whose certificate is compared with the
 * name that was asked for. The certificates were made elsewhere (certificates.h says what they
 * hold). */
#include "../../../sensor/content/flow_content.h"
#include "../../../sensor/content/tls_wire.h"
#include "../certificates.h"
#include "conversation.h"

#include "bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct conversation c;
static struct bytes flight, message, hello;
static struct tls_certificate found;

static int set_up(void **state)
{
    (void)state;
    return conversation_open(&c);
}

static int tear_down(void **state)
{
    (void)state;
    conversation_close(&c);
    return 0;
}

/* A ServerHello; `version` not 0: with supported_versions, as TLS 1.3 has it. */
static void put_server_hello(unsigned version)
{
    put8(&message, 2);
    size_t body = put_open(&message, 3);
    put16(&message, 0x0303);
    for (unsigned i = 0; i < 32; i++)
        put8(&message, i);
    put(&message, "\4sess\xc0\x2f\0", 8);
    size_t list = put_open(&message, 2);
    put(&message, "\xff\1\0\1\0", 5);
    if (version) {
        put(&message, "\0\x2b\0\2", 4);
        put16(&message, version);
    }
    put_close(&message, list, 2);
    put_close(&message, body, 3);
}

static void put_certificate(const uint8_t *der, size_t size)
{
    put8(&message, 11);
    size_t body = put_open(&message, 3), list = put_open(&message, 3), one = put_open(&message, 3);
    put(&message, der, size);
    put_close(&message, one, 3);
    if (size) { /* whoever signed it */
        one = put_open(&message, 3);
        put(&message, certificate_no_name, sizeof certificate_no_name);
        put_close(&message, one, 3);
    }
    put_close(&message, list, 3);
    put_close(&message, body, 3);
}

static void make_flight(const uint8_t *der, size_t size, size_t record_bytes)
{
    flight.size = message.size = 0;
    put_server_hello(0);
    put_certificate(der, size);
    put(&message, "\x0e\0\0\0", 4); /* ServerHelloDone */
    tls_records(&flight, &message, record_bytes);
}

#define MAKE(which, most) make_flight(certificate_##which, sizeof certificate_##which, most)

static enum parse_result parse(size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, flight.data, size);
    enum parse_result result = tls_parse_certificate(copy, size, &found);
    free(copy);
    return result;
}

static void test_every_prefix_and_split(void **state)
{
    (void)state;
    static const size_t most[] = {16384, 300, 83, 5, 1};
    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        MAKE(two_names, most[i]);
        enum parse_result result = PARSE_MORE;
        size_t size = 0;
        for (; size < flight.size && result == PARSE_MORE; size++)
            result = parse(size);
        assert_int_equal(result, PARSE_OK);
        for (; size <= flight.size; size += 50)
            assert_int_equal(parse(size), PARSE_OK);
        assert_int_equal(found.size, sizeof certificate_two_names);
        assert_memory_equal(found.der, certificate_two_names, found.size);
    }
}

static void test_none(void **state)
{
    (void)state;
    flight.size = message.size = 0; /* TLS 1.3 */
    put_server_hello(0x0304);
    tls_records(&flight, &message, 16384);
    assert_int_equal(parse(flight.size), PARSE_NOT);
    flight.size = message.size = 0; /* a resumed session */
    put_server_hello(0);
    tls_records(&flight, &message, 16384);
    assert_int_equal(parse(flight.size), PARSE_MORE);
    put(&flight, "\x14\3\3\0\1\1", 6);
    assert_int_equal(parse(flight.size), PARSE_NOT);
    flight.size = message.size = 0; /* … with a new ticket */
    put_server_hello(0);
    put(&message, "\4\0\0\0", 4);
    tls_records(&flight, &message, 16384);
    assert_int_equal(parse(flight.size), PARSE_NOT);
    make_flight(NULL, 0, 16384); /* an empty certificate */
    assert_int_equal(parse(flight.size), PARSE_MALFORMED);
    flight.size = 0;
    put(&flight, "\x15\3\3\0\2\2\x28", 7); /* an alert */
    assert_int_equal(parse(flight.size), PARSE_NOT);
    flight.size = 0;
    plain_hello(&flight, "www.example.com");
    assert_int_equal(parse(flight.size), PARSE_NOT);
}

static void test_malformed(void **state)
{
    (void)state;
    size_t hello_size = 2 + 32 + 5 + 3 + 2 + 5;
    MAKE(two_names, 16384);
    flight.data[5 + 4 + hello_size + 4 + 2]++; /* the list is longer than its message */
    assert_int_equal(parse(flight.size), PARSE_MALFORMED);
    MAKE(two_names, 16384);
    flight.data[5 + 4 + hello_size + 7] = 1; /* a certificate of 64 kB in it */
    assert_int_equal(parse(flight.size), PARSE_MALFORMED);
    MAKE(two_names, 16384);
    flight.data[5 + 4 + hello_size + 1] = 2; /* a message of 128 kB */
    assert_int_equal(parse(flight.size), PARSE_MALFORMED);
    MAKE(two_names, 300);
    flight.data[305] = 23; /* application data inside the certificate */
    assert_int_equal(parse(flight.size), PARSE_MALFORMED);
}

/* --- flows -------------------------------------------------------------------------------------
 */

static void client_says(const char *name)
{
    hello.size = 0;
    plain_hello(&hello, name);
    say(&c, SIDE_ORIG, hello.data, hello.size);
}

static void expect(const char *names, uint32_t flags)
{
    finish(&c);
    assert_int_equal(c.service, SERVICE_TLS);
    assert_string_equal(c.text[TEXT_CERTIFICATE], names);
    assert_int_equal(c.facts.flags, flags);
}

static const char all_names[] = "www.example.com,*.example.org,192.0.2.7,2001:db8::7";

static void test_compared(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t flags;
    } row[] = {{"www.example.com", FLOW_CERTIFICATE_HAS_NAME},
               {"a.example.org", FLOW_CERTIFICATE_HAS_NAME},
               {"192.0.2.7", FLOW_CERTIFICATE_HAS_NAME},
               {"example.org", FLOW_CERTIFICATE_OTHER},
               {"other.example", FLOW_CERTIFICATE_OTHER},
               {NULL, 0}};
    MAKE(two_names, 16384);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        handshake(&c, (uint16_t)(40000 + i), 443);
        client_says(row[i].name);
        say(&c, SIDE_RESP, flight.data, flight.size);
        expect(all_names, row[i].flags);
    }
}

/* However TCP cuts it, and whichever side is seen first. */
static void test_cut_by_tcp(void **state)
{
    (void)state;
    MAKE(two_names, 200);
    for (size_t most = 1; most < 700; most = most * 3 + 1) {
        handshake(&c, (uint16_t)(40000 + most), 443);
        client_says("www.example.com");
        say_cut(&c, SIDE_RESP, flight.data, flight.size, most);
        expect(all_names, FLOW_CERTIFICATE_HAS_NAME);
    }
    handshake(&c, 50000, 443);
    say_cut(&c, SIDE_RESP, flight.data, flight.size, 100);
    client_says("other.example");
    expect(all_names, FLOW_CERTIFICATE_OTHER);
    handshake(&c, 50001, 443);
    say_cut(&c, SIDE_RESP, flight.data, flight.size, 100);
    client_says(NULL);
    expect(all_names, 0);
    handshake(&c, 50002, 443);
    say_cut(&c, SIDE_RESP, flight.data, flight.size, 100);
    expect(all_names, 0); /* the client was never seen; nothing leaks */
}

/* A certificate without any name does not hold the one that was asked for. */
static void test_no_names(void **state)
{
    (void)state;
    MAKE(no_name, 16384);
    handshake(&c, 40000, 443);
    client_says("www.example.com");
    say(&c, SIDE_RESP, flight.data, flight.size);
    expect("", FLOW_CERTIFICATE_OTHER);
}

/* A ServerHello is one when it is whole and all its lengths are right. */
static void test_server_hello_fits(void **state)
{
    (void)state;
    for (unsigned version = 0; version <= 0x0304; version += 0x0304) {
        flight.size = message.size = 0;
        put_server_hello(version);
        for (size_t most = 1; most <= message.size; most++) {
            flight.size = 0;
            tls_records(&flight, &message, most);
            assert_true(tls_server_hello_fits(flight.data, flight.size));
            assert_false(tls_server_hello_fits(flight.data, flight.size - 1));
        }
        static const struct {
            size_t at;
            uint8_t wrong;
        } spoilt[] = {{5, 1}, {9, 4}, {10, 5}, {43, 33}, {43, 3}, {52, 6}, {56, 2}};
        for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
            uint8_t *byte = flight.data + spoilt[i].at, right = *byte;
            *byte = spoilt[i].wrong;
            assert_false(tls_server_hello_fits(flight.data, flight.size));
            *byte = right;
        }
    }
}

static uint64_t malformed(void)
{
    struct health health = {0};
    content_health(c.content, &health);
    return health.parse_malformed;
}

/* Nobody looks at the flow any more: its certificate's names wait for no hello. */
static void test_nothing_waits_for_ever(void **state)
{
    (void)state;
    MAKE(two_names, 16384);
    handshake(&c, 40000, 443);
    say(&c, SIDE_RESP, flight.data, flight.size);
    assert_true(c.content->gathered_bytes > 0);
    uint8_t sealed[1005] = {0x17, 3, 3, 1000 >> 8, 1000 & 0xff, 0xfe};
    for (unsigned i = 0; i < CONTENT_HANDSHAKE_BYTES / sizeof sealed + 2; i++) {
        say(&c, SIDE_ORIG, sealed, sizeof sealed);
        say(&c, SIDE_RESP, sealed, sizeof sealed);
    }
    assert_int_equal(c.content->gathered_bytes, 0);
    expect(all_names, 0);
}

static void test_missing_bytes(void **state)
{
    (void)state;
    MAKE(two_names, 16384);
    handshake(&c, 40000, 443);
    client_says("www.example.com");
    say(&c, SIDE_RESP, flight.data, 150);
    lose(&c, SIDE_RESP, 100);
    packet(&c, SIDE_ORIG, TCP_ACK, NULL, 0, 0);
    say(&c, SIDE_RESP, flight.data + 250, flight.size - 250);
    expect("", 0);
    assert_int_equal(malformed(), 0);
    handshake(&c, 40001, 443);
    client_says("www.example.com");
    flight.data[5 + 4 + 49 + 10 + 1] ^= 0x40; /* no DER any more */
    say(&c, SIDE_RESP, flight.data, flight.size);
    expect("", 0);
    assert_int_equal(malformed(), 1);
}

/* Behind STARTTLS the same stages follow. */
static void test_starttls(void **state)
{
    (void)state;
    MAKE(two_names, 16384);
    handshake(&c, 40000, 25);
    say_text(&c, SIDE_RESP, "220 mx.example.net ESMTP\r\n");
    say_text(&c, SIDE_ORIG, "EHLO a.example\r\n");
    say_text(&c, SIDE_RESP, "250 STARTTLS\r\n");
    say_text(&c, SIDE_ORIG, "STARTTLS\r\n");
    say_text(&c, SIDE_RESP, "220 Go ahead\r\n");
    client_says("www.example.com");
    say(&c, SIDE_RESP, flight.data, flight.size);
    finish(&c);
    assert_string_equal(c.text[TEXT_CERTIFICATE], all_names);
    assert_int_equal(c.facts.flags, FLOW_CERTIFICATE_HAS_NAME);
}

/* --- encrypted DNS -----------------------------------------------------------------------------
 */

static void test_encrypted_dns(void **state)
{
    (void)state;
    static const struct {
        uint16_t port;
        const char *name, *application;
    } row[] = {{853, "any.example", "dot"},     {853, NULL, "dot"},
               {443, "dns.google", "doh"},      {443, "abc123.cloudflare-dns.com", "doh"},
               {443, "notdns.google", ""},      {443, "google", ""},
               {443, "dns.google.example", ""}, {443, NULL, ""}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        handshake(&c, (uint16_t)(40000 + i), row[i].port);
        client_says(row[i].name);
        finish(&c);
        assert_string_equal(c.text[TEXT_APPLICATION], row[i].application);
    }
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_prefix_and_split),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_malformed),
        WITH(test_compared),
        WITH(test_cut_by_tcp),
        WITH(test_no_names),
        WITH(test_server_hello_fits),
        WITH(test_nothing_waits_for_ever),
        WITH(test_missing_bytes),
        WITH(test_starttls),
        WITH(test_encrypted_dns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
