/* What a profile may hold: PROFILE_PAIRS pairs, PROFILE_PACKED_BYTES packed.
 *
 * At the second bound what counts least goes first: weeks of the pairs' histograms that are twelve
 * weeks old and more (an eighth of their weight is left), the oldest before the others; then
 * today's rhythms, of the pairs that were met longest ago (clocks are looked for among new
 * destinations). At the first bound, and then at the second while the rest of
 * the profile takes no more than half of it, the pair of the smallest decayed weight goes. When the
 * rest takes more (sizes all over the place, for months), the histogram with the most cells loses
 * its oldest week. Both are counted. A week of every histogram and no pair fit into half of the
 * bound, so this always ends. Thread: the engine's. */
#include "profile_local.h"

#include <math.h>
#include <stdlib.h>

#define HALF_LIFE_DAYS 28.0
#define OLD_WEEKS      12

double learn_weight_on(const struct pair *pair, int64_t day)
{
    double age = (double)(day - pair->weight_day);
    return age > 0 ? pair->weight * exp2(-age / HALF_LIFE_DAYS) : pair->weight;
}

/* --- pairs ------------------------------------------------------------------------------------ */

static uint32_t lightest(const struct profile *profile, int64_t day)
{
    uint32_t found = 0;
    double least = learn_weight_on(profile->pair[0], day);
    char key[DESTINATION_KEY_SIZE], found_key[DESTINATION_KEY_SIZE];
    for (uint32_t i = 1; i < profile->pair_count; i++) {
        double weight = learn_weight_on(profile->pair[i], day);
        if (weight > least ||
            (weight >= least &&
             strcmp(destination_key(&profile->pair[i]->destination, key),
                    destination_key(&profile->pair[found]->destination, found_key)) >= 0))
            continue;
        found = i;
        least = weight;
    }
    return found;
}

static void evict(struct profile *profile, uint32_t index, int64_t day, struct fleet *fleet)
{
    learn_pair_day(profile, profile->pair[index], fleet);
    learn_gone(profile, profile->pair[index], day, fleet);
    pair_free(profile->pair[index]);
    profile_take_pair(profile, index);
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
    bool met = profile_stand_in(profile, destination, civil, pair);
    if (!met) {
        destination_copy(destination, &pair->destination);
        pair->first_hour = pair->last_hour = civil->hour;
        pair->first_day = pair->weight_day = pair->today = civil->day;
    }
    pair->told = pair->first_day - profile->first_day < PROFILE_WARMUP_DAYS ||
                 civil->hour - pair->first_hour >= PAIR_YOUNG_HOURS;
    pair->spans_told = pair->told ? PAIR_SPANS : 0;
    profile_put_pair(profile, pair);
    return pair;
}

/* --- bytes ------------------------------------------------------------------------------------ */

static void measure_pair(const struct profile *profile, struct pair *pair)
{
    pair->packed_bytes = pair_packed_bytes(pair, profile->last_closed_hour, profile->today);
}

/* Packs, behind what `blob` holds. False: the profile is too large. Then its parts are measured,
 * and since a blob is its parts one behind the other, their sum is its size, as long as what
 * changes is measured again: nothing more is packed to see how large it is. */
static bool pack_small(struct profile *profile, struct buffer *blob)
{
    size_t before = blob->size;
    profile_pack(profile, blob);
    size_t bytes = blob->size - before;
    if (bytes <= PROFILE_PACKED_BYTES)
        return true;
    for (uint32_t i = 0; i < profile->pair_count; i++)
        bytes -= profile->pair[i]->packed_bytes;
    profile->packed_bytes = (uint32_t)bytes;
    blob->size = before;
    return false;
}

/* Bytes too many. */
static size_t excess(const struct profile *profile)
{
    size_t bytes = profile->packed_bytes;
    for (uint32_t i = 0; i < profile->pair_count; i++)
        bytes += profile->pair[i]->packed_bytes;
    return bytes > PROFILE_PACKED_BYTES ? bytes - PROFILE_PACKED_BYTES : 0;
}

/* False: every histogram is down to one week. */
static bool thin(struct profile *profile)
{
    struct histogram *const all[] = {&profile->hour,
                                     &profile->day,
                                     &profile->new_network,
                                     &profile->new_network_hour,
                                     &profile->new_network_span,
                                     &profile->staged.day};
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

/* Whether a histogram remembers more than one week, and since when. */
static bool oldest_week(const struct histogram *h, uint16_t *week)
{
    *week = h->newest;
    for (uint16_t i = 0; i < h->count; i++)
        if (h->cell[i].week < *week)
            *week = h->cell[i].week;
    return *week < h->newest;
}

/* The pairs' histograms forget the oldest week of all, if it is old. False: there is none. */
static bool thin_pairs(struct profile *profile, int64_t week)
{
    uint16_t oldest = UINT16_MAX, of_this;
    for (uint32_t i = 0; i < 2 * profile->pair_count; i++) {
        const struct pair *pair = profile->pair[i / 2];
        if (oldest_week(i % 2 ? &pair->day : &pair->hour, &of_this) && of_this < oldest)
            oldest = of_this;
    }
    if (week - oldest < OLD_WEEKS)
        return false;
    for (uint32_t i = 0; i < 2 * profile->pair_count; i++) {
        struct pair *pair = profile->pair[i / 2];
        struct histogram *h = i % 2 ? &pair->day : &pair->hour;
        if (!oldest_week(h, &of_this) || of_this != oldest)
            continue;
        histogram_thin(h);
        measure_pair(profile, pair);
    }
    profile->weeks_thinned++;
    return true;
}

/* --- rhythms ---------------------------------------------------------------------------------- */

static int by_first_contact(const void *a, const void *b)
{
    const struct pair *x = *(struct pair *const *)a, *y = *(struct pair *const *)b;
    char key[DESTINATION_KEY_SIZE], other[DESTINATION_KEY_SIZE];
    if (x->first_hour != y->first_hour)
        return x->first_hour < y->first_hour ? -1 : 1;
    return strcmp(destination_key(&x->destination, key), destination_key(&y->destination, other));
}

static size_t rhythm_bytes(const struct pair *pair)
{
    struct buffer out = {0};
    rhythm_pack(&pair->rhythm, pair->last_hour, pair->today, &out);
    size_t bytes = out.size;
    buffer_fini(&out);
    return bytes;
}

/* What today's rhythm of a pair takes of the blob, give or take a byte or two; it is gone. */
static size_t drop_rhythm(struct profile *profile, struct pair *pair)
{
    size_t before = rhythm_bytes(pair);
    if (!pair->rhythm.today)
        return 0;
    rhythm_drop(&pair->rhythm);
    profile->rhythms_dropped++;
    measure_pair(profile, pair);
    return before - rhythm_bytes(pair);
}

static void drop_rhythms(struct profile *profile)
{
    struct pair *sorted[PROFILE_PAIRS];
    size_t over = excess(profile);
    uint32_t next = 0;
    if (over == 0)
        return;
    memcpy(sorted, profile->pair, sizeof sorted);
    qsort(sorted, profile->pair_count, sizeof *sorted, by_first_contact);
    while (over > 0 && next < profile->pair_count) {
        size_t saved = 0;
        while (saved < over && next < profile->pair_count)
            saved += drop_rhythm(profile, sorted[next++]);
        profile->packed_bytes = profile_packed_bytes(profile); /* it counts them */
        over = excess(profile);
    }
}

void learn_drop_rhythms(struct profile *profile, struct buffer *blob)
{
    if (pack_small(profile, blob))
        return;
    drop_rhythms(profile);
    profile_pack(profile, blob);
}

void learn_keep_small(struct profile *profile, int64_t day, struct fleet *fleet,
                      struct buffer *blob)
{
    if (pack_small(profile, blob))
        return;
    while (excess(profile) > 0 && thin_pairs(profile, histogram_week(day)))
        profile->packed_bytes = profile_packed_bytes(profile); /* it counts them */
    drop_rhythms(profile);
    while (excess(profile) > 0) {
        if (profile->packed_bytes > PROFILE_PACKED_BYTES / 2 && thin(profile))
            continue;
        if (profile->pair_count == 0)
            break;
        evict(profile, lightest(profile, day), day, fleet);
        profile->packed_bytes = profile_packed_bytes(profile); /* it tells what was new */
    }
    profile_pack(profile, blob);
}
