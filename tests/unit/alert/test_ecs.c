/* The ECS line, byte for byte, against lines written by hand from the example in the design. */
#include "alert_case.h"
#include "weir/base/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static char *line_of(const struct alert *alert)
{
    struct json *json = json_new();
    char *line = alert_line(json, alert);
    json_free(json);
    return line;
}

static struct alert case_alert(const struct detector *detector)
{
    struct alert alert = {.id = "60d280bd80edff761f37e88fd54f8add",
                          .incident = "cdbcce3c885a82c06b71eedcf2895afc",
                          .raise = 1,
                          .state = INCIDENT_UPDATE,
                          .time = {CASE_TIME + 61 * NS_PER_S},
                          .finding = case_finding(detector, 13, 73),
                          .story = case_story(),
                          .baseline = BASELINE_READY,
                          .baseline_hours = 504,
                          .mode = "online",
                          .sensor = "span-1",
                          .ruleset = "builtin"};
    return alert;
}

#define HEAD                                                                                       \
    "{\"@timestamp\":\"2026-03-02T01:05:08.201Z\",\"ecs\":{\"version\":\"8.11\"},"                 \
    "\"event\":{\"kind\":\"alert\",\"category\":[\"network\"],\"module\":\"weir\","                \
    "\"dataset\":\"weir.alert\",\"id\":\"60d280bd80edff761f37e88fd54f8add\",\"severity\":73,"      \
    "\"risk_score\":73,\"start\":\"2026-03-02T01:04:07.201Z\","                                    \
    "\"end\":\"2026-03-02T01:05:07.201Z\"},"

#define OBSERVER                                                                                   \
    "\"observer\":{\"type\":\"sensor\",\"product\":\"weir\",\"name\":\"span-1\",\"version\":"      \
    "\"" WEIR_VERSION "\"},"

static void test_whole_line(void **state)
{
    (void)state;
    struct alert alert = case_alert(&case_volume);
    alert.story.has_ja3 = true;
    for (size_t i = 0; i < 16; i++)
        alert.story.ja3[i] = (uint8_t)(0x10 + i);
    alert.story.counted.of[CONTENT_EMAIL].items = 120;
    alert.story.counted.label[0] = (struct counted_label){100, CONTENT_EMAIL, "example.jp"};
    alert.story.counted.label_count = 1;
    alert.story.counted.of[CONTENT_EMAIL].error = 0.008;
    char *line = line_of(&alert);
    assert_string_equal(
        line, HEAD
        "\"rule\":{\"id\":\"volume.destination\",\"name\":\"More than usual to one destination\","
        "\"ruleset\":\"builtin\"},"
        "\"threat\":{\"framework\":\"MITRE ATT&CK\",\"tactic\":{\"id\":[\"TA0010\"]},"
        "\"technique\":{\"id\":[\"T1567\"],\"subtechnique\":{\"id\":[\"T1567.002\"]}}},"
        "\"source\":{\"ip\":\"128.232.110.120\",\"bytes\":5000,\"packets\":12},"
        "\"destination\":{\"ip\":\"66.35.250.204\",\"port\":80,\"domain\":\"example.jp\"},"
        "\"client\":{\"ip\":\"128.232.110.120\",\"port\":34855},"
        "\"server\":{\"ip\":\"66.35.250.204\",\"port\":80},"
        "\"related\":{\"ip\":[\"128.232.110.120\",\"66.35.250.204\"]},"
        "\"network\":{\"transport\":\"tcp\",\"protocol\":\"tls\","
        "\"community_id\":\"1:LQU9qZlK+B5F3KDmev6m5PMibrg=\",\"direction\":\"outbound\"},"
        "\"tls\":{\"client\":{\"server_name\":\"up.example.jp\","
        "\"ja3\":\"101112131415161718191a1b1c1d1e1f\"}}," OBSERVER
        "\"weir\":{\"score\":73,\"urgency\":\"shift\","
        "\"incident\":\"cdbcce3c885a82c06b71eedcf2895afc\",\"state\":\"update\",\"raise\":1,"
        "\"initiator\":\"inside\",\"mode\":\"online\","
        "\"out_bytes\":{\"value\":5000,\"low\":4000,\"high\":5500},"
        "\"baseline\":{\"state\":\"ready\",\"hours\":504,\"scope\":\"host×destination\"},"
        "\"flows\":[{\"community_id\":\"1:LQU9qZlK+B5F3KDmev6m5PMibrg=\","
        "\"start\":\"2026-03-02T01:04:07.201Z\",\"out_bytes\":5000,\"service\":\"tls\"}],"
        "\"flows_total\":1,\"services\":{\"tls\":{\"value\":5000,\"low\":4000,\"high\":6000}},"
        "\"content\":{\"email_addresses\":{\"value\":120,\"error\":0.008,"
        "\"labels\":{\"example.jp\":100}}},"
        "\"reasons\":[{\"code\":\"volume.destination\",\"observed\":5000,\"expected\":[10,1200],"
        "\"unit\":\"byte\",\"p\":1e-6,\"weight\":1,\"samples\":340,"
        "\"text\":\"largest of 340 host-days\"}],"
        "\"would_not_fire_below\":{\"value\":2048,\"unit\":\"byte\"}}}");
    free(line);
}

/* No technique, no history, no p, no threshold: the fields are absent, not empty. */
static void test_absent_is_left_out(void **state)
{
    (void)state;
    struct alert alert = case_alert(&case_content);
    alert.finding.p = 0;
    alert.finding.reason[0].p = 0;
    alert.finding.reason[0].expected[0] = alert.finding.reason[0].expected[1] = 0;
    alert.finding.needs_unit = NULL;
    alert.ruleset = NULL;
    char *line = line_of(&alert);
    assert_non_null(strstr(line, "\"threat\":{\"framework\":\"MITRE ATT&CK\",\"tactic\":{\"id\":["
                                 "\"TA0010\"]}},\"source\""));
    assert_null(strstr(line, "technique"));
    assert_null(strstr(line, "expected"));
    assert_null(strstr(line, "\"p\""));
    assert_null(strstr(line, "would_not_fire_below"));
    assert_null(strstr(line, "ruleset"));
    assert_null(strstr(line, "\"content\""));
    assert_null(strstr(line, "null"));
    assert_null(strchr(line, '\n'));
    free(line);
}

static void test_sensor_has_no_traffic(void **state)
{
    (void)state;
    struct alert alert = case_alert(&case_blind);
    alert.story = (struct story){.first = {CASE_TIME}, .last = {CASE_TIME + 60 * NS_PER_S}};
    alert.finding.reason[0].unit = "share";
    alert.finding.reason[0].observed = 0.125;
    alert.finding.reason[0].expected[1] = 0;
    alert.finding.needs = 0.01;
    alert.finding.needs_unit = "share";
    char *line = line_of(&alert);
    assert_string_equal(
        line,
        HEAD "\"rule\":{\"id\":\"sensor.blind\",\"name\":\"The sensor does not see all\","
             "\"ruleset\":\"builtin\"}," OBSERVER "\"weir\":{\"score\":73,\"urgency\":\"shift\","
             "\"incident\":\"cdbcce3c885a82c06b71eedcf2895afc\",\"state\":\"update\",\"raise\":1,"
             "\"mode\":\"online\",\"reasons\":[{\"code\":\"sensor.blind\",\"observed\":0.125,"
             "\"unit\":\"share\",\"p\":1e-6,\"weight\":1,\"samples\":340,"
             "\"text\":\"largest of 340 host-days\"}],"
             "\"would_not_fire_below\":{\"value\":0.01,\"unit\":\"share\"}}}");
    free(line);
    strcpy(alert.story.sight, "vlan 20");
    line = line_of(&alert);
    assert_non_null(strstr(line, "\"mode\":\"online\",\"sight\":\"vlan 20\",\"reasons\":["));
    free(line);
}

/* What a proxy claims stands apart from what was seen. */
static void test_claimed_clients(void **state)
{
    (void)state;
    struct alert alert = case_alert(&case_volume);
    struct story *story = &alert.story;
    char *line = line_of(&alert);
    assert_null(strstr(line, "clients_claimed"));
    free(line);
    story->client[0] = (struct claimed_client){
        .ip = case_ip("198.51.100.7"), .by = CLIENT_FORWARDED, .flows = 3, .out_bytes = 4000};
    story->client[1] = (struct claimed_client){
        .ip = case_ip("2001:db8::7"), .by = CLIENT_PROXY_PROTOCOL, .flows = 1, .out_bytes = 10};
    story->client_count = 2;
    line = line_of(&alert);
    assert_non_null(strstr(line, "\"clients_claimed\":[{\"ip\":\"198.51.100.7\",\"by\":"
                                 "\"forwarded\",\"out_bytes\":4000,\"flows\":3},{\"ip\":"
                                 "\"2001:db8::7\",\"by\":\"proxy-protocol\",\"out_bytes\":10,"
                                 "\"flows\":1}],\"clients_claimed_all\":true"));
    assert_non_null(strstr(line, "\"client\":{\"ip\":\"128.232.110.120\""));
    free(line);
    story->clients_replaced = 1;
    line = line_of(&alert);
    assert_non_null(strstr(line, "\"clients_claimed_all\":false"));
    free(line);
}

/* The outside opened: source stays the inside host, client is the outside, direction says inbound.
 */
static void test_served(void **state)
{
    (void)state;
    struct alert alert = case_alert(&case_volume);
    struct story *story = &alert.story;
    story->flow[0].key = (struct flow_key){story->remote, story->host, 50123, 443, 0, 6, 0, 0};
    story->remote_port = 50123;
    story->flow[0].service = SERVICE_HTTP;
    story->flows_inside = 1;
    story->flows_outside = 2;
    story->destination = (struct destination){ROLE_SERVED, DESTINATION_PREFIX, "66.35.250.0/24"};
    char *line = line_of(&alert);
    assert_non_null(strstr(line, "\"source\":{\"ip\":\"128.232.110.120\""));
    assert_non_null(strstr(line, "\"destination\":{\"ip\":\"66.35.250.204\",\"port\":50123},"));
    assert_non_null(strstr(line, "\"client\":{\"ip\":\"66.35.250.204\",\"port\":50123},"
                                 "\"server\":{\"ip\":\"128.232.110.120\",\"port\":443}"));
    assert_non_null(strstr(line, "\"direction\":\"inbound\""));
    assert_non_null(strstr(line, "\"initiator\":\"outside\""));
    assert_non_null(strstr(line, "\"url\":{\"domain\":\"up.example.jp\"}"));
    assert_null(strstr(line, "\"tls\":{\"client\""));
    free(line);
    story->flow[0].service = SERVICE_HTTP2; /* in clear: its :authority is no SNI */
    line = line_of(&alert);
    assert_non_null(strstr(line, "\"url\":{\"domain\":\"up.example.jp\"}"));
    assert_null(strstr(line, "\"tls\":{\"client\""));
    free(line);
}

static struct ip ip_of(const char *text)
{
    struct ip ip;
    assert_int_equal(ip_parse(text, &ip), 0);
    return ip;
}

/* The flow's own addresses decided: the tunnel is said beside them. */
static void test_tunnel(void **state)
{
    (void)state;
    struct alert alert = case_alert(&case_volume);
    struct tunnel *tunnel = &alert.story.tunnel;
    tunnel->count = 7;
    for (int i = 0; i < 6; i++)
        tunnel->layer[i] = LAYER_MPLS;
    char *line = line_of(&alert);
    assert_non_null(strstr(line, "\"tunnel\":{\"layers\":[{\"type\":\"mpls\",\"id\":0},"));
    assert_non_null(strstr(line, "\"id\":0}],\"more\":1},"));
    free(line);
    *tunnel = (struct tunnel){ip_of("10.1.1.1"), ip_of("192.0.2.9"), .count = 2};
    tunnel->layer[0] = LAYER_IP;
    tunnel->id[0] = 4;
    tunnel->layer[1] = LAYER_GRE;
    tunnel->hop[0] = (struct tunnel_hop){ip_of("10.2.2.2"), ip_of("10.3.3.3")};
    line = line_of(&alert);
    assert_non_null(strstr(
        line, "\"tunnel\":{\"layers\":[{\"type\":\"ip\",\"id\":4},{\"type\":\"gre\",\"id\":0}],"
              "\"orig\":{\"ip\":\"10.1.1.1\"},\"resp\":{\"ip\":\"192.0.2.9\"},"
              "\"hops\":[{\"orig\":{\"ip\":\"10.2.2.2\"},\"resp\":{\"ip\":\"10.3.3.3\"}}]}"));
    assert_null(strstr(line, "decides"));
    free(line);
}

/* The tunnel leaves, the flow in it does not: source and destination are the tunnel's ends. */
static void test_tunnel_decides(void **state)
{
    (void)state;
    struct alert alert = case_alert(&case_volume);
    struct story *story = &alert.story;
    story->host = ip_of("10.1.1.1");
    story->remote = ip_of("192.0.2.9");
    story->remote_port = 4789;
    story->destination = (struct destination){ROLE_CLIENT, DESTINATION_PREFIX, "192.0.2.0/24"};
    story->by_tunnel = true;
    story->tunnel = (struct tunnel){story->host, story->remote, .count = 1};
    story->tunnel.layer[0] = LAYER_VXLAN;
    story->tunnel.id[0] = 42;
    story->tunnel.orig_port = 50000;
    story->tunnel.resp_port = 4789;
    story->flow[0].key =
        (struct flow_key){ip_of("10.7.7.7"), ip_of("10.8.8.8"), 1000, 9000, 0, 6, 0, 1};
    char *line = line_of(&alert);
    assert_non_null(strstr(line, "\"source\":{\"ip\":\"10.1.1.1\""));
    assert_non_null(strstr(line, "\"destination\":{\"ip\":\"192.0.2.9\",\"port\":4789"));
    assert_non_null(strstr(line, "\"client\":{\"ip\":\"10.1.1.1\"},"
                                 "\"server\":{\"ip\":\"192.0.2.9\"},"));
    assert_non_null(strstr(line, "\"related\":{\"ip\":[\"10.1.1.1\",\"192.0.2.9\",\"10.7.7.7\","
                                 "\"10.8.8.8\"]}"));
    assert_non_null(strstr(line, "\"type\":\"vxlan\",\"id\":42}],\"orig\":{\"ip\":\"10.1.1.1\","
                                 "\"port\":50000},\"resp\":{\"ip\":\"192.0.2.9\",\"port\":4789},"
                                 "\"decides\":true,\"inner\":{\"orig\":{\"ip\":\"10.7.7.7\","
                                 "\"port\":1000},\"resp\":{\"ip\":\"10.8.8.8\",\"port\":9000}}}"));
    free(line);
    story->remote_port = 0; /* of GRE there is none */
    line = line_of(&alert);
    assert_non_null(strstr(line, "\"destination\":{\"ip\":\"192.0.2.9\"}"));
    free(line);
    /* Of a device, the tunnel's end is the address that spoke. */
    story->source = story->host;
    story->host = device_of_mac((const uint8_t[MAC_SIZE]){0x00, 0x1b, 0x21, 0xab, 0xcd, 0xef});
    line = line_of(&alert);
    assert_non_null(strstr(line, "\"client\":{\"ip\":\"10.1.1.1\"},"
                                 "\"server\":{\"ip\":\"192.0.2.9\"},"));
    assert_null(strstr(line, "100::"));
    free(line);
}

/* The host is a device: the addresses are those that spoke, the largest flow's first. */
static void test_device(void **state)
{
    (void)state;
    static const uint8_t mac[MAC_SIZE] = {0x00, 0x1b, 0x21, 0xab, 0xcd, 0xef};
    struct alert alert = case_alert(&case_volume);
    struct story *story = &alert.story;
    story->address[0] = case_ip("10.0.0.7");
    story->address[1] = case_ip("2001:db8::7");
    story->address_count = 2;
    story->source = story->address[1];
    story->flow[0].key.orig_ip = story->source;
    story->host = device_of_mac(mac);
    char *line = line_of(&alert);
    assert_non_null(
        strstr(line, "\"source\":{\"ip\":\"2001:db8::7\",\"mac\":\"00-1B-21-AB-CD-EF\","));
    assert_non_null(strstr(line, "\"destination\":{\"ip\":\"66.35.250.204\",\"port\":80"));
    assert_non_null(strstr(line, "\"host\":{\"id\":\"00:1b:21:ab:cd:ef\",\"mac\":["
                                 "\"00-1B-21-AB-CD-EF\"],\"ip\":[\"10.0.0.7\",\"2001:db8::7\"]},"
                                 "\"related\":{\"ip\":[\"10.0.0.7\",\"2001:db8::7\","
                                 "\"66.35.250.204\"]}"));
    assert_null(strstr(line, "100::"));
    assert_null(strstr(line, "more_addresses"));
    free(line);
    story->more_addresses = true;
    story->host = device_of_id(mac, sizeof mac);
    line = line_of(&alert);
    assert_non_null(strstr(line, "\"host\":{\"id\":\"duid:"));
    assert_non_null(strstr(line, "\"more_addresses\":true"));
    assert_null(strstr(line, "\"mac\""));
    free(line);
}

static void test_as_and_tie(void **state)
{
    (void)state;
    struct alert alert = case_alert(&case_volume);
    alert.story.destination = (struct destination){ROLE_CLIENT, DESTINATION_AS, "AS64500"};
    alert.story.flows_inside = alert.story.flows_outside = 4;
    char *line = line_of(&alert);
    assert_non_null(strstr(line, "\"port\":80,\"as\":{\"number\":64500}}"));
    assert_non_null(strstr(line, "\"direction\":\"outbound\""));
    free(line);
}

static void test_links(void **state)
{
    (void)state;
    struct alert alert = case_alert(&case_volume);
    char *line = line_of(&alert);
    assert_null(strstr(line, "linked"));
    free(line);
    alert.links_total = 11;
    alert.link_count = 1;
    alert.link[0].host = case_ip("10.0.0.9");
    memcpy(alert.link[0].incident, "cdbcce3c885a82c06b71eedcf2895afc", ALERT_ID_SIZE);
    line = line_of(&alert);
    assert_non_null(strstr(line, "\"linked\":[{\"incident\":\"cdbcce3c885a82c06b71eedcf2895afc\","
                                 "\"host\":\"10.0.0.9\"}],\"linked_total\":11"));
    free(line);
}

/* A host's evidence may lead to one of its pairs; the scope is that of what the alert is about. */
static void test_scope_is_of_what_is_told(void **state)
{
    static const struct detector of_host = {
        .id = "volume.slow", .name = "Grown day after day", .kind = SUBJECT_HOST};
    (void)state;
    struct alert alert = case_alert(&of_host);
    char *line = line_of(&alert);
    assert_non_null(strstr(line, "\"scope\":\"host×destination\""));
    free(line);
    alert.story.destination = (struct destination){ROLE_SERVED, DESTINATION_PREFIX, "192.0.2.0/24"};
    line = line_of(&alert);
    assert_non_null(strstr(line, "\"scope\":\"server×client network\""));
    free(line);
    alert.story.has_destination = false;
    line = line_of(&alert);
    assert_non_null(strstr(line, "\"scope\":\"host\""));
    free(line);
}

/* Of a place that nothing goes to now the host's own story is told: the address is not that one's.
 */
static void test_scope_of_a_story_that_is_over(void **state)
{
    static const struct detector of_pair = {
        .id = "ratio.upload", .name = "Little came back", .kind = SUBJECT_DESTINATION};
    (void)state;
    struct alert alert = case_alert(&of_pair);
    alert.story.has_destination = false;
    char *line = line_of(&alert);
    assert_non_null(strstr(line, "\"scope\":\"host\""));
    free(line);
}

static void test_seen_by_several(void **state)
{
    (void)state;
    struct alert alert = case_alert(&case_volume);
    char *line = line_of(&alert);
    assert_null(strstr(line, "\"sensors"));
    free(line);
    alert.finding.seen.sensors = 3;
    alert.finding.seen.rest_bytes = 5;
    seen_add(&alert.finding.seen, "gate", "core", 7);
    line = line_of(&alert);
    assert_non_null(strstr(line,
                           "\"sensors\":[{\"name\":\"gate\",\"vantage\":\"core\",\"out_bytes\":7}],"
                           "\"sensors_total\":4,\"sensors_rest_bytes\":5"));
    free(line);
}

/* What the network said can be anything; the line stays one line of valid JSON. */
static void test_hostile_name(void **state)
{
    (void)state;
    struct alert alert = case_alert(&case_volume);
    memcpy(alert.story.server_name, "a\"\n\xff\x01{\\", 8);
    char *line = line_of(&alert);
    assert_null(strchr(line, '\n'));
    struct json_value *root = json_parse(line, strlen(line), NULL);
    assert_non_null(root);
    const char *name =
        json_text(json_get(json_get(json_get(root, "tls"), "client"), "server_name"));
    assert_string_equal(name, "a\"\n\\xff\x01{\\");
    json_value_free(root);
    free(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_line),
        cmocka_unit_test(test_absent_is_left_out),
        cmocka_unit_test(test_sensor_has_no_traffic),
        cmocka_unit_test(test_served),
        cmocka_unit_test(test_tunnel),
        cmocka_unit_test(test_tunnel_decides),
        cmocka_unit_test(test_claimed_clients),
        cmocka_unit_test(test_device),
        cmocka_unit_test(test_as_and_tie),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_scope_is_of_what_is_told),
        cmocka_unit_test(test_scope_of_a_story_that_is_over),
        cmocka_unit_test(test_seen_by_several),
        cmocka_unit_test(test_hostile_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
