/* Silences and marks: what a scope holds of, the edge of its end, the bounds, orders good and bad,
 * and what the audit says of them. */
#include "noise_case.h"

#include "weir/base/device.h"

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
        {"{\"service\":\"tls\",\"severity_below\":61}", true},
        {"{\"service\":\"tls\",\"severity_below\":60}", false},
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
    assert_false(is_silenced("{\"host\":\"::/1\",\"severity_below\":100}", &alert));
    assert_false(is_silenced("{\"host\":\"::/1\"}", &alert));
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
                          "\"scope\":{\"rule\":\"volume.destination\"}}"),
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
    const char *all = "{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"rule\":\"volume.destination\"}}";
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

/* Who was told of a story is told that it is over; the end of one that was silenced is, too. */
static void test_close(void **state)
{
    (void)state;
    struct alert alert = case_alert();
    alert.aloud = true;
    assert_true(is_silenced("{\"rule\":\"volume.destination\"}", &alert)); /* an update */
    alert.state = INCIDENT_CLOSE;
    assert_false(is_silenced("{\"rule\":\"volume.destination\"}", &alert));
    alert.aloud = false;
    assert_true(is_silenced("{\"rule\":\"volume.destination\"}", &alert));
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
        {"{\"reason\":\"a\\u202eb\",\"for_s\":60,\"scope\":{\"rule\":\"a\"}}",
         "reason: expected one line"}, /* it would turn the direction of reading */
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
        {"{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"rule\":\"a\",\"severity_below\":101}}",
         "severity_below: "},
        {"{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"severity_below\":90}}", "scope: expected"},
        {"{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"host\":\"0.0.0.0/0\"}}", "scope: expected"},
        {"{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"host\":\"::/0\",\"destination\":\"0.0.0.0/"
         "0\"}}",
         "scope: expected"},
        {"{\"reason\":\"r\",\"for_s\":60,\"scope\":{\"destination\":\"::/"
         "0\",\"severity_below\":90}}",
         "scope: expected"},
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

/* A stated name that is long is cut at a whole character, and the kernel's word stays. */
static void test_long_author(void **state)
{
    (void)state;
    struct noise *noise = noise_new();
    assert_int_equal(obey(noise, NOISE_ACKNOWLEDGE, INCIDENT,
                          "{\"author\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaéébbbbb\"}"),
                     ERROR_NONE);
    assert_string_equal(noise_mark_of(noise, INCIDENT)->acknowledged.by,
                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa… (root)");
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
    noise_mark_of(noise, id)->acknowledged.at.ns = WALL + 1; /* somebody looks at it again */
    assert_int_equal(obey(noise, NOISE_ACKNOWLEDGE, OTHER, ""), ERROR_RUN);
    noise_mark_of(noise, id)->acknowledged.at.ns = WALL;
    assert_int_equal(obey(noise, NOISE_ACKNOWLEDGE, OTHER, ""), ERROR_NONE);
    assert_null(noise_mark_of(noise, id));
    assert_int_equal(noise->given_way, 1);
    assert_int_equal(noise->marks.count, NOISE_MARKS);
    noise_free(noise);
}

/* Of whom the console knows, no other name is taken; nothing has changed then. */
static void test_no_other_name(void **state)
{
    static const char body[] = "{\"note\":\"looking\",\"author\":\"boss\"}";
    struct noise *noise = noise_new();
    struct error error = {0};
    (void)state;
    struct noise_order asked = order(NOISE_ACKNOWLEDGE, INCIDENT, body);
    asked.signed_in = true;
    assert_int_equal(noise_obey(noise, &asked, &last, &error), -1);
    assert_int_equal(error.code, ERROR_USAGE);
    assert_non_null(strstr(error.message, "author: expected none"));
    assert_int_equal(noise->marks.count, 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_other_name),
        cmocka_unit_test(test_scope),
        cmocka_unit_test(test_scope_of_all),
        cmocka_unit_test(test_scope_of_device),
        cmocka_unit_test(test_blind),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_first_of_two),
        cmocka_unit_test(test_bad_orders),
        cmocka_unit_test(test_long_author),
        cmocka_unit_test(test_texts_at_their_bound),
        cmocka_unit_test(test_silences_bound),
        cmocka_unit_test(test_marks_bound),
        cmocka_unit_test(test_audit),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
