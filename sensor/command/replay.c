/* weir replay: captures in; alerts, summary and flows out. */
#include "asked.h"
#include "commands.h"
#include "look.h"
#include "options.h"
#include "output.h"
#include "replay_evidence.h"
#include "report.h"
#include "session.h"
#include "words.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/base/poison.h"
#include "weir/investigate/flows.h"
#include "weir/investigate/sift.h"
#include "weir/role/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "usage: weir replay [options] INPUT...\n"
    "\n"
    "Judges captures by their own clock, in a private store. INPUT: a pcap or pcapng file, or a "
    "log\n"
    "(Zeek's conn, dns, ssl, quic and http, TSV or JSON; Suricata's eve.json; nfdump -o csv), as "
    "it is\n"
    "or packed by gzip, zstd, lz4 or xz; a directory of them; - for standard input; "
    "tcp://HOST:PORT\n"
    "for a capture sent over a connection. Several are merged by packet time.\n"
    "\n"
    "  -c, --config FILE         configuration (weir check prints every key and its value)\n"
    "  -f, --filter EXPR         BPF: only packets that match\n"
    "      --inside PREFIX       an inside network; may be given again; replaces networks.inside\n"
    "      --set KEY=VALUE       one setting\n"
    "      --baseline FILE|URL   judge by this baseline too (only read)\n"
    "      --save-baseline FILE  keep what was learned\n"
    "      --online              as a live sensor would have told it, hour by hour; without it, "
    "and\n"
    "                            without --baseline, more than two days are judged in hindsight:\n"
    "                            read twice, each day held against all the others\n"
    "      --intel FILE          one more list of indicators: one a line, Zeek's, MISP's CSV\n"
    "      --noise FILE          a sensor's noise.json: its silences and verdicts hold, as of the\n"
    "                            sensor's last checkpoint (only "
    "read)\n"
    "      --learn-until TIME    learn silently until then, then tell as --online does\n"
    "      --since TIME, --until TIME\n"
    "                            only packets of these times; what is left out is counted\n"
    "      --host ADDR|PREFIX, --destination NAME|ADDR|PREFIX\n"
    "                            tell only what is about these; all is learned from\n"
    "  -o, --output DIR          alerts.ndjson, summary.json, summary.txt, report.html and\n"
    "                            report.json there\n"
    "      --flows               with -o: flows.ndjson, one object a flow\n"
    "      --items               with -o: items.ndjson, for weir report --contains "
    "(docs/report.md)\n"
    "      --evidence            with -o: the packets of each incident, read a second time, and a\n"
    "                            signed manifest (weir evidence verify)\n"
    "      --key FILE            … signed with this Ed25519 key (PEM); made when it is not there\n"
    "  -j, --json                alerts on standard output, the summary on standard error\n"
    "      --exit-alerts         exit with 10 when alerts were raised\n"
    "      --follow              files still grow: wait at their ends until interrupted\n"
    "      --workers N           capture.workers: so many sandboxed processes read; 0: a thread\n"
    "  -q, --quiet               no progress line\n"
    "\n"
    "exit status: 0 done; 1 could not run; 2 usage or configuration; 3 an input was missing, "
    "damaged or\n"
    "unreadable (the rest was judged); 10 alerts and --exit-alerts\n";

struct replay {
    struct options options;
    struct session session;
    struct hosts *hosts;
    struct flows *flows;
    struct sift *sift; /* --items */
    bool wants_items;
    const char *noise;
    bool online;
    struct asked asked;
    struct replay_evidence evidence;
    struct sink_settings sink[CONFIG_SINKS];
    size_t sink_count;
    char *alerts_path, *flows_path;
    const char *alerts_to[2]; /* alerts_path, as a setting */
    bool made_folder;
    struct error changed; /* an input, between both readings */
    struct error error;
};

static void on_flow(void *context, const struct flow_view *view)
{
    struct replay *replay = context;
    hosts_add_flow(replay->hosts, view);
    if (replay->flows)
        flows_add(replay->flows, view);
    if (replay->evidence.evidence)
        evidence_flow(replay->evidence.evidence, view);
}

static void on_content(void *context, const struct ip *host, const struct destination *destination,
                       const struct record_content *record)
{
    struct replay *replay = context;
    hosts_add_content(replay->hosts, host, record);
    if (replay->sift)
        sift_add(replay->sift, host, destination, record);
}

/* What was seen so far is seen once more. */
static void on_again(void *context)
{
    struct replay *replay = context;
    hosts_free(replay->hosts);
    replay->hosts = hosts_new();
    if (replay->sift) {
        sift_free(replay->sift);
        replay->sift = sift_new();
    }
    if (replay->evidence.evidence) {
        evidence_free(replay->evidence.evidence);
        replay->evidence.evidence = evidence_new(replay->options.folder, &replay->error);
    }
    if (!replay->flows)
        return;
    flows_free(replay->flows);
    replay->flows = flows_open(replay->flows_path, &replay->error);
}

/* --- outputs ------------------------------------------------------------------------------------
 */

/* What stands in the folder is this run's, never partly an older one's. */
static int remove_older(struct replay *replay)
{
    static const char *const name[] = {"alerts.ndjson", "flows.ndjson", "items.ndjson",
                                       "summary.json",  "summary.txt",  "report.html",
                                       "report.json"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        char *path = xasprintf("%s/%s", replay->options.folder, name[i]);
        if (unlink(path) != 0 && errno != ENOENT)
            error_set(&replay->error, ERROR_RUN, "%s: %s", path, strerror(errno));
        free(path);
    }
    return replay->error.code == ERROR_NONE ? 0 : -1;
}

/* A run that failed before it told anything leaves nothing. */
static void sweep_folder(const struct replay *replay)
{
    struct stat st;
    if (replay->alerts_path && stat(replay->alerts_path, &st) == 0 && st.st_size == 0)
        unlink(replay->alerts_path);
    char *evidence = xasprintf("%s/evidence", replay->options.folder);
    rmdir(evidence); /* these two when they are empty */
    if (replay->made_folder)
        rmdir(replay->options.folder);
    free(evidence);
}

static int make_folder(struct replay *replay)
{
    const char *folder = replay->options.folder;
    replay->made_folder = mkdir(folder, 0750) == 0;
    if (!replay->made_folder && errno != EEXIST)
        return error_set(&replay->error, ERROR_RUN, "%s: %s", folder, strerror(errno));
    if (replay_evidence_begin(&replay->evidence, &replay->options, &replay->error) != 0 ||
        remove_older(replay) != 0)
        return -1;
    replay->alerts_path = xasprintf("%s/alerts.ndjson", folder);
    replay->alerts_to[0] = replay->alerts_path;
    sink_settings_file(&replay->sink[replay->sink_count], "+output", replay->alerts_to);
    replay->sink[replay->sink_count++].silenced = true; /* all that a capture tells */
    if (!replay->options.flows)
        return 0;
    replay->flows_path = xasprintf("%s/flows.ndjson", folder);
    replay->flows = flows_open(replay->flows_path, &replay->error);
    return replay->flows ? 0 : -1;
}

/* A live sensor's, which go on where they stood: its stream, its subscribers. What an old capture
 * tells is none of theirs. */
static bool is_live_only(const struct sink_settings *sink)
{
    return strcmp(sink->type, "redis") == 0 || strcmp(sink->type, "unix") == 0;
}

static void take_configured(struct replay *replay)
{
    const struct config *config = &replay->options.config;
    struct buffer left_out = {0};
    for (size_t i = 0; i < config->sink_count; i++) {
        if (is_live_only(&config->sink[i]))
            buffer_text(&left_out, "%s%s", left_out.size ? ", " : "", config->sink[i].name);
        else
            replay->sink[replay->sink_count++] = config->sink[i];
    }
    if (left_out.size > 0)
        log_warn("replay: left out, because only a live sensor tells them: alerts.sinks %.*s",
                 (int)left_out.size, (const char *)left_out.data);
    buffer_fini(&left_out);
}

static int open_outputs(struct replay *replay)
{
    const struct options *o = &replay->options;
    if (o->flows && !o->folder)
        return error_set(&replay->error, ERROR_USAGE, "--flows needs -o DIR");
    if (replay->wants_items && !o->folder)
        return error_set(&replay->error, ERROR_USAGE, "--items needs -o DIR");
    replay->sift = replay->wants_items ? sift_new() : NULL;
    if (replay->evidence.key_path && !replay->evidence.wanted)
        return error_set(&replay->error, ERROR_USAGE, "--key needs --evidence");
    if (!o->folder && replay->evidence.wanted)
        return error_set(&replay->error, ERROR_USAGE, "--evidence needs -o DIR");
    take_configured(replay);
    if (o->json) {
        sink_settings_init(&replay->sink[replay->sink_count], sink_row_get("stdout"), "+json");
        replay->sink[replay->sink_count++].silenced = true;
    }
    return o->folder ? make_folder(replay) : 0;
}

static int write_file(struct replay *replay, const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", replay->options.folder, name);
    int failed = output_write(path, text, &replay->error);
    free(path);
    return failed;
}

static int write_items(struct replay *replay)
{
    char *text = sift_text(replay->sift);
    int failed = write_file(replay, "items.ndjson", text);
    free(text);
    return failed;
}

static int write_folder(struct replay *replay, const struct summary *summary, const char *text)
{
    char *json = summary_json(summary);
    int failed = write_file(replay, "summary.json", json);
    free(json);
    if (!failed)
        failed = write_file(replay, "summary.txt", text);
    if (!failed && replay->sift)
        failed = write_items(replay);
    if (!failed) /* of all that stands there now */
        failed = report_write_case(replay->options.folder, summary->calendar, summary->timezone,
                                   REPORT_ENGLISH, &replay->error);
    return failed;
}

/* What the summary speaks of. An input that changed meanwhile is a problem of it: the rest is told.
 */
static int finish_parts(struct replay *replay, struct summary *summary)
{
    struct replay_evidence *evidence = &replay->evidence;
    if (replay->flows && flows_finish(replay->flows, &replay->error) != 0)
        return -1;
    if (!evidence->wanted)
        return 0;
    struct error *error = &replay->error;
    int failed =
        replay_evidence_finish(evidence, &replay->options, &replay->session, summary, error);
    if (failed && error->code == ERROR_INPUT) {
        replay->changed = *error;
        *error = (struct error){ERROR_NONE, ""};
        failed = 0;
    }
    summary->evidence = failed ? NULL : &evidence->told;
    return failed;
}

static int tell(struct replay *replay)
{
    const struct options *o = &replay->options;
    struct summary summary = {.hosts = replay->hosts, .folder = o->folder, .flows = o->flows};
    struct summary_input *input = xcalloc(session_input_count(&replay->session), sizeof *input);
    session_describe(&replay->session, input, &summary);
    int failed = finish_parts(replay, &summary);
    char *text = summary_text(&summary);
    if (!failed && o->folder)
        failed = write_folder(replay, &summary, text);
    if (o->json)
        fputs(text = look_hidden(text), stderr);
    else if (command_print(text) != EXIT_DONE)
        failed = error_set(&replay->error, ERROR_RUN, "%s", ""); /* command_print said it */
    free(text);
    free(input);
    return failed;
}

/* --- the run -------------------------------------------------------------------------------------
 */

static int run(struct replay *replay)
{
    struct options *o = &replay->options;
    if (o->input_count == 0)
        return error_set(&replay->error, ERROR_USAGE,
                         "replay: which capture? (weir replay --help)");
    replay->evidence.noise = replay->noise;
    if (role_check(&o->config, o->filter, &replay->error) != 0 ||
        look_hide(&o->config, &replay->error) != 0 || open_outputs(replay) != 0)
        return -1;
    replay->hosts = hosts_new();
    replay->asked.since = o->since;
    replay->asked.until = o->until;
    replay->asked.destination = o->destination;
    struct session_options session = {.config = &o->config,
                                      .inputs = o->input,
                                      .input_count = o->input_count,
                                      .follow = o->follow,
                                      .filter = o->filter,
                                      .sinks = replay->sink,
                                      .sink_count = replay->sink_count,
                                      .baseline = o->baseline,
                                      .save_baseline = o->save_baseline,
                                      .noise = replay->noise,
                                      .progress = !o->quiet && isatty(STDERR_FILENO),
                                      .online = replay->online || replay->asked.learn_until,
                                      .again = on_again,
                                      .flow = on_flow,
                                      .content = on_content,
                                      .context = replay};
    if (asked_read(&replay->asked, &o->config, &session.times, &session.told, &replay->error) != 0)
        return -1;
    if (session_run(&replay->session, &session) != 0) {
        replay->error = replay->session.error;
        return -1;
    }
    if (replay->error.code != ERROR_NONE) /* flows could not be begun again */
        return -1;
    return tell(replay);
}

/* Of several, the first in the order 2, 1, 3, 10. */
static int status_of(struct replay *replay, int failed)
{
    if (failed)
        return command_fail(&replay->error);
    if (replay->session.undelivered)
        return EXIT_RUN;
    const struct error *problem = session_input_problem(&replay->session);
    if (problem || replay->changed.code != ERROR_NONE)
        return command_fail(problem ? problem : &replay->changed);
    if (replay->options.exit_alerts && engine_counts_of(replay->session.stack.engine)->alerts > 0)
        return EXIT_ALERTS;
    return EXIT_DONE;
}

int command_replay(int argc, char **argv)
{
    struct replay replay = {.sink_count = 0};
    const struct word words[] = {{"--noise", &replay.noise, NULL},
                                 {"--online", NULL, &replay.online},
                                 {"--learn-until", &replay.asked.learn_until, NULL},
                                 {"--host", &replay.asked.host, NULL},
                                 {"--items", NULL, &replay.wants_items},
                                 {"--evidence", NULL, &replay.evidence.wanted},
                                 {"--key", &replay.evidence.key_path, NULL},
                                 {NULL, NULL, NULL}};
    int status;
    replay_evidence_words(&replay.evidence, argc, argv);
    if (words_take(words, &argc, argv, &replay.error) != 0 ||
        options_parse(&replay.options, argc, argv, "crfosIbBjFxWwqheudl", &replay.error) != 0)
        status = command_fail(&replay.error);
    else if (replay.options.help)
        status = command_print(usage);
    else
        status = status_of(&replay, run(&replay));
    replay.session.stack.ends = true;
    session_free(&replay.session);
    flows_free(replay.flows);
    sift_free(replay.sift);
    replay_evidence_free(&replay.evidence);
    if (replay.error.code != ERROR_NONE)
        sweep_folder(&replay);
    if (WEIR_POISONS) /* as engine_leave */
        hosts_free(replay.hosts);
    free(replay.alerts_path);
    free(replay.flows_path);
    options_fini(&replay.options);
    return status;
}
