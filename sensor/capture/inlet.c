/* Bytes on their way from a descriptor to whoever parses them.
 *
 *   read_some   what the descriptor gives: pread of a regular file (processes that share an open
 *               file do not disturb each other), read of anything else; an idle pipe is waited for
 *               so that the wait can be given up; a file that is followed is looked at again
 *   take_raw    every byte of the file is hashed and counted here, as it lies
 *   inlet_read what compression leaves of it
 *
 * A file that is followed has no end but being stopped; one that became shorter than what was read
 * is damaged. Which of four compressions it is, its first bytes say. Thread: the capture thread
 * (opening: whoever starts it). */
#include "inlet.h"

#include "brake.h"
#include "weir/base/buffer.h"
#include "weir/base/inflate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLLOW_MS 200

struct inlet {
    const char *path;
    int fd;
    bool regular, follow, stopped, ended, unreadable;
    off_t at; /* in a regular file */
    struct brake *brake;
    struct sha256 *sha; /* NULL: no digest */
    uint64_t bytes_read, size;
    void (*idle)(void *context);
    void *idle_context;
    uint8_t *raw; /* raw_room bytes: read, not yet used */
    size_t raw_room, raw_at, raw_end;
    struct inflate *inflate;  /* NULL: not compressed */
    uint8_t head[INLET_HEAD]; /* shown by inlet_peek, not yet given */
    size_t head_at, head_end;
    char problem[160];
};

/* --- as it lies ------------------------------------------------------------------------------ */

/* Nothing more is in a file that grows: wait. False: give up. */
static bool wait_for_growth(struct inlet *s)
{
    struct stat st;
    if (fstat(s->fd, &st) == 0 && st.st_size < s->at) {
        snprintf(s->problem, sizeof s->problem,
                 "truncated while it was followed: from %lld to %lld bytes", (long long)s->at,
                 (long long)st.st_size);
        return false;
    }
    if (s->idle)
        s->idle(s->idle_context);
    if (s->brake && brake_wait_ms(s->brake, FOLLOW_MS))
        return true;
    s->stopped = true;
    return false;
}

static ssize_t read_some(struct inlet *s, uint8_t *to, size_t size)
{
    if (s->regular) {
        ssize_t got;
        while ((got = pread(s->fd, to, size, s->at)) == 0 && s->follow)
            if (!wait_for_growth(s))
                break;
        return got;
    }
    if (s->brake && !brake_wait_readable(s->brake, s->fd)) {
        s->stopped = true;
        return 0;
    }
    return read(s->fd, to, size);
}

static ssize_t take_raw(struct inlet *s, uint8_t *to, size_t size)
{
    ssize_t got;
    if (s->stopped || s->ended)
        return 0;
    do
        got = read_some(s, to, size);
    while (got < 0 && (errno == EINTR || errno == EAGAIN));
    if (s->brake)
        meter_turn(s->brake->meter);
    s->ended = got <= 0;
    s->unreadable = got < 0;
    if (got < 0)
        snprintf(s->problem, sizeof s->problem, "%s", strerror(errno));
    if (got <= 0)
        return *s->problem ? -1 : 0;
    if (s->sha)
        sha256_put(s->sha, to, (size_t)got);
    s->bytes_read += (uint64_t)got;
    s->at += got;
    return got;
}

/* One read more into `raw`, which is used up. */
static ssize_t fill_raw(struct inlet *s)
{
    ssize_t got = take_raw(s, s->raw, s->raw_room);
    s->raw_at = 0;
    s->raw_end = got > 0 ? (size_t)got : 0;
    return got;
}

/* --- what it holds --------------------------------------------------------------------------- */

static ssize_t read_plain(struct inlet *s, uint8_t *to, size_t size)
{
    size_t left = s->raw_end - s->raw_at;
    if (left == 0)
        return take_raw(s, to, size);
    size_t count = left < size ? left : size;
    memcpy(to, s->raw + s->raw_at, count);
    s->raw_at += count;
    return (ssize_t)count;
}

static void tell_inflate(struct inlet *s, enum inflate_result result)
{
    const char *name = inflate_name(s->inflate);
    if (result == INFLATE_TOO_LARGE)
        snprintf(s->problem, sizeof s->problem, "%s data that needs more than %u MiB to unpack",
                 name, INFLATE_WINDOW_BYTES >> 20);
    else
        snprintf(s->problem, sizeof s->problem, "%s data damaged before byte %llu", name,
                 (unsigned long long)(s->bytes_read - (s->raw_end - s->raw_at)));
}

static ssize_t read_packed(struct inlet *s, uint8_t *to, size_t size)
{
    struct inflate_step step = {.out = to, .out_size = size};
    while (step.out_size == size) {
        if (s->raw_at == s->raw_end) {
            ssize_t got = fill_raw(s);
            if (got < 0)
                return -1;
            if (got == 0 && !s->stopped && !inflate_is_complete(s->inflate))
                snprintf(s->problem, sizeof s->problem, "%s data ends early, after %llu bytes",
                         inflate_name(s->inflate), (unsigned long long)s->bytes_read);
            if (got == 0)
                return *s->problem ? -1 : 0;
        }
        step.in = s->raw + s->raw_at;
        step.in_size = s->raw_end - s->raw_at;
        enum inflate_result result = inflate_go_on(s->inflate, &step);
        s->raw_at = s->raw_end - step.in_size;
        if (result == INFLATE_OK)
            continue;
        tell_inflate(s, result);
        break; /* what came before is given first */
    }
    return step.out_size < size ? (ssize_t)(size - step.out_size) : -1;
}

static ssize_t read_content(struct inlet *s, uint8_t *to, size_t size)
{
    if (*s->problem)
        return -1;
    return s->inflate ? read_packed(s, to, size) : read_plain(s, to, size);
}

ssize_t inlet_read(struct inlet *s, void *to, size_t size)
{
    size_t left = s->head_end - s->head_at;
    if (left == 0 || size == 0)
        return read_content(s, to, size);
    size_t count = left < size ? left : size;
    memcpy(to, s->head + s->head_at, count);
    s->head_at += count;
    return (ssize_t)count;
}

size_t inlet_peek(struct inlet *s, const uint8_t **head)
{
    ssize_t got;
    while (s->head_end < INLET_HEAD &&
           (got = read_content(s, s->head + s->head_end, INLET_HEAD - s->head_end)) > 0)
        s->head_end += (size_t)got;
    *head = s->head;
    return s->head_end;
}

/* --- opening and closing --------------------------------------------------------------------- */

static int look_at(struct inlet *s, struct error *error)
{
    struct stat st;
    if (fstat(s->fd, &st) != 0)
        return error_set(error, ERROR_INPUT, "%s: %s", s->path, strerror(errno));
    s->regular = S_ISREG(st.st_mode);
    s->follow = s->follow && s->regular;
    s->at = s->regular ? lseek(s->fd, 0, SEEK_CUR) : 0;
    if (s->at < 0)
        return error_set(error, ERROR_INPUT, "%s: %s", s->path, strerror(errno));
    if (s->regular && st.st_size > s->at)
        s->size = (uint64_t)(st.st_size - s->at);
    return 0;
}

/* Enough of it to know whether it is compressed: a pipe may give a byte at a time. */
static void recognise(struct inlet *s)
{
    ssize_t got;
    while (s->raw_end < INFLATE_MAGIC_BYTES &&
           (got = take_raw(s, s->raw + s->raw_end, s->raw_room - s->raw_end)) > 0)
        s->raw_end += (size_t)got;
    s->inflate = inflate_new(s->raw, s->raw_end);
}

struct inlet *inlet_open(const char *path, int fd, const struct source_options *options,
                         struct error *error)
{
    struct inlet *s = xcalloc(1, sizeof *s);
    s->path = path;
    s->fd = fd;
    s->follow = options->follow;
    s->brake = options->brake;
    s->idle = options->idle;
    s->idle_context = options->idle_context;
    if (look_at(s, error) != 0) {
        free(s);
        return NULL;
    }
    s->sha = options->digest ? sha256_new() : NULL;
    s->raw_room = options->buffer_bytes;
    s->raw = xcalloc(1, s->raw_room);
    recognise(s);
    return s;
}

void inlet_free(struct inlet *s)
{
    uint8_t unused[SHA256_SIZE];
    if (!s)
        return;
    if (s->sha)
        sha256_take(s->sha, unused);
    inflate_free(s->inflate);
    free(s->raw);
    free(s);
}

/* --- what is known of it --------------------------------------------------------------------- */

bool inlet_stopped(const struct inlet *s)
{
    return s->stopped;
}

const char *inlet_problem(const struct inlet *s)
{
    return *s->problem ? s->problem : NULL;
}

const char *inlet_packed(const struct inlet *s)
{
    return s->inflate ? inflate_name(s->inflate) : NULL;
}

bool inlet_is_regular(const struct inlet *s)
{
    return s->regular;
}

uint64_t inlet_bytes_read(const struct inlet *s)
{
    return s->bytes_read;
}

uint64_t inlet_size(const struct inlet *s)
{
    return s->follow ? 0 : s->size;
}

bool inlet_digest(struct inlet *s, uint8_t sha256[SHA256_SIZE])
{
    if (!s->sha)
        return false;
    s->follow = false; /* what is there now */
    while (fill_raw(s) > 0)
        ;
    sha256_take(s->sha, sha256);
    s->sha = NULL;
    bool whole = !s->stopped && !s->unreadable;
    if (!whole)
        memset(sha256, 0, SHA256_SIZE);
    return whole;
}
