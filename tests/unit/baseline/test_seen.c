/* Which sensors saw how much: the store's text, what is none, and where one's own share comes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "weir/baseline/seen.h"

#include <string.h>

static bool parse(const char *text, struct seen_by *seen)
{
    return seen_parse(text, strlen(text), seen);
}

static void expect(const struct seen_by *seen, uint32_t at, const char *sensor, uint64_t bytes)
{
    assert_true(at < seen->count);
    assert_string_equal(seen->share[at].sensor, sensor);
    assert_int_equal(seen->share[at].bytes, bytes);
}

static void test_shares_and_the_rest(void **state)
{
    struct seen_by seen;
    (void)state;
    assert_true(parse("6|1000|400|core|a|300|core|b|100|branch|c|90|d|d|", &seen));
    assert_int_equal(seen.count, 4);
    assert_int_equal(seen.sensors, 6);
    assert_int_equal(seen.rest_bytes, 110);
    assert_string_equal(seen.share[2].vantage, "branch");
    seen_add(&seen, "own", "core", 300);
    assert_int_equal(seen.sensors, 7);
    expect(&seen, 0, "a", 400);
    expect(&seen, 1, "b", 300);
    expect(&seen, 2, "own", 300); /* of equals by name */
    expect(&seen, 4, "d", 90);
    assert_true(seen_holds(&seen));
    seen.count = SEEN_SENSORS + 1;
    assert_false(seen_holds(&seen));
}

/* Of two characters of two bytes, the one in which the name is cut is not there. */
static void test_names_are_cut(void **state)
{
    struct seen_by seen;
    char text[200] = "1|5|5|v|";
    (void)state;
    memset(text + 8, 'n', SEEN_NAME_SIZE - 2);
    strcpy(text + 8 + SEEN_NAME_SIZE - 2, "\xc3\xa4\xc3\xa4|");
    assert_true(parse(text, &seen));
    assert_int_equal(strlen(seen.share[0].sensor), SEEN_NAME_SIZE - 2);
    assert_true(seen_holds(&seen));
}

static void test_what_is_no_such_text(void **state)
{
    static const char *const odd[] = {"",
                                      "1",
                                      "1|",
                                      "1|5|5|v|",
                                      "1|5|5|v|n",
                                      "1|5||v|n|",
                                      "1|5|-5|v|n|",
                                      "1|5|5|v||",
                                      "0|5|5|v|n|",
                                      "1|99999999999999999999|",
                                      "5|5|1|v|a|1|v|b|1|v|c|1|v|d|1|v|e|"};
    struct seen_by seen;
    char large[SEEN_TEXT_MAX + 2];
    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        assert_false(parse(odd[i], &seen));
        assert_int_equal(seen.count + seen.sensors, 0);
    }
    memset(large, 'n', sizeof large);
    memcpy(large, "1|5|5|v|", 8);
    large[SEEN_TEXT_MAX] = '|';
    assert_false(seen_parse(large, SEEN_TEXT_MAX + 1, &seen));
    assert_true(parse("0|0|", &seen)); /* nobody */
    assert_int_equal(seen.sensors, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares_and_the_rest),
        cmocka_unit_test(test_names_are_cut),
        cmocka_unit_test(test_what_is_no_such_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
