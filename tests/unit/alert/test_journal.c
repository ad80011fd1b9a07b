/* The journal against torn ends, damage, a full disk and a disk that will not sync. fdatasync is
 * this program's own, so that it can fail. */
#include "weir/alert/journal.h"
#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

static bool sync_fails;

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): libc's is a reserved name */
int fdatasync(int fd)
{
    if (sync_fails) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

struct fixture {
    char folder[64], path[128];
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/weir-journal-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/alerts.journal", f->folder);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    unlink(f->path);
    rmdir(f->folder);
    free(f);
    sync_fails = false;
    return 0;
}

static struct journal *must_open(const struct fixture *f, uint64_t *cut)
{
    struct error error = {0};
    struct journal *journal = journal_open(f->folder, cut, &error);
    if (!journal)
        fail_msg("%s", error.message);
    return journal;
}

static void must_append(struct journal *journal, const char *line, uint64_t sequence)
{
    struct error error = {0};
    assert_int_equal(journal_append(journal, line, strlen(line), &error), sequence);
    assert_int_equal(error.code, ERROR_NONE);
}

static size_t file_size(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (size_t)st.st_size;
}

static size_t read_file(const char *path, uint8_t *data, size_t room)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(data, 1, room, file);
    fclose(file);
    return size;
}

static void write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

static void expect_next(struct journal_reader *reader, uint64_t until, const char *expected,
                        uint64_t expected_sequence)
{
    struct error error = {0};
    const char *line;
    size_t size;
    uint64_t sequence;
    assert_int_equal(journal_reader_next(reader, until, &line, &size, &sequence, &error), 1);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(line, expected, size);
    assert_int_equal(sequence, expected_sequence);
}

static int next_result(struct journal_reader *reader, uint64_t until, struct error *error)
{
    const char *line;
    size_t size;
    uint64_t sequence;
    return journal_reader_next(reader, until, &line, &size, &sequence, error);
}

static struct journal_reader *must_read(const struct fixture *f, uint64_t after)
{
    struct error error = {0};
    struct journal_reader *reader = journal_reader_open(f->folder, after, &error);
    if (!reader)
        fail_msg("%s", error.message);
    return reader;
}

/* Three frames; returns the file's bytes and where the second and third begin. */
static size_t three_frames(const struct fixture *f, uint8_t *data, size_t room, size_t start[2])
{
    struct journal *journal = must_open(f, NULL);
    must_append(journal, "{\"a\":1}", 1);
    start[0] = file_size(f->path);
    must_append(journal, "{\"bb\":22}", 2);
    start[1] = file_size(f->path);
    must_append(journal, "{\"ccc\":333}", 3);
    assert_int_equal(journal_sync(journal, NULL), 0);
    journal_close(journal);
    return read_file(f->path, data, room);
}

static void test_append_read(void **state)
{
    struct fixture *f = *state;
    uint64_t cut = 99;
    struct journal *journal = must_open(f, &cut);
    struct journal_reader *early = must_read(f, 0);
    assert_int_equal(cut, 0);
    assert_int_equal(next_result(early, UINT64_MAX, NULL), 0);
    must_append(journal, "{\"a\":1}", 1);
    must_append(journal, "{\"bb\":22}", 2);
    assert_int_equal(journal_durable(journal), 0);
    assert_int_equal(next_result(early, journal_durable(journal), NULL), 0);
    assert_int_equal(journal_sync(journal, NULL), 0);
    assert_int_equal(journal_durable(journal), 2);
    expect_next(early, 1, "{\"a\":1}", 1);
    assert_int_equal(next_result(early, 1, NULL), 0);
    expect_next(early, 2, "{\"bb\":22}", 2);
    assert_int_equal(next_result(early, 2, NULL), 0);
    must_append(journal, "{\"ccc\":333}", 3);
    assert_int_equal(journal_sync(journal, NULL), 0);
    expect_next(early, 3, "{\"ccc\":333}", 3);
    struct journal_reader *late = must_read(f, 2);
    expect_next(late, UINT64_MAX, "{\"ccc\":333}", 3);
    assert_int_equal(next_result(late, UINT64_MAX, NULL), 0);
    journal_reader_close(late);
    journal_reader_close(early);
    journal_close(journal);
    journal = must_open(f, &cut);
    assert_int_equal(journal_durable(journal), 3);
    must_append(journal, "", 4);
    journal_close(journal);
}

/* Opens what a loss of power left; the first two frames must be there and the third be next. */
static void expect_two_left(const struct fixture *f, size_t cut_expected)
{
    uint64_t cut;
    struct journal *journal = must_open(f, &cut);
    assert_int_equal(cut, cut_expected);
    assert_int_equal(journal_durable(journal), 2);
    must_append(journal, "{\"new\":3}", 3);
    assert_int_equal(journal_sync(journal, NULL), 0);
    journal_close(journal);
    struct journal_reader *reader = must_read(f, 0);
    expect_next(reader, 3, "{\"a\":1}", 1);
    expect_next(reader, 3, "{\"bb\":22}", 2);
    expect_next(reader, 3, "{\"new\":3}", 3);
    assert_int_equal(next_result(reader, UINT64_MAX, NULL), 0);
    journal_reader_close(reader);
}

static void test_torn_tail_at_every_byte(void **state)
{
    struct fixture *f = *state;
    uint8_t data[512];
    size_t start[2], size = three_frames(f, data, sizeof data, start);
    assert_true(size > start[1] + 24);
    for (size_t cut = start[1] + 1; cut < size; cut++) {
        write_file(f->path, data, cut);
        expect_two_left(f, cut - start[1]);
    }
    for (size_t cut = 1; cut < start[0]; cut++) { /* the very first frame */
        uint64_t cut_bytes;
        write_file(f->path, data, cut);
        struct journal *journal = must_open(f, &cut_bytes);
        assert_int_equal(cut_bytes, cut);
        must_append(journal, "{}", 1);
        journal_close(journal);
    }
}

/* The file grew, but the bytes never arrived: wrong bytes, or zeros. */
static void test_damaged_tail_at_every_byte(void **state)
{
    struct fixture *f = *state;
    uint8_t data[512], torn[512];
    size_t start[2], size = three_frames(f, data, sizeof data, start);
    for (size_t at = start[1]; at < size; at++) {
        memcpy(torn, data, size);
        torn[at] ^= 0x40;
        write_file(f->path, torn, size);
        expect_two_left(f, size - start[1]);
        memset(torn + at, 0, size - at);
        write_file(f->path, torn, size);
        expect_two_left(f, size - start[1]);
    }
}

/* What follows a damaged frame is good and is kept. */
static void test_damage_in_the_middle(void **state)
{
    struct fixture *f = *state;
    uint8_t data[512];
    size_t start[2], size = three_frames(f, data, sizeof data, start);
    for (size_t at = start[0]; at < start[1]; at++) {
        uint64_t cut;
        struct error error = {0};
        data[at] ^= 0x20;
        write_file(f->path, data, size);
        data[at] ^= 0x20;
        struct journal *journal = must_open(f, &cut);
        assert_int_equal(cut, 0);
        assert_int_equal(journal_durable(journal), 3);
        journal_close(journal);
        assert_int_equal(file_size(f->path), size);
        struct journal_reader *reader = must_read(f, 0);
        expect_next(reader, 3, "{\"a\":1}", 1);
        assert_int_equal(next_result(reader, 3, &error), -1);
        assert_non_null(strstr(error.message, "damaged"));
        expect_next(reader, 3, "{\"ccc\":333}", 3);
        assert_int_equal(next_result(reader, 3, NULL), 0);
        journal_reader_close(reader);
    }
}

/* At the end, a frame that is not whole is being written (unless it must be there). */
static void test_reader_at_torn_end(void **state)
{
    struct fixture *f = *state;
    uint8_t data[512];
    size_t start[2], size = three_frames(f, data, sizeof data, start);
    write_file(f->path, data, size - 1);
    struct journal_reader *reader = must_read(f, 0);
    struct error error = {0};
    expect_next(reader, 3, "{\"a\":1}", 1);
    expect_next(reader, 3, "{\"bb\":22}", 2);
    assert_int_equal(next_result(reader, UINT64_MAX, &error), 0);
    assert_int_equal(error.code, ERROR_NONE);
    assert_int_equal(next_result(reader, 3, &error), -1);
    assert_int_equal(next_result(reader, 3, NULL), 0);
    write_file(f->path, data, size); /* the rest arrives */
    expect_next(reader, UINT64_MAX, "{\"ccc\":333}", 3);
    journal_reader_close(reader);
}

static void test_disk_full(void **state)
{
    struct fixture *f = *state;
    uint8_t data[512];
    size_t start[2], size = three_frames(f, data, sizeof data, start);
    struct rlimit old, small;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    struct journal *journal = must_open(f, NULL);
    for (size_t room = 0; room < 30; room++) { /* inside the header, inside the line, … */
        small = (struct rlimit){size + room, old.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        struct error error = {0};
        uint64_t sequence = journal_append(journal, "{\"dddd\":4444}", 13, &error);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_int_equal(sequence, 0);
        assert_int_equal(error.code, ERROR_RUN);
        assert_non_null(strstr(error.message, f->path));
        assert_non_null(strstr(error.message, strerror(EFBIG)));
        assert_int_equal(file_size(f->path), size);
    }
    must_append(journal, "{\"dddd\":4444}", 4);
    assert_int_equal(journal_sync(journal, NULL), 0);
    journal_close(journal);
    struct journal_reader *reader = must_read(f, 2);
    expect_next(reader, 4, "{\"ccc\":333}", 3);
    expect_next(reader, 4, "{\"dddd\":4444}", 4);
    journal_reader_close(reader);
}

/* A file system that is really full, where this may be mounted. */
static void test_file_system_full(void **state)
{
    struct fixture *f = *state;
    if (mount("tmpfs", f->folder, "tmpfs", 0, "size=64k") != 0) {
        print_message("not tested: no right to mount a small file system\n");
        skip();
    }
    struct journal *journal = must_open(f, NULL);
    char line[1000], filler[128];
    struct error error = {0};
    uint64_t sequence, last = 0;
    memset(line, 'x', sizeof line);
    snprintf(filler, sizeof filler, "%s/filler", f->folder);
    uint8_t zeros[32768] = {0};
    write_file(filler, zeros, sizeof zeros);
    while ((sequence = journal_append(journal, line, sizeof line, &error)) != 0)
        last = sequence;
    assert_true(last > 0 && last < 64);
    assert_non_null(strstr(error.message, strerror(ENOSPC)));
    unlink(filler);
    assert_int_equal(journal_append(journal, line, sizeof line, NULL), last + 1);
    assert_int_equal(journal_sync(journal, NULL), 0);
    journal_close(journal);
    uint64_t cut;
    journal = must_open(f, &cut);
    assert_int_equal(cut, 0);
    assert_int_equal(journal_durable(journal), last + 1);
    journal_close(journal);
    assert_int_equal(umount(f->folder), 0);
}

/* A failed sync may have dropped the pages: they are written anew. */
static void test_sync_fails_for_a_while(void **state)
{
    struct fixture *f = *state;
    uint8_t data[512], zeros[512] = {0};
    size_t start[2], size = three_frames(f, data, sizeof data, start);
    struct journal *journal = must_open(f, NULL);
    struct error error = {0};
    must_append(journal, "{\"d\":4}", 4);
    sync_fails = true;
    assert_int_equal(journal_sync(journal, &error), -1);
    assert_non_null(strstr(error.message, strerror(EIO)));
    assert_int_equal(journal_durable(journal), 3);
    must_append(journal, "{\"e\":5}", 5);
    size_t full = file_size(f->path);
    int fd = open(f->path, O_WRONLY);
    assert_int_equal(pwrite(fd, zeros, full - size, (off_t)size), full - size);
    close(fd);
    sync_fails = false;
    assert_int_equal(journal_sync(journal, NULL), 0);
    assert_int_equal(journal_durable(journal), 5);
    struct journal_reader *reader = must_read(f, 3);
    expect_next(reader, 5, "{\"d\":4}", 4);
    expect_next(reader, 5, "{\"e\":5}", 5);
    journal_reader_close(reader);
    journal_close(journal);
}

/* A disk that never syncs does not eat the memory. */
static void test_unsynced_bound(void **state)
{
    struct fixture *f = *state;
    struct journal *journal = must_open(f, NULL);
    size_t size = 1u << 19, taken = 0;
    char *line = xcalloc(1, size);
    struct error error = {0};
    sync_fails = true;
    while (taken < 1000 && journal_append(journal, line, size, &error) != 0)
        taken++;
    assert_in_range(taken, 30, 40);
    assert_int_equal(error.code, ERROR_RUN);
    sync_fails = false;
    assert_int_equal(journal_sync(journal, NULL), 0);
    assert_int_equal(journal_append(journal, line, size, NULL), taken + 1);
    free(line);
    journal_close(journal);
}

static void test_refusals(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    assert_null(journal_reader_open(f->folder, 0, &error));
    assert_non_null(strstr(error.message, f->path));

    write_file(f->path, "my shopping list", 16);
    error = (struct error){0};
    assert_null(journal_open(f->folder, NULL, &error));
    assert_non_null(strstr(error.message, "not a journal"));
    assert_int_equal(file_size(f->path), 16);
    unlink(f->path);

    struct journal *journal = must_open(f, NULL);
    error = (struct error){0};
    assert_null(journal_open(f->folder, NULL, &error));
    assert_non_null(strstr(error.message, "in use"));
    size_t size = (1u << 20) + 1;
    char *line = xcalloc(1, size);
    assert_int_equal(journal_append(journal, line, size, NULL), 0);
    assert_int_equal(journal_append(journal, line, size - 1, NULL), 1);
    free(line);
    journal_close(journal);

    error = (struct error){0};
    assert_null(journal_open("/nonexistent/folder", NULL, &error));
    assert_non_null(strstr(error.message, strerror(ENOENT)));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    log_set_level(LOG_ERROR_);
    const struct CMUnitTest tests[] = {
        T(test_append_read),
        T(test_torn_tail_at_every_byte),
        T(test_damaged_tail_at_every_byte),
        T(test_damage_in_the_middle),
        T(test_reader_at_torn_end),
        T(test_disk_full),
        T(test_file_system_full),
        T(test_sync_fails_for_a_while),
        T(test_unsynced_bound),
        T(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
