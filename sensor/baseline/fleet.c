/* The fleet's tables. Readers see `group`; notes go into `next`, a copy of it, and become visible
 * together when fleet_apply copies back: so no host's judgement depends on which host was closed
 * before it within an hour. Sums of counts do not depend on the order of the notes; prevalence is
 * applied in sorted order, because what is forgotten at the bound does.
 *
 * The last day of a destination already in the table is written at once: nothing is judged by it.
 * Engine thread. */
#include "fleet_local.h"

#include "weir/base/digest.h"

#include <math.h>
#include <stdlib.h>

#define HOST_SEED     UINT64_C(0x666c656574)
#define FORGET_SHARE  16
#define WEEK_OF_NEVER INT64_MIN

unsigned residual_bin(uint64_t bytes, double location)
{
    double bin = floor(4 * (log2((double)bytes + 1) - location)) + RESIDUAL_ZERO;
    return bin <= 0 ? 0 : bin >= HISTOGRAM_BINS - 1 ? HISTOGRAM_BINS - 1 : (unsigned)bin;
}

/* --- life ------------------------------------------------------------------------------------ */

struct residuals *group_residuals(struct group *group, size_t index)
{
    /* cppcheck-suppress constVariable ; the pointers are const, what they point to is not */
    struct residuals *const all[GROUP_RESIDUALS] = {&group->host_hour,   &group->host_day,
                                                    &group->pair_hour,   &group->pair_day,
                                                    &group->served_hour, &group->served_day};
    return all[index];
}

struct histogram *group_histogram(struct group *group, size_t index)
{
    struct histogram *const first[3] = {&group->absolute_hour, &group->absolute_day,
                                        &group->exposure};
    return index < 3 ? first[index] : &group->young[index - 3];
}

static void copy_group(struct group *to, struct group *from)
{
    for (size_t i = 0; i < GROUP_RESIDUALS; i++)
        *group_residuals(to, i) = *group_residuals(from, i);
    for (size_t i = 0; i < GROUP_HISTOGRAMS; i++)
        histogram_copy(group_histogram(to, i), group_histogram(from, i));
    memcpy(to->active, from->active, sizeof to->active);
    memcpy(to->seen, from->seen, sizeof to->seen);
}

static void fini_group(struct group *group)
{
    for (size_t i = 0; i < GROUP_HISTOGRAMS; i++)
        histogram_fini(group_histogram(group, i));
}

void fleet_share(struct fleet *fleet)
{
    copy_group(&fleet->next, &fleet->group);
    hostset_copy(&fleet->next_hosts, &fleet->hosts, fleet_shape);
    fleet->next_week = fleet->week;
}

struct fleet *fleet_new(void)
{
    struct fleet *fleet = xcalloc(1, sizeof *fleet);
    fleet->week = fleet->next_week = WEEK_OF_NEVER;
    map_init(&fleet->destinations);
    return fleet;
}

void used_by_free(void *value)
{
    struct used_by *used = value;
    hostset_fini(&used->hosts);
    free(used);
}

void fleet_free(struct fleet *fleet)
{
    if (!fleet)
        return;
    for (size_t i = 0; i < fleet->use_count; i++)
        free(fleet->use[i].key);
    free(fleet->use);
    fini_group(&fleet->group);
    fini_group(&fleet->next);
    hostset_fini(&fleet->hosts);
    hostset_fini(&fleet->next_hosts);
    map_fini(&fleet->destinations, used_by_free);
    free(fleet);
}

/* --- reading --------------------------------------------------------------------------------- */

const struct group *fleet_group(const struct fleet *fleet, const struct ip *host)
{
    (void)host; /* one group for now */
    return &fleet->group;
}

uint32_t fleet_hosts(const struct fleet *fleet)
{
    return hostset_count(&fleet->hosts, fleet_shape);
}

size_t fleet_destinations(const struct fleet *fleet)
{
    return fleet->destinations.count;
}

uint64_t fleet_forgotten(const struct fleet *fleet)
{
    return fleet->forgotten;
}

static struct used_by *find_destination(const struct fleet *fleet,
                                        const struct destination *destination)
{
    char key[DESTINATION_KEY_SIZE];
    destination_key(destination, key);
    return map_get(&fleet->destinations, key, strlen(key));
}

uint32_t fleet_prevalence(const struct fleet *fleet, const struct destination *destination)
{
    const struct used_by *used = find_destination(fleet, destination);
    return used ? hostset_count(&used->hosts, destination_shape) : 0;
}

enum prevalence_bucket fleet_bucket(const struct fleet *fleet,
                                    const struct destination *destination, uint32_t more)
{
    double users = (double)fleet_prevalence(fleet, destination) + more;
    double hosts = (double)fleet_hosts(fleet);
    if (users <= 1)
        return PREVALENCE_ONE;
    if (users <= 3)
        return PREVALENCE_FEW;
    if (users <= 0.02 * hosts)
        return PREVALENCE_2_PERCENT;
    return users <= 0.2 * hosts ? PREVALENCE_20_PERCENT : PREVALENCE_REST;
}

/* --- notes ----------------------------------------------------------------------------------- */

/* Counts that are plain numbers fade when their week is over; histograms do that by themselves. */
static void reach_week(struct fleet *fleet, int64_t week)
{
    struct group *group = &fleet->next;
    week = week < 0 ? 0 : week > UINT16_MAX ? UINT16_MAX : week;
    if (week <= fleet->next_week)
        return;
    double weight =
        fleet->next_week == WEEK_OF_NEVER ? 1.0 : histogram_weight(week - fleet->next_week);
    fleet->next_week = week;
    for (size_t i = 0; i < GROUP_RESIDUALS; i++) {
        struct residuals *table = group_residuals(group, i);
        for (size_t bin = 0; bin < HISTOGRAM_BINS; bin++)
            table->count[bin] *= weight;
    }
    for (size_t i = 0; i < FLEET_HOUR_WEEKS; i++) {
        group->active[i] *= weight;
        group->seen[i] *= weight;
    }
}

static void add_residual(struct residuals *table, uint64_t bytes, double location)
{
    if (isnan(location))
        return;
    table->count[residual_bin(bytes, location)] += 1;
}

uint32_t fleet_host_hash(const struct ip *host)
{
    return (uint32_t)hash64(host->byte, sizeof host->byte, HOST_SEED);
}

void fleet_note_host(struct fleet *fleet, const struct ip *host, const struct civil *civil,
                     bool active, uint64_t hour_bytes, double location)
{
    struct group *group = &fleet->next;
    int64_t week = histogram_week(civil->day);
    reach_week(fleet, week);
    hostset_add(&fleet->next_hosts, fleet_shape, fleet_host_hash(host));
    group->seen[civil->hour_of_week] += 1;
    if (!active)
        return;
    group->active[civil->hour_of_week] += 1;
    histogram_add(&group->absolute_hour, histogram_bin(hour_bytes), week, 1);
    add_residual(&group->host_hour, hour_bytes, location);
}

void fleet_note_silent(struct fleet *fleet, const uint16_t hours[FLEET_HOUR_WEEKS])
{
    for (size_t i = 0; i < FLEET_HOUR_WEEKS; i++)
        fleet->next.seen[i] += hours[i];
}

void fleet_note_host_day(struct fleet *fleet, uint64_t day_bytes, double location, bool exposed,
                         int64_t week)
{
    reach_week(fleet, week);
    histogram_add(&fleet->next.absolute_day, histogram_bin(day_bytes), week, 1);
    add_residual(&fleet->next.host_day, day_bytes, location);
    if (exposed)
        histogram_add(&fleet->next.exposure, 0, week, 1);
}

static void note_use(struct fleet *fleet, const struct ip *host,
                     const struct destination *destination, int64_t day)
{
    struct used_by *used = find_destination(fleet, destination);
    uint32_t hash = fleet_host_hash(host);
    char key[DESTINATION_KEY_SIZE];
    if (used && used->last_day < day)
        used->last_day = day;
    if (used && hostset_has(&used->hosts, destination_shape, hash))
        return;
    if (fleet->use_count == fleet->use_room) {
        fleet->use_room = fleet->use_room ? 2 * fleet->use_room : 64;
        fleet->use = xrealloc(fleet->use, fleet->use_room * sizeof *fleet->use);
    }
    fleet->use[fleet->use_count++] =
        (struct new_use){xstrdup(destination_key(destination, key)), hash, day};
}

void fleet_note_pair(struct fleet *fleet, const struct ip *host,
                     const struct destination *destination, uint64_t hour_bytes, double location,
                     const struct civil *civil)
{
    struct group *group = &fleet->next;
    bool client = destination->role == ROLE_CLIENT;
    reach_week(fleet, histogram_week(civil->day));
    add_residual(client ? &group->pair_hour : &group->served_hour, hour_bytes, location);
    if (client)
        note_use(fleet, host, destination, civil->day);
}

void fleet_note_pair_day(struct fleet *fleet, const struct destination *destination,
                         uint64_t day_bytes, double location, int64_t week)
{
    struct group *group = &fleet->next;
    reach_week(fleet, week);
    add_residual(destination->role == ROLE_CLIENT ? &group->pair_day : &group->served_day,
                 day_bytes, location);
}

void fleet_note_young(struct fleet *fleet, const struct destination *destination, uint32_t more,
                      uint64_t bytes, int64_t week)
{
    enum prevalence_bucket bucket = fleet_bucket(fleet, destination, more);
    histogram_add(&fleet->next.young[bucket], histogram_bin(bytes), week, 1);
}

/* --- applying -------------------------------------------------------------------------------- */

struct aged {
    const struct map_entry *entry;
    int64_t last_day;
    size_t rank; /* by key */
};

static int by_age(const void *a, const void *b)
{
    const struct aged *x = a, *y = b;
    if (x->last_day != y->last_day)
        return x->last_day < y->last_day ? -1 : 1;
    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* A sixteenth at once, so that a full table costs one sort now and then, not a walk a destination.
 */
static void forget_longest_unseen(struct fleet *fleet)
{
    size_t count = fleet->destinations.count, forget = count / FORGET_SHARE + 1;
    const struct map_entry **entry = map_sorted(&fleet->destinations);
    struct aged *aged = xcalloc(count, sizeof *aged);
    for (size_t i = 0; i < count; i++) {
        const struct used_by *used = entry[i]->value;
        aged[i] = (struct aged){entry[i], used->last_day, i};
    }
    qsort(aged, count, sizeof *aged, by_age);
    /* Removal moves slots about, so the keys are taken first. */
    char **key = xcalloc(forget, sizeof *key);
    for (size_t i = 0; i < forget; i++) {
        key[i] = xcalloc(1, aged[i].entry->key_size + 1);
        memcpy(key[i], aged[i].entry->key, aged[i].entry->key_size);
    }
    for (size_t i = 0; i < forget; i++) {
        used_by_free(map_remove(&fleet->destinations, key[i], strlen(key[i])));
        free(key[i]);
    }
    fleet->forgotten += forget;
    free(key);
    free(aged);
    free(entry);
}

static int by_key_and_hash(const void *a, const void *b)
{
    const struct new_use *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    if (order)
        return order;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static void apply_use(struct fleet *fleet, const struct new_use *use)
{
    size_t size = strlen(use->key);
    struct used_by *used = map_get(&fleet->destinations, use->key, size);
    if (!used) {
        if (fleet->destinations.count >= FLEET_DESTINATIONS)
            forget_longest_unseen(fleet);
        used = xcalloc(1, sizeof *used);
        used->last_day = use->day;
        map_put(&fleet->destinations, use->key, size, used);
    }
    if (used->last_day < use->day)
        used->last_day = use->day;
    hostset_add(&used->hosts, destination_shape, use->hash);
}

/* Always summed in the same order, so that a restarted sensor has the same total to the last bit.
 */
void fleet_sum(struct group *group)
{
    for (size_t i = 0; i < GROUP_RESIDUALS; i++) {
        struct residuals *table = group_residuals(group, i);
        table->total = 0;
        for (size_t bin = 0; bin < HISTOGRAM_BINS; bin++)
            table->total += table->count[bin];
    }
}

void fleet_apply(struct fleet *fleet)
{
    fleet_sum(&fleet->next);
    copy_group(&fleet->group, &fleet->next);
    hostset_copy(&fleet->hosts, &fleet->next_hosts, fleet_shape);
    fleet->week = fleet->next_week;
    if (fleet->use_count)
        qsort(fleet->use, fleet->use_count, sizeof *fleet->use, by_key_and_hash);
    for (size_t i = 0; i < fleet->use_count; i++) {
        apply_use(fleet, &fleet->use[i]);
        free(fleet->use[i].key);
    }
    fleet->use_count = 0;
}
