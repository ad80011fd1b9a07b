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
#include "hasher.h"
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
    struct hasher *hasher; /* NULL: no digest */
    bool stays;            /* see inlet_stays */
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
static bool wait_for_growth(struct inlet *inlet)
{
    struct stat st;
    if (fstat(inlet->fd, &st) == 0 && st.st_size < inlet->at) {
        snprintf(inlet->problem, sizeof inlet->problem,
                 "truncated while it was followed: from %lld to %lld bytes", (long long)inlet->at,
                 (long long)st.st_size);
        return false;
    }
    if (inlet->idle)
        inlet->idle(inlet->idle_context);
    if (inlet->brake && brake_wait_ms(inlet->brake, FOLLOW_MS))
        return true;
    inlet->stopped = true;
    return false;
}

static ssize_t read_some(struct inlet *inlet, uint8_t *to, size_t size)
{
    if (inlet->regular) {
        ssize_t got;
        while ((got = pread(inlet->fd, to, size, inlet->at)) == 0 && inlet->follow)
            if (!wait_for_growth(inlet))
                break;
        return got;
    }
    if (inlet->brake && !brake_wait_readable(inlet->brake, inlet->fd)) {
        inlet->stopped = true;
        return 0;
    }
    return read(inlet->fd, to, size);
}

static ssize_t take_raw(struct inlet *inlet, uint8_t *to, size_t size)
{
    ssize_t got;
    if (inlet->stopped || inlet->ended)
        return 0;
    if (inlet->hasher)
        hasher_wait(inlet->hasher); /* `to` may be what it still hashes */
    do
        got = read_some(inlet, to, size);
    while (got < 0 && (errno == EINTR || errno == EAGAIN));
    if (inlet->brake)
        meter_turn(inlet->brake->meter);
    inlet->ended = got <= 0;
    inlet->unreadable = got < 0;
    if (got < 0)
        snprintf(inlet->problem, sizeof inlet->problem, "%s", strerror(errno));
    if (got <= 0)
        return *inlet->problem ? -1 : 0;
    if (inlet->hasher)
        hasher_put(inlet->hasher, to, (size_t)got, inlet->inflate || inlet->stays);
    inlet->bytes_read += (uint64_t)got;
    inlet->at += got;
    return got;
}

/* One read more into `raw`, which is used up. */
static ssize_t fill_raw(struct inlet *inlet)
{
    ssize_t got = take_raw(inlet, inlet->raw, inlet->raw_room);
    inlet->raw_at = 0;
    inlet->raw_end = got > 0 ? (size_t)got : 0;
    return got;
}

/* --- what it holds --------------------------------------------------------------------------- */

static ssize_t read_plain(struct inlet *inlet, uint8_t *to, size_t size)
{
    size_t left = inlet->raw_end - inlet->raw_at;
    if (left == 0)
        return take_raw(inlet, to, size);
    size_t count = left < size ? left : size;
    memcpy(to, inlet->raw + inlet->raw_at, count);
    inlet->raw_at += count;
    return (ssize_t)count;
}

static void tell_inflate(struct inlet *inlet, enum inflate_result result)
{
    const char *name = inflate_name(inlet->inflate);
    if (result == INFLATE_TOO_LARGE)
        snprintf(inlet->problem, sizeof inlet->problem,
                 "%s data that needs more than %u MiB to unpack", name, INFLATE_WINDOW_BYTES >> 20);
    else
        snprintf(inlet->problem, sizeof inlet->problem, "%s data damaged before byte %llu", name,
                 (unsigned long long)(inlet->bytes_read - (inlet->raw_end - inlet->raw_at)));
}

/* As fill_raw. An end is one only where the compressed data may end. */
static ssize_t fill_packed(struct inlet *inlet)
{
    ssize_t got = fill_raw(inlet);
    if (got != 0 || inlet->stopped || inflate_is_complete(inlet->inflate))
        return got;
    snprintf(inlet->problem, sizeof inlet->problem, "%s data ends early, after %llu bytes",
             inflate_name(inlet->inflate), (unsigned long long)inlet->bytes_read);
    return -1;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): written through `step` */
static ssize_t read_packed(struct inlet *inlet, uint8_t *to, size_t size)
{
    struct inflate_step step = {.out = to, .out_size = size};
    for (;;) { /* first without more bytes: a library may hold back what it has unpacked */
        step.in = inlet->raw + inlet->raw_at;
        step.in_size = inlet->raw_end - inlet->raw_at;
        enum inflate_result result = inflate_go_on(inlet->inflate, &step);
        inlet->raw_at = inlet->raw_end - step.in_size;
        if (result != INFLATE_OK)
            tell_inflate(inlet, result);
        if (step.out_size < size)
            return (ssize_t)(size - step.out_size);
        ssize_t got = *inlet->problem ? -1 : fill_packed(inlet);
        if (got <= 0)
            return got;
    }
}

static ssize_t read_content(struct inlet *inlet, uint8_t *to, size_t size)
{
    if (*inlet->problem)
        return -1;
    return inlet->inflate ? read_packed(inlet, to, size) : read_plain(inlet, to, size);
}

ssize_t inlet_read(struct inlet *inlet, void *to, size_t size)
{
    size_t left = inlet->head_end - inlet->head_at;
    if (left == 0 || size == 0)
        return read_content(inlet, to, size);
    size_t count = left < size ? left : size;
    memcpy(to, inlet->head + inlet->head_at, count);
    inlet->head_at += count;
    return (ssize_t)count;
}

void inlet_stays(struct inlet *inlet)
{
    inlet->stays = true;
}

size_t inlet_peek(struct inlet *inlet, const uint8_t **head)
{
    ssize_t got;
    while (inlet->head_end < INLET_HEAD && (got = read_content(inlet, inlet->head + inlet->head_end,
                                                               INLET_HEAD - inlet->head_end)) > 0)
        inlet->head_end += (size_t)got;
    *head = inlet->head;
    return inlet->head_end;
}

/* --- opening and closing --------------------------------------------------------------------- */

static int look_at(struct inlet *inlet, struct error *error)
{
    struct stat st;
    if (fstat(inlet->fd, &st) != 0)
        return error_set(error, ERROR_INPUT, "%s: %s", inlet->path, strerror(errno));
    inlet->regular = S_ISREG(st.st_mode);
    inlet->follow = inlet->follow && inlet->regular;
    inlet->at = inlet->regular ? lseek(inlet->fd, 0, SEEK_CUR) : 0;
    if (inlet->at < 0)
        return error_set(error, ERROR_INPUT, "%s: %s", inlet->path, strerror(errno));
    if (inlet->regular && st.st_size > inlet->at)
        inlet->size = (uint64_t)(st.st_size - inlet->at);
    return 0;
}

/* Enough of it to know whether it is compressed: a pipe may give a byte at a time. */
static void recognise(struct inlet *inlet)
{
    ssize_t got;
    while (inlet->raw_end < INFLATE_MAGIC_BYTES &&
           (got = take_raw(inlet, inlet->raw + inlet->raw_end, inlet->raw_room - inlet->raw_end)) >
               0)
        inlet->raw_end += (size_t)got;
    inlet->inflate = inflate_new(inlet->raw, inlet->raw_end);
}

struct inlet *inlet_open(const char *path, int fd, const struct source_options *options,
                         struct error *error)
{
    struct inlet *inlet = xcalloc(1, sizeof *inlet);
    inlet->path = path;
    inlet->fd = fd;
    inlet->follow = options->follow;
    inlet->brake = options->brake;
    inlet->idle = options->idle;
    inlet->idle_context = options->idle_context;
    if (look_at(inlet, error) != 0) {
        free(inlet);
        return NULL;
    }
    inlet->hasher = options->digest ? hasher_new(options->digest_aside) : NULL;
    inlet->raw_room = options->buffer_bytes;
    inlet->raw = xcalloc(1, inlet->raw_room);
    recognise(inlet);
    return inlet;
}

void inlet_free(struct inlet *inlet)
{
    uint8_t unused[SHA256_SIZE];
    if (!inlet)
        return;
    if (inlet->hasher)
        hasher_take(inlet->hasher, unused);
    inflate_free(inlet->inflate);
    free(inlet->raw);
    free(inlet);
}

/* --- what is known of it --------------------------------------------------------------------- */

bool inlet_stopped(const struct inlet *inlet)
{
    return inlet->stopped;
}

const char *inlet_problem(const struct inlet *inlet)
{
    return *inlet->problem ? inlet->problem : NULL;
}

const char *inlet_packed(const struct inlet *inlet)
{
    return inlet->inflate ? inflate_name(inlet->inflate) : NULL;
}

uint64_t inlet_aside(const struct inlet *inlet)
{
    return inlet->hasher ? hasher_aside(inlet->hasher) : 0;
}

bool inlet_is_regular(const struct inlet *inlet)
{
    return inlet->regular;
}

uint64_t inlet_bytes_read(const struct inlet *inlet)
{
    return inlet->bytes_read;
}

uint64_t inlet_size(const struct inlet *inlet)
{
    return inlet->follow ? 0 : inlet->size;
}

bool inlet_digest(struct inlet *inlet, uint8_t sha256[SHA256_SIZE])
{
    if (!inlet->hasher)
        return false;
    inlet->follow = false; /* what is there now */
    while (fill_raw(inlet) > 0)
        ;
    hasher_take(inlet->hasher, sha256);
    inlet->hasher = NULL;
    bool whole = !inlet->stopped && !inlet->unreadable;
    if (!whole)
        memset(sha256, 0, SHA256_SIZE);
    return whole;
}
