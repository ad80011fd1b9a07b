/* The weekly log histogram. Bins are found with integers only, so that no compiler or libm can move
 * a byte count across an edge; weights come from three constants, for the same reason.
 *
 * Invariants: cells are sorted by (bin, week) without repeats, no count is 0, and every week is
 * what kept_week() makes of it as of `newest`. Engine thread. */
#include "weir/baseline/histogram.h"

#include "varint.h"

#include <math.h>
#include <stdlib.h>

#define BLOCK_WEEKS 8

/* floor(2^(62 + j/4)): a quarter octave is compared without rounding. */
static const uint64_t quarter[4] = {UINT64_C(1) << 62, UINT64_C(0x4c1bf828c6dc54b7),
                                    UINT64_C(0x5a827999fcef3242), UINT64_C(0x6ba27e656b4eb57a)};

uint64_t histogram_floor(unsigned bin)
{
    unsigned octave = bin / 4, part = bin % 4;
    /* The smallest whole v with v ≥ 2^(bin/4) (irrational unless part is 0), minus one. */
    return part ? quarter[part] >> (62 - octave) : (UINT64_C(1) << octave) - 1;
}

unsigned histogram_bin(uint64_t bytes)
{
    if (bytes >= histogram_floor(HISTOGRAM_BINS - 1))
        return HISTOGRAM_BINS - 1;
    unsigned octave = 63 - (unsigned)__builtin_clzll(bytes + 1);
    unsigned bin = 4 * octave;
    while (bytes >= histogram_floor(bin + 1))
        bin++;
    return bin;
}

uint64_t histogram_middle(unsigned bin)
{
    double low = (double)histogram_floor(bin) + 1, high = (double)histogram_floor(bin + 1) + 1;
    return (uint64_t)(sqrt(low * high) - 0.5); /* whole numbers are v − 1 */
}

int64_t histogram_week(int64_t day)
{
    return day >= 0 ? day / 7 : -((6 - day) / 7);
}

double histogram_weight(int64_t age_weeks)
{
    static const double root[4] = {1.0, 0x1.ae89f995ad3adp-1, 0x1.6a09e667f3bcdp-1,
                                   0x1.306fe0a31b715p-1};
    if (age_weeks <= 0)
        return 1.0;
    if (age_weeks > HISTOGRAM_WEEKS)
        return 0.0;
    return root[age_weeks % 4] / (double)(1u << (age_weeks / 4));
}

void histogram_fini(struct histogram *h)
{
    free(h->cell);
    *h = (struct histogram){0};
}

void histogram_copy(struct histogram *to, const struct histogram *from)
{
    free(to->cell);
    *to = *from;
    to->room = from->count;
    to->cell = from->count ? xcalloc(from->count, sizeof *to->cell) : NULL;
    if (from->count)
        memcpy(to->cell, from->cell, from->count * sizeof *to->cell);
}

/* --- adding ---------------------------------------------------------------------------------- */

static uint16_t clamp_week(int64_t week)
{
    return (uint16_t)(week < 0 ? 0 : week > UINT16_MAX ? UINT16_MAX : week);
}

static uint16_t kept_week(uint16_t week, uint16_t newest)
{
    if (week / BLOCK_WEEKS < newest / BLOCK_WEEKS)
        return (uint16_t)(week / BLOCK_WEEKS * BLOCK_WEEKS + BLOCK_WEEKS / 2);
    return week / 2 < newest / 2 ? week | 1 : week;
}

static uint32_t saturating(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

/* Time went on: older weeks move to their block's week, and the oldest go. Order is kept, since
 * kept_week never grows faster than the week itself. */
static void age_cells(struct histogram *h, uint16_t newest)
{
    uint16_t kept = 0;
    for (uint16_t i = 0; i < h->count; i++) {
        struct histogram_cell cell = h->cell[i];
        cell.week = kept_week(cell.week, newest);
        if (newest - cell.week > HISTOGRAM_WEEKS)
            continue;
        struct histogram_cell *last = kept ? &h->cell[kept - 1] : NULL;
        if (last && last->bin == cell.bin && last->week == cell.week)
            last->count = saturating(last->count, cell.count);
        else
            h->cell[kept++] = cell;
    }
    h->count = kept;
    h->newest = newest;
}

static bool before(const struct histogram_cell *cell, unsigned bin, uint16_t week)
{
    return cell->bin < bin || (cell->bin == bin && cell->week < week);
}

/* Where the cell is, or where it would go. */
static uint16_t find_cell(const struct histogram *h, unsigned bin, uint16_t week)
{
    uint16_t low = 0;
    for (uint16_t high = h->count; low < high;) {
        uint16_t middle = (uint16_t)((low + high) / 2);
        if (before(&h->cell[middle], bin, week))
            low = (uint16_t)(middle + 1);
        else
            high = middle;
    }
    return low;
}

static void insert_cell(struct histogram *h, uint16_t at, struct histogram_cell cell)
{
    if (!h->cell || h->count == h->room) {
        h->room = (uint16_t)(h->room + h->room / 2 + 4); /* a copy has no room to spare */
        h->cell = xrealloc(h->cell, h->room * sizeof *h->cell);
    }
    memmove(&h->cell[at + 1], &h->cell[at], (size_t)(h->count - at) * sizeof *h->cell);
    h->cell[at] = cell;
    h->count++;
}

/* `newest` is the week of some cell, or what is packed would not be read again. Blocks stay as they
 * are: an older `newest` would keep those weeks apart, but what is joined cannot be parted. */
static void reach_newest(struct histogram *h)
{
    uint16_t newest = 0;
    for (uint16_t i = 0; i < h->count; i++)
        newest = h->cell[i].week > newest ? h->cell[i].week : newest;
    h->newest = newest;
}

void histogram_add(struct histogram *h, unsigned bin, int64_t week, uint32_t count)
{
    uint16_t at_week = clamp_week(week);
    if (count == 0)
        return;
    if (h->count == 0 || at_week > h->newest)
        age_cells(h, at_week);
    at_week = kept_week(at_week, h->newest);
    if (h->newest - at_week > HISTOGRAM_WEEKS)
        return;
    uint16_t at = find_cell(h, bin, at_week);
    if (at < h->count && h->cell[at].bin == bin && h->cell[at].week == at_week)
        h->cell[at].count = saturating(h->cell[at].count, count);
    else
        insert_cell(h, at, (struct histogram_cell){at_week, (uint8_t)bin, 0, count});
}

uint32_t histogram_take(struct histogram *h, unsigned bin, int64_t week, uint32_t count)
{
    uint16_t at_week = kept_week(clamp_week(week), h->newest);
    uint16_t at = find_cell(h, bin, at_week);
    if (at == h->count || h->cell[at].bin != bin || h->cell[at].week != at_week)
        return 0;
    uint32_t taken = count < h->cell[at].count ? count : h->cell[at].count;
    h->cell[at].count -= taken;
    if (h->cell[at].count > 0)
        return taken;
    h->count--;
    memmove(&h->cell[at], &h->cell[at + 1], (size_t)(h->count - at) * sizeof *h->cell);
    reach_newest(h);
    return taken;
}

bool histogram_thin(struct histogram *h)
{
    uint16_t oldest = h->newest, kept = 0;
    for (uint16_t i = 0; i < h->count; i++)
        oldest = h->cell[i].week < oldest ? h->cell[i].week : oldest;
    if (oldest == h->newest)
        return false;
    for (uint16_t i = 0; i < h->count; i++)
        if (h->cell[i].week != oldest)
            h->cell[kept++] = h->cell[i];
    h->count = kept;
    return true;
}

/* --- reading --------------------------------------------------------------------------------- */

static double weighted(const struct histogram_cell *cell, int64_t week)
{
    return histogram_weight(week - cell->week) * (double)cell->count;
}

double histogram_at_least(const struct histogram *h, unsigned bin, int64_t week)
{
    double sum = 0;
    for (uint16_t i = h->count; i-- > 0 && h->cell[i].bin >= bin;)
        sum += weighted(&h->cell[i], week);
    return sum;
}

double histogram_total(const struct histogram *h, int64_t week)
{
    return histogram_at_least(h, 0, week);
}

int histogram_largest(const struct histogram *h)
{
    return h->count ? h->cell[h->count - 1].bin : -1;
}

uint64_t histogram_samples_at_least(const struct histogram *h, unsigned bin)
{
    uint64_t sum = 0;
    for (uint16_t i = h->count; i-- > 0 && h->cell[i].bin >= bin;)
        sum += h->cell[i].count;
    return sum;
}

uint64_t histogram_samples(const struct histogram *h)
{
    return histogram_samples_at_least(h, 0);
}

int histogram_quantile(const struct histogram *h, double q, int64_t week)
{
    double wanted = q * histogram_total(h, week), sum = 0;
    for (uint16_t i = 0; i < h->count; i++) {
        sum += weighted(&h->cell[i], week);
        if (sum >= wanted)
            return h->cell[i].bin;
    }
    return histogram_largest(h); /* rounding, or nothing has weight any more */
}

/* --- packing
 * --------------------------------------------------------------------------------------- * bins;
 * newest week (16 bits); weeks in use, ages rising from 0 as differences; then for each bin:
 * difference to the bin before, a mask of its weeks, their counts. */

#define SLOTS       (HISTOGRAM_WEEKS + 1)
#define HEAD_MOST   (2 + 2 + 1 + SLOTS) /* bytes before the bins: their number to the weeks */
#define CELL_MOST   (2 + 4 + 5)         /* bytes of a bin, its mask and one count */
#define CELLS_LOCAL (HISTOGRAM_BINS * SLOTS)

/* Room is made once, for the most it can take: a profile has over a hundred histograms. */
static uint8_t *write_unsigned(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

/* The ages in use, youngest first, and the bit of each. */
static uint8_t *pack_ages(uint8_t *at, uint32_t used, uint32_t bit_of_age[SLOTS])
{
    uint8_t *slots = at++;
    uint32_t bit = 1;
    for (unsigned last = 0; used; used &= used - 1, bit <<= 1) {
        unsigned age = (unsigned)__builtin_ctz(used);
        at = write_unsigned(at, age - last);
        last = age;
        bit_of_age[age] = bit;
    }
    *slots = (uint8_t)(at - slots - 1); /* each took a byte */
    return at;
}

static uint8_t *pack_bins(uint8_t *at, const struct histogram *h, const uint32_t bit_of_age[SLOTS])
{
    const struct histogram_cell *cell = h->cell, *end = cell + h->count;
    const unsigned newest = h->newest; /* or it is read again behind each byte */
    for (unsigned last = 0; cell < end;) {
        const struct histogram_cell *next = cell + 1;
        unsigned bin = cell->bin;
        uint32_t mask = bit_of_age[newest - cell->week];
        for (; next < end && next->bin == bin; next++)
            mask |= bit_of_age[newest - next->week];
        at = write_unsigned(at, bin - last);
        at = write_unsigned(at, mask);
        do
            at = write_unsigned(at, cell->count);
        while (++cell < next);
        last = bin;
    }
    return at;
}

void histogram_pack(const struct histogram *h, struct buffer *out)
{
    uint32_t used = 0, bit_of_age[SLOTS]; /* by age */
    unsigned bins = 0, last = HISTOGRAM_BINS;
    for (uint16_t i = 0; i < h->count; i++) {
        used |= UINT32_C(1) << (h->newest - h->cell[i].week);
        bins += h->cell[i].bin != last;
        last = h->cell[i].bin;
    }
    put_unsigned(out, bins);
    if (bins == 0)
        return;
    buffer_le16(out, h->newest);
    buffer_reserve(out, HEAD_MOST + (size_t)CELL_MOST * h->count);
    uint8_t *at = pack_ages(out->data + out->size, used, bit_of_age);
    at = pack_bins(at, h, bit_of_age);
    out->size = (size_t)(at - out->data);
}

/* The weeks in use, latest first; their number, or 0 when they are not what pack writes. */
static unsigned unpack_weeks(struct cursor *in, uint16_t newest, uint16_t week[SLOTS])
{
    unsigned slots = cursor_u8(in), last = 0;
    if (slots == 0 || slots > SLOTS)
        return 0;
    for (unsigned i = 0; i < slots; i++) {
        uint64_t step = take_at_most(in, HISTOGRAM_WEEKS - last);
        if (in->failed || (i == 0) != (step == 0) || last + step > newest)
            return 0;
        last += (unsigned)step;
        week[i] = (uint16_t)(newest - last);
        if (week[i] != kept_week(week[i], newest))
            return 0;
    }
    return slots;
}

/* Returns the end of what it wrote, or NULL. At most SLOTS cells: the mask is below 2^slots. */
static struct histogram_cell *unpack_bin(struct histogram_cell *cell, struct cursor *in,
                                         unsigned bin, uint64_t mask, const uint16_t week[SLOTS])
{
    while (mask) { /* cells go oldest first */
        unsigned slot = 63 - (unsigned)__builtin_clzll(mask);
        uint32_t count = (uint32_t)take_at_most(in, UINT32_MAX);
        if (count == 0)
            return NULL;
        *cell++ = (struct histogram_cell){week[slot], (uint8_t)bin, 0, count};
        mask &= ~(UINT64_C(1) << slot);
    }
    return cell;
}

/* The number of cells, or 0. */
static size_t unpack_bins(struct histogram_cell cells[CELLS_LOCAL], uint16_t newest,
                          struct cursor *in, uint64_t bins)
{
    uint16_t week[SLOTS];
    unsigned slots = unpack_weeks(in, newest, week), bin = 0;
    struct histogram_cell *cell = cells;
    uint64_t used = 0;
    for (uint64_t i = 0; slots && i < bins; i++) {
        uint64_t step = take_at_most(in, HISTOGRAM_BINS - 1 - bin);
        uint64_t mask = take_unsigned(in);
        if (in->failed || (i > 0 && step == 0) || mask == 0 || mask >> slots)
            return 0;
        bin += (unsigned)step;
        used |= mask;
        cell = unpack_bin(cell, in, bin, mask, week);
        if (!cell)
            return 0;
    }
    return slots && !in->failed && used == (UINT64_C(1) << slots) - 1 ? (size_t)(cell - cells) : 0;
}

/* Cells are gathered on the stack (39 kB, of which what there is is touched), since only their end
 * tells how many there are. */
bool histogram_unpack(struct histogram *h, struct cursor *in)
{
    struct histogram_cell cells[CELLS_LOCAL];
    *h = (struct histogram){0};
    uint64_t bins = take_at_most(in, HISTOGRAM_BINS);
    if (in->failed)
        return false;
    if (bins == 0)
        return true;
    uint16_t newest = cursor_le16(in);
    struct cursor local = *in; /* nothing else points to it: it may stay in registers */
    size_t count = unpack_bins(cells, newest, &local, bins);
    *in = local;
    if (count == 0)
        return false;
    h->cell = xrealloc(NULL, count * sizeof *cells);
    memcpy(h->cell, cells, count * sizeof *cells);
    h->count = h->room = (uint16_t)count;
    h->newest = newest;
    return true;
}
