/* Numbers as people read them, at the borders between units and digits. */
#include "weir/base/figures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_bytes(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } row[] = {
        {0, "0 B"},
        {1, "1 B"},
        {999, "999 B"},
        {1000, "1.00 kB"},
        {1234, "1.23 kB"},
        {9994, "9.99 kB"},
        {9996, "10.0 kB"},
        {99940, "99.9 kB"},
        {99960, "100 kB"},
        {999499, "999 kB"},
        {999500, "1.00 MB"},
        {4310000, "4.31 MB"},
        {1119951502, "1.12 GB"},
        {UINT64_C(7000000000000), "7.00 TB"},
        {UINT64_C(1) << 60, "1.15 EB"},
        {UINT64_MAX, "18.4 EB"},
    };
    char text[FIGURE_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        assert_string_equal(figure_bytes(row[i].bytes, text), row[i].text);
}

static void test_counts(void **state)
{
    char text[FIGURE_SIZE];
    (void)state;
    assert_string_equal(figure_count(0, text), "0");
    assert_string_equal(figure_count(999, text), "999");
    assert_string_equal(figure_count(1000, text), "1,000");
    assert_string_equal(figure_count(76112, text), "76,112");
    assert_string_equal(figure_count(123456, text), "123,456");
    assert_string_equal(figure_count(1234567, text), "1,234,567");
    assert_string_equal(figure_count(UINT64_MAX, text), "18,446,744,073,709,551,615");
}

static void test_shares(void **state)
{
    char text[FIGURE_SIZE];
    (void)state;
    assert_string_equal(figure_percent(0, 100, text), "0.00 %");
    assert_string_equal(figure_percent(1, 1000, text), "0.10 %");
    assert_string_equal(figure_percent(5, 100, text), "5.00 %");
    assert_string_equal(figure_percent(78, 100, text), "78 %");
    assert_string_equal(figure_percent(3, 3, text), "100 %");
    assert_string_equal(figure_percent(0, 0, text), "–"); /* of nothing there is no share */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
