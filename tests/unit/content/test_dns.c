/* DNS messages made by hand after RFC 1035: names, addresses, and every way to be cut or wrong. */
#include "weir/content/names.h"

#include "bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct bytes b;
static struct dns_message m;

static void begin(unsigned flags, unsigned questions, unsigned answers)
{
    memset(&b, 0, sizeof b);
    dns_header(&b, flags, questions, answers);
}

/* An exact-size copy, so that a sanitizer sees a read past the end. */
static enum parse_result parse(size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, b.data, size);
    enum parse_result result = dns_parse(copy, size, &m);
    free(copy);
    return result;
}

static void test_query(void **state)
{
    (void)state;
    begin(0x0100, 1, 0);
    dns_question(&b, "WWW.Example.COM", 28);
    assert_int_equal(parse(b.size), PARSE_OK);
    assert_string_equal(m.name, "www.example.com");
    assert_int_equal(m.qtype, 28);
    assert_false(m.response);
    assert_int_equal(m.address_count, 0);
}

static void make_answer(void)
{
    static const uint8_t v4a[] = {192, 0, 2, 1}, v4b[] = {192, 0, 2, 2};
    static const uint8_t v6[16] = {0x20, 1, 0xd, 0xb8, [15] = 9};
    begin(0x8180, 1, 4);
    dns_question(&b, "a.example", 1);
    dns_record(&b, 5, 7, "\1b\xc0\x0e", 4); /* CNAME b.example: no address, no TTL of one */
    dns_record(&b, 1, 300, v4a, 4);
    dns_record(&b, 28, 60, v6, 16);
    dns_record(&b, 1, 120, v4b, 4);
}

static void test_answer(void **state)
{
    (void)state;
    char text[IP_TEXT_SIZE];
    make_answer();
    assert_int_equal(parse(b.size), PARSE_OK);
    assert_true(m.response);
    assert_int_equal(m.address_count, 3);
    assert_string_equal(ip_text(&m.address[0], text), "192.0.2.1");
    assert_string_equal(ip_text(&m.address[1], text), "2001:db8::9");
    assert_string_equal(ip_text(&m.address[2], text), "192.0.2.2");
    assert_int_equal(m.ttl_s, 60);
    assert_int_equal(m.more, 0);
    assert_int_equal(m.answers, 4);
    assert_int_equal(m.answer_bytes, 4 + 4 + 16 + 4);
    assert_int_equal(m.message_bytes, b.size);
    assert_int_equal(m.alias_count, 1);
    assert_string_equal(m.alias[0], "b.example");
}

static void test_rcode(void **state)
{
    (void)state;
    begin(0x8183, 1, 0);
    dns_question(&b, "no.example", 1);
    assert_int_equal(parse(b.size), PARSE_OK);
    assert_int_equal(m.rcode, 3);
    /* A server that refuses without repeating the question. */
    begin(0x8001, 0, 0);
    assert_int_equal(parse(b.size), PARSE_OK);
    assert_int_equal(m.qtype, 0);
    assert_int_equal(m.rcode, 1);
}

static void test_many_addresses(void **state)
{
    (void)state;
    begin(0x8180, 1, 40);
    dns_question(&b, "many.example", 1);
    for (uint8_t i = 0; i < 40; i++)
        dns_record(&b, 1, 100u - i, (uint8_t[]){10, 0, 0, i}, 4);
    assert_int_equal(parse(b.size), PARSE_OK);
    assert_int_equal(m.address_count, RECORD_NAME_ADDRESSES);
    assert_int_equal(m.more, 40 - RECORD_NAME_ADDRESSES);
    assert_int_equal(m.ttl_s, 61); /* of all 40, not of those kept */
}

/* Only IN addresses of their proper size, and only of the answer section. */
static void test_not_addresses(void **state)
{
    (void)state;
    begin(0x8180, 1, 3);
    dns_question(&b, "x.example", 1);
    dns_record(&b, 1, 9, "\1\2\3\4\5", 5);
    dns_record(&b, 28, 9, "\1\2\3\4", 4);
    size_t chaos = b.size;
    dns_record(&b, 1, 9, "\1\2\3\4", 4);
    b.data[chaos + 5] = 3;
    dns_record(&b, 1, 9, "\1\2\3\4", 4); /* additional */
    b.data[11] = 1;
    assert_int_equal(parse(b.size), PARSE_OK);
    assert_int_equal(m.address_count, 0);
    assert_int_equal(m.ttl_s, 0);
}

/* mDNS: the top bit of the class is not part of it; an announcement asks nothing. */
static void test_announcement(void **state)
{
    (void)state;
    begin(0x8400, 0, 1);
    dns_name(&b, "printer.local");
    put16(&b, 1);
    put16(&b, 0x8001);
    put32(&b, 120);
    put16(&b, 4);
    put(&b, "\x0a\0\0\7", 4);
    assert_int_equal(parse(b.size), PARSE_OK);
    assert_int_equal(m.qtype, 0);
    assert_string_equal(m.name, "");
    assert_int_equal(m.address_count, 1);
}

static void test_every_prefix(void **state)
{
    (void)state;
    make_answer();
    size_t question_end = 12 + 11 + 4, whole = b.size;
    for (size_t size = 0; size < whole; size++) {
        assert_int_equal(parse(size), PARSE_MORE);
        assert_int_equal(m.qtype, size >= question_end ? 1 : 0);
        assert_string_equal(m.name, size >= question_end ? "a.example" : "");
        assert_int_equal(m.address_count, 0);
    }
}

/* A tunnel may not hide its questions by being a little wrong. */
static void test_junk_behind(void **state)
{
    (void)state;
    begin(0x0100, 1, 0);
    dns_question(&b, "secret.example", 16);
    put8(&b, 'x');
    assert_int_equal(parse(b.size), PARSE_MALFORMED);
    assert_string_equal(m.name, "secret.example");
    assert_int_equal(m.qtype, 16);
    begin(0x8180, 1, 1);
    dns_question(&b, "secret.example", 16);
    put8(&b, 0x80); /* a label type that does not exist */
    assert_int_equal(parse(b.size), PARSE_MALFORMED);
    assert_string_equal(m.name, "secret.example");
}

static void test_names(void **state)
{
    (void)state;
    begin(0, 1, 0);
    put(&b, "\0\0\x2e\0\1", 5); /* root, type 46 */
    assert_int_equal(parse(b.size), PARSE_OK);
    assert_string_equal(m.name, "");
    assert_int_equal(m.qtype, 46);
    begin(0, 1, 0);
    put(&b, "\7a.B\\ \xff@\2jp\0\0\1\0\1", 16);
    assert_int_equal(parse(b.size), PARSE_OK);
    assert_string_equal(m.name, "a\\046b\\092\\032\\255@.jp");
}

/* 250 bytes of binary labels make 1,000 characters: the end is kept, and no half escape. */
static void test_long_name(void **state)
{
    (void)state;
    for (unsigned first = 1; first <= 8; first++) {
        begin(0, 1, 0);
        for (unsigned label = 0; label < 3; label++) {
            unsigned size = label ? 63 : 55 + first;
            put8(&b, size);
            for (unsigned i = 0; i < size; i++)
                put8(&b, i % 3 ? 0xf0 + label : 'q');
        }
        dns_question(&b, "pirate.sea", 10);
        assert_int_equal(parse(b.size), PARSE_OK);
        size_t size = strlen(m.name);
        assert_in_range(size, RECORD_NAME_MAX - 3, RECORD_NAME_MAX);
        assert_string_equal(m.name + size - 11, ".pirate.sea");
        assert_true(m.name[0] == '\\' || m.name[0] == 'q' || m.name[0] == '.');
    }
}

/* Just too long by one escape, and by one, two and three characters. */
static void test_name_a_little_too_long(void **state)
{
    (void)state;
    for (unsigned last = 50; last <= 56; last++) {
        begin(0, 1, 0);
        put(&b, "\3\xffqq", 4); /* "\255qq": 6 characters */
        for (unsigned label = 0; label < 4; label++) {
            unsigned size = label < 3 ? 62 : last; /* 63 characters each with their dot */
            put8(&b, size);
            for (unsigned i = 0; i < size; i++)
                put8(&b, 'a' + label);
        }
        put(&b, "\0\0\1\0\1", 5);
        assert_int_equal(parse(b.size), PARSE_OK);
        size_t whole = 6 + 3 * 63 + 1 + last, size = strlen(m.name);
        assert_in_range(size, whole > RECORD_NAME_MAX ? RECORD_NAME_MAX - 3 : whole,
                        RECORD_NAME_MAX);
        assert_int_equal(m.name[0] == '\\', whole <= RECORD_NAME_MAX);
        assert_int_equal(m.name[size - 1], 'd');
    }
}

static void test_not_dns(void **state)
{
    (void)state;
    static const char text[] = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
    memset(&b, 0, sizeof b);
    put(&b, text, sizeof text - 1);
    assert_int_equal(parse(b.size), PARSE_NOT);
    begin(0x3000, 1, 0); /* opcode 6 */
    dns_question(&b, "a.example", 1);
    assert_int_equal(parse(b.size), PARSE_NOT);
    begin(0x0000, 0, 0); /* a query for nothing */
    assert_int_equal(parse(b.size), PARSE_NOT);
    begin(0x0000, 1, 0); /* a question whose name points to itself */
    put16(&b, 0xc00c);
    put32(&b, 0x00010001);
    assert_int_equal(parse(b.size), PARSE_NOT);
    begin(0x0000, 1, 0);
    dns_question(&b, "a.example", 0); /* type 0 is reserved */
    assert_int_equal(parse(b.size), PARSE_NOT);
}

static bool looks_like(void)
{
    return dns_looks_like(b.data, b.size);
}

static void test_looks_like(void **state)
{
    (void)state;
    begin(0x0100, 1, 0);
    dns_question(&b, "_x.example-1.jp", 1);
    assert_true(looks_like());
    b.size--; /* not whole */
    assert_false(looks_like());
    b.size += 2; /* a byte too many */
    assert_false(looks_like());
    make_answer();
    assert_true(looks_like());
    b.data[2] |= 0x10; /* opcode 2 */
    assert_false(looks_like());
    make_answer();
    b.data[2] &= 0x7f; /* a query that brings answers */
    assert_false(looks_like());
    begin(0x0140, 1, 0); /* the reserved bit */
    dns_question(&b, "a.example", 1);
    assert_false(looks_like());
    begin(0x0100, 2, 0);
    dns_question(&b, "a.example", 1);
    dns_question(&b, "b.example", 1);
    assert_false(looks_like());
    begin(0x0100, 1, 0);
    put(&b, "\3a\1b\0\0\1\0\1", 9); /* a control character in the name */
    assert_false(looks_like());
    begin(0x0100, 1, 0);
    dns_question(&b, "", 2); /* the root: too little to know a protocol by */
    assert_false(looks_like());
}

/* Neither chance nor damage makes DNS out of other bytes, and nothing reads past the end. */
static void test_random(void **state)
{
    (void)state;
    uint64_t seed = 1;
    unsigned alike = 0;
    for (unsigned round = 0; round < 200000; round++) {
        b.size = 12 + round % 64;
        for (size_t i = 0; i < b.size; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            b.data[i] = (uint8_t)(seed >> 56);
        }
        alike += looks_like();
        parse(b.size);
    }
    assert_int_equal(alike, 0);
    make_answer();
    for (size_t at = 0; at < b.size; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            b.data[at] ^= (uint8_t)(1u << bit);
            assert_in_range(parse(b.size), PARSE_OK, PARSE_MALFORMED);
            assert_in_range(m.address_count, 0, RECORD_NAME_ADDRESSES);
            b.data[at] ^= (uint8_t)(1u << bit);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_rcode),
        cmocka_unit_test(test_many_addresses),
        cmocka_unit_test(test_not_addresses),
        cmocka_unit_test(test_announcement),
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_junk_behind),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_long_name),
        cmocka_unit_test(test_name_a_little_too_long),
        cmocka_unit_test(test_not_dns),
        cmocka_unit_test(test_looks_like),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
