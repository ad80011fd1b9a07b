/* See privacy_api.h. Another writer of the access log is waited for WAIT_MS at most: the loop must
 * not stand. */
#include "privacy_api.h"

#include "weir/alert/line.h"
#include "weir/alert/pseudonym.h"
#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/engine/noise.h"
#include "weir/role/access_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS  100
#define TEXT_MAX 511 /* of what people state, as of silences */

static int put(const struct privacy_api *api, const struct access_look *look, uint64_t *number,
               struct error *error)
{
    return access_log_put(config_state_dir(api->config), api->config->access_days, WAIT_MS, look,
                          number, error);
}

int privacy_api_look(const struct privacy_api *api, const struct api_request *request,
                     struct api_reply *reply)
{
    return privacy_api_look_at(api, request, *request->query ? request->query : NULL, reply);
}

int privacy_api_look_at(const struct privacy_api *api, const struct api_request *request,
                        const char *what, struct api_reply *reply)
{
    char name[PEOPLE_NAME];
    struct error error = {0};
    uint64_t number;
    if (api->config->access_log == ACCESS_LOG_OFF)
        return 0;
    char *verb = xasprintf("%s %s", request->method, request->path);
    const struct access_look look = {.at = ptime_now(),
                                     .by = people_asks(api->people, request, name),
                                     .uid = request->uid,
                                     .via = request->user ? "console" : "api",
                                     .verb = verb,
                                     .what = what};
    int failed = put(api, &look, &number, &error);
    free(verb);
    if (!failed)
        return 0;
    log_warn("a look is not in the access log: %s", error.message);
    if (api->config->access_log != ACCESS_LOG_REQUIRED)
        return 0;
    api_refuse(reply, 503, "what cannot be written to the access log is not shown");
    return -1;
}

int privacy_api_look_on(const struct privacy_api *api, struct looks *looks,
                        const struct api_request *request, struct api_reply *reply)
{
    struct wtime now = wtime_now();
    bool short_enough = strlen(request->path) < LOOK_PATH;
    size_t i = 0;
    while (i < looks->count &&
           (looks->row[i].uid != request->uid || looks->row[i].session != request->session ||
            strcmp(looks->row[i].path, request->path) != 0))
        i++;
    if (i < looks->count && now.ns - looks->row[i].since.ns < LOOK_LASTS_NS)
        return 0;
    if (privacy_api_look(api, request, reply) != 0)
        return -1;
    if (i == looks->count && short_enough) {
        i = looks->next++ % LOOKS;
        looks->count += looks->count < LOOKS;
    }
    if (short_enough) {
        looks->row[i].uid = request->uid;
        looks->row[i].session = request->session;
        looks->row[i].since = now;
        snprintf(looks->row[i].path, LOOK_PATH, "%s", request->path);
    }
    return 0;
}

/* --- what a command asks for -------------------------------------------------------------------
 */

struct stated {
    struct json_value *root;
    const char *verb, *what, *author, *reason, *pseudonym; /* "": not stated */
};

static bool is_plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

/* False: refused. Unknown keys, other types, texts too long or of several lines are. */
static bool read_stated(const struct api_request *request, struct stated *stated,
                        struct api_reply *reply)
{
    const struct {
        const char *key, **to;
    } row[] = {{"verb", &stated->verb},
               {"what", &stated->what},
               {"author", &stated->author},
               {"reason", &stated->reason},
               {"pseudonym", &stated->pseudonym}};
    *stated =
        (struct stated){json_parse(request->body, request->body_size, NULL), "", "", "", "", ""};
    bool good = json_is_record(stated->root);
    for (struct json_walk walk = json_members(stated->root); good && json_step(&walk);) {
        const char *text = json_text(walk.value);
        good = false;
        for (size_t i = 0; text && i < sizeof row / sizeof *row; i++)
            if (strcmp(walk.key, row[i].key) == 0) {
                *row[i].to = text;
                good = strlen(text) <= TEXT_MAX && is_plain(text);
            }
    }
    if (!good)
        api_refuse(reply, 400,
                   "body: expected texts of one line: verb, what, author, reason, pseudonym");
    return good;
}

static const char *or_none(const char *text)
{
    return *text ? text : NULL;
}

/* Who it is said to be, beside whom the kernel knows. */
static struct access_look look_of(const struct privacy_api *api, const struct api_request *request,
                                  const struct stated *stated, char name[PEOPLE_NAME])
{
    people_asks(api->people, request, name);
    bool other = *stated->author && strcmp(stated->author, name) != 0;
    return (struct access_look){.at = ptime_now(),
                                .by = other ? stated->author : name,
                                .account = other ? name : NULL,
                                .uid = request->uid,
                                .via = "command",
                                .verb = stated->verb,
                                .what = or_none(stated->what),
                                .reason = or_none(stated->reason)};
}

static void answer(struct api_reply *reply, int failed, uint64_t number, const struct error *error)
{
    if (failed)
        api_refuse(reply, 503, error->message);
    else
        reply->body = xasprintf("{\"n\":%" PRIu64 "}", number);
}

void privacy_api_access(const struct privacy_api *api, const struct api_request *request,
                        struct api_reply *reply)
{
    struct stated stated;
    struct error error = {0};
    char name[PEOPLE_NAME];
    uint64_t number = 0;
    if (read_stated(request, &stated, reply) && !*stated.verb) {
        api_refuse(reply, 400, "verb: expected what is done");
    } else if (reply->status == 200) {
        const struct access_look look = look_of(api, request, &stated, name);
        int failed = put(api, &look, &number, &error);
        answer(reply, failed, number, &error);
    }
    json_value_free(stated.root);
}

static void tell(const struct privacy_api *api, const struct access_look *look,
                 const struct stated *stated, uint64_t number)
{
    char *by = look->account ? xasprintf("%s (%s)", look->by, look->account) : xstrdup(look->by);
    char *message = xasprintf("%s had %s revealed: %s (access log, %" PRIu64 ")", by,
                              stated->pseudonym, stated->reason, number);
    engine_noise_act(api->engine, &(struct noise_act){.action = "privacy.reveal",
                                                      .subject = stated->pseudonym,
                                                      .message = message,
                                                      .by = by,
                                                      .uid = look->uid,
                                                      .at = look->at});
    free(message);
    free(by);
}

void privacy_api_reveal(const struct privacy_api *api, const struct api_request *request,
                        struct api_reply *reply)
{
    struct stated stated;
    struct error error = {0};
    char name[PEOPLE_NAME];
    uint64_t number = 0;
    if (read_stated(request, &stated, reply) &&
        (!pseudonym_is(stated.pseudonym) || !*stated.reason || !*stated.author)) {
        api_refuse(reply, 400, "expected a pseudonym, an author and a reason");
    } else if (reply->status == 200) {
        struct access_look look = look_of(api, request, &stated, name);
        look.verb = "privacy reveal";
        look.what = stated.pseudonym;
        int failed = put(api, &look, &number, &error);
        if (!failed)
            tell(api, &look, &stated, number);
        answer(reply, failed, number, &error);
    }
    json_value_free(stated.root);
}
