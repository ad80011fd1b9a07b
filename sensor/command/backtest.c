/* weir backtest: what a proposal (rules, a configuration) would tell of captures and logs that the
 * one in force does not, and the other way round. Two runs, one after the other, as `weir replay`
 * does them; nothing is told to any sink. Thread: the main thread. */
#include "commands.h"
#include "look.h"
#include "noise_access.h"
#include "options.h"
#include "session.h"
#include "words.h"

#include "weir/base/buffer.h"
#include "weir/investigate/backtest.h"
#include "weir/role/check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: weir backtest [-c FILE] --rules NEW [options] INPUT...\n"
    "       weir backtest [-c FILE] --config NEW [--rules NEW] [options] INPUT...\n"
    "\n"
    "Judges captures or logs twice, by what is in force (-c) and by what is proposed, and says "
    "which\n"
    "alerts are gained and lost a day, why, and what of the alert budget is spent. Both are judged "
    "as\n"
    "a live sensor would (weir replay --online), not in hindsight.\n"
    "\n"
    "  -c FILE                   the configuration in force (default: none, all defaults)\n"
    "      --config NEW          the configuration proposed (default: the one in force)\n"
    "      --rules NEW           the proposal's rules: a file, a pattern, or [FILE, ...]\n"
    "      --set KEY=VALUE, --inside PREFIX, -f EXPR, --workers N   of both\n"
    "      --baseline FILE|URL   judge both by this baseline too (only read)\n"
    "      --noise FILE          a sensor's noise.json: its silences and verdicts hold, as of the\n"
    "                            sensor's last checkpoint (only "
    "read)\n"
    "  -j, --json                all differences, for programs\n"
    "  -q, --quiet               no progress line\n"
    "\n"
    "exit status: 0 done, whatever differs; 1 could not run; 2 usage, configuration or rules; 3 an "
    "input\n"
    "was missing or damaged (both were judged by the rest)\n";

struct run {
    struct backtest *backtest;
    enum backtest_side side;
    const char *sensor;
    struct session session;
};

struct command {
    struct options options;
    struct config_source source; /* of the proposal */
    struct config config;
    const char *path, *rules, *noise;
    char *rules_set;
    struct backtest *backtest;
    struct error error;
    struct error damaged; /* the first input's problem */
};

static void on_withheld(void *context, const struct story *story, const char *detector,
                        const struct rule_exception *exception)
{
    const struct run *run = context;
    char id[ALERT_ID_SIZE];
    incident_id(story, run->sensor, id);
    backtest_withheld(run->backtest, run->side, id, detector, exception);
}

static void on_line(void *context, const char *line, size_t size)
{
    const struct run *run = context;
    backtest_line(run->backtest, run->side, run->session.stack.calendar, line, size);
}

static int judge(struct command *c, struct run *run, const struct config *config)
{
    const struct options *o = &c->options;
    struct session_options session = {.config = config,
                                      .inputs = o->input,
                                      .input_count = o->input_count,
                                      .filter = o->filter,
                                      .baseline = o->baseline,
                                      .noise = c->noise,
                                      .progress = !o->quiet && isatty(STDERR_FILENO),
                                      .withheld = on_withheld,
                                      .context = run};
    uint64_t damaged;
    if (session_run(&run->session, &session) != 0) {
        c->error = run->session.error;
        return -1;
    }
    if (run->session.interrupted) /* half of one side against all of the other says nothing */
        return error_set(&c->error, ERROR_RUN, "backtest: interrupted; nothing is compared");
    const struct error *problem = session_input_problem(&run->session);
    if (problem && c->damaged.code == ERROR_NONE)
        c->damaged = *problem;
    if (noise_access_each_in(run->session.folder, on_line, run, &damaged, &c->error) != 0)
        return -1;
    backtest_unread(run->backtest, run->side, damaged);
    return 0;
}

static int judge_side(struct command *c, enum backtest_side side, const struct config *config)
{
    struct run run = {.backtest = c->backtest, .side = side, .sensor = config->sensor_name};
    if (role_check(config, c->options.filter, &c->error) != 0)
        return -1;
    int failed = judge(c, &run, config);
    session_free(&run.session);
    return failed;
}

/* The command line's settings hold on both sides; --rules comes after them. */
static int propose(struct command *c)
{
    const struct config_source *now = &c->options.source;
    c->source = (struct config_source){.path = c->path ? c->path : now->path,
                                       .set = now->set,
                                       .inside = now->inside,
                                       .interface = now->interface};
    if (c->rules) {
        if (c->source.set.count == CONFIG_WORDS)
            return error_set(&c->error, ERROR_USAGE, "more than %d times --set", CONFIG_WORDS);
        c->rules_set = xasprintf(*c->rules == '[' ? "rules=%s" : "rules=[%s]", c->rules);
        c->source.set.word[c->source.set.count++] = c->rules_set;
    }
    if (config_source_read(&c->source, &c->error) != 0)
        return -1;
    config_fini(&c->config);
    if (config_load(&c->config, &c->source, &c->error) != 0)
        return -1;
    /* Ids of what a sensor says of itself hold it: a name is no difference in what is told. */
    c->config.sensor_name = c->options.config.sensor_name;
    return 0;
}

/* It is read twice. */
static int check_inputs(struct command *c)
{
    const struct options *o = &c->options;
    if (!c->rules && !c->path)
        return error_set(&c->error, ERROR_USAGE,
                         "backtest: against what? --rules NEW or --config NEW (weir backtest "
                         "--help)");
    if (o->input_count == 0)
        return error_set(&c->error, ERROR_USAGE,
                         "backtest: which capture or log? (weir backtest --help)");
    for (size_t i = 0; i < o->input_count; i++)
        if (strcmp(o->input[i], "-") == 0 || strncmp(o->input[i], "tcp://", 6) == 0)
            return error_set(&c->error, ERROR_USAGE,
                             "%.200s: can be read only once, and backtest judges twice; expected a "
                             "file",
                             o->input[i]);
    return 0;
}

/* It tells of hosts of the inputs, whoever recorded them. */
static int begin_look(struct command *c)
{
    const struct options *o = &c->options;
    struct buffer what = {0};
    for (size_t i = 0; i < o->input_count; i++)
        buffer_text(&what, "%s%s", i ? " " : "", o->input[i]);
    buffer_u8(&what, 0);
    int failed = look_begin_case(&o->config, "backtest", (const char *)what.data, &c->error);
    buffer_fini(&what);
    return failed;
}

static int run(struct command *c)
{
    if (check_inputs(c) != 0 || begin_look(c) != 0 || propose(c) != 0)
        return -1;
    c->backtest = backtest_new(c->options.config.rules, c->config.rules);
    if (judge_side(c, BACKTEST_NOW, &c->options.config) != 0 ||
        judge_side(c, BACKTEST_PROPOSED, &c->config) != 0)
        return -1;
    backtest_compare(c->backtest);
    return 0;
}

static int tell(struct command *c)
{
    char *text = c->options.json ? backtest_json(c->backtest) : backtest_text(c->backtest);
    int status = command_print(text);
    free(text);
    if (status == EXIT_DONE && c->damaged.code != ERROR_NONE)
        status = command_fail(&c->damaged);
    return status;
}

int command_backtest(int argc, char **argv)
{
    struct command c = {.path = NULL};
    const struct word words[] = {{"--config", &c.path, NULL},
                                 {"--rules", &c.rules, NULL},
                                 {"--noise", &c.noise, NULL},
                                 {NULL, NULL, NULL}};
    int status;
    config_init(&c.config);
    if (words_take(words, &argc, argv, &c.error) != 0 ||
        options_parse(&c.options, argc, argv, "cfsIbjwqh", &c.error) != 0)
        status = command_fail(&c.error);
    else if (c.options.help)
        status = command_print(usage);
    else
        status = run(&c) == 0 ? tell(&c) : command_fail(&c.error);
    backtest_free(c.backtest);
    config_fini(&c.config);
    config_source_fini(&c.source);
    free(c.rules_set);
    options_fini(&c.options);
    return status;
}
