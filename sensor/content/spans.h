/* Which sequence numbers of one direction wait out of order: sorted, disjoint spans, neighbours of
 * one kind merged. A span of data stands for bytes queued in libnids; a span that is `cut` stands
 * for bytes the snap length took away, which will never come. */
#ifndef WEIR_CONTENT_SPANS_H
#define WEIR_CONTENT_SPANS_H

#include <stdbool.h>
#include <stdint.h>

struct span {
    uint32_t start, end; /* [start, end), modulo 2^32 */
    bool cut;
};

/* Entries [first, last) of `at` are in use. All zero is empty. */
struct spans {
    struct span *at;
    uint32_t first, last, room;
};

/* a is after b, modulo 2^32. */
static inline bool seq_after(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

static inline uint32_t spans_count(const struct spans *spans)
{
    return spans->last - spans->first;
}

/* The lowest span, or NULL. */
static inline const struct span *spans_front(const struct spans *spans)
{
    return spans->first == spans->last ? 0 : &spans->at[spans->first];
}

/* The lowest span that ends after `seq` (it may cover it), or NULL. */
const struct span *spans_from(const struct spans *spans, uint32_t seq);
/* [start, end) overlaps no span that is there. */
void spans_put(struct spans *spans, uint32_t start, uint32_t end, bool cut);
struct span spans_take_front(struct spans *spans);
void spans_fini(struct spans *spans);

#endif
