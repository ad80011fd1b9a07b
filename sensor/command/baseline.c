/* weir baseline: finds the verb and calls it with the memory opened as it needs it. A verb is a row
 * here and a function in one of the baseline_*.c. Thread: the main thread. */
#include "baseline.h"

#include "commands.h"

#include "weir/base/log.h"

#include <string.h>

static const char usage[] =
    "usage: weir baseline list [--json]               every host: state, time left, what is kept\n"
    "       weir baseline show [--json] HOST          what is normal for a host\n"
    "       weir baseline export FILE                 all of it as one checksummed file\n"
    "       weir baseline import [--replace] FILE     … and back\n"
    "       weir baseline freeze HOST|--all           nothing is learned of it, until\n"
    "       weir baseline thaw HOST|--all             … this\n"
    "       weir baseline benign HOST [DESTINATION]   what was guarded against is learned after "
    "all\n"
    "       weir baseline reset [--yes] HOST          it learns anew\n"
    "       weir baseline forget [--yes] HOST         nothing of it is kept; refused under hold\n"
    "       weir baseline hold HOST --reason TEXT     nothing of it may be removed, until\n"
    "       weir baseline release HOST                … this\n"
    "       weir baseline audit [--json]              who changed what, when\n"
    "\n"
    "Each takes -c FILE and --set KEY=VALUE. A running sensor's memory is used while it runs;\n"
    "without one the private server of the state directory is started meanwhile.\n"
    "\n"
    "exit status: 0 done; 1 the memory cannot be reached; 2 usage or configuration; 3 an input\n";

static const struct verb {
    const char *name, *options; /* letters of options.c */
    bool writes;
    int (*run)(struct access *access, const struct options *options);
} verbs[] = {
    {"list", "csjh", false, baseline_list},      {"show", "csjh", false, baseline_show},
    {"export", "csh", false, baseline_export},   {"import", "csRmh", true, baseline_import},
    {"freeze", "csamh", true, baseline_freeze},  {"thaw", "csamh", true, baseline_thaw},
    {"benign", "csmh", true, baseline_benign},   {"reset", "csymh", true, baseline_reset},
    {"forget", "csymh", true, baseline_forget},  {"hold", "csmh", true, baseline_hold},
    {"release", "csmh", true, baseline_release}, {"audit", "csjh", false, baseline_audited},
};

static const struct verb *verb_of(const char *name)
{
    for (size_t i = 0; name && i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static int run(const struct verb *verb, const struct options *options)
{
    struct access access;
    int status = access_open(&access, &options->config, verb->writes) == 0
                     ? verb->run(&access, options)
                     : EXIT_RUN;
    if (access.error.code != ERROR_NONE)
        status = command_fail(&access.error);
    access_close(&access);
    return status;
}

int command_baseline(int argc, char **argv)
{
    struct options options;
    struct error error = {0};
    const struct verb *verb = verb_of(argc > 1 ? argv[1] : NULL);
    int status;
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return command_print(usage);
    if (!verb) {
        log_error("baseline %.60s: unknown verb (weir baseline --help)", argc > 1 ? argv[1] : "");
        return EXIT_USAGE;
    }
    if (options_parse(&options, argc - 1, argv + 1, verb->options, &error) != 0)
        status = command_fail(&error);
    else if (options.help)
        status = command_print(usage);
    else
        status = run(verb, &options);
    options_fini(&options);
    return status;
}
