/* Why an alert is told by one side only, as far as it can be known from outside the engine: its
 * rule, an exception, or something that is neither. */
#include "backtest_local.h"

#include <stdio.h>
#include <string.h>

static const struct rule *rule_of(const struct backtest_half *half, const char *id)
{
    const struct rule *rule = half->rules ? rules_get(half->rules, id) : NULL;
    return rule && rule->enabled ? rule : NULL;
}

static const struct rule_exception *exception_of(const struct backtest_half *half,
                                                 const struct backtest_alert *alert)
{
    char key[ALERT_ID_SIZE + 64];
    int size = snprintf(key, sizeof key, "%s %.60s", alert->incident, alert->rule);
    const struct backtest_held *held = map_get(&half->held, key, (size_t)size);
    return held ? held->exception : NULL;
}

/* `here` tells the alert and `there` does not; `other`: what is there called. */
static void explain(const struct backtest_half *there, const struct backtest_alert *alert,
                    const char *other, const char *ours, char why[BACKTEST_WHY])
{
    const struct rule_exception *holds = exception_of(there, alert);
    const struct rule *rule = rule_of(there, alert->rule);
    if (holds)
        snprintf(why, BACKTEST_WHY, "%s exception %.60s (%.80s) holds it back: %.100s", other,
                 holds->name, holds->place, holds->reason);
    else if (retold_is_budgeted(alert->rule))
        snprintf(why, BACKTEST_WHY,
                 "%s other settings, trust, or what else is told put it below the "
                 "budget's bar",
                 other);
    else if (detector_get(alert->rule) || strcmp(alert->rule, "intel.match") == 0)
        snprintf(why, BACKTEST_WHY, "%s settings or lists do not find it", other);
    else if (!rule)
        snprintf(why, BACKTEST_WHY, "rule %.60s is only in %s rules", alert->rule, ours);
    else
        snprintf(why, BACKTEST_WHY,
                 "%s rule %.60s (%.80s) does not match, or its rate limit holds "
                 "it back",
                 other, rule->detector.id, rule->place);
}

static void explain_change(struct backtest_difference *d)
{
    char score[48] = "", urgency[64] = "", time[64] = "";
    if (d->now->score != d->proposed->score)
        snprintf(score, sizeof score, " score %lld instead of %lld;", (long long)d->proposed->score,
                 (long long)d->now->score);
    if (d->now->urgency != d->proposed->urgency)
        snprintf(urgency, sizeof urgency, " urgency %s instead of %s;",
                 urgency_name[d->proposed->urgency], urgency_name[d->now->urgency]);
    if (d->now->time.ns != d->proposed->time.ns)
        snprintf(time, sizeof time, " told %.1f min %s;",
                 (double)(d->now->time.ns - d->proposed->time.ns) *
                     (d->now->time.ns > d->proposed->time.ns ? 1 : -1) / (double)NS_PER_MIN,
                 d->now->time.ns > d->proposed->time.ns ? "sooner" : "later");
    snprintf(d->why, sizeof d->why, "%s%s%s", score, urgency, time);
    size_t size = strlen(d->why);
    memmove(d->why, d->why + 1, size); /* the first space */
    d->why[size - 2] = 0;              /* the last semicolon */
}

void backtest_explain(const struct backtest *b, struct backtest_difference *d)
{
    if (d->change == BACKTEST_LOST)
        explain(&b->half[BACKTEST_PROPOSED], d->now, "the proposed", "today's", d->why);
    else if (d->change == BACKTEST_GAINED)
        explain(&b->half[BACKTEST_NOW], d->proposed, "today's", "the proposed", d->why);
    else
        explain_change(d);
}
