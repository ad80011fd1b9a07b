/* An outlet's place: where the journal is read on from.
 *
 * The place is the last line that the other end has and before which it has all: the line before
 * the window's first, or, with an empty window, the last one read (lines that were filtered out are
 * passed in silence). It is saved behind what was taken, never before, so that dying repeats lines
 * and loses none.
 *
 * A place that stays beyond the journal's end is one in another journal: sequence numbers begin
 * anew, and nothing in this journal was ever told. So the sink is told all of it, and its epoch
 * begins anew: rather alerts twice (they carry the same event.id) than never. After a loss of power
 * the mark of how far the journal is synced may be older than a place; who writes the journal puts
 * that right when it starts, so BEYOND_NS pass before anything is concluded.
 *
 * The epoch is of the wall clock: it names a place and judges nothing. Thread: the bus's. */
#include "outlet_local.h"
#include "position.h"
#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/bus/bus.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEYOND_NS (10 * NS_PER_S)

char *outlet_place_path(const char *folder, const char *name)
{
    return xasprintf("%s/sink-%s.position", folder, name);
}

uint64_t outlet_place(const struct outlet *outlet)
{
    return outlet->window.count > 0 ? window_at(&outlet->window, 0)->sequence - 1 : outlet->read;
}

static uint64_t now_ms(void)
{
    return (uint64_t)(ptime_now().ns / NS_PER_MS);
}

uint64_t bus_told(const char *folder, const struct sink_settings *sinks, size_t count)
{
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < count; i++) {
        struct position position = {0};
        bool known = true;
        char *path = outlet_place_path(folder, sinks[i].name);
        if (position_load(path, &position, &known, NULL) != 0)
            least = 0;
        else if (known && position.sequence < least)
            least = position.sequence;
        free(path);
    }
    return least;
}

static bool open_reader(struct outlet *outlet)
{
    struct error error = {0};
    outlet->reader = journal_reader_open(outlet->config.folder, outlet->read, &error);
    if (!outlet->reader)
        outlet_note(outlet, &error);
    return outlet->reader != NULL;
}

static int write_place(struct outlet *outlet, uint64_t sequence, struct error *error)
{
    struct position position = {sequence, outlet->epoch_ms};
    if (position_save(outlet->place_path, &position, error) != 0)
        return -1;
    outlet->saved = sequence;
    return 0;
}

/* A place that could not be saved is no trouble of the sink's: it is saved behind the next batch.
 */
void outlet_place_save(struct outlet *outlet)
{
    struct error error = {0};
    uint64_t place = outlet_place(outlet);
    if (outlet->saved == place)
        return;
    if (dead_letters_sync(&outlet->letters, &error) == 0 &&
        write_place(outlet, place, &error) == 0) {
        outlet->place_not_saved = false;
        return;
    }
    outlet->counts.failures++;
    outlet_note(outlet, &error);
    if (!outlet->place_not_saved)
        log_warn("sink %s: %s; after a restart it is told some alerts again", outlet->name,
                 error.message);
    outlet->place_not_saved = true;
}

/* Begins a new place at `sequence`. */
static void begin_at(struct outlet *outlet, uint64_t sequence)
{
    struct error error = {0};
    outlet->read = sequence;
    outlet->epoch_ms = now_ms();
    outlet->saved = UINT64_MAX; /* not on the disk yet */
    if (write_place(outlet, sequence, &error) != 0) {
        outlet->place_not_saved = true;
        outlet_note(outlet, &error);
        log_warn("sink %s: %s; its place is not kept for now", outlet->name, error.message);
    }
}

int outlet_place_begin(struct outlet *outlet, struct error *error)
{
    bool known;
    struct position position;
    struct error damage = {0};
    outlet->place_path = outlet_place_path(outlet->config.folder, outlet->name);
    int failed = position_load(outlet->place_path, &position, &known, &damage);
    outlet->read = outlet->saved = position.sequence;
    outlet->epoch_ms = position.epoch_ms;
    bool journal = open_reader(outlet);
    if (failed) {
        log_warn("%s; the sink is told everything again", damage.message);
        begin_at(outlet, 0);
    } else if (!known) {
        bool from_start = outlet->config.settings->from_start || !journal;
        begin_at(outlet, from_start ? 0 : journal_reader_durable(outlet->reader));
    }
    if (outlet->read == position.sequence || !journal)
        return 0;
    journal_reader_close(outlet->reader);
    outlet->reader = journal_reader_open(outlet->config.folder, outlet->read, error);
    return outlet->reader ? 0 : -1;
}

/* The sink is opened anew: it may go by the epoch. */
static void begin_anew(struct outlet *outlet, uint64_t durable)
{
    log_warn("%s: is %" PRIu64 ", the journal ends at %" PRIu64
             ": another journal; the sink is told everything",
             outlet->place_path, outlet->read, durable);
    outlet_close_sink(outlet);
    journal_reader_close(outlet->reader);
    outlet->reader = NULL;
    begin_at(outlet, 0);
    outlet->host.epoch_ms = outlet->epoch_ms;
}

bool outlet_place_ready(struct outlet *outlet)
{
    if (!outlet->reader && !open_reader(outlet))
        return false;
    if (outlet->placed)
        return true;
    uint64_t durable = journal_reader_durable(outlet->reader);
    outlet->placed = outlet->read <= durable;
    if (outlet->placed)
        return true;
    if (outlet->beyond.ns == 0)
        outlet->beyond = wtime_now();
    if (wtime_now().ns - outlet->beyond.ns < BEYOND_NS)
        return false;
    begin_anew(outlet, durable);
    return open_reader(outlet);
}
