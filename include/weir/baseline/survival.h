/* How unlikely is this much? p-values of running totals against what was learned (detection.md):
 * pure functions of a profile, a pair and the fleet (NULL: there is none). Totals only grow, so an
 * early p is conservative. Each p is for one look (one hour, one day, one pair); what many looks a
 * day cost is the detectors' business.
 *
 *   host hour   p = π·S(x);  π = (active_hc + 12·π_group) / (n_hc + 12), c the hour's class
 *               π_group = (active[hour of week] + 12·g)/(seen[hour of week] + 12),
 *               g = (Σ active + 1)/(Σ seen + 2) over that hour of Mondays to Fridays, or of
 * weekends S(x) = (N·S_own(x) + m·S_group(log2 x − loc)) / (N + m), m = 40 an hour, 6 a day host
 * day    the same; π = (active + 1)/(seen + 2) over working days or over the others tail above the
 * 97 % bin t: S = S(t)·exp(−(k − t)/σ), σ = (Σ excess + 20·σ0)/(n + 20); σ0 is the group's σ, whose
 * own σ0 is m0 = 4/(1.2·ln 2) bins; S(t) ≥ ½/(N + 1) known pair  (≥ 5 contacts, ≥ 48 h old) p =
 * S(x)·min(1, 3π), m = 10 an hour, 5 a day young       destination new to the host, x its first
 * week so far: p = (N_k·S_k(x) + ½·S_all(x))/(host-days + 1), k: as rare or rarer new client
 * network of a server, x its first week so far: p = (N·S_new(x) + ½·S_known(x))/(days + 1), by the
 * server's own days */
#ifndef WEIR_BASELINE_SURVIVAL_H
#define WEIR_BASELINE_SURVIVAL_H

#include "weir/baseline/fleet.h"

#define SURVIVAL_LEAST 1e-12 /* nothing is said to be rarer */

struct estimate {
    double p;             /* in [SURVIVAL_LEAST, 1], never smaller for fewer bytes */
    double samples;       /* observations of the thing itself behind it (not pseudo-counts) */
    uint64_t expected[2]; /* 5 % to 95 % of what was observed; 0, 0: nothing was */
    uint64_t largest;     /* ever observed, middle of its bin (± 9 %); 0: nothing was */
};

struct estimate survival_host_hour(const struct profile *profile, const struct fleet *fleet,
                                   const struct civil *civil, uint64_t bytes);
struct estimate survival_host_day(const struct profile *profile, const struct fleet *fleet,
                                  const struct civil *civil, uint64_t bytes);
/* π: how likely it is that the host sends anything in such an hour. */
double survival_hour_share(const struct profile *profile, const struct fleet *fleet,
                           const struct civil *civil);
/* `pair` must be known (survival_pair_known). Serves both roles. */
bool survival_pair_known(const struct pair *pair, int64_t hour);
struct estimate survival_pair_hour(const struct profile *profile, const struct pair *pair,
                                   const struct fleet *fleet, const struct civil *civil,
                                   uint64_t bytes);
struct estimate survival_pair_day(const struct profile *profile, const struct pair *pair,
                                  const struct fleet *fleet, const struct civil *civil,
                                  uint64_t bytes);
/* How many known pairs of a role reach `bytes` on a typical day of this host, and how many hours of
 * such a day a pair is met in: how often a day one is looked at. At least 1 each. */
double survival_pairs_a_day(const struct profile *profile, enum pair_role role,
                            const struct civil *civil, uint64_t bytes);
double survival_pair_hours_a_day(const struct pair *pair);
/* A destination that is new to the host (client role). p is of a host-day. */
struct estimate survival_young(const struct profile *profile, const struct destination *destination,
                               const struct fleet *fleet, const struct civil *civil,
                               uint64_t bytes);
/* Active host-days in which what is new was counted: the weight behind survival_young. */
uint64_t survival_exposure_days(const struct fleet *fleet);
/* A client network that is new to the server (served role). p is of a server's day. */
struct estimate survival_new_network(const struct profile *profile, const struct fleet *fleet,
                                     const struct civil *civil, uint64_t bytes);

#endif
