/* Entropy: of samples whose value is known by hand. */
#include "../../../sensor/content/entropy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static uint8_t sample[2 * ENTROPY_BYTES];

/* The entropy of `size` bytes of `sample`, in pieces of `most`. */
static uint16_t of(size_t size, size_t most)
{
    struct entropy entropy;
    memset(&entropy, 0, sizeof entropy);
    for (size_t at = 0; at < size; at += most)
        entropy_put(&entropy, sample + at, size - at < most ? size - at : most);
    return entropy_thousandths(&entropy);
}

/* `kinds` values, each as often as the others. */
static void fill(size_t kinds)
{
    for (size_t i = 0; i < sizeof sample; i++)
        sample[i] = (uint8_t)(i % kinds);
}

static void test_powers_of_two(void **state)
{
    (void)state;
    for (unsigned bits = 1; bits <= 8; bits++) {
        fill((size_t)1 << bits);
        assert_int_equal(of(ENTROPY_BYTES, 1460), bits * 1000);
        assert_int_equal(of(1024, 7), bits * 1000);
    }
    fill(1);
    assert_int_equal(of(ENTROPY_BYTES, 1460), 1); /* known, and nothing */
}

/* log2 3 = 1.58496; three quarters and a quarter: 0.81128. */
static void test_others(void **state)
{
    (void)state;
    fill(3);
    assert_int_equal(of(3000, 3000), 1585);
    for (size_t i = 0; i < sizeof sample; i++)
        sample[i] = i % 4 == 0;
    assert_int_equal(of(4000, 3), 811);
}

static void test_bounds(void **state)
{
    struct entropy entropy;
    (void)state;
    fill(256);
    assert_int_equal(of(ENTROPY_BYTES_MIN - 1, 1460), 0); /* not known */
    assert_int_equal(of(ENTROPY_BYTES_MIN, 1460), 6000);
    memset(sample + ENTROPY_BYTES, 0, ENTROPY_BYTES); /* is not looked at */
    assert_int_equal(of(sizeof sample, 1000), 8000);
    memset(&entropy, 0, sizeof entropy);
    assert_false(entropy_put(&entropy, sample, ENTROPY_BYTES - 1));
    assert_true(entropy_put(&entropy, sample, 1));
    assert_true(entropy_put(&entropy, sample, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_powers_of_two),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
