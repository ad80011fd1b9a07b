/* The screens of weir top without a terminal: cells of exact width whatever is in them, rows and
 * rates out of replies, lines that never stick out and that no name can drive. */
#include "../../../sensor/command/top.h"

#include "weir/base/buffer.h"
#include "weir/base/terminal.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <cmocka.h>

#define HOST(name, out, more)                                                                      \
    "{\"host\":\"" name "\",\"out_bytes\":" #out                                                   \
    ",\"in_bytes\":5000,\"day_out_bytes\":9000000,\"destinations\":2,\"baseline\":\"ready\","      \
    "\"hours\":504,\"past_known\":true," more "}"
#define USUAL "\"p\":0.4,\"expected\":[1000,2000000],\"incident\":null"
#define UNUSUAL                                                                                    \
    "\"p\":0.0001,\"expected\":[1000,20000],\"incident\":{\"id\":\"0123456789abcdef\","            \
    "\"score\":96,\"urgency\":\"now\",\"rule\":\"volume.host\"}"
#define LIST(now, hosts)                                                                           \
    "{\"now\":\"2026-03-02T01:" now "Z\",\"hour\":{\"starts\":\"2026-03-02T01:00:00Z\","           \
    "\"ends\":\"2026-03-02T02:00:00Z\"},\"total\":2,\"offset\":0,\"hosts\":[" hosts "]}"

static int with_utf8(void **state)
{
    (void)state;
    setenv("LC_ALL", "C.UTF-8", 1);
    assert_true(top_text_begin());
    return 0;
}

static int columns_of(const char *text)
{
    wchar_t wide[512];
    size_t count = mbstowcs(wide, text, sizeof wide / sizeof *wide);
    assert_true(count != (size_t)-1);
    return wcswidth(wide, count);
}

static void assert_fits(const char *text, size_t columns, bool right, const char *expected)
{
    char cell[TOP_FIT(40)];
    top_fit(text, columns, right, cell, sizeof cell);
    assert_string_equal(cell, expected);
    assert_int_equal(columns_of(cell), columns);
}

/* --- cells ------------------------------------------------------------------------------------ */

static void test_cells_have_their_width(void **state)
{
    (void)state;
    assert_fits("abc", 5, false, "abc  ");
    assert_fits("abc", 5, true, "  abc");
    assert_fits("abcdef", 5, false, "abcde");
    assert_fits("", 3, false, "   ");
    assert_fits("東京本社", 8, false, "東京本社");
    assert_fits("東京本社", 7, false, "東京本 "); /* a half of one is none */
    assert_fits("東京本社", 7, true, " 東京本");
    assert_fits("ﾄｳｷｮｳ", 6, false, "ﾄｳｷｮｳ ");
    assert_fits("é", 2, false, "é ");
    assert_fits("abc", 0, false, "");
}

static void test_cells_drive_nothing(void **state)
{
    (void)state;
    assert_fits("a\033[2Jb", 6, false, "a?[2Jb");
    assert_fits("a\nb\tc", 5, false, "a?b?c");
    assert_fits("\xc2\x9b"
                "31m",
                4, false, "?31m");            /* C1 CSI */
    assert_fits("\xff\xfe", 3, false, "?? "); /* no UTF-8 */
    assert_fits("a\xe2\x80\xae"
                "b",
                4, false, "a?b "); /* turns the direction */
    assert_fits("e\xcc\x81\xcc\x81\xcc\x81\xcc\x81x", 3, false, "e\xcc\x81\xcc\x81x ");
    assert_fits("\xcc\x81x", 3, false, "x  "); /* a mark on nothing */
}

static void test_cells_of_a_plain_terminal(void **state)
{
    char cell[TOP_FIT(10)], spark[TOP_SPARK];
    double sample[] = {0, 50, 100};
    (void)state;
    setenv("LC_ALL", "C", 1);
    assert_false(top_text_begin());
    top_fit("aé東", 8, false, cell, sizeof cell);
    assert_string_equal(cell, "a?????  ");
    top_spark(sample, 3, spark);
    assert_string_equal(spark, "_=#");
    with_utf8(state);
    top_spark(sample, 3, spark);
    assert_string_equal(spark, "▁▅█");
    sample[0] = NAN;
    top_spark(sample, 3, spark);
    assert_string_equal(spark, " ▅█");
    top_spark(sample, 0, spark);
    assert_string_equal(spark, "");
}

/* --- rows ------------------------------------------------------------------------------------- */

static struct top_state *new_state(void)
{
    return xcalloc(1, sizeof(struct top_state));
}

static void read_list(const char *json, struct top_page *page)
{
    struct error error = {0};
    struct top_page *next = xcalloc(1, sizeof *next);
    struct json_value *root = json_parse(json, strlen(json), &error);
    assert_non_null(root);
    assert_int_equal(top_page_read(root, "hosts", page, next), 0);
    *page = *next;
    free(next);
    json_value_free(root);
}

static void test_rates_go_by_packet_time(void **state)
{
    struct top_page *page = xcalloc(1, sizeof *page);
    (void)state;
    read_list(LIST("10:00", HOST("10.0.0.1", 1000, USUAL)), page);
    assert_true(isnan(page->row[0].rate));
    read_list(LIST("10:02", HOST("10.0.0.1", 5000, USUAL) "," HOST("10.0.0.2", 7, USUAL)), page);
    assert_true(page->row[0].rate == 2000);
    assert_true(isnan(page->row[1].rate));
    read_list(LIST("10:02", HOST("10.0.0.1", 6000, USUAL)), page); /* no time passed */
    assert_true(page->row[0].rate == 2000);
    read_list(LIST("10:04", HOST("10.0.0.1", 9000, USUAL)), page);
    assert_true(page->row[0].rate == 2000);
    assert_int_equal(page->row[0].samples, 2);
    read_list("{\"now\":\"2026-03-02T02:00:04Z\",\"hour\":{\"starts\":\"2026-03-02T02:00:00Z\"},"
              "\"total\":1,\"hosts\":[" HOST("10.0.0.1", 3000, USUAL) "]}",
              page);
    assert_int_equal(page->row[0].samples, 3); /* an hour's totals begin at nothing */
    assert_true(page->row[0].rate > 0 && page->row[0].rate < 2);
    for (int i = 0; i < TOP_SAMPLES + 5; i++) {
        char json[1024];
        snprintf(json, sizeof json,
                 "{\"now\":\"2026-03-02T02:20:%02dZ\",\"hosts\":[{\"host\":\"10.0.0.1\"}]}",
                 i + 10);
        read_list(json, page);
    }
    assert_int_equal(page->row[0].samples, TOP_SAMPLES);
    free(page);
}

static void test_what_is_no_list(void **state)
{
    static const char *const none[] = {"[]", "3", "{}", "{\"destinations\":[]}"};
    struct top_page *page = xcalloc(1, sizeof *page);
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct json_value *root = json_parse(none[i], strlen(none[i]), NULL);
        assert_int_equal(top_page_read(root, "hosts", NULL, page), -1);
        json_value_free(root);
    }
    static const char odds[] = "{\"hosts\":[7,null,{\"host\":[],\"expected\":[9]}]}";
    struct json_value *odd = json_parse(odds, sizeof odds - 1, NULL);
    assert_int_equal(top_page_read(odd, "hosts", NULL, page), 0);
    assert_int_equal(page->count, 3);
    json_value_free(odd);
    free(page);
}

/* --- lines ------------------------------------------------------------------------------------ */

static char *screen_of(struct top_state *state, size_t width, size_t height)
{
    struct top_view view = {.line = NULL};
    struct buffer text = {0};
    top_view_make(state, width, height, &view);
    for (size_t i = 0; i < view.count; i++) {
        assert_true(terminal_is_harmless(view.line[i].text));
        assert_int_equal(columns_of(view.line[i].text), width);
        buffer_text(&text, "%d%s\n", (int)view.line[i].ink, view.line[i].text);
    }
    if (height > 0)
        assert_int_equal(view.count, height);
    top_view_free(&view);
    buffer_u8(&text, 0);
    return (char *)text.data;
}

static void test_hosts_on_a_screen(void **state)
{
    struct top_state *top = new_state();
    (void)state;
    snprintf(top->sensor.name, sizeof top->sensor.name, "東京-1");
    read_list(LIST("10:00", HOST("10.0.0.1", 76000000, UNUSUAL) "," HOST("10.0.0.2", 7000, USUAL)),
              &top->hosts);
    char *text = screen_of(top, 100, 12);
    assert_non_null(strstr(text, "weir 東京-1  2026-03-02T01:10:00.000Z"));
    assert_non_null(strstr(text, "310.0.0.1"));
    assert_non_null(strstr(text, "! 76.0 MB"));
    assert_non_null(strstr(text, "1.00 kB-20.0 kB"));
    assert_non_null(strstr(text, "inc-012345 96 now"));
    assert_null(strstr(text, "! 7.00 kB"));
    assert_string_equal(top_chosen(top)->name, "10.0.0.1");
    free(text);
    top->chosen[TOP_HOSTS] = 50; /* beyond the last: the last */
    free(screen_of(top, 100, 12));
    assert_string_equal(top_chosen(top)->name, "10.0.0.2");
    for (size_t width = 20; width < 200; width += 7)
        free(screen_of(top, width, 9));
    free(top);
}

static void test_the_chosen_row_stays_in_sight(void **state)
{
    struct top_state *top = new_state();
    (void)state;
    for (top->hosts.count = 0; top->hosts.count < 60; top->hosts.count++) {
        struct top_row *row = &top->hosts.row[top->hosts.count];
        *row = (struct top_row){.rate = NAN, .p = NAN};
        snprintf(row->name, sizeof row->name, "10.0.0.%zu", top->hosts.count + 1);
    }
    top->chosen[TOP_HOSTS] = 40;
    char *text = screen_of(top, 80, 15);
    assert_non_null(strstr(text, "310.0.0.41"));
    free(text);
    top->chosen[TOP_HOSTS] = 3;
    text = screen_of(top, 80, 15);
    assert_non_null(strstr(text, "310.0.0.4 "));
    free(text);
    free(screen_of(top, 80, 1 + 5)); /* hardly room for one */
    free(top);
}

/* A name from the wire that would clear the screen, in a list of where a host sends. */
static void test_hostile_names(void **state)
{
    static const char json[] = "{\"now\":\"2026-03-02T01:10:00Z\",\"hour\":null,\"host\":" HOST(
        "10.0.0.1", 9,
        USUAL) ",\"total\":2,\"destinations\":[{\"name\":\"\\u001b[2J\\u009b31m\\u202egnp.exe\","
               "\"role\":\"client\",\"out_bytes\":5},{\"name\":\"日本.example\",\"role\":\"\\u001b]"
               "0;x\\u0007\","
               "\"incident\":{\"id\":\"\\u001bc\",\"urgency\":\"\\n\"}}]}";
    struct top_state *top = new_state();
    struct json_value *root = json_parse(json, sizeof json - 1, NULL);
    (void)state;
    assert_non_null(root);
    assert_int_equal(top_page_read(root, "destinations", NULL, &top->host), 0);
    json_value_free(root);
    top->screen = TOP_HOST;
    char *text = screen_of(top, 120, 10);
    assert_null(strchr(text, '\033'));
    assert_non_null(strstr(text, "日本.example"));
    assert_non_null(strstr(text, "?[2J"));
    free(text);
    snprintf(top->find, sizeof top->find, "example");
    text = screen_of(top, 120, 10);
    assert_null(strstr(text, "?[2J"));
    free(text);
    free(top);
}

static void test_what_is_not_seen_is_said(void **state)
{
    static const char status[] =
        "{\"sensor\":\"a\",\"state\":\"running\",\"blind\":[\"the tap is silent\",\"x\"],"
        "\"engine\":{\"incidents_open\":3}}";
    struct top_state *top = new_state();
    struct json_value *root = json_parse(status, sizeof status - 1, NULL);
    (void)state;
    top_sensor_read(root, &top->sensor);
    json_value_free(root);
    char *text = screen_of(top, 80, 10);
    assert_non_null(strstr(text, "3 incidents open"));
    assert_non_null(strstr(text, "2BLIND NOW (2): the tap is silent"));
    assert_non_null(strstr(text, "no packet yet"));
    free(text);
    snprintf(top->message, sizeof top->message, "nobody is there");
    text = screen_of(top, 80, 10);
    assert_non_null(strstr(text, "2NO ANSWER, figures are old: nobody is there"));
    free(text);
    free(top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_have_their_width),
        cmocka_unit_test(test_cells_drive_nothing),
        cmocka_unit_test(test_cells_of_a_plain_terminal),
        cmocka_unit_test(test_rates_go_by_packet_time),
        cmocka_unit_test(test_what_is_no_list),
        cmocka_unit_test(test_hosts_on_a_screen),
        cmocka_unit_test(test_the_chosen_row_stays_in_sight),
        cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_what_is_not_seen_is_said),
    };
    return cmocka_run_group_tests(tests, with_utf8, NULL);
}
