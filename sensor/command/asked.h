/* What a replay is asked for: of which times, up to when it only learns, about whom it tells.
 * Thread: start-up. */
#ifndef WEIR_COMMAND_ASKED_H
#define WEIR_COMMAND_ASKED_H

#include "weir/capture/capture.h"
#include "weir/config/config.h"
#include "weir/engine/engine.h"

struct asked { /* as it was said; NULL: not */
    const char *since, *until, *learn_until, *host, *destination;
};

/* Times are the site's where they say no zone. `asked` outlives `told`. −1: one makes no sense. */
int asked_read(const struct asked *asked, const struct config *config, struct capture_times *times,
               struct engine_told *told, struct error *error);

#endif
