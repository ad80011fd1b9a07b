/* The access log: its lines follow on each other; what was changed, taken out or cut is seen; files
 * are turned over and go when they are old. */
#include "../folder.h"
#include "weir/base/buffer.h"
#include "weir/role/access_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DAYS 400

static int set_up(void **state)
{
    static char folder[FOLDER_SIZE];
    *state = folder_make("access", folder);
    return 0;
}

static int tear_down(void **state)
{
    folder_remove(*state);
    return 0;
}

static uint64_t put_at(const char *folder, const char *what, struct ptime at)
{
    struct error error = {0};
    const struct access_look look = {.at = at,
                                     .by = "alice",
                                     .account = "root",
                                     .uid = 0,
                                     .via = "command",
                                     .verb = "explain",
                                     .what = what};
    uint64_t number = 0;
    assert_int_equal(access_log_put(folder, DAYS, 1000, &look, &number, &error), 0);
    return number;
}

static uint64_t put(const char *folder, const char *what)
{
    return put_at(folder, what, (struct ptime){(int64_t)time(NULL) * NS_PER_S});
}

static void on_line(void *context, const struct json_value *line, const char *text, size_t size)
{
    struct buffer *seen = context;
    (void)text;
    (void)size;
    buffer_text(seen, "%s ", json_text(json_get(line, "what")));
}

static struct access_chain chain_of(const char *folder, const char *expected)
{
    struct access_chain chain;
    struct error error = {0};
    struct buffer seen = {0};
    assert_int_equal(access_log_each(folder, on_line, &seen, &chain, &error), 0);
    buffer_u8(&seen, 0);
    if (expected)
        assert_string_equal((const char *)seen.data, expected);
    buffer_fini(&seen);
    return chain;
}

static char *path_of(const char *folder)
{
    return xasprintf("%s/access.ndjson", folder);
}

static char *read_log(const char *folder)
{
    char *path = path_of(folder), *text = xcalloc(1, 65536);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && read(fd, text, 65535) > 0);
    close(fd);
    free(path);
    return text;
}

static void write_log(const char *folder, const char *text)
{
    char *path = path_of(folder);
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    free(path);
}

static void test_lines_follow(void **state)
{
    struct stat st;
    assert_int_equal(put(*state, "a"), 1);
    assert_int_equal(put(*state, "b"), 2);
    assert_int_equal(put(*state, "c"), 3);
    struct access_chain chain = chain_of(*state, "a b c ");
    assert_int_equal(chain.lines, 3);
    assert_int_equal(chain.last, 3);
    assert_int_equal(chain.gone + chain.breaks + chain.damaged, 0);
    assert_int_equal(strlen(chain.head), 64);
    char *path = path_of(*state);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07137, 0); /* 0640 at most */
    free(path);
}

static void test_a_change_is_seen(void **state)
{
    for (int i = 0; i < 3; i++)
        put(*state, "host-x");
    char *text = read_log(*state);
    *strstr(strstr(text, "\n"), "host-x") = 'H'; /* in the second line */
    write_log(*state, text);
    struct access_chain chain = chain_of(*state, NULL);
    assert_int_equal(chain.breaks, 1);
    free(text);
}

static void test_a_line_taken_out_is_seen(void **state)
{
    for (int i = 0; i < 3; i++)
        put(*state, "a");
    char *text = read_log(*state), *second = strchr(text, '\n') + 1;
    char *third = strchr(second, '\n') + 1;
    memmove(second, third, strlen(third) + 1);
    write_log(*state, text);
    assert_int_equal(chain_of(*state, "a a ").breaks, 1);
    free(text);
}

/* The limit that is documented: but the number and hash of the last line are not what they were. */
static void test_a_cut_end_needs_the_head(void **state)
{
    put(*state, "a");
    put(*state, "b");
    struct access_chain before = chain_of(*state, "a b ");
    char *text = read_log(*state);
    strchr(text, '\n')[1] = '\0';
    write_log(*state, text);
    struct access_chain after = chain_of(*state, "a ");
    assert_int_equal(after.breaks, 0);
    assert_string_not_equal(after.head, before.head);
    assert_int_equal(put(*state, "c"), 2);
    free(text);
}

/* Half a line that a crash left ends there, and the next follows on it. */
static void test_half_a_line(void **state)
{
    put(*state, "a");
    char *text = read_log(*state), *half = xasprintf("%s{\"n\":2,\"at", text);
    write_log(*state, half);
    assert_int_equal(put(*state, "c"), 3);
    struct access_chain chain = chain_of(*state, "a c ");
    assert_int_equal(chain.damaged, 1);
    assert_int_equal(chain.breaks, 0);
    free(text);
    free(half);
}

static void test_turned_over_and_gone(void **state)
{
    int64_t now = (int64_t)time(NULL);
    struct access_files files;
    put_at(*state, "old", (struct ptime){(now - 40 * 86400) * NS_PER_S});
    assert_int_equal(put(*state, "new"), 2); /* into another file */
    files = access_files_list(*state);
    assert_int_equal(files.count, 1);
    assert_int_equal(chain_of(*state, "old new ").breaks, 0);
    const struct timespec long_ago[2] = {{.tv_sec = now - 401 * 86400},
                                         {.tv_sec = now - 401 * 86400}};
    assert_int_equal(utimensat(AT_FDCWD, files.path[0], long_ago, 0), 0);
    access_files_free(&files);
    access_log_keep(*state, DAYS);
    struct access_chain chain = chain_of(*state, "new ");
    assert_int_equal(chain.gone, 1);
    assert_int_equal(chain.breaks, 0);
    assert_int_equal(put(*state, "c"), 3);
}

static void test_one_writer_at_a_time(void **state)
{
    char *path = xasprintf("%s/access.lock", (const char *)*state);
    struct error error = {0};
    uint64_t number;
    const struct access_look look = {.by = "a", .via = "api", .verb = "v", .uid = -1};
    put(*state, "a");
    int fd = open(path, O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(access_log_put(*state, DAYS, 20, &look, &number, &error), -1);
    assert_non_null(strstr(error.message, "access.lock"));
    close(fd);
    assert_int_equal(chain_of(*state, "a ").lines, 1);
    free(path);
}

/* Whatever is stated, a line is one line. */
static void test_what_people_state(void **state)
{
    char *long_text = xcalloc(1, 5000);
    memset(long_text, 'x', 4999);
    put(*state, "a\nb\"}");
    put(*state, long_text);
    put(*state, "\xff\xfe");
    struct access_chain chain = chain_of(*state, NULL);
    assert_int_equal(chain.lines, 3);
    assert_int_equal(chain.breaks + chain.damaged, 0);
    free(long_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_follow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_change_is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_line_taken_out_is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_cut_end_needs_the_head, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_half_a_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_turned_over_and_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_writer_at_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_people_state, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
