/* One incident on the page: what happened, how much, what was counted, who opened, when, and what
 * people said. Every figure is a record's, the summary's or of flows.ndjson, and says which where
 * they may differ. Thread: any. */
#include "report_html.h"

#include "weir/alert/attack.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LABELS_MAX  16
#define OPENERS_MAX 32 /* of those listed */

/* "4.22 MB", or with its bounds where it is no exact figure. */
static void interval(const struct page *page, struct report_volume volume, struct buffer *out)
{
    char value[FIGURE_SIZE], low[FIGURE_SIZE], high[FIGURE_SIZE];
    const char *const arguments[] = {figure_bytes(volume.value, value),
                                     figure_count(volume.low, low), figure_count(volume.high, high),
                                     NULL};
    phrase_fill(out, report_say(SAY_INTERVAL, page->language), arguments, phrase_put_plain);
    buffer_u8(out, 0);
}

/* --- what happened ---------------------------------------------------------------------------- */

static void put_where(const struct report_incident *incident, struct buffer *out)
{
    const char *ip = line_text(incident->last, "destination.ip");
    buffer_text(out, "%s", incident->destination);
    if (*ip && strcmp(ip, incident->destination) != 0 && !strchr(incident->destination, '/'))
        buffer_text(out, " (%s)", ip);
    buffer_u8(out, 0);
}

static void put_left(struct page *page, const struct report_incident *incident,
                     struct report_volume out)
{
    struct buffer bytes = {0}, where = {0};
    char from[32], until[32];
    interval(page, out, &bytes);
    put_where(incident, &where);
    report_time(incident->start, from);
    report_time(incident->end, until);
    if (*incident->destination)
        PARAGRAPH(page, SAY_LEFT, (const char *)bytes.data, incident->host,
                  (const char *)where.data, from, until);
    else
        PARAGRAPH(page, SAY_LEFT_HOST_ONLY, (const char *)bytes.data, incident->host, from, until);
    PARAGRAPH(page, out.low == out.high ? SAY_EXACT : SAY_ESTIMATE, "");
    buffer_fini(&bytes);
    buffer_fini(&where);
}

static uint64_t sealed_of(const struct report_incident *incident)
{
    struct json_walk walk = json_members(json_find(incident->last, "weir.services"));
    uint64_t bytes = 0;
    while (json_step(&walk))
        for (int i = 1; i < SERVICES; i++)
            if (service_is_sealed((enum service)i) && strcmp(service_name[i], walk.key) == 0)
                bytes += report_volume_of(walk.value).value;
    return bytes;
}

static void put_byte_line(struct page *page, enum say say, const struct report_incident *incident,
                          const char *path)
{
    int64_t bytes = line_whole(incident->last, path, 0);
    char text[PAGE_BYTES];
    if (bytes > 0)
        PARAGRAPH(page, say, page_bytes((uint64_t)bytes, text));
}

static void put_happened(struct page *page, const struct report_incident *incident)
{
    struct report_volume out = report_volume_of(json_find(incident->last, "weir.out_bytes"));
    uint64_t sealed = sealed_of(incident);
    char from[32], until[32], text[PAGE_BYTES];
    page_title(page, "h3", SAY_WHAT_HAPPENED);
    if (incident->sensor) {
        PARAGRAPH(page, SAY_SENSOR_BLIND, *incident->sight ? incident->sight : "–",
                  report_time(incident->start, from), report_time(incident->end, until));
        return;
    }
    put_left(page, incident, out);
    if (sealed > 0)
        PARAGRAPH(page, SAY_SEALED, page_bytes(sealed, text));
    else
        PARAGRAPH(page, SAY_NOTHING_SEALED, "");
    put_byte_line(page, SAY_NAMES_UNVERIFIED, incident, "weir.name_unverified_bytes");
    put_byte_line(page, SAY_OTHER_CERTIFICATE, incident, "weir.other_certificate_bytes");
}

/* --- volumes, content ------------------------------------------------------------------------- */

static void put_volume(struct page *page, const char *name, struct report_volume volume)
{
    char low[PAGE_BYTES], value[PAGE_BYTES], high[PAGE_BYTES];
    page_tag(page, "<tr>");
    page_cell(page, name);
    page_figure(page, page_bytes(volume.low, low));
    page_figure(page, page_bytes(volume.value, value));
    page_figure(page, page_bytes(volume.high, high));
    page_tag(page, "</tr>\n");
}

static void put_volumes(struct page *page, const struct report_incident *incident)
{
    static const enum say head[] = {SAY_SERVICE, SAY_LOW, SAY_VALUE, SAY_HIGH};
    struct json_walk walk = json_members(json_find(incident->last, "weir.services"));
    int64_t in = line_whole(report_summed(page->report, incident), "in_bytes", -1);
    char text[PAGE_BYTES];
    page_title(page, "h3", SAY_VOLUMES);
    page_head(page, head, 4);
    while (json_step(&walk))
        put_volume(page,
                   strcmp(walk.key, "unknown") == 0
                       ? report_say(SAY_SERVICE_UNKNOWN, page->language)
                       : walk.key,
                   report_volume_of(walk.value));
    put_volume(page, report_say(SAY_ALL, page->language),
               report_volume_of(json_find(incident->last, "weir.out_bytes")));
    page_end_table(page);
    if (in >= 0)
        PARAGRAPH(page, SAY_CAME_IN, page_bytes((uint64_t)in, text));
}

static void put_labels(struct page *page, const struct json_value *class)
{
    struct json_walk walk = json_members(json_get(class, "labels"));
    const char *before = "";
    page_tag(page, "<td class=\"a\">");
    for (size_t shown = 0; json_step(&walk) && shown < LABELS_MAX; shown++) {
        int64_t items = 0;
        char count[FIGURE_SIZE];
        json_whole(walk.value, &items);
        page_tag(page, before);
        html_name(&page->out, walk.key);
        buffer_text(&page->out, " %s", figure_count(items > 0 ? (uint64_t)items : 0, count));
        before = ", ";
    }
    if (json_get(class, "more_labels")) {
        page_tag(page, before);
        SAY(page, SAY_MORE_LABELS, "");
    }
    page_tag(page, "</td>");
}

static void put_class(struct page *page, const char *member, const struct json_value *class)
{
    int64_t value = line_whole(class, "value", 0);
    double error = 0;
    char text[FIGURE_SIZE], percent[32];
    json_decimal(json_get(class, "error"), &error);
    snprintf(percent, sizeof percent, "±%.1f %%", 100 * error);
    page_tag(page, "<tr>");
    page_cell(page, report_word_of_class(member, page->language));
    page_figure(page, figure_count(value > 0 ? (uint64_t)value : 0, text));
    page_cell(page, error > 0 ? percent : report_say(SAY_ERROR_NONE, page->language));
    put_labels(page, class);
    page_tag(page, "</tr>\n");
}

static void put_content(struct page *page, const struct report_incident *incident)
{
    static const enum say head[] = {SAY_CLASS, SAY_DISTINCT, SAY_ERROR, SAY_LABELS};
    struct json_walk walk = json_members(json_find(incident->last, "weir.content"));
    page_title(page, "h3", SAY_COUNTED);
    if (!json_find(incident->last, "weir.content")) {
        PARAGRAPH(page, SAY_COUNTED_NONE, "");
        return;
    }
    PARAGRAPH(page, SAY_COUNTED_NOTE, "");
    page_head(page, head, 4);
    while (json_step(&walk))
        put_class(page, walk.key, walk.value);
    page_end_table(page);
}

/* --- who -------------------------------------------------------------------------------------- */

static void put_openers(struct page *page, const struct report_flows *flows)
{
    static const enum say head[] = {SAY_OPENER, SAY_CONNECTIONS, SAY_BYTES};
    uint64_t more = flows->more;
    char text[FIGURE_SIZE], bytes[PAGE_BYTES];
    PARAGRAPH(page, SAY_OPENERS_OF_FLOWS, "");
    page_head(page, head, 3);
    for (size_t i = 0; i < flows->openers; i++) {
        if (i >= OPENERS_MAX) {
            more += flows->opener[i].flows;
            continue;
        }
        page_tag(page, "<tr>");
        page_cell(page, flows->opener[i].ip);
        page_figure(page, figure_count(flows->opener[i].flows, text));
        page_figure(page, page_bytes(flows->opener[i].out_bytes, bytes));
        page_tag(page, "</tr>\n");
    }
    page_end_table(page);
    if (more > 0)
        PARAGRAPH(page, SAY_OPENERS_MORE, figure_count(more, text));
}

static void put_opened(struct page *page, const struct report_incident *incident)
{
    const struct json_value *summed = report_summed(page->report, incident);
    int64_t outside = line_whole(summed, "connections_from_outside", -1);
    int64_t inside = line_whole(summed, "connections_from_inside", -1);
    int64_t all = line_whole(incident->last, "weir.flows_total", 1);
    bool by_outside = strcmp(line_text(incident->last, "weir.initiator"), "outside") == 0;
    char a[FIGURE_SIZE], b[FIGURE_SIZE];
    if (outside >= 0 && inside >= 0)
        PARAGRAPH(page, SAY_OPENED, figure_count((uint64_t)outside, a),
                  figure_count((uint64_t)inside, b));
    else
        PARAGRAPH(page, SAY_OPENED_LARGEST, figure_count(all > 0 ? (uint64_t)all : 0, a),
                  report_say(by_outside ? SAY_BY_OUTSIDE : SAY_BY_INSIDE, page->language));
    if (incident->flows.flows > 0)
        put_openers(page, &incident->flows);
    else
        PARAGRAPH(page, SAY_OPENERS_NO_FLOWS, line_text(incident->last, "client.ip"),
                  line_text(incident->last, "server.ip"));
}

static void put_claimed(struct page *page, const struct report_incident *incident)
{
    const struct json_value *list = json_find(incident->last, "weir.clients_claimed");
    struct buffer all = {0};
    for (size_t i = 0; i < json_length(list); i++)
        buffer_text(&all, "%s%s", i > 0 ? ", " : "", line_text(json_at(list, i), "ip"));
    buffer_u8(&all, 0);
    if (all.size > 1)
        PARAGRAPH(page, SAY_CLAIMED, (const char *)all.data);
    buffer_fini(&all);
}

static void put_names(struct page *page, const struct report_incident *incident)
{
    const char *sni = line_text(incident->last, "tls.client.server_name");
    const char *name = *sni ? sni : line_text(incident->last, "url.domain");
    const char *ja4 = line_text(incident->last, "weir.ja4");
    const char *ja3 = line_text(incident->last, "tls.client.ja3");
    if (*name)
        PARAGRAPH(page, SAY_ASKED_NAME, name);
    if (*ja4)
        PARAGRAPH(page, SAY_FINGERPRINT, "JA4", ja4);
    else if (*ja3)
        PARAGRAPH(page, SAY_FINGERPRINT, "JA3", ja3);
}

/* Accounts of an inside server that one client went through; secrets among what left. */
static void put_accounts(struct page *page, const struct report_incident *incident)
{
    bool any = false;
    double accounts;
    char text[FIGURE_SIZE];
    struct buffer labels = {0};
    for (size_t i = 0; i < incident->rows; i++) {
        const struct json_value *reasons = json_find(incident->row[i], "weir.reasons");
        for (size_t n = 0; n < json_length(reasons); n++) {
            const struct json_value *reason = json_at(reasons, n);
            if (strcmp(line_text(reason, "code"), "served.sweep.accounts") != 0 ||
                !json_decimal(json_get(reason, "observed"), &accounts) ||
                !(accounts >= 0 && accounts < 1e15))
                continue;
            PARAGRAPH(page, SAY_ACCOUNTS_SWEPT, figure_count((uint64_t)accounts, text));
            any = true;
        }
    }
    struct json_walk walk = json_members(json_find(incident->last, "weir.content.settings.labels"));
    while (json_step(&walk)) {
        int64_t items = 0;
        json_whole(walk.value, &items);
        buffer_text(&labels, "%s%s %" PRId64, labels.size ? ", " : "", walk.key, items);
    }
    buffer_u8(&labels, 0);
    if (labels.size > 1)
        PARAGRAPH(page, SAY_ACCOUNTS_CREDENTIALS, (const char *)labels.data);
    if (!any)
        PARAGRAPH(page, SAY_ACCOUNTS_NONE, "");
    buffer_fini(&labels);
}

static void put_initiators(struct page *page, const struct report_incident *incident)
{
    page_title(page, "h3", SAY_INITIATORS);
    put_opened(page, incident);
    put_claimed(page, incident);
    put_names(page, incident);
    page_title(page, "h4", SAY_ACCOUNTS);
    put_accounts(page, incident);
}

/* --- when ------------------------------------------------------------------------------------- */

static void put_agreement(struct page *page, const struct report_incident *incident)
{
    struct report_volume told = report_volume_of(json_find(incident->last, "weir.out_bytes"));
    const struct report_flows *flows = &incident->flows;
    char bytes[PAGE_BYTES], count[FIGURE_SIZE];
    bool same = flows->out.value == told.value && flows->out.low == told.low &&
                flows->out.high == told.high &&
                (int64_t)flows->flows == line_whole(incident->last, "weir.flows_total", -1);
    PARAGRAPH(page, same ? SAY_FLOWS_AGREE : SAY_FLOWS_DIFFER, page_bytes(flows->out.value, bytes),
              figure_count(flows->flows, count));
}

static void put_marks(struct page *page, const struct report_incident *incident)
{
    static const enum say head[] = {SAY_TIME, SAY_DETECTOR, SAY_STATE, SAY_SCORE, SAY_LEFT_BY_THEN};
    bool said = false;
    page_title(page, "h4", SAY_ALERTS);
    page_head(page, head, 5);
    for (uint64_t n = 0; n < incident->marks; n++) {
        const struct report_mark *mark = report_mark_at(incident, n);
        char time[32], score[16], bytes[FIGURE_SIZE], more[FIGURE_SIZE];
        if (!mark && !said) {
            page_tag(page, "<tr><td colspan=\"5\">");
            SAY(page, SAY_MARKS_MORE, figure_count(incident->marks - REPORT_MARKS, more));
            page_tag(page, "</td></tr>\n");
            said = true;
        }
        if (!mark)
            continue;
        page_tag(page, "<tr>");
        page_cell(page, report_time(mark->time, time));
        page_cell(page, mark->rule);
        page_cell(page, report_word_of_state(mark->state, page->language));
        snprintf(score, sizeof score, "%" PRId64, mark->score);
        page_figure(page, score);
        page_figure(page, figure_bytes(mark->out.value, bytes));
        page_tag(page, "</tr>\n");
    }
    page_end_table(page);
}

static void put_timeline(struct page *page, const struct report_incident *incident)
{
    const struct report_series *series = &incident->series;
    page_title(page, "h3", SAY_TIMELINE);
    if (series->of != SERIES_NONE) {
        report_svg(&page->out, page->report, incident, page->language);
        PARAGRAPH(page, series->of == SERIES_FLOWS ? SAY_SERIES_FLOWS : SAY_SERIES_ALERTS, "");
        if (!(series->band[1] > 0))
            PARAGRAPH(page, SAY_BAND_NONE, "");
        if (series->count == REPORT_BUCKETS)
            PARAGRAPH(page, SAY_SERIES_CUT, "");
    }
    if (series->of == SERIES_FLOWS)
        put_agreement(page, incident);
    put_marks(page, incident);
}

/* --- ATT&CK, people --------------------------------------------------------------------------- */

static void put_technique(struct page *page, const struct json_value *record)
{
    const char *tactic = line_text(record, "threat.tactic.id.0");
    const char *sub = line_text(record, "threat.technique.subtechnique.id.0");
    const char *technique = *sub ? sub : line_text(record, "threat.technique.id.0");
    const char *name = *tactic ? report_word_of_tactic(tactic, page->language) : NULL;
    const char *english = *technique ? attack_name(technique) : NULL;
    if (!name && *tactic)
        name = attack_name(tactic);
    page_tag(page, "<tr>");
    page_cell(page, line_text(record, "rule.id"));
    page_tag(page, "<td>");
    html_name(&page->out, tactic);
    buffer_text(&page->out, " ");
    html_name(&page->out, name ? name : "");
    page_tag(page, "</td><td>");
    html_name(&page->out, technique);
    buffer_text(&page->out, " <span lang=\"en\">");
    html_name(&page->out, english ? english : "");
    page_tag(page, "</span></td></tr>\n");
}

static void put_attack(struct page *page, const struct report_incident *incident)
{
    static const enum say head[] = {SAY_DETECTOR, SAY_TACTIC, SAY_TECHNIQUE};
    size_t claimed = 0;
    page_title(page, "h3", SAY_ATTACK);
    for (size_t i = 0; i < incident->rows; i++)
        claimed += json_get(incident->row[i], "threat") != NULL;
    if (claimed == 0) {
        PARAGRAPH(page, SAY_ATTACK_NONE, "");
        return;
    }
    PARAGRAPH(page, SAY_ATTACK_NOTE, "");
    page_head(page, head, 3);
    for (size_t i = 0; i < incident->rows; i++)
        if (json_get(incident->row[i], "threat"))
            put_technique(page, incident->row[i]);
    page_end_table(page);
}

static void put_people(struct page *page, const struct report_incident *incident)
{
    static const enum say head[] = {SAY_TIME, SAY_BY, SAY_WHAT};
    char at[32];
    page_title(page, "h3", SAY_PEOPLE);
    if (incident->people == 0) {
        PARAGRAPH(page, SAY_PEOPLE_NONE, "");
        return;
    }
    page_head(page, head, 3);
    for (uint64_t n = 0; n < incident->people; n++) {
        const struct report_person *person = report_person_at(incident, n);
        if (!person)
            continue;
        page_tag(page, "<tr>");
        page_cell(page, report_time(person->at, at));
        page_cell(page, person->by);
        page_cell(page, person->message);
        page_tag(page, "</tr>\n");
    }
    page_end_table(page);
}

void page_incident(struct page *page, const struct report_incident *incident)
{
    char name[16];
    buffer_text(&page->out, "<section class=\"incident\" id=\"i%s\"><h2>", incident->id);
    SAY(page, SAY_INCIDENT, "");
    page_tag(page, " ");
    html_name(&page->out, incident_short(incident->id, name));
    page_tag(page, "</h2>\n");
    put_happened(page, incident);
    if (!incident->sensor) {
        put_volumes(page, incident);
        put_content(page, incident);
        put_initiators(page, incident);
    }
    put_timeline(page, incident);
    page_judged(page, incident);
    put_attack(page, incident);
    put_people(page, incident);
    page_tag(page, "</section>\n");
}
