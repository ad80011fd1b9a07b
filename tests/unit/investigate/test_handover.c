/* The hand-over of a made-up night, word for word, in both languages; what it counts; and that
 * nothing in a journal that makes no sense stops it. */
#include "weir/investigate/handover.h"

#include "weir/base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccc"
#define D "dddddddddddddddddddddddddddddddd"
#define E "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
#define F "ffffffffffffffffffffffffffffffff"

static const char book_text[] =
    "{\"weir_noise\":1,\"next\":9,\"silences\":["
    "{\"id\":\"sil-1\",\"author\":\"alice\",\"reason\":\"long over\","
    "\"created\":\"2026-02-01T00:00Z\",\"expires\":\"2026-02-02T00:00Z\",\"scope\":{\"rule\":\"a\"}"
    "},"
    "{\"id\":\"sil-7\",\"author\":\"alice\",\"reason\":\"patch day\","
    "\"created\":\"2026-03-01T09:00Z\",\"expires\":\"2026-03-02T03:00Z\","
    "\"scope\":{\"host\":\"10.0.0.9\"},\"alerts\":5,\"out_bytes\":9000},"
    "{\"id\":\"sil-8\",\"author\":\"bob\",\"reason\":\"backup\","
    "\"created\":\"2026-03-01T09:00Z\",\"expires\":\"2026-03-20T00:00Z\","
    "\"scope\":{\"rule\":\"volume.host\",\"severity_below\":60}}],"
    "\"incidents\":["
    "{\"incident\":\"" B "\",\"acknowledged\":{\"by\":\"alice\",\"at\":\"2026-03-01T16:00Z\","
    "\"packet_time\":\"2026-03-01T16:00Z\",\"note\":\"asking them\"},\"quiet_alerts\":2,"
    "\"quiet_bytes\":10},"
    "{\"incident\":\"" C "\",\"closed\":{\"by\":\"bob\",\"at\":\"2026-03-01T17:00Z\","
    "\"packet_time\":\"2026-03-01T17:00Z\",\"note\":\"a mirror\",\"verdict\":\"benign\","
    "\"ticket\":\"T-9\"}},"
    "{\"incident\":\"" F "\",\"closed\":{\"by\":\"bob\",\"at\":\"2026-03-01T15:30Z\","
    "\"packet_time\":\"2026-03-01T15:30Z\",\"verdict\":\"unknown\"}}]}";

static void add(struct handover *handover, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add(struct handover *handover, const char *format, ...)
{
    char line[2048];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    assert_true(size > 0 && (size_t)size < sizeof line);
    handover_line(handover, line, (size_t)size);
}

static void alert(struct handover *handover, const char *time, const char *incident,
                  const char *rule, const char *host, const char *more)
{
    add(handover,
        "{\"@timestamp\":\"%s\",\"event\":{\"kind\":\"alert\",\"start\":\"%s\",\"end\":\"%s\"},"
        "\"rule\":{\"id\":\"%s\"},\"source\":{\"ip\":\"%s\"},\"destination\":{\"ip\":\"192.0.2.9\","
        "\"domain\":\"example.jp\"},\"weir\":{\"incident\":\"%s\",\"baseline\":{\"scope\":"
        "\"host×destination\"},\"reasons\":[{\"text\":\"much left\"}],%s}}",
        time, time, time, rule, host, incident, more);
}

static void beat(struct handover *handover, const char *time)
{
    add(handover,
        "{\"@timestamp\":\"%s\",\"event\":{\"kind\":\"metric\",\"dataset\":\"weir.heartbeat\"},"
        "\"weir\":{\"hosts\":400,\"hosts_ready\":300}}",
        time);
}

/* 2026-03-02 00:00 to 08:00 in Tokyo; the journal's times are UTC. */
static struct handover *a_night(const struct handover_config *config)
{
    struct handover *h = handover_new(config);
    alert(h, "2026-01-01T00:00:00.000Z", D, "volume.host", "10.0.0.4",
          "\"score\":99,\"urgency\":\"now\",\"state\":\"open\"");
    alert(h, "2026-02-28T10:00:00.000Z", A, "volume.destination", "10.0.0.1",
          "\"score\":60,\"urgency\":\"shift\",\"state\":\"open\",\"out_bytes\":{\"value\":1000}");
    beat(h, "2026-03-01T14:58:00.000Z");
    beat(h, "2026-03-01T15:03:00.000Z");
    alert(
        h, "2026-03-01T15:10:00.000Z", A, "content.personal", "10.0.0.1",
        "\"score\":90,\"urgency\":\"now\",\"state\":\"update\",\"out_bytes\":{\"value\":5000000}");
    alert(h, "2026-03-01T15:20:00.000Z", B, "volume.destination", "10.0.0.2",
          "\"score\":55,\"urgency\":\"shift\",\"state\":\"open\",\"out_bytes\":{\"value\":70}");
    alert(h, "2026-03-01T15:21:00.000Z", F, "test.rule", "10.0.0.6",
          "\"score\":40,\"urgency\":\"digest\",\"state\":\"open\",\"out_bytes\":{\"value\":80}");
    beat(h, "2026-03-01T15:40:00.000Z");
    alert(h, "2026-03-01T16:30:00.000Z", B, "volume.destination", "10.0.0.2",
          "\"score\":56,\"urgency\":\"shift\",\"state\":\"update\",\"out_bytes\":{\"value\":90},"
          "\"acknowledged\":{\"by\":\"alice\",\"quiet\":true}");
    alert(h, "2026-03-01T16:31:00.000Z", E, "volume.host", "10.0.0.9",
          "\"score\":50,\"urgency\":\"shift\",\"state\":\"open\",\"out_bytes\":{\"value\":4000},"
          "\"silenced\":{\"id\":\"sil-7\",\"out_bytes\":4000}");
    alert(h, "2026-03-01T16:40:00.000Z", C, "destination.new", "10.0.0.3",
          "\"score\":52,\"urgency\":\"shift\",\"state\":\"open\",\"out_bytes\":{\"value\":2000}");
    alert(h, "2026-03-01T16:50:00.000Z", F, "test.rule", "10.0.0.6",
          "\"score\":40,\"urgency\":\"digest\",\"state\":\"update\",\"out_bytes\":{\"value\":800}");
    add(h, "{\"@timestamp\":\"2026-03-01T17:00:00.500Z\",\"event\":{\"kind\":\"event\",\"dataset\":"
           "\"weir.audit\",\"action\":\"incident.close\"},\"user\":{\"name\":\"bob\"},"
           "\"message\":\"bob closed as benign inc-cccccc: a mirror\"}");
    add(h, "{\"@timestamp\":\"2026-03-01T18:00:00.000Z\",\"event\":{\"kind\":\"alert\",\"start\":"
           "\"2026-03-01T17:10:00.000Z\",\"end\":\"2026-03-01T17:59:00.000Z\"},\"rule\":{\"id\":"
           "\"sensor.blind\"},\"weir\":{\"score\":65,\"urgency\":\"now\",\"incident\":"
           "\"99999999999999999999999999999999\",\"state\":\"open\",\"sight\":\"vlan 20\","
           "\"reasons\":[{\"text\":\"nothing came of VLAN 20\"}]}}");
    for (int minute = 45; minute < 500; minute += 5) { /* 15:45 to 23:15 */
        char time[64];
        snprintf(time, sizeof time, "2026-03-01T%02d:%02d:00.000Z", 15 + minute / 60, minute % 60);
        if (15 + minute / 60 <= 22)
            beat(h, time);
    }
    alert(h, "2026-03-01T23:30:00.000Z", D, "volume.host", "10.0.0.4", /* after it */
          "\"score\":99,\"urgency\":\"now\",\"state\":\"open\"");
    handover_end(h);
    return h;
}

static struct calendar *calendar;
static struct noise *book;
static struct detect_config detect;

static struct handover_config the_config(void)
{
    struct handover_config config = {.calendar = calendar,
                                     .sensor = "span-1",
                                     .book = book,
                                     .detect = &detect,
                                     .running = true,
                                     .blind = {"no packets on s0"},
                                     .blind_count = 1};
    assert_true(ptime_of_iso("2026-03-01T15:00:00Z", &config.from));
    assert_true(ptime_of_iso("2026-03-01T23:00:00Z", &config.to));
    return config;
}

static void same(const char *is, const char *expected)
{
    size_t at = 0;
    while (is[at] && is[at] == expected[at])
        at++;
    if (is[at] != expected[at])
        fail_msg("at byte %zu of\n%s", at, is);
}

static void test_english(void **state)
{
    (void)state;
    struct handover_config config = the_config();
    config.drift = (struct handover_drift){true, 7, 2, {"a -> b modbus", "b -> c tls"}};
    struct handover *h = a_night(&config);
    char *text = handover_text(h, HANDOVER_ENGLISH);
    same(text,
         "Hand-over 2026-03-02 00:00 – 2026-03-02 08:00 JST, sensor span-1\n"
         "Alerts: 8, of these 1 silenced (4.00 kB left in them, counted in full) and 1 quiet "
         "updates\n"
         "Not seen right now: no packets on s0\n"
         "\n"
         "Open incidents: 2\n"
         "  NOW     90  inc-aaaaaa  10.0.0.1 → example.jp  volume.destination, content.personal\n"
         "         told 02-28 19:00 – 03-02 00:10; 5.00 MB left; 2 alerts\n"
         "         much left\n"
         "  DIGEST  40  inc-ffffff  10.0.0.6 → example.jp  test.rule\n"
         "         told 03-02 00:21 – 03-02 01:50; 800 B left; 2 alerts\n"
         "         much left\n"
         "         told again after the verdict: unknown, by bob, 03-02 00:30\n"
         "  … and 1 open incidents whose alerts are all silenced\n"
         "\n"
         "Acknowledged: 1\n"
         "  SHIFT   56  inc-bbbbbb  10.0.0.2 → example.jp  volume.destination\n"
         "         told 03-02 00:20 – 03-02 01:30; 90 B left; 2 alerts\n"
         "         by alice, 03-02 01:00: asking them; 2 quiet updates since\n"
         "\n"
         "Closed: 1\n"
         "  SHIFT   52  inc-cccccc  10.0.0.3 → example.jp  destination.new\n"
         "         told 03-02 01:40 – 03-02 01:40; 2.00 kB left; 1 alerts\n"
         "         benign, by bob, 03-02 02:00: a mirror [T-9]\n"
         "\n"
         "Silences: 2, 1 of them over within 24 hours\n"
         "  sil-7  alerts of 10.0.0.9\n"
         "         until 03-02 12:00, by alice: patch day (over soon)\n"
         "         held back in this time: 1 alerts, 4.00 kB\n"
         "  sil-8  volume.host below severity 60\n"
         "         until 03-20 09:00, by bob: backup\n"
         "         held back in this time: 0 alerts, 0 B\n"
         "\n"
         "Not seen: 2\n"
         "  03-02 02:10 – 03-02 02:59  inc-999999  nothing came of VLAN 20\n"
         "  03-02 00:03 – 03-02 00:40  no heartbeat: nobody knows what was seen\n"
         "\n"
         "Between zones, so far: 7 not in the matrix, 2 conduits silent (weir zones drift)\n"
         "  a -> b modbus\n"
         "  b -> c tls\n"
         "  … and 5 more\n"
         "\n"
         "Budget: 3 incidents of 1.0 nominal (300 hosts with a baseline)\n"
         "\n"
         "Changes: 1\n"
         "  03-02 02:00  bob closed as benign inc-cccccc: a mirror\n");
    free(text);
    handover_free(h);
}

static void test_japanese(void **state)
{
    (void)state;
    struct handover_config config = the_config();
    config.running = false;
    config.blind_count = 0;
    struct handover *h = a_night(&config);
    h->unread = 3;
    char *text = handover_text(h, HANDOVER_JAPANESE);
    same(text,
         "引き継ぎ 2026-03-02 00:00 ～ 2026-03-02 08:00（JST） センサー: span-1\n"
         "アラート: 8 件（うち抑止 1 件・送出量 4.00 kB・すべて計上済み、"
         "確認済みインシデントの更新 1 件）\n"
         "センサーが応答しません。以下は記録のみに基づいています。\n"
         "読み取れない記録が 3 件あります。\n"
         "\n"
         "未対応のインシデント: 2 件\n"
         "  緊急      90  inc-aaaaaa  10.0.0.1 → example.jp  volume.destination, content.personal\n"
         "         検知 02-28 19:00 ～ 03-02 00:10、送出量 5.00 MB、アラート 2 件\n"
         "         much left\n"
         "  定期確認  40  inc-ffffff  10.0.0.6 → example.jp  test.rule\n"
         "         検知 03-02 00:21 ～ 03-02 01:50、送出量 800 B、アラート 2 件\n"
         "         much left\n"
         "         判定後に再び検知しました（判定: 不明、bob、03-02 00:30）\n"
         "  ほかに、全アラートが抑止中の未対応インシデントが 1 件あります\n"
         "\n"
         "確認済み（対応中）: 1 件\n"
         "  当直対応  56  inc-bbbbbb  10.0.0.2 → example.jp  volume.destination\n"
         "         検知 03-02 00:20 ～ 03-02 01:30、送出量 90 B、アラート 2 件\n"
         "         担当 alice、03-02 01:00、メモ: asking them、その後の更新 2 件\n"
         "\n"
         "クローズ済み: 1 件\n"
         "  当直対応  52  inc-cccccc  10.0.0.3 → example.jp  destination.new\n"
         "         検知 03-02 01:40 ～ 03-02 01:40、送出量 2.00 kB、アラート 1 件\n"
         "         判定: 問題なし、担当 bob、03-02 02:00、メモ: a mirror（チケット T-9）\n"
         "\n"
         "抑止設定: 2 件（うち 24 時間以内に終了 1 件）\n"
         "  sil-7  alerts of 10.0.0.9\n"
         "         03-02 12:00 まで、設定者 alice、理由: patch day（まもなく終了します）\n"
         "         この間に抑止したアラート 1 件、送出量 4.00 kB\n"
         "  sil-8  volume.host below severity 60\n"
         "         03-20 09:00 まで、設定者 bob、理由: backup\n"
         "         この間に抑止したアラート 0 件、送出量 0 B\n"
         "\n"
         "監視できなかった時間帯: 2 件\n"
         "  03-02 02:10 – 03-02 02:59  inc-999999  nothing came of VLAN 20\n"
         "  03-02 00:03 – 03-02 00:40  ハートビートがなく、監視状況が不明です\n"
         "\n"
         "アラート予算: 3 件（目安 1.0 件、ベースライン確立済みホスト 300 台）\n"
         "\n"
         "変更の記録: 1 件\n"
         "  03-02 02:00  インシデントのクローズ（bob）: bob closed as benign inc-cccccc: a "
         "mirror\n");
    free(text);
    handover_free(h);
}

/* The page has the same words, and of what others wrote nothing is markup. */
static void test_page(void **state)
{
    (void)state;
    struct handover_config config = the_config();
    struct handover *h = a_night(&config);
    alert(h, "2026-03-01T16:30:00.000Z", "dededededededededededededededede", "a<script>&",
          "10.0.0.77",
          "\"score\":99,\"urgency\":\"now\",\"state\":\"open\",\"out_bytes\":{\"value\":1}");
    char *page = handover_page(h, HANDOVER_ENGLISH);
    static const char *const has[] = {
        "<!DOCTYPE html>\n<html lang=\"en\">",
        "default-src 'none'",
        "@page{size:A4",
        "<h1>Hand-over 2026-03-02 00:00 – 2026-03-02 08:00",
        "<h2>Open incidents: 3</h2>\n<ul>\n<li><b>",
        "a&lt;script&gt;&amp;</b>",
        "<h2>Acknowledged: 1</h2>",
        "asking them",
        "<h2>Changes: 1</h2>",
        "</li>\n</ul>\n</body>\n</html>\n",
    };
    for (size_t i = 0; i < sizeof has / sizeof *has; i++)
        if (!strstr(page, has[i]))
            fail_msg("not on the page: %s\n%s", has[i], page);
    assert_null(strstr(page, "<script"));
    free(page);
    page = handover_page(h, HANDOVER_JAPANESE);
    assert_non_null(strstr(page, "<html lang=\"ja\">"));
    assert_non_null(strstr(page, "<h2>未対応のインシデント: 3 件</h2>"));
    free(page);
    handover_free(h);
}

/* What a silence held back is shown once that is over, also when the story went silent before. */
static void test_over(void **state)
{
    (void)state;
    static const char hidden[] =
        "\"score\":50,\"urgency\":\"shift\",\"state\":\"%s\",\"out_bytes\":{\"value\":4000},"
        "\"silenced\":{\"id\":\"%s\",\"until\":\"%s\",\"out_bytes\":4000}";
    static const struct {
        const char *time, *state, *silence, *until;
        bool told_nobody, open;
    } row[] = {
        {"2026-03-01T16:00", "open", "sil-8", "2026-03-20T00:00:00.000Z", false, false},
        {"2026-03-01T16:00", "open", "sil-8", "2026-03-01T20:00:00.000Z", true, true},
        {"2026-02-20T16:00", "close", "sil-8", "2026-03-01T20:00:00.000Z", true, true},
        {"2026-02-20T16:00", "close", "sil-8", "2026-02-27T20:00:00.000Z", true, false},
        {"2026-03-01T16:00", "open", "sil-3", "2026-03-20T00:00:00.000Z", true, true}, /* removed */
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char more[512], time[40];
        struct handover_config config = the_config();
        struct handover *h = handover_new(&config);
        snprintf(time, sizeof time, "%s:00.000Z", row[i].time);
        /* NOLINTNEXTLINE(clang-diagnostic-format-nonliteral): `hidden`, above */
        snprintf(more, sizeof more, hidden, row[i].state, row[i].silence, row[i].until);
        alert(h, time, E, "volume.host", "10.0.0.9", more);
        handover_end(h);
        char *text = handover_text(h, HANDOVER_ENGLISH), *json = handover_json(h);
        assert_int_equal(strstr(text, "Open incidents: 1") != NULL, row[i].open);
        assert_int_equal(strstr(text, "nobody was told: ") != NULL,
                         row[i].told_nobody && row[i].open);
        assert_int_equal(strstr(json, "\"told_nobody\": \"sil-") != NULL,
                         row[i].told_nobody && row[i].open);
        free(text);
        free(json);
        handover_free(h);
    }
    struct handover_config config = the_config();
    assert_true(ptime_of_iso("2026-03-02T04:00:00Z", &config.to)); /* sil-7 is over then */
    struct handover *h = handover_new(&config);
    handover_end(h);
    char *text = handover_text(h, HANDOVER_ENGLISH);
    assert_non_null(strstr(text, "patch day (over; in all it held back 5 alerts, 9.00 kB)\n"));
    free(text);
    handover_free(h);
}

/* The same in JSON; it is read back. */
static void test_json(void **state)
{
    (void)state;
    struct handover_config config = the_config();
    config.drift = (struct handover_drift){true, 7, 2, {"a -> b modbus"}};
    struct handover *h = a_night(&config);
    char *text = handover_json(h);
    struct json_value *root = json_parse(text, strlen(text), NULL);
    int64_t total;
    assert_non_null(root);
    static const struct {
        const char *key;
        int64_t total;
    } row[] = {{"open", 2}, {"open_silenced", 1}, {"acknowledged", 1}, {"closed", 1}, {"blind", 1}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const struct json_value *section = json_get(root, row[i].key);
        assert_true(json_whole(json_get(section, "total"), &total));
        assert_int_equal(total, row[i].total);
        assert_int_equal(json_length(json_get(section, "list")), row[i].total);
    }
    assert_int_equal(json_length(json_get(root, "without_heartbeat")), 1);
    assert_int_equal(json_length(json_get(root, "silences")), 2);
    assert_true(json_whole(json_get(json_get(root, "drift"), "rows"), &total) && total == 7);
    assert_true(json_whole(json_get(json_get(root, "drift"), "silent"), &total) && total == 2);
    assert_int_equal(json_length(json_get(json_get(root, "drift"), "first")), 1);
    json_value_free(root);
    free(text);
    handover_free(h);
}

/* A sensor that says nothing any more is said to, to the end of the time. */
static void test_no_heartbeat(void **state)
{
    (void)state;
    struct handover_config config = the_config();
    struct handover *h = handover_new(&config);
    beat(h, "2026-03-01T14:00:00.000Z");
    handover_end(h);
    assert_int_equal(h->gap_count, 1);
    assert_int_equal(h->gap[0].from.ns, config.from.ns);
    assert_int_equal(h->gap[0].until.ns, config.to.ns);
    handover_free(h);
    h = handover_new(&config);
    beat(h, "2026-03-01T22:49:00.000Z"); /* 11 minutes: not yet */
    handover_end(h);
    assert_int_equal(h->gap_count, 0);
    handover_free(h);
}

static void test_records_that_make_no_sense(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "null",
        "{\"@timestamp\":\"2026-03-01T16:00:00.000Z\"",
        "{\"@timestamp\":7}",
        "{\"@timestamp\":\"2026-03-01T16:00:00.000Z\",\"event\":{\"kind\":"
        "\"alert\"}}",
        "{\"@timestamp\":\"2026-13-01T16:00:00.000Z\",\"event\":{\"kind\":\"alert\"}}"};
    struct handover_config config = the_config();
    struct handover *h = handover_new(&config);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        handover_line(h, bad[i], strlen(bad[i]));
    assert_int_equal(h->unread, sizeof bad / sizeof *bad);
    assert_int_equal(h->alerts, 0);
    add(h, "{\"@timestamp\":\"2026-03-01T16:00:00.000Z\",\"event\":{\"kind\":\"state\"}}");
    assert_int_equal(h->unread, sizeof bad / sizeof *bad);
    handover_free(h);
}

/* Of more changes than are kept, the latest. */
static void test_many_changes(void **state)
{
    (void)state;
    struct handover_config config = the_config();
    struct handover *h = handover_new(&config);
    for (unsigned i = 0; i < HANDOVER_ACTS + 3; i++)
        add(h,
            "{\"@timestamp\":\"2026-03-01T16:00:00.000Z\",\"event\":{\"dataset\":\"weir.audit\","
            "\"action\":\"a\"},\"message\":\"number %u\"}",
            i);
    handover_end(h);
    char *text = handover_text(h, HANDOVER_ENGLISH);
    char *first = strstr(text, "Changes: 503\n  … and 303 more\n  03-02 01:00  number 303\n");
    assert_non_null(first);
    assert_non_null(strstr(first, "number 502\n"));
    free(text);
    handover_free(h);
}

/* What was closed later was open then, and nothing is said of a verdict that nobody had given. */
static void test_a_past_time(void **state)
{
    (void)state;
    struct handover_config config = the_config();
    assert_true(ptime_of_iso("2026-03-01T16:55:00Z", &config.to)); /* C is closed at 17:00 */
    struct handover *h = a_night(&config);
    char *text = handover_text(h, HANDOVER_ENGLISH);
    assert_non_null(strstr(text, "Open incidents: 3\n"));
    assert_non_null(strstr(text, "inc-cccccc"));
    assert_non_null(strstr(text, "Closed: 0\n"));
    assert_null(strstr(text, "benign"));
    free(text);
    handover_free(h);
}

/* Of more incidents than there is room for, those that spoke last; the others are counted. */
static void test_many_incidents(void **state)
{
    (void)state;
    struct handover_config config = the_config();
    struct handover *h = handover_new(&config);
    char id[40], time[40];
    for (unsigned i = 0; i <= RETOLD_MAX; i++) {
        snprintf(id, sizeof id, "%032x", i);
        snprintf(time, sizeof time, "2026-03-01T%02u:%02u:%02u.000Z", 16 + i / 3600, i / 60 % 60,
                 i % 60);
        alert(h, time, id, "volume.host", "10.0.0.4", "\"score\":50,\"state\":\"open\"");
    }
    bool several;
    snprintf(id, sizeof id, "%032x", RETOLD_MAX); /* the last that came */
    assert_non_null(retold_find(&h->told, id, &several));
    snprintf(id, sizeof id, "%032x", RETOLD_MAX / 2);
    assert_non_null(retold_find(&h->told, id, &several));
    snprintf(id, sizeof id, "%032x", RETOLD_MAX / 2 - 1);
    assert_null(retold_find(&h->told, id, &several));
    assert_int_equal(h->told.beyond, RETOLD_MAX / 2);
    assert_int_equal(h->alerts, RETOLD_MAX + 1);
    handover_end(h);
    char *english = handover_text(h, HANDOVER_ENGLISH),
         *other = handover_text(h, HANDOVER_JAPANESE);
    assert_non_null(strstr(english, "10,000 alerts of older ones are left out.\n"));
    assert_non_null(strstr(other, "アラート 10,000 件を省略"));
    free(english);
    free(other);
    handover_free(h);
}

/* Acknowledged once more after its verdict: somebody looks at it. */
static void test_standing(void **state)
{
    (void)state;
    struct retold_incident incident = {.spoke = {5}};
    struct noise_mark mark = {.verdict = VERDICT_BENIGN,
                              .closed = {.by = "bob", .at = {10}, .packet = {10}},
                              .acknowledged = {.by = "alice", .at = {9}, .packet = {9}}};
    assert_int_equal(retold_standing_of(&incident, NULL), RETOLD_OPEN);
    assert_int_equal(retold_standing_of(&incident, &mark), RETOLD_CLOSED);
    mark.acknowledged.at.ns = 11;
    assert_int_equal(retold_standing_of(&incident, &mark), RETOLD_ACKNOWLEDGED);
    mark.acknowledged.at.ns = 9;
    incident.spoke.ns = 12;
    assert_int_equal(retold_standing_of(&incident, &mark), RETOLD_AGAIN);
}

static int set_up(void **state)
{
    (void)state;
    struct calendar_config tokyo = {.timezone = "Asia/Tokyo", .work_start = 8, .work_end = 18};
    calendar = calendar_new(&tokyo, NULL);
    book = noise_parse(book_text, sizeof book_text - 1, NULL);
    detect = detect_config_default();
    return calendar && book ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    calendar_free(calendar);
    noise_free(book);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_english),
        cmocka_unit_test(test_japanese),
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_over),
        cmocka_unit_test(test_no_heartbeat),
        cmocka_unit_test(test_records_that_make_no_sense),
        cmocka_unit_test(test_many_changes),
        cmocka_unit_test(test_a_past_time),
        cmocka_unit_test(test_many_incidents),
        cmocka_unit_test(test_standing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
