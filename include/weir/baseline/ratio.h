/* Producer–consumer ratio (C. Bullard, J. Gerth, "PCR – A New Flow Metric", FloCon 2014):
 * (out − in)/(out + in) on application bytes of a host's hour, −1 pure consumer, 1 pure producer.
 * A workstation that begins to produce is a shift no count of bytes shows.
 *
 *   bin   floor(40·out/(out + in) + ½): 41 of them, a twentieth apart
 *   p     (count(≥ bin) + 10·(41 − bin)/41)/(N + 10), counts weighted by week as in histogram.h
 *
 * Hours of less than RATIO_LEAST_BYTES in all are not learned (their ratio is protocol overhead);
 * an hour is evidence from RATIO_EVIDENCE_BYTES out. Ten hours of any ratio are believed before a
 * host is known. Thread: any (pure). */
#ifndef WEIR_BASELINE_RATIO_H
#define WEIR_BASELINE_RATIO_H

#include "weir/baseline/histogram.h"

#define RATIO_BINS           41
#define RATIO_LEAST_BYTES    65536
#define RATIO_EVIDENCE_BYTES (UINT64_C(1) << 20)

struct ratio {
    struct histogram hours; /* of bins < RATIO_BINS */
};

void ratio_fini(struct ratio *ratio);
unsigned ratio_bin(uint64_t out_bytes, uint64_t in_bytes);
void ratio_add(struct ratio *ratio, uint64_t out_bytes, uint64_t in_bytes, int64_t week);
/* p of an hour so far; 1 below RATIO_EVIDENCE_BYTES. */
double ratio_survival(const struct ratio *ratio, uint64_t out_bytes, uint64_t in_bytes,
                      int64_t week);

/* The same of a bin, from so many bytes on. */
double ratio_survival_of_bin(const struct ratio *ratio, unsigned bin, int64_t week);

void ratio_pack(const struct ratio *ratio, struct buffer *out);
/* Into an empty one. False: not one (then it is empty again). */
bool ratio_unpack(struct ratio *ratio, struct cursor *in);

#endif
