/* One line of Zeek's dns.log, http.log, quic.log or ssl.log, tab-separated or JSON. Private to the
 * capture room. Pure. */
#ifndef WEIR_SENSOR_CAPTURE_ZEEK_NOTES_H
#define WEIR_SENSOR_CAPTURE_ZEEK_NOTES_H

#include "log_note.h"
#include "weir/capture/source.h"
#include "zeek_line.h"

#define ZEEK_LIST 64u /* members of a list that are looked at */

/* What the lines that begin with '#' said. */
struct zeek_notes_header {
    struct zeek_header common;    /* separators, and what is unset */
    uint8_t column[ZEEK_COLUMNS]; /* as of common, of the fields of these logs */
    size_t columns;
    char set_separator;
    enum log_kind kind; /* #path says so; LOG_NONE: not said, LOG_OTHER: none that is read */
};

void zeek_notes_header_init(struct zeek_notes_header *header);
void zeek_notes_header_take(struct zeek_notes_header *header, const char *line, size_t size);
/* Which log a line of JSON is of, by the members that only that one has; LOG_NONE: of none. */
enum log_kind zeek_notes_kind(const char *line, size_t size);
/* A line of values of a log of `kind`. `note`: room for two; *count: how many it makes. */
enum log_result zeek_notes_line(const struct zeek_notes_header *header, enum log_kind kind,
                                const char *line, size_t size, struct log_note *note,
                                size_t *count);

#endif
