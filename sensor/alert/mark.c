/* See mark.h. No state. Thread: whoever asks. */
#include "mark.h"

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"
#include "weir/base/digest.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MARK_SIZE    24u
#define MARK_VERSION 1u
#define MARK_TRIES   8 /* each fails only when it falls into one write of 24 bytes */

const char mark_name[] = "durable";

static const uint8_t magic[4] = {0xff, 'W', 'J', 'D'};

static bool read_once(int fd, uint64_t *sequence)
{
    uint8_t bytes[MARK_SIZE];
    if (pread(fd, bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return false;
    struct cursor cursor = cursor_make(bytes, sizeof bytes);
    cursor_skip(&cursor, sizeof magic);
    uint32_t version = cursor_le32(&cursor);
    *sequence = cursor_le64(&cursor);
    return memcmp(bytes, magic, sizeof magic) == 0 && version == MARK_VERSION &&
           cursor_le64(&cursor) == hash64(bytes, MARK_SIZE - 8, 0);
}

bool mark_read(int fd, uint64_t *sequence)
{
    for (int i = 0; i < MARK_TRIES; i++)
        if (read_once(fd, sequence))
            return true;
    *sequence = 0;
    return false;
}

int mark_write(int fd, uint64_t sequence)
{
    struct buffer bytes = {0};
    ssize_t wrote;
    buffer_put(&bytes, magic, sizeof magic);
    buffer_le32(&bytes, MARK_VERSION);
    buffer_le64(&bytes, sequence);
    buffer_le64(&bytes, hash64(bytes.data, bytes.size, 0));
    do
        wrote = pwrite(fd, bytes.data, bytes.size, 0);
    while (wrote < 0 && errno == EINTR);
    buffer_fini(&bytes);
    if (wrote >= 0 && wrote != (ssize_t)MARK_SIZE)
        errno = ENOSPC;
    return wrote == (ssize_t)MARK_SIZE ? 0 : -1;
}
