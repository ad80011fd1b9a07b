/* The status as JSON: the whole of it, the nulls of a sensor that has just begun, and that no
 * password leaves. */
#include "weir/bus/status.h"

#include "weir/base/buffer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *json_of(const struct status *status)
{
    struct json *json = json_new();
    char *text = status_json(json, status);
    json_free(json);
    return text;
}

static void expect_part(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no %s\nin %s", part, text);
}

static void test_whole(void **state)
{
    (void)state;
    static const struct status_worker worker[] = {
        {0, 71, STATUS_WORKER_RUNNING, 0, 1000, 50, 60000, 4, 5, 8388608, 4096, 2.5, 6, NULL},
        {1, 0, STATUS_WORKER_WAITING, 3, 7, 0, 0, 0, 0, 8388608, 0, NAN, 0, "killed by SIGSEGV"}};
    static const struct status_interface interface[] = {{"span0", "core", STATUS_INTERFACE_UP},
                                                        {"span1", "core", STATUS_INTERFACE_DOWN},
                                                        {"tap", "edge", STATUS_INTERFACE_GONE}};
    static const struct bus_status sink[] = {
        {.name = "siem", .type = "file", .path = "/a", .delivered = 9, .refused = 5, .silenced = 6},
        {.type = "stdout",
         .delivered = 8,
         .behind = 1,
         .failures = 2,
         .oldest_s = 4,
         .filtered = 7,
         .retries = 3,
         .last_error = "would block"},
        {.type = "file",
         .path = "/b",
         .delivered = 1,
         .behind = 8,
         .failures = 1,
         .dead = true,
         .last_error = "No space left on device"}};
    static const struct status_alerts alerts[] = {{"content.personal", {1, 2, 3}, {0, 0, 5, 1}}};
    static const struct status_api api[] = {{"control", {11, 12, 13, 14, 15, 16, 17, 18}}};
    static const char *const blind[] = {"worker 1 is not running since …"};
    static const char *const judged[] = {"rules: 3", "zones: 1 locked"}, *const learning[] = {
                                                                             "all"};
    static const struct health health = {.packets = 1007, .parse_malformed = 3};
    static const struct bound_count bound[] = {{"stories_evicted", "stories", 4},
                                               {"hosts_refused", "records", 0}};
    static const struct status status = {
        .sensor = "span-1",
        .version = "0.1.0",
        .state = STATUS_RUNNING,
        .started = {1772413447201000000},
        .now = {1772413507201000000},
        .generation = 2,
        .last_reload = {true, false, "weir.yaml:1:1: no", {1772413467201000000}},
        .worker = worker,
        .worker_count = 2,
        .interface = interface,
        .interface_count = 3,
        .engine = {70, 1,  20,   0,    3, 2, 100, 1, 412, 300, 112, 1,
                   99, 12, 0.75, 1000, 5, 2, 1,   3, 5,   4,   7},
        .redis = {.url = "unix:/run/redis.sock", .state = "ready", .pending = 2, .hours_open = 1},
        .courier = {72, STATUS_WORKER_RUNNING, 1, "signal 9, Killed"},
        .journal = {9, 8, 7, 6, 5, 4, 3, 2, 1, 10, true},
        .evidence = {true, 73, 1, NULL, 2, 3, 4, {INT64_MAX}, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14},
        .budget = {0.015, 1.5, 4, 3},
        .alerts = alerts,
        .alert_count = 1,
        .api = api,
        .api_count = 1,
        .sink = sink,
        .sink_count = 3,
        .coverage = &health,
        .bound = bound,
        .bound_count = 2,
        .judged = judged,
        .judged_count = 2,
        .learning = learning,
        .learning_count = 1,
        .blind = blind,
        .blind_count = 1};
    char *text = json_of(&status);
    static const char expected[] =
        "{\"sensor\":\"span-1\",\"version\":\"0.1.0\",\"state\":\"running\","
        "\"started\":\"2026-03-02T01:04:07.201Z\",\"now\":\"2026-03-02T01:05:07.201Z\","
        "\"config\":{\"generation\":2,\"last_reload\":{\"ok\":false,\"text\":\"weir.yaml:1:1: "
        "no\",\"at\":\"2026-03-02T01:04:27.201Z\"}},\"capture\":["
        "{\"worker\":0,\"pid\":71,\"state\":\"running\",\"restarts\":0,\"packets\":1000,"
        "\"packets_per_s\":50,\"bytes_per_s\":60000,\"kernel_drops\":4,\"interface_drops\":5,"
        "\"ring\":{\"bytes\":8388608,\"used_bytes\":4096,\"seconds\":2.5},\"parked\":6,"
        "\"last_death\":null},"
        "{\"worker\":1,\"pid\":0,\"state\":\"waiting\",\"restarts\":3,\"packets\":7,"
        "\"packets_per_s\":0,\"bytes_per_s\":0,\"kernel_drops\":0,\"interface_drops\":0,"
        "\"ring\":{\"bytes\":8388608,\"used_bytes\":0,\"seconds\":null},\"parked\":0,"
        "\"last_death\":\"killed by SIGSEGV\"}],\"interfaces\":["
        "{\"name\":\"span0\",\"vantage\":\"core\",\"state\":\"up\"},"
        "{\"name\":\"span1\",\"vantage\":\"core\",\"state\":\"down\"},"
        "{\"name\":\"tap\",\"vantage\":\"edge\",\"state\":\"gone\"}],"
        "\"engine\":{\"pid\":70,\"restarts\":1,\"records\":20,\"records_late\":0,\"alerts\":3,"
        "\"alerts_silenced\":2,\"silenced_bytes\":100,\"alerts_quiet\":1,"
        "\"hosts\":412,\"hosts_ready\":300,\"hosts_learning\":112,\"incidents_open\":1,"
        "\"open_flows\":99,\"waiting_records\":12,"
        "\"checkpoint\":{\"age_s\":0.75,\"bytes\":1000,\"snapshots\":5},"
        "\"closing\":{\"hours\":2,\"sensors_waited\":1,\"totals_late\":3},"
        "\"halves\":{\"joined\":5,\"flows_rejoined\":4},"
        "\"zones\":{\"flows_drifted\":7}},"
        "\"redis\":{\"url\":\"unix:/run/redis.sock\",\"state\":\"ready\",\"pending\":2,"
        "\"behind\":false,\"since\":null,\"why\":null,\"refused\":0,\"absences\":0,\"hours_open\":"
        "1,"
        "\"host_hours_open\":0,\"hours_unlearned\":0,\"unlearned_bytes\":0,\"profiles_damaged\":0},"
        "\"courier\":{\"pid\":72,\"state\":\"running\",\"restarts\":1,"
        "\"last_death\":\"signal 9, Killed\"},\"sinks\":["
        "{\"name\":\"siem\",\"type\":\"file\",\"path\":\"/a\",\"delivered\":9,\"behind\":0,"
        "\"lag_s\":0,\"refused\":5,\"silenced\":6,\"filtered\":0,\"failures\":0,\"retries\":0,"
        "\"state\":\"ok\",\"last_error\":null},"
        "{\"name\":\"stdout\",\"type\":\"stdout\",\"path\":null,\"delivered\":8,\"behind\":1,"
        "\"lag_s\":4,\"refused\":0,\"silenced\":0,\"filtered\":7,\"failures\":2,\"retries\":3,"
        "\"state\":\"behind\",\"last_error\":\"would block\"},"
        "{\"name\":\"file\",\"type\":\"file\",\"path\":\"/b\",\"delivered\":1,\"behind\":8,"
        "\"lag_s\":0,\"refused\":0,\"silenced\":0,\"filtered\":0,\"failures\":1,\"retries\":0,"
        "\"state\":\"dead\",\"last_error\":\"No space left on device\"}],"
        "\"journal\":{\"last\":9,\"durable\":8,\"segments\":7,\"bytes\":6,\"deleted\":5,"
        "\"deleted_untold\":4,\"failures\":3,\"held\":2,\"held_bytes\":1,\"given_up\":10,"
        "\"trouble\":true},\"evidence\":{\"pid\":73,\"restarts\":1,\"last_death\":null,"
        "\"held_packets\":2,\"held_bytes\":3,\"overwritten_packets\":4,\"oldest\":null,\"open\":5,"
        "\"incidents\":6,\"packets\":7,\"bytes\":8,\"missed_packets\":9,\"beyond_packets\":10,"
        "\"beyond_incidents\":11,\"removed\":12,\"removed_for_room\":13,\"failures\":14},"
        "\"budget\":{\"alerts_per_host_day\":0.015,\"trim\":1.5,\"day_alerts\":4.0,"
        "\"day_spent\":3.0},\"alerts\":[{\"detector\":\"content.personal\",\"digest\":1,\"shift\":"
        "2,\"now\":3,\"severity\":{\"informational\":0,\"low\":0,\"medium\":5,\"high\":1,"
        "\"critical\":0}}],"
        "\"api\":[{\"listener\":\"control\",\"requests\":11,\"refused\":12,\"bad\":13,\"denied\":"
        "14,"
        "\"waited\":15,\"unserved\":16,\"streams\":17,\"slow\":18}],\"console\":null,"
        "\"coverage\":{\"packets\":1007,\"wire_bytes\":0,";
    if (strncmp(text, expected, strlen(expected)) != 0)
        fail_msg("%s\ninstead of\n%s", text, expected);
    expect_part(text, "\"parse_malformed\":3,");
    expect_part(text, "},\"bounds\":{\"stories_evicted\":4,\"hosts_refused\":0}");
    expect_part(text, "},\"judged\":[\"rules: 3\",\"zones: 1 locked\"],\"learning\":[\"all\"],"
                      "\"blind\":[\"worker 1 is not running since …\"]}");
    assert_null(strchr(text, '\n'));
    free(text);
}

/* Nothing is known yet: every list is there and empty, what cannot be known is null. */
static void test_beginning(void **state)
{
    (void)state;
    static const struct status status = {
        .sensor = "", .engine = {.checkpoint_age_s = NAN}, .budget = {.per_host_day = NAN}};
    char *text = json_of(&status);
    expect_part(text, "\"state\":\"starting\"");
    expect_part(text, "\"config\":{\"generation\":0,\"last_reload\":null},\"capture\":[],"
                      "\"interfaces\":[],");
    expect_part(text, "\"checkpoint\":{\"age_s\":null,");
    expect_part(text, "\"trouble\":false},\"evidence\":null,\"budget\":null,\"alerts\":[],\"api\":["
                      "],\"console\":null,\"coverage\":{"
                      "\"packets\":0,");
    expect_part(text, "\"blind\":[]}");
    free(text);
}

static void test_password(void **state)
{
    (void)state;
    static const struct {
        const char *url, *shown;
    } row[] = {
        {"redis://:secret@h:1/0", "redis://:***@h:1/0"},
        {"redis://user:sec:r@et@h", "redis://user:***@h"},
        {"redis://secret@h", "redis://***@h"},
        {"unix://u:secret@/run/a@b", "unix://u:***@b"},
        {"redis://h:6379", "redis://h:6379"},
        {"unix:/run/a@b.sock", "unix:/run/a@b.sock"},
        {"unix:///run/a@b.sock", "unix:///run/a@b.sock"},
        {"embedded", "embedded"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct status status = {.redis = {.url = row[i].url}};
        char *text = json_of(&status), *part = xasprintf("\"url\":\"%s\"", row[i].shown);
        expect_part(text, part);
        free(part);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole),
                                       cmocka_unit_test(test_beginning),
                                       cmocka_unit_test(test_password)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
