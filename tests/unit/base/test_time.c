/* Times as text, against dates worked out elsewhere. */
#include "weir/base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_iso(void **state)
{
    static const struct {
        int64_t ns;
        const char *text;
    } row[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {INT64_C(1772414047201999999), "2026-03-02T01:14:07.201Z"},
        {INT64_C(951782400000000000), "2000-02-29T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {INT64_MAX, "2262-04-11T23:47:16.854Z"},
        {INT64_MIN, "1677-09-21T00:12:43.145Z"},
    };
    char text[32];
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        assert_string_equal(ptime_iso((struct ptime){row[i].ns}, text, sizeof text), row[i].text);
}

static void test_seconds(void **state)
{
    static const struct {
        int64_t ns;
        const char *text;
    } row[] = {
        {0, "0.000000000"},
        {INT64_C(1772414047201000000), "1772414047.201000000"},
        {5, "0.000000005"},
        {-1, "-0.000000001"},
        {INT64_C(-1500000000), "-1.500000000"},
        {INT64_MAX, "9223372036.854775807"},
        {INT64_MIN, "-9223372036.854775808"},
    };
    char text[32];
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        assert_string_equal(ptime_seconds((struct ptime){row[i].ns}, text, sizeof text),
                            row[i].text);
}

static void test_wall_time_grows(void **state)
{
    struct wtime before = wtime_now(), after = wtime_now();
    (void)state;
    assert_true(before.ns > 0);
    assert_true(after.ns >= before.ns);
}

static void test_read(void **state)
{
    static const struct {
        const char *text;
        int64_t ns;
    } row[] = {
        {"1970-01-01T00:00Z", 0},
        {"1970-01-01T00:00:00Z", 0},
        {"2026-03-02T01:14:07.201999999Z", INT64_C(1772414047201999999)},
        {"2026-03-02T01:14:07.2Z", INT64_C(1772414047200000000)},
        {"2000-02-29T00:00:00.000Z", INT64_C(951782400000000000)},
        {"1969-12-31T23:59:59.999Z", INT64_C(-1000000)},
    };
    static const char *const bad[] = {
        "",
        "Z",
        "2026-03-02",
        "2026-03-02T01:14",
        "2026-03-02T01:14:07",
        "2026-03-02T01:14:07+00:00",
        "2026-03-02 01:14:07Z",
        "2026-03-02T01:14:07.Z",
        "2026-03-02T01:14:07.1234567890Z",
        "2026-3-2T01:14:07Z",
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-03-02T24:00:00Z",
        "2026-03-02T01:60:00Z",
        "2026-03-02T01:14:60Z",
        "2026-03-02T-1:14:00Z",
        "2262-01-01T00:00:00Z",
        "1677-12-31T00:00:00Z",
        "2026-03-02T01:14:07ZZ",
    };
    struct ptime time;
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        if (!ptime_of_iso(row[i].text, &time))
            fail_msg("%s", row[i].text);
        assert_int_equal(time.ns, row[i].ns);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ptime_of_iso(bad[i], &time))
            fail_msg("%s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_iso),
        cmocka_unit_test(test_seconds),
        cmocka_unit_test(test_wall_time_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
