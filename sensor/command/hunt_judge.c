/* The second and third reading of a hunt.
 *
 *   learn-N.hours  the unit's closed hours (hours_file.h), read as a live sensor would, nothing
 * told → all of them, in order, into one ledger → the hindsight (hindsight.h), made once, here
 *   judge-N.alerts, judge-N.json  what the unit tells, judged by that; its own summary; its hosts
 *
 * What goes by the order of days (growth, clocks) is in the hindsight's profiles: before a unit's
 * process is begun, the hours of all units before it have been gone through. So a unit is judged
 * the same whichever process does it, and after whatever death. The .json comes last: it says that
 * the unit is done, and by which digest the .alerts are whole. Thread: the main thread of each
 * process. */
#include "hunt.h"

#include "output.h"
#include "session.h"

#include "weir/base/buffer.h"
#include "weir/base/device.h"
#include "weir/base/log.h"
#include "weir/baseline/hours_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct seen { /* a host in a unit */
    struct ip ip;
    uint32_t days; /* a bit a day of the unit */
    struct volume out;
    uint64_t in_bytes;
};

struct piece { /* of work, in its process */
    struct hunt *hunt;
    const struct hunt_unit *unit;
    struct calendar *calendar;
    struct hours_file *hours; /* learning */
    struct buffer alerts;     /* judging, and the next */
    uint64_t alert_count, flows_cut;
    struct hosts *hosts;
    struct map seen; /* struct ip → struct seen */
};

static uint64_t unit_bytes(const struct hunt *hunt, size_t i)
{
    return hunt->unit[i].bytes;
}

static bool is_there(const struct hunt *hunt, const char *name, size_t i, const char *extension)
{
    char *path = hunt_path(hunt, name, i, extension);
    bool there = access(path, R_OK) == 0;
    free(path);
    return there;
}

static bool is_learnt(const struct hunt *hunt, size_t i)
{
    return is_there(hunt, "learn", i, "hours");
}

static bool is_judged(const struct hunt *hunt, size_t i)
{
    return is_there(hunt, "judge", i, "json");
}

static void on_progress(void *context, const struct feed_progress *progress)
{
    const struct piece *piece = context;
    pool_note(piece->hunt, progress->bytes_read);
}

/* An input that is another than it was when it was surveyed: the stages would not fit together. */
static int check_inputs(const struct piece *piece, const struct session *session)
{
    bool learns = piece->hours != NULL; /* judged by half of a day, nothing of it would be told */
    size_t count;
    const struct capture_input *input = session_inputs(session, &count);
    struct error error = {0};
    for (size_t i = 0; i < count && i < piece->unit->count; i++) {
        const struct hunt_file *file = &piece->hunt->files.file[piece->unit->input[i]];
        if (input[i].error.code == ERROR_NONE &&
            memcmp(input[i].sha256, file->found.sha256, SHA256_SIZE) != 0)
            error_set(&error, ERROR_INPUT, "%.300s: changed while it was hunted in (--again)",
                      file->path);
        else if (learns && input[i].error.code != ERROR_NONE && !file->problem)
            error_set(&error, ERROR_RUN, "%.200s: could be read when it was surveyed, now: %.200s",
                      file->path, input[i].error.message);
    }
    return error.code == ERROR_NONE ? EXIT_DONE : command_fail(&error);
}

static int read_unit(const struct piece *piece, struct session *session,
                     struct session_options *options)
{
    const struct hunt *hunt = piece->hunt;
    options->config = &hunt->options.config;
    options->inputs = piece->unit->path;
    options->input_count = piece->unit->count;
    options->filter = hunt->options.filter;
    options->times = piece->unit->times;
    options->online = true;
    if (piece->unit != &hunt->unit[hunt->unit_count - 1]) /* what comes next is the next unit's */
        options->whole_until = piece->unit->times.until;
    options->progressed = on_progress;
    int failed = session_run(session, options);
    if (session->interrupted)
        return POOL_INTERRUPTED;
    return failed ? command_fail(&session->error) : check_inputs(piece, session);
}

/* --- learning --------------------------------------------------------------------------------- */

static void on_closed(void *context, const struct host_total *total)
{
    const struct piece *piece = context;
    hours_file_put(piece->hours, total);
}

static int learn(struct hunt *hunt, size_t i)
{
    struct piece piece = {.hunt = hunt, .unit = &hunt->unit[i]};
    struct session_options options = {.closed = on_closed, .context = &piece};
    struct session session;
    struct error error = {0};
    char *path = hunt_path(hunt, "learn", i, "hours");
    piece.hours = hours_file_new(path, &error);
    free(path);
    if (!piece.hours)
        return command_fail(&error);
    int status = read_unit(&piece, &session, &options);
    session_free(&session);
    if (status != EXIT_DONE)
        hours_file_drop(piece.hours);
    else if (hours_file_finish(piece.hours, &error) != 0)
        status = command_fail(&error);
    return status;
}

static void on_hour(void *context, struct host_total *total)
{
    struct hunt *hunt = context;
    ledger_add(hunt->ledger, total);
    host_total_free(total);
}

static int join(struct hunt *hunt)
{
    char *path = xasprintf("%s/ledger", hunt->folder);
    unlink(path);
    hunt->ledger = ledger_new(path, &hunt->error);
    free(path);
    for (size_t i = 0; hunt->ledger && i < hunt->unit_count; i++) {
        path = hunt_path(hunt, "learn", i, "hours");
        int failed = hours_file_read(path, on_hour, hunt, &hunt->error);
        if (failed) /* begun again, it is learnt again */
            unlink(path);
        free(path);
        if (failed)
            return -1;
    }
    return hunt->ledger ? ledger_finish(hunt->ledger, &hunt->error) : -1;
}

/* As a replay has it, so that a hunt of two days says no other than that. What the budget makes of
 * it is found once, here, and not by each process. */
static int make_hindsight(struct hunt *hunt)
{
    const struct config *config = &hunt->options.config;
    const struct detect_config *detect = &config->detect;
    int64_t first, last;
    ledger_span(hunt->ledger, &first, &last);
    if (first > last || hunt->span_ns <= SESSION_LOOK_BACK_NS)
        return 0;
    hunt->hindsight =
        hindsight_new(hunt->ledger, hunt->calendar, (uint64_t)config->cache_mib << 22u);
    if (!hunt->hindsight)
        return error_set(&hunt->error, ERROR_RUN,
                         "the hosts of all units have no room: a larger baseline.cache_mib, or "
                         "--since and --until");
    hunt->fleet = hindsight_take_fleet(hunt->hindsight);
    fleet_set_budget(hunt->fleet, detect->alerts_per_100_hosts_per_day / 100,
                     detect->alerts_per_day);
    if (ledger_hosts(hunt->ledger) > 0)
        hindsight_turn(hunt->hindsight, &ledger_host(hunt->ledger, 0)->ip);
    return 0;
}

int hunt_learn(struct hunt *hunt)
{
    const struct pool_work work = {.name = "learn",
                                   .count = hunt->unit_count,
                                   .is_done = is_learnt,
                                   .bytes = unit_bytes,
                                   .run = learn};
    if (pool_run(hunt, &work) != 0 || join(hunt) != 0)
        return -1;
    return make_hindsight(hunt);
}

/* --- the hindsight, up to a unit -------------------------------------------------------------- */

struct hour_of {
    const struct ledger_host *host;
    size_t at;
};

static int by_hour(const void *left, const void *right)
{
    const struct hour_of *a = left, *b = right;
    int64_t x = a->host->hour[a->at].hour, y = b->host->hour[b->at].hour;
    return x != y ? (x < y ? -1 : 1) : ip_compare(&a->host->ip, &b->host->ip);
}

/* Of all hosts the hours of a unit, as they would be closed. */
static struct hour_of *hours_of(const struct hunt *hunt, const struct hunt_unit *unit,
                                size_t *count)
{
    struct hour_of *hour = NULL;
    size_t room = 0;
    int64_t from = calendar_at(hunt->calendar, unit->times.since).hour;
    int64_t until = calendar_at(hunt->calendar, (struct ptime){unit->times.until.ns - 1}).hour;
    *count = 0;
    for (size_t n = 0; n < ledger_hosts(hunt->ledger); n++) {
        const struct ledger_host *host = ledger_host(hunt->ledger, n);
        for (size_t i = 0; i < host->count; i++) {
            if (host->hour[i].hour < from || host->hour[i].hour > until)
                continue;
            if (*count == room) {
                room = room ? 2 * room : 256;
                hour = xrealloc(hour, room * sizeof *hour);
            }
            hour[(*count)++] = (struct hour_of){host, i};
        }
    }
    if (*count > 1)
        qsort(hour, *count, sizeof *hour, by_hour);
    return hour;
}

static void close_unit(struct hunt *hunt, const struct hunt_unit *unit)
{
    size_t count;
    struct hour_of *hour = hours_of(hunt, unit, &count);
    struct civil civil = calendar_at(hunt->calendar, unit->times.since);
    for (size_t i = 0; i < count; i++) {
        while (civil.hour < hour[i].host->hour[hour[i].at].hour)
            civil = calendar_at(hunt->calendar, civil.ends);
        struct host_total *total = ledger_total(hunt->ledger, hour[i].host, hour[i].at);
        hindsight_close(hunt->hindsight, total, &civil, true);
        host_total_free(total);
    }
    free(hour);
}

static int go_up_to(struct hunt *hunt, size_t i)
{
    for (; hunt->hindsight && hunt->closed < i; hunt->closed++)
        close_unit(hunt, &hunt->unit[hunt->closed]);
    return 0;
}

/* --- judging ---------------------------------------------------------------------------------- */

static void on_alert(void *context, const struct incident *incident, const struct alert *alert)
{
    struct piece *piece = context;
    (void)incident;
    alert_pack(alert, &piece->alerts);
    piece->alert_count++;
}

static struct seen *seen_of(struct piece *piece, const struct ip *ip)
{
    struct seen *seen = map_get(&piece->seen, ip, sizeof *ip);
    if (seen || piece->seen.count >= piece->hunt->options.config.max_hosts)
        return seen;
    seen = xcalloc(1, sizeof *seen);
    seen->ip = *ip;
    map_put(&piece->seen, ip, sizeof *ip, seen);
    return seen;
}

static void on_flow(void *context, const struct flow_view *view)
{
    struct piece *piece = context;
    hosts_add_flow(piece->hosts, view);
    piece->flows_cut += view->record->end == FLOW_END_INPUT;
    if (!view->host || !view->accepted || view->out.high == 0)
        return;
    struct seen *seen = seen_of(piece, view->host);
    if (!seen)
        return;
    int64_t day = calendar_at(piece->calendar, (struct ptime){view->record->header.time_ns}).day;
    if (day >= piece->unit->first_day && day <= piece->unit->last_day)
        seen->days |= 1u << (day - piece->unit->first_day);
    volume_add(&seen->out, view->out);
    seen->in_bytes = bytes_add(seen->in_bytes, view->in_bytes);
}

static void on_content(void *context, const struct ip *host, const struct destination *destination,
                       const struct record_content *record)
{
    const struct piece *piece = context;
    (void)destination;
    hosts_add_content(piece->hosts, host, record);
}

static void put_hosts(struct json *json, const struct piece *piece)
{
    const struct map_entry **sorted = map_sorted(&piece->seen);
    char text[IP_TEXT_SIZE];
    json_list(json, "hosts");
    for (size_t i = 0; i < piece->seen.count; i++) {
        const struct seen *seen = sorted[i]->value;
        json_open(json, NULL);
        json_str(json, "ip", ip_text(&seen->ip, text));
        json_uint(json, "days", seen->days);
        json_uint(json, "value", seen->out.value);
        json_uint(json, "low", seen->out.low);
        json_uint(json, "high", seen->out.high);
        json_uint(json, "in", seen->in_bytes);
        json_close(json);
    }
    json_close(json);
    free(sorted);
}

/* What was read of each of its inputs. */
static void put_inputs(struct json *json, const struct piece *piece, const struct session *session)
{
    size_t count;
    const struct capture_input *input = session_inputs(session, &count);
    json_list(json, "inputs");
    for (size_t i = 0; i < count && i < piece->unit->count; i++) {
        json_open(json, NULL);
        size_t number = piece->unit->input[i];
        json_uint(json, "input", number);
        if (input[i].error.code != ERROR_NONE && !piece->hunt->files.file[number].problem)
            json_str(json, "problem", input[i].error.message);
        json_uint(json, "wire_bytes", input[i].bytes);
        json_uint(json, "longest_cut", input[i].longest_cut);
        json_close(json);
    }
    json_close(json);
}

/* The unit's own, as a replay of it would be summed up, without the time it took. */
static void put_summary(struct json *json, const struct piece *piece, const struct session *session)
{
    struct summary summary = {.hosts = piece->hosts};
    struct summary_input *input = xcalloc(session_input_count(session) + 1, sizeof *input);
    session_describe(session, input, &summary);
    summary.duration_s = 0;
    char *text = summary_json(&summary);
    struct json_value *value = json_parse(text, strlen(text), NULL);
    json_put(json, "summary", value);
    json_value_free(value);
    free(text);
    free(input);
}

static int write_alerts(const struct buffer *alerts, const char *path, struct error *error)
{
    char *part = xasprintf("%s.part", path);
    unlink(part);
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    int failed = fd < 0;
    for (size_t at = 0; !failed && at < alerts->size;) {
        ssize_t wrote = write(fd, alerts->data + at, alerts->size - at);
        failed = wrote < 0 && errno != EINTR;
        at += wrote > 0 ? (size_t)wrote : 0;
    }
    failed = failed || fsync(fd) != 0 || rename(part, path) != 0;
    if (failed)
        error_set(error, ERROR_RUN, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    free(part);
    return failed ? -1 : 0;
}

static char *piece_text(const struct piece *piece, const struct session *session)
{
    uint8_t digest[SHA256_SIZE];
    char hex[HEX_SIZE(SHA256_SIZE)];
    struct json *json = json_new();
    digest_sha256(piece->alerts.data, piece->alerts.size, digest);
    json_open(json, NULL);
    json_uint(json, "alerts", piece->alert_count);
    json_str(json, "alerts_sha256", hex_text(digest, sizeof digest, hex));
    json_uint(json, "flows_cut", piece->flows_cut);
    put_hosts(json, piece);
    put_inputs(json, piece, session);
    put_summary(json, piece, session);
    json_close(json);
    char *text = json_take_text(json, 0);
    json_free(json);
    return text;
}

static int leave(const struct piece *piece, const struct session *session, size_t i)
{
    struct error error = {0};
    char *alerts = hunt_path(piece->hunt, "judge", i, "alerts");
    char *path = hunt_path(piece->hunt, "judge", i, "json");
    char *text = piece_text(piece, session);
    int failed =
        write_alerts(&piece->alerts, alerts, &error) != 0 || output_write(path, text, &error) != 0;
    free(text);
    free(alerts);
    free(path);
    return failed ? command_fail(&error) : EXIT_DONE;
}

static int judge(struct hunt *hunt, size_t i)
{
    struct piece piece = {.hunt = hunt, .unit = &hunt->unit[i], .calendar = hunt->calendar};
    struct session_options options = {.told = hunt->told,
                                      .hindsight = hunt->hindsight,
                                      .fleet = hunt->fleet,
                                      .flow = on_flow,
                                      .content = on_content,
                                      .alert = on_alert,
                                      .context = &piece};
    struct session session;
    piece.hosts = hosts_new();
    map_init(&piece.seen);
    int status = read_unit(&piece, &session, &options);
    if (status == EXIT_DONE)
        status = leave(&piece, &session, i);
    session_free(&session);
    hosts_free(piece.hosts);
    map_fini(&piece.seen, free);
    buffer_fini(&piece.alerts);
    return status;
}

int hunt_judge_units(struct hunt *hunt)
{
    const struct pool_work work = {.name = "judge",
                                   .count = hunt->unit_count,
                                   .is_done = is_judged,
                                   .bytes = unit_bytes,
                                   .before = go_up_to,
                                   .run = judge};
    return pool_run(hunt, &work);
}
