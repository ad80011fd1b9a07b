/* S(x): how unlikely a size is for a host or a pair that sends at all, from its own past, its
 * peers' residuals and, while it has no location yet, its peers' absolute sizes. Shared by the
 * estimates (survival.c) and by the guard against poisoning (profile.c). Thread: any (pure). */
#ifndef WEIR_BASELINE_LOCAL_SIZE_H
#define WEIR_BASELINE_LOCAL_SIZE_H

#include "size_memo.h"
#include "tail.h"

#define GUARD_SURVIVAL 1e-4
#define GUARD_DAYS     7

/* A table of the peers: the group's and the whole fleet's, either NULL when there is none. */
struct size_model {
    const struct histogram *own;
    const struct location *location;
    struct peers peers;
    const struct residuals *residuals[2]; /* group, fleet */
    const struct histogram *absolute[2];  /* likewise */
    const struct sizes *sizes[2];         /* of these */
    double pseudo;                        /* m: observations that the peers stand for */
    int64_t week;
    /* The guard: what it made smaller in the last GUARD_DAYS before `day`, or on it, is no
     * precedent. NULL: all is. */
    const struct clips *clips;
    int64_t day;
    bool of_day;
};

struct size_model size_host_hour(const struct profile *profile, const struct peers *peers,
                                 int64_t week);
struct size_model size_host_day(const struct profile *profile, const struct peers *peers,
                                int64_t week);
struct size_model size_pair_hour(const struct pair *pair, const struct peers *peers, int64_t week);
struct size_model size_pair_day(const struct pair *pair, const struct peers *peers, int64_t week);

/* The model's own counts, and S by them, never rising in bytes: who asks more than once of one
 * model gathers once. */
struct residuals size_own(const struct size_model *model);
double size_survival(const struct size_model *model, const struct residuals *own, uint64_t bytes);
/* S, of a model without clips: gathered once for all that is asked (size_asked_of), where it is not
 * kept from before (size_memo.h). */
struct size_asked {
    const struct size_model *model;
    bool gathered;
    struct residuals own;
};
void size_asked_of(struct size_asked *asked, const struct size_model *model);
double size_ask(struct size_asked *asked, uint64_t bytes);
/* The peers' absolute sizes as of `week`: as they are kept, else fitted into `room`. */
const struct sizes *size_fitted(const struct peers *peers, const struct sizes *sizes,
                                const struct histogram *table, int64_t week, struct sizes *room);
/* `bytes`, or the floor of the largest bin with S ≥ GUARD_SURVIVAL when that is less. */
uint64_t size_guarded(const struct size_model *model, uint64_t bytes);

/* The share of the peers' hours (or days) of `bytes` or more, by absolute size. */
double size_absolute(const struct peers *peers, bool of_day, int64_t week, uint64_t bytes);

/* Sizes of what is new: those that were counted (the caller gathers them), and a few observations
 * of the peers' absolute sizes. */
struct size_of_new {
    struct residuals counts;
    struct peers peers;
    bool of_day;
    int64_t week;
};
struct size_of_new size_of_new(const struct peers *peers, bool of_day, int64_t week);
const struct histogram *young_table(const struct young *young, enum young_kind kind);
double size_new_survival(const struct size_of_new *model, const struct tail *tail, uint64_t bytes);
uint64_t size_new_guarded(const struct size_of_new *model, uint64_t bytes);

#endif
