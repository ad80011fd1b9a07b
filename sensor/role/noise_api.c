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

void noise_api_put_incident(struct json *json, const char *key, const struct incident *incident,
                            const struct noise *book)
{
    const struct noise_mark *mark = book ? noise_mark_of(book, incident->id) : NULL;
    json_open(json, key);
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

/* Which of them are asked for, and in which order. */
struct incidents_asked {
    size_t offset, limit;
    int min_score;
    char host[IP_TEXT_SIZE], state[16], order[16]; /* "": any; gravest first */
};

static bool read_number(const char *text, size_t size, size_t *to)
{
    if (size == 0 || size > 9 || strspn(text, "0123456789") < size)
        return false;
    *to = strtoul(text, NULL, 10);
    return true;
}

static bool read_word(const char *text, size_t size, char *to, size_t room)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz.:-";
    if (size == 0 || size >= room || strspn(text, letters) < size)
        return false;
    memcpy(to, text, size);
    to[size] = '\0';
    return true;
}

static bool is_key(const char *pair, const char *key)
{
    size_t size = strlen(key);
    return strncmp(pair, key, size) == 0 && pair[size] == '=';
}

static bool read_pair(const char *pair, const char *value, size_t size,
                      struct incidents_asked *asked)
{
    size_t score;
    if (is_key(pair, "offset"))
        return read_number(value, size, &asked->offset);
    if (is_key(pair, "limit"))
        return read_number(value, size, &asked->limit);
    if (is_key(pair, "host"))
        return read_word(value, size, asked->host, sizeof asked->host);
    if (is_key(pair, "state"))
        return read_word(value, size, asked->state, sizeof asked->state);
    if (is_key(pair, "order"))
        return read_word(value, size, asked->order, sizeof asked->order);
    if (!is_key(pair, "min_score") || !read_number(value, size, &score) || score > 100)
        return false;
    asked->min_score = (int)score;
    return true;
}

static const char *const states[] = {"", "open", "active", "acknowledged", "closed"};
static const char *const orders[] = {"", "score", "last", "first", "out"};

static bool is_one_of(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, list[i]) == 0)
            return true;
    return false;
}

/* "key=value&…", in any order; 0: good. */
static int read_asked(const char *query, struct incidents_asked *asked)
{
    *asked = (struct incidents_asked){.limit = PAGE};
    for (; *query; query += *query == '&') {
        size_t size = strcspn(query, "&"), key = strcspn(query, "=&");
        if (key + 1 > size || !read_pair(query, query + key + 1, size - key - 1, asked))
            return -1;
        query += size;
    }
    return asked->limit >= 1 && asked->limit <= PAGE &&
                   is_one_of(asked->state, states, sizeof states / sizeof *states) &&
                   is_one_of(asked->order, orders, sizeof orders / sizeof *orders)
               ? 0
               : -1;
}

/* open: nobody closed it by a verdict; active: its story goes on. */
static bool is_asked(const struct incidents_asked *asked, const struct incident *incident,
                     const struct noise *book, const struct pseudonyms *pseudonyms)
{
    const struct noise_mark *mark = book ? noise_mark_of(book, incident->id) : NULL;
    const char *state = asked->state;
    char text[IP_TEXT_SIZE];
    const struct ip *host = &incident->story.host;
    bool hidden = pseudonyms && pseudonyms_hide(pseudonyms, host);
    if (incident->score < asked->min_score)
        return false;
    if (*asked->host &&
        !strstr(hidden ? pseudonym_of(pseudonyms, host, text) : host_text(host, text), asked->host))
        return false;
    bool judged = mark && *mark->closed.by;
    return *state == '\0' || (strcmp(state, "open") == 0 && !judged) ||
           (strcmp(state, "closed") == 0 && judged) ||
           (strcmp(state, "active") == 0 && !incident->closed) ||
           (strcmp(state, "acknowledged") == 0 && mark && noise_is_acknowledged(mark));
}

static int by_last(const void *a, const void *b)
{
    const struct incident *const *one = a, *const *other = b;
    int64_t x = (*one)->story.last.ns, y = (*other)->story.last.ns;
    return x != y ? (x > y ? -1 : 1) : strcmp((*one)->id, (*other)->id);
}

static int by_first(const void *a, const void *b)
{
    const struct incident *const *one = a, *const *other = b;
    int64_t x = (*one)->story.first.ns, y = (*other)->story.first.ns;
    return x != y ? (x > y ? -1 : 1) : strcmp((*one)->id, (*other)->id);
}

static int by_out(const void *a, const void *b)
{
    const struct incident *const *one = a, *const *other = b;
    uint64_t x = (*one)->story.out.value, y = (*other)->story.out.value;
    return x != y ? (x > y ? -1 : 1) : strcmp((*one)->id, (*other)->id);
}

/* Those that were asked for, in their order. Caller frees. */
static const struct incident **find_asked(const struct noise_api *api,
                                          const struct incidents_asked *asked, size_t *count)
{
    size_t all, kept = 0;
    const struct incident **sorted = incidents_sorted(engine_incidents(api->engine), &all);
    for (size_t i = 0; i < all; i++)
        if (is_asked(asked, sorted[i], engine_noise(api->engine), api->pseudonyms))
            sorted[kept++] = sorted[i];
    if (strcmp(asked->order, "last") == 0)
        qsort(sorted, kept, sizeof *sorted, by_last);
    else if (strcmp(asked->order, "first") == 0)
        qsort(sorted, kept, sizeof *sorted, by_first);
    else if (strcmp(asked->order, "out") == 0)
        qsort(sorted, kept, sizeof *sorted, by_out);
    *count = kept;
    return sorted;
}

void noise_api_incidents(const struct noise_api *api, const struct api_request *request,
                         struct api_reply *reply)
{
    size_t count;
    struct incidents_asked asked;
    if (read_asked(request->query, &asked) != 0) {
        api_refuse(reply, 400,
                   "expected ?offset=N&limit=N&state=open|active|acknowledged|closed&host=TEXT&"
                   "min_score=N&order=score|last|first|out, a limit from 1 to 200");
        return;
    }
    const struct incident **sorted = find_asked(api, &asked, &count);
    struct json *json = json_new();
    json_open(json, NULL);
    json_uint(json, "total", count);
    json_uint(json, "offset", asked.offset);
    json_list(json, "incidents");
    for (size_t i = asked.offset; i < count && i - asked.offset < asked.limit; i++)
        noise_api_put_incident(json, NULL, sorted[i], engine_noise(api->engine));
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
                                .peer = people_asks(api->people, request, name),
                                .signed_in = request->user != NULL,
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

struct deed {
    struct noise_act act;
    char name[PEOPLE_NAME];
    char *message;
};

static void begin_deed(struct deed *deed, const struct noise_api *api,
                       const struct api_request *request, const char *action, const char *subject,
                       const char *did)
{
    people_asks(api->people, request, deed->name);
    deed->message =
        xasprintf("%s %s%s%s", deed->name, did, subject ? " " : "", subject ? subject : "");
    deed->act = (struct noise_act){.action = action,
                                   .subject = subject,
                                   .message = deed->message,
                                   .by = deed->name,
                                   .uid = request->uid,
                                   .at = ptime_now()};
}

void noise_api_act(const struct noise_api *api, const struct api_request *request,
                   const char *action, const char *subject, const char *did)
{
    struct deed deed;
    begin_deed(&deed, api, request, action, subject, did);
    engine_noise_act(api->engine, &deed.act);
    free(deed.message);
}

bool noise_api_act_first(const struct noise_api *api, const struct api_request *request,
                         const char *action, const char *subject, const char *did,
                         struct api_reply *reply)
{
    struct deed deed;
    struct error error = {0};
    begin_deed(&deed, api, request, action, subject, did);
    bool safe = engine_noise_act_first(api->engine, &deed.act, &error) == 0;
    if (!safe)
        api_refuse(reply, 503, error.message);
    free(deed.message);
    return safe;
}
