/* The report as one HTML file: no script, nothing from elsewhere (its own policy forbids both), a
 * style that prints on A4. Every text that is not ours goes through html.h. Thread: any. */
#include "report_html.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINS_LISTED 1000u

static const char style[] =
    ":root{--ink:#1b1f24;--soft:#5b6570;--line:#cfd6dd;--here:#a3282f;--else:#b9c3cd;--band:#"
    "cfe8cf}"
    "*{box-sizing:border-box}"
    "body{font:15px/1.5 system-ui,\"Noto Sans\",\"Noto Sans CJK JP\",\"Hiragino Sans\",sans-serif;"
    "color:var(--ink);background:#fff;max-width:1000px;margin:0 auto;padding:24px}"
    "h1{font-size:26px;margin:0 0 4px}h2{font-size:20px;margin:32px 0 8px;border-bottom:2px solid "
    "var(--ink)}h3{font-size:16px;margin:20px 0 6px}h4{font-size:14px;margin:14px 0 4px}"
    "p{margin:4px 0}.soft{color:var(--soft)}"
    ".verdict{border:2px solid var(--ink);padding:10px 14px;margin:8px 0}"
    ".verdict b{font-size:20px}"
    "table{border-collapse:collapse;width:100%;margin:6px 0;font-size:13px}"
    "th,td{border:1px solid var(--line);padding:3px 7px;text-align:left;vertical-align:top;"
    "overflow-wrap:break-word}th{background:#f2f4f6}td.n{text-align:right;white-space:nowrap}"
    "td.a{overflow-wrap:anywhere;min-width:7em}p,h1,h2,h3,h4,li{overflow-wrap:anywhere}"
    "code{font-size:12px}code.h{overflow-wrap:anywhere}q{quotes:none;color:var(--soft)}"
    "ul{margin:4px 0;padding-left:22px}li.grave{list-style:\"▲ \"}"
    "svg{width:100%;height:auto;font:11px sans-serif}svg text{fill:var(--soft)}"
    ".grid{stroke:var(--line);fill:none}.tick{stroke:var(--soft);fill:none}"
    ".here{fill:var(--here)}.elsewhere{fill:var(--else)}.band{fill:var(--band)}"
    ".mark{fill:#1f4e9c}"
    "@page{size:A4;margin:16mm}"
    "@media print{body{max-width:none;padding:0;font-size:11px}table{font-size:10px}"
    "h2,h3,h4{break-after:avoid}tr,svg,.verdict,li{break-inside:avoid}thead{display:table-header-"
    "group}section.incident{break-before:page}*{print-color-adjust:exact;"
    "-webkit-print-color-adjust:exact}}";

/* --- the small parts -------------------------------------------------------------------------- */

void page_say(struct page *page, enum say say, const char *const *arguments)
{
    phrase_fill(&page->out, report_say(say, page->language), arguments, html_name);
}

void page_tag(struct page *page, const char *markup)
{
    buffer_text(&page->out, "%s", markup);
}

void page_paragraph(struct page *page, enum say say, const char *const *arguments)
{
    page_tag(page, "<p>");
    page_say(page, say, arguments);
    page_tag(page, "</p>\n");
}

void page_title(struct page *page, const char *level, enum say say)
{
    buffer_text(&page->out, "<%s>", level);
    SAY(page, say, "");
    buffer_text(&page->out, "</%s>\n", level);
}

void page_head(struct page *page, const enum say *says, size_t count)
{
    page_tag(page, "<table><thead><tr>");
    for (size_t i = 0; i < count; i++) {
        page_tag(page, "<th>");
        SAY(page, says[i], "");
        page_tag(page, "</th>");
    }
    page_tag(page, "</tr></thead><tbody>\n");
}

void page_cell(struct page *page, const char *text)
{
    page_tag(page, "<td class=\"a\">");
    html_name(&page->out, text);
    page_tag(page, "</td>");
}

void page_figure(struct page *page, const char *text)
{
    page_tag(page, "<td class=\"n\">");
    html_text(&page->out, text);
    page_tag(page, "</td>");
}

void page_end_table(struct page *page)
{
    page_tag(page, "</tbody></table>\n");
}

const char *page_bytes(uint64_t bytes, char text[PAGE_BYTES])
{
    char figure[FIGURE_SIZE], count[FIGURE_SIZE];
    snprintf(text, PAGE_BYTES, bytes < 1000 ? "%s" : "%s (%s)", figure_bytes(bytes, figure),
             figure_count(bytes, count));
    return text;
}

/* --- head and verdict ------------------------------------------------------------------------- */

static void put_asked(struct page *page)
{
    const struct report_question *q = &page->report->question;
    char since[32], until[32];
    page_tag(page, "<p>");
    SAY(page, SAY_ASKED, "");
    const struct {
        enum say say;
        const char *text;
    } part[] = {
        {SAY_ASKED_INCIDENT, q->incident},
        {SAY_ASKED_HOST, q->host},
        {SAY_ASKED_DESTINATION, q->destination},
        {SAY_ASKED_SINCE, q->since.ns == INT64_MIN ? NULL : report_time(q->since, since)},
        {SAY_ASKED_UNTIL, q->until.ns == INT64_MAX ? NULL : report_time(q->until, until)},
    };
    const char *before = " ";
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        if (part[i].text) {
            page_tag(page, before);
            SAY(page, part[i].say, part[i].text);
            before = ", ";
        }
    if (*before == ' ') {
        page_tag(page, " ");
        SAY(page, SAY_ASKED_ALL, "");
    }
    page_tag(page, "</p>\n");
}

static void put_head(struct page *page)
{
    const struct report *r = page->report;
    page_tag(page, "<header>");
    page_title(page, "h1", SAY_TITLE);
    page_tag(page, "<p class=\"soft\">");
    if (*r->sensor)
        SAY(page, SAY_SENSOR, r->sensor);
    page_tag(page, " · ");
    SAY(page, SAY_ZONE, r->question.timezone);
    page_tag(page, "</p>\n");
    put_asked(page);
    PARAGRAPH(page, SAY_MADE_FROM, WEIR_VERSION);
    page_tag(page, "</header>\n");
}

static void put_verdict_flows(struct page *page)
{
    const struct report_flows *flows = &page->report->asked.flows;
    char bytes[FIGURE_SIZE], count[FIGURE_SIZE];
    if (flows->flows == 0)
        return;
    bool left = page->report->verdict == REPORT_LEFT && page->report->incidents == 0;
    PARAGRAPH(page, left ? SAY_LEFT_FLOWS : SAY_SEEN_FLOWS, figure_bytes(flows->out.value, bytes),
              figure_count(flows->flows, count));
}

static void put_facts(struct page *page, bool grave_only)
{
    page_tag(page, "<ul>\n");
    for (size_t i = 0; i < page->report->facts; i++) {
        const struct report_fact *fact = &page->report->fact[i];
        if (grave_only && !fact->grave)
            continue;
        page_tag(page, fact->grave ? "<li class=\"grave\">" : "<li>");
        page_say(page, fact->say, (const char *const *)fact->argument);
        page_tag(page, "</li>\n");
    }
    page_tag(page, "</ul>\n");
}

static void put_verdict(struct page *page)
{
    static const enum say word[] = {
        [REPORT_LEFT] = SAY_VERDICT_LEFT,
        [REPORT_NO_SIGN] = SAY_VERDICT_NO_SIGN,
        [REPORT_CANNOT_SAY] = SAY_VERDICT_CANNOT_SAY,
    };
    const struct report *r = page->report;
    char count[FIGURE_SIZE];
    page_title(page, "h2", SAY_VERDICT);
    page_tag(page, "<div class=\"verdict\"><b>");
    SAY(page, word[r->verdict], "");
    page_tag(page, "</b>\n");
    if (r->incidents > 0)
        PARAGRAPH(page, SAY_LEFT_INCIDENTS, figure_count(r->incidents + r->incidents_more, count));
    put_verdict_flows(page);
    if (r->verdict == REPORT_CANNOT_SAY) {
        PARAGRAPH(page, SAY_BECAUSE, "");
        put_facts(page, true);
    }
    page_tag(page, "</div>\n");
}

static void put_list(struct page *page)
{
    static const enum say head[] = {SAY_INCIDENT, SAY_HOST,  SAY_DESTINATION, SAY_WHEN,
                                    SAY_BYTES,    SAY_SCORE, SAY_URGENCY};
    const struct report *r = page->report;
    char count[FIGURE_SIZE];
    if (r->incidents < 2)
        return;
    page_title(page, "h3", SAY_INCIDENTS);
    page_head(page, head, sizeof head / sizeof *head);
    for (size_t i = 0; i < r->incidents; i++) {
        const struct report_incident *incident = &r->incident[i];
        char name[16], from[32], score[16], bytes[FIGURE_SIZE];
        page_tag(page, "<tr>");
        page_cell(page, incident_short(incident->id, name));
        page_cell(page, incident->host);
        page_cell(page, incident->destination);
        page_cell(page, report_time(incident->start, from));
        page_figure(
            page, figure_bytes(report_volume_of(json_find(incident->last, "weir.out_bytes")).value,
                               bytes));
        snprintf(score, sizeof score, "%" PRId64, incident->score);
        page_figure(page, score);
        page_cell(page, report_word_of_urgency(incident->urgency, page->language));
        page_tag(page, "</tr>\n");
    }
    page_end_table(page);
    if (r->incidents_more > 0)
        PARAGRAPH(page, SAY_INCIDENTS_MORE, figure_count(r->incidents_more, count));
}

static void put_coverage(struct page *page)
{
    page_title(page, "h2", SAY_COVERAGE);
    PARAGRAPH(page, SAY_COVERAGE_NOTE, "");
    put_facts(page, false);
}

/* --- were these among what left? -------------------------------------------------------------- */

static void put_answers(struct page *page, const struct contains *contains)
{
    static const enum say head[] = {SAY_ITEM, SAY_ANSWER};
    static const enum say word[] = {
        [CONTAINS_SEEN] = SAY_CONTAINS_SEEN,
        [CONTAINS_NOT_SEEN] = SAY_CONTAINS_NOT_SEEN,
        [CONTAINS_CANNOT_SAY] = SAY_CONTAINS_CANNOT_SAY,
    };
    char more[FIGURE_SIZE];
    page_head(page, head, 2);
    for (size_t i = 0; i < contains->count && i < CONTAINS_LISTED; i++) {
        page_tag(page, "<tr>");
        page_cell(page, contains->item[i].text);
        page_cell(page, report_say(word[contains_answer(contains, i)], page->language));
        page_tag(page, "</tr>\n");
    }
    page_end_table(page);
    if (contains->count > CONTAINS_LISTED)
        PARAGRAPH(page, SAY_CONTAINS_MORE, figure_count(contains->count - CONTAINS_LISTED, more));
}

static void put_contains(struct page *page)
{
    const struct contains *contains = page->report->question.contains;
    char seen[FIGURE_SIZE], all[FIGURE_SIZE], rate[32], wrong[32], filters[FIGURE_SIZE],
        lost[FIGURE_SIZE];
    size_t found = 0, valid = 0;
    if (!contains)
        return;
    for (size_t i = 0; i < contains->count; i++) {
        valid += contains->item[i].hash != 0;
        found += contains_answer(contains, i) == CONTAINS_SEEN;
    }
    page_title(page, "h2", SAY_CONTAINS);
    if (!contains->kept) {
        PARAGRAPH(page, SAY_CONTAINS_NO_FILE, "");
    } else {
        snprintf(rate, sizeof rate, "%.2g %%", 100 * contains->rate);
        snprintf(wrong, sizeof wrong, "%.2g", contains->rate * (double)valid);
        PARAGRAPH(page, SAY_CONTAINS_RATE, figure_count(found, seen),
                  figure_count(contains->count, all), rate, wrong);
        PARAGRAPH(page, SAY_CONTAINS_NOTE, figure_count(contains->filters, filters),
                  figure_count(contains->without_room, lost));
    }
    put_answers(page, contains);
}

/* --- evidence and sources --------------------------------------------------------------------- */

static void put_file(struct page *page, const char *kind, const char *name, int64_t bytes,
                     const char *sha256)
{
    char size[FIGURE_SIZE];
    page_tag(page, "<tr>");
    if (kind)
        page_cell(page, kind);
    page_cell(page, name);
    page_figure(page, bytes >= 0 ? figure_count((uint64_t)bytes, size) : "–");
    page_tag(page, "<td><code class=\"h\">");
    html_text(&page->out, sha256);
    page_tag(page, "</code></td></tr>\n");
}

static void put_sha_head(struct page *page, bool kind)
{
    page_tag(page, "<table><thead><tr>");
    static const enum say head[] = {SAY_KIND, SAY_FILE, SAY_SIZE};
    for (size_t i = kind ? 0 : 1; i < 3; i++) {
        page_tag(page, "<th>");
        SAY(page, head[i], "");
        page_tag(page, "</th>");
    }
    page_tag(page, "<th>SHA-256</th></tr></thead><tbody>\n");
}

static void put_manifest(struct page *page)
{
    const struct json_value *manifest = page->report->manifest;
    const struct json_value *entries = json_find(manifest, "chain.entries");
    const char *key = line_text(manifest, "signature.key_id");
    const char *head = line_text(page->report->summary, "evidence.head");
    page_title(page, "h2", SAY_MANIFEST);
    if (!manifest) {
        PARAGRAPH(page, page->report->manifest_large ? SAY_COVER_EVIDENCE_LARGE : SAY_MANIFEST_NONE,
                  "");
        return;
    }
    PARAGRAPH(page, SAY_MANIFEST_NOTE, "");
    put_sha_head(page, true);
    for (size_t i = 0; i < json_length(entries); i++) {
        const struct json_value *entry = json_at(entries, i);
        put_file(page, report_word_of_kind(line_text(entry, "kind"), page->language),
                 line_text(entry, "name"), line_whole(entry, "bytes", -1),
                 line_text(entry, "sha256"));
    }
    page_end_table(page);
    bool once = strcmp(line_text(manifest, "signature.key"), "once") == 0;
    if (*key)
        PARAGRAPH(page, once ? SAY_MANIFEST_KEY_ONCE : SAY_MANIFEST_KEY, key);
    if (*head)
        PARAGRAPH(page, SAY_MANIFEST_HEAD, head);
}

static void put_inputs(struct page *page)
{
    static const enum say head[] = {SAY_FILE, SAY_PACKETS, SAY_WHEN};
    const struct json_value *inputs = json_get(page->report->summary, "inputs");
    if (json_length(inputs) == 0)
        return;
    page_title(page, "h3", SAY_INPUTS);
    page_head(page, head, 3);
    for (size_t i = 0; i < json_length(inputs); i++) {
        const struct json_value *input = json_at(inputs, i);
        int64_t packets = line_whole(input, "packets", 0);
        char count[FIGURE_SIZE], first[32], last[32];
        struct ptime from, to;
        page_tag(page, "<tr><td>");
        html_name(&page->out, line_text(input, "name"));
        page_tag(page, "<br><code class=\"h\">");
        html_text(&page->out, line_text(input, "sha256"));
        page_tag(page, "</code></td>");
        page_figure(page, figure_count(packets > 0 ? (uint64_t)packets : 0, count));
        page_tag(page, "<td>");
        if (ptime_of_iso(line_text(input, "first"), &from) &&
            ptime_of_iso(line_text(input, "last"), &to))
            SAY(page, SAY_DUE_BETWEEN, report_time(from, first), report_time(to, last));
        page_tag(page, "</td></tr>\n");
    }
    page_end_table(page);
}

static void put_sources(struct page *page)
{
    const struct report *r = page->report;
    char hex[HEX_SIZE(SHA256_SIZE)];
    page_title(page, "h2", SAY_SOURCES);
    put_sha_head(page, false);
    if (!r->is_case) /* it goes on */
        put_file(page, NULL, "journal", -1, "–");
    for (size_t i = 0; i < r->sources; i++) {
        const struct report_source *source = &r->source[i];
        put_file(page, NULL, source->name, source->there ? (int64_t)source->bytes : -1,
                 source->there ? hex_text(source->sha256, SHA256_SIZE, hex)
                               : report_say(SAY_SOURCE_NOT_THERE, page->language));
    }
    page_end_table(page);
    put_inputs(page);
    page_tag(page, "<footer class=\"soft\">");
    PARAGRAPH(page, SAY_CLOSING, "");
    page_tag(page, "</footer>\n");
}

char *report_html(struct report *report, enum report_language language)
{
    struct page page = {.report = report, .language = language};
    report_settle(report);
    buffer_text(&page.out,
                "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
                "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
                language == REPORT_JAPANESE ? "ja" : "en");
    SAY(&page, SAY_TITLE, "");
    buffer_text(&page.out, "</title>\n<style>%s</style>\n</head>\n<body>\n", style);
    put_head(&page);
    put_verdict(&page);
    put_list(&page);
    for (size_t i = 0; i < report->incidents; i++)
        page_incident(&page, &report->incident[i]);
    put_coverage(&page);
    put_contains(&page);
    page_clocks(&page);
    put_manifest(&page);
    put_sources(&page);
    page_tag(&page, "</body>\n</html>\n");
    buffer_u8(&page.out, 0);
    return (char *)page.out.data;
}
