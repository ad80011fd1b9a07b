/* A line of JSON, value by value, for logs whose objects lie in one another. Private to the capture
 * room. Pure: nothing is allocated, nothing recursive. */
#ifndef WEIR_SENSOR_CAPTURE_LOG_JSON_H
#define WEIR_SENSOR_CAPTURE_LOG_JSON_H

#include "log_values.h"
#include "weir/base/cursor.h"

#define LOG_JSON_DEPTH 12u  /* objects and lists in one another; deeper ones are no line */
#define LOG_JSON_PATH  128u /* a longer path is nobody's */

enum log_json_result {
    LOG_JSON_VALUE, /* a string, number, true or false at `path`; null: its span is unset */
    LOG_JSON_ITEM,  /* an object begins that is a member of the list at `path` */
    LOG_JSON_END,   /* of the line, which was one whole object */
    LOG_JSON_WRONG  /* it is none */
};

/* Members' names with dots between: "dns.answers.rdata". A list adds nothing to the path. */
struct log_json {
    struct cursor in;
    char path[LOG_JSON_PATH];
    struct {
        char closes;      /* '}' or ']' */
        uint8_t path_end; /* of what it is in */
    } level[LOG_JSON_DEPTH];
    uint8_t depth;
    bool begun, after_value;
};

void log_json_init(struct log_json *json, const char *line, size_t size);
enum log_json_result log_json_next(struct log_json *json, struct log_span *value);
/* A string's value without its escapes, of at most `room` bytes; returns how many, longer ones are
 * cut. \u escapes become UTF-8; surrogates '?'. */
size_t log_json_unescape(struct log_span span, char *to, size_t room);

#endif
