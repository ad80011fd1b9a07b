/* What a running sensor saw to pass between zones. */
#ifndef WEIR_COMMAND_ZONES_LIVE_H
#define WEIR_COMMAND_ZONES_LIVE_H

#include "weir/config/config.h"

struct zones_seen {
    struct conduit_seen *row; /* owned */
    size_t count;
    uint64_t unkept;    /* additions that found no room there */
    uint64_t given_way; /* rows, only tried, that gave way to others */
};

/* −1 and an error: none answers, or it has no zones. Rows of zones that `config` does not have are
 * left out. */
int zones_live(const struct config *config, struct zones_seen *seen, struct error *error);

#endif
