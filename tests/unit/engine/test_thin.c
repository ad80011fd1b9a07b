/* Memory without what is empty of it: exact, and nothing else is believed. */
#include "../../../sensor/engine/thin.h"

#include "weir/base/digest.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* keep cmocka last */
#include <setjmp.h>

#include <cmocka.h>
#include <string.h>

#define THINNED 2000 /* more than one group, and not whole ones: 250 grains, in four */
#define BITS    sizeof(uint64_t)

static void fill_some(uint8_t *bytes, size_t size, unsigned seed)
{
    memset(bytes, 0, size);
    for (unsigned i = 0; i < seed % 40; i++)
        bytes[hash64(&i, sizeof i, seed) % size] = (uint8_t)(i + 1);
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    while (size > 0 && bytes[size - 1] == 0)
        size--;
    return size == 0;
}

static void test_thin_is_exact(void **state)
{
    uint8_t from[THINNED], to[THINNED], thin[THIN_MAX(THINNED)];
    (void)state;
    for (unsigned seed = 0; seed < 400; seed++) {
        fill_some(from, sizeof from, seed);
        size_t size = thin_pack(from, sizeof from, thin);
        assert_in_range(size, THIN_HEAD, THIN_HEAD + 4 * BITS + 40 * THIN_GRAIN);
        memset(to, 0xff, sizeof to);
        assert_true(thin_unpack(thin, size, to, sizeof to));
        assert_memory_equal(to, from, sizeof from);
        thin_clear(thin, to);
        assert_true(is_zero(to, sizeof to));
        assert_true(thin_fill(thin, size, to, sizeof to));
        assert_memory_equal(to, from, sizeof from);
    }
    memset(from, 1, sizeof from);
    assert_int_equal(thin_pack(from, sizeof from, thin), THIN_HEAD + 4 * BITS + sizeof from);
    memset(from, 0, sizeof from);
    assert_int_equal(thin_pack(from, sizeof from, thin), THIN_HEAD);
}

/* What is known to be zero is not looked at, and the same comes of it. */
static void test_thin_without_a_look(void **state)
{
    uint8_t from[THINNED], thin[THIN_MAX(THINNED)], same[THIN_MAX(THINNED)];
    (void)state;
    memset(from, 0, sizeof from);
    memset(from, 1, THIN_GROUP + 8);
    memset(from + 3 * THIN_GROUP, 1, 8);
    size_t size = thin_pack(from, sizeof from, thin);
    unsigned zero = thin_groups_in(THIN_GROUP + 8, 3 * THIN_GROUP);
    assert_int_equal(zero, 1u << 2);
    assert_int_equal(thin_pack_but(from, sizeof from, zero, same), size);
    assert_memory_equal(same, thin, size);
    from[2 * THIN_GROUP] = 1; /* a lie: it was not looked at */
    assert_int_equal(thin_pack_but(from, sizeof from, zero, same), size);
    assert_memory_equal(same, thin, size);
    assert_int_equal(thin_groups_in(THIN_GROUP - 8, 2 * THIN_GROUP), 1u << 1);
    assert_int_equal(thin_groups_in(THIN_GROUP + 8, 2 * THIN_GROUP + 8), 0);
    assert_int_equal(thin_groups_in(THIN_GROUP, THIN_GROUP), 0);
    assert_int_equal(thin_groups_in(0, 4 * THIN_GROUP), 0xf);
}

static void test_thin_is_not_believed(void **state)
{
    uint8_t from[THINNED], to[THINNED], thin[THIN_MAX(THINNED) + 1];
    (void)state;
    fill_some(from, sizeof from, 39);
    size_t size = thin_pack(from, sizeof from, thin);
    for (size_t less = 0; less < size; less++)
        assert_false(thin_unpack(thin, less, to, sizeof to));
    assert_false(thin_unpack(thin, size + 1, to, sizeof to));
    fill_some(from, sizeof from, 0);
    size = thin_pack(from, sizeof from, thin);
    assert_int_equal(size, THIN_HEAD);
    memset(thin, 0, sizeof thin);
    thin[0] = 0x08;
    thin[THIN_HEAD + BITS - 1] = 0x80; /* a grain of the last group that lies beyond */
    assert_false(thin_unpack(thin, size + BITS + THIN_GRAIN, to, sizeof to));
    thin[0] = 0x10; /* a group that does */
    thin[THIN_HEAD + BITS - 1] = 0;
    assert_false(thin_unpack(thin, size + BITS, to, sizeof to));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thin_is_exact),
        cmocka_unit_test(test_thin_without_a_look),
        cmocka_unit_test(test_thin_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
