/* Tokens, and passwords by their hash. */
#include "weir/base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SALT "$00112233445566778899aabbccddeeff"
#define HASH "$00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void test_tokens(void **state)
{
    char one[SECRET_SIZE], other[SECRET_SIZE];
    (void)state;
    secret_make(one);
    secret_make(other);
    assert_int_equal(strlen(one), SECRET_SIZE - 1);
    assert_int_equal(strspn(one, "0123456789abcdef"), SECRET_SIZE - 1);
    assert_false(secret_equal(one, other));
    memcpy(other, one, sizeof one);
    assert_true(secret_equal(one, other));
    other[SECRET_SIZE - 2] ^= 1;
    assert_false(secret_equal(one, other));
    assert_false(secret_equal(one, "") || secret_equal("", one));
    assert_true(secret_equal("", ""));
}

static void test_passwords(void **state)
{
    char stored[PASSWORD_STORED], again[PASSWORD_STORED];
    struct error error = {0};
    (void)state;
    assert_int_equal(password_store("correct horse", stored, &error), 0);
    assert_int_equal(password_store("correct horse", again, &error), 0);
    assert_string_not_equal(stored, again); /* a salt of its own */
    assert_true(password_is_stored(stored));
    assert_true(password_fits(stored, "correct horse"));
    assert_false(password_fits(stored, "correct horsf"));
    assert_false(password_fits(stored, ""));
    stored[strlen(stored) - 1] ^= 1;
    assert_false(password_fits(stored, "correct horse"));
}

/* Parameters are held to bounds before they are believed. */
static void test_forms(void **state)
{
    static const char *const bad[] = {"",
                                      "secret",
                                      "$scrypt$",
                                      "$scrypt$ln=13,r=8,p=1" SALT HASH,  /* too cheap */
                                      "$scrypt$ln=21,r=8,p=1" SALT HASH,  /* too dear */
                                      "$scrypt$ln=20,r=16,p=1" SALT HASH, /* 2 GiB */
                                      "$scrypt$ln=15,r=0,p=1" SALT HASH,
                                      "$scrypt$ln=15,r=8,p=5" SALT HASH,
                                      "$scrypt$ln=015,r=8,p=1" SALT HASH,
                                      "$scrypt$ln=15,r=8,p=1" SALT HASH "0",
                                      "$scrypt$ln=15,r=8,p=1" HASH SALT,
                                      "$scrypt$ln=15,r=8,p=1" SALT "$00",
                                      "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"};
    (void)state;
    assert_true(password_is_stored("$scrypt$ln=15,r=8,p=1" SALT HASH));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (password_is_stored(bad[i]))
            fail_msg("%s is no stored password", bad[i]);
    assert_false(password_fits(bad[1], "secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_passwords),
        cmocka_unit_test(test_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
