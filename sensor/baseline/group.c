/* Quantising, with a margin at the edges: the group is kept in the profile, so the same past gives
 * the same group whatever happened to be in memory. Thread: any (pure). */
#include "weir/baseline/group.h"

#include <stdio.h>
#include <string.h>

#define CONFIGURED   '='
#define SIZE_BANDS   5
#define SHARE_BANDS  4
#define SIZE_MARGIN  2.0  /* bins */
#define SHARE_MARGIN 1.25 /* a factor */

static const double size_edge[SIZE_BANDS - 1] = {48, 64, 80, 96}; /* bins: 2^12 … 2^24 bytes */
static const double share_edge[SHARE_BANDS - 1] = {0.05, 0.2, 0.5};

static int band_of(double value, const double *edge, int edges)
{
    int band = 0;
    while (band < edges && value >= edge[band])
        band++;
    return band;
}

/* The band it was in, while both `low` and `high`, either side of the value, do not leave it. */
static int settle(int was, double low, double value, double high, const double *edge, int edges)
{
    if (was >= band_of(low, edge, edges) && was <= band_of(high, edge, edges))
        return was;
    return band_of(value, edge, edges);
}

static int digit(const char *group, int at, int bands)
{
    int value = group[0] == 'q' && strlen(group) == 3 ? group[at] - '0' : -1;
    return value >= 0 && value < bands ? value : -1;
}

bool group_is_configured(const char *group)
{
    return group[0] == CONFIGURED;
}

void group_decide(struct profile *profile, int64_t day)
{
    double seen = 0, active = 0;
    if (group_is_configured(profile->group))
        return;
    for (int i = 0; i < HOUR_CLASSES; i++) {
        seen += profile->hours_seen[i];
        active += profile->hours_active[i];
    }
    if (seen < GROUP_HOURS || histogram_samples(&profile->hour) < GROUP_ACTIVE)
        return;
    double bin = histogram_quantile(&profile->hour, 0.5, histogram_week(day));
    double share = active / seen;
    int size = settle(digit(profile->group, 1, SIZE_BANDS), bin - SIZE_MARGIN, bin,
                      bin + SIZE_MARGIN, size_edge, SIZE_BANDS - 1);
    int often = settle(digit(profile->group, 2, SHARE_BANDS), share / SHARE_MARGIN, share,
                       share * SHARE_MARGIN, share_edge, SHARE_BANDS - 1);
    snprintf(profile->group, sizeof profile->group, "q%d%d", size, often);
}

void profile_set_group(struct profile *profile, const char *name)
{
    if (name)
        snprintf(profile->group, sizeof profile->group, "%c%.*s", CONFIGURED,
                 (int)(GROUP_NAME_SIZE - 2), name);
    else if (group_is_configured(profile->group))
        profile->group[0] = '\0';
}

char *group_text(const char *group, char *text, size_t size)
{
    static const char *const sizes[SIZE_BANDS] = {
        "less than 4 KiB", "4 to 64 KiB", "64 KiB to 1 MiB", "1 to 16 MiB", "more than 16 MiB"};
    static const char *const shares[SHARE_BANDS] = {"less than 5", "5 to 20", "20 to 50",
                                                    "more than 50"};
    int bytes = digit(group, 1, SIZE_BANDS), often = digit(group, 2, SHARE_BANDS);
    if (group_is_configured(group))
        snprintf(text, size, "%s", group + 1);
    else if (bytes < 0 || often < 0)
        snprintf(text, size, "none yet");
    else
        snprintf(text, size, "%s an active hour, active %s %% of the time", sizes[bytes],
                 shares[often]);
    return text;
}
