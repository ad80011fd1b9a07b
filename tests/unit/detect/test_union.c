/* Distinct items: exact to a million, within its stated error after. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

#include "weir/detect/union.h"

static uint64_t hash_of(uint64_t item) /* splitmix64: stands in for the keyed hash */
{
    uint64_t z = (item + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void exact_while_small(void **state)
{
    struct item_union *u = item_union_new(NULL);
    (void)state;
    assert_int_equal(item_union_count(u), 0);
    for (uint64_t i = 0; i < 76104; i++)
        assert_true(item_union_add(u, hash_of(i)));
    for (uint64_t i = 0; i < 76104; i += 7)
        assert_false(item_union_add(u, hash_of(i)));
    assert_int_equal(item_union_count(u), 76104);
    assert_true(item_union_error(u) == 0);
    item_union_free(u);
    item_union_free(NULL);
}

static void zero_and_neighbours_are_items(void **state)
{
    struct item_union *u = item_union_new(NULL);
    (void)state;
    for (uint64_t i = 0; i < 1000; i++) { /* hashes that are no hashes at all */
        assert_true(item_union_add(u, i));
        assert_false(item_union_add(u, i));
    }
    assert_int_equal(item_union_count(u), 1000);
    item_union_free(u);
}

static void estimates_beyond_a_million(void **state)
{
    struct item_union *u = item_union_new(NULL);
    uint64_t last = 0;
    (void)state;
    for (uint64_t i = 0; i < UNION_EXACT; i++)
        item_union_add(u, i == 77 ? 0 : hash_of(i));
    assert_int_equal(item_union_count(u), UNION_EXACT);
    assert_true(item_union_error(u) == 0);
    assert_false(item_union_add(u, hash_of(5)));
    assert_true(item_union_error(u) == 0);
    for (uint64_t i = UNION_EXACT; i < 4 * (uint64_t)UNION_EXACT; i++) {
        item_union_add(u, hash_of(i));
        if (i % 1000 == 0) {
            assert_true(item_union_count(u) >= last && item_union_count(u) > UNION_EXACT);
            last = item_union_count(u);
        }
    }
    assert_true(fabs(item_union_error(u) - 0.008125) < 1e-9); /* 1.04/√16384 */
    double off = (double)item_union_count(u) / (4.0 * UNION_EXACT) - 1;
    print_message("4,000,000 items: %+.2f %%\n", 100 * off);
    assert_true(fabs(off) < 3 * 0.008125);
    for (uint64_t i = 0; i < UNION_EXACT; i += 1000) /* nothing old is taken for new */
        assert_false(item_union_add(u, i == 77 ? 0 : hash_of(i)));
    item_union_free(u);
}

/* Exactly, in either form: what is added afterwards counts the same. */
static void test_packed(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 5, 5000, UNION_EXACT + 5000};
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        struct item_union *u = item_union_new(NULL);
        struct buffer packed = {0};
        for (uint64_t i = 0; i < sizes[n]; i++)
            item_union_add(u, i * UINT64_C(0x9e3779b97f4a7c15)); /* 0 among them */
        item_union_pack(u, &packed);
        struct cursor in = cursor_make(packed.data, packed.size);
        struct item_union *twin = item_union_unpack(NULL, &in);
        assert_non_null(twin);
        assert_int_equal(cursor_left(&in), 0);
        for (uint64_t i = 0; i < 3000; i++) {
            assert_int_equal(item_union_add(u, i * 77), item_union_add(twin, i * 77));
            assert_true(item_union_count(u) == item_union_count(twin));
        }
        assert_true(item_union_error(u) == item_union_error(twin));
        item_union_free(u);
        item_union_free(twin);
        buffer_fini(&packed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packed),
        cmocka_unit_test(exact_while_small),
        cmocka_unit_test(zero_and_neighbours_are_items),
        cmocka_unit_test(estimates_beyond_a_million),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
