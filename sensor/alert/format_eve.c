/* EVE: Suricata's line of JSON, for whoever reads Suricata already. Names and types are those of
 * its EVE schema; what is ours stands under "weir". docs/schema/eve.json.
 *
 * In an EVE alert src is who sent the packet that was alerted on. Here that is always the inside
 * host, whose bytes left; dest is the remote. Who opened is in `direction` and in `flow`, whose
 * src is the opener, as in Suricata. `flow` is the largest one; the whole story's bytes are
 * weir.out_bytes. `flow_id` is 51 bits of a hash of the community ID, so both ends of a
 * correlation can compute it. `signature_id` is 1,000,000,000 to 1,999,999,999 by a hash of the
 * rule's id: none of Suricata's own, the local or the shared ranges, and in 32 signed bits.
 * Severity is Suricata's: 1 is the worst.
 *
 * A heartbeat is event_type "stats", what people did is "audit" (our own). Thread: any. */
#include "formats.h"
#include "weir/alert/line.h"

#include "weir/alert/attack.h"
#include "weir/base/digest.h"
#include "weir/detect/detector.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURE_BASE  INT64_C(1000000000)
#define SIGNATURE_RANGE UINT64_C(1000000000)
#define FLOW_ID_BITS    51 /* a whole number in every reader of JSON */

/* "…07.201Z" → "…07.201000+0000" */
static void put_time(struct json *json, const char *key, const char *text)
{
    size_t size = strlen(text);
    if (size == 0 || text[size - 1] != 'Z')
        return;
    char *eve = xasprintf("%.*s000+0000", (int)(size - 1), text);
    json_str(json, key, eve);
    free(eve);
}

static void put_head(struct json *json, const struct json_value *record, const char *event_type)
{
    json_open(json, NULL);
    put_time(json, "timestamp", line_text(record, "@timestamp"));
    const char *flow = line_text(record, "network.community_id");
    if (*flow)
        json_uint(json, "flow_id",
                  hash64(flow, strlen(flow), 0) & ((UINT64_C(1) << FLOW_ID_BITS) - 1));
    line_put_known(json, "host", line_text(record, "observer.name"));
    json_str(json, "event_type", event_type);
}

static void put_port(struct json *json, const char *key, int64_t port)
{
    if (port >= 0)
        json_int(json, key, port);
}

/* "TCP"; ICMPv6 and numbers as Suricata has them. */
static void put_proto(struct json *json, const char *transport)
{
    char text[32];
    size_t size = strlen(transport);
    if (size == 0 || size >= sizeof text)
        return;
    for (size_t i = 0; i <= size; i++)
        text[i] = (char)toupper((unsigned char)transport[i]);
    json_str(json, "proto", strcmp(text, "ICMP6") == 0 ? "IPv6-ICMP" : text);
}

static const char *app_proto(const char *protocol)
{
    return strcmp(protocol, "cip") == 0 ? "enip" : protocol;
}

static void put_ends(struct json *json, const struct json_value *record,
                     const struct line_ends *ends)
{
    if (!ends->inside_hidden) /* readers take these for addresses */
        json_str(json, "src_ip", ends->inside);
    put_port(json, "src_port", ends->inside_port);
    json_str(json, "dest_ip", ends->outside);
    put_port(json, "dest_port", ends->outside_port);
    put_proto(json, line_text(record, "network.transport"));
    line_put_known(json, "community_id", line_text(record, "network.community_id"));
    line_put_known(json, "app_proto", app_proto(line_text(record, "network.protocol")));
    json_str(json, "direction", ends->outside_opened ? "to_client" : "to_server");
}

/* --- the alert -------------------------------------------------------------------------------- */

static int severity_of(int64_t score)
{
    return score >= URGENT_SCORE ? 1 : score >= SHIFT_SCORE ? 2 : 3;
}

/* Suricata's class types, by what is claimed and no more. */
static const char *category_of(const char *tactic)
{
    if (strcmp(tactic, "TA0010") == 0)
        return "Information Leak"; /* successful-recon-limited */
    if (strcmp(tactic, "TA0011") == 0 || strcmp(tactic, "TA0009") == 0)
        return "Potentially Bad Traffic"; /* bad-unknown */
    return "Misc activity";               /* misc-activity */
}

static void put_listed(struct json *json, const char *key, const char *text)
{
    if (!text || !*text)
        return;
    json_list(json, key);
    json_str(json, NULL, text);
    json_close(json);
}

/* With underscores, as rules carry names in their metadata. */
static void put_name(struct json *json, const char *key, const char *id)
{
    const char *name = attack_name(id);
    if (!name)
        return;
    char *copy = xstrdup(name);
    for (char *at = copy; *at; at++)
        if (*at == ' ')
            *at = '_';
    put_listed(json, key, copy);
    free(copy);
}

static void put_metadata(struct json *json, const struct json_value *record, int severity)
{
    static const char *const word[] = {"", "Critical", "Major", "Minor"};
    const char *tactic = line_text(record, "threat.tactic.id.0");
    const char *technique = line_text(record, "threat.technique.subtechnique.id.0");
    if (!*technique)
        technique = line_text(record, "threat.technique.id.0");
    json_open(json, "metadata");
    put_listed(json, "mitre_tactic_id", tactic);
    put_name(json, "mitre_tactic_name", tactic);
    put_listed(json, "mitre_technique_id", technique);
    put_name(json, "mitre_technique_name", technique);
    put_listed(json, "signature_severity", word[severity]);
    json_close(json);
}

static void put_alert(struct json *json, const struct json_value *record)
{
    const char *rule = line_text(record, "rule.id"), *name = line_text(record, "rule.name");
    int severity = severity_of(line_whole(record, "weir.score", 0));
    json_open(json, "alert");
    json_str(json, "action", "allowed");
    json_int(json, "gid", 1);
    json_int(json, "signature_id",
             SIGNATURE_BASE + (int64_t)(hash64(rule, strlen(rule), 0) % SIGNATURE_RANGE));
    json_int(json, "rev", 1);
    line_put_known(json, "signature", *name ? name : rule);
    json_str(json, "category", category_of(line_text(record, "threat.tactic.id.0")));
    json_int(json, "severity", severity);
    put_metadata(json, record, severity);
    json_close(json);
}

static void put_tls(struct json *json, const struct json_value *record)
{
    const char *sni = line_text(record, "tls.client.server_name");
    const char *ja3 = line_text(record, "tls.client.ja3"), *ja4 = line_text(record, "weir.ja4");
    if (!*sni && !*ja3 && !*ja4)
        return;
    json_open(json, "tls");
    line_put_known(json, "sni", sni);
    if (*ja3) {
        json_open(json, "ja3");
        json_str(json, "hash", ja3);
        json_close(json);
    }
    line_put_known(json, "ja4", ja4);
    json_close(json);
}

static void put_http(struct json *json, const struct json_value *record)
{
    const char *name = line_text(record, "url.domain");
    if (!*name)
        return;
    json_open(json, "http");
    line_put_known(json, "hostname", name);
    json_close(json);
}

static void put_flow(struct json *json, const struct json_value *record,
                     const struct line_ends *ends)
{
    const struct json_value *flow = json_find(record, "weir.flows.0");
    int64_t bytes = line_whole(flow, "out_bytes", -1);
    bool opened = ends->outside_opened;
    if (!flow)
        return;
    json_open(json, "flow");
    if (bytes >= 0)
        json_int(json, opened ? "bytes_toclient" : "bytes_toserver", bytes);
    put_time(json, "start", line_text(flow, "start"));
    if (opened || !ends->inside_hidden)
        json_str(json, "src_ip", opened ? ends->outside : ends->inside);
    if (!opened || !ends->inside_hidden)
        json_str(json, "dest_ip", opened ? ends->inside : ends->outside);
    put_port(json, "src_port", opened ? ends->outside_port : ends->inside_port);
    put_port(json, "dest_port", opened ? ends->inside_port : ends->outside_port);
    json_close(json);
}

/* --- what is ours ----------------------------------------------------------------------------- */

static void put_weir(struct json *json, const struct json_value *record)
{
    json_open(json, "weir");
    line_put_known(json, "id", line_text(record, "event.id"));
    line_put_known(json, "rule", line_text(record, "rule.id"));
    line_put_known(json, "ruleset", line_text(record, "rule.ruleset"));
    line_put_known(json, "start", line_text(record, "event.start"));
    line_put_known(json, "end", line_text(record, "event.end"));
    line_put_known(json, "destination", line_text(record, "destination.domain"));
    line_put_known(json, "source", line_text(record, "source.address"));
    line_put_same(json, "host", record, "host");
    for (struct json_walk walk = json_members(json_get(record, "weir")); json_step(&walk);)
        json_put(json, walk.key, walk.value);
    line_put_known(json, "version", line_text(record, "observer.version"));
    json_close(json);
}

static void put_whole(struct json *json, const char *key, const struct json_value *record,
                      const char *path)
{
    int64_t value = line_whole(record, path, -1);
    if (value >= 0)
        json_int(json, key, value);
}

static void put_stats(struct json *json, const struct json_value *record)
{
    json_open(json, "stats");
    json_open(json, "capture");
    put_whole(json, "kernel_drops", record, "weir.drops");
    json_close(json);
    json_open(json, "decoder");
    put_whole(json, "pkts", record, "weir.packets");
    put_whole(json, "bytes", record, "weir.wire_bytes");
    json_close(json);
    json_open(json, "detect");
    put_whole(json, "alert", record, "weir.alerts");
    json_close(json);
    json_close(json);
}

static void put_audit(struct json *json, const struct json_value *record)
{
    json_open(json, "audit");
    line_put_known(json, "action", line_text(record, "event.action"));
    line_put_known(json, "user", line_text(record, "user.name"));
    line_put_known(json, "message", line_text(record, "message"));
    json_close(json);
}

static char *finish(struct json *json, const struct json_value *record)
{
    put_weir(json, record);
    json_close(json);
    char *line = json_take_text(json, 0);
    json_free(json);
    return line;
}

static char *render_alert(const struct json_value *record)
{
    struct json *json = json_new();
    struct line_ends ends;
    bool traffic = line_ends_of(record, &ends);
    put_head(json, record, "alert");
    if (traffic)
        put_ends(json, record, &ends);
    put_alert(json, record);
    put_tls(json, record);
    put_http(json, record);
    if (traffic)
        put_flow(json, record, &ends);
    return finish(json, record);
}

static char *render(const struct json_value *record, const char *line, size_t size)
{
    enum line_kind kind = line_kind_of(record);
    (void)line;
    (void)size;
    if (kind == LINE_OTHER)
        return NULL;
    if (kind == LINE_ALERT)
        return render_alert(record);
    struct json *json = json_new();
    put_head(json, record, kind == LINE_HEARTBEAT ? "stats" : "audit");
    if (kind == LINE_HEARTBEAT)
        put_stats(json, record);
    else
        put_audit(json, record);
    return finish(json, record);
}

const struct line_format format_eve = {"eve", "application/json", render};
