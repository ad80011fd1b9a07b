/* The rows of the table of sinks. */
#ifndef SENSOR_BUS_SINKS_H
#define SENSOR_BUS_SINKS_H

#include "weir/bus/sink.h"

extern const struct sink_row sink_file, sink_redis, sink_stdout, sink_unix;

#endif
