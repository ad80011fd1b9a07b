/* The incidents' layout, for incident.c and incident_pack.c only. */
#ifndef SENSOR_ALERT_INCIDENT_LOCAL_H
#define SENSOR_ALERT_INCIDENT_LOCAL_H

#include "ids.h"
#include "weir/alert/incident.h"
#include "weir/base/map.h"

struct slot {
    struct incident incident; /* first: what readers are shown */
    struct ptime touched;     /* packet time at which it was last heard of */
    uint64_t number;          /* grows with every (re-)opening */
    struct slot *newer, *older;
    struct slot *linked_before, *linked_after; /* linked.c */
    size_t closed_by;                          /* the rank whose number the closing alert took */
};

struct list {
    struct slot *newest, *oldest;
    size_t count;
};

struct incidents {
    int64_t gap_ns;
    void (*alert)(void *context, const struct incident *incident, const struct alert *alert);
    bool (*covered)(void *context, const struct alert *alert);
    void *context;
    const char *sensor, *ruleset, *mode;
    struct map by_story;       /* host + destination key → open slot */
    struct map by_id;          /* id → slot, closed ones too */
    struct map by_destination; /* of open ones: linked.c */
    uint64_t numbered;
    struct list open, closed;
    struct incidents_counts counts;
    struct map texts; /* that a restart brought: reasons' codes and units, by themselves */
    struct map rows;  /* … and rules that no table has, by id → struct detector */
};

struct story_name {
    struct ip host;
    char key[DESTINATION_KEY_SIZE];
};
size_t incident_name_story(const struct story *story, struct story_name *name);
void incident_list_add(struct list *list, struct slot *slot); /* as the newest */
void incident_slot_free(void *value);                         /* a struct slot */

#endif
