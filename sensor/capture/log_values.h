/* Parts of lines and what they are worth, for logs of several makers. Private to the capture room.
 * Pure. */
#ifndef WEIR_SENSOR_CAPTURE_LOG_VALUES_H
#define WEIR_SENSOR_CAPTURE_LOG_VALUES_H

#include "connection.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define LOG_SECONDS_MAX INT64_C(4400000000) /* the year 2109, as for captures */
#define LOG_VALUE_MAX   64u /* no number, time or address is longer; one that is, is no value */

enum log_result {
    LOG_OK,
    LOG_NOTHING,   /* a comment, nothing to tell */
    LOG_NO_FIELDS, /* values before #fields */
    LOG_OF_OTHER,  /* after a #path that is not conn */
    LOG_NO_JSON,
    LOG_NO_STATE,
    LOG_NO_TIME, /* ts is missing or cannot be */
    LOG_NO_ADDRESS,
    LOG_NO_PROTOCOL,
    LOG_NO_NUMBER, /* a number that is none, or is beyond belief */
    LOG_RESULTS
};
extern const char *const log_result_text[LOG_RESULTS];

/* A part of the line, borrowed; at NULL: unset. */
struct log_span {
    const char *at;
    size_t size;
};

/* Asked of each field of each line, mostly in vain: the first byte answers. */
static inline bool log_is(struct log_span span, const char *word)
{
    return span.at && (span.size == 0 || *span.at == *word) && span.size == strlen(word) &&
           memcmp(span.at, word, span.size) == 0;
}
/* The next of those with separators between; false: there is none. */
bool log_next(struct log_span *rest, char separator, struct log_span *span);
/* What is in a field. False: it cannot be; `known` false: it is unset, which is right too. */
bool log_count(struct log_span span, uint64_t *count, bool *known);
/* 0 of an unset one; false: it is none, or more than `most`. */
bool log_number(struct log_span span, uint64_t most, uint64_t *number);
/* By name or number, 255 (reserved) of another name; false: unset. */
bool log_protocol(struct log_span span, uint8_t *proto);
bool log_seconds(struct log_span span, int64_t *ns); /* of 1970, or a duration */
bool log_address(struct log_span span, struct ip *ip);
/* "2020-06-05T14:39:59.305988Z", with "+0100", "+01:00" or no zone (UTC), 'T' or a space. */
bool log_time(struct log_span span, int64_t *ns);
/* A hash, never 0; 0 of an unset one. */
uint64_t log_uid(struct log_span span);
/* \xHH and \\ as Zeek writes them; returns bytes, at most `room`. */
size_t log_zeek_unescape(const char *at, size_t size, char *to, size_t room);
/* A name of DNS as struct dns_message has it; returns the bytes of the text that are cut off. */
uint8_t log_name(const char *at, size_t size, char text[RECORD_NAME_MAX + 1]);
/* A server's name: in lower case, without port and last dot; "" when it cannot be one. */
void log_host(const char *at, size_t size, char text[RECORD_NAME_MAX + 1]);
/* Printable ASCII as it stands, else "". */
void log_text(const char *at, size_t size, char text[RECORD_NAME_MAX + 1]);
bool log_md5(struct log_span span, uint8_t md5[16]);
/* What `ip_bytes` and `packets` of a side leave for payload; see log_values.c. */
void log_bound_payload(const struct flow_key *key, struct connection_side *side);

#endif
