/* An explained alert as JSON, for other programs: the records as they are in the journal, and what
 * is known of them beside. Thread: any. */
#include "explain.h"

#include "weir/alert/attack.h"

#include <string.h>

static void put_raises(struct json *json, const struct explain *explain)
{
    json_list(json, "history");
    for (uint64_t n = 0; n < explain->raises; n++) {
        const struct explain_raise *raise = explain_raise_at(explain, n);
        if (!raise)
            continue;
        json_open(json, NULL);
        json_str(json, "id", raise->id);
        json_str(json, "time", raise->time);
        json_str(json, "rule", raise->rule);
        json_str(json, "state", raise->state);
        json_str(json, "urgency", raise->urgency);
        json_int(json, "score", raise->score);
        if (raise->out_bytes >= 0)
            json_int(json, "out_bytes", raise->out_bytes);
        json_close(json);
    }
    json_close(json);
    json_uint(json, "history_total", explain->raises);
}

static void put_people(struct json *json, const struct explain *explain)
{
    json_list(json, "people");
    for (uint64_t n = 0; n < explain->people; n++) {
        const struct explain_person *person = explain_person_at(explain, n);
        if (!person)
            continue;
        json_open(json, NULL);
        json_str(json, "time", person->time);
        json_str(json, "user", person->user);
        json_str(json, "action", person->action);
        json_str(json, "message", person->message);
        json_close(json);
    }
    json_close(json);
    json_uint(json, "people_total", explain->people);
}

static void put_name(struct json *json, const char *id)
{
    if (*id && attack_name(id))
        json_str(json, id, attack_name(id));
}

static void put_row(struct json *json, const struct json_value *record, const struct rules *rules)
{
    json_open(json, NULL);
    json_str(json, "detector", explain_detector(line_text(record, "rule.id"), rules));
    json_open(json, "attack");
    put_name(json, line_text(record, "threat.tactic.id.0"));
    put_name(json, line_text(record, "threat.technique.id.0"));
    put_name(json, line_text(record, "threat.technique.subtechnique.id.0"));
    json_close(json);
    json_put(json, "record", record);
    json_close(json);
}

char *explain_json(const struct explain *explain, const struct rules *rules)
{
    struct json *json = json_new();
    json_open(json, NULL);
    json_str(json, "incident", explain->incident[0]);
    json_list(json, "alerts");
    for (size_t i = 0; i < explain->rows; i++)
        put_row(json, explain->row[i], rules);
    json_close(json);
    json_uint(json, "alerts_more", explain->rows_more);
    put_raises(json, explain);
    put_people(json, explain);
    json_close(json);
    char *text = json_take_text(json, 0);
    json_free(json);
    return text;
}
