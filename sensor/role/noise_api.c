/* See noise_api.h. Lists are bounded: all silences (NOISE_SILENCES), a page of PAGE incidents at
 * most. Thread: the engine's. */
#include "noise_api.h"

#include "weir/base/buffer.h"
#include "weir/base/device.h"
#include "weir/engine/noise.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 200

/* --- lists ------------------------------------------------------------------------------------ */

void noise_api_silences(const struct noise_api *api, const struct api_request *request,
                        struct api_reply *reply)
{
    (void)request;
    const struct noise *book = engine_noise(api->engine);
    struct json *json = json_new();
    json_open(json, NULL);
    struct ptime now = engine_status_of(api->engine).complete;
    if (now.ns > 0 && now.ns < PTIME_MAX.ns)
        json_time(json, "now", now);
    json_list(json, "silences");
    for (size_t i = 0; book && i < book->silence_count; i++)
        noise_put_silence(json, NULL, &book->silence[i]);
    json_close(json);
    json_close(json);
    reply->body = json_take_text(json, 0);
    json_free(json);
}

static void put_story(struct json *json, const struct incident *incident)
{
    const struct story *story = &incident->story;
    static const struct ip nobody;
    char text[IP_TEXT_SIZE];
    if (ip_compare(&story->host, &nobody) == 0)
        json_str(json, "sight", story->sight);
    else
        json_str(json, "host", host_text(&story->host, text));
    if (story->has_destination)
        json_str(json, "destination", story->destination.name);
    json_time(json, "first", story->first);
    json_time(json, "last", story->last);
    json_uint(json, "out_bytes", story->out.value);
}

static void put_incident(struct json *json, const struct incident *incident,
                         const struct noise *book)
{
    const struct noise_mark *mark = book ? noise_mark_of(book, incident->id) : NULL;
    json_open(json, NULL);
    json_str(json, "id", incident->id);
    json_int(json, "score", incident->score);
    json_str(json, "urgency", urgency_name[incident->urgency]);
    json_bool(json, "active", !incident->closed);
    json_uint(json, "alerts", incident->alerts);
    put_story(json, incident);
    json_list(json, "rules");
    for (size_t i = 0; i < incident->rank_count; i++)
        json_str(json, NULL, incident->rank[i].detector->id);
    json_close(json);
    if (mark)
        noise_put_mark(json, "mark", mark);
    json_close(json);
}

/* "", "offset=N", "limit=N", in any order; 0: good. */
static int read_page(const char *query, size_t *offset, size_t *limit)
{
    *offset = 0;
    *limit = PAGE;
    while (*query) {
        size_t key = strncmp(query, "offset=", 7) == 0  ? 7
                     : strncmp(query, "limit=", 6) == 0 ? 6
                                                        : 0;
        size_t digits = strspn(query + key, "0123456789"), end = key + digits;
        if (key == 0 || digits == 0 || digits > 9 || (query[end] && query[end] != '&'))
            return -1;
        *(key == 7 ? offset : limit) = strtoul(query + key, NULL, 10);
        query += end + (query[end] == '&');
    }
    return *limit >= 1 && *limit <= PAGE ? 0 : -1;
}

void noise_api_incidents(const struct noise_api *api, const struct api_request *request,
                         struct api_reply *reply)
{
    size_t offset, limit, count;
    if (read_page(request->query, &offset, &limit) != 0) {
        api_refuse(reply, 400, "expected ?offset=N&limit=N, a limit from 1 to 200");
        return;
    }
    const struct incident **sorted = incidents_sorted(engine_incidents(api->engine), &count);
    struct json *json = json_new();
    json_open(json, NULL);
    json_uint(json, "total", count);
    json_uint(json, "offset", offset);
    json_list(json, "incidents");
    for (size_t i = offset; i < count && i - offset < limit; i++)
        put_incident(json, sorted[i], engine_noise(api->engine));
    json_close(json);
    json_close(json);
    reply->body = json_take_text(json, 0);
    json_free(json);
    free(sorted);
}

/* --- orders ----------------------------------------------------------------------------------- */

static int status_of(const struct error *error)
{
    switch (error->code) {
    case ERROR_USAGE:
        return 400;
    case ERROR_INPUT:
        return 404;
    case ERROR_NONE:
    case ERROR_RUN:
        break;
    }
    return 409;
}

static void obey(const struct noise_api *api, const struct api_request *request,
                 enum noise_verb verb, const char *target, struct api_reply *reply)
{
    char name[PEOPLE_NAME];
    struct error error = {0};
    struct noise_outcome outcome;
    struct noise_order order = {.verb = verb,
                                .target = target,
                                .body = request->body,
                                .body_size = request->body_size,
                                .peer = people_name(api->people, request->uid, name),
                                .uid = request->uid,
                                .at = ptime_now()};
    if (engine_noise_order(api->engine, &order, &outcome, &error) != 0) {
        api_refuse(reply, status_of(&error), error.message);
        return;
    }
    reply->body = outcome.reply;
    outcome.reply = NULL;
    noise_outcome_fini(&outcome);
}

static void obey_path(const struct noise_api *api, const struct api_request *request,
                      enum noise_verb verb, const char *route, struct api_reply *reply)
{
    char target[ALERT_ID_SIZE];
    if (api_path_part(route, request->path, target, sizeof target))
        obey(api, request, verb, target, reply);
    else
        api_refuse(reply, 404, "there is nothing of that name");
}

void noise_api_add(const struct noise_api *api, const struct api_request *request,
                   struct api_reply *reply)
{
    obey(api, request, NOISE_ADD, NULL, reply);
}

void noise_api_remove(const struct noise_api *api, const struct api_request *request,
                      struct api_reply *reply)
{
    obey_path(api, request, NOISE_REMOVE, "/v1/silences/*", reply);
}

void noise_api_acknowledge(const struct noise_api *api, const struct api_request *request,
                           struct api_reply *reply)
{
    obey_path(api, request, NOISE_ACKNOWLEDGE, "/v1/incidents/*/ack", reply);
}

void noise_api_close(const struct noise_api *api, const struct api_request *request,
                     struct api_reply *reply)
{
    obey_path(api, request, NOISE_CLOSE, "/v1/incidents/*/close", reply);
}

void noise_api_reopen(const struct noise_api *api, const struct api_request *request,
                      struct api_reply *reply)
{
    obey_path(api, request, NOISE_REOPEN, "/v1/incidents/*/reopen", reply);
}

void noise_api_act(const struct noise_api *api, const struct api_request *request,
                   const char *action, const char *subject, const char *did)
{
    char name[PEOPLE_NAME];
    people_name(api->people, request->uid, name);
    char *message = xasprintf("%s %s%s%s", name, did, subject ? " " : "", subject ? subject : "");
    engine_noise_act(api->engine, &(struct noise_act){.action = action,
                                                      .subject = subject,
                                                      .message = message,
                                                      .by = name,
                                                      .uid = request->uid,
                                                      .at = ptime_now()});
    free(message);
}
