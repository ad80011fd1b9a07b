/* What `weir top` asks the sensor for: its status, and what the screen shows. While it does not
 * answer, what was shown last stays, marked as old. A sensor that hangs holds up keys for ASK_MS a
 * question. See top.h. */
#include "top.h"

#include "api_client.h"
#include "commands.h"

#include "weir/base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_MS 3000

/* The body of a reply of 200, with pseudonyms where they are asked for; caller frees. */
static char *ask(const struct top *top, const char *target, struct error *error)
{
    char *body = NULL, why[TOP_MESSAGE];
    int status;
    if (api_call(top->path, "GET", target, ASK_MS, &status, &body, error) != 0)
        return NULL;
    if (status != 200) {
        api_error_text(body, why, sizeof why);
        command_make_harmless(why);
        error_set(error, ERROR_RUN, "%s: %s", top->path, why);
        free(body);
        return NULL;
    }
    char *hidden = top->pseudonyms ? pseudonyms_text(top->pseudonyms, body, strlen(body)) : NULL;
    if (hidden)
        free(body);
    return hidden ? hidden : body;
}

static struct json_value *ask_json(const struct top *top, const char *target, struct error *error)
{
    char *body = ask(top, target, error);
    struct error why = {0};
    struct json_value *root = body ? json_parse(body, strlen(body), &why) : NULL;
    if (body && !root)
        error_set(error, ERROR_RUN, "%s: the reply is no JSON: is this a sensor's socket?",
                  top->path);
    free(body);
    return root;
}

static char *target_of(const struct top *top)
{
    static const char *const order[TOP_ORDERS] = {"out", "out", "in", "host"};
    const struct top_state *state = &top->state;
    if (state->screen == TOP_HOST)
        return xasprintf("/v1/hosts/%s", top->host);
    return xasprintf("/v1/hosts?limit=%d&order=%s%s%s", TOP_ROWS, order[state->order],
                     *state->find ? "&find=" : "", state->find);
}

char *top_ask_page(const struct top *top, struct error *error)
{
    char *target = target_of(top), *body = ask(top, target, error);
    free(target);
    return body;
}

static int take_page(struct top *top, struct error *error)
{
    struct top_state *state = &top->state;
    bool one = state->screen == TOP_HOST;
    struct top_page *shown = one ? &state->host : &state->hosts;
    char *target = target_of(top);
    struct json_value *root = ask_json(top, target, error);
    struct top_page *page = xcalloc(1, sizeof *page);
    int failed = root ? top_page_read(root, one ? "destinations" : "hosts", shown, page) : -1;
    if (root && failed)
        error_set(error, ERROR_RUN, "%s: the reply is no list of hosts: an older sensor?",
                  top->path);
    if (!failed)
        *shown = *page;
    free(page);
    json_value_free(root);
    free(target);
    return failed;
}

static int take_status(struct top *top, struct error *error)
{
    struct json_value *root = ask_json(top, "/v1/status", error);
    if (root)
        top_sensor_read(root, &top->state.sensor);
    json_value_free(root);
    return root ? 0 : -1;
}

/* --- an incident ------------------------------------------------------------------------------ */

static void tell_member(struct buffer *b, const struct json_value *incident, const char *key,
                        const char *label)
{
    int64_t whole;
    bool truth;
    const struct json_value *value = json_get(incident, key);
    if (json_text(value))
        buffer_text(b, "%-14s%s\n", label, json_text(value));
    else if (json_whole(value, &whole))
        buffer_text(b, "%-14s%lld\n", label, (long long)whole);
    else if (json_truth(value, &truth))
        buffer_text(b, "%-14s%s\n", label, truth ? "yes" : "no");
}

static char *story_of(const struct json_value *incident)
{
    static const char *const row[][2] = {
        {"score", "score"},   {"urgency", "urgency"}, {"active", "open"},
        {"alerts", "alerts"}, {"host", "host"},       {"destination", "to"},
        {"first", "first"},   {"last", "last"},       {"out_bytes", "bytes out"},
    };
    struct buffer b = {0};
    const char *id = json_text(json_get(incident, "id"));
    buffer_text(&b, "\nincident inc-%.12s\n\n", id ? id : "?");
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        tell_member(&b, incident, row[i][0], row[i][1]);
    const struct json_value *rules = json_get(incident, "rules");
    for (size_t i = 0; i < json_length(rules); i++)
        buffer_text(&b, "%-14s%s\n", i ? "" : "told by",
                    json_text(json_at(rules, i)) ? json_text(json_at(rules, i)) : "?");
    buffer_text(&b, "\nIn words: weir explain inc-%.12s\n", id ? id : "?");
    buffer_u8(&b, 0);
    command_make_lines_harmless((char *)b.data);
    return (char *)b.data;
}

/* Found on the page of the gravest: an open one is there, unless 200 are graver. */
static int take_incident(struct top *top, struct error *error)
{
    struct json_value *root = ask_json(top, "/v1/incidents", error);
    const struct json_value *list = json_get(root, "incidents"), *found = NULL;
    for (size_t i = 0; i < json_length(list) && !found; i++) {
        const char *id = json_text(json_get(json_at(list, i), "id"));
        if (id && strcmp(id, top->state.incident) == 0)
            found = json_at(list, i);
    }
    free(top->state.story);
    top->state.story = found ? story_of(found)
                             : xstrdup("\nit is not among the 200 gravest: weir incident list\n");
    json_value_free(root);
    return root ? 0 : -1;
}

int top_ask(struct top *top, struct error *error)
{
    struct top_state *state = &top->state;
    top->due.ns = wtime_now().ns + top->every_ns;
    int failed = take_status(top, error) != 0 ||
                 (state->screen == TOP_INCIDENT ? take_incident : take_page)(top, error) != 0;
    snprintf(state->message, sizeof state->message, "%.255s", failed ? error->message : "");
    command_make_harmless(state->message);
    return failed ? -1 : 0;
}
