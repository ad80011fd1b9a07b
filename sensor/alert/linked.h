/* Open incidents of several hosts with one destination: one thief's drop, one server's clients, or
 * a service that changed. Whoever reads one of them is shown the others. */
#ifndef SENSOR_ALERT_LINKED_H
#define SENSOR_ALERT_LINKED_H

#include "incident_local.h"

void linked_add(struct incidents *incidents, struct slot *slot);    /* it is open now */
void linked_remove(struct incidents *incidents, struct slot *slot); /* it no longer is */
/* The others with the slot's destination: how many, and those that were opened first. */
void linked_fill(const struct incidents *incidents, const struct slot *slot, struct alert *alert);
void linked_restore(struct incidents *incidents); /* all open ones, after a restart */
void linked_fini(struct incidents *incidents);

#endif
