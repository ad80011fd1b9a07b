/* A pool against an array of who holds what, over many random turns; what the sanitizer sees. */
#include "weir/base/poison.h"
#include "weir/base/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HELD  3000
#define BYTES 72u

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static bool is_all(const uint8_t *block, uint8_t value)
{
    for (size_t i = 0; i < BYTES; i++)
        if (block[i] != value)
            return false;
    return true;
}

/* What is taken is zero, aligned, and nobody else's until it is given back. */
static void test_against_an_array(void **state)
{
    static uint8_t *held[HELD];
    struct pool pool;
    uint32_t seed = 1;
    (void)state;
    pool_init(&pool, BYTES);
    for (int turn = 0; turn < 200000; turn++) {
        size_t i = next_random(&seed) % HELD;
        uint8_t mark = (uint8_t)(i % 255 + 1);
        if (held[i]) {
            assert_true(is_all(held[i], mark));
            pool_give(&pool, held[i]);
            held[i] = NULL;
            continue;
        }
        held[i] = pool_take(&pool);
        assert_int_equal((uintptr_t)held[i] % 16, 0);
        assert_true(is_all(held[i], 0));
        memset(held[i], mark, BYTES);
    }
    pool_fini(&pool);
}

/* The one given back last is taken first: it is in the processor's cache. */
static void test_the_latest_first(void **state)
{
    struct pool pool;
    (void)state;
    pool_init(&pool, 1);
    void *first = pool_take(&pool), *second = pool_take(&pool);
    assert_ptr_not_equal(first, second);
    pool_give(&pool, NULL);
    pool_give(&pool, second);
    pool_give(&pool, first);
    assert_ptr_equal(pool_take(&pool), first);
    assert_ptr_equal(pool_take(&pool), second);
    pool_fini(&pool);
}

/* Sizes in turn, some beyond what pools are for; who gives back says which it was. */
static void test_of_many_sizes(void **state)
{
    static uint8_t *held[HELD];
    static size_t size[HELD];
    struct pools pools;
    uint32_t seed = 7;
    (void)state;
    pools_init(&pools);
    for (int turn = 0; turn < 50000; turn++) {
        size_t i = next_random(&seed) % HELD;
        if (held[i]) {
            for (size_t at = 0; at < size[i]; at++)
                assert_int_equal(held[i][at], i % 255 + 1);
            pools_give(&pools, held[i], size[i]);
            held[i] = NULL;
            continue;
        }
        size[i] = next_random(&seed) % 100 < 98 ? 1 + next_random(&seed) % 600 : 2040 + i % 20;
        held[i] = pools_take(&pools, size[i]);
        memset(held[i], (int)(i % 255 + 1), size[i]);
    }
    for (size_t i = 0; i < HELD; i++)
        if (held[i])
            pools_give(&pools, held[i], size[i]);
    uint8_t *one = pools_take(&pools, 33);
    pools_give(&pools, one, 33);
    assert_ptr_equal(pools_take(&pools, 64), one);
    assert_true(pools_same(33, 64) && !pools_same(32, 33) && !pools_same(2049, 2050));
    pools_fini(&pools);
}

static void test_large_blocks(void **state)
{
    struct pool pool;
    (void)state;
    pool_init(&pool, 100000);
    for (int i = 0; i < 40; i++)
        memset(pool_take(&pool), i, 100000);
    pool_fini(&pool);
    pool_fini(&pool); /* of nothing */
}

static void test_what_was_given_back_is_off_limits(void **state)
{
    struct pool pool;
    (void)state;
    pool_init(&pool, BYTES);
    char *block = pool_take(&pool), *other = pool_take(&pool);
    pool_give(&pool, block);
    assert_int_equal(is_poisoned(block), WEIR_POISONS);
    assert_int_equal(is_poisoned(block + BYTES - 1), WEIR_POISONS);
    assert_false(is_poisoned(other + BYTES - 1));
    assert_int_equal(is_poisoned(other + 80), WEIR_POISONS); /* never taken; a multiple of 16 */
    pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_an_array),
        cmocka_unit_test(test_the_latest_first),
        cmocka_unit_test(test_of_many_sizes),
        cmocka_unit_test(test_large_blocks),
        cmocka_unit_test(test_what_was_given_back_is_off_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
