/* The journal's frames against torn ends, damage, a full disk and a disk that will not sync. */
#include "journal_files.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

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

/* The first segment is these bytes; what is synced is as the mark says, or not known. */
static void put_segment(const struct fixture *f, const uint8_t *data, size_t size, bool marked)
{
    uint8_t mark[64];
    size_t mark_size = read_file(f->mark, mark, sizeof mark);
    clear(f);
    write_file(f->path, data, size);
    write_file(f->mark, mark, marked ? mark_size : 0);
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
    assert_int_equal(next_result(early, UINT64_MAX, NULL), 0); /* it is not synced */
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

static void test_files_and_their_modes(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    mode_t mask = umask(0);
    struct journal *journal = must_open(f, NULL);
    append_numbers(journal, 1, 1);
    umask(mask);
    assert_int_equal(stat(f->journal, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_size, HEAD + 24 + 7); /* what is set aside behind it is not its size */
    assert_int_equal(stat(f->mark, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_size, 24);
    journal_close(journal);
}

/* An operator's command that root runs leaves nothing that the sensor's user cannot go on with. */
static void test_given_to_the_owner(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    if (geteuid() != 0) {
        print_message("not tested: only root gives away\n");
        skip();
    }
    assert_int_equal(chown(f->folder, 65534, 65533), 0);
    struct journal *journal = must_open(f, NULL);
    append_numbers(journal, 1, 1);
    journal_close(journal);
    const char *const path[] = {f->journal, f->mark, f->path};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(stat(path[i], &st), 0);
        assert_int_equal(st.st_uid, 65534);
        assert_int_equal(st.st_gid, 65533);
    }
}

/* Opens what a loss of power left; the first two frames must be there, the third is not. Was it
 * synced, its number is not given again. */
static void expect_two_left(const struct fixture *f, size_t cut_expected, bool marked)
{
    uint64_t cut;
    struct journal *journal = must_open(f, &cut);
    assert_int_equal(cut, cut_expected);
    assert_int_equal(journal_durable(journal), marked ? 3 : 2);
    assert_int_equal(journal_counts_of(journal).lost, marked ? 1 : 0);
    must_append(journal, "{\"new\":1}", marked ? 4 : 3);
    assert_int_equal(journal_sync(journal, NULL), 0);
    journal_close(journal);
    struct journal_reader *reader = must_read(f, 0);
    expect_next(reader, UINT64_MAX, "{\"a\":1}", 1);
    expect_next(reader, UINT64_MAX, "{\"bb\":22}", 2);
    if (marked)
        expect_said(reader, "records 3 to 3 are missing");
    expect_next(reader, UINT64_MAX, "{\"new\":1}", marked ? 4 : 3);
    expect_end(reader);
    journal_reader_close(reader);
}

static void test_torn_tail_at_every_byte(void **state)
{
    struct fixture *f = *state;
    uint8_t data[512];
    size_t start[2], size = three_frames(f, data, sizeof data, start);
    assert_true(size > start[1] + 24);
    for (size_t cut = start[1] + 1; cut < size; cut++) {
        put_segment(f, data, cut, false);
        expect_two_left(f, cut - start[1], false);
    }
    write_file(f->path, data, size);
    unlink(f->mark);
    journal_close(must_open(f, NULL)); /* the mark says 3 again */
    uint8_t mark[64];
    size_t mark_size = read_file(f->mark, mark, sizeof mark);
    for (size_t cut = start[1] + 1; cut < size; cut++) {
        write_file(f->mark, mark, mark_size);
        put_segment(f, data, cut, true);
        expect_two_left(f, cut - start[1], true);
    }
}

/* The very first frame, and the head before it. */
static void test_torn_first_frame(void **state)
{
    struct fixture *f = *state;
    uint8_t data[512];
    size_t start[2];
    three_frames(f, data, sizeof data, start);
    for (size_t size = 0; size < start[0]; size++) {
        uint64_t cut;
        put_segment(f, data, size, false);
        struct journal *journal = must_open(f, &cut);
        assert_int_equal(cut, size < HEAD ? size : size - HEAD);
        must_append(journal, "{}", 1);
        assert_int_equal(journal_sync(journal, NULL), 0);
        struct journal_reader *reader = must_read(f, 0);
        expect_next(reader, UINT64_MAX, "{}", 1);
        journal_reader_close(reader);
        journal_close(journal);
    }
    uint8_t zeros[4096] = {0}; /* its size arrived, its bytes did not */
    put_segment(f, zeros, sizeof zeros, false);
    uint64_t cut;
    struct journal *journal = must_open(f, &cut);
    assert_int_equal(cut, sizeof zeros);
    must_append(journal, "{}", 1);
    journal_close(journal);
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
        put_segment(f, torn, size, false);
        expect_two_left(f, size - start[1], false);
        memset(torn + at, 0, size - at);
        put_segment(f, torn, size, false);
        expect_two_left(f, size - start[1], false);
    }
}

/* What follows a damaged frame, or a damaged head, is good and is kept. */
static void test_damage_in_the_middle(void **state)
{
    struct fixture *f = *state;
    uint8_t data[512];
    size_t start[2], size = three_frames(f, data, sizeof data, start);
    for (size_t at = start[0]; at < start[1]; at++) {
        uint64_t cut;
        data[at] ^= 0x20;
        write_file(f->path, data, size);
        data[at] ^= 0x20;
        struct journal *journal = must_open(f, &cut);
        assert_int_equal(cut, 0);
        assert_int_equal(journal_durable(journal), 3);
        journal_close(journal);
        assert_int_equal(file_size(f->path), size);
        struct journal_reader *reader = must_read(f, 0);
        expect_next(reader, UINT64_MAX, "{\"a\":1}", 1);
        expect_said(reader, "00000000000000000001.log: damaged from byte ");
        expect_next(reader, UINT64_MAX, "{\"ccc\":333}", 3);
        expect_end(reader);
        journal_reader_close(reader);
        reader = must_read(f, 2); /* the damage is before what it wants */
        expect_next(reader, UINT64_MAX, "{\"ccc\":333}", 3);
        journal_reader_close(reader);
    }
}

static void test_damaged_head(void **state)
{
    struct fixture *f = *state;
    uint8_t data[512];
    size_t start[2], size = three_frames(f, data, sizeof data, start);
    for (size_t at = 0; at < HEAD; at++) {
        data[at] ^= 0x20;
        put_segment(f, data, size, true);
        data[at] ^= 0x20;
        struct journal_reader *reader = must_read(f, 0);
        expect_next(reader, UINT64_MAX, "{\"a\":1}", 1); /* no record is lost, nothing is said */
        journal_reader_close(reader);
        struct journal *journal = must_open(f, NULL);
        assert_int_equal(journal_durable(journal), 3);
        must_append(journal, "{}", 4); /* in a segment whose head is good */
        journal_close(journal);
    }
}

/* In a copy without a mark: at the end, a frame that is not whole is being written. */
static void test_reader_at_torn_end(void **state)
{
    struct fixture *f = *state;
    uint8_t data[512];
    size_t start[2], size = three_frames(f, data, sizeof data, start);
    put_segment(f, data, size - 1, false);
    struct journal_reader *reader = must_read(f, 0);
    struct error error = {0};
    assert_int_equal(journal_reader_durable(reader), 0);
    expect_next(reader, 3, "{\"a\":1}", 1);
    expect_next(reader, 3, "{\"bb\":22}", 2);
    assert_int_equal(next_result(reader, UINT64_MAX, &error), 0);
    assert_int_equal(error.code, ERROR_NONE);
    assert_int_equal(next_result(reader, 3, &error), -1); /* unless it must be there */
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

/* A file system that is really full, where this may be mounted. There is room set aside, and it is
 * said when that is being used up. */
static void test_file_system_full(void **state)
{
    struct fixture *f = *state;
    if (mount("tmpfs", f->folder, "tmpfs", 0, "size=2m") != 0) {
        print_message("not tested: no right to mount a small file system\n");
        skip();
    }
    struct journal *journal = must_open(f, NULL);
    static char line[1000];
    char filler[128];
    struct error error = {0};
    uint64_t sequence, last = 0, tight = 0;
    memset(line, 'x', sizeof line);
    snprintf(filler, sizeof filler, "%s/filler", f->folder);
    static uint8_t zeros[524288];
    write_file(filler, zeros, sizeof zeros);
    while ((sequence = journal_append(journal, line, sizeof line, &error)) != 0) {
        last = sequence;
        assert_int_equal(journal_sync(journal, NULL), 0);
        if (journal_tight(journal) && !tight)
            tight = sequence;
    }
    assert_non_null(strstr(error.message, strerror(ENOSPC)));
    assert_true(tight > 0 && last - tight >= 512); /* half a MiB of records could still be said */
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

static void test_tight(void **state)
{
    struct fixture *f = *state;
    struct journal *journal = must_open(f, NULL);
    static char line[300000];
    memset(line, 'x', sizeof line);
    append_numbers(journal, 1, 1);
    assert_false(journal_tight(journal));
    room_fails = true;
    append_numbers(journal, 2, 2);
    assert_false(journal_tight(journal)); /* most of what was set aside is there */
    for (uint64_t i = 3; i < 6; i++)
        assert_int_equal(journal_append(journal, line, sizeof line, NULL), i);
    assert_int_equal(journal_sync(journal, NULL), 0);
    assert_true(journal_tight(journal));
    assert_int_equal(journal_sync(journal, NULL), 0);
    assert_true(journal_tight(journal));
    room_fails = false;
    assert_int_equal(journal_sync(journal, NULL), 0); /* looks again with nothing to sync */
    assert_false(journal_tight(journal));
    journal_close(journal);
}

/* A failed sync may have dropped the pages: they are written anew. */
static void test_sync_fails_for_a_while(void **state)
{
    struct fixture *f = *state;
    uint8_t data[512], zeros[512] = {0};
    size_t start[2], size = three_frames(f, data, sizeof data, start);
    struct journal *journal = must_open(f, NULL);
    struct journal_reader *reader = must_read(f, 3);
    struct error error = {0};
    must_append(journal, "{\"d\":4}", 4);
    sync_fails = true;
    assert_int_equal(journal_sync(journal, &error), -1);
    assert_non_null(strstr(error.message, strerror(EIO)));
    assert_int_equal(journal_durable(journal), 3);
    assert_int_equal(journal_reader_durable(reader), 3); /* never ahead of what is synced */
    expect_end(reader);
    must_append(journal, "{\"e\":5}", 5);
    size_t full = file_size(f->path);
    int fd = open(f->path, O_WRONLY);
    assert_int_equal(pwrite(fd, zeros, full - size, (off_t)size), full - size);
    close(fd);
    sync_fails = false;
    assert_int_equal(journal_sync(journal, NULL), 0);
    assert_int_equal(journal_durable(journal), 5);
    assert_int_equal(journal_reader_durable(reader), 5);
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
    size_t size = 1u << 19;
    uint64_t taken = 1;
    char *line = xcalloc(1, size);
    struct error error = {0};
    append_numbers(journal, 1, 1);
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
    assert_non_null(strstr(error.message, "did a sensor ever run there?"));

    struct journal *journal = must_open(f, NULL);
    expect_refused(f, "in use");
    size_t size = JOURNAL_LINE_MAX + 1;
    char *line = xcalloc(1, size);
    assert_int_equal(journal_append(journal, line, size, NULL), 0);
    assert_int_equal(journal_append(journal, line, size - 1, NULL), 1);
    free(line);
    journal_close(journal);

    error = (struct error){0};
    assert_null(journal_open("/nonexistent/folder", NULL, &error));
    assert_non_null(strstr(error.message, strerror(ENOENT)));
}

int main(void)
{
    log_set_level(LOG_ERROR_);
    const struct CMUnitTest tests[] = {
        T(test_append_read),
        T(test_files_and_their_modes),
        T(test_given_to_the_owner),
        T(test_torn_tail_at_every_byte),
        T(test_torn_first_frame),
        T(test_damaged_tail_at_every_byte),
        T(test_damage_in_the_middle),
        T(test_damaged_head),
        T(test_reader_at_torn_end),
        T(test_disk_full),
        T(test_file_system_full),
        T(test_tight),
        T(test_sync_fails_for_a_while),
        T(test_unsynced_bound),
        T(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
