/* The keys of the configuration: one row each. For config.c and config_keys.c only. */
#ifndef WEIR_SENSOR_CONFIG_KEYS_H
#define WEIR_SENSOR_CONFIG_KEYS_H

#include "weir/base/buffer.h"
#include "weir/config/config.h"

struct reading {
    struct config *config;
    const char *name; /* of the file, or "--set" */
    const char *key;
    struct error *error;
};

struct key_row {
    const char *key;
    int (*read)(const struct reading *r, const struct yaml_node *node);
    void (*show)(const struct config *config, struct buffer *b); /* nothing: left out */
};

extern const struct key_row config_row[];
extern const size_t config_rows;

/* A copy that lives as long as the config. */
char *config_own(struct config *config, const char *text);
/* Zeroed room that lives as long, aligned for pointers. */
void *config_own_room(struct config *config, size_t size);
/* One more interface; vantage "": the default one. ERROR_USAGE: no name of an interface, too many.
 */
int config_take_interface(struct config *config, const char *name, const char *vantage,
                          struct error *error);
/* A whole number within these bounds. */
int config_whole(const struct reading *r, const struct yaml_node *node, uint32_t least,
                 uint32_t most, uint32_t *to);
/* tunnel_ports.c */
int config_read_tunnel_ports(const struct reading *r, const struct yaml_node *node);
void config_show_tunnel_ports(const struct config *config, struct buffer *b);
/* zones_keys.c */
int config_read_zones(const struct reading *r, const struct yaml_node *node);
void config_show_zones(const struct config *config, struct buffer *b);
int config_settle_zones(const struct config *config, struct error *error);
int config_read_conduits(const struct reading *r, const struct yaml_node *node);
void config_show_conduits(const struct config *config, struct buffer *b);
/* rules_keys.c */
/* Of a path as it was written in the file being read: absolute, the caller's. */
char *config_whole_path(const struct reading *r, const char *path);
int config_read_rules(const struct reading *r, const struct yaml_node *node);
void config_show_rules(const struct config *config, struct buffer *b);
/* bundle_settings.c */
void config_bundle_init(struct config *config);
/* Where no folder is named: beside the file being read, as the paths in it begin there. */
void config_bundle_beside(const struct reading *r);
int config_read_bundle_keys(const struct reading *r, const struct yaml_node *node);
void config_show_bundle_keys(const struct config *config, struct buffer *b);
int config_read_bundle_folder(const struct reading *r, const struct yaml_node *node);
void config_show_bundle_folder(const struct config *config, struct buffer *b);
/* content_keys.c */
int config_read_patterns(const struct reading *r, const struct yaml_node *node);
void config_show_patterns(const struct config *config, struct buffer *b);
/* privacy_keys.c */
int config_read_access_log(const struct reading *r, const struct yaml_node *node);
void config_show_access_log(const struct config *config, struct buffer *b);
int config_read_samples(const struct reading *r, const struct yaml_node *node);
void config_show_samples(const struct config *config, struct buffer *b);
int config_read_pseudonyms(const struct reading *r, const struct yaml_node *node);
void config_show_pseudonyms(const struct config *config, struct buffer *b);
int config_read_retention(const struct reading *r, const struct yaml_node *node);
void config_show_retention(const struct config *config, struct buffer *b);
/* evidence_keys.c */
extern const struct config_evidence config_evidence_default;
#define CONFIG_EVIDENCE_KEYS(X)                                                                    \
    X(enabled) X(mib) X(segment_mib) X(handshake_bytes) X(incident_mib) X(kept_mib)
#define CONFIG_EVIDENCE_KEY(key)                                                                   \
    int config_read_evidence_##key(const struct reading *r, const struct yaml_node *node);         \
    void config_show_evidence_##key(const struct config *config, struct buffer *b);
CONFIG_EVIDENCE_KEYS(CONFIG_EVIDENCE_KEY)
#undef CONFIG_EVIDENCE_KEY
/* console_keys.c */
void config_console_init(struct config *config);
#define CONFIG_CONSOLE_KEYS(X) X(enabled) X(listen) X(cert) X(key) X(users) X(names) X(streams)
#define CONFIG_CONSOLE_KEY(key)                                                                    \
    int config_read_console_##key(const struct reading *r, const struct yaml_node *node);          \
    void config_show_console_##key(const struct config *config, struct buffer *b);
CONFIG_CONSOLE_KEYS(CONFIG_CONSOLE_KEY)
#undef CONFIG_CONSOLE_KEY
/* sinks_keys.c */
int config_read_sinks(const struct reading *r, const struct yaml_node *node);
void config_show_sinks(const struct config *config, struct buffer *b);
/* A text in double quotes, as YAML reads it back. */
void config_show_quoted(struct buffer *b, const char *text);
/* "FILE:line:column: key: what it is, expected what". Returns -1. */
int config_refuse(const struct reading *r, const struct yaml_node *node, const char *expected);

/* config_inside.c: networks.inside; which vantage its interfaces are. */
int config_read_inside(const struct reading *r, const struct yaml_node *node);
void config_show_inside(const struct config *config, struct buffer *b);
int config_settle_inside(struct config *config, struct error *error);

#endif
