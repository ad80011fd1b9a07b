/* The fleet's layout, for fleet.c and fleet_pack.c only. */
#ifndef WEIR_BASELINE_LOCAL_FLEET_H
#define WEIR_BASELINE_LOCAL_FLEET_H

#include "hostset.h"
#include "weir/base/map.h"
#include "weir/baseline/fleet.h"

#define GROUP_RESIDUALS  6
#define GROUP_HISTOGRAMS (3 + PREVALENCE_BUCKETS)

static const struct hostset_shape destination_shape = {FLEET_EXACT_HOSTS, 8};
static const struct hostset_shape fleet_shape = {4096, 12};

struct used_by { /* a destination's hosts */
    struct hostset hosts;
    int64_t last_day;
};

struct new_use { /* a host that was not known to use a destination */
    char *key;
    uint32_t hash;
    int64_t day;
};

struct fleet {
    struct group group, next; /* next: with the notes */
    struct hostset hosts, next_hosts;
    int64_t week, next_week; /* the residuals' weights are as of this week; INT64_MIN: never */
    struct map destinations; /* key → struct used_by */
    uint64_t forgotten;
    struct new_use *use; /* until fleet_apply */
    size_t use_count, use_room;
};

struct residuals *group_residuals(struct group *group, size_t index);
struct histogram *group_histogram(struct group *group, size_t index);
void fleet_sum(struct group *group); /* the residuals' totals */
void used_by_free(void *value);
uint32_t fleet_host_hash(const struct ip *host);
void fleet_share(struct fleet *fleet); /* next := what is read now */

#endif
