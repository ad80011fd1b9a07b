/* The alert bus: the reading half.
 *
 *   journal (durable) → an outlet a sink: filter → format → window → sink → place
 *
 * Outlets know nothing of each other. A turn feeds each of them at most a batch and asks for
 * another turn, so that a long backlog does not hold up the loop; trouble, back-off and places are
 * the outlet's own (outlet.c). Thread: the loop's. */
#include "weir/bus/bus.h"

#include "outlet.h"
#include "weir/base/buffer.h"
#include "weir/base/time.h"
#include "weir/bus/event_loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *const bus_state_name[BUS_STATES] = {"idle", "busy", "waiting", "dead"};

struct bus {
    struct loop_ref loop;
    struct outlet *outlet[BUS_SINKS];
    size_t count;
    bool turn_asked;
    struct loop_watch *tick;
};

/* --- turns ------------------------------------------------------------------------------------ */

static bool feed_all(struct bus *bus)
{
    bool more = false;
    for (size_t i = 0; i < bus->count; i++)
        more |= outlet_feed(bus->outlet[i]);
    return more;
}

static void on_turn(void *context)
{
    struct bus *bus = context;
    bus->turn_asked = false;
    if (feed_all(bus))
        bus_wake(bus);
}

void bus_wake(struct bus *bus)
{
    if (bus->turn_asked)
        return;
    bus->turn_asked = true;
    event_loop_soon(bus->loop, on_turn, bus);
}

void bus_flush(struct bus *bus)
{
    while (feed_all(bus))
        ;
}

static void on_ask(void *context)
{
    bus_wake(context);
}

static void on_tick(void *context)
{
    const struct bus *bus = context;
    for (size_t i = 0; i < bus->count; i++)
        outlet_tick(bus->outlet[i]);
}

/* --- opening and closing ---------------------------------------------------------------------- */

static const struct sink_row *find_row(const struct bus_config *config, const char *type)
{
    for (const struct sink_row *const *row = config->rows; row && *row; row++)
        if (strcmp((*row)->type, type) == 0)
            return *row;
    return config->rows ? NULL : sink_row_get(type);
}

static int open_outlet(struct bus *bus, const struct bus_config *config,
                       const struct sink_settings *settings, struct error *error)
{
    bool is_own = strcmp(settings->name, "+output") == 0; /* a working folder, as the journal is */
    struct outlet_config outlet = {.loop = bus->loop,
                                   .folder = config->folder,
                                   .sensor = config->sensor,
                                   .settings = settings,
                                   .row = find_row(config, settings->type),
                                   .pseudonyms = is_own ? NULL : config->pseudonyms,
                                   .again = config->again,
                                   .ask = on_ask,
                                   .context = bus};
    if (!outlet.row)
        return error_set(error, ERROR_USAGE, "sink %s: there is no type \"%s\"", settings->name,
                         settings->type);
    bus->outlet[bus->count] = outlet_new(&outlet, error);
    if (!bus->outlet[bus->count])
        return -1;
    bus->count++;
    return 0;
}

static int check_folder(const char *folder, struct error *error)
{
    struct stat st;
    if (stat(folder, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    return error_set(error, ERROR_RUN, "%s: is no folder for the sinks' places", folder);
}

struct bus *bus_new(struct loop_ref loop, const struct bus_config *config, struct error *error)
{
    struct bus *bus = xcalloc(1, sizeof *bus);
    bus->loop = loop;
    int failed = check_folder(config->folder, error);
    if (!failed && config->count > BUS_SINKS)
        failed = error_set(error, ERROR_USAGE, "%zu sinks, at most %d are possible", config->count,
                           BUS_SINKS);
    for (size_t i = 0; !failed && i < config->count; i++)
        failed = open_outlet(bus, config, &config->sinks[i], error);
    if (failed) {
        bus_free(bus);
        return NULL;
    }
    bus->tick = loop.ops->timer(loop.loop, NS_PER_S, on_tick, bus);
    bus_wake(bus);
    return bus;
}

void bus_free(struct bus *bus)
{
    if (!bus)
        return;
    event_loop_cancel(bus->loop, bus);
    if (bus->tick)
        bus->loop.ops->drop(bus->tick);
    for (size_t i = 0; i < bus->count; i++)
        outlet_free(bus->outlet[i]);
    event_loop_cancel(bus->loop, bus); /* a sink that was closed may have asked */
    free(bus);
}

/* --- what it is doing ------------------------------------------------------------------------- */

uint64_t bus_durable(const struct bus *bus)
{
    uint64_t durable = 0;
    for (size_t i = 0; i < bus->count; i++) {
        uint64_t seen = outlet_durable(bus->outlet[i]);
        durable = seen > durable ? seen : durable;
    }
    return durable;
}

size_t bus_status(const struct bus *bus, struct bus_status *status, size_t room)
{
    size_t count = bus->count < room ? bus->count : room;
    for (size_t i = 0; i < count; i++)
        outlet_status(bus->outlet[i], &status[i]);
    return count;
}
