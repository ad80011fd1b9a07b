/* Deadlines: what a policy file may say, each mistake by its place, and when a duty is due over the
 * ends of months and a change of summer time. */
#include "weir/investigate/clocks.h"

#include "weir/base/buffer.h"
#include "weir/base/calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "name: X\nsource: s\nauthority: a\nduties:\n"
#define DUTY "  - what: w\n    article: Art. 1\n    within: "

static void zone(const char *name)
{
    const struct calendar_config config = {.timezone = name, .work_end = 18};
    calendar_free(calendar_new(&config, NULL));
}

static struct ptime moment(const char *iso)
{
    struct ptime time;
    assert_true(ptime_of_iso(iso, &time));
    return time;
}

static void assert_due(const char *duty, const char *aware, const char *from, const char *until)
{
    struct clocks *clocks = xcalloc(1, sizeof *clocks);
    struct error error = {0};
    char *text = xasprintf("%s%s", HEAD, duty), iso[40];
    if (clocks_parse(clocks, "x.yaml", text, strlen(text), &error) != 0)
        fail_msg("%s", error.message);
    size_t last = clocks->clock[0].duties - 1;
    assert_string_equal(
        ptime_iso(clock_due(&clocks->clock[0], last, moment(aware), false), iso, sizeof iso), from);
    assert_string_equal(
        ptime_iso(clock_due(&clocks->clock[0], last, moment(aware), true), iso, sizeof iso), until);
    clocks_fini(clocks);
    free(clocks);
    free(text);
}

static void test_due(void **state)
{
    (void)state;
    zone("Asia/Tokyo");
    assert_due(DUTY "72 h\n", "2026-03-02T00:00Z", "2026-03-05T00:00:00.000Z",
               "2026-03-05T00:00:00.000Z");
    assert_due(DUTY "30 d\n", "2026-03-02T00:00Z", "2026-04-01T00:00:00.000Z",
               "2026-04-01T00:00:00.000Z");
    /* Day 1 is 2 March in Japan, which ends 15:00 UTC. */
    assert_due(DUTY "3-5 d\n    days: inclusive\n", "2026-03-02T00:00Z", "2026-03-04T14:59:59.000Z",
               "2026-03-06T14:59:59.000Z");
    assert_due(DUTY "60 d\n    days: inclusive\n", "2026-03-01T16:00Z", "2026-04-30T14:59:59.000Z",
               "2026-04-30T14:59:59.000Z");
}

static void test_months(void **state)
{
    (void)state;
    zone("UTC");
    assert_due(DUTY "1 month\n", "2026-03-02T09:30Z", "2026-04-02T09:30:00.000Z",
               "2026-04-02T09:30:00.000Z");
    assert_due(DUTY "1 month\n", "2026-01-31T09:30Z", "2026-02-28T09:30:00.000Z",
               "2026-02-28T09:30:00.000Z");
    assert_due(DUTY "1 month\n", "2027-12-31T23:00Z", "2028-01-31T23:00:00.000Z",
               "2028-01-31T23:00:00.000Z");
    assert_due(DUTY "2 months\n", "2027-12-31T23:00Z", "2028-02-29T23:00:00.000Z",
               "2028-02-29T23:00:00.000Z");
    zone("Europe/Berlin"); /* 29 March is an hour shorter: 72 hours are 72 hours, days are days */
    assert_due(DUTY "72 h\n", "2026-03-27T09:00Z", "2026-03-30T09:00:00.000Z",
               "2026-03-30T09:00:00.000Z");
    assert_due(DUTY "3 d\n", "2026-03-27T09:00Z", "2026-03-30T08:00:00.000Z",
               "2026-03-30T08:00:00.000Z");
}

static void test_from_another(void **state)
{
    (void)state;
    zone("UTC");
    assert_due("  - id: b\n    what: w\n    article: x\n    within: 72 h\n" DUTY
               "1 month\n    from: b\n",
               "2026-01-28T12:00Z", "2026-02-28T12:00:00.000Z", "2026-02-28T12:00:00.000Z");
}

static void assert_wrong(const char *text, const char *message)
{
    struct clocks *clocks = xcalloc(1, sizeof *clocks);
    struct error error = {0};
    assert_int_equal(clocks_parse(clocks, "x.yaml", text, strlen(text), &error), -1);
    assert_int_equal(error.code, ERROR_USAGE);
    assert_int_equal(clocks->count, 0);
    if (strncmp(error.message, message, strlen(message)) != 0)
        fail_msg("\"%s\", expected \"%s\"", error.message, message);
    clocks_fini(clocks);
    free(clocks);
}

static void test_mistakes(void **state)
{
    (void)state;
    assert_wrong(HEAD DUTY "soon\n", "x.yaml:7:13: within: \"soon\", expected N h");
    assert_wrong(HEAD DUTY "5-3 d\n", "x.yaml:7:13: within: \"5-3 d\"");
    assert_wrong(HEAD DUTY "0 h\n", "x.yaml:7:13: within: \"0 h\"");
    assert_wrong(HEAD DUTY "72 hx\n", "x.yaml:7:13: within: \"72 hx\"");
    assert_wrong(HEAD DUTY "99999 d\n", "x.yaml:7:13: within: \"99999 d\"");
    assert_wrong(HEAD DUTY "3 h\n    from: nowhere\n", "x.yaml:8:11: from: expected awareness");
    assert_wrong(HEAD DUTY "3 h\n    days: inclusive\n", "x.yaml:5:5: days: inclusive is for days");
    assert_wrong(HEAD DUTY "3 h\n    when: x\n", "x.yaml:8:11: when: unknown key");
    assert_wrong(HEAD "  - what: w\n    within: 3 h\n", "x.yaml:5:5: a duty needs");
    assert_wrong("name: X\nduties: 3\n", "x.yaml:2:9: duties: expected a list");
    assert_wrong("name: X\nsource: {de: s}\n", "x.yaml:2:14: source: expected a text");
    assert_wrong("name: X\n", "x.yaml:1:1: a clock needs name");
    assert_wrong("[1]\n", "x.yaml:1:1: expected name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_due), cmocka_unit_test(test_months),
                                       cmocka_unit_test(test_from_another),
                                       cmocka_unit_test(test_mistakes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
