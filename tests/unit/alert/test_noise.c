/* Silences and marks: what a scope holds of, the edge of its end, the bounds, the file whole and
 * damaged, orders good and bad, what is said in an alert's record, and that the journal's figures
 * are the book's. */
#include "alert_case.h"
#include "weir/alert/journal.h"
#include "weir/alert/noise.h"
#include "weir/base/buffer.h"
#include "weir/base/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define INCIDENT "0123456789abcdef0123456789abcdef"
#define OTHER    "fedcba9876543210fedcba9876543210"
#define WALL     (CASE_TIME + NS_PER_HOUR)

static struct alert case_alert(void)
{
    struct alert alert = {.id = "a1",
                          .incident = INCIDENT,
                          .time = {CASE_TIME},
                          .finding = case_finding(&case_volume, 3, 60),
                          .story = case_story(),
                          .new_bytes = 5000,
                          .mode = "online",
                          .sensor = "span-1",
                          .ruleset = "r"};
    alert.story.flow[0].outbound = true;
    return alert;
}

static struct noise_order order(enum noise_verb verb, const char *target, const char *body)
{
    return (struct noise_order){.verb = verb,
                                .target = target,
                                .body = body,
                                .body_size = strlen(body),
                                .peer = "root",
                                .uid = 0,
                                .at = {WALL},
                                .packet = {CASE_TIME},
                                .sensor = "span-1"};
}

/* Returns the error's code; ERROR_NONE: done. The last audit record and reply are kept. */
static struct noise_outcome last;
static char why[512];

static enum error_code obey(struct noise *noise, enum noise_verb verb, const char *target,
                            const char *body)
{
    struct error error = {0};
    struct noise_order asked = order(verb, target, body);
    noise_outcome_fini(&last);
    int failed = noise_obey(noise, &asked, &last, &error);
    assert_int_equal(failed, error.code == ERROR_NONE ? 0 : -1);
    memcpy(why, error.message, sizeof why);
    return error.code;
}

static bool is_silenced(const char *scope, const struct alert *alert)
{
    struct noise *noise = noise_new();
    struct alert_noise found;
    char *body = xasprintf("{\"reason\":\"r\",\"for_s\":60,\"scope\":%s}", scope);
    if (obey(noise, NOISE_ADD, NULL, body) != ERROR_NONE)
        fail_msg("%s: %s", scope, why);
    noise_of_alert(noise, alert, &found);
    bool silenced = found.silence != NULL;
    free(body);
    noise_free(noise);
    return silenced;
}

static void test_scope(void **state)
{
    (void)state;
    struct alert alert = case_alert();
    static const struct {
        const char *scope;
        bool holds;
    } row[] = {
        {"{\"rule\":\"volume.destination\"}", true},
        {"{\"rule\":\"volume.host\"}", false},
        {"{\"host\":\"128.232.110.120\"}", true},
        {"{\"host\":\"128.232.110.121\"}", false},
        {"{\"host\":\"128.232.0.0/16\"}", true},
        {"{\"host\":\"10.0.0.0/8\"}", false},
        {"{\"host\":\"aa:bb:cc:dd:ee:ff\"}", false},
        {"{\"destination\":\"example.jp\"}", true},
        {"{\"destination\":\"EXAMPLE.jp\"}", true},
        {"{\"destination\":\"ample.jp\"}", false},
        {"{\"destination\":\"66.35.250.0/24\"}", true},
        {"{\"destination\":\"66.35.250.204\"}", true},
        {"{\"destination\":\"66.35.251.0/24\"}", false},
        {"{\"service\":\"tls\"}", true},
        {"{\"service\":\"http\"}", false},
        {"{\"incident\":\"" INCIDENT "\"}", true},
        {"{\"incident\":\"" OTHER "\"}", false},
        {"{\"severity_below\":61}", true},
        {"{\"severity_below\":60}", false},
        {"{\"rule\":\"volume.destination\",\"host\":\"128.232.110.120\",\"service\":\"tls\","
         "\"destination\":\"example.jp\",\"severity_below\":90}",
         true},
        {"{\"rule\":\"volume.destination\",\"host\":\"128.232.110.121\"}", false},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (is_silenced(row[i].scope, &alert) != row[i].holds)
            fail_msg("%s: not %d", row[i].scope, row[i].holds);
}

/* What is given holds of all that left, or not at all. */
static void test_scope_of_all(void **state)
{
    (void)state;
    struct alert alert = case_alert();
    alert.story.service_out[SERVICE_DNS] = (struct volume){0, 0, 1}; /* perhaps one byte of DNS */
    assert_false(is_silenced("{\"service\":\"tls\"}", &alert));
    alert = case_alert();
    alert.story.flow[1] = alert.story.flow[0];
    alert.story.flow[1].outbound = true;
    alert.story.flow[1].key.resp_ip = case_ip("203.0.113.9");
    alert.story.flow_count = alert.story.flows_total = 2;
    alert.story.flow[0].outbound = true;
    assert_false(is_silenced("{\"destination\":\"66.35.250.0/24\"}", &alert));
    alert.story.flow_count = 1; /* one that is not listed may have gone anywhere */
    assert_false(is_silenced("{\"destination\":\"66.35.250.0/24\"}", &alert));
    alert.story.destination =
        (struct destination){ROLE_CLIENT, DESTINATION_PREFIX, "66.35.250.0/24"};
    assert_true(is_silenced("{\"destination\":\"66.35.250.0/24\"}", &alert));
    assert_true(is_silenced("{\"destination\":\"66.35.0.0/16\"}", &alert));
    assert_false(is_silenced("{\"destination\":\"66.35.250.204\"}", &alert));
    alert.story.has_destination = false; /* the host as a whole */
    assert_false(is_silenced("{\"destination\":\"66.35.250.0/24\"}", &alert));
}

static void test_scope_of_device(void **state)
{
    (void)state;
    static const uint8_t mac[MAC_SIZE] = {0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    struct alert alert = case_alert();
    alert.story.host = device_of_mac(mac);
    alert.story.address[0] = case_ip("10.0.0.5");
    alert.story.address[1] = case_ip("10.0.1.5");
    alert.story.address_count = 2;
    assert_true(is_silenced("{\"host\":\"AA:bb:cc:dd:ee:ff\"}", &alert));
    assert_false(is_silenced("{\"host\":\"aa:bb:cc:dd:ee:fe\"}", &alert));
    assert_true(is_silenced("{\"host\":\"10.0.0.0/16\"}", &alert));
    assert_false(is_silenced("{\"host\":\"10.0.0.0/24\"}", &alert));
    alert.story.more_addresses = true;
    assert_false(is_silenced("{\"host\":\"10.0.0.0/16\"}", &alert));
}

/* That the sensor is blind is silenced by name only. */
static void test_blind(void **state)
{
    (void)state;
    struct alert alert = case_alert();
    alert.finding = case_finding(&case_blind, 1, 65);
    alert.story = (struct story){.first = {CASE_TIME}, .last = {CASE_TIME}, .sight = "vlan 20"};
    assert_false(is_silenced("{\"severity_below\":101}", &alert));
    assert_false(is_silenced("{\"host\":\"::/0\"}", &alert));
    assert_false(is_silenced("{\"incident\":\"" INCIDENT "\"}", &alert));
    assert_false(is_silenced("{\"rule\":\"sensor.blind\",\"host\":\"::/0\"}", &alert));
    assert_true(is_silenced("{\"rule\":\"sensor.blind\"}", &alert));
    assert_true(is_silenced("{\"rule\":\"sensor.blind\",\"incident\":\"" INCIDENT "\"}", &alert));
}

static void test_end(void **state)
{
    (void)state;
    struct noise *noise = noise_new();
    struct alert alert = case_alert();
    struct alert_noise found;
    assert_int_equal(obey(noise, NOISE_ADD, NULL,
                          "{\"reason\":\"r\",\"expires\":\"2026-03-02T03:00:00Z\","
                          "\"scope\":{\"severity_below\":101}}"),
                     ERROR_NONE);
    alert.time.ns = INT64_C(1772420400000000000) - 1; /* 2026-03-02T03:00:00Z */
    assert_true(noise_of_alert(noise, &alert, &found));
    alert.time.ns++;
    assert_false(noise_of_alert(noise, &alert, &found));
    assert_null(found.silence);
    noise_free(noise);
}

/* Of two that hold the older one is named. */
static void test_first_of_two(void **state)
{
    (void)state;
    struct noise *noise = noise_new();
    struct alert alert = case_alert();
    struct alert_noise found;
    const char *all = "{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"severity_below\":101}}";
    char id[NOISE_ID];
    obey(noise, NOISE_ADD, NULL, all);
    obey(noise, NOISE_ADD, NULL, all);
    noise_of_alert(noise, &alert, &found);
    assert_string_equal(noise_silence_id(found.silence, id), "sil-1");
    assert_int_equal(obey(noise, NOISE_REMOVE, "sil-1", ""), ERROR_NONE);
    noise_of_alert(noise, &alert, &found);
    assert_string_equal(noise_silence_id(found.silence, id), "sil-2");
    assert_int_equal(obey(noise, NOISE_REMOVE, "sil-1", ""), ERROR_INPUT);
    obey(noise, NOISE_ADD, NULL, all); /* a number is never given twice */
    assert_non_null(noise_get(noise, "sil-3"));
    noise_free(noise);
}

static void test_bad_orders(void **state)
{
    (void)state;
    static const struct {
        const char *body, *says;
    } row[] = {
        {"", "reason: expected a text"},
        {"{", "body: JSON line 1"},
        {"[]", "body: expected an object"},
        {"{\"reason\":\"r\",\"for_s\":60,\"scope\":{}}", "scope: expected at least one"},
        {"{\"reason\":\"r\",\"for_s\":60}", "scope: expected an object"},
        {"{\"reason\":\"  \",\"for_s\":60,\"scope\":{\"rule\":\"a\"}}", "reason: expected a text"},
        {"{\"for_s\":60,\"scope\":{\"rule\":\"a\"}}", "reason: expected a text"},
        {"{\"reason\":\"a\\nb\",\"for_s\":60,\"scope\":{\"rule\":\"a\"}}",
         "reason: expected one line"},
        {"{\"reason\":\"r\",\"scope\":{\"rule\":\"a\"}}", "expected expires, or for_s"},
        {"{\"reason\":\"r\",\"for_s\":1,\"expires\":\"2026-03-02T03:00:00Z\","
         "\"scope\":{\"rule\":\"a\"}}",
         "expected expires, or for_s"},
        {"{\"reason\":\"r\",\"for_s\":7776001,\"scope\":{\"rule\":\"a\"}}",
         "for_s: expected a whole number from 1 to 7776000"},
        {"{\"reason\":\"r\",\"for_s\":\"1\",\"scope\":{\"rule\":\"a\"}}",
         "for_s: expected a whole"},
        {"{\"reason\":\"r\",\"expires\":\"2026-03-02T02:04:07.201Z\",\"scope\":{\"rule\":\"a\"}}",
         "expires: that is over"},
        {"{\"reason\":\"r\",\"expires\":\"2026-05-31T02:04:07.202Z\",\"scope\":{\"rule\":\"a\"}}",
         "expires: a silence lasts 90 days at most"},
        {"{\"reason\":\"r\",\"expires\":\"tomorrow\",\"scope\":{\"rule\":\"a\"}}",
         "expires: expected a time"},
        {"{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"host\":\"alice\"}}", "host: expected"},
        {"{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"destination\":\"1.2.3.4/99\"}}",
         "destination:"},
        {"{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"service\":\"gopher\"}}", "service: "},
        {"{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"incident\":\"0123\"}}", "incident: "},
        {"{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"severity_below\":0}}", "severity_below: "},
        {"{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"rule\":\"a\"},\"hide\":true}",
         "body: unknown key \"hide\""},
        {"{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"rule\":\"a\",\"vlan\":1}}",
         "scope: unknown key \"vlan\""},
    };
    struct noise *noise = noise_new();
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        assert_int_equal(obey(noise, NOISE_ADD, NULL, row[i].body), ERROR_USAGE);
        if (strncmp(why, row[i].says, strlen(row[i].says)) != 0)
            fail_msg("%s: %s", row[i].body, why);
    }
    assert_int_equal(noise->silence_count, 0);
    assert_int_equal(noise->next, 1);
    assert_int_equal(obey(noise, NOISE_ACKNOWLEDGE, "inc-012345", ""), ERROR_USAGE);
    assert_int_equal(obey(noise, NOISE_CLOSE, INCIDENT, "{\"verdict\":\"fine\"}"), ERROR_USAGE);
    assert_int_equal(obey(noise, NOISE_CLOSE, INCIDENT, ""), ERROR_USAGE);
    assert_int_equal(obey(noise, NOISE_REOPEN, INCIDENT, ""), ERROR_INPUT);
    assert_int_equal(noise->marks.count, 0);
    noise_free(noise);
}

static void test_texts_at_their_bound(void **state)
{
    (void)state;
    struct noise *noise = noise_new();
    char reason[NOISE_TEXT + 1];
    for (size_t size = NOISE_TEXT - 1; size <= NOISE_TEXT; size++) {
        memset(reason, 'x', size);
        reason[size] = '\0';
        char *body =
            xasprintf("{\"reason\":\"%s\",\"for_s\":1,\"scope\":{\"rule\":\"a\"}}", reason);
        assert_int_equal(obey(noise, NOISE_ADD, NULL, body),
                         size < NOISE_TEXT ? ERROR_NONE : ERROR_USAGE);
        free(body);
    }
    noise_free(noise);
}

/* At the bound one more is refused, until one of them is over by both clocks. */
static void test_silences_bound(void **state)
{
    (void)state;
    struct noise *noise = noise_new();
    const char *body = "{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"rule\":\"a\"}}";
    for (unsigned i = 0; i < NOISE_SILENCES; i++)
        assert_int_equal(obey(noise, NOISE_ADD, NULL, body), ERROR_NONE);
    assert_int_equal(obey(noise, NOISE_ADD, NULL, body), ERROR_RUN);
    noise->silence[7].expires.ns = CASE_TIME + 1; /* by the wall clock alone */
    assert_int_equal(obey(noise, NOISE_ADD, NULL, body), ERROR_RUN);
    noise->silence[7].expires.ns = CASE_TIME;
    assert_int_equal(obey(noise, NOISE_ADD, NULL, body), ERROR_NONE);
    assert_int_equal(noise->silence_count, NOISE_SILENCES);
    assert_null(noise_get(noise, "sil-8"));
    noise_free(noise);
}

static void id_of(unsigned number, char id[ALERT_ID_SIZE])
{
    snprintf(id, ALERT_ID_SIZE, "%032x", number);
}

/* The one closed longest ago gives way; when none is closed, one more is refused. */
static void test_marks_bound(void **state)
{
    (void)state;
    struct noise *noise = noise_new();
    char id[ALERT_ID_SIZE];
    for (unsigned i = 0; i < NOISE_MARKS; i++) {
        id_of(i, id);
        assert_int_equal(obey(noise, NOISE_ACKNOWLEDGE, id, ""), ERROR_NONE);
    }
    assert_int_equal(obey(noise, NOISE_ACKNOWLEDGE, OTHER, ""), ERROR_RUN);
    id_of(5, id);
    assert_int_equal(obey(noise, NOISE_CLOSE, id, "{\"verdict\":\"unknown\"}"), ERROR_NONE);
    assert_int_equal(obey(noise, NOISE_ACKNOWLEDGE, OTHER, ""), ERROR_NONE);
    assert_null(noise_mark_of(noise, id));
    assert_int_equal(noise->given_way, 1);
    assert_int_equal(noise->marks.count, NOISE_MARKS);
    noise_free(noise);
}

static void test_audit(void **state)
{
    (void)state;
    struct noise *noise = noise_new();
    assert_int_equal(obey(noise, NOISE_ADD, NULL,
                          "{\"reason\":\"patch day\",\"for_s\":3600,\"author\":\"alice\","
                          "\"scope\":{\"rule\":\"volume.host\",\"host\":\"10.0.0.0/8\"}}"),
                     ERROR_NONE);
    assert_string_equal(
        last.audit,
        "{\"@timestamp\":\"2026-03-02T02:04:07.201Z\",\"ecs\":{\"version\":\"8.11\"},"
        "\"event\":{\"kind\":\"event\",\"category\":[\"configuration\"],\"type\":[\"change\"],"
        "\"module\":\"weir\",\"dataset\":\"weir.audit\","
        "\"id\":\"9a36255e459c91191bd22770584685c2\",\"action\":\"silence.add\","
        "\"outcome\":\"success\"},\"message\":\"alice (root) silenced volume.host of 10.0.0.0/8 "
        "until 2026-03-02T03:04:07.201Z: patch day (sil-1)\","
        "\"user\":{\"name\":\"alice (root)\",\"id\":\"0\"},"
        "\"observer\":{\"type\":\"sensor\",\"product\":\"weir\",\"name\":\"span-1\",\"version\":"
        "\"" WEIR_VERSION "\"},\"weir\":{\"audit\":{\"subject\":\"sil-1\",\"after\":"
        "{\"id\":\"sil-1\",\"author\":\"alice (root)\",\"reason\":\"patch day\","
        "\"created\":\"2026-03-02T02:04:07.201Z\",\"expires\":\"2026-03-02T03:04:07.201Z\","
        "\"scope\":{\"rule\":\"volume.host\",\"host\":\"10.0.0.0/8\"},\"alerts\":0,"
        "\"out_bytes\":0}}}}");
    obey(noise, NOISE_ACKNOWLEDGE, INCIDENT, "{\"note\":\"looking\"}");
    obey(noise, NOISE_CLOSE, INCIDENT, "{\"verdict\":\"benign\",\"ticket\":\"T-1\"}");
    assert_non_null(strstr(last.audit, "\"before\":{\"incident\":\"" INCIDENT
                                       "\",\"acknowledged\":{\"by\":\"root\","));
    assert_non_null(strstr(last.audit, "\"verdict\":\"benign\",\"ticket\":\"T-1\"}"));
    assert_non_null(strstr(last.audit, "\"message\":\"root closed as benign inc-012345\""));
    obey(noise, NOISE_REOPEN, INCIDENT, "{\"note\":\"again\"}");
    assert_non_null(strstr(last.audit, "\"message\":\"root reopened inc-012345: again\""));
    assert_int_equal(noise->marks.count, 0);
    noise_free(noise);
}

/* What an alert's record says of it; nothing else in it changes. */
static void test_in_the_record(void **state)
{
    (void)state;
    struct noise *noise = noise_new();
    struct json *json = json_new();
    struct alert alert = case_alert();
    struct alert_noise found;
    char *plain = alert_formats[0]->line(json, &alert);
    obey(noise, NOISE_ADD, NULL,
         "{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"rule\":"
         "\"volume.destination\"}}");
    obey(noise, NOISE_CLOSE, INCIDENT, "{\"verdict\":\"benign\",\"ticket\":\"T-1\"}");
    obey(noise, NOISE_ACKNOWLEDGE, INCIDENT, "");
    assert_true(noise_of_alert(noise, &alert, &found));
    assert_false(found.quiet); /* closed in the same moment: nobody looks any more */
    noise_mark_of(noise, INCIDENT)->acknowledged.at.ns++;
    assert_true(noise_of_alert(noise, &alert, &found));
    assert_true(found.quiet);
    alert.noise = &found;
    char *line = alert_formats[0]->line(json, &alert);
    size_t same = strlen(plain) - 2; /* "}}" */
    assert_memory_equal(line, plain, same);
    assert_string_equal(line + same,
                        ",\"silenced\":{\"id\":\"sil-1\",\"author\":\"root\",\"reason\":\"r\","
                        "\"until\":\"2026-03-02T02:05:07.201Z\",\"out_bytes\":5000},"
                        "\"acknowledged\":{\"by\":\"root\",\"at\":\"2026-03-02T02:04:07.201Z\","
                        "\"quiet\":true,\"out_bytes\":5000},"
                        "\"judged\":{\"verdict\":\"benign\",\"by\":\"root\","
                        "\"at\":\"2026-03-02T02:04:07.201Z\",\"ticket\":\"T-1\"}}}");
    alert.finding.urgency = URGENCY_NOW;
    noise_of_alert(noise, &alert, &found);
    assert_false(found.quiet);
    free(plain);
    free(line);
    json_free(json);
    noise_free(noise);
}

/* Counted as it is told, or read back from what was told: the same. */
static void test_figures(void **state)
{
    (void)state;
    struct noise *noise = noise_new();
    struct json *json = json_new();
    struct alert alert = case_alert();
    struct alert_noise found;
    obey(noise, NOISE_ADD, NULL,
         "{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"rule\":"
         "\"volume.destination\"}}");
    obey(noise, NOISE_ACKNOWLEDGE, INCIDENT, "");
    struct noise *again = noise_copy(noise);
    for (int i = 0; i < 3; i++) {
        noise_of_alert(noise, &alert, &found);
        alert.noise = &found;
        char *line = alert_formats[0]->line(json, &alert);
        noise_count(noise, &alert, &found);
        noise_count_line(again, line, strlen(line));
        free(line);
        alert.new_bytes = 70;
    }
    assert_int_equal(noise->silence[0].alerts, 3);
    assert_int_equal(noise->silence[0].out_bytes, 5140);
    assert_int_equal(noise_mark_of(noise, INCIDENT)->quiet_alerts, 3);
    assert_int_equal(noise_mark_of(noise, INCIDENT)->quiet_bytes, 5140);
    noise->silence[0].last.ns = again->silence[0].last.ns; /* the record says milliseconds */
    char *one = noise_text(noise), *two = noise_text(again);
    assert_string_equal(one, two);
    free(one);
    free(two);
    noise_count_line(again, "{\"weir\":{\"silenced\":{", 22); /* cut: counts nothing */
    assert_int_equal(again->silence[0].alerts, 3);
    json_free(json);
    noise_free(noise);
    noise_free(again);
}

static struct noise *filled(void)
{
    struct noise *noise = noise_new();
    obey(noise, NOISE_ADD, NULL,
         "{\"reason\":\"é \\\"q\\\"\",\"for_s\":60,\"scope\":{\"rule\":\"a\",\"host\":\"10.0.0.5\","
         "\"destination\":\"192.0.2.0/24\",\"service\":\"dns\",\"incident\":\"" INCIDENT
         "\",\"severity_below\":40}}");
    obey(noise, NOISE_ADD, NULL,
         "{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"host\":"
         "\"aa:bb:cc:dd:ee:ff\",\"destination\":\"example.jp\"}}");
    noise->silence[1].alerts = 4;
    noise->silence[1].out_bytes = 12345678901;
    noise->silence[1].last.ns = CASE_TIME;
    noise->counted = 77;
    obey(noise, NOISE_ACKNOWLEDGE, INCIDENT, "{\"note\":\"n\"}");
    obey(noise, NOISE_CLOSE, OTHER, "{\"verdict\":\"malicious\",\"ticket\":\"T\"}");
    return noise;
}

static void test_file(void **state)
{
    (void)state;
    char folder[] = "/tmp/weir-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/%s", folder, noise_file);
    struct noise *none = noise_read(path, NULL);
    assert_non_null(none);
    assert_int_equal(none->silence_count, 0);
    noise_free(none);
    struct noise *noise = filled();
    char *before = noise_text(noise);
    assert_int_equal(noise_write(noise, path, NULL), 0);
    struct noise *again = noise_read(path, NULL);
    assert_non_null(again);
    char *after = noise_text(again);
    assert_string_equal(before, after);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* no temporary file is left */
    struct error error = {0};
    assert_int_equal(noise_write(noise, path, &error), -1); /* no such folder */
    assert_int_equal(error.code, ERROR_RUN);
    free(before);
    free(after);
    noise_free(noise);
    noise_free(again);
}

/* Cut at every byte it is damaged, and every byte that is changed leaves damage or a book. */
static void test_damaged_files(void **state)
{
    (void)state;
    struct noise *noise = filled();
    char *text = noise_text(noise);
    size_t size = strlen(text);
    for (size_t cut = 0; cut < size; cut++) {
        struct error error = {0};
        assert_null(noise_parse(text, cut, &error));
        assert_int_equal(error.code, ERROR_INPUT);
    }
    for (size_t at = 0; at < size; at++) {
        char was = text[at];
        text[at] = was == '1' ? '9' : '1';
        noise_free(noise_parse(text, size, NULL));
        text[at] = was;
    }
    static const char *const bad[] = {
        "{}",
        "[]",
        "{\"weir_noise\":2}",
        "{\"weir_noise\":1,\"next\":0}",
        "{\"weir_noise\":1,\"more\":1}",
        "{\"weir_noise\":1,\"counted\":-1}",
        "{\"weir_noise\":1,\"next\":2,\"silences\":[{}]}",
        "{\"weir_noise\":1,\"next\":2,\"silences\":[{\"id\":\"sil-2\",\"author\":\"a\",\"reason\":"
        "\"r\",\"created\":\"2026-03-02T03:00Z\",\"expires\":\"2026-03-02T03:00Z\",\"scope\":"
        "{\"rule\":\"a\"}}]}",
        "{\"weir_noise\":1,\"incidents\":[{\"incident\":\"" INCIDENT "\"},{\"incident\":\"" INCIDENT
        "\"}]}",
        "{\"weir_noise\":1,\"incidents\":[{\"incident\":\"x\"}]}",
        "{\"weir_noise\":1,\"incidents\":[{\"incident\":\"" INCIDENT
        "\",\"closed\":{\"by\":\"a\",\"at\":\"2026-03-02T03:00Z\",\"packet_time\":"
        "\"2026-03-02T03:00Z\"}}]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct noise *read = noise_parse(bad[i], strlen(bad[i]), NULL);
        if (read)
            fail_msg("%s", bad[i]);
    }
    noise_free(noise_parse("{\"weir_noise\":1}", 16, NULL));
    free(text);
    noise_free(noise);
}

/* Only what the book has not counted yet. */
static void test_catch_up(void **state)
{
    (void)state;
    char folder[] = "/tmp/weir-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct noise *noise = noise_new();
    noise_catch_up(noise, folder); /* no journal yet */
    obey(noise, NOISE_ADD, NULL, "{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"rule\":\"a\"}}");
    static const char line[] = "{\"@timestamp\":\"2026-03-02T01:04:07.201Z\",\"weir\":{"
                               "\"silenced\":{\"id\":\"sil-1\",\"out_bytes\":10}}}";
    struct journal *journal = journal_open(folder, NULL, NULL);
    for (int i = 0; i < 5; i++)
        assert_int_not_equal(journal_append(journal, line, sizeof line - 1, NULL), 0);
    assert_int_equal(journal_sync(journal, NULL), 0);
    noise->counted = 2;
    noise_catch_up(noise, folder);
    assert_int_equal(noise->silence[0].alerts, 3);
    assert_int_equal(noise->silence[0].out_bytes, 30);
    assert_int_equal(noise->silence[0].last.ns, CASE_TIME);
    assert_int_equal(noise->counted, 5);
    noise_catch_up(noise, folder);
    assert_int_equal(noise->silence[0].alerts, 3);
    journal_close(journal);
    noise_free(noise);
    char *remove = xasprintf("rm -r %s", folder);
    assert_int_equal(system(remove), 0); /* NOLINT(cert-env33-c): a folder of ours */
    free(remove);
}

/* Whatever a user is called: what is written can be read again. */
static void test_names_of_users(void **state)
{
    (void)state;
    static const char *const peer[] = {
        "", "a\nb", "\xff\xfe\xfd", "\xc3\xa9t\xc3\xa9",
        "a name of a user that is much longer than any should ever be"};
    for (size_t i = 0; i < sizeof peer / sizeof *peer; i++) {
        struct noise *noise = noise_new();
        struct noise_outcome outcome;
        struct noise_order asked = order(NOISE_ACKNOWLEDGE, INCIDENT, "");
        asked.peer = peer[i];
        assert_int_equal(noise_obey(noise, &asked, &outcome, NULL), 0);
        char *text = noise_text(noise);
        struct noise *again = noise_parse(text, strlen(text), NULL);
        assert_non_null(again);
        noise_free(again);
        free(text);
        noise_outcome_fini(&outcome);
        noise_free(noise);
    }
}

static int tear_down(void **state)
{
    (void)state;
    noise_outcome_fini(&last);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scope),
        cmocka_unit_test(test_scope_of_all),
        cmocka_unit_test(test_scope_of_device),
        cmocka_unit_test(test_blind),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_first_of_two),
        cmocka_unit_test(test_bad_orders),
        cmocka_unit_test(test_texts_at_their_bound),
        cmocka_unit_test(test_silences_bound),
        cmocka_unit_test(test_marks_bound),
        cmocka_unit_test(test_audit),
        cmocka_unit_test(test_in_the_record),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_catch_up),
        cmocka_unit_test(test_names_of_users),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
