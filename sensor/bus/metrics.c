/* The status as Prometheus text (prometheus.io: Exposition formats, 0.0.4). A family is one row of
 * a table: its name, type, help, and where in a struct its value is; what is not known (NAN, no
 * reload yet) has no sample. Families of one struct come together, each with all its samples, as
 * the format asks. Order is that of the tables. Thread: any (pure). */
#include "weir/bus/metrics.h"

#include "weir/base/buffer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const char counter[] = "counter", gauge[] = "gauge";

/* --- the format ------------------------------------------------------------------------------- */

static void put_family(struct buffer *out, const char *name, const char *type, const char *help)
{
    buffer_text(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* In a label's value the backslash, the quote and the line's end are escaped. */
static void put_label(struct buffer *out, const char *before, const char *name, const char *value)
{
    buffer_text(out, "%s%s=\"", before, name);
    for (const char *at = value ? value : ""; *at; at++)
        if (*at == '\n')
            buffer_text(out, "\\n");
        else
            buffer_text(out, "%s%c", *at == '\\' || *at == '"' ? "\\" : "", *at);
    buffer_u8(out, '"');
}

static void put_real(struct buffer *out, double value)
{
    if (isinf(value))
        buffer_text(out, value > 0 ? " +Inf\n" : " -Inf\n");
    else
        buffer_text(out, " %.17g\n", value);
}

static void put_whole(struct buffer *out, uint64_t value)
{
    buffer_text(out, " %" PRIu64 "\n", value);
}

/* One family, one sample, no labels; none when it is not known. */
static void put_gauge(struct buffer *out, const char *name, const char *help, double value)
{
    if (isnan(value))
        return;
    put_family(out, name, gauge, help);
    buffer_text(out, "%s", name);
    put_real(out, value);
}

/* --- families that are fields of a struct ----------------------------------------------------- */

struct field {
    const char *name, *type, *help;
    size_t at; /* of a uint64_t */
};

struct elements { /* what has the fields: one struct or several alike */
    const void *first;
    size_t count, size;
    /* "{…}", NULL: no labels */
    void (*put_labels)(struct buffer *out, const void *element, size_t index);
};

static void put_fields(struct buffer *out, const struct field *field, size_t fields,
                       const struct elements *of)
{
    for (size_t i = 0; of->count > 0 && i < fields; i++) {
        put_family(out, field[i].name, field[i].type, field[i].help);
        for (size_t k = 0; k < of->count; k++) {
            const uint8_t *element = (const uint8_t *)of->first + k * of->size;
            uint64_t value;
            memcpy(&value, element + field[i].at, sizeof value);
            buffer_text(out, "%s", field[i].name);
            if (of->put_labels)
                of->put_labels(out, element, k);
            put_whole(out, value);
        }
    }
}

#define FIELD(member, type, name, help)                                                            \
    {                                                                                              \
        name, type, help, offsetof(struct OF, member)                                              \
    }
#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

#define OF status_worker
static const struct field worker_field[] = {
    FIELD(restarts, counter, "weir_worker_restarts_total",
          "Times a capture process was restarted."),
    FIELD(packets, counter, "weir_worker_packets_total", "Packets read by a capture process."),
    FIELD(kernel_drops, counter, "weir_worker_kernel_dropped_packets_total",
          "Packets that the kernel had no room for."),
    FIELD(interface_drops, counter, "weir_worker_interface_dropped_packets_total",
          "Packets that the interface had no room for."),
    FIELD(ring_bytes, gauge, "weir_worker_ring_size_bytes",
          "Size of the ring between a capture process and the engine."),
    FIELD(ring_used_bytes, gauge, "weir_worker_ring_used_bytes",
          "Bytes in the ring that the engine has not taken yet."),
    FIELD(parked, gauge, "weir_worker_parked_flows", "Ended flows that wait for room in the ring."),
};
#undef OF

#define OF status_engine
static const struct field engine_field[] = {
    FIELD(restarts, counter, "weir_engine_restarts_total", "Times the engine was restarted."),
    FIELD(records, counter, "weir_engine_records_total", "Records judged."),
    FIELD(records_late, counter, "weir_engine_late_records_total",
          "Records that came behind their watermark."),
    FIELD(alerts, counter, "weir_engine_alerts_total",
          "Alerts raised since the sensor began, over restarts of its processes."),
    FIELD(hosts, gauge, "weir_hosts", "Inside hosts with a profile."),
    FIELD(incidents_open, gauge, "weir_incidents_open", "Incidents that are open."),
    FIELD(open_flows, gauge, "weir_open_flows", "Flows that have not ended."),
    FIELD(waiting_records, gauge, "weir_waiting_records",
          "Records that wait for the smallest watermark."),
    FIELD(checkpoint_bytes, gauge, "weir_checkpoint_size_bytes", "Size of the checkpoint."),
    FIELD(snapshots, counter, "weir_checkpoint_snapshots_total", "Snapshots written."),
    FIELD(closing_hours, gauge, "weir_closing_hours",
          "Site hours that are over and not closed for all sensors yet."),
    FIELD(closing_waited, gauge, "weir_closing_waited_sensors", "Sensors that they wait for."),
    FIELD(totals_late, counter, "weir_late_totals_total",
          "Host-hours that were closed without this sensor's totals."),
};
#undef OF

#define OF status_redis
static const struct field redis_field[] = {
    FIELD(pending, gauge, "weir_redis_pending_commands", "Commands without an answer yet."),
    FIELD(refused, counter, "weir_redis_refused_commands_total", "Commands that Redis refused."),
    FIELD(absences, counter, "weir_redis_absences_total", "Times that Redis went away."),
    FIELD(hours_open, gauge, "weir_spool_open_hours",
          "Site hours that are not closed: what waits for Redis, and the present one."),
    FIELD(host_hours_open, gauge, "weir_spool_open_host_hours", "Hosts in those hours."),
    FIELD(hours_unlearned, counter, "weir_spool_unlearned_hours_total",
          "Hours that waited longer than there is room, and are not learned."),
    FIELD(unlearned_bytes, counter, "weir_spool_unlearned_bytes_total",
          "Bytes that left in the hours that are not learned."),
    FIELD(profiles_damaged, counter, "weir_baselines_damaged_total",
          "Stored profiles that are none: their hosts are judged by their peers."),
};
#undef OF

#define OF bus_status
static const struct field sink_field[] = {
    FIELD(delivered, counter, "weir_sink_delivered_records_total", "Records that a sink took."),
    FIELD(behind, gauge, "weir_sink_lag_records", "Records in the journal that it has not taken."),
    FIELD(oldest_s, gauge, "weir_sink_lag_seconds", "How long the first of those waits."),
    FIELD(failures, counter, "weir_sink_failures_total", "Tries that failed."),
    FIELD(retries, counter, "weir_sink_retries_total", "Tries after a failure."),
    FIELD(refused, counter, "weir_sink_refused_records_total",
          "Records that the other end will never take: they are in the dead letters."),
    FIELD(lost_letters, counter, "weir_sink_lost_letters_total",
          "Of those, records that could not be written there."),
    FIELD(filtered, counter, "weir_sink_filtered_records_total", "Records that were not for it."),
    FIELD(silenced, counter, "weir_sink_silenced_records_total",
          "Alerts that it was not told for a silence."),
    FIELD(damaged, counter, "weir_sink_damaged_places_total",
          "Places where the journal could not be read."),
};
#undef OF

/* --- labels ----------------------------------------------------------------------------------- */

static void label_worker(struct buffer *out, const void *element, size_t index)
{
    const struct status_worker *worker = element;
    (void)index;
    buffer_text(out, "{worker=\"%u\"}", worker->worker);
}

static void label_sink(struct buffer *out, const void *element, size_t index)
{
    const struct bus_status *sink = element;
    (void)index;
    put_label(out, "{", "sink", sink->name);
    put_label(out, ",", "type", sink->type);
    buffer_u8(out, '}');
}

/* --- the sensor ------------------------------------------------------------------------------- */

static double seconds_of(struct ptime time)
{
    return (double)time.ns / 1e9;
}

static void put_sensor(struct buffer *out, const struct status *status)
{
    const struct status_reload *reload = &status->last_reload;
    put_family(out, "weir_build_info", gauge, "1; version and sensor are labels.");
    put_label(out, "weir_build_info{", "version", status->version);
    put_label(out, ",", "sensor", status->sensor);
    buffer_text(out, "} 1\n");
    put_gauge(out, "weir_start_time_seconds", "When the sensor began, wall clock since 1970.",
              seconds_of(status->started));
    put_gauge(out, "weir_judged_time_seconds",
              "Packet time since 1970 up to which everything is judged.", seconds_of(status->now));
    put_gauge(out, "weir_config_generation", "1 at the start, one more with each reload in effect.",
              (double)status->generation);
    put_gauge(out, "weir_config_last_reload_successful",
              "1: the last reload was taken; 0: refused.",
              !reload->known ? NAN
              : reload->ok   ? 1.0
                             : 0.0);
    put_gauge(out, "weir_blind_spots", "Things that the sensor knows it does not see now.",
              (double)status->blind_count);
}

#define OF health
static const struct field sight_field[] = {
    FIELD(packets, counter, "weir_packets_total", "Packets read."),
    FIELD(wire_bytes, counter, "weir_wire_bytes_total", "Bytes of them, on the wire."),
    FIELD(flows, counter, "weir_flows_total", "Flows begun."),
    FIELD(tcp_missing_bytes, gauge, "weir_tcp_missing_bytes", "TCP payload that was not seen."),
};
#undef OF

/* All that the sensor counts, by the names that it has in the status. */
static void put_counters(struct buffer *out, const struct health *total)
{
    static const struct {
        const char *name;
        size_t at;
    } row[] = {
#define COVERAGE_ROW(name) {#name, offsetof(struct health, name)},
        HEALTH_COUNTERS(COVERAGE_ROW)
#undef COVERAGE_ROW
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        uint64_t value;
        if (row[i].at == offsetof(struct health, tcp_missing_bytes))
            continue; /* a hole may fill: no counter */
        memcpy(&value, (const uint8_t *)total + row[i].at, sizeof value);
        buffer_text(out,
                    "# HELP weir_coverage_%s_total Of what was seen and what was not: %s (coverage "
                    "in docs/api.md).\n# TYPE weir_coverage_%s_total counter\n"
                    "weir_coverage_%s_total %" PRIu64 "\n",
                    row[i].name, row[i].name, row[i].name, row[i].name, value);
    }
}

static void put_coverage(struct buffer *out, const struct health *total)
{
    static const struct health none;
    const struct elements one = {total ? total : &none, 1, sizeof none, NULL};
    const struct health *seen = one.first;
    put_fields(out, sight_field, COUNT(sight_field), &one);
    put_family(out, "weir_dropped_packets_total", counter,
               "Packets that were lost before the sensor read them.");
    buffer_text(out, "weir_dropped_packets_total{kind=\"kernel\"} %" PRIu64 "\n",
                seen->kernel_drops);
    buffer_text(out, "weir_dropped_packets_total{kind=\"interface\"} %" PRIu64 "\n",
                seen->interface_drops);
    put_counters(out, seen);
}

static void put_workers(struct buffer *out, const struct status *status)
{
    const struct elements all = {status->worker, status->worker_count, sizeof(struct status_worker),
                                 label_worker};
    if (all.count == 0)
        return;
    put_family(out, "weir_worker_up", gauge, "1: the capture process sees packets.");
    for (size_t i = 0; i < all.count; i++) {
        buffer_text(out, "weir_worker_up");
        label_worker(out, &status->worker[i], i);
        put_whole(out, status->worker[i].state == STATUS_WORKER_RUNNING);
    }
    put_family(out, "weir_worker_ring_lasts_seconds", gauge,
               "How long the ring lasts at this rate while nobody reads it.");
    for (size_t i = 0; i < all.count; i++) {
        if (isnan(status->worker[i].ring_seconds))
            continue;
        buffer_text(out, "weir_worker_ring_lasts_seconds");
        label_worker(out, &status->worker[i], i);
        put_real(out, status->worker[i].ring_seconds);
    }
    put_fields(out, worker_field, COUNT(worker_field), &all);
}

static void put_interfaces(struct buffer *out, const struct status *status)
{
    if (status->interface_count > 0)
        put_family(out, "weir_interface_up", gauge, "1: the interface is up.");
    for (size_t i = 0; i < status->interface_count; i++) {
        const struct status_interface *interface = &status->interface[i];
        put_label(out, "weir_interface_up{", "interface", interface->name);
        put_label(out, ",", "vantage", interface->vantage);
        buffer_u8(out, '}');
        put_whole(out, interface->state == STATUS_INTERFACE_UP);
    }
}

/* --- the engine ------------------------------------------------------------------------------- */

static void put_engine(struct buffer *out, const struct status_engine *engine)
{
    const struct elements one = {engine, 1, sizeof *engine, NULL};
    put_fields(out, engine_field, COUNT(engine_field), &one);
    put_gauge(out, "weir_checkpoint_age_seconds", "Since the last snapshot, wall time.",
              engine->checkpoint_age_s);
    put_family(out, "weir_baselines", gauge, "Inside hosts by the state of their baseline.");
    buffer_text(out, "weir_baselines{state=\"ready\"} %" PRIu64 "\n", engine->hosts_ready);
    buffer_text(out, "weir_baselines{state=\"learning\"} %" PRIu64 "\n", engine->hosts_learning);
}

static void put_alerts(struct buffer *out, const struct status *status)
{
    static const char *const urgency[STATUS_URGENCIES] = {"digest", "shift", "now"};
    put_family(out, "weir_alerts_total", counter,
               "Alerts since the engine's process began, by detector or rule and by urgency.");
    for (size_t i = 0; i < status->alert_count; i++)
        for (size_t k = 0; k < STATUS_URGENCIES; k++) {
            put_label(out, "weir_alerts_total{", "detector", status->alerts[i].detector);
            put_label(out, ",", "urgency", urgency[k]);
            buffer_u8(out, '}');
            put_whole(out, status->alerts[i].alerts[k]);
        }
}

static void put_budget(struct buffer *out, const struct status_budget *budget)
{
    if (isnan(budget->per_host_day))
        return;
    put_gauge(out, "weir_budget_alerts_per_host_day",
              "Alerts a host and day: as asked for, and trimmed by what was told.",
              budget->per_host_day);
    put_gauge(out, "weir_budget_trim_ratio", "The factor it is trimmed by.", budget->trim);
    put_gauge(out, "weir_budget_day_alerts", "Alerts asked for in the day under way, so far.",
              budget->expected);
    put_gauge(out, "weir_budget_day_spent_alerts", "Alerts of it that were told.", budget->told);
}

/* --- Redis, the sinks ------------------------------------------------------------------------- */

static void put_waits(struct buffer *out, const struct status_waits *waits)
{
    uint64_t so_far = 0;
    if (waits->bound_count == 0)
        return;
    put_family(out, "weir_redis_command_seconds", "histogram",
               "How long commands waited for their answers, of this connection.");
    for (size_t i = 0; i < waits->bound_count; i++) {
        so_far += waits->answers[i];
        buffer_text(out, "weir_redis_command_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
                    (double)waits->bound_ns[i] / 1e9, so_far);
    }
    so_far += waits->answers[waits->bound_count];
    buffer_text(out, "weir_redis_command_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", so_far);
    buffer_text(out, "weir_redis_command_seconds_sum");
    put_real(out, (double)waits->sum_ns / 1e9);
    buffer_text(out, "weir_redis_command_seconds_count %" PRIu64 "\n", so_far);
}

static void put_redis(struct buffer *out, const struct status_redis *redis)
{
    const struct elements one = {redis, 1, sizeof *redis, NULL};
    put_gauge(out, "weir_redis_up", "1: it takes writes, so the sensor learns.", !redis->away);
    put_gauge(out, "weir_redis_behind", "1: hours of an absence are still to be closed.",
              redis->behind);
    put_fields(out, redis_field, COUNT(redis_field), &one);
    put_waits(out, &redis->waits);
}

static void put_courier(struct buffer *out, const struct status_courier *courier)
{
    put_gauge(out, "weir_courier_up", "1: the process of the sinks is at work.",
              courier->state == STATUS_WORKER_RUNNING ? 1.0 : 0.0);
    put_family(out, "weir_courier_restarts_total", counter, "Times it was restarted.");
    buffer_text(out, "weir_courier_restarts_total %" PRIu64 "\n", courier->restarts);
}

static void put_sinks(struct buffer *out, const struct status *status)
{
    const struct elements all = {status->sink, status->sink_count, sizeof(struct bus_status),
                                 label_sink};
    if (all.count == 0)
        return;
    put_family(out, "weir_sink_up", gauge, "0: it will not work again before a reload.");
    for (size_t i = 0; i < all.count; i++) {
        buffer_text(out, "weir_sink_up");
        label_sink(out, &status->sink[i], i);
        put_whole(out, !status->sink[i].dead);
    }
    put_fields(out, sink_field, COUNT(sink_field), &all);
}

char *metrics_text(const struct status *status)
{
    struct buffer out = {0};
    put_sensor(&out, status);
    put_coverage(&out, status->coverage);
    put_workers(&out, status);
    put_interfaces(&out, status);
    put_engine(&out, &status->engine);
    put_alerts(&out, status);
    put_budget(&out, &status->budget);
    put_redis(&out, &status->redis);
    put_courier(&out, &status->courier);
    put_sinks(&out, status);
    buffer_u8(&out, 0);
    return (char *)out.data;
}
