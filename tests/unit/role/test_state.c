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
        cmocka_unit_test_setup_teardown(test_an_instance_stays, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
