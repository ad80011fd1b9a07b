/* Two that know of each other, neither owning the other: each lies in a struct of its own, and who
 * goes first says so by tie_cut. What is found by it needs no look into a map, and cannot have
 * gone. One thread. */
#ifndef WEIR_BASE_TIE_H
#define WEIR_BASE_TIE_H

#include <stddef.h>

struct tie {
    struct tie *other; /* NULL: none */
};

static inline void tie_cut(struct tie *tie)
{
    if (tie->other)
        tie->other->other = NULL;
    tie->other = NULL;
}

/* Both leave whom they had. */
static inline void tie_bind(struct tie *a, struct tie *b)
{
    tie_cut(a);
    tie_cut(b);
    a->other = b;
    b->other = a;
}

/* The struct of this type whose `member` a tie is. */
#define TIE_OWNER(tie, type, member) ((type *)(void *)((char *)(tie)-offsetof(type, member)))

#endif
