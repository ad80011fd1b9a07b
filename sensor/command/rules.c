/* weir rules: what the operator's rules are, what they would say of a capture, and how they come to
 * where no network is (rules_bundle.h). They are read as
 * `weir run` reads them, so this validates them too. Thread: the main thread. */
#include "commands.h"
#include "options.h"
#include "rules_bundle.h"
#include "rules_text.h"
#include "session.h"
#include "words.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/role/check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: weir rules list     [-c FILE] [--set KEY=VALUE]            which bundle holds; rules,\n"
    "                                                                  exceptions, trust, lists\n"
    "       weir rules test     [-c FILE] [--set KEY=VALUE] INPUT...   what each rule says of "
    "captures\n"
    "       weir rules fields                                          what conditions may speak "
    "of\n"
    "       weir rules pack DIR --name NAME --version N --key PRIVATE -o FILE [--weir VERSION]\n"
    "       weir rules verify FILE [--key PUBLIC]\n"
    "       weir rules install FILE [--key PUBLIC] [--into DIR] [--allow-older] [--dry-run]\n"
    "       weir rules rollback [--key PUBLIC] [--into DIR] [--dry-run]\n"
    "\n"
    "Rules are those of the configuration (rules: [...]); --set 'rules=[FILE, ...]' names others.\n"
    "weir-rules(5) is their language.\n"
    "\n"
    "pack signs the rule files and lists of a folder into one file, which is carried to where no\n"
    "network is; there install takes it, when its key is trusted (bundle.keys), nothing of it was\n"
    "changed and its rules compile among those of the configuration: then it holds, whole, in\n"
    "bundle.folder, a running sensor reloads, and the journal says who did it. rollback goes back "
    "to\n"
    "the one before, when its key is still trusted. Each takes -c FILE and --set KEY=VALUE.\n"
    "  --key FILE      the maker's private key (Ed25519, PEM); else the one public key that is "
    "trusted\n"
    "  --into DIR      instead of bundle.folder\n"
    "  --allow-older   an older one than what holds, too\n"
    "  --dry-run       all but the change\n"
    "  --weir VERSION  the oldest Weir that it is for; this one\n"
    "\n"
    "exit status: 0 done; 1 could not run; 2 usage, configuration or rules wrong, or not for here; "
    "3 an\n"
    "input was missing or damaged, or is not what was signed\n";

static int print_and_free(char *text)
{
    int status = command_print(text);
    free(text);
    return status;
}

static int test(const struct options *o)
{
    struct session session = {.rings = 0};
    struct error error = {0};
    struct session_options options = {.config = &o->config,
                                      .inputs = o->input,
                                      .input_count = o->input_count,
                                      .filter = o->filter,
                                      .progress = !o->quiet && isatty(STDERR_FILENO)};
    int status;
    if (o->input_count == 0)
        error_set(&error, ERROR_USAGE, "rules test: which capture? (weir rules --help)");
    if (error.code != ERROR_NONE || role_check(&o->config, o->filter, &error) != 0)
        return command_fail(&error);
    if (session_run(&session, &options) != 0) {
        status = command_fail(&session.error);
    } else {
        status = print_and_free(rules_tallies_text(o->config.rules, session.stack.engine));
        const struct error *problem = session_input_problem(&session);
        status = problem ? command_fail(problem) : status;
    }
    session_free(&session);
    return status;
}

static int run(const char *verb, const struct options *options)
{
    struct error error = {0};
    if (strcmp(verb, "test") == 0)
        return test(options);
    if (options_no_inputs(options, "rules", &error) != 0)
        return command_fail(&error);
    if (strcmp(verb, "list") == 0) {
        int status = print_and_free(rules_holds_text(options));
        return status ? status : print_and_free(rules_list_text(options->config.rules));
    }
    return print_and_free(rules_fields_text());
}

static const struct {
    const char *verb;
    int (*run)(const struct options *options, const struct rules_asked *asked, struct error *error);
    const char *letters, *words;
} bundle_row[] = {{"pack", rules_pack, "csoh", "--key --name --version --weir "},
                  {"verify", rules_verify, "csh", "--key "},
                  {"install", rules_install, "csDh", "--key --into --allow-older "},
                  {"rollback", rules_rollback, "csDh", "--key --into "}};

static int check_words(const struct word *word, const char *known, struct error *error)
{
    for (; word->name; word++) {
        char *name = xasprintf("%s ", word->name);
        bool given = word->value ? *word->value != NULL : *word->flag;
        bool unknown = given && !strstr(known, name);
        free(name);
        if (unknown)
            return error_set(error, ERROR_USAGE, "%s: unknown option (weir rules --help)",
                             word->name);
    }
    return 0;
}

/* The rules of the configuration are not read before the bundle's stand among them: theirs may be
 * what is wrong. */
static int run_bundle(size_t row, int argc, char **argv)
{
    struct rules_asked asked = {.key = NULL};
    const struct word words[] = {{"--key", &asked.key, NULL},
                                 {"--into", &asked.into, NULL},
                                 {"--name", &asked.name, NULL},
                                 {"--version", &asked.version, NULL},
                                 {"--weir", &asked.weir, NULL},
                                 {"--allow-older", NULL, &asked.allow_older},
                                 {NULL, NULL, NULL}};
    struct options options = {.json = false};
    struct error error = {0};
    int failed =
        words_take(words, &argc, argv, &error) != 0 ||
        check_words(words, bundle_row[row].words, &error) != 0 ||
        options_parse_settings(&options, argc, argv, bundle_row[row].letters, &error) != 0 ||
        (!options.help && bundle_row[row].run(&options, &asked, &error) != 0);
    int status = failed ? command_fail(&error) : command_print(options.help ? usage : "");
    options_fini(&options);
    return status;
}

int command_rules(int argc, char **argv)
{
    struct options options;
    struct error error = {0};
    const char *verb = argc > 1 ? argv[1] : "";
    int status;
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0)
        return command_print(usage);
    for (size_t i = 0; i < sizeof bundle_row / sizeof *bundle_row; i++)
        if (strcmp(verb, bundle_row[i].verb) == 0)
            return run_bundle(i, argc - 1, argv + 1);
    if (strcmp(verb, "list") != 0 && strcmp(verb, "test") != 0 && strcmp(verb, "fields") != 0) {
        log_error(
            "rules %.60s: unknown verb, expected list, test, fields, pack, verify, install or "
            "rollback",
            verb);
        return EXIT_USAGE;
    }
    if (options_parse(&options, argc - 1, argv + 1, "cfsIqh", &error) != 0)
        status = command_fail(&error);
    else if (options.help)
        status = command_print(usage);
    else
        status = run(verb, &options);
    options_fini(&options);
    return status;
}
