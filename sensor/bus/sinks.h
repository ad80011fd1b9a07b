/* The rows of the table of sinks. */
#ifndef SENSOR_BUS_SINKS_H
#define SENSOR_BUS_SINKS_H

#include "weir/bus/sink.h"

extern const struct sink_row sink_file, sink_kafka, sink_mail, sink_redis, sink_stdout, sink_syslog,
    sink_unix, sink_webhook;

#endif
