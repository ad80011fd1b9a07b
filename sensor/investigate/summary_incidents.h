/* The part of the summary that says what left, incident by incident. Thread: the engine's. */
#ifndef WEIR_SENSOR_INVESTIGATE_SUMMARY_INCIDENTS_H
#define WEIR_SENSOR_INVESTIGATE_SUMMARY_INCIDENTS_H

#include "weir/base/buffer.h"
#include "weir/investigate/summary.h"

void summary_put_incidents(struct buffer *buffer, const struct summary *summary);

#endif
