/* Which logs are read: a row each. Private to the capture room. The capture thread's. */
#ifndef WEIR_SENSOR_CAPTURE_LOG_FORMATS_H
#define WEIR_SENSOR_CAPTURE_LOG_FORMATS_H

#include "connection.h"
#include "log_note.h"
#include "log_values.h"
#include "nfdump.h"
#include "weir/capture/source.h"
#include "zeek_notes.h"

#define LOG_NOTES 2u /* of a line */

struct log_taken { /* what a line says */
    struct connection connection;
    bool any; /* … there is one; it may be of a line before */
    struct log_note note[LOG_NOTES];
    size_t notes;
};

struct log_formats {
    enum log_kind kind; /* LOG_NONE: nothing has said it yet */
    struct zeek_notes_header header;
    struct nfdump *nfdump;
    struct log_taken taken; /* of the line at hand */
};

void log_formats_init(struct log_formats *formats);
void log_formats_fini(struct log_formats *formats);
/* A line without its end; what it says is in `taken`. The first that tells something settles the
 * kind. */
enum log_result log_formats_line(struct log_formats *formats, const char *line, size_t size);
/* After the last line: what waited for one more, in `taken`. False: nothing. */
bool log_formats_rest(struct log_formats *formats);
/* Before the next line: what waited and does not have to any more. False: nothing. */
bool log_formats_due(struct log_formats *formats);
/* Whether a file's first bytes are those of a log; of a longer head, of one that is read. */
bool log_recognise(const uint8_t *head, size_t size);

#endif
