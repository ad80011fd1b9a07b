/* The peers' tables without the host that is judged. Records of several hosts that can be told come
 * in turns, and each asks what the others sent: so what was taken out is kept apart, a host each,
 * and takes the place of the tables of all while its host is asked about, which lie where it lay.
 * Of two hosts with one place the second has it. Engine thread. */
#include "hindsight_local.h"

/* Hours and days of all, of the host's group, and what is new; NULL: there is no group. */
static struct histogram *table_at(struct fleet *fleet, struct peer_group *group, size_t i)
{
    if (i >= 4)
        return young_histogram(&fleet->young, i - 4);
    if (i < 2)
        return group_histogram(&fleet->all.now, i);
    return group ? group_histogram(&group->now, i - 2) : NULL;
}

static struct apart *place_of(struct hindsight *hindsight, const struct past *past)
{
    return &hindsight->without[past->number % HINDSIGHT_APART];
}

/* Either is the other's, once more as it was. */
static void swap(struct hindsight *hindsight, struct apart *apart)
{
    for (size_t i = 0; i < APART_TABLES; i++) {
        struct histogram *table = table_at(hindsight->fleet, apart->group, i), all;
        if (!table)
            continue;
        all = *table;
        *table = apart->table[i];
        apart->table[i] = all;
    }
}

/* Sizes of hosts are the group's, too. */
static void leave_out(struct apart *apart, const struct share *share, int64_t week)
{
    if (share->table >= PEERS_YOUNG) {
        histogram_take(&apart->table[4 + share->table - PEERS_YOUNG], share->bin, week,
                       share->count);
        return;
    }
    size_t i = share->table == PEERS_DAY;
    histogram_take(&apart->table[i], share->bin, week, share->count);
    if (apart->group)
        histogram_take(&apart->table[2 + i], share->bin, week, share->count);
}

static void make(struct hindsight *hindsight, struct apart *apart, struct past *past)
{
    struct fleet *fleet = hindsight->fleet;
    apart->past = past;
    apart->group = fleet_open_group(fleet, past->profile->group);
    apart->set = size_memo_begin_set(fleet->memo);
    for (size_t i = 0; i < APART_TABLES; i++) {
        const struct histogram *table = table_at(fleet, apart->group, i);
        if (table)
            histogram_copy(&apart->table[i], table);
    }
    for (size_t i = 0; i < past->shares; i++)
        leave_out(apart, &past->share[i], hindsight->week);
}

void peers_without(struct hindsight *hindsight, struct past *past)
{
    if (hindsight->apart == past)
        return;
    if (hindsight->apart)
        swap(hindsight, place_of(hindsight, hindsight->apart));
    hindsight->apart = past;
    if (!past) {
        size_memo_turn(hindsight->fleet->memo, 0);
        return;
    }
    struct apart *apart = place_of(hindsight, past);
    if (apart->past != past)
        make(hindsight, apart, past);
    swap(hindsight, apart);
    size_memo_turn(hindsight->fleet->memo, apart->set);
}

void peers_forget(struct hindsight *hindsight)
{
    peers_without(hindsight, NULL);
    for (size_t i = 0; i < HINDSIGHT_APART; i++)
        hindsight->without[i].past = NULL;
}

void apart_fini(struct hindsight *hindsight)
{
    for (size_t i = 0; i < HINDSIGHT_APART; i++)
        for (size_t t = 0; t < APART_TABLES; t++)
            histogram_fini(&hindsight->without[i].table[t]);
}
