/* How much comes from inside on a day of a host: learned when a day is over, and how unlikely it
 * is.
 *
 *   S(x) = (N·S_own(x) + 6·S_peers(x))/(N + 6), as of a host's day (size.h): own days in which
 * something came, the peers' residuals of such days, and their sizes while there is no location
 *
 * A day with S(x) < 10⁻⁴ is learned where S is 10⁻⁴, so that one theft does not hide the next; it
 * is not remembered to be lifted. Thread: the engine's. */
#include "profile_local.h"
#include "size.h"
#include "weir/baseline/survival.h"

#include <math.h>

#define PSEUDO_DAY 6

static struct size_model model_of(const struct profile *profile, const struct peers *peers,
                                  int64_t week)
{
    const struct group *groups[2] = {peers->group, peers->all};
    struct size_model model = {.own = &profile->staged.day,
                               .location = &profile->staged.location,
                               .peers = *peers,
                               .pseudo = PSEUDO_DAY,
                               .week = week};
    for (int i = 0; i < 2; i++) {
        model.residuals[i] = groups[i] ? &groups[i]->inside_day : NULL;
        model.absolute[i] = groups[i] ? &groups[i]->absolute_inside : NULL;
        model.sizes[i] = groups[i] ? &groups[i]->sizes_inside : NULL;
    }
    return model;
}

struct estimate survival_staged(const struct profile *profile, const struct fleet *fleet,
                                const struct civil *civil, uint64_t bytes)
{
    int64_t week = histogram_week(civil->day);
    const struct peers peers = fleet_peers(fleet, profile->group);
    const struct histogram *days = &profile->staged.day;
    struct size_model model = model_of(profile, &peers, week);
    struct residuals own = size_own(&model);
    double p = fmin(1, fmax(SURVIVAL_LEAST, size_survival(&model, &own, bytes)));
    struct estimate estimate = {.p = p, .samples = (double)histogram_samples(days)};
    if (histogram_largest(days) < 0)
        return estimate;
    estimate.expected[0] = histogram_floor((unsigned)histogram_quantile(days, 0.05, week));
    estimate.expected[1] = histogram_floor((unsigned)histogram_quantile(days, 0.95, week) + 1);
    estimate.largest = histogram_middle((unsigned)histogram_largest(days));
    return estimate;
}

static void learn_day(struct profile *profile, int64_t day, uint64_t in_bytes, struct fleet *fleet)
{
    struct staged *staged = &profile->staged;
    int64_t week = histogram_week(day);
    const struct peers peers = fleet_peers(fleet, profile->group);
    struct size_model model = model_of(profile, &peers, week);
    if (staged->learned < UINT32_MAX)
        staged->learned++;
    if (in_bytes == 0)
        return;
    uint64_t bytes = size_guarded(&model, in_bytes);
    if (fleet)
        fleet_note_inside_day(fleet, profile->group, bytes, location_or_nan(&staged->location),
                              week);
    histogram_add(&staged->day, histogram_bin(bytes), week, 1);
    location_learn(&staged->location, bytes, LOCATION_DAY_LIMIT, LOCATION_DAY_CLIP);
}

void learn_staged_day(struct profile *profile, int64_t day, struct fleet *fleet)
{
    struct staged_days *days = &profile->staged.days;
    int64_t later = day - profile->today;
    for (int i = STAGED_DAYS; i-- > 0 && i + later >= STAGED_DAYS;)
        if (days->learned >> i & 1u)
            learn_day(profile, profile->today - i, days->in[i], fleet);
    staged_days_move(days, later);
}

void learn_staged_hour(struct profile *profile, const struct host_total *total, bool learns)
{
    struct staged_days *days = &profile->staged.days;
    if (!learns) /* nor is what was learned of this day so far */
        days->learned &= ~1u;
    else if (!profile->frozen_sums)
        days->learned |= 1u;
    if (total)
        staged_days_add(days, total->inside_bytes, total->out.value);
}
