/* Who uses a destination, and who was guarded on a day: sets of hosts by key. What hosts did within
 * an hour is kept on a list and applied in sorted order, because what is forgotten at the bound
 * depends on it.
 *
 * The last day of a destination already in the table is written at once: nothing is judged by it.
 * Thread: the engine's. */
#include "fleet_local.h"

#include "weir/base/digest.h"

#include <stdlib.h>

#define HOST_SEED    UINT64_C(0x666c656574)
#define FORGET_SHARE 16
#define CLIP_DAYS    (2 * FLEET_MOVED_DAYS + 8) /* asked about when they are a week old */

void used_by_free(void *value)
{
    struct used_by *used = value;
    hostset_fini(&used->hosts);
    free(used->sent);
    free(used);
}

void clip_hosts_free(void *value)
{
    hostset_fini(value);
    free(value);
}

void uses_fini(struct uses *uses)
{
    for (size_t i = 0; i < uses->count; i++)
        free(uses->use[i].key);
    free(uses->use);
    *uses = (struct uses){0};
}

uint32_t fleet_hash(const struct ip *host)
{
    return (uint32_t)hash64(host->byte, sizeof host->byte, HOST_SEED);
}

/* --- noting ---------------------------------------------------------------------------------- */

struct new_use *fleet_add_use(struct uses *uses, const void *key, size_t key_size, uint32_t hash,
                              int64_t day)
{
    if (uses->count == uses->room) {
        uses->room = uses->room ? 2 * uses->room : 64;
        uses->use = xrealloc(uses->use, uses->room * sizeof *uses->use);
    }
    struct new_use *use = &uses->use[uses->count++];
    *use = (struct new_use){xcalloc(1, key_size), key_size, hash, day, 0};
    memcpy(use->key, key, key_size);
    return use;
}

void fleet_note_use(struct fleet *fleet, const struct ip *host,
                    const struct destination *destination, int64_t day)
{
    char key[DESTINATION_KEY_SIZE];
    size_t size = destination_put_key(destination, key);
    struct used_by *used = map_get(&fleet->destinations, key, size);
    uint32_t hash = fleet_hash(host);
    if (used && used->last_day < day)
        used->last_day = day;
    if (!used || !hostset_has(&used->hosts, destination_shape, hash))
        fleet_add_use(&fleet->use, key, size, hash, day);
}

bool fleet_uses(const struct fleet *fleet, const struct ip *host,
                const struct destination *destination)
{
    char key[DESTINATION_KEY_SIZE];
    size_t size = destination_put_key(destination, key);
    const struct used_by *used = map_get(&fleet->destinations, key, size);
    return used && hostset_has(&used->hosts, destination_shape, fleet_hash(host));
}

/* The day, oldest first, and what was done: "host|GROUP" or the destination's key. */
size_t clip_key(uint8_t key[CLIP_KEY_SIZE], int64_t day, const struct destination *destination,
                const char *group)
{
    char scope[DESTINATION_KEY_SIZE + 8] = "host|";
    for (unsigned i = 0; i < 8; i++)
        key[i] = (uint8_t)((uint64_t)day >> (56 - 8 * i));
    if (destination)
        destination_key(destination, scope);
    else
        strncat(scope, group, GROUP_NAME_SIZE);
    size_t size = strlen(scope);
    memcpy(key + 8, scope, size);
    return 8 + size;
}

void fleet_note_clip(struct fleet *fleet, const struct ip *host,
                     const struct destination *destination, const char *group, int64_t day)
{
    uint8_t key[CLIP_KEY_SIZE];
    if (day < 0)
        return;
    size_t size = clip_key(key, day, destination, group);
    fleet_add_use(&fleet->clip, key, size, fleet_hash(host), day);
}

void fleet_note_left(struct fleet *fleet, const struct ip *host, const char *group)
{
    if (*group)
        fleet_add_use(&fleet->left, group, strlen(group), fleet_hash(host), 0);
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

/* Removal moves slots about, so the keys are taken first. */
static void forget_all(struct fleet *fleet, const struct aged *aged, size_t count)
{
    char **key = xcalloc(count, sizeof *key);
    for (size_t i = 0; i < count; i++) {
        key[i] = xcalloc(1, aged[i].entry->key_size + 1);
        memcpy(key[i], aged[i].entry->key, aged[i].entry->key_size);
    }
    for (size_t i = 0; i < count; i++) {
        used_by_free(map_remove(&fleet->destinations, key[i], strlen(key[i])));
        free(key[i]);
    }
    free(key);
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
    forget_all(fleet, aged, forget);
    fleet->forgotten += forget;
    free(aged);
    free(entry);
}

/* What nobody used in the weeks that anything is remembered for is new to whoever meets it: names
 * expire, and somebody else registers them. */
void fleet_forget_faded(struct fleet *fleet)
{
    struct aged *aged = xcalloc(fleet->destinations.count, sizeof *aged);
    size_t position = 0, count = 0;
    for (const struct map_entry *e; (e = map_next(&fleet->destinations, &position)) != NULL;) {
        const struct used_by *used = e->value;
        sent_forget_old(e->value, fleet->week);
        if (fleet->week - histogram_week(used->last_day) > HISTOGRAM_WEEKS)
            aged[count++] = (struct aged){.entry = e};
    }
    forget_all(fleet, aged, count);
    free(aged);
}

static int by_key_and_hash(const void *a, const void *b)
{
    const struct new_use *x = a, *y = b;
    int order = memcmp(x->key, y->key, x->key_size < y->key_size ? x->key_size : y->key_size);
    if (order)
        return order;
    if (x->key_size != y->key_size)
        return x->key_size < y->key_size ? -1 : 1;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static void apply_use(struct fleet *fleet, const struct new_use *use)
{
    struct used_by *used = map_get(&fleet->destinations, use->key, use->key_size);
    if (!used) {
        if (fleet->destinations.count >= FLEET_DESTINATIONS)
            forget_longest_unseen(fleet);
        used = xcalloc(1, sizeof *used);
        used->first_day = used->last_day = use->day;
        map_put(&fleet->destinations, use->key, use->key_size, used);
    }
    if (used->last_day < use->day)
        used->last_day = use->day;
    if (used->first_day > use->day)
        used->first_day = use->day;
    hostset_add(&used->hosts, destination_shape, use->hash);
}

/* Days that nobody asks about any more. Sorted by day, so the first to stay ends it. */
static void forget_old_clips(struct fleet *fleet)
{
    const struct map_entry **entry = map_sorted(&fleet->clips);
    uint8_t oldest[CLIP_KEY_SIZE];
    size_t count = fleet->clips.count;
    clip_key(oldest, fleet->clips_day > CLIP_DAYS ? fleet->clips_day - CLIP_DAYS : 0, NULL, "");
    uint8_t(*key)[CLIP_KEY_SIZE] = xcalloc(count + 1, sizeof *key);
    size_t *size = xcalloc(count + 1, sizeof *size), old = 0;
    for (; old < count && memcmp(entry[old]->key, oldest, 8) < 0; old++) {
        size[old] = entry[old]->key_size;
        memcpy(key[old], entry[old]->key, size[old]);
    }
    free(entry);
    for (size_t i = 0; i < old; i++)
        clip_hosts_free(map_remove(&fleet->clips, key[i], size[i]));
    free(key);
    free(size);
}

static void apply_clip(struct fleet *fleet, const struct new_use *use)
{
    struct hostset *hosts = map_get(&fleet->clips, use->key, use->key_size);
    if (!hosts && fleet->clips.count >= FLEET_CLIPS) {
        fleet->clips_refused++;
        return;
    }
    if (!hosts) {
        hosts = xcalloc(1, sizeof *hosts);
        map_put(&fleet->clips, use->key, use->key_size, hosts);
    }
    hostset_add(hosts, destination_shape, use->hash);
}

static void apply_all(struct fleet *fleet, struct uses *uses,
                      void (*apply)(struct fleet *fleet, const struct new_use *use))
{
    if (uses->count)
        qsort(uses->use, uses->count, sizeof *uses->use, by_key_and_hash);
    for (size_t i = 0; i < uses->count; i++) {
        apply(fleet, &uses->use[i]);
        free(uses->use[i].key);
    }
    uses->count = 0;
}

void fleet_apply_uses(struct fleet *fleet)
{
    int64_t day = fleet->clips_day;
    for (size_t i = 0; i < fleet->clip.count; i++)
        if (fleet->clip.use[i].day > fleet->clips_day)
            fleet->clips_day = fleet->clip.use[i].day;
    if (fleet->clips_day > day)
        forget_old_clips(fleet);
    apply_all(fleet, &fleet->use, apply_use);
    apply_all(fleet, &fleet->sent, fleet_apply_sent);
    apply_all(fleet, &fleet->clip, apply_clip);
}

/* A lone host in a group that others passed through would be its own judge. Behind all that came to
 * a group in the hour, so that it does not matter who is told first. A sketch gives nobody back: a
 * group that once had more than FLEET_EXACT_HOSTS keeps its number. */
void fleet_apply_left(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->left.count; i++) {
        const struct new_use *left = &fleet->left.use[i];
        struct peer_group *group = map_get(&fleet->groups, left->key, left->key_size);
        if (group && hostset_remove(&group->next_hosts, left->hash))
            group->changed = true;
    }
    uses_fini(&fleet->left);
}

/* --- reading --------------------------------------------------------------------------------- */

uint32_t fleet_prevalence(const struct fleet *fleet, const struct destination *destination)
{
    char key[DESTINATION_KEY_SIZE];
    size_t size = destination_put_key(destination, key);
    const struct used_by *used = map_get(&fleet->destinations, key, size);
    return used ? hostset_count(&used->hosts) : 0;
}

bool fleet_is_wave(const struct fleet *fleet, const struct destination *destination,
                   uint32_t hosts_now, int64_t day)
{
    char key[DESTINATION_KEY_SIZE];
    size_t size = destination_put_key(destination, key);
    const struct used_by *used = map_get(&fleet->destinations, key, size);
    uint32_t hosts = used ? hostset_count(&used->hosts) : 0;
    uint32_t sent = used && used->sent ? used->sent->count : 0;
    if (used && day - used->first_day >= FLEET_WAVE_DAYS)
        return false;
    hosts = hosts_now > hosts ? hosts_now : hosts;
    return (sent >= FLEET_WAVE_HOSTS || hosts_now >= FLEET_WAVE_HOSTS) &&
           hosts > FLEET_SHARED_SHARE * fleet_hosts(fleet);
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

size_t fleet_destinations(const struct fleet *fleet)
{
    return fleet->destinations.count;
}

uint64_t fleet_forgotten(const struct fleet *fleet)
{
    return fleet->forgotten;
}

uint64_t fleet_crowded(const struct fleet *fleet)
{
    return fleet->crowded;
}

uint64_t fleet_clips_refused(const struct fleet *fleet)
{
    return fleet->clips_refused;
}

bool fleet_moved(const struct fleet *fleet, const struct destination *destination,
                 const char *group, int64_t day)
{
    uint8_t key[CLIP_KEY_SIZE];
    struct hostset moved = {0};
    for (int64_t d = day - FLEET_MOVED_DAYS; d <= day + FLEET_MOVED_DAYS; d++) {
        size_t size = clip_key(key, d, destination, group);
        const struct hostset *hosts = map_get(&fleet->clips, key, size);
        if (hosts)
            hostset_merge(&moved, hosts, destination_shape);
    }
    uint32_t count = hostset_count(&moved);
    uint32_t among = destination && destination->role == ROLE_CLIENT
                         ? fleet_prevalence(fleet, destination)
                     : !destination && group[0] ? fleet_group_hosts(fleet, group)
                                                : fleet_hosts(fleet);
    hostset_fini(&moved);
    return count > FLEET_MOVED_HOSTS && (double)count - 1 >= FLEET_MOVED_SHARE * (double)among;
}
