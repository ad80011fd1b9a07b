/* The state directory: one sensor in it, whoever looks at its lock for a moment; and what it is
 * known by. */
#include "../folder.h"
#include "weir/base/time.h"
#include "weir/role/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>

static int set_up(void **state)
{
    static char folder[FOLDER_SIZE];
    *state = folder_make("state", folder);
    return 0;
}

static int tear_down(void **state)
{
    folder_remove(*state);
    return 0;
}

/* --- the lock --------------------------------------------------------------------------------- */

static int open_lock(const char *folder)
{
    char path[FOLDER_SIZE + 8];
    snprintf(path, sizeof path, "%s/lock", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    assert_true(fd >= 0);
    return fd;
}

static int open_state(char *folder, struct state *opened, struct error *error)
{
    char url[] = "redis://127.0.0.1", user[] = "";
    struct config config = {.state_dir = folder, .redis_url = url, .user = user};
    return state_open(opened, &config, error);
}

static void *let_go(void *context)
{
    usleep(200000);
    close(*(int *)context);
    return NULL;
}

/* As `weir baseline` takes it, to see whether a sensor runs, and as it has it with none running. */
static void test_a_lock_that_is_held_for_a_moment(void **state)
{
    static const int kind[] = {LOCK_SH, LOCK_EX};
    for (size_t i = 0; i < 2; i++) {
        struct state opened;
        struct error error = {0};
        pthread_t thread;
        int fd = open_lock(*state);
        assert_int_equal(flock(fd, kind[i]), 0);
        assert_int_equal(pthread_create(&thread, NULL, let_go, &fd), 0);
        int result = open_state(*state, &opened, &error);
        pthread_join(thread, NULL);
        if (result != 0)
            fail_msg("%s", error.message);
        state_close(&opened);
    }
}

static void test_a_lock_that_is_kept(void **state)
{
    struct state opened;
    struct error error = {0};
    int fd = open_lock(*state);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(open_state(*state, &opened, &error), -1);
    assert_non_null(strstr(error.message, "another sensor runs there"));
    state_close(&opened);
    close(fd);
}

/* --- how it is to be read --------------------------------------------------------------------- */

static char *version_path(const char *folder, char path[FOLDER_SIZE + 16])
{
    snprintf(path, FOLDER_SIZE + 16, "%s/state.version", folder);
    return path;
}

static void put_version(const char *folder, const char *text)
{
    char path[FOLDER_SIZE + 16];
    FILE *file = fopen(version_path(folder, path), "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void assert_opens(char *folder)
{
    struct state opened;
    struct error error = {0};
    char path[FOLDER_SIZE + 16], text[8] = "";
    if (open_state(folder, &opened, &error) != 0)
        fail_msg("%s", error.message);
    state_close(&opened);
    FILE *file = fopen(version_path(folder, path), "re");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "1\n");
}

static void assert_refused(char *folder, enum error_code code, const char *why)
{
    struct state opened;
    struct error error = {0};
    char path[FOLDER_SIZE + 16];
    assert_int_equal(open_state(folder, &opened, &error), -1);
    state_close(&opened);
    assert_int_equal(error.code, code);
    if (!strstr(error.message, why))
        fail_msg("%s", error.message);
    snprintf(path, sizeof path, "%s/lock", folder);
    assert_int_equal(access(path, F_OK), -1); /* nothing was touched */
}

static void test_a_version_that_was_cut_off(void **state)
{
    char path[FOLDER_SIZE + 24];
    put_version(*state, "");
    snprintf(path, sizeof path, "%s/state.version.new", (const char *)*state);
    assert_int_equal(symlink("/tmp/weir-no-such-file", path), 0); /* somebody's: not followed */
    assert_opens(*state);
    assert_int_equal(access("/tmp/weir-no-such-file", F_OK), -1);
    assert_opens(*state);
}

static void test_versions_that_are_none_of_ours(void **state)
{
    static const char *const text[] = {"2\n", "4294967297\n", "99999999999999999999\n"};
    for (size_t i = 0; i < 3; i++) {
        put_version(*state, text[i]);
        assert_refused(*state, ERROR_USAGE, "install the one that wrote it");
    }
    put_version(*state, "1x\n");
    assert_refused(*state, ERROR_USAGE, "holds no version");
    put_version(*state, "0\n");
    assert_refused(*state, ERROR_USAGE, "holds no version");
}

static void test_a_version_that_is_no_file(void **state)
{
    char path[FOLDER_SIZE + 16];
    version_path(*state, path);
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes: this must not wait */
    assert_refused(*state, ERROR_USAGE, "is no regular file");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_refused(*state, ERROR_USAGE, "is no regular file");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink("/proc/self/cmdline", path), 0);
    assert_refused(*state, ERROR_USAGE, "is no regular file");
}

/* --- what it is known by ---------------------------------------------------------------------- */

static void test_an_instance_stays(void **state)
{
    char first[STATE_INSTANCE_SIZE], again[STATE_INSTANCE_SIZE], path[FOLDER_SIZE + 16];
    struct error error = {0};
    assert_int_equal(state_instance(*state, first, &error), 0);
    assert_int_equal(strlen(first), 32);
    assert_int_equal(state_instance(*state, again, &error), 0);
    assert_string_equal(first, again);
    snprintf(path, sizeof path, "%s/sensor.id", (const char *)*state);
    assert_int_equal(truncate(path, 7), 0); /* half written: made anew */
    assert_int_equal(state_instance(*state, again, &error), 0);
    assert_int_equal(strlen(again), 32);
    assert_string_not_equal(first, again);
    assert_int_equal(state_instance("/proc/weir", again, &error), -1);
    assert_non_null(strstr(error.message, "/proc/weir/sensor.id"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_lock_that_is_held_for_a_moment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_lock_that_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_version_that_was_cut_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_versions_that_are_none_of_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_version_that_is_no_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_instance_stays, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
