/* weir incident: what the journal tells of, and what people made of it. The list is put together
 * from the journal, so that it is there with no sensor running. Thread: the main thread. */
#include "incident.h"

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
    "usage: weir incident list [--open | --closed] [--since 7d] [--json]\n"
    "       weir incident show INC                        what was told of it, what people said\n"
    "       weir incident ack INC [--note TEXT]           somebody looks at it\n"
    "       weir incident close INC --verdict benign|malicious|unknown [--ticket T] [--note TEXT]\n"
    "       weir incident reopen INC [--note TEXT]        as if nothing had been said\n"
    "\n"
    "INC is inc-0123ab, or its whole id. Of an acknowledged one further alerts that wake nobody\n"
    "are marked quiet. benign prints an exception for the operator's rules, and what it would\n"
    "have held back; nothing is excepted before somebody adds it. Each takes -c FILE and\n"
    "--set KEY=VALUE.\n"
    "\n"
    "exit status: 0 done; 1 it could not be done; 2 usage, or refused; 3 there is no such\n"
    "incident, or (list) some of the journal is damaged and left out\n";

struct asked {
    bool open, closed;
    const char *since, *note, *verdict, *ticket;
};

/* --- reading the journal ---------------------------------------------------------------------- */

struct reading {
    struct retold told;
    uint64_t damaged;   /* places of the journal */
    char from[32];      /* "": from the first */
    struct ptime since; /* the same */
    const char *name;   /* the incident looked for, as it was given; NULL: all of them */
    const char *only;   /* an incident to be printed as it comes; NULL: none */
    struct calendar *calendar;
};

static void print_alert(const struct reading *reading, const struct retold_record *r)
{
    char at[32];
    calendar_text(reading->calendar, r->time, CALENDAR_MINUTE, at, sizeof at);
    char *text =
        xasprintf("  %s  %-6s %3d  %s  %" PRIu64 " bytes%s%s%s  %s", at, r->state, (int)r->score,
                  r->rule, r->out_bytes, *r->silence ? "  silenced by " : "", r->silence,
                  r->quiet ? "  quiet" : "", r->text);
    command_make_harmless(text);
    puts(text);
    free(text);
}

static void on_line(void *context, const char *line, size_t size)
{
    struct reading *reading = context;
    struct retold_record record;
    if (*reading->from && !retold_is_since(line, size, reading->from))
        return;
    if (retold_record_read(&record, line, size) && record.kind == RETOLD_ALERT &&
        (!reading->name || retold_is_named(record.incident, reading->name))) {
        retold_add(&reading->told, &record);
        if (reading->only && strcmp(record.incident, reading->only) == 0)
            print_alert(reading, &record);
    }
    retold_record_fini(&record);
}

static int read_journal(const struct config *config, struct reading *reading, struct error *error)
{
    retold_init(&reading->told);
    if (noise_access_each(config, *reading->from ? reading->since : PTIME_MIN, on_line, reading,
                          &reading->damaged, error) != 0)
        return -1;
    if (reading->damaged > 0)
        log_warn("%" PRIu64 " places of the journal are damaged and left out", reading->damaged);
    if (reading->told.beyond > 0)
        log_warn("more than %u incidents: %" PRIu64 " alerts of older ones are left out",
                 RETOLD_MAX, reading->told.beyond);
    return 0;
}

static const struct retold_incident *find(const struct reading *reading, struct error *error)
{
    const char *name = reading->name;
    bool several;
    const struct retold_incident *incident = retold_find(&reading->told, name, &several);
    if (!incident)
        error_set(error, several ? ERROR_USAGE : ERROR_INPUT, "%.60s: %s", name,
                  several ? "several incidents begin so: say more of it"
                          : "the journal tells of no such incident");
    return incident;
}

char *incident_whole_id(const struct config *config, const char *name, struct error *error)
{
    struct reading reading = {.name = name};
    const struct retold_incident *incident =
        read_journal(config, &reading, error) == 0 ? find(&reading, error) : NULL;
    char *id = incident ? xstrdup(incident->id) : NULL;
    retold_fini(&reading.told);
    return id;
}

/* --- list ------------------------------------------------------------------------------------- */

static const char *const standing_name[] = {[RETOLD_OPEN] = "open",
                                            [RETOLD_AGAIN] = "open again",
                                            [RETOLD_ACKNOWLEDGED] = "acknowledged",
                                            [RETOLD_CLOSED] = "closed"};

static void list_json(const struct retold_incident *incident, const struct noise_mark *mark)
{
    struct json *json = json_new();
    json_open(json, NULL);
    json_str(json, "incident", incident->id);
    json_str(json, "standing", standing_name[retold_standing_of(incident, mark)]);
    json_bool(json, "active", incident->active);
    retold_put(json, incident);
    json_uint(json, "alerts", incident->alerts);
    json_uint(json, "alerts_silenced", incident->silenced);
    json_uint(json, "out_bytes", incident->out_bytes);
    if (mark)
        noise_put_mark(json, "mark", mark);
    json_close(json);
    char *text = json_take_text(json, 0);
    puts(text);
    free(text);
    json_free(json);
}

static void list_line(struct calendar *calendar, const struct retold_incident *incident,
                      const struct noise_mark *mark)
{
    char name[16], first[32], last[32];
    calendar_text(calendar, incident->first, CALENDAR_MINUTE, first, sizeof first);
    calendar_text(calendar, incident->last, CALENDAR_MINUTE, last, sizeof last);
    char *text = xasprintf(
        "%s  %-12s %-6s %3d  %s – %s  %s%s%s  %s%s  %" PRIu64 " bytes, %" PRIu64 " alerts (%" PRIu64
        " silenced)",
        incident_short(incident->id, name), standing_name[retold_standing_of(incident, mark)],
        urgency_name[incident->urgency], (int)incident->score, first, last,
        incident->sensor ? "the sensor: " : incident->host,
        incident->sensor         ? incident->sight
        : *incident->destination ? " → "
                                 : "",
        incident->destination, incident->rule[0], incident->rule_count > 1 ? ", …" : "",
        incident->out_bytes, incident->alerts, incident->silenced);
    command_make_harmless(text);
    puts(text);
    free(text);
}

static void list_all(const struct options *options, const struct asked *asked,
                     const struct reading *reading, const struct noise *noise)
{
    size_t count, shown = 0;
    const struct retold_incident **sorted = retold_sorted(&reading->told, &count);
    for (size_t i = 0; i < count; i++) {
        const struct noise_mark *mark = noise_mark_of(noise, sorted[i]->id);
        bool closed = retold_standing_of(sorted[i], mark) == RETOLD_CLOSED;
        if ((asked->open && closed) || (asked->closed && !closed))
            continue;
        shown++;
        if (options->json)
            list_json(sorted[i], mark);
        else
            list_line(reading->calendar, sorted[i], mark);
    }
    if (shown == 0 && !options->json)
        puts("no incident");
    free(sorted);
}

static int list(const struct options *options, const struct asked *asked, struct error *error)
{
    struct reading reading = {.only = NULL};
    if (asked->open && asked->closed)
        return error_set(error, ERROR_USAGE, "incident list: --open or --closed, not both");
    if (asked->since) {
        if (moment_read(asked->since, ptime_now(), "--since", &reading.since, error) != 0)
            return -1;
        ptime_iso(reading.since, reading.from, sizeof reading.from);
    }
    struct noise *noise = noise_access_book(&options->config, error);
    if (noise && read_journal(&options->config, &reading, error) == 0) {
        reading.calendar = config_calendar(&options->config, error);
        if (reading.calendar)
            list_all(options, asked, &reading, noise);
        calendar_free(reading.calendar);
        if (reading.damaged > 0 && error->code == ERROR_NONE)
            error->code = ERROR_INPUT; /* it was said */
    }
    retold_fini(&reading.told);
    noise_free(noise);
    return error->code == ERROR_NONE ? 0 : -1;
}

/* --- show ------------------------------------------------------------------------------------- */

static void show_word(const char *what, const struct noise_word *word, struct calendar *calendar)
{
    char at[32];
    if (!*word->by)
        return;
    calendar_text(calendar, word->at, CALENDAR_MINUTE, at, sizeof at);
    char *text =
        xasprintf("  %s  %s by %s%s%s", at, what, word->by, *word->note ? ": " : "", word->note);
    command_make_harmless(text);
    puts(text);
    free(text);
}

static void show_mark(const struct noise_mark *mark, struct calendar *calendar)
{
    char what[64];
    if (!mark)
        return;
    show_word("acknowledged", &mark->acknowledged, calendar);
    if (mark->verdict == VERDICT_NONE)
        return;
    snprintf(what, sizeof what, "closed as %s", noise_verdict_name[mark->verdict]);
    show_word(what, &mark->closed, calendar);
    if (*mark->ticket) {
        char *text = xasprintf("  ticket %s", mark->ticket);
        command_make_harmless(text);
        puts(text);
        free(text);
    }
}

static int show(const struct options *options, const struct asked *asked, struct error *error)
{
    struct reading all = {.name = options->input[0]}, one = {.only = NULL};
    struct noise *noise = noise_access_book(&options->config, error);
    const struct retold_incident *incident = NULL;
    (void)asked;
    retold_init(&one.told);
    if (noise && read_journal(&options->config, &all, error) == 0)
        incident = find(&all, error);
    struct calendar *calendar = incident ? config_calendar(&options->config, error) : NULL;
    if (calendar) {
        const struct noise_mark *mark = noise_mark_of(noise, incident->id);
        printf("%s\n", incident->id);
        list_line(calendar, incident, mark);
        show_mark(mark, calendar);
        one.name = one.only = incident->id;
        one.calendar = calendar;
        read_journal(&options->config, &one, error);
    }
    calendar_free(calendar);
    retold_fini(&all.told);
    retold_fini(&one.told);
    noise_free(noise);
    return error->code == ERROR_NONE ? 0 : -1;
}

/* --- what people say -------------------------------------------------------------------------- */

static char *body_of(const struct asked *asked)
{
    struct json *json = json_new();
    json_open(json, NULL);
    if (asked->verdict)
        json_str(json, "verdict", asked->verdict);
    if (asked->ticket)
        json_str(json, "ticket", asked->ticket);
    if (asked->note)
        json_str(json, "note", asked->note);
    json_close(json);
    char *text = json_take_text(json, 0);
    json_free(json);
    return text;
}

static int propose(const struct options *options, const struct retold_incident *incident,
                   struct error *error)
{
    struct noise *noise = noise_access_book(&options->config, error);
    const struct noise_mark *mark = noise ? noise_mark_of(noise, incident->id) : NULL;
    int failed = mark && mark->verdict == VERDICT_BENIGN
                     ? incident_propose(&options->config, incident, mark, error)
                     : 0;
    noise_free(noise);
    return failed;
}

static int say(const struct options *options, const struct asked *asked, enum noise_verb verb,
               struct error *error)
{
    struct reading reading = {.name = options->input[0]};
    char *reply = NULL, *body = body_of(asked);
    const struct retold_incident *incident = NULL;
    if (read_journal(&options->config, &reading, error) == 0)
        incident = find(&reading, error);
    if (incident &&
        noise_access_order(&options->config, verb, incident->id, body, &reply, error) == 0) {
        printf("%s\n", reply);
        if (verb == NOISE_CLOSE)
            propose(options, incident, error);
    }
    retold_fini(&reading.told);
    free(reply);
    free(body);
    return error->code == ERROR_NONE ? 0 : -1;
}

static int acknowledge(const struct options *options, const struct asked *asked,
                       struct error *error)
{
    return say(options, asked, NOISE_ACKNOWLEDGE, error);
}

static int close_with(const struct options *options, const struct asked *asked, struct error *error)
{
    if (!asked->verdict)
        return error_set(error, ERROR_USAGE,
                         "incident close: expected --verdict benign, malicious or unknown");
    return say(options, asked, NOISE_CLOSE, error);
}

static int reopen(const struct options *options, const struct asked *asked, struct error *error)
{
    return say(options, asked, NOISE_REOPEN, error);
}

/* --- verbs ------------------------------------------------------------------------------------ */

static const struct verb {
    const char *name, *options;
    size_t arguments;
    int (*run)(const struct options *options, const struct asked *asked, struct error *error);
} verbs[] = {
    {"list", "csjh", 0, list},       {"show", "csh", 1, show},     {"ack", "csh", 1, acknowledge},
    {"close", "csh", 1, close_with}, {"reopen", "csh", 1, reopen},
};

static int take_words(const struct verb *verb, struct asked *a, int *argc, char **argv,
                      struct error *error)
{
    const struct word lists[] = {{"--open", NULL, &a->open},
                                 {"--closed", NULL, &a->closed},
                                 {"--since", &a->since, NULL},
                                 {NULL, NULL, NULL}};
    const struct word says[] = {{"--note", &a->note, NULL},
                                {verb->run == close_with ? "--verdict" : NULL, &a->verdict, NULL},
                                {"--ticket", &a->ticket, NULL},
                                {NULL, NULL, NULL}};
    if (verb->run == show)
        return 0;
    return words_take(verb->run == list ? lists : says, argc, argv, error);
}

static int check_arguments(const struct verb *verb, const struct options *options,
                           struct error *error)
{
    if (options->input_count == verb->arguments)
        return 0;
    return error_set(error, ERROR_USAGE, "incident %s: expected %s", verb->name,
                     verb->arguments ? "one incident, such as inc-0123ab" : "no argument");
}

/* What people say is in the journal by itself. */
static int begin(const struct verb *verb, const struct options *options, struct error *error)
{
    const char *what = options->input_count ? options->input[0] : NULL;
    if (verb->run == list)
        return look_begin(&options->config, "incident list", NULL, error);
    if (verb->run == show)
        return look_begin(&options->config, "incident show", what, error);
    return look_hide(&options->config, error);
}

static int run(const struct verb *verb, int argc, char **argv, struct error *error)
{
    struct asked asked = {.open = false};
    struct options options = {.json = false};
    int failed = take_words(verb, &asked, &argc, argv, error) != 0 ||
                 options_parse(&options, argc, argv, verb->options, error) != 0 ||
                 (!options.help && (check_arguments(verb, &options, error) != 0 ||
                                    begin(verb, &options, error) != 0));
    if (!failed && !options.help)
        failed = verb->run(&options, &asked, error);
    int status = failed ? command_fail(error) : command_print(options.help ? usage : "");
    options_fini(&options);
    return status;
}

int command_incident(int argc, char **argv)
{
    struct error error = {0};
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return command_print(usage);
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, argv[1]) == 0)
            return run(&verbs[i], argc - 1, argv + 1, &error);
    log_error("incident %.60s: unknown verb (weir incident --help)", argc > 1 ? argv[1] : "");
    return EXIT_USAGE;
}
