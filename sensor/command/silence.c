/* weir silence: who may be quiet, why, and until when. Thread: the main thread. */
#include "commands.h"
#include "look.h"
#include "moment.h"
#include "noise_access.h"
#include "options.h"
#include "words.h"

#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: weir silence add --reason TEXT (--for 7d | --until TIME) SCOPE...\n"
    "       weir silence list [--json]          what is silenced, and what that held back\n"
    "       weir silence show [--json] ID       one of them\n"
    "       weir silence remove ID              told again from now on\n"
    "\n"
    "SCOPE, all that is given must hold:\n"
    "  --rule ID             of the detector or rule; sensor.blind only by this\n"
    "  --host HOST           an address, a network, or a device (aa:bb:cc:dd:ee:ff)\n"
    "  --destination NAME    a registrable domain, or a network\n"
    "  --service NAME        all that left was that: dns, tls, ...\n"
    "  --incident INC        as weir incident list shows it\n"
    "  --severity-below N    scores below N, 1 to 100; not by itself\n"
    "\n"
    "Silenced alerts are journaled and counted, and told to sinks that ask for them. When a\n"
    "silence ends, a story that began under it is told once its evidence grows or another\n"
    "detector speaks. A silence lasts 90 days at most; TIME is the site's, or UTC\n"
    "with Z. Each takes -c FILE and --set KEY=VALUE; a running sensor is asked, without one the\n"
    "state directory is changed.\n"
    "\n"
    "exit status: 0 done; 1 it could not be done; 2 usage, or refused; 3 there is no such "
    "silence\n";

struct asked {
    const char *reason, *span, *until, *rule, *host, *destination, *service, *incident, *below;
};

static void put_given(struct json *json, const char *key, const char *text)
{
    if (text)
        json_str(json, key, text);
}

static int put_end(struct json *json, const struct asked *asked, struct error *error)
{
    struct ptime until;
    if (!asked->span == !asked->until)
        return error_set(error, ERROR_USAGE, "silence add: expected --for 7d, or --until TIME");
    if (asked->span) {
        int64_t span_ns;
        if (!moment_span(asked->span, &span_ns) || span_ns == 0)
            return error_set(error, ERROR_USAGE, "--for %.40s: expected a time as 30min, 8h, 7d",
                             asked->span);
        json_int(json, "for_s", span_ns / NS_PER_S);
        return 0;
    }
    if (!moment_time(asked->until, &until))
        return error_set(error, ERROR_USAGE, "--until %.40s: expected a time as 2026-03-02T18:00",
                         asked->until);
    json_time(json, "expires", until);
    return 0;
}

static int put_scope(struct json *json, const struct asked *asked, const char *incident,
                     struct error *error)
{
    json_open(json, "scope");
    put_given(json, "rule", asked->rule);
    put_given(json, "host", asked->host);
    put_given(json, "destination", asked->destination);
    put_given(json, "service", asked->service);
    put_given(json, "incident", incident);
    if (asked->below) {
        char *end;
        long below = strtol(asked->below, &end, 10);
        if (*end || end == asked->below)
            return error_set(error, ERROR_USAGE, "--severity-below %.40s: expected a number",
                             asked->below);
        json_int(json, "severity_below", below);
    }
    json_close(json);
    return 0;
}

static int add(const struct options *options, const struct asked *asked, struct error *error)
{
    char *incident = NULL, *reply = NULL, *body = NULL;
    struct json *json = json_new();
    int failed = 0;
    json_open(json, NULL);
    put_given(json, "reason", asked->reason);
    if (asked->incident)
        incident = incident_whole_id(&options->config, asked->incident, error);
    failed = (asked->incident && !incident) || put_end(json, asked, error) != 0 ||
             put_scope(json, asked, incident, error) != 0;
    if (!failed) {
        json_close(json);
        body = json_take_text(json, 0);
        failed = noise_access_order(&options->config, NOISE_ADD, NULL, body, &reply, error);
    }
    if (!failed)
        printf("%s\n", reply);
    json_free(json);
    free(body);
    free(reply);
    free(incident);
    return failed ? -1 : 0;
}

static int take_away(const struct options *options, const struct asked *asked, struct error *error)
{
    char *reply = NULL;
    (void)asked;
    if (strncmp(options->input[0], "chg-", 4) == 0)
        return error_set(error, ERROR_USAGE, "%.40s: a change window (weir change close)",
                         options->input[0]);
    if (noise_access_order(&options->config, NOISE_REMOVE, options->input[0], "", &reply, error) !=
        0)
        return -1;
    printf("removed: %s\n", reply);
    free(reply);
    return 0;
}

/* --- what there is ---------------------------------------------------------------------------- */

static void show_json(const struct noise_silence *silence)
{
    struct json *json = json_new();
    noise_put_silence(json, NULL, silence);
    char *text = json_take_text(json, 0);
    puts(text);
    free(text);
    json_free(json);
}

static void show(struct calendar *calendar, const struct noise_silence *silence)
{
    char id[NOISE_ID], scope[512], until[32], last[40] = "";
    bool over = silence->expires.ns <= ptime_now().ns;
    calendar_text(calendar, silence->expires, CALENDAR_MINUTE, until, sizeof until);
    if (silence->last.ns > 0)
        calendar_text(calendar, silence->last, CALENDAR_MINUTE, last, sizeof last);
    char *text = xasprintf("%-7s %s", noise_silence_id(silence, id),
                           noise_scope_text(&silence->scope, scope, sizeof scope));
    command_make_harmless(text);
    puts(text);
    free(text);
    text = xasprintf("        %s %s, by %s: %s", over ? "over since" : "until", until,
                     silence->author, silence->reason);
    command_make_harmless(text);
    puts(text);
    free(text);
    printf("        held back %" PRIu64 " alerts, %" PRIu64 " bytes%s%s\n", silence->alerts,
           silence->out_bytes, *last ? ", last " : "", last);
}

static int list(const struct options *options, const struct asked *asked, struct error *error)
{
    const char *only = options->input_count > 0 ? options->input[0] : NULL;
    struct noise *noise = noise_access_book(&options->config, error);
    struct calendar *calendar = noise ? config_calendar(&options->config, error) : NULL;
    size_t shown = 0;
    char id[NOISE_ID];
    (void)asked;
    for (size_t i = 0; calendar && i < noise->silence_count; i++) {
        const struct noise_silence *silence = &noise->silence[i];
        if (*silence->ticket || (only && strcmp(noise_silence_id(silence, id), only) != 0))
            continue; /* of change windows weir change tells */
        shown++;
        if (options->json)
            show_json(silence);
        else
            show(calendar, silence);
    }
    if (calendar && only && shown == 0)
        error_set(error, ERROR_INPUT, "%.40s: there is no such silence", only);
    else if (calendar && shown == 0 && !options->json)
        puts("nothing is silenced");
    calendar_free(calendar);
    noise_free(noise);
    return error->code == ERROR_NONE ? 0 : -1;
}

/* --- verbs ------------------------------------------------------------------------------------ */

static const struct verb {
    const char *name, *options;
    size_t arguments;
    int (*run)(const struct options *options, const struct asked *asked, struct error *error);
} verbs[] = {
    {"add", "csh", 0, add},
    {"list", "csjh", 0, list},
    {"show", "csjh", 1, list},
    {"remove", "csh", 1, take_away},
};

static int check_arguments(const struct verb *verb, const struct options *options,
                           struct error *error)
{
    if (options->input_count == verb->arguments)
        return 0;
    return error_set(error, ERROR_USAGE, "silence %s: expected %s", verb->name,
                     verb->arguments ? "one silence, such as sil-3" : "no argument");
}

static int begin(const struct verb *verb, const struct options *options, struct error *error)
{
    if (verb->run == list)
        return look_begin(&options->config, "silence list",
                          options->input_count ? options->input[0] : NULL, error);
    return look_hide(&options->config, error);
}

static int run(const struct verb *verb, int argc, char **argv, struct error *error)
{
    struct asked a = {.reason = NULL};
    const struct word words[] = {{"--reason", &a.reason, NULL},
                                 {"--for", &a.span, NULL},
                                 {"--until", &a.until, NULL},
                                 {"--rule", &a.rule, NULL},
                                 {"--host", &a.host, NULL},
                                 {"--destination", &a.destination, NULL},
                                 {"--service", &a.service, NULL},
                                 {"--incident", &a.incident, NULL},
                                 {"--severity-below", &a.below, NULL},
                                 {NULL, NULL, NULL}};
    struct options options = {.json = false};
    bool adds = verb->run == add;
    int failed = (adds && words_take(words, &argc, argv, error) != 0) ||
                 options_parse(&options, argc, argv, verb->options, error) != 0 ||
                 (!options.help && (check_arguments(verb, &options, error) != 0 ||
                                    begin(verb, &options, error) != 0));
    if (!failed && !options.help)
        failed = verb->run(&options, &a, error);
    int status = failed ? command_fail(error) : command_print(options.help ? usage : "");
    options_fini(&options);
    return status;
}

int command_silence(int argc, char **argv)
{
    struct error error = {0};
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return command_print(usage);
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, argv[1]) == 0)
            return run(&verbs[i], argc - 1, argv + 1, &error);
    log_error("silence %.60s: unknown verb (weir silence --help)", argc > 1 ? argv[1] : "");
    return EXIT_USAGE;
}
