/* What a report is made from, out of a replay's folder. Nothing in it is trusted: a file that is no
 * JSON is said and counts as damaged, one that is not there is said in the coverage. */
#include "lines.h"
#include "report_local.h"
#include "report_match.h"

#include "weir/base/buffer.h"
#include "weir/investigate/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT_MAX (64u << 20) /* summary.json */

static void note_source(struct report *report, const char *name, bool there,
                        const struct lines *lines)
{
    struct report_source *source = &report->source[report->sources++];
    *source = (struct report_source){
        .name = name, .there = there, .bytes = lines->bytes, .lines = lines->lines};
    memcpy(source->sha256, lines->sha256, sizeof source->sha256);
    report->lines_bad += lines->skipped;
}

/* --- documents -------------------------------------------------------------------------------- */

struct document {
    size_t most;
    struct buffer text;
    bool large; /* there was more: nothing of it is kept */
};

static void on_text(void *context, const char *line, size_t size)
{
    struct document *document = context;
    if (document->large)
        return;
    if (document->text.size + size + 1 > document->most) {
        document->large = true;
        buffer_fini(&document->text);
        return;
    }
    buffer_put(&document->text, line, size);
    buffer_u8(&document->text, '\n');
}

static int parse_document(const struct document *document, const char *path,
                          struct json_value **value, struct error *error)
{
    struct error problem = {0};
    *value = document->large
                 ? NULL
                 : json_parse((const char *)document->text.data, document->text.size, &problem);
    if (json_is_record(*value))
        return 0;
    return error_set(error, ERROR_INPUT, "%s: is no JSON document of ours: %s", path,
                     document->large    ? "it is too large"
                     : *problem.message ? problem.message
                                        : "expected an object");
}

/* `large`: that it is larger than `most` is said there, *value NULL; NULL: that is no document. */
static int read_document(struct report *report, const char *folder, const char *name, size_t most,
                         bool *large, struct json_value **value, struct error *error)
{
    struct document document = {.most = most};
    struct lines lines;
    bool absent = false;
    char *path = xasprintf("%s/%s", folder, name);
    int failed = lines_each(path, on_text, &document, &lines, &absent, error);
    if (!failed && large && document.large)
        *large = true;
    else if (!failed && !absent)
        failed = parse_document(&document, path, value, error);
    if (!failed)
        note_source(report, name, !absent, &lines);
    buffer_fini(&document.text);
    free(path);
    return failed;
}

/* --- lines ------------------------------------------------------------------------------------ */

static void on_seek(void *context, const char *line, size_t size)
{
    report_seek(context, line, size);
}

static void on_gather(void *context, const char *line, size_t size)
{
    report_gather(context, line, size);
}

static void on_flow(void *context, const char *line, size_t size)
{
    report_flow_line(context, line, size);
}

static int read_alerts(struct report *report, const char *folder, struct error *error)
{
    struct lines lines, again;
    char *path = xasprintf("%s/alerts.ndjson", folder);
    int failed = lines_each(path, on_seek, report, &lines, NULL, error) != 0 ||
                 report_choose(report, error) != 0 ||
                 lines_each(path, on_gather, report, &again, NULL, error) != 0;
    if (!failed)
        note_source(report, "alerts.ndjson", true, &lines);
    free(path);
    return failed ? -1 : 0;
}

static bool wants_flows(const struct report *report)
{
    return report->incidents > 0 || report_is_scoped(report);
}

static void nothing(void *context, const char *line, size_t size)
{
    (void)context, (void)line, (void)size;
}

static int read_flows(struct report *report, const char *folder, struct error *error)
{
    struct lines lines;
    bool absent = false;
    char *path = xasprintf("%s/flows.ndjson", folder);
    FILE *there = fopen(path, "re");
    for (size_t i = 0; there && i < report->incidents; i++)
        if (!report->incident[i].sensor)
            report_series_begin(report, &report->incident[i], SERIES_FLOWS);
    if (there)
        fclose(there);
    int failed =
        lines_each(path, wants_flows(report) ? on_flow : nothing, report, &lines, &absent, error);
    if (!failed)
        note_source(report, "flows.ndjson", !absent, &lines);
    free(path);
    return failed;
}

/* --- items ------------------------------------------------------------------------------------ */

/* Of the hosts and destinations that the report is about. */
static bool is_in_question(const struct report *report, const struct sift_filter *filter)
{
    const struct report_question *q = &report->question;
    if (!q->incident)
        return (!q->host || match_host(q, filter->host)) &&
               (!q->destination || match_destination(q->destination, filter->destination));
    for (size_t i = 0; i < report->incidents; i++) {
        const struct report_incident *incident = &report->incident[i];
        if (strcmp(incident->host, filter->host) == 0 &&
            (!*incident->destination || strcmp(incident->destination, filter->destination) == 0))
            return true;
    }
    return false;
}

struct filters { /* of items.ndjson, whose last line says how many there are */
    struct report *report;
    int64_t read, sets; /* sets −1: no last line */
};

static void on_items(void *context, const char *line, size_t size)
{
    struct filters *filters = context;
    struct report *report = filters->report;
    struct json_value *root = json_parse(line, size, NULL);
    struct sift_filter filter;
    int64_t more = line_whole(root, "items_without_room", 0);
    if (json_get(root, "sets")) {
        filters->sets = line_whole(root, "sets", -1);
        report->question.contains->without_room += more > 0 ? (uint64_t)more : 0;
        json_value_free(root);
        return;
    }
    if (!sift_filter_read(&filter, root))
        report->lines_bad++;
    else {
        filters->read++;
        if (is_in_question(report, &filter))
            contains_ask(report->question.contains, &filter);
    }
    sift_filter_fini(&filter);
    json_value_free(root);
}

/* One that is not there, or cannot be read, may be the one that knows the item. */
static void note_filters(const struct filters *filters, struct contains *contains, bool absent)
{
    contains->kept = !absent;
    if (!absent && filters->read != filters->sets)
        contains->filters_lost +=
            filters->sets > filters->read ? (size_t)(filters->sets - filters->read) : 1;
}

static int read_items(struct report *report, const char *folder, struct error *error)
{
    struct lines lines;
    bool absent = false;
    char *path = xasprintf("%s/items.ndjson", folder);
    struct filters filters = {report, 0, -1};
    struct contains *contains = report->question.contains;
    int failed = lines_each(path, contains ? on_items : nothing, &filters, &lines, &absent, error);
    if (!failed && contains)
        note_filters(&filters, contains, absent);
    if (!failed && !absent)
        note_source(report, "items.ndjson", true, &lines);
    free(path);
    return failed;
}

int report_read_case(struct report *report, const char *folder, struct error *error)
{
    report->is_case = true;
    if (read_alerts(report, folder, error) != 0 ||
        read_document(report, folder, "summary.json", DOCUMENT_MAX, NULL, &report->summary,
                      error) != 0 ||
        read_flows(report, folder, error) != 0 || read_items(report, folder, error) != 0 ||
        read_document(report, folder, "evidence/manifest.json", EVIDENCE_MANIFEST_MAX,
                      &report->manifest_large, &report->manifest, error) != 0)
        return -1;
    return 0;
}

char *report_case_timezone(const char *folder)
{
    struct document document = {.most = DOCUMENT_MAX};
    struct lines lines;
    char *path = xasprintf("%s/summary.json", folder), *name = NULL;
    if (lines_each(path, on_text, &document, &lines, NULL, NULL) == 0 && !document.large) {
        struct json_value *summary =
            json_parse((const char *)document.text.data, document.text.size, NULL);
        const char *timezone = line_text(summary, "timezone");
        name = *timezone ? xstrdup(timezone) : NULL;
        json_value_free(summary);
    }
    buffer_fini(&document.text);
    free(path);
    return name;
}
