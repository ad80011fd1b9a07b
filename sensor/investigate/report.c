/* See weir/investigate/report.h: which incidents are meant, and what their alerts say. What is
 * shown is put together in report_html.c and report_json.c from what is gathered here. */
#include "report_local.h"

#include "report_match.h"

#include "weir/base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BEAT_NS (5 * NS_PER_MIN) /* between heartbeats; two that are missing are a gap */

struct report *report_new(const struct report_question *question)
{
    struct report *report = xcalloc(1, sizeof *report);
    report->question = *question;
    report->beat = report->first = report->last = PTIME_MIN;
    report->hosts_ready = -1;
    retold_init(&report->told);
    return report;
}

static void incident_fini(struct report_incident *incident)
{
    for (size_t i = 0; i < incident->rows; i++)
        json_value_free(incident->row[i]);
    for (size_t i = 0; i < REPORT_PEOPLE; i++) {
        free(incident->person[i].by);
        free(incident->person[i].message);
    }
    free(incident->series.here);
    free(incident->series.elsewhere);
}

void report_free(struct report *report)
{
    if (!report)
        return;
    for (size_t i = 0; i < report->incidents; i++)
        incident_fini(&report->incident[i]);
    for (size_t i = 0; i < report->facts; i++)
        for (size_t a = 0; a < REPORT_FACT; a++)
            free(report->fact[i].argument[a]);
    free(report->incident);
    json_value_free(report->summary);
    json_value_free(report->manifest);
    retold_fini(&report->told);
    free(report);
}

bool report_is_scoped(const struct report *report)
{
    const struct report_question *q = &report->question;
    return q->host || q->destination || q->since.ns != INT64_MIN || q->until.ns != INT64_MAX;
}

char *report_time(struct ptime time, char text[32])
{
    time_t seconds = (time_t)(time.ns / NS_PER_S) - (time.ns % NS_PER_S < 0);
    struct tm tm;
    strftime(text, 32, "%Y-%m-%d %H:%M:%S", localtime_r(&seconds, &tm)); /* the calendar's zone */
    return text;
}

struct report_volume report_volume_of(const struct json_value *estimate)
{
    int64_t value = line_whole(estimate, "value", 0), low = line_whole(estimate, "low", value);
    int64_t high = line_whole(estimate, "high", value);
    return (struct report_volume){value > 0 ? (uint64_t)value : 0, low > 0 ? (uint64_t)low : 0,
                                  high > 0 ? (uint64_t)high : 0};
}

/* --- the first reading ------------------------------------------------------------------------ */

static bool is_of_host(const struct report *report, const struct retold_record *record)
{
    const struct report_question *q = &report->question;
    const struct json_value *list = json_find(record->root, "host.ip");
    if (!q->host || match_host(q, record->host) ||
        match_host(q, line_text(record->root, "source.ip")))
        return true;
    for (size_t i = 0; i < json_length(list); i++)
        if (json_text(json_at(list, i)) && match_host(q, json_text(json_at(list, i))))
            return true;
    return false;
}

static bool is_of_destination(const struct report *report, const struct retold_record *record)
{
    const char *destination = report->question.destination;
    return !destination || match_destination(destination, record->destination) ||
           match_destination(destination, line_text(record->root, "destination.ip")) ||
           match_destination(destination, line_text(record->root, "tls.client.server_name"));
}

static void note_beat(struct report *report, const struct retold_record *record)
{
    const struct ptime before = report->beat;
    report->beat = record->time;
    report->hosts_ready = record->hosts_ready;
    if (before.ns == INT64_MIN || (wide)record->time.ns - before.ns <= 2 * BEAT_NS + BEAT_NS / 5)
        return;
    if (report->gaps == REPORT_GAPS) {
        report->gaps_more++;
        return;
    }
    report->gap[report->gaps].from = before;
    report->gap[report->gaps++].until = record->time;
}

static void note_sensor(struct report *report, const struct json_value *root)
{
    const char *sensor = line_text(root, "observer.name");
    const char *version = line_text(root, "observer.version");
    if (*sensor)
        snprintf(report->sensor, sizeof report->sensor, "%s", sensor);
    if (*version)
        snprintf(report->version, sizeof report->version, "%s", version);
}

void report_seek(struct report *report, const char *line, size_t size)
{
    struct retold_record record;
    if (!retold_record_read(&record, line, size)) {
        report->lines_bad++;
    } else {
        if (report->first.ns == INT64_MIN)
            report->first = record.time;
        report->last = record.time;
        note_sensor(report, record.root);
        if (record.kind == RETOLD_HEARTBEAT)
            note_beat(report, &record);
        if (record.kind == RETOLD_ALERT &&
            (record.sensor || (is_of_host(report, &record) && is_of_destination(report, &record))))
            retold_add(&report->told, &record);
    }
    retold_record_fini(&record);
}

void report_unread(struct report *report, uint64_t lines)
{
    report->unread += lines;
}

/* --- which of them ---------------------------------------------------------------------------- */

static void choose(struct report *report, const struct retold_incident *from)
{
    if (report->incidents == REPORT_INCIDENTS) {
        report->incidents_more++;
        return;
    }
    struct report_incident *incident = &report->incident[report->incidents++];
    snprintf(incident->id, sizeof incident->id, "%s", from->id);
    snprintf(incident->host, sizeof incident->host, "%s", from->host);
    snprintf(incident->destination, sizeof incident->destination, "%s", from->destination);
    snprintf(incident->sight, sizeof incident->sight, "%s", from->sight);
    incident->sensor = from->sensor;
    incident->score = from->score;
    incident->urgency = from->urgency;
    incident->start = from->start;
    incident->end = from->end;
}

static bool is_in_time(const struct report *report, const struct retold_incident *incident)
{
    return incident->start.ns <= report->question.until.ns &&
           incident->end.ns >= report->question.since.ns;
}

static int choose_named(struct report *report, struct error *error)
{
    bool several;
    const char *name = report->question.incident;
    const struct retold_incident *found = retold_find(&report->told, name, &several);
    if (!found)
        return error_set(error, ERROR_USAGE,
                         several ? "%.60s: means several incidents, give more of its letters"
                                 : "%.60s: there is no such incident, expected inc- and four "
                                   "letters or more of its id",
                         name);
    choose(report, found);
    return 0;
}

int report_choose(struct report *report, struct error *error)
{
    report->incident = xcalloc(REPORT_INCIDENTS, sizeof *report->incident);
    if (report->question.incident)
        return choose_named(report, error);
    size_t count;
    const struct retold_incident **sorted = retold_sorted(&report->told, &count);
    for (size_t i = 0; i < count; i++)
        if (!sorted[i]->sensor && is_in_time(report, sorted[i]))
            choose(report, sorted[i]);
    free(sorted);
    return 0;
}

/* --- the second reading ----------------------------------------------------------------------- */

static void keep_row(struct report_incident *incident, struct retold_record *record)
{
    size_t at = 0;
    while (at < incident->rows &&
           strcmp(line_text(incident->row[at], "rule.id"), record->rule) != 0)
        at++;
    if (at == REPORT_ROWS) {
        incident->rows_more++;
        return;
    }
    if (at == incident->rows)
        incident->rows++;
    else
        json_value_free(incident->row[at]);
    incident->row[at] = record->root;
    incident->last = record->root;
    record->root = NULL;
}

static void keep_mark(struct report_incident *incident, const struct retold_record *record)
{
    uint64_t n = incident->marks++, half = REPORT_MARKS / 2;
    struct report_mark *mark = &incident->mark[n < half ? n : half + (n - half) % half];
    *mark =
        (struct report_mark){.time = record->time,
                             .score = record->score,
                             .urgency = record->urgency,
                             .out = report_volume_of(json_find(record->root, "weir.out_bytes"))};
    snprintf(mark->id, sizeof mark->id, "%s", line_text(record->root, "event.id"));
    snprintf(mark->rule, sizeof mark->rule, "%s", record->rule);
    snprintf(mark->state, sizeof mark->state, "%s", record->state);
}

const struct report_mark *report_mark_at(const struct report_incident *incident, uint64_t n)
{
    uint64_t half = REPORT_MARKS / 2;
    if (n < half)
        return &incident->mark[n];
    return n + half < incident->marks ? NULL : &incident->mark[half + (n - half) % half];
}

static void know_address(struct report_incident *incident, const char *text)
{
    struct ip ip;
    if (ip_parse(text, &ip) != 0 || incident->known_count == REPORT_KNOWN)
        return;
    for (size_t i = 0; i < incident->known_count; i++)
        if (ip_compare(&incident->known[i], &ip) == 0)
            return;
    incident->known[incident->known_count++] = ip;
}

static void gather_alert(struct report *report, struct retold_record *record)
{
    for (size_t i = 0; i < report->incidents; i++) {
        struct report_incident *incident = &report->incident[i];
        if (strcmp(incident->id, record->incident) != 0)
            continue;
        if (record->start.ns < incident->start.ns)
            incident->start = record->start;
        if (record->end.ns > incident->end.ns)
            incident->end = record->end;
        know_address(incident, line_text(record->root, "destination.ip"));
        keep_mark(incident, record);
        keep_row(incident, record);
        return;
    }
}

static void gather_act(struct report *report, const struct retold_record *record)
{
    const char *subject = line_text(record->root, "weir.audit.subject");
    for (size_t i = 0; i < report->incidents; i++) {
        struct report_incident *incident = &report->incident[i];
        if (strlen(subject) < 8 || !retold_is_named(incident->id, subject))
            continue;
        struct report_person *person = &incident->person[incident->people++ % REPORT_PEOPLE];
        free(person->by);
        free(person->message);
        *person =
            (struct report_person){record->time, xstrdup(record->by), xstrdup(record->message)};
    }
}

const struct report_person *report_person_at(const struct report_incident *incident, uint64_t n)
{
    return n + REPORT_PEOPLE < incident->people ? NULL : &incident->person[n % REPORT_PEOPLE];
}

void report_gather(struct report *report, const char *line, size_t size)
{
    struct retold_record record;
    if (!retold_record_read(&record, line, size)) /* it was counted */
        ;
    else if (record.kind == RETOLD_ALERT)
        gather_alert(report, &record);
    else if (record.kind == RETOLD_ACT)
        gather_act(report, &record);
    retold_record_fini(&record);
}

/* --- what follows from it --------------------------------------------------------------------- */

const struct json_value *report_summed(const struct report *report,
                                       const struct report_incident *incident)
{
    const struct json_value *list = json_get(report->summary, "incidents");
    for (size_t i = 0; i < json_length(list); i++)
        if (strcmp(line_text(json_at(list, i), "id"), incident->id) == 0)
            return json_at(list, i);
    return NULL;
}

void report_settle(struct report *report)
{
    if (report->settled)
        return;
    report->settled = true;
    for (size_t i = 0; i < report->incidents; i++) {
        struct report_incident *incident = &report->incident[i];
        if (incident->series.of == SERIES_NONE && !incident->sensor)
            report_series_begin(report, incident, SERIES_ALERTS);
        report_series_end(report, incident);
    }
    report_coverage(report);
    report->verdict = report_verdict_of(report);
}
