/* A text with {{dotted.field}} in it, filled from an ECS record. Pure. */
#ifndef SENSOR_BUS_WEBHOOK_TEMPLATE_H
#define SENSOR_BUS_WEBHOOK_TEMPLATE_H

#include "weir/base/buffer.h"
#include "weir/bus/sink.h"

#define TEMPLATE_MAX   65536u /* bytes of a template */
#define TEMPLATE_PARTS 1024u

struct webhook_template;
/* `text` is copied. NULL: the error names line and column. */
struct webhook_template *webhook_template_new(const char *text, size_t size, struct error *error);
void webhook_template_free(struct webhook_template *template);
/* Each field as a piece of a JSON string (no quotes around it); {{line}} is the line in the sink's
 * format; a field the record has not is empty. */
void webhook_template_put(struct buffer *out, const struct webhook_template *template,
                          const struct sink_line *line);
/* Whether it is a JSON document once every field is "0". */
bool webhook_template_is_json(const struct webhook_template *template, struct error *error);

#endif
