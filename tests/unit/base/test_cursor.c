/* The bounded cursor: what is there is read, what is not there is zero and remembered. */
#include "weir/base/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};

static void test_network_order(void **state)
{
    struct cursor c = cursor_make(bytes, sizeof bytes);
    (void)state;
    assert_int_equal(cursor_u8(&c), 0x01);
    assert_int_equal(cursor_be16(&c), 0x0203);
    assert_int_equal(cursor_be24(&c), 0x040506);
    assert_int_equal(cursor_be32(&c), 0x0708090a);
    assert_true(cursor_be64(&c) == UINT64_C(0x0b0c0d0e0f101112));
    assert_false(c.failed);
    assert_int_equal(cursor_u8(&c), 0);
    assert_true(c.failed);
}

/* On an exact heap copy: reading one byte further is the sanitizer's to see. */
static void test_every_cut(void **state)
{
    (void)state;
    for (size_t size = 0; size < 18; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        assert_non_null(copy);
        memcpy(copy, bytes, size);
        struct cursor c = cursor_make(copy, size);
        uint64_t all = cursor_be64(&c);
        assert_int_equal(c.failed, size < 8);
        cursor_be64(&c);
        cursor_be16(&c);
        assert_true(c.failed);
        assert_int_equal(cursor_left(&c), 0);
        if (size >= 8)
            assert_true(all == UINT64_C(0x0102030405060708));
        free(copy);
    }
}

static void test_failure_is_sticky(void **state)
{
    struct cursor c = cursor_make(bytes, 4);
    (void)state;
    assert_false(cursor_skip(&c, 5));
    assert_int_equal(cursor_left(&c), 0);
    assert_null(cursor_take(&c, 1));
    assert_null(cursor_take(&c, 0));
    assert_int_equal(cursor_u8(&c), 0);
}

static void test_huge_lengths(void **state)
{
    struct cursor c = cursor_make(bytes, 4);
    (void)state;
    assert_null(cursor_take(&c, SIZE_MAX));
    assert_true(c.failed);
    c = cursor_make(bytes, 4);
    struct cursor sub = cursor_sub(&c, SIZE_MAX);
    assert_true(sub.failed && c.failed);
    assert_int_equal(cursor_left(&sub), 0);
}

static void test_sub(void **state)
{
    struct cursor c = cursor_make(bytes, 6);
    (void)state;
    cursor_u8(&c);
    struct cursor sub = cursor_sub(&c, 2);
    assert_int_equal(cursor_be16(&sub), 0x0203);
    assert_int_equal(cursor_u8(&sub), 0);
    assert_true(sub.failed);
    assert_false(c.failed); /* the inner one's failure is its own */
    assert_int_equal(cursor_u8(&c), 4);
}

static void test_empty(void **state)
{
    struct cursor c = cursor_make(NULL, 0);
    (void)state;
    assert_int_equal(cursor_left(&c), 0);
    assert_true(cursor_skip(&c, 0));
    assert_int_equal(cursor_be32(&c), 0);
    assert_true(c.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_network_order),
                                       cmocka_unit_test(test_every_cut),
                                       cmocka_unit_test(test_failure_is_sticky),
                                       cmocka_unit_test(test_huge_lengths),
                                       cmocka_unit_test(test_sub),
                                       cmocka_unit_test(test_empty)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
