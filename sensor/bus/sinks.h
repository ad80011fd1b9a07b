/* The rows of the table of sinks. */
#ifndef SENSOR_BUS_SINKS_H
#define SENSOR_BUS_SINKS_H

#include "weir/bus/bus.h"

extern const struct sink_type sink_type_file, sink_type_stdout;

const struct sink_type *sink_type_get(const char *type);

#endif
