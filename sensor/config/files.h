/* The rule files of a source. For config/ only. */
#ifndef WEIR_SENSOR_CONFIG_FILES_H
#define WEIR_SENSOR_CONFIG_FILES_H

#include "weir/base/buffer.h"
#include "weir/base/cursor.h"
#include "weir/config/source.h"

void config_files_fini(struct config_files *files);
void config_files_copy(struct config_files *copy, const struct config_files *files);
void config_files_pack(const struct config_files *files, struct buffer *b);
/* Into empty ones; false: the bytes make no sense. */
bool config_files_unpack(struct config_files *files, const void *data, size_t size);
/* The one of this path, NULL: it is not held. */
const struct config_file *config_files_get(const struct config_files *files, const char *path);
/* Reads one more. */
int config_files_read(struct config_files *files, const char *path, bool rules,
                      struct error *error);

/* A rule file that is written here; takes the text. */
void config_files_add(struct config_files *files, const char *path, struct buffer *text);
/* A list of indicators as if a rule file named it: its format is what it begins with. */
int config_files_intel(struct config_files *files, const char *path, struct error *error);

/* rules_keys.c: config->rules from the files, read when they are not held yet. */
int config_load_rules(struct config *config, struct config_files *files, struct error *error);

/* zones_keys.c: the conduits of config->zones, likewise. */
int config_load_conduits(struct config *config, struct config_files *files, struct error *error);

#endif
