/* Two runs compared: by alerts made up here, with a fused detector's among them. */
#include "weir/base/buffer.h"
#include "weir/investigate/backtest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define INCIDENT "0123456789abcdef0123456789abcdef"

static struct calendar *calendar;

static int open_calendar(void **state)
{
    struct calendar_config config = {.timezone = "Asia/Tokyo", .work_start = 8, .work_end = 18};
    struct error error = {0};
    (void)state;
    calendar = calendar_new(&config, &error);
    return calendar ? 0 : -1;
}

static int close_calendar(void **state)
{
    (void)state;
    calendar_free(calendar);
    return 0;
}

static void tell(struct backtest *b, enum backtest_side side, unsigned number, const char *rule,
                 const char *time, const char *state, int score)
{
    char *line = xasprintf(
        "{\"@timestamp\":\"%s\",\"event\":{\"kind\":\"alert\",\"id\":\"%032x\"},\"rule\":{\"id\":"
        "\"%s\"},\"source\":{\"ip\":\"10.1.0.4\"},\"destination\":{\"domain\":\"example.jp\"},"
        "\"weir\":{\"score\":%d,\"urgency\":\"shift\",\"incident\":\"" INCIDENT
        "\",\"state\":\"%s\",\"reasons\":[{\"text\":\"much\"}]}}",
        time, number, rule, score, state);
    backtest_line(b, side, calendar, line, strlen(line));
    free(line);
}

static void *compared(struct backtest *b)
{
    backtest_compare(b);
    char *text = backtest_json(b);
    struct json_value *root = json_parse(text, strlen(text), NULL);
    free(text);
    assert_non_null(root);
    return root;
}

static void whole_is(const struct json_value *root, const char *path, int64_t expected)
{
    int64_t value = -1;
    if (!json_whole(json_find(root, path), &value) || value != expected)
        fail_msg("%s: %lld, expected %lld", path, (long long)value, (long long)expected);
}

static void text_is(const struct json_value *root, const char *path, const char *expected)
{
    const char *text = json_text(json_find(root, path));
    assert_non_null(text);
    assert_string_equal(text, expected);
}

static void test_gained_lost_changed(void **state)
{
    struct backtest *b = backtest_new(NULL, NULL);
    (void)state;
    tell(b, BACKTEST_NOW, 1, "volume.host", "2026-03-02T01:00:00.000Z", "open", 60);
    tell(b, BACKTEST_PROPOSED, 1, "volume.host", "2026-03-02T01:30:00.000Z", "open", 70);
    tell(b, BACKTEST_NOW, 2, "tunnel.dns", "2026-03-02T02:00:00.000Z", "open", 60);
    tell(b, BACKTEST_PROPOSED, 3, "tunnel.dns", "2026-03-02T16:00:00.000Z", "update", 60);
    tell(b, BACKTEST_NOW, 4, "tunnel.dns", "2026-03-02T03:00:00.000Z", "open", 60);
    tell(b, BACKTEST_PROPOSED, 4, "tunnel.dns", "2026-03-02T03:00:00.000Z", "open", 60);
    tell(b, BACKTEST_PROPOSED, 5, "tunnel.dns", "2026-03-02T16:30:00.000Z", "close", 60);
    struct json_value *root = compared(b);
    whole_is(root, "now.alerts", 3);
    whole_is(root, "proposed.alerts", 3);
    assert_int_equal(json_length(json_get(root, "differences")), 3);
    text_is(root, "differences.0.change", "gained");
    text_is(root, "differences.1.change", "lost");
    text_is(root, "differences.2.change", "changed");
    text_is(root, "differences.2.why", "score 70 instead of 60; told 30.0 min later");
    assert_int_equal(json_length(json_get(root, "days")), 2);
    text_is(root, "days.1.date", "2026-03-03"); /* 16:00 UTC is tomorrow in Tokyo */
    whole_is(root, "days.1.proposed", 1);
    json_value_free(root);
    backtest_free(b);
}

/* An incident is spent once, whoever else speaks in it and however often. */
static void test_the_budget(void **state)
{
    struct backtest *b = backtest_new(NULL, NULL);
    (void)state;
    tell(b, BACKTEST_NOW, 1, "volume.host", "2026-03-02T01:00:00.000Z", "open", 60);
    tell(b, BACKTEST_NOW, 2, "volume.host", "2026-03-03T01:00:00.000Z", "update", 60);
    tell(b, BACKTEST_PROPOSED, 3, "tunnel.dns", "2026-03-02T01:00:00.000Z", "open", 60);
    tell(b, BACKTEST_PROPOSED, 1, "volume.host", "2026-03-02T01:10:00.000Z", "update", 60);
    struct json_value *root = compared(b);
    whole_is(root, "now.budgeted_incidents", 1);
    whole_is(root, "proposed.budgeted_incidents", 1);
    whole_is(root, "days.0.budgeted_now", 1);
    whole_is(root, "days.1.budgeted_now", 1);
    json_value_free(root);
    backtest_free(b);
}

static void test_what_is_held_back(void **state)
{
    struct rule_exception exception = {
        .name = "backup", .place = "site.yaml:3:1", .reason = "nightly"};
    struct backtest *b = backtest_new(NULL, NULL);
    (void)state;
    tell(b, BACKTEST_NOW, 1, "volume.host", "2026-03-02T01:00:00.000Z", "open", 60);
    backtest_withheld(b, BACKTEST_PROPOSED, INCIDENT, "volume.host", &exception);
    backtest_withheld(b, BACKTEST_PROPOSED, INCIDENT, "volume.host", &exception);
    struct json_value *root = compared(b);
    text_is(root, "differences.0.why",
            "the proposed exception backup (site.yaml:3:1) holds it back: nightly");
    json_value_free(root);
    char *text = backtest_text(b);
    assert_non_null(strstr(text, "\nlost (1)\n"));
    free(text);
    backtest_free(b);
}

static void test_nonsense_is_counted(void **state)
{
    struct backtest *b = backtest_new(NULL, NULL);
    (void)state;
    backtest_line(b, BACKTEST_NOW, calendar, "{]", 2);
    backtest_unread(b, BACKTEST_NOW, 2);
    struct json_value *root = compared(b);
    whole_is(root, "now.records_unread", 3);
    whole_is(root, "now.alerts", 0);
    json_value_free(root);
    backtest_free(b);
}

/* What had no room on one side is not said to be the other's alone. */
static void test_beyond_the_bound(void **state)
{
    struct backtest *b = backtest_new(NULL, NULL);
    (void)state;
    for (unsigned i = 0; i <= BACKTEST_ALERTS; i++)
        tell(b, BACKTEST_NOW, i, "tunnel.dns", "2026-03-02T01:00:00.000Z", "update", 60);
    tell(b, BACKTEST_PROPOSED, BACKTEST_ALERTS, "tunnel.dns", "2026-03-02T01:00:00.000Z", "update",
         60);
    struct json_value *root = compared(b);
    whole_is(root, "now.alerts_not_compared", 1);
    size_t count = json_length(json_get(root, "differences"));
    assert_int_equal(count, BACKTEST_ALERTS); /* all of today's are lost, and none is gained */
    text_is(root, "differences.0.change", "lost");
    json_value_free(root);
    backtest_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gained_lost_changed), cmocka_unit_test(test_the_budget),
        cmocka_unit_test(test_what_is_held_back),   cmocka_unit_test(test_nonsense_is_counted),
        cmocka_unit_test(test_beyond_the_bound),
    };
    return cmocka_run_group_tests(tests, open_calendar, close_calendar);
}
