/* The alert bus is a log: alerts are in the journal and synced (publisher.h) before a sink sees
 * them; each sink is a reader with a saved position of its own, so a slow, full or dead sink
 * neither blocks the others nor loses an alert. A sink is one file and one row. Live, it is in the
 * courier's process; in a replay and with --workers 0 in the engine's. Thread: the loop's. */
#ifndef WEIR_BUS_BUS_H
#define WEIR_BUS_BUS_H

#include "weir/alert/journal.h"
#include "weir/base/loop.h"

#include <stdbool.h>

enum sink_result {
    SINK_OK,
    SINK_AGAIN, /* not now: same line again after a back-off */
    SINK_DEAD,  /* this sink will not work again (said once); the others go on */
};

struct sink_config {
    const char *type;   /* "file" | "stdout" */
    const char *path;   /* file: where */
    const char *format; /* "ecs" */
};

struct sink; /* an opened sink, its type's own layout */
struct sink_type {
    const char *type;
    struct sink *(*open)(const struct sink_config *config, struct error *error);
    enum sink_result (*write)(struct sink *sink, const char *line, size_t size,
                              struct error *error);
    enum sink_result (*flush)(struct sink *sink, struct error *error);
    void (*close)(struct sink *sink);
};
extern const struct sink_type *const sink_types[]; /* NULL-terminated */

struct bus_status { /* one per sink */
    const char *type, *path;
    uint64_t delivered, behind, failures;
    bool dead;
    char last_error[200];
};

struct bus_config {
    const char *folder; /* of the journal, which is there; places are saved beside it */
    const char *sensor; /* sensor.name */
    const struct sink_config *sinks;
    size_t count;
    /* It was open before: a sink that cannot be opened now is dead, and the others go on. */
    bool again;
};

struct bus;
/* Positions are saved in the folder as sink-N-TYPE.position, N counting from 0. A sink without one
 * begins at the journal's end, and that is its place at once. */
struct bus *bus_new(struct loop_ref loop, const struct bus_config *config, struct error *error);
void bus_free(struct bus *bus);
/* There may be more that is durable: the sinks are fed on the loop's next turn. */
void bus_wake(struct bus *bus);
/* Delivers everything durable that can be delivered now. */
void bus_flush(struct bus *bus);
/* How far the journal was synced when it was last looked. */
uint64_t bus_durable(const struct bus *bus);
size_t bus_status(const struct bus *bus, struct bus_status *status, size_t room);

#endif
