/* The coverage when it is full: what has no room is counted, and that is grave. */
#include "../../../sensor/investigate/report_local.h"
#include "weir/base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* How many facts there were room for, of a report that has `full` already. */
static struct report *covered(size_t full)
{
    struct report *report = xcalloc(1, sizeof *report);
    report->question.since.ns = INT64_MIN;
    report->question.until.ns = INT64_MAX;
    report->beat.ns = INT64_MIN;
    report->first.ns = INT64_MAX;
    report->last.ns = INT64_MIN;
    report->hosts_ready = 1;
    report->facts = full;
    report_coverage(report);
    return report;
}

static void done(struct report *report)
{
    for (size_t i = 0; i < report->facts; i++)
        for (size_t n = 0; n < REPORT_FACT; n++)
            free(report->fact[i].argument[n]);
    free(report);
}

static void test_more(void **state)
{
    (void)state;
    struct report *whole = covered(0);
    size_t facts = whole->facts;
    assert_in_range(facts, 3, REPORT_FACTS - 2);
    assert_int_equal(whole->fact[facts - 1].say, SAY_COVER_ONE_LINK);
    done(whole);

    struct report *just = covered(REPORT_FACTS - 1 - facts);
    assert_int_equal(just->facts_more, 0);
    assert_int_equal(just->fact[just->facts - 1].say, SAY_COVER_ONE_LINK);
    done(just);

    struct report *full = covered(REPORT_FACTS - facts + 1);
    const struct report_fact *last = &full->fact[REPORT_FACTS - 1];
    assert_int_equal(full->facts, REPORT_FACTS);
    assert_int_equal(full->facts_more, 2);
    assert_int_equal(last->say, SAY_COVER_MORE);
    assert_true(last->grave);
    assert_string_equal(last->argument[0], "2");
    done(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_more)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
