/* Publishing:
 *
 *   publish → journal (append) → … the loop's turn … → sync → wake the readers
 *             └ not taken → held in memory → each second: append, sync, wake
 *
 * A turn that tells much (an engine that caught up tells as much as it ever does in one) is synced
 * on the way, each MiB: what waits for its end would be taken for what the disk does not take.
 *
 * Once something is held, everything behind it is too, so the order stays. Trouble is that the disk
 * takes nothing, does not sync, or has no room left but what is set aside; it is logged when it
 * begins and when it ends, and told as an alert at both: at its beginning into the room that is set
 * aside, or, when there is none, into memory with the rest.
 *
 * Bounds: PUBLISHER_HELD_BYTES, and what the journal keeps unsynced. Thread: the engine's, on the
 * loop. */
#include "weir/bus/publisher.h"

#include "held.h"
#include "weir/alert/journal_trouble.h"
#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/base/time.h"
#include "weir/bus/event_loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_NS   NS_PER_S
#define SYNC_BYTES ((size_t)1 << 20) /* of a long turn; it is synced once more for each */

struct publisher {
    struct loop_ref loop;
    struct journal *journal;
    void (*wake)(void *context);
    void *context;
    const char *sensor;
    struct held *held;
    struct json *json;
    bool turn_asked;
    size_t unflushed; /* bytes of lines since publisher_flush was last tried */
    uint64_t woken;   /* the sequence number that readers were last woken for */
    struct loop_watch *retry;
    struct ptime time, since; /* packet time: of the last line; of the trouble's beginning */
    uint64_t given_up;        /* by its beginning */
    struct publisher_status status;
};

static void ask_for_turn(struct publisher *publisher);

/* --- taking a line ---------------------------------------------------------------------------- */

/* Our lines begin with their time; what is told of the trouble is told at that. What people did has
 * the wall clock's, which is no packet's. A quote in a text is escaped: it is found as no text. */
static void note_time(struct publisher *publisher, const char *line, size_t size)
{
    static const char start[] = "{\"@timestamp\":\"";
    static const char act[] = "\"event\":{\"kind\":\"event\"";
    char text[32];
    if (size < sizeof start + sizeof text || memcmp(line, start, sizeof start - 1) != 0 ||
        memmem(line, size, act, sizeof act - 1))
        return;
    memcpy(text, line + sizeof start - 1, sizeof text - 1);
    text[strcspn(text, "\"")] = '\0';
    ptime_of_iso(text, &publisher->time);
}

/* False: it is held. */
static bool take(struct publisher *publisher, const char *line, size_t size, struct error *error)
{
    if (held_count(publisher->held) == 0 &&
        journal_append(publisher->journal, line, size, error) > 0)
        return true;
    held_put(publisher->held, line, size);
    return false;
}

/* --- trouble ---------------------------------------------------------------------------------- */

static uint64_t given_up(const struct publisher *publisher)
{
    uint64_t sum = 0;
    for (int kind = 0; kind < HELD_KINDS; kind++)
        sum += held_given_up(publisher->held, (enum held_kind)kind);
    return sum;
}

static void tell(struct publisher *publisher, bool over)
{
    struct journal_trouble trouble = {.sensor = publisher->sensor,
                                      .since = publisher->since,
                                      .time = publisher->time,
                                      .over = over,
                                      .why = publisher->status.why,
                                      .held = held_count(publisher->held),
                                      .given_up = given_up(publisher) - publisher->given_up};
    if (publisher->since.ns == INT64_MIN) /* no record yet that it would concern */
        return;
    char *line = journal_trouble_line(publisher->json, &trouble);
    take(publisher, line, strlen(line), NULL);
    free(line);
}

static void on_retry(void *context)
{
    publisher_flush(context, NULL);
}

static void begin_trouble(struct publisher *publisher, const char *why)
{
    snprintf(publisher->status.why, sizeof publisher->status.why, "%.199s", why);
    if (publisher->status.trouble)
        return;
    publisher->status.trouble = true;
    publisher->since = publisher->time;
    publisher->given_up = given_up(publisher);
    log_error("%s; no sink is told what is not in the journal; up to %zu MiB wait in memory", why,
              PUBLISHER_HELD_BYTES >> 20);
    publisher->retry =
        publisher->loop.ops->timer(publisher->loop.loop, AGAIN_NS, on_retry, publisher);
    tell(publisher, false);
}

static void end_trouble(struct publisher *publisher)
{
    publisher->status.trouble = false;
    publisher->loop.ops->drop(publisher->retry);
    publisher->retry = NULL;
    log_warn("journal: written again; %" PRIu64 " records were given up",
             given_up(publisher) - publisher->given_up);
    tell(publisher, true);
}

/* --- out -------------------------------------------------------------------------------------- */

static void append_held(struct publisher *publisher, struct error *error)
{
    size_t size;
    const char *line;
    while ((line = held_first(publisher->held, &size)) != NULL &&
           journal_append(publisher->journal, line, size, error) > 0)
        held_drop_first(publisher->held);
}

/* The journal takes only so much before it is synced, so this goes on while something moves. */
static int write_out(struct publisher *publisher, struct error *error)
{
    struct error own = {0};
    for (bool moved = true; moved && journal_sync(publisher->journal, &own) == 0;) {
        uint64_t before = journal_last(publisher->journal);
        if (held_count(publisher->held) == 0)
            return 0;
        own = (struct error){0};
        append_held(publisher, &own);
        moved = journal_last(publisher->journal) != before;
        if (moved)
            own = (struct error){0};
    }
    publisher->status.failures++;
    return error_set(error, own.code, "%s", own.message);
}

static void wake(struct publisher *publisher)
{
    uint64_t durable = journal_durable(publisher->journal);
    if (durable == publisher->woken)
        return;
    publisher->woken = durable;
    if (publisher->wake)
        publisher->wake(publisher->context);
}

int publisher_flush(struct publisher *publisher, struct error *error)
{
    struct error own = {0};
    bool trouble = publisher->status.trouble;
    publisher->unflushed = 0;
    int failed = write_out(publisher, &own);
    if (failed)
        begin_trouble(publisher, own.message);
    else if (journal_tight(publisher->journal))
        begin_trouble(publisher, "journal: the disk is full but for what is set aside");
    else if (trouble)
        end_trouble(publisher);
    if (!failed && publisher->status.trouble != trouble)
        failed = write_out(publisher, &own); /* what was just told of it */
    wake(publisher);
    return failed ? error_set(error, own.code, "%s", own.message) : 0;
}

static void on_turn(void *context)
{
    struct publisher *publisher = context;
    publisher->turn_asked = false;
    publisher_flush(publisher, NULL);
}

static void ask_for_turn(struct publisher *publisher)
{
    if (publisher->turn_asked)
        return;
    publisher->turn_asked = true;
    event_loop_soon(publisher->loop, on_turn, publisher);
}

int publisher_publish(struct publisher *publisher, const char *line, size_t size,
                      struct error *error)
{
    struct error why = {0};
    if (size > JOURNAL_LINE_MAX)
        return error_set(error, ERROR_RUN, "journal: a record of %zu bytes is longer than %u", size,
                         JOURNAL_LINE_MAX);
    publisher->status.published++;
    note_time(publisher, line, size);
    if (take(publisher, line, size, &why)) {
        ask_for_turn(publisher);
    } else if (why.code != ERROR_NONE) {
        publisher->status.failures++;
        begin_trouble(publisher, why.message);
    }
    publisher->unflushed += size;
    if (publisher->unflushed >= SYNC_BYTES)
        publisher_flush(publisher, NULL);
    return 0;
}

/* --- looking back, opening and closing -------------------------------------------------------- */

uint64_t publisher_last(const struct publisher *publisher)
{
    return journal_last(publisher->journal);
}

uint64_t publisher_durable(const struct publisher *publisher)
{
    return journal_durable(publisher->journal);
}

int publisher_each_since(const struct publisher *publisher, uint64_t after,
                         void (*each)(void *context, const char *line, size_t size), void *context,
                         struct error *error)
{
    return journal_each_since(publisher->journal, after, each, context, error);
}

struct publisher_status publisher_status_of(const struct publisher *publisher)
{
    struct publisher_status status = publisher->status;
    status.held = held_count(publisher->held);
    status.held_bytes = held_bytes(publisher->held);
    status.given_up_metrics = held_given_up(publisher->held, HELD_METRIC);
    status.given_up_alerts = held_given_up(publisher->held, HELD_ALERT);
    status.given_up_events = held_given_up(publisher->held, HELD_EVENT);
    return status;
}

struct publisher *publisher_new(struct loop_ref loop, struct journal *journal,
                                void (*wake_readers)(void *context), void *context)
{
    struct publisher *publisher = xcalloc(1, sizeof *publisher);
    *publisher = (struct publisher){.loop = loop,
                                    .journal = journal,
                                    .wake = wake_readers,
                                    .context = context,
                                    .sensor = "",
                                    .held = held_new(PUBLISHER_HELD_BYTES),
                                    .json = json_new(),
                                    .woken = journal_durable(journal),
                                    .time = PTIME_MIN,
                                    .since = PTIME_MIN};
    return publisher;
}

void publisher_name(struct publisher *publisher, const char *sensor)
{
    publisher->sensor = sensor;
}

void publisher_free(struct publisher *publisher)
{
    if (!publisher)
        return;
    if (held_count(publisher->held) > 0)
        log_error("journal: %zu records could not be written and are lost",
                  held_count(publisher->held));
    event_loop_cancel(publisher->loop, publisher);
    if (publisher->retry)
        publisher->loop.ops->drop(publisher->retry);
    held_free(publisher->held);
    json_free(publisher->json);
    free(publisher);
}
