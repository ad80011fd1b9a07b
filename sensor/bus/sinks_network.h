/* The rows of the sinks that go over the network. */
#ifndef SENSOR_BUS_SINKS_NETWORK_H
#define SENSOR_BUS_SINKS_NETWORK_H

#include "weir/bus/sink.h"

extern const struct sink_row sink_kafka, sink_mail, sink_syslog, sink_webhook;

#endif
