/* weir explain: what an alert or an incident is about, from the journal of the sensor that runs (or
 * ran) with this configuration. It only reads. Thread: the main thread. */
#include "commands.h"
#include "look.h"
#include "options.h"

#include "weir/alert/journal.h"
#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/investigate/explain.h"

#include <stdlib.h>
#include <string.h>

#define DAMAGES_MAX 64

static const char usage[] =
    "usage: weir explain [-c FILE] [--set KEY=VALUE] [--json] ID\n"
    "\n"
    "Says in plain words what an alert is about: what happened, why it was told, against what it\n"
    "was judged, what could not be seen, what its detector is and its usual false alarms.\n"
    "ID: of an alert (event.id), or an incident: inc- and six letters or more.\n"
    "It is read from the journal in sensor.state_dir (default /var/lib/weir).\n"
    "  --json   the records, and what is known of them beside\n"
    "\n"
    "exit status: 0 shown; 1 the journal cannot be read; 2 usage, or there is no such ID; 3 some "
    "of the\n"
    "journal is damaged and left out\n";

/* Damage is said (once: where `damaged` is asked for), and what follows it is read. Where nothing
 * follows, however often it is asked, the journal cannot be read. */
static int each_line(const char *folder,
                     void (*each)(struct explain *explain, const char *line, size_t size),
                     struct explain *explain, bool *damaged, struct error *error)
{
    struct journal_reader *reader = journal_reader_open(folder, 0, error);
    if (!reader)
        return -1;
    unsigned damages = 0; /* in a row */
    while (damages < DAMAGES_MAX) {
        struct error damage = {0};
        const char *line;
        size_t size;
        uint64_t sequence;
        int got = journal_reader_next(reader, UINT64_MAX, &line, &size, &sequence, &damage);
        if (got == 0)
            break;
        damages = got > 0 ? 0 : damages + 1;
        if (got > 0)
            each(explain, line, size);
        else if (damages == DAMAGES_MAX)
            error_set(error, ERROR_RUN, "%s", damage.message);
        else if (damaged) {
            *damaged = true;
            log_warn("%s", damage.message);
        }
    }
    journal_reader_close(reader);
    return damages < DAMAGES_MAX ? 0 : -1;
}

static char *explained(const struct options *options, const char *id, bool *damaged,
                       struct error *error)
{
    const char *folder = config_state_dir(&options->config);
    struct explain *explain = explain_new(id, error);
    char *text = NULL;
    if (explain && each_line(folder, explain_seek, explain, damaged, error) == 0 &&
        explain_found(explain, error) == 0 &&
        each_line(folder, explain_gather, explain, NULL, error) == 0)
        text = options->json ? explain_json(explain, options->config.rules)
                             : explain_text(explain, options->config.rules);
    explain_free(explain);
    return text;
}

static int show(const struct options *options)
{
    struct error error = {0};
    char *text = NULL;
    bool damaged = false;
    if (options->input_count != 1)
        error_set(&error, ERROR_USAGE, "explain: which alert or incident? (weir explain --help)");
    else if (look_begin(&options->config, "explain", options->input[0], &error) == 0)
        text = explained(options, options->input[0], &damaged, &error);
    if (!text)
        return command_fail(&error);
    char *shown = options->json ? xasprintf("%s\n", text) : text;
    int status = command_print(shown);
    if (shown != text)
        free(shown);
    free(text);
    return damaged && status == EXIT_DONE ? EXIT_INPUT : status;
}

int command_explain(int argc, char **argv)
{
    struct options options;
    struct error error = {0};
    int status;
    if (options_parse(&options, argc, argv, "csjh", &error) != 0)
        status = command_fail(&error);
    else if (options.help)
        status = command_print(usage);
    else
        status = show(&options);
    options_fini(&options);
    return status;
}
