/* weir: finds the sub-command and calls it. */
#include "weir/command/command.h"

#include "commands.h"
#include "weir/base/log.h"
#include "weir/base/terminal.h"
#include "weir/role/role.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "usage: weir run    [-c FILE] [-i INTERFACE]...                watch "
                            "live, until stopped\n"
                            "       weir replay [-c FILE] [-f FILTER] [-o DIR] INPUT...   judge "
                            "captures by their own clock\n"
                            "       weir hunt   [-c FILE] -o CASE FOLDER...               "
                            "months of them: what can be said of each host\n"
                            "       weir check  [-c FILE] [-r INPUT... | -i INTERFACE]    "
                            "validate; or survey what passes, propose settings\n"
                            "       weir explain [-c FILE] [--json] ID                    "
                            "an alert or incident in plain words\n"
                            "       weir status [-c FILE] [--json]                        "
                            "what a running sensor sees\n"
                            "       weir top    [-c FILE] [HOST]                          "
                            "what hosts send now, on a terminal\n"
                            "       weir alerts [-c FILE] [--since 8h] [--follow]         "
                            "what it told, from its journal\n"
                            "       weir reload [-c FILE]                                 "
                            "it reads its configuration again\n"
                            "       weir rules VERB ...                                   "
                            "the operator's rules: list, test, fields\n"
                            "       weir baseline VERB ...                                "
                            "what is normal: list, show, govern\n"
                            "       weir fleet VERB ...                                   "
                            "sensors that share a store: status, sensors, lag\n"
                            "       weir incident VERB ...                                "
                            "what was told: list, show, ack, close\n"
                            "       weir silence VERB ...                                 "
                            "what is not to be told for a while\n"
                            "       weir backtest --rules NEW INPUT...                    "
                            "what other rules would tell\n"
                            "       weir zones VERB ...                                   "
                            "zones and conduits: list, propose, drift\n"
                            "       weir change VERB ...                                  "
                            "windows in which a zone is worked on\n"
                            "       weir digest [--since 8h] [--lang ja]                  "
                            "what the next shift is told\n"
                            "       weir privacy inventory [-c FILE]                      "
                            "what is stored about persons\n"
                            "       weir report [INCIDENT] [--case DIR] -o FILE.html      "
                            "what happened, for who must answer for it\n"
                            "       weir evidence VERB ...                                "
                            "packets of incidents that were kept: list, verify\n"
                            "       weir support-bundle [-c FILE] [-o FILE]               "
                            "what somebody needs who is to help\n"
                            "       weir console user VERB ...                            "
                            "who may log in to the console: list, add, remove\n"
                            "       weir version | help\n"
                            "\n"
                            "weir COMMAND --help lists a command's options.\n";

static int command_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return command_print("weir " WEIR_VERSION "\n");
}

static int command_help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return command_print(usage);
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} row[] = {
    {"run", command_run},           {"replay", command_replay},
    {"check", command_check},       {"status", command_status},
    {"reload", command_reload},     {"baseline", command_baseline},
    {"explain", command_explain},   {"alerts", command_alerts},
    {"rules", command_rules},       {"version", command_version},
    {"--version", command_version}, {"help", command_help},
    {"digest", command_digest},     {"incident", command_incident},
    {"silence", command_silence},   {"report", command_report},
    {"backtest", command_backtest}, {"privacy", command_privacy},
    {"evidence", command_evidence}, {"hunt", command_hunt},
    {"top", command_top},           {"zones", command_zones},
    {"change", command_change},     {"--help", command_help},
    {"-h", command_help},           {"support-bundle", command_support},
    {"console", command_console},   {"fleet", command_fleet},
};

/* A standard descriptor that came closed would be the next file that is opened, and what is printed
 * would go into that. In its place stands one that refuses: the other way of /dev/null. */
static void hold_standard_descriptors(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            _exit(EXIT_RUN);
}

int command_main(int argc, char **argv)
{
    hold_standard_descriptors();
    int status = role_main(argc, argv);
    if (status >= 0)
        return status;
    log_set_subject("weir");
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of that write, not the end of us */
    if (argc < 2) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (strcmp(argv[1], row[i].name) == 0)
            return row[i].run(argc - 1, argv + 1);
    log_error("%.60s: unknown command, expected run, replay, hunt, check, alerts, explain, status, "
              "top, reload, "
              "rules, zones, change, baseline, fleet, backtest, incident, silence, digest, report, "
              "evidence, "
              "privacy, support-bundle, console, version "
              "or help",
              argv[1]);
    return EXIT_USAGE;
}

int command_fail(const struct error *error)
{
    if (*error->message)
        log_error("%s", error->message);
    switch (error->code) {
    case ERROR_USAGE:
        return EXIT_USAGE;
    case ERROR_INPUT:
        return EXIT_INPUT;
    case ERROR_NONE:
    case ERROR_RUN:
        break;
    }
    return EXIT_RUN;
}

int command_print(const char *text)
{
    if (fputs(text, stdout) >= 0 && fflush(stdout) == 0)
        return EXIT_DONE;
    log_error("standard output: %s", strerror(errno));
    return EXIT_RUN;
}

void command_make_harmless(char *text)
{
    terminal_make_harmless(text);
}

void command_make_lines_harmless(char *text)
{
    for (char *line = text, *end; *line; line = end) {
        end = line + strcspn(line, "\n");
        bool more = *end == '\n';
        *end = '\0';
        command_make_harmless(line);
        if (more)
            *end++ = '\n';
    }
}
