/* weir zones: what the zones are, what a matrix of conduits could be, and how far from it what
 * captures, or a running sensor, saw is. Captures are judged as `weir replay --online` does;
 * nothing is told to any sink. Thread: the main thread. */
#include "commands.h"
#include "look.h"
#include "options.h"
#include "session.h"
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

static int print_seen(const char *verb, const struct zones *zones,
                      const struct conduit_seen *const *seen, size_t count)
{
    bool propose = strcmp(verb, "propose") == 0;
    return print_and_free(propose ? zones_proposal(zones, seen, count)
                                  : zones_drift_text(zones, seen, count));
}

static int print_engine(const char *verb, const struct engine *engine)
{
    size_t count;
    const struct engine_counts *counts = engine_counts_of(engine);
    const struct conduit_seen **seen = engine_conduits(engine, &count);
    warn_of_bounds(counts->conduits_unkept, counts->conduits_given_way);
    int status = print_seen(verb, engine_zones(engine), seen, count);
    free(seen);
    return status;
}

/* Of the sensor that runs with this configuration. */
static int ask(const char *verb, const struct config *config)
{
    struct error error = {0};
    struct zones_seen seen;
    if (look_hide(config, &error) != 0 || zones_live(config, &seen, &error) != 0)
        return command_fail(&error);
    const struct conduit_seen **row = xcalloc(seen.count + 1, sizeof *row);
    for (size_t i = 0; i < seen.count; i++)
        row[i] = &seen.row[i];
    warn_of_bounds(seen.unkept, seen.given_way);
    int status = print_seen(verb, config->zones, row, seen.count);
    free(row);
    free(seen.row);
    return status;
}

static int look(const char *verb, const struct options *o)
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
        error_set(&error, ERROR_USAGE, "zones %s: the configuration has no networks.zones", verb);
    else if (o->input_count == 0)
        return ask(verb, &o->config);
    if (error.code != ERROR_NONE || role_check(&o->config, o->filter, &error) != 0)
        return command_fail(&error);
    if (session_run(&session, &options) != 0) {
        status = command_fail(&session.error);
    } else {
        status = print_engine(verb, session.stack.engine);
        const struct error *problem = session_input_problem(&session);
        status = problem ? command_fail(problem) : status;
    }
    session_free(&session);
    return status;
}

static int run(const char *verb, const struct options *options)
{
    struct error error = {0};
    if (strcmp(verb, "list") != 0)
        return look(verb, options);
    if (options_no_inputs(options, "zones", &error) != 0)
        return command_fail(&error);
    return print_and_free(zones_list_text(options->config.zones));
}

int command_zones(int argc, char **argv)
{
    struct options options;
    struct error error = {0};
    const char *verb = argc > 1 ? argv[1] : "";
    int status;
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0)
        return command_print(usage);
    if (strcmp(verb, "list") != 0 && strcmp(verb, "propose") != 0 && strcmp(verb, "drift") != 0) {
        log_error("zones %.60s: unknown verb, expected list, propose or drift", verb);
        return EXIT_USAGE;
    }
    if (options_parse(&options, argc - 1, argv + 1, "cfsIwqh", &error) != 0)
        status = command_fail(&error);
    else if (options.help)
        status = command_print(usage);
    else
        status = run(verb, &options);
    options_fini(&options);
    return status;
}
