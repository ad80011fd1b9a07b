/* See govern_api.h. The audit, in the store, has the order before the change; the journal has what
 * was done, in the name of who is logged in. */
#include "govern_api.h"

#include "weir/base/buffer.h"
#include "weir/base/json.h"
#include "weir/engine/noise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const route[GOVERN_VERBS] = {
    [GOVERN_FREEZE] = "/v1/hosts/*/freeze",
    [GOVERN_THAW] = "/v1/hosts/*/thaw",
    [GOVERN_RESET] = "/v1/hosts/*/reset",
};

/* --- what came of it -------------------------------------------------------------------------- */

static void note(const struct govern_pending *pending)
{
    static const char *const did[GOVERN_VERBS] = {"froze", "thawed", "reset"};
    char host[IP_TEXT_SIZE];
    ip_text(&pending->host, host);
    char *message = xasprintf("%s %s the baseline of %s%s%s", pending->who, did[pending->verb],
                              host, *pending->reason ? ": " : "", pending->reason);
    engine_noise_act(pending->engine, &(struct noise_act){.action = "baseline.change",
                                                          .subject = host,
                                                          .message = message,
                                                          .by = pending->who,
                                                          .uid = pending->uid,
                                                          .at = ptime_now()});
    free(message);
}

static void say(enum govern_result result, struct api_reply *reply)
{
    static const struct {
        int status;
        const char *text;
    } row[GOVERN_RESULTS] = {
        [GOVERN_DONE] = {200, "{\"changed\":true}"},
        [GOVERN_SAME] = {200, "{\"changed\":false}"},
        [GOVERN_UNKNOWN] = {404, "no baseline of this host"},
        [GOVERN_HELD] = {409, "it is under hold (weir baseline hold): nothing was changed"},
        [GOVERN_OVERTAKEN] = {409, "it was changed meanwhile: say it again"},
        [GOVERN_DAMAGED] = {409, "what is stored of it is damaged, and stays as it is"},
        [GOVERN_AWAY] = {503, "the store is away: nothing is changed"},
        [GOVERN_LATER] = {409, "another change, or an hour's close, is under way: say it again"},
    };
    if (row[result].status == 200)
        reply->body = xstrdup(row[result].text);
    else
        api_refuse(reply, row[result].status, row[result].text);
}

static void on_done(void *context, enum govern_result result)
{
    struct govern_pending *pending = context;
    struct api_reply reply = {.status = 200, .type = "application/json"};
    if (result == GOVERN_DONE)
        note(pending);
    say(result, &reply);
    api_answer(pending->api, pending->ticket, &reply);
}

/* --- the order -------------------------------------------------------------------------------- */

static void read_reason(const struct api_request *request, char *to, size_t room)
{
    struct error error = {0};
    struct json_value *body = json_parse(request->body, request->body_size, &error);
    const char *text = body ? json_text(json_get(body, "reason")) : NULL;
    snprintf(to, room, "%s", text ? text : "");
    json_value_free(body);
    for (; *to; to++)
        if ((unsigned char)*to < 0x20 || *to == 0x7f)
            *to = '?';
}

void govern_api_order(const struct govern_api *api, enum govern_verb verb,
                      const struct api_request *request, struct api_reply *reply)
{
    char text[IP_TEXT_SIZE];
    struct ip host;
    if (!api_path_name(route[verb], request->path, text, sizeof text) ||
        !hosts_api_find(&api->hosts, text, &host)) {
        api_refuse(reply, 404, "no host of that name");
        return;
    }
    struct govern_pending pending = {.engine = api->hosts.engine,
                                     .api = api->api,
                                     .ticket = request->ticket,
                                     .host = host,
                                     .verb = verb,
                                     .uid = request->uid};
    enum govern_result why;
    people_asks(api->people, request, pending.who);
    read_reason(request, pending.reason, sizeof pending.reason);
    if (!engine_govern(api->hosts.engine,
                       &(struct govern_order){.host = host,
                                              .verb = verb,
                                              .who = pending.who,
                                              .reason = pending.reason,
                                              .done = on_done,
                                              .context = api->pending},
                       &why)) {
        say(why, reply);
        return;
    }
    *api->pending = pending;
    reply->later = true;
}
