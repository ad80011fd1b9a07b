/* Output formats: what a line of the journal (an ECS record) looks like to others. Pure: the same
 * record gives the same bytes, for alerts, heartbeats and audit records alike. One file and one row
 * a format. Any thread. */
#ifndef WEIR_ALERT_FORMAT_H
#define WEIR_ALERT_FORMAT_H

#include "weir/base/json.h"

struct line_format {
    const char *name; /* "ecs", "eve", "ocsf", "cef", "text" */
    const char *type; /* media type */
    /* One line without newline; caller frees. `line` is the record's own text. NULL: this format
     * has no form for such a record (it is not told). */
    char *(*render)(const struct json_value *record, const char *line, size_t size);
};
extern const struct line_format *const line_formats[]; /* NULL-terminated */
const struct line_format *line_format_get(const char *name);

#endif
