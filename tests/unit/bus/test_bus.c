/* The bus: nobody is told before the journal is synced, nobody is kept waiting by another, nothing
 * is lost over a restart. fdatasync and fsync are this program's own, so that they can fail. */
#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/base/time.h"
#include "weir/bus/bus.h"
#include "weir/bus/event_loop.h"
#include "weir/bus/publisher.h"

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
#include <unistd.h>

#include <cmocka.h>

static bool fdatasync_fails, fsync_fails;

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): libc's is a reserved name */
int fdatasync(int fd)
{
    errno = EIO;
    return fdatasync_fails ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    errno = EIO;
    return fsync_fails ? -1 : (int)syscall(SYS_fsync, fd);
}

struct fixture {
    char folder[64], path[2][128];
    const char *setting[2][2];
    struct sink_settings sink[2];
    struct loop_ref loop;
    struct journal *journal;
    struct publisher *publisher;
    struct bus *bus;
    struct loop_watch *timer;
    int ticks;
    bool (*until)(struct fixture *f);
    int pipe[2], saved_stdout;
    size_t lines; /* expected */
    char drained[1 << 20];
    size_t drained_size;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct error error = {0};
    char folder[64] = "/tmp/weir-bus-XXXXXX";
    assert_non_null(mkdtemp(folder));
    memcpy(f->folder, folder, sizeof folder);
    for (int i = 0; i < 2; i++) {
        sprintf(f->path[i], "%.63s/alerts-%d.ndjson", folder, i);
        f->setting[i][0] = f->path[i];
        sink_settings_file(&f->sink[i], i ? "file-2" : "file", f->setting[i]);
    }
    f->loop = event_loop_new(&error);
    assert_non_null(f->loop.loop);
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

static void remove_folder(const struct fixture *f)
{
    static const char *const name[] = {"journal/00000000000000000001.log",
                                       "journal/durable",
                                       "alerts-0.ndjson",
                                       "alerts-1.ndjson",
                                       "sink-file.position",
                                       "sink-file-2.position",
                                       "sink-stdout.position"};
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", f->folder, name[i]);
        unlink(path);
    }
    char journal[128];
    snprintf(journal, sizeof journal, "%s/journal", f->folder);
    rmdir(journal);
    assert_int_equal(rmdir(f->folder), 0); /* and nothing else was left there */
}

static void wake(void *context)
{
    struct fixture *f = context;
    if (f->bus)
        bus_wake(f->bus);
}

static void open_bus(struct fixture *f, size_t sinks)
{
    struct error error = {0};
    struct bus_config config = {.folder = f->folder, .sinks = f->sink, .count = sinks};
    f->journal = journal_open(f->folder, NULL, &error);
    f->publisher = f->journal ? publisher_new(f->loop, f->journal, wake, f) : NULL;
    f->bus = f->journal ? bus_new(f->loop, &config, &error) : NULL;
    if (!f->bus)
        fail_msg("%s", error.message);
}

static void close_bus(struct fixture *f)
{
    bus_free(f->bus);
    publisher_free(f->publisher);
    journal_close(f->journal);
    f->bus = NULL;
    f->publisher = NULL;
    f->journal = NULL;
}

static int flush(struct fixture *f, struct error *error)
{
    int failed = publisher_flush(f->publisher, error);
    bus_flush(f->bus);
    return failed;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    restore_stdout(f);
    fdatasync_fails = fsync_fails = false;
    close_bus(f);
    event_loop_free(f->loop);
    for (int i = 0; i < 2; i++)
        if (f->pipe[i] >= 0)
            close(f->pipe[i]);
    remove_folder(f);
    free(f);
    return 0;
}

/* Lines are {"n":1}, {"n":2}, …, so that a file's content says what arrived, and in what order. */
static void publish(struct fixture *f, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char line[32];
        int size = snprintf(line, sizeof line, "{\"n\":%zu}", ++f->lines);
        assert_int_equal(publisher_publish(f->publisher, line, (size_t)size, NULL), 0);
    }
}

static char *slurp(const char *path)
{
    static char text[1 << 21]; /* the last file read */
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    text[size] = '\0';
    return text;
}

/* `text` must be the lines from..to, each once and in order. */
static void expect_lines(const char *text, size_t from, size_t to)
{
    for (size_t n = from; n <= to; n++) {
        char line[32];
        size_t size = (size_t)snprintf(line, sizeof line, "{\"n\":%zu}\n", n);
        if (strncmp(text, line, size) != 0)
            fail_msg("expected line %zu, have \"%.40s\"", n, text);
        text += size;
    }
    assert_string_equal(text, "");
}

static void on_tick(void *context)
{
    struct fixture *f = context;
    f->ticks++;
    if (f->until(f) || f->ticks > 2000)
        f->loop.ops->stop(f->loop.loop);
}

/* Runs the loop until the condition holds, at most some ten seconds. */
static void run_until(struct fixture *f, bool (*until)(struct fixture *f))
{
    f->ticks = 0;
    f->until = until;
    f->timer = f->loop.ops->timer(f->loop.loop, 5 * NS_PER_MS, on_tick, f);
    f->loop.ops->run(f->loop.loop);
    f->loop.ops->drop(f->timer);
    assert_in_range(f->ticks, 0, 2000);
}

static bool all_delivered(struct fixture *f)
{
    struct bus_status status[2];
    size_t count = bus_status(f->bus, status, 2);
    for (size_t i = 0; i < count; i++)
        if (status[i].behind > 0 && !status[i].dead)
            return false;
    return true;
}

static bool three_ticks(struct fixture *f)
{
    return f->ticks == 3;
}

static struct bus_status status_of(struct fixture *f, size_t number)
{
    struct bus_status status[2];
    assert_true(bus_status(f->bus, status, 2) > number);
    return status[number];
}

static void test_delivers_on_the_loop(void **state)
{
    struct fixture *f = *state;
    open_bus(f, 2);
    publish(f, 3);
    assert_string_equal(slurp(f->path[0]), ""); /* not before the journal is synced */
    run_until(f, three_ticks);
    expect_lines(slurp(f->path[0]), 1, 3);
    expect_lines(slurp(f->path[1]), 1, 3);
    struct bus_status status = status_of(f, 0);
    assert_string_equal(status.type, "file");
    assert_string_equal(status.path, f->path[0]);
    assert_int_equal(status.delivered, 3);
    assert_int_equal(status.behind, 0);
    assert_int_equal(status.failures, 0);
    assert_false(status.dead);
    publish(f, 2);
    assert_int_equal(flush(f, NULL), 0);
    expect_lines(slurp(f->path[1]), 1, 5);
}

/* Many batches, and the loop still has turns for others meanwhile. */
static void test_long_backlog(void **state)
{
    struct fixture *f = *state;
    open_bus(f, 1);
    publish(f, 3000);
    run_until(f, all_delivered);
    expect_lines(slurp(f->path[0]), 1, 3000);
}

static void test_resumes(void **state)
{
    struct fixture *f = *state;
    open_bus(f, 2);
    publish(f, 5);
    assert_int_equal(flush(f, NULL), 0);
    publish(f, 4); /* appended, told to nobody: the process dies here */
    close_bus(f);
    expect_lines(slurp(f->path[0]), 1, 5);
    open_bus(f, 2);
    publish(f, 1);
    run_until(f, all_delivered);
    expect_lines(slurp(f->path[0]), 1, 10);
    expect_lines(slurp(f->path[1]), 1, 10);
    close_bus(f);
    open_bus(f, 2); /* nothing new: nothing repeated */
    run_until(f, three_ticks);
    expect_lines(slurp(f->path[0]), 1, 10);
}

/* Dying between the sink's sync and the saved place repeats that batch and nothing else. */
static void test_repeats_only_the_last_batch(void **state)
{
    struct fixture *f = *state;
    char position[128], saved[128];
    snprintf(position, sizeof position, "%s/sink-file.position", f->folder);
    open_bus(f, 1);
    publish(f, 5);
    flush(f, NULL);
    snprintf(saved, sizeof saved, "%.100s", slurp(position));
    assert_non_null(strchr(saved, '5'));
    publish(f, 3);
    flush(f, NULL);
    close_bus(f);
    FILE *file = fopen(position, "w");
    fputs(saved, file);
    fclose(file);
    open_bus(f, 1);
    run_until(f, all_delivered);
    const char *text = slurp(f->path[0]);
    const char *again = strstr(text, "{\"n\":8}\n") + 8;
    expect_lines(again, 6, 8);
}

static void test_damaged_position(void **state)
{
    struct fixture *f = *state;
    const char *bad[] = {"",
                         "weir-position 2",
                         "weir-position 2 x\n",
                         "weir-position 2 1\n",
                         "weir-position 1 1\n",
                         "weir-position 2 1 1",
                         "weir-position 2 99 1\n",
                         "weir-position 2 99999999999999999999999 1\n",
                         "weir-position 2 -1 1\n",
                         "weir-position 2  1 1\n",
                         "weir-position 2 1 1\nmore, which is longer than any place that was ever "
                         "saved in such a file\n"};
    char position[128];
    snprintf(position, sizeof position, "%s/sink-file.position", f->folder);
    open_bus(f, 1);
    publish(f, 3);
    flush(f, NULL);
    close_bus(f);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        FILE *file = fopen(position, "w");
        fputs(bad[i], file);
        fclose(file);
        unlink(f->path[0]);
        open_bus(f, 1);
        run_until(f, all_delivered);
        expect_lines(slurp(f->path[0]), 1, 3); /* told again rather than lost */
        close_bus(f);
    }
}

/* The first sink's file may not grow for a while (as a full disk), the second's may. */
static void test_failing_sink_beside_a_good_one(void **state)
{
    struct fixture *f = *state;
    struct rlimit old, small;
    char *ballast = xcalloc(1, 1 << 19);
    signal(SIGXFSZ, SIG_IGN);
    memset(ballast, ' ', (1 << 19) - 1);
    ballast[(1 << 19) - 2] = '\n';
    FILE *file = fopen(f->path[0], "w");
    fputs(ballast, file);
    fclose(file);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){1 << 19, old.rlim_max};
    open_bus(f, 2);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    publish(f, 700);
    assert_int_equal(flush(f, NULL), 0);
    run_until(f, three_ticks);
    struct bus_status bad = status_of(f, 0), good = status_of(f, 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(good.behind, 0);
    assert_int_equal(good.failures, 0);
    expect_lines(slurp(f->path[1]), 1, 700);
    assert_int_equal(bad.behind, 700);
    assert_true(bad.failures > 0);
    assert_false(bad.dead);
    assert_non_null(strstr(bad.last_error, f->path[0]));
    run_until(f, all_delivered); /* by its own back-off */
    expect_lines(slurp(f->path[0]) + (1 << 19) - 1, 1, 700);
    free(ballast);
}

/* What a failed fsync may have lost is written again; nothing is missing at the end. */
static void test_sink_sync_fails(void **state)
{
    struct fixture *f = *state;
    open_bus(f, 1);
    publish(f, 2);
    fsync_fails = true;
    flush(f, NULL);
    assert_int_equal(status_of(f, 0).behind, 2);
    fsync_fails = false;
    run_until(f, all_delivered);
    const char *text = slurp(f->path[0]);
    expect_lines(text + 16, 1, 2);
}

static void test_journal_sync_fails(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    open_bus(f, 1);
    publish(f, 2);
    fdatasync_fails = true;
    assert_int_equal(flush(f, &error), -1);
    assert_non_null(strstr(error.message, strerror(EIO)));
    run_until(f, three_ticks);
    assert_string_equal(slurp(f->path[0]), "");
    fdatasync_fails = false;
    f->until = NULL;
    while (*slurp(f->path[0]) == '\0') /* by the retry of its own, within a second or two */
        run_until(f, three_ticks);
    expect_lines(slurp(f->path[0]), 1, 2);
}

static void to_stdout(struct fixture *f)
{
    assert_int_equal(pipe(f->pipe), 0);
    fflush(stdout);
    f->saved_stdout = dup(STDOUT_FILENO);
    dup2(f->pipe[1], STDOUT_FILENO);
    sink_settings_init(&f->sink[0], sink_row_get("stdout"), "stdout");
    open_bus(f, 2);
    restore_stdout(f);
    close(f->pipe[1]);
    f->pipe[1] = -1;
}

static void test_dead_sink_beside_a_good_one(void **state)
{
    struct fixture *f = *state;
    to_stdout(f);
    close(f->pipe[0]);
    f->pipe[0] = -1;
    publish(f, 300);
    run_until(f, all_delivered);
    expect_lines(slurp(f->path[1]), 1, 300);
    struct bus_status status = status_of(f, 0);
    assert_true(status.dead);
    assert_int_equal(status.behind, 300);
    assert_int_equal(status.failures, 1);
    publish(f, 1);
    assert_int_equal(flush(f, NULL), 0);
    expect_lines(slurp(f->path[1]), 1, 301);
    assert_int_equal(status_of(f, 0).failures, 1); /* said once */
}

static bool drain(struct fixture *f)
{
    ssize_t got = read(f->pipe[0], f->drained + f->drained_size, 8192);
    if (got > 0)
        f->drained_size += (size_t)got;
    return all_delivered(f);
}

/* A reader slower than the alerts: the file is not kept waiting, and the pipe gets every line once.
 */
static void test_slow_sink_beside_a_good_one(void **state)
{
    struct fixture *f = *state;
    to_stdout(f);
    publish(f, 10000); /* more than the pipe holds */
    assert_int_equal(flush(f, NULL), 0);
    expect_lines(slurp(f->path[1]), 1, 10000);
    struct bus_status slow = status_of(f, 0);
    assert_true(slow.behind > 0 && slow.delivered > 1000);
    assert_int_equal(slow.failures, 0); /* slow is not broken */
    fcntl(f->pipe[0], F_SETFL, O_NONBLOCK);
    run_until(f, drain);
    while (f->drained_size < sizeof f->drained - 1) {
        size_t before = f->drained_size;
        drain(f);
        if (f->drained_size == before)
            break;
    }
    f->drained[f->drained_size] = '\0';
    expect_lines(f->drained, 1, 10000);
}

static void expect_refused(struct fixture *f, const struct sink_settings *settings,
                           const char *words)
{
    struct error error = {0};
    struct bus_config bus = {.folder = f->folder, .sinks = settings, .count = 1};
    assert_null(bus_new(f->loop, &bus, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_non_null(strstr(error.message, words));
}

static void test_refusals(void **state)
{
    struct fixture *f = *state;
    open_bus(f, 0); /* makes the journal */
    struct sink_settings settings = f->sink[0];
    settings.type = "pigeon";
    expect_refused(f, &settings, "pigeon");
    settings = f->sink[0];
    settings.format = "haiku";
    expect_refused(f, &settings, "format \"haiku\", expected one of: ecs");
    settings.format = "cs"; /* a part of one */
    expect_refused(f, &settings, "format \"cs\"");
    sink_settings_init(&settings, sink_row_get("file"), "file");
    expect_refused(f, &settings, "needs a path");
    struct error error = {0};
    struct bus_config bus = {.folder = "/nonexistent", .sinks = f->sink, .count = 1};
    assert_null(bus_new(f->loop, &bus, &error));
    assert_int_equal(error.code, ERROR_RUN);
    error = (struct error){0};
    struct sink_settings many[BUS_SINKS + 1];
    for (size_t i = 0; i < BUS_SINKS + 1; i++)
        many[i] = f->sink[0];
    bus = (struct bus_config){.folder = f->folder, .sinks = many, .count = BUS_SINKS + 1};
    assert_null(bus_new(f->loop, &bus, &error));
    assert_non_null(strstr(error.message, "at most 18"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    log_set_level(LOG_ERROR_);
    const struct CMUnitTest tests[] = {
        T(test_delivers_on_the_loop),
        T(test_long_backlog),
        T(test_resumes),
        T(test_repeats_only_the_last_batch),
        T(test_damaged_position),
        T(test_failing_sink_beside_a_good_one),
        T(test_sink_sync_fails),
        T(test_journal_sync_fails),
        T(test_dead_sink_beside_a_good_one),
        T(test_slow_sink_beside_a_good_one),
        T(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
