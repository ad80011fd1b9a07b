/* What the console tells of the journal: what is new, not what was there; and what it says when it
 * cannot have told all. */
#include "../../../sensor/role/console_news.h"

#include "weir/alert/journal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LINE "{\"event\":{\"kind\":\"alert\"},\"message\":\"a line of some length\"}"

/* Of the file as sensor/alert/segment.h and frame.h have it. */
#define FIRST_SEGMENT "journal/00000000000000000001.log"
#define THIRD_SEGMENT "journal/00000000000000000003.log"
#define HEAD_BYTES    32u
#define FRAME_BYTES   (24u + (sizeof LINE - 1))
#define THIRD_LINE    (off_t)(HEAD_BYTES + 2 * FRAME_BYTES + 24u)

struct fixture {
    char folder[64];
    struct journal *journal;
    struct console_news *news;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct error error = {0};
    snprintf(f->folder, sizeof f->folder, "/tmp/weir-news-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->journal = journal_open(f->folder, NULL, &error);
    assert_non_null(f->journal);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[96];
    console_news_free(f->news);
    journal_close(f->journal);
    snprintf(command, sizeof command, "rm -r %s", f->folder);
    assert_int_equal(system(command), 0); /* NOLINT: a path of ours */
    free(f);
    return 0;
}

/* `count` alerts that are durable. */
static void write_alerts(const struct fixture *f, unsigned count)
{
    struct error error = {0};
    for (unsigned i = 0; i < count; i++)
        assert_true(journal_append(f->journal, LINE, sizeof LINE - 1, &error) > 0);
    assert_int_equal(journal_sync(f->journal, &error), 0);
}

static void begin(struct fixture *f)
{
    f->news = console_news_new(f->folder, journal_durable(f->journal), NULL);
}

/* What one turn tells; caller frees. */
static char *turn(struct fixture *f)
{
    struct buffer events = {0};
    console_news_read(f->news, journal_durable(f->journal), &events);
    buffer_u8(&events, 0);
    return (char *)events.data;
}

static void expect_turn(struct fixture *f, const char *events)
{
    char *text = turn(f);
    assert_string_equal(text, events);
    free(text);
}

static void expect_part(struct fixture *f, const char *part)
{
    char *text = turn(f);
    if (!strstr(text, part))
        fail_msg("%s instead of %s", text, part);
    free(text);
}

static void expect_begin(const struct fixture *f, const char *last, bool gap)
{
    struct buffer out = {0};
    console_news_begin(f->news, last, &out);
    buffer_u8(&out, 0);
    assert_int_equal(strstr((const char *)out.data, "event: gap") != NULL, gap);
    buffer_fini(&out);
}

static void test_what_was_there_is_no_news(void **state)
{
    struct fixture *f = *state;
    write_alerts(f, NEWS_TURN + 1);
    begin(f);
    assert_false(console_news_whole(f->news));
    expect_turn(f, ""); /* not one of them */
    assert_false(console_news_whole(f->news));
    expect_begin(f, "1", true); /* the rest of what it missed is not read yet */
    expect_turn(f, "event: gap\ndata: {\"after\":129}\n\n");
    assert_true(console_news_whole(f->news));
    expect_begin(f, "1", false);
    write_alerts(f, 1);
    expect_part(f, "event: alert\nid: 130\n");
    assert_true(console_news_whole(f->news));
}

static void test_damage_is_a_gap(void **state)
{
    struct fixture *f = *state;
    char path[160];
    begin(f);
    expect_turn(f, "");
    write_alerts(f, 5);
    snprintf(path, sizeof path, "%s/" FIRST_SEGMENT, f->folder);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "XXXX", 4, THIRD_LINE), 4);
    close(fd);
    expect_part(f, "event: gap\n");
    assert_false(console_news_whole(f->news));
    expect_begin(f, "0", true);
    expect_begin(f, "5", false);
}

/* A segment that cannot be read for a while is waited for, and then nothing is missing. */
static void test_trouble_that_passes_is_no_gap(void **state)
{
    struct fixture *f = *state;
    const struct journal_limits limits = {.segment_bytes = HEAD_BYTES + 2 * FRAME_BYTES};
    char path[160], aside[160];
    journal_limit(f->journal, &limits);
    begin(f);
    write_alerts(f, 2);
    expect_part(f, "id: 2\n");
    write_alerts(f, 1);
    snprintf(path, sizeof path, "%s/" THIRD_SEGMENT, f->folder);
    snprintf(aside, sizeof aside, "%s/aside", f->folder);
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(symlink(aside, path), 0); /* no segment is a link */
    expect_turn(f, "event: gap\ndata: {\"after\":2}\n\n");
    expect_turn(f, ""); /* once */
    assert_false(console_news_whole(f->news));
    assert_int_equal(rename(aside, path), 0);
    expect_part(f, "event: alert\nid: 3\n");
    assert_true(console_news_whole(f->news));
    expect_begin(f, "1", false);
}

static void test_no_journal_is_a_gap(void **state)
{
    struct fixture *f = *state;
    f->news = console_news_new("/nowhere", 0, NULL);
    expect_turn(f, "event: gap\ndata: {\"after\":0}\n\n");
    expect_turn(f, ""); /* once */
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_there_is_no_news), TEST(test_damage_is_a_gap),
        TEST(test_trouble_that_passes_is_no_gap), TEST(test_no_journal_is_a_gap)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
