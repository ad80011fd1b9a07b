/* Moments as people type them. */
#include "../../../sensor/command/moment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define NOW INT64_C(1772414047201000000) /* 2026-03-02 01:14:07.201 UTC */

static void test_moments(void **state)
{
    static const struct {
        const char *text;
        int64_t ns;
    } row[] = {
        {"0s", NOW},
        {"90s", NOW - 90 * NS_PER_S},
        {"15m", NOW - 900 * NS_PER_S},
        {"15min", NOW - 900 * NS_PER_S},
        {"8h", NOW - 28800 * NS_PER_S},
        {"2d", NOW - 172800 * NS_PER_S},
        {"1w", NOW - 604800 * NS_PER_S},
        {"2026-03-02T01:14:07Z", INT64_C(1772414047000000000)},
        {"2026-03-02T01:14:07.201Z", NOW},
        {"2026-03-02T01:14Z", INT64_C(1772414040000000000)},
        {"2026-03-02Z", INT64_C(1772409600000000000)},
        {"2026-03-02T10:14:07", INT64_C(1772414047000000000)}, /* in Tokyo */
        {"2026-03-02T10:14", INT64_C(1772414040000000000)},
        {"2026-03-02", INT64_C(1772377200000000000)},
    };
    (void)state;
    setenv("TZ", "Asia/Tokyo", 1);
    tzset();
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct error error = {0};
        struct ptime moment;
        if (moment_read(row[i].text, (struct ptime){NOW}, "--since", &moment, &error) != 0)
            fail_msg("%s", error.message);
        assert_int_equal(moment.ns, row[i].ns);
    }
}

/* By the site's clock, over its change of time too. */
static void test_change_of_time(void **state)
{
    (void)state;
    static const struct {
        const char *text, *utc;
    } row[] = {{"2026-03-02T01:14:07Z", "2026-03-02T01:14:07.000Z"},
               {"2026-03-02T01:14", "2026-03-02T00:14:00.000Z"},
               {"2026-03-02", "2026-03-01T23:00:00.000Z"},
               {"2026-07-02", "2026-07-01T22:00:00.000Z"}};
    struct ptime time;
    char text[32];
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        assert_true(moment_time(row[i].text, &time));
        assert_string_equal(ptime_iso(time, text, sizeof text), row[i].utc);
    }
    assert_false(moment_time("8h", &time));
}

static void test_mistakes(void **state)
{
    static const char *const row[] = {
        "",
        "8",
        "h",
        "-8h",
        "8hours",
        "8 h",
        " 8h",
        "+8h",
        "8mi",
        "1.5h",
        "2026-02-30",
        "99999999w",
        "99999999999999999999s",
        "yesterday",
        "2026-13-02",
        "2026-03-02T",
        "2026-03-02T01",
        "01:14",
        "2026-03-02 01:14",
        "2026-03-02T01:14:07+09:00",
        "0001-01-01",
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct error error = {0};
        struct ptime moment;
        if (moment_read(row[i], (struct ptime){NOW}, "--since", &moment, &error) == 0)
            fail_msg("\"%s\" was taken", row[i]);
        assert_int_equal(error.code, ERROR_USAGE);
        assert_non_null(strstr(error.message, "--since"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_change_of_time),
        cmocka_unit_test(test_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
