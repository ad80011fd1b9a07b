/* A log as a source: lines in, pieces of connections and notes out, in the order of time. Private
 * to the capture room. Opened by one thread, then the capture thread's. */
#ifndef WEIR_SENSOR_CAPTURE_LOG_READER_H
#define WEIR_SENSOR_CAPTURE_LOG_READER_H

#include "connection.h"
#include "log_lines.h"
#include "weir/base/error.h"
#include "weir/capture/source.h"

#define LOG_PIECE_NS   (15 * NS_PER_MIN)
#define LOG_SPREAD_NS  (100 * NS_PER_DAY) /* no further back than that from its end */
#define LOG_WINDOW     (1u << 18u)        /* connections and notes held for their order … */
#define LOG_WINDOW_FEW (1u << 15u)        /* … of each of many inputs */
#define LOG_NOTE_BYTES (32u << 20u)       /* of notes that are held; no further line is read */

struct log_reader;
/* `window`: connections held, ≥ 1. */
struct log_reader *log_reader_new(const struct log_io *io, size_t window);
void log_reader_free(struct log_reader *log);
/* Reads up to the first line that tells something: which log it is, is known then. A log of Zeek's
 * that is not read is one without a line to tell (LOG_OTHER). ERROR_INPUT: it is no log. */
int log_reader_head(struct log_reader *log, struct error *error);
/* The next piece or note (packet_raw.link is LINK_CONNECTION, LINK_NOTE), borrowed until the next
 * call. False: the end, or the reader failed. */
bool log_reader_next(struct log_reader *log, struct packet_raw *raw);
void log_reader_notes(const struct log_reader *log, struct log_notes *notes);

#endif
