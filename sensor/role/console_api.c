/* See console_api.h. What the engine does not know is null, with `why` beside it, and never made
 * up. Lists are bounded: NOW_ALERTS, CONSOLE_PLACES, SENDERS. */
#include "console_api.h"

#include "evidence_api.h"
#include "hosts_api.h"
#include "noise_api.h"
#include "zones_api.h"

#include "weir/base/buffer.h"
#include "weir/base/device.h"
#include "weir/engine/noise.h"
#include "weir/investigate/explain.h"

#include <stdlib.h>
#include <string.h>

#define NOW_ALERTS 20
#define SENDERS    100

/* --- what leaves now -------------------------------------------------------------------------- */

static const struct console_sums *look(const struct console_api *api)
{
    struct console_sums *sums = api->sums;
    struct wtime now = wtime_now();
    int64_t rest = 50 * sums->took_ns;
    if (sums->made.ns != 0 &&
        now.ns - sums->made.ns < (rest > CONSOLE_SUMS_NS ? rest : CONSOLE_SUMS_NS))
        return sums;
    engine_present_sums(api->engine, sums->place, CONSOLE_PLACES, &sums->sums, &sums->present);
    sums->made = now;
    sums->took_ns = wtime_now().ns - now.ns;
    return sums;
}

static void put_rates(struct json *json, const struct status *status)
{
    uint64_t packets = 0, bytes = 0, drops = 0;
    for (size_t i = 0; i < status->worker_count; i++) {
        packets += status->worker[i].packets_per_s;
        bytes += status->worker[i].bytes_per_s;
        drops += status->worker[i].kernel_drops + status->worker[i].interface_drops;
    }
    json_uint(json, "packets_s", packets);
    json_uint(json, "bytes_s", bytes);
    json_uint(json, "drops", drops);
}

static void put_budget(struct json *json, const struct status *status)
{
    const struct status_budget *budget = &status->budget;
    if (!(budget->per_host_day >= 0)) { /* NAN: not known */
        json_none(json, "budget");
        return;
    }
    json_open(json, "budget");
    json_number(json, "spent", budget->told);
    json_number(json, "of", budget->expected);
    json_number(json, "alerts_per_host_day", budget->per_host_day);
    json_close(json);
}

static void put_hour(struct json *json, const struct console_sums *sums)
{
    if (!sums->present.known) {
        json_none(json, "hour");
        return;
    }
    json_open(json, "hour");
    json_time(json, "starts", sums->present.hour.starts);
    json_time(json, "ends", sums->present.hour.ends);
    json_close(json);
    json_uint(json, "out_bytes_hour", sums->sums.out_bytes);
    json_uint(json, "hosts_hour", sums->sums.hosts);
}

static void put_no_zones(struct json *json)
{
    json_none(json, "zones");
    json_str(json, "zones_why", "this sensor has no networks.zones");
}

static bool is_listed(const struct zones *zones, unsigned end, const struct console_sums *sums)
{
    return zones && (zones_get(zones, end) || sums->sums.zone[end].hosts > 0);
}

/* What hosts together send in whole hours like this one. */
static void put_band(struct json *json, const struct fleet_band *band)
{
    if (band->known) {
        json_uint(json, "expected_low", band->expected[0]);
        json_uint(json, "expected_high", band->expected[1]);
    } else {
        json_none(json, "expected_low");
        json_none(json, "expected_high");
    }
    json_uint(json, "expected_hours", band->hours);
}

/* Of which hours the bands are, and why some of the rows may have none. */
static void put_bands(struct json *json, const struct zones *zones, const struct console_sums *sums)
{
    static const char *const class[HOUR_CLASSES] = {"weekday_work",     "weekday_shoulder",
                                                    "weekday_night",    "weekend_work",
                                                    "weekend_shoulder", "weekend_night"};
    size_t without = 0;
    if (!sums->present.known)
        return;
    for (unsigned end = 0; end <= ZONE_INSIDE; end++)
        without += is_listed(zones, end, sums) && !sums->sums.zone[end].band.known;
    for (size_t i = 0; i < sums->sums.places; i++)
        without += !sums->place[i].band.known;
    json_str(json, "hour_class", class[sums->present.hour.class]);
    json_uint(json, "expected_hours_least", FLEET_BAND_HOURS);
    if (without == 0)
        return;
    char *why = xasprintf("fewer than %d whole hours like this one are known", FLEET_BAND_HOURS);
    json_str(json, "expected_why", why);
    free(why);
}

static void put_zones(struct json *json, const struct engine *engine,
                      const struct console_sums *sums)
{
    const struct zones *zones = engine_zones(engine);
    if (!zones) {
        put_no_zones(json);
        return;
    }
    json_list(json, "zones");
    for (unsigned end = 0; end <= ZONE_INSIDE; end++) {
        const struct present_zone *zone = &sums->sums.zone[end];
        if (!is_listed(zones, end, sums))
            continue;
        json_open(json, NULL);
        json_str(json, "zone", zones_end_name(zones, end));
        json_uint(json, "out_bytes_hour", zone->out_bytes);
        json_uint(json, "hosts", zone->hosts);
        put_band(json, &zone->band);
        json_close(json);
    }
    json_close(json);
}

static void put_places(struct json *json, const struct console_sums *sums)
{
    static const char *const role[ROLES] = {"client", "served"};
    static const char *const kind[DESTINATION_KINDS] = {"domain", "as", "prefix"};
    json_list(json, "destinations");
    for (size_t i = 0; i < sums->sums.places; i++) {
        const struct present_place *place = &sums->place[i];
        json_open(json, NULL);
        json_str(json, "destination", place->destination.name);
        json_str(json, "role", role[place->destination.role]);
        json_str(json, "kind", kind[place->destination.kind]);
        json_uint(json, "out_bytes_hour", place->out_bytes);
        json_uint(json, "hosts", place->hosts);
        json_none(json, "trusted"); /* decided flow by flow, by the rules */
        put_band(json, &place->band);
        json_close(json);
    }
    json_close(json);
    json_uint(json, "destinations_total", sums->present.total);
    json_bool(json, "destinations_whole", sums->sums.whole);
}

/* The latest last in the ring, first here. */
static void put_alerts(struct json *json, const struct console_news *news)
{
    const char *line, *last[NOW_ALERTS] = {NULL};
    size_t size, sizes[NOW_ALERTS] = {0}, count = 0;
    enum news_kind kind;
    for (struct news_walk walk = {0}; console_news_step(news, &walk, &kind, &line, &size);)
        if (kind == NEWS_ALERT) {
            last[count % NOW_ALERTS] = line;
            sizes[count++ % NOW_ALERTS] = size;
        }
    if (!news) {
        json_none(json, "alerts");
        json_str(json, "alerts_why", "they are kept where the console is enabled");
        return;
    }
    json_list(json, "alerts");
    for (size_t i = 0; i < NOW_ALERTS && i < count; i++) {
        size_t at = (count - 1 - i) % NOW_ALERTS;
        struct json_value *root = json_parse(last[at], sizes[at], NULL);
        json_put(json, NULL, root);
        json_value_free(root);
    }
    json_close(json);
}

char *console_api_now(const struct console_api *api, const struct status *status, bool alerts)
{
    const struct console_sums *sums = look(api);
    struct json *json = json_new();
    json_open(json, NULL);
    json_time(json, "at", status->now);
    put_rates(json, status);
    put_budget(json, status);
    json_uint(json, "incidents_open", status->engine.incidents_open);
    put_hour(json, sums);
    put_zones(json, api->engine, sums);
    put_places(json, sums);
    put_bands(json, engine_zones(api->engine), sums);
    json_list(json, "blind");
    for (size_t i = 0; i < status->blind_count; i++)
        json_str(json, NULL, status->blind[i]);
    json_close(json);
    if (alerts)
        put_alerts(json, api->news);
    json_close(json);
    char *text = json_take_text(json, 0);
    json_free(json);
    return text;
}

/* --- one incident ----------------------------------------------------------------------------- */

static void put_members(struct json *json, const char *text)
{
    struct json_value *root = json_parse(text, strlen(text), NULL);
    for (struct json_walk walk = json_members(root); json_step(&walk);)
        if (strcmp(walk.key, "incident") != 0)
            json_put(json, walk.key, walk.value);
    json_value_free(root);
}

static void put_sentences(struct json *json, char *text)
{
    char *at = text;
    json_list(json, "sentences");
    for (char *line; (line = strsep(&at, "\n")) != NULL;)
        if (*line)
            json_str(json, NULL, line);
    json_close(json);
}

/* What is told of it in the lines that are in memory. */
static void explain(const struct console_api *api, const char *id, struct json *json)
{
    struct error error = {0};
    struct explain *told = explain_new(id, &error);
    const char *line;
    size_t size;
    enum news_kind kind;
    for (struct news_walk w = {0}; told && console_news_step(api->news, &w, &kind, &line, &size);)
        explain_seek(told, line, size);
    bool found = told && explain_found(told, &error) == 0;
    for (struct news_walk w = {0}; found && console_news_step(api->news, &w, &kind, &line, &size);)
        explain_gather(told, line, size);
    if (found) {
        char *text = explain_json(told, engine_rules(api->engine));
        put_members(json, text);
        free(text);
        text = explain_text(told, engine_rules(api->engine));
        put_sentences(json, text);
        free(text);
    } else {
        json_list(json, "alerts");
        json_close(json);
    }
    explain_free(told);
    json_bool(json, "told_here", found);
    json_bool(json, "complete", found && console_news_whole(api->news));
}

void console_api_incident(const struct console_api *api, const struct api_request *request,
                          struct api_reply *reply)
{
    char id[ALERT_ID_SIZE];
    const struct incident *incident = api_path_part("/v1/incidents/*", request->path, id, sizeof id)
                                          ? incidents_get(engine_incidents(api->engine), id)
                                          : NULL;
    if (!incident) {
        api_refuse(reply, 404, "the engine knows no incident of this id (weir explain may)");
        return;
    }
    struct json *json = json_new();
    json_open(json, NULL);
    noise_api_put_incident(json, "incident", incident, engine_noise(api->engine));
    explain(api, id, json);
    if (console_news_whole(api->news)) {
        char *path = xasprintf("/v1/incidents/%s/report", id);
        json_str(json, "report", path);
        free(path);
    }
    evidence_api_put_files(json, api->state_folder, id);
    json_close(json);
    reply->body = json_take_text(json, 0);
    json_free(json);
}

/* --- one destination -------------------------------------------------------------------------- */

static void put_sender(struct json *json, const struct present_sender *row)
{
    char text[IP_TEXT_SIZE];
    json_open(json, NULL);
    json_str(json, "host", host_text(&row->host, text));
    hosts_api_put_pair(json, &row->pair);
    json_close(json);
}

/* Of fewer than all pasts the earliest may be too late. */
static void put_why(struct json *json, bool found, size_t known, size_t senders)
{
    char *why =
        !found ? xasprintf("in no past of these hosts that is in memory (%zu of %zu are)", known,
                           senders)
               : xasprintf("at the latest: %zu of %zu senders' pasts are known", known, senders);
    if (!found || known < senders)
        json_str(json, "first_seen_why", why);
    free(why);
}

/* Since when those who send there know it, as far as their pasts are in memory; and to how many it
 * is known. */
static void put_acquaintance(struct json *json, const struct present_sender *row, size_t rows,
                             size_t senders)
{
    struct ptime first = PTIME_MAX;
    size_t known = 0;
    for (size_t i = 0; i < rows; i++) {
        known += row[i].pair.met_known;
        if (row[i].pair.first.ns != PTIME_MIN.ns && row[i].pair.first.ns < first.ns)
            first = row[i].pair.first;
    }
    json_time(json, "first_seen", first);
    put_why(json, first.ns != PTIME_MAX.ns, known, senders);
    if (row[0].pair.prevalence >= 0)
        json_int(json, "prevalence", row[0].pair.prevalence);
    else
        json_none(json, "prevalence");
}

void console_api_destination(const struct console_api *api, const struct api_request *request,
                             struct api_reply *reply)
{
    static const char *const kind[DESTINATION_KINDS] = {"domain", "as", "prefix"};
    char name[DESTINATION_NAME_SIZE];
    struct present present = {.known = false};
    struct present_sender *row = xcalloc(SENDERS, sizeof *row);
    size_t rows = 0;
    if (api_path_name("/v1/destinations/*", request->path, name, sizeof name))
        rows = engine_present_senders(api->engine, name, row, SENDERS, &present);
    if (rows == 0) {
        api_refuse(reply, 404, "nothing went there in the present hour");
    } else {
        struct json *json = json_new();
        json_open(json, NULL);
        json_time(json, "now", engine_status_of(api->engine).complete);
        json_str(json, "name", name);
        json_str(json, "kind", kind[row[0].pair.destination.kind]);
        json_none(json, "trusted");
        put_acquaintance(json, row, rows, present.total);
        json_uint(json, "hosts_total", present.total);
        json_list(json, "hosts");
        for (size_t i = 0; i < rows; i++)
            put_sender(json, &row[i]);
        json_close(json);
        json_close(json);
        reply->body = json_take_text(json, 0);
        json_free(json);
    }
    free(row);
}

/* --- the map ---------------------------------------------------------------------------------- */

static void put_zone(struct json *json, const struct zones *zones, unsigned end,
                     const struct present_zone *sums)
{
    const struct zone *zone = zones_get(zones, end);
    char level[8];
    if (!zone && sums->hosts == 0)
        return;
    json_open(json, NULL);
    json_str(json, "name", zones_end_name(zones, end));
    json_str(json, "level", zone ? zone_level_text(zone->level, level) : NULL);
    json_str(json, "state", zone ? zone_state_name[zone->state] : NULL);
    json_uint(json, "hosts", sums->hosts);
    json_uint(json, "out_bytes", sums->out_bytes);
    json_close(json);
}

void console_api_map(const struct console_api *api, struct api_reply *reply)
{
    const struct zones *zones = engine_zones(api->engine);
    const struct console_sums *sums = look(api);
    struct json *json = json_new();
    json_open(json, NULL);
    json_time(json, "now", engine_status_of(api->engine).complete);
    if (zones) {
        json_list(json, "zones");
        for (unsigned end = 0; end <= ZONE_INSIDE; end++)
            put_zone(json, zones, end, &sums->sums.zone[end]);
        json_close(json);
        zones_api_put_conduits(json, api->engine);
    } else {
        put_no_zones(json);
    }
    json_close(json);
    reply->body = json_take_text(json, 0);
    json_free(json);
}

/* --- events ----------------------------------------------------------------------------------- */

void console_api_events(const struct console_api *api, const struct api_request *request,
                        const char *now, struct api_reply *reply)
{
    struct buffer out = {0};
    console_news_begin(api->news, request->header[API_LAST_EVENT], &out);
    buffer_text(&out, "event: now\ndata: %s\n\n", now);
    buffer_u8(&out, '\0');
    reply->type = "text/event-stream";
    reply->stream = true;
    reply->body = (char *)out.data;
}
