/* What a rule, and a listed indicator, have to say. Both are told when they begin and again at each
 * power of ten of what has left: their evidence grows by the factor that raises an incident again.
 * Thread: any (pure). */
#include "rows.h"
#include "rules_local.h"

#include <stdio.h>

#define NEEDS_TRIES 64   /* a condition with more figures says what was seen */
#define RAISED      1.31 /* above the factor at which an incident is raised again */

const struct detector detector_intel_match = {
    .id = "intel.match",
    .name = "Traffic with what a list of indicators names",
    .kind = SUBJECT_RULE,
    .tactic = "TA0010",
    .technique = "T1041",
    .explains = "An address, name or client fingerprint of a flow is on a list of indicators that "
                "the operator gave (rules: intel). Known false alarms: lists that are old, "
                "addresses shared by many sites, fingerprints shared by many programs.",
};

static uint64_t number_of(const struct rule_facts *facts, enum rule_field field)
{
    return facts->fact[field].known ? facts->fact[field].number : 0;
}

static const char *text_of(const struct rule_facts *facts, enum rule_field field)
{
    return facts->fact[field].known ? facts->fact[field].text : "";
}

static double evidence_of(uint64_t bytes)
{
    double evidence = 1;
    for (; bytes >= 10; bytes /= 10)
        evidence *= RAISED;
    return evidence;
}

static struct reason *begin(struct finding *finding, const struct detector *detector, int score,
                            enum urgency urgency, const struct rule_facts *facts)
{
    uint64_t bytes = number_of(facts, FIELD_OUT_BYTES_STORY);
    *finding = (struct finding){.detector = detector,
                                .evidence = evidence_of(bytes),
                                .score = score,
                                .urgency = urgency,
                                .reason_count = 1,
                                .needs = 1,
                                .needs_unit = "flow"};
    finding->reason[0] = (struct reason){
        .code = detector->id, .observed = (double)bytes, .unit = "byte", .weight = 1};
    return &finding->reason[0];
}

/* Facts as they would be had at most so many bytes left. */
static bool holds_below(const struct rules *rules, const struct rule *rule,
                        const struct rule_facts *facts, uint64_t most)
{
    struct rule_facts less = *facts;
    for (size_t i = 0; i < RULE_FIELD_COUNT; i++)
        if (rule_field_row[i].type == RULE_BYTES && less.fact[i].number > most)
            less.fact[i].number = most;
    return rule_program_holds(rules, rule->condition, &less, NULL);
}

struct needs {
    const struct rules *rules;
    const struct rule *rule;
    const struct rule_facts *facts;
    uint64_t least; /* at which it is known to hold */
    unsigned tries;
};

static void try_need(struct needs *needs, uint64_t bytes)
{
    if (bytes == 0 || bytes >= needs->least || needs->tries++ >= NEEDS_TRIES)
        return;
    if (holds_below(needs->rules, needs->rule, needs->facts, bytes))
        needs->least = bytes;
}

/* What a condition says of bytes changes only at its own figures, and just above them. */
static void try_code(struct needs *needs, const struct rule_code *code)
{
    if (code->op >= OP_NOT || rule_field_row[code->field].type != RULE_BYTES)
        return;
    if (code->op != OP_IN && code->op != OP_NOT_IN) {
        try_need(needs, code->number);
        try_need(needs, code->number + 1);
        return;
    }
    const struct rule_set *set = &needs->rules->set[code->operand];
    for (size_t i = 0; i < set->count && needs->tries < NEEDS_TRIES; i++) {
        try_need(needs, set->number[i]);
        try_need(needs, set->number[i] + 1);
    }
}

static void find_needs(const struct rules *rules, const struct rule *rule,
                       const struct rule_facts *facts, struct finding *finding)
{
    struct needs needs = {rules, rule, facts, 0, 0};
    const struct rule_program *program = &rule->condition;
    for (size_t i = 0; i < RULE_FIELD_COUNT; i++)
        if (rule_field_row[i].type == RULE_BYTES &&
            number_of(facts, (enum rule_field)i) > needs.least)
            needs.least = facts->fact[i].number;
    if (needs.least == 0 || holds_below(rules, rule, facts, 0)) /* it does not ask for bytes */
        return;
    for (uint32_t i = 0; i < program->count; i++)
        try_code(&needs, &rules->code[program->first + i]);
    finding->needs = (double)needs.least;
    finding->needs_unit = "byte";
}

void rule_finding(const struct rules *rules, const struct rule *rule,
                  const struct rule_facts *facts, struct finding *finding)
{
    char amount[BYTES_TEXT_SIZE];
    struct reason *reason = begin(finding, &rule->detector, rule->score, rule->urgency, facts);
    const char *service = text_of(facts, FIELD_SERVICE);
    find_needs(rules, rule, facts, finding);
    snprintf(reason->text, sizeof reason->text, "%.100s: %s left for %.60s (%.8s%s%.12s, port %u)",
             rule->detector.name, bytes_text(number_of(facts, FIELD_OUT_BYTES_STORY), amount),
             text_of(facts, FIELD_DESTINATION), text_of(facts, FIELD_PROTOCOL),
             *service ? ", " : "", service, (unsigned)number_of(facts, FIELD_SERVER_PORT));
}

void intel_finding(const struct intel_match *match, const struct rule_facts *facts,
                   struct finding *finding)
{
    char amount[BYTES_TEXT_SIZE];
    struct reason *reason =
        begin(finding, &detector_intel_match, match->list->score, match->list->urgency, facts);
    snprintf(reason->text, sizeof reason->text,
             "%s %.80s is on list %.40s%s%.60s%s; %s left for it",
             rule_field_row[match->field].name, match->value, match->list->name,
             *match->note ? " (" : "", match->note, *match->note ? ")" : "",
             bytes_text(number_of(facts, FIELD_OUT_BYTES_STORY), amount));
}
