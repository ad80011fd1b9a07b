/* evidence: {enabled: true, mib: 256, …}: what a running sensor keeps of packets
 * (docs/evidence.md). Thread: start-up only. */
#include "config_keys.h"

#include <string.h>

#define SEGMENTS 4096u /* of one worker: their heads are looked at several times a second */

const struct config_evidence config_evidence_default = {.enabled = false,
                                                        .mib = 256,
                                                        .segment_mib = 16,
                                                        .handshake_bytes = 4096,
                                                        .incident_mib = 64,
                                                        .kept_mib = 1024,
                                                        .days = 30};

int config_read_evidence_enabled(const struct reading *r, const struct yaml_node *node)
{
    bool yes = node->kind == YAML_SCALAR && !node->quoted && strcmp(node->text, "true") == 0;
    if (!yes && (node->kind != YAML_SCALAR || node->quoted || strcmp(node->text, "false") != 0))
        return config_refuse(r, node, "true or false");
    r->config->evidence.enabled = yes;
    return 0;
}

void config_show_evidence_enabled(const struct config *config, struct buffer *b)
{
    buffer_text(b, config->evidence.enabled ? "true" : "false");
}

#define NUMBER(key, least, most)                                                                   \
    int config_read_evidence_##key(const struct reading *r, const struct yaml_node *node)          \
    {                                                                                              \
        return config_whole(r, node, least, most, &r->config->evidence.key);                       \
    }                                                                                              \
    void config_show_evidence_##key(const struct config *config, struct buffer *b)                 \
    {                                                                                              \
        buffer_text(b, "%u", config->evidence.key);                                                \
    }
NUMBER(mib, 2, 1048576)
NUMBER(segment_mib, 1, 64)
NUMBER(handshake_bytes, 0, 65536)
NUMBER(incident_mib, 1, 8192)
NUMBER(kept_mib, 1, 1048576)
#undef NUMBER

int config_check_evidence(const struct config *config, struct error *error)
{
    const struct config_evidence *e = &config->evidence;
    uint32_t least = 2 * e->segment_mib * (config->workers > 0 ? config->workers : 1);
    if (!e->enabled)
        return 0;
    if (config->workers == 0)
        return error_set(
            error, ERROR_USAGE,
            "evidence: packets are held by capture processes, expected at least 1 worker "
            "(or evidence: {enabled: false})");
    if (e->mib < least)
        return error_set(
            error, ERROR_USAGE,
            "evidence: mib is %u, expected at least %u: two segments of %u for each of "
            "%u workers",
            e->mib, least, e->segment_mib, config->workers);
    if (e->mib / e->segment_mib / config->workers > SEGMENTS)
        return error_set(
            error, ERROR_USAGE,
            "evidence: segment_mib is %u, expected a larger one: a worker's part of %u MiB "
            "has at most %u segments",
            e->segment_mib, e->mib, SEGMENTS);
    return 0;
}
