/* weir privacy: what is stored about persons. Thread: the main thread. */
#include "commands.h"
#include "inventory.h"
#include "options.h"

#include "weir/base/log.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: weir privacy inventory [-c FILE] [--set KEY=VALUE] [--json]\n"
    "\n"
    "What a sensor with this configuration stores about persons: where, about whom, what, how "
    "long, "
    "how\n"
    "it goes, and how much there is now. It only looks. To forget a host: weir baseline forget.\n"
    "\n"
    "exit status: 0 done; 2 usage or configuration\n";

int command_privacy(int argc, char **argv)
{
    struct options options;
    struct error error = {0};
    const char *verb = argc > 1 ? argv[1] : "";
    int status;
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0)
        return command_print(usage);
    if (strcmp(verb, "inventory") != 0) {
        log_error("privacy %.60s: unknown verb, expected inventory (weir privacy --help)", verb);
        return EXIT_USAGE;
    }
    if (options_parse(&options, argc - 1, argv + 1, "csjh", &error) != 0 ||
        options_no_inputs(&options, "privacy", &error) != 0) {
        status = command_fail(&error);
    } else if (options.help) {
        status = command_print(usage);
    } else {
        char *text =
            options.json ? inventory_json(&options.config) : inventory_text(&options.config);
        status = command_print(text);
        free(text);
    }
    options_fini(&options);
    return status;
}
