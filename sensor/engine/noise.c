/* See weir/engine/noise.h.
 *
 *   alert → what the book says of it → its record → published → counted
 *
 * An order is in effect once its record is synced: the book's file, which may be megabytes, is
 * written with the next snapshot, and what it lacks is read back from the journal at a start
 * (alert/noise_again.c). Only the first order writes it at once: without a file nothing is read
 * back.
 *
 * An engine that plays its log again finds alerts that the journal has: those are not published,
 * and not counted either, since the book caught up with the journal at the start. Thread: the
 * engine's. */
#include "noise.h"

#include "checkpoint.h"
#include "internal.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/engine/noise.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void set_aside(const char *path, const struct error *why)
{
    char *to = xasprintf("%s.damaged", path);
    if (rename(path, to) != 0)
        log_error("%s: cannot be set aside: %s", path, strerror(errno));
    log_error("%s: set aside as %s: nothing is silenced", why->message, to);
    free(to);
}

/* The journal is synced: all of it is in the book. */
static int keep(struct engine *engine, struct noise *book, struct error *error)
{
    book->counted = publisher_last(engine->config.publisher);
    if (noise_write(book, engine->noise.path, error) != 0)
        return -1;
    book->filed = true;
    return 0;
}

/* No journal forgets a number that it gave: one that has not come so far is not the one that the
 * book was counted by. The book came from elsewhere (an export): what is told here from now on is
 * new to it, what was told before is not its own. It is written at once, before this journal has
 * come as far as the other had. */
static void forget_place(struct engine *engine, struct noise *book)
{
    const struct publisher *publisher = engine->config.publisher;
    struct error error = {0};
    if (!publisher || book->counted <= publisher_last(publisher))
        return;
    if (keep(engine, book, &error) != 0)
        log_warn("%s: what another journal told of silences may be taken for this one's",
                 error.message);
}

int noise_open(struct engine *engine, struct error *error)
{
    const struct engine_config *config = &engine->config;
    struct error why = {0};
    if (config->noise_path && access(config->noise_path, R_OK) != 0)
        return error_set(error, ERROR_INPUT, "%s: %s", config->noise_path, strerror(errno));
    if (config->noise_path) {
        engine->noise.book = noise_read(config->noise_path, error);
        return engine->noise.book ? 0 : -1;
    }
    if (!config->folder)
        return 0;
    engine->noise.path = xasprintf("%s/%s", config->folder, noise_file);
    engine->noise.book = noise_read(engine->noise.path, &why);
    if (!engine->noise.book && why.code != ERROR_INPUT)
        return error_set(error, why.code, "%s", why.message);
    if (!engine->noise.book) {
        set_aside(engine->noise.path, &why);
        engine->noise.book = noise_new();
    }
    struct noise *book = engine->noise.book;
    uint64_t counted = book->counted;
    forget_place(engine, book);
    if (book->filed)
        noise_catch_up(book, config->folder);
    engine->noise.changed = book->counted != counted; /* the next start has less to read */
    return 0;
}

void noise_fini(struct engine *engine)
{
    noise_free(engine->noise.book);
    free(engine->noise.path);
    engine->noise = (struct engine_noise){.book = NULL};
}

void noise_tag(const struct engine *engine, struct alert *alert, struct alert_noise *found)
{
    if (engine->noise.book && noise_of_alert(engine->noise.book, alert, found))
        alert->noise = found;
}

bool noise_covers(const struct engine *engine, const struct alert *alert)
{
    struct alert_noise found = {.silence = NULL};
    bool was_silenced;
    if (checkpoint_has(engine, alert->id, &was_silenced))
        return was_silenced;
    return engine->noise.book && noise_of_alert(engine->noise.book, alert, &found) && found.silence;
}

void noise_told(struct engine *engine, const struct alert *alert)
{
    if (!alert->noise)
        return;
    engine->noise.changed = true;
    noise_count(engine->noise.book, alert, alert->noise);
}

void noise_keep(struct engine *engine)
{
    struct error error = {0};
    if (!engine->noise.path || !engine->noise.changed)
        return;
    engine->noise.changed = keep(engine, engine->noise.book, &error) != 0;
    if (engine->noise.changed)
        log_warn("%s: the next start reads the journal from further back", error.message);
}

/* Up to which all is judged; before the first packet, and at the end of all, the wall clock's. */
static struct ptime packet_time(const struct engine *engine, struct ptime at)
{
    int64_t ns = engine->order.complete.ns;
    return ns > 0 && ns < PTIME_MAX.ns ? engine->order.complete : at;
}

/* The publisher has the record, and holds it until the disk takes it: what was refused for that is
 * told behind it as it still is, and reads back so. A silence's number is used up. */
static void take_back(struct engine *engine, const struct noise *next,
                      const struct noise_order *order)
{
    engine->noise.book->next = next->next;
    engine_publish(engine, noise_refused(engine->noise.book, order));
}

/* As without a sensor (command/noise_access.c): the line is safe before the change; none is in
 * effect that nobody can read of. */
static int tell(struct engine *engine, const char *record, bool *taken, struct error *error)
{
    struct error why = {0};
    *taken = engine_publish(engine, xstrdup(record));
    if (!*taken)
        return error_set(error, ERROR_RUN, "the journal does not take the record of it");
    if (publisher_flush(engine->config.publisher, &why) != 0)
        return error_set(error, ERROR_RUN, "the record of it is not safe: %.300s", why.message);
    return 0;
}

int engine_noise_order(struct engine *engine, const struct noise_order *order,
                       struct noise_outcome *outcome, struct error *error)
{
    struct noise_order whole = *order;
    bool taken = false;
    if (!engine->noise.path)
        return error_set(error, ERROR_RUN, "this sensor keeps no silences");
    struct noise *next = noise_copy(engine->noise.book);
    whole.sensor = engine->config.sensor;
    whole.zones = engine->zoned.zones;
    whole.packet = packet_time(engine, order->at);
    if (whole.verb >= NOISE_ACKNOWLEDGE)
        whole.incident = incidents_get(engine->incidents, whole.target);
    if (noise_obey(next, &whole, outcome, error) != 0 ||
        tell(engine, outcome->audit, &taken, error) != 0 ||
        (!next->filed && keep(engine, next, error) != 0)) {
        if (taken)
            take_back(engine, next, &whole);
        noise_outcome_fini(outcome);
        noise_free(next);
        return -1;
    }
    noise_free(engine->noise.book);
    engine->noise.book = next;
    engine->noise.changed = true; /* in the journal, until the next snapshot */
    return 0;
}

void engine_noise_act(struct engine *engine, const struct noise_act *act)
{
    struct noise_act whole = *act;
    whole.sensor = engine->config.sensor;
    engine_publish(engine, noise_audit(&whole));
}

int engine_noise_act_first(struct engine *engine, const struct noise_act *act, struct error *error)
{
    struct noise_act whole = *act;
    bool taken;
    whole.sensor = engine->config.sensor;
    char *record = noise_audit(&whole);
    int failed = tell(engine, record, &taken, error);
    free(record);
    return failed;
}

const struct noise *engine_noise(const struct engine *engine)
{
    return engine->noise.book;
}
