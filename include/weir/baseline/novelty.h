/* How often does a host meet what is new to it? Good–Turing (I. J. Good, "The population
 * frequencies of species and the estimation of population parameters", Biometrika 40, 1953): the
 * next contact is with something new with probability N1/N, N1 the destinations met once, N all
 * contacts. A contact is an hour in which the host sent bytes to the destination.
 *
 *   π_new = min(1, (N1 + 20·r)/(N + 20)),  r the group's rate
 *   p     = π_new × the share of the group's new contacts that were as rare or rarer
 *
 * N is exact. Who was met once is kept for a sample of the destinations, those whose hash is below
 * a threshold that is halved when the sample is full (P. B. Gibbons, "Distinct sampling for
 * highly-accurate answers to distinct values queries and event reports", VLDB 2001): exact up to
 * NOVELTY_SAMPLE destinations, then N1 = 2^level × those of the sample, standard error about
 * √(2^level/N1) of it. The sample does not depend on the order of contacts. By kind of destination:
 * a bare address is new more often than a name. Thread: any (pure). */
#ifndef WEIR_BASELINE_NOVELTY_H
#define WEIR_BASELINE_NOVELTY_H

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"
#include "weir/baseline/destination.h"

#define NOVELTY_SAMPLE 48
#define NOVELTY_PRIOR  20.0 /* contacts that the group's rate stands for */

struct novelty_kind {
    uint64_t contacts;               /* N; saturates */
    uint32_t sample[NOVELTY_SAMPLE]; /* sorted; 31 bits of hash, then: met more than once */
    uint8_t count, level;
};

struct novelty { /* all zero: nothing is known */
    struct novelty_kind kind[DESTINATION_KINDS];
};

void novelty_meet(struct novelty *novelty, const struct destination *destination);
double novelty_once(const struct novelty_kind *kind); /* N1 */
/* `rate`: the group's, in [0, 1]. */
double novelty_rate(const struct novelty_kind *kind, double rate);

void novelty_pack(const struct novelty *novelty, struct buffer *out);
/* False: not one (then it is empty). */
bool novelty_unpack(struct novelty *novelty, struct cursor *in);

#endif
