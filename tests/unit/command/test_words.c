/* Words of a sub-command's own, taken off its line. */
#include "../../../sensor/command/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *note, *since;
static bool open_only;
static const struct word words[] = {{"--note", &note, NULL},
                                    {"--since", &since, NULL},
                                    {"--open", NULL, &open_only},
                                    {NULL, NULL, NULL}};

static enum error_code take(char **argv, int *argc)
{
    struct error error = {0};
    note = since = NULL;
    open_only = false;
    for (*argc = 0; argv[*argc]; ++*argc)
        ;
    int failed = words_take(words, argc, argv, &error);
    assert_int_equal(failed, error.code == ERROR_NONE ? 0 : -1);
    return error.code;
}

static void test_taken(void **state)
{
    (void)state;
    int argc;
    char *line[] = {"list",   "--note=a b", "x",  "--since", "8h",
                    "--json", "--open",     "--", "--note",  NULL};
    assert_int_equal(take(line, &argc), ERROR_NONE);
    assert_string_equal(note, "a b");
    assert_string_equal(since, "8h");
    assert_true(open_only);
    static const char *const left[] = {"list", "x", "--json", "--", "--note"};
    assert_int_equal(argc, 5);
    for (int i = 0; i < argc; i++)
        assert_string_equal(line[i], left[i]);
    assert_null(line[5]);
    char *empty[] = {"list", "--note=", NULL};
    assert_int_equal(take(empty, &argc), ERROR_NONE);
    assert_string_equal(note, "");
}

static void test_refused(void **state)
{
    (void)state;
    int argc;
    char *lacks[] = {"list", "--note", NULL}, *twice[] = {"list", "--note=a", "--note", "b", NULL};
    char *flags[] = {"list", "--open", "--open", NULL}, *other[] = {"list", "--notes", NULL};
    assert_int_equal(take(lacks, &argc), ERROR_USAGE);
    assert_int_equal(take(twice, &argc), ERROR_USAGE);
    assert_int_equal(take(flags, &argc), ERROR_USAGE);
    assert_int_equal(take(other, &argc), ERROR_NONE); /* not ours: it stays */
    assert_int_equal(argc, 2);
    char *value[] = {"list", "--open=1", NULL};
    assert_int_equal(take(value, &argc), ERROR_NONE);
    assert_int_equal(argc, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
