/* weir check: validates a configuration and prints what is in effect; with a capture, surveys it.
 */
#include "commands.h"
#include "options.h"
#include "rules_text.h"
#include "session.h"

#include "weir/role/check.h"

#include "weir/base/buffer.h"
#include "weir/baseline/store.h"
#include "weir/investigate/survey.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "usage: weir check [-c FILE] [--set KEY=VALUE] [--inside PREFIX]   "
                            "print the effective settings\n"
                            "       weir check [-c FILE] -r INPUT...                           "
                            "survey captures, propose settings\n"
                            "\n"
                            "exit status: 0 valid; 1 could not run; 2 usage or configuration; 3 an "
                            "input was missing or damaged\n";

struct check {
    struct options options;
    struct session session;
    struct survey *survey;
    struct hosts *hosts;
    struct error error;
};

static void on_flow(void *context, const struct flow_view *view)
{
    struct check *check = context;
    survey_add_flow(check->survey, view);
    hosts_add_flow(check->hosts, view);
}

static int survey(struct check *check)
{
    struct options *o = &check->options;
    if (role_check(&o->config, o->filter, &check->error) != 0)
        return command_fail(&check->error);
    check->survey = survey_new();
    check->hosts = hosts_new();
    struct session_options session = {.config = &o->config,
                                      .inputs = o->input,
                                      .input_count = o->input_count,
                                      .filter = o->filter,
                                      .progress = !o->quiet && isatty(STDERR_FILENO),
                                      .flow = on_flow,
                                      .context = check};
    if (session_run(&check->session, &session) != 0)
        return command_fail(&check->session.error);
    struct summary summary = {.hosts = check->hosts};
    struct summary_input *input = xcalloc(session_input_count(&check->session), sizeof *input);
    session_describe(&check->session, input, &summary);
    char *text = survey_text(check->survey, &summary);
    int status = command_print(text);
    free(text);
    free(input);
    const struct error *problem = session_input_problem(&check->session);
    return problem ? command_fail(problem) : status;
}

/* A zone that does not exist, a URL that makes no sense: found here, not at the first run. */
static int validate(struct check *check)
{
    if (role_check(&check->options.config, check->options.filter, &check->error) != 0 ||
        config_check_console(&check->options.config, &check->error) != 0)
        return command_fail(&check->error);
    char *text = config_text(&check->options.config);
    char *rules = rules_summary(check->options.config.rules);
    int status = command_print(text);
    if (status == EXIT_DONE)
        status = command_print(rules);
    free(rules);
    free(text);
    return status;
}

int command_check(int argc, char **argv)
{
    struct check check = {.survey = NULL};
    int status;
    if (options_parse(&check.options, argc, argv, "crfsIqh", &check.error) != 0)
        status = command_fail(&check.error);
    else if (check.options.help)
        status = command_print(usage);
    else if (check.options.input_count > 0)
        status = survey(&check);
    else
        status = validate(&check);
    session_free(&check.session);
    survey_free(check.survey);
    hosts_free(check.hosts);
    options_fini(&check.options);
    return status;
}
