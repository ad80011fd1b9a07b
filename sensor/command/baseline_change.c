/* weir baseline reset, forget, hold, release: what people take away from the memory, or keep others
 * from taking.
 *
 *   held? → refused;  else: the audit's line → the change → the running sensor is told
 *
 * `reset` begins learning anew; what the host added to the fleet's sums stays. `forget` is for a
 * person's right: also out of every exact set of the fleet, and what the sensor has open of it; the
 * audit keeps a tombstone with a hash of the address in its place, keyed with the site's key, so
 * that who knows the address can prove that it was forgotten. Thread: the main thread. */
#include "baseline.h"

#include "api_client.h"
#include "commands.h"
#include "evidence_forget.h"

#include "weir/base/buffer.h"
#include "weir/baseline/store_close.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TELL_MS       5000
#define TELL_TRIES    40
#define TELL_AGAIN_MS 250
#define FLEET_TRIES   20 /* an hour is closed once an hour: two are enough */

/* --- before a change ------------------------------------------------------------------------- */

int baseline_host(struct access *access, const struct options *options, const char *verb,
                  struct ip *host)
{
    if (ip_parse(options->input[0], host) == 0)
        return 0;
    return error_set(&access->error, ERROR_USAGE, "baseline %s %.60s: expected an address", verb,
                     options->input[0]);
}

/* What cannot be taken back is asked for twice. */
static int confirm(struct access *access, const struct options *options, const char *verb,
                   const char *what)
{
    char answer[16] = "";
    if (options->yes)
        return 0;
    if (!isatty(STDIN_FILENO))
        return error_set(&access->error, ERROR_USAGE, "baseline %s %s: cannot be undone; say --yes",
                         verb, what);
    fprintf(stderr, "%s %s? It cannot be undone. Type yes: ", verb, what);
    if (fgets(answer, sizeof answer, stdin) && strcmp(answer, "yes\n") == 0)
        return 0;
    return error_set(&access->error, ERROR_RUN, "nothing was changed");
}

struct question {
    struct access *access;
    struct buffer answer;
    bool there, done;
};

static void on_answer(void *context, const void *blob, size_t size)
{
    struct question *question = context;
    question->there = blob != NULL;
    if (blob)
        buffer_put(&question->answer, blob, size);
    buffer_u8(&question->answer, 0);
    question->done = true;
    access_look_again(question->access);
}

static void on_host_answer(void *context, const struct ip *host, const void *blob, size_t size)
{
    (void)host;
    on_answer(context, blob, size);
}

static int check_free(struct access *access, const struct ip *host, const char *name)
{
    struct question question = {.access = access};
    store_load_hold(access->store, host, on_answer, &question);
    int failed = access_wait(access, &question.done);
    if (!failed && question.there)
        failed = error_set(&access->error, ERROR_RUN, "%s is under hold: %s", name,
                           (const char *)question.answer.data);
    buffer_fini(&question.answer);
    return failed;
}

static int check_known(struct access *access, const struct ip *host, const char *name)
{
    struct question question = {.access = access};
    store_load_profile(access->store, host, on_host_answer, &question);
    int failed = access_wait(access, &question.done);
    if (!failed && !question.there)
        failed = error_set(&access->error, ERROR_RUN, "%s: no baseline of this host", name);
    buffer_fini(&question.answer);
    return failed;
}

/* --- after it -------------------------------------------------------------------------------- */

/* The sensor that runs has what was changed in its cache. */
int baseline_tell(struct access *access, const char *host, bool forget)
{
    struct error error = {0};
    char *body = NULL, why[256];
    int status = 0, failed = 0;
    if (access_settle(access) != 0)
        return -1;
    if (!access->running)
        return 0;
    char *path = api_socket_path(access->config->state_dir);
    char *target = xasprintf("/v1/baseline?host=%s%s", host ? host : "", forget ? "&forget" : "");
    failed = api_call(path, "POST", target, TELL_MS, &status, &body, &error);
    for (int i = 0; !failed && status == 409 && i < TELL_TRIES; i++) { /* an hour is being closed */
        free(body);
        poll(NULL, 0, TELL_AGAIN_MS);
        failed = api_call(path, "POST", target, TELL_MS, &status, &body, &error);
    }
    if (failed) {
        failed = error_set(&access->error, ERROR_RUN,
                           "changed, but the running sensor was not told: %s", error.message);
    } else if (status != 200) {
        api_error_text(body, why, sizeof why);
        failed = error_set(&access->error, ERROR_RUN,
                           "changed, but the running sensor did not take it: %s", why);
    }
    free(body);
    free(target);
    free(path);
    return failed;
}

static void on_removed(void *context, bool removed)
{
    struct question *question = context;
    question->there = !removed;
    question->done = true;
    access_look_again(question->access);
}

/* Somebody may have held it while this one was asked whether he means it. */
static int remove_host(struct access *access, const struct ip *host, const char *name, bool forget)
{
    struct question question = {.access = access};
    store_remove_host(access->store, host, forget, on_removed, &question);
    if (access_wait(access, &question.done) != 0)
        return -1;
    return question.there ? error_set(&access->error, ERROR_RUN,
                                      "%s was put under hold meanwhile: nothing was changed", name)
                          : 0;
}

/* --- reset ----------------------------------------------------------------------------------- */

int baseline_reset(struct access *access, const struct options *options)
{
    struct ip host;
    const char *name = options->input[0];
    if (baseline_host(access, options, "reset", &host) != 0 ||
        check_known(access, &host, name) != 0 || check_free(access, &host, name) != 0 ||
        confirm(access, options, "reset", name) != 0)
        return EXIT_RUN;
    baseline_audit(access, "reset", name, options);
    if (remove_host(access, &host, name, false) != 0 || baseline_tell(access, name, false) != 0)
        return EXIT_RUN;
    return command_print("learning begins anew\n");
}

/* --- forget ---------------------------------------------------------------------------------- */

/* A tombstone is a hash that only who knows the address, and the site's key, can make again. What
 * stays of it is said beside it. */
static int write_tombstone(struct access *access, const struct ip *host,
                           const struct evidence_forget *evidence, const struct options *options)
{
    struct hash_key key;
    char tombstone[40];
    if (state_read_key(access->config, &key, &access->error) != 0)
        return -1;
    uint64_t hash = hash64_keyed(&key, host->byte, sizeof host->byte);
    snprintf(tombstone, sizeof tombstone, "keyed:%016" PRIx64, hash);
    baseline_audit(access, "forget", tombstone, options);
    for (size_t i = 0; i < evidence->kept_count; i++) {
        const struct evidence_kept *kept = &evidence->kept[i];
        char *why = xasprintf("evidence of %s, under hold by %s since %s: %s", kept->incident,
                              kept->by, kept->at, kept->reason);
        baseline_audit_because(access, "keep", tombstone, why);
        free(why);
    }
    return 0;
}

/* What a person who is forgotten must be told: what stays, by whose order, why. */
static void tell_evidence(const struct evidence_forget *evidence, struct buffer *out)
{
    if (evidence->gone_count > 0)
        buffer_text(out, "evidence: %zu of %zu folders with packets of it removed\n",
                    evidence->removed, evidence->gone_count);
    for (size_t i = 0; i < evidence->kept_count; i++) {
        const struct evidence_kept *kept = &evidence->kept[i];
        buffer_text(out,
                    "kept: evidence of %s, under hold by %s since %s: %s "
                    "(GDPR Art. 17(3)(e), until it is released)\n",
                    kept->incident, kept->by, kept->at, kept->reason);
    }
    if (evidence->unclear > 0)
        buffer_text(out, "evidence: %zu folders do not say whose they are, and stay: look at %s\n",
                    evidence->unclear, evidence->folder);
    if (evidence->asked)
        buffer_text(out, "packets of it in evidence-ring: the sensor was asked to overwrite them; "
                         "its journal says what came of it (evidence.forgotten)\n");
    if (evidence->emptied)
        buffer_text(out, "%" PRIu64 " packets of it in evidence-ring are overwritten with zeros\n",
                    evidence->held.packets);
    if (evidence->held.unreadable > 0)
        buffer_text(out,
                    "evidence-ring: %" PRIu64
                    " segments (or files not of whole ones) could not be read: overwritten, "
                    "whoever's they were\n",
                    evidence->held.unreadable);
    if (evidence->ring && !evidence->asked && !evidence->emptied)
        buffer_text(out, "packets in evidence-ring go when newer ones take their place\n");
}

/* The question says what goes and what stays. */
static int confirm_forget(struct access *access, const struct options *options, const char *name,
                          const struct evidence_forget *evidence)
{
    char *what =
        evidence->kept_count + evidence->gone_count == 0
            ? xstrdup(name)
            : xasprintf("%s, with %zu folders of evidence, of which %zu are under hold "
                        "and stay",
                        name, evidence->kept_count + evidence->gone_count, evidence->kept_count);
    int failed = confirm(access, options, "forget", what);
    free(what);
    return failed;
}

struct fleet_change {
    struct access *access;
    const struct ip *host;
    struct fleet_forgotten forgotten;
    bool won, done;
};

static void on_fleet_put(void *context, bool won)
{
    struct fleet_change *change = context;
    change->won = won;
    change->done = true;
    access_look_again(change->access);
}

static void on_fleet(void *context, const struct store_fleet *read)
{
    struct fleet_change *change = context;
    struct access *access = change->access;
    struct buffer blob = {0};
    struct fleet *fleet = read->blob ? fleet_unpack(read->blob, read->size, &access->error) : NULL;
    if (!fleet) {
        on_fleet_put(change, true); /* there are none, or the error says so */
        return;
    }
    change->forgotten = fleet_forget_host(fleet, change->host);
    fleet_pack(fleet, &blob);
    store_put_fleet(access->store, read, blob.data, blob.size, on_fleet_put, change);
    buffer_fini(&blob);
    fleet_free(fleet);
}

/* Not over an hour that was closed in between: then from what there is now. */
static int forget_in_fleet(struct access *access, const struct ip *host,
                           struct fleet_forgotten *forgotten)
{
    struct fleet_change change = {.access = access, .host = host};
    for (int i = 0; i < FLEET_TRIES && !change.won; i++) {
        change.done = false;
        store_read_fleet(access->store, on_fleet, &change);
        if (access_wait(access, &change.done) != 0)
            return -1;
    }
    *forgotten = change.forgotten;
    return change.won ? 0
                      : error_set(&access->error, ERROR_RUN,
                                  "the fleet's tables change all the time: say it again");
}

/* Evidence goes last: what could not be forgotten in the baseline is to be asked for again. */
static int forget(struct access *access, const struct options *options, const struct ip *host,
                  struct evidence_forget *evidence)
{
    struct fleet_forgotten forgotten = {0, 0};
    const char *name = options->input[0];
    if (confirm_forget(access, options, name, evidence) != 0 ||
        write_tombstone(access, host, evidence, options) != 0 ||
        remove_host(access, host, name, true) != 0 ||
        forget_in_fleet(access, host, &forgotten) != 0 || baseline_tell(access, name, true) != 0)
        return EXIT_RUN;
    const struct evidence_forget_note note = {access->config, access->running,
                                              access->state.lock_fd >= 0};
    int failed = evidence_forget_held(evidence, &note, host, &access->error);
    failed |= evidence_forget_remove(evidence, &note, &access->error);
    struct buffer out = {0};
    buffer_text(&out,
                "forgotten: its profile, its open totals, and its mark in %" PRIu32
                " sets of the fleet\n%s",
                forgotten.sets,
                forgotten.sketches ? "one among many in sketches, which give nobody back\n" : "");
    tell_evidence(evidence, &out);
    buffer_u8(&out, 0);
    command_make_lines_harmless((char *)out.data);
    int status = command_print((const char *)out.data);
    buffer_fini(&out);
    return failed ? EXIT_RUN : status;
}

int baseline_forget(struct access *access, const struct options *options)
{
    struct ip host;
    struct evidence_forget evidence;
    if (baseline_host(access, options, "forget", &host) != 0 ||
        check_free(access, &host, options->input[0]) != 0)
        return EXIT_RUN;
    evidence_forget_look(config_state_dir(access->config), &host, &evidence);
    int status = forget(access, options, &host, &evidence);
    evidence_forget_fini(&evidence);
    return status;
}

/* --- hold, release --------------------------------------------------------------------------- */

int baseline_hold(struct access *access, const struct options *options)
{
    struct ip host;
    if (baseline_host(access, options, "hold", &host) != 0)
        return EXIT_RUN;
    if (!options->reason || !*options->reason) {
        error_set(&access->error, ERROR_USAGE, "baseline hold: say why with --reason TEXT");
        return EXIT_USAGE;
    }
    baseline_audit(access, "hold", options->input[0], options);
    store_put_hold(access->store, &host, options->reason);
    return access_settle(access) == 0 ? command_print("held\n") : EXIT_RUN;
}

int baseline_release(struct access *access, const struct options *options)
{
    struct ip host;
    if (baseline_host(access, options, "release", &host) != 0)
        return EXIT_RUN;
    baseline_audit(access, "release", options->input[0], options);
    store_put_hold(access->store, &host, NULL);
    return access_settle(access) == 0 ? command_print("released\n") : EXIT_RUN;
}
