/* alerts.sinks: every type's keys by its table, every mistake with its place and what was expected,
 * names that are one sink's own. */
#include "weir/base/buffer.h"
#include "weir/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void read_good(struct config *config, const char *text)
{
    struct error error = {0};
    config_init(config);
    if (config_read_text(config, "weir.yaml", text, strlen(text), &error) != 0)
        fail_msg("%s", error.message);
}

static void expect_refused(const char *text, const char *place, const char *expected)
{
    struct config config;
    struct error error = {0};
    config_init(&config);
    assert_int_equal(config_read_text(&config, "weir.yaml", text, strlen(text), &error), -1);
    assert_int_equal(error.code, ERROR_USAGE);
    size_t size = strlen(place);
    assert_null(strstr(error.message, "hunter2")); /* what is a secret above */
    if (strncmp(error.message, place, size) != 0 || !strstr(error.message, expected))
        fail_msg("expected %s … %s, have %s", place, expected, error.message);
    config_fini(&config);
}

/* A build without libcurl has neither. */
static bool webhook_is_built(void)
{
    struct config config;
    struct error error = {0};
    const char *text = "alerts: {sinks: [{type: webhook}]}\n";
    config_init(&config);
    (void)config_read_text(&config, "weir.yaml", text, strlen(text), &error);
    config_fini(&config);
    return !strstr(error.message, "expected type: one of");
}

static void test_what_holds_when_nothing_is_said(void **state)
{
    struct config config;
    (void)state;
    read_good(&config, "alerts: {sinks: [{type: file, path: a}, {type: unix, path: /s}]}\n");
    const struct sink_settings *file = &config.sink[0], *unix_sink = &config.sink[1];
    assert_string_equal(file->name, "file");
    assert_string_equal(file->format, "ecs");
    assert_int_equal(file->severity_min, 0);
    assert_true(file->heartbeat);
    assert_true(file->audit);
    assert_false(file->silenced);
    assert_false(file->from_start);
    assert_int_equal(file->timeout_s, 30);
    assert_string_equal(sink_text(file, "path"), "a");
    assert_string_equal(sink_text(file, "mode"), "0640");
    assert_int_equal(sink_number(file, "rotate_mib"), 0);
    assert_int_equal(sink_number(file, "keep"), 10);
    assert_null(sink_text(file, "url"));
    assert_string_equal(sink_text(unix_sink, "mode"), "0660");
    config_fini(&config);
}

static void test_every_key(void **state)
{
    struct config config;
    (void)state;
    read_good(&config,
              "alerts:\n"
              "  sinks:\n"
              "    - type: file\n"
              "      name: for-siem_1\n"
              "      format: ecs\n"
              "      begin: start\n"
              "      severity_min: 70\n"
              "      heartbeat: false\n"
              "      audit: false\n"
              "      silenced: true\n"
              "      timeout_s: 5\n"
              "      path: /var/log/a b.ndjson\n"
              "      mode: 0600\n"
              "      rotate_mib: 100\n"
              "      keep: 3\n"
              "    - {type: redis, url: \"redis://127.0.0.1:6379/2\", key: k, max_entries: 9,\n"
              "       password_file: /etc/weir/redis.secret}\n");
    const struct sink_settings *file = &config.sink[0], *redis = &config.sink[1];
    assert_string_equal(file->name, "for-siem_1");
    assert_true(file->from_start);
    assert_int_equal(file->severity_min, 70);
    assert_false(file->heartbeat);
    assert_false(file->audit);
    assert_true(file->silenced);
    assert_int_equal(file->timeout_s, 5);
    assert_string_equal(sink_text(file, "path"), "/var/log/a b.ndjson");
    assert_string_equal(sink_text(file, "mode"), "0600");
    assert_int_equal(sink_number(file, "rotate_mib"), 100);
    assert_int_equal(sink_number(file, "keep"), 3);
    assert_string_equal(sink_text(redis, "key"), "k");
    assert_int_equal(sink_number(redis, "max_entries"), 9);
    assert_string_equal(sink_text(redis, "password_file"), "/etc/weir/redis.secret");
    config_fini(&config);
}

static void test_mistakes(void **state)
{
    static const struct {
        const char *keys, *place, *expected;
    } row[] = {
        {"type: file, path: a, pth: b", "40: alerts.sinks: unknown key \"pth\"",
         "a sink of type file has: path, mode, rotate_mib, keep, type, name, format, begin"},
        {"type: stdout, path: a", "33: alerts.sinks: unknown key \"path\"",
         "of type stdout has: type, name"},
        {"type: file, path: [a]", "37: alerts.sinks: is a list", "expected text"},
        {"type: file, path: \"\"", "37: alerts.sinks: \"\"", "expected text"},
        {"type: file, path: a, mode: 777", "46: alerts.sinks: \"777\"",
         "one of: 0600, 0640, 0644, 0660, 0664"},
        {"type: file, path: a, mode: {a: b}", "46: alerts.sinks: is a mapping", "one of: 0600"},
        {"type: file, path: a, keep: 0", "46: alerts.sinks: \"0\"", "from 1 to 1000"},
        {"type: file, path: a, keep: 1001", "46: alerts.sinks: \"1001\"", "from 1 to 1000"},
        {"type: file, path: a, keep: 2x", "46: alerts.sinks: \"2x\"", "from 1 to 1000"},
        {"type: file, path: a, keep: 1.5", "46: alerts.sinks: \"1.5\"", "a whole number"},
        {"type: file, path: a, keep: \"2\"", "46: alerts.sinks: \"2\"", "a whole number"},
        {"type: file, path: a, keep: 99999999999999999999", "46: alerts.sinks", "a whole number"},
        {"type: stdout, silenced: yes", "43: alerts.sinks: \"yes\"", "true or false"},
        {"type: stdout, silenced: \"true\"", "43: alerts.sinks: \"true\"", "true or false"},
        {"type: stdout, severity_min: 101", "47: alerts.sinks: \"101\"", "from 0 to 100"},
        {"type: stdout, timeout_s: 0", "44: alerts.sinks: \"0\"", "from 1 to 3600"},
        {"type: stdout, begin: now", "40: alerts.sinks: \"now\"", "one of: start, end"},
        {"type: stdout, format: xml", "41: alerts.sinks: \"xml\"", "one of: ecs eve"},
        {"type: stdout, format: e", "41: alerts.sinks: \"e\"", "one of: ecs eve"},
        {"type: stdout, format: \"ecs eve\"", "41: alerts.sinks: \"ecs eve\"", "one of: ecs eve"},
        {"type: stdout, name: My Sink", "39: alerts.sinks: \"My Sink\"", "a name of its own"},
        {"type: stdout, name: a/b", "39: alerts.sinks: \"a/b\"", "a name of its own"},
        {"type: stdout, name: ..", "39: alerts.sinks: \"..\"", "a name of its own"},
        {"type: stdout, name: [a]", "39: alerts.sinks: is a list", "a name of its own"},
        {"type: redis", "18: alerts.sinks: a sink of type redis needs url:", ""},
        {"type: redis, url: 'redis://:secret@h'", "18: alerts.sinks: url: holds a password",
         "password_file"},
        {"type: redis, url: 'rediss://h'", "18: alerts.sinks: url: ", "tunnel it"},
        {"type: syslog, data_id: weir", "18: alerts.sinks: data_id: \"weir\"", "name@number"},
        {"type: syslog, transport: udp, size_max: 70000", "18: alerts.sinks: size_max", "UDP"},
        {"type: mail, url: 'http://a', from: a@b, to: c@d", "18: alerts.sinks: url", "smtp://"},
        {"type: mail, url: 'smtp://a', from: a, to: c@d", "18: alerts.sinks: from", "name@domain"},
        {"type: mail, url: 'smtp://a', from: a@b, to: c@d, username: u", "18: alerts.sinks: user",
         "go together"},
        {"type: webhook", "18: alerts.sinks: a webhook needs", "url_file"},
        {"type: webhook, url: 'ftp://a'", "18: alerts.sinks: url", "https://"},
        {"type: webhook, url: 'http://a', body: slack, format: text, batch: 2",
         "18: alerts.sinks: batch", "body: alert"},
        {"type: webhook, url: 'http://a', headers: ['cookie: hunter2']",
         "18: alerts.sinks: headers: Cookie is a secret", "header_file"},
        {"type: webhook, url: 'http://a', headers: ['AUTHORIZATION: hunter2']",
         "18: alerts.sinks: headers: Authorization is a secret", "authorization_file"},
        {"type: webhook, url: 'http://a', proxy: 'u:hunter2@p:3128'", "18: alerts.sinks: proxy",
         "without one"},
        {"type: pigeon", "25: alerts.sinks: \"pigeon\"", "type: one of file,"},
        {"path: a", "18: alerts.sinks: a sink without a type", "type: one of file,"},
    };
    (void)state;
    bool by_curl = webhook_is_built();
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char text[200], place[100];
        if (!by_curl && (strstr(row[i].keys, "type: mail") || strstr(row[i].keys, "type: webhook")))
            continue;
        snprintf(text, sizeof text, "alerts: {sinks: [{%s}]}\n", row[i].keys);
        snprintf(place, sizeof place, "weir.yaml:1:%s", row[i].place);
        expect_refused(text, place, row[i].expected);
    }
}

/* A chat is told of alerts; of the rest when asked. */
static void test_chats_are_quiet(void **state)
{
    struct config config;
    (void)state;
    if (!webhook_is_built())
        skip();
    read_good(&config,
              "alerts: {sinks: [{type: webhook, url: 'http://a'},\n"
              "  {type: webhook, url: 'http://a', body: slack, format: text},\n"
              "  {type: webhook, url: 'http://a', heartbeat: true, body: teams, format: text}]}\n");
    assert_true(config.sink[0].heartbeat && config.sink[0].audit);
    assert_false(config.sink[1].heartbeat || config.sink[1].audit);
    assert_true(config.sink[2].heartbeat && !config.sink[2].audit);
    config_fini(&config);
}

static void test_names(void **state)
{
    struct config config;
    (void)state;
    read_good(&config,
              "alerts: {sinks: [{type: stdout}, {type: stdout, name: mine}, {type: stdout},\n"
              "  {type: file, path: a}, {type: stdout}]}\n");
    static const char *const expected[] = {"stdout", "mine", "stdout-2", "file", "stdout-3"};
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(config.sink[i].name, expected[i]);
    config_fini(&config);
    expect_refused("alerts: {sinks: [{type: stdout, name: a},\n  {type: stdout, name: a}]}\n",
                   "weir.yaml:2:3: alerts.sinks: two sinks go by the name \"a\"", "of its own");
    expect_refused("alerts: {sinks: [{type: stdout, name: stdout-2}, {type: stdout},\n"
                   "  {type: stdout}]}\n",
                   "weir.yaml:2:3: alerts.sinks: two sinks go by the name \"stdout-2\"", "1 to 63");
    expect_refused("alerts: {sinks: [{type: file, path: a}, {type: file, path: b},\n"
                   "  {type: file, path: a, name: c}]}\n",
                   "weir.yaml:2:22: alerts.sinks: \"a\"", "a file that no other sink writes");
}

static void test_sixteen(void **state)
{
    struct config config;
    struct buffer b = {0};
    (void)state;
    buffer_text(&b, "alerts:\n  sinks:\n");
    for (int i = 0; i < 16; i++)
        buffer_text(&b, "    - {type: stdout}\n");
    buffer_u8(&b, 0);
    read_good(&config, (const char *)b.data);
    assert_int_equal(config.sink_count, 16);
    assert_string_equal(config.sink[15].name, "stdout-16");
    config_fini(&config);
    b.size--;
    buffer_text(&b, "    - {type: stdout}\n");
    buffer_u8(&b, 0);
    expect_refused((const char *)b.data, "weir.yaml:19:7: alerts.sinks", "at most 16");
    buffer_fini(&b);
}

/* What is shown is a configuration that means the same, down to the names. */
static void test_shown(void **state)
{
    struct config config, again;
    (void)state;
    read_good(&config,
              "alerts: {sinks: [{type: file, path: \"a \\\"b\\\"\", keep: 3}, {type: file,\n"
              "  path: c, begin: start, severity_min: 70, silenced: true, mode: 0600},\n"
              "  {type: redis, url: \"unix:/r\", password_file: /s}]}\n");
    assert_int_equal(config_finish(&config, NULL), 0);
    char *text = config_text(&config);
    static const char expected[] =
        "  sinks: [{type: file, name: \"file\", format: ecs, begin: end, severity_min: 0, "
        "heartbeat: true, audit: true, silenced: false, timeout_s: 30, path: \"a \\\"b\\\"\", "
        "mode: \"0640\", rotate_mib: 0, keep: 3}, "
        "{type: file, name: \"file-2\", format: ecs, begin: start, severity_min: 70, "
        "heartbeat: true, audit: true, silenced: true, timeout_s: 30, path: \"c\", "
        "mode: \"0600\", rotate_mib: 0, keep: 10}, "
        "{type: redis, name: \"redis\", format: ecs, begin: end, severity_min: 0, "
        "heartbeat: true, audit: true, silenced: false, timeout_s: 30, url: \"unix:/r\", "
        "password_file: \"/s\", shared: false, max_entries: 100000}]\n";
    if (!strstr(text, expected))
        fail_msg("%s", text);
    read_good(&again, text);
    assert_int_equal(config_finish(&again, NULL), 0);
    char *text_again = config_text(&again);
    assert_string_equal(text, text_again);
    free(text);
    free(text_again);
    config_fini(&config);
    config_fini(&again);
}

/* A fallback would be taken if it were written. */
static void check_fallback(const struct sink_key *key)
{
    if (!key->fallback)
        return;
    assert_false(key->required);
    if (key->kind == SINK_NUMBER) {
        long long value = strtoll(key->fallback, NULL, 10);
        assert_true(value >= key->min && value <= key->max);
    } else if (key->kind == SINK_CHOICE) {
        size_t at = 0;
        while (key->choice[at] && strcmp(key->choice[at], key->fallback) != 0)
            at++;
        assert_non_null(key->choice[at]);
    } else if (key->kind == SINK_FLAG) {
        assert_true(strcmp(key->fallback, "true") == 0 || strcmp(key->fallback, "false") == 0);
    }
}

/* Of every type there is: its keys are its own. */
static void test_the_tables(void **state)
{
    static const char *const common[] = {"type",         "name",      "format", "begin",
                                         "severity_min", "heartbeat", "audit",  "silenced"};
    (void)state;
    for (const struct sink_row *const *row = sink_rows; *row; row++) {
        size_t count = 0;
        assert_ptr_equal(sink_row_get((*row)->type), *row);
        for (const struct sink_key *key = (*row)->keys; key && key->name; key++, count++) {
            for (size_t i = 0; i < sizeof common / sizeof *common; i++)
                if (strcmp(key->name, common[i]) == 0)
                    fail_msg("%s: %s is every sink's", (*row)->type, key->name);
            check_fallback(key);
        }
        assert_true(count <= SINK_SETTINGS);
    }
}

/* --- secrets ---------------------------------------------------------------------------------- */

static void expect_secret(const char *content, size_t size, const char *secret, const char *words)
{
    char path[] = "/tmp/weir-secret-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, size), size);
    close(fd);
    const char *const value[] = {path, NULL};
    struct sink_settings settings;
    struct error error = {0};
    const struct sink_row *row = sink_row_get("redis");
    sink_settings_init(&settings, row, "redis");
    assert_null(sink_secret(&settings, "password_file", &error)); /* not given: no error */
    assert_int_equal(error.code, ERROR_NONE);
    sink_settings_add(&settings, sink_key_get(row, "password_file"), value);
    char *have = sink_secret(&settings, "password_file", &error);
    if (secret) {
        assert_non_null(have);
        assert_string_equal(have, secret);
    } else {
        assert_null(have);
        assert_int_equal(error.code, ERROR_USAGE);
        assert_non_null(strstr(error.message, words));
    }
    free(have);
    unlink(path);
}

static void test_secrets(void **state)
{
    char *longer = xcalloc(1, 5000);
    (void)state;
    memset(longer, 'x', 4999);
    expect_secret("swordfish\nmore\n", 15, "swordfish", NULL);
    expect_secret("sword fish\r\n", 12, "sword fish", NULL);
    expect_secret("swordfish", 9, "swordfish", NULL);
    expect_secret("", 0, NULL, "1 to 4096 bytes");
    expect_secret("\nswordfish\n", 11, NULL, "1 to 4096 bytes");
    expect_secret(longer, 4999, NULL, "1 to 4096 bytes");
    char *most = xcalloc(1, 4097);
    memset(most, 'x', 4096);
    longer[4096] = '\n';
    expect_secret(longer, 4097, most, NULL);
    free(most);
    free(longer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_holds_when_nothing_is_said),
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_chats_are_quiet),
        cmocka_unit_test(test_sixteen),
        cmocka_unit_test(test_shown),
        cmocka_unit_test(test_the_tables),
        cmocka_unit_test(test_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
