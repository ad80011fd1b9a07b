/* One line of a Zeek conn.log, tab-separated or JSON. Private to the capture room. Pure. */
#ifndef WEIR_SENSOR_CAPTURE_ZEEK_LINE_H
#define WEIR_SENSOR_CAPTURE_ZEEK_LINE_H

#include "log_values.h"

enum zeek_field {
    ZEEK_TS,
    ZEEK_ORIG_IP,
    ZEEK_ORIG_PORT,
    ZEEK_RESP_IP,
    ZEEK_RESP_PORT,
    ZEEK_PROTO,
    ZEEK_SERVICE,
    ZEEK_DURATION,
    ZEEK_ORIG_BYTES,
    ZEEK_RESP_BYTES,
    ZEEK_STATE,
    ZEEK_MISSED,
    ZEEK_HISTORY,
    ZEEK_ORIG_PACKETS,
    ZEEK_ORIG_IP_BYTES,
    ZEEK_RESP_PACKETS,
    ZEEK_RESP_IP_BYTES,
    ZEEK_VLAN,
    ZEEK_IP_PROTO,
    ZEEK_UID,
    ZEEK_FIELDS
};

#define ZEEK_COLUMNS 64u /* of a line; further ones are not looked at */
#define ZEEK_WORD    16u /* what stands for "unset" or "empty"; longer ones are not believed */

/* What the lines that begin with '#' said. */
struct zeek_header {
    char separator;
    char unset[ZEEK_WORD], empty[ZEEK_WORD];
    uint8_t column[ZEEK_COLUMNS]; /* the field of this column; ZEEK_FIELDS: none that is read */
    size_t columns;               /* 0: not said yet */
    size_t needed;                /* … up to the last that is read */
    bool other;                   /* #path is not conn */
};

enum log_result zeek_connection(const struct log_span value[ZEEK_FIELDS],
                                struct connection *connection);
enum service zeek_service(struct log_span list); /* of "ssl,http" */

void zeek_header_init(struct zeek_header *header);
/* A whole line without its end. `header` takes what a '#' line says. */
enum log_result zeek_line(struct zeek_header *header, const char *line, size_t size,
                          struct connection *connection);

#endif
