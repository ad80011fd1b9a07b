/* See zoned.h. Thread: the engine's. */
#include "internal.h"

#include "weir/base/digest.h"

#include <string.h>

/* --- what is asked ---------------------------------------------------------------------------- */

/* Where a tunnel decides, its ends are who speaks. */
static void put_ends(const struct flow_view *view, struct zone_flow *flow)
{
    const struct flow_key *key = &view->record->key;
    const struct way *way = &view->way;
    bool out = view->scope == SCOPE_OUT;
    flow->orig = key->orig_ip;
    flow->resp = key->resp_ip;
    flow->orig_port = proto_has_ports(key->proto) ? key->orig_port : 0;
    flow->resp_port = proto_has_ports(key->proto) ? key->resp_port : 0;
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

/* Of what was cut off, or seen with holes, nobody knows what it would have been. */
static bool has_ended(const struct record_flow *record)
{
    bool own = record->end == FLOW_END_CLOSED || record->end == FLOW_END_RESET ||
               record->end == FLOW_END_IDLE || record->end == FLOW_END_REUSED;
    return own &&
           record->total[SIDE_ORIG].missing_bytes + record->total[SIDE_RESP].missing_bytes == 0;
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
                                 (record->flags & (FLOW_ORIG_BY_SYN | FLOW_ORIG_BY_SERVICE)) != 0,
                             .ended = has_ended(record)};
    record_flow_functions(record, &flow.functions);
    put_ends(view, &flow);
    flow.from = end_of(engine, &flow.orig, &record->key);
    flow.to = end_of(engine, &flow.resp, &record->key);
    return flow;
}

static bool has_carried(const struct zone_flow *flow)
{
    return flow->payload_bytes[SIDE_ORIG] + flow->payload_bytes[SIDE_RESP] > 0;
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
                             .remote_port = proto_has_ports(key->proto) ? key->resp_port : 0};
    made->host = &made->way.host;
    made->destination = &crossing->destination;
    made->out = account_fresh(record, SIDE_ORIG);
    made->in_bytes = account_fresh(record, SIDE_RESP).value;
}

static void put_name(const char *name, char to[ZONE_NAME_SIZE])
{
    memcpy(to, name, strlen(name) + 1);
}

/* Which of the zone's budgets it is told by. */
static struct ruled_rule *limit_of(struct engine *engine, const struct zoned_flow *zoned,
                                   const struct finding *finding)
{
    struct ruled_rule *limit = engine->zoned.limit[zoned->verdict.zone];
    if (strcmp(finding->detector->id, "zone.payload") == 0)
        return &limit[ZONED_STRAYS];
    return &limit[has_carried(&zoned->flow) ? ZONED_CARRIED : ZONED_TRIED];
}

static bool is_over(const struct ruled_rule *limit, struct ptime now)
{
    return limit->since.ns == INT64_MIN || now.ns - limit->since.ns >= NS_PER_DAY;
}

static bool has_room(const struct ruled_rule *limit, struct ptime now)
{
    return is_over(limit, now) || limit->told < ZONED_LIMIT;
}

/* Before this day's, and told by no alert yet: the first of a new day says so. */
static uint64_t held_before(const struct ruled_rule *limit, struct ptime now)
{
    return limit->held_before + (is_over(limit, now) ? limit->held : 0);
}

static uint64_t hash_of(const struct flow_view *view)
{
    char key[DESTINATION_KEY_SIZE];
    destination_key(view->destination, key);
    return hash64(key, strlen(key), hash64(view->host, sizeof *view->host, 0));
}

/* May one more alert by this budget be told of this story? Counts either way. */
static bool may_tell(struct engine *engine, struct ruled_rule *limit, uint64_t story,
                     struct ptime now)
{
    uint64_t withheld = limit->tally.withheld;
    bool may = ruled_may_tell(limit, ZONED_LIMIT, NS_PER_DAY, story, now);
    engine->counts.zones_withheld += limit->tally.withheld - withheld;
    return may;
}

static struct open_story *name_zone(const struct engine *engine, const struct ip *address,
                                    struct open_story *open)
{
    const struct zones *zones = engine->zoned.zones;
    if (!zones || *open->story.zone.name)
        return open;
    const struct zone *zone = zones_get(zones, zones_end(zones, address, true));
    if (zone) {
        open->story.zone.level = zone->level;
        put_name(zone->name, open->story.zone.name);
    }
    return open;
}

struct open_story *zoned_story(struct engine *engine, const struct ip *host,
                               const struct ip *address, const struct destination *destination,
                               struct ptime now)
{
    return name_zone(engine, address, stories_open(&engine->stories, host, destination, now));
}

struct open_story *zoned_story_tied(struct engine *engine, struct tie *tie, const struct ip *host,
                                    const struct ip *address, const struct destination *destination,
                                    struct ptime now)
{
    return name_zone(engine, address,
                     stories_open_tied(&engine->stories, tie, host, destination, now));
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
    open = zoned_story(engine, view->host, &view->way.host, view->destination, now);
    story_add(open, view);
    return open;
}

/* --- telling ---------------------------------------------------------------------------------- */

static void name_border(const struct zoned_flow *zoned, struct story_zone *named)
{
    const struct zone *zone = zones_get(zoned->zones, zoned->verdict.zone);
    *named = (struct story_zone){.level = zone->level};
    put_name(zone->name, named->name);
    put_name(zones_end_name(zoned->zones, zoned->flow.from), named->from);
    put_name(zones_end_name(zoned->zones, zoned->flow.to), named->to);
}

static void tell(struct engine *engine, struct open_story *open, const struct flow_view *view,
                 struct ruled_rule *limit, struct finding *finding, size_t count)
{
    struct ptime now = {view->record->header.time_ns};
    struct host *host = hosts_get(engine, view->host);
    hosts_turn(engine, host);
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

/* Notes what the row does not list of what is asked for; the first that is new in the story is the
 * one to be named. */
static void note_unlisted(struct open_story *open, struct zoned_flow *zoned)
{
    const struct conduit *conduit = &zoned->zones->conduit[zoned->verdict.row];
    const struct function_set *asked = &zoned->flow.functions;
    bool named = false;
    for (size_t i = 0; i < asked->count; i++) {
        uint16_t code = asked->code[i];
        if (function_set_has(&conduit->functions, code) || function_set_has(&open->unlisted, code))
            continue;
        const struct function_set one = {
            .code = {code}, .count = 1, .back = function_set_is_back(asked, i)};
        function_set_merge(&open->unlisted, &one);
        if (!named)
            zoned->verdict.function = code;
        named = true;
    }
    if (asked->more > open->unlisted.more)
        open->unlisted.more = asked->more;
    if (asked->more_back > open->unlisted.more_back)
        open->unlisted.more_back = asked->more_back;
    if (zoned->verdict.functions > 0)
        zoned->verdict.functions = open->unlisted.count;
}

/* Of the story so far, rather than of this flow alone: one function that another connection asks
 * for is told as well, and what was told is not told again by those behind it. What a list lacks
 * that is only observed is drift, and makes no other fault weigh more. */
static void add_story(struct open_story *open, struct zoned_flow *zoned)
{
    const struct zone_verdict *verdict = &zoned->verdict;
    if (verdict->fault >= ZONE_FUNCTION && verdict->fault <= ZONE_WRITE &&
        conduit_is_list_locked(&zoned->zones->conduit[verdict->row]))
        note_unlisted(open, zoned);
    open->wrote |= verdict->wrote;
    zoned->wrote = open->wrote;
    zoned->functions = open->unlisted.count;
    zoned->beyond = (uint32_t)open->unlisted.more + open->unlisted.more_back;
    zoned->out_bytes = open->story.out.value;
}

/* Everything that passes a border and may is looked at here and left. */
static void judge_crossing(struct engine *engine, const struct flow_view *view,
                           struct zoned_flow *zoned)
{
    struct ptime now = {view->record->header.time_ns};
    struct subject subject = {.kind = SUBJECT_ZONE,
                              .config = &engine->config.detect,
                              .civil = calendar_at(engine->config.calendar, now),
                              .fleet = engine->fleet,
                              .state = BASELINE_LEARNING,
                              .zoned = zoned};
    struct finding finding[JUDGE_FINDINGS];
    if (judge(&subject, finding) == 0)
        return;
    struct ruled_rule *limit = limit_of(engine, zoned, finding);
    struct open_story *open = story_of(engine, view, limit, now);
    if (!open || !told_is_wanted(engine, &open->story, now))
        return;
    name_border(zoned, &open->story.border);
    add_story(open, zoned);
    zoned->withheld = held_before(limit, now);
    size_t count = judge(&subject, finding); /* with what the story adds */
    count = ruled_keep(engine, &open->story, finding, count, now);
    tell(engine, open, view, limit, finding, count);
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
    engine->counts.flows_drifted +=
        view->record->end != FLOW_OPEN && asked.verdict.fault == ZONE_DRIFT;
    if (view->host) {
        judge_crossing(engine, view, &asked);
        return;
    }
    struct crossing crossing;
    make_crossing(view, &crossing);
    judge_crossing(engine, &crossing.view, &asked);
}

/* --- change windows --------------------------------------------------------------------------- */

struct worked_on {
    struct engine *engine;
    const struct zone *zone; /* NULL: none, or without a window */
    uint64_t withheld;
};

static bool is_withheld(void *context, const struct civil *civil)
{
    struct worked_on *on = context;
    const struct noise *book = on->engine->noise.book;
    bool yes = on->zone && noise_in_change(book, on->zone->name, civil->starts, civil->ends);
    on->withheld += yes;
    return yes;
}

uint64_t zoned_catch_up(struct engine *engine, struct profile *profile, const struct civil *civil)
{
    const struct zones *zones = engine->zoned.zones;
    const struct noise *book = engine->noise.book;
    unsigned end = zones ? zones_end(zones, &profile->host, true) : ZONE_INSIDE;
    const struct zone *zone = zones && book ? zones_get(zones, end) : NULL;
    profile->zone = zones ? zones_end_name(zones, end) : NULL;
    if (zone && !noise_in_change(book, zone->name, PTIME_MIN, PTIME_MAX))
        zone = NULL;
    struct worked_on on = {engine, zone, 0};
    profile_catch_up(profile, civil->hour - 1, engine->config.calendar, zone ? is_withheld : NULL,
                     &on);
    profile->withheld = is_withheld(&on, civil);
    return on.withheld;
}
