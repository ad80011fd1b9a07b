/* Shared by those who look into profiles: profile*.c, learn*.c, evidence*.c, survival.c and
 * hindsight*.c. */
#ifndef WEIR_BASELINE_LOCAL_PROFILE_H
#define WEIR_BASELINE_LOCAL_PROFILE_H

#include "clips.h"
#include "weir/baseline/fleet.h"
#include "weir/baseline/profile.h"

#define NO_DAY INT64_C(-0x7fffffff) /* before any day there is */

void pair_free(struct pair *pair);
/* profile_pair, for an hour's sum that is asked for several times. */
struct pair *profile_pair_of(const struct profile *profile, struct pair_total *sum);
/* How common what a host sends to is: `pair` NULL, it never did. */
static inline enum prevalence_bucket pair_bucket(const struct fleet *fleet, const struct pair *pair,
                                                 const struct destination *destination)
{
    if (pair && pair->bucket)
        return (enum prevalence_bucket)(pair->bucket - 1);
    return fleet_bucket(fleet, destination, pair ? 0 : 1);
}

/* There is room for it. */
void profile_put_pair(struct profile *profile, struct pair *pair);
void profile_take_pair(struct profile *profile, uint32_t index);
/* Counts one hour as seen; the first of a day counts the day too. */
void profile_count_hour(struct profile *profile, const struct civil *civil, bool active);
/* The site's hour of this ordinal. */
struct civil profile_civil_of(struct calendar *calendar, int64_t hour);
/* The bytes that profile_pack spends on this pair when the last closed hour is `hour`, today `day`.
 */
uint32_t pair_packed_bytes(const struct pair *pair, int64_t hour, int64_t day);
/* And on all but the pairs. */
uint32_t profile_packed_bytes(const struct profile *profile);

/* learn_new.c: something new took `bytes` in all. `more`: 1 when the fleet does not know yet that
 * the host uses it. */
void learn_new(struct profile *profile, enum young_kind kind, const struct destination *destination,
               uint32_t more, uint64_t bytes, int64_t day, struct fleet *fleet);
/* Tells what ended before this hour. */
void learn_spans(struct profile *profile, struct pair *pair, int64_t hour, int64_t day,
                 struct fleet *fleet);
void learn_gone(struct profile *profile, struct pair *pair, int64_t day, struct fleet *fleet);
/* Adds to its running totals, and tells an hour of something new. */
void learn_young_hour(struct profile *profile, struct pair *pair, uint64_t bytes,
                      const struct civil *civil, struct fleet *fleet);

/* learn_more.c: a finished day's growth; an hour's contact. `known`: it has a pair. */
void learn_host_growth(struct profile *profile, const struct fleet *fleet);
void learn_pair_growth(struct pair *pair);
void learn_contact(struct profile *profile, const struct destination *destination, bool known,
                   const struct civil *civil, struct fleet *fleet);

/* staged_size.c: `day` begins (today is still the one before); an hour of today (NULL: nothing came
 * or left). */
void learn_staged_day(struct profile *profile, int64_t day, struct fleet *fleet);
void learn_staged_hour(struct profile *profile, const struct host_total *total, bool learns);

/* learn_evidence.c: marks an hour (before it is learned); tells the fleet of the day that is over
 * (`civil`: of the hour that is closed). */
struct closed_hour;
void learn_evidence(struct profile *profile, const struct closed_hour *hour,
                    const struct civil *civil, const struct fleet *fleet);
void learn_evidence_of(struct profile *profile, const struct host_total *total,
                       const struct civil *civil, const struct fleet *fleet);
void learn_evidence_day(struct profile *profile, bool day_off, const struct civil *civil,
                        struct fleet *fleet);

/* learn_bound.c: room for one more pair (NULL when everything that is remembered weighs more), and
 * the bound on what is packed, behind what `blob` holds. */
struct pair *learn_admit(struct profile *profile, const struct destination *destination,
                         uint64_t bytes, const struct civil *civil, struct fleet *fleet);
void learn_keep_small(struct profile *profile, int64_t day, struct fleet *fleet,
                      struct buffer *blob);
/* Rhythms of today, as many as must go until the rest fits; packed likewise. */
void learn_drop_rhythms(struct profile *profile, struct buffer *blob);
double learn_weight_on(const struct pair *pair, int64_t day);

/* learn.c */
void learn_pair_day(struct profile *profile, struct pair *pair, struct fleet *fleet);

#endif
