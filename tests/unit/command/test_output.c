/* A file appears whole, a link keeps its place, and what is no file is written to. */
#include "../../../sensor/command/output.h"
#include "../folder.h"
#include "weir/base/buffer.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

static char folder[FOLDER_SIZE], path[FOLDER_SIZE + 16], other[FOLDER_SIZE + 16];

static int begin(void **state)
{
    (void)state;
    folder_make("output", folder);
    snprintf(path, sizeof path, "%s/out", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    return 0;
}

static int end(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

static void assert_holds(const char *name, const char *expected)
{
    char text[64];
    FILE *file = fopen(name, "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

static void write_well(const char *name, const char *text)
{
    struct error error = {0};
    if (output_write(name, text, &error) != 0)
        fail_msg("%s", error.message);
}

static void test_file(void **state)
{
    (void)state;
    struct stat st;
    char part[sizeof path + 8];
    snprintf(part, sizeof part, "%s.part", path);
    assert_int_equal(symlink(other, part), 0); /* is not written through */
    umask(0022);
    write_well(path, "one");
    write_well(path, "two");
    assert_holds(path, "two");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_not_equal(lstat(part, &st), 0);
    assert_int_not_equal(lstat(other, &st), 0);
}

static void test_link(void **state)
{
    (void)state;
    struct stat st;
    struct error error = {0};
    assert_int_equal(symlink("other", path), 0);
    assert_int_equal(output_write(path, "x", &error), -1);
    assert_int_equal(error.code, ERROR_RUN);
    write_well(other, "one");
    write_well(path, "two");
    assert_holds(other, "two");
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
}

static void test_no_file(void **state)
{
    (void)state;
    struct stat st;
    struct error error = {0};
    char text[8] = "";
    assert_int_equal(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    write_well(path, "piped");
    assert_int_equal(read(fd, text, sizeof text), 5);
    assert_string_equal(text, "piped");
    close(fd);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    assert_int_equal(output_write("/dev/full", "x", &error), -1);
    assert_non_null(strstr(error.message, "/dev/full"));
    assert_int_equal(output_write(folder, "x", &error), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_file, begin, end),
        cmocka_unit_test_setup_teardown(test_link, begin, end),
        cmocka_unit_test_setup_teardown(test_no_file, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
