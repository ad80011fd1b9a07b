/* The survival function of a table of counts by bin, with a fitted tail: the one place where rare
 * sizes get their probability.
 *
 *   t = the 97 % bin;  S(k) = count(≥ k)/N up to t, A·exp(−(k − t − 1)/σ) above
 *   A = count(> t)/N, floored at ½/(N + 1)
 *   σ = (Σ (k − t) + 20·σ0)/(n + 20) over the n counts above t
 *
 * σ0 is what is believed before anything was seen: m0 = 4/(1.2·ln 2) bins (a Pareto tail of index
 * 1.2, Hill's estimator in counters), or a wider population's σ. Thread: any (pure). */
#ifndef WEIR_BASELINE_LOCAL_TAIL_H
#define WEIR_BASELINE_LOCAL_TAIL_H

#include "weir/baseline/fleet.h"

#define TAIL_SIGMA (4 / (1.2 * 0.69314718055994530942))

/* Adds a histogram's counts, weighted as of `week`. */
void tail_gather(struct residuals *counts, const struct histogram *histogram, int64_t week);
/* All of one histogram (NULL: empty), fitted. */
void tail_sizes(struct sizes *sizes, const struct histogram *histogram, int64_t week);
struct tail tail_fit(const struct residuals *counts, double sigma0);
/* S(k), never rising in k. */
double tail_survival(const struct residuals *counts, const struct tail *tail, unsigned bin);
/* What is believed of sizes around `centre` before anything was seen: Laplace in bins. */
double tail_prior(unsigned bin, double centre, double scale);

#endif
