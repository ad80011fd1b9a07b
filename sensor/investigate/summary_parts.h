/* Parts of summary.json that a hunt's has, too (hunt_summary.c): its inputs and incidents are no
 * engine's. Of the summary only `input`, `input_count` and `timed` are looked at. */
#ifndef WEIR_SENSOR_INVESTIGATE_SUMMARY_PARTS_H
#define WEIR_SENSOR_INVESTIGATE_SUMMARY_PARTS_H

#include "weir/base/json.h"
#include "weir/investigate/summary.h"

void summary_put_inputs(struct json *json, const struct summary *summary);
void summary_put_gaps(struct json *json, const struct summary *summary);
void summary_put_incident(struct json *json, const struct incident *incident);

#endif
