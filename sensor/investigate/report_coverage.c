/* What the report cannot say: from the summary, the sensor's own alerts, the heartbeats, and from
 * what was not there to be read. Each line has what it may hide beside what was not seen. Thread:
 * any. */
#include "report_local.h"

#include "weir/base/buffer.h"
#include "weir/base/figures.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From here on what is not told proves nothing (as sensor.blind has them; docs/detection.md). */
#define GRAVE_DROPS     0.001
#define GRAVE_MISSING   0.01
#define GRAVE_ONE_SIDED 0.5
#define TOLD_MAX        8 /* lines of a kind */

/* `arguments`: as many texts as the phrase has places, then NULL. The last place is kept for how
 * many had none. */
static void add(struct report *report, enum say say, bool grave, ...)
{
    if (report->facts >= REPORT_FACTS - 1) {
        report->facts_more++;
        return;
    }
    struct report_fact *fact = &report->fact[report->facts++];
    const char *argument;
    size_t count = 0;
    va_list arguments;
    *fact = (struct report_fact){.say = say, .grave = grave};
    va_start(arguments, grave);
    while (count < REPORT_FACT - 1 && (argument = va_arg(arguments, const char *)) != NULL)
        fact->argument[count++] = xstrdup(argument);
    va_end(arguments);
}

static const struct json_value *covered(const struct report *report, const char *path)
{
    return json_find(json_get(report->summary, "coverage"), path);
}

static uint64_t counted(const struct report *report, const char *path)
{
    int64_t value;
    return json_whole(covered(report, path), &value) && value > 0 ? (uint64_t)value : 0;
}

static bool overlaps(const struct report *report, struct ptime from, struct ptime until)
{
    return from.ns <= report->question.until.ns && until.ns >= report->question.since.ns;
}

/* --- what was there to be read ---------------------------------------------------------------- */

static bool has_source(const struct report *report, const char *name)
{
    for (size_t i = 0; i < report->sources; i++)
        if (strcmp(report->source[i].name, name) == 0)
            return report->source[i].there;
    return false;
}

static void add_absent(struct report *report)
{
    if (!report->summary)
        add(report, SAY_COVER_NO_SUMMARY, report->is_case, NULL);
    if (!has_source(report, "flows.ndjson"))
        add(report, SAY_COVER_NO_FLOWS, report->question.destination != NULL, NULL);
    if (!report->manifest)
        add(report, report->manifest_large ? SAY_COVER_EVIDENCE_LARGE : SAY_COVER_NO_EVIDENCE,
            false, NULL);
}

/* When what was read began and ended: inputs, or the journal's records. */
static void find_span(const struct report *report, struct ptime *first, struct ptime *last)
{
    const struct json_value *inputs = json_get(report->summary, "inputs");
    *first = report->is_case ? PTIME_MAX : report->first;
    *last = report->is_case ? PTIME_MIN : report->last;
    for (size_t i = 0; i < json_length(inputs); i++) {
        struct ptime from, to;
        if (!ptime_of_iso(line_text(json_at(inputs, i), "first"), &from) ||
            !ptime_of_iso(line_text(json_at(inputs, i), "last"), &to))
            continue;
        *first = from.ns < first->ns ? from : *first;
        *last = to.ns > last->ns ? to : *last;
    }
}

static void add_span(struct report *report)
{
    const struct report_question *q = &report->question;
    struct ptime first, last;
    char from[32], to[32];
    find_span(report, &first, &last);
    bool known = first.ns != INT64_MIN && first.ns != INT64_MAX && last.ns != INT64_MIN;
    if (known)
        add(report, SAY_COVER_SPAN, false, report_time(first, from), report_time(last, to), NULL);
    bool before = q->since.ns != INT64_MIN && (!known || q->since.ns < first.ns);
    bool behind = q->until.ns != INT64_MAX && (!known || q->until.ns > last.ns);
    if (before || behind)
        add(report, SAY_COVER_OUTSIDE_SPAN, true,
            q->since.ns == INT64_MIN ? "…" : report_time(q->since, from),
            q->until.ns == INT64_MAX ? "…" : report_time(q->until, to), NULL);
}

static void add_hole(struct report *report, enum say say, struct ptime from, struct ptime until)
{
    char a[32], b[32];
    if (overlaps(report, from, until))
        add(report, say, true, report_time(from, a), report_time(until, b), NULL);
}

static void add_holes(struct report *report)
{
    const struct json_value *gaps = covered(report, "gaps");
    uint64_t more = report->gaps_more;
    char text[FIGURE_SIZE];
    for (size_t i = 0; i < json_length(gaps); i++) {
        struct ptime from, until;
        if (!ptime_of_iso(line_text(json_at(gaps, i), "from"), &from) ||
            !ptime_of_iso(line_text(json_at(gaps, i), "to"), &until))
            continue;
        if (i < TOLD_MAX)
            add_hole(report, SAY_COVER_GAP, from, until);
        else
            more += overlaps(report, from, until);
    }
    for (size_t i = 0; i < report->gaps; i++)
        if (i < TOLD_MAX)
            add_hole(report, SAY_COVER_NO_BEAT, report->gap[i].from, report->gap[i].until);
        else
            more += overlaps(report, report->gap[i].from, report->gap[i].until);
    if (more > 0)
        add(report, SAY_COVER_GAPS_MORE, true, figure_count(more, text), NULL);
    if (!report->is_case && report->beat.ns == INT64_MIN)
        add(report, report->question.of_memory ? SAY_COVER_OF_MEMORY : SAY_COVER_NO_BEAT_AT_ALL,
            true, NULL);
}

/* What the sensor told of itself. */
static void add_blind(struct report *report)
{
    size_t count, shown = 0;
    uint64_t more = 0;
    char from[32], until[32], text[FIGURE_SIZE];
    const struct retold_incident **sorted = retold_sorted(&report->told, &count);
    for (size_t i = 0; i < count; i++) {
        if (!sorted[i]->sensor || !overlaps(report, sorted[i]->start, sorted[i]->end))
            continue;
        if (shown++ < TOLD_MAX)
            add(report, SAY_COVER_BLIND, true, report_time(sorted[i]->start, from),
                report_time(sorted[i]->end, until), sorted[i]->text, NULL);
        else
            more++;
    }
    free(sorted);
    if (more > 0)
        add(report, SAY_COVER_BLIND_MORE, true, figure_count(more, text), NULL);
}

/* --- what was lost on the way ----------------------------------------------------------------- */

static void add_drops(struct report *report)
{
    uint64_t drops =
        counted(report, "sensor.kernel_drops") + counted(report, "sensor.interface_drops");
    uint64_t packets = counted(report, "sensor.packets") + drops;
    char text[FIGURE_SIZE], share[FIGURE_SIZE];
    bool recorded = false;
    json_truth(covered(report, "drops_recorded"), &recorded);
    if (drops > 0)
        add(report, SAY_COVER_DROPS, (double)drops >= GRAVE_DROPS * (double)packets,
            figure_count(drops, text), figure_percent((double)drops, (double)packets, share), NULL);
    if (!recorded)
        add(report, SAY_COVER_DROPS_UNKNOWN, false, NULL);
}

static void add_missing(struct report *report)
{
    uint64_t missing = counted(report, "sensor.tcp_missing_bytes");
    uint64_t all = counted(report, "sensor.tcp_payload_bytes") + missing;
    char text[FIGURE_SIZE], share[FIGURE_SIZE];
    if (missing == 0)
        add(report, SAY_COVER_WHOLE, false, NULL);
    else
        add(report, SAY_COVER_MISSING, (double)missing >= GRAVE_MISSING * (double)all,
            figure_bytes(missing, text), figure_percent((double)missing, (double)all, share), NULL);
}

static void add_one_sided(struct report *report)
{
    const struct json_value *list = covered(report, "one_sided.not_seen_sending");
    double share = 0;
    char text[FIGURE_SIZE];
    json_decimal(covered(report, "one_sided.share"), &share);
    if (share > 0)
        add(report, SAY_COVER_ONE_SIDED, share >= GRAVE_ONE_SIDED, figure_percent(share, 1, text),
            NULL);
    for (size_t i = 0; i < json_length(list) && i < TOLD_MAX; i++) {
        int64_t high = line_whole(json_at(list, i), "high", 0);
        add(report, SAY_COVER_NOT_SENDING, false, line_text(json_at(list, i), "host"),
            figure_bytes(high > 0 ? (uint64_t)high : 0, text), NULL);
    }
}

/* --- what was not understood ------------------------------------------------------------------ */

static uint64_t sealed_of(const struct json_value *services)
{
    uint64_t bytes = 0;
    for (int i = 1; i < SERVICES; i++)
        if (service_is_sealed((enum service)i))
            bytes += report_volume_of(json_get(services, service_name[i])).value;
    return bytes;
}

static void add_content(struct report *report)
{
    const struct json_value *services = covered(report, "out_bytes_by_service");
    double all = (double)report_volume_of(covered(report, "out_bytes")).value;
    double sealed = (double)sealed_of(services);
    double unknown = (double)report_volume_of(json_get(services, "unknown")).value;
    uint64_t unseen = counted(report, "sensor.stream_gap_bytes");
    char text[FIGURE_SIZE];
    if (sealed > 0)
        add(report, SAY_COVER_SEALED, false, figure_percent(sealed, all, text), NULL);
    if (unknown > 0)
        add(report, SAY_COVER_UNKNOWN, false, figure_percent(unknown, all, text), NULL);
    if (unseen > 0)
        add(report, SAY_COVER_INSPECTION_GAP, false, figure_bytes(unseen, text), NULL);
}

/* What is wrong with an input comes first: it may hide what was asked for. */
static void add_damaged(struct report *report, const struct json_value *inputs)
{
    size_t shown = 0;
    uint64_t more = 0;
    char text[FIGURE_SIZE];
    for (size_t i = 0; i < json_length(inputs); i++) {
        const struct json_value *input = json_at(inputs, i);
        const char *problem = json_text(json_get(input, "problem"));
        int64_t unread = line_whole(input, "lines_unread", 0);
        if (!problem && unread <= 0)
            continue;
        if (shown++ >= TOLD_MAX)
            more++;
        else if (problem)
            add(report, SAY_COVER_INPUT_DAMAGED, true, line_text(input, "name"), problem, NULL);
        else
            add(report, SAY_COVER_INPUT_LINES, true, line_text(input, "name"),
                figure_count((uint64_t)unread, text), NULL);
    }
    if (more > 0)
        add(report, SAY_COVER_INPUTS_DAMAGED, true, figure_count(more, text), NULL);
}

static void add_inputs(struct report *report)
{
    const struct json_value *inputs = json_get(report->summary, "inputs");
    size_t logs = 0;
    char text[FIGURE_SIZE];
    add_damaged(report, inputs);
    for (size_t i = 0; i < json_length(inputs); i++) {
        const struct json_value *input = json_at(inputs, i);
        if (json_get(input, "connections") && logs++ < TOLD_MAX)
            add(report, SAY_COVER_INPUT_LOG, false, line_text(input, "name"), NULL);
    }
    if (logs > TOLD_MAX)
        add(report, SAY_COVER_INPUT_LOGS, false, figure_count(logs - TOLD_MAX, text), NULL);
}

/* What the replay was asked to tell, and nothing else. Grave, though the question may be about
 * just that: a prefix or a name is not compared here. */
static void add_asked(struct report *report)
{
    const struct json_value *told = json_get(report->summary, "told");
    int64_t unasked = line_whole(told, "findings_unasked", 0);
    const char *about[] = {line_text(told, "host"), line_text(told, "destination")};
    const char *from = line_text(told, "from");
    char text[FIGURE_SIZE];
    for (size_t i = 0; i < sizeof about / sizeof *about; i++)
        if (*about[i])
            add(report, SAY_COVER_ONLY_ABOUT, true, about[i],
                figure_count(unasked > 0 ? (uint64_t)unasked : 0, text), NULL);
    if (*from)
        add(report, SAY_COVER_ONLY_FROM, true, from, NULL);
}

static void add_unread(struct report *report)
{
    const struct json_value *unread = covered(report, "unread");
    const struct json_value *inputs = json_get(report->summary, "inputs");
    uint64_t cut = counted(report, "sensor.cut_packets");
    int64_t longest = 0;
    char text[FIGURE_SIZE], most[FIGURE_SIZE];
    for (size_t i = 0; i < json_length(inputs); i++) {
        int64_t here = line_whole(json_at(inputs, i), "longest_cut", 0);
        longest = here > longest ? here : longest;
    }
    if (cut > 0)
        add(report, SAY_COVER_CUT, false, figure_count(cut, text),
            figure_count((uint64_t)longest, most), NULL);
    for (size_t i = 0; i < json_length(unread) && i < TOLD_MAX; i++) {
        int64_t packets = line_whole(json_at(unread, i), "packets", 0);
        add(report, SAY_COVER_UNREAD, false, figure_count((uint64_t)packets, text),
            line_text(json_at(unread, i), "text"), NULL);
    }
}

/* --- what was not judged ---------------------------------------------------------------------- */

static void add_judged(struct report *report)
{
    int64_t learning = line_whole(report->summary, "judged.learning_out_bytes", 0);
    int64_t ready = report->summary ? line_whole(report->summary, "judged.hosts_ready", 0)
                                    : report->hosts_ready;
    const struct json_value *transit = json_find(report->summary, "scopes.transit.payload_bytes");
    bool guessed = false;
    char text[FIGURE_SIZE];
    if (learning > 0)
        add(report, SAY_COVER_LEARNING, false, figure_bytes((uint64_t)learning, text), NULL);
    if (ready == 0)
        add(report, SAY_COVER_NOT_READY, true, NULL);
    if (report->question.host && has_source(report, "flows.ndjson") &&
        report->asked.host_flows == 0)
        add(report, SAY_COVER_HOST_UNSEEN, true, NULL);
    json_truth(json_get(report->summary, "inside_guessed"), &guessed);
    if (guessed)
        add(report, SAY_COVER_INSIDE_GUESSED, false, NULL);
    if (report_volume_of(transit).value > 0)
        add(report, SAY_COVER_NEITHER_INSIDE, false,
            figure_bytes(report_volume_of(transit).value, text), NULL);
}

/* Every bound by its name in summary.json; what inspection did not see has a line of its own. */
static void add_bounds(struct report *report)
{
    struct json_walk walk = json_members(covered(report, "bounds"));
    struct buffer list = {0};
    char text[FIGURE_SIZE];
    while (json_step(&walk)) {
        int64_t count;
        if (json_whole(walk.value, &count) && count > 0 &&
            strcmp(walk.key, "stream_gap_bytes") != 0)
            buffer_text(&list, "%s%s %s", list.size ? ", " : "", walk.key,
                        figure_count((uint64_t)count, text));
    }
    buffer_u8(&list, 0);
    if (list.size > 1)
        add(report, SAY_COVER_BOUNDS, false, (const char *)list.data, NULL);
    buffer_fini(&list);
}

static void add_told(struct report *report)
{
    uint64_t bad = report->lines_bad + report->unread, silenced = 0;
    char text[FIGURE_SIZE];
    size_t position = 0;
    for (const struct map_entry *e; (e = map_next(&report->told.incidents, &position)) != NULL;)
        silenced += ((const struct retold_incident *)e->value)->silenced;
    if (bad > 0)
        add(report, SAY_COVER_LINES, true, figure_count(bad, text), NULL);
    if (report->told.beyond > 0)
        add(report, SAY_COVER_BEYOND, true, figure_count(report->told.beyond, text), NULL);
    if (silenced > 0)
        add(report, SAY_COVER_SILENCED, false, figure_count(silenced, text), NULL);
}

/* What is not told may be what counts. */
static void add_more(struct report *report)
{
    char text[FIGURE_SIZE];
    if (report->facts_more == 0)
        return;
    struct report_fact *fact = &report->fact[report->facts++];
    *fact = (struct report_fact){.say = SAY_COVER_MORE, .grave = true};
    fact->argument[0] = xstrdup(figure_count(report->facts_more, text));
}

void report_coverage(struct report *report)
{
    add_absent(report);
    add_span(report);
    add_holes(report);
    add_blind(report);
    add_inputs(report);
    add_asked(report);
    if (report->summary) {
        add_drops(report);
        add_missing(report);
        add_one_sided(report);
        add_content(report);
        add_unread(report);
    }
    add_judged(report);
    add_bounds(report);
    add_told(report);
    add(report, SAY_COVER_ONE_LINK, false, NULL);
    add_more(report);
}

enum report_verdict report_verdict_of(const struct report *report)
{
    for (size_t i = 0; i < report->incidents; i++)
        if (!report->incident[i].sensor)
            return REPORT_LEFT;
    if (report->question.destination && report->asked.flows.out.value > 0)
        return REPORT_LEFT;
    for (size_t i = 0; i < report->facts; i++)
        if (report->fact[i].grave)
            return REPORT_CANNOT_SAY;
    return report->incidents > 0 ? REPORT_CANNOT_SAY : REPORT_NO_SIGN;
}
