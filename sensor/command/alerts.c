/* weir alerts: what the journal of a sensor has, running or not. It only reads, takes no lock, and
 * shows nothing that is not synced.
 *
 * --since begins at the segment that was being written then (by the wall clock, an hour earlier for
 * clocks that were set) and leaves out what is earlier by its own time. --follow looks for more
 * each 100 ms, since the journal's writer is another process; it ends on SIGINT or SIGTERM, and
 * when nobody reads its output any more. A position is saved behind what was written out, so that
 * what was not is shown again. Memory: one record. Thread: the main thread. */
#include "commands.h"
#include "look.h"
#include "moment.h"
#include "noise_access.h"
#include "options.h"
#include "place.h"
#include "where.h"

#include "weir/alert/format.h"
#include "weir/alert/journal.h"
#include "weir/base/buffer.h"
#include "weir/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define LOOK_MS 100

static const char usage[] =
    "usage: weir alerts [-c FILE] [--set KEY=VALUE] [--since TIME] [--until TIME] [--where COND]\n"
    "                   [--format FORMAT] [--all] [--count] [--follow]\n"
    "                   [--from-sequence N | --position FILE]\n"
    "\n"
    "Shows the alerts in the journal of sensor.state_dir (default /var/lib/weir), oldest first.\n"
    "The sensor need not run.\n"
    "  --since, --until TIME  how long ago (90m, 8h, 2d) or a time, 2026-03-02T01:14 of the "
    "site's\n"
    "                         time zone, with Z of UTC; --until is not included\n"
    "  --where COND           only those for which it holds, such as\n"
    "                         'weir.score >= 70 and source.ip in 10.0.0.0/8'\n"
    "  --format FORMAT        ecs (a line of JSON), text, eve, ocsf or cef; text on a terminal\n"
    "  --all                  heartbeats and what people did, too\n"
    "  --count                only how many\n"
    "  --follow               goes on with what comes\n"
    "  --from-sequence N      from the record with this number in the journal\n"
    "  --position FILE        from where FILE says, and says there how far it got\n"
    "\n"
    "exit status: 0 shown; 1 the journal cannot be read; 2 usage; 3 some of it is damaged or "
    "gone\n";

struct view {
    const struct options *options;
    const struct line_format *format;
    struct where *where;       /* NULL: all */
    struct ptime since, until; /* by the record's own time; PTIME_MIN, PTIME_MAX */
    struct journal_reader *reader;
    uint64_t last, saved;  /* sequence numbers: looked at, in the position's file */
    uint64_t count;        /* shown */
    bool terminal, closed; /* closed: nobody reads the output */
    bool damaged;
    struct error error;
};

/* --- one record ------------------------------------------------------------------------------- */

static bool is_wanted(const struct view *view, const struct json_value *record)
{
    const char *kind = json_text(json_get(json_get(record, "event"), "kind"));
    const char *text = json_text(json_get(record, "@timestamp"));
    struct ptime time;
    if (!view->options->all && (!kind || strcmp(kind, "alert") != 0))
        return false;
    if (view->since.ns != INT64_MIN || view->until.ns != INT64_MAX)
        if (!text || !ptime_of_iso(text, &time) || time.ns < view->since.ns ||
            time.ns >= view->until.ns)
            return false;
    return !view->where || where_holds(view->where, record);
}

/* A reader that went away is no error: it has seen what it wanted. */
static int note_output(struct view *view, bool failed)
{
    if (!failed)
        return 0;
    view->closed = errno == EPIPE;
    if (view->closed)
        return -1;
    return error_set(&view->error, ERROR_RUN, "standard output: %s", strerror(errno));
}

static int put(struct view *view, const struct json_value *record, const char *line, size_t size)
{
    char *text = view->format->render(record, line, size);
    if (!text)
        return 0;
    if (view->terminal)
        command_make_harmless(text);
    view->count++;
    bool failed = !view->options->count && (fputs(text, stdout) < 0 || fputc('\n', stdout) < 0);
    int result = note_output(view, failed);
    free(text);
    return result;
}

/* With pseudonyms, conditions are asked of those too: who may not see an address cannot find out by
 * asking for one. */
static int show_line(struct view *view, const char *line, size_t size, uint64_t sequence)
{
    struct error error = {0};
    const struct pseudonyms *pseudonyms = look_pseudonyms();
    char *hidden = pseudonyms ? pseudonyms_line(pseudonyms, line, size) : NULL;
    line = hidden ? hidden : line;
    size = hidden ? strlen(hidden) : size;
    struct json_value *record = json_parse(line, size, &error);
    int failed = 0;
    if (!record) {
        log_warn("record %" PRIu64 ": %s", sequence, error.message);
        view->damaged = true;
    } else if (is_wanted(view, record)) {
        failed = put(view, record, line, size);
    }
    json_value_free(record);
    free(hidden);
    view->last = sequence;
    return failed;
}

/* --- all of them ------------------------------------------------------------------------------ */

/* What was shown is out before the position says so. */
static int settle(struct view *view)
{
    const char *path = view->options->position;
    if (note_output(view, fflush(stdout) != 0) != 0)
        return -1;
    if (!path || view->saved == view->last)
        return 0;
    view->saved = view->last;
    return place_save(path, view->last, &view->error);
}

static int show_what_is_there(struct view *view)
{
    for (;;) {
        const char *line;
        size_t size;
        uint64_t sequence;
        struct error damage = {0};
        int got = journal_reader_next(view->reader, UINT64_MAX, &line, &size, &sequence, &damage);
        if (got == 0)
            return settle(view);
        if (got < 0) {
            log_warn("%s", damage.message);
            view->damaged = true;
        } else if (show_line(view, line, size, sequence) != 0) {
            return -1;
        }
    }
}

/* False: it is to end. A pipe whose reader is gone says so without being written to. */
static bool wait_for_more(struct view *view, int signals)
{
    struct pollfd wait[] = {{.fd = signals, .events = POLLIN}, {.fd = STDOUT_FILENO}};
    if (poll(wait, 2, LOOK_MS) < 0 && errno != EINTR)
        return false;
    view->closed = (wait[1].revents & (POLLERR | POLLHUP)) != 0;
    return wait[0].revents == 0 && !view->closed;
}

static int follow(struct view *view)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    int signals = signalfd(-1, &ends, SFD_CLOEXEC), failed;
    if (signals < 0)
        return error_set(&view->error, ERROR_RUN, "signals cannot be waited for: %s",
                         strerror(errno));
    do
        failed = show_what_is_there(view);
    while (!failed && wait_for_more(view, signals));
    close(signals);
    return failed;
}

/* --- where it begins -------------------------------------------------------------------------- */

static int read_place(struct view *view, uint64_t *after)
{
    const struct options *options = view->options;
    if (options->position)
        return place_load(options->position, after, &view->error);
    if (!options->from_sequence)
        return 0;
    char *end;
    errno = 0;
    *after = strtoull(options->from_sequence, &end, 10);
    if (end == options->from_sequence || *end != '\0' || errno != 0 || *after == 0 ||
        *options->from_sequence == '-')
        return error_set(&view->error, ERROR_USAGE,
                         "--from-sequence %.40s: expected a number from 1", options->from_sequence);
    --*after;
    return 0;
}

static int open_reader(struct view *view)
{
    const char *folder = config_state_dir(&view->options->config);
    uint64_t after = 0, before = 0;
    if (read_place(view, &after) != 0)
        return -1;
    if (view->since.ns != INT64_MIN)
        before = journal_reader_before(folder, view->since.ns - CLOCK_SLIP);
    view->saved = view->last = after;
    view->reader = journal_reader_open(folder, after > before ? after : before, &view->error);
    if (!view->reader)
        return -1;
    uint64_t durable = journal_reader_durable(view->reader);
    if (!view->options->position || after <= durable || durable == 0)
        return 0;
    log_warn("%s: is %" PRIu64 ", the journal ends at %" PRIu64
             ": another journal; it is shown from its beginning",
             view->options->position, after, durable);
    journal_reader_close(view->reader);
    view->reader = journal_reader_open(folder, before, &view->error);
    return view->reader ? 0 : -1;
}

/* --- options ---------------------------------------------------------------------------------- */

static int choose_format(struct view *view)
{
    const char *name = view->options->format;
    struct buffer known = {0};
    view->format = line_format_get(name ? name : view->terminal ? "text" : "ecs");
    if (!view->format && !name)
        view->format = line_format_get("ecs");
    if (view->format)
        return 0;
    for (const struct line_format *const *row = line_formats; *row; row++)
        buffer_text(&known, "%s%s", known.size ? ", " : "", (*row)->name);
    error_set(&view->error, ERROR_USAGE, "--format %.40s: expected one of: %.*s", name,
              (int)known.size, (const char *)known.data);
    buffer_fini(&known);
    return -1;
}

static int choose_times(struct view *view)
{
    const struct options *options = view->options;
    struct ptime now = ptime_now();
    struct calendar *calendar = config_calendar(&options->config, &view->error);
    int failed = !calendar;
    view->since = PTIME_MIN;
    view->until = PTIME_MAX;
    if (!failed && options->since)
        failed = moment_read(options->since, now, "--since", &view->since, &view->error);
    if (!failed && options->until)
        failed = moment_read(options->until, now, "--until", &view->until, &view->error);
    calendar_free(calendar);
    return failed ? -1 : 0;
}

static int choose(struct view *view)
{
    const struct options *o = view->options;
    const char *wrong = o->follow && o->until   ? "--follow has no end, and --until is one"
                        : o->follow && o->count ? "--follow has no end, and --count needs one"
                        : o->position && o->from_sequence
                            ? "--position and --from-sequence both say where to begin"
                            : NULL;
    if (wrong)
        return error_set(&view->error, ERROR_USAGE, "alerts: %s", wrong);
    if (choose_format(view) != 0 || choose_times(view) != 0)
        return -1;
    view->where = o->where ? where_new(o->where, &view->error) : NULL;
    return o->where && !view->where ? -1 : 0;
}

static int status_of(const struct view *view, int failed)
{
    if (failed && !view->closed)
        return command_fail(&view->error);
    return view->damaged ? EXIT_INPUT : EXIT_DONE;
}

static int show(const struct options *options)
{
    struct view view = {.options = options, .terminal = isatty(STDOUT_FILENO) == 1};
    char count[32];
    int failed = choose(&view) != 0 ||
                 look_begin(&options->config, "alerts", options->where, &view.error) != 0 ||
                 open_reader(&view) != 0;
    if (!failed)
        failed = options->follow ? follow(&view) : show_what_is_there(&view);
    int status = status_of(&view, failed);
    if (!failed && options->count) {
        snprintf(count, sizeof count, "%" PRIu64 "\n", view.count);
        int printed = command_print(count);
        status = printed ? printed : status;
    }
    journal_reader_close(view.reader);
    where_free(view.where);
    return status;
}

int command_alerts(int argc, char **argv)
{
    struct options options;
    struct error error = {0};
    int status;
    if (options_parse(&options, argc, argv, "csheuOCNPkaW", &error) != 0 ||
        (!options.help && options_no_inputs(&options, argv[0], &error) != 0))
        status = command_fail(&error);
    else if (options.help)
        status = command_print(usage);
    else
        status = show(&options);
    options_fini(&options);
    return status;
}
