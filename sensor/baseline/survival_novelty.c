/* How unlikely is it that something new is met, and something as rare as this? By name alone, no
 * bytes: an explanation, and half a weight. Thread: any (pure). */
#include "weir/baseline/survival.h"

#include <math.h>

#define RATE_CONTACTS 100.0 /* of a group: what the fleet's rate stands for */

static double sum_first(const struct contacts *contacts, enum destination_kind kind, int buckets)
{
    double sum = 0;
    for (int bucket = 0; bucket < buckets; bucket++)
        sum += contacts->first[kind][bucket];
    return sum;
}

/* The share of contacts that are with something new, of the group, leaning on the fleet. */
static double rate_of(const struct peers *peers, enum destination_kind kind)
{
    if (!peers->all)
        return 0.5;
    const struct contacts *all = &peers->all->contacts;
    double rate = (sum_first(all, kind, PREVALENCE_BUCKETS) + 1) / (all->all[kind] + 2);
    if (!peers->group)
        return rate;
    const struct contacts *group = &peers->group->contacts;
    return (sum_first(group, kind, PREVALENCE_BUCKETS) + RATE_CONTACTS * rate) /
           (group->all[kind] + RATE_CONTACTS);
}

double survival_rarity(const struct destination *destination, const struct fleet *fleet,
                       uint32_t more)
{
    if (!fleet)
        return 1;
    const struct contacts *all = &fleet_all(fleet)->contacts;
    int buckets = (int)fleet_bucket(fleet, destination, more) + 1;
    return (sum_first(all, destination->kind, buckets) + 1) /
           (sum_first(all, destination->kind, PREVALENCE_BUCKETS) + 1);
}

struct estimate survival_novelty(const struct profile *profile,
                                 const struct destination *destination, const struct fleet *fleet,
                                 uint32_t more)
{
    const struct novelty_kind *kind = &profile->novelty.kind[destination->kind];
    const struct peers peers = fleet_peers(fleet, profile->group);
    double p = novelty_rate(kind, rate_of(&peers, destination->kind)) *
               survival_rarity(destination, fleet, more);
    return (struct estimate){.p = fmax(SURVIVAL_LEAST, fmin(1, p)),
                             .samples = (double)kind->contacts};
}
