/* What was told of a side within the week, place by place: a handful, gone through. Thread: any. */
#include "weir/baseline/lately.h"

#include <math.h>

static bool counts(const struct last_told *told, int64_t day, int64_t since)
{
    return told->e > 0 && told->day >= since && day - told->day < SILENT_DAYS;
}

/* The place itself; else, of one more than there is room for, the host's. */
static uint32_t story_of(const struct told_lately *lately, int64_t day, uint32_t place,
                         int64_t since)
{
    int others = 0;
    for (int i = 0; i < LATELY_PLACES; i++)
        others += counts(&lately->at[i], day, since) && lately->at[i].place != place;
    return others == LATELY_PLACES ? 0 : place;
}

/* A place's own story, and what may be its doing. */
static bool is_same(const struct last_told *told, uint32_t place)
{
    return told->place == place || told->place == 0 || place == 0;
}

double lately_silent_e(const struct told_lately *lately, int64_t day, uint32_t place, int64_t since)
{
    uint32_t story = story_of(lately, day, place, since);
    double most = 0;
    for (int i = 0; i < LATELY_PLACES; i++) {
        const struct last_told *told = &lately->at[i];
        if (counts(told, day, since) && is_same(told, story))
            most = fmax(most, (double)told->e);
    }
    return SILENT_FACTOR * most;
}

bool lately_on(const struct told_lately *lately, int64_t day)
{
    bool on = false;
    for (int i = 0; i < LATELY_PLACES; i++)
        on |= lately->at[i].e > 0 && lately->at[i].day == day;
    return on;
}

/* Its own, else a free one, else the one told longest ago. */
static struct last_told *room(struct told_lately *lately, uint32_t place)
{
    struct last_told *oldest = &lately->at[0];
    for (int i = 0; i < LATELY_PLACES; i++) {
        struct last_told *told = &lately->at[i];
        if (told->e > 0 && told->place == place)
            return told;
        if (oldest->e > 0 && (!(told->e > 0) || told->day < oldest->day))
            oldest = told;
    }
    return oldest;
}

void lately_tell(struct told_lately *lately, int64_t day, double e, uint32_t place)
{
    *room(lately, place) = (struct last_told){(int32_t)day, (float)e, place};
}

void lately_forget(struct told_lately *lately, int64_t before)
{
    for (int i = 0; i < LATELY_PLACES; i++)
        if (lately->at[i].day < before)
            lately->at[i] = (struct last_told){0};
}
