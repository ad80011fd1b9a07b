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
 *   rare          the largest j·ln(1 + b/64 KiB), j other hosts sent b or more each, and this one
 *                 too, to a destination that the fleet met within 7 days and 5 hosts at most use,
 *                 nor more than 2 % (fleet_shared)
 *   host hour, host day, pair hour, pair day, absolute hour, absolute day   as in survival.h; of a
 *                 host's hour log₁₆(bytes/64 KiB) of it below 1 MiB: near what is no activity it
 *                 says little that the host is seldom active then
 *   beacon        rhythm.h's score of today's closed hours, above BEACON_LEAST, of a destination
 *                 that is rare (1 host, 2–3, ≤ 2 % of the fleet's) or as young as above, and
 *                 RITA's modifiers: + .15 when rare; + .15 met 7 days ago or less, − .15 30 or
 *                 more; + .10 when no name is known for it (RITA: no Host). L =
 *                 −2·ln(1 − score/1.4), 9.2 at most
 *   long          its longest connection that told anything today, t of an hour or more:
 *                 L = 2·ln(1 + t/h)
 *   ratio         −ln of ratio.h's p of a closed hour, from 24 learned hours on
 *   upload        of a closed hour in which more went to a destination than came back, and u the
 *                 part of both that is more: the lesser of u·(−ln p), p of a pair's hour or of a
 *                 young hour, and ln(1 + u·bytes/64 KiB)
 *   upload again  likewise, from the second day of something new on: the largest of u·4·d·ln 2,
 *                 d the days before as in persistence (as if one new destination in sixteen were
 *                 sent to again); (d + 1)·min(−ln a, −ln a′), a what was answered of the day's
 *                 bytes there, a′ of the days' before, .01 at least; and, but in hindsight,
 *                 (d + 1)·ln(1 + min(s, s′)/64 KiB), s what more went there today than came back,
 *                 s′ as of an upload alone. Asked from a host's eighth day on, before first
 *                 weeks are counted. A host's first hour of a day is held against its day
 *                 before as well, which is learned when that hour is
 *   upload growth the long CUSUM of a known pair's days by their surplus: what more went there than
 *                 came back, hour by hour; 64 KiB at least
 *   upload alone  h more went to a known or new destination than came back in a closed hour, s′ the
 *                 mean of its days before (a CUSUM's reference; 64 KiB at least): ln(h/s′) − ½·ln π
 *                 of the host's hour, of which near 64 KiB little counts, as of a host's hour; none
 *                 where that is not above s′, nor in hindsight. No part of what is fused
 *   staging       the rarer of: as much as is staged (staged.h) came from inside on one day, and
 *                 as much left on this one: the larger p of the two
 *   network week, network hour, served growth, served hour, served day      of a server's clients
 *
 * Of a host in its first seven days all is new and nothing usual: it is asked only for absolute
 * sizes, and for destinations that nobody else uses, as if it had been here before.
 *
 * Totals below EVIDENCE_FLOOR_BYTES are nothing, but for beacons and long connections. Bound: one
 * mark a component. Thread: any (pure). */
#ifndef WEIR_BASELINE_EVIDENCE_H
#define WEIR_BASELINE_EVIDENCE_H

#include "weir/baseline/calibration.h"
#include "weir/baseline/fleet.h"
#include "weir/baseline/survival.h"

/* Less than this says nothing, at whatever hour. */
#define EVIDENCE_FLOOR_BYTES PROFILE_ACTIVE_BYTES
#define BEACON_LEAST         0.5 /* RITA's lowest band begins there */

/* Running totals with the open hour: of a host (`week` and `span` 0) or a pair (`inside` 0). */
struct amounts {
    uint64_t hour, day;
    uint64_t week;        /* of a pair's first 7 days; older ones: of the day */
    uint64_t span;        /* of the seven days under way, in its first 21 */
    uint32_t hosts;       /* that have met a pair's destination in the open hour; 0: not known */
    uint32_t longest_s;   /* its longest connection, of this hour; amounts_of_pair knows none */
    uint64_t inside;      /* that came from other inside hosts in the day */
    struct upload upload; /* of a pair's open hour so far; all 0: none, or not asked for */
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

/* In its first PROFILE_WARMUP_DAYS, to the hour. */
bool evidence_is_cold(const struct profile *profile, const struct civil *civil);
/* `into` keeps the larger marks. `pair` NULL: never met in a closed hour. */
void evidence_add_host(struct day_evidence *into, const struct profile *profile,
                       const struct fleet *fleet, const struct civil *civil,
                       const struct amounts *amounts);
void evidence_add_pair(struct day_evidence *into, const struct profile *profile,
                       const struct pair *pair, const struct destination *destination,
                       const struct fleet *fleet, const struct civil *civil,
                       const struct amounts *amounts);
/* Marks of what is new go where it turned out to be a wave (fleet_is_wave) since they were made. */
void evidence_drop_waves(struct day_evidence *evidence, const struct profile *profile,
                         const struct fleet *fleet);
/* Of pairs of this day, as closed hours left them: whom others joined since (RARE alone). Name 0:
 * of all. */
void evidence_add_quiet(struct day_evidence *into, const struct profile *profile,
                        const struct fleet *fleet, const struct civil *civil, uint32_t except);
void evidence_join(struct day_evidence *into, const struct day_evidence *from);
/* Those of one pair's marks go (what is known stays known), but for those of manner: what is called
 * by the clock is, with however few bytes. */
void evidence_without(struct day_evidence *evidence, uint32_t name);
bool evidence_needs_no_bytes(enum evidence_kind kind);
/* What closed hours show by now: this day's clocks. Asked when an hour begins and when it is
 * closed, both times of the hours before it, so that what is learned is what could be judged. */
void evidence_add_closed(struct day_evidence *into, const struct profile *profile,
                         const struct fleet *fleet, const struct civil *civil);
/* Whether anybody may ask by what clock the pair is called, in that hour or a later one of the same
 * day, while who uses what stays as it is. */
bool evidence_asks_rhythm(const struct profile *profile, const struct pair *pair,
                          const struct fleet *fleet, const struct civil *civil);
/* What an hour that is over shows: its ratio and its uploads (of large ones: at last). Asked when
 * it is closed, before it is learned, of all that is known of it: a pair that others saw more of
 * (pair_total.elsewhere) is asked about in their sum. */
struct whole_hour {
    const struct host_total *total;
    const struct totals *open; /* who else met a destination in it; NULL: not known */
    uint32_t name;             /* of a pair, or 0: had … */
    uint64_t less;             /* … so many bytes fewer gone there, and left the host */
};
void evidence_add_whole_hour(struct day_evidence *into, const struct profile *profile,
                             const struct fleet *fleet, const struct civil *civil,
                             const struct whole_hour *hour);
/* −ln p of an hour's ratio, as a mark; of all that was sent. */
struct evidence_mark evidence_ratio_of_hour(const struct profile *profile,
                                            const struct civil *civil, uint64_t out_bytes,
                                            uint64_t in_bytes);
/* Those in `from` to one destination, had `bytes` gone there this day and no more. */
struct asked_pair {
    const struct profile *profile;
    const struct pair *pair;
    const struct destination *destination;
    const struct fleet *fleet;
    const struct civil *civil;
};
void evidence_keep_uploads(struct day_evidence *into, const struct day_evidence *from,
                           const struct asked_pair *of, uint64_t bytes);
/* Of today's closed hours, with its modifiers; false: it is not above BEACON_LEAST without them. */
bool evidence_beacon_score(const struct pair *pair, const struct fleet *fleet,
                           const struct civil *civil, double *score);
/* As far as L depends on them: amounts with equal steps have equal evidence. */
uint64_t evidence_step(const struct amounts *amounts);

/* What was observed before of a kind, for the reasons; p as it is without calibration. `pair` and
 * `destination` as above, NULL for a host's kinds. */
struct estimate evidence_estimate(enum evidence_kind kind, const struct profile *profile,
                                  const struct pair *pair, const struct destination *destination,
                                  const struct fleet *fleet, const struct civil *civil,
                                  uint64_t bytes);

#endif
