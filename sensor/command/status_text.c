/* The screen of `weir status`.
 *
 * Rows of a label and a text that is wrapped behind it. What is wrong is said in capital words, not
 * only in a colour. Text that came over the socket is shown without control characters, so that an
 * interface's name cannot drive the terminal. Thread: the caller's. */
#include "status_text.h"

#include "commands.h"

#include "weir/base/buffer.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL  12 /* columns */
#define FIGURE 32

struct screen {
    struct buffer out;
    size_t width;
};

/* --- rows ------------------------------------------------------------------------------------- */

/* The bytes of `text` that fit in `columns`, cut at a blank where there is one. */
static size_t fitting(const char *text, size_t columns)
{
    size_t at = 0, blank = 0;
    for (size_t used = 0; text[at]; at++) {
        used += (text[at] & 0xc0) != 0x80; /* UTF-8: one column a character */
        if (used > columns)
            return blank ? blank : at;
        if (text[at] == ' ' && text[at + 1] != ' ')
            blank = at;
    }
    return at;
}

static void row(struct screen *screen, const char *label, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void row(struct screen *screen, const char *label, const char *format, ...)
{
    char *text = NULL;
    va_list list;
    va_start(list, format);
    int size = vasprintf(&text, format, list);
    va_end(list);
    if (size < 0)
        return;
    command_make_harmless(text);
    const char *at = text;
    do {
        size_t part = fitting(at, screen->width - LABEL);
        buffer_text(&screen->out, "%-*s%.*s\n", LABEL, label, (int)part, at);
        at += part + strspn(at + part, " ");
        label = "";
    } while (*at);
    free(text);
}

/* --- values ----------------------------------------------------------------------------------- */

static const char *text_of(const struct json_value *object, const char *key)
{
    const char *text = json_text(json_get(object, key));
    return text ? text : "?";
}

static int64_t whole_of(const struct json_value *object, const char *key)
{
    int64_t value = 0;
    json_whole(json_get(object, key), &value);
    return value;
}

static double decimal_of(const struct json_value *object, const char *key)
{
    double value = NAN;
    json_decimal(json_get(object, key), &value);
    return value;
}

/* "999", "12.3 K", "4.56 G": decimal, three figures. */
static const char *scaled(double value, char text[FIGURE])
{
    static const char unit[] = " KMGTPE";
    size_t at = 0;
    for (; value >= 999.5 && at < sizeof unit - 2; at++)
        value /= 1000;
    int digits = at == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(text, FIGURE, at ? "%.*f %c" : "%.*f", digits, value, unit[at]);
    return text;
}

static const char *seconds(double value, char text[FIGURE])
{
    if (isfinite(value))
        snprintf(text, FIGURE, value < 10 ? "%.1f s" : "%.0f s", value);
    else
        snprintf(text, FIGURE, "-");
    return text;
}

static const char *percent(int64_t part, int64_t all, char text[FIGURE])
{
    snprintf(text, FIGURE, "%.1f %%", all > 0 ? 100.0 * (double)part / (double)all : 0.0);
    return text;
}

/* --- the parts of the screen ------------------------------------------------------------------ */

static void show_sensor(struct screen *screen, const struct json_value *status)
{
    const struct json_value *config = json_get(status, "config");
    const struct json_value *reload = json_get(config, "last_reload");
    bool ok = true;
    row(screen, "sensor", "%s: %s since %s, weir %s", text_of(status, "sensor"),
        text_of(status, "state"), text_of(status, "started"), text_of(status, "version"));
    row(screen, "traffic", "judged up to %s", text_of(status, "now"));
    if (!json_truth(json_get(reload, "ok"), &ok))
        row(screen, "config", "%" PRId64 ", not reloaded since", whole_of(config, "generation"));
    else if (ok)
        row(screen, "config", "%" PRId64 ", reloaded %s", whole_of(config, "generation"),
            text_of(reload, "at"));
    else
        row(screen, "config", "%" PRId64 ", reload REFUSED %s: %s", whole_of(config, "generation"),
            text_of(reload, "at"), text_of(reload, "text"));
}

/* What a figure in the table alone would not make anybody look at. */
static void show_worker_trouble(struct screen *screen, const struct json_value *worker)
{
    int64_t id = whole_of(worker, "worker"), packets = whole_of(worker, "packets");
    int64_t kernel = whole_of(worker, "kernel_drops"), nic = whole_of(worker, "interface_drops");
    int64_t parked = whole_of(worker, "parked"), restarts = whole_of(worker, "restarts");
    const char *death = json_text(json_get(worker, "last_death"));
    char share[FIGURE];
    if (kernel > 0 || nic > 0)
        row(screen, "",
            "worker %" PRId64 " LOST PACKETS: %" PRId64 " dropped by the kernel, %" PRId64
            " by the interface (%s)",
            id, kernel, nic, percent(kernel + nic, packets + kernel + nic, share));
    if (parked > 0)
        row(screen, "", "worker %" PRId64 " RING FULL: %" PRId64 " ended flows wait for room in it",
            id, parked);
    if (restarts > 0 || death)
        row(screen, "", "worker %" PRId64 " RESTARTED: %" PRId64 " so far, the last: %s", id,
            restarts, death ? death : "?");
}

static void show_capture(struct screen *screen, const struct json_value *status)
{
    const struct json_value *list = json_get(status, "capture"), *worker;
    row(screen, "capture", "%-8s %11s %9s   %s", "state", "packets/s", "bytes/s",
        "ring in use, lasts");
    for (size_t i = 0; (worker = json_at(list, i)) != NULL; i++) {
        const struct json_value *ring = json_get(worker, "ring");
        char label[FIGURE], text[5][FIGURE];
        snprintf(label, sizeof label, "  %" PRId64, whole_of(worker, "worker"));
        row(screen, label, "%-8s %11s %9s   %7s of %sB, %s", text_of(worker, "state"),
            scaled((double)whole_of(worker, "packets_per_s"), text[0]),
            scaled((double)whole_of(worker, "bytes_per_s"), text[1]),
            percent(whole_of(ring, "used_bytes"), whole_of(ring, "bytes"), text[2]),
            scaled((double)whole_of(ring, "bytes"), text[3]),
            seconds(decimal_of(ring, "seconds"), text[4]));
        show_worker_trouble(screen, worker);
    }
}

static void show_interfaces(struct screen *screen, const struct json_value *status)
{
    const struct json_value *list = json_get(status, "interfaces"), *interface;
    for (size_t i = 0; (interface = json_at(list, i)) != NULL; i++) {
        const char *state = text_of(interface, "state");
        const char *shown = strcmp(state, "down") == 0   ? "DOWN"
                            : strcmp(state, "gone") == 0 ? "GONE"
                                                         : state;
        row(screen, i ? "" : "interfaces", "%s (%s): %s", text_of(interface, "name"),
            text_of(interface, "vantage"), shown);
    }
}

static void show_noise(struct screen *screen, const struct json_value *engine)
{
    int64_t silenced = whole_of(engine, "alerts_silenced"),
            quiet = whole_of(engine, "alerts_quiet");
    char text[FIGURE];
    if (silenced > 0 || quiet > 0)
        row(screen, "", "of these alerts %" PRId64 " silenced (%sB left), %" PRId64 " quiet",
            silenced, scaled((double)whole_of(engine, "silenced_bytes"), text), quiet);
}

static void show_engine(struct screen *screen, const struct json_value *status)
{
    const struct json_value *engine = json_get(status, "engine");
    const struct json_value *checkpoint = json_get(engine, "checkpoint");
    int64_t late = whole_of(engine, "records_late"), restarts = whole_of(engine, "restarts");
    char text[4][FIGURE];
    row(screen, "engine", "%" PRId64 " hosts: %" PRId64 " ready, %" PRId64 " still learning",
        whole_of(engine, "hosts"), whole_of(engine, "hosts_ready"),
        whole_of(engine, "hosts_learning"));
    row(screen, "", "alerts: %" PRId64 "; incidents open: %" PRId64 "; flows open: %s",
        whole_of(engine, "alerts"), whole_of(engine, "incidents_open"),
        scaled((double)whole_of(engine, "open_flows"), text[0]));
    show_noise(screen, engine);
    row(screen, "", "%s records, %s waiting; checkpoint of %sB, age %s",
        scaled((double)whole_of(engine, "records"), text[0]),
        scaled((double)whole_of(engine, "waiting_records"), text[1]),
        scaled((double)whole_of(checkpoint, "bytes"), text[2]),
        seconds(decimal_of(checkpoint, "age_s"), text[3]));
    const struct json_value *closing = json_get(engine, "closing");
    if (whole_of(closing, "sensors_waited") > 0)
        row(screen, "", "%" PRId64 " hours wait for %" PRId64 " other sensors to be closed",
            whole_of(closing, "hours"), whole_of(closing, "sensors_waited"));
    if (whole_of(closing, "totals_late") > 0)
        row(screen, "", "%" PRId64 " HOST-HOURS WERE CLOSED WITHOUT THIS SENSOR",
            whole_of(closing, "totals_late"));
    if (whole_of(json_get(engine, "halves"), "joined") > 0)
        row(screen, "", "of %" PRId64 " flows another sensor saw the other direction",
            whole_of(json_get(engine, "halves"), "joined"));
    if (whole_of(json_get(engine, "zones"), "flows_drifted") > 0)
        row(screen, "",
            "%" PRId64
            " flows between zones asked for what their conduit does not list: weir zones drift",
            whole_of(json_get(engine, "zones"), "flows_drifted"));
    if (late > 0)
        row(screen, "", "%" PRId64 " records came LATE, behind their watermark", late);
    if (restarts > 0)
        row(screen, "", "RESTARTED from its checkpoint: %" PRId64 " so far", restarts);
}

/* What it means that the store is away is said here: alerts alone would say `stale`. */
static void show_redis(struct screen *screen, const struct json_value *redis)
{
    const char *state = text_of(redis, "state"), *why = json_text(json_get(redis, "why"));
    int64_t hours = whole_of(redis, "hours_open"), lost = whole_of(redis, "hours_unlearned");
    int64_t damaged = whole_of(redis, "profiles_damaged");
    bool behind = false;
    char text[FIGURE];
    json_truth(json_get(redis, "behind"), &behind);
    if (why) {
        row(screen, "redis", "%s since %s: %s", strcmp(state, "away") == 0 ? "AWAY" : "READS ONLY",
            text_of(redis, "since"), why);
        row(screen, "", "judged by what is known; %" PRId64 " hours wait to be learned", hours);
    } else {
        row(screen, "redis", "%s, %" PRId64 " commands pending, %s", state,
            whole_of(redis, "pending"), text_of(redis, "url"));
    }
    if (behind)
        row(screen, "", "it was away: CATCHING UP, %" PRId64 " hours are open", hours);
    if (lost > 0)
        row(screen, "", "%" PRId64 " hours waited too long and are NOT LEARNED, %sB", lost,
            scaled((double)whole_of(redis, "unlearned_bytes"), text));
    if (damaged > 0)
        row(screen, "", "%" PRId64 " DAMAGED PROFILES: their hosts are judged like unknown ones",
            damaged);
}

static void show_courier(struct screen *screen, const struct json_value *courier)
{
    const char *state = text_of(courier, "state"),
               *death = json_text(json_get(courier, "last_death"));
    int64_t restarts = whole_of(courier, "restarts");
    if (!courier)
        return;
    bool well = strcmp(state, "running") == 0;
    row(screen, "courier", "%s", well ? state : "NOT RUNNING: alerts wait in the journal");
    if (restarts > 0)
        row(screen, "", "RESTARTED: %" PRId64 " so far, the last: %s", restarts,
            death ? death : "?");
}

/* "file /a"; one with a name of its own: "siem (redis)". */
static void sink_label(const struct json_value *sink, char *label, size_t size)
{
    const char *name = json_text(json_get(sink, "name")), *type = text_of(sink, "type");
    const char *path = json_text(json_get(sink, "path"));
    bool named = name && strcmp(name, type) != 0;
    snprintf(label, size, "%s%s%s%s%s%s", named ? name : "", named ? " (" : "", type,
             path ? " " : "", path ? path : "", named ? ")" : "");
}

static void show_sink(struct screen *screen, const char *head, const struct json_value *sink)
{
    const char *state = text_of(sink, "state"), *why = json_text(json_get(sink, "last_error"));
    int64_t lag = whole_of(sink, "lag_s"), refused = whole_of(sink, "refused");
    bool well = strcmp(state, "ok") == 0;
    char label[256], since[48] = "", letters[64] = "";
    sink_label(sink, label, sizeof label);
    if (lag > 0)
        snprintf(since, sizeof since, " for %" PRId64 " s", lag);
    if (refused > 0)
        snprintf(letters, sizeof letters, ", %" PRId64 " REFUSED", refused);
    row(screen, head, "%s: %s, %" PRId64 " delivered, %" PRId64 " behind%s%s%s%s", label,
        strcmp(state, "dead") == 0      ? "DEAD"
        : strcmp(state, "waiting") == 0 ? "FAILING"
        : well                          ? state
                                        : "BEHIND",
        whole_of(sink, "delivered"), whole_of(sink, "behind"), since, letters,
        why && !well ? ": " : "", why && !well ? why : "");
}

static void show_evidence(struct screen *screen, const struct json_value *evidence)
{
    char text[2][FIGURE];
    int64_t missed = whole_of(evidence, "missed_packets"),
            beyond = whole_of(evidence, "beyond_packets"),
            failures = whole_of(evidence, "failures");
    if (!evidence || !json_is_record(evidence))
        return;
    row(screen, "evidence", "%s%" PRId64 " incidents (%" PRId64 " open), %sB; held since %s",
        whole_of(evidence, "pid") > 0 ? "" : "KEEPER NOT RUNNING; ",
        whole_of(evidence, "incidents"), whole_of(evidence, "open"),
        scaled((double)whole_of(evidence, "bytes"), text[0]), text_of(evidence, "oldest"));
    if (missed > 0)
        row(screen, "", "%s packets were OVERWRITTEN before they were looked at (evidence.mib)",
            scaled((double)missed, text[1]));
    if (beyond > 0)
        row(screen, "", "%s packets had NO ROOM (evidence.incident_mib, evidence.kept_mib)",
            scaled((double)beyond, text[1]));
    if (failures > 0)
        row(screen, "", "%" PRId64 " FAILURES to write or read", failures);
}

/* Who asked and was turned away may be a broken script, or somebody who keeps others from asking.
 */
static void show_api(struct screen *screen, const struct json_value *api)
{
    int64_t refused = whole_of(api, "refused"), bad = whole_of(api, "bad");
    if (refused > 0 || bad > 0)
        row(screen, "api", "%s: %" PRId64 " connections REFUSED, %" PRId64 " bad requests",
            text_of(api, "listener"), refused, bad);
}

static void show_outside(struct screen *screen, const struct json_value *status)
{
    const struct json_value *list = json_get(status, "sinks"), *sink;
    show_redis(screen, json_get(status, "redis"));
    show_courier(screen, json_get(status, "courier"));
    for (size_t i = 0; (sink = json_at(list, i)) != NULL; i++)
        show_sink(screen, i ? "" : "sinks", sink);
    show_evidence(screen, json_get(status, "evidence"));
    for (size_t i = 0; (sink = json_at(json_get(status, "api"), i)) != NULL; i++)
        show_api(screen, sink);
}

static void show_lines(struct screen *screen, const char *label, const struct json_value *list)
{
    for (size_t i = 0; i < json_length(list); i++) {
        const char *line = json_text(json_at(list, i));
        row(screen, i ? "" : label, "%s", line ? line : "?");
    }
}

static void show_blind(struct screen *screen, const struct json_value *status)
{
    const struct json_value *list = json_get(status, "blind");
    const struct json_value *coverage = json_get(status, "coverage");
    int64_t seen = whole_of(coverage, "tcp_payload_bytes");
    int64_t missing = whole_of(coverage, "tcp_missing_bytes");
    char text[3][FIGURE];
    row(screen, "coverage", "%s packets; TCP payload %sB, %sB more not seen (%s)",
        scaled((double)whole_of(coverage, "packets"), text[0]), scaled((double)seen, text[1]),
        scaled((double)missing, text[2]), percent(missing, seen + missing, (char[FIGURE]){0}));
    show_lines(screen, "judged", json_get(status, "judged"));
    show_lines(screen, "learning", json_get(status, "learning"));
    show_lines(screen, "BLIND NOW", list);
    if (json_length(list) == 0)
        row(screen, "blind now", "to nothing that it knows of");
}

char *status_text(const struct json_value *status, int width)
{
    struct screen screen = {.width = width < 40 ? 40 : (size_t)width};
    show_sensor(&screen, status);
    show_capture(&screen, status);
    show_interfaces(&screen, status);
    show_engine(&screen, status);
    show_outside(&screen, status);
    show_blind(&screen, status);
    buffer_u8(&screen.out, 0);
    return (char *)screen.out.data;
}
