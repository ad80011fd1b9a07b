/* NTP by its shape: everyday messages, what is believed on port 123 alone, and what never. */
#include "../../../sensor/content/ntp.h"

#include "bytes.h"
#include "conversation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct bytes b;
static struct conversation c;

/* RFC 5905: flags, stratum, poll, precision, delay, dispersion, reference id, four times. */
static void message(unsigned flags, unsigned stratum, unsigned precision, uint32_t delay)
{
    memset(&b, 0, sizeof b);
    put8(&b, flags);
    put8(&b, stratum);
    put8(&b, 6);
    put8(&b, precision);
    put32(&b, delay);
    put32(&b, 0x00000a00);
    put32(&b, 0x84a36004); /* 132.163.96.4 */
    for (unsigned i = 0; i < 4; i++) {
        put32(&b, 0xe8000000 + i / 2);
        put32(&b, 0x12345678);
    }
}

static void client(void)
{
    message(0x23, 3, 0xe9, 0x00000500);
}

static void server(void)
{
    message(0x24, 2, 0xe7, 0x00000200);
}

static enum ntp_likeness judge(void)
{
    uint8_t *copy = malloc(b.size ? b.size : 1);
    memcpy(copy, b.data, b.size);
    enum ntp_likeness likeness = ntp_judge(copy, b.size);
    free(copy);
    return likeness;
}

static void test_certain(void **state)
{
    (void)state;
    client();
    assert_int_equal(judge(), NTP_CERTAIN);
    server();
    assert_int_equal(judge(), NTP_CERTAIN);
    b.data[0] = 0x1c; /* version 3, mode 4 */
    assert_int_equal(judge(), NTP_CERTAIN);
    message(0xe3, 0, 0xfa, 0x00010000); /* never synchronised */
    assert_int_equal(judge(), NTP_CERTAIN);
    memset(b.data + 1, 0, 39); /* a client that tells nothing of itself */
    assert_int_equal(judge(), NTP_CERTAIN);
    memset(b.data + 40, 0, 4);
    assert_int_equal(judge(), NTP_BY_PORT);
}

/* One number that no client or server writes leaves the port to decide. */
static void test_by_port(void **state)
{
    (void)state;
    server();
    b.data[1] = 0; /* kiss of death */
    assert_int_equal(judge(), NTP_BY_PORT);
    server();
    b.data[1] = 16;
    assert_int_equal(judge(), NTP_BY_PORT);
    server();
    b.data[3] = 1; /* a precision of two seconds */
    assert_int_equal(judge(), NTP_BY_PORT);
    server();
    b.data[5] = 16; /* sixteen seconds of delay */
    assert_int_equal(judge(), NTP_BY_PORT);
    server();
    b.data[43] += 2; /* answered two seconds after it was asked */
    assert_int_equal(judge(), NTP_BY_PORT);
    server();
    b.data[0] = 0x25; /* broadcast */
    assert_int_equal(judge(), NTP_BY_PORT);
    client();
    b.data[0] = 0x13; /* version 2 */
    assert_int_equal(judge(), NTP_BY_PORT);
}

static void test_not(void **state)
{
    (void)state;
    client();
    b.data[1] = 17; /* no stratum */
    assert_int_equal(judge(), NTP_NOT);
    client();
    b.data[0] = 0x2b; /* version 5 */
    assert_int_equal(judge(), NTP_NOT);
    client();
    b.data[0] = 0x20; /* mode 0 */
    assert_int_equal(judge(), NTP_NOT);
    memset(&b, 0, sizeof b);
    put_text(&b, "#!/bin/sh is how a text with a client's first byte may begin ...");
    assert_int_equal(judge(), NTP_NOT);
    client();
    while (b.size-- > 0)
        assert_int_equal(judge(), NTP_NOT);
}

static void test_extensions(void **state)
{
    (void)state;
    static const uint8_t data[600];
    static const unsigned mac[] = {0, 4, 20, 24};
    for (size_t i = 0; i < sizeof mac / sizeof *mac; i++) {
        client();
        put(&b, data, mac[i]);
        assert_int_equal(judge(), NTP_CERTAIN);
        client();
        put32(&b, 0x01040000 + 32); /* Network Time Security: unique identifier */
        put(&b, data, 28);
        put32(&b, 0x02040000 + 104);
        put(&b, data, 100);
        put(&b, data, mac[i]);
        assert_int_equal(judge(), NTP_CERTAIN);
    }
    static const unsigned wrong[] = {12, 18, 0, 36, 0xfffc};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        client();
        put16(&b, 0x0104);
        put16(&b, wrong[i]);
        put(&b, data, 28);
        assert_int_equal(judge(), NTP_NOT);
    }
    client();
    put8(&b, 1); /* data that is hidden behind the time */
    assert_int_equal(judge(), NTP_NOT);
}

static void test_commands(void **state)
{
    (void)state;
    static const uint8_t text[12] = "version=4.2";
    memset(&b, 0, sizeof b);
    put(&b, "\x16\x82\0\1\0\0\0\0\0\0\0\x0b", 12); /* a control answer of eleven bytes */
    put(&b, text, 12);
    assert_int_equal(judge(), NTP_BY_PORT);
    put(&b, text, 12); /* and a MAC */
    put(&b, text, 8);
    assert_int_equal(judge(), NTP_BY_PORT);
    put(&b, text, 12);
    assert_int_equal(judge(), NTP_NOT);
    b.size = 20;
    assert_int_equal(judge(), NTP_NOT);
    memset(&b, 0, sizeof b);
    put(&b, "\x17\0\3\x2a\0\0\0\0", 8); /* monlist */
    assert_int_equal(judge(), NTP_BY_PORT);
    b.data[2] = 9;
    assert_int_equal(judge(), NTP_NOT);
}

static void test_chance_is_not_certain(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (unsigned round = 0; round < 1000000; round++) {
        b.size = 48;
        for (size_t i = 0; i < b.size; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            b.data[i] = (uint8_t)(seed >> 56);
        }
        assert_int_not_equal(judge(), NTP_CERTAIN);
    }
}

static enum service service_on(uint16_t port, bool cut)
{
    assert_int_equal(conversation_open(&c), 0);
    begin(&c, PROTO_UDP, 40000, port);
    packet(&c, SIDE_ORIG, 0, b.data, b.size, cut);
    finish(&c);
    conversation_close(&c);
    return c.service;
}

static void test_in_a_flow(void **state)
{
    (void)state;
    client();
    assert_int_equal(service_on(123, false), SERVICE_NTP);
    assert_int_equal(service_on(4460, false), SERVICE_NTP);
    assert_int_equal(service_on(123, true), SERVICE_NONE); /* cut: its length says nothing */
    b.data[0] = 0x25;
    assert_int_equal(service_on(123, false), SERVICE_NTP);
    assert_int_equal(service_on(4460, false), SERVICE_NONE);
}

/* Port 123 hides nothing: what is no NTP is searched. */
static void test_text_on_the_port(void **state)
{
    (void)state;
    static const char text[] = "#send to alice@example.com and bob@example.com, quickly please";
    assert_int_equal(conversation_open(&c), 0);
    begin(&c, PROTO_UDP, 40000, 123);
    client();
    say(&c, SIDE_ORIG, b.data, b.size);
    say_text(&c, SIDE_ORIG, text);
    finish(&c);
    conversation_close(&c);
    assert_int_equal(c.service, SERVICE_NTP);
    assert_int_equal(c.of_class[SIDE_ORIG][CONTENT_EMAIL], 2);
}

/* Nor does an extension field, which is well-formed whatever it holds. */
static void test_text_in_an_extension(void **state)
{
    (void)state;
    static const char text[] = "to alice@example.com and bob@example.com, quickly please.   ";
    assert_int_equal(conversation_open(&c), 0);
    begin(&c, PROTO_UDP, 40000, 123);
    client();
    put16(&b, 0x0104);
    put16(&b, 4 + sizeof text - 1);
    put(&b, text, sizeof text - 1);
    say(&c, SIDE_ORIG, b.data, b.size);
    finish(&c);
    conversation_close(&c);
    assert_int_equal(c.service, SERVICE_NTP);
    assert_int_equal(c.of_class[SIDE_ORIG][CONTENT_EMAIL], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certain),
        cmocka_unit_test(test_by_port),
        cmocka_unit_test(test_not),
        cmocka_unit_test(test_extensions),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_chance_is_not_certain),
        cmocka_unit_test(test_in_a_flow),
        cmocka_unit_test(test_text_on_the_port),
        cmocka_unit_test(test_text_in_an_extension),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
