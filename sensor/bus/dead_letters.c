/* Dead letters. Opened when the first one comes; a line is in the file whole or not at all
 * (half a one that a crash left, or that could not be cut off, is ended by a newline). The
 * time in them is the wall clock's: it says when the other end refused, and judges nothing. Bounds:
 * DEAD_LETTERS_BYTES and one line, twice. Thread: the bus's. */
#include "dead_letters.h"

#include "weir/base/buffer.h"
#include "weir/base/json.h"
#include "weir/base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WHY_SIZE 300 /* of the other end's words, which may be many */

void dead_letters_init(struct dead_letters *letters, const char *state_folder, const char *name)
{
    *letters = (struct dead_letters){.folder = xasprintf("%s/dead", state_folder), .fd = -1};
    letters->path = xasprintf("%s/%s.ndjson", letters->folder, name);
}

void dead_letters_fini(struct dead_letters *letters)
{
    if (letters->fd >= 0)
        close(letters->fd);
    free(letters->folder);
    free(letters->path);
    *letters = (struct dead_letters){.fd = -1};
}

static int fail(const struct dead_letters *letters, const char *what, struct error *error)
{
    return error_set(error, ERROR_RUN, "%s: %s: %s", letters->path, what, strerror(errno));
}

/* A crash, or a disk that was full. */
static bool ends_with_half(const struct dead_letters *letters)
{
    char last = '\n';
    return letters->end > 0 && pread(letters->fd, &last, 1, letters->end - 1) == 1 && last != '\n';
}

static int open_file(struct dead_letters *letters, struct error *error)
{
    struct stat st;
    if (mkdir(letters->folder, 0750) != 0 && errno != EEXIST)
        return fail(letters, "its folder cannot be made", error);
    letters->fd = open(letters->path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (letters->fd < 0 || fstat(letters->fd, &st) != 0)
        return fail(letters, "cannot be opened", error);
    letters->end = st.st_size;
    letters->ragged = ends_with_half(letters);
    return 0;
}

/* The older file goes. */
static int turn_over(struct dead_letters *letters, struct error *error)
{
    char *older = xasprintf("%s.1", letters->path);
    int failed = dead_letters_sync(letters, error) != 0;
    if (!failed && rename(letters->path, older) != 0)
        failed = fail(letters, "cannot be rotated", error) != 0;
    free(older);
    if (failed)
        return -1;
    close(letters->fd);
    letters->fd = -1;
    return open_file(letters, error);
}

/* The record is spliced in as it is: it keeps its fields' order. */
static void render(struct buffer *line, uint64_t sequence, const char *why, const char *record,
                   size_t size)
{
    char time_text[32];
    struct json *json = json_new();
    struct json_value *parsed = json_parse(record, size, NULL);
    json_open(json, NULL);
    json_uint(json, "sequence", sequence);
    json_str(json, "time", ptime_iso(ptime_now(), time_text, sizeof time_text));
    json_bytes(json, "why", why, strnlen(why, WHY_SIZE));
    if (!parsed)
        json_bytes(json, "record", record, size);
    json_close(json);
    char *text = json_take_text(json, 0);
    buffer_put(line, text, strlen(text) - (parsed ? 1 : 0)); /* without its brace */
    if (parsed) {
        buffer_text(line, ",\"record\":");
        buffer_put(line, record, size);
        buffer_text(line, "}");
    }
    buffer_text(line, "\n");
    free(text);
    json_value_free(parsed);
    json_free(json);
}

static int write_whole(struct dead_letters *letters, const struct buffer *line, struct error *error)
{
    ssize_t wrote;
    do
        wrote = write(letters->fd, line->data, line->size);
    while (wrote < 0 && errno == EINTR);
    if (wrote == (ssize_t)line->size) {
        letters->end += wrote;
        letters->unsynced = true;
        letters->ragged = false;
        return 0;
    }
    if (wrote >= 0)
        errno = ENOSPC;
    fail(letters, "cannot be written", error);
    if (wrote > 0 && ftruncate(letters->fd, letters->end) != 0) {
        letters->end += wrote; /* half a line stays; the next one begins behind a newline */
        letters->ragged = true;
    }
    return -1;
}

int dead_letters_put(struct dead_letters *letters, uint64_t sequence, const char *why,
                     const char *record, size_t size, struct error *error)
{
    struct buffer line = {0};
    if (letters->fd < 0 && open_file(letters, error) != 0)
        return -1;
    if (letters->end >= (off_t)DEAD_LETTERS_BYTES && turn_over(letters, error) != 0)
        return -1;
    if (letters->ragged)
        buffer_text(&line, "\n");
    render(&line, sequence, why, record, size);
    int failed = write_whole(letters, &line, error);
    buffer_fini(&line);
    return failed;
}

int dead_letters_sync(struct dead_letters *letters, struct error *error)
{
    if (letters->unsynced && fdatasync(letters->fd) != 0)
        return fail(letters, "cannot be synced", error);
    letters->unsynced = false;
    return 0;
}
