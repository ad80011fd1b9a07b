/* What a running sensor saw to pass between zones (docs/api.md). */
#ifndef WEIR_SENSOR_ROLE_ZONES_API_H
#define WEIR_SENSOR_ROLE_ZONES_API_H

#include "weir/bus/api.h"
#include "weir/engine/engine.h"

void zones_api_conduits(const struct engine *engine, struct api_reply *reply);
/* "unkept" and "conduits", into an open object. */
void zones_api_put_conduits(struct json *json, const struct engine *engine);

#endif
