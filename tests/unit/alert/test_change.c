/* Change windows: what they are told of, that they hide nothing, how they end, and that the journal
 * brings them back. */
#include "noise_case.h"

#define OPEN "{\"reason\":\"r\",\"ticket\":\"T-1\",\"for_s\":60,\"scope\":{\"zone\":\"control\"}}"

static struct alert zoned_alert(int64_t after_ns)
{
    struct alert alert = case_alert();
    alert.time.ns = WALL + after_ns;
    strcpy(alert.story.zone.name, "control");
    return alert;
}

static bool is_tagged(const struct noise *noise, const struct alert *alert)
{
    struct alert_noise found;
    bool said = noise_of_alert(noise, alert, &found);
    assert_null(found.silence);
    assert_int_equal(said, found.change != NULL);
    return found.change != NULL;
}

static void test_tagged(void **state)
{
    struct noise *noise = noise_new();
    char id[NOISE_ID];
    (void)state;
    assert_int_equal(obey(noise, NOISE_ADD, NULL, OPEN), ERROR_NONE);
    assert_string_equal(noise_silence_id(&noise->silence[0], id), "chg-1");
    static const struct {
        int64_t after_ns;
        bool tagged;
    } row[] = {{-1, false}, {0, true}, {60 * NS_PER_S - 1, true}, {60 * NS_PER_S, false}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct alert alert = zoned_alert(row[i].after_ns);
        assert_int_equal(is_tagged(noise, &alert), row[i].tagged);
    }
    struct alert alert = zoned_alert(0);
    strcpy(alert.story.zone.name, "office");
    strcpy(alert.story.border.name, "office");
    strcpy(alert.story.border.to, "control"); /* what other rows told of the story */
    assert_false(is_tagged(noise, &alert));
    struct detector border = *alert.finding.detector;
    border.kind = SUBJECT_ZONE;
    alert.finding.detector = &border; /* then an end is enough */
    assert_true(is_tagged(noise, &alert));
    alert.state = INCIDENT_CLOSE; /* a close is told in it, too */
    alert.aloud = true;
    assert_true(is_tagged(noise, &alert));
    noise_free(noise);
}

static void test_refused(void **state)
{
    struct noise *noise = noise_new();
    (void)state;
    assert_int_equal(
        obey(noise, NOISE_ADD, NULL,
             "{\"reason\":\"r\",\"ticket\":\"T\",\"for_s\":60,\"scope\":{\"rule\":\"x\"}}"),
        ERROR_USAGE);
    assert_int_equal(obey(noise, NOISE_REMOVE, "chg-1", ""), ERROR_INPUT);
    noise_free(noise);
}

/* Of a zone, an interval that touches it. */
static void test_open_in(void **state)
{
    struct noise *noise = noise_new();
    (void)state;
    obey(noise, NOISE_ADD, NULL, OPEN);
    const struct ptime before = {WALL - 1}, begin = {WALL}, end = {WALL + 60 * NS_PER_S},
                       after = {WALL + 61 * NS_PER_S};
    assert_false(noise_in_change(noise, "control", before, begin));
    assert_true(noise_in_change(noise, "control", before, end));
    assert_true(noise_in_change(noise, "control", begin, after));
    assert_false(noise_in_change(noise, "control", end, after));
    assert_false(noise_in_change(noise, "office", before, after));
    noise_free(noise);
}

/* A window that was opened, told of, ended early; then what an end that was refused leaves. */
static void test_again(void **state)
{
    struct noise *noise = noise_new(), *again = noise_new();
    struct alert alert = zoned_alert(5);
    struct alert_noise found;
    struct json *json = json_new();
    (void)state;
    assert_int_equal(obey(noise, NOISE_ADD, NULL, OPEN), ERROR_NONE);
    assert_non_null(strstr(last.audit, "\"change.open\""));
    for (int twice = 0; twice < 2; twice++)
        noise_again(again, last.audit, strlen(last.audit));
    assert_true(noise_of_alert(noise, &alert, &found));
    alert.noise = &found;
    char *line = alert_line(json, &alert);
    assert_non_null(
        strstr(line, "\"change\":{\"id\":\"chg-1\",\"ticket\":\"T-1\",\"zone\":\"control\""));
    noise_count(noise, &alert, &found);
    noise_again(again, line, strlen(line));
    assert_int_equal(again->silence[0].alerts, 1);
    assert_int_equal(again->silence[0].out_bytes, 5000);
    struct ptime expires = noise->silence[0].expires;
    struct noise *book = noise_copy(noise);
    assert_int_equal(obey(noise, NOISE_REMOVE, "chg-1", ""), ERROR_NONE);
    assert_int_equal(noise->silence_count, 1); /* listed on */
    assert_int_equal(noise->silence[0].expires.ns, WALL);
    noise_again(again, last.audit, strlen(last.audit));
    assert_int_equal(again->silence[0].expires.ns, WALL);
    struct noise_order asked = order(NOISE_REMOVE, "chg-1", "");
    char *refused = noise_refused(book, &asked);
    noise_again(again, refused, strlen(refused));
    assert_int_equal(again->silence[0].expires.ns, expires.ns);
    char *text = noise_text(noise);
    struct noise *parsed = noise_parse(text, strlen(text), NULL);
    assert_non_null(parsed);
    assert_string_equal(parsed->silence[0].ticket, "T-1");
    assert_string_equal(parsed->silence[0].scope.zone, "control");
    free(text);
    free(refused);
    free(line);
    json_free(json);
    noise_free(parsed);
    noise_free(book);
    noise_free(noise);
    noise_free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_tagged, tear_down),
        cmocka_unit_test_teardown(test_refused, tear_down),
        cmocka_unit_test_teardown(test_open_in, tear_down),
        cmocka_unit_test_teardown(test_again, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
