/* How unlikely is this much? p-values of running totals against what was learned (detection.md):
 * pure functions of a profile, a pair and the fleet (NULL: there is none). Totals only grow, so an
 * early p is conservative. Each p is for one look (one hour, one day, one pair); what many looks a
 * day cost is the detectors' business.
 *
 *   host hour    p = π·S(x);  π = (active_hc + 12·π_peers)/(n_hc + 12), c the hour's class
 *                S(x) = (N·S_own(x) + m·S_peers(log2 x − loc))/(N + m), m = 40 an hour, 6 a day
 *   host day     the same; π = (active + 1)/(seen + 2) over working days or over the others
 *   known pair   (≥ 5 contacts, ≥ 48 h old) p = S(x)·min(1, 3π/S(64 KiB)), m = 10 an hour, 5 a
 *                day: its sizes are those of all its hours, π is of active ones
 *   absolute     p = S_peers(x), of hosts' hours or days by size: what neither a known-good
 *                destination nor a busy past can hide
 *   young        a destination new to the host, x its first week so far, an hour of it, or its
 *                seven days so far in its first three weeks; k: as rare or rarer:
 *                p = (N_k·S_k(x) + ½·S_all(x))/(host-days or host-hours + 1)
 *   network      a client network new to a server, likewise, by the server's own days:
 *                p = (N·S_new(x) + ½·S_known(x))/(days or hours + 1)
 *
 * Every table's tail, peers and pseudo-counts are in docs/baselines.md, in full. */
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
/* π: how likely it is that the host is active in such an hour (PROFILE_ACTIVE_BYTES or more). */
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
/* Of these four p alone, which is most of what is asked. */
double survival_host_p(const struct profile *profile, const struct fleet *fleet,
                       const struct civil *civil, bool of_day, uint64_t bytes);
double survival_pair_p(const struct profile *profile, const struct pair *pair,
                       const struct fleet *fleet, const struct civil *civil, bool of_day,
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
/* One hour of its first week (p is of a host-hour); its seven days so far, counted from its first
 * contact, in its first 21 days (p is of a host-day). */
struct estimate survival_young_hour(const struct profile *profile,
                                    const struct destination *destination,
                                    const struct fleet *fleet, const struct civil *civil,
                                    uint64_t bytes);
struct estimate survival_young_span(const struct profile *profile,
                                    const struct destination *destination,
                                    const struct fleet *fleet, const struct civil *civil,
                                    uint64_t bytes);
/* Active host-days in which what is new was counted: the weight behind survival_young. */
uint64_t survival_exposure_days(const struct fleet *fleet);
/* That a contact (one destination, one hour) of this host is with something new to it, and as rare
 * as this: by name alone, no bytes (novelty.h; client role). `more`: as in fleet_bucket.
 *   rate   (new + 1)/(contacts + 2) of the fleet, by kind of destination; of a group
 *          (new + 100·rate)/(contacts + 100)
 *   rarity the share of the fleet's new contacts with something as rare or rarer: (new_k + 1)/(new
 * + 1)
 */
double survival_rarity(const struct destination *destination, const struct fleet *fleet,
                       uint32_t more);
struct estimate survival_novelty(const struct profile *profile,
                                 const struct destination *destination, const struct fleet *fleet,
                                 uint32_t more);
/* A client network that is new to the server (served role). p is of a server's day. */
struct estimate survival_new_network(const struct profile *profile, const struct fleet *fleet,
                                     const struct civil *civil, uint64_t bytes);
struct estimate survival_new_network_hour(const struct profile *profile, const struct fleet *fleet,
                                          const struct civil *civil, uint64_t bytes);
struct estimate survival_new_network_span(const struct profile *profile, const struct fleet *fleet,
                                          const struct civil *civil, uint64_t bytes);
/* The absolute channel: a host's hour or day by size alone, among its peers; without a profile,
 * among the whole fleet. `expected` and `largest` are the group's where it counts as much as the
 * fleet, else the fleet's. */
struct estimate survival_absolute_hour(const struct profile *profile, const struct fleet *fleet,
                                       const struct civil *civil, uint64_t bytes);
struct estimate survival_absolute_day(const struct profile *profile, const struct fleet *fleet,
                                      const struct civil *civil, uint64_t bytes);
double survival_absolute_p(const struct profile *profile, const struct fleet *fleet,
                           const struct civil *civil, bool of_day, uint64_t bytes);
/* So many bytes came from other inside hosts on one day (staged.h). p is of a host-day. */
struct estimate survival_staged(const struct profile *profile, const struct fleet *fleet,
                                const struct civil *civil, uint64_t bytes);
/* Active host-days that this goes by. */
uint64_t survival_peer_days(const struct fleet *fleet);

#endif
