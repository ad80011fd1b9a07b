/* weir fleet: how the sensors that share a store stand, out of that store alone: no sensor is
 * asked, so it says the same wherever it is run. A verb is a row here. Thread: the main thread. */
#include "access.h"
#include "commands.h"
#include "fleet_text.h"
#include "options.h"

#include "weir/base/log.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: weir fleet status  [--json]     who is at work, what is closed, what is waited for\n"
    "       weir fleet sensors [--json]     each sensor: its last sign of life, how far it is\n"
    "       weir fleet lag     [--json]     each hour that is not closed: hosts, who is waited "
    "for\n"
    "\n"
    "Sensors share a store when their redis.url is the same: what they wrote there is read, and "
    "no\n"
    "sensor is asked. A sensor is at work, behind, stuck (it lives and does not get on) or silent\n"
    "(no sign of life for 3 minutes). An hour that is over waits for those that live, until\n"
    "another one has been complete through it for 10 minutes. Each takes\n"
    "-c FILE and --set KEY=VALUE. docs/redis.md says how an hour is closed.\n"
    "\n"
    "exit status: 0 done; 1 the store cannot be reached; 2 usage or configuration\n";

typedef void put_function(const struct fleet_view *view, struct buffer *out);

static const struct verb {
    const char *name;
    put_function *text, *json;
} verbs[] = {
    {"status", fleet_put_status, fleet_json_status},
    {"sensors", fleet_put_sensors, fleet_json_sensors},
    {"lag", fleet_put_lag, fleet_json_lag},
};

struct reading {
    struct access *access;
    put_function *put;
    struct buffer out;
    bool done;
};

static void on_overview(void *context, const struct store_overview *overview)
{
    struct reading *reading = context;
    struct fleet_view view = fleet_view_of(reading->access->calendar, overview);
    reading->put(&view, &reading->out);
    buffer_u8(&reading->out, 0);
    reading->done = true;
    access_look_again(reading->access);
}

static int show(struct access *access, const struct verb *verb, const struct options *options)
{
    struct reading reading = {.access = access, .put = options->json ? verb->json : verb->text};
    int status = EXIT_RUN;
    store_read_overview(access->store, on_overview, &reading);
    if (access_wait(access, &reading.done) == 0) {
        char *text = (char *)reading.out.data;
        command_make_lines_harmless(text);
        status = command_print(text);
    }
    buffer_fini(&reading.out);
    return status;
}

static int run(const struct verb *verb, const struct options *options)
{
    struct access access = {.config = &options->config, .state = {.lock_fd = -1}};
    int status = EXIT_RUN;
    if (options->input_count > 0)
        error_set(&access.error, ERROR_USAGE, "fleet %s: expected no argument", verb->name);
    else if (access_open(&access, &options->config, false) == 0)
        status = show(&access, verb, options);
    if (access.error.code != ERROR_NONE)
        status = command_fail(&access.error);
    access_close(&access);
    return status;
}

static const struct verb *verb_of(const char *name)
{
    for (size_t i = 0; name && i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

int command_fleet(int argc, char **argv)
{
    struct options options;
    struct error error = {0};
    const struct verb *verb = verb_of(argc > 1 ? argv[1] : NULL);
    int status;
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return command_print(usage);
    if (!verb) {
        log_error("fleet %.60s: unknown verb (weir fleet --help)", argc > 1 ? argv[1] : "");
        return EXIT_USAGE;
    }
    if (options_parse(&options, argc - 1, argv + 1, "csjh", &error) != 0)
        status = command_fail(&error);
    else if (options.help)
        status = command_print(usage);
    else
        status = run(verb, &options);
    options_fini(&options);
    return status;
}
