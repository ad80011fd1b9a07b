/* What a configuration is made from: the text of a file, then --set, then --inside and -i, in that
 * order. Kept as it was given, so that another process can be handed the same (the engine is), and
 * so that a changed file can be read beside the one that holds. Thread: the main thread. */
#ifndef WEIR_CONFIG_SOURCE_H
#define WEIR_CONFIG_SOURCE_H

#include "weir/base/buffer.h"
#include "weir/config/config.h"

#define CONFIG_WORDS 256 /* of each kind */

struct config_words {
    const char *word[CONFIG_WORDS];
    size_t count;
};

/* Rule files and the lists they name, as they were when the configuration was read first: whoever
 * is handed the source has the same, whatever became of the files. */
struct config_file {
    char *path, *text; /* owned */
    size_t size;
    bool rules; /* else a list that a rule file names */
};

#define CONFIG_FILES       128
#define CONFIG_FILES_BYTES (UINT64_C(64) << 20) /* all together */

struct config_files {
    struct config_file *file;
    size_t count;
    uint64_t bytes;
    bool held; /* they were read */
    /* Looked for below `aside` are those below `instead`: what is to take its place, before it
     * does. Of the rules that are named, or behind them when none is there. NULL: none; borrowed */
    const char *aside, *instead;
};

struct config_source {
    const char *path; /* of the file; NULL: none */
    char *text;       /* what it held when it was read; owned */
    size_t text_size;
    const char *intel; /* one more list of indicators, a path; NULL: none; borrowed, not packed */
    struct config_files files;                  /* read by the first config_load */
    struct config_words set, inside, interface; /* borrowed: the command line's, or of `packed` */
    char *packed;                               /* owned */
};

/* A source that may outlive the other's text: what it borrows is the same. */
void config_source_copy(struct config_source *copy, const struct config_source *source);
/* Reads the file at source->path, when there is one. ERROR_USAGE: cannot be read. */
int config_source_read(struct config_source *source, struct error *error);
/* The settings alone, in their order, into a new configuration: no rule file or table of conduits
 * is read. */
int config_load_settings(struct config *config, const struct config_source *source,
                         struct error *error);
/* Everything in its order into a new configuration, rules too; config_fini it whatever comes back.
 */
int config_load(struct config *config, struct config_source *source, struct error *error);
/* As bytes and back. config_source_unpack: ERROR_RUN when they make no sense. */
void config_source_pack(const struct config_source *source, struct buffer *b);
int config_source_unpack(struct config_source *source, const void *data, size_t size,
                         struct error *error);
void config_source_fini(struct config_source *source);

#endif
