/* See size_memo.h. What is kept is marked with the number of what was last forgotten, so that
 * forgetting is counting. Thread: the engine's. */
#include "size_memo.h"

#include "tail.h"
#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define FITS 8 /* hours, days, what came from inside: of the group and of the fleet */

struct answer {
    const struct histogram *own;
    uint64_t bytes, turn;
    double survival;
};

struct fit {
    const struct histogram *table;
    uint64_t turn;
    struct sizes sizes;
};

struct size_memo {
    uint64_t turn; /* from 1 */
    struct answer answer[SIZE_MEMO_ANSWERS];
    struct fit fit[FITS];
    size_t next_fit;
    uint64_t peers_turn;
    char group[GROUP_NAME_SIZE];
    struct peers peers;
};

struct size_memo *size_memo_new(void)
{
    struct size_memo *memo = xcalloc(1, sizeof *memo);
    memo->turn = 1;
    return memo;
}

void size_memo_free(struct size_memo *memo)
{
    free(memo);
}

void size_memo_forget(struct size_memo *memo)
{
    if (memo)
        memo->turn++;
}

double *size_memo_answer(struct size_memo *memo, const struct histogram *own, uint64_t bytes,
                         bool *known)
{
    uint64_t hash =
        ((uintptr_t)own ^ bytes * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);
    struct answer *answer = &memo->answer[(hash >> 32) % SIZE_MEMO_ANSWERS];
    *known = answer->turn == memo->turn && answer->own == own && answer->bytes == bytes;
    if (!*known)
        *answer = (struct answer){.own = own, .bytes = bytes, .turn = memo->turn};
    return &answer->survival;
}

const struct sizes *size_memo_fit(struct size_memo *memo, const struct histogram *table,
                                  int64_t week)
{
    for (size_t i = 0; i < FITS; i++) {
        const struct fit *fit = &memo->fit[i];
        if (fit->turn == memo->turn && fit->table == table && fit->sizes.week == week)
            return &fit->sizes;
    }
    struct fit *fit = &memo->fit[memo->next_fit++ % FITS];
    fit->table = table;
    fit->turn = memo->turn;
    tail_sizes(&fit->sizes, table, week);
    return &fit->sizes;
}

bool size_memo_peers(const struct size_memo *memo, const char *group, struct peers *peers)
{
    bool known = memo->peers_turn == memo->turn && strcmp(memo->group, group) == 0;
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
    memo->peers_turn = memo->turn;
}
