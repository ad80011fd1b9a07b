/* What is to be thought of a record whose bytes were counted (account.c): its stories go on, its
 * hour is weighed, its items and rules are judged, and what is found becomes incidents. Thread: the
 * engine's. */
#include "internal.h"

#include "weir/baseline/evidence.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* --- what left in open hours ------------------------------------------------------------------ */

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

/* With what other sensors saw leave. */
static void add_with(struct volume *sum, struct volume own, const struct elsewhere *elsewhere)
{
    uint64_t more = elsewhere_with(elsewhere, own.value) - own.value;
    struct volume all = {bytes_add(own.value, more), bytes_add(own.low, more),
                         bytes_add(own.high, more)};
    volume_add(sum, all);
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
            add_with(&sum, total->out, &total->elsewhere);
        else if (pair)
            add_with(&sum, pair->out, &pair->elsewhere);
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

/* --- telling ---------------------------------------------------------------------------------- */

static enum baseline_state state_of(const struct engine *engine, const struct host *host,
                                    const struct civil *civil)
{
    enum baseline_state state =
        host->profile ? hosts_state(engine, host->profile, civil->hour) : BASELINE_LEARNING;
    /* What is known is old, or is not there to be asked for. A host that still learns does so. */
    if (memory_is_stale(engine) && (state == BASELINE_READY || !host->loaded))
        state = BASELINE_STALE;
    return state;
}

static struct subject subject_of(struct engine *engine, struct host *host,
                                 const struct civil *civil)
{
    hosts_turn(engine, host);
    return (struct subject){.config = &engine->config.detect,
                            .civil = *civil,
                            .host = host->profile,
                            .fleet = engine->fleet,
                            .state = state_of(engine, host, civil)};
}

static void follow(struct engine *engine, struct open_story *open, struct ptime now)
{
    if (!open || !open->told)
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
    if (kept > 0 && !open->told)
        again_told(engine, &story);
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

static void judge_awaited(struct engine *engine, struct host *host, const struct civil *civil,
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
static void judge_items(struct engine *engine, struct host *host, const struct civil *civil,
                        struct open_story *items, struct open_story *open, struct ptime now)
{
    if (!items->content_changed)
        return;
    struct subject subject = subject_of(engine, host, civil);
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
        account_destination(engine, &view->way, view->text[TEXT_SERVER_NAME], NULL, &unverified);
    struct open_story *open = stories_find(&engine->stories, &host->ip, &destination);
    return !unverified && open && open->content_changed ? open : NULL;
}

/* --- its stories ------------------------------------------------------------------------------ */

/* NULL: the pair is that of all destinations that found no room, whose stories are many. */
static struct tie *pair_tie(const struct flow_view *view, struct pair_total *pair)
{
    bool own = !destination_is_other(&pair->destination) || destination_is_other(view->destination);
    return own ? &pair->tie : NULL;
}

static bool has_carried(const struct record_flow *record)
{
    const struct side_counts *orig = &record->total[SIDE_ORIG], *resp = &record->total[SIDE_RESP];
    return (orig->payload_bytes | orig->missing_bytes | resp->payload_bytes |
            resp->missing_bytes) != 0;
}

/* … or it may give what was counted another story to be told in. */
static bool has_news(const struct record_flow *record)
{
    return story_has_news(record) || (record->flags & FLOW_CERTIFICATE_OTHER) != 0;
}

/* Else it joins those that are there. */
static bool makes_stories(const struct engine *engine, const struct flow_view *view)
{
    return (has_carried(view->record) && has_news(view->record)) ||
           ruled_counts_flows(&engine->ruled) || tunnelled_may_tell(view);
}

/* Nothing comes of it for the story that its flow's records before have joined. */
static bool adds_nothing(const struct engine *engine, const struct flow_view *view,
                         const struct host *host, const struct tie *tie)
{
    return !has_news(view->record) && !engine->config.rules && !tunnelled_may_tell(view) &&
           !stories_listens(&engine->stories, &host->whole, &host->ip, NULL) &&
           !stories_listens(&engine->stories, tie, &host->ip, view->destination);
}

static struct open_story *open_whole(struct engine *engine, const struct flow_view *view,
                                     struct host *host, bool makes, struct ptime now)
{
    if (!makes)
        return stories_resume(&engine->stories, &host->whole, &host->ip, NULL, now);
    return zoned_story_tied(engine, &host->whole, &host->ip, &view->way.host, NULL, now);
}

static struct open_story *open_pair(struct engine *engine, const struct flow_view *view,
                                    const struct host *host, struct tie *tie, bool makes,
                                    struct ptime now)
{
    const struct ip *at = &view->way.host;
    if (!makes)
        return stories_resume(&engine->stories, tie, &host->ip, view->destination, now);
    return tie ? zoned_story_tied(engine, tie, &host->ip, at, view->destination, now)
               : zoned_story(engine, &host->ip, at, view->destination, now);
}

/* What has no news joins the story that it makes itself, and no other: who is in a story that was
 * there must not depend on whether somebody asks about it. False: it has not joined. */
static bool joins(const struct open_story *open, const struct flow_view *view, bool makes)
{
    return open && (has_news(view->record) || (makes && open->story.flow_count == 0));
}

static bool join(struct open_story *open, const struct flow_view *view, const struct civil *civil,
                 bool makes)
{
    if (!joins(open, view, makes))
        return false;
    story_add(open, view);
    story_note_hour(open, civil, view);
    return true;
}

static bool join_both(struct open_story *whole, struct open_story *open,
                      const struct flow_view *view, const struct civil *civil, bool makes)
{
    if (joins(whole, view, makes))
        story_add(whole, view);
    return join(open, view, civil, makes);
}

static struct open_story *make_story(struct engine *engine, const struct ruled_flow *flow)
{
    struct open_story *open = zoned_story(engine, &flow->host->ip, &flow->view->way.host,
                                          flow->view->destination, flow->now);
    join(open, flow->view, flow->civil, true);
    return open;
}

/* Returns the story, which what speaks may have made. */
static struct open_story *apply_rules(struct engine *engine, const struct flow_view *view,
                                      struct host *host, const struct booked *booked,
                                      struct open_story *open)
{
    struct ruled_flow flow = {.view = view,
                              .host = host,
                              .civil = &booked->civil,
                              .total = booked->total,
                              .pair = booked->pair,
                              .open = open,
                              .make = make_story,
                              .first_hour = account_first_of_day(engine, &booked->civil),
                              .now = {view->record->header.time_ns}};
    if (!engine->config.rules)
        return open;
    hosts_turn(engine, host);
    flow.state = state_of(engine, host, &booked->civil);
    ruled_flow(engine, &flow);
    return flow.open;
}

/* --- one record ------------------------------------------------------------------------------- */

bool account_judge(struct engine *engine, const struct flow_view *view, struct host *host,
                   const struct booked *booked)
{
    struct ptime now = {view->record->header.time_ns};
    const struct civil civil = booked->civil;
    struct host_total *total = booked->total;
    const struct profile *profile =
        hosts_profile(engine, host, &civil); /* host->profile from here on */
    bool learning = !profile || hosts_state(engine, profile, civil.hour) == BASELINE_LEARNING;
    *(learning ? &engine->counts.learning_bytes : &engine->counts.judged_bytes) += view->out.value;
    struct tie *tie = pair_tie(view, booked->pair);
    if (!again_needs_story(engine, host, civil.hour) || adds_nothing(engine, view, host, tie))
        return false;
    bool makes = makes_stories(engine, view);
    struct open_story *whole = open_whole(engine, view, host, makes, now);
    struct open_story *open = open_pair(engine, view, host, tie, makes, now);
    bool joined = join_both(whole, open, view, &civil, makes);
    struct open_story *claimed = story_of_claim(engine, view, host), *there = open;
    open = apply_rules(engine, view, host, booked, open);
    joined |= open != there; /* one that was made for it */
    /* acknowledgements, gaps, what came in */
    if (!open || (view->out.value == 0 && !open->content_changed && !claimed)) {
        follow(engine, open, now);
        follow(engine, whole, now);
        return joined;
    }
    weigh_record(engine, host, &civil, total, booked->pair, state_of(engine, host, &civil), now);
    if (!host->profile && is_awaited(host, now) && whole)
        judge_awaited(engine, host, &civil, total, whole, now);
    judge_items(engine, host, &civil, open, open, now);
    if (claimed)
        judge_items(engine, host, &civil, claimed, open, now);
    follow(engine, open, now);
    follow(engine, whole, now);
    return joined;
}

void account_go_on(struct engine *engine, const struct flow_view *view, struct host *host,
                   const struct civil *civil, bool told)
{
    struct stories *stories = &engine->stories;
    struct ptime now = {view->record->header.time_ns};
    bool makes = makes_stories(engine, view);
    struct open_story *whole, *open;
    if (!told && adds_nothing(engine, view, host, NULL))
        return;
    if (told) {
        whole = stories_go_on_told(stories, &host->whole, &host->ip, NULL, now);
        open = stories_go_on_told(stories, NULL, &host->ip, view->destination, now);
    } else {
        whole = open_whole(engine, view, host, makes, now);
        open = open_pair(engine, view, host, NULL, makes, now);
    }
    join_both(whole, open, view, civil, makes);
    follow(engine, open, now);
    follow(engine, whole, now);
}

static void again(struct engine *engine, struct host *host, bool whole)
{
    struct ptime now = engine->counts.last;
    if (now.ns == INT64_MIN)
        return;
    struct civil present = account_hour(engine, now);
    int64_t newest = present.hour;
    if (!hosts_profile(engine, host, &present))
        return;
    hosts_turn(engine, host);
    for (int64_t hour = newest - 1; hour <= newest; hour++) {
        struct host_total *total = totals_get(engine->totals, &host->ip, hour);
        if (!total)
            continue;
        struct civil civil = close_civil(engine, hour, now);
        if (whole)
            weigh_anew(host, hour);
        weigh_record(engine, host, &civil, total, NULL, state_of(engine, host, &civil), now);
    }
}

/* --- an hour that is over --------------------------------------------------------------------- */

/* Where others were faster its profile has the hour, and what their sum showed. */
static void judge_whole(struct engine *engine, struct host_total *total, struct ptime now)
{
    struct host *host = hosts_get(engine, &total->host);
    struct civil civil = close_civil(engine, total->hour, now);
    const struct ptime due = {civil.ends.ns + CLOSE_AFTER_NS};
    if (!host || total->out.value < EVIDENCE_FLOOR_BYTES)
        return;
    const struct profile *profile = hosts_profile(engine, host, &civil);
    if (!profile || profile->last_closed_hour >= total->hour)
        return;
    weigh_record(engine, host, &civil, total, NULL, state_of(engine, host, &civil), due);
}

void account_whole(struct engine *engine, int64_t through, struct ptime now)
{
    int64_t from =
        engine->whole_hour > engine->closed_hour ? engine->whole_hour : engine->closed_hour;
    size_t count;
    if (engine_only_gathers(engine) || through <= from)
        return;
    engine->whole_hour = through;
    struct host_total **total = totals_until(engine->totals, through, &count);
    for (size_t i = 0; i < count; i++)
        if (total[i]->hour > from)
            judge_whole(engine, total[i], now);
    free(total);
}

void account_again(struct engine *engine, struct host *host)
{
    again(engine, host, false);
}

void account_again_whole(struct engine *engine, struct host *host)
{
    again(engine, host, true);
}

/* --- the sensor's own sight ------------------------------------------------------------------- */

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
    halves_take_off(&engine->halves, &subject.interval);
    size_t count = judge(&subject, finding);
    for (size_t i = 0; i < count; i++)
        incidents_find(engine->incidents, &finding[i], &story, BASELINE_READY, 0, now);
    engine->health_judged = engine->health_sum;
    engine->health_from = now;
}
