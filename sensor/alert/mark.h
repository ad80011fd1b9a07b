/* How far the journal is synced, for readers in any process: state_dir/journal/durable,
 *
 *   FF 57 4A 44 | version u32 | sequence u64 | XXH3 of what stands before u64
 *
 * little-endian, written over in place after each sync, and read whole: the hash tells a reader
 * that it looked while it was being written. Read and written, not mapped: a mapping of a file
 * that the disk has no room for, or that somebody cuts short, ends the process that touches it. */
#ifndef SENSOR_ALERT_MARK_H
#define SENSOR_ALERT_MARK_H

#include <stdbool.h>
#include <stdint.h>

extern const char mark_name[]; /* in the journal's folder */

bool mark_read(int fd, uint64_t *sequence); /* false: there is none, or it makes no sense */
int mark_write(int fd, uint64_t sequence);  /* −1: errno */

#endif
