/* Which live time stamps are believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "weir/capture/doubt.h"

#define NOW INT64_C(1772438400000000000)

static bool believes(struct doubt *doubt, int64_t ahead_ns)
{
    return doubt_believes(doubt, (struct ptime){NOW}, (struct ptime){NOW + ahead_ns});
}

static void test_near_the_clock(void **state)
{
    struct doubt doubt = {.count = 0};
    (void)state;
    assert_true(believes(&doubt, 0));
    assert_true(believes(&doubt, NS_PER_HOUR));
    assert_true(believes(&doubt, -NS_PER_HOUR));
    assert_false(believes(&doubt, NS_PER_HOUR + 1));
    assert_false(believes(&doubt, -NS_PER_HOUR - 1));
}

static void test_eight_that_agree(void **state)
{
    struct doubt doubt = {.count = 0};
    (void)state;
    for (unsigned i = 1; i < DOUBT_PACKETS; i++)
        assert_false(believes(&doubt, NS_PER_DAY + i));
    assert_true(believes(&doubt, NS_PER_DAY));
    assert_false(believes(&doubt, NS_PER_DAY)); /* and the count begins again */
}

static void test_one_near_packet_refutes(void **state)
{
    struct doubt doubt = {.count = 0};
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        assert_false(believes(&doubt, NS_PER_DAY));
        if (i % (DOUBT_PACKETS - 1) == 0)
            assert_true(believes(&doubt, NS_PER_S));
    }
}

static void test_disagreement_begins_again(void **state)
{
    struct doubt doubt = {.count = 0};
    (void)state;
    for (int64_t i = 1; i < 100; i++) /* each more than an hour from the one before */
        assert_false(believes(&doubt, i * (NS_PER_HOUR + 1) + NS_PER_HOUR));
}

/* Time does not go back, however many say so; the largest differences do not overflow. */
static void test_the_past_is_never_believed(void **state)
{
    struct doubt doubt = {.count = 0};
    (void)state;
    for (int i = 0; i < 100; i++)
        assert_false(believes(&doubt, -NS_PER_DAY));
    assert_false(doubt_believes(&doubt, (struct ptime){NOW}, PTIME_MIN));
    assert_false(doubt_believes(&doubt, (struct ptime){-NOW}, PTIME_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_near_the_clock),
        cmocka_unit_test(test_eight_that_agree),
        cmocka_unit_test(test_one_near_packet_refutes),
        cmocka_unit_test(test_disagreement_begins_again),
        cmocka_unit_test(test_the_past_is_never_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
