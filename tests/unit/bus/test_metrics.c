/* GET /metrics, read by a strict reader of the text exposition format 0.0.4: every family once,
 * with HELP and TYPE before its samples and all of these together; every sample once; names, labels
 * and values as the format has them. Then what the figures are. */
#include "weir/bus/metrics.h"

#include <ctype.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- the reader ------------------------------------------------------------------------------- */

#define SAMPLES_MAX 2048

struct sample {
    char key[512]; /* name and labels as they stand */
    double value;
};

struct reading {
    struct sample sample[SAMPLES_MAX];
    size_t count;
    char family[SAMPLES_MAX][96];
    size_t families;
    char type[16];
};

static size_t name_size(const char *text)
{
    size_t size = 0;
    while (isalnum((unsigned char)text[size]) || text[size] == '_' || text[size] == ':')
        size++;
    return isdigit((unsigned char)*text) ? 0 : size;
}

/* {a="…",b="…"}: the labels' size, with escapes of \, " and n only. */
static size_t labels_size(const char *text)
{
    const char *at = text;
    if (*at != '{')
        return 0;
    do {
        at++;
        size_t name = name_size(at);
        assert_true(name > 0 && !memchr(at, ':', name));
        at += name;
        assert_true(at[0] == '=' && at[1] == '"');
        for (at += 2; *at != '"'; at++) {
            assert_true(*at && *at != '\n');
            if (*at == '\\') {
                at++;
                assert_true(*at == '\\' || *at == '"' || *at == 'n');
            }
        }
        at++;
    } while (*at == ',');
    assert_int_equal(*at, '}');
    return (size_t)(at + 1 - text);
}

static void read_comment(struct reading *reading, const char *line, const char *next)
{
    const char *name = line + 7;
    size_t size = name_size(name);
    assert_memory_equal(line, "# HELP ", 7);
    assert_true(size > 0 && size < 96 && name[size] == ' ' && name[size + 1] != '\n');
    assert_memory_equal(name, "weir_", 5);
    assert_memory_equal(next, "# TYPE ", 7);
    assert_memory_equal(next + 7, name, size);
    assert_int_equal(sscanf(next + 7 + size, " %15s", reading->type), 1);
    for (size_t i = 0; i < reading->families; i++)
        assert_false(strlen(reading->family[i]) == size &&
                     memcmp(reading->family[i], name, size) == 0);
    memcpy(reading->family[reading->families], name, size);
    reading->family[reading->families++][size] = '\0';
    bool total = size > 6 && memcmp(name + size - 6, "_total", 6) == 0;
    assert_int_equal(strcmp(reading->type, "counter") == 0, total);
    assert_true(total || strcmp(reading->type, "gauge") == 0 ||
                strcmp(reading->type, "histogram") == 0);
}

static void read_sample(struct reading *reading, const char *line)
{
    const char *family = reading->family[reading->families - 1];
    size_t size = name_size(line), labels = labels_size(line + size);
    struct sample *sample = &reading->sample[reading->count++];
    char *end;
    assert_true(reading->count < SAMPLES_MAX && size + labels < sizeof sample->key);
    assert_memory_equal(line, family, strlen(family));
    if (size != strlen(family))
        assert_string_equal(reading->type, "histogram");
    memcpy(sample->key, line, size + labels);
    sample->key[size + labels] = '\0';
    assert_int_equal(line[size + labels], ' ');
    sample->value = strtod(line + size + labels + 1, &end);
    assert_true(*end == '\n' && !isspace((unsigned char)line[size + labels + 1]));
    for (size_t i = 0; i + 1 < reading->count; i++)
        assert_string_not_equal(reading->sample[i].key, sample->key);
}

static struct reading *read_metrics(const struct status *status)
{
    struct reading *reading = calloc(1, sizeof *reading);
    char *text = metrics_text(status);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        assert_non_null(strchr(line, '\n'));
        if (*line == '#' && line[2] == 'T')
            continue; /* seen with its HELP */
        if (*line == '#')
            read_comment(reading, line, strchr(line, '\n') + 1);
        else
            read_sample(reading, line);
    }
    free(text);
    return reading;
}

static bool has(const struct reading *reading, const char *key, double *value)
{
    for (size_t i = 0; i < reading->count; i++)
        if (strcmp(reading->sample[i].key, key) == 0) {
            *value = reading->sample[i].value;
            return true;
        }
    return false;
}

static void expect(const struct reading *reading, const char *key, double value)
{
    double found = 0;
    if (!has(reading, key, &found))
        fail_msg("no %s", key);
    if (fabs(found - value) > 1e-9 * fabs(value))
        fail_msg("%s is %.17g, not %.17g", key, found, value);
}

static void expect_none(const struct reading *reading, const char *key)
{
    double found;
    if (has(reading, key, &found))
        fail_msg("%s is there", key);
}

/* --- what is read ----------------------------------------------------------------------------- */

static const struct status_worker worker[] = {
    {0, 71, STATUS_WORKER_RUNNING, 0, 1000, 50, 60000, 4, 5, 8388608, 4096, 2.5, 6, NULL},
    {1, 0, STATUS_WORKER_WAITING, 3, 7, 0, 0, 0, 0, 8388608, 0, NAN, 0, "killed"}};
static const struct status_interface interface[] = {{"span0", "core", STATUS_INTERFACE_UP},
                                                    {"tap", "edge", STATUS_INTERFACE_GONE}};
static const struct bus_status sink[] = {
    {.name = "a\"b\\c\nd", .type = "file", .delivered = 9, .behind = 2, .oldest_s = 77},
    {.name = "out", .type = "stdout", .failures = 3, .refused = 4, .dead = true}};
static const struct health health = {.packets = UINT64_C(18000000000000000000),
                                     .wire_bytes = 12,
                                     .kernel_drops = 3,
                                     .interface_drops = 4,
                                     .flows = 5,
                                     .tcp_missing_bytes = 6,
                                     .parse_malformed = 7};
static const int64_t bound_ns[] = {1000000, 5000000000};
static const uint64_t answers[] = {10, 5, 1};
static const struct status_alerts alerts[] = {{"content.personal", {1, 2, 3}, {0, 0, 5, 1, 0}},
                                              {"rule \"x\"", {0, 0, 4}, {4}}};

static const struct status_api api[] = {{"control", {11, 12, 13, 0, 0, 0, 0, 0}},
                                        {"metrics", {14, 15, 16, 0, 0, 0, 17, 0}}};

static void test_whole(void **state)
{
    static const struct bound_count bound = {"zones_withheld", "stories of \"other\" zones", 12};
    const struct status status = {
        .sensor = "span-1",
        .version = "0.1.0",
        .started = {1772413447500000000},
        .now = {1772413507000000000},
        .generation = 2,
        .last_reload = {.known = true, .ok = false},
        .worker = worker,
        .worker_count = 2,
        .interface = interface,
        .interface_count = 2,
        .engine = {.restarts = 1,
                   .records = 20,
                   .alerts = 3,
                   .alerts_silenced = 2,
                   .silenced_bytes = 100,
                   .alerts_quiet = 1,
                   .hosts_ready = 300,
                   .hosts_learning = 112,
                   .checkpoint_age_s = 0.75,
                   .totals_late = 9,
                   .halves_joined = 5,
                   .flows_rejoined = 4,
                   .flows_drifted = 6},
        .redis = {.behind = true, .hours_unlearned = 8, .waits = {bound_ns, 2, answers, 2500000}},
        .budget = {0.01, 1.5, 4, 3},
        .alerts = alerts,
        .alert_count = 2,
        .api = api,
        .api_count = 2,
        .journal = {.durable = 8, .given_up = 10, .trouble = true},
        .courier = {.state = STATUS_WORKER_RUNNING, .restarts = 6},
        .sink = sink,
        .sink_count = 2,
        .coverage = &health,
        .bound = &bound,
        .bound_count = 1,
        .blind_count = 1,
    };
    struct reading *reading = read_metrics(&status);
    (void)state;
    expect(reading, "weir_build_info{version=\"0.1.0\",sensor=\"span-1\"}", 1);
    expect(reading, "weir_start_time_seconds", 1772413447.5);
    expect(reading, "weir_judged_time_seconds", 1772413507);
    expect(reading, "weir_config_last_reload_successful", 0);
    expect(reading, "weir_packets_total", 18e18);
    expect(reading, "weir_dropped_packets_total{kind=\"kernel\"}", 3);
    expect(reading, "weir_dropped_packets_total{kind=\"interface\"}", 4);
    expect(reading, "weir_tcp_missing_bytes", 6);
    expect(reading, "weir_coverage_parse_malformed_total", 7);
    expect_none(reading, "weir_coverage_tcp_missing_bytes_total");
    expect(reading, "weir_bound_zones_withheld_total", 12);
    expect(reading, "weir_worker_up{worker=\"0\"}", 1);
    expect(reading, "weir_worker_up{worker=\"1\"}", 0);
    expect(reading, "weir_worker_ring_lasts_seconds{worker=\"0\"}", 2.5);
    expect_none(reading, "weir_worker_ring_lasts_seconds{worker=\"1\"}");
    expect(reading, "weir_worker_restarts_total{worker=\"1\"}", 3);
    expect(reading, "weir_worker_ring_used_bytes{worker=\"0\"}", 4096);
    expect(reading, "weir_interface_up{interface=\"tap\",vantage=\"edge\"}", 0);
    expect(reading, "weir_baselines{state=\"learning\"}", 112);
    expect(reading, "weir_late_totals_total", 9);
    expect(reading, "weir_halves_joined_total", 5);
    expect(reading, "weir_rejoined_flows_total", 4);
    expect(reading, "weir_drifted_flows_total", 6);
    expect(reading, "weir_alerts_total{detector=\"content.personal\",urgency=\"now\"}", 3);
    expect(reading, "weir_alerts_total{detector=\"rule \\\"x\\\"\",urgency=\"now\"}", 4);
    expect(reading,
           "weir_alerts_by_severity_total{detector=\"content.personal\",severity=\"medium\"}", 5);
    expect(reading,
           "weir_alerts_by_severity_total{detector=\"rule \\\"x\\\"\",severity=\"critical\"}", 0);
    expect(reading, "weir_engine_silenced_alerts_total", 2);
    expect(reading, "weir_engine_silenced_bytes_total", 100);
    expect(reading, "weir_engine_quiet_alerts_total", 1);
    expect(reading, "weir_api_requests_total{listener=\"control\"}", 11);
    expect(reading, "weir_api_refused_connections_total{listener=\"metrics\"}", 15);
    expect(reading, "weir_api_bad_requests_total{listener=\"metrics\"}", 16);
    expect(reading, "weir_budget_day_spent_alerts", 3);
    expect(reading, "weir_redis_up", 1);
    expect(reading, "weir_redis_behind", 1);
    expect(reading, "weir_spool_unlearned_hours_total", 8);
    expect(reading, "weir_redis_command_seconds_bucket{le=\"0.001\"}", 10);
    expect(reading, "weir_redis_command_seconds_bucket{le=\"5\"}", 15);
    expect(reading, "weir_redis_command_seconds_bucket{le=\"+Inf\"}", 16);
    expect(reading, "weir_redis_command_seconds_count", 16);
    expect(reading, "weir_redis_command_seconds_sum", 0.0025);
    expect(reading, "weir_journal_up", 0);
    expect(reading, "weir_journal_durable_sequence", 8);
    expect(reading, "weir_journal_given_up_records_total", 10);
    expect(reading, "weir_courier_up", 1);
    expect(reading, "weir_courier_restarts_total", 6);
    expect(reading, "weir_sink_lag_records{sink=\"a\\\"b\\\\c\\nd\",type=\"file\"}", 2);
    expect(reading, "weir_sink_lag_seconds{sink=\"a\\\"b\\\\c\\nd\",type=\"file\"}", 77);
    expect(reading, "weir_sink_lag_seconds{sink=\"out\",type=\"stdout\"}", 0);
    expect(reading, "weir_sink_up{sink=\"out\",type=\"stdout\"}", 0);
    expect(reading, "weir_sink_failures_total{sink=\"out\",type=\"stdout\"}", 3);
    expect(reading, "weir_sink_refused_records_total{sink=\"out\",type=\"stdout\"}", 4);
    free(reading);
}

/* A sensor that has just begun: what is not known has no sample, and no family without one but for
 * the alerts that may still come. */
static void test_beginning(void **state)
{
    const struct status status = {.sensor = "s",
                                  .version = "v",
                                  .engine = {.checkpoint_age_s = NAN},
                                  .redis = {.away = true},
                                  .budget = {.per_host_day = NAN}};
    struct reading *reading = read_metrics(&status);
    (void)state;
    expect(reading, "weir_redis_up", 0);
    expect(reading, "weir_packets_total", 0);
    expect_none(reading, "weir_config_last_reload_successful");
    expect_none(reading, "weir_checkpoint_age_seconds");
    expect_none(reading, "weir_budget_trim_ratio");
    expect_none(reading, "weir_redis_command_seconds_count");
    for (size_t i = 0; i < reading->families; i++)
        assert_null(strstr(reading->family[i], "_sink_"));
    free(reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole),
                                       cmocka_unit_test(test_beginning)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
