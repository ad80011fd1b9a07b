/* One flow record: whose bytes these are, and what is to be thought of them.
 *
 *   way → host, destination → totals of the open hour → story → weigh → incidents
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
    struct prefix orig = prefix_of(&key->orig_ip, 24, 64), resp = prefix_of(&key->resp_ip, 24, 64);
    if (!(record->flags & FLOW_BROADCAST) || record->total[SIDE_RESP].packets > 0)
        return scope;
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
static struct destination destination_of(struct engine *engine, const struct way *way,
                                         const char *server_name, const char *certificate,
                                         bool *unverified)
{
    *unverified = false;
    if (way->scope == SCOPE_IN)
        return destination_of_prefix(ROLE_SERVED, &way->remote);
    return names_destination(&engine->names, way->by_tunnel ? "" : server_name, certificate,
                             &way->remote, unverified);
}

/* What a side sent since the record before. */
static struct volume fresh_of(const struct record_flow *record, int side)
{
    int64_t payload = record->fresh[side].payload_bytes;
    return (struct volume){.value = positive(payload),
                           .low = positive(record->fresh[side].acked_bytes),
                           .high = positive(payload + record->fresh[side].missing_bytes)};
}

static void add_side(struct flow_view *view, int side)
{
    struct volume fresh = fresh_of(view->record, side);
    if (view->way.leaves & (1u << side))
        volume_add(&view->out, fresh);
    else
        view->in_bytes += fresh.value;
}

static void view_record(struct engine *engine, const struct record_flow *record,
                        struct flow_view *view, struct destination *destination)
{
    memset(view, 0, offsetof(struct flow_view, text)); /* each of which is written below */
    view->record = record;
    bool tunnelled = record_flow_tunnels(record, view->tunnel);
    view->way = way_of(engine->config.inside, &record->key, tunnelled ? view->tunnel : NULL);
    view->scope = scope_by_frame(view->way.scope, record);
    for (unsigned i = 0; i < FLOW_TEXTS; i++)
        record_flow_text(record, i, view->text[i]);
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
    bool other = record->flags & FLOW_CERTIFICATE_OTHER;
    *destination =
        destination_of(engine, &view->way, view->text[TEXT_SERVER_NAME],
                       other ? view->text[TEXT_CERTIFICATE] : NULL, &view->name_unverified);
    view->destination = destination;
}

/* --- totals ---------------------------------------------------------------------------------- */

static bool first_record(const struct record_flow *record)
{
    return record->fresh[0].packets + record->fresh[1].packets ==
           (int64_t)(record->total[0].packets + record->total[1].packets);
}

static struct civil hour_of(struct engine *engine, struct ptime time)
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
    struct civil civil = hour_of(engine, (struct ptime){record->fresh_since_ns});
    for (int side = 0; side < SIDES; side++) {
        uint64_t bytes = fresh_of(record, side).value;
        const struct ip *to = side == SIDE_ORIG ? &record->key.resp_ip : &record->key.orig_ip;
        const struct ip *host =
            host_of(to, view->device[side == SIDE_ORIG ? SIDE_RESP : SIDE_ORIG]);
        if (bytes > 0)
            receive_at(engine, host, &civil, bytes);
    }
}

/* --- judging --------------------------------------------------------------------------------- */

/* The first hour of the site day: days have 23 to 25 hours. */
int64_t account_first_of_day(struct engine *engine, const struct civil *civil)
{
    struct site_day *today = &engine->today;
    if (today->known && today->day == civil->day)
        return today->first_hour;
    struct civil at = *civil;
    while (at.day == civil->day) {
        *today = (struct site_day){true, at.day, at.hour};
        at = calendar_at(engine->config.calendar, (struct ptime){at.starts.ns - 1});
    }
    return today->first_hour;
}

/* It is, but not closed for all yet: the profile's own day has it. */
static bool is_learned(const struct engine *engine, const struct host *host, int64_t hour)
{
    return engine->config.live && host->profile && hour <= engine->closed_hour &&
           hour <= host->profile->last_closed_hour;
}

/* What left in open hours from `first` on, this one included: the hour before is one too for two
 * minutes, and while the store is away all since then. */
static struct volume sum_open(const struct engine *engine, const struct host *host, int64_t first,
                              int64_t last, const char *key, uint64_t *inside)
{
    struct volume sum = {0, 0, 0};
    int64_t oldest = last;
    totals_oldest(engine->totals, &oldest);
    for (int64_t hour = oldest > first ? oldest : first; hour <= last; hour++) {
        const struct host_total *total = totals_get(engine->totals, &host->ip, hour);
        if (!total || is_learned(engine, host, hour))
            continue;
        const struct pair_total *pair = key ? map_get(&total->pairs, key, strlen(key)) : NULL;
        *inside = bytes_add(*inside, total->inside_bytes);
        if (!key)
            volume_add(&sum, total->out);
        else if (pair)
            volume_add(&sum, pair->out);
    }
    return sum;
}

struct volume account_open(const struct engine *engine, const struct host *host, int64_t first,
                           int64_t last, const char *key)
{
    uint64_t unused = 0;
    return sum_open(engine, host, first, last, key, &unused);
}

struct volume account_open_all(const struct engine *engine, const struct host *host, int64_t first,
                               int64_t last, uint64_t *inside)
{
    return sum_open(engine, host, first, last, NULL, inside);
}

static struct subject subject_of(struct engine *engine, const struct host *host,
                                 const struct civil *civil)
{
    struct subject subject = {.config = &engine->config.detect,
                              .civil = *civil,
                              .host = host->profile,
                              .fleet = engine->fleet,
                              .state = BASELINE_LEARNING};
    if (host->profile)
        subject.state = hosts_state(engine, host->profile, civil->hour);
    /* What is known is old, or is not there to be asked for. A host that still learns does so. */
    if (memory_is_stale(engine) && (subject.state == BASELINE_READY || !host->loaded))
        subject.state = BASELINE_STALE;
    return subject;
}

static void follow(struct engine *engine, struct open_story *open, struct ptime now)
{
    if (!open->told)
        return;
    struct story story = open->story;
    story.out = volume_clamped(story.out);
    incidents_follow(engine->incidents, &story, now);
}

size_t account_tell(struct engine *engine, struct open_story *open, struct finding *finding,
                    size_t count, enum baseline_state state, uint32_t hours, struct ptime now)
{
    if (count == 0 || !told_is_wanted(engine, &open->story, now))
        return 0;
    size_t kept = ruled_keep(engine, &open->story, finding, count, now);
    struct story story = open->story;
    story.out = volume_clamped(story.out);
    for (size_t i = 0; i < kept; i++)
        incidents_find(engine->incidents, &finding[i], &story, state, hours, now);
    open->told |= kept > 0;
    return kept;
}

static void find(struct engine *engine, const struct subject *subject, struct open_story *open,
                 struct ptime now)
{
    struct finding finding[JUDGE_FINDINGS];
    uint32_t hours = subject->host ? profile_hours(subject->host) : 0;
    size_t count = judge(subject, finding);
    if (account_tell(engine, open, finding, count, subject->state, hours, now) == 0)
        follow(engine, open, now);
}

/* A load takes milliseconds, and one's own past is the better judge: peers are asked when it takes
 * longer, or when what came is no profile. */
static bool is_awaited(struct host *host, struct ptime now)
{
    if (host->loaded)
        return host->damaged;
    if (host->missed_ns == 0)
        host->missed_ns = now.ns;
    return now.ns - host->missed_ns >= AWAITED_NS;
}

static void judge_awaited(struct engine *engine, const struct host *host, const struct civil *civil,
                          const struct host_total *total, struct open_story *open, struct ptime now)
{
    struct subject subject = subject_of(engine, host, civil);
    subject.kind = SUBJECT_HOST;
    subject.awaited = true;
    weigh_set_budget(engine);
    subject.hour = volume_clamped(total->out);
    subject.day = volume_clamped(
        account_open(engine, host, account_first_of_day(engine, civil), civil->hour, NULL));
    find(engine, &subject, open, now);
}

/* What was counted in one story, as what left in another: the same as a rule. */
static void judge_items(struct engine *engine, const struct host *host, const struct civil *civil,
                        struct open_story *items, struct open_story *open, struct ptime now)
{
    struct subject subject = subject_of(engine, host, civil);
    if (!items->content_changed)
        return;
    items->content_changed = false;
    subject.kind = SUBJECT_CONTENT;
    subject.destination = &open->story.destination; /* the pair may be "other" */
    subject.counted = &items->story.counted;
    subject.inspected_bytes = open->story.out.value;
    uint64_t missing = volume_clamped(open->story.out).high - open->story.out.value;
    uint64_t uninspected = items->story.content_gap_bytes;
    subject.gap_bytes = missing > uninspected ? missing : uninspected;
    find(engine, &subject, open, now);
}

/* Items are told before anybody says whose certificate the flow has seen, so those of a flow whose
 * name its certificate contradicts have joined the name's story. They left here. */
static struct open_story *story_of_claim(struct engine *engine, const struct flow_view *view,
                                         const struct host *host)
{
    bool unverified;
    if (!(view->record->flags & FLOW_CERTIFICATE_OTHER) || !view->name_unverified)
        return NULL;
    struct destination destination =
        destination_of(engine, &view->way, view->text[TEXT_SERVER_NAME], NULL, &unverified);
    struct open_story *open = stories_find(&engine->stories, &host->ip, &destination);
    return !unverified && open && open->content_changed ? open : NULL;
}

static void apply_rules(struct engine *engine, const struct flow_view *view, struct host *host,
                        const struct civil *civil, const struct host_total *total,
                        const struct pair_total *pair, struct open_story *open)
{
    struct ruled_flow flow = {.view = view,
                              .host = host,
                              .civil = civil,
                              .total = total,
                              .pair = pair,
                              .open = open,
                              .first_hour = account_first_of_day(engine, civil),
                              .now = {view->record->header.time_ns}};
    flow.state = subject_of(engine, host, civil).state;
    ruled_flow(engine, &flow);
}

/* Where a record's bytes were counted. */
struct booked {
    struct civil civil;
    struct host_total *total; /* NULL: it is refused */
    struct pair_total *pair;
};

static struct booked book_record(struct engine *engine, const struct flow_view *view,
                                 const struct host *host)
{
    const struct record_flow *record = view->record;
    struct booked booked = {.civil = hour_of(engine, (struct ptime){record->fresh_since_ns})};
    struct host_total *total = booked.total =
        totals_open(engine->totals, &host->ip, booked.civil.hour);
    if (!total) {
        engine->counts.refused_bytes += view->out.value;
        return booked;
    }
    uint32_t overflow = total->overflow;
    booked.pair = totals_add(total, view->destination, view->out, view->in_bytes,
                             first_record(record) ? 1 : 0);
    engine->counts.pairs_overflow += total->overflow - overflow;
    note_start(engine, total, booked.pair, view, &booked.civil);
    note_age(booked.pair, view);
    close_note_open(engine, total, &booked.civil);
    return booked;
}

static void judge_record(struct engine *engine, const struct flow_view *view, struct host *host,
                         const struct booked *booked)
{
    struct ptime now = {view->record->header.time_ns};
    const struct civil civil = booked->civil;
    struct host_total *total = booked->total;
    struct open_story *whole = stories_open(&engine->stories, &host->ip, NULL, now);
    struct open_story *open = stories_open(&engine->stories, &host->ip, view->destination, now);
    story_add(whole, view);
    story_add(open, view);
    const struct profile *profile =
        hosts_profile(engine, host, &civil); /* host->profile from here on */
    bool learning = !profile || hosts_state(engine, profile, civil.hour) == BASELINE_LEARNING;
    *(learning ? &engine->counts.learning_bytes : &engine->counts.judged_bytes) += view->out.value;
    struct open_story *claimed = story_of_claim(engine, view, host);
    if (engine->config.rules)
        apply_rules(engine, view, host, &civil, total, booked->pair, open);
    /* acknowledgements, gaps, what came in */
    if (view->out.value == 0 && !open->content_changed && !claimed) {
        follow(engine, open, now);
        follow(engine, whole, now);
        return;
    }
    struct subject subject = subject_of(engine, host, &civil);
    weigh_record(engine, host, &civil, total, booked->pair, subject.state, now);
    if (!host->profile && is_awaited(host, now))
        judge_awaited(engine, host, &civil, total, whole, now);
    judge_items(engine, host, &civil, open, open, now);
    if (claimed)
        judge_items(engine, host, &civil, claimed, open, now);
    follow(engine, open, now);
    follow(engine, whole, now);
}

void account_again(struct engine *engine, struct host *host)
{
    struct ptime now = engine->counts.last;
    if (now.ns == INT64_MIN)
        return;
    struct civil present = hour_of(engine, now);
    int64_t newest = present.hour;
    if (!hosts_profile(engine, host, &present))
        return;
    for (int64_t hour = newest - 1; hour <= newest; hour++) {
        struct host_total *total = totals_get(engine->totals, &host->ip, hour);
        if (!total)
            continue;
        struct civil civil = close_civil(engine, hour, now);
        struct subject subject = subject_of(engine, host, &civil);
        weigh_record(engine, host, &civil, total, NULL, subject.state, now);
    }
}

/* A host that was met before counts everything; a new one needs a two-way exchange. */
static struct host *host_for(struct engine *engine, const struct flow_view *view)
{
    struct host *host = hosts_get(engine, view->host);
    if (host || !(view->record->flags & FLOW_ESTABLISHED))
        return host;
    return hosts_add(engine, view->host);
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
    if (host) {
        struct booked booked = book_record(engine, view, host);
        if (booked.total && !engine_only_gathers(engine))
            judge_record(engine, view, host, &booked);
    } else if (view->record->flags & FLOW_ESTABLISHED) {
        engine->counts.refused_bytes += view->out.value;
    } else {
        count_unestablished(engine, view);
    }
    return true;
}

/* What needs no host with a past, and what is counted of all. */
static void look_at(struct engine *engine, const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    if (view->way.carried)
        volume_add(&engine->counts.carried, view->out);
    tunnelled_flow(engine, view);
    swept_flow(engine, view);
    live_flow(engine, view);
    count_protocol(engine, record);
    engine->counts.flows[view->scope] += first_record(record);
    for (int side = 0; side < SIDES; side++)
        volume_add(&engine->counts.payload[view->scope], fresh_of(record, side));
    if (engine->config.observer.flow)
        engine->config.observer.flow(engine->config.observer.context, view);
}

bool account_flow(struct engine *engine, const struct record_flow *record)
{
    struct flow_view view;
    struct destination destination;
    view_record(engine, record, &view, &destination);
    if (view.host && !account_host(engine, &view))
        return false;
    receive(engine, &view);
    if (!engine_only_gathers(engine))
        look_at(engine, &view);
    if (record->end != FLOW_OPEN)
        names_flow_ended(&engine->names, &record->key);
    return true;
}

/* --- content and the sensor's own sight ------------------------------------------------------ */

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
    struct destination destination = destination_of(
        engine, &way, names_of_flow(&engine->names, &record->key), NULL, &unverified);
    struct ptime now = {record->header.time_ns};
    story_add_items(&engine->stories, stories_open(&engine->stories, host, &destination, now),
                    record);
    if (engine->config.observer.content)
        engine->config.observer.content(engine->config.observer.context, host, &destination,
                                        record);
}

void judge_sensor(struct engine *engine, struct ptime now)
{
    struct subject subject = {.kind = SUBJECT_SENSOR,
                              .config = &engine->config.detect,
                              .civil = calendar_at(engine->config.calendar, now),
                              .interval =
                                  health_difference(&engine->health_sum, &engine->health_judged),
                              .interval_start = engine->health_from,
                              .interval_end = now};
    struct story story = {.first = engine->health_from, .last = now};
    struct finding finding[JUDGE_FINDINGS];
    size_t count = judge(&subject, finding);
    for (size_t i = 0; i < count; i++)
        incidents_find(engine->incidents, &finding[i], &story, BASELINE_READY, 0, now);
    engine->health_judged = engine->health_sum;
    engine->health_from = now;
}
