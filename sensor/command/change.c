/* weir change: windows in which people work on a zone. Alerts are told as ever and carry the
 * ticket, nothing is learned of the zone's hosts, and afterwards it can be read what happened. They
 * are kept in the book of silences (alert/noise.h) and go the same ways. Thread: the main thread.
 */
#include "commands.h"
#include "look.h"
#include "moment.h"
#include "noise_access.h"
#include "options.h"
#include "words.h"

#include "weir/base/buffer.h"
#include "weir/base/figures.h"
#include "weir/base/log.h"
#include "weir/base/map.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 200 /* alerts of a report; further ones are counted */

static const char usage[] =
    "usage: weir change open --zone ZONE --ticket TICKET (--until TIME | --for 4h) [--reason "
    "TEXT]\n"
    "       weir change list [--json]      windows that are open, or were within a week\n"
    "       weir change close ID           it is over from now on\n"
    "       weir change report ID          what was told while it was open\n"
    "\n"
    "While a window is open, alerts of its zone are told as ever and carry the ticket, and "
    "nothing\n"
    "is learned of its hosts. It ends by itself, after 90 days at most; TIME is the site's, or "
    "UTC\n"
    "with Z. Each takes -c FILE and --set KEY=VALUE; a running sensor is asked, without one the\n"
    "state directory is changed.\n"
    "\n"
    "exit status: 0 done; 1 it could not be done; 2 usage, or refused; 3 there is no such window\n";

struct asked {
    const char *zone, *ticket, *until, *span, *reason;
};

/* --- opening, closing ------------------------------------------------------------------------- */

static int check_zone(const struct config *config, const struct asked *asked, struct error *error)
{
    if (!asked->zone || !asked->ticket)
        return error_set(error, ERROR_USAGE,
                         "change open: expected --zone ZONE and --ticket TICKET");
    int end = config->zones ? zones_find(config->zones, asked->zone) : -1;
    if (end < 0 || end >= (int)ZONES_MAX)
        return error_set(error, ERROR_USAGE,
                         "--zone %.40s: there is no such zone in networks.zones", asked->zone);
    return 0;
}

static int put_end(struct json *json, const struct asked *asked, struct error *error)
{
    struct ptime until;
    int64_t span_ns;
    if (!asked->span == !asked->until)
        return error_set(error, ERROR_USAGE, "change open: expected --until TIME, or --for 4h");
    if (asked->span) {
        if (!moment_span(asked->span, &span_ns) || span_ns == 0)
            return error_set(error, ERROR_USAGE, "--for %.40s: expected a time as 30min, 4h",
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

static char *body_of(const struct asked *asked, struct error *error)
{
    struct json *json = json_new();
    char *text = NULL;
    json_open(json, NULL);
    json_str(json, "reason", asked->reason ? asked->reason : asked->ticket);
    json_str(json, "ticket", asked->ticket);
    json_open(json, "scope");
    json_str(json, "zone", asked->zone);
    json_close(json);
    if (put_end(json, asked, error) == 0) {
        json_close(json);
        text = json_take_text(json, 0);
    }
    json_free(json);
    return text;
}

static int open_window(const struct options *options, const struct asked *asked,
                       struct error *error)
{
    char *reply = NULL;
    if (check_zone(&options->config, asked, error) != 0)
        return -1;
    char *body = body_of(asked, error);
    int failed =
        !body || noise_access_order(&options->config, NOISE_ADD, NULL, body, &reply, error) != 0;
    if (!failed)
        printf("%s\n", reply);
    free(body);
    free(reply);
    return failed ? -1 : 0;
}

static bool is_window(const char *id)
{
    return strncmp(id, "chg-", 4) == 0;
}

static int close_window(const struct options *options, const struct asked *asked,
                        struct error *error)
{
    char *reply = NULL;
    (void)asked;
    if (!is_window(options->input[0]))
        return error_set(error, ERROR_USAGE, "%.40s: expected a window such as chg-3",
                         options->input[0]);
    if (noise_access_order(&options->config, NOISE_REMOVE, options->input[0], "", &reply, error) !=
        0)
        return -1;
    printf("closed: %s\n", reply);
    free(reply);
    return 0;
}

/* --- what there is ---------------------------------------------------------------------------- */

static void put_window(struct buffer *b, struct calendar *calendar,
                       const struct noise_silence *window)
{
    char id[NOISE_ID], from[40], until[40], bytes[FIGURE_SIZE];
    bool over = window->expires.ns <= ptime_now().ns;
    calendar_text(calendar, window->created, CALENDAR_MINUTE, from, sizeof from);
    calendar_text(calendar, window->expires, CALENDAR_MINUTE, until, sizeof until);
    buffer_text(b, "%-7s zone %s, ticket %s\n", noise_silence_id(window, id), window->scope.zone,
                window->ticket);
    buffer_text(b, "        %s, %s to %s, by %s: %s\n", over ? "over" : "open", from, until,
                window->author, window->reason);
    buffer_text(b, "        %" PRIu64 " alert%s told in it, %s left\n", window->alerts,
                window->alerts == 1 ? "" : "s", figure_bytes(window->out_bytes, bytes));
}

static void print(struct buffer *b)
{
    buffer_u8(b, 0);
    char *text = look_hidden((char *)b->data);
    command_make_lines_harmless(text);
    fputs(text, stdout);
    free(text);
    *b = (struct buffer){.data = NULL};
}

static void put_json(struct buffer *b, const struct noise_silence *window)
{
    struct json *json = json_new();
    noise_put_silence(json, NULL, window);
    char *text = json_take_text(json, 0);
    buffer_text(b, "%s\n", text);
    free(text);
    json_free(json);
}

static int list(const struct options *options, const struct asked *asked, struct error *error)
{
    struct noise *noise = noise_access_book(&options->config, error);
    struct calendar *calendar = noise ? config_calendar(&options->config, error) : NULL;
    struct buffer b = {0};
    (void)asked;
    for (size_t i = 0; calendar && i < noise->silence_count; i++) {
        if (!*noise->silence[i].ticket)
            continue;
        if (options->json)
            put_json(&b, &noise->silence[i]);
        else
            put_window(&b, calendar, &noise->silence[i]);
    }
    if (calendar && b.size == 0 && !options->json)
        buffer_text(&b, "no change window\n");
    print(&b);
    calendar_free(calendar);
    noise_free(noise);
    return error->code == ERROR_NONE ? 0 : -1;
}

/* --- the report ------------------------------------------------------------------------------- */

struct report {
    const char *id;
    struct buffer lines;
    uint64_t alerts, incidents;
    struct map rules; /* id → its count */
};

static const char *text_at(const struct json_value *record, const char *path)
{
    const char *text = json_text(json_find(record, path));
    return text ? text : "?";
}

static void count_rule(struct report *report, const char *rule)
{
    uint64_t *count = map_get(&report->rules, rule, strlen(rule));
    if (!count)
        map_put(&report->rules, rule, strlen(rule), count = xcalloc(1, sizeof *count));
    ++*count;
}

static void take_alert(struct report *report, const struct json_value *record)
{
    char short_id[16];
    const char *id = text_at(record, "weir.change.id");
    if (strcmp(id, report->id) != 0)
        return;
    count_rule(report, text_at(record, "rule.id"));
    report->incidents += strcmp(text_at(record, "weir.state"), "open") == 0;
    if (report->alerts++ >= SHOWN)
        return;
    buffer_text(&report->lines, "  %s  %s  %s -> %s  %s\n    %s\n", text_at(record, "@timestamp"),
                text_at(record, "rule.id"), text_at(record, "source.ip"),
                text_at(record, "destination.ip"),
                incident_short(text_at(record, "weir.incident"), short_id),
                text_at(record, "weir.reasons.0.text"));
}

static void on_line(void *context, const char *line, size_t size)
{
    if (!memmem(line, size, "\"change\":{", 10))
        return;
    struct json_value *record = json_parse(line, size, NULL);
    if (record)
        take_alert(context, record);
    json_value_free(record);
}

static void put_counts(struct buffer *b, const struct report *report)
{
    const struct map_entry **rule = map_sorted(&report->rules);
    buffer_text(b, "        %" PRIu64 " incident%s opened", report->incidents,
                report->incidents == 1 ? "" : "s");
    for (size_t i = 0; i < report->rules.count; i++)
        buffer_text(b, "%s %.*s %" PRIu64, i ? "," : ";", (int)rule[i]->key_size,
                    (const char *)rule[i]->key, *(const uint64_t *)rule[i]->value);
    buffer_text(b, "\n");
    free(rule);
    buffer_put(b, report->lines.data, report->lines.size);
    if (report->alerts > SHOWN)
        buffer_text(b, "  and %" PRIu64 " more\n", report->alerts - SHOWN);
}

static int put_report(const struct config *config, struct calendar *calendar,
                      const struct noise_silence *window, struct error *error)
{
    char id[NOISE_ID];
    struct report report = {.id = noise_silence_id(window, id)};
    struct buffer b = {0};
    uint64_t damaged = 0;
    map_init(&report.rules);
    int failed = noise_access_each(config, window->created, on_line, &report, &damaged, error);
    if (!failed) {
        put_window(&b, calendar, window);
        put_counts(&b, &report);
        if (damaged > 0)
            buffer_text(&b, "  %" PRIu64 " damaged places of the journal were stepped over\n",
                        damaged);
        print(&b);
    }
    buffer_fini(&report.lines);
    map_fini(&report.rules, free);
    return failed;
}

static int tell_report(const struct options *options, const struct asked *asked,
                       struct error *error)
{
    struct noise *noise = noise_access_book(&options->config, error);
    struct calendar *calendar = noise ? config_calendar(&options->config, error) : NULL;
    const struct noise_silence *window =
        calendar && is_window(options->input[0]) ? noise_get(noise, options->input[0]) : NULL;
    int failed = -1;
    (void)asked;
    if (window && *window->ticket)
        failed = put_report(&options->config, calendar, window, error);
    else if (calendar)
        error_set(error, ERROR_INPUT, "%.40s: there is no such window", options->input[0]);
    calendar_free(calendar);
    noise_free(noise);
    return failed;
}

/* --- verbs ------------------------------------------------------------------------------------ */

static const struct verb {
    const char *name, *options;
    size_t arguments;
    int (*run)(const struct options *options, const struct asked *asked, struct error *error);
    const char *look; /* written down; NULL: it is none */
} verbs[] = {
    {"open", "csh", 0, open_window, NULL},
    {"list", "csjh", 0, list, "change list"},
    {"close", "csh", 1, close_window, NULL},
    {"report", "csh", 1, tell_report, "change report"},
};

static int begin(const struct verb *verb, const struct options *options, struct error *error)
{
    if (options->input_count != verb->arguments)
        return error_set(error, ERROR_USAGE, "change %s: expected %s", verb->name,
                         verb->arguments ? "one window, such as chg-3" : "no argument");
    if (!verb->look)
        return look_hide(&options->config, error);
    return look_begin(&options->config, verb->look, options->input_count ? options->input[0] : NULL,
                      error);
}

static int run(const struct verb *verb, int argc, char **argv, struct error *error)
{
    struct asked a = {.zone = NULL};
    const struct word words[] = {{"--zone", &a.zone, NULL},     {"--ticket", &a.ticket, NULL},
                                 {"--until", &a.until, NULL},   {"--for", &a.span, NULL},
                                 {"--reason", &a.reason, NULL}, {NULL, NULL, NULL}};
    struct options options = {.json = false};
    int failed = (verb->run == open_window && words_take(words, &argc, argv, error) != 0) ||
                 options_parse(&options, argc, argv, verb->options, error) != 0;
    if (!failed && !options.help)
        failed = begin(verb, &options, error) != 0 || verb->run(&options, &a, error) != 0;
    int status = failed ? command_fail(error) : command_print(options.help ? usage : "");
    options_fini(&options);
    return status;
}

int command_change(int argc, char **argv)
{
    struct error error = {0};
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return command_print(usage);
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, argv[1]) == 0)
            return run(&verbs[i], argc - 1, argv + 1, &error);
    log_error("change %.60s: unknown verb (weir change --help)", argc > 1 ? argv[1] : "");
    return EXIT_USAGE;
}
