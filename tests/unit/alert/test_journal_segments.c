/* The journal's segments: rotation, retention and readers across them; what is missing, what an
 * earlier version left; a writer that is killed. */
#include "journal_files.h"

#include "weir/base/digest.h"
#include "weir/base/time.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define FRAME_BYTES 31u /* of {"n":N}, N of one digit */

static int64_t clock_ns; /* of limits that ask for it */

static int64_t tell_time(void)
{
    return clock_ns;
}

static struct journal *open_small(const struct fixture *f, uint64_t segment_bytes)
{
    struct journal *journal = must_open(f, NULL);
    struct journal_limits limits = {.segment_bytes = segment_bytes};
    journal_limit(journal, &limits);
    return journal;
}

static char *segment_of(const struct fixture *f, uint64_t first)
{
    return xasprintf("%s/%020" PRIu64 ".log", f->journal, first);
}

static bool is_there(const struct fixture *f, uint64_t first)
{
    char *path = segment_of(f, first);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

static void delete_segment(const struct fixture *f, uint64_t first)
{
    char *path = segment_of(f, first);
    assert_int_equal(unlink(path), 0);
    free(path);
}

/* Three records a segment: 1, 4, 7, … */
static struct journal *open_threes(const struct fixture *f, uint64_t to)
{
    struct journal *journal = open_small(f, HEAD + 3 * FRAME_BYTES);
    append_numbers(journal, 1, to);
    return journal;
}

/* --- rotation --------------------------------------------------------------------------------- */

static void test_rotation_while_read(void **state)
{
    struct fixture *f = *state;
    struct journal *journal = open_small(f, HEAD + 3 * FRAME_BYTES);
    struct journal_reader *reader = must_read(f, 0);
    for (uint64_t i = 1; i <= 100; i++) {
        append_number(journal, i);
        expect_end(reader);
        assert_int_equal(journal_sync(journal, NULL), 0);
        expect_numbers(reader, i, i);
        expect_end(reader);
    }
    journal_reader_close(reader);
    assert_int_equal(journal_counts_of(journal).segments, 34);
    assert_true(is_there(f, 1) && is_there(f, 4) && is_there(f, 100) && !is_there(f, 2));
    for (uint64_t after = 0; after <= 100; after++) { /* anywhere */
        reader = must_read(f, after);
        expect_numbers(reader, after + 1, 100);
        expect_end(reader);
        journal_reader_close(reader);
    }
    journal_close(journal);
    journal = must_open(f, NULL);
    append_numbers(journal, 101, 101);
    journal_close(journal);
}

/* What is not synced is in one file: no segment ends while something is not. */
static void test_no_rotation_unsynced(void **state)
{
    struct fixture *f = *state;
    struct journal *journal = open_small(f, 1);
    append_numbers(journal, 1, 1);
    sync_fails = true;
    struct error error = {0};
    assert_int_equal(journal_append(journal, "{}", 2, &error), 0); /* no head can be synced */
    assert_false(is_there(f, 2));
    sync_fails = false;
    append_number(journal, 2);
    sync_fails = true;
    for (uint64_t i = 3; i <= 9; i++)
        append_number(journal, i);
    assert_int_equal(journal_sync(journal, NULL), -1);
    assert_int_equal(journal_counts_of(journal).segments, 2);
    sync_fails = false;
    assert_int_equal(journal_sync(journal, NULL), 0);
    append_numbers(journal, 10, 10);
    assert_int_equal(journal_counts_of(journal).segments, 3);
    struct journal_reader *reader = must_read(f, 0);
    expect_numbers(reader, 1, 10);
    journal_reader_close(reader);
    journal_close(journal);
}

static void test_rotation_by_day(void **state)
{
    struct fixture *f = *state;
    struct journal *journal = must_open(f, NULL);
    struct journal_limits limits = {.now_ns = tell_time};
    clock_ns = 20000 * NS_PER_DAY + 23 * NS_PER_HOUR;
    journal_limit(journal, &limits);
    append_numbers(journal, 1, 2);
    clock_ns += NS_PER_HOUR - 1;
    append_numbers(journal, 3, 3);
    clock_ns++;
    append_numbers(journal, 4, 5);
    clock_ns -= NS_PER_HOUR; /* a clock that is set back ends nothing */
    append_numbers(journal, 6, 6);
    assert_int_equal(journal_counts_of(journal).segments, 2);
    assert_true(is_there(f, 4));
    /* Where what came later begins. */
    assert_int_equal(journal_reader_before(f->folder, 20000 * NS_PER_DAY), 0);
    assert_int_equal(journal_reader_before(f->folder, 20001 * NS_PER_DAY), 0);
    assert_int_equal(journal_reader_before(f->folder, 20001 * NS_PER_DAY + 1), 3);
    journal_close(journal);
    assert_int_equal(journal_reader_before("/nonexistent", 0), 0);
}

/* --- retention -------------------------------------------------------------------------------- */

static uint64_t say_told(void *context)
{
    return *(const uint64_t *)context;
}

static void test_retention_by_bytes(void **state)
{
    struct fixture *f = *state;
    uint64_t told = 5;
    struct journal *journal = open_threes(f, 3);
    struct journal_reader *reader = must_read(f, 0), *behind = must_read(f, 1);
    expect_numbers(reader, 1, 1);
    struct journal_limits limits = {.segment_bytes = HEAD + 3 * FRAME_BYTES,
                                    .keep_bytes = 2 * (HEAD + 3 * FRAME_BYTES) + HEAD + 8,
                                    .told = say_told,
                                    .context = &told};
    journal_limit(journal, &limits);
    append_numbers(journal, 4, 9);
    assert_true(is_there(f, 1)); /* two and a head are the bound */
    append_numbers(journal, 10, 10);
    assert_true(!is_there(f, 1) && is_there(f, 4));
    assert_int_equal(journal_counts_of(journal).deleted_untold, 0); /* 3 was told */
    append_numbers(journal, 11, 13);
    assert_true(!is_there(f, 4) && is_there(f, 7));
    assert_int_equal(journal_counts_of(journal).deleted, 2);
    assert_int_equal(journal_counts_of(journal).deleted_untold, 1); /* 6 was not */
    /* Who had it open reads it to its end, and is told what it missed, once. */
    expect_numbers(reader, 2, 3);
    expect_said(reader, "records 4 to 6 are missing");
    expect_numbers(reader, 7, 13);
    expect_end(reader);
    journal_reader_close(reader);
    journal_reader_close(behind);
    behind = must_read(f, 1);
    expect_said(behind, "records 2 to 6 are missing");
    expect_numbers(behind, 7, 13);
    journal_reader_close(behind);
    behind = must_read(f, 0); /* "from the first there is" misses nothing */
    expect_numbers(behind, 7, 13);
    journal_reader_close(behind);
    journal_close(journal);
}

static void test_retention_by_days(void **state)
{
    struct fixture *f = *state;
    struct journal *journal = must_open(f, NULL);
    struct journal_limits limits = {.now_ns = tell_time, .keep_ns = 3 * NS_PER_DAY};
    clock_ns = 20000 * NS_PER_DAY;
    journal_limit(journal, &limits);
    for (uint64_t day = 1; day <= 10; day++) {
        append_numbers(journal, day, day);
        clock_ns += NS_PER_DAY;
    }
    /* On day 10: what was written on day 6 ended with it, three days ago. */
    assert_true(!is_there(f, 5) && is_there(f, 6) && is_there(f, 10));
    clock_ns += 100 * NS_PER_DAY;
    limits.keep_ns = NS_PER_DAY;
    journal_limit(journal, &limits); /* the one that is written stays */
    assert_int_equal(journal_counts_of(journal).segments, 1);
    assert_true(is_there(f, 10));
    journal_close(journal);
}

/* --- what is missing or damaged --------------------------------------------------------------- */

static void test_missing_segments(void **state)
{
    struct fixture *f = *state;
    journal_close(open_threes(f, 12));
    delete_segment(f, 4);
    struct journal_reader *reader = must_read(f, 0);
    expect_numbers(reader, 1, 3);
    expect_said(reader, "records 4 to 6 are missing");
    expect_numbers(reader, 7, 12);
    expect_end(reader);
    journal_reader_close(reader);
    reader = must_read(f, 5); /* only what it wanted */
    expect_said(reader, "records 6 to 6 are missing");
    expect_numbers(reader, 7, 12);
    journal_reader_close(reader);
    reader = must_read(f, 6);
    expect_numbers(reader, 7, 12);
    journal_reader_close(reader);

    delete_segment(f, 10); /* the last: its numbers are not given again */
    struct journal *journal = open_small(f, HEAD + 3 * FRAME_BYTES);
    assert_int_equal(journal_counts_of(journal).lost, 3);
    reader = must_read(f, 8);
    expect_numbers(reader, 9, 9);
    expect_said(reader, "records 10 to 12 are missing");
    expect_end(reader);
    append_numbers(journal, 13, 14);
    expect_numbers(reader, 13, 14);
    journal_reader_close(reader);
    journal_close(journal);
}

static void test_damaged_to_its_end(void **state)
{
    struct fixture *f = *state;
    uint8_t data[512];
    journal_close(open_threes(f, 9));
    char *path = segment_of(f, 4);
    size_t size = read_file(path, data, sizeof data);
    memset(data + HEAD + FRAME_BYTES, 'x', size - HEAD - FRAME_BYTES);
    write_file(path, data, size);
    struct journal_reader *reader = must_read(f, 0);
    expect_numbers(reader, 1, 4);
    expect_said(reader,
                "00000000000000000004.log: damaged from byte 63 to its end, after record 4");
    expect_numbers(reader, 7, 9);
    expect_end(reader);
    journal_reader_close(reader);
    memset(data, 'x', size); /* all of it */
    write_file(path, data, size);
    reader = must_read(f, 0);
    expect_numbers(reader, 1, 3);
    expect_said(reader, "damaged from byte 0 to its end, after record 3");
    expect_numbers(reader, 7, 9);
    journal_reader_close(reader);
    free(path);
}

/* The last segment is somebody else's bytes: it is put aside, and nothing is given twice. */
static void test_last_one_is_nothing(void **state)
{
    struct fixture *f = *state;
    journal_close(open_threes(f, 5));
    char *path = segment_of(f, 4), *aside = xasprintf("%s.damaged", path);
    write_file(path, "my shopping list, longer than a head", 36);
    struct journal *journal = must_open(f, NULL);
    assert_int_equal(file_size(aside), 36);
    append_numbers(journal, 6, 6);
    journal_close(journal);
    struct journal_reader *reader = must_read(f, 0);
    expect_numbers(reader, 1, 3);
    expect_said(reader, "records 4 to 5 are missing");
    expect_numbers(reader, 6, 6);
    journal_reader_close(reader);
    free(path);
    free(aside);
}

/* A segment that cannot be opened is waited for, not skipped: nothing of it is lost. */
static void wait_for_segment(const struct fixture *f, bool damage_before)
{
    uint8_t data[512];
    journal_close(open_threes(f, 9));
    char *path = segment_of(f, 4), *aside = xasprintf("%s.aside", path);
    struct journal_reader *reader = must_read(f, 0);
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(symlink(path, path), 0);
    if (damage_before) {
        size_t size = read_file(f->path, data, sizeof data);
        memset(data + HEAD + 2 * FRAME_BYTES, 'x', FRAME_BYTES);
        write_file(f->path, data, size);
    }
    expect_numbers(reader, 1, damage_before ? 2 : 3);
    expect_said(reader, "its next segment, of record 4, cannot be read: ");
    expect_end(reader); /* said once */
    expect_end(reader);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rename(aside, path), 0);
    if (damage_before)
        expect_said(reader, "damaged from byte 94 to its end, after record 2");
    expect_numbers(reader, 4, 9);
    expect_end(reader);
    journal_reader_close(reader);
    free(path);
    free(aside);
}

static void test_waits_for_segment(void **state)
{
    wait_for_segment(*state, false);
    clear(*state);
    wait_for_segment(*state, true);
}

/* It cannot be read, and then it is gone: that is told too. */
static void test_waited_for_and_gone(void **state)
{
    struct fixture *f = *state;
    journal_close(open_threes(f, 9));
    char *path = segment_of(f, 4);
    delete_segment(f, 4);
    assert_int_equal(symlink(path, path), 0);
    struct journal_reader *reader = must_read(f, 0);
    expect_numbers(reader, 1, 3);
    expect_said(reader, "cannot be read");
    delete_segment(f, 4);
    expect_said(reader, "records 4 to 6 are missing");
    expect_numbers(reader, 7, 9);
    journal_reader_close(reader);
    free(path);
}

static void test_links_and_later_versions(void **state)
{
    struct fixture *f = *state;
    uint8_t data[512];
    journal_close(open_threes(f, 3));
    size_t size = read_file(f->path, data, sizeof data);
    char *other = xasprintf("%s/other", f->journal);
    assert_int_equal(rename(f->path, other), 0);
    assert_int_equal(symlink(other, f->path), 0);
    expect_refused(f, strerror(ELOOP));
    unlink(f->path);
    write_file(f->path, data, size);
    unlink(f->mark);
    assert_int_equal(symlink(other, f->mark), 0);
    expect_refused(f, strerror(ELOOP));
    free(other);
    unlink(f->mark);
    data[4]++; /* the version */
    uint64_t hash = hash64(data, HEAD - 8, 0);
    for (unsigned i = 0; i < 8; i++)
        data[HEAD - 8 + i] = (uint8_t)(hash >> 8 * i);
    write_file(f->path, data, size);
    expect_refused(f, "is of version 3, a later weir's; this one knows 2");
    struct journal_reader *reader = must_read(f, 0);
    expect_said(reader, "a later weir's");
    expect_end(reader);
    journal_reader_close(reader);
}

/* --- an earlier version's file ---------------------------------------------------------------- */

/* Frames 1 to 3 as they were before there were segments. */
static void put_earlier(const struct fixture *f)
{
    uint8_t data[512];
    journal_close(open_threes(f, 3));
    size_t size = read_file(f->path, data, sizeof data);
    clear(f);
    write_file(f->earlier, data + HEAD, size - HEAD);
}

static void test_takes_over(void **state)
{
    struct fixture *f = *state;
    put_earlier(f);
    struct journal *journal = must_open(f, NULL);
    assert_int_equal(access(f->earlier, F_OK), -1);
    assert_int_equal(journal_durable(journal), 3);
    append_numbers(journal, 4, 5);
    assert_true(is_there(f, 1) && is_there(f, 4));
    struct journal_reader *reader = must_read(f, 0);
    expect_numbers(reader, 1, 5);
    expect_end(reader);
    journal_reader_close(reader);
    journal_close(journal);
    journal = must_open(f, NULL);
    append_numbers(journal, 6, 6);
    journal_close(journal);
}

static void test_takes_over_torn(void **state)
{
    struct fixture *f = *state;
    put_earlier(f);
    assert_int_equal(truncate(f->earlier, 3 * FRAME_BYTES - 1), 0);
    uint64_t cut;
    struct journal *journal = must_open(f, &cut);
    assert_int_equal(cut, FRAME_BYTES - 1);
    append_numbers(journal, 3, 3);
    journal_close(journal);
}

static void test_does_not_take_over(void **state)
{
    struct fixture *f = *state;
    write_file(f->earlier, "my shopping list", 16);
    expect_refused(f, "not a journal");
    assert_int_equal(file_size(f->earlier), 16);
    unlink(f->earlier);
    put_earlier(f);
    write_file(f->path, "", 0); /* there is another one */
    expect_refused(f, "cannot be taken over");
    clear(f);
    write_file(f->earlier, "", 0); /* an empty one says nothing */
    journal_close(must_open(f, NULL));
    assert_int_equal(access(f->earlier, F_OK), -1);
}

/* --- a writer that is killed ------------------------------------------------------------------ */

struct shared {
    _Atomic uint64_t synced;
    _Atomic bool began;
};

static _Noreturn void write_until_killed(const struct fixture *f, struct shared *shared)
{
    struct journal *journal = journal_open(f->folder, NULL, NULL);
    struct journal_limits limits = {.segment_bytes = 4096};
    char line[128];
    if (!journal)
        _exit(1);
    journal_limit(journal, &limits);
    for (;;) {
        for (unsigned i = 0; i < 1 + journal_last(journal) % 5; i++) {
            int size = snprintf(line, sizeof line, "{\"n\":%" PRIu64 ",\"pid\":%d}",
                                journal_last(journal) + 1, (int)getpid());
            if (journal_append(journal, line, (size_t)size, NULL) == 0)
                _exit(1);
        }
        if (journal_sync(journal, NULL) != 0)
            _exit(1);
        shared->synced = journal_durable(journal);
        shared->began = true;
    }
}

static void sleep_us(unsigned microseconds)
{
    struct timespec pause = {0, (long)microseconds * 1000};
    nanosleep(&pause, NULL);
}

/* What was read of the kills before is read again at the end: it has not changed. */
static void read_all(const struct fixture *f, uint64_t synced, uint64_t *hash)
{
    struct journal_reader *reader = must_read(f, 0);
    struct error error = {0};
    const char *line;
    size_t size;
    uint64_t sequence, last = 0;
    *hash = 0;
    for (int result; (result = journal_reader_next(reader, UINT64_MAX, &line, &size, &sequence,
                                                   &error)) != 0;) {
        char expected[64];
        if (result < 0)
            fail_msg("%s", error.message);
        assert_int_equal(sequence, last + 1);
        int prefix = snprintf(expected, sizeof expected, "{\"n\":%" PRIu64 ",\"pid\":", sequence);
        assert_memory_equal(line, expected, (size_t)prefix);
        for (size_t i = 0; i < size && sequence <= synced; i++)
            *hash = *hash * 31 + (uint8_t)line[i];
        last = sequence;
    }
    assert_true(last >= synced);
    journal_reader_close(reader);
}

static void test_killed_writer(void **state)
{
    struct fixture *f = *state;
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    srand(8);
    uint64_t before = 0, before_hash = 0, hash;
    for (int kill_number = 0; kill_number < 20; kill_number++) {
        shared->began = false;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            write_until_killed(f, shared);
        while (!shared->began)
            sleep_us(100);
        sleep_us((unsigned)rand() % 20000);
        kill(child, SIGKILL);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        uint64_t synced = shared->synced;
        struct journal *journal = must_open(f, NULL);
        assert_true(journal_durable(journal) >= synced);
        assert_int_equal(journal_counts_of(journal).lost, 0);
        journal_close(journal);
        read_all(f, before, &hash);
        assert_int_equal(hash, before_hash);
        read_all(f, synced, &before_hash);
        before = synced;
    }
    munmap(shared, sizeof *shared);
}

int main(void)
{
    log_set_level(LOG_ERROR_);
    const struct CMUnitTest tests[] = {
        T(test_rotation_while_read), T(test_no_rotation_unsynced), T(test_rotation_by_day),
        T(test_retention_by_bytes),  T(test_retention_by_days),    T(test_missing_segments),
        T(test_damaged_to_its_end),  T(test_last_one_is_nothing),  T(test_links_and_later_versions),
        T(test_takes_over),          T(test_takes_over_torn),      T(test_does_not_take_over),
        T(test_killed_writer),       T(test_waits_for_segment),    T(test_waited_for_and_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
