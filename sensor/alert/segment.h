/* Segments of the journal: files named by the sequence number that they begin with,
 *
 *   state_dir/journal/00000000000000000001.log
 *
 * each a head and then frames (frame.h):
 *
 *   FF 57 4A 53 | version u32 | first sequence u64 | made at u64 | XXH3 of what stands before u64
 *
 * little-endian; `made at` is the wall clock in ns since 1970. A segment without a head is the one
 * file of an earlier version, which began with its first frame. */
#ifndef SENSOR_ALERT_SEGMENT_H
#define SENSOR_ALERT_SEGMENT_H

#include "weir/base/buffer.h"
#include "weir/base/error.h"

#include <stdint.h>
#include <sys/types.h>

#define SEGMENT_HEAD      32u
#define SEGMENT_VERSION   2u
#define SEGMENT_NAME_SIZE 32
#define SEGMENTS_MAX      65536u /* more than retention can leave; more files are refused */

enum segment_kind {
    SEGMENT_GOOD,    /* frames follow the head */
    SEGMENT_BARE,    /* frames from the first byte */
    SEGMENT_EMPTY,   /* not even a head arrived: nothing, half of one, or zeros */
    SEGMENT_DAMAGED, /* whether there are good frames behind is for the reader to find */
    SEGMENT_NEWER,   /* `version` is not ours to read */
    SEGMENT_ERROR,   /* errno */
};

struct segment {
    uint64_t first;   /* sequence number, by its name */
    uint32_t version; /* SEGMENT_NEWER */
    int64_t made_ns;  /* wall clock; of the file's last change when the head does not say */
    uint64_t bytes;   /* of the file */
    off_t frames;     /* where they begin */
};

extern const char segment_folder[]; /* in the state directory */

char *segment_path(const char *folder, uint64_t first); /* caller frees */
/* −1: errno. Symbolic links are not followed. */
int segment_open(const char *folder, uint64_t first, int flags);
void segment_head_put(struct buffer *out, uint64_t first, int64_t made_ns);
/* Fills all but `first`, which is given. */
enum segment_kind segment_look(int fd, struct segment *segment);
/* The first numbers of all segments in the folder, growing; caller frees. Other names are not
 * looked at. −1: errno, or E2BIG. */
int segments_list(const char *folder, uint64_t **first, size_t *count);

#endif
