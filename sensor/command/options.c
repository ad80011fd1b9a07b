/* Options of the sub-commands. One row an option: its letter, its name, whether it takes a value. A
 * command names the letters it takes; any other is refused with the command's usage. Thread:
 * start-up. */
#include "options.h"

#include <getopt.h>
#include <string.h>

static const struct option row[] = {
    {"config", required_argument, NULL, 'c'},
    {"read", no_argument, NULL, 'r'},
    {"filter", required_argument, NULL, 'f'},
    {"output", required_argument, NULL, 'o'},
    {"set", required_argument, NULL, 's'},
    {"inside", required_argument, NULL, 'I'},
    {"baseline", required_argument, NULL, 'b'},
    {"save-baseline", required_argument, NULL, 'B'},
    {"json", no_argument, NULL, 'j'},
    {"flows", no_argument, NULL, 'F'},
    {"exit-alerts", no_argument, NULL, 'x'},
    {"workers", required_argument, NULL, 'w'},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct later { /* applied after the file, whatever the order on the command line */
    const char *set[256], *inside[256];
    size_t set_count, inside_count;
};

static int keep_later(struct later *later, int letter, const char *value, struct error *error)
{
    const char **list = letter == 's' ? later->set : later->inside;
    size_t *count = letter == 's' ? &later->set_count : &later->inside_count;
    if (*count == 256)
        return error_set(error, ERROR_USAGE, "more than 256 times --%s",
                         letter == 's' ? "set" : "inside");
    list[(*count)++] = value;
    return 0;
}

static int take(struct options *o, struct later *later, int letter, const char *value,
                struct error *error)
{
    switch (letter) {
    case 'c':
        o->config_path = value;
        return 0;
    case 'r':
        return 0; /* "read what follows": inputs are the arguments either way */
    case 'f':
        o->filter = value;
        return 0;
    case 'o':
        o->folder = value;
        return 0;
    case 'b':
        o->baseline = value;
        return 0;
    case 'B':
        o->save_baseline = value;
        return 0;
    case 'j':
        o->json = true;
        return 0;
    case 'F':
        o->flows = true;
        return 0;
    case 'x':
        o->exit_alerts = true;
        return 0;
    case 'q':
        o->quiet = true;
        return 0;
    case 'h':
        o->help = true;
        return 0;
    case 's':
    case 'I':
        return keep_later(later, letter, value, error);
    case 'w':
        if (strcmp(value, "0") != 0)
            return error_set(
                error, ERROR_USAGE,
                "--workers %.40s: this version has one capture thread inside the engine's "
                "process (--workers 0)",
                value);
        return 0;
    default:
        return -1;
    }
}

static int read_letters(struct options *o, struct later *later, int argc, char **argv,
                        const char *allowed, struct error *error)
{
    int letter;
    opterr = 0;
    optind = 1;
    while ((letter = getopt_long(argc, argv, ":c:rf:o:jqh", row, NULL)) != -1) {
        const char *word = optind > 1 && optind <= argc ? argv[optind - 1] : "";
        if (letter == ':')
            return error_set(error, ERROR_USAGE, "%.80s: needs a value (weir %s --help)", word,
                             argv[0]);
        if (letter == '?' || !strchr(allowed, letter))
            return error_set(error, ERROR_USAGE, "%.80s: unknown option (weir %s --help)", word,
                             argv[0]);
        if (take(o, later, letter, optarg, error) != 0)
            return -1;
    }
    for (int i = optind; i < argc; i++) {
        if (o->input_count == OPTIONS_INPUTS)
            return error_set(error, ERROR_USAGE, "more than %d inputs", OPTIONS_INPUTS);
        o->input[o->input_count++] = argv[i];
    }
    return 0;
}

int options_parse(struct options *o, int argc, char **argv, const char *allowed,
                  struct error *error)
{
    struct later later = {.set_count = 0};
    memset(o, 0, sizeof *o);
    config_init(&o->config);
    if (read_letters(o, &later, argc, argv, allowed, error) != 0)
        return -1;
    if (o->help)
        return 0;
    if (o->config_path && config_read_file(&o->config, o->config_path, error) != 0)
        return -1;
    for (size_t i = 0; i < later.set_count; i++)
        if (config_set(&o->config, later.set[i], error) != 0)
            return -1;
    for (size_t i = 0; i < later.inside_count; i++)
        if (config_add_inside(&o->config, later.inside[i], i == 0, error) != 0)
            return -1;
    config_finish(&o->config);
    return 0;
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
}
