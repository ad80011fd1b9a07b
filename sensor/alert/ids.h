/* Names of incidents and alerts. */
#ifndef SENSOR_ALERT_IDS_H
#define SENSOR_ALERT_IDS_H

#include "weir/alert/alert.h"

/* The sensor's own stories have no host (the unspecified address, which no packet is judged by). */
bool story_is_sensor(const struct story *story);
/* "client|domain|example.jp", "" for the whole host, "sensor" for what the sensor lost,
 * "sensor:vlan 20" for what it does not see. */
char *story_key(const struct story *story, char key[DESTINATION_KEY_SIZE]);
void alert_id(const char *incident, const char *detector, uint32_t raise, char id[ALERT_ID_SIZE]);
void heartbeat_id(const char *sensor, struct ptime time, char id[ALERT_ID_SIZE]);

#endif
