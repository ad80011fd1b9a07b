/* An explained alert in plain English: what happened, why it was told, what it was judged against,
 * what could not be seen, what the detector is, and the incident's history. A paragraph is written
 * whole, made harmless for a terminal (names in it were chosen by strangers), then wrapped. What a
 * record does not say is not spoken of. Thread: any. */
#include "explain.h"

#include "explain_words.h"
#include "weir/alert/attack.h"
#include "weir/base/buffer.h"
#include "weir/base/figures.h"
#include "weir/base/terminal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS     88
#define FLOWS_SHOWN 4

/* --- paragraphs --------------------------------------------------------------------------------
 */

/* The bytes of `text` that fit, cut at a blank where there is one. */
static size_t fitting(const char *text, size_t columns)
{
    size_t at = 0, blank = 0;
    for (size_t used = 0; text[at]; at++) {
        used += (text[at] & 0xc0) != 0x80; /* UTF-8: one column a character */
        if (used > columns)
            return blank ? blank : at;
        if (text[at] == ' ')
            blank = at;
    }
    return at;
}

/* Writes `part` as a paragraph, indented, and empties it. `first`: before its first line. */
static void put_paragraph(struct buffer *out, struct buffer *part, const char *first)
{
    int indent = (int)strlen(first);
    while (part->size > 0 && part->data[part->size - 1] == ' ')
        part->size--;
    buffer_u8(part, 0);
    char *text = (char *)part->data;
    terminal_make_harmless(text);
    for (const char *at = text; *at;) {
        size_t size = fitting(at, COLUMNS - (size_t)indent);
        buffer_text(out, "%*s%.*s\n", indent, first, (int)size, at);
        at += size + strspn(at + size, " ");
        first = "";
    }
    buffer_fini(part);
}

static void put_title(struct buffer *out, const char *title)
{
    buffer_text(out, "\n%s\n", title);
}

/* --- sections ----------------------------------------------------------------------------------
 */

/* What people had said of it when it was told. */
static void put_said(struct buffer *out, const struct json_value *record)
{
    struct buffer part = {0};
    if (line_is_silenced(record))
        buffer_text(
            &part, "Silenced by %s until %s: %s. ", line_text(record, "weir.silenced.author"),
            line_text(record, "weir.silenced.until"), line_text(record, "weir.silenced.reason"));
    if (json_find(record, "weir.acknowledged"))
        buffer_text(&part, "Acknowledged by %s at %s. ", line_text(record, "weir.acknowledged.by"),
                    line_text(record, "weir.acknowledged.at"));
    if (json_find(record, "weir.judged"))
        buffer_text(&part, "Judged before: %s, by %s at %s. %s",
                    line_text(record, "weir.judged.verdict"), line_text(record, "weir.judged.by"),
                    line_text(record, "weir.judged.at"), line_text(record, "weir.judged.ticket"));
    put_paragraph(out, &part, "");
}

static void put_head(struct buffer *out, const struct json_value *record)
{
    struct buffer part = {0};
    char brief[16];
    const char *name = line_text(record, "rule.name");
    buffer_text(&part, "%s  %s: %s", incident_short(line_text(record, "weir.incident"), brief),
                line_text(record, "rule.id"), *name ? name : "(no name)");
    put_paragraph(out, &part, "");
    buffer_text(&part, "%s, score %" PRId64 " of 100, urgency %s, %s",
                line_text(record, "@timestamp"), line_whole(record, "weir.score", 0),
                line_text(record, "weir.urgency"), line_text(record, "weir.state"));
    put_paragraph(out, &part, "");
    buffer_text(&part, "alert %s", line_text(record, "event.id"));
    put_paragraph(out, &part, "");
    put_said(out, record);
}

static void put_what_happened(struct buffer *out, const struct json_value *record)
{
    struct buffer part = {0};
    put_title(out, "What happened");
    words_traffic(&part, record);
    put_paragraph(out, &part, "  ");
    words_names(&part, record);
    put_paragraph(out, &part, "  ");
    words_services(&part, record);
    put_paragraph(out, &part, "  ");
    words_content(&part, record);
    put_paragraph(out, &part, "  ");
}

static void put_why(struct buffer *out, const struct json_value *record)
{
    const struct json_value *reasons = json_find(record, "weir.reasons");
    const struct json_value *needs = json_find(record, "weir.would_not_fire_below");
    struct buffer part = {0};
    double value;
    put_title(out, "Why it was told");
    for (size_t i = 0; i < json_length(reasons); i++) {
        char number[32];
        snprintf(number, sizeof number, "  %zu. ", i + 1);
        buffer_text(&part, "%s", line_text(json_at(reasons, i), "text"));
        put_paragraph(out, &part, number);
        words_reason(&part, json_at(reasons, i));
        put_paragraph(out, &part, "     ");
    }
    if (!json_decimal(json_get(needs, "value"), &value))
        return;
    buffer_text(&part, "It would not have been told below ");
    words_amount(&part, value, line_text(needs, "unit"));
    buffer_u8(&part, '.');
    put_paragraph(out, &part, "  ");
}

static void put_baseline(struct buffer *out, const struct json_value *record)
{
    struct buffer part = {0};
    if (!json_find(record, "weir.baseline"))
        return;
    put_title(out, "What it was judged against");
    words_baseline(&part, record);
    put_paragraph(out, &part, "  ");
}

static void put_unseen(struct buffer *out, const struct json_value *record)
{
    struct buffer part = {0};
    put_title(out, "What could not be seen");
    for (size_t i = 0; words_unseen[i]; i++)
        if (words_unseen[i](&part, record))
            put_paragraph(out, &part, "  - ");
        else
            buffer_fini(&part);
}

static void put_attack(struct buffer *part, const char *id)
{
    const char *name = *id ? attack_name(id) : NULL;
    if (*id)
        buffer_text(part, "%s%s%s%s", part->size > 0 ? "; " : "ATT&CK: ", id, name ? " " : "",
                    name ? name : "");
}

static void put_detector(struct buffer *out, const struct json_value *record,
                         const struct rules *rules)
{
    const char *rule = line_text(record, "rule.id");
    const char *explains = explain_detector(rule, rules);
    struct buffer part = {0};
    put_title(out, "What this detector sees");
    if (explains)
        buffer_text(&part, "%s", explains);
    else
        buffer_text(&part, "%s is no row of this program or of the rules configured now.", rule);
    put_paragraph(out, &part, "  ");
    put_attack(&part, line_text(record, "threat.tactic.id.0"));
    put_attack(&part, line_text(record, "threat.technique.id.0"));
    put_attack(&part, line_text(record, "threat.technique.subtechnique.id.0"));
    put_paragraph(out, &part, "  ");
}

static void put_links(struct buffer *out, const struct json_value *record)
{
    const struct json_value *linked = json_find(record, "weir.linked");
    const struct json_value *flows = json_find(record, "weir.flows");
    struct buffer part = {0};
    if (json_length(linked) == 0 && json_length(flows) == 0)
        return;
    put_title(out, "Where to look on");
    for (size_t i = 0; i < json_length(linked); i++) {
        char brief[16];
        buffer_text(&part, "%s%s (%s)",
                    i > 0 ? ", " : "Other hosts with the same destination, open now: ",
                    incident_short(line_text(json_at(linked, i), "incident"), brief),
                    line_text(json_at(linked, i), "host"));
    }
    put_paragraph(out, &part, "  ");
    for (size_t i = 0; i < json_length(flows) && i < FLOWS_SHOWN; i++) {
        char bytes[FIGURE_SIZE];
        const struct json_value *flow = json_at(flows, i);
        int64_t size = line_whole(flow, "out_bytes", 0);
        buffer_text(&part, "flow %s, %s, %s out %s", line_text(flow, "community_id"),
                    line_text(flow, "start"), figure_bytes(size < 0 ? 0 : (uint64_t)size, bytes),
                    line_text(flow, "service"));
        put_paragraph(out, &part, "  ");
    }
    if (json_length(flows) > FLOWS_SHOWN)
        buffer_text(out, "  and %zu more in the record (--json)\n",
                    json_length(flows) - FLOWS_SHOWN);
}

/* --- the incident ------------------------------------------------------------------------------
 */

static void put_history(struct buffer *out, const struct explain *explain)
{
    bool skipped = false;
    put_title(out, "The incident so far");
    for (uint64_t n = 0; n < explain->raises; n++) {
        const struct explain_raise *raise = explain_raise_at(explain, n);
        struct buffer part = {0};
        char bytes[FIGURE_SIZE];
        if (!raise && !skipped)
            buffer_text(out, "  … %" PRIu64 " more\n", explain->raises - EXPLAIN_RAISES);
        skipped = !raise;
        if (!raise)
            continue;
        buffer_text(&part, "%.19sZ  %-6s  %3" PRId64 "  %-6s  %s%s%s", raise->time, raise->state,
                    raise->score, raise->urgency, raise->rule, raise->out_bytes >= 0 ? ", " : "",
                    raise->out_bytes >= 0 ? figure_bytes((uint64_t)raise->out_bytes, bytes) : "");
        put_paragraph(out, &part, "  ");
    }
    if (explain->rows_more > 0)
        buffer_text(out, "  %" PRIu64 " alerts of further detectors are not explained here.\n",
                    explain->rows_more);
}

static void put_people(struct buffer *out, const struct explain *explain)
{
    if (explain->people == 0)
        return;
    put_title(out, "What people did about it");
    if (explain->people > EXPLAIN_PEOPLE)
        buffer_text(out, "  … %" PRIu64 " more\n", explain->people - EXPLAIN_PEOPLE);
    for (uint64_t n = 0; n < explain->people; n++) {
        const struct explain_person *person = explain_person_at(explain, n);
        struct buffer part = {0};
        if (!person)
            continue;
        buffer_text(&part, "%.19sZ  %s  %s: %s", person->time, person->user, person->action,
                    person->message);
        put_paragraph(out, &part, "  ");
    }
}

char *explain_text(const struct explain *explain, const struct rules *rules)
{
    struct buffer out = {0};
    for (size_t i = 0; i < explain->rows; i++) {
        const struct json_value *record = explain->row[i];
        if (i > 0)
            buffer_text(&out, "\n%s\n\n", "----------------------------------------");
        put_head(&out, record);
        put_what_happened(&out, record);
        put_why(&out, record);
        put_baseline(&out, record);
        put_unseen(&out, record);
        put_detector(&out, record, rules);
        put_links(&out, record);
    }
    put_history(&out, explain);
    put_people(&out, explain);
    buffer_u8(&out, 0);
    return (char *)out.data;
}
