/* Who saw how much, in words: as many names as there is room for, and no sensor left out. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "weir/detect/seen_by.h"

#include <string.h>

static struct finding of(const struct seen_by *seen, uint64_t counted)
{
    struct finding finding = {.reason_count = 3};
    finding_add_seen(&finding, seen, counted);
    return finding;
}

static void test_in_words(void **state)
{
    struct seen_by seen = {.sensors = 2, .rest_bytes = 1500000};
    (void)state;
    seen_add(&seen, "north", "core", 3000000);
    struct finding finding = of(&seen, 4500000);
    assert_int_equal(finding.reason_count, 4);
    assert_string_equal(finding.reason[3].code, "fleet.shares");
    assert_string_equal(finding.reason[3].text,
                        "In this hour by sensor: north 3.0 MB, 2 more 1.5 MB; counted as 4.5 MB");
    assert_int_equal(finding.seen.sensors, 3);
    seen = (struct seen_by){.count = 0};
    seen_add(&seen, "north", "core", 3000000);
    seen_add(&seen, "south", "core", 2000000);
    finding = of(&seen, 3000000);
    assert_string_equal(finding.reason[3].text,
                        "In this hour by sensor: north 3.0 MB, south 2.0 MB; counted as 3.0 MB");
}

static void test_long_names(void **state)
{
    struct seen_by seen = {.sensors = UINT64_MAX - 5, .rest_bytes = UINT64_MAX};
    char name[100];
    (void)state;
    for (int i = 0; i < SEEN_SENSORS; i++) {
        memset(name, 'a' + i, sizeof name - 1);
        name[sizeof name - 1] = '\0';
        seen_add(&seen, name, "core", UINT64_MAX);
    }
    struct finding finding = of(&seen, UINT64_MAX);
    assert_non_null(strstr(finding.reason[3].text, "; counted as 18 EB"));
    assert_non_null(strstr(finding.reason[3].text, " more 18 EB"));
    assert_int_equal(finding.seen.count, SEEN_SENSORS);
}

/* Nobody else: nothing is said. No room: not in words. */
static void test_not_said(void **state)
{
    struct seen_by seen = {.count = 0};
    (void)state;
    struct finding finding = of(&seen, 1);
    assert_int_equal(finding.reason_count, 3);
    assert_int_equal(finding.seen.count, 0);
    seen_add(&seen, "north", "core", 1);
    struct finding full = {.reason_count = FINDING_REASONS};
    finding_add_seen(&full, &seen, 1);
    assert_int_equal(full.reason_count, FINDING_REASONS);
    assert_string_equal(full.seen.share[0].sensor, "north");
}

static void test_other_direction(void **state)
{
    struct finding finding = {.reason_count = FINDING_REASONS - 1};
    (void)state;
    finding_add_half(&finding, 2, "north");
    finding_add_half(&finding, 3, "south"); /* there is no room */
    assert_int_equal(finding.reason_count, FINDING_REASONS);
    const struct reason *reason = &finding.reason[FINDING_REASONS - 1];
    assert_string_equal(reason->code, "fleet.halves");
    assert_string_equal(
        reason->text,
        "Of 2 of its flows this sensor sees one direction; the other one was seen by north");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_words),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_not_said),
        cmocka_unit_test(test_other_direction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
