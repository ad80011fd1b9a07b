/* The configuration, key by key: what is taken, what is refused and where, and that what is shown
 * is read again as it was. */
#include "../../../sensor/config/config_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "conf.yaml"

static int read_text(struct config *config, const char *text, struct error *error)
{
    int result = config_read_text(config, NAME, text, strlen(text), error);
    if (result != 0 && strncmp(error->message, NAME, strlen(NAME)) != 0)
        fail_msg("\"%s\" does not begin with the file's name", error->message);
    return result;
}

static void expect_refused(const char *text, const char *place, const char *words)
{
    struct config config;
    struct error error = {0};
    config_init(&config);
    if (read_text(&config, text, &error) == 0)
        fail_msg("taken: %s", text);
    assert_int_equal(error.code, ERROR_USAGE);
    if (strncmp(error.message + strlen(NAME), place, strlen(place)) != 0 ||
        !strstr(error.message, words))
        fail_msg("%s: \"%s\": expected it at %s, with \"%s\"", text, error.message, place, words);
    config_fini(&config);
}

static void read_good(struct config *config, const char *text)
{
    struct error error = {0};
    config_init(config);
    if (read_text(config, text, &error) != 0)
        fail_msg("%s: %s", text, error.message);
}

/* --- values that are taken -------------------------------------------------------------------- */

static void test_defaults(void **state)
{
    struct error error = {0};
    struct config config;
    (void)state;
    config_init(&config);
    assert_int_equal(config_finish(&config, &error), 0);
    assert_string_equal(config.sensor_name, "weir");
    assert_string_equal(config.state_dir, "");
    assert_string_equal(config.timezone, "UTC");
    assert_string_equal(config.redis_url, "embedded");
    assert_string_equal(config.filter, "");
    assert_int_equal(config.work_start, 8);
    assert_int_equal(config.work_end, 18);
    assert_int_equal(config.work_days, 0x1f);
    assert_int_equal(config.max_hosts, 100000);
    assert_int_equal(config.baseline_days, 400);
    assert_int_equal(config.journal_days, 400);
    assert_int_equal(config.access_days, 400);
    assert_int_equal(config.access_log, ACCESS_LOG_ON);
    assert_false(config.pseudonyms);
    assert_int_equal(config.journal_mib, 1024);
    assert_int_equal(config.cache_mib, 512);
    assert_int_equal(config.detect.learn_days, 7);
    assert_false(config.inside_set);
    assert_false(config.by_device);
    struct ip inside, outside;
    ip_parse("192.168.1.1", &inside);
    ip_parse("192.0.2.1", &outside);
    assert_true(prefix_set_has(&config.inside.everywhere, &inside));
    assert_false(prefix_set_has(&config.inside.everywhere, &outside));
    config_fini(&config);
}

static void test_tunnel_ports(void **state)
{
    struct config config;
    struct error error = {0};
    char ports[400] = "capture.tunnel_ports={l2tp: [1";
    (void)state;
    read_good(&config,
              "capture:\n  tunnel_ports: {vxlan: [4789, 14789], geneve: [8472], gtpu: []}\n");
    char *text = config_text(&config);
    assert_non_null(strstr(text, "tunnel_ports: {vxlan: [4789, 14789], geneve: [8472], gtpu: [], "
                                 "teredo: [3544], l2tp: [1701]"));
    free(text);
    for (int port = 2; port < 40; port++)
        sprintf(ports + strlen(ports), ", %d", port);
    strcat(ports, "]}");
    assert_int_equal(config_set(&config, ports, &error), -1);
    assert_non_null(strstr(error.message, "more than 32 ports"));
    config_fini(&config);
}

static void test_patterns(void **state)
{
    struct config config;
    struct error error = {0};
    char most[8192] = "content.patterns=[";
    (void)state;
    read_good(&config,
              "content:\n  patterns:\n    - {name: project-code, pattern: \"PRJ-\\\\d+\"}\n"
              "    - name: b\n      pattern: 'a\"b'\nprivacy: {content_samples: true}\n");
    assert_int_equal(config.pattern_count, 2);
    assert_string_equal(config.pattern[0].name, "project-code");
    assert_string_equal(config.pattern[0].pattern, "PRJ-\\d+");
    assert_string_equal(config.pattern[1].pattern, "a\"b");
    assert_non_null(strstr(config.pattern[1].place, ":5:16: content.patterns[1].pattern"));
    assert_true(config.content_samples);
    char *text = config_text(&config);
    assert_non_null(strstr(text, "  patterns: [{name: project-code, pattern: \"PRJ-\\\\d+\"}, "
                                 "{name: b, pattern: \"a\\\"b\"}]\n"));
    assert_non_null(strstr(text, "  content_samples: true\n"));
    free(text);
    for (int i = 0; i < 65; i++)
        sprintf(most + strlen(most), "%s{name: p%d, pattern: x}", i ? ", " : "", i);
    strcat(most, "]");
    assert_int_equal(config_set(&config, most, &error), -1);
    assert_non_null(strstr(error.message, "at most 64"));
    config_fini(&config);
}

static void test_every_key(void **state)
{
    struct config config;
    struct ip ip;
    (void)state;
    read_good(&config,
              "sensor: {name: span-1, state_dir: /var/lib/weir, user: nobody}\n"
              "site:\n"
              "  timezone: Asia/Tokyo\n"
              "  work_hours: \"07-19\"\n"
              "  work_days: \"sun-thu\"\n"
              "  holidays: [2026-02-11, \"2026-02-23\"]\n"
              "networks: {inside: [10.4.0.0/16, \"fd00::/8\"], identity: device}\n"
              "capture: {filter: tcp port 80, workers: 2, snaplen: 1500, buffer_mib: 8,\n"
              "  interfaces: [span0, {name: span1, vantage: dmz}, {name: span2}]}\n"
              "redis: {url: \"unix:/run/redis.sock\"}\n"
              "metrics: {listen: \"[::1]:9477\"}\n"
              "evidence: {enabled: true, mib: 64, segment_mib: 16, handshake_bytes: 0}\n"
              "privacy: {retention_days: {baselines: 30, journal: 90, access: 60, evidence: 7},\n"
              "  pseudonyms: true, access_log: required}\n"
              "baseline: {max_hosts: 5, cache_mib: 3}\n"
              "detection: {alerts_per_100_hosts_per_day: 0.25, learn_days: 14}\n"
              "alerts:\n"
              "  journal_mib: 128\n"
              "  sinks:\n"
              "    - {type: file, path: /tmp/a}\n"
              "    - {type: stdout, format: ecs}\n");
    assert_string_equal(config.sensor_name, "span-1");
    assert_string_equal(config.state_dir, "/var/lib/weir");
    assert_string_equal(config.timezone, "Asia/Tokyo");
    assert_string_equal(config.user, "nobody");
    assert_int_equal(config.workers, 2);
    assert_true(config.evidence.enabled);
    assert_int_equal(config.evidence.mib, 64);
    assert_int_equal(config.evidence.handshake_bytes, 0);
    assert_int_equal(config.evidence.kept_mib, 1024);
    assert_int_equal(config.evidence.days, 7);
    struct error small = {0};
    assert_int_equal(config_check_evidence(&config, &small), 0);
    config.evidence.mib = 63;
    assert_int_equal(config_check_evidence(&config, &small), -1);
    assert_non_null(strstr(small.message, "expected at least 64"));
    assert_int_equal(config.snaplen, 1500);
    assert_int_equal(config.buffer_mib, 8);
    assert_int_equal(config.interface_count, 3);
    assert_string_equal(config.interface[1].name, "span1");
    assert_string_equal(config.interface[1].vantage, "dmz");
    assert_int_equal(config_vantage(&config, 0), 0); /* "" */
    assert_int_equal(config_vantage(&config, 1), 1);
    assert_int_equal(config_vantage(&config, 2), 0);
    assert_int_equal(config.work_start, 7);
    assert_int_equal(config.work_end, 19);
    assert_int_equal(config.work_days, 0x4f); /* Monday to Thursday, and Sunday */
    assert_int_equal(config.holiday_count, 2);
    assert_string_equal(config.holiday[0], "2026-02-11");
    assert_string_equal(config.holiday[1], "2026-02-23");
    assert_true(config.inside_set);
    assert_true(config.by_device);
    assert_int_equal(config.inside.everywhere.count, 2);
    ip_parse("10.4.9.9", &ip);
    assert_true(prefix_set_has(&config.inside.everywhere, &ip));
    ip_parse("10.5.9.9", &ip);
    assert_false(prefix_set_has(&config.inside.everywhere, &ip)); /* it replaces the default */
    assert_string_equal(config.filter, "tcp port 80");
    assert_string_equal(config.redis_url, "unix:/run/redis.sock");
    assert_string_equal(config.metrics_listen, "[::1]:9477");
    assert_int_equal(config.max_hosts, 5);
    assert_int_equal(config.baseline_days, 30);
    assert_int_equal(config.journal_days, 90);
    assert_int_equal(config.access_days, 60);
    assert_int_equal(config.access_log, ACCESS_LOG_REQUIRED);
    assert_true(config.pseudonyms);
    assert_int_equal(config.journal_mib, 128);
    assert_int_equal(config.cache_mib, 3);
    assert_true(config.detect.alerts_per_100_hosts_per_day > 0.2499 &&
                config.detect.alerts_per_100_hosts_per_day < 0.2501);
    assert_int_equal(config.detect.learn_days, 14);
    assert_int_equal(config.sink_count, 2);
    assert_string_equal(config.sink[0].type, "file");
    assert_string_equal(sink_text(&config.sink[0], "path"), "/tmp/a");
    assert_string_equal(config.sink[0].format, "ecs");
    assert_string_equal(config.sink[1].type, "stdout");
    config_fini(&config);
}

static void expect_stable(const struct config *config)
{
    struct config again;
    struct error error = {0};
    char *first = config_text(config);
    config_init(&again);
    if (read_text(&again, first, &error) != 0)
        fail_msg("%s\n%s", error.message, first);
    assert_int_equal(config_finish(&again, &error), 0);
    char *second = config_text(&again);
    assert_string_equal(first, second);
    free(first);
    free(second);
    config_fini(&again);
}

static bool inside_at(const struct config *config, const char *text, uint16_t vlan, uint8_t vantage)
{
    struct ip ip;
    assert_int_equal(ip_parse(text, &ip), 0);
    return inside_has(&config->inside, &ip, vlan, vantage);
}

/* Interfaces may be named further down, and -i may name others. */
static void test_inside_places(void **state)
{
    struct config config;
    struct error error = {0};
    (void)state;
    read_good(&config, "networks:\n"
                       "  inside:\n"
                       "    - 198.51.100.0/24\n"
                       "    - {vlan: 20}\n"
                       "    - {nets: [192.0.2.0/24], vlan: 0, interface: span1}\n"
                       "capture: {interfaces: [span0, {name: span1, vantage: dmz}]}\n");
    assert_int_equal(config_finish(&config, &error), 0);
    assert_true(inside_at(&config, "198.51.100.1", 5, 1));
    assert_true(inside_at(&config, "10.0.0.1", 20, 0)); /* the default's, there */
    assert_true(inside_at(&config, "fd00::1", 20, 1));
    assert_false(inside_at(&config, "10.0.0.1", 21, 0));
    assert_true(inside_at(&config, "192.0.2.1", 0, 1));
    assert_false(inside_at(&config, "192.0.2.1", 0, 0));
    assert_false(inside_at(&config, "192.0.2.1", 20, 1));
    expect_stable(&config);
    assert_int_equal(config_add_interface(&config, "eth0", true, &error), 0);
    assert_int_equal(config_finish(&config, &error), -1);
    assert_non_null(strstr(error.message, ":5:7: networks.inside: interface \"span1\", expected "
                                          "one of capture.interfaces"));
    assert_int_equal(config_add_inside(&config, "192.0.2.0/24", true, &error), 0);
    assert_int_equal(config_finish(&config, &error), 0); /* --inside replaces places too */
    assert_false(inside_at(&config, "10.0.0.1", 20, 0));
    config_fini(&config);
}

/* What leaves a host that is not the site's is not accounted: its zone would be blind. */
static void test_zones_are_inside(void **state)
{
    struct config config;
    struct error error = {0};
    (void)state;
    read_good(&config, "networks:\n"
                       "  inside: [10.0.0.0/8, {nets: [192.0.2.0/24], vlan: 20}]\n"
                       "  zones:\n"
                       "    - {name: control, level: 1, nets: [10.9.0.0/16, 192.0.2.128/25]}\n");
    assert_int_equal(config_finish(&config, &error), 0);
    assert_int_equal(config_add_inside(&config, "10.9.1.0/24", true, &error), 0);
    assert_int_equal(config_finish(&config, &error), -1); /* a part of it is not the whole */
    assert_string_equal(error.message, "networks.zones: control: 192.0.2.128/25 is not inside, "
                                       "expected a part of networks.inside");
    config_fini(&config);
}

static void test_too_many_places(void **state)
{
    struct config config;
    struct error error = {0};
    struct buffer b = {0};
    (void)state;
    buffer_text(&b, "networks: {inside: [");
    for (int i = 0; i < 65; i++)
        buffer_text(&b, "%s{vlan: 20}", i ? ", " : "");
    buffer_text(&b, "]}\n");
    buffer_u8(&b, 0);
    config_init(&config);
    assert_int_equal(read_text(&config, (const char *)b.data, &error), -1);
    assert_non_null(strstr(error.message, "at most 64 places"));
    config_fini(&config);
    buffer_fini(&b);
}

static void test_days(void **state)
{
    static const struct {
        const char *text;
        unsigned days;
    } row[] = {{"mon-fri", 0x1f}, {"mon-sun", 0x7f}, {"sat-sun", 0x60}, {"wed-wed", 0x04},
               {"sun-thu", 0x4f}, {"sat-wed", 0x67}, {"Mon-Fri", 0x1f}, {"fri-thu", 0x7f}};
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct config config, again;
        char text[64];
        struct error error = {0};
        snprintf(text, sizeof text, "site: {work_days: %s}\n", row[i].text);
        read_good(&config, text);
        assert_int_equal(config.work_days, row[i].days);
        assert_int_equal(config_finish(&config, &error), 0);
        char *shown = config_text(&config);
        config_init(&again);
        assert_int_equal(read_text(&again, shown, &error), 0);
        assert_int_equal(again.work_days, row[i].days);
        free(shown);
        config_fini(&again);
        config_fini(&config);
    }
}

/* --- values that are not ---------------------------------------------------------------------- */

struct wrong {
    const char *text, *place, *words;
};

static void expect_all_refused(const struct wrong *row, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_refused(row[i].text, row[i].place, row[i].words);
}

static void test_wrong_content(void **state)
{
    static const struct wrong row[] = {
        {"content: {patterns: {name: a}}\n", ":1:21: content.patterns: is a mapping", "a list"},
        {"content: {patterns: [{name: A, pattern: x}]}\n", ":1:29: content.patterns: \"A\"",
         "of a-z, 0-9 and -"},
        {"content: {patterns: [{name: a, pattern: x}, {name: a, pattern: y}]}\n",
         ":1:52: content.patterns: \"a\"", "a name of its own"},
        {"content: {patterns: [{name: a}]}\n", ":1:22: content.patterns", "a name and a pattern"},
        {"content: {patterns: [{name: a, pattern: x, flags: i}]}\n", ":1:44: content.patterns",
         "\"flags\""},
        {"content: {patterns: [{name: a, pattern: \"\"}]}\n", ":1:41: content.patterns",
         "1 to 512 bytes"},
        {"privacy: {content_samples: 1}\n", ":1:28: privacy.content_samples: \"1\"",
         "true or false"},
    };
    (void)state;
    expect_all_refused(row, sizeof row / sizeof *row);
}

static void test_wrong_values(void **state)
{
    static const struct wrong row[] = {
        {"sensor: {name: [a]}\n", ":1:16: sensor.name: is a list", "1 to 64"},
        {"sensor: {name: \"\"}\n", ":1:16: sensor.name", "1 to 64"},
        {"sensor:\n  state_dir: {}\n", ":2:14: sensor.state_dir: is a mapping", "a folder"},
        {"site: {timezone: []}\n", ":1:18: site.timezone: is a list", "Asia/Tokyo"},
        {"site: {work_hours: 8-25}\n", ":1:20: site.work_hours", "08-18"},
        {"site: {work_hours: 18-08}\n", ":1:20: site.work_hours", "08-18"},
        {"site: {work_hours: 08-18x}\n", ":1:20: site.work_hours", "08-18"},
        {"site: {work_hours: 8}\n", ":1:20: site.work_hours", "08-18"},
        {"site: {work_days: mon}\n", ":1:19: site.work_days", "mon-fri"},
        {"site: {work_days: mon-xyz}\n", ":1:19: site.work_days", "mon-fri"},
        {"site: {work_days: [mon]}\n", ":1:19: site.work_days: is a list", "mon-fri"},
        {"site: {holidays: 2026-01-01}\n", ":1:18: site.holidays", "a list"},
        {"site: {holidays: [2026-1-1]}\n", ":1:19: site.holidays", "YYYY-MM-DD"},
        {"networks: {inside: 10.0.0.0/8}\n", ":1:20: networks.inside", "a list"},
        {"networks: {inside: []}\n", ":1:20: networks.inside", "a list"},
        {"networks:\n  inside:\n    - 10.0.0.0/8\n    - 300.0.0.0/8\n", ":4:7: networks.inside",
         "300.0.0.0/8"},
        {"networks: {inside: [[10.0.0.0/8]]}\n", ":1:21: networks.inside: is a list", "a prefix"},
        {"networks: {inside: [{nets: [10.0.0.0/8]}]}\n", ":1:21: networks.inside: is a mapping",
         "a place with vlan: or interface:"},
        {"networks: {inside: [{vlan: 4095}]}\n", ":1:28: networks.inside", "0 (untagged) to 4094"},
        {"networks: {inside: [{vlan: \"20\"}]}\n", ":1:28: networks.inside", "a VLAN id"},
        {"networks: {inside: [{vlan: 20, nets: []}]}\n", ":1:38: networks.inside", "nets: a list"},
        {"networks: {inside: [{vlan: 20, nets: [x]}]}\n", ":1:39: networks.inside", "\"x\""},
        {"networks: {inside: [{interface: []}]}\n", ":1:33: networks.inside", "interface: a name"},
        {"networks: {inside: [{port: 20}]}\n", ":1:22: networks.inside", "nets, vlan or interface"},
        {"networks: {identity: mac}\n", ":1:22: networks.identity", "address or device"},
        {"networks: {identity: []}\n", ":1:22: networks.identity", "address or device"},
        {"capture: {filter: [tcp]}\n", ":1:19: capture.filter: is a list", "BPF"},
        {"capture: {interfaces: span0}\n", ":1:23: capture.interfaces", "a list"},
        {"capture: {interfaces: [{vantage: a}]}\n", ":1:24: capture.interfaces", "{name: span0"},
        {"capture: {interfaces: [{name: a, speed: 1}]}\n", ":1:34: capture.interfaces",
         "\"speed\""},
        {"capture: {interfaces: [a, b, a]}\n", ":1:30: capture.interfaces", "a is named twice"},
        {"capture: {interfaces: [a/b]}\n", ":1:24: capture.interfaces", "at most 15"},
        {"capture: {workers: 17}\n", ":1:20: capture.workers", "from 0 to 16"},
        {"capture: {snaplen: 10}\n", ":1:20: capture.snaplen", "from 64 to 262144"},
        {"capture: {buffer_mib: 0}\n", ":1:23: capture.buffer_mib", "from 1 to 2047"},
        {"capture: {tunnel_ports: [4789]}\n", ":1:25: capture.tunnel_ports: is a list",
         "a mapping such as {vxlan: [4789, 8472]}"},
        {"capture: {tunnel_ports: {vxlan: 4789}}\n", ":1:33: capture.tunnel_ports: \"4789\"",
         "a list of UDP ports"},
        {"capture: {tunnel_ports: {vxlan: [0]}}\n", ":1:34: capture.tunnel_ports",
         "from 1 to 65535"},
        {"capture: {tunnel_ports: {stt: [7471]}}\n", ":1:26: capture.tunnel_ports: unknown tunnel",
         "vxlan, geneve, gtpu, teredo, l2tp"},
        {"capture: {tunnel_ports: {geneve: [6081, 4789]}}\n", ":1:41: capture.tunnel_ports",
         "port 4789 is vxlan already"},
        {"sensor: {user: []}\n", ":1:16: sensor.user: is a list", "a user"},
        {"redis: {url: {}}\n", ":1:14: redis.url: is a mapping", "embedded"},
        {"privacy: {retention_days: 400}\n", ":1:27: privacy.retention_days", "a mapping"},
        {"privacy: {retention_days: {diaries: 4}}\n", ":1:37: privacy.retention_days",
         "known: access, baselines, evidence, journal"},
        {"privacy: {retention_days: {baselines: 0}}\n", ":1:39: privacy.retention_days",
         "a whole number"},
        {"privacy: {pseudonyms: \"true\"}\n", ":1:23: privacy.pseudonyms", "true or false"},
        {"privacy: {access_log: must}\n", ":1:23: privacy.access_log", "true, false or required"},
        {"privacy: {retention_days: {journal: 9999}}\n", ":1:37: privacy.retention_days",
         "a whole number"},
        {"evidence: true\n", ":1:11: evidence: \"true\"", "a mapping of keys"},
        {"evidence: {enabled: 1}\n", ":1:21: evidence.enabled: \"1\"", "true or false"},
        {"evidence: {mib: 1}\n", ":1:17: evidence.mib: \"1\"", "a whole number from 2"},
        {"evidence: {segment_mib: 65}\n", ":1:25: evidence.segment_mib: \"65\"",
         "a whole number from 1 to 64"},
        {"evidence: {zones: all}\n", ":1:12: unknown key \"evidence.zones\"",
         "enabled, mib, segment_mib"},
        {"alerts: {journal_mib: 127}\n", ":1:23: alerts.journal_mib", "a whole number"},
        {"baseline: {max_hosts: 0}\n", ":1:23: baseline.max_hosts", "a whole number"},
        {"baseline: {max_hosts: 1e9}\n", ":1:23: baseline.max_hosts", "a whole number"},
        {"baseline: {max_hosts: 1.5}\n", ":1:23: baseline.max_hosts", "a whole number"},
        {"baseline: {max_hosts: nan}\n", ":1:23: baseline.max_hosts", "a whole number"},
        {"baseline: {max_hosts: 10 hosts}\n", ":1:23: baseline.max_hosts", "a whole number"},
        {"baseline: {cache_mib: 0}\n", ":1:23: baseline.cache_mib", "a whole number"},
        {"baseline: {cache_mib: 1048577}\n", ":1:23: baseline.cache_mib", "a whole number"},
        {"detection: {learn_days: 0}\n", ":1:25: detection.learn_days", "1 to 90"},
        {"detection: {learn_days: 91}\n", ":1:25: detection.learn_days", "1 to 90"},
        {"detection: {learn_days: \"7\"}\n", ":1:25: detection.learn_days", "1 to 90"},
        {"detection: {learn_days: true}\n", ":1:25: detection.learn_days", "1 to 90"},
        {"detection: {alerts_per_day: 0}\n", ":1:29: detection.alerts_per_day", "above 0"},
        {"detection: {alerts_per_day: 2, alerts_per_100_hosts_per_day: 1}\n",
         ":1:62: detection.alerts_per_100", "not both"},
        {"detection: {alerts_per_100_hosts_per_day: 1, alerts_per_day: 2}\n",
         ":1:62: detection.alerts_per_day", "not both"},
        {"detection: {alerts_per_100_hosts_per_day: -1}\n", ":1:43: detection.alerts_per",
         "above 0"},
        {"detection: {alerts_per_100_hosts_per_day: 101}\n", ":1:43: detection.alerts_per",
         "at most 100"},
        {"alerts: {sinks: {type: file}}\n", ":1:17: alerts.sinks: is a mapping", "a list"},
        {"alerts: {sinks: [file]}\n", ":1:18: alerts.sinks", "{type: file"},
        {"alerts: {sinks: [{path: a}]}\n", ":1:18: alerts.sinks", "type: one of file, "},
        {"alerts: {sinks: [{type: file}]}\n", ":1:18: alerts.sinks", "needs path:"},
        {"alerts: {sinks: [{type: pigeon, path: a}]}\n", ":1:25: alerts.sinks: \"pigeon\"",
         ", stdout"},
        {"alerts: {sinks: [{type: [file]}]}\n", ":1:25: alerts.sinks: is a list", "one of file, "},
        {"alerts: {sinks: [{type: stdout, format: csv}]}\n", ":1:41: alerts.sinks: \"csv\"",
         "one of: ecs"},
    };
    (void)state;
    expect_all_refused(row, sizeof row / sizeof *row);
}

static void test_unknown_keys(void **state)
{
    (void)state;
    expect_refused("metrics: {listen: localhost:80}\n", ":1:19: ", "such as 127.0.0.1:9477");
    expect_refused("sit: {}\n", ":1:1: unknown key \"sit\"", "sensor, site, networks");
    expect_refused("site: {}\nsite2: {}\n", ":2:1: unknown key \"site2\"", "expected one of");
    expect_refused("site:\n  time: UTC\n", ":2:3: unknown key \"site.time\"",
                   "timezone, work_hours, work_days, holidays");
    expect_refused("alerts:\n  sinks:\n    - type: file\n      paths: a\n", ":4:7: ", "\"paths\"");
    expect_refused("site: 5\n", ":1:7: site: \"5\"", "a mapping of keys");
    expect_refused("- site\n", ":1:1: the file: is a list", "a mapping of sections");
    expect_refused("site\n", ":1:1: ", "a mapping of sections");
}

/* The table and the text agree: every key that is known is listed as expected in its section. */
static void test_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_rows; i++) {
        char text[128], name[64];
        const char *dot = strchr(config_row[i].key, '.');
        if (!dot) { /* a key by itself */
            snprintf(text, sizeof text, "%s: {zzz: 1}\n", config_row[i].key);
            expect_refused(text, ":1:", "is a mapping, expected a list");
            expect_refused("zzz: {}\n", ":1:1:", config_row[i].key);
            continue;
        }
        snprintf(name, sizeof name, "%.*s", (int)(dot - config_row[i].key), config_row[i].key);
        snprintf(text, sizeof text, "%s: {zzz: 1}\n", name);
        expect_refused(text, ":1:", dot + 1);
        expect_refused("zzz: {}\n", ":1:1:", name);
    }
}

static void test_too_many(void **state)
{
    struct buffer b = {0};
    (void)state;
    buffer_text(&b, "alerts:\n  sinks:\n");
    for (int i = 0; i < CONFIG_SINKS; i++)
        buffer_text(&b, "    - {type: stdout}\n");
    buffer_u8(&b, 0);
    expect_refused((const char *)b.data, ":19:7: alerts.sinks", "at most 16");
    b.size = 0;
    buffer_text(&b, "site:\n  holidays:\n");
    for (int i = 0; i < CONFIG_HOLIDAYS + 1; i++)
        buffer_text(&b, "    - 2026-01-01\n");
    buffer_u8(&b, 0);
    expect_refused((const char *)b.data, ":369:7: site.holidays", "at most 366");
    buffer_fini(&b);
}

/* --- the command line ------------------------------------------------------------------------- */

static void expect_set_refused(const char *assignment, const char *words)
{
    struct config config;
    struct error error = {0};
    config_init(&config);
    assert_int_equal(config_set(&config, assignment, &error), -1);
    assert_int_equal(error.code, ERROR_USAGE);
    if (!strstr(error.message, "--set") || !strstr(error.message, words))
        fail_msg("%s: \"%s\": expected \"%s\"", assignment, error.message, words);
    config_fini(&config);
}

static void test_set(void **state)
{
    struct config config;
    struct error error = {0};
    (void)state;
    config_init(&config);
    assert_int_equal(config_set(&config, "detection.learn_days=3", &error), 0);
    assert_int_equal(config.detect.learn_days, 3);
    assert_int_equal(config_set(&config, "networks.inside=[192.0.2.0/24, 2001:db8::/32]", &error),
                     0);
    assert_int_equal(config.inside.everywhere.count, 2);
    assert_int_equal(config_set(&config, "capture.filter=", &error), 0);
    assert_string_equal(config.filter, "");
    assert_int_equal(config_set(&config, "capture.filter=host 10.0.0.1 and port = 5", &error), 0);
    assert_string_equal(config.filter, "host 10.0.0.1 and port = 5");
    config_fini(&config);
    expect_set_refused("detection.learn_days", "expected key=value");
    expect_set_refused("=5", "expected key=value");
    expect_set_refused("detection=5", "unknown key");
    expect_set_refused("detection.learn=5", "detection.learn: unknown key");
    expect_set_refused("detection.learn_days=x", "\"x\"");
    expect_set_refused("detection.learn_days=", "\"\"");
    expect_set_refused("networks.inside=[", "--set:");
    char longer[400];
    memset(longer, 'k', sizeof longer);
    strcpy(longer + 300, "=1");
    expect_set_refused(longer, "expected key=value");
}

static void test_inside(void **state)
{
    struct config config;
    struct error error = {0};
    struct ip a, b, c;
    (void)state;
    ip_parse("192.0.2.1", &a);
    ip_parse("198.51.100.1", &b);
    ip_parse("10.0.0.1", &c);
    read_good(&config, "networks: {inside: [10.0.0.0/8]}\n");
    assert_int_equal(config_add_inside(&config, "192.0.2.0/24", true, &error), 0);
    assert_int_equal(config_add_inside(&config, "198.51.100.1", false, &error), 0);
    assert_true(prefix_set_has(&config.inside.everywhere, &a));
    assert_true(prefix_set_has(&config.inside.everywhere, &b));
    assert_false(
        prefix_set_has(&config.inside.everywhere, &c)); /* the first replaces what the file said */
    assert_int_equal(config_add_inside(&config, "198.51.100.0/33", false, &error), -1);
    assert_int_equal(error.code, ERROR_USAGE);
    assert_non_null(strstr(error.message, "--inside"));
    config_fini(&config);
}

/* --- showing ---------------------------------------------------------------------------------- */

static void test_what_is_shown_is_read(void **state)
{
    struct error error = {0};
    struct config config;
    (void)state;
    config_init(&config);
    assert_int_equal(config_finish(&config, &error), 0);
    expect_stable(&config);
    char *text = config_text(&config);
    for (size_t i = 0; i < config_rows;
         i++) { /* every key is shown, of two budgets the one given */
        const char *dot = strchr(config_row[i].key, '.');
        assert_int_equal(strstr(text, dot ? dot + 1 : config_row[i].key) != NULL,
                         strcmp(config_row[i].key, "detection.alerts_per_day") != 0);
    }
    free(text);
    config_fini(&config);
    read_good(&config,
              "sensor: {name: \"a \\\"b\\\" \\\\ é\", state_dir: \"/t\\tx\\x01y\\n#: -\"}\n"
              "site: {timezone: America/St_Johns, work_hours: 00-24, work_days: sat-wed,\n"
              "       holidays: [2026-01-01, 2026-12-25]}\n"
              "networks: {inside: [10.0.0.0/8, \"::ffff:192.0.2.7\", 2001:db8::/32]}\n"
              "capture: {filter: \"host 10.0.0.1 or (vlan 5 and port 80)\"}\n"
              "redis: {url: \"redis://127.0.0.1:6380/2\"}\n"
              "detection: {alerts_per_day: 0.0123456789, learn_days: 90}\n"
              "rules: [\"/etc/a \\\"b\\\"/c, d\", /etc/weir/rules/*.yaml]\n"
              "alerts: {sinks: [{type: file, path: \"/a \\\"b\\\"/c, d\"}, {type: stdout}]}\n");
    expect_stable(&config);
    config_fini(&config);
}

/* A password is replaced by stars, and the rest is still a URL. */
static void test_passwords(void **state)
{
    static const struct {
        const char *url, *shown;
    } row[] = {
        {"redis://user:secret@host:1/2", "url: \"redis://user:***@host:1/2\""},
        {"redis://:secret@host", "url: \"redis://:***@host\""},
        {"redis://:se:cr@et@host", "url: \"redis://:***@host\""},
        {"redis://host:6379", "url: \"redis://host:6379\""},
        {"unix:///run/re@dis.sock", "url: \"unix:///run/re@dis.sock\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct config config;
        struct error error = {0};
        char assignment[128];
        config_init(&config);
        snprintf(assignment, sizeof assignment, "redis.url=%s", row[i].url);
        assert_int_equal(config_set(&config, assignment, &error), 0);
        assert_string_equal(config.redis_url, row[i].url);
        char *text = config_text(&config);
        if (!strstr(text, row[i].shown))
            fail_msg("%s: shown as\n%s", row[i].url, text);
        assert_null(strstr(text, "secret"));
        free(text);
        config_fini(&config);
    }
}

static void test_the_calendar(void **state)
{
    struct config config;
    struct error error = {0};
    (void)state;
    read_good(&config, "site: {timezone: Asia/Tokyo, work_hours: 09-17, holidays: [2026-02-11]}\n");
    struct calendar *calendar = config_calendar(&config, &error);
    assert_non_null(calendar);
    /* 2026-02-11 (a Wednesday) 01:30 UTC is 10:30 there, and a holiday; a day later it is not */
    struct ptime holiday = {INT64_C(1770773400) * NS_PER_S};
    assert_int_equal(calendar_at(calendar, holiday).hour_of_day, 10);
    assert_int_equal(calendar_at(calendar, holiday).class, HOUR_WORK_WEEKEND);
    holiday.ns += NS_PER_DAY;
    assert_int_equal(calendar_at(calendar, holiday).class, HOUR_WORK_WEEKDAY);
    calendar_free(calendar);
    config_fini(&config);
    read_good(&config, "site: {timezone: Mars/Olympus}\n");
    assert_null(config_calendar(&config, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    config_fini(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),        cmocka_unit_test(test_tunnel_ports),
        cmocka_unit_test(test_patterns),        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_inside_places),   cmocka_unit_test(test_zones_are_inside),
        cmocka_unit_test(test_too_many_places), cmocka_unit_test(test_days),
        cmocka_unit_test(test_wrong_values),    cmocka_unit_test(test_wrong_content),
        cmocka_unit_test(test_unknown_keys),    cmocka_unit_test(test_the_table),
        cmocka_unit_test(test_too_many),        cmocka_unit_test(test_set),
        cmocka_unit_test(test_inside),          cmocka_unit_test(test_what_is_shown_is_read),
        cmocka_unit_test(test_passwords),       cmocka_unit_test(test_the_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
