/* One sink's way: a reader of the journal, its filter and format, what is under way, its trouble
 * and its saved place. The bus gives it turns. */
#ifndef SENSOR_BUS_OUTLET_H
#define SENSOR_BUS_OUTLET_H

#include "weir/bus/bus.h"

struct outlet_config {
    struct loop_ref loop;
    const char *folder, *sensor;
    const struct sink_settings *settings;
    const struct sink_row *row;
    const struct pseudonyms *pseudonyms; /* NULL: none; borrowed */
    bool again;
    void (*ask)(void *context); /* for a turn */
    void *context;
};

struct outlet;
struct outlet *outlet_new(const struct outlet_config *config, struct error *error);
/* Its place is saved. */
void outlet_free(struct outlet *outlet);
/* At most a batch of lines. True: there may be more at once. */
bool outlet_feed(struct outlet *outlet);
/* Each second: its deadline, its place. */
void outlet_tick(struct outlet *outlet);
void outlet_status(const struct outlet *outlet, struct bus_status *status);
uint64_t outlet_durable(const struct outlet *outlet);

/* outlet_place.c: "FOLDER/sink-NAME.position"; caller frees. */
char *outlet_place_path(const char *folder, const char *name);

#endif
