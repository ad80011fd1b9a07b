/* What was told lately silences the same place for a week, and no other; what was told of a host as
 * a whole, or is found in it, silences and is silenced by all. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "weir/baseline/lately.h"

#define EVER INT64_MIN

static void near(double is, double should)
{
    assert_true(is > should - 1e-6 && is < should + 1e-6);
}

static void a_place_is_silent_for_a_week(void **state)
{
    struct told_lately lately = {0};
    (void)state;
    near(lately_silent_e(&lately, 100, 7, EVER), 0);
    lately_tell(&lately, 100, 10, 7);
    near(lately_silent_e(&lately, 100, 7, EVER), SILENT_FACTOR * 10);
    near(lately_silent_e(&lately, 106, 7, EVER), SILENT_FACTOR * 10);
    near(lately_silent_e(&lately, 107, 7, EVER), 0);
    near(lately_silent_e(&lately, 106, 7, 101), 0); /* nobody heard of it */
    assert_true(lately_on(&lately, 100));
    assert_false(lately_on(&lately, 101));
}

static void another_place_is_another_story(void **state)
{
    struct told_lately lately = {0};
    (void)state;
    lately_tell(&lately, 100, 10, 7);
    near(lately_silent_e(&lately, 101, 8, EVER), 0);
    lately_tell(&lately, 101, 4, 8);
    near(lately_silent_e(&lately, 102, 7, EVER), SILENT_FACTOR * 10);
    near(lately_silent_e(&lately, 102, 8, EVER), SILENT_FACTOR * 4);
    near(lately_silent_e(&lately, 107, 8, EVER), SILENT_FACTOR * 4); /* its own week */
    near(lately_silent_e(&lately, 107, 7, EVER), 0);
}

static void the_host_is_all_places(void **state)
{
    struct told_lately lately = {0};
    (void)state;
    lately_tell(&lately, 100, 10, 7);
    lately_tell(&lately, 100, 6, 8);
    near(lately_silent_e(&lately, 101, 0, EVER), SILENT_FACTOR * 10);
    lately_tell(&lately, 101, 8, 0);
    near(lately_silent_e(&lately, 102, 9, EVER), SILENT_FACTOR * 8);
    near(lately_silent_e(&lately, 102, 8, EVER), SILENT_FACTOR * 8);
    near(lately_silent_e(&lately, 102, 7, EVER), SILENT_FACTOR * 10);
}

static void told_again_it_begins_anew(void **state)
{
    struct told_lately lately = {0};
    (void)state;
    lately_tell(&lately, 100, 10, 7);
    lately_tell(&lately, 104, 14, 7);
    near(lately_silent_e(&lately, 110, 7, EVER), SILENT_FACTOR * 14);
    near(lately_silent_e(&lately, 111, 7, EVER), 0);
}

static void who_goes_from_place_to_place_is_one_story(void **state)
{
    struct told_lately lately = {0};
    (void)state;
    for (uint32_t i = 0; i < LATELY_PLACES; i++) {
        near(lately_silent_e(&lately, 104, 1 + i, EVER), 0);
        lately_tell(&lately, 100 + (int64_t)(i ^ 1u), 10 + i, 1 + i); /* the second is the oldest */
    }
    const double most = SILENT_FACTOR * (10 + LATELY_PLACES - 1);
    near(lately_silent_e(&lately, 104, 99, EVER), most);
    near(lately_silent_e(&lately, 104, 3, EVER), SILENT_FACTOR * 12);
    near(lately_silent_e(&lately, 107, 99, EVER), 0); /* one's week is over: there is room */
    lately_tell(&lately, 104, 20, 99);
    near(lately_silent_e(&lately, 104, 2, EVER), SILENT_FACTOR * 20); /* it gave way */
    near(lately_silent_e(&lately, 104, 3, EVER), SILENT_FACTOR * 12);
}

static void what_nobody_heard_is_forgotten(void **state)
{
    struct told_lately lately = {0};
    (void)state;
    lately_tell(&lately, 100, 10, 7);
    lately_tell(&lately, 101, 10, 8);
    lately_forget(&lately, 101);
    near(lately_silent_e(&lately, 102, 7, EVER), 0);
    near(lately_silent_e(&lately, 102, 8, EVER), SILENT_FACTOR * 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_is_silent_for_a_week),
        cmocka_unit_test(another_place_is_another_story),
        cmocka_unit_test(the_host_is_all_places),
        cmocka_unit_test(told_again_it_begins_anew),
        cmocka_unit_test(who_goes_from_place_to_place_is_one_story),
        cmocka_unit_test(what_nobody_heard_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
