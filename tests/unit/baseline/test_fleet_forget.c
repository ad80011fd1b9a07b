/* A host that asks to be forgotten: out of every exact set, told where it may still be one among
 * many, and nobody else is touched. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

static void use(struct fleet *fleet, unsigned host, const char *name)
{
    struct destination d = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, name);
    struct ip ip = make_host(host);
    struct civil civil = make_civil(MONDAY, 10);
    fleet_note_pair(fleet, &ip, "", &d, 1000, NAN, &civil);
}

static uint32_t users(const struct fleet *fleet, const char *name)
{
    struct destination d = make_destination(ROLE_CLIENT, DESTINATION_DOMAIN, name);
    return fleet_prevalence(fleet, &d);
}

static void exact_sets_lose_it_and_nobody_else(void **state)
{
    struct fleet *fleet = fleet_new();
    struct ip host = make_host(2);
    (void)state;
    for (unsigned i = 1; i <= 3; i++)
        use(fleet, i, "few.example");
    use(fleet, 1, "one.example");
    fleet_apply(fleet);
    struct fleet_forgotten forgotten = fleet_forget_host(fleet, &host);
    assert_int_equal(forgotten.sets, 1);
    assert_int_equal(forgotten.sketches, 0);
    assert_int_equal(users(fleet, "few.example"), 2);
    assert_int_equal(users(fleet, "one.example"), 1);
    forgotten = fleet_forget_host(fleet, &host);
    assert_int_equal(forgotten.sets, 0);
    fleet_free(fleet);
}

static void a_sketch_gives_nobody_back_and_says_so(void **state)
{
    struct fleet *fleet = fleet_new();
    struct ip host = make_host(2);
    (void)state;
    for (unsigned i = 1; i <= FLEET_EXACT_HOSTS + 8; i++)
        use(fleet, i, "many.example");
    fleet_apply(fleet);
    uint32_t before = users(fleet, "many.example");
    struct fleet_forgotten forgotten = fleet_forget_host(fleet, &host);
    assert_int_equal(forgotten.sets, 0);
    assert_int_equal(forgotten.sketches, 1);
    assert_int_equal(users(fleet, "many.example"), before);
    fleet_free(fleet);
}

/* What was noted in the hour that is being closed goes too. */
static void notes_that_wait_are_forgotten(void **state)
{
    struct fleet *fleet = fleet_new();
    struct ip host = make_host(2);
    (void)state;
    use(fleet, 1, "a.example");
    use(fleet, 2, "a.example");
    fleet_forget_host(fleet, &host);
    fleet_apply(fleet);
    assert_int_equal(users(fleet, "a.example"), 1);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_sets_lose_it_and_nobody_else),
        cmocka_unit_test(a_sketch_gives_nobody_back_and_says_so),
        cmocka_unit_test(notes_that_wait_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
