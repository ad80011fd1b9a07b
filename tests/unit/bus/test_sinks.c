/* The sinks by themselves: whole lines only, whatever the disk or the reader does. */
#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/bus/event_loop.h"
#include "weir/bus/sink.h"

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
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char folder[64], path[128];
    const char *setting[2];
    struct sink_settings settings;
    struct sink_host host;
    bool ready;
    struct sink *sink;
    int pipe[2], saved_stdout;
};

static void on_ready(void *context)
{
    struct fixture *f = context;
    f->ready = true;
    f->host.loop.ops->stop(f->host.loop.loop);
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/weir-sinks-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/alerts.ndjson", f->folder);
    f->setting[0] = f->path;
    sink_settings_file(&f->settings, "file", f->setting);
    f->host = (struct sink_host){
        .loop = event_loop_new(NULL), .folder = f->folder, .context = f, .ready = on_ready};
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
    event_loop_free(f->host.loop);
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
    f->sink = sink_row_get("file")->open(&f->settings, &f->host, &error);
    if (!f->sink)
        fail_msg("%s", error.message);
}

static void put_line(struct fixture *f, const char *line)
{
    struct error error = {0};
    struct sink_line told = {.text = line, .size = strlen(line)};
    assert_int_equal(sink_row_get("file")->write(f->sink, &told, &error), SINK_OK);
}

static void close_file_sink(struct fixture *f)
{
    assert_int_equal(sink_row_get("file")->flush(f->sink, NULL), SINK_OK);
    sink_row_get("file")->close(f->sink);
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

static int other_fd = -1; /* another writer: its line comes behind half of ours */

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): libc's is a reserved name */
ssize_t writev(int fd, const struct iovec *part, int count)
{
    ssize_t half;
    if (other_fd < 0)
        return (ssize_t)syscall(SYS_writev, fd, part, count);
    half = (ssize_t)syscall(SYS_write, fd, part[1].iov_base, part[1].iov_len / 2);
    assert_int_equal(write(other_fd, "{\"other\":1}\n{", 13), 13);
    return half;
}

/* What others appended is never cut, and no line of ours is joined to what is not whole. */
static void test_file_two_writers(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    struct sink_line line = {.text = "{\"b\":2}", .size = 7};
    open_file_sink(f);
    put_line(f, "{\"a\":1}");
    int fd = open(f->path, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "{\"first\":1}\n", 12), 12);
    other_fd = fd;
    assert_int_equal(sink_row_get("file")->write(f->sink, &line, &error), SINK_AGAIN);
    other_fd = -1;
    assert_non_null(strstr(error.message, strerror(ENOSPC)));
    close(fd);
    put_line(f, "{\"b\":2}");
    put_line(f, "{\"c\":3}");
    close_file_sink(f);
    assert_string_equal(contents(f->path), "{\"a\":1}\n{\"first\":1}\n{\"b{\"other\":1}\n{\n"
                                           "{\"b\":2}\n{\"c\":3}\n");
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
        struct sink_line line = {.text = "{\"b\":2}", .size = 7};
        enum sink_result result = sink_row_get("file")->write(f->sink, &line, &error);
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
    assert_int_equal(sink_row_get("file")->flush(f->sink, NULL), SINK_OK);
    put_line(f, "{\"b\":2}");
    close_file_sink(f);
    assert_string_equal(contents(old), "{\"a\":1}\n");
    assert_string_equal(contents(f->path), "{\"b\":2}\n");
    unlink(old);
}

/* 1 MiB, two kept: the lines of all files in order are those that were written last. */
static void test_file_rotates_itself(void **state)
{
    struct fixture *f = *state;
    static const char *const mib[] = {"1", NULL}, *const keep[] = {"2", NULL};
    const struct sink_row *row = sink_row_get("file");
    sink_settings_add(&f->settings, sink_key_get(row, "rotate_mib"), mib);
    sink_settings_add(&f->settings, sink_key_get(row, "keep"), keep);
    char line[1100], path[200];
    open_file_sink(f);
    for (int i = 0; i < 4000; i++) { /* 1,000 bytes each: four files, of which three stay */
        snprintf(line, sizeof line, "{\"n\":%4d,\"pad\":\"%0*d\"}", i, 980, 0);
        put_line(f, line);
    }
    close_file_sink(f);
    int next = -1;
    for (int number = 2; number >= 0; number--) {
        struct stat st;
        snprintf(path, sizeof path, number ? "%s.%d" : "%s", f->path, number);
        assert_int_equal(stat(path, &st), 0);
        assert_true(st.st_size <= 1 << 20);
        FILE *file = fopen(path, "r");
        while (fgets(line, sizeof line, file)) {
            int n = atoi(line + 5);
            assert_true(next < 0 || n == next);
            next = n + 1;
        }
        fclose(file);
        if (number)
            unlink(path);
    }
    assert_int_equal(next, 4000);
    snprintf(path, sizeof path, "%s.3", f->path);
    assert_int_equal(access(path, F_OK), -1);
}

/* Its folder takes no other name: it grows on, and says so once. */
static void test_file_cannot_rotate(void **state)
{
    struct fixture *f = *state;
    static const char *const mib[] = {"1", NULL};
    char *line = xcalloc(1, 1000), *taken = xasprintf("%s.1/inside", f->path);
    memset(line, 'x', 999);
    sink_settings_add(&f->settings, sink_key_get(sink_row_get("file"), "rotate_mib"), mib);
    sink_settings_add(&f->settings, sink_key_get(sink_row_get("file"), "keep"), mib);
    open_file_sink(f);
    taken[strlen(taken) - 7] = '\0'; /* a folder is in the way, and is not empty */
    assert_int_equal(mkdir(taken, 0700), 0);
    taken[strlen(taken)] = '/';
    assert_int_equal(mkdir(taken, 0700), 0);
    for (int i = 0; i < 1500; i++)
        put_line(f, line);
    close_file_sink(f);
    struct stat st;
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_size, 1500 * 1000);
    rmdir(taken);
    taken[strlen(taken) - 7] = '\0';
    rmdir(taken);
    free(taken);
    free(line);
}

static void test_file_mode(void **state)
{
    struct fixture *f = *state;
    static const char *const mode[] = {"0664", NULL};
    struct stat st;
    sink_settings_add(&f->settings, sink_key_get(sink_row_get("file"), "mode"), mode);
    mode_t mask = umask(077);
    open_file_sink(f);
    umask(mask);
    close_file_sink(f);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0664);
    assert_int_equal(chmod(f->path, 0600), 0); /* somebody decided otherwise */
    open_file_sink(f);
    close_file_sink(f);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void expect_refused(struct fixture *f, const char *path, enum error_code code,
                           const char *words)
{
    struct error error = {0};
    const char *const setting[] = {path, NULL};
    struct sink_settings settings;
    sink_settings_file(&settings, "file", setting);
    assert_null(sink_row_get("file")->open(&settings, &f->host, &error));
    assert_int_equal(error.code, code);
    assert_non_null(strstr(error.message, words));
}

static void test_file_refusals(void **state)
{
    struct fixture *f = *state;
    expect_refused(f, NULL, ERROR_USAGE, "path");
    expect_refused(f, "/nonexistent/alerts.ndjson", ERROR_RUN, "its folder is not there (mkdir)");
    expect_refused(f, f->folder, ERROR_RUN, strerror(EISDIR));
    expect_refused(f, "/dev/null", ERROR_USAGE, "is not a file");
    assert_int_equal(mkfifo(f->path, 0600), 0);
    expect_refused(f, f->path, ERROR_USAGE, "is not a file"); /* and does not hang */
}

/* --- standard output -------------------------------------------------------------------------- */

static void open_stdout_sink(struct fixture *f)
{
    struct error error = {0};
    sink_settings_init(&f->settings, sink_row_get("stdout"), "stdout");
    assert_int_equal(pipe(f->pipe), 0);
    fflush(stdout);
    f->saved_stdout = dup(STDOUT_FILENO);
    dup2(f->pipe[1], STDOUT_FILENO);
    f->sink = sink_row_get("stdout")->open(&f->settings, &f->host, &error);
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
        struct sink_line told = {.text = line, .size = size};
        enum sink_result result = sink_row_get("stdout")->write(f->sink, &told, &error);
        assert_int_equal(error.code, ERROR_NONE);
        if (result == SINK_OK) {
            lines++;
            continue;
        }
        assert_int_equal(result, SINK_FULL);
        again++;
        ssize_t part = read(f->pipe[0], got + have, 5000);
        assert_true(part > 0);
        have += (size_t)part;
        f->ready = false;
        f->host.loop.ops->run(f->host.loop.loop); /* until it says so */
        assert_true(f->ready);
    }
    sink_row_get("stdout")->close(f->sink);
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
    struct sink_line line = {.text = "{}", .size = 2};
    sigset_t pending;
    signal(SIGPIPE, SIG_DFL);
    open_stdout_sink(f);
    assert_int_equal(sink_row_get("stdout")->write(f->sink, &line, &error), SINK_OK);
    close(f->pipe[0]);
    f->pipe[0] = -1;
    assert_int_equal(sink_row_get("stdout")->write(f->sink, &line, &error), SINK_DEAD);
    assert_non_null(strstr(error.message, "went away"));
    sigpending(&pending);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
    sink_row_get("stdout")->close(f->sink);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    log_set_level(LOG_ERROR_);
    const struct CMUnitTest tests[] = {
        T(test_file_appends),       T(test_file_disk_full),      T(test_file_torn_tail),
        T(test_file_rotated),       T(test_file_rotates_itself), T(test_file_cannot_rotate),
        T(test_file_mode),          T(test_file_refusals),       T(test_stdout_full_pipe),
        T(test_stdout_reader_gone), T(test_file_two_writers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
