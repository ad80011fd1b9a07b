/* A log as a source: lines in, pieces of connections and notes out, in the order of time. Private
 * to the capture room. Opened by one thread, then the capture thread's. */
#ifndef WEIR_SENSOR_CAPTURE_ZEEK_LOG_H
#define WEIR_SENSOR_CAPTURE_ZEEK_LOG_H

#include "connection.h"
#include "weir/base/error.h"
#include "weir/capture/source.h"

#include <sys/types.h>

#define ZEEK_LINE_BYTES 65536u /* a longer line is not read */
#define ZEEK_PIECE_NS   (15 * NS_PER_MIN)
#define ZEEK_SPREAD_NS  (100 * NS_PER_DAY) /* no further back than that from its end */
#define ZEEK_WINDOW     (1u << 18u)        /* connections and notes held for their order … */
#define ZEEK_WINDOW_FEW (1u << 15u)        /* … of each of many inputs */
#define ZEEK_NOTE_BYTES (32u << 20u)       /* of notes that are held; no further line is read */

struct zeek_io {
    /* As read(2), without EINTR. */
    ssize_t (*read)(void *context, void *to, size_t size);
    void *context;
};

struct zeek_log;
/* `window`: connections held, ≥ 1. */
struct zeek_log *zeek_log_new(const struct zeek_io *io, size_t window);
void zeek_log_free(struct zeek_log *log);
/* Reads up to the first line that tells something: which log it is, is known then. A log of Zeek's
 * that is not read is one without a line to tell (LOG_OTHER). ERROR_INPUT: it is no log. */
int zeek_log_head(struct zeek_log *log, struct error *error);
/* The next piece or note (packet_raw.link is LINK_CONNECTION, LINK_NOTE), borrowed until the next
 * call. False: the end, or the reader failed. */
bool zeek_log_next(struct zeek_log *log, struct packet_raw *raw);
void zeek_log_notes(const struct zeek_log *log, struct log_notes *notes);
/* Whether a file's first bytes are those of a log; of a longer head, of one that is read. */
bool zeek_log_recognise(const uint8_t *head, size_t size);

#endif
