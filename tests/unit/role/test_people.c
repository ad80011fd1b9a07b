/* Who a user id is: root is everywhere; whom nobody knows stays a number. */
#include "../../../sensor/role/people.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_names(void **state)
{
    struct people people;
    char text[PEOPLE_NAME];
    (void)state;
    people_read(&people);
    assert_string_equal(people_name(&people, 0, text), "root");
    assert_string_equal(people_name(&people, 4294967294, text), "uid 4294967294");
    assert_string_equal(people_name(&people, -1, text), "?");
    people_fini(&people);
    assert_string_equal(people_name(&people, 0, text), "uid 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
