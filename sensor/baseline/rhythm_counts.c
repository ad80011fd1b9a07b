/* Bins: 0 is the value 0; 1 + (⌊64·log2 v⌋ >> halvings) any other. Edges are found with integers,
 * so that no libm can move a value across one.
 *
 * A bin's n values are taken to be lo + (hi − lo)·(i + ½)/n, i = 0 … n − 1, between its smallest
 * and largest whole number. The median absolute deviation is that of these values, found by
 * bisection: how many lie within a distance is known at once for a bin. At most 16 bins × 100
 * steps. Thread: any (pure). */
#include "rhythm_counts.h"

#include <math.h>

#define FINE       64u   /* bins an octave before any halving */
#define FINE_BINS  2048u /* of 32 octaves */
#define NARROW     3     /* halvings up to which a bin (9 %) counts as one value */
#define BISECTIONS 100
#define PRECISION  1e-12
#define TRIES      3

/* ⌈2^(31 + j/64)⌉ */
static const uint32_t edge[FINE] = {
    0x80000000, 0x8164d1f4, 0x82cd8699, 0x843a28c4, 0x85aac368, 0x871f6197, 0x88980e81, 0x8a14d576,
    0x8b95c1e4, 0x8d1adf5c, 0x8ea4398c, 0x9031dc44, 0x91c3d374, 0x935a2b30, 0x94f4efa9, 0x96942d38,
    0x9837f052, 0x99e04594, 0x9b8d39ba, 0x9d3ed9a8, 0x9ef53261, 0xa0b05110, 0xa2704304, 0xa43515af,
    0xa5fed6aa, 0xa7cd93b5, 0xa9a15ab5, 0xab7a39b6, 0xad583eeb, 0xaf3b78ae, 0xb123f582, 0xb311c413,
    0xb504f334, 0xb6fd91e4, 0xb8fbaf48, 0xbaff5ab3, 0xbd08a3a0, 0xbf1799b7, 0xc12c4ccb, 0xc346ccdb,
    0xc5672a12, 0xc78d74c9, 0xc9b9bd87, 0xcbec14ff, 0xce248c16, 0xd06333db, 0xd2a81d92, 0xd4f35aac,
    0xd744fccb, 0xd99d15c3, 0xdbfbb798, 0xde60f483, 0xe0ccdeed, 0xe33f8973, 0xe5b906e8, 0xe8396a51,
    0xeac0c6e8, 0xed4f301f, 0xefe4b99c, 0xf281773d, 0xf5257d16, 0xf7d0df74, 0xfa83b2dc, 0xfd3e0c0d};

/* --- bins ------------------------------------------------------------------------------------- */

static unsigned fine_bin(uint32_t value)
{
    unsigned octave = 31 - (unsigned)__builtin_clz(value), low = 0;
    uint32_t mantissa = value << (31 - octave);
    for (unsigned half = FINE / 2; half > 0; half /= 2)
        if (mantissa >= edge[low + half])
            low += half;
    return FINE * octave + low;
}

/* The smallest value of a fine bin or above it. */
static uint64_t fine_least(unsigned fine)
{
    unsigned shift = 31 - fine / FINE;
    return fine < FINE_BINS ? (edge[fine % FINE] + (UINT64_C(1) << shift) - 1) >> shift
                            : UINT64_C(1) << 32;
}

static uint16_t bin_of(uint32_t value, unsigned halvings)
{
    return (uint16_t)(value ? 1 + (fine_bin(value) >> halvings) : 0);
}

uint16_t rhythm_last_bin(unsigned halvings)
{
    return bin_of(UINT32_MAX, halvings);
}

void rhythm_range(const struct rhythm_counts *counts, const struct rhythm_cell *cell,
                  double range[2])
{
    range[0] = range[1] = 0;
    if (cell->bin == 0)
        return;
    range[0] = (double)fine_least((unsigned)(cell->bin - 1) << counts->halvings);
    range[1] = (double)(fine_least((unsigned)cell->bin << counts->halvings) - 1);
}

/* --- counting --------------------------------------------------------------------------------- */

static uint32_t saturating(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static void halve(struct rhythm_counts *counts)
{
    uint8_t kept = 0;
    for (uint8_t i = 0; i < counts->used; i++) {
        struct rhythm_cell cell = counts->cell[i];
        if (cell.bin > 0)
            cell.bin = (uint16_t)(1 + (cell.bin - 1) / 2);
        if (kept > 0 && counts->cell[kept - 1].bin == cell.bin)
            counts->cell[kept - 1].count = saturating(counts->cell[kept - 1].count, cell.count);
        else
            counts->cell[kept++] = cell;
    }
    counts->used = kept;
    counts->halvings++;
}

void rhythm_count(struct rhythm_counts *counts, uint32_t value)
{
    for (;; halve(counts)) {
        uint16_t bin = bin_of(value, counts->halvings);
        uint8_t at = 0;
        while (at < counts->used && counts->cell[at].bin < bin)
            at++;
        if (at < counts->used && counts->cell[at].bin == bin) {
            counts->cell[at].count = saturating(counts->cell[at].count, 1);
            return;
        }
        if (counts->used < RHYTHM_CELLS) {
            for (uint8_t i = counts->used++; i > at; i--)
                counts->cell[i] = counts->cell[i - 1];
            counts->cell[at] = (struct rhythm_cell){bin, 1};
            return;
        }
    }
}

uint64_t rhythm_total(const struct rhythm_counts *counts)
{
    uint64_t total = 0;
    for (uint8_t i = 0; i < counts->used; i++)
        total += counts->cell[i].count;
    return total;
}

/* --- the numbers behind them ------------------------------------------------------------------ */

/* The value of a rank (0 is the smallest), and its cell. */
static double value_at(const struct rhythm_counts *counts, uint64_t rank, uint8_t *cell)
{
    double range[2];
    uint8_t i = 0;
    for (; i + 1 < counts->used && rank >= counts->cell[i].count; i++)
        rank -= counts->cell[i].count;
    rhythm_range(counts, &counts->cell[i], range);
    *cell = i;
    return range[0] + (range[1] - range[0]) * ((double)rank + 0.5) / (double)counts->cell[i].count;
}

struct median {
    double value;
    uint8_t cell[2];
};

/* Of the ranks [from, to). */
static struct median median_of(const struct rhythm_counts *counts, uint64_t from, uint64_t to)
{
    struct median median;
    double low = value_at(counts, from + (to - from - 1) / 2, &median.cell[0]);
    double high = value_at(counts, from + (to - from) / 2, &median.cell[1]);
    median.value = (low + high) / 2;
    return median;
}

static bool is_same(const struct rhythm_counts *counts, const struct median *a,
                    const struct median *b)
{
    double range[2];
    uint8_t cell = a->cell[0];
    if (a->cell[1] != cell || b->cell[0] != cell || b->cell[1] != cell)
        return false;
    rhythm_range(counts, &counts->cell[cell], range);
    return counts->halvings <= NARROW || range[1] - range[0] < 1;
}

struct span { /* a cell's values: n of them, from `least` on */
    double least, width, n;
    double within[2]; /* how many of them are within the bounds of the distance looked for */
};

/* `at` and what follows: from the cell's least. Most cells lie on one side. */
static double at_most(const struct span *span, double at)
{
    if (at < 0)
        return 0;
    return at < span->width ? floor(at * span->n / span->width + 0.5) : span->n;
}

static double less_than(const struct span *span, double at)
{
    if (at <= 0)
        return 0;
    return at < span->width ? ceil(at * span->n / span->width - 0.5) : span->n;
}

struct spans {
    struct span span[RHYTHM_CELLS];
    unsigned used;
    double others; /* values of spans that are not looked at any more */
};

static double within(const struct span *span, double centre, double distance)
{
    double from = centre - distance - span->least, to = centre + distance - span->least;
    if (span->width < 1) /* one value */
        return from <= 0 && to >= 0 ? span->n : 0;
    return at_most(span, to) - less_than(span, from);
}

/* How many lie within `distance` of `centre`, and of each span: whole numbers, so their order does
 * not matter. */
static double count_within(const struct spans *spans, double centre, double distance,
                           double count[RHYTHM_CELLS])
{
    double sum = spans->others;
    for (unsigned i = 0; i < spans->used; i++)
        sum += count[i] = within(&spans->span[i], centre, distance);
    return sum;
}

enum bound { LOW, HIGH };

/* These are its counts at one of the bounds. They never fall as the distance grows: what both
 * bounds have alike all between have, too, and is not looked at any more. Mostly one span is left
 * after a few steps. */
static void set_bound(struct spans *spans, enum bound bound, const double count[RHYTHM_CELLS])
{
    unsigned left = 0;
    for (unsigned i = 0; i < spans->used; i++) {
        struct span span = spans->span[i];
        span.within[bound] = count[i];
        if (span.within[LOW] < span.within[HIGH])
            spans->span[left++] = span;
        else
            spans->others += span.within[HIGH];
    }
    spans->used = left;
}

/* The distance of a rank (0 is the nearest): the least within which more than `rank` lie, between
 * `low` and `high`. */
static double distance_at(const struct spans *all, double centre, uint64_t rank, double low,
                          double high)
{
    struct spans spans = *all;
    double wanted = (double)rank + 1, count[RHYTHM_CELLS];
    if (count_within(&spans, centre, low, count) >= wanted)
        return low;
    for (unsigned i = 0; i < spans.used; i++) {
        spans.span[i].within[LOW] = count[i];
        count[i] = within(&spans.span[i], centre, high);
    }
    set_bound(&spans, HIGH, count);
    for (int i = 0; i < BISECTIONS && high - low > PRECISION * high; i++) {
        double middle = (low + high) / 2;
        bool enough = count_within(&spans, centre, middle, count) >= wanted;
        *(enough ? &high : &low) = middle;
        if (spans.used > 1) /* of one alone there is nothing to leave out */
            set_bound(&spans, enough ? HIGH : LOW, count);
    }
    return high;
}

static struct spans spans_of(const struct rhythm_counts *counts)
{
    struct spans spans;
    for (spans.used = 0; spans.used < counts->used; spans.used++) {
        double range[2];
        rhythm_range(counts, &counts->cell[spans.used], range);
        spans.span[spans.used] = (struct span){
            range[0], range[1] - range[0], (double)counts->cell[spans.used].count, {0, 0}};
    }
    spans.others = 0;
    return spans;
}

static double median_distance(const struct rhythm_counts *counts, double centre, uint64_t n)
{
    double first[2], last[2];
    struct spans spans = spans_of(counts);
    rhythm_range(counts, &counts->cell[0], first);
    rhythm_range(counts, &counts->cell[counts->used - 1], last);
    double farthest = fmax(centre - first[0], last[1] - centre);
    double low = distance_at(&spans, centre, (n - 1) / 2, 0, farthest);
    return n % 2 ? low : (low + distance_at(&spans, centre, n / 2, low, farthest)) / 2;
}

/* Half of the values lie between the outer quartiles, so the deviation is about the distance of the
 * nearer one, or more: mostly the first try says so. */
static double least_distance(const struct rhythm_counts *counts, const double quartile[3],
                             uint64_t n)
{
    uint64_t middle = (n - 1) / 2;
    double count[RHYTHM_CELLS], wanted = (double)middle + 1;
    double least = fmin(quartile[1] - quartile[0], quartile[2] - quartile[1]);
    struct spans spans = spans_of(counts);
    for (int tries = 0; tries < TRIES; tries++) {
        if (count_within(&spans, quartile[1], least, count) < wanted)
            return least;
        least /= 2;
    }
    return 0;
}

/* All but the deviation. */
static struct rhythm_spread quartiles_of(const struct rhythm_counts *counts, uint64_t n)
{
    struct median lower = median_of(counts, 0, n / 2), middle = median_of(counts, 0, n),
                  upper = median_of(counts, n / 2 + n % 2, n);
    return (struct rhythm_spread){
        {lower.value, middle.value, upper.value},
        {is_same(counts, &lower, &middle), is_same(counts, &middle, &upper)},
        0};
}

struct rhythm_spread rhythm_spread_of(const struct rhythm_counts *counts)
{
    uint64_t n = rhythm_total(counts);
    struct rhythm_spread spread = quartiles_of(counts, n);
    spread.deviation = median_distance(counts, spread.quartile[1], n);
    return spread;
}

struct rhythm_spread rhythm_spread_least(const struct rhythm_counts *counts)
{
    uint64_t n = rhythm_total(counts);
    struct rhythm_spread spread = quartiles_of(counts, n);
    spread.deviation = least_distance(counts, spread.quartile, n);
    return spread;
}
