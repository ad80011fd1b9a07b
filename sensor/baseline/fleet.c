/* The fleet's tables: their life, what is read of them, and how an hour's notes become visible.
 * Groups are in fleet_group.c, notes in fleet_note.c, sets of hosts in fleet_use.c, what all sent
 * together in fleet_sums.c. Sums of counts
 * do not depend on the order of the notes. Engine thread. */
#include "fleet_local.h"
#include "size_memo.h"

#include <math.h>
#include <stdlib.h>

#define WEEK_OF_NEVER  INT64_MIN
#define BUDGET_DEFAULT 0.01
#define PEERS_OTHERS   4.0   /* other hosts in a group that count as much as the fleet */
#define PEERS_VALUES   100.0 /* likewise values */

unsigned residual_bin(uint64_t bytes, double location)
{
    double bin = floor(4 * (log2((double)bytes + 1) - location)) + RESIDUAL_ZERO;
    return bin <= 0 ? 0 : bin >= HISTOGRAM_BINS - 1 ? HISTOGRAM_BINS - 1 : (unsigned)bin;
}

/* --- life ------------------------------------------------------------------------------------ */

struct fleet *fleet_new(void)
{
    struct fleet *fleet = xcalloc(1, sizeof *fleet);
    fleet->week = fleet->next_week = WEEK_OF_NEVER;
    map_init(&fleet->groups);
    map_init(&fleet->destinations);
    map_init(&fleet->clips);
    sums_init(&fleet->zones, FLEET_ZONES);
    sums_init(&fleet->places, FLEET_PLACES);
    fleet->budget.trim = fleet->next_budget.trim = 1;
    fleet_set_budget(fleet, BUDGET_DEFAULT, 0);
    return fleet;
}

void fleet_free(struct fleet *fleet)
{
    if (!fleet)
        return;
    uses_fini(&fleet->use);
    uses_fini(&fleet->sent);
    uses_fini(&fleet->clip);
    uses_fini(&fleet->left);
    group_fini(&fleet->all.now);
    group_fini(&fleet->all.next);
    hostset_fini(&fleet->all.hosts);
    hostset_fini(&fleet->all.next_hosts);
    young_fini(&fleet->young);
    young_fini(&fleet->next_young);
    map_fini(&fleet->groups, peer_group_free);
    map_fini(&fleet->destinations, used_by_free);
    map_fini(&fleet->clips, clip_hosts_free);
    sums_fini(&fleet->zones);
    sums_fini(&fleet->places);
    size_memo_free(fleet->memo);
    free(fleet);
}

/* --- reading --------------------------------------------------------------------------------- */

static const struct peer_group *find_group(const struct fleet *fleet, const char *group)
{
    size_t size = strlen(group);
    const struct peer_group *found = size ? map_get(&fleet->groups, group, size) : NULL;
    return found && found->known ? found : NULL;
}

const struct group *fleet_all(const struct fleet *fleet)
{
    return &fleet->all.now;
}

const struct group *fleet_group(const struct fleet *fleet, const char *group)
{
    const struct peer_group *found = find_group(fleet, group);
    return found ? &found->now : NULL;
}

const struct young *fleet_young(const struct fleet *fleet)
{
    return &fleet->young;
}

uint32_t fleet_hosts(const struct fleet *fleet)
{
    return fleet->all.count;
}

uint32_t fleet_group_hosts(const struct fleet *fleet, const char *group)
{
    const struct peer_group *found = find_group(fleet, group);
    return found ? found->count : 0;
}

size_t fleet_groups(const struct fleet *fleet)
{
    return fleet->groups.count;
}

uint64_t fleet_groups_refused(const struct fleet *fleet)
{
    return fleet->groups_refused;
}

static struct peers find_peers(const struct fleet *fleet, const char *group)
{
    struct peers peers = {.all = &fleet->all.now, .memo = fleet->memo};
    double others = (double)fleet_group_hosts(fleet, group) - 1;
    if (others < 1)
        return peers;
    peers.group = fleet_group(fleet, group);
    peers.share = others / (others + PEERS_OTHERS);
    return peers;
}

struct peers fleet_peers(const struct fleet *fleet, const char *group)
{
    struct peers peers = {0};
    if (!fleet || (fleet->memo && size_memo_peers(fleet->memo, group, &peers)))
        return peers;
    peers = find_peers(fleet, group);
    if (fleet->memo)
        size_memo_keep_peers(fleet->memo, group, &peers);
    return peers;
}

struct measures fleet_measures(const struct fleet *fleet, const char *group)
{
    if (!fleet)
        return (struct measures){NULL, NULL};
    const struct group *own = fleet_group(fleet, group);
    return (struct measures){own ? &own->calibrations : NULL, &fleet->all.now.calibrations};
}

struct measures fleet_measures_of(const struct fleet *fleet, const struct profile *profile)
{
    return profile->measures ? *profile->measures : fleet_measures(fleet, profile->group);
}

double peers_weight(const struct peers *peers, double values)
{
    return peers->group ? peers->share * values / (values + PEERS_VALUES) : 0;
}

double fleet_day_median(const struct fleet *fleet, const char *group, int64_t day)
{
    const struct group *own = fleet_group(fleet, group);
    double median = own ? group_median(own, day) : NAN;
    return isnan(median) ? group_median(&fleet->all.now, day) : median;
}

double fleet_day_trend(const struct fleet *fleet, const char *group, int64_t day)
{
    const struct group *among = fleet_group(fleet, group);
    double median = among ? group_median(among, day) : NAN;
    if (isnan(median))
        median = group_median(among = &fleet->all.now, day);
    if (isnan(median)) /* in hindsight, mostly */
        return 0;
    double trend = median - group_usual_median(among, day);
    return isnan(trend) ? 0 : trend;
}

/* --- applying -------------------------------------------------------------------------------- */

static void apply_group(struct peer_group *group, struct hostset_shape shape, int64_t week)
{
    if (!group->changed)
        return;
    group_sum(&group->next, week);
    group_copy(&group->now, &group->next);
    hostset_copy(&group->hosts, &group->next_hosts, shape);
    group->count = hostset_count(&group->hosts);
    group->changed = false;
    group->known = true;
}

void fleet_apply(struct fleet *fleet)
{
    size_t position = 0;
    bool new_week = fleet->next_week != fleet->week;
    fleet_apply_left(fleet);
    apply_group(&fleet->all, fleet_shape, fleet->next_week);
    for (const struct map_entry *entry; (entry = map_next(&fleet->groups, &position));)
        apply_group(entry->value, destination_shape, fleet->next_week);
    size_memo_forget(fleet->memo);
    if (fleet->young_changed)
        young_copy(&fleet->young, &fleet->next_young);
    fleet->young_changed = false;
    fleet->week = fleet->next_week;
    fleet_apply_uses(fleet);
    fleet_apply_sums(fleet);
    if (new_week)
        fleet_forget_faded(fleet);
    budget_apply(fleet);
}

static void share_group(struct peer_group *group, struct hostset_shape shape, int64_t week)
{
    group_sum(&group->now, week);
    group_copy(&group->next, &group->now);
    hostset_copy(&group->next_hosts, &group->hosts, shape);
    group->count = hostset_count(&group->hosts);
    group->known = true;
}

void fleet_share(struct fleet *fleet)
{
    size_t position = 0;
    share_group(&fleet->all, fleet_shape, fleet->week);
    for (const struct map_entry *entry; (entry = map_next(&fleet->groups, &position));)
        share_group(entry->value, destination_shape, fleet->week);
    young_copy(&fleet->next_young, &fleet->young);
    fleet->next_week = fleet->week;
    fleet->next_budget = fleet->budget;
}
