/* See zoned.h. Thread: the engine's. */
#include "internal.h"

#include "weir/base/digest.h"

#include <string.h>

/* --- what is asked ---------------------------------------------------------------------------- */

static bool has_ports(uint8_t proto)
{
    return proto == 6 || proto == 17 || proto == 132 || proto == 33; /* TCP, UDP, SCTP, DCCP */
}

/* Where a tunnel decides, its ends are who speaks. */
static void put_ends(const struct flow_view *view, struct zone_flow *flow)
{
    const struct flow_key *key = &view->record->key;
    const struct way *way = &view->way;
    bool out = view->scope == SCOPE_OUT;
    flow->orig = key->orig_ip;
    flow->resp = key->resp_ip;
    flow->orig_port = has_ports(key->proto) ? key->orig_port : 0;
    flow->resp_port = has_ports(key->proto) ? key->resp_port : 0;
    if (!way->by_tunnel)
        return;
    flow->orig = out ? way->host : way->remote;
    flow->resp = out ? way->remote : way->host;
    flow->orig_port = out ? 0 : way->remote_port;
    flow->resp_port = out ? way->remote_port : 0;
}

static uint8_t end_of(const struct engine *engine, const struct ip *ip, const struct flow_key *key)
{
    bool inside = inside_has(engine->config.inside, ip, key->vlan, key->vantage);
    return (uint8_t)zones_end(engine->zoned.zones, ip, inside);
}

static struct zone_flow flow_of(const struct engine *engine, const struct flow_view *view)
{
    const struct record_flow *record = view->record;
    struct zone_flow flow = {.proto = record->key.proto,
                             .service = (enum service)record->service,
                             .reads = record->operations.reads,
                             .writes = record->operations.writes,
                             .payload_bytes = {record->total[SIDE_ORIG].payload_bytes,
                                               record->total[SIDE_RESP].payload_bytes},
                             .certain =
                                 (record->flags & (FLOW_ORIG_BY_SYN | FLOW_ORIG_BY_SERVICE)) != 0};
    put_ends(view, &flow);
    flow.from = end_of(engine, &flow.orig, &record->key);
    flow.to = end_of(engine, &flow.resp, &record->key);
    return flow;
}

/* --- the story -------------------------------------------------------------------------------- */

/* A flow of two inside hosts as one that leaves whoever opened it. */
struct crossing {
    struct flow_view view;
    struct destination destination;
};

static void make_crossing(const struct flow_view *view, struct crossing *crossing)
{
    const struct record_flow *record = view->record;
    const struct flow_key *key = &record->key;
    struct prefix prefix = prefix_of(&key->resp_ip, 32, 128);
    crossing->view = *view;
    crossing->destination = (struct destination){.role = ROLE_CLIENT, .kind = DESTINATION_PREFIX};
    prefix_text(&prefix, crossing->destination.name);
    struct flow_view *made = &crossing->view;
    made->scope = SCOPE_OUT;
    made->way = (struct way){.scope = SCOPE_OUT,
                             .leaves = 1u << SIDE_ORIG,
                             .host = key->orig_ip,
                             .remote = key->resp_ip,
                             .remote_port = has_ports(key->proto) ? key->resp_port : 0};
    made->host = &made->way.host;
    made->destination = &crossing->destination;
    made->out = account_fresh(record, SIDE_ORIG);
    made->in_bytes = account_fresh(record, SIDE_RESP).value;
}

static bool has_room(const struct ruled_rule *limit, struct ptime now)
{
    return limit->since.ns == INT64_MIN || now.ns - limit->since.ns >= NS_PER_DAY ||
           limit->told < ZONED_LIMIT;
}

static uint64_t hash_of(const struct flow_view *view)
{
    char key[DESTINATION_KEY_SIZE];
    destination_key(view->destination, key);
    return hash64(key, strlen(key), hash64(view->host, sizeof *view->host, 0));
}

/* May one more alert of this zone be told of this story? Counts either way. */
static bool may_tell(struct engine *engine, struct ruled_rule *limit, uint64_t story,
                     struct ptime now)
{
    uint64_t withheld = limit->tally.withheld;
    bool may = ruled_may_tell(limit, ZONED_LIMIT, NS_PER_DAY, story, now);
    engine->counts.zones_withheld += limit->tally.withheld - withheld;
    return may;
}

/* With this record in it; NULL: nothing of it was told, and nothing may be today. A sweep through
 * the addresses of a zone must not drive out what others tell. */
static struct open_story *story_of(struct engine *engine, const struct flow_view *view,
                                   struct ruled_rule *limit, struct ptime now)
{
    struct open_story *open = stories_find(&engine->stories, view->host, view->destination);
    if ((!open || !open->told) && !has_room(limit, now)) {
        may_tell(engine, limit, hash_of(view), now);
        return NULL;
    }
    if (open && view->in_story)
        return open;
    open = stories_open(&engine->stories, view->host, view->destination, now);
    story_add(open, view);
    return open;
}

/* --- telling ---------------------------------------------------------------------------------- */

static void put_name(const char *name, char to[ZONE_NAME_SIZE])
{
    memcpy(to, name, strlen(name) + 1);
}

static void name_border(const struct zoned_flow *zoned, struct story_zone *named)
{
    const struct zone *zone = zones_get(zoned->zones, zoned->verdict.zone);
    *named = (struct story_zone){.level = zone->level};
    put_name(zone->name, named->name);
    put_name(zones_end_name(zoned->zones, zoned->flow.from), named->from);
    put_name(zones_end_name(zoned->zones, zoned->flow.to), named->to);
}

void zoned_name(const struct engine *engine, const struct flow_view *view, struct story *story)
{
    const struct zones *zones = engine->zoned.zones;
    if (!zones || *story->zone.name)
        return;
    const struct zone *zone = zones_get(zones, zones_end(zones, &view->way.host, true));
    if (!zone)
        return;
    story->zone.level = zone->level;
    put_name(zone->name, story->zone.name);
}

void zoned_withhold(struct engine *engine, struct profile *profile, const struct civil *civil)
{
    const struct zones *zones = engine->zoned.zones;
    const struct noise *book = engine->noise.book;
    const struct zone *zone =
        zones && book ? zones_get(zones, zones_end(zones, &profile->host, true)) : NULL;
    profile->withheld = zone && noise_in_change(book, zone->name, civil->starts, civil->ends);
    engine->counts.hours_withheld += profile->withheld;
}

static void tell(struct engine *engine, struct open_story *open, const struct flow_view *view,
                 struct zoned_flow *zoned, struct finding *finding, size_t count)
{
    struct ptime now = {view->record->header.time_ns};
    struct ruled_rule *limit = &engine->zoned.limit[zoned->verdict.zone];
    const struct host *host = hosts_get(engine, view->host);
    int64_t hour = calendar_at(engine->config.calendar, now).hour;
    enum baseline_state state = host ? hosts_state_then(engine, host, hour) : BASELINE_LEARNING;
    struct story story = open->story;
    story.out = volume_clamped(story.out);
    for (size_t i = 0; i < count; i++) {
        if (incidents_would_tell(engine->incidents, &finding[i], &story, now)) {
            if (!may_tell(engine, limit, hash_of(view), now))
                continue;
            limit->held_before = 0; /* it was said */
        }
        incidents_find(engine->incidents, &finding[i], &story, state, host ? host->hours : 0, now);
        open->told = true;
    }
}

/* Everything that passes a border and may is looked at here and left. */
static void judge_crossing(struct engine *engine, const struct flow_view *view,
                           struct zoned_flow *zoned)
{
    struct ptime now = {view->record->header.time_ns};
    struct ruled_rule *limit = &engine->zoned.limit[zoned->verdict.zone];
    struct subject subject = {.kind = SUBJECT_ZONE,
                              .config = &engine->config.detect,
                              .civil = calendar_at(engine->config.calendar, now),
                              .fleet = engine->fleet,
                              .state = BASELINE_LEARNING,
                              .zoned = zoned};
    struct finding finding[JUDGE_FINDINGS];
    if (judge(&subject, finding) == 0)
        return;
    struct open_story *open = story_of(engine, view, limit, now);
    if (!open || !told_is_wanted(engine, &open->story, now))
        return;
    name_border(zoned, &open->story.zone);
    zoned->out_bytes = open->story.out.value;
    zoned->withheld = limit->held_before;
    size_t count = judge(&subject, finding); /* with what the story adds */
    count = ruled_keep(engine, &open->story, finding, count, now);
    tell(engine, open, view, zoned, finding, count);
}

void zoned_flow(struct engine *engine, const struct flow_view *view)
{
    struct zoned *zoned = &engine->zoned;
    if (!zoned->zones || view->scope == SCOPE_BROADCAST || view->scope == SCOPE_MULTICAST)
        return;
    struct zoned_flow asked = {.zones = zoned->zones, .flow = flow_of(engine, view)};
    if (!zones_judge(zoned->zones, &asked.flow, &asked.verdict))
        return;
    if ((view->record->end != FLOW_OPEN || !zone_flow_is_young(&asked.flow)) &&
        !zoned_note(zoned, view->record, &asked.flow))
        engine->counts.conduits_unkept++;
    if (view->host) {
        judge_crossing(engine, view, &asked);
        return;
    }
    struct crossing crossing;
    make_crossing(view, &crossing);
    judge_crossing(engine, &crossing.view, &asked);
}
