/* What was judged against what, and the deadlines. Thread: any. */
#include "report_html.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define AMOUNT 96

/* --- figures of a reason ---------------------------------------------------------------------- */

static const char *amount(const struct page *page, double value, const char *unit,
                          char text[AMOUNT])
{
    char figure[FIGURE_SIZE];
    const char *word = report_word_of_unit(unit, page->language);
    bool whole = value >= 0 && value < 1e15 && value <= floor(value);
    if (strcmp(unit, "byte") == 0 && value >= 0 && value < 1e18)
        snprintf(text, AMOUNT, "%s", figure_bytes((uint64_t)value, figure));
    else if (strcmp(unit, "share") == 0)
        snprintf(text, AMOUNT, "%.3g %%", 100 * value);
    else if (strcmp(unit, "port") == 0)
        snprintf(text, AMOUNT, "%.0f", value);
    else if (whole)
        snprintf(text, AMOUNT, "%s %.60s", figure_count((uint64_t)value, figure), word);
    else
        snprintf(text, AMOUNT, "%.4g %.60s", value, word);
    return text;
}

static void put_amount(struct page *page, const struct json_value *reason, const char *path)
{
    double value;
    char text[AMOUNT];
    bool there = json_decimal(json_find(reason, path), &value);
    page_figure(page, there ? amount(page, value, line_text(reason, "unit"), text) : "–");
}

static void put_expected(struct page *page, const struct json_value *reason, bool absolute)
{
    double low, high;
    char from[AMOUNT], to[AMOUNT];
    const char *unit = line_text(reason, "unit");
    page_tag(page, "<td>");
    if (json_decimal(json_find(reason, "expected.0"), &low) &&
        json_decimal(json_find(reason, "expected.1"), &high))
        SAY(page, SAY_DUE_BETWEEN, amount(page, low, unit, from), amount(page, high, unit, to));
    else
        SAY(page, absolute ? SAY_FIXED_BOUND : SAY_NONE_EXPECTED, "");
    page_tag(page, "</td>");
}

static void put_rarity(struct page *page, const struct json_value *reason)
{
    double p;
    char days[FIGURE_SIZE];
    page_tag(page, "<td>");
    if (json_decimal(json_get(reason, "p"), &p) && p > 0 && 1 / p < 1e15)
        SAY(page, SAY_ONE_IN, figure_count((uint64_t)llround(1 / p), days));
    else
        page_tag(page, "–");
    page_tag(page, "</td>");
}

static void put_reason(struct page *page, const struct json_value *reason)
{
    double weight = 0, samples = 0;
    char text[FIGURE_SIZE], share[32];
    json_decimal(json_get(reason, "weight"), &weight);
    json_decimal(json_get(reason, "samples"), &samples);
    snprintf(share, sizeof share, "%.0f %%", 100 * weight);
    page_tag(page, "<tr><td><code>");
    html_text(&page->out, line_text(reason, "code"));
    page_tag(page, "</code></td>");
    put_amount(page, reason, "observed");
    if (weight > 0)
        put_expected(page, reason, json_get(reason, "p") == NULL);
    else /* no evidence: who saw it */
        page_figure(page, "–");
    put_rarity(page, reason);
    page_figure(page, samples >= 1 && samples < 1e15 ? figure_count((uint64_t)samples, text) : "–");
    page_figure(page, share);
    page_tag(page, "<td class=\"a\"><q lang=\"en\">");
    html_name(&page->out, line_text(reason, "text"));
    page_tag(page, "</q></td></tr>\n");
}

static void put_mode(struct page *page, const char *mode)
{
    if (strcmp(mode, "online") == 0)
        PARAGRAPH(page, SAY_MODE_ONLINE, "");
    else if (strcmp(mode, "hindsight") == 0)
        PARAGRAPH(page, SAY_MODE_HINDSIGHT, "");
}

/* The whole case's stands above; an alert's own where there is none, or another. */
static void put_basis(struct page *page, const struct json_value *record)
{
    const struct json_value *baseline = json_find(record, "weir.baseline");
    const char *mode = line_text(record, "weir.mode");
    int64_t hours = line_whole(baseline, "hours", 0);
    char count[FIGURE_SIZE];
    if (baseline)
        PARAGRAPH(page, SAY_JUDGED_AGAINST,
                  report_word_of_scope(line_text(baseline, "scope"), page->language),
                  figure_count(hours > 0 ? (uint64_t)hours : 0, count),
                  report_word_of_baseline(line_text(baseline, "state"), page->language));
    if (strcmp(mode, line_text(page->report->summary, "mode")) != 0)
        put_mode(page, mode);
}

static void put_row(struct page *page, const struct json_value *record)
{
    static const enum say head[] = {SAY_WHAT,    SAY_OBSERVED, SAY_EXPECTED, SAY_RARITY,
                                    SAY_SAMPLES, SAY_SHARE,    SAY_QUOTED};
    const struct json_value *reasons = json_find(record, "weir.reasons");
    const struct json_value *needs = json_find(record, "weir.would_not_fire_below");
    const char *rule = line_text(record, "rule.id");
    double value;
    char text[AMOUNT];
    page_tag(page, "<h4>");
    html_name(&page->out,
              report_word_of_rule(rule, line_text(record, "rule.name"), page->language));
    page_tag(page, " <code>");
    html_text(&page->out, rule);
    page_tag(page, "</code></h4>\n");
    put_basis(page, record);
    page_head(page, head, sizeof head / sizeof *head);
    for (size_t i = 0; i < json_length(reasons); i++)
        put_reason(page, json_at(reasons, i));
    page_end_table(page);
    if (json_decimal(json_get(needs, "value"), &value))
        PARAGRAPH(page, SAY_NOT_BELOW, amount(page, value, line_text(needs, "unit"), text));
}

void page_judged(struct page *page, const struct report_incident *incident)
{
    char more[FIGURE_SIZE];
    page_title(page, "h3", SAY_JUDGED);
    put_mode(page, line_text(page->report->summary, "mode"));
    for (size_t i = 0; i < incident->rows; i++)
        put_row(page, incident->row[i]);
    if (incident->rows_more > 0)
        PARAGRAPH(page, SAY_ROWS_MORE, figure_count(incident->rows_more, more));
}

/* --- clocks ----------------------------------------------------------------------------------- */

static void put_span(struct page *page, const struct clock *clock, const struct clock_duty *duty)
{
    static const enum say say[] = {
        [CLOCK_HOURS] = SAY_HOURS, [CLOCK_DAYS] = SAY_DAYS, [CLOCK_MONTHS] = SAY_MONTHS};
    struct buffer span = {0};
    char low[16], high[16];
    snprintf(low, sizeof low, "%u", duty->low);
    snprintf(high, sizeof high, "%u", duty->high);
    const char *const arguments[] = {low, high, NULL};
    phrase_fill(
        &span,
        report_say(duty->low < duty->high ? SAY_DAYS_RANGE : say[duty->unit], page->language),
        arguments, phrase_put_plain);
    buffer_u8(&span, 0);
    if (duty->from < 0)
        SAY(page, SAY_FROM_AWARENESS, (const char *)span.data);
    else
        SAY(page, SAY_FROM_DUTY, (const char *)span.data,
            clock->duty[duty->from].what.of[page->language]);
    if (duty->inclusive)
        SAY(page, SAY_DAY_ONE, "");
    buffer_fini(&span);
}

static void put_duty(struct page *page, const struct clock *clock, size_t which)
{
    const struct clock_duty *duty = &clock->duty[which];
    struct ptime aware = page->report->question.aware;
    char from[32], until[32];
    page_tag(page, "<tr>");
    page_cell(page, duty->what.of[page->language]);
    page_cell(page, duty->article.of[page->language]);
    page_tag(page, "<td>");
    if (aware.ns != INT64_MIN) {
        report_time(clock_due(clock, which, aware, true), until);
        report_time(clock_due(clock, which, aware, false), from);
        page_tag(page, "<b>");
        if (strcmp(from, until) != 0)
            SAY(page, SAY_DUE_BETWEEN, from, until);
        else
            SAY(page, SAY_DUE_BY, until);
        page_tag(page, "</b><br>");
    }
    put_span(page, clock, duty);
    page_tag(page, "</td>");
    page_cell(page, duty->condition.of[page->language] ? duty->condition.of[page->language] : "–");
    page_tag(page, "</tr>\n");
}

static void put_clock(struct page *page, const struct clock *clock)
{
    static const enum say head[] = {SAY_DUTY, SAY_ARTICLE, SAY_DUE, SAY_IF};
    page_tag(page, "<h3>");
    html_name(&page->out, clock->name);
    page_tag(page, "</h3>\n<p class=\"soft\">");
    html_name(&page->out, clock->source.of[page->language]);
    page_tag(page, "</p>\n<p>");
    SAY(page, SAY_AUTHORITY, "");
    page_tag(page, ": ");
    html_name(&page->out, clock->authority.of[page->language]);
    page_tag(page, "</p>\n");
    page_head(page, head, 4);
    for (size_t i = 0; i < clock->duties; i++)
        put_duty(page, clock, i);
    page_end_table(page);
    if (clock->note.of[page->language]) {
        page_tag(page, "<p>");
        html_name(&page->out, clock->note.of[page->language]);
        page_tag(page, "</p>\n");
    }
}

void page_clocks(struct page *page)
{
    const struct report_question *q = &page->report->question;
    char at[32];
    page_title(page, "h2", SAY_CLOCKS);
    if (q->aware.ns == INT64_MIN)
        PARAGRAPH(page, SAY_CLOCKS_NOT_AWARE, "");
    else
        PARAGRAPH(page, SAY_CLOCKS_AWARE, report_time(q->aware, at), q->aware_by);
    if (!q->clocks || q->clocks->count == 0) {
        PARAGRAPH(page, SAY_CLOCKS_NONE, "");
        return;
    }
    PARAGRAPH(page, SAY_CLOCKS_ADVICE, "");
    for (size_t i = 0; i < q->clocks->count; i++)
        put_clock(page, &q->clocks->clock[i]);
}
