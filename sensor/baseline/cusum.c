/* The long CUSUM: four numbers a host or pair, changed once a finished day. Thread: any (pure). */
#include "weir/baseline/cusum.h"

#include "varint.h"

#include <math.h>

#define KEEP            0.97
#define DRIFT           0.5
#define CLIP            3.0 /* σ that one day can add */
#define SUSPECT         3.0 /* C from which learning is slow */
#define SLOW            0.1
#define LIMIT           30
#define STEP_CLIP       1.5 /* octaves that ref believes of one day */
#define DEVIATION       0.8
#define DEVIATION_CLIP  3.0
#define DEVIATION_PRIOR 4                      /* values that DEVIATION stands for */
#define NORMAL          1.25331413731550025121 /* √(π/2) */
#define OCTAVES         128.0                  /* no difference of logarithms of bytes is larger */

static double clip(double value, double least, double most)
{
    return fmax(least, fmin(most, value));
}

static double storable(double value)
{
    return (double)(float)value;
}

/* 1/min(n, LIMIT) of the value at hand, with `before` values imagined. */
static double step_of(const struct cusum *cusum, uint32_t before)
{
    uint32_t n = cusum->days < LIMIT ? cusum->days + before : LIMIT;
    return 1.0 / (double)(n < LIMIT ? n : LIMIT);
}

double cusum_sigma(const struct cusum *cusum)
{
    return fmax(CUSUM_SIGMA, (cusum->days ? cusum->deviation : DEVIATION) * NORMAL);
}

/* The warm-up has no sum. */
static double sum_with(const struct cusum *cusum, double r, uint32_t days)
{
    double step = clip(r / cusum_sigma(cusum), -CLIP, CLIP) - DRIFT;
    return days > CUSUM_WARMUP ? storable(clip(KEEP * cusum->sum + step, 0, CUSUM_MOST)) : 0;
}

double cusum_with(const struct cusum *cusum, double value)
{
    if (cusum->days == 0 || !isfinite(value))
        return cusum->sum;
    return sum_with(cusum, value - cusum->reference, cusum->days + (cusum->days < UINT32_MAX));
}

void cusum_add(struct cusum *cusum, double value)
{
    if (!isfinite(value))
        return;
    if (cusum->days == 0) {
        *cusum =
            (struct cusum){0, storable(clip(value, -OCTAVES, OCTAVES)), storable(DEVIATION), 1};
        return;
    }
    double r = value - cusum->reference;
    if (cusum->days < UINT32_MAX)
        cusum->days++;
    cusum->sum = sum_with(cusum, r, cusum->days);
    double pace = cusum->sum > SUSPECT ? SLOW : 1;
    cusum->reference =
        storable(cusum->reference + pace * clip(r, -STEP_CLIP, STEP_CLIP) * step_of(cusum, 0));
    cusum->deviation =
        storable(cusum->deviation + pace * (fmin(fabs(r), DEVIATION_CLIP) - cusum->deviation) *
                                        step_of(cusum, DEVIATION_PRIOR));
}

/* --- packing: values (a varint), then C, ref, a as floats ------------------------------------- */

void cusum_pack(const struct cusum *cusum, struct buffer *out)
{
    put_unsigned(out, cusum->days);
    if (cusum->days == 0)
        return;
    put_f32(out, cusum->sum);
    put_f32(out, cusum->reference);
    put_f32(out, cusum->deviation);
}

/* Fails the cursor outside of [least, most] (NaN is). */
static double take_within(struct cursor *in, double least, double most)
{
    uint32_t bits = cursor_le32(in);
    float value;
    memcpy(&value, &bits, sizeof value);
    if ((double)value >= least && (double)value <= most)
        return (double)value;
    in->failed = true;
    in->at = in->end;
    return 0;
}

bool cusum_unpack(struct cusum *cusum, struct cursor *in)
{
    *cusum = (struct cusum){0};
    uint32_t days = (uint32_t)take_at_most(in, UINT32_MAX);
    if (days > 0) {
        double sum = take_within(in, 0, CUSUM_MOST);
        double reference = take_within(in, -OCTAVES, OCTAVES);
        double deviation = take_within(in, 0, DEVIATION_CLIP);
        *cusum = (struct cusum){sum, reference, deviation, days};
    }
    if (in->failed)
        *cusum = (struct cusum){0};
    return !in->failed;
}
