/* A field of an ECS record by its dotted name. Pure. */
#ifndef SENSOR_BUS_RECORD_FIELD_H
#define SENSOR_BUS_RECORD_FIELD_H

#include "weir/base/buffer.h"
#include "weir/base/json.h"

#include <stdbool.h>

#define FIELD_NAME_MAX 128 /* bytes of a dotted name */

/* "event.severity"; NULL: the record has none such. */
const struct json_value *record_at(const struct json_value *record, const char *name);
/* NULL when it is not a text. */
const char *record_text(const struct json_value *record, const char *name);
int64_t record_whole(const struct json_value *record, const char *name, int64_t otherwise);
/* Appends it as people read it: texts, numbers, true and false; of a list its members, with ", "
 * between them. An object, or nothing, appends nothing: false. */
bool record_put(struct buffer *out, const struct json_value *record, const char *name);

#endif
