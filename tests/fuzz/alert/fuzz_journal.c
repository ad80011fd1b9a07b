/* The journal's segments over arbitrary bytes, good frames and heads among them: a reader must end
 * and give out records in order; what the writer's opening leaves must take a record that a reader
 * then finds. The input is a program:
 *
 *   0 SIZE STEP    a good frame of SIZE bytes, its number STEP after the last
 *   1 SIZE …       so many bytes as they are
 *   2 STEP         another segment, with a head, its first number STEP after the last
 *   3 STEP         the same without a head
 *   4 SIZE         so many bytes are cut from the end of the segment
 *   5 NUMBER       the mark says so
 *
 * The files are in memory where /dev/shm exists. */
#include "../../../sensor/alert/frame.h"
#include "../../../sensor/alert/mark.h"
#include "../../../sensor/alert/segment.h"

#include "weir/alert/journal.h"
#include "weir/base/cursor.h"
#include "weir/base/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENTS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64], journal[80]; /* one a process: libFuzzer gives no other place to keep it */

static void clear(void)
{
    DIR *dir = opendir(journal);
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        char *path = xasprintf("%s/%s", journal, entry->d_name);
        unlink(path);
        free(path);
    }
    if (dir)
        closedir(dir);
}

static void remove_folder(void)
{
    clear();
    rmdir(journal);
    rmdir(folder);
}

static void make_folder(void)
{
    const char *at = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof folder, "%s/weir-fuzz-XXXXXX", at);
    if (!mkdtemp(folder))
        abort();
    snprintf(journal, sizeof journal, "%s/journal", folder);
    if (mkdir(journal, 0700) != 0)
        abort();
    atexit(remove_folder);
    log_set_level(LOG_ERROR_); /* damage is said: libFuzzer's -close_fd_mask=2 keeps it quiet */
}

/* --- the files -------------------------------------------------------------------------------- */

static void put_segment(uint64_t first, struct buffer *bytes)
{
    int fd = segment_open(journal, first, O_WRONLY | O_CREAT | O_TRUNC);
    if (fd < 0 || write(fd, bytes->data, bytes->size) != (ssize_t)bytes->size)
        abort();
    close(fd);
    bytes->size = 0;
}

static void put_mark(uint64_t sequence)
{
    char *path = xasprintf("%s/%s", journal, mark_name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || mark_write(fd, sequence) != 0)
        abort();
    close(fd);
    free(path);
}

static void put_frame(struct buffer *bytes, uint64_t sequence, size_t size)
{
    char line[256];
    memset(line, 'a' + (int)(sequence % 26), sizeof line);
    frame_put(bytes, sequence, line, size);
}

static void build(const uint8_t *data, size_t size)
{
    struct cursor at = cursor_make(data, size);
    struct buffer bytes = {0};
    uint64_t first = 1, last = 0;
    unsigned segments = 1;
    while (cursor_left(&at) > 0 && segments < SEGMENTS) {
        unsigned what = cursor_u8(&at) % 6, value = cursor_u8(&at);
        if (what == 0) {
            last += cursor_u8(&at) % 4;
            put_frame(&bytes, last, value);
        } else if (what == 1) {
            size_t taken = value < cursor_left(&at) ? value : cursor_left(&at);
            buffer_put(&bytes, cursor_take(&at, taken), taken);
        } else if (what == 2 || what == 3) {
            put_segment(first, &bytes);
            last += value % 4;
            first = last + 1;
            segments++;
            if (what == 2)
                segment_head_put(&bytes, first, (int64_t)last);
        } else if (what == 4) {
            bytes.size -= value < bytes.size ? value : bytes.size;
        } else {
            put_mark(value);
        }
    }
    put_segment(first, &bytes);
    buffer_fini(&bytes);
}

/* --- what must hold --------------------------------------------------------------------------- */

static uint64_t read_all(uint64_t after, uint64_t until)
{
    struct journal_reader *reader = journal_reader_open(folder, after, NULL);
    const char *line;
    uint64_t last = after, sequence;
    size_t length, said = 0;
    if (!reader)
        abort();
    for (int result;
         (result = journal_reader_next(reader, until, &line, &length, &sequence, NULL)) != 0;) {
        if (result < 0) {
            if (++said > 100000)
                abort(); /* never ends */
            continue;
        }
        if (sequence <= last || sequence > until || (length && !memchr(line, line[0], length)))
            abort();
        last = sequence;
    }
    journal_reader_close(reader);
    return last;
}

static void write_one(void)
{
    struct journal *writer = journal_open(folder, NULL, NULL);
    if (!writer) /* a later version's segment */
        return;
    uint64_t before = journal_last(writer);
    if (journal_durable(writer) != before || journal_append(writer, "{}", 2, NULL) != before + 1 ||
        journal_sync(writer, NULL) != 0)
        abort();
    journal_close(writer);
    if (read_all(before, UINT64_MAX) != before + 1)
        abort();
    read_all(0, UINT64_MAX);
    writer = journal_open(folder, NULL, NULL); /* and it is one that can be gone on with */
    if (!writer || journal_last(writer) != before + 1)
        abort();
    journal_close(writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!*folder)
        make_folder();
    clear();
    build(data, size);
    read_all(0, UINT64_MAX);
    read_all(3, UINT64_MAX);
    read_all(0, 7);
    write_one();
    return 0;
}
