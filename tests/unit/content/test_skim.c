/* Places where numbers could be, held against a reader that looks at one byte after the other; and
 * the two ways of making the masks against each other. */
#include "../../../sensor/content/skim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_place(const uint8_t *data, size_t at)
{
    if (!is_digit(data[at]))
        return false;
    if (at > 0 && data[at - 1] == '+')
        return true;
    size_t before = 0;
    while (before < at && is_digit(data[at - 1 - before]))
        before++;
    return before == 3;
}

static void assert_places(const uint8_t *data, size_t from, size_t to)
{
    uint32_t place[SKIM_ROOM];
    uint8_t *copy = calloc(to + !to, 1); /* what is behind `to` is not there */
    if (to)
        memcpy(copy, data, to);
    size_t count = skim(copy, from, to, place), expected = 0;
    for (size_t at = from; at < to; at++)
        if (is_place(data, at)) {
            assert_true(expected < count);
            assert_int_equal(place[expected++], at);
        }
    assert_int_equal(expected, count);
    free(copy);
}

static uint64_t seed = 1;

static uint8_t any_of(const char *alphabet, size_t size)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint8_t)alphabet[(seed >> 33) % size];
}

static void test_places(void **state)
{
    (void)state;
    static const char *const alphabets[] = {"0",        "+0",         "0+a",
                                            "0129/:+x", "000000000a", "xxxxxxxxxxxxxxx+0"};
    uint8_t data[SKIM_SLICE];
    for (size_t i = 0; i < sizeof alphabets / sizeof *alphabets; i++)
        for (unsigned round = 0; round < 40; round++) {
            for (size_t at = 0; at < sizeof data; at++)
                data[at] = any_of(alphabets[i], strlen(alphabets[i]));
            for (size_t from = 0; from < 140; from += 1 + round % 5)
                assert_places(data, from, from + round * 23 % (sizeof data - from));
            assert_places(data, 0, sizeof data);
        }
}

/* Most places that a slice can have fit: "+1+1", and "0000+1" never gives more. */
static void test_room(void **state)
{
    (void)state;
    uint8_t data[SKIM_SLICE + 1];
    uint32_t place[SKIM_ROOM];
    for (size_t at = 0; at < sizeof data; at++)
        data[at] = at % 2 ? '1' : '+';
    assert_int_equal(skim(data, 0, SKIM_SLICE, place), SKIM_ROOM);
    assert_int_equal(skim(data, 1, 1 + SKIM_SLICE, place), SKIM_ROOM);
}

static void assert_masks(skim_masks_function *masks_of, const uint8_t *block)
{
    struct skim_masks masks = masks_of(block), expected = skim_portable(block);
    assert_int_equal(masks.digit, expected.digit);
    if (masks.digit)
        assert_int_equal(masks.plus, expected.plus);
}

/* Every byte at every place of a block, among digits and among letters. */
static void test_masks(void **state)
{
    (void)state;
    skim_masks_function *const fast[] = {skim_sse2(), skim_avx2()};
    uint8_t block[SKIM_BLOCK];
    for (unsigned byte = 0; byte < 256; byte++)
        for (unsigned at = 0; at < SKIM_BLOCK; at++) {
            memset(block, '5', sizeof block);
            block[at] = (uint8_t)byte;
            struct skim_masks masks = skim_portable(block);
            bool digit = is_digit((uint8_t)byte);
            assert_int_equal(masks.digit, ~(digit ? 0 : UINT64_C(1) << at));
            assert_int_equal(masks.plus, byte == '+' ? UINT64_C(1) << at : 0);
            for (size_t i = 0; i < sizeof fast / sizeof *fast; i++) {
                if (!fast[i])
                    continue;
                memset(block, '5', sizeof block);
                block[at] = (uint8_t)byte;
                assert_masks(fast[i], block);
                memset(block, 'a', sizeof block);
                block[at] = (uint8_t)byte;
                assert_masks(fast[i], block);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_masks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
