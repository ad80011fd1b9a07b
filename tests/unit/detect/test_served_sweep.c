/* served.sweep: where it begins to speak, its score, and what it says. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "make.h"

static struct detect_config config;
static struct destination destination = {.role = ROLE_SERVED, .name = "203.0.113.0/24"};

static bool ask_sweep(const struct sweep *sweep, struct finding *finding)
{
    struct subject subject = {
        .kind = SUBJECT_SWEEP, .config = &config, .destination = &destination, .sweep = sweep};
    return ask("served.sweep", &subject, finding);
}

/* Beside five others, of whom none has more than one account. */
static struct sweep accounts(uint64_t today)
{
    return (struct sweep){.accounts = {.today = today, .other_most = 1, .others = 5}};
}

/* From 5 on, 65 + 15·log10(accounts / 5), rounded down. */
static void accounts_from_five(void **state)
{
    static const struct {
        uint64_t accounts;
        int score;
    } expected[] = {{5, 65}, {10, 69}, {50, 80}, {108, 85}, {500, 95}, {4096, 100}};
    struct sweep sweep = accounts(4);
    struct finding finding;
    (void)state;
    assert_false(ask_sweep(&sweep, &finding));
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        sweep = accounts(expected[i].accounts);
        assert_true(ask_sweep(&sweep, &finding));
        assert_int_equal(finding.score, expected[i].score);
        assert_true(finding.needs == 5 && finding.p == 0 && finding.reason_count == 1);
        assert_string_equal(finding.needs_unit, "account");
    }
    assert_int_equal(finding.urgency, URGENCY_NOW);
    sweep = accounts(8);
    sweep.refused = 2;
    assert_true(ask_sweep(&sweep, &finding));
    assert_string_equal(finding.reason[0].code, "served.sweep.accounts");
    assert_string_equal(
        finding.reason[0].text,
        "8 accounts were named and let in from 203.0.113.0/24 in a day, at most 1 by any of 5 "
        "other client networks; 2 were refused");
    assert_true(finding.reason[0].observed == 8 && finding.reason[0].expected[1] == 1);
}

/* Three times what anybody else did, and what it did itself on another day. */
static void accounts_beside_others(void **state)
{
    struct sweep sweep = accounts(11);
    struct finding finding;
    (void)state;
    sweep.accounts.other_most = 4;
    assert_false(ask_sweep(&sweep, &finding));
    sweep.accounts.today = 12;
    assert_true(ask_sweep(&sweep, &finding));
    assert_true(finding.needs == 12 && finding.score == 65);
    sweep.accounts.own_most = 5; /* an office that is known */
    assert_false(ask_sweep(&sweep, &finding));
    sweep.accounts.today = 15;
    assert_true(ask_sweep(&sweep, &finding));
}

/* Four others are no measure: 20, and still three times what they did. */
static void accounts_without_others(void **state)
{
    struct sweep sweep = accounts(19);
    struct finding finding;
    (void)state;
    sweep.accounts.others = 4;
    assert_false(ask_sweep(&sweep, &finding));
    sweep.accounts.today = 20;
    assert_true(ask_sweep(&sweep, &finding));
    assert_int_equal(finding.score, 65);
    sweep.accounts.other_most = 7;
    assert_false(ask_sweep(&sweep, &finding));
    sweep = (struct sweep){.accounts = {.today = 20}};
    assert_true(ask_sweep(&sweep, &finding));
    assert_string_equal(finding.reason[0].text,
                        "20 accounts were named and let in from 203.0.113.0/24 in a day");
}

static void refused_ones_alone_are_none(void **state)
{
    struct sweep sweep = {.accounts = {.others = 100}, .refused = 4096};
    struct finding finding;
    (void)state;
    assert_false(ask_sweep(&sweep, &finding));
}

/* Twenty, three times what others read, and never without others. */
static void projects(void **state)
{
    struct sweep sweep = {.projects = {.today = 19, .other_most = 2, .others = 5}};
    struct finding finding;
    (void)state;
    assert_false(ask_sweep(&sweep, &finding));
    sweep.projects.today = 20;
    assert_true(ask_sweep(&sweep, &finding));
    assert_string_equal(finding.reason[0].code, "served.sweep.projects");
    assert_string_equal(finding.needs_unit, "project");
    assert_true(finding.score == 65 && finding.needs == 20 && finding.reason_count == 1);
    sweep.projects.other_most = 7;
    assert_false(ask_sweep(&sweep, &finding));
    sweep.projects = (struct sweep_count){.today = 4096, .other_most = 1, .others = 4};
    assert_false(ask_sweep(&sweep, &finding));
}

/* What exceeds its bar most leads; the other stands beside it, where it is many. */
static void both(void **state)
{
    struct sweep sweep = accounts(10);
    struct finding finding;
    (void)state;
    sweep.projects = (struct sweep_count){.today = 200, .other_most = 1, .others = 5};
    assert_true(ask_sweep(&sweep, &finding));
    assert_true(finding.evidence == 10 && finding.score == 80 && finding.needs == 20);
    assert_int_equal(finding.reason_count, 2);
    assert_true(finding.reason[0].weight == .5 && finding.reason[1].weight == .5);
    sweep.projects.today = 19;
    assert_true(ask_sweep(&sweep, &finding));
    assert_true(finding.evidence == 2 && finding.reason_count == 1);
    sweep = accounts(2);
    sweep.projects = (struct sweep_count){.today = 30, .other_most = 1, .others = 5};
    assert_true(ask_sweep(&sweep, &finding));
    assert_string_equal(finding.reason[0].code, "served.sweep.projects");
    assert_string_equal(finding.reason[1].code, "served.sweep.accounts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_from_five),          cmocka_unit_test(accounts_beside_others),
        cmocka_unit_test(accounts_without_others),     cmocka_unit_test(projects),
        cmocka_unit_test(refused_ones_alone_are_none), cmocka_unit_test(both),
    };
    config = detect_config_default();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
