/* Words of a sub-command's own, taken off its line; spans and times as people write them. */
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

static void test_spans(void **state)
{
    (void)state;
    assert_int_equal(words_span("90s"), 90);
    assert_int_equal(words_span("30min"), 1800);
    assert_int_equal(words_span("8h"), 28800);
    assert_int_equal(words_span("7d"), 604800);
    assert_int_equal(words_span("2w"), 1209600);
    static const char *const bad[] = {"", "8", "h", "-8h", "8 h", "8hh", "1.5h", "9999999999s"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(words_span(bad[i]), -1);
}

/* By the site's clock, over its change of time too. */
static void test_times(void **state)
{
    (void)state;
    struct calendar_config berlin = {.timezone = "Europe/Berlin", .work_start = 8, .work_end = 18};
    struct calendar *calendar = calendar_new(&berlin, NULL);
    static const struct {
        const char *text, *utc;
    } row[] = {{"2026-03-02T01:14:07Z", "2026-03-02T01:14:07.000Z"},
               {"2026-03-02T01:14", "2026-03-02T00:14:00.000Z"},
               {"2026-03-02", "2026-03-01T23:00:00.000Z"},
               {"2026-07-02", "2026-07-01T22:00:00.000Z"},
               {"2026-07-02T08:00:30.5", "2026-07-02T06:00:30.500Z"}};
    struct ptime time;
    char text[32];
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        assert_true(words_time(row[i].text, &time));
        assert_string_equal(ptime_iso(time, text, sizeof text), row[i].utc);
    }
    static const char *const bad[] = {"",
                                      "8h",
                                      "2026-02-30",
                                      "T",
                                      "2026-03-02T",
                                      "tomorrow",
                                      "2026-03-02T01:14:07.00000000000000000000000000000000"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(words_time(bad[i], &time));
    calendar_free(calendar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
