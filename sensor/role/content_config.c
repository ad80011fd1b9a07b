/* See content_config.h. Thread: start-up only. */
#include "content_config.h"

_Static_assert(CONFIG_PATTERNS <= CONTENT_PATTERNS, "all that are read are looked for");

struct content_config role_content_config(const struct config *config, const struct hash_key *key,
                                          struct content_pattern room[CONFIG_PATTERNS])
{
    for (size_t i = 0; i < config->pattern_count; i++)
        room[i] = (struct content_pattern){config->pattern[i].name, config->pattern[i].pattern};
    return (struct content_config){.stream = stream_config_default(),
                                   .key = *key,
                                   .bindings = config->by_device,
                                   .applications = true,
                                   .samples = config->content_samples,
                                   .pattern = room,
                                   .pattern_count = config->pattern_count};
}
