/* The packets of a pcap file of the form that nearly all have: version 2.4, micro- or nanoseconds,
 * either byte order. They are borrowed from a window on the file, not copied, and those that lie in
 * it already can be looked at before their turn. Other forms are libpcap's to read. Private to the
 * capture room. Thread: one at a time. */
#ifndef WEIR_SENSOR_CAPTURE_SAVEFILE_H
#define WEIR_SENSOR_CAPTURE_SAVEFILE_H

#include "weir/capture/source.h"

#include <sys/types.h>

#define SAVEFILE_HEAD    24u
#define SAVEFILE_PROBLEM 96u
/* The year 2109: what records may carry, with room for time-outs. */
#define SAVEFILE_SECONDS INT64_C(4400000000)

enum savefile_result {
    SAVEFILE_PACKET,
    SAVEFILE_END,
    SAVEFILE_DAMAGED, /* savefile_problem says how */
};

struct savefile;
/* `read`: as inlet_read. */
struct savefile *savefile_new(ssize_t (*read)(void *context, void *to, size_t size), void *context,
                              size_t buffer_bytes);
void savefile_free(struct savefile *savefile);
/* The file's first SAVEFILE_HEAD bytes when it is of that form; else NULL: then savefile_read gives
 * all of it to somebody else. */
const uint8_t *savefile_head(struct savefile *savefile);
ssize_t savefile_read(struct savefile *savefile, void *to, size_t size);
/* Behind the head; `snapshot`: no more of a packet is taken. `stays`: from now on what was read
 * lies still until `read` is called again, for which there are two buffers. */
void savefile_begin(struct savefile *savefile, int link, uint32_t snapshot, bool stays);
/* The next packet; its bytes are borrowed until the next call. */
enum savefile_result savefile_next(struct savefile *savefile, struct packet_raw *raw);
/* The first packet that was neither given nor shown; false: it does not lie in the window yet. Of
 * `raw` only data, captured (perhaps less) and link are set; good until the next savefile_next. */
bool savefile_ahead(struct savefile *savefile, struct packet_raw *raw);
/* A packet's, held within what records may carry. */
struct ptime savefile_time(int64_t seconds, int64_t part_ns);
const char *savefile_problem(const struct savefile *savefile);

#endif
