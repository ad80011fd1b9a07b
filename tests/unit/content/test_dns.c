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

/* A record of `owner`, whose value is a name too. */
static void put_cname(const char *owner, const char *target)
{
    dns_name(&b, owner);
    put16(&b, 5);
    put16(&b, 1);
    put32(&b, 30);
    size_t value = put_open(&b, 2);
    dns_name(&b, target);
    put_close(&b, value, 2);
}

static void begin_chain(unsigned answers)
{
    begin(0x8180, 1, answers);
    dns_question(&b, "a.example", 1);
}

static void expect_aliases(size_t count, const char *const *alias)
{
    assert_int_equal(parse(b.size), PARSE_OK);
    assert_int_equal(m.alias_count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(m.alias[i], alias[i]);
}

static void test_aliases(void **state)
{
    (void)state;
    static const char *const chain[] = {"b.example", "c.example.net", "d.example", "e.example"};
    begin_chain(3);
    put_cname("A.EXAMPLE", "B.example");
    put_cname("b.exAmple", "c.example.net");
    dns_record(&b, 1, 60, "\xc0\0\2\1", 4);
    expect_aliases(2, chain);
    /* A record that nothing leads to, and one that leads back. */
    begin_chain(4);
    put_cname("bank.example", "evil.example");
    put_cname("a.example", "b.example");
    put_cname("a.example", "evil.example");
    dns_record(&b, 1, 60, "\xc0\0\2\1", 4);
    expect_aliases(1, chain);
    /* More than are told; the address is there all the same. */
    begin_chain(6);
    put_cname("a.example", "b.example");
    put_cname("b.example", "c.example.net");
    put_cname("c.example.net", "d.example");
    put_cname("d.example", "e.example");
    put_cname("e.example", "f.example");
    dns_record(&b, 1, 60, "\xc0\0\2\1", 4);
    expect_aliases(RECORD_NAME_ALIASES, chain);
    assert_int_equal(m.address_count, 1);
    /* To the root, to nothing readable, and without an address. */
    begin_chain(2);
    put_cname("a.example", "");
    dns_record(&b, 1, 60, "\xc0\0\2\1", 4);
    expect_aliases(0, NULL);
    begin_chain(2);
    dns_record(&b, 5, 60, "\xff\xff", 2); /* a pointer beyond the message */
    dns_record(&b, 1, 60, "\xc0\0\2\1", 4);
    expect_aliases(0, NULL);
    begin_chain(1);
    put_cname("a.example", "b.example");
    expect_aliases(0, NULL);
}

/* Owners are read of sixteen records at most: compression cannot make 64 KiB of them expensive. */
static void test_aliases_are_bounded(void **state)
{
    (void)state;
    for (unsigned strays = 15; strays <= 16; strays++) {
        begin_chain(strays + 2);
        for (unsigned i = 0; i < strays; i++)
            put_cname("stray.example", "x.example");
        put_cname("a.example", "b.example");
        dns_record(&b, 1, 60, "\xc0\0\2\1", 4);
        assert_int_equal(parse(b.size), PARSE_OK);
        assert_int_equal(m.alias_count, strays == 15);
        assert_int_equal(m.answers, strays + 2);
    }
}

/* RFC 9460: priority, target, parameters. */
static void put_service(unsigned type, unsigned priority, const void *parameters, size_t size)
{
    uint8_t value[256] = {0, (uint8_t)priority, 0};
    memcpy(value + 3, parameters, size);
    dns_record(&b, type, 90, value, 3 + size);
}

static void test_hints(void **state)
{
    (void)state;
    char text[IP_TEXT_SIZE];
    static const char both[] = "\0\1\0\3\2h2"                  /* alpn */
                               "\0\4\0\10\xc0\0\2\1\xc0\0\2\2" /* ipv4hint */
                               "\0\6\0\20\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\3";
    begin(0x8180, 1, 2);
    dns_question(&b, "a.example", 65);
    put_service(65, 1, both, sizeof both - 1);
    put_service(64, 2, "\0\4\0\4\xc0\0\2\4", 8);
    assert_int_equal(parse(b.size), PARSE_OK);
    assert_int_equal(m.address_count, 4);
    assert_string_equal(ip_text(&m.address[1], text), "192.0.2.2");
    assert_string_equal(ip_text(&m.address[2], text), "2001:db8::3");
    assert_string_equal(ip_text(&m.address[3], text), "192.0.2.4");
    assert_int_equal(m.ttl_s, 90);
    /* AliasMode has no hints; sizes that cannot be; a value longer than the record. */
    begin(0x8180, 1, 3);
    dns_question(&b, "a.example", 65);
    put_service(65, 0, both, sizeof both - 1);
    put_service(65, 1, "\0\4\0\5\xc0\0\2\4\1", 9);
    put_service(65, 1, "\0\4\0\10\xc0\0\2\4", 8);
    assert_int_equal(parse(b.size), PARSE_OK);
    assert_int_equal(m.address_count, 0);
    assert_int_equal(m.answers, 3);
}

/* What a tunnel brings home is no address, and is counted. */
static void test_data_in_answers(void **state)
{
    (void)state;
    static const uint8_t data[200];
    begin(0x8180, 1, 3);
    dns_question(&b, "x.tunnel.example", 10);
    dns_record(&b, 10, 0, data, 200); /* NULL */
    dns_record(&b, 16, 0, data, 100); /* TXT */
    dns_record(&b, 33, 0, data, 20);  /* SRV */
    assert_int_equal(parse(b.size), PARSE_OK);
    assert_int_equal(m.answers, 3);
    assert_int_equal(m.answer_bytes, 320);
    assert_int_equal(m.message_bytes, b.size);
    assert_int_equal(m.address_count, 0);
}

static bool next_question(void)
{
    uint8_t *copy = malloc(b.size);
    memcpy(copy, b.data, b.size);
    bool more = dns_next_question(copy, b.size, &m);
    free(copy);
    return more;
}

static void test_every_question(void **state)
{
    (void)state;
    begin(0x8180, 5, 1);
    dns_question(&b, "a.example", 1);
    dns_question(&b, "B.example", 28);
    dns_question(&b, "zero.example", 0); /* hides none behind it */
    put(&b, "\1c\xc0\x0e\0\x10\0\1", 8);
    put(&b, "\xc0\x0c\0\x0f\0\1", 6);
    dns_record(&b, 1, 60, "\xc0\0\2\1", 4);
    assert_int_equal(parse(b.size), PARSE_OK);
    assert_string_equal(m.name, "a.example");
    assert_int_equal(m.address_count, 1);
    assert_true(next_question());
    assert_string_equal(m.name, "b.example");
    assert_int_equal(m.qtype, 28);
    assert_true(m.response);
    assert_int_equal(m.address_count + m.answers + m.answer_bytes + m.message_bytes, 0);
    assert_true(next_question());
    assert_string_equal(m.name, "c.example");
    assert_true(next_question());
    assert_string_equal(m.name, "a.example");
    assert_int_equal(m.qtype, 15);
    assert_false(next_question());
    assert_false(next_question());
    /* Behind a broken one nothing can be found; what is cut is not told. */
    begin(0, 3, 0);
    dns_question(&b, "a.example", 1);
    put8(&b, 0x80);
    dns_question(&b, "b.example", 1);
    assert_int_equal(parse(b.size), PARSE_MALFORMED);
    assert_false(next_question());
    begin(0, 2, 0);
    dns_question(&b, "a.example", 1);
    dns_question(&b, "b.example", 1);
    for (size_t whole = b.size, first = 12 + 15; b.size > first; b.size--) {
        parse(b.size);
        assert_int_equal(m.qtype, 1);
        assert_int_equal(next_question(), b.size == whole);
    }
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
        cmocka_unit_test(test_query),          cmocka_unit_test(test_answer),
        cmocka_unit_test(test_aliases),        cmocka_unit_test(test_aliases_are_bounded),
        cmocka_unit_test(test_hints),          cmocka_unit_test(test_data_in_answers),
        cmocka_unit_test(test_every_question), cmocka_unit_test(test_rcode),
        cmocka_unit_test(test_many_addresses), cmocka_unit_test(test_not_addresses),
        cmocka_unit_test(test_announcement),   cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_junk_behind),    cmocka_unit_test(test_names),
        cmocka_unit_test(test_long_name),      cmocka_unit_test(test_name_a_little_too_long),
        cmocka_unit_test(test_not_dns),        cmocka_unit_test(test_looks_like),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
