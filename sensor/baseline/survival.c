/* p-values. Sizes come from size.c, rare ones from tail.c; here is how often a host is active at
 * all, how often something new appears, and what was observed before, for the reasons. Thread: any
 * (pure). */
#include "weir/baseline/survival.h"

#include "profile_local.h"
#include "size.h"

#include <math.h>

#define PI_PSEUDO 12.0

static double probability(double p)
{
    return p >= 1 ? 1.0 : p > SURVIVAL_LEAST ? p : SURVIVAL_LEAST;
}

/* --- what was observed ----------------------------------------------------------------------- */

/* The smallest bin up to which a share `q` of the counts lies, from `bin` on, up to which `sum`
 * lies. */
static unsigned quantile(const struct residuals *counts, double q, unsigned bin, double *sum)
{
    while (bin < HISTOGRAM_BINS - 1 && *sum < q * counts->total)
        *sum += counts->count[++bin];
    return bin;
}

static void describe(struct estimate *estimate, const struct residuals *counts)
{
    if (counts->total <= 0)
        return;
    double sum = counts->count[counts->first];
    unsigned low = quantile(counts, 0.05, counts->first, &sum);
    unsigned high = quantile(counts, 0.95, low, &sum), largest = HISTOGRAM_BINS - 1;
    while (largest > 0 && counts->count[largest] <= 0)
        largest--;
    estimate->expected[0] = histogram_floor(low);
    estimate->expected[1] = histogram_floor(high + 1);
    estimate->largest = histogram_middle(largest);
}

/* With p. */
static struct estimate of_size(const struct size_model *model, double p)
{
    const struct residuals own = size_own(model);
    struct estimate estimate = {.p = p, .samples = (double)histogram_samples(model->own)};
    describe(&estimate, &own);
    return estimate;
}

/* --- how often a host is active -------------------------------------------------------------- */

/* How often a group's hosts are active at this hour of the week. Hosts are few and weeks are slow
 * to come, so the same hour of all working days (or of both others) stands behind it. */
static double share_at(const struct group *group, int hour_of_week)
{
    int first = hour_of_week / 24 < 5 ? 0 : 5, last = first ? 7 : 5;
    double active = 1, seen = 2;
    if (!group)
        return 0.5;
    for (int day = first; day < last; day++) {
        active += group->active[24 * day + hour_of_week % 24];
        seen += group->seen[24 * day + hour_of_week % 24];
    }
    return (group->active[hour_of_week] + PI_PSEUDO * active / seen) /
           (group->seen[hour_of_week] + PI_PSEUDO);
}

static double hour_share(const struct profile *profile, const struct peers *peers,
                         const struct civil *civil)
{
    int hour = civil->hour_of_week;
    double weight = peers->group ? peers_weight(peers, peers->group->seen[hour]) : 0;
    double share =
        weight * share_at(peers->group, hour) + (1 - weight) * share_at(peers->all, hour);
    return (profile->hours_active[civil->class] + PI_PSEUDO * share) /
           (profile->hours_seen[civil->class] + PI_PSEUDO);
}

double survival_hour_share(const struct profile *profile, const struct fleet *fleet,
                           const struct civil *civil)
{
    const struct peers peers = fleet_peers(fleet, profile->group);
    return hour_share(profile, &peers, civil);
}

static double day_share(const struct profile *profile, const struct civil *civil)
{
    int other = civil->class >= HOUR_WORK_WEEKEND;
    return (profile->days_active[other] + 1.0) / (profile->days_seen[other] + 2.0);
}

static struct size_model host_model(const struct profile *profile, const struct peers *peers,
                                    const struct civil *civil, bool of_day)
{
    int64_t week = histogram_week(civil->day);
    return (of_day ? size_host_day : size_host_hour)(profile, peers, week);
}

static double active_share(const struct profile *profile, const struct peers *peers,
                           const struct civil *civil, bool of_day)
{
    return of_day ? day_share(profile, civil) : hour_share(profile, peers, civil);
}

double survival_host_p(const struct profile *profile, const struct fleet *fleet,
                       const struct civil *civil, bool of_day, uint64_t bytes)
{
    const struct peers peers = fleet_peers(fleet, profile->group);
    struct size_model model = host_model(profile, &peers, civil, of_day);
    struct size_asked asked;
    size_asked_of(&asked, &model);
    return probability(active_share(profile, &peers, civil, of_day) * size_ask(&asked, bytes));
}

static struct estimate of_host(const struct profile *profile, const struct fleet *fleet,
                               const struct civil *civil, bool of_day, uint64_t bytes)
{
    const struct peers peers = fleet_peers(fleet, profile->group);
    struct size_model model = host_model(profile, &peers, civil, of_day);
    return of_size(&model, survival_host_p(profile, fleet, civil, of_day, bytes));
}

struct estimate survival_host_hour(const struct profile *profile, const struct fleet *fleet,
                                   const struct civil *civil, uint64_t bytes)
{
    return of_host(profile, fleet, civil, false, bytes);
}

struct estimate survival_host_day(const struct profile *profile, const struct fleet *fleet,
                                  const struct civil *civil, uint64_t bytes)
{
    return of_host(profile, fleet, civil, true, bytes);
}

/* --- known pairs ----------------------------------------------------------------------------- */

bool survival_pair_known(const struct pair *pair, int64_t hour)
{
    return pair && pair->contacts >= PAIR_KNOWN_CONTACTS &&
           (pair->whole || hour - pair->first_hour >= PAIR_KNOWN_HOURS);
}

static struct size_model pair_model(const struct pair *pair, const struct peers *peers,
                                    const struct civil *civil, bool of_day)
{
    int64_t week = histogram_week(civil->day);
    return (of_day ? size_pair_day : size_pair_hour)(pair, peers, week);
}

/* A pair's sizes are those of all its hours, a host is active only from PROFILE_ACTIVE_BYTES on:
 * how many hours of the host's have as much, of those in which the pair has. */
double survival_pair_p(const struct profile *profile, const struct pair *pair,
                       const struct fleet *fleet, const struct civil *civil, bool of_day,
                       uint64_t bytes)
{
    const struct peers peers = fleet_peers(fleet, profile->group);
    struct size_model model = pair_model(pair, &peers, civil, of_day);
    struct size_asked asked;
    size_asked_of(&asked, &model);
    double active = active_share(profile, &peers, civil, of_day);
    double share = fmin(1.0, 3 * active / size_ask(&asked, PROFILE_ACTIVE_BYTES));
    return probability(share * size_ask(&asked, bytes));
}

static struct estimate of_pair(const struct profile *profile, const struct pair *pair,
                               const struct fleet *fleet, const struct civil *civil, bool of_day,
                               uint64_t bytes)
{
    const struct peers peers = fleet_peers(fleet, profile->group);
    struct size_model model = pair_model(pair, &peers, civil, of_day);
    return of_size(&model, survival_pair_p(profile, pair, fleet, civil, of_day, bytes));
}

struct estimate survival_pair_hour(const struct profile *profile, const struct pair *pair,
                                   const struct fleet *fleet, const struct civil *civil,
                                   uint64_t bytes)
{
    return of_pair(profile, pair, fleet, civil, false, bytes);
}

struct estimate survival_pair_day(const struct profile *profile, const struct pair *pair,
                                  const struct fleet *fleet, const struct civil *civil,
                                  uint64_t bytes)
{
    return of_pair(profile, pair, fleet, civil, true, bytes);
}

double survival_pairs_a_day(const struct profile *profile, enum pair_role role,
                            const struct civil *civil, uint64_t bytes)
{
    double sum = 0, remembered = 7.0 * HISTOGRAM_WEEKS;
    unsigned bin = histogram_bin(bytes);
    for (uint32_t i = 0; i < profile->pair_count; i++) {
        const struct pair *pair = profile->pair[i];
        if (pair->destination.role != role || !survival_pair_known(pair, civil->hour))
            continue;
        double days = (double)(civil->day - pair->first_day);
        double met = (double)histogram_samples_at_least(&pair->day, bin);
        days = fmax(1.0, fmin(days, remembered));
        sum += fmin(1.0, met / days);
    }
    return fmax(1.0, sum);
}

double survival_pair_hours_a_day(const struct pair *pair)
{
    double hours = (double)histogram_samples(&pair->hour);
    double days = (double)histogram_samples(&pair->day);
    return fmax(1.0, fmin(24.0, days > 0 ? hours / days : hours));
}

/* --- what is new ----------------------------------------------------------------------------- */

/* p of `happened` over `exposure` units of time, plus half an event of a size as `belief` has it.
 */
static struct estimate of_rate(const struct residuals *happened, double sigma0, double belief,
                               double exposure, uint64_t bytes)
{
    struct tail tail = tail_fit(happened, sigma0);
    double rate = tail.total * tail_survival(happened, &tail, histogram_bin(bytes));
    struct estimate estimate = {.p = probability((rate + 0.5 * belief) / (exposure + 1))};
    describe(&estimate, happened);
    return estimate;
}

uint64_t survival_exposure_days(const struct fleet *fleet)
{
    return fleet ? histogram_samples(&fleet_young(fleet)->exposure) : 0;
}

static double exposure_of(const struct young *young, enum young_kind kind, int64_t week)
{
    return kind == YOUNG_HOUR   ? histogram_total(&young->exposure_hours, week)
           : kind == YOUNG_SPAN ? histogram_at_least(&young->exposure, 1, week)
                                : histogram_total(&young->exposure, week);
}

static struct estimate of_bucket(const struct profile *profile, enum young_kind kind,
                                 enum prevalence_bucket bucket, const struct fleet *fleet,
                                 int64_t week, uint64_t bytes)
{
    const struct histogram *table = young_table(fleet_young(fleet), kind);
    const struct peers peers = fleet_peers(fleet, profile->group);
    struct residuals rare = {.total = 0};
    struct size_of_new all = size_of_new(&peers, kind != YOUNG_HOUR, week);
    uint64_t samples = 0;
    for (int k = 0; k < PREVALENCE_BUCKETS; k++) {
        tail_gather(&all.counts, &table[k], week);
        if (k > (int)bucket)
            continue;
        tail_gather(&rare, &table[k], week);
        samples += histogram_samples(&table[k]);
    }
    struct tail whole = tail_fit(&all.counts, TAIL_SIGMA);
    struct estimate estimate = of_rate(&rare, whole.sigma, size_new_survival(&all, &whole, bytes),
                                       exposure_of(fleet_young(fleet), kind, week), bytes);
    estimate.samples = (double)samples;
    return estimate;
}

static struct estimate of_young(const struct profile *profile, enum young_kind kind,
                                const struct destination *destination, const struct fleet *fleet,
                                const struct civil *civil, uint64_t bytes)
{
    if (!fleet)
        return (struct estimate){.p = 1};
    int64_t week = histogram_week(civil->day);
    /* A host that was noted with it is counted already. */
    enum prevalence_bucket bucket =
        pair_bucket(fleet, profile_pair(profile, destination), destination);
    bool known;
    struct size_memo *memo = fleet_peers(fleet, profile->group).memo;
    if (!memo)
        return of_bucket(profile, kind, bucket, fleet, week, bytes);
    struct estimate *answer = size_memo_young(memo, &young_table(fleet_young(fleet), kind)[bucket],
                                              profile->group, week, bytes, &known);
    if (!known)
        *answer = of_bucket(profile, kind, bucket, fleet, week, bytes);
    return *answer;
}

struct estimate survival_young(const struct profile *profile, const struct destination *destination,
                               const struct fleet *fleet, const struct civil *civil, uint64_t bytes)
{
    return of_young(profile, YOUNG_FIRST_WEEK, destination, fleet, civil, bytes);
}

struct estimate survival_young_hour(const struct profile *profile,
                                    const struct destination *destination,
                                    const struct fleet *fleet, const struct civil *civil,
                                    uint64_t bytes)
{
    return of_young(profile, YOUNG_HOUR, destination, fleet, civil, bytes);
}

struct estimate survival_young_span(const struct profile *profile,
                                    const struct destination *destination,
                                    const struct fleet *fleet, const struct civil *civil,
                                    uint64_t bytes)
{
    return of_young(profile, YOUNG_SPAN, destination, fleet, civil, bytes);
}

static struct estimate of_network(const struct profile *profile, enum young_kind kind,
                                  const struct fleet *fleet, const struct civil *civil,
                                  uint64_t bytes)
{
    const struct peers peers = fleet_peers(fleet, profile->group);
    const struct histogram *days = &profile->new_network_days;
    int64_t week = histogram_week(civil->day);
    struct residuals fresh = {.total = 0};
    struct size_of_new known = size_of_new(&peers, kind != YOUNG_HOUR, week);
    const struct histogram *table = kind == YOUNG_FIRST_WEEK ? &profile->new_network
                                    : kind == YOUNG_HOUR     ? &profile->new_network_hour
                                                             : &profile->new_network_span;
    double exposure =
        kind == YOUNG_SPAN ? histogram_at_least(days, 1, week) : histogram_total(days, week);
    tail_gather(&fresh, table, week);
    for (uint32_t i = 0; i < profile->pair_count; i++) {
        const struct pair *pair = profile->pair[i];
        if (pair->destination.role == ROLE_SERVED)
            tail_gather(&known.counts, kind == YOUNG_HOUR ? &pair->hour : &pair->day, week);
    }
    struct tail usual = tail_fit(&known.counts, TAIL_SIGMA);
    struct estimate estimate =
        of_rate(&fresh, usual.sigma, size_new_survival(&known, &usual, bytes),
                kind == YOUNG_HOUR ? 24 * exposure : exposure, bytes);
    estimate.samples =
        kind == YOUNG_FIRST_WEEK ? profile->new_networks : (double)histogram_samples(table);
    return estimate;
}

struct estimate survival_new_network(const struct profile *profile, const struct fleet *fleet,
                                     const struct civil *civil, uint64_t bytes)
{
    return of_network(profile, YOUNG_FIRST_WEEK, fleet, civil, bytes);
}

struct estimate survival_new_network_hour(const struct profile *profile, const struct fleet *fleet,
                                          const struct civil *civil, uint64_t bytes)
{
    return of_network(profile, YOUNG_HOUR, fleet, civil, bytes);
}

struct estimate survival_new_network_span(const struct profile *profile, const struct fleet *fleet,
                                          const struct civil *civil, uint64_t bytes)
{
    return of_network(profile, YOUNG_SPAN, fleet, civil, bytes);
}

/* --- absolute sizes -------------------------------------------------------------------------- */

double survival_absolute_p(const struct profile *profile, const struct fleet *fleet,
                           const struct civil *civil, bool of_day, uint64_t bytes)
{
    const struct peers peers = fleet_peers(fleet, profile ? profile->group : "");
    return probability(size_absolute(&peers, of_day, histogram_week(civil->day), bytes));
}

static struct estimate of_absolute(const struct profile *profile, const struct fleet *fleet,
                                   bool of_day, const struct civil *civil, uint64_t bytes)
{
    const struct peers peers = fleet_peers(fleet, profile ? profile->group : "");
    int64_t week = histogram_week(civil->day);
    struct estimate estimate = {.p = probability(size_absolute(&peers, of_day, week, bytes))};
    const struct group *shown = peers.share >= 0.5 ? peers.group : peers.all;
    if (!shown)
        return estimate;
    const struct histogram *table = of_day ? &shown->absolute_day : &shown->absolute_hour;
    const struct sizes *sizes = of_day ? &shown->sizes_day : &shown->sizes_hour;
    struct sizes room;
    describe(&estimate, &size_fitted(&peers, sizes, table, week, &room)->counts);
    estimate.samples = (double)histogram_samples(table);
    return estimate;
}

struct estimate survival_absolute_hour(const struct profile *profile, const struct fleet *fleet,
                                       const struct civil *civil, uint64_t bytes)
{
    return of_absolute(profile, fleet, false, civil, bytes);
}

struct estimate survival_absolute_day(const struct profile *profile, const struct fleet *fleet,
                                      const struct civil *civil, uint64_t bytes)
{
    return of_absolute(profile, fleet, true, civil, bytes);
}

uint64_t survival_peer_days(const struct fleet *fleet)
{
    return fleet ? histogram_samples(&fleet_all(fleet)->absolute_day) : 0;
}
