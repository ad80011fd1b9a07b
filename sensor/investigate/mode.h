/* How a replay judged, and what it told. For summary_*.c only. Pure. */
#ifndef WEIR_SENSOR_INVESTIGATE_MODE_H
#define WEIR_SENSOR_INVESTIGATE_MODE_H

#include "weir/base/buffer.h"
#include "weir/base/json.h"
#include "weir/investigate/summary.h"

/* Nobody asked about some only. */
bool mode_tells_all(const struct summary *summary);
void mode_text(struct buffer *b, const struct summary *summary);
void mode_json(struct json *json, const struct summary *summary);

#endif
