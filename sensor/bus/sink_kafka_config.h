/* Private to the Kafka sink: its keys, and the configuration made of them. */
#ifndef SENSOR_BUS_SINK_KAFKA_CONFIG_H
#define SENSOR_BUS_SINK_KAFKA_CONFIG_H

#include "weir/bus/sink.h"

#include <librdkafka/rdkafka.h>

#define KAFKA_QUEUE_MAX 10000u /* lines under way */

extern const struct sink_key kafka_keys[];
rd_kafka_conf_t *kafka_config_new(const struct sink_settings *settings, struct error *error);

#endif
