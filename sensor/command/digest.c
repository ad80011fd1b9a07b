/* weir digest: what the next shift is told. Thread: the main thread. */
#include "api_client.h"
#include "commands.h"
#include "look.h"
#include "moment.h"
#include "noise_access.h"
#include "options.h"
#include "output.h"
#include "words.h"
#include "zones_live.h"
#include "zones_text.h"

#include "weir/base/buffer.h"
#include "weir/investigate/handover.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_MS 5000

static const char usage[] =
    "usage: weir digest [--since 8h] [--until TIME] [--lang en|ja] [--json | -o FILE.html]\n"
    "                   [-c FILE] [--set KEY=VALUE]\n"
    "\n"
    "The hand-over: open, acknowledged and closed incidents, silences and what they held back,\n"
    "when the sensor did not see, what passes between zones that no conduit lists, the budget\n"
    "spent, who changed what. Times are the site's.\n"
    "  --since 8h|TIME   from when on\n"
    "  --until 8h|TIME   to when; now, and at the latest that\n"
    "  -o FILE.html      as one page that prints, without scripts; else as text\n"
    "\n"
    "exit status: 0 shown; 1 there is no journal; 2 usage or configuration; 3 some of the\n"
    "journal is damaged and left out\n";

struct asked {
    const char *since, *until, *language;
};

static int read_times(const struct asked *asked, struct handover_config *config,
                      struct error *error)
{
    const char *since = asked->since ? asked->since : "8h";
    const struct ptime now = ptime_now();
    config->to = now;
    if (asked->until && moment_read(asked->until, now, "--until", &config->to, error) != 0)
        return -1;
    if (config->to.ns > now.ns) /* nobody knows yet: no heartbeat is missing there */
        config->to = now;
    if (moment_read(since, config->to, "--since", &config->from, error) != 0)
        return -1;
    if (config->from.ns >= config->to.ns)
        return error_set(error, ERROR_USAGE, "--since %.40s: is not before the end", since);
    return 0;
}

/* What a running sensor does not see now. `root`: what the texts are borrowed from. */
static void ask_status(const struct config *config, struct handover_config *handover,
                       struct json_value **root)
{
    struct error ignored = {0};
    char *path = api_socket_path(config->state_dir), *body = NULL;
    int status = 0;
    if (api_call(path, "GET", "/v1/status", STATUS_MS, &status, &body, &ignored) == 0 &&
        status == 200)
        *root = json_parse(body, strlen(body), &ignored);
    const struct json_value *blind = json_get(*root, "blind");
    handover->running = json_text(json_get(*root, "sensor")) != NULL;
    for (size_t i = 0; i < json_length(blind) && i < HANDOVER_BLIND; i++) {
        const char *text = json_text(json_at(blind, i));
        if (text)
            handover->blind[handover->blind_count++] = text;
    }
    free(body);
    free(path);
}

/* What a running sensor saw between zones that the matrix lacks; without one all is. `named`: whose
 * texts are borrowed. */
static void ask_zones(const struct config *config, struct handover_config *handover,
                      struct zones_drift *named)
{
    static_assert(ZONES_DRIFT_NAMED == HANDOVER_DRIFT, "as many are named");
    struct error ignored = {0};
    struct zones_seen seen;
    if (!handover->running || !config->zones || config->zones->conduit_count == 0 ||
        zones_live(config, &seen, &ignored) != 0)
        return;
    zones_drift_of(config->zones, seen.row, seen.count, named);
    handover->drift = (struct handover_drift){true, named->rows, named->silent, {NULL}};
    for (size_t i = 0; i < HANDOVER_DRIFT; i++)
        handover->drift.row[i] = named->row[i];
    free(seen.row);
}

static void on_line(void *context, const char *line, size_t size)
{
    handover_line(context, line, size);
}

static int put_page(const struct handover *handover, enum handover_language language,
                    const char *path, struct error *error)
{
    char *page = handover_page(handover, language);
    int failed = output_write(path, page, error);
    free(page);
    return failed ? EXIT_RUN : EXIT_DONE;
}

static int print(const struct handover *handover, enum handover_language language, bool as_json)
{
    char *text = as_json ? handover_json(handover) : handover_text(handover, language);
    if (!as_json)
        command_make_lines_harmless(text);
    int status = command_print(text);
    if (as_json && status == EXIT_DONE)
        status = command_print("\n");
    free(text);
    return status;
}

static int show(const struct options *options, const struct handover_config *config,
                enum handover_language language, struct error *error)
{
    struct handover *handover = handover_new(config);
    uint64_t damaged = 0;
    int status = EXIT_RUN;
    if (noise_access_each(&options->config, (struct ptime){config->from.ns - HANDOVER_BACK_NS},
                          on_line, handover, &damaged, error) == 0) {
        handover->unread += damaged;
        handover_end(handover);
        status = options->folder ? put_page(handover, language, options->folder, error)
                                 : print(handover, language, options->json);
        if (damaged > 0 && status == EXIT_DONE)
            status = EXIT_INPUT;
    }
    handover_free(handover);
    return status;
}

static int read_language(const char *text, enum handover_language *language, struct error *error)
{
    *language = text && strcmp(text, "ja") == 0 ? HANDOVER_JAPANESE : HANDOVER_ENGLISH;
    if (text && *language == HANDOVER_ENGLISH && strcmp(text, "en") != 0)
        return error_set(error, ERROR_USAGE, "--lang %.20s: expected en or ja", text);
    return 0;
}

static int run(const struct options *options, const struct asked *asked, struct error *error)
{
    struct handover_config config = {.sensor = options->config.sensor_name,
                                     .detect = &options->config.detect};
    struct json_value *root = NULL;
    struct zones_drift drift = {.rows = 0};
    enum handover_language language;
    int status = EXIT_RUN;
    if (options->json && options->folder)
        error_set(error, ERROR_USAGE, "digest: expected --json or -o FILE.html, not both");
    config.calendar = config_calendar(&options->config, error);
    struct noise *book = NULL;
    if (error->code == ERROR_NONE && config.calendar &&
        read_language(asked->language, &language, error) == 0 &&
        read_times(asked, &config, error) == 0 &&
        look_begin(&options->config, "digest", NULL, error) == 0 &&
        (book = noise_access_book(&options->config, error)) != NULL) {
        config.book = book;
        ask_status(&options->config, &config, &root);
        ask_zones(&options->config, &config, &drift);
        status = show(options, &config, language, error);
    }
    if (error->code != ERROR_NONE)
        status = command_fail(error);
    json_value_free(root);
    for (size_t i = 0; i < ZONES_DRIFT_NAMED; i++)
        free(drift.row[i]);
    noise_free(book);
    calendar_free(config.calendar);
    return status;
}

int command_digest(int argc, char **argv)
{
    struct asked asked = {.since = NULL};
    const struct word words[] = {{"--since", &asked.since, NULL},
                                 {"--until", &asked.until, NULL},
                                 {"--lang", &asked.language, NULL},
                                 {NULL, NULL, NULL}};
    struct options options = {.json = false};
    struct error error = {0};
    int status;
    if (words_take(words, &argc, argv, &error) != 0 ||
        options_parse(&options, argc, argv, "csjoh", &error) != 0 ||
        (!options.help && options_no_inputs(&options, argv[0], &error) != 0))
        status = command_fail(&error);
    else if (options.help)
        status = command_print(usage);
    else
        status = run(&options, &asked, &error);
    options_fini(&options);
    return status;
}
