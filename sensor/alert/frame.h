/* One frame of the journal, as bytes:
 *
 *   FF 57 4A 01 | size u32 | sequence u64 | XXH3 of the payload, seeded with the sequence u64 |
 * payload
 *
 * little-endian. The first byte never occurs in a JSON line, so a frame cannot be forged by what an
 * alert quotes. */
#ifndef SENSOR_ALERT_FRAME_H
#define SENSOR_ALERT_FRAME_H

#include "weir/alert/journal.h"
#include "weir/base/buffer.h"

#include <stdint.h>
#include <sys/types.h>

#define FRAME_HEADER   24u
#define FRAME_LINE_MAX JOURNAL_LINE_MAX

enum frame_result {
    FRAME_OK,
    FRAME_END,   /* nothing begins here: the end of the file */
    FRAME_SHORT, /* the file ends inside it */
    FRAME_BAD,   /* not a frame, or its hash does not match */
    FRAME_ERROR, /* the file cannot be read: errno */
};

struct frame {
    uint64_t sequence;
    off_t at, next;     /* where it begins, where the one after it would */
    struct buffer line; /* the payload; reused from frame to frame */
};

void frame_put(struct buffer *out, uint64_t sequence, const void *line, size_t size);
enum frame_result frame_read(int fd, off_t at, struct frame *frame);
/* The first good frame at `from` or after it with a sequence number above `above`: FRAME_OK, or
 * FRAME_END when there is none. */
enum frame_result frame_search(int fd, off_t from, uint64_t above, struct frame *frame);

#endif
