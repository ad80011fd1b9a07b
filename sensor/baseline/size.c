/* Own counts, peers as pseudo-counts:
 *
 *   S(x) = (N·S_own(x) + m·S_peers(x))/(N + m)
 *
 * S_peers is the residual table at log2(x + 1) − location, itself with ten pseudo-counts of belief
 * (a Laplace in log size, Pareto 1.2 either side); a thing with fewer than LOCATION_MIN values is
 * compared with absolute sizes instead. There are two such tables, the group's and the fleet's:
 * S_peers = w·S_group + (1 − w)·S_fleet, w as in peers_weight. The peers' tail is the prior of its
 * own: without that, thirty days of a steady host would be judged by the fattest tail there is.
 * Thread: any (pure). */
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

static struct size_model of_peers(const struct peers *peers, bool of_day, int64_t week)
{
    struct size_model model = {.peers = *peers, .week = week};
    const struct group *groups[2] = {peers->group, peers->all};
    for (int i = 0; i < 2; i++) {
        if (!groups[i])
            continue;
        model.absolute[i] = of_day ? &groups[i]->absolute_day : &groups[i]->absolute_hour;
        model.sizes[i] = of_day ? &groups[i]->sizes_day : &groups[i]->sizes_hour;
    }
    return model;
}

struct size_model size_host_hour(const struct profile *profile, const struct peers *peers,
                                 int64_t week)
{
    struct size_model model = of_peers(peers, false, week);
    model.own = &profile->hour;
    model.location = &profile->hour_location;
    model.residuals[0] = peers->group ? &peers->group->host_hour : NULL;
    model.residuals[1] = peers->all ? &peers->all->host_hour : NULL;
    model.pseudo = PSEUDO_HOST_HOUR;
    return model;
}

struct size_model size_host_day(const struct profile *profile, const struct peers *peers,
                                int64_t week)
{
    struct size_model model = of_peers(peers, true, week);
    model.own = &profile->day;
    model.location = &profile->day_location;
    model.residuals[0] = peers->group ? &peers->group->host_day : NULL;
    model.residuals[1] = peers->all ? &peers->all->host_day : NULL;
    model.pseudo = PSEUDO_HOST_DAY;
    return model;
}

static const struct residuals *pair_table(const struct group *group, enum pair_role role,
                                          bool of_day)
{
    if (!group)
        return NULL;
    if (role == ROLE_CLIENT)
        return of_day ? &group->pair_day : &group->pair_hour;
    return of_day ? &group->served_day : &group->served_hour;
}

static struct size_model of_pair(const struct pair *pair, const struct peers *peers, bool of_day,
                                 int64_t week)
{
    struct size_model model = of_peers(peers, of_day, week);
    model.own = of_day ? &pair->day : &pair->hour;
    model.location = of_day ? &pair->day_location : &pair->hour_location;
    model.residuals[0] = pair_table(peers->group, pair->destination.role, of_day);
    model.residuals[1] = pair_table(peers->all, pair->destination.role, of_day);
    model.pseudo = of_day ? PSEUDO_PAIR_DAY : PSEUDO_PAIR_HOUR;
    return model;
}

struct size_model size_pair_hour(const struct pair *pair, const struct peers *peers, int64_t week)
{
    return of_pair(pair, peers, false, week);
}

struct size_model size_pair_day(const struct pair *pair, const struct peers *peers, int64_t week)
{
    return of_pair(pair, peers, true, week);
}

/* S of a table of the peers, with ten pseudo-counts of belief; `values` is how many it holds. */
static double with_belief(const struct residuals *counts, const struct tail *tail, unsigned bin,
                          double belief)
{
    return (tail->total * tail_survival(counts, tail, bin) + PSEUDO_BELIEF * belief) /
           (tail->total + PSEUDO_BELIEF);
}

/* They are kept as of the last hour that was closed: a week has begun, and no hour of it was; or it
 * is hindsight, which looks at weeks before. */
const struct sizes *size_fitted(const struct peers *peers, const struct sizes *sizes,
                                const struct histogram *table, int64_t week, struct sizes *room)
{
    if (sizes && sizes->week == week)
        return sizes;
    if (peers->memo && table)
        return size_memo_fit(peers->memo, table, week);
    tail_sizes(room, table, week);
    return room;
}

static double by_absolute(const struct size_model *model, uint64_t bytes)
{
    unsigned bin = histogram_bin(bytes);
    double belief = tail_prior(bin, BELIEF_CENTRE, BELIEF_SCALE), survival[2], values[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        struct sizes room;
        const struct sizes *sizes =
            size_fitted(&model->peers, model->sizes[i], model->absolute[i], model->week, &room);
        survival[i] = with_belief(&sizes->counts, &sizes->counts.tail, bin, belief);
        values[i] = sizes->counts.tail.total;
    }
    double weight = peers_weight(&model->peers, values[0]);
    return weight * survival[0] + (1 - weight) * survival[1];
}

/* `sigma` becomes the peers', weighed likewise. */
static double by_residual(const struct size_model *model, uint64_t bytes, double *sigma)
{
    unsigned bin = residual_bin(bytes, model->location->mean);
    double belief = tail_prior(bin, RESIDUAL_ZERO, TAIL_SIGMA);
    static const struct residuals nothing = {.tail = {.sigma = TAIL_SIGMA}};
    double survival[2], values[2], sigmas[2];
    for (int i = 0; i < 2; i++) {
        bool known = model->residuals[i] && model->residuals[i]->tail.total > 0;
        const struct residuals *table = known ? model->residuals[i] : &nothing;
        survival[i] = with_belief(table, &table->tail, bin, belief);
        values[i] = table->tail.total;
        sigmas[i] = table->tail.sigma;
    }
    double weight = peers_weight(&model->peers, values[0]);
    *sigma = weight * sigmas[0] + (1 - weight) * sigmas[1];
    return weight * survival[0] + (1 - weight) * survival[1];
}

/* --- what was guarded lately ------------------------------------------------------------------ */

/* Nothing of it is left, and nothing is learned larger: else each guarded size would raise the next
 * one's bound (by its own count, and by what it adds to the peers'), and ten hours of a
 * thousandfold size would be learned in a day. */
static bool is_late(const struct size_model *model, const struct clip *clip)
{
    return clip->of_day == model->of_day && model->day - clip->day < GUARD_DAYS;
}

static void leave_out(struct residuals *counts, const struct size_model *model)
{
    for (size_t i = 0; model->clips && i < model->clips->count; i++) {
        const struct clip *clip = &model->clips->clip[i];
        double weight = histogram_weight(model->week - histogram_week(clip->day));
        double less = fmin(counts->count[clip->learned], weight * clip->count);
        if (!is_late(model, clip))
            continue;
        counts->count[clip->learned] -= less;
        counts->total -= less;
    }
}

static uint64_t no_larger(const struct size_model *model, uint64_t bytes)
{
    for (size_t i = 0; model->clips && i < model->clips->count; i++) {
        const struct clip *clip = &model->clips->clip[i];
        if (is_late(model, clip) && histogram_bin(bytes) > clip->learned)
            bytes = histogram_floor(clip->learned);
    }
    return bytes;
}

struct residuals size_own(const struct size_model *model)
{
    struct residuals counts = {.total = 0};
    tail_gather(&counts, model->own, model->week);
    leave_out(&counts, model);
    return counts;
}

double size_survival(const struct size_model *model, const struct residuals *own, uint64_t bytes)
{
    double sigma = TAIL_SIGMA;
    double peers = model->location->count >= LOCATION_MIN ? by_residual(model, bytes, &sigma)
                                                          : by_absolute(model, bytes);
    struct tail tail = tail_fit(own, sigma);
    return (tail.total * tail_survival(own, &tail, histogram_bin(bytes)) + model->pseudo * peers) /
           (tail.total + model->pseudo);
}

void size_asked_of(struct size_asked *asked, const struct size_model *model)
{
    asked->model = model;
    asked->gathered = false;
}

static double ask_own(struct size_asked *asked, uint64_t bytes)
{
    if (!asked->gathered)
        asked->own = size_own(asked->model);
    asked->gathered = true;
    return size_survival(asked->model, &asked->own, bytes);
}

double size_ask(struct size_asked *asked, uint64_t bytes)
{
    const struct size_model *model = asked->model;
    bool known;
    if (!model->peers.memo || model->own->count == 0)
        return ask_own(asked, bytes);
    double *survival = size_memo_answer(model->peers.memo, model->own, bytes, &known);
    if (!known)
        *survival = ask_own(asked, bytes);
    return *survival;
}

double size_absolute(const struct peers *peers, bool of_day, int64_t week, uint64_t bytes)
{
    struct size_model model = of_peers(peers, of_day, week);
    return by_absolute(&model, bytes);
}

struct size_of_new size_of_new(const struct peers *peers, bool of_day, int64_t week)
{
    return (struct size_of_new){.peers = *peers, .of_day = of_day, .week = week};
}

const struct histogram *young_table(const struct young *young, enum young_kind kind)
{
    return kind == YOUNG_FIRST_WEEK ? young->first_week
           : kind == YOUNG_HOUR     ? young->hour
                                    : young->span;
}

double size_new_survival(const struct size_of_new *model, const struct tail *tail, uint64_t bytes)
{
    double absolute = size_absolute(&model->peers, model->of_day, model->week, bytes);
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

struct guarded_size {
    const struct size_model *model;
    struct residuals own;
};

static double survival_of_model(const void *context, uint64_t bytes)
{
    const struct guarded_size *size = context;
    return size_survival(size->model, &size->own, bytes);
}

uint64_t size_guarded(const struct size_model *model, uint64_t bytes)
{
    struct guarded_size size = {model, size_own(model)};
    uint64_t least = guarded(survival_of_model, &size, bytes);
    return least < bytes ? no_larger(model, least) : bytes;
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
