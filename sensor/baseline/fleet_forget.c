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

struct fleet_forgotten fleet_forget_host(struct fleet *fleet, const struct ip *host)
{
    struct fleet_forgotten forgotten = {0, 0};
    uint32_t hash = fleet_host_hash(host);
    size_t position = 0, kept = 0;
    forget_in(&fleet->hosts, fleet_shape, hash, &forgotten);
    hostset_remove(&fleet->next_hosts, hash);
    for (const struct map_entry *e; (e = map_next(&fleet->destinations, &position)) != NULL;) {
        struct used_by *used = e->value;
        forget_in(&used->hosts, destination_shape, hash, &forgotten);
    }
    for (size_t i = 0; i < fleet->use_count; i++)
        if (fleet->use[i].hash == hash)
            free(fleet->use[i].key);
        else
            fleet->use[kept++] = fleet->use[i];
    fleet->use_count = kept;
    return forgotten;
}
