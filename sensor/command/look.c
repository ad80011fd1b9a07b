/* See look.h.
 *
 * The access log is written by whoever may write it: root and the sensor's user themselves; another
 * who may read the state directory asks the running sensor to, which knows from the kernel who
 * asks.
 *
 * Standard output is put behind a stream that replaces what it is given, so that no verb can forget
 * to. It passes on what is whole: an address is never split, since what may be part of one (at most
 * HELD bytes) waits for what follows, or for the end of the process. As standard output, the state
 * is the process's. */
#include "look.h"

#include "api_client.h"
#include "commands.h"
#include "noise_access.h"
#include "words.h"

#include "weir/alert/line.h"
#include "weir/base/buffer.h"
#include "weir/base/json.h"
#include "weir/base/log.h"
#include "weir/role/access_log.h"
#include "weir/role/pseudonyms.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAIT_MS  5000
#define WHAT_MAX 500 /* bytes: what the API takes of a text */
#define HELD_MAX 64  /* bytes; no address, MAC or Community ID is longer */

/* --- the access log --------------------------------------------------------------------------- */

/* One line, without what a terminal obeys. Caller frees; NULL of NULL. */
static char *plain(const char *text)
{
    char *copy = text ? line_cut(text, WHAT_MAX) : NULL;
    if (copy)
        command_make_harmless(copy);
    return copy;
}

static int ask_sensor(const struct config *config, const struct access_look *look,
                      struct error *error)
{
    char *path = api_socket_path(config->state_dir), *body = NULL, why[256];
    struct json *json = json_new();
    int status = 0;
    json_open(json, NULL);
    json_str(json, "verb", look->verb);
    if (look->what)
        json_str(json, "what", look->what);
    json_str(json, "author", look->by);
    if (look->reason)
        json_str(json, "reason", look->reason);
    json_close(json);
    char *sent = json_take_text(json, 0);
    json_free(json);
    int failed = api_send(path, "POST", "/v1/access", sent, WAIT_MS, &status, &body, error);
    if (!failed && status != 200) {
        api_error_text(body, why, sizeof why);
        failed = error_set(error, ERROR_RUN, "%s: %s", path, why);
    }
    free(sent);
    free(body);
    free(path);
    return failed;
}

static int write_down(const struct config *config, const struct access_look *look,
                      struct error *error)
{
    struct error asked = {0};
    uint64_t number;
    if (access_log_put(config_state_dir(config), config->access_days, WAIT_MS, look, &number,
                       error) == 0)
        return 0;
    if (ask_sensor(config, look, &asked) != 0)
        return -1;
    *error = (struct error){.code = ERROR_NONE};
    return 0;
}

int look_note(const struct config *config, const char *verb, const char *what, const char *reason,
              struct error *error)
{
    struct error why = {0};
    struct stat st;
    bool required = config->access_log == ACCESS_LOG_REQUIRED;
    if (config->access_log == ACCESS_LOG_OFF)
        return 0;
    if (!required && stat(config_state_dir(config), &st) != 0 && errno == ENOENT)
        return 0; /* no sensor has kept anything here */
    const struct passwd *user = getpwuid(getuid());
    char *asked = plain(what), *said = plain(reason);
    const char *account = user ? user->pw_name : NULL, *by = noise_access_author();
    char *account_copy = account ? xstrdup(account) : NULL;
    const struct access_look look = {
        .at = ptime_now(),
        .by = by,
        .account = account_copy && strcmp(account_copy, by) != 0 ? account_copy : NULL,
        .uid = getuid(),
        .via = "command",
        .verb = verb,
        .what = asked,
        .reason = said};
    int failed = write_down(config, &look, &why);
    free(account_copy);
    free(asked);
    free(said);
    if (!failed)
        return 0;
    if (required)
        return error_set(error, ERROR_RUN, "%s (privacy.access_log: required)", why.message);
    log_warn("this look is not in the access log: %s", why.message);
    return 0;
}

/* --- standard output -------------------------------------------------------------------------- */

static struct screen {
    struct pseudonyms *pseudonyms;
    FILE *stream, *behind; /* what took the place of standard output, and itself */
    struct buffer held;
} screen;

static bool may_go_on(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ':' ||
           c == '.' || c == '-' || c == '+' || c == '/' || c == '=';
}

/* How much of it may be passed on: all but a last word that may go on. */
static size_t whole_of(const struct buffer *held)
{
    size_t end = held->size;
    while (end > 0 && held->size - end < HELD_MAX && may_go_on((char)held->data[end - 1]))
        end--;
    return held->size - end < HELD_MAX ? end : held->size;
}

static int pass(size_t size)
{
    struct buffer *held = &screen.held;
    if (size == 0)
        return 0;
    char *text = pseudonyms_text(screen.pseudonyms, (const char *)held->data, size);
    int failed = fputs(text, screen.behind) < 0 || fflush(screen.behind) != 0;
    int cause = errno;
    free(text);
    memmove(held->data, held->data + size, held->size - size);
    held->size -= size;
    errno = cause;
    return failed ? -1 : 0;
}

static ssize_t on_write(void *cookie, const char *data, size_t size)
{
    (void)cookie;
    buffer_put(&screen.held, data, size);
    return pass(whole_of(&screen.held)) == 0 ? (ssize_t)size : 0;
}

static void on_exit_of_process(void)
{
    fflush(screen.stream);
    pass(screen.held.size);
    buffer_fini(&screen.held);
    pseudonyms_free(screen.pseudonyms);
}

static int hide_output(struct error *error)
{
    const cookie_io_functions_t functions = {.write = on_write};
    screen.stream = fopencookie(NULL, "w", functions);
    if (!screen.stream || atexit(on_exit_of_process) != 0)
        return error_set(error, ERROR_RUN, "standard output: %s", strerror(errno));
    screen.behind = stdout;
    stdout = screen.stream;
    return 0;
}

int look_hide(const struct config *config, struct error *error)
{
    if (!config->pseudonyms || screen.pseudonyms)
        return 0;
    screen.pseudonyms = role_pseudonyms(config, error);
    return screen.pseudonyms ? hide_output(error) : -1;
}

const struct pseudonyms *look_pseudonyms(void)
{
    return screen.pseudonyms;
}

char *look_hidden(char *text)
{
    if (!screen.pseudonyms || !text)
        return text;
    char *hidden = pseudonyms_text(screen.pseudonyms, text, strlen(text));
    free(text);
    return hidden;
}

/* --- both ------------------------------------------------------------------------------------- */

int look_begin(const struct config *config, const char *verb, const char *what, struct error *error)
{
    return look_note(config, verb, what, NULL, error) == 0 ? look_hide(config, error) : -1;
}

int look_begin_case(const struct config *config, const char *verb, const char *folder,
                    struct error *error)
{
    bool named = *config->state_dir || config->access_log == ACCESS_LOG_REQUIRED;
    if (named && look_note(config, verb, folder, NULL, error) != 0)
        return -1;
    return look_hide(config, error);
}
