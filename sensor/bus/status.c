/* The status as JSON. Field by field as docs/api.md has it, in that order. The password of the
 * Redis URL ends at the last "@", as everywhere, and does not leave. Pure. */
#include "weir/bus/status.h"

#include "weir/base/buffer.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_name[] = {"starting", "running", "stopping"};
static_assert(sizeof state_name / sizeof *state_name == STATUS_STATES, "a name a state");
static const char *const worker_name[] = {"starting", "running", "waiting", "stopped"};
static_assert(sizeof worker_name / sizeof *worker_name == STATUS_WORKER_STATES, "a name a state");
static const char *const interface_name[] = {"up", "down", "gone"};
static_assert(sizeof interface_name / sizeof *interface_name == STATUS_INTERFACE_STATES,
              "a name a state");

static void put_config(struct json *json, const struct status *status)
{
    const struct status_reload *reload = &status->last_reload;
    json_open(json, "config");
    json_uint(json, "generation", status->generation);
    if (reload->known) {
        json_open(json, "last_reload");
        json_bool(json, "ok", reload->ok);
        json_str(json, "text", reload->text ? reload->text : "");
        json_time(json, "at", reload->at);
        json_close(json);
    } else {
        json_none(json, "last_reload");
    }
    json_close(json);
}

static void put_worker(struct json *json, const struct status_worker *worker)
{
    json_open(json, NULL);
    json_uint(json, "worker", worker->worker);
    json_int(json, "pid", worker->pid);
    json_str(json, "state", worker_name[worker->state]);
    json_uint(json, "restarts", worker->restarts);
    json_uint(json, "packets", worker->packets);
    json_uint(json, "packets_per_s", worker->packets_per_s);
    json_uint(json, "bytes_per_s", worker->bytes_per_s);
    json_uint(json, "kernel_drops", worker->kernel_drops);
    json_uint(json, "interface_drops", worker->interface_drops);
    json_open(json, "ring");
    json_uint(json, "bytes", worker->ring_bytes);
    json_uint(json, "used_bytes", worker->ring_used_bytes);
    json_number(json, "seconds", worker->ring_seconds);
    json_close(json);
    json_uint(json, "parked", worker->parked);
    json_str(json, "last_death", worker->last_death);
    json_close(json);
}

static void put_capture(struct json *json, const struct status *status)
{
    json_list(json, "capture");
    for (size_t i = 0; i < status->worker_count; i++)
        put_worker(json, &status->worker[i]);
    json_close(json);
    json_list(json, "interfaces");
    for (size_t i = 0; i < status->interface_count; i++) {
        json_open(json, NULL);
        json_str(json, "name", status->interface[i].name);
        json_str(json, "vantage", status->interface[i].vantage);
        json_str(json, "state", interface_name[status->interface[i].state]);
        json_close(json);
    }
    json_close(json);
}

static void put_engine(struct json *json, const struct status_engine *engine)
{
    json_open(json, "engine");
    json_int(json, "pid", engine->pid);
    json_uint(json, "restarts", engine->restarts);
    json_uint(json, "records", engine->records);
    json_uint(json, "records_late", engine->records_late);
    json_uint(json, "alerts", engine->alerts);
    json_uint(json, "alerts_silenced", engine->alerts_silenced);
    json_uint(json, "silenced_bytes", engine->silenced_bytes);
    json_uint(json, "alerts_quiet", engine->alerts_quiet);
    json_uint(json, "hosts", engine->hosts);
    json_uint(json, "hosts_ready", engine->hosts_ready);
    json_uint(json, "hosts_learning", engine->hosts_learning);
    json_uint(json, "incidents_open", engine->incidents_open);
    json_uint(json, "open_flows", engine->open_flows);
    json_uint(json, "waiting_records", engine->waiting_records);
    json_open(json, "checkpoint");
    json_number(json, "age_s", engine->checkpoint_age_s);
    json_uint(json, "bytes", engine->checkpoint_bytes);
    json_uint(json, "snapshots", engine->snapshots);
    json_close(json);
    json_open(json, "closing");
    json_uint(json, "hours", engine->closing_hours);
    json_uint(json, "sensors_waited", engine->closing_waited);
    json_uint(json, "totals_late", engine->totals_late);
    json_close(json);
    json_open(json, "halves");
    json_uint(json, "joined", engine->halves_joined);
    json_uint(json, "flows_rejoined", engine->flows_rejoined);
    json_close(json);
    json_open(json, "zones");
    json_uint(json, "flows_drifted", engine->flows_drifted);
    json_close(json);
    json_close(json);
}

/* A socket's path may hold an "@" of its own; a password may hold ":" and "@". */
static char *mask_password(const char *url)
{
    const char *scheme = strstr(url, "://"), *secret = scheme ? scheme + 3 : url;
    const char *end = *secret == '/' ? NULL : strrchr(secret, '@');
    if (!end || (!scheme && strncmp(url, "unix:", 5) == 0))
        return xstrdup(url);
    const char *colon = memchr(secret, ':', (size_t)(end - secret));
    if (colon)
        secret = colon + 1;
    return xasprintf("%.*s***%s", (int)(secret - url), url, end);
}

static void put_redis(struct json *json, const struct status_redis *redis)
{
    char *url = mask_password(redis->url ? redis->url : "");
    json_open(json, "redis");
    json_str(json, "url", url);
    json_str(json, "state", redis->state);
    json_uint(json, "pending", redis->pending);
    json_bool(json, "behind", redis->behind);
    if (redis->away)
        json_time(json, "since", redis->since);
    else
        json_none(json, "since");
    json_str(json, "why", redis->away ? redis->why : NULL);
    json_uint(json, "refused", redis->refused);
    json_uint(json, "absences", redis->absences);
    json_uint(json, "hours_open", redis->hours_open);
    json_uint(json, "host_hours_open", redis->host_hours_open);
    json_uint(json, "hours_unlearned", redis->hours_unlearned);
    json_uint(json, "unlearned_bytes", redis->unlearned_bytes);
    json_uint(json, "profiles_damaged", redis->profiles_damaged);
    json_close(json);
    free(url);
}

static void put_courier(struct json *json, const struct status_courier *courier)
{
    json_open(json, "courier");
    json_int(json, "pid", courier->pid);
    json_str(json, "state", worker_name[courier->state]);
    json_uint(json, "restarts", courier->restarts);
    json_str(json, "last_death", courier->last_death);
    json_close(json);
}

static const char *state_of(const struct bus_status *sink)
{
    if (sink->dead)
        return "dead";
    if (sink->state == BUS_WAITING)
        return "waiting";
    return sink->behind > 0 ? "behind" : "ok";
}

static void put_sinks(struct json *json, const struct status *status)
{
    json_list(json, "sinks");
    for (size_t i = 0; i < status->sink_count; i++) {
        const struct bus_status *sink = &status->sink[i];
        json_open(json, NULL);
        json_str(json, "name", sink->name ? sink->name : sink->type);
        json_str(json, "type", sink->type);
        json_str(json, "path", sink->path);
        json_uint(json, "delivered", sink->delivered);
        json_uint(json, "behind", sink->behind);
        json_int(json, "lag_s", sink->oldest_s);
        json_uint(json, "refused", sink->refused);
        json_uint(json, "silenced", sink->silenced);
        json_uint(json, "filtered", sink->filtered);
        json_uint(json, "failures", sink->failures);
        json_uint(json, "retries", sink->retries);
        json_str(json, "state", state_of(sink));
        json_str(json, "last_error", *sink->last_error ? sink->last_error : NULL);
        json_close(json);
    }
    json_close(json);
}

static void put_journal(struct json *json, const struct status_journal *journal)
{
    json_open(json, "journal");
    json_uint(json, "last", journal->last);
    json_uint(json, "durable", journal->durable);
    json_uint(json, "segments", journal->segments);
    json_uint(json, "bytes", journal->bytes);
    json_uint(json, "deleted", journal->deleted);
    json_uint(json, "deleted_untold", journal->deleted_untold);
    json_uint(json, "failures", journal->failures);
    json_uint(json, "held", journal->held);
    json_uint(json, "held_bytes", journal->held_bytes);
    json_uint(json, "given_up", journal->given_up);
    json_bool(json, "trouble", journal->trouble);
    json_close(json);
}

static void put_evidence(struct json *json, const struct status_evidence *evidence)
{
    if (!evidence->enabled) {
        json_none(json, "evidence");
        return;
    }
    json_open(json, "evidence");
    json_int(json, "pid", evidence->pid);
    json_uint(json, "restarts", evidence->restarts);
    json_str(json, "last_death", evidence->last_death);
    json_uint(json, "held_packets", evidence->held_packets);
    json_uint(json, "held_bytes", evidence->held_bytes);
    json_uint(json, "overwritten_packets", evidence->overwritten);
    json_time(json, "oldest", evidence->oldest);
    json_uint(json, "open", evidence->open);
    json_uint(json, "incidents", evidence->incidents);
    json_uint(json, "packets", evidence->packets);
    json_uint(json, "bytes", evidence->bytes);
    json_uint(json, "missed_packets", evidence->missed);
    json_uint(json, "beyond_packets", evidence->beyond);
    json_uint(json, "beyond_incidents", evidence->beyond_incidents);
    json_uint(json, "removed", evidence->removed);
    json_uint(json, "removed_for_room", evidence->removed_for_room);
    json_uint(json, "failures", evidence->failures);
    json_close(json);
}

static void put_budget(struct json *json, const struct status_budget *budget)
{
    if (isnan(budget->per_host_day)) {
        json_none(json, "budget");
        return;
    }
    json_open(json, "budget");
    json_number(json, "alerts_per_host_day", budget->per_host_day);
    json_number(json, "trim", budget->trim);
    json_number(json, "day_alerts", budget->expected);
    json_number(json, "day_spent", budget->told);
    json_close(json);
}

static void put_alerts(struct json *json, const struct status *status)
{
    json_list(json, "alerts");
    for (size_t i = 0; i < status->alert_count; i++) {
        const struct status_alerts *alerts = &status->alerts[i];
        json_open(json, NULL);
        json_str(json, "detector", alerts->detector);
        json_uint(json, "digest", alerts->alerts[0]);
        json_uint(json, "shift", alerts->alerts[1]);
        json_uint(json, "now", alerts->alerts[2]);
        json_open(json, "severity");
        for (int k = 0; k < SEVERITIES; k++)
            json_uint(json, severity_name[k], alerts->severity[k]);
        json_close(json);
        json_close(json);
    }
    json_close(json);
}

static void put_apis(struct json *json, const struct status *status)
{
    json_list(json, "api");
    for (size_t i = 0; i < status->api_count; i++) {
        const struct api_counts *counts = &status->api[i].counts;
        json_open(json, NULL);
        json_str(json, "listener", status->api[i].listener);
        json_uint(json, "requests", counts->requests);
        json_uint(json, "refused", counts->refused);
        json_uint(json, "bad", counts->bad);
        json_uint(json, "denied", counts->denied);
        json_uint(json, "waited", counts->waited);
        json_uint(json, "unserved", counts->unserved);
        json_uint(json, "streams", counts->streams);
        json_uint(json, "slow", counts->slow);
        json_close(json);
    }
    json_close(json);
}

static void put_console(struct json *json, const struct console_counts *counts)
{
    if (!counts) {
        json_none(json, "console");
        return;
    }
    json_open(json, "console");
    json_bool(json, "off", counts->off);
    json_uint(json, "sessions", counts->sessions);
    json_uint(json, "crowded", counts->crowded);
    json_uint(json, "logins", counts->logins);
    json_uint(json, "failures", counts->failures);
    json_uint(json, "locked", counts->locked);
    json_uint(json, "strangers", counts->strangers);
    json_uint(json, "forged", counts->forged);
    json_close(json);
}

static void put_coverage(struct json *json, const struct health *total)
{
    static const struct health none;
    if (!total)
        total = &none;
    json_open(json, "coverage");
#define PUT_COUNTER(name) json_uint(json, #name, total->name);
    HEALTH_COUNTERS(PUT_COUNTER)
#undef PUT_COUNTER
    json_close(json);
}

static void put_bounds(struct json *json, const struct status *status)
{
    json_open(json, "bounds");
    for (size_t i = 0; i < status->bound_count; i++)
        json_uint(json, status->bound[i].name, status->bound[i].count);
    json_close(json);
}

static void put_lines(struct json *json, const char *name, const char *const *line, size_t count)
{
    json_list(json, name);
    for (size_t i = 0; i < count; i++)
        json_str(json, NULL, line[i]);
    json_close(json);
}

char *status_json(struct json *json, const struct status *status)
{
    json_open(json, NULL);
    json_str(json, "sensor", status->sensor);
    json_str(json, "version", status->version);
    json_str(json, "state", state_name[status->state]);
    json_time(json, "started", status->started);
    json_time(json, "now", status->now);
    put_config(json, status);
    put_capture(json, status);
    put_engine(json, &status->engine);
    put_redis(json, &status->redis);
    put_courier(json, &status->courier);
    put_sinks(json, status);
    put_journal(json, &status->journal);
    put_evidence(json, &status->evidence);
    put_budget(json, &status->budget);
    put_alerts(json, status);
    put_apis(json, status);
    put_console(json, status->console);
    put_coverage(json, status->coverage);
    put_bounds(json, status);
    put_lines(json, "judged", status->judged, status->judged_count);
    put_lines(json, "learning", status->learning, status->learning_count);
    put_lines(json, "blind", status->blind, status->blind_count);
    json_close(json);
    return json_take_text(json, 0);
}
