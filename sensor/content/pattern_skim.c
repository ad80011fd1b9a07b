/* Where do anchors stand? One pass for all of them, at every other byte.
 *
 * Of each anchor two neighbouring groups of three bytes are taken, the least everyday ones; one of
 * the two stands at an even place of the buffer wherever the anchor stands. A table of 32 KiB,
 * small enough for the nearest cache, says whether three bytes could be such a group; only then is
 * the anchor itself compared. (A library that looks for a hundred literals costs some ten times as
 * much: docs/content.md.)
 *
 * Bounds: a group that is found costs the anchors that share its list, which are few and ours;
 * bytes behind the buffer's end are read, never trusted (PATTERN_SLACK). Thread: start-up, then the
 * capture thread. */
#include "pattern_set.h"

#include <string.h>

#define GROUP 3u
#define LISTS 256u

/* Four bytes: the fourth is no part of the group, and the hash does not see it. */
static uint32_t group_at(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t hash_of(uint32_t group)
{
    return (group * (UINT32_C(0x9e3779b1) << 8)) >> 17;
}

/* How everyday a group is: small letters and blanks stand in every text. */
static unsigned everyday(const char *group)
{
    unsigned sum = 0;
    for (size_t i = 0; i < GROUP; i++)
        sum += (group[i] >= 'a' && group[i] <= 'z') || group[i] == ' ' ? 2 : 1;
    return sum;
}

/* Where the two groups begin. */
static size_t best_place(const char *anchor, size_t size)
{
    size_t best = 0;
    for (size_t at = 1; at + GROUP + 1 <= size; at++)
        if (everyday(anchor + at) + everyday(anchor + at + 1) <
            everyday(anchor + best) + everyday(anchor + best + 1))
            best = at;
    return best;
}

void skim_add(struct skim *skim, const struct pattern *pattern, size_t row)
{
    size_t place = best_place(pattern->row.anchor, pattern->anchor_size);
    for (size_t offset = place; offset < place + 2; offset++) {
        uint8_t bytes[4] = {0};
        memcpy(bytes, pattern->row.anchor + offset, GROUP);
        uint32_t hash = hash_of(group_at(bytes));
        struct skim_entry *entry = &skim->entry[++skim->entries]; /* 0 is the end of a list */
        *entry = (struct skim_entry){(uint16_t)hash, (uint16_t)row, (uint16_t)offset,
                                     skim->list[hash % LISTS]};
        skim->list[hash % LISTS] = (uint16_t)skim->entries;
        skim->may_be[hash] = 1;
    }
}

static unsigned may_be(const struct skim *skim, const uint8_t *at)
{
    return skim->may_be[hash_of(group_at(at))];
}

/* Which anchors have this group, and stand there? */
static void look_closer(struct pattern_set *set, size_t at, size_t size, size_t old)
{
    const struct skim *skim = &set->skim;
    uint32_t hash = hash_of(group_at(set->buffer + at));
    for (unsigned i = skim->list[hash % LISTS]; i; i = skim->entry[i].next) {
        const struct skim_entry *entry = &skim->entry[i];
        const struct pattern *pattern = &set->pattern[entry->row];
        size_t begin = at - entry->offset;
        if (entry->hash == hash && at >= entry->offset && size - begin >= pattern->anchor_size &&
            begin < size &&
            memcmp(set->buffer + begin, pattern->row.anchor, pattern->anchor_size) == 0)
            look_see(set, entry->row, begin + pattern->anchor_size, old);
    }
}

void skim_look(struct pattern_set *set, size_t size, size_t old)
{
    const struct skim *skim = &set->skim;
    for (size_t at = 0; at < size; at += 8) {
        const uint8_t *b = set->buffer + at;
        if (!(may_be(skim, b) | may_be(skim, b + 2) | may_be(skim, b + 4) | may_be(skim, b + 6)))
            continue;
        for (size_t i = 0; i < 8; i += 2)
            if (may_be(skim, b + i))
                look_closer(set, at + i, size, old);
    }
}
