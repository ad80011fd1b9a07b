/* An outlet's trouble: everything that was not taken is given again after a back-off of 100 ms,
 * doubling to 60 s, with a jitter that comes from the sink's name (so that sinks which share a
 * server do not knock together, and a test is the same each time). Anything that is taken ends it;
 * a line that is refused does not: it only shows that somebody answers.
 *
 * A sink that tells, was given lines and takes none for its time-out has failed, whatever it
 * believes: it is closed, which ends what it has under way, and opened anew. One that is full and
 * has nothing under way may be so for long (a digest that is not due). The time-out must have
 * passed at two ticks in a row, so that a process that was stopped for a while does not blame the
 * other end.
 *
 * What goes wrong again and again is said at most every SAY_NS, a refusal every SAY_REFUSAL_NS.
 * Thread: the bus's. */
#include "outlet_local.h"
#include "weir/base/log.h"

#include <inttypes.h>
#include <stdio.h>

#define BACK_OFF_MIN_NS (100 * NS_PER_MS)
#define BACK_OFF_MAX_NS (60 * NS_PER_S)
#define SAY_NS          (10 * NS_PER_S)
#define SAY_REFUSAL_NS  (60 * NS_PER_S)

void outlet_note(struct outlet *outlet, const struct error *error)
{
    snprintf(outlet->counts.last_error, sizeof outlet->counts.last_error, "%.199s", error->message);
}

void outlet_cancel_retry(struct outlet *outlet)
{
    if (outlet->retry)
        outlet->config.loop.ops->drop(outlet->retry);
    outlet->retry = NULL;
}

void outlet_close_sink(struct outlet *outlet)
{
    struct sink *sink = outlet->sink;
    outlet->sink = NULL;
    if (sink)
        outlet->config.row->close(sink);
}

static void on_retry(void *context)
{
    struct outlet *outlet = context;
    outlet_cancel_retry(outlet);
    outlet->counts.retries++;
    outlet->config.ask(outlet->config.context);
}

/* xorshift64. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13u;
    *state ^= *state >> 7u;
    *state ^= *state << 17u;
    return *state;
}

/* Half of the back-off, and up to as much again. */
static void wait_a_while(struct outlet *outlet)
{
    struct loop_ref loop = outlet->config.loop;
    if (outlet->back_off_ns < BACK_OFF_MIN_NS)
        outlet->back_off_ns = BACK_OFF_MIN_NS;
    uint64_t half = (uint64_t)outlet->back_off_ns / 2;
    int64_t wait_ns = (int64_t)(half + next_random(&outlet->jitter) % half);
    outlet->retry = loop.ops->timer(loop.loop, wait_ns, on_retry, outlet);
    outlet->back_off_ns =
        outlet->back_off_ns * 2 < BACK_OFF_MAX_NS ? outlet->back_off_ns * 2 : BACK_OFF_MAX_NS;
}

static void say(struct outlet *outlet, const struct error *error)
{
    struct wtime now = wtime_now();
    if (outlet->struggling || (outlet->said.ns != 0 && now.ns - outlet->said.ns < SAY_NS))
        return;
    log_warn("sink %s: %s; its alerts wait in the journal", outlet->name, error->message);
    outlet->struggling = true;
    outlet->said = now;
}

static void go_back(struct outlet *outlet)
{
    window_rewind(&outlet->window);
    json_value_free(outlet->record);
    outlet->record = NULL;
    outlet->taken_to = 0;
    outlet->full = outlet->unflushed = outlet->overdue = false;
}

void outlet_trouble(struct outlet *outlet, const struct error *error)
{
    outlet->counts.failures++;
    outlet->counts.failures_in_a_row++;
    outlet_note(outlet, error);
    say(outlet, error);
    go_back(outlet);
    if (!outlet->retry)
        wait_a_while(outlet);
}

void outlet_die(struct outlet *outlet, const struct error *error)
{
    outlet->counts.failures++;
    outlet_note(outlet, error);
    log_error("sink %s: %s; nothing more is sent there", outlet->name, error->message);
    outlet->dead = true;
    go_back(outlet);
    outlet_cancel_retry(outlet);
    outlet_close_sink(outlet);
}

void outlet_moved(struct outlet *outlet)
{
    outlet->progress = wtime_now();
    outlet->overdue = false;
}

void outlet_refusal(struct outlet *outlet, const char *why)
{
    struct wtime now = wtime_now();
    struct error error = {0};
    error_set(&error, ERROR_RUN, "a line was refused: %s", why);
    outlet_note(outlet, &error);
    if (outlet->refusal_said.ns != 0 && now.ns - outlet->refusal_said.ns < SAY_REFUSAL_NS)
        return;
    outlet->refusal_said = now;
    log_warn("sink %s: %s; such lines go to %s", outlet->name, error.message, outlet->letters.path);
}

void outlet_recovered(struct outlet *outlet)
{
    outlet->back_off_ns = BACK_OFF_MIN_NS;
    outlet->counts.failures_in_a_row = 0;
    if (outlet->struggling)
        log_warn("sink %s: works again", outlet->name);
    outlet->struggling = false;
}

bool outlet_sink_open(struct outlet *outlet)
{
    struct error error = {0};
    outlet->sink = outlet->config.row->open(outlet->config.settings, &outlet->host, &error);
    if (outlet->sink)
        return true;
    outlet_trouble(outlet, &error);
    return false;
}

void outlet_check_deadline(struct outlet *outlet)
{
    struct error error = {0};
    const struct sink_settings *settings = outlet->config.settings;
    if (!outlet->config.row->tells || !outlet->sink || outlet->window.given == 0 ||
        wtime_now().ns - outlet->progress.ns < settings->timeout_s * NS_PER_S) {
        outlet->overdue = false;
        return;
    }
    if (!outlet->overdue) {
        outlet->overdue = true;
        return;
    }
    outlet_close_sink(outlet);
    error_set(&error, ERROR_RUN, "took nothing for %" PRId64 " s", settings->timeout_s);
    outlet_trouble(outlet, &error);
}
