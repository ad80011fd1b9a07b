/* Options of the sub-commands. One row an option: its letter, its name, whether it takes a value. A
 * command names the letters it takes; any other is refused with the command's usage. Thread:
 * start-up. */
#include "options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct option row[] = {
    {"config", required_argument, NULL, 'c'},
    {"read", no_argument, NULL, 'r'},
    {"filter", required_argument, NULL, 'f'},
    {"interface", required_argument, NULL, 'i'},
    {"output", required_argument, NULL, 'o'},
    {"set", required_argument, NULL, 's'},
    {"inside", required_argument, NULL, 'I'},
    {"baseline", required_argument, NULL, 'b'},
    {"save-baseline", required_argument, NULL, 'B'},
    {"json", no_argument, NULL, 'j'},
    {"flows", no_argument, NULL, 'F'},
    {"exit-alerts", no_argument, NULL, 'x'},
    {"follow", no_argument, NULL, 'W'},
    {"workers", required_argument, NULL, 'w'},
    {"quiet", no_argument, NULL, 'q'},
    {"replace", no_argument, NULL, 'R'},
    {"dry-run", no_argument, NULL, 'D'},
    {"yes", no_argument, NULL, 'y'},
    {"all", no_argument, NULL, 'a'},
    {"reason", required_argument, NULL, 'm'},
    {"sign-off", required_argument, NULL, 'S'},
    {"bytes", required_argument, NULL, 'n'},
    {"destination", required_argument, NULL, 'd'},
    {"at", required_argument, NULL, 't'},
    {"since", required_argument, NULL, 'e'},
    {"until", required_argument, NULL, 'u'},
    {"format", required_argument, NULL, 'O'},
    {"where", required_argument, NULL, 'C'},
    {"from-sequence", required_argument, NULL, 'N'},
    {"position", required_argument, NULL, 'P'},
    {"count", no_argument, NULL, 'k'},
    {"for", required_argument, NULL, 'T'},
    {"intel", required_argument, NULL, 'l'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Applied after the file, whatever the order on the command line. */
static int keep(struct config_words *words, const char *option, const char *value,
                struct error *error)
{
    if (words->count == CONFIG_WORDS)
        return error_set(error, ERROR_USAGE, "more than %d times %s", CONFIG_WORDS, option);
    words->word[words->count++] = value;
    return 0;
}

/* --workers N is a setting with a name of its own. */
static int keep_workers(struct options *o, const char *value, struct error *error)
{
    int size = snprintf(o->workers, sizeof o->workers, "capture.workers=%s", value);
    if (size >= (int)sizeof o->workers)
        return error_set(error, ERROR_USAGE, "--workers %.40s: expected a number from 0 to %d",
                         value, CONFIG_WORKERS);
    return keep(&o->source.set, "--set", o->workers, error);
}

/* Options that only keep what they were given. */
static const struct {
    int letter;
    size_t place; /* of a const char * in struct options */
} text[] = {
    {'f', offsetof(struct options, filter)},   {'o', offsetof(struct options, folder)},
    {'b', offsetof(struct options, baseline)}, {'B', offsetof(struct options, save_baseline)},
    {'m', offsetof(struct options, reason)},   {'S', offsetof(struct options, sign_off)},
    {'n', offsetof(struct options, bytes)},    {'d', offsetof(struct options, destination)},
    {'t', offsetof(struct options, at)},       {'e', offsetof(struct options, since)},
    {'u', offsetof(struct options, until)},    {'O', offsetof(struct options, format)},
    {'C', offsetof(struct options, where)},    {'N', offsetof(struct options, from_sequence)},
    {'P', offsetof(struct options, position)}, {'l', offsetof(struct options, source.intel)},
    {'T', offsetof(struct options, span)},
};

static const struct {
    int letter;
    size_t place; /* of a bool */
} flag[] = {
    {'j', offsetof(struct options, json)},        {'F', offsetof(struct options, flows)},
    {'x', offsetof(struct options, exit_alerts)}, {'W', offsetof(struct options, follow)},
    {'q', offsetof(struct options, quiet)},       {'R', offsetof(struct options, replace)},
    {'y', offsetof(struct options, yes)},         {'a', offsetof(struct options, all)},
    {'k', offsetof(struct options, count)},       {'h', offsetof(struct options, help)},
    {'D', offsetof(struct options, dry_run)},
};

static bool take_simple(struct options *o, int letter, const char *value)
{
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        if (text[i].letter == letter) {
            *(const char **)(void *)((char *)o + text[i].place) = value;
            return true;
        }
    for (size_t i = 0; i < sizeof flag / sizeof *flag; i++)
        if (flag[i].letter == letter) {
            *(bool *)(void *)((char *)o + flag[i].place) = true;
            return true;
        }
    return false;
}

static int take(struct options *o, int letter, const char *value, struct error *error)
{
    switch (letter) {
    case 'c':
        o->source.path = value;
        return 0;
    case 'r':
        return 0; /* "read what follows": inputs are the arguments either way */
    case 's':
        return keep(&o->source.set, "--set", value, error);
    case 'I':
        return keep(&o->source.inside, "--inside", value, error);
    case 'i':
        return keep(&o->source.interface, "-i", value, error);
    case 'w':
        return keep_workers(o, value, error);
    default:
        return take_simple(o, letter, value) ? 0 : -1;
    }
}

/* An option that other commands take: by its name, since what stands last may be its value. */
static const char *word_of(int letter)
{
    static char word[32];
    for (size_t i = 0; row[i].name; i++)
        if (row[i].val == letter)
            snprintf(word, sizeof word, "--%s", row[i].name);
    return word;
}

static int read_letters(struct options *o, int argc, char **argv, const char *allowed,
                        struct error *error)
{
    int letter;
    opterr = 0;
    optind = 1;
    while ((letter = getopt_long(argc, argv, ":c:rf:i:o:jqh", row, NULL)) != -1) {
        const char *word = optind > 1 && optind <= argc ? argv[optind - 1] : "";
        if (letter == ':')
            return error_set(error, ERROR_USAGE, "%.80s: needs a value (weir %s --help)", word,
                             argv[0]);
        if (letter != '?' && !strchr(allowed, letter))
            word = word_of(letter);
        if (letter == '?' || !strchr(allowed, letter))
            return error_set(error, ERROR_USAGE, "%.80s: unknown option (weir %s --help)", word,
                             argv[0]);
        if (take(o, letter, optarg, error) != 0)
            return -1;
    }
    for (int i = optind; i < argc; i++) {
        if (o->input_count == OPTIONS_INPUTS)
            return error_set(error, ERROR_USAGE, "more than %d inputs", OPTIONS_INPUTS);
        o->input[o->input_count++] = argv[i];
    }
    return 0;
}

int options_parse_settings(struct options *o, int argc, char **argv, const char *allowed,
                           struct error *error)
{
    memset(o, 0, sizeof *o);
    config_init(&o->config);
    if (read_letters(o, argc, argv, allowed, error) != 0)
        return -1;
    if (o->help)
        return 0;
    if (config_source_read(&o->source, error) != 0)
        return -1;
    config_fini(&o->config);
    return config_load_settings(&o->config, &o->source, error);
}

int options_parse(struct options *o, int argc, char **argv, const char *allowed,
                  struct error *error)
{
    if (options_parse_settings(o, argc, argv, allowed, error) != 0)
        return -1;
    if (o->help)
        return 0;
    config_fini(&o->config);
    return config_load(&o->config, &o->source, error);
}

int options_no_inputs(const struct options *o, const char *command, struct error *error)
{
    if (o->input_count == 0)
        return 0;
    return error_set(error, ERROR_USAGE, "%.80s: unexpected (weir %s --help)", o->input[0],
                     command);
}

void options_fini(struct options *options)
{
    config_fini(&options->config);
    config_source_fini(&options->source);
}
