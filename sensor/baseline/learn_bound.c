/* What a profile may hold: PROFILE_PAIRS pairs, PROFILE_PACKED_BYTES packed.
 *
 * At the first bound, and at the second while the rest of the profile takes no more than half of
 * it, the pair of the smallest decayed weight goes. When the rest takes more (sizes all over the
 * place, for months), the histogram with the most cells loses its oldest week. Both are counted. A
 * week of every histogram and no pair fit into a third of the bound, so this always ends. Thread:
 * the engine's. */
#include "profile_local.h"

#include <math.h>
#include <stdlib.h>

#define HALF_LIFE_DAYS 28.0
#define GROWS_BY       1024 /* a day's growth of all but the pairs, and what pairs are off by */

double learn_weight_on(const struct pair *pair, int64_t day)
{
    double age = (double)(day - pair->weight_day);
    return age > 0 ? pair->weight * exp2(-age / HALF_LIFE_DAYS) : pair->weight;
}

/* --- pairs ------------------------------------------------------------------------------------ */

static uint32_t lightest(const struct profile *profile, int64_t day)
{
    uint32_t found = 0;
    char key[DESTINATION_KEY_SIZE], found_key[DESTINATION_KEY_SIZE];
    for (uint32_t i = 1; i < profile->pair_count; i++) {
        double a = learn_weight_on(profile->pair[i], day);
        double b = learn_weight_on(profile->pair[found], day);
        if (a < b ||
            (a <= b && strcmp(destination_key(&profile->pair[i]->destination, key),
                              destination_key(&profile->pair[found]->destination, found_key)) < 0))
            found = i;
    }
    return found;
}

static void evict(struct profile *profile, uint32_t index, int64_t day, struct fleet *fleet)
{
    learn_pair_day(profile, profile->pair[index], fleet);
    learn_gone(profile, profile->pair[index], day, fleet);
    pair_free(profile->pair[index]);
    profile->pair[index] = profile->pair[--profile->pair_count];
    profile->pairs_evicted++;
}

struct pair *learn_admit(struct profile *profile, const struct destination *destination,
                         uint64_t bytes, const struct civil *civil, struct fleet *fleet)
{
    if (profile->pair_count == PROFILE_PAIRS) {
        uint32_t index = lightest(profile, civil->day);
        if ((double)bytes < learn_weight_on(profile->pair[index], civil->day)) {
            profile->pairs_evicted++;
            return NULL;
        }
        evict(profile, index, civil->day, fleet);
    }
    struct pair *pair = xcalloc(1, sizeof *pair);
    pair->destination = *destination;
    pair->first_hour = pair->last_hour = civil->hour;
    pair->first_day = pair->weight_day = pair->today = civil->day;
    pair->told = civil->day - profile->first_day < PROFILE_WARMUP_DAYS;
    pair->spans_told = pair->told ? PAIR_SPANS : 0;
    profile->pair[profile->pair_count++] = pair;
    return pair;
}

/* --- bytes ------------------------------------------------------------------------------------ */

/* False: every histogram is down to one week. */
static bool thin(struct profile *profile)
{
    struct histogram *const all[] = {&profile->hour, &profile->day, &profile->new_network,
                                     &profile->new_network_hour, &profile->new_network_span};
    struct histogram *most = all[0];
    for (size_t i = 1; i < sizeof all / sizeof *all; i++)
        if (all[i]->count > most->count)
            most = all[i];
    if (!histogram_thin(most))
        return false;
    profile->weeks_thinned++;
    profile->packed_bytes = profile_packed_bytes(profile);
    return true;
}

static bool fits(const struct profile *profile)
{
    struct buffer blob = {0};
    profile_pack(profile, &blob);
    size_t packed = blob.size;
    buffer_fini(&blob);
    return packed <= PROFILE_PACKED_BYTES;
}

void learn_keep_small(struct profile *profile, int64_t day, struct fleet *fleet)
{
    size_t estimate = profile->packed_bytes + GROWS_BY;
    for (uint32_t i = 0; i < profile->pair_count; i++)
        estimate += profile->pair[i]->packed_bytes;
    if (estimate <= PROFILE_PACKED_BYTES)
        return;
    profile->packed_bytes = profile_packed_bytes(profile);
    while (!fits(profile)) {
        if (profile->packed_bytes > PROFILE_PACKED_BYTES / 2 && thin(profile))
            continue;
        if (profile->pair_count == 0)
            return;
        evict(profile, lightest(profile, day), day, fleet);
    }
}
