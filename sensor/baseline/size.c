/* Own counts, peers as pseudo-counts:
 *
 *   S(x) = (N·S_own(x) + m·S_peers(x))/(N + m)
 *
 * S_peers is the residual table at log2(x + 1) − location, itself with ten pseudo-counts of belief
 * (a Laplace in log size, Pareto 1.2 either side); a thing with fewer than LOCATION_MIN values is
 * compared with absolute sizes instead. The peers' tail is the prior of its own: without that,
 * thirty days of a steady host would be judged by the fattest tail there is. Thread: any (pure). */
#include "size.h"

#include <math.h>

#define PSEUDO_HOST_HOUR 40
#define PSEUDO_HOST_DAY  6
#define PSEUDO_PAIR_HOUR 10
#define PSEUDO_PAIR_DAY  5
#define PSEUDO_NEW       6.0
#define PSEUDO_BELIEF    10.0
#define BELIEF_CENTRE    80.0 /* 1 MB */
#define BELIEF_SCALE     8.0  /* a factor of four */

struct size_model size_host_hour(const struct profile *profile, const struct group *group,
                                 int64_t week)
{
    return (struct size_model){&profile->hour,
                               &profile->hour_location,
                               group ? &group->host_hour : NULL,
                               group ? &group->absolute_hour : NULL,
                               PSEUDO_HOST_HOUR,
                               week};
}

struct size_model size_host_day(const struct profile *profile, const struct group *group,
                                int64_t week)
{
    return (struct size_model){&profile->day,
                               &profile->day_location,
                               group ? &group->host_day : NULL,
                               group ? &group->absolute_day : NULL,
                               PSEUDO_HOST_DAY,
                               week};
}

struct size_model size_pair_hour(const struct pair *pair, const struct group *group, int64_t week)
{
    bool client = pair->destination.role == ROLE_CLIENT;
    return (struct size_model){&pair->hour,
                               &pair->hour_location,
                               !group   ? NULL
                               : client ? &group->pair_hour
                                        : &group->served_hour,
                               group ? &group->absolute_hour : NULL,
                               PSEUDO_PAIR_HOUR,
                               week};
}

struct size_model size_pair_day(const struct pair *pair, const struct group *group, int64_t week)
{
    bool client = pair->destination.role == ROLE_CLIENT;
    return (struct size_model){&pair->day,
                               &pair->day_location,
                               !group   ? NULL
                               : client ? &group->pair_day
                                        : &group->served_day,
                               group ? &group->absolute_day : NULL,
                               PSEUDO_PAIR_DAY,
                               week};
}

static double by_absolute(const struct histogram *absolute, int64_t week, uint64_t bytes)
{
    unsigned bin = histogram_bin(bytes);
    double belief = tail_prior(bin, BELIEF_CENTRE, BELIEF_SCALE);
    if (!absolute)
        return belief;
    struct residuals counts = {{0}, 0};
    tail_gather(&counts, absolute, week);
    struct tail tail = tail_fit(&counts, TAIL_SIGMA);
    return (tail.total * tail_survival(&counts, &tail, bin) + PSEUDO_BELIEF * belief) /
           (tail.total + PSEUDO_BELIEF);
}

static double by_residual(const struct residuals *peers, double location, uint64_t bytes,
                          double *sigma)
{
    unsigned bin = residual_bin(bytes, location);
    double belief = tail_prior(bin, RESIDUAL_ZERO, TAIL_SIGMA);
    if (!peers)
        return belief;
    struct tail tail = tail_fit(peers, TAIL_SIGMA);
    *sigma = tail.sigma;
    return (tail.total * tail_survival(peers, &tail, bin) + PSEUDO_BELIEF * belief) /
           (tail.total + PSEUDO_BELIEF);
}

double size_survival(const struct size_model *model, uint64_t bytes)
{
    double sigma = TAIL_SIGMA;
    double peers = model->location->count >= LOCATION_MIN
                       ? by_residual(model->peers, model->location->mean, bytes, &sigma)
                       : by_absolute(model->absolute, model->week, bytes);
    struct residuals counts = {{0}, 0};
    tail_gather(&counts, model->own, model->week);
    struct tail own = tail_fit(&counts, sigma);
    return (own.total * tail_survival(&counts, &own, histogram_bin(bytes)) +
            model->pseudo * peers) /
           (own.total + model->pseudo);
}

double size_new_survival(const struct size_of_new *model, const struct tail *tail, uint64_t bytes)
{
    double absolute = by_absolute(model->absolute, model->week, bytes);
    return (tail->total * tail_survival(&model->counts, tail, histogram_bin(bytes)) +
            PSEUDO_NEW * absolute) /
           (tail->total + PSEUDO_NEW);
}

/* --- the guard
 * -------------------------------------------------------------------------------------- */

/* The floor of the largest bin at which `survival` is still GUARD_SURVIVAL, at most `bytes`. */
static uint64_t guarded(double (*survival)(const void *model, uint64_t bytes), const void *model,
                        uint64_t bytes)
{
    unsigned low = 0, high = histogram_bin(bytes);
    if (survival(model, bytes) >= GUARD_SURVIVAL)
        return bytes;
    while (high - low > 1) { /* S(floor of low) is large enough, S(floor of high) is not */
        unsigned middle = (low + high) / 2;
        if (survival(model, histogram_floor(middle)) >= GUARD_SURVIVAL)
            low = middle;
        else
            high = middle;
    }
    return histogram_floor(low);
}

static double survival_of_model(const void *model, uint64_t bytes)
{
    return size_survival(model, bytes);
}

uint64_t size_guarded(const struct size_model *model, uint64_t bytes)
{
    return guarded(survival_of_model, model, bytes);
}

static double survival_of_new(const void *context, uint64_t bytes)
{
    const struct size_of_new *model = context;
    struct tail tail = tail_fit(&model->counts, TAIL_SIGMA);
    return size_new_survival(model, &tail, bytes);
}

uint64_t size_new_guarded(const struct size_of_new *model, uint64_t bytes)
{
    return guarded(survival_of_new, model, bytes);
}
