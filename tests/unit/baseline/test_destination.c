/* Destinations as keys and back. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

#include <string.h>

static void keys_carry_role_and_kind(void **state)
{
    static const struct {
        enum pair_role role;
        enum destination_kind kind;
        const char *name, *key;
    } expected[] = {
        {ROLE_CLIENT, DESTINATION_DOMAIN, "example.jp", "client|domain|example.jp"},
        {ROLE_CLIENT, DESTINATION_AS, "AS64500", "client|as|AS64500"},
        {ROLE_SERVED, DESTINATION_PREFIX, "203.0.113.0/24", "served|prefix|203.0.113.0/24"},
        {ROLE_SERVED, DESTINATION_DOMAIN, "odd|name", "served|domain|odd|name"},
    };
    char key[DESTINATION_KEY_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct destination d =
            make_destination(expected[i].role, expected[i].kind, expected[i].name);
        struct destination back;
        assert_string_equal(destination_key(&d, key), expected[i].key);
        assert_true(destination_parse(key, strlen(key), &back));
        assert_int_equal(back.role, d.role);
        assert_int_equal(back.kind, d.kind);
        assert_string_equal(back.name, d.name);
    }
}

static void refuses_other_text(void **state)
{
    static const char *const bad[] = {"",           "client",           "client|",
                                      "client|as",  "client|as|",       "server|as|AS1",
                                      "client|ip|", "clientx|as|AS1",   "client|domains|x",
                                      "|as|AS1",    "Client|domain|x.y"};
    struct destination d;
    char longest[DESTINATION_KEY_SIZE + 8] = "client|as|";
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(destination_parse(bad[i], strlen(bad[i]), &d));
    assert_false(destination_parse("client|as|A\0B", 13, &d));
    memset(longest + 10, 'x', 256);
    assert_true(destination_parse(longest, 10 + 255, &d));
    assert_int_equal(strlen(d.name), 255);
    assert_false(destination_parse(longest, 10 + 256, &d));
    /* Not terminated: nothing beyond `size` is read. */
    assert_true(destination_parse("client|as|AS64500", 13, &d));
    assert_string_equal(d.name, "AS6");
}

static void prefixes_and_other(void **state)
{
    struct ip v4, v6;
    (void)state;
    assert_int_equal(ip_parse("203.0.113.77", &v4), 0);
    assert_int_equal(ip_parse("2001:db8:1:2::3", &v6), 0);
    struct destination a = destination_of_prefix(ROLE_SERVED, &v4);
    struct destination b = destination_of_prefix(ROLE_CLIENT, &v6);
    assert_string_equal(a.name, "203.0.113.0/24");
    assert_int_equal(a.role, ROLE_SERVED);
    assert_int_equal(a.kind, DESTINATION_PREFIX);
    assert_string_equal(b.name, "2001:db8:1::/48");
    struct destination other = destination_other(ROLE_CLIENT);
    char key[DESTINATION_KEY_SIZE];
    assert_string_equal(destination_key(&other, key), "client|prefix|other");
    assert_true(destination_is_other(&other));
    assert_false(destination_is_other(&a));
    struct destination named = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, "other");
    assert_false(destination_is_other(&named));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_carry_role_and_kind),
        cmocka_unit_test(refuses_other_text),
        cmocka_unit_test(prefixes_and_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
