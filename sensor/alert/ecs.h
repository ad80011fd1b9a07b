/* What every record of ours begins and signs with. */
#ifndef SENSOR_ALERT_ECS_H
#define SENSOR_ALERT_ECS_H

#include "weir/alert/alert.h"

/* "{", @timestamp and ecs.version; the caller closes. */
void ecs_open(struct json *json, struct ptime time);
void ecs_observer(struct json *json, const char *sensor);

#endif
