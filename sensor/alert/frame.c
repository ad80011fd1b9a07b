/* Frames of the journal: writing one, reading one, finding the next good one behind damage.
 * No state; every length is checked before it is used. Thread: whoever owns the descriptor. */
#include "frame.h"

#include "weir/base/cursor.h"
#include "weir/base/digest.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const uint8_t magic[4] = {0xff, 'W', 'J', 1};

#define SEARCH_CHUNK 65536u

void frame_put(struct buffer *out, uint64_t sequence, const void *line, size_t size)
{
    buffer_put(out, magic, sizeof magic);
    buffer_le32(out, (uint32_t)size);
    buffer_le64(out, sequence);
    buffer_le64(out, hash64(line, size, sequence));
    buffer_put(out, line, size);
}

/* Reads up to `size` bytes; fewer only at the end of the file. −1: errno. */
static ssize_t read_at(int fd, void *data, size_t size, off_t at)
{
    size_t have = 0;
    while (have < size) {
        ssize_t got = pread(fd, (uint8_t *)data + have, size - have, at + (off_t)have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

static void make_room(struct buffer *line, size_t size)
{
    if (line->room < size) {
        line->data = xrealloc(line->data, size);
        line->room = size;
    }
    line->size = size;
}

enum frame_result frame_read(int fd, off_t at, struct frame *frame)
{
    uint8_t header[FRAME_HEADER];
    ssize_t got = read_at(fd, header, sizeof header, at);
    if (got <= 0)
        return got == 0 ? FRAME_END : FRAME_ERROR;
    size_t have = (size_t)got;
    if (memcmp(header, magic, have < sizeof magic ? have : sizeof magic) != 0)
        return FRAME_BAD;
    struct cursor cursor = cursor_make(header, have);
    cursor_skip(&cursor, sizeof magic);
    uint32_t size = cursor_le32(&cursor);
    uint64_t sequence = cursor_le64(&cursor);
    uint64_t hash = cursor_le64(&cursor);
    if (size > FRAME_LINE_MAX)
        return FRAME_BAD;
    if (cursor.failed)
        return FRAME_SHORT;
    make_room(&frame->line, size);
    got = size ? read_at(fd, frame->line.data, size, at + (off_t)FRAME_HEADER) : 0;
    if (got < 0)
        return FRAME_ERROR;
    if ((size_t)got < size)
        return FRAME_SHORT;
    if (sequence == 0 || hash64(frame->line.data, size, sequence) != hash)
        return FRAME_BAD;
    frame->sequence = sequence;
    frame->at = at;
    frame->next = at + (off_t)FRAME_HEADER + (off_t)size;
    return FRAME_OK;
}

enum frame_result frame_search(int fd, off_t from, uint64_t above, struct frame *frame)
{
    uint8_t chunk[SEARCH_CHUNK];
    for (off_t at = from;;) {
        ssize_t got = read_at(fd, chunk, sizeof chunk, at);
        if (got < 0)
            return FRAME_ERROR;
        if ((size_t)got < sizeof magic)
            return FRAME_END;
        const uint8_t *end = chunk + got, *hit = chunk;
        while ((hit = memmem(hit, (size_t)(end - hit), magic, sizeof magic)) != NULL) {
            enum frame_result result = frame_read(fd, at + (hit - chunk), frame);
            if (result == FRAME_ERROR || (result == FRAME_OK && frame->sequence > above))
                return result;
            hit++;
        }
        at += got - (ssize_t)(sizeof magic - 1); /* a magic may straddle two chunks */
    }
}
