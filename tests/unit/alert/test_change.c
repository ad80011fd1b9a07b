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

/* A window is a zone's that there is, and all of it. */
static void test_its_zone(void **state)
{
#define WITH(more) "{\"reason\":\"r\",\"ticket\":\"T\",\"for_s\":60,\"scope\":{\"zone\":" more "}}"
    static const char *const refused[] = {
        WITH("\"tower\""),
        WITH("\"outside\""),
        WITH("\"any\""),
        WITH("\"control\",\"rule\":\"x\""),
        WITH("\"control\",\"host\":\"10.0.0.1\""),
        WITH("\"control\",\"destination\":\"example.net\""),
        WITH("\"control\",\"service\":\"tls\""),
        WITH("\"control\",\"incident\":\"" INCIDENT "\""),
        WITH("\"control\",\"severity_below\":50"),
    };
    struct noise *noise = noise_new();
    struct zones *zones = zones_new();
    struct noise_outcome outcome;
    (void)state;
    assert_non_null(zones_add(zones, "control", NULL));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct noise_order asked = order(NOISE_ADD, NULL, refused[i]);
        struct error error = {0};
        asked.zones = zones;
        assert_int_equal(noise_obey(noise, &asked, &outcome, &error), -1);
        assert_int_equal(error.code, ERROR_USAGE);
    }
    struct noise_order asked = order(NOISE_ADD, NULL, WITH("\"control\""));
    asked.zones = zones;
    assert_int_equal(noise_obey(noise, &asked, &outcome, NULL), 0);
    noise_outcome_fini(&outcome);
    assert_int_equal(noise->silence_count, 1);
    zones_free(zones);
    noise_free(noise);
#undef WITH
}

/* An id names one of a kind: a window is not closed as a silence, nor a silence removed as one. */
static void test_exact_id(void **state)
{
    struct noise *noise = noise_new();
    (void)state;
    assert_int_equal(obey(noise, NOISE_ADD, NULL, OPEN), ERROR_NONE);
    assert_int_equal(
        obey(noise, NOISE_ADD, NULL, "{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"rule\":\"x\"}}"),
        ERROR_NONE);
    static const struct {
        const char *id, *said;
    } row[] = {{"sil-1", "sil-1: there is no such silence"},
               {"chg-2", "chg-2: there is no such change window"},
               {"chg-1x", "there is no such"},
               {"chg-", "there is no such"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        assert_int_equal(obey(noise, NOISE_REMOVE, row[i].id, ""), ERROR_INPUT);
        assert_non_null(strstr(why, row[i].said));
    }
    assert_int_equal(noise->silence_count, 2);
    assert_int_equal(noise->silence[0].expires.ns, WALL + 60 * NS_PER_S);
    noise_free(noise);
}

/* What takes a window back that could not be made safe says sil-1 of it. */
static void test_refused_addition(void **state)
{
    struct noise *noise = noise_new(), *before = noise_new();
    struct noise_order asked = order(NOISE_ADD, NULL, OPEN);
    (void)state;
    assert_int_equal(obey(noise, NOISE_ADD, NULL, OPEN), ERROR_NONE);
    before->next = noise->next;
    char *refused = noise_refused(before, &asked);
    noise_again(noise, refused, strlen(refused));
    assert_int_equal(noise->silence_count, 0);
    free(refused);
    noise_free(noise);
    noise_free(before);
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
        cmocka_unit_test_teardown(test_its_zone, tear_down),
        cmocka_unit_test_teardown(test_exact_id, tear_down),
        cmocka_unit_test_teardown(test_refused_addition, tear_down),
        cmocka_unit_test_teardown(test_open_in, tear_down),
        cmocka_unit_test_teardown(test_again, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
