/* A sorted array with a moving front. Episodes are short and mostly touch one end: a late segment
 * extends the last span, a window seen backwards extends the first, and both merge instead of
 * growing. The caller bounds the count. Distances are taken modulo 2^32: all spans of one direction
 * lie within 2^31 of each other, which the stream's plausibility window guarantees.
 * Thread: the capture thread. */
#include "spans.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define SPANS_ROOM_FIRST 8

/* Index of the lowest span that ends after `seq`; `last` when there is none. */
static uint32_t index_from(const struct spans *spans, uint32_t seq)
{
    uint32_t low = spans->first, high = spans->last;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (seq_after(spans->at[middle].end, seq))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

const struct span *spans_from(const struct spans *spans, uint32_t seq)
{
    uint32_t index = index_from(spans, seq);
    return index == spans->last ? NULL : &spans->at[index];
}

/* Room for one more at the end; slides the entries down before it grows. */
static void make_room(struct spans *spans)
{
    if (spans->at && spans->last < spans->room)
        return;
    uint32_t count = spans_count(spans);
    if (spans->at && spans->first > spans->room / 2) {
        memmove(spans->at, spans->at + spans->first, count * sizeof *spans->at);
        spans->first = 0;
        spans->last = count;
        return;
    }
    spans->room = spans->room ? 2 * spans->room : SPANS_ROOM_FIRST;
    spans->at = xrealloc(spans->at, spans->room * sizeof *spans->at);
}

static void insert_at(struct spans *spans, uint32_t index, struct span span)
{
    if (spans->at && index == spans->first && spans->first > 0) {
        spans->at[--spans->first] = span;
        return;
    }
    uint32_t offset = index - spans->first;
    make_room(spans);
    struct span *slot = spans->at + spans->first + offset;
    memmove(slot + 1, slot, (spans_count(spans) - offset) * sizeof *slot);
    *slot = span;
    spans->last++;
}

static void remove_at(struct spans *spans, uint32_t index)
{
    struct span *slot = spans->at + index;
    spans->last--;
    memmove(slot, slot + 1, (spans->last - index) * sizeof *slot);
}

void spans_put(struct spans *spans, uint32_t start, uint32_t end, bool cut)
{
    uint32_t index = index_from(spans, start);
    struct span *left = index > spans->first ? &spans->at[index - 1] : NULL;
    struct span *right = index < spans->last ? &spans->at[index] : NULL;
    bool joins_left = left && left->end == start && left->cut == cut;
    bool joins_right = right && right->start == end && right->cut == cut;
    if (joins_left && joins_right) {
        left->end = right->end;
        remove_at(spans, index);
    } else if (joins_left) {
        left->end = end;
    } else if (joins_right) {
        right->start = start;
    } else {
        insert_at(spans, index, (struct span){start, end, cut});
    }
}

struct span spans_take_front(struct spans *spans)
{
    struct span front = spans->at[spans->first++];
    if (spans->first == spans->last)
        spans->first = spans->last = 0;
    return front;
}

void spans_fini(struct spans *spans)
{
    free(spans->at);
    *spans = (struct spans){0};
}
