/* The command line of the sub-commands: one table of options, the same meaning everywhere. Thread:
 * start-up only. */
#ifndef WEIR_COMMAND_OPTIONS_H
#define WEIR_COMMAND_OPTIONS_H

#include "weir/config/source.h"

#define OPTIONS_INPUTS 4096

struct options {
    struct config_source source;
    struct config config; /* of the source */
    const char *input[OPTIONS_INPUTS];
    size_t input_count;
    const char *filter, *folder, *baseline, *save_baseline;
    char workers[64]; /* --workers as a setting */
    const char *reason, *sign_off;
    const char *bytes, *destination, *at; /* baseline show: of which size, where to, when */
    const char *since, *until, *format, *where, *from_sequence, *position; /* alerts */
    const char *span;                                                      /* check: for how long */
    bool count;
    bool json, flows, exit_alerts, follow, help, quiet, replace, dry_run, yes, all;
};

/* Which options a command takes, as letters of `allowed` (see options.c). 0, or −1 and an error. */
int options_parse(struct options *options, int argc, char **argv, const char *allowed,
                  struct error *error);
/* The same without what the configuration names: no rule file is read, so none can be wrong. */
int options_parse_settings(struct options *options, int argc, char **argv, const char *allowed,
                           struct error *error);
/* For a command that takes no arguments: −1 and an error when there are some. */
int options_no_inputs(const struct options *options, const char *command, struct error *error);
void options_fini(struct options *options);

#endif
