/* What was counted, for people: "76,112 distinct e-mail addresses (exact), 3 payment cards
 * (exact)". */
#ifndef WEIR_SENSOR_INVESTIGATE_WHAT_H
#define WEIR_SENSOR_INVESTIGATE_WHAT_H

#include "weir/base/buffer.h"
#include "weir/detect/counted.h"

/* Nothing when nothing was counted; `gaps`: some content was not seen, so there may be more. */
void what_text(struct buffer *buffer, const struct counted *counted, bool gaps);
/* Labels of each class, a line each, indented like the lines of an incident. */
void what_labels(struct buffer *buffer, const struct counted *counted);

#endif
