/* See size_memo.h. What is kept is marked with the number of what was last forgotten, so that
 * forgetting is counting, and with the set of tables that it was answered by. Thread: the
 * engine's. */
#include "size_memo.h"

#include "tail.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define FITS 8  /* hours, days, what came from inside: of the group and of the fleet */
#define ROWS 32 /* of fits: as many sets at a time */

struct answer {
    const struct histogram *own;
    uint64_t bytes, turn, set;
    double survival;
};

struct fit {
    const struct histogram *table;
    uint64_t turn, set;
    struct sizes sizes;
};

struct row {
    struct fit fit[FITS];
    size_t next;
};

struct young_answer {
    const struct histogram *table;
    const char *group;
    uint64_t bytes, turn, set;
    int64_t week;
    struct estimate estimate;
};

struct size_memo {
    uint64_t turn, peers_turn; /* from 1: of hosts' own pasts; of peers */
    uint64_t set, sets;        /* the one that is asked; so many were begun */
    struct answer answer[SIZE_MEMO_ANSWERS];
    struct young_answer young[SIZE_MEMO_YOUNG];
    struct row row[ROWS];
    uint64_t kept_turn;
    char group[GROUP_NAME_SIZE];
    struct peers peers;
};

struct size_memo *size_memo_new(void)
{
    struct size_memo *memo = xcalloc(1, sizeof *memo);
    memo->turn = memo->peers_turn = 1;
    return memo;
}

void size_memo_free(struct size_memo *memo)
{
    free(memo);
}

void size_memo_forget_own(struct size_memo *memo)
{
    if (memo)
        memo->turn++;
}

void size_memo_forget(struct size_memo *memo)
{
    size_memo_forget_own(memo);
    if (memo)
        memo->peers_turn++;
}

uint64_t size_memo_begin_set(struct size_memo *memo)
{
    return memo ? ++memo->sets : 0;
}

void size_memo_turn(struct size_memo *memo, uint64_t set)
{
    if (memo)
        memo->set = set;
}

static uint64_t hash_of(const struct size_memo *memo, const struct histogram *table, uint64_t bytes)
{
    uint64_t hash =
        ((uintptr_t)table ^ (bytes + (memo->set << 40)) * UINT64_C(0x9e3779b97f4a7c15)) *
        UINT64_C(0xbf58476d1ce4e5b9);
    return hash >> 32;
}

double *size_memo_answer(struct size_memo *memo, const struct histogram *own, uint64_t bytes,
                         bool *known)
{
    struct answer *answer = &memo->answer[hash_of(memo, own, bytes) % SIZE_MEMO_ANSWERS];
    *known = answer->turn == memo->turn && answer->set == memo->set && answer->own == own &&
             answer->bytes == bytes;
    if (!*known)
        *answer = (struct answer){.own = own, .bytes = bytes, .turn = memo->turn, .set = memo->set};
    return &answer->survival;
}

struct estimate *size_memo_young(struct size_memo *memo, const struct histogram *table,
                                 const char *group, int64_t week, uint64_t bytes, bool *known)
{
    struct young_answer *answer = &memo->young[hash_of(memo, table, bytes) % SIZE_MEMO_YOUNG];
    *known = answer->turn == memo->peers_turn && answer->set == memo->set &&
             answer->table == table && answer->group == group && answer->week == week &&
             answer->bytes == bytes;
    if (!*known)
        *answer = (struct young_answer){.table = table,
                                        .group = group,
                                        .bytes = bytes,
                                        .turn = memo->peers_turn,
                                        .set = memo->set,
                                        .week = week};
    return &answer->estimate;
}

const struct sizes *size_memo_fit(struct size_memo *memo, const struct histogram *table,
                                  int64_t week)
{
    struct row *row = &memo->row[memo->set % ROWS];
    for (size_t i = 0; i < FITS; i++) {
        const struct fit *fit = &row->fit[i];
        if (fit->turn == memo->peers_turn && fit->set == memo->set && fit->table == table &&
            fit->sizes.week == week)
            return &fit->sizes;
    }
    struct fit *fit = &row->fit[row->next++ % FITS];
    fit->table = table;
    fit->turn = memo->peers_turn;
    fit->set = memo->set;
    tail_sizes(&fit->sizes, table, week);
    return &fit->sizes;
}

bool size_memo_peers(const struct size_memo *memo, const char *group, struct peers *peers)
{
    bool known = memo->kept_turn == memo->peers_turn && strcmp(memo->group, group) == 0;
    if (known)
        *peers = memo->peers;
    return known;
}

void size_memo_keep_peers(struct size_memo *memo, const char *group, const struct peers *peers)
{
    if (strlen(group) >= sizeof memo->group)
        return;
    strcpy(memo->group, group); // NOLINT(clang-analyzer-security.insecureAPI.strcpy)
    memo->peers = *peers;
    memo->kept_turn = memo->peers_turn;
}
