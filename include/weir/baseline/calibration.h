/* How rare is so much evidence on a host's day? Measured: each component's largest of a host-day,
 * and then what they fuse to, are counted over the fleet; so neither the looks a day nor the
 * dependence between components have to be guessed at.
 *
 *   bin     ⌊20·ln(1 + L)⌋, CALIBRATION_BINS of them: a twentieth apart
 *   reached a host-day counts at its bin only where that is above what the host was last counted at
 *           within CALIBRATION_RUN days, whose count then moves up to it; else in bin 0. So a
 *           state that lasts is one event a week and not seven, as it is one alert: what is
 *           measured is how often a level is newly reached (declustering by runs: Leadbetter,
 *           Extremes and local dependence in stationary sequences, 1983)
 *   tail    above the bin up to which 97 % lie, S falls as exp(−(L − t)/σ), t that bin's upper end,
 *           from A = count/N (at least ½/(N + 1)); σ = (Σ (L − t) + w·σ0)/(n + w), L the middle of
 *           a bin, w 20 and σ0 1, of what is fused w 100 and σ0 2 (sent) or 1.7 (served), and
 *           S = A·(1 + ξ(L − t)/((1 − ξ)σ))^(−1/ξ), ξ .1: the generalized Pareto distribution with
 *           the mean excess σ (Pickands, Statistical inference using extreme order statistics,
 *           1975), because fused evidence comes of many causes, of which the rarer are the larger
 *   belief  before anything is measured, as PSEUDO host-days: min(1, looks·e^−L) of a component
 *           (the union bound of its looks); of the fused evidence min(1, 1.7·e^−E/1.82) of what is
 *           sent and min(1, 1.95·e^−E/1.5) of what is served (as if its components said all the
 *           same)
 *   S       (N_fleet·S_fleet + 10·belief)/(N_fleet + 10); of a group (N_group·S_group +
 *           300·S)/(N_group + 300)
 *
 * Working days and others are apart. Counts are halved every 14 days, in steps of a week. Hosts
 * count from their 8th day on, so that warming up is no measure of anything. A host-day rarer than
 * 10⁻⁴ is counted where S is 10⁻⁴ (one theft must not hide the next).
 *
 * Fusion: E = (Σ w·g(L̂)^2.5)^(1/2.5), L̂ = −ln S, over the components that are known, weights
 * normalised to a mean of 1 over those of the same side that have any (a host's own, or its
 * clients' as a server). An upload alone has none: it speaks by a bar of its own. g(l) = l up to
 * 10, then 10 + (l − 10)/4: no fleet has seen a host-day in 22,000, so what is beyond is the tail's
 * word and counts a quarter. Thread: any (pure). */
#ifndef WEIR_BASELINE_CALIBRATION_H
#define WEIR_BASELINE_CALIBRATION_H

#include <stdbool.h>
#include <stdint.h>

#define CALIBRATION_BINS 96

enum evidence_kind {
    EVIDENCE_YOUNG_WEEK,
    EVIDENCE_YOUNG_HOUR,
    EVIDENCE_PERSISTENCE,
    EVIDENCE_PAIR_GROWTH,
    EVIDENCE_HOST_HOUR,
    EVIDENCE_ABSOLUTE_DAY,
    EVIDENCE_PAIR_HOUR,
    EVIDENCE_HOST_DAY,
    EVIDENCE_ABSOLUTE_HOUR,
    EVIDENCE_HOST_GROWTH,
    EVIDENCE_PAIR_DAY,
    EVIDENCE_RARE,
    EVIDENCE_BEACON,
    EVIDENCE_LONG,
    EVIDENCE_RATIO,
    EVIDENCE_STAGING,
    EVIDENCE_NETWORK_WEEK,
    EVIDENCE_NETWORK_HOUR,
    EVIDENCE_SERVED_GROWTH,
    EVIDENCE_SERVED_HOUR,
    EVIDENCE_SERVED_DAY,
    EVIDENCE_UPLOAD, /* of what is sent; at the end, where schemas before it end */
    EVIDENCE_UPLOAD_AGAIN,
    EVIDENCE_UPLOAD_GROWTH,
    EVIDENCE_UPLOAD_ALONE, /* no part of what is fused; the end of schemas before 8 */
    EVIDENCES
};

/* What is fused: what a host sends, and what it serves. */
enum evidence_side { EVIDENCE_SENT, EVIDENCE_SERVED, EVIDENCE_SIDES };
enum evidence_side evidence_side(enum evidence_kind kind);
double evidence_weight(enum evidence_kind kind); /* normalised; 0: it is no part of E */

struct evidence_mark {
    double l; /* 0: nothing; a float already, so that what is stored goes on like what is not */
    /* The floor of their bin; of a beacon it is connections, of a long one seconds, likewise. Of a
     * ratio: its bin (ratio.h). */
    uint64_t bytes;
    uint32_t pair; /* evidence_name; 0: the host's */
};

struct day_evidence { /* all zero: nothing is known */
    struct evidence_mark mark[EVIDENCES];
    uint32_t known; /* 1 << kind */
};

#define CALIBRATIONS (EVIDENCES + EVIDENCE_SIDES) /* components, then what they fuse to */

#define CALIBRATION_RUN 7 /* days */
/* What a packed form of a schema has, in its order: how many components, and which they are now.
 * Schemas before 3 had none. */
unsigned evidence_kinds_of_schema(unsigned schema);
enum evidence_kind evidence_kind_of_schema(unsigned schema, unsigned index);
/* Likewise, of tables and of what hosts were counted at: the components, then what they fuse to. */
unsigned calibrations_of_schema(unsigned schema);
unsigned calibration_of_schema(unsigned schema, unsigned index);
/* It was another quantity then, of which nothing is taken over. */
bool calibration_is_of_before(unsigned schema, unsigned which);

struct calibration {
    /* Host-days by bin. May be below 0: a count moved up after the counts were halved, or from a
     * day that was counted in another table (days off, another group). */
    double count[CALIBRATION_BINS];
    /* of them, after calibration_fit: */
    double reached[CALIBRATION_BINS]; /* how often each bin or more was */
    double total, above, sigma;
    unsigned from;
};

/* What a host-day was last counted at, for CALIBRATION_RUN days. */
struct counted_at {
    int64_t day;
    uint8_t bin; /* 0: nothing */
};

struct calibrations {                       /* of a group or the fleet */
    struct calibration of[CALIBRATIONS][2]; /* working days, others */
};

/* Who a host is measured by; either may be NULL. */
struct measures {
    const struct calibrations *group, *fleet;
};

unsigned calibration_bin(double l);
double calibration_edge(double bin); /* L at which it begins */
/* One host-day at `bin`, of a host that was counted at `last`; and what is remembered of it. */
void calibration_count(struct calibration *calibration, const struct counted_at *last, int64_t day,
                       unsigned bin);
void calibration_remember(struct counted_at *last, int64_t day, unsigned bin);
void calibration_fit(struct calibration *calibration, unsigned which);
/* S(l): the share of host-days with so much or more, never rising in l; 1 for l = 0. */
double calibrated(const struct measures *measures, unsigned which, bool day_off, double l);
/* The bin to count a host-day in. */
unsigned calibration_guarded(const struct measures *measures, unsigned which, bool day_off,
                             double l);

struct fused {
    double e;
    double p;                 /* of e, calibrated; 1: nothing is known */
    double p_absolute;        /* of the absolute day alone, calibrated; 1: not of this side */
    double p_upload;          /* likewise, of an upload alone */
    double share[EVIDENCES];  /* w·g(L̂)^2.5/E^2.5, of this side's */
    double single[EVIDENCES]; /* S of each component */
};
/* `e` of one component that says p, and nothing else. */
double evidence_alone(enum evidence_kind kind, double p);
struct fused evidence_fuse(const struct day_evidence *evidence, enum evidence_side side,
                           bool day_off, const struct measures *measures);

/* What is told: p_E up to `fused`, or of what is sent the absolute day's S alone up to `absolute`,
 * or an upload's up to `upload` (fleet_limits: how the operator's budget is shared). */
struct limits {
    double fused, absolute, upload;
};
bool fused_fires(const struct fused *fused, const struct limits *limits);
/* As if all that is told had a bar so many times as high. */
struct limits limits_above(const struct limits *limits, double bar);
/* Which of them says why, and how rare that is: what is fused (EVIDENCES) where it fires; else an
 * upload, which names its place, where that does; else the absolute day. */
enum evidence_kind fused_told_by(const struct fused *fused, const struct limits *limits, double *p);
/* Where that leads (evidence_name): to what says most of those that name a place and say a tenth of
 * it or more; 0: to the host itself. */
#define FUSED_PLACE_SHARE 0.1
uint32_t fused_place(const struct fused *fused, const struct day_evidence *evidence,
                     const struct limits *limits);

#endif
