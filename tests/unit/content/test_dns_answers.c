/* What answers a DNS question, and the questions behind the first: addresses, hints (RFC 9460),
 * chains of CNAMEs, data that tunnels carry. */
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
    static const char *const chain[] = {"b.example", "c.example.net"};
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
}

static void test_aliases_that_are_not_told(void **state)
{
    (void)state;
    static const char *const chain[] = {"b.example", "c.example.net", "d.example", "e.example"};
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
}

static void test_hints_that_cannot_be(void **state)
{
    (void)state;
    /* AliasMode has no hints; sizes that cannot be; a value longer than the record. */
    begin(0x8180, 1, 3);
    dns_question(&b, "a.example", 65);
    put_service(65, 0, "\0\4\0\4\xc0\0\2\4", 8);
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
}

static void test_questions_cut_or_broken(void **state)
{
    (void)state;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_aliases_that_are_not_told),
        cmocka_unit_test(test_aliases_are_bounded),
        cmocka_unit_test(test_hints),
        cmocka_unit_test(test_hints_that_cannot_be),
        cmocka_unit_test(test_data_in_answers),
        cmocka_unit_test(test_every_question),
        cmocka_unit_test(test_questions_cut_or_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
