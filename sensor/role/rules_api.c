/* See rules_api.h and weir/role/rules_act.h. */
#include "rules_api.h"

#include "people.h"

#include "weir/base/buffer.h"
#include "weir/engine/noise.h"
#include "weir/role/rules_act.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 96 /* bytes of a text that is stated */

const char *const rules_verb_name[RULES_VERBS] = {"install", "rollback", "refused"};
const char *const rules_verb_action[RULES_VERBS] = {"rules.install", "rules.rollback",
                                                    "rules.refused"};

char *rules_act_message(const struct rules_act *act)
{
    static const char *const did[RULES_VERBS] = {"installs", "goes back to", "could not change to"};
    char before[40] = "";
    if (act->before > 0)
        snprintf(before, sizeof before, " in the place of %" PRId64, act->before);
    return xasprintf("%s %s rules %s %" PRId64 "%s, signed by %s, SHA-256 %s", act->by,
                     did[act->verb], act->name, act->version, before, act->key, act->digest);
}

struct stated {
    struct json_value *root;
    const char *by, *verb, *name, *key, *digest;
    int64_t version, before;
};

static bool is_plain(const char *text)
{
    for (size_t i = 0; text[i]; i++)
        if (text[i] < ' ' || text[i] > '~' || i >= TEXT_MAX)
            return false;
    return *text != '\0';
}

static bool take(struct stated *stated, const char *key, const struct json_value *value)
{
    const struct {
        const char *key, **to;
    } row[] = {{"by", &stated->by},
               {"verb", &stated->verb},
               {"name", &stated->name},
               {"key", &stated->key},
               {"digest", &stated->digest}};
    const char *text = json_text(value);
    if (strcmp(key, "version") == 0)
        return json_whole(value, &stated->version) && stated->version > 0;
    if (strcmp(key, "before") == 0)
        return json_whole(value, &stated->before) && stated->before >= 0;
    for (size_t i = 0; text && i < sizeof row / sizeof *row; i++)
        if (strcmp(key, row[i].key) == 0) {
            *row[i].to = text;
            return is_plain(text);
        }
    return false;
}

static bool read_stated(const struct api_request *request, struct stated *stated)
{
    *stated = (struct stated){.root = json_parse(request->body, request->body_size, NULL)};
    bool good = json_is_record(stated->root);
    for (struct json_walk walk = json_members(stated->root); good && json_step(&walk);)
        good = take(stated, walk.key, walk.value);
    return good && stated->verb && stated->name && stated->version && stated->key && stated->digest;
}

static enum rules_verb verb_of(const char *text)
{
    enum rules_verb verb = RULES_INSTALL;
    while (verb < RULES_VERBS && strcmp(rules_verb_name[verb], text) != 0)
        verb++;
    return verb;
}

/* The kernel's word on who asks stands beside what is stated. */
static void note(const struct noise_api *api, const struct api_request *request,
                 const struct stated *stated, enum rules_verb verb, struct api_reply *reply)
{
    char name[PEOPLE_NAME], by[TEXT_MAX + PEOPLE_NAME + 4];
    struct error error = {0};
    people_asks(api->people, request, name);
    if (stated->by && strcmp(stated->by, name) != 0)
        snprintf(by, sizeof by, "%s (%s)", stated->by, name);
    else
        snprintf(by, sizeof by, "%s", name);
    char *message = rules_act_message(&(struct rules_act){
        verb, by, stated->name, stated->version, stated->before, stated->key, stated->digest});
    if (engine_noise_act_first(api->engine,
                               &(struct noise_act){.action = rules_verb_action[verb],
                                                   .subject = stated->name,
                                                   .message = message,
                                                   .by = by,
                                                   .uid = request->uid,
                                                   .at = ptime_now()},
                               &error) == 0)
        reply->body = xstrdup("{\"ok\":true}");
    else
        api_refuse(reply, 503, error.message);
    free(message);
}

void rules_api_note(const struct noise_api *api, const struct api_request *request,
                    struct api_reply *reply)
{
    struct stated stated;
    enum rules_verb verb = read_stated(request, &stated) ? verb_of(stated.verb) : RULES_VERBS;
    if (verb < RULES_VERBS)
        note(api, request, &stated, verb, reply);
    else
        api_refuse(reply, 400,
                   "body: expected verb (install, rollback, refused), name, version, key, digest, "
                   "and perhaps before, by");
    json_value_free(stated.root);
}
