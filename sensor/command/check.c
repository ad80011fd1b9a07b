/* weir check: validates a configuration and prints what is in effect; with a capture, or
 * interfaces, surveys them. Nothing of what passes an interface is kept. Thread: the main thread.
 */
#include "commands.h"
#include "moment.h"
#include "options.h"
#include "rules_text.h"
#include "session.h"

#include "weir/role/check.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/baseline/store.h"
#include "weir/investigate/survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "usage: weir check [-c FILE] [--set KEY=VALUE] [--inside PREFIX]   "
                            "print the effective settings\n"
                            "       weir check [-c FILE] -r INPUT...                           "
                            "survey captures, propose settings\n"
                            "       weir check [-c FILE] -i INTERFACE... [--for 60s]           "
                            "… what passes there\n"
                            "\n"
                            "  -c, --config FILE         the configuration\n"
                            "      --set KEY=VALUE, --inside PREFIX, -f EXPR, --workers N   as of "
                            "weir run\n"
                            "  -i, --interface NAME      survey this; may be given again. As root, "
                            "or with CAP_NET_RAW\n"
                            "      --for TIME            for so long (90s, 10min; 60s when left "
                            "out)\n"
                            "  -q, --quiet               no progress line\n"
                            "\n"
                            "exit status: 0 valid; 1 could not run; 2 usage or configuration; 3 an "
                            "input was missing or damaged\n";

struct check {
    struct options options;
    struct session session;
    struct survey *survey;
    struct hosts *hosts;
    struct config watched; /* -i: the configuration's, with one worker and no evidence; borrowed */
    int64_t live_ns;
    struct error error;
};

static void on_flow(void *context, const struct flow_view *view)
{
    struct check *check = context;
    survey_add_flow(check->survey, view);
    hosts_add_flow(check->hosts, view);
}

/* Whether this machine knows it: `weir check` of what is proposed would ask the same. */
static bool is_zone(const struct config *config, char *zone)
{
    struct config with = *config;
    struct error error = {0};
    with.timezone = zone;
    struct calendar *calendar = config_calendar(&with, &error);
    calendar_free(calendar);
    return calendar != NULL;
}

/* The zone this machine is in, where it says so; "" else. */
static void machine_zone(char zone[], size_t size)
{
    char target[256];
    ssize_t length = readlink("/etc/localtime", target, sizeof target - 1);
    zone[0] = '\0';
    if (length <= 0)
        return;
    target[length] = '\0';
    const char *name = strstr(target, "/zoneinfo/");
    if (name && strlen(name + 10) < size)
        snprintf(zone, size, "%s", name + 10);
}

static int print_survey(struct check *check)
{
    struct summary summary = {.hosts = check->hosts};
    struct summary_input *input = xcalloc(session_input_count(&check->session), sizeof *input);
    char zone[64];
    session_describe(&check->session, input, &summary);
    machine_zone(zone, sizeof zone);
    bool unset = !check->watched.timezone_set;
    if (unset && *zone && is_zone(&check->watched, zone))
        summary.timezone = zone;
    char *text = survey_text(check->survey, &summary, check->live_ns > 0,
                             unset ? "this machine's: whose hours count?" : NULL);
    int status = command_print(text);
    free(text);
    free(input);
    return status;
}

static int prepare_live(struct check *check)
{
    const struct options *o = &check->options;
    check->watched = o->config;
    if (o->source.interface.count == 0)
        return o->span ? error_set(&check->error, ERROR_USAGE, "--for needs -i INTERFACE") : 0;
    if (o->input_count > 0)
        return error_set(&check->error, ERROR_USAGE, "%.80s: expected -i or captures, not both",
                         o->input[0]);
    check->watched.workers = o->config.workers > 0;
    check->watched.evidence.enabled = false;
    check->live_ns = NS_PER_MIN;
    if (o->span && (!moment_span(o->span, &check->live_ns) || check->live_ns == 0 ||
                    check->live_ns > NS_PER_DAY))
        return error_set(&check->error, ERROR_USAGE,
                         "--for %.40s: expected a time as 90s, 10min, at most a day", o->span);
    return 0;
}

static int survey(struct check *check)
{
    struct options *o = &check->options;
    if (role_check(&o->config, o->filter, &check->error) != 0)
        return command_fail(&check->error);
    check->survey = survey_new();
    check->hosts = hosts_new();
    struct session_options session = {.config = &check->watched,
                                      .live_ns = check->live_ns,
                                      .online = check->live_ns > 0,
                                      .inputs = o->input,
                                      .input_count = o->input_count,
                                      .filter = o->filter,
                                      .progress = !o->quiet && isatty(STDERR_FILENO),
                                      .flow = on_flow,
                                      .context = check};
    if (session_run(&check->session, &session) != 0)
        return command_fail(&check->session.error);
    int status = print_survey(check);
    const struct error *problem = session_input_problem(&check->session);
    return problem ? command_fail(problem) : status;
}

/* A zone that does not exist, a URL that makes no sense: found here, not at the first run. */
static int validate(struct check *check)
{
    if (role_check(&check->options.config, check->options.filter, &check->error) != 0 ||
        config_check_console(&check->options.config, &check->error) != 0)
        return command_fail(&check->error);
    const struct config *config = &check->options.config;
    if (config->rules_count > 0 && !config->rules)
        log_warn("%s: rules: no file is of %s: there are no rules", config->rules_from[0].place,
                 config->rules_from[0].path);
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
    if (options_parse(&check.options, argc, argv, "crfsIiTwqh", &check.error) != 0 ||
        (!check.options.help && prepare_live(&check) != 0))
        status = command_fail(&check.error);
    else if (check.options.help)
        status = command_print(usage);
    else if (check.live_ns > 0 || check.options.input_count > 0)
        status = survey(&check);
    else
        status = validate(&check);
    session_free(&check.session);
    survey_free(check.survey);
    hosts_free(check.hosts);
    options_fini(&check.options);
    return status;
}
