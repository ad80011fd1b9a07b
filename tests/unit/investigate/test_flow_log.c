/* Flows of a sensor that runs: a line as each ends; what an engine tells again is there once. */
#include "views.h"

#include "weir/base/buffer.h"
#include "weir/investigate/flow_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/weir-flow-log-XXXXXX";
static const char *vantage[VANTAGES];

static int set_up(void **state)
{
    (void)state;
    strcpy(path + sizeof path - 7, "XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < VANTAGES; i++)
        vantage[i] = i == 1 ? "dmz" : "";
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static struct flow_log *open_log(bool anew)
{
    struct error error = {0};
    struct flow_log *log = flow_log_open(path, vantage, anew, &error);
    if (!log)
        fail_msg("%s", error.message);
    return log;
}

static void add(struct flow_log *log, uint64_t bytes, bool again)
{
    struct made made;
    const struct flow_view *view =
        make_view(&made, SCOPE_OUT, "10.0.0.1", "198.51.100.1", bytes, 0, NULL);
    made.flow->key.vantage = bytes == 2;
    flow_log_add(log, view, again);
    assert_int_equal(flow_log_lost(log), 0);
}

static char *read_all(size_t *lines)
{
    FILE *file = fopen(path, "re");
    char *text = xcalloc(1, 65536);
    size_t size = fread(text, 1, 65535, file);
    fclose(file);
    *lines = 0;
    for (size_t i = 0; i < size; i++)
        *lines += text[i] == '\n';
    assert_true(size == 0 || text[size - 1] == '\n');
    return text;
}

static void test_as_they_end(void **state)
{
    (void)state;
    struct made made;
    size_t lines;
    struct flow_log *log = open_log(true);
    add(log, 1, false);
    char *text = read_all(&lines); /* it need not end for that */
    assert_int_equal(lines, 1);
    assert_null(strstr(text, "vantage"));
    free(text);
    add(log, 2, false);
    make_view(&made, SCOPE_OUT, "10.0.0.1", "198.51.100.1", 3, 0, NULL);
    made.flow->end = FLOW_OPEN;
    flow_log_add(log, &made.view, false);
    flow_log_close(log);
    text = read_all(&lines);
    assert_int_equal(lines, 2);
    assert_non_null(strstr(text, "\"vantage\":\"dmz\""));
    free(text);
    flow_log_close(open_log(true)); /* another sensor's life */
    text = read_all(&lines);
    assert_int_equal(lines, 0);
    free(text);
}

static void test_told_again(void **state)
{
    (void)state;
    size_t lines;
    struct flow_log *log = open_log(true);
    for (uint64_t bytes = 1; bytes <= 5; bytes++)
        add(log, bytes, false);
    flow_log_close(log);
    assert_int_equal(truncate(path, 1700), 0); /* it died while it wrote */
    log = open_log(false);
    char *text = read_all(&lines);
    size_t whole = lines;
    free(text);
    assert_in_range(whole, 1, 4);
    for (uint64_t bytes = 2; bytes <= 5; bytes++)
        add(log, bytes, true);
    add(log, 6, true);  /* was not told before it died */
    add(log, 7, false); /* and now it goes on */
    add(log, 7, false); /* two flows may look the same */
    flow_log_close(log);
    text = read_all(&lines);
    assert_int_equal(lines, 8);
    free(text);
}

static void test_where_it_cannot_be(void **state)
{
    (void)state;
    struct error error = {0};
    assert_null(flow_log_open("/nowhere/flows.ndjson", vantage, true, &error));
    assert_int_equal(error.code, ERROR_RUN);
    assert_non_null(strstr(error.message, "/nowhere/flows.ndjson"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_as_they_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_told_again, set_up, tear_down),
        cmocka_unit_test(test_where_it_cannot_be)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
