/* A weighted bottom-k sketch: see the header.
 *
 * Items lie unsorted: 64 are looked through faster than a heap is kept in order, and most sketches
 * hold a few, or one. The memory grows twofold from one item; four each may always have. Thread:
 * the engine's. */
#include "weir/detect/distinct.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 1u
#define ROOM_SURE  4u /* whatever the budget says */

/* u is never 0, so a rank is finite; it may be 0. */
static double rank_of(uint64_t hash, uint32_t weight)
{
    double u = ((double)(hash >> 11) + 1) / 9007199254740992.0; /* 2^53 */
    return -log(u) / weight;
}

static void turn_away(struct distinct *d, double rank)
{
    if (d->limit <= 0 || rank < d->limit)
        d->limit = rank;
}

static bool grow(struct distinct *d, struct distinct_budget *budget)
{
    uint32_t room = d->room ? 2 * d->room : ROOM_FIRST;
    size_t more = room - d->room;
    if (d->room >= DISTINCT_KEPT)
        return false;
    if (d->room >= ROOM_SURE && budget->limit > 0 && budget->used + more > budget->limit) {
        budget->shortened++;
        return false;
    }
    budget->used += more;
    d->item = xrealloc(d->item, room * sizeof *d->item);
    d->room = room;
    return true;
}

static uint32_t largest(const struct distinct *d)
{
    uint32_t at = 0;
    for (uint32_t i = 1; i < d->count; i++)
        if (d->item[i].rank > d->item[at].rank)
            at = i;
    return at;
}

static enum distinct_seen keep(struct distinct *d, struct distinct_budget *budget,
                               const struct distinct_item *item)
{
    if (d->limit > 0 && item->rank >= d->limit)
        return DISTINCT_BEYOND;
    /* once one was turned away it stays as small as it is: `limit` speaks of this many */
    if (d->count < d->room || (d->limit <= 0 && grow(d, budget))) {
        d->item[d->count++] = *item;
        return DISTINCT_NEW;
    }
    uint32_t at = largest(d);
    if (item->rank >= d->item[at].rank) {
        turn_away(d, item->rank);
        return DISTINCT_BEYOND;
    }
    turn_away(d, d->item[at].rank);
    d->item[at] = *item;
    return DISTINCT_NEW;
}

enum distinct_seen distinct_add(struct distinct *d, struct distinct_budget *budget, uint64_t hash,
                                uint32_t weight, uint32_t note)
{
    if (weight < 1)
        weight = 1;
    if (weight > DISTINCT_WEIGHT_MAX)
        weight = DISTINCT_WEIGHT_MAX;
    for (uint32_t i = 0; i < d->count; i++)
        if (d->item[i].hash == hash)
            return DISTINCT_AGAIN;
    struct distinct_item item = {hash, rank_of(hash, weight), weight, note};
    return keep(d, budget, &item);
}

void distinct_clear(struct distinct *d, struct distinct_budget *budget)
{
    budget->used -= d->room;
    free(d->item);
    *d = (struct distinct){0};
}

/* --- sums ------------------------------------------------------------------------------------ */

static bool holds(const struct distinct *d, uint64_t hash)
{
    for (uint32_t i = 0; i < d->count; i++)
        if (d->item[i].hash == hash)
            return true;
    return false;
}

static double smaller_limit(const struct distinct *a, const struct distinct *b)
{
    double limit = a->limit;
    if (b && b->limit > 0 && (limit <= 0 || b->limit < limit))
        limit = b->limit;
    return limit;
}

struct distinct_sums distinct_sum(const struct distinct *a, const struct distinct *b,
                                  bool (*counts)(void *context, const struct distinct_item *item),
                                  void *context)
{
    struct distinct_sums sums = {0};
    const struct distinct *both[] = {a, b};
    double limit = smaller_limit(a, b);
    for (size_t n = 0; n < 2 && both[n]; n++)
        for (uint32_t i = 0; i < both[n]->count; i++) {
            const struct distinct_item *item = &both[n]->item[i];
            if ((limit > 0 && item->rank >= limit) || (n == 1 && holds(a, item->hash)))
                continue;
            double stands_for = limit > 0 ? -1 / expm1(-(double)item->weight * limit) : 1;
            sums.things += stands_for;
            sums.weight += stands_for * item->weight;
            if (counts && !counts(context, item))
                continue;
            sums.counted_things += stands_for;
            sums.counted_weight += stands_for * item->weight;
        }
    return sums;
}

/* --- packed ---------------------------------------------------------------------------------- */

void distinct_pack(const struct distinct *d, struct buffer *out)
{
    buffer_put(out, &d->limit, sizeof d->limit);
    buffer_le32(out, d->room);
    buffer_le32(out, d->count);
    for (uint32_t i = 0; i < d->count; i++) {
        buffer_le64(out, d->item[i].hash);
        buffer_le32(out, d->item[i].weight);
        buffer_le32(out, d->item[i].note);
    }
}

static bool take_room(struct distinct *d, struct distinct_budget *budget, uint32_t room)
{
    if (room == 0)
        return true;
    if (room < ROOM_FIRST || room > DISTINCT_KEPT || (room & (room - 1)) != 0)
        return false;
    budget->used += room;
    d->item = xcalloc(room, sizeof *d->item);
    d->room = room;
    return true;
}

bool distinct_unpack(struct distinct *d, struct distinct_budget *budget, struct cursor *in)
{
    const uint8_t *limit = cursor_take(in, sizeof d->limit);
    if (limit)
        memcpy(&d->limit, limit, sizeof d->limit);
    uint32_t room = cursor_le32(in), count = cursor_le32(in);
    /* only a full one turns anything away */
    bool full = count == room && room > 0;
    if (in->failed || !(d->limit >= 0) || !isfinite(d->limit) || count > room ||
        (d->limit > 0 && !full) || !take_room(d, budget, room))
        return false;
    for (; d->count < count; d->count++) {
        struct distinct_item *item = &d->item[d->count];
        item->hash = cursor_le64(in);
        item->weight = cursor_le32(in);
        item->note = cursor_le32(in);
        if (item->weight < 1 || item->weight > DISTINCT_WEIGHT_MAX)
            return false;
        item->rank = rank_of(item->hash, item->weight);
        if (d->limit > 0 && item->rank >= d->limit)
            return false;
    }
    return !in->failed;
}
