/* Learning: what a closed hour changes in a profile and tells the fleet.
 *
 *   the day before ended?  → its total joins the day histograms (host and pairs), and what was new
 * in it the tables of new destinations and networks the hour               → hour histograms,
 * locations, shares of active hours bounds                 → the smallest decayed weight goes
 *
 * Every size passes the guard first, so that one enormous value cannot make the next one ordinary;
 * running totals (today_bytes, first_week_bytes) stay true, since they are judged, not learned
 * from. The fleet is told of guarded sizes, with the location as it was before. Engine thread. */
#include "profile_local.h"
#include "size.h"

#include <math.h>
#include <stdlib.h>

#define HOUR_LOCATION_LIMIT 200
#define HOUR_LOCATION_CLIP  4.0 /* octaves */
#define DAY_LOCATION_LIMIT  20
#define DAY_LOCATION_CLIP   2.0
#define HALF_LIFE_DAYS      28.0

/* --- small things
 * ----------------------------------------------------------------------------------- */

static double location_or_nan(const struct location *location)
{
    return location->count >= LOCATION_MIN ? location->mean : NAN;
}

/* Learned real numbers are kept as floats, so that a stored profile, which has four bytes for each,
 * goes on exactly like one that was never stored. */
static double storable(double value)
{
    return (double)(float)value;
}

static void learn_location(struct location *location, uint64_t bytes, uint32_t limit, double clip)
{
    double value = log2((double)bytes + 1);
    if (location->count == 0) {
        *location = (struct location){storable(value), 1};
        return;
    }
    double n = (double)(location->count < limit ? location->count + 1 : limit);
    location->mean = storable(location->mean + fmax(-clip, fmin(clip, value - location->mean)) / n);
    if (location->count < UINT32_MAX)
        location->count++;
}

static const struct group *group_of(const struct fleet *fleet, const struct profile *profile)
{
    return fleet ? fleet_group(fleet, &profile->host) : NULL;
}

static double weight_on(const struct pair *pair, int64_t day)
{
    double age = (double)(day - pair->weight_day);
    return age > 0 ? pair->weight * exp2(-age / HALF_LIFE_DAYS) : pair->weight;
}

/* --- what is new
 * ------------------------------------------------------------------------------------ */

static void note_new_network(struct profile *profile, const struct group *group, uint64_t bytes,
                             int64_t week)
{
    struct size_of_new model = {{{0}, 0}, group ? &group->absolute_day : NULL, week};
    tail_gather(&model.counts, &profile->new_network, week);
    histogram_add(&profile->new_network, histogram_bin(size_new_guarded(&model, bytes)), week, 1);
    profile->new_networks++;
}

static void note_new_destination(struct fleet *fleet, const struct group *group,
                                 const struct destination *destination, uint32_t more,
                                 uint64_t bytes, int64_t week)
{
    struct size_of_new model = {{{0}, 0}, &group->absolute_day, week};
    for (int k = 0; k < PREVALENCE_BUCKETS; k++)
        tail_gather(&model.counts, &group->young[k], week);
    fleet_note_young(fleet, destination, more, size_new_guarded(&model, bytes), week);
}

/* Something new took `bytes` in all. `more`: 1 when the fleet does not know yet that the host uses
 * it. */
static void note_new(struct profile *profile, const struct destination *destination, uint32_t more,
                     uint64_t bytes, int64_t day, struct fleet *fleet)
{
    const struct group *group = group_of(fleet, profile);
    if (bytes == 0 || day - profile->first_day < PROFILE_NOVELTY_DAYS)
        return;
    if (destination->role == ROLE_SERVED)
        note_new_network(profile, group, bytes, histogram_week(day));
    else if (fleet)
        note_new_destination(fleet, group, destination, more, bytes, histogram_week(day));
}

/* A first week counts once, when it is over: told day by day, a slow thief would be his own
 * precedent. */
static void tell_first_week(struct profile *profile, struct pair *pair, int64_t day,
                            struct fleet *fleet)
{
    if (!pair->told)
        note_new(profile, &pair->destination, 0, pair->first_week_bytes, day, fleet);
    pair->told = true;
}

/* --- days
 * ------------------------------------------------------------------------------------------- */

static void finish_pair_day(struct profile *profile, struct pair *pair, struct fleet *fleet)
{
    int64_t week = histogram_week(pair->today);
    if (pair->today_bytes == 0)
        return;
    struct size_model model = size_pair_day(pair, group_of(fleet, profile), week);
    uint64_t bytes = size_guarded(&model, pair->today_bytes);
    if (fleet)
        fleet_note_pair_day(fleet, &pair->destination, bytes, location_or_nan(&pair->day_location),
                            week);
    if (pair->last_hour - pair->first_hour >= PAIR_YOUNG_HOURS &&
        pair->contacts < PAIR_KNOWN_CONTACTS) /* a rarity that returned is new again */
        note_new(profile, &pair->destination, 0, pair->today_bytes, pair->today, fleet);
    histogram_add(&pair->day, histogram_bin(bytes), week, 1);
    learn_location(&pair->day_location, bytes, DAY_LOCATION_LIMIT, DAY_LOCATION_CLIP);
    pair->today_bytes = 0;
    pair->packed_bytes = pair_packed_bytes(pair);
}

static void finish_host_day(struct profile *profile, struct fleet *fleet)
{
    int64_t week = histogram_week(profile->today);
    if (profile->today_bytes == 0)
        return;
    struct size_model model = size_host_day(profile, group_of(fleet, profile), week);
    uint64_t bytes = size_guarded(&model, profile->today_bytes);
    bool exposed = profile->today - profile->first_day >= PROFILE_NOVELTY_DAYS;
    if (fleet)
        fleet_note_host_day(fleet, bytes, location_or_nan(&profile->day_location), exposed, week);
    histogram_add(&profile->day, histogram_bin(bytes), week, 1);
    learn_location(&profile->day_location, bytes, DAY_LOCATION_LIMIT, DAY_LOCATION_CLIP);
    profile->today_bytes = 0;
}

static void begin_day(struct profile *profile, const struct civil *civil, struct fleet *fleet)
{
    if (civil->day <= profile->today)
        return;
    finish_host_day(profile, fleet);
    for (uint32_t i = 0; i < profile->pair_count; i++) {
        struct pair *pair = profile->pair[i];
        if (pair->today < civil->day)
            finish_pair_day(profile, pair, fleet);
        if (civil->hour - pair->first_hour >= PAIR_YOUNG_HOURS)
            tell_first_week(profile, pair, civil->day, fleet);
    }
    profile->today = civil->day;
}

/* --- bounds
 * ----------------------------------------------------------------------------------------- */

static uint32_t lightest(const struct profile *profile, int64_t day)
{
    uint32_t found = 0;
    char key[DESTINATION_KEY_SIZE], found_key[DESTINATION_KEY_SIZE];
    for (uint32_t i = 1; i < profile->pair_count; i++) {
        double a = weight_on(profile->pair[i], day), b = weight_on(profile->pair[found], day);
        if (a < b ||
            (a <= b && strcmp(destination_key(&profile->pair[i]->destination, key),
                              destination_key(&profile->pair[found]->destination, found_key)) < 0))
            found = i;
    }
    return found;
}

static void evict(struct profile *profile, uint32_t index, int64_t day, struct fleet *fleet)
{
    finish_pair_day(profile, profile->pair[index], fleet);
    tell_first_week(profile, profile->pair[index], day, fleet);
    pair_free(profile->pair[index]);
    profile->pair[index] = profile->pair[--profile->pair_count];
    profile->pairs_evicted++;
}

/* NULL when everything that is remembered weighs more. */
static struct pair *admit(struct profile *profile, const struct destination *destination,
                          uint64_t bytes, const struct civil *civil, struct fleet *fleet)
{
    if (profile->pair_count == PROFILE_PAIRS) {
        uint32_t index = lightest(profile, civil->day);
        if ((double)bytes < weight_on(profile->pair[index], civil->day)) {
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
    profile->pair[profile->pair_count++] = pair;
    return pair;
}

static void keep_small(struct profile *profile, int64_t day, struct fleet *fleet)
{
    size_t pairs = 0;
    for (uint32_t i = 0; i < profile->pair_count; i++)
        pairs += profile->pair[i]->packed_bytes;
    if (pairs < PROFILE_PACKED_BYTES / 2) /* the rest does not take the other half */
        return;
    for (;;) {
        struct buffer blob = {0};
        profile_pack(profile, &blob);
        size_t packed = blob.size;
        buffer_fini(&blob);
        if (packed <= PROFILE_PACKED_BYTES || profile->pair_count == 0)
            return;
        evict(profile, lightest(profile, day), day, fleet);
    }
}

/* --- hours --------------------------------------------------------------------------------- */

static void learn_pair_hour(struct profile *profile, struct pair *pair, uint64_t bytes,
                            const struct civil *civil, struct fleet *fleet)
{
    int64_t week = histogram_week(civil->day);
    struct size_model model = size_pair_hour(pair, group_of(fleet, profile), week);
    uint64_t learned = size_guarded(&model, bytes);
    if (fleet)
        fleet_note_pair(fleet, &profile->host, &pair->destination, learned,
                        location_or_nan(&pair->hour_location), civil);
    histogram_add(&pair->hour, histogram_bin(learned), week, 1);
    learn_location(&pair->hour_location, learned, HOUR_LOCATION_LIMIT, HOUR_LOCATION_CLIP);
    pair->weight = storable(fmin(1e18, weight_on(pair, civil->day) + (double)bytes));
    pair->weight_day = civil->day;
    pair->last_hour = civil->hour;
    if (pair->contacts < UINT32_MAX)
        pair->contacts++;
    pair->today = civil->day;
    pair->today_bytes += bytes;
    if (civil->hour - pair->first_hour < PAIR_YOUNG_HOURS)
        pair->first_week_bytes += bytes;
    pair->packed_bytes = pair_packed_bytes(pair);
}

/* A newcomer that found no room is new each time it comes; it counts as such, or a busy server
 * would believe that nothing new ever happens to it. */
static void learn_passer_by(struct profile *profile, const struct destination *destination,
                            uint64_t bytes, const struct civil *civil, struct fleet *fleet)
{
    if (fleet)
        fleet_note_pair(fleet, &profile->host, destination, bytes, NAN, civil);
    note_new(profile, destination, 1, bytes, civil->day, fleet);
}

static void learn_host_hour(struct profile *profile, uint64_t bytes, const struct civil *civil,
                            struct fleet *fleet)
{
    int64_t week = histogram_week(civil->day);
    uint64_t learned = 0;
    double location = location_or_nan(&profile->hour_location);
    if (bytes > 0) {
        struct size_model model = size_host_hour(profile, group_of(fleet, profile), week);
        learned = size_guarded(&model, bytes);
        histogram_add(&profile->hour, histogram_bin(learned), week, 1);
        learn_location(&profile->hour_location, learned, HOUR_LOCATION_LIMIT, HOUR_LOCATION_CLIP);
        if (profile->today_bytes == 0)
            profile->days_active[civil->class >= HOUR_WORK_WEEKEND]++;
        profile->today_bytes += bytes;
    }
    if (!fleet)
        return;
    fleet_note_host(fleet, &profile->host, civil, bytes > 0, learned, location);
    fleet_note_silent(fleet, profile->silent);
    memset(profile->silent, 0, sizeof profile->silent);
}

static void learn_pairs(struct profile *profile, const struct host_total *total,
                        const struct civil *civil, struct fleet *fleet)
{
    const struct map_entry **entry = map_sorted(&total->pairs);
    for (size_t i = 0; i < total->pairs.count; i++) {
        const struct pair_total *sum = entry[i]->value;
        uint64_t bytes = sum->out.value;
        if (bytes == 0 || destination_is_other(&sum->destination))
            continue;
        struct pair *pair = profile_pair(profile, &sum->destination);
        if (!pair)
            pair = admit(profile, &sum->destination, bytes, civil, fleet);
        if (pair)
            learn_pair_hour(profile, pair, bytes, civil, fleet);
        else
            learn_passer_by(profile, &sum->destination, bytes, civil, fleet);
    }
    free(entry);
}

void profile_close_hour(struct profile *profile, const struct host_total *total,
                        const struct civil *civil, struct fleet *fleet)
{
    uint64_t bytes = total ? total->out.value : 0;
    if (civil->hour <= profile->last_closed_hour)
        return;
    begin_day(profile, civil, fleet);
    profile_count_hour(profile, civil, bytes > 0);
    learn_host_hour(profile, bytes, civil, fleet);
    if (total)
        learn_pairs(profile, total, civil, fleet);
    keep_small(profile, civil->day, fleet);
    profile->last_closed_hour = civil->hour;
}
