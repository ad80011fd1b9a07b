/* The producer–consumer ratio: the weekly histogram with 41 bins of a ratio instead of 177 of a
 * size. Thread: any (pure). */
#include "weir/baseline/ratio.h"

#define BELIEVED 10.0

void ratio_fini(struct ratio *ratio)
{
    histogram_fini(&ratio->hours);
}

/* Doubles hold what a host sends in an hour exactly; the division is the only rounding. */
unsigned ratio_bin(uint64_t out_bytes, uint64_t in_bytes)
{
    double all = (double)out_bytes + (double)in_bytes;
    return all > 0 ? (unsigned)((RATIO_BINS - 1) * (double)out_bytes / all + 0.5) : 0;
}

void ratio_add(struct ratio *ratio, uint64_t out_bytes, uint64_t in_bytes, int64_t week)
{
    if (out_bytes >= RATIO_LEAST_BYTES || in_bytes >= RATIO_LEAST_BYTES - out_bytes)
        histogram_add(&ratio->hours, ratio_bin(out_bytes, in_bytes), week, 1);
}

double ratio_survival_of_bin(const struct ratio *ratio, unsigned bin, int64_t week)
{
    double believed = BELIEVED * (RATIO_BINS - bin) / RATIO_BINS;
    return (histogram_at_least(&ratio->hours, bin, week) + believed) /
           (histogram_total(&ratio->hours, week) + BELIEVED);
}

double ratio_survival(const struct ratio *ratio, uint64_t out_bytes, uint64_t in_bytes,
                      int64_t week)
{
    if (out_bytes < RATIO_EVIDENCE_BYTES)
        return 1;
    return ratio_survival_of_bin(ratio, ratio_bin(out_bytes, in_bytes), week);
}

void ratio_pack(const struct ratio *ratio, struct buffer *out)
{
    histogram_pack(&ratio->hours, out);
}

bool ratio_unpack(struct ratio *ratio, struct cursor *in)
{
    if (!histogram_unpack(&ratio->hours, in))
        return false;
    if (histogram_largest(&ratio->hours) < RATIO_BINS)
        return true;
    ratio_fini(ratio);
    return false;
}
