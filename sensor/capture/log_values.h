/* Values that logs of several makers write in the same way. Private to the capture room. Pure. */
#ifndef WEIR_SENSOR_CAPTURE_LOG_VALUES_H
#define WEIR_SENSOR_CAPTURE_LOG_VALUES_H

#include "connection.h"
#include "zeek_line.h"

#define LOG_SECONDS_MAX INT64_C(4400000000) /* the year 2109, as for captures */

/* "2020-06-05T14:39:59.305988Z", with "+0100", "+01:00" or no zone (UTC), 'T' or a space. */
bool log_time(struct zeek_span span, int64_t *ns);
/* A hash, never 0; 0 of an unset one. */
uint64_t log_uid(struct zeek_span span);
/* \xHH and \\ as Zeek writes them; returns bytes, at most `room`. */
size_t log_zeek_unescape(const char *at, size_t size, char *to, size_t room);
/* A name of DNS as struct dns_message has it; returns the bytes of the text that are cut off. */
uint8_t log_name(const char *at, size_t size, char text[RECORD_NAME_MAX + 1]);
/* A server's name: in lower case, without port and last dot; "" when it cannot be one. */
void log_host(const char *at, size_t size, char text[RECORD_NAME_MAX + 1]);
/* Printable ASCII as it stands, else "". */
void log_text(const char *at, size_t size, char text[RECORD_NAME_MAX + 1]);
bool log_md5(struct zeek_span span, uint8_t md5[16]);
/* What `ip_bytes` and `packets` of a side leave for payload; see log_values.c. */
void log_bound_payload(const struct flow_key *key, struct connection_side *side);

#endif
