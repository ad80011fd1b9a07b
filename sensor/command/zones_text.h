/* What passes between zones, in words: the proposal of a matrix, and how far what was seen is from
 * the one there is. All texts are the caller's. */
#ifndef WEIR_COMMAND_ZONES_TEXT_H
#define WEIR_COMMAND_ZONES_TEXT_H

#include "weir/detect/zones.h"

char *zones_list_text(const struct zones *zones); /* NULL: none */
/* YAML, as networks.conduits takes it: what was seen and is not allowed yet. `locked`: so are the
 * lists of functions. */
char *zones_proposal(const struct zones *zones, const struct conduit_seen *const *seen,
                     size_t count, bool locked);
/* Of the same: how many rows are not in the matrix, the first ZONES_DRIFT_NAMED of them in a line
 * each (the caller's, NULL behind the last), and of how many conduits nothing was seen. */
#define ZONES_DRIFT_NAMED 5
struct zones_drift {
    size_t rows, silent;
    char *row[ZONES_DRIFT_NAMED];
};
void zones_drift_of(const struct zones *zones, const struct conduit_seen *seen, size_t count,
                    struct zones_drift *drift);
char *zones_drift_text(const struct zones *zones, const struct conduit_seen *const *seen,
                       size_t count);

#endif
