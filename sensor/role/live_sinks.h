/* The sinks of a live sensor: those of its configuration, and the file of -o. The courier opens
 * them; the engine only asks where they stand, for what the journal may forget. For the files of
 * this room only. */
#ifndef WEIR_ROLE_LIVE_SINKS_H
#define WEIR_ROLE_LIVE_SINKS_H

#include "weir/config/config.h"

struct live_sinks {
    struct sink_settings sink[CONFIG_SINKS];
    size_t count;
    char *path;        /* of the file of -o */
    const char *to[2]; /* the same, as a setting */
};

/* `config` outlives it; `folder` is -o, or "". */
void live_sinks_init(struct live_sinks *sinks, const struct config *config, const char *folder);
void live_sinks_fini(struct live_sinks *sinks);

#endif
