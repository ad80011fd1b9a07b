/* One flow record: whose bytes these are. What is to be thought of them is account_judge.c's.
 *
 *   way → host, destination → totals of the open hour → (story → weigh → incidents)
 *
 * Out bytes are counted whoever opened the connection. A host comes into being only by an
 * established TCP payload or a two-way exchange, so spoofed sources make none. Thread: the
 * engine's. */
#include "internal.h"

#include "weir/base/device.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const char *const scope_name[SCOPES] = {"out",     "in",        "internal",
                                        "transit", "broadcast", "multicast"};

/* A subnet's own broadcast address looks like any other: the frame's group address tells it. That
 * is the sender's word, so it is taken only where no byte can have left by it: both ends inside, or
 * neighbours of whom none is, and nobody answered. What goes from inside to outside stays egress
 * whatever its frame says. */
static enum scope scope_by_frame(enum scope scope, const struct record_flow *record)
{
    const struct flow_key *key = &record->key;
    if (!(record->flags & FLOW_BROADCAST) || record->total[SIDE_RESP].packets > 0)
        return scope;
    struct prefix orig = prefix_of(&key->orig_ip, 24, 64), resp = prefix_of(&key->resp_ip, 24, 64);
    bool neighbours = orig.bits == resp.bits && ip_compare(&orig.ip, &resp.ip) == 0;
    bool within = scope == SCOPE_INTERNAL || (scope == SCOPE_TRANSIT && neighbours);
    return within ? SCOPE_BROADCAST : scope;
}

/* By whom bytes are counted: the device that held the address when they left, else the address. */
static const struct ip *host_of(const struct ip *address, const struct ip *device)
{
    return device ? device : address;
}

static const struct ip *device_of(const struct engine *engine, const struct ip *address,
                                  int64_t from_ns, int64_t until_ns)
{
    if (!engine->config.by_device)
        return NULL;
    return identity_of(&engine->identity, address, (struct ptime){from_ns},
                       (struct ptime){until_ns});
}

static bool is_link_local(const struct ip *ip)
{
    return ip->byte[0] == 0xfe && (ip->byte[1] & 0xc0) == 0x80;
}

/* Anybody outside can wrap an ARP message into VXLAN, or send what looks like a lease, towards any
 * inside address: nobody may say from there whose an inside address is. */
static bool is_from_outside(const struct inside *inside, const struct record_binding *record)
{
    static const struct ip none;
    for (size_t i = 0; i < BINDING_CARRIERS; i++) {
        const struct ip *by = &record->carrier[i];
        if (ip_compare(by, &none) != 0 && !is_link_local(by) &&
            !inside_has(inside, by, record->vlan, record->vantage))
            return true;
    }
    return false;
}

void account_binding(struct engine *engine, const struct record_binding *record)
{
    const struct inside *inside = engine->config.inside;
    if (!engine->config.by_device ||
        !inside_has(inside, &record->address, record->vlan, record->vantage))
        return;
    if (is_from_outside(inside, record))
        engine->counts.addresses_from_outside++;
    else
        identity_learn(&engine->identity, record);
}

/* --- flows ----------------------------------------------------------------------------------- */

/* No packet comes from 100::/64 (RFC 6666): one that does must not pass for a device. One that goes
 * there leaves, like any other. */
static bool is_forged(const struct engine *engine, const struct way *way)
{
    return engine->config.by_device && ip_is_device(&way->host);
}

static void find_devices(const struct engine *engine, struct flow_view *view)
{
    const struct record_flow *record = view->record;
    int64_t from_ns = record->fresh_since_ns, until_ns = record->header.time_ns;
    if (view->way.by_tunnel) /* what its own addresses say is the sender's word */
        return;
    if (view->scope == SCOPE_OUT || view->scope == SCOPE_INTERNAL)
        view->device[SIDE_ORIG] = device_of(engine, &record->key.orig_ip, from_ns, until_ns);
    if (view->scope == SCOPE_IN || view->scope == SCOPE_INTERNAL)
        view->device[SIDE_RESP] = device_of(engine, &record->key.resp_ip, from_ns, until_ns);
}

static uint64_t positive(int64_t value)
{
    return value > 0 ? (uint64_t)value : 0;
}

/* Where a tunnel decides, a name inside of it says nothing of where the tunnel leads. */
struct destination account_destination(struct engine *engine, const struct way *way,
                                       const char *server_name, const char *certificate,
                                       bool *unverified)
{
    *unverified = false;
    if (way->scope == SCOPE_IN)
        return destination_of_prefix(ROLE_SERVED, &way->remote);
    return names_destination(&engine->names, way->by_tunnel ? "" : server_name, certificate,
                             &way->remote, unverified);
}

struct volume account_fresh(const struct record_flow *record, int side)
{
    int64_t payload = record->fresh[side].payload_bytes;
    return (struct volume){.value = positive(payload),
                           .low = positive(record->fresh[side].acked_bytes),
                           .high = positive(payload + record->fresh[side].missing_bytes)};
}

static void add_side(struct flow_view *view, int side)
{
    struct volume fresh = account_fresh(view->record, side);
    if (view->way.leaves & (1u << side))
        volume_add(&view->out, fresh);
    else
        view->in_bytes += fresh.value;
}

/* Whether a tunnel is around it or not. */
static void find_way(struct engine *engine, struct flow_view *view)
{
    const struct record_flow *record = view->record;
    if (record->tunnels > 0) {
        record_flow_tunnels(record, view->tunnel);
        view->way = way_of(engine->config.inside, &record->key, view->tunnel);
        return;
    }
    struct route *route = routes_of(engine, &record->key);
    view->way = route_way(route, &record->key);
    if (route_leads(engine, route, record)) {
        view->route = route;
        view->pair = route->number;
    }
}

static void find_destination(struct engine *engine, struct flow_view *view,
                             struct destination *destination)
{
    const char *certificate =
        view->record->flags & FLOW_CERTIFICATE_OTHER ? view->text[TEXT_CERTIFICATE] : NULL;
    if (view->route)
        route_destination(view->route, destination);
    else
        *destination = account_destination(engine, &view->way, view->text[TEXT_SERVER_NAME],
                                           certificate, &view->name_unverified);
    view->destination = destination;
}

void account_view(struct engine *engine, const struct record_flow *record, struct flow_view *view,
                  struct destination *destination)
{
    memset(view, 0, offsetof(struct flow_view, text)); /* each of which is written below */
    view->record = record;
    find_way(engine, view);
    view->scope = scope_by_frame(view->way.scope, record);
    record_flow_texts(record, view->text);
    if (is_forged(engine, &view->way))
        view->scope = SCOPE_TRANSIT;
    find_devices(engine, view);
    if (view->scope != SCOPE_OUT && view->scope != SCOPE_IN)
        return;
    const struct ip *device =
        device_of(engine, &view->way.host, record->fresh_since_ns, record->header.time_ns);
    view->host = host_of(&view->way.host, device);
    for (int side = 0; side < SIDES; side++)
        add_side(view, side);
    find_destination(engine, view, destination);
}

/* --- totals ---------------------------------------------------------------------------------- */

static bool first_record(const struct record_flow *record)
{
    return record->fresh[0].packets + record->fresh[1].packets ==
           (int64_t)(record->total[0].packets + record->total[1].packets);
}

struct civil account_hour(struct engine *engine, struct ptime time)
{
    struct civil civil = calendar_at(engine->config.calendar, time);
    /* Bytes told after this run closed their hour belong to the hour that is open. */
    if (civil.hour <= engine->closed_hour)
        civil = close_civil(engine, engine->closed_hour + 1, time);
    return civil;
}

/* When it began, where that was in the hour its bytes are counted in. A flow that goes on into the
 * next hour keeps the size it had in its first. */
static void note_start(struct engine *engine, struct host_total *total, struct pair_total *pair,
                       const struct flow_view *view, const struct civil *civil)
{
    int64_t since_ns = view->record->start_ns - civil->starts.ns;
    uint32_t refused = total->starts_refused;
    if (since_ns < 0 || view->record->start_ns >= civil->ends.ns)
        return;
    totals_start(total, pair, (uint32_t)(since_ns / NS_PER_S), view->out.value);
    engine->counts.starts_refused += total->starts_refused - refused;
}

/* How old it is by now. */
static void note_age(struct pair_total *pair, const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    if (record->last_ns > record->start_ns)
        totals_lasts(pair, (uint64_t)(record->last_ns - record->start_ns) / NS_PER_S);
}

static void receive_at(struct engine *engine, const struct ip *host, const struct civil *civil,
                       uint64_t bytes)
{
    struct host_total *total = totals_receive(engine->totals, host, civil->hour, bytes);
    if (total)
        close_note_open(engine, total, civil);
    else
        engine->counts.inside_refused_bytes += bytes;
}

/* What inside hosts send each other leaves nobody; what it brings together may (staged.h). Nothing
 * of a one-way flow: anybody can send to addresses that are nobody's. */
static void receive(struct engine *engine, const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    if (view->scope != SCOPE_INTERNAL || !(record->flags & FLOW_ESTABLISHED))
        return;
    struct civil civil = account_hour(engine, (struct ptime){record->fresh_since_ns});
    for (int side = 0; side < SIDES; side++) {
        uint64_t bytes = account_fresh(record, side).value;
        const struct ip *to = side == SIDE_ORIG ? &record->key.resp_ip : &record->key.orig_ip;
        const struct ip *host =
            host_of(to, view->device[side == SIDE_ORIG ? SIDE_RESP : SIDE_ORIG]);
        if (bytes > 0)
            receive_at(engine, host, &civil, bytes);
    }
}

/* NULL: it is refused. */
static struct host_total *total_of(struct engine *engine, struct host *host, int64_t hour)
{
    struct tie *tie = host->total.other;
    struct host_total *total = tie ? TIE_OWNER(tie, struct host_total, tie) : NULL;
    if (total && total->hour == hour && total->sends)
        return total;
    total = totals_open(engine->totals, &host->ip, hour);
    if (total)
        tie_bind(&host->total, &total->tie);
    return total;
}

static struct pair_total *add_pair(struct host_total *total, const struct flow_view *view)
{
    const struct route *route = view->route;
    uint32_t flows = first_record(view->record) ? 1 : 0;
    if (!route)
        return totals_add(total, view->destination, view->out, view->in_bytes, flows);
    const struct pair_name name = {route->text, route->size, route->place_hash};
    return totals_add_named(total, view->destination, &name, view->out, view->in_bytes, flows);
}

static struct booked book_record(struct engine *engine, const struct flow_view *view,
                                 struct host *host)
{
    const struct record_flow *record = view->record;
    struct booked booked = {.civil = account_hour(engine, (struct ptime){record->fresh_since_ns})};
    struct host_total *total = booked.total = total_of(engine, host, booked.civil.hour);
    if (!total) {
        engine->counts.refused_bytes += view->out.value;
        return booked;
    }
    uint32_t overflow = total->overflow, refused = total->starts_refused;
    booked.begins = total->pairs.count == 0;
    booked.pair = add_pair(total, view);
    totals_note_upload(booked.pair);
    engine->counts.pairs_overflow += total->overflow - overflow;
    note_start(engine, total, booked.pair, view, &booked.civil);
    note_age(booked.pair, view);
    booked.start_refused = total->starts_refused != refused;
    close_note_open(engine, total, &booked.civil);
    return booked;
}

/* A host that was met before counts everything; a new one needs a two-way exchange. */
static struct host *host_for(struct engine *engine, const struct flow_view *view)
{
    struct host *host = view->route ? view->route->host : NULL;
    if (host)
        return host;
    host = hosts_get(engine, view->host);
    if (!host && view->record->flags & FLOW_ESTABLISHED)
        host = hosts_add(engine, view->host);
    if (view->route)
        view->route->host = host;
    return host;
}

static void count_unestablished(struct engine *engine, const struct flow_view *view)
{
    engine->counts.unestablished_bytes += view->out.value;
    engine->counts.unestablished_high += view->out.high;
}

static void count_protocol(struct engine *engine, const struct record_flow *record)
{
    for (int side = 0; side < SIDES; side++) {
        engine->counts.protocol_packets[record->key.proto] += positive(record->fresh[side].packets);
        engine->counts.protocol_bytes[record->key.proto] +=
            positive(record->fresh[side].payload_bytes);
    }
}

/* What crosses the border, by its host; false as account_flow. */
static bool account_host(struct engine *engine, struct flow_view *view)
{
    struct host *host = host_for(engine, view);
    if (host && !loads_need(engine, host))
        return false;
    view->accepted = host != NULL;
    view->host_number = host ? host->number : 0;
    if (host) {
        struct booked booked = book_record(engine, view, host);
        if (booked.total && engine->config.judged_ns > 0)
            booked.total->others |= tunnelled_may_tell(view);
        again_note(engine, view, host, &booked);
        if (booked.total && !engine_only_gathers(engine))
            view->in_story = account_judge(engine, view, host, &booked);
    } else if (view->record->flags & FLOW_ESTABLISHED) {
        engine->counts.refused_bytes += view->out.value;
    } else {
        count_unestablished(engine, view);
    }
    return true;
}

void account_held(struct engine *engine, const struct record_flow *record)
{
    struct flow_view view;
    struct destination destination;
    account_view(engine, record, &view, &destination);
    if (!view.host)
        return;
    engine->counts.unestablished_bytes -= view.out.value;
    engine->counts.unestablished_high -= view.out.high;
    account_host(engine, &view);
}

/* What needs no host with a past. */
static void look_at(struct engine *engine, const struct flow_view *view)
{
    tunnelled_flow(engine, view);
    swept_flow(engine, view);
    zoned_flow(engine, view);
    live_flow(engine, view);
    halves_flow(engine, view);
}

/* What is counted of all. */
static void count_flow(struct engine *engine, const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    if (view->way.carried)
        volume_add(&engine->counts.carried, view->out);
    count_protocol(engine, record);
    engine->counts.flows[view->scope] += first_record(record);
    for (int side = 0; side < SIDES; side++)
        volume_add(&engine->counts.payload[view->scope], account_fresh(record, side));
    if (engine->config.observer.flow)
        engine->config.observer.flow(engine->config.observer.context, view);
}

bool account_flow(struct engine *engine, const struct record_flow *record)
{
    struct flow_view view;
    struct destination destination;
    account_view(engine, record, &view, &destination);
    if (view.host && !account_host(engine, &view))
        return false;
    receive(engine, &view);
    if (!engine_only_gathers(engine))
        look_at(engine, &view);
    if (again_observes(engine))
        count_flow(engine, &view);
    if (record->end != FLOW_OPEN)
        names_flow_ended(&engine->names, &record->key);
    return true;
}

/* --- content ---------------------------------------------------------------------------------- */

/* Counted items join the story; they are judged with the flow record that follows at once, which
 * carries the bytes they left in. */
void account_content(struct engine *engine, const struct record_content *record)
{
    bool unverified;
    struct way way = way_of(engine->config.inside, &record->key, record->tunnel);
    if (!(way.leaves & (1u << record->side)) || is_forged(engine, &way))
        return;
    const struct ip *host = host_of(
        &way.host, device_of(engine, &way.host, record->header.time_ns, record->header.time_ns));
    if (record->class >= CONTENT_CLASSES) { /* asked for, not seen leaving */
        if (way.scope == SCOPE_IN)
            swept_add(engine, host, &way.remote, record);
        return;
    }
    struct destination destination = account_destination(
        engine, &way, names_of_flow(&engine->names, &record->key), NULL, &unverified);
    struct ptime now = {record->header.time_ns};
    story_add_items(&engine->stories, zoned_story(engine, host, &way.host, &destination, now),
                    record);
    if (engine->config.observer.content)
        engine->config.observer.content(engine->config.observer.context, host, &destination,
                                        record);
}
