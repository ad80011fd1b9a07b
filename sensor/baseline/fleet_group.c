/* One group's tables: by index for copying and packing, fading, sums, and the median of a day.
 * Thread: the engine's. */
#include "fleet_local.h"
#include "tail.h"

#include <math.h>
#include <stdlib.h>

struct residuals *group_residuals(struct group *group, size_t index)
{
    /* cppcheck-suppress constVariable ; the pointers are const, what they point to is not */
    struct residuals *const all[GROUP_RESIDUALS] = {
        &group->host_hour,   &group->host_day,   &group->pair_hour, &group->pair_day,
        &group->served_hour, &group->served_day, &group->inside_day};
    return all[index];
}

struct histogram *group_histogram(struct group *group, size_t index)
{
    return index == 0   ? &group->absolute_hour
           : index == 1 ? &group->absolute_day
                        : &group->absolute_inside;
}

struct histogram *young_histogram(struct young *young, size_t index)
{
    size_t kind, bucket;
    if (index < 2)
        return index == 0 ? &young->exposure : &young->exposure_hours;
    kind = (index - 2) / PREVALENCE_BUCKETS;
    bucket = (index - 2) % PREVALENCE_BUCKETS;
    return kind == YOUNG_FIRST_WEEK ? &young->first_week[bucket]
           : kind == YOUNG_HOUR     ? &young->hour[bucket]
                                    : &young->span[bucket];
}

static struct sizes *group_sizes(struct group *group, size_t index)
{
    return index == 0 ? &group->sizes_hour : index == 1 ? &group->sizes_day : &group->sizes_inside;
}

void group_copy(struct group *to, struct group *from)
{
    for (size_t i = 0; i < GROUP_RESIDUALS; i++)
        *group_residuals(to, i) = *group_residuals(from, i);
    for (size_t i = 0; i < GROUP_HISTOGRAMS; i++) {
        histogram_copy(group_histogram(to, i), group_histogram(from, i));
        *group_sizes(to, i) = *group_sizes(from, i);
    }
    memcpy(to->active, from->active, sizeof to->active);
    memcpy(to->seen, from->seen, sizeof to->seen);
    memcpy(to->day, from->day, sizeof to->day);
    to->contacts = from->contacts;
    to->calibrations = from->calibrations;
}

void group_fini(struct group *group)
{
    for (size_t i = 0; i < GROUP_HISTOGRAMS; i++)
        histogram_fini(group_histogram(group, i));
}

void young_copy(struct young *to, struct young *from)
{
    for (size_t i = 0; i < YOUNG_HISTOGRAMS; i++)
        histogram_copy(young_histogram(to, i), young_histogram(from, i));
}

void young_fini(struct young *young)
{
    for (size_t i = 0; i < YOUNG_HISTOGRAMS; i++)
        histogram_fini(young_histogram(young, i));
}

struct peer_group *peer_group_new(void)
{
    return xcalloc(1, sizeof(struct peer_group));
}

void peer_group_free(void *value)
{
    struct peer_group *group = value;
    group_fini(&group->now);
    group_fini(&group->next);
    hostset_fini(&group->hosts);
    hostset_fini(&group->next_hosts);
    free(group);
}

static void calibrations_fade(struct calibrations *calibrations, double weight)
{
    for (size_t which = 0; which < CALIBRATIONS; which++)
        for (int off = 0; off < 2; off++)
            for (size_t bin = 0; bin < CALIBRATION_BINS; bin++)
                calibrations->of[which][off].count[bin] *= weight;
}

/* Counts that are plain numbers fade when their week is over; histograms do that by themselves. */
void group_fade(struct group *group, double weight)
{
    calibrations_fade(&group->calibrations, weight * weight); /* in half the time */
    for (size_t i = 0; i < GROUP_RESIDUALS; i++) {
        struct residuals *table = group_residuals(group, i);
        for (size_t bin = 0; bin < HISTOGRAM_BINS; bin++)
            table->count[bin] *= weight;
    }
    for (size_t i = 0; i < FLEET_HOUR_WEEKS; i++) {
        group->active[i] *= weight;
        group->seen[i] *= weight;
    }
    for (int kind = 0; kind < DESTINATION_KINDS; kind++) {
        group->contacts.all[kind] *= weight;
        for (int bucket = 0; bucket < PREVALENCE_BUCKETS; bucket++)
            group->contacts.first[kind][bucket] *= weight;
    }
}

/* Always summed in the same order, so that a restarted sensor has the same total to the last bit.
 */
void group_sum(struct group *group, int64_t week)
{
    for (size_t i = 0; i < GROUP_RESIDUALS; i++) {
        struct residuals *table = group_residuals(group, i);
        table->total = 0;
        table->first = 0;
        while (table->first < HISTOGRAM_BINS - 1 && table->count[table->first] <= 0)
            table->first++;
        for (size_t bin = 0; bin < HISTOGRAM_BINS; bin++)
            table->total += table->count[bin];
        table->tail = tail_fit(table, TAIL_SIGMA);
    }
    for (size_t i = 0; i < GROUP_HISTOGRAMS; i++)
        tail_sizes(group_sizes(group, i), group_histogram(group, i), week);
    for (unsigned which = 0; which < CALIBRATIONS; which++)
        for (int off = 0; off < 2; off++)
            calibration_fit(&group->calibrations.of[which][off], which);
}

/* Where half of `total` lies, straight within the bin, in octaves. */
static double median_of(const double count[HISTOGRAM_BINS], double total)
{
    double below = 0;
    unsigned bin = 0;
    while (bin < HISTOGRAM_BINS - 1 && below + count[bin] < 0.5 * total)
        below += count[bin++];
    double part = count[bin] > 0 ? (0.5 * total - below) / count[bin] : 0.5;
    return ((double)bin + part) / 4;
}

double group_median(const struct group *group, int64_t day)
{
    const struct day_sizes *sizes = &group->day[(uint64_t)day % FLEET_DAYS];
    double count[HISTOGRAM_BINS], total = 0;
    if (sizes->day != day)
        return NAN;
    for (size_t bin = 0; bin < HISTOGRAM_BINS; bin++)
        total += count[bin] = sizes->count[bin];
    return total >= FLEET_MEDIAN_HOSTS ? median_of(count, total) : NAN;
}

double group_usual_median(const struct group *group, int64_t day)
{
    int64_t week = histogram_week(day);
    double count[HISTOGRAM_BINS] = {0}, total = 0;
    for (uint16_t i = 0; i < group->absolute_day.count; i++) {
        const struct histogram_cell *cell = &group->absolute_day.cell[i];
        double weighted = histogram_weight(week - cell->week) * (double)cell->count;
        count[cell->bin] += weighted;
        total += weighted;
    }
    return total > 0 ? median_of(count, total) : NAN;
}
