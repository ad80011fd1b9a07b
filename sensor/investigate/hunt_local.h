/* For hunt_table.c and hunt_json.c, which show the same. */
#ifndef SENSOR_INVESTIGATE_HUNT_LOCAL_H
#define SENSOR_INVESTIGATE_HUNT_LOCAL_H

#include "weir/investigate/hunt.h"

/* A day's date: its first instant, near enough; the ordinals are the site's. */
char *hunt_day_text(int64_t day, char text[32]);
size_t hunt_verdicts(const struct hunt_result *result, enum hunt_verdict verdict); /* hosts of it */
/* Its first folder. */
const char *hunt_probe_name(const struct hunt_probe *probe);

#endif
