/* evidence: {enabled: true, mib: 256, …}: what a running sensor keeps of packets
 * (docs/evidence.md). Thread: start-up only. */
#include "config_keys.h"

#include <stddef.h>
#include <string.h>

#define SEGMENTS 4096u /* of one worker: their heads are looked at several times a second */

const struct config_evidence config_evidence_default = {.enabled = false,
                                                        .mib = 256,
                                                        .segment_mib = 16,
                                                        .handshake_bytes = 4096,
                                                        .incident_mib = 64,
                                                        .kept_mib = 1024,
                                                        .days = 30};

static const struct number_row {
    const char *key;
    size_t at;
    uint32_t least, most;
} number[] = {
    {"mib", offsetof(struct config_evidence, mib), 2, 1048576},
    {"segment_mib", offsetof(struct config_evidence, segment_mib), 1, 64},
    {"handshake_bytes", offsetof(struct config_evidence, handshake_bytes), 0, 65536},
    {"incident_mib", offsetof(struct config_evidence, incident_mib), 1, 8192},
    {"kept_mib", offsetof(struct config_evidence, kept_mib), 1, 1048576},
};
#define NUMBERS (sizeof number / sizeof *number)

static int read_enabled(const struct reading *r, const struct yaml_node *node)
{
    bool yes = node->kind == YAML_SCALAR && !node->quoted && strcmp(node->text, "true") == 0;
    if (!yes && (node->kind != YAML_SCALAR || node->quoted || strcmp(node->text, "false") != 0))
        return config_refuse(r, node, "enabled: true or false");
    r->config->evidence.enabled = yes;
    return 0;
}

static int read_number(const struct reading *r, const struct yaml_node *node)
{
    for (size_t i = 0; i < NUMBERS; i++) {
        if (strcmp(number[i].key, node->key) != 0)
            continue;
        void *to = (char *)&r->config->evidence + number[i].at;
        return config_whole(r, node, number[i].least, number[i].most, to);
    }
    return error_set(r->error, ERROR_USAGE,
                     "%s:%d:%d: %s: unknown key \"%.60s\", expected one of: enabled, mib, "
                     "segment_mib, handshake_bytes, incident_mib, kept_mib",
                     r->name, node->key_line, node->key_column, r->key, node->key);
}

int config_read_evidence(const struct reading *r, const struct yaml_node *node)
{
    if (node->kind != YAML_MAP)
        return config_refuse(r, node, "a mapping such as {enabled: true, mib: 256}");
    for (const struct yaml_node *key = node->child; key; key = key->next)
        if (strcmp(key->key, "enabled") == 0 ? read_enabled(r, key) != 0 : read_number(r, key) != 0)
            return -1;
    return 0;
}

void config_show_evidence(const struct config *config, struct buffer *b)
{
    buffer_text(b, "{enabled: %s", config->evidence.enabled ? "true" : "false");
    for (size_t i = 0; i < NUMBERS; i++) {
        uint32_t value;
        memcpy(&value, (const char *)&config->evidence + number[i].at, sizeof value);
        buffer_text(b, ", %s: %u", number[i].key, value);
    }
    buffer_text(b, "}");
}

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
