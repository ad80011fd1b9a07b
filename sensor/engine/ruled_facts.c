/* What is known when a rule is asked: of a flow record and its story, or of a story alone. Time is
 * packet time by the site's clock. What costs a look-up is only looked up where a condition asks
 * for it. Thread: the engine's. */
#include "internal.h"

#include "weir/base/device.h"
#include "weir/base/digest.h"

#include <string.h>

/* --- what both have -------------------------------------------------------------------------- */

static void put_time(struct engine *engine, struct ptime now, struct rule_facts *facts)
{
    static const char *const name[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    struct civil civil = calendar_at(engine->config.calendar, now);
    facts->day = civil.day;
    facts->weekday = civil.day_of_week;
    facts->minute = civil.hour_of_day * 60 + (int)((now.ns - civil.starts.ns) / NS_PER_MIN);
    rule_facts_number(facts, FIELD_HOUR, (uint64_t)civil.hour_of_day);
    rule_facts_text(facts, FIELD_WEEKDAY, name[civil.day_of_week]);
    rule_facts_number(facts, FIELD_WORK_HOURS, civil.class == HOUR_WORK_WEEKDAY);
}

static void put_destination(const struct destination *destination, struct rule_facts *facts)
{
    static const char *const kind[DESTINATION_KINDS] = {"domain", "as", "prefix"};
    rule_facts_text(facts, FIELD_DESTINATION, destination->name);
    rule_facts_text(facts, FIELD_DESTINATION_KIND, kind[destination->kind]);
    rule_facts_text(facts, FIELD_DIRECTION,
                    destination->role == ROLE_CLIENT ? "outbound" : "inbound");
}

static bool is_used(const struct engine *engine, enum rule_field field)
{
    return engine->ruled.rules->uses[field];
}

/* By the address alone, which nobody can choose to be somebody else's. */
static void put_network(const struct engine *engine, const struct ip *remote,
                        struct ruled_facts *facts)
{
    struct network_facts *network = &facts->network;
    if (!engine->config.networks || (!is_used(engine, FIELD_DESTINATION_AS_NUMBER) &&
                                     !is_used(engine, FIELD_DESTINATION_AS_NAME) &&
                                     !is_used(engine, FIELD_DESTINATION_COUNTRY)))
        return;
    networks_look(engine->config.networks, remote, network);
    if (network->as_number > 0)
        rule_facts_number(&facts->facts, FIELD_DESTINATION_AS_NUMBER, network->as_number);
    rule_facts_text(&facts->facts, FIELD_DESTINATION_AS_NAME, network->as_name);
    rule_facts_text(&facts->facts, FIELD_DESTINATION_COUNTRY, network->country);
}

/* As the last closed hour left it, so that it does not depend on which sensor is asked. */
static void put_users(const struct engine *engine, const struct destination *destination,
                      struct rule_facts *facts)
{
    if (!engine->fleet || destination->role != ROLE_CLIENT)
        return;
    if (is_used(engine, FIELD_DESTINATION_HOSTS))
        rule_facts_number(facts, FIELD_DESTINATION_HOSTS,
                          fleet_prevalence(engine->fleet, destination));
    if (is_used(engine, FIELD_WIDELY_USED))
        rule_facts_number(facts, FIELD_WIDELY_USED,
                          fleet_bucket(engine->fleet, destination, 0) == PREVALENCE_REST);
}

static void put_names(const struct engine *engine, const char *server_name, bool verified,
                      struct rule_facts *facts)
{
    const char *domain = *server_name && is_used(engine, FIELD_REGISTRABLE_DOMAIN)
                             ? suffixes_registrable(engine->config.suffixes, server_name, true)
                             : NULL;
    rule_facts_text(facts, FIELD_SERVER_NAME, server_name);
    rule_facts_text(facts, FIELD_REGISTRABLE_DOMAIN, domain);
    rule_facts_number(facts, FIELD_NAME_VERIFIED, *server_name && verified);
}

static void put_zone(const struct engine *engine, const struct ip *address,
                     struct rule_facts *facts)
{
    const struct zones *zones = engine->config.zones;
    const struct zone *zone = zones ? zones_get(zones, zones_end(zones, address, false)) : NULL;
    rule_facts_text(facts, FIELD_ZONE, zone ? zone->name : NULL);
}

static void put_device(const struct ip *host, struct ruled_facts *facts)
{
    if (ip_is_device(host))
        rule_facts_text(&facts->facts, FIELD_DEVICE, host_text(host, facts->device));
}

static void put_counted(const struct story *story, struct rule_facts *facts)
{
    static const enum rule_field field[CONTENT_CLASSES] = {
        [CONTENT_EMAIL] = FIELD_EMAILS,     [CONTENT_CARD] = FIELD_CARDS,
        [CONTENT_IBAN] = FIELD_ACCOUNTS,    [CONTENT_PHONE] = FIELD_PHONES,
        [CONTENT_SETTING] = FIELD_SETTINGS, [CONTENT_FLIGHT] = FIELD_FLIGHTS,
        [CONTENT_ARCHIVE] = FIELD_ARCHIVES, [CONTENT_PATTERN] = FIELD_PATTERNS};
    for (int i = 0; i < CONTENT_CLASSES; i++)
        rule_facts_number(facts, field[i], story->counted.of[i].items);
    rule_facts_number(facts, FIELD_OUT_BYTES_STORY, story->out.value);
    rule_facts_number(facts, FIELD_FLOWS_STORY, story->flows_total);
}

static void put_service(enum service service, struct rule_facts *facts)
{
    rule_facts_text(facts, FIELD_SERVICE, service_name[service]);
    rule_facts_number(facts, FIELD_ENCRYPTED, service_is_sealed(service));
}

static void put_ja3(const uint8_t ja3[16], struct ruled_facts *facts)
{
    rule_facts_text(&facts->facts, FIELD_JA3, hex_text(ja3, 16, facts->ja3));
}

/* --- of a flow ------------------------------------------------------------------------------- */

static void put_endpoints(const struct engine *engine, const struct flow_view *view,
                          struct ruled_facts *facts)
{
    const struct flow_key *key = &view->record->key;
    struct rule_facts *f = &facts->facts;
    bool outbound = view->scope == SCOPE_OUT;
    rule_facts_address(f, FIELD_HOST, &view->way.host);
    rule_facts_address(f, FIELD_REMOTE, &view->way.remote);
    put_zone(engine, &view->way.host, f);
    rule_facts_text(f, FIELD_PROTOCOL, proto_text(key->proto, facts->protocol));
    put_network(engine, &view->way.remote, facts);
    rule_facts_number(f, FIELD_TUNNELLED, view->way.by_tunnel);
    rule_facts_number(f, FIELD_VLAN, key->vlan);
    if (!proto_has_ports(key->proto))
        return;
    rule_facts_number(f, FIELD_REMOTE_PORT, outbound ? key->resp_port : key->orig_port);
    rule_facts_number(f, FIELD_HOST_PORT, outbound ? key->orig_port : key->resp_port);
    rule_facts_number(f, FIELD_SERVER_PORT, key->resp_port);
}

static void put_texts(const struct engine *engine, const struct flow_view *view,
                      struct ruled_facts *facts)
{
    const struct record_flow *record = view->record;
    struct rule_facts *f = &facts->facts;
    bool can_verify = view->scope == SCOPE_OUT && !view->way.by_tunnel;
    put_names(engine, view->text[TEXT_SERVER_NAME], can_verify && !view->name_unverified, f);
    put_service((enum service)record->service, f);
    rule_facts_text(f, FIELD_APPLICATION, view->text[TEXT_APPLICATION]);
    rule_facts_text(f, FIELD_DNS_QUESTION, view->text[TEXT_QUESTION]);
    rule_facts_text(f, FIELD_JA4, view->text[TEXT_JA4]);
    rule_facts_text(f, FIELD_ALPN, view->text[TEXT_ALPN]);
    rule_facts_number(f, FIELD_CERTIFICATE_OTHER, (record->flags & FLOW_CERTIFICATE_OTHER) != 0);
    rule_facts_number(f, FIELD_ECH, (record->flags & (FLOW_ECH | FLOW_ESNI)) != 0);
    if (record->flags & FLOW_HAS_JA3)
        put_ja3(record->ja3, facts);
}

static uint64_t day_bytes(const struct engine *engine, const struct ruled_flow *flow,
                          const char *key, int64_t day, uint64_t closed_bytes)
{
    struct volume open = account_open(engine, flow->host, flow->first_hour, flow->civil->hour, key);
    return open.value + (day == flow->civil->day ? closed_bytes : 0);
}

/* Of the site's day: hours that are open, and those that the profile has. */
static void put_days(const struct engine *engine, const struct ruled_flow *flow,
                     struct rule_facts *facts)
{
    const struct profile *profile = flow->host->profile;
    const struct pair *pair = NULL;
    char key[DESTINATION_KEY_SIZE];
    if (profile && (is_used(engine, FIELD_MET_BEFORE) || is_used(engine, FIELD_OUT_BYTES_DAY)))
        pair = profile_pair(profile, flow->view->destination);
    rule_facts_number(facts, FIELD_MET_BEFORE, pair != NULL);
    if (is_used(engine, FIELD_OUT_BYTES_DAY))
        rule_facts_number(facts, FIELD_OUT_BYTES_DAY,
                          day_bytes(engine, flow, destination_key(&flow->pair->destination, key),
                                    pair ? pair->today : INT64_MIN, pair ? pair->today_bytes : 0));
    if (is_used(engine, FIELD_HOST_OUT_BYTES_DAY))
        rule_facts_number(facts, FIELD_HOST_OUT_BYTES_DAY,
                          day_bytes(engine, flow, NULL, profile ? profile->today : INT64_MIN,
                                    profile ? profile->today_bytes : 0));
}

static void put_bytes(const struct engine *engine, const struct ruled_flow *flow,
                      struct rule_facts *facts)
{
    const struct flow_view *view = flow->view;
    const struct record_flow *record = view->record;
    uint64_t sent[2] = {0, 0};
    for (int side = 0; side < SIDES; side++)
        sent[(view->way.leaves >> side) & 1] += record->total[side].payload_bytes;
    rule_facts_number(facts, FIELD_OUT_BYTES, sent[1]);
    rule_facts_number(facts, FIELD_IN_BYTES, sent[0]);
    rule_facts_number(facts, FIELD_OUT_IN_RATIO, sent[1] / (sent[0] > 0 ? sent[0] : 1));
    rule_facts_number(facts, FIELD_OUT_BYTES_HOUR, flow->pair->out.value);
    rule_facts_number(facts, FIELD_HOST_OUT_BYTES_HOUR, flow->total->out.value);
    put_days(engine, flow, facts);
}

void ruled_facts_of_flow(struct engine *engine, const struct ruled_flow *flow,
                         struct ruled_facts *facts)
{
    static const struct story nothing;
    const struct record_flow *record = flow->view->record;
    memset(&facts->facts, 0, sizeof facts->facts);
    put_time(engine, flow->now, &facts->facts);
    put_destination(flow->view->destination, &facts->facts);
    put_users(engine, flow->view->destination, &facts->facts);
    put_device(&flow->host->ip, facts);
    put_endpoints(engine, flow->view, facts);
    put_texts(engine, flow->view, facts);
    put_bytes(engine, flow, &facts->facts);
    put_counted(flow->open ? &flow->open->story : &nothing, &facts->facts);
    rule_facts_number(
        &facts->facts, FIELD_DURATION,
        record->last_ns > record->start_ns ? (uint64_t)(record->last_ns - record->start_ns) : 0);
    rule_facts_text(&facts->facts, FIELD_BASELINE, baseline_state_name[flow->state]);
}

/* --- of a story ------------------------------------------------------------------------------ */

static enum service largest_service(const struct story *story)
{
    enum service largest = SERVICE_NONE;
    for (int i = 0; i < SERVICES; i++)
        if (story->service_out[i].value > story->service_out[largest].value)
            largest = (enum service)i;
    return largest;
}

static void put_largest_flow(const struct engine *engine, const struct story *story,
                             struct ruled_facts *facts)
{
    struct rule_facts *f = &facts->facts;
    const struct alert_flow *largest = &story->flow[0];
    bool verified = story->destination.role == ROLE_CLIENT &&
                    story->destination.kind == DESTINATION_DOMAIN && story->unverified_out == 0 &&
                    story->other_certificate_out == 0 && !story->by_tunnel;
    rule_facts_address(f, FIELD_HOST, &story->source);
    rule_facts_address(f, FIELD_REMOTE, &story->remote);
    put_network(engine, &story->remote, facts);
    rule_facts_text(f, FIELD_PROTOCOL, proto_text(largest->key.proto, facts->protocol));
    rule_facts_number(f, FIELD_TUNNELLED, story->by_tunnel);
    put_names(engine, story->server_name, verified, f);
    put_service(largest_service(story), f);
    rule_facts_text(f, FIELD_APPLICATION, story->application);
    if (!proto_has_ports(largest->key.proto))
        return;
    rule_facts_number(f, FIELD_REMOTE_PORT, story->remote_port);
    rule_facts_number(f, FIELD_SERVER_PORT, largest->key.resp_port);
}

void ruled_facts_of_story(struct engine *engine, const struct story *story, struct ptime now,
                          struct ruled_facts *facts)
{
    memset(&facts->facts, 0, sizeof facts->facts);
    put_time(engine, now, &facts->facts);
    put_device(&story->host, facts);
    put_counted(story, &facts->facts);
    put_zone(engine, ip_is_device(&story->host) ? &story->source : &story->host, &facts->facts);
    if (story->has_destination && story->flow_count > 0) {
        put_destination(&story->destination, &facts->facts);
        put_users(engine, &story->destination, &facts->facts);
        put_largest_flow(engine, story, facts);
    } else if (!ip_is_device(&story->host)) {
        rule_facts_address(&facts->facts, FIELD_HOST, &story->host);
    }
    rule_facts_doubt(&facts->facts);
}
