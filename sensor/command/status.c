/* weir status: asks the sensor that runs with this configuration what it sees, and shows it. */
#include "api_client.h"
#include "commands.h"
#include "look.h"
#include "options.h"
#include "status_text.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TIMEOUT_MS 5000

static const char usage[] =
    "usage: weir status [-c FILE] [--set KEY=VALUE] [--json]\n"
    "\n"
    "Shows what the sensor that runs with this configuration sees, and what it does not.\n"
    "It is asked over STATE_DIR/control.sock (sensor.state_dir, default /var/lib/weir).\n"
    "  --json   the reply as it is (docs/api.md)\n"
    "\n"
    "exit status: 0 shown; 1 no sensor answers; 2 usage or configuration\n";

static int screen_width(void)
{
    struct winsize size;
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

static int show(const char *path, const char *body, bool as_json, struct error *error)
{
    struct error why = {0};
    struct json_value *root = json_parse(body, strlen(body), &why);
    char *text = NULL;
    if (json_text(json_get(root, "sensor")))
        text = as_json ? xasprintf("%s\n", body) : status_text(root, screen_width());
    else
        error_set(error, ERROR_RUN, "%s: the reply is no status of a sensor", path);
    if (text && as_json)
        command_make_lines_harmless(text);
    int status = text ? command_print(text) : command_fail(error);
    free(text);
    json_value_free(root);
    return status;
}

static int ask(const struct options *options, struct error *error)
{
    char *path = api_socket_path(options->config.state_dir), *body = NULL;
    char why[256];
    int status, result;
    if (look_begin(&options->config, "status", NULL, error) != 0 ||
        api_call(path, "GET", "/v1/status", TIMEOUT_MS, &status, &body, error) != 0) {
        result = command_fail(error);
    } else if (status != 200) {
        api_error_text(body, why, sizeof why);
        error_set(error, ERROR_RUN, "%s: HTTP status %d: %s", path, status, why);
        result = command_fail(error);
    } else {
        result = show(path, body, options->json, error);
    }
    free(body);
    free(path);
    return result;
}

int command_status(int argc, char **argv)
{
    struct options options;
    struct error error = {0};
    int status;
    if (options_parse(&options, argc, argv, "csjh", &error) != 0 ||
        (!options.help && options_no_inputs(&options, argv[0], &error) != 0))
        status = command_fail(&error);
    else if (options.help)
        status = command_print(usage);
    else
        status = ask(&options, &error);
    options_fini(&options);
    return status;
}
