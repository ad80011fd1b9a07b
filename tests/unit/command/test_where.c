/* Conditions over records: what holds, and what is said of a mistake. */
#include "../../../sensor/command/where.h"

#include "weir/base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char record[] =
    "{\"@timestamp\":\"2026-03-02T01:14:07.201Z\",\"event\":{\"kind\":\"alert\",\"severity\":72,"
    "\"category\":[\"network\",\"session\"]},\"source\":{\"ip\":\"10.4.0.9\"},"
    "\"destination\":{\"ip\":\"2001:db8::7\",\"domain\":\"files.example.jp\"},"
    "\"weir\":{\"score\":72,\"share\":0.25,\"large\":9007199254740993,\"wakes\":true,"
    "\"tags\":[],\"incident\":\"a \\\"b\\\" \\\\c\","
    "\"reasons\":[{\"code\":\"volume.host\",\"weight\":0.75},{\"code\":\"timing.beacon\","
    "\"weight\":0.25}]}}";

static void test_what_holds(void **state)
{
    static const struct {
        const char *text;
        bool holds;
    } row[] = {
        {"event.severity = 72", true},
        {"event.severity=72", true},
        {"event.severity != 72", false},
        {"event.severity > 71 and event.severity < 73", true},
        {"event.severity >= 72.0 and event.severity <= 72.0", true},
        {"event.severity > 72", false},
        {"event.severity >= 72.5", false},
        {"event.severity = 7", false},
        {"weir.share = 0.25", true},
        {"weir.share < 0.3", true},
        {"weir.large = 9007199254740993", true}, /* whole numbers are exact */
        {"weir.large = 9007199254740992", false},
        {"weir.wakes = true", true},
        {"weir.wakes = false", false},
        {"weir.wakes != false", true},
        {"event.kind = alert", true},
        {"event.kind = \"alert\"", true},
        {"event.kind = Alert", false},
        {"event.kind in (metric, alert)", true},
        {"event.kind not in (metric, event)", true},
        {"event.kind not in (metric, alert)", false},
        {"event.severity = \"72\"", false}, /* in quotes it is text */
        {"event.kind < b", true},
        {"@timestamp >= 2026-03-02", true},
        {"@timestamp >= 2026-03-03", false},
        /* addresses */
        {"source.ip = 10.4.0.9", true},
        {"source.ip in 10.0.0.0/8", true},
        {"source.ip in 10.5.0.0/16", false},
        {"source.ip in (192.0.2.0/24, 10.4.0.0/24)", true},
        {"source.ip not in 10.0.0.0/8", false},
        {"source.ip != 10.4.0.10", true},
        {"destination.ip = 2001:db8:0:0::7", true},
        {"destination.ip in 2001:db8::/32", true},
        {"destination.ip in 10.0.0.0/8", false},
        {"source.ip = \"10.0.0.0/8\"", false},
        /* lists, on the way and at the end */
        {"event.category = session", true},
        {"event.category = host", false},
        {"event.category != host", true},
        {"event.category != network", false}, /* one of them is */
        {"weir.reasons.code = timing.beacon", true},
        {"weir.reasons.code startswith volume.", true},
        {"weir.reasons.weight > 0.7", true},
        {"weir.reasons.weight > 0.8", false},
        {"weir.tags exists", true},
        {"weir.tags = x", false},
        /* parts */
        {"destination.domain under example.jp", true},
        {"destination.domain under files.example.jp", true},
        {"destination.domain under ample.jp", false},
        {"destination.domain endswith ample.jp", true},
        {"destination.domain contains (nothing, example)", true},
        {"destination.domain startswith (x, y)", false},
        {"event.severity contains 7", false}, /* a number has no parts */
        {"weir.incident = \"a \\\"b\\\" \\\\c\"", true},
        /* what is missing */
        {"weir.silenced exists", false},
        {"not weir.silenced exists", true},
        {"weir.silenced.id = 1", false},
        {"weir.silenced.id != 1", false},
        {"weir.silenced.id not in (1)", false},
        {"not weir.silenced.id = 1", true},
        {"event.kind.deeper exists", false},
        {"event exists", true},
        {"event = alert", false},
        {"event < alert", false},
        /* what stands between */
        {"event.kind = x or event.kind = alert", true},
        {"event.kind = x and event.kind = alert or event.kind = alert", true},
        {"event.kind = x and (event.kind = alert or event.kind = alert)", false},
        {"not event.kind = x and not not event.kind = alert", true},
        {"not (event.kind = alert or event.kind = x)", false},
        {"  ( ( event.kind = alert ) )\t", true},
    };
    struct error error = {0};
    struct json_value *root = json_parse(record, sizeof record - 1, &error);
    (void)state;
    assert_non_null(root);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct where *where = where_new(row[i].text, &error);
        if (!where)
            fail_msg("%s: %s", row[i].text, error.message);
        if (where_holds(where, root) != row[i].holds)
            fail_msg("%s: expected %s", row[i].text, row[i].holds ? "true" : "false");
        where_free(where);
    }
    json_value_free(root);
}

static void test_mistakes(void **state)
{
    static const struct {
        const char *text, *said;
    } row[] = {
        {"", "column 1: it ends here, expected a field"},
        {"event.kind", "column 11: it ends here, expected = != <"},
        {"event.kind =", "column 13: it ends here, expected a value"},
        {"event.kind == alert", "column 13: found \"=\", expected a value"},
        {"event.kind is alert", "column 12: found \"is\", expected = != <"},
        {"event.kind not alert", "column 16: found \"alert\", expected in"},
        {"event.kind = alert event.id exists",
         "column 20: found \"event.id\", expected and, or or"},
        {"event.kind = alert and", "column 23: it ends here, expected a field"},
        {"and event.kind = alert", "column 1: found \"and\", expected a field"},
        {"\"event.kind\" = alert", "column 1: found a text \"event.kind\", expected a field"},
        {".kind = a", "column 1: found \".kind\", expected a field"},
        {"event..kind = a", "column 1: found \"event..kind\""},
        {"event. = a", "column 1: found \"event.\""},
        {"(event.kind = alert", "column 20: it ends here, expected and, or or \")\""},
        {"event.kind in (a, b", "column 20: it ends here, expected \",\" or \")\""},
        {"event.kind in ()", "column 16: found \")\", expected a value"},
        {"event.kind in (a b)", "column 18: found \"b\", expected \",\""},
        {"event.kind = \"alert", "column 14: a text that is not closed"},
        {"event.kind = \"alert\\", "column 14: a text that is not closed"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct error error = {0};
        assert_null(where_new(row[i].text, &error));
        assert_int_equal(error.code, ERROR_USAGE);
        if (!strstr(error.message, row[i].said))
            fail_msg("%s: \"%s\" does not say \"%s\"", row[i].text, error.message, row[i].said);
    }
}

static void expect_refused(const char *text, const char *said)
{
    struct error error = {0};
    assert_null(where_new(text, &error));
    assert_non_null(strstr(error.message, said));
}

static char *repeat(const char *first, const char *again, size_t times)
{
    struct buffer text = {0};
    buffer_text(&text, "%s", first);
    for (size_t i = 0; i < times; i++)
        buffer_text(&text, "%s", again);
    buffer_u8(&text, 0);
    return (char *)text.data;
}

static void test_bounds(void **state)
{
    (void)state;
    char *text = repeat("a exists", " or a exists", 600);
    expect_refused(text, "more than 512 parts");
    free(text);
    text = repeat("a in (1", ",1", 600);
    expect_refused(text, "more than 512 parts");
    free(text);
    text = repeat("", "(", 33);
    expect_refused(text, "column 33: more than 32 deep");
    free(text);
    text = repeat("", "not ", 33);
    expect_refused(text, "more than 32 deep");
    free(text);
    text = repeat("a = b", " ", 8192);
    expect_refused(text, "longer than 8192 bytes");
    free(text);
    text = repeat("", "not ", 32); /* 32 are allowed: then a field is missing */
    expect_refused(text, "expected a field");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_holds),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
