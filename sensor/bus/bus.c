/* The alert bus.
 *
 *   publish → journal (append) → … the loop's turn … → sync → every sink reads what is durable
 *
 * A sink (an outlet here) is a reader of the journal with its own place, which is saved behind the
 * sink's own flush. Trouble stays its own: SINK_AGAIN is tried again after a back-off (20 ms,
 * doubling to 2 s), SINK_DEAD is closed and keeps its saved place for the next start. A flush that
 * failed goes back to the saved place, because what was written before it may be lost; whoever
 * reads tells repeated lines by event.id.
 *
 * A turn feeds each sink at most BATCH lines and asks for another turn, so that a long backlog does
 * not hold up the loop.
 *
 * Invariants: saved <= flushed <= written <= the journal's durable sequence number; a held line is
 * the one with sequence written + 1 or later. Thread: the engine's, on the loop. */
#include "weir/bus/bus.h"

#include "position.h"
#include "sinks.h"
#include "weir/alert/alert.h"
#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/base/time.h"
#include "weir/bus/event_loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH           256
#define BACK_OFF_MIN_NS (20 * NS_PER_MS)
#define BACK_OFF_MAX_NS (2 * NS_PER_S)
#define SYNC_AGAIN_NS   NS_PER_S

struct outlet {
    struct bus *bus;
    const struct sink_type *type;
    char *path, *position_path;
    struct sink *sink;
    struct journal_reader *reader;
    uint64_t written, flushed, saved; /* sequence numbers */
    const char *line;                 /* read, not yet taken by the sink; NULL: none */
    size_t size;
    uint64_t sequence;
    struct loop_watch *retry;
    int64_t back_off_ns;
    bool struggling;      /* its trouble was said, its recovery was not */
    bool place_not_saved; /* the same for its place */
    uint64_t delivered, failures;
    char last_error[200];
};

struct bus {
    struct loop_ref loop;
    char *folder;
    struct journal *journal;
    struct outlet *outlet;
    size_t count;
    bool turn_asked;
    struct loop_watch *sync_retry;
};

enum feeding { FEED_IDLE, FEED_MORE, FEED_WAIT };

static void ask_for_turn(struct bus *bus);

/* --- trouble ---------------------------------------------------------------------------------- */

static void note_error(struct outlet *outlet, const struct error *error)
{
    snprintf(outlet->last_error, sizeof outlet->last_error, "%.199s", error->message);
}

static void cancel_retry(struct outlet *outlet)
{
    if (outlet->retry)
        outlet->bus->loop.ops->drop(outlet->retry);
    outlet->retry = NULL;
}

static void close_sink(struct outlet *outlet)
{
    if (outlet->sink)
        outlet->type->close(outlet->sink);
    outlet->sink = NULL;
}

static void on_retry(void *context)
{
    struct outlet *outlet = context;
    cancel_retry(outlet);
    ask_for_turn(outlet->bus);
}

static enum feeding trouble(struct outlet *outlet, enum sink_result result,
                            const struct error *error)
{
    const char *type = outlet->type->type;
    bool said = error->code != ERROR_NONE; /* SINK_AGAIN without one: only slow */
    if (said) {
        outlet->failures++;
        note_error(outlet, error);
    }
    if (result == SINK_DEAD) {
        log_error("sink %s: %s; nothing more is sent there", type, error->message);
        close_sink(outlet);
        cancel_retry(outlet);
        return FEED_IDLE;
    }
    if (said && !outlet->struggling) {
        log_warn("sink %s: %s; its alerts wait in the journal", type, error->message);
        outlet->struggling = true;
    }
    if (!outlet->retry) {
        struct loop_ref loop = outlet->bus->loop;
        outlet->retry = loop.ops->timer(loop.loop, outlet->back_off_ns, on_retry, outlet);
        outlet->back_off_ns =
            outlet->back_off_ns * 2 < BACK_OFF_MAX_NS ? outlet->back_off_ns * 2 : BACK_OFF_MAX_NS;
    }
    return FEED_WAIT;
}

static void recovered(struct outlet *outlet)
{
    cancel_retry(outlet);
    if (outlet->struggling)
        log_warn("sink %s: works again", outlet->type->type);
    outlet->struggling = false;
}

/* --- feeding ---------------------------------------------------------------------------------- */

static bool read_line(struct outlet *outlet)
{
    uint64_t until = journal_durable(outlet->bus->journal);
    while (!outlet->line) {
        struct error error = {0};
        int result = journal_reader_next(outlet->reader, until, &outlet->line, &outlet->size,
                                         &outlet->sequence, &error);
        if (result == 0)
            return false;
        if (result < 0) { /* what follows the damage is still delivered */
            outlet->failures++;
            note_error(outlet, &error);
            log_error("sink %s: %s", outlet->type->type, error.message);
        }
    }
    return true;
}

static enum sink_result write_lines(struct outlet *outlet, size_t lines, struct error *error)
{
    for (; lines > 0 && read_line(outlet); lines--) {
        enum sink_result result =
            outlet->type->write(outlet->sink, outlet->line, outlet->size, error);
        if (result != SINK_OK)
            return result;
        outlet->line = NULL;
        outlet->written = outlet->sequence;
        outlet->delivered++;
    }
    return SINK_OK;
}

/* Back to what is known to be safe; the sink gets it again. */
static void go_back(struct outlet *outlet)
{
    struct journal_reader *reader = journal_reader_open(outlet->bus->folder, outlet->flushed, NULL);
    if (!reader)
        return;
    journal_reader_close(outlet->reader);
    outlet->reader = reader;
    outlet->line = NULL;
    outlet->written = outlet->flushed;
}

static enum sink_result flush_lines(struct outlet *outlet, struct error *error)
{
    if (outlet->written == outlet->flushed)
        return SINK_OK;
    enum sink_result result = outlet->type->flush(outlet->sink, error);
    if (result != SINK_OK) {
        go_back(outlet);
        return result;
    }
    outlet->flushed = outlet->written;
    return SINK_OK;
}

/* A place that could not be saved is no trouble of the sink's: it is saved behind the next batch.
 */
static void save_place(struct outlet *outlet)
{
    struct error error = {0};
    if (outlet->saved == outlet->flushed)
        return;
    if (position_save(outlet->position_path, outlet->flushed, &error) == 0) {
        outlet->saved = outlet->flushed;
        outlet->place_not_saved = false;
        return;
    }
    outlet->failures++;
    note_error(outlet, &error);
    if (!outlet->place_not_saved)
        log_warn("sink %s: %s; after a restart it is told some alerts again", outlet->type->type,
                 error.message);
    outlet->place_not_saved = true;
}

static enum feeding feed(struct outlet *outlet)
{
    struct error error = {0};
    uint64_t before = outlet->written;
    if (!outlet->sink)
        return FEED_IDLE;
    enum sink_result result = write_lines(outlet, BATCH, &error);
    bool progress = outlet->written != before;
    if (result != SINK_DEAD) {
        enum sink_result flushed = flush_lines(outlet, &error);
        if (flushed != SINK_OK)
            result = flushed;
    }
    if (progress)
        outlet->back_off_ns = BACK_OFF_MIN_NS;
    if (progress && result == SINK_OK)
        recovered(outlet);
    save_place(outlet);
    if (result != SINK_OK)
        return trouble(outlet, result, &error);
    return outlet->written < journal_durable(outlet->bus->journal) && progress ? FEED_MORE
                                                                               : FEED_IDLE;
}

/* --- turns ------------------------------------------------------------------------------------ */

static void on_sync_retry(void *context)
{
    ask_for_turn(context);
}

static int commit(struct bus *bus, struct error *error)
{
    struct error own = {0};
    if (journal_sync(bus->journal, &own) == 0) {
        if (bus->sync_retry) {
            bus->loop.ops->drop(bus->sync_retry);
            bus->sync_retry = NULL;
            log_warn("journal: synced again");
        }
        return 0;
    }
    if (!bus->sync_retry) {
        log_error("%s; no sink is told before it is", own.message);
        bus->sync_retry = bus->loop.ops->timer(bus->loop.loop, SYNC_AGAIN_NS, on_sync_retry, bus);
    }
    return error_set(error, own.code, "%s", own.message);
}

static void on_turn(void *context)
{
    struct bus *bus = context;
    bool more = false;
    bus->turn_asked = false;
    commit(bus, NULL);
    for (size_t i = 0; i < bus->count; i++)
        if (!bus->outlet[i].retry && feed(&bus->outlet[i]) == FEED_MORE)
            more = true;
    if (more)
        ask_for_turn(bus);
}

static void ask_for_turn(struct bus *bus)
{
    if (bus->turn_asked)
        return;
    bus->turn_asked = true;
    event_loop_soon(bus->loop, on_turn, bus);
}

int bus_publish(struct bus *bus, const char *line, size_t size, struct error *error)
{
    if (journal_append(bus->journal, line, size, error) == 0)
        return -1;
    ask_for_turn(bus);
    return 0;
}

int bus_flush(struct bus *bus, struct error *error)
{
    int failed = commit(bus, error);
    for (size_t i = 0; i < bus->count; i++)
        while (feed(&bus->outlet[i]) == FEED_MORE)
            ;
    return failed;
}

/* --- looking back ----------------------------------------------------------------------------- */

uint64_t bus_last(const struct bus *bus)
{
    return journal_last(bus->journal);
}

int bus_each_since(const struct bus *bus, uint64_t after,
                   void (*each)(void *context, const char *line, size_t size), void *context,
                   struct error *error)
{
    const char *line;
    size_t size;
    uint64_t sequence, last = journal_last(bus->journal);
    struct journal_reader *reader = journal_reader_open(bus->folder, after, error);
    if (!reader)
        return -1;
    for (int result = 1; result != 0;) {
        struct error damage = {0};
        result = journal_reader_next(reader, last, &line, &size, &sequence, &damage);
        if (result > 0)
            each(context, line, size);
        else if (result < 0)
            log_warn("%s", damage.message);
    }
    journal_reader_close(reader);
    return 0;
}

/* --- opening and closing ---------------------------------------------------------------------- */

static void load_place(struct outlet *outlet)
{
    struct error error = {0};
    uint64_t durable = journal_durable(outlet->bus->journal);
    if (position_load(outlet->position_path, &outlet->saved, &error) != 0)
        log_warn("%s; the sink is told everything again", error.message);
    if (outlet->saved > durable) {
        log_warn("%s: is %" PRIu64 ", the journal ends at %" PRIu64
                 ": another journal; the sink is told everything",
                 outlet->position_path, outlet->saved, durable);
        outlet->saved = 0;
    }
    outlet->written = outlet->flushed = outlet->saved;
}

static int open_outlet(struct outlet *outlet, const struct sink_config *config, size_t number,
                       struct error *error)
{
    const char *folder = outlet->bus->folder;
    const char *format = config->format ? config->format : "ecs";
    outlet->type = sink_type_get(config->type);
    if (!outlet->type)
        return error_set(error, ERROR_USAGE, "sink type \"%s\": expected file or stdout",
                         config->type);
    if (strcmp(format, "ecs") != 0)
        return error_set(error, ERROR_USAGE, "sink format \"%s\": expected ecs", format);
    outlet->path = config->path ? xstrdup(config->path) : NULL;
    outlet->back_off_ns = BACK_OFF_MIN_NS;
    outlet->position_path = xasprintf("%s/sink-%zu-%s.position", folder, number, config->type);
    load_place(outlet);
    outlet->reader = journal_reader_open(folder, outlet->saved, error);
    outlet->sink = outlet->reader ? outlet->type->open(config, error) : NULL;
    return outlet->sink ? 0 : -1;
}

struct bus *bus_new(struct loop_ref loop, const char *folder, const struct sink_config *sinks,
                    size_t count, struct error *error)
{
    uint64_t cut;
    struct bus *bus = xcalloc(1, sizeof *bus);
    bus->loop = loop;
    bus->folder = xstrdup(folder);
    bus->outlet = xcalloc(count ? count : 1, sizeof *bus->outlet);
    bus->journal = journal_open(folder, &cut, error);
    if (!bus->journal)
        goto fail;
    if (cut > 0)
        log_warn("%s: the journal's last %" PRIu64 " bytes were half an alert and are cut", folder,
                 cut);
    for (; bus->count < count; bus->count++) {
        struct outlet *outlet = &bus->outlet[bus->count];
        outlet->bus = bus;
        if (open_outlet(outlet, &sinks[bus->count], bus->count, error) != 0) {
            bus->count++; /* what it has is freed too */
            goto fail;
        }
    }
    ask_for_turn(bus);
    return bus;
fail:
    bus_free(bus);
    return NULL;
}

void bus_free(struct bus *bus)
{
    if (!bus)
        return;
    event_loop_cancel(bus->loop, bus);
    for (size_t i = 0; i < bus->count; i++) {
        struct outlet *outlet = &bus->outlet[i];
        cancel_retry(outlet);
        close_sink(outlet);
        journal_reader_close(outlet->reader);
        free(outlet->path);
        free(outlet->position_path);
    }
    if (bus->sync_retry)
        bus->loop.ops->drop(bus->sync_retry);
    journal_close(bus->journal);
    free(bus->outlet);
    free(bus->folder);
    free(bus);
}

size_t bus_status(const struct bus *bus, struct bus_status *status, size_t room)
{
    size_t count = bus->count < room ? bus->count : room;
    for (size_t i = 0; i < count; i++) {
        const struct outlet *outlet = &bus->outlet[i];
        status[i] = (struct bus_status){.type = outlet->type->type,
                                        .path = outlet->path,
                                        .delivered = outlet->delivered,
                                        .behind = journal_durable(bus->journal) - outlet->flushed,
                                        .failures = outlet->failures,
                                        .dead = outlet->sink == NULL};
        memcpy(status[i].last_error, outlet->last_error, sizeof status[i].last_error);
    }
    return count;
}
