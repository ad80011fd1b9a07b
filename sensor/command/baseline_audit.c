/* The audit: who changed what of the memory, and when. weir baseline audit shows it.
 *
 * A line is JSON, kept in Redis beside what it speaks of (store.h), so it goes where the memory
 * goes and is there for every sensor. Times are the wall clock's: people act in it. Thread: the
 * main thread. */
#include "baseline.h"

#include "commands.h"

#include "weir/base/buffer.h"
#include "weir/base/json.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* sudo says who is behind root. */
static const char *who(void)
{
    const char *behind = getenv("SUDO_USER");
    const struct passwd *user = getpwuid(getuid());
    if (getuid() == 0 && behind && *behind)
        return behind;
    return user ? user->pw_name : "?";
}

void baseline_audit(struct access *access, const char *verb, const char *subject,
                    const struct options *options)
{
    baseline_audit_because(access, verb, subject, options->reason);
}

void baseline_audit_because(struct access *access, const char *verb, const char *subject,
                            const char *reason)
{
    char at[32];
    time_t now = time(NULL);
    struct tm utc;
    struct json *j = json_new();
    strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    json_open(j, NULL);
    json_str(j, "at", at);
    json_str(j, "who", who());
    json_str(j, "verb", verb);
    if (subject)
        json_str(j, "subject", subject);
    if (reason)
        json_str(j, "reason", reason);
    json_close(j);
    char *line = json_take_text(j, 0);
    store_put_audit(access->store, line);
    free(line);
    json_free(j);
}

struct reading {
    struct access *access;
    bool as_json, done;
    uint64_t lines;
};

static const char *text_of(const struct json_value *object, const char *key)
{
    const char *text = json_text(json_get(object, key));
    return text ? text : "";
}

/* Whoever may write to Redis, or gave a reason, must not make up a line. */
static void show(const char *line, size_t size)
{
    struct error error = {0};
    struct json_value *root = json_parse(line, size, &error);
    const char *reason = text_of(root, "reason");
    char *shown = xasprintf("%-21s %-12s %-9s %s%s%s", text_of(root, "at"), text_of(root, "who"),
                            text_of(root, "verb"), text_of(root, "subject"),
                            *reason ? "  reason: " : "", reason);
    command_make_harmless(shown);
    puts(shown);
    free(shown);
    json_value_free(root);
}

/* JSON has no line's end of its own. */
static void show_json(const char *line, size_t size)
{
    char *shown = xasprintf("%.*s", (int)size, line);
    command_make_harmless(shown);
    puts(shown);
    free(shown);
}

static void on_line(void *context, const char *line, size_t size)
{
    struct reading *reading = context;
    if (!line) {
        reading->done = true;
        access_look_again(reading->access);
        return;
    }
    reading->lines++;
    if (reading->as_json)
        show_json(line, size);
    else
        show(line, size);
}

int baseline_audited(struct access *access, const struct options *options)
{
    struct reading reading = {.access = access, .as_json = options->json};
    store_each_audit(access->store, on_line, &reading);
    if (access_wait(access, &reading.done) != 0)
        return EXIT_RUN;
    return command_print(reading.lines || options->json ? "" : "nothing was changed by hand\n");
}
