/* See metrics_put.h. Thread: any (pure). */
#include "metrics_put.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

const char metrics_counter[] = "counter", metrics_gauge_type[] = "gauge";

void metrics_family(struct buffer *out, const char *name, const char *type, const char *help)
{
    buffer_text(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* In a label's value the backslash, the quote and the line's end are escaped. */
void metrics_label(struct buffer *out, const char *before, const char *name, const char *value)
{
    buffer_text(out, "%s%s=\"", before, name);
    for (const char *at = value ? value : ""; *at; at++)
        if (*at == '\n')
            buffer_text(out, "\\n");
        else
            buffer_text(out, "%s%c", *at == '\\' || *at == '"' ? "\\" : "", *at);
    buffer_u8(out, '"');
}

void metrics_real(struct buffer *out, double value)
{
    if (isinf(value))
        buffer_text(out, value > 0 ? " +Inf\n" : " -Inf\n");
    else
        buffer_text(out, " %.17g\n", value);
}

void metrics_whole(struct buffer *out, uint64_t value)
{
    buffer_text(out, " %" PRIu64 "\n", value);
}

/* One family, one sample, no labels; none when it is not known. */
void metrics_gauge(struct buffer *out, const char *name, const char *help, double value)
{
    if (isnan(value))
        return;
    metrics_family(out, name, metrics_gauge_type, help);
    buffer_text(out, "%s", name);
    metrics_real(out, value);
}

void metrics_fields(struct buffer *out, const struct metrics_row *field, size_t fields,
                    const struct metrics_elements *of)
{
    for (size_t i = 0; of->count > 0 && i < fields; i++) {
        metrics_family(out, field[i].name, field[i].type, field[i].help);
        for (size_t k = 0; k < of->count; k++) {
            const uint8_t *element = (const uint8_t *)of->first + k * of->size;
            uint64_t value;
            memcpy(&value, element + field[i].at, sizeof value);
            buffer_text(out, "%s", field[i].name);
            if (of->put_labels)
                of->put_labels(out, element, k);
            metrics_whole(out, value);
        }
    }
}
