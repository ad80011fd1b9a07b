/* What the log writes to descriptor 2, read back through a pipe put in its place. */
#include "weir/base/log.h"

#include <inttypes.h>
#include <pthread.h>
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

struct captured {
    int ends[2], saved;
    char text[65536];
};

static void begin(struct captured *c)
{
    assert_int_equal(pipe(c->ends), 0);
    c->saved = dup(STDERR_FILENO);
    assert_true(c->saved >= 0);
    dup2(c->ends[1], STDERR_FILENO);
}

static const char *end(struct captured *c)
{
    size_t size = 0;
    ssize_t got;
    dup2(c->saved, STDERR_FILENO);
    close(c->saved);
    close(c->ends[1]);
    while (size < sizeof c->text - 1 &&
           (got = read(c->ends[0], c->text + size, sizeof c->text - 1 - size)) > 0)
        size += (size_t)got;
    c->text[size] = '\0';
    close(c->ends[0]);
    return c->text;
}

static void test_levels(void **state)
{
    static struct captured c;
    (void)state;
    begin(&c);
    log_error("one %d", 1);
    log_warn("two");
    log_info("three"); /* below the default level */
    log_set_level(LOG_DEBUG_);
    log_info("four");
    log_debug("five");
    log_set_level(LOG_ERROR_);
    log_warn("six");
    log_set_level(LOG_WARN_);
    assert_string_equal(end(&c), "weir: one 1\nweir: two\nweir: four\nweir: five\n");
}

static void test_one_bounded_line(void **state)
{
    static struct captured c;
    char text[5000];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    begin(&c);
    log_error("%s", text);
    log_error("a\nb\033[1m");
    const char *said = end(&c), *newline = strchr(said, '\n');
    assert_non_null(newline);
    assert_in_range(newline - said, 1000, 1023);
    assert_string_equal(newline + 1, "weir: a b [1m\n");
}

static void *many(void *context)
{
    for (int i = 0; i < 100; i++)
        log_error("%s", (const char *)context);
    return NULL;
}

static void test_threads_do_not_mix(void **state)
{
    static struct captured c;
    static char a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    pthread_t thread[2];
    int lines = 0;
    (void)state;
    begin(&c);
    pthread_create(&thread[0], NULL, many, a);
    pthread_create(&thread[1], NULL, many, b);
    pthread_join(thread[0], NULL);
    pthread_join(thread[1], NULL);
    end(&c);
    for (char *line = strtok(c.text, "\n"); line; line = strtok(NULL, "\n"), lines++)
        assert_true(strcmp(line + 6, a) == 0 || strcmp(line + 6, b) == 0);
    assert_int_equal(lines, 200);
}

/* As systemd names it: standard error is the journal, or was when somebody above us began. */
static void test_a_journal(void **state)
{
    static struct captured c;
    char own[64];
    struct stat st;
    (void)state;
    begin(&c);
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    snprintf(own, sizeof own, "%" PRIu64 ":%" PRIu64, (uint64_t)st.st_dev, (uint64_t)st.st_ino);
    setenv("JOURNAL_STREAM", own, 1);
    log_set_subject("engine");
    log_error("one");
    setenv("JOURNAL_STREAM", "1:1", 1);
    log_set_subject("engine");
    log_error("two");
    unsetenv("JOURNAL_STREAM");
    log_set_subject(NULL);
    assert_string_equal(end(&c), "<3>engine: one\nweir: two\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels), cmocka_unit_test(test_one_bounded_line),
        cmocka_unit_test(test_threads_do_not_mix), cmocka_unit_test(test_a_journal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
