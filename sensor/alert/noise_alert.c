/* What is said of an alert, in its record; and the same read back from the journal, so that the
 * figures of a silence are those of the journal however the sensor ended: the book says up to which
 * alert it has counted. Thread: whoever owns the book. */
#include "noise_local.h"

#include "weir/alert/journal.h"
#include "weir/base/log.h"

#include <string.h>

static void put_time(struct json *json, const char *key, struct ptime time)
{
    char text[32];
    json_str(json, key, ptime_iso(time, text, sizeof text));
}

static void put_silenced(struct json *json, const struct noise_silence *silence, uint64_t new_bytes)
{
    char id[NOISE_ID];
    json_open(json, "silenced");
    json_str(json, "id", noise_silence_id(silence, id));
    json_str(json, "author", silence->author);
    json_str(json, "reason", silence->reason);
    put_time(json, "until", silence->expires);
    json_uint(json, "out_bytes", new_bytes);
    json_close(json);
}

static void put_acknowledged(struct json *json, const struct alert_noise *noise, uint64_t new_bytes)
{
    json_open(json, "acknowledged");
    json_str(json, "by", noise->acknowledged->acknowledged.by);
    put_time(json, "at", noise->acknowledged->acknowledged.at);
    json_bool(json, "quiet", noise->quiet);
    json_uint(json, "out_bytes", new_bytes);
    json_close(json);
}

static void put_judged(struct json *json, const struct noise_mark *mark)
{
    json_open(json, "judged");
    json_str(json, "verdict", noise_verdict_name[mark->verdict]);
    json_str(json, "by", mark->closed.by);
    put_time(json, "at", mark->closed.at);
    if (*mark->ticket)
        json_str(json, "ticket", mark->ticket);
    json_close(json);
}

void noise_put_alert(struct json *json, const struct alert *alert)
{
    const struct alert_noise *noise = alert->noise;
    if (!noise)
        return;
    if (noise->silence)
        put_silenced(json, noise->silence, alert->new_bytes);
    if (noise->acknowledged)
        put_acknowledged(json, noise, alert->new_bytes);
    if (noise->judged)
        put_judged(json, noise->judged);
}

/* --- read back -------------------------------------------------------------------------------- */

static uint64_t bytes_of(const struct json_value *object)
{
    int64_t bytes = 0;
    return json_whole(json_get(object, "out_bytes"), &bytes) && bytes > 0 ? (uint64_t)bytes : 0;
}

static void count_record(struct noise *noise, const struct json_value *record)
{
    const struct json_value *weir = json_get(record, "weir");
    const struct json_value *silenced = json_get(weir, "silenced");
    const struct json_value *acknowledged = json_get(weir, "acknowledged");
    const char *id = json_text(json_get(silenced, "id"));
    const char *incident = json_text(json_get(weir, "incident"));
    const char *time = json_text(json_get(record, "@timestamp"));
    struct noise_silence *silence = id ? noise_get(noise, id) : NULL;
    struct noise_mark *mark = incident ? noise_mark_of(noise, incident) : NULL;
    bool quiet = false;
    if (silence) {
        silence->alerts++;
        silence->out_bytes += bytes_of(silenced);
        if (time)
            ptime_of_iso(time, &silence->last);
    }
    if (mark && json_truth(json_get(acknowledged, "quiet"), &quiet) && quiet) {
        mark->quiet_alerts++;
        mark->quiet_bytes += bytes_of(acknowledged);
    }
}

/* Few lines say either; the others are not taken apart. */
void noise_count_line(struct noise *noise, const char *line, size_t size)
{
    static const char silenced[] = "\"silenced\":{", acknowledged[] = "\"acknowledged\":{";
    if (!memmem(line, size, silenced, sizeof silenced - 1) &&
        !memmem(line, size, acknowledged, sizeof acknowledged - 1))
        return;
    struct json_value *record = json_parse(line, size, NULL);
    count_record(noise, record);
    json_value_free(record);
}

void noise_catch_up(struct noise *noise, const char *folder)
{
    struct error error = {0};
    const char *line;
    size_t size;
    uint64_t sequence;
    int result;
    struct journal_reader *reader = journal_reader_open(folder, noise->counted, &error);
    if (!reader)
        return;
    while ((result = journal_reader_next(reader, UINT64_MAX, &line, &size, &sequence, &error)) !=
           0) {
        if (result < 0) {
            log_warn("what silences held back may be more: %s", error.message);
            error = (struct error){0};
            continue;
        }
        noise_count_line(noise, line, size);
        noise->counted = sequence;
    }
    journal_reader_close(reader);
}
