/* weir run: watches interfaces until it is stopped. With workers, the supervisor and its processes,
 * else one process; options and wiring only. */
#include "commands.h"
#include "options.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"
#include "weir/role/check.h"
#include "weir/role/supervisor.h"

#include <stdlib.h>

static const char usage[] =
    "usage: weir run [-c FILE] [-i INTERFACE]... [options]\n"
    "\n"
    "Watches live, until SIGINT or SIGTERM. SIGHUP (or weir reload) reads the configuration anew.\n"
    "\n"
    "  -c, --config FILE         configuration (weir check prints every key and its value)\n"
    "  -i, --interface NAME      watch this; may be given again (a tap pair); replaces\n"
    "                            capture.interfaces\n"
    "  -f, --filter EXPR         BPF: only packets that match\n"
    "      --inside PREFIX       an inside network; may be given again; replaces networks.inside\n"
    "      --set KEY=VALUE       one setting\n"
    "      --workers N           capture.workers: so many sandboxed capture processes; 0: all in\n"
    "                            this process, without walls (for debuggers)\n"
    "  -o, --output DIR          alerts.ndjson there, too\n"
    "      --flows               with -o: flows.ndjson, a line a flow as it ends\n"
    "\n"
    "State (journal, baselines, control socket) is kept in sensor.state_dir (/var/lib/weir).\n"
    "It needs root, or CAP_NET_RAW. Of root its processes become sensor.user (default: weir, if\n"
    "there is one, else nobody).\n"
    "\n"
    "exit status: 0 stopped; 1 could not run; 2 usage or configuration\n";

static int run(const struct options *o, const char *const *word, size_t words, struct error *error)
{
    struct supervisor_config config = {.source = &o->source,
                                       .filter = o->filter,
                                       .folder = o->folder,
                                       .flows = o->flows,
                                       .word = word,
                                       .words = words};
    if (o->input_count > 0)
        return error_set(error, ERROR_USAGE,
                         "%.80s: run watches interfaces (-i); weir replay judges captures",
                         o->input[0]);
    if (o->config.interface_count == 0)
        return error_set(error, ERROR_USAGE,
                         "which interface? -i NAME, or capture.interfaces (weir run --help)");
    if (o->config.workers == 0 && o->folder)
        return error_set(error, ERROR_USAGE, "-o needs --workers 1 or more");
    if (o->flows && !o->folder)
        return error_set(error, ERROR_USAGE, "--flows needs -o DIR");
    if (role_check(&o->config, o->filter, error) != 0 ||
        config_check_evidence(&o->config, error) != 0 ||
        config_check_console(&o->config, error) != 0)
        return -1;
    return (o->config.workers > 0 ? supervisor_run : solo_run)(&config, error);
}

int command_run(int argc, char **argv)
{
    struct options options;
    struct error error = {0};
    int status;
    const char **word = xcalloc((size_t)argc + 1, sizeof *word); /* in their order, as yet */
    word[0] = "weir";
    for (int i = 0; i < argc; i++)
        word[i + 1] = argv[i];
    if (options_parse(&options, argc, argv, "ciIfswoFh", &error) != 0)
        status = command_fail(&error);
    else if (options.help)
        status = command_print(usage);
    else
        status =
            run(&options, word, (size_t)argc + 1, &error) == 0 ? EXIT_DONE : command_fail(&error);
    options_fini(&options);
    free(word);
    return status;
}
