/* ClientHellos made by hand after RFC 8446. The JA3 truths are the two examples that JA3's authors
 * published with their text and MD5. */
#include "weir/content/names.h"

#include "bytes.h"
#include "weir/base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct bytes b, message;
static struct tls_hello hello;

static enum parse_result parse(size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, b.data, size);
    enum parse_result result = tls_parse_hello(copy, size, &hello);
    free(copy);
    return result;
}

static void make(const struct hello_parts *parts, size_t record_bytes)
{
    memset(&b, 0, sizeof b);
    memset(&message, 0, sizeof message);
    hello_message(&message, parts);
    tls_records(&b, &message, record_bytes);
}

static void assert_ja3(const char *hex)
{
    char text[HEX_SIZE(16)];
    assert_string_equal(hex_text(hello.ja3, 16, text), hex);
}

/* 769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0 */
static const uint16_t ciphers1[] = {47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4};
static const uint16_t extensions1[] = {0, 10, 11}, groups1[] = {23, 24, 25};
static const uint8_t formats1[] = {0};
static const struct hello_parts example1 = {.version = 769,
                                            .ciphers = ciphers1,
                                            .cipher_count = COUNT(ciphers1),
                                            .extensions = extensions1,
                                            .extension_count = 3,
                                            .name = "Www.Example.COM.",
                                            .groups = groups1,
                                            .group_count = 3,
                                            .formats = formats1,
                                            .format_count = 1};

static void test_published(void **state)
{
    (void)state;
    make(&example1, 16384);
    assert_int_equal(parse(b.size), PARSE_OK);
    assert_string_equal(hello.server_name, "www.example.com");
    assert_ja3("ada70206e40642a3e4461f35503241d5");
    /* 769,4-5-10-9-100-98-3-6-19-18-99,,, */
    static const uint16_t ciphers2[] = {4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99};
    const struct hello_parts example2 = {.version = 769, .ciphers = ciphers2, .cipher_count = 11};
    make(&example2, 16384);
    assert_int_equal(parse(b.size), PARSE_OK);
    assert_string_equal(hello.server_name, "");
    assert_ja3("de350869b8c85de67a350c8d186f11e6");
}

/* RFC 8701's values come and go with every connection of one browser. */
static void test_grease(void **state)
{
    (void)state;
    static const uint16_t ciphers[] = {0x0a0a, 47,    53, 5,  10, 49161, 49162,
                                       49171,  49172, 50, 56, 19, 4,     0xfafa};
    static const uint16_t extensions[] = {0x1a1a, 0, 10, 11, 0x8a8a};
    static const uint16_t groups[] = {0x2a2a, 23, 24, 25};
    struct hello_parts parts = example1;
    parts.ciphers = ciphers;
    parts.cipher_count = COUNT(ciphers);
    parts.extensions = extensions;
    parts.extension_count = COUNT(extensions);
    parts.groups = groups;
    parts.group_count = COUNT(groups);
    make(&parts, 16384);
    assert_int_equal(parse(b.size), PARSE_OK);
    assert_ja3("ada70206e40642a3e4461f35503241d5");
}

static void test_split_over_records(void **state)
{
    (void)state;
    for (size_t most = 1; most < 200; most++) {
        make(&example1, most);
        assert_int_equal(parse(b.size), PARSE_OK);
        assert_string_equal(hello.server_name, "www.example.com");
        assert_ja3("ada70206e40642a3e4461f35503241d5");
    }
}

static void test_every_prefix(void **state)
{
    (void)state;
    static const size_t record_bytes[] = {16384, 40, 7};
    for (size_t i = 0; i < COUNT(record_bytes); i++) {
        make(&example1, record_bytes[i]);
        bool named = false;
        for (size_t size = 0; size < b.size; size++) {
            assert_int_equal(parse(size), PARSE_MORE);
            assert_ja3("00000000000000000000000000000000");
            assert_true(!named || hello.server_name[0]); /* once whole, it stays */
            named = hello.server_name[0] != '\0';
        }
        assert_true(named); /* before the last byte */
    }
}

static void test_record_after_hello(void **state)
{
    (void)state;
    make(&example1, 16384);
    put(&b, "\x14\3\3\0\1\1", 6);
    assert_int_equal(parse(b.size), PARSE_OK);
    assert_ja3("ada70206e40642a3e4461f35503241d5");
}

static void test_malformed(void **state)
{
    (void)state;
    make(&example1, 16384);
    size_t extensions = 5 + 4 + 2 + 32 + 1 + 2 + 24 + 2;
    b.data[extensions + 1]++; /* the list says one byte more than there is */
    assert_int_equal(parse(b.size), PARSE_MALFORMED);
    assert_string_equal(hello.server_name, "www.example.com");
    make(&example1, 16384);
    b.data[extensions + 1]--; /* cuts the last extension */
    assert_int_equal(parse(b.size), PARSE_MALFORMED);
    make(&example1, 16384);
    b.data[5 + 4 + 2 + 32] = 200; /* session id */
    assert_int_equal(parse(b.size), PARSE_MALFORMED);
    make(&example1, 30);
    b.data[35] = 23; /* the hello's second record is application data */
    assert_int_equal(parse(b.size), PARSE_MALFORMED);
    make(&example1, 16384);
    b.data[6] = 1; /* 64 kB and more */
    assert_int_equal(parse(b.size), PARSE_MALFORMED);
}

static void test_not_tls(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t size;
    } row[] = {
        {"\x80\x2e\1\3\1\0\x15\0\0\0\x10", 11}, /* an SSLv2-compatible hello */
        {"\x16\3\1\0\x10\2\0\0\x0c", 9},        /* a ServerHello */
        {"\x17\3\3\0\x10", 5},                  /* application data */
        {"\x16\3\5\0\x10\1", 6},                /* no such version */
        {"\x16\3\1\0\0\1", 6},                  /* an empty record */
        {"\x16\3\1\xff\xff\1", 6},              /* longer than a record may be */
        {"\x16\2", 2},
        {"G", 1},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        memset(&b, 0, sizeof b);
        put(&b, row[i].data, row[i].size);
        assert_int_equal(parse(b.size), PARSE_NOT);
    }
}

static void test_names(void **state)
{
    (void)state;
    char longest[RECORD_NAME_MAX + 2];
    struct hello_parts parts = example1;
    parts.name = "with space.example";
    make(&parts, 16384);
    assert_int_equal(parse(b.size), PARSE_OK);
    assert_string_equal(hello.server_name, "");
    parts.name = "caf\xc3\xa9.example";
    make(&parts, 16384);
    parse(b.size);
    assert_string_equal(hello.server_name, "");
    memset(longest, 'a', sizeof longest);
    longest[RECORD_NAME_MAX] = '\0';
    parts.name = longest;
    make(&parts, 16384);
    parse(b.size);
    assert_string_equal(hello.server_name, longest);
    longest[RECORD_NAME_MAX] = 'a';
    longest[RECORD_NAME_MAX + 1] = '\0';
    make(&parts, 16384);
    parse(b.size);
    assert_string_equal(hello.server_name, "");
}

/* 4,000 cipher suites are no client's; the name is still taken. */
static void test_endless_list(void **state)
{
    (void)state;
    uint16_t *ciphers = calloc(4000, sizeof *ciphers);
    for (unsigned i = 0; i < 4000; i++)
        ciphers[i] = (uint16_t)(20000 + i);
    struct hello_parts parts = example1;
    parts.ciphers = ciphers;
    parts.cipher_count = 4000;
    make(&parts, 16384);
    assert_int_equal(parse(b.size), PARSE_OK);
    assert_string_equal(hello.server_name, "www.example.com");
    assert_ja3("00000000000000000000000000000000");
    free(ciphers);
}

static void test_looks_like(void **state)
{
    (void)state;
    assert_true(tls_looks_like((const uint8_t *)"\x16\3\1\0\x50", 5));
    assert_true(tls_looks_like((const uint8_t *)"\x17\3\3\x40\0\xaa", 6));
    assert_true(tls_looks_like((const uint8_t *)"\x15\3\3\0\2\1", 6));
    assert_false(tls_looks_like((const uint8_t *)"\x16\3\1\0", 4));
    assert_false(tls_looks_like((const uint8_t *)"\x18\3\1\0\x50", 5));
    assert_false(tls_looks_like((const uint8_t *)"SSH-2", 5));
}

static void test_damage(void **state)
{
    (void)state;
    make(&example1, 50);
    for (size_t at = 0; at < b.size; at++)
        for (unsigned value = 0; value < 256; value += 17) {
            uint8_t was = b.data[at];
            b.data[at] = (uint8_t)value;
            assert_in_range(parse(b.size), PARSE_OK, PARSE_MALFORMED);
            assert_in_range(strlen(hello.server_name), 0, RECORD_NAME_MAX);
            b.data[at] = was;
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_grease),
        cmocka_unit_test(test_split_over_records),
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_record_after_hello),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_not_tls),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_endless_list),
        cmocka_unit_test(test_looks_like),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
