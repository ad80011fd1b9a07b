/* How rare is so much evidence on a host's day? Measured: each component's largest of a host-day,
 * and then what they fuse to, are counted over the fleet; so neither the looks a day nor the
 * dependence between components have to be guessed at.
 *
 *   bin     ⌊20·ln(1 + L)⌋, CALIBRATION_BINS of them: a twentieth apart
 *   tail    above the bin up to which 97 % lie, S falls as exp(−(L − t)/σ), t that bin's upper end,
 *           from A = count/N (at least ½/(N + 1)); σ = (Σ (L − t) + 20·σ0)/(n + 20), L the middle
 *           of a bin
 *   belief  before anything is measured, as PSEUDO host-days: min(1, looks·e^−L) of a component
 * (the union bound of its looks); of the fused evidence e^−(E − 1)/s, s 2.4 of what is sent and 1.8
 *           of what is served (as if its components said all the same), σ0 = 1.5
 *   S       (N_fleet·S_fleet + 10·belief)/(N_fleet + 10); of a group (N_group·S_group +
 *           300·S)/(N_group + 300)
 *
 * Working days and others are apart. Counts are halved every 14 days, in steps of a week. Hosts
 * count from their 8th day on, so that warming up is no measure of anything. A host-day rarer than
 * 10⁻⁴ is counted where S is 10⁻⁴ (one theft must not hide the next).
 *
 * Fusion: E = √(Σ w·L̂²), L̂ = −ln S, over the components that are known, weights normalised to a
 * mean of 1 over those of the same side (a host's own, or its clients' as a server). Thread: any
 * (pure). */
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
    EVIDENCE_STAGING,
    EVIDENCE_NETWORK_WEEK,
    EVIDENCE_NETWORK_HOUR,
    EVIDENCE_SERVED_GROWTH,
    EVIDENCE_SERVED_HOUR,
    EVIDENCE_SERVED_DAY,
    EVIDENCES
};

/* What is fused: what a host sends, and what it serves. */
enum evidence_side { EVIDENCE_SENT, EVIDENCE_SERVED, EVIDENCE_SIDES };
enum evidence_side evidence_side(enum evidence_kind kind);
double evidence_weight(enum evidence_kind kind); /* normalised */

struct evidence_mark {
    double l; /* 0: nothing; a float already, so that what is stored goes on like what is not */
    uint64_t bytes; /* the floor of their bin */
    uint32_t pair;  /* evidence_name; 0: the host's */
};

struct day_evidence { /* all zero: nothing is known */
    struct evidence_mark mark[EVIDENCES];
    uint32_t known; /* 1 << kind */
};

#define CALIBRATIONS (EVIDENCES + EVIDENCE_SIDES) /* components, then what they fuse to */

/* Schema 3 of profiles and fleets had the kinds up to EVIDENCE_PAIR_DAY, and those of a server's
 * clients: what a number of then is now. */
#define EVIDENCES_SCHEMA_3 16
static inline unsigned calibration_of_schema_3(unsigned which)
{
    return which <= EVIDENCE_PAIR_DAY ? which : which + EVIDENCES - EVIDENCES_SCHEMA_3;
}

struct calibration {
    double count[CALIBRATION_BINS];
    /* of them, after calibration_fit: */
    double total, above, sigma;
    unsigned from;
};

struct calibrations {                       /* of a group or the fleet */
    struct calibration of[CALIBRATIONS][2]; /* working days, others */
};

/* Who a host is measured by; either may be NULL. */
struct measures {
    const struct calibrations *group, *fleet;
};

unsigned calibration_bin(double l);
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
    double share[EVIDENCES];  /* w·L̂²/E², of this side's */
    double single[EVIDENCES]; /* S of each component */
};
struct fused evidence_fuse(const struct day_evidence *evidence, enum evidence_side side,
                           bool day_off, const struct measures *measures);

/* The budget: what a host and day may cost, and how it is shared between the two channels. */
#define BUDGET_FUSED    0.7
#define BUDGET_ABSOLUTE 0.3
/* Whether it is told at a budget of `budget` alerts a host and day. */
bool fused_fires(const struct fused *fused, double budget);

#endif
