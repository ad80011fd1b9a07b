/* What `weir explain` finds in a journal, gathers, and says. */
#include "weir/investigate/explain.h"

#include "weir/alert/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ONE   "8123cac11ed351a4e425cd2a9d2496bb"
#define TWO   "8123cacf000000000000000000000000"
#define THREE "aaaaaaaa000000000000000000000000"
#define EVENT "00000000000000000000000000000001"

/* A journal in memory. */
struct journal_text {
    char *line[300];
    size_t count;
};

static void add(struct journal_text *journal, char *line)
{
    assert_true(journal->count < sizeof journal->line / sizeof *journal->line);
    journal->line[journal->count++] = line;
}

static char *alert(const char *incident, const char *id, const char *rule, int second,
                   const char *more)
{
    char *line = malloc(4096);
    snprintf(line, 4096,
             "{\"@timestamp\":\"2026-03-02T01:%02d:%02d.000Z\",\"event\":{\"kind\":\"alert\","
             "\"dataset\":\"weir.alert\",\"id\":\"%s\",\"start\":\"S\",\"end\":\"E\"},\"rule\":{"
             "\"id\":\"%s\"},\"source\":{\"ip\":\"10.0.0.1\"},\"destination\":{\"ip\":"
             "\"192.0.2.1\",\"port\":443},\"client\":{\"ip\":\"10.0.0.1\",\"port\":999},"
             "\"network\":{\"transport\":\"tcp\",\"protocol\":\"tls\"},\"weir\":{\"incident\":"
             "\"%s\",\"score\":%d,\"state\":\"update\",\"urgency\":\"shift\",\"out_bytes\":{"
             "\"value\":5000,\"low\":4000,\"high\":6000}%s}}",
             second / 60, second % 60, id, rule, incident, second % 100, more);
    return line;
}

static char *copy(const char *line)
{
    char *same = strdup(line);
    assert_non_null(same);
    return same;
}

static void read_all(const struct journal_text *journal, struct explain *explain, bool gather)
{
    for (size_t i = 0; i < journal->count; i++)
        (gather ? explain_gather : explain_seek)(explain, journal->line[i],
                                                 strlen(journal->line[i]));
}

static void free_lines(struct journal_text *journal)
{
    for (size_t i = 0; i < journal->count; i++)
        free(journal->line[i]);
}

/* NULL: not found, and why. */
static struct explain *find(const struct journal_text *journal, const char *id, struct error *error)
{
    struct explain *explain = explain_new(id, error);
    if (!explain)
        return NULL;
    read_all(journal, explain, false);
    if (explain_found(explain, error) != 0) {
        explain_free(explain);
        return NULL;
    }
    read_all(journal, explain, true);
    return explain;
}

static void expect_part(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no \"%s\" in:\n%s", part, text);
}

static void expect_refused(const struct journal_text *journal, const char *id, const char *part)
{
    struct error error = {0};
    assert_null(find(journal, id, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    expect_part(error.message, part);
}

static struct journal_text small_journal(void)
{
    struct journal_text journal = {.count = 0};
    add(&journal, alert(ONE, "00000000000000000000000000000001", "volume.host", 1, ""));
    add(&journal, alert(THREE, "00000000000000000000000000000009", "volume.host", 2, ""));
    add(&journal, copy("{\"broken"));
    add(&journal, alert(ONE, "00000000000000000000000000000002", "content.personal", 3, ""));
    add(&journal, copy("{\"event\":{\"kind\":\"metric\",\"dataset\":\"weir.heartbeat\",\"id\":"
                       "\"000000000000000000000000000000aa\"}}"));
    add(&journal, copy("{\"@timestamp\":\"2026-03-02T02:00:00.000Z\",\"event\":{\"kind\":"
                       "\"event\",\"dataset\":\"weir.audit\",\"action\":\"incident.ack\",\"id\":"
                       "\"000000000000000000000000000000ab\"},\"user\":{\"name\":\"kim\"},"
                       "\"message\":\"looking\",\"weir\":{\"audit\":{\"incident\":\"" ONE "\"}}}"));
    add(&journal, alert(ONE, "00000000000000000000000000000003", "volume.host", 4, ""));
    return journal;
}

static void test_which_id(void **state)
{
    struct journal_text journal = small_journal();
    (void)state;
    expect_refused(&journal, "", "is no id");
    expect_refused(&journal, "inc-8123c", "is no id");
    expect_refused(&journal, "inc-8123CA", "is no id");
    expect_refused(&journal, "8123cac1", "is no id");
    expect_refused(&journal, ONE "0", "is no id");
    expect_refused(&journal, "inc-bbbbbb", "inc-bbbbbb: the journal has no such");
    expect_refused(&journal, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "the journal has no such");
    expect_refused(&journal, "000000000000000000000000000000aa", "is no alert but a heartbeat");
    expect_refused(&journal, "000000000000000000000000000000ab", "but what somebody did");
    add(&journal, alert(TWO, "00000000000000000000000000000004", "volume.host", 5, ""));
    expect_refused(&journal, "inc-8123ca", "may be any of " ONE ", " TWO);
    struct explain *explain = find(&journal, "inc-8123cac1", NULL);
    assert_non_null(explain);
    explain_free(explain);
    free_lines(&journal);
}

/* An incident: the latest alert of each detector, all of its history, what people did. */
static void test_incident(void **state)
{
    struct journal_text journal = small_journal();
    struct explain *explain = find(&journal, "inc-8123ca", NULL);
    (void)state;
    char *text = explain_json(explain, NULL);
    struct json_value *root = json_parse(text, strlen(text), NULL);
    assert_string_equal(line_text(root, "incident"), ONE);
    assert_int_equal(json_length(json_get(root, "alerts")), 2);
    assert_string_equal(line_text(root, "alerts.0.record.event.id"),
                        "00000000000000000000000000000003");
    assert_string_equal(line_text(root, "alerts.1.record.rule.id"), "content.personal");
    assert_string_equal(line_text(root, "alerts.1.detector"),
                        detector_get("content.personal")->explains);
    assert_int_equal(line_whole(root, "history_total", -1), 3);
    assert_string_equal(line_text(root, "history.1.rule"), "content.personal");
    assert_string_equal(line_text(root, "people.0.user"), "kim");
    json_value_free(root);
    free(text);
    text = explain_text(explain, NULL);
    expect_part(text, "inc-8123ca  volume.host: (no name)\n");
    expect_part(text, "5.00 kB (at least 4.00 kB, at most 6.00 kB) left the inside host 10.0.0.1");
    expect_part(text, "The host opened the largest flow (tls over tcp, 10.0.0.1 port\n  999 to");
    expect_part(text, "the bytes are an estimate");
    expect_part(text, "The incident so far\n  2026-03-02T01:00:01Z  update    1  shift   "
                      "volume.host, 5.00 kB\n");
    expect_part(text, "What people did about it\n  2026-03-02T02:00:00Z  kim  incident.ack: "
                      "looking\n");
    free(text);
    explain_free(explain);
    free_lines(&journal);
}

/* One alert of it: that one alone is explained, with all of the history. */
static void test_one_alert(void **state)
{
    struct journal_text journal = small_journal();
    struct explain *explain = find(&journal, EVENT, NULL);
    (void)state;
    char *text = explain_json(explain, NULL);
    struct json_value *root = json_parse(text, strlen(text), NULL);
    assert_int_equal(json_length(json_get(root, "alerts")), 1);
    assert_string_equal(line_text(root, "alerts.0.record.event.id"), EVENT);
    assert_int_equal(line_whole(root, "history_total", -1), 3);
    json_value_free(root);
    free(text);
    explain_free(explain);
    free_lines(&journal);
}

static void test_reasons_in_words(void **state)
{
    struct journal_text journal = {.count = 0};
    (void)state;
    add(&journal,
        alert(ONE, EVENT, "my.rule", 1,
              ",\"baseline\":{\"state\":\"learning\",\"hours\":7,\"scope\":\"host\"},\"mode\":"
              "\"online\",\"reasons\":[{\"code\":\"c\",\"observed\":1200000,\"expected\":[10,5000],"
              "\"unit\":\"byte\",\"p\":0.001,\"weight\":0.75,\"samples\":1340,\"text\":\"first\"},{"
              "\"code\":\"d\",\"observed\":1,\"unit\":\"address\",\"weight\":0.25,\"text\":"
              "\"second\"}],\"would_not_fire_below\":{\"value\":2,\"unit\":\"match\"},"
              "\"name_unverified_bytes\":9,\"acknowledged\":{\"by\":\"lee\",\"at\":\"noon\"},"
              "\"judged\":{\"verdict\":\"malicious\",\"by\":\"kim\",\"at\":\"ten\"},\"linked\":[{"
              "\"incident\":\"abcdef00\",\"host\":"
              "\"10.0.0.9\"}]"));
    struct explain *explain = find(&journal, EVENT, NULL);
    char *text = explain_text(explain, NULL);
    expect_part(text, "  1. first\n     Observed 1.20 MB; expected 10 B to 5.00 kB; as much or "
                      "more on one of 1,000\n     host-days (p = 0.001); samples 1,340; 75 % of "
                      "the evidence (c).\n");
    expect_part(text, "  2. second\n     Observed 1 address; 25 % of the evidence (d).\n");
    expect_part(text, "It would not have been told below 2 matches.");
    expect_part(text, "Scope: host. 7 hours of this host are learned. It is still learning");
    expect_part(text, "9 B went under names that no DNS answer seen here bears out.");
    expect_part(text, "Acknowledged by lee at noon. Judged before: malicious, by kim at ten.\n");
    expect_part(text, "inc-abcdef (10.0.0.9)");
    expect_part(text, "my.rule is no row of this program or of the rules configured now.");
    free(text);
    explain_free(explain);
    free_lines(&journal);
}

/* A long story: the first eight and the latest are kept, the others counted. */
static void test_bounds(void **state)
{
    struct journal_text journal = {.count = 0};
    char id[40];
    (void)state;
    for (int i = 0; i < 200; i++) {
        snprintf(id, sizeof id, "%032x", i);
        char rule[32];
        snprintf(rule, sizeof rule, "rule.%d", i % 20);
        add(&journal, alert(ONE, id, rule, i, ""));
    }
    struct explain *explain = find(&journal, "inc-8123ca", NULL);
    char *text = explain_json(explain, NULL);
    struct json_value *root = json_parse(text, strlen(text), NULL);
    assert_int_equal(line_whole(root, "history_total", -1), 200);
    assert_int_equal(json_length(json_get(root, "history")), EXPLAIN_RAISES);
    snprintf(id, sizeof id, "%032x", 7);
    assert_string_equal(line_text(root, "history.7.id"), id);
    snprintf(id, sizeof id, "%032x", 200 - (EXPLAIN_RAISES - 8));
    assert_string_equal(line_text(root, "history.8.id"), id);
    snprintf(id, sizeof id, "%032x", 199);
    assert_string_equal(line_text(root, "history.63.id"), id);
    assert_int_equal(json_length(json_get(root, "alerts")), EXPLAIN_ROWS);
    assert_int_equal(line_whole(root, "alerts_more", -1), 4 * 10);
    json_value_free(root);
    free(text);
    text = explain_text(explain, NULL);
    expect_part(text, "\n  … 136 more\n");
    free(text);
    explain_free(explain);
    free_lines(&journal);
}

static void test_hostile_names(void **state)
{
    struct journal_text journal = {.count = 0};
    (void)state;
    add(&journal,
        alert(ONE, EVENT, "r", 1,
              ",\"reasons\":[{\"text\":\"\\u001b]0;x\\u0007\\n\\u202etxt\"}],\"services\":"
              "{\"\\u001b[2J\":{\"value\":-1}},\"content\":{\"a\":7},\"flows\":[1,\"x\"],"
              "\"linked\":[{}]"));
    struct explain *explain = find(&journal, EVENT, NULL);
    char *text = explain_text(explain, NULL);
    expect_part(text, "?]0;x?????txt\n");
    assert_null(strpbrk(text, "\x1b\x07"));
    free(text);
    explain_free(explain);
    free_lines(&journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_id),  cmocka_unit_test(test_incident),
        cmocka_unit_test(test_one_alert), cmocka_unit_test(test_reasons_in_words),
        cmocka_unit_test(test_bounds),    cmocka_unit_test(test_hostile_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
