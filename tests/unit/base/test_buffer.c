/* The growable buffer: byte order, growth, text; and checked allocation. */
#include "weir/base/buffer.h"

#include "weir/base/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_byte_order(void **state)
{
    static const uint8_t expected[] = {
        0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01,
        /* -2.5: sign, exponent 1024, fraction 1/4 */
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0xc0, 'e', 'n', 'd'};
    struct buffer b = {0};
    (void)state;
    buffer_u8(&b, 1);
    buffer_le16(&b, 0x0203);
    buffer_le32(&b, 0x04050607);
    buffer_le64(&b, UINT64_C(0x0123456789abcdef));
    buffer_f64(&b, -2.5);
    buffer_put(&b, "end", 3);
    buffer_put(&b, NULL, 0);
    assert_int_equal(b.size, sizeof expected);
    assert_memory_equal(b.data, expected, sizeof expected);
    buffer_fini(&b);
    assert_null(b.data);
    assert_int_equal(b.size, 0);
}

static void test_cursor_reads_it_back(void **state)
{
    struct buffer b = {0};
    (void)state;
    buffer_le16(&b, 0xfedc);
    buffer_le32(&b, 0xfedcba98);
    buffer_le64(&b, UINT64_C(0xfedcba9876543210));
    struct cursor c = cursor_make(b.data, b.size);
    assert_int_equal(cursor_le16(&c), 0xfedc);
    assert_int_equal(cursor_le32(&c), 0xfedcba98);
    assert_true(cursor_le64(&c) == UINT64_C(0xfedcba9876543210));
    assert_false(c.failed);
    assert_int_equal(cursor_left(&c), 0);
    buffer_fini(&b);
}

static void test_growth_keeps_what_was_there(void **state)
{
    struct buffer b = {0};
    (void)state;
    for (uint32_t i = 0; i < 10000; i++)
        buffer_le32(&b, i);
    assert_int_equal(b.size, 40000);
    struct cursor c = cursor_make(b.data, b.size);
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(cursor_le32(&c), i);
    buffer_fini(&b);
}

static void test_text(void **state)
{
    struct buffer b = {0};
    char long_text[500];
    (void)state;
    memset(long_text, 'y', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    buffer_text(&b, "%d-%s;", 7, "x");
    buffer_text(&b, "%s", "");
    assert_int_equal(b.size, 4);
    buffer_text(&b, "%s", long_text);
    assert_int_equal(b.size, 4 + 499);
    assert_memory_equal(b.data, "7-x;yyyy", 8);
    assert_int_equal(b.data[b.size - 1], 'y');
    buffer_fini(&b);
}

static void test_allocation(void **state)
{
    (void)state;
    char *text = xasprintf("%s %d", "made", 3), *copy = xstrdup(text);
    assert_string_equal(copy, "made 3");
    uint8_t *zero = xcalloc(3, 4);
    for (size_t i = 0; i < 12; i++)
        assert_int_equal(zero[i], 0);
    zero = xrealloc(zero, 100);
    assert_int_equal(zero[11], 0);
    void *nothing = xcalloc(0, 0); /* still a pointer that can be freed */
    assert_non_null(nothing);
    free(nothing);
    free(zero);
    free(copy);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_byte_order), cmocka_unit_test(test_cursor_reads_it_back),
        cmocka_unit_test(test_growth_keeps_what_was_there), cmocka_unit_test(test_text),
        cmocka_unit_test(test_allocation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
