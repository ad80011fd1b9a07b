/* GET /metrics: the status for Prometheus (text exposition format 0.0.4). docs/alerts.md, Metrics,
 * lists them. Names begin with weir_ and end with their unit, counters with _total; everything a
 * label holds is escaped. Pure. Its size is bounded by what the status lists: workers, interfaces,
 * sinks, detectors. */
#ifndef WEIR_BUS_METRICS_H
#define WEIR_BUS_METRICS_H

#include "weir/bus/status.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Caller frees. */
char *metrics_text(const struct status *status);

#endif
