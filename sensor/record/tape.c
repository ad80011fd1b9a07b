/* See weir/record/tape.h. The file: one packed record (tape_pack.h) after the other. Thread:
 * whoever calls. */
#include "weir/record/tape.h"

#include "tape_pack.h"
#include "weir/base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)256 << 10)

struct tape {
    int fd;
    bool given_up, stopped;
    uint64_t most_bytes;
    uint64_t bytes; /* put, what waits in the buffer too */
    uint64_t taken; /* of the file into the buffer, once it is read */
    uint8_t *buffer;
    size_t at, size; /* writing: [0, size) waits; reading: [at, size) is still to be taken */
    struct tape_packer packer;
};

static uint64_t free_bytes(int fd)
{
    struct statvfs disk;
    return fstatvfs(fd, &disk) == 0 ? (uint64_t)disk.f_bavail * disk.f_frsize : 0;
}

struct tape *tape_new(const char *path, uint64_t most_bytes, struct error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
        return NULL;
    }
    unlink(path);
    struct tape *tape = xcalloc(1, sizeof *tape);
    uint64_t half = free_bytes(fd) / 2;
    tape->fd = fd;
    tape->most_bytes = most_bytes < half ? most_bytes : half;
    tape->buffer = xcalloc(1, BUFFER_BYTES);
    return tape;
}

void tape_free(struct tape *tape)
{
    if (!tape)
        return;
    close(tape->fd);
    free(tape->buffer);
    free(tape);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Its room is given back at once: whoever comes next may need it. */
static void give_up(struct tape *tape)
{
    tape->given_up = true;
    tape->size = 0;
    if (ftruncate(tape->fd, 0) != 0)
        return; /* the room is given back when the file is closed */
}

/* Others write to that disk, too: it takes no more than it leaves. */
static void flush(struct tape *tape)
{
    if (tape->bytes > free_bytes(tape->fd))
        give_up(tape);
    for (size_t at = 0; at < tape->size && !tape->given_up;) {
        ssize_t wrote = write(tape->fd, tape->buffer + at, tape->size - at);
        if (wrote <= 0 && errno != EINTR)
            give_up(tape);
        at += wrote > 0 ? (size_t)wrote : 0;
    }
    tape->size = 0;
}

void tape_put(struct tape *tape, const struct record_header *record, const struct tape_note *note)
{
    if (tape->given_up)
        return;
    if (note->worker >= TAPE_WORKERS || !tape_packs(record) || tape->bytes >= tape->most_bytes) {
        give_up(tape);
        return;
    }
    if (BUFFER_BYTES - tape->size < TAPE_PACKED_MOST)
        flush(tape);
    size_t size = tape_pack(&tape->packer, record, note, tape->buffer + tape->size);
    tape->size += size;
    tape->bytes += size;
}

bool tape_finish(struct tape *tape)
{
    if (!tape->given_up)
        flush(tape);
    if (tape->given_up)
        return false;
    memset(&tape->packer, 0, sizeof tape->packer);
    return true;
}

/* --- reading ---------------------------------------------------------------------------------- */

static size_t left(const struct tape *tape)
{
    return tape->size - tape->at;
}

/* What is left of the buffer goes to its front, and the file's next bytes behind it. */
static int refill(struct tape *tape, struct error *error)
{
    memmove(tape->buffer, tape->buffer + tape->at, left(tape));
    tape->size = left(tape);
    tape->at = 0;
    while (tape->size < BUFFER_BYTES && tape->taken < tape->bytes) {
        ssize_t got = pread(tape->fd, tape->buffer + tape->size, BUFFER_BYTES - tape->size,
                            (off_t)tape->taken);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set(error, ERROR_RUN, "the records of the first reading: %s",
                             got < 0 ? strerror(errno) : "they end too early");
        tape->size += (size_t)got;
        tape->taken += (uint64_t)got;
    }
    return 0;
}

const struct record_header *tape_next(struct tape *tape, struct tape_note *note,
                                      struct error *error)
{
    if (tape->stopped)
        return NULL;
    if (left(tape) < TAPE_PACKED_MOST && tape->taken < tape->bytes && refill(tape, error) != 0)
        return NULL;
    if (left(tape) == 0)
        return NULL;
    const struct record_header *record;
    size_t size = tape_unpack(&tape->packer, tape->buffer + tape->at, left(tape), &record, note);
    tape->at += size;
    if (size > 0)
        return record;
    error_set(error, ERROR_RUN, "the records of the first reading: what is there is none");
    return NULL;
}

void tape_stop(struct tape *tape)
{
    tape->stopped = true;
}

struct tape_progress tape_progress_of(const struct tape *tape)
{
    return (struct tape_progress){tape->taken - left(tape), tape->bytes};
}
