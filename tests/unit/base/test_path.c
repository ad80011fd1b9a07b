/* Paths: one place, written in many ways. */
#include "weir/base/path.h"

#include "weir/base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void test_tidy(void **state)
{
    static const char *const row[][2] = {
        {"/a/b", "/a/b"},     {"/a//b/", "/a/b"}, {"/./a/./b/.", "/a/b"},
        {"./a", "a"},         {".", "."},         {"/", "/"},
        {"//.//", "/"},       {"", "."},          {"/a/../b", "/a/../b"},
        {"/.a/b.", "/.a/b."}, {"../x", "../x"}};
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char *tidy = path_tidy(row[i][0]);
        assert_string_equal(tidy, row[i][1]);
        free(tidy);
    }
}

static void expect_below(const char *top, const char *path, const char *folder, const char *rest)
{
    char *whole = xasprintf("%s/%s", top, path), *of = xasprintf("%s/%s", top, folder);
    const char *found = path_below(whole, of);
    if (rest)
        assert_string_equal(found, rest);
    else
        assert_null(found);
    free(of);
    free(whole);
}

static void test_below(void **state)
{
    char top[] = "/tmp/weir-path-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(top));
    char *dir = xasprintf("%s/dir", top), *link = xasprintf("%s/link", top);
    char *current = xasprintf("%s/dir/current", top);
    assert_int_equal(mkdir(dir, 0755), 0);
    assert_int_equal(symlink("dir", link), 0);
    assert_int_equal(symlink("8-x", current), 0); /* what it leads to is another's business */
    expect_below(top, "dir/current/a", "dir/current", "/a");
    expect_below(top, "link/current/*.yaml", "dir/current", "/*.yaml");
    expect_below(top, "dir/./current//x/y", "link/current/", "//x/y");
    expect_below(top, "link/../dir/current/a", "dir/current", "/a");
    expect_below(top, "dir/current", "dir/current", NULL);
    expect_below(top, "dir/currently/a", "dir/current", NULL);
    expect_below(top, "dir/8-x/a", "dir/current", NULL);
    expect_below(top, "none/such/./current/a", "none//such/current", "/a"); /* nor is it there */
    char *deep = xcalloc(1, 1 << 20); /* longer than any path there is: at once, and no deeper */
    for (size_t at = 0; at + 9 < 1 << 20; at += 8)
        memcpy(deep + at, "current/", 8);
    expect_below(top, deep, "dir/current", NULL);
    deep[400] = '\0';
    expect_below(top, deep, "dir/current", NULL);
    free(deep);
    unlink(current);
    unlink(link);
    rmdir(dir);
    rmdir(top);
    free(current);
    free(link);
    free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tidy), cmocka_unit_test(test_below)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
