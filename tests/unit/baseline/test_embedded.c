/* The private redis-server: comes up, keeps what it should, dies with its parent, says why it does
 * not come up. Skipped where redis-server is not installed. */
#include "../folder.h"
#include "weir/base/buffer.h"
#include "weir/base/time.h"
#include "weir/baseline/embedded.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char folder[FOLDER_SIZE];
    struct embedded embedded;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    folder_make("embedded", f->folder);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    embedded_stop(&f->embedded);
    folder_remove(f->folder);
    free(f);
    return 0;
}

static void start(struct fixture *f, bool persist)
{
    struct error error = {0};
    if (embedded_start(&f->embedded,
                       &(struct embedded_config){.folder = f->folder, .persist = persist},
                       &error) != 0)
        fail_msg("%s", error.message);
}

static void expect_reply(const struct fixture *f, const char *command, const char *expected)
{
    redisContext *redis = redisConnectUnix(f->embedded.url + strlen("unix:"));
    assert_non_null(redis);
    assert_int_equal(redis->err, 0);
    redisReply *reply = redisCommand(redis, command);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ARRAY)
        assert_string_equal(reply->element[1]->str, expected);
    else if (expected)
        assert_string_equal(reply->str, expected);
    else
        assert_int_equal(reply->type, REDIS_REPLY_NIL);
    freeReplyObject(reply);
    redisFree(redis);
}

static void test_settings(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    start(f, true);
    assert_true(f->embedded.pid > 0);
    expect_reply(f, "CONFIG GET appendonly", "yes");
    expect_reply(f, "CONFIG GET appendfsync", "always");
    expect_reply(f, "CONFIG GET save", "");
    expect_reply(f, "CONFIG GET port", "0");
    expect_reply(f, "CONFIG GET maxmemory", "536870912");
    expect_reply(f, "CONFIG GET maxmemory-policy", "noeviction");
    assert_int_equal(stat(f->embedded.url + 5, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void test_persists(void **state)
{
    struct fixture *f = *state;
    start(f, true);
    expect_reply(f, "SET key kept", "OK");
    assert_int_equal(kill(f->embedded.pid, SIGKILL), 0); /* nothing is lost even so */
    embedded_stop(&f->embedded);
    assert_int_equal(f->embedded.pid, 0);
    start(f, true);
    expect_reply(f, "GET key", "kept");
}

static void test_does_not_persist(void **state)
{
    struct fixture *f = *state;
    start(f, false);
    expect_reply(f, "CONFIG GET appendonly", "no");
    expect_reply(f, "SET key gone", "OK");
    embedded_stop(&f->embedded);
    start(f, false);
    expect_reply(f, "GET key", NULL);
}

/* Of ours, the server holds nothing but the log: not even what was opened without close-on-exec. */
static void test_no_descriptors_leak(void **state)
{
    struct fixture *f = *state;
    char path[128], target[256], marker[160];
    snprintf(marker, sizeof marker, "%s/marker", f->folder);
    int fd = open(marker, O_RDWR | O_CREAT, 0600);
    assert_true(fd > 2);
    start(f, true);
    close(fd);
    snprintf(path, sizeof path, "/proc/%d/fd", (int)f->embedded.pid);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    size_t seen = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        ssize_t size = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
        if (size < 0)
            continue;
        target[size] = '\0';
        assert_null(strstr(target, "marker"));
        seen++;
    }
    closedir(dir);
    assert_true(seen >= 3);
}

static bool gone_within(pid_t pid, int64_t ns)
{
    for (int64_t end = wtime_now().ns + ns; wtime_now().ns < end;) {
        if (kill(pid, 0) != 0 && errno == ESRCH)
            return true;
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    return false;
}

/* Its parent is killed hard; the server goes too. */
static void test_dies_with_parent(void **state)
{
    struct fixture *f = *state;
    int report[2];
    assert_int_equal(pipe(report), 0);
    pid_t parent = fork();
    if (parent == 0) {
        struct embedded embedded;
        if (embedded_start(&embedded,
                           &(struct embedded_config){.folder = f->folder, .persist = true},
                           NULL) != 0 ||
            write(report[1], &embedded.pid, sizeof embedded.pid) < 0)
            _exit(1);
        for (;;)
            pause();
    }
    pid_t server;
    close(report[1]);
    assert_int_equal(read(report[0], &server, sizeof server), sizeof server);
    close(report[0]);
    assert_int_equal(kill(server, SIGSTOP), 0); /* even when it hears nothing */
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    assert_true(gone_within(server, 10 * NS_PER_S));
}

static void expect_failure(struct fixture *f, const char *folder, const char *words)
{
    struct error error = {0};
    assert_int_equal(embedded_start(&f->embedded,
                                    &(struct embedded_config){.folder = folder, .persist = true},
                                    &error),
                     -1);
    assert_int_equal(error.code, ERROR_RUN);
    assert_int_equal(f->embedded.pid, 0);
    if (!strstr(error.message, words))
        fail_msg("\"%s\" does not say \"%s\"", error.message, words);
}

static void test_not_installed(void **state)
{
    struct fixture *f = *state;
    char *path = xstrdup(getenv("PATH"));
    setenv("PATH", f->folder, 1);
    expect_failure(f, f->folder, "Debian package redis-server");
    setenv("PATH", path, 1);
    free(path);
}

static void test_no_folder(void **state)
{
    struct fixture *f = *state;
    char path[200];
    expect_failure(f, "/nonexistent/folder", strerror(ENOENT));
    snprintf(path, sizeof path, "%s/%0100d", f->folder, 0);
    assert_int_equal(mkdir(path, 0700), 0);
    expect_failure(f, path, "too long");
}

static void test_twice(void **state)
{
    struct fixture *f = *state;
    struct fixture second = *f;
    start(f, true);
    expect_failure(&second, f->folder, "another weir");
    expect_reply(f, "PING", "PONG"); /* the first is unharmed */
}

/* An append-only file it cannot read: the last line of its log says so. */
static void test_quotes_its_log(void **state)
{
    struct fixture *f = *state;
    char path[160], line[EMBEDDED_LINE_SIZE];
    start(f, true);
    expect_reply(f, "SET key value", "OK");
    embedded_stop(&f->embedded);
    snprintf(path, sizeof path, "%s/appendonlydir/appendonly.aof.manifest", f->folder);
    FILE *file = fopen(path, "w");
    if (!file)
        skip(); /* before Redis 7 there is no manifest */
    fputs("this is not a manifest\n", file);
    fclose(file);
    expect_failure(f, f->folder, "its log says: ");
    embedded_last_line(f->folder, line);
    assert_true(strlen(line) > 5);
    expect_failure(f, f->folder, line);
    assert_true(line[0] < '0' || line[0] > '9'); /* without the time stamp */
}

/* Where a small file system may be mounted: full before, and getting full while it runs. */
static void test_disk_full(void **state)
{
    struct fixture *f = *state;
    char filler[128];
    if (mount("tmpfs", f->folder, "tmpfs", 0, "size=256k") != 0) {
        print_message("not tested: no right to mount a small file system\n");
        skip();
    }
    snprintf(filler, sizeof filler, "%s/filler", f->folder);
    int fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    static const char zeros[4096];
    while (write(fd, zeros, sizeof zeros) > 0)
        ;
    close(fd);
    struct error error = {0};
    int result = embedded_start(
        &f->embedded, &(struct embedded_config){.folder = f->folder, .persist = true}, &error);
    assert_int_equal(truncate(filler, 200 * 1024), 0);
    assert_int_equal(result, -1);
    if (!strstr(error.message, "disk is full") && !strstr(error.message, strerror(ENOSPC)))
        fail_msg("\"%s\" does not speak of the disk", error.message);
    print_message("%s\n", error.message);

    start(f, true);
    redisContext *redis = redisConnectUnix(f->embedded.url + strlen("unix:"));
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 1000; i++) {
        redisReply *reply = redisCommand(redis, "SET key%d %b", i, zeros, sizeof zeros);
        if (!reply)
            break;
        freeReplyObject(reply);
    }
    assert_int_not_equal(redis->err, 0); /* appendfsync always: it ends rather than lie */
    redisFree(redis);
    embedded_stop(&f->embedded);
    assert_int_equal(umount(f->folder), 0);
}

static void test_last_line(void **state)
{
    struct fixture *f = *state;
    char path[128], line[EMBEDDED_LINE_SIZE];
    assert_string_equal(embedded_last_line(f->folder, line), "");
    snprintf(path, sizeof path, "%s/redis.log", f->folder);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 400; i++)
        fprintf(file, "42:M 02 Mar 2026 01:14:07.201 * line %d\n", i);
    fprintf(file, "42:M 02 Mar 2026 01:14:07.201 # Short write: \x01 No space left\n\n");
    fclose(file);
    assert_string_equal(embedded_last_line(f->folder, line), "Short write: ? No space left");
    file = fopen(path, "w");
    for (int i = 0; i < 2000; i++)
        fputs("long ", file);
    fclose(file);
    embedded_last_line(f->folder, line);
    assert_int_equal(strlen(line), EMBEDDED_LINE_SIZE - 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_settings),         T(test_persists),
        T(test_does_not_persist), T(test_no_descriptors_leak),
        T(test_dies_with_parent), T(test_not_installed),
        T(test_no_folder),        T(test_twice),
        T(test_quotes_its_log),   T(test_disk_full),
        T(test_last_line),
    };
    if (!has_program("redis-server"))
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
