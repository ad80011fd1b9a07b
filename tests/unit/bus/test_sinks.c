/* The sinks by themselves: whole lines only, whatever the disk or the reader does. */
#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/bus/bus.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char folder[64], path[128];
    struct sink_config config;
    struct sink *sink;
    int pipe[2], saved_stdout;
};

static const struct sink_type *type_of(const char *name)
{
    for (const struct sink_type *const *row = sink_types; *row; row++)
        if (strcmp((*row)->type, name) == 0)
            return *row;
    fail_msg("no sink %s", name);
    return NULL;
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/weir-sinks-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/alerts.ndjson", f->folder);
    f->config = (struct sink_config){"file", f->path, "ecs"};
    f->saved_stdout = f->pipe[0] = f->pipe[1] = -1;
    *state = f;
    return 0;
}

static void restore_stdout(struct fixture *f)
{
    if (f->saved_stdout < 0)
        return;
    fflush(stdout);
    dup2(f->saved_stdout, STDOUT_FILENO);
    close(f->saved_stdout);
    f->saved_stdout = -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    restore_stdout(f);
    for (int i = 0; i < 2; i++)
        if (f->pipe[i] >= 0)
            close(f->pipe[i]);
    unlink(f->path);
    rmdir(f->folder);
    free(f);
    return 0;
}

static char *contents(const char *path)
{
    static char text[1 << 16]; /* the last file read */
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void put_contents(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void open_file_sink(struct fixture *f)
{
    struct error error = {0};
    f->sink = type_of("file")->open(&f->config, &error);
    if (!f->sink)
        fail_msg("%s", error.message);
}

static void put_line(struct fixture *f, const char *line)
{
    struct error error = {0};
    assert_int_equal(type_of("file")->write(f->sink, line, strlen(line), &error), SINK_OK);
}

static void close_file_sink(struct fixture *f)
{
    assert_int_equal(type_of("file")->flush(f->sink, NULL), SINK_OK);
    type_of("file")->close(f->sink);
}

static void test_file_appends(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    mode_t mask = umask(0);
    open_file_sink(f);
    umask(mask);
    put_line(f, "{\"a\":1}");
    put_line(f, "{\"b\":2}");
    close_file_sink(f);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    open_file_sink(f);
    put_line(f, "{\"c\":3}");
    close_file_sink(f);
    assert_string_equal(contents(f->path), "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n");
}

/* The disk fills up at every byte of the line: no half line is left, and it goes on afterwards. */
static void test_file_disk_full(void **state)
{
    struct fixture *f = *state;
    struct rlimit old, small;
    struct error error;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    open_file_sink(f);
    put_line(f, "{\"a\":1}");
    for (rlim_t room = 0; room < 8; room++) {
        small = (struct rlimit){8 + room, old.rlim_max};
        error = (struct error){0};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        enum sink_result result = type_of("file")->write(f->sink, "{\"b\":2}", 7, &error);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_int_equal(result, SINK_AGAIN);
        assert_non_null(strstr(error.message, f->path));
        assert_string_equal(contents(f->path), "{\"a\":1}\n");
    }
    put_line(f, "{\"b\":2}");
    close_file_sink(f);
    assert_string_equal(contents(f->path), "{\"a\":1}\n{\"b\":2}\n");
}

static void test_file_torn_tail(void **state)
{
    struct fixture *f = *state;
    const char *torn[] = {"{", "{\"b\":", "{\"b\":2"};
    for (size_t i = 0; i < 3; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"a\":1}\n%s", torn[i]);
        put_contents(f->path, text);
        open_file_sink(f);
        put_line(f, "{\"b\":2}");
        close_file_sink(f);
        assert_string_equal(contents(f->path), "{\"a\":1}\n{\"b\":2}\n");
    }
    put_contents(f->path, "{\"torn\":"); /* the only line */
    open_file_sink(f);
    close_file_sink(f);
    assert_string_equal(contents(f->path), "");
    put_contents(f->path, "{\"a\":1}\n{\"whole\":true}"); /* only its newline is missing */
    open_file_sink(f);
    put_line(f, "{\"b\":2}");
    close_file_sink(f);
    assert_string_equal(contents(f->path), "{\"a\":1}\n{\"whole\":true}\n{\"b\":2}\n");
}

static void test_file_rotated(void **state)
{
    struct fixture *f = *state;
    char old[160];
    snprintf(old, sizeof old, "%s.1", f->path);
    open_file_sink(f);
    put_line(f, "{\"a\":1}");
    assert_int_equal(rename(f->path, old), 0);
    assert_int_equal(type_of("file")->flush(f->sink, NULL), SINK_OK);
    put_line(f, "{\"b\":2}");
    close_file_sink(f);
    assert_string_equal(contents(old), "{\"a\":1}\n");
    assert_string_equal(contents(f->path), "{\"b\":2}\n");
    unlink(old);
}

static void expect_refused(const char *path, enum error_code code, const char *words)
{
    struct error error = {0};
    struct sink_config config = {"file", path, "ecs"};
    assert_null(type_of("file")->open(&config, &error));
    assert_int_equal(error.code, code);
    assert_non_null(strstr(error.message, words));
}

static void test_file_refusals(void **state)
{
    struct fixture *f = *state;
    expect_refused(NULL, ERROR_USAGE, "path");
    expect_refused("/nonexistent/alerts.ndjson", ERROR_RUN, strerror(ENOENT));
    expect_refused(f->folder, ERROR_RUN, strerror(EISDIR));
    expect_refused("/dev/null", ERROR_USAGE, "is not a file");
    assert_int_equal(mkfifo(f->path, 0600), 0);
    expect_refused(f->path, ERROR_USAGE, "is not a file"); /* and does not hang */
}

/* --- standard output -------------------------------------------------------------------------- */

static void open_stdout_sink(struct fixture *f)
{
    struct error error = {0};
    struct sink_config config = {"stdout", NULL, "ecs"};
    assert_int_equal(pipe(f->pipe), 0);
    fflush(stdout);
    f->saved_stdout = dup(STDOUT_FILENO);
    dup2(f->pipe[1], STDOUT_FILENO);
    f->sink = type_of("stdout")->open(&config, &error);
    restore_stdout(f);
    close(f->pipe[1]);
    f->pipe[1] = -1;
    assert_non_null(f->sink);
}

/* A full pipe, a line larger than it holds: the pieces join to exactly the lines. */
static void test_stdout_full_pipe(void **state)
{
    struct fixture *f = *state;
    size_t size = 300000, total = 2 * (size + 1), have = 0;
    char *line = xcalloc(1, size), *got = xcalloc(1, total + 4096);
    struct error error = {0};
    int again = 0;
    for (size_t i = 0; i < size; i++)
        line[i] = (char)('a' + i % 23);
    alarm(30); /* the descriptor blocks: a sink that waits would hang here */
    open_stdout_sink(f);
    for (int lines = 0; lines < 2;) {
        enum sink_result result = type_of("stdout")->write(f->sink, line, size, &error);
        assert_int_equal(error.code, ERROR_NONE);
        if (result == SINK_OK) {
            lines++;
            continue;
        }
        assert_int_equal(result, SINK_AGAIN);
        again++;
        ssize_t part = read(f->pipe[0], got + have, 5000);
        assert_true(part > 0);
        have += (size_t)part;
    }
    type_of("stdout")->close(f->sink);
    for (ssize_t part; (part = read(f->pipe[0], got + have, 4096)) > 0;) {
        have += (size_t)part;
        assert_true(have <= total);
    }
    alarm(0);
    assert_true(again > 10);
    assert_int_equal(have, total);
    assert_memory_equal(got, line, size);
    assert_int_equal(got[size], '\n');
    assert_memory_equal(got + size + 1, line, size);
    assert_int_equal(got[total - 1], '\n');
    free(got);
    free(line);
}

/* SIGPIPE would kill this program: its default action is in place. */
static void test_stdout_reader_gone(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    sigset_t pending;
    signal(SIGPIPE, SIG_DFL);
    open_stdout_sink(f);
    assert_int_equal(type_of("stdout")->write(f->sink, "{}", 2, &error), SINK_OK);
    close(f->pipe[0]);
    f->pipe[0] = -1;
    assert_int_equal(type_of("stdout")->write(f->sink, "{}", 2, &error), SINK_DEAD);
    assert_non_null(strstr(error.message, "went away"));
    sigpending(&pending);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
    type_of("stdout")->close(f->sink);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    log_set_level(LOG_ERROR_);
    const struct CMUnitTest tests[] = {
        T(test_file_appends),       T(test_file_disk_full), T(test_file_torn_tail),
        T(test_file_rotated),       T(test_file_refusals),  T(test_stdout_full_pipe),
        T(test_stdout_reader_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
