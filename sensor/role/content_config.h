/* What the content room is told of the configuration. For the files of this room only. */
#ifndef WEIR_SENSOR_ROLE_CONTENT_CONFIG_H
#define WEIR_SENSOR_ROLE_CONTENT_CONFIG_H

#include "weir/config/config.h"
#include "weir/content/content.h"

/* Its patterns stand in `room` and are the configuration's. */
struct content_config role_content_config(const struct config *config, const struct hash_key *key,
                                          struct content_pattern room[CONFIG_PATTERNS]);

#endif
