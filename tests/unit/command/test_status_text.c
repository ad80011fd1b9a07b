/* The screen: wide or narrow, nothing sticks out, what is wrong is said in words, and whatever the
 * JSON holds cannot drive the terminal. */
#include "../../../sensor/command/status_text.h"

#include "weir/base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RING "\"ring\":{\"bytes\":8388608,\"used_bytes\":2097152,\"seconds\":21.4}"

static const char well[] =
    "{\"sensor\":\"span-1\",\"version\":\"0.1.0\",\"state\":\"running\","
    "\"started\":\"2026-03-02T01:04:07.201Z\",\"now\":\"2026-03-02T01:05:07.201Z\","
    "\"config\":{\"generation\":2,\"last_reload\":null},\"capture\":[{\"worker\":0,\"pid\":71,"
    "\"state\":\"running\",\"restarts\":0,\"packets\":1000,\"packets_per_s\":12345,"
    "\"bytes_per_s\":98200000,\"kernel_drops\":0,\"interface_drops\":0," RING
    ",\"parked\":0,\"last_death\":null}],\"interfaces\":[{\"name\":\"span0\",\"vantage\":\"core\","
    "\"state\":\"up\"}],\"engine\":{\"pid\":70,\"restarts\":0,\"records\":1234567,"
    "\"records_late\":0,\"alerts\":3,\"hosts\":412,\"hosts_ready\":300,\"hosts_learning\":112,"
    "\"incidents_open\":1,\"open_flows\":5123,\"waiting_records\":12,\"checkpoint\":"
    "{\"age_s\":0.75,\"bytes\":1000000,\"snapshots\":5}},\"redis\":{\"url\":\"unix:/run/r.sock\","
    "\"state\":\"ready\",\"pending\":0},\"sinks\":[{\"type\":\"file\",\"path\":\"/a\","
    "\"delivered\":3,\"behind\":0,\"failures\":0,\"state\":\"ok\",\"last_error\":null}],"
    "\"coverage\":{\"packets\":1000,\"tcp_payload_bytes\":9000,\"tcp_missing_bytes\":1000},"
    "\"blind\":[]}";

static char *screen_of(const char *json, int width)
{
    struct error error = {0};
    struct json_value *root = json_parse(json, strlen(json), &error);
    if (!root)
        fail_msg("%s", error.message);
    char *text = status_text(root, width);
    json_value_free(root);
    return text;
}

static void test_well(void **state)
{
    (void)state;
    char *text = screen_of(well, 80);
    assert_string_equal(
        text, "sensor      span-1: running since 2026-03-02T01:04:07.201Z, weir 0.1.0\n"
              "traffic     judged up to 2026-03-02T01:05:07.201Z\n"
              "config      2, not reloaded since\n"
              "capture     state      packets/s   bytes/s   ring in use, lasts\n"
              "  0         running       12.3 K    98.2 M    25.0 % of 8.39 MB, 21 s\n"
              "interfaces  span0 (core): up\n"
              "engine      412 hosts: 300 ready, 112 still learning\n"
              "            alerts: 3; incidents open: 1; flows open: 5.12 K\n"
              "            1.23 M records, 12 waiting; checkpoint of 1.00 MB, age 0.8 s\n"
              "redis       ready, 0 commands pending, unix:/run/r.sock\n"
              "sinks       file /a: ok, 3 delivered, 0 behind\n"
              "coverage    1.00 K packets; TCP payload 9.00 KB, 1.00 KB more not seen (10.0 %)\n"
              "blind now   to nothing that it knows of\n");
    free(text);
}

static void expect_part(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no \"%s\" in\n%s", part, text);
}

static void test_trouble(void **state)
{
    (void)state;
    char *text = screen_of(
        "{\"sensor\":\"s\",\"config\":{\"generation\":1,\"last_reload\":{\"ok\":false,\"text\":"
        "\"weir.yaml:3:1: unknown key\",\"at\":\"THEN\"}},\"capture\":[{\"worker\":1,\"state\":"
        "\"waiting\",\"restarts\":4,\"packets\":900,\"kernel_drops\":60,\"interface_drops\":40,"
        "\"parked\":7,\"last_death\":\"killed by SIGSEGV\"}],\"interfaces\":[{\"name\":\"a\","
        "\"vantage\":\"v\",\"state\":\"down\"},{\"name\":\"b\",\"vantage\":\"v\",\"state\":"
        "\"gone\"}],\"engine\":{\"restarts\":2,\"records_late\":5},\"sinks\":[{\"type\":\"stdout\","
        "\"path\":null,\"behind\":8,\"state\":\"behind\",\"last_error\":\"would block\"},"
        "{\"type\":\"file\",\"path\":\"/a\",\"state\":\"dead\",\"last_error\":\"disk full\"},"
        "{\"name\":\"siem\",\"type\":\"redis\",\"state\":\"waiting\",\"behind\":7,\"lag_s\":90,"
        "\"refused\":2,\"last_error\":\"no route\"}],\"courier\":{\"state\":\"waiting\","
        "\"restarts\":3,\"last_death\":\"signal 9, Killed\"},"
        "\"blind\":[\"worker 1 does not run\",\"span1 is down\"]}",
        200);
    expect_part(text, "reload REFUSED THEN: weir.yaml:3:1: unknown key");
    expect_part(text, "worker 1 LOST PACKETS: 60 dropped by the kernel, 40 by the interface "
                      "(10.0 %)");
    expect_part(text, "worker 1 RING FULL: 7 ended flows wait");
    expect_part(text, "worker 1 RESTARTED: 4 so far, the last: killed by SIGSEGV");
    expect_part(text, "a (v): DOWN\n");
    expect_part(text, "b (v): GONE\n");
    expect_part(text, "5 records came LATE");
    expect_part(text, "RESTARTED from its checkpoint: 2 so far");
    expect_part(text, "stdout: BEHIND, 0 delivered, 8 behind: would block");
    expect_part(text, "file /a: DEAD, 0 delivered, 0 behind: disk full");
    expect_part(text, "siem (redis): FAILING, 0 delivered, 7 behind for 90 s, 2 REFUSED: no route");
    expect_part(text, "courier     NOT RUNNING: alerts wait in the journal\n");
    expect_part(text, "RESTARTED: 3 so far, the last: signal 9, Killed");
    expect_part(text, "BLIND NOW   worker 1 does not run\n            span1 is down\n");
    free(text);
}

static size_t columns_of(const char *line, size_t size)
{
    size_t columns = 0;
    for (size_t i = 0; i < size; i++)
        columns += ((unsigned char)line[i] & 0xc0) != 0x80;
    return columns;
}

static void test_width(void **state)
{
    (void)state;
    for (int width = 1; width < 130; width++) {
        char *text = screen_of(well, width);
        for (const char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
            if (columns_of(line, (size_t)(end - line)) > (size_t)(width < 40 ? 40 : width))
                fail_msg("%d columns: %.*s", width, (int)(end - line), line);
        free(text);
    }
    /* A word that is longer than the screen is cut between characters, and nothing is lost. */
    struct buffer json = {0};
    buffer_text(&json, "{\"sensor\":\"s\",\"blind\":[\"");
    for (int i = 0; i < 100; i++)
        buffer_text(&json, "\xc3\xa9");
    buffer_text(&json, "\"]}");
    buffer_u8(&json, 0);
    char *text = screen_of((const char *)json.data, 40);
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, "\xc3\xa9")) != NULL; at += 2)
        count++;
    assert_int_equal(count, 100);
    free(text);
    buffer_fini(&json);
}

static void test_harmless(void **state)
{
    (void)state;
    char *text = screen_of("{\"sensor\":\"a\\u001b[2Jb\\nc\\u009b\\u007f\",\"version\":7,"
                           "\"capture\":{\"worker\":1},\"interfaces\":[7,null,\"x\"],"
                           "\"engine\":[],\"redis\":null,\"sinks\":\"none\",\"blind\":[{}]}",
                           80);
    expect_part(text, "sensor      a?[2Jb?c???: ? since ?, weir ?\n");
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        assert_true(*at == '\n' || (*at >= 0x20 && *at < 0x7f));
    expect_part(text, "BLIND NOW   ?\n");
    free(text);
}

static void expect_redis(const char *redis, const char *rows)
{
    char *json = xasprintf("{\"redis\":{%s}}", redis);
    char *text = screen_of(json, 200);
    expect_part(text, rows);
    free(json);
    free(text);
}

static void test_redis(void **state)
{
    (void)state;
    expect_redis("\"state\":\"away\",\"since\":\"THEN\",\"why\":\"redis at unix:/r: gone\","
                 "\"hours_open\":3",
                 "redis       AWAY since THEN: redis at unix:/r: gone\n"
                 "            judged by what is known; 3 hours wait to be learned\n");
    expect_redis("\"state\":\"reads only\",\"since\":\"THEN\",\"why\":\"full\"",
                 "redis       READS ONLY since THEN: full\n");
    expect_redis("\"state\":\"ready\",\"pending\":2,\"url\":\"unix:/r\",\"behind\":true,"
                 "\"hours_open\":9,\"hours_unlearned\":4,\"unlearned_bytes\":12000,"
                 "\"profiles_damaged\":1",
                 "redis       ready, 2 commands pending, unix:/r\n"
                 "            it was away: CATCHING UP, 9 hours are open\n"
                 "            4 hours waited too long and are NOT LEARNED, 12.0 KB\n"
                 "            1 DAMAGED PROFILES: their hosts are judged like unknown ones\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_well), cmocka_unit_test(test_trouble),
                                       cmocka_unit_test(test_width), cmocka_unit_test(test_redis),
                                       cmocka_unit_test(test_harmless)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
