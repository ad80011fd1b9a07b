/* Each format against lines written by hand from its specification, for every kind of record. */
#include "weir/alert/attack.h"
#include "weir/alert/format.h"
#include "weir/base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OBSERVER                                                                                   \
    "\"observer\":{\"type\":\"sensor\",\"product\":\"weir\",\"name\":\"s1\",\"version\":\"0.1."    \
    "0\"}"

/* The outside opened; an estimate; a stranger's name. */
static const char served[] =
    "{\"@timestamp\":\"2026-03-02T01:04:07.201Z\",\"event\":{\"kind\":\"alert\",\"dataset\":"
    "\"weir.alert\",\"id\":\"e1\",\"severity\":94,\"start\":\"2026-03-02T01:00:00.000Z\",\"end\":"
    "\"2026-03-02T01:04:00.500Z\"},\"rule\":{\"id\":\"content.personal\",\"name\":\"Personal "
    "data\",\"ruleset\":\"7\"},\"threat\":{\"tactic\":{\"id\":[\"TA0010\"]},\"technique\":{\"id\":["
    "\"T1048\"],\"subtechnique\":{\"id\":[\"T1048.003\"]}}},\"source\":{\"ip\":\"10.4.0.17\"},"
    "\"destination\":{\"ip\":\"203.0.113.44\",\"port\":59957,\"domain\":\"example.jp\"},\"client\":"
    "{\"ip\":\"203.0.113.44\",\"port\":59957},\"server\":{\"ip\":\"10.4.0.17\",\"port\":80},"
    "\"network\":{\"transport\":\"tcp\",\"protocol\":\"http\",\"community_id\":\"1:abc=\","
    "\"direction\":\"inbound\"},\"url\":{\"domain\":\"p|q=\\\\\\n\\u001b[2J.jp\"}," OBSERVER
    ",\"weir\":{\"score\":94,\"urgency\":\"now\",\"incident\":\"8123cac11ed3\",\"state\":\"open\","
    "\"out_bytes\":{\"value\":46037,\"low\":46000,\"high\":47000},\"flows\":[{\"community_id\":"
    "\"1:abc=\",\"start\":\"2026-03-02T01:00:00.000Z\",\"out_bytes\":40000}],\"reasons\":[{"
    "\"text\":\"a | b = c \\\\ d\\ne\"}]}}";

/* The inside opened, IPv6, a device, silenced, no port. */
static const char silenced[] =
    "{\"@timestamp\":\"2026-03-02T01:04:07.000Z\",\"event\":{\"kind\":\"alert\",\"dataset\":"
    "\"weir.alert\",\"id\":\"e2\"},\"rule\":{\"id\":\"my.rule\"},\"source\":{\"ip\":"
    "\"2001:db8::1\",\"mac\":\"02-00-00-00-00-01\"},\"destination\":{\"ip\":\"2001:db8:f::2\","
    "\"port\":443},\"client\":{\"ip\":\"2001:db8::1\",\"port\":50000},\"server\":{\"ip\":"
    "\"2001:db8:f::2\",\"port\":443},\"host\":{\"id\":\"02:00:00:00:00:01\"},\"network\":{"
    "\"transport\":\"icmp6\",\"direction\":\"outbound\"},\"tls\":{\"client\":{\"server_name\":"
    "\"up.example\",\"ja3\":\"00ff\"}}," OBSERVER ",\"weir\":{\"score\":45,\"urgency\":\"digest\","
    "\"incident\":\"aabbccddee\",\"state\":\"close\",\"ja4\":\"t13d\",\"out_bytes\":{\"value\":999,"
    "\"low\":999,\"high\":999},\"silenced\":{\"id\":\"s1\",\"author\":\"kim\",\"reason\":"
    "\"backup\","
    "\"until\":\"2026-04-01T00:00:00.000Z\"},\"acknowledged\":{\"by\":\"lee\"},\"judged\":{"
    "\"verdict\":\"benign\",\"by\":\"kim\"},\"reasons\":[{\"p\":0.001,\"text\":\"r\"}]}}";

static const char heartbeat[] =
    "{\"@timestamp\":\"2026-03-02T01:05:00.000Z\",\"event\":{\"kind\":\"metric\",\"dataset\":"
    "\"weir.heartbeat\",\"id\":\"h1\"}," OBSERVER ",\"weir\":{\"packets\":1234,\"wire_bytes\":99,"
    "\"drops\":5,\"hosts\":3,\"hosts_ready\":2,\"incidents_open\":1,\"alerts\":4,\"store\":{"
    "\"state\":\"ready\"},\"blind\":[\"vlan 20\",\"vlan 30\"]}}";

static const char audit[] =
    "{\"@timestamp\":\"2026-03-02T01:06:00.000Z\",\"event\":{\"kind\":\"event\",\"dataset\":"
    "\"weir.audit\",\"id\":\"a1\",\"action\":\"silence.add\"},\"user\":{\"name\":\"kim\"},"
    "\"message\":\"silenced 10.0.0.1\"," OBSERVER ",\"weir\":{\"audit\":{\"id\":\"s1\"}}}";

static char *rendered(const char *format, const char *line)
{
    struct error error = {0};
    struct json_value *record = json_parse(line, strlen(line), &error);
    assert_non_null(record);
    char *text = line_format_get(format)->render(record, line, strlen(line));
    char *again = line_format_get(format)->render(record, line, strlen(line));
    assert_true(text ? strcmp(text, again) == 0 : !again);
    free(again);
    json_value_free(record);
    return text;
}

static void assert_line(const char *format, const char *line, const char *expected)
{
    char *text = rendered(format, line);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void test_table(void **state)
{
    static const char *const name[] = {"ecs", "eve", "ocsf", "cef", "text"};
    (void)state;
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        assert_non_null(line_format_get(name[i]));
        assert_string_equal(line_formats[i]->name, name[i]);
        assert_non_null(line_formats[i]->type);
    }
    assert_null(line_formats[sizeof name / sizeof *name]);
    assert_null(line_format_get("nonsense"));
    assert_null(line_format_get(""));
}

static void test_ecs(void **state)
{
    (void)state;
    assert_line("ecs", served, served);
    assert_line("ecs", audit, audit);
}

static void test_text(void **state)
{
    (void)state;
    assert_line("text", served,
                "2026-03-02T01:04:07Z NOW 94 10.4.0.17 → 203.0.113.44:59957 (example.jp) 46.0 kB "
                "(46.0 kB to 47.0 kB) out, Personal data: a | b = c \\ d?e [inc-8123ca open]");
    assert_line("text", silenced,
                "2026-03-02T01:04:07Z DIGEST 45 02:00:00:00:00:01 → [2001:db8:f::2]:443 999 B "
                "out, my.rule: r [inc-aabbcc close, silenced by kim until "
                "2026-04-01T00:00:00.000Z: backup, acknowledged by lee, judged benign by kim]");
    assert_line("text", heartbeat,
                "2026-03-02T01:05:00Z HEARTBEAT s1: 1,234 packets, 5 dropped, 3 hosts (2 ready), 1 "
                "incidents open, 4 alerts, store ready, blind: vlan 20, vlan 30");
    assert_line("text", audit, "2026-03-02T01:06:00Z AUDIT kim silence.add: silenced 10.0.0.1");
}

static void test_cef(void **state)
{
    (void)state;
    assert_line("cef", served,
                "CEF:0|Weir|weir|0.1.0|content.personal|Personal data|9|rt=1772413447201 "
                "start=1772413200000 end=1772413440500 externalId=e1 cat=weir.alert dvchost=s1 "
                "act=alerted src=10.4.0.17 spt=80 dst=203.0.113.44 dpt=59957 dhost=example.jp "
                "proto=tcp app=http out=46037 deviceDirection=0 cs1=8123cac11ed3 "
                "cs1Label=incident cs2=open cs2Label=state cs3=now cs3Label=urgency cs4=T1048.003 "
                "cs4Label=technique cs5=1:abc\\= cs5Label=communityId "
                "cs6=p|q\\=\\\\\\n?[2J.jp cs6Label=serverName cn1=94 cn1Label=score cn2=46000 "
                "cn2Label=outBytesLow cn3=47000 cn3Label=outBytesHigh msg=a | b \\= c \\\\ d\\ne");
    assert_line("cef", silenced,
                "CEF:0|Weir|weir|0.1.0|my.rule|my.rule|5|rt=1772413447000 externalId=e2 "
                "cat=weir.alert dvchost=s1 act=silenced c6a2=2001:db8::1 c6a2Label=Source IPv6 "
                "Address spt=50000 shost=02:00:00:00:00:01 c6a3=2001:db8:f::2 "
                "c6a3Label=Destination IPv6 Address dpt=443 dhost=up.example proto=icmp6 out=999 "
                "deviceDirection=1 cs1=aabbccddee cs1Label=incident cs2=close cs2Label=state "
                "cs3=digest cs3Label=urgency cs6=up.example cs6Label=serverName cn1=45 "
                "cn1Label=score cn2=999 cn2Label=outBytesLow cn3=999 cn3Label=outBytesHigh "
                "reason=silenced by kim until 2026-04-01T00:00:00.000Z: backup msg=r");
    assert_line("cef", heartbeat,
                "CEF:0|Weir|weir|0.1.0|sensor.heartbeat|Heartbeat of the sensor|0|"
                "rt=1772413500000 externalId=h1 cat=weir.heartbeat dvchost=s1 cs1=ready "
                "cs1Label=store cs2=vlan 20, vlan 30 cs2Label=blind cn1=1234 cn1Label=packets "
                "cn2=5 cn2Label=drops cn3=1 cn3Label=incidentsOpen");
    assert_line("cef", audit,
                "CEF:0|Weir|weir|0.1.0|weir.audit|silence.add|0|rt=1772413560000 externalId=a1 "
                "cat=weir.audit dvchost=s1 act=silence.add suser=kim msg=silenced 10.0.0.1");
}

static void test_cef_header(void **state)
{
    static const char line[] =
        "{\"event\":{\"kind\":\"alert\",\"dataset\":\"weir.alert\"},\"rule\":{\"id\":\"a|b\\\\c=\","
        "\"name\":\"one\\r\\ntwo\\u0007\"},\"weir\":{\"score\":-3}}";
    (void)state;
    assert_line("cef", line, "CEF:0|Weir|weir||a\\|b\\\\c=|one  two?|0|cat=weir.alert act=alerted");
}

static void test_eve(void **state)
{
    char *text = rendered("eve", served), expected[2048];
    uint64_t flow = hash64("1:abc=", 6, 0) & ((UINT64_C(1) << 51) - 1);
    uint64_t signature = 1000000000 + hash64("content.personal", 16, 0) % 1000000000;
    (void)state;
    int size = snprintf(
        expected, sizeof expected,
        "{\"timestamp\":\"2026-03-02T01:04:07.201000+0000\",\"flow_id\":%llu,\"host\":\"s1\","
        "\"event_type\":\"alert\",\"src_ip\":\"10.4.0.17\",\"src_port\":80,\"dest_ip\":"
        "\"203.0.113.44\",\"dest_port\":59957,\"proto\":\"TCP\",\"community_id\":\"1:abc=\","
        "\"app_proto\":\"http\",\"direction\":\"to_client\",\"alert\":{\"action\":\"allowed\","
        "\"gid\":1,\"signature_id\":%llu,\"rev\":1,\"signature\":\"Personal data\",\"category\":"
        "\"Information Leak\",\"severity\":1,\"metadata\":{\"mitre_tactic_id\":[\"TA0010\"],"
        "\"mitre_tactic_name\":[\"Exfiltration\"],\"mitre_technique_id\":[\"T1048.003\"],"
        "\"mitre_technique_name\":[\"Exfiltration_Over_Unencrypted_Non-C2_Protocol\"],"
        "\"signature_severity\":[\"Critical\"]}},\"http\":{\"hostname\":"
        "\"p|q=\\\\\\n\\u001B[2J.jp\"},\"flow\":{\"bytes_toclient\":40000,\"start\":"
        "\"2026-03-02T01:00:00.000000+0000\",\"src_ip\":\"203.0.113.44\",\"dest_ip\":"
        "\"10.4.0.17\",\"src_port\":59957,\"dest_port\":80},\"weir\":{\"id\":\"e1\",",
        (unsigned long long)flow, (unsigned long long)signature);
    assert_memory_equal(text, expected, (size_t)size);
    free(text);
}

/* What consumers may have written down already must never change. */
static void test_eve_numbers_are_stable(void **state)
{
    char *text = rendered("eve", served);
    struct json_value *root = json_parse(text, strlen(text), NULL);
    int64_t flow = 0, signature = 0;
    (void)state;
    assert_true(json_whole(json_find(root, "flow_id"), &flow));
    assert_true(json_whole(json_find(root, "alert.signature_id"), &signature));
    assert_int_equal(flow, INT64_C(621009968146941));
    assert_int_equal(signature, 1344481761);
    json_value_free(root);
    free(text);
}

static void assert_part(const char *format, const char *line, const char *part)
{
    char *text = rendered(format, line);
    if (!strstr(text, part))
        fail_msg("%s has no %s", text, part);
    free(text);
}

static void test_eve_others(void **state)
{
    (void)state;
    assert_part("eve", silenced, "\"proto\":\"IPv6-ICMP\",\"direction\":\"to_server\"");
    assert_part("eve", silenced,
                "\"tls\":{\"sni\":\"up.example\",\"ja3\":{\"hash\":\"00ff\"},\"ja4\":\"t13d\"}");
    assert_part("eve", silenced, "\"severity\":3,");
    assert_part("eve", silenced, "\"silenced\":{\"id\":\"s1\",");
    assert_part("eve", silenced, "\"host\":{\"id\":\"02:00:00:00:00:01\"}");
    assert_line("eve", heartbeat,
                "{\"timestamp\":\"2026-03-02T01:05:00.000000+0000\",\"host\":\"s1\",\"event_type\":"
                "\"stats\",\"stats\":{\"capture\":{\"kernel_drops\":5},\"decoder\":{\"pkts\":1234,"
                "\"bytes\":99},\"detect\":{\"alert\":4}},\"weir\":{\"id\":\"h1\",\"packets\":1234,"
                "\"wire_bytes\":99,\"drops\":5,\"hosts\":3,\"hosts_ready\":2,\"incidents_open\":1,"
                "\"alerts\":4,\"store\":{\"state\":\"ready\"},\"blind\":[\"vlan 20\",\"vlan 30\"],"
                "\"version\":\"0.1.0\"}}");
    assert_line("eve", audit,
                "{\"timestamp\":\"2026-03-02T01:06:00.000000+0000\",\"host\":\"s1\",\"event_type\":"
                "\"audit\",\"audit\":{\"action\":\"silence.add\",\"user\":\"kim\",\"message\":"
                "\"silenced 10.0.0.1\"},\"weir\":{\"id\":\"a1\",\"audit\":{\"id\":\"s1\"},"
                "\"version\":\"0.1.0\"}}");
}

static void test_ocsf(void **state)
{
    static const char begins[] =
        "{\"activity_id\":1,\"activity_name\":\"Create\",\"category_uid\":2,\"category_name\":"
        "\"Findings\",\"class_uid\":2004,\"class_name\":\"Detection Finding\",\"type_uid\":200401,"
        "\"type_name\":\"Detection Finding: Create\",\"time\":1772413447201,\"start_time\":"
        "1772413200000,\"end_time\":1772413440500,\"severity_id\":5,\"severity\":\"Critical\","
        "\"status_id\":1,\"status\":\"New\",\"is_alert\":true,\"risk_score\":94,";
    char *text = rendered("ocsf", served);
    (void)state;
    assert_memory_equal(text, begins, sizeof begins - 1);
    free(text);
    assert_part("ocsf", served,
                "\"evidences\":[{\"src_endpoint\":{\"ip\":\"203.0.113.44\",\"port\":59957},"
                "\"dst_endpoint\":{\"ip\":\"10.4.0.17\",\"port\":80,\"hostname\":\"p|q");
    assert_part("ocsf", served,
                "\"attacks\":[{\"tactic\":{\"uid\":\"TA0010\",\"name\":\"Exfiltration\"},"
                "\"technique\":{\"uid\":\"T1048\",\"name\":\"Exfiltration Over Alternative "
                "Protocol\"},\"sub_technique\":{\"uid\":\"T1048.003\",");
    assert_part("ocsf", silenced, "\"activity_id\":3,");
    assert_part("ocsf", silenced, "\"status_id\":3,\"status\":\"Suppressed\",\"is_alert\":false,");
    assert_part("ocsf", silenced, "\"analytic\":{\"uid\":\"my.rule\",\"type_id\":3,");
    assert_part("ocsf", silenced,
                "\"device\":{\"type_id\":0,\"type\":\"Unknown\",\"uid\":\"02:00:00:00:00:01\","
                "\"ip\":\"2001:db8::1\",\"mac\":\"02-00-00-00-00-01\"}");
    assert_part("ocsf", heartbeat,
                "\"class_uid\":0,\"class_name\":\"Base Event\",\"type_uid\":99,");
    assert_part("ocsf", audit, "\"activity_name\":\"silence.add\",");
    assert_part("ocsf", audit, "\"unmapped\":{\"user\":{\"name\":\"kim\"},\"weir\":{\"audit\":");
}

/* Records of another shape: nothing is claimed of them, and nothing breaks. */
static void test_strange_records(void **state)
{
    static const char *const line[] = {
        "{}",
        "[]",
        "{\"event\":7}",
        "{\"event\":{\"kind\":\"alert\",\"dataset\":\"weir.heartbeat\"}}",
        "{\"event\":{\"kind\":\"alert\",\"dataset\":\"weir.alert\"}}",
        "{\"event\":{\"kind\":\"metric\",\"dataset\":\"weir.heartbeat\"}}",
        "{\"event\":{\"kind\":\"event\",\"dataset\":\"weir.audit\"}}",
        "{\"@timestamp\":\"2026-13-02T01:04:07.201Z\",\"event\":{\"kind\":\"alert\",\"dataset\":"
        "\"weir.alert\"},\"weir\":[],\"source\":{\"ip\":7},\"destination\":{\"ip\":\"\"},"
        "\"rule\":{\"id\":[]}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof line / sizeof *line; i++)
        for (size_t k = 0; line_formats[k]; k++) {
            char *text = rendered(line_formats[k]->name, line[i]);
            assert_int_equal(text != NULL, i >= 4 || k == 0);
            free(text);
        }
}

static void test_long_text_is_cut(void **state)
{
    char *line = malloc(20000), *text;
    int size = sprintf(line, "{\"event\":{\"kind\":\"alert\",\"dataset\":\"weir.alert\"},\"weir\":"
                             "{\"reasons\":[{\"text\":\"");
    (void)state;
    for (int i = 0; i < 3000; i++)
        size += sprintf(line + size, "é=");
    strcpy(line + size, "\"}]}}");
    for (size_t k = 1; line_formats[k]; k++) {
        if (strcmp(line_formats[k]->name, "eve") == 0)
            continue; /* "weir" is as it was written: ecs.c bounds it */
        text = rendered(line_formats[k]->name, line);
        assert_non_null(strstr(text, "…"));
        assert_true(strcmp(line_formats[k]->name, "ocsf") == 0 || strlen(text) < 2100);
        free(text);
    }
    free(line);
}

static void test_attack_names(void **state)
{
    (void)state;
    assert_string_equal(attack_name("TA0011"), "Command and Control");
    assert_string_equal(attack_name("T1567.002"), "Exfiltration to Cloud Storage");
    assert_null(attack_name("T9999"));
    assert_null(attack_name(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_ecs),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_cef),
        cmocka_unit_test(test_cef_header),
        cmocka_unit_test(test_eve),
        cmocka_unit_test(test_eve_numbers_are_stable),
        cmocka_unit_test(test_eve_others),
        cmocka_unit_test(test_ocsf),
        cmocka_unit_test(test_strange_records),
        cmocka_unit_test(test_long_text_is_cut),
        cmocka_unit_test(test_attack_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
