/* A pair's rhythm: hours go in, one day at a time; and its packed form, a byte when there is none,
 * about 40 for a clock that ran all day, at most RHYTHM_PACKED_MOST. Engine thread. */
#include "weir/baseline/rhythm.h"

#include "rhythm_counts.h"
#include "varint.h"

#include <stdlib.h>

#define HOUR_S     INT64_C(3600)
#define THOUSAND   1000
#define FLAG_TODAY 1u
#define FLAG_CUT   2u
#define FLAG_SCORE 4u
#define DAYS_LIMIT (INT64_C(1) << 40) /* differences in days and seconds that are believed */

void rhythm_fini(struct rhythm *rhythm)
{
    free(rhythm->today);
    *rhythm = (struct rhythm){0};
}

void rhythm_drop(struct rhythm *rhythm)
{
    free(rhythm->today);
    rhythm->today = NULL;
}

void rhythm_end_day(struct rhythm *rhythm, int64_t day)
{
    struct rhythm_score score;
    if (!rhythm->today || rhythm->day >= day)
        return;
    if (rhythm_score(rhythm, &score)) {
        rhythm->scored_day = rhythm->day;
        rhythm->score = (uint16_t)(score.score * THOUSAND + 0.5);
    }
    rhythm_drop(rhythm);
}

static void take_start(struct rhythm_day *day, int64_t second, uint32_t bytes, bool after_gap)
{
    bool first = rhythm_total(&day->sizes) == 0;
    if (first)
        day->first_s = second;
    else if (second > day->last_s && !after_gap)
        rhythm_count(&day->intervals, (uint32_t)(second - day->last_s));
    rhythm_count(&day->sizes, bytes);
    if (first || second > day->last_s) /* a blob may claim to be of later than now */
        day->last_s = second;
}

void rhythm_hour(struct rhythm *rhythm, const struct civil *civil, const struct starts *starts,
                 uint32_t flows)
{
    if (flows < starts->count) /* a flow whose name came late was counted without it */
        flows = starts->count;
    rhythm_end_day(rhythm, civil->day);
    if (flows == 0)
        return;
    if (!rhythm->today)
        rhythm->today = xcalloc(1, sizeof *rhythm->today);
    rhythm->day = civil->day;
    struct rhythm_day *day = rhythm->today;
    day->asked = day->scored = false;
    uint32_t *connections = &day->connections[civil->hour_of_day % RHYTHM_HOURS];
    *connections = flows > UINT32_MAX - *connections ? UINT32_MAX : *connections + flows;
    for (uint16_t i = 0; i < starts->count; i++)
        take_start(day, civil->hour * HOUR_S + starts->at[i].second, starts->at[i].bytes,
                   i == 0 && day->cut);
    if (starts->count > 0)
        day->cut = starts_cut(starts);
}

/* --- packing ---------------------------------------------------------------------------------- */

static void put_counts(struct buffer *out, const struct rhythm_counts *counts)
{
    put_unsigned(out, counts->used);
    if (counts->used == 0)
        return;
    buffer_u8(out, counts->halvings);
    for (uint8_t i = 0; i < counts->used; i++) {
        put_unsigned(out, (uint64_t)counts->cell[i].bin - (i ? counts->cell[i - 1].bin : 0));
        put_unsigned(out, counts->cell[i].count);
    }
}

static void put_day(struct buffer *out, const struct rhythm_day *day, int64_t hour)
{
    uint32_t mask = 0;
    for (unsigned i = 0; i < RHYTHM_HOURS; i++)
        mask |= (uint32_t)(day->connections[i] > 0) << i;
    put_unsigned(out, mask);
    for (unsigned i = 0; i < RHYTHM_HOURS; i++)
        if (day->connections[i] > 0)
            put_unsigned(out, day->connections[i]);
    put_counts(out, &day->sizes);
    put_counts(out, &day->intervals);
    if (day->sizes.used == 0)
        return;
    put_signed(out, hour * HOUR_S - day->last_s);
    put_unsigned(out, (uint64_t)(day->last_s - day->first_s));
}

void rhythm_pack(const struct rhythm *rhythm, int64_t hour, int64_t day, struct buffer *out)
{
    const struct rhythm_day *today = rhythm->today;
    bool scored = rhythm->scored_day != 0;
    buffer_u8(out, (uint8_t)((today ? FLAG_TODAY : 0) | (today && today->cut ? FLAG_CUT : 0) |
                             (scored ? FLAG_SCORE : 0)));
    if (scored) {
        put_signed(out, day - rhythm->scored_day);
        put_unsigned(out, rhythm->score);
    }
    if (today) {
        put_signed(out, day - rhythm->day);
        put_day(out, today, hour);
    }
}

/* --- reading ---------------------------------------------------------------------------------- */

static int64_t take_since(struct cursor *in, int64_t from)
{
    int64_t value = take_signed(in);
    if (value > -DAYS_LIMIT && value < DAYS_LIMIT)
        return from - value;
    in->failed = true;
    in->at = in->end;
    return 0;
}

static bool take_counts(struct cursor *in, struct rhythm_counts *counts)
{
    counts->used = (uint8_t)take_at_most(in, RHYTHM_CELLS);
    if (in->failed || counts->used == 0)
        return !in->failed;
    counts->halvings = cursor_u8(in);
    if (counts->halvings > RHYTHM_HALVINGS)
        return false;
    uint16_t bin = 0;
    for (uint8_t i = 0; i < counts->used; i++) {
        uint64_t step = take_at_most(in, (uint64_t)(rhythm_last_bin(counts->halvings) - bin));
        uint32_t count = (uint32_t)take_at_most(in, UINT32_MAX);
        if (in->failed || (i > 0 && step == 0) || count == 0)
            return false;
        bin = (uint16_t)(bin + step);
        counts->cell[i] = (struct rhythm_cell){bin, count};
    }
    return true;
}

static bool take_day(struct cursor *in, struct rhythm_day *day, int64_t hour)
{
    uint64_t mask = take_at_most(in, (UINT64_C(1) << RHYTHM_HOURS) - 1);
    for (unsigned i = 0; i < RHYTHM_HOURS; i++)
        if (mask >> i & 1 && (day->connections[i] = (uint32_t)take_at_most(in, UINT32_MAX)) == 0)
            return false;
    if (in->failed || mask == 0 || !take_counts(in, &day->sizes) ||
        !take_counts(in, &day->intervals))
        return false;
    if (day->sizes.used == 0)
        return day->intervals.used == 0 && !day->cut;
    day->last_s = take_since(in, hour * HOUR_S);
    day->first_s = day->last_s - (int64_t)take_at_most(in, DAYS_LIMIT);
    return !in->failed;
}

static bool take_rhythm(struct rhythm *rhythm, int64_t hour, int64_t day, struct cursor *in)
{
    uint8_t flags = cursor_u8(in);
    if (in->failed || flags > (FLAG_TODAY | FLAG_CUT | FLAG_SCORE) ||
        (flags & (FLAG_TODAY | FLAG_CUT)) == FLAG_CUT)
        return false;
    if (flags & FLAG_SCORE) {
        rhythm->scored_day = take_since(in, day);
        rhythm->score = (uint16_t)take_at_most(in, THOUSAND);
        if (in->failed || rhythm->scored_day == 0)
            return false;
    }
    if (!(flags & FLAG_TODAY))
        return true;
    rhythm->day = take_since(in, day);
    rhythm->today = xcalloc(1, sizeof *rhythm->today);
    rhythm->today->cut = flags & FLAG_CUT;
    return take_day(in, rhythm->today, hour);
}

bool rhythm_unpack(struct rhythm *rhythm, int64_t hour, int64_t day, struct cursor *in)
{
    *rhythm = (struct rhythm){0};
    if (take_rhythm(rhythm, hour, day, in))
        return true;
    rhythm_fini(rhythm);
    return false;
}
