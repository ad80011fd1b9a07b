/* The alert bus is a log: alerts are in the journal and synced before a sink sees them; each sink
 * is a reader with a saved position of its own, so a slow, full or dead sink neither blocks the
 * others nor loses an alert. A sink is one file and one row. Engine thread, on the loop. */
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

struct bus;
/* Positions are saved in `folder` (the state directory) as sink-N-TYPE.position, N counting from 0.
 */
struct bus *bus_new(struct loop_ref loop, const char *folder, const struct sink_config *sinks,
                    size_t count, struct error *error);
void bus_free(struct bus *bus);
/* Appends one ECS line to the journal. The journal is synced and the sinks are fed before the loop
 * sleeps again (group commit), or at once by bus_flush. −1: the disk is full or gone; the line is
 * not lost silently: the caller says so and decides. */
int bus_publish(struct bus *bus, const char *line, size_t size, struct error *error);
/* Syncs and delivers everything that can be delivered now. −1 when the journal could not be synced.
 */
int bus_flush(struct bus *bus, struct error *error);
/* The journal's last sequence number, and every line after one: what a restarted engine told
 * already. −1 when the journal cannot be read; damage in it is skipped, and said. */
uint64_t bus_last(const struct bus *bus);
int bus_each_since(const struct bus *bus, uint64_t after,
                   void (*each)(void *context, const char *line, size_t size), void *context,
                   struct error *error);
size_t bus_status(const struct bus *bus, struct bus_status *status, size_t room);

#endif
