/* Staging: who gathers data from inside and then sends it out (ATT&CK T1074.002). Of a host, what
 * came from other inside hosts and what left, by site day, today and the three before; and how much
 * comes from inside on a day of its, as far as that is usual.
 *
 *   staged(day) = max over d of min(in_d, 2·(out_d + … + out_today)), d today or one of three
 * before
 *
 * So many bytes came from inside within a day, and at least half as many left since that day began
 * (they may have been packed on the way). It grows with each of its amounts, so a judgement while
 * the day goes on is a cautious one; it is 0 while nothing leaves. That half of it left before the
 * rest came is not told apart within a day. Days end at midnight: what is gathered across it counts
 * by its larger part.
 *
 * A day is learned when it is no longer asked for: what was gathered yesterday is not its own
 * precedent.
 *
 * Bounds: eight sums, one histogram. Thread: any (pure). */
#ifndef WEIR_BASELINE_STAGED_H
#define WEIR_BASELINE_STAGED_H

#include "weir/baseline/histogram.h"
#include "weir/baseline/location.h"

#include <stddef.h>

#define STAGED_DAYS        4
#define STAGED_LEAST_BYTES (UINT64_C(1) << 20) /* less is not worth a theft */
#define STAGED_KNOWN_DAYS  7                   /* that were learned, before they are a measure */

struct staged_days { /* [0]: today so far, then the day before, … */
    uint64_t in[STAGED_DAYS], out[STAGED_DAYS];
    uint32_t learned; /* 1 << i: it is to be, when it goes; not if any of it was frozen */
};

struct staged {
    struct staged_days days; /* of closed hours */
    uint32_t learned;        /* days that are, whether anything came or not */
    struct histogram day;    /* bytes of those in which something came */
    struct location location;
};

void staged_fini(struct staged *staged);
/* So many days later. */
void staged_days_move(struct staged_days *days, int64_t later);
void staged_days_add(struct staged_days *days, uint64_t in_bytes, uint64_t out_bytes);
/* `since`: how many days ago it came (of equal ones the latest). */
uint64_t staged_bytes(const struct staged_days *days, size_t *since);
/* What left since then. */
uint64_t staged_out(const struct staged_days *days, size_t since);

void staged_pack(const struct staged *staged, struct buffer *out);
/* Into an empty one. False: not one. */
bool staged_unpack(struct staged *staged, struct cursor *in);

#endif
