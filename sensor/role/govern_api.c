/* See govern_api.h. The audit, in the store, has the order before the change; the journal has what
 * was done, in the name of who is logged in. */
#include "govern_api.h"

#include "weir/base/buffer.h"
#include "weir/base/device.h"
#include "weir/base/json.h"
#include "weir/base/terminal.h"
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

/* In the words that alerts have for the host. */
static void note(const struct govern_pending *pending, enum govern_result result)
{
    static const char *const did[GOVERN_VERBS] = {"froze", "thawed", "reset"};
    static const char *const but[GOVERN_RESULTS] = {
        [GOVERN_UNSURE] = " (the store went before it said so: it may be as it was)",
        [GOVERN_HELD] = " (refused, it is under hold: nothing was changed)",
        [GOVERN_OVERTAKEN] = " (refused, it was changed meanwhile: it is as that left it)",
    };
    const bool refused = result == GOVERN_HELD || result == GOVERN_OVERTAKEN;
    char host[IP_TEXT_SIZE];
    host_text(&pending->host, host);
    char *message =
        xasprintf("%s %s%s the baseline of %s%s%s%s", pending->who, refused ? "asked to " : "",
                  (refused ? govern_verb_name : did)[pending->verb], host,
                  *pending->reason ? ": " : "", pending->reason, but[result] ? but[result] : "");
    engine_noise_act(pending->engine,
                     &(struct noise_act){.action = refused ? "baseline.keep" : "baseline.change",
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
        [GOVERN_UNSURE] = {503, "the store went meanwhile: it may be changed or not, look again"},
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
    if (result == GOVERN_DONE || result == GOVERN_UNSURE || result == GOVERN_HELD ||
        result == GOVERN_OVERTAKEN)
        note(pending, result);
    say(result, &reply);
    api_answer(pending->api, pending->ticket, &reply);
}

/* --- the order -------------------------------------------------------------------------------- */

/* As of silences: who orders is who is logged in, so there is nothing else to say than why. A
 * reset cannot be undone: nobody does it without a reason. False: `reply` says what is wrong. */
static bool read_reason(const struct api_request *request, enum govern_verb verb,
                        char to[NOISE_TEXT], struct api_reply *reply)
{
    struct json_value *body = json_parse(request->body, request->body_size, NULL);
    const struct json_value *reason = body ? json_get(body, "reason") : NULL;
    const char *text = json_text(reason);
    bool good = request->body_size == 0 || json_is_record(body);
    for (struct json_walk walk = json_members(body); good && json_step(&walk);)
        good = strcmp(walk.key, "reason") == 0 && text && strlen(text) < NOISE_TEXT &&
               terminal_is_harmless(text);
    snprintf(to, NOISE_TEXT, "%s", good && text ? text : "");
    json_value_free(body);
    if (!good)
        api_refuse(reply, 400,
                   "body: expected {\"reason\": one line of at most 511 bytes}, and nothing else");
    else if (verb == GOVERN_RESET && to[strspn(to, " ")] == '\0')
        api_refuse(reply, 400, "reason: expected a text: a reset cannot be undone");
    return reply->status == 200;
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
    if (!read_reason(request, verb, pending.reason, reply))
        return;
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
    reply->late = "it is under way, and no answer came yet: look again";
}
