/* Long CUSUM: does it send a little more than it used to, day after day? A one-sided cumulative sum
 * (E. S. Page, "Continuous inspection schemes", Biometrika 41, 1954) on daily log2 bytes, which
 * forgets, against a reference that follows slowly.
 *
 *   x    log2(bytes + 1) of a finished day; of a host less its group's median of that day
 *   r    x − ref, in octaves
 *   C    ← clip(.97·C + clip(r/σ, −3, 3) − ½, 0, 60); 0 for the first CUSUM_WARMUP values
 *   g    .1 while C > 3, else 1: what is under suspicion hardly teaches
 *   ref  ← ref + g·clip(r, −1.5, 1.5)/min(n, 30)
 *   a    ← a + g·(min(|r|, 3) − a)/min(n + 4, 30): the mean deviation, from .8 octaves as if those
 *          had been four values
 *   σ    max(½, a·√(π/2)): the mean deviation of a normal variable is σ·√(2/π)
 *
 * n counts the value at hand; r, σ and C are of ref and a as they were before it. The floor of σ is
 * what is no growth: a lasting excess of less than a quarter octave (19 %) never adds up.
 *
 * Days without bytes are no values. Twelve bytes of state. Thread: any (pure). */
#ifndef WEIR_BASELINE_CUSUM_H
#define WEIR_BASELINE_CUSUM_H

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"

#include <stdbool.h>
#include <stdint.h>

#define CUSUM_WARMUP     7
#define CUSUM_MOST       60.0
#define CUSUM_SIGMA      0.5   /* octaves: the least σ */
#define CUSUM_PAIR_BYTES 65536 /* a pair's day of less is not a value */

/* All zero: nothing is known. Real numbers are floats already, so that what was stored goes on like
 * what was not. */
struct cusum {
    double sum;       /* C */
    double reference; /* ref */
    double deviation; /* a */
    uint32_t days;    /* values so far; saturates */
};

void cusum_add(struct cusum *cusum, double value);
double cusum_sigma(const struct cusum *cusum);
/* C as it would be with one more value; never smaller for a larger one. */
double cusum_with(const struct cusum *cusum, double value);

void cusum_pack(const struct cusum *cusum, struct buffer *out);
/* False: not one (then it is empty). */
bool cusum_unpack(struct cusum *cusum, struct cursor *in);

#endif
