/* What workers count of their own sight: adding, differences, and the bounded table of kinds. */
#include "weir/record/record.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void test_kinds_are_bounded_and_none_is_lost(void **state)
{
    struct health health = {0};
    struct health_kind kind[HEALTH_KINDS];
    uint64_t packets = 0;
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        health_count(&health, HEALTH_UNREAD, (uint16_t)(0x9000 + i), i + 1);
    health_count(&health, HEALTH_LINK, 0x9000, 5);
    assert_int_equal(health_kinds(&health, kind), HEALTH_KINDS);
    for (size_t i = 0; i < HEALTH_KINDS; i++) {
        packets += kind[i].packets;
        assert_true(i == 0 || kind[i].packets <= kind[i - 1].packets);
    }
    assert_int_equal(packets + health.kinds_more, 5050 + 5);
    assert_int_equal(kind[0].value, 0x9000 + HEALTH_KINDS - 1);
}

static void test_sums_and_maxima(void **state)
{
    struct health a = {.packets = 10, .largest_step_back_ns = 7}, b = {.packets = 3};
    struct health sum = {0};
    (void)state;
    health_count(&a, HEALTH_SKIPPED, 0x0806, 4);
    health_count(&b, HEALTH_UNREAD, 0x88e5, 2);
    health_count(&b, HEALTH_SKIPPED, 0x0806, 1);
    b.largest_step_back_ns = 9;
    health_add(&sum, &a);
    health_add(&sum, &b);
    assert_int_equal(sum.packets, 13);
    assert_int_equal(sum.largest_step_back_ns, 9);
    assert_int_equal(sum.kind[0].packets, 5);
    assert_int_equal(sum.kind[1].packets, 2);
    struct health grew = health_difference(&sum, &a);
    assert_int_equal(grew.packets, 3);
    assert_int_equal(grew.largest_step_back_ns, 9);
    assert_int_equal(grew.kind[0].what, HEALTH_SKIPPED);
    assert_int_equal(grew.kind[0].packets, 1);
    assert_int_equal(grew.kind[1].value, 0x88e5);
    struct health none = health_difference(&a, &sum); /* nothing is less than it was */
    assert_int_equal(none.packets, 0);
    assert_int_equal(none.largest_step_back_ns, 0);
    assert_int_equal(none.kind[0].what, HEALTH_NOTHING);
}

static void test_text(void **state)
{
    char text[HEALTH_KIND_TEXT];
    (void)state;
    assert_string_equal(
        health_kind_text(&(struct health_kind){.what = HEALTH_UNREAD, .value = 0x88e5}, text),
        "EtherType 0x88e5 (MACsec)");
    assert_string_equal(
        health_kind_text(&(struct health_kind){.what = HEALTH_UNREAD, .value = 0x9999}, text),
        "EtherType 0x9999");
    assert_string_equal(
        health_kind_text(&(struct health_kind){.what = HEALTH_LINK, .value = 105}, text),
        "link type 105");
}

static void test_a_record_of_nonsense_is_refused(void **state)
{
    struct record_health record = {.header = {sizeof record, RECORD_HEALTH, RECORD_VERSION, 1, 0}};
    (void)state;
    assert_int_equal(record_validate(&record, sizeof record), RECORD_OK);
    health_count(&record.total, HEALTH_LINK, 1, 2);
    assert_int_equal(record_validate(&record, sizeof record), RECORD_OK);
    record.total.kind[2] = record.total.kind[0]; /* behind a free place */
    assert_int_equal(record_validate(&record, sizeof record), RECORD_RANGE);
    record.total.kind[2].what = HEALTH_NOTHING;
    record.total.kind[1].what = HEALTH_WHATS;
    assert_int_equal(record_validate(&record, sizeof record), RECORD_RANGE);
    assert_int_equal(record_validate(&record, sizeof record - 8), RECORD_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_are_bounded_and_none_is_lost),
        cmocka_unit_test(test_sums_and_maxima),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_a_record_of_nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
