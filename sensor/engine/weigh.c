/* A host's evidence of the day while its hour is open, and what is told of it.
 *
 * A record changes one pair's totals and the host's. Of both only the bins count (evidence.h), so
 * mostly nothing is computed; else the pair and the host are asked again, and the larger marks kept
 * beside those of the hour's other pairs: totals only grow, so that is what going through all of
 * them would give (but for a large upload: its moment with most more out than in may say less than
 * one before it, which is known no more once the hour is gone through again). What is kept holds
 * for one state of the memory (profile and fleet); when that changes, or after a restart, all pairs
 * of the hour are gone through once. The hour before is open too for two minutes: each of the two
 * has a slot, and bytes told of the older are in the newer's day.
 *
 * A side that was told is silent for SILENT_DAYS about where that led, unless its evidence has
 * grown by SILENT_FACTOR (lately.h): by what this sensor told (checkpointed), and by what the
 * profile knows of earlier days. So the costly part, reasons and the edge, happens
 * log(E)/log(1.3) times a host and place at most, of LATELY_PLACES; what trust, an exception or
 * another sensor (claims.c) holds back is not told, so it costs that at each change of a bin.
 *
 * Bounds: one struct weigh (1.4 kB) a host that sent anything since the start; a walk through an
 * hour's pairs (TOTALS_PAIRS) a host, hour and told side. Thread: the engine's. */
#include "internal.h"

#include "weir/base/buffer.h"
#include "weir/detect/fusion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct slot {
    bool valid, whole; /* whole: with what only an hour that is over shows */
    int64_t hour;
    int64_t fleet_hour, stored_hour; /* of the memory that it holds for */
    uint64_t stored_edits;
    uint64_t step; /* of the host's amounts */
    struct day_evidence open;
    double e[EVIDENCE_SIDES];
    bool fires[EVIDENCE_SIDES];
    uint32_t place[EVIDENCE_SIDES]; /* where that leads (fused_place) */
};

struct weigh {
    struct slot slot[2]; /* by hour modulo 2 */
};

struct at { /* what is looked at */
    struct engine *engine;
    struct host *host;
    const struct civil *civil;
    const struct host_total *total;
    int64_t first; /* hour of the day */
    bool whole;    /* the hour is over */
    struct ptime now;
};

void weigh_set_budget(struct engine *engine)
{
    const struct detect_config *config = &engine->config.detect;
    fleet_set_budget(engine->fleet, config->alerts_per_100_hosts_per_day / 100,
                     config->alerts_per_day);
}

/* --- amounts ---------------------------------------------------------------------------------- */

static struct amounts host_amounts(const struct at *at)
{
    const struct profile *profile = at->host->profile;
    bool same = profile->today == at->civil->day;
    uint64_t inside = same ? profile->staged.days.in[0] : 0;
    struct volume day = account_open_all(at->engine, at->host, at->first, at->civil->hour, &inside);
    return (struct amounts){.hour = elsewhere_with(&at->total->elsewhere, at->total->out.value),
                            .day = bytes_add(day.value, same ? profile->today_bytes : 0),
                            .inside = inside};
}

/* In all open hours, of which mostly none is older than the day. */
static struct volume open_in_all(const struct at *at, const struct volume *day, const char *key)
{
    int64_t oldest = at->civil->hour;
    totals_oldest(at->engine->totals, &oldest);
    if (oldest >= at->first)
        return *day;
    return account_open(at->engine, at->host, INT64_MIN, at->civil->hour, key);
}

/* As a whole hour is: by this sensor's own totals, where nobody saw more; and not in hindsight. */
static struct upload upload_at(const struct at *at, const struct pair_total *total)
{
    bool asked = total && total->most.out_bytes > 0 && !at->host->profile->whole &&
                 elsewhere_with(&total->elsewhere, total->out.value) == total->out.value &&
                 !halves_has(at->engine, &at->host->ip);
    return asked ? total->most : (struct upload){0, 0};
}

/* `total` NULL: nothing in this hour. */
static struct weighed_pair pair_at(const struct at *at, const struct destination *destination,
                                   const struct pair_total *total)
{
    char key[DESTINATION_KEY_SIZE];
    destination_key(destination, key);
    struct volume day = account_open(at->engine, at->host, at->first, at->civil->hour, key);
    struct volume all = open_in_all(at, &day, key);
    struct weighed_pair pair = {.destination = destination,
                                .pair = profile_pair(at->host->profile, destination)};
    pair.amounts = amounts_of_pair(pair.pair, at->civil,
                                   total ? elsewhere_with(&total->elsewhere, total->out.value) : 0,
                                   day.value, all.value);
    pair.amounts.hosts = totals_hosts(at->engine->totals, destination);
    pair.amounts.longest_s = total ? total->longest_s : 0;
    pair.amounts.upload = upload_at(at, total);
    return pair;
}

/* --- the open hour's evidence ----------------------------------------------------------------- */

static void add_pair(const struct at *at, struct day_evidence *into,
                     const struct weighed_pair *pair)
{
    evidence_add_pair(into, at->host->profile, pair->pair, pair->destination, at->engine->fleet,
                      at->civil, &pair->amounts);
}

static void closed_hours(const struct at *at, struct day_evidence *evidence)
{
    const struct profile *profile = at->host->profile;
    *evidence = (struct day_evidence){0};
    if (profile->today == at->civil->day)
        *evidence = profile->evidence;
    evidence_drop_waves(evidence, profile, at->engine->fleet);
}

/* In hindsight: the peers without this host. */
static void turn_peers(const struct at *at)
{
    if (at->engine->config.hindsight)
        hindsight_turn(at->engine->config.hindsight, &at->host->ip);
}

/* While an hour of a day before is open in which the host sent, what closed hours show is that
 * day's and no evidence of this one. */
static void add_closed(const struct at *at, struct day_evidence *into)
{
    if (account_open(at->engine, at->host, INT64_MIN, at->first - 1, NULL).value == 0)
        evidence_add_closed(into, at->host->profile, at->engine->fleet, at->civil);
}

/* By this sensor's own totals: of a host whose flows it sees half of, another has what came back.
 */
static struct whole_hour whole_hour(const struct at *at)
{
    bool asked = at->whole && !halves_has(at->engine, &at->host->ip);
    return (struct whole_hour){.total = asked ? at->total : NULL, .open = at->engine->totals};
}

/* True: it was changed. */
static bool look_at_pair(const struct at *at, struct slot *slot, struct pair_total *total)
{
    struct weighed_pair pair = pair_at(at, &total->destination, total);
    uint64_t step = evidence_step(&pair.amounts);
    if (total->out.value == 0 || (slot->valid && total->step == step))
        return false;
    turn_peers(at);
    total->step = step;
    add_pair(at, &slot->open, &pair);
    return true;
}

static bool look_at_host(const struct at *at, struct slot *slot)
{
    struct amounts amounts = host_amounts(at);
    uint64_t step = evidence_step(&amounts);
    if (slot->valid && slot->step == step)
        return false;
    turn_peers(at);
    slot->step = step;
    evidence_add_host(&slot->open, at->host->profile, at->engine->fleet, at->civil, &amounts);
    return true;
}

static bool holds(const struct at *at, const struct slot *slot)
{
    return slot->valid && slot->hour == at->civil->hour &&
           slot->fleet_hour == at->engine->fleet_hour &&
           slot->stored_hour == at->host->stored_hour &&
           slot->stored_edits == at->host->stored_edits;
}

/* The order of the pairs does not matter: of equal marks one is always preferred. */
static void begin_slot(const struct at *at, struct slot *slot)
{
    size_t position = 0;
    turn_peers(at);
    *slot = (struct slot){.hour = at->civil->hour,
                          .fleet_hour = at->engine->fleet_hour,
                          .stored_hour = at->host->stored_hour,
                          .stored_edits = at->host->stored_edits};
    for (const struct map_entry *e; (e = map_next(&at->total->pairs, &position)) != NULL;)
        look_at_pair(at, slot, e->value);
    evidence_add_quiet(&slot->open, at->host->profile, at->engine->fleet, at->civil, 0);
    look_at_host(at, slot);
    add_closed(at, &slot->open);
    slot->valid = true;
}

/* Marks only grow; of equal ones one may have taken another's place. */
static bool has_grown(const struct day_evidence *evidence, const struct day_evidence *before)
{
    bool grown = evidence->known != before->known;
    for (int kind = 0; kind < EVIDENCES; kind++) {
        const struct evidence_mark *now = &evidence->mark[kind], *then = &before->mark[kind];
        grown |= now->l > then->l || now->bytes != then->bytes || now->pair != then->pair;
    }
    return grown;
}

static bool look_at_whole(const struct at *at, struct slot *slot)
{
    if (!at->whole || slot->whole)
        return false;
    turn_peers(at);
    slot->whole = true;
    struct whole_hour hour = whole_hour(at);
    struct day_evidence before = slot->open;
    if (hour.total)
        evidence_add_whole_hour(&slot->open, at->host->profile, at->engine->fleet, at->civil,
                                &hour);
    return has_grown(&slot->open, &before);
}

/* --- telling ---------------------------------------------------------------------------------- */

static bool find_pair(void *context, uint32_t name, struct weighed_pair *pair)
{
    const struct at *at = context;
    const struct profile *profile = at->host->profile;
    size_t position = 0;
    for (const struct map_entry *e; (e = map_next(&at->total->pairs, &position)) != NULL;) {
        const struct pair_total *total = e->value;
        if (evidence_name(&total->destination) == name) {
            *pair = pair_at(at, &total->destination, total);
            return true;
        }
    }
    for (uint32_t i = 0; i < profile->pair_count; i++)
        if (evidence_name(&profile->pair[i]->destination) == name) {
            *pair = pair_at(at, &profile->pair[i]->destination, NULL);
            return true;
        }
    return false;
}

static bool takes_more(const struct weighed_pair *pair, const struct weighed_pair *than)
{
    char key[DESTINATION_KEY_SIZE], other[DESTINATION_KEY_SIZE];
    if (destination_is_other(pair->destination) || pair->amounts.day == 0)
        return false;
    if (!than->destination || pair->amounts.day != than->amounts.day)
        return !than->destination || pair->amounts.day > than->amounts.day;
    return strcmp(destination_key(pair->destination, key),
                  destination_key(than->destination, other)) < 0;
}

/* Of the open hour's pairs, and of those the day's closed hours had. */
static void find_largest(void *context, struct weighed_pair *pair)
{
    const struct at *at = context;
    const struct profile *profile = at->host->profile;
    struct weighed_pair most = {.destination = NULL};
    size_t position = 0;
    for (const struct map_entry *e; (e = map_next(&at->total->pairs, &position)) != NULL;) {
        const struct pair_total *total = e->value;
        struct weighed_pair one = pair_at(at, &total->destination, total);
        if (takes_more(&one, &most))
            most = one;
    }
    for (uint32_t i = 0; i < profile->pair_count; i++) {
        const struct destination *destination = &profile->pair[i]->destination;
        char key[DESTINATION_KEY_SIZE];
        size_t size = destination_put_key(destination, key);
        struct weighed_pair one = pair_at(at, destination, map_get(&at->total->pairs, key, size));
        if (takes_more(&one, &most))
            most = one;
    }
    if (most.destination)
        *pair = most;
}

static void without_pair(void *context, uint32_t name, struct day_evidence *evidence)
{
    const struct at *at = context;
    size_t position = 0;
    closed_hours(at, evidence);
    add_closed(at, evidence);
    if (name)
        evidence_without(evidence, name);
    evidence_add_quiet(evidence, at->host->profile, at->engine->fleet, at->civil, name);
    for (const struct map_entry *e; (e = map_next(&at->total->pairs, &position)) != NULL;) {
        const struct pair_total *total = e->value;
        struct weighed_pair pair = pair_at(at, &total->destination, total);
        if (total->out.value > 0 && evidence_name(&total->destination) != name)
            add_pair(at, evidence, &pair);
    }
}

static double bar_of(void *context, const struct destination *destination)
{
    const struct at *at = context;
    const struct open_story *open = stories_find(&at->engine->stories, &at->host->ip, destination);
    return open ? ruled_bar(at->engine, &open->story, at->now) : 1;
}

/* E below it says no more of the place than what was told within the week, here or by the fleet. */
static double silent_below(const struct at *at, enum evidence_side side, uint32_t place)
{
    int64_t day = at->civil->day;
    return fmax(
        lately_silent_e(&at->host->told[side], day, place, INT64_MIN),
        lately_silent_e(&at->host->profile->told[side], day, place, told_since_day(at->engine)));
}

static struct weighing weighing_of(struct at *at, const struct slot *slot)
{
    struct weighing weighing = {.civil = *at->civil,
                                .host = at->host->profile,
                                .fleet = at->engine->fleet,
                                .amounts = host_amounts(at),
                                .whole = whole_hour(at),
                                .context = at,
                                .find = find_pair,
                                .largest = find_largest,
                                .bar = bar_of,
                                .without = without_pair};
    for (int side = 0; side < EVIDENCE_SIDES; side++)
        weighing.silent_e[side] = silent_below(at, (enum evidence_side)side, slot->place[side]);
    closed_hours(at, &weighing.closed);
    weighing.evidence = weighing.closed;
    evidence_join(&weighing.evidence, &slot->open);
    return weighing;
}

/* What a host served in all is in the day of what it sent, too: where one client network's theft is
 * what makes that day, and was told as that today, there is nothing more to tell. */
static bool told_as_served(const struct at *at, const struct destination *destination)
{
    return destination->role == ROLE_SERVED &&
           lately_on(&at->host->told[EVIDENCE_SERVED], at->civil->day) &&
           incidents_has(at->engine->incidents, &at->host->ip, destination);
}

/* Where the alert leads: the pair's story, which of an upload is kept until its day is over
 * (stories.h), else the whole host's: the story was let go for room, or is another sensor's. */
static void tell(struct at *at, const struct slot *slot, enum evidence_side side,
                 enum baseline_state state)
{
    struct engine *engine = at->engine;
    struct weighing weighing = weighing_of(at, slot);
    struct weighed_pair lead;
    struct finding finding;
    bool fires;
    struct fused fused = fusion_weigh(&weighing, side, &fires);
    fusion_tell(&weighing, side, &fused, &finding, &lead);
    bool goes_on = incidents_has(engine->incidents, &at->host->ip, NULL); /* the host's own */
    if (!lead.destination && !goes_on && fusion_explained(&weighing, side, &finding, &lead) &&
        told_as_served(at, lead.destination)) {
        lately_tell(&at->host->told[side], at->civil->day, fused.e, slot->place[side]);
        return;
    }
    struct open_story *open =
        lead.destination ? stories_find(&engine->stories, &at->host->ip, lead.destination) : NULL;
    if (!open)
        open = stories_find(&engine->stories, &at->host->ip, NULL);
    if (!open || finding.reason_count == 0) { /* its story or its pair was let go for room */
        engine->counts.findings_untold++;
        return;
    }
    if (!fusion_is_told(&weighing, side, &fused, lead.destination)) {
        engine->counts.trusted++;
        return;
    }
    elsewhere_tell(engine, at->total, lead.destination, &finding);
    halves_tell(engine, &at->host->ip, &finding);
    struct telling telling = {side, lead.destination, at->civil->day, at->civil->hour, fused.e};
    uint64_t covered = engine->covered;
    if (!claims_may_tell(engine, at->host, &telling, at->now) ||
        account_tell(engine, open, &finding, 1, state, profile_hours(at->host->profile), at->now) ==
            0)
        return;
    lately_tell(&at->host->told[side], at->civil->day, fused.e, slot->place[side]);
    if (engine->covered == covered) /* a silence is this sensor's, not the others' */
        claims_told(engine, at->host, &telling);
}

static void weigh_slot(struct at *at, struct slot *slot)
{
    struct weighing weighing = weighing_of(at, slot);
    for (int side = 0; side < EVIDENCE_SIDES; side++) {
        struct limits limits = fleet_limits(at->engine->fleet, (enum evidence_side)side);
        struct fused fused = fusion_weigh(&weighing, (enum evidence_side)side, &slot->fires[side]);
        slot->e[side] = fused.e;
        slot->place[side] = fused_place(&fused, &weighing.evidence, &limits);
    }
}

/* What is served first: it says more of a theft than that the server's day is large. */
static void judge_slot(struct at *at, const struct slot *slot, enum baseline_state state)
{
    for (int side = EVIDENCE_SIDES; side-- > 0;)
        if (slot->fires[side] &&
            slot->e[side] >= silent_below(at, (enum evidence_side)side, slot->place[side]))
            tell(at, slot, (enum evidence_side)side, state);
}

/* --- records ---------------------------------------------------------------------------------- */

/* Bytes told of the hour before are of this day, too. */
static void add_to_newer(const struct at *older, const struct destination *destination,
                         struct ptime now)
{
    struct slot *slot = &older->host->weigh->slot[(older->civil->hour + 1) & 1];
    struct engine *engine = older->engine;
    struct host_total *total = totals_get(engine->totals, &older->host->ip, older->civil->hour + 1);
    char key[DESTINATION_KEY_SIZE];
    if (!slot->valid || slot->hour != older->civil->hour + 1 || !total)
        return;
    struct civil civil = close_civil(engine, slot->hour, now);
    struct at at = {engine, older->host, &civil, total, account_first_of_day(engine, &civil),
                    false,  now};
    struct pair_total *pair = map_get(&total->pairs, key, destination_put_key(destination, key));
    if (!holds(&at, slot))
        return;
    bool changed = pair && look_at_pair(&at, slot, pair);
    changed |= look_at_host(&at, slot);
    if (changed)
        weigh_slot(&at, slot);
}

/* And not learned: what it came to would be counted twice. */
static bool is_over(const struct engine *engine, const struct profile *profile, int64_t hour)
{
    return (hour <= engine->whole_hour || hour <= engine->closed_hour) &&
           profile->last_closed_hour < hour;
}

void weigh_record(struct engine *engine, struct host *host, const struct civil *civil,
                  struct host_total *total, struct pair_total *pair, enum baseline_state state,
                  struct ptime now)
{
    struct at at = {.engine = engine,
                    .host = host,
                    .civil = civil,
                    .total = total,
                    .first = account_first_of_day(engine, civil),
                    .now = now};
    if (!host->profile || (state == BASELINE_LEARNING && !evidence_is_cold(host->profile, civil)))
        return;
    weigh_set_budget(engine);
    if (engine->config.hindsight && !hosts_may_tell(engine, host, civil->day))
        return;
    at.whole = is_over(engine, host->profile, civil->hour);
    if (!host->weigh)
        host->weigh = xcalloc(1, sizeof *host->weigh);
    struct slot *slot = &host->weigh->slot[civil->hour & 1];
    bool changed = !holds(&at, slot);
    if (slot->valid &&
        slot->hour > civil->hour) /* two hours late: of a day that is open, at best */
        return;
    if (changed) {
        begin_slot(&at, slot);
    } else {
        changed |= pair && look_at_pair(&at, slot, pair);
        changed |= look_at_host(&at, slot);
    }
    changed |= look_at_whole(&at, slot);
    if (pair)
        add_to_newer(&at, &pair->destination, now);
    if (changed) {
        weigh_slot(&at, slot);
        judge_slot(&at, slot, state);
    }
}

void weigh_anew(struct host *host, int64_t hour)
{
    if (host->weigh && host->weigh->slot[hour & 1].hour == hour)
        host->weigh->slot[hour & 1].valid = false;
}

void weigh_free(struct host *host)
{
    free(host->weigh);
}
