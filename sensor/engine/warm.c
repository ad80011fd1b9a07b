/* A start without a checkpoint (it was lost, or is another build's), with a store that remembers:
 * the sensor's own totals of hours that are not closed come back out of it, so that running sums go
 * on where they were last published, and an hour that nobody sends in any more is closed all the
 * same. Profiles need nothing: they are loaded on need.
 *
 *   first batch, held → where does the fleet stand? → lists of the hours that are open → own totals
 *                → consumption begins, nothing is published before a checkpoint has it
 *
 * Nothing is consumed or logged meanwhile (intake.c holds the batch), so a start that dies before
 * its checkpoint finds in the rings and in the store what this one found, and adds nothing twice.
 * What was counted and not yet published when the sensor died (a minute) is lost, as are its
 * stories and incidents. Should the store go in between, what has not come back stays there (totals
 * are a maximum), but is not judged.
 *
 * Bounds: STORE_HOURS_KEPT hours, WINDOW host-hours asked for at a time. Live only. Thread: the
 * engine's. */
#include "checkpoint.h"
#include "internal.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/baseline/store_close.h"

#include <inttypes.h>
#include <stdlib.h>

#define WINDOW 128

struct host_hour {
    struct ip host;
    int64_t hour;
};

struct hour_list { /* being read: whose it is is all that an answer knows */
    struct engine *engine;
    int64_t hour;
};

struct warm {
    struct ptime now;
    int64_t first, last; /* hours that may be open */
    struct hour_list list[STORE_HOURS_KEPT];
    size_t lists; /* not yet answered */
    struct host_hour *open;
    size_t count, room, asked, done;
    uint64_t restored;
};

/* Before anything is consumed. A log that is being replayed goes first: nothing is published. */
static void save(struct engine *engine)
{
    struct error error = {0};
    if (!engine->checkpoint)
        return;
    engine->checkpoint->wanted = engine->unsaved = true;
    if (checkpoint_replaying(engine) || checkpoint_take(engine, &error) == 0)
        return;
    engine->checkpoint->failures++;
    log_error("checkpoint: %s", error.message);
}

static void end(struct engine *engine)
{
    struct warm *warm = engine->warm;
    if (warm->restored > 0)
        log_warn("no checkpoint, but %" PRIu64 " hosts' open hours are in the store: they go on",
                 warm->restored);
    warm_abandon(engine);
    save(engine);
    engine_pump(engine);
}

void warm_abandon(struct engine *engine)
{
    if (!engine->warm)
        return;
    engine->waiting--;
    free(engine->warm->open);
    free(engine->warm);
    engine->warm = NULL;
}

/* --- totals ---------------------------------------------------------------------------------- */

static void restore(struct engine *engine, struct host_total *total)
{
    size_t position = 0;
    struct civil civil = close_civil(engine, total->hour, engine->warm->now);
    bool sends = total->pairs.count > 0; /* who only receives is no host */
    if (!sends && total->inside_bytes == 0) {
        host_total_free(total);
        return;
    }
    if (sends && !hosts_get(engine, &total->host) && !hosts_add(engine, &total->host)) {
        host_total_free(total);
        return;
    }
    if (!totals_adopt(engine->totals, total))
        return;
    for (const struct map_entry *e; (e = map_next(&total->pairs, &position)) != NULL;)
        ((struct pair_total *)e->value)->changed = false; /* the store has it */
    close_note_open(engine, total, &civil);
    engine->warm->restored++;
}

static void ask_hosts(struct engine *engine);

static void on_total(void *context, const struct ip *ip, int64_t hour, struct host_total *total)
{
    struct engine *engine = context;
    (void)ip;
    (void)hour;
    if (!engine->warm || engine->finished) {
        host_total_free(total);
        return;
    }
    engine->warm->done++;
    if (total)
        restore(engine, total);
    ask_hosts(engine);
}

static void ask_hosts(struct engine *engine)
{
    struct warm *warm = engine->warm;
    while (warm->asked < warm->count && warm->asked - warm->done < WINDOW) {
        const struct host_hour *next = &warm->open[warm->asked++];
        store_own_open(memory_store(engine), &next->host, next->hour, on_total, engine);
    }
    if (warm->done == warm->count)
        end(engine);
}

/* --- hours ----------------------------------------------------------------------------------- */

static void note_open(struct warm *warm, const struct ip *host, size_t count, int64_t hour)
{
    if (warm->room - warm->count < count) {
        warm->room = 2 * warm->room + count;
        warm->open = xrealloc(warm->open, warm->room * sizeof *warm->open);
    }
    for (size_t i = 0; i < count; i++)
        warm->open[warm->count++] = (struct host_hour){host[i], hour};
}

static void on_listed(void *context, struct ip *hosts, size_t count)
{
    const struct hour_list *list = context;
    struct engine *engine = list->engine;
    struct warm *warm = engine->warm;
    if (warm && !engine->finished) {
        note_open(warm, hosts, count, list->hour);
        if (--warm->lists == 0)
            ask_hosts(engine);
    }
    free(hosts);
}

static void on_turn(void *context, const struct store_turn *turn)
{
    struct engine *engine = context;
    struct warm *warm = engine->warm;
    if (!warm || engine->finished)
        return;
    if (turn->closed >= warm->first) /* STORE_NO_HOUR is before all */
        warm->first = turn->closed + 1;
    if (warm->first > warm->last) {
        end(engine);
        return;
    }
    for (int64_t hour = warm->first; hour <= warm->last; hour++) {
        struct hour_list *list = &warm->list[warm->lists++];
        *list = (struct hour_list){engine, hour};
        store_list_hour(memory_store(engine), hour, on_listed, list);
    }
}

void warm_begin(struct engine *engine, struct ptime now)
{
    if (!engine->config.live || !memory_store(engine))
        return;
    struct warm *warm = engine->warm = xcalloc(1, sizeof *warm);
    warm->now = now;
    warm->last = calendar_at(engine->config.calendar, now).hour;
    warm->first = warm->last - STORE_HOURS_KEPT + 1;
    engine->waiting++;
    store_ask_turn(memory_store(engine), STORE_NO_HOUR, false, on_turn, engine);
}
