/* The heartbeat's line, byte for byte, and which blindness it lists. The id is compared with a hash
 * computed elsewhere (Python's hashlib). */
#include "alert_case.h"
#include "weir/alert/heartbeat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void ignore(void *context, const struct incident *incident, const struct alert *alert)
{
    (void)context, (void)incident, (void)alert;
}

static void find(struct incidents *incidents, const char *sight)
{
    struct finding finding = case_finding(&case_blind, 1, 65);
    struct story story = {.first = {CASE_TIME}, .last = {CASE_TIME + 1}};
    snprintf(story.sight, sizeof story.sight, "%s", sight);
    incidents_find(incidents, &finding, &story, BASELINE_READY, 0, (struct ptime){CASE_TIME});
}

static void end(struct incidents *incidents, const char *sight)
{
    struct finding finding = case_finding(&case_blind, 1, 65);
    struct story story = {.first = {CASE_TIME}, .last = {CASE_TIME + 1}};
    snprintf(story.sight, sizeof story.sight, "%s", sight);
    incidents_end(incidents, &finding, &story, (struct ptime){CASE_TIME + 1});
}

static const struct heartbeat case_beat = {.time = {CASE_TIME},
                                           .sensor = "span-1",
                                           .packets = 1000,
                                           .wire_bytes = 640000,
                                           .drops = 3,
                                           .gap_bytes = 1460,
                                           .hosts = 20,
                                           .hosts_ready = 7,
                                           .incidents_open = 4,
                                           .alerts = 12,
                                           .records = 345,
                                           .workers = 2,
                                           .store = {.state = "away",
                                                     .since = {CASE_TIME},
                                                     .why = "redis at unix:/s: gone",
                                                     .hours = 3,
                                                     .unlearned = 1}};

static void test_line(void **state)
{
    (void)state;
    struct json *json = json_new();
    struct incidents *incidents = incidents_new(NS_PER_DAY, ignore, NULL);
    find(incidents, "vlan 20");
    find(incidents, "tap");
    find(incidents, "vlan 30");
    find(incidents, ""); /* what was lost is no blindness that lasts */
    end(incidents, "vlan 30");
    char *line = heartbeat_line(json, &case_beat, incidents);
    assert_string_equal(
        line,
        "{\"@timestamp\":\"2026-03-02T01:04:07.201Z\",\"ecs\":{\"version\":\"8.11\"},"
        "\"event\":{\"kind\":\"metric\",\"category\":[\"network\"],\"module\":\"weir\","
        "\"dataset\":\"weir.heartbeat\",\"id\":\"69bcac22961f8f797ff674bdb240a3a5\"},"
        "\"observer\":{\"type\":\"sensor\",\"product\":\"weir\",\"name\":\"span-1\",\"version\":"
        "\"" WEIR_VERSION "\"},\"weir\":{\"packets\":1000,\"wire_bytes\":640000,\"drops\":3,"
        "\"gaps\":1460,\"hosts\":20,\"hosts_ready\":7,\"incidents_open\":4,\"alerts\":12,"
        "\"records\":345,\"workers\":2,"
        "\"store\":{\"state\":\"away\",\"since\":\"2026-03-02T01:04:07.201Z\","
        "\"why\":\"redis at unix:/s: gone\",\"hours_open\":3,\"hours_unlearned\":1},"
        "\"blind\":[\"tap\",\"vlan 20\"]}}");
    free(line);
    incidents_free(incidents);
    json_free(json);
}

static void test_nothing_to_say(void **state)
{
    (void)state;
    struct json *json = json_new();
    struct incidents *incidents = incidents_new(NS_PER_DAY, ignore, NULL);
    struct heartbeat beat = {.time = {0}, .store = {.state = "ready", .learning = true, .why = ""}};
    char *line = heartbeat_line(json, &beat, incidents);
    assert_non_null(strstr(line, "\"store\":{\"state\":\"ready\",\"hours_open\":0,"
                                 "\"hours_unlearned\":0},\"blind\":[]}}"));
    assert_null(strstr(line, "\"name\""));
    assert_null(strchr(line, '\n'));
    free(line);
    incidents_free(incidents);
    json_free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_nothing_to_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
