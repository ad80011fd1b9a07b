/* Folders on file systems that sync them, that cannot, and that fail. */
#include "weir/base/folder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int answer;
static ino_t synced;

/* Instead of libc's. */
int fsync(int fd)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    synced = st.st_ino;
    errno = answer;
    return answer ? -1 : 0;
}

static ino_t inode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

static void test_a_folder_is_synced(void **state)
{
    (void)state;
    answer = 0;
    assert_int_equal(folder_sync("/tmp"), 0);
    assert_true(synced == inode_of("/tmp"));
    assert_int_equal(folder_sync_of("/tmp/of/it"), -1); /* there is no /tmp/of */
    assert_int_equal(errno, ENOENT);
}

static void test_the_folder_of_a_path(void **state)
{
    (void)state;
    static const char *const path[][2] = {{"/tmp/a", "/tmp"}, {"/a", "/"}, {"a", "."}};
    answer = 0;
    for (size_t i = 0; i < sizeof path / sizeof *path; i++) {
        assert_int_equal(folder_sync_of(path[i][0]), 0);
        assert_true(synced == inode_of(path[i][1]));
    }
}

static void test_a_file_system_that_cannot(void **state)
{
    (void)state;
    answer = EINVAL;
    assert_int_equal(folder_sync("/tmp"), 0);
    assert_int_equal(folder_sync_of("/tmp/a"), 0);
}

static void test_a_disk_that_fails(void **state)
{
    (void)state;
    answer = EIO;
    assert_int_equal(folder_sync("/tmp"), -1);
    assert_int_equal(errno, EIO);
    assert_int_equal(folder_sync("/tmp/nowhere"), -1);
    assert_int_equal(errno, ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_folder_is_synced),
        cmocka_unit_test(test_the_folder_of_a_path),
        cmocka_unit_test(test_a_file_system_that_cannot),
        cmocka_unit_test(test_a_disk_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
