/* Evidence of manner, not of amount: that something is called by the clock, or held open for hours,
 * and that a host sends more of what it exchanges than it used to. A beacon that only calls home
 * sends next to nothing, so the floor of bytes does not apply to the first two; fewer bytes would
 * undo neither (evidence_without).
 *
 * Clocks are looked at as of the last closed hour: one of three ticks may look odder than the
 * whole. They are marks while the next hour in which the host sends is open, and learned at that
 * one's close: what was never open to anybody's judgement must not count as told. Half an hour's
 * ratio may look odder than the whole, too: it is looked at when its hour is over
 * (evidence_upload.c). A connection only grows older, so that is judged as it is so far.
 *
 * A score takes some ten µs, once an hour for each of a host's pairs (PROFILE_PAIRS) that is odd,
 * was met in it, and may be the day's most regular. Thread: any (pure); a rhythm keeps what was
 * found (rhythm_exceeds): its profile's. */
#include "evidence_local.h"
#include "profile_local.h"

#include <math.h>

#define HOUR_S            3600
#define PREVALENCE_RARE   0.15
#define FIRST_SEEN_YOUNG  0.15
#define FIRST_SEEN_OLD    0.15
#define OLD_DAYS          30
#define UNNAMED           0.10
#define SCORE_MOST        (1 + PREVALENCE_RARE + FIRST_SEEN_YOUNG + UNNAMED)
#define SCORE_ROUNDING    1e-6
#define REST_LEAST        0.01 /* of 1 − score/SCORE_MOST: squared, what calibration stops at */
#define RATIO_KNOWN_HOURS 24

bool manner_is_one(enum evidence_kind kind)
{
    return kind == EVIDENCE_BEACON || kind == EVIDENCE_LONG || kind == EVIDENCE_RATIO;
}

bool evidence_needs_no_bytes(enum evidence_kind kind)
{
    return kind == EVIDENCE_BEACON || kind == EVIDENCE_LONG;
}

static bool is_measured(const struct fleet *fleet)
{
    return survival_exposure_days(fleet) >= EXPOSED_DAYS;
}

static bool is_rare(enum prevalence_bucket bucket)
{
    return bucket <= PREVALENCE_2_PERCENT;
}

/* Of what is opened from inside: young and not in everybody's use, or rare. */
static bool is_odd(const struct asked *asked)
{
    if (asked->destination->role != ROLE_CLIENT || destination_is_other(asked->destination))
        return false;
    enum prevalence_bucket bucket = pair_bucket(asked->fleet, asked->pair, asked->destination);
    return is_rare(bucket) || (bucket != PREVALENCE_REST && evidence_is_young(asked));
}

bool evidence_asks_rhythm(const struct profile *profile, const struct pair *pair,
                          const struct fleet *fleet, const struct civil *civil)
{
    const struct asked asked = {NULL, profile, pair, &pair->destination, fleet, civil, pair->name};
    return is_odd(&asked);
}

/* --- beacons ---------------------------------------------------------------------------------- */

/* False also where the score with its modifiers is less than `most` by more than their rounding. */
static bool score_from(const struct pair *pair, const struct fleet *fleet,
                       const struct civil *civil, double most, double *score)
{
    int64_t age = civil->day - pair->first_day;
    double rare = is_rare(pair_bucket(fleet, pair, &pair->destination)) ? PREVALENCE_RARE : 0;
    double seen = age <= 7 && !pair->settled ? FIRST_SEEN_YOUNG
                  : age >= OLD_DAYS          ? -FIRST_SEEN_OLD
                                             : 0;
    double unnamed = pair->destination.kind == DESTINATION_DOMAIN ? 0 : UNNAMED;
    double least = most - rare - seen - unnamed - SCORE_ROUNDING;
    if (!rhythm_exceeds(&pair->rhythm, fmax(BEACON_LEAST, least), score))
        return false; /* BEACON_LEAST: as four equal steps have, and nothing else */
    *score += rare;
    *score += seen;
    *score += unnamed;
    return true;
}

bool evidence_beacon_score(const struct pair *pair, const struct fleet *fleet,
                           const struct civil *civil, double *score)
{
    return pair->rhythm.day == civil->day && score_from(pair, fleet, civil, 0, score);
}

static double l_of_score(double score)
{
    return -2 * log(fmax(REST_LEAST, 1 - score / SCORE_MOST));
}

static double score_of_l(double l)
{
    return SCORE_MOST * (1 - exp(-l / 2));
}

/* `most`: the score of the mark there is; returns that of the one there is now. */
static double add_beacon(struct day_evidence *into, const struct profile *profile, uint32_t index,
                         const struct fleet *fleet, const struct civil *civil, double most)
{
    const struct pair *pair = profile->pair[index];
    const struct asked asked = {
        into, profile, pair, &pair->destination, fleet, civil, profile->pair_name[index]};
    double score;
    if (!is_odd(&asked) || !score_from(pair, fleet, civil, most, &score))
        return most;
    uint64_t connections = histogram_floor(histogram_bin(rhythm_connections(&pair->rhythm)));
    evidence_mark_exact(into, EVIDENCE_BEACON, l_of_score(score), connections, asked.name);
    return fmax(most, fmin(score, SCORE_MOST * (1 - REST_LEAST))); /* of those beyond it L is one */
}

/* Only what may be the largest is scored. */
static void add_beacons(struct day_evidence *into, const struct profile *profile,
                        const struct fleet *fleet, const struct civil *civil)
{
    double most = score_of_l(into->mark[EVIDENCE_BEACON].l);
    for (uint32_t i = 0; i < profile->pair_count; i++)
        if (profile->pair[i]->rhythm.day == civil->day && profile->pair[i]->rhythm.today)
            most = add_beacon(into, profile, i, fleet, civil, most);
}

/* --- long connections ------------------------------------------------------------------------- */

/* As if an hour and more were held in one host-day of four, with a Pareto tail of index 2. */
static double l_of_seconds(uint64_t seconds)
{
    return 2 * log1p((double)histogram_floor(histogram_bin(seconds)) / HOUR_S);
}

/* --- ratios ----------------------------------------------------------------------------------- */

static bool ratio_is_known(const struct profile *profile)
{
    return histogram_samples(&profile->ratio.hours) >= RATIO_KNOWN_HOURS;
}

struct evidence_mark evidence_ratio_of_hour(const struct profile *profile,
                                            const struct civil *civil, uint64_t out_bytes,
                                            uint64_t in_bytes)
{
    if (!ratio_is_known(profile))
        return (struct evidence_mark){0};
    double p = ratio_survival(&profile->ratio, out_bytes, in_bytes, histogram_week(civil->day));
    return (struct evidence_mark){(double)(float)-log(p), ratio_bin(out_bytes, in_bytes), 0};
}

/* Bins are shares in fortieths, in thousandths here: whole numbers are all an estimate has. */
static uint64_t thousandths(int bin)
{
    return bin < 0 ? 0 : (uint64_t)bin * 1000 / (RATIO_BINS - 1);
}

static struct estimate ratio_estimate(const struct asked *asked, uint64_t bin)
{
    const struct histogram *hours = &asked->profile->ratio.hours;
    int64_t week = histogram_week(asked->civil->day);
    struct estimate estimate = {
        .p = ratio_survival_of_bin(&asked->profile->ratio, (unsigned)bin, week),
        .samples = (double)histogram_samples(hours),
        .expected = {thousandths(histogram_quantile(hours, 0.05, week)),
                     thousandths(histogram_quantile(hours, 0.95, week))},
        .largest = thousandths(histogram_largest(hours))};
    return estimate;
}

/* --- what is asked ---------------------------------------------------------------------------- */

void manner_of_host(struct day_evidence *into, const struct profile *profile,
                    const struct fleet *fleet)
{
    if (is_measured(fleet))
        into->known |= 1u << EVIDENCE_BEACON | 1u << EVIDENCE_LONG;
    if (ratio_is_known(profile))
        into->known |= 1u << EVIDENCE_RATIO;
}

void evidence_add_closed(struct day_evidence *into, const struct profile *profile,
                         const struct fleet *fleet, const struct civil *civil)
{
    if (evidence_is_cold(profile, civil))
        return;
    if (is_measured(fleet))
        add_beacons(into, profile, fleet, civil);
}

void manner_of_pair(const struct asked *asked, const struct amounts *amounts)
{
    if (amounts->longest_s < HOUR_S || !is_measured(asked->fleet) || !is_odd(asked))
        return;
    evidence_mark_exact(asked->into, EVIDENCE_LONG, l_of_seconds(amounts->longest_s),
                        histogram_floor(histogram_bin(amounts->longest_s)), asked->name);
}

struct estimate manner_estimate(const struct asked *asked, enum evidence_kind kind, uint64_t amount)
{
    double score;
    if (kind == EVIDENCE_RATIO)
        return ratio_estimate(asked, amount);
    if (kind == EVIDENCE_LONG)
        return (struct estimate){.p = exp(-l_of_seconds(amount))};
    if (!asked->pair || !evidence_beacon_score(asked->pair, asked->fleet, asked->civil, &score))
        return (struct estimate){.p = 1};
    return (struct estimate){.p = exp(-l_of_score(score)), .samples = (double)amount};
}
