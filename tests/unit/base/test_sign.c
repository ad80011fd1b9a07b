/* Signatures: RFC 8032's own example, keys kept in files, and everything that must not hold. */
#include "weir/base/sign.h"

#include "weir/base/buffer.h"
#include "weir/base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void unhex(const char *text, uint8_t *out)
{
    for (; *text; text += 2)
        *out++ = (uint8_t)strtoul((char[]){text[0], text[1], '\0'}, NULL, 16);
}

/* RFC 8032 7.1, TEST 3. */
static void test_rfc_8032(void **state)
{
    (void)state;
    uint8_t der[SIGN_PUBLIC_DER], signature[SIGNATURE_SIZE];
    char text[SIGN_PUBLIC_B64];
    unhex("302a300506032b6570032100"
          "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
          der);
    unhex("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
          "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
          signature);
    struct sign_key *key = sign_key_of_text(base64_text(der, sizeof der, text));
    assert_non_null(key);
    assert_true(sign_holds(key, "\xaf\x82", 2, signature, sizeof signature));
    assert_false(sign_holds(key, "\xaf\x83", 2, signature, sizeof signature));
    assert_false(sign_holds(key, "\xaf\x82", 2, signature, sizeof signature - 1));
    for (size_t bit = 0; bit < 8 * sizeof signature; bit++) {
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(sign_holds(key, "\xaf\x82", 2, signature, sizeof signature));
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    struct error error = {0};
    assert_int_equal(sign_make(key, "", 0, signature, &error), -1); /* a public key */
    sign_key_free(key);
}

static void test_a_key_is_kept(void **state)
{
    (void)state;
    char folder[] = "/tmp/weir-sign-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *path = xasprintf("%s/evidence.key", folder);
    struct error error = {0};
    struct sign_key *made = sign_key_keep(path, &error), *again = sign_key_keep(path, &error);
    struct stat st;
    char a[SIGN_PUBLIC_B64], b[SIGN_PUBLIC_B64];
    assert_non_null(made);
    assert_non_null(again);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_string_equal(sign_key_public_text(made, a), sign_key_public_text(again, b));
    uint8_t signature[SIGNATURE_SIZE];
    assert_int_equal(sign_make(made, "abc", 3, signature, &error), 0);
    assert_true(sign_holds(again, "abc", 3, signature, sizeof signature));
    struct sign_key *other = sign_key_new(&error);
    assert_false(sign_holds(other, "abc", 3, signature, sizeof signature));
    sign_key_free(made);
    sign_key_free(again);
    sign_key_free(other);
    unlink(path);
    rmdir(folder);
    free(path);
}

static void test_what_is_no_key(void **state)
{
    (void)state;
    char path[] = "/tmp/weir-sign-XXXXXX", text[SIGN_PUBLIC_B64];
    int fd = mkstemp(path);
    struct error error = {0};
    assert_int_equal(write(fd, "no key\n", 7), 7);
    assert_null(sign_key_keep(path, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_non_null(strstr(error.message, path));
    error = (struct error){0};
    assert_null(sign_key_read("/nonexistent/key", &error));
    assert_int_equal(error.code, ERROR_USAGE);
    error = (struct error){0};
    assert_null(sign_key_keep("/nonexistent/key", &error));
    assert_int_equal(error.code, ERROR_RUN);
    assert_null(sign_key_of_text(""));
    struct sign_key *key = sign_key_new(&error);
    sign_key_public_text(key, text);
    for (size_t i = 0; i + 1 < sizeof text; i++) { /* no other text is the same key */
        char old = text[i];
        text[i] = old == 'A' ? 'B' : 'A';
        struct sign_key *other = sign_key_of_text(text);
        char theirs[SIGN_PUBLIC_B64];
        if (other) {
            text[i] = old;
            assert_string_not_equal(sign_key_public_text(other, theirs), text);
        }
        text[i] = old;
        sign_key_free(other);
    }
    sign_key_free(key);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_8032),
        cmocka_unit_test(test_a_key_is_kept),
        cmocka_unit_test(test_what_is_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
