/* What is said of an alert, in its record. Thread: whoever owns the book. */
#include "noise_local.h"

static void put_silenced(struct json *json, const struct noise_silence *silence, uint64_t new_bytes)
{
    char id[NOISE_ID];
    json_open(json, "silenced");
    json_str(json, "id", noise_silence_id(silence, id));
    json_str(json, "author", silence->author);
    json_str(json, "reason", silence->reason);
    json_time(json, "until", silence->expires);
    json_uint(json, "out_bytes", new_bytes);
    json_close(json);
}

static void put_change(struct json *json, const struct noise_silence *change, uint64_t new_bytes)
{
    char id[NOISE_ID];
    json_open(json, "change");
    json_str(json, "id", noise_silence_id(change, id));
    json_str(json, "ticket", change->ticket);
    json_str(json, "zone", change->scope.zone);
    json_str(json, "author", change->author);
    json_time(json, "until", change->expires);
    json_uint(json, "out_bytes", new_bytes);
    json_close(json);
}

static void put_acknowledged(struct json *json, const struct alert_noise *noise, uint64_t new_bytes)
{
    json_open(json, "acknowledged");
    json_str(json, "by", noise->acknowledged->acknowledged.by);
    json_time(json, "at", noise->acknowledged->acknowledged.at);
    json_bool(json, "quiet", noise->quiet);
    json_uint(json, "out_bytes", new_bytes);
    json_close(json);
}

static void put_judged(struct json *json, const struct noise_mark *mark)
{
    json_open(json, "judged");
    json_str(json, "verdict", noise_verdict_name[mark->verdict]);
    json_str(json, "by", mark->closed.by);
    json_time(json, "at", mark->closed.at);
    if (*mark->ticket)
        json_str(json, "ticket", mark->ticket);
    json_close(json);
}

void noise_put_alert(struct json *json, const struct alert *alert)
{
    const struct alert_noise *noise = alert->noise;
    if (!noise)
        return;
    if (noise->change)
        put_change(json, noise->change, alert->new_bytes);
    if (noise->silence)
        put_silenced(json, noise->silence, alert->new_bytes);
    if (noise->acknowledged)
        put_acknowledged(json, noise, alert->new_bytes);
    if (noise->judged)
        put_judged(json, noise->judged);
}
