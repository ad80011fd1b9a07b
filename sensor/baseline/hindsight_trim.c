/* The trim of the budget in hindsight. A live sensor moves it a little each day by what was told
 * the day before; here all days are known, so it is the one at which as many host-days are told as
 * were asked for, silence after each included; where a day leads is not kept, so a host is silent
 * as a whole here. What was stolen is among them. Engine thread. */
#include "hindsight_local.h"

#include <math.h>

#define STEPS 12

static bool fires(const struct host_day *day, enum evidence_side side, const struct limits *limits)
{
    struct fused fused = {.p = (double)day->p[side], .p_absolute = 1, .p_upload = 1};
    if (side == EVIDENCE_SENT)
        fused.p_absolute = (double)day->p_absolute;
    return (day->known >> (EVIDENCES + (unsigned)side) & 1u) && fused_fires(&fused, limits);
}

static double told_of(const struct past *past, enum evidence_side side, const struct limits *limits)
{
    struct told_lately lately = {0};
    double told = 0;
    for (size_t i = 0; i < past->days; i++) {
        const struct host_day *day = &past->day[i];
        double e = (double)day->l[EVIDENCES + side];
        if (e < lately_silent_e(&lately, day->day, 0, INT64_MIN) || !fires(day, side, limits))
            continue;
        lately_tell(&lately, day->day, e, 0);
        told++;
    }
    return told;
}

static void set_trim(struct hindsight *hindsight, double trim)
{
    hindsight->fleet->budget.trim = hindsight->fleet->next_budget.trim = trim;
}

static double told_at(struct hindsight *hindsight, double trim)
{
    double told = 0;
    set_trim(hindsight, trim);
    for (int side = 0; side < EVIDENCE_SIDES; side++) {
        struct limits limits = fleet_limits(hindsight->fleet, (enum evidence_side)side);
        for (size_t i = 0; i < hindsight->pasts; i++)
            told += told_of(hindsight->past[i], (enum evidence_side)side, &limits);
    }
    return told;
}

static double asked_for(struct hindsight *hindsight)
{
    double days = 0;
    for (size_t i = 0; i < hindsight->pasts; i++)
        for (size_t d = 0; d < hindsight->past[i]->days; d++)
            days += hindsight->past[i]->day[d].known != 0;
    set_trim(hindsight, 1);
    return days * fleet_budget(hindsight->fleet);
}

void trim_budget(struct hindsight *hindsight)
{
    const struct budget *budget = &hindsight->fleet->budget;
    double asked = asked_for(hindsight);
    double low = 0, high = log(BUDGET_TRIM_MOST);
    for (int step = 0; step < STEPS; step++) {
        double middle = (low + high) / 2;
        if (told_at(hindsight, exp(middle)) <= asked)
            low = middle;
        else
            high = middle;
    }
    set_trim(hindsight, exp(low));
    hindsight->trimmed_for = *budget;
    for (int side = 0; side < EVIDENCE_SIDES; side++)
        hindsight->limits[side] = fleet_limits(hindsight->fleet, (enum evidence_side)side);
}
