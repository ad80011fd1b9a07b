/* The fleet's days of evidence, and the budget that is trimmed by what they told.
 *
 * Integral control, once a day: ln(trim) grows by a tenth for each alert that was asked for and not
 * told, and falls by as much for each that was told beyond; at most ± 20 % a day. So in the long
 * run as many are told as were asked for, whatever the calibration is off by, and a single bad day
 * costs a fifth. Only sums of an hour's notes are looked at: their order does not matter, nor how
 * many sensors there are. Thread: the engine's. */
#include "fleet_local.h"

#include <math.h>

#define SERVED_SHARE 0.3       /* of all that is told */
#define SERVED_LEAST 0.7       /* of a host's, where most hosts are servers */
#define SERVED_MOST  (1.0 / 7) /* alerts a server and day, however many hosts pay for it */
#define FUSED_SHARE  0.8 /* of what is told of what hosts send; the absolute day has the rest */
/* An upload alone, beside these: most of what it tells they tell too, and what is told beyond what
 * was asked for the trim takes off all three. */
#define UPLOAD_SHARE 0.4

#define GAIN      0.1
#define STEP_MOST 0.2

void fleet_set_budget(struct fleet *fleet, double host_day, double day)
{
    fleet->budget.host_day = fleet->next_budget.host_day = host_day;
    fleet->budget.day = fleet->next_budget.day = day;
}

static double asked_for(const struct fleet *fleet)
{
    const struct budget *budget = &fleet->budget;
    return budget->day > 0 ? budget->day / fmax(1, fleet_hosts(fleet)) : budget->host_day;
}

double fleet_budget(const struct fleet *fleet)
{
    return asked_for(fleet) * fleet->budget.trim;
}

double fleet_budget_trim(const struct fleet *fleet)
{
    return fleet->budget.trim;
}

void fleet_budget_day(const struct fleet *fleet, double *expected, double *told)
{
    *expected = fleet->next_budget.expected;
    *told = fleet->next_budget.told;
}

static double host_days(const struct calibrations *calibrations, enum evidence_side side)
{
    const struct calibration *of = calibrations->of[EVIDENCES + side];
    return of[0].total + of[1].total;
}

struct limits fleet_limits(const struct fleet *fleet, enum evidence_side side)
{
    const struct calibrations *all = &fleet->all.now.calibrations;
    double budget = fleet_budget(fleet);
    double sent = host_days(all, EVIDENCE_SENT), served = host_days(all, EVIDENCE_SERVED);
    double of_server = fmin(SERVED_MOST, budget * SERVED_LEAST); /* of none it is not known yet */
    if (served > 0)
        of_server = fmin(SERVED_MOST, budget * fmax(SERVED_LEAST, SERVED_SHARE * sent / served));
    double of_host = fmax(0, budget - (sent > 0 ? of_server * served / sent : 0));
    if (side == EVIDENCE_SERVED)
        return (struct limits){of_server, 0, 0};
    return (struct limits){FUSED_SHARE * of_host, (1 - FUSED_SHARE) * of_host,
                           UPLOAD_SHARE * of_host};
}

void budget_apply(struct fleet *fleet)
{
    fleet->budget = fleet->next_budget;
}

/* The days before are over. */
static void reach_day(struct budget *budget, int64_t day)
{
    if (day <= budget->trim_day)
        return;
    double step = GAIN * (budget->expected - budget->told);
    double factor = fmax(1 - STEP_MOST, fmin(1 + STEP_MOST, exp(step)));
    budget->trim = fmax(BUDGET_TRIM_LEAST, fmin(BUDGET_TRIM_MOST, budget->trim * factor));
    budget->expected = budget->told = 0;
    budget->trim_day = day;
}

static void add_day(struct peer_group *to, const struct told_day *day)
{
    for (unsigned which = 0; which < CALIBRATIONS; which++) {
        if (!(day->known >> which & 1u))
            continue;
        calibration_count(&to->next.calibrations.of[which][day->day_off], &day->last[which],
                          day->day, day->bin[which]);
    }
    to->changed = true;
}

void fleet_note_evidence(struct fleet *fleet, const char *group, const struct told_day *day,
                         const struct civil *civil)
{
    fleet_reach_week(fleet, histogram_week(civil->day));
    reach_day(&fleet->next_budget, civil->day);
    fleet->next_budget.expected += asked_for(fleet);
    fleet->next_budget.told += day->told;
    struct peer_group *own = fleet_open_group(fleet, group);
    add_day(&fleet->all, day);
    if (own)
        add_day(own, day);
}
