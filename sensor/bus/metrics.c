/* The status as Prometheus text (prometheus.io: Exposition formats, 0.0.4). A family is one row of
 * a table: its name, type, help, and where in a struct its value is; what is not known (NAN, no
 * reload yet) has no sample. Families of one struct come together, each with all its samples, as
 * the format asks. Order is that of the tables. Thread: any (pure). */
#include "weir/bus/metrics.h"

#include "metrics_put.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* --- tables ----------------------------------------------------------------------------------- */

#define FIELD(member, type, name, help)                                                            \
    {                                                                                              \
        name, type, help, offsetof(struct OF, member)                                              \
    }
#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

#define OF status_evidence
static const struct metrics_row evidence_field[] = {
    FIELD(restarts, metrics_counter, "weir_evidence_keeper_restarts_total",
          "Times the keeper of evidence was restarted."),
    FIELD(held_packets, metrics_counter, "weir_evidence_held_packets_total",
          "Packets that capture held for a while."),
    FIELD(held_bytes, metrics_counter, "weir_evidence_held_bytes_total", "Bytes of them."),
    FIELD(overwritten, metrics_counter, "weir_evidence_overwritten_packets_total",
          "Packets held that later ones have overwritten."),
    FIELD(incidents, metrics_gauge_type, "weir_evidence_incidents",
          "Incidents that evidence is kept of."),
    FIELD(packets, metrics_counter, "weir_evidence_kept_packets_total",
          "Packets kept, since the keeper's process began."),
    FIELD(bytes, metrics_gauge_type, "weir_evidence_kept_size_bytes", "Size of all evidence."),
    FIELD(missed, metrics_counter, "weir_evidence_missed_packets_total",
          "Packets overwritten before the keeper looked at them, while incidents were open."),
    FIELD(beyond, metrics_counter, "weir_evidence_beyond_packets_total",
          "Packets of incidents that had no room."),
    FIELD(beyond_incidents, metrics_counter, "weir_evidence_beyond_incidents_total",
          "Incidents that had no room."),
    FIELD(removed, metrics_counter, "weir_evidence_removed_total",
          "Incidents whose evidence's time was over."),
    FIELD(removed_for_room, metrics_counter, "weir_evidence_removed_for_room_total",
          "Incidents whose evidence gave way to a higher score."),
    FIELD(failures, metrics_counter, "weir_evidence_failures_total",
          "Times that something could not be written, or read from what is held."),
};
#undef OF

#define OF status_worker
static const struct metrics_row worker_field[] = {
    FIELD(restarts, metrics_counter, "weir_worker_restarts_total",
          "Times a capture process was restarted."),
    FIELD(packets, metrics_counter, "weir_worker_packets_total",
          "Packets read by a capture process."),
    FIELD(kernel_drops, metrics_counter, "weir_worker_kernel_dropped_packets_total",
          "Packets that the kernel had no room for."),
    FIELD(interface_drops, metrics_counter, "weir_worker_interface_dropped_packets_total",
          "Packets that the interface had no room for."),
    FIELD(ring_bytes, metrics_gauge_type, "weir_worker_ring_size_bytes",
          "Size of the ring between a capture process and the engine."),
    FIELD(ring_used_bytes, metrics_gauge_type, "weir_worker_ring_used_bytes",
          "Bytes in the ring that the engine has not taken yet."),
    FIELD(parked, metrics_gauge_type, "weir_worker_parked_flows",
          "Ended flows that wait for room in the ring."),
};
#undef OF

#define OF status_engine
static const struct metrics_row engine_field[] = {
    FIELD(restarts, metrics_counter, "weir_engine_restarts_total",
          "Times the engine was restarted."),
    FIELD(records, metrics_counter, "weir_engine_records_total", "Records judged."),
    FIELD(records_late, metrics_counter, "weir_engine_late_records_total",
          "Records that came behind their watermark."),
    FIELD(alerts, metrics_counter, "weir_engine_alerts_total",
          "Alerts raised since the sensor began, over restarts of its processes."),
    FIELD(alerts_silenced, metrics_counter, "weir_engine_silenced_alerts_total",
          "Of those, alerts that a silence covered when they were told."),
    FIELD(silenced_bytes, metrics_counter, "weir_engine_silenced_bytes_total",
          "Bytes that newly left with them."),
    FIELD(alerts_quiet, metrics_counter, "weir_engine_quiet_alerts_total",
          "Alerts of acknowledged incidents, which wake nobody."),
    FIELD(hosts, metrics_gauge_type, "weir_hosts", "Inside hosts with a profile."),
    FIELD(incidents_open, metrics_gauge_type, "weir_incidents_open", "Incidents that are open."),
    FIELD(open_flows, metrics_gauge_type, "weir_open_flows", "Flows that have not ended."),
    FIELD(waiting_records, metrics_gauge_type, "weir_waiting_records",
          "Records that wait for the smallest watermark."),
    FIELD(checkpoint_bytes, metrics_gauge_type, "weir_checkpoint_size_bytes",
          "Size of the checkpoint."),
    FIELD(snapshots, metrics_counter, "weir_checkpoint_snapshots_total", "Snapshots written."),
    FIELD(closing_hours, metrics_gauge_type, "weir_closing_hours",
          "Site hours that are over and not closed for all sensors yet."),
    FIELD(closing_waited, metrics_gauge_type, "weir_closing_waited_sensors",
          "Sensors that they wait for."),
    FIELD(totals_late, metrics_counter, "weir_late_totals_total",
          "Host-hours that were closed without this sensor's totals."),
    FIELD(halves_joined, metrics_counter, "weir_halves_joined_total",
          "Flows seen in one direction whose other one another sensor saw."),
    FIELD(flows_rejoined, metrics_counter, "weir_rejoined_flows_total",
          "Of these, ended TCP flows that count as one-sided here."),
    FIELD(flows_drifted, metrics_counter, "weir_drifted_flows_total",
          "Flows that asked for functions which their conduit's observed list lacks."),
};
#undef OF

#define OF status_redis
static const struct metrics_row redis_field[] = {
    FIELD(pending, metrics_gauge_type, "weir_redis_pending_commands",
          "Commands without an answer yet."),
    FIELD(refused, metrics_counter, "weir_redis_refused_commands_total",
          "Commands that Redis refused."),
    FIELD(absences, metrics_counter, "weir_redis_absences_total", "Times that Redis went away."),
    FIELD(hours_open, metrics_gauge_type, "weir_spool_open_hours",
          "Site hours that are not closed: what waits for Redis, and the present one."),
    FIELD(host_hours_open, metrics_gauge_type, "weir_spool_open_host_hours",
          "Hosts in those hours."),
    FIELD(hours_unlearned, metrics_counter, "weir_spool_unlearned_hours_total",
          "Hours that waited longer than there is room, and are not learned."),
    FIELD(unlearned_bytes, metrics_counter, "weir_spool_unlearned_bytes_total",
          "Bytes that left in the hours that are not learned."),
    FIELD(profiles_damaged, metrics_counter, "weir_baselines_damaged_total",
          "Stored profiles that are none: their hosts are judged by their peers."),
};
#undef OF

#define OF status_journal
static const struct metrics_row journal_field[] = {
    FIELD(last, metrics_gauge_type, "weir_journal_last_sequence",
          "Number of the record appended last."),
    FIELD(durable, metrics_gauge_type, "weir_journal_durable_sequence",
          "Number of the record synced last."),
    FIELD(segments, metrics_gauge_type, "weir_journal_segments", "Segments on the disk."),
    FIELD(bytes, metrics_gauge_type, "weir_journal_size_bytes", "Bytes of them."),
    FIELD(deleted, metrics_counter, "weir_journal_deleted_segments_total",
          "Segments deleted for age or room."),
    FIELD(deleted_untold, metrics_counter, "weir_journal_untold_records_total",
          "Of those, records that a sink had not been told."),
    FIELD(failures, metrics_counter, "weir_journal_failures_total",
          "Times that appending or syncing failed."),
    FIELD(held, metrics_gauge_type, "weir_journal_held_records",
          "Records in memory for want of a disk."),
    FIELD(held_bytes, metrics_gauge_type, "weir_journal_held_bytes", "Bytes of them."),
    FIELD(given_up, metrics_counter, "weir_journal_given_up_records_total",
          "Records that there was no room for either."),
};
#undef OF

#define OF bus_status
static const struct metrics_row sink_field[] = {
    FIELD(delivered, metrics_counter, "weir_sink_delivered_records_total",
          "Records that a sink took."),
    FIELD(behind, metrics_gauge_type, "weir_sink_lag_records",
          "Records in the journal that it has not taken."),
    FIELD(oldest_s, metrics_gauge_type, "weir_sink_lag_seconds",
          "How long the first of those waits."),
    FIELD(failures, metrics_counter, "weir_sink_failures_total", "Tries that failed."),
    FIELD(retries, metrics_counter, "weir_sink_retries_total", "Tries after a failure."),
    FIELD(refused, metrics_counter, "weir_sink_refused_records_total",
          "Records that the other end will never take: they are in the dead letters."),
    FIELD(lost_letters, metrics_counter, "weir_sink_lost_letters_total",
          "Of those, records that could not be written there."),
    FIELD(filtered, metrics_counter, "weir_sink_filtered_records_total",
          "Records that were not for it."),
    FIELD(silenced, metrics_counter, "weir_sink_silenced_records_total",
          "Alerts that it was not told for a silence."),
    FIELD(damaged, metrics_counter, "weir_sink_damaged_places_total",
          "Places where the journal could not be read."),
};
#undef OF

#define OF status_api
static const struct metrics_row api_field[] = {
    FIELD(counts.requests, metrics_counter, "weir_api_requests_total",
          "Requests that were read whole and answered."),
    FIELD(counts.refused, metrics_counter, "weir_api_refused_connections_total",
          "Connections that were too many, or not taken for want of descriptors."),
    FIELD(counts.bad, metrics_counter, "weir_api_bad_requests_total",
          "Clients that sent no HTTP, too much or too slowly, or went away while they asked."),
    FIELD(counts.denied, metrics_counter, "weir_api_denied_requests_total",
          "Requests of whoever may not ask that."),
    FIELD(counts.waited, metrics_counter, "weir_api_waited_requests_total",
          "Times that a client waited for the listener's next share of the engine's time."),
    FIELD(counts.unserved, metrics_counter, "weir_api_unserved_requests_total",
          "Clients that were let go since there was no time for them."),
    FIELD(counts.streams, metrics_gauge_type, "weir_api_streams",
          "Connections that are told events."),
    FIELD(counts.slow, metrics_counter, "weir_api_slow_streams_total",
          "Such connections that were let go: they did not take what they were told."),
};
#undef OF

#define OF console_counts
static const struct metrics_row console_field[] = {
    FIELD(sessions, metrics_gauge_type, "weir_console_sessions",
          "Who is logged in to the console."),
    FIELD(crowded, metrics_counter, "weir_console_crowded_sessions_total",
          "Sessions that ended for want of room."),
    FIELD(off, metrics_gauge_type, "weir_console_off",
          "1: the console's files could not be read at a restart of the engine."),
    FIELD(logins, metrics_counter, "weir_console_logins_total", "Sessions that began."),
    FIELD(failures, metrics_counter, "weir_console_login_failures_total",
          "Tries to log in with a wrong password or token."),
    FIELD(locked, metrics_counter, "weir_console_lockouts_total",
          "Of these, that locked somebody out for a while."),
    FIELD(strangers, metrics_counter, "weir_console_strange_requests_total",
          "Requests with a Host or an Origin that is not the console's."),
    FIELD(forged, metrics_counter, "weir_console_forged_requests_total",
          "Requests without the session's CSRF token."),
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
    metrics_label(out, "{", "sink", sink->name);
    metrics_label(out, ",", "type", sink->type);
    buffer_u8(out, '}');
}

static void label_api(struct buffer *out, const void *element, size_t index)
{
    const struct status_api *api = element;
    (void)index;
    metrics_label(out, "{", "listener", api->listener);
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
    metrics_family(out, "weir_build_info", metrics_gauge_type, "1; version and sensor are labels.");
    metrics_label(out, "weir_build_info{", "version", status->version);
    metrics_label(out, ",", "sensor", status->sensor);
    buffer_text(out, "} 1\n");
    metrics_gauge(out, "weir_start_time_seconds", "When the sensor began, wall clock since 1970.",
                  seconds_of(status->started));
    metrics_gauge(out, "weir_judged_time_seconds",
                  "Packet time since 1970 up to which everything is judged.",
                  seconds_of(status->now));
    metrics_gauge(out, "weir_config_generation",
                  "1 at the start, one more with each reload in effect.",
                  (double)status->generation);
    metrics_gauge(out, "weir_config_last_reload_successful",
                  "1: the last reload was taken; 0: refused.",
                  !reload->known ? NAN
                  : reload->ok   ? 1.0
                                 : 0.0);
    metrics_gauge(out, "weir_blind_spots", "Things that the sensor knows it does not see now.",
                  (double)status->blind_count);
}

#define OF health
static const struct metrics_row sight_field[] = {
    FIELD(packets, metrics_counter, "weir_packets_total", "Packets read."),
    FIELD(wire_bytes, metrics_counter, "weir_wire_bytes_total", "Bytes of them, on the wire."),
    FIELD(flows, metrics_counter, "weir_flows_total", "Flows begun."),
    FIELD(tcp_missing_bytes, metrics_gauge_type, "weir_tcp_missing_bytes",
          "TCP payload that was not seen."),
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
    const struct metrics_elements one = {total ? total : &none, 1, sizeof none, NULL};
    const struct health *seen = one.first;
    metrics_fields(out, sight_field, COUNT(sight_field), &one);
    metrics_family(out, "weir_dropped_packets_total", metrics_counter,
                   "Packets that were lost before the sensor read them.");
    buffer_text(out, "weir_dropped_packets_total{kind=\"kernel\"} %" PRIu64 "\n",
                seen->kernel_drops);
    buffer_text(out, "weir_dropped_packets_total{kind=\"interface\"} %" PRIu64 "\n",
                seen->interface_drops);
    put_counters(out, seen);
}

static void put_workers(struct buffer *out, const struct status *status)
{
    const struct metrics_elements all = {status->worker, status->worker_count,
                                         sizeof(struct status_worker), label_worker};
    if (all.count == 0)
        return;
    metrics_family(out, "weir_worker_up", metrics_gauge_type,
                   "1: the capture process sees packets.");
    for (size_t i = 0; i < all.count; i++) {
        buffer_text(out, "weir_worker_up");
        label_worker(out, &status->worker[i], i);
        metrics_whole(out, status->worker[i].state == STATUS_WORKER_RUNNING);
    }
    metrics_family(out, "weir_worker_ring_lasts_seconds", metrics_gauge_type,
                   "How long the ring lasts at this rate while nobody reads it.");
    for (size_t i = 0; i < all.count; i++) {
        if (isnan(status->worker[i].ring_seconds))
            continue;
        buffer_text(out, "weir_worker_ring_lasts_seconds");
        label_worker(out, &status->worker[i], i);
        metrics_real(out, status->worker[i].ring_seconds);
    }
    metrics_fields(out, worker_field, COUNT(worker_field), &all);
}

static void put_interfaces(struct buffer *out, const struct status *status)
{
    if (status->interface_count > 0)
        metrics_family(out, "weir_interface_up", metrics_gauge_type, "1: the interface is up.");
    for (size_t i = 0; i < status->interface_count; i++) {
        const struct status_interface *interface = &status->interface[i];
        metrics_label(out, "weir_interface_up{", "interface", interface->name);
        metrics_label(out, ",", "vantage", interface->vantage);
        buffer_u8(out, '}');
        metrics_whole(out, interface->state == STATUS_INTERFACE_UP);
    }
}

/* What reached a bound in the engine, by the names that it has in the status. */
static void put_bounds(struct buffer *out, const struct status *status)
{
    for (size_t i = 0; i < status->bound_count; i++) {
        const struct bound_count *bound = &status->bound[i];
        buffer_text(out,
                    "# HELP weir_bound_%s_total Of what reached a bound in the engine: %s.\n"
                    "# TYPE weir_bound_%s_total counter\nweir_bound_%s_total %" PRIu64 "\n",
                    bound->name, bound->text, bound->name, bound->name, bound->count);
    }
}

/* --- the engine ------------------------------------------------------------------------------- */

static void put_engine(struct buffer *out, const struct status_engine *engine)
{
    const struct metrics_elements one = {engine, 1, sizeof *engine, NULL};
    metrics_fields(out, engine_field, COUNT(engine_field), &one);
    metrics_gauge(out, "weir_checkpoint_age_seconds", "Since the last snapshot, wall time.",
                  engine->checkpoint_age_s);
    metrics_family(out, "weir_baselines", metrics_gauge_type,
                   "Inside hosts by the state of their baseline.");
    buffer_text(out, "weir_baselines{state=\"ready\"} %" PRIu64 "\n", engine->hosts_ready);
    buffer_text(out, "weir_baselines{state=\"learning\"} %" PRIu64 "\n", engine->hosts_learning);
}

/* --- Redis, the sinks ------------------------------------------------------------------------- */

static void put_waits(struct buffer *out, const struct status_waits *waits)
{
    uint64_t so_far = 0;
    if (waits->bound_count == 0)
        return;
    metrics_family(out, "weir_redis_command_seconds", "histogram",
                   "How long commands waited for their answers, of this connection.");
    for (size_t i = 0; i < waits->bound_count; i++) {
        so_far += waits->answers[i];
        buffer_text(out, "weir_redis_command_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
                    (double)waits->bound_ns[i] / 1e9, so_far);
    }
    so_far += waits->answers[waits->bound_count];
    buffer_text(out, "weir_redis_command_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", so_far);
    buffer_text(out, "weir_redis_command_seconds_sum");
    metrics_real(out, (double)waits->sum_ns / 1e9);
    buffer_text(out, "weir_redis_command_seconds_count %" PRIu64 "\n", so_far);
}

static void put_redis(struct buffer *out, const struct status_redis *redis)
{
    const struct metrics_elements one = {redis, 1, sizeof *redis, NULL};
    metrics_gauge(out, "weir_redis_up", "1: it takes writes, so the sensor learns.", !redis->away);
    metrics_gauge(out, "weir_redis_behind", "1: hours of an absence are still to be closed.",
                  redis->behind);
    metrics_fields(out, redis_field, COUNT(redis_field), &one);
    put_waits(out, &redis->waits);
}

static void put_journal(struct buffer *out, const struct status_journal *journal)
{
    const struct metrics_elements one = {journal, 1, sizeof *journal, NULL};
    metrics_gauge(out, "weir_journal_up", "0: the journal cannot be written, or soon cannot.",
                  journal->trouble ? 0.0 : 1.0);
    metrics_fields(out, journal_field, COUNT(journal_field), &one);
}

static void put_courier(struct buffer *out, const struct status_courier *courier)
{
    metrics_gauge(out, "weir_courier_up", "1: the process of the sinks is at work.",
                  courier->state == STATUS_WORKER_RUNNING ? 1.0 : 0.0);
    metrics_family(out, "weir_courier_restarts_total", metrics_counter, "Times it was restarted.");
    buffer_text(out, "weir_courier_restarts_total %" PRIu64 "\n", courier->restarts);
}

static void put_evidence(struct buffer *out, const struct status_evidence *evidence)
{
    const struct metrics_elements one = {evidence, 1, sizeof *evidence, NULL};
    if (!evidence->enabled)
        return;
    metrics_gauge(out, "weir_evidence_keeper_up", "1: the keeper of evidence is at work.",
                  evidence->pid > 0 ? 1.0 : 0.0);
    metrics_fields(out, evidence_field, COUNT(evidence_field), &one);
}

static void put_sinks(struct buffer *out, const struct status *status)
{
    const struct metrics_elements all = {status->sink, status->sink_count,
                                         sizeof(struct bus_status), label_sink};
    if (all.count == 0)
        return;
    metrics_family(out, "weir_sink_up", metrics_gauge_type,
                   "0: it will not work again before a reload.");
    for (size_t i = 0; i < all.count; i++) {
        buffer_text(out, "weir_sink_up");
        label_sink(out, &status->sink[i], i);
        metrics_whole(out, !status->sink[i].dead);
    }
    metrics_fields(out, sink_field, COUNT(sink_field), &all);
}

static void put_apis(struct buffer *out, const struct status *status)
{
    const struct metrics_elements all = {status->api, status->api_count, sizeof(struct status_api),
                                         label_api};
    metrics_fields(out, api_field, COUNT(api_field), &all);
}

static void put_console(struct buffer *out, const struct status *status)
{
    const struct metrics_elements all = {status->console, 1, sizeof *status->console, NULL};
    if (status->console)
        metrics_fields(out, console_field, COUNT(console_field), &all);
}

char *metrics_text(const struct status *status)
{
    struct buffer out = {0};
    put_sensor(&out, status);
    put_coverage(&out, status->coverage);
    put_workers(&out, status);
    put_interfaces(&out, status);
    put_engine(&out, &status->engine);
    put_bounds(&out, status);
    metrics_alerts(&out, status);
    put_redis(&out, &status->redis);
    put_journal(&out, &status->journal);
    put_courier(&out, &status->courier);
    put_evidence(&out, &status->evidence);
    put_sinks(&out, status);
    put_apis(&out, status);
    put_console(&out, status);
    buffer_u8(&out, 0);
    return (char *)out.data;
}
