/* The report for programs: what the page says, exact, in English where words are needed. Times are
 * UTC. docs/report.md names its keys; within a version of Weir they are added to, never changed.
 * Thread: any. */
#include "phrase.h"
#include "report_local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const verdict_name[] = {
    [REPORT_LEFT] = "left", [REPORT_NO_SIGN] = "no_sign", [REPORT_CANNOT_SAY] = "cannot_say"};
static const char *const answer_name[] = {[CONTAINS_SEEN] = "seen",
                                          [CONTAINS_NOT_SEEN] = "not_seen",
                                          [CONTAINS_CANNOT_SAY] = "cannot_say"};

static void put_volume(struct json *json, const char *key, struct report_volume volume)
{
    json_open(json, key);
    json_uint(json, "value", volume.value);
    json_uint(json, "low", volume.low);
    json_uint(json, "high", volume.high);
    json_close(json);
}

static void put_question(struct json *json, const struct report *report)
{
    const struct report_question *q = &report->question;
    json_open(json, "question");
    json_str(json, "incident", q->incident);
    json_str(json, "host", q->host);
    json_str(json, "destination", q->destination);
    json_time(json, "since", q->since);
    json_time(json, "until", q->until);
    json_close(json);
}

/* --- incidents -------------------------------------------------------------------------------- */

static void put_flows(struct json *json, const struct report_flows *flows)
{
    json_uint(json, "connections", flows->flows);
    put_volume(json, "out_bytes", flows->out);
    json_uint(json, "opened_outside", flows->outside);
    json_uint(json, "opened_inside", flows->inside);
    json_list(json, "openers");
    for (size_t i = 0; i < flows->openers; i++) {
        json_open(json, NULL);
        json_str(json, "ip", flows->opener[i].ip);
        json_uint(json, "connections", flows->opener[i].flows);
        json_uint(json, "out_bytes", flows->opener[i].out_bytes);
        json_close(json);
    }
    json_close(json);
    json_uint(json, "connections_of_further_openers", flows->more);
}

static void put_series(struct json *json, const struct report_series *series)
{
    static const char *const of[] = {
        [SERIES_NONE] = NULL, [SERIES_FLOWS] = "flows", [SERIES_ALERTS] = "alerts"};
    json_open(json, "timeline");
    json_str(json, "from", of[series->of]);
    json_str(json, "bar", series->daily ? "day" : "hour");
    json_time(json, "begins", series->of == SERIES_NONE ? PTIME_MIN : series->begin);
    if (series->band[1] > 0) {
        json_open(json, "expected");
        json_number(json, "low", series->band[0]);
        json_number(json, "high", series->band[1]);
        json_str(json, "code", series->band_code);
        json_close(json);
    }
    json_list(json, "out_bytes");
    for (size_t i = 0; i < series->count; i++)
        json_uint(json, NULL, series->here[i]);
    json_close(json);
    json_list(json, "elsewhere_bytes");
    for (size_t i = 0; i < series->count && series->of == SERIES_FLOWS; i++)
        json_uint(json, NULL, series->elsewhere[i]);
    json_close(json);
    json_close(json);
}

static void put_marks(struct json *json, const struct report_incident *incident)
{
    json_uint(json, "alerts_total", incident->marks);
    json_list(json, "alerts");
    for (uint64_t n = 0; n < incident->marks; n++) {
        const struct report_mark *mark = report_mark_at(incident, n);
        if (!mark)
            continue;
        json_open(json, NULL);
        json_time(json, "time", mark->time);
        json_str(json, "id", mark->id);
        json_str(json, "rule", mark->rule);
        json_str(json, "state", mark->state);
        json_int(json, "score", mark->score);
        json_str(json, "urgency", urgency_name[mark->urgency]);
        put_volume(json, "out_bytes", mark->out);
        json_close(json);
    }
    json_close(json);
}

/* As the records have them. */
static void put_judged(struct json *json, const struct report_incident *incident)
{
    json_list(json, "judged");
    for (size_t i = 0; i < incident->rows; i++) {
        const struct json_value *record = incident->row[i];
        json_open(json, NULL);
        json_put(json, "rule", json_get(record, "rule"));
        json_put(json, "threat", json_get(record, "threat"));
        json_put(json, "baseline", json_find(record, "weir.baseline"));
        json_put(json, "mode", json_find(record, "weir.mode"));
        json_put(json, "reasons", json_find(record, "weir.reasons"));
        json_put(json, "would_not_fire_below", json_find(record, "weir.would_not_fire_below"));
        json_close(json);
    }
    json_close(json);
    json_uint(json, "judged_more", incident->rows_more);
}

static void put_people(struct json *json, const struct report_incident *incident)
{
    json_list(json, "people");
    for (uint64_t n = 0; n < incident->people; n++) {
        const struct report_person *person = report_person_at(incident, n);
        if (!person)
            continue;
        json_open(json, NULL);
        json_time(json, "at", person->at);
        json_str(json, "by", person->by);
        json_str(json, "what", person->message);
        json_close(json);
    }
    json_close(json);
}

static void put_incident(struct json *json, const struct report *report,
                         const struct report_incident *incident)
{
    const struct json_value *summed = report_summed(report, incident);
    json_open(json, NULL);
    json_str(json, "id", incident->id);
    json_str(json, incident->sensor ? "sight" : "host",
             incident->sensor ? incident->sight : incident->host);
    json_str(json, "destination", *incident->destination ? incident->destination : NULL);
    json_int(json, "score", incident->score);
    json_str(json, "urgency", urgency_name[incident->urgency]);
    json_time(json, "first", incident->start);
    json_time(json, "last", incident->end);
    put_volume(json, "out_bytes", report_volume_of(json_find(incident->last, "weir.out_bytes")));
    json_put(json, "in_bytes", json_get(summed, "in_bytes"));
    json_put(json, "out_bytes_by_service", json_find(incident->last, "weir.services"));
    json_put(json, "content", json_find(incident->last, "weir.content"));
    json_put(json, "connections", json_find(incident->last, "weir.flows_total"));
    json_put(json, "connections_from_outside", json_get(summed, "connections_from_outside"));
    json_put(json, "connections_from_inside", json_get(summed, "connections_from_inside"));
    json_put(json, "clients_claimed", json_find(incident->last, "weir.clients_claimed"));
    json_put(json, "largest_flows", json_find(incident->last, "weir.flows"));
    json_open(json, "flows");
    put_flows(json, &incident->flows);
    json_close(json);
    put_series(json, &incident->series);
    put_marks(json, incident);
    put_judged(json, incident);
    put_people(json, incident);
    json_close(json);
}

/* --- coverage, items, clocks, sources --------------------------------------------------------- */

static void put_coverage(struct json *json, const struct report *report)
{
    json_list(json, "coverage");
    for (size_t i = 0; i < report->facts; i++) {
        const struct report_fact *fact = &report->fact[i];
        struct buffer text = {0};
        phrase_fill(&text, report_say(fact->say, REPORT_ENGLISH),
                    (const char *const *)fact->argument, phrase_put_plain);
        buffer_u8(&text, 0);
        json_open(json, NULL);
        json_str(json, "code", report_say_code(fact->say));
        json_bool(json, "grave", fact->grave);
        json_list(json, "figures");
        for (size_t a = 0; fact->argument[a]; a++)
            json_str(json, NULL, fact->argument[a]);
        json_close(json);
        json_str(json, "text", (const char *)text.data);
        json_close(json);
        buffer_fini(&text);
    }
    json_close(json);
}

static void put_contains(struct json *json, const struct contains *contains)
{
    if (!contains)
        return;
    json_open(json, "contains");
    json_bool(json, "kept", contains->kept);
    json_uint(json, "filters", contains->filters);
    json_uint(json, "filters_lost", contains->filters_lost);
    json_uint(json, "items_without_room", contains->without_room);
    json_number(json, "false_positive_rate", contains->rate);
    json_list(json, "items");
    for (size_t i = 0; i < contains->count; i++) {
        json_open(json, NULL);
        json_str(json, "item", contains->item[i].text);
        json_str(json, "answer", answer_name[contains_answer(contains, i)]);
        json_close(json);
    }
    json_close(json);
    json_close(json);
}

static void put_duty(struct json *json, const struct clock *clock, size_t which, struct ptime aware)
{
    const struct clock_duty *duty = &clock->duty[which];
    json_open(json, NULL);
    json_str(json, "what", duty->what.of[REPORT_ENGLISH]);
    json_str(json, "article", duty->article.of[REPORT_ENGLISH]);
    json_str(json, "if", duty->condition.of[REPORT_ENGLISH]);
    bool runs = aware.ns != INT64_MIN;
    json_time(json, "due_from", runs ? clock_due(clock, which, aware, false) : aware);
    json_time(json, "due", runs ? clock_due(clock, which, aware, true) : aware);
    json_close(json);
}

static void put_clocks(struct json *json, const struct report_question *q)
{
    json_open(json, "clocks");
    json_time(json, "aware", q->aware);
    json_str(json, "aware_by", q->aware_by);
    json_list(json, "policies");
    for (size_t i = 0; q->clocks && i < q->clocks->count; i++) {
        const struct clock *clock = &q->clocks->clock[i];
        json_open(json, NULL);
        json_str(json, "name", clock->name);
        json_str(json, "source", clock->source.of[REPORT_ENGLISH]);
        json_str(json, "authority", clock->authority.of[REPORT_ENGLISH]);
        json_list(json, "duties");
        for (size_t n = 0; n < clock->duties; n++)
            put_duty(json, clock, n, q->aware);
        json_close(json);
        json_close(json);
    }
    json_close(json);
    json_close(json);
}

static void put_sources(struct json *json, const struct report *report)
{
    char hex[HEX_SIZE(SHA256_SIZE)];
    json_list(json, "sources");
    for (size_t i = 0; i < report->sources; i++) {
        const struct report_source *source = &report->source[i];
        json_open(json, NULL);
        json_str(json, "name", source->name);
        json_bool(json, "there", source->there);
        if (source->there) {
            json_uint(json, "bytes", source->bytes);
            json_str(json, "sha256", hex_text(source->sha256, SHA256_SIZE, hex));
        }
        json_close(json);
    }
    json_close(json);
    json_put(json, "inputs", json_get(report->summary, "inputs"));
    json_put(json, "evidence", report->manifest);
}

char *report_json(struct report *report)
{
    struct json *json = json_new();
    report_settle(report);
    json_open(json, NULL);
    json_str(json, "version", WEIR_VERSION);
    json_str(json, "sensor", *report->sensor ? report->sensor : NULL);
    json_str(json, "timezone", report->question.timezone);
    put_question(json, report);
    json_put(json, "mode", json_get(report->summary, "mode"));
    json_str(json, "verdict", verdict_name[report->verdict]);
    json_list(json, "incidents");
    for (size_t i = 0; i < report->incidents; i++)
        put_incident(json, report, &report->incident[i]);
    json_close(json);
    json_uint(json, "incidents_more", report->incidents_more);
    if (report_is_scoped(report)) {
        json_open(json, "seen");
        put_flows(json, &report->asked.flows);
        json_close(json);
    }
    put_coverage(json, report);
    put_contains(json, report->question.contains);
    put_clocks(json, &report->question);
    put_sources(json, report);
    json_close(json);
    char *text = json_take_text(json, 2), *line = xasprintf("%s\n", text);
    free(text);
    json_free(json);
    return line;
}
