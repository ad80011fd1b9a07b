/* Which verdict follows from what: the first reason that holds, and days no better than the worst
 * that was said of them. */
#include "weir/investigate/hunt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct hunt_basis good(void)
{
    return (struct hunt_basis){.days = 21,
                               .covered = 20,
                               .own = 20,
                               .seen = {[HUNT_COVERED] = 15},
                               .least = 7,
                               .hindsight = true};
}

static void assert_judged(const struct hunt_basis *basis, enum hunt_verdict verdict,
                          enum hunt_why why)
{
    struct hunt_judgement judgement = hunt_judge(basis);
    assert_int_equal(judgement.verdict, verdict);
    assert_int_equal(judgement.why, why);
}

static void test_verdicts(void **state)
{
    (void)state;
    struct hunt_basis basis = good();
    assert_judged(&basis, HUNT_NO_SIGN, HUNT_WHY_NOTHING);
    basis.seen[HUNT_COVERED] = 7; /* just enough */
    assert_judged(&basis, HUNT_NO_SIGN, HUNT_WHY_NOTHING);
    basis.seen[HUNT_COVERED] = 6;
    assert_judged(&basis, HUNT_CANNOT_SAY, HUNT_WHY_FEW_DAYS);
    basis.seen[HUNT_LOST] = 1; /* seven, of which one proves nothing */
    assert_judged(&basis, HUNT_CANNOT_SAY, HUNT_WHY_SIGHT);
    assert_int_equal(hunt_judge(&basis).sight, HUNT_LOST);
    basis.seen[HUNT_DAMAGED] = 2;
    assert_int_equal(hunt_judge(&basis).sight, HUNT_DAMAGED);
    basis.seen[HUNT_COVERED] = 11; /* its probe was there on these, and on no more */
    basis.own = 11;
    assert_judged(&basis, HUNT_NO_SIGN, HUNT_WHY_NOTHING);
    basis.own = 10;
    assert_judged(&basis, HUNT_CANNOT_SAY, HUNT_WHY_ABSENT);
    basis.incidents = 1; /* whatever else is wrong */
    assert_judged(&basis, HUNT_LEFT, HUNT_WHY_NOTHING);
}

static void test_what_comes_first(void **state)
{
    (void)state;
    struct hunt_basis basis = good();
    basis.covered = 11; /* half and more */
    assert_judged(&basis, HUNT_NO_SIGN, HUNT_WHY_NOTHING);
    basis.covered = 10;
    assert_judged(&basis, HUNT_CANNOT_SAY, HUNT_WHY_UNCOVERED);
    basis.hindsight = false;
    assert_judged(&basis, HUNT_CANNOT_SAY, HUNT_WHY_SHORT);
    basis.seen[HUNT_COVERED] = 0;
    assert_judged(&basis, HUNT_CANNOT_SAY, HUNT_WHY_NOT_SEEN);
}

static void test_days(void **state)
{
    (void)state;
    struct hunt_days days;
    hunt_days_init(&days, 100, 10);
    assert_int_equal(hunt_days_of(&days, HUNT_GAP), 10);
    hunt_days_cover(&days, 90, 104); /* as far as they reach */
    hunt_days_cover(&days, 108, 300);
    hunt_days_cover(&days, 300, 400);
    assert_int_equal(hunt_days_of(&days, HUNT_COVERED), 7);
    hunt_days_mark(&days, 104, 105, HUNT_DAMAGED); /* of 105 nothing was seen: that stays */
    hunt_days_mark(&days, 104, 104, HUNT_LOST);    /* it is worse already */
    assert_int_equal(days.sight[4], HUNT_DAMAGED);
    assert_int_equal(days.sight[5], HUNT_GAP);
    hunt_days_mark(&days, 100, 109, HUNT_COVERED);
    assert_int_equal(hunt_days_of(&days, HUNT_COVERED), 6);
    hunt_days_fini(&days);
}

static enum hunt_sight sight_of(const char *text)
{
    struct json_value *summary = json_parse(text, strlen(text), NULL);
    assert_non_null(summary);
    enum hunt_sight sight = hunt_sight_of(summary);
    json_value_free(summary);
    return sight;
}

#define SENSOR "{\"coverage\":{\"sensor\":{\"packets\":9990,\"tcp_payload_bytes\":9900,"

static void test_sight(void **state)
{
    (void)state;
    assert_int_equal(sight_of("{}"), HUNT_COVERED);
    assert_int_equal(sight_of(SENSOR "\"kernel_drops\":9,\"interface_drops\":0}}}"), HUNT_COVERED);
    assert_int_equal(sight_of(SENSOR "\"kernel_drops\":4,\"interface_drops\":6}}}"), HUNT_LOST);
    assert_int_equal(sight_of(SENSOR "\"tcp_missing_bytes\":99}}}"), HUNT_COVERED);
    assert_int_equal(sight_of(SENSOR "\"tcp_missing_bytes\":100}}}"), HUNT_MISSING);
    assert_int_equal(sight_of("{\"judged\":{\"hosts_refused\":0}}"), HUNT_COVERED);
    assert_int_equal(sight_of("{\"judged\":{\"hosts_refused\":1}}"), HUNT_CROWDED);
    assert_int_equal(sight_of("{\"coverage\":{\"one_sided\":{\"share\":0.49}}}"), HUNT_COVERED);
    assert_int_equal(sight_of("{\"coverage\":{\"one_sided\":{\"share\":0.5}}}"), HUNT_ONE_SIDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_what_comes_first),
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_sight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
