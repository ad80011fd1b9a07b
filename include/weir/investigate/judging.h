/* What a running sensor alerts on from its first minute, and what it still learns, with how long
 * that takes: said at its start and in its status, so that silence is not taken for nothing found.
 * Pure. */
#ifndef WEIR_INVESTIGATE_JUDGING_H
#define WEIR_INVESTIGATE_JUDGING_H

#include "weir/engine/engine.h"

#define JUDGING_LINES 8

struct judging {
    char
        *line[JUDGING_LINES]; /* owned; `now` of them are of what is judged, the rest is learning */
    size_t now, count;
};

void judging_of(struct judging *judging, const struct engine *engine, int learn_days);
void judging_fini(struct judging *judging);

#endif
