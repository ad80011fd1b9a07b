/* Notes: what closed hours tell the fleet. Each goes to the whole fleet and to the host's group.
 * Thread: the engine's. */
#include "fleet_local.h"

#include <math.h>

/* --- where a note goes ------------------------------------------------------------------------ */

struct targets {
    struct peer_group *to[2];
    int count;
};

/* A group is made when it is first told of. */
struct peer_group *fleet_open_group(struct fleet *fleet, const char *name)
{
    size_t size = strnlen(name, GROUP_NAME_SIZE - 1);
    struct peer_group *group = map_get(&fleet->groups, name, size);
    if (group || size == 0)
        return group;
    if (fleet->groups.count >= FLEET_GROUPS) {
        fleet->groups_refused++;
        return NULL;
    }
    group = peer_group_new();
    map_put(&fleet->groups, name, size, group);
    return group;
}

static struct targets targets_of(struct fleet *fleet, const char *group)
{
    struct targets targets = {{&fleet->all, fleet_open_group(fleet, group)}, 1};
    targets.count += targets.to[1] != NULL;
    for (int i = 0; i < targets.count; i++)
        targets.to[i]->changed = true;
    return targets;
}

void fleet_reach_week(struct fleet *fleet, int64_t week)
{
    size_t position = 0;
    week = week < 0 ? 0 : week > UINT16_MAX ? UINT16_MAX : week;
    if (week <= fleet->next_week)
        return;
    double weight = fleet->next_week == INT64_MIN ? 1.0 : histogram_weight(week - fleet->next_week);
    fleet->next_week = week;
    group_fade(&fleet->all.next, weight);
    fleet->all.changed = true;
    for (const struct map_entry *entry; (entry = map_next(&fleet->groups, &position));) {
        struct peer_group *group = entry->value;
        group_fade(&group->next, weight);
        group->changed = true;
    }
}

static void add_residual(struct residuals *table, uint64_t bytes, double location)
{
    if (!isnan(location))
        table->count[residual_bin(bytes, location)] += 1;
}

/* --- hosts ------------------------------------------------------------------------------------ */

static void add_hour(struct group *group, const struct civil *civil, bool active, uint64_t bytes,
                     double location)
{
    group->seen[civil->hour_of_week] += 1;
    if (!active)
        return;
    group->active[civil->hour_of_week] += 1;
    histogram_add(&group->absolute_hour, histogram_bin(bytes), histogram_week(civil->day), 1);
    add_residual(&group->host_hour, bytes, location);
}

void fleet_note_host(struct fleet *fleet, const struct ip *host, const char *group,
                     const struct civil *civil, bool active, uint64_t hour_bytes, double location,
                     bool exposed)
{
    int64_t week = histogram_week(civil->day);
    fleet_reach_week(fleet, week);
    struct targets targets = targets_of(fleet, group);
    for (int i = 0; i < targets.count; i++) {
        hostset_add(&targets.to[i]->next_hosts, i ? destination_shape : fleet_shape,
                    fleet_hash(host));
        add_hour(&targets.to[i]->next, civil, active, hour_bytes, location);
    }
    if (!active || !exposed)
        return;
    histogram_add(&fleet->next_young.exposure_hours, 0, week, 1);
    fleet->young_changed = true;
}

void fleet_note_silent(struct fleet *fleet, const char *group,
                       const uint16_t hours[FLEET_HOUR_WEEKS])
{
    struct targets targets = targets_of(fleet, group);
    for (int to = 0; to < targets.count; to++)
        for (size_t i = 0; i < FLEET_HOUR_WEEKS; i++)
            targets.to[to]->next.seen[i] += hours[i];
}

void fleet_note_host_day(struct fleet *fleet, const char *group, uint64_t day_bytes,
                         double location, int64_t week)
{
    fleet_reach_week(fleet, week);
    struct targets targets = targets_of(fleet, group);
    for (int i = 0; i < targets.count; i++) {
        struct group *table = &targets.to[i]->next;
        histogram_add(&table->absolute_day, histogram_bin(day_bytes), week, 1);
        add_residual(&table->host_day, day_bytes, location);
    }
}

void fleet_note_exposed_day(struct fleet *fleet, bool spans, int64_t week)
{
    fleet_reach_week(fleet, week);
    histogram_add(&fleet->next_young.exposure, spans, week, 1);
    fleet->young_changed = true;
}

void fleet_note_inside_day(struct fleet *fleet, const char *group, uint64_t day_bytes,
                           double location, int64_t week)
{
    fleet_reach_week(fleet, week);
    struct targets targets = targets_of(fleet, group);
    for (int i = 0; i < targets.count; i++) {
        struct group *table = &targets.to[i]->next;
        histogram_add(&table->absolute_inside, histogram_bin(day_bytes), week, 1);
        add_residual(&table->inside_day, day_bytes, location);
    }
}

void fleet_note_today(struct fleet *fleet, const char *group, int64_t day, uint64_t before,
                      uint64_t after)
{
    unsigned from = histogram_bin(before), to = histogram_bin(after);
    if (before > 0 && from == to)
        return;
    struct targets targets = targets_of(fleet, group);
    for (int i = 0; i < targets.count; i++) {
        struct day_sizes *sizes = &targets.to[i]->next.day[(uint64_t)day % FLEET_DAYS];
        if (sizes->day > day)
            continue;
        if (sizes->day < day)
            *sizes = (struct day_sizes){.day = day};
        if (before > 0 && sizes->count[from] > 0)
            sizes->count[from]--;
        sizes->count[to]++;
    }
}

/* --- pairs ------------------------------------------------------------------------------------ */

void fleet_note_pair_hour(struct fleet *fleet, const char *group,
                          const struct destination *destination, uint64_t hour_bytes,
                          double location, int64_t week)
{
    fleet_reach_week(fleet, week);
    struct targets targets = targets_of(fleet, group);
    for (int i = 0; i < targets.count; i++) {
        struct group *table = &targets.to[i]->next;
        add_residual(destination->role == ROLE_CLIENT ? &table->pair_hour : &table->served_hour,
                     hour_bytes, location);
    }
}

void fleet_note_pair(struct fleet *fleet, const struct ip *host, const char *group,
                     const struct destination *destination, uint64_t hour_bytes, double location,
                     const struct civil *civil)
{
    fleet_note_pair_hour(fleet, group, destination, hour_bytes, location,
                         histogram_week(civil->day));
    fleet_note_place(fleet, destination, civil, hour_bytes, true);
    if (destination->role == ROLE_CLIENT)
        fleet_note_use(fleet, host, destination, civil->day);
}

void fleet_note_crowd(struct fleet *fleet)
{
    fleet->crowded++;
}

void fleet_note_contact(struct fleet *fleet, const struct ip *host, const char *group,
                        const struct destination *destination, bool first, int64_t week)
{
    fleet_reach_week(fleet, week);
    struct targets targets = targets_of(fleet, group);
    first = first && !fleet_uses(fleet, host, destination);
    enum prevalence_bucket bucket = first ? fleet_bucket(fleet, destination, 1) : PREVALENCE_REST;
    for (int i = 0; i < targets.count; i++) {
        struct contacts *contacts = &targets.to[i]->next.contacts;
        contacts->all[destination->kind] += 1;
        contacts->first[destination->kind][bucket] += first;
    }
}

void fleet_note_pair_day(struct fleet *fleet, const char *group,
                         const struct destination *destination, uint64_t day_bytes, double location,
                         int64_t week)
{
    fleet_reach_week(fleet, week);
    struct targets targets = targets_of(fleet, group);
    for (int i = 0; i < targets.count; i++) {
        struct group *table = &targets.to[i]->next;
        add_residual(destination->role == ROLE_CLIENT ? &table->pair_day : &table->served_day,
                     day_bytes, location);
    }
}

void fleet_note_young(struct fleet *fleet, enum young_kind kind,
                      const struct destination *destination, uint32_t more, uint64_t bytes,
                      int64_t week)
{
    enum prevalence_bucket bucket = fleet_bucket(fleet, destination, more);
    struct young *young = &fleet->next_young;
    struct histogram *table = kind == YOUNG_FIRST_WEEK ? young->first_week
                              : kind == YOUNG_HOUR     ? young->hour
                                                       : young->span;
    histogram_add(&table[bucket], histogram_bin(bytes), week, 1);
    fleet->young_changed = true;
}
