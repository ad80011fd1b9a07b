/* See ruled.h. A rule that matches is asked for its exceptions, then for its rate limit, and only
 * then becomes a finding of the story. Rules are asked in the order of their files, so that alerts
 * come in the same order in every run. Thread: the engine's. */
#include "internal.h"

#include "weir/base/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char limit_code[] = "rule.rate_limit", expired_code[] = "exception.expired",
                  closed_code[] = "exception", gone_code[] = "rule.gone";

/* A reason beside the others; the last one gives way when there is no room: of what several sensors
 * saw that is how much each did, which the figures say, too (seen_by.h). */
static struct reason *add_reason(struct finding *finding, const char *code, double observed,
                                 const char *unit)
{
    if (finding->reason_count < FINDING_REASONS)
        finding->reason_count++;
    struct reason *reason = &finding->reason[finding->reason_count - 1];
    *reason = (struct reason){.code = code, .observed = observed, .unit = unit};
    return reason;
}

static void add_expired(struct finding *finding, const struct rule_exception *exception)
{
    struct reason *reason = add_reason(finding, expired_code, 1, "exception");
    snprintf(reason->text, sizeof reason->text, "exception %.60s for this ended with %s: %.120s",
             exception->name, exception->expires, exception->reason);
}

/* --- findings of rules ----------------------------------------------------------------------- */

static uint64_t story_hash(const struct story *story)
{
    char key[DESTINATION_KEY_SIZE];
    destination_key(&story->destination, key);
    return hash64(key, strlen(key), hash64(&story->host, sizeof story->host, 0));
}

static void keep_example(struct rule_tally *tally, const struct finding *finding)
{
    for (int i = 0; i < RULE_EXAMPLES; i++)
        if (!*tally->example[i]) {
            memcpy(tally->example[i], finding->reason[0].text, sizeof tally->example[i]);
            return;
        }
}

static void add_held(struct ruled_rule *rule, struct finding *finding)
{
    uint64_t held = rule->held_before;
    if (held == 0)
        return;
    rule->held_before = 0;
    struct reason *reason = add_reason(finding, limit_code, (double)held, "story");
    snprintf(reason->text, sizeof reason->text,
             "%llu further matches in other stories were not told before this one: the rate limit",
             (unsigned long long)held);
}

/* `limit` alerts in `limit_ns`: of the rule, or of all lists. */
static void tell(struct engine *engine, const struct ruled_flow *flow, struct ruled_rule *rule,
                 struct finding *finding, uint32_t limit, int64_t limit_ns)
{
    struct story story = flow->open->story;
    uint64_t withheld = rule->tally.withheld;
    if (!told_is_wanted(engine, &story, flow->now))
        return;
    story.out = volume_clamped(story.out);
    if (incidents_would_tell(engine->incidents, finding, &story, flow->now)) {
        if (!ruled_may_tell(rule, limit, limit_ns, story_hash(&story), flow->now)) {
            engine->counts.rules_withheld += rule->tally.withheld - withheld;
            return;
        }
        add_held(rule, finding);
        keep_example(&rule->tally, finding);
    }
    const struct profile *profile = flow->host->profile;
    incidents_find(engine->incidents, finding, &story, flow->state,
                   profile ? profile_hours(profile) : 0, flow->now);
    flow->open->told = true;
}

/* False: an exception holds it back. */
static bool is_allowed(struct engine *engine, const struct story *story,
                       const struct rule_facts *facts, struct finding *finding)
{
    const struct engine_observer *observer = &engine->config.observer;
    const struct rule_exception *holds, *expired;
    struct rule_facts doubted;
    if (engine->ruled.rules->exception_count == 0)
        return true;
    doubted = *facts;
    rule_facts_doubt(&doubted);
    holds = rules_exception(engine->ruled.rules, finding->detector->id, &doubted, &expired);
    if (holds) {
        engine->counts.excepted++;
        if (observer->withheld)
            observer->withheld(observer->context, story, finding->detector->id, holds);
        return false;
    }
    if (expired)
        add_expired(finding, expired);
    return true;
}

/* The story that a match is told of. */
static const struct story *story_of(struct engine *engine, struct ruled_flow *flow)
{
    if (!flow->open)
        flow->open = flow->make(engine, flow);
    return &flow->open->story;
}

static void ask_rule(struct engine *engine, struct ruled_flow *flow, size_t index,
                     const struct rule_facts *facts)
{
    const struct rules *rules = engine->ruled.rules;
    const struct rule *asked = &rules->rule[index];
    struct ruled_rule *rule = engine->ruled.of[index];
    struct finding finding;
    rule->tally.asked++;
    if (!rule_matches(rules, asked, facts, &rule->tally.steps))
        return;
    rule->tally.matched++;
    engine->counts.rules_matched++;
    rule_finding(rules, asked, facts, &finding);
    if (is_allowed(engine, story_of(engine, flow), facts, &finding))
        tell(engine, flow, rule, &finding, asked->limit, asked->limit_ns);
    else
        rule->tally.excepted++;
}

static void ask_lists(struct engine *engine, struct ruled_flow *flow,
                      const struct rule_facts *facts)
{
    struct intel_match match;
    struct finding finding;
    if (!intel_look(engine->ruled.rules->intel, facts, &match))
        return;
    intel_finding(&match, facts, &finding);
    struct ruled_rule *rule = engine->ruled.of[engine->ruled.rules->rule_count];
    rule->tally.matched++;
    engine->counts.rules_matched++;
    if (is_allowed(engine, story_of(engine, flow), facts, &finding))
        tell(engine, flow, rule, &finding, INTEL_LIMIT, NS_PER_DAY);
    else
        rule->tally.excepted++;
}

bool ruled_counts_flows(const struct ruled *ruled)
{
    return ruled->rules && ruled->rules->uses[FIELD_FLOWS_STORY];
}

void ruled_flow(struct engine *engine, struct ruled_flow *flow)
{
    const struct rules *rules = engine->ruled.rules;
    struct ruled_facts facts;
    if (rules->rule_count == 0 && !rules->intel)
        return;
    ruled_facts_of_flow(engine, flow, &facts);
    for (size_t i = 0; i < rules->rule_count; i++)
        if (rules->rule[i].enabled)
            ask_rule(engine, flow, i, &facts.facts);
    if (rules->intel)
        ask_lists(engine, flow, &facts.facts);
}

/* --- the built-in detectors ------------------------------------------------------------------ */

double ruled_bar(struct engine *engine, const struct story *story, struct ptime now)
{
    const struct rules *rules = engine->ruled.rules;
    struct ruled_facts facts;
    if (!rules || rules->trust_count == 0)
        return 1;
    ruled_facts_of_story(engine, story, now, &facts);
    return rules_bar(rules, &facts.facts);
}

size_t ruled_keep(struct engine *engine, const struct story *story, struct finding *finding,
                  size_t count, struct ptime now)
{
    const struct rules *rules = engine->ruled.rules;
    struct ruled_facts facts;
    size_t kept = 0;
    if (!rules || rules->exception_count == 0 || count == 0)
        return count;
    ruled_facts_of_story(engine, story, now, &facts);
    for (size_t i = 0; i < count; i++) {
        finding[kept] = finding[i];
        kept += is_allowed(engine, story, &facts.facts, &finding[kept]);
    }
    return kept;
}

/* --- open incidents after a change ----------------------------------------------------------- */

/* Whether this rank no longer speaks; then `why` says so. */
static bool is_silenced(struct engine *engine, const struct incident_rank *rank,
                        const struct rule_facts *facts, struct reason *why)
{
    const char *id = rank->detector->id;
    const struct rules *rules = engine->ruled.rules;
    const struct rule_exception *expired,
        *exception = rules ? rules_exception(rules, id, facts, &expired) : NULL;
    *why = (struct reason){.code = closed_code, .observed = 1, .unit = "exception"};
    if (exception) {
        snprintf(why->text, sizeof why->text, "closed by exception %.60s: %.160s", exception->name,
                 exception->reason);
        return true;
    }
    const struct rule *rule = rules ? rules_get(rules, id) : NULL;
    if (detector_get(id) || (rule && rule->enabled))
        return false;
    why->code = gone_code;
    why->unit = "rule";
    snprintf(why->text, sizeof why->text, "closed: rule %.60s is %s", id,
             rule ? "disabled" : "no longer there");
    return true;
}

/* As the incident itself chooses whom to close with: by score, then evidence, then who spoke first.
 */
static const struct incident_rank *strongest(const struct incident *incident)
{
    const struct incident_rank *best = &incident->rank[0];
    for (size_t i = 1; i < incident->rank_count; i++) {
        const struct finding *a = &incident->rank[i].finding, *b = &best->finding;
        if (a->score > b->score || (a->score == b->score && a->evidence > b->evidence))
            best = &incident->rank[i];
    }
    return best;
}

static void review(struct engine *engine, const struct incident *incident, struct ptime now)
{
    struct ruled_facts facts;
    struct reason why;
    ruled_facts_of_story(engine, &incident->story, now, &facts);
    for (size_t i = 0; i < incident->rank_count; i++)
        if (!is_silenced(engine, &incident->rank[i], &facts.facts, &why))
            return;
    const struct incident_rank *rank = strongest(incident);
    is_silenced(engine, rank, &facts.facts, &why);
    struct finding finding = rank->finding;
    struct story story = incident->story;
    *add_reason(&finding, why.code, 0, why.unit) = why;
    incidents_end(engine->incidents, &finding, &story, now);
}

/* Open ones that are not the sensor's own; what is closed may be forgotten while others are. */
static size_t only_open(const struct incident **incident, size_t count)
{
    static const struct ip none;
    size_t open = 0;
    for (size_t i = 0; i < count; i++)
        if (!incident[i]->closed && ip_compare(&incident[i]->story.host, &none) != 0)
            incident[open++] = incident[i];
    return open;
}

void ruled_tick(struct engine *engine, struct ptime now)
{
    size_t count;
    if (!engine->ruled.review)
        return;
    engine->ruled.review = false;
    const struct incident **incident = incidents_sorted(engine->incidents, &count);
    count = only_open(incident, count);
    for (size_t i = 0; i < count; i++)
        review(engine, incident[i], now);
    free(incident);
}
