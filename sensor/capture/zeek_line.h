/* One line of a Zeek conn.log, tab-separated or JSON. Private to the capture room. Pure. */
#ifndef WEIR_SENSOR_CAPTURE_ZEEK_LINE_H
#define WEIR_SENSOR_CAPTURE_ZEEK_LINE_H

#include "connection.h"

#include <stdbool.h>
#include <stddef.h>

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

#define ZEEK_COLUMNS   64u /* of a line; further ones are not looked at */
#define ZEEK_WORD      16u /* what stands for "unset" or "empty"; longer ones are not believed */
#define ZEEK_VALUE_MAX 64u /* no field that is read is longer; one that is, is no value */

/* What the lines that begin with '#' said. */
struct zeek_header {
    char separator;
    char unset[ZEEK_WORD], empty[ZEEK_WORD];
    uint8_t column[ZEEK_COLUMNS]; /* the field of this column; ZEEK_FIELDS: none that is read */
    size_t columns;               /* 0: not said yet */
    bool other;                   /* #path is not conn */
};

enum zeek_result {
    ZEEK_OK,
    ZEEK_HEADER,    /* a comment, nothing to tell */
    ZEEK_NO_FIELDS, /* values before #fields */
    ZEEK_OTHER,     /* after a #path that is not conn */
    ZEEK_NO_JSON,
    ZEEK_NO_STATE,
    ZEEK_NO_TIME, /* ts is missing or cannot be */
    ZEEK_NO_ADDRESS,
    ZEEK_NO_PROTOCOL,
    ZEEK_NO_NUMBER, /* a number that is none, or is beyond belief */
    ZEEK_NO_NAME,   /* no query, server name or host that could be one */
    ZEEK_RESULTS
};
extern const char *const zeek_result_text[ZEEK_RESULTS];

/* A part of the line, borrowed; at NULL: unset. */
struct zeek_span {
    const char *at;
    size_t size;
};

bool zeek_is(struct zeek_span span, const char *word);
/* The next of those with separators between; false: there is none. */
bool zeek_next(struct zeek_span *rest, char separator, struct zeek_span *span);
enum zeek_result zeek_connection(const struct zeek_span value[ZEEK_FIELDS],
                                 struct connection *connection);
/* What is in a field. False: it cannot be; `known` false: it is unset, which is right too. */
bool zeek_count(struct zeek_span span, uint64_t *count, bool *known);
bool zeek_seconds(struct zeek_span span, int64_t *ns); /* of 1970, or a duration */
bool zeek_address(struct zeek_span span, struct ip *ip);
enum service zeek_service(struct zeek_span list); /* of "ssl,http" */

void zeek_header_init(struct zeek_header *header);
/* A whole line without its end. `header` takes what a '#' line says. */
enum zeek_result zeek_line(struct zeek_header *header, const char *line, size_t size,
                           struct connection *connection);

#endif
