/* The hand-over for programs: the same as the text, times in UTC, bytes as numbers. Thread: any. */
#include "handover_local.h"

#include <stdlib.h>

static void put_incident(struct json *json, const struct handover *h,
                         const struct retold_incident *incident)
{
    const struct noise_mark *mark =
        h->config.book ? noise_mark_of(h->config.book, incident->id) : NULL;
    json_open(json, NULL);
    json_str(json, "incident", incident->id);
    retold_put(json, incident);
    json_bool(json, "active", incident->active);
    json_time(json, "first", incident->first);
    json_time(json, "last", incident->last);
    json_time(json, "start", incident->start);
    json_time(json, "end", incident->end);
    json_uint(json, "alerts", incident->alerts);
    json_uint(json, "alerts_silenced", incident->silenced);
    json_uint(json, "out_bytes", incident->out_bytes);
    json_str(json, "text", incident->text);
    if (handover_told_nobody(h, incident))
        json_str(json, "told_nobody", incident->silence);
    if (mark)
        noise_put_mark(json, "mark", mark);
    json_close(json);
}

static void put_section(struct json *json, const char *key, const struct handover *h,
                        const struct retold_incident **incident, size_t count,
                        enum handover_section section)
{
    uint64_t all = 0;
    json_open(json, key);
    json_list(json, "list");
    for (size_t i = 0; i < count; i++) {
        if (handover_section_of(h, incident[i]) != section)
            continue;
        if (all++ < HANDOVER_LIST)
            put_incident(json, h, incident[i]);
    }
    json_close(json);
    json_uint(json, "total", all);
    json_close(json);
}

static void put_silences(struct json *json, const struct handover *h)
{
    const struct noise *book = h->config.book;
    json_list(json, "silences");
    for (size_t i = 0; book && i < book->silence_count; i++) {
        const struct noise_silence *silence = &book->silence[i];
        if (!handover_lists(h, silence))
            continue;
        struct handover_hidden hidden = handover_hidden_of(h, silence);
        json_open(json, NULL);
        noise_put_silence(json, "silence", silence);
        json_bool(json, "over", handover_is_over(h, silence));
        json_bool(json, "ends_soon", handover_ends_soon(h, silence));
        json_uint(json, "alerts", hidden.alerts);
        json_uint(json, "out_bytes", hidden.out_bytes);
        json_close(json);
    }
    json_close(json);
}

static void put_gaps(struct json *json, const struct handover *h)
{
    json_bool(json, "heartbeats", h->beat.ns != INT64_MIN);
    json_list(json, "without_heartbeat");
    for (size_t i = 0; i < h->gap_count; i++) {
        json_open(json, NULL);
        json_time(json, "from", h->gap[i].from);
        json_time(json, "until", h->gap[i].until);
        json_close(json);
    }
    json_close(json);
}

static void put_drift(struct json *json, const struct handover_drift *drift)
{
    if (!drift->known) {
        json_none(json, "drift");
        return;
    }
    json_open(json, "drift");
    json_uint(json, "rows", drift->rows);
    json_list(json, "first");
    for (size_t i = 0; i < HANDOVER_DRIFT && drift->row[i]; i++)
        json_str(json, NULL, drift->row[i]);
    json_close(json);
    json_uint(json, "silent", drift->silent);
    json_close(json);
}

static void put_changes(struct json *json, const struct handover *h)
{
    json_uint(json, "changes_total", h->acts);
    json_list(json, "changes");
    for (size_t i = 0; i < handover_acts_kept(h); i++) {
        const struct handover_act *act = handover_act_at(h, i);
        json_open(json, NULL);
        json_time(json, "at", act->at);
        json_str(json, "by", act->by);
        json_str(json, "action", act->action);
        json_str(json, "message", act->message);
        json_close(json);
    }
    json_close(json);
}

static void put_head(struct json *json, const struct handover *h)
{
    json_time(json, "from", h->config.from);
    json_time(json, "to", h->config.to);
    json_str(json, "sensor", h->config.sensor);
    json_bool(json, "running", h->config.running);
    json_list(json, "blind_now");
    for (size_t i = 0; i < h->config.blind_count; i++)
        json_str(json, NULL, h->config.blind[i]);
    json_close(json);
    json_uint(json, "alerts", h->alerts);
    json_uint(json, "alerts_silenced", h->silenced);
    json_uint(json, "silenced_bytes", h->silenced_bytes);
    json_uint(json, "alerts_quiet", h->quiet);
    json_uint(json, "records_unread", h->unread);
    json_uint(json, "alerts_beyond", h->told.beyond);
    json_uint(json, "marks_given_way", h->config.book ? h->config.book->given_way : 0);
}

char *handover_json(const struct handover *handover)
{
    static const struct {
        const char *key;
        enum handover_section section;
    } sections[] = {{"open", SECTION_OPEN},
                    {"open_silenced", SECTION_SILENCED},
                    {"acknowledged", SECTION_ACKNOWLEDGED},
                    {"closed", SECTION_CLOSED},
                    {"blind", SECTION_BLIND}};
    struct json *json = json_new();
    size_t count;
    const struct retold_incident **incident = retold_sorted(&handover->told, &count);
    json_open(json, NULL);
    put_head(json, handover);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        put_section(json, sections[i].key, handover, incident, count, sections[i].section);
    put_silences(json, handover);
    put_gaps(json, handover);
    put_drift(json, &handover->config.drift);
    json_open(json, "budget");
    json_uint(json, "spent", handover->spent);
    json_number(json, "nominal", handover_nominal(handover));
    json_int(json, "hosts_ready", handover->hosts_ready);
    json_close(json);
    put_changes(json, handover);
    json_close(json);
    char *text = json_take_text(json, 2);
    json_free(json);
    free(incident);
    return text;
}
