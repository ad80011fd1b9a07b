/* Does a host call a destination by the clock? The beacon score of RITA v5 (Active Countermeasures,
 * analysis/beacons.go) of one site day, from a state of constant size instead of all time stamps.
 *
 *   score  ¼(ts + ds + hist + dur)
 *   ts     of the intervals between seconds in which connections began (no zeros among them):
 *          ½((1 − |Bowley skew|) + max(0, (median − MAD)/median)); the second part is 1 when the
 *          median is below 1
 *   ds     the same of the bytes sent in what began in such a second (0 when the median is below 1)
 *   skew   (Q1 + Q3 − 2·Q2)/(Q3 − Q1); 0 when Q3 − Q1 < 10 or Q2 is Q1 or Q3
 *   hist   of the connections of 24 hours: the larger of max(0, 1 − σ/μ) and, from 11 hours with
 * any on, min(1, (largest + second mode)/(hours with any − 1)); modes: hours whose numbers fall
 *          into the same twentieth of the largest
 *   dur    from 6 hours with any on: min(1, max((last − first)/86,400 s, longest run/12)); runs go
 *          round midnight
 *
 * There is a score from 4 different seconds on and below 86,400 connections; RITA calls .5, .7, .9
 * and 1 low, medium, high and critical.
 *
 * Intervals and sizes are kept in at most RHYTHM_CELLS logarithmic bins, 64 an octave while these
 * suffice, else half as many, and so on: a clock's few values nearly exactly, a browser's many
 * roughly. Quartiles take the counts of a bin as spread evenly over its whole numbers. The
 * resolution depends on the values only, not on their order. Measured against the exact score:
 * tests/golden/test_estimators_pair.py, docs/baselines.md.
 *
 * Where an hour's starts were cut (starts.h) its rest makes no intervals and no sizes, nor the
 * interval to the next hour. A day's last score is kept when the day is over. Engine thread. */
#ifndef WEIR_BASELINE_RHYTHM_H
#define WEIR_BASELINE_RHYTHM_H

#include "weir/base/calendar.h"
#include "weir/base/cursor.h"
#include "weir/baseline/starts.h"

#define RHYTHM_CELLS       16
#define RHYTHM_HOURS       24
#define RHYTHM_LEAST       4     /* seconds with a start */
#define RHYTHM_CONNECTIONS 86400 /* that many a day are no beacon any more */

struct rhythm_cell {
    uint16_t bin;   /* 0: the value 0 */
    uint32_t count; /* saturates */
};

struct rhythm_counts {
    struct rhythm_cell cell[RHYTHM_CELLS]; /* sorted by bin */
    uint8_t used;
    uint8_t halvings; /* bins an octave: 64 / 2^halvings */
};

struct rhythm_day {
    struct rhythm_counts intervals, sizes; /* s, bytes */
    uint32_t connections[RHYTHM_HOURS];    /* by hour of the site's day; saturate */
    int64_t first_s, last_s;               /* starts; 3600 × ordinal of the hour + second */
    bool cut;                              /* what came after last_s in its hour is not known */
    /* Of rhythm_exceeds, not packed: `asked`: its score is `score`, or no more than that. */
    bool asked, scored;
    double score;
};

struct rhythm {               /* all zero: nothing is known */
    int64_t day;              /* the site day of `today` */
    struct rhythm_day *today; /* NULL: nothing began yet */
    int64_t scored_day;       /* the last finished day that had a score; 0: none had */
    uint16_t score;           /* its score, in thousandths */
};

struct rhythm_score {
    double ts, ds, hist, dur, score;
};

void rhythm_fini(struct rhythm *rhythm);
/* A closed hour's starts, in the order of hours. `flows`: connections that began in it. */
void rhythm_hour(struct rhythm *rhythm, const struct civil *civil, const struct starts *starts,
                 uint32_t flows);
/* Days before `day` are over. */
void rhythm_end_day(struct rhythm *rhythm, int64_t day);
/* Forgets today so far. */
void rhythm_drop(struct rhythm *rhythm);
/* Today's so far. False: too little, or too much, to have one. */
bool rhythm_score(const struct rhythm *rhythm, struct rhythm_score *score);
/* Whether today's so far is more than `least` (from 0 on); then it is in `score`. Mostly a tenth of
 * the work of the score says that it is not; what was found is kept until another hour joins. */
bool rhythm_exceeds(const struct rhythm *rhythm, double least, double *score);
/* The interval that half of today's are not longer than, s; 0: there are none. */
double rhythm_interval(const struct rhythm *rhythm);

/* Today's connections so far. */
uint64_t rhythm_connections(const struct rhythm *rhythm);
/* What people can check: medians, and within what half of the intervals are of theirs. */
struct rhythm_habit {
    double interval_s, spread_s, size_bytes;
};
/* False: there are fewer than two intervals. */
bool rhythm_habit(const struct rhythm *rhythm, struct rhythm_habit *habit);

/* Times are packed as differences to `hour` and `day`. */
void rhythm_pack(const struct rhythm *rhythm, int64_t hour, int64_t day, struct buffer *out);
/* Into an empty one. False: not one (then it is empty again). */
bool rhythm_unpack(struct rhythm *rhythm, int64_t hour, int64_t day, struct cursor *in);

#endif
