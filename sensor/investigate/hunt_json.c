/* What a hunt found, for programs: hunt.json and hosts.ndjson; docs/hunt.md names their keys.
 * Thread: the main thread. */
#include "hunt_local.h"

#include "weir/base/buffer.h"
#include "weir/base/device.h"

#include <stdio.h>
#include <stdlib.h>

static void put_volume(struct json *json, const char *key, struct volume volume)
{
    volume = volume_clamped(volume);
    json_open(json, key);
    json_uint(json, "value", volume.value);
    json_uint(json, "low", volume.low);
    json_uint(json, "high", volume.high);
    json_close(json);
}

static void put_incident(struct json *json, const struct incident *incident)
{
    const struct story *story = &incident->story;
    char text[16];
    json_open(json, "incident");
    json_str(json, "id", incident->id);
    json_str(json, "short", incident_short(incident->id, text));
    json_int(json, "score", incident->score);
    json_str(json, "destination", story->has_destination ? story->destination.name : NULL);
    put_volume(json, "out_bytes", story->out);
    json_time(json, "first", story->first);
    json_time(json, "last", story->last);
    json_list(json, "detectors");
    for (size_t i = 0; i < incident->rank_count; i++)
        json_str(json, NULL, incident->rank[i].detector->id);
    json_close(json);
    json_close(json);
}

/* Those whose absence counts against it. */
static void put_probes_of(struct json *json, const struct hunt_result *r,
                          const struct hunt_host *host)
{
    json_list(json, "probes_absent");
    for (size_t i = 0; i < r->probes->count; i++)
        if ((host->probes >> i & 1u) != 0)
            json_str(json, NULL, hunt_probe_name(&r->probes->probe[i]));
    json_close(json);
}

static void put_line(struct json *json, const struct hunt_result *r, const struct hunt_host *host)
{
    char text[IP_TEXT_SIZE];
    json_open(json, NULL);
    json_str(json, "host", host_text(&host->ip, text));
    json_str(json, "verdict", hunt_verdict_code[host->judgement.verdict]);
    json_str(json, "why", hunt_why_code[host->judgement.why]);
    json_bool(json, "asked", host->asked);
    json_uint(json, "days", host->basis.days);
    json_uint(json, "days_covered", host->basis.own);
    put_probes_of(json, r, host);
    json_uint(json, "days_needed", host->basis.least);
    json_open(json, "days_seen");
    for (int sight = 0; sight < HUNT_SIGHTS; sight++)
        if (host->basis.seen[sight] > 0)
            json_uint(json, hunt_sight_name[sight], host->basis.seen[sight]);
    json_close(json);
    put_volume(json, "out_bytes", host->out);
    json_uint(json, "in_bytes", host->in_bytes);
    json_uint(json, "incidents", host->incidents);
    if (host->incident)
        put_incident(json, host->incident);
    json_close(json);
}

char *hunt_hosts_lines(const struct hunt_result *r)
{
    struct json *json = json_new();
    struct buffer b = {0};
    for (size_t i = 0; i < r->host_count; i++) {
        put_line(json, r, r->host[i]);
        char *line = json_take_text(json, 0);
        buffer_text(&b, "%s\n", line);
        free(line);
    }
    buffer_u8(&b, 0);
    json_free(json);
    return (char *)b.data;
}

static void put_days(struct json *json, const struct hunt_days *days)
{
    char text[32];
    json_open(json, "days");
    json_str(json, "first", hunt_day_text(days->first, text));
    json_str(json, "last", hunt_day_text(days->first + (int64_t)days->count - 1, text));
    json_uint(json, "count", days->count);
    for (int sight = 0; sight < HUNT_SIGHTS; sight++)
        if (sight != HUNT_ABSENT) /* a host's days' only */
            json_uint(json, hunt_sight_name[sight], hunt_days_of(days, (enum hunt_sight)sight));
    json_list(json, "not_covered");
    for (size_t i = 0; i < days->count; i++) {
        if (days->sight[i] == HUNT_COVERED)
            continue;
        json_open(json, NULL);
        json_str(json, "day", hunt_day_text(days->first + (int64_t)i, text));
        json_str(json, "why", hunt_sight_name[days->sight[i]]);
        json_close(json);
    }
    json_close(json);
    json_close(json);
}

static void put_folder(struct json *json, const struct hunt_folder *folder)
{
    char text[32];
    json_open(json, NULL);
    json_str(json, "path", folder->path);
    json_uint(json, "inputs", folder->inputs);
    json_str(json, "first", hunt_day_text(folder->first, text));
    json_str(json, "last", hunt_day_text(folder->last, text));
    json_uint(json, "days", folder->days);
    json_close(json);
}

static void put_absence(struct json *json, const struct hunt_result *r,
                        const struct hunt_probe *probe)
{
    char text[32];
    json_list(json, "absent");
    for (size_t day = 0, to; day < r->days->count; day = to + 1) {
        to = day;
        if (!hunt_probe_is_absent(r->probes, probe, day))
            continue;
        while (to + 1 < r->days->count && hunt_probe_is_absent(r->probes, probe, to + 1))
            to++;
        json_open(json, NULL);
        json_str(json, "from", hunt_day_text(r->days->first + (int64_t)day, text));
        json_str(json, "to", hunt_day_text(r->days->first + (int64_t)to, text));
        json_close(json);
    }
    json_close(json);
}

static void put_probes(struct json *json, const struct hunt_result *r)
{
    json_list(json, "probes");
    for (size_t i = 0; i < r->probes->count; i++) {
        const struct hunt_probe *probe = &r->probes->probe[i];
        json_open(json, NULL);
        json_str(json, "name", hunt_probe_name(probe));
        json_list(json, "folders");
        for (size_t n = 0; n < probe->folders; n++)
            put_folder(json, probe->folder[n]);
        json_close(json);
        json_uint(json, "days_covered", probe->days);
        json_uint(json, "days_absent", probe->absent);
        put_absence(json, r, probe);
        json_close(json);
    }
    json_close(json);
    json_uint(json, "folders_beyond", r->probes->beyond);
}

char *hunt_json(const struct hunt_result *r)
{
    struct json *json = json_new();
    json_open(json, NULL);
    json_str(json, "version", WEIR_VERSION);
    json_str(json, "mode", r->hindsight ? "hindsight" : "online");
    json_str(json, "timezone", r->timezone);
    if (r->destination)
        json_str(json, "only_destination", r->destination);
    if (r->filter)
        json_str(json, "only_packets", r->filter);
    put_days(json, r->days);
    put_probes(json, r);
    json_uint(json, "days_needed", r->least);
    json_uint(json, "units", r->units);
    json_uint(json, "flows_cut", r->flows_cut);
    json_uint(json, "alerts_silent", r->silent);
    json_uint(json, "inputs", r->input_count);
    json_list(json, "problems");
    for (size_t i = 0; i < r->input_count; i++) {
        if (!r->input[i].problem)
            continue;
        json_open(json, NULL);
        json_str(json, "name", r->input[i].path);
        json_str(json, "problem", r->input[i].problem);
        json_close(json);
    }
    json_close(json);
    json_open(json, "verdicts");
    for (int verdict = 0; verdict < HUNT_VERDICTS; verdict++)
        json_uint(json, hunt_verdict_code[verdict], hunt_verdicts(r, (enum hunt_verdict)verdict));
    json_close(json);
    json_close(json);
    char *text = json_take_text(json, 2), *line = xasprintf("%s\n", text);
    free(text);
    json_free(json);
    return line;
}
