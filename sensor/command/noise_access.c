/* See noise_access.h. */
#include "noise_access.h"

#include "access.h"
#include "api_client.h"
#include "words.h"

#include "weir/alert/journal.h"
#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/capture/sandbox.h"
#include "weir/role/access_log.h"
#include "weir/role/state.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALL_MS 5000

static char *book_path(const struct config *config)
{
    return xasprintf("%s/%s", config_state_dir(config), noise_file);
}

struct noise *noise_access_book(const struct config *config, struct error *error)
{
    char *path = book_path(config);
    struct noise *noise = noise_read(path, error);
    if (noise && noise->filed)
        noise_catch_up(noise, config_state_dir(config));
    free(path);
    return noise;
}

const char *noise_access_author(void)
{
    const char *behind = getenv("SUDO_USER");
    if (getuid() == 0 && behind && *behind)
        return behind;
    const struct passwd *user = getpwuid(getuid());
    return user ? user->pw_name : "?";
}

/* Every line behind sequence number `after`. */
static int each_behind(const char *folder, uint64_t after,
                       void (*each)(void *context, const char *line, size_t size), void *context,
                       uint64_t *damaged, struct error *error)
{
    struct journal_reader *reader = journal_reader_open(folder, after, error);
    const char *line;
    size_t size;
    uint64_t sequence;
    int result;
    *damaged = 0;
    if (!reader)
        return -1;
    while ((result = journal_reader_next(reader, UINT64_MAX, &line, &size, &sequence, NULL)) != 0) {
        if (result > 0)
            each(context, line, size);
        else
            ++*damaged;
    }
    journal_reader_close(reader);
    return 0;
}

int noise_access_each_in(const char *folder,
                         void (*each)(void *context, const char *line, size_t size), void *context,
                         uint64_t *damaged, struct error *error)
{
    return each_behind(folder, 0, each, context, damaged, error);
}

int noise_access_each(const struct config *config, struct ptime since,
                      void (*each)(void *context, const char *line, size_t size), void *context,
                      uint64_t *damaged, struct error *error)
{
    const char *folder = config_state_dir(config);
    uint64_t after = since.ns > PTIME_MIN.ns + CLOCK_SLIP
                         ? journal_reader_before(folder, since.ns - CLOCK_SLIP)
                         : 0;
    return each_behind(folder, after, each, context, damaged, error);
}

/* --- with no sensor running ------------------------------------------------------------------- */

/* The record's sequence number; 0 and an error. */
static uint64_t append(const char *folder, const char *record, struct error *error)
{
    struct journal *journal = journal_open(folder, NULL, error);
    if (!journal)
        return 0;
    uint64_t sequence = journal_append(journal, record, strlen(record), error);
    if (sequence && journal_sync(journal, error) != 0)
        sequence = 0;
    journal_close(journal);
    return sequence;
}

int noise_access_note(const struct config *config, const struct noise_act *act, struct error *error)
{
    char *record = noise_audit(act);
    int failed = append(config_state_dir(config), record, error) == 0;
    free(record);
    return failed ? -1 : 0;
}

/* What was refused may have its line in the journal all the same: another says that all is as it
 * was, and reads back so. */
static void take_back(const char *folder, struct noise *before, const struct noise *next,
                      const struct noise_order *order)
{
    struct error error = {0};
    before->next = next->next;
    char *record = noise_refused(before, order);
    if (append(folder, record, &error) == 0)
        log_warn("the journal may have the record of it: then it holds at the next start: %s",
                 error.message);
    free(record);
}

/* As in the audit of the baseline, the line goes before the change. */
static int obey(const struct config *config, const struct noise_order *order, char **reply,
                struct error *error)
{
    const char *folder = config_state_dir(config);
    char *path = book_path(config);
    struct noise_outcome outcome = {.audit = NULL};
    struct noise *before = noise_access_book(config, error);
    struct noise *next = before ? noise_copy(before) : NULL;
    bool allowed = next && noise_obey(next, order, &outcome, error) == 0;
    int failed = !allowed || (next->counted = append(folder, outcome.audit, error)) == 0 ||
                 noise_write(next, path, error) != 0;
    if (allowed && failed)
        take_back(folder, before, next, order);
    *reply = failed ? NULL : outcome.reply;
    if (!failed)
        outcome.reply = NULL;
    noise_outcome_fini(&outcome);
    noise_free(before);
    noise_free(next);
    free(path);
    return failed ? -1 : 0;
}

static int change(const struct config *config, struct noise_order *order, char **reply,
                  struct error *error)
{
    struct state state = {.lock_fd = -1};
    order->peer = noise_access_author();
    order->uid = getuid();
    order->at = order->packet = ptime_now();
    order->sensor = config->sensor_name;
    order->zones = config->zones;
    int failed = state_open(&state, config, error) != 0 ||
                 sandbox_drop_user(&state.user, error) != 0 ||
                 obey(config, order, reply, error) != 0;
    state_close(&state);
    return failed ? -1 : 0;
}

/* --- with one --------------------------------------------------------------------------------- */

static char *target_of(enum noise_verb verb, const char *target)
{
    static const char *const path[] = {[NOISE_ADD] = "/v1/silences%s",
                                       [NOISE_REMOVE] = "/v1/silences/%s",
                                       [NOISE_ACKNOWLEDGE] = "/v1/incidents/%s/ack",
                                       [NOISE_CLOSE] = "/v1/incidents/%s/close",
                                       [NOISE_REOPEN] = "/v1/incidents/%s/reopen"};
    const char *wild = strstr(path[verb], "%s");
    return xasprintf("%.*s%s%s", (int)(wild - path[verb]), path[verb], target ? target : "",
                     wild + 2);
}

/* The author behind sudo, stated: the API knows only of root. */
static char *with_author(const char *body)
{
    struct json *json = json_new();
    json_open(json, NULL);
    json_str(json, "author", noise_access_author());
    json_close(json);
    char *author = json_take_text(json, 0), *whole;
    json_free(json);
    if (strlen(body) <= 2) /* none, or {} */
        return author;
    whole = xasprintf("%.*s,%s", (int)strlen(author) - 1, author, body + 1);
    free(author);
    return whole;
}

static int ask(const struct config *config, const struct noise_order *order, char **reply,
               struct error *error)
{
    char *path = api_socket_path(config->state_dir), *body = with_author(order->body), why[400];
    char *target = target_of(order->verb, order->target);
    int status, failed = api_send(path, order->verb == NOISE_REMOVE ? "DELETE" : "POST", target,
                                  body, CALL_MS, &status, reply, error);
    if (!failed && status != 200) {
        enum error_code code = status == 400   ? ERROR_USAGE
                               : status == 404 ? ERROR_INPUT
                                               : ERROR_RUN;
        api_error_text(*reply, why, sizeof why);
        failed = error_set(error, code, "%s", why);
        free(*reply);
        *reply = NULL;
    }
    free(target);
    free(body);
    free(path);
    return failed;
}

/* For those who may use the socket and not look at the lock. */
static bool answers(const struct config *config)
{
    struct error ignored = {0};
    char *path = api_socket_path(config->state_dir), *body = NULL;
    int status = 0;
    bool one = api_call(path, "GET", "/v1/health", CALL_MS, &status, &body, &ignored) == 0;
    free(body);
    free(path);
    return one;
}

/* --- pseudonyms ------------------------------------------------------------------------------- */

static int ask_reveal(const struct config *config, const char *pseudonym, const char *by,
                      const char *reason, struct error *error)
{
    char *path = api_socket_path(config->state_dir), *body = NULL, why[400];
    struct json *json = json_new();
    int status = 0;
    json_open(json, NULL);
    json_str(json, "pseudonym", pseudonym);
    json_str(json, "author", by);
    json_str(json, "reason", reason);
    json_close(json);
    char *sent = json_take_text(json, 0);
    json_free(json);
    int failed = api_send(path, "POST", "/v1/reveal", sent, CALL_MS, &status, &body, error);
    if (!failed && status != 200) {
        api_error_text(body, why, sizeof why);
        failed = error_set(error, status == 400 ? ERROR_USAGE : ERROR_RUN, "%s", why);
    }
    free(sent);
    free(body);
    free(path);
    return failed;
}

struct revealing {
    const char *pseudonym, *by, *reason;
    char *account; /* of who asks, before this becomes the sensor's user */
    int64_t uid;
    struct ptime at;
    uint64_t number; /* in the access log */
};

static int note_look(const struct config *config, struct revealing *r, struct error *error)
{
    const struct access_look look = {.at = r->at,
                                     .by = r->by,
                                     .account = strcmp(r->account, r->by) == 0 ? NULL : r->account,
                                     .uid = r->uid,
                                     .via = "command",
                                     .verb = "privacy reveal",
                                     .what = r->pseudonym,
                                     .reason = r->reason};
    return access_log_put(config_state_dir(config), config->access_days, CALL_MS, &look, &r->number,
                          error);
}

static int note_act(const struct config *config, const struct revealing *r, struct error *error)
{
    char *who =
        strcmp(r->account, r->by) == 0 ? xstrdup(r->by) : xasprintf("%s (%s)", r->by, r->account);
    char *message = xasprintf("%s had %s revealed: %s (access log, %" PRIu64 ")", who, r->pseudonym,
                              r->reason, r->number);
    char *record = noise_audit(&(struct noise_act){.action = "privacy.reveal",
                                                   .subject = r->pseudonym,
                                                   .message = message,
                                                   .by = who,
                                                   .uid = r->uid,
                                                   .at = r->at,
                                                   .sensor = config->sensor_name});
    uint64_t sequence = append(config_state_dir(config), record, error);
    free(record);
    free(message);
    free(who);
    return sequence ? 0 : -1;
}

int noise_access_reveal(const struct config *config, const char *pseudonym, const char *by,
                        const char *reason, struct error *error)
{
    struct state state = {.lock_fd = -1};
    if (access_runs(config) || answers(config))
        return ask_reveal(config, pseudonym, by, reason, error);
    struct revealing revealing = {.pseudonym = pseudonym,
                                  .by = by,
                                  .reason = reason,
                                  .account = xstrdup(noise_access_author()),
                                  .uid = getuid(),
                                  .at = ptime_now()};
    int failed =
        state_open(&state, config, error) != 0 || note_look(config, &revealing, error) != 0 ||
        sandbox_drop_user(&state.user, error) != 0 || note_act(config, &revealing, error) != 0;
    state_close(&state);
    free(revealing.account);
    return failed ? -1 : 0;
}

int noise_access_order(const struct config *config, enum noise_verb verb, const char *target,
                       const char *body, char **reply, struct error *error)
{
    struct noise_order order = {
        .verb = verb, .target = target, .body = body, .body_size = strlen(body)};
    *reply = NULL;
    return access_runs(config) || answers(config) ? ask(config, &order, reply, error)
                                                  : change(config, &order, reply, error);
}
