/* JA4 against two fingerprints that were published with their lists (FoxIO's own example, and one
 * of Chrome 143 with ECH), and by hand for what its description says of the edges. */
#include "weir/content/names.h"

#include "bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct bytes b, message;
static struct tls_hello hello;

static void parse(const struct hello_parts *parts, enum hello_carrier carrier)
{
    message.size = b.size = 0;
    hello_message(&message, parts);
    if (carrier == HELLO_TLS) {
        tls_records(&b, &message, 16384);
        assert_int_equal(tls_parse_hello(b.data, b.size, &hello), PARSE_OK);
    } else {
        assert_int_equal(tls_parse_hello_message(message.data, message.size, carrier, &hello),
                         PARSE_OK);
    }
}

static const uint16_t ciphers[] = {0x8a8a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030,
                                   0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035};
static const uint16_t foxio[] = {0x2a2a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469,
                                 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012,
                                 0x002b, 0xff01, 0x000b, 0x000a, 0x0015};
static const uint16_t chrome[] = {0x002d, 0x0033, 0x0010, 0xfe0d, 0x0017, 0x44cd, 0x0000, 0x000b,
                                  0x000a, 0x002b, 0xff01, 0x0023, 0x0012, 0x0005, 0x000d, 0x001b};
static const uint16_t signatures[] = {0x0403, 0x0804, 0x0401, 0x0503,
                                      0x0805, 0x0501, 0x0806, 0x0601};
static const uint16_t versions[] = {0xfafa, 0x0303, 0x0304};
static const uint16_t groups[] = {29};
static const uint8_t formats[] = {0};

static struct hello_parts published(void)
{
    return (struct hello_parts){.version = 0x0303,
                                .ciphers = ciphers,
                                .cipher_count = COUNT(ciphers),
                                .extensions = foxio,
                                .extension_count = COUNT(foxio),
                                .name = "example.com",
                                .groups = groups,
                                .group_count = 1,
                                .formats = formats,
                                .format_count = 1,
                                .alpn = "h2",
                                .alpn_size = 2,
                                .versions = versions,
                                .version_count = 3,
                                .signatures = signatures,
                                .signature_count = COUNT(signatures)};
}

static void test_published(void **state)
{
    (void)state;
    struct hello_parts parts = published();
    parse(&parts, HELLO_TLS);
    assert_string_equal(hello.ja4, "t13d1516h2_8daaf6152771_e5627efa2ab1");
    assert_string_equal(hello.alpn, "h2");
    assert_int_equal(hello.flags, 0);
    parts.extensions = chrome;
    parts.extension_count = COUNT(chrome);
    parse(&parts, HELLO_TLS);
    assert_string_equal(hello.ja4, "t13d1516h2_8daaf6152771_d8a2da3f94cd");
    assert_int_equal(hello.flags, FLOW_ECH);
    parse(&parts, HELLO_QUIC);
    assert_string_equal(hello.ja4, "q13d1516h2_8daaf6152771_d8a2da3f94cd");
}

static void test_alpn(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        size_t size;
        const char *in_ja4, *told;
    } row[] = {
        {"", 0, "00", ""},
        {"h", 1, "hh", "h"},
        {"http/1.1", 8, "h1", "http/1.1"},
        {"\xab", 1, "ab", ""},
        {"\xab\xcd", 2, "ad", ""},
        {"\x30\xab", 2, "3b", ""},
        {"\x30\x31\xab\xcd", 4, "3d", ""},
        {"\x30\xab\xcd\x31", 4, "01", ""},
        {"-h", 2, "28", "-h"},
        {"a b", 3, "ab", ""},
    };
    struct hello_parts parts = published();
    for (size_t i = 0; i < COUNT(row); i++) {
        parts.alpn = row[i].value;
        parts.alpn_size = row[i].size;
        parse(&parts, HELLO_TLS);
        assert_memory_equal(hello.ja4 + 8, row[i].in_ja4, 2);
        assert_string_equal(hello.alpn, row[i].told);
    }
}

static void test_versions(void **state)
{
    (void)state;
    static const struct {
        uint16_t version;
        const char *text;
    } row[] = {{0x0304, "13"}, {0x0303, "12"}, {0x0302, "11"}, {0x0301, "10"},
               {0x0300, "s3"}, {0xfeff, "d1"}, {0xfefd, "d2"}, {0x0399, "00"}};
    struct hello_parts parts = published();
    parts.extensions = groups + 1; /* none */
    parts.extension_count = 0;
    for (size_t i = 0; i < COUNT(row); i++) {
        parts.version = row[i].version;
        parse(&parts, HELLO_TLS);
        assert_memory_equal(hello.ja4 + 1, row[i].text, 2);
        assert_string_equal(hello.ja4 + 3, "i150000_8daaf6152771_000000000000");
    }
}

/* No ciphers at all, only a name, no signature algorithms: the hashes of nothing are zeros. */
static void test_little(void **state)
{
    (void)state;
    static const uint16_t extensions[] = {0, 16};
    const struct hello_parts parts = {
        .version = 0x0301, .extensions = extensions, .extension_count = 2, .name = "a.example"};
    parse(&parts, HELLO_TLS);
    assert_string_equal(hello.ja4, "t10d000200_000000000000_000000000000");
}

/* 99 is the most that is counted; past 1,024 there is no fingerprint, but a name. */
static void test_long_lists(void **state)
{
    (void)state;
    static uint16_t many[1200];
    struct hello_parts parts = published();
    for (unsigned i = 0; i < COUNT(many); i++)
        many[i] = (uint16_t)(0x5000 + i);
    parts.ciphers = many;
    parts.cipher_count = 120;
    parse(&parts, HELLO_TLS);
    assert_memory_equal(hello.ja4, "t13d9916h2_", 11);
    parts.cipher_count = COUNT(many);
    parse(&parts, HELLO_TLS);
    assert_string_equal(hello.ja4, "");
    assert_string_equal(hello.server_name, "example.com");
}

static void test_esni(void **state)
{
    (void)state;
    static const uint16_t extensions[] = {0xffce};
    const struct hello_parts parts = {
        .version = 0x0303, .extensions = extensions, .extension_count = 1};
    parse(&parts, HELLO_TLS);
    assert_int_equal(hello.flags, FLOW_ESNI);
}

static void put_dtls(const struct hello_parts *parts, size_t fragment)
{
    message.size = b.size = 0;
    hello_message(&message, parts);
    size_t body = message.size - 4;
    put8(&b, 22);
    put16(&b, 0xfeff);
    put(&b, "\0\0\0\0\0\0\0\0", 8);
    size_t record = put_open(&b, 2);
    put(&b, message.data, 4);
    put16(&b, 0);
    put(&b, "\0\0\0", 3);
    put8(&b, 0);
    put16(&b, (unsigned)fragment);
    put(&b, message.data + 4, fragment < body ? fragment : body);
    put_close(&b, record, 2);
}

static void test_dtls(void **state)
{
    (void)state;
    struct hello_parts parts = published();
    parts.version = 0xfefd;
    parts.cookie = true;
    parts.version_count = 0;
    put_dtls(&parts, 0);
    size_t body = message.size - 4;
    put_dtls(&parts, body);
    assert_int_equal(dtls_parse(b.data, b.size, &hello), PARSE_OK);
    assert_string_equal(hello.server_name, "example.com");
    assert_string_equal(hello.ja4, "dd2d1516h2_8daaf6152771_e5627efa2ab1");
    for (size_t size = 0; size < b.size; size++)
        assert_int_equal(dtls_parse(b.data, size, &hello), PARSE_NOT);
    put8(&b, 22); /* the second record is cut */
    assert_int_equal(dtls_parse(b.data, b.size, &hello), PARSE_NOT);
    put_dtls(&parts, body - 10); /* one of several fragments */
    assert_int_equal(dtls_parse(b.data, b.size, &hello), PARSE_OK);
    assert_string_equal(hello.server_name, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published),  cmocka_unit_test(test_alpn),
        cmocka_unit_test(test_versions),   cmocka_unit_test(test_little),
        cmocka_unit_test(test_long_lists), cmocka_unit_test(test_esni),
        cmocka_unit_test(test_dtls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
