/* weir privacy: what is stored about persons, who looked at it, and pseudonyms. Thread: the main
 * thread. */
#include "privacy.h"

#include "commands.h"
#include "inventory.h"
#include "words.h"

#include "weir/base/log.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: weir privacy inventory [--json]\n"
    "       weir privacy access [--since T] [--until T] [--by WHO] [--host TEXT] [--json]\n"
    "       weir privacy reveal PSEUDONYM|ADDRESS --by WHO --reason TEXT\n"
    "       weir privacy mask FILE...\n"
    "\n"
    "inventory: what a sensor with this configuration stores about persons: where, about whom,\n"
    "what, how long, how it goes, and how much there is now. It only looks.\n"
    "access: who looked at whom, from the access log; whether its lines follow on each other.\n"
    "  --by WHO      an account, or who was behind it\n"
    "  --host TEXT   looks whose question has this in it\n"
    "reveal: the address behind a pseudonym (privacy.pseudonyms), or the other way round. First\n"
    "it is written down who asked and why, in the access log and in the journal.\n"
    "mask: files with text or lines of JSON (a replay's, the journal's), with pseudonyms in the\n"
    "place of inside addresses, on standard output.\n"
    "Each takes -c FILE and --set KEY=VALUE. To forget a host: weir baseline forget.\n"
    "\n"
    "exit status: 0 done; 1 it could not be done, or (access) the log does not hold together;\n"
    "2 usage or configuration; 3 no address has this pseudonym, or a file cannot be read\n";

static int inventory(const struct options *options, const struct privacy_asked *asked,
                     struct error *error)
{
    (void)asked;
    (void)error;
    char *text =
        options->json ? inventory_json(&options->config) : inventory_text(&options->config);
    int status = command_print(text);
    free(text);
    return status;
}

static const struct verb {
    const char *name, *options;
    size_t least, most; /* arguments */
    const char *expected;
    int (*run)(const struct options *options, const struct privacy_asked *asked,
               struct error *error);
} verbs[] = {
    {"inventory", "csjh", 0, 0, "no argument", inventory},
    {"access", "csjh", 0, 0, "no argument", privacy_access},
    {"reveal", "csh", 1, 1, "one pseudonym, or an address", privacy_reveal},
    {"mask", "csh", 1, OPTIONS_INPUTS, "files", privacy_mask},
};

static int take_words(const struct verb *verb, struct privacy_asked *a, int *argc, char **argv,
                      struct error *error)
{
    const struct word looks[] = {{"--since", &a->since, NULL},
                                 {"--until", &a->until, NULL},
                                 {"--by", &a->by, NULL},
                                 {"--host", &a->host, NULL},
                                 {NULL, NULL, NULL}};
    const struct word reveals[] = {
        {"--by", &a->by, NULL}, {"--reason", &a->reason, NULL}, {NULL, NULL, NULL}};
    if (verb->run == privacy_access)
        return words_take(looks, argc, argv, error);
    return verb->run == privacy_reveal ? words_take(reveals, argc, argv, error) : 0;
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct options options = {.json = false};
    struct privacy_asked asked = {.since = NULL};
    struct error error = {0};
    int status = EXIT_USAGE;
    if (take_words(verb, &asked, &argc, argv, &error) != 0 ||
        options_parse(&options, argc, argv, verb->options, &error) != 0)
        status = command_fail(&error);
    else if (options.help)
        status = command_print(usage);
    else if (options.input_count < verb->least || options.input_count > verb->most)
        log_error("privacy %s: expected %s (weir privacy --help)", verb->name, verb->expected);
    else
        status = verb->run(&options, &asked, &error);
    if (error.code != ERROR_NONE && status == EXIT_DONE)
        status = command_fail(&error);
    options_fini(&options);
    return status;
}

int command_privacy(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return command_print(usage);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return run(&verbs[i], argc - 1, argv + 1);
    log_error("privacy %.60s: unknown verb, expected inventory, access, reveal or mask "
              "(weir privacy --help)",
              name);
    return EXIT_USAGE;
}
