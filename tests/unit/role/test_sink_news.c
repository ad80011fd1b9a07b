/* What a courier says of its sinks: as it was, cut where there is no room, and harmless whatever it
 * wrote. */
#include "../../../sensor/role/sink_news.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void test_whole(void **state)
{
    (void)state;
    struct bus_status told = {.name = "siem",
                              .type = "redis",
                              .state = BUS_WAITING,
                              .delivered = 1,
                              .refused = 2,
                              .lost_letters = 3,
                              .filtered = 4,
                              .silenced = 5,
                              .failures = 6,
                              .retries = 7,
                              .failures_in_a_row = 8,
                              .damaged = 9,
                              .behind = 10,
                              .oldest_s = 11,
                              .last_error = "no route"},
                      heard;
    struct sink_news news;
    sink_news_pack(&news, &told);
    sink_news_check(&news);
    sink_news_unpack(&news, &heard);
    assert_string_equal(heard.name, "siem");
    assert_string_equal(heard.type, "redis");
    assert_null(heard.path);
    assert_int_equal(heard.state, BUS_WAITING);
    assert_false(heard.dead);
    uint64_t number[] = {heard.delivered, heard.refused,           heard.lost_letters,
                         heard.filtered,  heard.silenced,          heard.failures,
                         heard.retries,   heard.failures_in_a_row, heard.damaged,
                         heard.behind,    (uint64_t)heard.oldest_s};
    for (uint64_t i = 0; i < sizeof number / sizeof *number; i++)
        assert_int_equal(number[i], i + 1);
    assert_string_equal(heard.last_error, "no route");
}

static void test_cut(void **state)
{
    (void)state;
    char path[200];
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    struct bus_status told = {.name = "a", .type = "file", .path = path, .state = BUS_DEAD}, heard;
    struct sink_news news;
    memset(told.last_error, 'e', sizeof told.last_error - 1);
    sink_news_pack(&news, &told);
    sink_news_check(&news);
    sink_news_unpack(&news, &heard);
    assert_int_equal(strlen(heard.path), 95);
    assert_int_equal(strlen(heard.last_error), 151);
    assert_true(heard.dead);
}

static void test_hostile(void **state)
{
    (void)state;
    struct sink_news news;
    struct bus_status heard;
    memset(&news, 0xff, sizeof news);
    memcpy(news.last_error, "one\nline\x1b[2J\x7f!", sizeof "one\nline\x1b[2J\x7f!");
    sink_news_check(&news);
    sink_news_unpack(&news, &heard);
    assert_int_equal(heard.state, BUS_DEAD);
    assert_int_equal(strlen(heard.name), sizeof news.name - 1);
    assert_int_equal(strlen(heard.path), sizeof news.path - 1);
    assert_string_equal(heard.last_error, "one line [2J !");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_cut),
                                       cmocka_unit_test(test_hostile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
