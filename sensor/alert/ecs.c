/* An alert as one line of the Elastic Common Schema 8, what is ours under "weir".
 *
 * The order of the fields is the order of the functions here, and part of the contract: the same
 * alert is the same bytes. Deviations from ECS, so that one query finds all that left: `source` is
 * always the inside host and `destination` the remote; who opened is in client, server,
 * weir.initiator and network.direction ("inbound": the outside opened most of the flows).
 *
 * Of a flow in a tunnel, weir.tunnel describes the tunnel of the largest flow. Where the tunnel's
 * addresses decided that it leaves ("decides"), source, destination, client and server are its ends
 * and weir.tunnel.inner has the flow's own; else they are the flow's own. Community IDs are always
 * of a flow's own addresses.
 *
 * What is not known is left out, never written as 0 or "": p of an absolute finding, the expected
 * range when nothing was observed before, ATT&CK ids a detector has none of. The sensor's own
 * alerts have no traffic, so they have no source, destination, network or figures of it. Pure but
 * for the writer it is handed. */
#include "ecs.h"

#include "ids.h"
#include "weir/alert/counted.h"
#include "weir/alert/noise.h"
#include "weir/alert/tunnel.h"
#include "weir/base/device.h"
#include "weir/base/digest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_REAL 9007199254740992.0 /* 2^53: whole numbers below it are exact */

static bool outside_opened(const struct story *story)
{
    return story->flows_outside > story->flows_inside;
}

void ecs_open(struct json *json, struct ptime time)
{
    json_open(json, NULL);
    json_time(json, "@timestamp", time);
    json_open(json, "ecs");
    json_str(json, "version", "8.11");
    json_close(json);
}

static void put_ip(struct json *json, const char *key, const struct ip *ip)
{
    char text[IP_TEXT_SIZE];
    json_str(json, key, ip_text(ip, text));
}

static void put_known(struct json *json, const char *key, const char *text)
{
    if (text && *text)
        json_str(json, key, text);
}

/* Bytes and counts are written as whole numbers, shares and probabilities as reals. */
static void put_number(struct json *json, const char *key, double value)
{
    if (!isfinite(value))
        json_none(json, key);
    else if (fabs(value) < EXACT_REAL && value >= trunc(value) && value <= trunc(value))
        json_int(json, key, (int64_t)value);
    else
        json_number(json, key, value);
}

/* --- what it is ------------------------------------------------------------------------------- */

static void put_event(struct json *json, const struct alert *alert)
{
    json_open(json, "event");
    json_str(json, "kind", "alert");
    json_list(json, "category");
    json_str(json, NULL, "network");
    json_close(json);
    json_str(json, "module", "weir");
    json_str(json, "dataset", "weir.alert");
    json_str(json, "id", alert->id);
    json_int(json, "severity", alert->finding.score);
    json_int(json, "risk_score", alert->finding.score);
    json_time(json, "start", alert->story.first);
    json_time(json, "end", alert->story.last);
    json_close(json);
}

static void put_rule(struct json *json, const struct alert *alert)
{
    json_open(json, "rule");
    json_str(json, "id", alert->finding.detector->id);
    put_known(json, "name", alert->finding.detector->name);
    put_known(json, "ruleset", alert->ruleset);
    json_close(json);
}

static void open_ids(struct json *json, const char *key, const char *id)
{
    json_open(json, key);
    json_list(json, "id");
    json_str(json, NULL, id);
    json_close(json);
}

static void put_threat(struct json *json, const struct finding *finding)
{
    struct technique is = finding_technique(finding);
    if (!is.tactic && !is.technique)
        return;
    json_open(json, "threat");
    json_str(json, "framework", "MITRE ATT&CK");
    if (is.tactic) {
        open_ids(json, "tactic", is.tactic);
        json_close(json);
    }
    if (is.technique) {
        open_ids(json, "technique", is.technique);
        if (is.subtechnique) {
            open_ids(json, "subtechnique", is.subtechnique);
            json_close(json);
        }
        json_close(json);
    }
    json_close(json);
}

/* --- who with whom ---------------------------------------------------------------------------- */

static const struct flow_key *largest_flow(const struct story *story)
{
    return story->flow_count ? &story->flow[0].key : NULL;
}

static void put_destination(struct json *json, const struct story *story)
{
    const struct flow_key *key = largest_flow(story);
    const struct destination *destination = &story->destination;
    json_open(json, "destination");
    put_ip(json, "ip", &story->remote);
    if (key && (story->remote_port || !story->by_tunnel))
        json_uint(json, "port", story->remote_port);
    if (story->has_destination && destination->kind == DESTINATION_DOMAIN)
        json_str(json, "domain", destination->name);
    if (story->has_destination && destination->kind == DESTINATION_AS) {
        json_open(json, "as");
        json_uint(json, "number",
                  strtoul(destination->name + strcspn(destination->name, "0123456789"), NULL, 10));
        json_close(json);
    }
    json_close(json);
}

static void put_end(struct json *json, const char *name, const struct ip *ip, uint16_t port)
{
    json_open(json, name);
    put_ip(json, "ip", ip);
    json_uint(json, "port", port);
    json_close(json);
}

static void put_address(struct json *json, const char *name, const struct ip *ip)
{
    json_open(json, name);
    put_ip(json, "ip", ip);
    json_close(json);
}

static void put_mac(struct json *json, const char *key, const uint8_t *mac)
{
    char text[3 * MAC_SIZE];
    if (!mac)
        return;
    snprintf(text, sizeof text, "%02X-%02X-%02X-%02X-%02X-%02X", mac[0], mac[1], mac[2], mac[3],
             mac[4], mac[5]);
    json_str(json, key, text);
}

static void put_addresses(struct json *json, const struct story *story)
{
    for (size_t i = 0; i < story->address_count; i++)
        put_ip(json, NULL, &story->address[i]);
}

/* ECS writes a MAC in upper case with hyphens; host.id is as people read it. */
static void put_device(struct json *json, const struct story *story)
{
    char text[IP_TEXT_SIZE];
    json_open(json, "host");
    json_str(json, "id", host_text(&story->host, text));
    if (device_mac(&story->host)) {
        json_list(json, "mac");
        put_mac(json, NULL, device_mac(&story->host));
        json_close(json);
    }
    json_list(json, "ip");
    put_addresses(json, story);
    json_close(json);
    json_close(json);
}

static void put_ends(struct json *json, const struct story *story)
{
    bool device = ip_is_device(&story->host);
    const struct flow_key *key = largest_flow(story);
    const struct ip *source = device ? &story->source : &story->host;
    json_open(json, "source");
    put_ip(json, "ip", source);
    put_mac(json, "mac", device_mac(&story->host));
    json_uint(json, "bytes", story->out.value);
    json_uint(json, "packets", story->out_packets);
    json_close(json);
    put_destination(json, story);
    if (key && story->by_tunnel) {
        bool opened = !outside_opened(story);
        put_address(json, opened ? "client" : "server", source);
        put_address(json, opened ? "server" : "client", &story->remote);
    } else if (key) {
        put_end(json, "client", &key->orig_ip, key->orig_port);
        put_end(json, "server", &key->resp_ip, key->resp_port);
    }
    if (device)
        put_device(json, story);
    json_open(json, "related");
    json_list(json, "ip");
    if (device)
        put_addresses(json, story);
    else
        put_ip(json, NULL, &story->host);
    put_ip(json, NULL, &story->remote);
    if (key && story->by_tunnel) {
        put_ip(json, NULL, &key->orig_ip);
        put_ip(json, NULL, &key->resp_ip);
    }
    json_close(json);
    json_close(json);
}

static void put_network(struct json *json, const struct story *story)
{
    const struct flow_key *key = largest_flow(story);
    char text[32], proto[8];
    json_open(json, "network");
    if (key) {
        json_str(json, "transport", proto_text(key->proto, proto));
        put_known(json, "protocol", service_name[story->flow[0].service]);
        put_known(json, "application", story->application);
        json_str(json, "community_id", flow_key_community_id(key, text));
    }
    json_str(json, "direction", outside_opened(story) ? "inbound" : "outbound");
    json_close(json);
}

/* A server name comes from a TLS handshake or a Host field; ECS keeps the two apart. */
static void put_server_name(struct json *json, const struct story *story)
{
    enum service service = story->flow_count ? story->flow[0].service : SERVICE_NONE;
    bool http =
        (service == SERVICE_HTTP || service == SERVICE_HTTP2 || service == SERVICE_WEBSOCKET) &&
        !story->has_ja3;
    char ja3[HEX_SIZE(sizeof story->ja3)];
    if (!*story->server_name && !story->has_ja3)
        return;
    if (http) {
        json_open(json, "url");
        json_str(json, "domain", story->server_name);
        json_close(json);
        return;
    }
    json_open(json, "tls");
    json_open(json, "client");
    put_known(json, "server_name", story->server_name);
    if (story->has_ja3)
        json_str(json, "ja3", hex_text(story->ja3, sizeof story->ja3, ja3));
    json_close(json);
    json_close(json);
}

void ecs_observer(struct json *json, const char *sensor)
{
    json_open(json, "observer");
    json_str(json, "type", "sensor");
    json_str(json, "product", "weir");
    put_known(json, "name", sensor);
    json_str(json, "version", WEIR_VERSION);
    json_close(json);
}

/* --- what is ours ----------------------------------------------------------------------------- */

static const char *const scope_of_kind[SUBJECTS] = {
    [SUBJECT_HOST] = "host",
    [SUBJECT_DESTINATION] = "host×destination",
    [SUBJECT_SERVED] = "server×client network",
    [SUBJECT_CONTENT] = "host×destination",
    [SUBJECT_ECHOES] = "host×destination",
    [SUBJECT_SWEEP] = "server×client network",
    [SUBJECT_FLOW] = "host×destination",
    [SUBJECT_QUESTIONS] = "host×domain",
    [SUBJECT_RULE] = "host×destination",
    [SUBJECT_ZONE] = "zone×zone",
};

/* A row of whole hosts may lead to one of the host's pairs; one of pairs is told as the host's
 * where the story of that place is not here (it was let go for room, or is another sensor's), and
 * then shows its largest flow. */
static enum subject_kind kind_of(const struct alert *alert)
{
    enum subject_kind kind = alert->finding.detector->kind;
    if (kind == SUBJECT_DESTINATION && !alert->story.has_destination)
        return SUBJECT_HOST;
    if (kind != SUBJECT_HOST || !alert->story.has_destination)
        return kind;
    return alert->story.destination.role == ROLE_SERVED ? SUBJECT_SERVED : SUBJECT_DESTINATION;
}

const struct story_zone *alert_zone(const struct alert *alert)
{
    bool border = alert->finding.detector->kind == SUBJECT_ZONE;
    return border ? &alert->story.border : &alert->story.zone;
}

static void put_zone(struct json *json, const struct story_zone *zone)
{
    if (!*zone->name)
        return;
    json_open(json, "zone");
    json_str(json, "name", zone->name);
    json_number(json, "level", zone->level / 10.0);
    put_known(json, "from", zone->from);
    put_known(json, "to", zone->to);
    json_close(json);
}

static void put_flows(struct json *json, const struct story *story)
{
    json_list(json, "flows");
    for (size_t i = 0; i < story->flow_count; i++) {
        const struct alert_flow *flow = &story->flow[i];
        char text[32];
        json_open(json, NULL);
        json_str(json, "community_id", flow_key_community_id(&flow->key, text));
        json_time(json, "start", flow->start);
        json_uint(json, "out_bytes", flow->out_bytes);
        put_known(json, "service", service_name[flow->service]);
        json_close(json);
    }
    json_close(json);
    json_uint(json, "flows_total", story->flows_total);
}

static void put_tunnel(struct json *json, const struct story *story)
{
    const struct flow_key *key = largest_flow(story);
    if (!key || story->tunnel.count == 0)
        return;
    json_open(json, "tunnel");
    tunnel_put(json, &story->tunnel);
    if (story->by_tunnel) {
        json_bool(json, "decides", true);
        json_open(json, "inner");
        put_end(json, "orig", &key->orig_ip, key->orig_port);
        put_end(json, "resp", &key->resp_ip, key->resp_port);
        json_close(json);
    }
    json_close(json);
}

/* Claims, so not client.ip: that is who opened. At least `out_bytes`; at most, when others gave way
 * to it, more. */
static void put_clients(struct json *json, const struct story *story)
{
    if (story->client_count == 0)
        return;
    json_list(json, "clients_claimed");
    for (size_t i = 0; i < story->client_count; i++) {
        const struct claimed_client *client = &story->client[i];
        json_open(json, NULL);
        put_ip(json, "ip", &client->ip);
        put_known(json, "by", client_by_name[client->by]);
        json_uint(json, "out_bytes", client->out_bytes);
        json_uint(json, "flows", client->flows);
        json_close(json);
    }
    json_close(json);
    json_bool(json, "clients_claimed_all", story->clients_replaced == 0);
}

static void put_volume(struct json *json, const char *key, struct volume volume)
{
    volume = volume_clamped(volume);
    json_open(json, key);
    json_uint(json, "value", volume.value);
    json_uint(json, "low", volume.low);
    json_uint(json, "high", volume.high);
    json_close(json);
}

static void put_services(struct json *json, const struct story *story)
{
    bool any = false;
    for (size_t i = 0; i < SERVICES; i++) {
        if (!service_name[i] || story->service_out[i].high == 0)
            continue;
        if (!any)
            json_open(json, "services");
        any = true;
        put_volume(json, service_name[i], story->service_out[i]);
    }
    if (any)
        json_close(json);
}

static void put_content(struct json *json, const struct story *story)
{
    if (!counted_any(&story->counted))
        return;
    json_open(json, "content");
    counted_put(json, &story->counted);
    json_close(json);
}

/* Other hosts whose incidents with this destination are open. */
static void put_links(struct json *json, const struct alert *alert)
{
    char text[IP_TEXT_SIZE];
    if (alert->links_total == 0)
        return;
    json_list(json, "linked");
    for (size_t i = 0; i < alert->link_count; i++) {
        json_open(json, NULL);
        json_str(json, "incident", alert->link[i].incident);
        json_str(json, "host", host_text(&alert->link[i].host, text));
        json_close(json);
    }
    json_close(json);
    json_uint(json, "linked_total", alert->links_total);
}

static void put_traffic(struct json *json, const struct alert *alert)
{
    const struct story *story = &alert->story;
    json_str(json, "initiator", outside_opened(story) ? "outside" : "inside");
    put_known(json, "mode", alert->mode);
    put_zone(json, alert_zone(alert));
    if (story->more_addresses)
        json_bool(json, "more_addresses", true);
    put_volume(json, "out_bytes", story->out);
    put_known(json, "ja4", story->ja4);
    if (story->unverified_out > 0)
        json_uint(json, "name_unverified_bytes", story->unverified_out);
    if (story->other_certificate_out > 0)
        json_uint(json, "other_certificate_bytes", story->other_certificate_out);
    json_open(json, "baseline");
    json_str(json, "state", baseline_state_name[alert->baseline]);
    json_uint(json, "hours", alert->baseline_hours);
    put_known(json, "scope", alert->finding.by_peers ? "peers" : scope_of_kind[kind_of(alert)]);
    json_close(json);
    put_flows(json, story);
    put_tunnel(json, story);
    put_services(json, story);
    put_clients(json, story);
    put_content(json, story);
    put_links(json, alert);
}

static void put_reason(struct json *json, const struct reason *reason)
{
    json_open(json, NULL);
    json_str(json, "code", reason->code);
    put_number(json, "observed", reason->observed);
    if (reason->expected[1] > 0) {
        json_list(json, "expected");
        put_number(json, NULL, reason->expected[0]);
        put_number(json, NULL, reason->expected[1]);
        json_close(json);
    }
    put_known(json, "unit", reason->unit);
    if (reason->p > 0)
        json_number(json, "p", reason->p);
    put_number(json, "weight", reason->weight);
    put_number(json, "samples", reason->samples);
    json_str(json, "text", reason->text);
    json_close(json);
}

static void put_seen(struct json *json, const struct seen_by *seen)
{
    if (seen->sensors == 0)
        return;
    json_list(json, "sensors");
    for (uint32_t i = 0; i < seen->count; i++) {
        json_open(json, NULL);
        json_str(json, "name", seen->share[i].sensor);
        json_str(json, "vantage", seen->share[i].vantage);
        json_uint(json, "out_bytes", seen->share[i].bytes);
        json_close(json);
    }
    json_close(json);
    json_uint(json, "sensors_total", seen->sensors);
    json_uint(json, "sensors_rest_bytes", seen->rest_bytes);
}

static void put_why(struct json *json, const struct finding *finding)
{
    json_list(json, "reasons");
    for (size_t i = 0; i < finding->reason_count; i++)
        put_reason(json, &finding->reason[i]);
    json_close(json);
    put_seen(json, &finding->seen);
    if (!finding->needs_unit)
        return;
    json_open(json, "would_not_fire_below");
    put_number(json, "value", finding->needs);
    json_str(json, "unit", finding->needs_unit);
    json_close(json);
}

static void put_weir(struct json *json, const struct alert *alert)
{
    json_open(json, "weir");
    json_int(json, "score", alert->finding.score);
    json_str(json, "urgency", urgency_name[alert->finding.urgency]);
    json_str(json, "incident", alert->incident);
    json_str(json, "state", incident_state_name[alert->state]);
    json_uint(json, "raise", alert->raise);
    if (story_is_sensor(&alert->story)) {
        put_known(json, "mode", alert->mode);
        put_known(json, "sight", alert->story.sight);
    } else {
        put_traffic(json, alert);
    }
    put_why(json, &alert->finding);
    noise_put_alert(json, alert);
    json_close(json);
}

char *alert_line(struct json *json, const struct alert *alert)
{
    ecs_open(json, alert->time);
    put_event(json, alert);
    put_rule(json, alert);
    put_threat(json, &alert->finding);
    if (!story_is_sensor(&alert->story)) {
        put_ends(json, &alert->story);
        put_network(json, &alert->story);
        put_server_name(json, &alert->story);
    }
    ecs_observer(json, alert->sensor);
    put_weir(json, alert);
    json_close(json);
    return json_take_text(json, 0);
}
