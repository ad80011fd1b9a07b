/* The four parts of the beacon score (rhythm.h). Thread: any (pure). */
#include "rhythm_counts.h"

#include <math.h>

#define SKEW_RANGE    10.0 /* s or bytes: quartiles closer than that have no skew */
#define MODE_SHARE    0.05
#define MODE_HOURS    11
#define LASTING_HOURS 6
#define IDEAL_HOURS   12
#define DAY_S         86400.0

/* How regular the values are. `unknown`: the part of the deviation when the median is below 1. */
static double regularity(struct rhythm_spread spread, double unknown)
{
    double q1 = spread.quartile[0], q2 = spread.quartile[1], q3 = spread.quartile[2];
    double skew = 0, steady = unknown;
    if (q3 - q1 >= SKEW_RANGE && !spread.same[0] && !spread.same[1])
        skew = (q1 + q3 - 2 * q2) / (q3 - q1);
    if (q2 >= 1)
        steady = fmax(0, (q2 - spread.deviation) / q2);
    return ((1 - fmin(1, fabs(skew))) + steady) / 2;
}

struct hours {
    uint32_t largest;
    unsigned used, longest_run;
    double sum;
};

/* Of hours, a bit each; they go round midnight. */
static unsigned longest_run(uint64_t used)
{
    unsigned run = 0;
    for (used |= used << RHYTHM_HOURS; used && run < RHYTHM_HOURS; used &= used << 1)
        run++;
    return run;
}

static struct hours hours_of(const struct rhythm_day *day)
{
    struct hours hours = {0, 0, 0, 0};
    uint64_t used = 0;
    for (unsigned i = 0; i < RHYTHM_HOURS; i++) {
        uint32_t count = day->connections[i];
        used |= (uint64_t)(count > 0) << i;
        hours.sum += (double)count;
        if (count > hours.largest)
            hours.largest = count;
    }
    hours.used = (unsigned)__builtin_popcountll(used);
    hours.longest_run = longest_run(used);
    return hours;
}

static double evenness(const struct rhythm_day *day, const struct hours *hours)
{
    double mean = hours->sum / RHYTHM_HOURS, squares = 0;
    for (unsigned i = 0; i < RHYTHM_HOURS; i++)
        squares += ((double)day->connections[i] - mean) * ((double)day->connections[i] - mean);
    return fmax(0, 1 - sqrt(squares / RHYTHM_HOURS) / mean);
}

/* The share of hours in the two commonest levels, one odd hour left out. */
static double two_levels(const struct rhythm_day *day, const struct hours *hours)
{
    unsigned levels[RHYTHM_HOURS] = {0}, first = 0, second = 0;
    double width = ceil((double)hours->largest * MODE_SHARE);
    for (unsigned i = 0; i < RHYTHM_HOURS; i++)
        if (day->connections[i] > 0) /* at most 1/MODE_SHARE = 20: below 24 */
            levels[(unsigned)((double)day->connections[i] / width)]++;
    for (unsigned i = 0; i < RHYTHM_HOURS; i++)
        if (levels[i] > first) {
            second = first;
            first = levels[i];
        } else if (levels[i] > second) {
            second = levels[i];
        }
    return fmin(1, (double)(first + second) / (double)(hours->used - 1));
}

static double lasting(const struct rhythm_day *day, const struct hours *hours)
{
    if (hours->used < LASTING_HOURS)
        return 0;
    double coverage = (double)(day->last_s - day->first_s) / DAY_S;
    return fmin(1, fmax(coverage, (double)hours->longest_run / IDEAL_HOURS));
}

/* What its hours make of it. */
static bool score_hours(const struct rhythm *rhythm, struct rhythm_score *score)
{
    const struct rhythm_day *day = rhythm->today;
    if (!day || rhythm_total(&day->sizes) < RHYTHM_LEAST ||
        rhythm_total(&day->intervals) < RHYTHM_LEAST - 1)
        return false;
    struct hours hours = hours_of(day);
    if (hours.sum >= RHYTHM_CONNECTIONS)
        return false;
    /* In fewer hours than half of all they deviate by more than their mean: nothing is even. */
    score->hist =
        hours.used < MODE_HOURS ? 0 : fmax(evenness(day, &hours), two_levels(day, &hours));
    score->dur = lasting(day, &hours);
    return true;
}

static double all_of(const struct rhythm_score *score)
{
    return (score->ts + score->ds + score->hist + score->dur) / 4;
}

bool rhythm_score(const struct rhythm *rhythm, struct rhythm_score *score)
{
    const struct rhythm_day *day = rhythm->today;
    if (!score_hours(rhythm, score))
        return false;
    score->ts = regularity(rhythm_spread_of(&day->intervals), 1);
    score->ds = regularity(rhythm_spread_of(&day->sizes), 0);
    score->score = all_of(score);
    return true;
}

/* Each part is 1 at most, and the higher the less deviates: one after the other is bounded, then
 * worked out, while all of them may still come to more than `least`. By its hours alone one of less
 * than six comes to no more than BEACON_LEAST. */
static void narrow(const struct rhythm *rhythm, double least)
{
    struct rhythm_day *day = rhythm->today;
    struct rhythm_score most = {.ts = 1, .ds = 1};
    day->asked = true;
    day->scored = !score_hours(rhythm, &most);
    day->score = 0;
    if (day->scored)
        return;
    if (all_of(&most) > least)
        most.ts = regularity(rhythm_spread_least(&day->intervals), 1);
    if (all_of(&most) > least)
        most.ds = regularity(rhythm_spread_least(&day->sizes), 0);
    if (all_of(&most) > least)
        most.ts = regularity(rhythm_spread_of(&day->intervals), 1);
    day->scored = all_of(&most) > least;
    if (day->scored)
        most.ds = regularity(rhythm_spread_of(&day->sizes), 0);
    day->score = all_of(&most);
}

bool rhythm_exceeds(const struct rhythm *rhythm, double least, double *score)
{
    const struct rhythm_day *day = rhythm->today;
    if (!day || (day->asked && day->score <= least))
        return false;
    if (!day->asked || !day->scored)
        narrow(rhythm, least);
    *score = day->score;
    return day->score > least;
}

double rhythm_interval(const struct rhythm *rhythm)
{
    const struct rhythm_day *day = rhythm->today;
    if (!day || rhythm_total(&day->intervals) < 2)
        return 0;
    return rhythm_spread_of(&day->intervals).quartile[1];
}

uint64_t rhythm_connections(const struct rhythm *rhythm)
{
    uint64_t sum = 0;
    for (unsigned i = 0; rhythm->today && i < RHYTHM_HOURS; i++)
        sum += rhythm->today->connections[i];
    return sum;
}

bool rhythm_habit(const struct rhythm *rhythm, struct rhythm_habit *habit)
{
    const struct rhythm_day *day = rhythm->today;
    if (!day || rhythm_total(&day->intervals) < 2)
        return false;
    struct rhythm_spread intervals = rhythm_spread_of(&day->intervals);
    *habit = (struct rhythm_habit){intervals.quartile[1], intervals.deviation,
                                   rhythm_spread_of(&day->sizes).quartile[1]};
    return true;
}
