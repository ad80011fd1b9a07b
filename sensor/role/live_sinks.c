/* See live_sinks.h. Bounds: CONFIG_SINKS, of which a configuration leaves two. Thread: the one that
 * has it. */
#include "live_sinks.h"

#include "weir/base/buffer.h"

#include <stdlib.h>
#include <string.h>

void live_sinks_init(struct live_sinks *sinks, const struct config *config, const char *folder)
{
    *sinks = (struct live_sinks){.count = config->sink_count};
    memcpy(sinks->sink, config->sink, config->sink_count * sizeof *sinks->sink);
    if (!*folder)
        return;
    sinks->to[0] = sinks->path = xasprintf("%s/alerts.ndjson", folder);
    sink_settings_file(&sinks->sink[sinks->count++], "+output", sinks->to);
}

void live_sinks_fini(struct live_sinks *sinks)
{
    free(sinks->path);
    *sinks = (struct live_sinks){.count = 0};
}
