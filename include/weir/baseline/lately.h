/* What was told lately of one side of a host, for its silence: within SILENT_DAYS the same is not
 * told again unless it has grown by SILENT_FACTOR. The same is what leads to the same place, and
 * what was told of, or is found in, the host as a whole: that may be any place's doing. What leads
 * to another place is another story, however much the first one was.
 *
 * Bound: LATELY_PLACES. Where so many were told within the week, what leads to one more is held
 * against all of them, as what is found in the host is: who goes from place to place is one story.
 * It takes the place of the one told longest ago. Thread: any (pure). */
#ifndef WEIR_BASELINE_LATELY_H
#define WEIR_BASELINE_LATELY_H

#include <stdbool.h>
#include <stdint.h>

#define SILENT_DAYS   7
#define SILENT_FACTOR 1.3
#define LATELY_PLACES 4

struct last_told {
    int32_t day;
    float e;        /* 0: never */
    uint32_t place; /* fused_place: of what said most; 0: the host itself */
};

struct told_lately { /* all zero: nothing */
    struct last_told at[LATELY_PLACES];
};

/* The E below which what leads to that place on that day is silent; 0: it is not. What was told on
 * days before `since` is left out. */
double lately_silent_e(const struct told_lately *lately, int64_t day, uint32_t place,
                       int64_t since);
bool lately_on(const struct told_lately *lately, int64_t day); /* something was told that day */
void lately_tell(struct told_lately *lately, int64_t day, double e, uint32_t place);
void lately_forget(struct told_lately *lately, int64_t before); /* that day */

#endif
