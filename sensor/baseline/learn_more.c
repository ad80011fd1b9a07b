/* What a finished day and a contact teach beside sizes: growth (cusum.h) and novelty (novelty.h).
 * Growth goes by the bytes that were sent, not by what the guard makes of them: its own clip bounds
 * what one day can add. Thread: the engine's. */
#include "profile_local.h"

#include <math.h>

static double log_bytes(uint64_t bytes)
{
    return log2((double)bytes + 1);
}

void learn_host_growth(struct profile *profile, const struct fleet *fleet)
{
    double trend = fleet ? fleet_day_trend(fleet, profile->group, profile->today) : 0;
    cusum_add(&profile->cusum, log_bytes(profile->today_bytes) - trend);
}

void learn_pair_growth(struct pair *pair)
{
    if (pair->today_bytes < CUSUM_PAIR_BYTES)
        return;
    cusum_add(&pair->cusum, log_bytes(pair->today_bytes));
    if (pair->destination.role == ROLE_CLIENT)
        cusum_add(&pair->surplus, pair_surplus_value(pair->today_surplus));
}

uint64_t pair_surplus(uint64_t out_bytes, uint64_t in_bytes)
{
    return out_bytes > in_bytes ? out_bytes - in_bytes : 0;
}

double pair_surplus_value(uint64_t bytes)
{
    return log_bytes(bytes > CUSUM_PAIR_BYTES ? bytes : CUSUM_PAIR_BYTES);
}

/* All is new to a new host: its warm-up says nothing of how often something new is met. */
void learn_contact(struct profile *profile, const struct destination *destination, bool known,
                   const struct civil *civil, struct fleet *fleet)
{
    if (destination->role != ROLE_CLIENT)
        return;
    novelty_meet(&profile->novelty, destination);
    if (fleet && civil->day - profile->first_day >= PROFILE_WARMUP_DAYS)
        fleet_note_contact(fleet, &profile->host, profile->group, destination, !known,
                           histogram_week(civil->day));
}
