/* Parts of a record as sentences: explain_text.c puts them in order. Each appends to a paragraph,
 * or nothing when the record does not say. Pure. */
#ifndef SENSOR_INVESTIGATE_EXPLAIN_WORDS_H
#define SENSOR_INVESTIGATE_EXPLAIN_WORDS_H

#include "weir/base/buffer.h"
#include "weir/base/json.h"

/* "46.0 kB", "250 addresses", "3.2 %" */
void words_amount(struct buffer *out, double value, const char *unit);
void words_traffic(struct buffer *out, const struct json_value *record);
void words_names(struct buffer *out, const struct json_value *record);
void words_services(struct buffer *out, const struct json_value *record);
void words_content(struct buffer *out, const struct json_value *record);
void words_reason(struct buffer *out, const struct json_value *reason);
void words_baseline(struct buffer *out, const struct json_value *record);
/* What was not seen, a sentence each; false: that was no matter. NULL-terminated. */
extern bool (*const words_unseen[])(struct buffer *out, const struct json_value *record);

#endif
