/* The summary for programs. The same figures as the text, exact. `duration_s` is the only one that
 * may differ between two runs of the same input. Thread: the engine's. */
#include "bounds.h"
#include "coverage.h"
#include "gaps.h"
#include "mode.h"
#include "summary_parts.h"
#include "weir/alert/counted.h"
#include "weir/investigate/evidence.h"
#include "weir/investigate/summary.h"

#include "weir/base/buffer.h"
#include "weir/base/device.h"
#include "weir/base/json.h"

#include <stdlib.h>
#include <string.h>

#define RANK_KEPT          20
#define HOSTS_CONTENT_TOLD 1000

static void put_volume(struct json *json, const char *key, struct volume volume)
{
    json_open(json, key);
    volume = volume_clamped(volume);
    json_uint(json, "value", volume.value);
    json_uint(json, "low", volume.low);
    json_uint(json, "high", volume.high);
    json_close(json);
}

void summary_put_inputs(struct json *json, const struct summary *s)
{
    char hex[HEX_SIZE(SHA256_SIZE)];
    json_list(json, "inputs");
    for (size_t i = 0; i < s->input_count; i++) {
        const struct summary_input *input = &s->input[i];
        const char *slash = strrchr(input->path, '/');
        static const uint8_t unread[SHA256_SIZE]; /* a file that was opened has a digest */
        bool opened = memcmp(input->sha256, unread, SHA256_SIZE) != 0;
        json_open(json, NULL);
        json_str(json, "name", slash ? slash + 1 : input->path);
        json_str(json, "problem", input->problem);
        json_uint(json, "packets", input->packets);
        json_uint(json, "wire_bytes", input->bytes);
        json_time(json, "first", input->first);
        json_time(json, "last", input->last);
        json_uint(json, "longest_cut", input->longest_cut);
        if (s->timed)
            json_uint(json, "packets_outside", input->outside);
        json_str(json, "link", input->link);
        json_str(json, "compression", input->packed);
        json_uint(json, "comments", input->comments);
        json_str(json, "first_comment", input->comments > 0 ? input->comment : NULL);
        json_uint(json, "packets_without_time", input->untimed);
        json_bool(json, "drops_recorded", input->drops_known);
        if (input->is_log) {
            json_uint(json, "connections", input->connections);
            json_uint(json, "notes", input->notes);
            json_uint(json, "notes_unjoined", input->unjoined);
            json_uint(json, "connections_late", input->late);
            json_uint(json, "lines_unread", input->lines_unread);
            json_str(json, "cannot_say", input->lacks);
            json_bool(json, "left_out", input->left_out);
        }
        json_str(json, "sha256", opened ? hex_text(input->sha256, SHA256_SIZE, hex) : NULL);
        json_close(json);
    }
    json_close(json);
}

/* What is inside in one place only. */
static void put_places(struct json *json, const struct inside *inside)
{
    char text[PREFIX_TEXT_SIZE];
    json_list(json, "inside_in_places");
    for (size_t i = 0; i < inside->place_count; i++) {
        const struct inside_place *place = &inside->place[i];
        json_open(json, NULL);
        json_list(json, "nets");
        for (size_t n = 0; n < place->nets.count; n++)
            json_str(json, NULL, prefix_text(&place->nets.item[n], text));
        json_close(json);
        if (place->vlan != INSIDE_ANY)
            json_int(json, "vlan", place->vlan);
        if (place->interface)
            json_str(json, "interface", place->interface);
        json_close(json);
    }
    json_close(json);
}

static void put_inside(struct json *json, const struct summary *s)
{
    char text[PREFIX_TEXT_SIZE];
    struct prefix_sum sum[10];
    size_t count = hosts_outside(s->hosts, sum, 10);
    json_list(json, "inside");
    for (size_t i = 0; i < s->inside->everywhere.count; i++)
        json_str(json, NULL, prefix_text(&s->inside->everywhere.item[i], text));
    json_close(json);
    if (s->inside->place_count > 0)
        put_places(json, s->inside);
    json_bool(json, "inside_guessed", s->inside_guessed);
    json_list(json, "neither_side_inside");
    for (size_t i = 0; i < count; i++) {
        json_open(json, NULL);
        json_str(json, "prefix", prefix_text(&sum[i].prefix, text));
        json_uint(json, "payload_bytes", sum[i].bytes);
        json_close(json);
    }
    json_close(json);
}

static void put_rank(struct json *json, const struct incident_rank *rank)
{
    json_open(json, NULL);
    json_str(json, "detector", rank->detector->id);
    json_uint(json, "alerts", rank->raises);
    json_time(json, "first_alert", rank->first);
    put_volume(json, "out_bytes_at_first_alert", rank->first_out);
    json_uint(json, "score", (uint64_t)rank->finding.score);
    json_number(json, "p", rank->finding.p);
    json_list(json, "reasons");
    for (size_t i = 0; i < rank->finding.reason_count; i++)
        json_str(json, NULL, rank->finding.reason[i].text);
    json_close(json);
    json_number(json, "would_not_fire_below", rank->finding.needs);
    json_str(json, "unit", rank->finding.needs_unit);
    json_close(json);
}

static void put_clients(struct json *json, const struct story *story)
{
    char text[IP_TEXT_SIZE];
    if (story->client_count == 0)
        return;
    json_list(json, "clients_claimed");
    for (size_t i = 0; i < story->client_count; i++) {
        const struct claimed_client *client = &story->client[i];
        json_open(json, NULL);
        json_str(json, "ip", ip_text(&client->ip, text));
        json_str(json, "by", client_by_name[client->by]);
        json_uint(json, "out_bytes", client->out_bytes);
        json_uint(json, "flows", client->flows);
        json_close(json);
    }
    json_close(json);
    json_uint(json, "clients_claimed_replaced", story->clients_replaced);
}

void summary_put_incident(struct json *json, const struct incident *incident)
{
    const struct story *story = &incident->story;
    char text[IP_TEXT_SIZE], name[16];
    static const struct ip nobody;
    json_open(json, NULL);
    json_str(json, "id", incident->id);
    json_str(json, "short", incident_short(incident->id, name));
    json_int(json, "score", incident->score);
    json_str(json, "urgency", urgency_name[incident->urgency]);
    json_str(json, "host",
             ip_compare(&story->host, &nobody) == 0 ? NULL : host_text(&story->host, text));
    json_str(json, "destination", story->has_destination ? story->destination.name : NULL);
    if (*story->sight)
        json_str(json, "sight", story->sight);
    json_bool(json, "served", story->has_destination && story->destination.role == ROLE_SERVED);
    json_time(json, "first", story->first);
    json_time(json, "last", story->last);
    put_volume(json, "out_bytes", story->out);
    json_uint(json, "in_bytes", story->in_bytes);
    json_open(json, "out_bytes_by_service");
    for (int i = 0; i < SERVICES; i++)
        if (story->service_out[i].high > 0)
            put_volume(json, i == SERVICE_NONE ? "unknown" : service_name[i],
                       story->service_out[i]);
    json_close(json);
    json_uint(json, "connections_from_outside", story->flows_outside);
    json_uint(json, "connections_from_inside", story->flows_inside);
    put_clients(json, story);
    json_uint(json, "name_unverified_bytes", story->unverified_out);
    json_uint(json, "other_certificate_bytes", story->other_certificate_out);
    json_uint(json, "email_addresses", story->counted.of[CONTENT_EMAIL].items);
    json_number(json, "email_addresses_error", story->counted.of[CONTENT_EMAIL].error);
    json_open(json, "content");
    counted_put(json, &story->counted);
    json_close(json);
    json_list(json, "detectors");
    for (size_t i = 0; i < incident->rank_count; i++)
        put_rank(json, &incident->rank[i]);
    json_close(json);
    json_close(json);
}

static void put_incidents(struct json *json, const struct summary *s)
{
    size_t count;
    const struct incident **all = incidents_sorted(engine_incidents(s->engine), &count);
    json_list(json, "incidents");
    for (size_t i = 0; i < count; i++)
        summary_put_incident(json, all[i]);
    json_close(json);
    free(all);
}

static void put_counted(struct json *json, const struct hosts *hosts, const struct ip *host)
{
    const struct host_content *content = hosts_content_of(hosts, host);
    json_open(json, "content");
    if (content)
        counted_put(json, &content->counted);
    json_close(json);
}

/* Hosts of which something was counted in what left, by address. */
static void put_hosts_content(struct json *json, const struct summary *s)
{
    char text[IP_TEXT_SIZE];
    const struct map_entry **sorted = map_sorted(&s->hosts->content);
    json_uint(json, "content_hosts", s->hosts->content.count);
    json_list(json, "content_by_host"); /* the first HOSTS_CONTENT_TOLD of them */
    for (size_t i = 0; i < s->hosts->content.count && i < HOSTS_CONTENT_TOLD; i++) {
        struct ip host;
        memcpy(&host, sorted[i]->key, sizeof host);
        json_open(json, NULL);
        json_str(json, "host", host_text(&host, text));
        put_counted(json, s->hosts, &host);
        json_close(json);
    }
    json_close(json);
    free(sorted);
}

static void put_ranking(struct json *json, const struct summary *s)
{
    struct ranked ranked[RANK_KEPT];
    size_t count = hosts_rank(s->hosts, ranked, RANK_KEPT);
    char text[IP_TEXT_SIZE];
    json_list(json, "look_here_first");
    for (size_t i = 0; i < count; i++) {
        const struct ranked *r = &ranked[i];
        json_open(json, NULL);
        json_str(json, "host", host_text(&r->host->host, text));
        put_volume(json, "out_bytes", r->host->out);
        json_uint(json, "in_bytes", r->host->in_bytes);
        json_number(json, "pcr", r->pcr);
        json_number(json, "weight", r->weight);
        json_str(json, "top_destination", r->top ? destination_sum_name(r->top) : NULL);
        json_uint(json, "top_destination_bytes", r->top ? r->top->out.value : 0);
        put_volume(json, "top_destination_out", r->top ? r->top->out : (struct volume){0});
        json_uint(json, "top_destination_hosts", r->top_hosts);
        put_counted(json, s->hosts, &r->host->host);
        json_close(json);
    }
    json_close(json);
}

static void put_lasting(struct json *json, const struct summary *s)
{
    size_t count = hosts_lasting(s->hosts, s->first, s->last);
    char text[IP_TEXT_SIZE], id[32];
    json_list(json, "open_throughout");
    for (size_t i = 0; i < count; i++) {
        const struct lasting_flow *flow = &s->hosts->lasting[i];
        json_open(json, NULL);
        json_str(json, "host", host_text(&flow->host, text));
        json_str(json, "remote", ip_text(&flow->remote, text));
        json_uint(json, "port", flow->remote_port);
        json_time(json, "start", (struct ptime){flow->start_ns});
        json_time(json, "end", (struct ptime){flow->last_ns});
        json_uint(json, "out_bytes", flow->out_bytes);
        json_str(json, "community_id", flow_key_community_id(&flow->key, id));
        json_close(json);
    }
    json_close(json);
}

static void put_counts(struct json *json, const struct summary *s)
{
    const struct engine_counts *counts = engine_counts_of(s->engine);
    json_open(json, "scopes");
    for (int i = 0; i < SCOPES; i++) {
        json_open(json, scope_name[i]);
        json_uint(json, "flows", counts->flows[i]);
        put_volume(json, "payload_bytes", counts->payload[i]);
        json_close(json);
    }
    json_close(json);
    json_open(json, "judged");
    json_uint(json, "judged_out_bytes", counts->judged_bytes);
    json_uint(json, "learning_out_bytes", counts->learning_bytes);
    json_uint(json, "unestablished_out_bytes", counts->unestablished_bytes);
    json_uint(json, "unestablished_out_high_bytes", counts->unestablished_high);
    json_uint(json, "hosts_refused", counts->hosts_refused);
    json_uint(json, "refused_out_bytes", counts->refused_bytes);
    json_uint(json, "host_hours_closed", counts->host_hours_closed);
    struct engine_history history = engine_history_of(s->engine);
    json_uint(json, "hosts_with_history", history.hosts);
    json_uint(json, "hosts_ready", history.ready);
    json_uint(json, "longest_history_hours", history.longest_hours);
    json_close(json);
    json_open(json, "noise");
    json_uint(json, "alerts_silenced", counts->alerts_silenced);
    json_uint(json, "silenced_bytes", counts->silenced_bytes);
    json_uint(json, "alerts_quiet", counts->alerts_quiet);
    json_close(json);
    json_open(json, "identity");
    json_uint(json, "bindings", counts->records[RECORD_BINDING]);
    json_uint(json, "addresses_moved", counts->addresses_moved);
    json_uint(json, "proxies", counts->proxies);
    json_close(json);
    json_open(json, "record_faults");
    for (int i = 1; i < RECORD_FAULTS; i++)
        json_uint(json, record_fault_name[i], counts->faults[i]);
    json_close(json);
}

static void put_bounds(struct json *json, const struct summary *s)
{
    struct bound_count bound[BOUNDS_MAX];
    size_t count = bounds_of(s, bound);
    json_open(json, "bounds");
    for (size_t i = 0; i < count; i++)
        json_uint(json, bound[i].name, bound[i].count);
    json_close(json);
}

void summary_put_gaps(struct json *json, const struct summary *s)
{
    size_t count;
    struct gap *gap = input_gaps(s, &count);
    json_list(json, "gaps");
    for (size_t i = 0; i < count; i++) {
        const char *before = strrchr(gap[i].before->path, '/');
        const char *after = strrchr(gap[i].after->path, '/');
        json_open(json, NULL);
        json_time(json, "from", gap[i].from);
        json_time(json, "to", gap[i].to);
        json_str(json, "after_input", before ? before + 1 : gap[i].before->path);
        json_str(json, "before_input", after ? after + 1 : gap[i].after->path);
        json_close(json);
    }
    json_close(json);
    free(gap);
}

/* Of all that had packets: one that does not know leaves the sum unknown. */
static bool drops_recorded(const struct summary *s)
{
    bool any = false;
    for (size_t i = 0; i < s->input_count; i++) {
        if (s->input[i].packets > 0 && !s->input[i].drops_known)
            return false;
        any |= s->input[i].drops_known;
    }
    return any;
}

static void put_coverage(struct json *json, const struct summary *s)
{
    const struct health *health = engine_health(s->engine);
    json_open(json, "coverage");
    json_bool(json, "drops_recorded", drops_recorded(s));
    summary_put_gaps(json, s);
    put_volume(json, "out_bytes", s->hosts->out);
    put_volume(json, "carried_out_bytes", engine_counts_of(s->engine)->carried);
    json_open(json, "out_bytes_by_service");
    for (int i = 0; i < SERVICES; i++)
        put_volume(json, i == SERVICE_NONE ? "unknown" : service_name[i], s->hosts->service_out[i]);
    json_close(json);
    put_bounds(json, s);
    coverage_json(json, s);
    json_open(json, "sensor");
#define PUT(name) json_uint(json, #name, health->name);
    HEALTH_COUNTERS(PUT)
#undef PUT
    json_close(json);
    json_close(json);
}

static void put_evidence(struct json *json, const struct evidence_told *told)
{
    json_open(json, "evidence");
    json_str(json, "head", told->head);
    json_str(json, "key_id", told->key_id);
    json_uint(json, "captures", told->files);
    json_uint(json, "packets", told->packets);
    json_uint(json, "bytes", told->bytes);
    json_uint(json, "inputs_not_read_again", told->inputs_not_read);
    json_uint(json, "incidents_beyond", told->incidents_beyond);
    json_uint(json, "flows_beyond", told->flows_beyond);
    json_uint(json, "flows_missing", told->flows_missing);
    json_uint(json, "fragments_unheld", told->unheld);
    json_close(json);
}

char *summary_json(const struct summary *s)
{
    struct json *json = json_new();
    json_open(json, NULL);
    json_str(json, "version", WEIR_VERSION);
    mode_json(json, s);
    json_str(json, "timezone", s->timezone);
    summary_put_inputs(json, s);
    put_inside(json, s);
    put_incidents(json, s);
    put_ranking(json, s);
    put_lasting(json, s);
    put_hosts_content(json, s);
    put_counts(json, s);
    put_coverage(json, s);
    if (s->evidence)
        put_evidence(json, s->evidence);
    json_number(json, "duration_s", s->duration_s);
    json_close(json);
    char *text = json_take_text(json, 2), *line = xasprintf("%s\n", text);
    free(text);
    json_free(json);
    return line;
}
