/* Settings, flight data, containers and entropy of whole conversations: on the side that sent them,
 * whatever the segments. */
#include "conversation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct conversation c;

static const char plan[] =
    "a plan\n(FPL-ABC123-IS\r\n-B738/M-S/C\r\n-RJTT0100\r\n-N0450F350 DCT\r\n"
    "-RJBB0110)\nkey AKIAIOSFODNN7EXAMPLE\n";

static void test_its_own_side(void **state)
{
    (void)state;
    for (size_t most = 1; most < sizeof plan; most += 7) {
        assert_int_equal(conversation_open(&c), 0);
        handshake(&c, 40000, 9000);
        say_text(&c, SIDE_RESP, "hello, who is there?\n");
        say_cut(&c, SIDE_ORIG, plan, sizeof plan - 1, most);
        finish(&c);
        assert_int_equal(c.of_class[SIDE_ORIG][CONTENT_FLIGHT], 1);
        assert_int_equal(c.of_class[SIDE_ORIG][CONTENT_SETTING], 1);
        assert_int_equal(c.items[SIDE_RESP], 0);
        conversation_close(&c);
    }
}

/* The plan is cut by missing bytes; what stands behind them is seen. */
static void test_gap(void **state)
{
    (void)state;
    assert_int_equal(conversation_open(&c), 0);
    handshake(&c, 40000, 9000);
    say(&c, SIDE_ORIG, plan, 40);
    lose(&c, SIDE_ORIG, 10);
    say(&c, SIDE_ORIG, plan + 50, sizeof plan - 1 - 50);
    say_text(&c, SIDE_ORIG, "and more\n");
    finish(&c);
    assert_int_equal(c.of_class[SIDE_ORIG][CONTENT_FLIGHT], 0);
    assert_int_equal(c.of_class[SIDE_ORIG][CONTENT_SETTING], 1);
    conversation_close(&c);
}

static void test_an_archive_twice(void **state)
{
    static uint8_t zip[3000] = "PK\3\4\x14\0\1\0\x08";
    (void)state;
    zip[18] = 0xb8, zip[19] = 0x0b; /* packed bytes */
    zip[26] = 5;                    /* of a name */
    memcpy(zip + 30, "a.txt", 5);
    assert_int_equal(conversation_open(&c), 0);
    handshake(&c, 40000, 9000);
    say_cut(&c, SIDE_ORIG, zip, sizeof zip, 1400);
    handshake(&c, 40001, 9000);
    say_cut(&c, SIDE_ORIG, zip, sizeof zip, 333);
    finish(&c);
    assert_int_equal(c.of_class[SIDE_ORIG][CONTENT_ARCHIVE], 2); /* once a flow */
    assert_true(c.hash[0] == c.hash[1]);
    assert_string_equal(c.label[0], "zip-encrypted");
    conversation_close(&c);
}

static void test_entropy(void **state)
{
    static uint8_t even[6000];
    (void)state;
    for (size_t i = 0; i < sizeof even; i++)
        even[i] = (uint8_t)(i * 167 + 128); /* each byte as often; no text */
    for (size_t most = 100; most <= 1400; most += 650) {
        assert_int_equal(conversation_open(&c), 0);
        handshake(&c, 40000, 9000);
        say_cut(&c, SIDE_ORIG, even, sizeof even, most);
        say_text(&c, SIDE_RESP, "aaaaaaaabbbbbbbbaaaaaaaabbbbbbbbaaaaaaaabbbbbbbbaaaaaaaabbbbbbbb");
        finish(&c);
        assert_int_equal(c.facts.entropy[SIDE_ORIG], 8000);
        assert_int_equal(c.facts.entropy[SIDE_RESP], 1000);
        conversation_close(&c);
    }
    assert_int_equal(conversation_open(&c), 0);
    begin(&c, PROTO_UDP, 40000, 9000);
    say(&c, SIDE_ORIG, even, 512);
    say(&c, SIDE_RESP, even, 40); /* says nothing */
    finish(&c);
    assert_int_equal(c.facts.entropy[SIDE_ORIG], 8000);
    assert_int_equal(c.facts.entropy[SIDE_RESP], 0);
    conversation_close(&c);
}

/* What is encrypted by its protocol is not measured. */
static void test_no_entropy_of_ssh(void **state)
{
    static uint8_t even[6000];
    (void)state;
    for (size_t i = 0; i < sizeof even; i++)
        even[i] = (uint8_t)(i * 167 + 128);
    assert_int_equal(conversation_open(&c), 0);
    handshake(&c, 40000, 22);
    say_text(&c, SIDE_ORIG, "SSH-2.0-OpenSSH_9.2\r\n");
    say_text(&c, SIDE_RESP, "SSH-2.0-OpenSSH_9.2\r\n");
    say_cut(&c, SIDE_ORIG, even, sizeof even, 1400);
    finish(&c);
    assert_int_equal(c.service, SERVICE_SSH);
    assert_int_equal(c.facts.entropy[SIDE_ORIG], 0);
    conversation_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_its_own_side),      cmocka_unit_test(test_gap),
        cmocka_unit_test(test_an_archive_twice),  cmocka_unit_test(test_entropy),
        cmocka_unit_test(test_no_entropy_of_ssh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
