/* One line of Suricata's eve.json. Private to the capture room. Pure. */
#ifndef WEIR_SENSOR_CAPTURE_EVE_H
#define WEIR_SENSOR_CAPTURE_EVE_H

#include "connection.h"
#include "log_note.h"
#include "log_values.h"

/* Whether a line of JSON is an event of it. */
bool eve_recognise(const char *line, size_t size);
/* A flow is a connection (*any), tls, quic, http and dns events are notes; `note`: room for
 * LOG_NOTES. Other events are neither, and right. */
enum log_result eve_line(const char *line, size_t size, struct connection *connection, bool *any,
                         struct log_note *note, size_t *count);

#endif
