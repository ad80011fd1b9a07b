/* OCSF 1.9: a Detection Finding (class 2004, schema.ocsf.io). docs/schema/ocsf.json.
 *
 * An incident is the finding: its first alert creates it, the next update it, the last closes it
 * (activity_id), and finding_info.uid is the incident; metadata.uid is the alert. In the evidence
 * src_endpoint is who opened and dst_endpoint who was asked, as OCSF has them, so what left flowed
 * from dst to src where connection_info.direction_id is 1 (inbound). `device` is the inside host.
 * What OCSF has no place for is in unmapped.weir, as in the record.
 *
 * Heartbeats and what people did are Base Events (class 0). Times are milliseconds since 1970.
 * Thread: any. */
#include "formats.h"
#include "weir/alert/line.h"

#include "weir/alert/attack.h"
#include "weir/alert/severity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OCSF_VERSION "1.9.0"
#define OTHER        99
#define IP_ADDRESS   2 /* types of observables */
#define HOSTNAME     1

/* --- what both classes have ------------------------------------------------------------------- */

struct class_of {
    int64_t category, class, activity;
    const char *category_name, *class_name, *activity_name;
};

static void put_class(struct json *json, const struct class_of *of)
{
    char *type = xasprintf("%s: %s", of->class_name, of->activity_name);
    json_int(json, "activity_id", of->activity);
    json_str(json, "activity_name", of->activity_name);
    json_int(json, "category_uid", of->category);
    json_str(json, "category_name", of->category_name);
    json_int(json, "class_uid", of->class);
    json_str(json, "class_name", of->class_name);
    json_int(json, "type_uid", of->class * 100 + of->activity);
    json_str(json, "type_name", type);
    free(type);
}

static void put_time(struct json *json, const char *key, const struct json_value *record,
                     const char *path)
{
    int64_t ms;
    if (line_time_ms(record, path, &ms))
        json_int(json, key, ms);
}

static void put_severity(struct json *json, int64_t score)
{
    static const char *const name[SEVERITIES] = {"Informational", "Low", "Medium", "High",
                                                 "Critical"};
    enum severity severity = alert_severity(score);
    json_int(json, "severity_id", 1 + (int)severity);
    json_str(json, "severity", name[severity]);
}

static void put_metadata(struct json *json, const struct json_value *record)
{
    json_open(json, "metadata");
    json_str(json, "version", OCSF_VERSION);
    json_open(json, "product");
    json_str(json, "name", "weir");
    json_str(json, "vendor_name", "Weir");
    line_put_known(json, "version", line_text(record, "observer.version"));
    json_close(json);
    line_put_known(json, "uid", line_text(record, "event.id"));
    line_put_known(json, "correlation_uid", line_text(record, "weir.incident"));
    line_put_known(json, "log_name", line_text(record, "event.dataset"));
    line_put_known(json, "log_provider", line_text(record, "observer.name"));
    json_close(json);
}

/* --- the finding ------------------------------------------------------------------------------ */

static void put_named(struct json *json, const char *key, const char *id)
{
    if (!*id)
        return;
    json_open(json, key);
    json_str(json, "uid", id);
    const char *name = attack_name(id);
    if (name)
        json_str(json, "name", name);
    json_close(json);
}

static void put_attacks(struct json *json, const struct json_value *record)
{
    const char *tactic = line_text(record, "threat.tactic.id.0");
    const char *technique = line_text(record, "threat.technique.id.0");
    if (!*tactic && !*technique)
        return;
    json_list(json, "attacks");
    json_open(json, NULL);
    put_named(json, "tactic", tactic);
    put_named(json, "technique", technique);
    put_named(json, "sub_technique", line_text(record, "threat.technique.subtechnique.id.0"));
    json_close(json);
    json_close(json);
}

/* Fused rows are judged by probabilities, the others by a rule of their own. */
static void put_analytic(struct json *json, const struct json_value *record)
{
    bool statistical = json_find(record, "weir.reasons.0.p") != NULL;
    json_open(json, "analytic");
    line_put_known(json, "uid", line_text(record, "rule.id"));
    line_put_known(json, "name", line_text(record, "rule.name"));
    json_int(json, "type_id", statistical ? 3 : 1);
    json_str(json, "type", statistical ? "Statistical" : "Rule");
    line_put_known(json, "version", line_text(record, "rule.ruleset"));
    json_close(json);
}

static void put_finding(struct json *json, const struct json_value *record)
{
    const char *name = line_text(record, "rule.name");
    json_open(json, "finding_info");
    line_put_known(json, "uid", line_text(record, "weir.incident"));
    line_put_known(json, "title", *name ? name : line_text(record, "rule.id"));
    line_put_known(json, "desc", line_reason(record));
    put_time(json, "first_seen_time", record, "event.start");
    put_time(json, "last_seen_time", record, "event.end");
    put_analytic(json, record);
    put_attacks(json, record);
    json_close(json);
}

/* --- the evidence ----------------------------------------------------------------------------- */

/* The name a server was asked for by is the server's, wherever it is. */
static const char *server_name(const struct json_value *record)
{
    const char *name = line_text(record, "tls.client.server_name");
    return *name ? name : line_text(record, "url.domain");
}

/* `hidden`: `ip` is none, but a pseudonym. */
static void put_endpoint(struct json *json, const char *key, const char *ip, bool hidden,
                         int64_t port, const char *hostname)
{
    json_open(json, key);
    json_str(json, hidden ? "name" : "ip", ip);
    if (port >= 0)
        json_int(json, "port", port);
    line_put_known(json, "hostname", hostname);
    json_close(json);
}

static void put_connection(struct json *json, const struct json_value *record,
                           const struct line_ends *ends)
{
    json_open(json, "connection_info");
    json_int(json, "direction_id", ends->outside_opened ? 1 : 2);
    json_str(json, "direction", ends->outside_opened ? "Inbound" : "Outbound");
    line_put_known(json, "protocol_name", line_text(record, "network.transport"));
    line_put_known(json, "community_uid", line_text(record, "network.community_id"));
    json_close(json);
}

static void put_fingerprint(struct json *json, const struct json_value *record)
{
    const char *ja4 = line_text(record, "weir.ja4");
    if (!*ja4)
        return;
    json_list(json, "ja4_fingerprint_list");
    json_open(json, NULL);
    json_int(json, "type_id", 1);
    json_str(json, "type", "JA4");
    json_str(json, "value", ja4);
    json_close(json);
    json_close(json);
}

static void put_evidence(struct json *json, const struct json_value *record,
                         const struct line_ends *ends)
{
    bool opened = ends->outside_opened;
    json_list(json, "evidences");
    json_open(json, NULL);
    put_endpoint(json, "src_endpoint", opened ? ends->outside : ends->inside,
                 !opened && ends->inside_hidden, opened ? ends->outside_port : ends->inside_port,
                 "");
    put_endpoint(json, "dst_endpoint", opened ? ends->inside : ends->outside,
                 opened && ends->inside_hidden, opened ? ends->inside_port : ends->outside_port,
                 server_name(record));
    put_connection(json, record, ends);
    put_fingerprint(json, record);
    json_close(json);
    json_close(json);
}

static void put_device(struct json *json, const struct json_value *record,
                       const struct line_ends *ends)
{
    json_open(json, "device");
    json_int(json, "type_id", 0);
    json_str(json, "type", "Unknown");
    line_put_known(json, "uid", line_text(record, "host.id"));
    json_str(json, ends->inside_hidden ? "name" : "ip", ends->inside);
    line_put_known(json, "mac", line_text(record, "source.mac"));
    json_close(json);
}

static void put_observable(struct json *json, const char *name, int64_t type_id, const char *value)
{
    if (!*value)
        return;
    json_open(json, NULL);
    json_str(json, "name", name);
    json_int(json, "type_id", type_id);
    json_str(json, "type", type_id == HOSTNAME ? "Hostname" : "IP Address");
    line_put_known(json, "value", value);
    json_close(json);
}

static void put_observables(struct json *json, const struct json_value *record,
                            const struct line_ends *ends)
{
    bool opened = ends->outside_opened;
    const char *inside = ends->inside_hidden ? "" : ends->inside;
    json_list(json, "observables");
    put_observable(json, "evidences.src_endpoint.ip", IP_ADDRESS, opened ? ends->outside : inside);
    put_observable(json, "evidences.dst_endpoint.ip", IP_ADDRESS, opened ? inside : ends->outside);
    put_observable(json, "evidences.dst_endpoint.hostname", HOSTNAME, server_name(record));
    put_observable(json, "unmapped.destination.domain", HOSTNAME,
                   line_text(record, "destination.domain"));
    json_close(json);
}

/* --- the whole -------------------------------------------------------------------------------- */

static void put_unmapped(struct json *json, const struct json_value *record)
{
    const char *domain = line_text(record, "destination.domain");
    json_open(json, "unmapped");
    if (*domain) {
        json_open(json, "destination");
        line_put_known(json, "domain", domain);
        json_close(json);
    }
    line_put_same(json, "user", record, "user");
    line_put_same(json, "weir", record, "weir");
    json_close(json);
}

/* Nobody has looked at it yet (1), somebody does (2), a silence covers it (3), or it is over by
 * itself, for which OCSF has no word: "Resolved" would say that somebody resolved it. */
static void put_status(struct json *json, const struct json_value *record)
{
    bool silenced = line_is_silenced(record), closes = line_closes(record);
    bool looked_at = json_find(record, "weir.acknowledged") != NULL;
    json_int(json, "status_id", silenced ? 3 : closes ? OTHER : looked_at ? 2 : 1);
    json_str(json, "status",
             silenced    ? "Suppressed"
             : closes    ? "Ended"
             : looked_at ? "In Progress"
                         : "New");
    json_bool(json, "is_alert", !silenced && !closes);
}

static struct class_of class_of_alert(const struct json_value *record)
{
    bool opens = strcmp(line_text(record, "weir.state"), "open") == 0;
    bool closes = line_closes(record);
    return (struct class_of){.category = 2,
                             .class = 2004,
                             .activity = closes  ? 3
                                         : opens ? 1
                                                 : 2,
                             .category_name = "Findings",
                             .class_name = "Detection Finding",
                             .activity_name = closes  ? "Close"
                                              : opens ? "Create"
                                                      : "Update"};
}

static void put_alert(struct json *json, const struct json_value *record)
{
    struct class_of of = class_of_alert(record);
    int64_t score = line_whole(record, "weir.score", 0);
    struct line_ends ends;
    bool traffic = line_ends_of(record, &ends);
    put_class(json, &of);
    put_time(json, "time", record, "@timestamp");
    put_time(json, "start_time", record, "event.start");
    put_time(json, "end_time", record, "event.end");
    put_severity(json, score);
    put_status(json, record);
    json_int(json, "risk_score", score);
    line_put_known(json, "message", line_reason(record));
    put_metadata(json, record);
    put_finding(json, record);
    if (traffic) {
        put_evidence(json, record, &ends);
        put_device(json, record, &ends);
        put_observables(json, record, &ends);
    }
}

static void put_base(struct json *json, const struct json_value *record, bool heartbeat)
{
    const char *action = line_text(record, "event.action");
    struct class_of of = {.activity = OTHER,
                          .category_name = "Uncategorized",
                          .class_name = "Base Event",
                          .activity_name = heartbeat ? "Heartbeat"
                                           : *action ? action
                                                     : "Audit"};
    put_class(json, &of);
    put_time(json, "time", record, "@timestamp");
    put_severity(json, 0);
    line_put_known(json, "message", line_text(record, "message"));
    put_metadata(json, record);
}

static char *render(const struct json_value *record, const char *line, size_t size)
{
    enum line_kind kind = line_kind_of(record);
    (void)line;
    (void)size;
    if (kind == LINE_OTHER)
        return NULL;
    struct json *json = json_new();
    json_open(json, NULL);
    if (kind == LINE_ALERT)
        put_alert(json, record);
    else
        put_base(json, record, kind == LINE_HEARTBEAT);
    put_unmapped(json, record);
    json_close(json);
    char *text = json_take_text(json, 0);
    json_free(json);
    return text;
}

const struct line_format format_ocsf = {"ocsf", "application/json", render};
