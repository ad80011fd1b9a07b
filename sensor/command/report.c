/* weir report: what happened, for people who must answer for it. It reads a replay's folder, or the
 * journal of the sensor that runs (or ran) with this configuration, and changes neither. Thread:
 * the main thread. */
#include "report.h"

#include "commands.h"
#include "look.h"
#include "moment.h"
#include "noise_access.h"
#include "options.h"
#include "output.h"
#include "words.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: weir report [INCIDENT] [--case DIR | -c FILE] [options] -o FILE.html\n"
    "\n"
    "What happened, as one HTML file that prints, and as JSON: bytes with their bounds, what was\n"
    "counted, who opened, when, against what it was judged, what was not seen, deadlines.\n"
    "\n"
    "INCIDENT: inc- and four letters or more; without, all of them\n"
    "      --case DIR            what weir replay -o left there; else the journal of the sensor\n"
    "  -c, --config FILE         configuration: its state_dir, its site.timezone\n"
    "      --set KEY=VALUE       one setting\n"
    "      --host H              an address, a prefix, a device, or a pseudonym (host-...) as\n"
    "                            privacy.pseudonyms shows it\n"
    "      --destination D       a domain (and names in it), AS..., a prefix or an address\n"
    "      --since T, --until T  2026-03-02, 2026-03-02T01:14, 2026-03-02T01:14:07Z, or 8h ago\n"
    "  -o, --output FILE         the report; - for standard output\n"
    "      --json FILE           the same for programs\n"
    "      --language en|ja\n"
    "      --aware 'T by NAME'   when somebody became aware, and who says so: clocks run from it\n"
    "                            (or --aware-at T --aware-by NAME)\n"
    "      --clock FILE          a policy of deadlines; may be given again\n"
    "      --contains LIST       e-mail addresses, one a line: were they seen leaving? (replay "
    "--items)\n"
    "\n"
    "exit status: 0 written; 1 it cannot be read or written; 2 usage, configuration, a clock, or "
    "there\n"
    "is no such incident; 3 some of what was told is damaged and left out\n";

struct asked {
    const char *folder, *host, *destination, *since, *until, *json, *language;
    const char *aware, *aware_at, *aware_by, *contains;
    const char *clock[CLOCKS_MAX];
    size_t clocks;
};

/* --- the question ----------------------------------------------------------------------------- */

/* "--clock FILE", however often. */
static int take_clocks(struct asked *asked, int *argc, char **argv, struct error *error)
{
    int kept = 0;
    for (int i = 0; i < *argc; i++) {
        const char *value = NULL;
        if (strcmp(argv[i], "--clock") == 0)
            value = i + 1 < *argc ? argv[++i] : "";
        else if (strncmp(argv[i], "--clock=", 8) == 0)
            value = argv[i] + 8;
        else
            argv[kept++] = argv[i];
        if (!value)
            continue;
        if (!*value)
            return error_set(error, ERROR_USAGE, "--clock: needs a value");
        if (asked->clocks == CLOCKS_MAX)
            return error_set(error, ERROR_USAGE, "--clock: more than %u of them", CLOCKS_MAX);
        asked->clock[asked->clocks++] = value;
    }
    *argc = kept;
    argv[kept] = NULL;
    return 0;
}

static int read_aware(const struct asked *asked, struct report_question *question, char **by,
                      struct error *error)
{
    const char *name = asked->aware ? strstr(asked->aware, " by ") : asked->aware_by;
    char *at = asked->aware && name ? strndup(asked->aware, (size_t)(name - asked->aware))
               : asked->aware_at    ? xstrdup(asked->aware_at)
                                    : NULL;
    if (asked->aware && name)
        name += strlen(" by ");
    *by = name && *name ? xstrdup(name) : NULL;
    int failed = 0;
    if (asked->aware && (asked->aware_at || asked->aware_by))
        failed =
            error_set(error, ERROR_USAGE, "--aware has both, --aware-at and --aware-by say it");
    else if ((asked->aware || asked->aware_at || asked->aware_by) && (!at || !*by))
        failed = error_set(error, ERROR_USAGE,
                           "--aware: expected when and who, as '2026-03-02T09:00 by NAME'");
    else if (at && !moment_time(at, &question->aware))
        failed = error_set(error, ERROR_USAGE,
                           "--aware %.60s: expected a time (2026-03-02T09:00, "
                           "2026-03-02T09:00:00Z)",
                           at);
    question->aware_by = *by;
    free(at);
    return failed ? -1 : 0;
}

static int read_times(const struct asked *asked, struct report_question *question,
                      struct error *error)
{
    const struct ptime now = ptime_now();
    if (asked->since && moment_read(asked->since, now, "--since", &question->since, error) != 0)
        return -1;
    if (asked->until && moment_read(asked->until, now, "--until", &question->until, error) != 0)
        return -1;
    if (question->since.ns > question->until.ns)
        return error_set(error, ERROR_USAGE, "--since %.40s: is after --until", asked->since);
    return 0;
}

int report_read_language(const char *text, enum report_language *language, struct error *error)
{
    *language = text && strcmp(text, "ja") == 0 ? REPORT_JAPANESE : REPORT_ENGLISH;
    if (text && *language == REPORT_ENGLISH && strcmp(text, "en") != 0)
        return error_set(error, ERROR_USAGE, "--language %.20s: expected en or ja", text);
    return 0;
}

static int check(const struct asked *asked, const struct options *options, struct error *error)
{
    bool scoped = asked->host || asked->destination || asked->since || asked->until;
    if (!options->folder && !asked->json)
        return error_set(error, ERROR_USAGE,
                         "report: where to? -o FILE.html, --json FILE, or both");
    if (options->input_count > 1 || (options->input_count == 1 && scoped))
        return error_set(error, ERROR_USAGE,
                         "report: one INCIDENT, or --host, --destination, --since and --until");
    return 0;
}

/* A folder says by itself whose hours it is told in, unless somebody says otherwise. */
static int choose_zone(const struct asked *asked, struct options *options, struct error *error)
{
    bool said = options->source.path != NULL;
    for (size_t i = 0; i < options->source.set.count; i++)
        said = said || strncmp(options->source.set.word[i], "site.timezone=", 14) == 0;
    char *zone = asked->folder && !said ? report_case_timezone(asked->folder) : NULL;
    char *setting = zone ? xasprintf("site.timezone=%s", zone) : NULL;
    int failed = setting ? config_set(&options->config, setting, error) : 0;
    free(setting);
    free(zone);
    return failed;
}

/* --- reading and writing ---------------------------------------------------------------------- */

static void on_seek(void *context, const char *line, size_t size)
{
    report_seek(context, line, size);
}

static void on_gather(void *context, const char *line, size_t size)
{
    report_gather(context, line, size);
}

static int read_journal(struct report *report, const struct config *config, bool *damaged,
                        struct error *error)
{
    uint64_t lost = 0, again = 0;
    if (noise_access_each(config, PTIME_MIN, on_seek, report, &lost, error) != 0 ||
        report_choose(report, error) != 0 ||
        noise_access_each(config, PTIME_MIN, on_gather, report, &again, error) != 0)
        return -1;
    report_unread(report, lost);
    *damaged = lost > 0;
    return 0;
}

static int put(const char *path, const char *text, struct error *error)
{
    if (strcmp(path, "-") != 0)
        return output_write(path, text, error);
    return command_print(text) == EXIT_DONE ? 0 : error_set(error, ERROR_RUN, "%s", "");
}

static int write_report(struct report *report, const char *html_path, const char *json_path,
                        enum report_language language, struct error *error)
{
    char *html = html_path ? look_hidden(report_html(report, language)) : NULL;
    char *json = json_path ? look_hidden(report_json(report)) : NULL;
    int failed =
        (html && put(html_path, html, error) != 0) || (json && put(json_path, json, error) != 0);
    free(html);
    free(json);
    return failed ? -1 : 0;
}

int report_write_case(const char *folder, struct calendar *calendar, const char *timezone,
                      enum report_language language, struct error *error)
{
    const struct report_question question = {.since = PTIME_MIN,
                                             .until = PTIME_MAX,
                                             .aware = PTIME_MIN,
                                             .calendar = calendar,
                                             .timezone = timezone};
    struct report *report = report_new(&question);
    char *html = xasprintf("%s/report.html", folder), *json = xasprintf("%s/report.json", folder);
    int failed = report_read_case(report, folder, error) != 0 ||
                 write_report(report, html, json, language, error) != 0;
    report_free(report);
    free(html);
    free(json);
    return failed ? -1 : 0;
}

/* --- the command ------------------------------------------------------------------------------ */

/* Whose addresses are shown finds nobody's by a pseudonym: only `weir privacy reveal` does, which
 * writes down by whom and why. */
static int check_host(const struct asked *asked, const struct config *config, struct error *error)
{
    if (!asked->host || !pseudonym_is(asked->host) || config->pseudonyms)
        return 0;
    return error_set(error, ERROR_USAGE,
                     "--host %s: is a pseudonym, and by this configuration a report shows "
                     "addresses (privacy.pseudonyms: false); weir privacy reveal gives its address",
                     asked->host);
}

static int begin(const struct asked *asked, const struct options *options,
                 struct report_question *question, struct error *error)
{
    const char *what = question->incident ? question->incident
                       : question->host   ? question->host
                                          : question->destination;
    char *of_case = what && asked->folder ? xasprintf("%s: %s", asked->folder, what) : NULL;
    int failed = asked->folder ? look_begin_case(&options->config, "report",
                                                 of_case ? of_case : asked->folder, error)
                               : look_begin(&options->config, "report", what, error);
    free(of_case);
    question->pseudonyms = look_pseudonyms();
    return failed;
}

static int run(struct asked *asked, struct options *options, struct report_question *question,
               bool *damaged, struct error *error)
{
    enum report_language language;
    if (report_read_language(asked->language, &language, error) != 0 ||
        check_host(asked, &options->config, error) != 0 ||
        begin(asked, options, question, error) != 0)
        return -1;
    struct report *report = report_new(question);
    int failed = asked->folder ? report_read_case(report, asked->folder, error)
                               : read_journal(report, &options->config, damaged, error);
    if (!failed)
        failed = write_report(report, options->folder, asked->json, language, error);
    report_free(report);
    return failed;
}

static int ask(struct asked *asked, struct options *options, bool *damaged, struct error *error)
{
    struct clocks *clocks = xcalloc(1, sizeof *clocks);
    struct contains contains = {.count = 0};
    struct report_question question = {.since = PTIME_MIN,
                                       .until = PTIME_MAX,
                                       .aware = PTIME_MIN,
                                       .host = asked->host,
                                       .destination = asked->destination,
                                       .contains = asked->contains ? &contains : NULL,
                                       .clocks = clocks};
    char *by = NULL;
    int failed = check(asked, options, error) != 0 || choose_zone(asked, options, error) != 0;
    question.calendar = failed ? NULL : config_calendar(&options->config, error);
    question.timezone = options->config.timezone;
    question.incident = options->input_count == 1 ? options->input[0] : NULL;
    failed = !question.calendar || read_times(asked, &question, error) != 0 ||
             read_aware(asked, &question, &by, error) != 0;
    for (size_t i = 0; !failed && i < asked->clocks; i++)
        failed = clocks_read(clocks, asked->clock[i], error);
    if (!failed && asked->contains)
        failed = report_read_list(asked->contains, &contains, error);
    if (!failed)
        failed = run(asked, options, &question, damaged, error);
    calendar_free(question.calendar);
    contains_fini(&contains);
    clocks_fini(clocks);
    free(clocks);
    free(by);
    return failed;
}

int command_report(int argc, char **argv)
{
    struct asked asked = {.clocks = 0};
    const struct word words[] = {{"--case", &asked.folder, NULL},
                                 {"--host", &asked.host, NULL},
                                 {"--destination", &asked.destination, NULL},
                                 {"--since", &asked.since, NULL},
                                 {"--until", &asked.until, NULL},
                                 {"--json", &asked.json, NULL},
                                 {"--language", &asked.language, NULL},
                                 {"--aware", &asked.aware, NULL},
                                 {"--aware-at", &asked.aware_at, NULL},
                                 {"--aware-by", &asked.aware_by, NULL},
                                 {"--contains", &asked.contains, NULL},
                                 {NULL, NULL, NULL}};
    struct options options = {.json = false};
    struct error error = {0};
    bool damaged = false;
    int status;
    int failed = take_clocks(&asked, &argc, argv, &error) != 0 ||
                 words_take(words, &argc, argv, &error) != 0 ||
                 options_parse(&options, argc, argv, "csoh", &error) != 0;
    if (!failed && !options.help)
        failed = ask(&asked, &options, &damaged, &error) != 0;
    if (failed)
        status = command_fail(&error);
    else if (options.help)
        status = command_print(usage);
    else
        status = damaged ? EXIT_INPUT : EXIT_DONE;
    options_fini(&options);
    return status;
}
