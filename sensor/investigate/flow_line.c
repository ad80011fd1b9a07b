/* One flow as a line of JSON, whoever keeps it (flows.c, flow_log.c). Pure but for the writer. */
#include "flow_line.h"

#include "weir/alert/tunnel.h"
#include "weir/base/device.h"
#include "weir/base/digest.h"
#include "weir/record/function.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* RFC 3339 with nanoseconds. */
static void put_time(struct json *json, const char *key, int64_t ns)
{
    char date[32], text[64];
    struct tm tm;
    int64_t rest = ns % NS_PER_S;
    time_t seconds = (time_t)(ns / NS_PER_S) - (rest < 0);
    rest += rest < 0 ? NS_PER_S : 0;
    gmtime_r(&seconds, &tm);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text, sizeof text, "%s.%09lldZ", date, (long long)rest);
    json_str(json, key, text);
}

/* What the side sent in bodies; how even its first bytes are spread. */
static void put_contents(struct json *json, const struct body_counts *body, uint16_t entropy)
{
    if (body->bodies > 0) {
        json_open(json, "bodies");
        json_uint(json, "count", body->bodies);
        json_uint(json, "undeclared", body->undeclared);
        json_uint(json, "declared_bytes", body->declared_bytes);
        json_uint(json, "seen_bytes", body->seen_bytes);
        json_close(json);
    }
    if (entropy > 0)
        json_number(json, "entropy", entropy / 1000.0);
}

static void put_side(struct json *json, const char *key, const struct flow_view *view,
                     enum flow_side side)
{
    const struct record_flow *record = view->record;
    const struct side_counts *counts = &record->total[side];
    const struct ip *ip = side == SIDE_ORIG ? &record->key.orig_ip : &record->key.resp_ip;
    const struct ip *device = view->device[side];
    uint16_t port = side == SIDE_ORIG ? record->key.orig_port : record->key.resp_port;
    char text[IP_TEXT_SIZE];
    json_open(json, key);
    json_str(json, "ip", ip_text(ip, text));
    if (device)
        json_str(json, "device", host_text(device, text));
    json_uint(json, "port", port);
    json_uint(json, "packets", counts->packets);
    json_uint(json, "wire_bytes", counts->wire_bytes);
    json_uint(json, "ip_bytes", counts->ip_bytes);
    json_uint(json, "payload_bytes", counts->payload_bytes);
    json_uint(json, "missing_bytes", counts->missing_bytes);
    json_uint(json, "acked_bytes", counts->acked_bytes);
    json_uint(json, "retransmitted_bytes", counts->retransmitted_bytes);
    put_contents(json, &record->body[side], record->entropy[side]);
    json_close(json);
}

static void put_names(struct json *json, const struct flow_view *view)
{
    static const char *const member[FLOW_TEXTS] = {"server_name", "dns",  "application",
                                                   "ja4",         "alpn", "certificate"};
    const struct record_flow *record = view->record;
    char text[HEX_SIZE(16)];
    if (record->service != SERVICE_NONE)
        json_str(json, "service", service_name[record->service]);
    for (int i = 0; i < FLOW_TEXTS; i++)
        if (*view->text[i])
            json_str(json, member[i], view->text[i]);
    if (record->flags & FLOW_HAS_JA3)
        json_str(json, "ja3", hex_text(record->ja3, 16, text));
    if (record->flags & FLOW_ECH)
        json_bool(json, "ech", true);
    if (record->flags & FLOW_ESNI)
        json_bool(json, "esni", true);
    if (record->flags & (FLOW_CERTIFICATE_HAS_NAME | FLOW_CERTIFICATE_OTHER))
        json_bool(json, "certificate_has_name", record->flags & FLOW_CERTIFICATE_HAS_NAME);
    if (view->name_unverified)
        json_bool(json, "name_unverified", true);
}

/* What was asked of a control system. */
static void put_operations(struct json *json, const struct record_flow *record)
{
    const struct operation_counts *operations = &record->operations;
    struct function_set functions;
    record_flow_functions(record, &functions);
    if (operations->reads == 0 && operations->writes == 0 && functions.count == 0)
        return;
    json_open(json, "operations");
    json_uint(json, "reads", operations->reads);
    json_uint(json, "writes", operations->writes);
    json_list(json, "functions");
    for (size_t i = 0; i < functions.count; i++)
        json_uint(json, NULL, functions.code[i]);
    json_close(json);
    if (function_set_overflows(&functions))
        json_uint(json, "functions_more", (uint64_t)functions.more + functions.more_back);
    json_close(json);
}

/* How it is known who opened it. */
static const char *orig_by(const struct record_flow *record)
{
    if (record->flags & FLOW_ORIG_BY_SYN)
        return "syn";
    if (record->flags & FLOW_ORIG_BY_SERVICE)
        return "service";
    return record->flags & FLOW_ORIG_BY_PORT ? "port" : "order";
}

/* Whom a proxy says it speaks for. */
static void put_client(struct json *json, const struct client_claim *client)
{
    char text[IP_TEXT_SIZE];
    if (client->by == CLIENT_NONE)
        return;
    json_open(json, "client");
    json_str(json, "ip", ip_text(&client->ip, text));
    if (client->port)
        json_uint(json, "port", client->port);
    json_str(json, "by", client_by_name[client->by]);
    if (client->changes)
        json_uint(json, "changes", client->changes);
    json_close(json);
}

static void put_place(struct json *json, const char *const *vantage, const struct flow_key *key)
{
    if (key->vlan)
        json_uint(json, "vlan", key->vlan);
    if (vantage && *vantage[key->vantage])
        json_str(json, "vantage", vantage[key->vantage]);
}

static void put_tunnel(struct json *json, const char *key, const struct flow_view *view,
                       enum flow_side side)
{
    const struct tunnel *tunnel = &view->tunnel[side];
    if (tunnel->count == 0) {
        json_none(json, key);
        return;
    }
    json_open(json, key);
    tunnel_put(json, tunnel);
    if (view->way.by_tunnel)
        json_bool(json, "decides", true);
    if (view->record->flags & FLOW_TUNNEL_MOVED)
        json_bool(json, "moved", true);
    json_close(json);
}

/* Its last packets came in none, others before did. */
static void put_left_tunnel(struct json *json, const struct record_flow *record)
{
    if (!(record->flags & FLOW_TUNNEL_MOVED))
        return;
    json_open(json, "tunnel");
    json_bool(json, "moved", true);
    json_close(json);
}

/* One for both sides as a rule; tunnel_back where what resp sent came by another way, null where it
 * came in none. */
static void put_tunnels(struct json *json, const struct flow_view *view)
{
    const struct tunnel *tunnel = view->tunnel;
    const struct side_counts *total = view->record->total;
    if (tunnel[SIDE_ORIG].count == 0 && tunnel[SIDE_RESP].count == 0) {
        put_left_tunnel(json, view->record);
        return;
    }
    put_tunnel(json, "tunnel", view, total[SIDE_ORIG].packets > 0 ? SIDE_ORIG : SIDE_RESP);
    if (total[SIDE_ORIG].packets > 0 && total[SIDE_RESP].packets > 0 &&
        (!tunnel_same_way(&tunnel[SIDE_ORIG], &tunnel[SIDE_RESP]) ||
         (tunnel[SIDE_ORIG].count == 0) != (tunnel[SIDE_RESP].count == 0)))
        put_tunnel(json, "tunnel_back", view, SIDE_RESP);
}

char *flow_line(struct json *json, const char *const *vantage, const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    char text[64], proto[8];
    bool inside = view->scope == SCOPE_OUT || view->scope == SCOPE_INTERNAL;
    json_open(json, NULL);
    put_time(json, "start", record->start_ns);
    put_time(json, "end", record->last_ns);
    json_str(json, "proto", proto_text(record->key.proto, proto));
    put_side(json, "orig", view, SIDE_ORIG);
    put_side(json, "resp", view, SIDE_RESP);
    put_place(json, vantage, &record->key);
    put_tunnels(json, view);
    json_str(json, "community_id", flow_key_community_id(&record->key, text));
    put_names(json, view);
    put_operations(json, record);
    put_client(json, &record->client);
    json_str(json, "initiator", inside ? "inside" : "outside");
    json_str(json, "orig_by", orig_by(record));
    json_str(json, "scope", scope_name[view->scope]);
    json_str(json, "end_reason", flow_end_name[record->end]);
    json_close(json);
    return json_take_text(json, 0);
}
