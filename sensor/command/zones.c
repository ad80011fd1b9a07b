/* weir zones: what the zones are, what a matrix of conduits could be, and how far from it what
 * captures, or a running sensor, saw is. Captures are judged as `weir replay --online` does;
 * nothing is told to any sink. Thread: the main thread. */
#include "commands.h"
#include "look.h"
#include "options.h"
#include "session.h"
#include "words.h"
#include "zones_live.h"
#include "zones_text.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/role/check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: weir zones list    [-c FILE]              zones, and how many conduits are not signed\n"
    "       weir zones propose [-c FILE] [INPUT...]   what was seen to pass, as networks.conduits\n"
    "                                                 takes it, for people to review\n"
    "       weir zones drift   [-c FILE] [INPUT...]   what is not in the matrix, and what of it "
    "is\n"
    "                                                 silent\n"
    "\n"
    "Zones are networks.zones of the configuration, conduits the file that networks.conduits "
    "names.\n"
    "Without INPUT the sensor that runs with this configuration is asked what it saw.\n"
    "\n"
    "      --functions STATE     propose: observe (a function that its row does not list is drift, "
    "and\n"
    "                            not told) or locked (it is told)\n"
    "  -c, --config FILE         the configuration\n"
    "      --set KEY=VALUE, --inside PREFIX, -f EXPR, --workers N   as of weir replay\n"
    "  -q, --quiet               no progress line\n"
    "\n"
    "exit status: 0 done; 1 could not run; 2 usage or configuration; 3 an input was missing or "
    "damaged\n";

static int print_and_free(char *text)
{
    int status = command_print(text);
    free(text);
    return status;
}

static void warn_of_bounds(uint64_t unkept, uint64_t given_way)
{
    if (unkept > 0)
        log_warn("zones: more rows than are kept: %llu additions are missing here",
                 (unsigned long long)unkept);
    if (given_way > 0)
        log_warn("zones: more rows than are kept: %llu that were only tried are missing here",
                 (unsigned long long)given_way);
}

struct asked {
    const char *verb;
    bool locked; /* the lists of functions that are proposed */
};

static int print_seen(const struct asked *asked, const struct zones *zones,
                      const struct conduit_seen *const *seen, size_t count)
{
    bool propose = strcmp(asked->verb, "propose") == 0;
    return print_and_free(propose ? zones_proposal(zones, seen, count, asked->locked)
                                  : zones_drift_text(zones, seen, count));
}

static int print_engine(const struct asked *asked, const struct engine *engine)
{
    size_t count;
    const struct engine_counts *counts = engine_counts_of(engine);
    const struct conduit_seen **seen = engine_conduits(engine, &count);
    warn_of_bounds(counts->conduits_unkept, counts->conduits_given_way);
    int status = print_seen(asked, engine_zones(engine), seen, count);
    free(seen);
    return status;
}

/* Of the sensor that runs with this configuration. */
static int ask(const struct asked *asked, const struct config *config)
{
    struct error error = {0};
    struct zones_seen seen;
    if (look_hide(config, &error) != 0 || zones_live(config, &seen, &error) != 0)
        return command_fail(&error);
    const struct conduit_seen **row = xcalloc(seen.count + 1, sizeof *row);
    for (size_t i = 0; i < seen.count; i++)
        row[i] = &seen.row[i];
    warn_of_bounds(seen.unkept, seen.given_way);
    int status = print_seen(asked, config->zones, row, seen.count);
    free(row);
    free(seen.row);
    return status;
}

static int look(const struct asked *asked, const struct options *o)
{
    struct session session = {.rings = 0};
    struct error error = {0};
    struct session_options options = {.config = &o->config,
                                      .inputs = o->input,
                                      .input_count = o->input_count,
                                      .filter = o->filter,
                                      .online = true,
                                      .progress = !o->quiet && isatty(STDERR_FILENO)};
    int status;
    if (!o->config.zones)
        error_set(&error, ERROR_USAGE, "zones %s: the configuration has no networks.zones",
                  asked->verb);
    else if (o->input_count == 0)
        return ask(asked, &o->config);
    if (error.code != ERROR_NONE || role_check(&o->config, o->filter, &error) != 0)
        return command_fail(&error);
    if (session_run(&session, &options) != 0) {
        status = command_fail(&session.error);
    } else {
        status = print_engine(asked, session.stack.engine);
        const struct error *problem = session_input_problem(&session);
        status = problem ? command_fail(problem) : status;
    }
    session_free(&session);
    return status;
}

static int run(const struct asked *asked, const struct options *options)
{
    struct error error = {0};
    if (strcmp(asked->verb, "list") != 0)
        return look(asked, options);
    if (options_no_inputs(options, "zones", &error) != 0)
        return command_fail(&error);
    return print_and_free(zones_list_text(options->config.zones));
}

/* --functions, which only a proposal takes. */
static int take_state(const char *state, struct asked *asked, struct error *error)
{
    const char *locked = zone_state_name[ZONE_LOCKED];
    if (state && strcmp(asked->verb, "propose") != 0)
        return error_set(error, ERROR_USAGE, "--functions: unknown option (weir zones --help)");
    asked->locked = state && strcmp(state, locked) == 0;
    if (state && !asked->locked && strcmp(state, zone_state_name[ZONE_OBSERVE]) != 0)
        return error_set(error, ERROR_USAGE, "--functions %.40s: expected observe or locked",
                         state);
    return 0;
}

int command_zones(int argc, char **argv)
{
    struct options options = {.json = false};
    struct error error = {0};
    const char *verb = argc > 1 ? argv[1] : "", *state = NULL;
    const struct word words[] = {{"--functions", &state, NULL}, {NULL, NULL, NULL}};
    struct asked asked = {.verb = verb};
    int status;
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0)
        return command_print(usage);
    if (strcmp(verb, "list") != 0 && strcmp(verb, "propose") != 0 && strcmp(verb, "drift") != 0) {
        log_error("zones %.60s: unknown verb, expected list, propose or drift", verb);
        return EXIT_USAGE;
    }
    argc--;
    argv++;
    if (words_take(words, &argc, argv, &error) != 0 || take_state(state, &asked, &error) != 0 ||
        options_parse(&options, argc, argv, "cfsIwqh", &error) != 0)
        status = command_fail(&error);
    else if (options.help)
        status = command_print(usage);
    else
        status = run(&asked, &options);
    options_fini(&options);
    return status;
}
