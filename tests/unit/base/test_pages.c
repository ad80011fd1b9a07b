/* Large tables: cleared, at the bounds of huge pages, and given back; small ones are the heap's. */
#include "weir/base/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_large_and_small(void **state)
{
    const size_t sizes[] = {1, 4096, PAGES_HUGE - 1, PAGES_HUGE, PAGES_HUGE + 1, 5 * PAGES_HUGE};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *memory = pages_calloc(sizes[i], 1);
        assert_true(memory[0] == 0 && memory[sizes[i] / 2] == 0 && memory[sizes[i] - 1] == 0);
        if (sizes[i] >= PAGES_HUGE)
            assert_int_equal((uintptr_t)memory % PAGES_HUGE, 0);
        memset(memory, 0xff, sizes[i]);
        pages_free(memory, sizes[i], 1);
    }
    pages_free(NULL, 1, 1);
}

/* Asked for twice, the heap is a heap still. */
static void test_the_heap(void **state)
{
    enum { BLOCKS = 1000 };
    void *block[BLOCKS];
    (void)state;
    pages_heap();
    pages_heap();
    for (size_t i = 0; i < BLOCKS; i++)
        block[i] = memset(malloc(1 + 97 * i), (int)(i & 0xff), 1 + 97 * i);
    for (size_t i = 0; i < BLOCKS; i++) {
        const uint8_t *bytes = block[i];
        assert_true(bytes[0] == (i & 0xff) && bytes[97 * i] == (i & 0xff));
        free(block[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_large_and_small),
        cmocka_unit_test(test_the_heap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
