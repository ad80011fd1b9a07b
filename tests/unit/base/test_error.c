/* An error keeps its first cause, on one line, whatever it is given. */
#include "weir/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_first_cause_stays(void **state)
{
    struct error error = {0};
    (void)state;
    assert_int_equal(error_set(&error, ERROR_INPUT, "%s: %d", "first", 1), -1);
    assert_int_equal(error_set(&error, ERROR_RUN, "second"), -1);
    assert_int_equal(error.code, ERROR_INPUT);
    assert_string_equal(error.message, "first: 1");
}

static void test_null_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, ERROR_RUN, "nobody hears"), -1);
}

static void test_one_bounded_line(void **state)
{
    struct error error = {0};
    char long_text[2000];
    (void)state;
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    long_text[3] = '\n';
    long_text[4] = '\r';
    error_set(&error, ERROR_USAGE, "%s", long_text);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    assert_null(strpbrk(error.message, "\r\n"));
    assert_memory_equal(error.message, "xxx  x", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_cause_stays),
        cmocka_unit_test(test_null_is_allowed),
        cmocka_unit_test(test_one_bounded_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
