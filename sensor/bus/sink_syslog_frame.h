/* A line of the journal as an RFC 5424 message. Pure. */
#ifndef SENSOR_BUS_SINK_SYSLOG_FRAME_H
#define SENSOR_BUS_SINK_SYSLOG_FRAME_H

#include "weir/base/buffer.h"
#include "weir/bus/sink.h"

struct syslog_frame {
    int facility;         /* 0 to 23 */
    const char *hostname; /* when the record names no observer */
    const char *data_id;  /* SD-ID, "weir@32473" */
    bool marked;          /* MSG that is not ASCII begins with the byte order mark */
    size_t size_max;      /* of the message; a longer one is cut and says so */
};

/* "local0" → 16; −1: no such. */
int syslog_facility(const char *name);
extern const char *const syslog_facilities[]; /* NULL-terminated */
/* 2 (critical) to 6 (informational): see the table in docs/alerts.md. */
int syslog_severity(const struct json_value *record);
/* An SD-ID as RFC 5424 allows it for names of one's own: "name@number", at most 32 characters. */
bool syslog_data_id_ok(const char *text);
/* `out` becomes the message, without any framing. */
void syslog_frame_put(struct buffer *out, const struct syslog_frame *frame,
                      const struct sink_line *line);

#endif
