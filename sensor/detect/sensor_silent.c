/* sensor.blind, the part that is not counted losses: a silence where there was always life, or a
 * part of the sensor that was away. Each kind is a line of a table: its code, its name, its score.
 * The tap and a direction wake somebody: nothing or only half is judged while they last. What is
 * over is told with its interval. Thread: any (pure). */
#include "rows.h"
#include "weir/detect/silence.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define SHORT_ABSENCE_NS NS_PER_MIN /* a restart that was wanted takes no longer */

struct silence_row {
    const char *code, *name, *unit;
    int score;
};

static const struct silence_row rows[] = {
    [SILENT_TAP] = {"sensor.blind.silent.tap", "tap", "s", 90},
    [SILENT_OUT] = {"sensor.blind.silent.direction", "direction out", "s", 85},
    [SILENT_IN] = {"sensor.blind.silent.direction", "direction in", "s", 85},
    [SILENT_VLAN] = {"sensor.blind.silent.vlan", "vlan", "s", 65},
    [SILENT_HOSTS] = {"sensor.blind.silent.hosts", "hosts", "host", 60},
    [ABSENT_WORKER] = {"sensor.blind.absent", "worker", "s", 60},
    [ABSENT_SENSOR] = {"sensor.blind.absent", "engine", "s", 60},
};
static_assert(sizeof rows / sizeof *rows == SILENCES, "a row for every kind");

char *silence_name(const struct silence *silence, char name[SILENCE_NAME_SIZE])
{
    const char *kind = rows[silence->kind].name;
    if (silence->kind == SILENT_VLAN)
        snprintf(name, SILENCE_NAME_SIZE, "%s %u", kind, silence->vlan);
    else if (silence->kind == ABSENT_WORKER)
        snprintf(name, SILENCE_NAME_SIZE, "%s %" PRIu32 " %" PRId64, kind, silence->worker % 10000,
                 silence->from.ns);
    else if (silence->kind == ABSENT_SENSOR)
        snprintf(name, SILENCE_NAME_SIZE, "%s %" PRId64, kind, silence->from.ns);
    else
        snprintf(name, SILENCE_NAME_SIZE, "%s", kind);
    return name;
}

/* --- words ------------------------------------------------------------------------------------ */

#define SPAN_TEXT_SIZE 32

/* "0.8 s", "4 min 3 s", "2 h 5 min" */
static char *span_text(int64_t ns, char text[SPAN_TEXT_SIZE])
{
    int64_t s = ns / NS_PER_S;
    if (ns < NS_PER_MIN)
        snprintf(text, SPAN_TEXT_SIZE, "%" PRId64 ".%" PRId64 " s", s,
                 ns % NS_PER_S / (NS_PER_S / 10));
    else if (ns < NS_PER_HOUR)
        snprintf(text, SPAN_TEXT_SIZE, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
    else
        snprintf(text, SPAN_TEXT_SIZE, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
    return text;
}

#define WHAT_TEXT_SIZE 64

static char *what_text(const struct silence *s, char text[WHAT_TEXT_SIZE])
{
    static const char *const fixed[SILENCES] = {
        [SILENT_TAP] = "no packets at all",
        [SILENT_OUT] = "no packets from inside to outside",
        [SILENT_IN] = "no packets from outside to inside",
        [ABSENT_SENSOR] = "the sensor was not running",
    };
    if (s->kind == SILENT_VLAN && s->vlan > 0)
        snprintf(text, WHAT_TEXT_SIZE, "no packets of VLAN %u", s->vlan);
    else if (s->kind == SILENT_VLAN)
        snprintf(text, WHAT_TEXT_SIZE, "no untagged packets");
    else if (s->kind == SILENT_HOSTS)
        snprintf(text, WHAT_TEXT_SIZE, "%" PRIu32 " of %" PRIu32 " usual hosts silent", s->hosts,
                 s->of);
    else if (fixed[s->kind])
        snprintf(text, WHAT_TEXT_SIZE, "%s", fixed[s->kind]);
    return text;
}

static void write_text(const struct silence *s, char *text, size_t size)
{
    char what[WHAT_TEXT_SIZE], from[32], until[32], span[SPAN_TEXT_SIZE], longest[SPAN_TEXT_SIZE];
    what_text(s, what);
    ptime_iso(s->from, from, sizeof from);
    ptime_iso(s->until, until, sizeof until);
    span_text(s->until.ns - s->from.ns, span);
    span_text(s->longest_ns, longest);
    if (s->kind == ABSENT_WORKER && s->lasting)
        snprintf(text, size, "capture worker %" PRIu32 " %s: blind since %s, and still (%s)",
                 s->worker, s->why ? s->why : "is away", from, span);
    else if (s->kind == ABSENT_WORKER)
        snprintf(text, size,
                 "capture worker %" PRIu32 " %s: blind from %s to %s (%s); %" PRIu64
                 " open flows were closed as lost, up to 10 s of each before were not told yet",
                 s->worker, s->why ? s->why : "was away", from, until, span, s->flows_lost);
    else if (s->kind == ABSENT_SENSOR || s->over)
        snprintf(text, size, "%s from %s to %s (%s)", what, from, until, span);
    else if (s->gone)
        snprintf(text, size, "%s since %s: no longer expected after %s", what, from, span);
    else if (s->kind == SILENT_HOSTS)
        snprintf(text, size, "%s since %s", what, from);
    else
        snprintf(text, size,
                 "%s since %s (usual: always, the longest silence of the last hour was %s)", what,
                 from, longest);
}

/* --- the finding ------------------------------------------------------------------------------ */

static double seconds(int64_t ns)
{
    int64_t ms = ns / NS_PER_MS;
    return (double)ms / 1000;
}

static bool watched(enum silence_kind kind)
{
    return kind <= SILENT_VLAN;
}

bool judge_silence(const struct silence *silence, struct finding *finding)
{
    const struct silence_row *row = &rows[silence->kind];
    struct reason *reason = &finding->reason[0];
    int64_t silent_ns = silence->until.ns - silence->from.ns;
    *reason = (struct reason){.code = row->code, .unit = row->unit, .weight = 1};
    reason->observed = silence->kind == SILENT_HOSTS ? silence->hosts : seconds(silent_ns);
    reason->samples = silence->kind == SILENT_HOSTS ? silence->of : 0;
    if (watched(silence->kind)) {
        reason->expected[1] = seconds(silence->longest_ns);
        finding->needs = seconds(silence->needs_ns);
        finding->needs_unit = "s";
    }
    write_text(silence, reason->text, sizeof reason->text);
    finding->reason_count = 1;
    finding->evidence = 1; /* told once, and its end: it is a state, not an amount */
    finding->score = row->score;
    if (silence->kind == ABSENT_SENSOR && silent_ns < SHORT_ABSENCE_NS)
        finding->score = 40;
    return true;
}
