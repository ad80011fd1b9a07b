/* Hashes against published vectors (FIPS 180, RFC 1321, RFC 4648, xxHash's own test) and values
 * computed with other tools. */
#include "weir/base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_named(void **state)
{
    uint8_t out[SHA256_SIZE];
    char text[HEX_SIZE(SHA256_SIZE)];
    (void)state;
    digest_sha1("abc", 3, out);
    assert_string_equal(hex_text(out, 20, text), "a9993e364706816aba3e25717850c26c9cd0d89d");
    digest_sha1(NULL, 0, out);
    assert_string_equal(hex_text(out, 20, text), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    digest_md5("abc", 3, out);
    assert_string_equal(hex_text(out, 16, text), "900150983cd24fb0d6963f7d28e17f72");
    digest_sha256("abc", 3, out);
    assert_string_equal(hex_text(out, SHA256_SIZE, text),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* FIPS 180-2's million times "a", in pieces of growing size. */
static void test_incremental(void **state)
{
    static char piece[1500];
    uint8_t out[SHA256_SIZE];
    char text[HEX_SIZE(SHA256_SIZE)];
    size_t left = 1000000, size = 0;
    (void)state;
    memset(piece, 'a', sizeof piece);
    struct sha256 *sha = sha256_new();
    while (left > 0) {
        size_t now = size < left ? size : left;
        sha256_put(sha, piece, now);
        left -= now;
        size = (size + 1) % sizeof piece;
    }
    sha256_take(sha, out);
    assert_string_equal(hex_text(out, SHA256_SIZE, text),
                        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void test_base64(void **state)
{
    static const char *const row[][2] = {{"", ""},
                                         {"f", "Zg=="},
                                         {"fo", "Zm8="},
                                         {"foo", "Zm9v"},
                                         {"foob", "Zm9vYg=="},
                                         {"fooba", "Zm9vYmE="},
                                         {"foobar", "Zm9vYmFy"}};
    char text[16];
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        assert_string_equal(base64_text((const uint8_t *)row[i][0], strlen(row[i][0]), text),
                            row[i][1]);
}

static void test_hex(void **state)
{
    static const uint8_t data[] = {0x00, 0x0f, 0xf0, 0xff};
    char text[HEX_SIZE(4)];
    (void)state;
    assert_string_equal(hex_text(data, 4, text), "000ff0ff");
    assert_string_equal(hex_text(data, 0, text), "");
    uint8_t back[4];
    assert_true(hex_bytes("000ff0ff", 4, back));
    assert_memory_equal(back, data, 4);
    assert_false(hex_bytes("000FF0FF", 4, back)); /* one text of it, no more */
    assert_false(hex_bytes("000ff0f", 4, back));
    assert_false(hex_bytes("000ff0 f", 4, back));
}

static void test_fast(void **state)
{
    (void)state;
    assert_true(hash64("", 0, 0) == UINT64_C(0x2d06800538d394c2)); /* xxHash: XXH3, empty */
    assert_true(hash64("alice@example.org", 17, 7) == UINT64_C(0x76eab73def9cbf60));
}

/* The secret by Python's hashlib, the hash by xxhash.h called directly with it. Hashes leave the
 * process and are kept, so they must never change from one version to the next. */
static void test_keyed(void **state)
{
    struct hash_key key, other;
    uint8_t sha[SHA256_SIZE];
    char text[HEX_SIZE(SHA256_SIZE)], long_text[1000];
    (void)state;
    for (size_t i = 0; i < sizeof long_text; i++)
        long_text[i] = (char)i;
    hash_key_init(&key, "site key", 8);
    hash_key_init(&other, "site kez", 8);
    digest_sha256(key.secret, sizeof key.secret, sha);
    assert_string_equal(hex_text(sha, SHA256_SIZE, text),
                        "f72b67876b32dcd6d7c59d54c0add38b8dbce1f0082664e672e0d23320a45d32");
    assert_true(hash64_keyed(&key, "alice@example.org", 17) == UINT64_C(0x7366bf18bfe10a60));
    assert_true(hash64_keyed(&key, long_text, 1000) == UINT64_C(0x8b8ff480c8f22027));
    assert_true(hash64_keyed(&other, "alice@example.org", 17) != UINT64_C(0x7366bf18bfe10a60));
}

/* RFC 4231, test cases 2 and 3. */
static void test_hmac(void **state)
{
    uint8_t out[SHA256_SIZE], key[20], data[50];
    char text[HEX_SIZE(SHA256_SIZE)];
    (void)state;
    digest_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out);
    assert_string_equal(hex_text(out, SHA256_SIZE, text),
                        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    memset(data, 0xdd, sizeof data);
    digest_hmac_sha256(key, sizeof key, data, sizeof data, out);
    assert_string_equal(hex_text(out, SHA256_SIZE, text),
                        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
}

/* A copy goes its own way. */
static void test_copied(void **state)
{
    uint8_t out[SHA256_SIZE], expected[SHA256_SIZE];
    (void)state;
    struct sha256 *sha = sha256_new();
    sha256_put(sha, "ab", 2);
    struct sha256 *copy = sha256_copy(sha);
    sha256_put(sha, "x", 1);
    sha256_put(copy, "c", 1);
    sha256_take(copy, out);
    digest_sha256("abc", 3, expected);
    assert_memory_equal(out, expected, sizeof out);
    sha256_take(sha, out);
    digest_sha256("abx", 3, expected);
    assert_memory_equal(out, expected, sizeof out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_named),  cmocka_unit_test(test_incremental),
        cmocka_unit_test(test_base64), cmocka_unit_test(test_hex),
        cmocka_unit_test(test_fast),   cmocka_unit_test(test_keyed),
        cmocka_unit_test(test_hmac),   cmocka_unit_test(test_copied)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
