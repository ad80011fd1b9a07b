/* See rules_place.h. The order in which a bundle is changed:
 *
 *     written aside, compiled aside → the journal says so → the link is replaced → reload
 *
 * so nothing changes that is not in the journal, and whoever stops in between has the old one or
 * the new one whole; the same command again does the rest. */
#include "rules_place.h"

#include "access.h"
#include "api_client.h"
#include "noise_access.h"
#include "reload.h"

#include "weir/base/json.h"
#include "weir/base/log.h"
#include "weir/role/check.h"
#include "weir/role/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALL_MS 5000

/* --- do they compile? ------------------------------------------------------------------------- */

/* Where it was looked at is nobody's business: FOLDER/new/a.yaml:3:1 → a.yaml:3:1. */
static void shorten(char *message, const char *folder)
{
    size_t size = strlen(folder);
    for (char *at = message; (at = strstr(at, folder)) != NULL;) {
        size_t cut = size + (at[size] == '/');
        memmove(at, at + cut, strlen(at + cut) + 1);
    }
}

int rules_check(const struct config_source *source, const char *aside, const char *instead,
                const char *name, struct error *error)
{
    struct config_source copy;
    struct config config;
    struct error why = {0};
    config_source_copy(&copy, source);
    copy.files.aside = aside;
    copy.files.instead = instead;
    int failed = config_load(&config, &copy, &why) != 0 || role_check(&config, NULL, &why) != 0;
    if (failed) {
        shorten(why.message, instead);
        error_set(error, why.code, "%s: %s", name, why.message);
    }
    config_fini(&config);
    config_source_fini(&copy);
    return failed ? -1 : 0;
}

/* --- the journal ------------------------------------------------------------------------------ */

static char *body_of(const struct rules_act *act)
{
    struct json *json = json_new();
    json_open(json, NULL);
    json_str(json, "by", act->by);
    json_str(json, "verb", rules_verb_name[act->verb]);
    json_str(json, "name", act->name);
    json_int(json, "version", act->version);
    json_int(json, "before", act->before);
    json_str(json, "key", act->key);
    json_str(json, "digest", act->digest);
    json_close(json);
    char *text = json_take_text(json, 0);
    json_free(json);
    return text;
}

static int note_running(const struct config *config, const struct rules_act *act,
                        struct error *error)
{
    char *socket = api_socket_path(config->state_dir), *body = body_of(act), *reply = NULL;
    char why[400];
    int status = 0;
    int failed =
        api_send(socket, "POST", "/v1/rules", body, CALL_MS, &status, &reply, error) != 0 ? -1 : 0;
    if (!failed && status != 200) {
        api_error_text(reply, why, sizeof why);
        failed = error_set(error, ERROR_RUN, "the journal does not take it: %s", why);
    }
    free(reply);
    free(body);
    free(socket);
    return failed;
}

/* As the user that the sensor runs as, whose the journal is. */
static int note_here(const struct config *config, const struct rules_act *act, struct error *error)
{
    const uid_t uid = getuid(); /* who asks, before it is the sensor's */
    struct state state = {.lock_fd = -1};
    char *message = rules_act_message(act);
    int failed = state_open(&state, config, error) != 0 ||
                 sandbox_drop_user(&state.user, error) != 0 ||
                 noise_access_note(config,
                                   &(struct noise_act){.action = rules_verb_action[act->verb],
                                                       .subject = act->name,
                                                       .message = message,
                                                       .by = act->by,
                                                       .uid = uid,
                                                       .at = ptime_now(),
                                                       .sensor = config->sensor_name},
                                   error) != 0;
    state_close(&state);
    free(message);
    return failed ? -1 : 0;
}

static int await_child(pid_t pid, int fd, struct error *error)
{
    char why[400] = "";
    size_t size = 0;
    ssize_t got;
    int status = 0;
    while ((got = read(fd, why + size, sizeof why - 1 - size)) > 0 || (got < 0 && errno == EINTR))
        size += got > 0 ? (size_t)got : 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return error_set(error, ERROR_RUN, "the journal does not take it: %s", *why ? why : "it ended");
}

/* In a child: what is a user for good cannot replace the link. */
static int note_alone(const struct config *config, const struct rules_act *act, struct error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set(error, ERROR_RUN, "pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        struct error why = {0};
        int failed = note_here(config, act, &why);
        if (failed && write(ends[1], why.message, strlen(why.message)) < 0)
            failed = 2;
        _exit(failed ? 1 : 0);
    }
    close(ends[1]);
    int failed = pid < 0 ? error_set(error, ERROR_RUN, "fork: %s", strerror(errno))
                         : await_child(pid, ends[0], error);
    close(ends[0]);
    return failed;
}

int rules_note(const struct config *config, const struct rules_act *act, struct error *error)
{
    return access_runs(config) ? note_running(config, act, error) : note_alone(config, act, error);
}

/* --- who reads them --------------------------------------------------------------------------- */

static int64_t version_of(const struct bundle *bundle)
{
    return bundle ? bundle->version : 0;
}

static int note_turn(const struct rules_turn *turn, enum rules_verb verb, int64_t before,
                     struct error *error)
{
    const struct rules_act act = {.verb = verb,
                                  .by = noise_access_author(),
                                  .name = turn->to->name,
                                  .version = turn->to->version,
                                  .before = before,
                                  .key = turn->to->key,
                                  .digest = turn->to->digest};
    return rules_note(turn->config, &act, error);
}

int rules_tell(const struct config *config, struct error *error)
{
    int64_t generation = 0;
    if (!access_runs(config)) {
        printf("no sensor runs with %s: the next one goes by them\n", config_state_dir(config));
        return 0;
    }
    if (reload_ask(config->state_dir, &generation, error) != 0)
        return -1;
    printf("reloaded: configuration %" PRId64 "\n", generation);
    return 0;
}

static bool holds_still(const struct rules_turn *turn, const char *held)
{
    const char *now = turn->folder->current;
    return now && held ? strcmp(now, held) == 0 : now == held;
}

/* What the journal said before did not come. */
static void note_refused(const struct rules_turn *turn)
{
    struct error why = {0};
    if (note_turn(turn, RULES_REFUSED, 0, &why) != 0)
        log_warn("all is as it was, but the journal does not say so: %s", why.message);
}

/* The sensor said no: what held holds. */
static void take_back(const struct rules_turn *turn, const char *held, struct error *error)
{
    struct error ignored = {0}, cause = *error;
    bundle_folder_point(turn->folder, held, &ignored);
    bool back = holds_still(turn, held);
    *error = (struct error){0};
    if (back)
        error_set(error, cause.code, "all is as it was: %.480s", cause.message);
    else
        error_set(error, ERROR_RUN,
                  "rules %s %" PRIu32 " hold in %.100s for whoever starts next, the sensor goes by "
                  "those before: %.160s; what held cannot hold again: %.120s",
                  turn->to->name, turn->to->version, turn->folder->path, cause.message,
                  ignored.message);
    if (back)
        note_refused(turn);
}

/* It is in the journal. */
static int put_in_place(const struct rules_turn *turn, const char *held, struct error *error)
{
    struct bundle_folder *folder = turn->folder;
    int failed = turn->verb == RULES_INSTALL ? bundle_folder_take(folder, turn->to, error)
                                             : bundle_folder_point(folder, folder->former, error);
    if (!failed)
        return 0;
    if (holds_still(turn, held))
        note_refused(turn);
    else
        log_warn("rules %s %" PRIu32 " hold in %s all the same; no sensor was told", turn->to->name,
                 turn->to->version, folder->path);
    return -1;
}

/* −1 with ERROR_RUN: it holds, and nobody knows what the sensor goes by. */
static int tell_turn(const struct rules_turn *turn, const char *held, struct error *error)
{
    int failed = rules_tell(turn->config, error);
    if (failed && error->code == ERROR_USAGE)
        take_back(turn, held, error);
    else
        printf("rules %s %" PRIu32 " hold in %s%s\n", turn->to->name, turn->to->version,
               turn->folder->path,
               failed ? ", whether the sensor goes by them or not (weir status)" : "");
    return failed;
}

int rules_turn(const struct rules_turn *turn, struct error *error)
{
    struct bundle_folder *folder = turn->folder;
    char *held = folder->current ? xstrdup(folder->current) : NULL;
    int failed = note_turn(turn, turn->verb, version_of(folder->holds), error) != 0 ||
                 put_in_place(turn, held, error) != 0 || tell_turn(turn, held, error) != 0;
    /* What a rollback came from stays, for whoever still reads it, until the next is put in. */
    if (!failed && turn->verb == RULES_INSTALL)
        bundle_folder_clean(folder);
    free(held);
    return failed ? -1 : 0;
}
