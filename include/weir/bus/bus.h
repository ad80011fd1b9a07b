/* The alert bus is a log: alerts are in the journal and synced (publisher.h) before a sink sees
 * them; each sink is a reader with a saved place of its own, so a slow, full or dead sink neither
 * blocks the others nor loses an alert. A sink is one file and one row (sink.h). Live, the bus is
 * in the courier's process; in a replay and with --workers 0 in the engine's. Thread: the loop's.
 */
#ifndef WEIR_BUS_BUS_H
#define WEIR_BUS_BUS_H

#include "weir/base/loop.h"
#include "weir/bus/sink.h"

#include <stdbool.h>

#define BUS_SINKS 18 /* 16 of a configuration, two of the command line */

enum bus_state {
    BUS_IDLE,    /* it has everything */
    BUS_BUSY,    /* it is being told */
    BUS_WAITING, /* it failed, and is tried again */
    BUS_DEAD,    /* it is not tried again before a reload */
    BUS_STATES
};
extern const char *const bus_state_name[BUS_STATES];

struct bus_status { /* one per sink */
    const char *name, *type;
    const char *path; /* where it is, for those that have a `path`; else NULL */
    enum bus_state state;
    uint64_t delivered;          /* lines the other end has, those refused apart */
    uint64_t refused;            /* that it will never take: in the dead letters */
    uint64_t lost_letters;       /* of those, what could not be written there */
    uint64_t filtered, silenced; /* that were not for it, or covered by a silence */
    uint64_t failures, retries;
    uint64_t failures_in_a_row; /* since anything was taken */
    uint64_t damaged;           /* places where the journal could not be read */
    uint64_t behind;            /* lines between its place and the journal's end */
    int64_t oldest_s;           /* since when the first of them was read */
    bool dead;                  /* BUS_DEAD */
    char last_error[200];
};

struct bus_config {
    const char *folder;                /* of the journal; places are saved beside it */
    const char *sensor;                /* sensor.name */
    const struct sink_settings *sinks; /* names differ; what they own outlives the bus */
    size_t count;                      /* at most BUS_SINKS */
    /* In the place of inside addresses, for all but what -o names ("+output"). NULL: none. */
    const struct pseudonyms *pseudonyms;
    /* It was open before: a sink that cannot be opened now is tried again, and the others go on. */
    bool again;
    const struct sink_row *const *rows; /* NULL: sink_rows */
};

struct bus;
/* A sink's place is kept by its name, as sink-NAME.position in the folder. One without a place
 * begins at the journal's end (settings: from_start), and that is its place at once. */
struct bus *bus_new(struct loop_ref loop, const struct bus_config *config, struct error *error);
void bus_free(struct bus *bus);
/* The last sequence number that all of these sinks were told, by their saved places, whatever
 * process has them: what the journal may forget. One without a place is not waited for; one whose
 * place cannot be read was told nothing. */
uint64_t bus_told(const char *folder, const struct sink_settings *sinks, size_t count);
/* There may be more that is durable: the sinks are fed on the loop's next turn. */
void bus_wake(struct bus *bus);
/* Delivers everything durable that can be delivered now, without waiting for anybody. */
void bus_flush(struct bus *bus);
/* How far the journal is synced, as its readers see it. */
uint64_t bus_durable(const struct bus *bus);
size_t bus_status(const struct bus *bus, struct bus_status *status, size_t room);

#endif
