/* What the log writes to descriptor 2, read back through a pipe put in its place. */
#include "weir/base/log.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels),
                                       cmocka_unit_test(test_one_bounded_line),
                                       cmocka_unit_test(test_threads_do_not_mix)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
