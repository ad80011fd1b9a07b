/* When connections began: the same set in any order and from any parts, its bound, its text. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "weir/baseline/starts.h"

#include <stdlib.h>
#include <string.h>

static struct buffer text_of(const struct starts *starts)
{
    struct buffer text = {0};
    starts_text(starts, &text);
    buffer_u8(&text, 0);
    return text;
}

static void expect_text(const struct starts *starts, const char *expected)
{
    struct buffer text = text_of(starts);
    assert_string_equal((const char *)text.data, expected);
    buffer_fini(&text);
}

static void expect_equal(const struct starts *a, const struct starts *b)
{
    struct buffer text = text_of(b);
    expect_text(a, (const char *)text.data);
    buffer_fini(&text);
}

static void keeps_seconds_in_order_and_sums_their_bytes(void **state)
{
    struct starts starts = {0};
    (void)state;
    expect_text(&starts, "");
    starts_add(&starts, 75, 480);
    starts_add(&starts, 12, 0);
    starts_add(&starts, 3599, 1);
    starts_add(&starts, 12, 500);
    starts_add(&starts, 3600, 9); /* of another hour */
    expect_text(&starts, ";12:500;75:480;3599:1");
    assert_true(starts_has(&starts, 75));
    assert_false(starts_has(&starts, 76));
    starts_add(&starts, 75, UINT64_MAX);
    expect_text(&starts, ";12:500;75:4294967295;3599:1");
    starts_add(&starts, 75, 1);
    assert_int_equal(starts.at[1].bytes, UINT32_MAX);
    assert_false(starts_cut(&starts));
    starts_fini(&starts);
}

/* i → a permutation of 0 … 999 */
static uint32_t shuffled(uint32_t i, uint32_t round)
{
    return (i * 37 + round * 101) % 1000;
}

static void the_earliest_are_kept_in_any_order(void **state)
{
    struct starts first = {0}, second = {0};
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        starts_add(&first, 3 * shuffled(i, 0), 10);
        starts_add(&first, 3 * shuffled(i, 5), 7);
        starts_add(&second, 3 * i, 17);
    }
    assert_int_equal(first.count, STARTS_MAX);
    assert_int_equal(first.at[STARTS_MAX - 1].second, 3 * (STARTS_MAX - 1));
    assert_true(starts_cut(&first));
    expect_equal(&first, &second);
    starts_fini(&first);
    starts_fini(&second);
}

/* Connections split over three sensors that see different ones: the sum of the parts is the whole.
 */
static void parts_add_up(void **state)
{
    struct starts whole = {0}, part[3] = {{0}}, sum = {0};
    (void)state;
    for (uint32_t i = 0; i < 2000; i++) {
        uint32_t second = shuffled(i % 1000, i / 1000), bytes = i % 91;
        starts_add(&whole, second, bytes);
        starts_add(&part[i * 7 % 3], second, bytes);
    }
    for (int p = 2; p >= 0; p--)
        for (uint16_t i = 0; i < part[p].count; i++)
            starts_add(&sum, part[p].at[i].second, part[p].at[i].bytes);
    expect_equal(&sum, &whole);
    for (int p = 0; p < 3; p++)
        starts_fini(&part[p]);
    starts_fini(&whole);
    starts_fini(&sum);
}

/* Two taps of the same traffic, each of which lost something: the larger of each. */
static void a_union_changes_nothing_twice(void **state)
{
    struct starts a = {0}, b = {0};
    (void)state;
    starts_add(&a, 10, 100);
    starts_add(&a, 30, 5);
    starts_add(&b, 10, 90);
    starts_add(&b, 20, 7);
    for (int i = 0; i < 3; i++)
        starts_union(&a, &b);
    expect_text(&a, ";10:100;20:7;30:5");
    starts_union(&b, &a);
    expect_equal(&a, &b);
    starts_fini(&a);
    starts_fini(&b);
}

static void text_is_read_back(void **state)
{
    static const char *const good[] = {"", ";0:0", ";12:500;75:480", ";3599:4294967295"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct starts starts = {0};
        assert_true(starts_parse(&starts, good[i], strlen(good[i])));
        expect_text(&starts, good[i]);
        starts_fini(&starts);
    }
}

static void other_text_is_refused(void **state)
{
    static const char *const bad[] = {" ",
                                      ";",
                                      ";1",
                                      ";1:",
                                      ";:1",
                                      "1:1",
                                      ";1:1;",
                                      ";1:1;1:2",
                                      ";2:1;1:2",
                                      ";01:1",
                                      ";1:01",
                                      ";3600:1",
                                      ";1:1 ",
                                      ";-1:1",
                                      ";1:1,2:1",
                                      ";1:4294967296",
                                      ";1:1;2",
                                      ";1:0x1;2:1",
                                      ";99999999999999999999:1"};
    struct starts starts = {0};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (starts_parse(&starts, bad[i], strlen(bad[i])))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(starts.count, 0);
        assert_null(starts.at);
    }
    assert_false(starts_parse(&starts, ";1:1\0", 5));
}

static void no_more_than_there_can_be_are_read(void **state)
{
    struct buffer text = {0};
    struct starts starts = {0};
    (void)state;
    for (unsigned i = 0; i < STARTS_MAX; i++)
        buffer_text(&text, ";%u:1", i);
    assert_true(starts_parse(&starts, (const char *)text.data, text.size));
    assert_int_equal(starts.count, STARTS_MAX);
    starts_fini(&starts);
    buffer_text(&text, ";%d:1", STARTS_MAX);
    assert_false(starts_parse(&starts, (const char *)text.data, text.size));
    buffer_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_seconds_in_order_and_sums_their_bytes),
        cmocka_unit_test(the_earliest_are_kept_in_any_order),
        cmocka_unit_test(parts_add_up),
        cmocka_unit_test(a_union_changes_nothing_twice),
        cmocka_unit_test(text_is_read_back),
        cmocka_unit_test(other_text_is_refused),
        cmocka_unit_test(no_more_than_there_can_be_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
