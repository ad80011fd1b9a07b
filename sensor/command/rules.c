/* weir rules: what the operator's rules are, and what they would say of a capture. They are read as
 * `weir run` reads them, so this validates them too. Thread: the main thread. */
#include "commands.h"
#include "options.h"
#include "rules_text.h"
#include "session.h"

#include "weir/base/log.h"
#include "weir/role/check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: weir rules list   [-c FILE] [--set KEY=VALUE]              rules, exceptions, trust, "
    "lists\n"
    "       weir rules test   [-c FILE] [--set KEY=VALUE] INPUT...     what each rule says of "
    "captures\n"
    "       weir rules fields                                          what conditions may speak "
    "of\n"
    "\n"
    "Rules are those of the configuration (rules: [...]); --set 'rules=[FILE, ...]' names others.\n"
    "weir-rules(5) is their language.\n"
    "\n"
    "exit status: 0 done; 1 could not run; 2 usage, configuration or rules wrong; 3 an input was\n"
    "missing or damaged\n";

static int print_and_free(char *text)
{
    int status = command_print(text);
    free(text);
    return status;
}

static int test(const struct options *o)
{
    struct session session = {.rings = 0};
    struct error error = {0};
    struct session_options options = {.config = &o->config,
                                      .inputs = o->input,
                                      .input_count = o->input_count,
                                      .filter = o->filter,
                                      .progress = !o->quiet && isatty(STDERR_FILENO)};
    int status;
    if (o->input_count == 0)
        error_set(&error, ERROR_USAGE, "rules test: which capture? (weir rules --help)");
    if (error.code != ERROR_NONE || role_check(&o->config, o->filter, &error) != 0)
        return command_fail(&error);
    if (session_run(&session, &options) != 0) {
        status = command_fail(&session.error);
    } else {
        status = print_and_free(rules_tallies_text(o->config.rules, session.stack.engine));
        const struct error *problem = session_input_problem(&session);
        status = problem ? command_fail(problem) : status;
    }
    session_free(&session);
    return status;
}

static int run(const char *verb, const struct options *options)
{
    struct error error = {0};
    if (strcmp(verb, "test") == 0)
        return test(options);
    if (options_no_inputs(options, "rules", &error) != 0)
        return command_fail(&error);
    if (strcmp(verb, "list") == 0)
        return print_and_free(rules_list_text(options->config.rules));
    return print_and_free(rules_fields_text());
}

int command_rules(int argc, char **argv)
{
    struct options options;
    struct error error = {0};
    const char *verb = argc > 1 ? argv[1] : "";
    int status;
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0)
        return command_print(usage);
    if (strcmp(verb, "list") != 0 && strcmp(verb, "test") != 0 && strcmp(verb, "fields") != 0) {
        log_error("rules %.60s: unknown verb, expected list, test or fields", verb);
        return EXIT_USAGE;
    }
    if (options_parse(&options, argc - 1, argv + 1, "cfsIqh", &error) != 0)
        status = command_fail(&error);
    else if (options.help)
        status = command_print(usage);
    else
        status = run(verb, &options);
    options_fini(&options);
    return status;
}
