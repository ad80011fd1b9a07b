/* A journal in a folder of its own, its files, and what is read of it. fdatasync and fallocate are
 * this program's own, so that they can fail. */
#ifndef WEIR_TESTS_ALERT_JOURNAL_FILES_H
#define WEIR_TESTS_ALERT_JOURNAL_FILES_H

#include "weir/alert/journal.h"
#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD 32u /* bytes of a segment before its first frame */

static bool sync_fails, room_fails;

int fdatasync(int fd);
int fallocate(int fd, int mode, off_t offset, off_t size);

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): libc's is a reserved name */
int fdatasync(int fd)
{
    if (sync_fails) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): libc's is a reserved name */
int fallocate(int fd, int mode, off_t offset, off_t size)
{
    if (room_fails) {
        errno = ENOSPC;
        return -1;
    }
    return (int)syscall(SYS_fallocate, fd, mode, offset, size);
}

struct fixture {
    char folder[64], journal[80];
    char path[128], mark[128], earlier[128]; /* of the first segment; of the old file */
};

static inline int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/weir-journal-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->journal, sizeof f->journal, "%s/journal", f->folder);
    snprintf(f->path, sizeof f->path, "%s/00000000000000000001.log", f->journal);
    snprintf(f->mark, sizeof f->mark, "%s/durable", f->journal);
    snprintf(f->earlier, sizeof f->earlier, "%s/alerts.journal", f->folder);
    *state = f;
    return 0;
}

/* Every file of the journal. */
static inline void clear(const struct fixture *f)
{
    DIR *dir = opendir(f->journal);
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        char *path = xasprintf("%s/%s", f->journal, entry->d_name);
        unlink(path);
        free(path);
    }
    if (dir)
        closedir(dir);
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    clear(f);
    rmdir(f->journal);
    unlink(f->earlier);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    sync_fails = room_fails = false;
    return 0;
}

static inline struct journal *must_open(const struct fixture *f, uint64_t *cut)
{
    struct error error = {0};
    struct journal *journal = journal_open(f->folder, cut, &error);
    if (!journal)
        fail_msg("%s", error.message);
    return journal;
}

static inline void expect_refused(const struct fixture *f, const char *words)
{
    struct error error = {0};
    assert_null(journal_open(f->folder, NULL, &error));
    assert_non_null(strstr(error.message, words));
}

static inline void must_append(struct journal *journal, const char *line, uint64_t sequence)
{
    struct error error = {0};
    assert_int_equal(journal_append(journal, line, strlen(line), &error), sequence);
    assert_int_equal(error.code, ERROR_NONE);
}

/* {"n":N}: what a record says is its number. */
static inline void append_number(struct journal *journal, uint64_t sequence)
{
    char line[64];
    snprintf(line, sizeof line, "{\"n\":%" PRIu64 "}", sequence);
    must_append(journal, line, sequence);
}

static inline void append_numbers(struct journal *journal, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i <= to; i++) {
        append_number(journal, i);
        assert_int_equal(journal_sync(journal, NULL), 0);
    }
}

static inline size_t file_size(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (size_t)st.st_size;
}

static inline size_t read_file(const char *path, uint8_t *data, size_t room)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(data, 1, room, file);
    fclose(file);
    return size;
}

static inline void write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

static inline void expect_next(struct journal_reader *reader, uint64_t until, const char *expected,
                               uint64_t expected_sequence)
{
    struct error error = {0};
    const char *line;
    size_t size;
    uint64_t sequence;
    int result = journal_reader_next(reader, until, &line, &size, &sequence, &error);
    if (result != 1)
        fail_msg("%d, not record %" PRIu64 ": %s", result, expected_sequence, error.message);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(line, expected, size);
    assert_int_equal(sequence, expected_sequence);
}

static inline void expect_numbers(struct journal_reader *reader, uint64_t from, uint64_t to)
{
    char line[64];
    for (uint64_t i = from; i <= to; i++) {
        snprintf(line, sizeof line, "{\"n\":%" PRIu64 "}", i);
        expect_next(reader, UINT64_MAX, line, i);
    }
}

static inline int next_result(struct journal_reader *reader, uint64_t until, struct error *error)
{
    const char *line;
    size_t size;
    uint64_t sequence;
    return journal_reader_next(reader, until, &line, &size, &sequence, error);
}

static inline void expect_said(struct journal_reader *reader, const char *words)
{
    struct error error = {0};
    assert_int_equal(next_result(reader, UINT64_MAX, &error), -1);
    if (!strstr(error.message, words))
        fail_msg("\"%s\" does not say \"%s\"", error.message, words);
}

static inline void expect_end(struct journal_reader *reader)
{
    struct error error = {0};
    assert_int_equal(next_result(reader, UINT64_MAX, &error), 0);
    assert_int_equal(error.code, ERROR_NONE);
}

static inline struct journal_reader *must_read(const struct fixture *f, uint64_t after)
{
    struct error error = {0};
    struct journal_reader *reader = journal_reader_open(f->folder, after, &error);
    if (!reader)
        fail_msg("%s", error.message);
    return reader;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
