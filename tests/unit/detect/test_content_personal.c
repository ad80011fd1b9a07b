/* content.personal: floors, the line between them, and what the reason says. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

static bool ask_count(uint64_t emails, double error, uint64_t gap, struct finding *finding)
{
    static struct destination d = {.role = ROLE_SERVED, .name = "203.0.113.0/24"};
    struct detect_config config = detect_config_default();
    struct subject subject = {.kind = SUBJECT_CONTENT,
                              .config = &config,
                              .destination = &d,
                              .emails = emails,
                              .emails_error = error,
                              .inspected_bytes = 2000000,
                              .gap_bytes = gap};
    return ask("content.personal", &subject, finding);
}

/* 60 + 25·(log10 n − 2) to 1,000, 85 + 15·(log10 n − 3) beyond, rounded down. */
static void floors(void **state)
{
    static const struct {
        uint64_t emails;
        int score;
        enum urgency urgency;
    } expected[] = {{100, 60, URGENCY_SHIFT},  {200, 67, URGENCY_SHIFT}, {316, 72, URGENCY_SHIFT},
                    {999, 84, URGENCY_SHIFT},  {1000, 85, URGENCY_NOW},  {3163, 92, URGENCY_NOW},
                    {10000, 100, URGENCY_NOW}, {76104, 100, URGENCY_NOW}};
    struct finding finding;
    (void)state;
    assert_false(ask_count(0, 0, 0, &finding));
    assert_false(ask_count(99, 0, 0, &finding));
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_true(ask_count(expected[i].emails, 0, 0, &finding));
        assert_int_equal(finding.score, expected[i].score);
        assert_int_equal(finding.urgency, expected[i].urgency);
        assert_true(finding.evidence == (double)expected[i].emails);
        assert_true(finding.p == 0 && finding.needs == 100);
        assert_string_equal(finding.needs_unit, "address");
    }
}

static void says_count_and_error(void **state)
{
    struct finding finding;
    (void)state;
    assert_true(ask_count(76104, 0, 0, &finding));
    assert_int_equal(finding.reason_count, 1);
    assert_string_equal(finding.reason[0].text,
                        "76,104 e-mail addresses (exact) left for 203.0.113.0/24");
    assert_string_equal(finding.reason[0].unit, "address");
    assert_true(finding.reason[0].observed == 76104 && finding.reason[0].weight == 1);
    assert_true(ask_count(1234567, 0.008125, 1400000, &finding));
    assert_string_equal(finding.reason[0].text,
                        "1,234,567 e-mail addresses (\302\2610.8 %) left for 203.0.113.0/24; "
                        "1.4 MB of it were not seen");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floors),
        cmocka_unit_test(says_count_and_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
