/* What speaks for a theft: a host's components of evidence of a day, each the largest of all its
 * hours and destinations so far, L = −ln p of the p's of survival.h. A server's clients are a
 * vector of their own, so that they are judged by the server's own rate.
 *
 * A component is known when there is something to measure it by (else it is absent, which is not
 * L = 0: nothing happened). Sizes count at the floor of their bin (histogram.h): L changes only
 * when a total reaches the next bin, never falls as totals grow, and can be computed again from
 * what is stored.
 *
 *   young week    a destination that is new to the host: its first week so far (survival_young), or
 *                 in its second and third its seven days so far (survival_young_span, once those
 *                 are counted: until then the first weeks stand in)
 *   young hour    one hour of its first week
 *   persistence   (d − 1)·ln 2, d the days of 64 KiB or more of a destination in its first three
 *                 weeks that 20 % of the hosts or fewer use: as if every second one did not return
 *   pair growth   C of the pair's long CUSUM with today as it is so far: for days of unit normal
 *                 spread and a drift of ½, P(C ≥ c) is about e^−c (Page; Siegmund, Sequential
 *                 Analysis, 1985), so that C is −ln p
 *   host growth   likewise; the trend of the day is taken off where it is a rise
 *   host hour, host day, pair hour, pair day, absolute hour, absolute day   as in survival.h
 *   staging       the rarer of: as much as is staged (staged.h) came from inside on one day, and
 *                 as much left on this one: the larger p of the two
 *   network week, network hour, served growth, served hour, served day      of a server's clients
 *
 * Totals below EVIDENCE_FLOOR_BYTES are nothing. Bound: one mark a component. Thread: any
 * (pure). */
#ifndef WEIR_BASELINE_EVIDENCE_H
#define WEIR_BASELINE_EVIDENCE_H

#include "weir/baseline/calibration.h"
#include "weir/baseline/fleet.h"
#include "weir/baseline/survival.h"

/* Less than this says nothing, at whatever hour. */
#define EVIDENCE_FLOOR_BYTES UINT64_C(65536)

/* Running totals with the open hour: of a host (`week` and `span` 0) or a pair (`inside` 0). */
struct amounts {
    uint64_t hour, day;
    uint64_t week;   /* of a pair's first 7 days; older ones: of the day */
    uint64_t span;   /* of the seven days under way, in its first 21 */
    uint64_t inside; /* that came from other inside hosts in the day */
};
/* What a pair's closed hours (NULL: none) and `open` bytes (this hour's `hour` included) make:
 * `day_open` is what of them is of this day. */
struct amounts amounts_of_pair(const struct pair *pair, const struct civil *civil, uint64_t hour,
                               uint64_t day_open, uint64_t open);

/* The host's last days as of this one, of which `amounts` are today's: at the floors of their bins,
 * or as they are (`exactly`). */
struct staged_days evidence_staged(const struct profile *profile, const struct civil *civil,
                                   const struct amounts *amounts, bool exactly);
/* Of a pair, for looking it up again (the lower half of a hash of its key); never 0. */
uint32_t evidence_name(const struct destination *destination);

/* `into` keeps the larger marks. `pair` NULL: never met in a closed hour. */
void evidence_add_host(struct day_evidence *into, const struct profile *profile,
                       const struct fleet *fleet, const struct civil *civil,
                       const struct amounts *amounts);
void evidence_add_pair(struct day_evidence *into, const struct profile *profile,
                       const struct pair *pair, const struct destination *destination,
                       const struct fleet *fleet, const struct civil *civil,
                       const struct amounts *amounts);
void evidence_join(struct day_evidence *into, const struct day_evidence *from);
/* Those of one pair's marks go (what is known stays known). */
void evidence_without(struct day_evidence *evidence, uint32_t name);
/* As far as L depends on them: amounts with equal steps have equal evidence. */
uint32_t evidence_step(const struct amounts *amounts);

/* What was observed before of a kind, for the reasons; p as it is without calibration. `pair` and
 * `destination` as above, NULL for a host's kinds. */
struct estimate evidence_estimate(enum evidence_kind kind, const struct profile *profile,
                                  const struct pair *pair, const struct destination *destination,
                                  const struct fleet *fleet, const struct civil *civil,
                                  uint64_t bytes);

#endif
