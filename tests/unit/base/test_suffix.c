/* Registrable domains, against rows of publicsuffix.org's own test list (test_psl.txt). */
#include "weir/base/suffix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void check(const struct suffixes *suffixes, const char *name, bool private_too,
                  const char *expected)
{
    const char *got = suffixes_registrable(suffixes, name, private_too);
    if (expected)
        assert_non_null(got);
    else
        assert_null(got);
    if (expected)
        assert_string_equal(got, expected);
}

static void test_list(void **state)
{
    static const char *const row[][2] = {
        {"com", NULL},
        {"example.com", "example.com"},
        {"a.b.example.com", "example.com"},
        {"co.jp", NULL},
        {"www.test.co.jp", "test.co.jp"},
        {"c.kobe.jp", NULL},
        {"a.b.c.kobe.jp", "b.c.kobe.jp"},
        {"city.kobe.jp", "city.kobe.jp"},
        {"www.city.kobe.jp", "city.kobe.jp"},
        {"b.test.ck", "b.test.ck"},
        {"www.www.ck", "www.ck"},
        {"www.xn--85x722f.com.cn", "xn--85x722f.com.cn"},
        {"localhost", NULL},
        {"printer.corp-internal", NULL}, /* a top level that the list does not know */
        {"", NULL},
    };
    struct suffixes *suffixes = suffixes_new();
    (void)state;
    assert_non_null(suffixes);
    for (size_t turn = 0; turn < 2; turn++) /* the second: of what is kept */
        for (size_t i = 0; i < sizeof row / sizeof *row; i++)
            check(suffixes, row[i][0], true, row[i][1]);
    suffixes_free(suffixes);
}

static void test_private_part(void **state)
{
    struct suffixes *suffixes = suffixes_new();
    (void)state;
    check(suffixes, "someone.github.io", true, "someone.github.io");
    check(suffixes, "github.io", true, NULL);
    check(suffixes, "pages.someone.github.io", false, "github.io");
    check(suffixes, "other.someone.github.io", true, "someone.github.io");
    check(suffixes, "a.other.someone.github.io", false, "github.io");
    suffixes_free(suffixes);
}

static void test_without_a_list(void **state)
{
    (void)state;
    assert_null(suffixes_registrable(NULL, "example.com", true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_list),
                                       cmocka_unit_test(test_private_part),
                                       cmocka_unit_test(test_without_a_list)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
