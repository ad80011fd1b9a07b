/* Carries out programs. One truth value and a place: no stack, no allocation, and every step goes
 * forward, so a condition costs at most its instructions. A field that is not known makes every
 * comparison false, `!=` too. Thread: any (pure). */
#include "rules_local.h"

#include <string.h>

static bool compare(const struct rules *rules, const struct rule_code *code,
                    const struct rule_fact *fact)
{
    const struct rule_set *set = &rules->set[code->operand];
    enum rule_type type = rule_field_row[code->field].type;
    if (!fact->known)
        return false;
    switch ((enum rule_op)code->op) {
    case OP_FLAG:
        return fact->number != 0;
    case OP_EXISTS:
        return true;
    case OP_LESS:
        return fact->number < code->number;
    case OP_LESS_EQUAL:
        return fact->number <= code->number;
    case OP_GREATER:
        return fact->number > code->number;
    case OP_GREATER_EQUAL:
        return fact->number >= code->number;
    case OP_IN:
        return rule_set_has(set, type, fact);
    case OP_NOT_IN:
        return !rule_set_has(set, type, fact);
    case OP_UNDER:
        return rule_set_under(set, fact->text);
    default:
        return rule_set_part(set, (enum rule_op)code->op, fact->text);
    }
}

bool rule_program_holds(const struct rules *rules, struct rule_program program,
                        const struct rule_facts *facts, uint64_t *steps)
{
    const struct rule_code *code = rules->code + program.first;
    bool truth = false;
    uint64_t done = 0;
    for (uint32_t at = 0; at < program.count; done++) {
        const struct rule_code *now = &code[at];
        if (now->op == OP_JUMP_FALSE || now->op == OP_JUMP_TRUE) {
            at = truth == (now->op == OP_JUMP_TRUE) ? now->operand : at + 1;
            continue;
        }
        truth = now->op == OP_NOT ? !truth : compare(rules, now, &facts->fact[now->field]);
        at++;
    }
    if (steps)
        *steps += done;
    return truth;
}

bool rule_matches(const struct rules *rules, const struct rule *rule,
                  const struct rule_facts *facts, uint64_t *steps)
{
    return rule->enabled && rule_schedule_holds(&rule->schedule, facts) &&
           rule_program_holds(rules, rule->condition, facts, steps);
}

static bool is_of(const struct rule_exception *exception, const char *detector)
{
    for (size_t i = 0; i < exception->of_count; i++)
        if (strcmp(exception->of[i], detector) == 0)
            return true;
    return false;
}

const struct rule_exception *rules_exception(const struct rules *rules, const char *detector,
                                             const struct rule_facts *facts,
                                             const struct rule_exception **expired)
{
    *expired = NULL;
    for (size_t i = 0; i < rules->exception_count; i++) {
        const struct rule_exception *exception = &rules->exception[i];
        bool over = facts->day > exception->last_day;
        if ((over && *expired) || !is_of(exception, detector) ||
            !rule_program_holds(rules, exception->when, facts, NULL))
            continue;
        if (!over)
            return exception;
        *expired = exception;
    }
    return NULL;
}

double rules_bar(const struct rules *rules, const struct rule_facts *facts)
{
    double bar = 1;
    for (size_t i = 0; i < rules->trust_count; i++) {
        const struct rule_trust *trust = &rules->trust[i];
        if (trust->bar > bar && facts->day <= trust->last_day &&
            rule_program_holds(rules, trust->when, facts, NULL))
            bar = trust->bar;
    }
    return bar;
}

const struct rule *rules_get(const struct rules *rules, const char *id)
{
    for (size_t i = 0; i < rules->rule_count; i++)
        if (strcmp(rules->rule[i].detector.id, id) == 0)
            return &rules->rule[i];
    return NULL;
}
