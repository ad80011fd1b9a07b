/* weir hunt: months of captures and logs in; of every inside host one of three verdicts out. See
 * hunt.h for how, docs/hunt.md for what the verdicts mean. */
#include "hunt.h"
#include "look.h"

#include "commands.h"
#include "report.h"
#include "words.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/role/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: weir hunt [options] -o CASE INPUT...\n"
    "\n"
    "Of months: what can be said of every inside host. INPUT: folders, looked into to the bottom, "
    "and\n"
    "files: captures and logs as weir replay reads them. They are cut into units of days, learnt "
    "and\n"
    "then judged in hindsight by several processes. Killed at any moment, it goes on where it was "
    "when\n"
    "it is asked the same again, and says the same.\n"
    "\n"
    "  left                                an incident stands: what left, to whom, when\n"
    "  no sign within the stated coverage  seen on enough days that are covered, and nothing told\n"
    "  cannot say                          and why\n"
    "\n"
    "  -o, --output CASE         there: hunt.json, hosts.ndjson, alerts.ndjson, summary.json,\n"
    "                            report.html, report.json; and hunt/, what it goes on from\n"
    "      --jobs N              processes at a time, 1 to 64 (default: one a processor)\n"
    "      --unit-days N         days judged by one process, 1 to 31 (default 1, or so many that\n"
    "                            long inputs are not read by many)\n"
    "      --again               begin anew, whatever an earlier hunt left in CASE\n"
    "      --since TIME, --until TIME\n"
    "                            only packets of these times\n"
    "      --host ADDR|PREFIX    tell only about these\n"
    "      --hosts-from FILE     … about these: an address a line, # before remarks\n"
    "      --destination NAME|ADDR|PREFIX\n"
    "                            tell only what leads there\n"
    "      --intel FILE          one more list of indicators\n"
    "  -c, --config FILE         configuration; its sinks are told nothing\n"
    "  -f, --filter EXPR         BPF: only packets that match\n"
    "      --inside PREFIX       an inside network; may be given again; replaces networks.inside\n"
    "      --set KEY=VALUE       one setting\n"
    "      --workers N           capture.workers, of each process\n"
    "      --exit-alerts         exit with 10 when something left\n"
    "      --language en|ja      of the table and of report.html\n"
    "  -q, --quiet               no progress\n"
    "\n"
    "exit status: 0 done; 1 could not run, or was interrupted (begin again, and it goes on); 2 "
    "usage,\n"
    "configuration, or CASE is of another hunt; 3 an input was missing, damaged or unreadable (the "
    "rest\n"
    "was judged); 10 something left and --exit-alerts\n";

static int read_number(const char *word, const char *option, uint32_t most, uint32_t *number,
                       struct error *error)
{
    char *end;
    if (!word)
        return 0;
    unsigned long value = strtoul(word, &end, 10);
    if (*word < '0' || *word > '9' || *end || value < 1 || value > most)
        return error_set(error, ERROR_USAGE, "%s %.40s: expected a number from 1 to %u", option,
                         word, most);
    *number = (uint32_t)value;
    return 0;
}

static int read_asked(struct hunt *hunt)
{
    struct options *o = &hunt->options;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    hunt->jobs = processors < 1 ? 1 : processors > HUNT_JOBS ? HUNT_JOBS : (uint32_t)processors;
    if (o->input_count == 0)
        return error_set(&hunt->error, ERROR_USAGE, "hunt: which folder? (weir hunt --help)");
    if (!o->folder)
        return error_set(&hunt->error, ERROR_USAGE,
                         "hunt: needs -o CASE, where what it found is kept");
    if (hunt->hosts_from && hunt->asked.host)
        return error_set(&hunt->error, ERROR_USAGE, "--host and --hosts-from: one of them");
    hunt->asked.since = o->since;
    hunt->asked.until = o->until;
    hunt->asked.destination = o->destination;
    if (read_number(hunt->jobs_word, "--jobs", HUNT_JOBS, &hunt->jobs, &hunt->error) != 0 ||
        read_number(hunt->unit_word, "--unit-days", HUNT_UNIT_DAYS, &hunt->unit_days,
                    &hunt->error) != 0 ||
        report_read_language(hunt->language_word, &hunt->language, &hunt->error) != 0 ||
        asked_read(&hunt->asked, &o->config, &hunt->times, &hunt->told, &hunt->error) != 0 ||
        role_check(&o->config, o->filter, &hunt->error) != 0 || hunt_plan_hosts(hunt) != 0)
        return -1;
    hunt->calendar = config_calendar(&o->config, &hunt->error);
    return hunt->calendar ? 0 : -1;
}

/* Before there are units, as if no input reached over an edge. */
static uint64_t all_bytes(const struct hunt *hunt)
{
    uint64_t once = 0, units = 0;
    for (size_t i = 0; i < hunt->files.count; i++)
        once += hunt->files.file[i].size;
    for (size_t i = 0; i < hunt->unit_count; i++)
        units += hunt->unit[i].bytes;
    return once + 2 * (hunt->unit_count ? units : once);
}

static int run(struct hunt *hunt, bool *problem, bool *alerts)
{
    const struct options *o = &hunt->options;
    if (read_asked(hunt) != 0 ||
        look_begin_case(&o->config, "hunt", o->folder, &hunt->error) != 0 ||
        hunt_files_walk(&hunt->files, o->input, o->input_count, o->folder, &hunt->error) != 0 ||
        hunt_plan_open(hunt) != 0)
        return -1;
    hunt->pool = pool_new(hunt->jobs, o->quiet);
    pool_expect(hunt->pool, all_bytes(hunt));
    if (hunt_survey(hunt) != 0 || hunt_units_make(hunt) != 0)
        return -1;
    pool_expect(hunt->pool, all_bytes(hunt));
    if (hunt_learn(hunt) != 0 || hunt_judge_units(hunt) != 0)
        return -1;
    return hunt_tell(hunt, problem, alerts);
}

static void fini(struct hunt *hunt)
{
    hunt_units_fini(hunt);
    hunt_files_fini(&hunt->files);
    hindsight_free(hunt->hindsight);
    fleet_free(hunt->fleet);
    ledger_free(hunt->ledger);
    pool_free(hunt->pool);
    calendar_free(hunt->calendar);
    if (hunt->lock >= 0)
        close(hunt->lock);
    free(hunt->folder);
    free(hunt->host);
    options_fini(&hunt->options);
}

int command_hunt(int argc, char **argv)
{
    struct hunt hunt = {.lock = -1, .times = {false, PTIME_MIN, PTIME_MAX}};
    const struct word words[] = {{"--host", &hunt.asked.host, NULL},
                                 {"--hosts-from", &hunt.hosts_from, NULL},
                                 {"--jobs", &hunt.jobs_word, NULL},
                                 {"--unit-days", &hunt.unit_word, NULL},
                                 {"--again", NULL, &hunt.again},
                                 {"--language", &hunt.language_word, NULL},
                                 {NULL, NULL, NULL}};
    bool problem = false, alerts = false;
    int status;
    bool good = words_take(words, &argc, argv, &hunt.error) == 0 &&
                options_parse(&hunt.options, argc, argv, "cfosIxwqheudl", &hunt.error) == 0;
    if (good && hunt.options.help)
        status = command_print(usage);
    else if (!good || run(&hunt, &problem, &alerts) != 0)
        status = command_fail(&hunt.error);
    else
        status = problem                              ? EXIT_INPUT
                 : alerts && hunt.options.exit_alerts ? EXIT_ALERTS
                                                      : EXIT_DONE;
    fini(&hunt);
    return status;
}
