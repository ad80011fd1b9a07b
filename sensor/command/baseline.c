/* weir baseline: finds the verb and calls it with the memory opened as it needs it. A verb is a row
 * here and a function in one of the baseline_*.c. Thread: the main thread. */
#include "baseline.h"

#include "commands.h"
#include "look.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: weir baseline list [--json]               every host: state, time left, what is kept\n"
    "       weir baseline show [--json] HOST          what is normal for a host; --bytes N: and "
    "how\n"
    "            unlikely N would be, --destination NAME: towards there, --at HOUR: then (UTC)\n"
    "       weir baseline review [--sign-off NAME]    what to look at before it is trusted\n"
    "       weir baseline diff [--json] FILE [FILE]   what changed since, or between two\n"
    "       weir baseline export FILE                 all of it as one checksummed file\n"
    "       weir baseline import [--replace] FILE     … and back; --dry-run: only look whether it "
    "could\n"
    "       weir baseline merge FILE... -o FILE       one out of several\n"
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
    "Each takes -c FILE and --set KEY=VALUE, and what changes something --reason TEXT. A running\n"
    "sensor's memory is used while it runs; without one the private server of the state directory\n"
    "is started meanwhile. docs/governance.md says what each does.\n"
    "\n"
    "exit status: 0 done; 1 the memory cannot be reached, or refused; 2 usage or configuration;\n"
    "3 a file is missing or damaged\n";

enum need { NOTHING, READS, WRITES };

static const struct verb {
    const char *name, *options; /* letters of options.c */
    enum need need;
    size_t least, most; /* arguments */
    const char *expected;
    int (*run)(struct access *access, const struct options *options);
} verbs[] = {
    {"list", "csjh", READS, 0, 0, "no argument", baseline_list},
    {"show", "csjndth", READS, 1, 1, "one address", baseline_show},
    {"review", "csSmh", READS, 0, 0, "no argument", baseline_review},
    {"diff", "csjh", READS, 1, 2, "one file or two", baseline_diff},
    {"export", "csh", READS, 1, 1, "one file", baseline_export},
    {"import", "csRDmh", WRITES, 1, 1, "one file", baseline_import},
    {"merge", "csoh", NOTHING, 1, OPTIONS_INPUTS, "files", baseline_merge},
    {"freeze", "csamh", WRITES, 0, 1, "one address, or --all", baseline_freeze},
    {"thaw", "csamh", WRITES, 0, 1, "one address, or --all", baseline_thaw},
    {"benign", "csmh", WRITES, 1, 2, "an address, and perhaps a destination", baseline_benign},
    {"reset", "csymh", WRITES, 1, 1, "one address", baseline_reset},
    {"forget", "csymh", WRITES, 1, 1, "one address", baseline_forget},
    {"hold", "csmh", WRITES, 1, 1, "one address", baseline_hold},
    {"release", "csmh", WRITES, 1, 1, "one address", baseline_release},
    {"audit", "csjh", READS, 0, 0, "no argument", baseline_audited},
};

static const struct verb *verb_of(const char *name)
{
    for (size_t i = 0; name && i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

/* Two files are compared, and one is looked at, without any memory; who signs writes. */
static enum need need_of(const struct verb *verb, const struct options *options)
{
    if ((verb->run == baseline_diff && options->input_count == 2) ||
        (verb->run == baseline_import && options->dry_run))
        return NOTHING;
    return options->sign_off ? WRITES : verb->need;
}

/* Who changes something is in the audit. A host that was asked for by its address is shown with it,
 * and a file that is exported has all of them. */
static int begin(const struct verb *verb, const struct options *options, struct error *error)
{
    bool shows_one = verb->run == baseline_show;
    const char *what = options->input_count ? options->input[0] : NULL;
    if (verb->need == WRITES || verb->need == NOTHING)
        return 0;
    char *name = xasprintf("baseline %s", verb->name);
    int failed = look_note(&options->config, name, what, NULL, error);
    free(name);
    return failed || shows_one ? failed : look_hide(&options->config, error);
}

static int run(const struct verb *verb, const struct options *options)
{
    struct access access = {.config = &options->config, .state = {.lock_fd = -1}};
    enum need need = need_of(verb, options);
    int status = EXIT_RUN;
    if (options->input_count < verb->least || options->input_count > verb->most)
        error_set(&access.error, ERROR_USAGE, "baseline %s: expected %s", verb->name,
                  verb->expected);
    else if (begin(verb, options, &access.error) == 0 &&
             (need == NOTHING || access_open(&access, &options->config, need == WRITES) == 0))
        status = verb->run(&access, options);
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
