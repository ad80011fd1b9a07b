/* Writing Prometheus text (exposition format 0.0.4): families, samples, labels; and families that
 * are fields of a struct. Pure. */
#ifndef SENSOR_BUS_METRICS_PUT_H
#define SENSOR_BUS_METRICS_PUT_H

#include "weir/base/buffer.h"
#include "weir/bus/status.h"

#include <stddef.h>
#include <stdint.h>

extern const char metrics_counter[], metrics_gauge_type[];

/* HELP and TYPE; the samples follow. */
void metrics_family(struct buffer *out, const char *name, const char *type, const char *help);
/* before, name="value": in a label's value the backslash, the quote and the line's end are escaped.
 */
void metrics_label(struct buffer *out, const char *before, const char *name, const char *value);
/* The value and the line's end. */
void metrics_real(struct buffer *out, double value);
void metrics_whole(struct buffer *out, uint64_t value);
/* A family of one sample without labels; NAN: it is not known, and left out. */
void metrics_gauge(struct buffer *out, const char *name, const char *help, double value);

struct metrics_row {
    const char *name, *type, *help;
    size_t at; /* of a uint64_t */
};

struct metrics_elements { /* what has the fields: one struct or several alike */
    const void *first;
    size_t count, size;
    /* "{…}", NULL: no labels */
    void (*put_labels)(struct buffer *out, const void *element, size_t index);
};

/* A family a field, with a sample an element; no elements: nothing. */
void metrics_fields(struct buffer *out, const struct metrics_row *field, size_t fields,
                    const struct metrics_elements *of);

/* metrics_alerts.c: alerts and their budget. */
void metrics_alerts(struct buffer *out, const struct status *status);

#endif
