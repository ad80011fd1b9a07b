/* weir privacy access: who looked at whom. That somebody asks is a look, too. Thread: the main
 * thread. */
#include "privacy.h"

#include "commands.h"
#include "look.h"
#include "moment.h"
#include "words.h"

#include "weir/alert/line.h"
#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/role/access_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct listing {
    const struct options *options;
    const struct privacy_asked *asked;
    struct ptime since, until;
    struct calendar *calendar;
    uint64_t shown;
};

static bool is_wanted(const struct listing *listing, const struct json_value *line)
{
    const struct privacy_asked *asked = listing->asked;
    struct ptime at;
    bool known = ptime_of_iso(line_text(line, "at"), &at);
    if ((asked->since && (!known || at.ns < listing->since.ns)) ||
        (asked->until && (!known || at.ns >= listing->until.ns)))
        return false;
    if (asked->by && strcmp(asked->by, line_text(line, "by")) != 0 &&
        strcmp(asked->by, line_text(line, "account")) != 0)
        return false;
    return !asked->host || strstr(line_text(line, "what"), asked->host) != NULL;
}

/* Whoever states a name or a reason must not make up a line. */
static void put(char *text)
{
    command_make_harmless(text);
    puts(text);
    free(text);
}

static void on_line(void *context, const struct json_value *line, const char *text, size_t size)
{
    struct listing *listing = context;
    struct ptime time;
    char at[40] = "?";
    if (!is_wanted(listing, line))
        return;
    listing->shown++;
    if (listing->options->json) {
        put(xasprintf("%.*s", (int)size, text));
        return;
    }
    if (ptime_of_iso(line_text(line, "at"), &time))
        calendar_text(listing->calendar, time, CALENDAR_LONG, at, sizeof at);
    const char *account = line_text(line, "account"), *reason = line_text(line, "reason");
    put(xasprintf("%s  %s%s%s%s  %s%s%s%s%s", at, line_text(line, "by"), *account ? " (" : "",
                  account, *account ? ")" : "", line_text(line, "verb"),
                  *line_text(line, "what") ? "  " : "", line_text(line, "what"),
                  *reason ? "  reason: " : "", reason));
}

/* What to note elsewhere, so that lines cut off at the end are seen. */
static int conclude(const struct listing *listing, const struct access_chain *chain)
{
    if (!listing->options->json) {
        if (chain->lines == 0)
            puts("nobody looked");
        else
            printf("line %" PRIu64 " is the last; its SHA-256: %s\n", chain->last, chain->head);
    }
    if (chain->gone > 0)
        log_warn("%" PRIu64 " lines before the first are gone (privacy.retention_days)",
                 chain->gone);
    if (chain->breaks + chain->damaged == 0)
        return command_print("");
    log_error("the access log does not hold together: %" PRIu64
              " lines do not follow on the one before, %" PRIu64 " are none",
              chain->breaks, chain->damaged);
    command_print("");
    return EXIT_RUN;
}

int privacy_access(const struct options *options, const struct privacy_asked *asked,
                   struct error *error)
{
    struct listing listing = {.options = options, .asked = asked};
    struct access_chain chain;
    const struct ptime now = ptime_now();
    listing.calendar = config_calendar(&options->config, error);
    int status = EXIT_RUN;
    if (!listing.calendar ||
        (asked->since && moment_read(asked->since, now, "--since", &listing.since, error) != 0) ||
        (asked->until && moment_read(asked->until, now, "--until", &listing.until, error) != 0) ||
        look_begin(&options->config, "privacy access", asked->host ? asked->host : asked->by,
                   error) != 0 ||
        access_log_each(config_state_dir(&options->config), on_line, &listing, &chain, error) != 0)
        status = command_fail(error);
    else
        status = conclude(&listing, &chain);
    calendar_free(listing.calendar);
    return status;
}
