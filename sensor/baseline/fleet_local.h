/* The fleet's layout, for fleet*.c only.
 *
 * Readers see `now`; notes go into `next`, a copy of it, and become visible together when
 * fleet_apply copies back: so no host's judgement depends on which host was closed before it within
 * an hour. */
#ifndef WEIR_BASELINE_LOCAL_FLEET_H
#define WEIR_BASELINE_LOCAL_FLEET_H

#include "hostset.h"
#include "profile_local.h"
#include "weir/base/map.h"
#include "weir/baseline/fleet.h"

#define GROUP_RESIDUALS  7
#define GROUP_HISTOGRAMS 3
#define YOUNG_HISTOGRAMS (2 + YOUNG_KINDS * PREVALENCE_BUCKETS)

static const struct hostset_shape destination_shape = {FLEET_EXACT_HOSTS, 8};
static const struct hostset_shape fleet_shape = {4096, 12};

struct peer_group {
    struct group now, next;
    struct hostset hosts, next_hosts; /* of the fleet in fleet_shape, else in destination_shape */
    uint32_t count;                   /* of hosts: asked far more often than it changes */
    bool changed;                     /* next is not now */
    bool known;                       /* applied at least once: packed */
};

struct sent { /* to a destination that is new to the fleet: hosts by hash, rising */
    uint8_t count;
    uint8_t bin[FLEET_SHARED_HOSTS];
    uint32_t hash[FLEET_SHARED_HOSTS];
};

struct used_by { /* a destination's hosts */
    struct hostset hosts;
    int64_t first_day, last_day; /* the first: at latest, where nobody knows any more */
    struct sent *sent;           /* NULL: nobody sent enough while it was new */
};

/* A host that was not known to use a destination, or one that was guarded: added to the set of
 * `key` when the notes are applied. */
struct new_use {
    uint8_t *key;
    size_t key_size;
    uint32_t hash;
    int64_t day;
    uint8_t bin; /* fleet_note_sent */
};

struct uses {
    struct new_use *use;
    size_t count, room;
};

struct sums {           /* fleet_sums.c */
    struct map known;   /* key → struct sum */
    struct map open;    /* … → struct open_sum: of the hour being closed, until fleet_apply */
    struct civil civil; /* of that hour */
    size_t limit;       /* of `known` */
};

struct fleet {
    struct peer_group all;
    struct map groups; /* name → struct peer_group */
    struct young young, next_young;
    bool young_changed;
    int64_t week, next_week; /* the residuals' weights are as of this week; INT64_MIN: never */
    struct map destinations; /* key → struct used_by */
    struct map clips;        /* clip_key → struct hostset */
    int64_t clips_day;       /* the newest day in them */
    uint64_t forgotten, groups_refused, clips_refused, crowded;
    struct uses use, sent, clip, left; /* until fleet_apply; left: a group's name and who left it */
    struct sums zones, places;         /* by name; by destination_key */
    uint64_t sums_refused, sums_given_way;
    struct budget budget, next_budget;
    struct size_memo *memo; /* its own; NULL: what it is asked is not kept */
};

/* fleet_group.c: one group's tables */
struct residuals *group_residuals(struct group *group, size_t index);
struct histogram *group_histogram(struct group *group, size_t index);
struct histogram *young_histogram(struct young *young, size_t index);
void group_copy(struct group *to, struct group *from);
void group_fini(struct group *group);
void group_fade(struct group *group, double weight);
void group_sum(struct group *group, int64_t week);           /* totals, fits; sizes as of `week` */
double group_median(const struct group *group, int64_t day); /* NAN: too few */
double group_usual_median(const struct group *group, int64_t day); /* of all remembered days */
void young_copy(struct young *to, struct young *from);
void young_fini(struct young *young);
struct peer_group *peer_group_new(void);
void peer_group_free(void *value);

/* fleet_use.c: who uses what, and who was guarded */
#define CLIP_KEY_SIZE (8 + 8 + DESTINATION_KEY_SIZE)
size_t clip_key(uint8_t key[CLIP_KEY_SIZE], int64_t day, const struct destination *destination,
                const char *group);
uint32_t fleet_hash(const struct ip *host);
void fleet_note_use(struct fleet *fleet, const struct ip *host,
                    const struct destination *destination, int64_t day);
/* As of the last hour; beyond FLEET_EXACT_HOSTS hosts some are taken to use it that do not. */
bool fleet_uses(const struct fleet *fleet, const struct ip *host,
                const struct destination *destination);
struct new_use *fleet_add_use(struct uses *uses, const void *key, size_t key_size, uint32_t hash,
                              int64_t day);
void fleet_apply_uses(struct fleet *fleet);
void fleet_apply_left(struct fleet *fleet);   /* before the groups are applied */
void fleet_forget_faded(struct fleet *fleet); /* a week began */
void used_by_free(void *value);
void clip_hosts_free(void *value);
void uses_fini(struct uses *uses);

/* fleet_shared.c: who sent how much to what is new */
void fleet_apply_sent(struct fleet *fleet, const struct new_use *use);
void sent_forget_old(struct used_by *used, int64_t week);
void sent_forget_host(struct used_by *used, uint32_t hash);
void sent_pack(const struct used_by *used, struct buffer *out);
bool sent_unpack(struct used_by *used, struct cursor *in);

/* fleet_sums.c: what all sent together */
void sums_init(struct sums *sums, size_t limit);
void sums_fini(struct sums *sums);
void fleet_apply_sums(struct fleet *fleet);
void sums_pack(const struct sums *sums, struct buffer *out);
/* `is_key`: which keys there may be, of at most `key_most` bytes. */
bool sums_unpack(struct sums *sums, size_t key_most, bool (*is_key)(const char *key, size_t size),
                 struct cursor *in);

/* Keys are packed sorted by bytes, the shorter first, without repeats. */
static inline bool key_rises(const uint8_t *before, size_t before_size, const uint8_t *key,
                             size_t size)
{
    int order = memcmp(before, key, size < before_size ? size : before_size);
    return order < 0 || (order == 0 && before_size < size);
}

/* fleet_note.c: a group is made when it is first told of (NULL: it has none, or there is no room);
 * counts fade when a week begins. */
struct peer_group *fleet_open_group(struct fleet *fleet, const char *name);
void fleet_reach_week(struct fleet *fleet, int64_t week);

/* fleet_budget.c */
void budget_apply(struct fleet *fleet);

void fleet_share(struct fleet *fleet); /* next := what is read now */

#endif
