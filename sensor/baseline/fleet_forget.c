/* Taking one host out of the fleet's tables, as far as they hold it by itself: exact sets of hosts.
 * A HyperLogLog gives nobody back; in how many of them the host may be is told, so that nobody is
 * promised more. What it added to sums of sizes cannot be told from anybody else's. Engine thread.
 */
#include "fleet_local.h"

#include <stdlib.h>

static void forget_in(struct hostset *set, struct hostset_shape shape, uint32_t hash,
                      struct fleet_forgotten *forgotten)
{
    if (set->registers)
        forgotten->sketches += hostset_has(set, shape, hash);
    else
        forgotten->sets += hostset_remove(set, hash);
}

static void forget_in_group(struct peer_group *group, struct hostset_shape shape, uint32_t hash,
                            struct fleet_forgotten *forgotten)
{
    forget_in(&group->hosts, shape, hash, forgotten);
    hostset_remove(&group->next_hosts, hash);
    group->count = hostset_count(&group->hosts);
}

static void forget_uses(struct uses *uses, uint32_t hash)
{
    size_t kept = 0;
    for (size_t i = 0; i < uses->count; i++)
        if (uses->use[i].hash == hash)
            free(uses->use[i].key);
        else
            uses->use[kept++] = uses->use[i];
    uses->count = kept;
}

struct fleet_forgotten fleet_forget_host(struct fleet *fleet, const struct ip *host)
{
    struct fleet_forgotten forgotten = {0, 0};
    uint32_t hash = fleet_hash(host);
    const struct map_entry *e;
    forget_in_group(&fleet->all, fleet_shape, hash, &forgotten);
    for (size_t position = 0; (e = map_next(&fleet->groups, &position)) != NULL;)
        forget_in_group(e->value, destination_shape, hash, &forgotten);
    for (size_t position = 0; (e = map_next(&fleet->destinations, &position)) != NULL;) {
        forget_in(&((struct used_by *)e->value)->hosts, destination_shape, hash, &forgotten);
        sent_forget_host(e->value, hash);
    }
    for (size_t position = 0; (e = map_next(&fleet->clips, &position)) != NULL;)
        forget_in(e->value, destination_shape, hash, &forgotten);
    forget_uses(&fleet->use, hash);
    forget_uses(&fleet->sent, hash);
    forget_uses(&fleet->clip, hash);
    forget_uses(&fleet->left, hash);
    return forgotten;
}
