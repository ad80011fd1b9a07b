/* weir reload: asks the sensor that runs with this configuration to read it again, and waits until
 * it is in effect.
 *
 *   last reload? → POST /v1/reload → 409: another one is under way → the same again, until it is
 * not → 202: n is to come → status again and again, until it is n
 *
 * While the engine restarts nobody may answer for a while; only the end of the time is a failure
 * then. A refusal that comes after the 202 is told from one that was there before by when it was.
 * Wall time bounds the waiting. */
#include "reload.h"
#include "api_client.h"
#include "commands.h"
#include "options.h"

#include "weir/base/buffer.h"
#include "weir/base/json.h"
#include "weir/base/time.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL_MS  5000
#define POLL_MS  200
#define EFFECT_S 10 /* until it must be in effect; until another one must be over */

static const char usage[] =
    "usage: weir reload [-c FILE] [--set KEY=VALUE]\n"
    "\n"
    "The sensor that runs with this configuration reads it again: valid, it is swapped whole;\n"
    "refused, nothing changes. It is asked over STATE_DIR/control.sock (sensor.state_dir,\n"
    "default /var/lib/weir).\n"
    "\n"
    "exit status: 0 reloaded; 1 no sensor answers, or not in time; 2 usage, or refused\n";

struct reload {
    const char *path;
    char before[64]; /* when the last reload was, before this one */
    int64_t wanted;  /* generation */
    struct error error;
    struct error silence; /* why the first question was not answered */
};

enum outcome { OUTCOME_PENDING, OUTCOME_DONE, OUTCOME_REFUSED };

/* One look at the status. `at` gets when the last reload was, "" for never. */
static enum outcome look(struct reload *reload, char at[64])
{
    struct error ignored = {0};
    char *body = NULL;
    int status;
    int64_t generation = 0;
    bool ok = true;
    at[0] = '\0';
    if (api_call(reload->path, "GET", "/v1/status", CALL_MS, &status, &body, &reload->silence) != 0)
        return OUTCOME_PENDING;
    struct json_value *root = json_parse(body, strlen(body), &ignored);
    const struct json_value *config = json_get(root, "config");
    const struct json_value *last = json_get(config, "last_reload");
    const char *when = json_text(json_get(last, "at")), *text = json_text(json_get(last, "text"));
    enum outcome outcome = OUTCOME_PENDING;
    json_whole(json_get(config, "generation"), &generation);
    json_truth(json_get(last, "ok"), &ok);
    snprintf(at, 64, "%s", when ? when : "");
    if (reload->wanted > 0 && generation >= reload->wanted)
        outcome = OUTCOME_DONE;
    else if (reload->wanted > 0 && !ok && strcmp(at, reload->before) != 0)
        outcome = OUTCOME_REFUSED;
    if (outcome == OUTCOME_REFUSED)
        error_set(&reload->error, ERROR_USAGE, "configuration refused: %s", text ? text : "?");
    json_value_free(root);
    free(body);
    return outcome;
}

static int await(struct reload *reload)
{
    int64_t end_ns = wtime_now().ns + EFFECT_S * NS_PER_S;
    enum outcome outcome = OUTCOME_PENDING;
    char at[64];
    while (outcome == OUTCOME_PENDING && wtime_now().ns < end_ns) {
        outcome = look(reload, at);
        if (outcome == OUTCOME_PENDING)
            poll(NULL, 0, POLL_MS);
    }
    if (outcome == OUTCOME_PENDING)
        return error_set(&reload->error, ERROR_RUN,
                         "%s: the configuration is not refused, and not in effect after %d s: "
                         "weir status says what becomes of it",
                         reload->path, EFFECT_S);
    return outcome == OUTCOME_DONE ? 0 : -1;
}

/* DONE: accepted, with the generation to come; PENDING: another reload is under way. */
static enum outcome post(struct reload *reload)
{
    char *body = NULL, why[400];
    int status;
    if (api_call(reload->path, "POST", "/v1/reload", CALL_MS, &status, &body, &reload->error) != 0)
        return OUTCOME_REFUSED;
    struct error ignored = {0};
    struct json_value *root = json_parse(body, strlen(body), &ignored);
    bool known = json_whole(json_get(root, "generation"), &reload->wanted) && reload->wanted > 0;
    json_value_free(root);
    api_error_text(body, why, sizeof why);
    free(body);
    if (status == 202 && known)
        return OUTCOME_DONE;
    if (status == 409)
        return OUTCOME_PENDING;
    error_set(&reload->error, ERROR_RUN, "%s: no answer to a reload: HTTP status %d %s",
              reload->path, status, why);
    return OUTCOME_REFUSED;
}

/* Who had the other one read may have meant what was there before. What it came to is no answer to
 * this one. */
static int post_when_free(struct reload *reload)
{
    int64_t end_ns = wtime_now().ns + EFFECT_S * NS_PER_S;
    enum outcome outcome;
    while ((outcome = post(reload)) == OUTCOME_PENDING && wtime_now().ns < end_ns) {
        poll(NULL, 0, POLL_MS);
        look(reload, reload->before);
    }
    if (outcome == OUTCOME_PENDING)
        return error_set(&reload->error, ERROR_RUN,
                         "%s: another reload has been under way for %d s: ask again", reload->path,
                         EFFECT_S);
    return outcome == OUTCOME_DONE ? 0 : -1;
}

int reload_ask(const char *state_dir, int64_t *generation, struct error *error)
{
    char *path = api_socket_path(state_dir);
    struct reload reload = {.path = path};
    look(&reload, reload.before);
    int failed = 0;
    if (*reload.silence.message) {
        *error = reload.silence;
        failed = -1;
    } else if (post_when_free(&reload) != 0 || await(&reload) != 0) {
        *error = reload.error;
        failed = -1;
    }
    *generation = reload.wanted;
    free(path);
    return failed;
}

static int ask(const struct options *options)
{
    struct error error = {0};
    int64_t generation;
    if (reload_ask(options->config.state_dir, &generation, &error) != 0)
        return command_fail(&error);
    char *text = xasprintf("reloaded: configuration %" PRId64 "\n", generation);
    int status = command_print(text);
    free(text);
    return status;
}

int command_reload(int argc, char **argv)
{
    struct options options;
    struct error error = {0};
    int status;
    if (options_parse(&options, argc, argv, "csh", &error) != 0 ||
        (!options.help && options_no_inputs(&options, argv[0], &error) != 0))
        status = command_fail(&error);
    else if (options.help)
        status = command_print(usage);
    else
        status = ask(&options);
    options_fini(&options);
    return status;
}
