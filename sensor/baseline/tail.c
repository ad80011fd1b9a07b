/* Tails. Bins are quarter octaves, so an exponential tail in bins is a Pareto tail in bytes.
 * Thread: any (pure). */
#include "tail.h"

#include <math.h>

#define TAIL_SHARE  0.97
#define TAIL_WEIGHT 20.0

void tail_gather(struct residuals *counts, const struct histogram *histogram, int64_t week)
{
    unsigned first = histogram->count > 0 ? histogram->cell[0].bin : HISTOGRAM_BINS - 1;
    if (counts->total <= 0 || first < counts->first)
        counts->first = first;
    for (uint16_t i = 0; i < histogram->count; i++) {
        const struct histogram_cell *cell = &histogram->cell[i];
        double count = histogram_weight(week - cell->week) * (double)cell->count;
        counts->count[cell->bin] += count;
        counts->total += count;
    }
}

void tail_sizes(struct sizes *sizes, const struct histogram *histogram, int64_t week)
{
    *sizes = (struct sizes){.week = week};
    if (histogram)
        tail_gather(&sizes->counts, histogram, week);
    sizes->counts.tail = tail_fit(&sizes->counts, TAIL_SIGMA);
}

struct tail tail_fit(const struct residuals *counts, double sigma0)
{
    struct tail tail = {.total = counts->total, .sigma = sigma0};
    double below = 0, above = 0, excess = 0;
    unsigned bin = counts->first, end = HISTOGRAM_BINS;
    if (tail.total <= 0)
        return tail;
    while (bin < HISTOGRAM_BINS - 1 && below + counts->count[bin] < TAIL_SHARE * tail.total)
        below += counts->count[bin++];
    tail.from = bin;
    while (end > bin + 1 && counts->count[end - 1] <= 0) /* what is above adds nothing */
        end--;
    for (unsigned k = bin + 1; k < end; k++) {
        above += counts->count[k];
        excess += counts->count[k] * (double)(k - bin);
    }
    tail.above = fmax(above / tail.total, 0.5 / (tail.total + 1));
    tail.sigma = (excess + TAIL_WEIGHT * sigma0) / (above + TAIL_WEIGHT);
    return tail;
}

double tail_survival(const struct residuals *counts, const struct tail *tail, unsigned bin)
{
    double below = 0;
    if (tail->total <= 0)
        return 0;
    if (bin > tail->from)
        return fmin(1.0, tail->above) * exp(-(double)(bin - tail->from - 1) / tail->sigma);
    for (unsigned k = counts->first; k < bin; k++)
        below += counts->count[k];
    return fmin(1.0, fmax(tail->above, 1.0 - below / tail->total));
}

double tail_prior(unsigned bin, double centre, double scale)
{
    double away = ((double)bin - centre) / scale;
    return away > 0 ? 0.5 * exp(-away) : 1.0 - 0.5 * exp(away);
}
