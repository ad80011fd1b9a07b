/* See weir/investigate/contains.h. */
#include "weir/investigate/contains.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

void contains_add(struct contains *contains, const char *text, size_t size, uint64_t hash)
{
    if (contains->count == contains->room) {
        contains->room = contains->room ? 2 * contains->room : 64;
        contains->item = xrealloc(contains->item, contains->room * sizeof *contains->item);
    }
    char *copy = xcalloc(size + 1, 1);
    memcpy(copy, text, size);
    contains->item[contains->count++] = (struct contains_item){copy, hash, false};
}

void contains_ask(struct contains *contains, const struct sift_filter *filter)
{
    contains->filters++;
    contains->filters_lost += filter->bits == 0;
    if (filter->bits == 0)
        return;
    contains->rate += filter->rate; /* any of them may err */
    for (size_t i = 0; i < contains->count; i++) {
        struct contains_item *item = &contains->item[i];
        item->seen = item->seen || (item->hash && sift_filter_has(filter, item->hash));
    }
}

enum contains_answer contains_answer(const struct contains *contains, size_t item)
{
    const struct contains_item *asked = &contains->item[item];
    if (asked->hash && asked->seen)
        return CONTAINS_SEEN;
    bool known = contains->kept && contains->filters_lost == 0 && contains->without_room == 0;
    return known && asked->hash ? CONTAINS_NOT_SEEN : CONTAINS_CANNOT_SAY;
}

void contains_fini(struct contains *contains)
{
    for (size_t i = 0; i < contains->count; i++)
        free(contains->item[i].text);
    free(contains->item);
    *contains = (struct contains){.count = 0};
}
