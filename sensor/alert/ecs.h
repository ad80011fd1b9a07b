/* The rows of the format table. */
#ifndef SENSOR_ALERT_ECS_H
#define SENSOR_ALERT_ECS_H

#include "weir/alert/alert.h"

extern const struct alert_format alert_format_ecs;

#endif
