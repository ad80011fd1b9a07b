/* One finished flow as one object of flows.ndjson. For the files of this room only. */
#ifndef WEIR_INVESTIGATE_FLOW_LINE_H
#define WEIR_INVESTIGATE_FLOW_LINE_H

#include "weir/base/json.h"
#include "weir/engine/engine.h"

/* `vantage`: VANTAGES names by number, "" where none is told; or NULL. Without newline; caller
 * frees. */
char *flow_line(struct json *json, const char *const *vantage, const struct flow_view *view);

#endif
