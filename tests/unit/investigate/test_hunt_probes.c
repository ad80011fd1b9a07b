/* Which folders are one probe's, and which days say nothing about a host whose probe was absent. */
#include "weir/investigate/hunt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIRST 1000
#define DAYS  60

struct scene {
    struct hunt_days days;
    struct hunt_probes probes;
    uint8_t seen[DAYS / 8 + 1];
};

static int setup(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    hunt_days_init(&s->days, FIRST, DAYS);
    hunt_probes_init(&s->probes, &s->days);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    hunt_probes_fini(&s->probes);
    hunt_days_fini(&s->days);
    free(s);
    return 0;
}

static void cover(struct scene *s, const char *folder, int64_t from, int64_t to)
{
    hunt_days_cover(&s->days, FIRST + from, FIRST + to);
    hunt_probes_add(&s->probes, folder, FIRST + from, FIRST + to);
}

static void see(struct scene *s, int from, int to)
{
    for (int day = from; day <= to; day++)
        s->seen[day / 8] |= (uint8_t)(1u << (day % 8));
}

static const struct hunt_probe *probe_with(const struct scene *s, const char *folder)
{
    for (size_t i = 0; i < s->probes.count; i++)
        for (size_t n = 0; n < s->probes.probe[i].folders; n++)
            if (strcmp(s->probes.probe[i].folder[n]->path, folder) == 0)
                return &s->probes.probe[i];
    return NULL;
}

static bool is_of(const struct scene *s, const char *folder)
{
    size_t which = (size_t)(probe_with(s, folder) - s->probes.probe);
    return (hunt_probes_of(&s->probes, s->seen) >> which & 1u) != 0;
}

static size_t own_days(const struct scene *s)
{
    uint64_t of = hunt_probes_of(&s->probes, s->seen);
    size_t days = 0;
    for (size_t day = 0; day < s->days.count; day++)
        days += hunt_probes_sight(&s->probes, of, day) == HUNT_COVERED;
    return days;
}

static void test_folders_that_take_turns_are_one(void **state)
{
    struct scene *s = *state;
    cover(s, "a/2026-01", 0, 30);
    cover(s, "b/2026-01", 0, 30);
    cover(s, "a/2026-02", 28, 55); /* connections of January that lasted */
    cover(s, "b/2026-02", 31, 59);
    cover(s, "b/2026-02", 31, 59); /* one more input */
    hunt_probes_settle(&s->probes);
    assert_int_equal(s->probes.count, 2);
    assert_ptr_equal(probe_with(s, "a/2026-01"), probe_with(s, "a/2026-02"));
    assert_ptr_equal(probe_with(s, "b/2026-01"), probe_with(s, "b/2026-02"));
    const struct hunt_probe *a = probe_with(s, "a/2026-01");
    assert_int_equal(a->days, 56);
    assert_int_equal(a->absent, 4);
    assert_true(hunt_probe_is_absent(&s->probes, a, 56));
    assert_int_equal(probe_with(s, "b/2026-01")->inputs, 3);
    assert_int_equal(probe_with(s, "b/2026-01")->absent, 0);
}

static void test_half_of_a_short_one_is_no_turn(void **state)
{
    struct scene *s = *state;
    cover(s, "long", 0, 40);
    cover(s, "short", 20, 23);
    hunt_probes_settle(&s->probes);
    assert_int_equal(s->probes.count, 2);
    assert_int_equal(probe_with(s, "short")->absent, 37);
}

static void test_days_without_its_probe_say_nothing(void **state)
{
    struct scene *s = *state;
    cover(s, "headquarters", 0, 49); /* the last ten days: nothing of anybody */
    cover(s, "branch", 0, 19);
    cover(s, "branch", 35, 49);
    hunt_probes_settle(&s->probes);
    see(s, 0, 19);
    see(s, 35, 49);
    assert_true(is_of(s, "branch"));
    assert_false(is_of(s, "headquarters")); /* it was never absent */
    assert_int_equal(own_days(s), 35);
    uint64_t of = hunt_probes_of(&s->probes, s->seen);
    assert_int_equal(hunt_probes_sight(&s->probes, of, 20), HUNT_ABSENT);
    assert_int_equal(hunt_probes_sight(&s->probes, of, 19), HUNT_COVERED);
    assert_int_equal(hunt_probes_sight(&s->probes, of, 55), HUNT_GAP);
    see(s, 22, 23); /* a stray connection past the other: two days of fifteen */
    assert_true(is_of(s, "branch"));
    see(s, 24, 26); /* a third of them is more than a quarter of always */
    assert_false(is_of(s, "branch"));
    assert_int_equal(own_days(s), 50);
}

static void test_what_is_worse_stays(void **state)
{
    struct scene *s = *state;
    cover(s, "headquarters", 0, 49);
    cover(s, "branch", 0, 19);
    hunt_probes_settle(&s->probes);
    hunt_days_mark(&s->days, FIRST + 5, FIRST + 30, HUNT_DAMAGED);
    see(s, 0, 19);
    uint64_t of = hunt_probes_of(&s->probes, s->seen);
    assert_int_equal(hunt_probes_sight(&s->probes, of, 10), HUNT_DAMAGED);
    assert_int_equal(hunt_probes_sight(&s->probes, of, 25), HUNT_ABSENT);
}

static void test_more_than_there_is_room_for(void **state)
{
    struct scene *s = *state;
    for (int i = 0; i < (int)HUNT_PROBES + 3; i++) {
        const char name[] = {'p', (char)('A' + i / 26), (char)('a' + i % 26), '\0'};
        cover(s, name, 0, 40);
    }
    hunt_probes_settle(&s->probes);
    assert_int_equal(s->probes.count, HUNT_PROBES);
    assert_int_equal(s->probes.beyond, 3);
    see(s, 0, 59);
    assert_int_equal(hunt_probes_of(&s->probes, s->seen), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_folders_that_take_turns_are_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_half_of_a_short_one_is_no_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(test_days_without_its_probe_say_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_worse_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_more_than_there_is_room_for, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
