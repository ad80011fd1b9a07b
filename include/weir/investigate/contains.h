/* Were these among what left? A list of items, and what the filters of sift.h answer. Bounds:
 * CONTAINS_MAX items. Thread: any. */
#ifndef WEIR_INVESTIGATE_CONTAINS_H
#define WEIR_INVESTIGATE_CONTAINS_H

#include "weir/investigate/sift.h"

#define CONTAINS_MAX 1000000u

enum contains_answer { CONTAINS_NOT_SEEN, CONTAINS_SEEN, CONTAINS_CANNOT_SAY };

struct contains_item {
    char *text;    /* as it was given */
    uint64_t hash; /* 0: nothing that is counted as an address */
    bool seen;
};

struct contains {
    struct contains_item *item;
    size_t count, room;
    bool kept;                    /* filters were kept at all */
    size_t filters, filters_lost; /* in question; of these without a filter */
    double rate;                  /* of a false "seen": of all filters together, at most */
    uint64_t without_room;        /* items that no filter has */
};

void contains_add(struct contains *contains, const char *text, size_t size, uint64_t hash);
void contains_ask(struct contains *contains, const struct sift_filter *filter);
enum contains_answer contains_answer(const struct contains *contains, size_t item);
void contains_fini(struct contains *contains);

#endif
